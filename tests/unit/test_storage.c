/*
 * The storages and the wrappers around them. One contract is held against both storages; what only files of the system
 * can do (links, fifos, forks, replaced directories) is tried on the POSIX storage; and the wrappers' promises are
 * tried on a storage that follows a script: short transfers, interruptions, lies.
 *
 * LINK_WRAP: fsync fdatasync syncfs malloc calloc realloc
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storage/io.h"

#define PATH_LIMIT 512
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* --- calls of the system that are watched and failed --- */

int __real_fsync(int fd);
int __real_fdatasync(int fd);
int __real_syncfs(int fd);
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_syncfs(int fd);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

enum { SYNCED_MAX = 64 };

/** Each sync that was made: 'f' fsync, 'd' fdatasync, 'a' a whole file system, and of what. */
static struct {
    char kinds[SYNCED_MAX + 1];
    struct stat what[SYNCED_MAX];
    size_t count;
    int fail_code;     /* not 0: what one of them answers, */
    size_t fail_after; /* after so many that worked */
} synced;

static pthread_mutex_t synced_mutex = PTHREAD_MUTEX_INITIALIZER;

static int allocations_left = -1; /* the allocation after so many fails; -1: none */

static bool watch_sync(int fd, char kind)
{
    int code = 0;
    (void)pthread_mutex_lock(&synced_mutex);
    if (synced.count < SYNCED_MAX) {
        (void)fstat(fd, &synced.what[synced.count]);
        synced.kinds[synced.count++] = kind;
    }
    if (synced.fail_code != 0 && synced.fail_after-- == 0) {
        code = synced.fail_code;
        synced.fail_code = 0;
    }
    (void)pthread_mutex_unlock(&synced_mutex);
    errno = code;
    return code == 0;
}

int __wrap_fsync(int fd)
{
    return watch_sync(fd, 'f') ? __real_fsync(fd) : -1;
}

int __wrap_fdatasync(int fd)
{
    return watch_sync(fd, 'd') ? __real_fdatasync(fd) : -1;
}

int __wrap_syncfs(int fd)
{
    return watch_sync(fd, 'a') ? __real_syncfs(fd) : -1;
}

static bool may_allocate(void)
{
    if (allocations_left < 0)
        return true;
    if (allocations_left > 0) {
        allocations_left--;
        return true;
    }
    return false;
}

void *__wrap_malloc(size_t size)
{
    return may_allocate() ? __real_malloc(size) : NULL;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return may_allocate() ? __real_calloc(count, size) : NULL;
}

void *__wrap_realloc(void *old, size_t size)
{
    return may_allocate() ? __real_realloc(old, size) : NULL;
}

/* --- a place for a test: a storage, and a directory that does not exist yet --- */

struct place {
    const segj_storage_t *storage;
    segj_storage_t *memory;
    char base[PATH_LIMIT]; /* POSIX: an existing directory around `directory` */
    char directory[PATH_LIMIT + 16];
    int descriptors; /* how many there were when the test began */
};

static int count_descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < 256; fd++)
        if (fcntl(fd, F_GETFD) != -1)
            count++;
    return count;
}

static void remove_tree(const char *path)
{
    DIR *stream = opendir(path);
    const struct dirent *entry;
    while (stream != NULL && (entry = readdir(stream)) != NULL) {
        char name[PATH_LIMIT * 2];
        struct stat found;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        (void)snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (lstat(name, &found) == 0 && S_ISDIR(found.st_mode))
            remove_tree(name);
        else
            (void)unlink(name);
    }
    if (stream != NULL)
        (void)closedir(stream);
    (void)rmdir(path);
}

static struct place *new_place(void)
{
    struct place *place = calloc(1, sizeof *place);
    assert_non_null(place);
    memset(&synced, 0, sizeof synced);
    return place;
}

static int make_posix(void **state)
{
    struct place *place = new_place();
    const char *temporary = getenv("TMPDIR");
    if (temporary == NULL || temporary[0] == '\0' || strlen(temporary) > PATH_LIMIT / 2)
        temporary = "/tmp";
    (void)snprintf(place->base, sizeof place->base, "%s/segjournal-storage-XXXXXX", temporary);
    assert_non_null(mkdtemp(place->base));
    (void)snprintf(place->directory, sizeof place->directory, "%s/journal", place->base);
    place->storage = segj_storage_posix();
    place->descriptors = count_descriptors();
    *state = place;
    return 0;
}

static int make_memory(void **state)
{
    struct place *place = new_place();
    assert_int_equal(segj_storage_memory_create(&place->memory), SEGJ_OK);
    (void)snprintf(place->directory, sizeof place->directory, "journal");
    place->storage = place->memory;
    place->descriptors = count_descriptors();
    *state = place;
    return 0;
}

static int drop_place(void **state)
{
    struct place *place = *state;
    int leaked = count_descriptors() - place->descriptors;
    segj_storage_memory_destroy(place->memory);
    if (place->base[0] != '\0')
        remove_tree(place->base);
    free(place);
    return leaked == 0 ? 0 : -1;
}

/* --- short ways to call a storage --- */

static segj_partition_t *open_partition(const struct place *place, const char *name)
{
    segj_partition_t *partition = NULL;
    assert_int_equal(place->storage->partition_open(place->storage->context, place->directory, name, &partition), 0);
    assert_non_null(partition);
    return partition;
}

static segj_partition_t *make_partition(const struct place *place, const char *name)
{
    assert_int_equal(place->storage->partition_create(place->storage->context, place->directory, name), 0);
    return open_partition(place, name);
}

static int remove_partition(const struct place *place, const char *name)
{
    return place->storage->partition_remove(place->storage->context, place->directory, name);
}

static segj_file_t *open_file(const struct place *place, segj_partition_t *partition, const char *name,
                              segj_open_mode_t mode)
{
    segj_file_t *file = NULL;
    assert_int_equal(place->storage->file_open(partition, name, mode, &file), 0);
    assert_non_null(file);
    return file;
}

static int try_open(const struct place *place, segj_partition_t *partition, const char *name, segj_open_mode_t mode)
{
    segj_file_t *file = NULL;
    int code = place->storage->file_open(partition, name, mode, &file);
    if (code == 0)
        place->storage->file_close(file);
    else
        assert_null(file);
    return code;
}

static void write_text(const struct place *place, segj_file_t *file, uint64_t offset, const char *text)
{
    const segj_slice_t slice = {.data = text, .size = strlen(text)};
    size_t done = 0;
    assert_int_equal(place->storage->file_write(file, offset, &slice, 1, &done), 0);
    assert_int_equal(done, strlen(text));
}

static void expect_bytes(const struct place *place, segj_file_t *file, uint64_t offset, const char *bytes, size_t size)
{
    char found[256];
    size_t done = 0;
    assert_true(size <= sizeof found);
    assert_int_equal(place->storage->file_read(file, offset, found, size, &done), 0);
    assert_int_equal(done, size);
    assert_memory_equal(found, bytes, size);
}

static void expect_size(const struct place *place, segj_file_t *file, uint64_t size)
{
    uint64_t found = UINT64_MAX;
    assert_int_equal(place->storage->file_size(file, &found), 0);
    assert_int_equal(found, size);
}

/* --- the contract of every storage --- */

static void contract_missing_is_enoent(void **state)
{
    const struct place *place = *state;
    const segj_storage_t *storage = place->storage;
    segj_partition_t *partition = NULL;
    assert_int_equal(storage->partition_open(storage->context, place->directory, "a", &partition), ENOENT);
    assert_int_equal(remove_partition(place, "a"), ENOENT);
    assert_int_equal(storage->directory_sync(storage->context, place->directory), ENOENT);

    assert_int_equal(storage->partition_create(storage->context, place->directory, "a"), 0);
    assert_int_equal(storage->partition_open(storage->context, place->directory, "b", &partition), ENOENT);
    assert_int_equal(remove_partition(place, "b"), ENOENT);
    assert_null(partition);

    partition = open_partition(place, "a");
    assert_int_equal(try_open(place, partition, "f", SEGJ_OPEN_READ), ENOENT);
    assert_int_equal(try_open(place, partition, "f", SEGJ_OPEN_WRITE), ENOENT);
    assert_int_equal(storage->file_remove(partition, "f"), ENOENT);
    storage->partition_close(partition);
}

static void contract_creation(void **state)
{
    const struct place *place = *state;
    const segj_storage_t *storage = place->storage;
    segj_partition_t *partition = make_partition(place, "a");
    assert_int_equal(storage->partition_create(storage->context, place->directory, "a"), 0); /* again is fine */
    assert_int_equal(try_open(place, partition, "f", SEGJ_OPEN_CREATE), 0);
    assert_int_equal(try_open(place, partition, "f", SEGJ_OPEN_CREATE), EEXIST);
    assert_int_equal(try_open(place, partition, "f", SEGJ_OPEN_WRITE), 0);
    assert_int_equal(try_open(place, partition, "f", SEGJ_OPEN_READ), 0);
    segj_file_t *file = open_file(place, partition, "f", SEGJ_OPEN_READ);
    expect_size(place, file, 0);
    storage->file_close(file);
    storage->partition_close(partition);
}

static void contract_partitions_are_apart(void **state)
{
    const struct place *place = *state;
    segj_partition_t *a = make_partition(place, "a");
    segj_partition_t *b = make_partition(place, "b");
    segj_file_t *file = open_file(place, a, "f", SEGJ_OPEN_CREATE);
    assert_int_equal(try_open(place, b, "f", SEGJ_OPEN_READ), ENOENT);
    place->storage->partition_close(a); /* a file outlives its partition's object */
    write_text(place, file, 0, "still open");
    expect_bytes(place, file, 0, "still open", 10);
    place->storage->file_close(file);
    place->storage->partition_close(b);
}

static void contract_reads_and_writes(void **state)
{
    const struct place *place = *state;
    const segj_storage_t *storage = place->storage;
    segj_partition_t *partition = make_partition(place, "a");
    segj_file_t *file = open_file(place, partition, "f", SEGJ_OPEN_CREATE);
    char buffer[64];
    size_t done = 0;
    write_text(place, file, 0, "0123456789");
    write_text(place, file, 4, "abc");
    expect_bytes(place, file, 0, "0123abc789", 10);
    write_text(place, file, 13, "z"); /* what is skipped is zeros */
    expect_bytes(place, file, 8, "89\0\0\0z", 6);
    expect_size(place, file, 14);

    assert_int_equal(storage->file_read(file, 10, buffer, sizeof buffer, &done), 0); /* up to the end, no further */
    assert_int_equal(done, 4);
    done = 99;
    assert_int_equal(storage->file_read(file, 14, buffer, sizeof buffer, &done), 0);
    assert_int_equal(done, 0);
    done = 99;
    assert_int_equal(storage->file_read(file, (uint64_t)1 << 40, buffer, sizeof buffer, &done), 0);
    assert_int_equal(done, 0);
    expect_size(place, file, 14);
    storage->file_close(file);
    storage->partition_close(partition);
}

static void contract_slices(void **state)
{
    const struct place *place = *state;
    const segj_storage_t *storage = place->storage;
    segj_partition_t *partition = make_partition(place, "a");
    segj_file_t *file = open_file(place, partition, "f", SEGJ_OPEN_CREATE);
    char text[] = "abcdefghijklmnopqrstuvwxyz0123456789ABCD";
    segj_slice_t slices[40];
    size_t done = 0;
    for (size_t i = 0; i < 40; i++)
        slices[i] = (segj_slice_t){.data = text + i, .size = 1};
    slices[3].size = 0;
    slices[3].data = NULL;
    assert_int_equal(storage->file_write(file, 5, slices, 10, &done), 0);
    assert_int_equal(done, 9);
    expect_bytes(place, file, 0, "\0\0\0\0\0abcefghij", 14);

    slices[3] = (segj_slice_t){.data = text + 3, .size = 1};
    size_t total = 0;
    while (total < 40) { /* more slices than a storage may take at a time: never wrong, at most short */
        done = 0;
        assert_int_equal(storage->file_write(file, total, slices + total, 40 - total, &done), 0);
        assert_in_range(done, 1, 40 - total);
        total += done;
    }
    expect_bytes(place, file, 0, text, 40);
    expect_size(place, file, 40);
    storage->file_close(file);
    storage->partition_close(partition);
}

static void contract_read_only_files(void **state)
{
    const struct place *place = *state;
    const segj_storage_t *storage = place->storage;
    segj_partition_t *partition = make_partition(place, "a");
    segj_file_t *file = open_file(place, partition, "f", SEGJ_OPEN_CREATE);
    segj_file_t *reader = open_file(place, partition, "f", SEGJ_OPEN_READ);
    const segj_slice_t slice = {.data = "x", .size = 1};
    size_t done = 7;
    write_text(place, file, 0, "shared");
    expect_bytes(place, reader, 0, "shared", 6); /* two objects, one file */
    assert_int_not_equal(storage->file_write(reader, 0, &slice, 1, &done), 0);
    assert_int_equal(done, 0);
    assert_int_not_equal(storage->file_truncate(reader, 1), 0);
    expect_bytes(place, file, 0, "shared", 6);
    storage->file_close(reader);
    storage->file_close(file);
    storage->partition_close(partition);
}

static void contract_truncation(void **state)
{
    const struct place *place = *state;
    const segj_storage_t *storage = place->storage;
    segj_partition_t *partition = make_partition(place, "a");
    segj_file_t *file = open_file(place, partition, "f", SEGJ_OPEN_CREATE);
    write_text(place, file, 0, "0123456789");
    assert_int_equal(storage->file_truncate(file, 4), 0);
    expect_size(place, file, 4);
    assert_int_equal(storage->file_truncate(file, 8), 0); /* what was cut off is not there again */
    expect_bytes(place, file, 0, "0123\0\0\0\0", 8);
    assert_int_equal(storage->file_truncate(file, 2), 0);
    write_text(place, file, 6, "x");
    expect_bytes(place, file, 0, "01\0\0\0\0x", 7);
    assert_int_equal(storage->file_truncate(file, 0), 0);
    expect_size(place, file, 0);
    assert_int_not_equal(storage->file_truncate(file, UINT64_MAX), 0);
    expect_size(place, file, 0);
    storage->file_close(file);
    storage->partition_close(partition);
}

static void contract_removed_files_live_on(void **state)
{
    const struct place *place = *state;
    const segj_storage_t *storage = place->storage;
    segj_partition_t *partition = make_partition(place, "a");
    segj_file_t *old = open_file(place, partition, "f", SEGJ_OPEN_CREATE);
    write_text(place, old, 0, "old");
    assert_int_equal(storage->file_remove(partition, "f"), 0);
    assert_int_equal(storage->file_remove(partition, "f"), ENOENT);
    segj_file_t *new = open_file(place, partition, "f", SEGJ_OPEN_CREATE);
    write_text(place, new, 0, "new");
    write_text(place, old, 3, "er");
    expect_bytes(place, old, 0, "older", 5);
    expect_size(place, new, 3);
    expect_bytes(place, new, 0, "new", 3);
    assert_int_equal(storage->file_sync(old), 0);
    storage->file_close(old);
    storage->file_close(new);
    storage->partition_close(partition);
}

static void contract_syncs_and_hints(void **state)
{
    const struct place *place = *state;
    const segj_storage_t *storage = place->storage;
    segj_partition_t *partition = make_partition(place, "a");
    segj_file_t *file = open_file(place, partition, "f", SEGJ_OPEN_CREATE);
    assert_int_equal(storage->struct_size, sizeof(segj_storage_t));
    write_text(place, file, 0, "0123456789");
    if (storage->file_write_back != NULL) {
        storage->file_write_back(file, 0, 10);
        storage->file_write_back(file, 0, 0);
    }
    assert_int_equal(storage->file_sync(file), 0);
    assert_int_equal(storage->file_truncate(file, 5), 0);
    assert_int_equal(storage->file_sync(file), 0);
    if (storage->file_evict != NULL) {
        storage->file_evict(file, 0, 5);
        storage->file_evict(file, 0, 0);
    }
    assert_int_equal(storage->partition_sync(partition), 0);
    assert_int_equal(storage->directory_sync(storage->context, place->directory), 0);
    expect_bytes(place, file, 0, "01234", 5);
    storage->file_close(file);
    storage->partition_close(partition);
}

struct seen {
    size_t count;
    size_t stop_after;
    int stop_code;
    unsigned files; /* one bit each for a, b, c, d */
    const struct place *place;
    segj_partition_t *remove_from; /* not NULL: the visitor removes what it sees */
};

static int see(void *context, const char *name, segj_entry_kind_t kind)
{
    struct seen *seen = context;
    assert_int_equal(strlen(name), 1);
    assert_int_equal(kind, SEGJ_ENTRY_FILE);
    assert_in_range(name[0], 'a', 'd');
    assert_int_equal(seen->files & 1u << (name[0] - 'a'), 0);
    seen->files |= 1u << (name[0] - 'a');
    if (seen->remove_from != NULL)
        assert_int_equal(seen->place->storage->file_remove(seen->remove_from, name), 0);
    return ++seen->count == seen->stop_after ? seen->stop_code : 0;
}

static void contract_listing(void **state)
{
    const struct place *place = *state;
    const segj_storage_t *storage = place->storage;
    segj_partition_t *partition = make_partition(place, "p");
    struct seen seen = {.place = place};
    assert_int_equal(storage->partition_list(partition, see, &seen), 0);
    assert_int_equal(seen.count, 0);

    static const char *const names[] = {"c", "a", "d", "b"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        assert_int_equal(try_open(place, partition, names[i], SEGJ_OPEN_CREATE), 0);
    for (int i = 0; i < 3; i++) { /* again and again, each time from the start */
        seen = (struct seen){.place = place};
        assert_int_equal(storage->partition_list(partition, see, &seen), 0);
        assert_int_equal(seen.files, 15);
    }
    seen = (struct seen){.stop_after = 2, .stop_code = 12345};
    assert_int_equal(storage->partition_list(partition, see, &seen), 12345);
    assert_int_equal(seen.count, 2);

    seen = (struct seen){.place = place, .remove_from = partition};
    assert_int_equal(storage->partition_list(partition, see, &seen), 0);
    seen = (struct seen){.place = place};
    assert_int_equal(storage->partition_list(partition, see, &seen), 0);
    assert_int_equal(seen.count, 0);
    storage->partition_close(partition);
}

static void contract_locks(void **state)
{
    const struct place *place = *state;
    const segj_storage_t *storage = place->storage;
    segj_partition_t *first = make_partition(place, "a");
    segj_partition_t *second = open_partition(place, "a");
    segj_partition_t *other = make_partition(place, "b");

    assert_int_equal(storage->partition_lock(first, true), 0);
    assert_int_equal(storage->partition_lock(second, true), EWOULDBLOCK);
    assert_int_equal(storage->partition_lock(second, false), EWOULDBLOCK);
    assert_int_equal(storage->partition_lock(other, true), 0);
    assert_int_equal(storage->partition_lock(first, true), 0); /* mine already */

    assert_int_equal(storage->partition_unlock(first), 0);
    assert_int_equal(storage->partition_lock(second, false), 0);
    assert_int_equal(storage->partition_lock(first, false), 0);
    assert_int_equal(storage->partition_unlock(first), 0);
    assert_int_equal(storage->partition_lock(first, true), EWOULDBLOCK);

    assert_int_equal(storage->partition_lock(first, false), 0);
    storage->partition_close(second);                          /* gives its lock back */
    assert_int_equal(storage->partition_lock(first, true), 0); /* from shared to exclusive, alone */
    second = open_partition(place, "a");
    assert_int_equal(storage->partition_lock(second, false), EWOULDBLOCK);
    storage->partition_close(second); /* gives back no lock but its own */
    second = open_partition(place, "a");
    assert_int_equal(storage->partition_lock(second, false), EWOULDBLOCK);
    storage->partition_close(first);
    assert_int_equal(storage->partition_lock(second, true), 0);
    storage->partition_close(second);
    storage->partition_close(other);
}

static void contract_removed_partitions(void **state)
{
    const struct place *place = *state;
    const segj_storage_t *storage = place->storage;
    segj_partition_t *old = make_partition(place, "a");
    assert_int_equal(try_open(place, old, "f", SEGJ_OPEN_CREATE), 0);
    assert_int_equal(remove_partition(place, "a"), ENOTEMPTY);
    assert_int_equal(storage->file_remove(old, "f"), 0);
    assert_int_equal(remove_partition(place, "a"), 0);
    assert_int_equal(remove_partition(place, "a"), ENOENT);

    struct seen seen = {.place = place};
    assert_int_equal(storage->partition_lock(old, true), ESTALE);
    assert_int_equal(try_open(place, old, "f", SEGJ_OPEN_CREATE), ENOENT);
    assert_int_equal(storage->partition_list(old, see, &seen), 0);
    assert_int_equal(seen.count, 0);

    segj_partition_t *new = make_partition(place, "a");
    assert_int_equal(storage->partition_lock(old, true), ESTALE);
    assert_int_equal(storage->partition_lock(old, false), ESTALE);
    assert_int_equal(storage->partition_lock(new, true), 0);
    storage->partition_close(old);
    storage->partition_close(new);
}

enum { WORKERS = 4, WORKER_ROUNDS = 200, WORKER_PIECE = 16 };

struct worker {
    const struct place *place;
    segj_partition_t *partition;
    segj_file_t *shared;
    unsigned number;
    int failures;
};

static void *work(void *argument)
{
    struct worker *worker = argument;
    const segj_storage_t *storage = worker->place->storage;
    const char name[2] = {(char)('a' + worker->number), '\0'};
    unsigned char piece[WORKER_PIECE];
    const segj_slice_t slice = {.data = piece, .size = sizeof piece};
    for (unsigned i = 0; i < WORKER_ROUNDS; i++) {
        uint64_t offset = (uint64_t)(i * WORKERS + worker->number) * WORKER_PIECE;
        unsigned char back[WORKER_PIECE];
        segj_file_t *own = NULL;
        size_t done = 0;
        memset(piece, (int)(worker->number * 50 + i % 50), sizeof piece);
        if (storage->file_write(worker->shared, offset, &slice, 1, &done) != 0 || done != sizeof piece)
            worker->failures++;
        if (storage->file_read(worker->shared, offset, back, sizeof back, &done) != 0 || done != sizeof back ||
            memcmp(piece, back, sizeof back) != 0)
            worker->failures++;
        if (i % 50 == 0 && storage->file_sync(worker->shared) != 0)
            worker->failures++;
        if (storage->file_open(worker->partition, name, SEGJ_OPEN_CREATE, &own) != 0) {
            worker->failures++;
            continue;
        }
        if (storage->file_write(own, 0, &slice, 1, &done) != 0 || storage->file_remove(worker->partition, name) != 0)
            worker->failures++;
        storage->file_close(own);
    }
    return NULL;
}

static void contract_threads(void **state)
{
    const struct place *place = *state;
    segj_partition_t *partition = make_partition(place, "p");
    segj_file_t *shared = open_file(place, partition, "shared", SEGJ_OPEN_CREATE);
    struct worker workers[WORKERS];
    pthread_t threads[WORKERS];
    for (unsigned i = 0; i < WORKERS; i++) {
        workers[i] = (struct worker){.place = place, .partition = partition, .shared = shared, .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (unsigned i = 0; i < WORKERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(workers[i].failures, 0);
    }
    expect_size(place, shared, (uint64_t)WORKERS * WORKER_ROUNDS * WORKER_PIECE);
    place->storage->file_close(shared);
    place->storage->partition_close(partition);
}

/* --- the wrappers over a real storage --- */

static segj_part_t part_of(const struct place *place, const char *name)
{
    return (segj_part_t){.storage = place->storage, .directory = place->directory, .name = name};
}

static segj_part_t make_part(const struct place *place, const char *name)
{
    segj_part_t part = part_of(place, name);
    bool missing = true;
    assert_int_equal(segj_part_create(&part), SEGJ_OK);
    assert_int_equal(segj_part_open(&part, &missing), SEGJ_OK);
    assert_false(missing);
    return part;
}

static void contract_through_the_wrappers(void **state)
{
    const struct place *place = *state;
    segj_part_t part = part_of(place, "index");
    segj_io_file_t file = {0};
    bool missing = false;
    bool replaced = true;
    assert_int_equal(segj_part_open(&part, &missing), SEGJ_OK);
    assert_true(missing);
    segj_part_close(&part);
    part = make_part(place, "index");
    assert_int_equal(segj_part_lock(&part, true, &replaced), SEGJ_OK);
    assert_false(replaced);

    missing = false;
    assert_int_equal(segj_io_open(&file, &part, 7, SEGJ_OPEN_WRITE, &missing), SEGJ_OK);
    assert_true(missing);
    segj_io_close(&file);
    assert_int_equal(segj_io_open(&file, &part, 7, SEGJ_OPEN_CREATE, NULL), SEGJ_OK);
    const segj_slice_t slices[] = {{"head", 4}, {NULL, 0}, {"and tail", 8}};
    assert_int_equal(segj_io_write_slices(&file, 100, slices, 3), SEGJ_OK);
    assert_int_equal(segj_io_write(&file, 0, "begin", 5), SEGJ_OK);
    segj_io_write_back(&file, 0, 112);
    assert_int_equal(segj_io_sync(&file), SEGJ_OK);

    char found[16] = {0};
    uint64_t size = 0;
    size_t got = 0;
    assert_int_equal(segj_io_size(&file, &size), SEGJ_OK);
    assert_int_equal(size, 112);
    assert_int_equal(segj_io_read(&file, 100, found, 12, NULL), SEGJ_OK);
    assert_memory_equal(found, "headand tail", 12);
    assert_int_equal(segj_io_read(&file, 104, found, 16, &got), SEGJ_OK);
    assert_int_equal(got, 8);
    assert_int_equal(segj_io_truncate(&file, 3), SEGJ_OK);
    assert_int_equal(segj_io_read(&file, 0, found, 5, NULL), SEGJ_ERR_IO);
    segj_io_close(&file);
    missing = true;
    assert_int_equal(segj_io_open(&file, &part, 7, SEGJ_OPEN_READ, &missing), SEGJ_OK);
    assert_false(missing);
    assert_int_equal(segj_io_write(&file, 0, "x", 1), SEGJ_ERR_IO);
    segj_io_close(&file);
    segj_io_close(&file);

    assert_int_equal(segj_part_sync(&part), SEGJ_OK);
    assert_int_equal(segj_part_sync_directory(&part), SEGJ_OK);
    assert_int_equal(segj_part_unlink(&part, 7), SEGJ_OK);
    assert_int_equal(segj_part_unlink(&part, 7), SEGJ_OK); /* gone is what was asked for */
    assert_int_equal(segj_part_remove(&part), SEGJ_OK);
    part.opened = NULL;
    assert_int_equal(segj_part_remove(&part), SEGJ_OK);
    assert_int_equal(segj_part_open(&part, &missing), SEGJ_OK);
    assert_true(missing);
}

static void contract_sections_are_sorted(void **state)
{
    const struct place *place = *state;
    static const uint64_t made[] = {16, 0, UINT64_MAX, 9, 10, 0x123456789abcdef0, 1, (uint64_t)1 << 63};
    static const uint64_t sorted[] = {0, 1, 9, 10, 16, 0x123456789abcdef0, (uint64_t)1 << 63, UINT64_MAX};
    segj_part_t part = make_part(place, "index");
    uint64_t *sections = NULL;
    size_t count = 99;
    assert_int_equal(segj_part_sections(&part, &sections, &count), SEGJ_OK);
    assert_int_equal(count, 0);
    free(sections);
    for (size_t i = 0; i < COUNT_OF(made); i++) {
        segj_io_file_t file;
        assert_int_equal(segj_io_open(&file, &part, made[i], SEGJ_OPEN_CREATE, NULL), SEGJ_OK);
        segj_io_close(&file);
    }
    assert_int_equal(try_open(place, part.opened, ".hidden", SEGJ_OPEN_CREATE), 0);
    assert_int_equal(try_open(place, part.opened, "lost+found", SEGJ_OPEN_CREATE), 0);
    assert_int_equal(segj_part_sections(&part, &sections, &count), SEGJ_OK);
    assert_int_equal(count, COUNT_OF(sorted));
    assert_memory_equal(sections, sorted, sizeof sorted);
    free(sections);

    uint64_t *untouched = NULL;
    count = 99;
    assert_int_equal(try_open(place, part.opened, "notes.txt", SEGJ_OPEN_CREATE), 0);
    assert_int_equal(segj_part_sections(&part, &untouched, &count), SEGJ_ERR_CORRUPT);
    assert_non_null(strstr(segj_last_error(), "notes.txt"));
    assert_non_null(strstr(segj_last_error(), place->directory));
    assert_null(untouched);
    assert_int_equal(count, 99);
    segj_part_close(&part);
}

/** Many sections, so that the list has to grow. */
static void contract_many_sections(void **state)
{
    const struct place *place = *state;
    segj_part_t part = make_part(place, "index");
    uint64_t *sections = NULL;
    size_t count = 0;
    for (uint64_t i = 0; i < 300; i++) {
        segj_io_file_t file;
        assert_int_equal(segj_io_open(&file, &part, i * 7919 % 300, SEGJ_OPEN_CREATE, NULL), SEGJ_OK);
        segj_io_close(&file);
    }
    assert_int_equal(segj_part_sections(&part, &sections, &count), SEGJ_OK);
    assert_int_equal(count, 300);
    for (uint64_t i = 0; i < 300; i++)
        assert_int_equal(sections[i], i);
    free(sections);
    segj_part_close(&part);
}

static void contract_lock_refused_names_the_partition(void **state)
{
    const struct place *place = *state;
    segj_part_t first = make_part(place, "index");
    segj_part_t second = make_part(place, "index");
    bool replaced = false;
    assert_int_equal(segj_part_lock(&first, true, &replaced), SEGJ_OK);
    assert_int_equal(segj_part_lock(&second, false, &replaced), SEGJ_ERR_LOCKED);
    char expected[PATH_LIMIT * 2];
    (void)snprintf(expected, sizeof expected, "%s/index: ", place->directory);
    assert_ptr_equal(strstr(segj_last_error(), expected), segj_last_error());
    segj_part_close(&first);
    assert_int_equal(segj_part_remove(&second), SEGJ_OK);
    first = part_of(place, "index");
    second = make_part(place, "index");
    bool missing = true;
    assert_int_equal(segj_part_open(&first, &missing), SEGJ_OK);
    assert_int_equal(remove_partition(place, "index"), 0);
    assert_int_equal(segj_part_lock(&first, true, &replaced), SEGJ_OK);
    assert_true(replaced);
    segj_part_close(&first);
    segj_part_close(&second);
}

/** Works a storage from its making to its end; the first failure, which can only be one of memory. */
static segj_status_t work_through(const struct place *place)
{
    segj_part_t part = part_of(place, "index");
    segj_io_file_t file = {0};
    bool flag = false;
    uint64_t *sections = NULL;
    size_t count = 0;
    segj_status_t status = segj_part_create(&part);
    if (status == SEGJ_OK)
        status = segj_part_open(&part, &flag);
    if (status == SEGJ_OK)
        status = segj_part_lock(&part, true, &flag);
    if (status == SEGJ_OK)
        status = segj_io_open(&file, &part, 1, SEGJ_OPEN_CREATE, NULL);
    if (status == SEGJ_OK)
        status = segj_io_write(&file, 10, "text", 4);
    if (status == SEGJ_OK)
        status = segj_part_sections(&part, &sections, &count);
    if (status == SEGJ_OK)
        status = segj_part_sync_directory(&part);
    free(sections);
    if (part.opened != NULL)
        assert_int_equal(segj_part_unlink(&part, 1), SEGJ_OK);
    segj_io_close(&file);
    segj_part_close(&part);
    return status;
}

static void contract_every_allocation_fails_once(void **state)
{
    struct place fresh = *(const struct place *)*state;
    size_t end = strlen(fresh.directory);
    segj_status_t status = SEGJ_ERR_MEMORY;
    int fails = 0;
    for (; status != SEGJ_OK; fails++) { /* in a new directory each time, so that all of it is made anew */
        assert_true(fails < 100);
        (void)snprintf(fresh.directory + end, sizeof fresh.directory - end, "%d", fails);
        allocations_left = fails;
        status = work_through(&fresh);
        allocations_left = -1;
        if (status != SEGJ_OK)
            assert_int_equal(status, SEGJ_ERR_MEMORY);
    }
    assert_true(fails > 4);
}

static void memory_creation_fails(void **state)
{
    (void)state;
    segj_storage_t *storage = NULL;
    assert_int_equal(segj_storage_memory_create(NULL), SEGJ_ERR_INVALID);
    allocations_left = 0;
    segj_status_t status = segj_storage_memory_create(&storage);
    allocations_left = -1;
    assert_int_equal(status, SEGJ_ERR_MEMORY);
    assert_null(storage);
    segj_storage_memory_destroy(NULL);
}

/* --- files of the system only --- */

static const char section_one[] = "0000000000000001";

static void path_in(const struct place *place, const char *partition, const char *name, char path[PATH_LIMIT * 2])
{
    (void)snprintf(path, PATH_LIMIT * 2, "%s/%s%s%s", place->directory, partition, name[0] == '\0' ? "" : "/", name);
}

/** What must not be followed nor waited for, each under the name of a section. */
static void posix_opens_regular_files_only(void **state)
{
    const struct place *place = *state;
    segj_part_t part = make_part(place, "index");
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
            int code = try_open(place, part.opened, section_one, (segj_open_mode_t)mode);
            assert_int_not_equal(code, 0);
            assert_int_not_equal(code, ENOENT);
            segj_io_file_t file;
            bool missing = false;
            assert_int_equal(segj_io_open(&file, &part, 1, (segj_open_mode_t)mode, &missing), SEGJ_ERR_IO);
            assert_false(missing);
        }
        uint64_t *sections;
        size_t count;
        assert_int_equal(segj_part_sections(&part, &sections, &count), SEGJ_ERR_CORRUPT);
        assert_non_null(strstr(segj_last_error(), path));
        if (kind == 3)
            assert_int_equal(rmdir(path), 0);
        else
            assert_int_equal(unlink(path), 0);
    }
    segj_part_close(&part);
}

static void posix_passes_over_hidden_names(void **state)
{
    const struct place *place = *state;
    segj_part_t part = make_part(place, "index");
    char path[PATH_LIMIT * 2];
    path_in(place, "index", "lost+found", path);
    assert_int_equal(mkdir(path, 0777), 0);
    path_in(place, "index", ".link", path);
    assert_int_equal(symlink("nowhere", path), 0);
    uint64_t *sections = NULL;
    size_t count = 99;
    assert_int_equal(segj_part_sections(&part, &sections, &count), SEGJ_OK);
    assert_int_equal(count, 0);
    free(sections);
    assert_int_equal(segj_part_remove(&part), SEGJ_ERR_IO); /* they are somebody's: not empty */
    assert_non_null(strstr(segj_last_error(), strerror(ENOTEMPTY)));
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
        skip();
    assert_int_equal(WEXITSTATUS(result), 0);
}
#endif

/* --- the wrappers over a storage that follows a script --- */

enum { STEPS_MAX = 64, CALLS_MAX = 64, SCRIPT_BYTES = 65536 };

#define WHOLE SIZE_MAX          /* moves all that was asked for */
#define TOO_MUCH (SIZE_MAX - 1) /* claims one byte more than was asked for */

/** What a call does: moves so many bytes (transfers only), then answers with the code. */
struct step {
    int code;
    size_t moves;
};

static struct script {
    struct step steps[STEPS_MAX]; /* when they are used up, everything is done, at once and whole */
    size_t count;
    size_t next;
    uint64_t offsets[CALLS_MAX]; /* of the transfers */
    uint64_t sizes[CALLS_MAX];
    size_t transfers;
    size_t calls;
    size_t closed;
    uint8_t bytes[SCRIPT_BYTES];
    uint64_t size;      /* of the one file */
    bool gives_nothing; /* success without an object */
    const char *entries[16];
    segj_entry_kind_t kind;
    bool ignores_visitor;
} script;

static const char script_object = 0; /* something to point to */

static struct step script_step(void)
{
    struct step step = {0, WHOLE};
    script.calls++;
    if (script.next < script.count)
        step = script.steps[script.next++];
    return step;
}

static int script_code(void)
{
    return script_step().code;
}

static void script_set(const struct step *steps, size_t count)
{
    memset(&script, 0, sizeof script);
    assert_true(count <= STEPS_MAX);
    if (count > 0)
        memcpy(script.steps, steps, count * sizeof *steps);
    script.count = count;
}

static int script_partition_create(void *context, const char *directory, const char *partition)
{
    (void)context;
    (void)directory;
    (void)partition;
    return script_code();
}

static int script_partition_open(void *context, const char *directory, const char *partition, segj_partition_t **opened)
{
    int code = script_partition_create(context, directory, partition);
    if (code == 0 && !script.gives_nothing)
        *opened = (segj_partition_t *)(uintptr_t)&script_object;
    return code;
}

static int script_partition_lock(segj_partition_t *partition, bool exclusive)
{
    (void)partition;
    (void)exclusive;
    return script_code();
}

static int script_of_partition(segj_partition_t *partition)
{
    (void)partition;
    return script_code();
}

static int script_partition_list(segj_partition_t *partition, segj_list_visit_t visit, void *visit_context)
{
    (void)partition;
    struct step step = script_step();
    for (size_t i = 0; i < COUNT_OF(script.entries) && script.entries[i] != NULL; i++) {
        int code = visit(visit_context, script.entries[i], script.kind);
        if (code != 0 && !script.ignores_visitor)
            return code;
    }
    return step.code;
}

static void script_partition_close(segj_partition_t *partition)
{
    (void)partition;
    script.closed++;
}

static int script_directory_sync(void *context, const char *directory)
{
    (void)context;
    (void)directory;
    return script_code();
}

static int script_file_open(segj_partition_t *partition, const char *name, segj_open_mode_t mode, segj_file_t **opened)
{
    (void)partition;
    (void)name;
    (void)mode;
    int code = script_code();
    if (code == 0 && !script.gives_nothing)
        *opened = (segj_file_t *)(uintptr_t)&script_object;
    return code;
}

static int script_file_remove(segj_partition_t *partition, const char *name)
{
    (void)name;
    return script_of_partition(partition);
}

/** Notes a transfer; how many bytes it moves, and what it claims in *done. */
static size_t script_transfer(const struct step *step, uint64_t offset, uint64_t size, size_t *done)
{
    assert_true(script.transfers < CALLS_MAX);
    script.offsets[script.transfers] = offset;
    script.sizes[script.transfers++] = size;
    if (step->moves == TOO_MUCH) {
        *done = (size_t)size + 1;
        return 0;
    }
    *done = step->moves < size ? step->moves : (size_t)size;
    return *done;
}

static int script_file_read(segj_file_t *file, uint64_t offset, void *buffer, size_t size, size_t *done)
{
    (void)file;
    struct step step = script_step();
    size_t moves = script_transfer(&step, offset, size, done);
    if (step.moves != TOO_MUCH) {
        uint64_t left = offset < script.size ? script.size - offset : 0;
        moves = moves < left ? moves : (size_t)left;
        if (moves > 0)
            memcpy(buffer, script.bytes + offset, moves);
        *done = moves;
    }
    return step.code;
}

static int script_file_write(segj_file_t *file, uint64_t offset, const segj_slice_t *slices, size_t count, size_t *done)
{
    (void)file;
    struct step step = script_step();
    uint64_t size = 0;
    for (size_t i = 0; i < count; i++) {
        assert_true(slices[i].size > 0); /* the wrapper hands over nothing empty */
        size += slices[i].size;
    }
    size_t moves = script_transfer(&step, offset, size, done);
    assert_true(offset + moves <= SCRIPT_BYTES);
    for (size_t i = 0; i < count && moves > 0; i++) {
        size_t piece = slices[i].size < moves ? slices[i].size : moves;
        memcpy(script.bytes + offset, slices[i].data, piece);
        offset += piece;
        moves -= piece;
    }
    if (*done > 0 && offset > script.size)
        script.size = offset;
    return step.code;
}

static int script_file_size(segj_file_t *file, uint64_t *size)
{
    (void)file;
    int code = script_code();
    if (code == 0)
        *size = script.size;
    return code;
}

static int script_file_truncate(segj_file_t *file, uint64_t size)
{
    (void)file;
    int code = script_code();
    if (code == 0)
        script.size = size;
    return code;
}

static int script_file_sync(segj_file_t *file)
{
    (void)file;
    return script_code();
}

static void script_file_close(segj_file_t *file)
{
    (void)file;
    script.closed++;
}

static void script_file_write_back(segj_file_t *file, uint64_t offset, uint64_t size)
{
    (void)file;
    (void)offset;
    (void)size;
    script.calls++;
}

static segj_storage_t scripted = {
    .struct_size = sizeof scripted,
    .partition_create = script_partition_create,
    .partition_open = script_partition_open,
    .partition_lock = script_partition_lock,
    .partition_unlock = script_of_partition,
    .partition_list = script_partition_list,
    .partition_sync = script_of_partition,
    .partition_close = script_partition_close,
    .partition_remove = script_partition_create,
    .directory_sync = script_directory_sync,
    .file_open = script_file_open,
    .file_remove = script_file_remove,
    .file_read = script_file_read,
    .file_write = script_file_write,
    .file_size = script_file_size,
    .file_truncate = script_file_truncate,
    .file_sync = script_file_sync,
    .file_close = script_file_close,
    .file_write_back = script_file_write_back,
};

static const segj_part_t scripted_part = {
    .storage = &scripted,
    .directory = "DIR",
    .name = "partition",
    .opened = (segj_partition_t *)(uintptr_t)&script_object,
};

static const segj_io_file_t scripted_file = {
    .part = &scripted_part,
    .section = 1,
    .opened = (segj_file_t *)(uintptr_t)&script_object,
};

#define SCRIPT(...) script_set((const struct step[]){__VA_ARGS__}, COUNT_OF(((const struct step[]){__VA_ARGS__})))

/** The sentence is exactly this text and the system's for the code. */
static void expect_sentence(const char *text, int code)
{
    char expected[512];
    (void)snprintf(expected, sizeof expected, "%s: %s", text, strerror(code));
    assert_string_equal(segj_last_error(), expected);
}

static void io_names(void **state)
{
    (void)state;
    static const struct {
        uint64_t section;
        const char *name;
    } good[] = {
        {0, "0000000000000000"},
        {1, "0000000000000001"},
        {0x0123456789abcdef, "0123456789abcdef"},
        {UINT64_MAX, "ffffffffffffffff"},
    };
    static const char *const bad[] = {
        "",
        "1",
        "000000000000001",
        "00000000000000001",
        "000000000000000A",
        "000000000000000g",
        "000000000000000:",
        "000000000000000`",
        "000000000000000/",
        "0000000000000001.tmp",
        "0x00000000000001",
        "-000000000000001",
        "+000000000000001",
        " 000000000000001",
        "000000000000001 ",
        "000000000000000\n",
        "\xef\xbc\x90\xef\xbc\x90\xef\xbc\x90\xef\xbc\x90\xef\xbc\x90\x30",
    };
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        char name[SEGJ_NAME_LENGTH + 1];
        uint64_t section = 99;
        segj_section_name(good[i].section, name);
        assert_string_equal(name, good[i].name);
        assert_true(segj_section_parse(name, &section));
        assert_int_equal(section, good[i].section);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        uint64_t section = 99;
        assert_false(segj_section_parse(bad[i], &section));
        assert_int_equal(section, 99);
    }
}

static void io_read_goes_on(void **state)
{
    (void)state;
    uint8_t found[100];
    SCRIPT({EINTR, 0}, {0, 1}, {EINTR, 5}, {0, 30}, {EINTR, 0}, {EINTR, 0}, {0, 60}, {0, WHOLE});
    for (size_t i = 0; i < 200; i++)
        script.bytes[i] = (uint8_t)i;
    script.size = 200;
    assert_int_equal(segj_io_read(&scripted_file, 50, found, sizeof found, NULL), SEGJ_OK);
    assert_memory_equal(found, script.bytes + 50, sizeof found);
    static const uint64_t offsets[] = {50, 50, 51, 51, 81, 81, 81, 141};
    assert_int_equal(script.transfers, COUNT_OF(offsets));
    for (size_t i = 0; i < COUNT_OF(offsets); i++) {
        assert_int_equal(script.offsets[i], offsets[i]);
        assert_int_equal(script.offsets[i] + script.sizes[i], 150);
    }
}

static void io_read_meets_the_end(void **state)
{
    (void)state;
    uint8_t found[100];
    size_t got = 77;
    SCRIPT({0, 30});
    script.size = 60;
    assert_int_equal(segj_io_read(&scripted_file, 10, found, 100, &got), SEGJ_OK);
    assert_int_equal(got, 50);
    assert_int_equal(segj_io_read(&scripted_file, 60, found, 100, &got), SEGJ_OK);
    assert_int_equal(got, 0);
    assert_int_equal(segj_io_read(&scripted_file, 10, found, 20, &got), SEGJ_OK);
    assert_int_equal(got, 20);
    assert_int_equal(segj_io_read(&scripted_file, 10, found, 100, NULL), SEGJ_ERR_IO);
    assert_string_equal(
        segj_last_error(),
        "DIR/partition/0000000000000001: pread of 100 bytes at offset 10: the file ends after 50 of them");

    script_set(NULL, 0); /* nothing asked for, nothing called */
    assert_int_equal(segj_io_read(&scripted_file, 10, NULL, 0, &got), SEGJ_OK);
    assert_int_equal(got, 0);
    assert_int_equal(segj_io_read(&scripted_file, 10, NULL, 0, NULL), SEGJ_OK);
    assert_int_equal(script.calls, 0);
}

static void io_read_fails(void **state)
{
    (void)state;
    uint8_t found[100];
    size_t got = 77;
    SCRIPT({EIO, 0});
    assert_int_equal(segj_io_read(&scripted_file, 12288, found, 100, &got), SEGJ_ERR_IO);
    expect_sentence("DIR/partition/0000000000000001: pread of 100 bytes at offset 12288", EIO);
    SCRIPT({0, 40}, {EIO, 0});
    script.size = 60000;
    assert_int_equal(segj_io_read(&scripted_file, 12288, found, 100, &got), SEGJ_ERR_IO);
    expect_sentence("DIR/partition/0000000000000001: pread of 60 bytes at offset 12328", EIO);
    SCRIPT({EWOULDBLOCK, 0}); /* "locked" is said of locks only */
    assert_int_equal(segj_io_read(&scripted_file, 0, found, 100, NULL), SEGJ_ERR_IO);
    SCRIPT({ENOMEM, 0});
    assert_int_equal(segj_io_read(&scripted_file, 0, found, 100, NULL), SEGJ_ERR_MEMORY);
    SCRIPT({0, TOO_MUCH});
    assert_int_equal(segj_io_read(&scripted_file, 0, found, 100, &got), SEGJ_ERR_IO);
    assert_string_equal(segj_last_error(), "DIR/partition/0000000000000001: pread of 100 bytes at offset 0: the "
                                           "storage claims 101 bytes");
    assert_int_equal(got, 77);
}

/** Cut anywhere, in two and in single bytes, slices end up in the file as one piece. */
static void io_write_goes_on(void **state)
{
    (void)state;
    const segj_slice_t slices[] = {{"abc", 3}, {NULL, 0}, {"d", 1}, {"", 0}, {"efghi", 5}, {"jk", 2}};
    for (size_t cut = 1; cut <= 11; cut++) {
        SCRIPT({EINTR, 0}, {0, cut}, {EINTR, 0});
        assert_int_equal(segj_io_write_slices(&scripted_file, 100, slices, COUNT_OF(slices)), SEGJ_OK);
        assert_memory_equal(script.bytes + 100, "abcdefghijk", 11);
        assert_int_equal(script.size, 111);
        for (size_t i = 0; i < script.transfers; i++)
            assert_int_equal(script.offsets[i] + script.sizes[i], 111);
    }
    SCRIPT({0, 1}, {0, 1}, {0, 1}, {0, 1}, {0, 1}, {0, 1}, {0, 1}, {0, 1}, {0, 1}, {0, 1}, {0, 1});
    assert_int_equal(segj_io_write_slices(&scripted_file, 0, slices, COUNT_OF(slices)), SEGJ_OK);
    assert_memory_equal(script.bytes, "abcdefghijk", 11);
    assert_int_equal(script.transfers, 11);

    SCRIPT({EINTR, 4}); /* interrupted with bytes taken: not what the interface says, and no reason to write twice */
    assert_int_equal(segj_io_write_slices(&scripted_file, 0, slices, COUNT_OF(slices)), SEGJ_OK);
    assert_memory_equal(script.bytes, "abcdefghijk", 11);
    assert_int_equal(script.offsets[1], 4);

    script_set(NULL, 0);
    assert_int_equal(segj_io_write(&scripted_file, 0, NULL, 0), SEGJ_OK);
    assert_int_equal(segj_io_write_slices(&scripted_file, 0, slices, 0), SEGJ_OK);
    assert_int_equal(script.calls, 0);
}

static void io_write_fails(void **state)
{
    (void)state;
    static const uint8_t data[4096];
    SCRIPT({ENOSPC, 0});
    assert_int_equal(segj_io_write(&scripted_file, 12288, data, 4096), SEGJ_ERR_NO_SPACE);
    expect_sentence("DIR/partition/0000000000000001: pwrite of 4096 bytes at offset 12288", ENOSPC);
    SCRIPT({0, 1000}, {EINTR, 0}, {ENOSPC, 0}); /* half way */
    assert_int_equal(segj_io_write(&scripted_file, 12288, data, 4096), SEGJ_ERR_NO_SPACE);
    expect_sentence("DIR/partition/0000000000000001: pwrite of 3096 bytes at offset 13288", ENOSPC);
    assert_int_equal(script.calls, 3);
    SCRIPT({EDQUOT, 10});
    assert_int_equal(segj_io_write(&scripted_file, 0, data, 4096), SEGJ_ERR_NO_SPACE);
    SCRIPT({EIO, 0});
    assert_int_equal(segj_io_write(&scripted_file, 0, data, 4096), SEGJ_ERR_IO);
    SCRIPT({EWOULDBLOCK, 0});
    assert_int_equal(segj_io_write(&scripted_file, 0, data, 4096), SEGJ_ERR_IO);
    SCRIPT({0, 96}, {0, 0}); /* success that moves nothing would go on for ever */
    assert_int_equal(segj_io_write(&scripted_file, 0, data, 4096), SEGJ_ERR_IO);
    assert_string_equal(segj_last_error(),
                        "DIR/partition/0000000000000001: pwrite of 4000 bytes at offset 96: the storage took none");
    assert_int_equal(script.calls, 2);
    SCRIPT({0, TOO_MUCH});
    assert_int_equal(segj_io_write(&scripted_file, 0, data, 4096), SEGJ_ERR_IO);
    assert_string_equal(segj_last_error(), "DIR/partition/0000000000000001: pwrite of 4096 bytes at offset 0: the "
                                           "storage claims 4097 bytes");
    SCRIPT({EINTR, TOO_MUCH});
    assert_int_equal(segj_io_write(&scripted_file, 0, data, 4096), SEGJ_ERR_IO);
    assert_int_equal(script.calls, 1);
}

/** Nothing beyond 2^63 - 1 goes in or comes out; what overflows does not come out small. */
static void io_bounds(void **state)
{
    (void)state;
    static const uint64_t offsets[] = {SEGJ_FILE_SIZE_MAX - 9, SEGJ_FILE_SIZE_MAX, SEGJ_FILE_SIZE_MAX + 1,
                                       UINT64_MAX - 9, UINT64_MAX};
    uint8_t data[10] = {0};
    uint64_t size = 77;
    script_set(NULL, 0);
    for (size_t i = 0; i < COUNT_OF(offsets); i++) {
        assert_int_equal(segj_io_read(&scripted_file, offsets[i], data, 10, NULL), SEGJ_ERR_IO);
        assert_non_null(strstr(segj_last_error(), "pread of 10 bytes at offset "));
        assert_int_equal(segj_io_write(&scripted_file, offsets[i], data, 10), SEGJ_ERR_IO);
        assert_non_null(strstr(segj_last_error(), "pwrite of 10 bytes at offset "));
        segj_io_write_back(&scripted_file, offsets[i], 10);
    }
    const segj_slice_t huge[] = {{data, SIZE_MAX}, {data, SIZE_MAX}};
    assert_int_equal(segj_io_write_slices(&scripted_file, 0, huge, 2), SEGJ_ERR_IO);
    assert_int_equal(segj_io_truncate(&scripted_file, SEGJ_FILE_SIZE_MAX + 1), SEGJ_ERR_IO);
    assert_int_equal(script.calls, 0);

    size_t got = 77;
    assert_int_equal(segj_io_read(&scripted_file, SEGJ_FILE_SIZE_MAX - 10, data, 10, &got), SEGJ_OK);
    assert_int_equal(got, 0);
    assert_int_equal(segj_io_truncate(&scripted_file, SEGJ_FILE_SIZE_MAX), SEGJ_OK);
    assert_int_equal(segj_io_size(&scripted_file, &size), SEGJ_OK);
    assert_int_equal(size, SEGJ_FILE_SIZE_MAX);
    script.size++;
    size = 77;
    assert_int_equal(segj_io_size(&scripted_file, &size), SEGJ_ERR_IO);
    assert_int_equal(size, 77);
}

static void io_write_back_is_a_hint(void **state)
{
    (void)state;
    script_set(NULL, 0);
    segj_io_write_back(&scripted_file, 0, 10);
    assert_int_equal(script.calls, 1);
    scripted.file_write_back = NULL;
    segj_io_write_back(&scripted_file, 0, 10);
    scripted.file_write_back = script_file_write_back;
    assert_int_equal(script.calls, 1);
}

static segj_status_t call_create(void)
{
    return segj_part_create(&scripted_part);
}

static segj_status_t call_open_part(void)
{
    segj_part_t part = scripted_part;
    bool missing;
    segj_status_t status = segj_part_open(&part, &missing);
    if (status == SEGJ_OK)
        segj_part_close(&part);
    return status;
}

static segj_status_t call_lock(void)
{
    segj_part_t part = scripted_part;
    bool replaced;
    return segj_part_lock(&part, true, &replaced);
}

static segj_status_t call_sections(void)
{
    uint64_t *sections;
    size_t count;
    segj_status_t status = segj_part_sections(&scripted_part, &sections, &count);
    if (status == SEGJ_OK)
        free(sections);
    return status;
}

static segj_status_t call_sync_part(void)
{
    return segj_part_sync(&scripted_part);
}

static segj_status_t call_sync_directory(void)
{
    return segj_part_sync_directory(&scripted_part);
}

static segj_status_t call_remove(void)
{
    segj_part_t part = scripted_part;
    return segj_part_remove(&part);
}

static segj_status_t call_unlink(void)
{
    return segj_part_unlink(&scripted_part, 1);
}

static segj_status_t call_open(void)
{
    segj_io_file_t file;
    return segj_io_open(&file, &scripted_part, 1, SEGJ_OPEN_WRITE, NULL);
}

static segj_status_t call_create_file(void)
{
    segj_io_file_t file;
    return segj_io_open(&file, &scripted_part, 1, SEGJ_OPEN_CREATE, NULL);
}

static segj_status_t call_size(void)
{
    uint64_t size;
    return segj_io_size(&scripted_file, &size);
}

static segj_status_t call_truncate(void)
{
    return segj_io_truncate(&scripted_file, 512);
}

static segj_status_t call_sync(void)
{
    return segj_io_sync(&scripted_file);
}

/** All of them: made again after EINTR for as long as it takes, and a failure names what and where. */
static void io_calls_and_their_sentences(void **state)
{
    (void)state;
    static const struct {
        segj_status_t (*call)(void);
        const char *sentence;
        bool locks;
    } cases[] = {
        {call_create, "DIR/partition: creation", false},
        {call_open_part, "DIR/partition: open", false},
        {call_lock, "DIR/partition: lock", true},
        {call_sections, "DIR/partition: listing", false},
        {call_sync_part, "DIR/partition: sync of the partition", false},
        {call_sync_directory, "DIR: sync of the directory", false},
        {call_remove, "DIR/partition: removal", false},
        {call_unlink, "DIR/partition/0000000000000001: removal", false},
        {call_open, "DIR/partition/0000000000000001: open", false},
        {call_create_file, "DIR/partition/0000000000000001: creation", false},
        {call_size, "DIR/partition/0000000000000001: size", false},
        {call_truncate, "DIR/partition/0000000000000001: truncation to 512 bytes", false},
        {call_sync, "DIR/partition/0000000000000001: sync", false},
    };
    static const struct {
        int code;
        segj_status_t status;
    } codes[] = {{EIO, SEGJ_ERR_IO},        {EMFILE, SEGJ_ERR_IO},       {EACCES, SEGJ_ERR_IO},
                 {ENOMEM, SEGJ_ERR_MEMORY}, {ENOSPC, SEGJ_ERR_NO_SPACE}, {EDQUOT, SEGJ_ERR_NO_SPACE}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        script_set(NULL, 0);
        script.count = 40;
        for (size_t j = 0; j < script.count; j++)
            script.steps[j].code = EINTR;
        assert_int_equal(cases[i].call(), SEGJ_OK);
        assert_int_equal(script.calls, 41);
        for (size_t j = 0; j < COUNT_OF(codes); j++) {
            SCRIPT({EINTR, 0}, {codes[j].code, 0});
            assert_int_equal(cases[i].call(), codes[j].status);
            expect_sentence(cases[i].sentence, codes[j].code);
            assert_int_equal(script.calls, 2);
        }
        SCRIPT({EWOULDBLOCK, 0});
        assert_int_equal(cases[i].call(), cases[i].locks ? SEGJ_ERR_LOCKED : SEGJ_ERR_IO);
    }
}

static void io_only_enoent_is_missing(void **state)
{
    (void)state;
    static const int others[] = {ENOTDIR, ELOOP, EACCES, EIO, EMFILE, ESTALE, EINVAL, -ENOENT};
    segj_part_t part = {.storage = &scripted, .directory = "DIR", .name = "partition"};
    segj_io_file_t file = {.section = 42};
    bool missing = false;
    SCRIPT({EINTR, 0}, {ENOENT, 0}, {ENOENT, 0}, {ENOENT, 0});
    assert_int_equal(segj_part_open(&part, &missing), SEGJ_OK);
    assert_true(missing);
    assert_null(part.opened);
    missing = false;
    assert_int_equal(segj_io_open(&file, &scripted_part, 1, SEGJ_OPEN_READ, &missing), SEGJ_OK);
    assert_true(missing);
    assert_null(file.opened);
    assert_int_equal(segj_io_open(&file, &scripted_part, 1, SEGJ_OPEN_READ, NULL), SEGJ_ERR_IO);
    SCRIPT({ENOENT, 0}, {ENOENT, 0}, {ENOENT, 0}, {ENOENT, 0});
    missing = false;
    assert_int_equal(segj_part_open(&part, NULL), SEGJ_ERR_IO);
    assert_int_equal(segj_io_open(&file, &scripted_part, 1, SEGJ_OPEN_CREATE, &missing), SEGJ_ERR_IO);
    assert_int_equal(segj_part_create(&part), SEGJ_ERR_IO);
    assert_int_equal(segj_part_sync_directory(&part), SEGJ_ERR_IO);
    assert_false(missing);

    file.section = 42;
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        SCRIPT({others[i], 0}, {others[i], 0});
        assert_int_equal(segj_part_open(&part, &missing), SEGJ_ERR_IO);
        assert_int_equal(segj_io_open(&file, &scripted_part, 1, SEGJ_OPEN_WRITE, &missing), SEGJ_ERR_IO);
        assert_false(missing);
        assert_int_equal(file.section, 42); /* untouched */
    }
    script_set(NULL, 0);
    script.gives_nothing = true; /* success, and nothing opened */
    assert_int_equal(segj_part_open(&part, &missing), SEGJ_ERR_IO);
    assert_int_equal(segj_io_open(&file, &scripted_part, 1, SEGJ_OPEN_WRITE, &missing), SEGJ_ERR_IO);
}

static void io_removal_and_closing(void **state)
{
    (void)state;
    segj_part_t part = scripted_part;
    segj_io_file_t file = scripted_file;
    SCRIPT({ENOENT, 0}, {ENOENT, 0}, {ENOTEMPTY, 0});
    assert_int_equal(segj_part_unlink(&part, 1), SEGJ_OK);
    assert_int_equal(segj_part_remove(&part), SEGJ_OK);
    assert_int_equal(script.closed, 1);
    assert_int_equal(segj_part_remove(&part), SEGJ_ERR_IO);
    assert_int_equal(script.closed, 2); /* closed, whether or not it could be removed */
    script_set(NULL, 0);
    for (int i = 0; i < 2; i++) {
        segj_part_close(&part);
        segj_io_close(&file);
    }
    assert_int_equal(script.closed, 2);
}

static void io_lock_answers(void **state)
{
    (void)state;
    segj_part_t part = scripted_part;
    bool replaced = false;
    SCRIPT({EINTR, 0}, {ESTALE, 0}, {0, 0}, {EWOULDBLOCK, 0});
    assert_int_equal(segj_part_lock(&part, true, &replaced), SEGJ_OK);
    assert_true(replaced);
    assert_int_equal(segj_part_lock(&part, true, &replaced), SEGJ_OK);
    assert_false(replaced);
    replaced = true;
    assert_int_equal(segj_part_lock(&part, true, &replaced), SEGJ_ERR_LOCKED);
    assert_true(replaced);
    assert_string_equal(segj_last_error(), "DIR/partition: open elsewhere, exclusive lock refused");
}

static void io_listing_is_judged(void **state)
{
    (void)state;
    uint64_t *sections = NULL;
    size_t count = 99;
    SCRIPT({EINTR, 0}, {EINTR, 0}); /* interrupted after its visits: what they found does not count twice */
    script.entries[0] = "0000000000000002";
    script.entries[1] = "0000000000000001";
    script.entries[2] = ".0000000000000003";
    script.entries[3] = "0000000000000002"; /* some file systems repeat themselves */
    script.entries[4] = "lost+found";
    assert_int_equal(segj_part_sections(&scripted_part, &sections, &count), SEGJ_OK);
    assert_int_equal(count, 2);
    assert_int_equal(sections[0], 1);
    assert_int_equal(sections[1], 2);
    free(sections);
    sections = NULL;
    count = 99;

    SCRIPT({EINTR, 0}, {EIO, 0});
    script.entries[0] = "0000000000000001";
    script.entries[1] = "000000000000000X";
    script.entries[2] = "0000000000000002x";
    script.ignores_visitor = true; /* the first entry is named, even so */
    for (int i = 0; i < 2; i++) {
        assert_int_equal(segj_part_sections(&scripted_part, &sections, &count), SEGJ_ERR_CORRUPT);
        assert_string_equal(segj_last_error(),
                            "DIR/partition: the entry \"000000000000000X\" is not named like a section");
        assert_int_equal(script.calls, i + 1);
    }
    script_set(NULL, 0);
    script.entries[0] = "lost+found"; /* passed over, whatever it is */
    script.entries[1] = "0000000000000001";
    script.kind = SEGJ_ENTRY_OTHER;
    assert_int_equal(segj_part_sections(&scripted_part, &sections, &count), SEGJ_ERR_CORRUPT);
    assert_string_equal(segj_last_error(), "DIR/partition/0000000000000001: named like a section, but no regular file");
    assert_null(sections);
    assert_int_equal(count, 99);
}

static void io_fail_names_the_place(void **state)
{
    (void)state;
    assert_int_equal(segj_io_fail(SEGJ_ERR_CORRUPT, &scripted_file, 12288, "page %d: no valid slot", 3),
                     SEGJ_ERR_CORRUPT);
    assert_string_equal(segj_last_error(), "DIR/partition/0000000000000001, offset 12288: page 3: no valid slot");
}

#define CONTRACT(make)                                                                                                 \
    cmocka_unit_test_setup_teardown(contract_missing_is_enoent, make, drop_place),                                     \
        cmocka_unit_test_setup_teardown(contract_creation, make, drop_place),                                          \
        cmocka_unit_test_setup_teardown(contract_partitions_are_apart, make, drop_place),                              \
        cmocka_unit_test_setup_teardown(contract_reads_and_writes, make, drop_place),                                  \
        cmocka_unit_test_setup_teardown(contract_slices, make, drop_place),                                            \
        cmocka_unit_test_setup_teardown(contract_read_only_files, make, drop_place),                                   \
        cmocka_unit_test_setup_teardown(contract_truncation, make, drop_place),                                        \
        cmocka_unit_test_setup_teardown(contract_removed_files_live_on, make, drop_place),                             \
        cmocka_unit_test_setup_teardown(contract_syncs_and_hints, make, drop_place),                                   \
        cmocka_unit_test_setup_teardown(contract_listing, make, drop_place),                                           \
        cmocka_unit_test_setup_teardown(contract_locks, make, drop_place),                                             \
        cmocka_unit_test_setup_teardown(contract_removed_partitions, make, drop_place),                                \
        cmocka_unit_test_setup_teardown(contract_threads, make, drop_place),                                           \
        cmocka_unit_test_setup_teardown(contract_through_the_wrappers, make, drop_place),                              \
        cmocka_unit_test_setup_teardown(contract_sections_are_sorted, make, drop_place),                               \
        cmocka_unit_test_setup_teardown(contract_many_sections, make, drop_place),                                     \
        cmocka_unit_test_setup_teardown(contract_lock_refused_names_the_partition, make, drop_place),                  \
        cmocka_unit_test_setup_teardown(contract_every_allocation_fails_once, make, drop_place)
#define POSIX(test) cmocka_unit_test_setup_teardown(test, make_posix, drop_place)

static const struct CMUnitTest memory_tests[] = {CONTRACT(make_memory), cmocka_unit_test(memory_creation_fails)};

static const struct CMUnitTest posix_tests[] = {
    CONTRACT(make_posix),
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

static const struct CMUnitTest io_tests[] = {
    cmocka_unit_test(io_names),
    cmocka_unit_test(io_read_goes_on),
    cmocka_unit_test(io_read_meets_the_end),
    cmocka_unit_test(io_read_fails),
    cmocka_unit_test(io_write_goes_on),
    cmocka_unit_test(io_write_fails),
    cmocka_unit_test(io_bounds),
    cmocka_unit_test(io_write_back_is_a_hint),
    cmocka_unit_test(io_calls_and_their_sentences),
    cmocka_unit_test(io_only_enoent_is_missing),
    cmocka_unit_test(io_removal_and_closing),
    cmocka_unit_test(io_lock_answers),
    cmocka_unit_test(io_listing_is_judged),
    cmocka_unit_test(io_fail_names_the_place),
};

int main(void)
{
    int failed = cmocka_run_group_tests_name("wrappers", io_tests, NULL, NULL);
    failed += cmocka_run_group_tests_name("memory", memory_tests, NULL, NULL);
    failed += cmocka_run_group_tests_name("posix", posix_tests, NULL, NULL);
    return failed == 0 ? 0 : 1;
}
