/*
 * journal/files.c: see the header.
 */
#include "journal/files.h"

#include <assert.h>
#include <stddef.h>

/* How many descriptors the system gets back, when it has none left, for others to find some. */
#define SPARE 4
/* The limit falls no lower than this: a writer's two files, and two for readers. */
#define LIMIT_LEAST 4
/* So many openings that went well raise a limit that had fallen by one. */
#define CALM 64

void segj_handle_init(segj_handle_t *handle, const segj_io_partition_t *partition, uint64_t section)
{
    *handle = (segj_handle_t){.file = {.partition = partition, .section = section, .binding = section}};
}

static void files_list_remove(segj_files_t *files, segj_handle_t *handle)
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

static void files_list_add(segj_files_t *files, segj_handle_t *handle)
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
    files_list_remove(files, handle);
    files_list_add(files, handle);
}

/* Closes outside the lock: readers need not wait for the system. */
SEGJ_UNDER_STATE static void close_idle(segj_files_t *files, segj_handle_t *handle)
{
    segj_io_file_t file = handle->file;
    files_list_remove(files, handle);
    handle->file.opened = NULL;
    segj_unlock(files->state);
    segj_io_close(&file);
    segj_lock(files->state);
    files->open--;
    files->closed++;
    segj_wake_all(files->changed);
}

/* Pins are taken under the lock, so a file that has none gets none. */
static segj_handle_t *files_find_idle(const segj_files_t *files)
{
    segj_handle_t *at = files->oldest;
    while (at != NULL && (atomic_load(&at->pins) > 0 || at->opening))
        at = at->newer;
    return at;
}

static uint32_t descriptors(const segj_files_t *files)
{
    return files->open + files->opening;
}

/*
 * Files that are not in use make room below the limit. Below the most that may be open, readers are waited for.
 *
 * A waiter counts itself before it looks for the last time: a reader that releases a file after that look sees it wait.
 */
SEGJ_UNDER_STATE static void await_descriptor(segj_files_t *files)
{
    while (descriptors(files) >= atomic_load_explicit(&files->limit, memory_order_relaxed)) {
        bool full = descriptors(files) >= files->most;
        atomic_fetch_add(&files->waiting, 1);
        segj_handle_t *idle = files_find_idle(files);
        if (idle == NULL && full)
            segj_wait(files->changed, files->state);
        atomic_fetch_sub(&files->waiting, 1);
        if (idle != NULL)
            close_idle(files, idle);
        else if (!full)
            return;
    }
}

/* --- no descriptor left --- */

void segj_files_bound(segj_files_t *files, uint32_t most)
{
    files->most = most;
    files->limit = most;
}

/* What is open is what was possible. A few less leave some to the application. */
static void lower(segj_files_t *files)
{
    uint32_t possible = files->open > LIMIT_LEAST + SPARE ? files->open - SPARE : LIMIT_LEAST;
    if (possible < files->limit)
        files->limit = possible;
    files->calm = 0;
}

/* Others may have closed theirs since. Only an opening finds that out, at the price of one failed call for
 * each of the steps in which the limit had fallen, and a journal that opens none wants no more. */
static void raise_again(segj_files_t *files)
{
    if (files->limit >= files->most || ++files->calm < CALM)
        return;
    files->limit++;
    files->calm = 0;
}

/* Closes one, or as many as are open beyond the limit. Readers, and openings that may yet succeed, are waited for;
 * writers are not waited for, because they keep theirs for as long as they like. */
SEGJ_UNDER_STATE static bool close_some(segj_files_t *files)
{
    uint32_t before = files->closed;
    segj_handle_t *idle;
    while (files->closed == before && (files->open > files->held || files->opening > files->stuck)) {
        atomic_fetch_add(&files->waiting, 1);
        idle = files_find_idle(files);
        if (idle == NULL)
            segj_wait(files->changed, files->state);
        atomic_fetch_sub(&files->waiting, 1);
        if (idle != NULL)
            close_idle(files, idle);
    }
    bool closed = files->closed != before;
    while (closed && files->open > files->limit && (idle = files_find_idle(files)) != NULL)
        close_idle(files, idle);
    return closed;
}

bool segj_files_give_back(void *context)
{
    segj_files_t *files = context;
    segj_lock(files->state);
    files->stuck++;
    lower(files);
    segj_wake_all(files->changed); /* nothing waits for this opening */
    bool closed = close_some(files);
    files->stuck--;
    segj_unlock(files->state);
    return closed;
}

/* --- opening --- */

SEGJ_UNDER_STATE static segj_status_t open_handle(segj_files_t *files, segj_handle_t *handle, segj_open_mode_t mode)
{
    handle->opening = true;
    await_descriptor(files);
    files->opening++;
    segj_unlock(files->state);
    segj_io_file_t file = handle->file;
    segj_status_t status = segj_io_open(&file, file.partition, file.section, mode, NULL);
    segj_lock(files->state);
    files->opening--;
    handle->opening = false;
    handle->file.exhausted = file.exhausted;
    if (status == SEGJ_OK) {
        handle->file.opened = file.opened;
        handle->file.writable = file.writable;
        handle->openings++;
        files->open++;
        files_list_add(files, handle);
        raise_again(files);
    }
    segj_wake_all(files->changed);
    return status;
}

/* Closes a file that was opened for reading, when its last reader has ended. Nothing can pin it until it is open
 * again. */
SEGJ_UNDER_STATE static void close_reader(segj_files_t *files, segj_handle_t *handle)
{
    handle->opening = true;
    atomic_fetch_add(&files->waiting, 1);
    while (atomic_load(&handle->pins) > 0)
        segj_wait(files->changed, files->state);
    atomic_fetch_sub(&files->waiting, 1);
    close_idle(files, handle);
}

SEGJ_UNDER_STATE static segj_status_t pin(segj_files_t *files, segj_handle_t *handle, segj_open_mode_t mode)
{
    while (handle->opening)
        segj_wait(files->changed, files->state);
    if (handle->file.opened != NULL && mode != SEGJ_OPEN_READ && !handle->file.writable)
        close_reader(files, handle);
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
    segj_assert_held(files->state);
    return pin(files, handle, SEGJ_OPEN_READ);
}

segj_status_t segj_files_pin_once_more(segj_files_t *files, segj_handle_t *handle)
{
    segj_assert_held(files->state);
    if (!handle->opening || handle->file.opened == NULL)
        return segj_files_pin(files, handle);
    atomic_fetch_add(&handle->pins, 1); /* the writer still waits */
    return SEGJ_OK;
}

SEGJ_UNDER_STATE static segj_status_t files_hold(segj_files_t *files, segj_handle_t *handle, segj_open_mode_t mode)
{
    assert(!handle->held);
    segj_status_t status = pin(files, handle, mode);
    if (status != SEGJ_OK)
        return status;
    handle->held = true;
    files->held++;
    return SEGJ_OK;
}

segj_status_t segj_files_pin_for_write(segj_files_t *files, segj_handle_t *handle)
{
    segj_assert_held(files->state);
    return files_hold(files, handle, SEGJ_OPEN_WRITE);
}

segj_status_t segj_files_create(segj_files_t *files, segj_handle_t *handle)
{
    segj_assert_held(files->state);
    return files_hold(files, handle, SEGJ_OPEN_CREATE);
}

void segj_files_unpin_for_write(segj_files_t *files, segj_handle_t *handle)
{
    segj_assert_held(files->state);
    if (handle->held) {
        handle->held = false;
        files->held--;
    }
    segj_files_unpin(files, handle);
}

void segj_files_take_over(segj_files_t *files, segj_handle_t *handle, segj_io_file_t *file)
{
    segj_assert_held(files->state);
    assert(handle->file.opened == NULL && descriptors(files) < files->most);
    handle->file.opened = file->opened;
    handle->file.writable = file->writable;
    handle->openings++;
    file->opened = NULL;
    files->open++;
    files_list_add(files, handle);
}

void segj_files_unpin(segj_files_t *files, segj_handle_t *handle)
{
    segj_assert_held(files->state);
    unsigned pins = atomic_fetch_sub(&handle->pins, 1);
    assert(pins > 0);
    if (pins > 1)
        return;
    make_newest(files, handle);
    segj_wake_all(files->changed);
}

void segj_files_unpin_unlocked(segj_files_t *files, segj_handle_t *handle)
{
    unsigned pins = atomic_fetch_sub(&handle->pins, 1);
    assert(pins > 0);
    if (pins > 1 || atomic_load(&files->waiting) == 0)
        return;
    segj_lock(files->state);
    segj_wake_all(files->changed);
    segj_unlock(files->state);
}

void segj_files_reserve(segj_files_t *files, uint32_t count)
{
    segj_assert_held(files->state);
    for (uint32_t i = 0; i < count; i++) {
        await_descriptor(files);
        files->open++;
        files->held++;
    }
}

void segj_files_give_up_reserve(segj_files_t *files, uint32_t count)
{
    files->open -= count;
    files->held -= count;
    segj_wake_all(files->changed);
}

void segj_files_forget(segj_files_t *files, segj_handle_t *handle)
{
    segj_assert_held(files->state);
    assert(atomic_load(&handle->pins) == 0 && !handle->opening);
    if (handle->file.opened != NULL)
        close_idle(files, handle);
}
