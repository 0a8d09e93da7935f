/*
 * threads/test_parallel_flush.c: a sync that flushes the index itself while a thread of the journal's own flushes the
 * values (oversized_config_t.parallel_flush): that it does so, what it waits for, whose failure it tells of, and the
 * life of that thread.
 *
 * LINK_WRAP: pthread_cond_wait segj_park_wait pthread_create pthread_join
 */
#include "threads/stage.h"
#include "threads/waits.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

enum { BEFORE = 7, SECTION = 3, REOPENINGS = 100, TEAM = 4, ROUNDS = 40, LOG_LEVELS = 4 };

/* --- threads, counted; those of the tests too --- */

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *context);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *context);
int __wrap_pthread_join(pthread_t thread, void **result);
int __real_pthread_join(pthread_t thread, void **result);

static atomic_uint made, joined;
static atomic_int refusal; /* what a creation answers, if not 0 */
static sigset_t inherited; /* blocked signals of the thread made last */

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *context)
{
    int code = atomic_load(&refusal);
    if (code != 0)
        return code;
    atomic_fetch_add(&made, 1);
    (void)pthread_sigmask(SIG_SETMASK, NULL, &inherited);
    return __real_pthread_create(thread, attributes, run, context);
}

int __wrap_pthread_join(pthread_t thread, void **result)
{
    atomic_fetch_add(&joined, 1);
    return __real_pthread_join(thread, result);
}

/* --- the stage --- */

typedef struct body {
    void (*run)(void **state);
} body_t;

static const body_t *body;
static bool half_way;

static void run_body(void **state)
{
    half_way = true;
    body->run(state);
    half_way = false;
}

static int set_up(void **state)
{
    if (half_way)
        return -1; /* a test has failed, and left threads that would be counted, or waited for */
    body = *state;
    stage_set_up(state);
    stage_t *stage = *state;
    stage->config.parallel_flush = true;
    stage_reopen(stage);
    atomic_store(&refusal, 0);
    atomic_store(&made, 0);
    atomic_store(&joined, 0);
    return 0;
}

#define PARALLEL_TEST(test)                                                                                            \
    {                                                                                                                  \
#test, run_body, set_up, stage_tear_down, &(body_t)                                                            \
        {                                                                                                              \
            test                                                                                                       \
        }                                                                                                              \
    }

static gate_t *gate_syncs(const stage_t *stage, watched_part_t part)
{
    return gate_close(stage->watched, CALL_SYNC, part, SECTION, 1);
}

/* --- two at a time --- */

/* Each gate lets nobody pass before both flushes have come. */
static void both_files_are_flushed_at_the_same_time(void **state)
{
    stage_t *stage = *state;
    errand_t sync;
    append_samples(stage->journal, SECTION, 0, BEFORE);
    gate_t *index = gate_syncs(stage, PART_INDEX);
    gate_t *values = gate_syncs(stage, PART_VALUES);
    errand_start(&sync, stage, call_sync, SECTION);
    gate_await(index, 1);
    gate_await(values, 1);
    gate_open(values, 0);
    gate_open(index, 0);
    errand_join(&sync, SEGJ_OK);
    check_crash(stage, SECTION, BEFORE);
}

static void sync_waits_for_the_flush_of_the_values(void **state)
{
    stage_t *stage = *state;
    errand_t sync;
    append_samples(stage->journal, SECTION, 0, BEFORE);
    watched_forget(stage->watched);
    gate_t *values = gate_syncs(stage, PART_VALUES);
    errand_start(&sync, stage, call_sync, SECTION);
    gate_await(values, 1);
    await_blocked(&sync.worker);
    assert_int_equal(watched_count(stage->watched, CALL_SYNC_NAMES, PART_INDEX, ANY_SECTION), 0);
    gate_open(values, 0);
    errand_join(&sync, SEGJ_OK);
    check_crash(stage, SECTION, BEFORE);
}

static void sync_makes_the_flush_of_the_index_itself(void **state)
{
    stage_t *stage = *state;
    errand_t sync;
    append_samples(stage->journal, SECTION, 0, BEFORE);
    watched_forget(stage->watched);
    gate_t *index = gate_syncs(stage, PART_INDEX);
    errand_start(&sync, stage, call_sync, SECTION);
    gate_await(index, 1);
    await_waiting(1); /* the journal's thread is through */
    assert_int_equal(watched_count(stage->watched, CALL_SYNC, PART_VALUES, SECTION), 1);
    assert_false(errand_finished(&sync));
    gate_open(index, 0);
    errand_join(&sync, SEGJ_OK);
    check_crash(stage, SECTION, BEFORE);
}

/* The thread stands before the values of one section; the sync of another one does without it, and the next one has
 * it. */
static void sync_of_another_section_does_not_wait_for_the_thread(void **state)
{
    stage_t *stage = *state;
    errand_t first;
    errand_t next;
    append_samples(stage->journal, SECTION, 0, BEFORE);
    append_samples(stage->journal, SECTION + 1, 0, BEFORE);
    gate_t *values = gate_syncs(stage, PART_VALUES);
    errand_start(&first, stage, call_sync, SECTION);
    gate_await(values, 1);
    assert_ok(oversized_sync(stage->journal, SECTION + 1));
    assert_false(errand_finished(&first));
    check_crash(stage, SECTION + 1, BEFORE);
    gate_open(values, 0);
    errand_join(&first, SEGJ_OK);

    append_samples(stage->journal, SECTION, BEFORE, 1);
    gate_t *index = gate_syncs(stage, PART_INDEX);
    values = gate_syncs(stage, PART_VALUES);
    errand_start(&next, stage, call_sync, SECTION);
    gate_await(index, 1);
    gate_await(values, 1);
    gate_open(index, 0);
    gate_open(values, 0);
    errand_join(&next, SEGJ_OK);
    check_crash(stage, SECTION, BEFORE + 1);
}

static void append_and_sync(worker_t *worker)
{
    const stage_t *stage = worker->context;
    uint64_t section = SECTION + worker->number / 2; /* two threads a section */
    for (uint64_t i = 0; i < ROUNDS; i++) {
        uint64_t id = i * TEAM + worker->number;
        if (!worker_ok(worker, append_sample(stage->journal, section, id, NULL)) ||
            !worker_ok(worker, oversized_sync(stage->journal, section)))
            return;
    }
}

static void syncs_of_several_threads_are_all_covered(void **state)
{
    stage_t *stage = *state;
    worker_t team[TEAM];
    team_run(team, TEAM, append_and_sync, stage);
    stage_t *crash = stage_crash(stage);
    for (uint64_t section = SECTION; section < SECTION + TEAM / 2; section++) {
        uint64_t count = 0;
        assert_ok(oversized_count(crash->journal, section, &count));
        assert_int_equal(count, 2 * ROUNDS);
    }
    stage_free(crash);
    assert_writes_apart(stage->watched);
}

/* --- failures --- */

static void check_poisoned(const stage_t *stage, const char *file)
{
    const char *cause = oversized_error(stage->journal);
    assert_non_null(cause);
    assert_non_null(strstr(cause, file));
    assert_status(oversized_sync(stage->journal, SECTION), SEGJ_ERR_POISONED);
    check_samples(stage->journal, SECTION, BEFORE);
}

/* The index's flush is through before. The sentence was the thread's, and is now that of who has called. */
static void failed_flush_of_the_values_is_told_and_poisons(void **state)
{
    stage_t *stage = *state;
    errand_t sync;
    append_samples(stage->journal, SECTION, 0, BEFORE);
    gate_t *values = gate_syncs(stage, PART_VALUES);
    errand_start(&sync, stage, call_sync, SECTION);
    gate_await(values, 1);
    await_blocked(&sync.worker);
    gate_open(values, ENOSPC);
    errand_join(&sync, SEGJ_ERR_NO_SPACE);
    assert_non_null(strstr(sync.sentence, "test_values/0000000000000003"));
    check_poisoned(stage, "test_values/0000000000000003");
}

static void failed_flush_of_the_index_waits_for_the_other_one(void **state)
{
    stage_t *stage = *state;
    errand_t sync;
    append_samples(stage->journal, SECTION, 0, BEFORE);
    watched_fail(stage->watched, CALL_SYNC, PART_INDEX, SECTION, EIO);
    gate_t *values = gate_syncs(stage, PART_VALUES);
    errand_start(&sync, stage, call_sync, SECTION);
    gate_await(values, 1);
    await_blocked(&sync.worker);
    gate_open(values, 0);
    errand_join(&sync, SEGJ_ERR_IO);
    assert_non_null(strstr(sync.sentence, "test_index/0000000000000003"));
    check_poisoned(stage, "test_index/0000000000000003");
}

static void of_two_failed_flushes_the_index_is_told(void **state)
{
    stage_t *stage = *state;
    append_samples(stage->journal, SECTION, 0, BEFORE);
    watched_fail(stage->watched, CALL_SYNC, PART_INDEX, SECTION, EIO);
    watched_fail(stage->watched, CALL_SYNC, PART_VALUES, SECTION, ENOSPC);
    assert_status(oversized_sync(stage->journal, SECTION), SEGJ_ERR_IO);
    assert_non_null(strstr(segj_last_error(), "test_index/0000000000000003"));
    check_poisoned(stage, "test_index/0000000000000003");
}

/* --- the thread's life --- */

/* Beside a sync whose values are parked. */
static void end_beside_sync(stage_t *stage, segj_status_t (*end)(oversized_t *journal, uint64_t unused))
{
    errand_t sync;
    errand_t ending;
    append_samples(stage->journal, SECTION, 0, BEFORE);
    watched_forget(stage->watched);
    gate_t *values = gate_syncs(stage, PART_VALUES);
    errand_start(&sync, stage, call_sync, SECTION);
    gate_await(values, 1);
    errand_start(&ending, stage, end, 0);
    stage->journal = NULL;
    await_waiting(2); /* the sync for its values, and the end for the sync */
    assert_int_equal(watched_count(stage->watched, CALL_UNLOCK, PART_INDEX, ANY_SECTION), 0);
    gate_open(values, 0);
    errand_join(&sync, SEGJ_OK);
    errand_join(&ending, SEGJ_OK);
    assert_int_equal(watched_count(stage->watched, CALL_UNLOCK, PART_INDEX, ANY_SECTION), 1);
    assert_int_equal(atomic_load(&made), atomic_load(&joined));
}

static void close_waits_for_a_sync_and_ends_the_thread(void **state)
{
    stage_t *stage = *state;
    end_beside_sync(stage, call_close);
    stage_reopen(stage);
    check_samples(stage->journal, SECTION, BEFORE);
}

static void destroy_waits_for_a_sync_and_ends_the_thread(void **state)
{
    stage_t *stage = *state;
    end_beside_sync(stage, call_destroy);
}

static void each_journal_that_syncs_makes_one_thread_and_ends_it(void **state)
{
    stage_t *stage = *state;
    for (uint64_t i = 0; i < REOPENINGS; i++) {
        append_samples(stage->journal, SECTION, 2 * i, 1);
        assert_ok(oversized_sync(stage->journal, SECTION));
        append_samples(stage->journal, SECTION, 2 * i + 1, 1);
        assert_ok(oversized_sync(stage->journal, SECTION));
        assert_int_equal(atomic_load(&made), i + 1);
        assert_int_equal(atomic_load(&joined), i);
        if (i % 2 == 0)
            oversized_abandon(stage->journal);
        else
            assert_ok(oversized_close(stage->journal));
        assert_int_equal(atomic_load(&joined), i + 1);
        assert_ok(oversized_open(&stage->config, &stage->journal));
    }
    check_samples(stage->journal, SECTION, 2 * (uint64_t)REOPENINGS);
}

static void journal_without_a_sync_has_no_thread(void **state)
{
    stage_t *stage = *state;
    append_samples(stage->journal, SECTION, 0, BEFORE);
    check_samples(stage->journal, SECTION, BEFORE);
    assert_int_equal(atomic_load(&made), 0);
    assert_ok(oversized_sync(stage->journal, SECTION));
    stage_reopen(stage);
    assert_int_equal(atomic_load(&made), 1);
    stage->config.read_only = true;
    stage_reopen(stage);
    check_samples(stage->journal, SECTION, BEFORE);
    assert_status(oversized_sync(stage->journal, SECTION), SEGJ_ERR_READ_ONLY);
    stage->config.read_only = stage->config.parallel_flush = false;
    stage_reopen(stage);
    append_samples(stage->journal, SECTION, BEFORE, 1);
    assert_ok(oversized_sync(stage->journal, SECTION));
    assert_int_equal(atomic_load(&made), 1);
}

static void thread_takes_no_signals_and_who_makes_it_goes_on_taking_them(void **state)
{
    stage_t *stage = *state;
    sigset_t before;
    sigset_t after;
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &before), 0);
    append_samples(stage->journal, SECTION, 0, BEFORE);
    assert_ok(oversized_sync(stage->journal, SECTION));
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &after), 0);
    static const int signals[] = {SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGCHLD, SIGPIPE};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        assert_int_equal(sigismember(&inherited, signals[i]), 1);
        assert_int_equal(sigismember(&after, signals[i]), sigismember(&before, signals[i]));
    }
}

static void count_line(void *context, segj_log_level_t level, const char *message)
{
    unsigned *lines = context;
    (void)message;
    lines[level]++;
}

static void without_a_thread_syncs_go_on_and_one_line_says_so(void **state)
{
    stage_t *stage = *state;
    unsigned lines[LOG_LEVELS] = {0};
    stage->config.log = count_line;
    stage->config.log_context = lines;
    stage_reopen(stage);
    memset(lines, 0, sizeof lines);
    watched_forget(stage->watched);
    atomic_store(&refusal, EAGAIN);
    for (uint64_t i = 0; i < 3; i++) {
        append_samples(stage->journal, SECTION, i, 1);
        assert_ok(oversized_sync(stage->journal, SECTION));
        check_crash(stage, SECTION, i + 1);
    }
    atomic_store(&refusal, 0);
    assert_int_equal(lines[SEGJ_LOG_WARNING], 1);
    assert_int_equal(lines[SEGJ_LOG_ERROR], 0);
    stage_reopen(stage);
    assert_int_equal(atomic_load(&made), 0);
    assert_int_equal(atomic_load(&joined), 0);
    check_samples(stage->journal, SECTION, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PARALLEL_TEST(both_files_are_flushed_at_the_same_time),
        PARALLEL_TEST(failed_flush_of_the_values_is_told_and_poisons),
        PARALLEL_TEST(sync_waits_for_the_flush_of_the_values),
        PARALLEL_TEST(sync_makes_the_flush_of_the_index_itself),
        PARALLEL_TEST(sync_of_another_section_does_not_wait_for_the_thread),
        PARALLEL_TEST(syncs_of_several_threads_are_all_covered),
        PARALLEL_TEST(failed_flush_of_the_index_waits_for_the_other_one),
        PARALLEL_TEST(of_two_failed_flushes_the_index_is_told),
        PARALLEL_TEST(close_waits_for_a_sync_and_ends_the_thread),
        PARALLEL_TEST(destroy_waits_for_a_sync_and_ends_the_thread),
        PARALLEL_TEST(each_journal_that_syncs_makes_one_thread_and_ends_it),
        PARALLEL_TEST(journal_without_a_sync_has_no_thread),
        PARALLEL_TEST(thread_takes_no_signals_and_who_makes_it_goes_on_taking_them),
        PARALLEL_TEST(without_a_thread_syncs_go_on_and_one_line_says_so),
    };
    return cmocka_run_group_tests_name("parallel_flush", tests, NULL, NULL);
}
