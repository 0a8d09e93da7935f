/*
 * oversized/tools/salvage_log.c: sections of version 2, whose records are in the values file. Heads lead from frame to
 * frame. Where one is damaged the index may have its record; else the next one is looked for byte by byte, and is
 * trusted where its frame is whole. After such a place the position is what the index or a watermark says, or unknown.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "journal/frame_format.h"
#include "oversized/tools/index_reader.h"
#include "oversized/tools/salvage_section.h"

#define LOG_BEFORE 4

typedef struct log_walk {
    segj_salvage_work_t *work;
    const segj_salvage_section_t *place;
    uint64_t binding;
    uint32_t head;     /* bytes of one */
    uint64_t at;       /* where a frame begins, or should */
    uint64_t position; /* of it; or OVERSIZED_UNKNOWN */
    bool mended;       /* the trailer before it should be `trailer` */
    uint32_t trailer;
    uint8_t *entry; /* of the head that was read last */
    segj_index_reader_t reader;
    uint64_t leaf; /* the record of the index that is looked at next */
} log_walk_t;

/* --- frames --- */

/* The four bytes before a frame, as they are. */
static uint32_t log_before(log_walk_t *walk, uint64_t at)
{
    return at < LOG_BEFORE ? 0
                           : segj_get_u32(segj_salvage_input_look(&walk->work->values, at - LOG_BEFORE, LOG_BEFORE));
}

/* The frame of a payload of `size` bytes, with the flags and the head checksum that it has. */
static segj_frame_t log_frame(log_walk_t *walk, uint64_t at, uint64_t size)
{
    segj_frame_t frame = {.offset = at,
                          .payload = at + walk->head,
                          .size = size,
                          .checksum = SEGJ_CHECKSUM_PLACED,
                          .begun = segj_crc32_of_place(walk->binding, at),
                          .followed = true};
    frame.raw = (*segj_salvage_input_look(&walk->work->values, at + SEGJ_HEAD_FLAGS, 1) & SEGJ_HEAD_RAW) != 0;
    memcpy(frame.after,
           segj_salvage_input_look(&walk->work->values, frame.payload - SEGJ_HEAD_CHECKSUM, SEGJ_HEAD_CHECKSUM),
           sizeof frame.after);
    return frame;
}

static uint64_t log_end(const segj_frame_t *frame)
{
    return frame->payload + frame->size + SEGJ_FRAME_TRAILER;
}

static bool log_fits(const log_walk_t *walk, uint64_t at, uint64_t size)
{
    return segj_salvage_input_has(&walk->work->values, at, walk->head + size + SEGJ_FRAME_TRAILER);
}

/* Reads the head of a frame that lies within the data and follows a trailer. Its entry goes to walk->entry. */
static bool log_head(log_walk_t *walk, uint64_t at, uint32_t before, segj_head_t *head)
{
    if (!log_fits(walk, at, 0))
        return false;
    const uint8_t *bytes = segj_salvage_input_look(&walk->work->values, at, walk->head);
    if (!segj_head_decode(bytes, walk->head, (segj_frame_place_t){segj_crc32_of_place(walk->binding, at), before},
                          head) ||
        !log_fits(walk, at, head->stored))
        return false;
    memcpy(walk->entry, head->entry, walk->work->entry_size);
    return true;
}

/* --- positions --- */

/* Goes to the first record of the index at or after `at`; *there: it is at `at`. */
static bool log_leaf(log_walk_t *walk, uint64_t at, oversized_location_t *location, bool *there)
{
    *there = false;
    if (walk->position != OVERSIZED_UNKNOWN && walk->leaf < walk->position)
        walk->leaf = walk->position;
    for (; walk->leaf < walk->reader.records; walk->leaf++)
        if (segj_index_reader_read(&walk->reader, walk->leaf, location) && location->offset >= at &&
            location->size >= SEGJ_FRAME_TRAILER) {
            *there = location->offset == at;
            return true;
        }
    return false;
}

/* Whether the index has the record with that head at that place; its number is walk->leaf then. */
static bool log_leaf_is(log_walk_t *walk, uint64_t at, uint32_t stored)
{
    oversized_location_t location;
    bool there;
    return log_leaf(walk, at, &location, &there) && there && location.size - SEGJ_FRAME_TRAILER == stored &&
           memcmp(walk->reader.record, walk->entry, walk->work->entry_size) == 0;
}

/* Where a frame begins that is kept apart from one that ends there; or `end`. */
static uint64_t log_apart(const log_walk_t *walk, uint64_t end)
{
    return segj_frame_apart(walk->place->guess->sector, walk->work->values.file.data, end);
}

/* Finds out the position by a watermark that was written when the values ended here, or with the sector before. */
static void log_locate_by_mark(log_walk_t *walk, uint64_t at)
{
    const segj_salvage_headers_marks_t *marks = &walk->place->marks;
    for (unsigned i = 0; i < 2 && walk->position == OVERSIZED_UNKNOWN; i++)
        if (marks->marks[i].valid && (marks->marks[i].at.end == at || log_apart(walk, marks->marks[i].at.end) == at) &&
            marks->marks[i].at.trailer == log_before(walk, at))
            walk->position = marks->marks[i].at.records;
}

/* Finds out the position of a frame after a gap. */
static void log_locate(log_walk_t *walk, uint64_t at, uint32_t stored)
{
    log_locate_by_mark(walk, at);
    if (walk->position == OVERSIZED_UNKNOWN && log_leaf_is(walk, at, stored))
        walk->position = walk->leaf;
}

static void log_pass(log_walk_t *walk, uint64_t end)
{
    walk->at = end;
    if (walk->position != OVERSIZED_UNKNOWN)
        walk->position++;
}

/* --- what is found --- */

/* A frame whose head is right. */
static segj_status_t log_linked(log_walk_t *walk, const segj_head_t *head)
{
    uint32_t sum;
    segj_salvage_work_t *work = walk->work;
    segj_frame_t frame = log_frame(walk, walk->at, head->stored);
    segj_head_t next;
    if (walk->position == OVERSIZED_UNKNOWN)
        log_locate(walk, walk->at, head->stored);
    uint64_t position = walk->position;
    bool right = segj_salvage_work_verify(work, &frame, &sum);
    walk->mended = !right;
    walk->trailer = sum;
    log_pass(walk, log_end(&frame));
    memcpy(walk->entry + work->entry_size, walk->entry, work->entry_size);
    /* The trailer alone is damaged: the next head has it. */
    frame.mended =
        !right && (log_head(walk, walk->at, sum, &next) || log_head(walk, log_apart(walk, walk->at), sum, &next));
    frame.trailer = sum;
    if (right || frame.mended)
        return segj_salvage_work_take(work, walk->entry + work->entry_size, &frame, position);
    segj_io_say(&work->values.file, work->values.file.data + frame.offset,
                "the value of %llu bytes has a wrong checksum", (unsigned long long)frame.size);
    return segj_salvage_work_lose(work, position, position, frame.offset, log_end(&frame) - frame.offset,
                                  SEGJ_ERR_CHECKSUM);
}

/* A frame whose head is damaged, and whose record the index has. */
static bool log_by_index(log_walk_t *walk, uint64_t at, segj_frame_t *frame)
{
    oversized_location_t location;
    bool there;
    if (!log_leaf(walk, at, &location, &there) || !there || !log_fits(walk, at, location.size - SEGJ_FRAME_TRAILER))
        return false;
    *frame = log_frame(walk, at, location.size - SEGJ_FRAME_TRAILER);
    if (segj_salvage_work_verify(walk->work, frame, NULL))
        return true;
    frame->raw = !frame->raw; /* its flags may be what is damaged */
    return segj_salvage_work_verify(walk->work, frame, NULL);
}

static segj_status_t log_take_by_index(log_walk_t *walk, const segj_frame_t *frame)
{
    walk->position = walk->leaf;
    uint64_t position = walk->position;
    walk->mended = false;
    log_pass(walk, log_end(frame));
    return segj_salvage_work_take(walk->work, walk->reader.record, frame, position);
}

/* A frame that does not link, because the trailer before it is lost too: its own trailer vouches for the value, and for
 * the head's checksum, which cannot be computed. */
static bool log_unlinked(log_walk_t *walk, segj_frame_t *frame)
{
    if (!log_fits(walk, walk->at, 0))
        return false;
    const uint8_t *bytes = segj_salvage_input_look(&walk->work->values, walk->at, walk->head);
    uint32_t stored = segj_get_u32(bytes);
    if (!segj_head_flags_known(bytes[SEGJ_HEAD_FLAGS]) || !log_fits(walk, walk->at, stored))
        return false;
    *frame = log_frame(walk, walk->at, stored);
    return segj_salvage_work_verify(walk->work, frame, NULL);
}

static segj_status_t log_take_unlinked(log_walk_t *walk, const segj_frame_t *frame)
{
    uint64_t position = walk->position;
    walk->mended = false;
    log_pass(walk, log_end(frame));
    return segj_salvage_work_half(walk->work, frame, position);
}

/* --- past damage --- */

/* Whether a whole frame begins there. */
static bool log_is_frame(log_walk_t *walk, uint64_t at)
{
    segj_head_t head;
    segj_frame_t frame;
    if (!log_head(walk, at, log_before(walk, at), &head))
        return false;
    frame = log_frame(walk, at, head.stored);
    return segj_salvage_work_verify(walk->work, &frame, NULL);
}

/* The first place from `at` on where flags of a head stand, up to `end`. */
static uint64_t log_flags(log_walk_t *walk, uint64_t at, uint64_t end)
{
    while (at < end) {
        size_t count;
        const uint8_t *bytes = segj_salvage_input_span(&walk->work->values, at + SEGJ_HEAD_FLAGS, 1, &count);
        count = (size_t)segj_min_u64(count, end - at);
        for (size_t i = 0; i < count; i++)
            if (segj_head_flags_known(bytes[i]))
                return at + i;
        at += count;
    }
    return end;
}

/* The next whole frame after walk->at, by its own head; the end of the data where there is none up to `most`. */
static segj_status_t log_search(log_walk_t *walk, uint64_t most, uint64_t *found)
{
    uint64_t at = walk->at + 1;
    segj_status_t status = SEGJ_OK;
    while (status == SEGJ_OK) {
        at = log_flags(walk, at, most);
        if (at >= most || log_is_frame(walk, at))
            break;
        status = segj_salvage_work_progress(walk->work, at, false);
        at++;
    }
    *found = segj_min_u64(at, most);
    return status;
}

/* From a place where no head is, to the next frame that is whole by its head or by the index. */
static segj_status_t log_skip(log_walk_t *walk)
{
    segj_salvage_work_t *work = walk->work;
    uint64_t begin = walk->at;
    uint64_t position = walk->position;
    uint64_t last = work->values.length - walk->head - SEGJ_FRAME_TRAILER + 1;
    uint64_t found = last;
    oversized_location_t location;
    segj_frame_t frame;
    bool there;
    segj_status_t status = SEGJ_OK;
    /* The next place that the index knows bounds the search. */
    for (uint64_t at = begin + 1; found == last && status == SEGJ_OK && at < last;) {
        bool leaf = log_leaf(walk, at, &location, &there) && location.offset < last;
        uint64_t bound = leaf ? location.offset : last;
        walk->at = at - 1;
        status = log_search(walk, bound, &found);
        if (status != SEGJ_OK || found < bound)
            break;
        if (leaf && (log_is_frame(walk, bound) || log_by_index(walk, bound, &frame)))
            break;
        found = last;
        at = bound + 1;
    }
    walk->at = begin;
    walk->mended = false;
    if (status != SEGJ_OK || found == last)
        return status == SEGJ_OK ? SEGJ_END : status;
    walk->at = found;
    walk->position = OVERSIZED_UNKNOWN;
    segj_io_say(&work->values.file, work->values.file.data + begin, "no frame begins here, the next one at %llu",
                (unsigned long long)work->values.file.data + found);
    return segj_salvage_work_lose(work, position, OVERSIZED_UNKNOWN, begin, found - begin, SEGJ_ERR_CORRUPT);
}

/* --- the walk --- */

/* A head that follows what is before it, or what should be there. */
static bool log_head_there(log_walk_t *walk, uint64_t at, segj_head_t *head)
{
    return log_head(walk, at, log_before(walk, at), head) || (walk->mended && log_head(walk, at, walk->trailer, head));
}

/* Where no head is, and one begins the next sector that follows the frame before, goes there. What lies between is
 * nothing. The copy of the checksum does not tell: a frame that is damaged may lie here, which that one follows. */
static void log_go_apart(log_walk_t *walk)
{
    segj_head_t head;
    uint64_t apart = log_apart(walk, walk->at);
    if (apart == walk->at || log_head_there(walk, walk->at, &head))
        return;
    uint32_t before = log_before(walk, walk->at);
    bool linked = log_head(walk, apart, before, &head);
    if (!linked && !(walk->mended && log_head(walk, apart, walk->trailer, &head)))
        return;
    walk->trailer = linked ? before : walk->trailer;
    walk->mended = true; /* the copy may be damaged */
    walk->at = apart;
}

/* One frame, or what is in its place. SEGJ_END: there are no more. */
static segj_status_t log_step(log_walk_t *walk)
{
    segj_head_t head;
    segj_frame_t frame;
    if (!log_fits(walk, walk->at, 0))
        return SEGJ_END;
    log_go_apart(walk);
    if (log_head_there(walk, walk->at, &head))
        return log_linked(walk, &head);
    if (log_by_index(walk, walk->at, &frame))
        return log_take_by_index(walk, &frame);
    if (log_unlinked(walk, &frame))
        return log_take_unlinked(walk, &frame);
    /* The index tells that no record is between. */
    uint64_t apart = log_apart(walk, walk->at);
    if (apart != walk->at && walk->leaf == walk->position && log_by_index(walk, apart, &frame) &&
        walk->leaf == walk->position)
        return log_take_by_index(walk, &frame);
    return log_skip(walk);
}

/* What follows the last frame. */
static segj_status_t log_rest(log_walk_t *walk)
{
    segj_salvage_work_t *work = walk->work;
    uint64_t synced = walk->place->synced;
    if (walk->position == OVERSIZED_UNKNOWN) {
        log_locate_by_mark(walk, walk->at);
        if (walk->position != OVERSIZED_UNKNOWN)
            segj_salvage_report_place(&work->report, walk->position);
    }
    uint64_t first = walk->position;
    bool bytes = walk->at < work->values.length && !segj_salvage_input_is_zero(&work->values, walk->at);
    bool counted = synced != OVERSIZED_UNKNOWN && first != OVERSIZED_UNKNOWN && synced > first;
    if (synced == OVERSIZED_UNKNOWN && first != OVERSIZED_UNKNOWN && walk->reader.records > first) {
        counted = true; /* the index tells, where no watermark does */
        synced = walk->reader.records;
    }
    if (!bytes && !counted)
        return SEGJ_OK;
    segj_io_say(&work->values.file, work->values.file.data + walk->at,
                bytes ? "what follows is no frame, and none comes after it" : "the file ends before its last records");
    return segj_salvage_work_lose(work, first, counted ? synced - 1 : OVERSIZED_UNKNOWN, walk->at,
                                  work->values.length - walk->at, bytes ? SEGJ_ERR_CORRUPT : SEGJ_ERR_RANGE);
}

segj_status_t segj_salvage_log(segj_salvage_work_t *work, const segj_salvage_section_t *place)
{
    const segj_guess_t *guess = place->guess;
    log_walk_t walk = {.work = work,
                       .place = place,
                       .binding = guess->binding,
                       .head = segj_head_size(work->entry_size),
                       .entry = malloc(2 * (size_t)work->entry_size + 1)};
    if (walk.entry == NULL)
        return segj_fail_memory(2 * (size_t)work->entry_size + 1);
    segj_status_t status = segj_index_reader_init(&walk.reader, &work->index, SEGJ_CHECKSUM_PLACED, guess->binding,
                                                  guess->page_size, guess->record_size);
    while (status == SEGJ_OK)
        status = log_step(&walk);
    if (status == SEGJ_END && !work->probing)
        status = log_rest(&walk);
    segj_index_reader_free(&walk.reader);
    free(walk.entry);
    return status;
}
