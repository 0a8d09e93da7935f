/*
 * base/thread.h: a mutex and a condition. Misuse of either is a defect of the library, so failures are asserted; only
 * their creation can fail for want of memory.
 */
#ifndef SEGJ_BASE_THREAD_H
#define SEGJ_BASE_THREAD_H

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>

typedef pthread_mutex_t segj_mutex_t;
typedef pthread_cond_t segj_cond_t;

/** The library's locks are held for less time than it takes to put a thread to sleep and wake it again: where the system
 *  knows how, whoever finds one taken tries a little longer first. */
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

#endif
