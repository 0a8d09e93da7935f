/*
 * journal/header_format.h: the bytes before a section file's data (FORMAT.md, "Headers"): the identity block of both
 * kinds of file, and the two watermark slots of an index file. Pure: bytes in, verdict out.
 */
#ifndef SEGJ_JOURNAL_HEADER_FORMAT_H
#define SEGJ_JOURNAL_HEADER_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEGJ_BLOCK_SIZE 4096
#define SEGJ_INDEX_DATA_OFFSET ((uint64_t)(3 * SEGJ_BLOCK_SIZE))
#define SEGJ_VALUES_DATA_OFFSET ((uint64_t)SEGJ_BLOCK_SIZE)
#define SEGJ_SLOT_SIZE 16

typedef enum segj_kind { SEGJ_KIND_INDEX = 1, SEGJ_KIND_VALUES = 2 } segj_kind_t;

typedef struct segj_identity {
    segj_kind_t kind;
    bool compressed;      /**< values files */
    uint16_t page_size;   /**< index files, else 0 */
    uint32_t record_size; /**< index files, else 0 */
    uint64_t section;
} segj_identity_t;

typedef enum segj_header_verdict {
    SEGJ_HEADER_VALID,
    SEGJ_HEADER_NONE,    /**< no valid identity: a new file if it is no longer than its header, else damage */
    SEGJ_HEADER_FOREIGN, /**< another format or version */
    SEGJ_HEADER_DAMAGED /**< a valid checksum over fields that nothing writes, or bytes behind them that are not zero */
} segj_header_verdict_t;

/** Writes an identity block, zeros included. */
void segj_identity_encode(uint8_t block[SEGJ_BLOCK_SIZE], const segj_identity_t *identity);

/** Judges the first `size` bytes of a file, at most a block; `why` (never NULL) is set to static text unless valid. */
segj_header_verdict_t segj_identity_decode(const uint8_t *block, size_t size, segj_identity_t *identity,
                                           const char **why);

/** A watermark: the first `records` records were covered by a completed sync. */
typedef struct segj_mark {
    bool valid;
    uint64_t records;
    uint32_t sequence;
} segj_mark_t;

/** Offset of watermark slot 0 or 1 in an index file. */
static inline uint64_t segj_mark_offset(unsigned slot)
{
    return (uint64_t)(slot + 1) * SEGJ_BLOCK_SIZE;
}

void segj_mark_encode(uint8_t to[SEGJ_SLOT_SIZE], uint64_t section, uint64_t records, uint32_t sequence);
segj_mark_t segj_mark_decode(const uint8_t from[SEGJ_SLOT_SIZE], uint64_t section);

#endif
