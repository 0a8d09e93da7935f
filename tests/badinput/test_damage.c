/*
 * badinput/test_damage.c: every bit of a small journal's pages and frames, and larger holes in them.
 *
 * A record whose page does not verify is refused or, at the end, gone; a value whose frame does not verify is refused
 * or, behind the watermark, gone with its record. What is given is what was appended, and errors name file and place.
 */
#include "badinput/badinput.h"

#include <string.h>

static void flip(bytes_t *file, size_t bit)
{
    file->data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
}

/* --- single bits --- */

static void flip_pages(leave_t leave)
{
    vault_t vault;
    open_vault(&vault, leave);
    for (size_t bit = (size_t)INDEX_DATA_OFFSET * 8; bit < vault.sample.index.size * 8; bit++) {
        mend(&vault);
        flip(&vault.damaged.index, bit);
        verdict_t verdict = judge(&vault);
        assert_int_equal(verdict.status, SEGJ_OK);
        try_damaged(&vault, &verdict, bit % 8 == 3);
    }
    close_vault(&vault);
}

static void each_bit_of_the_pages_of_a_closed_journal(void **state)
{
    flip_pages(LEAVE_CLOSED);
}

static void each_bit_of_the_pages_of_a_dropped_journal(void **state)
{
    flip_pages(LEAVE_DROPPED);
}

static void flip_frames(leave_t leave)
{
    vault_t vault;
    open_vault(&vault, leave);
    for (size_t bit = (size_t)VALUES_DATA_OFFSET * 8; bit < vault.sample.values.size * 8; bit++) {
        mend(&vault);
        flip(&vault.damaged.values, bit);
        verdict_t verdict = judge(&vault);
        size_t record = (bit / 8 - VALUES_DATA_OFFSET) / SAMPLE_FRAME;
        assert_int_equal(verdict.status, SEGJ_OK);
        assert_false(verdict.value_right[record]);
        assert_int_equal(verdict.kept, leave == LEAVE_CLOSED ? SAMPLES : record);
        try_damaged(&vault, &verdict, bit % 8 == 5);
    }
    close_vault(&vault);
}

static void each_bit_of_the_frames_of_a_closed_journal(void **state)
{
    flip_frames(LEAVE_CLOSED);
}

static void each_bit_of_the_frames_of_a_dropped_journal(void **state)
{
    flip_frames(LEAVE_DROPPED);
}

/* --- holes --- */

typedef enum hole { HOLE_ZEROS, HOLE_ONES, HOLE_NEIGHBOUR } hole_t;

/* Each page, one by one and in runs: zeros, ones, and the page before it (valid, in the wrong place). */
static void damage_pages(vault_t *vault, size_t first, size_t last, hole_t hole)
{
    uint8_t *pages = vault->damaged.index.data + INDEX_DATA_OFFSET;
    const uint8_t *sample = vault->sample.index.data + INDEX_DATA_OFFSET;
    for (size_t page = first; page <= last; page++) {
        uint8_t *at = pages + page * PHYSICAL_PAGE;
        size_t other = (page + SAMPLE_PAGES - 1) % SAMPLE_PAGES;
        if (hole == HOLE_NEIGHBOUR)
            memcpy(at, sample + other * PHYSICAL_PAGE, PHYSICAL_PAGE);
        else
            memset(at, hole == HOLE_ZEROS ? 0 : 0xFF, PHYSICAL_PAGE);
    }
}

static void lose_pages(leave_t leave, hole_t hole)
{
    vault_t vault;
    open_vault(&vault, leave);
    for (size_t first = 0; first < SAMPLE_PAGES; first++)
        for (size_t last = first; last < SAMPLE_PAGES; last++) {
            mend(&vault);
            damage_pages(&vault, first, last, hole);
            verdict_t verdict = judge(&vault);
            assert_int_equal(verdict.status, SEGJ_OK);
            assert_false(verdict.readable[first * SMALL_PAGE / SMALL_RECORD]);
            try_damaged(&vault, &verdict, true);
        }
    close_vault(&vault);
}

static void pages_that_are_zeros(void **state)
{
    lose_pages(LEAVE_CLOSED, HOLE_ZEROS);
    lose_pages(LEAVE_DROPPED, HOLE_ZEROS);
}

static void pages_that_are_ones(void **state)
{
    lose_pages(LEAVE_CLOSED, HOLE_ONES);
    lose_pages(LEAVE_DROPPED, HOLE_ONES);
}

/* A page is bound to its number: a valid one in the wrong place is damage. */
static void pages_in_each_others_places(void **state)
{
    lose_pages(LEAVE_CLOSED, HOLE_NEIGHBOUR);
    lose_pages(LEAVE_DROPPED, HOLE_NEIGHBOUR);
}

/* A frame is bound to its offset: one that is whole but lies where another lay has the wrong checksum. */
static void swap_frames(leave_t leave)
{
    vault_t vault;
    open_vault(&vault, leave);
    for (size_t one = 0; one < SAMPLES; one++)
        for (size_t two = one + 1; two < SAMPLES; two++) {
            mend(&vault);
            uint8_t *frames = vault.damaged.values.data + VALUES_DATA_OFFSET;
            const uint8_t *sample = vault.sample.values.data + VALUES_DATA_OFFSET;
            memcpy(frames + one * SAMPLE_FRAME, sample + two * SAMPLE_FRAME, SAMPLE_FRAME);
            memcpy(frames + two * SAMPLE_FRAME, sample + one * SAMPLE_FRAME, SAMPLE_FRAME);
            verdict_t verdict = judge(&vault);
            assert_false(verdict.value_right[one] || verdict.value_right[two]);
            try_damaged(&vault, &verdict, true);
        }
    close_vault(&vault);
}

static void frames_in_each_others_places(void **state)
{
    swap_frames(LEAVE_CLOSED);
    swap_frames(LEAVE_DROPPED);
}

/* A hole of zeros is no frame, not even an empty one. */
static void frames_that_are_zeros(void **state)
{
    const leave_t leaves[] = {LEAVE_CLOSED, LEAVE_DROPPED};
    for (size_t i = 0; i < COUNT_OF(leaves); i++) {
        vault_t vault;
        open_vault(&vault, leaves[i]);
        for (size_t record = 0; record < SAMPLES; record++) {
            mend(&vault);
            memset(vault.damaged.values.data + VALUES_DATA_OFFSET + record * SAMPLE_FRAME, 0, SAMPLE_FRAME);
            verdict_t verdict = judge(&vault);
            assert_false(verdict.value_right[record]);
            try_damaged(&vault, &verdict, true);
        }
        close_vault(&vault);
    }
}

/* --- bytes behind the end --- */

/* Zeros, anything, and bytes that are valid elsewhere in the same file. */
static void add_garbage(bytes_t *file, size_t size, hole_t garbage)
{
    if (garbage == HOLE_NEIGHBOUR)
        memcpy(file->data + file->size, file->data + file->size - size, size);
    else
        memset(file->data + file->size, garbage == HOLE_ZEROS ? 0 : 0xDE, size);
    file->size += size;
}

static void garbage_behind_the_end_is_cut(void **state)
{
    const leave_t leaves[] = {LEAVE_CLOSED, LEAVE_DROPPED};
    for (size_t i = 0; i < 2 * COUNT_OF(leaves); i++) {
        vault_t vault;
        open_vault(&vault, leaves[i / 2]);
        for (size_t size = 1; size <= (size_t)2 * PHYSICAL_PAGE; size++) {
            mend(&vault);
            add_garbage(i % 2 == 0 ? &vault.damaged.index : &vault.damaged.values, size, (hole_t)(size % 3));
            verdict_t verdict = judge(&vault);
            assert_int_equal(verdict.status, SEGJ_OK);
            assert_int_equal(verdict.kept, SAMPLES);
            try_damaged(&vault, &verdict, true);
        }
        close_vault(&vault);
    }
}

/* --- changes of a damaged journal --- */

/* A rewind that would end in the damaged page is refused, and changes nothing; one that ends before it is made. */
static void a_rewind_into_a_damaged_page_is_refused(void **state)
{
    vault_t vault;
    oversized_t *journal;
    uint64_t count;
    open_vault(&vault, LEAVE_CLOSED);
    damage_pages(&vault, 1, 1, HOLE_ZEROS);
    put_damaged(&vault);
    assert_ok(oversized_open(&vault.config, &journal));
    for (uint64_t records = 4; records < 7; records++) {
        assert_status(oversized_rewind(journal, VAULT_SECTION, records * SMALL_RECORD), SEGJ_ERR_CORRUPT);
        assert_sentence(vault.index_path.text, "offset", "page 1");
        assert_status(oversized_rewind_section(journal, VAULT_SECTION, records * SMALL_RECORD), SEGJ_ERR_CORRUPT);
    }
    assert_null(oversized_error(journal));
    assert_still_damaged(&vault);
    assert_ok(oversized_rewind(journal, VAULT_SECTION, (uint64_t)3 * SMALL_RECORD));
    assert_ok(oversized_count(journal, VAULT_SECTION, &count));
    assert_int_equal(count, 3);
    assert_ok(oversized_close(journal));
    assert_at_rest(&vault, 3);
    close_vault(&vault);
}

/* Record 3 begins in page 0 and ends in page 1. A section that ended with it would lose it at the next open, and
 * with it everything before: what a rewind leaves last is readable from its first byte to its last. */
static void a_rewind_to_a_record_that_begins_in_a_damaged_page_is_refused(void **state)
{
    vault_t vault;
    oversized_t *journal;
    uint64_t count;
    open_vault(&vault, LEAVE_CLOSED);
    damage_pages(&vault, 0, 0, HOLE_ZEROS);
    put_damaged(&vault);
    assert_ok(oversized_open(&vault.config, &journal));
    assert_status(oversized_rewind(journal, VAULT_SECTION, (uint64_t)4 * SMALL_RECORD), SEGJ_ERR_CORRUPT);
    assert_sentence(vault.index_path.text, "offset", "page 0");
    assert_status(oversized_rewind_section(journal, VAULT_SECTION, (uint64_t)4 * SMALL_RECORD), SEGJ_ERR_CORRUPT);
    assert_null(oversized_error(journal));
    assert_still_damaged(&vault);
    assert_ok(oversized_rewind(journal, VAULT_SECTION, (uint64_t)5 * SMALL_RECORD));
    assert_ok(oversized_close(journal));
    vault.config.strict = true;
    assert_ok(oversized_open(&vault.config, &journal));
    assert_ok(oversized_count(journal, VAULT_SECTION, &count));
    assert_int_equal(count, 5);
    check_sample(journal, VAULT_SECTION, 4);
    assert_ok(oversized_close(journal));
    close_vault(&vault);
}

/* Damage that came after the page was read, and is not in the page cache: a rewind looks at the file. */
static void a_rewind_into_a_page_that_was_damaged_since_is_refused(void **state)
{
    vault_t vault;
    oversized_t *journal;
    open_vault(&vault, LEAVE_CLOSED);
    assert_ok(oversized_open(&vault.config, &journal));
    for (uint64_t i = 0; i < SAMPLES; i++)
        check_sample(journal, VAULT_SECTION, i);
    damage_pages(&vault, 1, 1, HOLE_ZEROS);
    put_damaged(&vault);
    for (uint64_t records = 4; records < 7; records++) {
        assert_status(oversized_rewind(journal, VAULT_SECTION, records * SMALL_RECORD), SEGJ_ERR_CORRUPT);
        assert_sentence(vault.index_path.text, "offset", "page 1");
    }
    assert_null(oversized_error(journal));
    oversized_abandon(journal);
    assert_still_damaged(&vault);
    close_vault(&vault);
}

/* A checkpoint that ends in a damaged page or in a location past the values cannot be restored. */
static void a_checkpoint_in_a_damaged_page_is_refused(void **state)
{
    vault_t vault;
    oversized_t *journal = NULL;
    oversized_checkpoint_t checkpoint = {0, VAULT_SECTION, (uint64_t)5 * SMALL_RECORD};
    open_vault(&vault, LEAVE_CLOSED);
    damage_pages(&vault, 1, 1, HOLE_ONES);
    put_damaged(&vault);
    vault.config.checkpoint = &checkpoint;
    assert_status(oversized_open(&vault.config, &journal), SEGJ_ERR_CORRUPT);
    assert_sentence(vault.index_path.text, "record 4");
    assert_null(journal);
    assert_still_damaged(&vault);
    checkpoint.index_size = (uint64_t)3 * SMALL_RECORD;
    assert_ok(oversized_open(&vault.config, &journal));
    oversized_abandon(journal);
    assert_at_rest(&vault, 3);
    close_vault(&vault);
}

/* Appending to a section with damage in its middle goes on behind its end, and mends nothing. */
static void appends_go_on_behind_a_damaged_page(void **state)
{
    vault_t vault;
    oversized_t *journal;
    open_vault(&vault, LEAVE_CLOSED);
    damage_pages(&vault, 0, 0, HOLE_ONES);
    put_damaged(&vault);
    for (uint64_t i = SAMPLES; i < SAMPLES + 3; i++) {
        uint64_t position = 0;
        assert_ok(oversized_open(&vault.config, &journal));
        oversized_location_t location =
            append_filled(journal, VAULT_SECTION, 100 + i, (uint8_t)(0x40 + i), 16, &position);
        assert_int_equal(position, i);
        assert_int_equal(location.offset, i * SAMPLE_FRAME);
        assert_ok(oversized_close(journal));
    }
    assert_ok(oversized_open(&vault.config, &journal));
    for (uint64_t i = 0; i < 4; i++)
        assert_status(oversized_get(journal, VAULT_SECTION, i, NULL, NULL), SEGJ_ERR_CORRUPT);
    for (uint64_t i = 4; i < SAMPLES + 3; i++)
        check_sample(journal, VAULT_SECTION, i);
    oversized_abandon(journal);
    close_vault(&vault);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_bit_of_the_pages_of_a_closed_journal),
        cmocka_unit_test(each_bit_of_the_pages_of_a_dropped_journal),
        cmocka_unit_test(each_bit_of_the_frames_of_a_closed_journal),
        cmocka_unit_test(each_bit_of_the_frames_of_a_dropped_journal),
        cmocka_unit_test(pages_that_are_zeros),
        cmocka_unit_test(pages_that_are_ones),
        cmocka_unit_test(pages_in_each_others_places),
        cmocka_unit_test(frames_in_each_others_places),
        cmocka_unit_test(frames_that_are_zeros),
        cmocka_unit_test(garbage_behind_the_end_is_cut),
        cmocka_unit_test(a_rewind_into_a_damaged_page_is_refused),
        cmocka_unit_test(a_rewind_to_a_record_that_begins_in_a_damaged_page_is_refused),
        cmocka_unit_test(a_rewind_into_a_page_that_was_damaged_since_is_refused),
        cmocka_unit_test(a_checkpoint_in_a_damaged_page_is_refused),
        cmocka_unit_test(appends_go_on_behind_a_damaged_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
