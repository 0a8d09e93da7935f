/*
 * threads/test_gate.c: many threads pass a gate, with short stays and with long ones: one is in at a time, it sees what
 * those before it have done, and all come through.
 */
#include "base/gate.h"
#include "base/process.h"
#include "threads/team.h"

enum { THREADS = 8, PASSES = 4000, LONG_EVERY = 500, LONG = 200000, OUTSIDE = 2000 };

typedef struct yard {
    segj_gate_t gate;
    uint64_t passed; /* which the gate guards */
    uint64_t inside;
    bool pauses; /* the threads have other work between */
} yard_t;

static void pass(worker_t *worker)
{
    yard_t *yard = worker->context;
    for (uint64_t i = 0; i < PASSES; i++) {
        segj_gate_enter(&yard->gate);
        if (!worker_expect(worker, yard->inside++ == 0, "another thread is in"))
            return;
        if ((yard->passed++ + worker->number) % LONG_EVERY == 0)
            segj_process_sleep(LONG);
        yard->inside--;
        segj_gate_leave(&yard->gate);
        if (yard->pauses && i % 8 == worker->number)
            segj_process_sleep(OUTSIDE);
    }
}

static void all_come_through(bool pauses)
{
    yard_t yard = {.pauses = pauses};
    worker_t team[THREADS];
    assert_true(segj_gate_init(&yard.gate));
    team_run(team, THREADS, pass, &yard);
    assert_int_equal(yard.passed, THREADS * PASSES);
    assert_true(segj_gate_try(&yard.gate));
    segj_gate_leave(&yard.gate);
    segj_gate_destroy(&yard.gate);
}

static void a_crowd_comes_through(void **state)
{
    (void)state;
    all_come_through(false);
}

static void so_do_threads_that_work_between(void **state)
{
    (void)state;
    all_come_through(true);
}

/* One thread is always there; the other wants in now and then. */
static atomic_bool through;

static void stay_at_it(worker_t *worker)
{
    yard_t *yard = worker->context;
    bool done = false;
    while (!done) {
        segj_gate_enter(&yard->gate);
        (void)worker_expect(worker, yard->inside++ == 0, "another thread is in");
        yard->inside--;
        done = atomic_load(&through);
        segj_gate_leave(&yard->gate);
    }
}

static void want_in(worker_t *worker)
{
    yard_t *yard = worker->context;
    if (worker->number == 0) {
        stay_at_it(worker);
        return;
    }
    for (int i = 0; i < 50; i++) {
        segj_gate_enter(&yard->gate);
        (void)worker_expect(worker, yard->inside++ == 0, "another thread is in");
        yard->inside--;
        segj_gate_leave(&yard->gate);
        segj_process_sleep(OUTSIDE);
    }
    atomic_store(&through, true);
}

static void nobody_is_passed_for_ever(void **state)
{
    (void)state;
    yard_t yard = {.pauses = false};
    worker_t team[2];
    atomic_store(&through, false);
    assert_true(segj_gate_init(&yard.gate));
    team_run(team, 2, want_in, &yard);
    segj_gate_destroy(&yard.gate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crowd_comes_through),
        cmocka_unit_test(so_do_threads_that_work_between),
        cmocka_unit_test(nobody_is_passed_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
