/*
 * journal/walk.c: see the header.
 */
#include "journal/walk.h"

#include <string.h>

/* Whether so many bytes of the data all lie in the window. */
static inline bool walk_has(const segj_walk_t *walk, uint64_t offset, uint64_t wanted)
{
    uint64_t from = offset - walk->window_offset; /* of an offset before the window: more than that has */
    return from <= walk->window_loaded && wanted <= walk->window_loaded - from;
}

static inline const uint8_t *walk_bytes(const segj_walk_t *walk, uint64_t offset)
{
    return walk->window + (size_t)(offset - walk->window_offset);
}

/* Has `wanted` bytes at `offset`, which there are, in the window. */
static segj_status_t walk_load(segj_walk_t *walk, uint64_t offset, size_t wanted, const uint8_t **bytes)
{
    if (!walk_has(walk, offset, wanted)) {
        size_t size = (size_t)segj_min_u64(walk->size - offset, walk->capacity);
        walk->window_loaded = 0;
        segj_status_t status = segj_io_read(walk->file, walk->file->data + offset, walk->window, size, NULL);
        if (status != SEGJ_OK)
            return status;
        walk->window_offset = offset;
        walk->window_loaded = size;
    }
    *bytes = walk_bytes(walk, offset);
    return SEGJ_OK;
}

/* Looks at the head of a frame that begins there, after the walk's last one. */
static segj_status_t look_there(segj_walk_t *walk, uint64_t at, segj_head_t *head, oversized_location_t *location,
                                bool *there)
{
    uint64_t end;
    uint32_t size = walk->file->head;
    if (at > walk->size || walk->size - at < (uint64_t)size + SEGJ_FRAME_TRAILER)
        return SEGJ_OK;
    const uint8_t *bytes;
    segj_status_t status = walk_load(walk, at, size, &bytes);
    if (status != SEGJ_OK)
        return status;
    walk->begun = segj_crc32_of_number(walk->bound, at);
    if (!segj_head_decode(bytes, size, (segj_frame_place_t){walk->begun, walk->at.trailer}, head))
        return SEGJ_OK;
    walk->raw = (head->flags & SEGJ_HEAD_RAW) != 0;
    *location = (oversized_location_t){at, head->stored + SEGJ_FRAME_TRAILER};
    *there = segj_location_end(size, *location, walk->size, &end) && (walk->file->packed || !walk->raw);
    return SEGJ_OK;
}

static inline uint64_t walk_apart(const segj_walk_t *walk)
{
    return segj_frame_apart(walk->file->sector, walk->file->data, walk->at.end);
}

segj_status_t segj_walk_look(segj_walk_t *walk, segj_head_t *head, oversized_location_t *location, bool *there)
{
    *there = false;
    segj_status_t status = look_there(walk, walk->at.end, head, location, there);
    uint64_t apart = walk_apart(walk);
    if (status == SEGJ_OK && !*there && apart != walk->at.end)
        status = look_there(walk, apart, head, location, there);
    return status;
}

/** What the bytes of a frame say. */
typedef struct walk_sums {
    uint32_t head;    /* the checksum of its head */
    uint32_t payload; /* computed, from walk->begun on; that itself where the payload is not read */
    uint32_t trailer;
} walk_sums_t;

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

/* Of a frame that does not lie in the window as a whole; `at`: its payload. */
static segj_status_t sum_pieces(segj_walk_t *walk, uint64_t at, uint64_t size, bool verify, walk_sums_t *sums)
{
    const uint8_t *bytes;
    segj_status_t status = walk_load(walk, at - SEGJ_HEAD_CHECKSUM, SEGJ_HEAD_CHECKSUM, &bytes);
    if (status == SEGJ_OK)
        sums->head = segj_get_u32(bytes);
    if (status == SEGJ_OK && verify)
        status = walk_add(walk, at, size, &sums->payload);
    if (status == SEGJ_OK)
        status = walk_load(walk, at + size, SEGJ_FRAME_TRAILER, &bytes);
    if (status == SEGJ_OK)
        sums->trailer = segj_get_u32(bytes);
    return status;
}

segj_status_t segj_walk_pass(segj_walk_t *walk, oversized_location_t location, bool verify, bool *right)
{
    uint64_t at = location.offset + walk->file->head;
    size_t size = location.size - SEGJ_FRAME_TRAILER;
    walk_sums_t sums = {0, walk->begun, 0};
    if (walk_has(walk, at - SEGJ_HEAD_CHECKSUM, (uint64_t)SEGJ_HEAD_CHECKSUM + location.size)) {
        const uint8_t *payload = walk_bytes(walk, at);
        sums.head = segj_get_u32(payload - SEGJ_HEAD_CHECKSUM);
        if (verify)
            sums.payload = segj_crc32(sums.payload, payload, size);
        sums.trailer = segj_get_u32(payload + size);
    } else {
        segj_status_t status = sum_pieces(walk, at, size, verify, &sums);
        if (status != SEGJ_OK)
            return status;
    }
    walk->at.records++;
    walk->at.end = at + location.size;
    walk->at.trailer = sums.trailer;
    *right = !verify || segj_frame_seal(sums.payload, sums.head, walk->raw) == sums.trailer;
    return SEGJ_OK;
}

/* The same of a frame that begins there. */
static inline bool quickly_there(segj_walk_t *walk, uint64_t at, segj_head_t *head)
{
    uint32_t size = walk->file->head;
    if (!walk_has(walk, at, (uint64_t)size + SEGJ_FRAME_TRAILER))
        return false;
    const uint8_t *frame = walk_bytes(walk, at);
    const segj_frame_place_t place = {segj_crc32_of_number(walk->bound, at), walk->at.trailer};
    const uint8_t *payload = frame + size;
    size_t left = walk->window_loaded - (size_t)(payload - walk->window) - SEGJ_FRAME_TRAILER;
    if (!segj_head_decode(frame, size, place, head) || (head->flags & SEGJ_HEAD_RAW) != 0 || left < head->stored)
        return false;
    uint32_t crc = segj_crc32(place.begun, payload, head->stored);
    crc = segj_frame_seal(crc, segj_get_u32(payload - SEGJ_HEAD_CHECKSUM), false);
    if (crc != segj_get_u32(payload + head->stored))
        return false;
    walk->at.records++;
    walk->at.end = at + size + head->stored + SEGJ_FRAME_TRAILER;
    walk->at.trailer = crc;
    return true;
}

bool segj_walk_quickly(segj_walk_t *walk, segj_head_t *head)
{
    if (quickly_there(walk, walk->at.end, head))
        return true;
    uint64_t apart = walk_apart(walk);
    return apart != walk->at.end && quickly_there(walk, apart, head);
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
