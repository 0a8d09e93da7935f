/*
 * interop/chain.c: see chain.h. A model counts the records, so that a part can go on in what the one before has left.
 */
#include "interop/chain.h"

#include <inttypes.h>

enum { SECTIONS = 4, APPENDS_LIMIT = 9, VALUE_LIMIT = 400, BUSY_STEPS = 4000 };

typedef struct chain {
    draw_t draw;
    script_t *script;
    uint64_t records[SECTIONS];
    uint64_t number;
} chain_t;

static void add(chain_t *chain, operation_kind_t kind, uint64_t first, uint64_t second, uint64_t third)
{
    script_add(chain->script, kind, first, second, third);
}

static void set(chain_t *chain, char mode, uint64_t index, release_t release)
{
    static const uint16_t pages[] = {20, 44, 64, 103, 512, 4084};
    static const size_t buffers[] = {64, 1024, 65536};
    setting_t *setting = &chain->script->setting;
    *setting = (setting_t){.entry = 8,
                           .cache = 8,
                           .header = release.header,
                           .hole = release.newer,
                           .counts = release.counts,
                           .newer = release.newer};
    snprintf(setting->id, sizeof setting->id, "%c%" PRIu64, mode, index);
    setting->page = pages[draw_below(&chain->draw, sizeof pages / sizeof pages[0])];
    setting->index_buffer = buffers[draw_below(&chain->draw, 3)];
    setting->value_buffer = buffers[draw_below(&chain->draw, 3)];
    setting->section_count = SECTIONS;
    for (size_t i = 0; i < SECTIONS; i++)
        setting->sections[i] = i + 1;
    chain->number = index * 1000000 + 1000;
}

static void append(chain_t *chain, size_t at)
{
    add(chain, OPERATION_APPEND, at + 1, chain->number++, draw_below(&chain->draw, VALUE_LIMIT));
    chain->records[at]++;
}

static void append_some(chain_t *chain)
{
    for (uint64_t i = draw_below(&chain->draw, APPENDS_LIMIT); i > 0; i--)
        append(chain, (size_t)draw_below(&chain->draw, SECTIONS));
}

/** What lies behind a record of a section goes: by an open up to it, which every release has in its way. */
static void take_back(chain_t *chain)
{
    size_t at = (size_t)draw_below(&chain->draw, SECTIONS);
    if (chain->records[at] == 0)
        return;
    chain->records[at] = draw_between(&chain->draw, 1, chain->records[at]);
    add(chain, OPERATION_CLOSE, 0, 0, 0);
    add(chain, OPERATION_OPEN_AT, at + 1, chain->records[at], 0);
    for (size_t i = at + 1; i < SECTIONS; i++)
        chain->records[i] = 0;
}

static void prune(chain_t *chain)
{
    size_t at = (size_t)draw_below(&chain->draw, SECTIONS);
    add(chain, OPERATION_PRUNE, at + 1, 0, 0);
    for (size_t i = 0; i < at; i++)
        chain->records[i] = 0;
}

static void add_part(chain_t *chain)
{
    chain->script->count = 0;
    add(chain, OPERATION_OPEN, 0, 0, 0);
    add(chain, OPERATION_DUMP, 0, 0, 0);
    append_some(chain);
    add(chain, OPERATION_SYNC, draw_between(&chain->draw, 1, SECTIONS), 0, 0);
    append_some(chain);
    if (draw_percent(&chain->draw, 30))
        take_back(chain);
    append_some(chain);
    add(chain, OPERATION_SYNC_ALL, 0, 0, 0);
    if (draw_percent(&chain->draw, 10))
        prune(chain);
    add(chain, OPERATION_REPLAY, 0, 0, 0);
    add(chain, OPERATION_DUMP, 0, 0, 0);
    add(chain, OPERATION_CLOSE, 0, 0, 0);
}

void chain_script(uint64_t seed, uint64_t index, uint64_t link, release_t release, script_t *script)
{
    *script = (script_t){0};
    chain_t chain = {.draw = draw_begin(seed ^ 0xC4, index), .script = script};
    bool compressed = draw_percent(&chain.draw, 20);
    set(&chain, compressed ? 'z' : 'p', index, release);
    script->setting.zstd = compressed ? 3 : 0;
    for (uint64_t i = 0; i <= link; i++)
        add_part(&chain);
}

void busy_script(uint64_t seed, uint64_t index, release_t release, script_t *script)
{
    *script = (script_t){0};
    chain_t chain = {.draw = draw_begin(seed ^ 0xB5, index), .script = script};
    set(&chain, 'p', index, release);
    add(&chain, OPERATION_OPEN, 0, 0, 0);
    for (int i = 0; i < BUSY_STEPS; i++) {
        if (draw_percent(&chain.draw, 70))
            append(&chain, (size_t)draw_below(&chain.draw, SECTIONS));
        else if (draw_percent(&chain.draw, 80))
            add(&chain, OPERATION_SYNC, draw_between(&chain.draw, 1, SECTIONS), 0, 0);
        else
            add(&chain, OPERATION_SYNC_ALL, 0, 0, 0);
    }
    add(&chain, OPERATION_CLOSE, 0, 0, 0);
}
