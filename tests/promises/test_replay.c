/*
 * promises/test_replay.c: what a replay promises: the records that existed when it was opened, in order, from
 * anywhere; a definite answer when they are taken away beneath it; and a damaged page once.
 */
#include "promises/fixture.h"

#include <string.h>

enum { PHYSICAL_PAGE = SMALL_PAGE + PAGE_CHECKSUMS };

static oversized_replay_t *begin(fixture_t *f, uint64_t section, uint64_t position, size_t buffer)
{
    oversized_replay_t *replay = NULL;
    assert_ok(oversized_replay_open(f->journal, section, position, buffer, &replay));
    assert_non_null(replay);
    return replay;
}

/* The next records are the samples of the section from `first` to `last` - 1. */
static void yields(fixture_t *f, oversized_replay_t *replay, uint64_t section, uint64_t first, uint64_t last)
{
    oversized_item_t item;
    for (uint64_t position = first; position < last; position++) {
        memset(&item, 0, sizeof item);
        assert_ok(oversized_replay_next(replay, &item));
        check_item(f->journal, &item, section, position, 0);
    }
}

/* There is nothing more, however often one asks; the walk is closed. */
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

/* The open is refused, and gives no replay. */
static void refuses(fixture_t *f, uint64_t section, uint64_t position, segj_status_t status)
{
    oversized_replay_t *replay = (oversized_replay_t *)(void *)f;
    assert_status(oversized_replay_open(f->journal, section, position, 1024, &replay), status);
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
    yields(f, replay, 2, 0, 30);
    yields(f, replay, 5, 0, 1);
    yields(f, replay, 9, 0, 40);
    ends(replay);
}

/* --- order and beginning --- */

static void test_sections_come_in_order_each_from_its_first_record(void **state)
{
    fixture_t *f = *state;
    open_three(f);
    yields_all(f, begin(f, 2, 0, 1024));
}

static void test_a_replay_may_begin_at_any_record(void **state)
{
    fixture_t *f = *state;
    open_three(f);
    for (uint64_t position = 0; position <= 30; position++) {
        oversized_replay_t *replay = begin(f, 2, position, 200);
        yields(f, replay, 2, position, 30);
        yields(f, replay, 5, 0, 1);
        yields(f, replay, 9, 0, 40);
        ends(replay);
    }
}

static void test_a_replay_from_the_count_begins_with_the_next_section(void **state)
{
    fixture_t *f = *state;
    open_three(f);
    oversized_replay_t *replay = begin(f, 5, 1, 1024);
    yields(f, replay, 9, 0, 40);
    ends(replay);
    ends(begin(f, 9, 40, 1024));
}

static void test_a_replay_from_beyond_the_count_is_refused(void **state)
{
    fixture_t *f = *state;
    open_three(f);
    refuses(f, 2, 31, SEGJ_ERR_NO_RECORD);
    refuses(f, 9, 41, SEGJ_ERR_NO_RECORD);
    refuses(f, 9, UINT64_MAX, SEGJ_ERR_NO_RECORD);
    refuses(f, 9, UINT64_MAX / SMALL_RECORD + 1, SEGJ_ERR_NO_RECORD);
}

static void test_a_missing_start_section_begins_at_the_next_one(void **state)
{
    fixture_t *f = *state;
    open_three(f);
    yields_all(f, begin(f, 0, 0, 1024));
    oversized_replay_t *replay = begin(f, 6, 0, 1024);
    yields(f, replay, 9, 0, 40);
    ends(replay);
    ends(begin(f, 10, 0, 1024));
    ends(begin(f, UINT64_MAX, 0, 1024));
}

static void test_a_missing_start_section_wants_position_zero(void **state)
{
    fixture_t *f = *state;
    open_three(f);
    refuses(f, 0, 1, SEGJ_ERR_NO_RECORD);
    refuses(f, 6, 1, SEGJ_ERR_NO_RECORD);
    refuses(f, UINT64_MAX, 1, SEGJ_ERR_NO_RECORD);
}

static void test_a_replay_of_an_empty_journal_ends_at_once(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    ends(begin(f, 0, 0, 1024));
    refuses(f, 0, 1, SEGJ_ERR_NO_RECORD);
}

static void test_empty_sections_are_passed_over(void **state)
{
    fixture_t *f = *state;
    open_three(f);
    assert_ok(oversized_rewind_section(f->journal, 5, 0));
    oversized_replay_t *replay = begin(f, 2, 29, 1024);
    yields(f, replay, 2, 29, 30);
    yields(f, replay, 9, 0, 40);
    ends(replay);
    replay = begin(f, 5, 0, 1024);
    yields(f, replay, 9, 0, 40);
    ends(replay);
    refuses(f, 5, 1, SEGJ_ERR_NO_RECORD);
}

/* As any section that does not exist: a walk over everything begins with what there is. */
static void test_a_pruned_start_section_begins_at_the_next_one(void **state)
{
    fixture_t *f = *state;
    open_three(f);
    assert_ok(oversized_prune(f->journal, 5, NULL));
    for (uint64_t section = 0; section <= 5; section++) {
        oversized_replay_t *replay = begin(f, section, 0, 1024);
        yields(f, replay, 5, 0, 1);
        yields(f, replay, 9, 0, 40);
        ends(replay);
    }
}

static void test_a_position_in_a_pruned_section_is_refused(void **state)
{
    fixture_t *f = *state;
    open_three(f);
    assert_ok(oversized_prune(f->journal, 5, NULL));
    refuses(f, 2, 1, SEGJ_ERR_PRUNED);
    refuses(f, 2, 30, SEGJ_ERR_PRUNED);
    refuses(f, 4, 1, SEGJ_ERR_PRUNED);
}

static void test_null_arguments(void **state)
{
    fixture_t *f = *state;
    oversized_replay_t *replay = NULL;
    oversized_item_t item;
    open_three(f);
    assert_status(oversized_replay_open(NULL, 0, 0, 0, &replay), SEGJ_ERR_INVALID);
    assert_status(oversized_replay_open(f->journal, 0, 0, 0, NULL), SEGJ_ERR_INVALID);
    assert_status(oversized_replay_next(NULL, &item), SEGJ_ERR_INVALID);
    replay = begin(f, 2, 0, 1024);
    assert_status(oversized_replay_next(replay, NULL), SEGJ_ERR_INVALID);
    yields_all(f, replay);
    oversized_replay_close(NULL);
}

/* --- wherever the bytes are, however much is read ahead --- */

static void replay_with_every_buffer(fixture_t *f)
{
    static const size_t buffers[] = {0,       1, PHYSICAL_PAGE - 1, PHYSICAL_PAGE, PHYSICAL_PAGE + 1, 3 * PHYSICAL_PAGE,
                                     1u << 20};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        yields_all(f, begin(f, 0, 0, buffers[i]));
}

static void test_records_in_buffers_are_yielded(void **state)
{
    fixture_t *f = *state;
    f->config.index_write_buffer = f->config.value_write_buffer = (size_t)1 << 20;
    open_three(f);
    replay_with_every_buffer(f);
}

static void test_records_partly_in_buffers_are_yielded(void **state)
{
    fixture_t *f = *state;
    f->config.index_write_buffer = f->config.value_write_buffer = 4 * PHYSICAL_PAGE;
    open_three(f);
    assert_true(file_size(index_path(f, 9).text) > tested_index_data());
    replay_with_every_buffer(f);
}

static void test_synced_and_reopened_records_are_yielded(void **state)
{
    fixture_t *f = *state;
    open_three(f);
    assert_ok(oversized_sync_all(f->journal));
    replay_with_every_buffer(f);
    close_and_open(f);
    replay_with_every_buffer(f);
    close_journal(f);
    f->config.read_only = true;
    open_journal(f);
    replay_with_every_buffer(f);
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
            check_replay_of(f->journal, 1, 0, 20, buffers[i], 0);
            check_replay_of(f->journal, 1, 13, 20, buffers[i], 0);
        }
        close_and_open(f);
    }
}

/* The entry is the replay's own: reads and appends in between do not touch it. */
static void test_an_entry_stays_until_the_next_call(void **state)
{
    fixture_t *f = *state;
    open_three(f);
    assert_ok(oversized_sync_all(f->journal));
    oversized_replay_t *replay = begin(f, 2, 0, 100);
    for (uint64_t position = 0; position < 30; position++) {
        oversized_item_t item;
        assert_ok(oversized_replay_next(replay, &item));
        append_sample(f->journal, 2, 0);
        assert_ok(oversized_sync(f->journal, 2));
        check_section(f->journal, 2, 31 + position, 0);
        check_item(f->journal, &item, 2, position, 0);
    }
    oversized_replay_close(replay);
}

static void test_replays_do_not_disturb_each_other(void **state)
{
    fixture_t *f = *state;
    open_three(f);
    oversized_replay_t *first = begin(f, 2, 0, 100);
    yields(f, first, 2, 0, 7);
    oversized_replay_t *second = begin(f, 9, 3, 0);
    for (uint64_t i = 0; i < 20; i++) {
        yields(f, first, 2, 7 + i, 8 + i);
        yields(f, second, 9, 3 + i, 4 + i);
    }
    oversized_replay_close(first);
    yields(f, second, 9, 23, 40);
    ends(second);
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
        oversized_replay_t *replay = begin(f, 2, 0, buffer);
        append_samples(f->journal, 2, 5, 0);
        yields(f, replay, 2, 0, 20);
        append_samples(f->journal, 2, 50, 0);
        append_samples(f->journal, 9, 50, 0);
        append_samples(f->journal, 3, 1, 0);
        append_samples(f->journal, 12, 1, 0);
        assert_ok(oversized_sync_all(f->journal));
        yields(f, replay, 2, 20, 30);
        yields(f, replay, 5, 0, 1);
        yields(f, replay, 9, 0, 40);
        append_samples(f->journal, 9, 1, 0);
        ends(replay);
    }
}

static void test_a_section_pruned_beneath_the_walk(void **state)
{
    fixture_t *f = *state;
    for (int in_files = 0; in_files < 2; in_files++) {
        size_t buffer = open_three_anew(f, in_files == 1);
        oversized_replay_t *replay = begin(f, 2, 0, buffer);
        yields(f, replay, 2, 0, 3);
        assert_ok(oversized_prune(f->journal, 3, NULL));
        breaks(replay, SEGJ_ERR_PRUNED);
    }
}

static void test_a_section_pruned_before_the_walk_gets_there(void **state)
{
    fixture_t *f = *state;
    open_three(f);
    oversized_replay_t *replay = begin(f, 2, 29, 1024);
    assert_ok(oversized_prune(f->journal, 9, NULL));
    breaks(replay, SEGJ_ERR_PRUNED);
    check_section(f->journal, 9, 40, 0);
}

static void test_a_section_rewound_beneath_the_walk(void **state)
{
    fixture_t *f = *state;
    for (int in_files = 0; in_files < 2; in_files++) {
        size_t buffer = open_three_anew(f, in_files == 1);
        oversized_replay_t *replay = begin(f, 9, 0, buffer);
        yields(f, replay, 9, 0, 3);
        assert_ok(oversized_rewind_section(f->journal, 9, 10 * SMALL_RECORD));
        /* Other records take the places of those that went, and more: they are not what existed then. */
        append_samples(f->journal, 9, 100, 1);
        breaks(replay, SEGJ_ERR_NO_RECORD);
    }
}

static void test_a_section_rewound_to_nothing_beneath_the_walk(void **state)
{
    fixture_t *f = *state;
    for (int in_files = 0; in_files < 2; in_files++) {
        size_t buffer = open_three_anew(f, in_files == 1);
        oversized_replay_t *replay = begin(f, 9, 0, buffer);
        yields(f, replay, 9, 0, in_files == 0 ? 0 : 5);
        assert_ok(oversized_rewind_section(f->journal, 9, 0));
        breaks(replay, SEGJ_ERR_NO_RECORD);
    }
}

/* One that is removed, and made again with as many records, is another one. */
static void test_a_section_removed_and_made_again_beneath_the_walk(void **state)
{
    fixture_t *f = *state;
    for (int in_files = 0; in_files < 2; in_files++) {
        size_t buffer = open_three_anew(f, in_files == 1);
        oversized_replay_t *replay = begin(f, 9, 0, buffer);
        yields(f, replay, 9, 0, 5);
        assert_ok(oversized_rewind(f->journal, 5, SMALL_RECORD));
        append_samples(f->journal, 9, 40, 1);
        breaks(replay, SEGJ_ERR_NO_RECORD);
    }
}

static void test_a_later_section_removed_by_a_rewind(void **state)
{
    fixture_t *f = *state;
    for (int in_files = 0; in_files < 2; in_files++) {
        size_t buffer = open_three_anew(f, in_files == 1);
        oversized_replay_t *replay = begin(f, 2, 0, buffer);
        assert_ok(oversized_rewind(f->journal, 5, SMALL_RECORD));
        yields(f, replay, 2, 0, 30);
        yields(f, replay, 5, 0, 1);
        breaks(replay, SEGJ_ERR_NO_RECORD);
    }
}

static void test_changes_of_other_sections_do_not_disturb_the_walk(void **state)
{
    fixture_t *f = *state;
    for (int in_files = 0; in_files < 2; in_files++) {
        size_t buffer = open_three_anew(f, in_files == 1);
        append_samples(f->journal, 12, 3, 0);
        oversized_replay_t *replay = begin(f, 2, 0, buffer);
        yields(f, replay, 2, 0, 30);
        yields(f, replay, 5, 0, 1);
        yields(f, replay, 9, 0, 5);
        assert_ok(oversized_prune(f->journal, 4, NULL));                       /* passed */
        assert_ok(oversized_rewind_section(f->journal, 5, 0));                 /* passed */
        assert_ok(oversized_rewind_section(f->journal, 9, 40 * SMALL_RECORD)); /* as long as it is */
        yields(f, replay, 9, 5, 40);
        yields(f, replay, 12, 0, 3);
        ends(replay);
    }
}

/* --- damage --- */

/* Inverts a byte of a page's records on disk. */
static void damage_page(const fixture_t *f, uint64_t section, uint64_t page)
{
    uint64_t physical = (uint64_t)f->config.page_size + PAGE_CHECKSUMS;
    flip_byte(index_path(f, section).text, tested_index_data() + page * physical);
}

/* The page is reported once, by the first record that touches it from `position` on; *position is the one behind. */
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
static void test_a_damaged_page_is_reported_once_and_the_walk_goes_on_behind_it(void **state)
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
        oversized_replay_t *replay = begin(f, 2, 0, buffers[i]);
        yields_damage(replay, 2, 0);
        yields(f, replay, 2, 4, 6);
        yields_damage(replay, 2, 6);
        yields(f, replay, 2, 10, 19);
        yields_damage(replay, 2, 19);
        yields(f, replay, 2, 23, 30);
        yields(f, replay, 5, 0, 1);
        yields(f, replay, 9, 0, 40);
        ends(replay);
    }
}

static void test_a_replay_may_begin_in_a_damaged_page(void **state)
{
    not_in_version_2();
    fixture_t *f = *state;
    open_three(f);
    close_journal(f);
    damage_page(f, 2, 2);
    open_journal(f);
    for (uint64_t position = 6; position < 10; position++) {
        oversized_replay_t *replay = begin(f, 2, position, 1024);
        yields_damage(replay, 2, position);
        yields(f, replay, 2, 10, 30);
        oversized_replay_close(replay);
    }
}

/* Damaged after the open: the last page is not the open's concern any more. */
static void test_behind_a_damaged_last_page_comes_the_next_section(void **state)
{
    not_in_version_2();
    fixture_t *f = *state;
    open_three(f);
    close_and_open(f);
    damage_page(f, 2, 9); /* bytes 576 to 599: the end of record 28, and record 29 */
    oversized_replay_t *replay = begin(f, 2, 0, 1024);
    yields(f, replay, 2, 0, 28);
    yields_damage(replay, 2, 28);
    yields(f, replay, 5, 0, 1);
    yields(f, replay, 9, 0, 40);
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
    oversized_replay_t *replay = begin(f, 1, 0, 1024);
    yields(f, replay, 1, 0, 3);
    yields_damage(replay, 1, 3);
    yields(f, replay, 1, 4, 5);
    yields_damage(replay, 1, 5);
    yields(f, replay, 1, 6, 10);
    ends(replay);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(test_sections_come_in_order_each_from_its_first_record),
        PROMISE(test_a_replay_may_begin_at_any_record),
        PROMISE(test_a_replay_from_the_count_begins_with_the_next_section),
        PROMISE(test_a_replay_from_beyond_the_count_is_refused),
        PROMISE(test_a_missing_start_section_begins_at_the_next_one),
        PROMISE(test_a_missing_start_section_wants_position_zero),
        PROMISE(test_a_replay_of_an_empty_journal_ends_at_once),
        PROMISE(test_empty_sections_are_passed_over),
        PROMISE(test_a_pruned_start_section_begins_at_the_next_one),
        PROMISE(test_a_position_in_a_pruned_section_is_refused),
        PROMISE(test_null_arguments),
        PROMISE(test_records_in_buffers_are_yielded),
        PROMISE(test_records_partly_in_buffers_are_yielded),
        PROMISE(test_synced_and_reopened_records_are_yielded),
        PROMISE(test_records_longer_than_a_page_are_yielded),
        PROMISE(test_an_entry_stays_until_the_next_call),
        PROMISE(test_replays_do_not_disturb_each_other),
        PROMISE(test_records_appended_later_are_not_yielded),
        PROMISE(test_a_section_pruned_beneath_the_walk),
        PROMISE(test_a_section_pruned_before_the_walk_gets_there),
        PROMISE(test_a_section_rewound_beneath_the_walk),
        PROMISE(test_a_section_rewound_to_nothing_beneath_the_walk),
        PROMISE(test_a_section_removed_and_made_again_beneath_the_walk),
        PROMISE(test_a_later_section_removed_by_a_rewind),
        PROMISE(test_changes_of_other_sections_do_not_disturb_the_walk),
        PROMISE(test_a_damaged_page_is_reported_once_and_the_walk_goes_on_behind_it),
        PROMISE(test_a_replay_may_begin_in_a_damaged_page),
        PROMISE(test_behind_a_damaged_last_page_comes_the_next_section),
        PROMISE(test_a_record_longer_than_a_page_is_lost_with_one_of_its_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
