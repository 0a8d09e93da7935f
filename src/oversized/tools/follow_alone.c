/*
 * oversized/tools/follow_alone.c: values of version 2 without an index file: a section whose index file is missing, which
 * is followed, or the rest of a removal, which is not (follow.h).
 */
#include <errno.h>

#include "oversized/tools/follow.h"

/* What removes sections of version 2 leaves a mark from before the first index file goes until the last values file has
 * gone (journal/removing.h). So values that have their name after a look has found no mark belong to no section whose
 * index file a removal had taken before that. */
segj_status_t segj_follow_alone(const oversized_follower_t *follower, const segj_io_file_t *values, bool *alone)
{
    segj_io_file_t mark = {.opened = NULL};
    bool missing = false;
    *alone = false;
    if (!SEGJ_STORAGE_HAS(&follower->journal->storage, file_refresh))
        return SEGJ_OK;
    segj_status_t status =
        segj_io_open_named(&mark, &follower->journal->shared.values, SEGJ_REMOVING_NAME, SEGJ_OPEN_READ, &missing);
    segj_io_close(&mark);
    if (status != SEGJ_OK || !missing)
        return status;
    status = segj_io_refresh(values, false);
    *alone = status == SEGJ_OK;
    return status == SEGJ_ERR_IO && segj_last_errno() == ESTALE ? SEGJ_OK : status;
}
