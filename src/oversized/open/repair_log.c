/*
 * oversized/open/repair_log.c: see the header, and DESIGN.md, "Version 2 of the native format". W is lowered first,
 * where less stays than it says or a cut of what it covers must be marked. Then the values are written again and cut,
 * which completes the log. Then the index follows, from the first page that is not trusted, and W is raised.
 */
#include "oversized/open/repair_log.h"

#include <string.h>

#include "base/bytes.h"
#include "journal/walk.h"
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
    segj_status_t status = segj_repair_write_again(scan, file, begin, file->data);
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

/* --- values --- */

/* Writes bytes of a file again as they read: after a failed write-back the system's cache shows bytes that are no
 * longer dirty and never reached the disk, and a sync alone would not write them. Any mixture of both is the same
 * bytes. */
segj_status_t segj_repair_write_again(segj_scan_t *scan, const segj_io_file_t *file, uint64_t from, uint64_t to)
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

static segj_status_t write_values_again(segj_scan_t *scan, const segj_recovery_plan_t *plan,
                                        const segj_io_file_t *values)
{
    return segj_repair_write_again(scan, values, values->data + plan->watermark_end, values->data + plan->end);
}

/* --- the index --- */

/** Pages on their way to the file. */
typedef struct repair_pages {
    const segj_shared_t *shared;
    const segj_io_file_t *index;
    uint8_t *bytes;  /* room for `capacity` physical pages */
    size_t capacity; /* in pages */
    size_t full;     /* of them, complete */
    uint64_t first;  /* number of the first */
    uint16_t length; /* bytes of the page after the full ones */
} repair_pages_t;

static segj_status_t write_full_pages(repair_pages_t *pages)
{
    size_t physical = segj_page_physical(pages->shared->page_size);
    uint64_t offset = pages->index->data + pages->first * physical;
    size_t size = pages->full * physical;
    segj_status_t status = size > 0 ? segj_io_write(pages->index, offset, pages->bytes, size) : SEGJ_OK;
    pages->first += pages->full;
    pages->full = 0;
    return status;
}

/* The page that is being filled gets its slot. */
static segj_status_t complete_page(repair_pages_t *pages)
{
    size_t physical = segj_page_physical(pages->shared->page_size);
    const segj_page_state_t none = {0, 0, 0};
    (void)segj_page_complete(pages->shared->checksum, pages->bytes + pages->full * physical, pages->shared->page_size,
                             pages->index->binding, pages->first + pages->full, pages->length, none);
    pages->length = 0;
    pages->full++;
    return pages->full == pages->capacity ? write_full_pages(pages) : SEGJ_OK;
}

static segj_status_t put_index_bytes(repair_pages_t *pages, const uint8_t *bytes, size_t size)
{
    size_t physical = segj_page_physical(pages->shared->page_size);
    segj_status_t status = SEGJ_OK;
    while (size > 0 && status == SEGJ_OK) {
        size_t room = (size_t)(pages->shared->page_size - pages->length);
        size_t part = room < size ? room : size;
        memcpy(pages->bytes + pages->full * physical + pages->length, bytes, part);
        pages->length = (uint16_t)(pages->length + part);
        bytes += part;
        size -= part;
        if (pages->length == pages->shared->page_size)
            status = complete_page(pages);
    }
    return status;
}

/* The bytes of the first page that are trusted. */
static segj_status_t begin_pages(const segj_recovery_plan_t *plan, repair_pages_t *pages)
{
    uint16_t page_size = pages->shared->page_size;
    uint16_t kept = (uint16_t)(plan->index_bytes % page_size);
    pages->first = plan->index_bytes / page_size;
    if (kept == 0)
        return SEGJ_OK;
    uint64_t offset = pages->index->data + pages->first * segj_page_physical(page_size);
    segj_status_t status = segj_io_read(pages->index, offset, pages->bytes, segj_page_physical(page_size), NULL);
    pages->length = kept;
    return status;
}

/** What the verdict has kept of frames that follow each other. */
typedef struct kept_frames {
    const uint8_t *at; /* of the next one */
    uint64_t left;     /* frames */
    uint64_t offset;   /* of the next one, in the values */
} kept_frames_t;

/* Makes the next one's record. */
static inline void make_record(kept_frames_t *frames, uint32_t head, uint8_t *to, size_t entry_size)
{
    oversized_location_t location = {frames->offset, 0};
    memcpy(&location.size, frames->at, sizeof location.size);
    location.size += SEGJ_FRAME_TRAILER;
    memcpy(to, frames->at + sizeof location.size, entry_size);
    segj_location_encode(to + entry_size, location);
    frames->at += sizeof location.size + entry_size;
    frames->left--;
    frames->offset += segj_frame_size(head, location);
}

/* Those that do not fill a page are made in place. */
static segj_status_t put_frames(const segj_scan_t *scan, kept_frames_t *frames, uint32_t head, repair_pages_t *pages)
{
    uint32_t size = pages->shared->record_size;
    size_t entry_size = size - OVERSIZED_LOCATION_SIZE;
    size_t physical = segj_page_physical(pages->shared->page_size);
    segj_status_t status = SEGJ_OK;
    while (frames->left > 0 && status == SEGJ_OK) {
        uint8_t *to = pages->bytes + pages->full * physical + pages->length;
        uint32_t room = (uint32_t)(pages->shared->page_size - pages->length - 1) / size;
        uint32_t fit = (uint32_t)segj_min_u64(frames->left, room);
        for (uint32_t i = 0; i < fit; i++, to += size)
            make_record(frames, head, to, entry_size);
        pages->length = (uint16_t)(pages->length + fit * size);
        if (frames->left == 0)
            break;
        make_record(frames, head, scan->record, entry_size);
        status = put_index_bytes(pages, scan->record, size);
    }
    return status;
}

/* Those that the verdict has kept, which begin where the index ends; *at is where they end. */
static segj_status_t put_kept(const segj_scan_t *scan, const segj_recovery_plan_t *plan, uint32_t head,
                              repair_pages_t *pages, segj_point_t *at)
{
    uint64_t kept = segj_min_u64(plan->kept_end.records, plan->records) - plan->begin.records;
    *at = plan->anchor;
    if (scan->kept == NULL || plan->kept_end.records <= plan->begin.records || plan->records <= plan->begin.records ||
        plan->anchor.records != plan->begin.records ||
        plan->index_bytes != plan->begin.records * pages->shared->record_size)
        return SEGJ_OK;
    kept_frames_t frames = {scan->kept + plan->kept_at, kept, plan->begin.end};
    *at = plan->kept_end;
    return put_frames(scan, &frames, head, pages);
}

static segj_status_t put_records(segj_scan_t *scan, const segj_recovery_plan_t *plan, const segj_io_file_t *values,
                                 repair_pages_t *pages)
{
    uint32_t size = pages->shared->record_size;
    segj_point_t at;
    segj_status_t status = put_kept(scan, plan, values->head, pages, &at);
    segj_walk_t walk = segj_walk_begin(values, plan->end, at, scan->window, SEGJ_SCAN_WINDOW);
    while (walk.at.records < plan->records && status == SEGJ_OK) {
        segj_head_t head;
        oversized_location_t location;
        bool there;
        bool right;
        uint64_t begin = walk.at.records * size;
        uint32_t skip = begin < plan->index_bytes ? (uint32_t)(plan->index_bytes - begin) : 0;
        status = segj_walk_look(&walk, &head, &location, &there);
        if (status == SEGJ_OK && !there)
            status = segj_io_fail(SEGJ_ERR_CORRUPT, values, values->data + walk.at.end,
                                  "the frame of record %llu is not what it was when open looked at it first",
                                  (unsigned long long)walk.at.records);
        if (status != SEGJ_OK)
            return status;
        memcpy(scan->record, head.entry, size - OVERSIZED_LOCATION_SIZE);
        segj_location_encode(scan->record + size - OVERSIZED_LOCATION_SIZE, location);
        status = put_index_bytes(pages, scan->record + skip, size - skip);
        if (status == SEGJ_OK)
            status = segj_walk_pass(&walk, location, false, &right);
    }
    return status;
}

static segj_status_t write_index_of(segj_scan_t *scan, const segj_recovery_plan_t *plan, const segj_io_file_t *values,
                                    repair_pages_t *pages)
{
    segj_status_t status = begin_pages(plan, pages);
    if (status == SEGJ_OK)
        status = put_records(scan, plan, values, pages);
    if (status == SEGJ_OK && pages->length > 0)
        status = complete_page(pages);
    return status == SEGJ_OK ? write_full_pages(pages) : status;
}

/* From the first page that is not trusted on. */
static segj_status_t write_log_index(segj_scan_t *scan, const segj_recovery_plan_t *plan, const segj_io_file_t *index,
                                     const segj_io_file_t *values)
{
    repair_pages_t pages = {
        .shared = &scan->journal->shared, .index = index, .bytes = scan->pages, .capacity = scan->capacity};
    return plan->records * pages.shared->record_size > plan->index_bytes ? write_index_of(scan, plan, values, &pages)
                                                                         : SEGJ_OK;
}

/* --- all of it --- */

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
static segj_status_t end_within_batch(segj_scan_t *scan, const segj_recovery_plan_t *plan, const segj_io_file_t *index,
                                      const segj_io_file_t *values)
{
    segj_status_t status = segj_io_sync(values);
    if (status == SEGJ_OK)
        status = write_log_index(scan, plan, index, values);
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
    segj_status_t status = segj_scan_have_window(scan);
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
        status = write_values_again(scan, plan, values);
    if (status == SEGJ_OK && plan->within_batch) {
        status = end_within_batch(scan, plan, index, values);
        marked = true;
    }
    if (status == SEGJ_OK)
        status = segj_glob_cut(values, plan->end);
    if (status == SEGJ_OK && !plan->within_batch)
        status = write_log_index(scan, plan, index, values);
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
