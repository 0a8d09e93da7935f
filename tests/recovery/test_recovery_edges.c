/*
 * recovery/test_recovery_edges.c: index and values files that end apart, or amid a record; locations that are wrong.
 *
 * Whichever of the two files a crash has left behind, the section ends with the last record that both of them hold.
 */
#include "recovery/fixture.h"

#include <string.h>

/* Three records synced, then five more handed over that were not, and the journal dropped. */
static void leave_unsynced_tail(fixture_t *f)
{
    open_new(f);
    append_records(f, 1, 0, 3);
    sync_section(f, 1);
    append_records(f, 1, 10, 5);
    drop_unsynced(f, 1, 3);
}

static void check_synced_head(const fixture_t *f)
{
    check_records(f, 1, 0, 0, 3);
    for (uint64_t position = 3; position < 8; position++)
        check_answer(f, 1, position, SEGJ_ERR_NO_RECORD);
}

static void test_recovery_index_synced_but_glob_not(void **state)
{
    fixture_t *f = *state;
    leave_unsynced_tail(f);
    assert_int_equal(values_data_size(f, 1), 3 * FRAME_SIZE);
    resize_values(f, 1, 3 * FRAME_SIZE);
    recover(f, (damage_t){0});
    check_synced_head(f);
    destroy_journal(f);
}

/* The same, and the index had reached the disk: eight records on three pages, the first grown in its second slot. */
static void test_recovery_index_synced_but_glob_not_with_index_written(void **state)
{
    fixture_t *f = *state;
    uint8_t logical[8 * SMALL_RECORD];
    leave_unsynced_tail(f);
    for (uint8_t i = 0; i < 8; i++) {
        uint8_t entry[SMALL_ENTRY];
        put_u64(entry, i < 3 ? i : i + 7u);
        encode_record(logical + i * SMALL_RECORD, entry, sizeof entry,
                      (oversized_location_t){(uint64_t)i * FRAME_SIZE, FRAME_SIZE});
    }
    for (size_t page = 0; page < 3; page++) {
        const uint8_t *bytes = logical + page * SMALL_PAGE;
        uint16_t length = page < 2 ? SMALL_PAGE : 8 * SMALL_RECORD - 2 * SMALL_PAGE;
        page_slot_t first = slot_of(f, 1, page, bytes, page == 0 ? 3 * SMALL_RECORD : length);
        page_slot_t second = page == 0 ? slot_of(f, 1, page, bytes, length) : (page_slot_t){0, 0};
        uint8_t physical[PHYSICAL_PAGE];
        encode_page(physical, SMALL_PAGE, bytes, length, first, second);
        write_file_at(index_path(f, 1).text, f->index_data + page * PHYSICAL_PAGE, physical, sizeof physical);
    }
    resize_values(f, 1, 3 * FRAME_SIZE);
    keep_records(f, 1, 3, 8);
    recover(f, (damage_t){.index_bytes = 2 * PHYSICAL_PAGE, .index_slack = SMALL_PAGE});
    check_synced_head(f);
    destroy_journal(f);
}

static void test_recovery_glob_synced_but_index_not(void **state)
{
    fixture_t *f = *state;
    oversized_location_t locations[3];
    oversized_location_t later[3];
    use_record_pages(f);
    open_new(f);
    for (uint8_t i = 0; i < 3; i++)
        locations[i] = append_record(f, 1, i, i);
    sync_section(f, 1);
    leave_journal(f);

    /* The index keeps two records, the values keep three. */
    resize_index(f, 1, 2 * PHYSICAL_RECORD);
    keep_records(f, 1, 2, 2);
    recover(f, (damage_t){.value_bytes = FRAME_SIZE});
    for (uint8_t i = 0; i < 2; i++) {
        check_record(f, 1, i, i, i);
        check_value(f, 1, locations[i], i);
    }
    check_answer(f, 1, 2, SEGJ_ERR_NO_RECORD);

    /* New records take the offsets of the value that was cut. */
    for (uint8_t i = 0; i < 3; i++) {
        uint8_t fill = (uint8_t)(10 + i);
        later[i] = append_record(f, 1, fill, fill);
        check_record(f, 1, 2u + i, fill, fill);
        check_value(f, 1, later[i], fill);
    }
    assert_int_equal(later[0].offset, locations[2].offset);
    sync_section(f, 1);
    leave_journal(f);

    recover(f, (damage_t){0});
    check_records(f, 1, 0, 0, 2);
    check_records(f, 1, 2, 10, 3);
    for (uint8_t i = 0; i < 2; i++)
        check_value(f, 1, locations[i], i);
    for (uint8_t i = 0; i < 3; i++)
        check_value(f, 1, later[i], (uint8_t)(10 + i));
    check_answer(f, 1, 5, SEGJ_ERR_NO_RECORD);
    destroy_journal(f);
}

static void test_recovery_partial_index_entry(void **state)
{
    fixture_t *f = *state;
    open_new(f);
    append_records(f, 1, 0, 3);
    sync_section(f, 1);
    leave_journal(f);

    /* Three times 24 bytes and ten more: six behind the page that holds the three records. */
    assert_int_equal(index_data_size(f, 1), PHYSICAL_PAGE);
    resize_index(f, 1, 3 * 24 + 10);
    keep_records(f, 1, 3, 3);
    recover(f, (damage_t){.index_bytes = 3 * 24 + 10 - PHYSICAL_PAGE});
    check_records(f, 1, 0, 0, 3);
    check_answer(f, 1, 3, SEGJ_ERR_NO_RECORD);

    oversized_location_t location = append_record(f, 1, 100, 42);
    check_record(f, 1, 3, 100, 42);
    check_value(f, 1, location, 42);
    destroy_journal(f);
}

static void test_recovery_only_partial_entry(void **state)
{
    fixture_t *f = *state;
    open_new(f);
    append_record(f, 1, 1, 42);
    sync_section(f, 1);
    leave_journal(f);

    resize_index(f, 1, 10);
    uint64_t cut = keep_no_records(f, 1, FRAME_SIZE);
    recover(f, (damage_t){.index_bytes = 10, .value_bytes = cut});
    check_answer(f, 1, 0, SEGJ_ERR_NO_RECORD);

    oversized_location_t location = append_record(f, 1, 100, 99);
    check_record(f, 1, 0, 100, 99);
    check_value(f, 1, location, 99);
    destroy_journal(f);
}

static void test_recovery_crash_during_rewind_index_ahead(void **state)
{
    fixture_t *f = *state;
    use_record_pages(f);
    open_new(f);
    append_records(f, 1, 0, 5);
    sync_section(f, 1);
    leave_journal(f);

    /* A rewind to two records had cut the index, and not yet the values. */
    resize_index(f, 1, 2 * PHYSICAL_RECORD);
    keep_records(f, 1, 2, 2);
    recover(f, (damage_t){.value_bytes = 3 * FRAME_SIZE});
    check_records(f, 1, 0, 0, 2);
    check_answer(f, 1, 2, SEGJ_ERR_NO_RECORD);

    oversized_location_t location = append_record(f, 1, 100, 100);
    assert_int_equal(location.offset, 2 * FRAME_SIZE);
    check_record(f, 1, 2, 100, 100);
    destroy_journal(f);
}

static void test_recovery_crash_during_rewind_glob_ahead(void **state)
{
    fixture_t *f = *state;
    oversized_location_t locations[5];
    open_new(f);
    for (uint8_t i = 0; i < 5; i++)
        locations[i] = append_record(f, 1, i, i);
    sync_section(f, 1);
    leave_journal(f);

    /* The values were cut to two records, and the index was not. */
    resize_values(f, 1, byte_end(locations[1]));
    keep_records(f, 1, 2, 5);
    recover(f, (damage_t){.index_bytes = PHYSICAL_PAGE, .index_slack = SMALL_PAGE});
    check_records(f, 1, 0, 0, 2);
    check_answer(f, 1, 2, SEGJ_ERR_NO_RECORD);

    oversized_location_t location = append_record(f, 1, 100, 99);
    assert_int_equal(location.offset, locations[2].offset);
    check_record(f, 1, 2, 100, 99);
    check_value(f, 1, location, 99);
    destroy_journal(f);
}

static void test_recovery_glob_trailing_garbage_truncated(void **state)
{
    fixture_t *f = *state;
    uint8_t garbage[100];
    oversized_location_t last = {0, 0};
    open_new(f);
    for (uint8_t i = 0; i < 2; i++)
        last = append_record(f, 1, i, i);
    sync_section(f, 1);
    uint64_t next_offset = byte_end(last);
    leave_journal(f);

    /* A value reached the disk, at least in part, and its record did not. */
    assert_int_equal(values_data_size(f, 1), next_offset);
    memset(garbage, 0xDE, sizeof garbage);
    write_file_at(values_path(f, 1).text, f->values_data + next_offset, garbage, sizeof garbage);
    assert_int_equal(values_data_size(f, 1), next_offset + sizeof garbage);
    keep_records(f, 1, 2, 2);
    recover(f, (damage_t){.value_bytes = sizeof garbage});
    check_records(f, 1, 0, 0, 2);

    oversized_location_t location = append_record(f, 1, 99, 99);
    assert_int_equal(location.offset, next_offset);
    check_record(f, 1, 2, 99, 99);
    destroy_journal(f);
}

static void test_recovery_entry_with_overflow_offset(void **state)
{
    fixture_t *f = *state;
    uint8_t entry[SMALL_ENTRY];
    uint8_t record[SMALL_RECORD];
    uint8_t page[PHYSICAL_RECORD];
    use_record_pages(f);
    open_new(f);
    append_record(f, 1, 1, 1);
    sync_section(f, 1);
    leave_journal(f);

    /* A page whose checksum holds and whose record reaches past 2^64. */
    put_u64(entry, 1);
    encode_record(record, entry, sizeof entry, (oversized_location_t){UINT64_MAX - 10, 100});
    page_slot_t slot = slot_of(f, 1, 0, record, sizeof record);
    encode_page(page, sizeof record, record, sizeof record, slot, (page_slot_t){0, 0});
    write_file_at(index_path(f, 1).text, f->index_data, page, sizeof page);
    keep_records(f, 1, 0, 1);
    recover(f, (damage_t){.index_bytes = PHYSICAL_RECORD, .value_bytes = FRAME_SIZE});
    check_answer(f, 1, 0, SEGJ_ERR_NO_RECORD);

    oversized_location_t location = append_record(f, 1, 99, 99);
    assert_int_equal(location.offset, 0);
    check_record(f, 1, 0, 99, 99);
    destroy_journal(f);
}

static void test_recovery_crash_during_recovery_rewind(void **state)
{
    fixture_t *f = *state;
    oversized_location_t locations[5];
    open_new(f);
    for (uint8_t i = 0; i < 5; i++)
        locations[i] = append_record(f, 1, i, i);
    sync_section(f, 1);
    leave_journal(f);

    /* A first crash takes two values; a second one stops the index's cut at 80 bytes: a page and 4 bytes of the next,
     * so that of record 3 only the first 4 bytes are left. */
    resize_values(f, 1, byte_end(locations[2]));
    resize_index(f, 1, 4 * SMALL_RECORD);
    keep_records(f, 1, 3, 3);
    recover(f, (damage_t){.index_bytes = 4 * SMALL_RECORD - PHYSICAL_PAGE, .index_slack = SMALL_PAGE});
    for (uint8_t i = 0; i < 3; i++) {
        check_record(f, 1, i, i, i);
        check_value(f, 1, locations[i], i);
    }
    check_answer(f, 1, 3, SEGJ_ERR_NO_RECORD);

    oversized_location_t location = append_record(f, 1, 100, 0xFF);
    assert_int_equal(location.offset, byte_end(locations[2]));
    check_record(f, 1, 3, 100, 0xFF);
    destroy_journal(f);
}

/* --- locations that no append has answered --- */

/* A journal with one synced record, whose location is answered. */
static oversized_location_t open_with_one_value(fixture_t *f)
{
    open_new(f);
    oversized_location_t location = append_record(f, 1, 1, 42);
    sync_section(f, 1);
    return location;
}

/* The location is refused with this status and an empty buffer; the record itself reads on. */
static void check_refused(fixture_t *f, uint64_t offset, uint32_t size, segj_status_t status)
{
    check_value(f, 1, (oversized_location_t){0, FRAME_SIZE}, 42);
    assert_status(oversized_get_value(f->journal, 1, (oversized_location_t){offset, size}, &f->value), status);
    assert_int_equal(f->value.size, 0);
    assert_true(f->value.data != NULL && f->value.capacity >= VALUE_SIZE);
    check_record(f, 1, 0, 1, 42);
}

static void test_oversized_get_value_invalid_size(void **state)
{
    fixture_t *f = *state;
    oversized_location_t location = open_with_one_value(f);
    for (uint32_t size = 0; size < FRAME_CHECKSUM; size++)
        check_refused(f, location.offset, size, SEGJ_ERR_RANGE);
    destroy_journal(f);
}

static void test_oversized_get_value_wrong_size(void **state)
{
    fixture_t *f = *state;
    oversized_location_t location = open_with_one_value(f);
    check_refused(f, location.offset, location.size - 1, SEGJ_ERR_CHECKSUM);
    check_refused(f, location.offset + 1, location.size - 1, SEGJ_ERR_CHECKSUM);
    check_refused(f, location.offset, location.size + 1, SEGJ_ERR_RANGE);
    check_refused(f, location.offset + 1, location.size, SEGJ_ERR_RANGE);
    check_refused(f, location.offset, UINT32_MAX, SEGJ_ERR_RANGE);
    check_refused(f, UINT64_MAX - 10, 100, SEGJ_ERR_RANGE);
    destroy_journal(f);
}

static void test_get_value_size_equals_crc_size(void **state)
{
    fixture_t *f = *state;
    oversized_location_t location = open_with_one_value(f);
    check_refused(f, location.offset, FRAME_CHECKSUM, SEGJ_ERR_CHECKSUM);
    destroy_journal(f);
}

static void test_get_value_size_just_over_crc(void **state)
{
    fixture_t *f = *state;
    oversized_location_t location = open_with_one_value(f);
    check_refused(f, location.offset, FRAME_CHECKSUM + 1, SEGJ_ERR_CHECKSUM);
    destroy_journal(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DROPPED(test_recovery_index_synced_but_glob_not),
        COMMONWARE(test_recovery_index_synced_but_glob_not),
        DROPPED(test_recovery_index_synced_but_glob_not_with_index_written),
        COMMONWARE(test_recovery_index_synced_but_glob_not_with_index_written),
        DROPPED(test_recovery_glob_synced_but_index_not),
        CLOSED(test_recovery_glob_synced_but_index_not),
        COMMONWARE(test_recovery_glob_synced_but_index_not),
        DROPPED(test_recovery_partial_index_entry),
        CLOSED(test_recovery_partial_index_entry),
        COMMONWARE(test_recovery_partial_index_entry),
        DROPPED(test_recovery_only_partial_entry),
        CLOSED(test_recovery_only_partial_entry),
        COMMONWARE(test_recovery_only_partial_entry),
        DROPPED(test_recovery_crash_during_rewind_index_ahead),
        CLOSED(test_recovery_crash_during_rewind_index_ahead),
        COMMONWARE(test_recovery_crash_during_rewind_index_ahead),
        DROPPED(test_recovery_crash_during_rewind_glob_ahead),
        CLOSED(test_recovery_crash_during_rewind_glob_ahead),
        COMMONWARE(test_recovery_crash_during_rewind_glob_ahead),
        DROPPED(test_recovery_glob_trailing_garbage_truncated),
        CLOSED(test_recovery_glob_trailing_garbage_truncated),
        COMMONWARE(test_recovery_glob_trailing_garbage_truncated),
        DROPPED(test_recovery_entry_with_overflow_offset),
        CLOSED(test_recovery_entry_with_overflow_offset),
        COMMONWARE(test_recovery_entry_with_overflow_offset),
        DROPPED(test_recovery_crash_during_recovery_rewind),
        CLOSED(test_recovery_crash_during_recovery_rewind),
        COMMONWARE(test_recovery_crash_during_recovery_rewind),
        DROPPED(test_oversized_get_value_invalid_size),
        COMMONWARE(test_oversized_get_value_invalid_size),
        DROPPED(test_oversized_get_value_wrong_size),
        COMMONWARE(test_oversized_get_value_wrong_size),
        DROPPED(test_get_value_size_equals_crc_size),
        COMMONWARE(test_get_value_size_equals_crc_size),
        DROPPED(test_get_value_size_just_over_crc),
        COMMONWARE(test_get_value_size_just_over_crc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
