/*
 * oversized/open/recover_act.c: what recovery changes, once every verdict is reached: names are synced, what is to go
 * is removed, what would be lost is set aside, and sections are repaired, in this order (DESIGN.md, "Open").
 */
#include "base/bytes.h"
#include "journal/removing.h"
#include "oversized/lost/set_aside.h"
#include "oversized/open/counted.h"
#include "oversized/open/recover.h"
#include "oversized/open/repair.h"
#include "oversized/section/section.h"

/* Before index files go, and before values that may hold records of version 2: so that a crash in between is known. */
static segj_status_t mark_removal(segj_recovery_t *recovery)
{
    segj_shared_t *shared = &recovery->journal->shared;
    bool indexes = false;
    bool logs = shared->native_version == 2;
    bool unknown;
    for (size_t i = 0; i < recovery->count; i++) {
        indexes = indexes || recovery->plans[i].remove;
        logs = logs || segj_section_is_log(recovery->plans[i].section);
    }
    bool orphans = recovery->removed_orphans > 0 && recovery->config->orphans == OVERSIZED_ORPHANS_REMOVE;
    if (shared->format != SEGJ_FORMAT_NATIVE || !((indexes && logs) || orphans))
        return SEGJ_OK;
    recovery->begun = true;
    return segj_removal_begin(shared, &unknown);
}

/* What a checkpoint does without, and then values without an index; each kind after its own barrier. */
static segj_status_t remove_files(segj_recovery_t *recovery)
{
    const segj_shared_t *shared = &recovery->journal->shared;
    segj_status_t status = SEGJ_OK;
    bool removed = false;
    for (size_t i = 0; i < recovery->count && status == SEGJ_OK; i++) {
        if (!recovery->plans[i].remove)
            continue;
        recovery->begun = true;
        status = segj_partition_unlink(&shared->index, recovery->plans[i].number);
        removed = true;
    }
    if (status == SEGJ_OK && removed)
        status = segj_partition_sync(&shared->index);
    size_t at = 0;
    bool changed = false;
    for (size_t i = 0; i < recovery->value_count && status == SEGJ_OK; i++) {
        uint64_t number = recovery->values[i];
        while (at < recovery->count && recovery->plans[at].number < number)
            at++;
        bool indexed = at < recovery->count && recovery->plans[at].number == number;
        if (indexed && !recovery->plans[at].remove)
            continue;
        recovery->begun = true;
        status = segj_partition_unlink(&shared->values, number);
        changed = true;
    }
    return status == SEGJ_OK && changed ? segj_partition_sync(&shared->values) : status;
}

/* The names were synced: a mark that was found is durable, and so is the removal of the files that are gone. */
static segj_status_t remove_sections(segj_recovery_t *recovery)
{
    segj_shared_t *shared = &recovery->journal->shared;
    shared->removal_marked = recovery->removing;
    segj_status_t status = mark_removal(recovery);
    if (status == SEGJ_OK)
        status = remove_files(recovery);
    recovery->begun = recovery->begun || shared->removal_marked;
    if (status == SEGJ_OK)
        segj_removal_end(shared);
    /* One that was found is not to come back and tell of files that are lost later. */
    return status == SEGJ_OK && recovery->removing ? segj_partition_sync(&shared->values) : status;
}

static const segj_recovery_plan_t *newest_kept(const segj_recovery_t *recovery)
{
    size_t at = recovery->count;
    while (at > 0 && recovery->plans[at - 1].remove)
        at--;
    return at > 0 ? &recovery->plans[at - 1] : NULL;
}

/* Names that a killed process made or removed are durable only from here on. The directory's own name, and its
 * partitions', were so before the first section was made; a section with a watermark tells that this was done. */
static segj_status_t sync_names(segj_recovery_t *recovery)
{
    segj_shared_t *shared = &recovery->journal->shared;
    bool names_durable = false;
    for (size_t i = 0; i < recovery->count && !names_durable && shared->format == SEGJ_FORMAT_NATIVE; i++)
        names_durable = recovery->plans[i].watermark > 0;
    segj_status_t status = segj_partition_sync(&shared->index);
    if (status == SEGJ_OK)
        status = segj_partition_sync(&shared->values);
    if (status == SEGJ_OK && !names_durable)
        status = segj_partition_sync_directory(&shared->index);
    return status;
}

/*
 * Whether there is nothing to do, not even for names: every section is as a completed sync has left it, and its names
 * were durable before, which only a watermark above 0 tells. What was removed is durably gone: index files go, durably,
 * before their values files, so that a removal that was cut off shows values without an index, or the mark that was
 * made before. Only such values may come back, once they are removed in their turn; `names_inherited` keeps their names
 * from being given to other files before that is durable.
 */
static bool nothing_to_do(const segj_recovery_t *recovery)
{
    bool clean = recovery->journal->shared.format == SEGJ_FORMAT_NATIVE && recovery->count > 0 &&
                 recovery->count == recovery->value_count && !recovery->removing;
    for (size_t i = 0; i < recovery->count && clean; i++)
        clean = recovery->plans[i].clean && !recovery->plans[i].remove && recovery->plans[i].watermark > 0;
    return clean;
}

/* A section for whose repair the storage has no room stays as it is, and is repaired when it is changed or synced. */
SEGJ_UNDER_CHANGE static segj_status_t repair_or_wait(segj_recovery_t *recovery, segj_recovery_plan_t *plan)
{
    oversized_t *journal = recovery->journal;
    bool waits = segj_plan_unwanted_loss(plan) > 0 && !plan->noted;
    const char *wanted = !waits                             ? "repair"
                         : recovery->config->quarantine > 0 ? "set aside what is lost of"
                                                            : "note what is lost of";
    segj_status_t status = SEGJ_ERR_NO_SPACE;
    if (!waits)
        status = plan->clean ? segj_repair_sync_found(&recovery->scan, plan) : segj_repair(&recovery->scan, plan);
    recovery->begun = recovery->begun || plan->begun;
    if (status != SEGJ_ERR_NO_SPACE)
        return status;
    segj_shared_log(&journal->shared, SEGJ_LOG_WARNING,
                    "%s: there is no room to %s section %llu: until it is changed or synced, what it shows may go in a "
                    "power cut, but for what was synced before, and what is after its end may come back (%s)",
                    journal->directory, wanted, (unsigned long long)plan->number, segj_last_error());
    plan->section->unrepaired = plan;
    journal->unrepaired++;
    journal->recovery.sections_unrepaired++;
    return SEGJ_OK;
}

/* A section was repaired, or needed no repair. */
static void tell_of_repair(const segj_recovery_t *recovery, size_t done)
{
    segj_telling_t *telling = recovery->journal->telling;
    if (telling == NULL)
        return;
    telling->now.sections_done = done;
    telling->now.records_done += recovery->plans[done - 1].records;
    (void)segj_tell(telling, false);
}

SEGJ_UNDER_CHANGE static segj_status_t repair_sections(segj_recovery_t *recovery)
{
    bool native = recovery->journal->shared.format == SEGJ_FORMAT_NATIVE;
    const segj_recovery_plan_t *newest = native ? NULL : newest_kept(recovery);
    segj_status_t status = SEGJ_OK;
    for (size_t i = 0; i < recovery->count && status == SEGJ_OK; i++) {
        segj_recovery_plan_t *plan = &recovery->plans[i];
        if (!plan->remove && (!plan->clean || plan == newest))
            status = repair_or_wait(recovery, plan);
        tell_of_repair(recovery, i + 1);
    }
    return status;
}

/* What is to go goes first: on a storage that is full it makes the room that the repairs want. */
segj_status_t segj_recovery_act(segj_recovery_t *recovery)
{
    segj_assert_held(&recovery->journal->change);
    segj_shared_t *shared = &recovery->journal->shared;
    recovery->journal->names_inherited = nothing_to_do(recovery);
    if (recovery->journal->names_inherited)
        return SEGJ_OK;
    recovery->partitions_made = shared->index.opened == NULL || shared->values.opened == NULL;
    if (recovery->partitions_made)
        return segj_partitions_make(shared);
    segj_status_t status = sync_names(recovery);
    if (status == SEGJ_OK)
        status = segj_counted_lower(recovery);
    if (status == SEGJ_OK)
        status = remove_sections(recovery);
    if (status == SEGJ_OK)
        status = segj_quarantine_keep(recovery->journal, recovery->plans, recovery->count);
    return status == SEGJ_OK ? repair_sections(recovery) : status;
}
