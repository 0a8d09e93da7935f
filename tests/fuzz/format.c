/*
 * fuzz/format.c: the pure functions of the format, held against decoders of their own (support/support.h): pages,
 * identity blocks, watermark slots, heads of frames, locations, and zstd payloads.
 *
 * An input is a byte that says what it is, and what that takes. Checksums lie in it as they would lie in a file.
 */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "journal/commonware_format.h"
#include "journal/frame_format.h"
#include "journal/header_format.h"
#include "journal/record_format.h"
#include "oversized/section/codec.h"
#include "paged/page_format.h"
#include "support/commonware.h"
#include "support/log.h"

enum { FORMAT_MOST = 8192, PAGE_FIELDS = 7 + PAGE_CHECKSUMS, SLOT_BYTES = 16 };

typedef enum kind {
    KIND_PAGE,
    KIND_IDENTITY,
    KIND_MARKS,
    KIND_LOCATION,
    KIND_FRAME,
    KIND_VALUE,
    KIND_COMMONWARE,
    KINDS
} kind_t;

/* Of version 2; by the first byte. */
typedef enum log_kind { KIND_LOG_MARKS = 32, KIND_LOG_HEAD, LOG_KINDS_END } log_kind_t;

static bool is_log_kind(uint8_t first)
{
    return first >= KIND_LOG_MARKS && first < LOG_KINDS_END;
}

static const uint16_t page_sizes[] = {1, 2, 7, 64, 255, 256, 257, 500, 4084, 65535};
static const uint64_t numbers[] = {0, 1, 7, 255, 256, UINT32_MAX, (uint64_t)1 << 32, UINT64_MAX};

static uint64_t take_number(fuzz_input_t *input)
{
    return numbers[fuzz_take(input, 1) % (sizeof numbers / sizeof numbers[0])];
}

/* --- pages --- */

typedef struct page {
    segj_checksum_kind_t kind;
    uint16_t size;
    uint64_t section, number;
    uint16_t target; /* a length that it grows to */
    size_t physical_size;
    uint8_t *physical;
} page_t;

/* The slots come first, so that a short input has them whatever the page size. */
static page_t take_page(fuzz_input_t *input)
{
    page_t page;
    size_t taken;
    bool plain = fuzz_take(input, 1) % 4 == 3;
    page.size = page_sizes[fuzz_take(input, 1) % (sizeof page_sizes / sizeof page_sizes[0])];
    page.kind = plain && page.size <= 500 ? SEGJ_CHECKSUM_PLAIN : SEGJ_CHECKSUM_PLACED; /* made bit by bit here */
    page.section = take_number(input);
    page.number = take_number(input);
    page.target = (uint16_t)fuzz_take(input, 2);
    page.physical_size = (size_t)page.size + PAGE_CHECKSUMS;
    page.physical = fuzz_allocate(page.physical_size);
    const uint8_t *slots = fuzz_take_bytes(input, PAGE_CHECKSUMS, &taken);
    memcpy(page.physical + page.size, slots, taken);
    const uint8_t *bytes = fuzz_take_bytes(input, page.size, &taken);
    memcpy(page.physical, bytes, taken);
    return page;
}

static uint16_t decode(const page_t *page, const uint8_t *physical)
{
    return page->kind == SEGJ_CHECKSUM_PLAIN ? decode_plain_page(physical, page->size)
                                             : decode_page(physical, page->size, page->section, page->number);
}

static segj_page_state_t check_verify(const page_t *page, const uint8_t *physical)
{
    segj_page_state_t state = segj_page_verify(page->kind, physical, page->size, page->section, page->number);
    uint16_t expected = decode(page, physical);
    fuzz_require(state.length == expected, "a page of %u verifies at %u, expected %u", (unsigned)page->size,
                 (unsigned)state.length, (unsigned)expected);
    fuzz_require((state.slot == 0) == (expected == 0) && state.slot <= 2, "slot %u", (unsigned)state.slot);
    if (state.slot == 0)
        return state;
    segj_page_state_t slot = segj_page_slot(page->kind, physical, page->size, page->section, page->number, state.slot);
    segj_page_state_t other =
        segj_page_slot(page->kind, physical, page->size, page->section, page->number, 3u - state.slot);
    fuzz_require(slot.length == state.length && slot.crc == state.crc, "the slot says something else");
    fuzz_require(other.length < state.length || (other.length == state.length && state.slot == 1),
                 "the other slot counts");
    return state;
}

/* A page that grows over its synced state: however much of the write arrives, the synced state is there. */
static void check_growth(const page_t *page, segj_page_state_t synced)
{
    uint16_t target = page->target;
    if (target <= synced.length || target > page->size)
        return;
    uint8_t *grown = fuzz_allocate(page->physical_size);
    uint8_t *mixed = fuzz_allocate(page->physical_size);
    memcpy(grown, page->physical, page->physical_size);
    for (size_t i = synced.length; i < target; i++)
        grown[i] = (uint8_t)(grown[i] + i + 1);
    segj_page_state_t state =
        segj_page_complete(page->kind, grown, page->size, page->section, page->number, target, synced);
    segj_page_state_t read = check_verify(page, grown);
    fuzz_require(read.length == target && read.slot == state.slot && read.crc == state.crc, "not what was completed");
    size_t step = 1 + page->physical_size / 61;
    for (size_t split = 0; split <= page->physical_size; split += step) {
        memcpy(mixed, grown, split);
        memcpy(mixed + split, page->physical + split, page->physical_size - split);
        fuzz_require(check_verify(page, mixed).length >= synced.length, "torn at %zu the synced state is lost", split);
        memcpy(mixed, page->physical, split);
        memcpy(mixed + split, grown + split, page->physical_size - split);
        fuzz_require(check_verify(page, mixed).length >= synced.length, "torn at %zu the synced state is lost", split);
    }
    free(grown);
    free(mixed);
}

static void run_page(fuzz_input_t *input)
{
    page_t page = take_page(input);
    segj_page_state_t state = check_verify(&page, page.physical);
    check_growth(&page, state);
    free(page.physical);
}

/* --- headers --- */

static bool all_zero(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

/* FORMAT.md, "Identity of version 2", from the bytes; the byte of what a reader need not know may be anything. */
static segj_header_verdict_t judge_log_identity(const uint8_t *block, size_t size)
{
    uint8_t checked[SEGJ_BLOCK_SIZE] = {0};
    log_identity_t identity = {.kind = 0};
    if (size < 64 || get_u32(block + 60) != segj_crc32(0, block, 60))
        return SEGJ_HEADER_NONE;
    if ((block[32] & ~3) != 0)
        return SEGJ_HEADER_FOREIGN;
    memcpy(checked, block, 64);
    checked[33] = 0;
    put_u32(checked + 60, segj_crc32(0, checked, 60));
    bool fits = decode_log_identity(checked, &identity) && identity.page_size > 0 && identity.record_size >= 12 &&
                (identity.kind == IDENTITY_VALUES ? identity.compression <= 1
                                                  : identity.kind == IDENTITY_INDEX && identity.compression == 0);
    fits = fits && (identity.sector == 0 || (identity.sector >= 512 && identity.sector <= 65536));
    uint32_t words = identity.dictionary_size;
    fits = fits && words <= 1 << 18 && (words > 0 || identity.dictionary_crc == 0) &&
           (words == 0 || identity.kind == IDENTITY_INDEX || identity.compression == 1);
    return fits && all_zero(block + 64, size - 64) ? SEGJ_HEADER_VALID : SEGJ_HEADER_DAMAGED;
}

/* FORMAT.md, "Identity", from the bytes. */
static segj_header_verdict_t judge_identity(const uint8_t *block, size_t size)
{
    uint8_t checked[SEGJ_BLOCK_SIZE];
    if (size >= 4 && (memcmp(block, "CWIC", 4) == 0 || memcmp(block, "CWIK", 4) == 0))
        return SEGJ_HEADER_FOREIGN;
    if (size < 6 || memcmp(block, "SEGJ", 4) != 0)
        return SEGJ_HEADER_NONE;
    if (get_u16(block + 4) > 2)
        return SEGJ_HEADER_FOREIGN;
    if (get_u16(block + 4) == 2)
        return judge_log_identity(block, size);
    if (size < 32 || get_u16(block + 4) == 0)
        return SEGJ_HEADER_NONE;
    encode_identity(checked,
                    &(identity_t){1, block[6], block[7], get_u16(block + 8), get_u32(block + 12), get_u64(block + 16)});
    if (memcmp(checked, block, 32) != 0) {
        /* Either the checksum is wrong, or it covers reserved bytes that are not zero. */
        bool reserved = !all_zero(block + 10, 2) || !all_zero(block + 24, 4);
        return reserved ? SEGJ_HEADER_DAMAGED : SEGJ_HEADER_NONE;
    }
    bool index = block[6] == IDENTITY_INDEX && block[7] == 0 && get_u16(block + 8) > 0 && get_u32(block + 12) >= 12;
    bool values = block[6] == IDENTITY_VALUES && block[7] <= 1 && get_u16(block + 8) == 0 && get_u32(block + 12) == 0;
    return (index || values) && all_zero(block + 32, size - 32) ? SEGJ_HEADER_VALID : SEGJ_HEADER_DAMAGED;
}

static void run_identity(fuzz_input_t *input)
{
    size_t size;
    const uint8_t *block = fuzz_take_bytes(input, SEGJ_BLOCK_SIZE, &size);
    segj_identity_t identity = {.kind = SEGJ_KIND_INDEX};
    const char *why = NULL;
    segj_header_verdict_t verdict = segj_identity_decode(block, size, &identity, &why);
    segj_header_verdict_t expected = judge_identity(block, size);
    bool reserved = expected == SEGJ_HEADER_DAMAGED && verdict == SEGJ_HEADER_NONE && size >= 32 && block[5] == 1 &&
                    (!all_zero(block + 10, 2) || !all_zero(block + 24, 4));
    fuzz_require(verdict == expected || reserved, "verdict %d, expected %d", (int)verdict, (int)expected);
    if (verdict != SEGJ_HEADER_VALID) {
        fuzz_require(why != NULL, "no reason");
        return;
    }
    uint8_t again[SEGJ_BLOCK_SIZE];
    if (identity.version == 2 && block[33] != 0)
        return; /* what a later version has noted is not kept */
    segj_identity_encode(again, &identity);
    fuzz_require(memcmp(again, block, size) == 0, "an identity does not encode to what it was decoded from");
}

/* A header that was written whole, of either container. */
static bool is_commonware(const uint8_t *block, size_t size, size_t *data)
{
    uint8_t whole[COMMONWARE_V1];
    *data = COMMONWARE_V0;
    encode_commonware_header(whole, COMMONWARE_V0, 0);
    if (size >= COMMONWARE_V0 && memcmp(block, whole, COMMONWARE_V0) == 0)
        return true;
    if (size < COMMONWARE_V1)
        return false;
    *data = COMMONWARE_V1;
    encode_commonware_header(whole, COMMONWARE_V1, get_u16(block + 6));
    return memcmp(block, whole, COMMONWARE_V1) == 0;
}

/* The first bytes of a file, which is longer than they are only where they are a block. */
static void run_commonware(fuzz_input_t *input)
{
    size_t size;
    size_t expected = 0;
    uint64_t data = COMMONWARE_V0; /* what a file becomes that is too short to tell */
    uint64_t more = fuzz_take(input, 2);
    bool padded = fuzz_take(input, 1) % 2 == 1;
    uint8_t *block = fuzz_allocate(COMMONWARE_V1);
    const char *why = NULL;
    const uint8_t *bytes = fuzz_take_bytes(input, COMMONWARE_V1, &size);
    memcpy(block, bytes, size);
    size = padded ? COMMONWARE_V1 : size;
    uint64_t file_size = size == COMMONWARE_V1 ? size + more : size;
    segj_header_verdict_t verdict = segj_commonware_decode(block, size, file_size, &data, &why);
    bool valid = is_commonware(block, size, &expected);
    fuzz_require((verdict == SEGJ_HEADER_VALID) == valid, "verdict %d", (int)verdict);
    fuzz_require(!valid || data == expected, "the data begins at %llu", (unsigned long long)data);
    fuzz_require(valid || why != NULL, "no reason");
    fuzz_require(verdict != SEGJ_HEADER_NONE || (file_size <= data && (data == COMMONWARE_V0 || data == COMMONWARE_V1)),
                 "a file with data counts as new");
    free(block);
}

static void run_marks(fuzz_input_t *input)
{
    uint64_t section = take_number(input);
    for (int slot = 0; slot < 2; slot++) {
        uint8_t bytes[SLOT_BYTES] = {0};
        uint8_t again[SLOT_BYTES];
        size_t taken;
        watermark_t expected = {0, 0};
        const uint8_t *at = fuzz_take_bytes(input, SLOT_BYTES, &taken);
        memcpy(bytes, at, taken);
        segj_mark_t mark = segj_mark_decode(bytes, section);
        fuzz_require(mark.valid == decode_watermark(bytes, section, &expected), "validity of a watermark slot");
        if (!mark.valid)
            continue;
        fuzz_require(mark.at.records == expected.records && mark.sequence == expected.sequence, "a watermark's fields");
        segj_mark_encode(again, section, mark.at.records, (uint32_t)mark.sequence);
        fuzz_require(memcmp(again, bytes, SLOT_BYTES) == 0, "a watermark does not encode to what it was");
    }
}

/* Of one file; either slot's bytes are none of the other's. */
static void run_log_marks(fuzz_input_t *input)
{
    uint64_t binding = fuzz_take(input, 8);
    for (unsigned slot = 0; slot < 2; slot++) {
        uint8_t bytes[LOG_SLOT] = {0};
        uint8_t again[LOG_SLOT];
        size_t taken;
        log_mark_t expected = {0};
        const uint8_t *at = fuzz_take_bytes(input, LOG_SLOT, &taken);
        memcpy(bytes, at, taken);
        segj_mark_t mark = segj_mark_decode_2(bytes, binding, slot);
        fuzz_require(mark.valid == decode_log_mark(bytes, binding, slot, &expected), "validity of a watermark slot");
        if (!mark.valid)
            continue;
        fuzz_require(mark.at.records == expected.records && mark.at.end == expected.end &&
                         mark.at.trailer == expected.trailer && mark.sequence == expected.sequence,
                     "a watermark's fields");
        fuzz_require(!segj_mark_decode_2(bytes, binding, 1 - slot).valid, "a watermark in the other slot");
        segj_mark_encode_2(again, binding, slot, mark.at, mark.sequence);
        fuzz_require(memcmp(again, bytes, LOG_SLOT) == 0, "a watermark does not encode to what it was");
    }
}

/* A frame's head behind any frame, anywhere. */
static void run_log_head(fuzz_input_t *input)
{
    static const uint16_t entry_sizes[] = {0, 1, 8, 64, 300};
    uint16_t entry_size = entry_sizes[fuzz_take(input, 1) % (sizeof entry_sizes / sizeof entry_sizes[0])];
    uint32_t size = segj_head_size(entry_size);
    uint64_t binding = fuzz_take(input, 8);
    uint64_t offset = fuzz_take(input, 1);
    segj_frame_place_t place = {segj_crc32_of_place(binding, offset), (uint32_t)fuzz_take(input, 4)};
    size_t taken;
    const uint8_t *bytes = fuzz_take_bytes(input, FORMAT_MOST, &taken);
    size_t room = (size_t)offset + size + FRAME_CHECKSUM;
    uint8_t *data = fuzz_allocate(room > offset + taken ? room : (size_t)offset + taken);
    memcpy(data + offset, bytes, taken);
    log_frame_t expected;
    segj_head_t head;
    const uint8_t *at = data + offset;
    bool right = segj_head_decode(at, size, place, &head);
    /* The decoder of the tests wants the payload to be there too. */
    bool whole = get_u32(at) <= taken && (size_t)size + get_u32(at) + FRAME_CHECKSUM <= taken;
    bool wanted = decode_log_frame(data, offset + taken, binding, offset, place.before, entry_size, &expected);
    fuzz_require(!wanted || right, "a head is refused");
    fuzz_require(!right || !whole || wanted, "what is no head counts");
    if (wanted)
        fuzz_require(head.stored == expected.stored && head.flags == expected.flags &&
                         head.unsynced == expected.unsynced && head.entry == expected.entry,
                     "a head's fields");
    if (right) {
        uint8_t *again = fuzz_allocate(size);
        (void)segj_head_encode(again, size, place, head);
        fuzz_require(memcmp(again, at, size) == 0, "a head does not encode to what it was");
        place.before ^= 1;
        fuzz_require(!segj_head_decode(at, size, place, &head), "a head behind another frame");
        free(again);
    }
    free(data);
}

static void run_location(fuzz_input_t *input)
{
    uint8_t bytes[LOCATION_BYTES] = {0};
    uint8_t again[LOCATION_BYTES];
    size_t taken;
    uint64_t end = 77;
    const uint8_t *at = fuzz_take_bytes(input, LOCATION_BYTES, &taken);
    memcpy(bytes, at, taken);
    uint64_t limit = fuzz_take(input, 8);
    oversized_location_t location = segj_location_decode(bytes);
    segj_location_encode(again, location);
    fuzz_require(memcmp(again, bytes, LOCATION_BYTES) == 0, "a location does not encode to what it was");
    bool fits = location.size >= FRAME_CHECKSUM && location.offset <= limit && limit - location.offset >= location.size;
    fuzz_require(segj_location_end(0, location, limit, &end) == fits, "whether a location fits");
    fuzz_require(end == (fits ? location.offset + location.size : 77), "where a location ends");
}

/* --- zstd --- */

static void check_unpacked(const uint8_t *payload, size_t size, const segj_buffer_t *value)
{
    uint8_t *again = fuzz_allocate(value->size);
    size_t got = ZSTD_decompress(again, value->size, payload, size);
    fuzz_require(!ZSTD_isError(got) && got == value->size, "zstd says otherwise");
    fuzz_require(got == 0 || memcmp(again, value->data, got) == 0, "zstd gives something else");
    fuzz_require(size >= 4 && memcmp(payload, "\x28\xB5\x2F\xFD", 4) == 0, "no frame of RFC 8878, and it was unpacked");
    free(again);
}

static void run_frame(fuzz_input_t *input)
{
    static const uint32_t limits[] = {0, 1, 100, 4096, 1 << 20};
    uint32_t limit = limits[fuzz_take(input, 1) % (sizeof limits / sizeof limits[0])];
    segj_decoder_t *decoder = NULL;
    segj_buffer_t value = {NULL, 0, 0};
    fuzz_require(segj_decoder_new(&decoder) == SEGJ_OK, "no decoder");
    segj_status_t status = segj_codec_decompress(decoder, NULL, input->at, input->left, limit, &value);
    fuzz_require(status == SEGJ_OK || status == SEGJ_ERR_COMPRESSION || status == SEGJ_ERR_TOO_LARGE, "status %s",
                 segj_status_name(status));
    fuzz_require(value.capacity <= limit, "%zu bytes for a value of at most %u", value.capacity, (unsigned)limit);
    if (status == SEGJ_OK)
        check_unpacked(input->at, input->left, &value);
    else
        fuzz_require(value.size == 0, "a failure has a size");
    segj_buffer_free(&value);
    segj_decoder_free(decoder);
}

static void run_value(fuzz_input_t *input)
{
    segj_codec_t codec = {.level = (int)(fuzz_take(input, 1) % 8) - 3};
    segj_decoder_t *decoder = NULL;
    segj_buffer_t value = {NULL, 0, 0};
    const segj_slice_t piece = {input->at, input->left};
    segj_slice_t payload = {NULL, 0};
    fuzz_require(segj_decoder_new(&decoder) == SEGJ_OK, "no decoder");
    fuzz_require(segj_encoder_make(&codec.own, (segj_packing_t){.level = codec.level}, &piece, 1, input->left,
                                   &payload) == SEGJ_OK,
                 "no payload");
    fuzz_require(payload.size <= segj_codec_bound((uint32_t)input->left), "a payload beyond its bound");
    fuzz_require(segj_codec_decompress(decoder, NULL, payload.data, payload.size, (uint32_t)input->left, &value) ==
                     SEGJ_OK,
                 "%s", segj_last_error());
    fuzz_require(value.size == input->left && (value.size == 0 || memcmp(value.data, input->at, value.size) == 0),
                 "a value comes back as another one");
    segj_buffer_free(&value);
    segj_decoder_free(decoder);
    segj_codec_free(&codec);
}

static void run(const uint8_t *data, size_t size)
{
    static void (*const runs[KINDS])(fuzz_input_t * input) = {run_page,  run_identity, run_marks,     run_location,
                                                              run_frame, run_value,    run_commonware};
    fuzz_input_t input = {data, size < FORMAT_MOST ? size : FORMAT_MOST};
    uint8_t kind = (uint8_t)fuzz_take(&input, 1);
    if (is_log_kind(kind))
        kind == KIND_LOG_MARKS ? run_log_marks(&input) : run_log_head(&input);
    else
        runs[kind % KINDS](&input);
}

/* --- mutations --- */

static void repair_page(uint8_t *data, size_t size, fuzz_random_t *random)
{
    fuzz_input_t input = {data + 1, size - 1};
    if (size < PAGE_FIELDS)
        return;
    page_t page = take_page(&input);
    for (size_t slot = 0; slot < 2; slot++) {
        uint8_t *at = data + 7 + slot * 6;
        uint16_t length = get_u16(at);
        if (fuzz_below(random, 3) == 0)
            put_u16(at, length = (uint16_t)(1 + fuzz_below(random, page.size)));
        if (length <= page.size && fuzz_below(random, 4) != 0)
            put_u32(at + 2, page.kind == SEGJ_CHECKSUM_PLAIN
                                ? segj_crc32c(0, page.physical, length)
                                : page_checksum(page.section, page.number, page.physical, length));
    }
    free(page.physical);
}

static void repair_identity(uint8_t *data, size_t size, fuzz_random_t *random)
{
    uint8_t block[HEADER_BLOCK];
    identity_t identity = {1, IDENTITY_INDEX, 0, 64, 20, 7};
    if (size < 1 + 32)
        return;
    if (fuzz_below(random, 3) == 0) {
        encode_identity(block, &identity);
        memcpy(data + 1, block, 32);
        return;
    }
    if (fuzz_below(random, 2) == 0)
        memcpy(data + 1, "SEGJ\0\1", 6);
    put_u32(data + 1 + 28, segj_crc32(0, data + 1, 28));
}

static void repair_log_identity(uint8_t *data, size_t size, fuzz_random_t *random)
{
    uint8_t block[HEADER_BLOCK];
    log_identity_t identity = {IDENTITY_VALUES, 1, 64, 20, 7, 12345, 0, 0, 0};
    if (size < 1 + 64)
        return;
    encode_log_identity(block, &identity);
    if (fuzz_below(random, 3) == 0)
        memcpy(data + 1, block, 64);
    data[6] = 2;
    put_u32(data + 1 + 60, segj_crc32(0, data + 1, 60));
}

static void repair_log_marks(uint8_t *data, size_t size)
{
    for (unsigned slot = 0; slot < 2 && size >= 9 + (slot + 1) * (size_t)LOG_SLOT; slot++) {
        uint8_t *at = data + 9 + slot * (size_t)LOG_SLOT;
        encode_log_mark(at, get_u64(data + 1), slot,
                        (log_mark_t){get_u64(at), get_u64(at + 8), get_u64(at + 20), get_u32(at + 16)});
    }
}

/* A frame anew, and then a byte of it. */
static void repair_log_head(uint8_t *data, size_t size, fuzz_random_t *random)
{
    enum { FIELDS = 1 + 1 + 8 + 1 + 4, ENTRY = 8, PAYLOAD = 20 };
    uint8_t bytes[ENTRY + PAYLOAD];
    if (size < FIELDS + LOG_HEAD + ENTRY + PAYLOAD + FRAME_CHECKSUM)
        return;
    data[1] = 2; /* entries of 8 bytes */
    memcpy(bytes, data + FIELDS + 6, sizeof bytes);
    uint8_t flags = (uint8_t)(fuzz_below(random, 8) == 0 ? fuzz_next(random) : LOG_FRAME | (data[FIELDS + 4] & 1));
    uint8_t unsynced = data[FIELDS + 5];
    (void)encode_log_frame(data + FIELDS, get_u64(data + 2), data[10], get_u32(data + 11), flags, unsynced, bytes,
                           ENTRY, bytes + ENTRY, fuzz_below(random, PAYLOAD + 1));
    if (fuzz_below(random, 2) == 0)
        data[FIELDS + fuzz_below(random, LOG_HEAD + ENTRY)] ^= (uint8_t)(1u << fuzz_below(random, 8));
}

static void repair_marks(uint8_t *data, size_t size)
{
    uint8_t block[HEADER_BLOCK];
    if (size < 2 + SLOT_BYTES)
        return;
    uint64_t section = numbers[data[1] % (sizeof numbers / sizeof numbers[0])];
    encode_watermark(block, section, (watermark_t){get_u64(data + 2), get_u32(data + 10)});
    memcpy(data + 2, block, SLOT_BYTES);
}

static void repair_commonware(uint8_t *data, size_t size, fuzz_random_t *random)
{
    uint8_t header[COMMONWARE_V1];
    bool first = fuzz_below(random, 2) == 0;
    encode_commonware_header(header, first ? COMMONWARE_V0 : COMMONWARE_V1, (uint16_t)fuzz_below(random, 3));
    size_t most = first ? COMMONWARE_V0 : 12;
    size_t part = fuzz_below(random, 3) == 0 ? fuzz_below(random, (uint32_t)most) : most;
    if (size >= 4 + part)
        memcpy(data + 4, header, part);
}

/* A frame anew, of some bytes, for mutations to begin with. */
static size_t make_frame(uint8_t *data, size_t most, fuzz_random_t *random)
{
    uint8_t bytes[512];
    size_t size = fuzz_below(random, sizeof bytes);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(fuzz_below(random, 4) == 0 ? fuzz_next(random) : 'a' + i % 7);
    if (most < 2 + ZSTD_COMPRESSBOUND(sizeof bytes))
        return 0;
    data[0] = KIND_FRAME;
    data[1] = (uint8_t)fuzz_next(random);
    return 2 + ZSTD_compress(data + 2, most - 2, bytes, size, (int)fuzz_below(random, 19) + 1);
}

static size_t mutate(uint8_t *data, size_t size, size_t most, uint32_t seed, fuzz_mutate_t bytes)
{
    fuzz_random_t random = {seed};
    most = most < FORMAT_MOST ? most : FORMAT_MOST;
    size = size < most ? size : most;
    if (fuzz_below(&random, 50) == 0) {
        size_t made = make_frame(data, most, &random);
        if (made > 0)
            return made;
    }
    size = bytes(data, size, most);
    if (size < 2 || fuzz_below(&random, 5) == 0)
        return size;
    if (is_log_kind(data[0])) {
        if (data[0] == KIND_LOG_MARKS)
            repair_log_marks(data, size);
        else
            repair_log_head(data, size, &random);
        return size;
    }
    switch (data[0] % KINDS) {
    case KIND_PAGE:
        repair_page(data, size, &random);
        break;
    case KIND_IDENTITY:
        if (fuzz_below(&random, 2) == 0)
            repair_identity(data, size, &random);
        else
            repair_log_identity(data, size, &random);
        break;
    case KIND_MARKS:
        repair_marks(data, size);
        break;
    case KIND_COMMONWARE:
        repair_commonware(data, size, &random);
        break;
    default:
        break;
    }
    return size;
}

const fuzz_target_t fuzz_format = {"format", FORMAT_MOST, run, mutate};
