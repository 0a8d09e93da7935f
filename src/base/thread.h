/*
 * base/thread.h: a mutex, a condition and a thread. Misuse of either is a defect of the library, so failures are
 * asserted; only their creation can fail, for want of memory or of threads.
 */
#ifndef SEGJ_BASE_THREAD_H
#define SEGJ_BASE_THREAD_H

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <time.h>

#include "base/guard.h"

typedef struct SEGJ_LOCK_TYPE segj_mutex {
    pthread_mutex_t mutex;
    SEGJ_HOLDER
} segj_mutex_t;

/** The state lock of a journal: a type of its own, so that each of its calls is known for one of that lock. */
typedef struct segj_state {
    pthread_mutex_t mutex;
    SEGJ_HOLDER
} segj_state_t;

typedef pthread_cond_t segj_cond_t;
typedef pthread_t segj_thread_t;

/* --- any mutex; the names that both kinds share follow --- */

/** The library's locks are held for less time than it takes to put a thread to sleep and wake it again: where the
 *  system can, a thread that finds one taken tries a little longer first. */
static inline bool segj_pthread_init(pthread_mutex_t *mutex)
{
#if defined(__GLIBC__)
    pthread_mutexattr_t kind;
    if (pthread_mutexattr_init(&kind) != 0)
        return false;
    bool made =
        pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_ADAPTIVE_NP) == 0 && pthread_mutex_init(mutex, &kind) == 0;
    (void)pthread_mutexattr_destroy(&kind);
    return made;
#else
    return pthread_mutex_init(mutex, NULL) == 0;
#endif
}

static inline void segj_pthread_destroy(pthread_mutex_t *mutex)
{
    int failed = pthread_mutex_destroy(mutex);
    assert(failed == 0);
    (void)failed;
}

static inline void segj_pthread_lock(pthread_mutex_t *mutex)
{
    int failed = pthread_mutex_lock(mutex);
    assert(failed == 0);
    (void)failed;
}

static inline void segj_pthread_unlock(pthread_mutex_t *mutex)
{
    int failed = pthread_mutex_unlock(mutex);
    assert(failed == 0);
    (void)failed;
}

static inline void segj_pthread_wait(segj_cond_t *cond, pthread_mutex_t *mutex)
{
    int failed = pthread_cond_wait(cond, mutex);
    assert(failed == 0);
    (void)failed;
}

/* Clang checks their callers. Of the bodies it is told not to: it knows nothing of what they call. */
static inline void segj_mutex_lock(segj_mutex_t *mutex) SEGJ_TAKES(mutex);
static inline bool segj_mutex_try(segj_mutex_t *mutex) SEGJ_TRIES(mutex, true);
static inline void segj_mutex_unlock(segj_mutex_t *mutex) SEGJ_GIVES(mutex);
static inline void segj_mutex_wait(segj_cond_t *cond, segj_mutex_t *mutex) SEGJ_REQUIRES(mutex);
static inline void segj_state_lock(segj_state_t *mutex) SEGJ_TAKES(segj_role_state);
static inline bool segj_state_try(segj_state_t *mutex) SEGJ_TRIES(segj_role_state, true);
static inline void segj_state_unlock(segj_state_t *mutex) SEGJ_GIVES(segj_role_state);
static inline void segj_state_wait(segj_cond_t *cond, segj_state_t *mutex) SEGJ_REQUIRES(segj_role_state);

#define SEGJ_MUTEX_FUNCTIONS(kind)                                                                                     \
    static inline bool segj_##kind##_init(segj_##kind##_t *mutex)                                                      \
    {                                                                                                                  \
        segj_note_held(mutex, false);                                                                                  \
        return segj_pthread_init(&mutex->mutex);                                                                       \
    }                                                                                                                  \
    static inline void segj_##kind##_destroy(segj_##kind##_t *mutex)                                                   \
    {                                                                                                                  \
        segj_pthread_destroy(&mutex->mutex);                                                                           \
    }                                                                                                                  \
    SEGJ_NO_THREAD_SAFETY_ANALYSIS static inline void segj_##kind##_lock(segj_##kind##_t *mutex)                       \
    {                                                                                                                  \
        segj_pthread_lock(&mutex->mutex);                                                                              \
        segj_note_held(mutex, true);                                                                                   \
    }                                                                                                                  \
    SEGJ_NO_THREAD_SAFETY_ANALYSIS static inline bool segj_##kind##_try(segj_##kind##_t *mutex)                        \
    {                                                                                                                  \
        if (pthread_mutex_trylock(&mutex->mutex) != 0)                                                                 \
            return false;                                                                                              \
        segj_note_held(mutex, true);                                                                                   \
        return true;                                                                                                   \
    }                                                                                                                  \
    SEGJ_NO_THREAD_SAFETY_ANALYSIS static inline void segj_##kind##_unlock(segj_##kind##_t *mutex)                     \
    {                                                                                                                  \
        segj_assert_held(mutex);                                                                                       \
        segj_note_held(mutex, false);                                                                                  \
        segj_pthread_unlock(&mutex->mutex);                                                                            \
    }                                                                                                                  \
    SEGJ_NO_THREAD_SAFETY_ANALYSIS static inline void segj_##kind##_wait(segj_cond_t *cond, segj_##kind##_t *mutex)    \
    {                                                                                                                  \
        segj_assert_held(mutex);                                                                                       \
        segj_note_held(mutex, false);                                                                                  \
        segj_pthread_wait(cond, &mutex->mutex);                                                                        \
        segj_note_held(mutex, true);                                                                                   \
    }

SEGJ_MUTEX_FUNCTIONS(mutex)
SEGJ_MUTEX_FUNCTIONS(state)

#define SEGJ_MUTEX_CALL(pointer, call)                                                                                 \
    _Generic((pointer), segj_mutex_t * : segj_mutex_##call, segj_state_t * : segj_state_##call)

#define segj_lock(mutex) SEGJ_MUTEX_CALL(mutex, lock)(mutex)
/** False: a thread has it, or had it and is not there any more (in a child of fork). */
#define segj_try_lock(mutex) SEGJ_MUTEX_CALL(mutex, try)(mutex)
#define segj_unlock(mutex) SEGJ_MUTEX_CALL(mutex, unlock)(mutex)
/** Gives the mutex up, waits for the condition, and has the mutex again. */
#define segj_wait(cond, mutex) SEGJ_MUTEX_CALL(mutex, wait)(cond, mutex)

/** segj_wait() for a mutex, but no longer than until a time of the condition's clock; false: it has come. */
static inline bool segj_wait_until(segj_cond_t *cond, segj_mutex_t *mutex, const struct timespec *until)
    SEGJ_REQUIRES(mutex);
SEGJ_NO_THREAD_SAFETY_ANALYSIS static inline bool segj_wait_until(segj_cond_t *cond, segj_mutex_t *mutex,
                                                                  const struct timespec *until)
{
    segj_assert_held(mutex);
    segj_note_held(mutex, false);
    int code = pthread_cond_timedwait(cond, &mutex->mutex, until);
    segj_note_held(mutex, true);
    return code == 0;
}

static inline bool segj_cond_init(segj_cond_t *cond)
{
    return pthread_cond_init(cond, NULL) == 0;
}

static inline void segj_cond_destroy(segj_cond_t *cond)
{
    int failed = pthread_cond_destroy(cond);
    assert(failed == 0);
    (void)failed;
}

static inline void segj_wake_all(segj_cond_t *cond)
{
    int failed = pthread_cond_broadcast(cond);
    assert(failed == 0);
    (void)failed;
}

/** Threads that begin from now on take no signals: their handlers are the application's, and run in its threads. 0, or
 *  why that can't be. */
static inline int segj_signals_off(sigset_t *usual)
{
    sigset_t all;
    (void)sigfillset(&all);
    return pthread_sigmask(SIG_SETMASK, &all, usual);
}

static inline void segj_signals_on(const sigset_t *usual)
{
    (void)pthread_sigmask(SIG_SETMASK, usual, NULL);
}

/** Starts a thread, which takes no signals; 0, or why there is none. */
static inline int segj_thread_start(segj_thread_t *thread, void *(*run)(void *context), void *context)
{
    sigset_t usual;
    int code = segj_signals_off(&usual);
    if (code != 0)
        return code;
    code = pthread_create(thread, NULL, run, context);
    segj_signals_on(&usual);
    return code;
}

/** Does nothing for a while; a signal may end it. */
static inline void segj_pause(unsigned milliseconds)
{
    const struct timespec time = {.tv_sec = (time_t)(milliseconds / 1000),
                                  .tv_nsec = (long)(milliseconds % 1000) * 1000000};
    (void)nanosleep(&time, NULL);
}

static inline void segj_thread_join(segj_thread_t thread)
{
    int failed = pthread_join(thread, NULL);
    assert(failed == 0);
    (void)failed;
}

#endif
