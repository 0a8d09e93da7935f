/*
 * What a sync costs.
 * LINK_WRAP: malloc calloc realloc memcpy memmove
 */
#include "counted/rig.h"

static void of_a_section_at_rest_nothing(void **state)
{
    rig_t *rig = *state;
    warm(rig, 7);
    costs_t before = costs();
    assert_ok(oversized_sync(rig->journal, 7));
    assert_ok(oversized_sync(rig->journal, 8)); /* there is none */
    assert_costs(before, (costs_t){0});
}

/* What was appended, and the page with its record, whose bytes go on in another buffer. */
static void sync_single_records(rig_t *rig)
{
    warm(rig, 7);
    for (unsigned i = 0; i < 3; i++) {
        append_many(rig, 7, 1, 100);
        costs_t before = costs();
        assert_ok(oversized_sync(rig->journal, 7));
        assert_costs(before, (costs_t){.writes = 2,
                                       .written_bytes = 100 + FRAME_CHECKSUM + PAGE,
                                       .syncs = 2,
                                       .write_backs = 2,
                                       .copied = partial_bytes(WARM_RECORDS + i + 1)});
    }
}

static void of_one_record_a_frame_and_a_page(void **state)
{
    sync_single_records(*state);
}

/* The thread takes one of the syncs over, and costs memory when it is made. */
static void of_one_record_the_same_where_both_files_are_flushed_at_once(void **state)
{
    rig_t *rig = *state;
    rig->config.parallel_flush = true;
    close_and_open(rig);
    sync_single_records(rig);
}

/* However many pages and frames: one write a file. */
static void of_many_records_one_write_a_file(void **state)
{
    rig_t *rig = *state;
    warm(rig, 7);
    append_many(rig, 7, 1000, 100);
    uint64_t first = (uint64_t)WARM_RECORDS * RECORD / PAGE_BYTES;
    uint64_t last = (uint64_t)(WARM_RECORDS + 1000) * RECORD / PAGE_BYTES;
    costs_t before = costs();
    assert_ok(oversized_sync(rig->journal, 7));
    assert_costs(before, (costs_t){.writes = 2,
                                   .written_bytes = 1000 * (100 + FRAME_CHECKSUM) + (last - first + 1) * PAGE,
                                   .syncs = 2,
                                   .write_backs = 2,
                                   .copied = partial_bytes(WARM_RECORDS + 1000)});
}

/* The watermark is raised when it is more than 1024 records behind, and costs no sync. */
static void of_more_than_1024_records_the_watermark_too(void **state)
{
    rig_t *rig = *state;
    warm(rig, 7);
    append_many(rig, 7, 1025, 1);
    uint64_t first = (uint64_t)WARM_RECORDS * RECORD / PAGE_BYTES;
    uint64_t last = (uint64_t)(WARM_RECORDS + 1025) * RECORD / PAGE_BYTES;
    costs_t before = costs();
    assert_ok(oversized_sync(rig->journal, 7));
    assert_costs(before, (costs_t){.writes = 3,
                                   .written_bytes = 1025 * (1 + FRAME_CHECKSUM) + (last - first + 1) * PAGE + 16,
                                   .syncs = 2,
                                   .write_backs = 2,
                                   .copied = partial_bytes(WARM_RECORDS + 1025)});
}

static void of_a_new_section_the_names_too(void **state)
{
    rig_t *rig = *state;
    warm(rig, 7);
    append_many(rig, 8, 1, 100);
    costs_t before = costs();
    assert_ok(oversized_sync(rig->journal, 8));
    assert_costs(before,
                 (costs_t){.writes = 2, .written_bytes = 100 + FRAME_CHECKSUM + PAGE, .syncs = 4, .write_backs = 2});
}

static void of_all_sections_only_those_that_were_written(void **state)
{
    rig_t *rig = *state;
    for (uint64_t section = 0; section < 50; section++)
        append_many(rig, section, 1, 1);
    assert_ok(oversized_sync_all(rig->journal));
    costs_t before = costs();
    assert_ok(oversized_sync_all(rig->journal));
    assert_costs(before, (costs_t){.allocations = 1}); /* a list of them */
    append_many(rig, 7, 1, 100);
    before = costs();
    assert_ok(oversized_sync_all(rig->journal));
    assert_costs(
        before,
        (costs_t){
            .writes = 2, .written_bytes = 100 + FRAME_CHECKSUM + PAGE, .syncs = 2, .write_backs = 2, .allocations = 1});
}

/* A flush costs what a sync costs, but for all that makes it durable. */
static void a_flush_costs_two_writes(void **state)
{
    rig_t *rig = *state;
    warm(rig, 7);
    for (unsigned i = 0; i < 5; i++) {
        append_many(rig, 7, 1, 100);
        costs_t before = costs();
        assert_ok(oversized_flush(rig->journal, 7));
        assert_costs(before, (costs_t){.writes = 2,
                                       .written_bytes = 100 + FRAME_CHECKSUM + PAGE,
                                       .copied = partial_bytes(WARM_RECORDS + i + 1)});
        before = costs();
        assert_ok(oversized_flush(rig->journal, 7));
        assert_ok(oversized_flush(rig->journal, 8)); /* there is none */
        assert_costs(before, (costs_t){0});
    }
}

/* Full pages that a flush has written are not written again. */
static void flushes_write_a_page_again_while_it_is_partial_and_no_longer(void **state)
{
    rig_t *rig = *state;
    warm(rig, 7);
    append_many(rig, 7, 1000, 100);
    assert_ok(oversized_flush(rig->journal, 7));
    append_many(rig, 7, 1, 100);
    costs_t before = costs();
    assert_ok(oversized_sync(rig->journal, 7));
    assert_costs(before, (costs_t){.writes = 2,
                                   .written_bytes = 100 + FRAME_CHECKSUM + PAGE,
                                   .syncs = 2,
                                   .write_backs = 2,
                                   .copied = partial_bytes(WARM_RECORDS + 1001)});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        COUNTED(of_a_section_at_rest_nothing),
        COUNTED(of_one_record_a_frame_and_a_page),
        COUNTED(of_one_record_the_same_where_both_files_are_flushed_at_once),
        COUNTED(of_many_records_one_write_a_file),
        COUNTED(of_more_than_1024_records_the_watermark_too),
        COUNTED(of_a_new_section_the_names_too),
        COUNTED(of_all_sections_only_those_that_were_written),
        COUNTED(a_flush_costs_two_writes),
        COUNTED(flushes_write_a_page_again_while_it_is_partial_and_no_longer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
