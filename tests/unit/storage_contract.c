/* unit/storage_contract.c: the promises of storage.h, called as a storage's own functions. */
#include "unit/storage_contract.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

void contract_missing_is_enoent(void **state)
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

void contract_creation(void **state)
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

void contract_partitions_are_apart(void **state)
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

void contract_reads_and_writes(void **state)
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

void contract_slices(void **state)
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

void contract_read_only_files(void **state)
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

void contract_files_have_an_end(void **state)
{
    const struct place *place = *state;
    const segj_storage_t *storage = place->storage;
    segj_partition_t *partition = make_partition(place, "a");
    segj_file_t *file = open_file(place, partition, "f", SEGJ_OPEN_CREATE);
    static const uint64_t offsets[] = {INT64_MAX, INT64_MAX - 1, (uint64_t)INT64_MAX + 1, UINT64_MAX - 1, UINT64_MAX};
    const segj_slice_t slices[] = {{.data = "ab", .size = 2}, {.data = "c", .size = 1}};
    write_text(place, file, 0, "text");
    for (size_t i = 0; i < COUNT_OF(offsets); i++) {
        char byte = 'x';
        size_t done = 7;
        assert_int_not_equal(storage->file_write(file, offsets[i], slices, 2, &done), 0);
        assert_int_equal(done, 0);
        done = 0;
        (void)storage->file_read(file, offsets[i], &byte, 1, &done); /* nothing there, or refused */
        assert_int_equal(done, 0);
        assert_int_equal(byte, 'x');
        expect_size(place, file, 4);
    }
    storage->file_close(file);
    storage->partition_close(partition);
}

void contract_truncation(void **state)
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

/* Between files of different partitions, to the end of the first; whatever is short is asked for again. */
void contract_copies(void **state)
{
    const struct place *place = *state;
    const segj_storage_t *storage = place->storage;
    segj_partition_t *partition = make_partition(place, "a");
    segj_partition_t *beside = make_partition(place, "b");
    segj_file_t *from = open_file(place, partition, "f", SEGJ_OPEN_CREATE);
    segj_file_t *to = open_file(place, beside, "g", SEGJ_OPEN_CREATE);
    write_text(place, from, 0, "0123456789");
    write_text(place, to, 0, "abcd");
    int code = ENOSYS;
    size_t done = 1;
    uint64_t offset = 3;
    while (storage->file_copy != NULL && done > 0) {
        code = storage->file_copy(from, to, offset, 100, &done);
        if (code != 0)
            break;
        offset += done;
    }
    if (code == 0) {
        assert_int_equal(offset, 10);
        expect_bytes(place, to, 0, "abc3456789", 10);
    }
    expect_size(place, to, code == 0 ? 10 : 4);
    expect_bytes(place, from, 0, "0123456789", 10);
    storage->file_close(to);
    storage->file_close(from);
    storage->partition_close(beside);
    storage->partition_close(partition);
}

/* A storage that tells what the device has tells what was synced, to the end of the file, and its other calls go on as
 * before. */
void contract_reads_of_the_device(void **state)
{
    enum { ALIGN = 4096, ROOM = 4 * ALIGN, LENGTH = 2 * ALIGN + 100 };
    const struct place *place = *state;
    const segj_storage_t *storage = place->storage;
    if (storage->file_read_device == NULL)
        return;
    segj_partition_t *partition = make_partition(place, "a");
    segj_file_t *file = open_file(place, partition, "f", SEGJ_OPEN_CREATE);
    char text[LENGTH + 1];
    for (size_t i = 0; i < LENGTH; i++)
        text[i] = (char)('a' + i % 23);
    text[LENGTH] = '\0';
    write_text(place, file, 0, text);
    assert_int_equal(storage->file_sync(file), 0);
    char *room = malloc(ROOM + ALIGN - 1);
    assert_non_null(room);
    char *aligned = room + (ALIGN - (uintptr_t)room % ALIGN) % ALIGN;
    for (uint64_t offset = 0; offset < 5 * (uint64_t)ALIGN; offset += ALIGN) {
        size_t left = offset < LENGTH ? (size_t)(LENGTH - offset) : 0;
        size_t done = 1;
        int code = storage->file_read_device(file, offset, aligned, ROOM, &done);
        if (code == ENOTSUP) /* never, on this file system */
            break;
        assert_int_equal(code, 0);
        assert_int_equal(done, left);
        assert_memory_equal(aligned, text + LENGTH - left, left);
    }
    free(room);
    write_text(place, file, 3, "x"); /* neither aligned nor whole */
    expect_bytes(place, file, 1, "bcxef", 5);
    storage->file_close(file);
    storage->partition_close(partition);
}

void contract_removed_files_live_on(void **state)
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

/* A mapping shows what is written, also what makes the file longer where that was mapped, and outlives file and
 * name. */
void contract_mappings(void **state)
{
    enum { ASKED = 3 * 65536 };
    const struct place *place = *state;
    const segj_storage_t *storage = place->storage;
    assert_int_equal(storage->file_map == NULL, storage->file_unmap == NULL);
    if (storage->file_map == NULL)
        return;
    segj_partition_t *partition = make_partition(place, "a");
    segj_file_t *file = open_file(place, partition, "f", SEGJ_OPEN_CREATE);
    const void *address = NULL;
    size_t mapped = 0;
    write_text(place, file, 65536, "0123456789");
    assert_int_equal(storage->file_map(file, 65536, ASKED, &address, &mapped), 0);
    assert_in_range(mapped, 10, ASKED);
    assert_memory_equal(address, "0123456789", 10);
    write_text(place, file, 65539, "xyz");
    assert_memory_equal(address, "012xyz6789", 10);
    if (mapped == ASKED) {
        write_text(place, file, 65536 + ASKED - 3, "end");
        assert_memory_equal((const char *)address + ASKED - 3, "end", 3);
    }
    storage->file_close(file);
    assert_int_equal(storage->file_remove(partition, "f"), 0);
    assert_memory_equal(address, "012xyz6789", 10);
    storage->file_unmap(storage->context, address, mapped);
    storage->partition_close(partition);
}

void contract_syncs_and_hints(void **state)
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

void contract_listing(void **state)
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

void contract_locks(void **state)
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

void contract_removed_partitions(void **state)
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

void contract_threads(void **state)
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
