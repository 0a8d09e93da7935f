/*
 * One owner at a time: a process that was stopped while another one took its journal over wakes up, changes no byte and
 * says so; of owners that are killed at any moment, while others wait, nothing is lost that they have told of. (How often is
 * SEGJ_RADOS_KILLS.)
 */
#include "rados/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- stopped owners --- */

/* Stopped in the midst of appends; then another owner has come, and the first one wakes up. */
static void stop_and_take_over(unsigned pause, unsigned milliseconds)
{
    char room[64];
    const char *directory = cluster_directory(room);
    segj_storage_rados_options_t options = cluster_options();
    options.lock_seconds = 2;
    worker_t worker = worker_start(directory, &options, pause);
    uint64_t told = 0;
    (void)worker_expect(&worker, WORD_OPEN, PATIENCE);
    for (int i = 0; i < 60; i++)
        told = worker_expect(&worker, WORD_SYNCED, PATIENCE).number + 1;
    sleep_milliseconds(milliseconds);
    assert_int_equal(kill(worker.process, SIGSTOP), 0);
    told = worker_drain(&worker, told);

    segj_storage_t *storage = cluster_storage(&options);
    oversized_config_t config = worker_config(storage, directory);
    oversized_t *journal = NULL;
    double begin = seconds_now();
    assert_ok(oversized_open(&config, &journal));
    double took = seconds_now() - begin;
    assert_true(took < cluster_bound(options.lock_seconds + 20)); /* 2 s on an idle machine */
    uint64_t found = numbers_check(journal);
    assert_in_range(found, told, told + 1); /* the last one may be synced and not told of */
    for (uint64_t i = 0; i < 70; i++)
        assert_ok(number_append(journal, found + i));

    uint64_t before = cluster_hash(directory);
    assert_int_equal(kill(worker.process, SIGCONT), 0);
    told_t failed = worker_expect(&worker, WORD_FAILED, PATIENCE);
    told_t next = worker_expect(&worker, WORD_NEXT, PATIENCE);
    if (failed.status != SEGJ_ERR_LOCKED || next.status != SEGJ_ERR_POISONED)
        fail_msg("it says %s, then %s: %s", segj_status_name((segj_status_t)failed.status),
                 segj_status_name((segj_status_t)next.status), failed.sentence);
    assert_non_null(strstr(failed.sentence, "another opener"));
    sleep_milliseconds(300);
    assert_int_equal(cluster_hash(directory), before);
    worker_kill(&worker);

    assert_int_equal(numbers_check(journal), found + 70);
    assert_ok(number_append(journal, found + 70)); /* the owner goes on */
    assert_ok(oversized_close(journal));
    assert_ok(oversized_open(&config, &journal));
    assert_int_equal(numbers_check(journal), found + 71);
    assert_ok(oversized_destroy(journal));
    segj_storage_rados_destroy(storage);
    print_message("taken over after %.1f s; the first owner said: %s\n", took, failed.sentence);
}

static void a_stopped_owner_changes_nothing(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 6; i++)
        stop_and_take_over(i % 2 == 0 ? 0 : 3000, i * 7);
}

/* A lock that somebody breaks, and that nobody else takes, is taken again: the owner goes on. */
static void a_lock_that_is_broken_is_taken_again(void **state)
{
    char room[64];
    char object[128];
    const char *directory = cluster_directory(room);
    segj_storage_rados_options_t options = cluster_options();
    segj_storage_t *storage = cluster_storage(&options);
    oversized_config_t config = worker_config(storage, directory);
    oversized_t *journal = NULL;
    oversized_t *other = NULL;
    (void)state;
    assert_ok(oversized_open(&config, &journal));
    assert_ok(number_append(journal, 0));

    (void)snprintf(object, sizeof object, "%s:index", directory);
    assert_true(cluster_break_lock(object));
    double until = seconds_now() + PATIENCE / 1000.0;
    while (!cluster_is_locked(object) && seconds_now() < until)
        sleep_milliseconds(100);
    assert_ok(number_append(journal, 1));
    config.lock_wait_ms = 0;
    assert_status(oversized_open(&config, &other), SEGJ_ERR_LOCKED);
    assert_ok(number_append(journal, 2));
    assert_int_equal(numbers_check(journal), 3);
    assert_ok(oversized_destroy(journal));
    segj_storage_rados_destroy(storage);
}

/* --- killed owners --- */

enum { LANES = 12 };

typedef struct lane {
    char directory[64];
    worker_t owner, standby;
    bool stands_by;
    uint64_t told;
    double kill_at; /* 0: the owner has not opened yet */
    double killed;
} lane_t;

/* A machine that is too busy to renew a lock in time loses it: then the next one takes over as well. One that has waited for
 * the lock as long as it does is replaced by another one. */
static void lane_listen(lane_t *lane, const segj_storage_rados_options_t *options, double *worst, long *lost)
{
    told_t told;
    while (worker_hear(&lane->owner, 0, &told)) {
        if (told.word == WORD_FAILED && told.status != SEGJ_ERR_LOCKED)
            fail_msg("an owner has failed: %s", told.sentence);
        if (told.word == WORD_FAILED && !lane->stands_by) {
            worker_kill(&lane->owner);
            lane->owner = worker_start(lane->directory, options, 0);
            return;
        }
        if (told.word == WORD_FAILED) {
            ++*lost;
            lane->kill_at = seconds_now();
            return;
        }
        if (told.word == WORD_OPEN) {
            /* Nothing that any former owner told of is missing. */
            if (told.number < lane->told)
                fail_msg("%s: %llu numbers were told, %llu are there", lane->directory, (unsigned long long)lane->told,
                         (unsigned long long)told.number);
            lane->standby = worker_start(lane->directory, options, 0); /* not before: it could be the quicker one */
            lane->stands_by = true;
            if (lane->killed > 0 && seconds_now() - lane->killed > *worst)
                *worst = seconds_now() - lane->killed;
            lane->kill_at = seconds_now() + (double)(rand() % 500) / 1000; /* NOLINT */
        } else if (told.number + 1 > lane->told) {
            lane->told = told.number + 1;
        }
    }
}

/* True: one was killed. */
static bool lane_kill(lane_t *lane)
{
    if (lane->kill_at == 0 || seconds_now() < lane->kill_at)
        return false;
    (void)kill(lane->owner.process, SIGKILL);
    lane->told = worker_drain(&lane->owner, lane->told);
    worker_kill(&lane->owner);
    lane->killed = seconds_now();
    lane->owner = lane->standby;
    lane->stands_by = false;
    lane->kill_at = 0;
    return true;
}

static void killed_owners_lose_nothing(void **state)
{
    const char *text = getenv("SEGJ_RADOS_KILLS");
    long wanted = text != NULL ? strtol(text, NULL, 10) : 40;
    segj_storage_rados_options_t options = cluster_options();
    static lane_t lanes[LANES];
    double worst = 0;
    double begin = seconds_now();
    long kills = 0;
    long lost = 0;
    (void)state;
    options.lock_seconds = 3;
    srand(1);
    for (int i = 0; i < LANES; i++) {
        (void)cluster_directory(lanes[i].directory);
        lanes[i].owner = worker_start(lanes[i].directory, &options, 0);
    }
    double last = seconds_now();
    while (kills < wanted) {
        for (int i = 0; i < LANES; i++) {
            lane_listen(&lanes[i], &options, &worst, &lost);
            if (lane_kill(&lanes[i])) {
                kills++;
                last = seconds_now();
            }
        }
        if (seconds_now() > last + PATIENCE / 1000.0)
            fail_msg("no standby has taken over for %d s", PATIENCE / 1000);
        sleep_milliseconds(2);
    }
    uint64_t told = 0;
    for (int i = 0; i < LANES; i++) {
        if (lanes[i].stands_by)
            worker_kill(&lanes[i].standby);
        (void)kill(lanes[i].owner.process, SIGKILL);
        lanes[i].told = worker_drain(&lanes[i].owner, lanes[i].told);
        worker_kill(&lanes[i].owner);
        told += lanes[i].told;
    }
    segj_storage_t *storage = cluster_storage(&options);
    for (int i = 0; i < LANES; i++) {
        oversized_config_t config = worker_config(storage, lanes[i].directory);
        oversized_t *journal = NULL;
        assert_ok(oversized_open(&config, &journal));
        assert_true(numbers_check(journal) >= lanes[i].told);
        assert_ok(oversized_destroy(journal));
    }
    segj_storage_rados_destroy(storage);
    print_message("%ld owners were killed in %.0f s, %ld of which had lost their lock; %llu numbers were told, and are "
                  "there; the longest take-over took %.1f s\n",
                  kills, seconds_now() - begin, lost, (unsigned long long)told, worst);
    assert_true(worst < cluster_bound(options.lock_seconds + 20));
}

/* What was flushed is the cluster's, whoever dies; the journals' locks run out meanwhile. */
static void what_was_flushed_outlives_its_process(void **state)
{
    enum { JOURNALS = 6, ROUNDS = 3 };
    static char directories[JOURNALS][64];
    static uint64_t told[JOURNALS];
    worker_t workers[JOURNALS];
    segj_storage_rados_options_t options = cluster_options();
    uint64_t sum = 0;
    (void)state;
    options.lock_seconds = 2;
    for (int i = 0; i < JOURNALS; i++)
        (void)cluster_directory(directories[i]);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < JOURNALS; i++)
            workers[i] = worker_start_flushing(directories[i], &options);
        for (int i = 0; i < JOURNALS; i++) {
            uint64_t found = worker_expect(&workers[i], WORD_OPEN, PATIENCE).number;
            if (found < told[i])
                fail_msg("%llu numbers were flushed, %llu are there", (unsigned long long)told[i],
                         (unsigned long long)found);
        }
        for (int i = 0; i < JOURNALS; i++) {
            for (int j = 0; j < 7 * i; j++)
                told[i] = worker_expect(&workers[i], WORD_SYNCED, PATIENCE).number + 1;
            (void)kill(workers[i].process, SIGKILL);
            told[i] = worker_drain(&workers[i], told[i]);
            worker_kill(&workers[i]);
        }
    }
    segj_storage_t *storage = cluster_storage(&options);
    for (int i = 0; i < JOURNALS; i++) {
        oversized_config_t config = worker_config(storage, directories[i]);
        oversized_t *journal = NULL;
        assert_ok(oversized_open(&config, &journal));
        assert_true(numbers_check(journal) >= told[i]);
        assert_ok(oversized_destroy(journal));
        sum += told[i];
    }
    segj_storage_rados_destroy(storage);
    print_message("%d owners were killed; %llu numbers were flushed and never synced, and are there\n",
                  JOURNALS * ROUNDS, (unsigned long long)sum);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stopped_owner_changes_nothing),
        cmocka_unit_test(a_lock_that_is_broken_is_taken_again),
        cmocka_unit_test(killed_owners_lose_nothing),
        cmocka_unit_test(what_was_flushed_outlives_its_process),
    };
    if (!cluster_is_there())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
