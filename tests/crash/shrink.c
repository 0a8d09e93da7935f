/*
 * crash/shrink.c: see the header. Steps are left out greedily, first in large pieces, then one by one; what remains is
 * made plainer, one property at a time. Each attempt is run, and kept where it still fails, in whatever way.
 */
#include "crash/shrink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crash/histories.h"

#define TRIES_WITH_READERS 8 /* what threads find, they do not find each time */

typedef struct shrinker {
    script_t *best;
    unsigned runs;
    char *failure;
    size_t size;
} shrinker_t;

/* Takes the attempt over, or frees it. */
static bool try_script(shrinker_t *shrinker, script_t *attempt)
{
    history_counts_t counts = {0};
    char failure[1024];
    bool good = true;
    for (int i = 0; i < (attempt->readers ? TRIES_WITH_READERS : 1) && good && shrinker->runs > 0; i++) {
        shrinker->runs--;
        good = history_run(attempt, &counts, failure, sizeof failure);
    }
    if (good) {
        script_free(attempt);
        return false;
    }
    script_free(shrinker->best);
    shrinker->best = attempt;
    (void)snprintf(shrinker->failure, shrinker->size, "%s", failure);
    return true;
}

static script_t *without(const script_t *script, size_t first, size_t count)
{
    script_t *attempt = script_copy(script);
    memmove(attempt->steps + first, attempt->steps + first + count,
            (attempt->count - first - count) * sizeof *attempt->steps);
    attempt->count -= count;
    return attempt;
}

/* True where anything could go. */
static bool drop_steps(shrinker_t *shrinker)
{
    bool dropped = false;
    for (size_t piece = shrinker->best->count / 2; piece > 0; piece /= 2) {
        size_t at = shrinker->best->count;
        while (at > 0 && shrinker->runs > 0) {
            at = at > piece ? at - piece : 0;
            if (at + piece <= shrinker->best->count && piece < shrinker->best->count)
                dropped = try_script(shrinker, without(shrinker->best, at, piece)) || dropped;
        }
    }
    return dropped;
}

typedef void (*change_t)(script_t *script, step_t *step);

static void no_fault(script_t *script, step_t *step)
{
    (void)script;
    step->fault = (step_fault_t){0};
}

static void no_crash(script_t *script, step_t *step)
{
    (void)script;
    step->crash = (step_crash_t){0};
}

static void crash_behind(script_t *script, step_t *step)
{
    (void)script;
    step->crash.call = 0;
}

static void kill_instead(script_t *script, step_t *step)
{
    (void)script;
    if (step->crash.kind != CRASH_NONE)
        step->crash = (step_crash_t){.kind = CRASH_KILL, .call = step->crash.call};
}

static void keep_nothing(script_t *script, step_t *step)
{
    (void)script;
    step->crash.pattern = KEEP_NONE;
    step->crash.seed = 0;
}

static void keep_everything(script_t *script, step_t *step)
{
    (void)script;
    step->crash.pattern = KEEP_ALL;
    step->crash.seed = 0;
}

static void fill_short(script_t *script, step_t *step)
{
    (void)script;
    step->crash.fill = SIMDISK_SHORT;
}

static void plain_open(script_t *script, step_t *step)
{
    (void)script;
    if (step->kind == STEP_OPEN)
        step->amount = 0;
}

static void smaller(script_t *script, step_t *step)
{
    (void)script;
    if (step->kind == STEP_APPEND || step->kind == STEP_BURST || step->kind == STEP_PIECES || step->kind == STEP_BATCH)
        step->amount /= 2;
}

static void no_readers(script_t *script, step_t *step)
{
    (void)step;
    script->readers = false;
}

static void no_shorts(script_t *script, step_t *step)
{
    (void)step;
    script->shorts = false;
}

static void no_tears(script_t *script, step_t *step)
{
    (void)step;
    script->tear = false;
}

static void plain_numbers(script_t *script, step_t *step)
{
    (void)step;
    script->numbers = 0;
}

static void try_change(shrinker_t *shrinker, change_t change, size_t at)
{
    script_t *attempt = script_copy(shrinker->best);
    char *before = script_print(shrinker->best);
    change(attempt, &attempt->steps[at]);
    char *after = script_print(attempt);
    if (strcmp(before, after) == 0)
        script_free(attempt);
    else
        (void)try_script(shrinker, attempt);
    free(before);
    free(after);
}

/* One unit alone kept, or alone lost: the smallest difference that fails. */
static void single_unit(shrinker_t *shrinker, size_t at)
{
    crash_pattern_t pattern = shrinker->best->steps[at].crash.pattern;
    if (shrinker->best->steps[at].crash.kind != CRASH_CUT || pattern == KEEP_NONE || pattern == KEEP_ALL ||
        pattern == KEEP_ONE || pattern == KEEP_ALL_BUT_ONE)
        return;
    for (uint32_t unit = 0; unit < 48; unit++) {
        script_t *attempt = script_copy(shrinker->best);
        attempt->steps[at].crash.pattern = unit % 2 == 0 ? KEEP_ONE : KEEP_ALL_BUT_ONE;
        attempt->steps[at].crash.seed = unit / 2;
        if (try_script(shrinker, attempt))
            return;
    }
}

static void simplify(shrinker_t *shrinker)
{
    static const change_t of_script[] = {no_readers, no_shorts, no_tears, plain_numbers};
    static const change_t of_step[] = {no_fault,        no_crash,   crash_behind, kill_instead, keep_nothing,
                                       keep_everything, fill_short, plain_open,   smaller,      smaller};
    for (size_t i = 0; i < sizeof of_script / sizeof of_script[0]; i++)
        try_change(shrinker, of_script[i], 0);
    for (size_t at = 0; at < shrinker->best->count; at++) {
        for (size_t i = 0; i < sizeof of_step / sizeof of_step[0]; i++)
            try_change(shrinker, of_step[i], at);
        single_unit(shrinker, at);
    }
}

script_t *script_shrink(const script_t *script, unsigned runs, char *failure, size_t size)
{
    shrinker_t shrinker = {script_copy(script), runs, failure, size};
    bool shorter = true;
    while (shorter && shrinker.runs > 0) {
        shorter = drop_steps(&shrinker);
        simplify(&shrinker);
    }
    return shrinker.best;
}
