/*
 * crash/test_histories.c: long random histories (crash/script.h, crash/histories.h), reproducible from a seed.
 *
 *     SEGJ_HISTORIES=N   so many histories, and a quarter of that without faults, instead of what takes some seconds
 *     SEGJ_SEED=S        the first of them is number S; 1
 *     SEGJ_WORKERS=W     so many threads run them; 1
 *     SEGJ_PROGRESS=1    says once in a while how far it is
 *     SEGJ_SCRIPT=TEXT   runs this script, and nothing else
 *
 * A history that fails is made shorter, and printed with the line that runs it again.
 *
 * LINK_WRAP: segj_process_word_make segj_process_word_free segj_gate_is_wanted
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "crash/histories.h"
#include "crash/shrink.h"

/* What a history costs with a sanitizer, or without the optimiser. */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SLOW 80
#elif __has_feature(address_sanitizer)
#define SLOW 20
#endif
#endif
#ifndef SLOW
#if defined(__SANITIZE_THREAD__)
#define SLOW 80
#elif defined(__SANITIZE_ADDRESS__)
#define SLOW 20
#elif defined(__OPTIMIZE__)
#define SLOW 1
#else
#define SLOW 4
#endif
#endif

#define HISTORIES 4500
#define SHRINK_RUNS 20000
#define WORKERS_MAX 64

typedef struct run {
    script_options_t options;         /* of every history; of some also: */
    unsigned readers_each, tear_each; /* of each so many one has readers, tears; 0: none */
    uint64_t apart, first, count;     /* histories of each kind have numbers of their own */
    atomic_uint_fast64_t next;
    atomic_bool failed;
    bool progress;
    pthread_mutex_t lock; /* what follows */
    history_counts_t counts;
    uint64_t failed_seed, done;
    char failure[1024];
} run_t;

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL && *text != '\0' ? strtoull(text, NULL, 10) : otherwise;
}

static script_t *script_of(const run_t *run, uint64_t seed)
{
    script_options_t options = run->options;
    options.readers = options.readers || (run->readers_each > 0 && seed % run->readers_each == 3);
    options.tear = options.tear || (run->tear_each > 0 && seed % run->tear_each == 1);
    return script_generate(seed, &options);
}

static void print_counts(const history_counts_t *counts)
{
    print_message("%llu histories, %llu lives, %llu operations, %llu faults, %llu short transfers; %llu power cuts, "
                  "%llu kills, %llu of "
                  "them within open; poisoned %llu times; %llu states judged, %llu reads beside\n",
                  (unsigned long long)counts->histories, (unsigned long long)counts->lives,
                  (unsigned long long)counts->operations, (unsigned long long)counts->faults,
                  (unsigned long long)counts->shorts, (unsigned long long)counts->power_cuts,
                  (unsigned long long)counts->kills, (unsigned long long)counts->within_open,
                  (unsigned long long)counts->poisoned, (unsigned long long)counts->states,
                  (unsigned long long)counts->reads);
}

static void run_one(run_t *run, uint64_t seed)
{
    history_counts_t counts = {0};
    char failure[1024];
    script_t *script = script_of(run, seed);
    bool good = history_run(script, &counts, failure, sizeof failure);
    script_free(script);
    if (pthread_mutex_lock(&run->lock) != 0)
        abort();
    history_counts_add(&run->counts, &counts);
    run->done++;
    if (!good && !atomic_load(&run->failed)) {
        atomic_store(&run->failed, true);
        run->failed_seed = seed;
        memcpy(run->failure, failure, sizeof failure);
    }
    if (run->progress && run->done % 2000 == 0)
        print_counts(&run->counts);
    (void)pthread_mutex_unlock(&run->lock);
}

static void *work(void *context)
{
    run_t *run = context;
    for (;;) {
        uint64_t at = atomic_fetch_add(&run->next, 1);
        if (at >= run->count || atomic_load(&run->failed))
            return NULL;
        run_one(run, run->first + at);
    }
}

static double seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void say_failure(const run_t *run, const script_t *script, const char *found)
{
    char failure[1024];
    (void)snprintf(failure, sizeof failure, "%s", found);
    script_t *shortest =
        script_shrink(script, script->readers ? SHRINK_RUNS / 20 : SHRINK_RUNS, failure, sizeof failure);
    char *text = script_print(shortest);
    /* Longer than what cmocka prints. */
    (void)fprintf(stderr,
                  "%s\nto run it again: SEGJ_SEED=%llu SEGJ_HISTORIES=1 crash/test_histories\n"
                  "made shorter, %zu steps: %s\nto run that: SEGJ_SCRIPT='%s' crash/test_histories\n",
                  found, (unsigned long long)(run->failed_seed - run->apart), shortest->count, failure, text);
    free(text);
    script_free(shortest);
}

static void run_all(run_t *run)
{
    double begun = seconds();
    pthread_t threads[WORKERS_MAX];
    unsigned workers = (unsigned)from_environment("SEGJ_WORKERS", 1);
    workers = workers < 1 ? 1 : workers > WORKERS_MAX ? WORKERS_MAX : workers;
    run->progress = from_environment("SEGJ_PROGRESS", 0) != 0;
    if (pthread_mutex_init(&run->lock, NULL) != 0)
        abort();
    for (unsigned i = 0; i + 1 < workers; i++)
        if (pthread_create(&threads[i], NULL, work, run) != 0)
            abort();
    (void)work(run);
    for (unsigned i = 0; i + 1 < workers; i++)
        (void)pthread_join(threads[i], NULL);
    (void)pthread_mutex_destroy(&run->lock);
    print_counts(&run->counts);
    print_message("%.0f histories a second, by %u threads\n", (double)run->done / (seconds() - begun), workers);
    if (!atomic_load(&run->failed))
        return;
    script_t *script = script_of(run, run->failed_seed);
    print_error("history %llu: ", (unsigned long long)run->failed_seed);
    say_failure(run, script, run->failure);
    script_free(script);
    fail();
}

static uint64_t histories(void)
{
    return from_environment("SEGJ_HISTORIES", HISTORIES / SLOW);
}

static uint64_t first_seed(void)
{
    return from_environment("SEGJ_SEED", 1);
}

/* Lives of every kind: faults or none, readers beside some, single bytes torn in some. */
static void long_histories_of_lives_and_crashes(void **state)
{
    (void)state;
    run_t run = {.options = {.faults = true}, .readers_each = 40, .tear_each = 8};
    run.count = histories();
    run.first = first_seed();
    run_all(&run);
}

/* The same in version 2 of the native format, beside sections of version 1. */
static void long_histories_in_version_2(void **state)
{
    (void)state;
    run_t run = {.options = {.faults = true, .log = true}, .readers_each = 40, .tear_each = 8};
    run.count = histories();
    run.apart = UINT64_C(3000000000);
    run.first = first_seed() + run.apart;
    run_all(&run);
}

static void long_histories_in_version_2_without_faults(void **state)
{
    (void)state;
    run_t run = {.options = {.log = true}, .tear_each = 8};
    run.count = histories() / 4 + 1;
    run.apart = UINT64_C(4000000000);
    run.first = first_seed() + run.apart;
    run_all(&run);
}

/* Without faults: what they hide (a state that only a failed call leaves) cannot stand in for what crashes leave. */
static void long_histories_without_faults(void **state)
{
    (void)state;
    run_t run = {.tear_each = 8};
    run.count = histories() / 4 + 1;
    run.apart = UINT64_C(1000000000);
    run.first = first_seed() + run.apart;
    run_all(&run);
}

/*
 * Some devices turn a whole sector to garbage when the power goes while it is written, with what was durable in it.
 * That is outside the promise: a report of what it costs. What is left must still never be a wrong value.
 */
static void a_spoilt_sector_costs_records_but_shows_no_wrong_value(void **state)
{
    (void)state;
    run_t run = {.options = {.spoil = true}};
    run.count = histories() / 8 + 1;
    run.apart = UINT64_C(2000000000);
    run.first = first_seed() + run.apart;
    run_all(&run);
    const history_counts_t *counts = &run.counts;
    print_message(
        "sectors that turn to garbage: of %llu power cuts that did that, %llu took synced records: %llu unsaid, "
        "%llu that open reported, %llu that it refused\n",
        (unsigned long long)counts->spoilt, (unsigned long long)counts->losses,
        (unsigned long long)(counts->losses - counts->losses_said),
        (unsigned long long)(counts->losses_said - counts->refused), (unsigned long long)counts->refused);
}

static void the_script_of_the_environment(void **state)
{
    (void)state;
    const char *wrong;
    history_counts_t counts = {0};
    char failure[1024];
    script_t *script = script_parse(getenv("SEGJ_SCRIPT"), &wrong);
    if (script == NULL)
        fail_msg("no script: %s", wrong);
    bool good = history_run(script, &counts, failure, sizeof failure);
    script_free(script);
    print_counts(&counts);
    if (!good)
        fail_msg("%s", failure);
}

/* What is printed is what was run. */
static void a_script_is_its_text(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        script_options_t options = {.faults = true, .readers = seed % 2 == 0, .tear = seed % 3 == 0};
        const char *wrong;
        script_t *script = script_generate(seed, &options);
        char *text = script_print(script);
        script_t *again = script_parse(text, &wrong);
        assert_non_null(again);
        char *text_again = script_print(again);
        assert_string_equal(text, text_again);
        free(text);
        free(text_again);
        script_free(script);
        script_free(again);
    }
}

/* --- stories: a kill at every call, a power cut at every call behind it --- */

typedef struct story {
    const char *until_kill; /* a script; its last step is killed */
    const char *until_cut;  /* goes on; its last step is cut */
} story_t;

static void run_text(const char *text)
{
    char failure[1024];
    const char *wrong;
    history_counts_t counts = {0};
    script_t *script = script_parse(text, &wrong);
    if (script == NULL)
        fail_msg("no script: %s", wrong);
    bool good = history_run(script, &counts, failure, sizeof failure);
    script_free(script);
    if (!good) {
        (void)fprintf(stderr, "SEGJ_SCRIPT='%s' crash/test_histories\n", text);
        fail_msg("%s", failure);
    }
}

static void tell(const story_t *story, unsigned killed_at, unsigned cut_at, const char *pattern, unsigned unit)
{
    char text[1024];
    (void)snprintf(text, sizeof text, "%s !kill:%u:0; %s !cut:%u:%s:short:%u; open 0; check", story->until_kill,
                   killed_at, story->until_cut, cut_at, pattern, unit);
    run_text(text);
}

static void tell_everywhere(const story_t *story)
{
    for (unsigned killed_at = 1; killed_at <= 20; killed_at++) {
        for (unsigned cut_at = 0; cut_at <= 5; cut_at++) {
            tell(story, killed_at, cut_at, "none", 0);
            for (unsigned unit = 0; unit < 6; unit++) {
                tell(story, killed_at, cut_at, "one", unit);
                tell(story, killed_at, cut_at, "all_but_one", unit);
            }
        }
    }
}

/* Version 2: what a rewind has left of a batch is kept by W alone, until the next rewind has cut it. That one is cut short
 * at each of its calls, with torn sectors, or finds no room for one of them. */
static void what_a_rewind_left_of_a_batch_outlives_the_next_one(void **state)
{
    (void)state;
    char text[256];
    for (unsigned call = 0; call <= 12; call++) {
        for (unsigned seed = 0; seed < 100; seed++) {
            (void)snprintf(text, sizeof text,
                           "history page=64 numbers=0 tear log; batch 2 3; rewind 2 250; "
                           "rewind_section 2 251 !cut:%u:few:short:%u; open 0; check",
                           call, seed);
            run_text(text);
        }
        (void)snprintf(text, sizeof text,
                       "history page=64 numbers=0 log; batch 0 3; rewind_section 0 163; "
                       "rewind_section 0 167 /write:%u:EDQUOT:65536:lasting; close; append 0 1; check",
                       call + 1);
        run_text(text);
    }
}

/* Version 2: ext4 writes zeros behind the new end of a file, up to the end of the block, before it makes the file shorter. A
 * power cut in between left a rewind's section as long as before, and its last frame as it was: the older slot was
 * confirmed, and counted, with records before the last whose frames were zeros. */
static void a_cut_that_has_reached_its_block_has_begun(void **state)
{
    (void)state;
    char text[256];
    for (unsigned call = 1; call <= 6; call++) {
        for (unsigned seed = 0; seed < 24; seed++) {
            (void)snprintf(
                text, sizeof text,
                "history page=20 numbers=0 tear log; append 5 300; append 5 900; append 5 900; close; open 0; "
                "rewind_section 5 %u !cut:%u:one:short:%u; open 0; check",
                100 + seed % 2 * 80, call, seed);
            run_text(text);
        }
    }
}

/* Version 2: a section whose index lags stays open while its removal may be undone. */
static void a_removal_that_is_undone_leaves_an_index_that_lags(void **state)
{
    (void)state;
    run_text("history page=7 numbers=0 log; append 5 29; sync_all; rewind 4 115 /remove:1:EDQUOT:0; burst 5 1; check");
    run_text("history page=7 numbers=0 log; append 2 29; sync_all; prune 3 /remove:1:EDQUOT:0; burst 2 1; check");
}

/* A rewind is killed between a cut and its sync. The next open finds nothing to cut any more, and a sync through its
 * own files need not cover a size that was set through another's. Its new values lie where the old ones were, as
 * long as they: with the new index and the old values on the disk, records showed what was rewound. */
static void a_cut_left_by_a_killed_rewind_is_durable_before_its_offsets_are_used(void **state)
{
    (void)state;
    const story_t whole = {"history page=7 numbers=0; append 0 16; rewind_section 0 0", "append 0 16; sync 0"};
    const story_t part = {
        "history page=20 numbers=0; append 0 16; append 0 16; append 0 16; sync 0; rewind_section 0 86",
        "append 0 16; append 0 16; sync 0"};
    const story_t twice = {
        "history page=64 numbers=0; append 0 16; append 0 16; append 0 16; sync 0; rewind_section 0 86",
        "open 0 !kill:5:0; append 0 16; append 0 16; sync 0"};
    tell_everywhere(&whole);
    tell_everywhere(&part);
    tell_everywhere(&twice);
}

/* The same for the cuts that open itself makes: a sync was cut, and the open behind it killed. */
static void a_cut_left_by_a_killed_open_is_durable_before_its_offsets_are_used(void **state)
{
    (void)state;
    for (unsigned unit = 0; unit < 6; unit++) {
        char until_kill[256];
        (void)snprintf(until_kill, sizeof until_kill,
                       "history page=20 numbers=0; append 0 16; sync 0; append 0 16; append 0 16; "
                       "sync 0 !cut:%u:one:short:%u; open 0",
                       2 + unit % 2, unit);
        const story_t story = {until_kill, "append 0 16; append 0 16; sync 0"};
        tell_everywhere(&story);
    }
}

/* An append writes its value and is told that it could not. The next one cuts what lies behind the end, and is
 * killed before that is durable. Open finds a section that is exactly what a close has left, and has nothing to
 * mend. A value of the same length goes to the same offset, its record is kept by the next crash and its bytes are
 * lost: the value that was refused must not stand in their place. */
static void a_refused_value_never_stands_in_for_one_at_its_offset(void **state)
{
    (void)state;
    const story_t story = {"history page=33 numbers=0; open 1; append 1 16; close; open 1; "
                           "append 1 100 /write:1:EIO:65536; append 1 100",
                           "open 1; append 1 100; sync 1"};
    const story_t at_once = {"history page=33 numbers=0; open 1; append 1 16; sync 1",
                             "open 1; append 1 100 /write:1:EIO:65536; append 1 100; sync 1"};
    tell_everywhere(&story);
    tell_everywhere(&at_once);
}

/* The first append to a section has written its value, and is told that it could not: its files are taken back. The
 * next one makes them again, with a value of the same length. The power goes while its sync makes names durable, the
 * index's first: of the values' name the disk may have kept that the first file was made, and lost all that came
 * behind. */
static void a_file_that_was_taken_back_never_stands_in_for_the_next_one(void **state)
{
    (void)state;
    char text[256];
    for (unsigned write = 3; write <= 5; write++) {
        for (unsigned cut_at = 4; cut_at <= 6; cut_at++) {
            for (unsigned seed = 0; seed < 600; seed++) {
                (void)snprintf(text, sizeof text,
                               "history page=20 numbers=0; open 9; append 1 27 /write:%u:EIO:65536; append 1 27; "
                               "sync 1 !cut:%u:some:short:%u; open 0; check",
                               write, cut_at, seed);
                run_text(text);
            }
        }
    }
}

/* What threads read beside decides nothing. */
static void a_history_is_the_same_each_time(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 24; seed++) {
        script_options_t options = {.faults = true, .readers = seed % 4 == 0, .tear = seed % 3 == 0};
        script_t *script = script_generate(seed, &options);
        history_counts_t counts[2];
        char failure[1024];
        memset(counts, 0, sizeof counts);
        for (int i = 0; i < 2; i++) {
            counts[i].traced = true;
            if (!history_run(script, &counts[i], failure, sizeof failure))
                fail_msg("history %llu: %s", (unsigned long long)seed, failure);
            counts[i].reads = 0;
        }
        script_free(script);
        assert_memory_equal(&counts[0], &counts[1], sizeof counts[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_script_is_its_text),
        cmocka_unit_test(a_history_is_the_same_each_time),
        cmocka_unit_test(a_removal_that_is_undone_leaves_an_index_that_lags),
        cmocka_unit_test(what_a_rewind_left_of_a_batch_outlives_the_next_one),
        cmocka_unit_test(a_cut_that_has_reached_its_block_has_begun),
        cmocka_unit_test(a_cut_left_by_a_killed_rewind_is_durable_before_its_offsets_are_used),
        cmocka_unit_test(a_cut_left_by_a_killed_open_is_durable_before_its_offsets_are_used),
        cmocka_unit_test(a_refused_value_never_stands_in_for_one_at_its_offset),
        cmocka_unit_test(a_file_that_was_taken_back_never_stands_in_for_the_next_one),
        cmocka_unit_test(long_histories_of_lives_and_crashes),
        cmocka_unit_test(long_histories_without_faults),
        cmocka_unit_test(long_histories_in_version_2),
        cmocka_unit_test(long_histories_in_version_2_without_faults),
        cmocka_unit_test(a_spoilt_sector_costs_records_but_shows_no_wrong_value),
    };
    const struct CMUnitTest script[] = {cmocka_unit_test(the_script_of_the_environment)};
    if (getenv("SEGJ_SCRIPT") != NULL)
        return cmocka_run_group_tests(script, NULL, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
