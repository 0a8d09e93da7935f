/*
 * oversized/tools/index_reader.h: records of an index file that may be damaged, in the order of their positions. A
 * record is there where each of its pages is valid that far.
 */
#ifndef SEGJ_OVERSIZED_TOOLS_INDEX_READER_H
#define SEGJ_OVERSIZED_TOOLS_INDEX_READER_H

#include "oversized/tools/salvage_input.h"
#include "segjournal/oversized.h"

typedef struct segj_index_reader {
    segj_salvage_input_t *input; /* borrowed */
    segj_checksum_kind_t checksum;
    uint64_t binding;
    uint16_t page_size;
    uint32_t record_size;
    uint64_t records; /* that the file has room for; where its last page is valid, that it has */
    bool complete;    /* the last page is valid */
    uint64_t page;    /* verified last; UINT64_MAX: none */
    uint16_t valid;   /* bytes of it */
    uint8_t *record;  /* of record_size bytes */
} segj_index_reader_t;

/** Begins with a file; segj_index_reader_free() ends it, after a failure too. */
SEGJ_MUST_CHECK segj_status_t segj_index_reader_init(segj_index_reader_t *reader, segj_salvage_input_t *input,
                                                     segj_checksum_kind_t checksum, uint64_t binding,
                                                     uint16_t page_size, uint32_t record_size);
void segj_index_reader_free(segj_index_reader_t *reader);

/** Reads a record; false: it is not there. Its entry is at the beginning of reader->record. */
bool segj_index_reader_read(segj_index_reader_t *reader, uint64_t number, oversized_location_t *location);

#endif
