/*
 * recovery/test_recovery_sections.c: sections of which one file is missing or empty, and section numbers.
 *
 * A values section without its index section is removed, wherever in the order it stands; an index section without
 * its values file, or without records, stays, empty. The orphans are files written byte by byte from the format.
 */
#include "recovery/fixture.h"

/* Sections first, first + 1, ... last of one record each: id and fill are the section's number. */
static void append_sections(fixture_t *f, uint8_t first, uint8_t last)
{
    for (uint8_t section = first; section <= last; section++) {
        append_record(f, section, section, section);
        sync_section(f, section);
    }
}

static void write_orphans(const fixture_t *f, uint8_t first, uint8_t last)
{
    for (uint8_t section = first; section <= last; section++)
        write_orphan(f, section, section);
}

static void test_recovery_glob_pruned_but_index_not(void **state)
{
    fixture_t *f = *state;
    open_new(f);
    append_sections(f, 1, 3);
    leave_journal(f);

    /* The values of the sections below 2 were pruned, the index was not. */
    remove_file(values_path(f, 1).text);
    keep_records(f, 1, 0, 1);
    recover(f, (damage_t){.index_bytes = PHYSICAL_PAGE});
    check_answer(f, 1, 0, SEGJ_ERR_NO_RECORD);
    check_record(f, 2, 0, 2, 2);
    check_record(f, 3, 0, 3, 3);
    check_ends(f, 1, 3);
    destroy_journal(f);
}

static void test_recovery_index_partition_deleted(void **state)
{
    fixture_t *f = *state;
    open_new(f);
    append_sections(f, 1, 3);
    leave_journal(f);

    remove_file(index_path(f, 2).text);
    forget_section(f, 2);
    recover(f, (damage_t){.orphans = 1});
    check_record(f, 1, 0, 1, 1);
    check_record(f, 3, 0, 3, 3);
    check_answer(f, 2, 0, SEGJ_ERR_NO_SECTION);
    assert_false(path_exists(values_path(f, 2).text));
    destroy_journal(f);
}

static void test_recovery_values_has_orphan_section(void **state)
{
    fixture_t *f = *state;
    open_new(f);
    append_sections(f, 1, 2);
    leave_journal(f);

    write_orphan(f, 3, 99);
    recover(f, (damage_t){.orphans = 1});
    check_record(f, 1, 0, 1, 1);
    check_record(f, 2, 0, 2, 2);
    check_ends(f, 1, 2);
    check_answer(f, 3, 0, SEGJ_ERR_NO_SECTION);
    assert_false(path_exists(values_path(f, 3).text));
    destroy_journal(f);
}

static void test_recovery_values_has_multiple_orphan_sections(void **state)
{
    fixture_t *f = *state;
    open_new(f);
    append_sections(f, 1, 1);
    leave_journal(f);

    write_orphans(f, 2, 4);
    recover(f, (damage_t){.orphans = 3});
    check_record(f, 1, 0, 1, 1);
    check_ends(f, 1, 1);
    destroy_journal(f);
}

static void test_recovery_index_empty_but_values_exist(void **state)
{
    fixture_t *f = *state;
    uint64_t section = 0;
    make_directory(f->directory.text);
    make_directory(join_path(f->directory.text, f->config.value_partition).text);
    write_orphans(f, 1, 3);

    /* Without the index partition the values may be those of a journal that is looked for in the wrong place. */
    path_t before = join_path(f->root.text, "untouched");
    copy_tree(f->directory.text, before.text);
    assert_status(oversized_open(&f->config, &f->journal), SEGJ_ERR_MISMATCH);
    assert_null(f->journal);
    assert_trees_equal(f->directory.text, before.text);

    make_directory(join_path(f->directory.text, f->config.index_partition).text);
    recover(f, (damage_t){.orphans = 3});
    assert_status(oversized_newest_section(f->journal, &section), SEGJ_END);
    assert_status(oversized_oldest_section(f->journal, &section), SEGJ_END);
    destroy_journal(f);
}

static void test_recovery_orphan_section_append_after(void **state)
{
    fixture_t *f = *state;
    open_new(f);
    oversized_location_t first = append_record(f, 1, 1, 1);
    sync_section(f, 1);
    leave_journal(f);

    write_orphans(f, 2, 3);
    recover(f, (damage_t){.orphans = 2});
    check_record(f, 1, 0, 1, 1);
    check_value(f, 1, first, 1);

    /* Section 2 begins anew. */
    oversized_location_t location = append_record(f, 2, 42, 42);
    assert_int_equal(location.offset, 0);
    check_record(f, 2, 0, 42, 42);
    check_value(f, 2, location, 42);
    sync_section(f, 2);
    leave_journal(f);

    recover(f, (damage_t){0});
    check_record(f, 1, 0, 1, 1);
    check_record(f, 2, 0, 42, 42);
    check_ends(f, 1, 2);
    destroy_journal(f);
}

static void test_recovery_no_orphan_sections(void **state)
{
    fixture_t *f = *state;
    open_new(f);
    append_sections(f, 1, 3);
    leave_journal(f);

    recover(f, (damage_t){0});
    for (uint8_t section = 1; section <= 3; section++)
        check_record(f, section, 0, section, section);
    check_ends(f, 1, 3);
    destroy_journal(f);
}

static void test_recovery_orphan_with_empty_index_section(void **state)
{
    fixture_t *f = *state;
    open_new(f);
    append_sections(f, 1, 1);
    leave_journal(f);

    /* Section 1 has an index without records, section 2 has none at all, so it goes itself. */
    write_orphan(f, 2, 2);
    resize_index(f, 1, 0);
    uint64_t cut = keep_no_records(f, 1, FRAME_SIZE);
    recover(f, (damage_t){.value_bytes = cut, .orphans = 1});
    check_answer(f, 1, 0, SEGJ_ERR_NO_RECORD);
    check_answer(f, 2, 0, SEGJ_ERR_NO_SECTION);
    check_ends(f, 1, 1);
    destroy_journal(f);
}

static void test_recovery_orphan_sections_with_gaps(void **state)
{
    fixture_t *f = *state;
    open_new(f);
    for (uint8_t section = 1; section <= 5; section = (uint8_t)(section + 2))
        append_sections(f, section, section);
    leave_journal(f);

    for (uint8_t section = 2; section <= 6; section = (uint8_t)(section + 2))
        write_orphan(f, section, section);
    recover(f, (damage_t){.orphans = 3});
    for (uint8_t section = 1; section <= 5; section = (uint8_t)(section + 2))
        check_record(f, section, 0, section, section);
    for (uint8_t section = 2; section <= 6; section = (uint8_t)(section + 2))
        check_answer(f, section, 0, SEGJ_ERR_NO_SECTION);
    check_ends(f, 1, 5);
    destroy_journal(f);
}

static void test_empty_section_persistence(void **state)
{
    fixture_t *f = *state;
    open_new(f);
    append_records(f, 1, 0, 3);
    sync_section(f, 1);
    append_record(f, 2, 10, 10);
    sync_section(f, 2);
    leave_journal(f);

    resize_index(f, 1, 0);
    uint64_t cut = keep_no_records(f, 1, 3 * FRAME_SIZE);
    recover(f, (damage_t){.value_bytes = cut});
    check_answer(f, 1, 0, SEGJ_ERR_NO_RECORD);
    check_record(f, 2, 0, 10, 10);
    check_ends(f, 1, 2);

    /* Native recovery has emptied the values of the empty section: the first new frame is at offset 0. In the
     * commonware format the old bytes stay, and new frames follow them. */
    oversized_location_t location = append_record(f, 1, 99, 99);
    assert_int_equal(location.offset, is_commonware(f) ? 3 * FRAME_SIZE : 0);
    sync_section(f, 1);
    check_record(f, 1, 0, 99, 99);
    check_value(f, 1, location, 99);
    leave_journal(f);

    recover(f, (damage_t){0});
    check_record(f, 1, 0, 99, 99);
    check_record(f, 2, 0, 10, 10);
    destroy_journal(f);
}

static void test_recovery_maximum_section_numbers(void **state)
{
    fixture_t *f = *state;
    const uint64_t sections[] = {UINT64_MAX - 3, UINT64_MAX - 2, UINT64_MAX - 1};
    uint64_t section = 0;
    open_new(f);
    for (size_t i = 0; i < 3; i++) {
        append_record(f, sections[i], sections[i], (uint8_t)sections[i]);
        sync_section(f, sections[i]);
    }
    leave_journal(f);

    /* Half of the middle section's value. */
    assert_int_equal(values_data_size(f, sections[1]), FRAME_SIZE);
    resize_values(f, sections[1], FRAME_SIZE / 2);
    keep_records(f, sections[1], 0, 1);
    recover(f, (damage_t){.index_bytes = PHYSICAL_PAGE, .value_bytes = FRAME_SIZE / 2});
    check_record(f, sections[0], 0, sections[0], (uint8_t)sections[0]);
    check_record(f, sections[2], 0, sections[2], (uint8_t)sections[2]);
    check_answer(f, sections[1], 0, SEGJ_ERR_NO_RECORD);

    oversized_location_t location = append_record(f, sections[1], 999, 0xAB);
    assert_int_equal(location.offset, 0);

    /* The largest number of all is a section as well, and nothing follows it. */
    append_record(f, UINT64_MAX, 1000, 0xCD);
    assert_ok(oversized_next_section(f->journal, sections[2], &section));
    assert_int_equal(section, UINT64_MAX);
    assert_status(oversized_next_section(f->journal, UINT64_MAX, &section), SEGJ_END);
    assert_ok(oversized_sync_all(f->journal));
    leave_journal(f);
    recover(f, (damage_t){0});
    destroy_journal(f);
}

static void test_recovery_crash_during_orphan_cleanup(void **state)
{
    fixture_t *f = *state;
    open_new(f);
    oversized_location_t first = append_record(f, 1, 1, 1);
    sync_section(f, 1);
    leave_journal(f);

    /* A recovery was removing orphans 2, 3 and 4, and the next crash came after the first. */
    write_orphans(f, 2, 4);
    remove_file(values_path(f, 2).text);
    recover(f, (damage_t){.orphans = 2});
    check_record(f, 1, 0, 1, 1);
    check_value(f, 1, first, 1);
    check_ends(f, 1, 1);

    oversized_location_t location = append_record(f, 2, 42, 42);
    assert_int_equal(location.offset, 0);
    check_record(f, 2, 0, 42, 42);
    destroy_journal(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DROPPED(test_recovery_glob_pruned_but_index_not),
        CLOSED(test_recovery_glob_pruned_but_index_not),
        COMMONWARE(test_recovery_glob_pruned_but_index_not),
        DROPPED(test_recovery_index_partition_deleted),
        CLOSED(test_recovery_index_partition_deleted),
        COMMONWARE(test_recovery_index_partition_deleted),
        DROPPED(test_recovery_values_has_orphan_section),
        CLOSED(test_recovery_values_has_orphan_section),
        COMMONWARE(test_recovery_values_has_orphan_section),
        DROPPED(test_recovery_values_has_multiple_orphan_sections),
        CLOSED(test_recovery_values_has_multiple_orphan_sections),
        COMMONWARE(test_recovery_values_has_multiple_orphan_sections),
        DROPPED(test_recovery_index_empty_but_values_exist),
        COMMONWARE(test_recovery_index_empty_but_values_exist),
        DROPPED(test_recovery_orphan_section_append_after),
        CLOSED(test_recovery_orphan_section_append_after),
        COMMONWARE(test_recovery_orphan_section_append_after),
        DROPPED(test_recovery_no_orphan_sections),
        CLOSED(test_recovery_no_orphan_sections),
        COMMONWARE(test_recovery_no_orphan_sections),
        DROPPED(test_recovery_orphan_with_empty_index_section),
        CLOSED(test_recovery_orphan_with_empty_index_section),
        COMMONWARE(test_recovery_orphan_with_empty_index_section),
        DROPPED(test_recovery_orphan_sections_with_gaps),
        CLOSED(test_recovery_orphan_sections_with_gaps),
        COMMONWARE(test_recovery_orphan_sections_with_gaps),
        DROPPED(test_empty_section_persistence),
        CLOSED(test_empty_section_persistence),
        COMMONWARE(test_empty_section_persistence),
        DROPPED(test_recovery_maximum_section_numbers),
        CLOSED(test_recovery_maximum_section_numbers),
        COMMONWARE(test_recovery_maximum_section_numbers),
        DROPPED(test_recovery_crash_during_orphan_cleanup),
        CLOSED(test_recovery_crash_during_orphan_cleanup),
        COMMONWARE(test_recovery_crash_during_orphan_cleanup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
