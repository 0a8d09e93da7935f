/*
 * recovery/test_recovery.c: journals that come back as they were left, and journals whose values file ends early.
 *
 * An index record that points behind the end of its values file is cut, and everything behind it; what lies before is
 * untouched, and new records continue at the cut. With five records of 20 bytes on pages of 64, records 0 to 2 lie on
 * page 0, record 3 on both and record 4 on page 1.
 */
#include "recovery/fixture.h"

#include <string.h>

static void test_oversized_append_and_get(void **state)
{
    fixture_t *f = *state;
    static const uint8_t value[VALUE_SIZE] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    uint8_t entry[SMALL_ENTRY];
    uint64_t position = UINT64_MAX;
    oversized_location_t location = {UINT64_MAX, 0};
    open_new(f);
    put_u64(entry, 42);
    assert_ok(oversized_append(f->journal, 1, entry, value, sizeof value, &position, &location));
    assert_int_equal(position, 0);
    assert_int_equal(location.offset, 0);
    assert_int_equal(location.size, FRAME_SIZE);

    /* Once from the write buffers and once from the files. */
    for (int pass = 0; pass < 2; pass++) {
        oversized_location_t found = {UINT64_MAX, 0};
        memset(entry, 0, sizeof entry);
        assert_ok(oversized_get(f->journal, 1, position, entry, &found));
        assert_int_equal(get_u64(entry), 42);
        assert_int_equal(found.offset, location.offset);
        assert_int_equal(found.size, location.size);
        assert_ok(oversized_get_value(f->journal, 1, location, &f->value));
        assert_int_equal(f->value.size, sizeof value);
        assert_memory_equal(f->value.data, value, sizeof value);
        sync_section(f, 1);
    }
    destroy_journal(f);
}

static void test_oversized_crash_recovery(void **state)
{
    fixture_t *f = *state;
    oversized_location_t locations[5];
    open_new(f);
    for (uint8_t i = 0; i < 5; i++)
        locations[i] = append_record(f, 1, i, i);
    sync_section(f, 1);
    leave_journal(f);

    /* The last two values are lost. */
    resize_values(f, 1, byte_end(locations[2]));
    keep_records(f, 1, 3, 5);
    recover(f, (damage_t){.index_bytes = PHYSICAL_PAGE, .index_slack = SMALL_PAGE});
    for (uint8_t i = 0; i < 3; i++) {
        check_record(f, 1, i, i, i);
        check_value(f, 1, locations[i], i);
    }
    check_answer(f, 1, 3, SEGJ_ERR_NO_RECORD);
    check_answer(f, 1, 4, SEGJ_ERR_NO_RECORD);
    /* A location of a record that is gone reaches past the section. */
    assert_status(oversized_get_value(f->journal, 1, locations[3], &f->value), SEGJ_ERR_RANGE);
    destroy_journal(f);
}

static void test_oversized_persistence(void **state)
{
    fixture_t *f = *state;
    open_new(f);
    oversized_location_t location = append_record(f, 1, 123, 42);
    sync_section(f, 1);
    leave_journal(f);

    recover(f, (damage_t){0});
    check_record(f, 1, 0, 123, 42);
    check_value(f, 1, location, 42);
    destroy_journal(f);
}

static void test_oversized_prune(void **state)
{
    fixture_t *f = *state;
    bool pruned = false;
    open_new(f);
    for (uint8_t section = 1; section <= 5; section++) {
        append_record(f, section, section, section);
        sync_section(f, section);
    }
    assert_ok(oversized_prune(f->journal, 3, &pruned));
    assert_true(pruned);
    check_answer(f, 1, 0, SEGJ_ERR_PRUNED);
    check_answer(f, 2, 0, SEGJ_ERR_PRUNED);
    for (uint8_t section = 3; section <= 5; section++)
        check_record(f, section, 0, section, section);
    check_ends(f, 3, 5);
    assert_ok(oversized_prune(f->journal, 3, &pruned));
    assert_false(pruned);

    /* The files are gone with the sections; the prune line is not kept. */
    forget_section(f, 1);
    forget_section(f, 2);
    leave_journal(f);
    recover(f, (damage_t){0});
    check_answer(f, 1, 0, SEGJ_ERR_NO_SECTION);
    check_answer(f, 2, 0, SEGJ_ERR_NO_SECTION);
    destroy_journal(f);
}

static void test_recovery_empty_section(void **state)
{
    fixture_t *f = *state;
    open_new(f);
    append_record(f, 2, 1, 42);
    check_answer(f, 1, 0, SEGJ_ERR_NO_SECTION);
    sync_section(f, 2);
    leave_journal(f);

    recover(f, (damage_t){0});
    check_answer(f, 1, 0, SEGJ_ERR_NO_SECTION);
    check_record(f, 2, 0, 1, 42);
    destroy_journal(f);
}

static void test_recovery_all_entries_invalid(void **state)
{
    fixture_t *f = *state;
    open_new(f);
    append_records(f, 1, 0, 5);
    sync_section(f, 1);
    leave_journal(f);

    resize_values(f, 1, 0);
    keep_records(f, 1, 0, 5);
    recover(f, (damage_t){.index_bytes = 2 * PHYSICAL_PAGE});
    for (uint64_t position = 0; position < 5; position++)
        check_answer(f, 1, position, SEGJ_ERR_NO_RECORD);

    oversized_location_t location = append_record(f, 1, 100, 99);
    assert_int_equal(location.offset, 0);
    check_record(f, 1, 0, 100, 99);
    check_value(f, 1, location, 99);
    destroy_journal(f);
}

static void test_recovery_multiple_sections_mixed_validity(void **state)
{
    fixture_t *f = *state;
    open_new(f);
    append_records(f, 1, 0, 3);
    sync_section(f, 1);
    append_records(f, 2, 10, 5);
    sync_section(f, 2);
    append_records(f, 3, 20, 2);
    sync_section(f, 3);
    leave_journal(f);

    /* Section 1 keeps its first value, section 2 its first three, section 3 all. */
    resize_values(f, 1, FRAME_SIZE);
    keep_records(f, 1, 1, 3);
    resize_values(f, 2, 3 * FRAME_SIZE);
    keep_records(f, 2, 3, 5);
    recover(f, (damage_t){.index_bytes = PHYSICAL_PAGE, .index_slack = 2 * SMALL_PAGE});

    check_record(f, 1, 0, 0, 0);
    check_answer(f, 1, 1, SEGJ_ERR_NO_RECORD);
    check_answer(f, 1, 2, SEGJ_ERR_NO_RECORD);
    check_records(f, 2, 0, 10, 3);
    check_answer(f, 2, 3, SEGJ_ERR_NO_RECORD);
    check_answer(f, 2, 4, SEGJ_ERR_NO_RECORD);
    check_records(f, 3, 0, 20, 2);
    destroy_journal(f);
}

static void test_recovery_corrupted_last_index_entry(void **state)
{
    fixture_t *f = *state;
    uint8_t broken[PAGE_CHECKSUMS];
    use_record_pages(f);
    open_new(f);
    append_records(f, 1, 0, 5);
    sync_section(f, 1);
    leave_journal(f);

    /* Both slots of the last page. */
    assert_int_equal(index_data_size(f, 1), 5 * PHYSICAL_RECORD);
    memset(broken, 0xFF, sizeof broken);
    uint64_t slots = 5 * PHYSICAL_RECORD - PAGE_CHECKSUMS;
    write_file_at(index_path(f, 1).text, f->index_data + slots, broken, sizeof broken);
    keep_records(f, 1, 4, 4);
    recover(f, (damage_t){.index_bytes = PHYSICAL_RECORD, .value_bytes = FRAME_SIZE, .unreadable_records = 1});

    check_records(f, 1, 0, 0, 4);
    check_answer(f, 1, 4, SEGJ_ERR_NO_RECORD);
    oversized_location_t location = append_record(f, 1, 100, 99);
    assert_int_equal(location.offset, 4 * FRAME_SIZE);
    check_record(f, 1, 4, 100, 99);
    check_value(f, 1, location, 99);
    destroy_journal(f);
}

static void test_recovery_all_entries_valid(void **state)
{
    fixture_t *f = *state;
    open_new(f);
    for (uint8_t section = 1; section <= 3; section++) {
        for (uint8_t i = 0; i < 10; i++)
            append_record(f, section, section * 100u + i, (uint8_t)(section * 10 + i));
        sync_section(f, section);
    }
    leave_journal(f);

    recover(f, (damage_t){0});
    for (uint8_t section = 1; section <= 3; section++)
        for (uint8_t i = 0; i < 10; i++)
            check_record(f, section, i, section * 100u + i, (uint8_t)(section * 10 + i));
    destroy_journal(f);
}

static void test_recovery_single_entry_invalid(void **state)
{
    fixture_t *f = *state;
    open_new(f);
    append_record(f, 1, 1, 42);
    sync_section(f, 1);
    leave_journal(f);

    resize_values(f, 1, 0);
    keep_records(f, 1, 0, 1);
    recover(f, (damage_t){.index_bytes = PHYSICAL_PAGE});
    check_answer(f, 1, 0, SEGJ_ERR_NO_RECORD);
    destroy_journal(f);
}

static void test_recovery_last_entry_off_by_one(void **state)
{
    fixture_t *f = *state;
    open_new(f);
    append_records(f, 1, 0, 2);
    oversized_location_t last = append_record(f, 1, 2, 2);
    sync_section(f, 1);
    leave_journal(f);

    /* The last frame lacks its last byte; the rest of it goes. */
    resize_values(f, 1, byte_end(last) - 1);
    keep_records(f, 1, 2, 3);
    recover(f, (damage_t){.index_slack = SMALL_PAGE, .value_bytes = FRAME_SIZE - 1});
    check_records(f, 1, 0, 0, 2);
    check_answer(f, 1, 2, SEGJ_ERR_NO_RECORD);

    oversized_location_t location = append_record(f, 1, 100, 99);
    assert_int_equal(location.offset, last.offset);
    check_record(f, 1, 2, 100, 99);
    check_value(f, 1, location, 99);
    destroy_journal(f);
}

static void test_recovery_glob_missing_entirely(void **state)
{
    fixture_t *f = *state;
    open_new(f);
    append_records(f, 1, 0, 3);
    sync_section(f, 1);
    leave_journal(f);

    /* A missing values file counts as an empty one; its section stays listed. */
    remove_file(values_path(f, 1).text);
    keep_records(f, 1, 0, 3);
    recover(f, (damage_t){.index_bytes = PHYSICAL_PAGE});
    for (uint64_t position = 0; position < 3; position++)
        check_answer(f, 1, position, SEGJ_ERR_NO_RECORD);
    check_ends(f, 1, 1);

    append_record(f, 1, 7, 7);
    sync_section(f, 1);
    leave_journal(f);
    recover(f, (damage_t){0});
    check_record(f, 1, 0, 7, 7);
    destroy_journal(f);
}

static void test_recovery_can_append_after_recovery(void **state)
{
    fixture_t *f = *state;
    oversized_location_t locations[5];
    open_new(f);
    for (uint8_t i = 0; i < 5; i++)
        locations[i] = append_record(f, 1, i, i);
    sync_section(f, 1);
    leave_journal(f);

    resize_values(f, 1, byte_end(locations[1]));
    keep_records(f, 1, 2, 5);
    recover(f, (damage_t){.index_bytes = PHYSICAL_PAGE, .index_slack = SMALL_PAGE});
    check_records(f, 1, 0, 0, 2);
    check_answer(f, 1, 2, SEGJ_ERR_NO_RECORD);

    append_records(f, 1, 10, 5);
    sync_section(f, 1);
    check_records(f, 1, 2, 10, 5);

    /* The new records, at offsets that lost ones had, are there after the next open too. */
    leave_journal(f);
    recover(f, (damage_t){0});
    check_records(f, 1, 2, 10, 5);
    destroy_journal(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DROPPED(test_oversized_append_and_get),
        COMMONWARE(test_oversized_append_and_get),
        DROPPED(test_oversized_crash_recovery),
        CLOSED(test_oversized_crash_recovery),
        COMMONWARE(test_oversized_crash_recovery),
        DROPPED(test_oversized_persistence),
        CLOSED(test_oversized_persistence),
        COMMONWARE(test_oversized_persistence),
        DROPPED(test_oversized_prune),
        CLOSED(test_oversized_prune),
        COMMONWARE(test_oversized_prune),
        DROPPED(test_recovery_empty_section),
        CLOSED(test_recovery_empty_section),
        COMMONWARE(test_recovery_empty_section),
        DROPPED(test_recovery_all_entries_invalid),
        CLOSED(test_recovery_all_entries_invalid),
        COMMONWARE(test_recovery_all_entries_invalid),
        DROPPED(test_recovery_multiple_sections_mixed_validity),
        CLOSED(test_recovery_multiple_sections_mixed_validity),
        COMMONWARE(test_recovery_multiple_sections_mixed_validity),
        DROPPED(test_recovery_corrupted_last_index_entry),
        CLOSED(test_recovery_corrupted_last_index_entry),
        COMMONWARE(test_recovery_corrupted_last_index_entry),
        DROPPED(test_recovery_all_entries_valid),
        CLOSED(test_recovery_all_entries_valid),
        COMMONWARE(test_recovery_all_entries_valid),
        DROPPED(test_recovery_single_entry_invalid),
        CLOSED(test_recovery_single_entry_invalid),
        COMMONWARE(test_recovery_single_entry_invalid),
        DROPPED(test_recovery_last_entry_off_by_one),
        CLOSED(test_recovery_last_entry_off_by_one),
        COMMONWARE(test_recovery_last_entry_off_by_one),
        DROPPED(test_recovery_glob_missing_entirely),
        CLOSED(test_recovery_glob_missing_entirely),
        COMMONWARE(test_recovery_glob_missing_entirely),
        DROPPED(test_recovery_can_append_after_recovery),
        CLOSED(test_recovery_can_append_after_recovery),
        COMMONWARE(test_recovery_can_append_after_recovery),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
