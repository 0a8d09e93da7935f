/*
 * oversized/open/verdict_commonware.c: what a section of the commonware format holds (FORMAT.md, "Where a section
 * ends"; DESIGN.md, "The commonware format"). Nothing in the files says what was synced, how large a page is or how
 * large a record.
 *
 * The index ends with its last valid page, and there with its last whole record. From that record it goes back to the
 * first that is readable and whose frame lies within the values file. What else a configuration might have wrong is
 * looked for before that: with the wrong page size no page is valid, with the wrong record size the bytes of valid
 * pages make no records. Files of another configuration are refused, because by the rule above they would be cut to
 * nothing.
 */
#include "oversized/open/verdict.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "journal/commonware_format.h"
#include "journal/record_format.h"

/* --- headers --- */

segj_status_t segj_judge_commonware_header(segj_io_file_t *file, uint64_t file_size, bool *valid)
{
    uint8_t header[SEGJ_COMMONWARE_V1_SIZE];
    size_t got;
    const char *why;
    segj_status_t status = segj_io_read(file, 0, header, sizeof header, &got);
    if (status != SEGJ_OK)
        return status;
    segj_header_verdict_t verdict = segj_commonware_decode(header, got, file_size, &file->data, &why);
    *valid = verdict == SEGJ_HEADER_VALID;
    if (verdict == SEGJ_HEADER_FOREIGN)
        return segj_io_fail(SEGJ_ERR_MISMATCH, file, 0, "%s", why);
    if (verdict == SEGJ_HEADER_DAMAGED)
        return segj_io_fail(SEGJ_ERR_CORRUPT, file, 0, "%s", why);
    return SEGJ_OK;
}

static segj_status_t data_of_newest(const segj_io_partition_t *index, uint64_t newest, uint64_t *data)
{
    segj_io_file_t file;
    uint64_t size = 0;
    bool valid = false;
    segj_status_t status = segj_io_open(&file, index, newest, SEGJ_OPEN_READ, NULL);
    if (status != SEGJ_OK)
        return status;
    file.data = *data;
    status = segj_io_size(&file, &size);
    if (status == SEGJ_OK)
        status = segj_judge_commonware_header(&file, size, &valid);
    *data = file.data;
    segj_io_close(&file);
    return status;
}

segj_status_t segj_follow_commonware(oversized_t *journal, const oversized_config_t *config, const uint64_t *newest)
{
    segj_shared_t *shared = &journal->shared;
    uint64_t data = config->commonware_header == 1 ? SEGJ_COMMONWARE_V1_SIZE : SEGJ_COMMONWARE_V0_SIZE;
    segj_status_t status = newest != NULL ? data_of_newest(&shared->index, *newest, &data) : SEGJ_OK;
    if (status != SEGJ_OK)
        return status;
    shared->new_data = data;
    journal->newer = shared->hold.foreign || (newest != NULL && data == SEGJ_COMMONWARE_V1_SIZE);
    journal->verify_tail =
        config->verify == OVERSIZED_VERIFY_TAIL || (config->verify == OVERSIZED_VERIFY_DEFAULT && journal->newer);
    return SEGJ_OK;
}

/* A new file that does not tell its kind gets the header of new files. */
static segj_status_t verdict_commonware_judge_header(const segj_scan_t *scan, segj_io_file_t *file, uint64_t file_size,
                                                     bool *valid)
{
    file->data = scan->journal->shared.new_data;
    return segj_judge_commonware_header(file, file_size, valid);
}

static segj_status_t read_headers(const segj_scan_t *scan, segj_recovery_plan_t *plan, segj_scanned_t *scanned)
{
    segj_section_t *section = plan->section;
    segj_status_t status = segj_io_size(&scanned->index, &plan->index_size);
    if (status == SEGJ_OK)
        status = verdict_commonware_judge_header(scan, &scanned->index, plan->index_size, &plan->index_valid);
    if (status == SEGJ_OK && plan->value_there)
        status = segj_io_size(&scanned->values, &plan->value_size);
    if (status == SEGJ_OK && plan->value_there)
        status = verdict_commonware_judge_header(scan, &scanned->values, plan->value_size, &plan->value_valid);
    if (status != SEGJ_OK)
        return status;
    section->index.handle.file.data = scanned->index.data;
    section->values.handle.file.data = scanned->values.data;
    if (plan->index_valid)
        scanned->pages = (plan->index_size - scanned->index.data) / segj_page_physical(scan->journal->shared.page_size);
    if (plan->value_valid)
        scanned->values_size = plan->value_size - scanned->values.data;
    return SEGJ_OK;
}

/* --- another page size --- */

#define PAGE_MOST ((size_t)UINT16_MAX + SEGJ_PAGE_TRAILER)

static bool slot_fits(const uint8_t *bytes, const uint32_t *checksums, uint16_t size, unsigned slot)
{
    const uint8_t *at = bytes + segj_page_slot_offset(size, slot);
    uint16_t length = segj_get_u16(at);
    return length > 0 && length <= size && segj_get_u32(at + 2) == checksums[length];
}

/* Whether `bytes` begin with a page of `size` logical bytes. A page of the configured size that was cut within its
 * second slot has its first one where a smaller page has its second: that one counts where the file holds whole
 * pages. */
static bool page_fits(const uint8_t *bytes, const uint32_t *checksums, uint16_t size, uint16_t configured, bool whole)
{
    bool own = segj_page_slot_offset(size, 2) == segj_page_slot_offset(configured, 1);
    return slot_fits(bytes, checksums, size, 1) || ((whole || !own) && slot_fits(bytes, checksums, size, 2));
}

/* The page size by which the first page is valid, 0 for none. One slot fits two sizes, as the first and as the second
 * of a page: the better guess is the one of which the file holds whole pages. */
static uint16_t guess_page_size(const uint8_t *bytes, size_t have, uint64_t data_size, uint16_t configured,
                                uint32_t checksums[UINT16_MAX + 1])
{
    uint16_t found = 0;
    size_t most = have > SEGJ_PAGE_TRAILER ? have - SEGJ_PAGE_TRAILER : 0;
    if (most > UINT16_MAX)
        most = UINT16_MAX;
    checksums[0] = 0;
    for (size_t i = 0; i < most; i++)
        checksums[i + 1] = segj_crc32c(checksums[i], bytes + i, 1);
    for (size_t size = 1; size <= most; size++) {
        bool whole = data_size % (size + SEGJ_PAGE_TRAILER) == 0;
        if (!page_fits(bytes, checksums, (uint16_t)size, configured, whole))
            continue;
        if (whole)
            return (uint16_t)size;
        if (found == 0)
            found = (uint16_t)size;
    }
    return found;
}

segj_status_t segj_commonware_page_size(const segj_io_file_t *file, uint64_t data_size, uint16_t configured,
                                        uint16_t *found)
{
    size_t got = 0;
    uint8_t *bytes = malloc(PAGE_MOST);
    uint32_t *checksums = malloc((UINT16_MAX + 1) * sizeof *checksums);
    segj_status_t status = SEGJ_OK;
    *found = 0;
    if (bytes == NULL || checksums == NULL)
        status = segj_fail_memory(PAGE_MOST);
    if (status == SEGJ_OK)
        status = segj_io_read(file, file->data, bytes, PAGE_MOST, &got);
    if (status == SEGJ_OK)
        *found = guess_page_size(bytes, got, data_size, configured, checksums);
    free(checksums);
    free(bytes);
    return status;
}

/* No page is valid: a crash may have left that of a section whose first sync it interrupted. Or the pages are of
 * another size, or in the other partition. */
static segj_status_t check_page_size(const segj_scan_t *scan, const segj_recovery_plan_t *plan,
                                     const segj_scanned_t *scanned)
{
    const segj_io_file_t *file = &scanned->index;
    uint16_t expected = scan->journal->shared.page_size;
    uint16_t found;
    segj_status_t status = segj_commonware_page_size(file, plan->index_size - file->data, expected, &found);
    if (status == SEGJ_OK && found != 0)
        return segj_io_fail(SEGJ_ERR_MISMATCH, file, file->data, "the page size is %u bytes, expected %u bytes",
                            (unsigned)found, (unsigned)expected);
    if (status != SEGJ_OK || scanned->values_size == 0)
        return status;
    status = segj_commonware_page_size(&scanned->values, scanned->values_size, expected, &found);
    if (status == SEGJ_OK && found != 0)
        status = segj_io_fail(SEGJ_ERR_MISMATCH, &scanned->values, file->data,
                              "a values file that begins with an index page of %u bytes", (unsigned)found);
    return status;
}

/* --- another record size --- */

/** Whether a row of records is what appends leave: each frame after the one before. */
typedef struct row {
    uint64_t records;
    uint64_t end;  /* of the last frame */
    bool joined;   /* the first begins at 0, each further one where the one before ended */
    bool possible; /* every range is one */
    bool ordered;  /* none begins before the end of one before it */
} row_t;

static void row_add(row_t *row, oversized_location_t location)
{
    uint64_t end;
    if (!segj_location_end(0, location, UINT64_MAX, &end)) {
        row->joined = row->possible = false;
        return;
    }
    row->joined = row->joined && location.offset == row->end;
    row->ordered = row->ordered && location.offset >= row->end;
    row->end = end;
    row->records++;
}

/* Adds the readable ones of records `from` to `to` - 1. */
static segj_status_t row_read(segj_scan_t *scan, const segj_scanned_t *scanned, uint64_t from, uint64_t to, row_t *row)
{
    segj_status_t status = SEGJ_OK;
    for (uint64_t i = from; i < to && status == SEGJ_OK; i++) {
        bool readable;
        oversized_location_t location;
        status = segj_scan_record(scan, scanned, i, SEGJ_FORWARD, &readable, &location);
        if (status == SEGJ_OK && readable)
            row_add(row, location);
        else if (status == SEGJ_OK)
            row->joined = false;
    }
    return status;
}

/* Whether `size` bytes are two or more records of `record_size`, each frame after the one before. */
static bool record_size_fits(const uint8_t *bytes, size_t size, size_t record_size)
{
    if (2 * record_size > size)
        return false;
    row_t row = {.possible = true, .ordered = true, .joined = true};
    row.end = segj_location_decode(bytes + record_size - OVERSIZED_LOCATION_SIZE).offset;
    for (size_t at = record_size; at <= size && row.joined; at += record_size)
        row_add(&row, segj_location_decode(bytes + at - OVERSIZED_LOCATION_SIZE));
    return row.joined;
}

/* The record size by which the first bytes are a row of records, `expected` before any other; 0 for none. */
uint32_t segj_commonware_record_size(const uint8_t *bytes, size_t size, uint32_t expected)
{
    if (record_size_fits(bytes, size, expected))
        return expected;
    for (uint32_t guess = OVERSIZED_LOCATION_SIZE; guess <= UINT16_MAX + OVERSIZED_LOCATION_SIZE; guess++)
        if (record_size_fits(bytes, size, guess))
            return guess;
    return 0;
}

/* The first logical bytes, as far as one reading of pages goes and the pages are full. The caller frees *bytes. */
segj_status_t segj_scan_head(segj_scan_t *scan, const segj_scanned_t *scanned, uint8_t **bytes, size_t *size)
{
    uint16_t page_size = scan->journal->shared.page_size;
    size_t pages = (size_t)segj_min_u64(scanned->pages, scan->capacity);
    uint16_t length = page_size;
    segj_status_t status = SEGJ_OK;
    *size = 0;
    *bytes = malloc(pages * page_size + 1);
    if (*bytes == NULL)
        return segj_fail_memory(pages * page_size);
    for (size_t page = 0; page < pages && length == page_size && status == SEGJ_OK; page++) {
        const uint8_t *from;
        status = segj_scan_page(scan, scanned, page, SEGJ_FORWARD, &from, &length);
        if (status == SEGJ_OK && length > 0)
            memcpy(*bytes + *size, from, length);
        *size += status == SEGJ_OK ? length : 0;
    }
    return status;
}

static segj_status_t wrong_record_size(const segj_scan_t *scan, const segj_scanned_t *scanned, uint32_t found)
{
    const segj_io_file_t *file = &scanned->index;
    uint32_t expected = scan->journal->shared.record_size;
    if (found != 0 && found != expected)
        return segj_say_entry_sizes(segj_io_fail(SEGJ_ERR_MISMATCH, file, file->data,
                                                 "the record size is %u bytes, expected %u bytes", (unsigned)found,
                                                 (unsigned)expected),
                                    found, expected);
    return segj_io_fail(SEGJ_ERR_MISMATCH, file, file->data,
                        "its records are not of %u bytes, or not of one journal: config.entry_size is %u bytes",
                        (unsigned)expected, (unsigned)(expected - OVERSIZED_LOCATION_SIZE));
}

/*
 * The first and the last records, as many as one reading gives of each. Records that make no row may be those of
 * another size; then that one is looked for. A row with gaps is nothing unusual: appends fail, and old bytes may lie
 * before it.
 */
static segj_status_t check_record_size(segj_scan_t *scan, const segj_scanned_t *scanned, uint64_t exist, bool broken)
{
    const segj_shared_t *shared = &scan->journal->shared;
    uint64_t reach = (uint64_t)scan->capacity * shared->page_size;
    uint64_t head = segj_min_u64(exist, reach / shared->record_size);
    uint64_t tail = scanned->pages > scan->capacity ? (scanned->pages - scan->capacity) * shared->page_size : 0;
    tail = segj_max_u64(tail / shared->record_size + 1, head);
    row_t row = {.joined = true, .possible = true, .ordered = true};
    segj_status_t status = row_read(scan, scanned, 0, head, &row);
    bool joined = row.joined && row.records > 0;
    if (status == SEGJ_OK && tail < exist)
        status = row_read(scan, scanned, tail, exist, &row);
    if (status != SEGJ_OK || (joined && row.ordered && !broken))
        return status;
    uint8_t *bytes;
    size_t size;
    status = segj_scan_head(scan, scanned, &bytes, &size);
    uint32_t found = status == SEGJ_OK ? segj_commonware_record_size(bytes, size, shared->record_size) : 0;
    free(bytes);
    if (status == SEGJ_OK && (broken || !row.ordered || (found != 0 && found != shared->record_size)))
        status = wrong_record_size(scan, scanned, found);
    return status;
}

/* --- the verdict --- */

/* Leaves out what follows the last valid page; *length: its valid bytes, 0 where no page is valid. */
static segj_status_t find_last_page(segj_scan_t *scan, segj_scanned_t *scanned, uint16_t *length)
{
    segj_direction_t direction = SEGJ_ONE_PAGE;
    const uint8_t *bytes;
    *length = 0;
    while (scanned->pages > 0) {
        segj_status_t status = segj_scan_page(scan, scanned, scanned->pages - 1, direction, &bytes, length);
        if (status != SEGJ_OK || *length > 0)
            return status;
        direction = SEGJ_BACKWARD;
        scanned->pages--;
    }
    return SEGJ_OK;
}

static segj_status_t verdict_commonware_count_records(segj_scan_t *scan, segj_recovery_plan_t *plan,
                                                      segj_scanned_t *scanned)
{
    const segj_shared_t *shared = &scan->journal->shared;
    uint16_t length;
    segj_status_t status = find_last_page(scan, scanned, &length);
    if (status != SEGJ_OK)
        return status;
    if (scanned->pages == 0)
        return plan->index_size > scanned->index.data ? check_page_size(scan, plan, scanned) : SEGJ_OK;
    uint64_t bytes = (scanned->pages - 1) * shared->page_size + length;
    plan->records_on_disk = bytes / shared->record_size;
    /* A partial page is written by a sync, and a sync writes whole records. */
    bool broken = length < shared->page_size && bytes % shared->record_size != 0;
    return check_record_size(scan, scanned, plan->records_on_disk, broken);
}

/* The reference writes values before records, so that a crash leaves this; so does who empties an index file. */
static void say_unled(const oversized_t *journal, const segj_recovery_plan_t *plan, const segj_scanned_t *scanned)
{
    const char *what = "stay";
    if (journal->newer)
        what = journal->read_only ? "would be cut, as commonware-storage cuts them"
                                  : "are cut, as commonware-storage cuts them";
    segj_shared_log(&journal->shared, SEGJ_LOG_WARNING,
                    "%s: section %llu has no records, and %llu bytes of values that no record leads to; they %s",
                    journal->directory, (unsigned long long)plan->number, (unsigned long long)scanned->values_size,
                    what);
}

/* What an archive counts was synced, and is not given up for a value of which a byte is wrong. */
uint64_t segj_verdict_trusted(const oversized_t *journal, const segj_recovery_plan_t *plan)
{
    return journal->verify_tail ? segj_counts_of(&journal->shared.counts, plan->number) : UINT64_MAX;
}

/* The section ends before a damaged page, as in newer releases of the reference. What that cuts counts as lost, because
 * nothing says that no sync has covered it. */
static segj_status_t end_before_hole(segj_scan_t *scan, segj_recovery_plan_t *plan, const segj_scanned_t *scanned)
{
    oversized_t *journal = scan->journal;
    segj_status_t status = segj_hole_find(&journal->shared, &scanned->index, plan->records, &plan->hole);
    if (status != SEGJ_OK || !plan->hole.found || !journal->cut_holes)
        return status;
    plan->watermark = segj_max_u64(plan->watermark, plan->records);
    return segj_scan_back(scan, scanned, plan->hole.records, segj_verdict_trusted(journal, plan), &plan->records,
                          &plan->end);
}

segj_status_t segj_judge_commonware(segj_scan_t *scan, segj_recovery_plan_t *plan, segj_scanned_t *scanned)
{
    segj_status_t status = read_headers(scan, plan, scanned);
    if (status == SEGJ_OK && plan->index_valid)
        status = verdict_commonware_count_records(scan, plan, scanned);
    plan->watermark = segj_counts_of(&scan->journal->shared.counts, plan->number);
    if (status == SEGJ_OK)
        status = segj_scan_back(scan, scanned, plan->records_on_disk, segj_verdict_trusted(scan->journal, plan),
                                &plan->records, &plan->end);
    if (status == SEGJ_OK && scan->look_for_holes)
        status = end_before_hole(scan, plan, scanned);
    /* Without a record to go by the values stay as they are, and new ones follow them. Newer releases of the
     * reference cut them, and refuse an open at a checkpoint where they find any. */
    if (status == SEGJ_OK && plan->records_on_disk == 0 && scanned->values_size > 0) {
        plan->end = scan->journal->newer ? 0 : scanned->values_size;
        say_unled(scan->journal, plan, scanned);
    }
    return status;
}
