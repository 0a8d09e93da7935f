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
#define SEGJ_SLOT_SIZE_2 32

/** The largest dictionary that a section has. */
#define SEGJ_DICTIONARY_MOST ((uint32_t)1 << 18)

/** The smallest and the largest sector that frames are kept apart by. */
#define SEGJ_SECTOR_LEAST ((uint32_t)1 << 9)
#define SEGJ_SECTOR_MOST ((uint32_t)1 << 16)

/** By what a section's dictionary is known; size 0: there is none. */
typedef struct segj_dictionary_id {
    uint32_t size, crc;
} segj_dictionary_id_t;

static inline bool segj_dictionary_same(segj_dictionary_id_t a, segj_dictionary_id_t b)
{
    return a.size == b.size && a.crc == b.crc;
}

typedef enum segj_kind { SEGJ_KIND_INDEX = 1, SEGJ_KIND_VALUES = 2 } segj_kind_t;

typedef struct segj_identity {
    segj_kind_t kind;
    bool compressed;      /**< values files */
    uint16_t page_size;   /**< of version 1 in index files alone, else 0 */
    uint32_t record_size; /**< likewise */
    uint64_t section;
    uint8_t version;                 /**< 1 or 2 */
    uint64_t salt;                   /**< version 2 */
    segj_dictionary_id_t dictionary; /**< version 2, compressed: the same in both files */
    uint32_t sector;                 /**< version 2: bytes, a power of two, or 0; the same in both files */
} segj_identity_t;

/** Bytes in which an identity of any version is told. */
#define SEGJ_IDENTITY_MOST 64

/** Where the data of a file of the native format begins. */
static inline uint64_t segj_data_offset(segj_kind_t kind, segj_dictionary_id_t dictionary)
{
    uint64_t blocks = (dictionary.size + (uint64_t)SEGJ_BLOCK_SIZE - 1) / SEGJ_BLOCK_SIZE;
    return (kind == SEGJ_KIND_INDEX ? SEGJ_INDEX_DATA_OFFSET : SEGJ_VALUES_DATA_OFFSET) + blocks * SEGJ_BLOCK_SIZE;
}

/** Bytes of an identity that its version's fields take. */
static inline size_t segj_identity_fields(uint8_t version)
{
    return version == 2 ? SEGJ_IDENTITY_MOST : 32;
}

/** What the checksums of a section's files begin with, before the place. */
static inline uint64_t segj_binding(const segj_identity_t *identity)
{
    return identity->section ^ identity->salt;
}

typedef enum segj_header_verdict {
    SEGJ_HEADER_VALID,
    SEGJ_HEADER_NONE,    /**< no valid identity: a new file if it is no longer than its header, else damage */
    SEGJ_HEADER_FOREIGN, /**< another format or version */
    SEGJ_HEADER_DAMAGED  /**< a valid checksum over fields that nothing writes, or bytes after them that are not zero */
} segj_header_verdict_t;

/** Writes an identity block, zeros included. */
void segj_identity_encode(uint8_t block[SEGJ_BLOCK_SIZE], const segj_identity_t *identity);

/** Judges the first `size` bytes of a file, at most a block; `why` (never NULL) is set to static text unless valid. */
segj_header_verdict_t segj_identity_decode(const uint8_t *block, size_t size, segj_identity_t *identity,
                                           const char **why);

/** Whose file it is, by the first bytes of its header. */
typedef enum segj_told { SEGJ_TOLD_NOTHING, SEGJ_TOLD_NATIVE, SEGJ_TOLD_COMMONWARE } segj_told_t;

/** Tells the format of a file and its version, of which commonware files have 0 and 1. */
segj_told_t segj_header_tell(const uint8_t *block, size_t size, uint16_t *version);

/** Where a section stands after so many of its records. `end` and `trailer` are of version 2, and else 0. */
typedef struct segj_point {
    uint64_t records;
    uint64_t end;     /**< of their values */
    uint32_t trailer; /**< the checksum of the last one's frame, 0 for none */
} segj_point_t;

/** A watermark: the first `at.records` records were covered by a completed sync. */
typedef struct segj_mark {
    bool valid;
    segj_point_t at;
    uint64_t sequence;
} segj_mark_t;

/** Version 1: the slots of a cut begin at the next multiple of so many numbers, so that whoever follows the writer sees
 *  by the number that there was one, however many marks came after it. */
#define SEGJ_MARKS_OF_CUT 0x10000u

static inline uint64_t segj_mark_number_of_cut(uint64_t sequence)
{
    return (sequence / SEGJ_MARKS_OF_CUT + 1) * SEGJ_MARKS_OF_CUT;
}

/** Whether it is the number of the first slot of a cut, which is cleared, or overwritten, when the cut has been
 *  made. */
static inline bool segj_mark_is_of_begun_cut(uint64_t sequence)
{
    return sequence % SEGJ_MARKS_OF_CUT == 0;
}

static inline size_t segj_slot_size(uint8_t version)
{
    return version == 2 ? SEGJ_SLOT_SIZE_2 : SEGJ_SLOT_SIZE;
}

/** Offset of watermark slot 0 or 1 in an index file. */
static inline uint64_t segj_mark_offset(unsigned slot)
{
    return (uint64_t)(slot + 1) * SEGJ_BLOCK_SIZE;
}

void segj_mark_encode(uint8_t to[SEGJ_SLOT_SIZE], uint64_t section, uint64_t records, uint32_t sequence);
segj_mark_t segj_mark_decode(const uint8_t from[SEGJ_SLOT_SIZE], uint64_t section);

/** The same for version 2. `binding`: the file's; `slot`: 0 or 1. */
void segj_mark_encode_2(uint8_t to[SEGJ_SLOT_SIZE_2], uint64_t binding, unsigned slot, segj_point_t at,
                        uint64_t sequence);
segj_mark_t segj_mark_decode_2(const uint8_t from[SEGJ_SLOT_SIZE_2], uint64_t binding, unsigned slot);

#endif
