/*
 * badinput/every_bit.c: single bits of journals of 64 KiB and more, in every configuration of the native format.
 *
 * Under a checksum or a rule, and therefore found, whichever bit it is:
 *   identity blocks       all 4096 bytes: open is refused, nothing changes
 *   watermark slots       the 16 bytes of each: the slot is absent, the other one counts, and no record goes
 *   pages                 the bytes that the page's length covers, and the slot that counts: the page is damaged, or is what
 *                         its other slot describes. Below W that costs the records in it, above W they are the end
 *   frames                all of them: below W the value is damaged, above W its record is the end
 * Without a meaning, and therefore without any effect:
 *   behind both watermark slots   4080 bytes each
 *   pages                         bytes behind the page's length; the slot that does not count
 *
 * Each bit is tried below W. Above W the bits of all frames are, and those of pages where that costs little: one in
 * eight of pages of 65535 bytes, of what has no meaning, and of the index of compressed journals, which is like that of
 * others.
 *
 *     SEGJ_EVERY=N   one in N bits; otherwise one in STRIDE
 */
#include "badinput/large.h"

#include <inttypes.h>
#include <string.h>

/* A prime: over a journal every position within a byte has its turn. */
#if defined(__SANITIZE_ADDRESS__) || !defined(__OPTIMIZE__)
#define STRIDE 1009
#else
#define STRIDE 127
#endif

static size_t stride;
static uint64_t found;
static uint64_t ignored;

static bool is_chosen(size_t bit)
{
    return bit % stride == 0;
}

/* --- headers --- */

static void check_refused_bit(large_t *large, side_t side, size_t bit)
{
    uint64_t records;
    uint64_t lost;
    size_t byte = bit / 8;
    /* "SEGJ" and another version is a mismatch; version 0 was never given out. */
    bool version = (byte == 4 || byte == 5) && bit != (size_t)5 * 8;
    segj_status_t status = probe(large, &records, &lost);
    check_status(status, version ? SEGJ_ERR_MISMATCH : SEGJ_ERR_CORRUPT, "oversized_open", __FILE__, __LINE__);
    assert_sentence(large->paths[side].text, "offset 0:");
    found++;
}

static void check_without_effect(large_t *large)
{
    uint64_t records;
    uint64_t lost;
    assert_ok(probe(large, &records, &lost));
    assert_int_equal(records, large->shape.records);
    assert_int_equal(lost, 0);
}

static void flip_header(large_t *large, side_t side, size_t size)
{
    for (size_t bit = 0; bit < size * 8; bit++) {
        if (!is_chosen(bit))
            continue;
        flip_bit(large, side, bit);
        if (bit / 8 < HEADER_BLOCK) {
            check_refused_bit(large, side, bit);
        } else {
            check_without_effect(large);
            *(bit / 8 % HEADER_BLOCK < 16 ? &found : &ignored) += 1;
        }
        restore(large, side, bit / 8, 1);
    }
}

/* --- pages --- */

/* The page's length when this bit is another: what its other slot says, or nothing. */
static uint16_t length_after(const large_t *large, size_t page, size_t bit)
{
    const page_facts_t *facts = &large->facts[page];
    size_t byte = bit / 8;
    if (byte < large->shape.page_size)
        return byte < facts->shorter ? 0 : byte < facts->length ? facts->shorter : facts->length;
    return (byte - large->shape.page_size) / 6 == facts->slot ? facts->shorter : facts->length;
}

/* In the middle of a section that was synced: the last record before the damage is right, the first in it is
 * refused. */
static void check_inner_page(large_t *large, size_t page, uint16_t length)
{
    uint64_t begin = (uint64_t)page * large->shape.page_size;
    uint64_t end = begin + large->shape.page_size;
    uint64_t first = (begin + length) / large->record_size; /* that has a byte behind the length */
    forget_pages(large);
    if (first * large->record_size < end && first < large->shape.records && length < large->shape.page_size)
        check_damaged_page(large, first, page);
    if (first > 0 && first * large->record_size > begin)
        check_right(large, large->reader, first - 1);
}

static void check_last_page(large_t *large, uint64_t kept, bool strictly)
{
    uint64_t records;
    uint64_t lost;
    assert_ok(probe(large, &records, &lost));
    assert_int_equal(records, kept);
    assert_int_equal(lost, large->shape.records - kept);
    if (strictly && lost > 0) {
        assert_status(probe_strict(large), SEGJ_ERR_CORRUPT);
        assert_sentence("section 7 ");
    }
}

/* Above W an open looks at everything from W on: see above. */
static bool is_spared(const large_t *large, size_t page, size_t bit)
{
    bool same = length_after(large, page, bit) == large->facts[page].length;
    return (same || large->shape.page_size == UINT16_MAX || large->shape.compression != 0) && (bit + bit / 8) % 8 != 0;
}

static void flip_page(large_t *large, size_t page, bool synced)
{
    uint64_t begin = (uint64_t)page * large->shape.page_size;
    size_t start = INDEX_DATA_OFFSET + page * large->physical;
    if (!synced)
        set_watermark(large, records_within(large, begin));
    for (size_t bit = 0; bit < large->physical * 8; bit++) {
        if (!is_chosen(start * 8 + bit) || (!synced && is_spared(large, page, bit)))
            continue;
        uint16_t length = length_after(large, page, bit);
        bool same = length == large->facts[page].length;
        uint64_t kept = same ? large->shape.records : records_within(large, begin + length);
        uint64_t records;
        uint64_t lost;
        flip_bit(large, IN_INDEX, start * 8 + bit);
        if (!synced) {
            assert_ok(probe(large, &records, &lost));
            assert_int_equal(records, kept);
            assert_int_equal(lost, 0);
        } else if (page + 1 == large->pages) {
            check_last_page(large, kept, bit % 16 == 0);
        } else {
            check_inner_page(large, page, length);
        }
        if (synced)
            *(same ? &ignored : &found) += 1;
        restore(large, IN_INDEX, start + bit / 8, 1);
    }
    if (!synced)
        restore_watermark(large);
}

/* --- frames --- */

static void flip_frame(large_t *large, uint64_t record, bool synced)
{
    size_t begin = VALUES_DATA_OFFSET + (size_t)large->offsets[record];
    size_t end = VALUES_DATA_OFFSET + (size_t)large->offsets[record + 1];
    if (!synced)
        set_watermark(large, record);
    for (size_t bit = begin * 8; bit < end * 8; bit++) {
        uint64_t records;
        uint64_t lost;
        if (!is_chosen(bit))
            continue;
        flip_bit(large, IN_VALUES, bit);
        if (synced) {
            check_damaged_value(large, record);
            found++;
        } else {
            assert_ok(probe(large, &records, &lost));
            assert_int_equal(records, record);
            assert_int_equal(lost, 0);
        }
        restore(large, IN_VALUES, bit / 8, 1);
    }
    if (!synced)
        restore_watermark(large);
}

/* --- all of them --- */

static void each_bit(void **state)
{
    const shape_t *shape = *state;
    large_t large;
    make_large(&large, shape);
    found = ignored = 0;
    flip_header(&large, IN_INDEX, INDEX_DATA_OFFSET);
    flip_header(&large, IN_VALUES, VALUES_DATA_OFFSET);
    for (size_t page = 0; page < large.pages; page++) {
        flip_page(&large, page, true);
        flip_page(&large, page, false);
    }
    for (uint64_t record = 0; record < shape->records; record++) {
        flip_frame(&large, record, true);
        flip_frame(&large, record, false);
    }
    size_t bits = (large.sample.index.size + large.sample.values.size) * 8;
    print_message("%zu bytes, one bit in %zu: %" PRIu64 " found, %" PRIu64 " without a meaning; %" PRIu64 " opens\n",
                  bits / 8, stride, found, ignored, large.opens);
    if (stride == 1)
        assert_int_equal(found + ignored, bits);
    drop_large(&large);
}

int run_every_bit(bool compressed)
{
    stride = large_stride(STRIDE);
    return run_shapes("each bit", each_bit, compressed);
}
