/*
 * oversized/sync.c: making a section durable. A sync takes over what its section holds (under the change lock), works
 * on the storage (under none), and then says what has become durable (under the state lock). Of a section one sync is
 * under way at a time; who comes meanwhile waits, and often finds its own data covered.
 *
 * If the power goes anywhere in between, the disk holds everything that earlier syncs covered, and any part of what
 * this one writes: pages keep the slot of their last synced state, frames lie behind the last synced one.
 */
#include <stdlib.h>

#include "base/bytes.h"
#include "oversized/journal.h"

/* W is written when a completed sync has moved it further than this (DESIGN.md, "Watermark"). */
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

static segj_status_t sync_begin(oversized_t *journal, segj_section_t *section, capture_t *capture)
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

static segj_status_t sync_partitions(const segj_env_t *env)
{
    segj_status_t status = segj_part_sync(&env->index);
    return status == SEGJ_OK ? segj_part_sync(&env->values) : status;
}

/*
 * Where no file says who writes, sizes tell: the files are at least as long as what was written, and no longer than
 * what is known while nothing is being appended.
 */
static segj_status_t check_length(oversized_t *journal, const segj_io_file_t *file, uint64_t least, uint64_t most)
{
    uint64_t size = 0;
    segj_status_t status = segj_io_size(file, &size);
    if (status != SEGJ_OK || (size >= least && size <= most))
        return status;
    segj_io_say(file, size,
                "the file ends here, and should end at %llu to %llu: somebody else has written to it; nothing "
                "more is written; open the journal again, once",
                (unsigned long long)least, (unsigned long long)most);
    return segj_env_poison(&journal->env, SEGJ_ERR_POISONED);
}

static segj_status_t check_lengths(oversized_t *journal, const segj_section_t *section, const capture_t *capture)
{
    const segj_env_t *env = &journal->env;
    const segj_io_file_t *index = &section->index.handle.file;
    const segj_io_file_t *values = &section->values.handle.file;
    if (env->format == SEGJ_FORMAT_NATIVE)
        return SEGJ_OK;
    bool quiet = segj_try_lock(&journal->change);
    bool known = quiet && !section->streaming && !section->values.spoiled;
    segj_status_t status =
        check_length(journal, index, segj_fixed_file_size(env, index->data, capture->records),
                     known ? segj_fixed_file_size(env, index->data, section->index.records) : UINT64_MAX);
    if (status == SEGJ_OK)
        status = check_length(journal, values, values->data + capture->size,
                              known ? values->data + section->values.size : UINT64_MAX);
    if (quiet)
        segj_unlock(&journal->change);
    return status;
}

/* From the first fsync on a failure leaves unknown what the disk holds. */
static segj_status_t sync_make_durable(oversized_t *journal, const segj_section_t *section, const capture_t *capture)
{
    segj_status_t status =
        segj_flusher_sync(&journal->flusher, &journal->env, &section->index.handle.file, &section->values.handle.file);
    if (status == SEGJ_OK && capture->name != 0)
        status = sync_partitions(&journal->env);
    return status == SEGJ_OK ? SEGJ_OK : segj_env_poison(&journal->env, status);
}

/* Nothing is acknowledged that somebody else, who has opened the journal meanwhile, may not have seen. A look that
 * fails leaves the sync to be made again. */
static segj_status_t look_for_others(oversized_t *journal, const segj_section_t *section, const capture_t *capture)
{
    segj_status_t status = segj_owner_check(&journal->env);
    return status == SEGJ_OK ? check_lengths(journal, section, capture) : status;
}

/* Losing a mark costs the next open time, never data: a failure is only logged. */
static void sync_mark(oversized_t *journal, segj_section_t *section, uint64_t records, uint64_t size)
{
    if (segj_fixed_mark(&section->index, &section->index.handle.file, records) == SEGJ_OK)
        section->values.marked_size = size;
    else
        segj_env_log(&journal->env, SEGJ_LOG_WARNING, "a watermark could not be written: %s", segj_last_error());
}

static segj_status_t sync_transfer(oversized_t *journal, segj_section_t *section, capture_t *capture)
{
    segj_status_t status = segj_glob_write(&section->values.handle.file, &capture->values);
    capture->values_written = status == SEGJ_OK;
    if (status == SEGJ_OK)
        status = segj_paged_write(section->index.tail, &section->index.handle.file, &capture->index);
    if (status == SEGJ_OK)
        status = sync_make_durable(journal, section, capture);
    if (status == SEGJ_OK)
        status = look_for_others(journal, section, capture);
    /* Only what this sync has just covered is marked, and no other sync of the section can run yet: the fsync above has
     * also covered the slot written last, so that of the two one is always whole. */
    if (status != SEGJ_OK)
        return status;
    section->index.mark_pending = false;
    if (segj_journal_changeable(journal) == SEGJ_OK && (capture->records > section->index.marked + MARK_RECORDS ||
                                                        capture->size > section->values.marked_size + MARK_BYTES))
        sync_mark(journal, section, capture->records, capture->size);
    return SEGJ_OK;
}

static void sync_finish(oversized_t *journal, segj_section_t *section, const capture_t *capture, bool synced)
{
    segj_lock(&journal->env.state);
    segj_glob_finish(&section->values, &journal->env, &capture->values, capture->values_written);
    segj_paged_finish(section->index.tail, &journal->env.pages, &capture->index, synced);
    if (synced) {
        section->synced = section->handed = capture->appended;
        section->index.durable = capture->records;
        section->name = 0;
        if (capture->name != 0)
            journal->names_synced = segj_max_u64(journal->names_synced, capture->names);
    }
    section->syncing = false;
    segj_wake_all(&journal->env.changed);
    segj_unlock(&journal->env.state);
    if (synced)
        segj_env_trace(&journal->env, SEGJ_LOG_DEBUG, "%s: section %llu is synced: %llu records, %llu bytes of values",
                       journal->directory, (unsigned long long)section->node.number,
                       (unsigned long long)capture->records, (unsigned long long)capture->size);
}

void segj_section_settle(oversized_t *journal, segj_section_t *section)
{
    segj_lock(&journal->env.state);
    while (section->syncing)
        segj_wait(&journal->env.changed, &journal->env.state);
    segj_unlock(&journal->env.state);
}

segj_status_t segj_section_sync_names(oversized_t *journal, segj_section_t *section)
{
    uint64_t names = journal->names_made;
    segj_lock(&journal->env.state);
    bool pending = section->name > journal->names_synced;
    segj_unlock(&journal->env.state);
    segj_status_t status = pending ? sync_partitions(&journal->env) : SEGJ_OK;
    if (status != SEGJ_OK)
        return segj_env_poison(&journal->env, status);
    segj_lock(&journal->env.state);
    section->name = 0;
    if (pending)
        journal->names_synced = segj_max_u64(journal->names_synced, names);
    segj_unlock(&journal->env.state);
    return SEGJ_OK;
}

segj_status_t segj_section_fail_room(oversized_t *journal, const segj_section_t *section)
{
    segj_lock(&journal->env.state);
    unsigned long long durable = section->index.durable;
    bool poisoned = atomic_load_explicit(&journal->env.poisoned, memory_order_relaxed);
    segj_unlock(&journal->env.state);
    if (!poisoned)
        segj_say_behind("; %llu records are durable, a rewind to %llu or fewer needs no space", durable, durable);
    return SEGJ_ERR_NO_SPACE;
}

segj_status_t segj_section_sync(oversized_t *journal, segj_section_t *section)
{
    capture_t capture;
    segj_section_settle(journal, section);
    segj_status_t status = segj_journal_changeable(journal);
    if (status != SEGJ_OK || is_clean(section))
        return status;
    status = sync_begin(journal, section, &capture);
    if (status != SEGJ_OK)
        return status;
    status = sync_transfer(journal, section, &capture);
    sync_finish(journal, section, &capture, status == SEGJ_OK);
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
 * What goes is marked before it is cut, as a rewind's is: if the process is killed between the cut and its sync, the
 * files look as a close leaves them, and the next open must not take the cut for durable.
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
        sync_mark(journal, section, section->index.durable, section->values.size);
    segj_env_trace(&journal->env, SEGJ_LOG_DEBUG, "%s: section %llu is retired: its watermark is %llu records",
                   journal->directory, (unsigned long long)section->node.number,
                   (unsigned long long)section->index.marked);
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

/* Under state. A prune has hidden the section, and it is not known yet whether that stays so. */
static bool is_undecided(const oversized_t *journal, const segj_section_t *section)
{
    return section->removed && journal->hidden > 0;
}

/* Under state. */
static bool is_gone(const oversized_t *journal, const segj_section_t *section)
{
    return section->removed && !is_undecided(journal, section);
}

segj_status_t segj_section_await(oversized_t *journal, segj_section_t *section, const uint64_t *reached,
                                 uint64_t target, bool *covered)
{
    for (;;) {
        segj_lock(&journal->env.state);
        *covered = *reached >= target || is_gone(journal, section);
        bool busy = section->syncing || section->removed;
        if (busy && !*covered) {
            segj_unlock(&journal->change);
            while (section->syncing || is_undecided(journal, section))
                segj_wait(&journal->env.changed, &journal->env.state);
        }
        segj_unlock(&journal->env.state);
        if (*covered || !busy)
            return SEGJ_OK;
        segj_lock(&journal->change);
        segj_status_t status = segj_journal_changeable(journal);
        if (status != SEGJ_OK)
            return status;
    }
}

/* Under change, which it gives up while it waits for another sync of the section. `target`: what must be covered.
 * *begun: the capture is the caller's to transfer and to finish. */
static segj_status_t begin_when_free(oversized_t *journal, segj_section_t *section, uint64_t target, capture_t *capture,
                                     bool *begun)
{
    bool covered;
    segj_status_t status = segj_section_await(journal, section, &section->synced, target, &covered);
    *begun = false;
    if (status != SEGJ_OK || covered)
        return status;
    status = sync_begin(journal, section, capture);
    *begun = status == SEGJ_OK;
    return status;
}

/* Under change. */
static segj_status_t sync_find(const oversized_t *journal, uint64_t number, segj_section_t **section)
{
    *section = segj_journal_find(journal, number);
    segj_status_t status = segj_journal_changeable(journal);
    if (status == SEGJ_OK && *section == NULL && number < journal->prune_line)
        status = segj_journal_missing(journal, number);
    return status;
}

segj_status_t segj_section_to_sync(oversized_t *journal, uint64_t number, segj_section_t **section)
{
    segj_status_t status = sync_find(journal, number, section);
    segj_lock(&journal->env.state);
    if (*section != NULL)
        segj_section_acquire(*section);
    segj_unlock(&journal->env.state);
    return status;
}

/* `ticket`: what must be covered, or NULL: all there is. */
static segj_status_t sync_section(oversized_t *journal, uint64_t number, const oversized_ticket_t *ticket)
{
    capture_t capture;
    bool begun = false;
    segj_section_t *section;
    segj_lock(&journal->change);
    segj_status_t status = segj_section_to_sync(journal, number, &section);
    segj_lock(&journal->env.state);
    bool covered =
        section != NULL && ticket != NULL && section->synced >= ticket->change && section->unrepaired == NULL;
    segj_unlock(&journal->env.state);
    if (covered)
        status = SEGJ_OK;
    else if (section != NULL && status == SEGJ_OK)
        status = segj_section_settle_inherited(journal, section);
    bool settled = section != NULL && status == SEGJ_OK && !covered;
    if (settled)
        status =
            begin_when_free(journal, section, ticket != NULL ? ticket->change : section->appended, &capture, &begun);
    segj_unlock(&journal->change);
    if (begun) {
        status = sync_transfer(journal, section, &capture);
        sync_finish(journal, section, &capture, status == SEGJ_OK);
    }
    if (settled && status == SEGJ_ERR_NO_SPACE)
        status = segj_section_fail_room(journal, section);
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
    segj_status_t status = sync_find(journal, number, &section);
    if (section != NULL && status == SEGJ_OK) {
        started.change = section->appended;
        taken = take_values(journal, section, &values);
    }
    segj_unlock(&journal->change);
    if (taken) {
        status = segj_glob_write(&section->values.handle.file, &values);
        if (status == SEGJ_ERR_NO_SPACE) /* before anybody may remove the section */
            status = segj_section_fail_room(journal, section);
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

void segj_journal_enter(oversized_t *journal)
{
    segj_lock(&journal->env.state);
    journal->syncs++;
    segj_unlock(&journal->env.state);
}

void segj_journal_leave(oversized_t *journal)
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
    SEGJ_ENTER(journal, oversized_sync(journal, number));
    segj_journal_enter(journal);
    segj_status_t status = sync_section(journal, number, NULL);
    segj_journal_leave(journal);
    return status;
}

segj_status_t oversized_sync_start(oversized_t *journal, uint64_t section, oversized_ticket_t *ticket)
{
    SEGJ_ENTER(journal, oversized_sync_start(journal, section, ticket));
    if (ticket == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "oversized_sync_start: ticket is NULL");
    segj_journal_enter(journal);
    segj_status_t status = start_sync(journal, section, ticket);
    segj_journal_leave(journal);
    return status;
}

segj_status_t oversized_sync_wait(oversized_t *journal, const oversized_ticket_t *ticket)
{
    SEGJ_ENTER(journal, oversized_sync_wait(journal, ticket));
    if (ticket == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "oversized_sync_wait: ticket is NULL");
    segj_journal_enter(journal);
    segj_status_t status = sync_section(journal, ticket->section, ticket);
    segj_journal_leave(journal);
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

/* A section that a prune has hidden may come back, and is synced then. */
static segj_status_t sync_pruned(oversized_t *journal, uint64_t number)
{
    segj_lock(&journal->env.state);
    while (journal->hidden > 0)
        segj_wait(&journal->env.changed, &journal->env.state);
    segj_unlock(&journal->env.state);
    return sync_section(journal, number, NULL);
}

/* Takes `change`. Inherited sections that a prune has hidden are not in the table, and may come back: it waits for
 * that. */
static void lock_for_all(oversized_t *journal)
{
    bool waited = journal->env.format != SEGJ_FORMAT_NATIVE;
    segj_lock(&journal->change);
    while (waited) {
        segj_lock(&journal->env.state);
        waited = journal->hidden > 0;
        if (waited)
            segj_unlock(&journal->change);
        while (journal->hidden > 0)
            segj_wait(&journal->env.changed, &journal->env.state);
        segj_unlock(&journal->env.state);
        if (waited)
            segj_lock(&journal->change);
    }
}

static segj_status_t sync_all(oversized_t *journal)
{
    uint64_t *numbers = NULL;
    size_t count = 0;
    lock_for_all(journal);
    segj_status_t status = segj_journal_changeable(journal);
    if (status == SEGJ_OK)
        status = dirty_sections(journal, &numbers, &count);
    segj_unlock(&journal->change);
    segj_sentence_t first;
    bool failed = false;
    for (size_t i = 0; i < count; i++) {
        segj_status_t one = sync_section(journal, numbers[i], NULL);
        if (one == SEGJ_ERR_PRUNED)
            one = sync_pruned(journal, numbers[i]);
        if (one == SEGJ_OK || one == SEGJ_ERR_PRUNED || status != SEGJ_OK)
            continue;
        status = one;
        segj_keep(&first);
        failed = true;
    }
    free(numbers);
    if (failed)
        segj_say_again(&first);
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
