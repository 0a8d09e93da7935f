/* threads/waits.c: see the header. */
#include "threads/waits.h"

#include <sched.h>

#include "base/park.h"

int __wrap_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex);
int __real_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex);
unsigned __wrap_segj_park_wait(segj_park_t *park);
unsigned __real_segj_park_wait(segj_park_t *park);

static atomic_size_t waiting;
static atomic_size_t begun;

/* A thread is counted while it holds the mutex: what it waits for has not happened yet. */
int __wrap_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex)
{
    if (test_is_waiting)
        return __real_pthread_cond_wait(condition, mutex);
    atomic_fetch_add(&waiting, 1);
    atomic_fetch_add(&begun, 1);
    int result = __real_pthread_cond_wait(condition, mutex);
    atomic_fetch_sub(&waiting, 1);
    return result;
}

/* The other way to wait: for a word of another thread. */
unsigned __wrap_segj_park_wait(segj_park_t *park)
{
    atomic_fetch_add(&waiting, 1);
    atomic_fetch_add(&begun, 1);
    unsigned word = __real_segj_park_wait(park);
    atomic_fetch_sub(&waiting, 1);
    return word;
}

void await_waiting(size_t count)
{
    while (atomic_load(&waiting) != count)
        sched_yield();
}

void await_blocked(worker_t *worker)
{
    while (atomic_load(&waiting) != 1) {
        if (atomic_load(&worker->finished)) {
            print_error("the call returned where it had to wait: %s\n", worker->complaint);
            fail();
        }
        sched_yield();
    }
}

size_t waits_begun(void)
{
    return atomic_load(&begun);
}
