/*
 * command/test_looks.c: `segj stat`, `segj list` and `segj get` print, answer and complain as their help says, of clean
 * journals and damaged ones, in text and in JSON.
 */
#include "command/shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEGJ_COMMANDS "18"

/* Sections 3 (three records) and 9 (one record), closed. */
static void make_journal(shell_t *shell)
{
    static const char *const values[] = {"first", "", "th\x1b[31mird\n"};
    path_t directory = join_path(shell->root.text, "journal");
    shell->config.directory = directory.text;
    assert_ok(oversized_open(&shell->config, &shell->journal));
    for (uint64_t i = 0; i < 3; i++) {
        uint8_t entry[8];
        put_u64(entry, 0x4142434445464700 + i);
        assert_ok(oversized_append(shell->journal, 3, entry, values[i], strlen(values[i]), NULL, NULL));
    }
    assert_ok(oversized_append(shell->journal, 9, "\xff\xff\xff\xff\xff\xff\xff\xff", "nine", 4, NULL, NULL));
    assert_ok(oversized_close(shell->journal));
    shell->journal = NULL;
}

static const char clean[] = "journal: clean\n"
                            "  native format, version 1: pages of 4084 bytes, entries of 8 bytes\n"
                            "  (the header of index/0000000000000003 says so)\n"
                            "  4 records in 2 sections\n"
                            "\n"
                            "             section      records       synced     stored bytes  zstd  state\n"
                            "                   3            3            3               28  no    clean\n"
                            "                   9            1            1                8  no    clean\n";

static void stat_shows_what_lies_there(void **state)
{
    const shell_t *shell = *state;
    make_journal(*state);
    shell_expect(shell, "segj stat journal", 0, clean, NULL);
    shell_expect(shell, "segj stat --index=index --values values -- journal", 0, clean, NULL);
}

static void stat_answers_by_what_it_finds(void **state)
{
    shell_t *shell = *state;
    make_journal(shell);
    path_t values = section_path(join_path(shell->root.text, "journal").text, "values", 3);
    write_file_at(values.text, file_size(values.text), "xyz", 3);
    shell_expect(shell, "segj stat journal | sed -n '1p; /section 3/p'; exit 0", 0,
                 "journal: to be repaired\n"
                 "                     section 3: of the index file's 16384 bytes 16384 would be kept, of the values "
                 "file's 4127 bytes 4124\n",
                 NULL);
    said_t said = shell_run(shell, "segj stat journal");
    assert_int_equal(said.answer, 3);
    shell_free(&said);
    resize_file(values.text, file_size(values.text) - 4);
    said = shell_run(shell, "segj stat journal");
    assert_int_equal(said.answer, 4);
    assert_non_null(strstr((const char *)said.out.data, "lost records"));
    assert_non_null(
        strstr((const char *)said.out.data, "section 3: 1 of 3 records that were synced are gone, 2 are left"));
    shell_free(&said);
    path_t index = section_path(join_path(shell->root.text, "journal").text, "index", 9);
    write_file_at(index.text, 0, "x", 1);
    said = shell_run(shell, "segj stat journal");
    assert_int_equal(said.answer, 4);
    assert_non_null(strstr((const char *)said.out.data, "journal: damaged"));
    shell_free(&said);
}

static void stat_works_beside_a_writer(void **state)
{
    shell_t *shell = *state;
    char expected[200];
    make_journal(shell);
    path_t directory = join_path(shell->root.text, "journal");
    shell->config.directory = directory.text;
    assert_ok(oversized_open(&shell->config, &shell->journal));
    (void)snprintf(expected, sizeof expected, "  process %ld has it open: what that has in memory is not seen\n",
                   (long)getpid());
    shell_expect(shell, "segj stat journal | grep process", 0, expected, NULL);
    shell_expect(shell, "segj list journal", 2, "",
                 "while a writer has the journal open, `segj stat journal` shows it");
}

static void list_lists_records(void **state)
{
    const shell_t *shell = *state;
    make_journal(*state);
    shell_expect(shell, "segj list journal", 0,
                 "3:0 4142434445464700 9\n3:1 4142434445464701 4\n3:2 4142434445464702 15\n9:0 ffffffffffffffff 8\n",
                 NULL);
    shell_expect(shell, "segj list -r -n 2 --entry=u64 journal", 0,
                 "9:0 18446744073709551615 8\n3:2 4702394921427289858 15\n", NULL);
    shell_expect(shell, "segj list --entry=text --value=text journal 3", 0,
                 "3:0 ABCDEFG\\x00 9 first\n3:1 ABCDEFG\\x01 4 \n3:2 ABCDEFG\\x02 15 th\\x1b[31mird\\x0a\n", NULL);
    shell_expect(shell, "segj list --entry=none --value=hex journal 0x3:1-2", 0,
                 "3:1 4 \n3:2 15 74681b5b33316d6972640a\n", NULL);
    shell_expect(shell, "segj list --entry=none -r journal 3:0-1", 0, "3:1 4\n3:0 9\n", NULL);
    shell_expect(shell, "segj list -e none journal 3:1-", 0, "3:1 4\n3:2 15\n", NULL);
    shell_expect(shell, "segj list -e none journal 3:2", 0, "3:2 15\n", NULL);
    shell_expect(shell, "segj list -n 0 journal", 0, "", NULL);
    shell_expect(shell, "segj list journal 5", 2, "", "there is no section 5");
    shell_expect(shell, "segj list journal 3:9", 2, "", "3");
}

static void get_prints_values_as_they_are(void **state)
{
    const shell_t *shell = *state;
    make_journal(*state);
    shell_expect(shell, "segj get journal 3:0", 0, "first", NULL);
    shell_expect(shell, "segj get journal 3:0-", 0, "firstth\x1b[31mird\n", NULL);
    shell_expect(shell, "segj get --value=base64 journal 3:0-2", 0, "Zmlyc3Q=\n\ndGgbWzMxbWlyZAo=\n", NULL);
    shell_expect(shell, "segj get -v text journal 9", 0, "nine\n", NULL);
    shell_expect(shell, "segj get journal 3:3", 2, "", "3");
    shell_expect(shell, "segj get journal 4:0", 2, "", "there is no section 4");
}

/* Pieces join: no line breaks, no padding within. */
static void long_values_are_printed_whole(void **state)
{
    shell_t *shell = *state;
    size_t size = 1000001;
    uint8_t *value = malloc(size);
    assert_non_null(value);
    for (size_t i = 0; i < size; i++)
        value[i] = (uint8_t)(i * 7 + i / 251);
    path_t directory = join_path(shell->root.text, "journal");
    shell->config.directory = directory.text;
    assert_ok(oversized_open(&shell->config, &shell->journal));
    assert_ok(oversized_append(shell->journal, 1, "12345678", value, size, NULL, NULL));
    assert_ok(oversized_close(shell->journal));
    shell->journal = NULL;
    write_file(join_path(shell->root.text, "value").text, value, size);
    free(value);
    shell_expect(shell, "segj get journal 1:0 | cmp - value && echo same", 0, "same\n", NULL);
    shell_expect(shell, "segj get -v base64 journal 1:0 | base64 -d | cmp - value && echo same", 0, "same\n", NULL);
}

static void damaged_values_are_said_and_the_list_goes_on(void **state)
{
    const shell_t *shell = *state;
    make_journal(*state);
    path_t values = section_path(join_path(shell->root.text, "journal").text, "values", 3);
    write_file_at(values.text, 4096, "F", 1);
    shell_expect(shell, "segj list -e none -v text journal", 4, "3:1 4 \n3:2 15 th\\x1b[31mird\\x0a\n9:0 8 nine\n",
                 "checksum");
    shell_expect(shell, "segj get journal 3:0-1", 4, "", "checksum");
}

/* --- verify --- */

static void verify_reads_everything(void **state)
{
    shell_t *shell = *state;
    make_journal(*state);
    shell_expect(shell, "segj verify journal", 0, "journal: fine: 4 records in 2 sections were read, 36 bytes\n", NULL);
    shell_expect(shell, "segj verify --threads=1 journal 9", 0,
                 "journal: fine: 1 records in 1 sections were read, 8 bytes\n", NULL);
    shell_expect(shell, "segj verify --limit=1000000 -t 64 journal 4", 0,
                 "journal: fine: 0 records in 0 sections were read, 0 bytes\n", NULL);
    path_t values = section_path(join_path(shell->root.text, "journal").text, "values", 3);
    write_file_at(values.text, 4096, "F", 1);
    shell_expect(
        shell, "segj verify journal", 4,
        "3:0 journal/values/0000000000000003, offset 4096: value of 5 bytes: checksum 6936f91a, expected a8f7d61e\n"
        "journal: damaged: 4 records in 2 sections were read, 36 bytes; 1 damages concern 1 records\n",
        NULL);
    shell_expect(shell, "segj verify journal 9", 0, "journal: fine: 1 records in 1 sections were read, 8 bytes\n",
                 NULL);
    shell_expect(shell, "segj verify journal 9:0", 1, "", "is no section");
    resize_file(values.text, file_size(values.text) - 1);
    said_t said = shell_run(shell, "segj verify journal");
    assert_int_equal(said.answer, 4);
    assert_non_null(strstr((const char *)said.out.data, "1 records that were synced are lost"));
    shell_free(&said);
}

/* What a prune leaves that was cut off may also be what is left of a section whose index file somebody has removed. */
static void verify_tells_of_values_without_an_index(void **state)
{
    const shell_t *shell = *state;
    make_journal(*state);
    remove_file(section_path(join_path(shell->root.text, "journal").text, "index", 9).text);
    shell_expect(shell, "segj verify journal", 0,
                 "1 values files without an index file were not read; `segj stat journal` tells which, `segj salvage "
                 "--bare` takes their values\njournal: fine: 3 records in 1 sections were read, 28 bytes\n",
                 NULL);
    shell_expect(shell, "segj verify journal 3", 0, "journal: fine: 3 records in 1 sections were read, 28 bytes\n",
                 NULL);
}

static void verify_in_json_is_json(void **state)
{
    const shell_t *shell = *state;
    if (system("jq --version >/dev/null 2>&1") != 0)
        SKIP("there is no jq");
    make_journal(*state);
    path_t values = section_path(join_path(shell->root.text, "journal").text, "values", 3);
    write_file_at(values.text, 4096, "F", 1);
    shell_expect(shell, "segj verify --json journal | jq -c '[.section, .file, .offset, .status, .verdict, .damages]'",
                 0, "[3,\"values\",4096,\"SEGJ_ERR_CHECKSUM\",null,null]\n[null,null,null,null,\"damaged\",1]\n", NULL);
}

/* --- salvage --- */

/* Section 3's second value, and section 9's header. */
static void spoil_journal(const shell_t *shell)
{
    path_t directory = join_path(shell->root.text, "journal");
    write_file_at(section_path(directory.text, "values", 3).text, VALUES_DATA_OFFSET + 9, "xxxx", 4);
    write_file_at(section_path(directory.text, "index", 9).text, 0, "garbage", 7);
}

static void salvage_takes_what_verifies(void **state)
{
    const shell_t *shell = *state;
    make_journal(*state);
    shell_expect(shell, "segj salvage journal whole", 0,
                 "journal: all came back: 4 records in 2 sections are in whole, 20 bytes\n", NULL);
    shell_expect(shell, "segj salvage journal whole", 2, "", "whole/index is there already");
    spoil_journal(shell);
    shell_expect(shell, "segj list journal", 4, "", "header");
    shell_expect(
        shell, "segj salvage journal new", 4,
        "3:1 journal/values/0000000000000003, offset 4105: the value of 0 bytes of record 1 has a wrong "
        "checksum\n"
        "3:2 became 3:1\n"
        "journal: not all came back: 3 records in 2 sections are in new, 20 bytes; 1 gaps, 1 records are known "
        "to be missing\n",
        NULL);
    shell_expect(shell, "segj list -v text new", 0,
                 "3:0 4142434445464700 9 first\n3:1 4142434445464702 15 th\\x1b[31mird\\x0a\n"
                 "9:0 ffffffffffffffff 8 nine\n",
                 NULL);
    shell_expect(shell, "segj stat new | head -n 2", 0,
                 "new: clean\n  native format, version 1: pages of 4084 bytes, entries of 8 bytes\n", NULL);
}

static void salvage_takes_values_without_entries_where_it_is_asked_to(void **state)
{
    const shell_t *shell = *state;
    make_journal(*state);
    path_t directory = join_path(shell->root.text, "journal");
    remove_file(section_path(directory.text, "index", 3).text);
    shell_expect(shell, "segj salvage journal new", 4,
                 "3:0-2 (3 values are whole) journal/values/0000000000000003, offset 4096: the value is whole, and its "
                 "entry is lost\n"
                 "journal: not all came back: 1 records in 1 sections are in new, 4 bytes; 1 gaps, 3 records are known "
                 "to be missing; 3 values are whole, and --bare takes them, without their entries\n",
                 NULL);
    shell_expect(
        shell, "segj salvage --bare journal bare", 4,
        "journal: not all came back: 4 records in 2 sections are in bare, 20 bytes; 3 values were taken without "
        "their entries\n",
        NULL);
    shell_expect(shell, "segj get bare 3:0", 0, "first", NULL);
}

static void salvage_asks_for_what_no_file_tells(void **state)
{
    const shell_t *shell = *state;
    make_journal(*state);
    shell_expect(shell, "for f in journal/*/*; do dd if=/dev/zero of=$f bs=4096 count=1 conv=notrunc 2>/dev/null; done",
                 0, "", NULL);
    shell_expect(shell, "segj salvage journal tried", 0,
                 "journal: all came back: 4 records in 2 sections are in tried, 20 bytes\n", NULL);
    /* Without its first page a section does not tell by trying, either. */
    shell_expect(shell,
                 "for f in journal/index/*; do printf x | dd of=$f bs=1 seek=12288 conv=notrunc 2>/dev/null; done", 0,
                 "", NULL);
    shell_expect(shell, "segj salvage journal new", 1, "", "--entry-size and --page-size say so");
    shell_expect(
        shell, "segj salvage --entry-size=8 --page-size=4084 --bare journal new", 4,
        "journal: not all came back: 4 records in 2 sections are in new, 20 bytes; 4 values were taken without "
        "their entries\n",
        NULL);
    shell_expect(shell, "segj get new 9:0", 0, "nine", NULL);
    shell_expect(shell, "segj salvage --format=other journal new", 1, "", "a wrong argument");
    shell_expect(shell, "segj salvage --entry-size=65536 journal new", 1, "", "a wrong argument");
    shell_expect(shell, "segj salvage nowhere new", 2, "", "there is no journal");
}

static void salvage_in_json_is_json(void **state)
{
    const shell_t *shell = *state;
    if (system("jq --version >/dev/null 2>&1") != 0)
        SKIP("there is no jq");
    make_journal(*state);
    spoil_journal(shell);
    shell_expect(shell,
                 "segj salvage --json journal new | jq -c '[.kind, .section, .source, .first, .last, .made, .records, "
                 ".status, .verdict]'",
                 0,
                 "[\"run\",3,0,null,null,0,1,null,null]\n"
                 "[\"gap\",3,null,1,1,1,null,\"SEGJ_ERR_CHECKSUM\",null]\n"
                 "[\"run\",3,2,null,null,1,1,null,null]\n"
                 "[\"run\",9,0,null,null,0,1,null,null]\n"
                 "[\"verdict\",null,null,null,null,null,3,null,\"lost\"]\n",
                 NULL);
}

/* --- removals --- */

static void removals_want_a_word(void **state)
{
    const shell_t *shell = *state;
    make_journal(*state);
    shell_expect(shell, "segj prune journal 9", 1,
                 "1 sections below 4 would be removed: 3 records, 20508 bytes of files\n", "nothing was removed");
    shell_expect(shell, "segj retain --number=1 journal", 1,
                 "1 sections below 4 would be removed: 3 records, 20508 bytes of files\n", "nothing was removed");
    shell_expect(shell, "segj list -e none journal", 0, "3:0 9\n3:1 4\n3:2 15\n9:0 8\n", NULL);
    shell_expect(shell, "segj prune --yes journal 3", 0, "nothing is to be removed\n", NULL);
    shell_expect(shell, "segj retain --yes --bytes=1000000 journal", 0, "nothing is to be removed\n", NULL);
    shell_expect(shell, "segj retain --yes --free=1 journal", 0, "nothing is to be removed\n", NULL);
    shell_expect(shell, "segj retain --free=1000000000000000000 journal", 1,
                 "1 sections below 4 would be removed: 3 records, 20508 bytes of files\n", "nothing was removed");
    shell_expect(shell, "segj retain -y --bytes=1000 journal", 0,
                 "1 sections below 4 were removed: 3 records, 20508 bytes of files\n", NULL);
    shell_expect(shell, "segj list -e none journal", 0, "9:0 8\n", NULL);
    shell_expect(shell, "segj prune --yes journal 99999", 0, "nothing is to be removed\n", NULL); /* the newest stays */
    shell_expect(shell, "segj retain --yes journal", 1, "", "--bytes, --number or --free is missing");
    shell_expect(shell, "segj prune --yes journal", 1, "", "an argument is missing");
    shell_expect(shell, "segj prune --yes journal 1:2", 1, "", "is no section");
    shell_expect(shell, "segj prune --yes nowhere 1", 2, "", "there is no journal");
}

/* --- JSON --- */

static void json_is_json(void **state)
{
    const shell_t *shell = *state;
    if (system("jq --version >/dev/null 2>&1") != 0)
        SKIP("there is no jq");
    make_journal(*state);
    shell_expect(shell,
                 "segj stat --json journal | jq -c '[.directory, .format, .entry_size, .page_size, .health, .holder, "
                 "(.sections | length), .sections[0].records, .sections[1].problem, .quarantine]'",
                 0, "[\"journal\",\"native\",8,4084,\"clean\",0,2,3,\"\",null]\n", NULL);
    shell_expect(shell,
                 "segj list --json -v text journal | jq -c '[.section, .position, .entry, .stored_bytes, .value]'", 0,
                 "[3,0,\"4142434445464700\",9,\"first\"]\n[3,1,\"4142434445464701\",4,\"\"]\n"
                 "[3,2,\"4142434445464702\",15,\"th\\\\x1b[31mird\\\\x0a\"]\n[9,0,\"ffffffffffffffff\",8,\"nine\"]\n",
                 NULL);
    /* Numbers are exact, and bytes that are no text do no harm. */
    shell_expect(shell, "segj list --json -e u64 journal 9", 0,
                 "{\"section\":9,\"position\":0,\"entry\":\"18446744073709551615\",\"offset\":0,\"stored_bytes\":8}\n",
                 NULL);
    shell_expect(shell, "mv journal \"$(printf 'j\\377\\033')\"; segj stat --json j* | jq .directory", 0,
                 "\"j\xef\xbf\xbd\\u001b\"\n", NULL);
}

/* --- how it is called --- */

static void a_wrong_command_line_is_answered_by_1(void **state)
{
    const shell_t *shell = *state;
    make_journal(*state);
    static const char *const lines[] = {"segj",
                                        "segj look journal",
                                        "segj stat",
                                        "segj stat journal more",
                                        "segj stat --reverse journal",
                                        "segj stat --unknown journal",
                                        "segj list -n journal",
                                        "segj list -n many journal",
                                        "segj list --entry=base64 journal",
                                        "segj list --value=u64 journal",
                                        "segj list --json --value=raw journal",
                                        "segj list journal 3:2-1",
                                        "segj list journal 3:",
                                        "segj list journal -- -3",
                                        "segj list journal 99999999999999999999",
                                        "segj get journal",
                                        "segj get journal x",
                                        "segj verify --threads=0 journal",
                                        "segj verify --limit=fast journal",
                                        "segj verify journal all",
                                        "segj salvage journal",
                                        "segj salvage --page-size=0 journal new"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        shell_expect(shell, lines[i], 1, "", "segj: ");
}

static void help_is_printed(void **state)
{
    const shell_t *shell = *state;
    shell_expect(shell, "segj --help | head -n 1", 0, "Usage: segj COMMAND [OPTION...] DIR ...\n", NULL);
    shell_expect(shell,
                 "for c in $(segj --help | sed -n 's/^  \\([a-z][a-z]*\\)  *[A-Z].*/\\1/p'); do\n"
                 "segj $c --help | grep -q \"^Example: segj $c\" || echo \"$c has no example\"\n"
                 "segj $c --help | awk -v c=$c 'length > 120 { print c \": \" $0 }'\n"
                 "grep -q \"^\\\\.SS segj $c\" '" SEGJ_MANUAL "' || echo \"$c is not in the manual\"\n"
                 "done; segj --help | grep -c '^  [a-z][a-z]*  *[A-Z]'",
                 0, SEGJ_COMMANDS "\n", NULL);
    shell_expect(shell, "segj --version | grep -c '^segj [0-9]'", 0, "1\n", NULL);
}

static void what_cannot_be_done_is_answered_by_2(void **state)
{
    const shell_t *shell = *state;
    make_journal(*state);
    shell_expect(shell, "segj stat nowhere", 2, "", "there is no journal");
    shell_expect(
        shell, "segj stat --index=other journal | head -n 2", 0,
        "journal: damaged\n  journal/other is missing, while values holds 2 sections: mount or bring back that "
        "partition, or correct its name in the configuration\n",
        NULL);
    said_t said = shell_run(shell, "segj stat --index=other journal");
    assert_int_equal(said.answer, 4);
    shell_free(&said);
    /* Journals in a cluster are another program's, which is not there. */
    shell_expect(shell, "cp \"" SEGJ_COMMAND "\" alone; ./alone stat rados:pool/journal", 2, "",
                 "the program segj-rados does not lie beside segj");
    if (access("/dev/full", W_OK) == 0)
        shell_expect(shell, "segj list journal >/dev/full", 2, "", "standard output could not be written");
}

/* As the README shows it. */
static void the_example_is_seen(void **state)
{
    shell_t *shell = *state;
    path_t directory = join_path(shell->root.text, "events");
    shell->config.directory = directory.text;
    assert_ok(oversized_open(&shell->config, &shell->journal));
    assert_ok(oversized_append(shell->journal, 7, "an entry", "a value", 7, NULL, NULL));
    assert_ok(oversized_close(shell->journal));
    shell->journal = NULL;
    shell_expect(shell, "segj stat events | head -n 1", 0, "events: clean\n", NULL);
    shell_expect(shell, "segj list --entry=text --value=text events", 0, "7:0 an entry 11 a value\n", NULL);
    shell_expect(shell, "segj get events 7:0", 0, "a value", NULL);
}

static void a_pipe_that_closes_ends_it(void **state)
{
    const shell_t *shell = *state;
    make_journal(*state);
    shell_expect(shell, "segj list journal | true; echo done", 0, "done\n", NULL);
}

int main(void)
{
#ifndef SEGJ_COMMAND_BUILT
    print_message("SKIPPED: %s\n", "the command segj is left out");
    return 77;
#endif
    const struct CMUnitTest tests[] = {
        SHELL_TEST(stat_shows_what_lies_there),
        SHELL_TEST(stat_answers_by_what_it_finds),
        SHELL_TEST(stat_works_beside_a_writer),
        SHELL_TEST(list_lists_records),
        SHELL_TEST(get_prints_values_as_they_are),
        SHELL_TEST(long_values_are_printed_whole),
        SHELL_TEST(damaged_values_are_said_and_the_list_goes_on),
        SHELL_TEST(verify_reads_everything),
        SHELL_TEST(verify_tells_of_values_without_an_index),
        SHELL_TEST(verify_in_json_is_json),
        SHELL_TEST(salvage_takes_what_verifies),
        SHELL_TEST(salvage_takes_values_without_entries_where_it_is_asked_to),
        SHELL_TEST(salvage_asks_for_what_no_file_tells),
        SHELL_TEST(salvage_in_json_is_json),
        SHELL_TEST(removals_want_a_word),
        SHELL_TEST(json_is_json),
        SHELL_TEST(a_wrong_command_line_is_answered_by_1),
        SHELL_TEST(help_is_printed),
        SHELL_TEST(what_cannot_be_done_is_answered_by_2),
        SHELL_TEST(the_example_is_seen),
        SHELL_TEST(a_pipe_that_closes_ends_it),
    };
    return cmocka_run_group_tests_name("looks", tests, NULL, NULL);
}
