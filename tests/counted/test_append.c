/*
 * What an append costs.
 * LINK_WRAP: malloc calloc realloc memcpy memmove
 */
#include "counted/rig.h"

/* What the device is asked to begin with at a time, in bytes, and in buffers of values of 4 KiB. */
#define MOST_AT_ONCE (UINT64_C(2) << 20)
#define AT_ONCE 9

static const uint8_t bytes[BIG];

static void an_append_that_fits_copies_its_value_and_does_nothing_else(void **state)
{
    rig_t *rig = *state;
    warm(rig, 7);
    costs_t before = costs();
    append_many(rig, 7, 400, 600);
    assert_costs(before, (costs_t){.copied = 400 * 600});
}

static void so_does_one_in_pieces(void **state)
{
    rig_t *rig = *state;
    warm(rig, 7);
    segj_slice_t pieces[3] = {{bytes, 600}, {bytes, 700}, {bytes, 800}};
    costs_t before = costs();
    assert_ok(oversized_appendv(rig->journal, 7, bytes, pieces, 3, NULL, NULL));
    assert_costs(before, (costs_t){.copied = 2100});
}

static void so_does_a_batch(void **state)
{
    rig_t *rig = *state;
    warm(rig, 7);
    oversized_record_t records[100];
    for (size_t i = 0; i < 100; i++)
        records[i] = (oversized_record_t){bytes, bytes, 600};
    costs_t before = costs();
    assert_ok(oversized_append_batch(rig->journal, 7, records, 100, NULL, NULL));
    assert_costs(before, (costs_t){.copied = 100 * 600});
}

/* 63 frames of 4100 bytes are 258,300 of 262,144. The buffer that was written takes the values that come next. The device
 * is asked to begin with each 2 MiB. */
static void a_full_values_buffer_is_one_write_and_no_memory(void **state)
{
    rig_t *rig = *state;
    warm(rig, 7);
    for (unsigned i = 0; i < 2 * AT_ONCE; i++) {
        costs_t before = costs();
        append_many(rig, 7, i == 0 ? 64 : 63, 4096);
        assert_costs(before, (costs_t){.writes = 1,
                                       .written_bytes = 63 * 4100,
                                       .write_backs = i % AT_ONCE == AT_ONCE - 1,
                                       .copied = (i == 0 ? 64 : 63) * UINT64_C(4096)});
    }
}

/* The page that the next record reaches behind is not full yet: it stays, and goes on in the next buffer. */
static void a_full_index_buffer_is_one_write_and_no_memory(void **state)
{
    rig_t *rig = *state;
    uint64_t records = WARM_RECORDS + 4000;
    warm(rig, 7);
    append_many(rig, 7, 4000, 1);
    for (unsigned i = 0; i < 5; i++) {
        costs_t before = costs();
        do
            append_many(rig, 7, 1, 1);
        while (costs_since(before).writes == 0 && ++records < UINT32_MAX);
        uint64_t stays = partial_bytes(records++);
        uint64_t pages = stays > 0 ? INDEX_BUFFER / PAGE - 1 : INDEX_BUFFER / PAGE;
        if (i > 0) /* the first one began in the middle */
            assert_costs(before, (costs_t){.writes = 1, .written_bytes = pages * PAGE, .copied = stays});
    }
}

static void full_index_buffers_are_begun_with_together(void **state)
{
    rig_t *rig = *state;
    warm(rig, 7);
    costs_t before = costs();
    do
        append_many(rig, 7, 1, 1);
    while (costs_since(before).write_backs == 0 && costs_since(before).written_bytes < 2 * MOST_AT_ONCE);
    assert_int_equal(costs_since(before).write_backs, 1);
    assert_true(costs_since(before).written_bytes >= MOST_AT_ONCE);
    assert_true(costs_since(before).written_bytes < MOST_AT_ONCE + MOST_AT_ONCE / 2); /* values are written, too */
    /* What a sync has flushed is not asked for once more. */
    assert_ok(oversized_sync(rig->journal, 7));
    before = costs();
    do
        append_many(rig, 7, 1, 1);
    while (costs_since(before).write_backs == 0 && costs_since(before).written_bytes < 2 * MOST_AT_ONCE);
    assert_true(costs_since(before).written_bytes >= MOST_AT_ONCE);
}

static void a_value_larger_than_the_buffer_is_written_from_where_it_is(void **state)
{
    rig_t *rig = *state;
    warm(rig, 7);
    costs_t before = costs();
    assert_ok(oversized_append(rig->journal, 7, bytes, bytes, BIG, NULL, NULL));
    assert_costs(before, (costs_t){.writes = 1, .written_bytes = BIG + FRAME_CHECKSUM});
}

static void with_what_the_buffer_holds_it_is_still_one_write(void **state)
{
    rig_t *rig = *state;
    warm(rig, 7);
    append_many(rig, 7, 10, 96);
    costs_t before = costs();
    assert_ok(oversized_append(rig->journal, 7, bytes, bytes, BIG, NULL, NULL));
    assert_costs(before, (costs_t){.writes = 1, .written_bytes = 10 * 100 + BIG + FRAME_CHECKSUM});
}

/* Two files made, their headers written and synced. In memory: the section, its place in the table, the end of its
 * index, a buffer for each file and one record. */
static void a_new_section_is_two_files_with_durable_headers(void **state)
{
    rig_t *rig = *state;
    costs_t before = costs();
    append_many(rig, 7, 1, 1);
    assert_costs(before, (costs_t){.writes = 2,
                                   .written_bytes = INDEX_DATA_OFFSET + VALUES_DATA_OFFSET,
                                   .syncs = 2,
                                   .write_backs = 1,
                                   .opens = 2,
                                   .allocations = 6});
}

/* Memory that is taken anew for each buffer costs more than the copy into it. Once, a pool kept the first two
 * buffers that it was given back: the small ones that a growing section had left behind, so that every large one was
 * taken anew. */
static void buffers_are_used_again_after_each_sync(void **state)
{
    rig_t *rig = *state;
    warm(rig, 7);
    append_many(rig, 7, 100, 4096);
    assert_ok(oversized_sync(rig->journal, 7));
    costs_t before = costs();
    for (unsigned i = 0; i < 20; i++) {
        append_many(rig, 7, 50 + i, 4096);
        assert_ok(oversized_sync(rig->journal, 7));
    }
    assert_int_equal(costs_since(before).allocations, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        COUNTED(an_append_that_fits_copies_its_value_and_does_nothing_else),
        COUNTED(so_does_one_in_pieces),
        COUNTED(so_does_a_batch),
        COUNTED(a_full_values_buffer_is_one_write_and_no_memory),
        COUNTED(a_full_index_buffer_is_one_write_and_no_memory),
        COUNTED(full_index_buffers_are_begun_with_together),
        COUNTED(a_value_larger_than_the_buffer_is_written_from_where_it_is),
        COUNTED(with_what_the_buffer_holds_it_is_still_one_write),
        COUNTED(a_new_section_is_two_files_with_durable_headers),
        COUNTED(buffers_are_used_again_after_each_sync),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
