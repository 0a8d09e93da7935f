/*
 * journal/fixed.c: taking records back. The marks of a cut, then the cut itself, step by step, each durable before the
 * next: what is written and synced in which order, what each failing step leaves, and what a power cut would find.
 *
 * LINK_WRAP: malloc calloc realloc
 */
#include "unit/index_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "unit/blob.h"
#include "unit/wrapped_memory.h"

enum { P = SMALL_PAGE, PHYSICAL = P + PAGE_CHECKSUMS };

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const rig_sizes_t small = {0};

/* The numbers of a cut's slots begin at the next multiple of this. */
#define CUT UINT32_C(0x10000)

/* --- the marks of a cut --- */

static void check_slots(index_file_t *index, watermark_t first, watermark_t second)
{
    for (unsigned slot = 0; slot < 2; slot++) {
        watermark_t expected = slot == 0 ? first : second;
        watermark_t found = {0, 0};
        assert_int_equal(index_slot(index, slot, &found), expected.sequence > 0);
        assert_int_equal(found.records, expected.sequence > 0 ? expected.records : 0);
        assert_int_equal(found.sequence, expected.sequence);
    }
}

static void a_cut_is_marked_in_both_slots_and_synced(void **state)
{
    index_file_t *index = index_new(small);
    index_set_slots(index, (watermark_t){10, 5}, (watermark_t){9, 4});
    assert_ok(segj_fixed_mark_cut(&index->fixed, index_handle(index), (segj_point_t){.records = 6}));
    check_slots(index, (watermark_t){6, CUT + 1}, (watermark_t){6, CUT});
    assert_int_equal(index->fixed.mark.records, 6);
    assert_changes(index->rig->recorder, /* the slot that counts comes last */
                   "write index/7 8192+16; write index/7 4096+16; sync index/7");
    assert_ok(segj_fixed_clear_mark(&index->fixed, index_handle(index)));
    check_slots(index, (watermark_t){6, CUT + 1}, (watermark_t){0, 0});
    assert_changes(index->rig->recorder, "write index/7 8192+16");
    index_free(index);
}

static void the_first_cut_of_a_section_is_marked(void **state)
{
    index_file_t *index = index_new(small);
    assert_ok(segj_fixed_mark_cut(&index->fixed, index_handle(index), (segj_point_t){.records = 0}));
    check_slots(index, (watermark_t){0, CUT}, (watermark_t){0, CUT + 1});
    assert_ok(segj_fixed_clear_mark(&index->fixed, index_handle(index)));
    check_slots(index, (watermark_t){0, 0}, (watermark_t){0, CUT + 1});
    assert_ok(
        segj_fixed_mark(&index->fixed, index_handle(index), (segj_point_t){.records = 3})); /* into the cleared one */
    check_slots(index, (watermark_t){3, CUT + 2}, (watermark_t){0, CUT + 1});
    index_free(index);
}

static void a_cut_may_be_marked_again_and_again(void **state)
{
    index_file_t *index = index_new(small);
    index_set_slots(index, (watermark_t){10, 5}, (watermark_t){9, 4});
    for (uint32_t i = 1; i <= 4; i++) {
        assert_ok(segj_fixed_mark_cut(&index->fixed, index_handle(index), (segj_point_t){.records = 10 - i}));
        check_slots(index, (watermark_t){10 - i, i * CUT + 1}, (watermark_t){10 - i, i * CUT});
    }
    index_free(index);
}

/* W is 10, a cut to 6 is being marked, and one of its steps fails. What counts is 10 or 6, the section's own idea of
 * it has not changed, and the marking can be made again. A number that the file may have is no other cut's. */
static void a_marking_that_fails_can_be_made_again(void **state)
{
    static const struct {
        record_kind_t kind;
        uint32_t skip;
    } steps[] = {{RECORD_FILE_WRITE, 0}, {RECORD_FILE_WRITE, 1}, {RECORD_FILE_SYNC, 0}};
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        index_file_t *index = index_new(small);
        index_set_slots(index, (watermark_t){9, 4}, (watermark_t){10, 5});
        recorder_fail(index->rig->recorder, steps[i].kind, steps[i].skip, 1, EIO);
        assert_status(segj_fixed_mark_cut(&index->fixed, index_handle(index), (segj_point_t){.records = 6}),
                      SEGJ_ERR_IO);
        assert_int_equal(index->fixed.mark.records, 10);
        assert_int_equal(index->fixed.sequence, steps[i].kind == RECORD_FILE_WRITE ? CUT : 5);
        assert_int_equal(index->fixed.newest_slot, 1);
        uint64_t records = index_watermark(index);
        assert_true(records == 10 || records == 6);
        assert_ok(segj_fixed_mark_cut(&index->fixed, index_handle(index), (segj_point_t){.records = 6}));
        uint32_t number = steps[i].kind == RECORD_FILE_WRITE ? 2 * CUT : CUT;
        check_slots(index, (watermark_t){6, number}, (watermark_t){6, number + 1});
        index_free(index);
    }
}

/* The slots' blocks as they were when marking began and at each sync. */
typedef struct stages {
    index_file_t *index;
    uint8_t slots[4][2 * HEADER_BLOCK];
    int count;
} stages_t;

static void keep_stage(void *context, const record_t *call)
{
    stages_t *stages = context;
    if (call != NULL && call->kind != RECORD_FILE_SYNC)
        return;
    assert_true(stages->count < 4);
    bytes_t file = index_bytes(stages->index);
    memcpy(stages->slots[stages->count++], file.data + HEADER_BLOCK, 2 * HEADER_BLOCK);
    free_bytes(&file);
}

/* Both slots are written before they are synced, so a power cut may keep either, both or none, torn or whole. */
static void check_torn(const uint8_t *before, const uint8_t *after, bool last)
{
    for (size_t first = 0; first <= 16; first++) {
        for (size_t second = 0; second <= 16; second++) {
            uint8_t slots[2 * HEADER_BLOCK];
            memcpy(slots, before, sizeof slots);
            memcpy(slots, after, first);
            memcpy(slots + HEADER_BLOCK, after + HEADER_BLOCK, second);
            uint64_t records = effective_watermark(slots, INDEX_SECTION);
            assert_true(records <= 10); /* it may lag, it never runs ahead */
            if (last && (first == 16 || second == 16))
                assert_int_equal(records, 6);
        }
    }
}

static void marks_that_a_power_cut_tears_apart(void **state)
{
    static const uint32_t sequences[] = {5, 6, 255, CUT, UINT32_MAX - CUT, UINT32_MAX - CUT + 1, UINT32_MAX};
    for (size_t i = 0; i < 2 * COUNT_OF(sequences); i++) {
        uint32_t sequence = sequences[i / 2];
        stages_t stages = {.index = index_new(small)};
        watermark_t newest = {10, sequence};
        watermark_t older = {9, sequence - 1};
        index_set_slots(stages.index, i % 2 == 0 ? newest : older, i % 2 == 0 ? older : newest);
        keep_stage(&stages, NULL);
        recorder_watch(stages.index->rig->recorder, keep_stage, &stages);
        assert_ok(segj_fixed_mark_cut(&stages.index->fixed, index_handle(stages.index), (segj_point_t){.records = 6}));
        recorder_watch(stages.index->rig->recorder, NULL, NULL);
        assert_int_equal(stages.count, sequence <= UINT32_MAX - CUT ? 2 : 3);
        for (int stage = 1; stage < stages.count; stage++)
            check_torn(stages.slots[stage - 1], stages.slots[stage], stage == stages.count - 1);
        index_free(stages.index);
    }
}

/* The numbers have come to their end: slots are cleared, durably, and the numbers begin again. */
static void at_the_end_of_the_numbers_they_begin_again(void **state)
{
    static const uint32_t last[] = {UINT32_MAX - CUT + 1, UINT32_MAX - 1, UINT32_MAX};
    for (size_t i = 0; i < COUNT_OF(last); i++) {
        index_file_t *index = index_new(small);
        index_set_slots(index, (watermark_t){9, last[i] - 1}, (watermark_t){10, last[i]});
        assert_ok(segj_fixed_mark_cut(&index->fixed, index_handle(index), (segj_point_t){.records = 6}));
        assert_changes(index->rig->recorder, "write index/7 4096+16; write index/7 8192+16; sync index/7; "
                                             "write index/7 4096+16; write index/7 8192+16; sync index/7");
        check_slots(index, (watermark_t){6, CUT}, (watermark_t){6, CUT + 1});
        assert_ok(segj_fixed_clear_mark(&index->fixed, index_handle(index)));
        assert_ok(segj_fixed_mark(&index->fixed, index_handle(index), (segj_point_t){.records = 7}));
        check_slots(index, (watermark_t){7, CUT + 2}, (watermark_t){6, CUT + 1});
        index_free(index);
    }
}

static void the_last_numbers_are_used_before_they_begin_again(void **state)
{
    index_file_t *index = index_new(small);
    index_set_slots(index, (watermark_t){9, UINT32_MAX - CUT - 1}, (watermark_t){10, UINT32_MAX - CUT});
    assert_ok(segj_fixed_mark_cut(&index->fixed, index_handle(index), (segj_point_t){.records = 6}));
    check_slots(index, (watermark_t){6, UINT32_MAX - CUT + 1}, (watermark_t){6, UINT32_MAX - CUT + 2});
    assert_int_equal(index_watermark(index), 6);
    index_free(index);
}

/* W stays, and stands in both slots: for a cut of the values alone. */
static void what_is_marked_can_be_marked_in_both_slots(void **state)
{
    index_file_t *index = index_new(small);
    index_set_slots(index, (watermark_t){9, 4}, (watermark_t){10, 5});
    recorder_fail(index->rig->recorder, RECORD_FILE_WRITE, 1, 1, EIO);
    assert_status(segj_fixed_mark_again(&index->fixed, index_handle(index)), SEGJ_ERR_IO);
    assert_int_equal(index->fixed.sequence, CUT);
    assert_int_equal(index_watermark(index), 10);
    assert_ok(segj_fixed_mark_again(&index->fixed, index_handle(index)));
    check_slots(index, (watermark_t){10, 2 * CUT}, (watermark_t){10, 2 * CUT + 1});
    assert_int_equal(index->fixed.mark.records, 10);
    assert_ok(segj_fixed_clear_mark(&index->fixed, index_handle(index)));
    check_slots(index, (watermark_t){0, 0}, (watermark_t){10, 2 * CUT + 1});
    assert_ok(segj_fixed_mark(&index->fixed, index_handle(index), (segj_point_t){.records = 11}));
    check_slots(index, (watermark_t){11, 2 * CUT + 2}, (watermark_t){10, 2 * CUT + 1});
    index_free(index);
}

/* A mark that is no cut's passes over the number that says that a cut has begun. */
static void no_other_mark_has_the_number_of_a_cut(void **state)
{
    index_file_t *index = index_new(small);
    index_set_slots(index, (watermark_t){9, CUT - 2}, (watermark_t){10, CUT - 1});
    assert_ok(segj_fixed_mark(&index->fixed, index_handle(index), (segj_point_t){.records = 11}));
    check_slots(index, (watermark_t){11, CUT + 1}, (watermark_t){10, CUT - 1});
    assert_ok(segj_fixed_mark(&index->fixed, index_handle(index), (segj_point_t){.records = 12}));
    check_slots(index, (watermark_t){11, CUT + 1}, (watermark_t){12, CUT + 2});
    index_free(index);
}

/* Without a number left nothing is marked, which is never wrong. */
static void what_is_marked_goes_when_the_numbers_are_used_up(void **state)
{
    index_file_t *index = index_new(small);
    index_set_slots(index, (watermark_t){9, UINT32_MAX - 1}, (watermark_t){10, UINT32_MAX});
    assert_ok(segj_fixed_mark_again(&index->fixed, index_handle(index)));
    check_slots(index, (watermark_t){0, 0}, (watermark_t){0, 0});
    assert_int_equal(index->fixed.mark.records, 0);
    index_free(index);
}

/* Each step of beginning again fails once: W is what it was, what is asked for, or 0, which is never wrong. */
static void beginning_again_may_fail_at_each_step(void **state)
{
    static const struct {
        record_kind_t kind;
        uint32_t skip;
    } steps[] = {{RECORD_FILE_WRITE, 0}, {RECORD_FILE_WRITE, 1}, {RECORD_FILE_SYNC, 0},
                 {RECORD_FILE_WRITE, 2}, {RECORD_FILE_WRITE, 3}, {RECORD_FILE_SYNC, 1}};
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        index_file_t *index = index_new(small);
        index_set_slots(index, (watermark_t){9, UINT32_MAX - 1}, (watermark_t){10, UINT32_MAX});
        recorder_fail(index->rig->recorder, steps[i].kind, steps[i].skip, 1, EIO);
        assert_status(segj_fixed_mark_cut(&index->fixed, index_handle(index), (segj_point_t){.records = 6}),
                      SEGJ_ERR_IO);
        uint64_t records = index_watermark(index);
        assert_true(records == 10 || records == 6 || records == 0);
        assert_ok(segj_fixed_mark_cut(&index->fixed, index_handle(index), (segj_point_t){.records = 6}));
        assert_int_equal(index_watermark(index), 6);
        index_free(index);
    }
}

/* --- the cut --- */

/* What the last page says, and that its bytes are right. */
static uint16_t last_length(index_file_t *index, uint64_t page)
{
    bytes_t file = index_bytes(index);
    assert_int_equal(file.size, INDEX_DATA_OFFSET + (page + 1) * PHYSICAL);
    const uint8_t *physical = file.data + INDEX_DATA_OFFSET + page * PHYSICAL;
    uint16_t length = decode_page(physical, P, INDEX_SECTION, page);
    uint8_t expected[P];
    blob_bytes(page * P, expected, length);
    assert_memory_equal(physical, expected, length);
    free_bytes(&file);
    return length;
}

static void cut(index_file_t *index, uint64_t records)
{
    recorder_clear(index->rig->recorder);
    assert_ok(segj_fixed_cut(&index->rig->shared, index_handle(index), records));
}

/* Whatever was cut: what is left can be appended to, and reads as it must. */
static void check_continuation(index_file_t *index, uint64_t records)
{
    index->fixed.records = records;
    index->fixed.cache_id = segj_page_cache_id(index->rig->shared.cache);
    index_append(index, 9);
    index_sync(index);
    index_rest(index);
    assert_ok(index_read(index, 0, (size_t)(records + 9) * index->rig->shared.record_size));
}

static void a_cut_at_the_end_of_a_page_only_cuts(void **state)
{
    index_file_t *index = index_new(small);
    index_fill(index, 40); /* 800 bytes: 12.5 pages */
    cut(index, 32);        /* 640 bytes: 10 pages */
    assert_changes(index->rig->recorder, "cut index/7 13048; sync index/7");
    assert_int_equal(last_length(index, 9), P);
    check_continuation(index, 32);
    index_free(index);
}

static void a_cut_to_nothing_leaves_the_header(void **state)
{
    index_file_t *index = index_new(small);
    index_fill(index, 5);
    cut(index, 0);
    assert_changes(index->rig->recorder, "cut index/7 12288; sync index/7");
    check_continuation(index, 0);
    index_free(index);
}

/* 100 bytes: a page, and 36 bytes of the next, which was full. */
static void a_cut_into_a_page_goes_in_three_steps(void **state)
{
    index_file_t *index = index_new(small);
    index_fill(index, 40);
    cut(index, 5);
    assert_changes(index->rig->recorder, "write index/7 12364+76; cut index/7 12440; sync index/7; " /* as it reads */
                                         "write index/7 12434+6; sync index/7; " /* slot 2: the prefix */
                                         "write index/7 12428+6; sync index/7"); /* slot 1: gone */
    assert_int_equal(last_length(index, 1), 36);
    bytes_t file = index_bytes(index);
    static const uint8_t zeros[6];
    assert_memory_equal(file.data + 12428, zeros, 6);
    free_bytes(&file);
    check_continuation(index, 5);
    index_free(index);
}

/* The page's longer slot is the second one. */
static void a_cut_into_a_page_that_was_synced_twice(void **state)
{
    index_file_t *index = index_new(small);
    index_fill(index, 4); /* page 1: 16 bytes */
    index_fill(index, 2); /* page 1: 56 bytes, in slot 2 */
    cut(index, 5);        /* page 1: 36 bytes */
    assert_changes(index->rig->recorder, "write index/7 12364+76; cut index/7 12440; sync index/7; "
                                         "write index/7 12428+6; sync index/7; write index/7 12434+6; sync index/7");
    assert_int_equal(last_length(index, 1), 36);
    check_continuation(index, 5);
    index_free(index);
}

/* The other slot has said since an earlier sync what the page is to say now: it is not touched. */
static void a_slot_that_says_it_already_is_not_written(void **state)
{
    index_file_t *index = index_new(small);
    index_fill(index, 5); /* page 1: 36 bytes, in slot 1 */
    index_fill(index, 1); /* page 1: 56 bytes, in slot 2 */
    cut(index, 5);
    assert_changes(index->rig->recorder,
                   "write index/7 12364+76; cut index/7 12440; sync index/7; write index/7 12434+6; sync index/7");
    assert_int_equal(last_length(index, 1), 36);
    check_continuation(index, 5);
    index_free(index);
}

/* The page ends where the cut does; only pages behind it go. It goes out whole even so: what reads back may never have
 * reached the disk. */
static void a_cut_at_the_end_of_what_a_page_says(void **state)
{
    index_file_t *index = index_new(small);
    index_fill(index, 5);
    cut(index, 5);
    assert_changes(index->rig->recorder, "write index/7 12364+76; cut index/7 12440; sync index/7");
    assert_int_equal(last_length(index, 1), 36);
    index_free(index);
}

static void a_cut_to_any_length(void **state)
{
    static const rig_sizes_t sizes[] = {{.page_size = 64, .record_size = 20},
                                        {.page_size = 20, .record_size = 12},
                                        {.page_size = 1, .record_size = 12},
                                        {.page_size = 50, .record_size = 13},
                                        {.page_size = 600, .record_size = 13, .index_capacity = 4 * 612}};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        rig_sizes_t size = sizes[i];
        size.index_capacity = size.page_size < 20 ? 20 * (size.page_size + 12u) : size.index_capacity;
        for (uint64_t records = 0; records <= 30; records++) {
            index_file_t *index = index_new(size);
            index_fill(index, 23);
            index_fill(index, 7);
            cut(index, records);
            check_continuation(index, records);
            index_free(index);
        }
    }
}

/* --- a cut that fails, or is cut short --- */

/* A file of 40 records in which a cut to 5 is under way: steps before the failing one have been made. */
static void check_interrupted(index_file_t *index, bool page_cut)
{
    bytes_t file = index_bytes(index);
    assert_int_equal(file.size, page_cut ? 12440 : INDEX_DATA_OFFSET + 13 * PHYSICAL);
    uint16_t length = decode_page(file.data + 12364, P, INDEX_SECTION, 1);
    uint8_t expected[P];
    blob_bytes(P, expected, P);
    assert_true(length == P || length == 36);
    assert_memory_equal(file.data + 12364, expected, length);
    free_bytes(&file);
    /* Made again, it is made: by this run or by recovery. */
    cut(index, 5);
    assert_int_equal(last_length(index, 1), 36);
    check_continuation(index, 5);
}

static void a_cut_that_fails_at_any_step_can_be_made_again(void **state)
{
    static const struct {
        record_kind_t kind;
        uint32_t skip;
        bool page_cut;
        const char *calls;
    } steps[] = {
        {RECORD_FILE_READ, 0, false, ""},
        {RECORD_FILE_WRITE, 0, false, "write index/7 12364+76 !"},
        {RECORD_FILE_TRUNCATE, 0, false, "write index/7 12364+76; cut index/7 12440 !"},
        {RECORD_FILE_SYNC, 0, true, "write index/7 12364+76; cut index/7 12440; sync index/7 !"},
        {RECORD_FILE_WRITE, 1, true,
         "write index/7 12364+76; cut index/7 12440; sync index/7; write index/7 12434+6 !"},
        {RECORD_FILE_SYNC, 1, true,
         "write index/7 12364+76; cut index/7 12440; sync index/7; write index/7 12434+6; sync index/7 !"},
        {RECORD_FILE_WRITE, 2, true,
         "write index/7 12364+76; cut index/7 12440; sync index/7; write index/7 12434+6; sync index/7; "
         "write index/7 12428+6 !"},
        {RECORD_FILE_SYNC, 2, true,
         "write index/7 12364+76; cut index/7 12440; sync index/7; write index/7 12434+6; sync index/7; "
         "write index/7 12428+6; sync index/7 !"},
    };
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        index_file_t *index = index_new(small);
        index_fill(index, 40);
        recorder_fail(index->rig->recorder, steps[i].kind, steps[i].skip, 1, EIO);
        assert_status(segj_fixed_cut(&index->rig->shared, index_handle(index), 5), SEGJ_ERR_IO);
        assert_changes(index->rig->recorder, steps[i].calls);
        check_interrupted(index, steps[i].page_cut);
        index_free(index);
    }
}

/* Each write of a cut, torn at each byte: the page has its old length or the new one. */
static void a_cut_torn_at_any_byte(void **state)
{
    for (uint32_t step = 0; step < 3; step++) {
        for (size_t bytes = 0; bytes <= (step == 0 ? PHYSICAL : 6); bytes++) {
            index_file_t *index = index_new(small);
            index_fill(index, 40);
            recorder_tear(index->rig->recorder, step, bytes, EIO);
            assert_status(segj_fixed_cut(&index->rig->shared, index_handle(index), 5), SEGJ_ERR_IO);
            check_interrupted(index, step > 0);
            index_free(index);
        }
    }
}

/* Whoever cuts has lowered W already: to find no memory then would be too late. */
static void a_cut_wants_no_memory(void **state)
{
    index_file_t *index = index_new(small);
    index_fill(index, 40);
    allocations_left = 0;
    segj_status_t marked = segj_fixed_mark_cut(&index->fixed, index_handle(index), (segj_point_t){.records = 5});
    segj_status_t cut_down = segj_fixed_cut(&index->rig->shared, index_handle(index), 5);
    allocations_left = -1;
    assert_int_equal(marked, SEGJ_OK);
    assert_int_equal(cut_down, SEGJ_OK);
    assert_int_equal(last_length(index, 1), 36);
    index_free(index);
}

static void a_damaged_page_is_not_cut(void **state)
{
    index_file_t *index = index_new(small);
    index_fill(index, 40);
    const uint8_t damage[PHYSICAL] = {0};
    rig_write(index->rig, &index->rig->shared.index, INDEX_SECTION, 12364, damage, sizeof damage);
    bytes_t before = index_bytes(index);
    assert_status(segj_fixed_cut(&index->rig->shared, index_handle(index), 5), SEGJ_ERR_CORRUPT);
    assert_non_null(strstr(segj_last_error(), "rig/index/0000000000000007, offset 12364: index page 1 is damaged"));
    assert_changes(index->rig->recorder, "");
    bytes_t after = index_bytes(index);
    assert_int_equal(after.size, before.size);
    assert_memory_equal(after.data, before.data, before.size);
    free_bytes(&before);
    free_bytes(&after);
    cut(index, 3); /* in the page before it: nothing of the damaged one is needed */
    check_continuation(index, 3);
    index_free(index);
}

/* The page's own end is before the cut's: what would be kept is not there. */
static void a_page_that_is_too_short_is_not_cut(void **state)
{
    index_file_t *index = index_new(small);
    index_fill(index, 5);
    assert_status(segj_fixed_cut(&index->rig->shared, index_handle(index), 6), SEGJ_ERR_CORRUPT);
    assert_status(segj_fixed_cut(&index->rig->shared, index_handle(index), 7),
                  SEGJ_ERR_IO); /* a page that is not there */
    assert_changes(index->rig->recorder, "");
    index_free(index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cut_is_marked_in_both_slots_and_synced),
        cmocka_unit_test(the_first_cut_of_a_section_is_marked),
        cmocka_unit_test(a_cut_may_be_marked_again_and_again),
        cmocka_unit_test(a_marking_that_fails_can_be_made_again),
        cmocka_unit_test(marks_that_a_power_cut_tears_apart),
        cmocka_unit_test(at_the_end_of_the_numbers_they_begin_again),
        cmocka_unit_test(the_last_numbers_are_used_before_they_begin_again),
        cmocka_unit_test(beginning_again_may_fail_at_each_step),
        cmocka_unit_test(what_is_marked_can_be_marked_in_both_slots),
        cmocka_unit_test(no_other_mark_has_the_number_of_a_cut),
        cmocka_unit_test(what_is_marked_goes_when_the_numbers_are_used_up),
        cmocka_unit_test(a_cut_at_the_end_of_a_page_only_cuts),
        cmocka_unit_test(a_cut_to_nothing_leaves_the_header),
        cmocka_unit_test(a_cut_into_a_page_goes_in_three_steps),
        cmocka_unit_test(a_cut_into_a_page_that_was_synced_twice),
        cmocka_unit_test(a_slot_that_says_it_already_is_not_written),
        cmocka_unit_test(a_cut_at_the_end_of_what_a_page_says),
        cmocka_unit_test(a_cut_to_any_length),
        cmocka_unit_test(a_cut_that_fails_at_any_step_can_be_made_again),
        cmocka_unit_test(a_cut_torn_at_any_byte),
        cmocka_unit_test(a_cut_wants_no_memory),
        cmocka_unit_test(a_damaged_page_is_not_cut),
        cmocka_unit_test(a_page_that_is_too_short_is_not_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
