/*
 * lessons/test_crashdisk.c: the disk of these tests keeps and loses what it says. A disk that forgave would make every
 * story pass.
 */
#include <errno.h>
#include <string.h>

#include "lessons/crashdisk.h"

typedef struct bench {
    crashdisk_t *disk;
    const segj_storage_t *calls;
    segj_partition_t *partition;
    segj_file_t *file;
} bench_t;

static const char name[] = "0000000000000001";
#define THE_FILE ON_INDEX(1)

static void put(bench_t *b, uint64_t offset, const char *text)
{
    segj_slice_t slice = {text, strlen(text)};
    size_t done = 0;
    assert_int_equal(b->calls->file_write(b->file, offset, &slice, 1, &done), 0);
    assert_int_equal(done, strlen(text));
}

/* One file, durable by content and by name. */
static void set_bench(bench_t *b, const char *text)
{
    b->disk = disk_new();
    b->calls = disk_storage(b->disk);
    assert_int_equal(b->calls->partition_create(b->calls->context, "d", THE_FILE.partition), 0);
    assert_int_equal(b->calls->partition_open(b->calls->context, "d", THE_FILE.partition, &b->partition), 0);
    assert_int_equal(b->calls->file_open(b->partition, name, SEGJ_OPEN_CREATE, &b->file), 0);
    put(b, 0, text);
    assert_int_equal(b->calls->file_sync(b->file), 0);
    assert_int_equal(b->calls->partition_sync(b->partition), 0);
    assert_int_equal(b->calls->directory_sync(b->calls->context, "d"), 0);
    assert_int_equal(disk_units(b->disk, false), 0);
}

static void clear_bench(bench_t *b)
{
    b->calls->file_close(b->file);
    b->calls->partition_close(b->partition);
    disk_free(b->disk);
}

/* The file reads like this after the crash; NULL: it is not there. */
static void expect(const bench_t *b, crash_t crash, const char *text)
{
    crashdisk_t *disk = disk_crash(b->disk, crash);
    uint64_t size = 0;
    const uint8_t *bytes = disk_peek(disk, THE_FILE, &size);
    if (text == NULL) {
        assert_null(bytes);
    } else {
        assert_non_null(bytes);
        assert_int_equal(size, strlen(text));
        assert_memory_equal(bytes, text, strlen(text));
    }
    disk_free(disk);
}

static void each_unsynced_write_is_kept_or_lost_by_itself(void **state)
{
    bench_t b;
    set_bench(&b, "aaaa");
    put(&b, 0, "b");
    put(&b, 3, "cc");
    expect(&b, crash_keep_none(), "aaaa");
    expect(&b, crash_keep_all(), "baacc");
    expect(&b, crash_keep_mask(1), "baaa");
    expect(&b, crash_keep_mask(2), "aaacc");
    expect(&b, crash_keep_only(THE_FILE), "baacc");
    expect(&b, crash_keep_all_but(THE_FILE), "aaaa");
    assert_int_equal(b.calls->file_sync(b.file), 0);
    expect(&b, crash_keep_none(), "baacc");
    clear_bench(&b);
}

static void a_truncation_is_a_unit_like_a_write(void **state)
{
    bench_t b;
    set_bench(&b, "aaaa");
    assert_int_equal(b.calls->file_truncate(b.file, 2), 0);
    put(&b, 2, "b");
    expect(&b, crash_keep_mask(0), "aaaa");
    expect(&b, crash_keep_mask(1), "aa");
    expect(&b, crash_keep_mask(2), "aaba");
    expect(&b, crash_keep_mask(3), "aab");
    clear_bench(&b);
}

static void a_lost_write_may_leave_the_file_long(void **state)
{
    bench_t b;
    set_bench(&b, "a");
    put(&b, 1, "bcd");
    crash_t crash = crash_keep_none();
    crash.fill = FILL_ZEROS;
    crashdisk_t *disk = disk_crash(b.disk, crash);
    assert_memory_equal(disk_peek(disk, THE_FILE, NULL), "a\0\0\0", 4);
    disk_free(disk);
    crash.fill = FILL_GARBAGE;
    disk = disk_crash(b.disk, crash);
    assert_int_equal(disk_size(disk, THE_FILE), 4);
    assert_memory_not_equal(disk_peek(disk, THE_FILE, NULL), "a\0\0\0", 4);
    assert_memory_not_equal(disk_peek(disk, THE_FILE, NULL), "abcd", 4);
    disk_free(disk);
    clear_bench(&b);
}

static void writes_tear_between_sectors(void **state)
{
    bench_t b;
    char text[1201];
    memset(text, 'b', sizeof text);
    text[1200] = '\0';
    set_bench(&b, "a");
    put(&b, 100, text);
    assert_int_equal(disk_units(b.disk, false), 1);
    assert_int_equal(disk_units(b.disk, true), 3); /* 100 to 511, 512 to 1023, 1024 to 1299 */
    crash_t crash = crash_keep_mask(2);
    crash.sectors = true;
    crashdisk_t *disk = disk_crash(b.disk, crash);
    const uint8_t *bytes = disk_peek(disk, THE_FILE, NULL);
    assert_int_equal(disk_size(disk, THE_FILE), 1024);
    assert_int_equal(bytes[511], 0);
    assert_int_equal(bytes[512], 'b');
    disk_free(disk);
    clear_bench(&b);
}

static void a_sync_covers_what_there_was_when_it_began_and_its_own_file(void **state)
{
    bench_t b;
    segj_file_t *other = NULL;
    set_bench(&b, "a");
    put(&b, 1, "b");
    assert_int_equal(b.calls->file_open(b.partition, "0000000000000002", SEGJ_OPEN_CREATE, &other), 0);
    assert_int_equal(b.calls->file_sync(other), 0);
    expect(&b, crash_keep_none(), "a");
    b.calls->file_close(other);
    clear_bench(&b);
}

static void names_are_durable_by_their_partitions_sync_alone(void **state)
{
    bench_t b;
    set_bench(&b, "a");
    assert_int_equal(b.calls->file_remove(b.partition, name), 0);
    expect(&b, crash_keep_none(), "a");
    expect(&b, crash_keep_all(), NULL);
    segj_file_t *second = NULL;
    assert_int_equal(b.calls->file_open(b.partition, name, SEGJ_OPEN_CREATE, &second), 0);
    assert_int_equal(b.calls->file_sync(second), 0);
    expect(&b, crash_keep_none(), "a");
    expect(&b, crash_keep_mask(1), NULL);
    expect(&b, crash_keep_mask(2), "");
    assert_int_equal(b.calls->partition_sync(b.partition), 0);
    expect(&b, crash_keep_none(), "");
    b.calls->file_close(second);
    clear_bench(&b);
}

static void a_partition_is_durable_by_the_directorys_sync(void **state)
{
    crashdisk_t *disk = disk_new();
    const segj_storage_t *calls = disk_storage(disk);
    assert_int_equal(calls->partition_create(calls->context, "d", "test_values"), 0);
    crashdisk_t *after = disk_crash(disk, crash_keep_none());
    assert_false(disk_has_partition(after, "test_values"));
    disk_free(after);
    assert_int_equal(calls->directory_sync(calls->context, "d"), 0);
    after = disk_crash(disk, crash_keep_none());
    assert_true(disk_has_partition(after, "test_values"));
    disk_free(after);
    disk_free(disk);
}

static void a_killed_process_leaves_what_it_wrote_seen_and_not_durable(void **state)
{
    bench_t b;
    segj_slice_t slice = {"c", 1};
    size_t done = 0;
    set_bench(&b, "a");
    assert_int_equal(b.calls->partition_lock(b.partition, true), 0);
    put(&b, 1, "b");
    disk_kill(b.disk);
    assert_int_equal(b.calls->file_write(b.file, 0, &slice, 1, &done), EIO);
    assert_int_equal(b.calls->file_sync(b.file), EIO);
    assert_memory_equal(disk_peek(b.disk, THE_FILE, NULL), "ab", 2);
    expect(&b, crash_keep_none(), "a");
    segj_partition_t *next = NULL;
    assert_int_equal(b.calls->partition_open(b.calls->context, "d", THE_FILE.partition, &next), 0);
    assert_int_equal(b.calls->partition_lock(next, true), 0);
    b.calls->partition_close(next);
    clear_bench(&b);
}

static void the_power_goes_at_the_change_that_was_named(void **state)
{
    bench_t b;
    segj_slice_t slice = {"c", 1};
    size_t done = 0;
    set_bench(&b, "a");
    disk_cut_power_after(b.disk, 2);
    put(&b, 1, "b");
    assert_int_equal(b.calls->file_sync(b.file), 0);
    assert_true(disk_powered(b.disk));
    assert_int_equal(b.calls->file_write(b.file, 0, &slice, 1, &done), EIO);
    assert_false(disk_powered(b.disk));
    expect(&b, crash_keep_all(), "ab");
    clear_bench(&b);
}

/* The cache takes the bytes of a failed sync for clean: they are seen, and no later sync writes them. */
static void a_dropping_sync_leaves_bytes_that_are_seen_and_never_durable(void **state)
{
    bench_t b;
    set_bench(&b, "a");
    put(&b, 1, "b");
    disk_inject(b.disk, (disk_fault_t){CALL_SYNC, THE_FILE, 0, 1, ACTION_DROP, EIO, 0});
    assert_int_equal(b.calls->file_sync(b.file), EIO);
    assert_int_equal(b.calls->file_sync(b.file), 0);
    assert_memory_equal(disk_peek(b.disk, THE_FILE, NULL), "ab", 2);
    expect(&b, crash_keep_all(), "a");
    put(&b, 1, "b");
    assert_int_equal(b.calls->file_sync(b.file), 0);
    expect(&b, crash_keep_none(), "ab");
    clear_bench(&b);
}

static void a_lost_write_back_is_told_to_those_who_had_the_file_open(void **state)
{
    bench_t b;
    segj_file_t *later = NULL;
    set_bench(&b, "a");
    put(&b, 1, "b");
    disk_lose_write_back(b.disk, THE_FILE);
    assert_int_equal(b.calls->file_open(b.partition, name, SEGJ_OPEN_WRITE, &later), 0);
    assert_int_equal(b.calls->file_sync(later), 0);
    assert_int_equal(b.calls->file_sync(b.file), EIO);
    assert_int_equal(b.calls->file_sync(b.file), 0);
    expect(&b, crash_keep_all(), "a");
    b.calls->file_close(later);
    clear_bench(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_unsynced_write_is_kept_or_lost_by_itself),
        cmocka_unit_test(a_truncation_is_a_unit_like_a_write),
        cmocka_unit_test(a_lost_write_may_leave_the_file_long),
        cmocka_unit_test(writes_tear_between_sectors),
        cmocka_unit_test(a_sync_covers_what_there_was_when_it_began_and_its_own_file),
        cmocka_unit_test(names_are_durable_by_their_partitions_sync_alone),
        cmocka_unit_test(a_partition_is_durable_by_the_directorys_sync),
        cmocka_unit_test(a_killed_process_leaves_what_it_wrote_seen_and_not_durable),
        cmocka_unit_test(the_power_goes_at_the_change_that_was_named),
        cmocka_unit_test(a_dropping_sync_leaves_bytes_that_are_seen_and_never_durable),
        cmocka_unit_test(a_lost_write_back_is_told_to_those_who_had_the_file_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
