/*
 * commonware/test_hold.c: the lock by which commonware-storage 2026.9.0 and later keep others out of their directory: journals
 * take it shared, so that they are kept out and keep that program out, and do not keep each other out.
 */
#include "support/support.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

typedef struct place {
    path_t root, directory, hold;
    oversized_config_t config;
    unsigned warnings;
} place_t;

static void count_warning(void *context, segj_log_level_t level, const char *message)
{
    place_t *place = context;
    place->warnings += level == SEGJ_LOG_WARNING && strstr(message, ".hold") != NULL;
}

static int set_up(void **state)
{
    static place_t place;
    place.root = make_temp_directory();
    place.directory = join_path(place.root.text, "journal");
    place.hold = join_path(place.directory.text, ".hold");
    place.warnings = 0;
    small_config(&place.config, place.directory.text);
    place.config.format = SEGJ_FORMAT_COMMONWARE;
    place.config.native_version = 0;
    place.config.log = count_warning;
    place.config.log_context = &place;
    *state = &place;
    return 0;
}

static int tear_down(void **state)
{
    place_t *place = *state;
    remove_tree(place->root.text);
    return 0;
}

static oversized_t *open_it(const place_t *place)
{
    oversized_t *journal = NULL;
    assert_ok(oversized_open(&place->config, &journal));
    return journal;
}

/* As the program does: the file is made where it is missing, and locked exclusively. -1: it would have to wait. */
static int hold_as_the_program(const place_t *place)
{
    int fd = open(place->hold.text, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    assert_true(fd >= 0);
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    assert_int_equal(errno, EWOULDBLOCK);
    assert_int_equal(close(fd), 0);
    return -1;
}

static void let_go(int fd)
{
    assert_int_equal(close(fd), 0);
}

/* A journal with a record, closed. */
static void fill(const place_t *place)
{
    oversized_t *journal = open_it(place);
    append_filled(journal, 1, 1, 1, 30, NULL);
    assert_ok(oversized_close(journal));
}

static void a_journal_keeps_the_program_out(void **state)
{
    place_t *place = *state;
    oversized_t *journal = open_it(place);
    append_filled(journal, 1, 1, 1, 30, NULL);
    assert_int_equal(hold_as_the_program(place), -1);
    assert_ok(oversized_close(journal));
    int fd = hold_as_the_program(place);
    assert_true(fd >= 0);
    let_go(fd);
    journal = open_it(place);
    assert_int_equal(hold_as_the_program(place), -1);
    oversized_abandon(journal);
    fd = hold_as_the_program(place);
    assert_true(fd >= 0);
    let_go(fd);
}

static void the_program_keeps_a_journal_out(void **state)
{
    place_t *place = *state;
    oversized_t *journal = NULL;
    fill(place);
    int fd = hold_as_the_program(place);
    assert_true(fd >= 0);
    path_t before = join_path(place->root.text, "before");
    copy_tree(place->directory.text, before.text);
    for (int i = 0; i < 2; i++) {
        place->config.read_only = i == 1;
        assert_status(oversized_open(&place->config, &journal), SEGJ_ERR_LOCKED);
        assert_non_null(strstr(segj_last_error(), ".hold"));
        assert_non_null(strstr(segj_last_error(), "commonware-storage"));
    }
    place->config.read_only = false;
    assert_trees_equal(place->directory.text, before.text);
    let_go(fd);
    assert_ok(oversized_close(open_it(place)));
}

/* Also where the journal is not there yet: no partition is made beside the program. */
static void the_program_keeps_a_new_journal_out(void **state)
{
    place_t *place = *state;
    oversized_t *journal = NULL;
    make_directory(place->directory.text);
    int fd = hold_as_the_program(place);
    assert_status(oversized_open(&place->config, &journal), SEGJ_ERR_LOCKED);
    names_t names = list_directory(place->directory.text);
    assert_int_equal(names.count, 0);
    free_names(&names);
    let_go(fd);
    assert_ok(oversized_close(open_it(place)));
}

static void journals_of_one_directory_share_it(void **state)
{
    place_t *place = *state;
    oversized_t *first = open_it(place);
    place->config.index_partition = "other_index";
    place->config.value_partition = "other_values";
    oversized_t *second = open_it(place);
    append_filled(first, 1, 1, 1, 30, NULL);
    append_filled(second, 1, 1, 1, 30, NULL);
    assert_ok(oversized_close(first));
    assert_int_equal(hold_as_the_program(place), -1);
    assert_ok(oversized_close(second));
    let_go(hold_as_the_program(place));
}

/* It stays, also behind a destroy: another process may be waiting for it. */
static void the_file_is_never_removed(void **state)
{
    place_t *place = *state;
    fill(place);
    struct stat before;
    struct stat after;
    assert_int_equal(stat(place->hold.text, &before), 0);
    assert_ok(oversized_destroy(open_it(place)));
    assert_int_equal(stat(place->hold.text, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
}

static void a_reader_makes_no_file(void **state)
{
    place_t *place = *state;
    fill(place);
    remove_file(place->hold.text);
    place->config.read_only = true;
    assert_ok(oversized_close(open_it(place)));
    assert_false(path_exists(place->hold.text));
}

static void the_native_format_makes_none(void **state)
{
    place_t *place = *state;
    place->config.format = SEGJ_FORMAT_NATIVE;
    fill(place);
    assert_false(path_exists(place->hold.text));
}

/* What has the name and is no file is said, and nothing more. */
static void something_else_with_that_name_is_gone_without(void **state)
{
    place_t *place = *state;
    make_directory(place->directory.text);
    make_directory(place->hold.text);
    fill(place);
    assert_int_equal(place->warnings, 2); /* the directory's partitions were made between */
}

/* That program follows a link, so it would not be kept out by a journal that goes without. */
static void a_link_with_that_name_is_refused(void **state)
{
    place_t *place = *state;
    oversized_t *journal = NULL;
    path_t elsewhere = join_path(place->root.text, "elsewhere");
    fill(place);
    remove_file(place->hold.text);
    assert_int_equal(symlink(elsewhere.text, place->hold.text), 0);
    for (int there = 0; there < 2; there++) {
        for (int i = 0; i < 2; i++) {
            place->config.read_only = i == 1;
            assert_status(oversized_open(&place->config, &journal), SEGJ_ERR_IO);
            assert_non_null(strstr(segj_last_error(), place->hold.text));
            assert_non_null(strstr(segj_last_error(), "is a link"));
        }
        assert_int_equal(path_exists(elsewhere.text), there == 1);
        write_file(elsewhere.text, (const uint8_t *)"", 0);
    }
    place->config.read_only = false;
    remove_file(place->hold.text);
    assert_ok(oversized_close(open_it(place)));
}

static void *let_go_late(void *fd)
{
    const struct timespec pause = {0, 30 * 1000000L};
    (void)nanosleep(&pause, NULL);
    assert_int_equal(close(*(int *)fd), 0);
    return NULL;
}

static void an_open_waits_for_the_program(void **state)
{
    place_t *place = *state;
    pthread_t thread;
    fill(place);
    int fd = hold_as_the_program(place);
    place->config.lock_wait_ms = 60000;
    assert_int_equal(pthread_create(&thread, NULL, let_go_late, &fd), 0);
    assert_ok(oversized_close(open_it(place)));
    assert_int_equal(pthread_join(thread, NULL), 0);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_journal_keeps_the_program_out),     TEST(the_program_keeps_a_journal_out),
        TEST(the_program_keeps_a_new_journal_out), TEST(journals_of_one_directory_share_it),
        TEST(the_file_is_never_removed),           TEST(a_reader_makes_no_file),
        TEST(the_native_format_makes_none),        TEST(something_else_with_that_name_is_gone_without),
        TEST(a_link_with_that_name_is_refused),    TEST(an_open_waits_for_the_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
