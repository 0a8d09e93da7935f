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

#include <rados/librados.h>

/* --- what lies in the cluster --- */

/* A number for all bytes, epochs and names of a directory's objects. */
static uint64_t look_at_objects(const char *directory)
{
    segj_storage_rados_options_t options = cluster_options();
    rados_t cluster;
    rados_ioctx_t pool;
    rados_list_ctx_t list;
    const char *object;
    uint64_t sum = 0;
    static char bytes[128 << 10];
    assert_int_equal(rados_create(&cluster, options.client), 0);
    assert_int_equal(rados_conf_read_file(cluster, options.configuration), 0);
    assert_int_equal(rados_connect(cluster), 0);
    assert_int_equal(rados_ioctx_create(cluster, options.pool, &pool), 0);
    assert_int_equal(rados_nobjects_list_open(pool, &list), 0);
    while (rados_nobjects_list_next(list, &object, NULL, NULL) == 0) {
        char epoch[64] = "";
        uint64_t hash = UINT64_C(0xcbf29ce484222325);
        if (strncmp(object, directory, strlen(directory)) != 0)
            continue;
        int size = rados_read(pool, object, bytes, sizeof bytes, 0);
        int known = rados_getxattr(pool, object, "e", epoch, sizeof epoch);
        assert_true(size >= 0);
        for (int i = 0; i < size; i++)
            hash = (hash ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
        for (int i = 0; i < known; i++)
            hash = (hash ^ (unsigned char)epoch[i]) * UINT64_C(0x100000001b3);
        for (const char *c = object; *c != '\0'; c++)
            hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
        sum += hash;
    }
    rados_nobjects_list_close(list);
    rados_ioctx_destroy(pool);
    rados_shutdown(cluster);
    return sum;
}

/* --- stopped owners --- */

/* Stopped in the midst of appends; then another owner has come, and the first one wakes up. */
static void stop_and_take_over(unsigned pause, unsigned milliseconds)
{
    char room[64];
    const char *directory = cluster_directory(room);
    segj_storage_rados_options_t options = cluster_options();
    worker_t worker = worker_start(directory, &options, pause);
    uint64_t told = 0;
    (void)worker_expect(&worker, WORD_OPEN, 60000);
    for (int i = 0; i < 60; i++)
        told = worker_expect(&worker, WORD_SYNCED, 30000).number + 1;
    sleep_milliseconds(milliseconds);
    assert_int_equal(kill(worker.process, SIGSTOP), 0);
    told = worker_drain(&worker, told);

    segj_storage_t *storage = cluster_storage(&options);
    oversized_config_t config = worker_config(storage, directory);
    oversized_t *journal = NULL;
    double begin = seconds_now();
    assert_ok(oversized_open(&config, &journal));
    double took = seconds_now() - begin;
    assert_true(took < options.lock_seconds + 20); /* 2 s on an idle machine */
    uint64_t found = numbers_check(journal);
    assert_in_range(found, told, told + 1); /* the last one may be synced and not told of */
    for (uint64_t i = 0; i < 70; i++)
        assert_ok(number_append(journal, found + i));

    uint64_t before = look_at_objects(directory);
    assert_int_equal(kill(worker.process, SIGCONT), 0);
    told_t failed = worker_expect(&worker, WORD_FAILED, 20000);
    told_t next = worker_expect(&worker, WORD_NEXT, 20000);
    if (failed.status != SEGJ_ERR_LOCKED || next.status != SEGJ_ERR_POISONED)
        fail_msg("it says %s, then %s: %s", segj_status_name((segj_status_t)failed.status),
                 segj_status_name((segj_status_t)next.status), failed.sentence);
    assert_non_null(strstr(failed.sentence, "another opener"));
    assert_true(failed.after < 10 + took + 70);
    sleep_milliseconds(300);
    assert_int_equal(look_at_objects(directory), before);
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

    char tag[64];
    char clients[256];
    char cookies[256];
    char addresses[256];
    size_t sizes[4] = {sizeof tag, sizeof clients, sizeof cookies, sizeof addresses};
    int exclusive = 0;
    rados_t cluster;
    rados_ioctx_t pool;
    assert_int_equal(rados_create(&cluster, options.client), 0);
    assert_int_equal(rados_conf_read_file(cluster, options.configuration), 0);
    assert_int_equal(rados_connect(cluster), 0);
    assert_int_equal(rados_ioctx_create(cluster, options.pool, &pool), 0);
    (void)snprintf(object, sizeof object, "%s:index", directory);
    assert_int_equal(rados_list_lockers(pool, object, "segjournal", &exclusive, tag, &sizes[0], clients, &sizes[1],
                                        cookies, &sizes[2], addresses, &sizes[3]),
                     1);
    assert_int_equal(rados_unlock(pool, object, "segjournal", cookies), -ENOENT); /* another client's */
    char line[2048];
    (void)snprintf(line, sizeof line, "rados -c '%s' --id %s -p %s lock break '%s' segjournal %s --lock-cookie %s",
                   options.configuration, options.client, options.pool, object, clients, cookies);
    assert_int_equal(system(line), 0); /* NOLINT(cert-env33-c) */
    sleep_milliseconds(options.lock_seconds * 1000);
    assert_ok(number_append(journal, 1));
    config.lock_wait_ms = 0;
    assert_status(oversized_open(&config, &other), SEGJ_ERR_LOCKED);
    assert_ok(number_append(journal, 2));
    assert_int_equal(numbers_check(journal), 3);
    assert_ok(oversized_destroy(journal));
    rados_ioctx_destroy(pool);
    rados_shutdown(cluster);
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

/* A machine that is too busy to renew a lock in time loses it: then the next one takes over as well. */
static void lane_listen(lane_t *lane, const segj_storage_rados_options_t *options, double *worst, long *lost)
{
    told_t told;
    while (worker_hear(&lane->owner, 0, &told)) {
        if (told.word == WORD_FAILED && told.status != SEGJ_ERR_LOCKED)
            fail_msg("an owner has failed: %s", told.sentence);
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
        if (seconds_now() > last + 60)
            fail_msg("no standby has taken over for a minute");
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
    assert_true(worst < options.lock_seconds + 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stopped_owner_changes_nothing),
        cmocka_unit_test(a_lock_that_is_broken_is_taken_again),
        cmocka_unit_test(killed_owners_lose_nothing),
    };
    if (!cluster_is_there())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
