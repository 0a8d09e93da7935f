/*
 * base/gate.h: who comes to a shut gate sleeps and is called; who is in front is passed by those that are fast, and not
 * for ever. One thread plays two: what the other does meanwhile happens while the first one sleeps, or looks at the clock.
 * LINK_WRAP: segj_word_sleep segj_word_sleep_for segj_word_wake segj_process_time
 */
#include "base/gate.h"

#include "base/park.h"
#include "base/process.h"
#include "support/support.h"

void __wrap_segj_word_sleep(atomic_uint *word, unsigned expected);
void __wrap_segj_word_sleep_for(atomic_uint *word, unsigned expected, uint64_t nanoseconds);
void __wrap_segj_word_wake(atomic_uint *word);
uint64_t __wrap_segj_process_time(void);

#if defined(__linux__)

enum { LOOK = 1000, NAPS_MOST = 100 }; /* nanoseconds that a look at the clock takes */

static segj_gate_t gate;
static void (*meanwhile)(void);         /* what the other thread does while this one sleeps */
static void (*beside)(uint64_t passed); /* and in so many nanoseconds */
static unsigned sleeps, wakes, naps, naps_ended;
static uint64_t now;

void __wrap_segj_word_sleep(atomic_uint *word, unsigned expected)
{
    assert_ptr_equal(word, &gate.call);
    assert_int_equal(atomic_load(word), expected);
    sleeps++;
    meanwhile();
    assert_int_not_equal(atomic_load(word), expected); /* else nobody is left to call */
}

void __wrap_segj_word_wake(atomic_uint *word)
{
    if (word == &gate.away) {
        naps_ended++;
        return;
    }
    assert_ptr_equal(word, &gate.call);
    wakes++;
}

uint64_t __wrap_segj_process_time(void)
{
    now += LOOK;
    if (beside != NULL)
        beside(LOOK);
    return now;
}

void __wrap_segj_word_sleep_for(atomic_uint *word, unsigned expected, uint64_t nanoseconds)
{
    assert_ptr_equal(word, &gate.away);
    assert_int_equal(atomic_load(word), expected);
    naps++;
    assert_true(naps < NAPS_MOST);
    now += nanoseconds;
    beside(nanoseconds);
}

static int set_up(void **state)
{
    (void)state;
    sleeps = wakes = naps = naps_ended = 0;
    meanwhile = NULL;
    beside = NULL;
    assert_true(segj_gate_init(&gate));
    return 0;
}

/* It is open, and nobody is counted who is not there. */
static int tear_down(void **state)
{
    (void)state;
    assert_int_equal(atomic_load(&gate.word), 0);
    assert_int_equal(atomic_load(&gate.call), 0);
    segj_gate_destroy(&gate);
    return 0;
}

static void pass(unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        segj_gate_enter(&gate);
        segj_gate_leave(&gate);
    }
}

static void an_open_gate_asks_nothing_of_the_system(void **state)
{
    (void)state;
    uint64_t before = now;
    pass(3);
    assert_true(segj_gate_try(&gate));
    assert_false(segj_gate_try(&gate));
    segj_gate_leave(&gate);
    assert_int_equal(now, before);
    assert_int_equal(sleeps + wakes + naps, 0);
}

static void leave(void)
{
    segj_gate_leave(&gate);
}

static void who_sleeps_is_called_by_who_leaves(void **state)
{
    (void)state;
    meanwhile = leave;
    segj_gate_enter(&gate);
    segj_gate_enter(&gate); /* the second thread */
    assert_int_equal(sleeps, 1);
    assert_int_equal(wakes, 1);
    assert_int_equal(naps, 0);
    segj_gate_leave(&gate);
    assert_int_equal(wakes, 1); /* nobody waits any more */
}

/* --- the one in front is passed --- */

static void leave_and_pass(void)
{
    segj_gate_leave(&gate);
    pass(1);
}

static void pass_fast(uint64_t nanoseconds)
{
    pass((unsigned)nanoseconds / 100);
}

/* Once in two looks at the clock. */
static void pass_slowly(uint64_t nanoseconds)
{
    static unsigned looks;
    pass((unsigned)nanoseconds / LOOK * (looks++ % 2));
}

static void pass_fast_at_first(uint64_t nanoseconds)
{
    if (naps == 0)
        pass_fast(nanoseconds);
}

static void by_fast_ones_for_a_millisecond(void **state)
{
    (void)state;
    meanwhile = leave_and_pass;
    beside = pass_fast;
    segj_gate_enter(&gate);
    uint64_t before = now;
    segj_gate_enter(&gate);
    assert_in_range(now - before, 1000000, 1200000);
    assert_int_equal(sleeps, 1);
    assert_int_equal(wakes, 1); /* who passes calls nobody else */
    assert_true(naps > 0);
    segj_gate_leave(&gate);
}

static void not_by_slow_ones(void **state)
{
    (void)state;
    meanwhile = leave_and_pass;
    beside = pass_slowly;
    segj_gate_enter(&gate);
    segj_gate_enter(&gate);
    assert_int_equal(naps, 0);
    segj_gate_leave(&gate);
}

static void and_comes_in_when_they_have_gone(void **state)
{
    (void)state;
    meanwhile = leave_and_pass;
    beside = pass_fast_at_first;
    segj_gate_enter(&gate);
    segj_gate_enter(&gate);
    assert_int_equal(naps, 1);
    segj_gate_leave(&gate);
}

static void pass_fast_and_leave_for_long(uint64_t nanoseconds)
{
    pass_fast(nanoseconds);
    if (naps == 0)
        return;
    segj_gate_enter(&gate);
    segj_gate_leave_for_long(&gate);
}

/* It is called from its nap, however fast the others were. */
static void nor_by_one_that_leaves_for_long(void **state)
{
    (void)state;
    meanwhile = leave_and_pass;
    beside = pass_fast_and_leave_for_long;
    segj_gate_enter(&gate);
    segj_gate_enter(&gate);
    assert_int_equal(naps, 1);
    assert_int_equal(naps_ended, 1);
    segj_gate_leave(&gate);
}

static void look_whether_it_is_wanted(void)
{
    assert_true(segj_gate_is_wanted(&gate));
    segj_gate_leave_for_long(&gate);
}

static void it_is_wanted_while_a_thread_sleeps_before_it(void **state)
{
    (void)state;
    meanwhile = look_whether_it_is_wanted;
    segj_gate_enter(&gate);
    assert_false(segj_gate_is_wanted(&gate));
    segj_gate_enter(&gate);
    assert_false(segj_gate_is_wanted(&gate));
    assert_int_equal(wakes, 1);
    assert_int_equal(naps_ended, 0); /* it was called, and does not nap */
    segj_gate_leave_for_long(&gate);
    assert_int_equal(wakes, 1); /* nobody is there */
    assert_int_equal(naps_ended, 0);
}

/* The other one is in at every look. */
static void leave_pass_and_stay(uint64_t nanoseconds)
{
    segj_gate_leave(&gate);
    pass_fast(nanoseconds);
    segj_gate_enter(&gate);
}

static void leave_to_the_one_in_front(void)
{
    segj_gate_leave(&gate);
    assert_false(segj_gate_try(&gate)); /* its turn */
}

static void leave_and_stay_once(void)
{
    segj_gate_leave(&gate);
    pass(1);
    segj_gate_enter(&gate);
    meanwhile = leave_to_the_one_in_front;
}

static void its_turn_is_nobody_elses(void **state)
{
    (void)state;
    meanwhile = leave_and_stay_once;
    beside = leave_pass_and_stay;
    segj_gate_enter(&gate);
    segj_gate_enter(&gate);
    assert_int_equal(sleeps, 2); /* the other one stayed in too long */
    assert_int_equal(wakes, 2);
    assert_false(segj_gate_try(&gate));
    segj_gate_leave(&gate);
    assert_true(segj_gate_try(&gate));
    segj_gate_leave(&gate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_open_gate_asks_nothing_of_the_system, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_sleeps_is_called_by_who_leaves, set_up, tear_down),
        cmocka_unit_test_setup_teardown(by_fast_ones_for_a_millisecond, set_up, tear_down),
        cmocka_unit_test_setup_teardown(not_by_slow_ones, set_up, tear_down),
        cmocka_unit_test_setup_teardown(and_comes_in_when_they_have_gone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nor_by_one_that_leaves_for_long, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_is_wanted_while_a_thread_sleeps_before_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(its_turn_is_nobody_elses, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
    print_message("SKIPPED: the gate is a mutex on this system\n");
    return 77;
}

#endif
