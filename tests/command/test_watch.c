/*
 * command/test_watch.c: `segj watch` counts what is appended, taken back and removed beside it, tells what is not synced,
 * and ends when it is told to or nobody reads it any more. Rates are not compared.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/shell.h"

/* Sections 3 (two records) and 9 (one record), closed. */
static void make_journal(shell_t *shell)
{
    path_t directory = join_path(shell->root.text, "journal");
    shell->config.directory = directory.text;
    assert_ok(oversized_open(&shell->config, &shell->journal));
    assert_ok(oversized_append(shell->journal, 3, "12345678", "first", 5, NULL, NULL));
    assert_ok(oversized_append(shell->journal, 3, "12345678", "second", 6, NULL, NULL));
    assert_ok(oversized_append(shell->journal, 9, "12345678", "nine", 4, NULL, NULL));
    assert_ok(oversized_close(shell->journal));
    shell->journal = NULL;
}

/* Functions for the lines. `begin OPTION...` watches the journal into a pipe, and has read its first line, so that what is
 * done next is seen. `until TEXT...` reads lines until one has all the texts. `finish` interrupts it and shows the answer. */
static const char functions[] =
    "begin() { mkfifo pipe; '" SEGJ_COMMAND "' watch \"$@\" journal >pipe & pid=$!; exec 3<pipe; read -r line <&3; }\n"
    "has() { for text in \"$@\"; do case $line in *\"$text\"*) ;; *) return 1 ;; esac; done; }\n"
    "until_has() { while ! has \"$@\"; do read -r line <&3 || return 1; done; }\n"
    "finish() { kill -INT $pid; while read -r more <&3; do line=$more; done; wait $pid; echo $?; }\n"
    "counts() { echo \"$line\" | sed 's/\"since\":\"[-0-9]*T[0-9:]*Z\",\"seconds\":[0-9]*,.*\\(\"records\"\\)/\\1/'; "
    "}\n";

static void watched(const shell_t *shell, const char *line, const char *out, const char *err)
{
    char whole[4000];
    (void)snprintf(whole, sizeof whole, "%s%s", functions, line);
    shell_expect(shell, whole, 0, out, err);
}

static void an_idle_journal_is_waited_for(void **state)
{
    const shell_t *shell = *state;
    make_journal(*state);
    shell_expect(shell, "segj watch -n 2 journal | sed 's/^[0-9]* s/N s/'", 0,
                 "N s: 0 records/s, 0 B/s; average 0 records/s, 0 B/s; seen 0 records, 0 B; unsynced 0; sections 2, "
                 "newest 9; taken back 0, removed 0, damaged 0\n"
                 "N s: 0 records/s, 0 B/s; average 0 records/s, 0 B/s; seen 0 records, 0 B; unsynced 0; sections 2, "
                 "newest 9; taken back 0, removed 0, damaged 0\n",
                 NULL);
    shell_expect(shell, "segj watch -n 0 journal", 0, "", NULL);
    watched(shell, "segj watch -n 1 --json journal | while read -r line; do counts; done",
            "{\"kind\":\"second\",\"records\":0,\"bytes\":0,\"stored_bytes\":0,\"damaged\":0,\"rewound\":{\"times\":0},"
            "\"removed\":{\"times\":0},\"journal_records\":3,\"unsynced\":0,\"sections\":2,\"newest_section\":9}\n"
            "{\"kind\":\"end\",\"records\":0,\"bytes\":0,\"stored_bytes\":0,\"damaged\":0,\"rewound\":{\"times\":0},"
            "\"removed\":{\"times\":0},\"journal_records\":3,\"unsynced\":0,\"sections\":2,\"newest_section\":9}\n",
            NULL);
}

static void json_is_json(void **state)
{
    const shell_t *shell = *state;
    if (system("jq --version >/dev/null 2>&1") != 0)
        SKIP("there is no jq");
    make_journal(*state);
    shell_expect(shell, "segj watch -n 1 --json journal | jq -c '[.kind, .average_bytes_per_second, .newest_section]'",
                 0, "[\"second\",0,9]\n[\"end\",0,9]\n", NULL);
}

/* Writers come and go meanwhile. What they have synced is unsynced to nobody when they have ended. */
static void what_comes_is_counted(void **state)
{
    const shell_t *shell = *state;
    make_journal(*state);
    watched(
        shell,
        "begin --json; printf '%s\\n' one two three | segj import --lines journal 11 >said\n"
        "until_has '\"records\":3,\"bytes\":11,' '\"journal_records\":6,\"unsynced\":0,'; finish; counts\n",
        "130\n{\"kind\":\"end\",\"records\":3,\"bytes\":11,\"stored_bytes\":23,\"damaged\":0,\"rewound\":{\"times\":0},"
        "\"removed\":{\"times\":0},\"journal_records\":6,\"unsynced\":0,\"sections\":3,\"newest_section\":11}\n",
        NULL);
}

static void what_goes_is_told(void **state)
{
    const shell_t *shell = *state;
    make_journal(*state);
    watched(shell,
            "begin; segj rewind -y journal 9:0 >said; until_has 'taken back 1, removed 0' 'unsynced 0; sections 2, '\n"
            "segj prune -y journal 9 >said; until_has 'sections 1, newest 9; taken back 1, removed 1'; finish\n",
            "130\n", NULL);
    watched(shell,
            "rm pipe; begin --json; segj import --entry-size=8 journal 9 said >more; until_has '\"records\":1,'\n"
            "segj rewind -y journal 9:0 >more\n"
            "until_has '\"rewound\":{\"times\":1,\"section\":9,\"position\":0}' '\"journal_records\":0,'; finish\n",
            "130\n", NULL);
}

static void what_is_not_synced_is_told(void **state)
{
    shell_t *shell = *state;
    make_journal(shell);
    path_t directory = join_path(shell->root.text, "journal");
    shell->config.directory = directory.text;
    assert_ok(oversized_open(&shell->config, &shell->journal));
    for (unsigned i = 0; i < 5; i++)
        assert_ok(oversized_append(shell->journal, 10, "12345678", "x", 1, NULL, NULL));
    assert_ok(oversized_flush(shell->journal, 10));
    shell_expect(shell, "segj watch -n 1 journal | grep -o 'unsynced.*newest [0-9]*'", 0,
                 "unsynced 5; sections 3, newest 10\n", NULL);
}

/* It is stopped until the value is damaged. */
static void a_damaged_value_is_counted(void **state)
{
    const shell_t *shell = *state;
    make_journal(*state);
    watched(
        shell,
        "begin --json; kill -STOP $pid; printf '%s\\n' one two | segj import --lines journal 11 >said\n"
        "printf x | dd of=journal/values/000000000000000b bs=1 seek=4096 conv=notrunc 2>/dev/null; kill -CONT $pid\n"
        "until_has '\"records\":2,\"bytes\":3,' '\"damaged\":1,'; finish\n",
        "130\n", "checksum");
}

static void what_cannot_be_watched_is_told(void **state)
{
    shell_t *shell = *state;
    path_t directory = join_path(shell->root.text, "journal");
    shell_expect(shell, "segj watch journal", 2, "", "there is no journal");
    shell->config.directory = directory.text;
    shell->config.format = SEGJ_FORMAT_COMMONWARE;
    shell->config.native_version = 0;
    assert_ok(oversized_open(&shell->config, &shell->journal));
    assert_ok(oversized_append(shell->journal, 3, "12345678", "first", 5, NULL, NULL));
    assert_ok(oversized_close(shell->journal));
    shell->journal = NULL;
    shell_expect(shell, "segj watch journal", 2, "", "`segj stat journal`");
}

static void the_end_of_its_reader_ends_it(void **state)
{
    const shell_t *shell = *state;
    make_journal(*state);
    shell_expect(shell, "{ segj watch journal; echo $? >answer; } | head -n 1 | cut -c 1-2; cat answer", 0, "0 \n0\n",
                 NULL);
}

int main(void)
{
#ifndef SEGJ_COMMAND_BUILT
    print_message("SKIPPED: %s\n", "the command segj is left out");
    return 77;
#endif
    const struct CMUnitTest tests[] = {
        SHELL_TEST(an_idle_journal_is_waited_for),  SHELL_TEST(json_is_json),
        SHELL_TEST(what_comes_is_counted),          SHELL_TEST(what_goes_is_told),
        SHELL_TEST(what_is_not_synced_is_told),     SHELL_TEST(a_damaged_value_is_counted),
        SHELL_TEST(what_cannot_be_watched_is_told), SHELL_TEST(the_end_of_its_reader_ends_it),
    };
    return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
