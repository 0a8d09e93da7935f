/*
 * interop/test_image.c: the second reading of commonware-storage's files, which judges both sides, reads the bytes that
 * the format's description gives.
 */
#include "interop/image.h"

static void test_checksums_are_castagnoli(void **state)
{
    static const uint8_t zeros[32];
    assert_int_equal(crc32c("123456789", 9), 0xE3069283);
    assert_int_equal(crc32c("", 0), 0);
    assert_int_equal(crc32c(zeros, sizeof zeros), 0x8A9136AA);
}

/** 64 bytes of page, of which the first 5 and then the first 9 were synced. */
static void make_page(uint8_t page[64 + IMAGE_SLOTS], size_t longer_at)
{
    for (uint8_t i = 0; i < 64; i++)
        page[i] = i < 9 ? i + 1 : 0;
    uint8_t *longer = page + 64 + longer_at, *shorter = page + 64 + (longer_at == 0 ? IMAGE_SLOTS / 2 : 0);
    put_u16(longer, 9);
    put_u32(longer + 2, crc32c(page, 9));
    put_u16(shorter, 5);
    put_u32(shorter + 2, crc32c(page, 5));
}

static void test_the_longer_slot_counts_wherever_it_lies(void **state)
{
    uint8_t page[64 + IMAGE_SLOTS];
    make_page(page, 0);
    assert_int_equal(image_page_length(page, 64), 9);
    make_page(page, IMAGE_SLOTS / 2);
    assert_int_equal(image_page_length(page, 64), 9);
}

static void test_the_shorter_slot_counts_when_the_longer_does_not_hold(void **state)
{
    uint8_t page[64 + IMAGE_SLOTS];
    make_page(page, IMAGE_SLOTS / 2);
    page[7] ^= 1;
    assert_int_equal(image_page_length(page, 64), 5);
    page[2] ^= 1;
    assert_int_equal(image_page_length(page, 64), 0);
}

static void test_a_length_beyond_the_page_is_no_slot(void **state)
{
    uint8_t page[64 + IMAGE_SLOTS];
    make_page(page, 0);
    put_u16(page + 64, 65);
    assert_int_equal(image_page_length(page, 64), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checksums_are_castagnoli),
        cmocka_unit_test(test_the_longer_slot_counts_wherever_it_lies),
        cmocka_unit_test(test_the_shorter_slot_counts_when_the_longer_does_not_hold),
        cmocka_unit_test(test_a_length_beyond_the_page_is_no_slot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
