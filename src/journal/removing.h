/*
 * journal/removing.h: a file in the values partition that is there while sections of version 2 are being removed
 * (FORMAT.md, "The mark of a removal"). Values without an index file are the rest of a removal where it is there;
 * where it is not, the index file was lost, and is made again from the values.
 */
#ifndef SEGJ_JOURNAL_REMOVING_H
#define SEGJ_JOURNAL_REMOVING_H

#include "journal/shared.h"

/** Makes the mark, durably, before the first index file goes. Where the storage has no room for it, or the system no
 *  descriptor, there is none, which is no failure. *unknown: a sync has failed, and nothing is known. Of removals one
 *  is under way at a time. */
SEGJ_MUST_CHECK segj_status_t segj_removal_begin(segj_shared_t *shared, bool *unknown);

/** Takes the mark away, when the last values file is durably gone. It may come back in a power cut, and mean
 *  nothing. */
void segj_removal_end(segj_shared_t *shared);

#endif
