/*
 * oversized/tools/sizes.h: which format a journal's files have, and which sizes, found in the files alone.
 */
#ifndef SEGJ_OVERSIZED_TOOLS_SIZES_H
#define SEGJ_OVERSIZED_TOOLS_SIZES_H

#include "oversized/open/partitions.h"

/** What was found. */
typedef struct segj_sizes {
    bool known; /* the files tell; else format and sizes are those of the journal */
    segj_format_t format;
    uint16_t version; /* commonware: of the headers */
    uint32_t entry_size;
    uint16_t page_size;
    bool compressed; /* the newest section's values are */
    uint32_t sector; /* by which that one keeps them apart */
    char *evidence;  /* in a sentence, to be freed */
} segj_sizes_t;

/** Finds the sizes of the files listed; they become the journal's, whose partitions are open and which nothing else
 *  uses. */
SEGJ_MUST_CHECK segj_status_t segj_sizes_find(oversized_t *journal, const segj_listing_t *listing, segj_sizes_t *sizes);

/** Whether a failure may be a writer's work of the moment: a file was removed, or has become shorter. */
bool segj_failed_in_passing(segj_status_t status);

#endif
