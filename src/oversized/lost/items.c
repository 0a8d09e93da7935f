/*
 * oversized/lost/items.c: the files of a quarantine that hold what was set aside: their names, and finding and removing
 * them.
 */
#include "oversized/lost/items.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oversized/lost/catalogue.h"

/* --- names --- */

void segj_item_name(const segj_loss_t *loss, bool values, char name[SEGJ_ITEM_NAME])
{
    (void)snprintf(name, SEGJ_ITEM_NAME, "%016" PRIx64 ".%s.%" PRIu32 ".%" PRIu64, loss->section,
                   values ? "values" : "index", loss->ordinal, values ? loss->values_offset : loss->index_offset);
}

/* Digits to the end of the name: the item's offset. */
static bool is_number(const char *text)
{
    return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
}

/* The ordinal of an item's name; false where it is none. */
static bool parse_item(const char *name, uint32_t *ordinal)
{
    static const char *const kinds[2] = {".index.", ".values."};
    uint64_t section;
    char number[SEGJ_NAME_LENGTH + 1];
    if (strlen(name) <= SEGJ_NAME_LENGTH || strlen(name) >= SEGJ_ITEM_NAME)
        return false;
    memcpy(number, name, SEGJ_NAME_LENGTH);
    number[SEGJ_NAME_LENGTH] = '\0';
    for (int kind = 0; kind < 2 && segj_section_parse(number, &section); kind++) {
        size_t length = strlen(kinds[kind]);
        if (strncmp(name + SEGJ_NAME_LENGTH, kinds[kind], length) != 0)
            continue;
        char *end;
        *ordinal = (uint32_t)strtoul(name + SEGJ_NAME_LENGTH + length, &end, 10);
        return end[0] == '.' && is_number(end + 1);
    }
    return false;
}

/* --- files --- */

segj_status_t segj_items_unlink(const segj_quarantine_t *quarantine, const segj_loss_t *loss)
{
    char name[SEGJ_ITEM_NAME];
    segj_status_t status = SEGJ_OK;
    for (int values = 0; values < 2 && status == SEGJ_OK; values++) {
        if ((values ? loss->values_size : loss->index_size) == 0)
            continue;
        segj_item_name(loss, values != 0, name);
        status = segj_partition_unlink_named(&quarantine->partition, name);
    }
    return status;
}

static int collect(void *context, const char *name, segj_entry_kind_t kind)
{
    segj_items_found_t *found = context;
    uint32_t ordinal;
    if (kind != SEGJ_ENTRY_FILE || strlen(name) >= SEGJ_ITEM_NAME ||
        (!parse_item(name, &ordinal) && !segj_catalogue_is(name)))
        return 0; /* not ours: it stays */
    if (found->count == found->capacity) {
        size_t capacity = found->capacity > 0 ? 2 * found->capacity : 16;
        char(*names)[SEGJ_ITEM_NAME] = realloc(found->names, capacity * sizeof *names);
        if (names == NULL) {
            found->failed = true;
            return ECANCELED;
        }
        found->names = names;
        found->capacity = capacity;
    }
    (void)snprintf(found->names[found->count++], SEGJ_ITEM_NAME, "%s", name);
    return 0;
}

segj_status_t segj_items_list(const segj_quarantine_t *quarantine, segj_items_found_t *found)
{
    *found = (segj_items_found_t){0};
    segj_status_t status = segj_partition_visit(&quarantine->partition, collect, found, &found->count);
    if (found->failed)
        status = segj_fail_memory(found->capacity * SEGJ_ITEM_NAME);
    if (status != SEGJ_OK)
        free(found->names);
    return status;
}

/* Losses are ascending by their ordinals, also after a discard. */
static bool is_catalogued(const segj_quarantine_t *quarantine, const char *name, uint32_t ordinal)
{
    size_t low = 0;
    size_t high = quarantine->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (quarantine->losses[middle].ordinal < ordinal)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = false;
    for (int values = 0; values < 2 && low < quarantine->count && !found; values++) {
        char item[SEGJ_ITEM_NAME];
        segj_item_name(&quarantine->losses[low], values != 0, item);
        found = strcmp(item, name) == 0;
    }
    return found;
}

segj_status_t segj_items_clean(segj_quarantine_t *quarantine)
{
    segj_items_found_t found;
    segj_status_t status = segj_items_list(quarantine, &found);
    if (status != SEGJ_OK)
        return status;
    for (size_t i = 0; i < found.count && status == SEGJ_OK; i++) {
        uint32_t ordinal;
        if (!parse_item(found.names[i], &ordinal))
            continue;
        if (ordinal >= quarantine->next_ordinal)
            quarantine->next_ordinal = ordinal + 1;
        if (!quarantine->damaged && !is_catalogued(quarantine, found.names[i], ordinal))
            status = segj_partition_unlink_named(&quarantine->partition, found.names[i]);
    }
    free(found.names);
    return status;
}
