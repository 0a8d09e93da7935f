/*
 * crash/script.c: scripts as text.
 */
#include "crash/script.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEP_TEXT 160 /* the longest step */

static const char *const step_names[STEPS] = {"open",           "append", "burst", "sync",   "sync_all", "rewind",
                                              "rewind_section", "prune",  "read",  "replay", "check",    "close",
                                              "pieces",         "batch",  "start", "wait",   "flush"};
static const char *const call_names[SIMDISK_CALLS] = {"create", "remove", "write", "truncate", "sync",  "names",
                                                      "open",   "read",   "size",  "list",     "device"};
static const char *const crash_names[CRASHES] = {"none", "cut", "kill", "drop"};
static const char *const pattern_names[PATTERNS] = {"none", "all", "some", "few", "most", "one", "all_but_one"};
static const char *const fill_names[SIMDISK_FILLS] = {"short", "zeros", "garbage"};

typedef struct code_name {
    const char *name;
    int code;
} code_name_t;

static const code_name_t codes[] = {{"short", 0},     {"EIO", EIO},       {"ENOSPC", ENOSPC}, {"EDQUOT", EDQUOT},
                                    {"EINTR", EINTR}, {"EMFILE", EMFILE}, {"EFBIG", EFBIG}};
#define CODES (sizeof codes / sizeof codes[0])

const char *step_name(step_kind_t kind)
{
    return step_names[kind];
}

const char *pattern_name(crash_pattern_t pattern)
{
    return pattern_names[pattern];
}

void script_free(script_t *script)
{
    if (script != NULL)
        free(script->steps);
    free(script);
}

script_t *script_copy(const script_t *script)
{
    script_t *copy = malloc(sizeof *copy);
    if (copy == NULL)
        abort();
    *copy = *script;
    copy->steps = malloc((script->count + 1) * sizeof *copy->steps);
    if (copy->steps == NULL)
        abort();
    memcpy(copy->steps, script->steps, script->count * sizeof *copy->steps);
    return copy;
}

/* --- printing --- */

static bool has_slot(step_kind_t kind)
{
    return kind != STEP_OPEN && kind != STEP_SYNC_ALL && kind != STEP_CHECK && kind != STEP_CLOSE;
}

static bool has_amount(step_kind_t kind)
{
    return kind == STEP_OPEN || (has_slot(kind) && kind != STEP_SYNC && kind != STEP_PRUNE && kind != STEP_START &&
                                 kind != STEP_WAIT && kind != STEP_FLUSH);
}

static const char *code_text(int code)
{
    for (size_t i = 0; i < CODES; i++)
        if (codes[i].code == code)
            return codes[i].name;
    return "EIO";
}

static size_t print_step(char *text, size_t size, const step_t *step)
{
    size_t used = (size_t)snprintf(text, size, "; %s", step_names[step->kind]);
    bool slot = has_slot(step->kind);
    bool amount = has_amount(step->kind);
    if (slot)
        used += (size_t)snprintf(text + used, size - used, " %u", step->slot);
    if (amount)
        used += (size_t)snprintf(text + used, size - used, " %u", (unsigned)step->amount);
    if (step->fault.nth > 0)
        used += (size_t)snprintf(text + used, size - used, " /%s:%u:%s:%u%s%s", call_names[step->fault.call],
                                 step->fault.nth, code_text(step->fault.code), step->fault.limit,
                                 step->fault.drop ? ":drop" : "", step->fault.lasting ? ":lasting" : "");
    if (step->crash.kind == CRASH_CUT)
        used += (size_t)snprintf(text + used, size - used, " !cut:%u:%s:%s:%u", step->crash.call,
                                 pattern_names[step->crash.pattern], fill_names[step->crash.fill],
                                 (unsigned)step->crash.seed);
    else if (step->crash.kind != CRASH_NONE)
        used += (size_t)snprintf(text + used, size - used, " !%s:%u:%u", crash_names[step->crash.kind],
                                 step->crash.call, (unsigned)step->crash.seed);
    return used;
}

char *script_print(const script_t *script)
{
    size_t size = (script->count + 2) * STEP_TEXT;
    char *text = malloc(size);
    if (text == NULL)
        abort();
    size_t used =
        (size_t)snprintf(text, size, "history page=%u numbers=%u%s%s%s%s%s", (unsigned)script->page_size,
                         script->numbers, script->readers ? " readers" : "", script->shorts ? " shorts" : "",
                         script->tear ? " tear" : "", script->spoil ? " spoil" : "", script->log ? " log" : "");
    for (size_t i = 0; i < script->count; i++)
        used += print_step(text + used, size - used, &script->steps[i]);
    return text;
}

/* --- parsing --- */

#define FIELDS 8

/* Cuts a text at each of a character, in place; gives the number of pieces. */
static size_t cut_at(char *text, char separator, char **pieces, size_t most)
{
    size_t count = 0;
    while (count < most) {
        pieces[count++] = text;
        text = strchr(text, separator);
        if (text == NULL)
            break;
        *text++ = '\0';
    }
    return count;
}

static int name_in(const char *const *names, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

static uint32_t number_of(const char *text)
{
    return (uint32_t)strtoul(text, NULL, 10);
}

static bool parse_fault(char *text, step_fault_t *fault)
{
    char *fields[FIELDS];
    size_t count = cut_at(text, ':', fields, FIELDS);
    int call = name_in(call_names, SIMDISK_CALLS, fields[0]);
    if (count < 4 || call < 0)
        return false;
    *fault = (step_fault_t){.call = (simdisk_call_t)call, .nth = number_of(fields[1]), .code = -1};
    for (size_t i = 0; i < CODES; i++)
        if (strcmp(codes[i].name, fields[2]) == 0)
            fault->code = codes[i].code;
    fault->limit = number_of(fields[3]);
    for (size_t i = 4; i < count; i++) {
        fault->drop = fault->drop || strcmp(fields[i], "drop") == 0;
        fault->lasting = fault->lasting || strcmp(fields[i], "lasting") == 0;
    }
    return fault->code >= 0;
}

static bool parse_crash(char *text, step_crash_t *crash)
{
    char *fields[FIELDS];
    size_t count = cut_at(text, ':', fields, FIELDS);
    int kind = name_in(crash_names, CRASHES, fields[0]);
    if (kind < 0 || count != (kind == CRASH_CUT ? 5 : 3))
        return false;
    *crash = (step_crash_t){.kind = (crash_kind_t)kind, .call = number_of(fields[1])};
    crash->seed = number_of(fields[count - 1]);
    if (kind != CRASH_CUT)
        return true;
    int pattern = name_in(pattern_names, PATTERNS, fields[2]);
    int fill = name_in(fill_names, SIMDISK_FILLS, fields[3]);
    if (pattern < 0 || fill < 0)
        return false;
    crash->pattern = (crash_pattern_t)pattern;
    crash->fill = (simdisk_fill_t)fill;
    return true;
}

/* Words without the empty ones. */
static size_t words_of(char *text, char **words)
{
    char *pieces[2 * FIELDS];
    size_t count = cut_at(text, ' ', pieces, 2 * FIELDS);
    size_t kept = 0;
    for (size_t i = 0; i < count && kept < FIELDS; i++) {
        pieces[i][strcspn(pieces[i], "\r\n\t")] = '\0';
        if (pieces[i][0] != '\0')
            words[kept++] = pieces[i];
    }
    return kept;
}

static bool parse_step(char *text, step_t *step)
{
    char *words[FIELDS];
    uint32_t numbers[2] = {0, 0};
    size_t number = 0;
    size_t count = words_of(text, words);
    int kind = count > 0 ? name_in(step_names, STEPS, words[0]) : -1;
    *step = (step_t){.kind = (step_kind_t)kind};
    if (kind < 0)
        return false;
    for (size_t i = 1; i < count; i++) {
        if (words[i][0] == '/' && !parse_fault(words[i] + 1, &step->fault))
            return false;
        if (words[i][0] == '!' && !parse_crash(words[i] + 1, &step->crash))
            return false;
        if (words[i][0] >= '0' && words[i][0] <= '9' && number < 2)
            numbers[number++] = number_of(words[i]);
    }
    if (kind == STEP_OPEN) {
        step->amount = numbers[0];
    } else {
        step->slot = numbers[0];
        step->amount = numbers[1];
    }
    return step->slot < 6;
}

static bool parse_head(char *text, script_t *script)
{
    char *words[FIELDS];
    size_t count = words_of(text, words);
    if (count == 0 || strcmp(words[0], "history") != 0)
        return false;
    for (size_t i = 1; i < count; i++) {
        if (strncmp(words[i], "page=", 5) == 0)
            script->page_size = (uint16_t)number_of(words[i] + 5);
        else if (strncmp(words[i], "numbers=", 8) == 0)
            script->numbers = number_of(words[i] + 8);
        script->readers = script->readers || strcmp(words[i], "readers") == 0;
        script->shorts = script->shorts || strcmp(words[i], "shorts") == 0;
        script->tear = script->tear || strcmp(words[i], "tear") == 0;
        script->spoil = script->spoil || strcmp(words[i], "spoil") == 0;
        script->log = script->log || strcmp(words[i], "log") == 0;
    }
    return script->page_size > 0 && script->numbers < SCRIPT_NUMBERS;
}

script_t *script_parse(const char *text, const char **wrong)
{
    static _Thread_local char where[STEP_TEXT];
    script_t *script = calloc(1, sizeof *script);
    char *copy = strdup(text);
    size_t most = 1;
    for (const char *at = text; *at != '\0'; at++)
        most += *at == ';';
    char **pieces = calloc(most + 1, sizeof *pieces);
    if (script == NULL || copy == NULL || pieces == NULL)
        abort();
    script->steps = calloc(most + 1, sizeof *script->steps);
    if (script->steps == NULL)
        abort();
    size_t count = cut_at(copy, ';', pieces, most);
    bool good = true;
    for (size_t i = 0; i < count && good; i++) {
        (void)snprintf(where, sizeof where, "%s", pieces[i]);
        good = i == 0 ? parse_head(pieces[i], script) : parse_step(pieces[i], &script->steps[script->count++]);
    }
    free(pieces);
    free(copy);
    *wrong = where;
    if (good)
        return script;
    script_free(script);
    return NULL;
}
