/*
 * oversized/read/read.c: the way out. A reader takes the state lock once: it looks the section up, copies the record,
 * and holds what the value is in. It reads, checks and lets go without a lock; when the section's generation has
 * changed since (by a rewind or a removal), it discards what it read and looks again. A record that is in no memory
 * costs the lock once more.
 */
#include <stdlib.h>
#include <string.h>

#include "journal/record_format.h"
#include "oversized/read/look_up.h"
#include "oversized/read/view.h"

/* Records up to this many bytes need no memory from the heap. */
#define RECORD_ON_STACK 1024

/** What a reader wants: a record, and of its value nothing, a copy or a view; or the value at a location. */
typedef struct request {
    uint64_t section, position;
    bool last;                            /* instead of the position */
    const oversized_location_t *location; /* instead of a record; or NULL */
    segj_buffer_t *value;
    oversized_view_t *view;
} request_t;

/* Under state. Gives the record, and holds its value where one is wanted. *changed: the section was cut or removed
 * since. */
SEGJ_UNDER_STATE static segj_status_t read_look(oversized_t *journal, const request_t *request, uint8_t *record,
                                                segj_taken_t *found, bool *changed)
{
    segj_section_t *section = NULL;
    *changed = false;
    segj_status_t status = segj_journal_require(journal, request->section, &section);
    if (status != SEGJ_OK)
        return status;
    if (request->location == NULL) {
        uint64_t count = section->index.records;
        if (request->last && count == 0)
            return SEGJ_END;
        uint64_t position = request->last ? count - 1 : request->position;
        status = segj_look_up_record(journal, section, position, record, changed);
        if (status != SEGJ_OK || *changed)
            return status;
    }
    oversized_location_t location =
        request->location != NULL ? *request->location : segj_location_decode(record + journal->entry_size);
    if (request->value != NULL)
        status = segj_frame_pin(journal, section, location, &found->source, changed);
    else if (request->view != NULL)
        status = segj_view_take(journal, section, location, found, changed);
    return status;
}

static inline bool read_quickly(oversized_t *journal, const request_t *request, uint8_t *record, segj_taken_t *found)
{
    if (request->location != NULL)
        found->source.location = *request->location;
    return segj_view_quick(journal, request->section, request->position, request->location != NULL ? NULL : record,
                           found);
}

static segj_status_t read_once(oversized_t *journal, const request_t *request, uint8_t *record, bool *changed)
{
    segj_taken_t found;
    *changed = false;
    if (request->view != NULL && !request->last && read_quickly(journal, request, record, &found))
        return segj_view_show(journal, &found, request->view, changed);
    segj_lock(&journal->shared.state);
    segj_status_t status = read_look(journal, request, record, &found, changed);
    segj_unlock(&journal->shared.state);
    if (status != SEGJ_OK || *changed)
        return status;
    if (request->value != NULL)
        status = segj_frame_copy(journal, &found.source, request->value, changed);
    else if (request->view != NULL)
        status = segj_view_show(journal, &found, request->view, changed);
    return status;
}

static segj_status_t read_request(oversized_t *journal, const request_t *request, void *entry,
                                  oversized_location_t *location)
{
    uint8_t small[RECORD_ON_STACK];
    uint8_t *record = journal->shared.record_size <= sizeof small ? small : malloc(journal->shared.record_size);
    if (record == NULL)
        return segj_fail_memory(journal->shared.record_size);
    bool changed;
    segj_status_t status;
    do
        status = read_once(journal, request, record, &changed);
    while (changed);
    if (status == SEGJ_OK && entry != NULL && journal->entry_size > 0)
        memcpy(entry, record, journal->entry_size);
    if (status == SEGJ_OK && location != NULL)
        *location = segj_location_decode(record + journal->entry_size);
    if (status != SEGJ_OK && request->value != NULL)
        request->value->size = 0;
    if (record != small)
        free(record);
    return status;
}

static segj_status_t read_get(oversized_t *journal, uint64_t section, uint64_t position, void *entry,
                              oversized_location_t *location)
{
    request_t request = {.section = section, .position = position};
    return read_request(journal, &request, entry, location);
}

SEGJ_COLD static segj_status_t enter_get(oversized_t *journal, uint64_t section, uint64_t position, void *entry,
                                         oversized_location_t *location)
{
    SEGJ_ENTER_AS("oversized_get", journal, read_get(journal, section, position, entry, location));
    return read_get(journal, section, position, entry, location);
}

/* This call is so short that the cost of SEGJ_ENTER matters. */
segj_status_t oversized_get(oversized_t *journal, uint64_t section, uint64_t position, void *entry,
                            oversized_location_t *location)
{
    if (SEGJ_SELDOM(!segj_is_live(journal)))
        return enter_get(journal, section, position, entry, location);
    return read_get(journal, section, position, entry, location);
}

segj_status_t oversized_last(oversized_t *journal, uint64_t section, void *entry, oversized_location_t *location)
{
    SEGJ_ENTER(journal, oversized_last(journal, section, entry, location));
    request_t request = {.section = section, .last = true};
    return read_request(journal, &request, entry, location);
}

segj_status_t oversized_read(oversized_t *journal, uint64_t section, uint64_t position, void *entry,
                             segj_buffer_t *value)
{
    if (value != NULL)
        value->size = 0;
    SEGJ_ENTER(journal, oversized_read(journal, section, position, entry, value));
    if (value == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "oversized_read: value is NULL");
    request_t request = {.section = section, .position = position, .value = value};
    return read_request(journal, &request, entry, NULL);
}

segj_status_t oversized_view(oversized_t *journal, uint64_t section, uint64_t position, void *entry,
                             oversized_view_t *view)
{
    if (view != NULL)
        segj_view_clear(view);
    SEGJ_ENTER(journal, oversized_view(journal, section, position, entry, view));
    if (view == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "oversized_view: view is NULL");
    request_t request = {.section = section, .position = position, .view = view};
    return read_request(journal, &request, entry, NULL);
}

segj_status_t oversized_get_value(oversized_t *journal, uint64_t number, oversized_location_t location,
                                  segj_buffer_t *value)
{
    if (value != NULL)
        value->size = 0;
    SEGJ_ENTER(journal, oversized_get_value(journal, number, location, value));
    if (value == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "oversized_get_value: value is NULL");
    request_t request = {.section = number, .location = &location, .value = value};
    return read_request(journal, &request, NULL, NULL);
}

segj_status_t oversized_view_value(oversized_t *journal, uint64_t section, oversized_location_t location,
                                   oversized_view_t *view)
{
    if (view != NULL)
        segj_view_clear(view);
    SEGJ_ENTER(journal, oversized_view_value(journal, section, location, view));
    if (view == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "oversized_view_value: view is NULL");
    request_t request = {.section = section, .location = &location, .view = view};
    return read_request(journal, &request, NULL, NULL);
}
