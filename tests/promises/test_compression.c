/*
 * promises/test_compression.c: compressed values: levels, what the files hold, that compression is a property of the
 * file and survives other configurations, and payloads that are refused.
 */
#include "promises/fixture.h"
#include "support/log.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

static const uint8_t entry[SMALL_ENTRY] = {1, 2, 3, 4, 5, 6, 7, 8};

/* Text that compresses well, another one for each seed. */
static void fill_text(uint8_t *bytes, size_t size, uint8_t seed)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)('a' + (i / 7 + seed) % 5);
}

enum { TEXT = 2000 };

static void append_text(fixture_t *f, uint64_t section, uint8_t seed)
{
    uint8_t text[TEXT];
    fill_text(text, sizeof text, seed);
    assert_ok(oversized_append(f->journal, section, entry, text, sizeof text, NULL, NULL));
}

static void check_text(fixture_t *f, uint64_t section, uint64_t position, uint8_t seed)
{
    uint8_t text[TEXT];
    fill_text(text, sizeof text, seed);
    assert_ok(oversized_read(f->journal, section, position, NULL, &f->value));
    assert_int_equal(f->value.size, sizeof text);
    assert_memory_equal(f->value.data, text, sizeof text);
}

/* What the identity block of a file says about compression. */
static uint8_t compression_of(path_t path)
{
    identity_t identity;
    log_identity_t log_identity = {0};
    bytes_t file = read_file(path.text);
    bool log = tested_version() == 2;
    assert_true(log ? decode_log_identity(file.data, &log_identity) : decode_identity(file.data, &identity));
    free_bytes(&file);
    return log ? log_identity.compression : identity.compression;
}

static uint8_t compression_on_disk(const fixture_t *f, uint64_t section)
{
    return compression_of(values_path(f, section));
}

/* Every payload of a section at rest is one zstd frame that says its content's size; decompressed, it is the text. */
static void check_compressed_files(const fixture_t *f, uint64_t section, uint64_t count, const uint8_t *seeds)
{
    section_image_t image;
    load_section(&f->config, section, &image);
    assert_int_equal(image.records, count);
    for (uint64_t i = 0; i < count; i++) {
        uint8_t text[TEXT];
        uint8_t found[TEXT];
        oversized_location_t location = decode_location(image.logical.data + i * SMALL_RECORD, SMALL_ENTRY);
        const uint8_t *payload = image.frames.data + tested_head(f->config.entry_size) + location.offset;
        size_t size = location.size - FRAME_CHECKSUM;
        assert_true(size < TEXT / 2);
        assert_int_equal(ZSTD_findFrameCompressedSize(payload, size), size);
        assert_int_equal(ZSTD_getFrameContentSize(payload, size), TEXT);
        assert_int_equal(ZSTD_decompress(found, sizeof found, payload, size), TEXT);
        fill_text(text, sizeof text, seeds[i]);
        assert_memory_equal(found, text, sizeof text);
    }
    free_section(&image);
}

/* --- levels and files --- */

static void test_values_of_every_level_read_back(void **state)
{
    fixture_t *f = *state;
    static const int levels[] = {-50, -1, 1, 3, 12, 19};
    for (size_t i = 0; i <= sizeof levels / sizeof *levels; i++) {
        f->config.compression = i < sizeof levels / sizeof *levels ? levels[i] : ZSTD_maxCLevel();
        open_journal(f);
        append_text(f, i, (uint8_t)i);
        append_samples(f->journal, 100 + i, 10, 0);
        check_text(f, i, 0, (uint8_t)i);
        check_section(f->journal, 100 + i, 10, 0);
        close_journal(f);
    }
    open_journal(f);
    for (size_t i = 0; i <= sizeof levels / sizeof *levels; i++) {
        check_text(f, i, 0, (uint8_t)i);
        check_section(f->journal, 100 + i, 10, 0);
    }
}

static void test_levels_that_zstd_does_not_have_are_refused(void **state)
{
    fixture_t *f = *state;
    f->config.compression = ZSTD_maxCLevel() + 1;
    refuse_open_untouched(f, SEGJ_ERR_INVALID);
    f->config.compression = ZSTD_minCLevel() - 1;
    refuse_open_untouched(f, SEGJ_ERR_INVALID);
}

static void test_the_files_say_and_hold_what_is_compressed(void **state)
{
    fixture_t *f = *state;
    f->config.compression = 3;
    open_journal(f);
    append_text(f, 1, 0);
    append_text(f, 1, 1);
    close_journal(f);
    assert_int_equal(compression_on_disk(f, 1), 1);
    assert_int_equal(compression_of(index_path(f, 1)), 0);
    check_compressed_files(f, 1, 2, (const uint8_t[]){0, 1});
}

static void test_an_empty_value_of_a_compressed_section(void **state)
{
    fixture_t *f = *state;
    f->config.compression = 3;
    open_journal(f);
    assert_ok(oversized_append(f->journal, 1, entry, NULL, 0, NULL, NULL));
    assert_ok(oversized_append(f->journal, 1, entry, "", 0, NULL, NULL));
    for (int opened = 0; opened < 2; opened++) {
        for (uint64_t position = 0; position < 2; position++) {
            f->value.size = 99;
            assert_ok(oversized_read(f->journal, 1, position, NULL, &f->value));
            assert_int_equal(f->value.size, 0);
        }
        close_and_open(f);
    }
}

/* Noise becomes longer: in version 1 what is stored then exceeds max_value_size, what is meant does not. In version 2 it is
 * stored as it is. */
static void test_noise_of_max_value_size_goes_in_and_out(void **state)
{
    fixture_t *f = *state;
    uint8_t noise[1000];
    oversized_location_t location;
    fill_noise(noise, sizeof noise, 5);
    f->config.compression = 3;
    f->config.max_value_size = sizeof noise;
    open_journal(f);
    assert_ok(oversized_append(f->journal, 1, entry, noise, sizeof noise, NULL, &location));
    if (tested_version() == 2)
        assert_int_equal(location.size, sizeof noise + FRAME_CHECKSUM);
    else
        assert_true(location.size > sizeof noise + FRAME_CHECKSUM);
    for (int opened = 0; opened < 2; opened++) {
        assert_ok(oversized_get_value(f->journal, 1, location, &f->value));
        assert_int_equal(f->value.size, sizeof noise);
        assert_memory_equal(f->value.data, noise, sizeof noise);
        close_and_open(f);
    }
}

static void test_compressed_values_in_buffers_are_readable_at_once(void **state)
{
    fixture_t *f = *state;
    f->config.compression = 1;
    open_journal(f);
    for (uint8_t i = 0; i < 100; i++) {
        append_text(f, 1, i);
        check_text(f, 1, i, i);
        check_text(f, 1, i / 2u, i / 2);
    }
    assert_in_range(file_size(values_path(f, 1).text), tested_values_data() + 1,
                    tested_values_data() + value_size_of(f->journal, 1) - 1);
}

/* --- a property of the file --- */

static void test_a_compressed_section_goes_on_compressed_under_level_zero(void **state)
{
    fixture_t *f = *state;
    f->config.compression = 19;
    open_journal(f);
    append_text(f, 1, 0);
    close_journal(f);
    f->config.compression = 0;
    open_journal(f);
    append_text(f, 1, 1);
    append_text(f, 2, 2);
    check_text(f, 1, 0, 0);
    check_text(f, 1, 1, 1);
    check_text(f, 2, 0, 2);
    close_journal(f);
    assert_int_equal(compression_on_disk(f, 1), 1);
    assert_int_equal(compression_on_disk(f, 2), 0);
    check_compressed_files(f, 1, 2, (const uint8_t[]){0, 1});
}

/* The payload of a record at rest is what zstd makes of the text in one go, at a level. */
static void check_level(const fixture_t *f, uint64_t position, uint8_t seed, int level)
{
    uint8_t text[TEXT];
    uint8_t expected[TEXT];
    section_image_t image;
    fill_text(text, sizeof text, seed);
    size_t size = ZSTD_compress(expected, sizeof expected, text, sizeof text, level);
    assert_false(ZSTD_isError(size));
    load_section(&f->config, 1, &image);
    oversized_location_t location = decode_location(image.logical.data + position * SMALL_RECORD, SMALL_ENTRY);
    assert_int_equal(location.size, size + FRAME_CHECKSUM);
    assert_memory_equal(image.frames.data + tested_head(f->config.entry_size) + location.offset, expected, size);
    free_section(&image);
}

static void test_every_run_has_its_own_level_and_zero_is_the_default_one(void **state)
{
    fixture_t *f = *state;
    static const int levels[] = {19, 0, -20, 7, 0};
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        f->config.compression = levels[i];
        open_journal(f);
        append_text(f, 1, (uint8_t)i);
        close_journal(f);
        check_level(f, i, (uint8_t)i, levels[i] != 0 ? levels[i] : ZSTD_CLEVEL_DEFAULT);
    }
}

static void test_a_plain_section_goes_on_plain_under_a_level(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 5, 0);
    close_journal(f);
    f->config.compression = 3;
    open_journal(f);
    append_samples(f->journal, 1, 5, 0);
    append_text(f, 2, 2);
    check_section(f->journal, 1, 10, 0);
    close_journal(f);
    assert_int_equal(compression_on_disk(f, 1), 0);
    assert_int_equal(compression_on_disk(f, 2), 1);
    check_files(f, 1, 10, 0);
    check_compressed_files(f, 2, 1, (const uint8_t[]){2});
}

/* A section that is removed and begins again is a new one. */
static void test_a_section_made_again_follows_the_configuration(void **state)
{
    fixture_t *f = *state;
    open_journal(f);
    append_samples(f->journal, 1, 5, 0);
    append_samples(f->journal, 2, 5, 0);
    close_journal(f);
    f->config.compression = 3;
    open_journal(f);
    assert_ok(oversized_rewind(f->journal, 1, 0));
    append_samples(f->journal, 1, 5, 1);
    append_samples(f->journal, 2, 5, 1);
    check_section(f->journal, 1, 5, 1);
    check_section(f->journal, 2, 5, 1);
    close_journal(f);
    assert_int_equal(compression_on_disk(f, 1), 0);
    assert_int_equal(compression_on_disk(f, 2), 1);
}

static void test_mixed_sections_read_and_replay_alike(void **state)
{
    fixture_t *f = *state;
    oversized_replay_t *replay = NULL;
    oversized_item_t item;
    for (uint64_t section = 0; section < 4; section++) {
        f->config.compression = section % 2 == 0 ? 0 : 5;
        open_journal(f);
        append_samples(f->journal, section, 20, 0);
        close_journal(f);
    }
    f->config.read_only = true;
    open_journal(f);
    assert_ok(oversized_replay_open(f->journal, 0, 0, 0, &replay));
    for (uint64_t section = 0; section < 4; section++) {
        check_section(f->journal, section, 20, 0);
        assert_int_equal(compression_on_disk(f, section), section % 2);
        for (uint64_t position = 0; position < 20; position++) {
            assert_ok(oversized_replay_next(replay, &item));
            check_item(f->journal, &item, section, position, 0);
        }
    }
    assert_status(oversized_replay_next(replay, &item), SEGJ_END);
    oversized_replay_close(replay);
}

/* --- payloads that are refused: the frames' checksums are right --- */

enum { PAYLOADS = 9 };

/* Makes section 1: one record a payload, all covered by the watermark, in a values file that says that it is
 * compressed. */
static void make_payloads(fixture_t *f, const segj_slice_t *payloads, size_t count)
{
    uint8_t records[PAYLOADS * SMALL_RECORD];
    uint8_t block[HEADER_BLOCK];
    uint64_t end = 0;
    assert_true(count <= PAYLOADS);
    make_directory(f->directory.text);
    make_directory(join_path(f->directory.text, f->config.index_partition).text);
    make_directory(join_path(f->directory.text, f->config.value_partition).text);
    for (size_t i = 0; i < count; i++) {
        oversized_location_t location = {end, (uint32_t)(payloads[i].size + FRAME_CHECKSUM)};
        encode_record(records + i * SMALL_RECORD, entry, sizeof entry, location);
        end += location.size;
    }
    identity_t index = {1, IDENTITY_INDEX, 0, SMALL_PAGE, SMALL_RECORD, 1};
    write_index_file(index_path(f, 1).text, &index, count, records, count * SMALL_RECORD);
    write_values_file(values_path(f, 1).text, 1, payloads, count);
    encode_identity(block, &(identity_t){.version = 1, .kind = IDENTITY_VALUES, .compression = 1, .section = 1});
    write_file_at(values_path(f, 1).text, 0, block, sizeof block);
}

/* A frame of eight bytes whose header does not say so. */
static size_t compress_without_size(uint8_t *payload, size_t capacity)
{
    ZSTD_CCtx *context = ZSTD_createCCtx();
    assert_non_null(context);
    assert_false(ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0)));
    size_t size = ZSTD_compress2(context, payload, capacity, "abcdefgh", 8);
    assert_false(ZSTD_isError(size));
    ZSTD_freeCCtx(context);
    assert_int_equal(ZSTD_getFrameContentSize(payload, size), ZSTD_CONTENTSIZE_UNKNOWN);
    return size;
}

/* Puts two payloads together. */
static size_t join_payloads(uint8_t *joined, segj_slice_t first, segj_slice_t second)
{
    memcpy(joined, first.data, first.size);
    memcpy(joined + first.size, second.data, second.size);
    return first.size + second.size;
}

/* The first payload is right, and reads back; no other one does. */
static void check_refused_payloads(fixture_t *f, uint64_t count)
{
    open_journal(f);
    assert_int_equal(count_of(f->journal, 1), count);
    for (uint64_t position = 1; position < count; position++) {
        assert_ok(oversized_read(f->journal, 1, 0, NULL, &f->value));
        assert_int_equal(f->value.size, 8);
        assert_memory_equal(f->value.data, "abcdefgh", 8);
        segj_buffer_t before = f->value;
        assert_status(oversized_read(f->journal, 1, position, NULL, &f->value), SEGJ_ERR_COMPRESSION);
        assert_int_equal(f->value.size, 0);
        assert_true(f->value.capacity >= before.capacity);
        memset(f->value.data, 0xEE, f->value.capacity);
        assert_ok(oversized_get(f->journal, 1, position, NULL, NULL));
    }
}

static void test_payloads_that_are_not_one_frame_are_refused(void **state)
{
    uint8_t bytes[5][128];
    const uint8_t skippable_frame[12] = {0x50, 0x2A, 0x4D, 0x18, 4, 0, 0, 0, 1, 2, 3, 4};
    segj_slice_t right = {bytes[0], ZSTD_compress(bytes[0], sizeof bytes[0], "abcdefgh", 8, 3)};
    segj_slice_t skippable = {skippable_frame, sizeof skippable_frame};
    segj_slice_t unsized = {bytes[1], compress_without_size(bytes[1], sizeof bytes[1])};
    segj_slice_t more = {bytes[2], right.size}; /* says that its content is longer than it is */
    assert_false(ZSTD_isError(right.size));
    memcpy(bytes[2], bytes[0], right.size);
    assert_int_equal(bytes[2][5]++, 8); /* where the content size of so short a frame is */
    const segj_slice_t payloads[] = {
        right,
        {"no frame at all", 15},
        {"", 0},
        {bytes[0], right.size - 1},
        {bytes[3], join_payloads(bytes[3], right, right)},
        {bytes[4], join_payloads(bytes[4], right, (segj_slice_t){"x", 1})},
        skippable,
        unsized,
        more,
    };
    make_payloads(*state, payloads, PAYLOADS);
    check_refused_payloads(*state, PAYLOADS);
}

/* zstd itself would pass over what follows here, for it adds nothing. */
static void test_frames_that_add_nothing_are_refused_too(void **state)
{
    uint8_t bytes[4][128];
    const uint8_t skippable_frame[12] = {0x50, 0x2A, 0x4D, 0x18, 4, 0, 0, 0, 1, 2, 3, 4};
    segj_slice_t right = {bytes[0], ZSTD_compress(bytes[0], sizeof bytes[0], "abcdefgh", 8, 3)};
    segj_slice_t empty = {bytes[1], ZSTD_compress(bytes[1], sizeof bytes[1], "", 0, 3)};
    segj_slice_t skippable = {skippable_frame, sizeof skippable_frame};
    assert_false(ZSTD_isError(right.size));
    assert_false(ZSTD_isError(empty.size));
    const segj_slice_t payloads[] = {
        right,
        {bytes[2], join_payloads(bytes[2], right, skippable)},
        {bytes[3], join_payloads(bytes[3], right, empty)},
    };
    make_payloads(*state, payloads, 3);
    check_refused_payloads(*state, 3);
}

/* A frame that claims four gigabytes less two: what it claims is refused before memory is taken. */
static void test_a_frame_that_claims_too_much_takes_no_memory(void **state)
{
    fixture_t *f = *state;
    /* magic, descriptor: single segment with 4 bytes of content size, the size, one raw last block without bytes */
    const uint8_t payload[] = {0x28, 0xB5, 0x2F, 0xFD, 0xA0, 0xFE, 0xFF, 0xFF, 0xFF, 0x01, 0x00, 0x00};
    make_payloads(f, &(segj_slice_t){payload, sizeof payload}, 1);
    f->config.max_value_size = 1 << 20;
    open_journal(f);
    assert_int_equal(count_of(f->journal, 1), 1);
    assert_status(oversized_read(f->journal, 1, 0, NULL, &f->value), SEGJ_ERR_TOO_LARGE);
    assert_null(f->value.data);
    assert_int_equal(f->value.capacity, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(test_values_of_every_level_read_back),
        PROMISE(test_levels_that_zstd_does_not_have_are_refused),
        PROMISE(test_the_files_say_and_hold_what_is_compressed),
        PROMISE(test_an_empty_value_of_a_compressed_section),
        PROMISE(test_noise_of_max_value_size_goes_in_and_out),
        PROMISE(test_compressed_values_in_buffers_are_readable_at_once),
        PROMISE(test_a_compressed_section_goes_on_compressed_under_level_zero),
        PROMISE(test_every_run_has_its_own_level_and_zero_is_the_default_one),
        PROMISE(test_a_plain_section_goes_on_plain_under_a_level),
        PROMISE(test_a_section_made_again_follows_the_configuration),
        PROMISE(test_mixed_sections_read_and_replay_alike),
        PROMISE(test_payloads_that_are_not_one_frame_are_refused),
        PROMISE(test_frames_that_add_nothing_are_refused_too),
        PROMISE(test_a_frame_that_claims_too_much_takes_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
