/*
 * support/flush_order.h: the two flushes of a sync (oversized_config_t.parallel_flush) one after the other, in an order
 * that a test has chosen, so that it meets the same calls each time. A storage asks before each of its file syncs, and
 * says when it is through; calls other than the two pass. For journals that one thread changes.
 */
#ifndef SUPPORT_FLUSH_ORDER_H
#define SUPPORT_FLUSH_ORDER_H

#include <stdbool.h>

#include "segjournal/oversized.h"

typedef struct flush_order {
    oversized_t *const *journal; /* NULL, or points to NULL: there is none */
    bool values_first;           /* else the index */
    bool beside, index_done;     /* its own: a sync of the index has the journal's thread beside it; and is through */
} flush_order_t;

/** Waits until it is this thread's turn. */
void flush_order_before(flush_order_t *order);
/** What the sync answered; EINTR: it is made again. */
void flush_order_after(flush_order_t *order, int code);

#endif
