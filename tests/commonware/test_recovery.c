/*
 * commonware/test_recovery.c: the reference's rule for the end of a section, what open makes durable, and the order of
 * the steps of a rewind. Records of 20 bytes on pages of 64: records 0 to 2 lie on page 0, record 3 on both, 4 and 5 on
 * page 1, record 6 on pages 1 and 2.
 */
#include "commonware/story.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static void check_count(story_t *story, uint64_t expected)
{
    story_open(story);
    assert_int_equal(story_count(story, STORY_SECTION), expected);
}

/* --- where a section ends --- */

static void what_follows_the_last_valid_page_is_dropped(void **state)
{
    story_t *story = *state;
    story_make(story, 13); /* pages 0 to 4 */
    spoil(story->index.text, COMMONWARE_V0 + 4 * STORY_PHYSICAL);
    spoil(story->index.text, COMMONWARE_V0 + 3 * STORY_PHYSICAL + 5);
    check_count(story, 9); /* 192 bytes */
    story_check(story, STORY_SECTION, 0, 8);
    assert_int_equal(oversized_recovery(story->journal)->synced_records_lost, 0);
    assert_int_equal(file_size(story->values.text), COMMONWARE_V0 + 9 * STORY_FRAME);
    story_append(story, STORY_SECTION, 9, 14);
    assert_ok(oversized_sync(story->journal, STORY_SECTION));
    story_drop(story);
    check_count(story, 15);
    story_check(story, STORY_SECTION, 0, 14);
}

/* As in the reference (2026.2.0): what lies before the last valid page is not looked at, and its records are damaged then. */
static void a_damaged_page_before_the_last_one_stays(void **state)
{
    story_t *story = *state;
    story_make(story, 13);
    spoil(story->index.text, COMMONWARE_V0 + STORY_PHYSICAL + 5);
    path_t copy = join_path(story->root.text, "copy");
    copy_tree(story->directory.text, copy.text);
    check_count(story, 13);
    assert_trees_equal(story->directory.text, copy.text);
    story_check(story, STORY_SECTION, 0, 2);
    for (uint64_t i = 3; i <= 6; i++)
        assert_status(oversized_get(story->journal, STORY_SECTION, i, NULL, NULL), SEGJ_ERR_CORRUPT);
    story_check(story, STORY_SECTION, 7, 12);
    remove_tree(copy.text);
}

/* A page that was synced in part keeps that part when its growth was torn, also where a later page is whole. */
static void synced_records_before_a_torn_page_come_back(void **state)
{
    story_t *story = *state;
    story_open(story);
    story_append(story, STORY_SECTION, 0, 2);
    assert_ok(oversized_sync(story->journal, STORY_SECTION));
    story_append(story, STORY_SECTION, 3, 3);
    assert_ok(oversized_sync(story->journal, STORY_SECTION));
    story_drop(story);
    spoil(story->index.text, COMMONWARE_V0 + 62); /* of record 3, on page 0; page 1 has the rest */
    check_count(story, 3);
    story_check(story, STORY_SECTION, 0, 2);
    assert_int_equal(file_size(story->index.text), COMMONWARE_V0 + STORY_PHYSICAL);
}

static void the_values_decide_from_the_end_backwards(void **state)
{
    story_t *story = *state;
    for (uint64_t kept = 0; kept <= 10; kept++) {
        story_make(story, 10);
        resize_file(story->values.text, COMMONWARE_V0 + kept * STORY_FRAME + (kept < 10 ? 19 : 0));
        check_count(story, kept);
        assert_int_equal(oversized_recovery(story->journal)->records_dropped, 10 - kept);
        assert_int_equal(oversized_recovery(story->journal)->values_verified, 0);
        assert_int_equal(file_size(story->values.text), COMMONWARE_V0 + kept * STORY_FRAME);
        if (kept > 0)
            story_check(story, STORY_SECTION, 0, kept - 1);
        story_drop(story);
        remove_tree(story->directory.text);
    }
}

static void a_damaged_last_value_stays_unless_the_tail_is_verified(void **state)
{
    story_t *story = *state;
    segj_buffer_t value = {NULL, 0, 0};
    story_make(story, 10);
    spoil(story->values.text, COMMONWARE_V0 + 9 * STORY_FRAME);
    spoil(story->values.text, COMMONWARE_V0 + 8 * STORY_FRAME + 17);
    spoil(story->values.text, COMMONWARE_V0 + 3 * STORY_FRAME);
    const oversized_verify_t ranges[] = {OVERSIZED_VERIFY_DEFAULT, OVERSIZED_VERIFY_RANGES};
    for (size_t i = 0; i < COUNT_OF(ranges); i++) {
        story->config.verify = ranges[i];
        check_count(story, 10);
        assert_status(oversized_read(story->journal, STORY_SECTION, 9, NULL, &value), SEGJ_ERR_CHECKSUM);
        story_drop(story);
    }
    story->config.verify = OVERSIZED_VERIFY_TAIL;
    check_count(story, 8);
    assert_int_equal(oversized_recovery(story->journal)->values_verified, 3);
    assert_int_equal(file_size(story->values.text), COMMONWARE_V0 + 8 * STORY_FRAME);
    assert_status(oversized_read(story->journal, STORY_SECTION, 3, NULL, &value), SEGJ_ERR_CHECKSUM);
    story_check(story, STORY_SECTION, 4, 7);
    segj_buffer_free(&value);
}

/* Zeros are the frame of an empty value: nothing tells them from one, and both read alike. */
static void a_hole_of_zeros_is_an_empty_value(void **state)
{
    story_t *story = *state;
    uint8_t entry[SMALL_ENTRY] = {0};
    segj_buffer_t value = {NULL, 0, 0};
    story_open(story);
    assert_ok(oversized_append(story->journal, STORY_SECTION, entry, NULL, 0, NULL, NULL));
    assert_ok(oversized_sync(story->journal, STORY_SECTION));
    story_drop(story);
    resize_file(story->values.text, COMMONWARE_V0);
    resize_file(story->values.text, COMMONWARE_V0 + 4);
    story->config.verify = OVERSIZED_VERIFY_TAIL;
    check_count(story, 1);
    assert_ok(oversized_read(story->journal, STORY_SECTION, 0, entry, &value));
    assert_int_equal(value.size, 0);
    segj_buffer_free(&value);
}

/* --- an index without records --- */

static void an_empty_index_keeps_its_values(void **state)
{
    story_t *story = *state;
    uint64_t size = UINT64_MAX;
    oversized_location_t location;
    story_make(story, 3);
    resize_file(story->index.text, COMMONWARE_V0);
    bytes_t before = read_file(story->values.text);
    check_count(story, 0);
    assert_ok(oversized_value_size(story->journal, STORY_SECTION, &size));
    assert_int_equal(size, 0);
    assert_status(oversized_last(story->journal, STORY_SECTION, NULL, NULL), SEGJ_END);
    location = append_filled(story->journal, STORY_SECTION, 0, 0, STORY_VALUE, NULL);
    assert_int_equal(location.offset, 3 * STORY_FRAME);
    assert_ok(oversized_value_size(story->journal, STORY_SECTION, &size));
    assert_int_equal(size, 4 * STORY_FRAME);
    assert_ok(oversized_sync(story->journal, STORY_SECTION));
    story_drop(story);
    bytes_t after = read_file(story->values.text);
    assert_memory_equal(after.data, before.data, before.size);
    check_count(story, 1);
    story_check(story, STORY_SECTION, 0, 0);
    /* A rewind to nothing takes the old bytes too. */
    assert_ok(oversized_rewind_section(story->journal, STORY_SECTION, 0));
    assert_int_equal(file_size(story->values.text), COMMONWARE_V0);
    free_bytes(&after);
    free_bytes(&before);
}

/* The section is complete as it is, so that a checkpoint behind it holds. */
static void a_checkpoint_behind_an_empty_index_holds(void **state)
{
    story_t *story = *state;
    oversized_checkpoint_t checkpoint = {0, 8, 2 * SMALL_RECORD};
    story_open(story);
    for (uint64_t section = 7; section <= 9; section++) {
        story_append(story, section, 0, 3);
        assert_ok(oversized_sync(story->journal, section));
    }
    story_drop(story);
    resize_file(story->index.text, COMMONWARE_V0);
    story->config.checkpoint = &checkpoint;
    check_count(story, 0);
    assert_int_equal(story_count(story, 8), 2);
    story_check(story, 8, 0, 1);
    assert_int_equal(story_count(story, 9), 0);
    assert_int_equal(file_size(story->values.text), COMMONWARE_V0 + 4 * STORY_FRAME);
    path_t values = section_path(story->directory.text, story->config.value_partition, 8);
    assert_int_equal(file_size(values.text), COMMONWARE_V0 + 2 * STORY_FRAME);
}

/* --- what open makes durable --- */

static void make_sections(story_t *story, uint64_t first, uint64_t last)
{
    story_open(story);
    for (uint64_t section = first; section <= last; section++) {
        story_append(story, section, 0, 3);
        assert_ok(oversized_sync(story->journal, section));
    }
    story_drop(story);
    recorder_clear(story->recorder);
}

#define NAMES "sync test_index; sync test_values; sync ."
/* The newest section, which stays as it is. */
#define SETTLED(section) "sync test_index/" section "; sync test_values/" section
/* One that lost values, and keeps four records. */
#define RESIZED(section)                                                                                               \
    "cut test_index/" section " 160; sync test_index/" section "; cut test_values/" section                            \
    " 88; sync test_values/" section
/* Every byte of the two, as it is there. */
#define AGAIN(section) "write test_index/" section " 8+152; write test_values/" section " 8+80"
/* Before the first change of a section of four records both files are given the size they have, because a process before may
 * have cut them without a sync. */
#define INHERITED(section)                                                                                             \
    "cut test_index/" section " 160; cut test_values/" section " 88; sync test_index/" section                         \
    "; sync test_values/" section

static void the_newest_section_is_synced_and_nothing_written(void **state)
{
    story_t *story = *state;
    make_sections(story, 1, 3);
    story_open(story);
    assert_changes(story->recorder, NAMES "; " SETTLED("3"));
    assert_int_equal(oversized_recovery(story->journal)->sections_repaired, 0);
}

/* A storage that does not sync files opened for reading has them opened for writing; other failures are the open's. */
static void the_newest_section_is_synced_by_whatever_file_can(void **state)
{
    static const int lacking[] = {EBADF, EINVAL};
    story_t *story = *state;
    make_sections(story, 1, 3);
    for (size_t i = 0; i < COUNT_OF(lacking); i++) {
        for (uint32_t skip = 0; skip < 2; skip++) {
            recorder_fail(story->recorder, RECORD_FILE_SYNC, skip, 1, lacking[i]);
            story_open(story);
            assert_changes(story->recorder, skip == 0 ? NAMES "; sync test_index/3 !; " RESIZED("3")
                                                      : NAMES
                                                "; sync test_index/3; sync test_values/3 !; " RESIZED("3"));
            story_append(story, 3, 4, 4); /* nothing is left to settle */
            assert_changes(story->recorder, "");
            story_drop(story);
            recorder_clear(story->recorder);
        }
    }
    recorder_fail(story->recorder, RECORD_FILE_SYNC, 0, 1, EIO);
    assert_status(oversized_open(&story->config, &story->journal), SEGJ_ERR_IO);
    assert_null(story->journal);
}

/* What a failed sync was for need not be on the disk, and no further sync would write it. */
static void what_a_failed_sync_was_for_is_written_again(void **state)
{
    static const int full[] = {ENOSPC, EDQUOT};
    story_t *story = *state;
    make_sections(story, 1, 3);
    for (size_t i = 0; i < COUNT_OF(full); i++) {
        for (uint32_t skip = 0; skip < 2; skip++) {
            recorder_fail(story->recorder, RECORD_FILE_SYNC, skip, 1, full[i]);
            story_open(story);
            assert_int_equal(oversized_recovery(story->journal)->sections_unrepaired, 1);
            story_check(story, 3, 0, 3);
            recorder_clear(story->recorder);
            recorder_fail(story->recorder, RECORD_FILE_SYNC, 1, 1, full[i]); /* the repair's second one */
            assert_status(oversized_sync(story->journal, 3), SEGJ_ERR_NO_SPACE);
            assert_null(oversized_error(story->journal));
            assert_changes(story->recorder, AGAIN("3") "; cut test_index/3 160; sync test_index/3; "
                                                       "cut test_values/3 88; sync test_values/3 !");
            assert_ok(oversized_sync_all(story->journal));
            assert_changes(story->recorder, INHERITED("1") "; " INHERITED("2") "; " AGAIN("3") "; " RESIZED("3"));
            story_drop(story);
            recorder_clear(story->recorder);
        }
    }
}

static void a_section_that_was_cut_is_synced_index_first(void **state)
{
    story_t *story = *state;
    make_sections(story, 1, 3);
    path_t values = section_path(story->directory.text, story->config.value_partition, 1);
    path_t index = section_path(story->directory.text, story->config.index_partition, 2);
    resize_file(values.text, COMMONWARE_V0 + 4 * STORY_FRAME + 5);
    resize_file(index.text, COMMONWARE_V0 + STORY_PHYSICAL);
    story_open(story);
    /* Section 2 has four bytes of record 3 on its full page, which becomes a partial one by two steps. */
    assert_changes(
        story->recorder, NAMES
        "; " RESIZED("1") "; "
                          "write test_index/2 8+76; cut test_index/2 84; sync test_index/2; write test_index/2 78+6; "
                          "sync test_index/2; write test_index/2 72+6; sync test_index/2; cut test_values/2 68; "
                          "sync test_values/2; " SETTLED("3"));
    assert_int_equal(oversized_recovery(story->journal)->sections_repaired, 2);
}

/* A process before may have left what it had not synced. */
static void other_sections_are_synced_before_their_first_change(void **state)
{
    story_t *story = *state;
    make_sections(story, 1, 3);
    story_open(story);
    recorder_clear(story->recorder);
    story_append(story, 1, 4, 4);
    assert_changes(story->recorder, INHERITED("1"));
    story_append(story, 1, 5, 5);
    assert_changes(story->recorder, "");
    assert_ok(oversized_rewind_section(story->journal, 2, 2 * SMALL_RECORD));
    assert_changes(story->recorder,
                   INHERITED("2") "; write test_index/2 8+76; "
                                  "cut test_index/2 84; sync test_index/2; write test_index/2 78+6; sync test_index/2; "
                                  "write test_index/2 72+6; sync test_index/2; cut test_values/2 48; "
                                  "sync test_values/2");
    story_append(story, 3, 4, 4);
    assert_changes(story->recorder, INHERITED("3"));
}

static void a_sync_covers_what_a_process_before_has_left(void **state)
{
    story_t *story = *state;
    make_sections(story, 1, 4);
    story_open(story);
    recorder_clear(story->recorder);
    assert_ok(oversized_sync(story->journal, 2));
    assert_changes(story->recorder, INHERITED("2"));
    assert_ok(oversized_sync(story->journal, 2));
    assert_changes(story->recorder, "");
    assert_ok(oversized_sync_all(story->journal));
    assert_changes(story->recorder, INHERITED("1") "; " INHERITED("3") "; " INHERITED("4"));
    assert_ok(oversized_sync_all(story->journal));
    assert_changes(story->recorder, "");
}

static void a_failed_sync_of_what_was_left_poisons(void **state)
{
    story_t *story = *state;
    make_sections(story, 1, 2);
    story_open(story);
    recorder_fail(story->recorder, RECORD_FILE_SYNC, 1, 1, 5);
    assert_status(oversized_append(story->journal, 1, "12345678", "value", 5, NULL, NULL), SEGJ_ERR_IO);
    assert_non_null(oversized_error(story->journal));
    assert_status(oversized_append(story->journal, 2, "12345678", "value", 5, NULL, NULL), SEGJ_ERR_POISONED);
    story_check(story, 1, 0, 3);
}

static void a_failed_read_is_no_end(void **state)
{
    story_t *story = *state;
    make_sections(story, 1, 2);
    path_t copy = join_path(story->root.text, "copy");
    copy_tree(story->directory.text, copy.text);
    for (uint32_t skip = 0; skip < 100; skip++) {
        recorder_fail(story->recorder, RECORD_FILE_READ, skip, 1, 5);
        segj_status_t status = oversized_open(&story->config, &story->journal);
        if (status == SEGJ_OK) {
            assert_true(skip > 4);
            assert_trees_equal(story->directory.text, copy.text);
            remove_tree(copy.text);
            return;
        }
        assert_int_equal(status, SEGJ_ERR_IO);
        assert_trees_equal(story->directory.text, copy.text);
    }
    fail_msg("every open failed");
}

/* --- rewinds and reports --- */

static void a_rewind_cuts_the_index_durably_before_the_values(void **state)
{
    story_t *story = *state;
    story_make(story, 10);
    story_open(story);
    recorder_clear(story->recorder);
    assert_ok(oversized_rewind(story->journal, STORY_SECTION, 5 * SMALL_RECORD));
    /* What was found is settled first. Page 1 was written once, in slot 1; no watermark is there to mark the cut. */
    assert_changes(story->recorder,
                   "cut test_index/7 312; cut test_values/7 208; sync test_index/7; sync test_values/7; "
                   "write test_index/7 84+76; cut test_index/7 160; sync test_index/7; "
                   "write test_index/7 154+6; sync test_index/7; write test_index/7 148+6; "
                   "sync test_index/7; cut test_values/7 108; sync test_values/7");
    story_check(story, STORY_SECTION, 0, 4);
    assert_ok(oversized_rewind(story->journal, STORY_SECTION, 5 * SMALL_RECORD));
    assert_changes(story->recorder, "");
}

static void a_close_writes_nothing_but_what_was_appended(void **state)
{
    story_t *story = *state;
    story_make(story, 2);
    story_open(story);
    story_append(story, STORY_SECTION, 2, 2);
    recorder_clear(story->recorder);
    oversized_t *journal = story->journal;
    story->journal = NULL;
    assert_ok(oversized_close(journal));
    assert_changes(story->recorder,
                   "write test_values/7 48+20; write test_index/7 8+76; sync test_index/7; sync test_values/7");
}

/* Nothing was ever said to be synced, so strict has nothing to refuse. */
static void nothing_counts_as_lost(void **state)
{
    story_t *story = *state;
    story_make(story, 10);
    resize_file(story->values.text, COMMONWARE_V0 + 2 * STORY_FRAME);
    story->config.strict = true;
    check_count(story, 2);
    assert_int_equal(oversized_recovery(story->journal)->synced_records_lost, 0);
    assert_int_equal(oversized_recovery(story->journal)->records_dropped, 8);
}

/* It may be a crash's work, and somebody's who emptied the file. */
static void an_emptied_index_is_refused_by_strict(void **state)
{
    story_t *story = *state;
    static const uint64_t lengths[] = {0, 1, COMMONWARE_V0 - 1};
    story_make(story, 3);
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        resize_file(story->index.text, lengths[i]);
        story->config.strict = true;
        story_refuse(story, SEGJ_ERR_CORRUPT, "test_values/0000000000000007 holds 60 bytes of data (strict)");
        assert_non_null(strstr(segj_last_error(), story->index.text));
        story->config.strict = false;
        check_count(story, 0);
        story_drop(story);
    }
}

/* A creation that a crash has cut off, and a section that a checkpoint does without. */
static void strict_takes_new_files_for_new(void **state)
{
    story_t *story = *state;
    story->config.strict = true;
    story_make(story, 3);
    bytes_t index = read_file(story->index.text);
    resize_file(story->index.text, 0);
    oversized_checkpoint_t checkpoint = {STORY_SECTION + 1, STORY_SECTION + 1, 0};
    story->config.checkpoint = &checkpoint;
    check_count(story, 0);
    story_drop(story);
    story->config.checkpoint = NULL;
    assert_int_not_equal(access(story->values.text, F_OK), 0);
    write_file(story->index.text, index.data, 0);
    write_file(story->values.text, index.data, COMMONWARE_V0);
    check_count(story, 0);
    free_bytes(&index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(what_follows_the_last_valid_page_is_dropped),
        STORY(a_damaged_page_before_the_last_one_stays),
        STORY(synced_records_before_a_torn_page_come_back),
        STORY(the_values_decide_from_the_end_backwards),
        STORY(a_damaged_last_value_stays_unless_the_tail_is_verified),
        STORY(a_hole_of_zeros_is_an_empty_value),
        STORY(an_empty_index_keeps_its_values),
        STORY(a_checkpoint_behind_an_empty_index_holds),
        STORY(the_newest_section_is_synced_and_nothing_written),
        STORY(the_newest_section_is_synced_by_whatever_file_can),
        STORY(what_a_failed_sync_was_for_is_written_again),
        STORY(a_section_that_was_cut_is_synced_index_first),
        STORY(other_sections_are_synced_before_their_first_change),
        STORY(a_sync_covers_what_a_process_before_has_left),
        STORY(a_failed_sync_of_what_was_left_poisons),
        STORY(a_failed_read_is_no_end),
        STORY(a_rewind_cuts_the_index_durably_before_the_values),
        STORY(a_close_writes_nothing_but_what_was_appended),
        STORY(nothing_counts_as_lost),
        STORY(an_emptied_index_is_refused_by_strict),
        STORY(strict_takes_new_files_for_new),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
