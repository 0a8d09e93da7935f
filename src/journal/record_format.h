/*
 * journal/record_format.h: the bytes of an index record and of a value's frame (FORMAT.md, "Records" and "Frames").
 */
#ifndef SEGJ_JOURNAL_RECORD_FORMAT_H
#define SEGJ_JOURNAL_RECORD_FORMAT_H

#include <string.h>

#include "base/bytes.h"
#include "checksum/kind.h"
#include "segjournal/oversized.h"

/** Bytes of a frame besides its payload: the checksum after it. */
#define SEGJ_FRAME_TRAILER 4
/** Bytes of a head's checksum, its last ones. */
#define SEGJ_HEAD_CHECKSUM 4

/** Copies an entry. Most have eight bytes, for which a call costs more than the copy. */
static inline void segj_entry_copy(uint8_t *to, const void *entry, size_t size)
{
    if (size == 8)
        memmove(to, entry, 8);
    else if (size > 0)
        memmove(to, entry, size);
}

static inline void segj_location_encode(uint8_t to[OVERSIZED_LOCATION_SIZE], oversized_location_t location)
{
    segj_put_u64(to, location.offset);
    segj_put_u32(to + 8, location.size);
}

static inline oversized_location_t segj_location_decode(const uint8_t from[OVERSIZED_LOCATION_SIZE])
{
    return (oversized_location_t){segj_get_u64(from), segj_get_u32(from + 8)};
}

/** Bytes of a frame, of which `head` come before its payload. */
static inline uint64_t segj_frame_size(uint32_t head, oversized_location_t location)
{
    return (uint64_t)head + location.size;
}

/** The end of a frame; false when it is too short for one, reaches past `limit` or overflows. */
static inline bool segj_location_end(uint32_t head, oversized_location_t location, uint64_t limit, uint64_t *end)
{
    uint64_t sum;
    if (location.size < SEGJ_FRAME_TRAILER || !segj_add_u64(location.offset, segj_frame_size(head, location), &sum) ||
        sum > limit)
        return false;
    *end = sum;
    return true;
}

/** The checksum of a frame whose payload is in one piece. */
static inline uint32_t segj_frame_checksum(segj_checksum_kind_t kind, uint64_t section, uint64_t offset,
                                           const void *payload, size_t size)
{
    return segj_checksum_continue(kind, segj_checksum_begin(kind, section, offset), payload, size);
}

#endif
