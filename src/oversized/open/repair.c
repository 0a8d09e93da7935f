/*
 * oversized/open/repair.c: a section that is not as a close leaves it is made durable as its verdict says: by open or,
 * where the storage had no room then, before its first change and by a sync that is asked of it (DESIGN.md, "Open").
 *
 * The index comes first, whole, and then the values. A crash between leaves bytes after the last frame, or records
 * whose values the next open does not find; and never pages beside a values file that has no header.
 */
#include "oversized/open/repair.h"

#include <errno.h>

#include "base/bytes.h"
#include "oversized/lost/set_aside.h"
#include "oversized/open/again.h"
#include "oversized/open/repair_log.h"
#include "oversized/section/section.h"

/* Both of the section, or one and its copy. */
#define FILES_AT_ONCE 2

/* A header is written where the file may never have had it durably, and where it has no data: what lies after its
 * fields was not judged then, and would be refused as soon as data followed. */
static bool wants_header(const segj_recovery_plan_t *plan, const segj_io_file_t *file, bool valid, uint64_t size)
{
    return !valid || plan->watermark == 0 || size <= file->data;
}

static segj_status_t write_index_header(const segj_shared_t *shared, const segj_recovery_plan_t *plan,
                                        const segj_io_file_t *index)
{
    segj_status_t status = SEGJ_OK;
    if (wants_header(plan, index, plan->index_valid, plan->index_size))
        status = segj_fixed_write_header(&plan->section->index, shared, index);
    /* A header that was cut short gets its length back; what was cut away reads as zeros. */
    return status == SEGJ_OK && plan->index_size < index->data ? segj_io_truncate(index, index->data) : status;
}

static bool both_marked(const segj_recovery_plan_t *plan)
{
    return plan->marks[0].valid && plan->marks[1].valid && plan->marks[0].at.records == plan->marks[1].at.records;
}

/* By one slot of W = 0 open takes the files of a section without records for durable as they are (verdict.c). So there
 * are two while that is not so, before anything is written. */
static bool is_marked_first(const segj_recovery_plan_t *plan)
{
    return plan->records == 0 && plan->watermark == 0 && (plan->marks[0].valid || plan->marks[1].valid);
}

static bool is_to_be_marked(const segj_recovery_plan_t *plan)
{
    return plan->cut || segj_plan_lost(plan) > 0 || is_marked_first(plan);
}

/* A cut is marked in both slots, durably, before it; slots that stay are written again as they are. */
static segj_status_t write_marks(const segj_recovery_plan_t *plan, const segj_io_file_t *index)
{
    if (is_to_be_marked(plan))
        return segj_fixed_mark_cut(&plan->section->index, index,
                                   (segj_point_t){.records = segj_min_u64(plan->watermark, plan->records)});
    segj_status_t status = SEGJ_OK;
    for (unsigned slot = 0; slot < 2 && status == SEGJ_OK; slot++) {
        const segj_mark_t *mark = &plan->marks[slot];
        if (mark->valid)
            status = segj_fixed_write_slot(&plan->section->index, index, slot, mark->at, mark->sequence);
    }
    return status;
}

static segj_status_t repair_write_pages(segj_scan_t *scan, const segj_recovery_plan_t *plan,
                                        const segj_io_file_t *index)
{
    const segj_shared_t *shared = &scan->journal->shared;
    if (plan->records < plan->watermark)
        return SEGJ_OK;
    uint64_t page = plan->watermark * shared->record_size / shared->page_size;
    return segj_again_write_all(scan, index, index->data + page * segj_page_physical(shared->page_size),
                                segj_fixed_file_size(shared, index->data, plan->records));
}

/* The file gets its size also where it shows it already: a killed process may have cut it and synced nothing, and what
 * was done through its open file is not what a sync of this one covers. */
static segj_status_t cut_index(segj_scan_t *scan, const segj_recovery_plan_t *plan, const segj_io_file_t *index)
{
    const segj_shared_t *shared = &scan->journal->shared;
    if (plan->cut_index || (shared->format == SEGJ_FORMAT_NATIVE && (plan->cut || segj_plan_lost(plan) > 0)))
        return segj_fixed_cut(shared, index, plan->records);
    segj_status_t status = segj_io_truncate(index, segj_fixed_file_size(shared, index->data, plan->records));
    return status == SEGJ_OK ? segj_io_sync(index) : status;
}

/* Losing this costs the next open the same work again. */
static void raise_mark(segj_scan_t *scan, const segj_recovery_plan_t *plan, const segj_io_file_t *index)
{
    segj_fixed_t *fixed = &plan->section->index;
    segj_status_t status = SEGJ_OK;
    bool equal = is_to_be_marked(plan) || both_marked(plan);
    if (plan->records > fixed->mark.records)
        status = segj_fixed_mark(fixed, index, (segj_point_t){.records = plan->records});
    else if (equal)
        status = segj_fixed_clear_mark(fixed, index);
    else if (fixed->sequence == 0)
        status = segj_fixed_mark(fixed, index, (segj_point_t){0}); /* the next open sees that the headers are durable */
    if (status != SEGJ_OK)
        segj_shared_log(&scan->journal->shared, SEGJ_LOG_WARNING, "a watermark could not be written: %s",
                        segj_last_error());
}

/* Header and slots; where the header is not whole the slots tell that first. */
static segj_status_t mark_first(segj_scan_t *scan, const segj_recovery_plan_t *plan, const segj_io_file_t *index)
{
    segj_status_t status = plan->index_whole ? write_index_header(&scan->journal->shared, plan, index) : SEGJ_OK;
    if (status == SEGJ_OK)
        status = write_marks(plan, index);
    return status == SEGJ_OK && !plan->index_whole ? write_index_header(&scan->journal->shared, plan, index) : status;
}

static segj_status_t repair_index(segj_scan_t *scan, const segj_recovery_plan_t *plan, const segj_io_file_t *index)
{
    segj_status_t status = SEGJ_OK;
    if (!is_marked_first(plan)) {
        status = write_index_header(&scan->journal->shared, plan, index);
        if (status == SEGJ_OK)
            status = write_marks(plan, index);
    }
    if (status == SEGJ_OK)
        status = repair_write_pages(scan, plan, index);
    return status == SEGJ_OK ? cut_index(scan, plan, index) : status;
}

static segj_status_t repair_values(segj_scan_t *scan, const segj_recovery_plan_t *plan, const segj_io_file_t *values)
{
    segj_status_t status = SEGJ_OK;
    if (wants_header(plan, values, plan->value_valid, plan->value_size))
        status = segj_glob_write_header(&plan->section->values, &scan->journal->shared, values);
    if (status == SEGJ_OK && plan->records >= plan->watermark)
        status = segj_again_write_all(scan, values, values->data + plan->watermark_end, values->data + plan->end);
    return status == SEGJ_OK ? segj_glob_cut(values, plan->end, false) : status;
}

/* A values file that lost its header gets it back before W is lowered: until then W tells why there are pages beside
 * it. */
static segj_status_t restore_values_header(segj_scan_t *scan, const segj_recovery_plan_t *plan,
                                           const segj_io_file_t *values)
{
    if (!plan->value_there || (plan->value_valid && plan->value_size >= values->data))
        return SEGJ_OK;
    segj_status_t status = segj_glob_write_header(&plan->section->values, &scan->journal->shared, values);
    return status == SEGJ_OK ? segj_io_sync(values) : status;
}

/* A values file that is missing is made when the index has been cut: until then it may be missing, and nothing else. */
static segj_status_t open_values(segj_recovery_plan_t *plan, segj_io_file_t *values, const segj_shared_t *shared)
{
    const segj_io_file_t known = *values;
    segj_open_mode_t mode = plan->value_there ? SEGJ_OPEN_WRITE : SEGJ_OPEN_CREATE;
    segj_status_t status = segj_io_open(values, &shared->values, plan->number, mode, NULL);
    segj_io_take_properties(values, &known);
    plan->values_made = plan->values_made || (status == SEGJ_OK && !plan->value_there);
    plan->value_there = plan->value_there || status == SEGJ_OK;
    return status;
}

static segj_status_t repair_native(segj_scan_t *scan, segj_recovery_plan_t *plan, const segj_io_file_t *index,
                                   segj_io_file_t *values)
{
    segj_status_t status = SEGJ_OK;
    if (plan->value_there)
        status = open_values(plan, values, &scan->journal->shared);
    plan->begun = plan->begun || status == SEGJ_OK;
    if (status == SEGJ_OK && is_marked_first(plan))
        status = mark_first(scan, plan, index);
    if (status == SEGJ_OK)
        status = restore_values_header(scan, plan, values);
    if (status == SEGJ_OK)
        status = repair_index(scan, plan, index);
    if (status == SEGJ_OK && values->opened == NULL)
        status = open_values(plan, values, &scan->journal->shared);
    if (status == SEGJ_OK)
        status = repair_values(scan, plan, values);
    if (status == SEGJ_OK)
        raise_mark(scan, plan, index);
    return status;
}

/* What an archive may count of the section from now on. */
static uint64_t most_of_plan(void *context, uint64_t section)
{
    const segj_recovery_plan_t *plan = context;
    return section == plan->number ? plan->records : UINT64_MAX;
}

/* What a sync that failed was for may be gone from the disk while the system shows it, and no later sync would write
 * it. */
static segj_status_t write_found_again(segj_scan_t *scan, const segj_recovery_plan_t *plan, const segj_io_file_t *index,
                                       const segj_io_file_t *values)
{
    uint64_t kept = segj_fixed_file_size(&scan->journal->shared, index->data, plan->records);
    segj_status_t status = segj_again_write_all(scan, index, index->data, segj_min_u64(kept, plan->index_size));
    if (status == SEGJ_OK && values->opened != NULL)
        status = segj_again_write_all(scan, values, values->data, values->data + plan->end);
    return status;
}

/* Headers of new files are written, and nothing else again. */
SEGJ_UNDER_CHANGE static segj_status_t repair_commonware(segj_scan_t *scan, segj_recovery_plan_t *plan,
                                                         const segj_io_file_t *index, segj_io_file_t *values)
{
    const segj_shared_t *shared = &scan->journal->shared;
    segj_status_t status = plan->value_there ? open_values(plan, values, shared) : SEGJ_OK;
    plan->begun = plan->begun || status == SEGJ_OK;
    if (status == SEGJ_OK)
        status = segj_counts_lower(&scan->journal->shared, most_of_plan, plan);
    if (status == SEGJ_OK && !plan->index_valid)
        status = segj_fixed_write_header(&plan->section->index, shared, index);
    if (status == SEGJ_OK && plan->doubtful)
        status = write_found_again(scan, plan, index, values);
    if (status == SEGJ_OK)
        status = cut_index(scan, plan, index);
    if (status == SEGJ_OK && values->opened == NULL)
        status = open_values(plan, values, shared);
    if (status == SEGJ_OK && !plan->value_valid)
        status = segj_glob_write_header(&plan->section->values, shared, values);
    return status == SEGJ_OK ? segj_glob_cut(values, plan->end, false) : status;
}

/* What was opened for reading need not show what is repaired (in an overlay), and a removal or a cut on FUSE needs
 * it closed. A file that a reader is using stays; the next change of the section opens it anew. */
SEGJ_UNDER_STATE static bool forget_unused(segj_shared_t *shared, segj_handle_t *handle)
{
    bool kept = handle->file.opened != NULL;
    if (kept && atomic_load(&handle->pins) == 0 && !handle->opening)
        segj_files_forget(&shared->files, handle);
    return kept && handle->file.opened == NULL;
}

/* Under no lock. Says whether open had kept both files open. */
static bool forget_kept(segj_shared_t *shared, const segj_recovery_plan_t *plan)
{
    segj_lock(&shared->state);
    bool index = forget_unused(shared, &plan->section->index.handle);
    bool values = forget_unused(shared, &plan->section->values.handle);
    segj_unlock(&shared->state);
    return index && values && plan->keep && plan->section->unrepaired == NULL;
}

/* The newest section's files stay open, as they are now. */
static void keep_repaired(segj_shared_t *shared, segj_section_t *section, segj_io_file_t *index, segj_io_file_t *values)
{
    segj_lock(&shared->state);
    segj_files_take_over(&shared->files, &section->index.handle, index);
    segj_files_take_over(&shared->files, &section->values.handle, values);
    segj_unlock(&shared->state);
}

/* One that is missing is made; an earlier try may have done so. */
static segj_status_t open_index(const segj_shared_t *shared, const segj_recovery_plan_t *plan, segj_io_file_t *index)
{
    bool missing = false;
    bool *may_be = plan->index_missing ? &missing : NULL;
    segj_status_t status = segj_io_open(index, &shared->index, plan->number, SEGJ_OPEN_WRITE, may_be);
    if (status == SEGJ_OK && missing)
        status = segj_io_open(index, &shared->index, plan->number, SEGJ_OPEN_CREATE, NULL);
    return status;
}

segj_status_t segj_repair(segj_scan_t *scan, segj_recovery_plan_t *plan)
{
    segj_shared_t *shared = &scan->journal->shared;
    bool kept = forget_kept(shared, plan);
    segj_io_file_t index = plan->section->index.handle.file;
    segj_io_file_t values = plan->section->values.handle.file;
    index.opened = values.opened = NULL; /* files of its own, also where others stay open */
    segj_status_t status = open_index(shared, plan, &index);
    plan->begun = plan->begun || (status == SEGJ_OK && plan->index_missing);
    segj_io_take_properties(&index, &plan->section->index.handle.file);
    if (status == SEGJ_OK)
        status = segj_section_is_log(plan->section)     ? segj_repair_log(scan, plan, &index, &values, open_values)
                 : shared->format == SEGJ_FORMAT_NATIVE ? repair_native(scan, plan, &index, &values)
                                                        : repair_commonware(scan, plan, &index, &values);
    if (status == SEGJ_OK && plan->values_made)
        status = segj_partition_sync(&shared->values);
    plan->durable = status == SEGJ_OK;
    plan->doubtful = status != SEGJ_OK;
    if (plan->durable && kept)
        keep_repaired(shared, plan->section, &index, &values);
    segj_io_close(&index);
    segj_io_close(&values);
    return status;
}

segj_status_t segj_repair_sync_found(segj_scan_t *scan, segj_recovery_plan_t *plan)
{
    const segj_io_file_t *index = &plan->section->index.handle.file;
    const segj_io_file_t *values = &plan->section->values.handle.file;
    if (index->opened == NULL || values->opened == NULL)
        return segj_repair(scan, plan);
    segj_status_t status = segj_io_sync(index);
    if (status == SEGJ_OK)
        status = segj_io_sync(values);
    int code = status == SEGJ_ERR_IO ? segj_last_errno() : 0;
    if (code == EBADF || code == EINVAL)
        return segj_repair(scan, plan);
    plan->doubtful = status != SEGJ_OK;
    return status;
}

/* --- sections that open could not repair --- */

/* Readers may be reading the last page while it is shortened: what they have read of it before is not to be found
 * later, and of what they read then the bytes that stay. */
static void begin_cutting(oversized_t *journal, segj_section_t *section)
{
    segj_lock(&journal->shared.state);
    section->index.cache_id = segj_page_cache_id(journal->shared.cache);
    section->index.cutting = true;
    segj_unlock(&journal->shared.state);
}

static void end_cutting(oversized_t *journal, segj_section_t *section)
{
    segj_lock(&journal->shared.state);
    section->index.cutting = false;
    section->index.activations++;
    segj_wake_all(&journal->shared.changed);
    segj_unlock(&journal->shared.state);
}

SEGJ_UNDER_CHANGE static segj_status_t repair_now(oversized_t *journal, segj_section_t *section)
{
    segj_scan_t scan;
    segj_status_t status = segj_scan_init(&scan, journal);
    if (status != SEGJ_OK)
        return status;
    segj_recovery_plan_t *plan = section->unrepaired;
    segj_lock(&journal->shared.state);
    segj_files_reserve(&journal->shared.files, FILES_AT_ONCE);
    segj_unlock(&journal->shared.state);
    status = segj_quarantine_keep(journal, plan, 1);
    if (status == SEGJ_OK && segj_plan_unwanted_loss(plan) > 0 && !plan->noted)
        status = segj_context(SEGJ_ERR_NO_SPACE, "what it has lost cannot be set aside");
    if (status == SEGJ_OK) {
        begin_cutting(journal, section);
        status = segj_repair(&scan, plan);
        end_cutting(journal, section);
    }
    segj_lock(&journal->shared.state);
    segj_files_give_up_reserve(&journal->shared.files, FILES_AT_ONCE);
    segj_unlock(&journal->shared.state);
    segj_scan_free(&scan);
    return status;
}

segj_status_t segj_section_repair(oversized_t *journal, segj_section_t *section)
{
    if (section->unrepaired == NULL)
        return SEGJ_OK;
    segj_status_t status = repair_now(journal, section);
    if (status != SEGJ_OK)
        return segj_context(status, "section %llu is still to be repaired", (unsigned long long)section->node.number);
    section->unrepaired = NULL;
    section->inherited = false;
    journal->unrepaired--;
    return SEGJ_OK;
}
