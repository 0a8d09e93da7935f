/*
 * Files of several objects in a cluster in memory: cut, grown, cut off in the midst of a cut, removed while they are open,
 * read on and written to by others: they show what they must, and leave no object behind.
 */
#include <stdio.h>
#include <string.h>

#include "rados/pond/pond.h"
#include "unit/place.h"

enum { SIZE = 5 * POND_CHUNK + 100 };

typedef struct sea {
    pond_t *pond;
    segj_storage_t *storage;
    struct place place;
} sea_t;

static sea_t begin(void)
{
    sea_t sea = {.pond = pond_new()};
    sea.storage = pond_client(sea.pond);
    sea.place.storage = sea.storage;
    (void)snprintf(sea.place.directory, sizeof sea.place.directory, "disk");
    return sea;
}

static void end(sea_t *sea)
{
    pond_client_free(sea->storage);
    pond_free(sea->pond);
}

static void write_letters(const sea_t *sea, segj_file_t *file, uint64_t offset, size_t size, char letter)
{
    static char bytes[SIZE];
    size_t done = 0;
    memset(bytes, letter, sizeof bytes);
    const segj_slice_t slice = {.data = bytes, .size = size};
    assert_int_equal(sea->storage->file_write(file, offset, &slice, 1, &done), 0);
    assert_int_equal(done, size);
}

/* Letters up to one place, from there zeros to another one, then letters again, up to the end. */
static void expect_letters(const sea_t *sea, segj_file_t *file, uint64_t letters, uint64_t zeros, uint64_t size)
{
    uint64_t found = 0;
    assert_int_equal(sea->storage->file_size(file, &found), 0);
    assert_int_equal(found, size);
    for (uint64_t at = 0; at < size;) {
        char bytes[1000];
        size_t done = 0;
        assert_int_equal(sea->storage->file_read(file, at, bytes, sizeof bytes, &done), 0);
        assert_true(done > 0);
        for (size_t i = 0; i < done; i++, at++)
            if ((bytes[i] != 0) != (at < letters || at >= zeros))
                fail_msg("byte %llu is %d", (unsigned long long)at, bytes[i]);
    }
}

/* Each cut, and growth after it, by two clients: what was cut off does not come back. */
static void cuts_and_growth(void **state)
{
    static const uint64_t cuts[] = {0, 1, POND_CHUNK - 1, POND_CHUNK, POND_CHUNK + 1, 3 * POND_CHUNK, SIZE - 1, SIZE};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cuts); i++) {
        sea_t sea = begin();
        segj_partition_t *partition = make_partition(&sea.place, "a");
        segj_file_t *file = open_file(&sea.place, partition, "f", SEGJ_OPEN_CREATE);
        write_letters(&sea, file, 0, SIZE, 'x');
        assert_int_equal(sea.storage->file_truncate(file, cuts[i]), 0);
        expect_letters(&sea, file, cuts[i], SIZE, cuts[i]);
        write_letters(&sea, file, SIZE + POND_CHUNK, 10, 'y');
        expect_letters(&sea, file, cuts[i], SIZE + POND_CHUNK, SIZE + POND_CHUNK + 10);
        assert_int_equal(sea.storage->file_sync(file), 0);
        segj_storage_t *second = pond_client(sea.pond);
        sea_t other = {sea.pond, second, {.storage = second}};
        memcpy(other.place.directory, sea.place.directory, sizeof other.place.directory);
        segj_partition_t *seen = open_partition(&other.place, "a");
        segj_file_t *reader = open_file(&other.place, seen, "f", SEGJ_OPEN_READ);
        expect_letters(&other, reader, cuts[i], SIZE + POND_CHUNK, SIZE + POND_CHUNK + 10);
        second->file_close(reader);
        second->partition_close(seen);
        pond_client_free(second);
        sea.storage->file_close(file);
        assert_int_equal(sea.storage->file_remove(partition, "f"), 0);
        assert_int_equal(pond_orphans(sea.pond), 0);
        sea.storage->partition_close(partition);
        assert_int_equal(remove_partition(&sea.place, "a"), 0);
        assert_int_equal(pond_orphans(sea.pond), 0);
        end(&sea);
    }
}

typedef struct stop {
    simdisk_t *disk;
    size_t at, seen;
    simdisk_t *left; /* the cluster as it was then */
} stop_t;

static void stop_at(void *context, simdisk_t *disk, simdisk_call_t call)
{
    stop_t *stop = context;
    (void)call;
    if (stop->seen++ == stop->at)
        stop->left = simdisk_kill(disk);
}

/* The client dies before each change of a cut or of a removal: the next owner finds the file as it was, or shorter, writes
 * on, and finds nothing old; and no object is left that nobody knows of. */
static bool die_in(size_t at, bool remove)
{
    simdisk_t *disk = simdisk_new();
    struct place place = {.storage = simdisk_storage(disk)};
    sea_t sea = {.storage = (segj_storage_t *)(uintptr_t)simdisk_storage(disk), .place = place};
    stop_t stop = {.disk = disk, .at = at};
    (void)snprintf(sea.place.directory, sizeof sea.place.directory, "disk");
    segj_partition_t *partition = make_partition(&sea.place, "a");
    assert_int_equal(sea.storage->partition_lock(partition, true), 0);
    segj_file_t *file = open_file(&sea.place, partition, "f", SEGJ_OPEN_CREATE);
    write_letters(&sea, file, 0, SIZE, 'x');
    assert_int_equal(sea.storage->file_sync(file), 0);
    simdisk_on_call(disk, stop_at, &stop);
    if (remove) {
        sea.storage->file_close(file);
        assert_int_equal(sea.storage->file_remove(partition, "f"), 0);
    } else {
        assert_int_equal(sea.storage->file_truncate(file, POND_CHUNK / 2), 0);
        assert_int_equal(sea.storage->file_sync(file), 0);
        sea.storage->file_close(file);
    }
    simdisk_on_call(disk, NULL, NULL);
    sea.storage->partition_close(partition);
    simdisk_free(disk);
    if (stop.left == NULL)
        return false;

    sea.storage = (segj_storage_t *)(uintptr_t)simdisk_storage(stop.left);
    sea.place.storage = sea.storage;
    partition = open_partition(&sea.place, "a");
    assert_int_equal(sea.storage->partition_lock(partition, true), 0);
    if (try_open(&sea.place, partition, "f", SEGJ_OPEN_READ) == 0) {
        uint64_t size = 0;
        file = open_file(&sea.place, partition, "f", SEGJ_OPEN_WRITE);
        assert_int_equal(sea.storage->file_size(file, &size), 0);
        assert_true(size == SIZE || (!remove && (size == POND_CHUNK || size == POND_CHUNK / 2)));
        write_letters(&sea, file, SIZE + 2 * POND_CHUNK, 1, 'y');
        expect_letters(&sea, file, size, SIZE + 2 * POND_CHUNK, SIZE + 2 * POND_CHUNK + 1);
        sea.storage->file_close(file);
    } else {
        assert_true(remove);
        assert_int_equal(simdisk_objects(stop.left), 2); /* the directory's and the partition's */
    }
    sea.storage->partition_close(partition);
    simdisk_free(stop.left);
    return true;
}

static void a_client_dies_in_a_cut(void **state)
{
    size_t at = 0;
    (void)state;
    while (die_in(at, false))
        at++;
    assert_true(at > 5);
}

static void a_client_dies_in_a_removal(void **state)
{
    size_t at = 0;
    (void)state;
    while (die_in(at, true))
        at++;
    assert_true(at > 5);
}

/* Read on from the beginning, so that much is read ahead; then it is written to, by the same client and by another one. */
static void what_was_read_ahead_grows_old(void **state)
{
    sea_t sea = begin();
    segj_storage_t *second = pond_client(sea.pond);
    sea_t other = {sea.pond, second, {.storage = second}};
    char byte[64];
    size_t done = 0;
    (void)state;
    memcpy(other.place.directory, sea.place.directory, sizeof other.place.directory);
    segj_partition_t *partition = make_partition(&sea.place, "a");
    segj_file_t *file = open_file(&sea.place, partition, "f", SEGJ_OPEN_CREATE);
    write_letters(&sea, file, 0, SIZE, 'x');
    assert_int_equal(sea.storage->file_sync(file), 0);
    segj_partition_t *seen = open_partition(&other.place, "a");
    segj_file_t *reader = open_file(&other.place, seen, "f", SEGJ_OPEN_READ);
    for (uint64_t at = 0; at < 2 * POND_CHUNK; at += 64) {
        assert_int_equal(sea.storage->file_read(file, at, byte, 64, &done), 0);
        assert_int_equal(second->file_read(reader, at, byte, 64, &done), 0);
    }
    write_letters(&sea, file, 2 * POND_CHUNK, POND_CHUNK, 'z');
    assert_int_equal(sea.storage->file_read(file, 2 * POND_CHUNK, byte, 64, &done), 0);
    assert_int_equal(byte[0], 'z');
    assert_int_equal(sea.storage->file_sync(file), 0);
    assert_int_equal(second->file_refresh(reader, false), 0);
    assert_int_equal(second->file_read(reader, 2 * POND_CHUNK, byte, 64, &done), 0);
    assert_int_equal(byte[0], 'z');
    second->file_close(reader);
    second->partition_close(seen);
    sea.storage->file_close(file);
    sea.storage->partition_close(partition);
    pond_client_free(second);
    end(&sea);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts_and_growth),
        cmocka_unit_test(a_client_dies_in_a_cut),
        cmocka_unit_test(a_client_dies_in_a_removal),
        cmocka_unit_test(what_was_read_ahead_grows_old),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
