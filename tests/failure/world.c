/* failure/world.c: see world.h. What steps do is steps.c. */
#include "failure/steps.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "support/wanted.h"

bool library_running;

/* --- the world --- */

static void count_line(void *log_context, segj_log_level_t level, const char *message)
{
    world_t *w = log_context;
    assert_true(message[0] != '\0');
    if (level == SEGJ_LOG_WARNING)
        w->warnings++;
    else if (level == SEGJ_LOG_ERROR)
        w->errors++;
}

void world_init(world_t *w, const segj_storage_t *disk, void (*configure)(oversized_config_t *config))
{
    memset(w, 0, sizeof *w);
    w->disk = disk;
    faulty_init(&w->faulty, disk);
    small_config(&w->config, "disk");
    w->config.index_write_buffer = 200; /* two pages, six records */
    w->config.value_write_buffer = 128;
    w->config.storage = &w->faulty.storage;
    w->faulty.flushes.journal = &w->journal;
    w->config.log = count_line;
    w->config.log_context = w;
    w->model.next_id = 1;
    gates_are_wanted = false;
    if (configure != NULL)
        configure(&w->config);
    w->faulty.no_slots = w->config.format != SEGJ_FORMAT_NATIVE;
    w->faulty.two_copies = w->config.dictionary_size > 0;
}

void begin_test(world_t *w, fault_t fault)
{
    faulty_arm(&w->faulty, fault);
    w->faulty.paused = true;
    w->under_test = true;
}

void world_free(world_t *w)
{
    assert_null(w->journal);
    assert_int_equal(w->faulty.open_files, 0);
    assert_int_equal(w->faulty.open_partitions, 0);
    segj_buffer_free(&w->value);
    free(w->scratch.data);
}

/* --- values --- */

const void *make_value(world_t *w, uint64_t id, uint32_t size)
{
    segj_buffer_t *scratch = &w->scratch;
    if (scratch->capacity < size || scratch->data == NULL) {
        free(scratch->data);
        scratch->capacity = size + 64;
        scratch->data = malloc(scratch->capacity);
        assert_non_null(scratch->data);
    }
    uint8_t *bytes = scratch->data;
    uint64_t state = id * UINT64_C(0x9E3779B97F4A7C15) + size;
    for (size_t at = 0; at < size; at += sizeof state) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        memcpy(bytes + at, &state, size - at < sizeof state ? size - at : sizeof state);
    }
    return bytes;
}

void check_value(world_t *w, const model_record_t *record)
{
    assert_int_equal(w->value.size, record->size);
    if (record->size > 0)
        assert_memory_equal(w->value.data, make_value(w, record->id, record->size), record->size);
}

uint64_t end_of(const world_t *w, const model_section_t *section, size_t count)
{
    if (count == 0)
        return 0;
    oversized_location_t last = section->records[count - 1].location;
    /* The frames of version 2 have more before what their locations count. */
    uint32_t head = w->config.native_version == 2 ? w->config.entry_size + OVERSIZED_FRAME_HEAD : 0;
    return last.offset + head + last.size;
}

/* --- looking --- */

static void check_record(world_t *w, uint64_t section, size_t position)
{
    const model_record_t *record = &w->model.sections[section].records[position];
    uint8_t entry[SMALL_ENTRY] = {0};
    oversized_location_t location = {0, 0};
    assert_ok(oversized_get(w->journal, section, position, entry, &location));
    assert_int_equal(get_u64(entry), record->id);
    assert_int_equal(location.offset, record->location.offset);
    assert_int_equal(location.size, record->location.size);
    assert_ok(oversized_read(w->journal, section, position, NULL, &w->value));
    check_value(w, record);
}

static void check_missing(world_t *w, uint64_t section)
{
    const model_section_t *model = &w->model.sections[section];
    uint64_t number = 1;
    if (model->listed && !model->may_be_missing) {
        print_error("section %" PRIu64 " is gone, it had %zu records\n", section, model->count);
        fail();
    }
    assert_ok(oversized_count(w->journal, section, &number));
    assert_int_equal(number, 0);
    segj_status_t status = oversized_get(w->journal, section, 0, NULL, NULL);
    assert_true(status == SEGJ_ERR_NO_SECTION || status == SEGJ_ERR_PRUNED);
}

/* Gives the count that is there. */
static size_t check_section(world_t *w, uint64_t section)
{
    const model_section_t *model = &w->model.sections[section];
    uint64_t count = 0;
    uint64_t bytes = 0;
    assert_ok(oversized_count(w->journal, section, &count));
    if (!model->listed || count < model->least || count > model->count) {
        print_error("section %" PRIu64 " has %" PRIu64 " records, expected %zu to %zu (listed: %d)\n", section, count,
                    model->least, model->count, model->listed);
        fail();
    }
    assert_ok(oversized_size(w->journal, section, &bytes));
    assert_int_equal(bytes, count * SMALL_RECORD);
    assert_ok(oversized_value_size(w->journal, section, &bytes));
    assert_int_equal(bytes, end_of(w, model, (size_t)count));
    for (size_t i = 0; i < count; i++)
        check_record(w, section, i);
    assert_status(oversized_get(w->journal, section, count, NULL, NULL), SEGJ_ERR_NO_RECORD);
    return (size_t)count;
}

static void see_sections(world_t *w, bool *seen)
{
    uint64_t section = 0;
    memset(seen, 0, MODEL_SECTIONS * sizeof *seen);
    segj_status_t status = oversized_oldest_section(w->journal, &section);
    while (status == SEGJ_OK) {
        assert_true(section < MODEL_SECTIONS);
        seen[section] = true;
        status = oversized_next_section(w->journal, section, &section);
    }
    check_status(status, SEGJ_END, "oversized_next_section", __FILE__, __LINE__);
}

void check_world(world_t *w)
{
    bool seen[MODEL_SECTIONS];
    see_sections(w, seen);
    for (uint64_t i = 0; i < MODEL_SECTIONS; i++) {
        if (seen[i])
            (void)check_section(w, i);
        else
            check_missing(w, i);
    }
}

void settle(world_t *w)
{
    bool seen[MODEL_SECTIONS];
    see_sections(w, seen);
    for (uint64_t i = 0; i < MODEL_SECTIONS; i++) {
        model_section_t *model = &w->model.sections[i];
        if (!seen[i]) {
            check_missing(w, i);
            memset(model, 0, sizeof *model);
            continue;
        }
        model->count = model->least = check_section(w, i);
        /* What could not be repaired may go again, but for what was synced. */
        if (!w->unrepaired || model->synced > model->count)
            model->synced = model->count;
        model->may_be_missing = false;
        model->durable = true;
    }
}

void reopen(world_t *w)
{
    static const step_t open = {.kind = DO_OPEN};
    check_status(take_step(w, &open), SEGJ_OK, "oversized_open", __FILE__, __LINE__);
}

void take_steps(world_t *w, const step_t *steps)
{
    for (; steps->kind != DO_END; steps++)
        for (uint32_t i = 0; i == 0 || i < steps->times; i++)
            check_status(take_step(w, steps), SEGJ_OK, step_name(steps->kind), __FILE__, __LINE__);
}

bool appends(const step_t *step)
{
    return step->kind == DO_APPEND || step->kind == DO_APPENDV || step->kind == DO_BATCH || step->kind == DO_STREAM;
}

/* --- what the contract leaves open --- */

void allow_partial(world_t *w, const step_t *step)
{
    bool rewinds = step->kind == DO_REWIND || step->kind == DO_REWIND_SECTION;
    for (uint64_t i = 0; i < MODEL_SECTIONS; i++) {
        model_section_t *model = &w->model.sections[i];
        if (step->kind == DO_PRUNE)
            model->may_be_missing = model->may_be_missing || i < step->section;
        else if (step->kind == DO_REWIND)
            model->may_be_missing = model->may_be_missing || i > step->section;
        if (rewinds && i == step->section && model->least > step->size)
            model->least = step->size;
    }
}

/* A checkpoint was restored in part. */
static void allow_checkpoint(model_section_t *model, uint64_t section, const step_t *step)
{
    if (section < step->extra || section > step->section)
        model->may_be_missing = true;
    else if (section == step->section && model->least > step->size)
        model->least = model->synced = step->size;
}

void allow_loss(world_t *w, const step_t *step)
{
    for (uint64_t i = 0; i < MODEL_SECTIONS; i++) {
        model_section_t *model = &w->model.sections[i];
        if (model->least > model->synced)
            model->least = model->synced;
        if (!model->durable || (step != NULL && step->kind == DO_DESTROY))
            model->may_be_missing = true;
        if (step != NULL && step->kind == DO_OPEN_CHECKPOINT)
            allow_checkpoint(model, i, step);
        /* A section whose creation failed may be there without a record. */
        if (step != NULL && appends(step) && step->section == i && !model->listed)
            model->listed = model->may_be_missing = true;
    }
}

uint64_t model_digest(const model_t *model)
{
    uint64_t digest = 0;
    for (uint64_t i = 0; i < MODEL_SECTIONS; i++) {
        const model_section_t *section = &model->sections[i];
        digest = digest * (MODEL_RECORDS + 2) + (section->listed ? section->count + 1 : 0);
    }
    return digest;
}
