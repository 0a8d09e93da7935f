/*
 * command/test_dump.c: what `segj load` makes of the stream of `segj dump` is the same journal, in every format, in parts
 * and after it was cut off anywhere; a stream that is damaged anywhere is refused by its offset, and what was loaded before
 * is right.
 */
#include "command/shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void open_journal(shell_t *shell)
{
    path_t directory = join_path(shell->root.text, "journal");
    shell->config.directory = directory.text;
    assert_ok(oversized_open(&shell->config, &shell->journal));
}

static void close_journal(shell_t *shell)
{
    assert_ok(oversized_close(shell->journal));
    shell->journal = NULL;
}

static void append(shell_t *shell, uint64_t section, const char *value, size_t size)
{
    assert_ok(oversized_append(shell->journal, section, "12345678", value, size, NULL, NULL));
}

/* Values of all sizes that are handled apart, and a section without records. */
static void make_journal(shell_t *shell, segj_format_t format, uint8_t version, int compression)
{
    static const size_t sizes[] = {0, 1, 255, 256, 257, 65531, 65532, 65533, 262143, 262144, 262145, 600000};
    char *value = malloc(600000);
    assert_non_null(value);
    for (size_t i = 0; i < 600000; i++)
        value[i] = (char)(i * i >> 7);
    remove_tree(join_path(shell->root.text, "journal").text);
    remove_tree(join_path(shell->root.text, "new").text);
    shell->config.format = format;
    shell->config.native_version = version;
    shell->config.compression = compression;
    open_journal(shell);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        append(shell, 3, value, sizes[i]);
    append(shell, 5, "gone", 4);
    assert_ok(oversized_rewind_section_to(shell->journal, 5, 0));
    append(shell, UINT64_MAX, "last", 4);
    close_journal(shell);
    free(value);
}

static const struct {
    segj_format_t format;
    uint8_t version;
    int compression;
} kinds[] = {{SEGJ_FORMAT_NATIVE, 1, 0}, {SEGJ_FORMAT_NATIVE, 2, 0}, {SEGJ_FORMAT_COMMONWARE, 0, 0},
             {SEGJ_FORMAT_NATIVE, 1, 3}, {SEGJ_FORMAT_NATIVE, 2, 3}, {SEGJ_FORMAT_COMMONWARE, 0, 3}};

static void a_loaded_dump_is_the_same_journal(void **state)
{
    shell_t *shell = *state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        make_journal(shell, kinds[i].format, kinds[i].version, kinds[i].compression);
        shell_expect(shell, "segj dump journal | segj load new", 0, "new: 13 records in 3 sections were loaded\n",
                     NULL);
        shell_expect(shell,
                     "segj list -v hex journal | cut -d' ' -f1,2,4 >1; segj list -v hex new | cut -d' ' -f1,2,4 >2; "
                     "cmp 1 2 && wc -l <1; segj verify new | cut -d' ' -f2-7",
                     0, "13\nfine: 13 records in 3 sections\n", NULL);
        shell_expect(shell,
                     "for d in journal new; do segj stat $d | sed -n '2p; /tried/d; /^ *[0-9]/p' | "
                     "awk '{ print $1, $2, $4, $NF }' >$d.stat; done; cmp journal.stat new.stat && echo same",
                     0, "same\n", NULL);
        shell_expect(shell,
                     "segj dump journal >1; segj dump new >2; cmp 1 2 && segj load --json new 1 | "
                     "sed 's/,\"bytes.*//'",
                     0, "{\"directory\":\"new\",\"complete\":true,\"sections\":3,\"records\":0,\"records_kept\":13\n",
                     NULL);
    }
}

static void ranges_are_added(void **state)
{
    shell_t *shell = *state;
    open_journal(shell);
    for (int i = 0; i < 9; i++)
        append(shell, 3, "three", 5);
    append(shell, 4, "four", 4);
    close_journal(shell);
    shell_expect(shell, "segj dump journal 3:4-6 | segj load new", 2,
                 "new: 0 records in 1 sections were loaded; it is not complete\n",
                 "section 3 has 0 records, and the stream goes on with record 4: load first the dump");
    shell_expect(shell, "segj dump journal 3:0-3 | segj load new && segj dump journal 3:4-6 | segj load new", 0,
                 "new: 4 records in 1 sections were loaded\nnew: 3 records in 1 sections were loaded\n", NULL);
    shell_expect(shell, "segj dump journal 3:2- | segj load new && segj dump journal 4 | segj load new", 0,
                 "new: 2 records in 1 sections were loaded; 5 were there already\n"
                 "new: 1 records in 1 sections were loaded\n",
                 NULL);
    shell_expect(shell, "segj dump journal >1; segj dump new >2; cmp 1 2 && echo same", 0, "same\n", NULL);
    shell_expect(shell, "segj dump journal 3:0-9 | wc -c", 0, "0\n", "3");
    shell_expect(shell, "segj dump journal 8", 2, "", "there is no section 8");
}

static void another_journal_is_left_alone(void **state)
{
    shell_t *shell = *state;
    open_journal(shell);
    append(shell, 3, "first", 5);
    append(shell, 3, "second", 6);
    close_journal(shell);
    shell_expect(shell, "segj dump journal >stream; segj load new stream", 0,
                 "new: 2 records in 1 sections were loaded\n", NULL);
    shell_expect(shell, "segj rewind -y new 3:1 >1 && cp -r new other", 0, "", NULL);
    open_journal(shell);
    assert_ok(oversized_rewind_section_to(shell->journal, 3, 0));
    append(shell, 3, "First", 5);
    append(shell, 3, "second", 6);
    append(shell, 9, "nine", 4);
    close_journal(shell);
    shell_expect(shell, "segj dump journal | segj load new", 2,
                 "new: 0 records in 1 sections were loaded; 1 were there already; it is not complete\n",
                 "new: 3:0 is not the record that begins at offset 65 of the stream: the journal is of another origin");
    shell_expect(shell, "segj list -e none -v text new", 0, "3:0 9 first\n", NULL);
    shell_expect(shell, "segj load new nothing", 2, "", "nothing: No such file");
    shell->config.entry_size = 7;
    remove_tree(join_path(shell->root.text, "journal").text);
    open_journal(shell);
    append(shell, 3, "first", 5);
    close_journal(shell);
    shell_expect(shell, "segj dump journal | segj load new", 2, "",
                 "new has entries of 8 bytes, and the stream of 7 bytes: load into a new directory");
}

static void a_dump_of_one_format_is_loaded_into_another(void **state)
{
    shell_t *shell = *state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        make_journal(shell, kinds[i].format, kinds[i].version, kinds[i].compression);
        char line[100];
        (void)snprintf(line, sizeof line, "mv journal journal%zu; segj dump journal%zu >stream%zu", i, i, i);
        shell_expect(shell, line, 0, "", NULL);
    }
    shell_expect(shell,
                 "for i in 0 2 4; do for k in 0 1 2 5; do rm -rf new; segj dump journal$i 3:0-5 | "
                 "segj load new >1; segj load new stream$k; done; done | sort | uniq -c | sed 's/^ *//'",
                 0, "12 new: 7 records in 3 sections were loaded; 6 were there already\n", NULL);
    /* New sections are as the others of the journal, and not as the stream was: byte 5 is the version. */
    shell_expect(shell,
                 "rm -rf new; segj dump journal1 3 | segj load new >1; segj load new stream0 >1; "
                 "od -An -tu1 -j5 -N1 new/index/ffffffffffffffff",
                 0, "   2\n", NULL);
}

/* --- damage --- */

static bytes_t small_stream(shell_t *shell)
{
    open_journal(shell);
    append(shell, 3, "first", 5);
    append(shell, 3, "", 0);
    append(shell, 7, "last", 4);
    close_journal(shell);
    shell_expect(shell, "segj dump journal >stream", 0, "", NULL);
    return read_file(join_path(shell->root.text, "stream").text);
}

static unsigned stride(void)
{
    const char *text = getenv("SEGJ_COMMAND_STRIDE"); /* 1 tries every byte */
    unsigned long step = text != NULL ? strtoul(text, NULL, 10) : 5;
    return step > 0 ? (unsigned)step : 1;
}

static void a_stream_that_was_cut_off_is_gone_on_with(void **state)
{
    shell_t *shell = *state;
    bytes_t stream = small_stream(shell);
    for (size_t size = 0; size < stream.size; size += stride()) {
        char line[200];
        char where[100];
        remove_tree(join_path(shell->root.text, "new").text);
        (void)snprintf(line, sizeof line, "head -c %zu stream | segj load new >1; echo $?", size);
        (void)snprintf(where, sizeof where, "standard input, offset %zu: the stream ends here and is not complete",
                       size);
        shell_expect(shell, line, 0, "4\n", where);
        shell_expect(shell, "segj load new stream >1 && segj dump new | cmp - stream && echo same", 0, "same\n", NULL);
    }
    free_bytes(&stream);
}

static void a_damaged_stream_is_refused_by_its_offset(void **state)
{
    shell_t *shell = *state;
    bytes_t stream = small_stream(shell);
    path_t path = join_path(shell->root.text, "damaged");
    for (size_t at = 0; at < stream.size; at += stride()) {
        remove_tree(join_path(shell->root.text, "new").text);
        stream.data[at] ^= 0x20;
        write_file(path.text, stream.data, stream.size);
        stream.data[at] ^= 0x20;
        said_t said = shell_run(shell, "segj load new damaged >1");
        if (said.answer != 4 || strstr((const char *)said.err.data, "damaged, offset ") == NULL)
            fail_msg("byte %zu: answers %d, says %s", at, said.answer, (const char *)said.err.data);
        size_t offset = strtoul(strstr((const char *)said.err.data, "offset ") + 7, NULL, 10);
        assert_true(offset <= at || at < 40);
        shell_free(&said);
        /* What was loaded before is a beginning of the journal, which the sound stream completes. */
        shell_expect(shell, "segj load new stream >1 && segj dump new | cmp - stream && echo same", 0, "same\n", NULL);
    }
    shell_expect(shell, "cat stream stream | segj load new", 4,
                 "new: 0 records in 2 sections were loaded; 3 were there already; it is not complete\n",
                 "bytes follow the end of the stream");
    shell_expect(shell, "echo nonsense nonsense | segj load other", 4, "",
                 "offset 0: this is no stream that `segj dump`");
    shell_expect(shell, "ls -d other", 2, "", "other");
    free_bytes(&stream);
}

static void damage_in_the_journal_ends_the_dump(void **state)
{
    shell_t *shell = *state;
    bytes_t stream = small_stream(shell);
    free_bytes(&stream);
    path_t values = section_path(join_path(shell->root.text, "journal").text, "values", 3);
    write_file_at(values.text, 4096, "F", 1);
    shell_expect(shell, "segj dump journal >1; echo $?; segj load new 1", 4,
                 "4\nnew: 0 records in 1 sections were loaded; it is not complete\n", "checksum");
    /* One that is read in pieces: nothing of it is in the stream either. */
    open_journal(shell);
    char *large = calloc(100000, 1);
    assert_non_null(large);
    append(shell, 8, large, 100000);
    free(large);
    close_journal(shell);
    write_file_at(section_path(join_path(shell->root.text, "journal").text, "values", 8).text, 5000, "F", 1);
    shell_expect(shell, "segj dump journal 8 >2; echo $?; wc -c <2; segj load other 2", 4,
                 "4\n65\nother: 0 records in 1 sections were loaded; it is not complete\n",
                 "2, offset 65: the stream ends here and is not complete");
    resize_file(values.text, file_size(values.text) - 1);
    shell_expect(shell, "segj dump journal", 4, "", "1 records that were synced are lost: nothing was dumped");
}

/* Neither a record nor the end of the load can be written: that is said, and the next load goes on. */
static void a_load_that_finds_no_room_says_what_is_durable(void **state)
{
    shell_t *shell = *state;
    shell_expect(shell, "seq 20 | segj import --lines --entry-size=60000 large 1 >1 && segj dump large >stream", 0, "",
                 NULL);
    shell_expect(shell, "trap '' XFSZ; ulimit -f 200; segj load new stream >1", 2, "",
                 "not all records that were loaded are durable: load the stream again, and it goes on");
    shell_expect(shell, "segj load new stream >1; segj dump new | cmp - stream && echo same", 0, "same\n", NULL);
}

/* --- the bytes --- */

/* The lines of hexadecimal digits below "An example". */
static size_t read_example(uint8_t *bytes, size_t most)
{
    bytes_t text = read_file(SEGJ_DUMP_PAGE);
    char *page = malloc(text.size + 1);
    assert_non_null(page);
    memcpy(page, text.data, text.size);
    page[text.size] = '\0';
    free_bytes(&text);
    char *at = strstr(page, "## An example");
    assert_non_null(at);
    size_t size = 0;
    char *end = strstr(at, "## Loading");
    assert_non_null(end);
    *end = '\0';
    for (char *line = strtok(at, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        unsigned byte;
        int used;
        if (strncmp(line, "    ", 4) != 0)
            continue;
        line += 4;
        for (unsigned column = 0;
             column < 16 && strspn(line, "0123456789abcdef") == 2 && sscanf(line, "%2x%n", &byte, &used) == 1;
             column++) {
            assert_true(size < most);
            bytes[size++] = (uint8_t)byte;
            line += used + (line[2] == ' ') + (column == 7 && line[2] == ' ' && line[3] == ' ');
        }
    }
    free(page);
    return size;
}

static void the_page_shows_the_bytes(void **state)
{
    shell_t *shell = *state;
    uint8_t expected[512];
    size_t size = read_example(expected, sizeof expected);
    shell->config.entry_size = 2;
    open_journal(shell);
    assert_ok(oversized_append(shell->journal, 7, "hi", "value", 5, NULL, NULL));
    close_journal(shell);
    shell_expect(shell, "segj dump journal >stream", 0, "", NULL);
    bytes_t stream = read_file(join_path(shell->root.text, "stream").text);
    if (stream.size != size || memcmp(stream.data, expected, size) != 0) {
        for (size_t i = 0; i < stream.size; i++)
            print_message("%02x ", stream.data[i]);
        fail_msg("the page has %zu bytes, the stream %zu", size, stream.size);
    }
    free_bytes(&stream);
}

/* --- how it is called --- */

static void it_ends_with_its_pipe_and_by_signals(void **state)
{
    shell_t *shell = *state;
    make_journal(shell, SEGJ_FORMAT_NATIVE, 1, 0);
    shell_expect(shell, "segj dump journal | head -c 10 >1; wc -c <1", 0, "10\n", NULL);
    /* The writer of the pipe stays: the load waits for it, and is ended. What is there is durable and is gone on with. */
    shell_expect(shell,
                 "segj dump journal >stream; mkfifo pipe; { head -c 300000 stream; exec sleep 60; } >pipe & feeder=$!\n"
                 "'" SEGJ_COMMAND "' load new pipe >1 2>2 & load=$!\n"
                 "while ! [ -s new/values/0000000000000003 ]; do :; done\n"
                 "{ kill -TERM $load; kill $feeder; wait $load; } 2>4; echo $?\n"
                 "segj load new stream >1; segj dump new | cmp - stream && echo same",
                 0, "143\nsame\n", NULL);
}

int main(void)
{
#ifndef SEGJ_COMMAND_BUILT
    print_message("SKIPPED: %s\n", "the command segj is left out");
    return 77;
#endif
    const struct CMUnitTest tests[] = {
        SHELL_TEST(a_loaded_dump_is_the_same_journal),
        SHELL_TEST(ranges_are_added),
        SHELL_TEST(another_journal_is_left_alone),
        SHELL_TEST(a_dump_of_one_format_is_loaded_into_another),
        SHELL_TEST(a_stream_that_was_cut_off_is_gone_on_with),
        SHELL_TEST(a_damaged_stream_is_refused_by_its_offset),
        SHELL_TEST(damage_in_the_journal_ends_the_dump),
        SHELL_TEST(a_load_that_finds_no_room_says_what_is_durable),
        SHELL_TEST(the_page_shows_the_bytes),
        SHELL_TEST(it_ends_with_its_pipe_and_by_signals),
    };
    return cmocka_run_group_tests_name("dump", tests, NULL, NULL);
}
