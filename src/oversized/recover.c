/*
 * oversized/recover.c: recovery (DESIGN.md, "Open"). First every section gets its verdict, and what a
 * checkpoint or `strict` asks is held against all of them; then the sections that are not as a close leaves them are
 * made durable as they stand. A failure before the first write leaves every file as it was; a crash or a failure behind
 * it leaves a state that the next open judges alike.
 */
#include "oversized/quarantine.h"
#include "oversized/repair.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"

typedef struct recovery {
    oversized_t *journal;
    const oversized_config_t *config;
    segj_scan_t scan;
    segj_plan_t *plans;
    size_t count;
    const uint64_t *values; /* listed in the values partition, ascending */
    size_t value_count;
    uint64_t
        *orphans; /* of each of these, the bytes of data that it holds without an index; NULL: there is none such */
    bool begun;   /* something has been changed */
    bool partitions_made; /* and nothing else has been done */
} recovery_t;

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

static segj_status_t judge_all(recovery_t *recovery, const uint64_t *index, size_t index_count)
{
    recovery->plans = calloc(index_count + 1, sizeof *recovery->plans);
    if (recovery->plans == NULL)
        return segj_fail_memory((index_count + 1) * sizeof *recovery->plans);
    for (size_t i = 0; i < index_count; i++) {
        segj_plan_t *plan = &recovery->plans[i];
        plan->number = index[i];
        segj_status_t status = segj_section_new(recovery->journal, index[i], &plan->section);
        if (status != SEGJ_OK)
            return status;
        recovery->count++;
        plan->value_there = is_listed(recovery->values, recovery->value_count, index[i]);
        plan->keep = i + 1 == index_count;
        status = segj_verdict(&recovery->scan, plan);
        if (status != SEGJ_OK)
            return status;
    }
    return SEGJ_OK;
}

static bool has_index(const recovery_t *recovery, uint64_t number)
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

/*
 * One values file may be missing; it counts as empty. But a values partition without any, beside several sections whose
 * values were synced, is nothing that a crash leaves: a synced name is durable, and index files go before values files.
 * It is another directory, or one whose volume is not mounted, and the index is not cut for it.
 */
static segj_status_t check_values_mounted(const recovery_t *recovery)
{
    uint64_t synced = 0;
    for (size_t i = 0; i < recovery->count; i++)
        synced += recovery->plans[i].watermark > 0;
    if (recovery->value_count > 0 || synced < 2)
        return SEGJ_OK;
    const segj_part_t *values = &recovery->journal->env.values;
    return segj_fail(SEGJ_ERR_MISMATCH,
                     "%s/%s holds no section, while %s holds %llu sections that have synced values: mount or bring "
                     "back that partition",
                     values->directory, values->name, recovery->journal->env.index.name, (unsigned long long)synced);
}

/* What a checkpoint removes anyway is no loss. */
static bool is_wanted(const recovery_t *recovery, uint64_t number)
{
    const oversized_checkpoint_t *checkpoint = recovery->config->checkpoint;
    return checkpoint == NULL || (number >= checkpoint->oldest && number <= checkpoint->section);
}

/* An interrupted removal leaves values without an index, and so does somebody who has removed the index file. */
static segj_status_t judge_orphan(recovery_t *recovery, size_t at)
{
    uint64_t data;
    segj_status_t status = segj_verdict_orphan(&recovery->scan, recovery->values[at], &data);
    if (status != SEGJ_OK || data == 0)
        return status;
    if (recovery->orphans == NULL)
        recovery->orphans = calloc(recovery->value_count, sizeof *recovery->orphans);
    if (recovery->orphans == NULL)
        return segj_fail_memory(recovery->value_count * sizeof *recovery->orphans);
    recovery->orphans[at] = data;
    return SEGJ_OK;
}

/* With `strict`: what a removal would leave, and what somebody may miss. */
static segj_status_t check_orphans(const recovery_t *recovery)
{
    const segj_part_t *values = &recovery->journal->env.values;
    for (size_t i = 0; recovery->orphans != NULL && i < recovery->value_count; i++)
        if (recovery->orphans[i] > 0 && is_wanted(recovery, recovery->values[i]))
            return segj_fail(
                SEGJ_ERR_CORRUPT,
                "%s/%s/%016llx holds %llu bytes of data and has no index file in %s (strict): bring that back "
                "from a copy, or open once without strict, which removes what a removal or a power cut has left",
                values->directory, values->name, (unsigned long long)recovery->values[i],
                (unsigned long long)recovery->orphans[i], recovery->journal->env.index.name);
    return SEGJ_OK;
}

static segj_status_t judge_orphans(recovery_t *recovery)
{
    segj_status_t status = SEGJ_OK;
    for (size_t i = 0; i < recovery->value_count && status == SEGJ_OK; i++) {
        if (has_index(recovery, recovery->values[i]))
            continue;
        recovery->journal->recovery.orphan_sections_removed++;
        status = judge_orphan(recovery, i);
    }
    return status == SEGJ_OK && recovery->config->strict ? check_orphans(recovery) : status;
}

/* Says what goes, or would, with the values that have no index. */
static void report_orphans(const recovery_t *recovery)
{
    const segj_part_t *values = &recovery->journal->env.values;
    for (size_t i = 0; recovery->orphans != NULL && i < recovery->value_count; i++)
        if (recovery->orphans[i] > 0)
            segj_env_log(&recovery->journal->env, SEGJ_LOG_WARNING,
                         "%s/%s/%016llx has no index file and %s, with %llu bytes of data", values->directory,
                         values->name, (unsigned long long)recovery->values[i],
                         recovery->config->read_only ? "would be removed" : "is removed",
                         (unsigned long long)recovery->orphans[i]);
}

static segj_status_t no_checkpoint(const oversized_t *journal, uint64_t section, const char *why)
{
    return segj_fail(SEGJ_ERR_CORRUPT, "%s: the checkpoint cannot be restored: section %llu %s", journal->directory,
                     (unsigned long long)section, why);
}

static segj_status_t fewer_records(const oversized_t *journal, const segj_plan_t *plan, uint64_t records)
{
    segj_status_t status = no_checkpoint(journal, plan->number, "holds");
    segj_say_behind(" %llu records, fewer than the checkpoint's %llu records", (unsigned long long)plan->records,
                    (unsigned long long)records);
    return status;
}

/* A section below the checkpoint's was complete when the checkpoint was made. */
static segj_status_t check_complete(const oversized_t *journal, const segj_plan_t *plan)
{
    if (plan->cut)
        return no_checkpoint(journal, plan->number, "is not complete: bytes lie behind its records");
    if (segj_plan_lost(plan) > 0)
        return no_checkpoint(journal, plan->number, "has lost records");
    return SEGJ_OK;
}

/* Values without an index: below the first index section they are the rest of a prune, elsewhere a section is
 * missing. */
static segj_status_t check_values_paired(const recovery_t *recovery, const oversized_checkpoint_t *checkpoint)
{
    uint64_t first = UINT64_MAX;
    for (size_t i = recovery->count; i-- > 0;)
        if (recovery->plans[i].number >= checkpoint->oldest)
            first = recovery->plans[i].number;
    for (size_t i = 0; i < recovery->value_count; i++) {
        uint64_t number = recovery->values[i];
        if (number >= checkpoint->oldest && number < checkpoint->section && number >= first &&
            !has_index(recovery, number))
            return no_checkpoint(recovery->journal, number, "has values and no index");
    }
    return SEGJ_OK;
}

static segj_status_t apply_checkpoint(recovery_t *recovery, const oversized_checkpoint_t *checkpoint)
{
    const oversized_t *journal = recovery->journal;
    uint64_t records = checkpoint->index_size / journal->env.record_size;
    bool found = false;
    segj_status_t status = SEGJ_OK;
    for (size_t i = 0; i < recovery->count && status == SEGJ_OK; i++) {
        segj_plan_t *plan = &recovery->plans[i];
        uint64_t number = plan->number;
        plan->remove = number < checkpoint->oldest || number > checkpoint->section;
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

static uint64_t recover_behind(uint64_t size, uint64_t kept)
{
    return size > kept ? size - kept : 0;
}

/* Of records that are lost; says what an open does, or would do, with what is left of them. */
static void report_loss(const recovery_t *recovery, const segj_plan_t *plan, uint64_t lost)
{
    const oversized_config_t *config = recovery->config;
    char would[128] = "";
    if (config->read_only)
        (void)snprintf(would, sizeof would, "; an open for writing would cut it to %llu records%s",
                       (unsigned long long)plan->records, config->quarantine > 0 ? ", and set aside what it cuts" : "");
    segj_env_log(&recovery->journal->env, SEGJ_LOG_ERROR, "%s: section %llu has lost %llu records that were synced%s",
                 recovery->journal->directory, (unsigned long long)plan->number, (unsigned long long)lost, would);
}

/* Fills the report; says what was lost. */
static void report(recovery_t *recovery)
{
    oversized_t *journal = recovery->journal;
    oversized_recovery_t *found = &journal->recovery;
    found->values_verified = recovery->scan.verified;
    for (size_t i = 0; i < recovery->count; i++) {
        const segj_plan_t *plan = &recovery->plans[i];
        uint64_t lost = segj_plan_unwanted_loss(plan);
        if (plan->remove)
            continue;
        uint64_t index_data = plan->section->index.handle.file.data;
        uint64_t values_data = plan->section->values.handle.file.data;
        found->sections++;
        found->records += plan->records;
        found->records_dropped += recover_behind(plan->exist, segj_max_u64(plan->records, plan->watermark));
        found->synced_records_lost += lost;
        found->sections_damaged += lost > 0;
        if (plan->section->unrepaired == NULL) { /* others are cut when there is room */
            found->index_bytes_truncated +=
                recover_behind(plan->index_size, segj_fixed_file_size(&journal->env, index_data, plan->records));
            found->value_bytes_truncated += recover_behind(plan->value_size, values_data + plan->end);
            found->sections_repaired += !plan->clean;
        }
        if (lost > 0)
            report_loss(recovery, plan, lost);
        else if (plan->cut && plan->section->unrepaired == NULL)
            segj_env_log(&journal->env, SEGJ_LOG_WARNING, "%s: section %llu %s cut to %llu records", journal->directory,
                         (unsigned long long)plan->number, recovery->config->read_only ? "would be" : "is",
                         (unsigned long long)plan->records);
    }
}

static segj_status_t check_strict(const recovery_t *recovery)
{
    for (size_t i = 0; i < recovery->count; i++) {
        const segj_plan_t *plan = &recovery->plans[i];
        if (segj_plan_unwanted_loss(plan) == 0)
            continue;
        return segj_fail(SEGJ_ERR_CORRUPT,
                         "%s: section %llu has lost %llu of %llu synced records (strict): an open without strict cuts "
                         "it%s",
                         recovery->journal->directory, (unsigned long long)plan->number,
                         (unsigned long long)segj_plan_lost(plan), (unsigned long long)plan->watermark,
                         recovery->config->quarantine > 0 ? ", and sets aside what it cuts"
                                                          : "; config.quarantine is 0: nothing of it is set aside");
    }
    return SEGJ_OK;
}

/* --- act --- */

/* What a checkpoint does without, and then values without an index; each kind behind its own barrier. */
static segj_status_t remove_sections(recovery_t *recovery)
{
    const segj_env_t *env = &recovery->journal->env;
    segj_status_t status = SEGJ_OK;
    bool removed = false;
    for (size_t i = 0; i < recovery->count && status == SEGJ_OK; i++) {
        if (!recovery->plans[i].remove)
            continue;
        recovery->begun = true;
        status = segj_part_unlink(&env->index, recovery->plans[i].number);
        removed = true;
    }
    if (status == SEGJ_OK && removed)
        status = segj_part_sync(&env->index);
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
        status = segj_part_unlink(&env->values, number);
        changed = true;
    }
    return status == SEGJ_OK && changed ? segj_part_sync(&env->values) : status;
}

static const segj_plan_t *newest_kept(const recovery_t *recovery)
{
    size_t at = recovery->count;
    while (at > 0 && recovery->plans[at - 1].remove)
        at--;
    return at > 0 ? &recovery->plans[at - 1] : NULL;
}

/* Names that a killed process made or removed are durable only from here on. The directory's own name, and its
 * partitions', were so before the first section was made; a section with a watermark tells that this was done. */
static segj_status_t sync_names(recovery_t *recovery)
{
    segj_env_t *env = &recovery->journal->env;
    bool settled = false;
    for (size_t i = 0; i < recovery->count && !settled; i++)
        settled = recovery->plans[i].watermark > 0;
    segj_status_t status = segj_part_sync(&env->index);
    if (status == SEGJ_OK)
        status = segj_part_sync(&env->values);
    if (status == SEGJ_OK && !settled)
        status = segj_part_sync_directory(&env->index);
    return status;
}

/*
 * Whether there is nothing to do, not even for names: every section is as a completed sync has left it, and its names
 * were durable before. What was removed is durably gone: index files go, durably, before their values files, so that a
 * removal that was cut off shows values without an index. Only such values may come back, once they are removed in
 * their turn; `names_inherited` keeps their names from being given to other files before that is durable.
 */
static bool nothing_to_do(const recovery_t *recovery)
{
    bool clean = recovery->journal->env.format == SEGJ_FORMAT_NATIVE && recovery->count > 0 &&
                 recovery->count == recovery->value_count;
    for (size_t i = 0; i < recovery->count && clean; i++)
        clean = recovery->plans[i].clean && !recovery->plans[i].remove;
    return clean;
}

/* A section for whose repair the storage has no room stays as it is, and is repaired when it is changed or synced. */
static segj_status_t repair_or_wait(recovery_t *recovery, segj_plan_t *plan)
{
    oversized_t *journal = recovery->journal;
    bool waits = segj_plan_unwanted_loss(plan) > 0 && !plan->noted;
    segj_status_t status = waits ? SEGJ_ERR_NO_SPACE : segj_repair(&recovery->scan, plan);
    recovery->begun = recovery->begun || plan->begun;
    if (status != SEGJ_ERR_NO_SPACE)
        return status;
    segj_env_log(&journal->env, SEGJ_LOG_WARNING,
                 "%s: there is no room to %s section %llu: until it is changed or synced, what it shows may go in a "
                 "power cut, but for what was synced before, and what is behind its end may come back (%s)",
                 journal->directory, waits ? "set aside what is lost of" : "repair", (unsigned long long)plan->number,
                 segj_last_error());
    plan->section->unrepaired = plan;
    journal->unrepaired++;
    journal->recovery.sections_unrepaired++;
    return SEGJ_OK;
}

static segj_status_t repair_sections(recovery_t *recovery)
{
    bool native = recovery->journal->env.format == SEGJ_FORMAT_NATIVE;
    const segj_plan_t *newest = native ? NULL : newest_kept(recovery);
    segj_status_t status = SEGJ_OK;
    for (size_t i = 0; i < recovery->count && status == SEGJ_OK; i++) {
        segj_plan_t *plan = &recovery->plans[i];
        if (!plan->remove && (!plan->clean || plan == newest))
            status = repair_or_wait(recovery, plan);
    }
    return status;
}

/* What is to go goes first: on a storage that is full it makes the room that the repairs want. */
static segj_status_t act(recovery_t *recovery)
{
    segj_env_t *env = &recovery->journal->env;
    recovery->journal->names_inherited = nothing_to_do(recovery);
    if (recovery->journal->names_inherited)
        return SEGJ_OK;
    recovery->partitions_made = env->index.opened == NULL || env->values.opened == NULL;
    if (recovery->partitions_made)
        return segj_parts_make(env);
    segj_status_t status = sync_names(recovery);
    if (status == SEGJ_OK)
        status = remove_sections(recovery);
    if (status == SEGJ_OK)
        status = segj_quarantine_keep(&recovery->scan, recovery->plans, recovery->count);
    return status == SEGJ_OK ? repair_sections(recovery) : status;
}

/* --- both --- */

/* Hands the sections that stay to the journal. Room was reserved. */
static void adopt(recovery_t *recovery)
{
    segj_lock(&recovery->journal->env.state);
    for (size_t i = 0; i < recovery->count; i++) {
        segj_plan_t *plan = &recovery->plans[i];
        segj_section_t *section = plan->section;
        if (plan->remove)
            continue;
        section->index.records = section->index.durable = plan->records;
        section->values.size = section->values.marked_size = plan->end;
        section->inherited = recovery->journal->env.format != SEGJ_FORMAT_NATIVE && !plan->settled;
        segj_sections_insert(&recovery->journal->sections, &section->node);
        plan->adopted = true;
    }
    segj_unlock(&recovery->journal->env.state);
}

static segj_status_t recover_decide(recovery_t *recovery, const uint64_t *index, size_t index_count)
{
    segj_status_t status = segj_sections_reserve(&recovery->journal->sections, index_count);
    if (status == SEGJ_OK)
        status = judge_all(recovery, index, index_count);
    if (status == SEGJ_OK)
        status = check_values_mounted(recovery);
    if (status == SEGJ_OK)
        status = judge_orphans(recovery);
    if (status == SEGJ_OK && recovery->config->checkpoint != NULL)
        status = apply_checkpoint(recovery, recovery->config->checkpoint);
    if (status == SEGJ_OK && recovery->config->strict)
        status = check_strict(recovery);
    return status;
}

segj_status_t segj_recover(oversized_t *journal, const oversized_config_t *config, const uint64_t *index,
                           size_t index_count, const uint64_t *values, size_t value_count, bool *partitions_made)
{
    recovery_t recovery = {.journal = journal, .config = config, .values = values, .value_count = value_count};
    segj_status_t status = segj_scan_init(&recovery.scan, journal);
    if (status != SEGJ_OK)
        return status;
    journal->recovery = (oversized_recovery_t){0}; /* an open may begin anew */
    if (journal->env.format == SEGJ_FORMAT_NATIVE)
        status = segj_quarantine_open(journal, config);
    if (status == SEGJ_OK)
        status = recover_decide(&recovery, index, index_count);
    if (status == SEGJ_OK)
        report_orphans(&recovery);
    if (status == SEGJ_OK && !config->read_only) {
        status = act(&recovery);
        /* "Out of memory" promises that nothing changed; only a storage can want memory behind that. */
        if (status == SEGJ_ERR_MEMORY && recovery.begun)
            status = SEGJ_ERR_IO;
    }
    *partitions_made = recovery.partitions_made;
    if (status == SEGJ_OK && !recovery.partitions_made) {
        report(&recovery);
        segj_quarantine_report(journal);
        adopt(&recovery);
    }
    segj_lock(&journal->env.state);
    for (size_t i = 0; i < recovery.count; i++)
        if (!recovery.plans[i].adopted)
            segj_section_release(journal, recovery.plans[i].section);
    segj_unlock(&journal->env.state);
    if (status == SEGJ_OK && journal->unrepaired > 0)
        journal->plans = recovery.plans;
    else
        free(recovery.plans);
    free(recovery.orphans);
    segj_scan_free(&recovery.scan);
    return status;
}
