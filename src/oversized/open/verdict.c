/*
 * oversized/open/verdict.c: what a section holds, in either format, and whether open must do anything about it
 * (DESIGN.md, "Open"). Reads only.
 */
#include "oversized/open/verdict.h"

#include "journal/commonware_format.h"
#include "journal/record_format.h"
#include "oversized/open/verdict_log.h"
#include "oversized/section/section.h"

/* --- the verdict --- */

/*
 * Whether a completed sync has covered all of the records, or a completed repair or rewind has left none. A slot is
 * written when both headers are durable; a cut that may not be is marked by two equal ones. So the valid slot of a
 * section without records tells that its files are durable as they are, and only its names may not be.
 */
static bool is_marked(const segj_recovery_plan_t *plan)
{
    bool cut_marked =
        plan->marks[0].valid && plan->marks[1].valid && plan->marks[0].at.records == plan->marks[1].at.records;
    bool empty = plan->marks[0].valid != plan->marks[1].valid && plan->index_whole && plan->value_whole;
    return plan->records == plan->watermark && (plan->records > 0 || empty) && !cut_marked;
}

/* What lies after the records that stay, and with it whether there is anything to do. */
static segj_status_t compare_with_files(segj_scan_t *scan, segj_recovery_plan_t *plan, const segj_scanned_t *scanned)
{
    const segj_shared_t *shared = &scan->journal->shared;
    uint64_t bytes = plan->records * shared->record_size;
    uint16_t partial = (uint16_t)(bytes % shared->page_size);
    plan->last_length = partial;
    if (partial > 0) {
        const uint8_t *page;
        segj_status_t status =
            segj_scan_page(scan, scanned, bytes / shared->page_size, SEGJ_ONE_PAGE, &page, &plan->last_length);
        if (status != SEGJ_OK)
            return status;
    }
    plan->cut_index = plan->index_size > segj_fixed_file_size(shared, scanned->index.data, plan->records) ||
                      plan->last_length != partial;
    plan->cut = plan->cut_index || scanned->values_size > plan->end;
    plan->clean = !plan->cut && plan->index_valid && plan->value_valid &&
                  (shared->format == SEGJ_FORMAT_NATIVE ? is_marked(plan) : segj_plan_lost(plan) == 0);
    return SEGJ_OK;
}

static segj_status_t open_both(const segj_scan_t *scan, const segj_recovery_plan_t *plan, segj_scanned_t *scanned)
{
    const segj_shared_t *shared = &scan->journal->shared;
    uint64_t number = plan->number;
    *scanned = (segj_scanned_t){.index = {.partition = &shared->index, .section = number}};
    segj_status_t status =
        plan->index_missing ? SEGJ_OK : segj_io_open(&scanned->index, &shared->index, number, SEGJ_OPEN_READ, NULL);
    if (status == SEGJ_OK && plan->value_there)
        status = segj_io_open(&scanned->values, &shared->values, number, SEGJ_OPEN_READ, NULL);
    segj_io_take_properties(&scanned->index, &plan->section->index.handle.file);
    segj_io_take_properties(&scanned->values, &plan->section->values.handle.file);
    return status;
}

static void keep_open(const segj_scan_t *scan, const segj_recovery_plan_t *plan, segj_scanned_t *scanned)
{
    segj_files_t *files = &scan->journal->shared.files;
    segj_lock(files->state);
    segj_files_take_over(files, &plan->section->index.handle, &scanned->index);
    segj_files_take_over(files, &plan->section->values.handle, &scanned->values);
    segj_unlock(files->state);
}

segj_status_t segj_verdict(segj_scan_t *scan, segj_recovery_plan_t *plan)
{
    segj_scanned_t scanned;
    segj_status_t status = open_both(scan, plan, &scanned);
    /* A file that is new, or will be made, follows the configuration; native ones that are there stay as they are. */
    segj_section_set_compressed(plan->section, scan->journal->codec.level != 0);
    segj_scan_forget(scan);
    if (status == SEGJ_OK)
        status = scan->journal->shared.format == SEGJ_FORMAT_NATIVE ? segj_judge_native(scan, plan, &scanned)
                                                                    : segj_judge_commonware(scan, plan, &scanned);
    if (status == SEGJ_OK && !segj_section_is_log(plan->section))
        status = compare_with_files(scan, plan, &scanned);
    if (status == SEGJ_OK && plan->keep && plan->clean)
        keep_open(scan, plan, &scanned);
    segj_io_close(&scanned.index);
    segj_io_close(&scanned.values);
    return status;
}

segj_status_t segj_verdict_orphan(segj_scan_t *scan, uint64_t number, uint64_t *data, bool *log)
{
    const segj_shared_t *shared = &scan->journal->shared;
    segj_io_file_t file;
    uint64_t file_size = 0;
    bool valid;
    *data = 0;
    *log = false;
    segj_status_t status = segj_io_open(&file, &shared->values, number, SEGJ_OPEN_READ, NULL);
    if (status != SEGJ_OK)
        return status;
    file.data = SEGJ_COMMONWARE_V0_SIZE; /* where it does not tell */
    status = segj_io_size(&file, &file_size);
    if (status == SEGJ_OK)
        status = shared->format == SEGJ_FORMAT_NATIVE ? segj_judge_native_header(&file, file_size, &valid, log)
                                                      : segj_judge_commonware_header(&file, file_size, &valid);
    segj_io_close(&file);
    if (status == SEGJ_OK && file_size > file.data)
        *data = file_size - file.data;
    return status;
}

/* Files that were judged before. */
static void look_again(segj_scan_t *scan, const segj_recovery_plan_t *plan, segj_scanned_t *scanned)
{
    if (plan->index_valid && plan->index_size > scanned->index.data)
        scanned->pages = (plan->index_size - scanned->index.data) / segj_page_physical(scan->journal->shared.page_size);
    if (plan->value_size > scanned->values.data)
        scanned->values_size = plan->value_size - scanned->values.data;
    segj_scan_forget(scan);
}

static segj_status_t end_at(segj_scan_t *scan, segj_recovery_plan_t *plan, const segj_scanned_t *scanned,
                            uint64_t records)
{
    plan->records = records;
    if (records < plan->watermark)
        plan->watermark_end = plan->end;
    return compare_with_files(scan, plan, scanned);
}

/* The end of the last record's values; a checkpoint that ends in a damaged page cannot be restored. */
static segj_status_t verdict_shorten(segj_scan_t *scan, segj_recovery_plan_t *plan, segj_scanned_t *scanned,
                                     uint64_t records)
{
    bool readable = true;
    oversized_location_t location;
    look_again(scan, plan, scanned);
    plan->end = 0;
    if (segj_section_is_log(plan->section))
        return segj_judge_log_shorten(scan, plan, scanned, records);
    if (records > 0) {
        segj_status_t status = segj_scan_record(scan, scanned, records - 1, SEGJ_ONE_PAGE, &readable, &location);
        if (status != SEGJ_OK)
            return status;
        if (!readable || !segj_location_end(0, location, scanned->values_size, &plan->end))
            return segj_io_fail(SEGJ_ERR_CORRUPT, &scanned->index, 0, "record %llu, the checkpoint's last, is damaged",
                                (unsigned long long)(records - 1));
    }
    return end_at(scan, plan, scanned, records);
}

/* From the bound back to a record that is there; of a section of version 2 all are. */
static segj_status_t verdict_bound(segj_scan_t *scan, segj_recovery_plan_t *plan, segj_scanned_t *scanned,
                                   uint64_t most)
{
    uint64_t records;
    look_again(scan, plan, scanned);
    if (segj_section_is_log(plan->section))
        return segj_judge_log_shorten(scan, plan, scanned, most);
    segj_status_t status =
        segj_scan_back(scan, scanned, most, segj_verdict_trusted(scan->journal, plan), &records, &plan->end);
    return status == SEGJ_OK ? end_at(scan, plan, scanned, records) : status;
}

segj_status_t segj_verdict_bound(segj_scan_t *scan, segj_recovery_plan_t *plan, uint64_t most)
{
    segj_scanned_t scanned;
    if (most >= plan->records)
        return SEGJ_OK;
    segj_status_t status = open_both(scan, plan, &scanned);
    if (status == SEGJ_OK)
        status = verdict_bound(scan, plan, &scanned, most);
    segj_io_close(&scanned.index);
    segj_io_close(&scanned.values);
    return status;
}

segj_status_t segj_verdict_shorten(segj_scan_t *scan, segj_recovery_plan_t *plan, uint64_t records)
{
    segj_scanned_t scanned;
    if (records == plan->records)
        return SEGJ_OK;
    segj_status_t status = open_both(scan, plan, &scanned);
    if (status == SEGJ_OK)
        status = verdict_shorten(scan, plan, &scanned, records);
    segj_io_close(&scanned.index);
    segj_io_close(&scanned.values);
    return status;
}
