/*
 * orders/test_gate.c: every order in which threads can come to a gate, sleep before it and be called: one is in at a time,
 * and nobody sleeps for ever.
 *
 * LINK_WRAP: pthread_mutex_lock pthread_mutex_trylock pthread_mutex_unlock pthread_cond_wait pthread_cond_broadcast
 * LINK_WRAP: segj_park_wait segj_park_wait_for segj_process_time segj_process_sleep
 * LINK_WRAP: segj_gate_enter segj_gate_try segj_gate_leave segj_gate_leave_for_long segj_gate_is_wanted
 * LINK_WRAP: segj_word_sleep segj_word_sleep_for segj_word_wake
 */
#include "base/gate.h"
#include "orders/schedule.h"

typedef struct yard {
    segj_gate_t gate;
    int passes; /* of each actor */
    int tries;  /* of these, that do not wait */
    int inside;
    int passed;
} yard_t;

static void begin(void *context)
{
    yard_t *yard = context;
    yard->inside = yard->passed = 0;
    assert_true(segj_gate_init(&yard->gate));
}

static void stay(yard_t *yard, int actor)
{
    if (++yard->inside > 1)
        schedule_fail("%c is in, and is not the only one", 'A' + actor);
    schedule_step("stay");
    yard->inside--;
    if (yard->passed++ % 2 == 0)
        segj_gate_leave(&yard->gate);
    else
        segj_gate_leave_for_long(&yard->gate);
}

static void act(void *context, int actor)
{
    yard_t *yard = context;
    for (int i = 0; i < yard->passes; i++) {
        schedule_step("come");
        segj_gate_enter(&yard->gate);
        stay(yard, actor);
    }
    for (int i = 0; i < yard->tries; i++) {
        schedule_step("try");
        if (segj_gate_try(&yard->gate))
            stay(yard, actor);
    }
}

/* It is as it was: no call is left over, and nobody is counted who is not there. */
static void end(void *context)
{
    yard_t *yard = context;
    assert_true(yard->passed >= yard->passes);
    assert_int_equal(atomic_load(&yard->gate.word), 0);
    assert_int_equal(atomic_load(&yard->gate.call), 0);
    segj_gate_destroy(&yard->gate);
}

static void explore(const char *name, int actors, int preemptions, int passes, int tries)
{
    yard_t yard = {.passes = passes, .tries = tries};
    const schedule_play_t play = {name, actors, preemptions, begin, act, end, &yard, true};
    assert_true(schedule_explore(&play) > 1);
}

static void two_threads_pass_one_after_the_other(void **state)
{
    (void)state;
    explore("two threads, three times", 2, 4, 3, 0);
}

static void three_and_four_threads_do(void **state)
{
    (void)state;
    explore("three threads, twice", 3, 3, 2, 0);
    explore("four threads, once", 4, 2, 1, 0);
}

static void who_only_tries_takes_nobodys_turn(void **state)
{
    (void)state;
    explore("three threads, and tries", 3, 3, 1, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_threads_pass_one_after_the_other),
        cmocka_unit_test(three_and_four_threads_do),
        cmocka_unit_test(who_only_tries_takes_nobodys_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
