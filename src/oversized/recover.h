/*
 * oversized/recover.h: what open makes of what it finds. verdict.c reads and decides, one section at a time, with
 * verdict_commonware.c for that format; recover.c puts the verdicts together, and acts on them only when all are
 * reached.
 */
#ifndef SEGJ_OVERSIZED_RECOVER_H
#define SEGJ_OVERSIZED_RECOVER_H

#include "oversized/scan.h"

/** A section's verdict. */
typedef struct segj_plan {
    uint64_t number;
    segj_section_t *section; /* owned until it is adopted */
    uint64_t index_size;     /* of the files as found */
    uint64_t value_size;     /* 0: missing */
    segj_mark_t marks[2];    /* as found */
    uint64_t watermark;      /* W as found */
    uint64_t exist;          /* whole records that the index has, readable or not */
    uint64_t records, end;   /* what stays */
    uint64_t watermark_end;  /* where the values of the first W records end; of those that stay where they are fewer */
    uint16_t last_length;    /* valid bytes of the last page that stays */
    bool value_there;        /* the values file is listed */
    bool keep;               /* its files stay open where it is clean: it is the newest, and will be wanted */
    bool index_valid, value_valid; /* the headers are */
    bool cut_index;                /* something lies behind the records that stay */
    bool cut;                      /* or behind their values */
    bool clean;                    /* nothing is to be done */
    bool remove;                   /* a checkpoint does without it */
    bool restored;                 /* a checkpoint has shortened it */
    bool noted;                    /* what it has lost is set aside, and in the catalogue */
    bool adopted;                  /* the section is in the table */
    bool begun;                    /* its repair has changed something */
    bool settled;                  /* it has been made durable */
    bool values_made;              /* by its repair, and its name is durable when that has ended */
} segj_plan_t;

/** Judges a section; plan->section and plan->value_there are set. Nothing is written. */
SEGJ_MUST_CHECK segj_status_t segj_verdict(segj_scan_t *scan, segj_plan_t *plan);

/* The commonware format's part, in verdict_commonware.c. Headers: *valid is false for a file that is new; file->data is
 * set then too. The verdict: everything but the comparison with what the files hold. */
SEGJ_MUST_CHECK segj_status_t segj_judge_commonware_header(segj_io_file_t *file, uint64_t file_size, bool *valid);
SEGJ_MUST_CHECK segj_status_t segj_judge_commonware(segj_scan_t *scan, segj_plan_t *plan, segj_judged_t *judged);

/** Says of a record size, behind the sentence that refuses it, what entry_size makes it. */
segj_status_t segj_say_entry_sizes(segj_status_t status, uint32_t found, uint32_t expected);

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

/** Synced records that are gone, but for those that a checkpoint does without. */
static inline uint64_t segj_plan_unwanted_loss(const segj_plan_t *plan)
{
    return plan->remove || plan->restored ? 0 : segj_plan_lost(plan);
}

/** Judges the header of a values file without an index: what is not the journal's own is not removed as its rest.
 *  *data: how many bytes it holds behind its header. */
SEGJ_MUST_CHECK segj_status_t segj_verdict_orphan(segj_scan_t *scan, uint64_t number, uint64_t *data);

/** Makes the partitions that are not open. Somebody else may have made them, and have written to them, before: they are
 *  to be opened, locked and listed next. In open.c. */
SEGJ_MUST_CHECK segj_status_t segj_parts_make(segj_env_t *env);

/** Recovers the sections listed (ascending) into the journal's table. *partitions_made: one was missing, and nothing
 *  else has been done; what is in them now is to be listed and recovered. */
SEGJ_MUST_CHECK segj_status_t segj_recover(oversized_t *journal, const oversized_config_t *config,
                                           const uint64_t *index, size_t index_count, const uint64_t *values,
                                           size_t value_count, bool *partitions_made);

#endif
