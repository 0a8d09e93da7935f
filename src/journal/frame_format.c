/*
 * journal/frame_format.c: see the header and FORMAT.md, "Version 2".
 */
#include "journal/frame_format.h"

#include <string.h>

/* The checksum before the frame and the head's first field are checksummed as one number of 64 bits. The fields are taken
 * as they are and not from the bytes that were just written: a processor waits for these where a load covers several
 * stores. */
static uint32_t head_checksum(segj_frame_place_t place, uint32_t stored, uint8_t flags, uint8_t unsynced,
                              const uint8_t *entry, size_t entry_size)
{
    return segj_crc32_of_fields(place.begun, (uint64_t)place.before << 32 | stored, (uint16_t)(flags << 8 | unsynced),
                                entry, entry_size);
}

uint32_t segj_head_encode(uint8_t *to, uint32_t size, segj_frame_place_t place, const segj_head_t *head)
{
    const size_t entry_size = size - segj_head_size(0);
    const uint8_t *entry = head->entry != NULL ? head->entry : to + SEGJ_HEAD_ENTRY;
    segj_put_u32(to, head->stored);
    to[SEGJ_HEAD_FLAGS] = head->flags;
    to[SEGJ_HEAD_FLAGS + 1] = head->unsynced;
    if (head->entry != NULL && entry_size > 0)
        memcpy(to + SEGJ_HEAD_ENTRY, head->entry, entry_size);
    uint32_t crc = head_checksum(place, head->stored, head->flags, head->unsynced, entry, entry_size);
    segj_put_u32(to + size - SEGJ_HEAD_CHECKSUM, crc);
    return crc;
}

bool segj_head_decode(const uint8_t *from, uint32_t size, segj_frame_place_t place, segj_head_t *head)
{
    head->stored = segj_get_u32(from);
    head->flags = from[SEGJ_HEAD_FLAGS];
    head->unsynced = from[SEGJ_HEAD_FLAGS + 1];
    head->entry = from + SEGJ_HEAD_ENTRY;
    return segj_head_flags_known(head->flags) && head->stored <= UINT32_MAX - SEGJ_FRAME_TRAILER &&
           segj_get_u32(from + size - SEGJ_HEAD_CHECKSUM) ==
               head_checksum(place, head->stored, head->flags, head->unsynced, head->entry, size - segj_head_size(0));
}
