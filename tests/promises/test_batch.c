/*
 * promises/test_batch.c: oversized_appendv(), values in pieces, and oversized_append_batch(), records that are there
 * whole or not at all.
 */
#include "promises/fixture.h"
#include "promises/watch.h"

#include <stdlib.h>
#include <string.h>

static const uint8_t entry[SMALL_ENTRY] = {1, 2, 3, 4, 5, 6, 7, 8};

/* The samples that follow in a section, as records of a batch. */
typedef struct samples {
    size_t count;
    oversized_record_t *records;
    uint8_t *bytes;
} samples_t;

static samples_t make_samples(uint64_t section, uint64_t first, size_t count)
{
    size_t room = SMALL_ENTRY + SAMPLE_VALUE_LIMIT;
    samples_t made = {count, calloc(count, sizeof *made.records), malloc(count * room)};
    assert_non_null(made.records);
    assert_non_null(made.bytes);
    for (size_t i = 0; i < count; i++) {
        uint8_t *at = made.bytes + i * room;
        sample_entry(section, first + i, 0, at, SMALL_ENTRY);
        sample_value(section, first + i, 0, at + SMALL_ENTRY);
        made.records[i] = (oversized_record_t){at, at + SMALL_ENTRY, sample_value_size(section, first + i, 0)};
    }
    return made;
}

static void free_samples(samples_t *samples)
{
    free(samples->records);
    free(samples->bytes);
}

static segj_status_t try_batch(fixture_t *f, uint64_t section, size_t count)
{
    uint64_t first = count_of(f->journal, section);
    uint64_t position = UINT64_MAX;
    samples_t samples = make_samples(section, first, count);
    oversized_location_t *locations = calloc(count, sizeof *locations);
    assert_non_null(locations);
    uint64_t end = value_size_of(f->journal, section);
    segj_status_t status = oversized_append_batch(f->journal, section, samples.records, count, &position, locations);
    for (size_t i = 0; i < count && status == SEGJ_OK; i++) {
        assert_int_equal(locations[i].offset, end);
        end = tested_frame_end(locations[i], SMALL_ENTRY);
    }
    assert_int_equal(position, status == SEGJ_OK ? first : UINT64_MAX);
    assert_int_equal(value_size_of(f->journal, section), end);
    free(locations);
    free_samples(&samples);
    return status;
}

/* --- pieces --- */

static void check_pieces(fixture_t *f, uint64_t section, size_t count, size_t size)
{
    segj_slice_t *pieces = calloc(count + 1, sizeof *pieces);
    uint8_t *whole = malloc(count * size + 1);
    assert_non_null(pieces);
    assert_non_null(whole);
    fill_noise(whole, count * size, count + 7 * size);
    for (size_t i = 0; i < count; i++)
        pieces[i] = (segj_slice_t){size > 0 ? whole + i * size : NULL, size};
    uint64_t position;
    assert_ok(oversized_appendv(f->journal, section, entry, count > 0 ? pieces : NULL, count, &position, NULL));
    assert_ok(oversized_read(f->journal, section, position, NULL, &f->value));
    assert_int_equal(f->value.size, count * size);
    if (f->value.size > 0)
        assert_memory_equal(f->value.data, whole, count * size);
    free(pieces);
    free(whole);
}

/* Buffers hold 1024 bytes: most of these are written from the pieces, those of more than 15 in several calls. */
static void test_pieces_become_one_value(void **state)
{
    fixture_t *f = *state;
    static const size_t counts[] = {0, 1, 2, 3, 14, 15, 16, 17, 31, 32, 33, 100};
    static const size_t sizes[] = {0, 1, 60, 64, 1019, 1020, 1021, 5000};
    open_journal(f);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
            check_pieces(f, 1, counts[i], sizes[k]);
    uint64_t records = count_of(f->journal, 1);
    close_and_open(f);
    assert_int_equal(count_of(f->journal, 1), records);
}

static void test_pieces_are_compressed_together(void **state)
{
    fixture_t *f = *state;
    f->config.compression = 3;
    open_journal(f);
    check_pieces(f, 1, 0, 0);
    check_pieces(f, 1, 1, 100);
    check_pieces(f, 1, 20, 100);
    check_pieces(f, 1, 3, 5000);
    oversized_location_t one;
    oversized_location_t many;
    static const uint8_t zeros[1000];
    segj_slice_t pieces[4] = {{zeros, 250}, {zeros + 250, 250}, {zeros + 500, 0}, {zeros + 500, 500}};
    assert_ok(oversized_append(f->journal, 1, entry, zeros, sizeof zeros, NULL, &one));
    assert_ok(oversized_appendv(f->journal, 1, entry, pieces, 4, NULL, &many));
    assert_int_equal(many.size, one.size);
}

static void test_bad_pieces_are_refused(void **state)
{
    fixture_t *f = *state;
    f->config.max_value_size = 100;
    open_journal(f);
    append_sample(f->journal, 1, 0);
    segj_slice_t missing[2] = {{entry, 4}, {NULL, 1}};
    segj_slice_t large[2] = {{entry, 50}, {entry, 51}};
    segj_slice_t beyond[2] = {{entry, SIZE_MAX}, {entry, 2}};
    uint64_t position = 77;
    assert_status(oversized_appendv(NULL, 1, entry, NULL, 0, NULL, NULL), SEGJ_ERR_INVALID);
    assert_status(oversized_appendv(f->journal, 1, NULL, NULL, 0, NULL, NULL), SEGJ_ERR_INVALID);
    assert_status(oversized_appendv(f->journal, 1, entry, NULL, 1, NULL, NULL), SEGJ_ERR_INVALID);
    assert_status(oversized_appendv(f->journal, 1, entry, missing, 2, &position, NULL), SEGJ_ERR_INVALID);
    assert_status(oversized_appendv(f->journal, 1, entry, large, 2, &position, NULL), SEGJ_ERR_TOO_LARGE);
    assert_status(oversized_appendv(f->journal, 1, entry, beyond, 2, &position, NULL), SEGJ_ERR_TOO_LARGE);
    assert_int_equal(position, 77);
    check_section(f->journal, 1, 1, 0);
}

/* --- batches --- */

static void test_a_batch_is_its_records_in_order(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    uint64_t count = 0;
    for (size_t size = 1; size < 40; size++) {
        append_sample(f->journal, 1, 0);
        assert_ok(try_batch(f, 1, size));
        count += size + 1;
        if (size % 5 == 0)
            assert_ok(oversized_sync(f->journal, 1));
    }
    check_section(f->journal, 1, count, 0);
    assert_ok(oversized_sync(f->journal, 1));
    check_files(f, 1, count, 0);
    abandon_and_open(f);
    check_section(f->journal, 1, count, 0);
}

/* Far more than the buffers hold: 20 bytes a record in buffers of 1024, and their values as well. */
static void test_a_batch_may_be_larger_than_the_buffers(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 3, 0);
    assert_ok(try_batch(f, 1, 2000));
    append_samples(f->journal, 1, 100, 0);
    assert_ok(try_batch(f, 1, 500));
    check_section(f->journal, 1, 2603, 0);
    close_and_open(f);
    check_section(f->journal, 1, 2603, 0);
    check_files(f, 1, 2603, 0);
}

static void test_a_batch_may_make_its_section(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    assert_ok(try_batch(f, 9, 300));
    assert_ok(oversized_sync(f->journal, 9));
    abandon_and_open(f);
    check_section(f->journal, 9, 300, 0);
}

static void test_a_batch_of_none_does_nothing(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    uint64_t position = 77;
    assert_ok(oversized_append_batch(f->journal, 1, NULL, 0, &position, NULL));
    assert_int_equal(position, 77);
    assert_no_sections(f->journal);
}

static void test_a_batch_is_compressed_like_appends(void **state)
{
    fixture_t *f = *state;
    f->config.compression = 3;
    open_journal(f);
    assert_ok(try_batch(f, 1, 200));
    check_section(f->journal, 1, 200, 0);
    close_and_open(f);
    check_section(f->journal, 1, 200, 0);
}

static void test_a_batch_with_a_bad_record_changes_nothing(void **state)
{
    fixture_t *f = *state;
    f->config.max_value_size = 100;
    open_journal(f);
    oversized_record_t records[3] = {{entry, "a", 1}, {entry, "b", 1}, {entry, NULL, 1}};
    assert_status(oversized_append_batch(NULL, 1, records, 3, NULL, NULL), SEGJ_ERR_INVALID);
    assert_status(oversized_append_batch(f->journal, 1, NULL, 3, NULL, NULL), SEGJ_ERR_INVALID);
    assert_status(oversized_append_batch(f->journal, 1, records, 3, NULL, NULL), SEGJ_ERR_INVALID);
    assert_non_null(strstr(segj_last_error(), "record 2"));
    records[2] = (oversized_record_t){NULL, "c", 1};
    assert_status(oversized_append_batch(f->journal, 1, records, 3, NULL, NULL), SEGJ_ERR_INVALID);
    records[2] = (oversized_record_t){entry, "c", 101};
    assert_status(oversized_append_batch(f->journal, 1, records, 3, NULL, NULL), SEGJ_ERR_TOO_LARGE);
    assert_no_sections(f->journal);
}

/* The storage is full after so many writes: at each of them the batch is there whole or not at all, and can be made
 * again. */
static void fill_up(fixture_t *f, uint64_t before, size_t batch, uint64_t writes)
{
    open_journal(f);
    append_samples(f->journal, 1, before, 0);
    watch_seen()->full = true;
    watch_seen()->writes_before_full = writes;
    segj_status_t status = try_batch(f, 1, batch);
    watch_seen()->full = false;
    uint64_t expected = before + (status == SEGJ_OK ? batch : 0);
    if (status != SEGJ_OK)
        assert_status(status, SEGJ_ERR_NO_SPACE);
    if (expected > 0)
        check_section(f->journal, 1, expected, 0);
    else
        assert_no_sections(f->journal);
    if (writes % 2 == 0) {
        assert_ok(try_batch(f, 1, batch));
        expected += batch;
    }
    append_samples(f->journal, 1, 5, 0);
    check_section(f->journal, 1, expected + 5, 0);
    if (writes % 3 == 0)
        assert_ok(oversized_sync(f->journal, 1));
    close_and_open(f);
    check_section(f->journal, 1, expected + 5, 0);
    check_files(f, 1, expected + 5, 0);
    assert_ok(oversized_destroy(f->journal));
    f->journal = NULL;
}

static void test_a_batch_without_space_leaves_nothing(void **state)
{
    fixture_t *f = *state;
    for (uint64_t writes = 0; writes < 14; writes++) {
        fill_up(f, 30, 250, writes);
        fill_up(f, 1, 250, writes);
        fill_up(f, 0, 250, writes);
    }
}

/* Only a batch whose values go out early leaves bytes behind the end. */
static void test_what_a_failed_batch_wrote_is_cut_before_it_is_written_over(void **state)
{
    fixture_t *f = *state;
    watch_seen()->quick = false;
    open_journal(f);
    append_samples(f->journal, 1, 4, 0);
    assert_ok(oversized_sync(f->journal, 1));
    watch_seen()->full = true;
    watch_seen()->writes_before_full = 3;
    assert_status(try_batch(f, 1, 400), SEGJ_ERR_NO_SPACE);
    watch_seen()->full = false;
    bytes_t left = read_file(values_path(f, 1).text);
    /* In version 2, where a frame is a record by itself, before the refusal is answered. */
    assert_true(left.size > tested_values_data() + value_size_of(f->journal, 1) || tested_version() == 2);
    free_bytes(&left);
    append_sample(f->journal, 1, 0);
    left = read_file(values_path(f, 1).text);
    assert_true(left.size <= tested_values_data() + value_size_of(f->journal, 1));
    free_bytes(&left);
    abandon_and_open(f);
    check_section(f->journal, 1, 4, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(test_pieces_become_one_value),
        PROMISE(test_pieces_are_compressed_together),
        PROMISE(test_bad_pieces_are_refused),
        PROMISE(test_a_batch_is_its_records_in_order),
        PROMISE(test_a_batch_may_be_larger_than_the_buffers),
        PROMISE(test_a_batch_may_make_its_section),
        PROMISE(test_a_batch_of_none_does_nothing),
        PROMISE(test_a_batch_is_compressed_like_appends),
        PROMISE(test_a_batch_with_a_bad_record_changes_nothing),
        PROMISE(test_a_batch_without_space_leaves_nothing),
        PROMISE(test_what_a_failed_batch_wrote_is_cut_before_it_is_written_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
