/*
 * base/guard.h: a Debug build ends where a thread does not hold the lock that it should, and nowhere else.
 */
#include "base/gate.h"
#include "base/thread.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/support.h"

#if defined(NDEBUG)

static void nothing_is_asserted(void **state)
{
    segj_mutex_t mutex;
    (void)state;
    assert_true(segj_mutex_init(&mutex));
    segj_assert_held(&mutex);
    segj_mutex_destroy(&mutex);
    assert_int_equal(sizeof mutex, sizeof(pthread_mutex_t));
    SKIP("assertions are left out of this build");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_is_asserted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

typedef struct locks {
    segj_mutex_t mutex;
    segj_state_t state;
    segj_gate_t gate;
    segj_cond_t changed;
    bool ended; /* by another thread, under `state` */
} locks_t;

enum { MUTEX, STATE, GATE };

static void assert_one(locks_t *locks, int which)
{
    if (which == MUTEX)
        segj_assert_held(&locks->mutex);
    else if (which == STATE)
        segj_assert_held(&locks->state);
    else
        segj_assert_held(&locks->gate);
}

/* Whether the assertion ends a process, which has the locks as this one has them. */
static bool ends(locks_t *locks, int which)
{
    pid_t child = fork();
    if (child == 0) {
        (void)signal(SIGABRT, SIG_DFL);
        (void)close(STDERR_FILENO);
        assert_one(locks, which);
        _exit(0);
    }
    int result = 0;
    assert_int_equal(waitpid(child, &result, 0), child);
#if !defined(__SANITIZE_THREAD__) /* which has an exit status of its own for a child whose parent has threads */
    assert_true(WIFSIGNALED(result) || WEXITSTATUS(result) == 0);
#endif
    return WIFSIGNALED(result) && WTERMSIG(result) == SIGABRT;
}

static int set_up(void **state)
{
    locks_t *locks = calloc(1, sizeof *locks);
    if (locks == NULL || !segj_mutex_init(&locks->mutex) || !segj_state_init(&locks->state) ||
        !segj_gate_init(&locks->gate) || !segj_cond_init(&locks->changed))
        return -1;
    *state = locks;
    return 0;
}

static int tear_down(void **state)
{
    locks_t *locks = *state;
    segj_cond_destroy(&locks->changed);
    segj_gate_destroy(&locks->gate);
    segj_state_destroy(&locks->state);
    segj_mutex_destroy(&locks->mutex);
    free(locks);
    return 0;
}

static void who_has_the_lock_passes_and_who_gave_it_back_does_not(void **state)
{
    locks_t *locks = *state;
    for (int which = MUTEX; which <= GATE; which++)
        assert_true(ends(locks, which));
    segj_lock(&locks->mutex);
    segj_lock(&locks->state);
    segj_gate_enter(&locks->gate);
    for (int which = MUTEX; which <= GATE; which++)
        assert_false(ends(locks, which));
    segj_gate_leave(&locks->gate);
    segj_unlock(&locks->state);
    segj_unlock(&locks->mutex);
    for (int which = MUTEX; which <= GATE; which++)
        assert_true(ends(locks, which));
}

static void who_has_taken_it_at_a_try_passes(void **state)
{
    locks_t *locks = *state;
    assert_true(segj_try_lock(&locks->mutex));
    assert_true(segj_try_lock(&locks->state));
    assert_true(segj_gate_try(&locks->gate));
    for (int which = MUTEX; which <= GATE; which++)
        assert_false(ends(locks, which));
    segj_gate_leave(&locks->gate);
    segj_unlock(&locks->state);
    segj_unlock(&locks->mutex);
}

static void *take_all(void *argument)
{
    locks_t *locks = argument;
    segj_lock(&locks->mutex);
    segj_gate_enter(&locks->gate);
    segj_lock(&locks->state);
    locks->ended = true;
    segj_wake_all(&locks->changed);
    segj_unlock(&locks->state);
    return NULL;
}

/* The thread ends with both locks, which nothing else here wants. */
static void what_another_thread_has_does_not_pass(void **state)
{
    locks_t *locks = *state;
    pthread_t thread;
    segj_lock(&locks->state);
    assert_int_equal(pthread_create(&thread, NULL, take_all, locks), 0);
    while (!locks->ended)
        segj_wait(&locks->changed, &locks->state);
    assert_false(ends(locks, STATE)); /* it was given up in the wait, and is held again */
    assert_true(ends(locks, MUTEX));
    assert_true(ends(locks, GATE));
    segj_unlock(&locks->state);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static int tear_down_nothing(void **state)
{
    free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_has_the_lock_passes_and_who_gave_it_back_does_not, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_has_taken_it_at_a_try_passes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_another_thread_has_does_not_pass, set_up, tear_down_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
