/*
 * oversized/recover.h: what open makes of what it finds. verdict.c reads and decides, one section at a time; recover.c
 * puts the verdicts together, and acts on them only when all are reached.
 */
#ifndef SEGJ_OVERSIZED_RECOVER_H
#define SEGJ_OVERSIZED_RECOVER_H

#include "oversized/journal.h"

/** A section's verdict. */
typedef struct segj_plan {
    uint64_t number;
    segj_section_t *section; /* owned until it goes into the table */
    uint64_t index_size;     /* of the files as found */
    uint64_t value_size;     /* 0: missing */
    segj_mark_t marks[2];    /* as found */
    uint64_t watermark;      /* W as found */
    uint64_t exist;          /* whole records that the index has, readable or not */
    uint64_t records, end;   /* what stays */
    uint64_t watermark_end;  /* where the values of the first W records end; of those that stay where they are fewer */
    uint16_t last_length;    /* valid bytes of the last page that stays */
    bool value_there;        /* the values file is listed */
    bool index_valid, value_valid; /* the headers are */
    bool cut;                      /* something lies behind what stays */
    bool clean;                    /* nothing is to be done */
    bool remove;                   /* a checkpoint does without it */
    bool restored;                 /* a checkpoint has shortened it */
} segj_plan_t;

/** Memory and counts of one open. */
typedef struct segj_scan {
    oversized_t *journal;
    uint8_t *pages; /* physical pages, read in one go */
    size_t capacity, loaded;
    uint64_t first;
    uint64_t known; /* the page verified last, so that its records do not verify it again each */
    uint16_t known_length;
    uint8_t *record;
    uint8_t *window; /* of a values file */
    size_t window_size;
    uint64_t window_offset;
    size_t window_loaded;
    uint64_t verified;
} segj_scan_t;

SEGJ_MUST_CHECK segj_status_t segj_scan_init(segj_scan_t *scan, oversized_t *journal);
void segj_scan_free(segj_scan_t *scan);

/** Judges a section; plan->section and plan->value_there are set. Nothing is written. */
SEGJ_MUST_CHECK segj_status_t segj_verdict(segj_scan_t *scan, segj_plan_t *plan);

/** Makes the verdict end at `records`, which are no more than it has: for a checkpoint. */
SEGJ_MUST_CHECK segj_status_t segj_verdict_shorten(segj_scan_t *scan, segj_plan_t *plan, uint64_t records);

/** The page size that the first index file with a valid header has; 0 where there is none. */
SEGJ_MUST_CHECK segj_status_t segj_scan_page_size(const segj_part_t *index, const uint64_t *sections, size_t count,
                                                  uint16_t *page_size);

/** Says whether the plan loses records that were synced. */
static inline uint64_t segj_plan_lost(const segj_plan_t *plan)
{
    return plan->records < plan->watermark ? plan->watermark - plan->records : 0;
}

/** Judges the header of a values file without an index: what is not the journal's own is not removed as its rest. */
SEGJ_MUST_CHECK segj_status_t segj_verdict_orphan(segj_scan_t *scan, uint64_t number);

/** Makes, opens and locks a partition that is not open yet. In open.c. */
SEGJ_MUST_CHECK segj_status_t segj_part_make(segj_part_t *part);

/** Recovers the sections listed (ascending) into the journal's table. */
SEGJ_MUST_CHECK segj_status_t segj_recover(oversized_t *journal, const oversized_config_t *config,
                                           const uint64_t *index, size_t index_count, const uint64_t *values,
                                           size_t value_count);

#endif
