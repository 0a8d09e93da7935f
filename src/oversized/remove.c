/*
 * oversized/remove.c: removing sections, with two barriers: every index file and a sync of its partition, then the values
 * files the same way. A crash before the first barrier leaves any of the sections whole or as values without an index,
 * which open removes; a crash behind it leaves only the latter.
 */
#include <stdlib.h>

#include "base/bytes.h"
#include "oversized/journal.h"

/* The two barriers. *begun: a file is gone. */
static segj_status_t unlink_files(oversized_t *journal, segj_section_t *const *gone, size_t count, bool *begun)
{
    const segj_part_t *parts[2] = {&journal->env.index, &journal->env.values};
    segj_status_t status = SEGJ_OK;
    for (int part = 0; part < 2 && status == SEGJ_OK; part++) {
        for (size_t i = 0; i < count && status == SEGJ_OK; i++) {
            status = segj_part_unlink(parts[part], gone[i]->node.number);
            *begun = *begun || status == SEGJ_OK;
        }
        if (status == SEGJ_OK)
            status = segj_part_sync(parts[part]);
    }
    return status;
}

/* Under state, the viewers kept out: all of them or none. */
static segj_status_t bar(oversized_t *journal, size_t first, size_t last)
{
    segj_status_t status = SEGJ_OK;
    size_t at = first;
    for (; at < last && status == SEGJ_OK; at++)
        status = segj_section_bar((segj_section_t *)(void *)journal->sections.order[at]);
    /* The last one tried was viewed. */
    for (size_t i = first; status != SEGJ_OK && i + 1 < at; i++)
        segj_section_unbar((segj_section_t *)(void *)journal->sections.order[i]);
    return status;
}

/* Under state, the viewers kept out. Readers find the sections gone; the prune line is the one before, to be put back. */
static uint64_t hide(oversized_t *journal, segj_section_t **gone, size_t first, size_t last, uint64_t prune_line)
{
    uint64_t before = journal->prune_line;
    for (size_t i = first; i < last; i++) {
        gone[i - first] = (segj_section_t *)(void *)journal->sections.order[i];
        gone[i - first]->removed = true;
    }
    segj_sections_remove(&journal->sections, first, last);
    journal->prune_line = segj_max_u64(before, prune_line);
    atomic_fetch_add(&journal->removals, 1);
    return before;
}

static void show_again(oversized_t *journal, segj_section_t *const *gone, size_t count, uint64_t prune_line)
{
    segj_lock(&journal->env.state);
    segj_maps_shut(&journal->env.maps);
    for (size_t i = 0; i < count; i++) {
        gone[i]->removed = false;
        segj_section_unbar(gone[i]);
        segj_sections_insert(&journal->sections, &gone[i]->node);
    }
    segj_maps_admit(&journal->env.maps);
    journal->prune_line = prune_line;
    segj_unlock(&journal->env.state);
}

/* A removal that was answered with a failure may have happened: whether it did decides what is known. */
static bool is_there(const oversized_t *journal, const segj_section_t *section)
{
    uint64_t *listed = NULL;
    size_t count = 0;
    bool found = false;
    segj_sentence_t cause;
    segj_keep(&cause);
    if (segj_part_sections(&journal->env.index, &listed, &count) == SEGJ_OK)
        for (size_t i = 0; i < count && !found; i++)
            found = listed[i] == section->node.number;
    free(listed);
    segj_say_again(&cause);
    return found;
}

segj_status_t segj_sections_unlink(oversized_t *journal, size_t first, size_t last, uint64_t prune_line)
{
    size_t count = last - first;
    if (count == 0) {
        segj_lock(&journal->env.state);
        journal->prune_line = segj_max_u64(journal->prune_line, prune_line);
        segj_unlock(&journal->env.state);
        return SEGJ_OK;
    }
    for (size_t i = first; i < last; i++)
        if (((segj_section_t *)(void *)journal->sections.order[i])->streaming)
            return segj_fail(SEGJ_ERR_BUSY, "a value is being streamed into section %llu",
                             (unsigned long long)journal->sections.order[i]->number);
    segj_section_t **gone = malloc(count * sizeof(segj_section_t *));
    if (gone == NULL)
        return segj_fail_memory(count * sizeof(segj_section_t *));
    for (size_t i = first; i < last; i++)
        segj_section_settle(journal, (segj_section_t *)(void *)journal->sections.order[i]);
    segj_status_t status = segj_journal_changeable(journal); /* a sync that was waited for may have poisoned it */
    uint64_t before = 0;
    segj_lock(&journal->env.state);
    segj_maps_shut(&journal->env.maps);
    if (status == SEGJ_OK)
        status = bar(journal, first, last);
    if (status == SEGJ_OK)
        before = hide(journal, gone, first, last, prune_line);
    segj_maps_admit(&journal->env.maps);
    segj_unlock(&journal->env.state);
    if (status != SEGJ_OK) {
        free(gone);
        return status;
    }
    bool begun = false;
    status = unlink_files(journal, gone, count, &begun);
    if (status != SEGJ_OK && !begun && is_there(journal, gone[0])) {
        show_again(journal, gone, count, before);
        free(gone);
        return status;
    }
    if (status != SEGJ_OK)
        status = segj_env_poison(&journal->env, status);
    else
        segj_env_trace(&journal->env, SEGJ_LOG_INFO, "%s: %zu sections were removed: %llu to %llu", journal->directory,
                       count, (unsigned long long)gone[0]->node.number,
                       (unsigned long long)gone[count - 1]->node.number);
    for (size_t i = 0; i < count; i++) {
        segj_section_rest(journal, gone[i]);
        segj_lock(&journal->env.state);
        segj_section_release(journal, gone[i]);
        segj_unlock(&journal->env.state);
    }
    free(gone);
    return status;
}

segj_status_t oversized_prune(oversized_t *journal, uint64_t min_section, bool *pruned)
{
    SEGJ_ENTER(journal, oversized_prune(journal, min_section, pruned));
    segj_lock(&journal->change);
    segj_status_t status = segj_journal_changeable(journal);
    if (status == SEGJ_OK) {
        segj_lock(&journal->env.state);
        size_t count = segj_sections_lower(&journal->sections, min_section);
        segj_unlock(&journal->env.state);
        status = segj_sections_unlink(journal, 0, count, min_section);
        if (status == SEGJ_OK && pruned != NULL)
            *pruned = count > 0;
    }
    segj_unlock(&journal->change);
    return status;
}
