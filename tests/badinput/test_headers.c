/*
 * badinput/test_headers.c: every bit of both files' headers, and headers whose checksum is right and whose fields are
 * not.
 *
 * A header that is not what it was is refused, with all bytes left as they are; a watermark slot that is not what it
 * was is absent, which costs open time and no record.
 */
#include "badinput/badinput.h"

#include "journal/header_format.h"

enum { FIELDS = 32, SLOT = 16 };

static void flip(bytes_t *file, size_t bit)
{
    file->data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
}

/* A byte that holds nothing: one bit of it stands for the others. */
static size_t some_bit(size_t byte)
{
    return byte * 8 + (byte + byte / 8) % 8;
}

/* The identity's fields: the magic and the version say what the file is, the rest is under the checksum. */
static void flip_identity(leave_t leave, bool in_values)
{
    vault_t vault;
    open_vault(&vault, leave);
    for (size_t bit = 0; bit < FIELDS * 8; bit++) {
        mend(&vault);
        bytes_t *file = in_values ? &vault.damaged.values : &vault.damaged.index;
        flip(file, bit);
        verdict_t verdict = judge(&vault);
        bool in_version = bit / 8 == 4 || bit / 8 == 5;
        assert_int_equal(verdict.status, in_version ? SEGJ_ERR_MISMATCH : SEGJ_ERR_CORRUPT);
        assert_int_equal(verdict.in_values, in_values);
        /* "SEGJ" and version 0: another version, or no header at all. */
        if (get_u16(file->data + 4) == 0)
            verdict.status = SEGJ_ERR_CORRUPT;
        try_damaged(&vault, &verdict, false);
        assert_sentence("offset 0:");
    }
    close_vault(&vault);
}

static void each_bit_of_the_index_identity_is_refused(void **state)
{
    flip_identity(LEAVE_CLOSED, false);
    flip_identity(LEAVE_DROPPED, false);
}

static void each_bit_of_the_values_identity_is_refused(void **state)
{
    flip_identity(LEAVE_CLOSED, true);
    flip_identity(LEAVE_DROPPED, true);
}

/* "Reserved bytes are written as zero and refused when they are not." */
static void each_byte_behind_an_identity_is_refused(void **state)
{
    vault_t vault;
    open_vault(&vault, LEAVE_CLOSED);
    for (size_t byte = FIELDS; byte < HEADER_BLOCK; byte++) {
        mend(&vault);
        flip(byte % 2 == 0 ? &vault.damaged.index : &vault.damaged.values, some_bit(byte));
        verdict_t verdict = judge(&vault);
        assert_int_equal(verdict.status, SEGJ_ERR_CORRUPT);
        assert_int_equal(verdict.in_values, byte % 2 != 0);
        try_damaged(&vault, &verdict, false);
        assert_sentence("zero");
    }
    close_vault(&vault);
}

/* The same for each single bit, of the function that decides. */
static void each_bit_of_an_identity_block_decides(void **state)
{
    vault_t vault;
    open_vault(&vault, LEAVE_CLOSED);
    const bytes_t *files[] = {&vault.damaged.index, &vault.damaged.values};
    segj_identity_t identity;
    const char *why = NULL;
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        uint8_t *block = files[i]->data;
        assert_int_equal(segj_identity_decode(block, HEADER_BLOCK, &identity, &why), SEGJ_HEADER_VALID);
        for (size_t bit = 0; bit < HEADER_BLOCK * 8; bit++) {
            block[bit / 8] ^= (uint8_t)(1u << (bit % 8));
            assert_int_not_equal(segj_identity_decode(block, HEADER_BLOCK, &identity, &why), SEGJ_HEADER_VALID);
            assert_non_null(why);
            block[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        }
    }
    close_vault(&vault);
}

/* A file without data is not judged by what lies behind its fields. It must not be refused for that either as soon
 * as data has followed: whoever opens it writes the header again, also where a watermark says that the section had
 * records once. */
static void an_empty_file_with_bytes_behind_its_identity_can_be_appended_to(void **state)
{
    for (int in_values = 0; in_values < 2; in_values++) {
        vault_t vault;
        oversized_t *journal;
        uint64_t count;
        open_vault(&vault, LEAVE_CLOSED);
        bytes_t *file = in_values ? &vault.damaged.values : &vault.damaged.index;
        file->size = in_values ? VALUES_DATA_OFFSET : INDEX_DATA_OFFSET;
        file->data[512] = 1;
        put_damaged(&vault);
        assert_ok(oversized_open(&vault.config, &journal));
        assert_int_equal(oversized_recovery(journal)->synced_records_lost, SAMPLES);
        append_samples(journal, VAULT_SECTION, 1);
        assert_ok(oversized_close(journal));
        assert_ok(oversized_open(&vault.config, &journal));
        assert_ok(oversized_count(journal, VAULT_SECTION, &count));
        assert_int_equal(count, 1);
        check_sample(journal, VAULT_SECTION, 0);
        oversized_abandon(journal);
        close_vault(&vault);
    }
}

/* --- watermark slots --- */

static void flip_slots(leave_t leave)
{
    vault_t vault;
    open_vault(&vault, leave);
    for (size_t block = HEADER_BLOCK; block < INDEX_DATA_OFFSET; block += HEADER_BLOCK)
        for (size_t bit = block * 8; bit < (block + SLOT) * 8; bit++) {
            mend(&vault);
            flip(&vault.damaged.index, bit);
            verdict_t verdict = judge(&vault);
            assert_int_equal(verdict.status, SEGJ_OK);
            assert_int_equal(verdict.kept, SAMPLES);
            try_damaged(&vault, &verdict, true);
        }
    close_vault(&vault);
}

static void each_bit_of_the_watermark_slots_costs_no_record(void **state)
{
    flip_slots(LEAVE_CLOSED);
    flip_slots(LEAVE_DROPPED);
}

/* Two valid slots of different W: whichever is damaged, the other one counts, and every record stays. */
static void each_bit_of_two_valid_slots_costs_no_record(void **state)
{
    vault_t vault;
    open_vault(&vault, LEAVE_CLOSED);
    encode_watermark(vault.sample.index.data + HEADER_BLOCK, VAULT_SECTION, (watermark_t){5, 6});
    encode_watermark(vault.sample.index.data + (size_t)2 * HEADER_BLOCK, VAULT_SECTION, (watermark_t){SAMPLES, 7});
    for (size_t block = HEADER_BLOCK; block < INDEX_DATA_OFFSET; block += HEADER_BLOCK)
        for (size_t bit = block * 8; bit < (block + SLOT) * 8; bit++) {
            mend(&vault);
            flip(&vault.damaged.index, bit);
            verdict_t verdict = judge(&vault);
            assert_int_equal(verdict.watermark, block == HEADER_BLOCK ? SAMPLES : 5);
            assert_int_equal(verdict.kept, SAMPLES);
            try_damaged(&vault, &verdict, false);
        }
    close_vault(&vault);
}

/* Bytes behind a slot say nothing. They may be refused, they may be passed over; nothing else may come of them. */
static void each_byte_behind_a_watermark_slot_costs_no_record(void **state)
{
    vault_t vault;
    open_vault(&vault, LEAVE_CLOSED);
    for (size_t byte = HEADER_BLOCK + SLOT; byte < INDEX_DATA_OFFSET; byte++) {
        oversized_t *journal = NULL;
        if (byte % HEADER_BLOCK < SLOT)
            continue;
        mend(&vault);
        flip(&vault.damaged.index, some_bit(byte));
        put_damaged(&vault);
        segj_status_t status = oversized_open(&vault.config, &journal);
        if (status != SEGJ_OK) {
            check_status(status, SEGJ_ERR_CORRUPT, "oversized_open", __FILE__, __LINE__);
            assert_sentence(vault.index_path.text, "offset");
            assert_still_damaged(&vault);
            continue;
        }
        uint64_t count;
        assert_ok(oversized_count(journal, VAULT_SECTION, &count));
        assert_int_equal(count, SAMPLES);
        check_sample(journal, VAULT_SECTION, byte % SAMPLES);
        oversized_abandon(journal);
    }
    close_vault(&vault);
}

/* --- headers that lie --- */

/* Fields of an identity with the right checksum, in a file that holds data. */
static void refuse_identity(vault_t *vault, bool in_values, identity_t identity, const char *found,
                            const char *expected)
{
    oversized_t *journal = NULL;
    mend(vault);
    encode_identity(in_values ? vault->damaged.values.data : vault->damaged.index.data, &identity);
    put_damaged(vault);
    assert_status(oversized_open(&vault->config, &journal), SEGJ_ERR_MISMATCH);
    assert_sentence(in_values ? vault->values_path.text : vault->index_path.text, found, expected);
    assert_null(journal);
    assert_still_damaged(vault);
}

static void an_index_of_another_kind_page_record_or_section_is_a_mismatch(void **state)
{
    vault_t vault;
    open_vault(&vault, LEAVE_CLOSED);
    refuse_identity(&vault, false, (identity_t){1, IDENTITY_VALUES, 0, 0, 0, VAULT_SECTION}, " is 2,", "expected 1");
    refuse_identity(&vault, false, (identity_t){1, IDENTITY_INDEX, 0, 65, SMALL_RECORD, VAULT_SECTION}, " is 65,",
                    "expected 64");
    refuse_identity(&vault, false, (identity_t){1, IDENTITY_INDEX, 0, 65535, SMALL_RECORD, VAULT_SECTION}, " is 65535,",
                    "expected 64");
    refuse_identity(&vault, false, (identity_t){1, IDENTITY_INDEX, 0, SMALL_PAGE, 21, VAULT_SECTION}, " is 21,",
                    "expected 20");
    refuse_identity(&vault, false, (identity_t){1, IDENTITY_INDEX, 0, SMALL_PAGE, UINT32_MAX, VAULT_SECTION},
                    " is 4294967295,", "expected 20");
    refuse_identity(&vault, false, (identity_t){1, IDENTITY_INDEX, 0, SMALL_PAGE, SMALL_RECORD, 8}, " is 8,",
                    "expected 7");
    refuse_identity(&vault, false, (identity_t){1, IDENTITY_INDEX, 0, SMALL_PAGE, SMALL_RECORD, UINT64_MAX},
                    " is 18446744073709551615,", "expected 7");
    close_vault(&vault);
}

static void values_of_another_kind_or_section_are_a_mismatch(void **state)
{
    vault_t vault;
    open_vault(&vault, LEAVE_CLOSED);
    refuse_identity(&vault, true, (identity_t){1, IDENTITY_INDEX, 0, SMALL_PAGE, SMALL_RECORD, VAULT_SECTION}, " is 1,",
                    "expected 2");
    refuse_identity(&vault, true, (identity_t){1, IDENTITY_VALUES, 0, 0, 0, 8}, " is 8,", "expected 7");
    close_vault(&vault);
}

/* Nothing that writes this format writes these, checksum or not: refused, whether as damage or as another format. */
static void refuse_strange(vault_t *vault, bool in_values, const identity_t *identity, size_t reserved)
{
    oversized_t *journal = NULL;
    mend(vault);
    uint8_t *block = in_values ? vault->damaged.values.data : vault->damaged.index.data;
    encode_identity(block, identity);
    if (reserved > 0) {
        segj_identity_t decoded;
        const char *why;
        block[reserved] = 1;
        /* The CRC-32 of 28 bytes is the frame checksum of the last 12, with the 16 before as its section and offset. */
        put_u32(block + 28, frame_checksum(get_u64(block), get_u64(block + 8), block + 16, 12));
        assert_int_equal(segj_identity_decode(block, HEADER_BLOCK, &decoded, &why), SEGJ_HEADER_DAMAGED);
    }
    put_damaged(vault);
    segj_status_t status = oversized_open(&vault->config, &journal);
    if (status == SEGJ_OK)
        oversized_abandon(journal);
    assert_true(status == SEGJ_ERR_CORRUPT || status == SEGJ_ERR_MISMATCH);
    assert_sentence(in_values ? vault->values_path.text : vault->index_path.text, "offset 0");
    assert_still_damaged(vault);
}

static void identities_that_nothing_writes_are_refused(void **state)
{
    vault_t vault;
    const identity_t index = {1, IDENTITY_INDEX, 0, SMALL_PAGE, SMALL_RECORD, VAULT_SECTION};
    const identity_t values = {1, IDENTITY_VALUES, 0, 0, 0, VAULT_SECTION};
    const identity_t strange_index[] = {
        {1, 0, 0, SMALL_PAGE, SMALL_RECORD, VAULT_SECTION},
        {1, 3, 0, SMALL_PAGE, SMALL_RECORD, VAULT_SECTION},
        {1, 255, 0, SMALL_PAGE, SMALL_RECORD, VAULT_SECTION},
        {1, IDENTITY_INDEX, 1, SMALL_PAGE, SMALL_RECORD, VAULT_SECTION},
        {1, IDENTITY_INDEX, 255, SMALL_PAGE, SMALL_RECORD, VAULT_SECTION},
        {1, IDENTITY_INDEX, 0, 0, SMALL_RECORD, VAULT_SECTION},
        {1, IDENTITY_INDEX, 0, SMALL_PAGE, 0, VAULT_SECTION},
        {1, IDENTITY_INDEX, 0, SMALL_PAGE, 11, VAULT_SECTION},
    };
    const identity_t strange_values[] = {
        {1, 0, 0, 0, 0, VAULT_SECTION},
        {1, IDENTITY_VALUES, 2, 0, 0, VAULT_SECTION},
        {1, IDENTITY_VALUES, 255, 0, 0, VAULT_SECTION},
        {1, IDENTITY_VALUES, 0, SMALL_PAGE, 0, VAULT_SECTION},
        {1, IDENTITY_VALUES, 0, 0, SMALL_RECORD, VAULT_SECTION},
    };
    const size_t reserved[] = {10, 11, 24, 25, 26, 27};
    open_vault(&vault, LEAVE_CLOSED);
    for (size_t i = 0; i < COUNT_OF(strange_index); i++)
        refuse_strange(&vault, false, &strange_index[i], 0);
    for (size_t i = 0; i < COUNT_OF(strange_values); i++)
        refuse_strange(&vault, true, &strange_values[i], 0);
    for (size_t i = 0; i < COUNT_OF(reserved); i++) {
        refuse_strange(&vault, false, &index, reserved[i]);
        refuse_strange(&vault, true, &values, reserved[i]);
    }
    close_vault(&vault);
}

/* A watermark that claims more than there is, with the right checksum, is a loss of synced data, and costs no
 * record. */
static void a_watermark_that_claims_too_much_costs_no_record(void **state)
{
    const uint64_t claims[] = {SAMPLES + 1,
                               SAMPLES + 2,
                               10,
                               1000,
                               UINT32_MAX,
                               (uint64_t)UINT32_MAX + 1,
                               UINT64_MAX / SMALL_RECORD,
                               UINT64_MAX / SMALL_RECORD + 1,
                               UINT64_MAX / 64,
                               (uint64_t)1 << 63,
                               UINT64_MAX - 1,
                               UINT64_MAX};
    const uint32_t sequences[] = {1, UINT32_MAX - 3, UINT32_MAX - 2, UINT32_MAX - 1, UINT32_MAX};
    vault_t vault;
    open_vault(&vault, LEAVE_CLOSED);
    for (size_t i = 0; i < COUNT_OF(claims); i++)
        for (size_t k = 0; k < COUNT_OF(sequences); k++) {
            mend(&vault);
            encode_watermark(vault.damaged.index.data + HEADER_BLOCK * (1 + i % 2), VAULT_SECTION,
                             (watermark_t){claims[i], sequences[k]});
            verdict_t verdict = judge(&vault);
            /* The vault's own slot has the sequence number 1: of two equal ones either may count. */
            if (i % 2 == 1 && k == 0)
                continue;
            assert_int_equal(verdict.watermark, claims[i]);
            assert_int_equal(verdict.kept, SAMPLES);
            try_damaged(&vault, &verdict, true);
        }
    close_vault(&vault);
}

/* A slot of another section, put here with all its bytes, is absent. */
static void a_watermark_of_another_section_says_nothing(void **state)
{
    vault_t vault;
    open_vault(&vault, LEAVE_DROPPED);
    encode_watermark(vault.damaged.index.data + HEADER_BLOCK, VAULT_SECTION + 1, (watermark_t){100, 9});
    verdict_t verdict = judge(&vault);
    assert_int_equal(verdict.watermark, 0);
    assert_int_equal(verdict.kept, SAMPLES);
    try_damaged(&vault, &verdict, true);
    close_vault(&vault);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_bit_of_the_index_identity_is_refused),
        cmocka_unit_test(each_bit_of_the_values_identity_is_refused),
        cmocka_unit_test(each_byte_behind_an_identity_is_refused),
        cmocka_unit_test(each_bit_of_an_identity_block_decides),
        cmocka_unit_test(an_empty_file_with_bytes_behind_its_identity_can_be_appended_to),
        cmocka_unit_test(each_bit_of_the_watermark_slots_costs_no_record),
        cmocka_unit_test(each_bit_of_two_valid_slots_costs_no_record),
        cmocka_unit_test(each_byte_behind_a_watermark_slot_costs_no_record),
        cmocka_unit_test(an_index_of_another_kind_page_record_or_section_is_a_mismatch),
        cmocka_unit_test(values_of_another_kind_or_section_are_a_mismatch),
        cmocka_unit_test(identities_that_nothing_writes_are_refused),
        cmocka_unit_test(a_watermark_that_claims_too_much_costs_no_record),
        cmocka_unit_test(a_watermark_of_another_section_says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
