/*
 * threads/test_beneath.c: sections that are rewound, pruned and written again beneath a reader that stands at the
 * device, and beneath a replay. A reader gets a record and its own value, the old one or the new one, or learns that it
 * is gone.
 */
#include "threads/stage.h"

#include <errno.h>

enum { SECTION = 3, COUNT = 40, NEW = 1000, POSITION = 23 };

/* Record 23 begins in page 7 and ends in page 7; record 22 crosses from page 6 into it: both are read below. */

static void fill(stage_t *stage)
{
    append_samples(stage->journal, SECTION - 1, 0, COUNT);
    append_samples(stage->journal, SECTION, 0, COUNT);
    stage_reopen(stage);
    /* Written to since it was opened: a first change would open its files anew, and wait for who reads them. */
    append_samples(stage->journal, SECTION, COUNT, 1);
    assert_ok(oversized_rewind_section(stage->journal, SECTION, (uint64_t)COUNT * SMALL_RECORD));
}

/* Records with other ids at positions that had records before. */
static void append_new(oversized_t *journal, uint64_t first, uint64_t count)
{
    for (uint64_t position = first; position < first + count; position++)
        assert_ok(append_sample(journal, SECTION, NEW + position, NULL));
}

/** A read of a record, by the two calls there are. */
typedef struct reading {
    oversized_t *journal;
    uint64_t position;
    bool in_one; /* oversized_read; else oversized_get, and then oversized_get_value */
    segj_status_t answer;
    uint64_t id;
    worker_t worker;
} reading_t;

static void run_reading(worker_t *worker)
{
    reading_t *reading = worker->context;
    segj_buffer_t value = {NULL, 0, 0};
    uint8_t entry[SMALL_ENTRY] = {0};
    if (reading->in_one)
        reading->answer = oversized_read(reading->journal, SECTION, reading->position, entry, &value);
    else
        reading->answer = oversized_get(reading->journal, SECTION, reading->position, entry, NULL);
    reading->id = get_u64(entry);
    if (reading->in_one && reading->answer == SEGJ_OK)
        (void)worker_expect(worker, is_sample(SECTION, entry, &value), "the value is not that of record %llu",
                            (unsigned long long)reading->id);
    segj_buffer_free(&value);
}

static gate_t *park_reading(stage_t *stage, reading_t *reading, uint64_t position, watched_part_t part)
{
    *reading = (reading_t){.journal = stage->journal, .position = position, .in_one = part == PART_VALUES};
    gate_t *gate = gate_close(stage->watched, CALL_READ, part, SECTION, 1);
    team_start(&reading->worker, 1, run_reading, reading);
    gate_await(gate, 1);
    return gate;
}

static void join_reading(gate_t *gate, reading_t *reading, segj_status_t answer)
{
    gate_open(gate, 0);
    team_join(&reading->worker, 1);
    assert_status(reading->answer, answer);
}

/* What is done to the section while the reader stands at the device, and what it may answer then. */
typedef void (*beneath_t)(oversized_t *journal);

static void check_reading(stage_t *stage, beneath_t beneath, segj_status_t answer)
{
    static const watched_part_t parts[] = {PART_INDEX, PART_VALUES};
    for (size_t i = 0; i < 4; i++) {
        reading_t reading;
        uint64_t position = POSITION - i / 2;
        fill(stage);
        gate_t *gate = park_reading(stage, &reading, position, parts[i % 2]);
        beneath(stage->journal);
        join_reading(gate, &reading, answer);
        if (answer == SEGJ_OK)
            assert_true(reading.id == position || reading.id == NEW + position);
        assert_writes_apart(stage->watched);
        assert_ok(oversized_destroy(stage->journal));
        assert_ok(oversized_open(&stage->config, &stage->journal));
    }
}

static void rewind_and_write_again(oversized_t *journal)
{
    assert_ok(oversized_rewind_section(journal, SECTION, (uint64_t)3 * SMALL_RECORD));
    append_new(journal, 3, COUNT);
    assert_ok(oversized_sync(journal, SECTION));
}

static void reader_gets_one_record_where_its_section_is_rewound_and_written_again(void **state)
{
    check_reading(*state, rewind_and_write_again, SEGJ_OK);
}

/* The page that the reader has begins before the cut and ends behind it. */
static void rewind_into_the_page_and_write_again(oversized_t *journal)
{
    assert_ok(oversized_rewind_section(journal, SECTION, (uint64_t)(POSITION - 1) * SMALL_RECORD));
    append_new(journal, POSITION - 1, COUNT);
    assert_ok(oversized_sync(journal, SECTION));
}

static void reader_gets_one_record_where_its_page_is_cut_and_written_again(void **state)
{
    check_reading(*state, rewind_into_the_page_and_write_again, SEGJ_OK);
}

static void remove_and_make_again(oversized_t *journal)
{
    assert_ok(oversized_rewind(journal, SECTION - 1, (uint64_t)COUNT * SMALL_RECORD));
    append_new(journal, 0, COUNT);
    assert_ok(oversized_sync(journal, SECTION));
}

static void reader_gets_one_record_where_its_section_is_removed_and_made_again(void **state)
{
    check_reading(*state, remove_and_make_again, SEGJ_OK);
}

static void rewind_only(oversized_t *journal)
{
    assert_ok(oversized_rewind_section(journal, SECTION, (uint64_t)(POSITION - 1) * SMALL_RECORD));
}

static void reader_learns_that_its_record_was_rewound(void **state)
{
    check_reading(*state, rewind_only, SEGJ_ERR_NO_RECORD);
}

static void remove_only(oversized_t *journal)
{
    assert_ok(oversized_rewind(journal, SECTION - 1, SMALL_RECORD));
}

static void reader_learns_that_its_section_was_removed(void **state)
{
    check_reading(*state, remove_only, SEGJ_ERR_NO_SECTION);
}

static void prune_only(oversized_t *journal)
{
    assert_ok(oversized_prune(journal, SECTION + 1, NULL));
}

static void reader_learns_that_its_section_was_pruned(void **state)
{
    check_reading(*state, prune_only, SEGJ_ERR_PRUNED);
}

/* --- a reader beside the cut itself --- */

static segj_status_t call_rewind_to_22(oversized_t *journal, uint64_t section)
{
    return oversized_rewind_section(journal, section, (uint64_t)22 * SMALL_RECORD);
}

/* Readers see the new end before the index file is cut. One of them reads the last page that stays, which then still
 * has the bytes of record 22 behind it; they must not come back when record 22 is another one. */
static void page_read_during_a_cut_does_not_bring_back_what_was_cut(void **state)
{
    stage_t *stage = *state;
    errand_t rewind;
    segj_buffer_t value = {NULL, 0, 0};
    uint8_t entry[SMALL_ENTRY];
    fill(stage);
    gate_t *gate = gate_close(stage->watched, CALL_TRUNCATE, PART_INDEX, SECTION, 1);
    errand_start(&rewind, stage, call_rewind_to_22, SECTION);
    gate_await(gate, 1);
    assert_ok(oversized_read(stage->journal, SECTION, 21, entry, &value));
    assert_int_equal(get_u64(entry), 21);
    gate_open(gate, 0);
    errand_join(&rewind, SEGJ_OK);
    append_new(stage->journal, 22, COUNT);
    assert_ok(oversized_sync(stage->journal, SECTION));
    for (uint64_t position = 22; position < 22 + COUNT; position++) {
        assert_ok(oversized_read(stage->journal, SECTION, position, entry, &value));
        assert_int_equal(get_u64(entry), NEW + position);
        assert_true(is_sample(SECTION, entry, &value));
    }
    segj_buffer_free(&value);
}

/* --- replays --- */

static oversized_replay_t *begin_replay(const stage_t *stage, uint64_t section, uint64_t yielded)
{
    oversized_replay_t *replay = NULL;
    oversized_item_t item;
    assert_ok(oversized_replay_open(stage->journal, section, 0, 128, &replay));
    for (uint64_t i = 0; i < yielded; i++) {
        assert_ok(oversized_replay_next(replay, &item));
        assert_int_equal(get_u64(item.entry), i);
    }
    return replay;
}

/* The answer stays: the walk is over, and can be closed. */
static void check_replay_ends(oversized_replay_t *replay, segj_status_t answer)
{
    oversized_item_t item;
    for (int i = 0; i < 3; i++)
        assert_status(oversized_replay_next(replay, &item), answer);
    oversized_replay_close(replay);
}

static void replay_ends_where_its_section_is_pruned(void **state)
{
    stage_t *stage = *state;
    fill(stage);
    oversized_replay_t *replay = begin_replay(stage, SECTION, 5);
    prune_only(stage->journal);
    check_replay_ends(replay, SEGJ_ERR_PRUNED);
}

static void replay_ends_where_its_section_is_rewound(void **state)
{
    stage_t *stage = *state;
    fill(stage);
    oversized_replay_t *replay = begin_replay(stage, SECTION, 5);
    rewind_and_write_again(stage->journal);
    check_replay_ends(replay, SEGJ_ERR_NO_RECORD);
}

/* The records of the new section are none "that existed when it was opened". */
static void replay_ends_where_its_section_is_removed_and_made_again(void **state)
{
    stage_t *stage = *state;
    fill(stage);
    oversized_replay_t *replay = begin_replay(stage, SECTION, 5);
    remove_and_make_again(stage->journal);
    check_replay_ends(replay, SEGJ_ERR_NO_RECORD);
}

/* The same before the walk has come to that section. */
static void replay_ends_at_a_section_that_was_removed_and_made_again(void **state)
{
    stage_t *stage = *state;
    fill(stage);
    oversized_replay_t *replay = begin_replay(stage, SECTION - 1, COUNT);
    remove_and_make_again(stage->journal);
    check_replay_ends(replay, SEGJ_ERR_NO_RECORD);
}

/* Sections that it does not touch may change. */
static void replay_goes_on_where_other_sections_change(void **state)
{
    stage_t *stage = *state;
    fill(stage);
    oversized_replay_t *replay = begin_replay(stage, SECTION, 5);
    oversized_item_t item;
    assert_ok(oversized_rewind_section(stage->journal, SECTION - 1, 0));
    assert_ok(oversized_prune(stage->journal, SECTION, NULL));
    append_new(stage->journal, COUNT, 20);
    for (uint64_t position = 5; position < COUNT; position++) {
        assert_ok(oversized_replay_next(replay, &item));
        assert_int_equal(get_u64(item.entry), position);
    }
    check_replay_ends(replay, SEGJ_END);
}

/* A prune whose first removal fails has changed nothing that can be seen. */
static void replay_goes_on_where_a_prune_fails(void **state)
{
    stage_t *stage = *state;
    fill(stage);
    oversized_replay_t *replay = begin_replay(stage, SECTION, 5);
    oversized_item_t item;
    watched_fail(stage->watched, CALL_REMOVE, PART_INDEX, ANY_SECTION, EIO);
    assert_status(oversized_prune(stage->journal, SECTION + 1, NULL), SEGJ_ERR_IO);
    watched_fail(stage->watched, CALL_REMOVE, PART_INDEX, ANY_SECTION, 0);
    assert_null(oversized_error(stage->journal));
    check_samples(stage->journal, SECTION, COUNT);
    for (uint64_t position = 5; position < COUNT; position++) {
        assert_ok(oversized_replay_next(replay, &item));
        assert_int_equal(get_u64(item.entry), position);
    }
    check_replay_ends(replay, SEGJ_END);
}

/** A replay that stands at the device with the pages behind record 5. */
typedef struct walking {
    oversized_replay_t *replay;
    segj_status_t answer;
    worker_t worker;
} walking_t;

static void walk(worker_t *worker)
{
    walking_t *walking = worker->context;
    oversized_item_t item;
    do
        walking->answer = oversized_replay_next(walking->replay, &item);
    while (walking->answer == SEGJ_OK &&
           worker_expect(worker, get_u64(item.entry) == item.position, "record %llu has the entry %llu",
                         (unsigned long long)item.position, (unsigned long long)get_u64(item.entry)));
}

static void check_walking(stage_t *stage, beneath_t beneath, segj_status_t answer)
{
    walking_t walking = {.answer = SEGJ_OK};
    fill(stage);
    walking.replay = begin_replay(stage, SECTION, 5);
    gate_t *gate = gate_close(stage->watched, CALL_READ, PART_INDEX, SECTION, 1);
    team_start(&walking.worker, 1, walk, &walking);
    gate_await(gate, 1);
    beneath(stage->journal);
    gate_open(gate, 0);
    team_join(&walking.worker, 1);
    assert_status(walking.answer, answer);
    check_replay_ends(walking.replay, answer);
}

static void replay_at_the_device_ends_where_its_section_is_pruned(void **state)
{
    check_walking(*state, prune_only, SEGJ_ERR_PRUNED);
}

static void replay_at_the_device_ends_where_its_section_is_rewound(void **state)
{
    check_walking(*state, rewind_and_write_again, SEGJ_ERR_NO_RECORD);
}

static void replay_at_the_device_ends_where_its_section_is_removed_and_made_again(void **state)
{
    check_walking(*state, remove_and_make_again, SEGJ_ERR_NO_RECORD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(reader_gets_one_record_where_its_section_is_rewound_and_written_again),
        STAGE_TEST(reader_gets_one_record_where_its_page_is_cut_and_written_again),
        STAGE_TEST(reader_gets_one_record_where_its_section_is_removed_and_made_again),
        STAGE_TEST(reader_learns_that_its_record_was_rewound),
        STAGE_TEST(reader_learns_that_its_section_was_removed),
        STAGE_TEST(reader_learns_that_its_section_was_pruned),
        STAGE_TEST(page_read_during_a_cut_does_not_bring_back_what_was_cut),
        STAGE_TEST(replay_ends_where_its_section_is_pruned),
        STAGE_TEST(replay_ends_where_its_section_is_rewound),
        STAGE_TEST(replay_ends_where_its_section_is_removed_and_made_again),
        STAGE_TEST(replay_ends_at_a_section_that_was_removed_and_made_again),
        STAGE_TEST(replay_goes_on_where_other_sections_change),
        STAGE_TEST(replay_goes_on_where_a_prune_fails),
        STAGE_TEST(replay_at_the_device_ends_where_its_section_is_pruned),
        STAGE_TEST(replay_at_the_device_ends_where_its_section_is_rewound),
        STAGE_TEST(replay_at_the_device_ends_where_its_section_is_removed_and_made_again),
    };
    return cmocka_run_group_tests_name("beneath", tests, NULL, NULL);
}
