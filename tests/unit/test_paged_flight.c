/*
 * paged/paged_blob.c while a sync is under way: from the moment the sync has taken a partial page over until it has
 * completed, nobody else writes that page, though appends fill it and go on behind it. Otherwise a power cut could find
 * neither slot whole: the synced one given up for a state that the sync never completed.
 */
#include "unit/blob.h"

#include <errno.h>
#include <string.h>

#include "unit/random.h"

enum { P = 20 };

/* Page 0 has 5 bytes that a sync has covered and 9 that another one has taken over: *capture. */
static blob_t *in_flight(segj_paged_capture_t *capture, bool written)
{
    blob_t *blob = blob_new(P, 4);
    blob_append(blob, 5);
    blob_sync(blob);
    blob_append(blob, 4);
    *capture = blob_capture(blob);
    if (written)
        blob_write(blob, capture);
    recorder_clear(blob->rig->recorder);
    return blob;
}

/* Fills page 0 and page 1, and begins page 2. */
static void append_beyond(blob_t *blob)
{
    blob_append(blob, P);
    blob_append(blob, P - 9 + 3);
}

static void a_page_in_flight_is_not_written_while_later_pages_are(void **state)
{
    segj_paged_capture_t capture;
    blob_t *blob = in_flight(&capture, true);
    append_beyond(blob);
    blob_drain(blob);
    assert_changes(blob->rig->recorder, "write index/1 12320+32"); /* page 1 */
    check_page(blob, 0, 5, 9);
    check_page(blob, 1, P, 0);
    check_peek(blob, 0, P); /* page 0 waits */
    assert_false(blob_holds(blob, 1));
    check_peek(blob, 2, 3);
    blob_drain(blob);
    assert_changes(blob->rig->recorder, "");
    check_readable(blob);
    blob_finish(blob, &capture, true);
    blob_free(blob);
}

static void after_the_sync_the_page_keeps_the_slot_that_it_made(void **state)
{
    segj_paged_capture_t capture;
    blob_t *blob = in_flight(&capture, true);
    append_beyond(blob);
    blob_drain(blob);
    blob_finish(blob, &capture, true);
    recorder_clear(blob->rig->recorder);
    blob_drain(blob);
    assert_changes(blob->rig->recorder, "write index/1 12288+32");
    check_page(blob, 0, P, 9);
    assert_false(blob_holds(blob, 0));
    check_readable(blob);
    blob_free(blob);
}

static void after_a_failed_sync_the_page_keeps_the_slot_from_before(void **state)
{
    segj_paged_capture_t capture;
    blob_t *blob = in_flight(&capture, true);
    append_beyond(blob);
    blob_drain(blob);
    blob_finish(blob, &capture, false);
    blob_drain(blob);
    check_page(blob, 0, 5, P);
    check_readable(blob);
    blob_free(blob);
}

/* The drain comes between the sync's taking over and its write. */
static void a_drain_may_come_before_the_syncs_write(void **state)
{
    segj_paged_capture_t capture;
    blob_t *blob = in_flight(&capture, false);
    append_beyond(blob);
    blob_drain(blob);
    assert_changes(blob->rig->recorder, "write index/1 12320+32");
    check_page(blob, 0, 5, 0);
    blob_write(blob, &capture);
    assert_changes(blob->rig->recorder, "write index/1 12288+32");
    check_page(blob, 0, 5, 9);
    check_page(blob, 1, P, 0);
    blob_finish(blob, &capture, true);
    blob_sync(blob);
    check_page(blob, 0, P, 9);
    check_page(blob, 2, 3, 0);
    check_readable(blob);
    blob_free(blob);
}

/* A page that nothing has covered yet: slot 1 until a sync has completed, whoever writes it. */
static void a_page_in_flight_for_the_first_time(void **state)
{
    for (int synced = 0; synced < 2; synced++) {
        blob_t *blob = blob_new(P, 4);
        blob_append(blob, 9);
        segj_paged_capture_t capture = blob_capture(blob);
        blob_write(blob, &capture);
        append_beyond(blob);
        blob_drain(blob);
        check_page(blob, 0, 9, 0);
        blob_finish(blob, &capture, synced != 0);
        blob_drain(blob);
        check_page(blob, 0, synced != 0 ? 9 : P, synced != 0 ? P : 0);
        check_readable(blob);
        blob_free(blob);
    }
}

/* However much is appended: the page stays where it is, and everything behind it goes out. */
static void buffer_after_buffer_passes_a_page_in_flight(void **state)
{
    segj_paged_capture_t capture;
    blob_t *blob = in_flight(&capture, true);
    for (int i = 0; i < 60; i++)
        blob_append(blob, 11);
    assert_true(blob->rig->shared.budget.used <= 3 * 4096); /* the sync's buffer, page 0's, the live one */
    blob_drain(blob);
    check_page(blob, 0, 5, 9);
    for (uint64_t page = 1; page < blob->paged.length / P; page++)
        check_page(blob, page, P, 0);
    check_readable(blob);
    blob_finish(blob, &capture, true);
    check_readable(blob);
    blob_sync(blob);
    check_page(blob, 0, P, 9);
    blob_free(blob);
}

/* Version 2 cuts what is in memory. A page that was written beside the sync is in no buffer, although the page that was
 * in flight still is, in a buffer before it. */
static void a_cut_to_a_page_that_was_written_beside_a_sync(void **state)
{
    segj_paged_capture_t capture;
    blob_t *blob = in_flight(&capture, true);
    uint8_t partial[7];
    for (int i = 0; i < 60; i++)
        blob_append(blob, 11);
    blob_finish(blob, &capture, true);
    check_peek(blob, 0, P);
    assert_false(blob_holds(blob, 20));
    blob_bytes(20 * P, partial, sizeof partial);
    segj_lock(&blob->rig->shared.state);
    segj_paged_cut(&blob->paged, &blob->rig->shared.pages, 20 * P + sizeof partial, partial);
    segj_unlock(&blob->rig->shared.state);
    blob->synced_length = 0; /* there a page is made again from the frames, whatever a crash leaves of it */
    check_peek(blob, 0, P);
    assert_false(blob_holds(blob, 19));
    check_peek(blob, 20, sizeof partial);
    check_readable(blob);
    blob_append(blob, 2 * P);
    check_readable(blob);
    blob_sync(blob);
    check_page(blob, 0, P, 0);
    check_page(blob, 20, P, 0);
    check_readable(blob);
    blob_free(blob);
}

/* The page grows and does not fill up: the next sync is the first that writes it again. */
static void a_page_grows_while_it_is_in_flight(void **state)
{
    for (int synced = 0; synced < 2; synced++) {
        segj_paged_capture_t capture;
        blob_t *blob = in_flight(&capture, true);
        blob_append(blob, 3);
        blob_drain(blob);
        assert_changes(blob->rig->recorder, "");
        check_peek(blob, 0, 12); /* the newest bytes, not those that the sync has */
        blob_finish(blob, &capture, synced != 0);
        check_peek(blob, 0, 12);
        blob_sync(blob);
        check_page(blob, 0, synced != 0 ? 12 : 5, synced != 0 ? 9 : 12);
        blob_free(blob);
    }
}

/* Nothing new came in: the page as the sync has written it is the page. */
static void after_the_sync_nothing_is_left_to_write(void **state)
{
    segj_paged_capture_t capture;
    blob_t *blob = in_flight(&capture, true);
    blob_finish(blob, &capture, true);
    blob_sync(blob);
    blob_drain(blob);
    assert_changes(blob->rig->recorder, "");
    check_peek(blob, 0, 9);
    blob_free(blob);
}

/* The sync has no partial page: no page is in flight, and what it has taken over it writes alone. */
static void full_pages_in_flight_are_written_once(void **state)
{
    blob_t *blob = blob_new(P, 4);
    blob_append(blob, 2 * P);
    segj_paged_capture_t capture = blob_capture(blob);
    blob_append(blob, P + 4);
    blob_drain(blob);
    assert_changes(blob->rig->recorder, "write index/1 12352+32");
    check_peek(blob, 0, P); /* still the sync's */
    blob_write(blob, &capture);
    assert_changes(blob->rig->recorder, "write index/1 12288+64");
    check_peek(blob, 1, P);
    blob_finish(blob, &capture, true);
    assert_false(blob_holds(blob, 1));
    check_readable(blob);
    blob_free(blob);
}

/* A drain that fails beside a sync, and a sync that fails beside a drain. */
static void failures_on_both_sides(void **state)
{
    segj_paged_capture_t capture;
    blob_t *blob = in_flight(&capture, false);
    append_beyond(blob);
    recorder_tear(blob->rig->recorder, 0, 7, ENOSPC);
    assert_status(blob_try_drain(blob), SEGJ_ERR_NO_SPACE);
    check_readable(blob);
    recorder_tear(blob->rig->recorder, 0, 28, EIO); /* the slot that grows is half written */
    assert_status(segj_paged_write(&blob->paged, &blob->file, &capture), SEGJ_ERR_IO);
    check_protected(blob);
    blob_finish(blob, &capture, false);
    check_readable(blob);
    blob_drain(blob);
    check_page(blob, 0, 5, P);
    check_page(blob, 1, P, 0);
    blob_sync(blob);
    check_page(blob, 0, 5, P);
    check_page(blob, 2, 3, 0);
    check_readable(blob);
    blob_free(blob);
}

/* The page fills up beside a sync that fails, twice: what is written each time is the page of that moment. */
static void one_failed_sync_after_another(void **state)
{
    segj_paged_capture_t capture;
    blob_t *blob = in_flight(&capture, true);
    blob_append(blob, 2);
    blob_finish(blob, &capture, false);
    capture = blob_capture(blob);
    blob_append(blob, P);
    blob_write(blob, &capture);
    check_page(blob, 0, 5, 11);
    blob_drain(blob);
    check_page(blob, 0, 5, 11);
    blob_finish(blob, &capture, false);
    blob_sync(blob);
    check_page(blob, 0, 5, P);
    check_page(blob, 1, 11, 0);
    check_readable(blob);
    blob_free(blob);
}

/* --- anything, in any order --- */

typedef struct soup {
    blob_t *blob;
    uint64_t random;
    bool flying, written;
    segj_paged_capture_t capture;
} soup_t;

/* Each third write or so fails, and has written a part of its bytes. */
static void maybe_fail(soup_t *soup)
{
    if (random_below(&soup->random, 3) == 0)
        recorder_tear(soup->blob->rig->recorder, (uint32_t)random_below(&soup->random, 2),
                      (size_t)random_below(&soup->random, 200), EIO);
}

static void sync_step(soup_t *soup)
{
    blob_t *blob = soup->blob;
    if (!soup->flying) {
        soup->capture = blob_capture(blob);
        soup->flying = true;
        soup->written = false;
    } else if (!soup->written && random_below(&soup->random, 4) != 0) {
        soup->written = segj_paged_write(&blob->paged, &blob->file, &soup->capture) == SEGJ_OK;
        if (!soup->written) {
            blob_finish(blob, &soup->capture, false);
            soup->flying = false;
        }
    } else {
        blob_finish(blob, &soup->capture, soup->written && random_below(&soup->random, 3) != 0);
        soup->flying = false;
    }
}

static void step(soup_t *soup)
{
    blob_t *blob = soup->blob;
    maybe_fail(soup);
    switch (random_below(&soup->random, 6)) {
    case 0:
    case 1:
    case 2: {
        uint64_t before = blob->paged.length;
        size_t size = 1 + (size_t)random_below(&soup->random, 2u * blob->paged.page_size);
        if (blob_try_append(blob, size) != SEGJ_OK)
            assert_int_equal(blob->paged.length, before);
        break;
    }
    case 3:
        (void)blob_try_drain(blob); /* fails or does not */
        break;
    default:
        sync_step(soup);
    }
    recorder_fail(blob->rig->recorder, RECORD_FILE_WRITE, 0, 0, 0);
    check_protected(blob);
    check_readable(blob);
}

/* At rest: nothing fails, everything is synced, and the file says all of it. */
static void settle(soup_t *soup)
{
    blob_t *blob = soup->blob;
    if (soup->flying)
        blob_finish(blob, &soup->capture, false);
    soup->flying = false;
    blob_sync(blob);
    assert_int_equal(blob->synced_length, blob->paged.length);
    assert_true(blob->rig->shared.budget.used <= segj_page_physical(blob->paged.page_size) + 4096);
    assert_ok(blob_reopen(blob, blob->paged.length));
    check_readable(blob);
}

static void any_order_keeps_what_was_synced(void **state)
{
    static const uint16_t page_sizes[] = {1, 7, 20, 64, 300};
    for (uint64_t seed = 1; seed <= 30; seed++) {
        soup_t soup = {.blob = blob_new(page_sizes[seed % 5], 4), .random = seed};
        for (int i = 0; i < 150; i++) {
            step(&soup);
            if (i % 50 == 49)
                settle(&soup);
        }
        blob_free(soup.blob);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_in_flight_is_not_written_while_later_pages_are),
        cmocka_unit_test(after_the_sync_the_page_keeps_the_slot_that_it_made),
        cmocka_unit_test(after_a_failed_sync_the_page_keeps_the_slot_from_before),
        cmocka_unit_test(a_drain_may_come_before_the_syncs_write),
        cmocka_unit_test(a_page_in_flight_for_the_first_time),
        cmocka_unit_test(buffer_after_buffer_passes_a_page_in_flight),
        cmocka_unit_test(a_cut_to_a_page_that_was_written_beside_a_sync),
        cmocka_unit_test(a_page_grows_while_it_is_in_flight),
        cmocka_unit_test(after_the_sync_nothing_is_left_to_write),
        cmocka_unit_test(full_pages_in_flight_are_written_once),
        cmocka_unit_test(failures_on_both_sides),
        cmocka_unit_test(one_failed_sync_after_another),
        cmocka_unit_test(any_order_keeps_what_was_synced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
