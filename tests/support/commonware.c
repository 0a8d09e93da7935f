/* support/commonware.c: see support/commonware.h. */
#include "support/commonware.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

uint32_t plain_checksum(const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < size; i++) {
        crc ^= at[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 1u) != 0 ? crc >> 1 ^ 0x82F63B78u : crc >> 1;
    }
    return ~crc;
}

void encode_commonware_header(uint8_t *header, size_t data, uint16_t version)
{
    memset(header, 0, data);
    memcpy(header, data == COMMONWARE_V0 ? "CWIC" : "CWIK", 4);
    if (data == COMMONWARE_V0)
        return;
    put_u16(header + 4, 1);
    put_u16(header + 6, version);
    put_u32(header + 8, plain_checksum(header, 8));
}

page_slot_t plain_slot(const void *bytes, uint16_t length)
{
    return (page_slot_t){length, plain_checksum(bytes, length)};
}

uint16_t decode_plain_page(const uint8_t *physical, uint16_t page_size)
{
    uint16_t authoritative = 0;
    for (size_t i = 0; i < 2; i++) {
        const uint8_t *slot = physical + page_size + 6 * i;
        uint16_t length = get_u16(slot);
        bool longer = length > authoritative && length <= page_size;
        if (longer && get_u32(slot + 2) == plain_checksum(physical, length))
            authoritative = length;
    }
    return authoritative;
}

void encode_plain_frame(uint8_t *frame, const void *payload, size_t size)
{
    if (size > 0)
        memcpy(frame, payload, size);
    put_u32(frame + size, plain_checksum(payload, size));
}

/* --- whole files --- */

static bytes_t make_file(size_t data, size_t size)
{
    bytes_t file = {malloc(data + size), data + size};
    assert_non_null(file.data);
    encode_commonware_header(file.data, data, 0);
    return file;
}

void write_commonware_index(const char *path, size_t data, uint16_t page_size, const void *records, size_t size)
{
    const uint8_t *bytes = records;
    size_t physical = (size_t)page_size + PAGE_CHECKSUMS;
    size_t pages = (size + page_size - 1) / page_size;
    bytes_t file = make_file(data, pages * physical);
    for (size_t page = 0; page < pages; page++) {
        const uint8_t *from = bytes + page * page_size;
        size_t left = size - page * page_size;
        uint16_t length = left < page_size ? (uint16_t)left : page_size;
        encode_page(file.data + data + page * physical, page_size, from, length, plain_slot(from, length),
                    (page_slot_t){0, 0});
    }
    write_file(path, file.data, file.size);
    free_bytes(&file);
}

void write_commonware_values(const char *path, size_t data, const segj_slice_t *values, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += values[i].size + FRAME_CHECKSUM;
    bytes_t file = make_file(data, size);
    uint8_t *at = file.data + data;
    for (size_t i = 0; i < count; i++) {
        encode_plain_frame(at, values[i].data, values[i].size);
        at += values[i].size + FRAME_CHECKSUM;
    }
    write_file(path, file.data, file.size);
    free_bytes(&file);
}

/* --- a section at rest --- */

/* The file without its header, which must be right. */
static bytes_t load_data(const char *path)
{
    uint8_t header[COMMONWARE_V1];
    bytes_t file = read_file(path);
    bool first = file.size >= 8 && memcmp(file.data, "CWIC\0\0\0\0", 8) == 0;
    size_t data = first ? COMMONWARE_V0 : COMMONWARE_V1;
    if (file.size >= data)
        encode_commonware_header(header, data, first ? 0 : get_u16(file.data + 6));
    if (file.size < data || memcmp(file.data, header, data) != 0)
        fail_msg("%s: no header in its %zu bytes", path, file.size);
    file.size -= data;
    memmove(file.data, file.data + data, file.size);
    return file;
}

static bytes_t load_logical(const char *path, uint16_t page_size)
{
    bytes_t file = load_data(path);
    size_t physical = (size_t)page_size + PAGE_CHECKSUMS;
    bytes_t logical = {malloc(file.size + 1), 0};
    assert_non_null(logical.data);
    for (size_t at = 0; at < file.size; at += physical) {
        uint16_t length = file.size - at < physical ? 0 : decode_plain_page(file.data + at, page_size);
        if (length == 0 || (length < page_size && at + physical < file.size))
            fail_msg("%s: the page at %zu of %zu bytes holds %u", path, at, file.size, (unsigned)length);
        memcpy(logical.data + logical.size, file.data + at, length);
        logical.size += length;
    }
    free_bytes(&file);
    return logical;
}

static void check_frames(const section_image_t *image, size_t entry_size)
{
    uint64_t end = 0;
    for (uint64_t i = 0; i < image->records; i++) {
        oversized_location_t at = decode_location(image->logical.data + i * (entry_size + LOCATION_BYTES), entry_size);
        assert_true(at.offset >= end && at.size >= FRAME_CHECKSUM);
        end = at.offset + at.size;
        assert_true(end <= image->frames.size);
        const uint8_t *frame = image->frames.data + at.offset;
        size_t payload = at.size - FRAME_CHECKSUM;
        assert_int_equal(get_u32(frame + payload), plain_checksum(frame, payload));
    }
    if (image->records > 0)
        assert_int_equal(image->frames.size, end);
}

void load_commonware_section(const oversized_config_t *config, uint64_t section, section_image_t *image)
{
    path_t values = section_path(config->directory, config->value_partition, section);
    path_t index = section_path(config->directory, config->index_partition, section);
    size_t record_size = config->entry_size + LOCATION_BYTES;
    *image = (section_image_t){.has_values_file = path_exists(values.text)};
    image->logical = load_logical(index.text, config->page_size);
    assert_int_equal(image->logical.size % record_size, 0);
    image->records = image->logical.size / record_size;
    if (image->has_values_file)
        image->frames = load_data(values.text);
    check_frames(image, config->entry_size);
}
