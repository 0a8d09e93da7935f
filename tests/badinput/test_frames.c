/*
 * badinput/test_frames.c: stored values under right checksums that are no zstd frame that this library writes.
 *
 * A payload is exactly one frame, of data, that says its content's size and needs no dictionary. Anything else is
 * SEGJ_ERR_COMPRESSION, what is larger than max_value_size is SEGJ_ERR_TOO_LARGE, and neither costs more memory than
 * the largest value and its frame may take, which the wrapped allocator records.
 *
 * LINK_WRAP: malloc calloc realloc
 */
#include "badinput/badinput.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zstd.h>

/* --- how much memory is asked for --- */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static size_t largest_request;
static size_t all_requests; /* in bytes, whether they were given back or not */

static void note(size_t size)
{
    all_requests += size < SIZE_MAX / 2 - all_requests ? size : 0;
    largest_request = size > largest_request ? size : largest_request;
}

void *__wrap_malloc(size_t size)
{
    note(size);
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    note(size > 0 && count > SIZE_MAX / size ? SIZE_MAX : count * size);
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    note(size);
    return __real_realloc(old, size);
}

/* --- frames, written from RFC 8878 --- */

enum { MOST = 1 << 20, PAYLOAD_LIMIT = 1 << 18, BLOCK_LIMIT = 128 << 10 };

/* max_value_size of the tests, and the largest frame that a value of that size can have. */
#define MEMORY_LIMIT (ZSTD_COMPRESSBOUND((size_t)MOST) + FRAME_CHECKSUM)

typedef struct payload {
    uint8_t bytes[PAYLOAD_LIMIT];
    size_t size;
} payload_t;

static void add_bytes(payload_t *payload, const void *bytes, size_t size)
{
    assert_true(size <= sizeof payload->bytes - payload->size);
    memcpy(payload->bytes + payload->size, bytes, size);
    payload->size += size;
}

/* Little-endian, as all of a zstd frame is. */
static void add_number(payload_t *payload, uint64_t number, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)(number >> (8 * i));
        add_bytes(payload, &byte, 1);
    }
}

enum { BLOCK_RAW = 0, BLOCK_RLE = 1, BLOCK_COMPRESSED = 2, BLOCK_RESERVED = 3 };
enum { WINDOW_128_KIB = 7 << 3, WINDOW_HUGE = 31 << 3 };
enum { HAS_CHECKSUM = 4, HAS_RESERVED = 8, HAS_UNUSED = 16 };

static void begin_frame(payload_t *payload)
{
    payload->size = 0;
    add_number(payload, 0xFD2FB528, 4);
}

/* Magic, descriptor with a content size of 8 bytes and a window, content size. */
static void begin_sized(payload_t *payload, unsigned flags, unsigned window, uint64_t content)
{
    begin_frame(payload);
    add_number(payload, 3u << 6 | flags, 1);
    add_number(payload, window, 1);
    add_number(payload, content, 8);
}

static void add_block(payload_t *payload, bool last, unsigned type, size_t size)
{
    add_number(payload, (last ? 1u : 0u) | type << 1 | size << 3, 3);
}

/* Blocks of one repeated byte, so that four bytes stand for 128 KiB. */
static void add_repeated(payload_t *payload, uint64_t content)
{
    do {
        size_t part = content < BLOCK_LIMIT ? (size_t)content : BLOCK_LIMIT;
        content -= part;
        add_block(payload, content == 0, BLOCK_RLE, part);
        add_bytes(payload, "z", 1);
    } while (content > 0);
}

static void add_raw(payload_t *payload, const char *text)
{
    add_block(payload, true, BLOCK_RAW, strlen(text));
    add_bytes(payload, text, strlen(text));
}

static void add_compressed(payload_t *payload, const void *value, size_t size)
{
    size_t used = ZSTD_compress(payload->bytes + payload->size, sizeof payload->bytes - payload->size, value, size, 3);
    assert_false(ZSTD_isError(used));
    payload->size += used;
}

/* --- a compressed section of such payloads --- */

static path_t values_path;

/* As many records as payloads; each record's value is a payload in a frame with the right checksum. */
static void write_marked(place_t *place, const segj_slice_t *payloads, size_t count, uint64_t watermark)
{
    uint8_t *records = calloc(count, SMALL_RECORD);
    uint8_t block[HEADER_BLOCK];
    identity_t index = {1, IDENTITY_INDEX, 0, SMALL_PAGE, SMALL_RECORD, 1};
    identity_t values = {1, IDENTITY_VALUES, 1, 0, 0, 1};
    uint64_t end = 0;
    assert_non_null(records);
    remove_tree(place->directory.text);
    make_directory(place->directory.text);
    make_directory(join_path(place->directory.text, place->config.index_partition).text);
    make_directory(join_path(place->directory.text, place->config.value_partition).text);
    for (size_t i = 0; i < count; i++) {
        uint8_t entry[SMALL_ENTRY] = {0};
        oversized_location_t location = {end, (uint32_t)(payloads[i].size + FRAME_CHECKSUM)};
        encode_record(records + i * SMALL_RECORD, entry, sizeof entry, location);
        end += location.size;
    }
    path_t index_path = section_path(place->directory.text, place->config.index_partition, 1);
    values_path = section_path(place->directory.text, place->config.value_partition, 1);
    write_index_file(index_path.text, &index, watermark, records, count * SMALL_RECORD);
    write_values_file(values_path.text, 1, payloads, count);
    encode_identity(block, &values);
    write_file_at(values_path.text, 0, block, sizeof block);
    place->config.max_value_size = MOST;
    free(records);
}

static void write_payloads(place_t *place, const segj_slice_t *payloads, size_t count)
{
    write_marked(place, payloads, count, count);
}

/* Reads the only record: this status, in bounded memory, and an empty result that keeps its buffer. */
static void read_payload(place_t *place, const payload_t *payload, segj_status_t expected)
{
    oversized_t *journal;
    segj_slice_t slice = {payload->bytes, payload->size};
    uint8_t *memory = malloc(16);
    segj_buffer_t value = {memory, 3, 16};
    assert_non_null(memory);
    write_payloads(place, &slice, 1);
    assert_ok(oversized_open(&place->config, &journal));
    largest_request = all_requests = 0;
    segj_status_t status = oversized_read(journal, 1, 0, NULL, &value);
    assert_true(largest_request <= MEMORY_LIMIT);
    /* The frame, the value, a file and a context; never one after the other in larger and larger pieces. */
    assert_true(all_requests <= 2 * MEMORY_LIMIT + 4096);
    check_status(status, expected, "oversized_read", __FILE__, __LINE__);
    if (status != SEGJ_OK) {
        assert_sentence(values_path.text, "offset 4096");
        assert_int_equal(value.size, 0);
        assert_true(value.capacity >= 16);
        memset(value.data, 0, value.capacity);
    }
    oversized_location_t location = {0, (uint32_t)payload->size + FRAME_CHECKSUM};
    assert_int_equal(oversized_get_value(journal, 1, location, &value), expected);
    oversized_abandon(journal);
    segj_buffer_free(&value);
}

/* --- what is one frame --- */

static void frames_as_they_should_be_are_read(void **state)
{
    payload_t payload = {.size = 0};
    add_compressed(&payload, "a value, a value, a value", 25);
    read_payload(*state, &payload, SEGJ_OK);
    payload.size = 0;
    add_compressed(&payload, "", 0);
    read_payload(*state, &payload, SEGJ_OK);
    begin_sized(&payload, 0, WINDOW_128_KIB, 5);
    add_raw(&payload, "value");
    read_payload(*state, &payload, SEGJ_OK);
    begin_sized(&payload, 0, WINDOW_128_KIB, MOST);
    add_repeated(&payload, MOST);
    read_payload(*state, &payload, SEGJ_OK);
}

/* --- bombs --- */

static void a_value_that_unpacks_beyond_max_value_size_is_too_large(void **state)
{
    const uint64_t sizes[] = {MOST + 1, (uint64_t)64 << 20, UINT32_MAX - 4, UINT32_MAX, (uint64_t)1 << 32};
    payload_t payload;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        begin_sized(&payload, 0, WINDOW_128_KIB, sizes[i]);
        add_repeated(&payload, sizes[i]);
        read_payload(*state, &payload, SEGJ_ERR_TOO_LARGE);
        assert_sentence("max_value_size", "1048576");
    }
}

/* Sizes that are only announced: no memory is taken on the word of a frame. */
static void a_content_size_that_is_not_met_takes_no_memory(void **state)
{
    const uint64_t sizes[] = {(uint64_t)1 << 32, (uint64_t)1 << 63, UINT64_MAX - 2};
    payload_t payload;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        begin_sized(&payload, 0, WINDOW_128_KIB, sizes[i]);
        add_raw(&payload, "value");
        read_payload(*state, &payload, SEGJ_ERR_TOO_LARGE);
    }
}

static void a_content_size_that_lies_is_refused(void **state)
{
    const uint64_t lies[][2] = {{0, 1},           {4, 5},           {6, 5},
                                {MOST, 5},        {10, MOST},       {5, MOST + 1},
                                {MOST, MOST - 1}, {MOST - 1, MOST}, {1, (uint64_t)1 << 32},
                                {MOST, MOST + 1}};
    payload_t payload;
    for (size_t i = 0; i < COUNT_OF(lies); i++) {
        begin_sized(&payload, 0, WINDOW_128_KIB, lies[i][0]);
        add_repeated(&payload, lies[i][1]);
        read_payload(*state, &payload, SEGJ_ERR_COMPRESSION);
    }
}

/* A frame of one segment, whose content size takes 1, 2, 4 or 8 bytes. */
static void begin_segment(payload_t *payload, unsigned width, uint64_t content)
{
    unsigned code = width == 1 ? 0 : width == 2 ? 1 : width == 4 ? 2 : 3;
    begin_frame(payload);
    add_number(payload, code << 6 | 1u << 5, 1);
    add_number(payload, width == 2 ? content - 256 : content, width);
}

static void a_content_size_of_any_width_that_lies_is_refused(void **state)
{
    const unsigned widths[] = {1, 2, 4, 8};
    payload_t payload;
    for (size_t i = 0; i < COUNT_OF(widths); i++) {
        uint64_t content = widths[i] == 1 ? 200 : 300;
        for (uint64_t real = content - 2; real <= content + 2; real++) {
            begin_segment(&payload, widths[i], content);
            add_repeated(&payload, real);
            read_payload(*state, &payload, real == content ? SEGJ_OK : SEGJ_ERR_COMPRESSION);
        }
    }
    begin_segment(&payload, 4, UINT32_MAX);
    add_repeated(&payload, UINT32_MAX);
    read_payload(*state, &payload, SEGJ_ERR_TOO_LARGE);
}

/* Above the watermark open looks at checksums, and unpacks nothing. */
static void a_bomb_above_the_watermark_takes_no_memory_at_open(void **state)
{
    place_t *place = *state;
    const uint64_t sizes[] = {(uint64_t)64 << 20, (uint64_t)1 << 32};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        payload_t payload;
        oversized_t *journal;
        segj_buffer_t value = {NULL, 0, 0};
        begin_sized(&payload, 0, WINDOW_128_KIB, sizes[i]);
        add_repeated(&payload, sizes[i]);
        segj_slice_t slice = {payload.bytes, payload.size};
        write_marked(place, &slice, 1, 0);
        largest_request = all_requests = 0;
        assert_ok(oversized_open(&place->config, &journal));
        assert_true(all_requests <= (size_t)1 << 20);
        assert_int_equal(oversized_recovery(journal)->records, 1);
        assert_status(oversized_read(journal, 1, 0, NULL, &value), SEGJ_ERR_TOO_LARGE);
        assert_true(all_requests <= (size_t)2 << 20);
        oversized_abandon(journal);
    }
}

/* A window of 2^41 bytes over a value of five. What zstd says of it is zstd's; the memory is ours. */
static void a_window_of_terabytes_takes_no_memory(void **state)
{
    place_t *place = *state;
    payload_t payload;
    oversized_t *journal;
    segj_buffer_t value = {NULL, 0, 0};
    begin_sized(&payload, 0, WINDOW_HUGE, 5);
    add_raw(&payload, "value");
    segj_slice_t slice = {payload.bytes, payload.size};
    write_payloads(place, &slice, 1);
    assert_ok(oversized_open(&place->config, &journal));
    largest_request = 0;
    segj_status_t status = oversized_read(journal, 1, 0, NULL, &value);
    assert_true(largest_request <= MEMORY_LIMIT);
    assert_true(status == SEGJ_OK || status == SEGJ_ERR_COMPRESSION);
    assert_int_equal(value.size, status == SEGJ_OK ? 5 : 0);
    oversized_abandon(journal);
    segj_buffer_free(&value);
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define OWN_ADDRESS_SPACE 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OWN_ADDRESS_SPACE 1
#endif

/* What the process has mapped, in bytes; 0 where that is not to be known. */
static size_t address_space(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL)
        return 0;
    if (fscanf(file, "%lu", &pages) != 1) // NOLINT(cert-err34-c): a number that the system writes
        pages = 0;
    (void)fclose(file);
    return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* zstd's own memory, which nothing here counts: with 16 MiB more than there is now the answers are the same. */
static void bombs_take_no_address_space(void **state)
{
    struct rlimit before;
    size_t now = address_space();
#ifdef OWN_ADDRESS_SPACE
    now = 0;
#endif
    if (now == 0)
        SKIP("what limits addresses does not go with this build or system");
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    struct rlimit tight = {(rlim_t)now + ((rlim_t)16 << 20), before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_AS, &tight), 0);
    a_value_that_unpacks_beyond_max_value_size_is_too_large(state);
    a_content_size_that_is_not_met_takes_no_memory(state);
    a_content_size_that_lies_is_refused(state);
    a_content_size_of_any_width_that_lies_is_refused(state);
    a_bomb_above_the_watermark_takes_no_memory_at_open(state);
    a_window_of_terabytes_takes_no_memory(state);
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
}

/* --- other frames than one of data with a size --- */

static void a_skippable_frame_is_no_value(void **state)
{
    payload_t payload;
    for (uint64_t magic = 0x184D2A50; magic <= 0x184D2A5F; magic++) {
        payload.size = 0;
        add_number(&payload, magic, 4);
        add_number(&payload, 3, 4);
        add_bytes(&payload, "abc", 3);
        read_payload(*state, &payload, SEGJ_ERR_COMPRESSION);
    }
    payload.size = 0;
    add_number(&payload, 0x184D2A50, 4);
    add_number(&payload, UINT32_MAX, 4);
    read_payload(*state, &payload, SEGJ_ERR_COMPRESSION);
}

static void more_than_one_frame_is_no_value(void **state)
{
    payload_t payload = {.size = 0};
    add_compressed(&payload, "one", 3);
    add_compressed(&payload, "two", 3);
    read_payload(*state, &payload, SEGJ_ERR_COMPRESSION);
    payload.size = 0;
    add_compressed(&payload, "one", 3);
    add_compressed(&payload, "", 0);
    read_payload(*state, &payload, SEGJ_ERR_COMPRESSION);
    payload.size = 0;
    add_compressed(&payload, "one", 3);
    add_number(&payload, 0x184D2A50, 4);
    add_number(&payload, 0, 4);
    read_payload(*state, &payload, SEGJ_ERR_COMPRESSION);
    payload.size = 0;
    add_number(&payload, 0x184D2A50, 4);
    add_number(&payload, 0, 4);
    add_compressed(&payload, "one", 3);
    read_payload(*state, &payload, SEGJ_ERR_COMPRESSION);
}

static void bytes_behind_the_frame_are_refused(void **state)
{
    const char *const rests[] = {"\0", "x", "\x28\xB5\x2F\xFD", "garbage garbage"};
    payload_t payload;
    for (size_t i = 0; i < COUNT_OF(rests); i++) {
        payload.size = 0;
        add_compressed(&payload, "a value", 7);
        add_bytes(&payload, rests[i], strlen(rests[i]) + 1);
        read_payload(*state, &payload, SEGJ_ERR_COMPRESSION);
    }
}

static void a_frame_with_a_dictionary_is_no_value(void **state)
{
    payload_t payload;
    for (unsigned flag = 1; flag <= 3; flag++) {
        begin_frame(&payload);
        add_number(&payload, 3u << 6 | flag, 1);
        add_number(&payload, WINDOW_128_KIB, 1);
        add_number(&payload, 0x7F, flag == 3 ? 4 : flag);
        add_number(&payload, 5, 8);
        add_raw(&payload, "value");
        read_payload(*state, &payload, SEGJ_ERR_COMPRESSION);
        assert_sentence("dictionary");
    }
}

/* Dictionary 0 is none. */
static void a_frame_that_names_no_dictionary_at_length_is_read(void **state)
{
    payload_t payload;
    for (unsigned flag = 1; flag <= 3; flag++) {
        begin_frame(&payload);
        add_number(&payload, 3u << 6 | flag, 1);
        add_number(&payload, WINDOW_128_KIB, 1);
        add_number(&payload, 0, flag == 3 ? 4 : flag);
        add_number(&payload, 5, 8);
        add_raw(&payload, "value");
        read_payload(*state, &payload, SEGJ_OK);
    }
}

/* Frames of zstd before 0.8, which a library may still read: right in the format of version 0.7, and under its
 * magics. */
static void a_frame_of_an_older_format_is_no_value(void **state)
{
    const uint32_t magics[] = {0xFD2FB51E, 0xFD2FB522, 0xFD2FB523, 0xFD2FB524, 0xFD2FB525, 0xFD2FB526, 0xFD2FB527};
    payload_t payload;
    for (size_t i = 0; i < COUNT_OF(magics); i++) {
        payload.size = 0;
        add_number(&payload, magics[i], 4);
        add_bytes(&payload, "\x20\x05", 2);              /* one segment, five bytes */
        add_bytes(&payload, "\x40\x00\x05value", 3 + 5); /* as they are */
        add_bytes(&payload, "\xC0\x00\x00", 3);          /* the end */
        read_payload(*state, &payload, SEGJ_ERR_COMPRESSION);
        assert_sentence("no zstd frame");
    }
}

/* As a stream writes it: a frame whose end is not known at its beginning. */
static void a_frame_without_its_content_size_is_no_value(void **state)
{
    payload_t payload;
    const uint64_t sizes[] = {0, 5, MOST, (uint64_t)1 << 32};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        begin_frame(&payload);
        add_number(&payload, 0, 1);
        add_number(&payload, WINDOW_128_KIB, 1);
        add_repeated(&payload, sizes[i]);
        read_payload(*state, &payload, SEGJ_ERR_COMPRESSION);
        assert_sentence("size");
    }
}

static void damaged_frames_are_no_values(void **state)
{
    payload_t payload;
    begin_sized(&payload, HAS_RESERVED, WINDOW_128_KIB, 5);
    add_raw(&payload, "value");
    read_payload(*state, &payload, SEGJ_ERR_COMPRESSION);
    begin_sized(&payload, HAS_CHECKSUM, WINDOW_128_KIB, 5);
    add_raw(&payload, "value");
    add_number(&payload, 0x12345678, 4);
    read_payload(*state, &payload, SEGJ_ERR_COMPRESSION);
    begin_sized(&payload, 0, WINDOW_128_KIB, 5);
    add_block(&payload, true, BLOCK_RESERVED, 5);
    add_bytes(&payload, "value", 5);
    read_payload(*state, &payload, SEGJ_ERR_COMPRESSION);
    begin_sized(&payload, 0, WINDOW_128_KIB, 5);
    add_block(&payload, true, BLOCK_COMPRESSED, 5);
    add_bytes(&payload, "value", 5);
    read_payload(*state, &payload, SEGJ_ERR_COMPRESSION);
    begin_sized(&payload, 0, WINDOW_128_KIB, 5);
    add_block(&payload, false, BLOCK_RAW, 5); /* and no last block */
    add_bytes(&payload, "value", 5);
    read_payload(*state, &payload, SEGJ_ERR_COMPRESSION);
    begin_sized(&payload, 0, WINDOW_128_KIB, 5);
    add_block(&payload, true, BLOCK_RAW, 0x1FFFFF); /* a block of 2 MiB that is not there */
    add_bytes(&payload, "value", 5);
    read_payload(*state, &payload, SEGJ_ERR_COMPRESSION);
}

static void bytes_that_are_no_frame_are_no_value(void **state)
{
    const char *const texts[] = {"",
                                 "a",
                                 "abcd",
                                 "just a value that was never compressed",
                                 "\x28\xB5\x2F\xFC 00000",
                                 "\xFD\x2F\xB5\x28 00000",
                                 "\x1F\x8B\x08 gzip",
                                 "\x37\xA4\x30\xEC dictionary"};
    payload_t payload;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        payload.size = 0;
        add_bytes(&payload, texts[i], strlen(texts[i]));
        read_payload(*state, &payload, SEGJ_ERR_COMPRESSION);
    }
    memset(payload.bytes, 0, 1000);
    payload.size = 1000;
    read_payload(*state, &payload, SEGJ_ERR_COMPRESSION);
}

/* --- all cuts, all bits --- */

enum { TEXT_SIZE = 400, VARIANTS = 4096 };

/* A frame with a compressed block, of a text that repeats itself with changes. */
static void make_text_frame(payload_t *payload)
{
    char text[TEXT_SIZE];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)('a' + (i * i / 7 + i / 40) % 11);
    payload->size = 0;
    add_compressed(payload, text, sizeof text);
    assert_true(payload->size < VARIANTS / 8 && payload->size < TEXT_SIZE);
}

/* Reads `count` records, each in bounded memory; whatever zstd makes of one has no more bytes than are allowed. */
static size_t read_all(place_t *place, const segj_slice_t *payloads, size_t count)
{
    oversized_t *journal;
    segj_buffer_t value = {NULL, 0, 0};
    size_t read = 0;
    write_payloads(place, payloads, count);
    assert_ok(oversized_open(&place->config, &journal));
    largest_request = 0;
    for (size_t i = 0; i < count; i++) {
        segj_status_t status = oversized_read(journal, 1, i, NULL, &value);
        assert_true(status == SEGJ_OK || status == SEGJ_ERR_COMPRESSION || status == SEGJ_ERR_TOO_LARGE);
        assert_true(value.size <= MOST);
        assert_true(status == SEGJ_OK || value.size == 0);
        if (status != SEGJ_OK)
            assert_sentence(values_path.text, "offset");
        read += status == SEGJ_OK;
    }
    assert_true(largest_request <= MEMORY_LIMIT);
    oversized_abandon(journal);
    segj_buffer_free(&value);
    return read;
}

static void a_frame_cut_to_any_length_is_no_value(void **state)
{
    payload_t payload;
    segj_slice_t slices[VARIANTS / 8];
    make_text_frame(&payload);
    for (size_t i = 0; i < payload.size; i++)
        slices[i] = (segj_slice_t){payload.bytes, i};
    assert_int_equal(read_all(*state, slices, payload.size), 0);
    slices[0] = (segj_slice_t){payload.bytes, payload.size};
    assert_int_equal(read_all(*state, slices, 1), 1);
}

/* Without a checksum of its own a changed frame may still unpack, to other bytes; it never does more than that. */
static void a_frame_with_any_bit_flipped_is_refused_or_bounded(void **state)
{
    payload_t payload;
    segj_slice_t *slices = calloc(VARIANTS, sizeof *slices);
    make_text_frame(&payload);
    size_t count = payload.size * 8;
    uint8_t *copies = malloc(count * payload.size);
    assert_non_null(slices);
    assert_non_null(copies);
    for (size_t bit = 0; bit < count; bit++) {
        uint8_t *copy = copies + bit * payload.size;
        memcpy(copy, payload.bytes, payload.size);
        copy[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        slices[bit] = (segj_slice_t){copy, payload.size};
    }
    assert_true(read_all(*state, slices, count) < count);
    free(copies);
    free(slices);
}

/* --- memory over several reads --- */

/* Bytes that zstd cannot make smaller, in frames that come to two thirds of the limit and more. */
static void reading_ever_larger_frames_takes_no_more_than_the_largest(void **state)
{
    place_t *place = *state;
    const size_t sizes[] = {MOST / 8 * 5, MOST / 8 * 6, MOST / 8 * 7, MOST};
    segj_slice_t slices[COUNT_OF(sizes)];
    oversized_t *journal;
    segj_buffer_t value = {NULL, 0, 0};
    uint8_t *noise = malloc(MOST);
    assert_non_null(noise);
    uint32_t random = 1;
    for (size_t i = 0; i < MOST; i++) {
        random = random * 1664525u + 1013904223u;
        noise[i] = (uint8_t)(random >> 24);
    }
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        size_t bound = ZSTD_compressBound(sizes[i]);
        uint8_t *frame = malloc(bound);
        assert_non_null(frame);
        slices[i] = (segj_slice_t){frame, ZSTD_compress(frame, bound, noise, sizes[i], 1)};
        assert_true(slices[i].size >= sizes[i] && slices[i].size <= bound);
    }
    write_payloads(place, slices, COUNT_OF(sizes));
    assert_ok(oversized_open(&place->config, &journal));
    largest_request = 0;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        assert_ok(oversized_read(journal, 1, i, NULL, &value));
        assert_int_equal(value.size, sizes[i]);
        assert_memory_equal(value.data, noise, sizes[i]);
    }
    oversized_abandon(journal);
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        free((void *)(uintptr_t)slices[i].data);
    segj_buffer_free(&value);
    free(noise);
    assert_true(largest_request <= MEMORY_LIMIT);
}

/* A stored frame that no value of max_value_size could have is refused by its size, before it is read. */
static void a_stored_frame_beyond_any_bound_is_too_large(void **state)
{
    place_t *place = *state;
    oversized_t *journal;
    segj_buffer_t value = {NULL, 0, 0};
    size_t size = ZSTD_COMPRESSBOUND((size_t)MOST) + 1;
    uint8_t *bytes = calloc(1, size);
    assert_non_null(bytes);
    segj_slice_t slice = {bytes, size};
    write_payloads(place, &slice, 1);
    assert_ok(oversized_open(&place->config, &journal));
    assert_ok(oversized_get(journal, 1, 0, NULL, NULL));
    largest_request = 0;
    assert_status(oversized_read(journal, 1, 0, NULL, &value), SEGJ_ERR_TOO_LARGE);
    assert_int_equal(largest_request, 0);
    assert_sentence(values_path.text, "offset 4096", "1048576");
    oversized_abandon(journal);
    free(bytes);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_place, drop_place)
    const struct CMUnitTest tests[] = {
        TEST(frames_as_they_should_be_are_read),
        TEST(a_value_that_unpacks_beyond_max_value_size_is_too_large),
        TEST(a_content_size_that_is_not_met_takes_no_memory),
        TEST(a_content_size_that_lies_is_refused),
        TEST(a_content_size_of_any_width_that_lies_is_refused),
        TEST(a_bomb_above_the_watermark_takes_no_memory_at_open),
        TEST(a_window_of_terabytes_takes_no_memory),
        TEST(bombs_take_no_address_space),
        TEST(a_skippable_frame_is_no_value),
        TEST(more_than_one_frame_is_no_value),
        TEST(bytes_behind_the_frame_are_refused),
        TEST(a_frame_with_a_dictionary_is_no_value),
        TEST(a_frame_that_names_no_dictionary_at_length_is_read),
        TEST(a_frame_of_an_older_format_is_no_value),
        TEST(a_frame_without_its_content_size_is_no_value),
        TEST(damaged_frames_are_no_values),
        TEST(bytes_that_are_no_frame_are_no_value),
        TEST(a_frame_cut_to_any_length_is_no_value),
        TEST(a_frame_with_any_bit_flipped_is_refused_or_bounded),
        TEST(reading_ever_larger_frames_takes_no_more_than_the_largest),
        TEST(a_stored_frame_beyond_any_bound_is_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
