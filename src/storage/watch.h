/*
 * storage/watch.h: waiting for others to change the files of two partitions. Where the system does not tell of changes,
 * or not of all, a wait is a short pause, after which one looks.
 */
#ifndef SEGJ_STORAGE_WATCH_H
#define SEGJ_STORAGE_WATCH_H

#include "storage/io.h"

typedef struct segj_watch segj_watch_t;

/** How a wait has ended. */
typedef enum segj_watched { SEGJ_WATCH_LOOK, SEGJ_WATCH_OVER, SEGJ_WATCH_INTERRUPTED } segj_watched_t;

/** Told of a name that was made, changed or removed. NULL: of any. */
typedef void (*segj_watch_visit_t)(void *context, const char *name);

/** Begins. What changes from here on is told. */
SEGJ_MUST_CHECK segj_status_t segj_watch_open(segj_watch_t **watch);
/** Watches two open partitions instead of those of before; where that cannot be, waits are pauses. */
void segj_watch_begin(segj_watch_t *watch, const segj_io_partition_t *one, const segj_io_partition_t *other);
/** Watches nothing: waits are pauses. */
void segj_watch_end(segj_watch_t *watch);
/** Tells what has changed since the last time, without waiting. Where nothing tells, it is anything. */
void segj_watch_take(segj_watch_t *watch, segj_watch_visit_t visit, void *context);
/** Waits. UINT32_MAX: without an end. */
segj_watched_t segj_watch_wait(segj_watch_t *watch, uint32_t milliseconds);
/** Ends the wait, or the next one. Any thread, and handlers of signals. */
void segj_watch_interrupt(segj_watch_t *watch);
void segj_watch_close(segj_watch_t *watch); /**< NULL is fine */

#endif
