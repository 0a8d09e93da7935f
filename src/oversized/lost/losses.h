/*
 * oversized/lost/losses.h: the losses that a quarantine knows of. A change of them counts when a catalogue is committed
 * (lost/catalogue.h). Under the change lock, or in open.
 */
#ifndef SEGJ_OVERSIZED_LOST_LOSSES_H
#define SEGJ_OVERSIZED_LOST_LOSSES_H

#include "oversized/section/plan.h"

/** How far `size` goes beyond `from`. */
static inline uint64_t segj_loss_excess(uint64_t size, uint64_t from)
{
    return size > from ? size - from : 0;
}

/** What the repair will cut: from the page on that it shortens or takes away, and from the end of the values that
 *  stay. */
segj_loss_t segj_loss_of(const oversized_t *journal, const segj_recovery_plan_t *plan);
/** Whether a loss that was noted, and is not acknowledged, is of the very same bytes. */
bool segj_loss_alike(const segj_loss_t *noted, const segj_loss_t *loss);

/** Makes the partition and its name durable, and the catalogue that was found, and removes what that does not list.
 *  Before the losses change. */
SEGJ_MUST_CHECK SEGJ_UNDER_CHANGE_ALONE segj_status_t segj_losses_begin(oversized_t *journal);
/** Adds a loss, whose ordinal is above those that are there. */
SEGJ_MUST_CHECK SEGJ_UNDER_CHANGE_ALONE segj_status_t segj_losses_add(segj_quarantine_t *quarantine,
                                                                      const segj_loss_t *loss);
/** Takes one out of the list; its items stay. */
SEGJ_UNDER_CHANGE_ALONE void segj_losses_forget(segj_quarantine_t *quarantine, size_t at);
/** Gives up the oldest that was acknowledged, with its items; false where there is none. */
SEGJ_UNDER_CHANGE_ALONE bool segj_losses_drop_oldest(segj_quarantine_t *quarantine, segj_status_t *status);
/** Takes back, with their items, those with the ordinal `first` and later ones. Keeps the thread's sentence. */
SEGJ_UNDER_CHANGE_ALONE void segj_losses_roll_back(segj_quarantine_t *quarantine, uint32_t first);
/** Bytes that are set aside. */
uint64_t segj_losses_held(const segj_quarantine_t *quarantine);

#endif
