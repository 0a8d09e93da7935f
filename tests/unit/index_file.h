/*
 * unit/index_file.h: the index file of a section (journal/fixed.h) on a rig. Its logical bytes are told by their
 * position, as in unit/blob.h.
 */
#ifndef TESTS_UNIT_INDEX_FILE_H
#define TESTS_UNIT_INDEX_FILE_H

#include "unit/rig.h"

#include "journal/fixed.h"

enum { INDEX_SECTION = 7 };

typedef struct index_file {
    rig_t *rig;
    segj_fixed_t fixed;
} index_file_t;

/** A new index file with a header, pinned; the recorder's list is empty. */
index_file_t *index_new(rig_sizes_t sizes);
void index_free(index_file_t *index);
const segj_io_file_t *index_handle(const index_file_t *index);

void index_wake(index_file_t *index);
void index_rest(index_file_t *index); /* gives up what no sync has written */
void index_append(index_file_t *index, uint64_t records);
void index_sync(index_file_t *index);
/** Appends, syncs and rests: a file of `records` records. Afterwards the recorder's list is empty. */
void index_fill(index_file_t *index, uint64_t records);

/** Reads under the state lock; what is read is right where it is SEGJ_OK. */
segj_status_t index_read(index_file_t *index, uint64_t offset, size_t size);

bytes_t index_bytes(index_file_t *index);
/** The W that the file's slots stand for, by the support's reading, and one slot of them. */
uint64_t index_watermark(index_file_t *index);
bool index_slot(index_file_t *index, unsigned slot, watermark_t *found);
/** Sets slots as another run may have left them: both valid, or `sequence` 0: absent. */
void index_set_slots(index_file_t *index, watermark_t first, watermark_t second);

#endif
