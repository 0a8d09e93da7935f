/*
 * oversized/open/checkpoint.c: what an open at a checkpoint keeps: nothing below its oldest section, nothing above its
 * section, and of that the checkpoint's records. A journal that lacks any of it is refused.
 */
#include "oversized/open/checkpoint.h"

#include "oversized/open/verdict.h"

static segj_status_t no_checkpoint(const oversized_t *journal, uint64_t section, const char *why)
{
    return segj_fail(SEGJ_ERR_CORRUPT, "%s: the checkpoint cannot be restored: section %llu %s", journal->directory,
                     (unsigned long long)section, why);
}

static segj_status_t fewer_records(const oversized_t *journal, const segj_recovery_plan_t *plan, uint64_t records)
{
    segj_status_t status = no_checkpoint(journal, plan->number, "holds");
    segj_say_after(" %llu records, fewer than the checkpoint's %llu records", (unsigned long long)plan->records,
                   (unsigned long long)records);
    return status;
}

/* A section below the checkpoint's was complete when the checkpoint was made. */
static segj_status_t check_complete(const oversized_t *journal, const segj_recovery_plan_t *plan)
{
    if (plan->cut)
        return no_checkpoint(journal, plan->number, "is not complete: bytes lie after its records");
    if (segj_plan_lost(plan) > 0)
        return no_checkpoint(journal, plan->number, "has lost records");
    return SEGJ_OK;
}

/* Values without an index: below the first index section they are the rest of a prune, elsewhere a section is
 * missing. */
static segj_status_t check_values_paired(const segj_recovery_t *recovery, const oversized_checkpoint_t *checkpoint)
{
    uint64_t first = UINT64_MAX;
    for (size_t i = recovery->count; i-- > 0;)
        if (recovery->plans[i].number >= checkpoint->oldest)
            first = recovery->plans[i].number;
    for (size_t i = 0; i < recovery->value_count; i++) {
        uint64_t number = recovery->values[i];
        if (number >= checkpoint->oldest && number < checkpoint->section && number >= first &&
            !segj_recovery_has_index(recovery, number))
            return no_checkpoint(recovery->journal, number, "has values and no index");
    }
    return SEGJ_OK;
}

segj_status_t segj_checkpoint_apply(segj_recovery_t *recovery, const oversized_checkpoint_t *checkpoint)
{
    const oversized_t *journal = recovery->journal;
    uint64_t records = checkpoint->index_size / journal->shared.record_size;
    bool found = false;
    segj_status_t status = SEGJ_OK;
    for (size_t i = 0; i < recovery->count && status == SEGJ_OK; i++) {
        segj_recovery_plan_t *plan = &recovery->plans[i];
        uint64_t number = plan->number;
        plan->remove = number < checkpoint->oldest || number > checkpoint->section;
        if (plan->remove || number == checkpoint->section)
            plan->waived = segj_plan_lost(plan);
        if (plan->remove)
            continue;
        if (number < checkpoint->section) {
            status = check_complete(journal, plan);
        } else {
            found = true;
            status = plan->records < records ? fewer_records(journal, plan, records)
                                             : segj_verdict_shorten(&recovery->scan, plan, records);
            plan->restored = true;
        }
    }
    if (status == SEGJ_OK && !found && records > 0)
        status = no_checkpoint(journal, checkpoint->section, "does not exist");
    return status == SEGJ_OK ? check_values_paired(recovery, checkpoint) : status;
}
