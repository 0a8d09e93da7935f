/*
 * unit/test_lost_format.c: the bytes of a quarantine's catalogue, as FORMAT.md has them, and that nothing else is taken
 * for one.
 */
#include "journal/lost_format.h"

#include <string.h>

#include "support/support.h"

static const segj_loss_t samples[2] = {
    {.section = 0x0102030405060708,
     .lost = 9,
     .kept = 10,
     .when = 11,
     .index_offset = 12288,
     .index_size = 76,
     .values_offset = 4096,
     .values_size = 77,
     .missed = 78,
     .ordinal = 79,
     .index_crc = 0x11223344,
     .values_crc = 0x55667788},
    {.section = 3, .ordinal = 80, .acknowledged = true},
};

static void a_catalogue_has_the_documented_bytes(void **state)
{
    uint8_t bytes[32 + 2 * 96];
    assert_int_equal(segj_lost_size(2), sizeof bytes);
    segj_lost_encode(bytes, samples, 2, 0x0A0B0C0D0E0F, 81);
    static const uint8_t head[28] = {'S',  'E',  'G',  'L',  0, 1, 0, 0, 0, 0, 0x0A, 0x0B,
                                     0x0C, 0x0D, 0x0E, 0x0F, 0, 0, 0, 2, 0, 0, 0,    81};
    assert_memory_equal(bytes, head, sizeof head);
    const uint8_t *entry = bytes + 32;
    static const uint64_t fields[9] = {0x0102030405060708, 9, 10, 11, 12288, 76, 4096, 77, 78};
    for (size_t i = 0; i < 9; i++)
        assert_int_equal(get_u64(entry + 8 * i), fields[i]);
    assert_int_equal(get_u32(entry + 72), 79);
    assert_int_equal(get_u32(entry + 76), 0);
    assert_int_equal(get_u32(entry + 80), 0x11223344);
    assert_int_equal(get_u32(entry + 84), 0x55667788);
    assert_int_equal(get_u64(entry + 88), 0);
    assert_int_equal(get_u32(entry + 96 + 76), 1);
}

static void a_catalogue_reads_back(void **state)
{
    uint8_t bytes[32 + 2 * 96];
    size_t count = 0;
    uint64_t sequence = 0;
    uint32_t next = 0;
    segj_lost_encode(bytes, samples, 2, 5, 81);
    assert_true(segj_lost_check(bytes, sizeof bytes, &count, &sequence, &next));
    assert_int_equal(count, 2);
    assert_int_equal(sequence, 5);
    assert_int_equal(next, 81);
    for (size_t i = 0; i < 2; i++) {
        segj_loss_t loss = segj_lost_decode(bytes, i);
        assert_int_equal(loss.section, samples[i].section);
        assert_int_equal(loss.lost, samples[i].lost);
        assert_int_equal(loss.kept, samples[i].kept);
        assert_int_equal(loss.when, samples[i].when);
        assert_int_equal(loss.index_offset, samples[i].index_offset);
        assert_int_equal(loss.index_size, samples[i].index_size);
        assert_int_equal(loss.values_offset, samples[i].values_offset);
        assert_int_equal(loss.values_size, samples[i].values_size);
        assert_int_equal(loss.missed, samples[i].missed);
        assert_int_equal(loss.ordinal, samples[i].ordinal);
        assert_int_equal(loss.index_crc, samples[i].index_crc);
        assert_int_equal(loss.values_crc, samples[i].values_crc);
        assert_int_equal(loss.acknowledged, samples[i].acknowledged);
    }
}

/* Every bit counts, and so does the length. */
static void a_damaged_catalogue_is_none(void **state)
{
    uint8_t bytes[32 + 2 * 96 + 1] = {0};
    const size_t size = sizeof bytes - 1;
    size_t count;
    uint64_t sequence;
    uint32_t next;
    segj_lost_encode(bytes, samples, 2, 5, 81);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(segj_lost_check(bytes, size, &count, &sequence, &next));
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t cut = 0; cut < size; cut++)
        assert_false(segj_lost_check(bytes, cut, &count, &sequence, &next));
    assert_false(segj_lost_check(bytes, size + 1, &count, &sequence, &next));
    assert_true(segj_lost_check(bytes, size, &count, &sequence, &next));
}

static void an_empty_catalogue_is_one(void **state)
{
    uint8_t bytes[32];
    size_t count = 7;
    uint64_t sequence;
    uint32_t next;
    segj_lost_encode(bytes, NULL, 0, 1, 0);
    assert_true(segj_lost_check(bytes, sizeof bytes, &count, &sequence, &next));
    assert_int_equal(count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_catalogue_has_the_documented_bytes),
        cmocka_unit_test(a_catalogue_reads_back),
        cmocka_unit_test(a_damaged_catalogue_is_none),
        cmocka_unit_test(an_empty_catalogue_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
