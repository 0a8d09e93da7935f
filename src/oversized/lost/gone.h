/*
 * oversized/lost/gone.h: losses of sections whose files go, or are gone.
 */
#ifndef SEGJ_OVERSIZED_LOST_GONE_H
#define SEGJ_OVERSIZED_LOST_GONE_H

#include "oversized/section/plan.h"

/** Notes what sections had lost that are removed, and were not repaired before: that it was lost, for nothing of it is
 *  set aside. Before the removal, so that no power cut takes the notice with the section. Where the storage has no room
 *  for that before the removal has made some, it is noted after it; and where there is none then either, the log says
 *  so, and the next notice, or a close, tries again: without sections. Under change. */
SEGJ_UNDER_CHANGE_ALONE void segj_quarantine_note_gone(oversized_t *journal, segj_section_t *const *sections,
                                                       size_t count, segj_removal_stage_t stage);

/** Notes that a section is gone, with all of the records that were synced; a loss that is noted so already is not noted
 *  again. In open. */
SEGJ_MUST_CHECK SEGJ_UNDER_CHANGE_ALONE segj_status_t segj_quarantine_note_missing(oversized_t *journal,
                                                                                   uint64_t section, uint64_t records);

/** Notes those that wait for it (quarantine.gone), of which there are some. Under change, or in open. */
SEGJ_MUST_CHECK SEGJ_UNDER_CHANGE_ALONE segj_status_t segj_gone_note(oversized_t *journal);

#endif
