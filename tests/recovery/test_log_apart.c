/*
 * recovery/test_log_apart.c: version 2, values that are kept apart: which sectors are written to beside appends and
 * syncs. Of what lies after W an open that repairs writes again what the device does not have, and nothing else; and
 * what takes back records that no sync has covered leaves the last sector with synced values alone. Where the storage
 * does not tell what the device has, all that lies after W is written again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "support/recorder.h"
#include "support/simdisk.h"
#include "support/simdisk_image.h"
#include "support/support.h"

enum { SECTION = 7, SECTOR = SIMDISK_SECTOR, DATA = VALUES_DATA_OFFSET, VALUE = 100, UNITS = 64 };

#define NAME "0000000000000007"

/** A disk, the calls that reach it, and the journal on it. */
typedef struct scene {
    simdisk_t *disk;
    recorder_t *recorder;
    oversized_t *journal;
    uint32_t sector;
    uint64_t appended;
} scene_t;

static void open_journal(scene_t *scene)
{
    oversized_config_t config;
    small_config(&config, "disk");
    config.native_version = 2;
    config.page_size = 4084;
    config.preallocate = 0;
    config.sector_size = scene->sector;
    config.storage = recorder_storage(scene->recorder);
    assert_ok(oversized_open(&config, &scene->journal));
}

/* What is open on the one before is left as a killed process leaves it. */
static void have_disk(scene_t *scene, simdisk_t *disk)
{
    oversized_abandon(scene->journal);
    scene->journal = NULL;
    recorder_free(scene->recorder);
    if (scene->disk != NULL)
        simdisk_free(scene->disk);
    scene->disk = disk;
    scene->recorder = recorder_new(simdisk_storage(disk));
}

static int set_up(void **state)
{
    scene_t *scene = need_memory(sizeof *scene);
    *scene = (scene_t){.sector = SECTOR};
    have_disk(scene, simdisk_new());
    open_journal(scene);
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    scene_t *scene = *state;
    oversized_abandon(scene->journal);
    recorder_free(scene->recorder);
    simdisk_free(scene->disk);
    free(scene);
    return 0;
}

static void append(scene_t *scene, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        uint64_t number = scene->appended++;
        (void)append_filled(scene->journal, SECTION, number, (uint8_t)('a' + number % 20), VALUE, NULL);
    }
}

static void sync_it(scene_t *scene)
{
    assert_ok(oversized_sync(scene->journal, SECTION));
}

/* All that was appended is with the system. */
static void flush_it(scene_t *scene)
{
    assert_ok(oversized_flush(scene->journal, SECTION));
}

static void expect(scene_t *scene, uint64_t count)
{
    uint64_t found;
    assert_ok(oversized_count(scene->journal, SECTION, &found));
    assert_int_equal(found, count);
    for (uint64_t i = 0; i < count; i++)
        check_filled(scene->journal, SECTION, i, i, (uint8_t)('a' + i % 20), VALUE);
}

/* Where the values end in their file. */
static uint64_t end_of_values(scene_t *scene)
{
    uint64_t size;
    assert_ok(oversized_value_size(scene->journal, SECTION, &size));
    return DATA + size;
}

static uint64_t end_of_sector(uint64_t place)
{
    return (place + SECTOR - 1) / SECTOR * SECTOR;
}

/* The power is cut, and takes what `keep` says; the machine starts again. */
static void cut_power(scene_t *scene, uint8_t keep)
{
    uint8_t kept[UNITS];
    assert_in_range(simdisk_units(scene->disk), 0, UNITS);
    memset(kept, keep, sizeof kept);
    simdisk_t *after = simdisk_crash(scene->disk, kept, SIMDISK_SHORT);
    have_disk(scene, after);
}

static void kill_process(scene_t *scene)
{
    simdisk_t *after = simdisk_kill(scene->disk);
    have_disk(scene, after);
}

/** What an open does to the values. */
typedef struct changes {
    uint64_t from, to; /* written, with whatever lies between */
    unsigned writes, cuts, syncs;
} changes_t;

static void note_change(void *context, const record_t *call)
{
    changes_t *changes = context;
    if (strncmp(call->place, "test_values/", 12) != 0)
        return;
    changes->cuts += call->kind == RECORD_FILE_TRUNCATE;
    changes->syncs += call->kind == RECORD_FILE_SYNC;
    if (call->kind != RECORD_FILE_WRITE)
        return;
    if (changes->writes++ == 0 || call->offset < changes->from)
        changes->from = call->offset;
    if (call->offset + call->size > changes->to)
        changes->to = call->offset + call->size;
}

static changes_t open_and_look(scene_t *scene)
{
    changes_t changes = {0};
    recorder_watch(scene->recorder, note_change, &changes);
    open_journal(scene);
    recorder_watch(scene->recorder, NULL, NULL);
    return changes;
}

static uint64_t size_of_values(scene_t *scene)
{
    uint64_t size = 0;
    assert_non_null(simdisk_visible(scene->disk, "test_values", NAME, &size));
    return size;
}

/* What is there survives a power cut that takes all that is not durable. */
static void expect_durably(scene_t *scene, uint64_t count)
{
    expect(scene, count);
    cut_power(scene, SIMDISK_LOST);
    open_journal(scene);
    expect(scene, count);
}

/* --- what is written --- */

/* A power cut has left what the device has: nothing is written, and what open has shown stays. */
static void test_nothing_is_written_after_a_power_cut(void **state)
{
    scene_t *scene = *state;
    append(scene, 12);
    sync_it(scene);
    cut_power(scene, SIMDISK_LOST);
    changes_t changes = open_and_look(scene);
    assert_int_equal(changes.writes, 0);
    assert_int_equal(changes.syncs, 1);
    expect(scene, 12);
    assert_int_equal(size_of_values(scene), end_of_sector(end_of_values(scene)));
    cut_power(scene, SIMDISK_LOST);
    open_journal(scene);
    expect(scene, 12);
}

/* Nor where records that no sync has covered came to the device before it. */
static void test_nothing_is_written_of_what_was_kept(void **state)
{
    scene_t *scene = *state;
    append(scene, 3);
    sync_it(scene);
    append(scene, 9);
    flush_it(scene);
    cut_power(scene, SIMDISK_KEPT);
    changes_t changes = open_and_look(scene);
    assert_int_equal(changes.writes, 0);
    expect_durably(scene, 12);
}

/* What a killed process has handed over and not synced is written again, and not what it had synced. */
static void test_what_was_not_synced_is_written_after_a_kill(void **state)
{
    scene_t *scene = *state;
    append(scene, 3);
    sync_it(scene);
    uint64_t synced = end_of_sector(end_of_values(scene));
    append(scene, 9);
    flush_it(scene);
    uint64_t end = end_of_values(scene);
    kill_process(scene);
    changes_t changes = open_and_look(scene);
    assert_in_range(changes.writes, 1, 9);
    assert_int_equal(changes.from, synced);
    assert_int_equal(changes.to, end);
    expect_durably(scene, 12);
}

/* A write-back has failed, of whatever part: the system shows what the device never got. That is written. */
static void test_what_was_never_written_back_is_written(void **state)
{
    scene_t *scene = *state;
    unsigned written = 0;
    unsigned spared = 0;
    for (uint64_t seed = 1; seed <= 32; seed++) {
        append(scene, 3);
        sync_it(scene);
        uint64_t synced = end_of_sector(end_of_values(scene));
        append(scene, 20);
        flush_it(scene);
        uint64_t end = end_of_values(scene);
        uint64_t count = 23 * seed;
        simdisk_drop(scene->disk, seed);
        kill_process(scene);
        changes_t changes = open_and_look(scene);
        if (changes.writes > 0)
            assert_in_range(changes.from, synced, end - 1);
        written += changes.writes > 0;
        spared += changes.writes > 1 || changes.from > synced || (changes.writes > 0 && changes.to < end);
        expect_durably(scene, count);
    }
    assert_in_range(written, 16, 32);
    assert_in_range(spared, 16, 32);
}

/* --- how the file ends --- */

/* What a torn frame has left after the last sector of synced values goes, and that sector stays as it is. */
static void test_a_cut_leaves_the_last_sector_alone(void **state)
{
    scene_t *scene = *state;
    append(scene, 3);
    sync_it(scene);
    uint64_t synced = end_of_sector(end_of_values(scene));
    (void)append_filled(scene->journal, SECTION, 3, 'x', (size_t)5 * SECTOR, NULL);
    flush_it(scene);
    uint8_t kept[UNITS] = {SIMDISK_KEPT, SIMDISK_LOST, SIMDISK_KEPT};
    simdisk_t *after = simdisk_crash(scene->disk, kept, SIMDISK_GARBAGE);
    have_disk(scene, after);
    assert_in_range(size_of_values(scene), synced + 1, UINT64_MAX);
    changes_t changes = open_and_look(scene);
    assert_int_equal(changes.writes, 0);
    assert_int_equal(changes.cuts, 1);
    assert_int_equal(changes.syncs, 1);
    assert_int_equal(size_of_values(scene), synced);
    expect(scene, 3);
}

/* Where something else than zeros lies before the sector's end, it is cut, and zeros fill the sector. */
static void test_a_sector_that_is_not_filled_is_cut_and_filled(void **state)
{
    scene_t *scene = *state;
    append(scene, 3);
    flush_it(scene);
    const uint64_t end = end_of_values(scene);
    (void)append_filled(scene->journal, SECTION, 3, 'x', (size_t)5 * SECTOR, NULL);
    flush_it(scene);
    /* Three frames, and what the fourth has of their sector: all but the last sectors. */
    uint8_t kept[UNITS];
    simdisk_t *after = NULL;
    uint64_t size = 0;
    for (size_t units = simdisk_units(scene->disk); units > 0 && size != end_of_sector(end); units--) {
        if (after != NULL)
            simdisk_free(after);
        for (size_t i = 0; i < UNITS; i++)
            kept[i] = i < units ? SIMDISK_KEPT : SIMDISK_LOST;
        after = simdisk_crash(scene->disk, kept, SIMDISK_SHORT);
        (void)simdisk_visible(after, "test_values", NAME, &size);
    }
    have_disk(scene, after);
    const uint8_t *bytes = simdisk_visible(scene->disk, "test_values", NAME, &size);
    assert_int_equal(size, end_of_sector(end));
    assert_int_equal(bytes[size - 1], 'x');
    changes_t changes = open_and_look(scene);
    expect(scene, 3);
    assert_int_equal(changes.cuts, 2);
    assert_int_equal(changes.syncs, 2);
    bytes = simdisk_visible(scene->disk, "test_values", NAME, &size);
    assert_int_equal(size, end_of_sector(end));
    for (uint64_t at = end; at < size; at++)
        assert_int_equal(bytes[at], 0);
}

static void kill_at_sync(void *context, simdisk_t *disk, simdisk_call_t call)
{
    simdisk_t **killed = context;
    if (call == SIMDISK_FILE_SYNC && *killed == NULL)
        *killed = simdisk_kill(disk);
}

/* A process was killed that had filled its sector, and not synced it: the zeros are written again, too. */
static void test_zeros_that_the_device_lacks_are_written_again(void **state)
{
    scene_t *scene = *state;
    simdisk_t *killed = NULL;
    append(scene, 3);
    const uint64_t end = end_of_values(scene);
    simdisk_on_call(scene->disk, kill_at_sync, &killed);
    sync_it(scene);
    assert_non_null(killed);
    have_disk(scene, killed);
    assert_int_equal(size_of_values(scene), end_of_sector(end));
    changes_t changes = open_and_look(scene);
    assert_int_equal(changes.from, DATA);
    assert_int_equal(changes.to, end);
    assert_int_equal(changes.cuts, 2); /* which fills it */
    assert_int_equal(changes.syncs, 2);
    expect(scene, 3);
    assert_int_equal(size_of_values(scene), end_of_sector(end));
}

/* --- what takes records back --- */

/* Records that were synced, and where their last sector ends. */
static uint64_t append_synced(scene_t *scene)
{
    append(scene, 3);
    sync_it(scene);
    return end_of_sector(end_of_values(scene));
}

/* One cut, where the sector ends, and nothing else. */
static void expect_spared(scene_t *scene, changes_t changes, uint64_t synced)
{
    recorder_watch(scene->recorder, NULL, NULL);
    assert_int_equal(changes.cuts, 1);
    assert_int_equal(changes.syncs, 1);
    if (changes.writes > 0)
        assert_in_range(changes.from, synced, UINT64_MAX);
    assert_int_equal(size_of_values(scene), synced);
    expect(scene, 3);
    recorder_watch(scene->recorder, note_change, &changes);
    changes = (changes_t){.cuts = 0};
    sync_it(scene);
    assert_int_equal(changes.writes, 0);
    recorder_watch(scene->recorder, NULL, NULL);
    append(scene, 2);
    sync_it(scene);
    cut_power(scene, SIMDISK_LOST);
    open_journal(scene);
    expect(scene, 5);
}

static void test_a_refused_value_leaves_the_last_sector_alone(void **state)
{
    scene_t *scene = *state;
    changes_t changes = {0};
    uint8_t entry[SMALL_ENTRY] = {0};
    uint8_t *value = need_memory((size_t)20 * SECTOR);
    uint64_t synced = append_synced(scene);
    memset(value, 'x', (size_t)20 * SECTOR);
    recorder_watch(scene->recorder, note_change, &changes);
    recorder_tear(scene->recorder, 0, (size_t)3 * SECTOR, ENOSPC);
    assert_status(oversized_append(scene->journal, SECTION, entry, value, (size_t)20 * SECTOR, NULL, NULL),
                  SEGJ_ERR_NO_SPACE);
    expect_spared(scene, changes, synced);
    free(value);
}

static void test_a_stream_that_is_given_up_leaves_the_last_sector_alone(void **state)
{
    scene_t *scene = *state;
    changes_t changes = {0};
    uint8_t entry[SMALL_ENTRY] = {0};
    uint8_t *value = need_memory((size_t)20 * SECTOR);
    oversized_writer_t *writer;
    uint64_t synced = append_synced(scene);
    memset(value, 'x', (size_t)20 * SECTOR);
    recorder_watch(scene->recorder, note_change, &changes);
    assert_ok(oversized_writer_open(scene->journal, SECTION, entry, (uint64_t)40 * SECTOR, &writer));
    assert_ok(oversized_writer_write(writer, value, (size_t)20 * SECTOR));
    oversized_writer_abandon(writer);
    free(value);
    append(scene, 1); /* which has the rest cut */
    assert_int_equal(changes.cuts, 1);
    assert_int_equal(changes.syncs, 1);
    sync_it(scene);
    recorder_watch(scene->recorder, NULL, NULL);
    assert_in_range(changes.writes, 2, UINT32_MAX);
    assert_in_range(changes.from, synced, UINT64_MAX);
    cut_power(scene, SIMDISK_LOST);
    open_journal(scene);
    expect(scene, 4);
}

static void test_a_rewind_to_what_is_synced_leaves_the_last_sector_alone(void **state)
{
    scene_t *scene = *state;
    changes_t changes = {0};
    uint64_t synced = append_synced(scene);
    append(scene, 9);
    flush_it(scene);
    recorder_watch(scene->recorder, note_change, &changes);
    assert_ok(oversized_rewind_section_to(scene->journal, SECTION, 3));
    scene->appended = 3;
    expect_spared(scene, changes, synced);
}

/* A sync has failed: that it had begun makes no difference to a rewind to what the one before has covered. */
static void test_a_rewind_after_a_sync_that_failed_leaves_the_last_sector_alone(void **state)
{
    scene_t *scene = *state;
    changes_t changes = {0};
    uint64_t synced = append_synced(scene);
    append(scene, 2);
    recorder_fail(scene->recorder, RECORD_FILE_WRITE, 0, RECORD_FOR_GOOD, ENOSPC);
    assert_status(oversized_sync(scene->journal, SECTION), SEGJ_ERR_NO_SPACE);
    recorder_fail(scene->recorder, RECORD_FILE_WRITE, 0, 0, 0);
    recorder_watch(scene->recorder, note_change, &changes);
    assert_ok(oversized_rewind_section_to(scene->journal, SECTION, 3));
    scene->appended = 3;
    expect_spared(scene, changes, synced);
}

/* --- storages that do not tell --- */

static void expect_all_written(scene_t *scene, uint64_t end)
{
    changes_t changes = open_and_look(scene);
    assert_in_range(changes.writes, 1, 3);
    assert_int_equal(changes.from, DATA);
    assert_in_range(changes.to, end, end_of_sector(end));
    expect(scene, 12);
}

static void test_all_is_written_where_the_storage_does_not_tell(void **state)
{
    scene_t *scene = *state;
    append(scene, 12);
    sync_it(scene);
    uint64_t end = end_of_values(scene);
    cut_power(scene, SIMDISK_LOST);
    recorder_fail(scene->recorder, RECORD_FILE_READ_DEVICE, 0, RECORD_FOR_GOOD, EIO);
    expect_all_written(scene, end);
}

/* A write-back that failed earlier is answered once. */
static void test_the_device_is_asked_twice(void **state)
{
    scene_t *scene = *state;
    append(scene, 12);
    sync_it(scene);
    cut_power(scene, SIMDISK_LOST);
    recorder_fail(scene->recorder, RECORD_FILE_READ_DEVICE, 0, 1, EIO);
    changes_t changes = open_and_look(scene);
    assert_int_equal(changes.writes, 0);
    expect(scene, 12);
}

/* A table of a time when there was no such function. */
static void test_all_is_written_where_the_storage_is_older(void **state)
{
    scene_t *scene = *state;
    append(scene, 12);
    sync_it(scene);
    uint64_t end = end_of_values(scene);
    cut_power(scene, SIMDISK_LOST);
    segj_storage_t *table = (segj_storage_t *)(uintptr_t)recorder_storage(scene->recorder);
    table->struct_size = offsetof(segj_storage_t, file_read_device);
    expect_all_written(scene, end);
}

/* Values that are not kept apart are written again as ever. */
static void test_all_is_written_where_nothing_is_kept_apart(void **state)
{
    scene_t *scene = *state;
    have_disk(scene, simdisk_new());
    scene->sector = 0;
    open_journal(scene);
    append(scene, 12);
    sync_it(scene);
    uint64_t end = end_of_values(scene);
    cut_power(scene, SIMDISK_LOST);
    recorder_clear(scene->recorder);
    expect_all_written(scene, end);
    assert_int_equal(recorder_count(scene->recorder, RECORD_FILE_READ_DEVICE), 0);
}

#define SCENE(test)                                                                                                    \
    {                                                                                                                  \
#test, test, set_up, tear_down, NULL                                                                           \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE(test_nothing_is_written_after_a_power_cut),
        SCENE(test_nothing_is_written_of_what_was_kept),
        SCENE(test_what_was_not_synced_is_written_after_a_kill),
        SCENE(test_what_was_never_written_back_is_written),
        SCENE(test_a_cut_leaves_the_last_sector_alone),
        SCENE(test_a_sector_that_is_not_filled_is_cut_and_filled),
        SCENE(test_zeros_that_the_device_lacks_are_written_again),
        SCENE(test_a_refused_value_leaves_the_last_sector_alone),
        SCENE(test_a_stream_that_is_given_up_leaves_the_last_sector_alone),
        SCENE(test_a_rewind_to_what_is_synced_leaves_the_last_sector_alone),
        SCENE(test_a_rewind_after_a_sync_that_failed_leaves_the_last_sector_alone),
        SCENE(test_the_device_is_asked_twice),
        SCENE(test_all_is_written_where_the_storage_does_not_tell),
        SCENE(test_all_is_written_where_the_storage_is_older),
        SCENE(test_all_is_written_where_nothing_is_kept_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
