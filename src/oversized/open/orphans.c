/*
 * oversized/open/orphans.c: see the header.
 *
 * A crash leaves values without an index file where a removal was under way, and where a section was being made. Of
 * version 1 that is all that can be told, and all are removed. In version 2 a removal leaves a mark
 * (journal/removing.h). Without it, values with records have lost their index file, or a crash has taken it in the
 * making, with records that no sync had acknowledged: either way nothing is lost by making it again.
 */
#include "oversized/open/orphans.h"

#include <stdlib.h>

#include "oversized/open/verdict.h"
#include "oversized/section/section.h"

/* What a checkpoint or a bound removes anyway is no loss. */
static bool is_wanted(const segj_recovery_t *recovery, uint64_t number)
{
    const oversized_checkpoint_t *checkpoint = recovery->config->checkpoint;
    return !segj_is_beyond(recovery->config, number) &&
           (checkpoint == NULL || (number >= checkpoint->oldest && number <= checkpoint->section));
}

/* Whether an index is made again where there are records. */
static bool is_rebuilding(const segj_recovery_t *recovery)
{
    oversized_orphans_t orphans = recovery->config->orphans;
    return recovery->journal->shared.format == SEGJ_FORMAT_NATIVE &&
           (orphans == OVERSIZED_ORPHANS_REBUILD || (orphans == OVERSIZED_ORPHANS_JUDGE && !recovery->removing));
}

/* --- judging --- */

segj_status_t segj_orphan_look(segj_scan_t *scan, segj_recovery_plan_t *plan, uint64_t *data, bool *there)
{
    bool log = false;
    *there = false;
    segj_status_t status = segj_verdict_orphan(scan, plan->number, data, &log);
    if (status != SEGJ_OK || !log || *data == 0)
        return status;
    plan->index_missing = plan->value_there = true;
    status = segj_verdict(scan, plan);
    *there = status == SEGJ_OK && plan->records > 0;
    return status;
}

/* So many bytes go with a file. */
static segj_status_t note_orphan(segj_recovery_t *recovery, size_t at, uint64_t data)
{
    recovery->journal->recovery.orphan_sections_removed++;
    recovery->removed_orphans++;
    if (data == 0)
        return SEGJ_OK;
    if (recovery->orphans == NULL)
        recovery->orphans = calloc(recovery->value_count, sizeof *recovery->orphans);
    if (recovery->orphans == NULL)
        return segj_fail_memory(recovery->value_count * sizeof *recovery->orphans);
    recovery->orphans[at] = data;
    return SEGJ_OK;
}

segj_status_t segj_orphan_judge(segj_recovery_t *recovery, size_t at)
{
    uint64_t data = 0;
    bool there = false;
    bool log;
    if (segj_is_beyond(recovery->config, recovery->values[at]))
        return SEGJ_OK;
    if (!is_rebuilding(recovery)) {
        segj_status_t status = segj_verdict_orphan(&recovery->scan, recovery->values[at], &data, &log);
        return status == SEGJ_OK ? note_orphan(recovery, at, data) : status;
    }
    segj_recovery_plan_t *plan = &recovery->plans[recovery->count];
    plan->number = recovery->values[at];
    segj_status_t status = segj_section_new(recovery->journal, plan->number, &plan->section);
    if (status != SEGJ_OK)
        return status;
    status = segj_orphan_look(&recovery->scan, plan, &data, &there);
    if (status == SEGJ_OK && there) {
        recovery->count++;
        recovery->rebuilt++;
        return SEGJ_OK;
    }
    segj_lock(&recovery->journal->shared.state);
    segj_section_release_locked(recovery->journal, plan->section);
    segj_unlock(&recovery->journal->shared.state);
    *plan = (segj_recovery_plan_t){0};
    return status == SEGJ_OK ? note_orphan(recovery, at, data) : status;
}

/* --- what is refused --- */

segj_status_t segj_orphans_check_mounted(const segj_shared_t *shared, size_t index_count, uint64_t orphans)
{
    if (index_count > 0 || orphans == 0)
        return SEGJ_OK;
    return segj_fail(SEGJ_ERR_MISMATCH,
                     "%s/%s holds no section, while %s holds records of %llu: mount or bring back that partition; or "
                     "open once with config.orphans OVERSIZED_ORPHANS_REBUILD, which makes the index again from the "
                     "values, or with OVERSIZED_ORPHANS_REMOVE, which removes them",
                     shared->index.directory, shared->index.name, shared->values.name, (unsigned long long)orphans);
}

/* With `strict`: what a user may miss. What a removal was cut off from is none of that. */
static segj_status_t check_strictly(const segj_recovery_t *recovery)
{
    const segj_io_partition_t *values = &recovery->journal->shared.values;
    for (size_t i = 0; recovery->orphans != NULL && i < recovery->value_count; i++)
        if (recovery->orphans[i] > 0 && is_wanted(recovery, recovery->values[i]))
            return segj_fail(
                SEGJ_ERR_CORRUPT,
                "%s/%s/%016llx holds %llu bytes of data and has no index file in %s (strict): bring that back "
                "from a copy, or open once without strict, which removes what a removal or a power cut has left",
                values->directory, values->name, (unsigned long long)recovery->values[i],
                (unsigned long long)recovery->orphans[i], recovery->journal->shared.index.name);
    return SEGJ_OK;
}

segj_status_t segj_orphans_check(const segj_recovery_t *recovery)
{
    const oversized_config_t *config = recovery->config;
    segj_status_t status = SEGJ_OK;
    if (config->orphans == OVERSIZED_ORPHANS_JUDGE)
        status = segj_orphans_check_mounted(&recovery->journal->shared, recovery->index_count, recovery->rebuilt);
    bool strictly = config->strict && config->orphans == OVERSIZED_ORPHANS_JUDGE && !recovery->removing;
    return status == SEGJ_OK && strictly ? check_strictly(recovery) : status;
}

/* --- what is said --- */

static void report_rebuilt(const segj_recovery_t *recovery)
{
    const segj_shared_t *shared = &recovery->journal->shared;
    for (size_t i = 0; i < recovery->count; i++) {
        const segj_recovery_plan_t *plan = &recovery->plans[i];
        if (plan->index_missing && !plan->remove)
            segj_shared_log(shared, SEGJ_LOG_WARNING, "%s/%s/%016llx is missing, and %s made again from %llu records",
                            shared->index.directory, shared->index.name, (unsigned long long)plan->number,
                            recovery->config->read_only ? "would be" : "is", (unsigned long long)plan->records);
    }
}

void segj_orphans_report(const segj_recovery_t *recovery)
{
    const segj_io_partition_t *values = &recovery->journal->shared.values;
    for (size_t i = 0; recovery->orphans != NULL && i < recovery->value_count; i++)
        if (recovery->orphans[i] > 0)
            segj_shared_log(&recovery->journal->shared, SEGJ_LOG_WARNING,
                            "%s/%s/%016llx has no index file and %s, with %llu bytes of data", values->directory,
                            values->name, (unsigned long long)recovery->values[i],
                            recovery->config->read_only ? "would be removed" : "is removed",
                            (unsigned long long)recovery->orphans[i]);
    if (recovery->rebuilt > 0)
        report_rebuilt(recovery);
}
