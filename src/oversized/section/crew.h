/*
 * oversized/section/crew.h: more cores for one append (compression_threads). It has two means. Each is used by one
 * append at a time, and an append that finds it taken compresses without it.
 *
 * - Rounds: the values of a batch are compressed by the thread that appends and threads of the journal's own, which are
 *   made by the first batch that is large enough.
 * - The wide context: zstd's own threads share one large value. It is made by the first such value.
 */
#ifndef SEGJ_OVERSIZED_SECTION_CREW_H
#define SEGJ_OVERSIZED_SECTION_CREW_H

#include <stdatomic.h>
#include <stddef.h>
#include <zstd.h>

#include "base/error.h"
#include "base/thread.h"
#include "journal/shared.h"

/** The most of config.compression_threads. */
#define SEGJ_CREW_MOST 64
/** From so many bytes on, a batch is worth waking threads for: some tenths of a millisecond of work. */
#define SEGJ_CREW_BATCH_LEAST ((size_t)64 << 10)
/** From so many bytes on, a value is shared: zstd cuts it into pieces of 1 MiB or more, because smaller ones compress
 *  worse. */
#define SEGJ_CREW_VALUE_LEAST ((size_t)2 << 20)

/** Work in steps that depend on nothing of each other. `context` is the thread's own, and NULL where a thread has none
 *  yet: the step makes it. */
typedef struct segj_round {
    segj_status_t (*step)(struct segj_round *round, ZSTD_CCtx **context, size_t number);
    size_t count;         /* of steps */
    atomic_size_t next;   /* to be taken */
    atomic_bool failed;   /* no step is taken any more */
    segj_status_t status; /* of a step that failed, and its sentence: under the crew's lock */
    segj_sentence_t sentence;
} segj_round_t;

typedef struct segj_crew {
    const segj_shared_t *shared;
    unsigned most; /* threads that compress one append, the appending one among them; nothing is used below 2 */
    segj_mutex_t lock;
    segj_cond_t asked;   /* there is a round, or the end: threads wait for it */
    segj_cond_t done;    /* no thread is at work: the one that began the round waits for it */
    segj_round_t *round; /* under the lock, as all that follows; NULL: there is none that could be joined */
    unsigned long rounds;
    unsigned at_work;
    bool busy;   /* a round is under way */
    bool ending; /* threads are asked to end */
    bool tried;  /* threads have been made, as many as could be */
    unsigned made;
    segj_thread_t threads[SEGJ_CREW_MOST - 1];
    bool wide_taken, wide_refused;
    ZSTD_CCtx *wide;
} segj_crew_t;

/** False: no memory, and nothing to free. */
bool segj_crew_init(segj_crew_t *crew, const segj_shared_t *shared);
/** Ends the threads, if there are any. No append is under way. */
void segj_crew_free(segj_crew_t *crew);

/** Does all steps of a round, in any order, by this thread and the others; *done: false where others are at one, and
 *  nothing has happened. When it returns no thread is at work on the round. The status is that of a step that
 *  failed. */
SEGJ_MUST_CHECK segj_status_t segj_crew_run(segj_crew_t *crew, segj_round_t *round, ZSTD_CCtx **context, bool *done);

/** Reserves the wide context for one value of `size` bytes (OVERSIZED_SIZE_UNKNOWN: unknown) and nothing else; NULL:
 *  the value is too small, or there is none to be had. Its threads begin within calls of zstd, see below. */
ZSTD_CCtx *segj_crew_reserve_wide(segj_crew_t *crew, uint64_t size);
void segj_crew_release_wide(segj_crew_t *crew);

#endif
