/*
 * journal/counts.h: the third partition of an archive of commonware-storage 2026.9.0 or later, beside the index and the
 * values: how many records of each section were synced, in two copies of which one is written at a time (FORMAT.md,
 * "Counts of an archive"). That program refuses a journal that has less than its counts. So they are lowered, durably,
 * before anything goes that they count; and what is missing of them was synced and is lost.
 */
#ifndef SEGJ_JOURNAL_COUNTS_H
#define SEGJ_JOURNAL_COUNTS_H

#include "base/guard.h"
#include "journal/counts_format.h"
#include "storage/io.h"

typedef struct segj_shared segj_shared_t;

typedef struct segj_counts {
    segj_io_partition_t partition; /* closed: the journal has none */
    char *name;                    /* of it */
    segj_count_t *list;            /* ascending by section */
    segj_count_t *spare;           /* as many: what they become, so that a change that has begun needs no memory */
    uint8_t *bytes;                /* and these as a copy */
    size_t count;
    uint64_t version; /* of the copy that counts */
    uint64_t data[2]; /* where the data of each copy begins */
    unsigned newest;  /* the copy that counts */
    bool whole[2];    /* their headers are valid */
    bool there[2];    /* their files are */
    bool synced;      /* the copy that counts was synced by this process */
    bool ruled_out;   /* there is none: the configuration says so, or it was looked for */
} segj_counts_t;

/** Gives the most records of a section that stay; 0: none, or the section goes; UINT64_MAX: it stays as it is. */
typedef uint64_t segj_counts_most_t(void *context, uint64_t section);

/** Opens the partition of this name, locks it, and reads the counts; NULL and "": there is none to open. A partition
 *  that is missing is SEGJ_ERR_MISMATCH where the journal has sections, else there are no counts. */
SEGJ_MUST_CHECK segj_status_t segj_counts_open(segj_shared_t *shared, const char *name, bool read_only,
                                               bool has_sections);

/** The count of a section; 0: none. */
uint64_t segj_counts_of(const segj_counts_t *counts, uint64_t section);

/** Lowers the counts to what stays, durably; before anything goes. Where it fails the counts are what they were, or
 *  lower; a sync that fails poisons the journal, because the copy that counts may be gone. Under the change lock, or in
 *  open. */
SEGJ_MUST_CHECK SEGJ_UNDER_CHANGE_ALONE segj_status_t segj_counts_lower(segj_shared_t *shared, segj_counts_most_t *most,
                                                                        void *context);

/** Where the configuration does not name the partition: looks for one in the directory whose sections are all the
 *  journal's (is_there), and that counts more than what stays. SEGJ_ERR_MISMATCH: there is one. */
SEGJ_MUST_CHECK SEGJ_UNDER_CHANGE_ALONE segj_status_t segj_counts_guard(segj_shared_t *shared, segj_counts_most_t *most,
                                                                        segj_counts_most_t *is_there, void *context);

void segj_counts_free(segj_counts_t *counts);

#endif
