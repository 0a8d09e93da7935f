/*
 * journal/frame_format.h: the head of a frame of version 2 (FORMAT.md, "Version 2"): what makes a frame a record by
 * itself, and a values file a log. Pure: bytes in, verdict out.
 *
 * Heads form a chain: the checksum of each covers the four bytes before it, which are the checksum of the frame before.
 */
#ifndef SEGJ_JOURNAL_FRAME_FORMAT_H
#define SEGJ_JOURNAL_FRAME_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "journal/record_format.h"

/** Flags of a head. One of them is always set, so that zeros are no head. */
#define SEGJ_HEAD_FRAME 0x80u   /**< always */
#define SEGJ_HEAD_GOES_ON 0x01u /**< the frame's batch goes on with the next one */
#define SEGJ_HEAD_RAW 0x02u     /**< the section compresses, and this value is stored as it is */

/** Where the flags and the entry are in a head. */
#define SEGJ_HEAD_FLAGS 4
#define SEGJ_HEAD_ENTRY 6

/** What a head says. It fits two registers. */
typedef struct segj_head {
    uint32_t stored;      /**< bytes of the payload */
    uint8_t flags;        /**< SEGJ_HEAD_... */
    uint8_t unsynced;     /**< frames directly before it that were not known to be durable when it was placed; 255: so
                               many or more */
    const uint8_t *entry; /**< NULL where entries have no bytes; of a head that was decoded: in its bytes */
} segj_head_t;

/** Whether these are flags that a head may have. */
static inline bool segj_head_flags_known(uint8_t flags)
{
    return (flags & ~(SEGJ_HEAD_GOES_ON | SEGJ_HEAD_RAW)) == SEGJ_HEAD_FRAME;
}

/** Bytes of a head with an entry of that size. */
static inline uint32_t segj_head_size(uint32_t entry_size)
{
    return SEGJ_HEAD_ENTRY + entry_size + SEGJ_HEAD_CHECKSUM;
}

/** Where a frame stands: what its checksums begin with. */
typedef struct segj_frame_place {
    uint32_t begun;  /**< segj_crc32_of_place() of the file's binding and the offset in the data */
    uint32_t before; /**< the checksum of the frame before, 0 for the first */
} segj_frame_place_t;

/** Bytes from `end` of the data, which begins at `data` of the file, to the end of its sector; 0 where a sector ends
 *  there, or where there are none (0). */
static inline uint64_t segj_frame_gap(uint32_t sector, uint64_t data, uint64_t end)
{
    uint64_t taken = sector > 0 ? (data + end) % sector : 0;
    return taken == 0 ? 0 : sector - taken;
}

/** Bytes of zeros after values that end there, with which the file ends where a sector does: else the file system would
 *  write that sector again when the file becomes longer. */
static inline uint64_t segj_frame_pad(uint32_t sector, uint64_t data, uint64_t end)
{
    return end > 0 ? segj_frame_gap(sector, data, end) : 0;
}

/** Where a frame begins that is kept apart from one that ends at `end` of the data, which begins at `data` of the file:
 *  in the next sector, after four bytes that say that one's checksum once more. `end`, where a sector ends there, or
 *  where nothing is kept apart (0). */
static inline uint64_t segj_frame_apart(uint32_t sector, uint64_t data, uint64_t end)
{
    uint64_t gap = segj_frame_gap(sector, data, end);
    return gap == 0 ? end : end + gap + SEGJ_FRAME_TRAILER;
}

/** The checksum of a head. The checksum before the frame and the head's first field are one number of 64 bits; entries
 *  of eight bytes, which are usual, are checksummed in place too. */
static inline uint32_t segj_head_checksum(segj_frame_place_t place, uint32_t stored, uint8_t flags, uint8_t unsynced,
                                          const uint8_t *entry, size_t entry_size)
{
    uint32_t crc = segj_crc32_of_number(place.begun, (uint64_t)place.before << 32 | stored);
    crc = segj_crc32_of_two(crc, flags, unsynced);
    return entry_size == 8 ? segj_crc32_of_eight(crc, entry) : segj_crc32(crc, entry, entry_size);
}

/** Ends the checksum of a frame, which continues over its head's checksum and, of one that is stored raw, over that
 *  flag: so no damage of the flags alone makes bytes of zstd a value. */
static inline uint32_t segj_frame_seal(uint32_t crc, uint32_t sum, bool raw)
{
    static const uint8_t flag = SEGJ_HEAD_RAW;
    crc = segj_crc32_of_half(crc, sum);
    return raw ? segj_crc32(crc, &flag, sizeof flag) : crc;
}

/** Writes a head of `size` bytes, in which head.entry may lie already. Gives its checksum. */
static inline uint32_t segj_head_encode(uint8_t *to, uint32_t size, segj_frame_place_t place, segj_head_t head)
{
    const size_t entry_size = size - segj_head_size(0);
    uint32_t sum = segj_head_checksum(place, head.stored, head.flags, head.unsynced, head.entry, entry_size);
    segj_put_u32(to, head.stored);
    to[SEGJ_HEAD_FLAGS] = head.flags;
    to[SEGJ_HEAD_FLAGS + 1] = head.unsynced;
    segj_entry_copy(to + SEGJ_HEAD_ENTRY, head.entry, entry_size);
    segj_put_u32(to + size - SEGJ_HEAD_CHECKSUM, sum);
    return sum;
}

/** False: these `size` bytes are no head of that place. */
bool segj_head_decode(const uint8_t *from, uint32_t size, segj_frame_place_t place, segj_head_t *head);

#endif
