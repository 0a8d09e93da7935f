/*
 * crash/model.c: see the header.
 */
#include "crash/model.h"

#include <stdio.h>
#include <string.h>

static _Thread_local char complaint[2048];
static _Thread_local uint8_t expected_value[MODEL_VALUE_MAX + 8];

/* An id is a number below 2^16 and, above that, the value's size. Every other longer value can be compressed. */
size_t model_value(uint32_t id, uint8_t *value, size_t capacity)
{
    size_t size = id >> 16;
    uint64_t mask = size > 400 && (id & 1) != 0 ? UINT64_C(0x0303030303030303) : UINT64_MAX;
    if (size > capacity)
        size = capacity;
    uint64_t state = ((uint64_t)id + 1) * UINT64_C(0x9E3779B97F4A7C15);
    for (size_t i = 0; i < size; i += 8) {
        state ^= state << 13; /* xorshift64 (Marsaglia 2003) */
        state ^= state >> 7;
        state ^= state << 17;
        uint64_t word = state & mask;
        memcpy(value + i, &word, size - i < 8 ? size - i : 8);
    }
    return size;
}

void model_entry(uint32_t id, uint8_t entry[MODEL_ENTRY])
{
    for (int i = 0; i < MODEL_ENTRY; i++)
        entry[i] = (uint8_t)(i < 4 ? id >> (8 * i) : (id >> (8 * (i - 4))) ^ 0x5A);
}

uint32_t model_entry_id(const uint8_t entry[MODEL_ENTRY])
{
    uint8_t expected[MODEL_ENTRY];
    uint32_t id = entry[0] | (uint32_t)entry[1] << 8 | (uint32_t)entry[2] << 16 | (uint32_t)entry[3] << 24;
    model_entry(id, expected);
    return memcmp(entry, expected, sizeof expected) == 0 ? id : 0;
}

uint64_t model_number(const model_t *model, size_t index)
{
    return model->numbers != NULL ? model->numbers[index] : index;
}

uint32_t model_new_id(model_t *model, size_t size)
{
    return (uint32_t)size << 16 | (++model->next_id & 0xFFFF);
}

void model_synced(model_section_t *section)
{
    section->synced = section->floor = section->count;
    section->durable = section->exists;
    section->cut = 0;
    section->handed = section->left = 0;
}

void model_flushed(model_section_t *section)
{
    section->handed = section->count;
}

void model_rewinds(model_section_t *section, size_t count)
{
    if (section->floor > count)
        section->floor = count;
    if (section->handed > count)
        section->handed = count;
}

void model_cut(model_t *model)
{
    for (size_t i = 0; i < MODEL_SECTIONS; i++)
        model->sections[i].handed = model->sections[i].left = 0;
}

void model_killed(model_t *model)
{
    for (size_t i = 0; i < MODEL_SECTIONS; i++) {
        model_section_t *section = &model->sections[i];
        section->left = section->handed; /* a power cut that follows may take it, and the name */
    }
}

static const char *complain(uint64_t section, uint64_t record, const char *what, uint64_t found, uint64_t expected)
{
    (void)snprintf(complaint, sizeof complaint, "section %llu, record %llu: %s: %llu, expected %llu",
                   (unsigned long long)section, (unsigned long long)record, what, (unsigned long long)found,
                   (unsigned long long)expected);
    return complaint;
}

static const char *failed(uint64_t section, uint64_t record, const char *what)
{
    (void)snprintf(complaint, sizeof complaint, "section %llu, record %llu: %s: %s", (unsigned long long)section,
                   (unsigned long long)record, what, segj_last_error());
    return complaint;
}

const char *model_judge_record(oversized_t *journal, uint64_t number, uint64_t position, uint32_t id,
                               segj_buffer_t *value)
{
    uint8_t expected_entry[MODEL_ENTRY];
    uint8_t entry[MODEL_ENTRY];
    if (oversized_read(journal, number, position, entry, value) != SEGJ_OK)
        return failed(number, position, "it cannot be read");
    model_entry(id, expected_entry);
    if (memcmp(entry, expected_entry, sizeof entry) != 0)
        return complain(number, position, "foreign entry", model_entry_id(entry), id);
    size_t size = model_value(id, expected_value, sizeof expected_value);
    if (value->size != size || (size > 0 && memcmp(value->data, expected_value, size) != 0))
        return complain(number, position, "foreign value of size", value->size, size);
    return NULL;
}

/* Where a frame begins that is kept apart from one that ends there: after a copy of its checksum. */
static uint64_t apart(const model_t *model, uint64_t end)
{
    uint64_t taken = model->sector > 0 ? end % model->sector : 0;
    return taken == 0 ? end : end - taken + model->sector + 4;
}

/* Frames begin at 0 and lie back to back up to the end of the values, but for those that are kept apart. */
static const char *judge_locations(const model_t *model, oversized_t *journal, uint64_t number, uint64_t count)
{
    uint32_t head = model->head;
    uint64_t end = 0;
    uint64_t size = 0;
    uint64_t sum = 0;
    for (uint64_t i = 0; i < count && head > 0; i++) {
        oversized_location_t location;
        if (oversized_get(journal, number, i, NULL, &location) != SEGJ_OK)
            return failed(number, i, "get");
        sum += location.size;
    }
    /* A section of version 1 in a journal that has both. */
    if (head > 0 && oversized_value_size(journal, number, &size) == SEGJ_OK && size == sum)
        head = 0;
    for (uint64_t i = 0; i < count; i++) {
        oversized_location_t location;
        if (oversized_get(journal, number, i, NULL, &location) != SEGJ_OK)
            return failed(number, i, "get");
        if (location.offset != end && location.offset != apart(model, end))
            return complain(number, i, "a hole before its value at", location.offset, end);
        end = location.offset + head + location.size;
    }
    if (oversized_value_size(journal, number, &size) != SEGJ_OK || size != end)
        return complain(number, count, "end of the values", size, end);
    return NULL;
}

/* Commonware: frames lie in order, gaps between them, up to the end of the values. */
static const char *judge_order(oversized_t *journal, uint64_t number, uint64_t count)
{
    uint64_t end = 0;
    uint64_t size = 0;
    for (uint64_t i = 0; i < count; i++) {
        oversized_location_t location;
        segj_status_t status = oversized_get(journal, number, i, NULL, &location);
        if (status == SEGJ_ERR_CORRUPT && i + 1 < count)
            continue;
        if (status != SEGJ_OK)
            return failed(number, i, "get");
        if (location.offset < end)
            return complain(number, i, "it begins before the end of one before", location.offset, end);
        end = location.offset + location.size;
    }
    if (oversized_value_size(journal, number, &size) != SEGJ_OK || size != end)
        return complain(number, count, "end of the values", size, end);
    return NULL;
}

/* Commonware: a record that a sync has covered is right, another one is right or found out to be damaged. */
static const char *judge_doubtful(const model_section_t *section, oversized_t *journal, uint64_t number, uint64_t i,
                                  bool *damaged)
{
    uint8_t entry[MODEL_ENTRY];
    segj_buffer_t value = {0};
    segj_status_t status = oversized_read(journal, number, i, entry, &value);
    bool said = status == SEGJ_ERR_CORRUPT || status == SEGJ_ERR_CHECKSUM || status == SEGJ_ERR_COMPRESSION;
    const char *wrong = NULL;
    *damaged = said;
    if (said && (i < section->floor || i < section->left) && !section->damaged[i])
        wrong = failed(number, i, "a synced record is damaged");
    if (!said)
        wrong = model_judge_record(journal, number, i, section->ids[i], &value);
    segj_buffer_free(&value);
    return wrong;
}

static const char *judge_commonware(const model_section_t *section, oversized_t *journal, uint64_t number,
                                    uint64_t count, model_section_t *seen)
{
    bool damaged[MODEL_RECORDS] = {false};
    const char *wrong = NULL;
    for (size_t i = 0; i < count && wrong == NULL; i++)
        wrong = judge_doubtful(section, journal, number, i, &damaged[i]);
    if (wrong == NULL)
        wrong = judge_order(journal, number, count);
    if (wrong != NULL || seen == NULL)
        return wrong;
    *seen = *section;
    seen->cut = section->cut > section->count ? section->cut : section->count;
    seen->count = (size_t)count;
    seen->exists = seen->durable = true;
    seen->going = seen->phantom = false;
    seen->handed = seen->left = 0; /* a power cut may take it still */
    memcpy(seen->damaged, damaged, sizeof damaged);
    /* What open has synced is durable. Of another section that is what a sync had covered before. */
    uint64_t newest;
    if (oversized_newest_section(journal, &newest) == SEGJ_OK && newest == number)
        model_synced(seen);
    return NULL;
}

static const char *judge_native(const model_t *model, const model_section_t *section, oversized_t *journal,
                                uint64_t number, uint64_t count, model_section_t *seen)
{
    segj_buffer_t value = {0};
    const char *wrong = NULL;
    for (size_t i = 0; i < count && wrong == NULL; i++)
        wrong = model_judge_record(journal, number, i, section->ids[i], &value);
    segj_buffer_free(&value);
    if (wrong == NULL)
        wrong = judge_locations(model, journal, number, count);
    if (wrong == NULL && seen != NULL) {
        *seen = *section;
        seen->count = (size_t)count;
        seen->exists = true;
        seen->going = seen->phantom = false;
        model_synced(seen);
    }
    return wrong;
}

static const char *judge_section(const model_t *model, size_t index, oversized_t *journal, bool listed,
                                 model_section_t *seen)
{
    const model_section_t *section = &model->sections[index];
    uint64_t number = model_number(model, index);
    uint64_t count = 0;
    if (!listed && section->exists && (section->durable || section->left > 0) && !section->going)
        return complain(number, 0, "the section is lost; synced records", section->synced, section->synced);
    if (listed && !section->exists && !section->phantom)
        return complain(number, 0, "the section came back", 1, 0);
    if (!listed)
        return NULL;
    if (oversized_count(journal, number, &count) != SEGJ_OK)
        return failed(number, 0, "count");
    if (count < section->floor)
        return complain(number, count, "synced records are lost: there are", count, section->floor);
    if (count < section->left)
        return complain(number, count, "flushed records are lost: there are", count, section->left);
    if (count > section->count && count > section->cut)
        return complain(number, count, "more records than were appended", count, section->count);
    return model->commonware ? judge_commonware(section, journal, number, count, seen)
                             : judge_native(model, section, journal, number, count, seen);
}

static size_t index_of(const model_t *model, uint64_t number)
{
    size_t index = 0;
    while (index < MODEL_SECTIONS && model_number(model, index) != number)
        index++;
    return index;
}

const char *model_judge(const model_t *model, oversized_t *journal, model_t *seen)
{
    bool listed[MODEL_SECTIONS] = {false};
    uint64_t number = 0;
    if (seen != NULL)
        *seen = (model_t){.next_id = model->next_id,
                          .numbers = model->numbers,
                          .head = model->head,
                          .sector = model->sector,
                          .commonware = model->commonware};
    segj_status_t status = oversized_oldest_section(journal, &number);
    while (status == SEGJ_OK) {
        size_t index = index_of(model, number);
        if (index == MODEL_SECTIONS)
            return complain(number, 0, "a section that nobody made", 1, 0);
        listed[index] = true;
        status = oversized_next_section(journal, number, &number);
    }
    for (size_t i = 0; i < MODEL_SECTIONS; i++) {
        const char *wrong = judge_section(model, i, journal, listed[i], seen != NULL ? &seen->sections[i] : NULL);
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
                             (uint64_t)section->phantom << 3 | (uint64_t)section->count << 8 |
                             (uint64_t)section->floor << 24 | (uint64_t)section->handed << 40 |
                             (uint64_t)section->left << 52);
        for (size_t k = 0; k < section->count || k < section->cut; k++)
            hash = mix(hash, section->ids[k] | (uint64_t)section->damaged[k] << 32);
    }
    return hash;
}
