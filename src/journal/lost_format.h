/*
 * journal/lost_format.h: the catalogue of what was lost and set aside (FORMAT.md, "Quarantine"). Pure: bytes in, losses
 * out.
 */
#ifndef SEGJ_JOURNAL_LOST_FORMAT_H
#define SEGJ_JOURNAL_LOST_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEGJ_LOST_HEADER ((size_t)32)
#define SEGJ_LOST_ENTRY ((size_t)96)
/** The most entries that a catalogue may have. */
#define SEGJ_LOST_MOST ((size_t)1 << 20)

/** What one section lost at one open, and what of it was set aside. */
typedef struct segj_loss {
    uint64_t section;
    uint64_t lost, kept;                 /* records: synced and gone; and those that the section has left */
    uint64_t when;                       /* seconds since 1970 */
    uint64_t index_offset, index_size;   /* bytes of the index file that were set aside, and where they lay in it */
    uint64_t values_offset, values_size; /* of the values file */
    uint64_t missed;                     /* bytes that were cut and not set aside */
    uint32_t ordinal;                    /* of one quarantine, ascending */
    uint32_t index_crc, values_crc;      /* of the bytes set aside */
    bool acknowledged;
} segj_loss_t;

static inline size_t segj_lost_size(size_t count)
{
    return SEGJ_LOST_HEADER + count * SEGJ_LOST_ENTRY;
}

/** Writes segj_lost_size(count) bytes. */
void segj_lost_encode(uint8_t *to, const segj_loss_t *losses, size_t count, uint64_t sequence, uint32_t next_ordinal);

/** How many entries a catalogue of `size` bytes has, by a whole and valid one; false where it is none. */
bool segj_lost_check(const uint8_t *from, size_t size, size_t *count, uint64_t *sequence, uint32_t *next_ordinal);

/** The entry at `at`, of a catalogue that is valid. */
segj_loss_t segj_lost_decode(const uint8_t *from, size_t at);

#endif
