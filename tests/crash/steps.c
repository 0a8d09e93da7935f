/*
 * crash/steps.c: the operations of a script, each with what it promises. Before a call the model says what a crash
 * within it may leave, behind it what the answer has promised.
 */
#include <stdio.h>
#include <string.h>

#include "crash/runner.h"

#define SMALL_VALUE 40
#define BATCH_MOST 16

static uint64_t number_of(const runner_t *runner, size_t slot)
{
    return model_number(&runner->model, slot);
}

static model_section_t *section_of(runner_t *runner, size_t slot)
{
    return &runner->model.sections[slot];
}

/* --- answers --- */

static uint64_t changing_calls(const runner_t *runner)
{
    uint64_t calls = 0;
    for (int call = 0; call < SIMDISK_CHANGES; call++)
        calls += simdisk_count(runner->disk, (simdisk_call_t)call);
    return calls;
}

/** Taken before a call. */
typedef struct before {
    uint64_t calls;
    bool poisoned;
} before_t;

static before_t enter(const runner_t *runner)
{
    return (before_t){changing_calls(runner), runner->poisoned};
}

static void wrong_answer(runner_t *runner, const char *what, segj_status_t status, segj_status_t expected)
{
    char text[600];
    (void)snprintf(text, sizeof text, "%s, expected %s: %.400s", segj_status_name(status), segj_status_name(expected),
                   segj_last_error());
    runner_fail(runner, what, text);
}

/* The answer of a poisoned journal, which must not touch the disk. */
static bool still_poisoned(runner_t *runner, const char *what, before_t before, segj_status_t status)
{
    if (status != SEGJ_ERR_POISONED)
        wrong_answer(runner, what, status, SEGJ_ERR_POISONED);
    else if (changing_calls(runner) != before.calls)
        runner_fail(runner, what, "a poisoned journal has changed the disk");
    return false;
}

/* Judges the answer of a change; true where the model may take it as done. After a crash within it nothing is
 * judged. */
static bool leave(runner_t *runner, const char *what, before_t before, segj_status_t status, segj_status_t expected)
{
    if (runner->after != NULL)
        return false;
    if (before.poisoned)
        return still_poisoned(runner, what, before, status);
    runner->poisoned = oversized_error(runner->journal) != NULL;
    if (!runner->fired) {
        if (status != expected)
            wrong_answer(runner, what, status, expected);
        else if (runner->poisoned)
            runner_fail(runner, what, "poisoned although nothing has failed");
        return status == SEGJ_OK;
    }
    if (status != expected && status != runner->expected)
        wrong_answer(runner, what, status, runner->expected);
    else if (status == SEGJ_OK && runner->poisoned)
        runner_fail(runner, what, "poisoned, and answered SEGJ_OK");
    else if (runner->fired_sync && !runner->poisoned)
        runner_fail(runner, what, "a sync has failed and the journal is not poisoned");
    if (runner->poisoned)
        runner->counts->poisoned++;
    return status == SEGJ_OK;
}

/* The sections and their lengths are what the model says. */
static void check_counts(runner_t *runner)
{
    for (size_t slot = 0; slot < MODEL_SECTIONS && runner_healthy(runner); slot++) {
        const model_section_t *section = section_of(runner, slot);
        uint64_t number = number_of(runner, slot);
        uint64_t count = 0;
        uint64_t found = 0;
        if (oversized_count(runner->journal, number, &count) != SEGJ_OK || count != section->count)
            runner_fail(runner, "count", "another number of records than before a change that failed");
        segj_status_t status = number == 0 ? oversized_oldest_section(runner->journal, &found)
                                           : oversized_next_section(runner->journal, number - 1, &found);
        if ((status == SEGJ_OK && found == number) != section->exists)
            runner_fail(runner, "sections", "another set of sections than before a change that failed");
    }
}

/* A change was refused or has failed: nothing that can be seen has changed. */
static void unchanged(runner_t *runner)
{
    if (runner->after == NULL && !runner->blurred && runner_healthy(runner))
        check_counts(runner);
}

/* --- appends --- */

static bool append_value(runner_t *runner, size_t slot, size_t size)
{
    static _Thread_local uint8_t value[MODEL_VALUE_MAX + 8];
    uint8_t entry[MODEL_ENTRY];
    model_section_t *section = section_of(runner, slot);
    uint64_t position = UINT64_MAX;
    if (section->count == MODEL_RECORDS)
        return false;
    bool existed = section->exists;
    before_t before = enter(runner);
    uint32_t id = model_new_id(&runner->model, size);
    model_entry(id, entry);
    size_t value_size = model_value(id, value, sizeof value);
    if (!section->pruned && !runner->poisoned) {
        section->exists = true;
        section->ids[section->count++] = id;
        if (runner->readers != NULL)
            readers_note(runner->readers, id, slot, section->count - 1);
    }
    segj_status_t status =
        oversized_append(runner->journal, number_of(runner, slot), entry, value, value_size, &position, NULL);
    bool done = leave(runner, "append", before, status, section->pruned ? SEGJ_ERR_PRUNED : SEGJ_OK);
    if (runner->after != NULL || section->pruned || before.poisoned)
        return false;
    if (done && position != section->count - 1)
        runner_fail(runner, "append", "the record went to another position");
    if (done)
        return true;
    section->count--;
    section->exists = existed;
    section->phantom = section->phantom || !existed;
    unchanged(runner);
    return false;
}

static segj_status_t append_records(runner_t *runner, size_t slot, const oversized_record_t *records, size_t count,
                                    bool in_pieces, uint64_t *position)
{
    uint64_t number = number_of(runner, slot);
    if (!in_pieces)
        return oversized_append_batch(runner->journal, number, records, count, position, NULL);
    const uint8_t *value = records[0].value;
    size_t third = records[0].size / 3;
    const segj_slice_t slices[3] = {
        {value, third}, {value + third, third}, {value + 2 * third, records[0].size - 2 * third}};
    return oversized_appendv(runner->journal, number, records[0].entry, slices, 3, position, NULL);
}

static void append_many(runner_t *runner, size_t slot, size_t times)
{
    for (size_t i = 0; i < times; i++)
        if (!append_value(runner, slot, (i * 7 + times) % SMALL_VALUE))
            return;
}

/* Records that come together: all of them, or none. `in_pieces`: one, with a value of so many bytes in three pieces;
 * 0: not. */
static void append_together(runner_t *runner, size_t slot, size_t count, size_t in_pieces)
{
    static _Thread_local uint8_t values[BATCH_MOST][MODEL_VALUE_MAX + 8];
    uint8_t entries[BATCH_MOST][MODEL_ENTRY];
    oversized_record_t records[BATCH_MOST];
    model_section_t *section = section_of(runner, slot);
    uint64_t position = UINT64_MAX;
    count = in_pieces > 0 ? 1 : count < BATCH_MOST ? count : BATCH_MOST;
    if (count == 0 || section->count + count > MODEL_RECORDS)
        return;
    bool existed = section->exists;
    bool counts = !section->pruned && !runner->poisoned;
    before_t before = enter(runner);
    for (size_t i = 0; i < count; i++) {
        uint32_t id = model_new_id(&runner->model, in_pieces > 0 ? in_pieces : (i * 7 + count) % SMALL_VALUE);
        model_entry(id, entries[i]);
        records[i] = (oversized_record_t){entries[i], values[i], model_value(id, values[i], sizeof values[i])};
        if (!counts)
            continue;
        section->exists = true;
        section->ids[section->count++] = id;
        if (runner->readers != NULL)
            readers_note(runner->readers, id, slot, section->count - 1);
    }
    segj_status_t status = append_records(runner, slot, records, count, in_pieces > 0, &position);
    bool done = leave(runner, "append", before, status, section->pruned ? SEGJ_ERR_PRUNED : SEGJ_OK);
    if (runner->after != NULL || section->pruned || before.poisoned)
        return;
    if (done && position != section->count - count)
        runner_fail(runner, "append", "the records went to another position");
    if (done)
        return;
    section->count -= count;
    section->exists = existed;
    section->phantom = section->phantom || !existed;
    unchanged(runner);
}

/* --- syncs --- */

static void sync_start(runner_t *runner, size_t slot)
{
    model_section_t *section = section_of(runner, slot);
    before_t before = enter(runner);
    segj_status_t status = oversized_sync_start(runner->journal, number_of(runner, slot), &runner->tickets[slot]);
    if (leave(runner, "sync_start", before, status, section->pruned ? SEGJ_ERR_PRUNED : SEGJ_OK)) {
        runner->started[slot] = section->exists; /* one that is made behind the start is not the ticket's */
        runner->ticketed[slot] = section->count;
    } else {
        unchanged(runner);
    }
}

/* What came behind the start may be covered or not. */
static void sync_wait(runner_t *runner, size_t slot)
{
    model_section_t *section = section_of(runner, slot);
    if (!runner->started[slot] || section->pruned)
        return;
    before_t before = enter(runner);
    bool poisoned = runner->poisoned;
    segj_status_t status = oversized_sync_wait(runner->journal, &runner->tickets[slot]);
    if (poisoned && status == SEGJ_OK)
        return; /* it was covered before */
    if (!leave(runner, "sync_wait", before, status, SEGJ_OK)) {
        unchanged(runner);
        return;
    }
    size_t covered = runner->ticketed[slot];
    section->synced = section->synced > covered ? section->synced : covered;
    section->floor = section->floor > covered ? section->floor : covered;
    section->durable = section->exists;
}

static void sync_one(runner_t *runner, size_t slot)
{
    model_section_t *section = section_of(runner, slot);
    before_t before = enter(runner);
    segj_status_t status = oversized_sync(runner->journal, number_of(runner, slot));
    if (leave(runner, "sync", before, status, section->pruned ? SEGJ_ERR_PRUNED : SEGJ_OK))
        model_synced(section);
    else
        unchanged(runner);
}

static void flush(runner_t *runner, size_t slot)
{
    model_section_t *section = section_of(runner, slot);
    before_t before = enter(runner);
    segj_status_t status = oversized_flush(runner->journal, number_of(runner, slot));
    if (leave(runner, "flush", before, status, section->pruned ? SEGJ_ERR_PRUNED : SEGJ_OK))
        model_flushed(section);
    else
        unchanged(runner);
}

static void all_synced(model_t *model)
{
    for (size_t i = 0; i < MODEL_SECTIONS; i++)
        if (model->sections[i].exists)
            model_synced(&model->sections[i]);
}

static void sync_all(runner_t *runner)
{
    before_t before = enter(runner);
    if (leave(runner, "sync_all", before, oversized_sync_all(runner->journal), SEGJ_OK))
        all_synced(&runner->model);
    else
        unchanged(runner);
}

/* --- rewinds and prunes --- */

/* Behind a removal that failed: nothing has changed, or nobody knows. */
static void taken_back(runner_t *runner, const model_t *before, bool was_poisoned)
{
    if (runner->after != NULL)
        return;
    if (!runner->poisoned || was_poisoned)
        runner->model = *before;
    else
        runner->blurred = true;
    unchanged(runner);
}

static void gone(model_section_t *section)
{
    bool phantom = section->phantom && !section->exists;
    *section = (model_section_t){.phantom = phantom, .pruned = section->pruned};
}

static uint64_t wanted_size(const runner_t *runner, const model_section_t *section, uint32_t amount)
{
    uint64_t size = oversized_record_size(runner->journal);
    if (amount == REWIND_BEYOND)
        return (section->count + 1) * size;
    if (amount == REWIND_UNEVEN)
        return section->count * size + 1;
    return (amount == REWIND_NOTHING ? section->count : section->count * amount / 256) * size;
}

static segj_status_t rewind_answer(const model_section_t *section, uint32_t amount)
{
    if (section->pruned)
        return SEGJ_ERR_PRUNED;
    if (amount == REWIND_UNEVEN)
        return SEGJ_ERR_INVALID;
    return amount == REWIND_BEYOND ? SEGJ_ERR_NO_RECORD : SEGJ_OK;
}

static void rewind_to(runner_t *runner, size_t slot, uint32_t amount, bool later)
{
    model_t model = runner->model;
    model_section_t *section = section_of(runner, slot);
    before_t before = enter(runner);
    uint64_t size = wanted_size(runner, section, amount);
    size_t count = (size_t)(size / oversized_record_size(runner->journal));
    segj_status_t expected = rewind_answer(section, amount);
    if (expected == SEGJ_OK && !runner->poisoned) {
        model_rewinds(section, count);
        for (size_t i = slot + 1; later && i < MODEL_SECTIONS; i++)
            runner->model.sections[i].going = runner->model.sections[i].exists;
    }
    uint64_t number = number_of(runner, slot);
    segj_status_t status = later ? oversized_rewind(runner->journal, number, size)
                                 : oversized_rewind_section(runner->journal, number, size);
    if (!leave(runner, later ? "rewind" : "rewind_section", before, status, expected)) {
        taken_back(runner, &model, before.poisoned);
        return;
    }
    if (!later && count == section->count && changing_calls(runner) != before.calls)
        runner_fail(runner, "rewind_section", "to the current size, and the disk was changed");
    for (size_t i = slot + 1; later && i < MODEL_SECTIONS; i++)
        gone(&runner->model.sections[i]);
    if (section->count > count) {
        section->count = count;
        model_synced(section);
    }
}

static void prune(runner_t *runner, size_t slot)
{
    model_t model = runner->model;
    before_t before = enter(runner);
    bool pruned = false;
    bool any = false;
    for (size_t i = 0; i < slot; i++) {
        any = any || runner->model.sections[i].exists;
        if (!runner->poisoned)
            runner->model.sections[i].going = runner->model.sections[i].exists;
    }
    segj_status_t status = oversized_prune(runner->journal, number_of(runner, slot), &pruned);
    if (!leave(runner, "prune", before, status, SEGJ_OK)) {
        taken_back(runner, &model, before.poisoned);
        return;
    }
    if (pruned != any)
        runner_fail(runner, "prune", "says wrongly whether anything was removed");
    for (size_t i = 0; i < slot; i++) {
        gone(&runner->model.sections[i]);
        runner->model.sections[i].pruned = true;
    }
}

/* --- reads --- */

/* A failed read explains itself by a failed call; after a blurring failure records may be gone. */
static bool excused(const runner_t *runner, segj_status_t status)
{
    return runner->after != NULL || (runner->fired && status == runner->expected);
}

static segj_status_t missing(const model_section_t *section)
{
    if (section->pruned)
        return SEGJ_ERR_PRUNED;
    return section->exists ? SEGJ_ERR_NO_RECORD : SEGJ_ERR_NO_SECTION;
}

static void read_entry(runner_t *runner, const model_section_t *section, uint64_t number, uint64_t position)
{
    uint8_t entry[MODEL_ENTRY];
    bool last = position + 1 == section->count;
    segj_status_t status = last ? oversized_last(runner->journal, number, entry, NULL)
                                : oversized_get(runner->journal, number, position, entry, NULL);
    segj_status_t expected = position < section->count ? SEGJ_OK : missing(section);
    if (status != expected && !excused(runner, status))
        wrong_answer(runner, last ? "last" : "get", status, expected);
    else if (status == SEGJ_OK && model_entry_id(entry) != section->ids[position])
        runner_fail(runner, "get", "a foreign entry");
}

static void read_one(runner_t *runner, size_t slot, uint32_t amount)
{
    model_section_t *section = section_of(runner, slot);
    uint64_t number = number_of(runner, slot);
    uint64_t position = amount / 4 % (section->count + 1);
    segj_buffer_t value = {0};
    if (runner->blurred)
        return;
    if (amount % 4 == 0 || position == section->count) {
        read_entry(runner, section, number, position);
        return;
    }
    const char *wrong = model_judge_record(runner->journal, number, position, section->ids[position], &value);
    segj_buffer_free(&value);
    if (wrong != NULL && !runner->fired && runner->after == NULL)
        runner_fail(runner, "read", wrong);
}

/* From a record of one section over all later ones. Of a call that fails the walk may be gone on with. */
static void replay(runner_t *runner, size_t slot, uint32_t amount)
{
    const model_section_t *section = section_of(runner, slot);
    oversized_replay_t *walk = NULL;
    oversized_item_t item;
    size_t position = amount % (section->count + 1);
    segj_status_t expected = section->pruned && position > 0 ? SEGJ_ERR_PRUNED : SEGJ_OK;
    if (runner->blurred)
        return;
    segj_status_t status = oversized_replay_open(runner->journal, number_of(runner, slot), position, 64, &walk);
    if (status != expected && !excused(runner, status))
        wrong_answer(runner, "replay_open", status, expected);
    while (status == SEGJ_OK && runner_healthy(runner)) {
        status = oversized_replay_next(walk, &item);
        while (slot < MODEL_SECTIONS && position == section_of(runner, slot)->count) {
            slot++;
            position = 0;
        }
        expected = slot < MODEL_SECTIONS ? SEGJ_OK : SEGJ_END;
        if (status != expected && !excused(runner, status))
            wrong_answer(runner, "replay_next", status, expected);
        else if (status == SEGJ_OK && (item.section != number_of(runner, slot) || item.position != position ||
                                       model_entry_id(item.entry) != section_of(runner, slot)->ids[position]))
            runner_fail(runner, "replay_next", "another record than the next one");
        position++;
    }
    oversized_replay_close(walk);
}

static void check_all(runner_t *runner)
{
    model_t exact = runner->model;
    if (runner->blurred || runner->fired)
        return;
    for (size_t i = 0; i < MODEL_SECTIONS; i++) {
        exact.sections[i].floor = exact.sections[i].count;
        exact.sections[i].durable = exact.sections[i].exists;
        exact.sections[i].phantom = false;
    }
    const char *wrong = model_judge(&exact, runner->journal, NULL);
    if (wrong != NULL && runner->after == NULL && !runner->fired)
        runner_fail(runner, "check", wrong);
}

/* --- closing --- */

void runner_close(runner_t *runner)
{
    uint64_t calls = changing_calls(runner);
    bool poisoned = runner->poisoned;
    if (runner->readers != NULL)
        readers_stop(runner->readers);
    segj_status_t status = oversized_close(runner->journal);
    runner->journal = NULL;
    runner->poisoned = runner->blurred = false;
    for (size_t i = 0; i < MODEL_SECTIONS; i++)
        runner->model.sections[i].pruned = false;
    if (runner->after != NULL)
        return;
    if (poisoned) {
        (void)still_poisoned(runner, "close", (before_t){calls, true}, status);
    } else if (status != SEGJ_OK && !(runner->fired && status == runner->expected)) {
        wrong_answer(runner, "close", status, SEGJ_OK);
    } else if (status == SEGJ_OK && runner->fired_sync) {
        runner_fail(runner, "close", "a sync has failed and the answer is SEGJ_OK");
    } else if (status == SEGJ_OK) {
        all_synced(&runner->model);
    }
    if (simdisk_open_files(runner->disk) != 0)
        runner_fail(runner, "close", "files were left open");
}

/* --- steps --- */

bool runner_moves(const runner_t *runner, const step_t *step)
{
    bool removes = step->kind == STEP_REWIND || step->kind == STEP_REWIND_SECTION || step->kind == STEP_PRUNE;
    return removes || runner->blurred || step->crash.call > 0;
}

void runner_step(runner_t *runner, const step_t *step)
{
    /* A ticket is for what there was; what was taken back since, and came again, is something else. */
    bool removes = step->kind == STEP_REWIND || step->kind == STEP_REWIND_SECTION || step->kind == STEP_PRUNE;
    for (size_t i = 0; i < MODEL_SECTIONS && removes; i++)
        runner->started[i] = false;
    switch (step->kind) {
    case STEP_APPEND:
        (void)append_value(runner, step->slot, step->amount);
        break;
    case STEP_BURST:
        append_many(runner, step->slot, step->amount);
        break;
    case STEP_PIECES:
        append_together(runner, step->slot, 1, step->amount + 1);
        break;
    case STEP_BATCH:
        append_together(runner, step->slot, step->amount, 0);
        break;
    case STEP_SYNC:
        sync_one(runner, step->slot);
        break;
    case STEP_FLUSH:
        flush(runner, step->slot);
        break;
    case STEP_START:
        sync_start(runner, step->slot);
        break;
    case STEP_WAIT:
        sync_wait(runner, step->slot);
        break;
    case STEP_SYNC_ALL:
        sync_all(runner);
        break;
    case STEP_REWIND:
    case STEP_REWIND_SECTION:
        rewind_to(runner, step->slot, step->amount, step->kind == STEP_REWIND);
        break;
    case STEP_PRUNE:
        prune(runner, step->slot);
        break;
    case STEP_READ:
        read_one(runner, step->slot, step->amount);
        break;
    case STEP_REPLAY:
        replay(runner, step->slot, step->amount);
        break;
    case STEP_CHECK:
        check_all(runner);
        break;
    case STEP_CLOSE:
        runner_close(runner);
        break;
    default:
        runner_open(runner, step->amount, true);
        break;
    }
    if (runner->journal != NULL && runner->readers == NULL && simdisk_most_open_files(runner->disk) > runner->files_max)
        runner_fail(runner, "descriptors", "more files were open than max_open_files");
}
