/*
 * badinput/test_hostile.c: locations, page lengths and watermarks that somebody chose to do harm, under right
 * checksums.
 *
 * Such a record reads as an error that says where, and the others read on; nothing is read out of bounds (the
 * sanitizers see to that), and no memory beyond max_value_size is asked for, which the wrapped allocator records.
 *
 * LINK_WRAP: malloc calloc realloc
 */
#include "badinput/badinput.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- how much memory is asked for --- */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static size_t requests;
static size_t largest_request;

static void note(size_t size)
{
    requests++;
    largest_request = size > largest_request ? size : largest_request;
}

void *__wrap_malloc(size_t size)
{
    note(size);
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    note(size > 0 && count > SIZE_MAX / size ? SIZE_MAX : count * size);
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    note(size);
    return __real_realloc(old, size);
}

static void forget_requests(void)
{
    requests = largest_request = 0;
}

/* What open needs for itself, whatever the files say: two windows of fixed size. */
enum { OPEN_MEMORY = 512 << 10 };

/* --- a section of four records, of which one has a location of choice --- */

enum { RECORDS = 4, FRAME = 20, END = RECORDS * FRAME };

static path_t index_path;
static path_t values_path;

static oversized_location_t right_location(size_t record)
{
    return (oversized_location_t){record * FRAME, FRAME};
}

static void write_section(place_t *place, uint64_t watermark, size_t victim, oversized_location_t location)
{
    uint8_t records[RECORDS * SMALL_RECORD];
    uint8_t bytes[RECORDS][SAMPLE_SIZE];
    segj_slice_t values[RECORDS];
    identity_t identity = {1, IDENTITY_INDEX, 0, SMALL_PAGE, SMALL_RECORD, 1};
    remove_tree(place->directory.text);
    make_directory(place->directory.text);
    make_directory(join_path(place->directory.text, place->config.index_partition).text);
    make_directory(join_path(place->directory.text, place->config.value_partition).text);
    index_path = section_path(place->directory.text, place->config.index_partition, 1);
    values_path = section_path(place->directory.text, place->config.value_partition, 1);
    for (size_t i = 0; i < RECORDS; i++) {
        uint8_t entry[SMALL_ENTRY];
        put_u64(entry, 100 + i);
        encode_record(records + i * SMALL_RECORD, entry, sizeof entry, i == victim ? location : right_location(i));
        memset(bytes[i], (int)(0x40 + i), SAMPLE_SIZE);
        values[i] = (segj_slice_t){bytes[i], SAMPLE_SIZE};
    }
    write_index_file(index_path.text, &identity, watermark, records, sizeof records);
    write_values_file(values_path.text, 1, values, RECORDS);
}

/* No frame within 80 bytes: too short, too far, overflowing. */
static const oversized_location_t impossible[] = {
    {20, 0},
    {20, 1},
    {20, 3},
    {END, 4},
    {END + 1, 0},
    {END - 3, 4},
    {20, END - 20 + 1},
    {20, UINT32_MAX},
    {0, UINT32_MAX},
    {UINT32_MAX, UINT32_MAX},
    {(uint64_t)1 << 32, 20},
    {(uint64_t)1 << 63, 20},
    {INT64_MAX, 20},
    {INT64_MAX - 4096 - 19, 20},
    {UINT64_MAX, 20},
    {UINT64_MAX - 19, 20},
    {UINT64_MAX - 19, 100},
    {UINT64_MAX - UINT32_MAX, UINT32_MAX},
    {UINT64_MAX, UINT32_MAX},
};

/* Within the 80 bytes, and no frame: overlapping, decreasing, longer and shorter than what lies there. */
static const oversized_location_t misplaced[] = {
    {0, 4},  {0, 19},  {0, 21},  {0, 40},  {0, END}, {10, 20}, {19, 20},
    {20, 4}, {20, 19}, {20, 21}, {20, 40}, {21, 20}, {21, 19}, {76, 4},
};

static void check_others(oversized_t *journal, size_t victim)
{
    for (size_t i = 0; i < RECORDS; i++)
        if (i != victim)
            check_sample(journal, 1, i);
}

/* A record amid the synced ones keeps its place; its value cannot be read. */
static void read_hostile(place_t *place, size_t victim, oversized_location_t location, segj_status_t expected)
{
    oversized_t *journal;
    uint8_t entry[SMALL_ENTRY];
    oversized_location_t found;
    segj_buffer_t value = {NULL, 0, 0};
    write_section(place, RECORDS, victim, location);
    forget_owner(place->directory.text, place->config.index_partition);
    manifest_t before = take_manifest(place->root.text);
    forget_requests();
    assert_ok(oversized_open(&place->config, &journal));
    assert_true(largest_request <= OPEN_MEMORY);
    assert_ok(oversized_get(journal, 1, victim, entry, &found));
    assert_int_equal(get_u64(entry), 100 + victim);
    assert_int_equal(found.offset, location.offset);
    assert_int_equal(found.size, location.size);
    forget_requests();
    segj_status_t status = oversized_get_value(journal, 1, found, &value);
    check_status(status, expected, "oversized_get_value", __FILE__, __LINE__);
    assert_sentence(values_path.text, "offset");
    status = oversized_read(journal, 1, victim, NULL, &value);
    check_status(status, expected, "oversized_read", __FILE__, __LINE__);
    assert_sentence(values_path.text, "offset");
    if (expected == SEGJ_ERR_RANGE)
        assert_int_equal(requests, 0);
    assert_true(largest_request <= END);
    assert_int_equal(value.size, 0);
    check_others(journal, victim);
    assert_ok(oversized_close(journal));
    forget_owner(place->directory.text, place->config.index_partition);
    assert_unchanged(place->root.text, &before);
    free_manifest(&before);
    segj_buffer_free(&value);
}

static void locations_that_lead_out_of_the_section_are_out_of_range(void **state)
{
    for (size_t victim = 0; victim + 1 < RECORDS; victim++)
        for (size_t i = 0; i < COUNT_OF(impossible); i++)
            read_hostile(*state, victim, impossible[i], SEGJ_ERR_RANGE);
}

static void locations_that_are_no_frames_have_the_wrong_checksum(void **state)
{
    for (size_t i = 0; i < COUNT_OF(misplaced); i++)
        read_hostile(*state, 1, misplaced[i], SEGJ_ERR_CHECKSUM);
}

/* The last synced record: its range does not fit, so the section ends before it, and that is a loss. */
static void a_last_record_that_leads_out_of_the_section_is_lost(void **state)
{
    place_t *place = *state;
    for (size_t i = 0; i < COUNT_OF(impossible); i++) {
        oversized_t *journal = NULL;
        uint64_t count;
        write_section(place, RECORDS, RECORDS - 1, impossible[i]);
        manifest_t before = take_manifest(place->root.text);
        place->config.strict = true;
        assert_status(oversized_open(&place->config, &journal), SEGJ_ERR_CORRUPT);
        assert_sentence(place->directory.text, "section 1", "lost 1");
        assert_unchanged(place->root.text, &before);
        free_manifest(&before);
        place->config.strict = false;
        assert_ok(oversized_open(&place->config, &journal));
        assert_int_equal(oversized_recovery(journal)->synced_records_lost, 1);
        assert_ok(oversized_count(journal, 1, &count));
        assert_int_equal(count, RECORDS - 1);
        check_others(journal, RECORDS - 1);
        assert_ok(oversized_close(journal));
        assert_int_equal(file_size(values_path.text), VALUES_DATA_OFFSET + (RECORDS - 1) * FRAME);
    }
}

/* Behind the watermark a record that does not begin where the one before ended, or whose value is not right, is the
 * end. */
static void end_at_hostile(place_t *place, size_t victim, oversized_location_t location)
{
    oversized_t *journal;
    uint64_t count;
    write_section(place, 1, victim, location);
    forget_requests();
    assert_ok(oversized_open(&place->config, &journal));
    assert_true(largest_request <= OPEN_MEMORY);
    assert_int_equal(oversized_recovery(journal)->synced_records_lost, 0);
    assert_ok(oversized_count(journal, 1, &count));
    assert_int_equal(count, victim);
    for (size_t i = 0; i < victim; i++)
        check_sample(journal, 1, i);
    assert_ok(oversized_close(journal));
    assert_int_equal(file_size(values_path.text), VALUES_DATA_OFFSET + victim * FRAME);
}

static void behind_the_watermark_a_hostile_location_is_the_end(void **state)
{
    for (size_t victim = 1; victim < RECORDS; victim++) {
        for (size_t i = 0; i < COUNT_OF(impossible); i++)
            end_at_hostile(*state, victim, impossible[i]);
        for (size_t i = 0; i < COUNT_OF(misplaced); i++)
            end_at_hostile(*state, victim, misplaced[i]);
        /* A whole frame, and another record's. */
        end_at_hostile(*state, victim, right_location(victim - 1));
        end_at_hostile(*state, victim, right_location((victim + 1) % RECORDS));
    }
}

/* A rewind that would end the values where a hostile location says is refused, with nothing changed. */
static void a_rewind_to_a_record_that_leads_out_of_the_section_is_refused(void **state)
{
    place_t *place = *state;
    for (size_t i = 0; i < COUNT_OF(impossible); i++) {
        oversized_t *journal;
        write_section(place, RECORDS, 1, impossible[i]);
        forget_owner(place->directory.text, place->config.index_partition);
        manifest_t before = take_manifest(place->root.text);
        assert_ok(oversized_open(&place->config, &journal));
        assert_status(oversized_rewind(journal, 1, (uint64_t)2 * SMALL_RECORD), SEGJ_ERR_CORRUPT);
        assert_sentence("section 1", "record 1");
        assert_status(oversized_rewind_section(journal, 1, (uint64_t)2 * SMALL_RECORD), SEGJ_ERR_CORRUPT);
        assert_null(oversized_error(journal));
        check_others(journal, 1);
        assert_ok(oversized_close(journal));
        forget_owner(place->directory.text, place->config.index_partition);
        assert_unchanged(place->root.text, &before);
        free_manifest(&before);
    }
}

static void a_checkpoint_at_a_record_that_leads_out_of_the_section_is_refused(void **state)
{
    place_t *place = *state;
    const oversized_checkpoint_t checkpoint = {0, 1, (uint64_t)2 * SMALL_RECORD};
    place->config.checkpoint = &checkpoint;
    for (size_t i = 0; i < COUNT_OF(impossible); i++) {
        write_section(place, RECORDS, 1, impossible[i]);
        assert_refused(&place->config, place->root.text, SEGJ_ERR_CORRUPT);
        assert_sentence(index_path.text, "record 1");
    }
    place->config.checkpoint = NULL;
}

/* --- values files with holes of gigabytes --- */

enum { MOST = 1 << 20 };

/* Four records over 4 GiB of nothing: the last one lies behind it, so that all of it is the section's. */
static void write_wide_section(place_t *place, oversized_location_t hostile)
{
    uint8_t records[RECORDS * SMALL_RECORD];
    const uint64_t far = (uint64_t)1 << 32;
    uint8_t frame[FRAME];
    uint8_t bytes[SAMPLE_SIZE];
    write_section(place, RECORDS, RECORDS, hostile);
    for (size_t i = 0; i < RECORDS; i++) {
        uint8_t entry[SMALL_ENTRY];
        oversized_location_t location = i == 1 ? hostile : right_location(i);
        put_u64(entry, 100 + i);
        if (i == RECORDS - 1)
            location.offset = far;
        encode_record(records + i * SMALL_RECORD, entry, sizeof entry, location);
    }
    identity_t identity = {1, IDENTITY_INDEX, 0, SMALL_PAGE, SMALL_RECORD, 1};
    write_index_file(index_path.text, &identity, RECORDS, records, sizeof records);
    memset(bytes, 0x40 + RECORDS - 1, sizeof bytes);
    encode_frame(frame, 1, far, bytes, sizeof bytes);
    write_file_at(values_path.text, VALUES_DATA_OFFSET + far, frame, sizeof frame);
}

/* In range and beyond max_value_size: refused by its size, before any memory is taken. */
static void a_value_beyond_max_value_size_takes_no_memory(void **state)
{
    place_t *place = *state;
    const oversized_location_t large[] = {
        {20, UINT32_MAX}, {20, (uint32_t)1 << 31}, {20, MOST + 4 + 1}, {0, MOST + 4 + 1}, {21, UINT32_MAX - 1},
    };
    place->config.max_value_size = MOST;
    for (size_t i = 0; i < COUNT_OF(large); i++) {
        oversized_t *journal;
        segj_buffer_t value = {NULL, 0, 0};
        write_wide_section(place, large[i]);
        forget_requests();
        assert_ok(oversized_open(&place->config, &journal));
        assert_true(largest_request <= OPEN_MEMORY);
        assert_ok(oversized_get(journal, 1, 1, NULL, NULL)); /* which opens the index file */
        forget_requests();
        assert_status(oversized_read(journal, 1, 1, NULL, &value), SEGJ_ERR_TOO_LARGE);
        assert_sentence(values_path.text, "offset", "max_value_size", "1048576");
        assert_status(oversized_get_value(journal, 1, large[i], &value), SEGJ_ERR_TOO_LARGE);
        assert_int_equal(requests, 0);
        assert_null(value.data);
        check_others(journal, 1);
        assert_ok(oversized_close(journal));
    }
}

/* The largest that is allowed is read, and is no value; a buffer that grows from half of it does not double beyond. */
static void a_value_of_max_value_size_takes_no_more(void **state)
{
    place_t *place = *state;
    oversized_t *journal;
    segj_buffer_t value = {NULL, 0, 0};
    place->config.max_value_size = MOST;
    write_wide_section(place, (oversized_location_t){20, MOST + 4});
    assert_ok(oversized_open(&place->config, &journal));
    forget_requests();
    const uint32_t sizes[] = {MOST / 2 + 100, MOST / 4 * 3, MOST + 4};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        oversized_location_t location = {1000, sizes[i]};
        assert_status(oversized_get_value(journal, 1, location, &value), SEGJ_ERR_CHECKSUM);
        assert_sentence(values_path.text, "offset 5096");
    }
    assert_status(oversized_read(journal, 1, 1, NULL, &value), SEGJ_ERR_CHECKSUM);
    assert_true(largest_request <= MOST + 4);
    assert_true(value.capacity <= MOST + 4);
    assert_ok(oversized_close(journal));
    segj_buffer_free(&value);
}

/* --- watermarks and lengths that lie about memory --- */

/* Megabytes of empty pages under a watermark that claims them all: open goes back through them in bounded memory. */
static void a_watermark_over_empty_pages_takes_no_memory(void **state)
{
    place_t *place = *state;
    const uint64_t claims[] = {100000, UINT64_MAX};
    for (size_t i = 0; i < COUNT_OF(claims); i++) {
        oversized_t *journal;
        write_section(place, claims[i], RECORDS, right_location(0));
        resize_file(index_path.text, (uint64_t)8 << 20);
        forget_requests();
        assert_ok(oversized_open(&place->config, &journal));
        assert_true(largest_request <= OPEN_MEMORY);
        assert_int_equal(oversized_recovery(journal)->records, RECORDS);
        assert_true(oversized_recovery(journal)->synced_records_lost == claims[i] - RECORDS);
        check_others(journal, RECORDS);
        assert_ok(oversized_close(journal));
        assert_int_equal(file_size(index_path.text), INDEX_DATA_OFFSET + 2 * PHYSICAL_PAGE);
    }
}

/* A length beyond the page, with the checksum of just so many bytes: 1 <= len <= P says no. */
static void page_lengths_beyond_the_page_are_no_lengths(void **state)
{
    const uint16_t lengths[] = {SMALL_PAGE + 1, SMALL_PAGE + 6};
    for (int leave = 0; leave < 2; leave++)
        for (size_t i = 0; i < COUNT_OF(lengths); i++)
            for (size_t page = 0; page < SAMPLE_PAGES; page++) {
                vault_t vault;
                open_vault(&vault, leave == 0 ? LEAVE_CLOSED : LEAVE_DROPPED);
                uint8_t *physical = vault.damaged.index.data + INDEX_DATA_OFFSET + page * PHYSICAL_PAGE;
                put_u16(physical + SMALL_PAGE + 6, lengths[i]);
                put_u32(physical + SMALL_PAGE + 8, page_checksum(VAULT_SECTION, page, physical, lengths[i]));
                verdict_t verdict = judge(&vault);
                assert_int_equal(verdict.status, SEGJ_OK);
                try_damaged(&vault, &verdict, true);
                close_vault(&vault);
            }
}

/* The largest lengths there are, in pages of a few bytes at the end of the file: nothing is read behind them. */
static void page_lengths_of_64_kib_read_nothing_behind_the_page(void **state)
{
    for (int leave = 0; leave < 2; leave++)
        for (size_t page = 0; page < SAMPLE_PAGES; page++)
            for (size_t slot = 0; slot < 2; slot++) {
                vault_t vault;
                open_vault(&vault, leave == 0 ? LEAVE_CLOSED : LEAVE_DROPPED);
                uint8_t *physical = vault.damaged.index.data + INDEX_DATA_OFFSET + page * PHYSICAL_PAGE;
                put_u16(physical + SMALL_PAGE + 6 * slot, UINT16_MAX);
                verdict_t verdict = judge(&vault);
                assert_int_equal(verdict.status, SEGJ_OK);
                try_damaged(&vault, &verdict, true);
                close_vault(&vault);
            }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_place, drop_place)
    const struct CMUnitTest tests[] = {
        TEST(locations_that_lead_out_of_the_section_are_out_of_range),
        TEST(locations_that_are_no_frames_have_the_wrong_checksum),
        TEST(a_last_record_that_leads_out_of_the_section_is_lost),
        TEST(behind_the_watermark_a_hostile_location_is_the_end),
        TEST(a_rewind_to_a_record_that_leads_out_of_the_section_is_refused),
        TEST(a_checkpoint_at_a_record_that_leads_out_of_the_section_is_refused),
        TEST(a_value_beyond_max_value_size_takes_no_memory),
        TEST(a_value_of_max_value_size_takes_no_more),
        TEST(a_watermark_over_empty_pages_takes_no_memory),
        cmocka_unit_test(page_lengths_beyond_the_page_are_no_lengths),
        cmocka_unit_test(page_lengths_of_64_kib_read_nothing_behind_the_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
