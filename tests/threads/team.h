/*
 * threads/team.h: threads that a test starts, and that report to it.
 *
 * cmocka's assertions belong to the thread that runs the test. A worker says what went wrong with worker_expect(),
 * which keeps the first complaint, and returns; team_join() prints the complaints and fails the test.
 */
#ifndef TESTS_THREADS_TEAM_H
#define TESTS_THREADS_TEAM_H

#include <pthread.h>
#include <stdatomic.h>

#include "support/support.h"

typedef struct worker worker_t;
typedef void (*work_t)(worker_t *worker);

struct worker {
    size_t number;
    void *context; /* the team's */
    work_t work;
    pthread_t thread;
    atomic_bool finished;
    char complaint[512]; /* empty: none */
};

/** Starts `count` workers, which begin when all of them are there. A team of one is fine. */
void team_start(worker_t *team, size_t count, work_t work, void *context);
/** Waits for all of them; fails the test where one has complained. */
void team_join(worker_t *team, size_t count);
/** Both. */
void team_run(worker_t *team, size_t count, work_t work, void *context);

/** Notes the complaint where `holds` is false, and gives `holds` back. */
bool worker_expect(worker_t *worker, bool holds, const char *format, ...) __attribute__((format(printf, 3, 4)));
/** The call answered SEGJ_OK. */
#define worker_ok(worker, call) worker_status((worker), (call), SEGJ_OK, #call)
bool worker_status(worker_t *worker, segj_status_t actual, segj_status_t expected, const char *call);

/** Waits on a condition of the test's own: waits.h does not count it. */
void test_wait(pthread_cond_t *condition, pthread_mutex_t *mutex);
extern _Thread_local bool test_is_waiting;

/** The next number of a fixed sequence (splitmix64); any start will do. */
uint64_t next_random(uint64_t *state);

#endif /* TESTS_THREADS_TEAM_H */
