/*
 * journal/hold.c: see the header.
 */
#include "journal/hold.h"

#include <errno.h>

#include "journal/shared.h"

/* Without it the other program is not kept out. What it does is noticed by the lengths of files. */
static segj_status_t go_without(const segj_shared_t *shared)
{
    segj_shared_log(shared, SEGJ_LOG_WARNING, "commonware-storage 2026.9.0 and later are not kept out: %s",
                    segj_last_error());
    return SEGJ_OK;
}

segj_status_t segj_hold_take(segj_shared_t *shared, bool read_only)
{
    segj_hold_t *hold = &shared->hold;
    bool marked = false;
    if (shared->format == SEGJ_FORMAT_NATIVE || hold->held != NULL)
        return SEGJ_OK;
    segj_status_t status =
        segj_directory_hold(&shared->index, SEGJ_HOLD_NAME, SEGJ_HOLD_MARK, !read_only, &marked, &hold->held);
    hold->foreign = hold->held != NULL && !marked;
    if (status == SEGJ_ERR_LOCKED)
        segj_say_after(
            ": a program that uses commonware-storage 2026.9.0 or later has this directory, and keeps others "
            "out while it runs");
    int code = status == SEGJ_ERR_IO ? segj_last_errno() : 0;
    if (code == ELOOP)
        segj_say_after(
            ": it is a link, to where commonware-storage would lock another file; links are not followed here");
    bool wanted = status != SEGJ_ERR_IO || code == EMFILE || code == ENFILE || code == ELOOP;
    return wanted ? status : go_without(shared);
}

void segj_hold_release(segj_shared_t *shared)
{
    if (shared->hold.held != NULL)
        shared->index.storage->directory_release(shared->hold.held);
    shared->hold.held = NULL;
}
