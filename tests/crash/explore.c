/*
 * crash/explore.c: see the header.
 */
#include "crash/explore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crash/model.h"
#include "support/simdisk.h"

#define MANY 8
#define SEEDED 64
#define SMALL_VALUE 16
#define LARGE_VALUE 300
#define SCRIPT_MAX 16

struct explorer {
    explore_config_t config;
    explore_result_t result;
    uint64_t *seen; /* a set of hashes, 0: free */
    size_t seen_count, seen_capacity;
    const operation_t *script;
    size_t length;
    model_t model; /* of the application that runs the script */
    oversized_t *journal;
    bool crashing; /* in the script's last operation */
    uint64_t random;
};

/** A crash that is being looked at: the model that it is held against, and what may still be crashed within it. */
typedef struct look {
    explorer_t *explorer;
    const model_t *model;
    int depth;
    bool after_open; /* what open showed must be there again */
} look_t;

const char *operation_name(operation_t operation)
{
    static const char *const names[OPERATIONS] = {"append", "append_many", "append_large", "sync",       "sync_all",
                                                  "rewind", "rewind_half", "prune",        "append_new", "reopen"};
    return names[operation];
}

static void fail(explorer_t *explorer, const char *where, const char *what)
{
    char *text = explorer->result.failure;
    size_t size = sizeof explorer->result.failure;
    if (text[0] != '\0')
        return;
    size_t used =
        (size_t)snprintf(text, size, "page size %u, compression %d, script:", (unsigned)explorer->config.page_size,
                         explorer->config.compression);
    for (size_t i = 0; i < explorer->length; i++)
        used += (size_t)snprintf(text + used, size - used, " %s", operation_name(explorer->script[i]));
    (void)snprintf(text + used, size - used, "; %s: %s", where, what);
}

static bool healthy(const explorer_t *explorer)
{
    return explorer->result.failure[0] == '\0';
}

/* --- states seen --- */

static void seen_put(uint64_t *table, size_t capacity, uint64_t hash)
{
    size_t at = (size_t)hash & (capacity - 1);
    while (table[at] != 0)
        at = (at + 1) & (capacity - 1);
    table[at] = hash;
}

static bool seen_before(explorer_t *explorer, uint64_t hash)
{
    hash = hash == 0 ? 1 : hash;
    if (2 * explorer->seen_count >= explorer->seen_capacity) {
        size_t capacity = explorer->seen_capacity == 0 ? 1 << 16 : 2 * explorer->seen_capacity;
        uint64_t *table = calloc(capacity, sizeof *table);
        if (table == NULL)
            abort();
        for (size_t i = 0; i < explorer->seen_capacity; i++)
            if (explorer->seen[i] != 0)
                seen_put(table, capacity, explorer->seen[i]);
        free(explorer->seen);
        explorer->seen = table;
        explorer->seen_capacity = capacity;
    }
    size_t at = (size_t)hash & (explorer->seen_capacity - 1);
    while (explorer->seen[at] != 0) {
        if (explorer->seen[at] == hash)
            return true;
        at = (at + 1) & (explorer->seen_capacity - 1);
    }
    explorer->seen[at] = hash;
    explorer->seen_count++;
    return false;
}

/* --- crashes --- */

static void visit(const look_t *look, simdisk_t *disk);

typedef void (*subset_t)(void *context, const uint8_t *keep);

static uint64_t next_random(explorer_t *explorer)
{
    explorer->random ^= explorer->random << 13; /* xorshift64 (Marsaglia 2003) */
    explorer->random ^= explorer->random >> 7;
    explorer->random ^= explorer->random << 17;
    return explorer->random;
}

/* All subsets that differ from "everything is `base`" in at most two units. */
static void few_differ(size_t units, uint8_t base, uint8_t *keep, subset_t each, void *context)
{
    memset(keep, base, units);
    each(context, keep);
    for (size_t i = 0; i < units; i++) {
        keep[i] = !base;
        each(context, keep);
        for (size_t k = i + 1; k < units; k++) {
            keep[k] = !base;
            each(context, keep);
            keep[k] = base;
        }
        keep[i] = base;
    }
}

static void each_subset(explorer_t *explorer, size_t units, subset_t each, void *context)
{
    uint8_t *keep = calloc(units + 1, 1);
    if (keep == NULL)
        abort();
    if (units <= MANY) {
        explorer->result.exhaustive_points++;
        for (uint32_t mask = 0; mask < (uint32_t)1 << units; mask++) {
            for (size_t i = 0; i < units; i++)
                keep[i] = (uint8_t)(mask >> i & 1);
            each(context, keep);
        }
    } else {
        explorer->result.sampled_points++;
        few_differ(units, 0, keep, each, context);
        few_differ(units, 1, keep, each, context);
        for (int i = 0; i < SEEDED; i++) {
            for (size_t k = 0; k < units; k++)
                keep[k] = (uint8_t)(next_random(explorer) >> 40 & 1);
            each(context, keep);
        }
    }
    free(keep);
}

typedef struct crash_context {
    const look_t *look;
    simdisk_t *disk;
    bool growth;
} crash_context_t;

static void crash_with(void *context, const uint8_t *keep)
{
    const crash_context_t *crash = context;
    for (int fill = 0; fill < (crash->growth ? SIMDISK_FILLS : 1); fill++) {
        if (!healthy(crash->look->explorer))
            return;
        simdisk_t *after = simdisk_crash(crash->disk, keep, (simdisk_fill_t)fill);
        visit(crash->look, after);
        simdisk_free(after);
    }
}

/* Every state that a power cut may leave of the disk as it is now. */
static void crash_everywhere(const look_t *look, simdisk_t *disk)
{
    size_t units = simdisk_units(disk);
    crash_context_t context = {look, disk, simdisk_has_growth(disk)};
    look->explorer->result.points++;
    each_subset(look->explorer, units, crash_with, &context);
}

static void on_recovery_call(void *context, simdisk_t *disk, simdisk_call_t call)
{
    const look_t *look = context;
    (void)call;
    if (healthy(look->explorer))
        crash_everywhere(look, disk);
}

/* --- one state --- */

static segj_status_t open_on(const explorer_t *explorer, simdisk_t *disk, oversized_t **journal)
{
    oversized_config_t config;
    oversized_config_init(&config);
    config.directory = "disk";
    config.entry_size = MODEL_ENTRY;
    config.page_size = explorer->config.page_size;
    config.page_cache_pages = 4;
    config.index_write_buffer = 1;
    config.value_write_buffer = 64;
    config.compression = explorer->config.compression;
    config.max_open_files = 6;
    config.strict = true; /* a power cut never loses what was synced, so W never claims that it has */
    config.storage = simdisk_storage(disk);
    return oversized_open(&config, journal);
}

static bool append_to(oversized_t *journal, model_t *model, size_t number, size_t size, const char **wrong)
{
    uint8_t entry[MODEL_ENTRY];
    uint8_t value[1200];
    model_section_t *section = &model->sections[number];
    uint64_t position;
    uint32_t id = model_new_id(model, size);
    if (section->count == MODEL_RECORDS)
        return true;
    model_entry(id, entry);
    size_t value_size = model_value(id, value, sizeof value);
    /* The crash may come within: the record may be there or not. */
    section->exists = true;
    section->ids[section->count++] = id;
    if (oversized_append(journal, number, entry, value, value_size, &position, NULL) != SEGJ_OK) {
        *wrong = segj_last_error();
        return false;
    }
    if (position == section->count - 1)
        return true;
    *wrong = "the append went to another position";
    return false;
}

/* The journal goes on: a record more, synced, survives a crash that keeps nothing else. */
static void go_on(const look_t *look, simdisk_t *disk, oversized_t *journal, const model_t *seen)
{
    explorer_t *explorer = look->explorer;
    model_t model = *seen;
    const char *wrong = NULL;
    bool done = append_to(journal, &model, 1, SMALL_VALUE, &wrong);
    if (done && oversized_sync(journal, 1) == SEGJ_OK)
        model_synced(&model.sections[1]);
    else
        fail(explorer, "going on after recovery", wrong != NULL ? wrong : segj_last_error());
    if (!healthy(explorer))
        return;
    size_t units = simdisk_units(disk);
    uint8_t *keep = calloc(units + 1, 1);
    if (keep == NULL)
        abort();
    simdisk_t *after = simdisk_crash(disk, keep, SIMDISK_SHORT);
    free(keep);
    look_t next = {explorer, &model, 0, true};
    visit(&next, after);
    simdisk_free(after);
}

/* What open showed is durable: it is all there after any crash, and after none. */
static void crash_after_open(const look_t *look, simdisk_t *disk, const model_t *seen)
{
    look_t next = {look->explorer, seen, 0, true};
    crash_everywhere(&next, disk);
}

static void look_at(const look_t *look, simdisk_t *disk)
{
    explorer_t *explorer = look->explorer;
    oversized_t *journal;
    model_t seen;
    look_t within = {explorer, look->model, look->depth - 1, false};
    if (look->depth > 0)
        simdisk_on_call(disk, on_recovery_call, &within);
    explorer->result.opens++;
    segj_status_t status = open_on(explorer, disk, &journal);
    simdisk_on_call(disk, NULL, NULL);
    if (status != SEGJ_OK) {
        fail(explorer, "open after a crash", segj_last_error());
        return;
    }
    const char *wrong = model_judge(look->model, journal, &seen);
    if (wrong != NULL)
        fail(explorer, look->after_open ? "after recovery and another crash" : "after a crash", wrong);
    if (healthy(explorer) && !look->after_open) {
        crash_after_open(look, disk, &seen);
        if (healthy(explorer))
            go_on(look, disk, journal, &seen);
    }
    oversized_abandon(journal);
}

static void visit(const look_t *look, simdisk_t *disk)
{
    explorer_t *explorer = look->explorer;
    uint64_t hash =
        simdisk_hash(disk) * 31 + model_hash(look->model) * 7 + (uint64_t)look->depth * 3 + (look->after_open ? 1 : 0);
    if (seen_before(explorer, hash)) {
        explorer->result.duplicates++;
        return;
    }
    explorer->result.states++;
    look_at(look, disk);
}

/* --- the script --- */

static void on_script_call(void *context, simdisk_t *disk, simdisk_call_t call)
{
    explorer_t *explorer = context;
    (void)call;
    if (!explorer->crashing || !healthy(explorer))
        return;
    look_t look = {explorer, &explorer->model, explorer->config.recovery_depth, false};
    crash_everywhere(&look, disk);
    simdisk_t *killed = simdisk_kill(disk);
    visit(&look, killed);
    simdisk_free(killed);
}

static bool rewind_to(explorer_t *explorer, size_t number, size_t count, bool later)
{
    model_t *model = &explorer->model;
    model_section_t *section = &model->sections[number];
    if (!section->exists)
        return true;
    if (section->floor > count)
        section->floor = count;
    for (size_t i = number + 1; later && i < MODEL_SECTIONS; i++)
        model->sections[i].going = model->sections[i].exists;
    uint64_t size = count * oversized_record_size(explorer->journal);
    segj_status_t status = later ? oversized_rewind(explorer->journal, number, size)
                                 : oversized_rewind_section(explorer->journal, number, size);
    if (status != SEGJ_OK)
        return false;
    for (size_t i = number + 1; later && i < MODEL_SECTIONS; i++)
        model->sections[i] = (model_section_t){0};
    if (section->count > count) {
        section->count = count;
        model_synced(section);
    }
    return true;
}

static bool prune_first(explorer_t *explorer)
{
    model_section_t *section = &explorer->model.sections[1];
    section->going = section->exists;
    if (oversized_prune(explorer->journal, 2, NULL) != SEGJ_OK)
        return false;
    *section = (model_section_t){.pruned = true};
    return true;
}

static void all_synced(model_t *model)
{
    for (size_t i = 0; i < MODEL_SECTIONS; i++)
        if (model->sections[i].exists)
            model_synced(&model->sections[i]);
}

static bool reopen(explorer_t *explorer, simdisk_t *disk)
{
    segj_status_t status = oversized_close(explorer->journal);
    explorer->journal = NULL;
    if (status != SEGJ_OK)
        return false;
    all_synced(&explorer->model);
    for (size_t i = 0; i < MODEL_SECTIONS; i++)
        explorer->model.sections[i].pruned = false;
    return open_on(explorer, disk, &explorer->journal) == SEGJ_OK;
}

static bool append_new(explorer_t *explorer, const char **wrong)
{
    size_t number = 2;
    while (number < MODEL_SECTIONS && explorer->model.sections[number].exists)
        number++;
    return number == MODEL_SECTIONS || append_to(explorer->journal, &explorer->model, number, SMALL_VALUE, wrong);
}

static bool append_first(explorer_t *explorer, size_t times, size_t size, const char **wrong)
{
    for (size_t i = 0; i < times; i++)
        if (!explorer->model.sections[1].pruned && !append_to(explorer->journal, &explorer->model, 1, size, wrong))
            return false;
    return true;
}

static bool perform(explorer_t *explorer, simdisk_t *disk, operation_t operation, const char **wrong)
{
    model_section_t *first = &explorer->model.sections[1];
    *wrong = NULL;
    switch (operation) {
    case OP_APPEND:
        return append_first(explorer, 1, SMALL_VALUE, wrong);
    case OP_APPEND_MANY:
        return append_first(explorer, 4, SMALL_VALUE, wrong);
    case OP_APPEND_LARGE:
        return append_first(explorer, 1, LARGE_VALUE, wrong);
    case OP_SYNC:
        if (first->pruned)
            return true;
        if (oversized_sync(explorer->journal, 1) != SEGJ_OK)
            return false;
        model_synced(first);
        return true;
    case OP_SYNC_ALL:
        if (oversized_sync_all(explorer->journal) != SEGJ_OK)
            return false;
        all_synced(&explorer->model);
        return true;
    case OP_REWIND:
        return rewind_to(explorer, 1, first->count > 0 ? first->count - 1 : 0, true);
    case OP_REWIND_HALF:
        return rewind_to(explorer, 1, first->count / 2, false);
    case OP_PRUNE:
        return prune_first(explorer);
    case OP_APPEND_NEW:
        return append_new(explorer, wrong);
    default:
        return reopen(explorer, disk);
    }
}

bool explorer_run(explorer_t *explorer, const operation_t *script, size_t length)
{
    simdisk_t *disk = simdisk_new();
    explorer->script = script;
    explorer->length = length;
    explorer->model = (model_t){0};
    explorer->crashing = false;
    explorer->result.scripts++;
    if (open_on(explorer, disk, &explorer->journal) != SEGJ_OK)
        fail(explorer, "open", segj_last_error());
    simdisk_on_call(disk, on_script_call, explorer);
    for (size_t i = 0; i < length && healthy(explorer); i++) {
        const char *wrong;
        explorer->crashing = i + 1 == length;
        if (!perform(explorer, disk, script[i], &wrong))
            fail(explorer, operation_name(script[i]), wrong != NULL ? wrong : segj_last_error());
    }
    if (healthy(explorer))
        on_script_call(explorer, disk, SIMDISK_CALLS); /* a crash behind the last call */
    simdisk_on_call(disk, NULL, NULL);
    oversized_abandon(explorer->journal);
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
    return explorer;
}

void explorer_free(explorer_t *explorer)
{
    free(explorer->seen);
    free(explorer);
}

const explore_result_t *explorer_result(const explorer_t *explorer)
{
    return &explorer->result;
}
