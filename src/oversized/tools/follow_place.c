/*
 * oversized/tools/follow_place.c: what the slots of a section say, and where it begins to be followed (follow.h).
 */
#include <string.h>

#include "oversized/tools/follow.h"
#include "paged/page_format.h"

/* How often a search is begun again because the writer has changed the section during it. */
#define PLACE_TRIES 16

segj_status_t segj_follow_read_slots(const segj_follow_section_t *section, segj_follow_slots_t *slots)
{
    uint8_t bytes[SEGJ_BLOCK_SIZE + SEGJ_SLOT_SIZE_2] = {0};
    size_t got = 0;
    segj_status_t status =
        section->alone ? SEGJ_OK : segj_io_read(&section->index, segj_mark_offset(0), bytes, sizeof bytes, &got);
    memcpy(slots->bytes[0], bytes, SEGJ_SLOT_SIZE_2);
    memcpy(slots->bytes[1], bytes + SEGJ_BLOCK_SIZE, SEGJ_SLOT_SIZE_2);
    return status;
}

segj_mark_t segj_follow_slot(const segj_follow_section_t *section, const segj_follow_slots_t *slots, unsigned slot)
{
    return section->version == 2 ? segj_mark_decode_2(slots->bytes[slot], section->index.binding, slot)
                                 : segj_mark_decode(slots->bytes[slot], section->number);
}

segj_status_t segj_follow_mark(const segj_follow_section_t *section, const segj_follow_slots_t *slots, segj_point_t *at)
{
    uint64_t sequence = 0;
    *at = (segj_point_t){0};
    for (unsigned slot = 0; slot < 2; slot++) {
        segj_mark_t mark = segj_follow_slot(section, slots, slot);
        bool good = mark.valid;
        if (good && section->version == 2) {
            segj_status_t status = segj_follow_confirm(section, mark.at, &good);
            if (status != SEGJ_OK)
                return status;
            good = good && mark.at.records > at->records;
        } else
            good = good && mark.sequence >= sequence;
        if (good) {
            *at = mark.at;
            sequence = mark.sequence;
        }
    }
    return SEGJ_OK;
}

segj_status_t segj_follow_point(oversized_follower_t *follower, const segj_follow_section_t *section, uint64_t records,
                                segj_point_t *at, bool *found)
{
    uint8_t trailer[SEGJ_FRAME_TRAILER] = {0};
    size_t got = 0;
    uint64_t page = (records - 1) * section->record_size / section->page_size;
    segj_status_t status =
        segj_follow_fill(&follower->pages, &section->index, page * segj_page_physical(section->page_size));
    if (status == SEGJ_OK)
        status = segj_follow_record(follower, section, records - 1, found);
    if (status != SEGJ_OK || !*found)
        return status;
    const uint8_t *location = follower->record + section->record_size - OVERSIZED_LOCATION_SIZE;
    *found = segj_location_end(section->values.head, segj_location_decode(location),
                               SEGJ_FILE_SIZE_MAX - section->values.data, &at->end);
    if (*found)
        status = segj_io_read(&section->values, section->values.data + at->end - sizeof trailer, trailer,
                              sizeof trailer, &got);
    *found = *found && status == SEGJ_OK && got == sizeof trailer;
    at->records = records;
    at->trailer = segj_get_u32(trailer);
    return status;
}

static segj_status_t follow_find_place(oversized_follower_t *follower, segj_follow_section_t *section, segj_point_t *at)
{
    segj_point_t mark;
    bool found = false;
    segj_status_t status = segj_follow_mark(section, &section->slots, &mark);
    *at = (segj_point_t){0};
    if (status != SEGJ_OK || section->target == 0 || mark.records == 0)
        return status;
    bool at_mark = section->version == 2 && section->target >= mark.records;
    if (at_mark) {
        *at = mark;
        return SEGJ_OK;
    }
    status = segj_follow_point(follower, section, segj_min_u64(section->target, mark.records), at, &found);
    if (!found)
        *at = (segj_point_t){0};
    else
        section->last = segj_crc32(0, follower->record, section->record_size);
    return status;
}

segj_status_t segj_follow_place(oversized_follower_t *follower, segj_follow_section_t *section)
{
    segj_point_t at = {0};
    bool still = false;
    segj_status_t status = SEGJ_OK;
    for (int i = 0; i < PLACE_TRIES && !still && status == SEGJ_OK; i++) {
        segj_follow_slots_t after;
        status = segj_follow_read_slots(section, &section->slots);
        if (status == SEGJ_OK)
            status = follow_find_place(follower, section, &at);
        if (status == SEGJ_OK)
            status = segj_follow_read_slots(section, &after);
        still = status == SEGJ_OK && memcmp(&after, &section->slots, sizeof after) == 0;
    }
    segj_follow_drop(follower);
    if (status != SEGJ_OK)
        return status;
    section->at = still ? at : (segj_point_t){0}; /* from the beginning is never wrong */
    section->placed = true;
    section->complete = 0;
    section->ahead = section->at;
    return SEGJ_OK;
}
