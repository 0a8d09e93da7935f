/*
 * journal/files.c: see the header.
 */
#include "journal/files.h"

#include <assert.h>
#include <stddef.h>

void segj_handle_init(segj_handle_t *handle, const segj_part_t *part, uint64_t section)
{
    *handle = (segj_handle_t){.file = {.part = part, .section = section}};
}

static void unlink_idle(segj_files_t *files, segj_handle_t *handle)
{
    if (handle->older != NULL)
        handle->older->newer = handle->newer;
    else
        files->oldest = handle->newer;
    if (handle->newer != NULL)
        handle->newer->older = handle->older;
    else
        files->newest = handle->older;
    handle->older = handle->newer = NULL;
}

/* Closes outside the lock: readers need not wait for the system. */
static void close_idle(segj_files_t *files, segj_handle_t *handle)
{
    segj_io_file_t file = handle->file;
    unlink_idle(files, handle);
    handle->file.opened = NULL;
    segj_unlock(files->state);
    segj_io_close(&file);
    segj_lock(files->state);
    files->open--;
    segj_wake_all(files->changed);
}

static segj_status_t open_handle(segj_files_t *files, segj_handle_t *handle, segj_open_mode_t mode)
{
    handle->opening = true;
    while (files->open >= files->limit) {
        if (files->oldest != NULL)
            close_idle(files, files->oldest);
        else
            segj_wait(files->changed, files->state);
    }
    files->open++;
    segj_unlock(files->state);
    segj_io_file_t file = handle->file;
    segj_status_t status = segj_io_open(&file, file.part, file.section, mode, NULL);
    segj_lock(files->state);
    handle->opening = false;
    if (status == SEGJ_OK)
        handle->file.opened = file.opened;
    else
        files->open--;
    segj_wake_all(files->changed);
    return status;
}

static segj_status_t pin(segj_files_t *files, segj_handle_t *handle, segj_open_mode_t mode)
{
    while (handle->opening)
        segj_wait(files->changed, files->state);
    if (handle->file.opened == NULL) {
        segj_status_t status = open_handle(files, handle, mode);
        if (status != SEGJ_OK)
            return status;
    } else if (handle->pins == 0) {
        unlink_idle(files, handle);
    }
    handle->pins++;
    return SEGJ_OK;
}

segj_status_t segj_files_pin(segj_files_t *files, segj_handle_t *handle)
{
    return pin(files, handle, files->mode);
}

segj_status_t segj_files_create(segj_files_t *files, segj_handle_t *handle)
{
    return pin(files, handle, SEGJ_OPEN_CREATE);
}

void segj_files_unpin(segj_files_t *files, segj_handle_t *handle)
{
    assert(handle->pins > 0);
    if (--handle->pins > 0)
        return;
    handle->older = files->newest;
    if (files->newest != NULL)
        files->newest->newer = handle;
    else
        files->oldest = handle;
    files->newest = handle;
    segj_wake_all(files->changed);
}

void segj_files_forget(segj_files_t *files, segj_handle_t *handle)
{
    assert(handle->pins == 0 && !handle->opening);
    if (handle->file.opened != NULL)
        close_idle(files, handle);
}
