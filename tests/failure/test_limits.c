/*
 * Limits of real processes on descriptors, with the default configuration: 256, 64 and 16 of them, and an application
 * that takes what is left while a journal is open. Nothing here is about durability, so syncs are not handed on to the
 * disk.
 *
 * LINK_WRAP: fsync fdatasync syncfs sync_file_range
 */
#include "support/support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { NUMBERS = 1024, VALUE = 100 };

int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_syncfs(int fd);
int __wrap_sync_file_range(int fd, int64_t offset, int64_t size, unsigned flags);

int __wrap_fsync(int fd)
{
    return fcntl(fd, F_GETFD) >= 0 ? 0 : -1;
}

int __wrap_fdatasync(int fd)
{
    return fcntl(fd, F_GETFD) >= 0 ? 0 : -1;
}

int __wrap_syncfs(int fd)
{
    return fcntl(fd, F_GETFD) >= 0 ? 0 : -1;
}

int __wrap_sync_file_range(int fd, int64_t offset, int64_t size, unsigned flags)
{
    return fcntl(fd, F_GETFD) >= 0 ? 0 : -1;
}

static path_t root;
static struct rlimit usual;
static oversized_config_t config;
static oversized_t *journal;
static char said[1024]; /* the last line logged about the bound */

/* --- descriptors --- */

static unsigned count_descriptors(void)
{
    unsigned count = 0;
    for (int i = 0; i < NUMBERS; i++)
        count += fcntl(i, F_GETFD) >= 0;
    return count;
}

static void limit_descriptors(rlim_t limit)
{
    struct rlimit lowered = {limit, usual.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &lowered), 0);
}

static int taken[NUMBERS];
static unsigned taken_count;

/* The application opens what it can, but for so many. */
static void take_all_but(unsigned left)
{
    int fd;
    while ((fd = dup(STDIN_FILENO)) >= 0)
        taken[taken_count++] = fd;
    assert_int_equal(errno, EMFILE);
    while (left-- > 0)
        assert_int_equal(close(taken[--taken_count]), 0);
}

static void give_all(void)
{
    while (taken_count > 0)
        assert_int_equal(close(taken[--taken_count]), 0);
}

/* --- journals --- */

static void keep_line(void *context, segj_log_level_t level, const char *message)
{
    if (level == SEGJ_LOG_INFO && strstr(message, "max_open_files") != NULL)
        (void)snprintf(said, sizeof said, "%s", message);
}

static int set_up(void **state)
{
    root = make_temp_directory();
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
    oversized_config_init(&config);
    config.native_version = tested_version();
    static path_t directory;
    directory = join_path(root.text, "journal");
    config.directory = directory.text;
    config.entry_size = 8;
    config.format = tested_format();
    config.map_values = true;
    config.log = keep_line;
    said[0] = '\0';
    return 0;
}

static int tear_down(void **state)
{
    give_all();
    (void)setrlimit(RLIMIT_NOFILE, &usual);
    oversized_abandon(journal);
    journal = NULL;
    remove_tree(root.text);
    return 0;
}

static void open_journal(void)
{
    assert_ok(oversized_open(&config, &journal));
}

static void close_journal(void)
{
    assert_ok(oversized_close(journal));
    journal = NULL;
}

/* A record of the section, whose entry and value say which. */
static segj_status_t append(uint64_t section, uint64_t position)
{
    uint8_t value[VALUE];
    uint64_t found;
    memset(value, (int)(section * 31 + position), sizeof value);
    uint8_t entry[8];
    put_u64(entry, section * 1000 + position);
    segj_status_t status = oversized_append(journal, section, entry, value, sizeof value, &found, NULL);
    if (status == SEGJ_OK)
        assert_int_equal(found, position);
    return status;
}

static void append_turns(uint64_t sections, uint64_t first, uint64_t turns)
{
    for (uint64_t turn = first; turn < first + turns; turn++)
        for (uint64_t section = 1; section <= sections; section++)
            assert_ok(append(section, turn));
}

static void check_value(uint64_t section, uint64_t position, const uint8_t *value, size_t size)
{
    assert_int_equal(size, VALUE);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(value[i], (uint8_t)(section * 31 + position));
}

/* Every record by a replay with values, by reads and by views. */
static void check_all(uint64_t sections, uint64_t turns)
{
    oversized_replay_t *replay;
    oversized_item_t item;
    uint64_t records = 0;
    assert_ok(oversized_replay_open(journal, 0, 0, 4096, &replay));
    segj_status_t status;
    while ((status = oversized_replay_next(replay, &item)) == SEGJ_OK) {
        const void *value;
        size_t size;
        assert_ok(oversized_replay_value(replay, &value, &size));
        check_value(item.section, item.position, value, size);
        records++;
    }
    assert_status(status, SEGJ_END);
    oversized_replay_close(replay);
    assert_int_equal(records, sections * turns);
    segj_buffer_t value = {NULL, 0, 0};
    oversized_view_t view = {0};
    for (uint64_t section = 1; section <= sections; section++) {
        assert_ok(oversized_read(journal, section, turns - 1, NULL, &value));
        check_value(section, turns - 1, value.data, value.size);
        assert_ok(oversized_view(journal, section, turns - 1, NULL, &view));
        check_value(section, turns - 1, view.data, view.size);
    }
    oversized_view_release(&view);
    segj_buffer_free(&value);
}

static void read_some(uint64_t sections)
{
    segj_buffer_t value = {NULL, 0, 0};
    for (uint64_t section = 1; section <= sections; section++) {
        assert_ok(oversized_read(journal, section, 0, NULL, &value));
        check_value(section, 0, value.data, value.size);
    }
    segj_buffer_free(&value);
}

/* Many sections are made and written in turn, closed, read and written again; never are more descriptors open than
 * the limit allows for, and some are left to the application. */
static void work(rlim_t limit, uint64_t sections)
{
    limit_descriptors(limit);
    open_journal();
    append_turns(sections, 0, 3);
    assert_ok(oversized_sync_all(journal));
    check_all(sections, 3);
    close_journal();
    open_journal();
    check_all(sections, 3);
    append_turns(sections, 3, 2);
    check_all(sections, 5);
    take_all_but(0);
    print_message("  a limit of %u left the application %u\n", (unsigned)limit, taken_count);
    assert_in_range(taken_count, 1, limit);
    give_all();
    close_journal();
}

static void with_256_descriptors(void **state)
{
    work(256, 400);
    assert_non_null(strstr(said, "max_open_files is 256, but of the 256 descriptors"));
}

static void with_64_descriptors(void **state)
{
    work(64, 300);
    assert_non_null(strstr(said, "max_open_files is 256, but of the 64 descriptors"));
}

static void with_16_descriptors(void **state)
{
    /* The owner's partition and .hold of the commonware format take four more. */
    bool native = config.format == SEGJ_FORMAT_NATIVE;
    work(native ? 16 : 20, 30);
    assert_non_null(strstr(said, native ? "max_open_files is 256, but of the 16 descriptors"
                                        : "max_open_files is 256, but of the 20 descriptors"));
}

/* The bound itself is not touched by a limit that is far. */
static void nothing_is_said_of_a_limit_that_is_far(void **state)
{
    if (usual.rlim_max < 1024)
        SKIP("fewer than 1,024 descriptors are allowed here");
    limit_descriptors(1024);
    open_journal();
    assert_string_equal(said, "");
    close_journal();
    config.max_open_files = 16;
    limit_descriptors(64);
    open_journal();
    assert_string_equal(said, "");
    close_journal();
}

/* --- taken while the journal is open --- */

static void the_application_takes_what_is_left(void **state)
{
    enum { SECTIONS = 60 };
    limit_descriptors(200);
    open_journal();
    append_turns(SECTIONS, 0, 1);
    check_all(SECTIONS, 1);
    for (unsigned left = 0; left < 3; left++) {
        take_all_but(left);
        append_turns(SECTIONS, left + 1, 1); /* sections that are being written need none */
        for (uint64_t section = 1001 + left * 100; section < 1031 + left * 100; section++)
            assert_ok(append(section, 0)); /* new ones do: others rest */
        read_some(SECTIONS);
        give_all();
    }
    assert_ok(oversized_sync_all(journal));
    close_journal();
}

static void reads_go_on_when_the_application_takes_what_is_left(void **state)
{
    enum { SECTIONS = 70, FIRST = 30, FILES = 2 * SECTIONS };
    limit_descriptors(200);
    open_journal();
    append_turns(SECTIONS, 0, 2);
    close_journal();
    for (unsigned left = 0; left < 3; left++) {
        open_journal();
        unsigned none = count_descriptors();
        read_some(FIRST);
        assert_in_range(count_descriptors(), none + FIRST, none + FILES);
        take_all_but(left);
        check_all(SECTIONS, 2);
        unsigned few = count_descriptors() - taken_count;
        assert_in_range(few, none + FIRST, none + 2 * FIRST);
        take_all_but(0); /* the application finds some that were given back */
        read_some(SECTIONS);
        give_all();
        /* They are taken again when there are some. */
        unsigned before = count_descriptors();
        assert_in_range(before, none, few - 1);
        for (int i = 0; i < 30; i++)
            check_all(SECTIONS, 2);
        print_message("  %u descriptors, then %u, then %u\n", few, before, count_descriptors());
        assert_in_range(count_descriptors(), before + 20, none + FILES);
        close_journal();
    }
}

/* Nothing is open that could be given back. */
static void what_is_to_be_done_is_said(void **state)
{
    limit_descriptors(32);
    open_journal();
    take_all_but(0);
    assert_status(append(1, 0), SEGJ_ERR_IO);
    assert_non_null(strstr(segj_last_error(),
                           "/index/0000000000000001: creation: Too many open files (the process may have "
                           "32 descriptors: raise RLIMIT_NOFILE"));
    assert_null(oversized_error(journal));
    give_all();
    take_all_but(1); /* for the index alone */
    assert_status(append(1, 0), SEGJ_ERR_IO);
    assert_non_null(strstr(segj_last_error(), "/values/0000000000000001: creation: Too many open files"));
    assert_null(oversized_error(journal));
    give_all();
    take_all_but(2);
    assert_ok(append(1, 0));
    assert_ok(oversized_sync(journal, 1));
    close_journal();
    oversized_t *other = NULL;
    give_all();
    take_all_but(0);
    assert_status(oversized_open(&config, &other), SEGJ_ERR_IO);
    assert_non_null(strstr(segj_last_error(), "Too many open files (the process may have 32 descriptors"));
    give_all();
    /* The partitions, the directories they lie in, and the file of the owner; or that one's partition and .hold too. */
    const unsigned partitions = config.format == SEGJ_FORMAT_NATIVE ? 5 : 9;
    take_all_but(partitions);
    assert_status(oversized_open(&config, &other), SEGJ_ERR_IO);
    assert_non_null(strstr(segj_last_error(), "open: Too many open files"));
    give_all();
    take_all_but(partitions + 2);
    open_journal();
    assert_ok(append(1, 1));
    check_all(1, 2);
    close_journal();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(with_256_descriptors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(with_64_descriptors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(with_16_descriptors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_is_said_of_a_limit_that_is_far, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_application_takes_what_is_left, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_go_on_when_the_application_takes_what_is_left, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_to_be_done_is_said, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
