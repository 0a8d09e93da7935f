/*
 * promises/test_stats.c: the numbers of a journal are what it was asked to do since it was opened, and what it holds now.
 */
#include "promises/fixture.h"
#include "promises/watch.h"
#include "segjournal/tools.h"

#include <string.h>

static oversized_stats_t stats_of(fixture_t *f)
{
    oversized_stats_t stats = {.struct_size = sizeof stats};
    assert_ok(oversized_stats(f->journal, &stats));
    assert_int_equal(stats.struct_size, sizeof stats);
    return stats;
}

/* Appends values of these sizes; gives their sum. */
static uint64_t append_sizes(fixture_t *f, uint64_t section, const size_t *sizes, size_t count)
{
    static const uint8_t value[5000];
    uint8_t entry[SMALL_ENTRY] = {0};
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        assert_ok(oversized_append(f->journal, section, entry, value, sizes[i], NULL, NULL));
        sum += sizes[i];
    }
    return sum;
}

static void test_appends_are_counted_however_they_are_made(void **state)
{
    fixture_t *f = *state;
    static const uint8_t bytes[300];
    const size_t sizes[] = {0, 100, 5000};
    const segj_slice_t pieces[] = {{bytes, 10}, {bytes, 20}};
    const oversized_record_t batch[] = {{bytes, bytes, 7}, {bytes, bytes, 8}, {bytes, bytes, 9}};
    oversized_writer_t *writer = NULL;
    open_journal(f);
    oversized_stats_t stats = stats_of(f);
    assert_int_equal(stats.records + stats.value_bytes + stats.stored_bytes, 0);
    uint64_t sum = append_sizes(f, 1, sizes, 3);
    assert_ok(oversized_appendv(f->journal, 2, bytes, pieces, 2, NULL, NULL));
    assert_ok(oversized_append_batch(f->journal, 2, batch, 3, NULL, NULL));
    assert_ok(oversized_writer_open(f->journal, 2, bytes, 300, &writer));
    assert_ok(oversized_writer_write(writer, bytes, 300));
    assert_ok(oversized_writer_finish(writer, NULL, NULL));
    stats = stats_of(f);
    assert_int_equal(stats.records, 8);
    assert_int_equal(stats.value_bytes, sum + 30 + 24 + 300);
    assert_int_equal(stats.stored_bytes, stats.value_bytes + UINT64_C(8) * FRAME_CHECKSUM);
    assert_int_equal(stats.sections, 2);
    assert_int_equal(stats.active_sections, 2);
    assert_int_equal(stats.unsynced_records, 8);
    assert_int_equal(stats.unsynced_bytes, stats.stored_bytes);
    assert_true(stats.write_memory > 0);
    assert_int_equal(stats.open_files, 4);
    assert_int_equal(stats.open_files_most, f->config.max_open_files);
    /* A failed one is not counted. */
    assert_status(oversized_append(f->journal, 1, NULL, "v", 1, NULL, NULL), SEGJ_ERR_INVALID);
    assert_int_equal(stats_of(f).records, 8);
    /* What goes was appended all the same. */
    assert_ok(oversized_rewind_section_to(f->journal, 2, 1));
    assert_int_equal(stats_of(f).records, 8);
    assert_ok(oversized_prune(f->journal, 2, NULL));
    stats = stats_of(f);
    assert_int_equal(stats.records, 8);
    assert_int_equal(stats.value_bytes, sum + 30 + 24 + 300);
    assert_int_equal(stats.stored_bytes, stats.value_bytes + UINT64_C(8) * FRAME_CHECKSUM);
    (void)append_sizes(f, 9, sizes, 1);
    assert_int_equal(stats_of(f).records, 9);
    close_and_open(f);
    stats = stats_of(f);
    assert_int_equal(stats.value_bytes + stats.stored_bytes, 0);
    assert_int_equal(stats.records + stats.syncs + stats.flushes + stats.unsynced_records + stats.unsynced_bytes, 0);
    assert_int_equal(stats.sections, 2);
    assert_int_equal(stats.active_sections, 0);
}

static void test_compressed_values_take_fewer_bytes(void **state)
{
    fixture_t *f = *state;
    const size_t sizes[] = {5000, 4000};
    f->config.compression = 1;
    open_journal(f);
    (void)append_sizes(f, 1, sizes, 2);
    oversized_writer_t *writer = NULL;
    static const uint8_t zeros[1000];
    uint8_t noise[100];
    fill_noise(noise, sizeof noise, 1);
    assert_ok(oversized_writer_open(f->journal, 1, zeros, 1000, &writer));
    assert_ok(oversized_writer_write(writer, zeros, 1000));
    assert_ok(oversized_writer_finish(writer, NULL, NULL));
    assert_ok(oversized_append(f->journal, 1, zeros, noise, sizeof noise, NULL, NULL)); /* takes more */
    const oversized_record_t batch[] = {{zeros, zeros, 700}, {zeros, noise, 50}};
    assert_ok(oversized_append_batch(f->journal, 1, batch, 2, NULL, NULL));
    oversized_stats_t stats = stats_of(f);
    assert_int_equal(stats.value_bytes, 10850);
    uint64_t heads = f->config.native_version == 2 ? 6 * (OVERSIZED_FRAME_HEAD + SMALL_ENTRY) : 0;
    assert_int_equal(stats.stored_bytes, value_size_of(f->journal, 1) - heads);
    assert_true(stats.stored_bytes < 1000);
}

/* The heads of frames are no values. */
static void test_version_2_counts_the_same(void **state)
{
    fixture_t *f = *state;
    for_native_only();
    f->config.native_version = 2;
    test_appends_are_counted_however_they_are_made(state);
}

static void test_version_2_counts_the_same_of_compressed_values(void **state)
{
    fixture_t *f = *state;
    for_native_only();
    f->config.native_version = 2;
    test_compressed_values_take_fewer_bytes(state);
}

static uint64_t sum_of_times(const oversized_stats_t *stats)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < OVERSIZED_TIMES; i++)
        sum += stats->sync_times[i];
    return sum;
}

static void test_syncs_and_flushes_are_counted_and_take_unsynced_away(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 5, 0);
    append_samples(f->journal, 2, 4, 0);
    assert_ok(oversized_flush(f->journal, 1));
    assert_ok(oversized_flush(f->journal, 1)); /* with nothing new */
    oversized_stats_t stats = stats_of(f);
    assert_int_equal(stats.flushes, 1);
    assert_int_equal(stats.syncs, 0);
    assert_int_equal(stats.sync_time_50 + stats.sync_time_99 + stats.sync_time_most, 0);
    assert_int_equal(stats.unsynced_records, 9);
    assert_ok(oversized_sync(f->journal, 1));
    assert_ok(oversized_sync(f->journal, 1));
    stats = stats_of(f);
    assert_int_equal(stats.syncs, 1);
    assert_int_equal(stats.sync_calls, 1);
    assert_int_equal(stats.unsynced_records, 4);
    assert_int_equal(stats.unsynced_bytes, value_size_of(f->journal, 2) - 4 * tested_head(SMALL_ENTRY));
    assert_ok(oversized_sync_all(f->journal));
    stats = stats_of(f);
    assert_int_equal(stats.syncs, 2);
    assert_int_equal(stats.unsynced_records + stats.unsynced_bytes, 0);
    assert_int_equal(sum_of_times(&stats), 2);
    assert_true(stats.sync_time_50 > 0 && stats.sync_time_50 <= stats.sync_time_99);
    assert_true(stats.sync_time_99 <= stats.sync_time_most);
    append_samples(f->journal, 1, 6, 0);
    assert_ok(oversized_rewind_section_to(f->journal, 1, 2));
    append_samples(f->journal, 1, 1, 1);
    stats = stats_of(f);
    assert_int_equal(stats.unsynced_records, 1);
    assert_int_equal(stats.unsynced_bytes, sample_value_size(1, 2, 1) + FRAME_CHECKSUM);
}

static void test_pages_are_counted_that_the_cache_does_not_have(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 40, 0);
    close_and_open(f);
    assert_ok(oversized_get(f->journal, 1, 0, NULL, NULL));
    uint64_t first = stats_of(f).pages_read;
    assert_int_equal(first, 1);
    assert_ok(oversized_get(f->journal, 1, 0, NULL, NULL));
    assert_int_equal(stats_of(f).pages_read, first);
    assert_ok(oversized_get(f->journal, 1, 39, NULL, NULL));
    assert_true(stats_of(f).pages_read > first);
}

static void test_bad_arguments_are_refused(void **state)
{
    fixture_t *f = *state;
    oversized_stats_t stats = {.struct_size = sizeof stats - 1, .records = 77};
    open_journal(f);
    assert_status(oversized_stats(f->journal, NULL), SEGJ_ERR_INVALID);
    assert_status(oversized_stats(f->journal, &stats), SEGJ_ERR_INVALID);
    assert_non_null(strstr(segj_last_error(), "struct_size"));
    assert_int_equal(stats.records, 77);
    assert_status(oversized_stats(NULL, &stats), SEGJ_ERR_INVALID);
    /* Of a later version's structure no more than this version's is written. */
    struct {
        oversized_stats_t known;
        uint64_t later;
    } longer = {.known.struct_size = sizeof longer, .later = 99};
    assert_ok(oversized_stats(f->journal, &longer.known));
    assert_int_equal(longer.known.struct_size, sizeof longer);
    assert_int_equal(longer.later, 99);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(test_appends_are_counted_however_they_are_made),
        PROMISE(test_compressed_values_take_fewer_bytes),
        PROMISE(test_version_2_counts_the_same),
        PROMISE(test_version_2_counts_the_same_of_compressed_values),
        PROMISE(test_syncs_and_flushes_are_counted_and_take_unsynced_away),
        PROMISE(test_pages_are_counted_that_the_cache_does_not_have),
        PROMISE(test_bad_arguments_are_refused),
    };
    return cmocka_run_group_tests_name("stats", tests, NULL, NULL);
}
