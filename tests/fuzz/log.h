/*
 * fuzz/log.h: the files of a section of version 2 of the native format as the bytes of one input, so that a fuzzer can
 * change them anywhere.
 *
 *     3 bytes     page size, entry size, how it is opened and what it is made of
 *     64 bytes    identity of the index file
 *     64 bytes    both watermark slots
 *     64 bytes    identity of the values file
 *     4 bytes     sizes of the data of both files
 *     then        the data of the index file, the data of the values file
 *
 * What headers hold beside that is zeros.
 */
#ifndef FUZZ_LOG_H
#define FUZZ_LOG_H

#include "fuzz/fuzz.h"
#include "support/log.h"
#include "support/support.h"

enum { LOG_MOST = 8000, LOG_FIELDS = 3 + 64 + 64 + 64 + 4, LOG_SECTION = 7, LOG_ENTRY_MOST = 64 };

/* How. */
enum {
    LOG_CLOSE = 1,
    LOG_ANY_PAGE_SIZE = 2,
    LOG_REWIND = 4,
    LOG_SHORT_INDEX = 8, /* the index file has the first two thirds of its header */
    LOG_NO_VALUES = 16,
    LOG_DICTIONARY = 32,       /* both files have one, and values are stored as they are or are no zstd frames */
    LOG_SPOILT_DICTIONARY = 64 /* that of the values file is damaged */
};

/** Places are offsets in the input. */
typedef struct log_image {
    const uint8_t *data;
    uint16_t page_size;
    uint32_t entry_size;
    uint8_t how;
    size_t index_identity, slots, values_identity;
    size_t index, index_size, values, values_size; /* data */
} log_image_t;

/** What can be made of any bytes; false: of too few. */
bool log_parse(const uint8_t *data, size_t size, log_image_t *image);

/** Where the data of a file begins, as its identity says. */
size_t log_data_of(const bytes_t *file, size_t usual);

/** The files, to be freed; {NULL, 0} where there is none. */
bytes_t log_index(const log_image_t *image);
bytes_t log_values(const log_image_t *image);

/** The mutation of the target, with checksums that are mended most of the time. */
size_t log_mutate(uint8_t *data, size_t size, size_t most, uint32_t seed, fuzz_mutate_t bytes);

#endif
