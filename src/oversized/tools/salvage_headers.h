/*
 * oversized/tools/salvage_headers.h: what the headers of a section's files say, as far as they are there, and what the
 * section may therefore be. Where headers are lost, or say something else than names and neighbours, there are several
 * answers, of which the one counts by which something verifies.
 */
#ifndef SEGJ_OVERSIZED_TOOLS_SALVAGE_HEADERS_H
#define SEGJ_OVERSIZED_TOOLS_SALVAGE_HEADERS_H

#include "journal/header_format.h"
#include "oversized/tools/salvage_input.h"
#include "segjournal/oversized.h"

/** What a section may be. */
typedef struct segj_guess {
    uint8_t version; /* of the native format, 1 or 2; 0: commonware */
    uint64_t binding;
    uint16_t page_size;
    uint32_t record_size;
    uint64_t index_data, values_data;
    segj_dictionary_id_t dictionary;
    uint32_t sector;
} segj_guess_t;

#define SEGJ_GUESSES 8

/** What is known of all sections. */
typedef struct segj_sizes_found {
    segj_format_t format;
    bool known;
    uint16_t page_size;
    uint32_t entry_size;
    bool tells_compression; /* `compressed` goes for sections whose files do not tell */
    bool compressed;
} segj_sizes_found_t;

/** What the headers of a section say. */
typedef struct segj_salvage_headers {
    segj_guess_t guesses[SEGJ_GUESSES];
    size_t count;
    unsigned headers; /* of the native format that are there */
    bool tells_compression;
    bool compressed;
} segj_salvage_headers_t;

/** Reads the headers; the inputs are left with their data at 0. */
void segj_salvage_headers_read(segj_salvage_headers_t *seen, const segj_sizes_found_t *sizes, uint64_t section,
                               segj_salvage_input_t *index, segj_salvage_input_t *values);

/** Reads an identity at the beginning of a file, whatever follows its fields; false: there is none. */
bool segj_salvage_headers_identity(const uint8_t *bytes, size_t size, segj_identity_t *identity);

/** Marks of an index file. Of those that are valid, `counts` is the one that says what was synced; or -1. */
typedef struct segj_salvage_headers_marks {
    segj_mark_t marks[2];
    int counts;
} segj_salvage_headers_marks_t;

/** Reads them; the index input has its data at 0. */
void segj_salvage_headers_read_marks(segj_salvage_headers_marks_t *found, const segj_guess_t *guess,
                                     segj_salvage_input_t *index);

#endif
