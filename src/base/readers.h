/*
 * base/readers.h: readers that take no lock, and how a change of what they look at keeps them out.
 *
 * A reader counts itself in one of several counters, each in cache lines of its own, so that readers do not slow each
 * other down. The single writer sets `blocked` and waits until every counter is
 * zero. (Hsieh and Weihl, Scalable reader-writer locks for parallel systems, 1992; Linux had it as its "big reader
 * lock".) What a reader does inside takes no lock, does not wait, and ends soon.
 */
#ifndef SEGJ_BASE_READERS_H
#define SEGJ_BASE_READERS_H

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEGJ_READERS_COUNTERS 16
/* Two lines: some processors fetch them in pairs. */
#define SEGJ_READERS_APART 128

typedef struct segj_readers_counter {
    atomic_uint inside;
    char apart[SEGJ_READERS_APART - sizeof(atomic_uint)];
} segj_readers_counter_t;

typedef struct segj_readers {
    segj_readers_counter_t counters[SEGJ_READERS_COUNTERS];
    atomic_bool blocked;
} segj_readers_t;

/** Goes in; gives the counter to leave by. NULL: readers are blocked, take the lock. */
static inline atomic_uint *segj_readers_enter(segj_readers_t *readers)
{
    /* Each thread has an errno of its own: its place tells threads apart (Fibonacci hashing, as in sections.c). */
    uint64_t thread = (uint64_t)(uintptr_t)&errno * UINT64_C(0x9E3779B97F4A7C15);
    atomic_uint *inside = &readers->counters[(thread >> 32) % SEGJ_READERS_COUNTERS].inside;
    atomic_fetch_add(inside, 1);
    if (!atomic_load(&readers->blocked))
        return inside;
    atomic_fetch_sub(inside, 1);
    return NULL;
}

static inline void segj_readers_leave(atomic_uint *inside)
{
    atomic_fetch_sub_explicit(inside, 1, memory_order_release);
}

/** One thread at a time. After it no reader is inside, and none comes in. */
static inline void segj_readers_block(segj_readers_t *readers)
{
    atomic_store(&readers->blocked, true);
    for (unsigned i = 0; i < SEGJ_READERS_COUNTERS; i++)
        while (atomic_load(&readers->counters[i].inside) > 0)
            (void)sched_yield();
}

static inline void segj_readers_allow(segj_readers_t *readers)
{
    atomic_store_explicit(&readers->blocked, false, memory_order_release);
}

#endif
