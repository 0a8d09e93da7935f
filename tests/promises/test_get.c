/*
 * promises/test_get.c: what oversized_get(), oversized_last() and oversized_read() promise: every answer, outputs that
 * are touched by success alone, and the same record wherever its bytes are just now.
 */
#include "promises/fixture.h"

#include <string.h>

/** Outputs that no call may touch that fails. */
typedef struct outputs {
    uint8_t entry[SMALL_ENTRY];
    oversized_location_t location;
} outputs_t;

static const outputs_t marked = {{0xA1, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7, 0xA8}, {0xB1B2, 0xC1C2}};

static void assert_marked(const outputs_t *outputs)
{
    assert_memory_equal(outputs->entry, marked.entry, sizeof marked.entry);
    assert_int_equal(outputs->location.offset, marked.location.offset);
    assert_int_equal(outputs->location.size, marked.location.size);
}

/* get and read of a position answer this status and touch nothing. */
static void assert_refused(fixture_t *f, uint64_t section, uint64_t position, segj_status_t status)
{
    outputs_t outputs = marked;
    assert_status(oversized_get(f->journal, section, position, outputs.entry, &outputs.location), status);
    f->value.size = 99;
    assert_status(oversized_read(f->journal, section, position, outputs.entry, &f->value), status);
    assert_int_equal(f->value.size, 0);
    assert_marked(&outputs);
}

/* --- answers --- */

static void test_a_section_that_does_not_exist(void **state)
{
    fixture_t *f = *state;
    outputs_t outputs = marked;
    open_journal(f);
    append_sample(f->journal, 5, 0);
    assert_refused(f, 4, 0, SEGJ_ERR_NO_SECTION);
    assert_refused(f, 6, UINT64_MAX, SEGJ_ERR_NO_SECTION);
    assert_status(oversized_last(f->journal, 4, outputs.entry, &outputs.location), SEGJ_ERR_NO_SECTION);
    assert_marked(&outputs);
}

static void test_a_section_below_the_prune_line(void **state)
{
    fixture_t *f = *state;
    outputs_t outputs = marked;
    open_journal(f);
    append_sample(f->journal, 1, 0);
    append_sample(f->journal, 5, 0);
    assert_ok(oversized_prune(f->journal, 5, NULL));
    for (uint64_t section = 0; section < 5; section++) {
        assert_refused(f, section, 0, SEGJ_ERR_PRUNED);
        assert_status(oversized_last(f->journal, section, outputs.entry, &outputs.location), SEGJ_ERR_PRUNED);
    }
    assert_marked(&outputs);
    check_section(f->journal, 5, 1, 0);
}

/* Positions whose byte offset would overflow included. */
static void test_a_position_behind_the_last_record(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 3, 0);
    assert_refused(f, 1, 3, SEGJ_ERR_NO_RECORD);
    assert_refused(f, 1, UINT64_MAX, SEGJ_ERR_NO_RECORD);
    assert_refused(f, 1, UINT64_MAX / SMALL_RECORD + 1, SEGJ_ERR_NO_RECORD);
    check_sample(f->journal, 1, 2, 0);
}

static void test_the_last_record_of_an_empty_section_is_the_end(void **state)
{
    fixture_t *f = *state;
    outputs_t outputs = marked;
    open_journal(f);
    append_sample(f->journal, 1, 0);
    assert_ok(oversized_rewind_section(f->journal, 1, 0));
    for (int opened = 0; opened < 2; opened++) {
        assert_status(oversized_last(f->journal, 1, outputs.entry, &outputs.location), SEGJ_END);
        assert_refused(f, 1, 0, SEGJ_ERR_NO_RECORD);
        close_and_open(f);
    }
    assert_marked(&outputs);
}

static void test_outputs_may_be_null(void **state)
{
    fixture_t *f = *state;
    outputs_t outputs = marked;
    open_journal(f);
    append_samples(f->journal, 1, 2, 0);
    assert_ok(oversized_get(f->journal, 1, 0, NULL, NULL));
    assert_ok(oversized_last(f->journal, 1, NULL, NULL));
    assert_ok(oversized_get(f->journal, 1, 0, NULL, &outputs.location));
    assert_int_equal(outputs.location.offset, 0);
    assert_memory_equal(outputs.entry, marked.entry, sizeof marked.entry);
    assert_ok(oversized_read(f->journal, 1, 0, NULL, &f->value));
    assert_int_equal(f->value.size, sample_value_size(1, 0, 0));
}

static void test_a_null_journal_and_a_null_value_are_refused(void **state)
{
    fixture_t *f = *state;
    outputs_t outputs = marked;
    oversized_location_t location = {0, 4};
    f->value.size = 99;
    assert_status(oversized_get(NULL, 1, 0, outputs.entry, &outputs.location), SEGJ_ERR_INVALID);
    assert_status(oversized_last(NULL, 1, outputs.entry, &outputs.location), SEGJ_ERR_INVALID);
    assert_status(oversized_read(NULL, 1, 0, outputs.entry, &f->value), SEGJ_ERR_INVALID);
    assert_status(oversized_get_value(NULL, 1, location, &f->value), SEGJ_ERR_INVALID);
    open_journal(f);
    append_sample(f->journal, 1, 0);
    assert_status(oversized_read(f->journal, 1, 0, outputs.entry, NULL), SEGJ_ERR_INVALID);
    assert_status(oversized_get_value(f->journal, 1, location, NULL), SEGJ_ERR_INVALID);
    assert_marked(&outputs);
    assert_int_equal(f->value.size, 0);
}

static void test_last_follows_every_append(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    for (uint64_t i = 0; i < 100; i++) {
        uint8_t expected[SMALL_ENTRY];
        outputs_t outputs = marked;
        oversized_location_t location = append_sample(f->journal, 1, 0);
        sample_entry(1, i, 0, expected, sizeof expected);
        assert_ok(oversized_last(f->journal, 1, outputs.entry, &outputs.location));
        assert_memory_equal(outputs.entry, expected, sizeof expected);
        assert_int_equal(outputs.location.offset, location.offset);
        assert_int_equal(outputs.location.size, location.size);
    }
}

/* --- wherever the bytes are --- */

enum { MANY = 300 };

static void test_records_in_buffers_are_readable_at_once(void **state)
{
    fixture_t *f = *state;
    f->config.index_write_buffer = f->config.value_write_buffer = (size_t)1 << 20;
    open_journal(f);
    append_samples(f->journal, 1, MANY, 0);
    assert_int_equal(file_size(values_path(f, 1).text), tested_values_data()); /* none of it has been written */
    check_section(f->journal, 1, MANY, 0);
}

static void test_records_partly_in_buffers_are_readable(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, MANY, 0);
    assert_in_range(file_size(values_path(f, 1).text), tested_values_data() + 1,
                    tested_values_data() + value_size_of(f->journal, 1) - 1);
    check_section(f->journal, 1, MANY, 0);
}

static void test_every_record_is_readable_from_its_append_on(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    for (uint64_t i = 0; i < MANY; i++) {
        append_sample(f->journal, 1, 0);
        check_sample(f->journal, 1, i, 0);
        check_sample(f->journal, 1, i / 2, 0);
    }
}

static void test_synced_records_are_readable(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, MANY, 0);
    assert_ok(oversized_sync(f->journal, 1));
    check_section(f->journal, 1, MANY, 0);
    append_samples(f->journal, 1, 3, 0); /* the last page is synced in part, and in memory */
    check_section(f->journal, 1, MANY + 3, 0);
}

static void test_records_of_a_reopened_journal_are_readable(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, MANY, 0);
    close_and_open(f);
    check_section(f->journal, 1, MANY, 0);
    append_samples(f->journal, 1, MANY, 0); /* some from the files, some from memory */
    check_section(f->journal, 1, 2 * MANY, 0);
}

/* The cache holds the page as it was read; what is appended to it later must be seen all the same. */
static void test_a_cached_page_does_not_hide_what_is_appended_to_it(void **state)
{
    fixture_t *f = *state;
    f->config.page_size = 1000; /* 50 records */
    open_journal(f);
    for (uint64_t count = 1; count <= 60; count++) {
        append_sample(f->journal, 1, 0);
        close_and_open(f);
        check_section(f->journal, 1, count, 0);
        append_sample(f->journal, 1, 0);
        assert_ok(oversized_sync(f->journal, 1));
        check_section(f->journal, 1, ++count, 0);
    }
}

/* --- damage --- */

/* Record 9 and its neighbours lie in page 2 of 64 bytes; what the open looks at is the last record alone. */
static void test_a_damaged_page_is_corrupt_for_its_records_alone(void **state)
{
    not_in_version_2();
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 30, 0);
    close_journal(f);
    flip_byte(index_path(f, 1).text, tested_index_data() + 2 * (SMALL_PAGE + PAGE_CHECKSUMS) + 30);
    open_journal(f);
    assert_int_equal(count_of(f->journal, 1), 30);
    for (uint64_t position = 0; position < 30; position++) {
        bool touched = position * SMALL_RECORD < 3 * SMALL_PAGE && (position + 1) * SMALL_RECORD > 2 * SMALL_PAGE;
        if (touched)
            assert_refused(f, 1, position, SEGJ_ERR_CORRUPT);
        else
            check_sample(f->journal, 1, position, 0);
    }
}

static void test_a_damaged_value_is_a_checksum_error_and_its_record_stays(void **state)
{
    fixture_t *f = *state;
    outputs_t outputs = marked;
    oversized_location_t location;
    open_journal(f);
    append_samples(f->journal, 1, 30, 0);
    assert_ok(oversized_get(f->journal, 1, 9, NULL, &location));
    close_journal(f);
    flip_byte(values_path(f, 1).text, tested_values_data() + location.offset + location.size - 1);
    open_journal(f);
    check_samples(f->journal, 1, 0, 9, 0);
    check_samples(f->journal, 1, 10, 30, 0);
    assert_ok(oversized_get(f->journal, 1, 9, NULL, &outputs.location));
    assert_int_equal(outputs.location.offset, location.offset);
    outputs = marked;
    assert_status(oversized_get_value(f->journal, 1, location, &f->value), SEGJ_ERR_CHECKSUM);
    assert_status(oversized_read(f->journal, 1, 9, outputs.entry, &f->value), SEGJ_ERR_CHECKSUM);
    assert_marked(&outputs);
    assert_int_equal(f->value.size, 0);
    assert_int_equal(oversized_recovery(f->journal)->synced_records_lost, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(test_a_section_that_does_not_exist),
        PROMISE(test_a_section_below_the_prune_line),
        PROMISE(test_a_position_behind_the_last_record),
        PROMISE(test_the_last_record_of_an_empty_section_is_the_end),
        PROMISE(test_outputs_may_be_null),
        PROMISE(test_a_null_journal_and_a_null_value_are_refused),
        PROMISE(test_last_follows_every_append),
        PROMISE(test_records_in_buffers_are_readable_at_once),
        PROMISE(test_records_partly_in_buffers_are_readable),
        PROMISE(test_every_record_is_readable_from_its_append_on),
        PROMISE(test_synced_records_are_readable),
        PROMISE(test_records_of_a_reopened_journal_are_readable),
        PROMISE(test_a_cached_page_does_not_hide_what_is_appended_to_it),
        PROMISE(test_a_damaged_page_is_corrupt_for_its_records_alone),
        PROMISE(test_a_damaged_value_is_a_checksum_error_and_its_record_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
