/*
 * base/park.h: one thread waits, once, for a word of another thread. Neither needs a lock that others use, and the word
 * may lie in the waiting thread's stack: where it is a word for the system (Linux), the waker's last access to it is
 * the store, and waking at an address that has become something else's is a wake-up for nothing there, which every user
 * of such words must expect.
 */
#ifndef SEGJ_BASE_PARK_H
#define SEGJ_BASE_PARK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

typedef struct segj_park {
    atomic_uint word; /* 0: nothing has been said yet */
#if !defined(__linux__)
    pthread_mutex_t lock;
    pthread_cond_t said;
#endif
} segj_park_t;

#if defined(__linux__)
/** Sleeps while the word says `expected`, until it is woken, or for no reason. */
void segj_word_sleep(atomic_uint *word, unsigned expected);
/** The same for so many nanoseconds, less than a second. */
void segj_word_sleep_for(atomic_uint *word, unsigned expected, uint64_t nanoseconds);
/** Wakes one that sleeps on the word. */
void segj_word_wake(atomic_uint *word);
#endif

/** Before anybody else knows of it. */
void segj_park_init(segj_park_t *park);
/** Waits until something is said, and gives it. What the other thread did before it said so has happened. */
unsigned segj_park_wait(segj_park_t *park);
/** The same for so many nanoseconds; 0: nothing was said. Whoever may still say something must be waited for, or kept
 *  from it, before the park goes. */
unsigned segj_park_wait_for(segj_park_t *park, uint64_t nanoseconds);
/** Says `word`, which is not 0. The park may be gone when this returns. */
void segj_park_say(segj_park_t *park, unsigned word);

#endif
