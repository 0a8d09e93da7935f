/*
 * command/test_changes.c: `segj rewind` and `segj recover` say what they would do, do it when they are told to, and touch
 * nothing otherwise, in every format.
 */
#include "command/shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Sections 3 (three records), 5 (two) and 9 (one). */
static void make_journal(shell_t *shell, segj_format_t format, uint8_t version)
{
    path_t directory = join_path(shell->root.text, "journal");
    shell->config.directory = directory.text;
    shell->config.format = format;
    shell->config.native_version = version;
    assert_ok(oversized_open(&shell->config, &shell->journal));
    for (uint64_t i = 0; i < 3; i++)
        assert_ok(oversized_append(shell->journal, 3, "entry003", "three", 5, NULL, NULL));
    for (uint64_t i = 0; i < 2; i++)
        assert_ok(oversized_append(shell->journal, 5, "entry005", "fives", 5, NULL, NULL));
    assert_ok(oversized_append(shell->journal, 9, "entry009", "nines", 5, NULL, NULL));
    assert_ok(oversized_close(shell->journal));
    shell->journal = NULL;
}

static const struct {
    segj_format_t format;
    uint8_t version;
} kinds[] = {{SEGJ_FORMAT_NATIVE, 1}, {SEGJ_FORMAT_NATIVE, 2}, {SEGJ_FORMAT_COMMONWARE, 0}};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

static path_t file_of(const shell_t *shell, const char *partition, uint64_t section)
{
    return section_path(join_path(shell->root.text, "journal").text, partition, section);
}

/* --- rewind --- */

static void a_rewind_takes_back_what_it_says(void **state)
{
    shell_t *shell = *state;
    for (int i = 0; i < KINDS; i++) {
        unsigned record = kinds[i].version == 2 ? 9 + 8 + OVERSIZED_FRAME_HEAD : 9;
        char expected[300];
        make_journal(shell, kinds[i].format, kinds[i].version);
        (void)snprintf(
            expected, sizeof expected,
            "2 records from 5:1 on, of these 1 in 1 later sections, would be taken back: %u bytes of values\n",
            2 * record);
        shell_expect(shell, "segj rewind journal 5:1", 1, expected, "nothing was taken back: --yes does it");
        shell_expect(shell, "segj list -e none journal | tail -n 1", 0, "9:0 9\n", NULL);
        (void)snprintf(expected, sizeof expected,
                       "2 records from 5:1 on, of these 1 in 1 later sections, were taken back: %u bytes of values\n",
                       2 * record);
        shell_expect(shell, "segj rewind --yes journal 5:1", 0, expected, NULL);
        shell_expect(shell, "segj list -e text journal", 0,
                     "3:0 entry003 9\n3:1 entry003 9\n3:2 entry003 9\n5:0 entry005 9\n", NULL);
        shell_expect(shell, "segj rewind --yes journal 5:1", 0, "nothing is to be taken back\n", NULL);
        (void)snprintf(expected, sizeof expected,
                       "{\"directory\":\"journal\",\"rewound\":true,\"section\":3,\"records_left\":0,\"sections\":1,"
                       "\"records\":4,\"bytes\":%u}\n",
                       4 * record);
        shell_expect(shell, "segj rewind --yes --json journal 3", 0, expected, NULL);
        shell_expect(shell, "segj list journal", 0, "", NULL);
        remove_tree(join_path(shell->root.text, "journal").text);
    }
}

static void a_place_that_is_not_there_is_refused(void **state)
{
    shell_t *shell = *state;
    make_journal(shell, SEGJ_FORMAT_NATIVE, 1);
    shell_expect(shell, "segj rewind --yes journal 4:0", 2, "", "there is no section 4");
    shell_expect(shell, "segj rewind --yes journal 5:3", 2, "", "5");
    shell_expect(shell, "segj rewind --yes journal 5:0-1", 1, "", "is no place");
    shell_expect(shell, "segj rewind --yes journal", 1, "", "an argument is missing");
    shell_expect(shell, "segj list -e none journal | wc -l", 0, "6\n", NULL);
}

/* --- recover --- */

static void a_clean_journal_is_said_to_be_clean(void **state)
{
    shell_t *shell = *state;
    for (int i = 0; i < KINDS; i++) {
        make_journal(shell, kinds[i].format, kinds[i].version);
        shell_expect(shell, "segj recover --dry-run journal", 0, "journal: clean: 6 records in 3 sections\n", NULL);
        shell_expect(shell, "segj recover journal | head -n 1", 0, "journal: clean: 6 records in 3 sections\n", NULL);
        remove_tree(join_path(shell->root.text, "journal").text);
    }
    shell_expect(shell, "segj recover journal", 2, "", "there is no journal");
}

static void what_a_crash_leaves_is_repaired(void **state)
{
    shell_t *shell = *state;
    make_journal(shell, SEGJ_FORMAT_NATIVE, 1);
    path_t values = file_of(shell, "values", 3);
    uint64_t size = file_size(values.text);
    write_file_at(values.text, size, "xyz", 3);
    shell_expect(
        shell, "segj recover --dry-run journal", 3,
        "journal: to be repaired: 6 records in 3 sections\n"
        "  section 3: of the index file's 16384 bytes 16384 would be kept, of the values file's 4126 bytes 4123\n"
        "  1 sections would be made durable\n"
        "  3 bytes of values files would be cut\n",
        NULL);
    assert_int_equal(file_size(values.text), size + 3);
    shell_expect(shell, "segj recover journal", 0,
                 "journal: repaired: 6 records in 3 sections\n"
                 "  1 sections were made durable\n"
                 "  3 bytes of values files were cut\n",
                 NULL);
    assert_int_equal(file_size(values.text), size);
    shell_expect(shell, "segj recover --dry-run journal", 0, "journal: clean: 6 records in 3 sections\n", NULL);
}

static void a_loss_is_cut_when_somebody_says_so(void **state)
{
    shell_t *shell = *state;
    make_journal(shell, SEGJ_FORMAT_NATIVE, 1);
    path_t values = file_of(shell, "values", 5);
    uint64_t size = file_size(values.text);
    resize_file(values.text, size - 1);
    shell_expect(
        shell, "segj recover -d journal | sed -n '1p; $p'", 0,
        "journal: lost records: 5 records in 3 sections\n  1 records that were synced are lost, in 1 sections\n", NULL);
    shell_expect(shell, "segj recover journal", 4, "", "nothing was changed: copy the files first; --yes");
    assert_int_equal(file_size(values.text), size - 1);
    shell_expect(shell, "segj recover --yes journal | grep -v durable", 0,
                 "journal: repaired: 5 records in 3 sections\n"
                 "  8 bytes of values files were cut\n"
                 "  1 records that were synced are lost, in 1 sections\n"
                 "  1 lost records are not acknowledged; 4104 bytes are set aside in journal/.index.lost\n",
                 "has lost 1 of 2 synced records");
    shell_expect(shell, "segj list -e none journal 5", 0, "5:0 9\n", NULL);
    shell_expect(shell, "segj recover journal | head -n 1", 0, "journal: clean: 5 records in 3 sections\n", NULL);
}

static void what_an_open_refuses_stays(void **state)
{
    shell_t *shell = *state;
    make_journal(shell, SEGJ_FORMAT_NATIVE, 1);
    path_t index = file_of(shell, "index", 9);
    write_file_at(index.text, 0, "garbage", 7);
    shell_expect(shell, "segj recover -d journal | head -n 1", 0, "journal: damaged: 5 records in 2 sections\n", NULL);
    shell_expect(shell, "segj recover --yes journal", 4, "", "header");
    shell_expect(shell, "segj list journal", 4, "", "header");
}

static void a_report_in_json_is_json(void **state)
{
    shell_t *shell = *state;
    if (system("jq --version >/dev/null 2>&1") != 0)
        SKIP("there is no jq");
    make_journal(shell, SEGJ_FORMAT_NATIVE, 2);
    shell_expect(shell, "segj recover --json -d journal | jq -c '[.done,.health,.records,.lost_records,.quarantine]'",
                 0, "[false,\"clean\",6,0,null]\n", NULL);
    shell_expect(shell, "segj recover --json journal | jq -c '[.done,.health,.records,.sections]'", 0,
                 "[true,\"clean\",6,3]\n", NULL);
}

int main(void)
{
#ifndef SEGJ_COMMAND_BUILT
    print_message("SKIPPED: %s\n", "the command segj is left out");
    return 77;
#endif
    const struct CMUnitTest tests[] = {
        SHELL_TEST(a_rewind_takes_back_what_it_says),
        SHELL_TEST(a_place_that_is_not_there_is_refused),
        SHELL_TEST(a_clean_journal_is_said_to_be_clean),
        SHELL_TEST(what_a_crash_leaves_is_repaired),
        SHELL_TEST(a_loss_is_cut_when_somebody_says_so),
        SHELL_TEST(what_an_open_refuses_stays),
        SHELL_TEST(a_report_in_json_is_json),
    };
    return cmocka_run_group_tests_name("changes", tests, NULL, NULL);
}
