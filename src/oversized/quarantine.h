/*
 * oversized/quarantine.h: what open sets aside before it cuts records that were synced, and the notice of it
 * (FORMAT.md, "Quarantine"). It lies in a partition of its own, beside the other two, which is made when something is
 * lost. The native format alone.
 *
 * Order: items are written and synced, and their names; then the catalogue that lists them, and its name; then comes
 * the first cut. So a catalogue lists whole items; items that it does not list are the rest of an open that was cut
 * off, and go.
 */
#ifndef SEGJ_OVERSIZED_QUARANTINE_H
#define SEGJ_OVERSIZED_QUARANTINE_H

#include "oversized/recover.h"

/** Opens the quarantine, if there is one, and reads its catalogue. Writes nothing. */
SEGJ_MUST_CHECK segj_status_t segj_quarantine_open(oversized_t *journal, const oversized_config_t *config);

/**
 * Sets aside, durably, what the repairs of these plans will cut of sections that have lost records, and notes the
 * losses. plan->noted says for which that was done: where the storage has no room it stays false, and the section is
 * not to be cut. Under the change lock, or in open.
 */
SEGJ_MUST_CHECK segj_status_t segj_quarantine_keep(segj_scan_t *scan, segj_plan_t *plans, size_t count);

/** Fills the report's part, and says in the log what was lost and is not acknowledged. */
void segj_quarantine_report(oversized_t *journal);

#endif
