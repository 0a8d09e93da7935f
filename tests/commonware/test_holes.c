/*
 * commonware/test_holes.c: a damaged index page that has others after it. Newer releases of commonware-storage cut a
 * section there, so nothing may be acknowledged behind it: appends are refused until a rewind or an open that was asked
 * for has ended the section before that page. Records of 20 bytes on pages of 64.
 */
#include "commonware/story.h"

#include <stdio.h>
#include <string.h>

enum {
    HOLES_RECORDS = 40, /* on 13 pages, the last one of 32 bytes */
    HOLES_PAGES = 13,
    HOLES_PAGE = 3,
    HOLES_SOUND = 9,  /* records before page 3: 192 bytes */
    HOLES_AFTER = 13, /* the first record behind it */
    HOLES_OTHER = STORY_SECTION + 1
};

#define LOST ".test_index.lost"

static uint64_t page_offset(uint64_t page)
{
    return COMMONWARE_V0 + page * STORY_PHYSICAL;
}

/* HOLES_RECORDS records, synced, and a page of them damaged. */
static void make_hole(story_t *story, uint64_t page)
{
    story_make(story, HOLES_RECORDS);
    spoil(story->index.text, page_offset(page) + 5);
}

static segj_status_t append_one(const story_t *story, uint64_t section, uint64_t id)
{
    uint8_t entry[SMALL_ENTRY];
    uint8_t value[STORY_VALUE];
    put_u64(entry, id);
    memset(value, (int)id, sizeof value);
    return oversized_append(story->journal, section, entry, value, sizeof value, NULL, NULL);
}

static void assert_sentence(const char *text)
{
    if (strstr(segj_last_error(), text) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", text, segj_last_error());
}

/* Every way in. */
static void check_refused(const story_t *story)
{
    uint8_t entry[SMALL_ENTRY] = {0};
    segj_slice_t piece = {"value", 5};
    oversized_record_t record = {entry, "value", 5};
    oversized_writer_t *writer = NULL;
    assert_status(append_one(story, STORY_SECTION, 1), SEGJ_ERR_CORRUPT);
    assert_sentence("test_index/0000000000000007");
    assert_sentence("index page 3 is damaged, and is not the last");
    assert_sentence("Rewind it to 9 records or fewer");
    assert_sentence("OVERSIZED_HOLE_CUT");
    assert_status(oversized_appendv(story->journal, STORY_SECTION, entry, &piece, 1, NULL, NULL), SEGJ_ERR_CORRUPT);
    assert_status(oversized_append_batch(story->journal, STORY_SECTION, &record, 1, NULL, NULL), SEGJ_ERR_CORRUPT);
    assert_status(oversized_writer_open(story->journal, STORY_SECTION, entry, 5, &writer), SEGJ_ERR_CORRUPT);
    assert_null(writer);
}

static void check_readable(const story_t *story)
{
    assert_int_equal(story_count(story, STORY_SECTION), HOLES_RECORDS);
    story_check(story, STORY_SECTION, 0, HOLES_SOUND - 1);
    story_check(story, STORY_SECTION, HOLES_AFTER, HOLES_RECORDS - 1);
    for (uint64_t i = HOLES_SOUND; i < HOLES_AFTER; i++)
        assert_status(oversized_get(story->journal, STORY_SECTION, i, NULL, NULL), SEGJ_ERR_CORRUPT);
}

/* --- refusing --- */

static void nothing_is_appended_and_reading_goes_on(void **state)
{
    story_t *story = *state;
    make_hole(story, HOLES_PAGE);
    path_t copy = join_path(story->root.text, "copy");
    copy_tree(story->directory.text, copy.text);
    for (int i = 0; i < 2; i++) {
        story_open(story);
        check_refused(story);
        check_refused(story);
        check_readable(story);
        assert_ok(oversized_sync(story->journal, STORY_SECTION));
        assert_ok(oversized_sync_all(story->journal));
        assert_ok(oversized_flush(story->journal, STORY_SECTION));
        assert_int_equal(oversized_recovery(story->journal)->synced_records_lost, 0);
        assert_ok(oversized_close(story->journal));
        story->journal = NULL;
        assert_trees_equal(story->directory.text, copy.text);
    }
    remove_tree(copy.text);
}

static void other_sections_go_on(void **state)
{
    story_t *story = *state;
    make_hole(story, HOLES_PAGE);
    story_open(story);
    check_refused(story);
    story_append(story, HOLES_OTHER, 0, 20);
    assert_ok(oversized_sync(story->journal, HOLES_OTHER));
    check_refused(story);
    story_append(story, HOLES_OTHER, 21, 30);
    assert_ok(oversized_sync_all(story->journal));
    story_drop(story);
    story_open(story);
    story_check(story, HOLES_OTHER, 0, 30);
    check_readable(story);
}

static void views_and_walks_show_what_can_be_read(void **state)
{
    story_t *story = *state;
    oversized_view_t view = {0};
    oversized_replay_t *replay;
    oversized_item_t item;
    uint64_t seen = 0;
    uint64_t damaged = 0;
    segj_status_t status;
    make_hole(story, HOLES_PAGE);
    story->config.map_values = true;
    story_open(story);
    check_refused(story);
    assert_ok(oversized_view(story->journal, STORY_SECTION, HOLES_RECORDS - 1, NULL, &view));
    check_refused(story); /* a view keeps nothing from being refused */
    oversized_view_release(&view);
    assert_ok(oversized_replay_open(story->journal, STORY_SECTION, 0, 1024, &replay));
    while ((status = oversized_replay_next(replay, &item)) != SEGJ_END) {
        seen += status == SEGJ_OK;
        damaged += status == SEGJ_ERR_CORRUPT;
    }
    oversized_replay_close(replay);
    assert_int_equal(seen, HOLES_RECORDS - (HOLES_AFTER - HOLES_SOUND));
    assert_true(damaged > 0);
}

/* What is as it should be is never refused, whatever its length is. */
static void sound_sections_are_appended_to(void **state)
{
    story_t *story = *state;
    for (uint64_t count = 1; count <= HOLES_RECORDS; count++) {
        story_make(story, count);
        for (uint64_t more = 0; more < 3; more++) {
            story_open(story);
            story_append(story, STORY_SECTION, count + more, count + more);
            assert_ok(oversized_sync(story->journal, STORY_SECTION));
            story_drop(story);
        }
        story_open(story);
        story_check(story, STORY_SECTION, 0, count + 2);
        story_drop(story);
        remove_tree(story->directory.text);
    }
}

/* Each page; the last one is no hole, because the section ends before it. */
static void every_page_before_the_last_counts(void **state)
{
    story_t *story = *state;
    for (uint64_t page = 0; page < HOLES_PAGES; page++) {
        char text[64];
        make_hole(story, page);
        story_open(story);
        segj_status_t status = append_one(story, STORY_SECTION, 1);
        assert_status(status, page + 1 < HOLES_PAGES ? SEGJ_ERR_CORRUPT : SEGJ_OK);
        (void)snprintf(text, sizeof text, "Rewind it to %d records", (int)(page * SMALL_PAGE / SMALL_RECORD));
        if (page + 1 < HOLES_PAGES)
            assert_sentence(text);
        story_drop(story);
        remove_tree(story->directory.text);
    }
}

/* A page that is valid in part, as one that was synced when it was not full and has lost its growth. */
static void a_page_that_is_valid_in_part_counts(void **state)
{
    story_t *story = *state;
    for (int cut = 0; cut < 2; cut++) {
        story_make(story, HOLES_RECORDS);
        bytes_t file = read_file(story->index.text);
        page_slot_t slot = plain_slot(file.data + page_offset(HOLES_PAGE), 30);
        uint8_t bytes[6];
        put_u16(bytes, slot.length);
        put_u32(bytes + 2, slot.checksum);
        write_file_at(story->index.text, page_offset(HOLES_PAGE) + SMALL_PAGE, bytes, sizeof bytes);
        free_bytes(&file);
        story->config.hole = cut ? OVERSIZED_HOLE_CUT : OVERSIZED_HOLE_REFUSE;
        story_open(story);
        if (cut) {
            assert_int_equal(story_count(story, STORY_SECTION), 11); /* 192 and 30 bytes */
            story_check(story, STORY_SECTION, 0, 10);
            story_append(story, STORY_SECTION, 11, 20);
            assert_ok(oversized_sync(story->journal, STORY_SECTION));
        } else {
            assert_status(append_one(story, STORY_SECTION, 1), SEGJ_ERR_CORRUPT);
            assert_sentence("Rewind it to 11 records");
            story_check(story, STORY_SECTION, 0, 10);
        }
        story_drop(story);
        remove_tree(story->directory.text);
    }
}

/* --- healing --- */

static void a_rewind_to_before_the_page_heals(void **state)
{
    story_t *story = *state;
    for (int looked = 0; looked < 2; looked++) {
        make_hole(story, HOLES_PAGE);
        story_open(story);
        if (looked)
            check_refused(story);
        assert_ok(oversized_rewind_section_to(story->journal, STORY_SECTION, HOLES_RECORDS - 1));
        assert_status(append_one(story, STORY_SECTION, 1), SEGJ_ERR_CORRUPT);
        assert_status(oversized_rewind_section_to(story->journal, STORY_SECTION, HOLES_SOUND + 1), SEGJ_ERR_CORRUPT);
        assert_ok(oversized_rewind_section_to(story->journal, STORY_SECTION, HOLES_SOUND));
        story_append(story, STORY_SECTION, HOLES_SOUND, HOLES_RECORDS - 1);
        assert_ok(oversized_sync(story->journal, STORY_SECTION));
        assert_ok(oversized_rewind_section_to(story->journal, STORY_SECTION, HOLES_AFTER));
        story_append(story, STORY_SECTION, HOLES_AFTER, HOLES_RECORDS);
        assert_ok(oversized_sync(story->journal, STORY_SECTION));
        story_drop(story);
        story->config.strict = true;
        story_open(story);
        story_check(story, STORY_SECTION, 0, HOLES_RECORDS);
        story_drop(story);
        story->config.strict = false;
        remove_tree(story->directory.text);
    }
}

/* It stays healed when it comes to rest and is woken again, with more records than the sound ones were. */
static void a_healed_section_may_rest(void **state)
{
    story_t *story = *state;
    make_hole(story, HOLES_PAGE);
    story->config.max_open_files = 4; /* one section at a time */
    story_open(story);
    check_refused(story);
    assert_ok(oversized_rewind_section_to(story->journal, STORY_SECTION, HOLES_SOUND));
    for (uint64_t i = HOLES_SOUND; i < HOLES_RECORDS; i++) {
        story_append(story, STORY_SECTION, i, i);
        story_append(story, HOLES_OTHER, i - HOLES_SOUND, i - HOLES_SOUND);
    }
    assert_ok(oversized_sync_all(story->journal));
    story_check(story, STORY_SECTION, 0, HOLES_RECORDS - 1);
}

static void a_prune_removes_it(void **state)
{
    story_t *story = *state;
    make_hole(story, HOLES_PAGE);
    story_open(story);
    check_refused(story);
    assert_ok(oversized_prune(story->journal, HOLES_OTHER, NULL));
    assert_false(path_exists(story->index.text));
    story_append(story, HOLES_OTHER, 0, 5);
    assert_ok(oversized_sync(story->journal, HOLES_OTHER));
}

/* A checkpoint says itself what stays: nothing is cut for the page, and behind it nothing is appended. */
static void a_checkpoint_stays_as_it_is(void **state)
{
    story_t *story = *state;
    for (int cut = 0; cut < 2; cut++) {
        oversized_checkpoint_t checkpoint = {0, STORY_SECTION, (HOLES_RECORDS - 2) * SMALL_RECORD};
        make_hole(story, HOLES_PAGE);
        story->config.checkpoint = &checkpoint;
        story->config.hole = cut ? OVERSIZED_HOLE_CUT : OVERSIZED_HOLE_REFUSE;
        story_open(story);
        assert_int_equal(story_count(story, STORY_SECTION), HOLES_RECORDS - 2);
        check_refused(story);
        story_drop(story);
        checkpoint.index_size = HOLES_SOUND * SMALL_RECORD;
        story_open(story);
        story_append(story, STORY_SECTION, HOLES_SOUND, HOLES_AFTER);
        assert_ok(oversized_sync(story->journal, STORY_SECTION));
        story_drop(story);
        story->config.checkpoint = NULL;
        story_open(story);
        story_check(story, STORY_SECTION, 0, HOLES_AFTER);
        story_drop(story);
        remove_tree(story->directory.text);
    }
}

/* --- strict, and reading alone --- */

/* A power cut amid appends may leave it: nothing is known to be lost. But what would be cut counts as lost. */
static void strict_finds_the_page_where_it_would_be_cut(void **state)
{
    story_t *story = *state;
    make_hole(story, HOLES_PAGE);
    story->config.strict = true;
    story_open(story);
    check_refused(story);
    story_drop(story);
    story->config.hole = OVERSIZED_HOLE_CUT;
    story_refuse(story, SEGJ_ERR_CORRUPT, "of its 40 records those before record 9 are sound");
    assert_sentence("cuts the others");
    /* What a checkpoint does without is no matter. */
    oversized_checkpoint_t checkpoint = {0, STORY_SECTION, HOLES_SOUND * SMALL_RECORD};
    story->config.checkpoint = &checkpoint;
    story_open(story);
    story_append(story, STORY_SECTION, HOLES_SOUND, HOLES_RECORDS);
    assert_ok(oversized_sync(story->journal, STORY_SECTION));
    story_drop(story);
    story->config.checkpoint = NULL;
    story_open(story);
    story_check(story, STORY_SECTION, 0, HOLES_RECORDS);
}

static void reading_alone_shows_what_an_open_would_leave(void **state)
{
    story_t *story = *state;
    make_hole(story, HOLES_PAGE);
    path_t copy = join_path(story->root.text, "copy");
    copy_tree(story->directory.text, copy.text);
    story->config.read_only = true;
    story_open(story);
    check_readable(story);
    assert_status(append_one(story, STORY_SECTION, 1), SEGJ_ERR_READ_ONLY);
    story_drop(story);
    story->config.hole = OVERSIZED_HOLE_CUT;
    story_open(story);
    const oversized_recovery_t *found = oversized_recovery(story->journal);
    assert_int_equal(story_count(story, STORY_SECTION), HOLES_SOUND);
    assert_int_equal(found->synced_records_lost, HOLES_RECORDS - HOLES_SOUND);
    assert_int_equal(found->sections_damaged, 1);
    assert_true(found->index_bytes_truncated > 0);
    assert_null(found->quarantine);
    story_drop(story);
    assert_trees_equal(story->directory.text, copy.text);
    remove_tree(copy.text);
}

/* --- ending before it --- */

static void check_item(const story_t *story, const char *kind, const bytes_t *before, uint64_t offset)
{
    char name[96];
    (void)snprintf(name, sizeof name, "%016x.%s.0.%llu", (unsigned)STORY_SECTION, kind, (unsigned long long)offset);
    bytes_t item = read_file(join_path(join_path(story->directory.text, LOST).text, name).text);
    assert_int_equal(item.size, before->size - offset);
    assert_memory_equal(item.data, before->data + offset, item.size);
    free_bytes(&item);
}

static void asked_to_it_ends_before_the_page_and_sets_aside(void **state)
{
    story_t *story = *state;
    make_hole(story, HOLES_PAGE);
    bytes_t index = read_file(story->index.text);
    bytes_t values = read_file(story->values.text);
    story->config.hole = OVERSIZED_HOLE_CUT;
    story_open(story);
    const oversized_recovery_t *found = oversized_recovery(story->journal);
    assert_int_equal(found->synced_records_lost, HOLES_RECORDS - HOLES_SOUND);
    assert_int_equal(found->records_dropped, 0);
    assert_int_equal(found->unacknowledged_records, HOLES_RECORDS - HOLES_SOUND);
    assert_int_equal(file_size(story->index.text), page_offset(HOLES_PAGE));
    assert_int_equal(file_size(story->values.text), COMMONWARE_V0 + HOLES_SOUND * STORY_FRAME);
    check_item(story, "index", &index, page_offset(HOLES_SOUND * SMALL_RECORD / SMALL_PAGE));
    check_item(story, "values", &values, COMMONWARE_V0 + HOLES_SOUND * STORY_FRAME);
    story_append(story, STORY_SECTION, HOLES_SOUND, HOLES_SOUND + 5);
    assert_ok(oversized_sync(story->journal, STORY_SECTION));
    story_drop(story);

    story->config.hole = OVERSIZED_HOLE_REFUSE; /* later opens go on telling of it */
    story_open(story);
    story_check(story, STORY_SECTION, 0, HOLES_SOUND + 5);
    assert_int_equal(oversized_recovery(story->journal)->synced_records_lost, 0);
    assert_int_equal(oversized_recovery(story->journal)->unacknowledged_records, HOLES_RECORDS - HOLES_SOUND);
    assert_ok(oversized_acknowledge_losses(story->journal));
    story_drop(story);
    story_open(story);
    assert_int_equal(oversized_recovery(story->journal)->unacknowledged_records, 0);
    assert_true(oversized_recovery(story->journal)->quarantine_bytes > 0);
    assert_ok(oversized_discard_quarantine(story->journal));
    assert_false(path_exists(join_path(story->directory.text, LOST).text));
    story_append(story, STORY_SECTION, HOLES_SOUND + 6, HOLES_SOUND + 6);
    assert_ok(oversized_destroy(story->journal));
    story->journal = NULL;
    free_bytes(&values);
    free_bytes(&index);
}

/* What was written back at its offsets gives the section back as it was. */
static void without_a_bound_nothing_is_set_aside(void **state)
{
    story_t *story = *state;
    make_hole(story, HOLES_PAGE);
    story->config.hole = OVERSIZED_HOLE_CUT;
    story->config.quarantine = 0;
    story_open(story);
    assert_int_equal(story_count(story, STORY_SECTION), HOLES_SOUND);
    assert_int_equal(oversized_recovery(story->journal)->quarantine_bytes, 0);
    assert_true(oversized_recovery(story->journal)->unacknowledged_bytes_missed > 0);
    assert_ok(oversized_destroy(story->journal));
    story->journal = NULL;
    assert_false(path_exists(join_path(story->directory.text, LOST).text));
}

/* From the page the end is looked for as from any end: with the last value's checksum where that counts. */
static void the_values_decide_from_the_page_backwards(void **state)
{
    story_t *story = *state;
    make_hole(story, HOLES_PAGE);
    spoil(story->values.text, COMMONWARE_V0 + (HOLES_SOUND - 1) * STORY_FRAME + 3);
    story->config.hole = OVERSIZED_HOLE_CUT;
    story->config.verify = OVERSIZED_VERIFY_TAIL;
    story_open(story);
    assert_int_equal(story_count(story, STORY_SECTION), HOLES_SOUND - 1);
    assert_int_equal(oversized_recovery(story->journal)->synced_records_lost, HOLES_RECORDS - HOLES_SOUND + 1);
    story_check(story, STORY_SECTION, 0, HOLES_SOUND - 2);
}

/* The first of several pages counts, in each section by itself; a section without one stays as it is. */
static void each_section_ends_before_its_first(void **state)
{
    story_t *story = *state;
    story_open(story);
    for (uint64_t section = STORY_SECTION; section < STORY_SECTION + 3; section++)
        story_append(story, section, 0, HOLES_RECORDS - 1);
    assert_ok(oversized_sync_all(story->journal));
    story_drop(story);
    path_t other = section_path(story->directory.text, story->config.index_partition, HOLES_OTHER);
    spoil(story->index.text, page_offset(HOLES_PAGE) + 5);
    spoil(story->index.text, page_offset(HOLES_PAGE + 4) + 5);
    spoil(other.text, page_offset(0) + 5);
    story->config.hole = OVERSIZED_HOLE_CUT;
    story_open(story);
    assert_int_equal(story_count(story, STORY_SECTION), HOLES_SOUND);
    assert_int_equal(story_count(story, HOLES_OTHER), 0);
    assert_int_equal(story_count(story, HOLES_OTHER + 1), HOLES_RECORDS);
    assert_int_equal(oversized_recovery(story->journal)->sections_damaged, 2);
    assert_int_equal(oversized_recovery(story->journal)->sections_repaired, 2);
    story_append(story, STORY_SECTION, HOLES_SOUND, HOLES_RECORDS);
    story_append(story, HOLES_OTHER, 0, HOLES_RECORDS);
    story_append(story, HOLES_OTHER + 1, HOLES_RECORDS, HOLES_RECORDS + 1);
    assert_ok(oversized_sync_all(story->journal));
}

/* An index of many windows, with a page far in. */
static void a_page_is_found_in_a_long_index(void **state)
{
    story_t *story = *state;
    enum { MANY = 30000, FAR = 7000 };
    story_open(story);
    uint8_t entry[SMALL_ENTRY] = {0};
    for (int i = 0; i < MANY; i++)
        assert_ok(oversized_append(story->journal, STORY_SECTION, entry, NULL, 0, NULL, NULL));
    assert_ok(oversized_sync(story->journal, STORY_SECTION));
    story_drop(story);
    story_open(story);
    assert_ok(oversized_append(story->journal, STORY_SECTION, entry, NULL, 0, NULL, NULL));
    story_drop(story);
    spoil(story->index.text, page_offset(FAR) + 5);
    story_open(story);
    assert_status(append_one(story, STORY_SECTION, 1), SEGJ_ERR_CORRUPT);
    assert_sentence("index page 7000 is damaged");
    story_drop(story);
    story->config.hole = OVERSIZED_HOLE_CUT;
    story_open(story);
    assert_int_equal(story_count(story, STORY_SECTION), FAR * SMALL_PAGE / SMALL_RECORD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(nothing_is_appended_and_reading_goes_on),
        STORY(other_sections_go_on),
        STORY(views_and_walks_show_what_can_be_read),
        STORY(sound_sections_are_appended_to),
        STORY(every_page_before_the_last_counts),
        STORY(a_page_that_is_valid_in_part_counts),
        STORY(a_rewind_to_before_the_page_heals),
        STORY(a_healed_section_may_rest),
        STORY(a_prune_removes_it),
        STORY(a_checkpoint_stays_as_it_is),
        STORY(strict_finds_the_page_where_it_would_be_cut),
        STORY(reading_alone_shows_what_an_open_would_leave),
        STORY(asked_to_it_ends_before_the_page_and_sets_aside),
        STORY(without_a_bound_nothing_is_set_aside),
        STORY(the_values_decide_from_the_page_backwards),
        STORY(each_section_ends_before_its_first),
        STORY(a_page_is_found_in_a_long_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
