/*
 * lessons/test_peers.c: field bugs of other storage engines that could be ours.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lessons/story.h"

/* `records` records, synced and not closed. */
static void begin_synced(story_t *story, size_t records)
{
    assert_true(story_open(story));
    assert_true(story_append_many(story, 1, records));
    assert_true(story_sync(story, 1));
}

/* --- a tail of zeros --- */

static bool append_long(story_t *story)
{
    if (!story_open(story))
        return false;
    for (size_t i = 0; i < 8; i++) {
        story->value_size = i % 3 == 0 ? 0 : 700;
        if (!story_append(story, 1))
            return false;
    }
    return story_sync(story, 1);
}

/*
 * A log whose file had grown and whose blocks had not been written ends in zeros after a power cut. LevelDB and others
 * read records of type and length 0 out of them, or refused the log. Here zeros are no page and no frame, be it of an
 * empty value, and the journal goes on before them.
 */
static void peer_a_tail_of_zeros_is_the_end_and_no_record(void **state)
{
    story_t story;
    story_begin(&story);
    story.value_size = 0;
    begin_synced(&story, 3);
    story_crash(&story, crash_keep_none());
    for (uint64_t tail = 1; tail < 40000; tail = tail * 7 + 1) {
        disk_resize(story.disk, ON_INDEX(1), disk_size(story.disk, ON_INDEX(1)) + tail);
        disk_resize(story.disk, ON_VALUES(1), disk_size(story.disk, ON_VALUES(1)) + tail);
        assert_true(story_open(&story));
        story_expect(&story, 1, 3);
        story_kill(&story);
    }
    const act_t acts[] = {{append_long, POWER_ANYWHERE, true}};
    story_crash(&story, crash_keep_none());
    tell(&story, acts, 1);
    story_end(&story);
}

/* --- a new file's name --- */

/*
 * LevelDB, etcd and many others synced a new file and not its directory: the power cut took the file with all that had
 * been acknowledged in it. The first sync that acknowledges something in a section covers both of its names, also when
 * it comes late, after rewinds, and beside sections that share the partition and were not synced.
 */
static void peer_the_first_sync_of_a_section_covers_its_names(void **state)
{
    for (int way = 0; way < 5; way++) {
        story_t story;
        story_begin(&story);
        begin_synced(&story, 1);
        assert_true(story_append_many(&story, 2, 2));
        assert_true(story_append_many(&story, 3, 2));
        if (way == 0)
            assert_true(story_sync(&story, 2));
        else if (way == 1)
            assert_true(story_rewind_section(&story, 2, 1));
        else if (way == 2)
            assert_true(story_rewind_section(&story, 2, 0));
        else if (way == 3)
            assert_true(story_rewind(&story, 2, 1));
        else
            assert_true(story_sync(&story, 3) && story_sync(&story, 2));
        story_crash(&story, crash_keep_none());
        story_verify(&story);
        story_end(&story);
    }
}

/* --- a failure that is told to nobody --- */

/*
 * PostgreSQL closed a file with unsynced writes and synced it through another descriptor; the system told the failure
 * of the write to neither. Here a file that is owed a sync stays open: with one section's descriptors only, the second
 * section's append pays for the first one's sync, and a write that the device has lost meanwhile is an error of it.
 */
static void peer_a_lost_write_is_told_though_descriptors_are_few(void **state)
{
    for (int side = 0; side < 2; side++) {
        story_t story;
        story_begin(&story);
        story.config.max_open_files = 4;
        story.config.index_write_buffer = 1;
        story.config.value_write_buffer = 1;
        begin_synced(&story, 2);
        assert_true(story_append_many(&story, 1, 9));
        unsigned lost = disk_units(story.disk, false);
        disk_lose_write_back(story.disk, side == 0 ? ON_INDEX(1) : ON_VALUES(1));
        assert_true(disk_units(story.disk, false) < lost);
        assert_status(oversized_append(story.journal, 2, "entry-01", "v", 1, NULL, NULL), SEGJ_ERR_IO);
        assert_status(oversized_sync(story.journal, 1), SEGJ_ERR_POISONED);
        story_kill(&story);
        story_verify(&story);
        story_end(&story);
    }
}

/* And where the section was given up in time, its sync has said so. */
static void peer_a_section_that_gave_its_descriptors_up_is_durable(void **state)
{
    story_t story;
    story_begin(&story);
    story.config.max_open_files = 4;
    begin_synced(&story, 2);
    assert_true(story_append_many(&story, 1, 3));
    assert_true(story_append(&story, 2)); /* takes the descriptors of section 1 */
    story_chapter(&story, 1)->floor = 5;
    story_crash(&story, crash_keep_none());
    story_verify(&story);
    story_end(&story);
}

/* --- a name used twice --- */

static bool create_again(story_t *story, unsigned skip, disk_call_t call, size_t bytes)
{
    disk_inject(story->disk, (disk_fault_t){call, ON_ANYTHING, skip, 1, ACTION_FAIL, ENOSPC, bytes});
    story->value_size = 200;
    bool done = story_append(story, 2);
    uint64_t section = 0;
    if (!done)
        assert_status(oversized_next_section(story->journal, 1, &section), SEGJ_END);
    bool hit = disk_disturbed(story->disk) > 0;
    disk_heal(story->disk);
    return hit;
}

static void verify_copy(story_t *copy, const void *context)
{
    (void)context;
    story_verify(copy);
}

/*
 * RocksDB took a log file that a failed creation or renaming had left for a new one, and read old records in it. A
 * section whose first append fails has never been there: its name can be used again at once, or the journal is poisoned
 * and the next open decides, and in no case does anything of the first file appear in the second.
 */
static void peer_a_name_left_by_a_failed_creation_holds_nothing_old(void **state)
{
    static const disk_call_t calls[] = {CALL_CREATE, CALL_WRITE, CALL_SYNC};
    bool more = true;
    for (unsigned skip = 0; more; skip++) {
        more = false;
        for (size_t i = 0; i < 6; i++) {
            story_t story;
            story_begin(&story);
            story.config.value_write_buffer = 50;
            begin_synced(&story, 1);
            more = create_again(&story, skip, calls[i % 3], i < 3 ? 0 : 100) || more;
            bool poisoned = oversized_error(story.journal) != NULL;
            story.value_size = 200;
            if (!poisoned && story_chapter(&story, 2)->count == 0)
                assert_true(story_append(&story, 2));
            story_each_crash(&story, false, verify_copy, NULL);
            if (!poisoned) {
                assert_true(story_sync(&story, 2));
                story_crash(&story, crash_keep_none());
            }
            story_kill(&story);
            story_verify(&story);
            story_end(&story);
        }
    }
}

/* --- appending behind a torn tail --- */

static bool tear(story_t *story)
{
    if (!story_open(story) || !story_append_many(story, 1, 3))
        return false;
    disk_cut_power_after(story->disk, 2);
    return story_sync(story, 1);
}

static bool go_on(story_t *story)
{
    return story_open(story) && story_append(story, 1) && story_sync(story, 1);
}

/*
 * LevelDB, told to go on with its old log, appended behind the torn record at its end, and the next recovery stopped
 * there: what had been acknowledged since was lost. Here a tail is cut before anything follows it, and every record
 * that a later boot has synced is found by the boot after.
 */
static void peer_nothing_is_appended_behind_a_torn_tail(void **state)
{
    story_t story;
    const act_t acts[] = {{tear, POWER_AT_END, true}, {go_on, POWER_AT_END, false}, {tear, POWER_AT_END, false}};
    story_begin(&story);
    story.config.page_size = 500;
    story.config.entry_size = 100;
    story.value_size = 400;
    begin_synced(&story, 2);
    story_crash(&story, crash_keep_none());
    tell(&story, acts, 3);
    story_end(&story);
}

/* --- a file in another's place --- */

/*
 * SQLite lost databases to a journal or a log that had been moved beside another database. A section's file knows which
 * section's it is, and which kind: in another's place it is refused, and nothing changes.
 */
static void peer_a_file_in_anothers_place_is_refused(void **state)
{
    const disk_target_t places[][2] = {{ON_INDEX(1), ON_INDEX(2)},
                                       {ON_VALUES(1), ON_VALUES(2)},
                                       {ON_INDEX(1), ON_VALUES(2)},
                                       {ON_VALUES(1), ON_INDEX(2)}};
    for (size_t i = 0; i < 4; i++) {
        story_t story;
        uint64_t size = 0;
        static uint8_t bytes[INDEX_DATA_OFFSET + 1024];
        story_begin(&story);
        begin_synced(&story, 3);
        assert_true(story_append(&story, 2));
        assert_true(story_close(&story));
        const uint8_t *from = disk_peek(story.disk, places[i][0], &size);
        assert_in_range(size, 1, sizeof bytes);
        memcpy(bytes, from, (size_t)size);
        disk_put(story.disk, places[i][1], bytes, (size_t)size);
        crashdisk_t *before = disk_snapshot(story.disk);
        assert_status(oversized_open(&story.config, &story.journal), SEGJ_ERR_MISMATCH);
        assert_disks_equal(story.disk, before);
        disk_free(before);
        story_end(&story);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TOLD(peer_a_tail_of_zeros_is_the_end_and_no_record),
        cmocka_unit_test(peer_the_first_sync_of_a_section_covers_its_names),
        cmocka_unit_test(peer_a_lost_write_is_told_though_descriptors_are_few),
        cmocka_unit_test(peer_a_section_that_gave_its_descriptors_up_is_durable),
        TOLD(peer_a_name_left_by_a_failed_creation_holds_nothing_old),
        TOLD(peer_nothing_is_appended_behind_a_torn_tail),
        cmocka_unit_test(peer_a_file_in_anothers_place_is_refused),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    printf("%lu disks verified\n", tell_verified());
    return failed;
}
