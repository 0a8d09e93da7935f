/*
 * promises/test_sections.c: the questions: sizes and counts, the walk over sections, the record size, the recovery
 * report and the error of a journal.
 */
#include "promises/fixture.h"

#include <string.h>

static const uint8_t entry[SMALL_ENTRY] = {1, 2, 3, 4, 5, 6, 7, 8};

/* --- sizes --- */

static void check_sizes(oversized_t *journal, uint64_t section, uint64_t count, uint64_t value_size)
{
    uint64_t size = UINT64_MAX;
    assert_ok(oversized_size(journal, section, &size));
    assert_int_equal(size, count * SMALL_RECORD);
    assert_int_equal(count_of(journal, section), count);
    assert_int_equal(value_size_of(journal, section), value_size);
}

static void test_sizes_count_what_is_buffered(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    uint64_t end = 0;
    for (uint64_t count = 1; count <= 200; count++) {
        oversized_location_t location = append_sample(f->journal, 1, 0);
        end = tested_frame_end(location, SMALL_ENTRY);
        check_sizes(f->journal, 1, count, end);
    }
    assert_ok(oversized_sync(f->journal, 1));
    check_sizes(f->journal, 1, 200, end);
    close_and_open(f);
    check_sizes(f->journal, 1, 200, end);
}

static void test_sizes_of_what_is_not_there_are_zero(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 3, 5, 0);
    append_samples(f->journal, 5, 5, 0);
    check_sizes(f->journal, 2, 0, 0);
    check_sizes(f->journal, 4, 0, 0);
    check_sizes(f->journal, UINT64_MAX, 0, 0);
    assert_ok(oversized_prune(f->journal, 4, NULL));
    check_sizes(f->journal, 3, 0, 0);
    assert_ok(oversized_rewind(f->journal, 5, 0));
    check_sizes(f->journal, 5, 0, 0);
    close_and_open(f);
    check_sizes(f->journal, 5, 0, 0);
}

static void test_the_value_size_is_the_end_of_the_last_frame(void **state)
{
    fixture_t *f = *state;
    oversized_location_t location;
    open_journal(f);
    append_samples(f->journal, 1, 50, 0);
    for (uint64_t kept = 49; kept > 0; kept--) {
        assert_ok(oversized_rewind_section(f->journal, 1, kept * SMALL_RECORD));
        assert_ok(oversized_last(f->journal, 1, NULL, &location));
        assert_int_equal(value_size_of(f->journal, 1), tested_frame_end(location, SMALL_ENTRY));
        assert_int_equal(file_size(values_path(f, 1).text), tested_values_data() + value_size_of(f->journal, 1));
    }
}

static void test_the_record_size_is_the_entry_and_its_location(void **state)
{
    fixture_t *f = *state;
    static const uint32_t sizes[] = {0, 1, 8, 1000, 65535};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        f->config.entry_size = sizes[i];
        open_journal(f);
        assert_int_equal(oversized_record_size(f->journal), sizes[i] + OVERSIZED_LOCATION_SIZE);
        close_journal(f);
    }
    assert_int_equal(oversized_record_size(NULL), 0);
}

static void test_questions_without_a_journal_or_an_answer(void **state)
{
    fixture_t *f = *state;
    uint64_t answer = 77;
    assert_status(oversized_size(NULL, 1, &answer), SEGJ_ERR_INVALID);
    assert_status(oversized_count(NULL, 1, &answer), SEGJ_ERR_INVALID);
    assert_status(oversized_value_size(NULL, 1, &answer), SEGJ_ERR_INVALID);
    assert_status(oversized_oldest_section(NULL, &answer), SEGJ_ERR_INVALID);
    assert_status(oversized_newest_section(NULL, &answer), SEGJ_ERR_INVALID);
    assert_status(oversized_next_section(NULL, 1, &answer), SEGJ_ERR_INVALID);
    assert_status(oversized_next_section(NULL, UINT64_MAX, &answer), SEGJ_ERR_INVALID);
    assert_status(oversized_prev_section(NULL, 1, &answer), SEGJ_ERR_INVALID);
    assert_status(oversized_prev_section(NULL, 0, &answer), SEGJ_ERR_INVALID);
    assert_int_equal(answer, 77);
    open_journal(f);
    append_sample(f->journal, 1, 0);
    assert_status(oversized_size(f->journal, 1, NULL), SEGJ_ERR_INVALID);
    assert_status(oversized_count(f->journal, 1, NULL), SEGJ_ERR_INVALID);
    assert_status(oversized_value_size(f->journal, 1, NULL), SEGJ_ERR_INVALID);
    assert_status(oversized_oldest_section(f->journal, NULL), SEGJ_ERR_INVALID);
    assert_status(oversized_newest_section(f->journal, NULL), SEGJ_ERR_INVALID);
    assert_status(oversized_next_section(f->journal, 0, NULL), SEGJ_ERR_INVALID);
    assert_status(oversized_next_section(f->journal, UINT64_MAX, NULL), SEGJ_ERR_INVALID);
    assert_status(oversized_prev_section(f->journal, 9, NULL), SEGJ_ERR_INVALID);
    assert_status(oversized_prev_section(f->journal, 0, NULL), SEGJ_ERR_INVALID);
    bool exists = true;
    assert_status(oversized_section_exists(NULL, 1, &exists), SEGJ_ERR_INVALID);
    assert_false(exists);
    assert_status(oversized_section_exists(f->journal, 1, NULL), SEGJ_ERR_INVALID);
}

/* --- whether there is one --- */

static void check_exists(oversized_t *journal, uint64_t section, segj_status_t status, bool expected)
{
    bool exists = !expected;
    assert_status(oversized_section_exists(journal, section, &exists), status);
    assert_int_equal(exists, expected);
    if (!expected)
        assert_int_equal(count_of(journal, section), 0);
}

static void test_an_empty_section_is_told_from_one_that_is_not_there(void **state)
{
    fixture_t *f = *state;
    oversized_writer_t *writer;
    open_journal(f);
    append_samples(f->journal, 3, 5, 0);
    append_samples(f->journal, 5, 5, 0);
    assert_ok(oversized_rewind_section(f->journal, 5, 0));
    for (int opened = 0; opened < 2; opened++) {
        check_exists(f->journal, 3, SEGJ_OK, true);
        check_exists(f->journal, 5, SEGJ_OK, true);
        assert_int_equal(count_of(f->journal, 5), 0);
        check_exists(f->journal, 4, SEGJ_OK, false);
        check_exists(f->journal, 0, SEGJ_OK, false);
        check_exists(f->journal, UINT64_MAX, SEGJ_OK, false);
        close_and_open(f);
    }
    assert_ok(oversized_writer_open(f->journal, 7, entry, 1, &writer));
    check_exists(f->journal, 7, SEGJ_OK, true);
    oversized_writer_abandon(writer);
    check_exists(f->journal, 7, SEGJ_OK, true);
}

/* Until the journal is opened again, a pruned section cannot be there again. */
static void test_a_pruned_section_is_told_apart(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 3, 5, 0);
    append_samples(f->journal, 5, 5, 0);
    assert_ok(oversized_prune(f->journal, 5, NULL));
    check_exists(f->journal, 3, SEGJ_ERR_PRUNED, false);
    check_exists(f->journal, 4, SEGJ_ERR_PRUNED, false);
    check_exists(f->journal, 5, SEGJ_OK, true);
    check_exists(f->journal, 6, SEGJ_OK, false);
    close_and_open(f);
    check_exists(f->journal, 3, SEGJ_OK, false);
}

/* --- the walk --- */

static void test_an_empty_journal_has_no_sections(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    assert_no_sections(f->journal);
    close_and_open(f);
    assert_no_sections(f->journal);
}

static void test_the_walk_goes_over_gaps_and_both_ends(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_sample(f->journal, UINT64_MAX, 0);
    append_sample(f->journal, 1000, 0);
    append_sample(f->journal, 0, 0);
    append_sample(f->journal, (uint64_t)1 << 63, 0);
    for (int opened = 0; opened < 2; opened++) {
        assert_sections(f->journal, 0, 1000, (uint64_t)1 << 63, UINT64_MAX);
        close_and_open(f);
    }
}

static void test_next_begins_above_any_number(void **state)
{
    fixture_t *f = *state;
    static const struct {
        uint64_t after, next;
    } cases[] = {{0, 5}, {4, 5}, {5, 9}, {6, 9}, {8, 9}};
    uint64_t section = 77;
    open_journal(f);
    append_sample(f->journal, 9, 0);
    append_sample(f->journal, 5, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_ok(oversized_next_section(f->journal, cases[i].after, &section));
        assert_int_equal(section, cases[i].next);
    }
    section = 77;
    assert_status(oversized_next_section(f->journal, 9, &section), SEGJ_END);
    assert_status(oversized_next_section(f->journal, 10, &section), SEGJ_END);
    assert_status(oversized_next_section(f->journal, UINT64_MAX, &section), SEGJ_END);
    assert_int_equal(section, 77);
    append_sample(f->journal, 0, 0);
    append_sample(f->journal, UINT64_MAX, 0);
    assert_ok(oversized_next_section(f->journal, UINT64_MAX - 1, &section));
    assert_int_equal(section, UINT64_MAX);
    assert_status(oversized_next_section(f->journal, UINT64_MAX, &section), SEGJ_END);
}

static void test_prev_begins_below_any_number(void **state)
{
    fixture_t *f = *state;
    static const struct {
        uint64_t before, prev;
    } cases[] = {{UINT64_MAX, 9}, {10, 9}, {9, 5}, {8, 5}, {6, 5}};
    uint64_t section = 77;
    open_journal(f);
    append_sample(f->journal, 9, 0);
    append_sample(f->journal, 5, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_ok(oversized_prev_section(f->journal, cases[i].before, &section));
        assert_int_equal(section, cases[i].prev);
    }
    section = 77;
    assert_status(oversized_prev_section(f->journal, 5, &section), SEGJ_END);
    assert_status(oversized_prev_section(f->journal, 1, &section), SEGJ_END);
    assert_status(oversized_prev_section(f->journal, 0, &section), SEGJ_END);
    assert_int_equal(section, 77);
    append_sample(f->journal, 0, 0);
    append_sample(f->journal, UINT64_MAX, 0);
    assert_ok(oversized_prev_section(f->journal, 1, &section));
    assert_int_equal(section, 0);
    assert_ok(oversized_newest_section(f->journal, &section));
    assert_int_equal(section, UINT64_MAX);
    assert_ok(oversized_prev_section(f->journal, section, &section));
    assert_int_equal(section, 9);
}

static void test_empty_sections_are_walked_over_too(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    for (uint64_t section = 1; section <= 3; section++)
        append_sample(f->journal, section, 0);
    assert_ok(oversized_rewind_section(f->journal, 2, 0));
    for (int opened = 0; opened < 2; opened++) {
        assert_sections(f->journal, 1, 2, 3);
        close_and_open(f);
    }
}

static void test_many_sections_are_walked_in_order(void **state)
{
    fixture_t *f = *state;
    f->config.max_open_files = 4;
    uint64_t expected = 0;
    uint64_t section = 0;
    open_journal(f);
    for (uint64_t i = 0; i < 300; i++)
        append_sample(f->journal, i * 7 % 300 * 3, 0); /* 7 and 300 have no common factor: each once */
    assert_ok(oversized_oldest_section(f->journal, &section));
    do
        assert_int_equal(section, 3 * expected++);
    while (oversized_next_section(f->journal, section, &section) == SEGJ_OK);
    assert_int_equal(expected, 300);
}

/* --- the recovery report --- */

static void test_the_report_of_a_new_journal_is_all_zeros(void **state)
{
    fixture_t *f = *state;
    oversized_recovery_t zeros;
    memset(&zeros, 0, sizeof zeros);
    open_journal(f);
    assert_memory_equal(oversized_recovery(f->journal), &zeros, sizeof zeros);
    assert_null(oversized_recovery(NULL));
}

static void test_the_report_of_a_clean_open_counts_sections_and_records_alone(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 30, 0);
    append_samples(f->journal, 5, 12, 0);
    assert_ok(oversized_rewind_section(f->journal, 5, 2 * SMALL_RECORD));
    close_and_open(f);
    oversized_recovery_t expected;
    memset(&expected, 0, sizeof expected);
    expected.sections = 2;
    expected.records = 32;
    assert_memory_equal(oversized_recovery(f->journal), &expected, sizeof expected);
}

static void test_the_report_lives_as_long_as_the_journal_and_does_not_change(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 30, 0);
    close_and_open(f);
    const oversized_recovery_t *report = oversized_recovery(f->journal);
    oversized_recovery_t before = *report;
    append_samples(f->journal, 1, 5, 0);
    append_samples(f->journal, 2, 5, 0);
    assert_ok(oversized_sync_all(f->journal));
    assert_ok(oversized_rewind(f->journal, 1, 3 * SMALL_RECORD));
    assert_ok(oversized_prune(f->journal, 2, NULL));
    assert_ptr_equal(oversized_recovery(f->journal), report);
    assert_memory_equal(report, &before, sizeof before);
}

/* --- errors --- */

static void test_a_journal_that_is_well_has_no_error(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    assert_null(oversized_error(f->journal));
    assert_status(oversized_get(f->journal, 1, 0, NULL, NULL), SEGJ_ERR_NO_SECTION);
    assert_status(oversized_append(f->journal, 1, NULL, "a", 1, NULL, NULL), SEGJ_ERR_INVALID);
    assert_status(oversized_rewind(f->journal, 1, 7), SEGJ_ERR_INVALID);
    assert_null(oversized_error(f->journal));
    assert_null(oversized_error(NULL));
}

static void test_every_failure_has_a_sentence(void **state)
{
    fixture_t *f = *state;
    oversized_location_t location = {0, 3};
    open_journal(f);
    append_sample(f->journal, 41, 0);
    assert_status(oversized_get(f->journal, 42, 0, NULL, NULL), SEGJ_ERR_NO_SECTION);
    assert_non_null(strstr(segj_last_error(), "42"));
    assert_status(oversized_get(f->journal, 41, 43, NULL, NULL), SEGJ_ERR_NO_RECORD);
    assert_non_null(strstr(segj_last_error(), "41"));
    assert_non_null(strstr(segj_last_error(), "43"));
    assert_status(oversized_get_value(f->journal, 41, location, &f->value), SEGJ_ERR_RANGE);
    assert_non_null(strstr(segj_last_error(), "0000000000000029")); /* the file's name */
    /* After SEGJ_OK and SEGJ_END it is unchanged. */
    uint64_t section = 0;
    assert_status(oversized_next_section(f->journal, 41, &section), SEGJ_END);
    assert_ok(oversized_append(f->journal, 41, entry, "a", 1, NULL, NULL));
    assert_non_null(strstr(segj_last_error(), "0000000000000029"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(test_sizes_count_what_is_buffered),
        PROMISE(test_sizes_of_what_is_not_there_are_zero),
        PROMISE(test_the_value_size_is_the_end_of_the_last_frame),
        PROMISE(test_the_record_size_is_the_entry_and_its_location),
        PROMISE(test_questions_without_a_journal_or_an_answer),
        PROMISE(test_an_empty_journal_has_no_sections),
        PROMISE(test_the_walk_goes_over_gaps_and_both_ends),
        PROMISE(test_an_empty_section_is_told_from_one_that_is_not_there),
        PROMISE(test_a_pruned_section_is_told_apart),
        PROMISE(test_next_begins_above_any_number),
        PROMISE(test_prev_begins_below_any_number),
        PROMISE(test_empty_sections_are_walked_over_too),
        PROMISE(test_many_sections_are_walked_in_order),
        PROMISE(test_the_report_of_a_new_journal_is_all_zeros),
        PROMISE(test_the_report_of_a_clean_open_counts_sections_and_records_alone),
        PROMISE(test_the_report_lives_as_long_as_the_journal_and_does_not_change),
        PROMISE(test_a_journal_that_is_well_has_no_error),
        PROMISE(test_every_failure_has_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
