/*
 * oversized/write/remove.c: removing sections, with two barriers: every index file and a sync of its partition, then
 * the values files the same way. A crash before the first barrier leaves any of the sections whole or as values without
 * an index, which open removes; a crash after it leaves only the latter. Where a section is of version 2, a mark that
 * is there from before the first barrier to after the second says so.
 *
 * A prune holds the change lock while it hides its sections, and once more when it is known whether they are gone for
 * good, which the first file decides; the files it removes without a lock (DESIGN.md, "Removal: prune, rewind, destroy,
 * orphans"). Another removal waits until it is through. Rewinds and destroy remove under the change lock.
 */
#include <stdlib.h>

#include "base/bytes.h"
#include "journal/removing.h"
#include "oversized/section/durable.h"
#include "oversized/section/writers.h"
#include "oversized/write/remove.h"

/* Under state, the viewers kept out: all of them or none. */
SEGJ_UNDER_STATE static segj_status_t block_views(oversized_t *journal, size_t first, size_t last)
{
    segj_status_t status = SEGJ_OK;
    size_t at = first;
    for (; at < last && status == SEGJ_OK; at++)
        status = segj_section_block_views(segj_section_at(journal, at));
    /* The last one tried was viewed. */
    for (size_t i = first; status != SEGJ_OK && i + 1 < at; i++)
        segj_section_allow_views(segj_section_at(journal, i));
    return status;
}

/** Sections on their way out. */
typedef struct removal {
    segj_section_t **gone;
    size_t count;
    uint64_t line; /* the prune line before, to be put back */
    bool lossy;    /* one may have lost records that are not noted yet, and must be */
    bool undone;   /* nothing was removed, and the sections are there again */
} removal_t;

SEGJ_UNDER_STATE static void count_gone(oversized_t *journal, const segj_section_t *section)
{
    uint64_t records = section->index.records;
    segj_tally_gone(&journal->tally, records, segj_section_stored(section, records, section->values.size));
}

SEGJ_UNDER_STATE static void count_back(oversized_t *journal, const segj_section_t *section)
{
    uint64_t records = section->index.records;
    segj_tally_come(&journal->tally, records, segj_section_stored(section, records, section->values.size));
}

/* Under state, the viewers kept out. Readers find the sections gone. */
SEGJ_UNDER_STATE static void hide(oversized_t *journal, removal_t *removal, size_t first, uint64_t prune_line)
{
    removal->line = journal->prune_line;
    for (size_t i = 0; i < removal->count; i++) {
        removal->gone[i] = segj_section_at(journal, first + i);
        removal->gone[i]->removed = true;
        count_gone(journal, removal->gone[i]);
    }
    segj_sections_remove(&journal->sections, first, first + removal->count);
    journal->prune_line = segj_max_u64(removal->line, prune_line);
    journal->removing = true;
    journal->hidden = removal->count;
    atomic_fetch_add(&journal->removals, 1);
}

/* Under change, and all that the table of sections must have room for is still kept. */
SEGJ_UNDER_CHANGE static void show_again(oversized_t *journal, const removal_t *removal)
{
    segj_lock(&journal->shared.state);
    segj_maps_block_readers(&journal->shared.maps);
    for (size_t i = 0; i < removal->count; i++) {
        removal->gone[i]->removed = false;
        segj_section_allow_views(removal->gone[i]);
        count_back(journal, removal->gone[i]);
        segj_sections_insert(&journal->sections, &removal->gone[i]->node);
    }
    segj_maps_allow_readers(&journal->shared.maps);
    journal->prune_line = removal->line;
    segj_unlock(&journal->shared.state);
}

/* A removal that was answered with a failure may have happened: whether it did decides what is known. */
static bool is_there(const oversized_t *journal, const segj_section_t *section)
{
    uint64_t *listed = NULL;
    size_t count = 0;
    bool found = false;
    segj_sentence_t cause;
    segj_keep(&cause);
    if (segj_partition_sections(&journal->shared.index, &listed, &count) == SEGJ_OK)
        for (size_t i = 0; i < count && !found; i++)
            found = listed[i] == section->node.number;
    free(listed);
    segj_say_again(&cause);
    return found;
}

/* --- the steps of a removal --- */

/* Under change. Files that are not in use are closed before they are removed: on FUSE the removal of an open file is a
 * rename, which a full file system refuses. What has not been synced stays open: the removal may be undone. So does a
 * section of version 2 of whose index the file has only a part. */
SEGJ_UNDER_CHANGE static void close_unused(oversized_t *journal, const removal_t *removal)
{
    for (size_t i = 0; i < removal->count; i++) {
        segj_section_t *section = removal->gone[i];
        bool written = section->synced == segj_section_appended(section) &&
                       (!segj_section_is_log(section) || section->index.mark.records == section->index.durable);
        if (section->active && written) {
            /* Zeros that are kept ahead stay in its file, and are cut before it is written to, should it come back. */
            section->values.tail_dirty = section->values.tail_dirty || section->values.ahead > section->values.size;
            segj_section_deactivate(journal, section);
        }
        segj_handle_t *handles[2] = {&section->index.handle, &section->values.handle};
        segj_lock(&journal->shared.state);
        for (size_t j = 0; j < 2; j++)
            if (atomic_load(&handles[j]->pins) == 0 && !handles[j]->opening)
                segj_files_forget(&journal->shared.files, handles[j]);
        segj_unlock(&journal->shared.state);
    }
}

/* Under change. What sections had lost that are removed is noted before it is gone. */
SEGJ_UNDER_CHANGE static void note_losses(oversized_t *journal, const removal_t *removal, segj_removal_stage_t stage)
{
    if (removal->lossy)
        journal->note_gone(journal, removal->gone, removal->count, stage);
}

/* Under change. What can be refused is refused here; then the sections are hidden. `noted`: later opens must know of
 * their losses. */
SEGJ_UNDER_CHANGE static segj_status_t remove_begin(oversized_t *journal, size_t first, size_t last,
                                                    uint64_t prune_line, bool noted, removal_t *removal)
{
    for (size_t i = first; i < last; i++)
        if ((segj_section_at(journal, i))->streaming)
            return segj_fail(SEGJ_ERR_BUSY, "a value is being streamed into section %llu",
                             (unsigned long long)journal->sections.order[i]->number);
    *removal = (removal_t){.count = last - first};
    removal->gone = malloc(removal->count * sizeof *removal->gone);
    if (removal->gone == NULL)
        return segj_fail_memory(removal->count * sizeof *removal->gone);
    for (size_t i = first; i < last; i++)
        segj_section_wait_for_sync(journal, segj_section_at(journal, i));
    segj_status_t status = segj_journal_changeable(journal); /* a sync that was waited for may have poisoned it */
    segj_lock(&journal->shared.state);
    segj_maps_block_readers(&journal->shared.maps);
    if (status == SEGJ_OK)
        status = block_views(journal, first, last);
    if (status == SEGJ_OK)
        hide(journal, removal, first, prune_line);
    segj_maps_allow_readers(&journal->shared.maps);
    segj_unlock(&journal->shared.state);
    removal->lossy = noted && journal->unrepaired > 0;
    if (status != SEGJ_OK) {
        free(removal->gone);
        return status;
    }
    close_unused(journal, removal);
    note_losses(journal, removal, SEGJ_REMOVAL_BEGINS);
    return SEGJ_OK;
}

/* A crash within the removal leaves values without an index file. Of version 2 only the mark tells these from a section
 * that has lost its index file. */
static segj_status_t mark_files_going(oversized_t *journal, const removal_t *removal)
{
    bool any = false;
    bool unknown = false;
    for (size_t i = 0; i < removal->count && !any; i++)
        any = segj_section_is_log(removal->gone[i]);
    segj_status_t status = any ? segj_removal_begin(&journal->shared, &unknown) : SEGJ_OK;
    return unknown ? segj_shared_poison(&journal->shared, status) : status;
}

/* The sections stay: with the mark, values of one that loses its index file later would be taken for a rest. */
static void take_mark_back(segj_shared_t *shared)
{
    segj_sentence_t cause;
    segj_keep(&cause);
    segj_removal_end(shared);
    segj_say_again(&cause);
}

/* Without `change`, if need be. Until this has succeeded everything can be undone, afterwards nothing. */
static segj_status_t unlink_first(oversized_t *journal, removal_t *removal)
{
    segj_status_t status = segj_journal_changeable(journal);
    if (status == SEGJ_OK)
        status = mark_files_going(journal, removal);
    removal->undone = status != SEGJ_OK;
    if (status != SEGJ_OK)
        return status;
    status = segj_partition_unlink(&journal->shared.index, removal->gone[0]->node.number);
    removal->undone = status != SEGJ_OK && is_there(journal, removal->gone[0]);
    if (removal->undone)
        take_mark_back(&journal->shared);
    return status == SEGJ_OK || removal->undone ? status : segj_shared_poison(&journal->shared, status);
}

/* Under change. The sections come back, or what they had in memory is given up, written or not. */
SEGJ_UNDER_CHANGE static void remove_decide(oversized_t *journal, const removal_t *removal)
{
    if (removal->undone) {
        note_losses(journal, removal, SEGJ_REMOVAL_UNDONE);
        show_again(journal, removal);
    }
    for (size_t i = 0; i < removal->count && !removal->undone; i++)
        segj_section_deactivate(journal, removal->gone[i]);
    segj_lock(&journal->shared.state);
    journal->hidden = 0;
    segj_wake_all(&journal->shared.changed);
    segj_unlock(&journal->shared.state);
}

/* Without `change`, if need be: the two barriers. A call that poisons the journal in this time ends it. */
static segj_status_t unlink_others(oversized_t *journal, const removal_t *removal)
{
    const segj_io_partition_t *parts[2] = {&journal->shared.index, &journal->shared.values};
    segj_status_t status = SEGJ_OK;
    for (size_t part = 0; part < 2 && status == SEGJ_OK; part++) {
        for (size_t i = 1 - part; i < removal->count && status == SEGJ_OK; i++) {
            status = segj_journal_changeable(journal);
            if (status == SEGJ_OK)
                status = segj_partition_unlink(parts[part], removal->gone[i]->node.number);
        }
        if (status == SEGJ_OK)
            status = segj_partition_sync(parts[part]);
    }
    if (status != SEGJ_OK)
        return segj_shared_poison(&journal->shared, status);
    segj_removal_end(&journal->shared);
    segj_shared_trace(&journal->shared, SEGJ_LOG_INFO, "%s: %zu sections were removed: %llu to %llu",
                      journal->directory, removal->count, (unsigned long long)removal->gone[0]->node.number,
                      (unsigned long long)removal->gone[removal->count - 1]->node.number);
    return SEGJ_OK;
}

/* Files that readers have left open are closed here, which is when the system gives their space back. */
static void remove_end(oversized_t *journal, const removal_t *removal)
{
    segj_lock(&journal->shared.state);
    for (size_t i = 0; i < removal->count && !removal->undone; i++)
        segj_section_release_locked(journal, removal->gone[i]);
    journal->removing = false;
    segj_wake_all(&journal->shared.changed);
    segj_unlock(&journal->shared.state);
    free(removal->gone);
}

segj_status_t segj_sections_unlink(oversized_t *journal, size_t first, size_t last, bool noted)
{
    segj_assert_held(&journal->change);
    removal_t removal;
    if (first == last)
        return SEGJ_OK;
    segj_status_t status = remove_begin(journal, first, last, 0, noted, &removal);
    if (status != SEGJ_OK)
        return status;
    status = unlink_first(journal, &removal);
    remove_decide(journal, &removal);
    if (status == SEGJ_OK)
        status = unlink_others(journal, &removal);
    if (status == SEGJ_OK)
        note_losses(journal, &removal, SEGJ_REMOVAL_DONE);
    remove_end(journal, &removal);
    return status;
}

/* --- prune, which holds `change` for two moments --- */

/* How often a prune waits for a sync without `change`, before it waits with it. */
#define PATIENCE 8

/* Under change and state. A section that is to go and that a sync works on; or NULL. */
SEGJ_UNDER_CHANGE SEGJ_UNDER_STATE static segj_section_t *find_syncing(const oversized_t *journal, uint64_t below)
{
    segj_section_t *at = journal->oldest;
    while (at != NULL && (at->node.number >= below || !at->syncing))
        at = at->newer;
    return at;
}

/* Under change, which it gives up while it waits, so that no other change waits for these syncs. */
SEGJ_UNDER_CHANGE static void await_syncs(oversized_t *journal, uint64_t below)
{
    for (int i = 0; i < PATIENCE; i++) {
        segj_lock(&journal->shared.state);
        segj_section_t *section = find_syncing(journal, below);
        if (section == NULL) {
            segj_unlock(&journal->shared.state);
            return;
        }
        segj_section_acquire(section);
        segj_gate_leave(&journal->change);
        while (section->syncing)
            segj_wait(&journal->shared.changed, &journal->shared.state);
        segj_section_release_locked(journal, section);
        segj_unlock(&journal->shared.state);
        segj_gate_enter(&journal->change);
    }
}

void segj_journal_await_removal(oversized_t *journal)
{
    segj_assert_held(&journal->change);
    segj_lock(&journal->shared.state);
    while (journal->removing) {
        segj_gate_leave(&journal->change);
        while (journal->removing)
            segj_wait(&journal->shared.changed, &journal->shared.state);
        segj_unlock(&journal->shared.state);
        segj_gate_enter(&journal->change);
        segj_lock(&journal->shared.state);
    }
    segj_unlock(&journal->shared.state);
}

/** What a prune leaves, for an archive that counts records. */
typedef struct prune_look {
    const oversized_t *journal;
    uint64_t line;
} prune_look_t;

static uint64_t most_of_prune(void *context, uint64_t section)
{
    const prune_look_t *look = context;
    return section < look->line ? 0 : UINT64_MAX;
}

static uint64_t is_pruned_there(void *context, uint64_t section)
{
    const prune_look_t *look = context;
    return segj_journal_find(look->journal, section) != NULL ? UINT64_MAX : 0;
}

/* Under change. Counts go first, when nothing is in the way any more. */
SEGJ_UNDER_CHANGE static segj_status_t lower_counts_of_prune(oversized_t *journal, removal_t *removal,
                                                             prune_look_t *look)
{
    segj_status_t status = segj_counts_lower(&journal->shared, most_of_prune, look);
    if (status == SEGJ_OK)
        return status;
    segj_sentence_t cause;
    segj_keep(&cause);
    removal->undone = true;
    remove_decide(journal, removal);
    remove_end(journal, removal);
    segj_say_again(&cause);
    return status;
}

/* Under change. Hides what is below the line; *count: so many sections. */
SEGJ_UNDER_CHANGE static segj_status_t begin_prune(oversized_t *journal, uint64_t line, removal_t *removal,
                                                   size_t *count)
{
    segj_status_t status = segj_journal_changeable(journal);
    if (status != SEGJ_OK)
        return status;
    await_syncs(journal, line);
    segj_journal_await_removal(journal);
    status = segj_journal_changeable(journal);
    if (status != SEGJ_OK)
        return status;
    segj_lock(&journal->shared.state);
    *count = segj_sections_lower(&journal->sections, line);
    if (*count == 0)
        journal->prune_line = segj_max_u64(journal->prune_line, line);
    segj_unlock(&journal->shared.state);
    prune_look_t look = {journal, line};
    if (*count > 0)
        status = segj_journal_guard_counts(journal, most_of_prune, is_pruned_there, &look);
    if (status == SEGJ_OK && *count > 0)
        status = remove_begin(journal, 0, *count, line, true, removal);
    return status == SEGJ_OK && *count > 0 ? lower_counts_of_prune(journal, removal, &look) : status;
}

static segj_status_t prune(oversized_t *journal, uint64_t line, bool *pruned)
{
    removal_t removal;
    size_t count = 0;
    segj_gate_enter(&journal->change);
    segj_status_t status = begin_prune(journal, line, &removal, &count);
    segj_gate_leave(&journal->change);
    if (status == SEGJ_OK && count > 0) {
        status = unlink_first(journal, &removal);
        segj_gate_enter(&journal->change);
        remove_decide(journal, &removal);
        segj_gate_leave(&journal->change);
        if (status == SEGJ_OK)
            status = unlink_others(journal, &removal);
        if (status == SEGJ_OK && removal.lossy) {
            segj_gate_enter(&journal->change);
            note_losses(journal, &removal, SEGJ_REMOVAL_DONE);
            segj_gate_leave(&journal->change);
        }
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
