/*
 * oversized/tools/follow_index.c: the next record of a section of version 1. A record and its value are trusted where
 * they verify, the record begins where the one before ended, and no cut has come between the looks at the slots before
 * and after they were read: a cut writes the slots before it takes anything, with a number that no mark before had, and
 * clears the first of them when it is done. While that is there, nothing is shown of what is being cut.
 */
#include <string.h>

#include "oversized/tools/follow.h"
#include "paged/page_format.h"

#define INDEX_TRIES 16
/* Damage is reported after so many looks have seen it. */
#define INDEX_LOOKS 3

/** What both slots say. */
typedef struct slots_view {
    uint64_t stamp;  /* another one: there was a cut, or one has ended */
    uint64_t synced; /* W */
    uint64_t limit;  /* what comes after so many records is being cut; UINT64_MAX */
    bool left;       /* `stays` is known */
    uint64_t stays;  /* records that the last cut has left */
} slots_view_t;

static uint64_t stamp_epoch(uint64_t stamp)
{
    return stamp / 2;
}

static slots_view_t view_slots(const segj_follow_section_t *section, const segj_follow_slots_t *slots)
{
    slots_view_t view = {.limit = UINT64_MAX};
    uint64_t sequence = 0;
    bool begun = false;
    for (unsigned slot = 0; slot < 2; slot++) {
        segj_mark_t mark = segj_follow_slot(section, slots, slot);
        if (!mark.valid)
            continue;
        if (mark.sequence >= sequence) {
            sequence = mark.sequence;
            view.synced = mark.at.records;
        }
        begun = begun || segj_mark_is_of_begun_cut(mark.sequence);
    }
    uint64_t epoch = sequence / SEGJ_MARKS_OF_CUT;
    for (unsigned slot = 0; slot < 2; slot++) {
        segj_mark_t mark = segj_follow_slot(section, slots, slot);
        if (mark.valid && mark.sequence / SEGJ_MARKS_OF_CUT == epoch && mark.sequence % SEGJ_MARKS_OF_CUT <= 1) {
            view.left = true;
            view.stays = mark.at.records;
        }
    }
    if (begun)
        view.limit = view.synced;
    view.stamp = 2 * epoch + (begun ? 1 : 0);
    return view;
}

/* There was a cut. *told: of what was shown. */
static segj_status_t follow_cut(oversized_follower_t *follower, segj_follow_section_t *section,
                                const slots_view_t *view, oversized_followed_t *followed, bool *told)
{
    bool next = stamp_epoch(view->stamp) == stamp_epoch(section->stamp) + 1;
    uint64_t stays = next && view->left ? view->stays : 0;
    segj_follow_drop(follower);
    if (section->at.records > stays) {
        section->target = stays;
        segj_status_t status = segj_follow_place(follower, section);
        if (status != SEGJ_OK)
            return status; /* the stamp is the old one: it is tried again */
        *told = true;
        *followed = (oversized_followed_t){
            .kind = OVERSIZED_FOLLOW_REWOUND, .section = section->number, .position = section->at.records};
    }
    section->skip = segj_min_u64(section->skip, stays);
    section->stamp = view->stamp; /* of before the place was found: a cut since then is seen next */
    return SEGJ_OK;
}

/* Version 1 has no salt: if nothing was cut, the record that was shown last is the last one shown. */
static segj_status_t check_last(oversized_follower_t *follower, segj_follow_section_t *section,
                                oversized_followed_t *followed, bool *told)
{
    bool there = false;
    section->reopened = false;
    if (section->at.records == 0)
        return SEGJ_OK;
    uint64_t position = section->at.records - 1;
    uint64_t page = position * section->record_size / section->page_size;
    segj_status_t status =
        segj_follow_fill(&follower->pages, &section->index, page * segj_page_physical(section->page_size));
    if (status == SEGJ_OK)
        status = segj_follow_record(follower, section, position, &there);
    there = there && segj_crc32(0, follower->record, section->record_size) == section->last;
    if (status == SEGJ_OK && there && section->at.trailer != 0)
        status = segj_follow_confirm(section, section->at, &there);
    if (status != SEGJ_OK || there)
        return status;
    *told = true;
    segj_follow_tell_removed(follower, section, followed);
    return SEGJ_OK;
}

/* Begins, or finds a cut. */
static segj_status_t index_begin(oversized_follower_t *follower, segj_follow_section_t *section,
                                 oversized_followed_t *followed, bool *told)
{
    segj_follow_slots_t slots;
    segj_status_t status = segj_follow_read_slots(section, &slots);
    if (status != SEGJ_OK)
        return status;
    slots_view_t view = view_slots(section, &slots);
    if (!section->placed) {
        section->stamp = view.stamp;
        section->target = section->skip;
        return segj_follow_place(follower, section);
    }
    if (stamp_epoch(view.stamp) != stamp_epoch(section->stamp))
        status = follow_cut(follower, section, &view, followed, told);
    else if (section->reopened)
        status = check_last(follower, section, followed, told);
    section->stamp = *told || status != SEGJ_OK ? section->stamp : view.stamp;
    return status;
}

/* What the windows have. */
typedef struct found {
    bool record, frame, right;
    oversized_location_t location;
    uint64_t end;
    const uint8_t *bytes;
    uint32_t trailer; /* 0: not looked at */
} found_t;

/* A frame that is larger than the window is read by itself, and the slots are looked at after it. */
static segj_status_t index_big(oversized_follower_t *follower, const segj_follow_section_t *section, found_t *found)
{
    segj_follow_slots_t slots;
    if (found->location.size > segj_codec_bound(follower->max_value_size) + SEGJ_FRAME_TRAILER) {
        found->frame = found->right = found->end <= SEGJ_FILE_SIZE_MAX && section->at.records < section->synced;
        return SEGJ_OK;
    }
    segj_status_t status =
        segj_follow_big_frame(follower, section, found->location.offset, found->location.size, &found->bytes);
    if (status == SEGJ_OK && found->bytes != NULL)
        status = segj_follow_read_slots(section, &slots);
    if (status == SEGJ_OK && found->bytes != NULL && view_slots(section, &slots).stamp != section->stamp)
        found->bytes = NULL;
    return status;
}

/* The record that the window of pages has next, if it begins where the one before has ended. */
static segj_status_t index_find_record(oversized_follower_t *follower, const segj_follow_section_t *section,
                                       found_t *found)
{
    segj_status_t status = segj_follow_record(follower, section, section->at.records, &found->record);
    if (status != SEGJ_OK || !found->record)
        return status;
    found->location = segj_location_decode(follower->record + section->record_size - OVERSIZED_LOCATION_SIZE);
    found->record = found->location.offset == section->at.end &&
                    segj_location_end(0, found->location, SEGJ_FILE_SIZE_MAX - section->values.data, &found->end);
    if (found->record)
        found->bytes = segj_follow_peek(&follower->values, found->location.offset, found->location.size);
    return SEGJ_OK;
}

static void index_check_frame(const oversized_follower_t *follower, const segj_follow_section_t *section,
                              found_t *found)
{
    size_t size = found->location.size - SEGJ_FRAME_TRAILER;
    found->frame = true;
    found->trailer = segj_get_u32(found->bytes + size);
    found->right = found->trailer == segj_frame_checksum(follower->journal->shared.checksum, section->values.binding,
                                                         found->location.offset, found->bytes, size);
}

static segj_status_t index_find(oversized_follower_t *follower, const segj_follow_section_t *section, found_t *found)
{
    uint64_t position = section->at.records;
    *found = (found_t){.record = false};
    if (position >= section->limit || (follower->synced_only && position >= section->synced))
        return SEGJ_OK;
    segj_status_t status = index_find_record(follower, section, found);
    if (status == SEGJ_OK && found->record && found->bytes == NULL && found->location.size > follower->values.room)
        status = index_big(follower, section, found);
    if (status == SEGJ_OK && found->bytes != NULL)
        index_check_frame(follower, section, found);
    return status;
}

/* What was read earlier is as it was, because there was no cut since. So either window is filled again only where it
 * does not have what comes next, or has it wrong: it was read before that was written. */
static segj_status_t fill_what_lacks(oversized_follower_t *follower, const segj_follow_section_t *section)
{
    uint64_t page = section->at.records * section->record_size / section->page_size;
    found_t found = {.record = false};
    segj_status_t status = follower->fresh == 0 ? index_find_record(follower, section, &found) : SEGJ_OK;
    if (status == SEGJ_OK && !found.record) {
        status = segj_follow_fill(&follower->pages, &section->index, page * segj_page_physical(section->page_size));
        if (status == SEGJ_OK && follower->fresh == 0)
            status = index_find_record(follower, section, &found);
    }
    if (status == SEGJ_OK && found.bytes != NULL)
        index_check_frame(follower, section, &found);
    return status == SEGJ_OK && !found.right ? segj_follow_fill(&follower->values, &section->values, section->at.end)
                                             : status;
}

/* Fills the windows from where the section is, with no cut in between. *told: a cut, or a removal. *filled: they
 * are. */
static segj_status_t index_fill(oversized_follower_t *follower, segj_follow_section_t *section,
                                oversized_followed_t *followed, bool *told, bool *filled)
{
    segj_follow_slots_t slots;
    *told = *filled = false;
    for (int i = 0; i < INDEX_TRIES && !*filled; i++) {
        bool ready = false;
        const uint64_t stamp = section->stamp;
        segj_status_t status = segj_follow_check(follower, section, followed, told, &ready);
        if (status == SEGJ_OK && !*told && !ready)
            return SEGJ_OK;
        if (status == SEGJ_OK && !*told)
            status = index_begin(follower, section, followed, told);
        if (status != SEGJ_OK || *told)
            return status;
        if (section->stamp != stamp)
            segj_follow_drop(follower); /* a cut that was under way has ended */
        status = segj_follow_read_slots(section, &section->slots);
        if (status == SEGJ_OK)
            status = fill_what_lacks(follower, section);
        if (status == SEGJ_OK)
            status = segj_follow_read_slots(section, &slots);
        if (status != SEGJ_OK) {
            segj_follow_drop(follower);
            return status;
        }
        slots_view_t before = view_slots(section, &section->slots);
        *filled = before.stamp == section->stamp && view_slots(section, &slots).stamp == section->stamp;
        section->synced = before.synced;
        section->limit = before.limit;
    }
    if (!*filled)
        segj_follow_drop(follower);
    return SEGJ_OK;
}

/* A record that a sync has covered is not there, or its value is wrong. The value is passed over. */
static segj_status_t index_damage(oversized_follower_t *follower, segj_follow_section_t *section, const found_t *found,
                                  oversized_followed_t *followed)
{
    uint64_t position = section->at.records;
    uint64_t page = position * section->record_size / section->page_size;
    followed->section = section->number;
    followed->position = position;
    if (!found->record)
        return segj_io_fail(SEGJ_ERR_CORRUPT, &section->index,
                            section->index.data + page * segj_page_physical(section->page_size),
                            "record %llu was synced and cannot be read: its page is damaged, or its place is none",
                            (unsigned long long)position);
    section->at = (segj_point_t){position + 1, found->end, found->trailer};
    section->last = segj_crc32(0, follower->record, section->record_size);
    return segj_io_fail(SEGJ_ERR_CHECKSUM, &section->values, section->values.data + found->location.offset,
                        "the value of record %llu was synced and %s", (unsigned long long)position,
                        found->frame ? "does not have its checksum" : "is not there");
}

static segj_status_t index_show(oversized_follower_t *follower, segj_follow_section_t *section, const found_t *found,
                                oversized_followed_t *followed)
{
    *followed = (oversized_followed_t){.kind = OVERSIZED_FOLLOW_RECORD,
                                       .section = section->number,
                                       .position = section->at.records,
                                       .entry = follower->record,
                                       .synced = section->at.records < section->synced};
    const segj_point_t before = section->at;
    const uint32_t last = section->last;
    section->last = segj_crc32(0, follower->record, section->record_size);
    section->at = (segj_point_t){section->at.records + 1, found->end, found->trailer};
    if (followed->position < section->skip)
        return SEGJ_OK;
    segj_status_t status = segj_follow_tell(follower, section, found->location, found->bytes, false, followed);
    if (status != SEGJ_OK && !segj_follow_is_of_value(status)) {
        section->last = last;
        section->at = before;
    }
    return status;
}

segj_status_t segj_follow_index(oversized_follower_t *follower, segj_follow_section_t *section,
                                oversized_followed_t *followed)
{
    for (;;) {
        found_t found = {.record = false};
        segj_status_t status =
            section->placed ? index_find(follower, section, &found) : SEGJ_OK; /* the windows are empty then */
        if (status != SEGJ_OK)
            return status;
        if (found.right) {
            uint64_t position = section->at.records;
            status = index_show(follower, section, &found, followed);
            if (status != SEGJ_OK || position >= section->skip)
                return status;
            follower->fresh = 0; /* the windows may end here */
            continue;
        }
        bool wanted = section->placed && section->at.records < segj_min_u64(section->synced, section->limit);
        if (follower->fresh > 0 && !wanted)
            return SEGJ_END;
        if (follower->fresh >= INDEX_LOOKS) {
            uint64_t position = section->at.records;
            status = index_damage(follower, section, &found, followed);
            if (!segj_follow_is_of_value(status) || position >= section->skip)
                return status;
            follower->fresh = 0;
            continue; /* it is not asked for */
        }
        bool told = false;
        bool filled = false;
        status = index_fill(follower, section, followed, &told, &filled);
        if (status != SEGJ_OK || told)
            return status;
        if (!filled)
            return SEGJ_END; /* the writer is at it, and its changes are told */
        follower->fresh++;
    }
}
