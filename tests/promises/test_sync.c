/*
 * promises/test_sync.c: what a sync, a close and a killed process leave: oversized_sync(), oversized_sync_all(),
 * oversized_close() and oversized_abandon(), and the open after them.
 */
#include "promises/fixture.h"
#include "promises/watch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* --- answers --- */

static void test_a_sync_of_a_section_that_does_not_exist_is_ok_and_makes_nothing(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    path_t before = snapshot(f);
    assert_ok(oversized_sync(f->journal, 0));
    assert_ok(oversized_sync(f->journal, UINT64_MAX));
    assert_ok(oversized_sync_all(f->journal));
    assert_no_sections(f->journal);
    assert_untouched(f, before);
}

static void test_a_sync_of_a_pruned_section(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_sample(f->journal, 1, 0);
    append_sample(f->journal, 5, 0);
    assert_ok(oversized_prune(f->journal, 5, NULL));
    assert_status(oversized_sync(f->journal, 1), SEGJ_ERR_PRUNED);
    assert_status(oversized_sync(f->journal, 4), SEGJ_ERR_PRUNED);
    assert_ok(oversized_sync(f->journal, 5));
    assert_ok(oversized_sync_all(f->journal));
}

static void test_a_sync_of_a_read_only_journal(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_sample(f->journal, 1, 0);
    close_journal(f);
    f->config.read_only = true;
    open_journal(f);
    assert_status(oversized_sync(f->journal, 1), SEGJ_ERR_READ_ONLY);
    assert_status(oversized_sync(f->journal, 2), SEGJ_ERR_READ_ONLY);
    assert_status(oversized_sync_all(f->journal), SEGJ_ERR_READ_ONLY);
}

static void test_null_journals(void **state)
{
    (void)state;
    assert_status(oversized_sync(NULL, 0), SEGJ_ERR_INVALID);
    assert_status(oversized_sync_all(NULL), SEGJ_ERR_INVALID);
    assert_ok(oversized_close(NULL));
    oversized_abandon(NULL);
}

/* --- what a sync leaves --- */

static void test_after_a_sync_the_files_hold_every_record(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    for (uint64_t count = 1; count <= 40; count++) {
        append_sample(f->journal, 1, 0);
        assert_ok(oversized_sync(f->journal, 1));
        check_files(f, 1, count, 0);
    }
    append_samples(f->journal, 1, 300, 0);
    assert_ok(oversized_sync(f->journal, 1));
    check_files(f, 1, 340, 0);
}

static void test_a_sync_all_covers_every_section(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    for (uint64_t section = 1; section <= 6; section++)
        append_samples(f->journal, section, section * 7, 0);
    assert_ok(oversized_sync_all(f->journal));
    for (uint64_t section = 1; section <= 6; section++)
        check_files(f, section, section * 7, 0);
}

/* What a sync promises of the storage: nothing that was written waits for a sync, neither bytes nor names. */
static void test_a_sync_leaves_no_write_that_waits_for_one(void **state)
{
    fixture_t *f = *state;
    f->config.storage = watch_begin();
    open_journal(f);
    append_samples(f->journal, 1, 200, 0);
    assert_true(watch_seen()->unsynced > 0);
    uint64_t names_synced = watch_seen()->names_synced;
    assert_ok(oversized_sync(f->journal, 1));
    assert_true(watch_seen()->unsynced == 0 || tested_version() == 2); /* there the index follows later */
    /* Of the first section of version 2 that of the index was, before a frame was written. */
    assert_true(watch_seen()->names_synced >= names_synced + (tested_version() == 2 ? 1 : 2));
    append_samples(f->journal, 1, 1, 0);
    assert_ok(oversized_sync(f->journal, 1));
    assert_true(watch_seen()->unsynced == 0 || tested_version() == 2);
}

static void test_syncs_and_appends_may_alternate(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    for (uint64_t round = 0; round < 60; round++) {
        append_samples(f->journal, 1, round % 5, 0);
        append_samples(f->journal, 2, round % 3, 0);
        assert_ok(oversized_sync(f->journal, round % 2 + 1));
    }
    uint64_t counts[2] = {count_of(f->journal, 1), count_of(f->journal, 2)};
    check_section(f->journal, 1, counts[0], 0);
    check_section(f->journal, 2, counts[1], 0);
    close_and_open(f);
    check_section(f->journal, 1, counts[0], 0);
    check_section(f->journal, 2, counts[1], 0);
}

/* One write is refused, of one of five sections: the other four are synced, and the answer is that of the one. */
static void test_a_sync_all_goes_on_past_a_section_that_failed(void **state)
{
    fixture_t *f = *state;
    unsigned failed = 0;
    f->config.storage = watch_begin();
    open_journal(f);
    for (uint64_t section = 1; section <= 5; section++)
        append_samples(f->journal, section, 7, 0);
    watch_seen()->full = true;
    watch_seen()->refusals_most = 1;
    assert_status(oversized_sync_all(f->journal), SEGJ_ERR_NO_SPACE);
    assert_null(oversized_error(f->journal));
    abandon_and_open(f);
    for (uint64_t section = 1; section <= 5; section++) {
        uint64_t count = count_of(f->journal, section);
        failed += count == 0;
        check_section(f->journal, section, count == 0 ? 0 : 7, 0);
    }
    assert_int_equal(failed, 1);
}

/* --- what is there after an abandoned journal --- */

static void test_abandon_changes_no_byte(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 100, 0);
    assert_ok(oversized_sync(f->journal, 1));
    append_samples(f->journal, 1, 300, 0);
    append_samples(f->journal, 2, 3, 0);
    path_t before = snapshot(f);
    abandon_journal(f);
    assert_untouched(f, before);
}

static void test_synced_records_survive_an_abandon(void **state)
{
    fixture_t *f = *state;
    f->config.index_write_buffer = f->config.value_write_buffer = (size_t)1 << 20;
    open_journal(f);
    append_samples(f->journal, 1, 50, 0);
    assert_ok(oversized_sync(f->journal, 1));
    append_samples(f->journal, 1, 7, 0);  /* in buffers: they go */
    append_samples(f->journal, 2, 10, 0); /* a section whose names are there and whose records are not */
    abandon_and_open(f);
    assert_sections(f->journal, 1, 2);
    check_section(f->journal, 1, 50, 0);
    check_section(f->journal, 2, 0, 0);
    append_samples(f->journal, 1, 5, 0);
    append_samples(f->journal, 2, 5, 0);
    close_and_open(f);
    check_section(f->journal, 1, 55, 0);
    check_section(f->journal, 2, 5, 0);
}

/* Whole records that two files hold together, each by its size: full pages, and frames up to the end of the file. */
static uint64_t records_on_disk(fixture_t *f, uint64_t section)
{
    uint64_t pages = (file_size(index_path(f, section).text) - tested_index_data()) / (SMALL_PAGE + PAGE_CHECKSUMS);
    uint64_t records = pages * SMALL_PAGE / SMALL_RECORD;
    uint64_t values = file_size(values_path(f, section).text) - tested_values_data();
    uint64_t held = 0;
    oversized_location_t location = {0, 0};
    while (held < records) {
        assert_ok(oversized_get(f->journal, section, held, NULL, &location));
        if (tested_frame_end(location, SMALL_ENTRY) > values)
            break;
        held++;
    }
    return held;
}

/* A killed process loses nothing that reached the system, up to the first record that had not. */
static void test_an_abandoned_journal_keeps_what_reached_the_files(void **state)
{
    not_in_version_2();
    for_native_only();
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 400, 0);
    uint64_t held = records_on_disk(f, 1);
    assert_in_range(held, 1, 399);
    abandon_and_open(f);
    check_section(f->journal, 1, held, 0);
    append_samples(f->journal, 1, 10, 0);
    abandon_and_open(f); /* what open adopted it has made durable; ten in buffers are gone */
    check_section(f->journal, 1, held, 0);
    check_files(f, 1, held, 0);
    assert_int_equal(watermark_on_disk(f, 1), held);
}

/* What an open adopts that no sync had covered is counted as verified, and durable before the open returns. */
static void test_the_report_of_an_open_after_an_abandon(void **state)
{
    for_native_only();
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 30, 0);
    assert_ok(oversized_sync(f->journal, 1));
    assert_int_equal(watermark_on_disk(f, 1), 0);
    abandon_journal(f);
    f->config.storage = watch_begin();
    open_journal(f);
    const oversized_recovery_t *found = oversized_recovery(f->journal);
    assert_int_equal(found->sections, 1);
    assert_int_equal(found->records, 30);
    assert_int_equal(found->values_verified, 30);
    assert_int_equal(found->sections_repaired, 1);
    assert_int_equal(found->records_dropped, 0);
    assert_int_equal(found->synced_records_lost, 0);
    assert_int_equal(found->sections_damaged, 0);
    assert_int_equal(watch_seen()->files_open, 0);
    assert_true(watch_seen()->names_synced >= 2);
    assert_int_equal(watermark_on_disk(f, 1), 30);
    check_files(f, 1, 30, 0);
}

static void test_a_section_of_which_nothing_was_written_is_there_and_empty(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_sample(f->journal, 7, 0);
    abandon_and_open(f);
    assert_sections(f->journal, 7);
    check_section(f->journal, 7, 0, 0);
    append_samples(f->journal, 7, 3, 1);
    check_section(f->journal, 7, 3, 1);
}

/* --- close --- */

static void test_a_close_makes_what_was_not_synced_durable(void **state)
{
    fixture_t *f = *state;
    f->config.storage = watch_begin();
    open_journal(f);
    append_samples(f->journal, 3, 1, 0);
    assert_ok(oversized_sync(f->journal, 3));
    append_samples(f->journal, 1, 200, 0);
    append_samples(f->journal, 2, 3, 0);
    uint64_t names_synced = watch_seen()->names_synced;
    close_journal(f);
    assert_int_equal(watch_seen()->files_open, 0);
    assert_int_equal(watch_seen()->closed_unsynced, 0);
    assert_true(watch_seen()->names_synced >= names_synced + 2);
    check_files(f, 1, 200, 0);
    check_files(f, 2, 3, 0);
    check_files(f, 3, 1, 0);
    open_journal(f);
    check_section(f->journal, 1, 200, 0);
    check_section(f->journal, 2, 3, 0);
    check_section(f->journal, 3, 1, 0);
}

static void test_a_close_of_what_is_at_rest_changes_no_byte(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 200, 0);
    close_and_open(f);
    path_t before = snapshot(f);
    check_section(f->journal, 1, 200, 0);
    check_replay_of(f->journal, 1, 0, 200, 1024, 0);
    close_and_open(f);
    close_journal(f);
    assert_untouched(f, before);
}

/* It says what the sync said, frees the journal all the same, and gives the lock back. */
static void test_a_close_without_space_says_so(void **state)
{
    fixture_t *f = *state;
    f->config.storage = watch_begin();
    open_journal(f);
    append_samples(f->journal, 1, 20, 0);
    assert_ok(oversized_sync(f->journal, 1));
    append_samples(f->journal, 1, 3, 0);
    watch_seen()->full = true;
    oversized_t *journal = f->journal;
    f->journal = NULL;
    assert_status(oversized_close(journal), SEGJ_ERR_NO_SPACE);
    assert_int_equal(watch_seen()->files_open, 0);
    watch_seen()->full = false;
    open_journal(f);
    check_section(f->journal, 1, 20, 0);
}

static void says_what_a_rewind_can_do(uint64_t durable)
{
    char expected[128];
    (void)snprintf(expected, sizeof expected, "; %llu records are durable, a rewind to %llu or fewer needs no space",
                   (unsigned long long)durable, (unsigned long long)durable);
    assert_non_null(strstr(segj_last_error(), expected));
    assert_string_equal(strstr(segj_last_error(), "; "), expected); /* once, and at the end */
    assert_int_equal(segj_last_errno(), ENOSPC);
}

static void test_a_sync_without_space_may_be_made_again(void **state)
{
    not_in_version_2();
    fixture_t *f = *state;
    f->config.storage = watch_begin();
    open_journal(f);
    append_samples(f->journal, 1, 20, 0);
    assert_ok(oversized_sync(f->journal, 1));
    for (uint64_t writes = 0; writes < 2; writes++) {
        append_samples(f->journal, 1, 3, 0);
        append_samples(f->journal, 2, 3, 0);
        watch_seen()->full = true;
        watch_seen()->writes_before_full = writes;
        assert_status(oversized_sync(f->journal, 1), SEGJ_ERR_NO_SPACE);
        says_what_a_rewind_can_do(20 + 3 * writes);
        /* Values are started first: where section 1 has no more to write, section 2 is the first to fail. */
        assert_status(oversized_sync_all(f->journal), SEGJ_ERR_NO_SPACE);
        says_what_a_rewind_can_do(writes == 0 ? 20 : 3);
        assert_status(oversized_rewind_section_to(f->journal, 1, 21 + 3 * writes), SEGJ_ERR_NO_SPACE);
        says_what_a_rewind_can_do(20 + 3 * writes);
        assert_null(oversized_error(f->journal));
        check_section(f->journal, 1, 23 + 3 * writes, 0);
        watch_seen()->full = false;
        assert_ok(oversized_sync(f->journal, 1));
        check_files(f, 1, 23 + 3 * writes, 0);
        assert_ok(oversized_sync_all(f->journal));
        check_files(f, 2, 3 + 3 * writes, 0);
    }
    abandon_and_open(f);
    check_section(f->journal, 1, 26, 0);
    check_section(f->journal, 2, 6, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(test_a_sync_of_a_section_that_does_not_exist_is_ok_and_makes_nothing),
        PROMISE(test_a_sync_of_a_pruned_section),
        PROMISE(test_a_sync_of_a_read_only_journal),
        cmocka_unit_test(test_null_journals),
        PROMISE(test_after_a_sync_the_files_hold_every_record),
        PROMISE(test_a_sync_all_covers_every_section),
        PROMISE(test_a_sync_leaves_no_write_that_waits_for_one),
        PROMISE(test_syncs_and_appends_may_alternate),
        PROMISE(test_a_sync_all_goes_on_past_a_section_that_failed),
        PROMISE(test_abandon_changes_no_byte),
        PROMISE(test_synced_records_survive_an_abandon),
        PROMISE(test_an_abandoned_journal_keeps_what_reached_the_files),
        PROMISE(test_the_report_of_an_open_after_an_abandon),
        PROMISE(test_a_section_of_which_nothing_was_written_is_there_and_empty),
        PROMISE(test_a_close_makes_what_was_not_synced_durable),
        PROMISE(test_a_close_of_what_is_at_rest_changes_no_byte),
        PROMISE(test_a_close_without_space_says_so),
        PROMISE(test_a_sync_without_space_may_be_made_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
