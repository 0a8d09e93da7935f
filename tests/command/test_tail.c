/*
 * command/test_tail.c: `segj tail` lists the newest records beside a writer, follows those that come, tells what is taken
 * back, and ends when it is told to or nobody reads it any more.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "command/shell.h"

static void append(shell_t *shell, uint64_t section, const char *value)
{
    uint8_t entry[8] = {0};
    assert_ok(oversized_append(shell->journal, section, entry, value, strlen(value), NULL, NULL));
}

/* Sections 3 (three records) and 9 (one record), synced, and open for writing. */
static void open_journal(shell_t *shell, path_t *directory)
{
    *directory = join_path(shell->root.text, "journal");
    shell->config.directory = directory->text;
    assert_ok(oversized_open(&shell->config, &shell->journal));
    append(shell, 3, "first");
    append(shell, 3, "");
    append(shell, 3, "th\x1b[31mird\n");
    append(shell, 9, "nine");
    assert_ok(oversized_sync_all(shell->journal));
}

static void close_journal(shell_t *shell)
{
    oversized_t *journal = shell->journal;
    shell->journal = NULL;
    assert_ok(oversized_close(journal));
}

static void the_newest_records_are_listed_beside_a_writer(void **state)
{
    shell_t *shell = *state;
    path_t directory;
    open_journal(shell, &directory);
    shell_expect(shell, "segj tail -e none -v text journal", 0,
                 "3:0 9 first\n3:1 4 \n3:2 15 th\\x1b[31mird\\x0a\n9:0 8 nine\n", NULL);
    shell_expect(shell, "segj tail -n 2 -e none journal", 0, "3:2 15\n9:0 8\n", NULL);
    shell_expect(shell, "segj tail -n 1 --entry=hex journal", 0, "9:0 0000000000000000 8\n", NULL);
    shell_expect(shell, "segj tail -n 0 journal", 0, "", NULL);
    append(shell, 9, "more");
    shell_expect(shell, "segj tail -n 1 -e none journal", 0, "9:0 8\n", NULL);
    assert_ok(oversized_flush(shell->journal, 9));
    shell_expect(shell, "segj tail -n 1 -e none journal", 0, "9:1 8\n", NULL);
    for (unsigned i = 0; i < 12; i++)
        append(shell, 10, "x");
    close_journal(shell);
    shell_expect(shell, "segj tail -e none journal | head -n 1", 0, "10:2 5\n", NULL);
}

static void a_section_is_listed_whose_index_file_is_missing(void **state)
{
    shell_t *shell = *state;
    path_t directory;
    shell->config.native_version = 2;
    open_journal(shell, &directory);
    close_journal(shell);
    remove_file(section_path(directory.text, "index", 3).text);
    shell_expect(shell, "segj tail -n 3 -e none -v text journal", 0, "3:1 4 \n3:2 15 th\\x1b[31mird\\x0a\n9:0 8 nine\n",
                 NULL);
}

static void json_has_a_record_a_line(void **state)
{
    shell_t *shell = *state;
    path_t directory;
    open_journal(shell, &directory);
    close_journal(shell);
    shell_expect(shell,
                 "segj tail -n 2 --json -e none -v text journal | jq -c '[.section, .position, .synced, .value]'", 0,
                 "[3,2,true,\"th\\\\x1b[31mird\\\\x0a\"]\n[9,0,true,\"nine\"]\n", NULL);
    shell_expect(shell, "segj tail --json --value=raw journal", 1, "", "no JSON");
}

static void a_damaged_value_is_told_and_the_tail_goes_on(void **state)
{
    shell_t *shell = *state;
    path_t directory;
    open_journal(shell, &directory);
    close_journal(shell);
    write_file_at(section_path(directory.text, "values", 3).text, VALUES_DATA_OFFSET, "x", 1);
    shell_expect(shell, "segj tail -e none journal", 4, "3:1 4\n3:2 15\n9:0 8\n", "record 0");
}

static void commonware_is_told_how_else(void **state)
{
    shell_t *shell = *state;
    path_t directory = join_path(shell->root.text, "journal");
    shell->config.directory = directory.text;
    shell->config.format = SEGJ_FORMAT_COMMONWARE;
    shell->config.native_version = 0;
    assert_ok(oversized_open(&shell->config, &shell->journal));
    append(shell, 3, "first");
    close_journal(shell);
    shell_expect(shell, "segj tail -n 3 journal", 2, "", "`segj list --reverse -n 3 journal`");
    shell_expect(shell, "segj tail nowhere", 2, "", "there is no journal");
}

/* --- following --- */

typedef struct writing {
    shell_t *shell;
    atomic_bool over;
} writing_t;

/* Writes, and takes back, until it is told to end. */
static void *write_on(void *context)
{
    writing_t *writing = context;
    oversized_t *journal = writing->shell->journal;
    uint8_t entry[8] = {0};
    for (unsigned i = 0; !atomic_load(&writing->over); i++) {
        if (oversized_append(journal, 11, entry, "on", 2, NULL, NULL) != SEGJ_OK ||
            oversized_sync(journal, 11) != SEGJ_OK ||
            (i % 50 == 49 && oversized_rewind_section_to(journal, 11, 20) != SEGJ_OK))
            return writing;
    }
    return NULL;
}

static void expect_beside_writes(shell_t *shell, const char *line, const char *out)
{
    writing_t writing = {.shell = shell};
    pthread_t thread;
    void *complaint = NULL;
    atomic_init(&writing.over, false);
    assert_int_equal(pthread_create(&thread, NULL, write_on, &writing), 0);
    said_t said = shell_run(shell, line);
    atomic_store(&writing.over, true);
    assert_int_equal(pthread_join(thread, &complaint), 0);
    assert_null(complaint);
    assert_string_equal((const char *)said.out.data, out);
    shell_free(&said);
}

static void records_that_come_are_followed(void **state)
{
    shell_t *shell = *state;
    path_t directory;
    open_journal(shell, &directory);
    /* The end of `head` ends it. */
    expect_beside_writes(shell, "segj tail -f -n 0 -e none journal 2>/dev/null | head -n 7 | grep -c '^11:[0-9]* 6$'",
                         "7\n");
    expect_beside_writes(shell, "segj tail -f -n 0 --json journal | grep -m 1 -o '\"event\": *\"rewound\"' | tr -d ' '",
                         "\"event\":\"rewound\"\n");
    expect_beside_writes(shell, "segj tail -f -n 0 journal 2>&1 >/dev/null | grep -m 1 -o 'were taken back'",
                         "were taken back\n");
}

/* When a line has come it has its handlers. */
static void a_signal_ends_it(void **state)
{
    shell_t *shell = *state;
    path_t directory;
    open_journal(shell, &directory);
    shell_expect(shell,
                 "mkfifo pipe; '" SEGJ_COMMAND "' tail -f -n 1 -e none journal >pipe & pid=$!\n"
                 "{ read -r line; echo \"$line\"; kill -INT $pid; wait $pid; echo $?; } <pipe",
                 0, "9:0 8\n130\n", NULL);
}

/* As `nohup` starts it: the hang-up is pending when it is stopped, so that what ends it is what comes after. */
static void a_hang_up_that_is_ignored_stays_so(void **state)
{
    shell_t *shell = *state;
    path_t directory;
    open_journal(shell, &directory);
    shell_expect(shell,
                 "mkfifo pipe; trap '' HUP; '" SEGJ_COMMAND "' tail -f -n 1 -e none journal >pipe & pid=$!\n"
                 "{ read -r line; echo \"$line\"; kill -STOP $pid; kill -HUP $pid; kill -CONT $pid; kill -TERM $pid; "
                 "wait $pid 2>1; echo $?; } <pipe",
                 0, "9:0 8\n143\n", NULL);
}

/* The whole directory goes, and another journal comes in its place. */
static void a_journal_that_is_made_again_is_followed(void **state)
{
    shell_t *shell = *state;
    path_t directory;
    open_journal(shell, &directory);
    close_journal(shell);
    shell_expect(shell,
                 "cp -r journal new; mkfifo pipe; timeout 20 '" SEGJ_COMMAND "' tail -f -n 1 -e none new >pipe 2>2 & "
                 "pid=$!\n"
                 "{ read -r line; echo \"$line\"; rm -rf new; until grep -q removed 2; do sleep 0.01; done; "
                 "cp -r journal new; read -r line; echo \"$line\"; kill -TERM $pid; } <pipe",
                 0, "9:0 8\n9:0 8\n", NULL);
}

/* Nothing is written, and still it is seen that nobody reads. */
static void the_end_of_its_reader_ends_it(void **state)
{
    shell_t *shell = *state;
    path_t directory;
    open_journal(shell, &directory);
    shell_expect(shell, "segj tail -f -n 1 -e none journal | head -n 1; echo over", 0, "9:0 8\nover\n", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHELL_TEST(the_newest_records_are_listed_beside_a_writer),
        SHELL_TEST(a_section_is_listed_whose_index_file_is_missing),
        SHELL_TEST(json_has_a_record_a_line),
        SHELL_TEST(a_damaged_value_is_told_and_the_tail_goes_on),
        SHELL_TEST(commonware_is_told_how_else),
        SHELL_TEST(records_that_come_are_followed),
        SHELL_TEST(a_signal_ends_it),
        SHELL_TEST(a_journal_that_is_made_again_is_followed),
        SHELL_TEST(a_hang_up_that_is_ignored_stays_so),
        SHELL_TEST(the_end_of_its_reader_ends_it),
    };
    return cmocka_run_group_tests_name("tail", tests, NULL, NULL);
}
