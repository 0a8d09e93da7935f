/*
 * oversized/sync.c: making a section durable. A sync takes over what its section holds (under the change lock), works on
 * the storage (under none), and then says what has become durable (under the state lock). Of a section one sync is under
 * way at a time; who comes meanwhile waits, and often finds its own data covered.
 *
 * If the power goes anywhere in between, the disk holds everything that earlier syncs covered, and any part of what this
 * one writes: pages keep the slot of their last synced state, frames lie behind the last synced one.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "oversized/journal.h"

/* W is written when a completed sync has moved it further than this (semantics.md, "Ordering and durability"). */
#define MARK_RECORDS 1024
#define MARK_BYTES ((uint64_t)1 << 20)

/** What a sync has taken over. */
typedef struct capture {
    segj_paged_capture_t index;
    segj_glob_capture_t values;
    uint64_t appended, records, size, name, names;
    bool values_written;
} capture_t;

static bool is_clean(const segj_section_t *section)
{
    return !section->written || section->appended == section->synced;
}

static segj_status_t begin(oversized_t *journal, segj_section_t *section, capture_t *capture)
{
    segj_status_t status = segj_glob_keep_ahead(&section->values, &journal->env);
    if (status == SEGJ_OK)
        status = segj_paged_capture(section->index.tail, &journal->env.pages, &capture->index);
    if (status != SEGJ_OK)
        return status;
    segj_glob_capture(&section->values, &journal->env, &capture->values);
    segj_lock(&journal->env.state);
    section->syncing = true;
    capture->appended = section->appended;
    capture->records = section->index.records;
    capture->size = section->values.size;
    capture->name = section->name > journal->names_synced ? section->name : 0;
    segj_unlock(&journal->env.state);
    capture->names = journal->names_made;
    capture->values_written = false;
    return SEGJ_OK;
}

/* From the first fsync on a failure leaves unknown what the disk holds. */
static segj_status_t make_durable(oversized_t *journal, const segj_section_t *section, const capture_t *capture)
{
    segj_status_t status =
        segj_flusher_sync(&journal->flusher, &journal->env, &section->index.handle.file, &section->values.handle.file);
    if (status == SEGJ_OK && capture->name != 0)
        status = segj_part_sync(&journal->env.index);
    if (status == SEGJ_OK && capture->name != 0)
        status = segj_part_sync(&journal->env.values);
    return status == SEGJ_OK ? SEGJ_OK : segj_env_poison(&journal->env, status);
}

/* Losing a mark costs the next open time, never data: a failure is only logged. */
static void mark(oversized_t *journal, segj_section_t *section, uint64_t records, uint64_t size)
{
    if (segj_fixed_mark(&section->index, &section->index.handle.file, records) == SEGJ_OK)
        section->values.marked_size = size;
    else
        segj_env_log(&journal->env, SEGJ_LOG_WARNING, "a watermark could not be written: %s", segj_last_error());
}

static segj_status_t transfer(oversized_t *journal, segj_section_t *section, capture_t *capture)
{
    segj_status_t status = segj_glob_write(&section->values.handle.file, &capture->values);
    capture->values_written = status == SEGJ_OK;
    if (status == SEGJ_OK)
        status = segj_paged_write(section->index.tail, &section->index.handle.file, &capture->index);
    if (status == SEGJ_OK)
        status = make_durable(journal, section, capture);
    /* Only what this sync has just covered is marked, and no other sync of the section can run yet: the fsync above has
     * also covered the slot written last, so that of the two one is always whole. */
    if (status != SEGJ_OK)
        return status;
    section->index.mark_pending = false;
    if (segj_journal_changeable(journal) == SEGJ_OK && (capture->records > section->index.marked + MARK_RECORDS ||
                                                        capture->size > section->values.marked_size + MARK_BYTES))
        mark(journal, section, capture->records, capture->size);
    return SEGJ_OK;
}

static void finish(oversized_t *journal, segj_section_t *section, const capture_t *capture, bool synced)
{
    segj_lock(&journal->env.state);
    segj_glob_finish(&section->values, &journal->env, &capture->values, capture->values_written);
    segj_paged_finish(section->index.tail, &journal->env.pages, &capture->index, synced);
    if (synced) {
        section->synced = capture->appended;
        section->index.durable = capture->records;
        section->name = 0;
        if (capture->name != 0)
            journal->names_synced = segj_max_u64(journal->names_synced, capture->names);
    }
    section->syncing = false;
    segj_wake_all(&journal->env.changed);
    segj_unlock(&journal->env.state);
}

void segj_section_settle(oversized_t *journal, segj_section_t *section)
{
    segj_lock(&journal->env.state);
    while (section->syncing)
        segj_wait(&journal->env.changed, &journal->env.state);
    segj_unlock(&journal->env.state);
}

segj_status_t segj_section_sync(oversized_t *journal, segj_section_t *section)
{
    capture_t capture;
    segj_section_settle(journal, section);
    segj_status_t status = segj_journal_changeable(journal);
    if (status != SEGJ_OK || is_clean(section))
        return status;
    status = begin(journal, section, &capture);
    if (status != SEGJ_OK)
        return status;
    status = transfer(journal, section, &capture);
    finish(journal, section, &capture, status == SEGJ_OK);
    return status;
}

static segj_status_t mark_mend(oversized_t *journal, segj_fixed_t *index)
{
    segj_status_t status = segj_fixed_mark_again(index, &index->handle.file);
    if (status != SEGJ_OK)
        return status;
    status = segj_io_sync(&index->handle.file);
    if (status != SEGJ_OK)
        return segj_env_poison(&journal->env, status);
    index->mark_pending = false;
    return SEGJ_OK;
}

/*
 * What goes is marked before it is cut, as a rewind's is: if the process is killed between the cut and its sync, the files
 * look as a close leaves them, and the next open must not take the cut for durable.
 */
segj_status_t segj_section_mend(oversized_t *journal, segj_section_t *section)
{
    segj_fixed_t *index = &section->index;
    if (!section->values.spoiled)
        return SEGJ_OK;
    segj_section_settle(journal, section); /* a sync may be raising W */
    segj_status_t status = segj_journal_changeable(journal);
    if (status == SEGJ_OK && index->has_marks)
        status = mark_mend(journal, index);
    if (status == SEGJ_OK)
        status = segj_glob_mend(&section->values, &journal->env);
    if (status == SEGJ_OK && segj_fixed_clear_mark(index, &index->handle.file) != SEGJ_OK)
        segj_env_log(&journal->env, SEGJ_LOG_WARNING, "a watermark could not be cleared: %s", segj_last_error());
    return status;
}

segj_status_t segj_section_retire(oversized_t *journal, segj_section_t *section, bool durably)
{
    segj_status_t status = segj_section_sync(journal, section);
    if (status == SEGJ_OK && section->written)
        status = segj_section_mend(journal, section);
    if (status != SEGJ_OK || !section->written)
        return status;
    if (section->index.marked != section->index.durable)
        mark(journal, section, section->index.durable, section->values.size);
    bool trimmed;
    status = segj_glob_trim(&section->values, &trimmed);
    if (status != SEGJ_OK || !durably)
        return status;
    if (section->index.mark_pending)
        status = segj_io_sync(&section->index.handle.file);
    section->index.mark_pending = status != SEGJ_OK;
    if (status == SEGJ_OK && trimmed)
        status = segj_io_sync(&section->values.handle.file);
    return status == SEGJ_OK ? SEGJ_OK : segj_env_poison(&journal->env, status);
}

/* Under change, which it gives up while it waits for another sync of the section. `target`: what must be covered.
 * *begun: the capture is the caller's to transfer and to finish. */
static segj_status_t begin_when_free(oversized_t *journal, segj_section_t *section, uint64_t target, capture_t *capture,
                                     bool *begun)
{
    *begun = false;
    for (;;) {
        segj_lock(&journal->env.state);
        bool covered = section->synced >= target || section->removed;
        bool busy = section->syncing;
        if (busy && !covered) {
            segj_unlock(&journal->change);
            while (section->syncing)
                segj_wait(&journal->env.changed, &journal->env.state);
        }
        segj_unlock(&journal->env.state);
        if (covered)
            return SEGJ_OK;
        if (!busy)
            break;
        segj_lock(&journal->change);
        segj_status_t status = segj_journal_changeable(journal);
        if (status != SEGJ_OK)
            return status;
    }
    segj_status_t status = begin(journal, section, capture);
    *begun = status == SEGJ_OK;
    return status;
}

/* Under change. Gives the section that is to be synced; NULL: there is none, and nothing to do. */
static segj_status_t find(const oversized_t *journal, uint64_t number, segj_section_t **section)
{
    *section = segj_journal_find(journal, number);
    segj_status_t status = segj_journal_changeable(journal);
    if (status == SEGJ_OK && *section == NULL && number < journal->prune_line)
        status = segj_journal_missing(journal, number);
    return status;
}

/* `ticket`: what must be covered, or NULL: all there is. */
static segj_status_t sync_section(oversized_t *journal, uint64_t number, const oversized_ticket_t *ticket)
{
    capture_t capture;
    bool begun = false;
    segj_section_t *section;
    segj_lock(&journal->change);
    segj_status_t status = find(journal, number, &section);
    segj_lock(&journal->env.state);
    bool covered =
        section != NULL && ticket != NULL && section->synced >= ticket->change && section->unrepaired == NULL;
    if (section != NULL)
        segj_section_acquire(section);
    segj_unlock(&journal->env.state);
    if (covered)
        status = SEGJ_OK;
    else if (section != NULL && status == SEGJ_OK)
        status = segj_section_settle_inherited(journal, section);
    if (section != NULL && status == SEGJ_OK && !covered)
        status =
            begin_when_free(journal, section, ticket != NULL ? ticket->change : section->appended, &capture, &begun);
    segj_unlock(&journal->change);
    if (begun) {
        status = transfer(journal, section, &capture);
        finish(journal, section, &capture, status == SEGJ_OK);
    }
    if (section != NULL) {
        segj_lock(&journal->env.state);
        segj_section_release(journal, section);
        segj_unlock(&journal->env.state);
    }
    return status;
}

/* Under change. Takes the values over that are to be written; false: there are none, or a sync is writing them. */
static bool take_values(oversized_t *journal, segj_section_t *section, segj_glob_capture_t *values)
{
    segj_lock(&journal->env.state);
    bool busy = section->syncing || is_clean(section);
    section->syncing = section->syncing || !busy;
    segj_unlock(&journal->env.state);
    if (busy)
        return false;
    segj_glob_capture(&section->values, &journal->env, values);
    return true;
}

/* Writes the values, of which the storage starts the write-back; the records are few bytes and left to the wait. */
static segj_status_t start_sync(oversized_t *journal, uint64_t number, oversized_ticket_t *ticket)
{
    segj_glob_capture_t values;
    bool taken = false;
    oversized_ticket_t started = {number, 0};
    segj_section_t *section;
    segj_lock(&journal->change);
    segj_status_t status = find(journal, number, &section);
    if (section != NULL && status == SEGJ_OK) {
        started.change = section->appended;
        taken = take_values(journal, section, &values);
    }
    segj_unlock(&journal->change);
    if (taken) {
        status = segj_glob_write(&section->values.handle.file, &values);
        segj_lock(&journal->env.state);
        segj_glob_finish(&section->values, &journal->env, &values, status == SEGJ_OK);
        section->syncing = false;
        segj_wake_all(&journal->env.changed);
        segj_unlock(&journal->env.state);
    }
    if (status == SEGJ_OK)
        *ticket = started;
    return status;
}

static void enter(oversized_t *journal)
{
    segj_lock(&journal->env.state);
    journal->syncs++;
    segj_unlock(&journal->env.state);
}

/* The last that a call of sync does with the journal: close may be waiting for it. */
static void leave(oversized_t *journal)
{
    segj_lock(&journal->env.state);
    journal->syncs--;
    segj_wake_all(&journal->env.changed);
    segj_unlock(&journal->env.state);
}

void segj_journal_settle(oversized_t *journal)
{
    segj_lock(&journal->env.state);
    while (journal->syncs > 0)
        segj_wait(&journal->env.changed, &journal->env.state);
    segj_unlock(&journal->env.state);
}

segj_status_t oversized_sync(oversized_t *journal, uint64_t number)
{
    if (journal == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "oversized_sync: journal is NULL");
    enter(journal);
    segj_status_t status = sync_section(journal, number, NULL);
    leave(journal);
    return status;
}

segj_status_t oversized_sync_start(oversized_t *journal, uint64_t section, oversized_ticket_t *ticket)
{
    if (journal == NULL || ticket == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "oversized_sync_start: %s is NULL", journal == NULL ? "journal" : "ticket");
    enter(journal);
    segj_status_t status = start_sync(journal, section, ticket);
    leave(journal);
    return status;
}

segj_status_t oversized_sync_wait(oversized_t *journal, const oversized_ticket_t *ticket)
{
    if (journal == NULL || ticket == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "oversized_sync_wait: %s is NULL", journal == NULL ? "journal" : "ticket");
    enter(journal);
    segj_status_t status = sync_section(journal, ticket->section, ticket);
    leave(journal);
    return status;
}

/* The numbers of the sections that have something to sync. Under change. */
static segj_status_t dirty_sections(oversized_t *journal, uint64_t **numbers, size_t *count)
{
    bool inherited = journal->env.format != SEGJ_FORMAT_NATIVE || journal->unrepaired > 0;
    size_t most = inherited ? journal->sections.count : journal->writers;
    *count = 0;
    *numbers = malloc((most + 1) * sizeof **numbers);
    if (*numbers == NULL)
        return segj_fail_memory((most + 1) * sizeof **numbers);
    segj_lock(&journal->env.state);
    for (segj_section_t *at = journal->oldest; at != NULL; at = at->newer)
        if (!is_clean(at))
            (*numbers)[(*count)++] = at->node.number;
    for (size_t i = 0; i < most && inherited; i++) {
        const segj_section_t *at = (const segj_section_t *)(const void *)journal->sections.order[i];
        if (at->inherited || at->unrepaired != NULL)
            (*numbers)[(*count)++] = at->node.number;
    }
    segj_unlock(&journal->env.state);
    return SEGJ_OK;
}

static segj_status_t sync_all(oversized_t *journal)
{
    uint64_t *numbers = NULL;
    size_t count = 0;
    segj_lock(&journal->change);
    segj_status_t status = segj_journal_changeable(journal);
    if (status == SEGJ_OK)
        status = dirty_sections(journal, &numbers, &count);
    segj_unlock(&journal->change);
    char first[SEGJ_POISON_CAPACITY] = "";
    for (size_t i = 0; i < count; i++) {
        segj_status_t one = sync_section(journal, numbers[i], NULL);
        if (one == SEGJ_OK || one == SEGJ_ERR_PRUNED || status != SEGJ_OK)
            continue;
        status = one;
        (void)snprintf(first, sizeof first, "%s", segj_last_error());
    }
    free(numbers);
    return first[0] == '\0' ? status : segj_fail(status, "%s", first);
}

segj_status_t oversized_sync_all(oversized_t *journal)
{
    if (journal == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "oversized_sync_all: journal is NULL");
    enter(journal);
    segj_status_t status = sync_all(journal);
    leave(journal);
    return status;
}
