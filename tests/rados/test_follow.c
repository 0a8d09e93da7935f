/*
 * A follower in another process shows all that is written to a journal in a cluster, also when its owner is killed and the
 * next one goes on; and tells of sections that are removed beneath it.
 */
#include "rados/worker.h"
#include "support/mirror.h"

/* Follows until it has shown so many records. */
static void follow_until(oversized_follower_t *follower, mirror_t *mirror, uint64_t wanted)
{
    double until = seconds_now() + PATIENCE / 1000.0;
    while (mirror->shown < wanted) {
        (void)mirror_drain(mirror, follower);
        if (seconds_now() > until)
            fail_msg("%llu records are shown, and %llu are there", (unsigned long long)mirror->shown,
                     (unsigned long long)wanted);
        sleep_milliseconds(20);
    }
}

static void a_follower_shows_everything(void **state)
{
    char room[64];
    const char *directory = cluster_directory(room);
    segj_storage_rados_options_t options = cluster_options();
    options.lock_seconds = 3;
    mirror_t mirror = {0};
    uint64_t told = 0;
    (void)state;
    worker_t owner = worker_start(directory, &options, 0);
    (void)worker_expect(&owner, WORD_OPEN, PATIENCE);
    worker_t standby = worker_start(directory, &options, 0);
    while (told < 60)
        told = worker_expect(&owner, WORD_SYNCED, PATIENCE).number + 1;

    segj_storage_t *storage = cluster_storage(&options);
    oversized_config_t config = worker_config(storage, directory);
    oversized_follow_options_t how;
    oversized_follower_t *follower = NULL;
    oversized_follow_options_init(&how);
    assert_ok(oversized_follow_open(&config, &how, &follower));
    follow_until(follower, &mirror, told);
    told = worker_drain(&owner, told);
    worker_kill(&owner);
    uint64_t found = worker_expect(&standby, WORD_OPEN, PATIENCE).number;
    assert_true(found >= told);
    for (told = found; told < found + 80;)
        told = worker_expect(&standby, WORD_SYNCED, PATIENCE).number + 1;
    follow_until(follower, &mirror, told);
    told = worker_drain(&standby, told);
    worker_kill(&standby);

    oversized_t *journal = NULL;
    bool pruned = false;
    assert_ok(oversized_open(&config, &journal));
    assert_true(numbers_check(journal) >= told);
    (void)mirror_drain(&mirror, follower);
    mirror_check(&mirror, journal);
    assert_ok(oversized_prune(journal, 2, &pruned));
    assert_ok(numbers_rewind(journal, numbers_check_from(journal, 2) - 1));
    double until = seconds_now() + PATIENCE / 1000.0;
    while ((mirror.removed == 0 || mirror.rewound == 0) && seconds_now() < until)
        (void)mirror_drain(&mirror, follower);
    assert_true(mirror.removed > 0);
    mirror_check(&mirror, journal);
    oversized_follow_close(follower);
    mirror_free(&mirror);
    assert_ok(oversized_destroy(journal));
    segj_storage_rados_destroy(storage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_follower_shows_everything)};
    if (!cluster_is_there())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
