/*
 * oversized/lost/items.h: the files of a quarantine that hold what was set aside (FORMAT.md, "Quarantine"). Under the
 * change lock, or in open.
 */
#ifndef SEGJ_OVERSIZED_LOST_ITEMS_H
#define SEGJ_OVERSIZED_LOST_ITEMS_H

#include "oversized/section/journal.h"

/** Names that a listing has found; the caller frees `names`. */
typedef struct segj_items_found {
    char (*names)[SEGJ_ITEM_NAME];
    size_t count, capacity;
    bool failed; /* there was no memory */
} segj_items_found_t;

/** The name of a loss's item: what is set aside of the section's values file, or of its index file. */
void segj_item_name(const segj_loss_t *loss, bool values, char name[SEGJ_ITEM_NAME]);

/** Removes both items of a loss. */
SEGJ_MUST_CHECK segj_status_t segj_items_unlink(const segj_quarantine_t *quarantine, const segj_loss_t *loss);

/** Finds items and catalogues; what has other names is not the quarantine's. */
SEGJ_MUST_CHECK segj_status_t segj_items_list(const segj_quarantine_t *quarantine, segj_items_found_t *found);

/** Removes the items that no catalogue lists, and continues after every ordinal that was used. */
SEGJ_MUST_CHECK SEGJ_UNDER_CHANGE_ALONE segj_status_t segj_items_clean(segj_quarantine_t *quarantine);

#endif
