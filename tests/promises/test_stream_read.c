/*
 * promises/test_stream_read.c: what a reader of one value promises: its bytes in pieces of any size, the last of them
 * only when all were right; a wrong value never comes to its end, and not even to its beginning where it is verified
 * first.
 */
#include "promises/fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "support/recorder.h"

enum { LARGE = 1000003 };

static oversized_location_t append_noise(fixture_t *f, uint8_t *bytes, size_t size, bool compressible)
{
    oversized_location_t location;
    fill_noise(bytes, size, 7);
    if (compressible)
        for (size_t i = 0; i < size; i++)
            bytes[i] = (uint8_t)(bytes[i / 64] % 4 + i / 1000);
    assert_ok(oversized_append(f->journal, 1, "12345678", bytes, size, NULL, &location));
    return location;
}

static oversized_reader_t *begin(fixture_t *f, oversized_location_t location, bool verify)
{
    oversized_reader_t *reader = NULL;
    assert_ok(oversized_reader_open(f->journal, 1, location, verify, &reader));
    assert_non_null(reader);
    return reader;
}

static void assert_ended(oversized_reader_t *reader)
{
    uint8_t byte;
    size_t done = 77;
    for (int i = 0; i < 3; i++)
        assert_status(oversized_reader_read(reader, &byte, 1, &done), SEGJ_END);
    assert_int_equal(done, 77);
    oversized_reader_close(reader);
}

/* The whole value in pieces of one size. */
static void check_pieces(fixture_t *f, oversized_location_t location, const uint8_t *expected, size_t size,
                         size_t piece, bool verify)
{
    oversized_reader_t *reader = begin(f, location, verify);
    uint8_t *bytes = malloc(piece);
    assert_non_null(bytes);
    assert_int_equal(oversized_reader_size(reader), size);
    for (size_t at = 0; at < size;) {
        size_t done = 0;
        assert_ok(oversized_reader_read(reader, bytes, piece, &done));
        assert_int_equal(done, size - at < piece ? size - at : piece);
        assert_memory_equal(bytes, expected + at, done);
        at += done;
    }
    assert_ended(reader);
    free(bytes);
}

static void check_value(fixture_t *f, oversized_location_t location, const uint8_t *expected, size_t size)
{
    static const size_t pieces[] = {1, 7, 4096, 131072, 131073, LARGE - 1, LARGE, LARGE + 1};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++)
        if (pieces[i] > 100 || size < 5000) {
            check_pieces(f, location, expected, size, pieces[i], false);
            check_pieces(f, location, expected, size, pieces[i], true);
        }
}

static void check_sizes(fixture_t *f)
{
    static const size_t sizes[] = {0, 1, 61, 900, 4999, 131072, LARGE};
    uint8_t *bytes = malloc(LARGE);
    oversized_location_t locations[7];
    assert_non_null(bytes);
    open_journal(f);
    for (size_t i = 0; i < 7; i++) {
        locations[i] = append_noise(f, bytes, sizes[i], f->config.compression != 0);
        check_value(f, locations[i], bytes, sizes[i]); /* small ones are in a write buffer */
    }
    close_and_open(f);
    check_value(f, locations[6], bytes, LARGE);
    free(bytes);
}

static void test_a_value_comes_in_pieces_of_any_size(void **state)
{
    check_sizes(*state);
}

static void test_a_compressed_value_comes_in_pieces_of_any_size(void **state)
{
    fixture_t *f = *state;
    f->config.compression = 3;
    check_sizes(f);
}

/* --- what is wrong --- */

/* Reads on until it fails; gives the bytes that came before. */
static uint64_t read_until(oversized_reader_t *reader, segj_status_t expected)
{
    uint8_t bytes[1000];
    uint64_t given = 0;
    size_t done = 0;
    segj_status_t status;
    while ((status = oversized_reader_read(reader, bytes, sizeof bytes, &done)) == SEGJ_OK)
        given += done;
    assert_int_equal(status, expected);
    char first[SEGJ_ERROR_CAPACITY];
    char again[SEGJ_ERROR_CAPACITY + 64];
    (void)snprintf(first, sizeof first, "%s", segj_last_error());
    (void)snprintf(again, sizeof again, "the reader has failed before: %s", first);
    assert_int_equal(oversized_reader_read(reader, NULL, 0, &done), SEGJ_ERR_INVALID);  /* another sentence */
    assert_status(oversized_reader_read(reader, bytes, sizeof bytes, &done), expected); /* for good */
    assert_string_equal(segj_last_error(), again);
    oversized_reader_close(reader);
    return given;
}

static void check_damaged(fixture_t *f, oversized_location_t location, uint64_t size)
{
    static const uint64_t from_end[] = {1, 2, 4, 5, 1000, 200000};
    for (size_t i = 0; i < 7; i++) {
        uint64_t at = i == 6 ? 0 : location.size - from_end[i];
        flip_byte(values_path(f, 1).text, tested_values_data() + tested_head(SMALL_ENTRY) + location.offset + at);
        oversized_reader_t *reader = NULL;
        assert_status(oversized_reader_open(f->journal, 1, location, true, &reader), SEGJ_ERR_CHECKSUM);
        assert_null(reader);
        if (f->config.compression == 0)
            assert_true(read_until(begin(f, location, false), SEGJ_ERR_CHECKSUM) < size);
        flip_byte(values_path(f, 1).text, tested_values_data() + tested_head(SMALL_ENTRY) + location.offset + at);
    }
}

static void test_a_damaged_value_never_comes_to_its_end(void **state)
{
    fixture_t *f = *state;
    uint8_t *bytes = malloc(LARGE);
    assert_non_null(bytes);
    open_journal(f);
    oversized_location_t location = append_noise(f, bytes, LARGE, false);
    close_and_open(f);
    check_damaged(f, location, LARGE);
    check_value(f, location, bytes, LARGE);
    free(bytes);
}

static void test_a_damaged_compressed_value_never_comes_to_its_end(void **state)
{
    fixture_t *f = *state;
    uint8_t *bytes = malloc(LARGE);
    assert_non_null(bytes);
    f->config.compression = 1;
    open_journal(f);
    oversized_location_t location = append_noise(f, bytes, LARGE, false); /* 8 buffers of it */
    close_and_open(f);
    check_damaged(f, location, LARGE);
    /* zstd may find it first, and then it is at an end as well */
    for (uint64_t at = 0; at < location.size; at += location.size / 50) {
        flip_byte(values_path(f, 1).text, tested_values_data() + tested_head(SMALL_ENTRY) + location.offset + at);
        oversized_reader_t *reader = NULL;
        segj_status_t status = oversized_reader_open(f->journal, 1, location, false, &reader);
        uint64_t given = 0;
        while (status == SEGJ_OK) {
            uint8_t piece[5000];
            size_t done = 0;
            status = oversized_reader_read(reader, piece, sizeof piece, &done);
            given += status == SEGJ_OK ? done : 0;
        }
        assert_true(status == SEGJ_ERR_CHECKSUM || status == SEGJ_ERR_COMPRESSION);
        assert_true(given < LARGE);
        oversized_reader_close(reader);
        flip_byte(values_path(f, 1).text, tested_values_data() + tested_head(SMALL_ENTRY) + location.offset + at);
    }
    check_value(f, location, bytes, LARGE);
    free(bytes);
}

/* Payloads with right checksums that no append has made: each is refused as oversized_get_value refuses it. */
static void test_payloads_that_are_no_single_frame_are_refused(void **state)
{
    not_in_version_2();
    for_native_only();
    fixture_t *f = *state;
    static uint8_t content[3000];
    static uint8_t packed[8000];
    fill_noise(content, sizeof content, 3);
    size_t size = ZSTD_compress(packed, sizeof packed, content, sizeof content, 1);
    assert_false(ZSTD_isError(size));
    for (int i = 0; i < 5; i++) {
        uint8_t payload[8000];
        size_t used = size;
        memcpy(payload, packed, size);
        if (i == 1)
            payload[used++] = 0; /* a byte behind it */
        else if (i == 2)
            used += ZSTD_compress(payload + used, sizeof payload - used, content, 100, 1); /* a second frame */
        else if (i == 3)
            used -= 10; /* cut short */
        else if (i == 4)
            used = 3;
        f->directory = join_path(f->root.text, (const char *const[]){"a", "b", "c", "d", "e"}[i]);
        f->config.directory = f->directory.text;
        f->config.compression = 0;
        f->config.value_write_buffer = 65536;
        open_journal(f);
        oversized_location_t location;
        assert_ok(oversized_append(f->journal, 1, "12345678", payload, used, NULL, &location));
        close_journal(f);
        identity_t identity = {1, IDENTITY_VALUES, 1, 0, 0, 1}; /* and now it says that it is compressed */
        uint8_t block[HEADER_BLOCK];
        encode_identity(block, &identity);
        write_file_at(values_path(f, 1).text, 0, block, sizeof block);
        f->config.compression = 1;
        open_journal(f);
        segj_status_t expected = oversized_get_value(f->journal, 1, location, &f->value);
        assert_int_equal(expected, i == 0 ? SEGJ_OK : SEGJ_ERR_COMPRESSION);
        if (i == 0)
            check_value(f, location, content, sizeof content);
        oversized_reader_t *reader = NULL;
        segj_status_t status = oversized_reader_open(f->journal, 1, location, true, &reader);
        if (status == SEGJ_OK && i > 0)
            assert_true(read_until(reader, SEGJ_ERR_COMPRESSION) < sizeof content);
        else if (i > 0)
            assert_int_equal(status, SEGJ_ERR_COMPRESSION);
        else
            oversized_reader_close(reader);
        close_journal(f);
    }
}

static void test_wrong_locations_and_arguments(void **state)
{
    fixture_t *f = *state;
    uint8_t byte;
    size_t done;
    oversized_reader_t *reader = NULL;
    open_journal(f);
    append_samples(f->journal, 1, 5, 0);
    oversized_location_t location;
    assert_ok(oversized_get(f->journal, 1, 3, NULL, &location));
    uint64_t end = value_size_of(f->journal, 1);
    assert_status(oversized_reader_open(NULL, 1, location, false, &reader), SEGJ_ERR_INVALID);
    assert_status(oversized_reader_open(f->journal, 1, location, false, NULL), SEGJ_ERR_INVALID);
    assert_status(oversized_reader_open(f->journal, 2, location, false, &reader), SEGJ_ERR_NO_SECTION);
    location.size = 3;
    assert_status(oversized_reader_open(f->journal, 1, location, false, &reader), SEGJ_ERR_RANGE);
    location = (oversized_location_t){end - 3, 4};
    assert_status(oversized_reader_open(f->journal, 1, location, false, &reader), SEGJ_ERR_RANGE);
    assert_null(reader);
    assert_ok(oversized_get(f->journal, 1, 3, NULL, &location));
    reader = begin(f, location, false);
    assert_status(oversized_reader_read(NULL, &byte, 1, &done), SEGJ_ERR_INVALID);
    assert_status(oversized_reader_read(reader, NULL, 1, &done), SEGJ_ERR_INVALID);
    assert_status(oversized_reader_read(reader, &byte, 1, NULL), SEGJ_ERR_INVALID);
    assert_status(oversized_reader_read(reader, &byte, 0, &done), SEGJ_ERR_INVALID);
    oversized_reader_close(reader);
    oversized_reader_close(NULL);
    assert_int_equal(oversized_reader_size(NULL), 0);
    close_journal(f);
    f->config.max_value_size = 1;
    open_journal(f);
    assert_status(oversized_reader_open(f->journal, 1, location, false, &reader), SEGJ_ERR_TOO_LARGE);
}

/* --- what happens meanwhile --- */

static void check_taken_away(fixture_t *f, segj_status_t (*take)(oversized_t *journal), segj_status_t expected)
{
    uint8_t bytes[5000];
    size_t done = 0;
    open_journal(f);
    (void)append_filled(f->journal, 0, 0, 'z', 10, NULL);
    oversized_location_t location = append_noise(f, bytes, sizeof bytes, false);
    oversized_reader_t *reader = begin(f, location, false);
    assert_ok(oversized_reader_read(reader, bytes, 100, &done));
    assert_ok(take(f->journal));
    segj_status_t status = oversized_append(f->journal, 1, "12345678", bytes, sizeof bytes, NULL, NULL);
    assert_int_equal(status, expected == SEGJ_ERR_PRUNED ? SEGJ_ERR_PRUNED : SEGJ_OK); /* at the same place */
    assert_true(read_until(reader, expected) == 0);
}

static segj_status_t rewind_1(oversized_t *journal)
{
    return oversized_rewind_section(journal, 1, 0);
}

static segj_status_t rewind_0(oversized_t *journal)
{
    return oversized_rewind(journal, 0, 0);
}

static segj_status_t prune_1(oversized_t *journal)
{
    return oversized_prune(journal, 2, NULL);
}

static void test_a_rewind_beneath_a_reader_is_told(void **state)
{
    check_taken_away(*state, rewind_1, SEGJ_ERR_NO_RECORD);
}

static void test_a_removal_beneath_a_reader_is_told(void **state)
{
    check_taken_away(*state, rewind_0, SEGJ_ERR_NO_RECORD);
}

static void test_a_prune_beneath_a_reader_is_told(void **state)
{
    check_taken_away(*state, prune_1, SEGJ_ERR_PRUNED);
}

/* The value leaves the write buffer between two pieces. */
static void test_a_value_is_read_on_when_it_moves_to_its_file(void **state)
{
    fixture_t *f = *state;
    uint8_t value[900];
    uint8_t piece[300];
    size_t done = 0;
    open_journal(f);
    oversized_location_t location = append_noise(f, value, sizeof value, false);
    oversized_reader_t *reader = begin(f, location, false);
    for (size_t at = 0; at < sizeof value; at += done) {
        assert_ok(oversized_reader_read(reader, piece, sizeof piece, &done));
        assert_memory_equal(piece, value + at, done);
        append_samples(f->journal, 2, 30, 0);
        assert_ok(oversized_sync_all(f->journal));
    }
    assert_ended(reader);
}

static void test_a_read_that_failed_can_be_made_again(void **state)
{
    fixture_t *f = *state;
    uint8_t *value = malloc(LARGE);
    uint8_t *bytes = malloc(LARGE);
    size_t done = 0;
    assert_non_null(value);
    assert_non_null(bytes);
    recorder_t *recorder = recorder_new(f->config.storage);
    f->config.storage = recorder_storage(recorder);
    open_journal(f);
    oversized_location_t location = append_noise(f, value, LARGE, false);
    close_and_open(f);
    for (uint32_t skip = 0; skip < 3; skip++) { /* the bytes, and the checksum behind them */
        oversized_reader_t *reader = begin(f, location, false);
        recorder_fail(recorder, RECORD_FILE_READ, skip, 1, EIO);
        size_t at = 0;
        int failures = 0;
        while (at < LARGE) {
            segj_status_t status = oversized_reader_read(reader, bytes + at, LARGE / 2 + 1, &done);
            at += status == SEGJ_OK ? done : 0;
            failures += status == SEGJ_ERR_IO;
            assert_true(status == SEGJ_OK || status == SEGJ_ERR_IO);
        }
        assert_int_equal(failures, 1);
        assert_memory_equal(bytes, value, LARGE);
        assert_ended(reader);
    }
    close_journal(f);
    recorder_free(recorder);
    free(value);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(test_a_value_comes_in_pieces_of_any_size),
        PROMISE(test_a_compressed_value_comes_in_pieces_of_any_size),
        PROMISE(test_a_damaged_value_never_comes_to_its_end),
        PROMISE(test_a_damaged_compressed_value_never_comes_to_its_end),
        PROMISE(test_payloads_that_are_no_single_frame_are_refused),
        PROMISE(test_wrong_locations_and_arguments),
        PROMISE(test_a_rewind_beneath_a_reader_is_told),
        PROMISE(test_a_removal_beneath_a_reader_is_told),
        PROMISE(test_a_prune_beneath_a_reader_is_told),
        PROMISE(test_a_value_is_read_on_when_it_moves_to_its_file),
        PROMISE(test_a_read_that_failed_can_be_made_again),
    };
    return cmocka_run_group_tests_name("stream_read", tests, NULL, NULL);
}
