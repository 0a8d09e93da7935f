/*
 * An fsync has failed. What it was for may be gone: still visible, and written by no later fsync. Or the system keeps
 * it, and it is lost in the next power cut, or written before. The journal is poisoned, and the next open trusts
 * nothing that the disk may not hold. In each scenario each sync fails once, of a file or of a partition, on disks that
 * behave in each of these ways; the application goes on, and is refused; then
 *   - the power goes: everything that was synced is there;
 *   - or the journal is opened again in the same process, and then the power goes: what that open has shown is there;
 *   - or it is opened again, more is appended and synced, and then the power goes: all of it is there.
 * In the commonware format, in which nothing says what to write again, this is asked of an open that goes on without a sync
 * for which there was no room.
 */
#include "failure/judge.h"
#include "failure/lossy.h"

#include <errno.h>
#include <stdio.h>

static world_t world;
static const char *scenario_name;
static uint64_t current;

typedef enum fate { DROPPED, KEPT, WRITTEN, FATES } fate_t; /* of what the sync was for */
typedef enum ending { CUT, OPEN_AND_CUT, GO_ON_AND_CUT, ENDINGS } ending_t;

typedef struct trial {
    const scenario_t *scenario;
    fate_t fate;
    ending_t ending;
} trial_t;

static uint64_t tried[FATES][ENDINGS];

/* Takes steps until one fails. */
static const step_t *fail_one(world_t *w, const scenario_t *scenario)
{
    for (const step_t *step = scenario->under; step->kind != DO_END; step++)
        for (uint32_t i = 0; i == 0 || i < step->times; i++)
            if (take_step(w, step) != SEGJ_OK)
                return step;
    return NULL;
}

static void check_refused(world_t *w)
{
    const uint8_t entry[SMALL_ENTRY] = {0};
    for (uint64_t i = 0; i < MODEL_SECTIONS; i++) {
        assert_status(oversized_append(w->journal, i, entry, "x", 1, NULL, NULL), SEGJ_ERR_POISONED);
        assert_status(oversized_sync(w->journal, i), SEGJ_ERR_POISONED);
    }
    assert_status(oversized_rewind(w->journal, 0, 0), SEGJ_ERR_POISONED);
    assert_status(oversized_prune(w->journal, MODEL_SECTIONS, NULL), SEGJ_ERR_POISONED);
}

static void give_up(world_t *w, const step_t *step, bool close)
{
    bool of_losses = step != NULL && (step->kind == DO_ACKNOWLEDGE || step->kind == DO_DISCARD);
    if (step == NULL || of_losses) {
        /* For lack of space the open has left it for later, or made room; what notes losses may be done again. */
        assert_true(of_losses || w->unrepaired || oversized_recovery(w->journal)->quarantine != NULL);
        check_world(w);
        oversized_abandon(w->journal);
        w->journal = NULL;
    } else if (w->journal != NULL) {
        assert_non_null(oversized_error(w->journal));
        allow_partial(w, step);
        check_world(w);
        check_refused(w);
        check_world(w);
        if (close)
            assert_status(oversized_close(w->journal), SEGJ_ERR_POISONED);
        else
            oversized_abandon(w->journal);
        w->journal = NULL;
    }
    allow_loss(w, step);
}

/* The same process opens the journal again, and perhaps goes on with it. */
static void open_again(world_t *w, const step_t *open, bool go_on)
{
    const step_t sync = {.kind = DO_SYNC_ALL};
    assert_ok(take_step(w, open));
    for (uint64_t i = 0; i < MODEL_SECTIONS && go_on; i++) {
        const step_t append = {.kind = DO_APPEND, .section = i, .size = i % 2 == 0 ? 20 : 300};
        if (w->model.sections[i].listed || i == MODEL_SECTIONS - 1)
            assert_ok(take_step(w, &append));
    }
    if (go_on)
        assert_ok(take_step(w, &sync));
    oversized_abandon(w->journal);
    w->journal = NULL;
}

static void try_sync(const trial_t *trial, uint64_t number)
{
    world_t *w = &world;
    lossy_t *lossy = lossy_new();
    world_init(w, lossy_storage(lossy), trial->scenario->configure);
    take_steps(w, trial->scenario->before);
    if (trial->fate != DROPPED)
        lossy_keep(lossy);
    lossy_fail_sync(lossy, number, number % 2 == 0 ? EIO : ENOSPC);
    const step_t *step = fail_one(w, trial->scenario);
    lossy_fail_sync(lossy, 0, 0);
    tried[trial->fate][trial->ending]++;
    give_up(w, step, number % 3 == 0);
    /* What a checkpoint has cut may come back until the section is repaired: who restores opens with it again. */
    const step_t *last = trial->scenario->under;
    for (const step_t *at = last; at->kind != DO_END; at++)
        last = at;
    const step_t open = {.kind = DO_OPEN};
    const step_t *first = step == NULL && last->kind == DO_OPEN_CHECKPOINT ? last : &open;
    if (trial->ending != CUT)
        open_again(w, first, trial->ending == GO_ON_AND_CUT);
    if (trial->fate == WRITTEN)
        lossy_write_back(lossy, w->config.directory);
    segj_storage_t *left = lossy_power_cut(lossy, w->config.directory);
    w->disk = w->faulty.inner = left;
    if (trial->ending == CUT)
        assert_ok(take_step(w, first));
    else
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

/* --- an open that finds no room to sync --- */

static void commonware_files(oversized_config_t *config)
{
    config->format = SEGJ_FORMAT_COMMONWARE;
    config->native_version = 0;
}

/* A killed process has left the newest section without a sync. The sync that open makes of it fails with `number` for want
 * of room, and what it was for is gone; true where the open goes on without it. What is synced from then on is there, and
 * with it what the killed process had left. */
static bool open_without_room(uint64_t number)
{
    static const step_t left[] = {{.kind = DO_OPEN},
                                  {.kind = DO_APPEND, .section = 1, .size = 20, .times = 5},
                                  {.kind = DO_APPEND, .section = 2, .size = 20, .times = 4},
                                  {.kind = DO_SYNC_ALL},
                                  {.kind = DO_APPEND, .section = 2, .size = 300, .times = 7},
                                  {.kind = DO_FLUSH, .section = 2},
                                  {.kind = DO_ABANDON},
                                  {.kind = DO_END}};
    static const step_t more[] = {
        {.kind = DO_APPEND, .section = 2, .size = 20}, {.kind = DO_SYNC_ALL}, {.kind = DO_END}};
    world_t *w = &world;
    const step_t open = {.kind = DO_OPEN};
    lossy_t *lossy = lossy_new();
    segj_storage_t *disk = NULL;
    world_init(w, lossy_storage(lossy), commonware_files);
    take_steps(w, left);
    lossy_fail_sync(lossy, number, ENOSPC);
    bool opened = take_step(w, &open) == SEGJ_OK;
    bool failed = lossy_syncs(lossy) >= number;
    lossy_fail_sync(lossy, 0, 0);
    if (opened && failed) {
        assert_true(w->unrepaired);
        assert_int_equal(oversized_recovery(w->journal)->sections_unrepaired, 1);
        check_world(w);
        take_steps(w, more);
        oversized_abandon(w->journal);
        w->journal = NULL;
        disk = lossy_power_cut(lossy, w->config.directory);
        w->disk = w->faulty.inner = disk;
        assert_ok(take_step(w, &open));
        check_world(w);
    } else if (!opened) {
        assert_ok(take_step(w, &open));
    }
    final_exam(w);
    world_free(w);
    if (disk != NULL)
        segj_storage_memory_destroy(disk);
    lossy_free(lossy);
    return opened && failed;
}

static void what_open_had_no_room_to_sync_is_written_again(void **state)
{
    (void)state;
    unsigned went_on = 0;
    for (uint64_t number = 1; number <= 5; number++)
        went_on += open_without_room(number);
    assert_int_equal(went_on, 2); /* both files of the section; three are of names */
}

static const char *const fates[] = {"dropped", "kept and lost", "kept and written"};
static const char *const endings[] = {"power cut", "open, power cut", "open, go on, power cut"};

static void every_way_was_tried_many_times(void **state)
{
    for (int fate = 0; fate < FATES; fate++) {
        for (int ending = 0; ending < ENDINGS; ending++) {
            print_message("  what a failed sync was for is %s; %s: %llu syncs failed\n", fates[fate], endings[ending],
                          (unsigned long long)tried[fate][ending]);
            assert_true(tried[fate][ending] > 200);
        }
    }
}

/* A copy has a directory of its own, and crash/copy fails its syncs. */
static bool copies(const scenario_t *scenario)
{
    for (const step_t *step = scenario->under; step->kind != DO_END; step++)
        if (step->kind == DO_COPY || step->kind == DO_COPY_BESIDE || step->kind == DO_COPY_INTO)
            return true;
    return false;
}

int main(void)
{
    enum { TESTS_MAX = 2048, WAYS = FATES * ENDINGS };
    static struct CMUnitTest tests[TESTS_MAX];
    static char names[TESTS_MAX][120];
    static trial_t trials[TESTS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < scenario_count * WAYS; i++) {
        fate_t fate = (fate_t)(i % FATES);
        ending_t ending = (ending_t)(i / FATES % ENDINGS);
        if (!is_native(&scenarios[i / WAYS]) || copies(&scenarios[i / WAYS]))
            continue;
        assert_true(count + 2 < TESTS_MAX);
        trials[count] = (trial_t){&scenarios[i / WAYS], fate, ending};
        (void)snprintf(names[count], sizeof names[0], "%s: a sync fails, %s; %s", trials[count].scenario->name,
                       fates[fate], endings[ending]);
        tests[count] = (struct CMUnitTest){names[count], fail_each_sync, NULL, tell_where, &trials[count]};
        count++;
    }
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(what_open_had_no_room_to_sync_is_written_again);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(every_way_was_tried_many_times);
    return _cmocka_run_group_tests("failed_syncs", tests, count, NULL, NULL);
}
