/*
 * lessons/test_durability.c: what an answered sync, an open and a failed sync leave on the disk.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#include "lessons/story.h"

/* `records` records, closed. */
static void begin_closed(story_t *story, size_t records)
{
    assert_true(story_open(story));
    assert_true(story_append_many(story, 1, records));
    assert_true(story_close(story));
}

/* --- a09 --- */

static bool begin_a_journal(story_t *story)
{
    return story_open(story) && story_append(story, 1) && story_sync(story, 1) && story_append(story, 2) &&
           story_sync(story, 2);
}

/*
 * The reference implementation took a file whose header could be read, or a directory that was there, for one whose
 * name is durable, and never synced it again after a first attempt that had failed or been killed. Acknowledged data
 * went with the name. Whichever sync fails first, what a later run has synced must survive.
 */
static void a09_a_failed_sync_of_a_name_is_made_up_for(void **state)
{
    for (unsigned skip = 0;; skip++) {
        story_t story;
        story_begin(&story);
        disk_inject(story.disk, (disk_fault_t){CALL_ANY_SYNC, ON_ANYTHING, skip, 1, ACTION_FAIL, EIO, 0});
        bool done = begin_a_journal(&story);
        story_kill(&story);
        assert_true(begin_a_journal(&story));
        story_crash(&story, crash_keep_none());
        assert_true(story_open(&story));
        assert_true(story_chapter(&story, 1)->count > 0);
        assert_true(story_chapter(&story, 2)->count > 0);
        story_end(&story);
        if (done)
            break;
    }
}

/* The same with the process killed at each change, and with the power gone there. */
static void a09_a_killed_creation_is_made_up_for(void **state)
{
    const act_t acts[] = {{begin_a_journal, POWER_ANYWHERE, false}};
    tell_new(acts, 1);
    for (unsigned changes = 0;; changes++) {
        story_t story;
        story_begin(&story);
        disk_inject(story.disk, (disk_fault_t){CALL_ANY_CHANGE, ON_ANYTHING, changes, 0, ACTION_FAIL, EIO, 0});
        bool done = begin_a_journal(&story);
        story_kill(&story);
        assert_true(begin_a_journal(&story));
        story_crash(&story, crash_keep_none());
        assert_true(story_open(&story));
        story_end(&story);
        if (done)
            break;
    }
}

/* --- a10, b14 --- */

static bool append_and_die(story_t *story)
{
    bool done = story_open(story) && story_append_many(story, 1, 8);
    story_kill(story);
    return done && story_open(story);
}

static bool sync_half_and_die(story_t *story)
{
    bool done = story_open(story) && story_append_many(story, 1, 4) && story_sync(story, 1) &&
                story_append_many(story, 1, 8) && story_rewind_section(story, 1, 9) && story_append_many(story, 1, 6);
    story_kill(story);
    return done && story_open(story) && story_append(story, 2) && story_sync(story, 2);
}

/*
 * A process wrote and died; the next one of the reference implementation read those bytes out of the system's cache,
 * showed them, and had no reason to sync them. The power cut took what had been shown. Here an open makes durable what
 * it shows; what nobody has shown yet may go.
 */
static void a10_what_an_open_has_shown_survives_the_power_cut(void **state)
{
    story_t story;
    const act_t acts[] = {{append_and_die, POWER_ANYWHERE, false}};
    const act_t more[] = {{sync_half_and_die, POWER_ANYWHERE, false}};
    story_begin(&story);
    story.config.value_write_buffer = 60;
    story.config.index_write_buffer = 1;
    tell(&story, acts, 1);
    begin_closed(&story, 2);
    tell(&story, more, 1);
    story_end(&story);
}

static bool append_half_and_rewind(story_t *story)
{
    return story_open(story) && story_append_many(story, 1, 4) && story_sync(story, 1) &&
           story_append_many(story, 1, 6) && story_rewind_section(story, 1, 9) && story_append_many(story, 1, 4);
}

static bool append_to_another(story_t *story)
{
    return story_open(story) && story_append(story, 2) && story_sync(story, 2);
}

/* The same with the death at any change, and a next process that has business in another section only. */
static void a10_what_nobody_touches_again_is_durable_all_the_same(void **state)
{
    static const act_end_t ends[] = {KILL_ANYWHERE, LOST_ANYWHERE};
    for (size_t i = 0; i < 2; i++) {
        story_t story;
        const act_t acts[] = {{append_half_and_rewind, ends[i], false}, {append_to_another, POWER_AT_END, false}};
        story_begin(&story);
        story.config.index_write_buffer = 1;
        begin_closed(&story, 2);
        tell(&story, acts, 2);
        story_end(&story);
    }
}

/*
 * The same within one process: a journal that is dropped and opened again. The second one must not count on syncs that
 * the first one owes; the locks and descriptors of the first are gone when it is dropped.
 */
static void b14_a_journal_dropped_and_opened_again_owes_nothing(void **state)
{
    story_t story;
    story_begin(&story);
    begin_closed(&story, 2);
    assert_true(story_open(&story));
    story.value_size = 3000; /* goes to the file at once */
    assert_true(story_append_many(&story, 1, 4));
    unsigned changes = disk_count(story.disk, CALL_ANY_CHANGE, ON_ANYTHING);
    oversized_abandon(story.journal);
    story.journal = NULL;
    assert_int_equal(disk_count(story.disk, CALL_ANY_CHANGE, ON_ANYTHING), changes);
    assert_int_equal(disk_open_files(story.disk, ON_ANYTHING), 0);
    story_verify(&story);
    story_end(&story);
}

static bool drop_and_open_again(story_t *story)
{
    if (!story_open(story) || !story_append(story, 1) || !story_sync(story, 1) || !story_append_many(story, 1, 2))
        return false;
    oversized_abandon(story->journal);
    story->journal = NULL;
    return story_open(story) && story_append(story, 1) && story_sync(story, 1);
}

/* And whatever the power cut keeps of the writes of both. */
static void b14_writes_of_a_dropped_journal_do_not_mix_with_those_of_the_next(void **state)
{
    story_t story;
    const act_t acts[] = {{drop_and_open_again, POWER_ANYWHERE, false}, {append_to_another, POWER_AT_END, false}};
    story_begin(&story);
    story.config.value_write_buffer = 1; /* a write each, unsynced when the journal is dropped */
    begin_closed(&story, 2);
    tell(&story, acts, 2);
    story_end(&story);
}

/* --- b03 --- */

static unsigned failing_write;

/* A sync that the full disk refuses half way, more records in the same page, and a sync that the power cut ends. */
static bool grow_a_page_through_failures(story_t *story)
{
    if (!story_open(story) || !story_append_many(story, 1, 3) || !story_sync(story, 1))
        return false;
    for (size_t bytes = 0; bytes < 3 * 512; bytes += 511) {
        disk_inject(story->disk, (disk_fault_t){CALL_WRITE, ON_INDEX(1), failing_write, 1, ACTION_FAIL, ENOSPC, bytes});
        if (!story_append(story, 1))
            return false;
        (void)story_sync(story, 1);
        if (!disk_powered(story->disk))
            return false;
        disk_heal(story->disk);
    }
    return story_append(story, 1) && story_sync(story, 1);
}

/*
 * The reference implementation protected the checksum that it had written last, synced or not. Two unsynced writes of a
 * growing page used up both places, and the power cut took the records that had been synced before. Here the place of
 * the last synced state is rewritten as it was until a sync has completed, however often the page is written before.
 */
static void b03_a_page_written_twice_between_syncs_keeps_what_was_synced(void **state)
{
    static const uint16_t page_sizes[] = {1012, 508, 505};
    for (size_t i = 0; i < 3; i++) {
        story_t story;
        const act_t acts[] = {{grow_a_page_through_failures, POWER_ANYWHERE, true}};
        story_begin(&story);
        story.config.page_size = page_sizes[i]; /* slots in another sector than bytes, and across two sectors */
        story.value_size = 1;
        begin_closed(&story, 20);
        tell(&story, acts, 1);
        story_end(&story);
    }
}

static bool read_between_syncs(story_t *story)
{
    if (!story_open(story) || !story_append(story, 1) || !story_sync(story, 1))
        return false;
    for (int i = 0; i < 2; i++) {
        if (!story_append(story, 1))
            return false;
        story_check(story); /* with a replay */
    }
    return story_sync(story, 1);
}

/* There it was a reader who made the page be written: a replay. Here readers write nothing. */
static void b03_readers_write_nothing(void **state)
{
    story_t story;
    const act_t acts[] = {{read_between_syncs, POWER_ANYWHERE, true}};
    story_begin(&story);
    begin_closed(&story, 2);
    tell(&story, acts, 1);
    assert_true(story_open(&story));
    assert_true(story_append_many(&story, 1, 5));
    unsigned changes = disk_count(story.disk, CALL_ANY_CHANGE, ON_ANYTHING);
    story_check(&story);
    assert_int_equal(disk_count(story.disk, CALL_ANY_CHANGE, ON_ANYTHING), changes);
    story_end(&story);
}

/* --- b13 --- */

static bool live_a_while(story_t *story)
{
    return story_open(story) && story_append_many(story, 1, 3) && story_sync(story, 1) &&
           story_append_many(story, 1, 5) && story_sync(story, 1) && story_append(story, 2) && story_sync(story, 2) &&
           story_rewind_section(story, 1, 4) && story_append_many(story, 1, 2) && story_sync(story, 1) &&
           story_append_many(story, 1, 2) && story_rewind(story, 1, 5) && story_append(story, 1) &&
           story_append(story, 3) && story_sync(story, 1) && story_prune(story, 1) && story_close(story);
}

/* After its n-th sync has failed the journal changes nothing more. */
static void check_poisoned(story_t *story)
{
    unsigned changes = disk_count(story->disk, CALL_ANY_CHANGE, ON_ANYTHING);
    assert_non_null(oversized_error(story->journal));
    assert_status(oversized_append(story->journal, 1, "entry-01", "v", 1, NULL, NULL), SEGJ_ERR_POISONED);
    assert_status(oversized_sync(story->journal, 1), SEGJ_ERR_POISONED);
    assert_status(oversized_sync_all(story->journal), SEGJ_ERR_POISONED);
    assert_status(oversized_rewind_section(story->journal, 1, 0), SEGJ_ERR_POISONED);
    assert_status(oversized_prune(story->journal, 9, NULL), SEGJ_ERR_POISONED);
    oversized_t *journal = story->journal;
    story->journal = NULL;
    assert_status(oversized_close(journal), SEGJ_ERR_POISONED);
    assert_int_equal(disk_count(story->disk, CALL_ANY_CHANGE, ON_ANYTHING), changes);
}

/*
 * After a failed sync the system takes the bytes for clean: the next sync answers well and writes nothing. The
 * reference implementation could ask again and believe it, and an open in between read the bytes back and believed them
 * too. Here the journal is poisoned by the first failure, and the open that follows writes again what it shows.
 */
static void b13_a_failed_sync_poisons_and_the_next_open_writes_again(void **state)
{
    for (unsigned skip = 0;; skip++) {
        story_t story;
        story_begin(&story);
        disk_inject(story.disk, (disk_fault_t){CALL_SYNC, ON_ANYTHING, skip, 1, ACTION_DROP, EIO, 0});
        bool done = live_a_while(&story);
        if (!done && story.journal != NULL)
            check_poisoned(&story);
        story_kill(&story);
        story_verify(&story);
        story_end(&story);
        if (done)
            break;
    }
}

/* The same where the device fails while an open repairs. */
static void b13_an_open_whose_sync_fails_is_made_up_for_by_the_next(void **state)
{
    story_t start;
    story_begin(&start);
    assert_true(story_open(&start));
    start.config.index_write_buffer = 1;
    assert_true(story_append_many(&start, 1, 10) && story_sync(&start, 1) && story_append_many(&start, 1, 9));
    story_kill(&start);
    for (unsigned skip = 0;; skip++) {
        story_t story = start;
        story.disk = disk_snapshot(start.disk);
        story.config.storage = disk_storage(story.disk);
        disk_inject(story.disk, (disk_fault_t){CALL_SYNC, ON_ANYTHING, skip, 1, ACTION_DROP, EIO, 0});
        bool done = story_open(&story);
        story_kill(&story);
        story_verify(&story);
        story_end(&story);
        if (done)
            break;
    }
    story_end(&start);
}

/*
 * The failure may come between the writes of one process and the open of the next, when nobody has the file open who
 * could be told. The bytes are seen and on no disk; the open must not leave it at a sync.
 */
static void b13_bytes_that_the_device_lost_unnoticed_are_written_again(void **state)
{
    const act_t acts[] = {{live_a_while, LOST_ANYWHERE, false}};
    tell_new(acts, 1);
}

/* --- a22 --- */

typedef struct syncer {
    oversized_t *journal;
    uint64_t section;
    segj_status_t status;
} syncer_t;

static void *sync_section(void *argument)
{
    syncer_t *syncer = argument;
    syncer->status = oversized_sync(syncer->journal, syncer->section);
    return NULL;
}

/* What a power cut leaves while a sync is under way: all that was synced before, and any true part of the rest. */
static void verify_copy(story_t *copy, const void *context)
{
    (void)context;
    story_verify(copy);
}

/*
 * Faster versions of the reference implementation took a section for clean when its sync began, covered by it what came
 * later, or wrote a page again that the sync was writing. Here a sync answers for what there was before it; what is
 * appended meanwhile, in the same page and in full pages that go out, waits for the next one.
 */
static void a22_a_sync_under_way_answers_for_what_came_before_it_and_no_more(void **state)
{
    for (int side = 0; side < 2; side++) {
        story_t story;
        pthread_t thread;
        story_begin(&story);
        story.config.index_write_buffer = 1;
        begin_closed(&story, 2);
        assert_true(story_open(&story));
        assert_true(story_append_many(&story, 1, 2));
        size_t covered = story_chapter(&story, 1)->count;
        disk_target_t on = side == 0 ? ON_INDEX(1) : ON_VALUES(1);
        disk_inject(story.disk, (disk_fault_t){CALL_SYNC, on, 0, 1, ACTION_PARK, 0, 0});
        syncer_t syncer = {story.journal, 1, SEGJ_END};
        assert_int_equal(pthread_create(&thread, NULL, sync_section, &syncer), 0);
        disk_await_parked(story.disk);
        assert_true(story_append_many(&story, 1, 9));
        story_check(&story);
        story_each_crash(&story, false, verify_copy, NULL);
        disk_release(story.disk);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_ok(syncer.status);
        story_chapter(&story, 1)->floor = covered;
        story_each_crash(&story, false, verify_copy, NULL);
        unsigned syncs = disk_count(story.disk, CALL_SYNC, ON_ANYTHING);
        assert_true(story_sync(&story, 1));
        assert_true(disk_count(story.disk, CALL_SYNC, ON_ANYTHING) > syncs);
        story_crash(&story, crash_keep_none());
        story_verify(&story);
        story_end(&story);
    }
}

/* And where that sync fails, nothing of the section counts as synced, and no later sync says so. */
static void a22_a_sync_that_fails_late_covers_nothing(void **state)
{
    story_t story;
    pthread_t thread;
    story_begin(&story);
    begin_closed(&story, 2);
    assert_true(story_open(&story));
    assert_true(story_append_many(&story, 1, 2));
    disk_inject(story.disk, (disk_fault_t){CALL_SYNC, ON_INDEX(1), 0, 1, ACTION_PARK, 0, 0});
    disk_inject(story.disk, (disk_fault_t){CALL_SYNC, ON_VALUES(1), 0, 1, ACTION_DROP, EIO, 0});
    syncer_t syncer = {story.journal, 1, SEGJ_END};
    assert_int_equal(pthread_create(&thread, NULL, sync_section, &syncer), 0);
    disk_await_parked(story.disk);
    assert_true(story_append(&story, 1));
    disk_release(story.disk);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_status(syncer.status, SEGJ_ERR_IO);
    check_poisoned(&story);
    story_kill(&story);
    story_verify(&story);
    story_end(&story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a09_a_failed_sync_of_a_name_is_made_up_for),
        TOLD(a09_a_killed_creation_is_made_up_for),
        TOLD(a10_what_an_open_has_shown_survives_the_power_cut),
        TOLD(a10_what_nobody_touches_again_is_durable_all_the_same),
        cmocka_unit_test(b14_a_journal_dropped_and_opened_again_owes_nothing),
        TOLD(b14_writes_of_a_dropped_journal_do_not_mix_with_those_of_the_next),
        TOLD(b03_a_page_written_twice_between_syncs_keeps_what_was_synced),
        TOLD(b03_readers_write_nothing),
        cmocka_unit_test(b13_a_failed_sync_poisons_and_the_next_open_writes_again),
        cmocka_unit_test(b13_an_open_whose_sync_fails_is_made_up_for_by_the_next),
        TOLD(b13_bytes_that_the_device_lost_unnoticed_are_written_again),
        TOLD(a22_a_sync_under_way_answers_for_what_came_before_it_and_no_more),
        cmocka_unit_test(a22_a_sync_that_fails_late_covers_nothing),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    printf("%lu disks verified\n", tell_verified());
    return failed;
}
