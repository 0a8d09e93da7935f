/*
 * journal/commonware_format.h: the header of a commonware file, index and values alike (FORMAT.md, "Commonware files").
 * Pure: bytes in, verdict out.
 */
#ifndef SEGJ_JOURNAL_COMMONWARE_FORMAT_H
#define SEGJ_JOURNAL_COMMONWARE_FORMAT_H

#include "journal/header_format.h"

/** Bytes of the two headers, and where the data after them begins. */
#define SEGJ_COMMONWARE_V0_SIZE 8
#define SEGJ_COMMONWARE_V1_SIZE SEGJ_BLOCK_SIZE

/** Writes the header of a file whose data begins at `data`, V0 or V1; gives its size, which is `data`. */
size_t segj_commonware_encode(uint8_t block[SEGJ_COMMONWARE_V1_SIZE], uint64_t data);

/**
 * Judges a file of `file_size` bytes by its first `size`, which are V1_SIZE, or all there are. SEGJ_HEADER_NONE: the
 * file is new, and its header must be written. *data is set where the verdict is that or SEGJ_HEADER_VALID; it stays as
 * it is where a new file is too short to tell. `why` (never NULL) is set to static text unless valid.
 */
segj_header_verdict_t segj_commonware_decode(const uint8_t *block, size_t size, uint64_t file_size, uint64_t *data,
                                             const char **why);

#endif
