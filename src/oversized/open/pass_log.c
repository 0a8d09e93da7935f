/*
 * oversized/open/pass_log.c: see the header. The verdict has followed the frames, and checked each: here their heads are
 * taken at their word, and only that they still lead to the same end is looked at.
 */
#include "oversized/open/pass_log.h"

#include <string.h>

#include "base/bytes.h"
#include "journal/record_format.h"
#include "oversized/open/again.h"
#include "paged/page_run.h"

/* --- pages of the index --- */

/* The bytes of the first page that are trusted. */
static segj_status_t begin_pages(const segj_recovery_plan_t *plan, segj_page_run_t *pages)
{
    uint16_t page_size = pages->page_size;
    uint16_t kept = (uint16_t)(plan->index_bytes % page_size);
    pages->first = plan->index_bytes / page_size;
    if (kept == 0)
        return SEGJ_OK;
    uint64_t offset = pages->index->data + pages->first * segj_page_physical(page_size);
    segj_status_t status = segj_io_read(pages->index, offset, pages->bytes, segj_page_physical(page_size), NULL);
    pages->length = kept;
    return status;
}

/* --- the log --- */

/** A passage under way. */
typedef struct passage {
    segj_scan_t *scan;
    const segj_recovery_plan_t *plan;
    const segj_io_file_t *values;
    segj_page_run_t pages;
    uint64_t records; /* that are in pages */
    uint64_t next;    /* where the next one's frame begins */
    uint64_t offset;  /* of what is in the window */
    size_t size;
    segj_io_behind_t behind; /* of the log */
} passage_t;

static segj_status_t passage_changed(const passage_t *passage)
{
    return segj_io_fail(SEGJ_ERR_CORRUPT, passage->values, passage->values->data + passage->next,
                        "the frame of record %llu is not what it was when open looked at it first",
                        (unsigned long long)passage->records);
}

/* Puts the record of a frame into its pages, but for the bytes of it that the index has. */
static segj_status_t passage_put(passage_t *passage, const uint8_t *entry, oversized_location_t location)
{
    uint8_t *record = passage->scan->record;
    size_t size = passage->scan->journal->shared.record_size;
    uint64_t begin = passage->records * size;
    uint64_t had = passage->plan->index_bytes;
    size_t skip = begin < had ? (size_t)(had - begin) : 0;
    memcpy(record, entry, size - OVERSIZED_LOCATION_SIZE);
    segj_location_encode(record + size - OVERSIZED_LOCATION_SIZE, location);
    return segj_page_run_put(&passage->pages, record + skip, size - skip);
}

/* Where the next record is made in place: it does not fill its page, and the index has nothing of it. NULL: nowhere. */
static inline uint8_t *place_in_page(const passage_t *passage)
{
    const segj_page_run_t *pages = &passage->pages;
    uint32_t size = passage->scan->journal->shared.record_size;
    if ((uint32_t)(pages->page_size - pages->length) <= size || passage->records * size < passage->plan->index_bytes)
        return NULL;
    return segj_page_run_page(pages) + pages->length;
}

/* What lies before `next` and is looked at with it: where frames are kept apart, the checksum of the one before, by
 * which the next one's head is known from what lies between. */
static inline uint64_t back_from(const passage_t *passage, uint64_t next)
{
    return passage->values->sector == 0 || next == 0 ? next : next - SEGJ_FRAME_TRAILER;
}

/* Whether the next frame's head lies in the window. Where frames are kept apart it may begin a sector of its own. */
static bool passage_find(passage_t *passage, uint64_t limit)
{
    const segj_io_file_t *values = passage->values;
    const uint8_t *window = passage->scan->window;
    if (values->sector == 0)
        return passage->next + values->head <= limit;
    if (passage->next > limit) /* nor does the checksum before it */
        return false;
    const uint32_t before =
        passage->next == 0 ? 0 : segj_get_u32(window + (size_t)(passage->next - SEGJ_FRAME_TRAILER - passage->offset));
    const uint64_t places[2] = {passage->next, segj_frame_apart(values->sector, values->data, passage->next)};
    for (unsigned i = 0; i < 2; i++) {
        segj_head_t head;
        const segj_frame_place_t place = {segj_crc32_of_place(values->binding, places[i]), before};
        if (places[i] + values->head > limit ||
            !segj_head_decode(window + (size_t)(places[i] - passage->offset), values->head, place, &head))
            continue;
        passage->next = places[i];
        return true;
    }
    return false;
}

/* The records whose heads lie in the window. */
static segj_status_t passage_put_all(passage_t *passage)
{
    const segj_recovery_plan_t *plan = passage->plan;
    const uint32_t head = passage->values->head;
    const uint32_t size = passage->scan->journal->shared.record_size;
    const size_t entry_size = size - OVERSIZED_LOCATION_SIZE;
    const uint64_t limit = passage->offset + passage->size;
    segj_status_t status = SEGJ_OK;
    while (passage->records < plan->records && status == SEGJ_OK && passage_find(passage, limit)) {
        const uint8_t *bytes = passage->scan->window + (size_t)(passage->next - passage->offset);
        const uint32_t stored = segj_get_u32(bytes);
        const oversized_location_t location = {passage->next, stored + SEGJ_FRAME_TRAILER};
        uint64_t end;
        if (!segj_location_end(head, location, plan->end, &end))
            return passage_changed(passage);
        uint8_t *to = place_in_page(passage);
        if (to == NULL) {
            status = passage_put(passage, bytes + SEGJ_HEAD_ENTRY, location);
        } else {
            memcpy(to, bytes + SEGJ_HEAD_ENTRY, entry_size);
            segj_location_encode(to + entry_size, location);
            passage->pages.length = (uint16_t)(passage->pages.length + size);
        }
        passage->records++;
        passage->next = end;
    }
    bool all = passage->records == plan->records;
    return status == SEGJ_OK && all != (passage->next == plan->end) ? passage_changed(passage) : status;
}

/* Writes again what has come into the window, `come` bytes at its end, but for what W covers. */
static segj_status_t passage_write(passage_t *passage, size_t come)
{
    const segj_io_file_t *values = passage->values;
    uint64_t end = passage->offset + passage->size;
    uint64_t from = segj_max_u64(end - come, passage->plan->watermark_end);
    if (from >= end)
        return SEGJ_OK;
    const uint8_t *bytes = passage->scan->window + (size_t)(from - passage->offset);
    return segj_again_write(passage->scan, values, values->data + from, bytes, (size_t)(end - from), &passage->behind);
}

/* What comes after the window comes into it; of a payload that W covers nothing need come. A head that has begun in the
 * window stays. What has changed since the verdict is not written. */
static segj_status_t passage_move(passage_t *passage)
{
    const segj_recovery_plan_t *plan = passage->plan;
    const segj_io_file_t *values = passage->values;
    uint8_t *window = passage->scan->window;
    uint64_t end = passage->offset + passage->size;
    const uint64_t next = back_from(passage, passage->next);
    size_t stays = next < end ? (size_t)(end - next) : 0;
    if (stays > 0)
        memmove(window, window + passage->size - stays, stays);
    else
        end = segj_max_u64(end, segj_min_u64(next, plan->watermark_end));
    size_t come = (size_t)segj_min_u64(plan->end - end, SEGJ_SCAN_WINDOW - stays);
    segj_status_t status = segj_io_read(values, values->data + end, window + stays, come, NULL);
    passage->offset = end - stays;
    passage->size = stays + come;
    if (status == SEGJ_OK)
        status = passage_put_all(passage);
    return status == SEGJ_OK ? passage_write(passage, come) : status;
}

static segj_status_t passage_go(passage_t *passage)
{
    const segj_recovery_plan_t *plan = passage->plan;
    segj_status_t status = SEGJ_OK;
    while (passage->offset + passage->size < plan->end && status == SEGJ_OK)
        status = passage_move(passage);
    if (status == SEGJ_OK && passage->next != plan->end)
        status = passage_changed(passage);
    if (status == SEGJ_OK)
        status = segj_page_run_end(&passage->pages);
    segj_io_end_behind(passage->values, &passage->behind);
    return status;
}

segj_status_t segj_pass_log(segj_scan_t *scan, const segj_recovery_plan_t *plan, const segj_io_file_t *index,
                            const segj_io_file_t *values)
{
    const segj_shared_t *shared = &scan->journal->shared;
    passage_t passage = {.scan = scan,
                         .plan = plan,
                         .values = values,
                         .pages = {.index = index,
                                   .bytes = scan->pages,
                                   .capacity = scan->capacity,
                                   .page_size = shared->page_size,
                                   .checksum = shared->checksum},
                         .records = plan->records,
                         .next = plan->end};
    segj_status_t status = SEGJ_OK;
    if (plan->records * shared->record_size > plan->index_bytes) {
        passage.records = plan->anchor.records;
        passage.next = plan->anchor.end;
        status = begin_pages(plan, &passage.pages);
    }
    passage.offset = segj_min_u64(back_from(&passage, passage.next), plan->watermark_end);
    return status == SEGJ_OK ? passage_go(&passage) : status;
}
