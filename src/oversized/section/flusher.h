/*
 * oversized/section/flusher.h: makes the two files of a section durable, at the same time where the configuration asks
 * for it (parallel_flush): the index by the thread that syncs, the values by one of the journal's own. That thread is
 * made by the first sync that needs it, and works for one sync at a time; a sync that finds it at work flushes one file
 * after the other.
 */
#ifndef SEGJ_OVERSIZED_SECTION_FLUSHER_H
#define SEGJ_OVERSIZED_SECTION_FLUSHER_H

#include "base/thread.h"
#include "journal/shared.h"

typedef enum segj_flusher_state {
    SEGJ_FLUSHER_UNMADE, /* there is no thread yet */
    SEGJ_FLUSHER_FREE,   /* it waits for a file */
    SEGJ_FLUSHER_ASKED,  /* it has one */
    SEGJ_FLUSHER_DONE,   /* it is through with that, and its sync has not seen so yet */
    SEGJ_FLUSHER_ENDING, /* it is asked to end */
    SEGJ_FLUSHER_REFUSED /* it could not be made */
} segj_flusher_state_t;

typedef struct segj_flusher {
    bool on; /* the configuration's; nothing below is used without */
    segj_mutex_t lock;
    segj_cond_t asked;          /* ASKED or ENDING: the thread waits for it */
    segj_cond_t done;           /* DONE: a sync waits for it */
    segj_flusher_state_t state; /* under the lock, as all that follows */
    segj_thread_t thread;
    const segj_io_file_t *file; /* to be flushed; the sync that asked keeps it open */
    segj_status_t status;       /* what came of it */
    segj_sentence_t sentence;   /* and its sentence, which is the thread's own until it is handed over */
} segj_flusher_t;

/** False: no memory, and nothing to free. */
bool segj_flusher_init(segj_flusher_t *flusher);

/** Ends the thread, if there is one. No sync is under way. */
void segj_flusher_free(segj_flusher_t *flusher);

/** Syncs both files. Whatever comes of one, neither is being flushed any more when this returns; where both fail, the
 *  answer and the sentence are the index's. */
SEGJ_MUST_CHECK segj_status_t segj_flusher_sync(segj_flusher_t *flusher, const segj_shared_t *shared,
                                                const segj_io_file_t *index, const segj_io_file_t *values);

#endif
