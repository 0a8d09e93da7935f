/*
 * base/readers.h: readers that take no lock, and how those who change what they look at keep them out meanwhile.
 *
 * A reader counts itself in one of several counters, each in cache lines of its own, so that readers do not slow each other
 * down; who changes something, of which there is one at a time, shuts the door and waits until every counter is zero. (Linux
 * had this as its "big reader lock"; see also Mellor-Crummey and Scott 1991 for why readers count themselves apart.) What a
 * reader does inside takes no lock, does not wait, and ends soon.
 */
#ifndef SEGJ_BASE_READERS_H
#define SEGJ_BASE_READERS_H

#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>

#define SEGJ_READERS_COUNTERS 16
/* Two lines: some processors fetch them in pairs. */
#define SEGJ_READERS_APART 128

typedef struct segj_readers_counter {
    atomic_uint inside;
    char apart[SEGJ_READERS_APART - sizeof(atomic_uint)];
} segj_readers_counter_t;

typedef struct segj_readers {
    segj_readers_counter_t counters[SEGJ_READERS_COUNTERS];
    atomic_bool shut;
} segj_readers_t;

/** The thread's counter. */
static inline unsigned segj_readers_place(void)
{
    static _Atomic unsigned given;
    static _Thread_local unsigned place; /* from 1 on */
    if (place == 0)
        place = atomic_fetch_add_explicit(&given, 1, memory_order_relaxed) % SEGJ_READERS_COUNTERS + 1;
    return place - 1;
}

/** false: the door is shut, take the lock. */
static inline bool segj_readers_enter(segj_readers_t *readers)
{
    atomic_uint *inside = &readers->counters[segj_readers_place()].inside;
    atomic_fetch_add(inside, 1);
    if (!atomic_load(&readers->shut))
        return true;
    atomic_fetch_sub(inside, 1);
    return false;
}

static inline void segj_readers_leave(segj_readers_t *readers)
{
    atomic_fetch_sub_explicit(&readers->counters[segj_readers_place()].inside, 1, memory_order_release);
}

/** One thread at a time. Behind it no reader is inside, and none comes in. */
static inline void segj_readers_shut(segj_readers_t *readers)
{
    atomic_store(&readers->shut, true);
    for (unsigned i = 0; i < SEGJ_READERS_COUNTERS; i++)
        while (atomic_load(&readers->counters[i].inside) > 0)
            (void)sched_yield();
}

static inline void segj_readers_admit(segj_readers_t *readers)
{
    atomic_store_explicit(&readers->shut, false, memory_order_release);
}

#endif
