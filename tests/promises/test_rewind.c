/*
 * promises/test_rewind.c: what oversized_rewind() and oversized_rewind_section() promise: every answer, what is removed
 * and what stays, that the current size touches nothing, and appends behind the new end.
 */
#include "promises/fixture.h"
#include "promises/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { R = SMALL_RECORD };

/** Either of the two calls. */
typedef segj_status_t (*rewind_t)(oversized_t *journal, uint64_t section, uint64_t index_size);

static const rewind_t both[2] = {oversized_rewind, oversized_rewind_section};

/* Sections 2, 4 and 6 with 20 samples each, synced. */
static void open_three(fixture_t *f)
{
    open_journal(f);
    for (uint64_t section = 2; section <= 6; section += 2)
        append_samples(f->journal, section, 20, 0);
    assert_ok(oversized_sync_all(f->journal));
}

static void check_three(fixture_t *f)
{
    assert_sections(f->journal, 2, 4, 6);
    for (uint64_t section = 2; section <= 6; section += 2)
        check_section(f->journal, section, 20, 0);
}

/* --- answers --- */

static void test_a_size_that_is_no_multiple_is_refused(void **state)
{
    fixture_t *f = *state;
    static const uint64_t sizes[] = {1, R - 1, R + 1, 20 * R - 1, 20 * R + 1, UINT64_MAX};
    open_three(f);
    path_t before = snapshot(f);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (int call = 0; call < 2; call++) {
            assert_status(both[call](f->journal, 4, sizes[i]), SEGJ_ERR_INVALID);
            assert_status(both[call](f->journal, 3, sizes[i]), SEGJ_ERR_INVALID);
        }
    }
    check_three(f);
    assert_untouched(f, before);
}

static void test_a_size_beyond_the_section_is_refused(void **state)
{
    fixture_t *f = *state;
    static const uint64_t records[] = {21, 1000, UINT64_MAX / R};
    open_three(f);
    path_t before = snapshot(f);
    for (size_t i = 0; i < sizeof records / sizeof *records; i++)
        for (int call = 0; call < 2; call++)
            assert_status(both[call](f->journal, 4, records[i] * R), SEGJ_ERR_NO_RECORD);
    check_three(f);
    assert_untouched(f, before);
}

static void test_a_missing_section_accepts_nothing_but_zero(void **state)
{
    fixture_t *f = *state;
    open_three(f);
    path_t before = snapshot(f);
    for (int call = 0; call < 2; call++) {
        assert_status(both[call](f->journal, 3, R), SEGJ_ERR_NO_RECORD);
        assert_string_equal(segj_last_error(), "rewind of section 3: 1 records asked for, there is no such section");
        assert_status(both[call](f->journal, 0, R), SEGJ_ERR_NO_RECORD);
        assert_status(both[call](f->journal, UINT64_MAX, R), SEGJ_ERR_NO_RECORD);
    }
    assert_ok(oversized_rewind_section(f->journal, 3, 0));
    assert_ok(oversized_rewind_section(f->journal, 0, 0));
    assert_ok(oversized_rewind_section(f->journal, UINT64_MAX, 0));
    assert_ok(oversized_rewind(f->journal, 7, 0));
    assert_ok(oversized_rewind(f->journal, UINT64_MAX, 0));
    check_three(f);
    assert_untouched(f, before);
}

static void test_read_only_and_null_journals(void **state)
{
    fixture_t *f = *state;
    open_three(f);
    close_journal(f);
    f->config.read_only = true;
    open_journal(f);
    path_t before = snapshot(f);
    for (int call = 0; call < 2; call++) {
        assert_status(both[call](f->journal, 4, R), SEGJ_ERR_READ_ONLY);
        assert_status(both[call](f->journal, 4, 20 * R), SEGJ_ERR_READ_ONLY);
        assert_status(both[call](NULL, 4, R), SEGJ_ERR_INVALID);
    }
    check_three(f);
    assert_untouched(f, before);
}

/* --- by a count of records --- */

static void test_a_rewind_to_a_count_keeps_so_many_records(void **state)
{
    fixture_t *f = *state;
    open_three(f);
    assert_ok(oversized_rewind_section_to(f->journal, 2, 7));
    assert_sections(f->journal, 2, 4, 6);
    check_section(f->journal, 2, 7, 0);
    assert_ok(oversized_rewind_to(f->journal, 4, 20));
    assert_sections(f->journal, 2, 4);
    check_section(f->journal, 4, 20, 0);
    assert_ok(oversized_rewind_to(f->journal, 4, 0));
    check_section(f->journal, 4, 0, 0);
    abandon_and_open(f);
    check_section(f->journal, 2, 7, 0);
    check_section(f->journal, 4, 0, 0);
}

/* A count whose bytes are beyond 2^64 is no other than one beyond the section, and the sentence names it. */
static void test_a_count_beyond_the_section_is_refused(void **state)
{
    fixture_t *f = *state;
    static const uint64_t counts[] = {21, UINT64_MAX / R, UINT64_MAX / R + 1, (uint64_t)1 << 62, UINT64_MAX};
    open_three(f);
    path_t before = snapshot(f);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        char text[24];
        (void)snprintf(text, sizeof text, "%llu records", (unsigned long long)counts[i]);
        assert_status(oversized_rewind_to(f->journal, 4, counts[i]), SEGJ_ERR_NO_RECORD);
        assert_non_null(strstr(segj_last_error(), text));
        assert_status(oversized_rewind_section_to(f->journal, 4, counts[i]), SEGJ_ERR_NO_RECORD);
        assert_non_null(strstr(segj_last_error(), text));
        assert_status(oversized_rewind_section_to(f->journal, 3, counts[i]), SEGJ_ERR_NO_RECORD);
    }
    assert_ok(oversized_rewind_section_to(f->journal, 4, 20));
    check_three(f);
    assert_untouched(f, before);
}

static void test_a_rewind_to_a_count_is_refused_like_one_to_a_size(void **state)
{
    fixture_t *f = *state;
    open_three(f);
    assert_status(oversized_rewind_to(NULL, 4, 1), SEGJ_ERR_INVALID);
    assert_status(oversized_rewind_section_to(NULL, 4, 1), SEGJ_ERR_INVALID);
    assert_ok(oversized_prune(f->journal, 4, NULL));
    assert_status(oversized_rewind_to(f->journal, 2, UINT64_MAX), SEGJ_ERR_PRUNED);
    assert_status(oversized_rewind_section_to(f->journal, 2, 1), SEGJ_ERR_PRUNED);
    close_journal(f);
    f->config.read_only = true;
    open_journal(f);
    assert_status(oversized_rewind_to(f->journal, 4, UINT64_MAX), SEGJ_ERR_READ_ONLY);
    assert_status(oversized_rewind_section_to(f->journal, 4, 20), SEGJ_ERR_READ_ONLY);
    check_section(f->journal, 4, 20, 0);
}

/* Page 2 (bytes 128 to 191) does not verify: a rewind may end before it and behind it, not in it. */
static void test_a_rewind_that_would_end_in_a_damaged_page_is_refused(void **state)
{
    not_in_version_2();
    fixture_t *f = *state;
    open_three(f);
    close_journal(f);
    flip_byte(index_path(f, 4).text, tested_index_data() + 2 * (SMALL_PAGE + PAGE_CHECKSUMS) + 5);
    open_journal(f);
    path_t before = snapshot(f);
    for (uint64_t records = 7; records <= 9; records++)
        for (int call = 0; call < 2; call++)
            assert_status(both[call](f->journal, 4, records * R), SEGJ_ERR_CORRUPT);
    assert_null(oversized_error(f->journal));
    assert_sections(f->journal, 2, 4, 6);
    assert_int_equal(count_of(f->journal, 4), 20);
    check_samples(f->journal, 4, 10, 20, 0);
    assert_untouched(f, before);
    assert_ok(oversized_rewind_section(f->journal, 4, 15 * R));
    check_samples(f->journal, 4, 10, 15, 0);
    assert_ok(oversized_rewind_section(f->journal, 4, 5 * R));
    check_section(f->journal, 4, 5, 0);
    append_samples(f->journal, 4, 10, 0);
    close_and_open(f);
    check_section(f->journal, 4, 15, 0);
}

/* What the cache still gives is not what the disk holds any more: that is found out before anything changes. */
static void test_a_rewind_that_would_end_in_a_page_that_rots_beneath_the_cache_is_refused(void **state)
{
    not_in_version_2();
    fixture_t *f = *state;
    open_three(f);
    close_and_open(f);
    check_samples(f->journal, 4, 5, 12, 0);
    flip_byte(index_path(f, 4).text, tested_index_data() + 2 * (SMALL_PAGE + PAGE_CHECKSUMS) + 5);
    path_t before = snapshot(f);
    for (int call = 0; call < 2; call++)
        assert_status(both[call](f->journal, 4, 8 * R), SEGJ_ERR_CORRUPT);
    assert_null(oversized_error(f->journal));
    assert_sections(f->journal, 2, 4, 6);
    assert_int_equal(count_of(f->journal, 4), 20);
    assert_untouched(f, before);
}

/* The last page rots after the open: a rewind that ends before it takes it away. */
static void test_a_rewind_may_take_a_damaged_last_page_away(void **state)
{
    fixture_t *f = *state;
    open_three(f);
    close_and_open(f);
    flip_byte(index_path(f, 4).text, tested_index_data() + 6 * (SMALL_PAGE + PAGE_CHECKSUMS) + 5);
    assert_status(oversized_get(f->journal, 4, 19, NULL, NULL), tested_version() == 2 ? SEGJ_OK : SEGJ_ERR_CORRUPT);
    assert_ok(oversized_rewind_section(f->journal, 4, 10 * R));
    check_section(f->journal, 4, 10, 0);
    append_samples(f->journal, 4, 10, 0);
    close_and_open(f);
    check_section(f->journal, 4, 20, 0);
}

/* --- later sections --- */

static void test_rewind_removes_every_later_section(void **state)
{
    fixture_t *f = *state;
    open_three(f);
    append_samples(f->journal, UINT64_MAX, 3, 0);
    assert_ok(oversized_rewind(f->journal, 2, 7 * R));
    assert_sections(f->journal, 2);
    check_section(f->journal, 2, 7, 0);
    assert_status(oversized_get(f->journal, 4, 0, NULL, NULL), SEGJ_ERR_NO_SECTION);
    assert_status(oversized_get(f->journal, UINT64_MAX, 0, NULL, NULL), SEGJ_ERR_NO_SECTION);
    assert_false(path_exists(index_path(f, 4).text));
    assert_false(path_exists(values_path(f, 6).text));
    append_samples(f->journal, 4, 5, 1); /* not pruned: it may begin again */
    check_section(f->journal, 4, 5, 1);
    abandon_and_open(f);
    check_section(f->journal, 2, 7, 0);
}

static void test_rewind_section_leaves_every_other_section(void **state)
{
    fixture_t *f = *state;
    open_three(f);
    assert_ok(oversized_rewind_section(f->journal, 2, 7 * R));
    assert_sections(f->journal, 2, 4, 6);
    check_section(f->journal, 2, 7, 0);
    check_section(f->journal, 4, 20, 0);
    check_section(f->journal, 6, 20, 0);
}

static void test_rewind_to_the_current_size_removes_later_sections_and_touches_no_byte_of_this_one(void **state)
{
    fixture_t *f = *state;
    open_three(f);
    bytes_t index = read_file(index_path(f, 4).text);
    bytes_t values = read_file(values_path(f, 4).text);
    assert_ok(oversized_rewind(f->journal, 4, 20 * R));
    assert_sections(f->journal, 2, 4);
    bytes_t index_now = read_file(index_path(f, 4).text);
    bytes_t values_now = read_file(values_path(f, 4).text);
    assert_int_equal(index_now.size, index.size);
    assert_int_equal(values_now.size, values.size);
    assert_memory_equal(index_now.data, index.data, index.size);
    assert_memory_equal(values_now.data, values.data, values.size);
    free_bytes(&index);
    free_bytes(&values);
    free_bytes(&index_now);
    free_bytes(&values_now);
    check_section(f->journal, 2, 20, 0);
    check_section(f->journal, 4, 20, 0);
}

static void test_rewind_of_a_missing_section_removes_later_sections_all_the_same(void **state)
{
    fixture_t *f = *state;
    open_three(f);
    assert_status(oversized_rewind(f->journal, 3, R), SEGJ_ERR_NO_RECORD);
    check_three(f);
    assert_ok(oversized_rewind(f->journal, 3, 0));
    assert_sections(f->journal, 2);
    check_section(f->journal, 2, 20, 0);
    assert_ok(oversized_rewind(f->journal, 0, 0));
    assert_no_sections(f->journal);
}

static void test_the_largest_section_may_be_rewound(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, UINT64_MAX - 1, 5, 0);
    append_samples(f->journal, UINT64_MAX, 5, 0);
    assert_ok(oversized_rewind(f->journal, UINT64_MAX, 3 * R));
    assert_sections(f->journal, UINT64_MAX - 1, UINT64_MAX);
    check_section(f->journal, UINT64_MAX, 3, 0);
    assert_ok(oversized_rewind_section(f->journal, UINT64_MAX, 2 * R));
    check_section(f->journal, UINT64_MAX, 2, 0);
    assert_ok(oversized_rewind(f->journal, UINT64_MAX - 1, 3 * R));
    assert_sections(f->journal, UINT64_MAX - 1);
    check_section(f->journal, UINT64_MAX - 1, 3, 0);
}

/* --- the current size --- */

static void test_the_current_size_touches_no_byte(void **state)
{
    fixture_t *f = *state;
    f->config.storage = watch_begin();
    for (int unsynced = 0; unsynced < 2; unsynced++) {
        open_journal(f);
        append_samples(f->journal, 1, 30, 0);
        if (unsynced == 0)
            assert_ok(oversized_sync(f->journal, 1));
        path_t before = snapshot(f);
        uint64_t changes = watch_seen()->changes;
        for (int call = 0; call < 2; call++)
            assert_ok(both[call](f->journal, 1, count_of(f->journal, 1) * R));
        assert_int_equal(watch_seen()->changes, changes);
        assert_untouched(f, before);
        check_section(f->journal, 1, 30 * (1 + (uint64_t)unsynced), 0);
        close_journal(f);
    }
}

static void test_the_current_size_of_an_empty_section_touches_no_byte(void **state)
{
    fixture_t *f = *state;
    f->config.storage = watch_begin();
    open_journal(f);
    append_samples(f->journal, 1, 3, 0);
    assert_ok(oversized_rewind_section(f->journal, 1, 0));
    uint64_t changes = watch_seen()->changes;
    for (int call = 0; call < 2; call++)
        assert_ok(both[call](f->journal, 1, 0));
    assert_int_equal(watch_seen()->changes, changes);
    assert_sections(f->journal, 1);
}

/* --- what stays --- */

static void test_a_section_rewound_to_nothing_stays_listed_and_begins_at_zero(void **state)
{
    fixture_t *f = *state;
    oversized_location_t location;
    for (int call = 0; call < 2; call++) {
        open_journal(f);
        append_samples(f->journal, 1, 20, 0);
        assert_ok(both[call](f->journal, 1, 0));
        for (int opened = 0; opened < 2; opened++) {
            assert_sections(f->journal, 1);
            check_section(f->journal, 1, 0, 0);
            assert_int_equal(value_size_of(f->journal, 1), 0);
            close_and_open(f);
        }
        location = append_sample(f->journal, 1, 1);
        assert_int_equal(location.offset, 0);
        check_section(f->journal, 1, 1, 1);
        close_and_open(f);
        check_section(f->journal, 1, 1, 1);
        oversized_t *journal = f->journal;
        f->journal = NULL;
        assert_ok(oversized_destroy(journal));
    }
}

enum { FULL = 20 };

/* From FULL records to every smaller count: what stays is what was there, and the files hold nothing more. */
static void rewind_to_every_count(fixture_t *f, bool synced)
{
    uint64_t record = oversized_record_size(f->journal);
    for (uint64_t kept = 0; kept < FULL; kept++) {
        append_samples(f->journal, 1, FULL - count_of(f->journal, 1), 0);
        if (synced)
            assert_ok(oversized_sync(f->journal, 1));
        assert_ok(oversized_rewind_section(f->journal, 1, kept * record));
        check_section(f->journal, 1, kept, 0);
        check_files(f, 1, kept, 0);
    }
}

/* Behind each of them other records follow, and both are there after an abandon and after a close. */
static void append_behind_every_count(fixture_t *f)
{
    uint64_t record = oversized_record_size(f->journal);
    append_samples(f->journal, 1, FULL - count_of(f->journal, 1), 0);
    for (uint64_t kept = FULL - 1; kept > 0; kept--) {
        assert_ok(oversized_rewind_section(f->journal, 1, kept * record));
        append_samples(f->journal, 1, 5, 1);
        check_samples(f->journal, 1, 0, kept, 0);
        check_samples(f->journal, 1, kept, kept + 5, 1);
        assert_ok(oversized_sync(f->journal, 1));
        if (kept % 2 == 0)
            abandon_and_open(f);
        else
            close_and_open(f);
        assert_int_equal(count_of(f->journal, 1), kept + 5);
        check_samples(f->journal, 1, 0, kept, 0);
        check_samples(f->journal, 1, kept, kept + 5, 1);
        assert_int_equal(oversized_recovery(f->journal)->synced_records_lost, 0);
    }
}

static void test_a_rewind_may_end_anywhere_on_pages_of_every_size(void **state)
{
    fixture_t *f = *state;
    static const uint16_t sizes[] = {1, 7, R - 1, R, R + 1, SMALL_PAGE, 255, 4084};
    not_on_cluster("rewinds to every count on pages of eight sizes are many minutes on a cluster");
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        f->config.page_size = sizes[i];
        open_journal(f);
        rewind_to_every_count(f, false);
        rewind_to_every_count(f, true);
        append_behind_every_count(f);
        oversized_t *journal = f->journal;
        f->journal = NULL;
        assert_ok(oversized_destroy(journal));
    }
}

/* Durable on return: an abandon right behind it changes nothing, and nothing that was cut comes back. */
static void test_a_rewind_is_durable_on_return(void **state)
{
    fixture_t *f = *state;
    for (uint64_t kept = 0; kept < 20; kept += 3) {
        open_journal(f);
        append_samples(f->journal, 1, 15, 0);
        assert_ok(oversized_sync(f->journal, 1));
        append_samples(f->journal, 1, 15, 0); /* of which a rewind to 18 keeps three */
        assert_ok(oversized_rewind_section(f->journal, 1, kept * R));
        abandon_and_open(f);
        check_section(f->journal, 1, kept, 0);
        check_files(f, 1, kept, 0);
        assert_int_equal(oversized_recovery(f->journal)->synced_records_lost, 0);
        assert_int_equal(oversized_recovery(f->journal)->value_bytes_truncated, 0);
        oversized_t *journal = f->journal;
        f->journal = NULL;
        assert_ok(oversized_destroy(journal));
    }
}

/* The page that was read into the cache before is not what is read after. */
static void test_reads_after_a_rewind_do_not_see_what_was_there(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 30, 0);
    close_and_open(f);
    check_section(f->journal, 1, 30, 0);
    assert_ok(oversized_rewind_section(f->journal, 1, 4 * R));
    assert_status(oversized_get(f->journal, 1, 4, NULL, NULL), SEGJ_ERR_NO_RECORD);
    append_samples(f->journal, 1, 26, 1);
    check_samples(f->journal, 1, 0, 4, 0);
    check_samples(f->journal, 1, 4, 30, 1);
    assert_ok(oversized_sync(f->journal, 1));
    check_samples(f->journal, 1, 4, 30, 1);
    close_and_open(f);
    check_samples(f->journal, 1, 4, 30, 1);
}

static void test_rewinds_may_follow_each_other(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 100, 0);
    for (uint64_t kept = 99; kept > 0; kept -= 3) {
        assert_ok(oversized_rewind(f->journal, 1, kept * R));
        assert_int_equal(count_of(f->journal, 1), kept);
    }
    assert_ok(oversized_rewind(f->journal, 1, 0));
    append_samples(f->journal, 1, 100, 1);
    close_and_open(f);
    check_section(f->journal, 1, 100, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(test_a_size_that_is_no_multiple_is_refused),
        PROMISE(test_a_size_beyond_the_section_is_refused),
        PROMISE(test_a_missing_section_accepts_nothing_but_zero),
        PROMISE(test_read_only_and_null_journals),
        PROMISE(test_a_rewind_to_a_count_keeps_so_many_records),
        PROMISE(test_a_count_beyond_the_section_is_refused),
        PROMISE(test_a_rewind_to_a_count_is_refused_like_one_to_a_size),
        PROMISE(test_a_rewind_that_would_end_in_a_damaged_page_is_refused),
        PROMISE(test_a_rewind_that_would_end_in_a_page_that_rots_beneath_the_cache_is_refused),
        PROMISE(test_a_rewind_may_take_a_damaged_last_page_away),
        PROMISE(test_rewind_removes_every_later_section),
        PROMISE(test_rewind_section_leaves_every_other_section),
        PROMISE(test_rewind_to_the_current_size_removes_later_sections_and_touches_no_byte_of_this_one),
        PROMISE(test_rewind_of_a_missing_section_removes_later_sections_all_the_same),
        PROMISE(test_the_largest_section_may_be_rewound),
        PROMISE(test_the_current_size_touches_no_byte),
        PROMISE(test_the_current_size_of_an_empty_section_touches_no_byte),
        PROMISE(test_a_section_rewound_to_nothing_stays_listed_and_begins_at_zero),
        PROMISE(test_a_rewind_may_end_anywhere_on_pages_of_every_size),
        PROMISE(test_a_rewind_is_durable_on_return),
        PROMISE(test_reads_after_a_rewind_do_not_see_what_was_there),
        PROMISE(test_rewinds_may_follow_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
