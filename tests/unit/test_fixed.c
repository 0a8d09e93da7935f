/*
 * journal/fixed.c: the header, the watermark, and reading from memory, from the page cache and from the file. Cuts are
 * in test_fixed_cut.c.
 *
 * LINK_WRAP: malloc calloc realloc
 */
#include "unit/index_file.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "unit/wrapped_memory.h"

enum { P = SMALL_PAGE, R = SMALL_RECORD, PHYSICAL = P + PAGE_CHECKSUMS };

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const rig_sizes_t small = {0};

/* --- the header --- */

static void a_new_header_is_an_identity_and_two_absent_slots(void **state)
{
    index_file_t *index = index_new(small);
    uint8_t expected[INDEX_DATA_OFFSET] = {0};
    encode_identity(
        expected,
        &(identity_t){
            .version = 1, .kind = IDENTITY_INDEX, .page_size = P, .record_size = R, .section = INDEX_SECTION});
    bytes_t file = index_bytes(index);
    assert_int_equal(file.size, sizeof expected);
    assert_memory_equal(file.data, expected, sizeof expected);
    assert_int_equal(index_watermark(index), 0);
    free_bytes(&file);
    assert_ok(segj_fixed_write_header(&index->fixed, &index->rig->shared, index_handle(index)));
    assert_changes(index->rig->recorder, "write index/7 0+12288"); /* in one go, and not synced */
    index_free(index);
}

/* A header that is written again leaves slots alone that say something. */
static void a_header_written_again_keeps_its_slots(void **state)
{
    index_file_t *index = index_new(small);
    assert_ok(segj_fixed_mark(&index->fixed, index_handle(index), (segj_point_t){.records = 5}));
    bytes_t before = index_bytes(index);
    const uint8_t damage[HEADER_BLOCK] = {0};
    rig_write(index->rig, &index->rig->shared.index, INDEX_SECTION, 0, damage, sizeof damage);
    recorder_clear(index->rig->recorder);
    assert_ok(segj_fixed_write_header(&index->fixed, &index->rig->shared, index_handle(index)));
    assert_changes(index->rig->recorder, "write index/7 0+4096");
    bytes_t after = index_bytes(index);
    assert_int_equal(after.size, before.size);
    assert_memory_equal(after.data, before.data, before.size);
    free_bytes(&before);
    free_bytes(&after);
    index_free(index);
}

static void each_section_has_an_id_of_its_own_in_the_cache(void **state)
{
    rig_t *rig = rig_new(small);
    segj_fixed_t first;
    segj_fixed_t second;
    segj_fixed_init(&first, &rig->shared, 1);
    segj_fixed_init(&second, &rig->shared, 1); /* the same number again, as after a removal */
    assert_true(first.cache_id != second.cache_id);
    assert_null(first.tail);
    assert_int_equal(first.records, 0);
    rig_free(rig);
}

static void a_files_size_follows_from_its_records(void **state)
{
    static const struct {
        uint64_t records, pages;
    } cases[] = {{0, 0}, {1, 1}, {3, 1}, {4, 2}, {6, 2}, {7, 3}, {16, 5}, {17, 6}, {1000000, 312500}};
    rig_t *rig = rig_new(small);
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(segj_fixed_file_size(&rig->shared, INDEX_DATA_OFFSET, cases[i].records),
                         INDEX_DATA_OFFSET + cases[i].pages * PHYSICAL);
    /* Beyond 32 bits, too: 2^40 records of 20 bytes. */
    uint64_t records = UINT64_C(1) << 40;
    assert_int_equal(segj_fixed_file_size(&rig->shared, INDEX_DATA_OFFSET, records),
                     INDEX_DATA_OFFSET + records / 16 * 5 * PHYSICAL);
    rig_free(rig);
}

/* --- the watermark --- */

static void check_slot(index_file_t *index, unsigned slot, uint64_t records, uint32_t sequence)
{
    watermark_t found = {0, 0};
    assert_true(index_slot(index, slot, &found));
    assert_int_equal(found.records, records);
    assert_int_equal(found.sequence, sequence);
}

static void check_absent(index_file_t *index, unsigned slot)
{
    watermark_t found;
    assert_false(index_slot(index, slot, &found));
}

static void marks_use_the_slots_in_turn(void **state)
{
    index_file_t *index = index_new(small);
    assert_ok(segj_fixed_mark(&index->fixed, index_handle(index), (segj_point_t){.records = 10}));
    check_slot(index, 0, 10, 1);
    check_absent(index, 1);
    assert_ok(segj_fixed_mark(&index->fixed, index_handle(index), (segj_point_t){.records = 20}));
    check_slot(index, 0, 10, 1);
    check_slot(index, 1, 20, 2);
    assert_int_equal(index_watermark(index), 20);
    assert_ok(segj_fixed_mark(&index->fixed, index_handle(index), (segj_point_t){.records = 30}));
    check_slot(index, 0, 30, 3);
    check_slot(index, 1, 20, 2);
    assert_int_equal(index_watermark(index), 30);
    assert_int_equal(index->fixed.mark.records, 30);
    assert_changes(index->rig->recorder, /* 16 bytes each, and no sync */
                   "write index/7 4096+16; write index/7 8192+16; write index/7 4096+16");
    index_free(index);
}

static void a_mark_goes_on_from_what_the_file_has(void **state)
{
    index_file_t *index = index_new(small);
    index_set_slots(index, (watermark_t){10, 41}, (watermark_t){8, 40});
    assert_ok(segj_fixed_mark(&index->fixed, index_handle(index), (segj_point_t){.records = 12}));
    check_slot(index, 0, 10, 41);
    check_slot(index, 1, 12, 42);
    index_set_slots(index, (watermark_t){0, 0}, (watermark_t){8, 40}); /* one is absent */
    assert_ok(segj_fixed_mark(&index->fixed, index_handle(index), (segj_point_t){.records = 12}));
    check_slot(index, 0, 12, 41);
    check_slot(index, 1, 8, 40);
    index_free(index);
}

/* The slot that counts is never the one that is written, so a mark that is lost or torn leaves the one before. */
static void a_failed_mark_leaves_the_one_before(void **state)
{
    for (size_t bytes = 0; bytes < 16; bytes++) {
        index_file_t *index = index_new(small);
        assert_ok(segj_fixed_mark(&index->fixed, index_handle(index), (segj_point_t){.records = 10}));
        assert_ok(segj_fixed_mark(&index->fixed, index_handle(index),
                                  (segj_point_t){.records = UINT64_C(0x1111111111111111)}));
        recorder_tear(index->rig->recorder, 0, bytes, EIO);
        assert_status(segj_fixed_mark(&index->fixed, index_handle(index),
                                      (segj_point_t){.records = UINT64_C(0x2222222222222222)}),
                      SEGJ_ERR_IO);
        assert_int_equal(index_watermark(index), UINT64_C(0x1111111111111111));
        assert_int_equal(index->fixed.mark.records, UINT64_C(0x1111111111111111));
        assert_ok(segj_fixed_mark(&index->fixed, index_handle(index),
                                  (segj_point_t){.records = 30})); /* in the same slot again */
        check_slot(index, 0, 30, 3);
        check_slot(index, 1, UINT64_C(0x1111111111111111), 2);
        index_free(index);
    }
}

/* Without a number for another mark W lags, which is no failure. */
static void at_the_end_of_the_numbers_marks_lag(void **state)
{
    index_file_t *index = index_new(small);
    index_set_slots(index, (watermark_t){10, UINT32_MAX - 3}, (watermark_t){9, UINT32_MAX - 4});
    assert_ok(segj_fixed_mark(&index->fixed, index_handle(index), (segj_point_t){.records = 11}));
    check_slot(index, 1, 11, UINT32_MAX - 2);
    recorder_clear(index->rig->recorder);
    assert_ok(segj_fixed_mark(&index->fixed, index_handle(index), (segj_point_t){.records = 12}));
    assert_ok(segj_fixed_mark(&index->fixed, index_handle(index), (segj_point_t){.records = 13}));
    assert_changes(index->rig->recorder, "");
    assert_int_equal(index_watermark(index), 11);
    index_set_slots(index, (watermark_t){10, UINT32_MAX}, (watermark_t){9, UINT32_MAX - 1}); /* the very last */
    assert_ok(segj_fixed_mark(&index->fixed, index_handle(index), (segj_point_t){.records = 13}));
    assert_int_equal(index_watermark(index), 10);
    index_free(index);
}

/* --- reading --- */

static void bytes_are_read_from_memory(void **state)
{
    index_file_t *index = index_new((rig_sizes_t){.index_capacity = 8 * PHYSICAL});
    index_append(index, 20); /* nothing is written yet; records cross pages */
    for (uint64_t offset = 0; offset < 20 * R; offset++)
        assert_ok(index_read(index, offset, (size_t)(20 * R - offset)));
    assert_int_equal(recorder_count(index->rig->recorder, RECORD_FILE_READ), 0);
    index_free(index);
}

static void bytes_are_read_from_the_file_and_then_from_the_cache(void **state)
{
    index_file_t *index = index_new(small);
    index_fill(index, 20);                /* 400 bytes: 7 pages */
    assert_ok(index_read(index, 60, 20)); /* crosses from page 0 to page 1 */
    assert_calls(index->rig->recorder, RECORD_BIT(RECORD_FILE_READ), "read index/7 12288+76; read index/7 12364+76");
    for (uint64_t offset = 0; offset < 2 * P; offset++)
        assert_ok(index_read(index, offset, (size_t)(2 * P - offset)));
    assert_calls(index->rig->recorder, RECORD_BIT(RECORD_FILE_READ), "");
    assert_ok(index_read(index, 0, 20 * R));
    assert_int_equal(recorder_count(index->rig->recorder, RECORD_FILE_READ), 5);
    index_free(index);
}

/* One read that has a part of each: page 0 from the cache, 1 from the file, the rest from memory. */
static void a_read_crosses_from_cache_to_file_to_memory(void **state)
{
    index_file_t *index = index_new(small);
    index_fill(index, 8); /* 160 bytes: pages 0 and 1 full, 32 bytes of page 2 */
    assert_ok(index_read(index, 0, P));
    index_append(index, 6); /* 280 bytes */
    recorder_clear(index->rig->recorder);
    assert_ok(index_read(index, 0, 14 * R));
    assert_calls(index->rig->recorder, RECORD_BIT(RECORD_FILE_READ), "read index/7 12364+76");
    index_free(index);
}

/* A partial page is in the cache; it grows; who wants more than the cache has reads the page again. */
static void a_page_that_has_grown_is_read_again(void **state)
{
    index_file_t *index = index_new(small);
    index_fill(index, 1);
    assert_ok(index_read(index, 0, R));
    index_fill(index, 1);
    assert_ok(index_read(index, 0, R));
    assert_int_equal(recorder_count(index->rig->recorder, RECORD_FILE_READ), 0); /* the cache has this much */
    assert_ok(index_read(index, 0, 2 * R));
    assert_int_equal(recorder_count(index->rig->recorder, RECORD_FILE_READ), 1);
    assert_ok(index_read(index, 0, 2 * R));
    assert_int_equal(recorder_count(index->rig->recorder, RECORD_FILE_READ), 1);
    index_free(index);
}

static void a_read_opens_a_closed_file_and_pins_it(void **state)
{
    index_file_t *index = index_new((rig_sizes_t){.files_limit = 1});
    index_fill(index, 4);
    segj_lock(&index->rig->shared.state);
    segj_files_unpin(&index->rig->shared.files, &index->fixed.handle);
    segj_files_forget(&index->rig->shared.files, &index->fixed.handle);
    segj_unlock(&index->rig->shared.state);
    recorder_fail(index->rig->recorder, RECORD_FILE_OPEN, 0, 1, EMFILE);
    assert_status(index_read(index, 0, R), SEGJ_ERR_IO);
    assert_ok(index_read(index, 0, R));
    assert_int_equal(index->fixed.handle.pins, 0);
    assert_int_equal(index->rig->shared.files.open, 1);
    index_free(index);
}

/* Looks whether the state lock is free. */
static void look_at_the_lock(void *context, const record_t *call)
{
    index_file_t *index = context;
    if (call->kind != RECORD_FILE_READ)
        return;
    assert_int_equal(index->fixed.handle.pins, 2); /* the fixture's and the read's: nobody closes it now */
    assert_true(segj_try_lock(&index->rig->shared.state));
    segj_unlock(&index->rig->shared.state);
}

static void the_state_lock_is_free_while_the_file_is_read(void **state)
{
    index_file_t *index = index_new(small);
    index_fill(index, 20);
    recorder_watch(index->rig->recorder, look_at_the_lock, index);
    assert_ok(index_read(index, 0, 20 * R));
    assert_int_equal(recorder_count(index->rig->recorder, RECORD_FILE_READ), 7);
    assert_int_equal(index->fixed.handle.pins, 1);
    index_free(index);
}

/* All frames are taken by other readers: a page is read into memory of one's own. */
static void a_full_cache_does_not_keep_from_reading(void **state)
{
    index_file_t *index = index_new((rig_sizes_t){.cache_pages = 1});
    index_fill(index, 10);
    uint8_t *frame = segj_page_cache_reserve(index->rig->shared.cache);
    assert_non_null(frame);
    assert_ok(index_read(index, 0, 10 * R));
    allocations_left = 2; /* those of index_read(); the reader finds none */
    segj_status_t status = index_read(index, 0, R);
    allocations_left = -1;
    assert_int_equal(status, SEGJ_ERR_MEMORY);
    segj_page_cache_cancel(index->rig->shared.cache, frame);
    assert_ok(index_read(index, 0, 10 * R));
    index_free(index);
}

/* Every frame of the cache is to be had again after reads that failed in whichever way. */
static void check_no_frame_is_lost(index_file_t *index)
{
    enum { FRAMES = 8 };
    uint8_t *frames[FRAMES];
    for (int i = 0; i < FRAMES; i++) {
        frames[i] = segj_page_cache_reserve(index->rig->shared.cache);
        assert_non_null(frames[i]);
    }
    for (int i = 0; i < FRAMES; i++)
        segj_page_cache_cancel(index->rig->shared.cache, frames[i]);
}

static void a_damaged_page_is_said_to_be_so_and_not_kept(void **state)
{
    index_file_t *index = index_new(small);
    index_fill(index, 10);
    const uint64_t at = INDEX_DATA_OFFSET + PHYSICAL + 5;
    bytes_t file = index_bytes(index);
    const uint8_t wrong = (uint8_t)~file.data[at];
    for (int i = 0; i < 20; i++) {
        rig_write(index->rig, &index->rig->shared.index, INDEX_SECTION, at, &wrong, 1);
        assert_status(index_read(index, P, 1), SEGJ_ERR_CORRUPT);
        assert_non_null(strstr(segj_last_error(), "rig/index/0000000000000007, offset 12364: index page 1 is damaged"));
        assert_ok(index_read(index, 0, P)); /* the others are not */
        assert_ok(index_read(index, 2 * P, P));
        assert_status(index_read(index, 0, 3 * P), SEGJ_ERR_CORRUPT);
    }
    check_no_frame_is_lost(index);
    rig_write(index->rig, &index->rig->shared.index, INDEX_SECTION, at, &file.data[at], 1);
    assert_ok(index_read(index, 0, 3 * P));
    assert_int_equal(index->fixed.handle.pins, 1);
    free_bytes(&file);
    index_free(index);
}

/* A page of another place is whole, and not this one. */
static void a_page_of_another_place_is_damage(void **state)
{
    index_file_t *index = index_new(small);
    index_fill(index, 10);
    bytes_t file = index_bytes(index);
    rig_write(index->rig, &index->rig->shared.index, INDEX_SECTION, INDEX_DATA_OFFSET + PHYSICAL,
              file.data + INDEX_DATA_OFFSET, PHYSICAL);
    assert_status(index_read(index, P, P), SEGJ_ERR_CORRUPT);
    free_bytes(&file);
    index_free(index);
}

static void a_page_that_is_too_short_is_damage(void **state)
{
    index_file_t *index = index_new(small);
    index_fill(index, 5); /* 100 bytes: page 1 has 36 */
    assert_status(index_read(index, P + 30, 7), SEGJ_ERR_CORRUPT);
    rig_cut(index->rig, &index->rig->shared.index, INDEX_SECTION, INDEX_DATA_OFFSET + 2 * PHYSICAL - 1);
    segj_fixed_t *fixed = &index->fixed;
    fixed->cache_id = segj_page_cache_id(index->rig->shared.cache);
    assert_status(index_read(index, P, 36), SEGJ_ERR_CORRUPT); /* the file ends within the page */
    assert_status(index_read(index, 2 * P, 1), SEGJ_ERR_CORRUPT);
    assert_ok(index_read(index, 0, P));
    check_no_frame_is_lost(index);
    index_free(index);
}

/* An error of the storage is no damage: the page may be whole. */
static void a_failed_read_is_an_error_and_may_be_made_again(void **state)
{
    index_file_t *index = index_new(small);
    index_fill(index, 10);
    for (int i = 0; i < 20; i++) {
        recorder_fail(index->rig->recorder, RECORD_FILE_READ, 0, 1, EIO);
        assert_status(index_read(index, 0, R), SEGJ_ERR_IO);
    }
    check_no_frame_is_lost(index);
    assert_ok(index_read(index, 0, R));
    assert_int_equal(index->fixed.handle.pins, 1);
    index_free(index);
}

/* The reader is about to read the last page from the file; the section wakes, and the page is being written. */
typedef struct waking {
    index_file_t *index;
    int activations; /* how often it may still wake */
} waking_t;

static void wake_and_write(void *context, const record_t *call)
{
    waking_t *waking = context;
    if (call->kind != RECORD_FILE_READ || waking->activations == 0)
        return;
    waking->activations = 0; /* its own read is not meant */
    index_wake(waking->index);
    static const uint8_t torn[20];
    rig_write(waking->index->rig, &waking->index->rig->shared.index, INDEX_SECTION, INDEX_DATA_OFFSET, torn,
              sizeof torn);
}

static void a_page_read_while_it_is_written_is_no_damage(void **state)
{
    index_file_t *index = index_new(small);
    index_fill(index, 2);
    waking_t waking = {.index = index, .activations = 1};
    recorder_watch(index->rig->recorder, wake_and_write, &waking);
    assert_ok(index_read(index, 0, 2 * R));
    assert_int_equal(waking.activations, 0);
    check_no_frame_is_lost(index);
    index_free(index);
}

static void take_records_away(void *context, const record_t *call)
{
    index_file_t *index = context;
    segj_lock(&index->rig->shared.state);
    index->fixed.records = 3;
    segj_unlock(&index->rig->shared.state);
}

/* A rewind between a record's first page and its second: in memory there may now be bytes that are just being
 * appended, and that nobody may look at. */
static void a_read_ends_where_records_go_away_beneath_it(void **state)
{
    index_file_t *index = index_new(small);
    index_fill(index, 10);
    index_wake(index); /* its last page is in memory */
    recorder_clear(index->rig->recorder);
    assert_true(9 * R / P < (10 * R - 1) / P);
    recorder_watch(index->rig->recorder, take_records_away, index);
    assert_status(index_read(index, 9 * R, R), SEGJ_ERR_CORRUPT);
    assert_int_equal(recorder_count(index->rig->recorder, RECORD_FILE_READ), 1);
    check_no_frame_is_lost(index);
    index_free(index);
}

/* After a rewind the section has another id: what the cache has under the old one is not seen. */
static void a_new_cache_id_hides_what_was_cached(void **state)
{
    index_file_t *index = index_new(small);
    index_fill(index, 10);
    assert_ok(index_read(index, 0, R));
    index->fixed.cache_id = segj_page_cache_id(index->rig->shared.cache);
    recorder_clear(index->rig->recorder);
    assert_ok(index_read(index, 0, R));
    assert_int_equal(recorder_count(index->rig->recorder, RECORD_FILE_READ), 1);
    index_free(index);
}

/* --- waking and resting --- */

static void a_section_wakes_at_its_end(void **state)
{
    for (uint64_t records = 0; records <= 20; records++) {
        index_file_t *index = index_new(small);
        index_fill(index, records);
        index_append(index, 1);
        index_sync(index);
        assert_ok(index_read(index, 0, (size_t)(records + 1) * R));
        index_rest(index);
        segj_pool_free(&index->rig->shared.pages);
        assert_int_equal(index->rig->shared.budget.used, 0);
        assert_ok(index_read(index, 0, (size_t)(records + 1) * R));
        index_rest(index); /* at rest already */
        index_free(index);
    }
}

static void a_section_that_cannot_wake_stays_at_rest(void **state)
{
    index_file_t *index = index_new(small);
    index_fill(index, 5);
    segj_pool_free(&index->rig->shared.pages);
    for (int left = 0; left < 2; left++) {
        allocations_left = left;
        segj_status_t status = segj_fixed_activate(&index->fixed, &index->rig->shared);
        allocations_left = -1;
        assert_int_equal(status, SEGJ_ERR_MEMORY);
        assert_null(index->fixed.tail);
    }
    recorder_fail(index->rig->recorder, RECORD_FILE_READ, 0, 1, EIO);
    assert_status(segj_fixed_activate(&index->fixed, &index->rig->shared), SEGJ_ERR_IO);
    assert_null(index->fixed.tail);
    index->fixed.records = 4; /* the last page says otherwise */
    assert_status(segj_fixed_activate(&index->fixed, &index->rig->shared), SEGJ_ERR_CORRUPT);
    assert_null(index->fixed.tail);
    index->fixed.records = 5;
    index_wake(index);
    assert_ok(index_read(index, 0, 5 * R));
    index_free(index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_header_is_an_identity_and_two_absent_slots),
        cmocka_unit_test(a_header_written_again_keeps_its_slots),
        cmocka_unit_test(each_section_has_an_id_of_its_own_in_the_cache),
        cmocka_unit_test(a_files_size_follows_from_its_records),
        cmocka_unit_test(marks_use_the_slots_in_turn),
        cmocka_unit_test(a_mark_goes_on_from_what_the_file_has),
        cmocka_unit_test(a_failed_mark_leaves_the_one_before),
        cmocka_unit_test(at_the_end_of_the_numbers_marks_lag),
        cmocka_unit_test(bytes_are_read_from_memory),
        cmocka_unit_test(bytes_are_read_from_the_file_and_then_from_the_cache),
        cmocka_unit_test(a_read_crosses_from_cache_to_file_to_memory),
        cmocka_unit_test(a_page_that_has_grown_is_read_again),
        cmocka_unit_test(a_read_opens_a_closed_file_and_pins_it),
        cmocka_unit_test(the_state_lock_is_free_while_the_file_is_read),
        cmocka_unit_test(a_full_cache_does_not_keep_from_reading),
        cmocka_unit_test(a_damaged_page_is_said_to_be_so_and_not_kept),
        cmocka_unit_test(a_page_of_another_place_is_damage),
        cmocka_unit_test(a_page_that_is_too_short_is_damage),
        cmocka_unit_test(a_failed_read_is_an_error_and_may_be_made_again),
        cmocka_unit_test(a_page_read_while_it_is_written_is_no_damage),
        cmocka_unit_test(a_read_ends_where_records_go_away_beneath_it),
        cmocka_unit_test(a_new_cache_id_hides_what_was_cached),
        cmocka_unit_test(a_section_wakes_at_its_end),
        cmocka_unit_test(a_section_that_cannot_wake_stays_at_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
