/*
 * scale/test_huge.c: values of 2^32 - 5 bytes, the largest there are, and offsets beyond 2^32. Runs only where
 * SEGJ_SCALE_HUGE is 1: it needs 9 GB of memory, 5 GB of disk with sparse files (below $TMPDIR, or /tmp), and some
 * minutes.
 */
#include "scale/scale.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if SIZE_MAX > UINT32_MAX

enum { SMALL_VALUES = 40, RECOVERY_MEMORY = 64 << 20, SPARSE_RECORDS = 300 };

static const size_t LARGEST = (size_t)OVERSIZED_VALUE_MAX;
static const uint64_t LARGEST_FRAME = (uint64_t)OVERSIZED_VALUE_MAX + FRAME_CHECKSUM;

typedef struct place {
    path_t root;
    oversized_config_t config;
    oversized_t *journal;
    double begun;
} place_t;

/* --- what is written --- */

/* A word of a value that no compression helps against (splitmix64's finisher). */
static uint64_t word_of(uint64_t at)
{
    uint64_t x = at * UINT64_C(0x9E3779B97F4A7C15) + 1;
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

typedef uint64_t (*content_t)(uint64_t at);

/* Every 64 KiB another byte. */
static uint64_t even_word(uint64_t at)
{
    return (at >> 13 & 0xff) * UINT64_C(0x0101010101010101);
}

/* One byte more than the largest value has. */
static uint8_t *make_value(content_t content)
{
    uint64_t *words = malloc(LARGEST + 1);
    assert_non_null(words);
    for (size_t at = 0; at < (LARGEST + 1) / sizeof *words; at++)
        words[at] = content(at);
    uint64_t last = content((LARGEST + 1) / sizeof *words);
    memcpy(words + (LARGEST + 1) / sizeof *words, &last, (LARGEST + 1) % sizeof *words);
    return (uint8_t *)words;
}

static void check_value(const segj_buffer_t *value, content_t content)
{
    const uint64_t *words = value->data;
    assert_int_equal(value->size, LARGEST);
    size_t count = LARGEST / sizeof *words;
    size_t at = 0;
    while (at < count && words[at] == content(at))
        at++;
    assert_int_equal(at, count);
    uint64_t last = content(count);
    assert_memory_equal((const uint8_t *)value->data + count * sizeof *words, &last, LARGEST % sizeof *words);
}

/* --- the journal --- */

static int set_up(void **state)
{
    place_t *place = calloc(1, sizeof *place);
    assert_non_null(place);
    place->root = make_temp_directory();
    oversized_config_init(&place->config);
    place->config.native_version = 1;
    place->config.directory = place->root.text;
    place->config.entry_size = SMALL_ENTRY;
    place->config.strict = true;
    assert_ok(oversized_open(&place->config, &place->journal));
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    place_t *place = *state;
    oversized_abandon(place->journal);
    remove_tree(place->root.text);
    free(place);
    return 0;
}

static void begin(place_t *place)
{
    (void)reset_peak();
    place->begun = seconds_now();
}

static void end(const place_t *place, const char *what)
{
    printf("  %-34s %7.2f s, %5zu MiB resident at most\n", what, seconds_now() - place->begun, peak_bytes() >> 20);
    fflush(stdout);
}

static void close_journal(place_t *place)
{
    begin(place);
    assert_ok(oversized_close(place->journal));
    place->journal = NULL;
    end(place, "close");
}

static void open_journal(place_t *place, const char *what)
{
    size_t resident = resident_bytes();
    begin(place);
    assert_ok(oversized_open(&place->config, &place->journal));
    end(place, what);
    assert_true(peak_bytes() == 0 || peak_bytes() <= resident + RECOVERY_MEMORY);
}

static void append_largest(place_t *place, uint64_t section, const uint8_t *value, oversized_location_t *location)
{
    uint8_t entry[SMALL_ENTRY] = {9};
    uint64_t count = 0;
    assert_status(oversized_append(place->journal, section, entry, value, LARGEST + 1, NULL, NULL), SEGJ_ERR_TOO_LARGE);
    assert_ok(oversized_count(place->journal, section, &count));
    assert_int_equal(count, 0);
    begin(place);
    assert_ok(oversized_append(place->journal, section, entry, value, LARGEST, NULL, location));
    end(place, "append of 2^32 - 5 bytes");
}

static void read_largest(place_t *place, uint64_t section, content_t content, const char *what)
{
    segj_buffer_t value = {NULL, 0, 0};
    uint8_t entry[SMALL_ENTRY];
    begin(place);
    assert_ok(oversized_read(place->journal, section, 0, entry, &value));
    end(place, what);
    assert_int_equal(entry[0], 9);
    check_value(&value, content);
    segj_buffer_free(&value);
}

/* Values of 100 bytes behind the large one: their offsets need more than 32 bits. */
static void append_small(place_t *place, uint64_t section)
{
    for (uint64_t i = 0; i < SMALL_VALUES; i++) {
        oversized_location_t location = append_filled(place->journal, section, i, (uint8_t)i, 100, NULL);
        assert_int_equal(location.offset, LARGEST_FRAME + i * (100 + FRAME_CHECKSUM));
    }
}

static void check_small(const place_t *place, uint64_t section, uint64_t count)
{
    uint64_t end_of_values = 0;
    for (uint64_t i = 0; i < count; i++)
        check_filled(place->journal, section, 1 + i, i, (uint8_t)i, 100);
    assert_ok(oversized_value_size(place->journal, section, &end_of_values));
    assert_int_equal(end_of_values, LARGEST_FRAME + count * (100 + FRAME_CHECKSUM));
}

/* --- tests --- */

static void largest_value_is_written_and_read_back(void **state)
{
    place_t *place = *state;
    oversized_location_t location;
    uint8_t *value = make_value(word_of);
    append_largest(place, 1, value, &location);
    free(value);
    assert_int_equal(location.offset, 0);
    assert_int_equal(location.size, UINT32_MAX);
    append_small(place, 1);
    check_small(place, 1, SMALL_VALUES);
    begin(place);
    assert_ok(oversized_sync(place->journal, 1));
    end(place, "sync");
    read_largest(place, 1, word_of, "read");
    close_journal(place);
    open_journal(place, "open after a close");
    assert_int_equal(oversized_recovery(place->journal)->values_verified, 0);
    check_small(place, 1, SMALL_VALUES);
    read_largest(place, 1, word_of, "read after a close");
    assert_ok(oversized_rewind_section(place->journal, 1, (uint64_t)11 * SMALL_RECORD));
    check_small(place, 1, 10);
    (void)append_filled(place->journal, 1, 10, 10, 100, NULL);
    check_small(place, 1, 11);
    assert_ok(oversized_rewind_section(place->journal, 1, 0));
    uint64_t end_of_values = 1;
    assert_ok(oversized_value_size(place->journal, 1, &end_of_values));
    assert_int_equal(end_of_values, 0);
    assert_int_equal(file_size(section_path(place->root.text, "values", 1).text), VALUES_DATA_OFFSET);
}

/* No watermark covers it: open verifies the value, writes it again, and needs no memory for it. */
static void recovery_verifies_the_largest_value_in_little_memory(void **state)
{
    place_t *place = *state;
    oversized_location_t location;
    uint8_t *value = make_value(word_of);
    append_largest(place, 1, value, &location);
    free(value);
    append_small(place, 1);
    /* all of it reaches the files; the watermark, which may be lost, is then taken back */
    assert_ok(oversized_sync(place->journal, 1));
    oversized_abandon(place->journal);
    place->journal = NULL;
    path_t index = section_path(place->root.text, "index", 1);
    static const uint8_t nothing[2 * HEADER_BLOCK];
    write_file_at(index.text, HEADER_BLOCK, nothing, sizeof nothing);
    open_journal(place, "open of what a crash has left");
    const oversized_recovery_t *recovery = oversized_recovery(place->journal);
    assert_int_equal(recovery->values_verified, SMALL_VALUES + 1);
    assert_int_equal(recovery->records, SMALL_VALUES + 1);
    assert_int_equal(recovery->records_dropped, 0);
    read_largest(place, 1, word_of, "read");
    check_small(place, 1, SMALL_VALUES);
}

/* The same, and one bit of it is wrong. */
static void recovery_drops_the_largest_value_where_a_bit_of_it_is_wrong(void **state)
{
    place_t *place = *state;
    oversized_location_t location;
    uint8_t *value = make_value(word_of);
    append_largest(place, 1, value, &location);
    free(value);
    assert_ok(oversized_sync(place->journal, 1));
    oversized_abandon(place->journal);
    place->journal = NULL;
    path_t index = section_path(place->root.text, "index", 1);
    static const uint8_t nothing[2 * HEADER_BLOCK];
    write_file_at(index.text, HEADER_BLOCK, nothing, sizeof nothing);
    uint8_t wrong = (uint8_t)(word_of((LARGEST - 1) / 8) >> 8 * ((LARGEST - 1) % 8) ^ 1);
    write_file_at(section_path(place->root.text, "values", 1).text, VALUES_DATA_OFFSET + LARGEST - 1, &wrong, 1);
    open_journal(place, "open of a wrong bit");
    assert_int_equal(oversized_recovery(place->journal)->records, 0);
    assert_int_equal(oversized_recovery(place->journal)->records_dropped, 1);
    assert_int_equal(file_size(section_path(place->root.text, "values", 1).text), VALUES_DATA_OFFSET);
}

static void largest_value_is_compressed_and_read_back(void **state)
{
    place_t *place = *state;
    oversized_location_t location;
    close_journal(place);
    place->config.compression = 1;
    open_journal(place, "open");
    uint8_t *value = make_value(even_word);
    append_largest(place, 1, value, &location);
    free(value);
    printf("  %zu bytes became a frame of %" PRIu32 "\n", LARGEST, location.size);
    assert_true(location.size < LARGEST / 100);
    close_journal(place);
    open_journal(place, "open after a close");
    read_largest(place, 1, even_word, "read");
}

/* zstd makes a little more of it than it was, and a frame's size has 32 bits: there is no room. */
static void largest_value_that_does_not_compress_is_too_large_for_a_compressed_section(void **state)
{
    place_t *place = *state;
    uint8_t entry[SMALL_ENTRY] = {0};
    uint64_t section = 0;
    close_journal(place);
    place->config.compression = 1;
    open_journal(place, "open");
    uint8_t *value = make_value(word_of);
    begin(place);
    assert_status(oversized_append(place->journal, 1, entry, value, LARGEST, NULL, NULL), SEGJ_ERR_TOO_LARGE);
    end(place, "append that is refused");
    free(value);
    assert_status(oversized_newest_section(place->journal, &section), SEGJ_END);
    (void)append_filled(place->journal, 1, 1, 1, 100, NULL);
    check_filled(place->journal, 1, 0, 1, 1, 100);
}

/* --- a section of more than a terabyte, on a disk that keeps holes --- */

/* Makes the files of a section of 300 values of the largest size, zeros all, of which the file has but the checksums;
 * right is the last one's alone. False where the file system has no files of that size. */
static bool make_sparse(const place_t *place, uint64_t section, const uint8_t *zeros)
{
    uint8_t records[SPARSE_RECORDS * SMALL_RECORD];
    identity_t identity = {1, IDENTITY_INDEX, 0, place->config.page_size, SMALL_RECORD, section};
    path_t values = section_path(place->root.text, "values", section);
    for (uint64_t i = 0; i < SPARSE_RECORDS; i++) {
        uint8_t entry[SMALL_ENTRY];
        put_u64(entry, i);
        encode_record(records + i * SMALL_RECORD, entry, sizeof entry,
                      (oversized_location_t){i * LARGEST_FRAME, UINT32_MAX});
    }
    write_index_file(section_path(place->root.text, "index", section).text, &identity, SPARSE_RECORDS, records,
                     sizeof records);
    write_values_file(values.text, section, NULL, 0);
    uint64_t last = (SPARSE_RECORDS - 1) * LARGEST_FRAME;
    if (truncate(values.text, (off_t)(VALUES_DATA_OFFSET + SPARSE_RECORDS * LARGEST_FRAME)) != 0)
        return false;
    uint8_t checksum[FRAME_CHECKSUM];
    put_u32(checksum, frame_checksum(section, last, zeros, LARGEST));
    write_file_at(values.text, VALUES_DATA_OFFSET + last + LARGEST, checksum, sizeof checksum);
    return true;
}

static uint64_t zero_word(uint64_t at)
{
    (void)at;
    return 0;
}

static void section_beyond_a_terabyte_is_read_and_appended_to(void **state)
{
    place_t *place = *state;
    segj_buffer_t value = {NULL, 0, 0};
    uint8_t entry[SMALL_ENTRY];
    uint8_t *zeros = calloc(1, LARGEST);
    assert_non_null(zeros);
    close_journal(place);
    bool possible = make_sparse(place, 7, zeros);
    free(zeros);
    if (!possible)
        SKIP("no file of 1.2 TiB with holes can be made in this directory");
    open_journal(place, "open of 1.2 TiB");
    uint64_t end_of_values = 0;
    assert_ok(oversized_value_size(place->journal, 7, &end_of_values));
    assert_int_equal(end_of_values, SPARSE_RECORDS * LARGEST_FRAME);
    oversized_location_t location = append_filled(place->journal, 7, 99, 0x5a, 1000, NULL);
    assert_int_equal(location.offset, SPARSE_RECORDS * LARGEST_FRAME);
    close_journal(place);
    open_journal(place, "open after an append");
    check_filled(place->journal, 7, SPARSE_RECORDS, 99, 0x5a, 1000);
    begin(place);
    assert_ok(oversized_read(place->journal, 7, SPARSE_RECORDS - 1, entry, &value));
    end(place, "read of a value beyond 1 TiB");
    assert_int_equal(get_u64(entry), SPARSE_RECORDS - 1);
    check_value(&value, zero_word);
    segj_buffer_free(&value);
    /* in the middle, cut, and go on there */
    assert_ok(oversized_rewind_section(place->journal, 7, (uint64_t)150 * SMALL_RECORD));
    location = append_filled(place->journal, 7, 98, 0xa5, 1000, NULL);
    assert_int_equal(location.offset, 150 * LARGEST_FRAME);
    check_filled(place->journal, 7, 150, 98, 0xa5, 1000);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(largest_value_is_written_and_read_back),
        TEST(recovery_verifies_the_largest_value_in_little_memory),
        TEST(recovery_drops_the_largest_value_where_a_bit_of_it_is_wrong),
        TEST(largest_value_is_compressed_and_read_back),
        TEST(largest_value_that_does_not_compress_is_too_large_for_a_compressed_section),
        TEST(section_beyond_a_terabyte_is_read_and_appended_to),
    };
    if (environment_number("SEGJ_SCALE_HUGE", 0) == 0) {
        printf(
            "SKIPPED: SEGJ_SCALE_HUGE is not 1: it needs 9 GB of memory and 5 GB of disk (sh cmake/scale.sh huge)\n");
        return 77;
    }
    return cmocka_run_group_tests_name("huge", tests, NULL, NULL);
}

#else

int main(void)
{
    printf("SKIPPED: this machine's addresses are too short for a value of 4 GiB\n");
    return 77;
}

#endif
