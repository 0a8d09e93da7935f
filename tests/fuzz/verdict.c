/* fuzz/verdict.c: see the header. */
#include "fuzz/verdict.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "fuzz/fuzz.h"
#include "journal/commonware_format.h"
#include "support/commonware.h"

/* --- headers --- */

static bool all_zero(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

/* The checksum is right: whoever wrote the fields, they are not what a crash has left. */
static bool has_checked_identity(const bytes_t *file)
{
    return file->size >= 32 && memcmp(file->data, "SEGJ\0\1", 6) == 0 &&
           get_u32(file->data + 28) == crc32(0, file->data, 28);
}

static bool is_foreign(const bytes_t *file)
{
    if (file->size >= 4 && (memcmp(file->data, "CWIC", 4) == 0 || memcmp(file->data, "CWIK", 4) == 0))
        return true;
    return file->size >= 6 && memcmp(file->data, "SEGJ", 4) == 0 && get_u16(file->data + 4) > 1;
}

/* Fields that this version writes, for this section. */
static bool is_expected(const bytes_t *file, const identity_t *expected)
{
    uint8_t block[HEADER_BLOCK];
    identity_t wanted = *expected;
    if (expected->kind == IDENTITY_VALUES)
        wanted.compression = file->data[7] <= 1 ? file->data[7] : 0;
    encode_identity(block, &wanted);
    return memcmp(file->data, block, 32) == 0;
}

/* False: refused. *valid: there is an identity, and it is the right one. */
static bool judge_header(const bytes_t *file, size_t data_offset, const identity_t *expected, bool *valid)
{
    bool has_data = file->size > data_offset;
    *valid = false;
    if (is_foreign(file))
        return false;
    if (!has_checked_identity(file))
        return !has_data;
    *valid = is_expected(file, expected);
    if (has_data && !all_zero(file->data + 32, HEADER_BLOCK - 32))
        return false;
    return *valid;
}

uint16_t judge_page_size(const bytes_t *index)
{
    if (index->data == NULL || !has_checked_identity(index) || index->data[6] != IDENTITY_INDEX ||
        index->data[7] != 0 || get_u32(index->data + 12) < LOCATION_BYTES)
        return 0;
    return get_u16(index->data + 8);
}

/* By its own function, which fuzz/format.c and unit tests hold against the format. */
static bool judge_commonware_header(const bytes_t *file, size_t *data, bool *valid)
{
    const char *why = NULL;
    uint64_t begin = *data;
    size_t size = file->size < COMMONWARE_V1 ? file->size : COMMONWARE_V1;
    segj_header_verdict_t verdict = segj_commonware_decode(file->data, size, file->size, &begin, &why);
    *data = (size_t)begin;
    *valid = verdict == SEGJ_HEADER_VALID;
    return verdict == SEGJ_HEADER_VALID || verdict == SEGJ_HEADER_NONE;
}

void follow_release(geometry_t *geometry, const section_files_t *files, size_t count)
{
    uint64_t newest = 0;
    size_t data = COMMONWARE_V0;
    bool valid;
    for (size_t i = 0; i < count; i++)
        if (files[i].index.data != NULL && files[i].number >= newest) {
            newest = files[i].number;
            (void)judge_commonware_header(&files[i].index, &data, &valid);
        }
    geometry->newer = geometry->commonware && data == COMMONWARE_V1;
    geometry->verify_tail = geometry->asked_tail || geometry->newer;
}

/* --- records and values --- */

static size_t data_offset(const bytes_t *file, const geometry_t *geometry, bool values)
{
    if (!geometry->commonware)
        return values ? VALUES_DATA_OFFSET : INDEX_DATA_OFFSET;
    size_t data = COMMONWARE_V0;
    bool valid;
    (void)judge_commonware_header(file, &data, &valid);
    return valid || file->size < data ? data : file->size; /* a file that is new has no data */
}

static uint16_t page_length(const section_files_t *files, const geometry_t *geometry, uint64_t page,
                            const uint8_t **physical)
{
    size_t size = (size_t)geometry->page_size + PAGE_CHECKSUMS;
    *physical = files->index.data + data_offset(&files->index, geometry, false) + page * size;
    return geometry->commonware ? decode_plain_page(*physical, geometry->page_size)
                                : decode_page(*physical, geometry->page_size, files->number, page);
}

static uint64_t count_pages(const section_files_t *files, const geometry_t *geometry)
{
    size_t size = files->index.size;
    size_t begin = data_offset(&files->index, geometry, false);
    return size > begin ? (size - begin) / ((size_t)geometry->page_size + PAGE_CHECKSUMS) : 0;
}

bool read_raw_record(const section_files_t *files, const geometry_t *geometry, uint64_t number, uint8_t *record)
{
    uint64_t size = (uint64_t)geometry->entry_size + LOCATION_BYTES;
    uint64_t pages = count_pages(files, geometry);
    for (uint64_t at = 0; at < size;) {
        const uint8_t *physical;
        uint64_t page = (number * size + at) / geometry->page_size;
        size_t from = (size_t)((number * size + at) % geometry->page_size);
        size_t part = geometry->page_size - from < size - at ? geometry->page_size - from : (size_t)(size - at);
        if (page >= pages || page_length(files, geometry, page, &physical) < from + part)
            return false;
        memcpy(record + at, physical + from, part);
        at += part;
    }
    return true;
}

static uint64_t values_size(const section_files_t *files, const geometry_t *geometry)
{
    size_t begin = data_offset(&files->values, geometry, true);
    return files->values.size > begin ? files->values.size - begin : 0;
}

static bool fits(oversized_location_t location, uint64_t limit)
{
    return location.size >= FRAME_CHECKSUM && location.offset <= limit && limit - location.offset >= location.size;
}

/* Of a frame that fits. */
static bool is_right(const section_files_t *files, const geometry_t *geometry, oversized_location_t location)
{
    const uint8_t *frame = files->values.data + data_offset(&files->values, geometry, true) + location.offset;
    size_t payload = location.size - FRAME_CHECKSUM;
    uint32_t expected = geometry->commonware ? plain_checksum(frame, payload)
                                             : frame_checksum(files->number, location.offset, frame, payload);
    return get_u32(frame + payload) == expected;
}

static segj_status_t unpack(const geometry_t *geometry, const uint8_t *payload, size_t size, bytes_t *value)
{
    unsigned long long content = ZSTD_getFrameContentSize(payload, size);
    bool sized = content != ZSTD_CONTENTSIZE_ERROR && content != ZSTD_CONTENTSIZE_UNKNOWN;
    bool standard = size >= 4 && memcmp(payload, "\x28\xB5\x2F\xFD", 4) == 0;
    if (!sized || !standard || ZSTD_getDictID_fromFrame(payload, size) != 0 ||
        ZSTD_findFrameCompressedSize(payload, size) != size)
        return SEGJ_ERR_COMPRESSION;
    if (content > geometry->max_value_size)
        return SEGJ_ERR_TOO_LARGE;
    *value = (bytes_t){fuzz_allocate((size_t)content), (size_t)content};
    if (ZSTD_decompress(value->data, value->size, payload, size) == content)
        return SEGJ_OK;
    free_bytes(value);
    return SEGJ_ERR_COMPRESSION;
}

segj_status_t read_raw_value(const section_files_t *files, const geometry_t *geometry, const verdict_t *verdict,
                             oversized_location_t location, bytes_t *value)
{
    *value = (bytes_t){NULL, 0};
    if (!fits(location, verdict->end))
        return SEGJ_ERR_RANGE;
    size_t payload = location.size - FRAME_CHECKSUM;
    size_t most = verdict->compressed ? ZSTD_COMPRESSBOUND((size_t)geometry->max_value_size) : geometry->max_value_size;
    if (payload > most)
        return SEGJ_ERR_TOO_LARGE;
    if (!is_right(files, geometry, location))
        return SEGJ_ERR_CHECKSUM;
    const uint8_t *frame = files->values.data + data_offset(&files->values, geometry, true) + location.offset;
    if (verdict->compressed)
        return unpack(geometry, frame, payload, value);
    *value = (bytes_t){fuzz_allocate(payload), payload};
    memcpy(value->data, frame, payload);
    return SEGJ_OK;
}

/* --- the verdict --- */

/* DESIGN.md, "Open". */
static void judge_records(const section_files_t *files, const geometry_t *geometry, verdict_t *verdict)
{
    uint32_t size = geometry->entry_size + LOCATION_BYTES;
    uint8_t *record = fuzz_allocate(size);
    oversized_location_t location = {0, 0};
    uint64_t exist = count_pages(files, geometry) * geometry->page_size / size;
    uint64_t count = verdict->watermark < exist ? verdict->watermark : exist;
    for (; count > 0; count--) {
        bool readable = read_raw_record(files, geometry, count - 1, record);
        location = decode_location(record, geometry->entry_size);
        if (readable && fits(location, values_size(files, geometry)))
            break;
    }
    verdict->end = count > 0 ? location.offset + location.size : 0;
    while (count >= verdict->watermark && read_raw_record(files, geometry, count, record)) {
        location = decode_location(record, geometry->entry_size);
        if (location.offset != verdict->end || !fits(location, values_size(files, geometry)) ||
            !is_right(files, geometry, location))
            break;
        verdict->end += location.size;
        count++;
    }
    verdict->kept = count;
    free(record);
}

/* --- the commonware format --- */

/* Whether the records make a row from 0 on: then nothing speaks for another configuration. */
static bool is_row(const section_files_t *files, const geometry_t *geometry, uint64_t exist, uint8_t *record)
{
    uint64_t end = 0;
    for (uint64_t i = 0; i < exist; i++) {
        if (!read_raw_record(files, geometry, i, record))
            return false;
        oversized_location_t location = decode_location(record, geometry->entry_size);
        if (location.size < FRAME_CHECKSUM || location.offset != end)
            return false;
        end += location.size;
    }
    return true;
}

/* FORMAT.md, "Where a section ends". */
static void judge_tail(const section_files_t *files, const geometry_t *geometry, verdict_t *verdict)
{
    uint32_t size = geometry->entry_size + LOCATION_BYTES;
    uint8_t *record = fuzz_allocate(size);
    const uint8_t *physical;
    uint16_t length = 0;
    uint64_t pages = count_pages(files, geometry);
    while (pages > 0 && (length = page_length(files, geometry, pages - 1, &physical)) == 0)
        pages--;
    uint64_t bytes = pages > 0 ? (pages - 1) * geometry->page_size + length : 0;
    uint64_t exist = bytes / size;
    bool broken = length < geometry->page_size && bytes % size != 0;
    /* Less than a record may be the whole of a shorter one. */
    verdict->may_refuse = broken || (exist == 0 && bytes > 0) || !is_row(files, geometry, exist, record) ||
                          (pages == 0 && files->index.size > data_offset(&files->index, geometry, false));
    uint64_t count = exist;
    oversized_location_t location = {0, 0};
    for (; count > 0; count--) {
        bool readable = read_raw_record(files, geometry, count - 1, record);
        location = decode_location(record, geometry->entry_size);
        if (readable && fits(location, values_size(files, geometry)) &&
            (!geometry->verify_tail || is_right(files, geometry, location)))
            break;
    }
    verdict->kept = count;
    uint64_t unled = geometry->newer ? 0 : values_size(files, geometry);
    verdict->end = exist == 0 ? unled : count > 0 ? location.offset + location.size : 0;
    free(record);
}

static verdict_t judge_commonware(const section_files_t *files, const geometry_t *geometry)
{
    bool valid;
    size_t made = geometry->newer ? COMMONWARE_V1 : COMMONWARE_V0;
    verdict_t verdict = {.compressed = geometry->compress, .index_data = made, .values_data = made};
    if (files->index.data != NULL)
        verdict.refused = !judge_commonware_header(&files->index, &verdict.index_data, &valid);
    if (files->values.data != NULL && !judge_commonware_header(&files->values, &verdict.values_data, &valid))
        verdict.refused = true;
    if (!verdict.refused && files->index.data != NULL)
        judge_tail(files, geometry, &verdict);
    return verdict;
}

/* --- the native format --- */

/* A slot that the file does not wholly have is absent. */
static uint64_t judge_watermark(const section_files_t *files)
{
    uint8_t *slots = fuzz_allocate((size_t)2 * HEADER_BLOCK);
    memset(slots, 0xFF, (size_t)2 * HEADER_BLOCK);
    for (size_t slot = 0; slot < 2; slot++)
        if (files->index.size >= (slot + 1) * HEADER_BLOCK + 16)
            memcpy(slots + slot * HEADER_BLOCK, files->index.data + (slot + 1) * HEADER_BLOCK, 16);
    uint64_t watermark = effective_watermark(slots, files->number);
    free(slots);
    return watermark;
}

verdict_t judge_section(const section_files_t *files, const geometry_t *geometry)
{
    if (geometry->commonware)
        return judge_commonware(files, geometry);
    verdict_t verdict = {.compressed = geometry->compress};
    verdict.index_data = INDEX_DATA_OFFSET;
    verdict.values_data = VALUES_DATA_OFFSET;
    identity_t index = {
        1, IDENTITY_INDEX, 0, geometry->page_size, geometry->entry_size + LOCATION_BYTES, files->number};
    identity_t values = {1, IDENTITY_VALUES, 0, 0, 0, files->number};
    bool index_valid = false;
    bool values_valid = false;
    if (files->index.data != NULL)
        verdict.refused = !judge_header(&files->index, INDEX_DATA_OFFSET, &index, &index_valid);
    if (files->values.data != NULL && !judge_header(&files->values, VALUES_DATA_OFFSET, &values, &values_valid))
        verdict.refused = true;
    if (values_valid)
        verdict.compressed = files->values.data[7] == 1;
    /* Both headers are durable before any data: DESIGN.md, I1. */
    bool index_whole = index_valid && files->index.size >= INDEX_DATA_OFFSET;
    bool values_whole = values_valid && files->values.size >= VALUES_DATA_OFFSET;
    if (files->index.data != NULL && !index_whole && files->values.size > VALUES_DATA_OFFSET)
        verdict.refused = true;
    if (verdict.refused || !index_valid)
        return verdict;
    verdict.watermark = judge_watermark(files);
    if (files->values.data != NULL && !values_whole && files->index.size > INDEX_DATA_OFFSET && verdict.watermark == 0)
        verdict.refused = true;
    judge_records(files, geometry, &verdict);
    return verdict;
}
