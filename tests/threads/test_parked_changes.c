/*
 * threads/test_parked_changes.c: a change, or a reader, that waits for its device, and readers beside it: "readers run
 * at the same time as each other and as a change".
 */
#include "threads/stage.h"

#include <errno.h>

enum { SECTION = 3, OTHER = 4, COUNT = 40 };

/* Two sections, synced, read from the files: the journal has just been opened. */
static void fill(stage_t *stage)
{
    append_samples(stage->journal, SECTION, 0, COUNT);
    append_samples(stage->journal, OTHER, 0, COUNT);
    stage_reopen(stage);
}

/* Starts the call, which stops at its first storage call of this kind. */
static gate_t *park(stage_t *stage, errand_t *errand, watched_call_t call, watched_part_t part,
                    segj_status_t (*change)(oversized_t *journal, uint64_t argument), uint64_t argument)
{
    gate_t *gate = gate_close(stage->watched, call, part, ANY_SECTION, 1);
    errand_start(errand, stage, change, argument);
    gate_await(gate, 1);
    return gate;
}

static void release(gate_t *gate, errand_t *errand)
{
    assert_false(errand_finished(errand));
    gate_open(gate, 0);
    errand_join(errand, SEGJ_OK);
}

/* --- appends --- */

static void readers_go_on_while_a_section_is_created(void **state)
{
    static const watched_call_t calls[] = {CALL_OPEN, CALL_WRITE, CALL_SYNC};
    stage_t *stage = *state;
    fill(stage);
    for (uint64_t i = 0; i < 6; i++) {
        errand_t append;
        uint64_t section = 10 + i;
        gate_t *gate = gate_close(stage->watched, calls[i / 2], (watched_part_t)(i % 2), section, 1);
        errand_start(&append, stage, call_append_one, section);
        gate_await(gate, 1);
        check_samples(stage->journal, SECTION, COUNT);
        check_samples(stage->journal, section, 0);
        release(gate, &append);
        check_samples(stage->journal, section, 1);
    }
}

/* Fills the buffers until they have to be written. */
static segj_status_t call_append_more(oversized_t *journal, uint64_t section)
{
    segj_status_t status = SEGJ_OK;
    for (uint64_t id = COUNT; id < COUNT + 70 && status == SEGJ_OK; id++)
        status = append_sample(journal, section, id, NULL);
    return status;
}

static void check_append_parked(stage_t *stage, watched_part_t part)
{
    errand_t append;
    uint64_t count = 0;
    fill(stage);
    gate_t *gate = park(stage, &append, CALL_WRITE, part, call_append_more, SECTION);
    assert_ok(oversized_count(stage->journal, SECTION, &count));
    assert_true(count > COUNT);
    check_samples(stage->journal, SECTION, count);
    check_samples(stage->journal, OTHER, COUNT);
    release(gate, &append);
    check_samples(stage->journal, SECTION, COUNT + 70);
}

static void readers_go_on_while_an_append_writes_its_values(void **state)
{
    check_append_parked(*state, PART_VALUES);
}

static void readers_go_on_while_an_append_writes_its_pages(void **state)
{
    check_append_parked(*state, PART_INDEX);
}

/* --- rewind and prune --- */

/* What is kept reads back at each step; what goes is there, or is not. */
static void check_rewind_parked(stage_t *stage, watched_call_t call, watched_part_t part)
{
    errand_t rewind;
    uint64_t count = 0;
    segj_buffer_t value = {NULL, 0, 0};
    uint8_t entry[SMALL_ENTRY];
    fill(stage);
    gate_t *gate = park(stage, &rewind, call, part, call_rewind_section_to_3, SECTION);
    for (uint64_t position = 0; position < 3; position++) {
        assert_ok(oversized_read(stage->journal, SECTION, position, entry, &value));
        assert_int_equal(get_u64(entry), position);
        assert_true(is_sample(SECTION, entry, &value));
    }
    assert_ok(oversized_count(stage->journal, SECTION, &count));
    assert_true(count == 3 || count == COUNT);
    check_samples(stage->journal, SECTION, count);
    check_samples(stage->journal, OTHER, COUNT);
    release(gate, &rewind);
    check_samples(stage->journal, SECTION, 3);
    append_samples(stage->journal, SECTION, 3, 50);
    check_samples(stage->journal, SECTION, 53);
    segj_buffer_free(&value);
}

static void readers_go_on_while_a_rewind_marks_the_cut(void **state)
{
    check_rewind_parked(*state, CALL_WRITE, PART_INDEX);
}

static void readers_go_on_while_a_rewind_syncs_the_index(void **state)
{
    check_rewind_parked(*state, CALL_SYNC, PART_INDEX);
}

static void readers_go_on_while_a_rewind_cuts_the_index(void **state)
{
    check_rewind_parked(*state, CALL_TRUNCATE, PART_INDEX);
}

static void readers_go_on_while_a_rewind_cuts_the_values(void **state)
{
    check_rewind_parked(*state, CALL_TRUNCATE, PART_VALUES);
}

static void readers_go_on_while_a_rewind_syncs_the_values(void **state)
{
    check_rewind_parked(*state, CALL_SYNC, PART_VALUES);
}

static void check_prune_parked(stage_t *stage, watched_call_t call, watched_part_t part)
{
    errand_t prune;
    fill(stage);
    gate_t *gate = park(stage, &prune, call, part, call_prune, OTHER);
    check_samples(stage->journal, OTHER, COUNT);
    segj_status_t status = oversized_get(stage->journal, SECTION, 0, NULL, NULL);
    assert_true(status == SEGJ_OK || status == SEGJ_ERR_PRUNED);
    release(gate, &prune);
    assert_status(oversized_get(stage->journal, SECTION, 0, NULL, NULL), SEGJ_ERR_PRUNED);
    check_samples(stage->journal, OTHER, COUNT);
}

static void readers_go_on_while_a_prune_removes_index_files(void **state)
{
    check_prune_parked(*state, CALL_REMOVE, PART_INDEX);
}

static void readers_go_on_while_a_prune_syncs_names(void **state)
{
    check_prune_parked(*state, CALL_SYNC_NAMES, PART_INDEX);
}

static void readers_go_on_while_a_prune_removes_values_files(void **state)
{
    check_prune_parked(*state, CALL_REMOVE, PART_VALUES);
}

/* --- readers --- */

static segj_status_t call_read_2(oversized_t *journal, uint64_t section)
{
    segj_buffer_t value = {NULL, 0, 0};
    uint8_t entry[SMALL_ENTRY];
    segj_status_t status = oversized_read(journal, section, 2, entry, &value);
    if (status == SEGJ_OK && (get_u64(entry) != 2 || !is_sample(section, entry, &value)))
        status = SEGJ_ERR_CORRUPT;
    segj_buffer_free(&value);
    return status;
}

/* One reader stands at the device with the page, or the value, that the others want too. The section has been
 * written to since its files were opened: a first change would open them anew, and wait for who reads them. */
static void check_reader_parked(stage_t *stage, watched_part_t part)
{
    errand_t read;
    fill(stage);
    append_samples(stage->journal, SECTION, COUNT, 1);
    assert_ok(oversized_rewind_section(stage->journal, SECTION, (uint64_t)COUNT * SMALL_RECORD));
    gate_t *gate = park(stage, &read, CALL_READ, part, call_read_2, SECTION);
    check_samples(stage->journal, SECTION, COUNT);
    append_samples(stage->journal, SECTION, COUNT, 70);
    assert_ok(oversized_sync(stage->journal, SECTION));
    append_samples(stage->journal, SECTION, COUNT + 70, 7);
    check_samples(stage->journal, SECTION, COUNT + 77);
    assert_ok(oversized_rewind_section(stage->journal, SECTION, (uint64_t)COUNT * SMALL_RECORD));
    assert_ok(oversized_prune(stage->journal, 2, NULL));
    check_samples(stage->journal, SECTION, COUNT);
    release(gate, &read);
}

static void reader_at_the_index_file_delays_nobody(void **state)
{
    check_reader_parked(*state, PART_INDEX);
}

static void reader_at_the_values_file_delays_nobody(void **state)
{
    check_reader_parked(*state, PART_VALUES);
}

/* The page cache has one frame, and a reader has it; the others do without. */
static void reader_with_the_only_frame_of_the_cache_delays_nobody(void **state)
{
    stage_t *stage = *state;
    stage->config.page_cache_pages = 1;
    check_reader_parked(stage, PART_INDEX);
}

/* A failing device under one reader is no other reader's failure, and the page is asked for again. */
static void failed_read_of_one_reader_is_not_anothers(void **state)
{
    stage_t *stage = *state;
    errand_t read;
    fill(stage);
    gate_t *gate = park(stage, &read, CALL_READ, PART_INDEX, call_read_2, SECTION);
    check_samples(stage->journal, SECTION, COUNT);
    gate_open(gate, EIO);
    errand_join(&read, SEGJ_ERR_IO);
    check_samples(stage->journal, SECTION, COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(readers_go_on_while_a_section_is_created),
        STAGE_TEST(readers_go_on_while_an_append_writes_its_values),
        STAGE_TEST(readers_go_on_while_an_append_writes_its_pages),
        STAGE_TEST(readers_go_on_while_a_rewind_marks_the_cut),
        STAGE_TEST(readers_go_on_while_a_rewind_syncs_the_index),
        STAGE_TEST(readers_go_on_while_a_rewind_cuts_the_index),
        STAGE_TEST(readers_go_on_while_a_rewind_cuts_the_values),
        STAGE_TEST(readers_go_on_while_a_rewind_syncs_the_values),
        STAGE_TEST(readers_go_on_while_a_prune_removes_index_files),
        STAGE_TEST(readers_go_on_while_a_prune_syncs_names),
        STAGE_TEST(readers_go_on_while_a_prune_removes_values_files),
        STAGE_TEST(reader_at_the_index_file_delays_nobody),
        STAGE_TEST(reader_at_the_values_file_delays_nobody),
        STAGE_TEST(reader_with_the_only_frame_of_the_cache_delays_nobody),
        STAGE_TEST(failed_read_of_one_reader_is_not_anothers),
    };
    return cmocka_run_group_tests_name("parked_changes", tests, NULL, NULL);
}
