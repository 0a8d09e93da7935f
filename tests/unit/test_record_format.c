/* journal/record_format.h: locations and what a frame's checksum begins with, against the support's own encoder. */
#include "support/log.h"
#include "support/support.h"

#include <string.h>

#include "journal/frame_format.h"
#include "journal/record_format.h"
#include "unit/random.h"

enum { UNTOUCHED = 77 };

static void check_location(uint64_t offset, uint32_t size)
{
    uint8_t bytes[OVERSIZED_LOCATION_SIZE];
    uint8_t record[OVERSIZED_LOCATION_SIZE];
    oversized_location_t location = {offset, size};
    segj_location_encode(bytes, location);
    encode_record(record, NULL, 0, location);
    assert_memory_equal(bytes, record, sizeof bytes);
    oversized_location_t found = segj_location_decode(bytes);
    assert_int_equal(found.offset, offset);
    assert_int_equal(found.size, size);
}

static void a_location_is_big_endian(void **state)
{
    static const uint8_t expected[12] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xfe, 0xdc, 0xba, 0x98};
    uint8_t bytes[OVERSIZED_LOCATION_SIZE];
    segj_location_encode(bytes, (oversized_location_t){UINT64_C(0x0123456789abcdef), 0xfedcba98u});
    assert_memory_equal(bytes, expected, sizeof expected);
}

static void every_bit_of_a_location_comes_back(void **state)
{
    check_location(0, 0);
    check_location(UINT64_MAX, UINT32_MAX);
    for (unsigned bit = 0; bit < 64; bit++)
        check_location(UINT64_C(1) << bit, 1u << bit % 32);
}

static void check_end(oversized_location_t location, uint64_t limit, bool fits)
{
    uint64_t end = UNTOUCHED;
    assert_int_equal(segj_location_end(0, location, limit, &end), fits);
    assert_int_equal(end, fits ? location.offset + location.size : UNTOUCHED);
}

static void a_frame_has_at_least_its_checksum(void **state)
{
    for (uint32_t size = 0; size < 4; size++)
        check_end((oversized_location_t){100, size}, 1000, false);
    check_end((oversized_location_t){100, 4}, 1000, true);
    check_end((oversized_location_t){0, 4}, 4, true);
}

static void a_frame_ends_within_the_limit(void **state)
{
    check_end((oversized_location_t){100, 20}, 120, true);
    check_end((oversized_location_t){100, 20}, 119, false);
    check_end((oversized_location_t){100, 20}, 0, false);
    check_end((oversized_location_t){120, 4}, 120, false);
    check_end((oversized_location_t){0, UINT32_MAX}, UINT32_MAX, true);
    check_end((oversized_location_t){0, UINT32_MAX}, UINT32_MAX - 1, false);
}

static void an_end_beyond_64_bits_is_no_small_one(void **state)
{
    check_end((oversized_location_t){UINT64_MAX, 4}, UINT64_MAX, false);
    check_end((oversized_location_t){UINT64_MAX - 3, 4}, UINT64_MAX, false);
    check_end((oversized_location_t){UINT64_MAX - 4, 4}, UINT64_MAX, true);
    check_end((oversized_location_t){UINT64_MAX - 100, UINT32_MAX}, 1000, false);
}

static void a_frames_checksum_begins_with_its_place(void **state)
{
    static const char payload[] = "some payload";
    const segj_checksum_kind_t kind = SEGJ_CHECKSUM_PLACED;
    uint32_t whole = frame_checksum(7, 4096, payload, sizeof payload);
    assert_int_equal(segj_frame_checksum(kind, 7, 4096, payload, sizeof payload), whole);
    assert_int_equal(segj_frame_checksum(kind, 7, 4096, NULL, 0), frame_checksum(7, 4096, payload, 0));
    assert_int_not_equal(segj_frame_checksum(kind, 7, 4097, payload, sizeof payload), whole);
    assert_int_not_equal(segj_frame_checksum(kind, 8, 4096, payload, sizeof payload), whole);
    uint32_t crc = segj_checksum_continue(kind, segj_checksum_begin(kind, 7, 4096), payload, 5);
    assert_int_equal(segj_checksum_continue(kind, crc, payload + 5, sizeof payload - 5), whole);
}

static void a_commonware_frames_checksum_is_of_its_bytes_alone(void **state)
{
    const segj_checksum_kind_t kind = SEGJ_CHECKSUM_PLAIN;
    assert_int_equal(segj_frame_checksum(kind, 7, 4096, "123456789", 9), 0xE3069283);
    assert_int_equal(segj_frame_checksum(kind, 8, 0, "123456789", 9), 0xE3069283);
    assert_int_equal(segj_frame_checksum(kind, 7, 4096, NULL, 0), 0);
}

/* With entries of every length, on both sides of those that have a routine of their own, and with the entry in place
 * already. */
static void a_head_is_as_specified(void **state)
{
    enum { MOST = 600 };
    static const uint8_t payload[] = "a value";
    static const uint8_t flags[] = {SEGJ_HEAD_FRAME, SEGJ_HEAD_FRAME | SEGJ_HEAD_GOES_ON,
                                    SEGJ_HEAD_FRAME | SEGJ_HEAD_RAW};
    uint64_t random = 7;
    uint8_t entry[MOST];
    uint8_t expected[LOG_HEAD + MOST + sizeof payload + 4];
    uint8_t found[LOG_HEAD + MOST];
    (void)state;
    for (size_t size = 0; size <= MOST; size++) {
        uint64_t binding = random_next(&random);
        uint64_t offset = random_next(&random);
        uint32_t before = (uint32_t)random_next(&random);
        segj_head_t head = {.stored = sizeof payload,
                            .flags = flags[size % sizeof flags],
                            .unsynced = (uint8_t)random_next(&random),
                            .entry = entry};
        const segj_frame_place_t place = {segj_crc32_of_place(binding, offset), before};
        random_fill(&random, entry, size);
        uint32_t trailer = encode_log_frame(expected, binding, offset, before, head.flags, head.unsynced, entry, size,
                                            payload, sizeof payload);
        uint32_t sum = segj_head_encode(found, segj_head_size((uint32_t)size), place, head);
        assert_memory_equal(found, expected, LOG_HEAD + size);
        assert_int_equal(
            segj_frame_seal(segj_crc32(place.begun, payload, sizeof payload), sum, (head.flags & SEGJ_HEAD_RAW) != 0),
            trailer);
        memset(found, 0, SEGJ_HEAD_ENTRY);
        head.entry = found + SEGJ_HEAD_ENTRY;
        assert_int_equal(segj_head_encode(found, segj_head_size((uint32_t)size), place, head), sum);
        assert_memory_equal(found, expected, LOG_HEAD + size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_location_is_big_endian),
        cmocka_unit_test(every_bit_of_a_location_comes_back),
        cmocka_unit_test(a_frame_has_at_least_its_checksum),
        cmocka_unit_test(a_frame_ends_within_the_limit),
        cmocka_unit_test(an_end_beyond_64_bits_is_no_small_one),
        cmocka_unit_test(a_frames_checksum_begins_with_its_place),
        cmocka_unit_test(a_commonware_frames_checksum_is_of_its_bytes_alone),
        cmocka_unit_test(a_head_is_as_specified),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
