/*
 * promises/test_file_mode.c: the permission bits of what is created, whatever the umask says: files, directories, what
 * lies beside the partitions, and copies.
 */
#include "promises/fixture.h"
#include "segjournal/tools.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static unsigned mode_of(const char *path)
{
    struct stat found;
    assert_int_equal(stat(path, &found), 0);
    return (unsigned)found.st_mode & 07777u;
}

/* Everything below has these modes, but for `.hold`. Gives how many files there are. */
static unsigned check_modes(const char *directory, unsigned files, unsigned directories)
{
    unsigned count = 0;
    DIR *entries = opendir(directory);
    assert_non_null(entries);
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        struct stat found;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 || strcmp(entry->d_name, ".hold") == 0)
            continue;
        path_t path = join_path(directory, entry->d_name);
        assert_int_equal(stat(path.text, &found), 0);
        bool is_directory = S_ISDIR(found.st_mode);
        unsigned mode = mode_of(path.text);
        if (mode != (is_directory ? directories : files))
            fail_msg("%s has the mode %#o", path.text, mode);
        count += is_directory ? check_modes(path.text, files, directories) : 1;
    }
    closedir(entries);
    return count;
}

static void test_what_is_created_has_the_mode(void **state)
{
    fixture_t *f = *state;
    static const mode_t masks[] = {0, 022, 077};
    for (size_t i = 0; i < sizeof masks / sizeof masks[0]; i++) {
        mode_t before = umask(masks[i]);
        f->config.file_mode = 0640;
        open_journal(f);
        append_samples(f->journal, 1, 3, 0);
        append_samples(f->journal, 2, 3, 0);
        assert_ok(oversized_sync_all(f->journal));
        assert_true(check_modes(f->config.directory, 0640, 0750) >= 4);
        assert_int_equal(mode_of(f->config.directory), 0750);
        path_t copy = join_path(f->root.text, "copy");
        assert_ok(oversized_copy(f->journal, copy.text, NULL, NULL));
        (void)check_modes(copy.text, 0640, 0750);
        assert_int_equal(mode_of(copy.text), 0750);
        remove_tree(copy.text);
        assert_ok(oversized_destroy(f->journal));
        f->journal = NULL;
        remove_tree(f->config.directory);
        (void)umask(before);
    }
}

/* What is there stays as it is; what comes is new. */
static void test_another_mode_is_for_what_comes(void **state)
{
    fixture_t *f = *state;
    mode_t before = umask(022);
    open_journal(f);
    append_samples(f->journal, 1, 3, 0);
    close_journal(f);
    assert_int_equal(mode_of(values_path(f, 1).text), 0644);
    f->config.file_mode = 0600;
    open_journal(f);
    append_samples(f->journal, 1, 3, 0);
    append_samples(f->journal, 2, 3, 0);
    assert_int_equal(mode_of(values_path(f, 1).text), 0644);
    assert_int_equal(mode_of(values_path(f, 2).text), 0600);
    assert_int_equal(mode_of(index_path(f, 2).text), 0600);
    (void)umask(before);
}

/* The group that a directory hands down. */
static void test_the_group_is_inherited(void **state)
{
    fixture_t *f = *state;
    assert_int_equal(chmod(f->root.text, 02755), 0);
    if (mode_of(f->root.text) != 02755)
        SKIP("this file system or user sets no group bit on a directory");
    f->config.file_mode = 0660;
    open_journal(f);
    assert_int_equal(mode_of(f->config.directory), 02770);
    append_samples(f->journal, 1, 3, 0);
    assert_int_equal(mode_of(values_path(f, 1).text), 0660);
}

static segj_storage_t failing;
static int mode_failure;

static int fail_mode(segj_file_t *file, unsigned mode)
{
    return mode_failure != 0 ? mode_failure : segj_storage_posix()->file_mode(file, mode);
}

static void test_a_file_without_its_mode_is_none(void **state)
{
    fixture_t *f = *state;
    failing = *segj_storage_posix();
    failing.file_mode = fail_mode;
    f->config.storage = &failing;
    f->config.file_mode = 0600;
    open_journal(f);
    append_samples(f->journal, 1, 3, 0);
    mode_failure = EPERM;
    assert_status(oversized_append(f->journal, 2, "12345678", "v", 1, NULL, NULL), SEGJ_ERR_IO);
    assert_non_null(strstr(segj_last_error(), "creation"));
    assert_false(path_exists(values_path(f, 2).text));
    assert_false(path_exists(index_path(f, 2).text));
    mode_failure = 0;
    append_samples(f->journal, 2, 3, 0);
    check_sample(f->journal, 2, 2, 0);
    close_journal(f);
}

static void test_modes_that_are_none_are_refused(void **state)
{
    fixture_t *f = *state;
    static const unsigned modes[] = {0400, 0066, 0700, 0755, 01600, 07777};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        f->config.file_mode = modes[i];
        refuse_open(f, SEGJ_ERR_INVALID);
        assert_non_null(strstr(segj_last_error(), "config.file_mode is 0"));
    }
    segj_storage_t *memory;
    assert_ok(segj_storage_memory_create(&memory));
    f->config.storage = memory;
    f->config.file_mode = 0600;
    refuse_open(f, SEGJ_ERR_INVALID);
    assert_non_null(strstr(segj_last_error(), "sets no modes"));
    segj_storage_memory_destroy(memory);
    f->config.storage = segj_storage_posix();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(test_what_is_created_has_the_mode),    PROMISE(test_another_mode_is_for_what_comes),
        PROMISE(test_the_group_is_inherited),          PROMISE(test_a_file_without_its_mode_is_none),
        PROMISE(test_modes_that_are_none_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
