/*
 * promises/test_replay_back.c: what a replay promises that was opened backwards: the records that existed then, newest
 * first, section by section down to the oldest; the same definite answers as a walk forwards when they are taken away
 * beneath it; a damaged page once; and values read ahead in the direction of the walk.
 */
#include "promises/fixture.h"

#include <string.h>

#include "promises/watch.h"

enum { PHYSICAL_PAGE = SMALL_PAGE + PAGE_CHECKSUMS, MANY = 300 };

static oversized_replay_t *begin(fixture_t *f, uint64_t section, uint64_t position, size_t buffer)
{
    oversized_replay_t *replay = NULL;
    assert_ok(oversized_replay_open_back(f->journal, section, position, buffer, &replay));
    assert_non_null(replay);
    return replay;
}

/* The next records are the samples of the section from `last` - 1 down to `first`. */
static void yields(fixture_t *f, oversized_replay_t *replay, uint64_t section, uint64_t last, uint64_t first)
{
    oversized_item_t item;
    for (uint64_t position = last; position-- > first;) {
        memset(&item, 0, sizeof item);
        assert_ok(oversized_replay_next(replay, &item));
        check_item(f->journal, &item, section, position, 0);
    }
}

static void yields_values(fixture_t *f, oversized_replay_t *replay, uint64_t section, uint64_t last, uint64_t first)
{
    for (uint64_t position = last; position-- > first;) {
        yields(f, replay, section, position + 1, position);
        check_replay_value(replay, section, position, 0);
    }
}

static void ends(oversized_replay_t *replay)
{
    oversized_item_t item;
    assert_status(oversized_replay_next(replay, &item), SEGJ_END);
    assert_status(oversized_replay_next(replay, &item), SEGJ_END);
    oversized_replay_close(replay);
}

/* The walk is broken, for good; it can be closed. */
static void breaks(oversized_replay_t *replay, segj_status_t status)
{
    oversized_item_t item;
    for (int i = 0; i < 3; i++)
        assert_status(oversized_replay_next(replay, &item), status);
    oversized_replay_close(replay);
}

static void refuses(fixture_t *f, uint64_t section, uint64_t position, segj_status_t status)
{
    oversized_replay_t *replay = (oversized_replay_t *)(void *)f;
    assert_status(oversized_replay_open_back(f->journal, section, position, 1024, &replay), status);
    assert_null(replay);
}

/* Sections 2, 5 and 9 with 30, 1 and 40 samples. */
static void open_three(fixture_t *f)
{
    open_journal(f);
    append_samples(f->journal, 5, 1, 0);
    append_samples(f->journal, 9, 40, 0);
    append_samples(f->journal, 2, 30, 0);
}

static void yields_all(fixture_t *f, oversized_replay_t *replay)
{
    yields(f, replay, 9, 40, 0);
    yields(f, replay, 5, 1, 0);
    yields(f, replay, 2, 30, 0);
    ends(replay);
}

/* --- order and beginning --- */

static void test_the_newest_record_comes_first(void **state)
{
    fixture_t *f = *state;
    open_three(f);
    yields_all(f, begin(f, UINT64_MAX, OVERSIZED_END, 1024));
    yields_all(f, begin(f, UINT64_MAX, 0, 1024));
    yields_all(f, begin(f, 9, OVERSIZED_END, 1024));
    yields_all(f, begin(f, 9, 40, 1024));
}

static void test_a_walk_may_begin_below_any_record(void **state)
{
    fixture_t *f = *state;
    open_three(f);
    for (uint64_t position = 0; position <= 40; position++) {
        oversized_replay_t *replay = begin(f, 9, position, 200);
        yields(f, replay, 9, position, 0);
        yields(f, replay, 5, 1, 0);
        yields(f, replay, 2, 30, 0);
        ends(replay);
    }
}

static void test_below_the_first_record_comes_the_section_before(void **state)
{
    fixture_t *f = *state;
    open_three(f);
    oversized_replay_t *replay = begin(f, 5, 0, 1024);
    yields(f, replay, 2, 30, 0);
    ends(replay);
    ends(begin(f, 2, 0, 1024));
}

static void test_a_walk_from_beyond_the_count_is_refused(void **state)
{
    fixture_t *f = *state;
    open_three(f);
    refuses(f, 2, 31, SEGJ_ERR_NO_RECORD);
    refuses(f, 9, 41, SEGJ_ERR_NO_RECORD);
    refuses(f, 9, OVERSIZED_END - 1, SEGJ_ERR_NO_RECORD);
    refuses(f, 9, UINT64_MAX / SMALL_RECORD + 1, SEGJ_ERR_NO_RECORD);
}

static void test_a_missing_start_section_begins_at_the_end_of_the_one_below(void **state)
{
    fixture_t *f = *state;
    open_three(f);
    oversized_replay_t *replay = begin(f, 8, 0, 1024);
    yields(f, replay, 5, 1, 0);
    yields(f, replay, 2, 30, 0);
    ends(replay);
    replay = begin(f, 4, OVERSIZED_END, 1024);
    yields(f, replay, 2, 30, 0);
    ends(replay);
    ends(begin(f, 1, 0, 1024));
    ends(begin(f, 0, OVERSIZED_END, 1024));
    refuses(f, 8, 1, SEGJ_ERR_NO_RECORD);
    refuses(f, 0, 1, SEGJ_ERR_NO_RECORD);
    refuses(f, UINT64_MAX, 1, SEGJ_ERR_NO_RECORD);
}

static void test_a_walk_over_an_empty_journal_ends_at_once(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    ends(begin(f, UINT64_MAX, OVERSIZED_END, 1024));
    ends(begin(f, 0, 0, 1024));
    refuses(f, 0, 1, SEGJ_ERR_NO_RECORD);
}

static void test_sections_0_and_the_largest(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 0, 3, 0);
    append_samples(f->journal, UINT64_MAX, 3, 0);
    oversized_replay_t *replay = begin(f, UINT64_MAX, OVERSIZED_END, 1024);
    yields(f, replay, UINT64_MAX, 3, 0);
    yields(f, replay, 0, 3, 0);
    ends(replay);
}

static void test_empty_sections_are_passed_over(void **state)
{
    fixture_t *f = *state;
    open_three(f);
    assert_ok(oversized_rewind_section(f->journal, 5, 0));
    oversized_replay_t *replay = begin(f, 9, 1, 1024);
    yields(f, replay, 9, 1, 0);
    yields(f, replay, 2, 30, 0);
    ends(replay);
    replay = begin(f, 5, OVERSIZED_END, 1024);
    yields(f, replay, 2, 30, 0);
    ends(replay);
    refuses(f, 5, 1, SEGJ_ERR_NO_RECORD);
}

static void test_a_pruned_start_section(void **state)
{
    fixture_t *f = *state;
    open_three(f);
    assert_ok(oversized_prune(f->journal, 5, NULL));
    ends(begin(f, 2, 0, 1024));
    ends(begin(f, 4, OVERSIZED_END, 1024));
    refuses(f, 2, 1, SEGJ_ERR_PRUNED);
    refuses(f, 4, 30, SEGJ_ERR_PRUNED);
    oversized_replay_t *replay = begin(f, UINT64_MAX, OVERSIZED_END, 1024);
    yields(f, replay, 9, 40, 0);
    yields(f, replay, 5, 1, 0);
    ends(replay);
}

static void test_null_arguments(void **state)
{
    fixture_t *f = *state;
    oversized_replay_t *replay = (oversized_replay_t *)(void *)f;
    open_three(f);
    assert_status(oversized_replay_open_back(NULL, 0, 0, 0, &replay), SEGJ_ERR_INVALID);
    assert_null(replay);
    assert_status(oversized_replay_open_back(f->journal, 0, 0, 0, NULL), SEGJ_ERR_INVALID);
}

/* --- wherever the bytes are, however much is read in one go --- */

static void walk_with_every_buffer(fixture_t *f)
{
    static const size_t buffers[] = {0,       1, PHYSICAL_PAGE - 1, PHYSICAL_PAGE, PHYSICAL_PAGE + 1, 3 * PHYSICAL_PAGE,
                                     1u << 20};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) {
        yields_all(f, begin(f, UINT64_MAX, OVERSIZED_END, buffers[i]));
        oversized_replay_t *replay = begin(f, UINT64_MAX, OVERSIZED_END, buffers[i]);
        yields_values(f, replay, 9, 40, 0);
        yields_values(f, replay, 5, 1, 0);
        yields_values(f, replay, 2, 30, 0);
        ends(replay);
    }
}

static void test_records_in_buffers_are_yielded(void **state)
{
    fixture_t *f = *state;
    f->config.index_write_buffer = f->config.value_write_buffer = (size_t)1 << 20;
    open_three(f);
    walk_with_every_buffer(f);
}

static void test_records_partly_in_buffers_are_yielded(void **state)
{
    fixture_t *f = *state;
    f->config.index_write_buffer = f->config.value_write_buffer = 4 * PHYSICAL_PAGE;
    open_three(f);
    assert_true(file_size(index_path(f, 9).text) > tested_index_data());
    walk_with_every_buffer(f);
    assert_ok(oversized_sync(f->journal, 9));
    walk_with_every_buffer(f);
}

static void test_synced_and_reopened_records_are_yielded(void **state)
{
    fixture_t *f = *state;
    open_three(f);
    assert_ok(oversized_sync_all(f->journal));
    walk_with_every_buffer(f);
    close_and_open(f);
    walk_with_every_buffer(f);
    close_journal(f);
    f->config.read_only = true;
    open_journal(f);
    walk_with_every_buffer(f);
}

static void test_compressed_values_are_given(void **state)
{
    fixture_t *f = *state;
    f->config.compression = 3;
    open_three(f);
    walk_with_every_buffer(f);
    close_and_open(f);
    walk_with_every_buffer(f);
}

/* Records of 112 bytes on pages of 7: each lies in sixteen or seventeen. */
static void test_records_longer_than_a_page_are_yielded(void **state)
{
    fixture_t *f = *state;
    static const size_t buffers[] = {0, 40, 1000, 1u << 20};
    f->config.entry_size = 100;
    f->config.page_size = 7;
    open_journal(f);
    append_samples(f->journal, 1, 20, 0);
    for (int opened = 0; opened < 2; opened++) {
        for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) {
            oversized_replay_t *replay = begin(f, 1, OVERSIZED_END, buffers[i]);
            yields(f, replay, 1, 20, 0);
            ends(replay);
            replay = begin(f, 1, 13, buffers[i]);
            yields(f, replay, 1, 13, 0);
            ends(replay);
        }
        close_and_open(f);
    }
}

/* Each of two walks, in opposite directions, has what it reads to itself; appends and syncs beside them change
 * nothing. */
static void test_walks_do_not_disturb_each_other(void **state)
{
    fixture_t *f = *state;
    open_three(f);
    oversized_replay_t *back = begin(f, 9, OVERSIZED_END, 100);
    oversized_replay_t *forth = NULL;
    assert_ok(oversized_replay_open(f->journal, 9, 0, 100, &forth));
    for (uint64_t i = 0; i < 40; i++) {
        oversized_item_t item;
        yields(f, back, 9, 40 - i, 39 - i);
        check_replay_value(back, 9, 39 - i, 0);
        assert_ok(oversized_replay_next(forth, &item));
        check_item(f->journal, &item, 9, i, 0);
        append_sample(f->journal, 9, 0);
        if (i % 8 == 0)
            assert_ok(oversized_sync(f->journal, 9));
    }
    oversized_replay_close(forth);
    yields(f, back, 5, 1, 0);
    oversized_replay_close(back);
}

/* --- how often it reads --- */

/* Reads of the storage that one walk over everything makes. */
static uint64_t reads_of(fixture_t *f, bool back, bool values, size_t buffer)
{
    oversized_replay_t *replay = NULL;
    oversized_item_t item;
    const void *value;
    size_t size;
    uint64_t before = watch_seen()->reads;
    if (back)
        assert_ok(oversized_replay_open_back(f->journal, UINT64_MAX, OVERSIZED_END, buffer, &replay));
    else
        assert_ok(oversized_replay_open(f->journal, 0, 0, buffer, &replay));
    while (oversized_replay_next(replay, &item) == SEGJ_OK)
        if (values)
            assert_ok(oversized_replay_value(replay, &value, &size));
    oversized_replay_close(replay);
    return watch_seen()->reads - before;
}

/* Where reading begins differs, and with it which records and frames are cut by what is read: of two walks over three
 * sections one may need a read more for each. */
static void test_it_reads_as_seldom_as_a_walk_forwards(void **state)
{
    fixture_t *f = *state;
    static const size_t buffers[] = {0, PHYSICAL_PAGE, 3 * PHYSICAL_PAGE, 1000, 4096, 1u << 20};
    open_journal(f);
    for (uint64_t section = 1; section <= 3; section++)
        append_samples(f->journal, section, MANY, 0);
    close_and_open(f);
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) {
        assert_int_equal(reads_of(f, true, false, buffers[i]), reads_of(f, false, false, buffers[i]));
        uint64_t forth = reads_of(f, false, true, buffers[i]);
        assert_in_range(reads_of(f, true, true, buffers[i]), 1, forth + forth / 20 + 3);
    }
    assert_int_equal(reads_of(f, true, false, 1u << 20), 3);
    assert_int_equal(reads_of(f, true, true, 1u << 20), 9); /* each section's index, its last value, the others */
}

/* Reading ahead would read what nobody wants. */
static void test_values_asked_for_here_and_there_are_read_alone(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, MANY, 0);
    close_and_open(f);
    oversized_replay_t *replay = begin(f, 1, OVERSIZED_END, 1u << 20);
    for (uint64_t position = MANY; position-- > 0;) {
        oversized_item_t item;
        uint64_t before = watch_seen()->reads;
        assert_ok(oversized_replay_next(replay, &item));
        if (position % 50 != 0)
            continue;
        check_replay_value(replay, 1, position, 0);
        assert_int_equal(watch_seen()->reads - before, 1);
    }
    oversized_replay_close(replay);
}

/* --- what happens beneath it --- */

/* The journal afresh, its records in memory or, opened again, in files of which all is read ahead. Gives the buffer. */
static size_t open_three_anew(fixture_t *f, bool in_files)
{
    if (f->journal != NULL)
        close_journal(f);
    remove_tree(f->directory.text);
    open_three(f);
    if (in_files)
        close_and_open(f);
    return in_files ? 1u << 20 : 0;
}

static void test_records_appended_later_are_not_yielded(void **state)
{
    fixture_t *f = *state;
    for (int in_files = 0; in_files < 2; in_files++) {
        size_t buffer = open_three_anew(f, in_files == 1);
        oversized_replay_t *replay = begin(f, UINT64_MAX, OVERSIZED_END, buffer);
        append_samples(f->journal, 9, 5, 0);
        append_samples(f->journal, 12, 5, 0);
        yields(f, replay, 9, 40, 20);
        append_samples(f->journal, 2, 50, 0);
        append_samples(f->journal, 5, 50, 0);
        append_samples(f->journal, 3, 1, 0);
        assert_ok(oversized_sync_all(f->journal));
        yields(f, replay, 9, 20, 0);
        yields(f, replay, 5, 1, 0);
        yields(f, replay, 2, 30, 0);
        ends(replay);
    }
}

static void test_a_section_pruned_beneath_the_walk(void **state)
{
    fixture_t *f = *state;
    for (int in_files = 0; in_files < 2; in_files++) {
        size_t buffer = open_three_anew(f, in_files == 1);
        oversized_replay_t *replay = begin(f, 5, OVERSIZED_END, buffer);
        yields(f, replay, 5, 1, 0);
        yields(f, replay, 2, 30, 25);
        assert_ok(oversized_prune(f->journal, 3, NULL));
        breaks(replay, SEGJ_ERR_PRUNED);
    }
}

static void test_a_section_pruned_before_the_walk_gets_there(void **state)
{
    fixture_t *f = *state;
    open_three(f);
    oversized_replay_t *replay = begin(f, 9, 3, 1024);
    assert_ok(oversized_prune(f->journal, 9, NULL));
    yields(f, replay, 9, 3, 0);
    breaks(replay, SEGJ_ERR_PRUNED);
    check_section(f->journal, 9, 40, 0);
}

static void test_a_section_rewound_beneath_the_walk(void **state)
{
    fixture_t *f = *state;
    for (int in_files = 0; in_files < 2; in_files++) {
        size_t buffer = open_three_anew(f, in_files == 1);
        oversized_replay_t *replay = begin(f, 9, OVERSIZED_END, buffer);
        yields_values(f, replay, 9, 40, 38);
        yields(f, replay, 9, 38, 37);
        assert_ok(oversized_rewind_section(f->journal, 9, 10 * SMALL_RECORD));
        /* Other records take the places of those that went, and more: they are not what existed then. */
        append_samples(f->journal, 9, 100, 1);
        const void *value = f;
        size_t size = 77;
        assert_status(oversized_replay_value(replay, &value, &size),
                      in_files == 1 ? SEGJ_OK : SEGJ_ERR_NO_RECORD); /* it was read ahead, or not */
        breaks(replay, SEGJ_ERR_NO_RECORD);
    }
}

static void test_a_section_removed_and_made_again_beneath_the_walk(void **state)
{
    fixture_t *f = *state;
    for (int in_files = 0; in_files < 2; in_files++) {
        size_t buffer = open_three_anew(f, in_files == 1);
        oversized_replay_t *replay = begin(f, 9, OVERSIZED_END, buffer);
        yields(f, replay, 9, 40, 35);
        assert_ok(oversized_rewind(f->journal, 5, SMALL_RECORD));
        append_samples(f->journal, 9, 40, 1);
        breaks(replay, SEGJ_ERR_NO_RECORD);
    }
}

static void test_an_earlier_section_rewound_before_the_walk_gets_there(void **state)
{
    fixture_t *f = *state;
    open_three(f);
    oversized_replay_t *replay = begin(f, 9, 4, 0);
    yields(f, replay, 9, 4, 2);
    assert_ok(oversized_rewind_section(f->journal, 2, 10 * SMALL_RECORD));
    yields(f, replay, 9, 2, 0);
    yields(f, replay, 5, 1, 0);
    breaks(replay, SEGJ_ERR_NO_RECORD);
}

static void test_changes_of_other_sections_do_not_disturb_the_walk(void **state)
{
    fixture_t *f = *state;
    for (int in_files = 0; in_files < 2; in_files++) {
        size_t buffer = open_three_anew(f, in_files == 1);
        append_samples(f->journal, 12, 3, 0);
        append_samples(f->journal, 0, 3, 0);
        oversized_replay_t *replay = begin(f, UINT64_MAX, OVERSIZED_END, buffer);
        yields(f, replay, 12, 3, 0);
        yields(f, replay, 9, 40, 0);
        yields(f, replay, 5, 1, 0);
        yields(f, replay, 2, 30, 20);
        assert_ok(oversized_rewind(f->journal, 5, SMALL_RECORD));              /* 9 and 12 are passed */
        assert_ok(oversized_rewind_section(f->journal, 5, 0));                 /* passed */
        assert_ok(oversized_rewind_section(f->journal, 2, 30 * SMALL_RECORD)); /* as long as it is */
        yields(f, replay, 2, 20, 0);
        yields(f, replay, 0, 3, 0);
        ends(replay);
    }
}

/* --- damage --- */

static void damage_page(const fixture_t *f, uint64_t section, uint64_t page)
{
    uint64_t physical = (uint64_t)f->config.page_size + PAGE_CHECKSUMS;
    flip_byte(index_path(f, section).text, tested_index_data() + page * physical);
}

static void yields_damage(oversized_replay_t *replay, uint64_t section, uint64_t position)
{
    oversized_item_t item = {77, 77, "", {77, 77}};
    assert_status(oversized_replay_next(replay, &item), SEGJ_ERR_CORRUPT);
    assert_int_equal(item.section, section);
    assert_int_equal(item.position, position);
    assert_null(item.entry);
}

/* Pages of 64 bytes, records of 20: page 0 has records 0 to 3, page 2 (128 to 191) has 6 to 9, page 6 (384 to 447)
 * 19 to 22. */
static void test_a_damaged_page_is_reported_once_and_the_walk_goes_on_below_it(void **state)
{
    not_in_version_2();
    fixture_t *f = *state;
    static const size_t buffers[] = {0, 2 * PHYSICAL_PAGE, 1u << 20};
    open_three(f);
    close_journal(f);
    damage_page(f, 2, 0);
    damage_page(f, 2, 2);
    damage_page(f, 2, 6);
    open_journal(f);
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) {
        oversized_replay_t *replay = begin(f, 2, OVERSIZED_END, buffers[i]);
        yields(f, replay, 2, 30, 23);
        yields_damage(replay, 2, 22);
        yields(f, replay, 2, 19, 10);
        yields_damage(replay, 2, 9);
        yields(f, replay, 2, 6, 4);
        yields_damage(replay, 2, 3);
        ends(replay);
    }
}

/* The page is good as it was at its last sync but one: what it held then can still be read, from either side. Page 8
 * has bytes 512 to 575: the end of record 25, records 26 and 27, and the beginning of 28. */
static void test_what_a_damaged_page_still_holds_is_yielded(void **state)
{
    not_in_version_2();
    fixture_t *f = *state;
    static const size_t buffers[] = {0, 2 * PHYSICAL_PAGE, 1u << 20};
    open_journal(f);
    append_samples(f->journal, 2, 26, 0);
    assert_ok(oversized_sync(f->journal, 2));
    append_samples(f->journal, 2, 14, 0);
    close_journal(f);
    flip_byte(index_path(f, 2).text, tested_index_data() + (uint64_t)8 * PHYSICAL_PAGE + 30);
    open_journal(f);
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) {
        oversized_replay_t *replay = begin(f, 2, OVERSIZED_END, buffers[i]);
        yields(f, replay, 2, 40, 29);
        yields_damage(replay, 2, 28);
        yields(f, replay, 2, 26, 0);
        ends(replay);
    }
    check_sample(f->journal, 2, 25, 0);
    assert_status(oversized_get(f->journal, 2, 26, NULL, NULL), SEGJ_ERR_CORRUPT);
}

static void test_a_walk_may_begin_in_a_damaged_page(void **state)
{
    not_in_version_2();
    fixture_t *f = *state;
    open_three(f);
    close_journal(f);
    damage_page(f, 2, 2);
    open_journal(f);
    for (uint64_t position = 7; position <= 10; position++) {
        oversized_replay_t *replay = begin(f, 2, position, 1024);
        yields_damage(replay, 2, position - 1);
        yields(f, replay, 2, 6, 0);
        ends(replay);
    }
}

static void test_below_a_damaged_first_page_comes_the_section_before(void **state)
{
    not_in_version_2();
    fixture_t *f = *state;
    open_three(f);
    close_journal(f);
    damage_page(f, 9, 0);
    open_journal(f);
    oversized_replay_t *replay = begin(f, 9, OVERSIZED_END, 1024);
    yields(f, replay, 9, 40, 4);
    yields_damage(replay, 9, 3);
    yields(f, replay, 5, 1, 0);
    yields(f, replay, 2, 30, 0);
    ends(replay);
}

/* A record of 112 bytes lies in many pages of 7: it is lost with any of them, and once. */
static void test_a_record_longer_than_a_page_is_lost_with_one_of_its_pages(void **state)
{
    not_in_version_2();
    fixture_t *f = *state;
    f->config.entry_size = 100;
    f->config.page_size = 7;
    open_journal(f);
    append_samples(f->journal, 1, 10, 0);
    close_journal(f);
    damage_page(f, 1, 3 * 16);     /* 336 to 342: within record 3, which is 336 to 447 */
    damage_page(f, 1, 5 * 16 + 9); /* within record 5, 560 to 671 */
    open_journal(f);
    oversized_replay_t *replay = begin(f, 1, OVERSIZED_END, 1024);
    yields(f, replay, 1, 10, 6);
    yields_damage(replay, 1, 5);
    yields(f, replay, 1, 5, 4);
    yields_damage(replay, 1, 3);
    yields(f, replay, 1, 3, 0);
    ends(replay);
}

static void test_the_walk_goes_on_below_a_damaged_value(void **state)
{
    fixture_t *f = *state;
    oversized_location_t location;
    open_journal(f);
    append_samples(f->journal, 1, 30, 0);
    assert_ok(oversized_get(f->journal, 1, 7, NULL, &location));
    close_journal(f);
    flip_byte(values_path(f, 1).text, tested_values_data() + tested_head(SMALL_ENTRY) + location.offset);
    open_journal(f);
    for (size_t buffer = 1; buffer < 10000; buffer *= 100) {
        oversized_replay_t *replay = begin(f, 1, OVERSIZED_END, buffer);
        for (uint64_t position = 30; position-- > 0;) {
            oversized_item_t item;
            const void *value;
            size_t size;
            assert_ok(oversized_replay_next(replay, &item));
            if (position == 7)
                assert_status(oversized_replay_value(replay, &value, &size), SEGJ_ERR_CHECKSUM);
            else
                check_replay_value(replay, 1, position, 0);
        }
        ends(replay);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(test_the_newest_record_comes_first),
        PROMISE(test_a_walk_may_begin_below_any_record),
        PROMISE(test_below_the_first_record_comes_the_section_before),
        PROMISE(test_a_walk_from_beyond_the_count_is_refused),
        PROMISE(test_a_missing_start_section_begins_at_the_end_of_the_one_below),
        PROMISE(test_a_walk_over_an_empty_journal_ends_at_once),
        PROMISE(test_sections_0_and_the_largest),
        PROMISE(test_empty_sections_are_passed_over),
        PROMISE(test_a_pruned_start_section),
        PROMISE(test_null_arguments),
        PROMISE(test_records_in_buffers_are_yielded),
        PROMISE(test_records_partly_in_buffers_are_yielded),
        PROMISE(test_synced_and_reopened_records_are_yielded),
        PROMISE(test_compressed_values_are_given),
        PROMISE(test_records_longer_than_a_page_are_yielded),
        PROMISE(test_walks_do_not_disturb_each_other),
        PROMISE(test_it_reads_as_seldom_as_a_walk_forwards),
        PROMISE(test_values_asked_for_here_and_there_are_read_alone),
        PROMISE(test_records_appended_later_are_not_yielded),
        PROMISE(test_a_section_pruned_beneath_the_walk),
        PROMISE(test_a_section_pruned_before_the_walk_gets_there),
        PROMISE(test_a_section_rewound_beneath_the_walk),
        PROMISE(test_a_section_removed_and_made_again_beneath_the_walk),
        PROMISE(test_an_earlier_section_rewound_before_the_walk_gets_there),
        PROMISE(test_changes_of_other_sections_do_not_disturb_the_walk),
        PROMISE(test_a_damaged_page_is_reported_once_and_the_walk_goes_on_below_it),
        PROMISE(test_what_a_damaged_page_still_holds_is_yielded),
        PROMISE(test_a_walk_may_begin_in_a_damaged_page),
        PROMISE(test_below_a_damaged_first_page_comes_the_section_before),
        PROMISE(test_a_record_longer_than_a_page_is_lost_with_one_of_its_pages),
        PROMISE(test_the_walk_goes_on_below_a_damaged_value),
    };
    return cmocka_run_group_tests_name("replay_back", tests, NULL, NULL);
}
