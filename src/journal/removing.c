/*
 * journal/removing.c: see the header.
 */
#include "journal/removing.h"

#include <errno.h>

segj_status_t segj_removal_begin(segj_shared_t *shared, bool *unknown)
{
    segj_io_file_t file;
    *unknown = false;
    if (shared->removal_marked)
        return SEGJ_OK;
    /* Before a change of a file that is no section's the storage's calls do not ask for the owner. */
    segj_status_t status = segj_owner_check(shared);
    if (status != SEGJ_OK)
        return status;
    status = segj_io_open_named(&file, &shared->values, SEGJ_REMOVING_NAME, SEGJ_OPEN_CREATE, NULL);
    if (status == SEGJ_OK)
        segj_io_close(&file); /* it is no section's, and not among those that max_open_files is about */
    if (status == SEGJ_ERR_NO_SPACE || (status != SEGJ_OK && file.exhausted))
        return SEGJ_OK;
    /* Where it is there, an earlier removal has left it, and need not have made it durable. */
    if (status != SEGJ_OK && !(status == SEGJ_ERR_CORRUPT && segj_last_errno() == EEXIST)) {
        *unknown = segj_last_errno() == ETIMEDOUT; /* it may come to be there later */
        return status;
    }
    status = segj_partition_sync(&shared->values);
    *unknown = status != SEGJ_OK;
    shared->removal_marked = status == SEGJ_OK;
    return status;
}

void segj_removal_end(segj_shared_t *shared)
{
    if (!shared->removal_marked)
        return;
    segj_status_t status = segj_owner_check(shared);
    if (status == SEGJ_OK)
        status = segj_partition_unlink_named(&shared->values, SEGJ_REMOVING_NAME);
    shared->removal_marked = status != SEGJ_OK;
    if (status != SEGJ_OK)
        segj_shared_log(shared, SEGJ_LOG_WARNING, "the mark of a removal stays: %s", segj_last_error());
}
