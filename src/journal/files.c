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

static void list_remove(segj_files_t *files, segj_handle_t *handle)
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

static void list_add(segj_files_t *files, segj_handle_t *handle)
{
    handle->older = files->newest;
    if (files->newest != NULL)
        files->newest->newer = handle;
    else
        files->oldest = handle;
    files->newest = handle;
}

static void make_newest(segj_files_t *files, segj_handle_t *handle)
{
    if (files->newest == handle)
        return;
    list_remove(files, handle);
    list_add(files, handle);
}

/* Closes outside the lock: readers need not wait for the system. */
static void close_idle(segj_files_t *files, segj_handle_t *handle)
{
    segj_io_file_t file = handle->file;
    list_remove(files, handle);
    handle->file.opened = NULL;
    segj_unlock(files->state);
    segj_io_close(&file);
    segj_lock(files->state);
    files->open--;
    segj_wake_all(files->changed);
}

/* Pins are taken under the lock, so a file that has none gets none meanwhile. */
static segj_handle_t *find_idle(const segj_files_t *files)
{
    segj_handle_t *at = files->oldest;
    while (at != NULL && atomic_load(&at->pins) > 0)
        at = at->newer;
    return at;
}

/* Who waits says so before it looks for the last time: whoever lets a file go after that look sees that it waits. */
static void await_descriptor(segj_files_t *files)
{
    while (files->open >= files->limit) {
        atomic_fetch_add(&files->waiting, 1);
        segj_handle_t *idle = find_idle(files);
        if (idle == NULL)
            segj_wait(files->changed, files->state);
        atomic_fetch_sub(&files->waiting, 1);
        if (idle != NULL)
            close_idle(files, idle);
    }
}

static segj_status_t open_handle(segj_files_t *files, segj_handle_t *handle, segj_open_mode_t mode)
{
    handle->opening = true;
    await_descriptor(files);
    files->open++;
    segj_unlock(files->state);
    segj_io_file_t file = handle->file;
    segj_status_t status = segj_io_open(&file, file.part, file.section, mode, NULL);
    segj_lock(files->state);
    handle->opening = false;
    if (status == SEGJ_OK) {
        handle->file.opened = file.opened;
        list_add(files, handle);
    } else {
        files->open--;
    }
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
    } else {
        make_newest(files, handle);
    }
    atomic_fetch_add(&handle->pins, 1);
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

void segj_files_adopt(segj_files_t *files, segj_handle_t *handle, segj_io_file_t *file)
{
    assert(handle->file.opened == NULL && files->open < files->limit);
    handle->file.opened = file->opened;
    file->opened = NULL;
    files->open++;
    list_add(files, handle);
}

void segj_files_unpin(segj_files_t *files, segj_handle_t *handle)
{
    unsigned pins = atomic_fetch_sub(&handle->pins, 1);
    assert(pins > 0);
    if (pins > 1)
        return;
    make_newest(files, handle);
    segj_wake_all(files->changed);
}

void segj_files_let_go(segj_files_t *files, segj_handle_t *handle)
{
    unsigned pins = atomic_fetch_sub(&handle->pins, 1);
    assert(pins > 0);
    if (pins > 1 || atomic_load(&files->waiting) == 0)
        return;
    segj_lock(files->state);
    segj_wake_all(files->changed);
    segj_unlock(files->state);
}

void segj_files_lend(segj_files_t *files, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        await_descriptor(files);
        files->open++;
    }
}

void segj_files_take_back(segj_files_t *files, uint32_t count)
{
    files->open -= count;
    segj_wake_all(files->changed);
}

void segj_files_forget(segj_files_t *files, segj_handle_t *handle)
{
    assert(atomic_load(&handle->pins) == 0 && !handle->opening);
    if (handle->file.opened != NULL)
        close_idle(files, handle);
}
