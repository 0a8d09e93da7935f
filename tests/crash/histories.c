/*
 * crash/histories.c: the lives of a journal: opening and judging, faults as the script wants them, and crashes.
 */
#include "crash/histories.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crash/raw.h"
#include "crash/runner.h"
#include "support/log.h"
#include "support/strict.h"
#include "support/simdisk_image.h"
#include "support/wanted.h"

#define SICK_STEPS 3 /* what a poisoned journal has to stand before it is opened again */

static const uint64_t section_numbers[SCRIPT_NUMBERS][MODEL_SECTIONS] = {
    {0, 1, 2, 3, 4, 5},
    {1, 7, 8, 4096, UINT64_C(1) << 33, UINT64_MAX},
    {UINT64_MAX - 5, UINT64_MAX - 4, UINT64_MAX - 3, UINT64_MAX - 2, UINT64_MAX - 1, UINT64_MAX},
};

void history_counts_add(history_counts_t *to, const history_counts_t *from)
{
    to->histories += from->histories;
    to->lives += from->lives;
    to->operations += from->operations;
    to->faults += from->faults;
    to->shorts += from->shorts;
    to->power_cuts += from->power_cuts;
    to->kills += from->kills;
    to->within_open += from->within_open;
    to->poisoned += from->poisoned;
    to->states += from->states;
    to->reads += from->reads;
    to->spoilt += from->spoilt;
    to->losses += from->losses;
    to->losses_said += from->losses_said;
    to->refused += from->refused;
}

bool runner_healthy(const runner_t *runner)
{
    return runner->failure[0] == '\0';
}

void runner_fail(runner_t *runner, const char *what, const char *why)
{
    if (runner_healthy(runner))
        (void)snprintf(runner->failure, runner->failure_size, "step %zu (%s): %s: %s", runner->at,
                       step_name(runner->script->steps[runner->at].kind), what, why);
}

/* --- faults --- */

static segj_status_t answer_of(int code)
{
    return code == ENOSPC || code == EDQUOT || code == EFBIG ? SEGJ_ERR_NO_SPACE : SEGJ_ERR_IO;
}

static void shorten(runner_t *runner, simdisk_call_t call, simdisk_fault_t *fault)
{
    uint64_t draw = script_mix(call, ++runner->transfers[call == SIMDISK_WRITE]);
    if (draw % 4 != 0)
        return;
    fault->limit = 1 + (size_t)(draw >> 8) % 700;
    runner->counts->shorts += call == SIMDISK_WRITE || runner->readers == NULL; /* those beside come as they come */
}

/* Called with the disk locked, by the writer and its readers. */
static void on_fault(void *context, simdisk_call_t call, simdisk_fault_t *fault)
{
    runner_t *runner = context;
    if (runner->script->shorts && (call == SIMDISK_READ || call == SIMDISK_WRITE))
        shorten(runner, call, fault);
    if (runner->readers != NULL && call >= SIMDISK_CHANGES)
        return; /* it may be any thread's; the rest is the writer's */
    const step_fault_t *wanted = runner->step != NULL ? &runner->step->fault : NULL;
    if (!runner->armed || wanted == NULL || wanted->nth == 0 || call != wanted->call)
        return;
    unsigned match = ++runner->matches;
    if (match != wanted->nth && !(wanted->lasting && match > wanted->nth))
        return;
    runner->counts->faults++;
    if (wanted->code == EINTR && match > wanted->nth)
        return; /* one that never ends is nothing that a storage may do */
    fault->code = wanted->code;
    if (wanted->code == EINTR)
        return;
    fault->limit = wanted->limit;
    fault->drop = wanted->drop;
    fault->seed = script_mix(runner->at, match);
    runner->fired = true;
    runner->expected = answer_of(wanted->code);
    runner->fired_sync = runner->fired_sync || call == SIMDISK_FILE_SYNC || call == SIMDISK_NAMES_SYNC;
}

/* --- crashes --- */

static uint8_t fate_of(const runner_t *runner, const step_crash_t *crash, size_t unit, size_t units)
{
    uint64_t draw = script_mix(script_mix(crash->seed, unit), 5);
    bool picked = unit == crash->seed % units;
    bool torn = runner->script->tear && (draw >> 40) % 3 == 0;
    bool kept = false;
    switch (crash->pattern) {
    case KEEP_NONE:
        return runner->script->spoil && (draw >> 44) % 4 == 0 ? SIMDISK_SPOILT : SIMDISK_LOST;
    case KEEP_ALL:
        return SIMDISK_KEPT;
    case KEEP_SOME:
        kept = draw % 2 != 0;
        break;
    case KEEP_FEW:
        kept = draw % 8 == 0;
        break;
    case KEEP_MOST:
        kept = draw % 8 != 0;
        break;
    case KEEP_ONE:
        kept = picked;
        torn = torn && picked;
        break;
    default:
        kept = !picked;
        torn = torn && picked;
        break;
    }
    if (torn)
        return SIMDISK_TORN;
    if (!kept && runner->script->spoil && (draw >> 44) % 4 == 0)
        return SIMDISK_SPOILT;
    return kept ? SIMDISK_KEPT : SIMDISK_LOST;
}

/* What the disk is after the crash that the step has in mind. */
static simdisk_t *crashed(runner_t *runner, simdisk_t *disk)
{
    const step_crash_t *crash = &runner->step->crash;
    bool spoilt = false;
    if (runner->step->kind == STEP_OPEN)
        runner->counts->within_open++;
    if (crash->kind != CRASH_CUT) {
        simdisk_t *after = simdisk_kill(disk);
        runner->counts->kills++;
        if (crash->kind == CRASH_DROP)
            simdisk_drop(after, crash->seed);
        if (crash->kind == CRASH_DROP)
            model_cut(&runner->model);
        else
            model_killed(&runner->model);
        return after;
    }
    simdisk_count_idle(disk, runner->script->spoil);
    size_t units = simdisk_units(disk);
    uint8_t *keep = malloc(units + 1);
    if (keep == NULL)
        abort();
    for (size_t i = 0; i < units; i++) {
        keep[i] = fate_of(runner, crash, i, units);
        spoilt = spoilt || keep[i] == SIMDISK_SPOILT;
    }
    simdisk_t *after = simdisk_crash(disk, keep, crash->fill);
    free(keep);
    model_cut(&runner->model);
    runner->counts->power_cuts++;
    runner->counts->spoilt += spoilt;
    return after;
}

static void on_change(void *context, simdisk_t *disk, simdisk_call_t call)
{
    runner_t *runner = context;
    (void)call;
    if (!runner->armed || runner->step->crash.kind == CRASH_NONE || ++runner->changes != runner->step->crash.call)
        return;
    runner->after = crashed(runner, disk);
    simdisk_power_off(disk);
}

static void watch(runner_t *runner)
{
    simdisk_on_call(runner->disk, on_change, runner);
    simdisk_on_fault(runner->disk, on_fault, runner);
    simdisk_order_flushes(runner->disk, &runner->flushes);
}

static void abandon(runner_t *runner)
{
    if (runner->readers != NULL)
        readers_stop(runner->readers);
    oversized_abandon(runner->journal);
    runner->journal = NULL;
    runner->poisoned = runner->blurred = false;
    runner->sick = 0;
    for (size_t i = 0; i < MODEL_SECTIONS; i++)
        runner->model.sections[i].pruned = false;
    if (simdisk_open_files(runner->disk) != 0)
        runner_fail(runner, "abandon", "files were left open");
}

/* The crash of the step: within it (then it has happened), or now. */
static void finish_crash(runner_t *runner)
{
    if (runner->after == NULL && runner->step->crash.kind != CRASH_NONE)
        runner->after = crashed(runner, runner->disk);
    if (runner->after == NULL)
        return;
    if (runner->counts->traced)
        runner->counts->trace = script_mix(runner->counts->trace, simdisk_hash(runner->after));
    abandon(runner);
    simdisk_free(runner->disk);
    runner->disk = runner->after;
    runner->after = NULL;
    watch(runner);
}

/* --- opening --- */

static void raw_of(const runner_t *runner, size_t slot, raw_section_t *raw, bool *index, bool *values)
{
    char name[20];
    uint64_t number = model_number(&runner->model, slot);
    (void)snprintf(name, sizeof name, "%016llx", (unsigned long long)number);
    *raw = (raw_section_t){.section = number, .page_size = runner->script->page_size, .entry_size = MODEL_ENTRY};
    raw->index = simdisk_visible(runner->disk, runner->config.index_partition, name, &raw->index_size);
    raw->values = simdisk_visible(runner->disk, runner->config.value_partition, name, &raw->values_size);
    raw->log = raw_is_log(raw);
    *index = raw->index != NULL;
    *values = raw->values != NULL;
}

static bool has_page_size(const runner_t *runner)
{
    bool any = false;
    for (size_t slot = 0; slot < MODEL_SECTIONS && !any; slot++) {
        raw_section_t raw;
        bool index;
        bool values;
        raw_of(runner, slot, &raw, &index, &values);
        any = raw_has_identity(&raw);
    }
    return any;
}

static void take_settings(runner_t *runner, uint32_t settings)
{
    static const size_t index_buffers[] = {1, 64, 256, 4096};
    static const size_t value_buffers[] = {1, 64, 500, 4096};
    static const size_t memories[] = {1, 2000, 20000, (size_t)64 << 20};
    static const uint32_t files[] = {4, 5, 6, 8, 12, 256};
    static const int levels[] = {0, 0, 3, 1, -5};
    uint64_t draw = script_mix(settings, 3);
    oversized_config_t *config = &runner->config;
    oversized_config_init(config);
    config->native_version = 1;
    config->directory = "disk";
    config->entry_size = MODEL_ENTRY;
    config->page_size = runner->script->page_size;
    if (draw % 4 == 0 && has_page_size(runner))
        config->page_size = 0; /* what the files have */
    config->page_cache_pages = 1 + (uint32_t)(draw >> 4) % 8;
    config->index_write_buffer = index_buffers[(draw >> 8) % 4];
    config->value_write_buffer = value_buffers[(draw >> 12) % 4];
    config->write_memory = memories[(draw >> 16) % 4];
    config->max_open_files = files[(draw >> 20) % 6];
    config->compression = levels[(draw >> 24) % 5];
    config->preallocate = (draw >> 28) % 3 == 0 ? 700 : 0;
    config->parallel_flush = (draw >> 32) % 16 == 0; /* a thread a life takes time */
    runner->flushes = (flush_order_t){.journal = &runner->journal, .values_first = (draw >> 36) % 2 == 0};
    if (runner->script->log)
        config->native_version = (draw >> 40) % 4 == 0 ? 1 : 2;
    if (config->native_version == 2 && (draw >> 48) % 2 == 0)
        config->sector_size = runner->model.sector;
    gates_are_wanted = (draw >> 44) % 4 == 0;
    config->strict =
        !runner->script->spoil; /* a power cut never loses what was synced, so W never claims that it has */
    if (runner->readers != NULL) {
        /* Readers take neither descriptors nor memory away, so that the writer's calls are what they are without
         * them. */
        config->max_open_files = 256;
        config->write_memory = (size_t)64 << 20;
    }
    runner->files_max = config->max_open_files;
}

/* How many records the files of each section hold. */
static void count_raw(const runner_t *runner, uint64_t counts[MODEL_SECTIONS])
{
    uint64_t size;
    bool removing = simdisk_visible(runner->disk, runner->config.value_partition, ".removing", &size) != NULL;
    for (size_t slot = 0; slot < MODEL_SECTIONS; slot++) {
        raw_section_t raw;
        bool index;
        bool values;
        uint64_t end;
        raw_of(runner, slot, &raw, &index, &values);
        /* Of version 2 values are enough, unless a removal has left them. */
        counts[slot] = index || (raw.log && !removing) ? raw_records(&raw, &end) : 0;
    }
}

/* What open shows is what the files held; what they are now is that and nothing else. */
static const char *judge_files(const runner_t *runner, const uint64_t counts[MODEL_SECTIONS])
{
    for (size_t slot = 0; slot < MODEL_SECTIONS; slot++) {
        raw_section_t raw;
        bool index;
        bool values;
        uint64_t count = 0;
        uint64_t size = 0;
        raw_of(runner, slot, &raw, &index, &values);
        if (oversized_count(runner->journal, raw.section, &count) != SEGJ_OK || count != counts[slot])
            return "it has not found the records that the files held";
        if (index != values)
            return "a section's file without the other";
        if (!index)
            continue;
        if (oversized_value_size(runner->journal, raw.section, &size) != SEGJ_OK || !raw_values_end(&raw, size))
            return "bytes behind the last frame";
        if (raw.index_size != raw_index_size(&raw, count))
            return "the index file ends elsewhere than its records";
    }
    return NULL;
}

static segj_status_t try_open(runner_t *runner, bool faulty)
{
    runner->armed = faulty;
    runner->config.storage = simdisk_storage(runner->disk);
    segj_status_t status = open_behind_a_crash(&runner->config, &runner->journal);
    runner->armed = false;
    return status;
}

/* Read-only open shows what open would recover, and changes nothing. */
static void peek(runner_t *runner, const uint64_t counts[MODEL_SECTIONS])
{
    uint64_t hash = simdisk_hash(runner->disk);
    runner->config.read_only = true;
    segj_status_t status = try_open(runner, false);
    runner->config.read_only = false;
    if (status != SEGJ_OK) {
        runner_fail(runner, "read-only open", segj_last_error());
        return;
    }
    const char *wrong = model_judge(&runner->model, runner->journal, NULL);
    for (size_t slot = 0; slot < MODEL_SECTIONS && wrong == NULL; slot++) {
        uint64_t count = 0;
        if (oversized_count(runner->journal, model_number(&runner->model, slot), &count) != SEGJ_OK ||
            count != counts[slot])
            wrong = "it shows other records than the files hold";
    }
    if (wrong != NULL)
        runner_fail(runner, "read-only open", wrong);
    if (oversized_close(runner->journal) != SEGJ_OK)
        runner_fail(runner, "read-only close", segj_last_error());
    runner->journal = NULL;
    if (simdisk_hash(runner->disk) != hash)
        runner_fail(runner, "read-only open", "the disk has changed");
}

/* A sector that turned to garbage has cost something: counted, and the end of the history. */
static void count_loss(runner_t *runner, const char *wrong)
{
    bool refused = runner->journal == NULL;
    bool said = refused || oversized_recovery(runner->journal)->synced_records_lost > 0;
    if (wrong != NULL && strstr(wrong, "foreign") != NULL)
        runner_fail(runner, "after a power cut that spoils sectors", wrong);
    runner->counts->losses++;
    runner->counts->losses_said += said;
    runner->counts->refused += refused;
    runner->over = true;
}

static void judge_open(runner_t *runner, const uint64_t counts[MODEL_SECTIONS])
{
    model_t seen;
    const char *wrong = model_judge(&runner->model, runner->journal, &seen);
    runner->counts->states++;
    if (wrong == NULL && !runner->script->spoil)
        wrong = judge_files(runner, counts);
    if (wrong != NULL && runner->script->spoil)
        count_loss(runner, wrong);
    else if (wrong != NULL)
        runner_fail(runner, "after open", wrong);
    else
        runner->model = seen;
}

/* Open found no room to repair a section, and has shown it all the same: a sync repairs it. False: a crash has come. */
static bool repair_all(runner_t *runner)
{
    const char *wrong = model_judge(&runner->model, runner->journal, NULL);
    if (wrong != NULL && !runner->script->spoil)
        runner_fail(runner, "after an open without room", wrong);
    segj_status_t status = oversized_sync_all(runner->journal);
    if (status != SEGJ_OK && runner->after == NULL)
        runner_fail(runner, "repair", segj_last_error());
    return status == SEGJ_OK;
}

/* The first open may fail where the step wants it to; the next one succeeds. False: a crash has come, or it has not. */
static bool open_twice(runner_t *runner, bool faulty)
{
    segj_status_t status = try_open(runner, faulty);
    if (runner->after != NULL)
        return false;
    if (status == SEGJ_OK && oversized_recovery(runner->journal)->sections_unrepaired > 0)
        return repair_all(runner);
    if (status == SEGJ_OK && faulty && runner->fired_sync)
        runner_fail(runner, "open", "a sync has failed and the answer is SEGJ_OK");
    if (status != SEGJ_OK && faulty && runner->fired && status == runner->expected)
        status = try_open(runner, false);
    if (status == SEGJ_OK)
        return true;
    if (runner->script->spoil)
        count_loss(runner, NULL);
    else
        runner_fail(runner, "open", segj_last_error());
    return false;
}

void runner_open(runner_t *runner, uint32_t settings, bool faulty)
{
    uint64_t counts[MODEL_SECTIONS];
    uint64_t draw = script_mix(settings, 4);
    memset(runner->started, 0, sizeof runner->started);
    runner->armed = false;
    if (runner->journal != NULL)
        abandon(runner);
    (void)simdisk_most_open_files(runner->disk);
    take_settings(runner, settings);
    count_raw(runner, counts);
    if (draw % 8 == 0 && runner->made && !runner->script->spoil)
        peek(runner, counts);
    bool opened = runner_healthy(runner) && open_twice(runner, faulty);
    runner->made = runner->made || opened;
    if (!opened)
        return;
    judge_open(runner, counts);
    if (draw / 8 % 8 == 0 && runner->after == NULL && runner_healthy(runner) && !runner->over) {
        /* Opening twice gives the same state. */
        abandon(runner);
        if (open_twice(runner, false))
            judge_open(runner, counts);
    }
    if (runner->readers != NULL && runner->after == NULL && runner->journal != NULL)
        readers_start(runner->readers, runner->journal, &runner->model);
    runner->armed = faulty;
}

/* --- the script --- */

static void before_step(runner_t *runner, const step_t *step)
{
    static const step_t plain_open = {.kind = STEP_OPEN};
    if (runner->journal == NULL && step->kind != STEP_OPEN) {
        runner->step = &plain_open;
        runner_open(runner, (uint32_t)runner->at, false);
    }
    runner->step = step;
    runner->changes = runner->matches = 0;
    runner->fired = runner->fired_sync = false;
    runner->armed = true;
}

static void run_step(runner_t *runner, const step_t *step)
{
    bool read_beside = runner->readers != NULL && runner->journal != NULL && step->kind != STEP_OPEN;
    runner->counts->operations++;
    if (read_beside)
        readers_before(runner->readers, runner_moves(runner, step));
    runner_step(runner, step);
    runner->armed = false;
    runner->sick = runner->poisoned ? runner->sick + 1 : 0;
    bool ends = runner->after != NULL || step->crash.kind != CRASH_NONE;
    if ((ends && step->kind != STEP_OPEN) || step->kind == STEP_CLOSE)
        runner->counts->lives++;
    if (ends && !runner->over) {
        finish_crash(runner);
    } else if (read_beside && runner->journal != NULL && !runner->blurred) {
        readers_after(runner->readers, &runner->model);
        readers_pace(runner->readers);
    }
    if (runner->sick == SICK_STEPS)
        runner_close(runner);
}

static void look_at_readers(runner_t *runner)
{
    const char *wrong = runner->readers != NULL ? readers_wrong(runner->readers) : NULL;
    if (wrong != NULL)
        runner_fail(runner, "beside", wrong);
}

bool history_run(const script_t *script, history_counts_t *counts, char *failure, size_t size)
{
    runner_t runner = {.script = script, .counts = counts, .failure = failure, .failure_size = size};
    failure[0] = '\0';
    runner.model.numbers = section_numbers[script->numbers];
    runner.disk = simdisk_new();
    count_salts_from(1);
    runner.model.head = script->log ? LOG_HEAD + MODEL_ENTRY : 0;
    runner.model.sector = SIMDISK_SECTOR;
    if (script->readers)
        runner.readers = readers_new(script->count);
    watch(&runner);
    counts->histories++;
    for (; runner.at < script->count && runner_healthy(&runner) && !runner.over; runner.at++) {
        before_step(&runner, &script->steps[runner.at]);
        if (runner_healthy(&runner) && !runner.over)
            run_step(&runner, &script->steps[runner.at]);
        look_at_readers(&runner);
        if (!runner_healthy(&runner) || runner.over)
            break;
    }
    if (runner.readers != NULL) {
        readers_stop(runner.readers);
        counts->reads += readers_reads(runner.readers);
        readers_free(runner.readers);
    }
    oversized_abandon(runner.journal);
    simdisk_free(runner.disk);
    if (runner.after != NULL)
        simdisk_free(runner.after);
    return failure[0] == '\0';
}
