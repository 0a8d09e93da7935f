/*
 * Parts of a cluster fail under a journal that is written: an OSD dies and comes back, two of three, the monitor, an OSD
 * stands still, the pool is full; nothing that was told is lost, every call answers in its time, and errors come where
 * src/RADOS.md says so. It ends parts of the cluster in SEGJ_CEPH, and runs alone in it.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rados/worker.h"

/* Something that is written, and looked after. */
typedef struct scene {
    char directory[64];
    segj_storage_rados_options_t options;
    worker_t worker;
    uint64_t told;
    double last, gap; /* when it told the last time; the longest time between two */
    bool failed;
    told_t failure;
} scene_t;

static scene_t scene_begin(uint32_t timeout_seconds)
{
    scene_t scene = {.options = cluster_options()};
    (void)cluster_directory(scene.directory);
    scene.options.lock_seconds = 5;
    scene.options.timeout_seconds = timeout_seconds;
    scene.worker = worker_start(scene.directory, &scene.options, 1000);
    (void)worker_expect(&scene.worker, WORD_OPEN, PATIENCE);
    scene.last = seconds_now();
    return scene;
}

/* Listens for so long, or until it has told of so many more numbers. Gives how many those were. */
static uint64_t scene_listen(scene_t *scene, double seconds, uint64_t wanted)
{
    double until = seconds_now() + seconds;
    uint64_t before = scene->told;
    while (seconds_now() < until && scene->told - before < wanted && !scene->failed) {
        told_t told;
        if (!worker_hear(&scene->worker, 20, &told))
            continue;
        if (told.word == WORD_SYNCED) {
            double now = seconds_now();
            scene->gap = now - scene->last > scene->gap ? now - scene->last : scene->gap;
            scene->last = now;
            scene->told = told.number + 1;
        } else {
            scene->failed = true;
            scene->failure = told;
        }
    }
    return scene->told - before;
}

static void scene_goes_on(scene_t *scene, uint64_t wanted)
{
    if (scene_listen(scene, PATIENCE / 1000.0, wanted) < wanted)
        fail_msg("it does not go on within %d s: %s", PATIENCE / 1000,
                 scene->failed ? scene->failure.sentence : "no word");
}

/* Listens until it has told of nothing for 4 seconds. */
static void scene_stands_still(scene_t *scene)
{
    double until = seconds_now() + PATIENCE / 1000.0;
    while (scene_listen(scene, 4, UINT64_MAX) > 0)
        if (seconds_now() > until)
            fail_msg("it does not stand still");
}

/* All OSDs are up, and the cluster answers. */
static void await_osds(void)
{
    char line[2 * PATH_LIMIT];
    double until = seconds_now() + PATIENCE / 1000.0;
    (void)snprintf(line, sizeof line,
                   "ceph -c '%s/ceph.conf' --connect-timeout 60 osd stat 2>/dev/null | grep -q ' 3 up' && "
                   "rados -c '%s/ceph.conf' -p segj put await-osds /dev/null && "
                   "rados -c '%s/ceph.conf' -p segj rm await-osds",
                   getenv("SEGJ_CEPH"), getenv("SEGJ_CEPH"), getenv("SEGJ_CEPH"));
    while (system(line) != 0) { /* NOLINT(cert-env33-c) */
        if (seconds_now() > until)
            fail_msg("not all OSDs come back");
        sleep_milliseconds(500);
    }
}

/* Kills what writes, and looks at what there is. */
static void scene_end(scene_t *scene, const char *what)
{
    scene->told = worker_drain(&scene->worker, scene->told);
    worker_kill(&scene->worker);
    segj_storage_t *storage = cluster_storage(&scene->options);
    oversized_config_t config = worker_config(storage, scene->directory);
    oversized_t *journal = NULL;
    assert_ok(oversized_open(&config, &journal));
    uint64_t found = numbers_check(journal);
    assert_true(found >= scene->told);
    assert_ok(number_append(journal, found));
    assert_ok(oversized_destroy(journal));
    segj_storage_rados_destroy(storage);
    print_message("%s: %llu numbers, the longest pause %.1f s\n", what, (unsigned long long)scene->told, scene->gap);
}

static void signal_osd(const char *who, int number)
{
    char line[2 * PATH_LIMIT];
    char text[32] = "";
    (void)snprintf(line, sizeof line, "sh '%s/cmake/ceph.sh' pid %s '%s'", SEGJ_SOURCE_DIRECTORY, who,
                   getenv("SEGJ_CEPH"));
    FILE *output = popen(line, "r"); /* NOLINT(cert-env33-c): a script of this project's */
    assert_non_null(output);
    assert_non_null(fgets(text, sizeof text, output));
    (void)pclose(output);
    assert_int_equal(kill((pid_t)strtol(text, NULL, 10), number), 0);
}

static void an_osd_dies_and_comes_back(void **state)
{
    (void)state;
    scene_t scene = scene_begin(PATIENCE / 1000);
    scene_goes_on(&scene, 20);
    cluster_do("kill", "osd.1");
    scene_goes_on(&scene, 50);
    double paused = scene.gap;
    scene.gap = 0;
    scene.last = seconds_now();
    cluster_do("revive", "osd.1");
    await_osds();
    (void)scene_listen(&scene, 5, UINT64_MAX); /* it becomes primary again */
    scene_goes_on(&scene, 20);
    assert_false(scene.failed);
    print_message("an OSD dies: a pause of %.1f s\n", paused);
    scene_end(&scene, "it comes back");
    double bound = cluster_bound(25);
    assert_true(paused < bound && scene.gap < bound);
}

static void two_osds_die_and_come_back(void **state)
{
    (void)state;
    scene_t scene = scene_begin(PATIENCE / 1000);
    scene_goes_on(&scene, 20);
    cluster_do("kill", "osd.0");
    cluster_do("kill", "osd.2");
    scene_stands_still(&scene);
    assert_false(scene.failed);
    cluster_do("revive", "osd.0");
    cluster_do("revive", "osd.2");
    scene_goes_on(&scene, 50);
    assert_false(scene.failed);
    scene_end(&scene, "two OSDs die and come back");
}

/* Nobody knows of the last write what became of it. */
static void two_osds_are_away_for_too_long(void **state)
{
    (void)state;
    enum { TIMEOUT = 8 };
    scene_t scene = scene_begin(TIMEOUT);
    scene_goes_on(&scene, 20);
    cluster_do("kill", "osd.0");
    cluster_do("kill", "osd.2");
    (void)scene_listen(&scene, PATIENCE / 1000.0, UINT64_MAX);
    assert_true(scene.failed);
    assert_int_equal(scene.failure.word, WORD_FAILED);
    assert_int_equal(scene.failure.status, SEGJ_ERR_IO);
    assert_int_equal(worker_expect(&scene.worker, WORD_NEXT, PATIENCE).status, SEGJ_ERR_POISONED);
    print_message("after %.1f s: %s\n", scene.failure.after, scene.failure.sentence);
    cluster_do("revive", "osd.0");
    cluster_do("revive", "osd.2");
    await_osds();
    assert_true(scene.failure.after < cluster_bound(2 * TIMEOUT + 5));
    scene.options.timeout_seconds = PATIENCE / 1000;
    scene_end(&scene, "two OSDs are away for longer than the timeout");
}

static void the_monitor_dies(void **state)
{
    segj_storage_t *storage = NULL;
    (void)state;
    scene_t scene = scene_begin(PATIENCE / 1000);
    scene_goes_on(&scene, 20);
    cluster_do("kill", "mon");
    scene_goes_on(&scene, 100);
    segj_storage_rados_options_t options = scene.options;
    options.timeout_seconds = 5;
    double begin = seconds_now();
    assert_status(segj_storage_rados_create(&options, &storage), SEGJ_ERR_IO);
    double took = seconds_now() - begin;
    print_message("no monitor: after %.1f s: %s\n", took, segj_last_error());
    cluster_do("revive", "mon");
    assert_true(took < cluster_bound(15));
    scene_goes_on(&scene, 20);
    assert_false(scene.failed);
    scene_end(&scene, "the monitor dies and comes back");
}

static void an_osd_stands_still(void **state)
{
    (void)state;
    scene_t scene = scene_begin(PATIENCE / 1000);
    scene_goes_on(&scene, 20);
    for (int i = 0; i < 2; i++) {
        signal_osd(i == 0 ? "osd.1" : "osd.2", SIGSTOP);
        (void)scene_listen(&scene, 2, UINT64_MAX);
        signal_osd(i == 0 ? "osd.1" : "osd.2", SIGCONT);
        scene_goes_on(&scene, 20);
    }
    assert_false(scene.failed);
    scene_end(&scene, "OSDs stand still for 2 s");
}

/* --- a full pool --- */

static void ceph(const char *arguments)
{
    char line[2 * PATH_LIMIT];
    (void)snprintf(line, sizeof line, "ceph -c '%s/ceph.conf' --connect-timeout 60 %s >/dev/null 2>&1",
                   getenv("SEGJ_CEPH"), arguments);
    assert_int_equal(system(line), 0); /* NOLINT(cert-env33-c) */
}

static void a_full_pool(void **state)
{
    char room[64];
    const char *directory = cluster_directory(room);
    segj_storage_rados_options_t options = cluster_options();
    options.lock_seconds = 5;
    segj_storage_t *storage = cluster_storage(&options);
    oversized_config_t config = worker_config(storage, directory);
    oversized_t *journal = NULL;
    segj_status_t status = SEGJ_OK;
    bool pruned = false;
    (void)state;
    assert_ok(oversized_open(&config, &journal));
    uint64_t number = 0;
    for (; number < NUMBERS_A_SECTION + 10; number++)
        assert_ok(number_append(journal, number));
    ceph("osd set-nearfull-ratio 0.0001");
    ceph("osd set-backfillfull-ratio 0.0002");
    ceph("osd set-full-ratio 0.0003");
    double until = seconds_now() + PATIENCE / 1000.0;
    while (status == SEGJ_OK && seconds_now() < until) {
        status = number_append(journal, number);
        number += status == SEGJ_OK;
        sleep_milliseconds(20);
    }
    print_message("a full pool, after %llu numbers: %s\n", (unsigned long long)number, segj_last_error());
    assert_int_equal(status, SEGJ_ERR_NO_SPACE);
    oversized_abandon(journal);
    /* It is opened, read and pruned all the same. */
    assert_ok(oversized_open(&config, &journal));
    assert_true(numbers_check(journal) >= number);
    assert_ok(oversized_prune(journal, 2, &pruned));
    assert_true(pruned);
    ceph("osd set-full-ratio 0.95");
    ceph("osd set-backfillfull-ratio 0.9");
    ceph("osd set-nearfull-ratio 0.85");
    until = seconds_now() + PATIENCE / 1000.0;
    do { /* until the OSDs have heard of it */
        sleep_milliseconds(500);
        oversized_abandon(journal);
        assert_ok(oversized_open(&config, &journal));
        uint64_t found = numbers_check_from(journal, 2);
        assert_true(found >= number);
        status = number_append(journal, found);
    } while (status == SEGJ_ERR_NO_SPACE && seconds_now() < until);
    assert_ok(status);
    assert_ok(oversized_destroy(journal));
    segj_storage_rados_destroy(storage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_osd_stands_still),        cmocka_unit_test(an_osd_dies_and_comes_back),
        cmocka_unit_test(two_osds_die_and_come_back), cmocka_unit_test(two_osds_are_away_for_too_long),
        cmocka_unit_test(the_monitor_dies),           cmocka_unit_test(a_full_pool),
    };
    if (!cluster_is_there())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
