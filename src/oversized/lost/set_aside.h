/*
 * oversized/lost/set_aside.h: what open sets aside before it cuts records that were synced (FORMAT.md, "Quarantine").
 *
 * Order: items are written and synced, and their names; then the catalogue that lists them, and its name; then comes
 * the first cut. So a catalogue lists whole items; items that it does not list are the rest of an open that was cut
 * off, and go.
 */
#ifndef SEGJ_OVERSIZED_LOST_SET_ASIDE_H
#define SEGJ_OVERSIZED_LOST_SET_ASIDE_H

#include "oversized/section/plan.h"

/**
 * Sets aside, durably, what the repairs of these plans will cut of sections that have lost records, and notes the
 * losses. plan->noted says for which that was done: where the storage has no room it stays false, and the section is
 * not to be cut. Under the change lock, or in open.
 */
SEGJ_MUST_CHECK SEGJ_UNDER_CHANGE_ALONE segj_status_t segj_quarantine_keep(oversized_t *journal,
                                                                           segj_recovery_plan_t *plans, size_t count);

#endif
