/*
 * crash/trace.h: watches the calls that a journal makes of its storage, and holds each against the rules of their
 * order. A crash shows that a state is wrong; that a sync was missing where nothing happened to need it only the calls
 * show.
 *
 *   header      no byte of data is written to a file before a sync has covered its header;
 *   cut         an index file is cut when both slots hold the same watermark, synced; a values file, when its index is cut
 *               and synced as well, and speaks of nothing that goes; a file that was cut is synced before it is written to or cut again;
 *   shrink      a page's slot is changed by itself: what came before is synced, and it is synced before what follows;
 *   page        bytes that no sync has covered are not written again, but with the same bytes; so a page under sync is not
 *               written;
 *   mark        when both slots change, a sync follows before anything else is done to the file;
 *   removal     files of one partition are removed, then the partition is synced, before anything else is changed; values
 *               go when their index is durably gone; partitions, when all their files are;
 *   close       no file is closed with bytes that no sync has covered, but those of a watermark slot;
 *   open        names are synced (both partitions; and the directory, where no section has a watermark) before the first
 *               change;
 *   again       where open syncs an index, it has written its watermark slots again and, where it has no watermark, its
 *               header.
 *
 * In version 2 the values file is the log, and the index is not needed for a sync:
 *
 *   header, page (of the values), removal, close (of the values), open   as above;
 *   raise       a slot gets more than the slots had only when a sync has covered the values up to there, and the pages;
 *   cut         a values file is cut when the newest slot speaks of nothing that goes, synced; it is synced before it is
 *               written to or cut again, before a slot changes, and before the index is cut;
 *   mark        when both slots change, a sync follows before anything else is done to the file.
 *
 * Rules of what a call has left when it returns are asked for by trace_returned().
 */
#ifndef CRASH_TRACE_H
#define CRASH_TRACE_H

#include "support/recorder.h"
#include "support/simdisk.h"

typedef struct trace trace_t;

/** `log`: of version 2. */
trace_t *trace_new(simdisk_t *disk, uint16_t page_size, bool log);
void trace_free(trace_t *trace);
const segj_storage_t *trace_storage(const trace_t *trace);

/** A call of open, or of close, comes. */
void trace_open(trace_t *trace);
void trace_close(trace_t *trace);
/** The process is killed: what is closed now has no rules to keep. */
void trace_killed(trace_t *trace);

typedef enum trace_call {
    TRACE_APPEND, /* removals are durable */
    TRACE_SYNC, /* and everything in the section's files but the watermark, with their names (version 2: in the values) */
    TRACE_SYNC_ALL /* and in all files: the same behind open; behind close, with watermarks that it has raised */
} trace_call_t;

/** A call has returned; `section` counts for TRACE_SYNC. */
void trace_returned(trace_t *trace, trace_call_t call, uint64_t section);

/** Called when a file of the index is about to be synced; it may use the journal. NULL ends it. */
void trace_during_sync(trace_t *trace, void (*during)(void *context), void *context);

/** Calls so far; what was wrong first, or NULL. */
uint64_t trace_calls(const trace_t *trace);
const char *trace_wrong(trace_t *trace);

#endif
