/*
 * crash/generate.c: scripts from a seed. Nothing is known here of what a journal will hold when a step comes; steps are
 * made so that they mean something whatever it is.
 */
#include <errno.h>
#include <stdlib.h>

#include "crash/model.h"
#include "crash/script.h"

#define LIVES_MIN 2
#define LIVES_MAX 6
#define STEPS_MIN 20
#define STEPS_MAX 60

typedef struct generator {
    script_t *script;
    size_t capacity;
    uint64_t state;
    script_options_t options;
    uint32_t size; /* what many values of the history are long */
    bool faults;   /* in this life */
} generator_t;

static uint64_t next(generator_t *generator)
{
    generator->state += UINT64_C(0x9E3779B97F4A7C15); /* splitmix64 (Steele, Lea, Flood 2014) */
    uint64_t word = generator->state;
    word = (word ^ word >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    word = (word ^ word >> 27) * UINT64_C(0x94D049BB133111EB);
    return word ^ word >> 31;
}

static unsigned below(generator_t *generator, unsigned limit)
{
    return (unsigned)(next(generator) % limit);
}

static bool one_in(generator_t *generator, unsigned times)
{
    return below(generator, times) == 0;
}

static step_t *add(generator_t *generator, step_kind_t kind)
{
    script_t *script = generator->script;
    if (script->count == generator->capacity) {
        generator->capacity = 2 * generator->capacity + 256;
        script->steps = realloc(script->steps, generator->capacity * sizeof *script->steps);
        if (script->steps == NULL)
            abort();
    }
    step_t *step = &script->steps[script->count++];
    *step = (step_t){.kind = kind};
    return step;
}

/* --- faults --- */

static int pick_code(generator_t *generator, simdisk_call_t call)
{
    static const int codes[] = {EIO, ENOSPC, EDQUOT, EINTR, EFBIG};
    if ((call == SIMDISK_OPEN || call == SIMDISK_CREATE || call == SIMDISK_LIST) && !one_in(generator, 3))
        return EMFILE;
    if (call == SIMDISK_READ || call == SIMDISK_SIZE || call == SIMDISK_READ_DEVICE)
        return one_in(generator, 4) ? EINTR : EIO;
    return codes[below(generator, 5)];
}

static void add_fault(generator_t *generator, step_t *step)
{
    static const simdisk_call_t changing[] = {SIMDISK_WRITE,     SIMDISK_WRITE,     SIMDISK_WRITE,
                                              SIMDISK_FILE_SYNC, SIMDISK_FILE_SYNC, SIMDISK_NAMES_SYNC,
                                              SIMDISK_TRUNCATE,  SIMDISK_CREATE,    SIMDISK_REMOVE};
    static const simdisk_call_t looking[] = {SIMDISK_OPEN, SIMDISK_READ, SIMDISK_READ,
                                             SIMDISK_SIZE, SIMDISK_LIST, SIMDISK_READ_DEVICE};
    step_fault_t *fault = &step->fault;
    /* With readers beside it is not known which thread makes a call that looks. */
    bool looks = !generator->options.readers && one_in(generator, step->kind == STEP_OPEN ? 2 : 4);
    fault->call = looks ? looking[below(generator, sizeof looking / sizeof looking[0])]
                        : changing[below(generator, sizeof changing / sizeof changing[0])];
    fault->nth = 1 + below(generator, step->kind == STEP_OPEN ? 12 : one_in(generator, 4) ? 8 : 2);
    if (step->kind == STEP_APPEND && one_in(generator, 3)) { /* often the value's own */
        fault->call = SIMDISK_WRITE;
        fault->nth = 1;
    }
    fault->code = pick_code(generator, fault->call);
    fault->lasting = fault->code != EINTR && one_in(generator, 3);
    fault->drop = fault->call == SIMDISK_FILE_SYNC && fault->code != EINTR && one_in(generator, 2);
    if (fault->call == SIMDISK_WRITE && fault->code != EINTR && one_in(generator, 2))
        fault->limit = one_in(generator, 2) ? 1u << 16 : 1 + below(generator, 600);
}

/* --- crashes --- */

static void add_crash(generator_t *generator, step_t *step, unsigned calls)
{
    step_crash_t *crash = &step->crash;
    unsigned kind = below(generator, 16);
    crash->kind = kind < 10 ? CRASH_CUT : kind < 15 ? CRASH_KILL : CRASH_DROP;
    crash->call = one_in(generator, 4) ? 0 : 1 + below(generator, calls);
    crash->pattern = (crash_pattern_t)below(generator, PATTERNS);
    crash->fill = (simdisk_fill_t)below(generator, SIMDISK_FILLS);
    crash->seed = (uint32_t)below(generator, 1u << 20);
}

/* --- steps --- */

typedef struct weight {
    step_kind_t kind;
    unsigned share;
} weight_t;

static step_kind_t pick_kind(generator_t *generator)
{
    static const weight_t weights[] = {
        {STEP_APPEND, 36}, {STEP_BURST, 8}, {STEP_SYNC, 14},          {STEP_SYNC_ALL, 3},
        {STEP_REWIND, 3},  {STEP_PRUNE, 1}, {STEP_REWIND_SECTION, 7}, {STEP_READ, 18},
        {STEP_REPLAY, 6},  {STEP_CHECK, 1}, {STEP_CLOSE, 1},          {STEP_PIECES, 4},
        {STEP_BATCH, 6},   {STEP_START, 4}, {STEP_WAIT, 6},           {STEP_FLUSH, 8},
    };
    unsigned total = 0;
    for (size_t i = 0; i < sizeof weights / sizeof weights[0]; i++)
        total += weights[i].share;
    unsigned draw = below(generator, total);
    size_t at = 0;
    while (draw >= weights[at].share)
        draw -= weights[at++].share;
    return weights[at].kind;
}

/* One size comes often: what lands in another's place is only taken for it where it is as long. */
static uint32_t pick_common_size(generator_t *generator)
{
    static const uint32_t often[] = {16, 16, 100, 700};
    return one_in(generator, 4) ? often[below(generator, 4)] : generator->size;
}

static uint32_t pick_size(generator_t *generator)
{
    if (one_in(generator, 2))
        return pick_common_size(generator);
    unsigned draw = below(generator, 16);
    if (draw < 9)
        return below(generator, 48);
    return draw < 14 ? 60 + below(generator, 500) : 600 + below(generator, 3400);
}

static uint32_t pick_amount(generator_t *generator, step_kind_t kind)
{
    switch (kind) {
    case STEP_APPEND:
    case STEP_PIECES:
        return pick_size(generator);
    case STEP_BATCH:
    case STEP_BURST:
        return 2 + below(generator, 14);
    case STEP_REWIND:
    case STEP_REWIND_SECTION:
        return one_in(generator, 8) ? REWIND_BEYOND + below(generator, REWINDS - REWIND_BEYOND) : below(generator, 256);
    case STEP_OPEN:
    case STEP_READ:
    case STEP_REPLAY:
        return below(generator, 1u << 16);
    default:
        return 0;
    }
}

/* Two sections get most of it, so that they become long. */
static unsigned pick_slot(generator_t *generator, unsigned favourite)
{
    unsigned draw = below(generator, 8);
    return draw < 3 ? favourite : draw < 5 ? (favourite + 1) % MODEL_SECTIONS : below(generator, MODEL_SECTIONS);
}

static void add_open(generator_t *generator)
{
    for (unsigned again = 0; again < 4; again++) {
        step_t *step = add(generator, STEP_OPEN);
        step->amount = pick_amount(generator, STEP_OPEN);
        if (generator->options.faults && one_in(generator, 8))
            add_fault(generator, step);
        if (!one_in(generator, 4))
            return;
        add_crash(generator, step, 24); /* within recovery */
    }
}

/* A sync that is crashed: of what it writes any part may be there. */
static void crash_a_sync(generator_t *generator, unsigned slot)
{
    step_t *step = add(generator, STEP_SYNC);
    step->slot = slot;
    add_crash(generator, step, 5);
}

/* What was refused is made again, perhaps behind a sync, and that perhaps crashed. True: that was the end of the
 * life. */
static bool append_again(generator_t *generator, unsigned slot, uint32_t amount)
{
    if (one_in(generator, 4))
        add(generator, STEP_SYNC)->slot = slot;
    step_t *step = add(generator, STEP_APPEND);
    step->slot = slot;
    step->amount = amount;
    unsigned end = below(generator, 4);
    if (end == 0)
        crash_a_sync(generator, slot);
    else if (end == 1)
        add_crash(generator, step, 4);
    return end < 2;
}

/* Something is written and taken back, and that is crashed. */
static void add_rewind_tale(generator_t *generator, unsigned slot)
{
    add_open(generator);
    for (unsigned times = 1 + below(generator, 4); times > 0; times--) {
        step_t *step = add(generator, STEP_APPEND);
        step->slot = slot;
        step->amount = generator->size;
    }
    if (one_in(generator, 2))
        add(generator, STEP_SYNC)->slot = slot;
    /* Records that no sync has covered go with others, or alone. */
    for (unsigned times = below(generator, 3); times > 0; times--) {
        step_t *step = add(generator, STEP_APPEND);
        step->slot = slot;
        step->amount = pick_common_size(generator);
        if (one_in(generator, 3))
            add(generator, STEP_FLUSH)->slot = slot;
    }
    step_t *step = add(generator, one_in(generator, 4) ? STEP_REWIND : STEP_REWIND_SECTION);
    step->slot = slot;
    step->amount = below(generator, 256);
    add_crash(generator, step, 14);
}

/* Soon behind a crash another one, over offsets that the first may have freed. */
static void add_short_life(generator_t *generator, unsigned slot)
{
    add_open(generator);
    for (unsigned times = 1 + below(generator, 3); times > 0; times--) {
        step_t *step = add(generator, STEP_APPEND);
        step->slot = slot;
        step->amount = pick_common_size(generator);
    }
    crash_a_sync(generator, slot);
}

static void add_life(generator_t *generator)
{
    unsigned favourite = below(generator, MODEL_SECTIONS);
    unsigned steps = STEPS_MIN + below(generator, STEPS_MAX - STEPS_MIN + 1);
    generator->faults = generator->options.faults && one_in(generator, 2);
    add_open(generator);
    for (unsigned i = 0; i < steps; i++) {
        step_t *step = add(generator, pick_kind(generator));
        bool low = step->kind == STEP_PRUNE || step->kind == STEP_REWIND;
        step->slot = low && !one_in(generator, 4) ? below(generator, 3) + (step->kind == STEP_REWIND ? 3 : 0)
                                                  : pick_slot(generator, favourite);
        step->amount = pick_amount(generator, step->kind);
        if (generator->faults && one_in(generator, 8))
            add_fault(generator, step);
        bool again = step->kind == STEP_APPEND && step->fault.nth > 0 && !one_in(generator, 4);
        if (again && append_again(generator, step->slot, step->amount))
            return;
    }
    if (one_in(generator, 10)) {
        add(generator, STEP_CLOSE);
        return;
    }
    /* A crash comes most often in a step that changes much. */
    step_t *last = &generator->script->steps[generator->script->count - 1];
    static const step_kind_t ends[] = {STEP_SYNC,  STEP_SYNC,   STEP_REWIND_SECTION, STEP_REWIND,  STEP_BURST,
                                       STEP_PRUNE, STEP_APPEND, STEP_CLOSE,          STEP_SYNC_ALL};
    if (!one_in(generator, 4)) {
        last->kind = ends[below(generator, sizeof ends / sizeof ends[0])];
        last->amount = pick_amount(generator, last->kind);
    }
    add_crash(generator, last, one_in(generator, 3) ? 16 : 6);
}

script_t *script_generate(uint64_t seed, const script_options_t *options)
{
    static const uint16_t page_sizes[] = {7, 20, 33, 64, 255, 500, 4084};
    generator_t generator = {.options = *options};
    generator.state = script_mix(seed, 12);
    generator.script = calloc(1, sizeof *generator.script);
    if (generator.script == NULL)
        abort();
    script_t *script = generator.script;
    script->page_size = page_sizes[below(&generator, sizeof page_sizes / sizeof page_sizes[0])];
    script->numbers = below(&generator, SCRIPT_NUMBERS);
    static const uint32_t sizes[] = {0, 16, 100, 700};
    generator.size = sizes[below(&generator, 4)];
    script->readers = options->readers;
    script->tear = options->tear;
    script->spoil = options->spoil;
    script->log = options->log;
    script->shorts = options->faults && one_in(&generator, 2);
    unsigned lives = LIVES_MIN + below(&generator, LIVES_MAX - LIVES_MIN + 1);
    for (unsigned i = 0; i < lives; i++) {
        add_life(&generator);
        if (one_in(&generator, 4))
            add_rewind_tale(&generator, script->steps[script->count - 1].slot);
        while (one_in(&generator, 2))
            add_short_life(&generator, script->steps[script->count - 1].slot);
    }
    add_open(&generator);
    add(&generator, STEP_CHECK);
    return script;
}
