/* threads/team.c: see the header. */
#include "threads/team.h"

#include <stdio.h>
#include <string.h>

_Thread_local bool test_is_waiting;

/* Where workers wait until all are there. One team starts at a time: tests start teams from their own thread. */
static pthread_mutex_t start_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t start_changed = PTHREAD_COND_INITIALIZER;
static size_t start_missing;

void test_wait(pthread_cond_t *condition, pthread_mutex_t *mutex)
{
    test_is_waiting = true;
    pthread_cond_wait(condition, mutex);
    test_is_waiting = false;
}

static void wait_for_start(void)
{
    pthread_mutex_lock(&start_mutex);
    start_missing--;
    pthread_cond_broadcast(&start_changed);
    while (start_missing > 0)
        test_wait(&start_changed, &start_mutex);
    pthread_mutex_unlock(&start_mutex);
}

static void *run(void *argument)
{
    worker_t *worker = argument;
    wait_for_start();
    worker->work(worker);
    atomic_store(&worker->finished, true);
    return NULL;
}

void team_start(worker_t *team, size_t count, work_t work, void *context)
{
    pthread_mutex_lock(&start_mutex);
    start_missing = count + 1; /* the test itself is the last one */
    pthread_mutex_unlock(&start_mutex);
    for (size_t i = 0; i < count; i++) {
        team[i].number = i;
        team[i].context = context;
        team[i].work = work;
        team[i].complaint[0] = '\0';
        atomic_init(&team[i].finished, false);
        assert_int_equal(pthread_create(&team[i].thread, NULL, run, &team[i]), 0);
    }
    wait_for_start();
}

void team_join(worker_t *team, size_t count)
{
    bool good = true;
    for (size_t i = 0; i < count; i++)
        assert_int_equal(pthread_join(team[i].thread, NULL), 0);
    for (size_t i = 0; i < count; i++) {
        if (team[i].complaint[0] == '\0')
            continue;
        print_error("thread %zu: %s\n", i, team[i].complaint);
        good = false;
    }
    assert_true(good);
}

void team_run(worker_t *team, size_t count, work_t work, void *context)
{
    team_start(team, count, work, context);
    team_join(team, count);
}

bool worker_expect(worker_t *worker, bool holds, const char *format, ...)
{
    if (holds || worker->complaint[0] != '\0')
        return holds;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(worker->complaint, sizeof worker->complaint, format, arguments);
    va_end(arguments);
    return false;
}

bool worker_status(worker_t *worker, segj_status_t actual, segj_status_t expected, const char *call)
{
    return worker_expect(worker, actual == expected, "%s\n  answers %s, expected %s\n  last error: %s", call,
                         segj_status_name(actual), segj_status_name(expected), segj_last_error());
}

uint64_t next_random(uint64_t *state)
{
    uint64_t x = *state += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}
