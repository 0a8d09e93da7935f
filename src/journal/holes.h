/*
 * journal/holes.h: a damaged page of an index file that has pages after it. Newer releases of the commonware format's
 * reference cut a section there, and so drop all records after it (FORMAT.md, "A damaged page before the last").
 */
#ifndef SEGJ_JOURNAL_HOLES_H
#define SEGJ_JOURNAL_HOLES_H

#include "journal/shared.h"

/** The first page before the last that is not valid to its end. */
typedef struct segj_hole {
    bool found;
    uint64_t page;
    uint64_t offset;  /* of the page in the file */
    uint64_t records; /* whole ones before the damage */
} segj_hole_t;

/** Looks through the index of a section that has `records` records, which a file open for reading or writing holds. */
SEGJ_MUST_CHECK segj_status_t segj_hole_find(const segj_shared_t *shared, const segj_io_file_t *file, uint64_t records,
                                             segj_hole_t *hole);

#endif
