/*
 * oversized/lost/quarantine.h: the partition in which losses of synced records are noted, with what was set aside of
 * them (FORMAT.md, "Quarantine"). It lies beside the other two, and is made when something is lost.
 */
#ifndef SEGJ_OVERSIZED_LOST_QUARANTINE_H
#define SEGJ_OVERSIZED_LOST_QUARANTINE_H

#include "oversized/section/journal.h"

/** Opens the quarantine, if there is one, and reads its catalogue. Writes nothing. */
SEGJ_MUST_CHECK segj_status_t segj_quarantine_open(oversized_t *journal, const oversized_config_t *config);

/** Fills the report's part, and says in the log what was lost and is not acknowledged. */
void segj_quarantine_report(oversized_t *journal);

/** Finds what segj_quarantine_remove will remove: for that memory is wanted, and must be there before anything goes. */
SEGJ_MUST_CHECK segj_status_t segj_quarantine_look(oversized_t *journal);
/** Removes the quarantine, durably but for its partition's name. */
SEGJ_MUST_CHECK segj_status_t segj_quarantine_remove(oversized_t *journal);
void segj_quarantine_free(oversized_t *journal);

#endif
