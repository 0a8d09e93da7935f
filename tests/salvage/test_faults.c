/*
 * salvage/test_faults.c: what a salvage of large values, of hostile frames and of ends that were cut must do.
 */
#include "salvage/wreck.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

static segj_status_t salvage(wreck_t *wreck, oversized_salvaged_t *told)
{
    oversized_config_t to = wreck->config;
    to.directory = wreck->made.text;
    return oversized_salvage(&wreck->config, &to, NULL, told);
}

static uint8_t *noise(size_t size, uint32_t state)
{
    uint8_t *bytes = malloc(size);
    assert_non_null(bytes);
    for (size_t i = 0; i < size; i++) {
        state = state * 1664525u + 1013904223u;
        bytes[i] = (uint8_t)(state >> 24);
    }
    return bytes;
}

/* Where a trailer is damaged, the next frame's head has it (SALVAGE.md), also that of a value that is streamed. */
static void a_trailer_of_a_large_value_is_in_the_next_head(void **state)
{
    static const size_t sizes[] = {300, 900000, 1100000, 5000000};
    for (size_t m = 2; m < 4; m++)
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
            wreck_t wreck;
            oversized_t *journal;
            oversized_salvaged_t told;
            oversized_location_t location;
            wreck_make(&wreck, &makes[m]);
            uint8_t *value = noise(sizes[s], 7);
            assert_ok(oversized_open(&wreck.config, &journal));
            assert_ok(oversized_append(journal, 5, "12345678", value, sizes[s], NULL, &location));
            assert_ok(oversized_append(journal, 5, "12345678", "next", 4, NULL, NULL));
            assert_ok(oversized_close(journal));
            wreck_flip(wreck_values(&wreck, 5), wreck.values_data + location.offset + wreck.head + location.size - 1);
            assert_ok(salvage(&wreck, &told));
            print_message("%s, %zu bytes: %llu records, %llu gaps\n", makes[m].name, sizes[s],
                          (unsigned long long)told.records, (unsigned long long)told.gaps);
            assert_int_equal(told.gaps, 0);
            assert_int_equal(told.records, 2 * WRECK_RECORDS + 2);
            free(value);
            wreck_free(&wreck);
        }
}

/* A frame of three MiB that says two: the section's other records, and other sections, come back. */
static void a_frame_that_unpacks_to_more_than_it_says_is_a_gap(void **state)
{
    enum { CONTENT = 3 << 20 };
    wreck_t wreck;
    oversized_t *journal;
    oversized_salvaged_t told;
    wreck_make(&wreck, &makes[4]);
    remove_tree(wreck.source.text);
    uint8_t *value = noise(CONTENT, 9);
    size_t room = ZSTD_compressBound(CONTENT);
    uint8_t *packed = malloc(room);
    assert_non_null(packed);
    assert_ok(oversized_open(&wreck.config, &journal));
    for (unsigned section = 1; section <= 2; section++) {
        size_t size = ZSTD_compress(packed, room, "good", 4, 3);
        assert_ok(oversized_append(journal, section, "12345678", packed, size, NULL, NULL));
        size = ZSTD_compress(packed, room, value, CONTENT, 1);
        uint8_t *says = packed + ((packed[4] & 0x20) != 0 ? 5 : 6);
        assert_int_equal(packed[4] & 0xc0, 0x80); /* a size of four bytes */

        says[0] = says[1] = says[3] = 0;
        says[2] = 0x20; /* 2 MiB */
        assert_ok(oversized_append(journal, section, "12345678", packed, size, NULL, NULL));
        size = ZSTD_compress(packed, room, "last", 4, 3);
        assert_ok(oversized_append(journal, section, "12345678", packed, size, NULL, NULL));
    }
    assert_ok(oversized_close(journal));
    assert_ok(salvage(&wreck, &told));
    assert_int_equal(told.records, 4);
    assert_int_equal(told.gaps, 2);
    free(packed);
    free(value);
    wreck_free(&wreck);
}

/* Values that a crash has left behind the index, above all that is known to be synced, are no loss. */
static void values_behind_the_index_are_no_loss(void **state)
{
    wreck_t wreck;
    oversized_t *journal;
    oversized_salvaged_t told;
    char line[4000];
    static uint8_t value[500];
    wreck_make(&wreck, &makes[0]);
    oversized_config_t config = wreck.config;
    config.value_write_buffer = 1024;
    assert_ok(oversized_open(&config, &journal));
    for (unsigned i = 0; i < 20; i++)
        assert_ok(oversized_append(journal, 1, "xxxxxxxx", value, sizeof value, NULL, NULL));
    oversized_abandon(journal);
    assert_ok(salvage(&wreck, &told));
    print_message("%llu records, %llu gaps, %llu unsynced, %llu values\n", (unsigned long long)told.records,
                  (unsigned long long)told.gaps, (unsigned long long)told.gaps_unsynced,
                  (unsigned long long)told.values_without_entries);
    remove_tree(wreck.made.text);
    (void)snprintf(line, sizeof line, "%s salvage %s %s; echo answer $?", getenv("SEGJ"), wreck.source.text,
                   wreck.made.text);
    if (getenv("SEGJ") != NULL)
        (void)!system(line);
    wreck_free(&wreck);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trailer_of_a_large_value_is_in_the_next_head),
        cmocka_unit_test(a_frame_that_unpacks_to_more_than_it_says_is_a_gap),
        cmocka_unit_test(values_behind_the_index_are_no_loss),
    };
    return cmocka_run_group_tests_name("faults", tests, NULL, NULL);
}
