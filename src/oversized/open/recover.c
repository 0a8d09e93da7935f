/*
 * oversized/open/recover.c: recovery (DESIGN.md, "Open"). First every section gets its verdict, and what a checkpoint or
 * `strict` asks is held against all of them; then the sections that are not as a close leaves them are made durable as
 * they stand (recover_act.c). A failure before the first write leaves every file as it was; a crash or a failure after
 * it leaves a state that the next open judges alike.
 */
#include "oversized/lost/quarantine.h"
#include "oversized/open/checkpoint.h"
#include "oversized/open/counted.h"
#include "oversized/open/orphans.h"
#include "oversized/open/partitions.h"
#include "oversized/open/recover.h"
#include "oversized/open/verdict.h"
#include "oversized/section/section.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"

/* --- decide --- */

static bool is_listed(const uint64_t *sections, size_t count, uint64_t number)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (sections[middle] < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && sections[low] == number;
}

/* As far as the bound lets it. */
static segj_status_t judge_within(segj_recovery_t *recovery, segj_recovery_plan_t *plan)
{
    const oversized_bound_t *bound = recovery->config->bound;
    segj_status_t status = segj_verdict(&recovery->scan, plan);
    plan->bounded = bound != NULL && bound->section == plan->number;
    if (status != SEGJ_OK || !plan->bounded)
        return status;
    plan->bound = bound->records;
    return segj_verdict_bound(&recovery->scan, plan, bound->records);
}

/* A section was looked at. */
static segj_status_t tell_of_section(const segj_recovery_t *recovery, const segj_recovery_plan_t *plan, size_t sections)
{
    segj_telling_t *telling = recovery->journal->telling;
    if (telling == NULL)
        return SEGJ_OK;
    telling->now.sections_done = recovery->count;
    telling->now.sections_total = sections;
    telling->now.records_done += plan->records;
    return segj_tell_of_open(telling, 0, false);
}

/* The last moment in which the open can be cancelled: from here on it changes files. */
static segj_status_t tell_of_verdicts(const segj_recovery_t *recovery)
{
    segj_telling_t *telling = recovery->journal->telling;
    if (telling == NULL || recovery->count == 0)
        return SEGJ_OK;
    telling->now.bytes_total = telling->now.bytes_done; /* what was expected and ended before was looked at, too */
    telling->now.records_total = telling->now.records_done;
    segj_status_t status = segj_tell_of_open(telling, 0, true);
    telling->is_deaf = true;
    telling->now = (oversized_progress_t){.stage = "repair", .sections_total = recovery->count};
    return status;
}

/* A section that has an index file. */
static segj_status_t judge_indexed(segj_recovery_t *recovery, const segj_listing_t *listing, size_t at)
{
    segj_recovery_plan_t *plan = &recovery->plans[recovery->count];
    uint64_t number = listing->index[at];
    plan->number = number;
    segj_status_t status = segj_section_new(recovery->journal, number, &plan->section);
    if (status != SEGJ_OK)
        return status;
    recovery->count++;
    plan->value_there = is_listed(recovery->values, recovery->value_count, number);
    plan->keep = at + 1 == listing->index_count || segj_is_beyond(recovery->config, listing->index[at + 1]);
    plan->remove = segj_is_beyond(recovery->config, number);
    status = plan->remove ? SEGJ_OK : judge_within(recovery, plan);
    return status == SEGJ_OK
               ? tell_of_section(recovery, plan,
                                 listing->index_count > recovery->count ? listing->index_count : recovery->count)
               : status;
}

/* All sections, in the order of their numbers, with those that have values alone. */
static segj_status_t judge_all(segj_recovery_t *recovery, const segj_listing_t *listing)
{
    size_t most = listing->index_count + listing->value_count;
    size_t alone = 0;
    segj_status_t status = SEGJ_OK;
    recovery->plans = calloc(most + 1, sizeof *recovery->plans);
    if (recovery->plans == NULL)
        return segj_fail_memory((most + 1) * sizeof *recovery->plans);
    for (size_t i = 0; i <= listing->index_count && status == SEGJ_OK; i++) {
        uint64_t next = i < listing->index_count ? listing->index[i] : UINT64_MAX;
        bool last = i == listing->index_count;
        for (; alone < listing->value_count && status == SEGJ_OK; alone++) {
            if (!last && listing->values[alone] >= next)
                break;
            status = segj_orphan_judge(recovery, alone);
        }
        if (last || status != SEGJ_OK)
            break;
        alone += alone < listing->value_count && listing->values[alone] == next;
        status = judge_indexed(recovery, listing, i);
    }
    return status;
}

/*
 * One values file may be missing; it counts as empty. But a values partition without any, beside several sections whose
 * values were synced, or one of version 2, is nothing that a crash leaves: a synced name is durable, and index files go
 * before values files. It is another directory, or one whose volume is not mounted, and the index is not cut for it.
 */
segj_status_t segj_recovery_check_mounted(const segj_shared_t *shared, size_t value_count, uint64_t synced,
                                          uint64_t logs)
{
    const segj_io_partition_t *values = &shared->values;
    if (value_count > 0 || (synced < 2 && logs == 0))
        return SEGJ_OK;
    return segj_fail(SEGJ_ERR_MISMATCH,
                     "%s/%s holds no section, while %s holds %llu sections that have synced values: mount or bring "
                     "back that partition",
                     values->directory, values->name, shared->index.name, (unsigned long long)synced);
}

static segj_status_t check_values_mounted(const segj_recovery_t *recovery)
{
    uint64_t synced = 0;
    uint64_t logs = 0;
    for (size_t i = 0; i < recovery->count; i++) {
        bool marked = recovery->plans[i].watermark > 0;
        synced += marked;
        logs += marked && segj_section_is_log(recovery->plans[i].section);
    }
    return segj_recovery_check_mounted(&recovery->journal->shared, recovery->value_count, synced, logs);
}

static uint64_t recover_excess(uint64_t size, uint64_t kept)
{
    return size > kept ? size - kept : 0;
}

/* Of records that are lost; says what an open does, or would do, with what is left of them. */
static void report_loss(const segj_recovery_t *recovery, const segj_recovery_plan_t *plan, uint64_t lost)
{
    const oversized_config_t *config = recovery->config;
    char would[128] = "";
    if (config->read_only)
        (void)snprintf(would, sizeof would, "; an open for writing would cut it to %llu records%s",
                       (unsigned long long)plan->records, config->quarantine > 0 ? ", and set aside what it cuts" : "");
    segj_shared_log(&recovery->journal->shared, SEGJ_LOG_ERROR, "%s: section %llu has lost %llu records that %s%s",
                    recovery->journal->directory, (unsigned long long)plan->number, (unsigned long long)lost,
                    plan->hole.found ? "may have been synced, from a damaged page on" : "were synced", would);
}

/* This is no loss, but the log should have every sign of a failing disk. */
static void report_waived(const segj_recovery_t *recovery, const segj_recovery_plan_t *plan)
{
    if (plan->waived > 0)
        segj_shared_log(&recovery->journal->shared, SEGJ_LOG_WARNING,
                        "%s: section %llu has lost %llu records that were synced; the checkpoint does without them",
                        recovery->journal->directory, (unsigned long long)plan->number,
                        (unsigned long long)plan->waived);
}

/* What goes of a section's index file, with its headers and checksums. */
static uint64_t index_excess(const segj_shared_t *shared, const segj_recovery_plan_t *plan)
{
    return recover_excess(plan->index_size,
                          segj_fixed_file_size(shared, plan->section->index.handle.file.data, plan->records));
}

static uint64_t values_excess(const segj_recovery_plan_t *plan)
{
    return recover_excess(plan->value_size, plan->section->values.handle.file.data + plan->end + plan->pad);
}

void segj_recovery_count(oversized_t *journal, const segj_recovery_plan_t *plan)
{
    oversized_recovery_t *found = &journal->recovery;
    uint64_t lost = segj_plan_unwanted_loss(plan);
    found->sections++;
    found->records += plan->records;
    found->records_dropped += recover_excess(plan->records_on_disk, segj_max_u64(plan->records, plan->watermark));
    found->synced_records_lost += lost;
    found->sections_damaged += lost > 0;
    if (plan->section->unrepaired != NULL) /* it is cut when there is room */
        return;
    found->index_bytes_truncated += index_excess(&journal->shared, plan);
    found->value_bytes_truncated += values_excess(plan);
    found->sections_repaired += !plan->clean;
}

/* Fills the report; says what was lost. */
static void report(segj_recovery_t *recovery)
{
    oversized_t *journal = recovery->journal;
    journal->recovery.values_verified = recovery->scan.verified;
    for (size_t i = 0; i < recovery->count; i++) {
        const segj_recovery_plan_t *plan = &recovery->plans[i];
        uint64_t lost = segj_plan_unwanted_loss(plan);
        report_waived(recovery, plan);
        if (plan->remove)
            continue;
        segj_recovery_count(journal, plan);
        if (plan->damaged > 0)
            segj_shared_log(&journal->shared, SEGJ_LOG_ERROR,
                            "%s: section %llu has %llu damaged values that were synced; their records stay",
                            journal->directory, (unsigned long long)plan->number, (unsigned long long)plan->damaged);
        if (lost > 0)
            report_loss(recovery, plan, lost);
        else if (plan->cut && plan->section->unrepaired == NULL)
            segj_shared_log(&journal->shared, SEGJ_LOG_WARNING,
                            "%s: section %llu %s cut to %llu records, by %llu bytes of its index and %llu bytes of its "
                            "values",
                            journal->directory, (unsigned long long)plan->number,
                            recovery->config->read_only ? "would be" : "is", (unsigned long long)plan->records,
                            (unsigned long long)index_excess(&journal->shared, plan),
                            (unsigned long long)values_excess(plan));
    }
}

/* A damaged page with others after it, which a sync had covered, or which is about to be cut as if one had. */
static segj_status_t fail_hole(const segj_recovery_t *recovery, const segj_recovery_plan_t *plan)
{
    return segj_fail(
        SEGJ_ERR_CORRUPT,
        "%s: index page %llu of section %llu is damaged, and is not the last (strict): of its %llu records "
        "those before record %llu are sound; an open without strict %s",
        recovery->journal->directory, (unsigned long long)plan->hole.page, (unsigned long long)plan->number,
        (unsigned long long)segj_max_u64(plan->records, plan->watermark), (unsigned long long)plan->hole.records,
        recovery->journal->cut_holes ? "cuts the others" : "reads those that can be read");
}

static bool has_unwanted_hole(const segj_recovery_plan_t *plan)
{
    uint64_t records = segj_max_u64(plan->records, plan->watermark);
    if (plan->bounded)
        records = segj_min_u64(records, plan->bound);
    return plan->hole.found && !plan->remove && records > plan->hole.records && plan->watermark > plan->hole.records;
}

/* In the commonware format an index without a header makes a new section, whatever lies beside it: a crash of the
 * reference leaves that, before anything was synced, and so does who empties an index file. In the native format
 * version 1 refuses it in any case, and in version 2 it costs nothing (verdict_native.c). */
static segj_status_t check_emptied(const segj_recovery_t *recovery, const segj_recovery_plan_t *plan)
{
    const segj_io_file_t *values = &plan->section->values.handle.file;
    if (recovery->journal->shared.format == SEGJ_FORMAT_NATIVE || plan->remove || plan->index_valid ||
        plan->value_size <= values->data)
        return SEGJ_OK;
    return segj_io_fail(
        SEGJ_ERR_CORRUPT, &plan->section->index.handle.file, 0,
        "the file has no whole header, while %s/%016llx holds %llu bytes of data (strict): bring it back "
        "from a copy, or open without strict, which begins the section anew",
        recovery->journal->shared.values.name, (unsigned long long)plan->number,
        (unsigned long long)(plan->value_size - values->data));
}

/* The mirror of it, which no crash leaves: a values file is durable, header and all, before its section's index has
 * data. Where it is missing altogether, a power cut may have taken a name that was never synced. */
static segj_status_t check_emptied_values(const segj_recovery_t *recovery, const segj_recovery_plan_t *plan)
{
    const segj_io_file_t *index = &plan->section->index.handle.file;
    if (recovery->journal->shared.format == SEGJ_FORMAT_NATIVE || plan->remove || plan->restored ||
        !plan->value_there || plan->value_valid || plan->records_on_disk == 0 || (plan->bounded && plan->bound == 0))
        return SEGJ_OK;
    return segj_io_fail(
        SEGJ_ERR_CORRUPT, &plan->section->values.handle.file, 0,
        "the file has no whole header, while %s/%016llx holds %llu bytes of data (strict): bring it back "
        "from a copy, or open without strict, which cuts the section to nothing",
        recovery->journal->shared.index.name, (unsigned long long)plan->number,
        (unsigned long long)(plan->index_size - index->data));
}

static segj_status_t check_strict(const segj_recovery_t *recovery)
{
    for (size_t i = 0; i < recovery->count; i++) {
        const segj_recovery_plan_t *plan = &recovery->plans[i];
        segj_status_t status = check_emptied(recovery, plan);
        if (status == SEGJ_OK)
            status = check_emptied_values(recovery, plan);
        if (status != SEGJ_OK)
            return status;
        if (has_unwanted_hole(plan))
            return fail_hole(recovery, plan);
        if (plan->damaged > 0 && !plan->remove)
            return segj_fail(SEGJ_ERR_CORRUPT,
                             "%s: section %llu has %llu damaged values that were synced (strict): an open without "
                             "strict keeps their records, and what follows them",
                             recovery->journal->directory, (unsigned long long)plan->number,
                             (unsigned long long)plan->damaged);
        if (segj_plan_unwanted_loss(plan) == 0)
            continue;
        return segj_fail(SEGJ_ERR_CORRUPT,
                         "%s: section %llu has lost %llu of %llu synced records (strict): an open without strict cuts "
                         "it%s",
                         recovery->journal->directory, (unsigned long long)plan->number,
                         (unsigned long long)segj_plan_unwanted_loss(plan), (unsigned long long)plan->watermark,
                         recovery->config->quarantine > 0 ? ", and sets aside what it cuts"
                                                          : "; config.quarantine is 0: nothing of it is set aside");
    }
    return segj_counted_check(recovery);
}

/* --- both --- */

/* Hands the sections that stay to the journal. Room was reserved. */
static void adopt(segj_recovery_t *recovery)
{
    segj_lock(&recovery->journal->shared.state);
    for (size_t i = 0; i < recovery->count; i++) {
        segj_recovery_plan_t *plan = &recovery->plans[i];
        segj_section_t *section = plan->section;
        if (plan->remove)
            continue;
        section->index.records = section->index.durable = plan->records;
        section->values.size = section->synced_size = plan->end;
        if (!segj_section_is_log(section))
            section->index.mark.end = plan->end;
        section->values.trailer = section->values.placed_trailer = plan->trailer;
        section->sound = recovery->scan.look_for_holes &&
                         !(plan->hole.found && plan->records > plan->hole.records); /* or it is cut */
        section->inherited = recovery->journal->shared.format != SEGJ_FORMAT_NATIVE && !plan->durable;
        segj_tally_come(&recovery->journal->tally, plan->records,
                        segj_section_stored(section, plan->records, plan->end));
        segj_sections_insert(&recovery->journal->sections, &section->node);
        plan->adopted = true;
    }
    segj_unlock(&recovery->journal->shared.state);
}

static segj_status_t recover_decide(segj_recovery_t *recovery, const segj_listing_t *listing)
{
    segj_status_t status = judge_all(recovery, listing);
    if (status == SEGJ_OK)
        status = segj_sections_reserve(&recovery->journal->sections, recovery->count);
    if (status == SEGJ_OK)
        status = check_values_mounted(recovery);
    if (status == SEGJ_OK)
        status = segj_orphans_check(recovery);
    if (status == SEGJ_OK && recovery->config->checkpoint != NULL)
        status = segj_checkpoint_apply(recovery, recovery->config->checkpoint);
    if (status == SEGJ_OK && recovery->config->strict)
        status = check_strict(recovery);
    return status == SEGJ_OK ? tell_of_verdicts(recovery) : status;
}

segj_status_t segj_recover(oversized_t *journal, const oversized_config_t *config, const segj_listing_t *listing,
                           bool *partitions_made)
{
    segj_journal_is_alone(journal);
    segj_recovery_t recovery = {.journal = journal,
                                .config = config,
                                .values = listing->values,
                                .value_count = listing->value_count,
                                .index_count = listing->index_count,
                                .removing = listing->removing && config->format == SEGJ_FORMAT_NATIVE};
    segj_status_t status = segj_scan_init(&recovery.scan, journal);
    if (status != SEGJ_OK)
        return status;
    journal->recovery = (oversized_recovery_t){0}; /* an open may begin anew */
    /* `strict` refuses those of which counts say that a sync has covered them. */
    recovery.scan.look_for_holes = journal->cut_holes || (config->strict && journal->shared.counts.count > 0);
    status = segj_quarantine_open(journal, config);
    if (status == SEGJ_OK)
        status = recover_decide(&recovery, listing);
    if (status == SEGJ_OK) {
        segj_orphans_report(&recovery);
        segj_counted_report(&recovery);
    }
    if (status == SEGJ_OK && !config->read_only) {
        status = segj_recovery_act(&recovery);
        /* "Out of memory" promises that nothing changed; only a storage can need memory after that. */
        if (status == SEGJ_ERR_MEMORY && recovery.begun)
            status = SEGJ_ERR_IO;
    }
    *partitions_made = recovery.partitions_made;
    if (status == SEGJ_OK && !recovery.partitions_made) {
        report(&recovery);
        segj_quarantine_report(journal);
        adopt(&recovery);
    }
    segj_lock(&journal->shared.state);
    for (size_t i = 0; i < recovery.count; i++)
        if (!recovery.plans[i].adopted)
            segj_section_release_locked(journal, recovery.plans[i].section);
    segj_unlock(&journal->shared.state);
    if (status == SEGJ_OK && journal->unrepaired > 0)
        journal->plans = recovery.plans;
    else
        free(recovery.plans);
    free(recovery.orphans);
    segj_scan_free(&recovery.scan);
    return status;
}
