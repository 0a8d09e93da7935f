/*
 * command/record.c: a record as a line, or as an object of JSON.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "command/command.h"
#include "command/json.h"

/* The line of each record is the same object with other numbers: nothing is allocated for it but texts that are longer
 * than any before. All records of a command have the same members, but for a value that could not be read. */
static json_t *line_of(const options_t *options, const record_t *record)
{
    static json_t *line;
    static bool has_told, has_value;
    if (line != NULL && has_told == record->told && has_value == (record->value != NULL))
        return line;
    json_free(line);
    line = json_new();
    has_told = record->told;
    has_value = record->value != NULL;
    json_number(line, "section", 0);
    json_number(line, "position", 0);
    if (options->entry != SHOW_NONE)
        json_text(line, "entry", "");
    json_number(line, "offset", 0);
    json_number(line, "stored_bytes", 0);
    if (has_told)
        json_flag(line, "synced", false);
    if (has_value) {
        json_number(line, "value_bytes", 0);
        json_text(line, "value", "");
    }
    return line;
}

static void set_shown(json_t *line, const char *name, const void *bytes, size_t size, show_t show)
{
    char *text = shown_text(bytes, size, show);
    json_set_text(line, name, text);
    free(text);
}

static bool record_json(const options_t *options, const record_t *record)
{
    json_t *line = line_of(options, record);
    json_set_number(line, "section", record->section);
    json_set_number(line, "position", record->position);
    if (options->entry != SHOW_NONE)
        set_shown(line, "entry", record->entry, record->entry_size, options->entry);
    json_set_number(line, "offset", record->stored.offset);
    json_set_number(line, "stored_bytes", record->stored.size);
    if (record->told)
        json_set_flag(line, "synced", record->synced);
    if (record->value != NULL) {
        json_set_number(line, "value_bytes", record->value_size);
        set_shown(line, "value", record->value, record->value_size, options->value);
    }
    return json_line(line);
}

bool record_print(const options_t *options, const record_t *record)
{
    if (options->json)
        return record_json(options, record);
    print("%" PRIu64 ":%" PRIu64, record->section, record->position);
    if (options->entry != SHOW_NONE) {
        print(" ");
        print_shown(record->entry, record->entry_size, options->entry);
    }
    print(" %" PRIu32, record->stored.size);
    if (record->value != NULL) {
        print(" ");
        print_shown(record->value, record->value_size, options->value);
    }
    print("\n");
    return true;
}
