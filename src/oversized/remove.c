/*
 * oversized/remove.c: removing sections, with two barriers: every index file and a sync of its partition, then the
 * values files the same way. A crash before the first barrier leaves any of the sections whole or as values without an
 * index, which open removes; a crash behind it leaves only the latter.
 *
 * A prune holds the change lock while it hides its sections, and once more when it is known whether they are gone for
 * good, which the first file decides; the files it removes without a lock (DESIGN.md, "Removal: prune, rewind, destroy,
 * orphans"). Another removal waits until it is through. Rewinds and destroy remove under the change lock.
 */
#include <stdlib.h>

#include "base/bytes.h"
#include "oversized/journal.h"

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

/** Sections on their way out. */
typedef struct removal {
    segj_section_t **gone;
    size_t count;
    uint64_t line; /* the prune line before, to be put back */
    bool undone;   /* nothing was removed, and the sections are there again */
} removal_t;

/* Under state, the viewers kept out. Readers find the sections gone. */
static void hide(oversized_t *journal, removal_t *removal, size_t first, uint64_t prune_line)
{
    removal->line = journal->prune_line;
    for (size_t i = 0; i < removal->count; i++) {
        removal->gone[i] = (segj_section_t *)(void *)journal->sections.order[first + i];
        removal->gone[i]->removed = true;
    }
    segj_sections_remove(&journal->sections, first, first + removal->count);
    journal->prune_line = segj_max_u64(removal->line, prune_line);
    journal->removing = true;
    journal->hidden = removal->count;
    atomic_fetch_add(&journal->removals, 1);
}

/* Under change, and all that the table of sections must have room for is still kept. */
static void show_again(oversized_t *journal, const removal_t *removal)
{
    segj_lock(&journal->env.state);
    segj_maps_shut(&journal->env.maps);
    for (size_t i = 0; i < removal->count; i++) {
        removal->gone[i]->removed = false;
        segj_section_unbar(removal->gone[i]);
        segj_sections_insert(&journal->sections, &removal->gone[i]->node);
    }
    segj_maps_admit(&journal->env.maps);
    journal->prune_line = removal->line;
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

/* --- the steps of a removal --- */

/* Under change. Files that nobody uses are closed before they are removed: behind FUSE the removal of an open file is a
 * rename, which a full file system refuses. What has not been synced stays open: the removal may be undone. */
static void close_unused(oversized_t *journal, const removal_t *removal)
{
    for (size_t i = 0; i < removal->count; i++) {
        segj_section_t *section = removal->gone[i];
        if (section->written && section->synced == section->appended)
            segj_section_rest(journal, section);
        segj_handle_t *handles[2] = {&section->index.handle, &section->values.handle};
        segj_lock(&journal->env.state);
        for (size_t j = 0; j < 2; j++)
            if (atomic_load(&handles[j]->pins) == 0 && !handles[j]->opening)
                segj_files_forget(&journal->env.files, handles[j]);
        segj_unlock(&journal->env.state);
    }
}

/* Under change. What can be refused is refused here; then the sections are hidden. */
static segj_status_t remove_begin(oversized_t *journal, size_t first, size_t last, uint64_t prune_line,
                                  removal_t *removal)
{
    for (size_t i = first; i < last; i++)
        if (((segj_section_t *)(void *)journal->sections.order[i])->streaming)
            return segj_fail(SEGJ_ERR_BUSY, "a value is being streamed into section %llu",
                             (unsigned long long)journal->sections.order[i]->number);
    *removal = (removal_t){.count = last - first};
    removal->gone = malloc(removal->count * sizeof *removal->gone);
    if (removal->gone == NULL)
        return segj_fail_memory(removal->count * sizeof *removal->gone);
    for (size_t i = first; i < last; i++)
        segj_section_settle(journal, (segj_section_t *)(void *)journal->sections.order[i]);
    segj_status_t status = segj_journal_changeable(journal); /* a sync that was waited for may have poisoned it */
    segj_lock(&journal->env.state);
    segj_maps_shut(&journal->env.maps);
    if (status == SEGJ_OK)
        status = bar(journal, first, last);
    if (status == SEGJ_OK)
        hide(journal, removal, first, prune_line);
    segj_maps_admit(&journal->env.maps);
    segj_unlock(&journal->env.state);
    if (status == SEGJ_OK)
        close_unused(journal, removal);
    if (status != SEGJ_OK)
        free(removal->gone);
    return status;
}

/* Without `change`, if need be. Until this has succeeded everything can be undone, behind it nothing. */
static segj_status_t unlink_first(oversized_t *journal, removal_t *removal)
{
    segj_status_t status = segj_journal_changeable(journal);
    removal->undone = status != SEGJ_OK;
    if (status != SEGJ_OK)
        return status;
    status = segj_part_unlink(&journal->env.index, removal->gone[0]->node.number);
    removal->undone = status != SEGJ_OK && is_there(journal, removal->gone[0]);
    return status == SEGJ_OK || removal->undone ? status : segj_env_poison(&journal->env, status);
}

/* Under change. The sections come back, or what they had in memory is given up, written or not. */
static void remove_decide(oversized_t *journal, const removal_t *removal)
{
    if (removal->undone)
        show_again(journal, removal);
    for (size_t i = 0; i < removal->count && !removal->undone; i++)
        segj_section_rest(journal, removal->gone[i]);
    segj_lock(&journal->env.state);
    journal->hidden = 0;
    segj_wake_all(&journal->env.changed);
    segj_unlock(&journal->env.state);
}

/* Without `change`, if need be: the two barriers. Whoever poisons the journal meanwhile ends it. */
static segj_status_t unlink_others(oversized_t *journal, const removal_t *removal)
{
    const segj_part_t *parts[2] = {&journal->env.index, &journal->env.values};
    segj_status_t status = SEGJ_OK;
    for (size_t part = 0; part < 2 && status == SEGJ_OK; part++) {
        for (size_t i = 1 - part; i < removal->count && status == SEGJ_OK; i++) {
            status = segj_journal_changeable(journal);
            if (status == SEGJ_OK)
                status = segj_part_unlink(parts[part], removal->gone[i]->node.number);
        }
        if (status == SEGJ_OK)
            status = segj_part_sync(parts[part]);
    }
    if (status != SEGJ_OK)
        return segj_env_poison(&journal->env, status);
    segj_env_trace(&journal->env, SEGJ_LOG_INFO, "%s: %zu sections were removed: %llu to %llu", journal->directory,
                   removal->count, (unsigned long long)removal->gone[0]->node.number,
                   (unsigned long long)removal->gone[removal->count - 1]->node.number);
    return SEGJ_OK;
}

/* Files that readers have left open are closed here, which is when the system gives their space back. */
static void remove_end(oversized_t *journal, const removal_t *removal)
{
    segj_lock(&journal->env.state);
    for (size_t i = 0; i < removal->count && !removal->undone; i++)
        segj_section_release(journal, removal->gone[i]);
    journal->removing = false;
    segj_wake_all(&journal->env.changed);
    segj_unlock(&journal->env.state);
    free(removal->gone);
}

segj_status_t segj_sections_unlink(oversized_t *journal, size_t first, size_t last)
{
    removal_t removal;
    if (first == last)
        return SEGJ_OK;
    segj_status_t status = remove_begin(journal, first, last, 0, &removal);
    if (status != SEGJ_OK)
        return status;
    status = unlink_first(journal, &removal);
    remove_decide(journal, &removal);
    if (status == SEGJ_OK)
        status = unlink_others(journal, &removal);
    remove_end(journal, &removal);
    return status;
}

/* --- prune, which holds `change` for two moments --- */

/* How often a prune waits for a sync without `change`, before it waits with it. */
#define PATIENCE 8

/* Under change and state. A section that is to go and that a sync works on; or NULL. */
static segj_section_t *find_syncing(const oversized_t *journal, uint64_t below)
{
    segj_section_t *at = journal->oldest;
    while (at != NULL && (at->node.number >= below || !at->syncing))
        at = at->newer;
    return at;
}

/* Under change, which it gives up while it waits, so that nobody else waits for these syncs. */
static void await_syncs(oversized_t *journal, uint64_t below)
{
    for (int i = 0; i < PATIENCE; i++) {
        segj_lock(&journal->env.state);
        segj_section_t *section = find_syncing(journal, below);
        if (section == NULL) {
            segj_unlock(&journal->env.state);
            return;
        }
        segj_section_acquire(section);
        segj_unlock(&journal->change);
        while (section->syncing)
            segj_wait(&journal->env.changed, &journal->env.state);
        segj_section_release(journal, section);
        segj_unlock(&journal->env.state);
        segj_lock(&journal->change);
    }
}

void segj_journal_await_removal(oversized_t *journal)
{
    segj_lock(&journal->env.state);
    while (journal->removing) {
        segj_unlock(&journal->change);
        while (journal->removing)
            segj_wait(&journal->env.changed, &journal->env.state);
        segj_unlock(&journal->env.state);
        segj_lock(&journal->change);
        segj_lock(&journal->env.state);
    }
    segj_unlock(&journal->env.state);
}

/* Under change. Hides what is below the line; *count: so many sections. */
static segj_status_t begin_prune(oversized_t *journal, uint64_t line, removal_t *removal, size_t *count)
{
    segj_status_t status = segj_journal_changeable(journal);
    if (status != SEGJ_OK)
        return status;
    await_syncs(journal, line);
    segj_journal_await_removal(journal);
    status = segj_journal_changeable(journal);
    if (status != SEGJ_OK)
        return status;
    segj_lock(&journal->env.state);
    *count = segj_sections_lower(&journal->sections, line);
    if (*count == 0)
        journal->prune_line = segj_max_u64(journal->prune_line, line);
    segj_unlock(&journal->env.state);
    return *count > 0 ? remove_begin(journal, 0, *count, line, removal) : SEGJ_OK;
}

static segj_status_t prune(oversized_t *journal, uint64_t line, bool *pruned)
{
    removal_t removal;
    size_t count = 0;
    segj_lock(&journal->change);
    segj_status_t status = begin_prune(journal, line, &removal, &count);
    segj_unlock(&journal->change);
    if (status == SEGJ_OK && count > 0) {
        status = unlink_first(journal, &removal);
        segj_lock(&journal->change);
        remove_decide(journal, &removal);
        segj_unlock(&journal->change);
        if (status == SEGJ_OK)
            status = unlink_others(journal, &removal);
        remove_end(journal, &removal);
    }
    if (status == SEGJ_OK && pruned != NULL)
        *pruned = count > 0;
    return status;
}

segj_status_t oversized_prune(oversized_t *journal, uint64_t min_section, bool *pruned)
{
    SEGJ_ENTER(journal, oversized_prune(journal, min_section, pruned));
    segj_journal_enter(journal);
    segj_status_t status = prune(journal, min_section, pruned);
    segj_journal_leave(journal);
    return status;
}
