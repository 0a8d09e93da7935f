/*
 * crash/explore.c: see the header.
 */
#include "crash/explore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crash/inspect.h"
#include "crash/seen.h"
#include "support/log.h"
#include "support/simdisk.h"
#include "support/simdisk_image.h"

#define MANY 8
#define SEEDED 64
/* With more units than this, which only single bytes can be, at most one is lost or kept. */
#define PAIRS_MAX 96
#define PROGRESS_EVERY 4096

struct explorer {
    explore_config_t config;
    explore_result_t result;
    seen_t seen;  /* states */
    seen_t begun; /* what open has made of them, where it was gone on from */
    inspector_t *inspector;
    void (*progress)(void *context, const explore_result_t *result);
    void *progress_context;
    const operation_t *script;
    size_t length;
    application_t application;
    bool crashing; /* in the script's last operation */
    uint64_t random;
};

/** A crash that is being looked at: the model that it is held against, and what may still be crashed within it. */
typedef struct look {
    explorer_t *explorer;
    const model_t *model;
    const model_t *cut;    /* what a power cut from here on is held against */
    const model_t *killed; /* and a kill, which takes nothing that reached the system */
    uint64_t model_hash;
    int depth;
    bool after_open; /* what open showed must be there again */
    bool within;     /* recovery */
    bool spoilt;     /* a sector has turned to garbage */
} look_t;

static look_t look_of(explorer_t *explorer, const model_t *model, int depth, bool after_open)
{
    return (look_t){explorer, model, model, model, model_hash(model), depth, after_open, false, false};
}

static look_t after_cut(const look_t *look)
{
    look_t after = *look;
    after.model = after.killed = look->cut;
    after.model_hash = model_hash(look->cut);
    return after;
}

static look_t after_kill(const look_t *look)
{
    look_t after = *look;
    after.model = look->killed;
    after.model_hash = model_hash(look->cut) ^ model_hash(look->killed) << 1;
    return after;
}

static void describe(const explorer_t *explorer, char *text, size_t size, const char *where, const char *what)
{
    size_t used =
        (size_t)snprintf(text, size, "page size %u, compression %d, script:", (unsigned)explorer->config.page_size,
                         explorer->config.compression);
    for (size_t i = 0; i < explorer->length; i++)
        used += (size_t)snprintf(text + used, size - used, " %s", operation_name(explorer->script[i]));
    (void)snprintf(text + used, size - used, "; %s: %s", where, what);
}

static void fail(explorer_t *explorer, const char *where, const char *what)
{
    if (explorer->result.failure[0] == '\0')
        describe(explorer, explorer->result.failure, sizeof explorer->result.failure, where, what);
}

static bool healthy(const explorer_t *explorer)
{
    return explorer->result.failure[0] == '\0';
}

bool explorer_has_enough(const explorer_t *explorer)
{
    return explorer->config.states != 0 && explorer->result.states >= explorer->config.states;
}

static bool going_on(const explorer_t *explorer)
{
    return healthy(explorer) && !explorer_has_enough(explorer);
}

/* --- states --- */

static void look_at(const look_t *look, simdisk_t *disk);

/* Whether there is something new to be seen. The closer look includes the others: after another crash (0), then with
 * no, one, ... crashes in recovery. */
static bool is_new(const look_t *look, uint64_t disk_hash)
{
    explorer_t *explorer = look->explorer;
    explore_result_t *result = &explorer->result;
    uint64_t state = (disk_hash ^ look->model_hash) * UINT64_C(0xD6E8FEB86659FD93);
    state = (state ^ state >> 32) + look->model_hash;
    state +=
        look->spoilt ? UINT64_C(0x9E3779B97F4A7C15) : 0; /* not what one that a journal must survive is taken for */
    switch (seen_note(&explorer->seen, state, look->after_open ? 0 : (unsigned)look->depth + 1)) {
    case SEEN_NEW:
        result->states++;
        break;
    case SEEN_LESS:
        result->deeper++;
        break;
    default:
        result->duplicates++;
        return false;
    }
    if (explorer->progress != NULL && result->states % PROGRESS_EVERY == 0)
        explorer->progress(explorer->progress_context, result);
    return true;
}

static void visit(const look_t *look, simdisk_t *disk)
{
    if (is_new(look, simdisk_hash(disk)))
        look_at(look, disk);
}

/* --- crashes --- */

typedef struct crash_context {
    const look_t *look;
    simdisk_cut_t *cut;
    uint8_t *keep;
    bool *truncates; /* of a unit */
    size_t units;
    bool spare_cuts, cuts_alone; /* of the units that differ */
} crash_context_t;

static uint64_t next_random(explorer_t *explorer)
{
    explorer->random ^= explorer->random << 13; /* xorshift64 (Marsaglia 2003) */
    explorer->random ^= explorer->random >> 7;
    explorer->random ^= explorer->random << 17;
    return explorer->random;
}

static void crash_filled(const crash_context_t *context, simdisk_fill_t index, simdisk_fill_t values)
{
    const simdisk_fill_t fill[2] = {index, values};
    if (!going_on(context->look->explorer) ||
        !is_new(context->look, simdisk_cut_hash(context->cut, context->keep, fill)))
        return;
    simdisk_t *after = simdisk_cut_build(context->cut, context->keep, fill);
    look_at(context->look, after);
    simdisk_free(after);
}

/* The crash that does to the units what `keep` says, with every fill; within recovery, with the same for both
 * partitions. */
static void crash_as_kept(const crash_context_t *context)
{
    bool grows[2] = {simdisk_cut_growth(context->cut, 0), simdisk_cut_growth(context->cut, 1)};
    int fills = grows[0] || grows[1] ? SIMDISK_FILLS : 1;
    bool mixed = grows[0] && grows[1] && !context->look->within;
    for (int fill = 0; fill < fills; fill++) {
        crash_filled(context, (simdisk_fill_t)fill, (simdisk_fill_t)fill);
        for (int other = 1; mixed && other < fills; other++)
            crash_filled(context, (simdisk_fill_t)fill, (simdisk_fill_t)((fill + other) % fills));
    }
}

/* The same, and where a truncation is lost once more with what a file system does before it. */
static void crash(const crash_context_t *context)
{
    crash_as_kept(context);
    for (size_t i = 0; i < context->units; i++) {
        if (!context->truncates[i] || context->keep[i] != SIMDISK_LOST)
            continue;
        context->keep[i] = SIMDISK_TORN;
        crash_as_kept(context);
        context->keep[i] = SIMDISK_LOST;
    }
}

static void all_subsets(const crash_context_t *context)
{
    for (uint32_t mask = 0; mask < (uint32_t)1 << context->units; mask++) {
        for (size_t i = 0; i < context->units; i++)
            context->keep[i] = (uint8_t)(mask >> i & 1);
        crash(context);
    }
}

static bool may_differ(const crash_context_t *context, size_t unit)
{
    return context->truncates[unit] ? !context->spare_cuts : !context->cuts_alone;
}

/* All that differ from "everything is `base`" in at most `most` units, one or two, which are `other`. */
static void few_differ(const crash_context_t *context, uint8_t base, uint8_t other, int most)
{
    uint8_t *keep = context->keep;
    memset(keep, base, context->units);
    crash(context);
    for (size_t i = 0; i < context->units; i++) {
        if (!may_differ(context, i))
            continue;
        keep[i] = other;
        crash(context);
        for (size_t k = i + 1; most > 1 && k < context->units; k++) {
            if (!may_differ(context, k))
                continue;
            keep[k] = other;
            crash(context);
            keep[k] = base;
        }
        keep[i] = base;
    }
}

static void seeded_subsets(const crash_context_t *context)
{
    for (int i = 0; i < SEEDED; i++) {
        for (size_t k = 0; k < context->units; k++)
            context->keep[k] = (uint8_t)(next_random(context->look->explorer) >> 40 & 1);
        crash(context);
    }
}

/* The cut of a rewind writes the last block of what stays again, wherever it is made: by the rewind, or by the open
 * that goes on with it. */
static bool may_rewind(const explorer_t *explorer)
{
    for (size_t i = 0; i < explorer->length; i++)
        if (explorer->script[i] == OP_REWIND || explorer->script[i] == OP_REWIND_HALF)
            return true;
    return false;
}

/* Sectors that were being written are garbage, one or two of them. Where values are kept apart that costs nothing, but
 * for the cut of a rewind. Else it is looked at what it costs. */
static void spoil_few(const crash_context_t *context)
{
    crash_context_t few = *context;
    look_t spoilt = *context->look;
    bool apart = spoilt.explorer->config.sector > 0;
    spoilt.spoilt = true;
    few.look = apart ? context->look : &spoilt;
    few.spare_cuts = apart && may_rewind(spoilt.explorer);
    few_differ(&few, SIMDISK_LOST, SIMDISK_SPOILT, 2);
    few_differ(&few, SIMDISK_KEPT, SIMDISK_SPOILT, 2);
    if (!few.spare_cuts)
        return;
    few.look = &spoilt;
    few.spare_cuts = false;
    few.cuts_alone = true;
    few_differ(&few, SIMDISK_LOST, SIMDISK_SPOILT, 1);
    few_differ(&few, SIMDISK_KEPT, SIMDISK_SPOILT, 1);
}

/* Every state that a power cut may leave of the disk as it is now. */
static void crash_everywhere(const look_t *look, simdisk_t *disk)
{
    explore_result_t *result = &look->explorer->result;
    simdisk_cut_t *cut = simdisk_cut_new(disk);
    size_t units = simdisk_cut_units(cut);
    crash_context_t context = {look, cut, calloc(units + 1, 1), calloc(units + 1, sizeof(bool)), units, false, false};
    if (context.keep == NULL || context.truncates == NULL)
        abort();
    for (size_t i = 0; i < units; i++)
        context.truncates[i] = simdisk_cut_truncates(cut, i);
    result->points++;
    if (units <= MANY) {
        result->exhaustive_points++;
        all_subsets(&context);
    } else {
        int most = units <= PAIRS_MAX ? 2 : 1;
        result->sampled_points++;
        few_differ(&context, SIMDISK_LOST, SIMDISK_KEPT, most);
        few_differ(&context, SIMDISK_KEPT, SIMDISK_LOST, most);
        seeded_subsets(&context);
    }
    if (look->explorer->config.spoil)
        spoil_few(&context);
    free(context.keep);
    free(context.truncates);
    simdisk_cut_free(cut);
}

static void kill_here(const look_t *look, simdisk_t *disk)
{
    simdisk_t *killed = simdisk_kill(disk);
    visit(look, killed);
    simdisk_free(killed);
}

static void on_recovery_call(void *context, simdisk_t *disk, simdisk_call_t call)
{
    const look_t *look = context;
    (void)call;
    if (!going_on(look->explorer))
        return;
    look_t cut = after_cut(look);
    look_t killed = after_kill(look);
    crash_everywhere(&cut, disk);
    kill_here(&killed, disk);
}

/* --- one state --- */

/* More than a sector of what values have in common. */
static const uint8_t words[700] = "a dictionary that begins with words and ends with zeros";

/* salts: those of one opener are none of another's. */
static void init(const explorer_t *explorer, application_t *application, simdisk_t *disk, uint64_t salts)
{
    count_salts_from(salts);
    application_init(application, explorer->config.format, explorer->config.page_size, explorer->config.compression,
                     simdisk_storage(disk));
    if (explorer->config.version == 2)
        application->config.native_version = 2;
    application->config.preallocate = explorer->config.preallocate;
    application->config.sector_size = application->model.sector = explorer->config.sector;
    if (explorer->config.dictionary) {
        application->config.dictionary = words;
        application->config.dictionary_size = sizeof words;
    }
    application->model.head = explorer->config.version == 2 ? LOG_HEAD + MODEL_ENTRY : 0;
    application->config.parallel_flush = explorer->config.parallel;
    application->flushes = (flush_order_t){.journal = &application->journal, .values_first = true};
    simdisk_order_flushes(disk, &application->flushes);
}

/** A journal that goes on after recovery. */
typedef struct going {
    explorer_t *explorer;
    application_t *application;
    const model_t
        *before; /* commonware: until a cut that it has inherited is durable, which is before the first write */
} going_t;

static void on_going_on_call(void *context, simdisk_t *disk, simdisk_call_t call)
{
    going_t *going = context;
    if (!going_on(going->explorer))
        return;
    if (call == SIMDISK_WRITE && going->before != NULL) {
        going->application->model.sections[1].cut = 0;
        going->before = NULL;
    }
    look_t look = look_of(going->explorer, going->before != NULL ? going->before : &going->application->model, 0, true);
    crash_everywhere(&look, disk);
}

/* The journal goes on: a record more, synced, and another one, with a crash before each call and behind the last. */
static void go_on(explorer_t *explorer, simdisk_t *disk, application_t *application)
{
    const char *wrong;
    const model_t before = application->model;
    bool inherits = before.sections[1].cut > before.sections[1].count;
    going_t going = {explorer, application, inherits ? &before : NULL};
    simdisk_on_call(disk, on_going_on_call, &going);
    bool done = application_go_on(application, &wrong) && application_go_on(application, &wrong);
    simdisk_on_call(disk, NULL, NULL);
    if (done)
        on_going_on_call(&going, disk, SIMDISK_CALLS);
    else
        fail(explorer, "going on after recovery", wrong);
}

/* Whether nothing has gone on yet from where open has come to: files, what they show, and what open had to do for
 * it. */
static bool is_new_beginning(explorer_t *explorer, const simdisk_t *disk, const application_t *application)
{
    const oversized_recovery_t *found = oversized_recovery(application->journal);
    uint64_t hash = simdisk_mix(simdisk_mix(3, simdisk_hash(disk)), model_hash(&application->model));
    hash = simdisk_mix(simdisk_mix(hash, found->sections_repaired), found->orphan_sections_removed);
    hash = simdisk_mix(simdisk_mix(hash, found->index_bytes_truncated), found->value_bytes_truncated);
    return seen_note(&explorer->begun, hash, 0) == SEEN_NEW;
}

/* Not what a journal must survive: what it costs. */
static void look_at_spoilt(const look_t *look, simdisk_t *disk)
{
    explore_result_t *result = &look->explorer->result;
    application_t application;
    init(look->explorer, &application, disk, 1000);
    application.config.strict = false;
    result->spoilt++;
    if (!application_open(&application)) {
        if (result->refused++ == 0)
            describe(look->explorer, result->refusal, sizeof result->refusal,
                     look->after_open ? "after recovery"
                     : look->within   ? "within recovery"
                                      : "after a crash",
                     segj_last_error());
        return;
    }
    const char *wrong = model_judge(look->model, application.journal, NULL);
    if (wrong != NULL && (strstr(wrong, "foreign") != NULL || strstr(wrong, "more records") != NULL))
        fail(look->explorer, "after garbage", wrong); /* records may be lost, but not be wrong */
    if (wrong != NULL && oversized_recovery(application.journal)->synced_records_lost > 0)
        result->reported++;
    else if (wrong != NULL && strstr(wrong, "cannot be read") != NULL)
        result->found++;
    else if (wrong != NULL && result->silent++ == 0)
        describe(look->explorer, result->example, sizeof result->example, "silent", wrong);
    oversized_abandon(application.journal);
}

static void look_at(const look_t *look, simdisk_t *disk)
{
    explorer_t *explorer = look->explorer;
    application_t application;
    inspection_t before;
    explorer->result.opens++;
    if (look->spoilt) {
        look_at_spoilt(look, disk);
        return;
    }
    look_t within = *look;
    within.depth--;
    within.within = true;
    init(explorer, &application, disk, 100 * (uint64_t)(look->depth + 2));
    inspect(explorer->inspector, disk, &before);
    if (look->depth > 0 && !look->after_open)
        simdisk_on_call(disk, on_recovery_call, &within);
    bool opened = application_open(&application);
    simdisk_on_call(disk, NULL, NULL);
    if (!opened && explorer->config.format == SEGJ_FORMAT_COMMONWARE && inspect_garbage_header(disk)) {
        explorer->result.refused++;
        return;
    }
    /* The first bytes of a new header, and garbage where its version was to be, are a file of another version. */
    if (!opened && explorer->config.grain == 1 && strstr(segj_last_error(), "another version") != NULL) {
        explorer->result.foreign++;
        return;
    }
    if (!opened) {
        fail(explorer, "open after a crash", segj_last_error());
        return;
    }
    const char *wrong = model_judge(look->model, application.journal, &application.model);
    if (wrong == NULL)
        wrong = inspect_again(explorer->inspector, disk, &before, application.journal);
    if (wrong != NULL)
        fail(explorer, look->after_open ? "after recovery and another crash" : "after a crash", wrong);
    if (going_on(explorer) && !look->after_open && is_new_beginning(explorer, disk, &application)) {
        /* What open showed is durable: it is all there after any crash, and after none. */
        look_t next = look_of(explorer, &application.model, 0, true);
        crash_everywhere(&next, disk);
        if (going_on(explorer))
            go_on(explorer, disk, &application);
    }
    oversized_abandon(application.journal);
}

/* --- the script --- */

static void on_script_call(void *context, simdisk_t *disk, simdisk_call_t call)
{
    explorer_t *explorer = context;
    (void)call;
    if (!explorer->crashing || !going_on(explorer))
        return;
    look_t look = look_of(explorer, &explorer->application.model, explorer->config.recovery_depth, false);
    model_t handed = explorer->application.model;
    model_killed(&handed);
    crash_everywhere(&look, disk);
    look.killed = &handed;
    look = after_kill(&look);
    kill_here(&look, disk);
}

bool explorer_run(explorer_t *explorer, const operation_t *script, size_t length)
{
    application_t *application = &explorer->application;
    simdisk_t *disk = simdisk_new();
    simdisk_forget_idle(disk);
    /* What a killed process has left is synced there, and not written again. */
    if (explorer->config.format == SEGJ_FORMAT_COMMONWARE)
        simdisk_sync_whole_files(disk);
    if (explorer->config.grain != 0)
        simdisk_set_grain(disk, explorer->config.grain);
    explorer->script = script;
    explorer->length = length;
    explorer->crashing = false;
    explorer->result.scripts++;
    init(explorer, application, disk, 1);
    if (!application_open(application))
        fail(explorer, "open", segj_last_error());
    simdisk_on_call(disk, on_script_call, explorer);
    for (size_t i = 0; i < length && going_on(explorer); i++) {
        const char *wrong;
        explorer->crashing = i + 1 == length;
        if (!application_perform(application, script[i], &wrong))
            fail(explorer, operation_name(script[i]), wrong);
    }
    if (going_on(explorer))
        on_script_call(explorer, disk, SIMDISK_CALLS); /* a crash behind the last call */
    simdisk_on_call(disk, NULL, NULL);
    oversized_abandon(application->journal);
    simdisk_free(disk);
    return healthy(explorer);
}

explorer_t *explorer_new(const explore_config_t *config)
{
    explorer_t *explorer = calloc(1, sizeof *explorer);
    if (explorer == NULL)
        abort();
    explorer->config = *config;
    explorer->random = config->seed | 1;
    explorer->inspector = inspector_new(config->format, config->page_size);
    return explorer;
}

void explorer_free(explorer_t *explorer)
{
    seen_free(&explorer->seen);
    seen_free(&explorer->begun);
    inspector_free(explorer->inspector);
    free(explorer);
}

void explorer_set_depth(explorer_t *explorer, int depth)
{
    explorer->config.recovery_depth = depth;
}

void explorer_on_progress(explorer_t *explorer, void (*progress)(void *context, const explore_result_t *result),
                          void *context)
{
    explorer->progress = progress;
    explorer->progress_context = context;
}

const explore_result_t *explorer_result(const explorer_t *explorer)
{
    return &explorer->result;
}
