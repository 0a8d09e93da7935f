/*
 * lessons/test_recovery.c: what an open may believe of the files it finds, and what it may do to them.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lessons/story.h"

/* --- beginnings --- */

/* `records` records, closed: all of them below the watermark. */
static void begin_closed(story_t *story, size_t records)
{
    story_begin(story);
    assert_true(story_open(story));
    assert_true(story_append_many(story, 1, records));
    assert_true(story_close(story));
}

/* `records` records that a sync has covered and no watermark: its process was killed. */
static void begin_synced(story_t *story, size_t records)
{
    story_begin(story);
    assert_true(story_open(story));
    assert_true(story_append_many(story, 1, records));
    assert_true(story_sync(story, 1));
    story_crash(story, crash_keep_none());
}

/* The open answers this and changes nothing. */
static void expect_refused(story_t *story, segj_status_t status)
{
    crashdisk_t *before = disk_snapshot(story->disk);
    assert_status(oversized_open(&story->config, &story->journal), status);
    assert_null(story->journal);
    assert_disks_equal(story->disk, before);
    disk_free(before);
}

/* --- acts --- */

/* The power goes when both files of a record are written and neither is synced. */
static bool append_one_cut_at_the_sync(story_t *story)
{
    if (!story_open(story) || !story_append(story, 1))
        return false;
    disk_cut_power_after(story->disk, 2);
    return story_sync(story, 1);
}

static bool append_one(story_t *story)
{
    return story_open(story) && story_append(story, 1) && story_sync(story, 1);
}

static bool only_open(story_t *story)
{
    return story_open(story);
}

/* --- a02 --- */

/*
 * Recovery in the reference implementation cut what a crash had left and did not make the cut durable. A second crash
 * brought the old record back over a new value of equal size, or a new record over the old value. So: a record with its
 * value or its index page lost, a boot that appends another one, a power cut anywhere in that boot, and every mixture.
 */
static void a02_what_recovery_cuts_stays_cut_in_the_next_crash(void **state)
{
    for (size_t records = 0; records <= 3; records += 3) {
        story_t story;
        const act_t acts[] = {{append_one_cut_at_the_sync, POWER_AT_END, false}, {append_one, POWER_ANYWHERE, false}};
        begin_closed(&story, records);
        tell(&story, acts, 2);
        story_end(&story);
    }
}

/* The same where the first process dies, and where the device loses what it had written, with nobody there to be
 * told. */
static void a02_what_a_dead_process_left_is_durable_before_more_is_appended(void **state)
{
    static const act_end_t ends[] = {KILL_ANYWHERE, LOST_ANYWHERE};
    for (size_t i = 0; i < 2; i++) {
        story_t story;
        const act_t acts[] = {{append_one, ends[i], false}, {append_one, POWER_ANYWHERE, false}};
        begin_closed(&story, 2);
        tell(&story, acts, 2);
        story_end(&story);
    }
}

/* The same with the power gone once more while the first recovery is at work. */
static void a02_a_recovery_that_is_cut_off_is_taken_up_by_the_next(void **state)
{
    story_t story;
    const act_t acts[] = {{append_one_cut_at_the_sync, POWER_AT_END, false},
                          {only_open, POWER_ANYWHERE, false},
                          {append_one_cut_at_the_sync, POWER_AT_END, false}};
    begin_synced(&story, 2);
    tell(&story, acts, 3);
    story_end(&story);
}

/* --- a03 --- */

/*
 * The reference implementation adopted a record when its range lay within the values file, whatever lay there. A record
 * whose frame is garbage, zeros or another frame of the same size was never synced whole and must not be adopted.
 */
static void a03_a_record_in_range_of_a_wrong_frame_is_not_adopted(void **state)
{
    uint8_t frame[20];
    for (int kind = 0; kind < 3; kind++) {
        story_t story;
        begin_synced(&story, 2);
        const uint8_t *values = disk_peek(story.disk, ON_VALUES(1), NULL);
        memset(frame, kind == 0 ? 0xFF : 0, sizeof frame);
        if (kind == 2)
            memcpy(frame, values + VALUES_DATA_OFFSET, sizeof frame);
        disk_poke(story.disk, ON_VALUES(1), VALUES_DATA_OFFSET + sizeof frame, frame, sizeof frame);
        story_chapter(&story, 1)->floor = 1;
        assert_true(story_open(&story));
        assert_int_equal(story_chapter(&story, 1)->count, 1);
        assert_int_equal(oversized_recovery(story.journal)->values_verified, 2);
        story_crash(&story, crash_keep_none());
        story_verify(&story);
        story_end(&story);
    }
}

/* --- a04 --- */

/*
 * Any failure to read an index page counted as the end of the journal in the reference implementation, and the rest was
 * cut: one passing error cost a section. An open that cannot read must fail and leave every byte; the next one
 * succeeds.
 */
static void a04_an_open_that_cannot_read_changes_nothing(void **state)
{
    static const disk_call_t calls[] = {CALL_READ, CALL_SIZE, CALL_OPEN, CALL_PARTITION_LIST, CALL_PARTITION_OPEN};
    static const int codes[] = {EIO, EMFILE, EACCES, ENOMEM};
    story_t start;
    begin_synced(&start, 8);
    disk_resize(start.disk, ON_VALUES(1), disk_size(start.disk, ON_VALUES(1)) + 5);
    for (size_t i = 0; i < 20; i++) {
        bool hit = true;
        for (unsigned skip = 0; hit; skip++) {
            story_t story = start;
            story.disk = disk_snapshot(start.disk);
            story.config.storage = disk_storage(story.disk);
            disk_inject(story.disk, (disk_fault_t){calls[i % 5], ON_ANYTHING, skip, 1, ACTION_FAIL, codes[i / 5], 0});
            segj_status_t status = oversized_open(&story.config, &story.journal);
            hit = disk_disturbed(story.disk) > 0;
            bool unchanged = disk_count(story.disk, CALL_WRITE, ON_ANYTHING) == 0;
            segj_status_t expected = codes[i / 5] == ENOMEM && unchanged ? SEGJ_ERR_MEMORY : SEGJ_ERR_IO;
            assert_int_equal(status, hit ? expected : SEGJ_OK);
            if (hit && unchanged)
                assert_disks_equal(story.disk, start.disk);
            story_kill(&story);
            story_verify(&story);
            story_end(&story);
        }
    }
    story_end(&start);
}

/* --- b01 --- */

static bool append_pages(story_t *story)
{
    return story_open(story) && story_append_many(story, 1, 14) && story_sync(story, 1);
}

/*
 * Of several index pages written and not synced the power cut kept a later one and lost one before it. The reference
 * implementation sized the section by the last valid page, and every start failed at the missing one. The section must
 * end before the first page that is not there, whichever of them are.
 */
static void b01_no_page_is_believed_behind_one_that_is_lost(void **state)
{
    story_t story;
    const act_t acts[] = {{append_pages, POWER_ANYWHERE, false}};
    begin_closed(&story, 2);
    story.config.index_write_buffer = 1; /* two pages a write */
    tell(&story, acts, 1);
    story_end(&story);
}

/* --- b02 --- */

static bool append_values(story_t *story)
{
    return story_open(story) && story_append_many(story, 1, 5) && story_sync(story, 1);
}

/*
 * Of several values the power cut lost one and kept those behind it, with the whole index. The reference implementation
 * looked at the last value alone and adopted a record without one. The section must end before the first value that is
 * not there; lost bytes may read as zeros or as garbage.
 */
static void b02_no_value_is_believed_behind_one_that_is_lost(void **state)
{
    story_t story;
    const act_t acts[] = {{append_values, POWER_ANYWHERE, false}};
    begin_closed(&story, 2);
    story.config.value_write_buffer = 1; /* a write each */
    tell(&story, acts, 1);
    story_end(&story);
}

/* And where what is lost is a sector in the middle of a value. */
static void b02_a_value_with_a_lost_sector_is_not_adopted(void **state)
{
    story_t story;
    const act_t acts[] = {{append_values, POWER_ANYWHERE, true}};
    begin_closed(&story, 1);
    story.value_size = 700;
    tell(&story, acts, 1);
    story_end(&story);
}

/* --- b04 --- */

/*
 * A bit rotten in a value that had long been synced made the reference implementation cut the record away at the next
 * open, durably. Below the watermark a damaged value costs itself alone: the record stays, its read says so, no byte
 * changes, and the neighbours read well.
 */
static void b04_a_rotten_value_that_was_synced_is_reported_and_not_cut(void **state)
{
    for (uint64_t rotten = 0; rotten < 4; rotten++) {
        story_t story;
        segj_buffer_t value = {NULL, 0, 0};
        begin_closed(&story, 4);
        disk_flip(story.disk, ON_VALUES(1), VALUES_DATA_OFFSET + rotten * 20 + 7);
        crashdisk_t *before = disk_snapshot(story.disk);
        for (int boot = 0; boot < 2; boot++) {
            uint64_t count = 0;
            assert_ok(oversized_open(&story.config, &story.journal));
            assert_ok(oversized_count(story.journal, 1, &count));
            assert_int_equal(count, 4);
            assert_int_equal(oversized_recovery(story.journal)->synced_records_lost, 0);
            for (uint64_t i = 0; i < 4; i++)
                assert_status(oversized_read(story.journal, 1, i, NULL, &value),
                              i == rotten ? SEGJ_ERR_CHECKSUM : SEGJ_OK);
            story_kill(&story);
            assert_disks_equal(story.disk, before);
        }
        disk_free(before);
        segj_buffer_free(&value);
        story_end(&story);
    }
}

/* --- b07 --- */

/*
 * The loss of synced pages at a section's end, or of the longer of a page's two lengths, could not be told from a
 * section that had never been longer in the reference implementation, which then cut the evidence. The watermark knows:
 * the loss is counted, and a strict open refuses and changes nothing.
 */
static void b07_the_loss_of_synced_records_at_the_end_is_noticed(void **state)
{
    for (int kind = 0; kind < 4; kind++) {
        story_t story;
        begin_closed(&story, 4);
        assert_true(story_open(&story));
        assert_true(story_append(&story, 1)); /* the second page grows: both of its slots are in use */
        assert_true(story_close(&story));
        if (kind == 0)
            disk_resize(story.disk, ON_INDEX(1), INDEX_DATA_OFFSET + 76);
        else if (kind == 1)
            disk_flip(story.disk, ON_INDEX(1), INDEX_DATA_OFFSET + 76 + SMALL_PAGE + 6 + 1); /* the longer slot */
        else if (kind == 2)
            disk_resize(story.disk, ON_VALUES(1), disk_size(story.disk, ON_VALUES(1)) - 1);
        else
            disk_resize(story.disk, ON_INDEX(1), INDEX_DATA_OFFSET);
        story.config.strict = true;
        expect_refused(&story, SEGJ_ERR_CORRUPT);
        story.config.strict = false;
        story_chapter(&story, 1)->floor = 0;
        assert_true(story_open(&story));
        size_t left = kind == 0 ? 3 : kind == 3 ? 0 : 4;
        story_expect(&story, 1, left);
        assert_int_equal(oversized_recovery(story.journal)->synced_records_lost, 5 - left);
        assert_int_equal(oversized_recovery(story.journal)->sections_damaged, 1);
        story_crash(&story, crash_keep_none());
        story_verify(&story);
        story_end(&story);
    }
}

/* For that the watermark must be on the disk when close has answered, also where a sync before it has written it. */
static void b07_a_close_leaves_a_durable_watermark(void **state)
{
    for (int synced_before = 0; synced_before < 2; synced_before++) {
        story_t story;
        story_begin(&story);
        assert_true(story_open(&story));
        story.value_size = ((size_t)1 << 20) + 1; /* enough for a sync to write the watermark itself */
        assert_true(story_append(&story, 1));
        if (synced_before)
            assert_true(story_sync(&story, 1));
        assert_true(story_close(&story));
        crashdisk_t *after = disk_crash(story.disk, crash_keep_none());
        const uint8_t *index = disk_peek(after, ON_INDEX(1), NULL);
        uint64_t watermark = effective_watermark(index + HEADER_BLOCK, 1);
        disk_free(after);
        story_end(&story);
        assert_int_equal(watermark, 1);
    }
}

/* --- b09 --- */

/* Replaces the location in record 1 of page 0, with a right checksum. */
static void point_record(const story_t *story, oversized_location_t location)
{
    uint8_t page[SMALL_PAGE + PAGE_CHECKSUMS];
    memcpy(page, disk_peek(story->disk, ON_INDEX(1), NULL) + INDEX_DATA_OFFSET, sizeof page);
    encode_record(page + SMALL_RECORD, page + SMALL_RECORD, SMALL_ENTRY, location);
    page_slot_t none = {0, 0};
    uint8_t whole[SMALL_PAGE + PAGE_CHECKSUMS];
    encode_page(whole, SMALL_PAGE, page, SMALL_RECORD * 3, make_slot(1, 0, page, SMALL_RECORD * 3), none);
    disk_poke(story->disk, ON_INDEX(1), INDEX_DATA_OFFSET, whole, sizeof whole);
}

/*
 * The reference implementation never looked whether a record's value begins where the one before ended; a record that
 * points at another's value, which of course has a right checksum, was believed. Here the chain of frames has no gap
 * and no overlap, or ends.
 */
static void b09_a_record_that_points_elsewhere_than_behind_its_predecessor_ends_the_section(void **state)
{
    static const oversized_location_t wrong[] = {{0, 20}, {40, 20}, {21, 19}, {20, 40}, {20, 3}, {UINT64_MAX - 3, 20}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        story_t story;
        begin_synced(&story, 3);
        point_record(&story, wrong[i]);
        story_chapter(&story, 1)->floor = 1;
        assert_true(story_open(&story));
        story_expect(&story, 1, 1);
        story_crash(&story, crash_keep_none());
        story_verify(&story);
        story_end(&story);
    }
}

/* --- b10 --- */

/* Three records in each of two sections, byte for byte alike but for where they are. */
static void begin_twins(story_t *story)
{
    story_begin(story);
    assert_true(story_open(story));
    for (uint64_t section = 1; section <= 2; section++) {
        story->next_id = 1;
        assert_true(story_append_many(story, section, 3));
        assert_true(story_sync(story, section));
    }
    story_crash(story, crash_keep_none());
}

/*
 * Checksums in the reference implementation were of the bytes alone, so that a page or a frame written to another's
 * place was a good one there. Here it is none, in another section and at another place of its own.
 */
static void b10_a_page_or_a_frame_is_not_valid_in_anothers_place(void **state)
{
    for (int kind = 0; kind < 2; kind++) {
        story_t story;
        uint8_t bytes[SMALL_PAGE + PAGE_CHECKSUMS];
        disk_target_t from = kind == 0 ? ON_INDEX(1) : ON_VALUES(1);
        disk_target_t to = kind == 0 ? ON_INDEX(2) : ON_VALUES(2);
        uint64_t data = kind == 0 ? INDEX_DATA_OFFSET : VALUES_DATA_OFFSET;
        size_t size = kind == 0 ? sizeof bytes : 20;
        begin_twins(&story);
        memcpy(bytes, disk_peek(story.disk, from, NULL) + data, size);
        disk_poke(story.disk, to, data, bytes, size);
        story_chapter(&story, 2)->floor = 0;
        assert_true(story_open(&story));
        story_expect(&story, 1, 3);
        story_expect(&story, 2, 0);
        story_end(&story);
    }
}

/* An empty value's frame was four zeros there: a hole made of zeros was full of them. */
static void b10_a_hole_of_zeros_holds_no_empty_values(void **state)
{
    story_t story;
    uint8_t zeros[12] = {0};
    story_begin(&story);
    story.value_size = 0;
    assert_true(story_open(&story));
    assert_true(story_append_many(&story, 1, 3));
    assert_true(story_sync(&story, 1));
    story_crash(&story, crash_keep_none());
    disk_poke(story.disk, ON_VALUES(1), VALUES_DATA_OFFSET + 4, zeros, 8);
    story_chapter(&story, 1)->floor = 1;
    assert_true(story_open(&story));
    story_expect(&story, 1, 1);
    story_end(&story);
}

static bool append_empty_values(story_t *story)
{
    return story_open(story) && story_append_many(story, 1, 4) && story_sync(story, 1);
}

/* The way there: values that are lost where the file has become long enough for them. */
static void b10_empty_values_that_were_lost_are_not_adopted(void **state)
{
    story_t story;
    const act_t acts[] = {{append_empty_values, POWER_ANYWHERE, false}, {append_one, POWER_AT_END, false}};
    begin_closed(&story, 1);
    story.value_size = 0;
    story.config.value_write_buffer = 1;
    tell(&story, acts, 2);
    story_end(&story);
}

/* --- b11 --- */

static bool append_across_pages(story_t *story)
{
    return story_open(story) && story_append_many(story, 1, 3) && story_sync(story, 1);
}

/*
 * With records longer than pages a torn flush left the reference implementation a last page whose records ended in a
 * page that was not there, and no open came through any more. Any mixture of the pages of one record must open, with
 * the records that are whole.
 */
static void b11_records_longer_than_pages_open_after_any_tear(void **state)
{
    static const uint16_t page_sizes[] = {7, 33};
    for (size_t i = 0; i < 2; i++) {
        story_t story;
        const act_t acts[] = {{append_across_pages, POWER_ANYWHERE, true}};
        story_begin(&story);
        story.config.page_size = page_sizes[i];
        story.config.entry_size = 100 - LOCATION_BYTES;
        story.config.index_write_buffer = 1;
        assert_true(story_open(&story));
        assert_true(story_append_many(&story, 1, 2));
        assert_true(story_close(&story));
        tell(&story, acts, 1);
        story_end(&story);
    }
}

/* And a page in the middle that is damaged does not keep an open from coming through, strict or not. */
static void b11_a_damaged_page_below_the_end_does_not_keep_the_journal_closed(void **state)
{
    story_t story;
    begin_closed(&story, 12);
    disk_flip(story.disk, ON_INDEX(1), INDEX_DATA_OFFSET + 3);
    story.config.strict = true;
    assert_ok(oversized_open(&story.config, &story.journal));
    uint64_t count = 0;
    assert_ok(oversized_count(story.journal, 1, &count));
    assert_int_equal(count, 12);
    assert_status(oversized_get(story.journal, 1, 0, NULL, NULL), SEGJ_ERR_CORRUPT);
    assert_ok(oversized_get(story.journal, 1, 11, NULL, NULL));
    oversized_replay_t *replay = NULL;
    oversized_item_t item;
    assert_ok(oversized_replay_open(story.journal, 1, 0, 4096, &replay));
    assert_status(oversized_replay_next(replay, &item), SEGJ_ERR_CORRUPT);
    assert_int_equal(item.position, 0);
    for (uint64_t i = 4; i < 12; i++) { /* record 3 begins in the damaged page */
        assert_ok(oversized_replay_next(replay, &item));
        assert_int_equal(item.position, i);
    }
    assert_status(oversized_replay_next(replay, &item), SEGJ_END);
    oversized_replay_close(replay);
    story_end(&story);
}

/* --- b20 --- */

static bool append_first_values(story_t *story)
{
    return story_open(story) && story_append_many(story, 1, 3) && story_sync(story, 1);
}

/*
 * An index section without records was skipped by recovery in the reference implementation: what its values file held
 * stayed before the first new value. It must be cut to nothing, durably, and the first record begin at offset 0.
 */
static void b20_values_of_a_section_without_records_are_cut(void **state)
{
    story_t story;
    begin_synced(&story, 2);
    disk_resize(story.disk, ON_INDEX(1), INDEX_DATA_OFFSET);
    story_chapter(&story, 1)->floor = 0;
    assert_true(story_open(&story));
    story_expect(&story, 1, 0);
    assert_int_equal(oversized_recovery(story.journal)->value_bytes_truncated, 40);
    story_crash(&story, crash_keep_none());
    assert_int_equal(disk_size(story.disk, ON_VALUES(1)), VALUES_DATA_OFFSET);
    story_verify(&story);
    story_end(&story);
}

/* The way there: the first values of a section reach the disk, their records do not, and the section goes on. */
static void b20_a_section_whose_first_values_came_alone_begins_anew(void **state)
{
    story_t story;
    const act_t acts[] = {{append_first_values, POWER_ANYWHERE, false}, {append_one, POWER_AT_END, false}};
    story_begin(&story);
    story.config.value_write_buffer = 1;
    tell(&story, acts, 2);
    story_end(&story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TOLD(a02_what_recovery_cuts_stays_cut_in_the_next_crash),
        TOLD(a02_what_a_dead_process_left_is_durable_before_more_is_appended),
        TOLD(a02_a_recovery_that_is_cut_off_is_taken_up_by_the_next),
        cmocka_unit_test(a03_a_record_in_range_of_a_wrong_frame_is_not_adopted),
        cmocka_unit_test(a04_an_open_that_cannot_read_changes_nothing),
        TOLD(b01_no_page_is_believed_behind_one_that_is_lost),
        TOLD(b02_no_value_is_believed_behind_one_that_is_lost),
        TOLD(b02_a_value_with_a_lost_sector_is_not_adopted),
        cmocka_unit_test(b04_a_rotten_value_that_was_synced_is_reported_and_not_cut),
        cmocka_unit_test(b07_the_loss_of_synced_records_at_the_end_is_noticed),
        cmocka_unit_test(b07_a_close_leaves_a_durable_watermark),
        cmocka_unit_test(b09_a_record_that_points_elsewhere_than_behind_its_predecessor_ends_the_section),
        cmocka_unit_test(b10_a_page_or_a_frame_is_not_valid_in_anothers_place),
        cmocka_unit_test(b10_a_hole_of_zeros_holds_no_empty_values),
        TOLD(b10_empty_values_that_were_lost_are_not_adopted),
        TOLD(b11_records_longer_than_pages_open_after_any_tear),
        cmocka_unit_test(b11_a_damaged_page_below_the_end_does_not_keep_the_journal_closed),
        cmocka_unit_test(b20_values_of_a_section_without_records_are_cut),
        TOLD(b20_a_section_whose_first_values_came_alone_begins_anew),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    printf("%lu disks verified\n", tell_verified());
    return failed;
}
