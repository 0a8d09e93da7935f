/* base/park.c: see the header. */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* syscall is beyond POSIX */
#endif

#include "base/park.h"

#include <assert.h>
#include <stddef.h>
#include <time.h>

#define SECOND UINT64_C(1000000000)

#if defined(__linux__)

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

_Static_assert(sizeof(atomic_uint) == 4, "the system's words have four bytes");

/* The system's time in these calls, whatever the C library's is. */
#if defined(SYS_futex)
typedef struct park_time {
    long seconds, nanoseconds;
} park_time_t;
#else /* 32-bit machines that never had the older call */
#define SYS_futex SYS_futex_time64
typedef struct park_time {
    int64_t seconds, nanoseconds;
} park_time_t;
#endif

void segj_word_sleep(atomic_uint *word, unsigned expected)
{
    (void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0);
}

void segj_word_sleep_for(atomic_uint *word, unsigned expected, uint64_t nanoseconds)
{
    assert(nanoseconds < SECOND);
    const park_time_t time = {0, (long)nanoseconds};
    (void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, &time, NULL, 0);
}

void segj_word_wake(atomic_uint *word)
{
    (void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

void segj_park_init(segj_park_t *park)
{
    atomic_init(&park->word, 0);
}

unsigned segj_park_wait(segj_park_t *park)
{
    unsigned word;
    while ((word = atomic_load_explicit(&park->word, memory_order_acquire)) == 0)
        segj_word_sleep(&park->word, 0);
    return word;
}

unsigned segj_park_wait_for(segj_park_t *park, uint64_t nanoseconds)
{
    const park_time_t time = {(long)(nanoseconds / SECOND), (long)(nanoseconds % SECOND)};
    (void)syscall(SYS_futex, &park->word, FUTEX_WAIT_PRIVATE, 0, &time, NULL, 0);
    return atomic_load_explicit(&park->word, memory_order_acquire);
}

void segj_park_say(segj_park_t *park, unsigned word)
{
    assert(word != 0);
    atomic_store_explicit(&park->word, word, memory_order_release);
    segj_word_wake(&park->word);
}

#else

void segj_park_init(segj_park_t *park)
{
    static const pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static const pthread_cond_t said = PTHREAD_COND_INITIALIZER;
    atomic_init(&park->word, 0);
    park->lock = lock;
    park->said = said;
}

unsigned segj_park_wait(segj_park_t *park)
{
    (void)pthread_mutex_lock(&park->lock);
    unsigned word;
    while ((word = atomic_load_explicit(&park->word, memory_order_relaxed)) == 0)
        (void)pthread_cond_wait(&park->said, &park->lock);
    (void)pthread_mutex_unlock(&park->lock);
    (void)pthread_cond_destroy(&park->said);
    (void)pthread_mutex_destroy(&park->lock);
    return word;
}

unsigned segj_park_wait_for(segj_park_t *park, uint64_t nanoseconds)
{
    struct timespec until = {0, 0};
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += (time_t)(nanoseconds / SECOND);
    until.tv_nsec += (long)(nanoseconds % SECOND);
    if (until.tv_nsec >= (long)SECOND) {
        until.tv_sec++;
        until.tv_nsec -= (long)SECOND;
    }
    (void)pthread_mutex_lock(&park->lock);
    if (atomic_load_explicit(&park->word, memory_order_relaxed) == 0)
        (void)pthread_cond_timedwait(&park->said, &park->lock, &until);
    unsigned word = atomic_load_explicit(&park->word, memory_order_relaxed);
    (void)pthread_mutex_unlock(&park->lock);
    return word;
}

/* The signal is given under the lock: the other thread is gone as soon as it has had that. */
void segj_park_say(segj_park_t *park, unsigned word)
{
    assert(word != 0);
    (void)pthread_mutex_lock(&park->lock);
    atomic_store_explicit(&park->word, word, memory_order_relaxed);
    (void)pthread_cond_signal(&park->said);
    (void)pthread_mutex_unlock(&park->lock);
}

#endif
