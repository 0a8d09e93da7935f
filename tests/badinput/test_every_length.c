/*
 * badinput/test_every_length.c: both files of journals of 64 KiB and more, cut to every length, in every configuration.
 *
 * The section holds the records whose pages and values are whole, from the first one on; what a completed sync covered
 * and is gone is counted as lost. That holds where W covers everything, and where it covers all but the last record
 * that stays. An index file that is shorter than its header is refused, and so is a values file where W is 0: beside
 * data no crash leaves them.
 *
 *     SEGJ_EVERY=N   one in N lengths; otherwise one in STRIDE
 */
#include "badinput/large.h"

#include <inttypes.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__) || !defined(__OPTIMIZE__)
#define STRIDE 211
#else
#define STRIDE 31
#endif

static size_t stride;
static uint64_t lengths;

/* What the slots still say that the file has wholly. */
static uint64_t watermark_within(const large_t *large, size_t length)
{
    uint8_t slots[2 * HEADER_BLOCK];
    memset(slots, 0xFF, sizeof slots);
    for (size_t slot = 0; slot < 2; slot++)
        if (length >= (slot + 1) * HEADER_BLOCK + 16)
            memcpy(slots + slot * HEADER_BLOCK, large->sample.index.data + (slot + 1) * HEADER_BLOCK, 16);
    return effective_watermark(slots, LARGE_SECTION);
}

static uint64_t kept_of_index(const large_t *large, size_t length)
{
    size_t pages = length > INDEX_DATA_OFFSET ? (length - INDEX_DATA_OFFSET) / large->physical : 0;
    return pages == large->pages ? large->shape.records
                                 : records_within(large, (uint64_t)pages * large->shape.page_size);
}

static uint64_t kept_of_values(const large_t *large, size_t length)
{
    uint64_t kept = 0;
    while (kept < large->shape.records && VALUES_DATA_OFFSET + large->offsets[kept + 1] <= length)
        kept++;
    return kept;
}

/* Without its whole header an index file says nothing of the values beside it, and no crash leaves it so. */
static void try_headless(large_t *large, side_t side, size_t length)
{
    uint64_t records;
    uint64_t lost;
    cut_to(large, side, length);
    check_status(probe(large, &records, &lost), SEGJ_ERR_CORRUPT, "headless", __FILE__, __LINE__);
    check_status(probe_strict(large), SEGJ_ERR_CORRUPT, "strict", __FILE__, __LINE__);
}

static void try_length(large_t *large, side_t side, size_t length)
{
    uint64_t records;
    uint64_t lost;
    uint64_t kept = side == IN_INDEX ? kept_of_index(large, length) : kept_of_values(large, length);
    uint64_t watermark = side == IN_INDEX ? watermark_within(large, length) : large->shape.records;
    cut_to(large, side, length);
    assert_ok(probe(large, &records, &lost));
    assert_int_equal(records, kept);
    assert_int_equal(lost, watermark > kept ? watermark - kept : 0);
    if (lengths % 16 == 0)
        check_status(probe_strict(large), watermark > kept ? SEGJ_ERR_CORRUPT : SEGJ_OK, "strict", __FILE__, __LINE__);
    set_watermark(large, kept > 0 ? kept - 1 : 0);
    if (side == IN_VALUES && length < VALUES_DATA_OFFSET) {
        check_status(probe(large, &records, &lost), SEGJ_ERR_CORRUPT, "without a watermark", __FILE__, __LINE__);
    } else {
        assert_ok(probe(large, &records, &lost));
        assert_int_equal(records, kept);
        assert_int_equal(lost, 0);
    }
    restore_watermark(large);
    /* Repaired, which the lengths beside it are in the same way. */
    if (lengths++ % 101 == 0)
        try_large(large, kept);
}

static void cut_everywhere(large_t *large, side_t side, size_t size)
{
    for (size_t length = size + 1; length-- > 0;)
        if (length % stride == 0 || length == size) {
            if (side == IN_INDEX && length < INDEX_DATA_OFFSET)
                try_headless(large, side, length);
            else
                try_length(large, side, length);
        }
    restore_all(large);
}

static void each_length(void **state)
{
    large_t large;
    make_large(&large, *state);
    lengths = 0;
    cut_everywhere(&large, IN_INDEX, large.sample.index.size);
    cut_everywhere(&large, IN_VALUES, large.sample.values.size);
    print_message("%zu bytes, one length in %zu: %" PRIu64 " lengths, %" PRIu64 " opens\n",
                  large.sample.index.size + large.sample.values.size, stride, lengths, large.opens);
    drop_large(&large);
}

int main(void)
{
    stride = large_stride(STRIDE);
    int plain = run_shapes("each length", each_length, false);
    return plain + run_shapes("each length", each_length, true);
}
