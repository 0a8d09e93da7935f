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

typedef pthread_mutex_t segj_mutex_t;
typedef pthread_cond_t segj_cond_t;
typedef pthread_t segj_thread_t;

/** The library's locks are held for less time than it takes to put a thread to sleep and wake it again: where the
 *  system can, a thread that finds one taken tries a little longer first. */
static inline bool segj_mutex_init(segj_mutex_t *mutex)
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

static inline void segj_mutex_destroy(segj_mutex_t *mutex)
{
    int failed = pthread_mutex_destroy(mutex);
    assert(failed == 0);
    (void)failed;
}

static inline void segj_lock(segj_mutex_t *mutex)
{
    int failed = pthread_mutex_lock(mutex);
    assert(failed == 0);
    (void)failed;
}

/** False: a thread has it, or had it and is not there any more (in a child of fork). */
static inline bool segj_try_lock(segj_mutex_t *mutex)
{
    return pthread_mutex_trylock(mutex) == 0;
}

static inline void segj_unlock(segj_mutex_t *mutex)
{
    int failed = pthread_mutex_unlock(mutex);
    assert(failed == 0);
    (void)failed;
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

static inline void segj_wait(segj_cond_t *cond, segj_mutex_t *mutex)
{
    int failed = pthread_cond_wait(cond, mutex);
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
