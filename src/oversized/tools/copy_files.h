/*
 * oversized/tools/copy_files.h: a section that is copied from its files, beside a process that has the journal open
 * (DESIGN.md, "Copies"). No lock is taken, and nothing is written.
 */
#ifndef SEGJ_OVERSIZED_TOOLS_COPY_FILES_H
#define SEGJ_OVERSIZED_TOOLS_COPY_FILES_H

#include "oversized/open/scan.h"
#include "oversized/tools/copy_source.h"

/** Both slots of an index file. */
typedef struct segj_copy_slots {
    uint8_t bytes[2][SEGJ_SLOT_SIZE_2];
} segj_copy_slots_t;

SEGJ_MUST_CHECK segj_status_t segj_copy_slots_read(const segj_io_file_t *index, segj_copy_slots_t *slots);

/** Version 1: another one when a cut has begun, and when it has ended; odd while it is under way. */
uint64_t segj_copy_slots_stamp(uint64_t number, const segj_copy_slots_t *slots);

/** Whether the name of an open file still stands for it. What others have written until now is seen after it. */
SEGJ_MUST_CHECK segj_status_t segj_copy_files_named(const segj_io_file_t *file, bool *there);

/** How a section is read that is copied from its files. */
extern const segj_copy_reads_t segj_copy_files_reads;

/**
 * Looks at the files of a section, and notes what an open would keep of it. SEGJ_END: it is not there, or is being made
 * and has no record yet. A writer may be at work, so what may come of that is looked at again. `wait` is called before
 * that, and may end it. Of version 1 the index file stays open: its name tells whether the section is still that one.
 *
 * SEGJ_ERR_BUSY: it is cut again and again, or a cut has begun and does not end. SEGJ_ERR_CORRUPT, SEGJ_ERR_MISMATCH:
 * damage, also where an open would do with what is left of synced records.
 */
segj_status_t segj_copy_files_look(oversized_t *journal, segj_scan_t *scan, uint64_t number,
                                   segj_status_t (*wait)(void *context), void *context, segj_copy_source_t *source);

/** Whether the section that was copied is there, and begins with what was noted. */
SEGJ_MUST_CHECK segj_status_t segj_copy_files_current(const segj_copy_source_t *source, bool *current);

/** Closes what a look has left open. */
void segj_copy_files_drop(segj_copy_source_t *source);

#endif
