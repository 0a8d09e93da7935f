/*
 * paged/paged_blob.c: what appends write, what syncs write, what is read back from memory, and what a failure leaves.
 * Syncs that overlap with other writes are in test_paged_flight.c.
 *
 * LINK_WRAP: malloc calloc realloc
 */
#include "unit/blob.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "unit/wrapped_memory.h"

enum { P = 20, PHYSICAL = P + PAGE_CHECKSUMS };

/* --- appending --- */

static void an_empty_blob_has_nothing(void **state)
{
    blob_t *blob = blob_new(P, 4);
    assert_false(blob_holds(blob, 0));
    blob_drain(blob);
    blob_sync(blob);
    assert_changes(blob->rig->recorder, "");
    blob_free(blob);
}

static void an_append_within_the_buffer_writes_nothing(void **state)
{
    blob_t *blob = blob_new(P, 4);
    for (int i = 0; i < 7; i++)
        blob_append(blob, 11);
    assert_changes(blob->rig->recorder, "");
    check_readable(blob);
    assert_false(blob_holds(blob, 4));
    blob_free(blob);
}

/* Any part of any page can be read at once, the newest bytes too. */
static void what_was_appended_is_read_from_memory(void **state)
{
    blob_t *blob = blob_new(P, 4);
    for (uint64_t length = 1; length <= 4 * P; length++) {
        uint8_t byte = 0;
        blob_append(blob, 1);
        segj_lock(&blob->rig->shared.state);
        assert_true(segj_paged_peek(&blob->paged, (length - 1) / P, (size_t)((length - 1) % P), 1, &byte));
        segj_unlock(&blob->rig->shared.state);
        assert_int_equal(byte, blob_byte(length - 1));
        check_readable(blob);
    }
    blob_free(blob);
}

static void a_full_buffer_writes_its_full_pages_in_one_go(void **state)
{
    blob_t *blob = blob_new(P, 4);
    blob_append(blob, 3 * P + 5);
    assert_changes(blob->rig->recorder, "");
    blob_append(blob, P); /* reaches into a fifth page */
    assert_calls(blob->rig->recorder, RECORD_CHANGES | RECORD_BIT(RECORD_FILE_WRITE_BACK), "write index/1 12288+96");
    for (uint64_t page = 0; page < 3; page++) {
        check_page(blob, page, P, 0);
        assert_false(blob_holds(blob, page)); /* its memory was given back */
    }
    check_peek(blob, 3, P);
    check_peek(blob, 4, 5);
    check_readable(blob);
    blob_free(blob);
}

static void the_last_room_is_used_before_anything_is_written(void **state)
{
    blob_t *blob = blob_new(P, 4);
    blob_append(blob, 4 * P);
    assert_changes(blob->rig->recorder, "");
    blob_append(blob, 1);
    assert_changes(blob->rig->recorder, "write index/1 12288+128");
    check_readable(blob);
    blob_free(blob);
}

static void a_drain_leaves_the_partial_page(void **state)
{
    blob_t *blob = blob_new(P, 4);
    blob_append(blob, P + 5);
    blob_drain(blob);
    assert_changes(blob->rig->recorder, "write index/1 12288+32");
    check_page(blob, 0, P, 0);
    check_peek(blob, 1, 5);
    blob_drain(blob); /* again: there is nothing more */
    assert_changes(blob->rig->recorder, "");
    blob_append(blob, P - 5);
    blob_drain(blob);
    assert_changes(blob->rig->recorder, "write index/1 12320+32");
    check_page(blob, 1, P, 0);
    assert_ptr_equal(blob->paged.chain.first, blob->paged.chain.last);
    check_readable(blob);
    blob_free(blob);
}

static void records_may_be_longer_than_pages(void **state)
{
    static const size_t sizes[] = {P + 1, 2 * P, 2 * P + 1, 100, 1000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        size_t capacity = segj_paged_capacity(P, sizes[i], 0);
        blob_t *blob = blob_new(P, capacity / PHYSICAL);
        for (int j = 0; j < 50; j++) {
            blob_append(blob, sizes[i]);
            if (j % 7 == 0)
                blob_sync(blob);
        }
        check_readable(blob);
        blob_free(blob);
    }
}

/* A page's worth of room beside the record's own is enough, wherever in a page the record begins. */
static void the_capacity_holds_a_record_at_any_place(void **state)
{
    static const uint16_t page_sizes[] = {1, 19, 20, 64, 4084};
    static const size_t record_sizes[] = {12, 13, 20, 63, 64, 65, 255, 256, 4096, 5000};
    for (size_t i = 0; i < sizeof page_sizes / sizeof page_sizes[0]; i++) {
        for (size_t j = 0; j < sizeof record_sizes / sizeof record_sizes[0]; j++) {
            size_t physical = segj_page_physical(page_sizes[i]);
            size_t capacity = segj_paged_capacity(page_sizes[i], record_sizes[j], 0);
            assert_int_equal(capacity % physical, 0);
            blob_t *blob = blob_new(page_sizes[i], capacity / physical);
            for (int k = 0; k < 12; k++)
                blob_append(blob, record_sizes[j]);
            check_readable(blob);
            blob_free(blob);
        }
    }
}

static void the_capacity_is_whole_pages_of_what_is_wanted(void **state)
{
    assert_int_equal(segj_paged_capacity(P, 12, 0), 2 * PHYSICAL);
    assert_int_equal(segj_paged_capacity(P, P + 1, 0), 3 * PHYSICAL);
    assert_int_equal(segj_paged_capacity(P, 12, 10 * PHYSICAL), 10 * PHYSICAL);
    assert_int_equal(segj_paged_capacity(P, 12, 11 * PHYSICAL - 1), 10 * PHYSICAL);
    assert_int_equal(segj_paged_capacity(4084, 20, 65536), 65536);
    assert_true(segj_paged_capacity(65535, 65547, 0) >= 2 * 65535 + 65547);
}

/* --- syncing --- */

static void a_sync_writes_the_partial_page(void **state)
{
    blob_t *blob = blob_new(P, 4);
    blob_append(blob, 2 * P + 5);
    blob_sync(blob);
    assert_calls(blob->rig->recorder, RECORD_CHANGES | RECORD_BIT(RECORD_FILE_WRITE_BACK),
                 "write index/1 12288+96; write_back index/1 12288+96");
    check_page(blob, 0, P, 0);
    check_page(blob, 1, P, 0);
    check_page(blob, 2, 5, 0);
    check_peek(blob, 2, 5); /* it stays in memory: it will grow */
    check_readable(blob);
    blob_free(blob);
}

/* Synced again and again: the slot written last stays, the other one is used. */
static void syncs_use_the_slots_in_turn(void **state)
{
    blob_t *blob = blob_new(P, 4);
    blob_append(blob, 3);
    blob_sync(blob);
    check_page(blob, 0, 3, 0);
    blob_append(blob, 4);
    blob_sync(blob);
    check_page(blob, 0, 3, 7);
    blob_append(blob, 4);
    blob_sync(blob);
    check_page(blob, 0, 11, 7);
    blob_append(blob, P - 11);
    blob_sync(blob); /* full */
    check_page(blob, 0, 11, P);
    assert_changes(blob->rig->recorder, "write index/1 12288+32; write index/1 12288+32; write index/1 12288+32; "
                                        "write index/1 12288+32");
    blob_append(blob, 1);
    blob_sync(blob); /* the next page is a new one */
    check_page(blob, 0, 11, P);
    check_page(blob, 1, 1, 0);
    assert_changes(blob->rig->recorder, "write index/1 12320+32");
    blob_free(blob);
}

static void an_unchanged_page_is_not_written_again(void **state)
{
    blob_t *blob = blob_new(P, 4);
    blob_append(blob, P + 3);
    blob_sync(blob);
    recorder_clear(blob->rig->recorder);
    for (int i = 0; i < 3; i++) {
        blob_sync(blob);
        blob_drain(blob);
    }
    assert_changes(blob->rig->recorder, "");
    blob_append(blob, 1);
    blob_sync(blob);
    assert_changes(blob->rig->recorder, "write index/1 12320+32");
    check_page(blob, 1, 3, 4);
    blob_free(blob);
}

static void a_sync_at_the_end_of_a_page_has_no_tail(void **state)
{
    blob_t *blob = blob_new(P, 4);
    blob_append(blob, 2 * P);
    blob_sync(blob);
    assert_changes(blob->rig->recorder, "write index/1 12288+64");
    blob_sync(blob);
    assert_changes(blob->rig->recorder, "");
    assert_ptr_equal(blob->paged.chain.first, blob->paged.chain.last);
    check_readable(blob);
    blob_append(blob, 2);
    blob_sync(blob);
    check_page(blob, 2, 2, 0);
    blob_free(blob);
}

/* A page that a sync has covered fills up and goes out with a full buffer: the synced slot stays in it. */
static void a_synced_page_that_fills_up_keeps_its_slot(void **state)
{
    blob_t *blob = blob_new(P, 3);
    blob_append(blob, 6);
    blob_sync(blob);
    for (int i = 0; i < 3; i++)
        blob_append(blob, P); /* the last one makes room: page 0 and another one are written */
    check_page(blob, 0, 6, P);
    check_page(blob, 1, P, 0);
    check_readable(blob);
    blob_sync(blob);
    check_page(blob, 0, 6, P); /* and not again */
    check_page(blob, 3, 6, 0);
    blob_free(blob);
}

/* A blob of one-byte pages has no partial ones; one of the largest pages has little else. */
static void page_sizes_at_the_limits(void **state)
{
    blob_t *blob = blob_new(1, 40);
    for (int i = 0; i < 10; i++) {
        blob_append(blob, 13);
        if (i % 3 == 0)
            blob_sync(blob);
    }
    check_readable(blob);
    blob_free(blob);
    blob = blob_new(65535, 2);
    for (int i = 0; i < 6; i++) {
        blob_append(blob, 40000);
        blob_sync(blob);
    }
    check_page(blob, 0, 40000, 65535);
    check_page(blob, 3, 200000 - 3 * 65535, 240000 - 3 * 65535);
    check_readable(blob);
    blob_free(blob);
}

/* --- opening again --- */

static void a_reopened_partial_page_is_grown_in_its_other_slot(void **state)
{
    for (int slot = 1; slot <= 2; slot++) {
        blob_t *blob = blob_new(P, 4);
        uint8_t bytes[P];
        uint8_t page[PHYSICAL];
        blob_bytes(0, bytes, P);
        page_slot_t described = make_slot(BLOB_SECTION, 0, bytes, 7);
        const page_slot_t none = {0, 0};
        encode_page(page, P, bytes, 7, slot == 1 ? described : none, slot == 1 ? none : described);
        rig_write(blob->rig, &blob->rig->shared.index, BLOB_SECTION, BLOB_DATA, page, sizeof page);
        assert_ok(blob_reopen(blob, 7));
        check_peek(blob, 0, 7);
        blob_sync(blob); /* nothing has changed */
        assert_changes(blob->rig->recorder, "");
        blob_append(blob, 3);
        blob_sync(blob);
        check_page(blob, 0, slot == 1 ? 7 : 10, slot == 1 ? 10 : 7);
        check_readable(blob);
        blob_free(blob);
    }
}

/* Two slots, as the syncs before have left them: the longer one counts, and is the one to keep. */
static void a_reopened_page_with_two_slots(void **state)
{
    blob_t *blob = blob_new(P, 4);
    blob_append(blob, P + 3);
    blob_sync(blob);
    blob_append(blob, 4);
    blob_sync(blob); /* 3 | 7 */
    assert_ok(blob_reopen(blob, P + 7));
    blob_append(blob, 1);
    blob_sync(blob);
    check_page(blob, 1, 8, 7);
    assert_ok(blob_reopen(blob, P + 8));
    blob_append(blob, P);
    blob_sync(blob);
    check_page(blob, 1, 8, P);
    check_page(blob, 2, 8, 0);
    check_readable(blob);
    blob_free(blob);
}

static void a_blob_reopened_at_the_end_of_a_page_reads_nothing(void **state)
{
    blob_t *blob = blob_new(P, 4);
    blob_append(blob, 2 * P);
    blob_sync(blob);
    recorder_clear(blob->rig->recorder);
    assert_ok(blob_reopen(blob, 2 * P));
    assert_int_equal(recorder_count(blob->rig->recorder, RECORD_FILE_READ), 0);
    blob_append(blob, 5);
    blob_sync(blob);
    assert_changes(blob->rig->recorder, "write index/1 12352+32");
    check_page(blob, 2, 5, 0);
    blob_free(blob);
}

static void a_last_page_that_says_otherwise_is_refused(void **state)
{
    blob_t *blob = blob_new(P, 4);
    blob_append(blob, P + 7);
    blob_sync(blob);
    assert_status(blob_reopen(blob, P + 6), SEGJ_ERR_CORRUPT);
    assert_status(blob_reopen(blob, P + 8), SEGJ_ERR_CORRUPT);
    assert_non_null(strstr(segj_last_error(), "rig/index/0000000000000001, offset 12320: index page 1 "));
    assert_status(blob_reopen(blob, 5), SEGJ_ERR_CORRUPT);    /* page 0 is full */
    assert_status(blob_reopen(blob, 2 * P + 5), SEGJ_ERR_IO); /* there is no page 2 */
    const uint8_t damage = 0xff;
    rig_write(blob->rig, &blob->rig->shared.index, BLOB_SECTION, BLOB_DATA + PHYSICAL + 2, &damage, 1);
    assert_status(blob_reopen(blob, P + 7), SEGJ_ERR_CORRUPT);
    segj_pool_free(&blob->rig->shared.pages);
    assert_int_equal(blob->rig->shared.budget.used, 0);
    recorder_fail(blob->rig->recorder, RECORD_FILE_READ, 0, 1, EIO);
    assert_status(blob_reopen(blob, P + 7), SEGJ_ERR_IO);
    assert_changes(blob->rig->recorder, "write index/1 12288+64"); /* the first sync's: no refusal has written */
    blob_free(blob);
}

/* --- failures --- */

/* The disk is full: what is in memory stays readable, and it is never more than one buffer that waits to be written and
 * one that is being filled, however often an append is tried. */
static void a_full_disk_refuses_appends_and_loses_nothing(void **state)
{
    blob_t *blob = blob_new(P, 4);
    blob_append(blob, 4 * P - 3);
    recorder_fail(blob->rig->recorder, RECORD_FILE_WRITE, 0, RECORD_FOR_GOOD, ENOSPC);
    assert_status(blob_try_append(blob, 4), SEGJ_ERR_NO_SPACE);
    assert_int_equal(blob->paged.length, 4 * P - 3);
    while (blob_try_append(blob, 4) == SEGJ_OK)
        check_readable(blob);
    uint64_t length = blob->paged.length;
    assert_true(length < 8 * P);
    for (int i = 0; i < 20; i++) {
        assert_status(blob_try_append(blob, P), SEGJ_ERR_NO_SPACE);
        assert_true(blob->rig->shared.budget.used <= 4 * blob->rig->shared.pages.capacity); /* spare ones too */
        check_readable(blob);
    }
    assert_int_equal(blob->paged.length, length);
    recorder_fail(blob->rig->recorder, RECORD_FILE_WRITE, 0, 0, 0);
    blob_append(blob, P);
    blob_sync(blob);
    for (uint64_t page = 0; page < blob->paged.length / P; page++)
        check_page(blob, page, P, 0);
    check_readable(blob);
    blob_free(blob);
}

/* A write that fails half way is made again whole, with the same bytes. */
static void a_torn_write_is_made_again(void **state)
{
    for (size_t bytes = 0; bytes <= 3 * PHYSICAL; bytes += 5) {
        blob_t *blob = blob_new(P, 4);
        blob_append(blob, 6);
        blob_sync(blob);
        blob_append(blob, 3 * P);
        recorder_tear(blob->rig->recorder, 0, bytes, EIO);
        assert_status(blob_try_drain(blob), SEGJ_ERR_IO);
        check_protected(blob);
        check_readable(blob);
        recorder_clear(blob->rig->recorder);
        blob_drain(blob);
        assert_changes(blob->rig->recorder, "write index/1 12288+96");
        check_page(blob, 0, 6, P);
        check_page(blob, 1, P, 0);
        check_page(blob, 2, P, 0);
        blob_free(blob);
    }
}

static void a_failed_sync_is_made_again(void **state)
{
    blob_t *blob = blob_new(P, 4);
    blob_append(blob, P + 5);
    segj_paged_capture_t capture = blob_capture(blob);
    recorder_fail(blob->rig->recorder, RECORD_FILE_WRITE, 0, 1, EIO);
    assert_status(segj_paged_write(&blob->paged, &blob->file, &capture), SEGJ_ERR_IO);
    blob_finish(blob, &capture, false);
    check_readable(blob);
    assert_changes(blob->rig->recorder, "write index/1 12288+64 !");
    blob_sync(blob);
    check_page(blob, 0, P, 0);
    check_page(blob, 1, 5, 0);
    check_readable(blob);
    blob_free(blob);
}

/* The write was made and its sync was not: nobody knows which bytes are on the disk. However often that happens while
 * the page grows, the slot of the last completed sync is left alone, and the other one is written each time. */
static void failed_syncs_keep_the_slot_of_the_last_completed_one(void **state)
{
    blob_t *blob = blob_new(P, 4);
    blob_append(blob, 5);
    blob_sync(blob);
    for (uint16_t length = 6; length <= 12; length++) {
        blob_append(blob, 1);
        segj_paged_capture_t capture = blob_capture(blob);
        blob_write(blob, &capture);
        blob_finish(blob, &capture, false);
        check_page(blob, 0, 5, length);
        check_readable(blob);
    }
    blob_sync(blob); /* unchanged since the last write, which nothing has made durable: written again */
    check_page(blob, 0, 5, 12);
    blob_append(blob, 1);
    blob_sync(blob);
    check_page(blob, 0, 13, 12);
    blob_free(blob);
}

static void a_page_that_no_sync_has_covered_keeps_slot_1(void **state)
{
    blob_t *blob = blob_new(P, 4);
    for (uint16_t length = 1; length <= 8; length++) {
        blob_append(blob, 1);
        segj_paged_capture_t capture = blob_capture(blob);
        blob_write(blob, &capture);
        blob_finish(blob, &capture, false);
        check_page(blob, 0, length, 0);
    }
    blob_append(blob, P - 8);
    blob_drain(blob);
    check_page(blob, 0, P, 0);
    blob_free(blob);
}

/* After a failed sync the page fills up, and is written with others by a drain. */
static void a_page_that_fills_up_after_a_failed_sync(void **state)
{
    blob_t *blob = blob_new(P, 4);
    blob_append(blob, 5);
    blob_sync(blob);
    blob_append(blob, 4);
    segj_paged_capture_t capture = blob_capture(blob);
    blob_write(blob, &capture);
    blob_finish(blob, &capture, false); /* 5 | 9, the latter perhaps */
    blob_append(blob, P);
    blob_drain(blob);
    check_page(blob, 0, 5, P);
    check_peek(blob, 1, 9);
    blob_sync(blob);
    check_page(blob, 1, 9, 0);
    check_readable(blob);
    blob_free(blob);
}

/* Failed syncs leave nothing behind that would pile up. */
static void failed_syncs_do_not_pile_up_memory(void **state)
{
    blob_t *blob = blob_new(P, 4);
    blob_append(blob, 5);
    for (int i = 0; i < 50; i++) {
        segj_paged_capture_t capture = blob_capture(blob);
        recorder_fail(blob->rig->recorder, RECORD_FILE_WRITE, 0, 1, ENOSPC);
        assert_status(segj_paged_write(&blob->paged, &blob->file, &capture), SEGJ_ERR_NO_SPACE);
        blob_finish(blob, &capture, false);
        assert_true(blob->rig->shared.budget.used <= 4096);
    }
    check_readable(blob);
    blob_free(blob);
}

/* Neither a drain nor a sync has changed anything when its memory cannot be had. */
static void no_memory_changes_nothing(void **state)
{
    blob_t *blob = blob_new(P, 4);
    segj_paged_capture_t capture;
    blob_append(blob, 2 * P + 5);
    blob->rig->shared.pages.spares = 0;
    allocations_left = 0;
    segj_status_t drained = blob_try_drain(blob);
    segj_status_t appended = blob_try_append(blob, 2 * P);
    segj_status_t captured = segj_paged_capture(&blob->paged, &blob->rig->shared.pages, &capture);
    allocations_left = -1;
    assert_int_equal(drained, SEGJ_ERR_MEMORY);
    assert_int_equal(appended, SEGJ_ERR_MEMORY);
    assert_int_equal(captured, SEGJ_ERR_MEMORY);
    assert_changes(blob->rig->recorder, "");
    assert_int_equal(blob->paged.length, 2 * P + 5);
    check_readable(blob);
    blob_append(blob, 2 * P);
    blob_sync(blob);
    check_page(blob, 4, 5, 0);
    check_readable(blob);
    blob_free(blob);
}

static void no_memory_opens_nothing(void **state)
{
    blob_t *blob = blob_new(P, 4);
    segj_paged_t second;
    allocations_left = 0;
    segj_status_t status = segj_paged_open(&second, &blob->rig->shared.pages, &blob->file, P, SEGJ_CHECKSUM_PLACED, 0);
    allocations_left = -1;
    assert_int_equal(status, SEGJ_ERR_MEMORY);
    blob_free(blob);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_blob_has_nothing),
        cmocka_unit_test(an_append_within_the_buffer_writes_nothing),
        cmocka_unit_test(what_was_appended_is_read_from_memory),
        cmocka_unit_test(a_full_buffer_writes_its_full_pages_in_one_go),
        cmocka_unit_test(the_last_room_is_used_before_anything_is_written),
        cmocka_unit_test(a_drain_leaves_the_partial_page),
        cmocka_unit_test(records_may_be_longer_than_pages),
        cmocka_unit_test(the_capacity_holds_a_record_at_any_place),
        cmocka_unit_test(the_capacity_is_whole_pages_of_what_is_wanted),
        cmocka_unit_test(a_sync_writes_the_partial_page),
        cmocka_unit_test(syncs_use_the_slots_in_turn),
        cmocka_unit_test(an_unchanged_page_is_not_written_again),
        cmocka_unit_test(a_sync_at_the_end_of_a_page_has_no_tail),
        cmocka_unit_test(a_synced_page_that_fills_up_keeps_its_slot),
        cmocka_unit_test(page_sizes_at_the_limits),
        cmocka_unit_test(a_reopened_partial_page_is_grown_in_its_other_slot),
        cmocka_unit_test(a_reopened_page_with_two_slots),
        cmocka_unit_test(a_blob_reopened_at_the_end_of_a_page_reads_nothing),
        cmocka_unit_test(a_last_page_that_says_otherwise_is_refused),
        cmocka_unit_test(a_full_disk_refuses_appends_and_loses_nothing),
        cmocka_unit_test(a_torn_write_is_made_again),
        cmocka_unit_test(a_failed_sync_is_made_again),
        cmocka_unit_test(failed_syncs_keep_the_slot_of_the_last_completed_one),
        cmocka_unit_test(a_page_that_no_sync_has_covered_keeps_slot_1),
        cmocka_unit_test(a_page_that_fills_up_after_a_failed_sync),
        cmocka_unit_test(failed_syncs_do_not_pile_up_memory),
        cmocka_unit_test(no_memory_changes_nothing),
        cmocka_unit_test(no_memory_opens_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
