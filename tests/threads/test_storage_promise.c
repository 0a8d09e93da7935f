/*
 * threads/test_storage_promise.c: what the storage interface says of threads: "reads and writes of disjoint ranges of one
 * file" may come from several threads at once, and "the library never makes two overlapping writes at a time".
 */
#include "threads/stage.h"

enum { SECTION = 3, COUNT = 10 };

/* Ten records end in the fourth page, which is partial. */
static void fill(stage_t *stage)
{
    append_samples(stage->journal, SECTION, 0, COUNT);
    stage_reopen(stage);
}

static segj_status_t call_get_last(oversized_t *journal, uint64_t section)
{
    return oversized_get(journal, section, COUNT - 1, NULL, NULL);
}

static segj_status_t call_read_7(oversized_t *journal, uint64_t section)
{
    segj_buffer_t value = {NULL, 0, 0};
    uint8_t entry[SMALL_ENTRY];
    segj_status_t status = oversized_read(journal, section, 7, entry, &value);
    segj_buffer_free(&value);
    return status;
}

/* A reader has the last page of an idle section at the device when the section goes on being written: the page is. */
static void get_reads_no_bytes_that_are_being_written(void **state)
{
    stage_t *stage = *state;
    errand_t reader;
    fill(stage);
    gate_t *gate = gate_close(stage->watched, CALL_READ, PART_INDEX, SECTION, 2);
    errand_start(&reader, stage, call_get_last, SECTION);
    gate_await(gate, 1);
    gate_pass(gate, 0);
    gate_await(gate, 2);
    append_samples(stage->journal, SECTION, COUNT, 1);
    assert_ok(oversized_sync(stage->journal, SECTION));
    gate_open(gate, 0);
    errand_join(&reader, SEGJ_OK);
    assert_writes_apart(stage->watched);
    assert_reads_apart(stage->watched);
}

/* A replay reads pages in bulk, also the one that a sync writes. */
static void replay_reads_no_bytes_that_are_being_written(void **state)
{
    stage_t *stage = *state;
    errand_t sync;
    oversized_replay_t *replay = NULL;
    oversized_item_t item;
    fill(stage);
    append_samples(stage->journal, SECTION, COUNT, 1);
    gate_t *gate = gate_close(stage->watched, CALL_WRITE, PART_INDEX, SECTION, 1);
    errand_start(&sync, stage, call_sync, SECTION);
    gate_await(gate, 1);
    assert_ok(oversized_replay_open(stage->journal, SECTION, 0, 4096, &replay));
    for (uint64_t position = 0; position <= COUNT; position++) {
        assert_ok(oversized_replay_next(replay, &item));
        assert_int_equal(get_u64(item.entry), position);
    }
    oversized_replay_close(replay);
    gate_open(gate, 0);
    errand_join(&sync, SEGJ_OK);
    assert_reads_apart(stage->watched);
}

/* A reader has a value at the device when the section is rewound and its offsets are used again. */
static void get_value_reads_no_bytes_that_are_being_written(void **state)
{
    stage_t *stage = *state;
    errand_t reader;
    fill(stage);
    gate_t *gate = gate_close(stage->watched, CALL_READ, PART_VALUES, SECTION, 1);
    errand_start(&reader, stage, call_read_7, SECTION);
    gate_await(gate, 1);
    assert_ok(oversized_rewind_section(stage->journal, SECTION, (uint64_t)7 * SMALL_RECORD));
    append_samples(stage->journal, SECTION, 7, 1);
    gate_open(gate, 0);
    errand_join(&reader, SEGJ_OK);
    assert_reads_apart(stage->watched);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(get_reads_no_bytes_that_are_being_written),
        STAGE_TEST(replay_reads_no_bytes_that_are_being_written),
        STAGE_TEST(get_value_reads_no_bytes_that_are_being_written),
    };
    return cmocka_run_group_tests_name("storage_promise", tests, NULL, NULL);
}
