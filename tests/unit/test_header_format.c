/* journal/header_format.c: identities and watermarks, against the support's own encoder and FORMAT.md, "Headers". */
#include "support/log.h"
#include "support/support.h"

#include <string.h>

#include "checksum/checksum.h"
#include "journal/frame_format.h"
#include "journal/header_format.h"
#include "unit/random.h"

static const segj_identity_t index_identity = {.version = 1,
                                               .kind = SEGJ_KIND_INDEX,
                                               .page_size = 0x1234,
                                               .record_size = 0x56789abc,
                                               .section = UINT64_C(0x0123456789abcdef)};
static const segj_identity_t values_identity = {
    .version = 1, .kind = SEGJ_KIND_VALUES, .compressed = true, .section = 9};

static segj_header_verdict_t judge(const uint8_t *block, size_t size, segj_identity_t *identity, const char **why)
{
    segj_identity_t ignored;
    const char *text = NULL;
    segj_header_verdict_t verdict = segj_identity_decode(block, size, identity != NULL ? identity : &ignored, &text);
    if (verdict != SEGJ_HEADER_VALID)
        assert_non_null(text);
    if (why != NULL)
        *why = text;
    return verdict;
}

/* The block with its checksum made right again. */
static segj_header_verdict_t judge_sealed(uint8_t *block)
{
    put_u32(block + 28, segj_crc32(0, block, 28));
    return judge(block, SEGJ_BLOCK_SIZE, NULL, NULL);
}

static void check_equal(const segj_identity_t *found, const segj_identity_t *expected)
{
    assert_int_equal(found->kind, expected->kind);
    assert_int_equal(found->compressed, expected->compressed);
    assert_int_equal(found->page_size, expected->page_size);
    assert_int_equal(found->record_size, expected->record_size);
    assert_int_equal(found->section, expected->section);
}

static void check_encoding(const segj_identity_t *identity)
{
    uint8_t block[SEGJ_BLOCK_SIZE];
    uint8_t expected[SEGJ_BLOCK_SIZE];
    memset(block, 0xff, sizeof block);
    segj_identity_encode(block, identity);
    encode_identity(expected, &(identity_t){.version = 1,
                                            .kind = (uint8_t)identity->kind,
                                            .compression = identity->compressed ? 1 : 0,
                                            .page_size = identity->page_size,
                                            .record_size = identity->record_size,
                                            .section = identity->section});
    assert_memory_equal(block, expected, sizeof block);
    segj_identity_t found;
    memset(&found, 0xff, sizeof found);
    assert_int_equal(judge(block, sizeof block, &found, NULL), SEGJ_HEADER_VALID);
    check_equal(&found, identity);
}

/* --- encoding --- */

static void identities_are_as_specified(void **state)
{
    static const uint8_t expected[32] = {'S',  'E',  'G',  'J',  0,    1,    1,    0,    0x12, 0x34, 0,
                                         0,    0x56, 0x78, 0x9a, 0xbc, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab,
                                         0xcd, 0xef, 0,    0,    0,    0,    0,    0,    0,    0};
    uint8_t block[SEGJ_BLOCK_SIZE];
    segj_identity_encode(block, &index_identity);
    assert_memory_equal(block, expected, 28);
    check_encoding(&index_identity);
    check_encoding(&values_identity);
}

static void each_bit_of_each_field_comes_back(void **state)
{
    for (unsigned bit = 0; bit < 64; bit++) {
        segj_identity_t identity = index_identity;
        identity.section = UINT64_C(1) << bit;
        check_encoding(&identity);
        identity = values_identity;
        identity.section = ~(UINT64_C(1) << bit);
        check_encoding(&identity);
        identity = index_identity;
        if (bit < 16)
            identity.page_size = (uint16_t)(1u << bit);
        if (bit < 28) /* the least record is 12 bytes */
            identity.record_size = UINT32_C(16) << bit;
        check_encoding(&identity);
    }
}

static void limits_of_each_field_come_back(void **state)
{
    segj_identity_t identity = {
        .version = 1, .kind = SEGJ_KIND_INDEX, .page_size = 65535, .record_size = 65547, .section = UINT64_MAX};
    check_encoding(&identity);
    identity = (segj_identity_t){.version = 1, .kind = SEGJ_KIND_INDEX, .page_size = 1, .record_size = 12};
    check_encoding(&identity);
    identity = (segj_identity_t){.version = 1, .kind = SEGJ_KIND_VALUES};
    check_encoding(&identity);
}

/* --- judging --- */

/* Another version is refused as such; anything else that is flipped leaves no identity. */
static void every_flipped_bit_is_noticed(void **state)
{
    uint8_t block[SEGJ_BLOCK_SIZE];
    segj_identity_encode(block, &index_identity);
    for (size_t bit = 0; bit < 8 * 32; bit++) {
        size_t byte = bit / 8;
        block[byte] ^= (uint8_t)(1u << bit % 8);
        bool version = byte == 4 || byte == 5;
        bool none = !version || get_u16(block + 4) == 0;
        assert_int_equal(judge(block, sizeof block, NULL, NULL), none ? SEGJ_HEADER_NONE : SEGJ_HEADER_FOREIGN);
        block[byte] ^= (uint8_t)(1u << bit % 8);
    }
}

static void reserved_bytes_are_refused(void **state)
{
    static const size_t reserved[] = {10, 11, 24, 25, 26, 27};
    uint8_t block[SEGJ_BLOCK_SIZE];
    for (int kind = 0; kind < 2; kind++) {
        segj_identity_encode(block, kind == 0 ? &index_identity : &values_identity);
        for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++) {
            block[reserved[i]] = 1;
            assert_int_equal(judge_sealed(block), SEGJ_HEADER_DAMAGED);
            block[reserved[i]] = 0;
        }
        assert_int_equal(judge_sealed(block), SEGJ_HEADER_VALID);
    }
}

static void fields_that_do_not_fit_are_refused(void **state)
{
    static const struct {
        uint8_t kind, compression;
        uint16_t page_size;
        uint32_t record_size;
        segj_header_verdict_t verdict;
    } cases[] = {
        {1, 0, 1, 12, SEGJ_HEADER_VALID},    {2, 0, 0, 0, SEGJ_HEADER_VALID},     {2, 1, 0, 0, SEGJ_HEADER_VALID},
        {0, 0, 64, 20, SEGJ_HEADER_DAMAGED}, {3, 0, 64, 20, SEGJ_HEADER_DAMAGED}, {255, 0, 0, 0, SEGJ_HEADER_DAMAGED},
        {1, 1, 64, 20, SEGJ_HEADER_DAMAGED}, {2, 2, 0, 0, SEGJ_HEADER_DAMAGED},   {2, 255, 0, 0, SEGJ_HEADER_DAMAGED},
        {1, 0, 0, 20, SEGJ_HEADER_DAMAGED},  {1, 0, 64, 0, SEGJ_HEADER_DAMAGED},  {1, 0, 64, 11, SEGJ_HEADER_DAMAGED},
        {2, 0, 64, 0, SEGJ_HEADER_DAMAGED},  {2, 0, 0, 20, SEGJ_HEADER_DAMAGED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t block[SEGJ_BLOCK_SIZE];
        encode_identity(block, &(identity_t){.version = 1,
                                             .kind = cases[i].kind,
                                             .compression = cases[i].compression,
                                             .page_size = cases[i].page_size,
                                             .record_size = cases[i].record_size});
        assert_int_equal(judge(block, sizeof block, NULL, NULL), cases[i].verdict);
    }
}

/* The rest of the block is zeros or the block is no identity: a crash while a file is made may leave it torn. What must
 * not be is that it passes. */
static void bytes_behind_the_identity_are_refused(void **state)
{
    static const size_t places[] = {32, 33, 511, 512, 513, 2047, 4094, 4095};
    uint8_t block[SEGJ_BLOCK_SIZE];
    segj_identity_encode(block, &index_identity);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        block[places[i]] = 0x80;
        assert_int_not_equal(judge(block, sizeof block, NULL, NULL), SEGJ_HEADER_VALID);
        assert_int_not_equal(judge(block, sizeof block, NULL, NULL), SEGJ_HEADER_FOREIGN);
        block[places[i]] = 0;
    }
    assert_int_equal(judge(block, sizeof block, NULL, NULL), SEGJ_HEADER_VALID);
}

static void other_formats_and_versions_are_foreign(void **state)
{
    static const char *const magics[] = {"CWIC", "CWIK"};
    for (size_t i = 0; i < 2; i++) {
        uint8_t block[SEGJ_BLOCK_SIZE] = {0};
        const char *why = NULL;
        memcpy(block, magics[i], 4);
        for (size_t size = 4; size <= 40; size++)
            assert_int_equal(judge(block, size, NULL, &why), SEGJ_HEADER_FOREIGN);
        assert_int_equal(judge(block, sizeof block, NULL, &why), SEGJ_HEADER_FOREIGN);
        assert_non_null(strstr(why, "commonware"));
    }
    static const uint16_t versions[] = {3, 4, 255, 256, 257, 258, 65535};
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        uint8_t block[SEGJ_BLOCK_SIZE];
        const char *why = NULL;
        encode_identity(block, &(identity_t){.version = versions[i], .kind = 1, .page_size = 64, .record_size = 20});
        assert_int_equal(judge(block, sizeof block, NULL, &why), SEGJ_HEADER_FOREIGN);
        assert_non_null(strstr(why, "version"));
        assert_int_equal(judge(block, 6, NULL, NULL),
                         SEGJ_HEADER_FOREIGN); /* what makes it so is in the first 6 bytes */
    }
}

/* --- version 2 --- */

static void version_2_is_as_specified(void **state)
{
    for (int kind = SEGJ_KIND_INDEX; kind <= SEGJ_KIND_VALUES; kind++) {
        uint8_t block[SEGJ_BLOCK_SIZE];
        uint8_t expected[SEGJ_BLOCK_SIZE];
        const segj_identity_t identity = {.version = 2,
                                          .kind = (segj_kind_t)kind,
                                          .compressed = kind == SEGJ_KIND_VALUES,
                                          .page_size = 0x1234,
                                          .record_size = 0x56789abc,
                                          .section = UINT64_C(0x0123456789abcdef),
                                          .salt = UINT64_C(0xfedcba9876543210),
                                          .dictionary = {0x2abcd, 0x87654321}};
        segj_identity_t found;
        const char *why;
        segj_identity_encode(block, &identity);
        encode_log_identity(expected, &(log_identity_t){(uint8_t)kind, kind == SEGJ_KIND_VALUES, 0x1234, 0x56789abc,
                                                        identity.section, identity.salt, 0x2abcd, 0x87654321, 0});
        assert_memory_equal(block, expected, sizeof block);
        assert_int_equal(segj_identity_decode(block, sizeof block, &found, &why), SEGJ_HEADER_VALID);
        assert_true(found.version == 2 && found.kind == identity.kind && found.compressed == identity.compressed);
        assert_true(found.salt == identity.salt && found.section == identity.section);
        assert_true(found.page_size == identity.page_size && found.record_size == identity.record_size);
        for (size_t bit = 0; bit < 8 * 64; bit++) {
            block[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_not_equal(segj_identity_decode(block, sizeof block, &found, &why), SEGJ_HEADER_VALID);
            block[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        for (size_t size = 6; size < 64; size++)
            assert_int_equal(segj_identity_decode(block, size, &found, &why), SEGJ_HEADER_NONE);
        assert_true(found.dictionary.size == 0x2abcd && found.dictionary.crc == 0x87654321);
        for (unsigned flag = 4; flag < 256; flag *= 2) {
            block[32] = (uint8_t)(1 | flag); /* what a reader must know */
            put_u32(block + 60, segj_crc32(0, block, 60));
            assert_int_equal(segj_identity_decode(block, sizeof block, &found, &why), SEGJ_HEADER_FOREIGN);
        }
        block[32] = 0; /* and of the dictionary it must */
        put_u32(block + 60, segj_crc32(0, block, 60));
        assert_int_equal(segj_identity_decode(block, sizeof block, &found, &why), SEGJ_HEADER_DAMAGED);
        block[32] = 1;
        block[33] = 1; /* what it need not */
        put_u32(block + 60, segj_crc32(0, block, 60));
        assert_int_equal(segj_identity_decode(block, sizeof block, &found, &why), SEGJ_HEADER_VALID);
    }
}

static void sectors_are_as_specified(void **state)
{
    segj_identity_t identity = {
        .version = 2, .kind = SEGJ_KIND_VALUES, .page_size = 64, .record_size = 20, .section = 7, .salt = 8};
    uint8_t block[SEGJ_BLOCK_SIZE];
    uint8_t expected[SEGJ_BLOCK_SIZE];
    segj_identity_t found;
    const char *why;
    for (unsigned log = 0; log < 256; log++) {
        bool good = log >= 9 && log <= 16;
        identity.sector = good ? (uint32_t)1 << log : 0;
        segj_identity_encode(block, &identity);
        encode_log_identity(expected, &(log_identity_t){SEGJ_KIND_VALUES, 0, 64, 20, 7, 8, 0, 0, identity.sector});
        assert_memory_equal(block, expected, sizeof block);
        assert_int_equal(segj_identity_decode(block, sizeof block, &found, &why), SEGJ_HEADER_VALID);
        assert_int_equal(found.sector, identity.sector);
        block[34] = (uint8_t)log; /* what is said by the flag and by the size is one */
        block[32] = good ? 0 : 2;
        put_u32(block + 60, segj_crc32(0, block, 60));
        assert_int_equal(segj_identity_decode(block, sizeof block, &found, &why), SEGJ_HEADER_DAMAGED);
    }
    assert_int_equal(segj_frame_apart(0, 4096, 100), 100);
    assert_int_equal(segj_frame_apart(512, 4096, 0), 0);
    assert_int_equal(segj_frame_apart(512, 4096, 1), 512 + 4);
    assert_int_equal(segj_frame_apart(512, 4096, 511), 512 + 4);
    assert_int_equal(segj_frame_apart(512, 4096, 512), 512);
    assert_int_equal(segj_frame_apart(65536, 4096, 0), 65536 - 4096 + 4); /* the header is in that sector */
}

static void marks_of_version_2_are_as_specified(void **state)
{
    uint8_t slot[SEGJ_SLOT_SIZE_2];
    uint8_t expected[SEGJ_SLOT_SIZE_2];
    const segj_point_t at = {UINT64_C(0x0102030405060708), UINT64_C(0x1112131415161718), 0x21222324};
    segj_mark_encode_2(slot, 77, 1, at, UINT64_C(0x3132333435363738));
    encode_log_mark(expected, 77, 1, (log_mark_t){at.records, at.end, UINT64_C(0x3132333435363738), at.trailer});
    assert_memory_equal(slot, expected, sizeof slot);
    segj_mark_t mark = segj_mark_decode_2(slot, 77, 1);
    assert_true(mark.valid && mark.at.records == at.records && mark.at.end == at.end && mark.at.trailer == at.trailer);
    assert_true(mark.sequence == UINT64_C(0x3132333435363738));
    assert_false(segj_mark_decode_2(slot, 77, 0).valid);
    assert_false(segj_mark_decode_2(slot, 76, 1).valid);
    for (size_t bit = 0; bit < 8 * sizeof slot; bit++) {
        slot[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(segj_mark_decode_2(slot, 77, 1).valid);
        slot[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void other_bytes_are_no_identity(void **state)
{
    uint8_t block[SEGJ_BLOCK_SIZE] = {0};
    assert_int_equal(judge(block, 0, NULL, NULL), SEGJ_HEADER_NONE);
    assert_int_equal(judge(block, sizeof block, NULL, NULL), SEGJ_HEADER_NONE); /* zeros */
    memset(block, 0xff, sizeof block);
    assert_int_equal(judge(block, sizeof block, NULL, NULL), SEGJ_HEADER_NONE);
    uint64_t seed = 3;
    for (int i = 0; i < 100; i++) {
        random_fill(&seed, block, sizeof block);
        assert_int_equal(judge(block, sizeof block, NULL, NULL), SEGJ_HEADER_NONE);
    }
    memcpy(block, "CWIX", 4);
    assert_int_equal(judge(block, sizeof block, NULL, NULL), SEGJ_HEADER_NONE);
    memcpy(block, "segj", 4);
    assert_int_equal(judge(block, sizeof block, NULL, NULL), SEGJ_HEADER_NONE);
}

/* A header that a crash cut short, as a shorter file or with zeros behind: until its checksum is there it is none, and
 * at no length another format. */
static void torn_headers_are_no_identity(void **state)
{
    uint8_t whole[SEGJ_BLOCK_SIZE];
    segj_identity_encode(whole, &index_identity);
    for (size_t cut = 0; cut < 32; cut++) {
        uint8_t block[SEGJ_BLOCK_SIZE] = {0};
        memcpy(block, whole, cut);
        assert_int_equal(judge(block, cut, NULL, NULL), SEGJ_HEADER_NONE);
        assert_int_equal(judge(block, sizeof block, NULL, NULL), SEGJ_HEADER_NONE);
    }
    for (size_t cut = 32; cut <= SEGJ_BLOCK_SIZE;
         cut += 512) /* sectors arrive or do not; the rest is zeros either way */
        assert_int_equal(judge(whole, cut, NULL, NULL), SEGJ_HEADER_VALID);
}

static void a_verdict_other_than_valid_leaves_the_output_alone(void **state)
{
    uint8_t block[SEGJ_BLOCK_SIZE];
    segj_identity_t identity = values_identity;
    segj_identity_encode(block, &index_identity);
    block[20] ^= 1;
    assert_int_equal(judge(block, sizeof block, &identity, NULL), SEGJ_HEADER_NONE);
    check_equal(&identity, &values_identity);
}

/* --- watermarks --- */

static void check_mark(uint64_t section, uint64_t records, uint32_t sequence)
{
    uint8_t slot[SEGJ_SLOT_SIZE];
    uint8_t block[HEADER_BLOCK];
    segj_mark_encode(slot, section, records, sequence);
    encode_watermark(block, section, (watermark_t){records, sequence});
    assert_memory_equal(slot, block, sizeof slot);
    segj_mark_t mark = segj_mark_decode(slot, section);
    assert_true(mark.valid);
    assert_int_equal(mark.at.records, records);
    assert_int_equal(mark.sequence, sequence);
}

static void marks_are_as_specified(void **state)
{
    static const uint8_t fields[12] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xfe, 0xdc, 0xba, 0x98};
    uint8_t slot[SEGJ_SLOT_SIZE];
    segj_mark_encode(slot, 1, UINT64_C(0x0123456789abcdef), 0xfedcba98u);
    assert_memory_equal(slot, fields, sizeof fields);
    for (unsigned bit = 0; bit < 64; bit++)
        check_mark(~(UINT64_C(1) << bit), UINT64_C(1) << bit, 1u << bit % 32);
    check_mark(0, 0, 0);
    check_mark(UINT64_MAX, UINT64_MAX, UINT32_MAX);
}

static void every_bit_of_a_mark_counts(void **state)
{
    uint8_t slot[SEGJ_SLOT_SIZE];
    segj_mark_encode(slot, 5, 1000, 7);
    for (size_t bit = 0; bit < 8 * sizeof slot; bit++) {
        slot[bit / 8] ^= (uint8_t)(1u << bit % 8);
        segj_mark_t mark = segj_mark_decode(slot, 5);
        assert_false(mark.valid);
        assert_int_equal(mark.at.records, 0);
        assert_int_equal(mark.sequence, 0);
        slot[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void a_mark_is_bound_to_its_section(void **state)
{
    uint8_t slot[SEGJ_SLOT_SIZE];
    segj_mark_encode(slot, 5, 1000, 7);
    for (unsigned bit = 0; bit < 64; bit++)
        assert_false(segj_mark_decode(slot, 5 ^ (UINT64_C(1) << bit)).valid);
}

static void a_cleared_mark_is_absent(void **state)
{
    static const uint8_t zeros[SEGJ_SLOT_SIZE];
    for (uint64_t section = 0; section < 1000; section++)
        assert_false(segj_mark_decode(zeros, section).valid);
    assert_false(segj_mark_decode(zeros, UINT64_MAX).valid);
}

static void headers_have_a_block_each(void **state)
{
    assert_int_equal(segj_mark_offset(0), 4096);
    assert_int_equal(segj_mark_offset(1), 8192);
    assert_int_equal(SEGJ_INDEX_DATA_OFFSET, INDEX_DATA_OFFSET);
    assert_int_equal(SEGJ_VALUES_DATA_OFFSET, VALUES_DATA_OFFSET);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identities_are_as_specified),
        cmocka_unit_test(each_bit_of_each_field_comes_back),
        cmocka_unit_test(limits_of_each_field_come_back),
        cmocka_unit_test(every_flipped_bit_is_noticed),
        cmocka_unit_test(reserved_bytes_are_refused),
        cmocka_unit_test(fields_that_do_not_fit_are_refused),
        cmocka_unit_test(bytes_behind_the_identity_are_refused),
        cmocka_unit_test(other_formats_and_versions_are_foreign),
        cmocka_unit_test(version_2_is_as_specified),
        cmocka_unit_test(sectors_are_as_specified),
        cmocka_unit_test(marks_of_version_2_are_as_specified),
        cmocka_unit_test(other_bytes_are_no_identity),
        cmocka_unit_test(torn_headers_are_no_identity),
        cmocka_unit_test(a_verdict_other_than_valid_leaves_the_output_alone),
        cmocka_unit_test(marks_are_as_specified),
        cmocka_unit_test(every_bit_of_a_mark_counts),
        cmocka_unit_test(a_mark_is_bound_to_its_section),
        cmocka_unit_test(a_cleared_mark_is_absent),
        cmocka_unit_test(headers_have_a_block_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
