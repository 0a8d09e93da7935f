/*
 * oversized/section/flusher.c: see the header. A round: the sync asks (FREE to ASKED), the thread flushes without the
 * lock and answers (DONE), the sync takes the answer (FREE). Only the sync that asked takes the answer, so that rounds
 * never mix.
 */
#include "oversized/section/flusher.h"

bool segj_flusher_init(segj_flusher_t *flusher)
{
    if (!segj_mutex_init(&flusher->lock))
        return false;
    if (segj_cond_init(&flusher->asked)) {
        if (segj_cond_init(&flusher->done))
            return true;
        segj_cond_destroy(&flusher->asked);
    }
    segj_mutex_destroy(&flusher->lock);
    return false;
}

void segj_flusher_free(segj_flusher_t *flusher)
{
    segj_lock(&flusher->lock);
    bool runs = flusher->state == SEGJ_FLUSHER_FREE;
    if (runs) {
        flusher->state = SEGJ_FLUSHER_ENDING;
        segj_wake_all(&flusher->asked);
    }
    segj_unlock(&flusher->lock);
    if (runs)
        segj_thread_join(flusher->thread);
    segj_cond_destroy(&flusher->done);
    segj_cond_destroy(&flusher->asked);
    segj_mutex_destroy(&flusher->lock);
}

/* Under the lock, which is given up while the storage works. */
static void flusher_flush(segj_flusher_t *flusher) SEGJ_REQUIRES(flusher->lock);
static void flusher_flush(segj_flusher_t *flusher)
{
    segj_assert_held(&flusher->lock);
    const segj_io_file_t *file = flusher->file;
    segj_unlock(&flusher->lock);
    segj_status_t status = segj_io_sync(file);
    segj_lock(&flusher->lock);
    flusher->status = status;
    if (status != SEGJ_OK)
        segj_keep(&flusher->sentence);
    flusher->state = SEGJ_FLUSHER_DONE;
    segj_wake_all(&flusher->done);
}

static void *flusher_run(void *context)
{
    segj_flusher_t *flusher = context;
    segj_lock(&flusher->lock);
    while (flusher->state != SEGJ_FLUSHER_ENDING) {
        if (flusher->state == SEGJ_FLUSHER_ASKED)
            flusher_flush(flusher);
        else
            segj_wait(&flusher->asked, &flusher->lock);
    }
    segj_unlock(&flusher->lock);
    return NULL;
}

/* False: the thread is at work, or there is none. */
static bool flusher_ask(segj_flusher_t *flusher, const segj_shared_t *shared, const segj_io_file_t *file)
{
    int code = 0;
    segj_lock(&flusher->lock);
    if (flusher->state == SEGJ_FLUSHER_UNMADE) {
        code = segj_thread_start(&flusher->thread, flusher_run, flusher);
        flusher->state = code == 0 ? SEGJ_FLUSHER_FREE : SEGJ_FLUSHER_REFUSED;
    }
    bool taken = flusher->state == SEGJ_FLUSHER_FREE;
    if (taken) {
        flusher->file = file;
        flusher->state = SEGJ_FLUSHER_ASKED;
        segj_wake_all(&flusher->asked);
    }
    segj_unlock(&flusher->lock);
    if (code != 0)
        segj_shared_log(shared, SEGJ_LOG_WARNING,
                        "syncs flush one file after the other: no thread could be made (error %d)", code);
    return taken;
}

static segj_status_t take_answer(segj_flusher_t *flusher, segj_status_t index)
{
    segj_lock(&flusher->lock);
    while (flusher->state != SEGJ_FLUSHER_DONE)
        segj_wait(&flusher->done, &flusher->lock);
    segj_status_t values = flusher->status;
    if (index == SEGJ_OK && values != SEGJ_OK)
        segj_say_again(&flusher->sentence);
    flusher->state = SEGJ_FLUSHER_FREE;
    segj_unlock(&flusher->lock);
    return index != SEGJ_OK ? index : values;
}

segj_status_t segj_flusher_sync(segj_flusher_t *flusher, const segj_shared_t *shared, const segj_io_file_t *index,
                                const segj_io_file_t *values)
{
    bool asked = flusher->on && flusher_ask(flusher, shared, values);
    segj_status_t status = segj_io_sync(index);
    if (asked)
        return take_answer(flusher, status);
    return status == SEGJ_OK ? segj_io_sync(values) : status;
}
