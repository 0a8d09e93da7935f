/* base/bytes.h: big-endian integers and arithmetic that does not overflow unseen. */
#include "support/support.h"

#include <string.h>

#include "base/bytes.h"

static void integers_are_big_endian(void **state)
{
    static const uint8_t expected[8] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};
    uint8_t bytes[8];
    segj_put_u64(bytes, UINT64_C(0x0123456789abcdef));
    assert_memory_equal(bytes, expected, 8);
    segj_put_u32(bytes, 0x01234567);
    assert_memory_equal(bytes, expected, 4);
    segj_put_u16(bytes, 0x0123);
    assert_memory_equal(bytes, expected, 2);
    assert_int_equal(segj_get_u64(expected), UINT64_C(0x0123456789abcdef));
    assert_int_equal(segj_get_u32(expected), 0x01234567);
    assert_int_equal(segj_get_u16(expected), 0x0123);
    assert_int_equal(segj_get_u32(expected + 4), 0x89abcdefu); /* no sign comes into it */
    assert_int_equal(segj_get_u16(expected + 6), 0xcdef);
}

static void each_bit_comes_back_and_nothing_else_is_touched(void **state)
{
    for (unsigned bit = 0; bit < 64; bit++) {
        uint8_t bytes[10];
        memset(bytes, 0xa5, sizeof bytes);
        segj_put_u64(bytes + 1, UINT64_C(1) << bit);
        assert_int_equal(segj_get_u64(bytes + 1), UINT64_C(1) << bit);
        assert_int_equal(bytes[0], 0xa5);
        assert_int_equal(bytes[9], 0xa5);
        memset(bytes, 0xa5, sizeof bytes);
        segj_put_u32(bytes + 1, 1u << bit % 32);
        assert_int_equal(segj_get_u32(bytes + 1), 1u << bit % 32);
        assert_int_equal(bytes[5], 0xa5);
        segj_put_u16(bytes + 1, (uint16_t)(1u << bit % 16));
        assert_int_equal(segj_get_u16(bytes + 1), 1u << bit % 16);
    }
}

static void sums_are_checked(void **state)
{
    uint64_t sum = 77;
    assert_false(segj_add_u64(UINT64_MAX, 1, &sum));
    assert_false(segj_add_u64(1, UINT64_MAX, &sum));
    assert_false(segj_add_u64(UINT64_MAX, UINT64_MAX, &sum));
    assert_int_equal(sum, 77);
    assert_true(segj_add_u64(UINT64_MAX, 0, &sum));
    assert_int_equal(sum, UINT64_MAX);
    assert_true(segj_add_u64(UINT64_MAX - 5, 5, &sum));
    assert_int_equal(sum, UINT64_MAX);
    assert_true(segj_add_u64(0, 0, &sum));
    assert_int_equal(sum, 0);
}

static void products_are_checked(void **state)
{
    const uint64_t half = UINT64_C(1) << 32;
    uint64_t product = 77;
    assert_false(segj_mul_u64(half, half, &product));
    assert_false(segj_mul_u64(UINT64_MAX, 2, &product));
    assert_false(segj_mul_u64(2, UINT64_MAX, &product));
    assert_int_equal(product, 77);
    assert_true(segj_mul_u64(half, half - 1, &product));
    assert_int_equal(product, half * (half - 1));
    assert_true(segj_mul_u64(0, UINT64_MAX, &product));
    assert_int_equal(product, 0);
    assert_true(segj_mul_u64(UINT64_MAX, 0, &product));
    assert_int_equal(product, 0);
    assert_true(segj_mul_u64(UINT64_MAX, 1, &product));
    assert_int_equal(product, UINT64_MAX);
}

static void the_smaller_and_the_larger(void **state)
{
    assert_int_equal(segj_min_u64(1, UINT64_MAX), 1);
    assert_int_equal(segj_min_u64(UINT64_MAX, 1), 1);
    assert_int_equal(segj_max_u64(1, UINT64_MAX), UINT64_MAX);
    assert_int_equal(segj_max_u64(UINT64_MAX, 1), UINT64_MAX);
    assert_int_equal(segj_min_u64(4, 4), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_big_endian),    cmocka_unit_test(each_bit_comes_back_and_nothing_else_is_touched),
        cmocka_unit_test(sums_are_checked),           cmocka_unit_test(products_are_checked),
        cmocka_unit_test(the_smaller_and_the_larger),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
