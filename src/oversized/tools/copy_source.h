/*
 * oversized/tools/copy_source.h: a section that is being copied, read beside all that is done to it. Of what is durable
 * nothing changes but by a cut or a removal, which the section's generation tells.
 */
#ifndef SEGJ_OVERSIZED_TOOLS_COPY_SOURCE_H
#define SEGJ_OVERSIZED_TOOLS_COPY_SOURCE_H

#include "oversized/section/section.h"

/** A section, as far as it was durable when it was looked at. */
typedef struct segj_copy_source {
    oversized_t *journal;
    uint64_t number, generation;
    uint64_t records;
    uint64_t bytes; /* of its pages and values, for the progress */
    /* These when it is about to be copied: */
    segj_io_file_t index, values; /* closed; what is known of the files */
    uint64_t salt;
    segj_dictionary_id_t dictionary;
    uint8_t version;
    bool compressed;
} segj_copy_source_t;

/* All answer SEGJ_END where the section has been cut or removed since; what was read is of no account then. */

/** Looks at the first section from `number` on that is there and that no removal has hidden. SEGJ_END: there is
 *  none. */
segj_status_t segj_copy_source_look(oversized_t *journal, uint64_t number, segj_copy_source_t *source);

/** Under state: notes what is durable of a section. */
void segj_copy_source_note(oversized_t *journal, const segj_section_t *section, segj_copy_source_t *source);

/** Gets ready to read. */
segj_status_t segj_copy_source_begin(segj_copy_source_t *source);

/** Where the values of the first `records` records end, and the four bytes before that (0 for no record). */
segj_status_t segj_copy_source_point(const segj_copy_source_t *source, uint64_t records, segj_point_t *at);

/** Reads the section's dictionary, which it has. One that is damaged is read as it is. */
segj_status_t segj_copy_source_dictionary(const segj_copy_source_t *source, uint8_t *to);

/** Reads bytes of values: `offset` in their data. */
segj_status_t segj_copy_source_values(const segj_copy_source_t *source, uint64_t offset, void *to, size_t size);

/** Has the storage copy bytes of values to the same place of a file; *done: how many; the caller reads the others. */
segj_status_t segj_copy_source_hand_over(const segj_copy_source_t *source, uint64_t offset, const segj_io_file_t *to,
                                         size_t size, size_t *done);

/** Reads pages as they lie in a file, each whole and checked. */
segj_status_t segj_copy_source_pages(const segj_copy_source_t *source, uint64_t first, size_t count, uint8_t *to);

#endif
