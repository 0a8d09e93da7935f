/*
 * oversized/oversized.c: the journal as a whole: its sections by number, the questions about them, and its end. Its
 * beginning is open.c.
 */
#include <stdlib.h>
#include <string.h>

#include "journal/copied.h"
#include "oversized/lost/gone.h"
#include "oversized/lost/quarantine.h"
#include "oversized/oversized.h"
#include "oversized/read/value_cache.h"
#include "oversized/section/dictionary.h"
#include "oversized/section/durable.h"
#include "oversized/section/writers.h"
#include "oversized/write/steps.h"

/* --- questions --- */

typedef enum question { ASK_SIZE, ASK_COUNT, ASK_VALUE_SIZE } question_t;

static segj_status_t oversized_ask(oversized_t *journal, uint64_t number, question_t question, uint64_t *answer)
{
    if (answer == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "the output is NULL");
    segj_lock(&journal->shared.state);
    const segj_section_t *section = segj_journal_find(journal, number);
    uint64_t found = 0;
    if (section != NULL && question == ASK_VALUE_SIZE)
        found = section->index.records > 0 ? section->values.size : 0; /* old bytes may lie before the first record */
    else if (section != NULL)
        found = section->index.records * (question == ASK_SIZE ? journal->shared.record_size : 1);
    segj_unlock(&journal->shared.state);
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
    const oversized_t *actual = segj_journal_of(journal);
    return actual != NULL ? actual->shared.record_size : 0;
}

segj_status_t oversized_section_exists(oversized_t *journal, uint64_t section, bool *exists)
{
    if (exists != NULL)
        *exists = false;
    SEGJ_ENTER(journal, oversized_section_exists(journal, section, exists));
    if (exists == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "oversized_section_exists: exists is NULL");
    segj_lock(&journal->shared.state);
    *exists = segj_journal_find(journal, section) != NULL;
    segj_status_t status = SEGJ_OK;
    if (!*exists && section < journal->prune_line)
        status = segj_journal_missing(journal, section);
    segj_unlock(&journal->shared.state);
    return status;
}

typedef enum direction { UPWARDS, DOWNWARDS } direction_t;

/* The nearest section that is `from` or above it, or `from` or below it. */
static segj_status_t walk(oversized_t *journal, direction_t direction, uint64_t from, uint64_t *section)
{
    if (section == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "section is NULL");
    segj_status_t status = SEGJ_END;
    segj_lock(&journal->shared.state);
    const segj_sections_t *sections = &journal->sections;
    size_t at = segj_sections_lower(sections, from);
    if (direction == DOWNWARDS && (at == sections->count || sections->order[at]->number != from))
        at = at > 0 ? at - 1 : sections->count;
    if (at < sections->count) {
        *section = sections->order[at]->number;
        status = SEGJ_OK;
    }
    segj_unlock(&journal->shared.state);
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
    const oversized_t *actual = segj_journal_of(journal);
    return actual != NULL ? &actual->recovery : NULL;
}

const char *oversized_error(const oversized_t *journal)
{
    const oversized_t *actual = segj_journal_of(journal);
    bool poisoned = actual != NULL && atomic_load_explicit(&actual->shared.poisoned, memory_order_acquire);
    return poisoned ? actual->shared.poison : NULL;
}

/* --- the end --- */

SEGJ_UNDER_CHANGE static void free_sections(oversized_t *journal)
{
    segj_sections_t *sections = &journal->sections;
    for (size_t i = 0; i < sections->count; i++) {
        segj_section_t *section = segj_section_at(journal, i);
        segj_section_wait_for_sync(journal, section);
        segj_section_deactivate(journal, section);
        segj_lock(&journal->shared.state);
        segj_section_release_locked(journal, section);
        segj_unlock(&journal->shared.state);
    }
    segj_sections_free(sections);
}

void segj_journal_free(oversized_t *journal)
{
    segj_journal_is_alone(journal);
    segj_shared_t *shared = &journal->shared;
    segj_flusher_free(&journal->flusher);
    segj_trainer_stop(&journal->trainer, true);
    segj_trainer_free(&journal->trainer);
    segj_crew_free(&journal->codec.crew);
    free_sections(journal);
    segj_lock(&shared->state);
    segj_pool_free(&shared->pages);
    segj_pool_free(&shared->frames);
    segj_unlock(&shared->state);
    segj_page_cache_release(shared->cache);
    segj_codec_free(&journal->codec);
    segj_dictionaries_free(&journal->codec.dictionaries);
    segj_value_cache_free(journal->value_cache);
    segj_owner_close(shared);
    segj_quarantine_free(journal);
    segj_counts_free(&shared->counts);
    segj_partition_close(&shared->index);
    segj_partition_close(&shared->values);
    segj_hold_release(shared);
    segj_cond_destroy(&shared->changed);
    segj_state_destroy(&shared->state);
    segj_gate_destroy(&journal->change);
    free(shared->scratch);
    free(shared->head);
    free(journal->record);
    free(journal->directory);
    free(journal->index_name);
    free(journal->value_name);
    free(journal->plans);
    segj_journal_drop(journal);
}

/* Syncs what is being written and writes the watermarks, also where one section fails; the first failure counts. */
static segj_status_t sync_and_mark_all(oversized_t *journal)
{
    segj_sentence_t first = {.text = ""};
    segj_status_t status = SEGJ_OK;
    segj_gate_enter(&journal->change);
    for (segj_section_t *at = journal->oldest; at != NULL; at = at->newer) {
        segj_status_t one = segj_section_sync_and_mark(journal, at, true);
        if (one == SEGJ_OK || status != SEGJ_OK)
            continue;
        status = one;
        segj_keep(&first);
    }
    segj_gate_leave(&journal->change);
    if (status != SEGJ_OK)
        segj_say_again(&first);
    return status;
}

/* In a child of fork. Gives the status back that close and destroy have there. */
static segj_status_t end_in_child(const char *call, oversized_t *journal)
{
    segj_status_t status =
        segj_fail_child(call, journal, "its memory and descriptors here are given back, and nothing else");
    segj_journal_free_in_child(journal);
    return status;
}

/* Notes the losses for which there was no room before. */
static void close_note_gone(oversized_t *journal)
{
    segj_gate_enter(&journal->change);
    segj_quarantine_note_gone(journal, NULL, 0, SEGJ_REMOVAL_DONE);
    segj_gate_leave(&journal->change);
}

static segj_status_t close_journal(oversized_t *journal)
{
    /* Walks under way look again, and find that it has ended. */
    (void)atomic_fetch_add(&journal->removals, 1);
    segj_trainer_stop(&journal->trainer, true);
    segj_journal_wait_for_calls(journal);
    segj_status_t status = journal->read_only ? SEGJ_OK : segj_journal_changeable(journal);
    if (status == SEGJ_OK && !journal->read_only)
        status = sync_and_mark_all(journal);
    if (status == SEGJ_OK && journal->quarantine.gone != NULL)
        close_note_gone(journal);
    if (status == SEGJ_OK)
        status = segj_owner_check(&journal->shared);
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
        status = end_in_child("oversized_close", journal);
    return caller != NULL ? segj_deliver(caller, status) : status;
}

void oversized_abandon(oversized_t *journal)
{
    segj_caller_t *caller = NULL;
    if (journal == NULL)
        return;
    segj_ending_t ending = segj_begin_ending("oversized_abandon", &journal, &caller);
    if (ending == SEGJ_ENDING_CHILD)
        segj_journal_free_in_child(journal);
    if (ending != SEGJ_ENDING_HERE)
        return;
    (void)atomic_fetch_add(&journal->removals, 1);
    segj_trainer_stop(&journal->trainer, true);
    segj_journal_wait_for_calls(journal);
    segj_journal_free(journal);
}

/* After a destroy no record stays. */
static uint64_t most_of_nothing(void *context, uint64_t section)
{
    (void)context;
    (void)section;
    return 0;
}

static uint64_t is_listed_there(void *context, uint64_t section)
{
    return segj_journal_find(context, section) != NULL ? UINT64_MAX : 0;
}

/* Every section file goes, durably, before either partition. What is removed is what is open: where that was renamed or
 * replaced, nothing is. */
SEGJ_UNDER_CHANGE static segj_status_t remove_everything(oversized_t *journal, segj_steps_t *steps)
{
    segj_status_t status = segj_partition_named(&journal->shared.index);
    if (status == SEGJ_OK)
        status = segj_partition_named(&journal->shared.values);
    if (status == SEGJ_OK)
        status = segj_quarantine_look(journal);
    if (status == SEGJ_OK)
        status = segj_counts_guard(&journal->shared, most_of_nothing, is_listed_there, journal);
    if (status == SEGJ_OK)
        status = segj_steps_remove_all(journal, steps);
    if (status == SEGJ_OK)
        status = segj_quarantine_remove(journal);
    if (status == SEGJ_OK)
        status = segj_owner_remove(&journal->shared);
    if (status == SEGJ_OK)
        status = segj_copied_remove(&journal->shared);
    if (status == SEGJ_OK)
        status = segj_partition_remove(&journal->shared.index);
    if (status == SEGJ_OK)
        status = segj_partition_remove(&journal->shared.values);
    return status == SEGJ_OK ? segj_partition_sync_directory(&journal->shared.index) : status;
}

static segj_status_t destroy_journal(oversized_t *journal, segj_steps_t *steps)
{
    segj_trainer_stop(&journal->trainer, false);
    segj_journal_wait_for_calls(journal);
    segj_gate_enter(&journal->change);
    segj_status_t status = segj_journal_changeable(journal);
    if (status == SEGJ_OK)
        status = remove_everything(journal, steps);
    segj_gate_leave(&journal->change);
    if (status == SEGJ_ERR_BUSY || status == SEGJ_ERR_CANCELLED) {
        segj_go_on(&journal->entrance);
        return status;
    }
    (void)atomic_fetch_add(&journal->removals, 1);
    segj_journal_free(journal);
    return status;
}

/* `call` is the public one. */
static segj_status_t destroy_as(const char *call, oversized_t *journal, segj_steps_t *steps)
{
    segj_caller_t *caller = NULL;
    segj_status_t status = SEGJ_ERR_INVALID;
    if (journal == NULL)
        return SEGJ_OK;
    segj_ending_t ending = segj_begin_ending(call, &journal, &caller);
    if (ending == SEGJ_ENDING_HERE)
        status = destroy_journal(journal, steps);
    else if (ending == SEGJ_ENDING_CHILD)
        status = end_in_child(call, journal);
    return caller != NULL ? segj_deliver(caller, status) : status;
}

segj_status_t oversized_destroy(oversized_t *journal)
{
    segj_steps_t steps;
    segj_status_t status = segj_steps_begin("oversized_destroy", NULL, &steps);
    return status == SEGJ_OK ? destroy_as("oversized_destroy", journal, &steps) : status;
}

segj_status_t oversized_destroy_with(oversized_t *journal, const oversized_removal_options_t *options,
                                     oversized_removed_t *removed)
{
    segj_steps_t steps;
    segj_status_t status = segj_steps_begin("oversized_destroy_with", options, &steps);
    if (status == SEGJ_OK)
        status = destroy_as("oversized_destroy_with", journal, &steps);
    if (removed != NULL)
        *removed = steps.removed;
    return status;
}
