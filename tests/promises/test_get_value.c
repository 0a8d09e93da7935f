/*
 * promises/test_get_value.c: what oversized_get_value() promises about locations that are wrong, about memory, and
 * about the buffer that it fills.
 */
#include "promises/fixture.h"

#include <stdio.h>
#include <string.h>

static const uint8_t entry[SMALL_ENTRY] = {1, 2, 3, 4, 5, 6, 7, 8};

/* The answer is this status, and a buffer that had no memory has none. */
static void assert_refused_for_nothing(oversized_t *journal, uint64_t section, uint64_t offset, uint32_t size,
                                       segj_status_t status)
{
    segj_buffer_t value = {NULL, 0, 0};
    oversized_location_t location = {offset, size};
    assert_status(oversized_get_value(journal, section, location, &value), status);
    assert_null(value.data);
    assert_int_equal(value.size, 0);
    assert_int_equal(value.capacity, 0);
}

/* --- locations out of range --- */

/* The sentence has one offset, and it is the location's. */
static void test_a_location_out_of_range_is_said_as_it_was_given(void **state)
{
    fixture_t *f = *state;
    char expected[PATH_LIMIT + 128];
    open_journal(f);
    append_samples(f->journal, 1, 3, 0);
    (void)snprintf(expected, sizeof expected,
                   "%s: location: offset 100000, 50 bytes: no frame within the section's %llu bytes of values",
                   values_path(f, 1).text, (unsigned long long)value_size_of(f->journal, 1));
    assert_refused_for_nothing(f->journal, 1, 100000, 50, SEGJ_ERR_RANGE);
    assert_string_equal(segj_last_error(), expected);
}

static void check_ranges(fixture_t *f)
{
    uint64_t end = value_size_of(f->journal, 1);
    for (uint32_t size = 0; size < FRAME_CHECKSUM; size++) {
        assert_refused_for_nothing(f->journal, 1, 0, size, SEGJ_ERR_RANGE);
        assert_refused_for_nothing(f->journal, 1, end, size, SEGJ_ERR_RANGE);
    }
    assert_refused_for_nothing(f->journal, 1, end, 4, SEGJ_ERR_RANGE);
    assert_refused_for_nothing(f->journal, 1, end - 3, 4, SEGJ_ERR_RANGE);
    assert_refused_for_nothing(f->journal, 1, 0, (uint32_t)end + 1, SEGJ_ERR_RANGE);
    assert_refused_for_nothing(f->journal, 1, 0, UINT32_MAX, SEGJ_ERR_RANGE);
    assert_refused_for_nothing(f->journal, 1, 1, UINT32_MAX, SEGJ_ERR_RANGE);
    assert_refused_for_nothing(f->journal, 1, end + 1000, 4, SEGJ_ERR_RANGE);
    assert_refused_for_nothing(f->journal, 1, (uint64_t)1 << 63, 4, SEGJ_ERR_RANGE);
    assert_refused_for_nothing(f->journal, 1, UINT64_MAX, 4, SEGJ_ERR_RANGE);
    assert_refused_for_nothing(f->journal, 1, UINT64_MAX - 3, 4, SEGJ_ERR_RANGE);
    assert_refused_for_nothing(f->journal, 1, UINT64_MAX - 3, 5, SEGJ_ERR_RANGE);
    assert_refused_for_nothing(f->journal, 1, UINT64_MAX - 9, UINT32_MAX, SEGJ_ERR_RANGE);
}

static void test_a_location_out_of_range_takes_no_memory_while_values_are_buffered(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 5, 0);
    check_ranges(f);
    check_section(f->journal, 1, 5, 0);
}

static void test_a_location_out_of_range_takes_no_memory_while_values_are_in_the_file(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 5, 0);
    close_and_open(f);
    check_ranges(f);
    check_section(f->journal, 1, 5, 0);
}

static void test_a_location_out_of_range_takes_no_memory_of_a_compressed_section(void **state)
{
    fixture_t *f = *state;
    f->config.compression = 3;
    open_journal(f);
    append_samples(f->journal, 1, 5, 0);
    check_ranges(f);
    close_and_open(f);
    check_ranges(f);
}

static void test_every_location_of_an_empty_section_is_out_of_range(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 5, 0);
    assert_ok(oversized_rewind_section(f->journal, 1, 0));
    assert_refused_for_nothing(f->journal, 1, 0, 4, SEGJ_ERR_RANGE);
    assert_refused_for_nothing(f->journal, 1, 0, 0, SEGJ_ERR_RANGE);
    assert_refused_for_nothing(f->journal, 1, 4, 4, SEGJ_ERR_RANGE);
}

static void test_locations_of_sections_that_are_not_there(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 5, 0);
    append_samples(f->journal, 5, 5, 0);
    assert_ok(oversized_prune(f->journal, 3, NULL));
    assert_refused_for_nothing(f->journal, 1, 0, 4, SEGJ_ERR_PRUNED);
    assert_refused_for_nothing(f->journal, 2, 0, 4, SEGJ_ERR_PRUNED);
    assert_refused_for_nothing(f->journal, 3, 0, 4, SEGJ_ERR_NO_SECTION);
    assert_refused_for_nothing(f->journal, 6, 0, 4, SEGJ_ERR_NO_SECTION);
}

static void test_a_value_beyond_max_value_size_takes_no_memory(void **state)
{
    fixture_t *f = *state;
    uint8_t value[101] = {0};
    oversized_location_t locations[2];
    open_journal(f);
    assert_ok(oversized_append(f->journal, 1, entry, value, 100, NULL, &locations[0]));
    assert_ok(oversized_append(f->journal, 1, entry, value, 101, NULL, &locations[1]));
    close_journal(f);
    f->config.max_value_size = 100;
    open_journal(f);
    assert_ok(oversized_get_value(f->journal, 1, locations[0], &f->value));
    assert_int_equal(f->value.size, 100);
    assert_refused_for_nothing(f->journal, 1, locations[1].offset, locations[1].size, SEGJ_ERR_TOO_LARGE);
    assert_status(oversized_read(f->journal, 1, 1, NULL, &f->value), SEGJ_ERR_TOO_LARGE);
    assert_ok(oversized_get(f->journal, 1, 1, NULL, &locations[0]));
    assert_int_equal(locations[0].size, 105);
}

/* The frame is short, what it holds is not. */
static void test_a_compressed_value_beyond_max_value_size_takes_no_memory(void **state)
{
    fixture_t *f = *state;
    static const uint8_t value[100000] = {0};
    oversized_location_t location;
    f->config.compression = 3;
    open_journal(f);
    assert_ok(oversized_append(f->journal, 1, entry, value, sizeof value, NULL, &location));
    assert_true(location.size < 1000);
    close_journal(f);
    f->config.max_value_size = sizeof value - 1;
    open_journal(f);
    assert_refused_for_nothing(f->journal, 1, location.offset, location.size, SEGJ_ERR_TOO_LARGE);
    close_journal(f);
    f->config.max_value_size = sizeof value;
    open_journal(f);
    assert_ok(oversized_get_value(f->journal, 1, location, &f->value));
    assert_int_equal(f->value.size, sizeof value);
}

/* --- locations in range that no frame has --- */

static void check_wrong(fixture_t *f, uint64_t offset, uint64_t size, uint64_t end)
{
    oversized_location_t location = {offset, (uint32_t)size};
    f->value.size = 99;
    assert_status(oversized_get_value(f->journal, 1, location, &f->value),
                  tested_frame_end(location, SMALL_ENTRY) <= end ? SEGJ_ERR_CHECKSUM : SEGJ_ERR_RANGE);
    assert_int_equal(f->value.size, 0);
}

/* Every offset and size within the section, but for the ten locations that are right. */
static void check_every_wrong_location(fixture_t *f)
{
    oversized_location_t right[10];
    uint64_t end = value_size_of(f->journal, 1);
    for (uint64_t i = 0; i < 10; i++)
        assert_ok(oversized_get(f->journal, 1, i, NULL, &right[i]));
    size_t next = 0;
    for (uint64_t offset = 0; offset + FRAME_CHECKSUM <= end; offset++) {
        uint64_t rightful = 0;
        if (next < 10 && right[next].offset == offset)
            rightful = right[next++].size;
        for (uint64_t size = FRAME_CHECKSUM; offset + size <= end; size++)
            if (size != rightful)
                check_wrong(f, offset, size, end);
    }
    assert_int_equal(next, 10);
    check_section(f->journal, 1, 10, 0);
}

static void test_a_wrong_location_is_a_checksum_error_in_buffers(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 10, 0);
    assert_int_equal(file_size(values_path(f, 1).text), tested_values_data());
    check_every_wrong_location(f);
}

static void test_a_wrong_location_is_a_checksum_error_in_the_file(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 10, 0);
    assert_ok(oversized_sync(f->journal, 1));
    check_every_wrong_location(f);
}

/* Five values are synced, five are in a buffer: locations that begin in the file and end in memory are among these. */
static void test_a_wrong_location_is_a_checksum_error_across_file_and_buffer(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 5, 0);
    assert_ok(oversized_sync(f->journal, 1));
    append_samples(f->journal, 1, 5, 0);
    assert_in_range(file_size(values_path(f, 1).text), tested_values_data() + 1,
                    tested_values_data() + value_size_of(f->journal, 1) - 1);
    check_every_wrong_location(f);
}

static void test_a_location_of_another_section_is_a_checksum_error(void **state)
{
    fixture_t *f = *state;
    oversized_location_t locations[2];
    open_journal(f);
    for (uint64_t section = 0; section < 2; section++)
        assert_ok(oversized_append(f->journal, section, entry, section == 0 ? "abc" : "defgh", section == 0 ? 3 : 5,
                                   NULL, &locations[section]));
    f->value.size = 99;
    assert_status(oversized_get_value(f->journal, 1, locations[0], &f->value), SEGJ_ERR_CHECKSUM);
    assert_int_equal(f->value.size, 0);
    assert_status(oversized_get_value(f->journal, 0, locations[1], &f->value), SEGJ_ERR_RANGE);
}

/* --- locations of records that are gone --- */

static void test_a_location_behind_a_rewind_is_out_of_range(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 4, 0);
    oversized_location_t gone = append_sample(f->journal, 1, 0);
    assert_ok(oversized_rewind_section(f->journal, 1, 4 * SMALL_RECORD));
    assert_refused_for_nothing(f->journal, 1, gone.offset, gone.size, SEGJ_ERR_RANGE);
}

static void test_after_a_rewind_an_old_location_names_the_new_value(void **state)
{
    fixture_t *f = *state;
    oversized_location_t old;
    oversized_location_t new;
    open_journal(f);
    for (int synced = 0; synced < 2; synced++) {
        assert_ok(oversized_append(f->journal, 1, entry, "old", 3, NULL, &old));
        if (synced == 1)
            assert_ok(oversized_sync(f->journal, 1));
        assert_ok(oversized_get_value(f->journal, 1, old, &f->value));
        assert_ok(oversized_rewind_section(f->journal, 1, 0));
        assert_ok(oversized_append(f->journal, 1, entry, "new", 3, NULL, &new));
        assert_int_equal(new.offset, old.offset);
        assert_ok(oversized_get_value(f->journal, 1, old, &f->value));
        assert_memory_equal(f->value.data, "new", 3);
        assert_ok(oversized_rewind_section(f->journal, 1, 0));
    }
}

/* --- the buffer --- */

/* Every kind of failure, with a buffer that holds a value already: its memory stays, writable to the last byte. */
static void test_a_failure_empties_the_buffer_and_keeps_its_memory(void **state)
{
    fixture_t *f = *state;
    static const uint8_t value[500] = {0};
    open_journal(f);
    assert_ok(oversized_append(f->journal, 5, entry, value, sizeof value, NULL, NULL));
    assert_ok(oversized_prune(f->journal, 3, NULL));
    static const struct {
        uint64_t section;
        oversized_location_t location;
        segj_status_t status;
    } cases[] = {
        {5, {0, 3}, SEGJ_ERR_RANGE},      {5, {0, 505}, SEGJ_ERR_RANGE},  {5, {0, 503}, SEGJ_ERR_CHECKSUM},
        {5, {1, 503}, SEGJ_ERR_CHECKSUM}, {1, {0, 504}, SEGJ_ERR_PRUNED}, {6, {0, 504}, SEGJ_ERR_NO_SECTION},
    };
    for (int opened = 0; opened < 2; opened++) {
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            assert_ok(oversized_read(f->journal, 5, 0, NULL, &f->value));
            assert_int_equal(f->value.size, sizeof value);
            segj_buffer_t before = f->value;
            bool pruned = opened == 0 || cases[i].status != SEGJ_ERR_PRUNED;
            assert_status(oversized_get_value(f->journal, cases[i].section, cases[i].location, &f->value),
                          pruned ? cases[i].status : SEGJ_ERR_NO_SECTION);
            assert_int_equal(f->value.size, 0);
            assert_true(f->value.capacity >= before.capacity);
            memset(f->value.data, 0xEE, f->value.capacity);
        }
        close_and_open(f);
    }
}

static void test_a_large_enough_buffer_is_used_again(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    static const uint8_t large[1000] = {0};
    assert_ok(oversized_append(f->journal, 1, entry, large, sizeof large, NULL, NULL));
    append_samples(f->journal, 1, 50, 0);
    for (int opened = 0; opened < 2; opened++) {
        assert_ok(oversized_read(f->journal, 1, 0, NULL, &f->value));
        const void *data = f->value.data;
        size_t capacity = f->value.capacity;
        for (uint64_t position = 1; position < 51; position++) {
            assert_ok(oversized_read(f->journal, 1, position, NULL, &f->value));
            assert_int_equal(f->value.size, sample_value_size(1, position, 0));
            assert_ptr_equal(f->value.data, data);
            assert_int_equal(f->value.capacity, capacity);
        }
        close_and_open(f);
    }
}

/* Two thousand values, each one byte longer: memory must not be taken anew for each. */
static void check_growth(oversized_t *journal)
{
    unsigned changes = 0;
    segj_buffer_t value = {NULL, 0, 0};
    for (uint64_t position = 0; position < 2000; position++) {
        size_t capacity = value.capacity;
        assert_ok(oversized_read(journal, 1, position, NULL, &value));
        assert_int_equal(value.size, position);
        assert_true(value.capacity >= value.size && value.capacity >= capacity);
        assert_true(value.capacity <= 2 * (position + FRAME_CHECKSUM) + 4096);
        changes += value.capacity != capacity;
    }
    assert_in_range(changes, 1, 24);
    segj_buffer_free(&value);
}

static void test_a_buffer_grows_geometrically(void **state)
{
    fixture_t *f = *state;
    static const uint8_t bytes[2000] = {0};
    for (int level = 0; level < 2; level++) {
        f->config.compression = level;
        open_journal(f);
        assert_ok(oversized_append(f->journal, 1, entry, bytes, 0, NULL, NULL));
        for (size_t size = 1; size < sizeof bytes; size++)
            assert_ok(oversized_append(f->journal, 1, entry, bytes, size, NULL, NULL));
        check_growth(f->journal);
        close_and_open(f);
        check_growth(f->journal);
        oversized_t *journal = f->journal;
        f->journal = NULL;
        assert_ok(oversized_destroy(journal));
    }
}

static void test_a_freed_buffer_is_zero_and_may_be_used_again(void **state)
{
    fixture_t *f = *state;
    segj_buffer_free(NULL);
    open_journal(f);
    append_samples(f->journal, 1, 1, 0);
    for (int round = 0; round < 2; round++) {
        assert_ok(oversized_read(f->journal, 1, 0, NULL, &f->value));
        segj_buffer_free(&f->value);
        assert_null(f->value.data);
        assert_int_equal(f->value.size, 0);
        assert_int_equal(f->value.capacity, 0);
        segj_buffer_free(&f->value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(test_a_location_out_of_range_is_said_as_it_was_given),
        PROMISE(test_a_location_out_of_range_takes_no_memory_while_values_are_buffered),
        PROMISE(test_a_location_out_of_range_takes_no_memory_while_values_are_in_the_file),
        PROMISE(test_a_location_out_of_range_takes_no_memory_of_a_compressed_section),
        PROMISE(test_every_location_of_an_empty_section_is_out_of_range),
        PROMISE(test_locations_of_sections_that_are_not_there),
        PROMISE(test_a_value_beyond_max_value_size_takes_no_memory),
        PROMISE(test_a_compressed_value_beyond_max_value_size_takes_no_memory),
        PROMISE(test_a_wrong_location_is_a_checksum_error_in_buffers),
        PROMISE(test_a_wrong_location_is_a_checksum_error_in_the_file),
        PROMISE(test_a_wrong_location_is_a_checksum_error_across_file_and_buffer),
        PROMISE(test_a_location_of_another_section_is_a_checksum_error),
        PROMISE(test_a_location_behind_a_rewind_is_out_of_range),
        PROMISE(test_after_a_rewind_an_old_location_names_the_new_value),
        PROMISE(test_a_failure_empties_the_buffer_and_keeps_its_memory),
        PROMISE(test_a_large_enough_buffer_is_used_again),
        PROMISE(test_a_buffer_grows_geometrically),
        PROMISE(test_a_freed_buffer_is_zero_and_may_be_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
