/*
 * journal/walk.c: see the header.
 */
#include "journal/walk.h"

#include <string.h>

/* Has `wanted` bytes at `offset`, which there are, in the window. */
static segj_status_t walk_load(segj_walk_t *walk, uint64_t offset, size_t wanted, const uint8_t **bytes)
{
    bool in_window = offset >= walk->window_offset && offset - walk->window_offset <= walk->window_loaded &&
                     wanted <= walk->window_loaded - (size_t)(offset - walk->window_offset);
    if (!in_window) {
        size_t size = (size_t)segj_min_u64(walk->size - offset, walk->capacity);
        walk->window_loaded = 0;
        segj_status_t status = segj_io_read(walk->file, walk->file->data + offset, walk->window, size, NULL);
        if (status != SEGJ_OK)
            return status;
        walk->window_offset = offset;
        walk->window_loaded = size;
    }
    *bytes = walk->window + (size_t)(offset - walk->window_offset);
    return SEGJ_OK;
}

segj_status_t segj_walk_look(segj_walk_t *walk, segj_head_t *head, oversized_location_t *location, bool *there)
{
    const uint8_t *bytes;
    uint64_t end;
    uint32_t size = walk->file->head;
    *there = false;
    if (walk->size - walk->at.end < (uint64_t)size + SEGJ_FRAME_TRAILER)
        return SEGJ_OK;
    segj_status_t status = walk_load(walk, walk->at.end, size, &bytes);
    walk->begun = segj_crc32_of_number(walk->bound, walk->at.end);
    const segj_frame_place_t place = {walk->begun, walk->at.trailer};
    if (status != SEGJ_OK || !segj_head_decode(bytes, size, place, head))
        return status;
    walk->raw = (head->flags & SEGJ_HEAD_RAW) != 0;
    *location = (oversized_location_t){walk->at.end, head->stored + SEGJ_FRAME_TRAILER};
    *there = segj_location_end(size, *location, walk->size, &end) && (walk->file->packed || !walk->raw);
    return SEGJ_OK;
}

/* Continues a checksum over bytes of the data. */
static segj_status_t walk_add(segj_walk_t *walk, uint64_t offset, uint64_t size, uint32_t *crc)
{
    while (size > 0) {
        const uint8_t *bytes;
        segj_status_t status = walk_load(walk, offset, 1, &bytes);
        if (status != SEGJ_OK)
            return status;
        size_t part = walk->window_loaded - (size_t)(offset - walk->window_offset);
        part = (size_t)segj_min_u64(part, size);
        *crc = segj_crc32(*crc, bytes, part);
        offset += part;
        size -= part;
    }
    return SEGJ_OK;
}

segj_status_t segj_walk_pass(segj_walk_t *walk, oversized_location_t location, bool verify, bool *right)
{
    uint8_t sum[SEGJ_HEAD_CHECKSUM];
    const uint8_t *bytes;
    uint64_t payload = location.offset + walk->file->head;
    uint64_t size = location.size - SEGJ_FRAME_TRAILER;
    uint32_t crc = walk->begun;
    segj_status_t status = walk_load(walk, payload - sizeof sum, sizeof sum, &bytes);
    if (status == SEGJ_OK)
        memcpy(sum, bytes, sizeof sum);
    if (status == SEGJ_OK && verify)
        status = walk_add(walk, payload, size, &crc);
    if (status == SEGJ_OK)
        status = walk_load(walk, payload + size, SEGJ_FRAME_TRAILER, &bytes);
    if (status != SEGJ_OK)
        return status;
    walk->at.records++;
    walk->at.end = payload + location.size;
    walk->at.trailer = segj_get_u32(bytes);
    *right = !verify || segj_frame_seal(crc, segj_get_u32(sum), walk->raw) == walk->at.trailer;
    return SEGJ_OK;
}

segj_status_t segj_walk_confirm(const segj_io_file_t *file, uint64_t size, segj_point_t at, bool *confirmed)
{
    uint8_t trailer[SEGJ_FRAME_TRAILER];
    *confirmed = at.records == 0 && at.end == 0 && at.trailer == 0;
    if (at.records == 0 || at.end > size || at.end < (uint64_t)file->head + SEGJ_FRAME_TRAILER)
        return SEGJ_OK;
    segj_status_t status = segj_io_read(file, file->data + at.end - sizeof trailer, trailer, sizeof trailer, NULL);
    *confirmed = status == SEGJ_OK && segj_get_u32(trailer) == at.trailer;
    return status;
}
