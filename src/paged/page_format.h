/*
 * paged/page_format.h: the bytes of an index page (FORMAT.md, "Pages"). Pure: bytes in, verdict out.
 *
 * A physical page is page_size logical bytes and a trailer of two slots, each a length and a checksum of that many of
 * the page's first bytes. Of two valid slots the longer counts, the first where they are equal. While a page grows, the
 * slot that describes its last synced state stays as it is and the other one takes the new state, so that any mixture
 * of old and new bytes still has the synced state in it.
 */
#ifndef SEGJ_PAGED_PAGE_FORMAT_H
#define SEGJ_PAGED_PAGE_FORMAT_H

#include "checksum/kind.h"

#define SEGJ_PAGE_TRAILER 12
#define SEGJ_PAGE_SIZE_DEFAULT 4084
#define SEGJ_PAGE_SLOT_SIZE 6

/** What a slot says. slot: 1 or 2; 0 where there is none, and then the rest is 0 too. */
typedef struct segj_page_state {
    uint8_t slot;
    uint16_t length;
    uint32_t crc;
} segj_page_state_t;

static inline size_t segj_page_physical(uint16_t page_size)
{
    return (size_t)page_size + SEGJ_PAGE_TRAILER;
}

/** Offset of a slot (1 or 2) within the physical page. */
static inline size_t segj_page_slot_offset(uint16_t page_size, unsigned slot)
{
    return page_size + (size_t)(slot - 1) * SEGJ_PAGE_SLOT_SIZE;
}

uint32_t segj_page_checksum(segj_checksum_kind_t kind, uint64_t section, uint64_t page, const uint8_t *bytes,
                            uint16_t length);

/** The authoritative slot of a physical page; slot 0 when none is valid. */
segj_page_state_t segj_page_verify(segj_checksum_kind_t kind, const uint8_t *physical, uint16_t page_size,
                                   uint64_t section, uint64_t page);

/** What one slot says if it is valid; slot 0 when it is not. */
segj_page_state_t segj_page_slot(segj_checksum_kind_t kind, const uint8_t *physical, uint16_t page_size,
                                 uint64_t section, uint64_t page, unsigned slot);

/** Writes a slot's 6 bytes. */
void segj_page_put_slot(uint8_t to[SEGJ_PAGE_SLOT_SIZE], uint16_t length, uint32_t crc);

/**
 * Completes a physical page whose first `length` bytes are in place: zeros after them, the new state in the slot that
 * the synced one does not use (the first, where no sync has covered the page), the synced slot as it was. Gives the new
 * state.
 */
segj_page_state_t segj_page_complete(segj_checksum_kind_t kind, uint8_t *physical, uint16_t page_size, uint64_t section,
                                     uint64_t page, uint16_t length, segj_page_state_t synced);

#endif
