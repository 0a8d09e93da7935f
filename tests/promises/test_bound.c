/*
 * promises/test_bound.c: an open that looks no further than a record of a section: what it shows, that it opens no file of
 * later sections, and, where it writes, that it ends the journal there for good.
 */
#include "promises/fixture.h"

#include <string.h>

#include "support/recorder.h"

/* Sections 2, 4, 6 and 8 with 20 samples each, left by a close. */
static void make_journal(fixture_t *f)
{
    open_journal(f);
    for (uint64_t section = 2; section <= 8; section += 2)
        append_samples(f->journal, section, 20, 0);
    close_journal(f);
}

static oversized_bound_t bound;

static void set_bound(fixture_t *f, uint64_t section, uint64_t records)
{
    bound = (oversized_bound_t){section, records};
    f->config.bound = &bound;
}

/* The state holds without the bound too, whether the journal is closed or killed: it is durable. */
static void reopen_without(fixture_t *f)
{
    f->config.bound = NULL;
    f->config.strict = true;
    abandon_and_open(f);
}

/* --- reading alone --- */

static void test_reading_ends_at_the_bound_and_changes_nothing(void **state)
{
    fixture_t *f = *state;
    make_journal(f);
    path_t before = snapshot(f);
    f->config.read_only = true;
    for (uint64_t records = 0; records <= 21; records++) {
        uint64_t shown = records < 20 ? records : 20;
        set_bound(f, 6, records);
        open_journal(f);
        assert_sections(f->journal, 2, 4, 6);
        check_section(f->journal, 2, 20, 0);
        check_section(f->journal, 4, 20, 0);
        check_section(f->journal, 6, shown, 0);
        assert_int_equal(oversized_recovery(f->journal)->records, 40 + shown);
        assert_int_equal(oversized_recovery(f->journal)->sections, 3);
        assert_int_equal(oversized_recovery(f->journal)->synced_records_lost, 0);
        close_journal(f);
    }
    assert_untouched(f, before);
}

static void test_a_section_that_does_not_exist_bounds_too(void **state)
{
    fixture_t *f = *state;
    make_journal(f);
    f->config.read_only = true;
    set_bound(f, 5, 3);
    open_journal(f);
    assert_sections(f->journal, 2, 4);
    check_section(f->journal, 4, 20, 0);
    close_journal(f);
    set_bound(f, 1, 3);
    open_journal(f);
    assert_no_sections(f->journal);
    close_journal(f);
    set_bound(f, UINT64_MAX, 0);
    open_journal(f);
    assert_sections(f->journal, 2, 4, 6, 8);
    check_section(f->journal, 8, 20, 0);
}

/* --- later sections are not looked at --- */

static void spoil_later(const fixture_t *f)
{
    uint8_t garbage[20000];
    fill_noise(garbage, sizeof garbage, 7);
    write_file(index_path(f, 8).text, garbage, sizeof garbage);
    write_file(values_path(f, 8).text, garbage, sizeof garbage);
    write_file(values_path(f, 9).text, garbage, sizeof garbage); /* without an index */
}

static void note_later(void *context, const record_t *call)
{
    unsigned *opened = context;
    const char *name = strchr(call->place, '/');
    bool later = name != NULL && (strcmp(name, "/8") == 0 || strcmp(name, "/9") == 0);
    *opened += later && (call->kind == RECORD_FILE_OPEN || call->kind == RECORD_FILE_READ);
}

static void test_later_sections_are_not_opened(void **state)
{
    fixture_t *f = *state;
    recorder_t *recorder = recorder_new(segj_storage_posix());
    unsigned opened = 0;
    make_journal(f);
    spoil_later(f);
    refuse_open(f, SEGJ_ERR_CORRUPT);
    f->config.storage = recorder_storage(recorder);
    recorder_watch(recorder, note_later, &opened);
    for (int read_only = 1; read_only >= 0; read_only--) {
        f->config.read_only = read_only == 1;
        f->config.strict = true;
        set_bound(f, 6, 13);
        open_journal(f);
        assert_sections(f->journal, 2, 4, 6);
        check_section(f->journal, 6, 13, 0);
        close_journal(f);
        assert_int_equal(opened, 0);
        assert_int_equal(path_exists(index_path(f, 8).text), read_only == 1);
        assert_int_equal(path_exists(values_path(f, 8).text), read_only == 1);
        assert_int_equal(path_exists(values_path(f, 9).text), read_only == 1);
    }
    reopen_without(f);
    assert_sections(f->journal, 2, 4, 6);
    check_section(f->journal, 6, 13, 0);
    abandon_journal(f);
    recorder_free(recorder);
    f->config.storage = NULL;
}

/* The page size is taken from the files that are looked at. */
static void test_a_page_size_that_files_tell_is_an_earlier_ones(void **state)
{
    fixture_t *f = *state;
    for_native_only();
    make_journal(f);
    spoil_later(f);
    f->config.read_only = true;
    f->config.page_size = 0;
    set_bound(f, 6, 13);
    open_journal(f);
    check_section(f->journal, 6, 13, 0);
}

/* --- writing --- */

static void test_writing_ends_the_journal_there(void **state)
{
    fixture_t *f = *state;
    make_journal(f);
    set_bound(f, 6, 13);
    open_journal(f);
    for (int opened = 0; opened < 2; opened++) {
        assert_sections(f->journal, 2, 4, 6);
        check_section(f->journal, 2, 20, 0);
        check_section(f->journal, 6, 13, 0);
        check_files(f, 6, 13, 0);
        assert_int_equal(oversized_recovery(f->journal)->synced_records_lost, 0);
        assert_int_equal(oversized_recovery(f->journal)->unacknowledged_records, 0);
        assert_null(oversized_recovery(f->journal)->quarantine);
        assert_false(path_exists(index_path(f, 8).text));
        assert_false(path_exists(values_path(f, 8).text));
        reopen_without(f);
    }
    append_samples(f->journal, 6, 4, 0);
    append_samples(f->journal, 8, 4, 0);
    close_and_open(f);
    check_section(f->journal, 6, 17, 0);
    check_section(f->journal, 8, 4, 0);
}

static void test_a_bound_at_or_behind_the_end_changes_no_byte(void **state)
{
    fixture_t *f = *state;
    make_journal(f);
    path_t before = snapshot(f);
    set_bound(f, 8, 20);
    open_journal(f);
    close_journal(f);
    set_bound(f, 8, UINT64_MAX);
    open_journal(f);
    close_journal(f);
    set_bound(f, UINT64_MAX, 0);
    open_journal(f);
    close_journal(f);
    assert_untouched(f, before);
}

static void test_to_nothing(void **state)
{
    fixture_t *f = *state;
    make_journal(f);
    set_bound(f, 4, 0);
    open_journal(f);
    assert_sections(f->journal, 2, 4);
    check_section(f->journal, 4, 0, 0);
    reopen_without(f);
    assert_sections(f->journal, 2, 4);
    append_samples(f->journal, 4, 3, 0);
    close_journal(f);
    f->config.strict = false;
    set_bound(f, 0, 0);
    open_journal(f);
    assert_no_sections(f->journal);
    append_samples(f->journal, 1, 3, 0);
    close_and_open(f);
    assert_no_sections(f->journal); /* the bound holds at every open */
}

/* A section below ends where it would without a bound; what it has lost is told. */
static void test_sections_below_end_where_they_would(void **state)
{
    fixture_t *f = *state;
    for_native_only();
    make_journal(f);
    resize_file(values_path(f, 4).text, file_size(values_path(f, 4).text) - 1);
    set_bound(f, 6, 13);
    f->config.strict = true;
    refuse_open_untouched(f, SEGJ_ERR_CORRUPT);
    f->config.strict = false;
    open_journal(f);
    check_section(f->journal, 4, 19, 0);
    check_section(f->journal, 6, 13, 0);
    assert_int_equal(oversized_recovery(f->journal)->synced_records_lost, 1);
}

/* What is gone behind the bound is no loss; before it, it is. */
static void test_losses_count_up_to_the_bound(void **state)
{
    fixture_t *f = *state;
    for_native_only();
    uint64_t end = 0;
    make_journal(f);
    for (uint64_t i = 0; i < 10; i++)
        end += tested_head(SMALL_ENTRY) + sample_value_size(6, i, 0) + FRAME_CHECKSUM;
    resize_file(values_path(f, 6).text, tested_values_data() + end);
    path_t before = snapshot(f);
    f->config.strict = true;
    f->config.read_only = true;
    set_bound(f, 6, 10);
    open_journal(f);
    check_section(f->journal, 6, 10, 0);
    assert_int_equal(oversized_recovery(f->journal)->synced_records_lost, 0);
    close_journal(f);
    assert_untouched(f, before);
    set_bound(f, 6, 12);
    refuse_open_untouched(f, SEGJ_ERR_CORRUPT);
    f->config.strict = false;
    f->config.read_only = false;
    open_journal(f);
    check_section(f->journal, 6, 10, 0);
    assert_int_equal(oversized_recovery(f->journal)->synced_records_lost, 2);
    assert_int_equal(oversized_recovery(f->journal)->unacknowledged_records, 2);
    assert_true(oversized_recovery(f->journal)->quarantine_bytes > 0);
}

/* A damaged record at the bound is not its last one. In version 2 it is made again. */
static void test_from_a_damaged_record_it_goes_back(void **state)
{
    fixture_t *f = *state;
    uint64_t left = tested_version() == 2 ? 14 : 12;
    make_journal(f);
    flip_byte(index_path(f, 6).text,
              tested_index_data() + 4 * 76 + 3); /* records 12 to 15 of 20 bytes on pages of 64 */
    set_bound(f, 6, 14);
    f->config.read_only = true;
    open_journal(f);
    assert_int_equal(count_of(f->journal, 6), left);
    check_samples(f->journal, 6, 0, left, 0);
    close_journal(f);
    f->config.read_only = false;
    open_journal(f);
    append_samples(f->journal, 6, 5, 0);
    close_journal(f);
    f->config.bound = NULL;
    open_journal(f);
    check_section(f->journal, 6, left + 5, 0);
}

static void test_not_together_with_a_checkpoint(void **state)
{
    fixture_t *f = *state;
    oversized_checkpoint_t checkpoint = {0, 6, 0};
    make_journal(f);
    set_bound(f, 6, 13);
    f->config.checkpoint = &checkpoint;
    refuse_open_untouched(f, SEGJ_ERR_INVALID);
    assert_non_null(strstr(segj_last_error(), "config.bound and config.checkpoint"));
}

/* A new journal has nothing to bound. */
static void test_of_a_new_journal(void **state)
{
    fixture_t *f = *state;
    set_bound(f, 6, 13);
    open_journal(f);
    append_samples(f->journal, 6, 20, 0);
    append_samples(f->journal, 7, 2, 0);
    close_and_open(f);
    assert_sections(f->journal, 6);
    check_section(f->journal, 6, 13, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(test_reading_ends_at_the_bound_and_changes_nothing),
        PROMISE(test_a_section_that_does_not_exist_bounds_too),
        PROMISE(test_later_sections_are_not_opened),
        PROMISE(test_a_page_size_that_files_tell_is_an_earlier_ones),
        PROMISE(test_writing_ends_the_journal_there),
        PROMISE(test_a_bound_at_or_behind_the_end_changes_no_byte),
        PROMISE(test_to_nothing),
        PROMISE(test_sections_below_end_where_they_would),
        PROMISE(test_losses_count_up_to_the_bound),
        PROMISE(test_from_a_damaged_record_it_goes_back),
        PROMISE(test_not_together_with_a_checkpoint),
        PROMISE(test_of_a_new_journal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
