/*
 * The storage of the system's files: the contract of every storage, and what only such files can do: links, fifos,
 * forks, replaced directories, and which syncs are made.
 *
 * LINK_WRAP: fsync fdatasync syncfs malloc calloc realloc
 */
#include "unit/storage_contract.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit/wrapped_syncs.h"

static int make_watched(void **state)
{
    memset(&synced, 0, sizeof synced);
    return make_posix(state);
}

static const char section_one[] = "0000000000000001";

static void path_in(const struct place *place, const char *partition, const char *name, char path[PATH_LIMIT * 2])
{
    (void)snprintf(path, PATH_LIMIT * 2, "%s/%s%s%s", place->directory, partition, name[0] == '\0' ? "" : "/", name);
}

/** What must not be followed nor waited for, each under the name of a section. */
static void posix_opens_regular_files_only(void **state)
{
    const struct place *place = *state;
    segj_io_partition_t partition = make_part(place, "index");
    char path[PATH_LIMIT * 2];
    char target[PATH_LIMIT * 2];
    (void)snprintf(target, sizeof target, "%s/target", place->base);
    for (int kind = 0; kind < 4; kind++) {
        path_in(place, "index", section_one, path);
        if (kind == 0) {
            assert_int_equal(symlink(target, path), 0); /* dangling: must not pass for a missing file */
        } else if (kind == 1) {
            int fd = open(target, O_CREAT | O_WRONLY, 0666);
            assert_true(fd >= 0);
            (void)close(fd);
            assert_int_equal(symlink(target, path), 0);
        } else if (kind == 2) {
            assert_int_equal(mkfifo(path, 0666), 0);
        } else {
            assert_int_equal(mkdir(path, 0777), 0);
        }
        for (int mode = SEGJ_OPEN_READ; mode <= SEGJ_OPEN_CREATE; mode++) {
            int code = try_open(place, partition.opened, section_one, (segj_open_mode_t)mode);
            assert_int_not_equal(code, 0);
            assert_int_not_equal(code, ENOENT);
            segj_io_file_t file;
            bool missing = false;
            assert_int_equal(segj_io_open(&file, &partition, 1, (segj_open_mode_t)mode, &missing),
                             mode == SEGJ_OPEN_CREATE ? SEGJ_ERR_CORRUPT : SEGJ_ERR_IO);
            assert_false(missing);
        }
        uint64_t *sections;
        size_t count;
        assert_int_equal(segj_partition_sections(&partition, &sections, &count), SEGJ_ERR_CORRUPT);
        assert_non_null(strstr(segj_last_error(), path));
        if (kind == 3)
            assert_int_equal(rmdir(path), 0);
        else
            assert_int_equal(unlink(path), 0);
    }
    segj_partition_close(&partition);
}

static void posix_passes_over_hidden_names(void **state)
{
    const struct place *place = *state;
    segj_io_partition_t partition = make_part(place, "index");
    char path[PATH_LIMIT * 2];
    path_in(place, "index", "lost+found", path);
    assert_int_equal(mkdir(path, 0777), 0);
    path_in(place, "index", ".link", path);
    assert_int_equal(symlink("nowhere", path), 0);
    uint64_t *sections = NULL;
    size_t count = 99;
    assert_int_equal(segj_partition_sections(&partition, &sections, &count), SEGJ_OK);
    assert_int_equal(count, 0);
    free(sections);
    assert_int_equal(segj_partition_remove(&partition), SEGJ_ERR_IO); /* they are somebody's: not empty */
    assert_non_null(strstr(segj_last_error(), strerror(ENOTEMPTY)));
    segj_partition_close(&partition);
}

static void posix_partition_is_no_link(void **state)
{
    const struct place *place = *state;
    const segj_storage_t *storage = place->storage;
    segj_partition_t *partition = make_partition(place, "real");
    char path[PATH_LIMIT * 2];
    segj_partition_t *through = NULL;
    storage->partition_close(partition);
    path_in(place, "link", "", path);
    static const char *const targets[] = {"real", "nowhere"};
    for (size_t i = 0; i < COUNT_OF(targets); i++) {
        assert_int_equal(symlink(targets[i], path), 0);
        int code = storage->partition_open(storage->context, place->directory, "link", &through);
        assert_int_not_equal(code, 0);
        assert_int_not_equal(code, ENOENT);
        assert_int_not_equal(storage->partition_create(storage->context, place->directory, "link"), 0);
        assert_int_not_equal(remove_partition(place, "link"), 0);
        assert_int_equal(unlink(path), 0);
    }
    int fd = open(path, O_CREAT | O_WRONLY, 0666);
    assert_true(fd >= 0);
    (void)close(fd);
    assert_int_equal(storage->partition_open(storage->context, place->directory, "link", &through), ENOTDIR);
    assert_int_equal(storage->partition_create(storage->context, place->directory, "link"), ENOTDIR);
    assert_null(through);
}

static void posix_directory_may_be_a_link(void **state)
{
    const struct place *place = *state;
    struct place linked = *place;
    segj_partition_t *partition = make_partition(place, "index");
    (void)snprintf(linked.directory, sizeof linked.directory, "%s/link", place->base);
    assert_int_equal(symlink("journal", linked.directory), 0);
    segj_partition_t *through = make_partition(&linked, "index");
    assert_int_equal(place->storage->partition_lock(through, true), 0);
    assert_int_equal(place->storage->partition_lock(partition, true), EWOULDBLOCK); /* one directory, one lock */
    assert_int_equal(place->storage->directory_sync(NULL, linked.directory), 0);
    place->storage->partition_close(through);
    place->storage->partition_close(partition);
}

static void posix_directory_of_one_level(void **state)
{
    const struct place *place = *state;
    const segj_storage_t *storage = place->storage;
    segj_partition_t *partition = NULL;
    char deep[PATH_LIMIT * 2];
    (void)snprintf(deep, sizeof deep, "%s/no/such", place->base);
    assert_int_equal(storage->partition_create(NULL, deep, "a"), ENOENT);
    assert_int_equal(storage->partition_create(NULL, "", "a"), EINVAL);
    assert_int_equal(storage->partition_open(NULL, "", "tmp", &partition), EINVAL);
    assert_int_equal(storage->partition_remove(NULL, "", "tmp"), EINVAL);
    assert_int_equal(storage->directory_sync(NULL, ""), EINVAL);
}

static int open_descriptors_without_cloexec(void)
{
    int count = 0;
    for (int fd = STDERR_FILENO + 1; fd < 256; fd++) {
        int flags = fcntl(fd, F_GETFD);
        if (flags != -1 && (flags & FD_CLOEXEC) == 0)
            count++;
    }
    return count;
}

static int see_inheritance(void *context, const char *name, segj_entry_kind_t kind)
{
    (void)name;
    (void)kind;
    *(int *)context = open_descriptors_without_cloexec();
    return 0;
}

static void posix_descriptors_are_not_inherited(void **state)
{
    const struct place *place = *state;
    int before = open_descriptors_without_cloexec();
    int listing = -1;
    segj_partition_t *partition = make_partition(place, "a");
    segj_file_t *file = open_file(place, partition, "f", SEGJ_OPEN_CREATE);
    segj_file_t *reader = open_file(place, partition, "f", SEGJ_OPEN_READ);
    assert_int_equal(place->storage->partition_list(partition, see_inheritance, &listing), 0);
    assert_int_equal(listing, before);
    assert_int_equal(open_descriptors_without_cloexec(), before);
    place->storage->file_close(reader);
    place->storage->file_close(file);
    place->storage->partition_close(partition);
}

/** Waits for a child, which says by its exit code whether all was well. */
static void expect_success_of(pid_t child)
{
    int result = -1;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFEXITED(result));
    assert_int_equal(WEXITSTATUS(result), 0);
}

/** A field bug of other stores: with the standard descriptors closed, what a program prints went into its data. */
static void posix_files_keep_off_the_standard_descriptors(void **state)
{
    const struct place *place = *state;
    const segj_storage_t *storage = place->storage;
    segj_partition_t *partition = make_partition(place, "a");
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        segj_file_t *file = NULL;
        int code = 0;
        (void)close(STDERR_FILENO);
        (void)close(STDIN_FILENO);
        if (storage->file_open(partition, "f", SEGJ_OPEN_CREATE, &file) != 0)
            code |= 1;
        if (fcntl(STDERR_FILENO, F_GETFD) != -1 || fcntl(STDIN_FILENO, F_GETFD) != -1)
            code |= 2;
        if (write(STDERR_FILENO, "noise", 5) != -1)
            code |= 4;
        if (open_descriptors_without_cloexec() != 0 && file == NULL)
            code |= 8;
        _exit(code);
    }
    expect_success_of(child);
    segj_file_t *file = open_file(place, partition, "f", SEGJ_OPEN_READ);
    expect_size(place, file, 0);
    storage->file_close(file);
    storage->partition_close(partition);
}

/** A child that takes the lock, says so through one pipe, and holds it until the other is closed. */
static pid_t lock_in_child(const struct place *place, bool exclusive, int *hold)
{
    int ready[2];
    int until[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(until), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        segj_partition_t *partition = NULL;
        const segj_storage_t *storage = place->storage;
        (void)close(ready[0]);
        (void)close(until[1]);
        int code = storage->partition_open(storage->context, place->directory, "a", &partition);
        if (code == 0)
            code = storage->partition_lock(partition, exclusive);
        if (code == 0 && write(ready[1], "x", 1) != 1)
            code = 1;
        if (code == 0)
            (void)!read(until[0], &byte, 1);
        _exit(code == 0 ? 0 : 1); /* the lock ends with the process */
    }
    (void)close(ready[1]);
    (void)close(until[0]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    (void)close(ready[0]);
    *hold = until[1];
    return child;
}

static void posix_locks_between_processes(void **state)
{
    const struct place *place = *state;
    const segj_storage_t *storage = place->storage;
    segj_partition_t *partition = make_partition(place, "a");
    int hold;

    pid_t child = lock_in_child(place, true, &hold);
    assert_int_equal(storage->partition_lock(partition, true), EWOULDBLOCK);
    assert_int_equal(storage->partition_lock(partition, false), EWOULDBLOCK);
    (void)close(hold);
    expect_success_of(child);
    assert_int_equal(storage->partition_lock(partition, true), 0);
    assert_int_equal(storage->partition_unlock(partition), 0);

    child = lock_in_child(place, false, &hold);
    assert_int_equal(storage->partition_lock(partition, true), EWOULDBLOCK);
    assert_int_equal(storage->partition_lock(partition, false), 0);
    (void)close(hold);
    expect_success_of(child);
    assert_int_equal(storage->partition_lock(partition, true), 0);
    storage->partition_close(partition);
}

/** A child of fork shares the lock: its close must not give it away, and its life must not prolong it. */
static void posix_locks_and_forked_children(void **state)
{
    const struct place *place = *state;
    const segj_storage_t *storage = place->storage;
    segj_partition_t *partition = make_partition(place, "a");
    segj_partition_t *second = open_partition(place, "a");
    assert_int_equal(storage->partition_lock(partition, true), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        storage->partition_close(partition);
        _exit(0);
    }
    expect_success_of(child);
    assert_int_equal(storage->partition_lock(second, true), EWOULDBLOCK);

    int until[2];
    char byte;
    assert_int_equal(pipe(until), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)close(until[1]);
        _exit((int)read(until[0], &byte, 1));
    }
    storage->partition_close(partition);
    assert_int_equal(storage->partition_lock(second, true), 0); /* the child still has the descriptor */
    (void)close(until[0]);
    (void)close(until[1]);
    expect_success_of(child);
    storage->partition_close(second);
}

static void posix_replaced_directories_are_stale(void **state)
{
    const struct place *place = *state;
    const segj_storage_t *storage = place->storage;
    segj_partition_t *partition = make_partition(place, "a");
    char path[PATH_LIMIT * 2];
    char aside[PATH_LIMIT * 2];
    char journal_aside[PATH_LIMIT * 2];
    path_in(place, "a", "", path);
    path_in(place, "aside", "", aside);
    (void)snprintf(journal_aside, sizeof journal_aside, "%s/aside", place->base);

    assert_int_equal(rename(path, aside), 0); /* gone */
    assert_int_equal(storage->partition_lock(partition, true), ESTALE);
    assert_int_equal(symlink("aside", path), 0); /* a link, though to the same directory */
    assert_int_equal(storage->partition_lock(partition, true), ESTALE);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0777), 0); /* another */
    assert_int_equal(storage->partition_lock(partition, false), ESTALE);
    segj_partition_t *second = open_partition(place, "a");
    assert_int_equal(storage->partition_lock(second, true), 0);
    storage->partition_close(second);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rename(aside, path), 0); /* back: no lock was kept on the way */
    second = open_partition(place, "a");
    assert_int_equal(storage->partition_lock(second, true), 0);
    storage->partition_close(second);
    assert_int_equal(storage->partition_lock(partition, true), 0);
    assert_int_equal(storage->partition_unlock(partition), 0);

    assert_int_equal(rename(place->directory, journal_aside), 0); /* the directory above is gone, then a file */
    assert_int_equal(storage->partition_lock(partition, true), ESTALE);
    int fd = open(place->directory, O_CREAT | O_WRONLY, 0666);
    assert_true(fd >= 0);
    (void)close(fd);
    assert_int_equal(storage->partition_lock(partition, true), ESTALE);
    storage->partition_close(partition);
}

/* --- which syncs are made --- */

#if defined(__linux__)
static bool was_synced(size_t index, const char *path)
{
    struct stat found;
    assert_true(index < synced.count);
    assert_int_equal(stat(path, &found), 0);
    return synced.what[index].st_dev == found.st_dev && synced.what[index].st_ino == found.st_ino;
}

/** A size that became smaller is beyond fdatasync's promise: after a truncation the sync is a full one, once it worked
 *  no longer, and of another object of the same file not at all. */
static void posix_sync_after_truncation_is_full(void **state)
{
    const struct place *place = *state;
    const segj_storage_t *storage = place->storage;
    segj_partition_t *partition = make_partition(place, "a");
    segj_file_t *file = open_file(place, partition, "f", SEGJ_OPEN_CREATE);
    segj_file_t *other = open_file(place, partition, "f", SEGJ_OPEN_WRITE);
    write_text(place, file, 0, "0123456789");
    assert_int_equal(storage->file_sync(file), 0);
    assert_int_equal(storage->file_truncate(file, 5), 0);
    assert_int_equal(storage->file_sync(other), 0);
    synced.fail_code = EIO;
    synced.fail_after = 0;
    assert_int_equal(storage->file_sync(file), EIO);
    assert_int_equal(storage->file_sync(file), 0);
    assert_int_equal(storage->file_sync(file), 0);
    synced.fail_code = EINTR;
    synced.fail_after = 0;
    assert_int_equal(storage->file_sync(file), EINTR);
    assert_int_not_equal(storage->file_truncate(file, UINT64_MAX), 0); /* failed: what it did is unknown */
    assert_int_equal(storage->file_sync(file), 0);
    assert_string_equal(synced.kinds, "ddffddf");
    storage->file_close(other);
    storage->file_close(file);
    storage->partition_close(partition);
}

static void posix_directory_sync_finds_the_parent(void **state)
{
    const struct place *place = *state;
    const segj_storage_t *storage = place->storage;
    char before[PATH_LIMIT * 2];
    char path[PATH_LIMIT * 2];
    segj_partition_t *partition = make_partition(place, "a");
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(place->base), 0);
    assert_int_equal(mkdir("elsewhere", 0777), 0);
    assert_int_equal(symlink("../journal", "elsewhere/link"), 0);
    const struct {
        const char *directory;
        const char *parent;
    } cases[] = {
        {place->directory, place->base},
        {"journal", "."},
        {"journal/", "."},
        {"./journal//", "."},
        {"elsewhere/../journal", "."},
        {"elsewhere/link", "elsewhere"}, /* the name is where the link is, not where its target is */
        {"elsewhere/link//", "elsewhere"},
        {"elsewhere//link", "elsewhere"},
        {"elsewhere/link/a", "journal"},
        {".", ".."},
        {"./", ".."},
        {"..", "../.."},
        {"journal/.", "."},
        {"journal/a/..", "."},
        {"journal/a/../", "."},
        {"/", "/"},
        {"//", "/"},
        {"/tmp", "/"},
        {"/tmp/", "/"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        memset(&synced, 0, sizeof synced);
        assert_int_equal(storage->directory_sync(NULL, cases[i].directory), 0);
        assert_string_equal(synced.kinds, "ff");
        assert_true(was_synced(0, cases[i].directory));
        assert_true(was_synced(1, cases[i].parent));
    }
    for (size_t i = 0; i < 2; i++) { /* either failure is told */
        memset(&synced, 0, sizeof synced);
        synced.fail_code = EIO;
        synced.fail_after = i;
        assert_int_equal(storage->directory_sync(NULL, "journal"), EIO);
        assert_int_equal(synced.count, i + 1);
    }
    memset(&synced, 0, sizeof synced);
    path_in(place, "a", "", path);
    assert_int_equal(storage->partition_sync(partition), 0);
    assert_string_equal(synced.kinds, "f");
    assert_true(was_synced(0, path));
    assert_int_equal(chdir(before), 0);
    storage->partition_close(partition);
}

/** A parent that may be entered and not read cannot be opened: its file system is synced instead. */
static void posix_unreadable_parent(void **state)
{
    const struct place *place = *state;
    int result = 0;
    char above[PATH_LIMIT * 2];
    (void)snprintf(above, sizeof above, "%s/above", place->base);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (chdir(place->base) != 0 || mkdir("above", 0777) != 0 || mkdir("above/journal", 0777) != 0 ||
            chmod("above/journal", 0755) != 0 || chmod(".", 0755) != 0 || chmod("above", 0311) != 0)
            _exit(1);
        if (geteuid() == 0 && setuid(65534) != 0) /* the superuser could read it */
            _exit(2);
        memset(&synced, 0, sizeof synced);
        int code = place->storage->directory_sync(NULL, "above/journal");
        _exit(code == 0 && strcmp(synced.kinds, "fa") == 0 ? 0 : 3);
    }
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(chmod(above, 0755), 0);
    assert_true(WIFEXITED(result));
    if (WEXITSTATUS(result) == 2)
        SKIP("the superuser cannot become another user here");
    assert_int_equal(WEXITSTATUS(result), 0);
}
#endif

#define POSIX(test) cmocka_unit_test_setup_teardown(test, make_watched, drop_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONTRACT(make_watched),
        POSIX(posix_opens_regular_files_only),
        POSIX(posix_passes_over_hidden_names),
        POSIX(posix_partition_is_no_link),
        POSIX(posix_directory_may_be_a_link),
        POSIX(posix_directory_of_one_level),
        POSIX(posix_descriptors_are_not_inherited),
        POSIX(posix_files_keep_off_the_standard_descriptors),
        POSIX(posix_locks_between_processes),
        POSIX(posix_locks_and_forked_children),
        POSIX(posix_replaced_directories_are_stale),
#if defined(__linux__)
        POSIX(posix_sync_after_truncation_is_full),
        POSIX(posix_directory_sync_finds_the_parent),
        POSIX(posix_unreadable_parent),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
