/*
 * journal/counts_format.h: what commonware-storage's archives keep of their sections: how many records of each were
 * synced (FORMAT.md, "Counts of an archive"). Pure: bytes in, verdict out.
 */
#ifndef SEGJ_JOURNAL_COUNTS_FORMAT_H
#define SEGJ_JOURNAL_COUNTS_FORMAT_H

#include <stddef.h>
#include <stdint.h>

/** A section, and how many of its records were synced. */
typedef struct segj_count {
    uint64_t section, records;
} segj_count_t;

/** Bytes of a copy without a section, and of each one more. */
#define SEGJ_COUNTS_LEAST 12
#define SEGJ_COUNTS_EACH 16

typedef enum segj_counts_verdict {
    SEGJ_COUNTS_VALID,
    SEGJ_COUNTS_DAMAGED, /* a write was cut off, or it is damaged: the other copy counts */
    SEGJ_COUNTS_FOREIGN  /* whole, and of something else than counts */
} segj_counts_verdict_t;

/** Writes a copy of `count` counts, ascending by section. */
void segj_counts_encode(uint8_t *to, uint64_t version, const segj_count_t *counts, size_t count);

/** Judges the data of a copy. Without a byte it is valid, version 0, and holds nothing. */
segj_counts_verdict_t segj_counts_judge(const uint8_t *from, size_t size, uint64_t *version, size_t *count);

/** Reads count number `at` of a copy that is valid. */
segj_count_t segj_counts_get(const uint8_t *from, size_t at);

#endif
