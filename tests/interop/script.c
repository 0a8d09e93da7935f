/*
 * interop/script.c: scripts, read, written and built.
 */
#include "interop/script.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    size_t words;
} operations[OPERATION_KINDS] = {
    [OPERATION_OPEN] = {"open", 0},
    [OPERATION_OPEN_AT] = {"open_at", 2},
    [OPERATION_OPEN_CHECKPOINT] = {"open_checkpoint", 2},
    [OPERATION_CLOSE] = {"close", 0},
    [OPERATION_ABANDON] = {"abandon", 0},
    [OPERATION_DESTROY] = {"destroy", 0},
    [OPERATION_APPEND] = {"append", 3},
    [OPERATION_SYNC] = {"sync", 1},
    [OPERATION_SYNC_ALL] = {"sync_all", 0},
    [OPERATION_PRUNE] = {"prune", 1},
    [OPERATION_REWIND] = {"rewind", 2},
    [OPERATION_REWIND_SECTION] = {"rewind_section", 2},
    [OPERATION_REPLAY] = {"replay", 2},
    [OPERATION_VALUE] = {"value", 3},
    [OPERATION_DUMP] = {"dump", 0},
};

void interop_die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "error: ");
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
    exit(2);
}

void *interop_need(void *memory)
{
    if (memory == NULL)
        interop_die("out of memory");
    return memory;
}

size_t operation_words(operation_kind_t kind)
{
    return operations[kind].words;
}

void script_add(script_t *script, operation_kind_t kind, uint64_t first, uint64_t second, uint64_t third)
{
    if (script->count == script->capacity) {
        script->capacity = script->capacity == 0 ? 16 : 2 * script->capacity;
        script->operations = interop_need(realloc(script->operations, script->capacity * sizeof *script->operations));
    }
    operation_t *operation = &script->operations[script->count++];
    *operation = (operation_t){.kind = kind, .words = {first, second, third}};
    int length = snprintf(operation->line, sizeof operation->line, "%s", operations[kind].name);
    for (size_t i = 0; i < operations[kind].words; i++)
        length += snprintf(operation->line + length, sizeof operation->line - (size_t)length, " %" PRIu64,
                           operation->words[i]);
}

void script_free(script_t *script)
{
    free(script->operations);
    *script = (script_t){0};
}

void script_write(const script_t *script, FILE *file)
{
    const setting_t *setting = &script->setting;
    fprintf(file, "script %s entry %" PRIu32 " value ", setting->id, setting->entry);
    if (setting->fixed)
        fprintf(file, "%" PRIu32, setting->value_size);
    else
        fprintf(file, "var");
    fprintf(file, " page %u cache %" PRIu32 " index %zu values %zu zstd %d header %u hole %u counts %u sections",
            (unsigned)setting->page, setting->cache, setting->index_buffer, setting->value_buffer, setting->zstd,
            (unsigned)setting->header, (unsigned)setting->hole, (unsigned)setting->counts);
    for (size_t i = 0; i < setting->section_count; i++)
        fprintf(file, " %" PRIu64, setting->sections[i]);
    fprintf(file, "\n");
    for (size_t i = 0; i < script->count; i++)
        fprintf(file, "%s\n", script->operations[i].line);
    fprintf(file, "end\n");
}

/** The next line that is no comment and not empty, without its end. */
static bool next_line(FILE *file, char *line, size_t size)
{
    while (fgets(line, (int)size, file) != NULL) {
        line[strcspn(line, "\n")] = 0;
        if (line[0] != 0 && line[0] != '#')
            return true;
    }
    return false;
}

static uint64_t number_of(const char *word, const char *line)
{
    char *end;
    if (word == NULL)
        interop_die("a number is missing in: %s", line);
    unsigned long long number = strtoull(word, &end, 10);
    if (*word < '0' || *word > '9' || *end != 0)
        interop_die("%s is no number in: %s", word, line);
    return number;
}

/** The word behind `name`, which must come next. */
static const char *named(const char *name, char **state, const char *line)
{
    const char *word = strtok_r(NULL, " ", state);
    const char *value = strtok_r(NULL, " ", state);
    if (word == NULL || value == NULL || strcmp(word, name) != 0)
        interop_die("%s where %s was expected in: %s", word == NULL ? "nothing" : word, name, line);
    return value;
}

static void read_setting(const char *line, setting_t *setting)
{
    char text[SCRIPT_LINE], *state = NULL;
    snprintf(text, sizeof text, "%s", line);
    const char *word = strtok_r(text, " ", &state);
    if (word == NULL || strcmp(word, "script") != 0 || (word = strtok_r(NULL, " ", &state)) == NULL)
        interop_die("no script begins with: %s", line);
    snprintf(setting->id, sizeof setting->id, "%s", word);
    setting->entry = (uint32_t)number_of(named("entry", &state, line), line);
    word = named("value", &state, line);
    setting->fixed = strcmp(word, "var") != 0;
    setting->value_size = setting->fixed ? (uint32_t)number_of(word, line) : 0;
    setting->page = (uint16_t)number_of(named("page", &state, line), line);
    setting->cache = (uint32_t)number_of(named("cache", &state, line), line);
    setting->index_buffer = (size_t)number_of(named("index", &state, line), line);
    setting->value_buffer = (size_t)number_of(named("values", &state, line), line);
    setting->zstd = (int)number_of(named("zstd", &state, line), line);
    setting->header = (uint8_t)number_of(named("header", &state, line), line);
    setting->hole = number_of(named("hole", &state, line), line) != 0;
    setting->counts = number_of(named("counts", &state, line), line) != 0;
    for (word = named("sections", &state, line); word != NULL; word = strtok_r(NULL, " ", &state)) {
        if (setting->section_count == SETTING_SECTIONS)
            interop_die("more than %d sections in: %s", SETTING_SECTIONS, line);
        setting->sections[setting->section_count++] = number_of(word, line);
    }
}

static void read_operation(const char *line, script_t *script)
{
    char text[SCRIPT_LINE], *state = NULL;
    snprintf(text, sizeof text, "%s", line);
    const char *word = strtok_r(text, " ", &state);
    for (operation_kind_t kind = 0; kind < OPERATION_KINDS; kind++) {
        if (word == NULL || strcmp(word, operations[kind].name) != 0)
            continue;
        uint64_t words[3] = {0};
        for (size_t i = 0; i < operations[kind].words; i++)
            words[i] = number_of(strtok_r(NULL, " ", &state), line);
        script_add(script, kind, words[0], words[1], words[2]);
        return;
    }
    interop_die("no operation: %s", line);
}

bool script_read(FILE *file, script_t *script)
{
    char line[SCRIPT_LINE];
    *script = (script_t){0};
    if (!next_line(file, line, sizeof line))
        return false;
    read_setting(line, &script->setting);
    while (next_line(file, line, sizeof line)) {
        if (strcmp(line, "end") == 0)
            return true;
        read_operation(line, script);
    }
    interop_die("script %s has no end", script->setting.id);
}

void fill_entry(uint64_t number, uint8_t *bytes, size_t size)
{
    fill_bytes(number ^ 0x55550000, bytes, size);
    for (size_t i = 0; i < size && i < sizeof number; i++)
        bytes[size - 1 - i] = (uint8_t)(number >> (8 * i));
}

void fill_bytes(uint64_t number, uint8_t *bytes, size_t size)
{
    if (number < 256) {
        memset(bytes, (int)number, size);
        return;
    }
    uint64_t state = number * UINT64_C(0x9E3779B97F4A7C15) + UINT64_C(0x123456789ABCDEF1);
    size_t step = number % 4 == 0 ? 16 : 1;
    for (size_t i = 0; i < size; i++) {
        if (i % step == 0) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
        }
        bytes[i] = (uint8_t)(state >> 32);
    }
}

uint64_t digest_bytes(const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ at[i]) * UINT64_C(0x100000001B3);
    return hash;
}
