/*
 * promises/test_checkpoint.c: a checkpoint restores instead of inferring: what it removes, what must be complete, what
 * is refused with nothing changed; and `strict`.
 */
#include "promises/fixture.h"

#include <string.h>

enum { R = SMALL_RECORD };

/* Sections 2, 4, 6 and 8 with 20 samples each, left by a close; then the journal is to be opened with a checkpoint. */
static void make_journal(fixture_t *f)
{
    open_journal(f);
    for (uint64_t section = 2; section <= 8; section += 2)
        append_samples(f->journal, section, 20, 0);
    close_journal(f);
}

static oversized_checkpoint_t checkpoint;

static void set_checkpoint(fixture_t *f, uint64_t oldest, uint64_t section, uint64_t records)
{
    checkpoint = (oversized_checkpoint_t){oldest, section, records * (f->config.entry_size + LOCATION_BYTES)};
    f->config.checkpoint = &checkpoint;
}

/* The state holds without the checkpoint too, whether the journal is closed or killed: it is durable. */
static void reopen_without(fixture_t *f)
{
    f->config.checkpoint = NULL;
    f->config.strict = true;
    abandon_and_open(f);
}

/* --- by a count of records --- */

static void test_a_checkpoint_by_records_is_one_by_bytes(void **state)
{
    fixture_t *f = *state;
    make_journal(f);
    set_checkpoint(f, 3, 6, 13);
    oversized_checkpoint_t by_records;
    memset(&by_records, 0x5a, sizeof by_records);
    assert_ok(oversized_checkpoint_at(&f->config, 3, 6, 13, &by_records));
    assert_memory_equal(&by_records, &checkpoint, sizeof checkpoint);
    f->config.checkpoint = &by_records;
    open_journal(f);
    assert_sections(f->journal, 4, 6);
    check_section(f->journal, 6, 13, 0);
}

static void test_a_count_whose_bytes_are_no_number_is_refused(void **state)
{
    fixture_t *f = *state;
    oversized_checkpoint_t untouched = {1, 2, 3};
    f->config.entry_size = 65535;
    assert_ok(oversized_checkpoint_at(&f->config, 0, 6, UINT64_MAX / 65547, &checkpoint));
    assert_int_equal(checkpoint.index_size, UINT64_MAX / 65547 * 65547);
    assert_status(oversized_checkpoint_at(&f->config, 0, 6, UINT64_MAX / 65547 + 1, &untouched), SEGJ_ERR_INVALID);
    assert_status(oversized_checkpoint_at(&f->config, 0, 6, UINT64_MAX, &untouched), SEGJ_ERR_INVALID);
    assert_non_null(strstr(segj_last_error(), "18446744073709551615 records of 65547 bytes"));
    assert_int_equal(untouched.index_size, 3);
    assert_status(oversized_checkpoint_at(NULL, 0, 6, 1, &untouched), SEGJ_ERR_INVALID);
    assert_status(oversized_checkpoint_at(&f->config, 0, 6, 1, NULL), SEGJ_ERR_INVALID);
}

/* --- what is restored --- */

static void test_the_section_is_cut_and_later_ones_are_removed(void **state)
{
    fixture_t *f = *state;
    make_journal(f);
    set_checkpoint(f, 0, 6, 13);
    open_journal(f);
    for (int opened = 0; opened < 2; opened++) {
        assert_sections(f->journal, 2, 4, 6);
        check_section(f->journal, 2, 20, 0);
        check_section(f->journal, 4, 20, 0);
        check_section(f->journal, 6, 13, 0);
        check_files(f, 6, 13, 0);
        assert_false(path_exists(index_path(f, 8).text));
        assert_false(path_exists(values_path(f, 8).text));
        reopen_without(f);
    }
    append_samples(f->journal, 6, 4, 0);
    close_and_open(f);
    check_section(f->journal, 6, 17, 0);
}

static void test_sections_below_the_oldest_are_removed(void **state)
{
    fixture_t *f = *state;
    make_journal(f);
    set_checkpoint(f, 5, 8, 20);
    open_journal(f);
    for (int opened = 0; opened < 2; opened++) {
        assert_sections(f->journal, 6, 8);
        check_section(f->journal, 6, 20, 0);
        check_section(f->journal, 8, 20, 0);
        assert_false(path_exists(index_path(f, 4).text));
        assert_false(path_exists(values_path(f, 2).text));
        reopen_without(f);
    }
}

static void test_a_checkpoint_of_the_present_state_changes_no_byte(void **state)
{
    fixture_t *f = *state;
    make_journal(f);
    path_t before = snapshot(f);
    set_checkpoint(f, 2, 8, 20);
    open_journal(f);
    close_journal(f);
    assert_untouched(f, before);
}

static void test_a_section_cut_to_nothing_stays_listed(void **state)
{
    fixture_t *f = *state;
    make_journal(f);
    set_checkpoint(f, 4, 4, 0);
    open_journal(f);
    for (int opened = 0; opened < 2; opened++) {
        assert_sections(f->journal, 4);
        check_section(f->journal, 4, 0, 0);
        reopen_without(f);
    }
    oversized_location_t location = append_sample(f->journal, 4, 1);
    assert_int_equal(location.offset, 0);
}

/* Every size that the section once had, with records that other ones follow. */
static void test_the_section_may_be_cut_anywhere(void **state)
{
    fixture_t *f = *state;
    for (uint64_t records = 0; records <= 20; records++) {
        f->config.checkpoint = NULL;
        make_journal(f);
        set_checkpoint(f, 2, 2, records);
        open_journal(f);
        assert_sections(f->journal, 2);
        check_section(f->journal, 2, records, 0);
        append_samples(f->journal, 2, 5, 1);
        f->config.checkpoint = NULL;
        close_and_open(f);
        check_samples(f->journal, 2, 0, records, 0);
        check_samples(f->journal, 2, records, records + 5, 1);
        oversized_t *journal = f->journal;
        f->journal = NULL;
        assert_ok(oversized_destroy(journal));
    }
}

static void test_a_journal_without_sections_restores_nothing(void **state)
{
    fixture_t *f = *state;
    set_checkpoint(f, 0, 0, 0);
    open_journal(f);
    assert_no_sections(f->journal);
    append_samples(f->journal, 0, 3, 0);
    close_and_open(f);
    assert_sections(f->journal, 0);
    check_section(f->journal, 0, 0, 0);
}

/* What was never synced behind the checkpoint goes, what was never synced before it stays. */
static void test_a_killed_process_is_restored_too(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 2, 20, 0);
    append_samples(f->journal, 4, 20, 0);
    assert_ok(oversized_sync_all(f->journal));
    append_samples(f->journal, 4, 60, 0);
    append_samples(f->journal, 6, 60, 0);
    abandon_journal(f);
    set_checkpoint(f, 0, 4, 20);
    open_journal(f);
    for (int opened = 0; opened < 2; opened++) {
        assert_sections(f->journal, 2, 4);
        check_section(f->journal, 2, 20, 0);
        check_section(f->journal, 4, 20, 0);
        reopen_without(f);
    }
}

static void test_the_largest_section_may_be_the_checkpoints(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, UINT64_MAX, 20, 0);
    append_samples(f->journal, 0, 20, 0);
    close_journal(f);
    set_checkpoint(f, UINT64_MAX, UINT64_MAX, 7);
    open_journal(f);
    assert_sections(f->journal, UINT64_MAX);
    check_section(f->journal, UINT64_MAX, 7, 0);
}

static void test_a_read_only_open_shows_the_restored_state_and_writes_nothing(void **state)
{
    fixture_t *f = *state;
    make_journal(f);
    path_t before = snapshot(f);
    set_checkpoint(f, 4, 6, 13);
    f->config.read_only = true;
    open_journal(f);
    assert_sections(f->journal, 4, 6);
    check_section(f->journal, 4, 20, 0);
    check_section(f->journal, 6, 13, 0);
    check_replay_of(f->journal, 6, 0, 13, 1024, 0);
    close_journal(f);
    assert_untouched(f, before);
}

/* --- what is refused --- */

static void test_a_size_that_is_no_multiple_is_invalid(void **state)
{
    fixture_t *f = *state;
    make_journal(f);
    set_checkpoint(f, 0, 6, 13);
    for (uint64_t size = 13 * R + 1; size < 14 * R; size++) {
        checkpoint.index_size = size;
        refuse_open_untouched(f, SEGJ_ERR_INVALID);
    }
    checkpoint.index_size = UINT64_MAX;
    refuse_open_untouched(f, SEGJ_ERR_INVALID);
}

static void test_a_section_that_holds_too_little_is_refused(void **state)
{
    fixture_t *f = *state;
    make_journal(f);
    set_checkpoint(f, 0, 6, 21);
    refuse_open_untouched(f, SEGJ_ERR_CORRUPT);
    assert_non_null(strstr(segj_last_error(), "the checkpoint cannot be restored: section 6 holds 20 records, fewer "
                                              "than the checkpoint's 21 records"));
    set_checkpoint(f, 0, 6, UINT64_MAX / R);
    refuse_open_untouched(f, SEGJ_ERR_CORRUPT);
}

static void test_a_section_that_is_missing_is_refused(void **state)
{
    fixture_t *f = *state;
    make_journal(f);
    set_checkpoint(f, 0, 5, 1);
    refuse_open_untouched(f, SEGJ_ERR_CORRUPT);
    set_checkpoint(f, 0, 9, 1);
    refuse_open_untouched(f, SEGJ_ERR_CORRUPT);
    set_checkpoint(f, UINT64_MAX, UINT64_MAX, 1);
    refuse_open_untouched(f, SEGJ_ERR_CORRUPT);
}

/* What the checkpoint was made of is not there at all: a mistyped directory must not become a new journal. */
static void test_a_journal_that_is_missing_is_refused_and_not_made(void **state)
{
    fixture_t *f = *state;
    set_checkpoint(f, 0, 5, 1);
    refuse_open_untouched(f, SEGJ_ERR_CORRUPT);
}

/* Section 6 has lost its last synced value. Each test below asks for another checkpoint. */
static void cut_values_of_six(fixture_t *f)
{
    make_journal(f);
    resize_file(values_path(f, 6).text, file_size(values_path(f, 6).text) - 1);
}

static void test_a_lower_section_that_has_lost_records_is_refused(void **state)
{
    fixture_t *f = *state;
    cut_values_of_six(f);
    set_checkpoint(f, 0, 8, 20);
    for (int i = 0; i < 3; i++) /* at every attempt */
        refuse_open_untouched(f, SEGJ_ERR_CORRUPT);
    set_checkpoint(f, 6, 8, 0);
    refuse_open_untouched(f, SEGJ_ERR_CORRUPT);
}

/* Both files end exactly where record 18 does: nothing would be cut, and yet a record is gone. */
static void test_a_lower_section_that_has_lost_records_without_a_trace_is_refused(void **state)
{
    for_native_only();
    fixture_t *f = *state;
    oversized_location_t last;
    f->config.page_size = R; /* each record has a page of its own */
    make_journal(f);
    open_journal(f);
    assert_ok(oversized_last(f->journal, 6, NULL, &last));
    close_journal(f);
    resize_file(index_path(f, 6).text, file_size(index_path(f, 6).text) - R - PAGE_CHECKSUMS);
    resize_file(values_path(f, 6).text, tested_values_data() + last.offset);
    set_checkpoint(f, 0, 8, 20);
    refuse_open_untouched(f, SEGJ_ERR_CORRUPT);
    set_checkpoint(f, 0, 6, 20);
    refuse_open_untouched(f, SEGJ_ERR_CORRUPT);
    set_checkpoint(f, 0, 6, 19);
    open_journal(f);
    check_section(f->journal, 6, 19, 0);
}

/* The value in the middle of an old section is not looked at: that read fails, and nothing else. */
static void test_a_rotten_value_in_a_lower_section_is_no_obstacle(void **state)
{
    fixture_t *f = *state;
    make_journal(f);
    flip_byte(values_path(f, 6).text, tested_values_data() + 5);
    set_checkpoint(f, 0, 8, 20);
    open_journal(f);
    assert_int_equal(count_of(f->journal, 6), 20);
    assert_int_equal(oversized_recovery(f->journal)->synced_records_lost, 0);
}

static void test_a_lower_section_of_which_something_would_be_cut_is_refused(void **state)
{
    fixture_t *f = *state;
    static const char garbage[] = "bytes that no record has";
    make_journal(f);
    set_checkpoint(f, 0, 8, 20);
    bytes_t index = read_file(index_path(f, 4).text);
    bytes_t values = read_file(values_path(f, 4).text);
    write_file_at(values_path(f, 4).text, values.size, garbage, sizeof garbage);
    refuse_open_untouched(f, SEGJ_ERR_CORRUPT);
    write_file(values_path(f, 4).text, values.data, values.size);
    write_file_at(index_path(f, 4).text, index.size, garbage, sizeof garbage);
    if (tested_version() != 2) /* there the index is made again */
        refuse_open_untouched(f, SEGJ_ERR_CORRUPT);
    write_file(index_path(f, 4).text, index.data, index.size);
    free_bytes(&index);
    free_bytes(&values);
    open_journal(f);
}

static void test_a_lower_section_without_its_values_is_refused(void **state)
{
    fixture_t *f = *state;
    make_journal(f);
    remove_file(values_path(f, 4).text);
    set_checkpoint(f, 0, 8, 20);
    refuse_open_untouched(f, SEGJ_ERR_CORRUPT);
    set_checkpoint(f, 6, 8, 20); /* below the oldest it does not matter */
    open_journal(f);
    assert_sections(f->journal, 6, 8);
}

/* That they are what a removal has left a mark tells in version 2. Without one their index is made again, and nothing is
 * missing. */
static void mark_removal(const fixture_t *f)
{
    if (tested_version() == 2)
        write_file(join_path(join_path(f->config.directory, f->config.value_partition).text, ".removing").text, "", 0);
}

static void test_values_without_an_index_are_refused(void **state)
{
    fixture_t *f = *state;
    make_journal(f);
    mark_removal(f);
    remove_file(index_path(f, 4).text);
    set_checkpoint(f, 0, 8, 20);
    refuse_open_untouched(f, SEGJ_ERR_CORRUPT);
    set_checkpoint(f, 2, 6, 20);
    refuse_open_untouched(f, SEGJ_ERR_CORRUPT);
    set_checkpoint(f, 5, 8, 20);
    open_journal(f);
    assert_sections(f->journal, 6, 8);
    assert_false(path_exists(values_path(f, 4).text));
}

/* Below the first index section they are what a prune that was under way has left. */
static void test_values_below_the_first_index_are_the_rest_of_a_prune(void **state)
{
    fixture_t *f = *state;
    make_journal(f);
    mark_removal(f);
    remove_file(index_path(f, 2).text);
    remove_file(index_path(f, 4).text);
    set_checkpoint(f, 0, 8, 20);
    open_journal(f);
    for (int opened = 0; opened < 2; opened++) {
        assert_sections(f->journal, 6, 8);
        check_section(f->journal, 6, 20, 0);
        assert_false(path_exists(values_path(f, 2).text));
        assert_false(path_exists(values_path(f, 4).text));
        reopen_without(f);
    }
}

/* --- with strict: what the checkpoint removes anyway does not count --- */

static void test_strict_does_not_count_a_loss_behind_the_checkpoint(void **state)
{
    for_native_only();
    fixture_t *f = *state;
    f->config.strict = true;
    cut_values_of_six(f);
    refuse_open_untouched(f, SEGJ_ERR_CORRUPT);
    set_checkpoint(f, 0, 6, 20);
    refuse_open_untouched(f, SEGJ_ERR_CORRUPT);
    set_checkpoint(f, 0, 6, 19); /* the record that is lost goes anyway */
    open_journal(f);
    check_section(f->journal, 6, 19, 0);
    assert_int_equal(oversized_recovery(f->journal)->synced_records_lost, 0);
    assert_int_equal(oversized_recovery(f->journal)->sections_damaged, 0);
    assert_int_equal(f->logged[SEGJ_LOG_ERROR], 0);
}

/* Nor a value that was synced, lies above W, and is damaged, which version 2 can tell. */
static void test_strict_does_not_count_damage_behind_the_checkpoint(void **state)
{
    fixture_t *f = *state;
    oversized_location_t location = {0, 0};
    if (tested_version() != 2)
        return;
    open_journal(f);
    for (uint64_t i = 0; i < 20; i++) {
        oversized_location_t placed = append_filled(f->journal, 6, i, 'v', 30, NULL);
        location = i == 10 ? placed : location;
        assert_ok(oversized_sync(f->journal, 6));
    }
    abandon_journal(f);
    flip_byte(values_path(f, 6).text, tested_values_data() + location.offset + tested_head(SMALL_ENTRY) + 5);
    f->config.strict = true;
    refuse_open_untouched(f, SEGJ_ERR_CORRUPT);
    set_checkpoint(f, 0, 6, 11);
    refuse_open_untouched(f, SEGJ_ERR_CORRUPT);
    set_checkpoint(f, 0, 6, 10); /* it goes anyway */
    open_journal(f);
    assert_int_equal(count_of(f->journal, 6), 10);
    assert_int_equal(f->logged[SEGJ_LOG_ERROR], 0);
}

static void test_strict_does_not_count_a_loss_in_a_removed_section(void **state)
{
    fixture_t *f = *state;
    for (int later = 0; later < 2; later++) {
        f->config.checkpoint = NULL;
        f->config.strict = false;
        cut_values_of_six(f);
        f->config.strict = true;
        if (later == 1)
            set_checkpoint(f, 0, 4, 20);
        else
            set_checkpoint(f, 7, 8, 20);
        open_journal(f);
        assert_int_equal(oversized_recovery(f->journal)->synced_records_lost, 0);
        oversized_t *journal = f->journal;
        f->journal = NULL;
        assert_ok(oversized_destroy(journal));
    }
}

static void test_strict_refuses_a_loss_and_changes_nothing(void **state)
{
    for_native_only();
    fixture_t *f = *state;
    cut_values_of_six(f);
    f->config.strict = true;
    refuse_open_untouched(f, SEGJ_ERR_CORRUPT);
    assert_non_null(strstr(segj_last_error(), "6"));
    f->config.strict = false;
    open_journal(f);
    check_section(f->journal, 6, 19, 0);
    assert_int_equal(oversized_recovery(f->journal)->synced_records_lost, 1);
    f->config.strict = true;
    close_and_open(f); /* reported once, and then it is the state */
}

static void test_strict_lets_a_crash_pass(void **state)
{
    fixture_t *f = *state;
    f->config.strict = true;
    open_journal(f);
    append_samples(f->journal, 1, 20, 0);
    assert_ok(oversized_sync(f->journal, 1));
    append_samples(f->journal, 1, 100, 0);
    abandon_and_open(f);
    assert_in_range(count_of(f->journal, 1), 20, 120);
    check_section(f->journal, 1, count_of(f->journal, 1), 0);
}

/* Zeros that were kept ahead are still there after a crash. They are no part of a section, and no sign that it lacks
 * something. */
static void test_zeros_kept_ahead_make_no_section_incomplete(void **state)
{
    fixture_t *f = *state;
    for_native_only();
    for (unsigned other = 0; other < 2; other++) {
        f->config.preallocate = 1000;
        f->config.checkpoint = NULL;
        open_journal(f);
        for (uint64_t section = 2; section <= 4; section += 2)
            for (unsigned i = 0; i < 3; i++) {
                append_samples(f->journal, section, 5, 0);
                assert_ok(oversized_sync(f->journal, section));
            }
        oversized_abandon(f->journal);
        f->journal = NULL;
        set_checkpoint(f, 0, 4, 13);
        uint64_t size = file_size(values_path(f, 2).text);
        if (other == 0) {
            open_journal(f);
            assert_true(file_size(values_path(f, 2).text) < size);
            check_section(f->journal, 2, 15, 0);
            check_section(f->journal, 4, 13, 0);
            assert_ok(oversized_destroy(f->journal));
            f->journal = NULL;
        } else {
            flip_byte(values_path(f, 2).text, size - 1);
            refuse_open(f, SEGJ_ERR_CORRUPT);
            assert_non_null(strstr(segj_last_error(), "section 2 is not complete: bytes lie after its records"));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(test_a_checkpoint_by_records_is_one_by_bytes),
        PROMISE(test_a_count_whose_bytes_are_no_number_is_refused),
        PROMISE(test_the_section_is_cut_and_later_ones_are_removed),
        PROMISE(test_sections_below_the_oldest_are_removed),
        PROMISE(test_a_checkpoint_of_the_present_state_changes_no_byte),
        PROMISE(test_a_section_cut_to_nothing_stays_listed),
        PROMISE(test_the_section_may_be_cut_anywhere),
        PROMISE(test_a_journal_without_sections_restores_nothing),
        PROMISE(test_a_killed_process_is_restored_too),
        PROMISE(test_the_largest_section_may_be_the_checkpoints),
        PROMISE(test_a_read_only_open_shows_the_restored_state_and_writes_nothing),
        PROMISE(test_a_size_that_is_no_multiple_is_invalid),
        PROMISE(test_a_section_that_holds_too_little_is_refused),
        PROMISE(test_a_section_that_is_missing_is_refused),
        PROMISE(test_a_journal_that_is_missing_is_refused_and_not_made),
        PROMISE(test_a_lower_section_that_has_lost_records_is_refused),
        PROMISE(test_a_lower_section_that_has_lost_records_without_a_trace_is_refused),
        PROMISE(test_a_rotten_value_in_a_lower_section_is_no_obstacle),
        PROMISE(test_a_lower_section_of_which_something_would_be_cut_is_refused),
        PROMISE(test_a_lower_section_without_its_values_is_refused),
        PROMISE(test_values_without_an_index_are_refused),
        PROMISE(test_values_below_the_first_index_are_the_rest_of_a_prune),
        PROMISE(test_strict_does_not_count_a_loss_behind_the_checkpoint),
        PROMISE(test_strict_does_not_count_damage_behind_the_checkpoint),
        PROMISE(test_strict_does_not_count_a_loss_in_a_removed_section),
        PROMISE(test_strict_refuses_a_loss_and_changes_nothing),
        PROMISE(test_strict_lets_a_crash_pass),
        PROMISE(test_zeros_kept_ahead_make_no_section_incomplete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
