/*
 * fuzz/script.c: a history (crash/script.h) out of any bytes: operations on a simulated disk with failing calls, short
 * transfers, power cuts that keep any part of what was not synced, and kills. The model of the crash tests is the
 * judge: what a completed sync covered is there, whatever came between.
 *
 * An input is four bytes of settings and twelve bytes for each step.
 */
#include "fuzz/fuzz.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crash/histories.h"
#include "crash/model.h"

enum { SCRIPT_LOG = 5 }; /* of the last byte of settings: version 2 of the native format */
enum { SETTINGS = 4, STEP_BYTES = 12, STEPS_MOST = 48, SCRIPT_MOST = SETTINGS + STEPS_MOST * STEP_BYTES };

/* --- from bytes --- */

static uint32_t amount_of(step_kind_t kind, uint32_t draw)
{
    switch (kind) {
    case STEP_APPEND:
    case STEP_PIECES:
        if (draw < 0x4000)
            return draw % 2 == 0 ? 16 : 100; /* of equal size: what may be taken for another's */
        return draw < 0xC000 ? draw % 64 : draw < 0xF800 ? draw % 800 : draw % 12000;
    case STEP_BURST:
    case STEP_BATCH:
        return draw % 16;
    case STEP_REWIND:
    case STEP_REWIND_SECTION:
        return draw % REWINDS;
    default:
        return draw;
    }
}

static void take_fault(fuzz_input_t *input, step_fault_t *fault)
{
    static const int codes[] = {EIO, ENOSPC, EDQUOT, EINTR};
    static const unsigned limits[] = {0, 0, 1, 17, 300, 1u << 16};
    unsigned choice = (unsigned)fuzz_take(input, 1);
    unsigned times = (unsigned)fuzz_take(input, 1);
    unsigned how = (unsigned)fuzz_take(input, 1);
    if (choice < 160)
        return;
    fault->call = (simdisk_call_t)(choice % SIMDISK_CALLS);
    fault->nth = 1 + times % 16;
    fault->code = codes[how % 4];
    bool looks = fault->call == SIMDISK_READ || fault->call == SIMDISK_SIZE || fault->call == SIMDISK_READ_DEVICE;
    if (looks && fault->code != EINTR)
        fault->code = EIO;
    if ((fault->call == SIMDISK_OPEN || fault->call == SIMDISK_LIST) && fault->code != EINTR)
        fault->code = EMFILE;
    if (fault->code == EINTR)
        return;
    fault->lasting = times >= 128;
    fault->drop = fault->call == SIMDISK_FILE_SYNC && how >= 128;
    if (fault->call == SIMDISK_WRITE)
        fault->limit = limits[how / 4 % 6];
}

static void take_crash(fuzz_input_t *input, step_crash_t *crash)
{
    unsigned choice = (unsigned)fuzz_take(input, 1);
    unsigned call = (unsigned)fuzz_take(input, 1);
    unsigned how = (unsigned)fuzz_take(input, 1);
    uint32_t seed = (uint32_t)fuzz_take(input, 2);
    if (choice < 176)
        return;
    crash->kind = choice < 240 ? CRASH_CUT : choice < 252 ? CRASH_KILL : CRASH_DROP;
    crash->call = call % 32;
    crash->pattern = (crash_pattern_t)(how % PATTERNS);
    crash->fill = (simdisk_fill_t)(how / PATTERNS % SIMDISK_FILLS);
    crash->seed = seed;
}

/* The last ones are those of version 2, where a batch is whole or not there. */
static void take_step(fuzz_input_t *input, bool log, step_t *step)
{
    static const step_kind_t kinds[] = {
        STEP_APPEND, STEP_APPEND,         STEP_APPEND, STEP_APPEND, STEP_SYNC,  STEP_SYNC,   STEP_SYNC,   STEP_SYNC_ALL,
        STEP_OPEN,   STEP_REWIND_SECTION, STEP_BURST,  STEP_REWIND, STEP_PRUNE, STEP_READ,   STEP_REPLAY, STEP_CHECK,
        STEP_CLOSE,  STEP_FLUSH,          STEP_BATCH,  STEP_BATCH,  STEP_BATCH, STEP_PIECES, STEP_START,  STEP_WAIT};
    enum { LATER = 6 };
    step->kind = kinds[fuzz_take(input, 1) % (sizeof kinds / sizeof kinds[0] - (log ? 0 : LATER))];
    step->slot = (unsigned)fuzz_take(input, 1) % MODEL_SECTIONS;
    step->amount = amount_of(step->kind, (uint32_t)fuzz_take(input, 2));
    take_fault(input, &step->fault);
    take_crash(input, &step->crash);
}

static void take_settings(fuzz_input_t *input, script_t *script)
{
    static const uint16_t page_sizes[] = {7, 20, 33, 64, 255, 256, 500, 4084, 1, 65535};
    script->page_size = page_sizes[fuzz_take(input, 1) % (sizeof page_sizes / sizeof page_sizes[0])];
    script->numbers = (unsigned)fuzz_take(input, 1) % SCRIPT_NUMBERS;
    unsigned flags = (unsigned)fuzz_take(input, 1);
    script->shorts = (flags & 1) != 0;
    script->tear = (flags & 6) == 2;
    script->spoil = (flags & 6) == 6; /* the gentler judge: sectors that share one with a write may be lost */
    script->log = fuzz_take(input, 1) % 16 == SCRIPT_LOG;
}

static void run(const uint8_t *data, size_t size)
{
    fuzz_input_t input = {data, size < SCRIPT_MOST ? size : SCRIPT_MOST};
    history_counts_t counts = {0};
    char failure[1024];
    script_t script = {.page_size = 64};
    take_settings(&input, &script);
    script.steps = fuzz_allocate((STEPS_MOST + 2) * sizeof *script.steps);
    while (input.left >= STEP_BYTES && script.count < STEPS_MOST)
        take_step(&input, script.log, &script.steps[script.count++]);
    script.steps[script.count++].kind = STEP_OPEN; /* the last word is the judge's */
    script.steps[script.count++].kind = STEP_CHECK;
    if (!history_run(&script, &counts, failure, sizeof failure)) {
        char *text = script_print(&script);
        (void)fprintf(stderr, "SEGJ_SCRIPT='%s'\n", text);
        free(text);
        fuzz_fail(__FILE__, __LINE__, "%s", failure);
    }
    free(script.steps);
}

/* --- mutations: whole steps, or bytes of one --- */

static size_t insert_step(uint8_t *data, size_t size, size_t most, size_t at, const uint8_t *step)
{
    if (size + STEP_BYTES > most)
        return size;
    memmove(data + at + STEP_BYTES, data + at, size - at);
    memcpy(data + at, step, STEP_BYTES);
    return size + STEP_BYTES;
}

static size_t remove_step(uint8_t *data, size_t size, size_t at)
{
    memmove(data + at, data + at + STEP_BYTES, size - at - STEP_BYTES);
    return size - STEP_BYTES;
}

static void random_step(fuzz_random_t *random, uint8_t *step)
{
    for (size_t i = 0; i < STEP_BYTES; i++)
        step[i] = (uint8_t)fuzz_next(random);
    if (fuzz_below(random, 4) != 0)
        step[4] = 0; /* no fault */
    if (fuzz_below(random, 3) != 0)
        step[7] = 0; /* no crash */
}

static size_t mutate(uint8_t *data, size_t size, size_t most, uint32_t seed, fuzz_mutate_t bytes)
{
    fuzz_random_t random = {seed};
    uint8_t step[STEP_BYTES];
    most = most < SCRIPT_MOST ? most : SCRIPT_MOST;
    if (most < SETTINGS + STEP_BYTES)
        return bytes(data, size < most ? size : most, most);
    size = size < most ? size : most;
    if (size < SETTINGS) {
        memset(data + size, 0, SETTINGS - size);
        size = SETTINGS;
    }
    size -= (size - SETTINGS) % STEP_BYTES;
    uint32_t count = (uint32_t)((size - SETTINGS) / STEP_BYTES);
    size_t at = SETTINGS + (size_t)fuzz_below(&random, count) * STEP_BYTES;
    random_step(&random, step);
    switch (count > 0 ? fuzz_below(&random, 8) : 0) {
    case 0:
    case 1:
        return insert_step(data, size, most, at, step);
    case 2:
        memcpy(step, data + SETTINGS + (size_t)fuzz_below(&random, count) * STEP_BYTES, STEP_BYTES);
        return insert_step(data, size, most, at, step);
    case 3:
        return remove_step(data, size, at);
    case 4:
        memcpy(data + at, step, STEP_BYTES);
        return size;
    case 5:
        (void)bytes(data, SETTINGS, SETTINGS);
        return size;
    default:
        /* A step keeps its length, so that those behind it keep their meaning. */
        memcpy(step, data + at, STEP_BYTES);
        (void)bytes(step, STEP_BYTES, STEP_BYTES);
        memcpy(data + at, step, STEP_BYTES);
        return size;
    }
}

const fuzz_target_t fuzz_script = {"script", SCRIPT_MOST, run, mutate};
