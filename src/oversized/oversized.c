/*
 * oversized/oversized.c: the journal as a whole: its sections by number, the questions about them, and its end. Its
 * beginning is open.c.
 */
#include <stdlib.h>
#include <string.h>

#include "oversized/journal.h"

/* --- sections --- */

segj_section_t *segj_journal_find(const oversized_t *journal, uint64_t section)
{
    return (segj_section_t *)(void *)segj_sections_find(&journal->sections, section);
}

segj_status_t segj_journal_missing(const oversized_t *journal, uint64_t section)
{
    if (section < journal->prune_line)
        return segj_fail(SEGJ_ERR_PRUNED, "section %llu was pruned: sections below %llu are gone",
                         (unsigned long long)section, (unsigned long long)journal->prune_line);
    return segj_fail(SEGJ_ERR_NO_SECTION, "there is no section %llu", (unsigned long long)section);
}

segj_status_t segj_journal_require(const oversized_t *journal, uint64_t number, segj_section_t **section)
{
    *section = segj_journal_find(journal, number);
    return *section != NULL ? SEGJ_OK : segj_journal_missing(journal, number);
}

segj_status_t segj_journal_changeable(const oversized_t *journal)
{
    if (journal->read_only)
        return segj_fail(SEGJ_ERR_READ_ONLY, "the journal in %s is open read-only", journal->directory);
    if (atomic_load_explicit(&journal->env.poisoned, memory_order_acquire))
        return segj_fail(SEGJ_ERR_POISONED, "the journal is poisoned until it is opened again: %s",
                         journal->env.poison);
    return SEGJ_OK;
}

segj_status_t segj_section_new(oversized_t *journal, uint64_t number, segj_section_t **made)
{
    segj_section_t *section = calloc(1, sizeof *section);
    if (section == NULL)
        return segj_fail_memory(sizeof *section);
    section->node.number = number;
    atomic_init(&section->references, 1);
    segj_lock(&journal->env.state);
    section->generation = ++journal->generations;
    segj_unlock(&journal->env.state);
    segj_fixed_init(&section->index, &journal->env, number);
    segj_glob_init(&section->values, &journal->env, number);
    *made = section;
    return SEGJ_OK;
}

void segj_section_acquire(segj_section_t *section)
{
    atomic_fetch_add(&section->references, 1);
}

static void free_section(oversized_t *journal, segj_section_t *section)
{
    segj_files_forget(&journal->env.files, &section->index.handle);
    segj_files_forget(&journal->env.files, &section->values.handle);
    segj_maps_drop(&journal->env.maps, &section->values.maps);
    free(section);
}

void segj_section_release(oversized_t *journal, segj_section_t *section)
{
    if (atomic_fetch_sub(&section->references, 1) == 1)
        free_section(journal, section);
}

void segj_section_let_go(oversized_t *journal, segj_section_t *section)
{
    if (atomic_fetch_sub(&section->references, 1) > 1)
        return;
    segj_lock(&journal->env.state);
    free_section(journal, section);
    segj_unlock(&journal->env.state);
}

/* --- questions --- */

typedef enum question { ASK_SIZE, ASK_COUNT, ASK_VALUE_SIZE } question_t;

static segj_status_t ask(oversized_t *journal, uint64_t number, question_t question, uint64_t *answer)
{
    if (journal == NULL || answer == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "%s is NULL", journal == NULL ? "journal" : "the output");
    segj_lock(&journal->env.state);
    const segj_section_t *section = segj_journal_find(journal, number);
    uint64_t found = 0;
    if (section != NULL && question == ASK_VALUE_SIZE)
        found = section->index.records > 0 ? section->values.size : 0; /* old bytes may lie before the first record */
    else if (section != NULL)
        found = section->index.records * (question == ASK_SIZE ? journal->env.record_size : 1);
    segj_unlock(&journal->env.state);
    *answer = found;
    return SEGJ_OK;
}

segj_status_t oversized_size(oversized_t *journal, uint64_t section, uint64_t *index_size)
{
    return ask(journal, section, ASK_SIZE, index_size);
}

segj_status_t oversized_count(oversized_t *journal, uint64_t section, uint64_t *records)
{
    return ask(journal, section, ASK_COUNT, records);
}

segj_status_t oversized_value_size(oversized_t *journal, uint64_t section, uint64_t *value_size)
{
    return ask(journal, section, ASK_VALUE_SIZE, value_size);
}

size_t oversized_record_size(const oversized_t *journal)
{
    return journal != NULL ? journal->env.record_size : 0;
}

/* The first section that is `from` or above; the last one of all. */
static segj_status_t walk(oversized_t *journal, bool newest, uint64_t from, uint64_t *section)
{
    if (journal == NULL || section == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "%s is NULL", journal == NULL ? "journal" : "section");
    segj_status_t status = SEGJ_END;
    segj_lock(&journal->env.state);
    const segj_sections_t *sections = &journal->sections;
    size_t at = newest ? sections->count - 1 : segj_sections_lower(sections, from);
    if (sections->count > 0 && at < sections->count) {
        *section = sections->order[at]->number;
        status = SEGJ_OK;
    }
    segj_unlock(&journal->env.state);
    return status;
}

segj_status_t oversized_oldest_section(oversized_t *journal, uint64_t *section)
{
    return walk(journal, false, 0, section);
}

segj_status_t oversized_newest_section(oversized_t *journal, uint64_t *section)
{
    return walk(journal, true, 0, section);
}

segj_status_t oversized_next_section(oversized_t *journal, uint64_t after, uint64_t *section)
{
    if (after == UINT64_MAX && journal != NULL && section != NULL)
        return SEGJ_END;
    return walk(journal, false, after + 1, section);
}

const oversized_recovery_t *oversized_recovery(const oversized_t *journal)
{
    return journal != NULL ? &journal->recovery : NULL;
}

const char *oversized_error(const oversized_t *journal)
{
    bool poisoned = journal != NULL && atomic_load_explicit(&journal->env.poisoned, memory_order_acquire);
    return poisoned ? journal->env.poison : NULL;
}

/* --- the end --- */

static void free_sections(oversized_t *journal)
{
    segj_sections_t *sections = &journal->sections;
    for (size_t i = 0; i < sections->count; i++) {
        segj_section_t *section = (segj_section_t *)(void *)sections->order[i];
        segj_section_settle(journal, section);
        segj_section_rest(journal, section);
        segj_lock(&journal->env.state);
        segj_section_release(journal, section);
        segj_unlock(&journal->env.state);
    }
    segj_sections_free(sections);
}

void segj_journal_free(oversized_t *journal)
{
    segj_env_t *env = &journal->env;
    segj_flusher_free(&journal->flusher);
    free_sections(journal);
    segj_lock(&env->state);
    segj_pool_free(&env->pages);
    segj_pool_free(&env->frames);
    segj_unlock(&env->state);
    segj_page_cache_release(env->cache);
    segj_codec_free(&journal->codec);
    segj_quarantine_free(journal);
    segj_part_close(&env->index);
    segj_part_close(&env->values);
    segj_cond_destroy(&env->changed);
    segj_mutex_destroy(&env->state);
    segj_mutex_destroy(&journal->change);
    free(env->scratch);
    free(journal->record);
    free(journal->directory);
    free(journal->index_name);
    free(journal->value_name);
    free(journal->plans);
    free(journal);
}

/* Syncs what is being written and writes the watermarks, also where one section fails; the first failure counts. */
static segj_status_t retire_all(oversized_t *journal)
{
    char first[SEGJ_POISON_CAPACITY] = "";
    segj_status_t status = SEGJ_OK;
    segj_lock(&journal->change);
    for (segj_section_t *at = journal->oldest; at != NULL; at = at->newer) {
        segj_status_t one = segj_section_retire(journal, at, true);
        if (one == SEGJ_OK || status != SEGJ_OK)
            continue;
        status = one;
        memcpy(first, segj_last_error(), sizeof first - 1);
    }
    segj_unlock(&journal->change);
    return status == SEGJ_OK ? SEGJ_OK : segj_fail(status, "%s", first);
}

segj_status_t oversized_close(oversized_t *journal)
{
    if (journal == NULL)
        return SEGJ_OK;
    segj_journal_settle(journal);
    segj_status_t status = journal->read_only ? SEGJ_OK : segj_journal_changeable(journal);
    if (status == SEGJ_OK && !journal->read_only)
        status = retire_all(journal);
    segj_journal_free(journal);
    return status;
}

void oversized_abandon(oversized_t *journal)
{
    if (journal == NULL)
        return;
    segj_journal_settle(journal);
    segj_journal_free(journal);
}

/* Every section file goes, durably, before either partition. */
static segj_status_t remove_everything(oversized_t *journal)
{
    segj_status_t status = segj_quarantine_look(journal);
    if (status == SEGJ_OK)
        status = segj_sections_unlink(journal, 0, journal->sections.count, 0);
    if (status == SEGJ_OK)
        status = segj_quarantine_remove(journal);
    if (status == SEGJ_OK)
        status = segj_part_remove(&journal->env.index);
    if (status == SEGJ_OK)
        status = segj_part_remove(&journal->env.values);
    return status == SEGJ_OK ? segj_part_sync_directory(&journal->env.index) : status;
}

segj_status_t oversized_destroy(oversized_t *journal)
{
    if (journal == NULL)
        return SEGJ_OK;
    segj_journal_settle(journal);
    segj_lock(&journal->change);
    segj_status_t status = segj_journal_changeable(journal);
    if (status == SEGJ_OK)
        status = remove_everything(journal);
    segj_unlock(&journal->change);
    if (status != SEGJ_ERR_BUSY)
        segj_journal_free(journal);
    return status;
}
