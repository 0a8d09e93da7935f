/*
 * crash/model.c: see the header.
 */
#include "crash/model.h"

#include <stdio.h>
#include <string.h>

#define VALUE_MAX 1200

static char complaint[2048];

/* An id is a number below 2^16 and, above that, the value's size. */
size_t model_value(uint32_t id, uint8_t *value, size_t capacity)
{
    size_t size = id >> 16;
    if (size > capacity)
        size = capacity;
    uint32_t state = id * 2654435761u + 1;
    for (size_t i = 0; i < size; i++) {
        state = state * 1664525u + 1013904223u; /* Numerical Recipes, 7.1 */
        value[i] = (uint8_t)(state >> 24);
    }
    return size;
}

void model_entry(uint32_t id, uint8_t entry[MODEL_ENTRY])
{
    for (int i = 0; i < MODEL_ENTRY; i++)
        entry[i] = (uint8_t)(i < 4 ? id >> (8 * i) : (id >> (8 * (i - 4))) ^ 0x5A);
}

uint32_t model_new_id(model_t *model, size_t size)
{
    return (uint32_t)size << 16 | (++model->next_id & 0xFFFF);
}

void model_synced(model_section_t *section)
{
    section->synced = section->floor = section->count;
    section->durable = section->exists;
}

static const char *complain(size_t section, size_t record, const char *what, unsigned long long found,
                            unsigned long long expected)
{
    (void)snprintf(complaint, sizeof complaint, "section %zu, record %zu: %s: %llu, expected %llu", section, record,
                   what, found, expected);
    return complaint;
}

static const char *failed(size_t section, size_t record, const char *what)
{
    (void)snprintf(complaint, sizeof complaint, "section %zu, record %zu: %s: %s", section, record, what,
                   segj_last_error());
    return complaint;
}

static const char *judge_record(oversized_t *journal, size_t number, size_t position, uint32_t id, segj_buffer_t *value)
{
    uint8_t expected_entry[MODEL_ENTRY];
    uint8_t entry[MODEL_ENTRY];
    uint8_t expected[VALUE_MAX];
    if (oversized_read(journal, number, position, entry, value) != SEGJ_OK)
        return failed(number, position, "it cannot be read");
    model_entry(id, expected_entry);
    if (memcmp(entry, expected_entry, sizeof entry) != 0)
        return complain(number, position, "foreign entry", entry[0] | (unsigned)entry[1] << 8, id & 0xFFFF);
    size_t size = model_value(id, expected, sizeof expected);
    if (value->size != size || (size > 0 && memcmp(value->data, expected, size) != 0))
        return complain(number, position, "foreign value of size", value->size, size);
    return NULL;
}

/* Frames begin at 0 and lie back to back up to the end of the values. */
static const char *judge_locations(oversized_t *journal, size_t number, size_t count)
{
    uint64_t end = 0;
    uint64_t size = 0;
    for (size_t i = 0; i < count; i++) {
        oversized_location_t location;
        if (oversized_get(journal, number, i, NULL, &location) != SEGJ_OK)
            return failed(number, i, "get");
        if (location.offset != end)
            return complain(number, i, "a hole before its value at", location.offset, end);
        end = location.offset + location.size;
    }
    if (oversized_value_size(journal, number, &size) != SEGJ_OK || size != end)
        return complain(number, count, "end of the values", size, end);
    return NULL;
}

static const char *judge_section(const model_section_t *section, oversized_t *journal, size_t number, bool listed,
                                 model_section_t *seen)
{
    uint64_t count = 0;
    segj_buffer_t value = {0};
    const char *wrong = NULL;
    if (!listed && section->exists && section->durable && !section->going)
        return complain(number, 0, "the section is lost; synced records", section->synced, section->synced);
    if (listed && !section->exists)
        return complain(number, 0, "the section came back", 1, 0);
    if (!listed)
        return NULL;
    if (oversized_count(journal, number, &count) != SEGJ_OK)
        return failed(number, 0, "count");
    if (count < section->floor)
        return complain(number, (size_t)count, "synced records are lost: there are", count, section->floor);
    if (count > section->count)
        return complain(number, (size_t)count, "more records than were appended", count, section->count);
    for (size_t i = 0; i < count && wrong == NULL; i++)
        wrong = judge_record(journal, number, i, section->ids[i], &value);
    segj_buffer_free(&value);
    if (wrong == NULL)
        wrong = judge_locations(journal, number, (size_t)count);
    if (wrong == NULL && seen != NULL) {
        *seen = *section;
        seen->count = (size_t)count;
        seen->exists = true;
        seen->going = false;
        model_synced(seen);
    }
    return wrong;
}

const char *model_judge(const model_t *model, oversized_t *journal, model_t *seen)
{
    bool listed[MODEL_SECTIONS] = {false};
    uint64_t number = 0;
    if (seen != NULL)
        *seen = (model_t){.next_id = model->next_id};
    segj_status_t status = oversized_oldest_section(journal, &number);
    while (status == SEGJ_OK) {
        if (number >= MODEL_SECTIONS)
            return complain((size_t)number, 0, "a section that nobody made", 1, 0);
        listed[number] = true;
        status = oversized_next_section(journal, number, &number);
    }
    for (size_t i = 0; i < MODEL_SECTIONS; i++) {
        const char *wrong =
            judge_section(&model->sections[i], journal, i, listed[i], seen != NULL ? &seen->sections[i] : NULL);
        if (wrong != NULL)
            return wrong;
    }
    return NULL;
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ (hash >> 29);
}

uint64_t model_hash(const model_t *model)
{
    uint64_t hash = 7;
    for (size_t i = 0; i < MODEL_SECTIONS; i++) {
        const model_section_t *section = &model->sections[i];
        hash = mix(hash, (uint64_t)section->exists | (uint64_t)section->durable << 1 | (uint64_t)section->going << 2 |
                             (uint64_t)section->count << 8 | (uint64_t)section->floor << 24);
        for (size_t k = 0; k < section->count; k++)
            hash = mix(hash, section->ids[k]);
    }
    return hash;
}
