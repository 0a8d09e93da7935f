/*
 * oversized/open/repair_log.c: see the header, and DESIGN.md, "Version 2 of the native format". W is lowered first,
 * where less stays than it says or a cut of what it covers must be marked. Then the values are written again, and the
 * index from the first page that is not trusted (pass_log.h). The values are cut, which completes the log; then the index
 * is, and W is raised.
 */
#include "oversized/open/repair_log.h"

#include "base/bytes.h"
#include "oversized/open/again.h"
#include "oversized/open/pass_log.h"
#include "oversized/open/verdict_log.h"

/* --- headers --- */

/* An identity that speaks of another dictionary, or of none, is written over the one that there is. What lies after
 * that goes first, durably: a file that is longer than its header is not to be without one. It is cut also where it
 * shows that size already, as a killed process may have left it. */
static segj_status_t drop_dictionary(const segj_io_file_t *file, segj_kind_t kind)
{
    segj_status_t status = segj_io_truncate(file, segj_data_offset(kind, (segj_dictionary_id_t){0, 0}));
    return status == SEGJ_OK ? segj_io_sync(file) : status;
}

/* What a failed sync has left of it in the system's cache is not on the disk. One that is not whole is mended from the
 * other file's when the section is written to. */
static segj_status_t write_dictionary_again(segj_scan_t *scan, const segj_io_file_t *file, segj_kind_t kind,
                                            uint64_t size)
{
    uint64_t begin = segj_data_offset(kind, (segj_dictionary_id_t){0, 0});
    if (file->data == begin || size < file->data)
        return SEGJ_OK;
    segj_status_t status = segj_again_write_all(scan, file, begin, file->data);
    return status == SEGJ_OK ? segj_io_sync(file) : status;
}

/* A header with data after it was durable, and is not written again; none that is missing is relied on before it is
 * durable. */
static segj_status_t write_log_headers(segj_scan_t *scan, const segj_recovery_plan_t *plan, const segj_io_file_t *index,
                                       const segj_io_file_t *values)
{
    const segj_shared_t *shared = &scan->journal->shared;
    segj_status_t status = plan->undo_dictionary ? drop_dictionary(index, SEGJ_KIND_INDEX) : SEGJ_OK;
    if (status == SEGJ_OK && (!plan->index_valid || plan->index_size <= index->data)) {
        status = segj_fixed_write_header(&plan->section->index, shared, index);
        if (status == SEGJ_OK && plan->index_size < index->data)
            status = segj_io_truncate(index, index->data);
        if (status == SEGJ_OK)
            status = segj_io_sync(index);
        if (status == SEGJ_OK)
            status = write_dictionary_again(scan, index, SEGJ_KIND_INDEX, plan->index_size);
    }
    if (status != SEGJ_OK || values->opened == NULL || (plan->value_valid && plan->value_size > values->data))
        return status;
    if (plan->undo_dictionary || plan->other_dictionary)
        status = drop_dictionary(values, SEGJ_KIND_VALUES);
    if (status == SEGJ_OK)
        status = segj_glob_write_header(&plan->section->values, shared, values);
    if (status == SEGJ_OK)
        status = segj_io_sync(values);
    return status == SEGJ_OK ? write_dictionary_again(scan, values, SEGJ_KIND_VALUES, plan->value_size) : status;
}

/* --- marks --- */

/* Where W covers all that stays, only equal slots tell the next open that a cut may not be durable. By one slot of W =
 * 0 open takes the files of a section without records for durable as they are. */
static bool wants_marks(const segj_recovery_plan_t *plan)
{
    bool any = plan->marks[0].valid || plan->marks[1].valid;
    return plan->records < plan->watermark ||
           (plan->records == plan->watermark &&
            (plan->cut || segj_log_is_cut_marked(plan) || (plan->records == 0 && any)));
}

static segj_point_t end_of(const segj_recovery_plan_t *plan)
{
    return (segj_point_t){plan->records, plan->end, plan->trailer};
}

/* Both slots, one after the other: what W was is of no account. */
static segj_status_t mark_both(const segj_recovery_plan_t *plan, const segj_io_file_t *index)
{
    segj_fixed_t *fixed = &plan->section->index;
    segj_status_t status = segj_fixed_mark_cut(fixed, index, end_of(plan));
    return status == SEGJ_OK ? segj_fixed_mark_cut(fixed, index, end_of(plan)) : status;
}

/* --- all of it --- */

/* The file ends with a sector. Where zeros end the last one already, neither the cut nor the filling writes to it: it may
 * hold what was synced. */
static segj_status_t cut_log_values(segj_scan_t *scan, const segj_recovery_plan_t *plan, const segj_io_file_t *values)
{
    uint64_t pad = segj_frame_pad(values->sector, values->data, plan->end);
    bool filled = false;
    segj_status_t status =
        pad > 0 ? segj_again_is_zero(scan, values, values->data + plan->end, (size_t)pad, &filled) : SEGJ_OK;
    return status == SEGJ_OK ? segj_glob_cut(values, plan->end, filled) : status;
}

static segj_status_t cut_log_index(segj_scan_t *scan, const segj_recovery_plan_t *plan, const segj_io_file_t *index)
{
    segj_status_t status =
        segj_io_truncate(index, segj_fixed_file_size(&scan->journal->shared, index->data, plan->records));
    return status == SEGJ_OK ? segj_io_sync(index) : status;
}

/* Losing this costs the next open the same work again. */
static void raise_log_mark(segj_scan_t *scan, const segj_recovery_plan_t *plan, const segj_io_file_t *index,
                           bool marked)
{
    segj_fixed_t *fixed = &plan->section->index;
    segj_status_t status = SEGJ_OK;
    if (plan->records > fixed->mark.records || fixed->sequence == 0 || (!plan->confirmed && !marked))
        status = segj_fixed_mark(fixed, index, end_of(plan));
    else if (marked || segj_log_is_cut_marked(plan))
        status = segj_fixed_clear_mark(fixed, index);
    if (status != SEGJ_OK)
        segj_shared_log(&scan->journal->shared, SEGJ_LOG_WARNING, "a watermark could not be written: %s",
                        segj_last_error());
}

/* A batch above W that a checkpoint cuts in its middle: W comes to say that this is its end before the rest is cut,
 * because a part of a batch is otherwise what a crash has left. */
static segj_status_t end_within_batch(const segj_recovery_plan_t *plan, const segj_io_file_t *index,
                                      const segj_io_file_t *values)
{
    segj_status_t status = segj_io_sync(values);
    if (status == SEGJ_OK)
        status = segj_io_sync(index);
    return status == SEGJ_OK ? mark_both(plan, index) : status;
}

/* A values file that is missing is made when the index has been cut: no crash leaves pages beside one that has no
 * header yet, and the next open may refuse those. */
static segj_status_t make_log_values(segj_scan_t *scan, segj_recovery_plan_t *plan, const segj_io_file_t *index,
                                     segj_io_file_t *values, segj_repair_open_t *open_them)
{
    const segj_shared_t *shared = &scan->journal->shared;
    segj_status_t status = cut_log_index(scan, plan, index);
    if (status == SEGJ_OK)
        status = open_them(plan, values, shared);
    if (status == SEGJ_OK)
        status = segj_glob_write_header(&plan->section->values, shared, values);
    return status == SEGJ_OK ? segj_io_sync(values) : status;
}

segj_status_t segj_repair_log(segj_scan_t *scan, segj_recovery_plan_t *plan, const segj_io_file_t *index,
                              segj_io_file_t *values, segj_repair_open_t *open_them)
{
    const segj_shared_t *shared = &scan->journal->shared;
    segj_fixed_t *fixed = &plan->section->index;
    bool marked = wants_marks(plan);
    /* A repair that has begun wants no memory. */
    segj_status_t status = segj_again_prepare(scan, values);
    if (status == SEGJ_OK)
        status = segj_scan_have_pages(scan);
    if (status == SEGJ_OK && plan->value_there)
        status = open_them(plan, values, shared);
    plan->begun = plan->begun || status == SEGJ_OK;
    if (status == SEGJ_OK)
        status = write_log_headers(scan, plan, index, values);
    if (status == SEGJ_OK && marked)
        status =
            plan->records < plan->watermark ? mark_both(plan, index) : segj_fixed_mark_cut(fixed, index, end_of(plan));
    if (status == SEGJ_OK && values->opened == NULL)
        status = make_log_values(scan, plan, index, values, open_them);
    if (status == SEGJ_OK)
        status = segj_pass_log(scan, plan, index, values);
    if (status == SEGJ_OK && plan->within_batch) {
        status = end_within_batch(plan, index, values);
        marked = true;
    }
    if (status == SEGJ_OK)
        status = cut_log_values(scan, plan, values);
    if (status == SEGJ_OK)
        status = cut_log_index(scan, plan, index);
    /* A section with a watermark has durable names. */
    if (status == SEGJ_OK && plan->index_missing)
        status = segj_partition_sync(&shared->index);
    if (status != SEGJ_OK)
        return status;
    raise_log_mark(scan, plan, index, marked);
    segj_lock(&scan->journal->shared.state); /* readers of a section that open could not repair look at these */
    fixed->untrusted = UINT64_MAX;
    plan->section->known = (segj_point_t){0};
    segj_unlock(&scan->journal->shared.state);
    return SEGJ_OK;
}
