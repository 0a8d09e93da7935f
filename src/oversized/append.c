/*
 * oversized/append.c: the way in. A value goes to its section's values file, then its record to the index; both mostly
 * land in buffers. Everything that can fail comes before the record is published: a failed append has changed nothing.
 */
#include <stdio.h>
#include <string.h>

#include "journal/record_format.h"
#include "oversized/journal.h"

/* --- the list of written sections, in the order of their last append --- */

static void list_remove(oversized_t *journal, segj_section_t *section)
{
    if (section->older != NULL)
        section->older->newer = section->newer;
    else
        journal->oldest = section->newer;
    if (section->newer != NULL)
        section->newer->older = section->older;
    else
        journal->newest = section->older;
    section->older = section->newer = NULL;
}

static void list_add(oversized_t *journal, segj_section_t *section)
{
    section->older = journal->newest;
    if (journal->newest != NULL)
        journal->newest->newer = section;
    else
        journal->oldest = section;
    journal->newest = section;
}

/* --- waking and resting --- */

/* Descriptors are few: the section that was written to longest ago is synced and gives up its own. */
static segj_status_t make_room(oversized_t *journal)
{
    while (journal->writers >= journal->writers_limit) {
        segj_status_t status = segj_section_retire(journal, journal->oldest, false);
        if (status != SEGJ_OK)
            return status;
        segj_section_rest(journal, journal->oldest);
    }
    return SEGJ_OK;
}

static void unpin_both(oversized_t *journal, segj_section_t *section)
{
    segj_files_unpin(&journal->env.files, &section->index.handle);
    segj_files_unpin(&journal->env.files, &section->values.handle);
}

static segj_status_t pin_both(oversized_t *journal, segj_section_t *section)
{
    segj_files_t *files = &journal->env.files;
    segj_lock(&journal->env.state);
    segj_status_t status = segj_files_pin(files, &section->index.handle);
    if (status == SEGJ_OK) {
        status = segj_files_pin(files, &section->values.handle);
        if (status != SEGJ_OK)
            segj_files_unpin(files, &section->index.handle);
    }
    segj_unlock(&journal->env.state);
    return status;
}

/* The section's files are pinned. */
static void begin_writing(oversized_t *journal, segj_section_t *section)
{
    section->written = true;
    list_add(journal, section);
    journal->writers++;
}

/* What a process that was killed has left is made durable before anything is built on it. */
static segj_status_t settle_inherited(oversized_t *journal, segj_section_t *section)
{
    if (!section->inherited)
        return SEGJ_OK;
    segj_status_t status = segj_io_sync(&section->index.handle.file);
    if (status == SEGJ_OK)
        status = segj_io_sync(&section->values.handle.file);
    if (status != SEGJ_OK)
        return segj_env_poison(&journal->env, status);
    section->inherited = false;
    return SEGJ_OK;
}

segj_status_t segj_section_hold(oversized_t *journal, segj_section_t *section)
{
    if (section->written) {
        if (journal->newest != section) {
            list_remove(journal, section);
            list_add(journal, section);
        }
        return SEGJ_OK;
    }
    segj_status_t status = make_room(journal);
    if (status == SEGJ_OK)
        status = pin_both(journal, section);
    if (status != SEGJ_OK)
        return status;
    begin_writing(journal, section);
    status = settle_inherited(journal, section);
    if (status != SEGJ_OK)
        segj_section_rest(journal, section);
    return status;
}

segj_status_t segj_section_settle_inherited(oversized_t *journal, segj_section_t *section)
{
    if (!section->inherited)
        return SEGJ_OK;
    segj_status_t status = segj_section_hold(journal, section);
    if (status == SEGJ_OK)
        segj_section_rest(journal, section);
    return status;
}

static segj_status_t wake(oversized_t *journal, segj_section_t *section)
{
    segj_status_t status = segj_section_hold(journal, section);
    if (status != SEGJ_OK || section->index.tail != NULL)
        return status;
    status = segj_fixed_wake(&section->index, &journal->env);
    if (status != SEGJ_OK)
        segj_section_rest(journal, section);
    return status;
}

void segj_section_rest(oversized_t *journal, segj_section_t *section)
{
    if (!section->written)
        return;
    section->written = false;
    list_remove(journal, section);
    journal->writers--;
    segj_lock(&journal->env.state);
    segj_fixed_rest(&section->index, &journal->env);
    segj_glob_discard(&section->values, &journal->env);
    unpin_both(journal, section);
    segj_unlock(&journal->env.state);
}

/* --- creation --- */

/* Takes back what a creation that failed has made. What cannot be taken back is unknown, and poisons. */
static void undo_create(oversized_t *journal, segj_section_t *section, bool index_tried, bool values_tried)
{
    segj_env_t *env = &journal->env;
    segj_lock(&env->state);
    if (section->index.handle.pins > 0)
        segj_files_unpin(&env->files, &section->index.handle);
    if (section->values.handle.pins > 0)
        segj_files_unpin(&env->files, &section->values.handle);
    segj_unlock(&env->state);
    /* An fsync failed: nothing more is written, the next open looks at what there is. */
    if (atomic_load(&env->poisoned))
        return;
    char cause[SEGJ_POISON_CAPACITY];
    (void)snprintf(cause, sizeof cause, "%s", segj_last_error());
    segj_status_t status = SEGJ_OK;
    if (values_tried)
        status = segj_part_unlink(&env->values, section->node.number);
    if (index_tried && status == SEGJ_OK)
        status = segj_part_unlink(&env->index, section->node.number);
    if (status != SEGJ_OK)
        (void)segj_env_poison(env, status);
    (void)segj_fail(SEGJ_ERR_IO, "%s", cause);
}

/*
 * Makes both files with their headers. Headers are durable before any byte follows them, so that a file that is longer
 * than its header and has none is damage and not a crash. Names become durable with the section's first sync; a crash
 * before that leaves no section, an empty one, or values without an index, which open removes.
 */
static segj_status_t create_files(oversized_t *journal, segj_section_t *section)
{
    segj_env_t *env = &journal->env;
    bool values_tried = false;
    segj_lock(&env->state);
    segj_status_t status = segj_files_create(&env->files, &section->index.handle);
    /* A creation that failed may have made the file all the same; but a file that was there is not ours to remove. */
    bool index_tried = status != SEGJ_ERR_CORRUPT;
    if (status == SEGJ_OK) {
        status = segj_files_create(&env->files, &section->values.handle);
        values_tried = status != SEGJ_ERR_CORRUPT;
    }
    segj_unlock(&env->state);
    if (status == SEGJ_OK)
        status = segj_fixed_write_header(&section->index, env, &section->index.handle.file);
    if (status == SEGJ_OK)
        status = segj_glob_write_header(&section->values, env, &section->values.handle.file);
    if (status == SEGJ_OK) {
        status = segj_io_sync(&section->index.handle.file);
        if (status == SEGJ_OK)
            status = segj_io_sync(&section->values.handle.file);
        if (status != SEGJ_OK)
            status = segj_env_poison(env, status);
    }
    if (status == SEGJ_OK)
        status = segj_fixed_wake(&section->index, env);
    if (status == SEGJ_OK)
        begin_writing(journal, section);
    else
        undo_create(journal, section, index_tried, values_tried);
    return status;
}

static segj_status_t create_section(oversized_t *journal, uint64_t number, segj_section_t **created)
{
    segj_section_t *section;
    segj_status_t status = make_room(journal);
    if (status != SEGJ_OK)
        return status;
    segj_lock(&journal->env.state);
    status = segj_sections_reserve(&journal->sections, journal->sections.count + 1);
    segj_unlock(&journal->env.state);
    if (status == SEGJ_OK)
        status = segj_section_new(journal, number, &section);
    if (status != SEGJ_OK)
        return status;
    section->values.compressed = journal->codec.level != 0;
    status = create_files(journal, section);
    if (status != SEGJ_OK) {
        segj_lock(&journal->env.state);
        segj_section_release(journal, section);
        segj_unlock(&journal->env.state);
        return status;
    }
    section->name = ++journal->names_made;
    *created = section;
    return SEGJ_OK;
}

/* A section whose first append failed has never been there. */
static void discard_created(oversized_t *journal, segj_section_t *section)
{
    segj_lock(&journal->env.state);
    section->index.handle.pins++; /* kept open until undo_create lets go */
    section->values.handle.pins++;
    segj_unlock(&journal->env.state);
    segj_section_rest(journal, section);
    undo_create(journal, section, true, true);
    segj_lock(&journal->env.state);
    segj_section_release(journal, section);
    segj_unlock(&journal->env.state);
}

/* --- append --- */

/* Write memory is exceeded: sections write what they hold, those written to longest ago first; where that is not enough
 * they are synced and rest. */
static segj_status_t relieve(oversized_t *journal, const segj_section_t *keep)
{
    segj_env_t *env = &journal->env;
    segj_status_t status = SEGJ_OK;
    segj_lock(&env->state);
    segj_pool_free(&env->pages);
    segj_pool_free(&env->frames);
    segj_unlock(&env->state);
    for (segj_section_t *at = journal->oldest; at != NULL && status == SEGJ_OK; at = at->newer) {
        segj_lock(&env->state);
        bool enough = env->budget.used <= env->budget.limit;
        segj_unlock(&env->state);
        if (enough)
            return SEGJ_OK;
        status = segj_glob_drain(&at->values, env, true);
        if (status == SEGJ_OK)
            status = segj_paged_drain(at->index.tail, &env->pages, &at->index.handle.file, true);
    }
    while (status == SEGJ_OK && journal->oldest != NULL && journal->oldest != keep) {
        segj_lock(&env->state);
        bool enough = env->budget.used <= env->budget.limit;
        segj_unlock(&env->state);
        if (enough)
            return SEGJ_OK;
        status = segj_section_retire(journal, journal->oldest, false);
        if (status == SEGJ_OK)
            segj_section_rest(journal, journal->oldest);
    }
    return status;
}

static segj_status_t place(oversized_t *journal, segj_section_t *section, const void *payload, size_t size,
                           segj_placed_t *placed)
{
    /* The record's room comes first: once the value is in place nothing may fail. */
    segj_status_t status = segj_paged_reserve(section->index.tail, &journal->env.pages, &section->index.handle.file,
                                              journal->env.record_size);
    if (status == SEGJ_OK)
        status = segj_glob_place(&section->values, &journal->env, payload, size, placed);
    return status;
}

static void publish(oversized_t *journal, segj_section_t *section, const void *entry, const segj_placed_t *placed,
                    uint64_t *position)
{
    if (entry != NULL)
        memcpy(journal->record, entry, journal->entry_size);
    segj_location_encode(journal->record + journal->entry_size, placed->location);
    segj_lock(&journal->env.state);
    segj_glob_publish(&section->values, &journal->env, placed);
    segj_paged_put(section->index.tail, journal->record, journal->env.record_size);
    *position = section->index.records++;
    section->appended++;
    if (*position == 0 && segj_journal_find(journal, section->node.number) == NULL)
        segj_sections_insert(&journal->sections, &section->node);
    segj_unlock(&journal->env.state);
}

static segj_status_t append_payload(oversized_t *journal, segj_section_t *section, uint64_t number, const void *entry,
                                    const void *payload, size_t size, uint64_t *position,
                                    oversized_location_t *location)
{
    bool created = section == NULL;
    segj_placed_t placed;
    if (size > UINT32_MAX - SEGJ_FRAME_TRAILER)
        return segj_fail(SEGJ_ERR_TOO_LARGE, "section %llu: a payload of %zu bytes, at most 2^32 - 5 are possible",
                         (unsigned long long)number, size);
    segj_status_t status = created ? create_section(journal, number, &section) : wake(journal, section);
    if (status == SEGJ_OK) {
        status = place(journal, section, payload, size, &placed);
        if (status != SEGJ_OK && created)
            discard_created(journal, section);
    }
    if (status != SEGJ_OK)
        return status;
    uint64_t at;
    publish(journal, section, entry, &placed, &at);
    if (position != NULL)
        *position = at;
    if (location != NULL)
        *location = placed.location;
    return SEGJ_OK;
}

static segj_status_t append(oversized_t *journal, uint64_t number, const void *entry, const void *value, size_t size,
                            uint64_t *position, oversized_location_t *location)
{
    segj_status_t status = segj_journal_changeable(journal);
    if (status != SEGJ_OK)
        return status;
    segj_lock(&journal->env.state);
    segj_section_t *section = segj_journal_find(journal, number);
    bool pruned = section == NULL && number < journal->prune_line;
    bool tight = journal->env.budget.used > journal->env.budget.limit;
    segj_unlock(&journal->env.state);
    if (pruned)
        return segj_fail(SEGJ_ERR_PRUNED, "section %llu was pruned", (unsigned long long)number);
    if (tight)
        status = relieve(journal, section);
    if (status == SEGJ_OK && (section != NULL ? section->values.compressed : journal->codec.level != 0))
        status = segj_codec_compress(&journal->codec, value, size, &value, &size);
    if (status != SEGJ_OK)
        return status;
    return append_payload(journal, section, number, entry, value, size, position, location);
}

segj_status_t oversized_append(oversized_t *journal, uint64_t section, const void *entry, const void *value,
                               size_t size, uint64_t *position, oversized_location_t *location)
{
    if (journal == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "oversized_append: journal is NULL");
    if (entry == NULL && journal->entry_size > 0)
        return segj_fail(SEGJ_ERR_INVALID, "oversized_append: entry is NULL, expected %u bytes",
                         (unsigned)journal->entry_size);
    if (value == NULL && size > 0)
        return segj_fail(SEGJ_ERR_INVALID, "oversized_append: value is NULL, expected %zu bytes", size);
    if (size > journal->max_value_size)
        return segj_fail(SEGJ_ERR_TOO_LARGE, "section %llu: a value of %zu bytes, max_value_size is %u",
                         (unsigned long long)section, size, (unsigned)journal->max_value_size);
    segj_lock(&journal->change);
    segj_status_t status = append(journal, section, entry, value, size, position, location);
    segj_unlock(&journal->change);
    return status;
}
