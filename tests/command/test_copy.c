/*
 * command/test_copy.c: `segj copy` copies and brings up to date, says what it has done, and takes no other directory's
 * place.
 */
#include "command/shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void write_records(shell_t *shell, uint64_t section, unsigned count)
{
    path_t directory = join_path(shell->root.text, "journal");
    shell->config.directory = directory.text;
    assert_ok(oversized_open(&shell->config, &shell->journal));
    for (unsigned i = 0; i < count; i++)
        assert_ok(oversized_append(shell->journal, section, "12345678", "value", 5, NULL, NULL));
    assert_ok(oversized_close(shell->journal));
    shell->journal = NULL;
}

static void a_journal_is_copied_and_brought_up_to_date(void **state)
{
    shell_t *shell = *state;
    write_records(shell, 3, 2);
    write_records(shell, 9, 1);
    shell_expect(shell, "segj copy journal backup", 0,
                 "journal: 3 records in 2 sections are copied to backup; 8219 bytes were written\n", "");
    shell_expect(shell, "segj stat backup | head -n 1", 0, "backup: clean\n", NULL);
    shell_expect(shell, "segj list -e text -v text backup", 0,
                 "3:0 12345678 9 value\n3:1 12345678 9 value\n9:0 12345678 9 value\n", NULL);
    shell_expect(
        shell, "segj copy journal backup", 0,
        "journal: 3 records in 2 sections are copied to backup; it had 2 of the sections already; 0 bytes were "
        "written\n",
        NULL);
    write_records(shell, 9, 1);
    shell_expect(
        shell, "segj prune -y journal 9 && segj copy --json --limit=1000000 journal backup | tail -n 1", 0,
        "1 sections below 4 were removed: 2 records, 20498 bytes of files\n"
        "{\"directory\":\"journal\",\"destination\":\"backup\",\"sections\":1,\"records\":2,\"sections_kept\":0,"
        "\"sections_removed\":1,\"bytes\":4105,\"beside\":false,\"holder\":0}\n",
        NULL);
    shell_expect(shell, "segj copy backup backup_of_it && segj verify backup_of_it", 0,
                 "backup: 2 records in 1 sections are copied to backup_of_it; 4114 bytes were written\n"
                 "backup_of_it: fine: 2 records in 1 sections were read, 18 bytes\n",
                 NULL);
}

static void what_cannot_be_copied_is_said(void **state)
{
    shell_t *shell = *state;
    write_records(shell, 3, 2);
    shell_expect(shell, "segj copy journal", 1, "", "an argument is missing: DIR COPY");
    shell_expect(shell, "segj copy journal a b", 1, "", "too many arguments: b");
    shell_expect(shell, "segj copy nothing backup", 2, "", "nothing");
    shell_expect(shell, "segj copy journal journal", 2, "", "has not made");
    shell_expect(shell, "segj copy journal a/b/c", 2, "", "the directory above it is missing");
    shell_expect(shell, "mkdir -p other/index && touch other/index/notes && segj copy journal other", 2, "",
                 "name a directory that is new");
    shell_expect(shell, "segj copy journal backup >/dev/null && touch backup/index/unfinished-copy && segj list backup",
                 4, "", "copy it once more");
    shell_expect(shell, "segj copy journal backup | grep -c copied && segj list -e none backup", 0, "1\n3:0 9\n3:1 9\n",
                 NULL);
    /* A good copy is not brought up to date from a journal that has lost something. */
    path_t values = section_path(join_path(shell->root.text, "journal").text, "values", 3);
    resize_file(values.text, file_size(values.text) - 1);
    shell_expect(shell, "segj copy journal backup", 4, "", "1 records that were synced are lost, and an earlier copy");
    shell_expect(shell, "segj list -e none backup", 0, "3:0 9\n3:1 9\n", NULL);
}

static void a_copy_may_be_stored_in_another_way(void **state)
{
    shell_t *shell = *state;
    write_records(shell, 3, 2);
    write_records(shell, 9, 1);
    shell_expect(shell, "segj copy --level=3 --native=2 journal other", 0,
                 "journal: 3 records in 2 sections are copied to other; 15 bytes were written\n", "");
    shell_expect(shell, "segj stat --json other | jq -c '[.format, .version, .sections[0].compressed]'", 0,
                 "[\"native\",2,true]\n", "");
    shell_expect(shell,
                 "for i in journal other; do segj list --json -e text -v text $i | jq -c "
                 "'[.section,.position,.entry,.value]' >$i.records; done; "
                 "cmp journal.records other.records && wc -l <other.records",
                 0, "3\n", "");
    shell_expect(shell, "segj copy --level=3 --native=2 journal other | grep -o 'it had.*'", 0,
                 "it had 2 of the sections already; 0 bytes were written\n", "");
    shell_expect(shell,
                 "segj copy --format=commonware --from=9 journal third && segj stat --json third | jq -r .format", 0,
                 "journal: 1 records in 1 sections are copied to third; 5 bytes were written\ncommonware\n", "");
    shell_expect(shell, "segj copy --page-size=100 --until=3 journal fourth | cut -d' ' -f2-3", 0, "2 records\n", "");
    shell_expect(shell, "segj copy --level=1 journal journal", 2, "", "open elsewhere");
    shell_expect(shell, "segj copy --level=99 journal other", 1, "", "a wrong argument of an option: 99");
    shell_expect(shell, "segj copy --native=3 journal other", 1, "", "a wrong argument of an option: 3");
    shell_expect(shell, "segj copy --from=3 --until=2 journal other", 1, "", "--from is above --until");
    shell_expect(shell, "segj copy --format=commonware --native=2 journal other", 1, "", "has no --native");
}

/* As a person would stop it. */
static void a_copy_that_is_interrupted_is_completed_later(void **state)
{
    shell_t *shell = *state;
    write_records(shell, 3, 2000);
    shell_expect(shell,
                 "(segj copy --limit=5000 journal backup; echo $? >answer) & copies=$!\n"
                 "until [ -n \"$(find backup -name unfinished-copy 2>err)\" ]; do sleep 0.01; done\n"
                 "kill -TERM $(ps -o pid= --ppid $copies); wait; cat answer",
                 0, "143\n", "the next one goes on with it");
    shell_expect(shell, "segj list backup", 4, "", "was not completed: copy it once more");
    shell_expect(shell, "segj copy journal backup | cut -d' ' -f2-3 && segj verify backup", 0,
                 "2000 records\nbackup: fine: 2000 records in 1 sections were read, 54864 bytes\n", NULL);
}

/* This process has it open, the command's is another one. */
static void a_journal_with_a_writer_is_copied(void **state)
{
    shell_t *shell = *state;
    path_t directory = join_path(shell->root.text, "journal");
    char said[200];
    shell->config.directory = directory.text;
    assert_ok(oversized_open(&shell->config, &shell->journal));
    for (uint64_t i = 0; i < 5; i++)
        assert_ok(oversized_append(shell->journal, 3 + i / 3, "12345678", "value", 5, NULL, NULL));
    assert_ok(oversized_sync_all(shell->journal));
    (void)snprintf(
        said, sizeof said,
        "journal: 5 records in 2 sections are copied to backup while process %ld has it open; 8237 bytes were "
        "written\n",
        (long)getpid());
    shell_expect(shell, "segj copy journal backup", 0, said, "");
    shell_expect(shell, "segj stat backup | head -n 1 && segj list -e none backup | wc -l", 0, "backup: clean\n5\n",
                 "");
    for (unsigned i = 0; i < 2; i++)
        assert_ok(oversized_append(shell->journal, 9, "12345678", "value", 5, NULL, NULL));
    assert_ok(oversized_sync_all(shell->journal));
    (void)snprintf(said, sizeof said, "[3,7,2,true,%ld]\n", (long)getpid());
    shell_expect(shell, "segj copy --json journal backup | jq -c '[.sections,.records,.sections_kept,.beside,.holder]'",
                 0, said, "");
    shell_expect(shell, "segj copy --level=3 journal other", 2, "", "store that copy anew: segj copy --level=3 other");
    shell_expect(shell, "segj copy journal journal", 2, "", "has not made");
    shell_expect(shell, "segj copy --native=2 backup other | cut -d' ' -f2-3 && segj verify other | cut -d, -f1", 0,
                 "7 records\nother: fine: 7 records in 3 sections were read\n", "");
}

int main(void)
{
#ifndef SEGJ_COMMAND_BUILT
    print_message("SKIPPED: %s\n", "the command segj is left out");
    return 77;
#endif
    const struct CMUnitTest tests[] = {
        SHELL_TEST(a_journal_is_copied_and_brought_up_to_date),
        SHELL_TEST(what_cannot_be_copied_is_said),
        SHELL_TEST(a_copy_may_be_stored_in_another_way),
        SHELL_TEST(a_copy_that_is_interrupted_is_completed_later),
        SHELL_TEST(a_journal_with_a_writer_is_copied),
    };
    return cmocka_run_group_tests_name("copy", tests, NULL, NULL);
}
