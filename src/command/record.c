/*
 * command/record.c: a record as a line, or as an object of JSON.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "command/command.h"
#include "command/json.h"

static bool record_json(const options_t *options, const record_t *record)
{
    json_t *object = json_new();
    json_number(object, "section", record->section);
    json_number(object, "position", record->position);
    if (options->entry != SHOW_NONE) {
        char *text = shown_text(record->entry, record->entry_size, options->entry);
        json_text(object, "entry", text);
        free(text);
    }
    json_number(object, "offset", record->stored.offset);
    json_number(object, "stored_bytes", record->stored.size);
    if (record->told)
        json_flag(object, "synced", record->synced);
    if (record->value != NULL) {
        char *text = shown_text(record->value, record->value_size, options->value);
        json_number(object, "value_bytes", record->value_size);
        json_text(object, "value", text);
        free(text);
    }
    return json_print(object);
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
