/*
 * checksum/kind.h: the checksums that a format puts after its pages and frames. A checksum begins with the place of
 * what it covers (a section, and a page number or an offset), continues over the bytes, and may do so in pieces.
 */
#ifndef SEGJ_CHECKSUM_KIND_H
#define SEGJ_CHECKSUM_KIND_H

#include "checksum/numbers.h"

typedef enum segj_checksum_kind {
    SEGJ_CHECKSUM_PLACED, /**< native: CRC-32 of the place and the bytes, so that nothing verifies elsewhere */
    SEGJ_CHECKSUM_PLAIN   /**< commonware: CRC-32C of the bytes alone */
} segj_checksum_kind_t;

static inline uint32_t segj_checksum_begin(segj_checksum_kind_t kind, uint64_t section, uint64_t place)
{
    return kind == SEGJ_CHECKSUM_PLACED ? segj_crc32_of_place(section, place) : 0;
}

/** The checksum `before` continued over `size` bytes whose own one, begun with 0, is `after`. */
static inline uint32_t segj_checksum_join(segj_checksum_kind_t kind, uint32_t before, uint32_t after, uint64_t size)
{
    return kind == SEGJ_CHECKSUM_PLACED ? segj_crc32_join(before, after, size) : segj_crc32c_join(before, after, size);
}

static inline uint32_t segj_checksum_continue(segj_checksum_kind_t kind, uint32_t crc, const void *data, size_t size)
{
    return kind == SEGJ_CHECKSUM_PLACED ? segj_crc32(crc, data, size) : segj_crc32c(crc, data, size);
}

#endif
