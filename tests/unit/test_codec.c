/*
 * oversized/section/codec.c: values to payloads and back. Frames that no journal writes are put together by hand from
 * RFC 8878.
 *
 * LINK_WRAP: malloc calloc realloc
 */
#include "support/support.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "oversized/section/codec.h"
#include "unit/random.h"
#include "unit/wrapped_memory.h"

enum { LIMIT = 1 << 20, KEPT = 16 << 20 };

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

typedef struct fixture {
    segj_codec_t codec;
    segj_decoder_t *decoder;
    segj_buffer_t value;
} fixture_t;

static int set_up(void **state)
{
    static fixture_t fixture;
    fixture = (fixture_t){.codec = {.level = 3}};
    assert_ok(segj_decoder_new(&fixture.decoder));
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    fixture_t *fixture = *state;
    segj_decoder_free(fixture->decoder);
    segj_codec_free(&fixture->codec);
    segj_buffer_free(&fixture->value);
    return 0;
}

static segj_status_t decompress(fixture_t *fixture, const void *payload, size_t size)
{
    /* A copy of just that size: the sanitizer sees each byte too many that is read. */
    uint8_t *copy = malloc(size > 0 ? size : 1);
    assert_non_null(copy);
    if (size > 0)
        memcpy(copy, payload, size);
    segj_status_t status = segj_codec_decompress(fixture->decoder, NULL, copy, size, LIMIT, &fixture->value);
    free(copy);
    return status;
}

static bytes_t compress(fixture_t *fixture, const void *value, size_t size)
{
    const segj_slice_t piece = {value, size};
    segj_slice_t payload = {NULL, 0};
    assert_ok(segj_encoder_make(&fixture->codec.own, (segj_packing_t){.level = fixture->codec.level}, &piece, 1, size,
                                &payload));
    bytes_t copy = {malloc(payload.size), payload.size};
    assert_non_null(copy.data);
    memcpy(copy.data, payload.data, payload.size);
    return copy;
}

/* Half noise and half not, so that a frame has blocks of several kinds. */
static uint8_t *make_value(size_t size)
{
    uint8_t *value = malloc(size + 1);
    uint64_t seed = size;
    assert_non_null(value);
    memset(value, 'v', size);
    random_fill(&seed, value, size / 2);
    return value;
}

/* --- round trips --- */

static void check_round_trip(fixture_t *fixture, size_t size)
{
    uint8_t *value = make_value(size);
    bytes_t payload = compress(fixture, value, size);
    assert_ok(decompress(fixture, payload.data, payload.size));
    assert_int_equal(fixture->value.size, size);
    if (size > 0)
        assert_memory_equal(fixture->value.data, value, size);
    free_bytes(&payload);
    free(value);
}

static void values_come_back(void **state)
{
    fixture_t *fixture = *state;
    static const size_t sizes[] = {0,   1,    2,    3,     4,     100,    255,    256,    257, 65535,
                                   512, 4096, 1000, 65536, 65791, 131071, 131072, 131073, 3,   LIMIT};
    static const int levels[] = {3, 1, 9, -5};
    for (size_t level = 0; level < COUNT_OF(levels); level++) {
        fixture->codec.level = levels[level];
        for (size_t i = 0; i < COUNT_OF(sizes); i++)
            check_round_trip(fixture, sizes[i]);
    }
}

/* Of any size: one frame of data, which says its content's size, and neither needs a dictionary nor has more behind
 * it. */
static void payloads_are_one_frame_that_says_its_size(void **state)
{
    fixture_t *fixture = *state;
    static const size_t sizes[] = {0, 1, 255, 256, 257, 65791, 65792, 200000, LIMIT};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        uint8_t *value = make_value(sizes[i]);
        bytes_t payload = compress(fixture, value, sizes[i]);
        assert_memory_equal(payload.data, "\x28\xb5\x2f\xfd", 4);
        assert_true(ZSTD_getFrameContentSize(payload.data, payload.size) == sizes[i]);
        assert_int_equal(ZSTD_findFrameCompressedSize(payload.data, payload.size), payload.size);
        assert_int_equal(ZSTD_getDictID_fromFrame(payload.data, payload.size), 0);
        free_bytes(&payload);
        free(value);
    }
}

static void an_empty_value_has_a_payload(void **state)
{
    static const uint8_t expected[] = {0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x00, 0x01, 0x00, 0x00};
    fixture_t *fixture = *state;
    bytes_t payload = compress(fixture, NULL, 0);
    assert_int_equal(payload.size, sizeof expected);
    assert_memory_equal(payload.data, expected, sizeof expected);
    fixture->value.size = 99;
    assert_ok(decompress(fixture, payload.data, payload.size));
    assert_int_equal(fixture->value.size, 0);
    free_bytes(&payload);
}

static void levels_are_zstds(void **state)
{
    assert_true(segj_codec_level_valid(0));
    assert_true(segj_codec_level_valid(1));
    assert_true(segj_codec_level_valid(ZSTD_maxCLevel()));
    assert_true(segj_codec_level_valid(ZSTD_minCLevel()));
    assert_false(segj_codec_level_valid(ZSTD_maxCLevel() + 1));
    assert_false(segj_codec_level_valid(ZSTD_minCLevel() - 1));
    assert_false(segj_codec_level_valid(INT_MAX));
    assert_false(segj_codec_level_valid(INT_MIN));
}

/* --- payloads that are not ours: each is well formed, but for what its name says --- */

#define MAGIC 0x28, 0xb5, 0x2f, 0xfd
#define RAW_ABC 0x19, 0x00, 0x00, 'a', 'b', 'c' /* a raw block of 3 bytes, the last one */
#define ABC MAGIC, 0x20, 0x03, RAW_ABC
#define SKIPPABLE(n) 0x50 + (n), 0x2a, 0x4d, 0x18, 0x02, 0x00, 0x00, 0x00, 'x', 'y'

#define REFUSED(fixture, ...)                                                                                          \
    assert_status(decompress((fixture), (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})),       \
                  SEGJ_ERR_COMPRESSION)

static void a_frame_by_hand_is_read(void **state)
{
    fixture_t *fixture = *state;
    static const uint8_t abc[] = {ABC};
    assert_ok(decompress(fixture, abc, sizeof abc));
    assert_int_equal(fixture->value.size, 3);
    assert_memory_equal(fixture->value.data, "abc", 3);
}

static void what_is_no_frame_is_refused(void **state)
{
    fixture_t *fixture = *state;
    static const uint8_t zeros[64] = {0};
    for (size_t size = 0; size <= sizeof zeros; size++)
        assert_status(decompress(fixture, zeros, size), SEGJ_ERR_COMPRESSION);
    REFUSED(fixture, 'a', 'b', 'c');
    REFUSED(fixture, 0x27, 0xb5, 0x2f, 0xfd, 0x20, 0x03, RAW_ABC);        /* zstd 0.7 */
    REFUSED(fixture, MAGIC, 0x28, 0x03, RAW_ABC);                         /* a reserved bit */
    REFUSED(fixture, MAGIC, 0x20, 0x03, 0x1f, 0x00, 0x00, 'a', 'b', 'c'); /* a block of the reserved kind */
}

static void more_than_a_frame_is_refused(void **state)
{
    fixture_t *fixture = *state;
    REFUSED(fixture, ABC, ABC);
    REFUSED(fixture, ABC, 0);
    REFUSED(fixture, ABC, SKIPPABLE(0));
    REFUSED(fixture, ABC, MAGIC, 0x20, 0x00, 0x01, 0x00, 0x00); /* an empty one behind it */
}

static void skippable_frames_are_refused(void **state)
{
    fixture_t *fixture = *state;
    for (uint8_t n = 0; n < 16; n++) {
        const uint8_t skippable[] = {(uint8_t)(0x50 + n), 0x2a, 0x4d, 0x18, 0x02, 0x00, 0x00, 0x00, 'x', 'y'};
        assert_status(decompress(fixture, skippable, sizeof skippable), SEGJ_ERR_COMPRESSION);
    }
    REFUSED(fixture, SKIPPABLE(0), ABC);
    REFUSED(fixture, 0x50, 0x2a, 0x4d, 0x18, 0x00, 0x00, 0x00, 0x00);
}

static void a_dictionary_is_refused(void **state)
{
    fixture_t *fixture = *state;
    REFUSED(fixture, MAGIC, 0x21, 0x07, 0x03, RAW_ABC);
    REFUSED(fixture, MAGIC, 0x22, 0x00, 0x07, 0x03, RAW_ABC);
    REFUSED(fixture, MAGIC, 0x23, 0x00, 0x00, 0x00, 0x07, 0x03, RAW_ABC);
}

static void an_unsaid_size_is_refused(void **state)
{
    fixture_t *fixture = *state;
    REFUSED(fixture, MAGIC, 0x00, 0x58, RAW_ABC);
}

static void a_size_that_is_not_met_is_refused(void **state)
{
    fixture_t *fixture = *state;
    REFUSED(fixture, MAGIC, 0x20, 0x02, RAW_ABC); /* more than it says */
    REFUSED(fixture, MAGIC, 0x20, 0x04, RAW_ABC); /* less */
    REFUSED(fixture, MAGIC, 0x20, 0x00, RAW_ABC);
    REFUSED(fixture, MAGIC, 0x60, 0x00, 0x01, RAW_ABC); /* 512 bytes */
    /* A run of a byte that goes on beyond what was said: 3 said, 100,000 there. */
    REFUSED(fixture, MAGIC, 0x20, 0x03, 0x03, 0x35, 0x0c, 'a');
}

static void every_cut_of_a_frame_is_refused(void **state)
{
    fixture_t *fixture = *state;
    uint8_t *value = make_value(3000);
    bytes_t payload = compress(fixture, value, 3000);
    for (size_t size = 0; size < payload.size; size++)
        assert_status(decompress(fixture, payload.data, size), SEGJ_ERR_COMPRESSION);
    assert_ok(decompress(fixture, payload.data, payload.size));
    free_bytes(&payload);
    free(value);
}

/* Damage that a checksum has not caught: whatever comes of it, it is the value's size or a refusal. */
static void damaged_frames_do_no_harm(void **state)
{
    fixture_t *fixture = *state;
    uint8_t *value = make_value(2000);
    bytes_t payload = compress(fixture, value, 2000);
    uint64_t random = 9;
    for (int i = 0; i < 2000; i++) {
        size_t bit = (size_t)random_below(&random, 8 * payload.size);
        payload.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        segj_status_t status = decompress(fixture, payload.data, payload.size);
        assert_true(status == SEGJ_OK || status == SEGJ_ERR_COMPRESSION || status == SEGJ_ERR_TOO_LARGE);
        assert_true(fixture->value.capacity <= LIMIT);
        payload.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    free_bytes(&payload);
    free(value);
}

/* --- limits --- */

/* Frames of few bytes that say they are huge: refused by what they say, with no memory taken for it. */
static void a_bomb_is_refused_before_memory_is_taken(void **state)
{
    fixture_t *fixture = *state;
    /* Eight bytes of size: 2^63 - 1, 2^32, LIMIT + 1. Each is one run of 'a', of another length. */
    static const uint8_t bombs[][17] = {
        {MAGIC, 0xe0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0x03, 0x00, 0x10, 'a'},
        {MAGIC, 0xe0, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x03, 0x00, 0x10, 'a'},
        {MAGIC, 0xe0, 0x01, 0x00, 0x10, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0x00, 0x10, 'a'},
    };
    for (size_t i = 0; i < COUNT_OF(bombs); i++) {
        allocations_left = 1; /* the copy in decompress() */
        segj_status_t status = decompress(fixture, bombs[i], sizeof bombs[i]);
        allocations_left = -1;
        assert_int_equal(status, SEGJ_ERR_TOO_LARGE);
        assert_null(fixture->value.data);
    }
}

static void a_value_may_be_as_large_as_the_limit(void **state)
{
    fixture_t *fixture = *state;
    uint8_t *value = make_value(LIMIT + 1);
    bytes_t payload = compress(fixture, value, LIMIT);
    assert_ok(decompress(fixture, payload.data, payload.size));
    assert_int_equal(fixture->value.size, LIMIT);
    free_bytes(&payload);
    payload = compress(fixture, value, LIMIT + 1);
    assert_status(decompress(fixture, payload.data, payload.size), SEGJ_ERR_TOO_LARGE);
    free_bytes(&payload);
    free(value);
}

static void the_bound_is_the_largest_payload(void **state)
{
    static const uint32_t sizes[] = {0, 1, 100, 131071, 131072, 131073, LIMIT, UINT32_MAX - 4};
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        assert_true(segj_codec_bound(sizes[i]) >= sizes[i]);
    if (SIZE_MAX > UINT32_MAX)
        for (size_t i = 0; i < COUNT_OF(sizes); i++)
            assert_true(segj_codec_bound(sizes[i]) == ZSTD_compressBound(sizes[i]));
}

/* --- memory --- */

static void a_buffer_grows_by_doubling_up_to_its_limit(void **state)
{
    segj_buffer_t buffer = {NULL, 0, 0};
    assert_ok(segj_buffer_reserve(&buffer, 0, 1000));
    assert_int_equal(buffer.capacity, 0);
    assert_ok(segj_buffer_reserve(&buffer, 100, 1000));
    assert_int_equal(buffer.capacity, 100);
    void *data = buffer.data;
    assert_ok(segj_buffer_reserve(&buffer, 100, 1000)); /* enough */
    assert_ok(segj_buffer_reserve(&buffer, 1, 1000));
    assert_ptr_equal(buffer.data, data);
    assert_ok(segj_buffer_reserve(&buffer, 101, 1000));
    assert_int_equal(buffer.capacity, 200);
    assert_ok(segj_buffer_reserve(&buffer, 700, 1000));
    assert_int_equal(buffer.capacity, 700);
    assert_ok(segj_buffer_reserve(&buffer, 701, 1000));
    assert_int_equal(buffer.capacity, 1000);
    memset(buffer.data, 0xff, buffer.capacity);
    segj_buffer_free(&buffer);
    assert_null(buffer.data);
    assert_int_equal(buffer.capacity, 0);
    segj_buffer_free(&buffer);
    segj_buffer_free(NULL);
}

static void a_buffer_that_cannot_grow_stays_as_it_is(void **state)
{
    fixture_t *fixture = *state;
    uint8_t *value = make_value(5000);
    bytes_t payload = compress(fixture, value, 5000);
    assert_ok(segj_buffer_reserve(&fixture->value, 10, LIMIT));
    const segj_buffer_t before = fixture->value;
    allocations_left = 1;
    segj_status_t status = decompress(fixture, payload.data, payload.size);
    allocations_left = -1;
    assert_int_equal(status, SEGJ_ERR_MEMORY);
    assert_ptr_equal(fixture->value.data, before.data);
    assert_int_equal(fixture->value.capacity, before.capacity);
    allocations_left = 0;
    const segj_slice_t piece = {value, 5000};
    segj_slice_t ignored;
    segj_buffer_free(&fixture->codec.own.payloads);
    status = segj_encoder_make(&fixture->codec.own, (segj_packing_t){.level = 3}, &piece, 1, 5000, &ignored);
    allocations_left = -1;
    assert_int_equal(status, SEGJ_ERR_MEMORY);
    free_bytes(&payload);
    free(value);
}

/* Scratch memory is kept from value to value, but what a huge value took is not kept for good. */
static void scratch_memory_of_a_huge_value_is_given_back(void **state)
{
    fixture_t *fixture = *state;
    uint8_t *value = calloc(1, KEPT);
    assert_non_null(value);
    bytes_t small = compress(fixture, value, 1000);
    const void *kept = fixture->codec.own.payloads.data;
    bytes_t payload = compress(fixture, value, 900);
    assert_ptr_equal(fixture->codec.own.payloads.data, kept);
    free_bytes(&payload);
    payload = compress(fixture, value, KEPT);
    assert_true(fixture->codec.own.payloads.capacity > KEPT);
    free_bytes(&payload);
    payload = compress(fixture, value, 1000);
    assert_true(fixture->codec.own.payloads.capacity < KEPT);

    assert_ok(segj_buffer_reserve(&fixture->decoder->frame, KEPT, SIZE_MAX));
    segj_buffer_trim(&fixture->decoder->frame);
    assert_int_equal(fixture->decoder->frame.capacity, KEPT); /* not too much yet */
    assert_ok(segj_buffer_reserve(&fixture->decoder->frame, KEPT + 1, SIZE_MAX));
    segj_buffer_trim(&fixture->decoder->frame);
    assert_int_equal(fixture->decoder->frame.capacity, 0);
    free_bytes(&small);
    free_bytes(&payload);
    free(value);
}

/* Payloads lie one behind the other, whatever their memory does while they come. */
static void an_encoder_makes_many_payloads(void **state)
{
    enum { COUNT = 40 };
    fixture_t *fixture = *state;
    segj_encoder_t *encoder = NULL;
    size_t at[COUNT];
    size_t sizes[COUNT];
    uint8_t *values[COUNT];
    assert_ok(segj_encoder_new(&encoder));
    for (int round = 0; round < 2; round++) {
        segj_encoder_begin(encoder);
        for (size_t i = 0; i < COUNT; i++) {
            size_t size = i * i * 31;
            values[i] = make_value(size);
            assert_ok(segj_encoder_add(encoder, (segj_packing_t){.level = 3}, values[i], size, &at[i], &sizes[i]));
            assert_int_equal(at[i], i == 0 ? 0 : at[i - 1] + sizes[i - 1]);
        }
        for (size_t i = 0; i < COUNT; i++) {
            assert_ok(decompress(fixture, (const uint8_t *)encoder->payloads.data + at[i], sizes[i]));
            assert_int_equal(fixture->value.size, i * i * 31);
            assert_memory_equal(fixture->value.data, values[i], i * i * 31);
            free(values[i]);
        }
    }
    segj_encoder_free(encoder);
}

static void an_encoder_puts_pieces_together(void **state)
{
    fixture_t *fixture = *state;
    for (size_t size = 0; size < 5000; size = 2 * size + 1) {
        uint8_t *value = make_value(size);
        segj_slice_t payload;
        const segj_slice_t pieces[] = {{value, size / 3}, {NULL, 0}, {value + size / 3, size - size / 3}};
        assert_ok(segj_encoder_make(&fixture->codec.own, (segj_packing_t){.level = 3}, pieces, COUNT_OF(pieces), size,
                                    &payload));
        assert_ok(decompress(fixture, payload.data, payload.size));
        assert_int_equal(fixture->value.size, size);
        if (size > 0)
            assert_memory_equal(fixture->value.data, value, size);
        free(value);
    }
}

/* What does not fit any more leaves what there is as it was. */
static void an_encoder_without_memory_keeps_its_payloads(void **state)
{
    fixture_t *fixture = *state;
    segj_encoder_t *encoder = NULL;
    size_t at;
    size_t size;
    uint8_t *value = make_value(5000);
    const segj_slice_t halves[] = {{value, 2000}, {value + 2000, 3000}};
    segj_slice_t payload;
    assert_ok(segj_encoder_new(&encoder));
    assert_ok(segj_encoder_add(encoder, (segj_packing_t){.level = 3}, value, 5000, &at, &size));
    size_t ignored;
    allocations_left = 0;
    segj_status_t status = segj_encoder_add(encoder, (segj_packing_t){.level = 3}, value, 5000, &ignored, &ignored);
    allocations_left = -1;
    assert_int_equal(status, SEGJ_ERR_MEMORY);
    assert_int_equal(encoder->payloads.size, size);
    allocations_left = 0;
    status = segj_encoder_make(&fixture->codec.own, (segj_packing_t){.level = 3}, halves, 2, 5000, &payload);
    allocations_left = -1;
    assert_int_equal(status, SEGJ_ERR_MEMORY);
    assert_ok(decompress(fixture, encoder->payloads.data, size));
    assert_memory_equal(fixture->value.data, value, 5000);
    segj_encoder_free(encoder);
    segj_encoder_free(NULL);
    free(value);
    allocations_left = 0;
    status = segj_encoder_new(&encoder);
    allocations_left = -1;
    assert_int_equal(status, SEGJ_ERR_MEMORY);
}

static void a_codec_frees_what_is_idle(void **state)
{
    segj_codec_t codec = {.level = 1};
    for (int i = 0; i < 3; i++) {
        segj_decoder_t *decoder = NULL;
        assert_ok(segj_decoder_new(&decoder));
        assert_ok(segj_buffer_reserve(&decoder->frame, 100, SIZE_MAX));
        decoder->next = codec.decoders;
        codec.decoders = decoder;
        segj_encoder_t *encoder = NULL;
        assert_ok(segj_encoder_new(&encoder));
        assert_ok(segj_buffer_reserve(&encoder->payloads, 100, SIZE_MAX));
        encoder->next = codec.encoders;
        codec.encoders = encoder;
    }
    segj_codec_free(&codec); /* the sanitizer sees what is left */
    segj_decoder_t *none = NULL;
    allocations_left = 0;
    segj_status_t status = segj_decoder_new(&none);
    allocations_left = -1;
    assert_int_equal(status, SEGJ_ERR_MEMORY);
    assert_null(none);
    segj_decoder_free(NULL);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(values_come_back),
        TEST(payloads_are_one_frame_that_says_its_size),
        TEST(an_empty_value_has_a_payload),
        TEST(levels_are_zstds),
        TEST(a_frame_by_hand_is_read),
        TEST(what_is_no_frame_is_refused),
        TEST(more_than_a_frame_is_refused),
        TEST(skippable_frames_are_refused),
        TEST(a_dictionary_is_refused),
        TEST(an_unsaid_size_is_refused),
        TEST(a_size_that_is_not_met_is_refused),
        TEST(every_cut_of_a_frame_is_refused),
        TEST(damaged_frames_do_no_harm),
        TEST(a_bomb_is_refused_before_memory_is_taken),
        TEST(a_value_may_be_as_large_as_the_limit),
        TEST(the_bound_is_the_largest_payload),
        TEST(a_buffer_grows_by_doubling_up_to_its_limit),
        TEST(a_buffer_that_cannot_grow_stays_as_it_is),
        TEST(scratch_memory_of_a_huge_value_is_given_back),
        TEST(an_encoder_makes_many_payloads),
        TEST(an_encoder_puts_pieces_together),
        TEST(an_encoder_without_memory_keeps_its_payloads),
        TEST(a_codec_frees_what_is_idle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
