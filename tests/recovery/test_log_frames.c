/*
 * recovery/test_log_frames.c: version 2 of the native format: frames that were whole once and lie where a crash, a copy
 * or an older file has left them. Crashes alone do not show that salt, place, chain and the head in the trailer are
 * needed; here the bytes are put where only these tell them from the right ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/log.h"
#include "support/support.h"

enum { SECTION = 7, OTHER = 8, RECORDS = 6, FEWER = 3, SIZE = 25, BIG = 3000 };
enum { HEAD = LOG_HEAD + SMALL_ENTRY, FRAME = HEAD + SIZE + FRAME_CHECKSUM };

typedef struct place {
    path_t root;
    oversized_config_t config;
} place_t;

static int set_up(void **state)
{
    place_t *place = calloc(1, sizeof *place);
    if (place == NULL)
        return -1;
    place->root = make_temp_directory();
    small_config(&place->config, place->root.text);
    place->config.native_version = 2;
    place->config.strict = true; /* none of this is damage */
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    place_t *place = *state;
    remove_tree(place->root.text);
    free(place);
    return 0;
}

static oversized_t *open_it(const place_t *place)
{
    oversized_t *journal;
    assert_ok(oversized_open(&place->config, &journal));
    return journal;
}

static path_t values_of(const place_t *place, uint64_t section)
{
    return section_path(place->root.text, "test_values", section);
}

/* Records from `first` on, in the file and no further. */
static void append(oversized_t *journal, uint64_t section, uint64_t first, uint64_t count, uint8_t fill)
{
    for (uint64_t i = first; i < first + count; i++)
        (void)append_filled(journal, section, i, (uint8_t)(fill + i), SIZE, NULL);
    assert_ok(oversized_flush(journal, section));
}

/* A section with a salt, made anew. */
static void make(const place_t *place, uint64_t section, uint64_t salt, uint64_t count)
{
    count_salts_from(salt);
    oversized_t *journal = open_it(place);
    append(journal, section, 0, count, 0);
    oversized_abandon(journal);
}

static void expect(const place_t *place, uint64_t section, uint64_t count)
{
    uint64_t found;
    oversized_t *journal = open_it(place);
    assert_ok(oversized_count(journal, section, &found));
    assert_int_equal(found, count);
    assert_ok(oversized_close(journal));
}

/* Both files as they were, W included. */
typedef struct files {
    path_t paths[2];
    bytes_t bytes[2]; /* index, values */
} files_t;

static files_t keep_files(const place_t *place)
{
    files_t files = {{section_path(place->root.text, "test_index", SECTION), values_of(place, SECTION)},
                     {{NULL, 0}, {NULL, 0}}};
    for (size_t i = 0; i < 2; i++)
        files.bytes[i] = read_file(files.paths[i].text);
    return files;
}

static void put_back(const files_t *files)
{
    for (size_t i = 0; i < 2; i++)
        write_file(files->paths[i].text, files->bytes[i].data, files->bytes[i].size);
}

static void free_files(files_t *files)
{
    free_bytes(&files->bytes[0]);
    free_bytes(&files->bytes[1]);
}

/* The bytes of a values file from a frame on, where they were, in another one. */
static void put_tail(const place_t *place, uint64_t section, const bytes_t *from, uint64_t frame)
{
    size_t begin = VALUES_DATA_OFFSET + (size_t)frame * FRAME;
    path_t values = values_of(place, section);
    write_file_at(values.text, begin, from->data + begin, from->size - begin);
}

/* --- salt --- */

/* The same records in a file of the same name. By the same salt the older file's would be taken. */
static void frames_of_an_earlier_file_of_the_section_are_not_taken(void **state)
{
    const place_t *place = *state;
    for (uint64_t salt = 1; salt <= 2; salt++) {
        make(place, SECTION, 1, RECORDS);
        bytes_t before = read_file(values_of(place, SECTION).text);
        assert_ok(oversized_destroy(open_it(place)));
        make(place, SECTION, salt, FEWER);
        put_tail(place, SECTION, &before, FEWER);
        expect(place, SECTION, salt == 1 ? RECORDS : FEWER);
        assert_ok(oversized_destroy(open_it(place)));
        free_bytes(&before);
    }
}

static void a_slot_of_an_earlier_file_of_the_section_is_not_taken(void **state)
{
    const place_t *place = *state;
    path_t index = section_path(place->root.text, "test_index", SECTION);
    make(place, SECTION, 1, RECORDS);
    expect(place, SECTION, RECORDS);
    bytes_t before = read_file(index.text);
    assert_ok(oversized_destroy(open_it(place)));
    make(place, SECTION, 2, RECORDS);
    /* It would say that RECORDS are durable, and that fewer are a loss. */
    write_file_at(index.text, HEADER_BLOCK, before.data + HEADER_BLOCK, (size_t)2 * HEADER_BLOCK);
    resize_file(values_of(place, SECTION).text, VALUES_DATA_OFFSET + FEWER * FRAME);
    expect(place, SECTION, FEWER);
    free_bytes(&before);
}

/* --- place --- */

static void frames_of_another_section_are_not_taken(void **state)
{
    const place_t *place = *state;
    make(place, SECTION, 1, FEWER);
    make(place, OTHER, 1, RECORDS); /* the same salt, the same records */
    bytes_t other = read_file(values_of(place, OTHER).text);
    put_tail(place, SECTION, &other, FEWER);
    expect(place, SECTION, FEWER);
    expect(place, OTHER, RECORDS);
    free_bytes(&other);
}

static void a_frame_counts_at_its_own_offset_alone(void **state)
{
    const place_t *place = *state;
    make(place, SECTION, 1, RECORDS);
    files_t files = keep_files(place);
    const char *values = files.paths[1].text;
    const uint8_t *frames = files.bytes[1].data + VALUES_DATA_OFFSET;
    for (uint64_t from = 0; from < RECORDS; from++) {
        if (from == FEWER)
            continue;
        put_back(&files);
        write_file_at(values, VALUES_DATA_OFFSET + FEWER * FRAME, frames + from * FRAME, FRAME);
        expect(place, SECTION, FEWER);
        /* And as the next one. */
        put_back(&files);
        write_file_at(values, files.bytes[1].size, frames + from * FRAME, FRAME);
        expect(place, SECTION, RECORDS);
    }
    free_files(&files);
}

/* --- chain --- */

/* A rewind was followed by a value of the same size, and what had been cut behind it comes back. */
static void frames_from_before_a_rewind_do_not_link(void **state)
{
    const place_t *place = *state;
    make(place, SECTION, 1, RECORDS);
    bytes_t before = read_file(values_of(place, SECTION).text);
    oversized_t *journal = open_it(place);
    assert_ok(oversized_rewind_section_to(journal, SECTION, FEWER));
    append(journal, SECTION, FEWER, 1, 100);
    oversized_abandon(journal);
    put_tail(place, SECTION, &before, FEWER + 1);
    expect(place, SECTION, FEWER + 1);
    free_bytes(&before);
}

/* --- streams: the head is written last, and the trailer knows it --- */

static files_t stream(const place_t *place)
{
    static uint8_t entry[SMALL_ENTRY] = {9};
    uint8_t value[BIG];
    oversized_writer_t *writer;
    memset(value, 0x5A, sizeof value);
    make(place, SECTION, 1, FEWER);
    oversized_t *journal = open_it(place);
    assert_ok(oversized_writer_open(journal, SECTION, entry, sizeof value, &writer));
    assert_ok(oversized_writer_write(writer, value, sizeof value));
    assert_ok(oversized_writer_finish(writer, NULL, NULL));
    assert_ok(oversized_flush(journal, SECTION));
    oversized_abandon(journal);
    return keep_files(place);
}

/* Each sector of it may be missing. */
static void a_torn_stream_is_no_record(void **state)
{
    const place_t *place = *state;
    static const uint8_t zeros[512];
    files_t files = stream(place);
    size_t size = files.bytes[1].size;
    size_t begin = VALUES_DATA_OFFSET + (size_t)FEWER * FRAME;
    assert_int_equal(size, begin + HEAD + BIG + FRAME_CHECKSUM);
    for (size_t at = begin; at < size; at += sizeof zeros) {
        put_back(&files);
        write_file_at(files.paths[1].text, at, zeros, size - at < sizeof zeros ? size - at : sizeof zeros);
        expect(place, SECTION, FEWER);
    }
    put_back(&files);
    expect(place, SECTION, FEWER + 1);
    free_files(&files);
}

/* A head that is right there, for a payload of that size, with another entry or other flags: it is not the one that the
 * trailer was made with. */
static void a_head_that_the_trailer_does_not_know_is_refused(void **state)
{
    const place_t *place = *state;
    files_t files = stream(place);
    uint64_t offset = (uint64_t)FEWER * FRAME;
    const uint8_t *frame = files.bytes[1].data + VALUES_DATA_OFFSET + offset;
    log_identity_t identity;
    assert_true(decode_log_identity(files.bytes[1].data, &identity));
    uint8_t *again = malloc(HEAD + BIG + FRAME_CHECKSUM);
    assert_non_null(again);
    for (unsigned other = 0; other < 4; other++) {
        uint8_t entry[SMALL_ENTRY] = {9};
        entry[0] ^= (uint8_t)(other == 1);
        uint8_t unsynced = (uint8_t)(frame[5] + (other == 2));
        uint8_t flags = other == 3 ? LOG_FRAME | LOG_GOES_ON : LOG_FRAME;
        (void)encode_log_frame(again, SECTION ^ identity.salt, offset, get_u32(frame - FRAME_CHECKSUM), flags, unsynced,
                               entry, sizeof entry, frame + HEAD, BIG);
        put_back(&files);
        write_file_at(files.paths[1].text, VALUES_DATA_OFFSET + offset, again, HEAD);
        expect(place, SECTION, other == 0 ? FEWER + 1 : FEWER);
    }
    free(again);
    free_files(&files);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(frames_of_an_earlier_file_of_the_section_are_not_taken),
        TEST(a_slot_of_an_earlier_file_of_the_section_is_not_taken),
        TEST(frames_of_another_section_are_not_taken),
        TEST(a_frame_counts_at_its_own_offset_alone),
        TEST(frames_from_before_a_rewind_do_not_link),
        TEST(a_torn_stream_is_no_record),
        TEST(a_head_that_the_trailer_does_not_know_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
