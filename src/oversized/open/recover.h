/*
 * oversized/open/recover.h: puts the verdicts of all sections together, and acts on them only when all are reached.
 */
#ifndef SEGJ_OVERSIZED_OPEN_RECOVER_H
#define SEGJ_OVERSIZED_OPEN_RECOVER_H

#include "oversized/open/partitions.h"
#include "oversized/open/scan.h"
#include "oversized/section/plan.h"

/** A recovery under way. */
typedef struct segj_recovery {
    oversized_t *journal;
    const oversized_config_t *config;
    segj_scan_t scan;
    segj_recovery_plan_t *plans;
    size_t count;
    const uint64_t *values; /* listed in the values partition, ascending */
    size_t value_count;
    size_t index_count;     /* listed in the index partition */
    uint64_t *orphans;      /* of each of `values`, the bytes of data that go with it for want of an index; or NULL */
    size_t removed_orphans; /* with those that hold nothing */
    size_t rebuilt;         /* plans whose index file is missing */
    bool removing;          /* a removal of sections was cut off */
    bool begun;             /* something has been changed */
    bool partitions_made;   /* and nothing else has been done */
} segj_recovery_t;

/** Whether a section lies beyond the bound of an open. */
static inline bool segj_is_beyond(const oversized_config_t *config, uint64_t number)
{
    return config->bound != NULL && number > config->bound->section;
}

/** Whether a section has an index file, or gets one again. */
static inline bool segj_recovery_has_index(const segj_recovery_t *recovery, uint64_t number)
{
    size_t low = 0;
    size_t high = recovery->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (recovery->plans[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < recovery->count && recovery->plans[low].number == number;
}

/** SEGJ_ERR_MISMATCH: no values file is there, beside several sections (`synced`) whose values were synced, or one of
 *  version 2 (`logs`). */
SEGJ_MUST_CHECK segj_status_t segj_recovery_check_mounted(const segj_shared_t *shared, size_t value_count,
                                                          uint64_t synced, uint64_t logs);

/** Adds a section's plan to the journal's report. */
void segj_recovery_count(oversized_t *journal, const segj_recovery_plan_t *plan);

/** Acts on the verdicts. A failure before recovery->begun has changed nothing. Under the change lock. */
SEGJ_MUST_CHECK SEGJ_UNDER_CHANGE segj_status_t segj_recovery_act(segj_recovery_t *recovery);

/** Recovers the sections listed (ascending) into the journal's table. *partitions_made: one was missing, and nothing
 *  else has been done; the caller lists and recovers what is in them now. */
SEGJ_MUST_CHECK segj_status_t segj_recover(oversized_t *journal, const oversized_config_t *config,
                                           const segj_listing_t *listing, bool *partitions_made);

#endif
