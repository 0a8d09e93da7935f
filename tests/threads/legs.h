/*
 * threads/legs.h: two threads that take turns by the calls they make of a storage in memory: one makes so many of them,
 * then the other one so many. Large writes come in two halves, and so do reads of some sizes.
 */
#ifndef TESTS_THREADS_LEGS_H
#define TESTS_THREADS_LEGS_H

#include "threads/team.h"

enum { LEG_WRITER, LEG_OTHER, LEG_ACTORS, LEG_ALL = 1000000, LEGS_MOST = 8 };

/** Who makes how many calls. */
typedef struct leg {
    int who;
    uint64_t calls;
} leg_t;

/** Does what the actor is to do, on a thread of its own. */
typedef void (*leg_work_t)(int who, void *context);

/** A table over a storage, for one play at a time. */
segj_storage_t legs_over(const segj_storage_t *inner);

/** Plays these legs, at most LEGS_MOST; after them, or when one of the two has ended, the other one goes on to its end.
 *  made: how many calls each has made. */
void legs_play(const leg_t *legs, size_t count, leg_work_t work, void *context, uint64_t made[LEG_ACTORS]);

#endif /* TESTS_THREADS_LEGS_H */
