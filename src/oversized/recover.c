/*
 * oversized/recover.c: recovery (DESIGN.md, "Open"). First every section gets its verdict, and what a
 * checkpoint or `strict` asks is held against all of them; then the sections that are not as a close leaves them are
 * made durable as they stand. A failure before the first write leaves every file as it was; a crash or a failure behind
 * it leaves a state that the next open judges alike.
 */
#include "oversized/recover.h"

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
    bool values_made;     /* a values file was made whose name is not durable yet */
    bool begun;           /* something has been changed */
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
 * values were synced, is nothing that a crash leaves: a synced name is durable, and index files go before values files. It
 * is another directory, or one whose volume is not mounted, and the index is not cut for it.
 */
static segj_status_t check_values_mounted(const recovery_t *recovery)
{
    uint64_t synced = 0;
    for (size_t i = 0; i < recovery->count; i++)
        synced += recovery->plans[i].watermark > 0;
    if (recovery->value_count > 0 || synced < 2)
        return SEGJ_OK;
    const segj_part_t *values = &recovery->journal->env.values;
    return segj_fail(SEGJ_ERR_MISMATCH, "%s/%s holds no section, while %s holds %llu sections that have synced values",
                     values->directory, values->name, recovery->journal->env.index.name, (unsigned long long)synced);
}

static segj_status_t judge_orphans(recovery_t *recovery)
{
    segj_status_t status = SEGJ_OK;
    for (size_t i = 0; i < recovery->value_count && status == SEGJ_OK; i++) {
        if (has_index(recovery, recovery->values[i]))
            continue;
        recovery->journal->recovery.orphan_sections_removed++;
        status = segj_verdict_orphan(&recovery->scan, recovery->values[i]);
    }
    return status;
}

static segj_status_t no_checkpoint(const oversized_t *journal, uint64_t section, const char *why)
{
    return segj_fail(SEGJ_ERR_CORRUPT, "%s: the checkpoint cannot be restored: section %llu %s", journal->directory,
                     (unsigned long long)section, why);
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

/* Values without an index: below the first index section they are the rest of a prune, elsewhere a section is missing. */
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
            status = plan->records < records ? no_checkpoint(journal, number, "holds fewer records")
                                             : segj_verdict_shorten(&recovery->scan, plan, records);
            plan->restored = true;
        }
    }
    if (status == SEGJ_OK && !found && records > 0)
        status = no_checkpoint(journal, checkpoint->section, "does not exist");
    return status == SEGJ_OK ? check_values_paired(recovery, checkpoint) : status;
}

static uint64_t behind(uint64_t size, uint64_t kept)
{
    return size > kept ? size - kept : 0;
}

/* Synced records that are gone, but for those that a checkpoint does without. */
static uint64_t unwanted_loss(const segj_plan_t *plan)
{
    return plan->remove || plan->restored ? 0 : segj_plan_lost(plan);
}

/* Fills the report; says what was lost. */
static void report(recovery_t *recovery)
{
    oversized_t *journal = recovery->journal;
    oversized_recovery_t *found = &journal->recovery;
    found->values_verified = recovery->scan.verified;
    for (size_t i = 0; i < recovery->count; i++) {
        const segj_plan_t *plan = &recovery->plans[i];
        uint64_t lost = unwanted_loss(plan);
        if (plan->remove)
            continue;
        uint64_t index_data = plan->section->index.handle.file.data;
        uint64_t values_data = plan->section->values.handle.file.data;
        found->sections++;
        found->records += plan->records;
        found->records_dropped += behind(plan->exist, segj_max_u64(plan->records, plan->watermark));
        found->synced_records_lost += lost;
        found->sections_damaged += lost > 0;
        found->index_bytes_truncated +=
            behind(plan->index_size, segj_fixed_file_size(&journal->env, index_data, plan->records));
        found->value_bytes_truncated += behind(plan->value_size, values_data + plan->end);
        found->sections_repaired += !plan->clean;
        if (lost > 0)
            segj_env_log(&journal->env, SEGJ_LOG_ERROR, "%s: section %llu has lost %llu records that were synced",
                         journal->directory, (unsigned long long)plan->number, (unsigned long long)lost);
        else if (plan->cut)
            segj_env_log(&journal->env, SEGJ_LOG_WARNING, "%s: section %llu %s cut to %llu records", journal->directory,
                         (unsigned long long)plan->number, recovery->config->read_only ? "would be" : "is",
                         (unsigned long long)plan->records);
    }
}

static segj_status_t check_strict(const recovery_t *recovery)
{
    for (size_t i = 0; i < recovery->count; i++) {
        const segj_plan_t *plan = &recovery->plans[i];
        if (unwanted_loss(plan) == 0)
            continue;
        return segj_fail(SEGJ_ERR_CORRUPT, "%s: section %llu has lost %llu of %llu synced records (strict)",
                         recovery->journal->directory, (unsigned long long)plan->number,
                         (unsigned long long)segj_plan_lost(plan), (unsigned long long)plan->watermark);
    }
    return SEGJ_OK;
}

/* --- act --- */

/* Writes bytes of a file again as they read: after a failed write-back the system's cache shows bytes that are no longer
 * dirty and never reached the disk, and a sync alone would not write them. Any mixture of both is the same bytes. */
static segj_status_t write_again(recovery_t *recovery, const segj_io_file_t *file, uint64_t from, uint64_t to)
{
    segj_scan_t *scan = &recovery->scan;
    segj_status_t status = from < to ? segj_scan_have_window(scan) : SEGJ_OK;
    while (from < to && status == SEGJ_OK) {
        size_t part = (size_t)segj_min_u64(to - from, SEGJ_SCAN_WINDOW);
        status = segj_io_read(file, from, scan->window, part, NULL);
        if (status == SEGJ_OK)
            status = segj_io_write(file, from, scan->window, part);
        if (status == SEGJ_OK)
            segj_io_write_back(file, from, part);
        from += part;
    }
    return status;
}

/* Headers of files that may never have been durable, and of those without data: what lies behind their fields was not
 * judged, and would be refused as soon as data followed. */
static segj_status_t write_headers(recovery_t *recovery, const segj_plan_t *plan, const segj_io_file_t *index,
                                   const segj_io_file_t *values)
{
    segj_section_t *section = plan->section;
    segj_status_t status = SEGJ_OK;
    bool index_empty = plan->index_size <= index->data;
    bool values_empty = plan->value_size <= values->data;
    if (!plan->index_valid || plan->watermark == 0 || index_empty)
        status = segj_fixed_write_header(&section->index, &recovery->journal->env, index);
    /* A header that was cut short gets its length back; what was cut away reads as zeros. */
    if (status == SEGJ_OK && plan->index_size < index->data)
        status = segj_io_truncate(index, index->data);
    if (status == SEGJ_OK && (!plan->value_valid || plan->watermark == 0 || values_empty))
        status = segj_glob_write_header(&section->values, &recovery->journal->env, values);
    return status;
}

static bool both_marked(const segj_plan_t *plan)
{
    return plan->marks[0].valid && plan->marks[1].valid && plan->marks[0].records == plan->marks[1].records;
}

/* A cut is marked in both slots, durably, before it; slots that stay are written again as they are. */
static segj_status_t write_marks(const segj_plan_t *plan, const segj_io_file_t *index)
{
    if (plan->cut || segj_plan_lost(plan) > 0)
        return segj_fixed_mark_cut(&plan->section->index, index, segj_min_u64(plan->watermark, plan->records));
    segj_status_t status = SEGJ_OK;
    for (unsigned slot = 0; slot < 2 && status == SEGJ_OK; slot++) {
        uint8_t bytes[SEGJ_SLOT_SIZE];
        if (!plan->marks[slot].valid)
            continue;
        segj_mark_encode(bytes, index->section, plan->marks[slot].records, plan->marks[slot].sequence);
        status = segj_io_write(index, segj_mark_offset(slot), bytes, sizeof bytes);
    }
    return status;
}

static segj_status_t write_contents(recovery_t *recovery, const segj_plan_t *plan, const segj_io_file_t *index,
                                    const segj_io_file_t *values)
{
    const segj_env_t *env = &recovery->journal->env;
    if (plan->records < plan->watermark)
        return SEGJ_OK;
    uint64_t page = plan->watermark * env->record_size / env->page_size;
    segj_status_t status = write_again(recovery, index, index->data + page * segj_page_physical(env->page_size),
                                       segj_fixed_file_size(env, index->data, plan->records));
    return status == SEGJ_OK
               ? write_again(recovery, values, values->data + plan->watermark_end, values->data + plan->end)
               : status;
}

/* Index before values: a crash between leaves bytes behind the last frame, and no record without its value. Both get
 * their size also where they show it already: a killed process may have cut them and synced nothing, and what was done
 * through its open files is not what a sync of these covers. */
static segj_status_t cut_and_sync(recovery_t *recovery, const segj_plan_t *plan, const segj_io_file_t *index,
                                  const segj_io_file_t *values)
{
    const segj_env_t *env = &recovery->journal->env;
    bool cut = plan->cut_index || (env->format == SEGJ_FORMAT_NATIVE && (plan->cut || segj_plan_lost(plan) > 0));
    segj_status_t status;
    if (cut) {
        status = segj_fixed_cut(env, index, plan->records);
    } else {
        status = segj_io_truncate(index, segj_fixed_file_size(env, index->data, plan->records));
        if (status == SEGJ_OK)
            status = segj_io_sync(index);
    }
    return status == SEGJ_OK ? segj_glob_cut(values, plan->end) : status;
}

/* Losing this costs the next open the same work again. */
static void raise_mark(recovery_t *recovery, const segj_plan_t *plan, const segj_io_file_t *index)
{
    segj_fixed_t *fixed = &plan->section->index;
    segj_status_t status = SEGJ_OK;
    bool equal = plan->cut || segj_plan_lost(plan) > 0 || both_marked(plan);
    if (plan->records > fixed->marked)
        status = segj_fixed_mark(fixed, index, plan->records);
    else if (equal)
        status = segj_fixed_clear_mark(fixed, index);
    if (status != SEGJ_OK)
        segj_env_log(&recovery->journal->env, SEGJ_LOG_WARNING, "a watermark could not be written: %s",
                     segj_last_error());
}

/* Headers of new files are written, and nothing else again. */
static segj_status_t repair_commonware(recovery_t *recovery, const segj_plan_t *plan, const segj_io_file_t *index,
                                       const segj_io_file_t *values)
{
    const segj_env_t *env = &recovery->journal->env;
    segj_status_t status = SEGJ_OK;
    if (!plan->index_valid)
        status = segj_fixed_write_header(&plan->section->index, env, index);
    if (status == SEGJ_OK && !plan->value_valid)
        status = segj_glob_write_header(&plan->section->values, env, values);
    return status == SEGJ_OK ? cut_and_sync(recovery, plan, index, values) : status;
}

static segj_status_t repair_files(recovery_t *recovery, const segj_plan_t *plan, const segj_io_file_t *index,
                                  const segj_io_file_t *values)
{
    if (recovery->journal->env.format != SEGJ_FORMAT_NATIVE)
        return repair_commonware(recovery, plan, index, values);
    segj_status_t status = write_headers(recovery, plan, index, values);
    if (status == SEGJ_OK)
        status = write_marks(plan, index);
    if (status == SEGJ_OK)
        status = write_contents(recovery, plan, index, values);
    if (status == SEGJ_OK)
        status = cut_and_sync(recovery, plan, index, values);
    if (status == SEGJ_OK)
        raise_mark(recovery, plan, index);
    return status;
}

/* What was opened for reading need not show what is repaired. Says whether files were kept open. */
static bool forget_kept(segj_env_t *env, segj_section_t *section)
{
    bool kept = section->index.handle.file.opened != NULL;
    segj_lock(&env->state);
    segj_files_forget(&env->files, &section->index.handle);
    segj_files_forget(&env->files, &section->values.handle);
    segj_unlock(&env->state);
    return kept;
}

/* The newest section's files stay open, as they are now. */
static void keep_repaired(segj_env_t *env, segj_section_t *section, segj_io_file_t *index, segj_io_file_t *values)
{
    segj_lock(&env->state);
    segj_files_adopt(&env->files, &section->index.handle, index);
    segj_files_adopt(&env->files, &section->values.handle, values);
    segj_unlock(&env->state);
}

static segj_status_t repair(recovery_t *recovery, segj_plan_t *plan)
{
    segj_env_t *env = &recovery->journal->env;
    uint64_t number = plan->number;
    segj_io_file_t index = plan->section->index.handle.file;
    segj_io_file_t values = plan->section->values.handle.file;
    index.opened = values.opened = NULL;
    bool kept = forget_kept(env, plan->section);
    segj_status_t status = segj_io_open(&index, &env->index, number, SEGJ_OPEN_WRITE, NULL);
    if (status == SEGJ_OK)
        status =
            segj_io_open(&values, &env->values, number, plan->value_there ? SEGJ_OPEN_WRITE : SEGJ_OPEN_CREATE, NULL);
    if (status == SEGJ_OK) {
        index.data = plan->section->index.handle.file.data;
        values.data = plan->section->values.handle.file.data;
        recovery->begun = true;
        recovery->values_made = recovery->values_made || !plan->value_there;
        status = repair_files(recovery, plan, &index, &values);
        plan->settled = status == SEGJ_OK;
        if (plan->settled && kept)
            keep_repaired(env, plan->section, &index, &values);
    }
    segj_io_close(&index);
    segj_io_close(&values);
    return status;
}

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
    bool changed = recovery->values_made;
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

/* Names that a killed process made or removed are durable only from here on. The directory's own name, and its partitions',
 * were so before the first section was made; a section with a watermark tells that this was done. */
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
 * Whether there is nothing to do, not even for names: every section is as a completed sync has left it, and its names were
 * durable before. What was removed is durably gone: index files go, durably, before their values files, so that a removal
 * that was cut off shows values without an index. Only such values may come back, once they are removed in their turn;
 * `names_inherited` keeps their names from being given to other files before that is durable.
 */
static bool nothing_to_do(const recovery_t *recovery)
{
    bool clean = recovery->journal->env.format == SEGJ_FORMAT_NATIVE && recovery->count > 0 &&
                 recovery->count == recovery->value_count;
    for (size_t i = 0; i < recovery->count && clean; i++)
        clean = recovery->plans[i].clean && !recovery->plans[i].remove;
    return clean;
}

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
    const segj_plan_t *newest = env->format == SEGJ_FORMAT_NATIVE ? NULL : newest_kept(recovery);
    for (size_t i = 0; i < recovery->count && status == SEGJ_OK; i++) {
        segj_plan_t *plan = &recovery->plans[i];
        if (!plan->remove && (!plan->clean || plan == newest))
            status = repair(recovery, plan);
    }
    return status == SEGJ_OK ? remove_sections(recovery) : status;
}

/* --- both --- */

/* Hands the sections that stay to the journal. Room was reserved. */
static void adopt(recovery_t *recovery)
{
    segj_lock(&recovery->journal->env.state);
    for (size_t i = 0; i < recovery->count; i++) {
        segj_plan_t *plan = &recovery->plans[i];
        segj_section_t *section = plan->section;
        if (plan->remove || section == NULL)
            continue;
        section->index.records = section->index.durable = plan->records;
        section->values.size = section->values.marked_size = plan->end;
        section->inherited = recovery->journal->env.format != SEGJ_FORMAT_NATIVE && !plan->settled;
        segj_sections_insert(&recovery->journal->sections, &section->node);
        plan->section = NULL;
    }
    segj_unlock(&recovery->journal->env.state);
}

static segj_status_t decide(recovery_t *recovery, const uint64_t *index, size_t index_count)
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
    status = decide(&recovery, index, index_count);
    if (status == SEGJ_OK && !config->read_only) {
        status = act(&recovery);
        /* "Out of memory" promises that nothing changed; only a storage can want memory behind that. */
        if (status == SEGJ_ERR_MEMORY && recovery.begun)
            status = SEGJ_ERR_IO;
    }
    *partitions_made = recovery.partitions_made;
    if (status == SEGJ_OK && !recovery.partitions_made) {
        report(&recovery);
        adopt(&recovery);
    }
    segj_lock(&journal->env.state);
    for (size_t i = 0; i < recovery.count; i++)
        if (recovery.plans[i].section != NULL)
            segj_section_release(journal, recovery.plans[i].section);
    segj_unlock(&journal->env.state);
    free(recovery.plans);
    segj_scan_free(&recovery.scan);
    return status;
}
