/*
 * oversized/repair.c: a section that is not as a close leaves it is made durable as its verdict says: by open or, where
 * the storage had no room then, before its first change and by a sync that is asked of it (DESIGN.md, "Open").
 *
 * The index comes first, whole, and then the values. A crash between leaves bytes behind the last frame, or records
 * whose values the next open does not find; and never pages beside a values file that has no header.
 */
#include "oversized/repair.h"

#include "base/bytes.h"
#include "oversized/quarantine.h"

/* Both of the section, or one and its copy. */
#define FILES_AT_ONCE 2

/* Writes bytes of a file again as they read: after a failed write-back the system's cache shows bytes that are no
 * longer dirty and never reached the disk, and a sync alone would not write them. Any mixture of both is the same
 * bytes. */
static segj_status_t write_again(segj_scan_t *scan, const segj_io_file_t *file, uint64_t from, uint64_t to)
{
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

/* A header is written where the file may never have had it durably, and where it has no data: what lies behind its
 * fields was not judged then, and would be refused as soon as data followed. */
static bool wants_header(const segj_plan_t *plan, const segj_io_file_t *file, bool valid, uint64_t size)
{
    return !valid || plan->watermark == 0 || size <= file->data;
}

static segj_status_t write_index_header(const segj_env_t *env, const segj_plan_t *plan, const segj_io_file_t *index)
{
    segj_status_t status = SEGJ_OK;
    if (wants_header(plan, index, plan->index_valid, plan->index_size))
        status = segj_fixed_write_header(&plan->section->index, env, index);
    /* A header that was cut short gets its length back; what was cut away reads as zeros. */
    return status == SEGJ_OK && plan->index_size < index->data ? segj_io_truncate(index, index->data) : status;
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

static segj_status_t repair_write_pages(segj_scan_t *scan, const segj_plan_t *plan, const segj_io_file_t *index)
{
    const segj_env_t *env = &scan->journal->env;
    if (plan->records < plan->watermark)
        return SEGJ_OK;
    uint64_t page = plan->watermark * env->record_size / env->page_size;
    return write_again(scan, index, index->data + page * segj_page_physical(env->page_size),
                       segj_fixed_file_size(env, index->data, plan->records));
}

/* The file gets its size also where it shows it already: a killed process may have cut it and synced nothing, and what
 * was done through its open file is not what a sync of this one covers. */
static segj_status_t cut_index(segj_scan_t *scan, const segj_plan_t *plan, const segj_io_file_t *index)
{
    const segj_env_t *env = &scan->journal->env;
    if (plan->cut_index || (env->format == SEGJ_FORMAT_NATIVE && (plan->cut || segj_plan_lost(plan) > 0)))
        return segj_fixed_cut(env, index, plan->records);
    segj_status_t status = segj_io_truncate(index, segj_fixed_file_size(env, index->data, plan->records));
    return status == SEGJ_OK ? segj_io_sync(index) : status;
}

/* Losing this costs the next open the same work again. */
static void raise_mark(segj_scan_t *scan, const segj_plan_t *plan, const segj_io_file_t *index)
{
    segj_fixed_t *fixed = &plan->section->index;
    segj_status_t status = SEGJ_OK;
    bool equal = plan->cut || segj_plan_lost(plan) > 0 || both_marked(plan);
    if (plan->records > fixed->marked)
        status = segj_fixed_mark(fixed, index, plan->records);
    else if (equal)
        status = segj_fixed_clear_mark(fixed, index);
    if (status != SEGJ_OK)
        segj_env_log(&scan->journal->env, SEGJ_LOG_WARNING, "a watermark could not be written: %s", segj_last_error());
}

static segj_status_t repair_index(segj_scan_t *scan, const segj_plan_t *plan, const segj_io_file_t *index)
{
    segj_status_t status = write_index_header(&scan->journal->env, plan, index);
    if (status == SEGJ_OK)
        status = write_marks(plan, index);
    if (status == SEGJ_OK)
        status = repair_write_pages(scan, plan, index);
    return status == SEGJ_OK ? cut_index(scan, plan, index) : status;
}

static segj_status_t repair_values(segj_scan_t *scan, const segj_plan_t *plan, const segj_io_file_t *values)
{
    segj_status_t status = SEGJ_OK;
    if (wants_header(plan, values, plan->value_valid, plan->value_size))
        status = segj_glob_write_header(&plan->section->values, &scan->journal->env, values);
    if (status == SEGJ_OK && plan->records >= plan->watermark)
        status = write_again(scan, values, values->data + plan->watermark_end, values->data + plan->end);
    return status == SEGJ_OK ? segj_glob_cut(values, plan->end) : status;
}

/* A values file that lost its header gets it back before W is lowered: until then W tells why there are pages beside
 * it. */
static segj_status_t restore_values_header(segj_scan_t *scan, const segj_plan_t *plan, const segj_io_file_t *values)
{
    if (!plan->value_there || (plan->value_valid && plan->value_size >= values->data))
        return SEGJ_OK;
    segj_status_t status = segj_glob_write_header(&plan->section->values, &scan->journal->env, values);
    return status == SEGJ_OK ? segj_io_sync(values) : status;
}

/* Headers of new files are written, and nothing else again. */
static segj_status_t write_commonware_headers(const segj_env_t *env, const segj_plan_t *plan,
                                              const segj_io_file_t *index, const segj_io_file_t *values)
{
    segj_status_t status = SEGJ_OK;
    if (!plan->index_valid)
        status = segj_fixed_write_header(&plan->section->index, env, index);
    if (status == SEGJ_OK && !plan->value_valid)
        status = segj_glob_write_header(&plan->section->values, env, values);
    return status;
}

/* A values file that is missing is made when the index has been cut: until then it may be missing, and nothing else. */
static segj_status_t open_values(segj_plan_t *plan, segj_io_file_t *values, const segj_env_t *env)
{
    uint64_t data = values->data;
    segj_open_mode_t mode = plan->value_there ? SEGJ_OPEN_WRITE : SEGJ_OPEN_CREATE;
    segj_status_t status = segj_io_open(values, &env->values, plan->number, mode, NULL);
    values->data = data;
    plan->values_made = plan->values_made || (status == SEGJ_OK && !plan->value_there);
    plan->value_there = plan->value_there || status == SEGJ_OK;
    return status;
}

static segj_status_t repair_native(segj_scan_t *scan, segj_plan_t *plan, const segj_io_file_t *index,
                                   segj_io_file_t *values)
{
    segj_status_t status = SEGJ_OK;
    if (plan->value_there)
        status = open_values(plan, values, &scan->journal->env);
    plan->begun = plan->begun || status == SEGJ_OK;
    if (status == SEGJ_OK)
        status = restore_values_header(scan, plan, values);
    if (status == SEGJ_OK)
        status = repair_index(scan, plan, index);
    if (status == SEGJ_OK && values->opened == NULL)
        status = open_values(plan, values, &scan->journal->env);
    if (status == SEGJ_OK)
        status = repair_values(scan, plan, values);
    if (status == SEGJ_OK)
        raise_mark(scan, plan, index);
    return status;
}

static segj_status_t repair_commonware(segj_scan_t *scan, segj_plan_t *plan, const segj_io_file_t *index,
                                       segj_io_file_t *values)
{
    segj_status_t status = open_values(plan, values, &scan->journal->env);
    plan->begun = plan->begun || status == SEGJ_OK;
    if (status == SEGJ_OK)
        status = write_commonware_headers(&scan->journal->env, plan, index, values);
    if (status == SEGJ_OK)
        status = cut_index(scan, plan, index);
    return status == SEGJ_OK ? segj_glob_cut(values, plan->end) : status;
}

/* What was opened for reading need not show what is repaired (in an overlay), and a removal or a cut behind FUSE wants
 * it closed. A file that a reader is using just now stays; whoever holds the section opens it anew. */
static bool forget_unused(segj_env_t *env, segj_handle_t *handle)
{
    bool kept = handle->file.opened != NULL;
    if (kept && atomic_load(&handle->pins) == 0 && !handle->opening)
        segj_files_forget(&env->files, handle);
    return kept && handle->file.opened == NULL;
}

/* Under no lock. Says whether open had kept both files open. */
static bool forget_kept(segj_env_t *env, const segj_plan_t *plan)
{
    segj_lock(&env->state);
    bool index = forget_unused(env, &plan->section->index.handle);
    bool values = forget_unused(env, &plan->section->values.handle);
    segj_unlock(&env->state);
    return index && values && plan->keep && plan->section->unrepaired == NULL;
}

/* The newest section's files stay open, as they are now. */
static void keep_repaired(segj_env_t *env, segj_section_t *section, segj_io_file_t *index, segj_io_file_t *values)
{
    segj_lock(&env->state);
    segj_files_adopt(&env->files, &section->index.handle, index);
    segj_files_adopt(&env->files, &section->values.handle, values);
    segj_unlock(&env->state);
}

segj_status_t segj_repair(segj_scan_t *scan, segj_plan_t *plan)
{
    segj_env_t *env = &scan->journal->env;
    bool kept = forget_kept(env, plan);
    segj_io_file_t index = plan->section->index.handle.file;
    segj_io_file_t values = plan->section->values.handle.file;
    uint64_t data = index.data;
    index.opened = values.opened = NULL; /* files of its own, also where others stay open */
    segj_status_t status = segj_io_open(&index, &env->index, plan->number, SEGJ_OPEN_WRITE, NULL);
    index.data = data;
    if (status == SEGJ_OK)
        status = env->format == SEGJ_FORMAT_NATIVE ? repair_native(scan, plan, &index, &values)
                                                   : repair_commonware(scan, plan, &index, &values);
    if (status == SEGJ_OK && plan->values_made)
        status = segj_part_sync(&env->values);
    plan->settled = status == SEGJ_OK;
    if (plan->settled && kept)
        keep_repaired(env, plan->section, &index, &values);
    segj_io_close(&index);
    segj_io_close(&values);
    return status;
}

/* --- sections that open could not repair --- */

/* Readers may be reading the last page while it is shortened: what they have read of it is not to be found later. */
static void begin_cutting(oversized_t *journal, segj_section_t *section)
{
    segj_lock(&journal->env.state);
    section->index.cache_id = segj_page_cache_id(journal->env.cache);
    section->index.cutting = true;
    segj_unlock(&journal->env.state);
}

static void end_cutting(oversized_t *journal, segj_section_t *section)
{
    segj_lock(&journal->env.state);
    section->index.cache_id = segj_page_cache_id(journal->env.cache);
    section->index.cutting = false;
    section->index.wakes++;
    segj_wake_all(&journal->env.changed);
    segj_unlock(&journal->env.state);
}

static segj_status_t repair_now(oversized_t *journal, segj_section_t *section)
{
    segj_scan_t scan;
    segj_status_t status = segj_scan_init(&scan, journal);
    if (status != SEGJ_OK)
        return status;
    segj_plan_t *plan = section->unrepaired;
    segj_lock(&journal->env.state);
    segj_files_lend(&journal->env.files, FILES_AT_ONCE);
    segj_unlock(&journal->env.state);
    status = segj_quarantine_keep(&scan, plan, 1);
    if (status == SEGJ_OK && segj_plan_unwanted_loss(plan) > 0 && !plan->noted)
        status = segj_context(SEGJ_ERR_NO_SPACE, "what it has lost cannot be set aside");
    if (status == SEGJ_OK) {
        begin_cutting(journal, section);
        status = segj_repair(&scan, plan);
        end_cutting(journal, section);
    }
    segj_lock(&journal->env.state);
    segj_files_take_back(&journal->env.files, FILES_AT_ONCE);
    segj_unlock(&journal->env.state);
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
