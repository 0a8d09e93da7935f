/*
 * A storage may be interrupted, may move less than asked, and may do without hints. None of it makes a difference:
 * every scenario gives the same answers and leaves, byte for byte, the same files.
 */
#include "failure/judge.h"
#include "support/log.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct manner {
    const char *text;
    unsigned interruptions;
    size_t transfer, transfer_of_large; /* the latter where a scenario has values of a megabyte */
    bool no_hints;
} manner_t;

static const manner_t manners[] = {
    {"each call is interrupted first", 1, 0, 0, false},
    {"each call is interrupted thrice", 3, 0, 0, false},
    {"one byte at a time", 0, 1, 4099, false},
    {"seven bytes at a time, interrupted", 1, 7, 4099, false},
    {"no hints", 0, 0, 0, true},
};
enum { MANNERS = sizeof manners / sizeof manners[0] };

typedef struct trial {
    const scenario_t *scenario;
    const manner_t *manner;
} trial_t;

static uint64_t calls_of_all;

static bool has_large_values(const scenario_t *scenario)
{
    for (const step_t *step = scenario->before; step->kind != DO_END; step++)
        if (step->kind == DO_APPEND && step->size > 100000)
            return true;
    return false;
}

/** What came of a scenario: the files behind its last step, and when the journal has been closed. */
typedef struct course {
    uint64_t digest, calls, interruptions;
    image_t behind, closed;
} course_t;

static void run(const trial_t *trial, bool disturbed, course_t *course)
{
    static world_t w;
    segj_storage_t *memory;
    const manner_t *manner = trial->manner;
    count_salts_from(1); /* both courses have the same */
    assert_ok(segj_storage_memory_create(&memory));
    world_init(&w, memory, trial->scenario->configure);
    if (disturbed && manner->no_hints)
        w.faulty.storage.file_evict = w.faulty.storage.file_write_back = NULL;
    take_steps(&w, trial->scenario->before);
    begin_test(&w, (fault_t){FAULT_NONE, 0, 0, 0});
    if (disturbed) {
        w.faulty.interruptions = manner->interruptions;
        w.faulty.transfer = has_large_values(trial->scenario) ? manner->transfer_of_large : manner->transfer;
    }
    take_steps(&w, trial->scenario->under);
    take_image(memory, w.config.directory, &course->behind);
    const step_t close = {.kind = DO_CLOSE};
    if (w.journal != NULL)
        assert_ok(take_step(&w, &close));
    take_image(memory, w.config.directory, &course->closed);
    course->calls = w.faulty.number;
    course->interruptions = w.faulty.interruptions_made;
    w.faulty.interruptions = 0;
    w.faulty.transfer = 0;
    course->digest = model_digest(&w.model);
    final_exam(&w);
    world_free(&w);
    segj_storage_memory_destroy(memory);
}

static void it_makes_no_difference(void **state)
{
    const trial_t *trial = *state;
    static course_t plain;
    static course_t disturbed;
    run(trial, false, &plain);
    run(trial, true, &disturbed);
    assert_true(plain.calls > 0);
    assert_int_equal(plain.interruptions, 0);
    if (trial->manner->interruptions > 0)
        assert_true(disturbed.interruptions >= plain.calls);
    if (trial->manner->transfer == 0)
        assert_int_equal(disturbed.calls, plain.calls);
    assert_int_equal(plain.digest, disturbed.digest);
    assert_images_equal(&plain.behind, &disturbed.behind);
    assert_images_equal(&plain.closed, &disturbed.closed);
    free_image(&plain.behind);
    free_image(&plain.closed);
    free_image(&disturbed.behind);
    free_image(&disturbed.closed);
    calls_of_all += disturbed.calls;
}

/* Of the whole program: short transfers did take place. */
static void transfers_were_short(void **state)
{
    print_message("  %llu calls\n", (unsigned long long)calls_of_all);
    assert_true(calls_of_all > 100000);
}

int main(void)
{
    enum { TESTS_MAX = 1024 };
    static struct CMUnitTest tests[TESTS_MAX];
    static char names[TESTS_MAX][120];
    static trial_t trials[TESTS_MAX];
    size_t count = scenario_count * MANNERS;
    assert_true(count < TESTS_MAX);
    for (size_t i = 0; i < count; i++) {
        trials[i] = (trial_t){&scenarios[i / MANNERS], &manners[i % MANNERS]};
        (void)snprintf(names[i], sizeof names[i], "%s: %s", trials[i].scenario->name, trials[i].manner->text);
        tests[i] = (struct CMUnitTest){names[i], it_makes_no_difference, NULL, NULL, &trials[i]};
    }
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(transfers_were_short);
    return _cmocka_run_group_tests("transfers", tests, count, NULL, NULL);
}
