/* journal/commonware_format.c: both headers, against the support's own encoder and FORMAT.md, "Commonware files". */
#include "support/commonware.h"

#include <string.h>

#include "journal/commonware_format.h"

enum { WHOLE = 100000 }; /* bytes of a file that holds data */

/* Judges the first bytes of a file that has `file_size`; bytes behind `size` are zeros. */
static segj_header_verdict_t judge(const void *bytes, size_t size, uint64_t file_size, uint64_t *data)
{
    uint8_t block[COMMONWARE_V1] = {0};
    const char *why = NULL;
    uint64_t ignored;
    memcpy(block, bytes, size);
    size_t have = file_size < sizeof block ? (size_t)file_size : sizeof block;
    segj_header_verdict_t verdict =
        segj_commonware_decode(block, have, file_size, data != NULL ? data : &ignored, &why);
    if (verdict == SEGJ_HEADER_VALID)
        assert_null(why);
    else
        assert_non_null(why);
    return verdict;
}

static void check_new(const void *bytes, size_t size, uint64_t file_size, uint64_t expected)
{
    uint64_t data = 0;
    assert_int_equal(judge(bytes, size, file_size, &data), SEGJ_HEADER_NONE);
    assert_int_equal(data, expected);
}

/* It does not tell its kind: what it is going to be stays as it is. */
static void check_untold(const void *bytes, size_t size)
{
    for (uint64_t otherwise = COMMONWARE_V0; otherwise <= COMMONWARE_V1; otherwise += COMMONWARE_V1 - COMMONWARE_V0) {
        uint64_t data = otherwise;
        assert_int_equal(judge(bytes, size, size, &data), SEGJ_HEADER_NONE);
        assert_int_equal(data, otherwise);
    }
}

static void check_valid(const void *bytes, size_t size, uint64_t file_size, uint64_t expected)
{
    uint64_t data = 0;
    assert_int_equal(judge(bytes, size, file_size, &data), SEGJ_HEADER_VALID);
    assert_int_equal(data, expected);
}

static void check_refused(const void *bytes, size_t size, uint64_t file_size, segj_header_verdict_t expected)
{
    assert_int_equal(judge(bytes, size, file_size, NULL), expected);
}

static void headers_are_as_specified(void **state)
{
    static const uint8_t first[8] = {0x43, 0x57, 0x49, 0x43, 0, 0, 0, 0};
    static const uint8_t second[12] = {0x43, 0x57, 0x49, 0x4b, 0, 1, 0, 0, 0x28, 0x13, 0xd8, 0xdc};
    uint8_t block[COMMONWARE_V1];
    uint8_t expected[COMMONWARE_V1] = {0};
    memset(block, 0xff, sizeof block);
    assert_int_equal(segj_commonware_encode(block, COMMONWARE_V0), sizeof first);
    assert_memory_equal(block, first, sizeof first);
    assert_int_equal(block[8], 0xff);
    memcpy(expected, second, sizeof second);
    assert_int_equal(segj_commonware_encode(block, COMMONWARE_V1), sizeof block);
    assert_memory_equal(block, expected, sizeof block);
    encode_commonware_header(expected, COMMONWARE_V1, 0);
    assert_memory_equal(block, expected, sizeof block);
}

static void both_headers_are_recognised(void **state)
{
    uint8_t header[COMMONWARE_V1];
    encode_commonware_header(header, COMMONWARE_V0, 0);
    check_valid(header, COMMONWARE_V0, COMMONWARE_V0, COMMONWARE_V0);
    check_valid(header, COMMONWARE_V0, COMMONWARE_V0 + 1, COMMONWARE_V0);
    check_valid(header, COMMONWARE_V0, WHOLE, COMMONWARE_V0);
    const uint16_t versions[] = {0, 1, 0x0100, 0x1234, UINT16_MAX};
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        encode_commonware_header(header, COMMONWARE_V1, versions[i]);
        check_valid(header, sizeof header, COMMONWARE_V1, COMMONWARE_V1);
        check_valid(header, sizeof header, WHOLE, COMMONWARE_V1);
    }
}

/* What a crash may leave of the 8 bytes, at whichever byte it cuts them. */
static void a_first_header_cut_short_is_a_new_file(void **state)
{
    uint8_t header[COMMONWARE_V0] = {0};
    encode_commonware_header(header, COMMONWARE_V0, 0);
    for (size_t size = 0; size < 4; size++)
        check_untold(header, size);
    for (size_t size = 4; size < sizeof header; size++)
        check_new(header, size, size, COMMONWARE_V0);
    for (size_t size = 0; size < 4; size++)
        check_new(header, size, sizeof header, COMMONWARE_V0);
    check_untold("garbage", 7);
}

/* The size of a second header may be there before its bytes: zeros, or a beginning of the magic. */
static void a_longer_file_without_its_magic_is_a_new_one_of_the_second_kind(void **state)
{
    uint8_t header[COMMONWARE_V0] = {0};
    encode_commonware_header(header, COMMONWARE_V0, 0);
    for (size_t size = 0; size < 4; size++) {
        check_new(header, size, 9, COMMONWARE_V1);
        check_new(header, size, COMMONWARE_V1, COMMONWARE_V1);
        check_refused(header, size, COMMONWARE_V1 + 1, SEGJ_HEADER_DAMAGED);
        check_refused(header, size, WHOLE, SEGJ_HEADER_DAMAGED);
    }
    check_refused("CWI\0\0\0\0\0\1", 9, 9, SEGJ_HEADER_DAMAGED);
    check_refused("CWX", 3, 9, SEGJ_HEADER_DAMAGED);
    check_refused("garbage!", 8, 8, SEGJ_HEADER_DAMAGED);
    check_refused("CWI\0\0\0\0\1", 8, 8, SEGJ_HEADER_DAMAGED);
}

static void a_second_header_cut_short_is_a_new_file(void **state)
{
    const uint16_t versions[] = {0, 0x1234};
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        uint8_t header[COMMONWARE_V1];
        encode_commonware_header(header, COMMONWARE_V1, versions[i]);
        for (size_t size = 4; size <= 12; size++) {
            check_new(header, size, size, COMMONWARE_V1);
            check_new(header, size, COMMONWARE_V1 - 1, COMMONWARE_V1);
            bool whole = memcmp(header + size, (uint8_t[12]){0}, 12 - size) == 0;
            if (!whole)
                check_new(header, size, COMMONWARE_V1, COMMONWARE_V1);
            check_refused(header, size, WHOLE, whole ? SEGJ_HEADER_VALID : SEGJ_HEADER_DAMAGED);
        }
    }
}

static void a_second_header_with_anything_else_is_damaged(void **state)
{
    uint8_t header[COMMONWARE_V1];
    encode_commonware_header(header, COMMONWARE_V1, 0);
    for (size_t at = 6; at < COMMONWARE_V1; at += at < 16 ? 1 : 255) {
        header[at] ^= 0x40;
        check_refused(header, sizeof header, COMMONWARE_V1, SEGJ_HEADER_DAMAGED);
        check_refused(header, sizeof header, WHOLE, SEGJ_HEADER_DAMAGED);
        header[at] ^= 0x40;
    }
}

static void other_versions_and_formats_are_foreign(void **state)
{
    uint8_t header[COMMONWARE_V1];
    for (size_t at = 4; at < 8; at++) {
        encode_commonware_header(header, COMMONWARE_V0, 0);
        header[at] = 1;
        check_refused(header, COMMONWARE_V0, COMMONWARE_V0, SEGJ_HEADER_FOREIGN);
        check_refused(header, COMMONWARE_V0, WHOLE, SEGJ_HEADER_FOREIGN);
    }
    encode_commonware_header(header, COMMONWARE_V1, 0);
    put_u16(header + 4, 2);
    put_u32(header + 8, plain_checksum(header, 8));
    check_refused(header, sizeof header, COMMONWARE_V1, SEGJ_HEADER_FOREIGN);
    check_refused(header, sizeof header, WHOLE, SEGJ_HEADER_FOREIGN);
    encode_identity(header, &(identity_t){.version = 1, .kind = IDENTITY_VALUES, .section = 3});
    check_refused(header, sizeof header, WHOLE, SEGJ_HEADER_FOREIGN);
    check_refused("SEGJ", 4, 4, SEGJ_HEADER_FOREIGN);
    check_refused("SEGJ", 4, 8, SEGJ_HEADER_FOREIGN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_as_specified),
        cmocka_unit_test(both_headers_are_recognised),
        cmocka_unit_test(a_first_header_cut_short_is_a_new_file),
        cmocka_unit_test(a_longer_file_without_its_magic_is_a_new_one_of_the_second_kind),
        cmocka_unit_test(a_second_header_cut_short_is_a_new_file),
        cmocka_unit_test(a_second_header_with_anything_else_is_damaged),
        cmocka_unit_test(other_versions_and_formats_are_foreign),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
