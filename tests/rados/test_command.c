/*
 * `segj` takes rados:POOL/NAME for a directory: a journal is copied to a cluster, looked at, brought up to date, and copied
 * back; what is no such place, and what is not there, is said.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rados/worker.h"

/* Runs a line of the shell with the command in $SEGJ; what it prints is in `output`. Gives its answer. */
static int run(const char *line, char output[4096])
{
    char command[8192];
    size_t size = 0;
    size_t more;
    (void)snprintf(command, sizeof command,
                   "exec 2>&1; CEPH_CONF=\"$SEGJ_CEPH/ceph.conf\"; export CEPH_CONF; SEGJ='%s'; %s", SEGJ_COMMAND,
                   line);
    FILE *stream = popen(command, "r"); /* NOLINT(cert-env33-c): a program of this project's */
    assert_non_null(stream);
    while (size + 1 < 4096 && (more = fread(output + size, 1, 4095 - size, stream)) > 0)
        size += more;
    output[size] = '\0';
    int answer = pclose(stream);
    return WIFEXITED(answer) ? WEXITSTATUS(answer) : -1;
}

static void expect(const char *script, const char *one, const char *other, int answer, const char *said)
{
    char line[4096];
    char output[4096];
    (void)snprintf(line, sizeof line, "set -- '%s' '%s'; %s", one, other, script);
    int got = run(line, output);
    if (got != answer || strstr(output, said) == NULL)
        fail_msg("%s\nanswers %d, expected %d and \"%s\":\n%s", line, got, answer, said, output);
}

static void a_journal_goes_there_and_back(void **state)
{
    char room[64];
    char name[128];
    (void)state;
    path_t root = make_temp_directory();
    path_t files = join_path(root.text, "files");
    path_t back = join_path(root.text, "back");
    oversized_config_t config = worker_config(NULL, files.text);
    oversized_t *journal = NULL;
    assert_ok(oversized_open(&config, &journal));
    for (uint64_t i = 0; i < 120; i++)
        assert_ok(number_append_only(journal, i));
    assert_ok(oversized_close(journal));
    (void)snprintf(name, sizeof name, "rados:segj@segj/%s", cluster_directory(room));
    expect("$SEGJ copy \"$1\" \"$2\"", files.text, name, 0, "120 records in 3 sections are copied");
    expect("$SEGJ stat \"$1\"", name, "", 0, "120 records in 3 sections");
    expect("$SEGJ verify \"$1\"", name, "", 0, "fine: 120 records");
    expect("$SEGJ tail -n 1 -v text \"$1\"", name, "", 0, "number 119");
    assert_ok(oversized_open(&config, &journal));
    for (uint64_t i = 120; i < 140; i++)
        assert_ok(number_append_only(journal, i));
    assert_ok(oversized_close(journal));
    expect("$SEGJ copy \"$1\" \"$2\"", files.text, name, 0, "it had 2 of the sections already");
    expect("$SEGJ copy \"$1\" \"$2\"", name, back.text, 0, "140 records in 3 sections are copied");
    config.directory = back.text;
    assert_ok(oversized_open(&config, &journal));
    assert_int_equal(numbers_check(journal), 140);
    assert_ok(oversized_close(journal));
    remove_tree(root.text);
}

static void what_is_wrong_is_said(void **state)
{
    (void)state;
    expect("$SEGJ stat \"$1\"", "rados:segj", "", 1, "rados:POOL/NAME");
    expect("$SEGJ stat \"$1\"", "rados:segj@segj/nothing-there", "", 2, "there is no journal");
    expect("$SEGJ stat \"$1\"", "rados:segj@nopool/x", "", 2, "there is no pool nopool");
    expect("$SEGJ copy \"$1\" \"$2\"", "rados:segj/x", "rados:other/x", 1, "in two pools");
    expect("$SEGJ stat \"$1\"", "rados:nobody@segj/x", "", 2, "connecting to the cluster");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_journal_goes_there_and_back),
        cmocka_unit_test(what_is_wrong_is_said),
    };
    if (!cluster_is_there())
        return 77;
    if (access(SEGJ_COMMAND, X_OK) != 0) {
        printf("SKIPPED: the command segj is not built\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
