/*
 * oversized/read/replay_value.c: the values of a walk. They are read ahead in bulk once two that follow each other were
 * asked for: from the one that was asked for on, or, backwards, up to it.
 */
#include <string.h>

#include "journal/frame_format.h"
#include "oversized/read/replay_walk.h"

/* Of the given record's section, when the walk began. */
static uint64_t generation_of(const oversized_replay_t *replay)
{
    return replay->targets[replay->at].generation;
}

/** Bytes of a section's data. */
typedef struct replay_range {
    uint64_t begin, end;
} replay_range_t;

/* Under state. What lies around the frame in the file, as a whole: what is in write buffers may not be there. */
SEGJ_UNDER_STATE static replay_range_t range_in_file(const oversized_replay_t *replay, const segj_section_t *section)
{
    uint64_t frame = replay->location.offset;
    replay_range_t range = {0, section->values.size};
    for (const segj_write_buffer_t *at = section->values.chain.first; at != NULL; at = at->next) {
        uint64_t end = at->offset + at->size;
        if (at->offset > frame)
            range.end = segj_min_u64(range.end, at->offset);
        else if (at->offset < end && end <= frame)
            range.begin = segj_max_u64(range.begin, end);
    }
    return range;
}

/* Whether a frame that begins there comes after one that ends there: also where it is kept apart. */
static bool comes_after(const segj_source_t *source, uint64_t end, uint64_t begin)
{
    const segj_io_file_t *file = segj_source_file(source);
    return begin == end || begin == segj_frame_apart(file->sector, file->data, end);
}

/* Under state, the frame is held. What is read with it: nothing, or, where values are asked for one after the other in
 * the walk's direction, as much as should be read ahead and lies in the same place. */
SEGJ_UNDER_STATE static replay_range_t choose_range(const oversized_replay_t *replay, const segj_source_t *source,
                                                    replay_range_t place)
{
    uint64_t begin = replay->location.offset;
    uint64_t end = begin + segj_frame_size(segj_source_file(source)->head, replay->location);
    bool follows =
        replay->ahead_generation == generation_of(replay) &&
        (replay->back ? comes_after(source, end, replay->asked_begin) : comes_after(source, replay->asked_end, begin));
    if (!follows || replay->most_ahead <= end - begin)
        return (replay_range_t){begin, end};
    if (source->buffer != NULL)
        place = (replay_range_t){source->buffer->offset, source->buffer->offset + source->buffer->size};
    if (replay->back)
        begin = end - segj_min_u64(end - place.begin, replay->most_ahead);
    else
        end = begin + segj_min_u64(place.end - begin, replay->most_ahead);
    return (replay_range_t){begin, end};
}

/* Copies from a write buffer, or reads the file. */
static segj_status_t fill(oversized_replay_t *replay, const segj_source_t *source, replay_range_t range)
{
    uint64_t begin = range.begin;
    size_t size = (size_t)(range.end - begin);
    segj_status_t status = segj_buffer_reserve(&replay->ahead, size, SIZE_MAX);
    if (status != SEGJ_OK)
        return status;
    if (source->buffer == NULL)
        return segj_io_read(segj_source_file(source), segj_source_file(source)->data + begin, replay->ahead.data, size,
                            NULL);
    memcpy(replay->ahead.data, source->buffer->data + (begin - source->buffer->offset), size);
    return SEGJ_OK;
}

/* Reads frames from the given record's on, or up to it. *changed: the section was cut or removed since. */
static segj_status_t read_ahead(oversized_replay_t *replay, bool *changed)
{
    oversized_t *journal = replay->journal;
    segj_section_t *section = NULL;
    segj_source_t source = {NULL, 0, NULL, {0, 0}};
    replay_range_t range = {0, 0};
    *changed = false;
    segj_lock(&journal->shared.state);
    segj_status_t status = segj_replay_section(replay, &section);
    if (status != SEGJ_OK) {
        segj_replay_break_off(replay, status);
    } else {
        replay_range_t in_file = range_in_file(replay, section);
        replay->ahead_compressed = section->values.compressed;
        replay->ahead_dictionary = section->values.dictionary.size > 0;
        status = segj_frame_pin(journal, section, replay->location, &source, changed);
        if (status == SEGJ_OK)
            range = choose_range(replay, &source, in_file);
    }
    segj_unlock(&journal->shared.state);
    replay->ahead_size = 0;
    if (status != SEGJ_OK)
        return status;
    const segj_io_file_t *file = segj_source_file(&source);
    replay->ahead_file = segj_io_like(file);
    status = fill(replay, &source, range);
    uint64_t begin = replay->location.offset;
    uint64_t size = segj_frame_size(file->head, replay->location);
    if (status == SEGJ_ERR_IO && range.end - range.begin > size) { /* what is ahead may be what cannot be read */
        range = (replay_range_t){begin, begin + size};
        status = fill(replay, &source, range);
    }
    segj_frame_unpin(journal, &source, changed);
    if (status != SEGJ_OK || *changed)
        return status;
    replay->ahead_begin = range.begin;
    replay->ahead_size = (size_t)(range.end - range.begin);
    replay->ahead_generation = generation_of(replay);
    return SEGJ_OK;
}

static bool is_ahead(const oversized_replay_t *replay, oversized_location_t location)
{
    uint64_t end;
    return replay->ahead_size > 0 && replay->ahead_generation == generation_of(replay) &&
           location.offset >= replay->ahead_begin &&
           segj_location_end(replay->ahead_file.head, location, replay->ahead_begin + replay->ahead_size, &end);
}

const uint8_t *segj_replay_frame(const oversized_replay_t *replay)
{
    return (const uint8_t *)replay->ahead.data + (size_t)(replay->location.offset - replay->ahead_begin);
}

/* A section with a dictionary must still be there. */
static segj_status_t replay_unpack(oversized_replay_t *replay, const uint8_t *frame)
{
    oversized_t *journal = replay->journal;
    segj_section_t *section = NULL;
    if (!replay->ahead_dictionary)
        return segj_frame_unpack(journal, NULL, &replay->ahead_file, replay->location, frame, &replay->value);
    segj_lock(&journal->shared.state);
    segj_status_t status = segj_replay_section(replay, &section);
    if (status == SEGJ_OK)
        segj_section_acquire(section);
    segj_unlock(&journal->shared.state);
    if (status != SEGJ_OK) {
        segj_replay_break_off(replay, status);
        return status;
    }
    status = segj_frame_unpack(journal, section, &replay->ahead_file, replay->location, frame, &replay->value);
    segj_section_release(journal, section);
    return status;
}

/* location: replay->location, which was just stored: it is not loaded again where the frame is ahead. */
static segj_status_t get_value(oversized_replay_t *replay, oversized_location_t location, const void **value,
                               size_t *size)
{
    oversized_t *journal = replay->journal;
    segj_status_t status = SEGJ_OK;
    bool changed = false;
    if (!is_ahead(replay, location))
        do
            status = read_ahead(replay, &changed);
        while (changed);
    if (status != SEGJ_OK)
        return status;
    replay->asked_begin = location.offset;
    replay->asked_end = location.offset + segj_frame_size(replay->ahead_file.head, location);
    status = segj_frame_judge(journal, &replay->ahead_file, replay->ahead_compressed, location, replay->asked_end);
    if (status != SEGJ_OK)
        return status;
    const uint8_t *frame = (const uint8_t *)replay->ahead.data + (size_t)(location.offset - replay->ahead_begin);
    status = segj_glob_check(&journal->shared, &replay->ahead_file, replay->ahead_compressed, location, frame);
    bool raw = replay->ahead_compressed && segj_glob_is_raw(&replay->ahead_file, frame);
    bool packed = replay->ahead_compressed && !raw;
    if (status == SEGJ_OK && raw)
        status = segj_frame_judge_raw(journal, &replay->ahead_file, location);
    if (status == SEGJ_OK && packed)
        status = replay_unpack(replay, frame);
    if (status != SEGJ_OK)
        return status;
    *value = packed ? (const uint8_t *)replay->value.data : frame + replay->ahead_file.head;
    *size = packed ? replay->value.size : location.size - SEGJ_FRAME_TRAILER;
    return SEGJ_OK;
}

static segj_status_t replay_check_value(oversized_replay_t *replay, const void **value, size_t *size)
{
    if (value == NULL || size == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "oversized_replay_value: %s is NULL", value == NULL ? "value" : "size");
    if (replay->given == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "oversized_replay_value: the last oversized_replay_next gave no record");
    oversized_location_t location = segj_location_decode(replay->given + replay->entry_size);
    replay->location = location;
    if (replay->broken != SEGJ_OK)
        return segj_fail(replay->broken, "the replay ended: its section was pruned or rewound during it");
    return get_value(replay, location, value, size);
}

segj_status_t oversized_replay_value(oversized_replay_t *replay, const void **value, size_t *size)
{
    segj_status_t status = segj_lease_enter((segj_lease_t *)replay, SEGJ_BADGE_REPLAY, "replay", __func__);
    return status == SEGJ_OK ? segj_lease_leave(&replay->lease, replay_check_value(replay, value, size)) : status;
}
