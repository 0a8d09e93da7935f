/*
 * crash/raw.h: what a section's two files hold, judged by decoders of their own (support/support.h): how many records
 * there are from the first on that are whole, lie in a row, and whose values' checksums are right. After a crash that
 * is what open must find, neither less nor more. In the commonware format it is the reference's rule that says how many
 * there are.
 */
#ifndef CRASH_RAW_H
#define CRASH_RAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "segjournal/oversized.h"

typedef struct raw_section {
    segj_format_t format;
    bool log; /* version 2 */
    uint64_t section;
    const uint8_t *index, *values; /* the files' bytes; values may be NULL */
    uint64_t index_size, values_size;
    uint16_t page_size;
    uint32_t entry_size;
} raw_section_t;

/** Whole records; *end, where the last one's frame ends. */
uint64_t raw_records(const raw_section_t *raw, uint64_t *end);

/** Whether the values file has nothing after frames that end there, but zeros that end a sector. */
bool raw_values_end(const raw_section_t *raw, uint64_t end);

/** Whether one of the files has a header of version 2. */
bool raw_is_log(const raw_section_t *raw);

/** Whether the index file has a header; native format. */
bool raw_has_identity(const raw_section_t *raw);

/** Bytes of an index file that holds so many records and nothing else. */
uint64_t raw_index_size(const raw_section_t *raw, uint64_t records);

#endif
