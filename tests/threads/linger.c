/* threads/linger.c: see the header. */
#include "threads/linger.h"

#include <sched.h>

/* So often at most: a library that lets the other one wait in some other way is not to blame. */
enum { TURNS = 1000000 };

int __wrap_pthread_cond_broadcast(pthread_cond_t *condition);
int __real_pthread_cond_broadcast(pthread_cond_t *condition);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex);
int __real_pthread_mutex_unlock(pthread_mutex_t *mutex);

static _Atomic(const worker_t *) awaited;
static _Thread_local bool lingers;
static _Thread_local bool armed;
static _Thread_local size_t waits_before;

void linger(void)
{
    lingers = true;
}

void linger_for(const worker_t *other)
{
    atomic_store(&awaited, other);
}

/* The broadcaster holds the mutex: whoever it wakes is still counted as waiting, and waiting again counts anew. */
int __wrap_pthread_cond_broadcast(pthread_cond_t *condition)
{
    if (lingers && !test_is_waiting && atomic_load(&awaited) != NULL) {
        armed = true;
        waits_before = waits_begun();
    }
    return __real_pthread_cond_broadcast(condition);
}

int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    int result = __real_pthread_mutex_unlock(mutex);
    const worker_t *other = atomic_load(&awaited);
    if (!armed || other == NULL)
        return result;
    armed = false;
    for (int turn = 0; turn < TURNS && !atomic_load(&other->finished) && waits_begun() == waits_before; turn++)
        sched_yield();
    return result;
}
