/*
 * oversized/read/view.h: values shown where they are. A view is taken under the state lock, with what it counts in: a
 * mapping, or, where the value has to be copied, its section. While either counts, views of the section cannot be
 * blocked (journal/maps.h), so that nothing that a view shows is cut or removed, and its section stays.
 */
#ifndef SEGJ_OVERSIZED_READ_VIEW_H
#define SEGJ_OVERSIZED_READ_VIEW_H

#include "oversized/read/frames.h"

/** A view that was taken and not yet looked at. */
typedef struct segj_taken {
    segj_map_t *map;      /* shows it where it is, and counts it; NULL: it must be copied */
    segj_source_t source; /* of which the section and the location always; the rest for a copy */
    atomic_uint *copies;  /* counts it; NULL: nothing waits for it */
} segj_taken_t;

/** Under state, which it may give up. *changed: the section was cut or removed since, and nothing is taken. */
SEGJ_MUST_CHECK SEGJ_UNDER_STATE segj_status_t segj_view_take(oversized_t *journal, segj_section_t *section,
                                                              oversized_location_t location, segj_taken_t *taken,
                                                              bool *changed);

/** The same without any lock, of a section at rest: the record too, unless it is NULL and the location in
 *  `taken` is given. false: nothing is taken, and the way above may find it or knows what is wrong. */
bool segj_view_quick(oversized_t *journal, uint64_t number, uint64_t position, uint8_t *record, segj_taken_t *taken);

/** Checks the value and shows it, or lets it go. Without state. */
SEGJ_MUST_CHECK SEGJ_WITHOUT_STATE segj_status_t segj_view_show(oversized_t *journal, const segj_taken_t *taken,
                                                                oversized_view_t *view, bool *changed);

/** Gives back what a view shows; it keeps the memory of its copies. */
void segj_view_clear(oversized_view_t *view);

#endif
