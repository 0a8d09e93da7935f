/*
 * Where a journal is: what is open is what is locked, read, written and removed, whatever becomes of the names that
 * lead there; and what stands in the way is said.
 */
#include "failure/faulty.h"
#include "support/support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct place {
    path_t root, directory;
    oversized_config_t config;
    int home; /* the working directory as it was */
} place_t;

static segj_storage_t storage; /* the system's, with calls of this test */

static int set_up(void **state)
{
    static place_t place;
    place.root = make_temp_directory();
    place.directory = join_path(place.root.text, "journal");
    small_config(&place.config, place.directory.text);
    place.home = open(".", O_RDONLY | O_DIRECTORY);
    storage = *segj_storage_posix();
    *state = &place;
    return 0;
}

static int tear_down(void **state)
{
    place_t *place = *state;
    assert_int_equal(fchdir(place->home), 0);
    (void)close(place->home);
    remove_tree(place->root.text);
    return 0;
}

static oversized_t *open_with(const oversized_config_t *config)
{
    oversized_t *journal = NULL;
    assert_ok(oversized_open(config, &journal));
    return journal;
}

static void append_synced(oversized_t *journal, uint64_t id)
{
    append_filled(journal, 1, id, (uint8_t)id, 10, NULL);
    assert_ok(oversized_sync(journal, 1));
}

static path_t partition_of(const char *directory, const char *partition)
{
    return join_path(directory, partition);
}

static void rename_it(const char *from, const char *to)
{
    assert_int_equal(rename(from, to), 0);
}

#define assert_says(text) assert_non_null(strstr(segj_last_error(), (text)))

/* --- what is removed is what is open --- */

static void a_destroy_elsewhere_removes_its_own(void **state)
{
    place_t *place = *state;
    path_t here = join_path(place->root.text, "here");
    path_t there = join_path(place->root.text, "there");
    make_directory(here.text);
    make_directory(there.text);
    assert_int_equal(chdir(here.text), 0);
    place->config.directory = "data";
    oversized_t *journal = open_with(&place->config);
    append_synced(journal, 1);
    assert_int_equal(chdir(there.text), 0);
    make_directory("data");
    make_directory("data/test_index");
    make_directory("data/test_values");
    assert_ok(oversized_destroy(journal));
    assert_true(path_exists("data/test_index"));
    assert_true(path_exists("data/test_values"));
    path_t own = join_path(here.text, "data");
    assert_false(path_exists(partition_of(own.text, "test_index").text));
    assert_false(path_exists(partition_of(own.text, "test_values").text));
}

static void a_destroy_of_a_renamed_journal_leaves_its_successor(void **state)
{
    place_t *place = *state;
    path_t old = join_path(place->root.text, "old");
    oversized_t *journal = open_with(&place->config);
    append_synced(journal, 1);
    rename_it(place->directory.text, old.text);
    oversized_t *successor = open_with(&place->config);
    append_synced(successor, 2);
    assert_ok(oversized_destroy(journal));
    assert_false(path_exists(partition_of(old.text, "test_index").text));
    append_synced(successor, 3);
    oversized_t *third = NULL;
    assert_status(oversized_open(&place->config, &third), SEGJ_ERR_LOCKED);
    assert_ok(oversized_close(successor));
    successor = open_with(&place->config);
    check_filled(successor, 1, 1, 3, 3, 10);
    assert_ok(oversized_close(successor));
}

/* A partition whose name stands for another one, or for none: nothing is removed, here or there. */
static void a_destroy_of_replaced_partitions_removes_nothing(void **state)
{
    static const char *const partitions[] = {"test_index", "test_values"};
    place_t *place = *state;
    for (int replaced = 0; replaced < 4; replaced++) {
        path_t partition = partition_of(place->directory.text, partitions[replaced % 2]);
        path_t aside = join_path(place->root.text, "aside");
        oversized_t *journal = open_with(&place->config);
        append_synced(journal, 1);
        rename_it(partition.text, aside.text);
        if (replaced < 2)
            make_directory(partition.text);
        assert_status(oversized_destroy(journal), SEGJ_ERR_MISMATCH);
        assert_says("renamed or replaced");
        assert_int_equal(segj_last_errno(), ESTALE);
        assert_says(partitions[replaced % 2]);
        if (replaced < 2)
            assert_int_equal(rmdir(partition.text), 0);
        rename_it(aside.text, partition.text);
        journal = open_with(&place->config);
        check_filled(journal, 1, 0, 1, 1, 10);
        assert_ok(oversized_destroy(journal));
    }
}

/* --- both partitions are of one directory --- */

static place_t *renaming;
static unsigned opened;

/* Another journal gets the directory's name between the openings of the two partitions, once. */
static int open_and_rename(void *context, const char *directory, const char *partition, segj_partition_t **result)
{
    if (++opened == 2) {
        rename_it(renaming->directory.text, join_path(renaming->root.text, "old").text);
        rename_it(join_path(renaming->root.text, "other").text, renaming->directory.text);
    }
    return segj_storage_posix()->partition_open(context, directory, partition, result);
}

static void partitions_of_two_directories_are_not_taken_for_one(void **state)
{
    place_t *place = *state;
    renaming = place;
    opened = 0;
    oversized_t *journal = open_with(&place->config);
    append_synced(journal, 1);
    assert_ok(oversized_close(journal));
    rename_it(place->directory.text, join_path(place->root.text, "other").text);
    journal = open_with(&place->config);
    append_synced(journal, 2);
    assert_ok(oversized_close(journal));
    storage.partition_open = open_and_rename;
    place->config.storage = &storage;
    journal = open_with(&place->config);
    check_filled(journal, 1, 0, 1, 1, 10); /* the one that has the name by now */
    /* With a look for what was set aside, and in the commonware format for the owner's partition. */
    assert_int_equal(opened, tested_format() == SEGJ_FORMAT_NATIVE ? 5 : 6);
    assert_ok(oversized_close(journal));
}

/* --- what a file system has not let go yet --- */

static path_t hidden;
static unsigned removals, gone_after;

static int remove_late(segj_partition_t *partition)
{
    if (removals++ == gone_after)
        remove_file(hidden.text);
    return segj_storage_posix()->partition_remove_open(partition);
}

static bool held;

/* A file that is open keeps its hidden name. */
static int remove_unless_held(segj_partition_t *partition, const char *name)
{
    bool own = strcmp(name, ".owner") == 0 || strcmp(name, ".removing") == 0;
    return name[0] == '.' && !own && held ? EBUSY : segj_storage_posix()->file_remove(partition, name);
}

static void destroy_beside(place_t *place, const char *partition, const char *name, segj_status_t expected)
{
    storage.partition_remove_open = remove_late;
    storage.file_remove = remove_unless_held;
    place->config.storage = &storage;
    oversized_t *journal = open_with(&place->config);
    append_synced(journal, 1);
    hidden = join_path(partition_of(place->directory.text, partition).text, name);
    write_file(hidden.text, "x", 1);
    removals = place->config.format == SEGJ_FORMAT_NATIVE ? 0 : UINT32_MAX; /* the owner's partition goes before */
    assert_status(oversized_destroy(journal), expected);
}

static void hidden_names_are_waited_for(void **state)
{
    held = true;
    static const char *const names[] = {".fuse_hidden0000000200000001", ".nfs00000000000212"};
    static const char *const partitions[] = {"test_index", "test_values"};
    place_t *place = *state;
    for (int i = 0; i < 4; i++) {
        gone_after = 3;
        destroy_beside(place, partitions[i % 2], names[i / 2], SEGJ_OK);
        assert_int_equal(removals, i % 2 == 0 ? 5 : 4); /* the fourth went, and behind it the values */
        assert_false(path_exists(partition_of(place->directory.text, "test_index").text));
        assert_false(path_exists(partition_of(place->directory.text, "test_values").text));
    }
}

static void hidden_names_that_stay_are_named(void **state)
{
    place_t *place = *state;
    held = true;
    gone_after = 1000;
    destroy_beside(place, "test_index", ".nfs00000000000212", SEGJ_ERR_IO);
    assert_int_equal(removals, 7);
    assert_says(".nfs00000000000212");
    assert_says("a second open and destroy will do");
    remove_file(hidden.text);
    oversized_t *journal = open_with(&place->config);
    assert_ok(oversized_destroy(journal));
    assert_false(path_exists(partition_of(place->directory.text, "test_values").text));
}

/* libfuse has been seen to leave them for ever. */
static void hidden_names_that_nobody_holds_are_removed(void **state)
{
    place_t *place = *state;
    held = false;
    gone_after = 1000;
    destroy_beside(place, "test_index", ".fuse_hidden0000000200000001", SEGJ_OK);
    assert_false(path_exists(partition_of(place->directory.text, "test_index").text));
}

static void foreign_names_are_not_waited_for(void **state)
{
    place_t *place = *state;
    gone_after = 1000;
    destroy_beside(place, "test_values", ".notes", SEGJ_ERR_IO);
    assert_int_equal(removals, 2);
    assert_says(".notes");
    assert_says("not the journal's");
    remove_file(hidden.text);
    oversized_t *journal = open_with(&place->config);
    assert_ok(oversized_destroy(journal));
}

/* --- sentences --- */

static void fails(const oversized_config_t *config, segj_status_t expected)
{
    oversized_t *journal = NULL;
    assert_status(oversized_open(config, &journal), expected);
    assert_null(journal);
}

static void what_is_missing_is_said(void **state)
{
    place_t *place = *state;
    path_t deep = join_path(place->directory.text, "below");
    place->config.must_exist = true;
    fails(&place->config, SEGJ_ERR_NOT_FOUND);
    assert_says("the directory is missing");
    assert_int_equal(segj_last_errno(), ENOENT);
    place->config.directory = deep.text;
    fails(&place->config, SEGJ_ERR_NOT_FOUND);
    assert_says("the directory above it is missing");
    assert_int_equal(segj_last_errno(), ENOENT);
    place->config.must_exist = false;
    fails(&place->config, SEGJ_ERR_IO);
    assert_says(deep.text);
    assert_says("the directory above it is missing");
    assert_int_equal(segj_last_errno(), ENOENT);
    place->config.must_exist = true;
    make_directory(place->directory.text);
    place->config.directory = place->directory.text;
    fails(&place->config, SEGJ_ERR_NOT_FOUND);
    assert_says("test_index: there is no journal: the partition is missing");
    assert_int_equal(segj_last_errno(), ENOENT);
    make_directory(partition_of(place->directory.text, "test_index").text);
    place->config.read_only = true;
    fails(&place->config, SEGJ_ERR_NOT_FOUND);
    assert_says("test_values: there is no journal: the partition is missing");
    assert_int_equal(segj_last_errno(), ENOENT);
}

static void says_of_a_file(place_t *place, const char *directory, const char *file, const char *what)
{
    char expected[PATH_LIMIT + 64];
    (void)snprintf(expected, sizeof expected, "%s%s", file, what);
    place->config.directory = directory;
    for (int how = 0; how < 3; how++) {
        place->config.read_only = how == 1;
        place->config.must_exist = how == 2;
        fails(&place->config, SEGJ_ERR_IO);
        assert_string_equal(segj_last_error(), expected);
        assert_int_equal(segj_last_errno(), ENOTDIR);
    }
    place->config.read_only = place->config.must_exist = false;
}

/* A file where a directory is wanted is named: as config.directory, as what that lies below, and as a partition. */
static void a_file_in_a_directorys_place_is_named(void **state)
{
    static const char *const partitions[] = {"test_index", "test_values"};
    place_t *place = *state;
    path_t file = join_path(place->root.text, "file");
    path_t below = join_path(file.text, "below");
    path_t deep = join_path(below.text, "deeper//");
    write_file(file.text, "x", 1);
    says_of_a_file(place, file.text, file.text, " is not a directory");
    says_of_a_file(place, below.text, file.text, " is not a directory");
    says_of_a_file(place, deep.text, file.text, " is not a directory");
    for (int i = 0; i < 2; i++) {
        place->config.directory = place->directory.text;
        oversized_abandon(open_with(&place->config));
        path_t partition = partition_of(place->directory.text, partitions[i]);
        remove_tree(partition.text);
        write_file(partition.text, "x", 1);
        says_of_a_file(place, place->directory.text, partition.text, " is a file, and no partition");
        remove_file(partition.text);
    }
}

/* A link that leads nowhere is no directory either, and none can be made in its place. */
static void a_directory_that_is_a_link_to_nowhere_is_refused(void **state)
{
    place_t *place = *state;
    assert_int_equal(symlink("nowhere", place->directory.text), 0);
    fails(&place->config, SEGJ_ERR_IO);
    assert_says(place->directory.text);
    assert_says(" is a link, and there is nothing where it leads");
    assert_int_equal(segj_last_errno(), ENOTDIR);
}

/* Links that lead in a circle are the directory's, and not its partition's. */
static void a_directory_that_is_a_link_to_itself_is_named(void **state)
{
    place_t *place = *state;
    assert_int_equal(symlink(place->directory.text, place->directory.text), 0);
    fails(&place->config, SEGJ_ERR_IO);
    assert_says(place->directory.text);
    assert_null(strstr(segj_last_error(), "partition"));
    assert_int_equal(segj_last_errno(), ELOOP);
}

/* Another thing has the name of the file that says who has the journal open. */
static void what_has_the_owners_name_is_to_be_moved_away(void **state)
{
    place_t *place = *state;
    oversized_abandon(open_with(&place->config));
    path_t where = partition_of(place->directory.text,
                                place->config.format == SEGJ_FORMAT_NATIVE ? "test_index" : ".test_index.owner");
    path_t owner = join_path(where.text, ".owner");
    for (int kind = 0; kind < 3; kind++) {
        remove_tree(owner.text);
        if (kind == 0)
            assert_int_equal(symlink("/dev/null", owner.text), 0);
        else if (kind == 1)
            make_directory(owner.text);
        else
            assert_int_equal(mkfifo(owner.text, 0600), 0);
        fails(&place->config, SEGJ_ERR_IO);
        assert_says(owner.text);
        assert_says("move away what has it");
        assert_int_not_equal(segj_last_errno(), 0);
    }
    remove_tree(owner.text);
    oversized_abandon(open_with(&place->config));
}

static void a_partition_that_is_a_link_is_called_one(void **state)
{
    static const char *const partitions[] = {"test_index", "test_values"};
    place_t *place = *state;
    for (int i = 0; i < 2; i++) {
        path_t partition = partition_of(place->directory.text, partitions[i]);
        path_t aside = join_path(place->root.text, "aside");
        oversized_t *journal = open_with(&place->config);
        assert_ok(oversized_close(journal));
        rename_it(partition.text, aside.text);
        assert_int_equal(symlink(aside.text, partition.text), 0);
        fails(&place->config, SEGJ_ERR_IO);
        assert_says(partition.text);
        assert_says("a link");
        assert_int_equal(segj_last_errno(), ELOOP);
        assert_int_equal(unlink(partition.text), 0);
        assert_int_equal(symlink("nowhere", partition.text), 0);
        fails(&place->config, SEGJ_ERR_IO);
        assert_says("a link");
        assert_int_equal(segj_last_errno(), ELOOP);
        assert_int_equal(unlink(partition.text), 0);
        rename_it(aside.text, partition.text);
    }
}

static void a_directory_that_is_a_link_is_followed(void **state)
{
    place_t *place = *state;
    path_t target = join_path(place->root.text, "target");
    make_directory(target.text);
    assert_int_equal(symlink(target.text, place->directory.text), 0);
    oversized_t *journal = open_with(&place->config);
    append_synced(journal, 1);
    assert_int_equal(unlink(place->directory.text), 0);
    assert_ok(oversized_destroy(journal));
    assert_false(path_exists(partition_of(target.text, "test_index").text));
}

static int refusal;

static int refuse_sync(segj_partition_t *partition)
{
    (void)partition;
    return refusal;
}

static int refuse_lock(segj_partition_t *partition, bool exclusive)
{
    (void)partition;
    (void)exclusive;
    return refusal;
}

static int refuse_create(void *context, const char *directory, const char *partition)
{
    (void)context;
    (void)directory;
    (void)partition;
    return refusal;
}

static int refuse_change(segj_partition_t *partition, const char *name, segj_open_mode_t mode, segj_file_t **result)
{
    return mode == SEGJ_OPEN_READ ? segj_storage_posix()->file_open(partition, name, mode, result) : refusal;
}

static void what_a_file_system_lacks_is_said(void **state)
{
    static const int codes[] = {EINVAL, EBADF, ENOLCK, ENOSYS, EOPNOTSUPP};
    place_t *place = *state;
    place->config.storage = &storage;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        refusal = codes[i];
        storage = *segj_storage_posix();
        storage.partition_sync = refuse_sync;
        fails(&place->config, SEGJ_ERR_IO);
        assert_says("this file system does not make names durable");
        storage = *segj_storage_posix();
        storage.partition_sync_directory = refuse_sync;
        fails(&place->config, SEGJ_ERR_IO);
        assert_says("this file system does not make names durable");
        storage = *segj_storage_posix();
        storage.partition_lock = refuse_lock;
        fails(&place->config, SEGJ_ERR_IO);
        assert_says("this file system has no locks on directories");
    }
}

static void that_reading_would_do_is_said(void **state)
{
    static const int codes[] = {EROFS, EACCES, EPERM};
    place_t *place = *state;
    place->config.storage = &storage;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        refusal = codes[i];
        storage = *segj_storage_posix();
        storage.partition_create = refuse_create; /* there is no journal yet that could be read */
        fails(&place->config, SEGJ_ERR_IO);
        assert_says("test_index: creation: ");
        assert_null(strstr(segj_last_error(), "config.read_only"));
        assert_int_equal(segj_last_errno(), codes[i]);
    }
    storage = *segj_storage_posix();
    oversized_t *journal = open_with(&place->config);
    append_synced(journal, 1);
    oversized_abandon(journal); /* what is to be repaired is opened to be written to */
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        refusal = codes[i];
        storage.file_open = refuse_change;
        fails(&place->config, SEGJ_ERR_IO);
        assert_says("config.read_only");
    }
    place->config.read_only = true;
    journal = open_with(&place->config);
    check_filled(journal, 1, 0, 1, 1, 10);
    assert_ok(oversized_close(journal));
}

static void who_may_hold_the_lock_is_said(void **state)
{
    place_t *place = *state;
    oversized_t *journal = open_with(&place->config);
    append_synced(journal, 1);
    fails(&place->config, SEGJ_ERR_LOCKED);
    assert_says("a writer or a reader, or a child process forked by one, holds it");
    place->config.read_only = true;
    fails(&place->config, SEGJ_ERR_LOCKED);
    assert_says("a writer, or a child process forked by one, holds it");
    assert_ok(oversized_close(journal));
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_destroy_elsewhere_removes_its_own),
        TEST(a_destroy_of_a_renamed_journal_leaves_its_successor),
        TEST(a_destroy_of_replaced_partitions_removes_nothing),
        TEST(partitions_of_two_directories_are_not_taken_for_one),
        TEST(hidden_names_are_waited_for),
        TEST(hidden_names_that_stay_are_named),
        TEST(hidden_names_that_nobody_holds_are_removed),
        TEST(foreign_names_are_not_waited_for),
        TEST(what_is_missing_is_said),
        TEST(a_file_in_a_directorys_place_is_named),
        TEST(a_directory_that_is_a_link_to_nowhere_is_refused),
        TEST(a_directory_that_is_a_link_to_itself_is_named),
        TEST(what_has_the_owners_name_is_to_be_moved_away),
        TEST(a_partition_that_is_a_link_is_called_one),
        TEST(a_directory_that_is_a_link_is_followed),
        TEST(what_a_file_system_lacks_is_said),
        TEST(that_reading_would_do_is_said),
        TEST(who_may_hold_the_lock_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
