/*
 * crash/raw.c: see the header.
 */
#include "crash/raw.h"

#include <string.h>

#include "support/support.h"

#define RECORD_MAX 512

typedef struct reader {
    const raw_section_t *raw;
    uint64_t page;   /* that was decoded last, UINT64_MAX: none */
    uint16_t length; /* of it */
} reader_t;

static uint16_t page_length(reader_t *reader, uint64_t page)
{
    const raw_section_t *raw = reader->raw;
    uint64_t physical = (uint64_t)raw->page_size + PAGE_CHECKSUMS;
    uint64_t offset = INDEX_DATA_OFFSET + page * physical;
    if (reader->page == page)
        return reader->length;
    reader->page = page;
    reader->length =
        offset + physical <= raw->index_size ? decode_page(raw->index + offset, raw->page_size, raw->section, page) : 0;
    return reader->length;
}

/* False: a page of it is not there, or too short. */
static bool read_record(reader_t *reader, uint64_t number, size_t size, uint8_t *record)
{
    const raw_section_t *raw = reader->raw;
    uint64_t at = number * size;
    for (size_t done = 0; done < size;) {
        uint64_t page = at / raw->page_size;
        size_t from = (size_t)(at % raw->page_size);
        size_t part = raw->page_size - from < size - done ? raw->page_size - from : size - done;
        if (page_length(reader, page) < from + part)
            return false;
        uint64_t physical = (uint64_t)raw->page_size + PAGE_CHECKSUMS;
        memcpy(record + done, raw->index + INDEX_DATA_OFFSET + page * physical + from, part);
        at += part;
        done += part;
    }
    return true;
}

static bool frame_is_right(const raw_section_t *raw, oversized_location_t location, uint64_t end)
{
    if (location.offset != end || location.size < FRAME_CHECKSUM || raw->values_size < VALUES_DATA_OFFSET ||
        raw->values_size - VALUES_DATA_OFFSET < end + location.size)
        return false;
    const uint8_t *frame = raw->values + VALUES_DATA_OFFSET + end;
    size_t payload = location.size - FRAME_CHECKSUM;
    return get_u32(frame + payload) == frame_checksum(raw->section, end, frame, payload);
}

bool raw_has_identity(const raw_section_t *raw)
{
    identity_t identity;
    return raw->index != NULL && raw->index_size >= HEADER_BLOCK && decode_identity(raw->index, &identity);
}

uint64_t raw_records(const raw_section_t *raw, uint64_t *end)
{
    reader_t reader = {raw, UINT64_MAX, 0};
    uint8_t record[RECORD_MAX];
    size_t size = (size_t)raw->entry_size + LOCATION_BYTES;
    uint64_t records = 0;
    *end = 0;
    /* No byte follows a header that is not durable: where there is a page, there is a header. */
    if (size > sizeof record || raw->values == NULL)
        return 0;
    while (read_record(&reader, records, size, record)) {
        oversized_location_t location = decode_location(record, raw->entry_size);
        if (!frame_is_right(raw, location, *end))
            break;
        *end += location.size;
        records++;
    }
    return records;
}

uint64_t raw_index_size(const raw_section_t *raw, uint64_t records)
{
    uint64_t bytes = records * ((uint64_t)raw->entry_size + LOCATION_BYTES);
    uint64_t pages = (bytes + raw->page_size - 1) / raw->page_size;
    return INDEX_DATA_OFFSET + pages * ((uint64_t)raw->page_size + PAGE_CHECKSUMS);
}
