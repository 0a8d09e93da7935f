/*
 * journal/frame_format.c: see the header and FORMAT.md, "Version 2".
 */
#include "journal/frame_format.h"

bool segj_head_decode(const uint8_t *from, uint32_t size, segj_frame_place_t place, segj_head_t *head)
{
    head->stored = segj_get_u32(from);
    head->flags = from[SEGJ_HEAD_FLAGS];
    head->unsynced = from[SEGJ_HEAD_FLAGS + 1];
    head->entry = from + SEGJ_HEAD_ENTRY;
    return segj_head_flags_known(head->flags) && head->stored <= UINT32_MAX - SEGJ_FRAME_TRAILER &&
           segj_get_u32(from + size - SEGJ_HEAD_CHECKSUM) == segj_head_checksum(place, head->stored, head->flags,
                                                                                head->unsynced, head->entry,
                                                                                size - segj_head_size(0));
}
