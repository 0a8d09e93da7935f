/* checksum/checksum.c against CRC-32 by its definition, a bit at a time. */
#include "support/support.h"

#include <string.h>

#include "checksum/checksum.h"
#include "unit/random.h"

enum { LENGTHS = 301, ALIGNMENTS = 16 };

/* The register before its final xor: polynomial 0x04C11DB7, least significant bit first. */
static uint32_t shift_in(uint32_t reg, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        reg ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            reg = (reg >> 1) ^ ((reg & 1) != 0 ? 0xEDB88320u : 0);
    }
    return reg;
}

static uint32_t by_definition(const uint8_t *bytes, size_t size)
{
    return ~shift_in(0xFFFFFFFFu, bytes, size);
}

static void fill(uint8_t *bytes, size_t size)
{
    uint64_t seed = 1;
    random_fill(&seed, bytes, size);
}

static void check_value_is_crc32s(void **state)
{
    assert_int_equal(segj_crc32(0, "123456789", 9), 0xCBF43926u);
    assert_int_equal(by_definition((const uint8_t *)"123456789", 9), 0xCBF43926u);
    assert_int_equal(segj_crc32(0, "", 0), 0);
}

static void every_length_at_every_alignment(void **state)
{
    uint8_t bytes[LENGTHS + ALIGNMENTS];
    fill(bytes, sizeof bytes);
    for (size_t at = 0; at < ALIGNMENTS; at++)
        for (size_t size = 0; size < LENGTHS; size++)
            assert_int_equal(segj_crc32(0, bytes + at, size), by_definition(bytes + at, size));
}

static void long_input(void **state)
{
    static uint8_t bytes[100003];
    fill(bytes, sizeof bytes);
    assert_int_equal(segj_crc32(0, bytes, sizeof bytes), by_definition(bytes, sizeof bytes));
}

static void pieces_give_the_checksum_of_the_whole(void **state)
{
    uint8_t bytes[LENGTHS];
    fill(bytes, sizeof bytes);
    uint32_t whole = by_definition(bytes, sizeof bytes);
    for (size_t cut = 0; cut <= sizeof bytes; cut++)
        assert_int_equal(segj_crc32(segj_crc32(0, bytes, cut), bytes + cut, sizeof bytes - cut), whole);
    uint32_t crc = 0;
    for (size_t i = 0; i < sizeof bytes; i++)
        crc = segj_crc32(crc, bytes + i, 1);
    assert_int_equal(crc, whole);
}

/* The payload of an empty value may be NULL: it adds nothing to what its frame's checksum began with. */
static void no_bytes_change_nothing(void **state)
{
    const uint8_t byte = 0;
    uint32_t crc = segj_crc32(0, "place", 5);
    assert_int_equal(segj_crc32(crc, &byte, 0), crc);
    assert_int_equal(segj_crc32(crc, NULL, 0), crc);
    assert_int_equal(segj_crc32(0, NULL, 0), 0);
}

static void every_bit_counts(void **state)
{
    uint8_t bytes[64];
    fill(bytes, sizeof bytes);
    uint32_t crc = segj_crc32(0, bytes, sizeof bytes);
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(segj_crc32(0, bytes, sizeof bytes), crc);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void place_is_two_big_endian_numbers(void **state)
{
    static const uint8_t bytes[16] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
                                      0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10};
    static const uint8_t zeros[16] = {0};
    static const uint8_t last[16] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 1};
    assert_int_equal(segj_crc32_of_place(UINT64_C(0x0123456789abcdef), UINT64_C(0xfedcba9876543210)),
                     by_definition(bytes, sizeof bytes));
    assert_int_equal(segj_crc32_of_place(0, 0), by_definition(zeros, sizeof zeros));
    assert_int_equal(segj_crc32_of_place(UINT64_MAX, 1), by_definition(last, sizeof last));
    assert_int_not_equal(segj_crc32_of_place(1, 2), segj_crc32_of_place(2, 1));
}

static void place_is_continued_over_the_bytes(void **state)
{
    uint8_t bytes[16 + 100];
    fill(bytes, sizeof bytes);
    put_u64(bytes, 7);
    put_u64(bytes + 8, 4096);
    assert_int_equal(segj_crc32(segj_crc32_of_place(7, 4096), bytes + 16, 100), by_definition(bytes, sizeof bytes));
    assert_int_equal(page_checksum(7, 4096, bytes + 16, 100),
                     by_definition(bytes, sizeof bytes)); /* the support's own */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_value_is_crc32s),
        cmocka_unit_test(every_length_at_every_alignment),
        cmocka_unit_test(long_input),
        cmocka_unit_test(pieces_give_the_checksum_of_the_whole),
        cmocka_unit_test(no_bytes_change_nothing),
        cmocka_unit_test(every_bit_counts),
        cmocka_unit_test(place_is_two_big_endian_numbers),
        cmocka_unit_test(place_is_continued_over_the_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
