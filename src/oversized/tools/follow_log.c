/*
 * oversized/tools/follow_log.c: the next record of a section of version 2. Its values file is a chain of frames, so a
 * frame that links to what was shown follows it, whatever the writer has done since. Where nothing links, the last
 * frame shown is looked at: if it is not there any more, the log was cut, and continues where a frame shown earlier
 * still is.
 */
#include <stdlib.h>
#include <string.h>

#include "journal/walk.h"
#include "oversized/tools/follow.h"

/* How many places are remembered. When there are more, every second one of the older places is dropped. */
#define LOG_PLACES 512
#define LOG_AHEAD ((size_t)128 << 10) /* more than a head */
/* Damage is reported after so many looks have seen it. */
#define LOG_LOOKS 3

/* --- where it was --- */

static segj_status_t remember(segj_follow_section_t *section)
{
    if (section->passed_count == LOG_PLACES) {
        size_t kept = 0;
        for (size_t i = 0; i < LOG_PLACES; i++)
            if (i >= LOG_PLACES / 2 || i % 2 == 0)
                section->passed[kept++] = section->passed[i];
        section->passed_count = kept;
    }
    if (section->passed_count == section->passed_capacity) {
        size_t capacity = section->passed_capacity == 0 ? 8 : 2 * section->passed_capacity;
        segj_point_t *more = realloc(section->passed, capacity * sizeof *more);
        if (more == NULL)
            return segj_fail_memory(capacity * sizeof *more);
        section->passed = more;
        section->passed_capacity = capacity;
    }
    section->passed[section->passed_count++] = section->at;
    return SEGJ_OK;
}

/* The log does not have the last frame shown: goes back to one that it has, or to the beginning. */
static segj_status_t log_cut(oversized_follower_t *follower, segj_follow_section_t *section,
                             oversized_followed_t *followed)
{
    bool there = false;
    size_t count = section->passed_count;
    segj_follow_drop(follower);
    while (count > 0 && !there) {
        segj_status_t status = segj_follow_confirm(section, section->passed[count - 1], &there);
        if (status != SEGJ_OK)
            return status;
        count -= !there;
    }
    section->passed_count = count;
    section->at = section->ahead = count > 0 ? section->passed[count - 1] : (segj_point_t){0};
    section->complete = 0;
    section->skip = segj_min_u64(section->skip, section->at.records);
    section->dirty = true;
    *followed = (oversized_followed_t){
        .kind = OVERSIZED_FOLLOW_REWOUND, .section = section->number, .position = section->at.records};
    return SEGJ_OK;
}

/* --- the window --- */

static bool same_slots(const segj_follow_slots_t *one, const segj_follow_slots_t *other)
{
    return memcmp(one, other, sizeof *one) == 0;
}

/* Where it may go back to, if what comes before its beginning is cut: the farther, the sparser. */
static segj_status_t remember_before(oversized_follower_t *follower, segj_follow_section_t *section)
{
    const segj_follow_slots_t slots = section->slots;
    const segj_point_t begin = section->at;
    uint64_t back = 1;
    segj_status_t status = SEGJ_OK;
    while (back < begin.records / 2)
        back *= 2;
    for (; back > 0 && back < begin.records && status == SEGJ_OK; back /= 2) {
        bool found = false;
        status = segj_follow_point(follower, section, begin.records - back, &section->at, &found);
        if (status == SEGJ_OK && found)
            status = remember(section);
    }
    if (status == SEGJ_OK)
        status = segj_follow_read_slots(section, &section->slots);
    if (!same_slots(&slots, &section->slots))
        section->passed_count = 0;
    section->at = begin;
    return status;
}

static segj_status_t log_begin(oversized_follower_t *follower, segj_follow_section_t *section)
{
    section->target = section->skip;
    section->passed_count = 0;
    segj_status_t status = segj_follow_place(follower, section);
    if (status == SEGJ_OK && section->at.records > 0)
        status = remember_before(follower, section);
    if (status == SEGJ_OK)
        status = remember(section);
    section->placed = status == SEGJ_OK;
    return status;
}

/* Reads the head of the frame that follows a point, as far as the window has it: its bytes, or NULL. *offset: where it
 * begins; that may be in a sector of its own. */
static const uint8_t *next_head(const oversized_follower_t *follower, const segj_follow_section_t *section,
                                segj_point_t at, uint64_t *offset, segj_head_t *head)
{
    const segj_io_file_t *file = &section->values;
    const uint64_t places[2] = {at.end, segj_frame_apart(file->sector, file->data, at.end)};
    for (unsigned i = 0; i < 2; i++) {
        const segj_frame_place_t place = {segj_crc32_of_place(file->binding, places[i]), at.trailer};
        const uint8_t *bytes =
            i == 0 || places[1] != places[0] ? segj_follow_peek(&follower->values, places[i], file->head) : NULL;
        *offset = places[i];
        if (bytes != NULL && segj_head_decode(bytes, file->head, place, head))
            return bytes;
    }
    return NULL;
}

/* Records that were durable when a frame in the window was placed: its head says how many of those before it were not.
 * Each head is linked to the frame before it, so it speaks of the frames that are in the window. */
static uint64_t synced_by_heads(const oversized_follower_t *follower, const segj_follow_section_t *section)
{
    const uint32_t size = section->values.head;
    const segj_follow_window_t *window = &follower->values;
    segj_point_t at = section->at;
    uint64_t synced = 0;
    for (;;) {
        segj_head_t head;
        uint64_t offset;
        const uint8_t *bytes = next_head(follower, section, at, &offset, &head);
        if (bytes == NULL)
            return synced;
        if (head.unsynced < UINT8_MAX && head.unsynced <= at.records)
            synced = segj_max_u64(synced, at.records - head.unsynced);
        const oversized_location_t location = {offset, head.stored + SEGJ_FRAME_TRAILER};
        if (!segj_location_end(size, location, SEGJ_FILE_SIZE_MAX - section->values.data, &at.end))
            return synced;
        bytes = segj_follow_peek(window, at.end - SEGJ_FRAME_TRAILER, SEGJ_FRAME_TRAILER);
        if (bytes == NULL)
            return synced;
        at.trailer = segj_get_u32(bytes);
        at.records++;
    }
}

/* Fills the window from where the section is. What a watermark covers is known where the slots have not changed since:
 * whatever cuts below it changes them first. Heads in the window tell of more. */
static segj_status_t log_fill(oversized_follower_t *follower, segj_follow_section_t *section)
{
    segj_follow_slots_t after;
    segj_point_t mark = {0};
    segj_status_t status = section->placed ? SEGJ_OK : log_begin(follower, section);
    if (status == SEGJ_OK)
        status = segj_follow_read_slots(section, &section->slots);
    if (status == SEGJ_OK)
        status = segj_follow_mark(section, &section->slots, &mark);
    if (status == SEGJ_OK)
        status = segj_follow_fill(&follower->values, &section->values, section->at.end);
    if (status == SEGJ_OK)
        status = segj_follow_read_slots(section, &after);
    section->synced = status == SEGJ_OK && same_slots(&section->slots, &after) ? mark.records : 0;
    if (status == SEGJ_OK)
        section->synced = segj_max_u64(section->synced, synced_by_heads(follower, section));
    else
        segj_follow_drop(follower);
    return status;
}

/** What the window has. */
typedef struct linked {
    segj_head_t head;
    bool there, frame, right;
    bool synced; /* a watermark or a later head says so */
    oversized_location_t location;
    segj_point_t after;
    const uint8_t *bytes; /* of the frame */
} linked_t;

/* A frame that is larger than the window is read by itself. One that is too large for a value is passed over when it
 * was synced. */
static segj_status_t log_big(oversized_follower_t *follower, const segj_follow_section_t *section, uint64_t size,
                             linked_t *linked)
{
    segj_follow_slots_t slots;
    if (linked->head.stored > segj_codec_bound(follower->max_value_size)) {
        uint8_t trailer[SEGJ_FRAME_TRAILER] = {0};
        size_t got = 0;
        uint64_t at = section->values.data + linked->after.end - sizeof trailer;
        segj_status_t answer = segj_io_read(&section->values, at, trailer, sizeof trailer, &got);
        linked->after.records = section->at.records + 1;
        linked->after.trailer = segj_get_u32(trailer);
        linked->frame = linked->right = answer == SEGJ_OK && got == sizeof trailer && linked->synced;
        return answer;
    }
    segj_status_t status = segj_follow_big_frame(follower, section, linked->location.offset, size, &linked->bytes);
    if (status == SEGJ_OK && linked->bytes != NULL && linked->synced) {
        status = segj_follow_read_slots(section, &slots);
        linked->synced = status == SEGJ_OK && same_slots(&slots, &section->slots);
    }
    return status;
}

static segj_status_t log_find(oversized_follower_t *follower, const segj_follow_section_t *section, linked_t *linked)
{
    uint32_t head = section->values.head;
    uint64_t offset;
    segj_status_t status = SEGJ_OK;
    *linked = (linked_t){.synced = section->at.records < section->synced};
    const uint8_t *bytes = next_head(follower, section, section->at, &offset, &linked->head);
    linked->there = bytes != NULL && (section->compressed || (linked->head.flags & SEGJ_HEAD_RAW) == 0);
    if (!linked->there)
        return SEGJ_OK;
    linked->location = (oversized_location_t){offset, linked->head.stored + SEGJ_FRAME_TRAILER};
    linked->there =
        segj_location_end(head, linked->location, SEGJ_FILE_SIZE_MAX - section->values.data, &linked->after.end);
    uint64_t size = segj_frame_size(head, linked->location);
    linked->bytes = linked->there ? segj_follow_peek(&follower->values, offset, size) : NULL;
    /* A window begins where the frame before ends. */
    if (linked->there && linked->bytes == NULL && size + (offset - section->at.end) > follower->values.room)
        status = log_big(follower, section, size, linked);
    if (status != SEGJ_OK || linked->bytes == NULL)
        return status;
    /* The head that was decoded and the one of the frame are one, or the trailer is wrong. */
    size_t stored = linked->head.stored;
    uint32_t crc = segj_crc32(segj_crc32_of_place(section->values.binding, offset), linked->bytes + head, stored);
    crc = segj_frame_seal(crc, segj_get_u32(bytes + head - SEGJ_HEAD_CHECKSUM),
                          (linked->head.flags & SEGJ_HEAD_RAW) != 0);
    linked->after.records = section->at.records + 1;
    linked->after.trailer = segj_get_u32(linked->bytes + head + stored);
    linked->frame = true;
    linked->right = crc == linked->after.trailer;
    return SEGJ_OK;
}

/* --- batches --- */

static segj_status_t walk_ahead(segj_walk_t *walk, bool *whole, bool *ended)
{
    segj_head_t head;
    oversized_location_t location;
    bool there = false;
    bool right = false;
    *ended = true;
    segj_point_t before = walk->at;
    segj_status_t status = segj_walk_look(walk, &head, &location, &there);
    if (status != SEGJ_OK || !there)
        return status;
    bool goes_on = (head.flags & SEGJ_HEAD_GOES_ON) != 0;
    status = segj_walk_pass(walk, location, true, &right);
    if (status != SEGJ_OK || !right) {
        walk->at = before;
        return status;
    }
    *whole = !goes_on;
    *ended = !goes_on;
    return SEGJ_OK;
}

/* Whether the batch that begins where the section is has all of its frames. What was looked at is not looked at
 * again. */
static segj_status_t log_batch(oversized_follower_t *follower, segj_follow_section_t *section, bool *whole)
{
    uint64_t size = 0;
    bool good = false;
    bool ended = false;
    *whole = false;
    if (follower->look_ahead == NULL)
        follower->look_ahead = malloc(LOG_AHEAD);
    if (follower->look_ahead == NULL)
        return segj_fail_memory(LOG_AHEAD);
    segj_status_t status = segj_io_size(&section->values, &size);
    if (status == SEGJ_OK && section->ahead.records > section->at.records)
        status = segj_follow_confirm(section, section->ahead, &good);
    if (!good)
        section->ahead = section->at;
    size -= segj_min_u64(size, section->values.data);
    if (status != SEGJ_OK || size < section->ahead.end)
        return status;
    segj_walk_t walk = segj_walk_begin(&section->values, size, section->ahead, follower->look_ahead, LOG_AHEAD);
    while (!ended && status == SEGJ_OK)
        status = walk_ahead(&walk, whole, &ended);
    /* The file has become shorter since: what is there now is looked at anew. */
    if (status == SEGJ_ERR_IO && segj_last_errno() == 0) {
        *whole = false;
        section->ahead = section->at;
        return SEGJ_OK;
    }
    section->ahead = walk.at;
    if (*whole)
        section->complete = walk.at.records;
    return status;
}

/* --- the next one --- */

static segj_status_t log_damage(segj_follow_section_t *section, const linked_t *linked, oversized_followed_t *followed)
{
    uint64_t position = section->at.records;
    followed->section = section->number;
    followed->position = position;
    if (!linked->frame)
        return segj_io_fail(SEGJ_ERR_CORRUPT, &section->values, section->values.data + section->at.end,
                            "record %llu was synced and its head is damaged, or its frame is not there",
                            (unsigned long long)position);
    const segj_point_t before = section->at;
    section->at = linked->after;
    segj_status_t status = remember(section);
    if (status != SEGJ_OK) {
        section->at = before;
        return status;
    }
    return segj_io_fail(SEGJ_ERR_CHECKSUM, &section->values, section->values.data + linked->location.offset,
                        "the value of record %llu was synced and does not have its checksum",
                        (unsigned long long)position);
}

static segj_status_t log_show(oversized_follower_t *follower, segj_follow_section_t *section, const linked_t *linked,
                              oversized_followed_t *followed)
{
    uint64_t position = section->at.records;
    *followed = (oversized_followed_t){.kind = OVERSIZED_FOLLOW_RECORD,
                                       .section = section->number,
                                       .position = position,
                                       .entry = linked->head.entry,
                                       .synced = linked->synced};
    segj_point_t before = section->at;
    section->at = linked->after;
    segj_status_t status = remember(section);
    if (status != SEGJ_OK) {
        section->at = before;
        return status;
    }
    if (position < section->skip)
        return SEGJ_OK;
    const uint8_t *payload = linked->bytes != NULL ? linked->bytes + section->values.head : NULL;
    status = segj_follow_tell(follower, section, linked->location, payload, (linked->head.flags & SEGJ_HEAD_RAW) != 0,
                              followed);
    if (status != SEGJ_OK && !segj_follow_is_of_value(status)) {
        section->passed_count--;
        section->at = before;
    }
    return status;
}

/* Nothing links, or not yet. *told: the log was cut. */
static segj_status_t log_look_back(oversized_follower_t *follower, segj_follow_section_t *section,
                                   oversized_followed_t *followed, bool *told)
{
    bool there = false;
    segj_status_t status = segj_follow_confirm(section, section->at, &there);
    if (status == SEGJ_OK && !there) {
        *told = true;
        status = log_cut(follower, section, followed);
    }
    return status;
}

/* Whether the frame may be shown: it is right, and its batch is whole. */
static segj_status_t is_ready(oversized_follower_t *follower, segj_follow_section_t *section, const linked_t *linked,
                              bool *ready)
{
    uint64_t position = section->at.records;
    *ready = linked->right && (linked->synced || !follower->synced_only);
    if (!*ready || (linked->head.flags & SEGJ_HEAD_GOES_ON) == 0 || linked->synced || position < section->complete)
        return SEGJ_OK;
    return log_batch(follower, section, ready);
}

segj_status_t segj_follow_log(oversized_follower_t *follower, segj_follow_section_t *section,
                              oversized_followed_t *followed)
{
    for (;;) {
        linked_t linked = {.there = false};
        bool ready = false;
        bool told = false;
        segj_status_t status = section->placed ? log_find(follower, section, &linked) : SEGJ_OK;
        if (status == SEGJ_OK)
            status = is_ready(follower, section, &linked, &ready);
        if (status != SEGJ_OK)
            return status;
        if (ready) {
            uint64_t position = section->at.records;
            status = log_show(follower, section, &linked, followed);
            if (status != SEGJ_OK || position >= section->skip)
                return status;
            follower->fresh = 0; /* the windows may end here */
            continue;
        }
        if (follower->fresh > 0) {
            status = log_look_back(follower, section, followed, &told);
            if (status != SEGJ_OK || told)
                return status;
            bool wanted = section->at.records < section->synced && !linked.right;
            if (!wanted)
                return SEGJ_END;
            if (follower->fresh >= LOG_LOOKS) {
                uint64_t position = section->at.records;
                status = log_damage(section, &linked, followed);
                if (!segj_follow_is_of_value(status) || position >= section->skip)
                    return status;
                follower->fresh = 0;
                continue; /* it is not asked for */
            }
        }
        status = segj_follow_check(follower, section, followed, &told, &ready);
        if (status != SEGJ_OK || told)
            return status;
        if (!ready)
            return SEGJ_END;
        status = log_fill(follower, section);
        if (status != SEGJ_OK)
            return status;
        follower->fresh++;
    }
}
