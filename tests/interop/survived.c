/*
 * interop/survived.c: see survived.h. A record is a line of the dump: its position, its entry, its place, its value. The
 * line is made here of what the script appended and the answer said.
 */
#include "interop/survived.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef struct expected {
    char line[SCRIPT_LINE];
    uint64_t section;
    bool synced;
} expected_t;

typedef struct state {
    const script_t *script;
    expected_t *records;
    size_t count, capacity;
} state_t;

/** The dump's line of an append, whose answer is "  POSITION at OFFSET+SIZE". */
static void expect(state_t *state, const operation_t *operation, const char *answer)
{
    const setting_t *setting = &state->script->setting;
    size_t size = setting->fixed ? setting->value_size : (size_t)operation->words[2];
    uint8_t *bytes = interop_need(malloc(size + setting->entry + 1));
    if (state->count == state->capacity) {
        state->capacity = 2 * state->capacity + 64;
        state->records = interop_need(realloc(state->records, state->capacity * sizeof *state->records));
    }
    expected_t *record = &state->records[state->count++];
    *record = (expected_t){.section = operation->words[0]};
    fill_entry(operation->words[1], bytes + size, setting->entry);
    fill_bytes(operation->words[1], bytes, size);
    size_t digits = strspn(answer + 2, "0123456789"), end = strcspn(answer, "\n");
    snprintf(record->line, sizeof record->line, "    %.*s %016" PRIx64 "%.*s: %zu bytes %016" PRIx64 "\n", (int)digits,
             answer + 2, digest_bytes(bytes + size, setting->entry), (int)(end - 2 - digits), answer + 2 + digits, size,
             digest_bytes(bytes, size));
    free(bytes);
}

static void cover(state_t *state, bool all, uint64_t section)
{
    for (size_t i = 0; i < state->count; i++)
        if (all || state->records[i].section == section)
            state->records[i].synced = true;
}

/** By this library, where it is not told to cut a section at a damaged page. */
static bool is_refused_behind_hole(const state_t *state, const char *answer)
{
    return !state->script->setting.hole && strcmp(answer, "  corrupt\n") == 0;
}

/** An operation is told in one piece, so that one without an answer has not ended. */
static void read_told(state_t *state, FILE *told)
{
    char line[SCRIPT_LINE], answer[SCRIPT_LINE];
    for (size_t i = 0; i < state->script->count; i++) {
        const operation_t *operation = &state->script->operations[i];
        if (fgets(line, sizeof line, told) == NULL || fgets(answer, sizeof answer, told) == NULL ||
            strchr(answer, '\n') == NULL)
            return;
        if (strncmp(line, operation->line, strlen(operation->line)) != 0)
            interop_die("script %s: %s was told instead of %s", state->script->setting.id, line, operation->line);
        if (operation->kind == OPERATION_APPEND && is_refused_behind_hole(state, answer))
            continue;
        if (operation->kind == OPERATION_APPEND)
            expect(state, operation, answer);
        else if (strcmp(answer, "  ok\n") != 0)
            interop_die("script %s: %s answered %s", state->script->setting.id, line, answer);
        else if (operation->kind == OPERATION_SYNC || operation->kind == OPERATION_SYNC_ALL)
            cover(state, operation->kind == OPERATION_SYNC_ALL, operation->words[0]);
    }
}

static void skip_to(FILE *file, const char *expected)
{
    char line[SCRIPT_LINE];
    while (fgets(line, sizeof line, file) != NULL && strcmp(line, expected) != 0)
        continue;
}

/** Strikes out what the first dump has; it ends with the next operation. */
static void read_found(state_t *state, FILE *found)
{
    char line[SCRIPT_LINE], name[SCRIPT_LINE];
    uint64_t section = 0;
    snprintf(name, sizeof name, "script %s\n", state->script->setting.id);
    skip_to(found, name);
    skip_to(found, "dump\n");
    while (fgets(line, sizeof line, found) != NULL && line[0] == ' ') {
        if (strncmp(line, "  section ", 10) == 0)
            section = strtoull(line + 10, NULL, 10);
        for (size_t i = 0; i < state->count; i++)
            if (state->records[i].section == section && strcmp(state->records[i].line, line) == 0)
                state->records[i].synced = false;
    }
}

static uint64_t count_synced(const state_t *state)
{
    uint64_t count = 0;
    for (size_t i = 0; i < state->count; i++)
        count += state->records[i].synced;
    return count;
}

uint64_t missing_records(const script_t *script, FILE *told, FILE *found, uint64_t *synced)
{
    state_t state = {.script = script};
    read_told(&state, told);
    *synced += count_synced(&state);
    read_found(&state, found);
    uint64_t missing = count_synced(&state);
    if (missing > 0)
        printf("script %s: %" PRIu64 " synced records are missing\n", script->setting.id, missing);
    free(state.records);
    return missing;
}
