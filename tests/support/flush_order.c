/*
 * support/flush_order.c: see the header.
 */
#include "support/flush_order.h"

#include <errno.h>

#include "oversized/section/journal.h"

static segj_flusher_t *flusher_of(const flush_order_t *order)
{
    oversized_t *journal = order->journal != NULL ? *order->journal : NULL;
    return journal != NULL && journal->flusher.on ? &journal->flusher : NULL;
}

/* Under the flusher's lock. */
static bool is_its_thread(const segj_flusher_t *flusher)
{
    return flusher->state == SEGJ_FLUSHER_ASKED && pthread_equal(flusher->thread, pthread_self()) != 0;
}

void flush_order_before(flush_order_t *order)
{
    segj_flusher_t *flusher = flusher_of(order);
    if (flusher == NULL)
        return;
    segj_lock(&flusher->lock);
    if (is_its_thread(flusher)) {
        while (!order->values_first && !order->index_done)
            segj_wait(&flusher->done, &flusher->lock);
    } else {
        order->beside = flusher->state == SEGJ_FLUSHER_ASKED;
        while (order->values_first && flusher->state == SEGJ_FLUSHER_ASKED)
            segj_wait(&flusher->done, &flusher->lock);
    }
    segj_unlock(&flusher->lock);
}

void flush_order_after(flush_order_t *order, int code)
{
    segj_flusher_t *flusher = flusher_of(order);
    if (flusher == NULL || code == EINTR)
        return;
    segj_lock(&flusher->lock);
    if (is_its_thread(flusher)) {
        order->index_done = false;
    } else if (order->beside && !order->values_first) {
        order->index_done = true;
        segj_wake_all(&flusher->done);
    }
    segj_unlock(&flusher->lock);
}
