/*
 * oversized/tools/salvage_input.h: a file of a damaged journal, read through a window. What the system cannot read is
 * zeros, block by block, and counted: nothing is trusted here that has no checksum, and zeros have none that is right.
 */
#ifndef SEGJ_OVERSIZED_TOOLS_SALVAGE_INPUT_H
#define SEGJ_OVERSIZED_TOOLS_SALVAGE_INPUT_H

#include "checksum/kind.h"
#include "storage/io.h"

/** Bytes of a window: a page, or a head, always fits. */
#define SEGJ_SALVAGE_INPUT_WINDOW ((size_t)1 << 20)

/** What could not be read for want of memory alone, first of all. */
typedef struct segj_salvage_input_want {
    bool lacks;
    segj_sentence_t what;
} segj_salvage_input_want_t;

typedef struct segj_salvage_input {
    segj_io_file_t file; /* closed: there is none, and nothing in it */
    uint64_t size;       /* of the file */
    uint64_t length;     /* of its data */
    uint8_t *window;     /* SEGJ_SALVAGE_INPUT_WINDOW bytes */
    uint64_t offset;     /* of the window, in the data */
    size_t loaded;
    /* Of all files that it was opened on: */
    uint64_t unreadable;             /* bytes */
    uint64_t unreadable_files;       /* that could not be opened */
    segj_salvage_input_want_t *want; /* borrowed */
} segj_salvage_input_t;

/** Has the window. */
SEGJ_MUST_CHECK segj_status_t segj_salvage_input_init(segj_salvage_input_t *input, segj_salvage_input_want_t *want);
void segj_salvage_input_free(segj_salvage_input_t *input);

/** Opens a section's file, in place of the one before. One that is missing, or cannot be opened, has no bytes.
 *  Failures: memory, descriptors. */
SEGJ_MUST_CHECK segj_status_t segj_salvage_input_open(segj_salvage_input_t *input, const segj_io_partition_t *partition,
                                                      uint64_t section);

/** Says where the data begins. */
void segj_salvage_input_set_data(segj_salvage_input_t *input, uint64_t data);

/** Whether the data has that range. */
static inline bool segj_salvage_input_has(const segj_salvage_input_t *input, uint64_t offset, uint64_t size)
{
    return offset <= input->length && size <= input->length - offset;
}

/** A range that the data has, at most a window long. It is good until the next call. */
const uint8_t *segj_salvage_input_look(segj_salvage_input_t *input, uint64_t offset, size_t size);

/** The same of at least `least` bytes and as many more as are in the window. */
const uint8_t *segj_salvage_input_span(segj_salvage_input_t *input, uint64_t offset, size_t least, size_t *count);

/** Continues a checksum over a range that the data has. */
uint32_t segj_salvage_input_sum(segj_salvage_input_t *input, segj_checksum_kind_t kind, uint32_t crc, uint64_t offset,
                                uint64_t size);

/** Whether the data holds zeros alone from `offset` on. */
bool segj_salvage_input_is_zero(segj_salvage_input_t *input, uint64_t offset);

#endif
