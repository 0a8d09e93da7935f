/*
 * oversized/lost/catalogue.h: what a quarantine's catalogues say of losses (FORMAT.md, "Quarantine"). Under the change
 * lock, or in open.
 */
#ifndef SEGJ_OVERSIZED_LOST_CATALOGUE_H
#define SEGJ_OVERSIZED_LOST_CATALOGUE_H

#include "oversized/section/journal.h"

/** Whether a file of the quarantine is one of them, by its name. */
bool segj_catalogue_is(const char *name);

/** Reads both; the newer one that is whole counts. Writes nothing. */
SEGJ_MUST_CHECK segj_status_t segj_catalogue_load(segj_quarantine_t *quarantine);

/** Has the catalogue that was found be durable; before the losses change. */
SEGJ_MUST_CHECK SEGJ_UNDER_CHANGE_ALONE segj_status_t segj_catalogue_make_durable(segj_quarantine_t *quarantine);

/** Writes the losses as they are now, durably. */
SEGJ_MUST_CHECK SEGJ_UNDER_CHANGE_ALONE segj_status_t segj_catalogue_commit(segj_quarantine_t *quarantine);

#endif
