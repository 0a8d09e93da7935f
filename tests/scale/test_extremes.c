/*
 * scale/test_extremes.c: section numbers from 0 to 2^64 - 1.
 */
#include "scale/scale.h"

#include <stdlib.h>

enum { COUNT = 7, RECORDS = 3 };

/* Ascending. */
static const uint64_t numbers[COUNT] = {
    0, 1, INT64_MAX - UINT64_C(1), INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX - 1, UINT64_MAX};

typedef struct place {
    path_t root;
    oversized_config_t config;
    oversized_t *journal;
} place_t;

static void append_three(oversized_t *journal, uint64_t section)
{
    for (uint64_t i = 0; i < RECORDS; i++) {
        uint64_t position = UINT64_MAX;
        (void)append_filled(journal, section, section ^ i, (uint8_t)(section + i), 40, &position);
        assert_int_equal(position, i);
    }
}

static void check_three(oversized_t *journal, uint64_t section)
{
    for (uint64_t i = 0; i < RECORDS; i++)
        check_filled(journal, section, i, section ^ i, (uint8_t)(section + i), 40);
    assert_status(oversized_get(journal, section, RECORDS, NULL, NULL), SEGJ_ERR_NO_RECORD);
    assert_status(oversized_get(journal, section, UINT64_MAX, NULL, NULL), SEGJ_ERR_NO_RECORD);
}

/* The sections numbers[first] to numbers[last - 1] are there, by walk, replay and question, and no other ones. */
static void check_sections(oversized_t *journal, size_t first, size_t last)
{
    oversized_replay_t *replay = NULL;
    oversized_item_t item;
    uint64_t section = 0;
    segj_status_t status = oversized_oldest_section(journal, &section);
    assert_ok(oversized_replay_open(journal, 0, 0, 64, &replay));
    for (size_t i = first; i < last; i++) {
        assert_ok(status);
        assert_int_equal(section, numbers[i]);
        check_three(journal, section);
        for (uint64_t position = 0; position < RECORDS; position++) {
            assert_ok(oversized_replay_next(replay, &item));
            assert_int_equal(item.section, section);
            assert_int_equal(item.position, position);
        }
        status = oversized_next_section(journal, section, &section);
    }
    assert_int_equal(status, SEGJ_END);
    assert_status(oversized_replay_next(replay, &item), SEGJ_END);
    oversized_replay_close(replay);
    assert_ok(oversized_newest_section(journal, &section));
    assert_int_equal(section, numbers[last - 1]);
    assert_status(oversized_next_section(journal, UINT64_MAX, &section), SEGJ_END);
}

static int set_up(void **state)
{
    /* neither ascending nor descending */
    static const size_t order[COUNT] = {3, 6, 0, 5, 1, 4, 2};
    place_t *place = calloc(1, sizeof *place);
    assert_non_null(place);
    place->root = make_temp_directory();
    small_config(&place->config, place->root.text);
    place->config.storage = counted_storage();
    place->config.strict = true;
    assert_ok(oversized_open(&place->config, &place->journal));
    for (size_t i = 0; i < COUNT; i++)
        append_three(place->journal, numbers[order[i]]);
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    place_t *place = *state;
    oversized_abandon(place->journal);
    remove_tree(place->root.text);
    free(place);
    return 0;
}

static void reopen(place_t *place)
{
    assert_ok(oversized_close(place->journal));
    place->journal = NULL;
    assert_ok(oversized_open(&place->config, &place->journal));
}

static void sections_of_extreme_numbers_are_kept_in_order(void **state)
{
    place_t *place = *state;
    check_sections(place->journal, 0, COUNT);
    reopen(place);
    check_sections(place->journal, 0, COUNT);
    assert_true(path_exists(section_path(place->root.text, "test_index", UINT64_MAX).text));
    assert_true(path_exists(section_path(place->root.text, "test_values", 0).text));
}

static void sections_next_to_extreme_ones_do_not_exist(void **state)
{
    place_t *place = *state;
    static const uint64_t others[] = {2, INT64_MAX - UINT64_C(2), (uint64_t)INT64_MAX + 2, UINT64_MAX - 2};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        uint64_t size = 1;
        assert_status(oversized_get(place->journal, others[i], 0, NULL, NULL), SEGJ_ERR_NO_SECTION);
        assert_ok(oversized_size(place->journal, others[i], &size));
        assert_int_equal(size, 0);
    }
}

static void prune_at_0_and_1(void **state)
{
    place_t *place = *state;
    bool pruned = true;
    assert_ok(oversized_prune(place->journal, 0, &pruned));
    assert_false(pruned);
    check_sections(place->journal, 0, COUNT);
    assert_ok(oversized_prune(place->journal, 1, &pruned));
    assert_true(pruned);
    check_sections(place->journal, 1, COUNT);
    assert_status(oversized_get(place->journal, 0, 0, NULL, NULL), SEGJ_ERR_PRUNED);
}

/* The last section of all cannot be pruned: nothing is above it. */
static void prune_at_the_end_leaves_the_last_section(void **state)
{
    place_t *place = *state;
    bool pruned = false;
    assert_ok(oversized_prune(place->journal, UINT64_MAX - 1, &pruned));
    assert_true(pruned);
    check_sections(place->journal, COUNT - 2, COUNT);
    assert_ok(oversized_prune(place->journal, UINT64_MAX, &pruned));
    assert_true(pruned);
    check_sections(place->journal, COUNT - 1, COUNT);
    assert_status(oversized_get(place->journal, UINT64_MAX - 1, 0, NULL, NULL), SEGJ_ERR_PRUNED);
    assert_ok(oversized_prune(place->journal, UINT64_MAX, &pruned));
    assert_false(pruned);
    reopen(place);
    check_sections(place->journal, COUNT - 1, COUNT);
}

static void rewind_at_the_end_removes_no_later_section(void **state)
{
    place_t *place = *state;
    assert_ok(oversized_rewind(place->journal, UINT64_MAX, SMALL_RECORD));
    uint64_t count = 0;
    assert_ok(oversized_count(place->journal, UINT64_MAX, &count));
    assert_int_equal(count, 1);
    check_three(place->journal, UINT64_MAX - 1);
    check_three(place->journal, 0);
    assert_ok(oversized_rewind(place->journal, UINT64_MAX - 1, (uint64_t)RECORDS * SMALL_RECORD));
    check_sections(place->journal, 0, COUNT - 1);
}

static void rewind_of_section_0_removes_all_others(void **state)
{
    place_t *place = *state;
    assert_ok(oversized_rewind(place->journal, 0, (uint64_t)RECORDS * SMALL_RECORD));
    check_sections(place->journal, 0, 1);
    append_three(place->journal, UINT64_MAX);
    reopen(place);
    check_three(place->journal, 0);
    check_three(place->journal, UINT64_MAX);
}

static void sizes_at_the_end_of_64_bits_are_no_sizes(void **state)
{
    place_t *place = *state;
    uint64_t whole = UINT64_MAX - UINT64_MAX % SMALL_RECORD;
    assert_status(oversized_rewind_section(place->journal, 1, UINT64_MAX), SEGJ_ERR_INVALID);
    assert_status(oversized_rewind_section(place->journal, 1, whole), SEGJ_ERR_NO_RECORD);
    assert_status(oversized_rewind(place->journal, 2, whole), SEGJ_ERR_NO_RECORD);
    check_sections(place->journal, 0, COUNT);
}

static void replay_begins_at_extreme_sections(void **state)
{
    place_t *place = *state;
    oversized_replay_t *replay = NULL;
    oversized_item_t item;
    assert_ok(oversized_replay_open(place->journal, UINT64_MAX, RECORDS - 1, 0, &replay));
    assert_ok(oversized_replay_next(replay, &item));
    assert_int_equal(item.section, UINT64_MAX);
    assert_int_equal(item.position, RECORDS - 1);
    assert_status(oversized_replay_next(replay, &item), SEGJ_END);
    oversized_replay_close(replay);
    assert_ok(oversized_replay_open(place->journal, UINT64_MAX, RECORDS, 0, &replay));
    assert_status(oversized_replay_next(replay, &item), SEGJ_END);
    oversized_replay_close(replay);
    assert_status(oversized_replay_open(place->journal, UINT64_MAX, UINT64_MAX, 0, &replay), SEGJ_ERR_NO_RECORD);
    assert_ok(oversized_replay_open(place->journal, 2, 0, 1 << 20, &replay));
    assert_ok(oversized_replay_next(replay, &item));
    assert_int_equal(item.section, numbers[2]);
    oversized_replay_close(replay);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sections_of_extreme_numbers_are_kept_in_order),
        TEST(sections_next_to_extreme_ones_do_not_exist),
        TEST(prune_at_0_and_1),
        TEST(prune_at_the_end_leaves_the_last_section),
        TEST(rewind_at_the_end_removes_no_later_section),
        TEST(rewind_of_section_0_removes_all_others),
        TEST(sizes_at_the_end_of_64_bits_are_no_sizes),
        TEST(replay_begins_at_extreme_sections),
    };
    return cmocka_run_group_tests_name("extremes", tests, NULL, NULL);
}
