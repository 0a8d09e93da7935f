/*
 * lessons/test_checkpoint.c: a state that the application recorded is restored or refused, never guessed.
 */
#include <errno.h>
#include <stdio.h>

#include "lessons/story.h"

enum { LAST = 3 };

/* Sections 1 to LAST with four records each, closed. */
static void begin_closed(story_t *story)
{
    story_begin(story);
    assert_true(story_open(story));
    for (uint64_t section = 1; section <= LAST; section++)
        assert_true(story_append_many(story, section, 4));
    assert_true(story_close(story));
}

static oversized_checkpoint_t checkpoint(uint64_t oldest, uint64_t section, uint64_t records)
{
    return (oversized_checkpoint_t){oldest, section, records * SMALL_RECORD};
}

/* With this checkpoint every open fails, and no byte changes. */
static void expect_refused(story_t *story, oversized_checkpoint_t wanted, segj_status_t status)
{
    crashdisk_t *before = disk_snapshot(story->disk);
    story->config.checkpoint = &wanted;
    for (int i = 0; i < 3; i++) {
        assert_status(oversized_open(&story->config, &story->journal), status);
        assert_null(story->journal);
        assert_disks_equal(story->disk, before);
    }
    story->config.checkpoint = NULL;
    disk_free(before);
}

/* The model allows no more than the checkpoint leaves. */
static void expect_restored(story_t *story, oversized_checkpoint_t wanted)
{
    for (size_t i = 0; i < story->chapter_count; i++) {
        chapter_t *chapter = &story->chapters[i];
        if (chapter->section < wanted.oldest || chapter->section > wanted.section)
            *chapter = (chapter_t){.section = chapter->section, .gone = true};
        if (chapter->section == wanted.section)
            chapter->count = chapter->floor = (size_t)(wanted.index_size / SMALL_RECORD);
    }
    story->config.checkpoint = &wanted;
    assert_true(story_open(story));
    story->config.checkpoint = NULL;
    story_crash(story, crash_keep_none());
    story_verify(story);
}

/* Not a zero: zeros may have been kept ahead. */
static void append_byte(story_t *story, uint64_t size)
{
    disk_resize(story->disk, ON_VALUES(2), size + 1);
    disk_flip(story->disk, ON_VALUES(2), size);
}

/* --- a05 --- */

/*
 * The reference implementation first repaired what it found and then went to the checkpoint, so that committed data
 * that was missing went unnoticed. A section below the checkpoint that is not complete must fail every open, untouched.
 */
static void a05_a_lower_section_that_is_not_complete_fails_every_open(void **state)
{
    for (int kind = 0; kind < 4; kind++) {
        story_t story;
        begin_closed(&story);
        uint64_t index = disk_size(story.disk, ON_INDEX(2));
        uint64_t values = disk_size(story.disk, ON_VALUES(2));
        if (kind == 0)
            disk_resize(story.disk, ON_VALUES(2), values - 1);
        else if (kind == 1)
            append_byte(&story, values);
        else if (kind == 2)
            disk_resize(story.disk, ON_INDEX(2), index - (SMALL_PAGE + PAGE_CHECKSUMS));
        else
            disk_resize(story.disk, ON_INDEX(2), index + 1);
        expect_refused(&story, checkpoint(1, 3, 2), SEGJ_ERR_CORRUPT);
        story_end(&story);
    }
}

/* A checkpoint's own section that holds less than the checkpoint says; one whose section is not there. */
static void a05_a_checkpoint_that_asks_for_more_than_there_is_fails(void **state)
{
    story_t story;
    begin_closed(&story);
    expect_refused(&story, checkpoint(1, 3, 5), SEGJ_ERR_CORRUPT);
    expect_refused(&story, checkpoint(1, 4, 1), SEGJ_ERR_CORRUPT);
    disk_remove(story.disk, ON_INDEX(2));
    expect_refused(&story, checkpoint(1, 3, 2), SEGJ_ERR_CORRUPT);
    story_end(&story);
}

/* A rotten value that was committed is no reason to drop its record: one bit once took a whole chain of records
 * along. */
static void a05_a_rotten_committed_value_costs_its_own_read_alone(void **state)
{
    story_t story;
    segj_buffer_t value = {NULL, 0, 0};
    begin_closed(&story);
    disk_flip(story.disk, ON_VALUES(2), VALUES_DATA_OFFSET + 3 * 20 + 1);
    disk_flip(story.disk, ON_VALUES(3), VALUES_DATA_OFFSET + 1 * 20 + 1);
    oversized_checkpoint_t wanted = checkpoint(1, 3, 2);
    story.config.checkpoint = &wanted;
    assert_ok(oversized_open(&story.config, &story.journal));
    for (uint64_t section = 1; section <= 3; section++) {
        uint64_t count = 0;
        assert_ok(oversized_count(story.journal, section, &count));
        assert_int_equal(count, section == 3 ? 2 : 4);
        for (uint64_t i = 0; i < count; i++) {
            bool rotten = (section == 2 && i == 3) || (section == 3 && i == 1);
            assert_status(oversized_read(story.journal, section, i, NULL, &value),
                          rotten ? SEGJ_ERR_CHECKSUM : SEGJ_OK);
        }
    }
    segj_buffer_free(&value);
    story_end(&story);
}

/* What lies beyond the checkpoint is given up, however torn it is, and is no loss, not even to a strict open. */
static void a05_a_torn_state_beyond_the_checkpoint_is_discarded(void **state)
{
    story_t story;
    begin_closed(&story);
    disk_resize(story.disk, ON_VALUES(3), VALUES_DATA_OFFSET + 2 * 20 + 3);
    disk_resize(story.disk, ON_INDEX(3), disk_size(story.disk, ON_INDEX(3)) - 7);
    disk_put(story.disk, ON_INDEX(4), "torn", 4);
    disk_put(story.disk, ON_VALUES(5), "torn", 4);
    story.config.strict = true;
    expect_restored(&story, checkpoint(1, 3, 2));
    story_end(&story);
}

static bool restore_and_append(story_t *story)
{
    static const oversized_checkpoint_t wanted = {1, 2, 2 * SMALL_RECORD};
    for (size_t i = 0; i < story->chapter_count; i++) {
        chapter_t *chapter = &story->chapters[i];
        if (chapter->section > wanted.section) {
            chapter->doomed = true;
            chapter->there = false;
        }
        if (chapter->section == wanted.section && chapter->floor > 2)
            chapter->floor = 2;
    }
    story->config.checkpoint = &wanted;
    bool open = story_open(story);
    story->config.checkpoint = NULL;
    if (open)
        story_expect(story, 2, 2);
    return open && story_append(story, 2) && story_sync(story, 2) && story_append(story, 3) && story_sync(story, 3);
}

/* A restore that is cut off at any change is a prefix of what was there, and its offsets are not used before it is
 * durable. */
static void a05_a_restore_that_is_cut_off_can_be_made_again(void **state)
{
    story_t story;
    const act_t acts[] = {{restore_and_append, POWER_ANYWHERE, false}};
    begin_closed(&story);
    tell(&story, acts, 1);
    story_end(&story);
}

/* --- b12 --- */

/*
 * A checkpoint whose size is no whole number of records was accepted by the reference implementation, and every append
 * failed from then on, after its value was written.
 */
static void b12_a_checkpoint_of_a_broken_size_is_refused(void **state)
{
    story_t story;
    begin_closed(&story);
    expect_refused(&story, (oversized_checkpoint_t){1, 3, 2 * SMALL_RECORD + 1}, SEGJ_ERR_INVALID);
    expect_refused(&story, (oversized_checkpoint_t){3, 2, SMALL_RECORD}, SEGJ_ERR_INVALID);
    story_end(&story);
}

static bool prune_some(story_t *story)
{
    return story_open(story) && story_prune(story, 3);
}

/* What the power cut left of a prune opens with the checkpoint that was taken before it. */
static void restore_after_prune(story_t *copy, const void *context)
{
    (void)context;
    expect_restored(copy, checkpoint(3, 3, 4));
}

/*
 * Prune and checkpoint did not go together there: a prune removes index files first, and one that was cut off left
 * values files below the checkpoint, which then failed every open. The rest of a prune must be removed.
 */
static void b12_a_prune_that_was_cut_off_does_not_fail_the_checkpoint(void **state)
{
    for (unsigned cut = 0;; cut++) {
        story_t story;
        begin_closed(&story);
        disk_cut_power_after(story.disk, cut);
        bool done = prune_some(&story);
        story_kill(&story);
        story_each_crash(&story, false, restore_after_prune, NULL);
        story_end(&story);
        if (done)
            break;
    }
}

/* The same with a checkpoint that still names the sections that go, where their removal reached the disk in order. */
static void b12_values_left_below_the_first_index_section_are_removed(void **state)
{
    story_t story;
    begin_closed(&story);
    disk_remove(story.disk, ON_INDEX(1));
    disk_remove(story.disk, ON_INDEX(2));
    disk_remove(story.disk, ON_VALUES(1));
    *story_chapter(&story, 1) = (chapter_t){.section = 1, .gone = true};
    *story_chapter(&story, 2) = (chapter_t){.section = 2, .gone = true};
    expect_restored(&story, checkpoint(1, 3, 3));
    story_end(&story);
}

/* A section beyond the checkpoint that cannot be read is an error of the disk all the same: nothing is removed then. */
static void b12_an_unreadable_section_beyond_the_checkpoint_is_an_error_not_a_removal(void **state)
{
    story_t story;
    begin_closed(&story);
    disk_inject(story.disk, (disk_fault_t){CALL_READ, ON_INDEX(3), 0, 0, ACTION_FAIL, EIO, 0});
    expect_refused(&story, checkpoint(1, 2, 2), SEGJ_ERR_IO);
    disk_heal(story.disk);
    expect_restored(&story, checkpoint(1, 2, 2));
    story_end(&story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a05_a_lower_section_that_is_not_complete_fails_every_open),
        cmocka_unit_test(a05_a_checkpoint_that_asks_for_more_than_there_is_fails),
        cmocka_unit_test(a05_a_rotten_committed_value_costs_its_own_read_alone),
        cmocka_unit_test(a05_a_torn_state_beyond_the_checkpoint_is_discarded),
        TOLD(a05_a_restore_that_is_cut_off_can_be_made_again),
        cmocka_unit_test(b12_a_checkpoint_of_a_broken_size_is_refused),
        TOLD(b12_a_prune_that_was_cut_off_does_not_fail_the_checkpoint),
        cmocka_unit_test(b12_values_left_below_the_first_index_section_are_removed),
        cmocka_unit_test(b12_an_unreadable_section_beyond_the_checkpoint_is_an_error_not_a_removal),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    printf("%lu disks verified\n", tell_verified());
    return failed;
}
