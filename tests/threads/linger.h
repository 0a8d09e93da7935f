/*
 * threads/linger.h: a thread that tells others to go on and is then slow to leave the library itself: it stops behind
 * the unlock that follows its broadcast until the other one is through, or waits again. For programs with
 *     LINK_WRAP: pthread_cond_wait segj_park_wait pthread_cond_broadcast pthread_mutex_unlock
 * in their first lines.
 */
#ifndef TESTS_THREADS_LINGER_H
#define TESTS_THREADS_LINGER_H

#include "threads/waits.h"

/** The calling thread lingers from now on, until linger_for(NULL). */
void linger(void);
/** For whom it does; before that it does not. */
void linger_for(const worker_t *other);

#endif /* TESTS_THREADS_LINGER_H */
