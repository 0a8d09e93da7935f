/*
 * threads/waits.h: tells a test when a thread waits inside the library, so that it neither sleeps nor guesses. For
 * programs with
 *     LINK_WRAP: pthread_cond_wait segj_park_wait
 * in their first lines.
 */
#ifndef TESTS_THREADS_WAITS_H
#define TESTS_THREADS_WAITS_H

#include "threads/team.h"

/** Returns when `count` threads wait for a condition of the library. */
void await_waiting(size_t count);
/** Returns when the worker waits for a condition of the library, alone; fails the test when its work ends first. */
void await_blocked(worker_t *worker);
/** How often any thread has begun to wait for a condition of the library. */
size_t waits_begun(void);

#endif /* TESTS_THREADS_WAITS_H */
