/*
 * oversized/read/view.c: see the header.
 */
#include "oversized/read/view.h"

#include "journal/record_format.h"

/* Whether views of the section's values may look into a mapping. In compressed files of version 1 there is nothing to
 * be shown where it lies. */
static bool may_be_mapped(const segj_glob_t *values)
{
    return !values->compressed || values->handle.file.head > 0;
}

/* Under state, which is given up where nothing is mapped yet. NULL: the value must be copied. */
SEGJ_UNDER_STATE static segj_map_t *take_map(oversized_t *journal, segj_section_t *section,
                                             oversized_location_t location, bool *changed)
{
    segj_shared_t *shared = &journal->shared;
    segj_glob_t *values = &section->values;
    uint64_t begin = values->handle.file.data + location.offset;
    uint64_t end = begin + segj_frame_size(values->handle.file.head, location);
    segj_map_t *map = segj_maps_take(values->maps, begin, end);
    if (map != NULL)
        return map;
    if (!segj_map_worth(&values->tries, values->handle.openings))
        return NULL;
    uint64_t generation = section->generation;
    segj_section_acquire(section);
    if (segj_files_pin(&shared->files, &values->handle) == SEGJ_OK) {
        bool mapped = segj_maps_make(&shared->maps, &values->maps, &values->handle.file, begin, end,
                                     values->handle.file.data + values->size, &values->views_blocked);
        segj_map_tried(&values->tries, values->handle.openings, mapped);
        segj_files_unpin(&shared->files, &values->handle);
    }
    *changed = segj_section_changed(section, generation);
    if (!*changed && !values->views_blocked)
        map = segj_maps_take(values->maps, begin, end);
    segj_section_release_locked(journal, section);
    return map;
}

segj_status_t segj_view_take(oversized_t *journal, segj_section_t *section, oversized_location_t location,
                             segj_taken_t *taken, bool *changed)
{
    segj_glob_t *values = &section->values;
    segj_write_buffer_t *buffer = NULL;
    /* Where *changed, the section is no longer there to be asked. */
    *taken = (segj_taken_t){.source = {.section = section, .generation = section->generation, .location = location}};
    *changed = false;
    if (journal->shared.maps.on && may_be_mapped(values) && !values->views_blocked) {
        segj_status_t status = segj_frame_find(journal, section, location, &buffer);
        if (status != SEGJ_OK)
            return status;
        if (buffer == NULL)
            taken->map = take_map(journal, section, location, changed);
        if (taken->map != NULL || *changed)
            return SEGJ_OK;
    }
    segj_status_t status = segj_frame_pin(journal, section, location, &taken->source, changed);
    if (status == SEGJ_OK && !values->views_blocked) {
        taken->copies = &values->copies;
        atomic_fetch_add(taken->copies, 1);
    }
    return status;
}

/* Among the viewers, who keep out what the state lock keeps out otherwise, and whom clang does not know. A section that
 * is written to has records and frames in memory, whose place may change. */
SEGJ_NO_THREAD_SAFETY_ANALYSIS static bool take_quickly(oversized_t *journal, uint64_t number, uint64_t position,
                                                        uint8_t *record, segj_taken_t *taken)
{
    const segj_shared_t *shared = &journal->shared;
    segj_section_t *section = segj_journal_find(journal, number);
    if (section == NULL || section->index.tail != NULL)
        return false;
    const segj_glob_t *values = &section->values;
    if (values->views_blocked || !may_be_mapped(values))
        return false;
    oversized_location_t location = taken->source.location;
    if (record != NULL) {
        if (position >= section->index.records ||
            !segj_fixed_peek(&section->index, shared, position * shared->record_size, shared->record_size, record))
            return false;
        location = segj_location_decode(record + journal->entry_size);
    }
    uint64_t end;
    if (!segj_location_end(values->handle.file.head, location, values->size, &end) ||
        location.size - SEGJ_FRAME_TRAILER > journal->max_value_size)
        return false;
    uint64_t data = values->handle.file.data;
    taken->source = (segj_source_t){.section = section, .generation = section->generation, .location = location};
    taken->copies = NULL;
    taken->map = segj_maps_take(values->maps, data + location.offset, data + end);
    return taken->map != NULL;
}

bool segj_view_quick(oversized_t *journal, uint64_t number, uint64_t position, uint8_t *record, segj_taken_t *taken)
{
    segj_maps_t *maps = &journal->shared.maps;
    atomic_uint *inside = maps->on ? segj_readers_enter(&maps->viewers) : NULL;
    if (inside == NULL)
        return false;
    bool found = take_quickly(journal, number, position, record, taken);
    segj_readers_leave(inside);
    return found; /* a view that counts keeps the section and its mapping where they are */
}

/* A value that is stored as it is. */
static segj_status_t show_in_place(const oversized_t *journal, const segj_taken_t *taken, const uint8_t *frame,
                                   oversized_view_t *view)
{
    const segj_io_file_t *file = segj_source_file(&taken->source);
    oversized_location_t location = taken->source.location;
    bool packed = taken->source.section->values.compressed;
    segj_status_t status = segj_glob_check(&journal->shared, file, packed, location, frame);
    if (status == SEGJ_OK && packed)
        status = segj_frame_judge_raw(journal, file, location);
    view->data = frame + file->head;
    view->size = location.size - SEGJ_FRAME_TRAILER;
    return status;
}

/* One that is compressed: from where it lies. */
static segj_status_t show_unpacked(oversized_t *journal, const segj_taken_t *taken, const uint8_t *frame,
                                   oversized_view_t *view)
{
    segj_status_t status = segj_frame_unpack_there(journal, &taken->source, frame, &view->copy);
    view->data = view->copy.data;
    view->size = view->copy.size;
    return status;
}

static segj_status_t show_mapped(oversized_t *journal, const segj_taken_t *taken, oversized_view_t *view)
{
    const segj_io_file_t *file = segj_source_file(&taken->source);
    const uint8_t *frame = taken->map->address + (file->data + taken->source.location.offset - taken->map->begin);
    bool plain = !taken->source.section->values.compressed || segj_glob_is_raw(file, frame);
    segj_status_t status =
        plain ? show_in_place(journal, taken, frame, view) : show_unpacked(journal, taken, frame, view);
    if (status == SEGJ_OK) {
        view->hold = &taken->map->views;
        return SEGJ_OK;
    }
    segj_map_release(taken->map);
    view->data = NULL;
    view->size = 0;
    return status;
}

segj_status_t segj_view_show(oversized_t *journal, const segj_taken_t *taken, oversized_view_t *view, bool *changed)
{
    *changed = false;
    if (taken->map != NULL)
        return show_mapped(journal, taken, view);
    segj_status_t status = segj_frame_copy(journal, &taken->source, &view->copy, changed);
    if (status == SEGJ_OK && !*changed) {
        view->data = view->copy.data;
        view->size = view->copy.size;
        view->hold = taken->copies;
    } else if (taken->copies != NULL) {
        atomic_fetch_sub(taken->copies, 1);
    }
    return status;
}

void segj_view_clear(oversized_view_t *view)
{
    atomic_uint *views = view->hold;
    view->data = NULL;
    view->size = 0;
    view->hold = NULL;
    view->copy.size = 0;
    if (views != NULL)
        atomic_fetch_sub(views, 1);
}

void oversized_view_release(oversized_view_t *view)
{
    if (view == NULL)
        return;
    segj_view_clear(view);
    segj_buffer_free(&view->copy);
}
