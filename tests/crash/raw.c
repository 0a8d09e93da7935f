/*
 * crash/raw.c: see the header.
 */
#include "crash/raw.h"

#include <string.h>

#include "support/commonware.h"
#include "support/log.h"

#define RECORD_MAX 512

typedef struct reader {
    const raw_section_t *raw;
    uint64_t page;   /* that was decoded last, UINT64_MAX: none */
    uint16_t length; /* of it */
} reader_t;

static bool is_native(const raw_section_t *raw)
{
    return raw->format == SEGJ_FORMAT_NATIVE;
}

/* Blocks of a dictionary, as a file's header says. */
static uint64_t dictionary_room(const raw_section_t *raw, const uint8_t *bytes, uint64_t size)
{
    log_identity_t identity;
    if (!raw->log || bytes == NULL || size < HEADER_BLOCK || !decode_log_identity(bytes, &identity))
        return 0;
    return (identity.dictionary_size + (uint64_t)HEADER_BLOCK - 1) / HEADER_BLOCK * HEADER_BLOCK;
}

static uint64_t index_data(const raw_section_t *raw)
{
    return is_native(raw) ? INDEX_DATA_OFFSET + dictionary_room(raw, raw->index, raw->index_size) : COMMONWARE_V0;
}

static uint64_t values_data(const raw_section_t *raw)
{
    return is_native(raw) ? VALUES_DATA_OFFSET + dictionary_room(raw, raw->values, raw->values_size) : COMMONWARE_V0;
}

/* The frame at a place of a values file of version 2. */
static bool log_frame(const raw_section_t *raw, uint64_t binding, uint64_t at, uint32_t before, log_frame_t *frame)
{
    uint64_t data = values_data(raw);
    log_identity_t identity;
    return raw->values_size >= data && decode_log_identity(raw->values, &identity) &&
           decode_next_log_frame(raw->values + data, raw->values_size - data, binding, data, identity.sector, at,
                                 before, raw->entry_size, frame) &&
           (identity.compression != 0 || (frame->flags & LOG_RAW) == 0);
}

static uint16_t page_length(reader_t *reader, uint64_t page)
{
    const raw_section_t *raw = reader->raw;
    uint64_t physical = (uint64_t)raw->page_size + PAGE_CHECKSUMS;
    uint64_t offset = index_data(raw) + page * physical;
    if (reader->page == page)
        return reader->length;
    reader->page = page;
    reader->length = 0;
    if (offset + physical > raw->index_size)
        return 0;
    const uint8_t *at = raw->index + offset;
    reader->length =
        is_native(raw) ? decode_page(at, raw->page_size, raw->section, page) : decode_plain_page(at, raw->page_size);
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
        memcpy(record + done, raw->index + index_data(raw) + page * physical + from, part);
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

/* Back from the last whole record of the last valid page to one whose pages and range are there. */
static uint64_t commonware_records(const raw_section_t *raw, uint64_t *end)
{
    reader_t reader = {raw, UINT64_MAX, 0};
    uint8_t record[RECORD_MAX];
    size_t size = (size_t)raw->entry_size + LOCATION_BYTES;
    uint64_t values = raw->values_size > COMMONWARE_V0 ? raw->values_size - COMMONWARE_V0 : 0;
    uint64_t pages = 0;
    if (raw->index_size > COMMONWARE_V0)
        pages = (raw->index_size - COMMONWARE_V0) / ((uint64_t)raw->page_size + PAGE_CHECKSUMS);
    while (pages > 0 && page_length(&reader, pages - 1) == 0)
        pages--;
    uint64_t records = pages > 0 ? ((pages - 1) * raw->page_size + page_length(&reader, pages - 1)) / size : 0;
    *end = records == 0 ? values : 0;
    for (; records > 0; records--) {
        if (!read_record(&reader, records - 1, size, record))
            continue;
        oversized_location_t location = decode_location(record, raw->entry_size);
        *end = location.offset + location.size;
        if (location.size >= FRAME_CHECKSUM && *end >= location.offset && *end <= values)
            break;
        *end = 0;
    }
    return records;
}

/* The salt that the files of a section of version 2 have; false: neither has one, and there is nothing. */
static bool log_binding(const raw_section_t *raw, uint64_t *binding)
{
    log_identity_t identity;
    if (raw->values == NULL || raw->values_size < HEADER_BLOCK || !decode_log_identity(raw->values, &identity))
        return false;
    *binding = raw->section ^ identity.salt;
    return true;
}

/* Whether the frames come to just where a slot says, and behind the first `from` all are right. */
static bool log_confirms(const raw_section_t *raw, uint64_t binding, const log_mark_t *mark, uint64_t from)
{
    log_frame_t frame;
    uint64_t at = 0;
    uint32_t before = 0;
    for (uint64_t records = 0; records < mark->records; records++) {
        if (!log_frame(raw, binding, at, before, &frame) || (records >= from && !frame.right))
            return false;
        at += frame.size;
        before = frame.trailer;
    }
    return at == mark->end && before == mark->trailer;
}

/* W: what the newest slot says, or the other where that has more and the frames have it too: then no cut has begun. */
static uint64_t log_watermark(const raw_section_t *raw, uint64_t binding)
{
    log_mark_t marks[2];
    bool valid[2];
    for (unsigned slot = 0; slot < 2; slot++) {
        uint64_t at = (uint64_t)(slot + 1) * HEADER_BLOCK;
        valid[slot] = raw->index_size >= at + LOG_SLOT && decode_log_mark(raw->index + at, binding, slot, &marks[slot]);
    }
    if (!valid[0] && !valid[1])
        return 0;
    if (!valid[0] || !valid[1])
        return marks[valid[0] ? 0 : 1].records;
    const log_mark_t *newest = &marks[marks[1].sequence > marks[0].sequence];
    const log_mark_t *other = &marks[marks[1].sequence <= marks[0].sequence];
    bool counts = other->records > newest->records && log_confirms(raw, binding, other, newest->records);
    return counts ? other->records : newest->records;
}

/* The frames from the first on, to the end of the last batch that is whole, or to W. */
static uint64_t log_records(const raw_section_t *raw, uint64_t *end)
{
    uint64_t binding;
    log_frame_t frame;
    uint64_t at = 0;
    uint64_t whole = 0;
    uint32_t before = 0;
    *end = 0;
    if (!log_binding(raw, &binding))
        return 0;
    uint64_t synced = log_watermark(raw, binding);
    for (uint64_t records = 1; log_frame(raw, binding, at, before, &frame) && frame.right; records++) {
        at += frame.size;
        before = frame.trailer;
        if ((frame.flags & LOG_GOES_ON) != 0 && records > synced)
            continue;
        whole = records;
        *end = at;
    }
    return whole;
}

bool raw_is_log(const raw_section_t *raw)
{
    log_identity_t identity;
    return (raw->values != NULL && raw->values_size >= HEADER_BLOCK && decode_log_identity(raw->values, &identity)) ||
           (raw->index != NULL && raw->index_size >= HEADER_BLOCK && decode_log_identity(raw->index, &identity));
}

uint64_t raw_records(const raw_section_t *raw, uint64_t *end)
{
    if (raw->log)
        return log_records(raw, end);
    if (!is_native(raw))
        return commonware_records(raw, end);
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
    return index_data(raw) + pages * ((uint64_t)raw->page_size + PAGE_CHECKSUMS);
}

bool raw_values_end(const raw_section_t *raw, uint64_t end)
{
    log_identity_t identity = {.sector = 0};
    uint64_t data = values_data(raw);
    uint64_t at = data + end;
    if (raw->values_size == at)
        return true;
    if (end == 0 || !is_native(raw) || !raw_is_log(raw) || !decode_log_identity(raw->values, &identity) ||
        identity.sector == 0 || at % identity.sector == 0 || raw->values_size < at ||
        raw->values_size > at - at % identity.sector + identity.sector)
        return false;
    while (at < raw->values_size && raw->values[at] == 0)
        at++;
    return at == raw->values_size;
}
