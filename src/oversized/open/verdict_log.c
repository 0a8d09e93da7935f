/*
 * oversized/open/verdict_log.c: see the header, and DESIGN.md, "Version 2 of the native format". Reads only, and every
 * failed read is a failure.
 *
 * W is confirmed by four bytes of the values file. From there on the frames are followed, head by head and value by
 * value, to the first that is wrong. Of the index nothing is trusted at and above W, and what it lacks or has damaged
 * below is made again from the frames.
 */
#include "oversized/open/verdict_log.h"

#include "base/bytes.h"
#include "journal/walk.h"
#include "oversized/open/again.h"

static segj_status_t begin_walk(segj_scan_t *scan, const segj_scanned_t *scanned, segj_point_t at, segj_walk_t *walk)
{
    segj_status_t status = segj_scan_have_window(scan);
    *walk = segj_walk_begin(&scanned->values, scanned->values_size, at, scan->window, SEGJ_SCAN_WINDOW);
    return status;
}

/* --- where the walk begins --- */

bool segj_log_is_cut_marked(const segj_recovery_plan_t *plan)
{
    const segj_mark_t *newer = &plan->marks[plan->marks[1].sequence > plan->marks[0].sequence];
    const segj_mark_t *older = &plan->marks[plan->marks[1].sequence <= plan->marks[0].sequence];
    return newer->valid && older->valid && newer->at.records <= older->at.records;
}

static bool is_same_point(segj_point_t a, segj_point_t b)
{
    return a.records == b.records && a.end == b.end && a.trailer == b.trailer;
}

/* Whether every frame from one point to another is right. A file system may write zeros after the new end of a file, up
 * to the end of the block, before it makes the file shorter: then the last frame is there, and those before it are
 * not. */
static segj_status_t are_frames_whole(segj_scan_t *scan, const segj_scanned_t *scanned, segj_point_t from,
                                      segj_point_t to, bool *whole)
{
    segj_walk_t walk;
    bool right = true;
    bool there = true;
    segj_status_t status = begin_walk(scan, scanned, from, &walk);
    while (status == SEGJ_OK && there && right && walk.at.records < to.records) {
        segj_head_t head;
        oversized_location_t location;
        status = segj_walk_look(&walk, &head, &location, &there);
        if (status == SEGJ_OK && there)
            status = segj_walk_pass(&walk, location, true, &right);
    }
    *whole = status == SEGJ_OK && right && is_same_point(walk.at, to);
    return status;
}

/* A cut that was marked and has not begun: the slot that is older has more, and what it says is there, with all the
 * frames that the cut was to take. It counts, and the next mark is written over the other. */
static segj_status_t take_back_mark(segj_scan_t *scan, segj_recovery_plan_t *plan, const segj_scanned_t *scanned)
{
    segj_fixed_t *index = &plan->section->index;
    unsigned other = 1u - index->newest_slot;
    const segj_point_t at = plan->marks[other].at;
    bool marked = false;
    bool there = false;
    if (!segj_log_is_cut_marked(plan) || at.records == index->mark.records)
        return SEGJ_OK;
    segj_status_t status = segj_walk_confirm(&scanned->values, scanned->values_size, at, &there);
    if (status == SEGJ_OK && there)
        status = segj_walk_confirm(&scanned->values, scanned->values_size, index->mark, &marked);
    /* Where the newer slot is not confirmed there is no place from which frames could be followed. */
    if (status == SEGJ_OK && there && marked)
        status = are_frames_whole(scan, scanned, index->mark, at, &there);
    if (status != SEGJ_OK || !there)
        return status;
    plan->watermark = at.records;
    index->mark = at;
    index->claimed = at.records;
    index->newest_slot = (uint8_t)other;
    return SEGJ_OK;
}

/* By the newest slot that the values file confirms; by none of them, at the first frame. */
static segj_status_t find_begin(segj_scan_t *scan, segj_recovery_plan_t *plan, const segj_scanned_t *scanned)
{
    segj_status_t status = take_back_mark(scan, plan, scanned);
    if (status == SEGJ_OK)
        status = segj_walk_confirm(&scanned->values, scanned->values_size, plan->section->index.mark, &plan->confirmed);
    plan->begin = plan->confirmed ? plan->section->index.mark : (segj_point_t){0};
    for (unsigned slot = 0; slot < 2 && status == SEGJ_OK && !plan->confirmed; slot++) {
        bool confirmed = false;
        if (plan->marks[slot].valid)
            status = segj_walk_confirm(&scanned->values, scanned->values_size, plan->marks[slot].at, &confirmed);
        if (confirmed && plan->marks[slot].at.records > plan->begin.records)
            plan->begin = plan->marks[slot].at;
    }
    return status;
}

/* --- forward --- */

/* Whether a whole frame that follows says that the one before the walk's place, which is wrong, was durable. Then it is
 * damaged, and no crash has left it. The walk stays where it is. */
static segj_status_t was_durable(segj_walk_t *walk, bool *durable)
{
    const segj_point_t place = walk->at;
    uint64_t wrong = place.records - 1;
    segj_status_t status = SEGJ_OK;
    bool there = true;
    while (status == SEGJ_OK && there && !*durable) {
        segj_head_t head;
        oversized_location_t location;
        uint64_t number = walk->at.records;
        bool right = false;
        status = segj_walk_look(walk, &head, &location, &there);
        if (status != SEGJ_OK || !there)
            break;
        uint8_t unsynced = head.unsynced;
        status = segj_walk_pass(walk, location, true, &right);
        *durable = right && unsynced < UINT8_MAX && number - unsynced > wrong;
    }
    walk->at = place;
    return status;
}

/** A walk over what follows W. */
typedef struct following {
    segj_scan_t *scan;
    segj_recovery_plan_t *plan;
    segj_walk_t *walk;
    segj_point_t whole; /* where the batch began */
    bool within;        /* a batch */
} following_t;

/* Before the frame at `place` counts: a batch begins there. */
static inline void note_frame(following_t *following, const segj_head_t *head, segj_point_t place)
{
    if ((head->flags & SEGJ_HEAD_GOES_ON) != 0 && !following->within)
        following->whole = place;
}

/* Up to W a batch is whole wherever it ends. */
static inline bool batch_goes_on(const following_t *following, const segj_head_t *head)
{
    return (head->flags & SEGJ_HEAD_GOES_ON) != 0 && following->walk->at.records > following->plan->watermark;
}

/* One frame, whatever it is. *more: another one may follow. */
static segj_status_t follow_frame(following_t *following, bool *more)
{
    segj_head_t head;
    oversized_location_t location;
    bool right;
    segj_walk_t *walk = following->walk;
    segj_recovery_plan_t *plan = following->plan;
    const segj_point_t place = walk->at;
    segj_status_t status = segj_walk_look(walk, &head, &location, more);
    if (status != SEGJ_OK || !*more)
        return status;
    note_frame(following, &head, place);
    following->scan->verified++;
    status = segj_walk_pass(walk, location, true, &right);
    if (status == SEGJ_OK)
        status = segj_tell_of_open(following->scan->journal->telling, location.size, false);
    if (status != SEGJ_OK)
        return status;
    bool durable = right || walk->at.records <= plan->watermark;
    if (!durable)
        status = was_durable(walk, &durable);
    *more = durable;
    if (durable)
        following->within = batch_goes_on(following, &head);
    else
        walk->at = place;
    if (!right && durable && plan->damaged++ == 0)
        plan->damaged_first = place.records;
    return status;
}

/* Follows the frames to the first that is wrong, and to the end of the last batch that is whole. */
static segj_status_t follow_frames(segj_scan_t *scan, segj_recovery_plan_t *plan, segj_walk_t *walk)
{
    following_t following = {.scan = scan, .plan = plan, .walk = walk};
    segj_status_t status = SEGJ_OK;
    bool more = true;
    while (more && status == SEGJ_OK) {
        segj_head_t head;
        uint64_t end = walk->at.end;
        uint32_t trailer = walk->at.trailer;
        if (!segj_walk_quickly(walk, &head)) {
            status = follow_frame(&following, &more);
            continue;
        }
        note_frame(&following, &head, (segj_point_t){walk->at.records - 1, end, trailer});
        following.within = batch_goes_on(&following, &head);
        scan->verified++;
        status = segj_tell_of_open(scan->journal->telling, head.stored + SEGJ_FRAME_TRAILER, false);
    }
    plan->records_on_disk = walk->at.records;
    if (following.within)
        walk->at = following.whole;
    return status;
}

static void end_plan_at(segj_recovery_plan_t *plan, segj_point_t at)
{
    plan->records = at.records;
    plan->end = at.end;
    plan->trailer = at.trailer;
}

/* --- what of the index is trusted --- */

/* Whether so many bytes of a page are there. */
static segj_status_t has_bytes(segj_scan_t *scan, const segj_scanned_t *scanned, uint64_t page, uint64_t wanted,
                               bool *has)
{
    const uint8_t *bytes;
    uint16_t length;
    *has = wanted == 0;
    if (wanted == 0 || page >= scanned->pages)
        return SEGJ_OK;
    segj_status_t status = segj_scan_page(scan, scanned, page, SEGJ_BACKWARD, &bytes, &length);
    *has = status == SEGJ_OK && length >= wanted;
    return status;
}

/* Where the frames of the first `records` records end, by the last one's record in the index. */
static segj_status_t point_of(segj_scan_t *scan, const segj_scanned_t *scanned, uint64_t records, segj_point_t *at,
                              bool *found)
{
    oversized_location_t location;
    uint8_t trailer[SEGJ_FRAME_TRAILER];
    *at = (segj_point_t){0};
    *found = records == 0;
    if (records == 0)
        return SEGJ_OK;
    segj_status_t status = segj_scan_record(scan, scanned, records - 1, SEGJ_BACKWARD, found, &location);
    if (status != SEGJ_OK || !*found)
        return status;
    *found = segj_location_end(scanned->values.head, location, scanned->values_size, &at->end);
    if (!*found)
        return SEGJ_OK;
    status =
        segj_io_read(&scanned->values, scanned->values.data + at->end - sizeof trailer, trailer, sizeof trailer, NULL);
    at->records = records;
    at->trailer = segj_get_u32(trailer);
    return status;
}

/* Walks from the anchor to a point, by heads alone; *arrived: it is there. */
static segj_status_t walk_to(segj_scan_t *scan, const segj_scanned_t *scanned, segj_walk_t *walk, segj_point_t from,
                             uint64_t records, bool *arrived)
{
    bool there = true;
    bool right;
    segj_status_t status = begin_walk(scan, scanned, from, walk);
    while (status == SEGJ_OK && there && walk->at.records < records) {
        segj_head_t head;
        oversized_location_t location;
        status = segj_walk_look(walk, &head, &location, &there);
        if (status == SEGJ_OK && there)
            status = segj_walk_pass(walk, location, false, &right);
        if (status == SEGJ_OK)
            status = segj_tell_of_open(scan->journal->telling, 0, false);
    }
    *arrived = status == SEGJ_OK && walk->at.records == records;
    return status;
}

/* Goes back from the page of W to the nearest page that is whole, and from whose end the frames lead to W. */
static segj_status_t find_anchor(segj_scan_t *scan, segj_recovery_plan_t *plan, const segj_scanned_t *scanned,
                                 segj_point_t trusted, bool *arrived)
{
    const segj_shared_t *shared = &scan->journal->shared;
    uint64_t bytes = trusted.records * shared->record_size;
    uint64_t page = bytes / shared->page_size;
    segj_walk_t walk;
    bool has = false;
    uint64_t partial = bytes % shared->page_size;
    segj_status_t status = partial > 0 || page == 0 ? has_bytes(scan, scanned, page, partial, &has)
                                                    : has_bytes(scan, scanned, page - 1, shared->page_size, &has);
    plan->anchor = trusted;
    plan->index_bytes = bytes;
    *arrived = has;
    for (; status == SEGJ_OK && !*arrived && page > 0; page--) {
        bool found = false;
        plan->index_bytes = page * shared->page_size;
        status = has_bytes(scan, scanned, page - 1, shared->page_size, &has);
        if (status == SEGJ_OK && has)
            status = point_of(scan, scanned, plan->index_bytes / shared->record_size, &plan->anchor, &found);
        if (status != SEGJ_OK || !found)
            continue;
        status = walk_to(scan, scanned, &walk, plan->anchor, trusted.records, arrived);
        *arrived = *arrived && is_same_point(walk.at, trusted);
    }
    if (status != SEGJ_OK || *arrived)
        return status;
    plan->anchor = (segj_point_t){0};
    plan->index_bytes = 0;
    status = walk_to(scan, scanned, &walk, plan->anchor, trusted.records, arrived);
    if (status == SEGJ_OK && !*arrived)
        end_plan_at(plan, walk.at);
    /* No crash leaves that, and no damage that a checksum tells. */
    if (status == SEGJ_OK && *arrived && !is_same_point(walk.at, trusted))
        status = segj_io_fail(
            SEGJ_ERR_CORRUPT, &scanned->index, 0,
            "its watermark says that the first %llu records end at byte %llu of the values, and their "
            "frames end at byte %llu: nothing was changed, a salvage reads the frames",
            (unsigned long long)trusted.records, (unsigned long long)trusted.end, (unsigned long long)walk.at.end);
    return status;
}

/* What of the index stays, and where what does not is made again from. A part of the index and a frame may be damaged
 * that would make each other good: then the section ends there. */
static segj_status_t judge_log_index(segj_scan_t *scan, segj_recovery_plan_t *plan, const segj_scanned_t *scanned)
{
    segj_point_t trusted = plan->begin;
    bool arrived;
    segj_point_t end = {plan->records, plan->end, plan->trailer};
    if (end.records < trusted.records)
        trusted = end;
    return find_anchor(scan, plan, scanned, trusted, &arrived);
}

/* --- the verdict --- */

/* Zeros after W that end a sector: what a sync has left. They are looked at, because a rewind may have been cut off that
 * has raised W to where it was to end, with frames after it. */
static segj_status_t find_pad(segj_recovery_plan_t *plan, const segj_scanned_t *scanned)
{
    uint8_t bytes[SEGJ_BLOCK_SIZE];
    const segj_io_file_t *values = &scanned->values;
    uint64_t pad = segj_frame_pad(values->sector, values->data, plan->begin.end);
    uint64_t left = scanned->values_size - segj_min_u64(plan->begin.end, scanned->values_size);
    segj_status_t status = SEGJ_OK;
    plan->mark_pad = 0;
    if (!plan->confirmed || left > pad)
        return SEGJ_OK;
    for (uint64_t done = 0; done < left && status == SEGJ_OK; done += sizeof bytes) {
        size_t part = (size_t)segj_min_u64(left - done, sizeof bytes);
        status = segj_io_read(values, values->data + plan->begin.end + done, bytes, part, NULL);
        for (size_t i = 0; i < part && status == SEGJ_OK; i++)
            if (bytes[i] != 0)
                return SEGJ_OK;
    }
    plan->mark_pad = status == SEGJ_OK ? left : 0;
    return status;
}

/* A completed sync has covered all, and the index has followed; or a rewind or a repair has left nothing. */
static bool is_as_closed(const segj_recovery_plan_t *plan)
{
    bool empty = plan->marks[0].valid != plan->marks[1].valid && plan->index_whole && plan->value_whole;
    return plan->confirmed && plan->records == plan->watermark && (plan->records > 0 || empty) &&
           !segj_log_is_cut_marked(plan);
}

static void compare_log(const segj_scan_t *scan, segj_recovery_plan_t *plan, const segj_scanned_t *scanned)
{
    uint64_t size = segj_fixed_file_size(&scan->journal->shared, scanned->index.data, plan->records);
    plan->cut_index = plan->index_size > size;
    plan->pad = plan->records == plan->begin.records ? plan->mark_pad : 0;
    plan->cut = scanned->values_size > plan->end + plan->pad;
    plan->clean = !plan->cut && plan->index_size == size && plan->index_valid && plan->value_valid &&
                  plan->damaged == 0 && is_as_closed(plan);
}

/* A section that is not repaired is read by its frames from there on. */
static void note_index(segj_recovery_plan_t *plan)
{
    plan->section->index.untrusted = plan->clean ? UINT64_MAX : plan->index_bytes;
    plan->section->known = plan->clean ? (segj_point_t){0} : plan->anchor;
    plan->watermark_end = segj_min_u64(plan->begin.end, plan->end);
}

segj_status_t segj_judge_log(segj_scan_t *scan, segj_recovery_plan_t *plan, segj_scanned_t *scanned)
{
    segj_walk_t walk;
    segj_status_t status = find_begin(scan, plan, scanned);
    if (status == SEGJ_OK)
        status = find_pad(plan, scanned);
    end_plan_at(plan, plan->begin);
    plan->records_on_disk = plan->records;
    if (status == SEGJ_OK && scanned->values_size > plan->begin.end + plan->mark_pad) {
        segj_scan_expect(scan, scanned->values_size - plan->begin.end);
        status = begin_walk(scan, scanned, plan->begin, &walk);
        if (status == SEGJ_OK)
            status = follow_frames(scan, plan, &walk);
        if (status == SEGJ_OK)
            end_plan_at(plan, walk.at);
    }
    if (status != SEGJ_OK)
        return status;
    compare_log(scan, plan, scanned);
    if (!plan->clean) {
        status = judge_log_index(scan, plan, scanned);
        compare_log(scan, plan, scanned);
        /* For the repair, before anything is changed. */
        if (status == SEGJ_OK)
            status = segj_scan_have_pages(scan);
        if (status == SEGJ_OK)
            status = segj_again_prepare(scan, &scanned->values);
    }
    note_index(plan);
    return status;
}

/* --- checkpoints --- */

/* Whether the last frame before a point says that its batch goes on. */
static segj_status_t look_at_batch(segj_scan_t *scan, const segj_scanned_t *scanned, segj_point_t before, bool *goes_on)
{
    segj_walk_t walk;
    segj_head_t head;
    oversized_location_t location;
    bool there = false;
    segj_status_t status = begin_walk(scan, scanned, before, &walk);
    if (status == SEGJ_OK)
        status = segj_walk_look(&walk, &head, &location, &there);
    *goes_on = status == SEGJ_OK && there && (head.flags & SEGJ_HEAD_GOES_ON) != 0;
    return status;
}

segj_status_t segj_judge_log_shorten(segj_scan_t *scan, segj_recovery_plan_t *plan, segj_scanned_t *scanned,
                                     uint64_t records)
{
    segj_walk_t walk;
    segj_point_t from = plan->begin.records <= records ? plan->begin : plan->anchor;
    segj_point_t at = {0};
    bool found = false;
    segj_status_t status = SEGJ_OK;
    if (from.records > records)
        status = point_of(scan, scanned, records, &at, &found);
    if (from.records > records)
        from = (segj_point_t){0};
    if (status == SEGJ_OK && !found) {
        /* Up to the last but one, whose head tells of the batch. */
        status = walk_to(scan, scanned, &walk, from, records > from.records ? records - 1 : records, &found);
        if (status == SEGJ_OK && found && records > walk.at.records) {
            status = look_at_batch(scan, scanned, walk.at, &plan->within_batch);
            if (status == SEGJ_OK)
                status = walk_to(scan, scanned, &walk, walk.at, records, &found);
        }
        at = walk.at;
    }
    if (status == SEGJ_OK && !found)
        status = segj_io_fail(SEGJ_ERR_CORRUPT, &scanned->index, 0, "record %llu, the checkpoint's last, is damaged",
                              (unsigned long long)(records - 1));
    if (status != SEGJ_OK)
        return status;
    plan->within_batch = plan->within_batch && records > plan->watermark;
    if (records <= plan->damaged_first)
        plan->damaged = 0; /* they go, and are no matter of `strict` */
    end_plan_at(plan, at);
    status = judge_log_index(scan, plan, scanned);
    compare_log(scan, plan, scanned);
    note_index(plan);
    return status;
}
