/*
 * oversized/write/sync_many.c: syncs of several sections: of a set, and of all. What the set holds is handed to the
 * storage first, which starts to write it back; then each section is waited for, as by a sync of its own.
 */
#include <stdlib.h>
#include <string.h>

#include "oversized/section/durable.h"
#include "oversized/write/sync.h"

/* The numbers of the sections that have something to sync. Under change. */
SEGJ_UNDER_CHANGE static segj_status_t dirty_sections(oversized_t *journal, uint64_t **numbers, size_t *count)
{
    bool inherited = journal->shared.format != SEGJ_FORMAT_NATIVE || journal->unrepaired > 0;
    size_t most = inherited ? journal->sections.count : journal->writers;
    *count = 0;
    *numbers = malloc((most + 1) * sizeof **numbers);
    if (*numbers == NULL)
        return segj_fail_memory((most + 1) * sizeof **numbers);
    segj_lock(&journal->shared.state);
    for (segj_section_t *at = journal->oldest; at != NULL; at = at->newer)
        if (!segj_section_is_clean(at))
            (*numbers)[(*count)++] = at->node.number;
    for (size_t i = 0; i < most && inherited; i++) {
        const segj_section_t *at = segj_section_at(journal, i);
        if (at->inherited || at->unrepaired != NULL)
            (*numbers)[(*count)++] = at->node.number;
    }
    segj_unlock(&journal->shared.state);
    return SEGJ_OK;
}

/* A section that a prune has hidden may come back, and is synced then. */
static segj_status_t sync_pruned(oversized_t *journal, uint64_t number)
{
    segj_lock(&journal->shared.state);
    while (journal->hidden > 0)
        segj_wait(&journal->shared.changed, &journal->shared.state);
    segj_unlock(&journal->shared.state);
    return segj_sync_section(journal, number, NULL);
}

/* Takes `change`. Inherited sections, and those that open could not repair, that a prune has hidden are not in the
 * table, and may come back: it waits for that. */
SEGJ_TAKES(segj_role_change) static void lock_for_all(oversized_t *journal)
{
    segj_gate_enter(&journal->change);
    if (journal->shared.format == SEGJ_FORMAT_NATIVE && journal->unrepaired == 0)
        return;
    segj_lock(&journal->shared.state);
    while (journal->hidden > 0) {
        segj_gate_leave(&journal->change);
        while (journal->hidden > 0)
            segj_wait(&journal->shared.changed, &journal->shared.state);
        segj_unlock(&journal->shared.state);
        segj_gate_enter(&journal->change);
        segj_lock(&journal->shared.state);
    }
    segj_unlock(&journal->shared.state);
}

/** Sections that are being synced together, and the first failure. */
typedef struct sync_set {
    uint64_t *numbers;
    size_t count;
    segj_status_t status;
    segj_sentence_t sentence;
} sync_set_t;

static void set_note(sync_set_t *set, segj_status_t status)
{
    if (status == SEGJ_OK || set->status != SEGJ_OK)
        return;
    set->status = status;
    segj_keep(&set->sentence);
}

/* Where a start fails, so has the section. What a removal has to do with it the sync finds out. */
static void set_start(oversized_t *journal, sync_set_t *set)
{
    oversized_ticket_t ticket;
    size_t left = 0;
    for (size_t i = 0; i < set->count; i++) {
        segj_status_t status = segj_sync_start(journal, set->numbers[i], &ticket);
        if (status == SEGJ_OK || status == SEGJ_ERR_PRUNED)
            set->numbers[left++] = set->numbers[i];
        else
            set_note(set, status);
    }
    set->count = left;
}

/* All are tried; the answer is the first failure's. */
static segj_status_t set_sync(oversized_t *journal, sync_set_t *set,
                              segj_status_t (*sync)(oversized_t *journal, uint64_t number))
{
    if (set->count > 1)
        set_start(journal, set);
    for (size_t i = 0; i < set->count; i++)
        set_note(set, sync(journal, set->numbers[i]));
    if (set->status != SEGJ_OK)
        segj_say_again(&set->sentence);
    return set->status;
}

/* A section that was removed since has nothing to sync. */
static segj_status_t sync_one_of_all(oversized_t *journal, uint64_t number)
{
    segj_status_t status = segj_sync_section(journal, number, NULL);
    if (status == SEGJ_ERR_PRUNED)
        status = sync_pruned(journal, number);
    return status == SEGJ_ERR_PRUNED ? SEGJ_OK : status;
}

static segj_status_t sync_one_of_set(oversized_t *journal, uint64_t number)
{
    return segj_sync_section(journal, number, NULL);
}

static segj_status_t sync_all(oversized_t *journal)
{
    sync_set_t set = {.status = SEGJ_OK};
    lock_for_all(journal);
    segj_status_t status = segj_journal_changeable(journal);
    if (status == SEGJ_OK)
        status = dirty_sections(journal, &set.numbers, &set.count);
    segj_gate_leave(&journal->change);
    if (status == SEGJ_OK)
        status = set_sync(journal, &set, sync_one_of_all);
    free(set.numbers);
    return status;
}

static segj_status_t sync_sections(oversized_t *journal, const uint64_t *sections, size_t count)
{
    sync_set_t set = {.count = count, .status = SEGJ_OK};
    if (count == 0)
        return segj_journal_changeable(journal);
    if (count > SIZE_MAX / sizeof *sections)
        return segj_fail_memory(SIZE_MAX);
    set.numbers = malloc(count * sizeof *set.numbers);
    if (set.numbers == NULL)
        return segj_fail_memory(count * sizeof *set.numbers);
    memcpy(set.numbers, sections, count * sizeof *set.numbers);
    segj_status_t status = set_sync(journal, &set, sync_one_of_set);
    free(set.numbers);
    return status;
}

segj_status_t oversized_sync_all(oversized_t *journal)
{
    SEGJ_ENTER(journal, oversized_sync_all(journal));
    segj_journal_enter(journal);
    segj_status_t status = sync_all(journal);
    segj_journal_leave(journal);
    return status;
}

segj_status_t oversized_sync_sections(oversized_t *journal, const uint64_t *sections, size_t count)
{
    SEGJ_ENTER(journal, oversized_sync_sections(journal, sections, count));
    if (sections == NULL && count > 0)
        return segj_fail(SEGJ_ERR_INVALID, "oversized_sync_sections: sections is NULL, expected %zu numbers", count);
    segj_journal_enter(journal);
    segj_status_t status = sync_sections(journal, sections, count);
    segj_journal_leave(journal);
    return status;
}
