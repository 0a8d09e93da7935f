/*
 * crash/scripts.c: see the header.
 */
#include "crash/scripts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "crash/explore.h"
#include "support/simdisk_image.h"
#include "support/support.h"
#include "support/wanted.h"

#define LENGTH_MAX 6
#define SCRIPT_MAX (5 + LENGTH_MAX) /* with what others than explore_all begin with */
#define SEED 20
#define PROGRESS_SECONDS 5
#define PREALLOCATED 600 /* more than a sector, and not a whole number of them */

typedef unsigned long long number_t;

/** One configuration being explored. */
typedef struct run {
    explorer_t *explorer;
    char name[32];
    time_t begun, told;
    clock_t worked;   /* before it began */
    uint64_t scripts; /* in all, once for each depth */
    int depth;
} run_t;

static uint64_t setting(const char *name, uint64_t usual, uint64_t least, uint64_t most)
{
    const char *text = getenv(name);
    if (text == NULL || text[0] == '\0')
        return usual;
    char *end;
    number_t value = strtoull(text, &end, 10);
    if (*end != '\0' || text[0] == '-' || value < least || value > most)
        fail_msg("%s is \"%s\", expected %llu to %llu", name, text, (number_t)least, (number_t)most);
    return value;
}

static number_t a_second(const run_t *run, uint64_t states)
{
    clock_t worked = (clock() - run->worked) / CLOCKS_PER_SEC; /* not what other programs take */
    return (number_t)(worked > 0 ? states / (uint64_t)worked : states);
}

static void on_progress(void *context, const explore_result_t *result)
{
    run_t *run = context;
    time_t now = time(NULL);
    if (now - run->told < PROGRESS_SECONDS)
        return;
    run->told = now;
    (void)fprintf(stderr,
                  "%s: %llu s, depth %d, script %llu of %llu, %llu states (%llu in a second of work), points: %llu "
                  "exhaustive, %llu sampled\n",
                  run->name, (number_t)(now - run->begun), run->depth, (number_t)result->scripts,
                  (number_t)run->scripts, (number_t)result->states, a_second(run, result->states),
                  (number_t)result->exhaustive_points, (number_t)result->sampled_points);
}

/* All scripts of a length. */
static void run_length(const run_t *run, operation_t *script, size_t at, size_t length)
{
    for (int operation = 0; operation < OPERATIONS && !explorer_has_enough(run->explorer); operation++) {
        script[at] = (operation_t)operation;
        if (at + 1 < length && at + 1 < SCRIPT_MAX)
            run_length(run, script, at + 1, length);
        else if (!explorer_run(run->explorer, script, length))
            fail_msg("%s", explorer_result(run->explorer)->failure);
    }
}

static void report(const run_t *run, const explore_result_t *result)
{
    print_message("%s: %llu of %llu scripts, %llu points (%llu exhaustive, %llu sampled), %llu states, %llu looked at "
                  "again with a crash more within recovery, %llu met again, %llu s, %llu states in a second of work\n",
                  run->name, (number_t)result->scripts, (number_t)run->scripts, (number_t)result->points,
                  (number_t)result->exhaustive_points, (number_t)result->sampled_points, (number_t)result->states,
                  (number_t)result->deeper, (number_t)result->duplicates, (number_t)(time(NULL) - run->begun),
                  a_second(run, result->states));
    if (result->foreign > 0)
        print_message("%s: in %llu states a torn new header looks like one of another version, and open refuses it\n",
                      run->name, (number_t)result->foreign);
    if (result->spoilt > 0)
        print_message(
            "%s: garbage: %llu states, open refuses %llu, reports a loss in %llu, reading finds damage in %llu, "
            "a loss is silent in %llu%s%s\n",
            run->name, (number_t)result->spoilt, (number_t)result->refused, (number_t)result->reported,
            (number_t)result->found, (number_t)result->silent, result->silent > 0 ? "; the first: " : "",
            result->example);
    if (result->spoilt > 0 && result->refused > 0)
        print_message("%s: the first refusal: %s\n", run->name, result->refusal);
}

static bool is_wanted(const char *name)
{
    const char *only = getenv("SEGJ_CRASH_ONLY");
    return only == NULL || only[0] == '\0' || strcmp(only, name) == 0;
}

/* All scripts that go on from the first `begun` operations, by one to `most` of them. */
static void explore(explore_config_t *config, const char *kind, operation_t *script, size_t begun, size_t most)
{
    run_t run = {.begun = time(NULL), .worked = clock(), .scripts = 0};
    run.told = run.begun;
    int deepest = (int)setting("SEGJ_CRASH_DEPTH", 1, 0, EXPLORE_DEPTH_MAX);
    config->seed = SEED;
    config->states = setting("SEGJ_CRASH_STATES", 0, 0, UINT64_MAX);
    config->grain = (size_t)setting("SEGJ_CRASH_TEAR", 0, 0, 1);
    config->spoil = config->sector > 0 || setting("SEGJ_CRASH_SPOIL", 0, 0, 1) == 1;
    (void)snprintf(run.name, sizeof run.name, "%s%s%u/%s", config->format == SEGJ_FORMAT_NATIVE ? "" : "commonware/",
                   config->version == 2 ? "log/" : "", (unsigned)config->page_size, kind);
    if (!is_wanted(run.name))
        SKIP("SEGJ_CRASH_ONLY names another one");
    for (size_t length = 1, scripts = OPERATIONS; length <= most; length++, scripts *= OPERATIONS)
        run.scripts += scripts * (uint64_t)(deepest > 1 ? deepest : 1);
    run.explorer = explorer_new(config);
    if (setting("SEGJ_CRASH_PROGRESS", 0, 0, 1) == 1)
        explorer_on_progress(run.explorer, on_progress, &run);
    /* All scripts before the first deep crash, so that an end after so many states leaves no operation out. */
    for (run.depth = deepest > 0 ? 1 : 0; run.depth <= deepest; run.depth++) {
        explorer_set_depth(run.explorer, run.depth);
        for (size_t length = 1; length <= most; length++)
            run_length(&run, script, begun, begun + length);
    }
    report(&run, explorer_result(run.explorer));
    explorer_free(run.explorer);
}

void explore_all(segj_format_t format, uint16_t page_size, int compression)
{
    explore_config_t config = {.format = format, .page_size = page_size, .compression = compression};
    operation_t script[SCRIPT_MAX];
    explore(&config, compression != 0 ? "zstd" : "plain", script, 0,
            (size_t)setting("SEGJ_CRASH_LENGTH", 1, 1, LENGTH_MAX));
}

void explore_log(uint16_t page_size, int compression)
{
    explore_config_t config = {.version = 2, .page_size = page_size, .compression = compression};
    operation_t script[SCRIPT_MAX];
    explore(&config, compression != 0 ? "zstd" : "plain", script, 0,
            (size_t)setting("SEGJ_CRASH_LENGTH", 1, 1, LENGTH_MAX));
}

void explore_sectors(uint16_t page_size)
{
    explore_config_t config = {.version = 2, .page_size = page_size, .sector = SIMDISK_SECTOR};
    operation_t script[SCRIPT_MAX];
    explore(&config, "sectors", script, 0, (size_t)setting("SEGJ_CRASH_LENGTH", 1, 1, LENGTH_MAX));
}

void explore_dictionary(uint16_t page_size)
{
    explore_config_t config = {.version = 2, .page_size = page_size, .compression = 3, .dictionary = true};
    operation_t script[SCRIPT_MAX];
    explore(&config, "dictionary", script, 0, (size_t)setting("SEGJ_CRASH_LENGTH", 1, 1, LENGTH_MAX));
}

void explore_ahead(uint8_t version, uint16_t page_size)
{
    explore_config_t config = {.version = version, .page_size = page_size, .preallocate = PREALLOCATED};
    operation_t script[SCRIPT_MAX] = {OP_APPEND, OP_SYNC, OP_APPEND, OP_SYNC};
    size_t length = (size_t)setting("SEGJ_CRASH_LENGTH", 1, 1, LENGTH_MAX);
    explore(&config, "ahead", script, 4, length > 1 ? length - 1 : 1);
}

void explore_unsynced(segj_format_t format, uint8_t version, uint16_t page_size, bool flushed)
{
    explore_config_t config = {.format = format, .version = version, .page_size = page_size};
    operation_t script[SCRIPT_MAX] = {OP_APPEND_MANY, OP_SYNC, OP_APPEND, OP_FLUSH, OP_APPEND};
    size_t length = (size_t)setting("SEGJ_CRASH_LENGTH", 1, 1, LENGTH_MAX);
    gates_are_wanted = flushed;
    explore(&config, flushed ? "flushed" : "unsynced", script, flushed ? 5 : 3, length > 1 ? length - 1 : 1);
    gates_are_wanted = false;
}

void explore_parallel(segj_format_t format, uint16_t page_size)
{
    explore_config_t config = {.format = format, .page_size = page_size, .parallel = true};
    operation_t script[SCRIPT_MAX] = {OP_APPEND, OP_SYNC, OP_APPEND};
    size_t length = (size_t)setting("SEGJ_CRASH_LENGTH", 1, 1, LENGTH_MAX);
    gates_are_wanted = page_size == 64;
    explore(&config, "parallel", script, 3, length > 1 ? length - 1 : 1);
    gates_are_wanted = false;
}
