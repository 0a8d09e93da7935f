/*
 * oversized/open/counted.c: see the header.
 */
#include "oversized/open/counted.h"

#include "oversized/lost/gone.h"

/* What a checkpoint or a bound does without is no loss. */
static bool counted_is_missing(const segj_recovery_t *recovery, const segj_count_t *count)
{
    const oversized_checkpoint_t *checkpoint = recovery->config->checkpoint;
    bool wanted = checkpoint == NULL || (count->section >= checkpoint->oldest && count->section <= checkpoint->section);
    return count->records > 0 && wanted && !segj_is_beyond(recovery->config, count->section) &&
           !segj_recovery_has_index(recovery, count->section);
}

static const segj_recovery_plan_t *counted_plan(const segj_recovery_t *recovery, uint64_t section)
{
    size_t low = 0;
    size_t high = recovery->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (recovery->plans[middle].number < section)
            low = middle + 1;
        else
            high = middle;
    }
    return low < recovery->count && recovery->plans[low].number == section ? &recovery->plans[low] : NULL;
}

segj_status_t segj_counted_check(const segj_recovery_t *recovery)
{
    const segj_shared_t *shared = &recovery->journal->shared;
    for (size_t i = 0; i < shared->counts.count; i++)
        if (counted_is_missing(recovery, &shared->counts.list[i]))
            return segj_fail(
                SEGJ_ERR_CORRUPT,
                "%s: section %llu has no index file in %s, and %s counts %llu synced records of it (strict): "
                "bring it back from a copy, or open once without strict",
                recovery->journal->directory, (unsigned long long)shared->counts.list[i].section, shared->index.name,
                shared->counts.partition.name, (unsigned long long)shared->counts.list[i].records);
    return SEGJ_OK;
}

void segj_counted_report(const segj_recovery_t *recovery)
{
    oversized_t *journal = recovery->journal;
    const segj_counts_t *counts = &journal->shared.counts;
    for (size_t i = 0; i < counts->count; i++) {
        if (!counted_is_missing(recovery, &counts->list[i]))
            continue;
        journal->recovery.synced_records_lost += counts->list[i].records;
        journal->recovery.sections_damaged++;
        segj_shared_log(&journal->shared, SEGJ_LOG_ERROR,
                        "%s: section %llu has lost its index file, and with it %llu records that were synced",
                        journal->directory, (unsigned long long)counts->list[i].section,
                        (unsigned long long)counts->list[i].records);
    }
}

/* --- lowering --- */

static uint64_t counted_most(void *context, uint64_t section)
{
    const segj_recovery_t *recovery = context;
    const segj_recovery_plan_t *plan = counted_plan(recovery, section);
    return plan == NULL || plan->remove ? 0 : UINT64_MAX;
}

static uint64_t counted_most_after(void *context, uint64_t section)
{
    const segj_recovery_plan_t *plan = counted_plan(context, section);
    if (plan == NULL)
        return UINT64_MAX;
    return plan->remove ? 0 : plan->cut ? plan->records : UINT64_MAX;
}

static uint64_t counted_is_there(void *context, uint64_t section)
{
    return counted_plan(context, section) != NULL ? UINT64_MAX : 0;
}

/* Whether open takes records away. */
static bool counted_takes(const segj_recovery_t *recovery)
{
    bool takes = false;
    for (size_t i = 0; i < recovery->count && !takes; i++)
        takes = recovery->plans[i].remove || recovery->plans[i].cut_index;
    return takes;
}

/* The counts that tell of them are about to be lowered. */
SEGJ_UNDER_CHANGE static segj_status_t counted_note_missing(const segj_recovery_t *recovery)
{
    const segj_counts_t *counts = &recovery->journal->shared.counts;
    segj_status_t status = SEGJ_OK;
    for (size_t i = 0; i < counts->count && status == SEGJ_OK; i++)
        if (counted_is_missing(recovery, &counts->list[i]))
            status = segj_quarantine_note_missing(recovery->journal, counts->list[i].section, counts->list[i].records);
    return status;
}

segj_status_t segj_counted_lower(segj_recovery_t *recovery)
{
    segj_shared_t *shared = &recovery->journal->shared;
    segj_status_t status = SEGJ_OK;
    if (counted_takes(recovery))
        status = segj_counts_guard(shared, counted_most_after, counted_is_there, recovery);
    if (status == SEGJ_OK)
        status = counted_note_missing(recovery);
    return status == SEGJ_OK ? segj_counts_lower(shared, counted_most, recovery) : status;
}
