/*
 * oversized/write/append.h: putting records in place, and showing them.
 */
#ifndef SEGJ_OVERSIZED_WRITE_APPEND_H
#define SEGJ_OVERSIZED_WRITE_APPEND_H

#include "oversized/section/section.h"

/** Puts a record, for which there is room, in place after the others. Under change, without state. */
SEGJ_UNDER_CHANGE_ALONE void segj_section_put(oversized_t *journal, segj_section_t *section, const void *entry,
                                              const oversized_location_t *location);
/** Shows the last `count` records, which are in place with their values, to readers; gives the first one's position.
 *  Under change, without state. */
SEGJ_UNDER_CHANGE_ALONE uint64_t segj_section_publish(oversized_t *journal, segj_section_t *section, uint64_t count);
/** Version 2: how many frames before the next one are not known to be durable, as its head says it. placed: so many are
 *  in place and not published. */
uint8_t segj_section_unsynced(const segj_section_t *section, uint64_t placed);

#endif
