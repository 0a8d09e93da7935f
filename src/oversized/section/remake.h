/*
 * oversized/section/remake.h: index pages of version 2 that are damaged, or not in the file yet, made again from the
 * frames.
 */
#ifndef SEGJ_OVERSIZED_SECTION_REMAKE_H
#define SEGJ_OVERSIZED_SECTION_REMAKE_H

#include "oversized/section/journal.h"

/** Makes the first `length` bytes of a page of a section's index (shared.remake_page). The caller has a reference of
 *  the section. SEGJ_ERR_CORRUPT: the frames are damaged too. Without the state lock. */
SEGJ_MUST_CHECK segj_status_t segj_section_remake_page(segj_shared_t *shared, segj_fixed_t *fixed, uint64_t page,
                                                       uint8_t *bytes, uint16_t length);

#endif
