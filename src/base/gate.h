/*
 * base/gate.h: a lock for what takes a fraction of a microsecond and is wanted again at once, by many threads. To hand
 * such a lock from thread to thread takes longer than the work that it guards. So in a crowd one thread continues, the
 * others sleep, and the one in front of them comes in when the gate is found open, or in a millisecond or so in any
 * case (DESIGN.md, "The gate").
 *
 * A thread that finds it shut first looks again for some microseconds. Where the system has no words to sleep on, it is
 * a mutex.
 */
#ifndef SEGJ_BASE_GATE_H
#define SEGJ_BASE_GATE_H

#include <stdbool.h>

#include "base/guard.h"

#if defined(__linux__)

#include <stdatomic.h>

typedef struct segj_gate {
    atomic_uint word;   /* whether it is shut, who comes next, how many wait */
    atomic_uint call;   /* 1: one of those that sleep is called, and none has followed yet */
    atomic_uint passed; /* how often it was shut; by the thread that is in */
    atomic_uint called; /* `passed` when the one in front was called */
    atomic_uint crowd;  /* how much more often, of late, it was found shut than open; by the thread that is in */
    unsigned waited;    /* `passed` when a thread last came in that had waited; likewise */
    atomic_uint away;   /* how often a thread has left for long while another one was in front */
    SEGJ_HOLDER
} segj_gate_t;

#else

#include "base/thread.h"

typedef struct segj_gate {
    segj_mutex_t mutex;
    SEGJ_HOLDER
} segj_gate_t;

#endif

/** False: there is no memory for it. */
bool segj_gate_init(segj_gate_t *gate);
void segj_gate_destroy(segj_gate_t *gate);
/* Every gate is the change lock of a journal. */
/** Waits until it is open, and shuts it when the thread is in. The change lock comes before the state lock. */
void segj_gate_enter(segj_gate_t *gate) SEGJ_TAKES(segj_role_change) SEGJ_WITHOUT_STATE;
/** False: a thread is in, or was and is not there any more (in a child of fork). */
bool segj_gate_try(segj_gate_t *gate) SEGJ_TRIES(segj_role_change, true);
/** Opens it. What the thread has done while it was in has happened for whoever enters next. */
void segj_gate_leave(segj_gate_t *gate) SEGJ_GIVES(segj_role_change);
/** Whether a thread sleeps before it, so that it pays to leave for the time of longer work. */
bool segj_gate_is_wanted(const segj_gate_t *gate);
/** Opens it likewise, by a thread that will not come back at once: the one in front need not let it pass. */
void segj_gate_leave_for_long(segj_gate_t *gate) SEGJ_GIVES(segj_role_change);

#endif
