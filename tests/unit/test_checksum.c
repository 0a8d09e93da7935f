/* checksum/ against CRC-32 and CRC-32C by their definition, a bit at a time. */
#include "support/support.h"

#include <string.h>

#include "checksum/numbers.h"
#include "checksum/instructions.h"
#include "checksum/tables.h"
#include "checksum/wide.h"
#include "unit/random.h"

enum { LENGTHS = 1101, ALIGNMENTS = 64, LONG = (1 << 20) + 13 };

#define CRC32 UINT32_C(0xEDB88320)  /* polynomial 0x04C11DB7, its bits reversed */
#define CRC32C UINT32_C(0x82F63B78) /* polynomial 0x1EDC6F41 */

static uint32_t instruction(uint32_t crc, const void *data, size_t size)
{
    return segj_has_crc32c_instruction() ? segj_crc32c_by_instruction(crc, data, size)
                                         : segj_crc32c_by_tables(crc, data, size);
}

static const struct routine {
    const char *name;
    uint32_t polynomial;
    uint32_t (*update)(uint32_t crc, const void *data, size_t size);
} routines[] = {
    {"segj_crc32", CRC32, segj_crc32},
    {"segj_crc32c", CRC32C, segj_crc32c},
    {"segj_crc32_by_tables", CRC32, segj_crc32_by_tables},
    {"segj_crc32c_by_tables", CRC32C, segj_crc32c_by_tables},
    {"segj_crc32c_by_instruction", CRC32C, instruction},
};

#define EACH(routine)                                                                                                  \
    (const struct routine *routine = routines; routine < routines + sizeof routines / sizeof *routines; routine++)

/* The register before its final xor, least significant bit first. */
static uint32_t shift_in(uint32_t polynomial, uint32_t reg, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        reg ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            reg = (reg >> 1) ^ ((reg & 1) != 0 ? polynomial : 0);
    }
    return reg;
}

static uint32_t defined(uint32_t polynomial, const uint8_t *bytes, size_t size)
{
    return ~shift_in(polynomial, 0xFFFFFFFFu, bytes, size);
}

static uint32_t by_definition(const uint8_t *bytes, size_t size)
{
    return defined(CRC32, bytes, size);
}

static void fill(uint8_t *bytes, size_t size)
{
    uint64_t seed = 1;
    random_fill(&seed, bytes, size);
}

static void check(const struct routine *routine, uint32_t crc, const uint8_t *bytes, size_t size, uint32_t expected)
{
    uint32_t found = routine->update(crc, bytes, size);
    if (found != expected)
        fail_msg("%s, %zu bytes at %zu modulo 64: %08x instead of %08x", routine->name, size,
                 (size_t)(uintptr_t)bytes % 64, (unsigned)found, (unsigned)expected);
}

static void check_values_are_crc32s(void **state)
{
    assert_int_equal(segj_crc32(0, "123456789", 9), 0xCBF43926u);
    assert_int_equal(by_definition((const uint8_t *)"123456789", 9), 0xCBF43926u);
    assert_int_equal(segj_crc32(0, "", 0), 0);
}

/* The first and the third are of RFC 3720, B.4. */
static void check_values_are_crc32cs(void **state)
{
    const uint8_t zeros[32] = {0};
    assert_int_equal(segj_crc32c(0, zeros, sizeof zeros), 0x8A9136AAu);
    assert_int_equal(segj_crc32c(0, "123456789", 9), 0xE3069283u);
    uint8_t counting[32];
    for (size_t i = 0; i < sizeof counting; i++)
        counting[i] = (uint8_t)i;
    assert_int_equal(segj_crc32c(0, counting, sizeof counting), 0x46DD794Eu);
    assert_int_equal(segj_crc32c(0, "", 0), 0);
}

static void every_length_at_every_alignment(void **state)
{
    static _Alignas(64) uint8_t bytes[LENGTHS + ALIGNMENTS];
    fill(bytes, sizeof bytes);
    for
        EACH(routine)
        {
            for (size_t at = 0; at < ALIGNMENTS; at++) {
                uint32_t reg = 0xFFFFFFFFu;
                for (size_t size = 0; size < LENGTHS; size++) {
                    check(routine, 0, bytes + at, size, ~reg);
                    reg = shift_in(routine->polynomial, reg, bytes + at + size, 1);
                }
            }
        }
}

static void long_input(void **state)
{
    static uint8_t bytes[LONG];
    static const size_t sizes[] = {4080, 4096, 4111, 65536, 100003, LONG};
    fill(bytes, sizeof bytes);
    for
        EACH(routine)
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        check(routine, 0, bytes, sizes[i], defined(routine->polynomial, bytes, sizes[i]));
}

static void pieces_give_the_checksum_of_the_whole(void **state)
{
    uint8_t bytes[LENGTHS];
    fill(bytes, sizeof bytes);
    for
        EACH(routine)
        {
            uint32_t whole = defined(routine->polynomial, bytes, sizeof bytes), crc = 0;
            for (size_t cut = 0; cut <= sizeof bytes; cut++)
                check(routine, routine->update(0, bytes, cut), bytes + cut, sizeof bytes - cut, whole);
            for (size_t i = 0; i < sizeof bytes; i++)
                crc = routine->update(crc, bytes + i, 1);
            assert_int_equal(crc, whole);
        }
}

/* The payload of an empty value may be NULL: it adds nothing to what its frame's checksum began with. */
/* Of two parts that were computed apart. */
static void parts_are_joined(void **state)
{
    (void)state;
    static uint8_t bytes[5000];
    fill(bytes, sizeof bytes);
    for (size_t size = 0; size <= sizeof bytes; size += size < 70 ? 1 : 997)
        for (size_t first = 0; first <= size; first += size < 70 ? 1 : 331) {
            size_t rest = size - first;
            assert_int_equal(segj_crc32_join(segj_crc32(7, bytes, first), segj_crc32(0, bytes + first, rest), rest),
                             segj_crc32(7, bytes, size));
            assert_int_equal(segj_crc32c_join(segj_crc32c(7, bytes, first), segj_crc32c(0, bytes + first, rest), rest),
                             segj_crc32c(7, bytes, size));
        }
}

static void no_bytes_change_nothing(void **state)
{
    const uint8_t byte = 0;
    for
        EACH(routine)
        {
            uint32_t crc = routine->update(0, "place", 5);
            assert_int_equal(routine->update(crc, &byte, 0), crc);
            assert_int_equal(routine->update(crc, NULL, 0), crc);
            assert_int_equal(routine->update(0, NULL, 0), 0);
        }
}

static void every_bit_counts(void **state)
{
    uint8_t bytes[64];
    fill(bytes, sizeof bytes);
    for
        EACH(routine)
        {
            uint32_t crc = routine->update(0, bytes, sizeof bytes);
            for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
                bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
                assert_int_not_equal(routine->update(0, bytes, sizeof bytes), crc);
                bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
            }
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

static void numbers_are_continued_as_their_bytes(void **state)
{
    uint8_t bytes[5 + 8 + 4 + 2 + 8];
    (void)state;
    fill(bytes, sizeof bytes);
    uint32_t crc = segj_crc32(0, bytes, 5);
    crc = segj_crc32_of_number(crc, get_u64(bytes + 5));
    assert_int_equal(crc, by_definition(bytes, 13));
    crc = segj_crc32_of_half(crc, get_u32(bytes + 13));
    assert_int_equal(crc, by_definition(bytes, 17));
    crc = segj_crc32_of_two(crc, bytes[17], bytes[18]);
    assert_int_equal(crc, by_definition(bytes, 19));
    assert_int_equal(segj_crc32_of_eight(crc, bytes + 19), by_definition(bytes, sizeof bytes));
    assert_int_equal(segj_crc32_of_half(0, UINT32_MAX), by_definition((const uint8_t *)"\xff\xff\xff\xff", 4));
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

#if defined __x86_64__ && defined __GNUC__
/* Whether something is in the upper halves of the wide registers; false also where the processor does not tell. */
static bool is_wide_in_use(void)
{
    uint32_t eax = 0xD, ebx, ecx = 1, edx;
    __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    if ((eax & 4) == 0) /* it does not */
        return false;
    ecx = 1;
    __asm__ volatile("xgetbv" : "=a"(eax), "=d"(edx) : "c"(ecx));
    return (eax & 4) != 0;
}
#endif

/* What a library leaves there makes the instructions wait that come after it, in the whole process. */
static void wide_registers_are_left_clear(void **state)
{
    (void)state;
#if defined __x86_64__ && defined __GNUC__
    static uint8_t bytes[65536];
    fill(bytes, sizeof bytes);
    segj_leave_wide_registers();
    if (!segj_ask_wide_registers() || is_wide_in_use())
        SKIP("the processor has no wide registers, or does not tell whether they are in use");
    for (size_t size = 1; size <= sizeof bytes; size += size < 300 ? 1 : size) {
        for (const struct routine *routine = routines; routine->update != segj_crc32_by_tables; routine++) {
            (void)routine->update(0, bytes, size);
            if (is_wide_in_use())
                fail_msg("%s of %zu bytes leaves the wide registers as they are", routine->name, size);
        }
    }
#else
    SKIP("this is no x86-64");
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_values_are_crc32s),
        cmocka_unit_test(check_values_are_crc32cs),
        cmocka_unit_test(every_length_at_every_alignment),
        cmocka_unit_test(long_input),
        cmocka_unit_test(pieces_give_the_checksum_of_the_whole),
        cmocka_unit_test(parts_are_joined),
        cmocka_unit_test(no_bytes_change_nothing),
        cmocka_unit_test(every_bit_counts),
        cmocka_unit_test(place_is_two_big_endian_numbers),
        cmocka_unit_test(numbers_are_continued_as_their_bytes),
        cmocka_unit_test(place_is_continued_over_the_bytes),
        cmocka_unit_test(wide_registers_are_left_clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
