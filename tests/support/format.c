/* support/format.c: see format.h. */
#include "support/format.h"

#include <inttypes.h>
#include <string.h>
#include <zlib.h>

#include "support/commonware.h"
#include "support/log_section.h"
#include "support/support.h"

/* --- integers --- */

void put_u16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

void put_u32(uint8_t *at, uint32_t value)
{
    put_u16(at, (uint16_t)(value >> 16));
    put_u16(at + 2, (uint16_t)value);
}

void put_u64(uint8_t *at, uint64_t value)
{
    put_u32(at, (uint32_t)(value >> 32));
    put_u32(at + 4, (uint32_t)value);
}

uint16_t get_u16(const uint8_t *at)
{
    return (uint16_t)((unsigned)at[0] << 8 | at[1]);
}

uint32_t get_u32(const uint8_t *at)
{
    return (uint32_t)get_u16(at) << 16 | get_u16(at + 2);
}

uint64_t get_u64(const uint8_t *at)
{
    return (uint64_t)get_u32(at) << 32 | get_u32(at + 4);
}

/* --- checksums: zlib's CRC-32, which continues from its own last result and restarts when it is given no bytes --- */

static uint32_t continue_crc(uint32_t crc, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    uLong sum = crc;
    while (size > 0) {
        uInt part = size > 1u << 30 ? 1u << 30 : (uInt)size;
        sum = crc32(sum, at, part);
        at += part;
        size -= part;
    }
    return (uint32_t)sum;
}

/* Checksum of two numbers, the place, and of what lies there. */
static uint32_t place_checksum(uint64_t section, uint64_t place, const void *bytes, size_t size)
{
    uint8_t bound[16];
    put_u64(bound, section);
    put_u64(bound + 8, place);
    return continue_crc(continue_crc(0, bound, sizeof bound), bytes, size);
}

uint32_t page_checksum(uint64_t section, uint64_t page, const void *bytes, size_t size)
{
    return place_checksum(section, page, bytes, size);
}

uint32_t frame_checksum(uint64_t section, uint64_t offset, const void *payload, size_t size)
{
    return place_checksum(section, offset, payload, size);
}

/* --- headers --- */

static bool all_zero(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

void encode_identity(uint8_t *block, const identity_t *identity)
{
    memset(block, 0, HEADER_BLOCK);
    memcpy(block, "SEGJ", 4);
    put_u16(block + 4, identity->version);
    block[6] = identity->kind;
    block[7] = identity->compression;
    put_u16(block + 8, identity->page_size);
    put_u32(block + 12, identity->record_size);
    put_u64(block + 16, identity->section);
    put_u32(block + 28, continue_crc(0, block, 28));
}

bool decode_identity(const uint8_t *block, identity_t *identity)
{
    bool valid = memcmp(block, "SEGJ", 4) == 0 && get_u32(block + 28) == continue_crc(0, block, 28);
    valid = valid && all_zero(block + 10, 2) && all_zero(block + 24, 4) && all_zero(block + 32, HEADER_BLOCK - 32);
    if (!valid)
        return false;
    identity->version = get_u16(block + 4);
    identity->kind = block[6];
    identity->compression = block[7];
    identity->page_size = get_u16(block + 8);
    identity->record_size = get_u32(block + 12);
    identity->section = get_u64(block + 16);
    return true;
}

/* Of the section number and the slot's first 12 bytes. */
static uint32_t watermark_checksum(uint64_t section, const uint8_t *slot)
{
    uint8_t bound[8];
    put_u64(bound, section);
    return continue_crc(continue_crc(0, bound, sizeof bound), slot, 12);
}

void encode_watermark(uint8_t *block, uint64_t section, watermark_t watermark)
{
    memset(block, 0, HEADER_BLOCK);
    put_u64(block, watermark.records);
    put_u32(block + 8, watermark.sequence);
    put_u32(block + 12, watermark_checksum(section, block));
}

bool decode_watermark(const uint8_t *block, uint64_t section, watermark_t *watermark)
{
    if (get_u32(block + 12) != watermark_checksum(section, block))
        return false;
    watermark->records = get_u64(block);
    watermark->sequence = get_u32(block + 8);
    return true;
}

uint64_t effective_watermark(const uint8_t *slots, uint64_t section)
{
    watermark_t a = {0, 0};
    watermark_t b = {0, 0};
    bool has_a = decode_watermark(slots, section, &a);
    bool has_b = decode_watermark(slots + HEADER_BLOCK, section, &b);
    if (has_a && has_b)
        return b.sequence > a.sequence ? b.records : a.records;
    return has_a ? a.records : b.records;
}

/* --- pages, records, frames --- */

page_slot_t make_slot(uint64_t section, uint64_t page, const void *bytes, uint16_t length)
{
    return (page_slot_t){length, page_checksum(section, page, bytes, length)};
}

void encode_page(uint8_t *physical, uint16_t page_size, const void *bytes, size_t size, page_slot_t first,
                 page_slot_t second)
{
    assert_true(size <= page_size);
    memset(physical, 0, (size_t)page_size + PAGE_CHECKSUMS);
    memcpy(physical, bytes, size);
    uint8_t *slots = physical + page_size;
    put_u16(slots, first.length);
    put_u32(slots + 2, first.checksum);
    put_u16(slots + 6, second.length);
    put_u32(slots + 8, second.checksum);
}

uint16_t decode_page(const uint8_t *physical, uint16_t page_size, uint64_t section, uint64_t page)
{
    const uint8_t *slots = physical + page_size;
    uint16_t authoritative = 0;
    for (size_t i = 0; i < 2; i++) {
        uint16_t length = get_u16(slots + 6 * i);
        bool fits = length >= 1 && length <= page_size;
        if (fits && get_u32(slots + 6 * i + 2) == page_checksum(section, page, physical, length))
            authoritative = length > authoritative ? length : authoritative;
    }
    return authoritative;
}

void encode_record(uint8_t *record, const void *entry, size_t entry_size, oversized_location_t location)
{
    if (entry_size > 0)
        memcpy(record, entry, entry_size);
    put_u64(record + entry_size, location.offset);
    put_u32(record + entry_size + 8, location.size);
}

oversized_location_t decode_location(const uint8_t *record, size_t entry_size)
{
    return (oversized_location_t){get_u64(record + entry_size), get_u32(record + entry_size + 8)};
}

void encode_frame(uint8_t *frame, uint64_t section, uint64_t offset, const void *payload, size_t size)
{
    if (size > 0)
        memcpy(frame, payload, size);
    put_u32(frame + size, frame_checksum(section, offset, payload, size));
}

/* --- whole files --- */

void write_index_file(const char *path, const identity_t *identity, uint64_t watermark, const void *records,
                      size_t size)
{
    const uint8_t *bytes = records;
    uint16_t page_size = identity->page_size;
    assert_true(page_size > 0);
    size_t physical = (size_t)page_size + PAGE_CHECKSUMS;
    size_t pages = (size + page_size - 1) / page_size;
    bytes_t file = {NULL, INDEX_DATA_OFFSET + pages * physical};
    file.data = need_memory(file.size);
    encode_identity(file.data, identity);
    if (watermark > 0)
        encode_watermark(file.data + HEADER_BLOCK, identity->section, (watermark_t){watermark, 1});
    for (size_t page = 0; page < pages; page++) {
        size_t left = size - page * page_size;
        uint16_t length = left < page_size ? (uint16_t)left : page_size;
        page_slot_t slot = make_slot(identity->section, page, bytes + page * page_size, length);
        encode_page(file.data + INDEX_DATA_OFFSET + page * physical, page_size, bytes + page * page_size, length, slot,
                    (page_slot_t){0, 0});
    }
    write_file(path, file.data, file.size);
    free_bytes(&file);
}

void write_values_file(const char *path, uint64_t section, const segj_slice_t *values, size_t count)
{
    bytes_t file = {NULL, VALUES_DATA_OFFSET};
    for (size_t i = 0; i < count; i++)
        file.size += values[i].size + FRAME_CHECKSUM;
    file.data = need_memory(file.size);
    encode_identity(file.data, &(identity_t){.version = 1, .kind = IDENTITY_VALUES, .section = section});
    size_t end = VALUES_DATA_OFFSET;
    for (size_t i = 0; i < count; i++) {
        encode_frame(file.data + end, section, end - VALUES_DATA_OFFSET, values[i].data, values[i].size);
        end += values[i].size + FRAME_CHECKSUM;
    }
    write_file(path, file.data, file.size);
    free_bytes(&file);
}

/* --- a section at rest --- */

static void check_identity(const char *path, const bytes_t *file, const identity_t *expected)
{
    identity_t found = {0};
    if (!decode_identity(file->data, &found)) {
        print_error("%s: no valid identity block\n", path);
        fail();
    }
    assert_int_equal(found.version, 1);
    assert_int_equal(found.kind, expected->kind);
    assert_int_equal(found.page_size, expected->page_size);
    assert_int_equal(found.record_size, expected->record_size);
    assert_int_equal(found.section, expected->section);
}

static void check_slots(const char *path, const uint8_t *slots, uint64_t section)
{
    watermark_t a;
    watermark_t b;
    if (!decode_watermark(slots, section, &a) || !decode_watermark(slots + HEADER_BLOCK, section, &b))
        return;
    if (a.records == b.records) {
        print_error("%s: both watermark slots are valid and hold %" PRIu64 "\n", path, a.records);
        fail();
    }
}

/* Gathers the logical bytes of all pages. */
static bytes_t load_pages(const char *path, const bytes_t *file, uint16_t page_size, uint64_t section)
{
    size_t physical = (size_t)page_size + PAGE_CHECKSUMS;
    size_t pages = (file->size - INDEX_DATA_OFFSET) / physical;
    if ((file->size - INDEX_DATA_OFFSET) % physical != 0) {
        print_error("%s: %zu bytes end inside a page\n", path, file->size);
        fail();
    }
    bytes_t logical = {need_memory(pages * page_size), 0};
    for (size_t page = 0; page < pages; page++) {
        const uint8_t *at = file->data + INDEX_DATA_OFFSET + page * physical;
        uint16_t length = decode_page(at, page_size, section, page);
        if (length == 0 || (length < page_size && page + 1 < pages)) {
            print_error("%s: page %zu of %zu holds %u valid bytes\n", path, page, pages, (unsigned)length);
            fail();
        }
        memcpy(logical.data + logical.size, at, length);
        logical.size += length;
    }
    return logical;
}

static void load_index(const oversized_config_t *config, uint64_t section, section_image_t *image)
{
    path_t path = section_path(config->directory, config->index_partition, section);
    uint32_t record_size = config->entry_size + LOCATION_BYTES;
    identity_t expected = {1, IDENTITY_INDEX, 0, config->page_size, record_size, section};
    bytes_t file = read_file(path.text);
    if (file.size < INDEX_DATA_OFFSET) {
        print_error("%s: %zu bytes are no index file\n", path.text, file.size);
        fail();
    }
    check_identity(path.text, &file, &expected);
    check_slots(path.text, file.data + HEADER_BLOCK, section);
    image->watermark = effective_watermark(file.data + HEADER_BLOCK, section);
    image->logical = load_pages(path.text, &file, config->page_size, section);
    assert_int_equal(image->logical.size % record_size, 0);
    image->records = image->logical.size / record_size;
    free_bytes(&file);
}

static void load_frames(const oversized_config_t *config, uint64_t section, section_image_t *image)
{
    path_t path = section_path(config->directory, config->value_partition, section);
    image->has_values_file = path_exists(path.text);
    if (!image->has_values_file) {
        assert_int_equal(image->records, 0);
        return;
    }
    bytes_t file = read_file(path.text);
    if (file.size < VALUES_DATA_OFFSET) {
        print_error("%s: %zu bytes are no values file\n", path.text, file.size);
        fail();
    }
    check_identity(path.text, &file, &(identity_t){.kind = IDENTITY_VALUES, .section = section});
    image->frames.size = file.size - VALUES_DATA_OFFSET;
    image->frames.data = need_memory(image->frames.size);
    memcpy(image->frames.data, file.data + VALUES_DATA_OFFSET, image->frames.size);
    free_bytes(&file);
}

void load_section(const oversized_config_t *config, uint64_t section, section_image_t *image)
{
    if (config->format == SEGJ_FORMAT_COMMONWARE) {
        load_commonware_section(config, section, image);
        return;
    }
    if (tested_version() == 2) {
        load_log_section(config, section, image);
        return;
    }
    *image = (section_image_t){0};
    load_index(config, section, image);
    load_frames(config, section, image);
    size_t record_size = config->entry_size + LOCATION_BYTES;
    uint64_t end = 0;
    for (uint64_t i = 0; i < image->records; i++) {
        oversized_location_t at = decode_location(image->logical.data + i * record_size, config->entry_size);
        assert_int_equal(at.offset, end);
        assert_true(at.size >= FRAME_CHECKSUM);
        end += at.size;
        assert_true(end <= image->frames.size);
        const uint8_t *frame = image->frames.data + at.offset;
        size_t payload = at.size - FRAME_CHECKSUM;
        assert_int_equal(get_u32(frame + payload), frame_checksum(section, at.offset, frame, payload));
    }
    assert_int_equal(image->frames.size, end);
}

void free_section(section_image_t *image)
{
    free_bytes(&image->logical);
    free_bytes(&image->frames);
    *image = (section_image_t){0};
}
