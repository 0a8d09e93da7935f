/*
 * What an fsync that failed has dropped stays visible, and no later fsync writes it: so a journal is poisoned, and the next
 * open trusts nothing that the disk may not hold. In each scenario each sync fails once, of a file or of a partition, on a
 * disk that behaves so; then
 *   - the power goes: everything that was synced is there;
 *   - or the journal is opened again, and then the power goes: what that open has shown is there, all of it.
 */
#include "failure/judge.h"
#include "failure/lossy.h"

#include <errno.h>
#include <stdio.h>

static world_t world;
static const char *scenario_name;
static uint64_t current;
static uint64_t failed_syncs;

typedef struct trial {
    const scenario_t *scenario;
    bool open_first;
} trial_t;

/* Takes steps until one fails. */
static const step_t *fail_one(world_t *w, const scenario_t *scenario)
{
    for (const step_t *step = scenario->under; step->kind != DO_END; step++)
        for (uint32_t i = 0; i == 0 || i < step->times; i++)
            if (take_step(w, step) != SEGJ_OK)
                return step;
    return NULL;
}

static void leave(world_t *w, const step_t *step, bool close)
{
    if (w->journal != NULL) {
        assert_non_null(oversized_error(w->journal));
        allow_partial(w, step);
        check_world(w);
        if (close)
            assert_status(oversized_close(w->journal), SEGJ_ERR_POISONED);
        else
            oversized_abandon(w->journal);
        w->journal = NULL;
    }
    allow_loss(w, step);
}

static void try_sync(const trial_t *trial, uint64_t number)
{
    world_t *w = &world;
    lossy_t *lossy = lossy_new();
    world_init(w, lossy_storage(lossy), trial->scenario->configure);
    take_steps(w, trial->scenario->before);
    lossy_fail_sync(lossy, number, number % 2 == 0 ? EIO : ENOSPC);
    const step_t *step = fail_one(w, trial->scenario);
    assert_non_null(step);
    lossy_fail_sync(lossy, 0, 0);
    failed_syncs++;
    leave(w, step, number % 3 == 0);
    if (trial->open_first) {
        reopen(w);
        oversized_abandon(w->journal);
        w->journal = NULL;
    }
    segj_storage_t *left = lossy_power_cut(lossy, w->config.directory);
    w->disk = w->faulty.inner = left;
    reopen(w);
    final_exam(w);
    world_free(w);
    segj_storage_memory_destroy(left);
    lossy_free(lossy);
}

static uint64_t count_syncs(const scenario_t *scenario)
{
    lossy_t *lossy = lossy_new();
    world_init(&world, lossy_storage(lossy), scenario->configure);
    take_steps(&world, scenario->before);
    lossy_fail_sync(lossy, 0, 0);
    take_steps(&world, scenario->under);
    uint64_t number = lossy_syncs(lossy);
    final_exam(&world);
    world_free(&world);
    lossy_free(lossy);
    return number;
}

static void fail_each_sync(void **state)
{
    const trial_t *trial = *state;
    scenario_name = trial->scenario->name;
    uint64_t number = count_syncs(trial->scenario);
    for (current = 1; current <= number; current++)
        try_sync(trial, current);
    scenario_name = NULL;
}

static int tell_where(void **state)
{
    if (scenario_name != NULL)
        print_error("  in \"%s\", sync %llu fails\n", scenario_name, (unsigned long long)current);
    scenario_name = NULL;
    return 0;
}

static void many_syncs_failed(void **state)
{
    print_message("  %llu syncs failed\n", (unsigned long long)failed_syncs);
    assert_true(failed_syncs > 200);
}

int main(void)
{
    enum { TESTS_MAX = 128 };
    static struct CMUnitTest tests[TESTS_MAX];
    static char names[TESTS_MAX][120];
    static trial_t trials[TESTS_MAX];
    size_t count = scenario_count * 2;
    assert_true(count < TESTS_MAX);
    for (size_t i = 0; i < count; i++) {
        trials[i] = (trial_t){&scenarios[i / 2], i % 2 == 1};
        (void)snprintf(names[i], sizeof names[i], "%s: a sync fails, %s", trials[i].scenario->name,
                       trials[i].open_first ? "open, power cut" : "power cut");
        tests[i] = (struct CMUnitTest){names[i], fail_each_sync, NULL, tell_where, &trials[i]};
    }
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(many_syncs_failed);
    return _cmocka_run_group_tests("failed_syncs", tests, count, NULL, NULL);
}
