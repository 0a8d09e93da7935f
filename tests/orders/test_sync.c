/*
 * orders/test_sync.c: every order in which three threads can append and sync, with the flushes between them:
 * who is told that it is durable was covered by a flush, nobody waits for ever, and all learn of a flush that fails.
 *
 * LINK_WRAP: pthread_mutex_lock pthread_mutex_trylock pthread_mutex_unlock pthread_cond_wait pthread_cond_broadcast
 * LINK_WRAP: segj_park_wait segj_park_wait_for segj_process_time segj_process_sleep
 * LINK_WRAP: segj_gate_enter segj_gate_try segj_gate_leave segj_gate_leave_for_long segj_gate_is_wanted
 * LINK_WRAP: segj_word_sleep segj_word_sleep_for segj_word_wake
 */
#include "orders/schedule.h"
#include "threads/stage.h"

#include <errno.h>

#include "oversized/section/section.h"

enum { SECTION = 3, BEFORE = 2, THREADS = 3, SYNCS_MOST = 8 };

/** What is played. */
typedef struct scene {
    const char *name;
    int preemptions;
    bool gathers;         /* the last sync has covered three calls: the next one waits for others */
    uint32_t fails_write; /* the number of a write, counted from the beginning of the order, or 0 */
    uint32_t fails_sync;
    void (*third)(struct scene *scene, int actor); /* what the third thread does; NULL: as the others */
    stage_t *stage;
    bool changed;                    /* the third thread has taken records or the section away */
    uint32_t covered_by[SYNCS_MOST]; /* how often all were covered by so many syncs of a file */
    uint64_t failures;
} scene_t;

static void begin(void *context)
{
    scene_t *scene = context;
    void *state = NULL;
    stage_set_up(&state);
    stage_t *stage = scene->stage = state;
    assert_ok(oversized_close(stage->journal));
    stage->config.storage = schedule_storage(stage->config.storage);
    assert_ok(oversized_open(&stage->config, &stage->journal));
    append_samples(stage->journal, SECTION, 0, BEFORE);
    assert_ok(oversized_sync(stage->journal, SECTION));
    if (scene->gathers) {
        segj_section_t *section = segj_journal_find(stage->journal, SECTION);
        section->group = THREADS;
        section->group_time = 1000;
    }
    scene->changed = false;
    schedule_refuse_write(scene->fails_write, ENOSPC);
    schedule_refuse_sync(scene->fails_sync, EIO);
}

/* Whether a power cut now would leave the record. */
static bool is_durable(const stage_t *stage, uint64_t position, uint64_t id)
{
    uint8_t entry[SMALL_ENTRY] = {0};
    segj_buffer_t value = {0};
    schedule_pause();
    stage_t *crash = stage_crash(stage);
    segj_status_t status = oversized_read(crash->journal, SECTION, position, entry, &value);
    bool durable = status == SEGJ_OK && get_u64(entry) == id && is_sample(SECTION, entry, &value);
    segj_buffer_free(&value);
    stage_free(crash);
    schedule_resume();
    return durable;
}

static void judge(scene_t *scene, int actor, segj_status_t status, uint64_t position, uint64_t id)
{
    if (status == SEGJ_OK && !scene->changed && !is_durable(scene->stage, position, id))
        schedule_fail("%c was told that its record is durable", 'A' + actor);
    if (status == SEGJ_OK)
        return;
    scene->failures++;
    bool expected = scene->fails_write > 0  ? status == SEGJ_ERR_NO_SPACE
                    : scene->fails_sync > 0 ? status == SEGJ_ERR_IO || status == SEGJ_ERR_POISONED
                                            : scene->third != NULL && status == SEGJ_ERR_PRUNED;
    if (!expected)
        schedule_fail("%c: %s: %s", 'A' + actor, segj_status_name(status), segj_last_error());
    if (segj_last_error()[0] == '\0')
        schedule_fail("%c has failed without a sentence", 'A' + actor);
}

static void act(void *context, int actor)
{
    scene_t *scene = context;
    uint64_t position = 0;
    uint64_t id = (uint64_t)(BEFORE + actor);
    if (actor == THREADS - 1 && scene->third != NULL) {
        scene->third(scene, actor);
        return;
    }
    segj_status_t status = append_sample(scene->stage->journal, SECTION, id, &position);
    if (status == SEGJ_OK)
        status = oversized_sync(scene->stage->journal, SECTION);
    judge(scene, actor, status, position, id);
}

/* What was not refused for good is made durable by another sync. */
static void end(void *context)
{
    scene_t *scene = context;
    stage_t *stage = scene->stage;
    uint32_t syncs = schedule_syncs() / 2;
    scene->covered_by[syncs < SYNCS_MOST ? syncs : SYNCS_MOST - 1]++;
    schedule_refuse_write(0, 0);
    schedule_refuse_sync(0, 0);
    uint64_t count = 0;
    if (scene->fails_sync == 0) {
        segj_status_t status = oversized_sync(stage->journal, SECTION);
        assert_true(status == SEGJ_OK || status == SEGJ_ERR_PRUNED);
        assert_true(oversized_count(stage->journal, SECTION, &count) == SEGJ_OK || scene->changed);
        if (!scene->changed) {
            assert_int_equal(count, BEFORE + THREADS - (scene->third != NULL));
            stage_t *crash = stage_crash(stage);
            assert_ok(oversized_count(crash->journal, SECTION, &count));
            assert_int_equal(count, BEFORE + THREADS - (scene->third != NULL));
            stage_free(crash);
        }
    }
    stage_free(stage);
    scene->stage = NULL;
}

static uint64_t explore(scene_t *scene)
{
    const schedule_play_t play = {scene->name, THREADS, scene->preemptions, begin, act, end, scene, false};
    return schedule_explore(&play);
}

static void three_threads_and_their_flushes(void **state)
{
    (void)state;
    scene_t scene = {.name = "append and sync", .preemptions = 2};
    explore(&scene);
    /* One sync covers all, or one and then another, or each has its own; never more. */
    assert_true(scene.covered_by[1] > 0 && scene.covered_by[2] > 0 && scene.covered_by[3] > 0);
    for (int i = 4; i < SYNCS_MOST; i++)
        assert_int_equal(scene.covered_by[i], 0);
    assert_int_equal(scene.failures, 0);
}

static void one_waits_for_the_others_first(void **state)
{
    (void)state;
    scene_t scene = {.name = "append and sync, with a wait for others", .preemptions = 2, .gathers = true};
    explore(&scene);
    assert_true(scene.covered_by[1] > 0 && scene.covered_by[2] > 0);
    assert_int_equal(scene.failures, 0);
}

static void all_learn_of_a_flush_that_fails(void **state)
{
    (void)state;
    for (uint32_t number = 1; number <= 2; number++) {
        scene_t scene = {.name = "a flush fails", .preemptions = 1, .fails_sync = number};
        explore(&scene);
        assert_true(scene.failures > 0);
        scene =
            (scene_t){.name = "a flush fails behind a wait", .preemptions = 1, .fails_sync = number, .gathers = true};
        explore(&scene);
        assert_true(scene.failures > 0);
    }
}

static void all_learn_of_a_write_that_fails(void **state)
{
    (void)state;
    for (uint32_t number = 1; number <= 2; number++) {
        scene_t scene = {.name = "a write fails", .preemptions = 1, .fails_write = number};
        explore(&scene);
        assert_true(scene.failures > 0);
    }
}

/* --- beside changes that take what is being synced away --- */

static void prune(scene_t *scene, int actor)
{
    (void)actor;
    scene->changed = true;
    segj_status_t status = oversized_prune(scene->stage->journal, SECTION + 1, NULL);
    if (status != SEGJ_OK)
        schedule_fail("prune: %s: %s", segj_status_name(status), segj_last_error());
}

static void rewind_all(scene_t *scene, int actor)
{
    (void)actor;
    scene->changed = true;
    segj_status_t status = oversized_rewind_section(scene->stage->journal, SECTION, 0);
    if (status != SEGJ_OK)
        schedule_fail("rewind: %s: %s", segj_status_name(status), segj_last_error());
}

static void flush(scene_t *scene, int actor)
{
    (void)actor;
    segj_status_t status = oversized_flush(scene->stage->journal, SECTION);
    if (status != SEGJ_OK)
        schedule_fail("flush: %s: %s", segj_status_name(status), segj_last_error());
}

static void start(scene_t *scene, int actor)
{
    oversized_ticket_t ticket;
    (void)actor;
    segj_status_t status = oversized_sync_start(scene->stage->journal, SECTION, &ticket);
    if (status == SEGJ_OK)
        status = oversized_sync_wait(scene->stage->journal, &ticket);
    if (status != SEGJ_OK)
        schedule_fail("sync_start: %s: %s", segj_status_name(status), segj_last_error());
}

static void nobody_is_left_behind_by_other_calls(void **state)
{
    (void)state;
    void (*const thirds[])(scene_t * scene, int actor) = {prune, rewind_all, flush, start};
    static const char *const names[] = {"beside a prune", "beside a rewind", "beside a flush", "beside a started sync"};
    for (size_t i = 0; i < sizeof thirds / sizeof thirds[0]; i++) {
        for (int gathers = 0; gathers < 2; gathers++) {
            scene_t scene = {.name = names[i], .preemptions = 1, .third = thirds[i], .gathers = gathers != 0};
            explore(&scene);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_threads_and_their_flushes),      cmocka_unit_test(one_waits_for_the_others_first),
        cmocka_unit_test(all_learn_of_a_flush_that_fails),      cmocka_unit_test(all_learn_of_a_write_that_fails),
        cmocka_unit_test(nobody_is_left_behind_by_other_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
