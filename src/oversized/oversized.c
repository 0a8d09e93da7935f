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
    if (atomic_load_explicit(&journal->env.poisoned, memory_order_acquire)) {
        segj_say("the journal is poisoned until it is opened again: %s", journal->env.poison);
        segj_say_code(journal->env.poison_code);
        return SEGJ_ERR_POISONED;
    }
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

static void oversized_free_section(oversized_t *journal, segj_section_t *section)
{
    segj_files_forget(&journal->env.files, &section->index.handle);
    segj_files_forget(&journal->env.files, &section->values.handle);
    segj_maps_drop(&journal->env.maps, &section->values.maps);
    free(section);
}

void segj_section_release(oversized_t *journal, segj_section_t *section)
{
    if (atomic_fetch_sub(&section->references, 1) == 1)
        oversized_free_section(journal, section);
}

void segj_section_let_go(oversized_t *journal, segj_section_t *section)
{
    if (atomic_fetch_sub(&section->references, 1) > 1)
        return;
    segj_lock(&journal->env.state);
    oversized_free_section(journal, section);
    segj_unlock(&journal->env.state);
}

/* --- questions --- */

typedef enum question { ASK_SIZE, ASK_COUNT, ASK_VALUE_SIZE } question_t;

static segj_status_t oversized_ask(oversized_t *journal, uint64_t number, question_t question, uint64_t *answer)
{
    if (answer == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "the output is NULL");
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
    SEGJ_ENTER(journal, oversized_size(journal, section, index_size));
    return oversized_ask(journal, section, ASK_SIZE, index_size);
}

segj_status_t oversized_count(oversized_t *journal, uint64_t section, uint64_t *records)
{
    SEGJ_ENTER(journal, oversized_count(journal, section, records));
    return oversized_ask(journal, section, ASK_COUNT, records);
}

segj_status_t oversized_value_size(oversized_t *journal, uint64_t section, uint64_t *value_size)
{
    SEGJ_ENTER(journal, oversized_value_size(journal, section, value_size));
    return oversized_ask(journal, section, ASK_VALUE_SIZE, value_size);
}

size_t oversized_record_size(const oversized_t *journal)
{
    const oversized_t *behind = segj_journal_behind(journal);
    return behind != NULL ? behind->env.record_size : 0;
}

segj_status_t oversized_section_exists(oversized_t *journal, uint64_t section, bool *exists)
{
    if (exists != NULL)
        *exists = false;
    SEGJ_ENTER(journal, oversized_section_exists(journal, section, exists));
    if (exists == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "oversized_section_exists: exists is NULL");
    segj_lock(&journal->env.state);
    *exists = segj_journal_find(journal, section) != NULL;
    segj_status_t status = SEGJ_OK;
    if (!*exists && section < journal->prune_line)
        status = segj_journal_missing(journal, section);
    segj_unlock(&journal->env.state);
    return status;
}

typedef enum direction { UPWARDS, DOWNWARDS } direction_t;

/* The nearest section that is `from` or above it, or `from` or below it. */
static segj_status_t walk(oversized_t *journal, direction_t direction, uint64_t from, uint64_t *section)
{
    if (section == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "section is NULL");
    segj_status_t status = SEGJ_END;
    segj_lock(&journal->env.state);
    const segj_sections_t *sections = &journal->sections;
    size_t at = segj_sections_lower(sections, from);
    if (direction == DOWNWARDS && (at == sections->count || sections->order[at]->number != from))
        at = at > 0 ? at - 1 : sections->count;
    if (at < sections->count) {
        *section = sections->order[at]->number;
        status = SEGJ_OK;
    }
    segj_unlock(&journal->env.state);
    return status;
}

segj_status_t oversized_oldest_section(oversized_t *journal, uint64_t *section)
{
    SEGJ_ENTER(journal, oversized_oldest_section(journal, section));
    return walk(journal, UPWARDS, 0, section);
}

segj_status_t oversized_newest_section(oversized_t *journal, uint64_t *section)
{
    SEGJ_ENTER(journal, oversized_newest_section(journal, section));
    return walk(journal, DOWNWARDS, UINT64_MAX, section);
}

segj_status_t oversized_next_section(oversized_t *journal, uint64_t after, uint64_t *section)
{
    SEGJ_ENTER(journal, oversized_next_section(journal, after, section));
    if (after == UINT64_MAX && section != NULL)
        return SEGJ_END;
    return walk(journal, UPWARDS, after + 1, section);
}

segj_status_t oversized_prev_section(oversized_t *journal, uint64_t before, uint64_t *section)
{
    SEGJ_ENTER(journal, oversized_prev_section(journal, before, section));
    if (before == 0 && section != NULL)
        return SEGJ_END;
    return walk(journal, DOWNWARDS, before - 1, section);
}

const oversized_recovery_t *oversized_recovery(const oversized_t *journal)
{
    const oversized_t *behind = segj_journal_behind(journal);
    return behind != NULL ? &behind->recovery : NULL;
}

const char *oversized_error(const oversized_t *journal)
{
    const oversized_t *behind = segj_journal_behind(journal);
    bool poisoned = behind != NULL && atomic_load_explicit(&behind->env.poisoned, memory_order_acquire);
    return poisoned ? behind->env.poison : NULL;
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
    segj_owner_close(env);
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
    segj_journal_drop(journal);
}

/* Syncs what is being written and writes the watermarks, also where one section fails; the first failure counts. */
static segj_status_t retire_all(oversized_t *journal)
{
    segj_sentence_t first;
    segj_status_t status = SEGJ_OK;
    segj_lock(&journal->change);
    for (segj_section_t *at = journal->oldest; at != NULL; at = at->newer) {
        segj_status_t one = segj_section_retire(journal, at, true);
        if (one == SEGJ_OK || status != SEGJ_OK)
            continue;
        status = one;
        segj_keep(&first);
    }
    segj_unlock(&journal->change);
    if (status != SEGJ_OK)
        segj_say_again(&first);
    return status;
}

/* In a child of fork. Gives the status back that close and destroy have there. */
static segj_status_t forsake(const char *call, oversized_t *journal)
{
    segj_status_t status =
        segj_fail_child(call, journal, "its memory and descriptors here are given back, and nothing else");
    segj_journal_forsake(journal);
    return status;
}

static segj_status_t close_journal(oversized_t *journal)
{
    /* Walks under way look again, and find that it has ended. */
    (void)atomic_fetch_add(&journal->removals, 1);
    segj_journal_settle(journal);
    segj_status_t status = journal->read_only ? SEGJ_OK : segj_journal_changeable(journal);
    if (status == SEGJ_OK && !journal->read_only)
        status = retire_all(journal);
    if (status == SEGJ_OK)
        status = segj_owner_check(&journal->env);
    segj_journal_free(journal);
    return status;
}

segj_status_t oversized_close(oversized_t *journal)
{
    segj_caller_t *caller = NULL;
    segj_status_t status = SEGJ_ERR_INVALID;
    if (journal == NULL)
        return SEGJ_OK;
    segj_ending_t ending = segj_begin_ending("oversized_close", &journal, &caller);
    if (ending == SEGJ_ENDING_HERE)
        status = close_journal(journal);
    else if (ending == SEGJ_ENDING_CHILD)
        status = forsake("oversized_close", journal);
    return caller != NULL ? segj_deliver(caller, status) : status;
}

void oversized_abandon(oversized_t *journal)
{
    segj_caller_t *caller = NULL;
    if (journal == NULL)
        return;
    segj_ending_t ending = segj_begin_ending("oversized_abandon", &journal, &caller);
    if (ending == SEGJ_ENDING_CHILD)
        segj_journal_forsake(journal);
    if (ending != SEGJ_ENDING_HERE)
        return;
    (void)atomic_fetch_add(&journal->removals, 1);
    segj_journal_settle(journal);
    segj_journal_free(journal);
}

/* Every section file goes, durably, before either partition. What is removed is what is open: where that was renamed or
 * replaced, nothing is. */
static segj_status_t remove_everything(oversized_t *journal)
{
    segj_status_t status = segj_part_named(&journal->env.index);
    if (status == SEGJ_OK)
        status = segj_part_named(&journal->env.values);
    if (status == SEGJ_OK)
        status = segj_quarantine_look(journal);
    if (status == SEGJ_OK)
        status = segj_sections_unlink(journal, 0, journal->sections.count);
    if (status == SEGJ_OK)
        status = segj_quarantine_remove(journal);
    if (status == SEGJ_OK)
        status = segj_owner_remove(&journal->env);
    if (status == SEGJ_OK)
        status = segj_part_remove(&journal->env.index);
    if (status == SEGJ_OK)
        status = segj_part_remove(&journal->env.values);
    return status == SEGJ_OK ? segj_part_sync_directory(&journal->env.index) : status;
}

static segj_status_t destroy_journal(oversized_t *journal)
{
    segj_journal_settle(journal);
    segj_lock(&journal->change);
    segj_status_t status = segj_journal_changeable(journal);
    if (status == SEGJ_OK)
        status = remove_everything(journal);
    segj_unlock(&journal->change);
    if (status == SEGJ_ERR_BUSY) {
        segj_go_on(&journal->entrance);
        return status;
    }
    (void)atomic_fetch_add(&journal->removals, 1);
    segj_journal_free(journal);
    return status;
}

segj_status_t oversized_destroy(oversized_t *journal)
{
    segj_caller_t *caller = NULL;
    segj_status_t status = SEGJ_ERR_INVALID;
    if (journal == NULL)
        return SEGJ_OK;
    segj_ending_t ending = segj_begin_ending("oversized_destroy", &journal, &caller);
    if (ending == SEGJ_ENDING_HERE)
        status = destroy_journal(journal);
    else if (ending == SEGJ_ENDING_CHILD)
        status = forsake("oversized_destroy", journal);
    return caller != NULL ? segj_deliver(caller, status) : status;
}
