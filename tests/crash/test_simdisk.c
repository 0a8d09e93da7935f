/*
 * crash/test_simdisk.c: the simulated disk itself: what a power cut may leave of it, and what it must not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/simdisk.h"

#define NAME "0000000000000001"

typedef struct fixture {
    simdisk_t *disk;
    const segj_storage_t *storage;
    segj_partition_t *partition;
    segj_file_t *file;
} fixture_t;

static int set_up(void **state)
{
    fixture_t *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    fixture->disk = simdisk_new();
    fixture->storage = simdisk_storage(fixture->disk);
    const segj_storage_t *storage = fixture->storage;
    assert_int_equal(storage->partition_create(storage->context, "disk", "index"), 0);
    assert_int_equal(storage->partition_open(storage->context, "disk", "index", &fixture->partition), 0);
    assert_int_equal(storage->file_open(fixture->partition, NAME, SEGJ_OPEN_CREATE, &fixture->file), 0);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    fixture_t *fixture = *state;
    fixture->storage->file_close(fixture->file);
    fixture->storage->partition_close(fixture->partition);
    simdisk_free(fixture->disk);
    free(fixture);
    return 0;
}

static void write_run(const fixture_t *fixture, uint64_t offset, uint8_t byte, size_t size)
{
    uint8_t bytes[4096];
    segj_slice_t slice = {bytes, size};
    size_t done;
    assert_true(size <= sizeof bytes);
    memset(bytes, byte, size);
    assert_int_equal(fixture->storage->file_write(fixture->file, offset, &slice, 1, &done), 0);
    assert_int_equal(done, size);
}

static void sync_all(const fixture_t *fixture)
{
    assert_int_equal(fixture->storage->file_sync(fixture->file), 0);
    assert_int_equal(fixture->storage->partition_sync(fixture->partition), 0);
}

/* Every crash of the disk as it is: built from the cut, and from the call that makes one alone. */
typedef void (*look_t)(const uint8_t *keep, simdisk_fill_t fill, simdisk_t *after);

static void each_crash(const fixture_t *fixture, size_t expected_units, look_t look)
{
    simdisk_cut_t *cut = simdisk_cut_new(fixture->disk);
    size_t units = simdisk_cut_units(cut);
    assert_int_equal(units, expected_units);
    for (uint32_t mask = 0; mask < (uint32_t)SIMDISK_FILLS << units; mask++) {
        uint8_t keep[16];
        const simdisk_fill_t fill = (simdisk_fill_t)(mask >> units);
        for (size_t i = 0; i < units; i++)
            keep[i] = (uint8_t)(mask >> i & 1);
        simdisk_t *after = simdisk_crash(fixture->disk, keep, fill);
        assert_int_equal(simdisk_cut_hash(cut, keep, (const simdisk_fill_t[2]){fill, fill}), simdisk_hash(after));
        simdisk_t *built = simdisk_cut_build(cut, keep, (const simdisk_fill_t[2]){fill, fill});
        assert_int_equal(simdisk_hash(built), simdisk_hash(after));
        look(keep, fill, after);
        simdisk_free(built);
        simdisk_free(after);
    }
    simdisk_cut_free(cut);
}

static const uint8_t *bytes_of(simdisk_t *disk, uint64_t *size)
{
    return simdisk_visible(disk, "index", NAME, size);
}

static void check_bytes(const uint8_t *bytes, size_t from, size_t to, uint8_t byte)
{
    for (size_t i = from; i < to; i++)
        assert_int_equal(bytes[i], byte);
}

/* Units: the name, and two sectors. */
static void look_at_new_file(const uint8_t *keep, simdisk_fill_t fill, simdisk_t *after)
{
    static const uint8_t fills[SIMDISK_FILLS] = {0, 0, 0xA5};
    uint64_t size = 0;
    const uint8_t *bytes = bytes_of(after, &size);
    assert_int_equal(bytes != NULL, keep[0]);
    if (bytes == NULL)
        return;
    if (fill == SIMDISK_SHORT)
        assert_int_equal(size, keep[2] ? 1000 : keep[1] ? 512 : 0);
    else
        assert_int_equal(size, 1000);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(bytes[i], keep[i < 512 ? 1 : 2] ? 7 : fills[fill]);
}

static void a_new_file_loses_its_name_its_sectors_and_its_size_each_by_itself(void **state)
{
    const fixture_t *fixture = *state;
    write_run(fixture, 0, 7, 1000);
    each_crash(fixture, 3, look_at_new_file);
}

static void look_at_synced_without_name(const uint8_t *keep, simdisk_fill_t fill, simdisk_t *after)
{
    uint64_t size = 0;
    const uint8_t *bytes = bytes_of(after, &size);
    (void)fill;
    assert_int_equal(bytes != NULL, keep[0]);
    if (bytes == NULL)
        return;
    assert_int_equal(size, 1000);
    check_bytes(bytes, 0, 1000, 7);
}

static void a_synced_file_can_lose_its_name_and_not_its_bytes(void **state)
{
    const fixture_t *fixture = *state;
    write_run(fixture, 0, 7, 1000);
    assert_int_equal(fixture->storage->file_sync(fixture->file), 0);
    each_crash(fixture, 1, look_at_synced_without_name);
}

static void look_at_overwrite(const uint8_t *keep, simdisk_fill_t fill, simdisk_t *after)
{
    uint64_t size = 0;
    const uint8_t *bytes = bytes_of(after, &size);
    (void)fill;
    assert_non_null(bytes);
    assert_int_equal(size, 1024);
    check_bytes(bytes, 0, 500, 7);
    check_bytes(bytes, 500, 512, keep[0] ? 9 : 7);
    check_bytes(bytes, 512, 600, keep[1] ? 9 : 7);
    check_bytes(bytes, 600, 1024, 7);
}

static void synced_bytes_stay_beside_unsynced_ones_in_a_sector(void **state)
{
    const fixture_t *fixture = *state;
    write_run(fixture, 0, 7, 1024);
    sync_all(fixture);
    write_run(fixture, 500, 9, 100);
    each_crash(fixture, 2, look_at_overwrite);
}

static void look_at_truncation(const uint8_t *keep, simdisk_fill_t fill, simdisk_t *after)
{
    uint64_t size = 0;
    const uint8_t *bytes = bytes_of(after, &size);
    assert_non_null(bytes);
    if (fill != SIMDISK_SHORT)
        return;
    /* The write came behind the truncation; both are lost or kept by themselves. */
    assert_int_equal(size, keep[0] ? (keep[1] ? 400 : 300) : 1024);
    check_bytes(bytes, 0, 300, 7);
    check_bytes(bytes, 300, size < 400 ? (size_t)size : 400, keep[1] ? 9 : 7);
    check_bytes(bytes, size < 400 ? (size_t)size : 400, (size_t)size, 7);
}

static void a_truncation_is_lost_or_kept_by_itself(void **state)
{
    const fixture_t *fixture = *state;
    write_run(fixture, 0, 7, 1024);
    sync_all(fixture);
    assert_int_equal(fixture->storage->file_truncate(fixture->file, 300), 0);
    write_run(fixture, 300, 9, 100);
    simdisk_cut_t *cut = simdisk_cut_new(fixture->disk);
    assert_false(simdisk_cut_growth(cut, 0));
    simdisk_cut_free(cut);
    each_crash(fixture, 2, look_at_truncation);
}

static void look_at_removal(const uint8_t *keep, simdisk_fill_t fill, simdisk_t *after)
{
    uint64_t size = 0;
    (void)fill;
    assert_int_equal(bytes_of(after, &size) == NULL, keep[0]);
}

static void a_removal_is_lost_or_kept(void **state)
{
    const fixture_t *fixture = *state;
    write_run(fixture, 0, 7, 100);
    sync_all(fixture);
    assert_int_equal(fixture->storage->file_remove(fixture->partition, NAME), 0);
    each_crash(fixture, 1, look_at_removal);
}

static void look_at_zeros(const uint8_t *keep, simdisk_fill_t fill, simdisk_t *after)
{
    uint64_t size = 0;
    const uint8_t *bytes = bytes_of(after, &size);
    assert_non_null(bytes);
    assert_int_equal(size, keep[0] || fill != SIMDISK_SHORT ? 4096 : 0);
    check_bytes(bytes, 0, (size_t)size, !keep[0] && fill == SIMDISK_GARBAGE ? 0xA5 : 0);
}

static void zeros_over_nothing_are_one_unit(void **state)
{
    const fixture_t *fixture = *state;
    sync_all(fixture);
    write_run(fixture, 0, 0, 4096);
    each_crash(fixture, 1, look_at_zeros);
}

static void look_at_same(const uint8_t *keep, simdisk_fill_t fill, simdisk_t *after)
{
    uint64_t size = 0;
    const uint8_t *bytes = bytes_of(after, &size);
    (void)keep;
    (void)fill;
    assert_int_equal(size, 1024);
    check_bytes(bytes, 0, 1024, 7);
}

static void bytes_written_again_are_no_unit(void **state)
{
    const fixture_t *fixture = *state;
    write_run(fixture, 0, 7, 1024);
    sync_all(fixture);
    write_run(fixture, 100, 7, 600);
    each_crash(fixture, 0, look_at_same);
    sync_all(fixture);
    simdisk_forget_idle(fixture->disk);
    uint64_t hash = simdisk_hash(fixture->disk);
    write_run(fixture, 100, 7, 600);
    assert_int_equal(simdisk_hash(fixture->disk), hash);
    each_crash(fixture, 0, look_at_same);
}

/* The first write is not durable: the same bytes written through another open file are, and the first cannot take
 * them away. */
static void a_sync_covers_its_own_file_object_alone(void **state)
{
    const fixture_t *fixture = *state;
    const segj_storage_t *storage = fixture->storage;
    segj_file_t *second;
    write_run(fixture, 0, 7, 1024);
    sync_all(fixture);
    assert_int_equal(storage->file_open(fixture->partition, NAME, SEGJ_OPEN_WRITE, &second), 0);
    write_run(fixture, 0, 9, 100);
    assert_int_equal(storage->file_sync(second), 0);
    assert_int_equal(simdisk_units(fixture->disk), 1);
    uint8_t same[50];
    memset(same, 5, sizeof same);
    segj_slice_t slice = {same, sizeof same};
    size_t done;
    assert_int_equal(storage->file_write(second, 0, &slice, 1, &done), 0);
    assert_int_equal(storage->file_sync(second), 0);
    storage->file_close(second);
    for (uint8_t keep = 0; keep < 2; keep++) {
        uint64_t size;
        simdisk_t *after = simdisk_crash(fixture->disk, &keep, SIMDISK_SHORT);
        const uint8_t *bytes = bytes_of(after, &size);
        check_bytes(bytes, 0, 50, 5);
        check_bytes(bytes, 50, 100, keep ? 9 : 7);
        simdisk_free(after);
    }
}

static void look_at_single_bytes(const uint8_t *keep, simdisk_fill_t fill, simdisk_t *after)
{
    uint64_t size = 0;
    const uint8_t *bytes = bytes_of(after, &size);
    (void)fill;
    assert_int_equal(size, 1024);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(bytes[509 + i], keep[i] ? 9 : 7);
    check_bytes(bytes, 515, 1024, 7);
}

static void with_a_grain_of_one_single_bytes_are_lost(void **state)
{
    const fixture_t *fixture = *state;
    write_run(fixture, 0, 7, 1024);
    sync_all(fixture);
    simdisk_set_grain(fixture->disk, 1);
    write_run(fixture, 509, 9, 6);
    each_crash(fixture, 6, look_at_single_bytes);
}

/* A spoilt write takes the synced bytes of its sector with it, and of no other. */
static void a_spoilt_write_makes_garbage_of_its_sector(void **state)
{
    const fixture_t *fixture = *state;
    write_run(fixture, 0, 7, 1536);
    sync_all(fixture);
    write_run(fixture, 600, 9, 10);
    const uint8_t keep = SIMDISK_SPOILT;
    assert_int_equal(simdisk_units(fixture->disk), 1);
    simdisk_t *after = simdisk_crash(fixture->disk, &keep, SIMDISK_SHORT);
    uint64_t size;
    const uint8_t *bytes = bytes_of(after, &size);
    check_bytes(bytes, 0, 512, 7);
    check_bytes(bytes, 512, 1024, 0xA5);
    check_bytes(bytes, 1024, 1536, 7);
    simdisk_free(after);
}

/* The file is as long as it was, with zeros from its new end to the end of the sector. */
static void a_torn_truncation_leaves_zeros_and_the_size(void **state)
{
    const fixture_t *fixture = *state;
    write_run(fixture, 0, 7, 1536);
    sync_all(fixture);
    assert_int_equal(fixture->storage->file_truncate(fixture->file, 600), 0);
    const uint8_t keep = SIMDISK_TORN;
    assert_int_equal(simdisk_units(fixture->disk), 1);
    simdisk_t *after = simdisk_crash(fixture->disk, &keep, SIMDISK_SHORT);
    uint64_t size;
    const uint8_t *bytes = bytes_of(after, &size);
    assert_int_equal(size, 1536);
    check_bytes(bytes, 0, 600, 7);
    check_bytes(bytes, 600, 1024, 0);
    check_bytes(bytes, 1024, 1536, 7);
    simdisk_free(after);
}

static void a_killed_process_leaves_all_that_is_visible_and_no_more_durable(void **state)
{
    const fixture_t *fixture = *state;
    write_run(fixture, 0, 7, 100);
    sync_all(fixture);
    write_run(fixture, 0, 9, 100);
    simdisk_t *killed = simdisk_kill(fixture->disk);
    uint64_t size;
    check_bytes(bytes_of(killed, &size), 0, 100, 9);
    assert_int_equal(simdisk_units(killed), 1);
    const uint8_t keep = SIMDISK_LOST;
    simdisk_t *after = simdisk_crash(killed, &keep, SIMDISK_SHORT);
    check_bytes(bytes_of(after, &size), 0, 100, 7);
    simdisk_free(after);
    simdisk_free(killed);
}

#define DISK_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DISK_TEST(a_new_file_loses_its_name_its_sectors_and_its_size_each_by_itself),
        DISK_TEST(a_synced_file_can_lose_its_name_and_not_its_bytes),
        DISK_TEST(synced_bytes_stay_beside_unsynced_ones_in_a_sector),
        DISK_TEST(a_truncation_is_lost_or_kept_by_itself),
        DISK_TEST(a_removal_is_lost_or_kept),
        DISK_TEST(zeros_over_nothing_are_one_unit),
        DISK_TEST(bytes_written_again_are_no_unit),
        DISK_TEST(a_sync_covers_its_own_file_object_alone),
        DISK_TEST(with_a_grain_of_one_single_bytes_are_lost),
        DISK_TEST(a_spoilt_write_makes_garbage_of_its_sector),
        DISK_TEST(a_torn_truncation_leaves_zeros_and_the_size),
        DISK_TEST(a_killed_process_leaves_all_that_is_visible_and_no_more_durable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
