/* support/mirror.c: see support/mirror.h. */
#include "support/mirror.h"

#include <stdlib.h>
#include <string.h>

uint64_t mirror_hash(const void *entry, size_t entry_size, const void *value, size_t value_size)
{
    const uint8_t *parts[2] = {entry, value};
    const size_t sizes[2] = {entry_size, value_size};
    uint64_t hash = UINT64_C(14695981039346656037);
    for (int part = 0; part < 2; part++) {
        for (size_t i = 0; i < sizes[part]; i++)
            hash = (hash ^ parts[part][i]) * UINT64_C(1099511628211);
        hash = (hash ^ sizes[part]) * UINT64_C(1099511628211);
    }
    return hash;
}

mirror_section_t *mirror_find(const mirror_t *mirror, uint64_t section)
{
    for (size_t i = 0; i < mirror->count; i++)
        if (mirror->sections[i].number == section)
            return &mirror->sections[i];
    return NULL;
}

uint64_t mirror_count(const mirror_t *mirror, uint64_t section)
{
    const mirror_section_t *found = mirror_find(mirror, section);
    return found != NULL ? found->count : 0;
}

static mirror_section_t *mirror_get(mirror_t *mirror, uint64_t section)
{
    mirror_section_t *found = mirror_find(mirror, section);
    if (found != NULL)
        return found;
    mirror->sections = realloc(mirror->sections, (mirror->count + 1) * sizeof *mirror->sections);
    assert_non_null(mirror->sections);
    mirror->sections[mirror->count] = (mirror_section_t){.number = section};
    return &mirror->sections[mirror->count++];
}

static void mirror_add(mirror_section_t *section, uint64_t hash, bool synced)
{
    if (section->count == section->capacity) {
        section->capacity = section->capacity == 0 ? 64 : 2 * section->capacity;
        section->records = realloc(section->records, section->capacity * sizeof *section->records);
        section->synced = realloc(section->synced, section->capacity * sizeof *section->synced);
        assert_true(section->records != NULL && section->synced != NULL);
    }
    section->records[section->count] = hash;
    section->synced[section->count++] = synced;
}

const char *mirror_take(mirror_t *mirror, const oversized_followed_t *followed)
{
    mirror_section_t *section = mirror_get(mirror, followed->section);
    switch (followed->kind) {
    case OVERSIZED_FOLLOW_RECORD:
        if (followed->position != section->count)
            return "a record out of order";
        mirror_add(section, mirror_hash(followed->entry, followed->entry_size, followed->value, followed->value_size),
                   followed->synced);
        mirror->shown++;
        return NULL;
    case OVERSIZED_FOLLOW_REWOUND:
        if (followed->position > section->count)
            return "a rewind to more than was shown";
        section->count = (size_t)followed->position;
        mirror->rewound++;
        break;
    case OVERSIZED_FOLLOW_REMOVED:
        if (followed->position != section->count)
            return "a removal where the section was not";
        section->count = 0;
        mirror->removed++;
        break;
    default:
        return "a kind that is none";
    }
    mirror->last_position = followed->position;
    return NULL;
}

uint64_t mirror_drain(mirror_t *mirror, oversized_follower_t *follower)
{
    uint64_t shown = mirror->shown;
    for (;;) {
        oversized_followed_t followed;
        segj_status_t status = oversized_follow_next(follower, &followed);
        if (status == SEGJ_END)
            return mirror->shown - shown;
        assert_status(status, SEGJ_OK);
        const char *wrong = mirror_take(mirror, &followed);
        if (wrong != NULL)
            fail_msg("%s: section %llu, position %llu", wrong, (unsigned long long)followed.section,
                     (unsigned long long)followed.position);
    }
}

static void check_mirror_section(const mirror_t *mirror, oversized_t *journal, uint64_t number)
{
    const mirror_section_t *section = mirror_find(mirror, number);
    uint64_t count = 0;
    bool exists = false;
    segj_buffer_t value = SEGJ_ZERO;
    segj_status_t status = oversized_section_exists(journal, number, &exists);
    if (status != SEGJ_ERR_PRUNED)
        assert_status(status, SEGJ_OK);
    if (exists)
        assert_ok(oversized_count(journal, number, &count));
    assert_int_equal(section != NULL ? section->count : 0, count);
    for (uint64_t i = 0; i < count; i++) {
        uint8_t entry[SMALL_ENTRY];
        assert_ok(oversized_read(journal, number, i, entry, &value));
        if (section->records[i] != mirror_hash(entry, sizeof entry, value.data, value.size))
            fail_msg("section %llu, record %llu is another one", (unsigned long long)number, (unsigned long long)i);
    }
    segj_buffer_free(&value);
}

void mirror_check_from(const mirror_t *mirror, oversized_t *journal, uint64_t first)
{
    for (size_t i = 0; i < mirror->count; i++)
        check_mirror_section(mirror, journal, mirror->sections[i].number);
    uint64_t at = 0;
    for (segj_status_t status = oversized_oldest_section(journal, &at); status == SEGJ_OK;
         status = oversized_next_section(journal, at, &at))
        if (at >= first)
            check_mirror_section(mirror, journal, at);
}

void mirror_free(mirror_t *mirror)
{
    for (size_t i = 0; i < mirror->count; i++) {
        free(mirror->sections[i].records);
        free(mirror->sections[i].synced);
    }
    free(mirror->sections);
    *mirror = (mirror_t){0};
}
