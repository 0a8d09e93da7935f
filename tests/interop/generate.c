/*
 * interop/generate.c: random scripts. A model of the journal keeps to what both sides answer alike: no rewind beyond
 * the end or of a section that does not exist, no append below a prune line that removed nothing, no rewind of the last
 * section that there can be (where the crate's numbers overflow).
 */
#include "interop/generate.h"

#include <inttypes.h>
#include <string.h>

#include "segjournal/oversized.h"

enum { NUMBER_STEP = 1000003 };

typedef struct model_section {
    uint64_t number, records;
    bool exists, dirty;
} model_section_t;

typedef struct model {
    draw_t draw;
    script_t *script;
    compare_mode_t mode;
    model_section_t sections[SETTING_SECTIONS];
    size_t count;
    uint64_t line, number;
    bool pruned; /* the line removed something in this run */
} model_t;

#define PICK(draw, table) ((table)[draw_below((draw), sizeof(table) / sizeof(table)[0])])

static void choose_setting(model_t *model, uint64_t index, release_t release)
{
    static const struct {
        uint32_t entry;
        bool fixed;
        uint32_t value_size;
    } shapes[] = {{8, false, 0}, {8, false, 0},  {40, false, 0}, {1, false, 0},
                  {8, true, 16}, {8, true, 300}, {40, true, 16}, {8, true, 0}};
    static const uint16_t pages[] = {1, 13, 20, 44, 52, 64, 64, 100, 103, 128, 512, 1024, 4084, 4084, 16384, 65535};
    static const size_t buffers[] = {1, 64, 256, 1024, 4096, 65536};
    static const uint32_t caches[] = {1, 3, 8, 100};
    static const int levels[] = {1, 3, 3, 9, 19};
    static const uint64_t numbers[] = {0, 1, 2, 3, 7, 1000, UINT64_C(1) << 63, UINT64_MAX - 1, UINT64_MAX};

    setting_t *setting = &model->script->setting;
    draw_t *draw = &model->draw;
    size_t shape = (size_t)draw_below(draw, sizeof shapes / sizeof shapes[0]);
    snprintf(setting->id, sizeof setting->id, "%c%" PRIu64, (char)model->mode, index);
    setting->entry = shapes[shape].entry;
    setting->fixed = shapes[shape].fixed;
    setting->value_size = shapes[shape].value_size;
    setting->page = PICK(draw, pages);
    setting->cache = PICK(draw, caches);
    setting->index_buffer = PICK(draw, buffers);
    setting->value_buffer = PICK(draw, buffers);
    bool compressed = model->mode == COMPARE_ENTRIES || (model->mode == COMPARE_NOTHING && draw_percent(draw, 25));
    setting->zstd = compressed ? PICK(draw, levels) : 0;
    setting->header = release.header;
    setting->newer = setting->hole = release.newer;
    setting->counts = release.counts;
    size_t total = sizeof numbers / sizeof numbers[0];
    setting->section_count = (size_t)draw_between(draw, 1, 5);
    size_t first = (size_t)draw_below(draw, total - setting->section_count + 1);
    for (size_t i = 0; i < setting->section_count; i++) {
        setting->sections[i] = numbers[first + i];
        model->sections[i].number = numbers[first + i];
    }
    model->count = setting->section_count;
}

static void add(model_t *model, operation_kind_t kind, uint64_t first, uint64_t second, uint64_t third)
{
    script_add(model->script, kind, first, second, third);
}

static bool below_line(const model_t *model, const model_section_t *section)
{
    return section->number < model->line;
}

static uint64_t value_size(draw_t *draw)
{
    if (draw_percent(draw, 1))
        return draw_below(draw, 70000);
    return draw_percent(draw, 15) ? draw_below(draw, 3000) : draw_below(draw, 60);
}

static void add_appends(model_t *model, model_section_t *section)
{
    bool refused = below_line(model, section);
    if (refused && !model->pruned)
        return;
    uint64_t most = model->script->setting.page > 2000 ? 120 : 12;
    uint64_t times = refused ? 1 : draw_between(&model->draw, 1, draw_percent(&model->draw, 10) ? most : 4);
    for (uint64_t i = 0; i < times; i++) {
        model->number += NUMBER_STEP;
        add(model, OPERATION_APPEND, section->number, model->number, value_size(&model->draw));
    }
    if (refused)
        return;
    section->exists = section->dirty = true;
    section->records += times;
}

static void add_sync(model_t *model, model_section_t *section)
{
    if (draw_percent(&model->draw, 30)) {
        add(model, OPERATION_SYNC_ALL, 0, 0, 0);
        for (size_t i = 0; i < model->count; i++)
            model->sections[i].dirty = false;
    } else if (!below_line(model, section) || model->pruned) {
        add(model, OPERATION_SYNC, section->number, 0, 0);
        section->dirty = section->dirty && below_line(model, section);
    }
}

/** Where a rewind may end: in scripts that are compared byte for byte at a page's end, or where the section ends. */
static uint64_t rewind_target(model_t *model, const model_section_t *section)
{
    uint64_t record = model->script->setting.entry + OVERSIZED_LOCATION_SIZE;
    uint64_t records = draw_below(&model->draw, section->records + 1);
    if (model->mode != COMPARE_EXACT)
        return records;
    while (records < section->records && records * record % model->script->setting.page != 0)
        records--;
    return records;
}

static void add_reopen(model_t *model, operation_kind_t open, uint64_t section, uint64_t records)
{
    add(model, OPERATION_CLOSE, 0, 0, 0);
    add(model, open, section, records, 0);
    for (size_t i = 0; i < model->count; i++)
        model->sections[i].dirty = false;
    model->line = 0;
    model->pruned = false;
}

static void add_rewind(model_t *model, model_section_t *section)
{
    if (!section->exists || below_line(model, section) || section->number == UINT64_MAX)
        return;
    uint64_t records = rewind_target(model, section);
    bool alone = !model->script->setting.newer && draw_percent(&model->draw, 60);
    if (model->script->setting.newer)
        add_reopen(model, OPERATION_OPEN_AT, section->number, records);
    else
        add(model, alone ? OPERATION_REWIND_SECTION : OPERATION_REWIND, section->number, records, 0);
    if (records < section->records)
        section->dirty = false;
    section->records = records;
    for (size_t i = 0; i < model->count && !alone; i++)
        if (model->sections[i].number > section->number)
            model->sections[i].exists = model->sections[i].dirty = false, model->sections[i].records = 0;
}

static void add_prune(model_t *model, const model_section_t *section)
{
    bool removes = false;
    for (size_t i = 0; i < model->count; i++) {
        model_section_t *other = &model->sections[i];
        if (other->number >= section->number || !other->exists)
            continue;
        removes = true;
        other->exists = other->dirty = false;
        other->records = 0;
    }
    add(model, OPERATION_PRUNE, section->number, 0, 0);
    if (section->number > model->line)
        model->pruned = removes;
    if (section->number > model->line)
        model->line = section->number;
}

/** The crate's replay writes partial pages, unsynced, so that it has no place before a sync where bytes are
 *  compared. */
static void add_replay(model_t *model, const model_section_t *section)
{
    for (size_t i = 0; i < model->count; i++)
        if (model->sections[i].dirty && model->mode == COMPARE_EXACT)
            return;
    if (!section->exists)
        add(model, OPERATION_REPLAY, 0, 0, 0);
    else
        add(model, OPERATION_REPLAY, section->number, draw_below(&model->draw, section->records + 2), 0);
}

static void add_step(model_t *model)
{
    model_section_t *section = &model->sections[draw_below(&model->draw, model->count)];
    uint64_t choice = draw_below(&model->draw, 100);
    if (choice < 50)
        add_appends(model, section);
    else if (choice < 70)
        add_sync(model, section);
    else if (choice < 78)
        add_rewind(model, section);
    else if (choice < 81)
        add_prune(model, section);
    else if (choice < 87)
        add_replay(model, section);
    else if (choice < 90)
        add(model, OPERATION_DUMP, 0, 0, 0);
    else if (choice < 93 && section->exists)
        add(model, OPERATION_VALUE, section->number, draw_below(&model->draw, 100), draw_below(&model->draw, 60));
    else if (choice < 98)
        add_reopen(model, OPERATION_OPEN, 0, 0);
}

static compare_mode_t choose_mode(draw_t *draw)
{
    uint64_t choice = draw_below(draw, 100);
    if (choice < 40)
        return COMPARE_EXACT;
    if (choice < 65)
        return COMPARE_PAGES;
    return choice < 80 ? COMPARE_ENTRIES : COMPARE_NOTHING;
}

void generate_script(uint64_t seed, uint64_t index, release_t release, script_t *script)
{
    *script = (script_t){0};
    model_t model = {.draw = draw_begin(seed, index), .script = script};
    model.mode = choose_mode(&model.draw);
    model.number = draw_below(&model.draw, NUMBER_STEP);
    choose_setting(&model, index, release);
    add(&model, OPERATION_OPEN, 0, 0, 0);
    uint64_t steps = draw_between(&model.draw, 3, draw_percent(&model.draw, 20) ? 80 : 25);
    for (uint64_t i = 0; i < steps; i++)
        add_step(&model);
    add(&model, OPERATION_DUMP, 0, 0, 0);
    add(&model, model.mode == COMPARE_NOTHING ? OPERATION_ABANDON : OPERATION_CLOSE, 0, 0, 0);
}
