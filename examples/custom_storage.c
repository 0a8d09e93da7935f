/*
 * custom_storage: a storage of one's own, wrapped around the system's files.
 *
 *     custom_storage
 *
 * It hands every call on to segj_storage_posix(), counts calls, bytes and failures of each method, and has a disk of
 * limited size: a write for which there is no room is cut short, and the next one is ENOSPC. The program lets the disk
 * run full twice, once beneath a sync and once beneath an append, makes room, and calls again: nothing may be lost.
 * It works in a fresh directory below $TMPDIR or /tmp and removes it. Exit 0: everything held.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "segjournal/oversized.h"

/* --- the storage: what it knows --- */

typedef enum method {
    PARTITION_CREATE,
    PARTITION_OPEN,
    PARTITION_LOCK,
    PARTITION_UNLOCK,
    PARTITION_LIST,
    PARTITION_SYNC,
    PARTITION_CLOSE,
    PARTITION_REMOVE,
    DIRECTORY_SYNC,
    FILE_OPEN,
    FILE_REMOVE,
    FILE_READ,
    FILE_WRITE,
    FILE_SIZE,
    FILE_TRUNCATE,
    FILE_SYNC,
    FILE_CLOSE,
    FILE_WRITE_BACK,
    FILE_EVICT,
    METHODS
} method_t;

static const char *const method_names[METHODS] = {
    "partition_create", "partition_open",  "partition_lock",   "partition_unlock", "partition_list",
    "partition_sync",   "partition_close", "partition_remove", "directory_sync",   "file_open",
    "file_remove",      "file_read",       "file_write",       "file_size",        "file_truncate",
    "file_sync",        "file_close",      "file_write_back",  "file_evict"};

/** Calls may come from several threads. size_t: an atomic of 64 bits needs a library of its own on some machines. */
typedef struct tally {
    atomic_size_t calls, failures, bytes;
} tally_t;

typedef struct disk {
    const segj_storage_t *below;
    tally_t tallies[METHODS];
    atomic_size_t room; /**< bytes that may still be written; every write takes some, one over old bytes too */
} disk_t;

/* The two objects are the storage's own to define. Those of the storage below go by the same names. */

struct segj_partition {
    disk_t *disk;
    segj_partition_t *below;
};

struct segj_file {
    disk_t *disk;
    segj_file_t *below;
};

/** Counts a call with its result and hands the result on. */
static int count(disk_t *disk, method_t method, int result, size_t bytes)
{
    tally_t *tally = &disk->tallies[method];
    atomic_fetch_add(&tally->calls, 1);
    atomic_fetch_add(&tally->bytes, bytes);
    if (result != 0)
        atomic_fetch_add(&tally->failures, 1);
    return result;
}

/* --- the storage: partitions --- */

static int disk_partition_create(void *context, const char *directory, const char *partition)
{
    disk_t *disk = context;
    int result = disk->below->partition_create(disk->below->context, directory, partition);
    return count(disk, PARTITION_CREATE, result, 0);
}

static int disk_partition_open(void *context, const char *directory, const char *partition, segj_partition_t **opened)
{
    disk_t *disk = context;
    segj_partition_t *made = malloc(sizeof(*made));
    if (made == NULL)
        return count(disk, PARTITION_OPEN, ENOMEM, 0);
    made->disk = disk;
    int result = disk->below->partition_open(disk->below->context, directory, partition, &made->below);
    if (result == 0)
        *opened = made;
    else
        free(made);
    return count(disk, PARTITION_OPEN, result, 0);
}

static int disk_partition_lock(segj_partition_t *partition, bool exclusive)
{
    disk_t *disk = partition->disk;
    return count(disk, PARTITION_LOCK, disk->below->partition_lock(partition->below, exclusive), 0);
}

static int disk_partition_unlock(segj_partition_t *partition)
{
    disk_t *disk = partition->disk;
    return count(disk, PARTITION_UNLOCK, disk->below->partition_unlock(partition->below), 0);
}

static int disk_partition_list(segj_partition_t *partition, segj_list_visit_t visit, void *visit_context)
{
    disk_t *disk = partition->disk;
    return count(disk, PARTITION_LIST, disk->below->partition_list(partition->below, visit, visit_context), 0);
}

static int disk_partition_sync(segj_partition_t *partition)
{
    disk_t *disk = partition->disk;
    return count(disk, PARTITION_SYNC, disk->below->partition_sync(partition->below), 0);
}

static void disk_partition_close(segj_partition_t *partition)
{
    partition->disk->below->partition_close(partition->below);
    count(partition->disk, PARTITION_CLOSE, 0, 0);
    free(partition);
}

static int disk_partition_remove(void *context, const char *directory, const char *partition)
{
    disk_t *disk = context;
    int result = disk->below->partition_remove(disk->below->context, directory, partition);
    return count(disk, PARTITION_REMOVE, result, 0);
}

static int disk_directory_sync(void *context, const char *directory)
{
    disk_t *disk = context;
    return count(disk, DIRECTORY_SYNC, disk->below->directory_sync(disk->below->context, directory), 0);
}

/* --- the storage: files --- */

static int disk_file_open(segj_partition_t *partition, const char *name, segj_open_mode_t mode, segj_file_t **opened)
{
    disk_t *disk = partition->disk;
    segj_file_t *made = malloc(sizeof(*made));
    if (made == NULL)
        return count(disk, FILE_OPEN, ENOMEM, 0);
    made->disk = disk;
    int result = disk->below->file_open(partition->below, name, mode, &made->below);
    if (result == 0)
        *opened = made;
    else
        free(made);
    return count(disk, FILE_OPEN, result, 0);
}

static int disk_file_remove(segj_partition_t *partition, const char *name)
{
    disk_t *disk = partition->disk;
    return count(disk, FILE_REMOVE, disk->below->file_remove(partition->below, name), 0);
}

static int disk_file_read(segj_file_t *file, uint64_t offset, void *buffer, size_t size, size_t *done)
{
    disk_t *disk = file->disk;
    int result = disk->below->file_read(file->below, offset, buffer, size, done);
    return count(disk, FILE_READ, result, result == 0 ? *done : 0);
}

/** Takes up to `size` bytes of room and says how many there were. */
static size_t take_room(disk_t *disk, size_t size)
{
    size_t room = atomic_load(&disk->room);
    size_t taken = size < room ? size : room;
    while (!atomic_compare_exchange_weak(&disk->room, &room, room - taken))
        taken = size < room ? size : room;
    return taken;
}

static int disk_file_write(segj_file_t *file, uint64_t offset, const segj_slice_t *slices, size_t slice_count,
                           size_t *done)
{
    disk_t *disk = file->disk;
    *done = 0;
    size_t size = 0;
    for (size_t i = 0; i < slice_count; i++)
        size += slices[i].size;
    size_t room = take_room(disk, size);
    segj_slice_t cut;
    if (room < size) { /* a disk that runs full takes a part; the first slice's is enough to say so */
        cut = slices[0];
        if (cut.size > room)
            cut.size = room;
        if (cut.size == 0)
            return count(disk, FILE_WRITE, ENOSPC, 0);
        slices = &cut;
        slice_count = 1;
    }
    int result = disk->below->file_write(file->below, offset, slices, slice_count, done);
    return count(disk, FILE_WRITE, result, *done);
}

static int disk_file_size(segj_file_t *file, uint64_t *size)
{
    disk_t *disk = file->disk;
    return count(disk, FILE_SIZE, disk->below->file_size(file->below, size), 0);
}

static int disk_file_truncate(segj_file_t *file, uint64_t size)
{
    disk_t *disk = file->disk;
    return count(disk, FILE_TRUNCATE, disk->below->file_truncate(file->below, size), 0);
}

static int disk_file_sync(segj_file_t *file)
{
    disk_t *disk = file->disk;
    return count(disk, FILE_SYNC, disk->below->file_sync(file->below), 0);
}

static void disk_file_close(segj_file_t *file)
{
    file->disk->below->file_close(file->below);
    count(file->disk, FILE_CLOSE, 0, 0);
    free(file);
}

/* Hints are optional: the storage below may have none. */

static void disk_file_write_back(segj_file_t *file, uint64_t offset, uint64_t size)
{
    if (file->disk->below->file_write_back != NULL)
        file->disk->below->file_write_back(file->below, offset, size);
    count(file->disk, FILE_WRITE_BACK, 0, (size_t)size);
}

static void disk_file_evict(segj_file_t *file, uint64_t offset, uint64_t size)
{
    if (file->disk->below->file_evict != NULL)
        file->disk->below->file_evict(file->below, offset, size);
    count(file->disk, FILE_EVICT, 0, (size_t)size);
}

/** The table that is handed to the library, which copies it; the disk itself outlives the journal. */
static segj_storage_t disk_storage(disk_t *disk)
{
    return (segj_storage_t){
        .struct_size = sizeof(segj_storage_t),
        .context = disk,
        .partition_create = disk_partition_create,
        .partition_open = disk_partition_open,
        .partition_lock = disk_partition_lock,
        .partition_unlock = disk_partition_unlock,
        .partition_list = disk_partition_list,
        .partition_sync = disk_partition_sync,
        .partition_close = disk_partition_close,
        .partition_remove = disk_partition_remove,
        .directory_sync = disk_directory_sync,
        .file_open = disk_file_open,
        .file_remove = disk_file_remove,
        .file_read = disk_file_read,
        .file_write = disk_file_write,
        .file_size = disk_file_size,
        .file_truncate = disk_file_truncate,
        .file_sync = disk_file_sync,
        .file_close = disk_file_close,
        .file_write_back = disk_file_write_back,
        .file_evict = disk_file_evict,
    };
}

/* --- the program --- */

enum { SECTION = 1, VALUE_SIZE = 200000, VALUES = 40, SMALL_ROOM = 3000000, PLENTY = 1 << 30 };

static void die(const char *what, const char *why)
{
    fprintf(stderr, "custom_storage: %s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

static void must(segj_status_t status, const char *what)
{
    if (status != SEGJ_OK)
        die(what, segj_last_error());
}

/** Value number i: bytes that differ from value to value and from place to place. */
static void fill(unsigned char *value, uint64_t i)
{
    for (uint64_t k = 0; k < VALUE_SIZE; k++)
        value[k] = (unsigned char)(i * 31 + k + (k >> 8));
}

static void append(oversized_t *journal, uint64_t number, unsigned char *value, segj_status_t *status)
{
    fill(value, number);
    *status = oversized_append(journal, SECTION, NULL, value, VALUE_SIZE, NULL, NULL);
}

/** A full disk beneath a sync: the append fits the write buffer, so it is the sync that has to write. */
static void fill_beneath_sync(oversized_t *journal, disk_t *disk, unsigned char *value)
{
    segj_status_t status;
    append(journal, 0, value, &status);
    must(status, "the first append");
    must(oversized_sync(journal, SECTION), "the first sync");

    append(journal, 1, value, &status);
    must(status, "an append that fits the write buffer");
    atomic_store(&disk->room, 0);
    status = oversized_sync(journal, SECTION);
    if (status != SEGJ_ERR_NO_SPACE)
        die("a sync without room", segj_status_name(status));
    printf("sync:    %s\n", segj_last_error());
    atomic_store(&disk->room, PLENTY);
    must(oversized_sync(journal, SECTION), "the same sync with room");
    printf("sync:    made room, made again: fine\n");
}

/** A full disk beneath appends: those that overflow the write buffer have to write. */
static void fill_beneath_append(oversized_t *journal, disk_t *disk, unsigned char *value)
{
    unsigned refused = 0;
    atomic_store(&disk->room, SMALL_ROOM);
    for (uint64_t i = 2; i < VALUES; i++) {
        segj_status_t status;
        append(journal, i, value, &status);
        if (status == SEGJ_ERR_NO_SPACE) {
            uint64_t records;
            must(oversized_count(journal, SECTION, &records), "the count");
            if (records != i)
                die("an append that failed", "it changed the journal");
            printf("append:  %s\n", segj_last_error());
            refused++;
            atomic_store(&disk->room, PLENTY);
            append(journal, i, value, &status);
            printf("append:  made room, made again: %s\n", status == SEGJ_OK ? "fine" : segj_last_error());
        }
        must(status, "an append");
    }
    if (refused == 0)
        die("appends without room", "none was refused");
    must(oversized_sync(journal, SECTION), "the last sync");
}

/** Every value is there, and is what was appended. */
static void verify(oversized_t *journal, unsigned char *expected)
{
    uint64_t records;
    must(oversized_count(journal, SECTION, &records), "the count");
    if (records != VALUES)
        die("the count", "records are missing");
    segj_buffer_t value = {0};
    for (uint64_t i = 0; i < VALUES; i++) {
        must(oversized_read(journal, SECTION, i, NULL, &value), "a read");
        fill(expected, i);
        if (value.size != VALUE_SIZE || memcmp(value.data, expected, VALUE_SIZE) != 0)
            die("a read", "the value is not the one that was appended");
    }
    segj_buffer_free(&value);
}

static void print_table(disk_t *disk)
{
    printf("\n%-18s %8s %8s %12s\n", "method", "calls", "failed", "bytes");
    for (int i = 0; i < METHODS; i++) {
        tally_t *tally = &disk->tallies[i];
        printf("%-18s %8zu %8zu %12zu\n", method_names[i], atomic_load(&tally->calls), atomic_load(&tally->failures),
               atomic_load(&tally->bytes));
    }
}

/** The whole story in one directory; the partitions are gone when it returns. */
static void run(disk_t *disk, const char *directory, unsigned char *value)
{
    segj_storage_t storage = disk_storage(disk);
    oversized_config_t config;
    oversized_config_init(&config);
    config.directory = directory;
    config.storage = &storage;

    oversized_t *journal;
    must(oversized_open(&config, &journal), "the open");
    fill_beneath_sync(journal, disk, value);
    fill_beneath_append(journal, disk, value);
    must(oversized_close(journal), "the close");

    must(oversized_open(&config, &journal), "the second open");
    verify(journal, value);
    printf("reopen:  %" PRIu64 " records, each as it was appended\n", oversized_recovery(journal)->records);
    must(oversized_destroy(journal), "the removal");
}

/** What was opened has been closed, or the library holds on to what it gave up. */
static void check_balance(disk_t *disk)
{
    const method_t pairs[][2] = {{PARTITION_OPEN, PARTITION_CLOSE}, {FILE_OPEN, FILE_CLOSE}};
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        tally_t *opens = &disk->tallies[pairs[i][0]];
        size_t opened = atomic_load(&opens->calls) - atomic_load(&opens->failures);
        if (opened != atomic_load(&disk->tallies[pairs[i][1]].calls))
            die(method_names[pairs[i][0]], "something was not closed");
    }
}

int main(void)
{
    const char *parent = getenv("TMPDIR");
    char directory[4096];
    int length = snprintf(directory, sizeof(directory), "%s/segjournal-storage.XXXXXX",
                          parent != NULL && parent[0] != '\0' ? parent : "/tmp");
    if (length < 0 || (size_t)length >= sizeof(directory) || mkdtemp(directory) == NULL)
        die("a fresh directory below $TMPDIR", strerror(errno));

    static disk_t disk;
    disk.below = segj_storage_posix();
    atomic_store(&disk.room, PLENTY);
    unsigned char *value = malloc(VALUE_SIZE);
    if (value == NULL)
        die("memory", strerror(errno));
    run(&disk, directory, value);
    free(value);
    print_table(&disk);
    check_balance(&disk);
    if (rmdir(directory) != 0)
        die(directory, strerror(errno));
    return EXIT_SUCCESS;
}
