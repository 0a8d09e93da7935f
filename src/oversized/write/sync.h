/*
 * oversized/write/sync.h: what a sync of a section shares with a flush, and with a sync of several.
 */
#ifndef SEGJ_OVERSIZED_WRITE_SYNC_H
#define SEGJ_OVERSIZED_WRITE_SYNC_H

#include "oversized/section/durable.h"

/** Finds the section to sync, with a reference that the caller gives back in any case; NULL: there is none, and nothing
 *  to do. Under change, and not under state. */
SEGJ_UNDER_CHANGE_ALONE segj_status_t segj_section_to_sync(oversized_t *journal, uint64_t number,
                                                           segj_section_t **section);

/** Syncs a section: what `ticket` says, or (NULL) all that it holds. Without locks, within segj_journal_enter. */
SEGJ_WITHOUT_LOCKS segj_status_t segj_sync_section(oversized_t *journal, uint64_t number,
                                                   const oversized_ticket_t *ticket);
/** Hands its values to the storage, which begins to write them back. Likewise. */
SEGJ_WITHOUT_LOCKS segj_status_t segj_sync_start(oversized_t *journal, uint64_t number, oversized_ticket_t *ticket);

#endif
