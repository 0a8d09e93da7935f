/*
 * The application takes descriptors: from each call on that opens something, the storage can open no more than so many
 * files beyond those that are open then, for good, or a number that changes with every call. A step then gives back
 * what nobody uses and succeeds; or it fails with nothing left to give back, has changed nothing, and succeeds when
 * there are descriptors again. Only the first file of a pair is never given back to its second.
 */
#include "failure/judge.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "unit/random.h"

/* The storage beneath the world: files and partitions are those of `inner`. */
static struct {
    segj_storage_t storage;
    const segj_storage_t *inner;
    unsigned files, partitions; /* open */
    bool on;                    /* the library runs, and not the test that looks at what came of it */
    uint64_t openings;          /* of its calls that open something, since the test began */
    uint64_t at;                /* the one from which on there are few descriptors; 0: none */
    unsigned left;              /* so many then */
    bool changing;              /* and another number, up to that, with each call that follows */
    uint64_t random;
    unsigned most; /* of files and partitions together */
    int code;
    uint64_t refused;
    unsigned files_then; /* open when a call was refused last */
} crowd;

static world_t world;
static const char *scenario_name;
static uint64_t trials, refusals, failures;

/* What a call answers that needs a descriptor. */
static int enter(void)
{
    if (!crowd.on)
        return 0;
    crowd.openings++;
    if (crowd.at == 0 || crowd.openings < crowd.at)
        return 0;
    unsigned open = crowd.files + crowd.partitions;
    if (crowd.openings == crowd.at)
        crowd.most = open + crowd.left;
    else if (crowd.changing)
        crowd.most = open + (unsigned)random_below(&crowd.random, crowd.left + 1);
    if (open < crowd.most)
        return 0;
    crowd.refused++;
    crowd.files_then = crowd.files;
    return crowd.code;
}

static int crowded_partition_open(void *context, const char *directory, const char *partition,
                                  segj_partition_t **opened)
{
    int code = enter();
    if (code == 0)
        code = crowd.inner->partition_open(crowd.inner->context, directory, partition, opened);
    crowd.partitions += code == 0;
    return code;
}

static void crowded_partition_close(segj_partition_t *partition)
{
    crowd.partitions--;
    crowd.inner->partition_close(partition);
}

static int crowded_partition_list(segj_partition_t *partition, segj_list_visit_t visit, void *visit_context)
{
    int code = enter();
    return code == 0 ? crowd.inner->partition_list(partition, visit, visit_context) : code;
}

static int crowded_directory_sync(void *context, const char *directory)
{
    int code = enter();
    return code == 0 ? crowd.inner->directory_sync(crowd.inner->context, directory) : code;
}

static int crowded_file_open(segj_partition_t *partition, const char *name, segj_open_mode_t mode, segj_file_t **opened)
{
    int code = enter();
    if (code == 0)
        code = crowd.inner->file_open(partition, name, mode, opened);
    crowd.files += code == 0;
    return code;
}

static void crowded_file_close(segj_file_t *file)
{
    crowd.files--;
    crowd.inner->file_close(file);
}

static void switch_crowd(bool on)
{
    crowd.on = on;
}

static void begin_crowd(const segj_storage_t *inner)
{
    memset(&crowd, 0, sizeof crowd);
    crowd.inner = inner;
    crowd.storage = *inner;
    crowd.storage.partition_open = crowded_partition_open;
    crowd.storage.partition_close = crowded_partition_close;
    crowd.storage.partition_list = crowded_partition_list;
    crowd.storage.directory_sync = crowded_directory_sync;
    crowd.storage.file_open = crowded_file_open;
    crowd.storage.file_close = crowded_file_close;
}

/* --- one trial --- */

static void disarm(world_t *w)
{
    (void)w;
    crowd.at = 0;
}

static bool reads(const step_t *step)
{
    switch (step->kind) {
    case DO_READ:
    case DO_READ_TOGETHER:
    case DO_READ_IN_PIECES:
    case DO_VIEW:
    case DO_SCAN:
    case DO_REPLAY:
        return true;
    default:
        return false;
    }
}

/* What was still open when the step gave up. */
static void check_nothing_was_left(const step_t *step)
{
    unsigned kept = reads(step) ? 0 : 1;
    if (step->kind == DO_INSPECT || step->kind == DO_SALVAGE || step->kind == DO_COPY_BESIDE)
        return; /* it is another program's, as it were: the files are the writer's */
    if (step->kind == DO_COPY_INTO)
        return; /* the other journal gives nothing of this one's back */
    if (step->kind == DO_COPY)
        kept = 2; /* the copy's mark, and the file that is copied to */
    if (step->kind == DO_REWIND || step->kind == DO_REWIND_SECTION)
        kept = 2; /* the section's, while counts are lowered */
    if (crowd.files_then > kept) {
        print_error("the step gave up with %u files open, of which it needs %u\n  last error: %s\n", crowd.files_then,
                    kept, segj_last_error());
        fail();
    }
}

static bool try_step(world_t *w, const step_t *step)
{
    attempt_t attempt;
    outcome_t outcome = OUTCOME_REPEATED;
    begin_attempt(w, step, &attempt);
    uint64_t refused = crowd.refused;
    segj_status_t status = take_step(w, step);
    if (status != SEGJ_OK) {
        assert_true(crowd.refused > refused);
        assert_non_null(strstr(segj_last_error(), strerror(crowd.code)));
        check_nothing_was_left(step);
        failures++;
        const failure_t failure = {
            .expected = SEGJ_ERR_IO,
            .path = w->config.directory,
            .verdict = step->kind == DO_CLOSE || step->kind == DO_DESTROY ? EITHER : MUST_STAY,
            .go_on = crowd.at % 2 == 0,
            .disarm = disarm,
        };
        outcome = judge_failure(w, &attempt, status, &failure);
    }
    end_attempt(&attempt);
    return outcome == OUTCOME_REPEATED;
}

static void try_crowd(const scenario_t *scenario, uint64_t at, unsigned left, bool changing, uint64_t digest)
{
    segj_storage_t *memory;
    bool whole = true;
    trials++;
    assert_ok(segj_storage_memory_create(&memory));
    begin_crowd(memory);
    world_init(&world, &crowd.storage, scenario->configure);
    take_steps(&world, scenario->before);
    begin_test(&world, (fault_t){FAULT_NONE, 0, 0, 0});
    world.around = switch_crowd;
    crowd.at = at;
    crowd.left = left;
    crowd.changing = changing;
    crowd.random = at;
    crowd.code = at % 2 == 0 ? EMFILE : ENFILE;
    for (const step_t *step = scenario->under; step->kind != DO_END && whole; step++)
        for (uint32_t i = 0; (i == 0 || i < step->times) && whole; i++)
            whole = try_step(&world, step);
    refusals += crowd.refused;
    disarm(&world);
    if (whole)
        assert_int_equal(model_digest(&world.model), digest);
    final_exam(&world);
    world_free(&world);
    assert_int_equal(crowd.files + crowd.partitions, 0);
    segj_storage_memory_destroy(memory);
}

/* --- all of a scenario --- */

/* Gives the number of calls that open something. */
static uint64_t count_openings(const scenario_t *scenario, uint64_t *digest)
{
    segj_storage_t *memory;
    assert_ok(segj_storage_memory_create(&memory));
    begin_crowd(memory);
    world_init(&world, &crowd.storage, scenario->configure);
    take_steps(&world, scenario->before);
    begin_test(&world, (fault_t){FAULT_NONE, 0, 0, 0});
    world.around = switch_crowd;
    take_steps(&world, scenario->under);
    *digest = model_digest(&world.model);
    uint64_t openings = crowd.openings;
    final_exam(&world);
    world_free(&world);
    segj_storage_memory_destroy(memory);
    return openings;
}

static void from_each_opening_on(void **state)
{
    enum { LEFT_MOST = 2 };
    const scenario_t *scenario = *state;
    uint64_t digest;
    scenario_name = scenario->name;
    uint64_t openings = count_openings(scenario, &digest);
    for (uint64_t at = 1; at <= openings; at++) {
        for (unsigned left = 0; left <= LEFT_MOST; left++)
            try_crowd(scenario, at, left, false, digest);
        try_crowd(scenario, at, LEFT_MOST, true, digest);
    }
    scenario_name = NULL;
}

static int tell_where(void **state)
{
    if (scenario_name != NULL)
        print_error("  in \"%s\", from opening %llu on %u descriptors are left%s\n", scenario_name,
                    (unsigned long long)crowd.at, crowd.left, crowd.changing ? ", and then other numbers" : "");
    scenario_name = NULL;
    library_running = faulty_working = false;
    return 0; /* what a failed test leaves behind is not tidied up */
}

static void both_ends_were_met(void **state)
{
    print_message("  %llu trials, %llu calls were refused, %llu steps failed\n", (unsigned long long)trials,
                  (unsigned long long)refusals, (unsigned long long)failures);
    assert_true(trials > 1000 && failures > 100 && refusals > 2 * failures);
}

int main(void)
{
    enum { TESTS_MAX = 256 };
    static struct CMUnitTest tests[TESTS_MAX];
    assert_true(scenario_count < TESTS_MAX);
    for (size_t i = 0; i < scenario_count; i++)
        tests[i] = (struct CMUnitTest){scenarios[i].name, from_each_opening_on, NULL, tell_where,
                                       (void *)(uintptr_t)&scenarios[i]};
    tests[scenario_count] = (struct CMUnitTest)cmocka_unit_test(both_ends_were_met);
    return _cmocka_run_group_tests("crowded", tests, scenario_count + 1, NULL, NULL);
}
