/*
 * paged/page_format.c: which slot counts, which one is used when, what is kept as it was. The bytes are held against
 * the support's own encoder, and against the rules of FORMAT.md, "Pages".
 */
#include "support/support.h"

#include <stdlib.h>
#include <string.h>

#include "paged/page_format.h"
#include "unit/random.h"

enum { SECTION = 7, PAGE = 3, PHYSICAL_MAX = 65535 + PAGE_CHECKSUMS };

static const uint16_t page_sizes[] = {1, 20, 64, 4084, 65535};
static const segj_page_state_t no_state = {0, 0, 0};

/* A page in memory of exactly its size, so that a sanitizer sees each byte too many. */
static uint8_t *new_page(uint16_t page_size, uint8_t fill)
{
    uint8_t *page = malloc((size_t)page_size + PAGE_CHECKSUMS);
    assert_non_null(page);
    memset(page, fill, (size_t)page_size + PAGE_CHECKSUMS);
    return page;
}

static uint8_t *random_page(uint16_t page_size, uint64_t seed)
{
    uint8_t *page = new_page(page_size, 0);
    random_fill(&seed, page, (size_t)page_size + PAGE_CHECKSUMS);
    return page;
}

/* The lengths worth a look: all of a small page; of a larger one its ends and where a length needs a second byte. */
static size_t lengths_of(uint16_t page_size, uint16_t lengths[64])
{
    static const uint16_t places[] = {1,   2,   3,   19,  20,   21,   63,    64,    254,   255,   256,
                                      257, 511, 512, 513, 4083, 4084, 32767, 32768, 65280, 65534, 65535};
    size_t count = 0;
    if (page_size <= 20) {
        for (uint16_t length = 1; length <= page_size; length++)
            lengths[count++] = length;
        return count;
    }
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (places[i] <= page_size)
            lengths[count++] = places[i];
    return count;
}

static void check_state(segj_page_state_t state, uint8_t slot, uint16_t length, const uint8_t *bytes)
{
    assert_int_equal(state.slot, slot);
    assert_int_equal(state.length, length);
    assert_int_equal(state.crc, page_checksum(SECTION, PAGE, bytes, length));
}

static void check_none(segj_page_state_t state)
{
    assert_int_equal(state.slot, 0);
    assert_int_equal(state.length, 0);
    assert_int_equal(state.crc, 0);
}

/* Calls `check` with every page size and every length worth a look. */
static void for_each_length(void (*check)(uint16_t page_size, uint16_t length))
{
    for (size_t i = 0; i < sizeof page_sizes / sizeof page_sizes[0]; i++) {
        uint16_t lengths[64];
        size_t count = lengths_of(page_sizes[i], lengths);
        for (size_t j = 0; j < count; j++)
            check(page_sizes[i], lengths[j]);
    }
}

/* --- where things lie --- */

static void a_page_is_its_bytes_and_two_slots(void **state)
{
    for (size_t i = 0; i < sizeof page_sizes / sizeof page_sizes[0]; i++) {
        assert_int_equal(segj_page_physical(page_sizes[i]), (size_t)page_sizes[i] + 12);
        assert_int_equal(segj_page_slot_offset(page_sizes[i], 1), page_sizes[i]);
        assert_int_equal(segj_page_slot_offset(page_sizes[i], 2), (size_t)page_sizes[i] + 6);
    }
}

static void a_slot_is_big_endian(void **state)
{
    static const uint8_t expected[SEGJ_PAGE_SLOT_SIZE] = {0x12, 0x34, 0xde, 0xad, 0xbe, 0xef};
    uint8_t slot[SEGJ_PAGE_SLOT_SIZE];
    segj_page_put_slot(slot, 0x1234, 0xdeadbeefu);
    assert_memory_equal(slot, expected, sizeof expected);
}

static void the_checksum_is_of_place_and_bytes(void **state)
{
    static const uint8_t bytes[] = "some logical bytes of a page";
    assert_int_equal(segj_page_checksum(SEGJ_CHECKSUM_PLACED, SECTION, PAGE, bytes, sizeof bytes),
                     page_checksum(SECTION, PAGE, bytes, sizeof bytes));
    assert_int_equal(segj_page_checksum(SEGJ_CHECKSUM_PLACED, UINT64_MAX, 0, bytes, 1),
                     page_checksum(UINT64_MAX, 0, bytes, 1));
}

/* --- completing --- */

static void check_first_write(uint16_t page_size, uint16_t length)
{
    uint8_t *page = random_page(page_size, length);
    uint8_t *expected = new_page(page_size, 0);
    encode_page(expected, page_size, page, length, make_slot(SECTION, PAGE, page, length), (page_slot_t){0, 0});
    segj_page_state_t state =
        segj_page_complete(SEGJ_CHECKSUM_PLACED, page, page_size, SECTION, PAGE, length, no_state);
    check_state(state, 1, length, expected);
    assert_memory_equal(page, expected, (size_t)page_size + PAGE_CHECKSUMS);
    free(expected);
    free(page);
}

/* What lay behind the length before, slots included, is gone. */
static void a_first_write_uses_slot_1_and_zeros_the_rest(void **state)
{
    for_each_length(check_first_write);
}

/* A page that grows from `synced` bytes, described by `slot`, to `length` bytes. */
static void check_growth(uint16_t page_size, unsigned slot, uint16_t synced, uint16_t length)
{
    uint8_t *page = random_page(page_size, 1000u * synced + length);
    uint8_t *expected = new_page(page_size, 0);
    page_slot_t kept = make_slot(SECTION, PAGE, page, synced);
    page_slot_t grown = make_slot(SECTION, PAGE, page, length);
    encode_page(expected, page_size, page, length, slot == 1 ? kept : grown, slot == 1 ? grown : kept);
    segj_page_state_t before = {(uint8_t)slot, synced, kept.checksum};
    segj_page_state_t state = segj_page_complete(SEGJ_CHECKSUM_PLACED, page, page_size, SECTION, PAGE, length, before);
    check_state(state, (uint8_t)(3 - slot), length, expected);
    assert_memory_equal(page, expected, (size_t)page_size + PAGE_CHECKSUMS);
    free(expected);
    free(page);
}

static void growth_keeps_the_synced_slot_and_uses_the_other(void **state)
{
    for (size_t i = 0; i < sizeof page_sizes / sizeof page_sizes[0]; i++) {
        uint16_t lengths[64];
        size_t count = lengths_of(page_sizes[i], lengths);
        for (size_t from = 0; from < count; from++)
            for (size_t to = from + 1; to < count; to++) {
                check_growth(page_sizes[i], 1, lengths[from], lengths[to]);
                check_growth(page_sizes[i], 2, lengths[from], lengths[to]);
            }
    }
}

/* The buffer has only the logical bytes, and whatever a page had there before: the synced slot comes from the state
 * that is handed in, not from the buffer. The checksum is taken over as it is: the disk's slot is to stay byte for
 * byte. */
static void the_synced_slot_is_not_computed_again(void **state)
{
    uint8_t *page = new_page(20, 0xff);
    uint8_t slot[SEGJ_PAGE_SLOT_SIZE];
    segj_page_state_t odd = {2, 5, 0x01020304u};
    (void)segj_page_complete(SEGJ_CHECKSUM_PLACED, page, 20, SECTION, PAGE, 6, odd);
    segj_page_put_slot(slot, 5, 0x01020304u);
    assert_memory_equal(page + 26, slot, sizeof slot);
    free(page);
}

/* Synced at one length, grown again and again while no sync completes: the same slot is used each time. */
static void unsynced_growth_always_uses_the_same_slot(void **state)
{
    uint8_t *page = random_page(64, 5);
    segj_page_state_t synced = segj_page_complete(SEGJ_CHECKSUM_PLACED, page, 64, SECTION, PAGE, 10, no_state);
    uint8_t *fresh = random_page(64, 6);
    memcpy(fresh, page, 10);
    for (uint16_t length = 11; length <= 64; length++) {
        segj_page_state_t grown = segj_page_complete(SEGJ_CHECKSUM_PLACED, fresh, 64, SECTION, PAGE, length, synced);
        assert_int_equal(grown.slot, 2);
        assert_memory_equal(fresh + 64, page + 64, SEGJ_PAGE_SLOT_SIZE);
        assert_memory_equal(fresh, page, 10);
    }
    free(fresh);
    free(page);
}

/* --- verifying --- */

static void check_verify(uint16_t page_size, uint16_t length)
{
    for (unsigned slot = 1; slot <= 2; slot++) {
        uint8_t *page = random_page(page_size, length);
        page_slot_t described = make_slot(SECTION, PAGE, page, length);
        const page_slot_t none = {0, 0};
        uint8_t *bytes = random_page(page_size, length);
        encode_page(page, page_size, bytes, length, slot == 1 ? described : none, slot == 1 ? none : described);
        check_state(segj_page_verify(SEGJ_CHECKSUM_PLACED, page, page_size, SECTION, PAGE), (uint8_t)slot, length,
                    bytes);
        check_state(segj_page_slot(SEGJ_CHECKSUM_PLACED, page, page_size, SECTION, PAGE, slot), (uint8_t)slot, length,
                    bytes);
        check_none(segj_page_slot(SEGJ_CHECKSUM_PLACED, page, page_size, SECTION, PAGE, 3 - slot));
        free(bytes);
        free(page);
    }
}

static void one_valid_slot_counts_whichever_it_is(void **state)
{
    for_each_length(check_verify);
}

static void the_longer_of_two_valid_slots_counts(void **state)
{
    for (size_t i = 0; i < sizeof page_sizes / sizeof page_sizes[0]; i++) {
        uint16_t size = page_sizes[i];
        uint16_t lengths[64];
        size_t count = lengths_of(size, lengths);
        uint8_t *bytes = random_page(size, i);
        uint8_t *page = new_page(size, 0);
        for (size_t j = 1; j < count; j++) {
            page_slot_t shorter = make_slot(SECTION, PAGE, bytes, lengths[j - 1]);
            page_slot_t longer = make_slot(SECTION, PAGE, bytes, lengths[j]);
            encode_page(page, size, bytes, size, shorter, longer);
            check_state(segj_page_verify(SEGJ_CHECKSUM_PLACED, page, size, SECTION, PAGE), 2, lengths[j], bytes);
            encode_page(page, size, bytes, size, longer, shorter);
            check_state(segj_page_verify(SEGJ_CHECKSUM_PLACED, page, size, SECTION, PAGE), 1, lengths[j], bytes);
        }
        free(page);
        free(bytes);
    }
}

static void of_equal_slots_the_first_counts(void **state)
{
    uint8_t *bytes = random_page(64, 1);
    uint8_t *page = new_page(64, 0);
    page_slot_t same = make_slot(SECTION, PAGE, bytes, 30);
    encode_page(page, 64, bytes, 64, same, same);
    check_state(segj_page_verify(SEGJ_CHECKSUM_PLACED, page, 64, SECTION, PAGE), 1, 30, bytes);
    free(page);
    free(bytes);
}

/* The longer slot is damaged in each way there is: the shorter one counts, in either place. */
static void a_damaged_slot_gives_way_to_the_other(void **state)
{
    uint8_t *bytes = random_page(64, 2);
    uint8_t *page = new_page(64, 0);
    const page_slot_t shorter = make_slot(SECTION, PAGE, bytes, 10);
    page_slot_t damaged[] = {make_slot(SECTION, PAGE, bytes, 40), make_slot(SECTION + 1, PAGE, bytes, 40),
                             make_slot(SECTION, PAGE + 1, bytes, 40), make_slot(SECTION, PAGE, bytes, 40),
                             make_slot(SECTION, PAGE, bytes, 64)};
    damaged[0].checksum ^= 1;
    damaged[3].length = 41;
    damaged[4].length = 65; /* longer than the page: its checksum would be of what is not there */
    for (size_t i = 0; i < sizeof damaged / sizeof damaged[0]; i++) {
        encode_page(page, 64, bytes, 64, shorter, damaged[i]);
        check_state(segj_page_verify(SEGJ_CHECKSUM_PLACED, page, 64, SECTION, PAGE), 1, 10, bytes);
        check_none(segj_page_slot(SEGJ_CHECKSUM_PLACED, page, 64, SECTION, PAGE, 2));
        encode_page(page, 64, bytes, 64, damaged[i], shorter);
        check_state(segj_page_verify(SEGJ_CHECKSUM_PLACED, page, 64, SECTION, PAGE), 2, 10, bytes);
        encode_page(page, 64, bytes, 64, damaged[i], damaged[i]);
        check_none(segj_page_verify(SEGJ_CHECKSUM_PLACED, page, 64, SECTION, PAGE));
    }
    free(page);
    free(bytes);
}

static void a_length_of_zero_describes_nothing(void **state)
{
    uint8_t *page = new_page(64, 0);
    check_none(segj_page_verify(SEGJ_CHECKSUM_PLACED, page, 64, SECTION, PAGE)); /* a hole in a file */
    /* Nor does it with the checksum that no bytes at this place have. */
    page_slot_t empty = {0, page_checksum(SECTION, PAGE, page, 0)};
    encode_page(page, 64, page, 0, empty, empty);
    check_none(segj_page_verify(SEGJ_CHECKSUM_PLACED, page, 64, SECTION, PAGE));
    free(page);
}

static void a_length_beyond_the_page_is_not_read(void **state)
{
    for (size_t i = 0; i < sizeof page_sizes / sizeof page_sizes[0]; i++) {
        uint8_t *page = new_page(page_sizes[i], 0xff); /* both lengths are 65535 */
        check_none(segj_page_verify(SEGJ_CHECKSUM_PLACED, page, page_sizes[i], SECTION, PAGE));
        free(page);
    }
}

static void a_page_is_bound_to_its_place(void **state)
{
    uint8_t *page = random_page(64, 3);
    segj_page_state_t made = segj_page_complete(SEGJ_CHECKSUM_PLACED, page, 64, SECTION, PAGE, 33, no_state);
    assert_int_equal(segj_page_verify(SEGJ_CHECKSUM_PLACED, page, 64, SECTION, PAGE).crc, made.crc);
    check_none(segj_page_verify(SEGJ_CHECKSUM_PLACED, page, 64, SECTION, PAGE + 1));
    check_none(segj_page_verify(SEGJ_CHECKSUM_PLACED, page, 64, SECTION + 1, PAGE));
    check_none(segj_page_verify(SEGJ_CHECKSUM_PLACED, page, 64, PAGE, SECTION));
    check_none(segj_page_verify(SEGJ_CHECKSUM_PLACED, page, 64, SECTION, PAGE + (UINT64_C(1) << 32)));
    check_none(segj_page_verify(SEGJ_CHECKSUM_PLACED, page, 64, SECTION + (UINT64_C(1) << 63), PAGE));
    free(page);
}

static void every_bit_that_is_covered_counts(void **state)
{
    uint8_t *page = random_page(20, 4);
    (void)segj_page_complete(SEGJ_CHECKSUM_PLACED, page, 20, SECTION, PAGE, 13, no_state);
    for (size_t bit = 0; bit < 8 * (20 + 6); bit++) {
        page[bit / 8] ^= (uint8_t)(1u << bit % 8);
        segj_page_state_t found = segj_page_verify(SEGJ_CHECKSUM_PLACED, page, 20, SECTION, PAGE);
        if (bit >= 8 * 13 && bit < 8 * 20)
            check_state(found, 1, 13, page); /* behind the length: ignored */
        else
            check_none(found);
        page[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    free(page);
}

/* --- both together --- */

/* The growth of a synced page is torn anywhere, either part being the new one: what is valid is the old state or the
 * new one, with the bytes that belong to it. */
static void a_torn_growth_leaves_the_old_state_or_the_new(void **state)
{
    enum { P = 20, WHOLE = P + PAGE_CHECKSUMS };
    for (uint16_t length = 1; length < P; length++) {
        for (unsigned slot = 1; slot <= 2; slot++) {
            uint8_t old[WHOLE];
            uint8_t new[WHOLE];
            uint64_t seed = length;
            random_fill(&seed, old, sizeof old);
            segj_page_state_t synced =
                segj_page_complete(SEGJ_CHECKSUM_PLACED, old, P, SECTION, PAGE, length, (segj_page_state_t){0, 0, 0});
            if (slot == 2) { /* the same state in the other slot */
                memcpy(old + P + 6, old + P, 6);
                memset(old + P, 0, 6);
                synced.slot = 2;
            }
            random_fill(&seed, new, sizeof new);
            memcpy(new, old, length);
            (void)segj_page_complete(SEGJ_CHECKSUM_PLACED, new, P, SECTION, PAGE, P, synced);
            for (size_t cut = 0; cut <= 2 * WHOLE; cut++) {
                uint8_t torn[WHOLE];
                size_t at = cut % (WHOLE + 1);
                memcpy(torn, cut <= WHOLE ? new : old, at);
                memcpy(torn + at, (cut <= WHOLE ? old : new) + at, WHOLE - at);
                segj_page_state_t found = segj_page_verify(SEGJ_CHECKSUM_PLACED, torn, P, SECTION, PAGE);
                assert_true(found.length == length || found.length == P);
                assert_memory_equal(torn, new, found.length);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_is_its_bytes_and_two_slots),
        cmocka_unit_test(a_slot_is_big_endian),
        cmocka_unit_test(the_checksum_is_of_place_and_bytes),
        cmocka_unit_test(a_first_write_uses_slot_1_and_zeros_the_rest),
        cmocka_unit_test(growth_keeps_the_synced_slot_and_uses_the_other),
        cmocka_unit_test(the_synced_slot_is_not_computed_again),
        cmocka_unit_test(unsynced_growth_always_uses_the_same_slot),
        cmocka_unit_test(one_valid_slot_counts_whichever_it_is),
        cmocka_unit_test(the_longer_of_two_valid_slots_counts),
        cmocka_unit_test(of_equal_slots_the_first_counts),
        cmocka_unit_test(a_damaged_slot_gives_way_to_the_other),
        cmocka_unit_test(a_length_of_zero_describes_nothing),
        cmocka_unit_test(a_length_beyond_the_page_is_not_read),
        cmocka_unit_test(a_page_is_bound_to_its_place),
        cmocka_unit_test(every_bit_that_is_covered_counts),
        cmocka_unit_test(a_torn_growth_leaves_the_old_state_or_the_new),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
