/*
 * LINK_WRAP: pthread_cond_wait segj_park_wait
 *
 * lessons/test_calls.c: calls of the storage that fail, transfer less than asked, or take their time, and what is left
 * of the journal then.
 *
 * Stories of the reference implementation that cannot happen here, because there is no asynchronous runtime: every call
 * of the library runs to its end on its caller's thread, and a storage's functions return when their work is done.
 *   a09, a14, a19  a future dropped half way through a creation, a fetch or an append: nothing can be cancelled. What
 *                  remains of them is a call that fails half way, which is tested.
 *   a11, a12       operations in a ring that outlive their file, completions that are lost or retried wrongly: there is
 *                  no ring. What remains is a file that is closed beneath a call of another thread, and interrupted and
 *                  short calls, which are tested.
 *   b14            an abandoned write or truncation that runs after later ones: none can outlive its call. What remains
 *                  is a journal that is dropped and opened again (test_durability.c).
 *   a21            is b11 (test_rewind.c, test_recovery.c), a22's range-durable writes do not exist: one sync covers a
 *                  whole file.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/park.h"
#include "lessons/story.h"

/* --- who waits --- */

static atomic_uint waits;

int __real_pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex);
int __wrap_pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex);

int __wrap_pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex)
{
    (void)atomic_fetch_add(&waits, 1);
    return __real_pthread_cond_wait(cond, mutex);
}

unsigned __real_segj_park_wait(segj_park_t *park);
unsigned __wrap_segj_park_wait(segj_park_t *park);

unsigned __wrap_segj_park_wait(segj_park_t *park)
{
    (void)atomic_fetch_add(&waits, 1);
    return __real_segj_park_wait(park);
}

/* `records` records in section 1, closed, and the journal open again without a look at them. */
static void begin_open(story_t *story, size_t records)
{
    story_begin(story);
    assert_true(story_open(story));
    assert_true(story_append_many(story, 1, records));
    assert_true(story_close(story));
    assert_ok(oversized_open(&story->config, &story->journal));
}

/* --- a11 --- */

typedef struct worker {
    oversized_t *journal;
    bool sync;
    segj_status_t status;
} worker_t;

static void *work(void *argument)
{
    worker_t *worker = argument;
    if (worker->sync)
        worker->status = oversized_sync(worker->journal, 1);
    else
        worker->status = oversized_get(worker->journal, 1, 0, NULL, NULL);
    return NULL;
}

static void *prune_all(void *argument)
{
    worker_t *worker = argument;
    worker->status = oversized_prune(worker->journal, 9, NULL);
    return NULL;
}

/*
 * In the reference implementation a file could be closed while an operation on it was under way, and its descriptor's
 * number was another file's by then, which took the write. A section that is pruned during a reader keeps its file
 * open until the reader is through, and then gives it back.
 */
static void a11_a_file_is_not_closed_beneath_a_reader(void **state)
{
    story_t story;
    pthread_t thread;
    begin_open(&story, 8);
    disk_inject(story.disk, (disk_fault_t){CALL_READ, ON_INDEX(1), 0, 1, ACTION_PARK, 0, 0});
    worker_t reader = {story.journal, false, SEGJ_END};
    assert_int_equal(pthread_create(&thread, NULL, work, &reader), 0);
    disk_await_parked(story.disk);
    assert_true(story_prune(&story, 2));
    assert_int_equal(disk_open_files(story.disk, ON_INDEX(1)), 1);
    disk_release(story.disk);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(reader.status, SEGJ_ERR_PRUNED);
    assert_int_equal(disk_open_files(story.disk, ON_ANYTHING), 0);
    assert_int_equal(disk_misuses(story.disk), 0);
    story_end(&story);
}

/* And a prune waits for the sync that is under way on what it removes; the sync has its answer. */
static void a11_a_section_is_not_removed_beneath_its_sync(void **state)
{
    story_t story;
    pthread_t syncing, pruning;
    begin_open(&story, 3);
    assert_true(story_append(&story, 1));
    disk_inject(story.disk, (disk_fault_t){CALL_SYNC, ON_VALUES(1), 0, 1, ACTION_PARK, 0, 0});
    worker_t syncer = {story.journal, true, SEGJ_END};
    worker_t pruner = {story.journal, false, SEGJ_END};
    assert_int_equal(pthread_create(&syncing, NULL, work, &syncer), 0);
    disk_await_parked(story.disk);
    unsigned before = atomic_load(&waits);
    assert_int_equal(pthread_create(&pruning, NULL, prune_all, &pruner), 0);
    while (atomic_load(&waits) == before && disk_count(story.disk, CALL_REMOVE, ON_ANYTHING) == 0)
        (void)sched_yield(); /* until the prune waits, or does not */
    assert_int_equal(disk_count(story.disk, CALL_REMOVE, ON_ANYTHING), 0);
    disk_release(story.disk);
    assert_int_equal(pthread_join(syncing, NULL), 0);
    assert_int_equal(pthread_join(pruning, NULL), 0);
    assert_ok(syncer.status);
    assert_ok(pruner.status);
    assert_int_equal(disk_misuses(story.disk), 0);
    assert_int_equal(disk_open_files(story.disk, ON_ANYTHING), 0);
    assert_false(disk_exists(story.disk, ON_INDEX(1)) || disk_exists(story.disk, ON_VALUES(1)));
    story_end(&story);
}

/* --- a12 --- */

static bool live_a_while(story_t *story)
{
    return story_open(story) && story_append_many(story, 1, 7) && story_sync(story, 1) &&
           story_append_many(story, 2, 3) && story_rewind_section(story, 1, 4) && story_append_many(story, 1, 2) &&
           story_sync(story, 1) && story_rewind(story, 1, 5) && story_append(story, 3) && story_prune(story, 1) &&
           story_close(story);
}

/*
 * The reference implementation took an interrupted call for a failed one and lost its place in short ones. Here every
 * other call is interrupted and no transfer is longer than a few bytes, and nothing changes by it.
 */
static void a12_interrupted_and_short_calls_are_taken_up_again(void **state)
{
    static const size_t most[] = {1, 5, 500};
    for (size_t i = 0; i < 3; i++) {
        story_t easy, difficult;
        story_begin(&easy);
        story_begin(&difficult);
        easy.value_size = difficult.value_size = 40;
        disk_be_difficult(difficult.disk, most[i]);
        assert_true(live_a_while(&easy));
        assert_true(live_a_while(&difficult));
        assert_disks_equal(easy.disk, difficult.disk);
        assert_true(story_open(&difficult));
        story_expect(&difficult, 1, 5);
        story_expect(&difficult, 3, 1);
        story_crash(&difficult, crash_keep_none());
        story_verify(&difficult);
        story_end(&easy);
        story_end(&difficult);
    }
}

/* A write that takes nothing and calls it success was tried for ever. It is an error, and the sync can be made
 * again. */
static void a12_a_write_that_takes_nothing_is_an_error(void **state)
{
    story_t story;
    begin_open(&story, 3);
    assert_true(story_append(&story, 1));
    disk_inject(story.disk, (disk_fault_t){CALL_WRITE, ON_ANYTHING, 0, 0, ACTION_TRANSFER, 0, 0});
    assert_status(oversized_sync(story.journal, 1), SEGJ_ERR_IO);
    disk_heal(story.disk);
    assert_true(story_sync(&story, 1));
    story_crash(&story, crash_keep_none());
    story_verify(&story);
    story_end(&story);
}

/* --- a14 --- */

/*
 * A page fetch that failed, or whose asker went away, stayed in the reference implementation's cache: every later
 * reader got the same failure, and the file was held for good. Here a failure is one reader's, and the next one reads.
 */
static void a14_a_failed_fetch_is_not_kept(void **state)
{
    static const int codes[] = {EIO, ENOMEM};
    for (size_t i = 0; i < 2; i++) {
        story_t story;
        segj_buffer_t value = {NULL, 0, 0};
        begin_open(&story, 8);
        for (uint64_t position = 0; position < 8; position += 4) {
            segj_status_t expected = codes[i] == EIO ? SEGJ_ERR_IO : SEGJ_ERR_MEMORY;
            disk_inject(story.disk, (disk_fault_t){CALL_READ, ON_ANYTHING, 0, 1, ACTION_FAIL, codes[i], 0});
            assert_status(oversized_get(story.journal, 1, position, NULL, NULL), expected);
            assert_ok(oversized_get(story.journal, 1, position, NULL, NULL));
            disk_heal(story.disk);
            disk_inject(story.disk, (disk_fault_t){CALL_READ, ON_VALUES(1), 0, 1, ACTION_FAIL, codes[i], 0});
            assert_status(oversized_read(story.journal, 1, position, NULL, &value), expected);
            assert_int_equal(value.size, 0);
            assert_ok(oversized_read(story.journal, 1, position, NULL, &value));
            disk_heal(story.disk);
        }
        story_check(&story);
        assert_true(story_prune(&story, 2));
        assert_int_equal(disk_open_files(story.disk, ON_ANYTHING), 0);
        segj_buffer_free(&value);
        story_end(&story);
    }
}

/* --- a17 --- */

/*
 * The reference implementation took memory for a value before it looked whether there is one: four gigabytes for any
 * broken location. What reaches past the section, or around the end of 64 bits, is refused first.
 */
static void a17_no_memory_is_taken_for_a_location_out_of_range(void **state)
{
    static const oversized_location_t wrong[] = {
        {0, UINT32_MAX},     {41, 20}, {60, 4}, {UINT64_MAX, 20},         {0, 61}, {UINT64_MAX - 19, 20},
        {UINT64_MAX - 4, 4}, {0, 3},   {20, 0}, {(uint64_t)1 << 63, 1000}};
    story_t story;
    begin_open(&story, 3);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        segj_buffer_t value = {NULL, 0, 0};
        assert_status(oversized_get_value(story.journal, 1, wrong[i], &value), SEGJ_ERR_RANGE);
        assert_null(value.data);
        assert_int_equal(value.capacity, 0);
        assert_true(story_append(&story, 2)); /* the same where values are in memory still */
        assert_status(oversized_get_value(story.journal, 2, (oversized_location_t){0, UINT32_MAX}, &value),
                      SEGJ_ERR_RANGE);
        assert_null(value.data);
    }
    story_end(&story);
}

/* --- a19 --- */

/* What an append or a sync may not change when it fails. */
typedef struct outside {
    uint64_t count, size, end;
} outside_t;

static outside_t look(const story_t *story, uint64_t section)
{
    outside_t seen = {0};
    assert_ok(oversized_count(story->journal, section, &seen.count));
    assert_ok(oversized_size(story->journal, section, &seen.size));
    assert_ok(oversized_value_size(story->journal, section, &seen.end));
    return seen;
}

/* Tries until it goes through; a full disk may refuse it any number of times. */
static void append_stubbornly(story_t *story, uint64_t section)
{
    outside_t before = look(story, section);
    while (!story_append(story, section)) {
        outside_t after = look(story, section);
        assert_int_equal(after.count, before.count);
        assert_int_equal(after.size, before.size);
        assert_int_equal(after.end, before.end);
        assert_null(oversized_error(story->journal));
        story_check(story);
    }
}

static void sync_stubbornly(story_t *story, uint64_t section)
{
    while (!story_sync(story, section)) {
        assert_null(oversized_error(story->journal));
        story_check(story);
    }
}

static void verify_copy(story_t *copy, const void *context)
{
    (void)context;
    story_verify(copy);
}

/* Appends until the disk has refused something and taken it then; false when it never refused. */
static bool fill_a_full_disk(story_t *story, bool at_once)
{
    for (size_t k = 0; k < 8 && disk_disturbed(story->disk) == 0; k++) {
        story->value_size = at_once || k % 3 == 2 ? 150 : 30; /* more than the buffer is written at once */
        append_stubbornly(story, 1);
        if (k % 4 == 3)
            sync_stubbornly(story, 1);
    }
    return disk_disturbed(story->disk) > 0;
}

/*
 * When the index refused a record whose value was already written, the reference implementation went on with a value
 * that nobody owned and a handle that could be used. A failed append has changed nothing: made again it gets the same
 * position and the same offset, and what a power cut leaves of the first try, be it the whole of it, is nobody's value.
 */
static void a19_a_failed_append_leaves_the_journal_as_it_was(void **state)
{
    static const size_t taken[] = {0, 1, 100, 222};
    bool more = true;
    for (unsigned turn = 0; more || turn % 8 != 0; turn++) {
        story_t story;
        story_begin(&story);
        story.config.index_write_buffer = 1;
        story.config.value_write_buffer = 100;
        story.config.entry_size = 40; /* two records fill the index's buffer */
        assert_true(story_open(&story));
        append_stubbornly(&story, 1);
        sync_stubbornly(&story, 1);
        disk_inject(story.disk,
                    (disk_fault_t){CALL_WRITE, ON_ANYTHING, turn / 8, 1, ACTION_FAIL, ENOSPC, taken[turn % 4]});
        more = fill_a_full_disk(&story, turn % 8 >= 4);
        append_stubbornly(&story, 1);
        disk_inject(story.disk, (disk_fault_t){CALL_SYNC, ON_ANYTHING, 0, 1, ACTION_FAIL, EIO, 0});
        assert_false(story_sync(&story, 1)); /* everything is written, nothing is durable */
        story_each_crash(&story, false, verify_copy, NULL);
        story_end(&story);
    }
}

/* --- a20 --- */

/*
 * A reader in the reference implementation that asked for more than its buffer held lost bytes and failed afterwards. A
 * replay's buffer may be smaller than a record, and a read that failed is made again by the next call.
 */
static void a20_a_replay_neither_skips_nor_repeats_what_it_could_not_read(void **state)
{
    story_t story;
    story_begin(&story);
    story.config.page_size = 16;
    assert_true(story_open(&story));
    assert_true(story_append_many(&story, 1, 12));
    assert_true(story_append_many(&story, 2, 5));
    assert_true(story_close(&story));
    for (unsigned skip = 0; skip < 60; skip++) {
        oversized_replay_t *replay = NULL;
        oversized_item_t item;
        assert_ok(oversized_open(&story.config, &story.journal));
        assert_ok(oversized_replay_open(story.journal, 1, 0, skip % 40, &replay));
        disk_inject(story.disk, (disk_fault_t){CALL_READ, ON_ANYTHING, skip, 3, ACTION_FAIL, EIO, 0});
        for (uint64_t i = 0; i < 17; i++) {
            segj_status_t status;
            while ((status = oversized_replay_next(replay, &item)) == SEGJ_ERR_IO)
                continue;
            assert_ok(status);
            assert_int_equal(item.section, i < 12 ? 1 : 2);
            assert_int_equal(item.position, i < 12 ? i : i - 12);
            assert_int_equal(*(const uint8_t *)item.entry, i + 1);
        }
        assert_status(oversized_replay_next(replay, &item), SEGJ_END);
        oversized_replay_close(replay);
        story_kill(&story);
    }
    story_end(&story);
}

/* --- b19 --- */

/*
 * The reference implementation called every failed removal a missing file, and destroying took a missing partition for
 * success: a failure to remove was reported as done. Each failure of a destroy is its own error, and what was not
 * removed is still there.
 */
static void b19_a_destroy_that_failed_says_so(void **state)
{
    static const disk_call_t calls[] = {CALL_REMOVE, CALL_PARTITION_SYNC, CALL_PARTITION_REMOVE, CALL_DIRECTORY_SYNC};
    for (size_t i = 0; i < 4; i++) {
        for (unsigned skip = 0; skip < 2; skip++) {
            story_t story;
            begin_open(&story, 3);
            disk_inject(story.disk, (disk_fault_t){calls[i], ON_ANYTHING, skip, 1, ACTION_FAIL, EACCES, 0});
            oversized_t *journal = story.journal;
            story.journal = NULL;
            segj_status_t status = oversized_destroy(journal);
            assert_int_equal(status, disk_disturbed(story.disk) > 0 ? SEGJ_ERR_IO : SEGJ_OK);
            assert_int_equal(disk_open_files(story.disk, ON_ANYTHING), 0);
            story_end(&story);
        }
    }
}

/* A partition with a name that is not the journal's cannot be removed, and that is not success either. */
static void b19_a_partition_that_stays_is_not_called_removed(void **state)
{
    story_t story;
    begin_open(&story, 3);
    disk_put_name(story.disk, "test_values", ".notes", SEGJ_ENTRY_FILE);
    oversized_t *journal = story.journal;
    story.journal = NULL;
    assert_status(oversized_destroy(journal), SEGJ_ERR_IO);
    assert_true(disk_has_partition(story.disk, "test_values"));
    assert_false(disk_exists(story.disk, ON_VALUES(1)));
    story_end(&story);
}

/* The names of the partitions, and the directory's own, were never made durable there. */
static void b19_the_directory_is_synced_before_a_new_journal_is_handed_out(void **state)
{
    story_t story;
    story_begin(&story);
    assert_true(story_open(&story));
    assert_true(disk_count(story.disk, CALL_DIRECTORY_SYNC, ON_ANYTHING) > 0);
    story_crash(&story, crash_keep_none());
    assert_true(disk_has_partition(story.disk, "test_index"));
    assert_true(disk_has_partition(story.disk, "test_values"));
    story_end(&story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a11_a_file_is_not_closed_beneath_a_reader),
        cmocka_unit_test(a11_a_section_is_not_removed_beneath_its_sync),
        cmocka_unit_test(a12_interrupted_and_short_calls_are_taken_up_again),
        cmocka_unit_test(a12_a_write_that_takes_nothing_is_an_error),
        cmocka_unit_test(a14_a_failed_fetch_is_not_kept),
        cmocka_unit_test(a17_no_memory_is_taken_for_a_location_out_of_range),
        TOLD(a19_a_failed_append_leaves_the_journal_as_it_was),
        cmocka_unit_test(a20_a_replay_neither_skips_nor_repeats_what_it_could_not_read),
        cmocka_unit_test(b19_a_destroy_that_failed_says_so),
        cmocka_unit_test(b19_a_partition_that_stays_is_not_called_removed),
        cmocka_unit_test(b19_the_directory_is_synced_before_a_new_journal_is_handed_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
