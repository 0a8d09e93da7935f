/*
 * oversized/section/durable.c: making a section durable. A sync takes over what its section holds (under the change
 * lock), works on the storage (under none), and then says what has become durable (under the state lock). Of a section
 * one sync is under way at a time.
 *
 * If the power goes anywhere in between, the disk holds everything that earlier syncs covered, and any part of what
 * this one writes: pages keep the slot of their last synced state, frames lie after the last synced one.
 */
#include "oversized/section/durable.h"

#include "base/bytes.h"
#include "base/process.h"
#include "oversized/section/group.h"

/* The trainer is asked to look at a section when it has so many stored bytes: this multiple of the dictionary's size,
 * and at least this minimum; and once more at 2^4 times that. */
#define TRAINING_FACTOR 32
#define TRAINING_LEAST ((uint64_t)64 << 10)
#define TRAINING_STEP 4
#define TRAININGS 2

/* W is written when a completed sync has moved it further than this (DESIGN.md, "Watermark"). */
#define MARK_RECORDS 1024
#define MARK_BYTES ((uint64_t)1 << 20)

/* Version 2: how far W may lag behind what is durable. The next open walks through so much of each section that was
 * being written. */
#define LAG_RECORDS 4096
#define LAG_BYTES ((uint64_t)4 << 20)
#define LAG_BYTES_OF_ALL ((uint64_t)64 << 20)

/* Whether the index is written too: of version 2 only when it lags far behind. Under change. */
SEGJ_UNDER_CHANGE static bool wants_index(const oversized_t *journal, const segj_section_t *section)
{
    const segj_point_t *mark = &section->index.mark;
    if (!segj_section_is_log(section))
        return true;
    uint64_t most = segj_min_u64(LAG_BYTES, LAG_BYTES_OF_ALL / journal->writers);
    return section->index.records - mark->records > LAG_RECORDS || section->values.size - mark->end > most;
}

segj_status_t segj_sync_begin(oversized_t *journal, segj_section_t *section, segj_capture_t *capture)
{
    segj_assert_held(&journal->change);
    segj_status_t status = segj_glob_keep_ahead(&section->values, &journal->shared);
    capture->with_index = wants_index(journal, section);
    capture->index_durable = false;
    capture->index = segj_paged_capture_nothing();
    if (status == SEGJ_OK && capture->with_index)
        status = segj_paged_capture(section->index.tail, &journal->shared.pages, &capture->index);
    if (status != SEGJ_OK)
        return status;
    segj_glob_capture(&section->values, &journal->shared, &capture->values);
    segj_glob_set_apart(&section->values);
    segj_lock(&journal->shared.state);
    section->syncing = true;
    capture->appended = segj_section_appended(section);
    capture->records = section->index.records;
    capture->size = section->values.size;
    capture->trailer = section->values.trailer;
    capture->name_epoch = section->name_epoch > journal->names_synced ? section->name_epoch : 0;
    segj_unlock(&journal->shared.state);
    capture->names = journal->names_made;
    capture->index_named = journal->names_made <= journal->index_named;
    capture->values_written = false;
    capture->time = capture->took = 0;
    return SEGJ_OK;
}

/* index_named: the index files' names are durable as it is. */
static segj_status_t durable_sync_partitions(const segj_shared_t *shared, bool index_named)
{
    segj_status_t status = index_named ? SEGJ_OK : segj_partition_sync(&shared->index);
    return status == SEGJ_OK ? segj_partition_sync(&shared->values) : status;
}

/*
 * Where no token names the writer, sizes are compared: the files are at least as long as what was written, and no
 * longer than what is known while nothing is being appended.
 */
static segj_status_t check_length(oversized_t *journal, const segj_io_file_t *file, uint64_t least, uint64_t most)
{
    uint64_t size = 0;
    segj_status_t status = segj_io_size(file, &size);
    if (status != SEGJ_OK || (size >= least && size <= most))
        return status;
    segj_io_say(file, size,
                "the file ends here, and should end at %llu to %llu: another writer has written to it; nothing "
                "more is written; open the journal again, once",
                (unsigned long long)least, (unsigned long long)most);
    return segj_shared_poison(&journal->shared, SEGJ_ERR_POISONED);
}

/* Not followed: the change lock is tried for, and nothing is lost where another thread, or the caller, has it. */
SEGJ_NO_THREAD_SAFETY_ANALYSIS static segj_status_t check_lengths(oversized_t *journal, const segj_section_t *section,
                                                                  const segj_capture_t *capture)
{
    const segj_shared_t *shared = &journal->shared;
    const segj_io_file_t *index = &section->index.handle.file;
    const segj_io_file_t *values = &section->values.handle.file;
    if (shared->format == SEGJ_FORMAT_NATIVE)
        return SEGJ_OK;
    bool quiet = segj_gate_try(&journal->change);
    bool known = quiet && !section->streaming && !section->values.tail_dirty;
    segj_status_t status =
        check_length(journal, index, segj_fixed_file_size(shared, index->data, capture->records),
                     known ? segj_fixed_file_size(shared, index->data, section->index.records) : UINT64_MAX);
    if (status == SEGJ_OK)
        status = check_length(journal, values, values->data + capture->size,
                              known ? values->data + section->values.size : UINT64_MAX);
    if (quiet)
        segj_gate_leave(&journal->change);
    return status;
}

/* From the first fsync on a failure leaves unknown what the disk holds. */
static segj_status_t durable_make(oversized_t *journal, const segj_section_t *section, const segj_capture_t *capture)
{
    segj_status_t status = segj_flusher_sync(&journal->flusher, &journal->shared, &section->index.handle.file,
                                             &section->values.handle.file);
    if (status == SEGJ_OK && capture->name_epoch != 0)
        status = durable_sync_partitions(&journal->shared, capture->index_named);
    return status == SEGJ_OK ? SEGJ_OK : segj_shared_poison(&journal->shared, status);
}

/* Nothing is acknowledged that another opener, which has come since, may not have seen. A look that
 * fails leaves the sync to be made again. */
static segj_status_t look_for_others(oversized_t *journal, const segj_section_t *section, const segj_capture_t *capture)
{
    segj_status_t status = segj_owner_check(&journal->shared);
    return status == SEGJ_OK ? check_lengths(journal, section, capture) : status;
}

/* Losing a mark costs the next open time, never data: a failure is only logged, but for that the journal is another
 * opener's. */
static segj_status_t forgive_mark(oversized_t *journal, segj_status_t status, const char *what)
{
    if (status == SEGJ_OK || status == SEGJ_ERR_LOCKED)
        return status;
    segj_shared_log(&journal->shared, SEGJ_LOG_WARNING, "a watermark could not be %s: %s", what, segj_last_error());
    return SEGJ_OK;
}

static segj_status_t durable_mark(oversized_t *journal, segj_section_t *section, segj_point_t at)
{
    return forgive_mark(journal, segj_fixed_mark(&section->index, &section->index.handle.file, at), "written");
}

/* --- version 2: the values file is a log, and the index follows it --- */

/* What the index lacks is written, and then W says so. The values are durable. Where the storage has no room for the
 * index, or does not take it, W lags. */
static segj_status_t write_index(oversized_t *journal, segj_section_t *section, segj_capture_t *capture)
{
    segj_fixed_t *index = &section->index;
    segj_status_t status = segj_paged_write(index->tail, &index->handle.file, &capture->index);
    if (status != SEGJ_OK)
        return status;
    status = segj_io_sync(&index->handle.file);
    if (status != SEGJ_OK)
        return segj_shared_poison(&journal->shared, status);
    capture->index_durable = true;
    index->mark_pending = false;
    return durable_mark(journal, section, (segj_point_t){capture->records, capture->size, capture->trailer});
}

/* A sync of what the log has is good whatever becomes of the index, unless that poisons. */
static segj_status_t write_lagging_index(oversized_t *journal, segj_section_t *section, segj_capture_t *capture)
{
    segj_status_t status = write_index(journal, section, capture);
    if (status == SEGJ_OK || atomic_load_explicit(&journal->shared.poisoned, memory_order_relaxed))
        return status;
    segj_shared_log(&journal->shared, SEGJ_LOG_WARNING, "an index lags behind its values: %s", segj_last_error());
    return SEGJ_OK;
}

static segj_status_t transfer_log(oversized_t *journal, segj_section_t *section, segj_capture_t *capture)
{
    capture->values.quiet = true; /* the flush follows at once */
    segj_status_t status = segj_glob_write(&section->values.handle.file, &capture->values);
    capture->values_written = status == SEGJ_OK;
    if (status != SEGJ_OK)
        return status;
    status = segj_io_sync(&section->values.handle.file);
    if (status == SEGJ_OK && capture->name_epoch != 0)
        status = durable_sync_partitions(&journal->shared, capture->index_named);
    if (status != SEGJ_OK)
        return segj_shared_poison(&journal->shared, status);
    status = look_for_others(journal, section, capture);
    if (status == SEGJ_OK && capture->with_index && segj_journal_changeable(journal) == SEGJ_OK)
        status = write_lagging_index(journal, section, capture);
    return status;
}

segj_status_t segj_section_catch_up(oversized_t *journal, segj_section_t *section, segj_point_t at)
{
    segj_fixed_t *index = &section->index;
    segj_capture_t capture = {.records = at.records, .size = at.end, .trailer = at.trailer};
    segj_status_t status = segj_paged_capture(index->tail, &journal->shared.pages, &capture.index);
    if (status != SEGJ_OK)
        return status;
    status = write_index(journal, section, &capture);
    segj_lock(&journal->shared.state);
    segj_paged_finish(index->tail, &journal->shared.pages, &capture.index, capture.index_durable);
    segj_unlock(&journal->shared.state);
    return status;
}

/* --- both versions --- */

segj_status_t segj_sync_transfer(oversized_t *journal, segj_section_t *section, segj_capture_t *capture)
{
    uint64_t begun = segj_process_time();
    if (segj_section_is_log(section)) {
        segj_status_t answer = transfer_log(journal, section, capture);
        capture->took = segj_process_time() - begun;
        return answer;
    }
    segj_status_t status = segj_glob_write(&section->values.handle.file, &capture->values);
    capture->values_written = status == SEGJ_OK;
    if (status == SEGJ_OK)
        status = segj_paged_write(section->index.tail, &section->index.handle.file, &capture->index);
    if (status == SEGJ_OK)
        status = durable_make(journal, section, capture);
    if (status == SEGJ_OK)
        status = look_for_others(journal, section, capture);
    /* Only what this sync has just covered is marked, and no other sync of the section can run yet: the fsync above has
     * also covered the slot written last, so that of the two one is always whole. */
    if (status != SEGJ_OK)
        return status;
    capture->took = segj_process_time() - begun;
    section->index.mark_pending = false;
    if (segj_journal_changeable(journal) == SEGJ_OK && (capture->records > section->index.mark.records + MARK_RECORDS ||
                                                        capture->size > section->index.mark.end + MARK_BYTES))
        status = durable_mark(journal, section, (segj_point_t){.records = capture->records, .end = capture->size});
    return status;
}

/* Under state. The next sections get a dictionary from this one when it has enough, and a better one when it has more.
 * Each is asked for once. */
SEGJ_UNDER_STATE static bool is_to_be_trained_from(const oversized_t *journal, segj_section_t *section, uint64_t size)
{
    if (journal->trainer.size == 0 || section->trainings == TRAININGS || !section->values.compressed ||
        !segj_section_is_log(section))
        return false;
    uint64_t wanted = segj_max_u64((uint64_t)journal->trainer.size * TRAINING_FACTOR, TRAINING_LEAST);
    if (size < wanted << (TRAINING_STEP * section->trainings))
        return false;
    section->trainings++;
    return true;
}

void segj_sync_finish(oversized_t *journal, segj_section_t *section, const segj_capture_t *capture,
                      segj_status_t status)
{
    bool synced = status == SEGJ_OK;
    segj_lock(&journal->shared.state);
    segj_glob_finish(&section->values, &journal->shared, &capture->values, capture->values_written);
    segj_paged_finish(section->index.tail, &journal->shared.pages, &capture->index,
                      synced && (capture->index_durable || !segj_section_is_log(section)));
    if (synced) {
        section->synced = section->handed = capture->appended;
        section->synced_size = capture->size;
        section->index.durable = capture->records;
        section->name_epoch = 0;
        if (capture->name_epoch != 0)
            journal->names_synced = segj_max_u64(journal->names_synced, capture->names);
    }
    segj_waiter_t *told = segj_group_end(journal, section, capture->appended, status);
    bool train = synced && is_to_be_trained_from(journal, section, capture->size);
    if (synced)
        segj_tally_sync(&journal->tally, section->group, capture->took);
    if (capture->time > 0)
        section->group_time = (uint32_t)segj_min_u64(capture->time / 1000, UINT32_MAX);
    segj_unlock(&journal->shared.state);
    segj_group_wake(told);
    if (train)
        (void)segj_trainer_ask(journal, section->node.number);
    if (synced)
        segj_shared_trace(&journal->shared, SEGJ_LOG_DEBUG,
                          "%s: section %llu is synced: %llu records, %llu bytes of values", journal->directory,
                          (unsigned long long)section->node.number, (unsigned long long)capture->records,
                          (unsigned long long)capture->size);
}

void segj_section_wait_for_sync(oversized_t *journal, segj_section_t *section)
{
    segj_lock(&journal->shared.state);
    while (section->syncing)
        segj_wait(&journal->shared.changed, &journal->shared.state);
    segj_unlock(&journal->shared.state);
}

segj_status_t segj_section_sync_names(oversized_t *journal, segj_section_t *section)
{
    uint64_t names = journal->names_made;
    segj_lock(&journal->shared.state);
    bool pending = section->name_epoch > journal->names_synced;
    segj_unlock(&journal->shared.state);
    bool index_named = names <= journal->index_named;
    segj_status_t status = pending ? durable_sync_partitions(&journal->shared, index_named) : SEGJ_OK;
    if (status != SEGJ_OK)
        return segj_shared_poison(&journal->shared, status);
    segj_lock(&journal->shared.state);
    section->name_epoch = 0;
    if (pending)
        journal->names_synced = segj_max_u64(journal->names_synced, names);
    segj_unlock(&journal->shared.state);
    return SEGJ_OK;
}

segj_status_t segj_section_fail_room(oversized_t *journal, const segj_section_t *section)
{
    segj_lock(&journal->shared.state);
    unsigned long long durable = section->index.durable;
    bool poisoned = atomic_load_explicit(&journal->shared.poisoned, memory_order_relaxed);
    segj_unlock(&journal->shared.state);
    if (!poisoned)
        segj_say_after("; %llu records are durable, a rewind to %llu or fewer needs no space", durable, durable);
    return SEGJ_ERR_NO_SPACE;
}

segj_status_t segj_section_sync(oversized_t *journal, segj_section_t *section)
{
    segj_assert_held(&journal->change);
    segj_capture_t capture;
    segj_section_wait_for_sync(journal, section);
    segj_status_t status = segj_journal_changeable(journal);
    if (status != SEGJ_OK || segj_section_is_clean(section))
        return status;
    status = segj_sync_begin(journal, section, &capture);
    if (status != SEGJ_OK)
        return status;
    status = segj_sync_transfer(journal, section, &capture);
    segj_sync_finish(journal, section, &capture, status);
    return status;
}

static segj_status_t mark_truncation(oversized_t *journal, segj_fixed_t *index)
{
    segj_status_t status = segj_fixed_mark_again(index, &index->handle.file);
    if (status != SEGJ_OK)
        return status;
    status = segj_io_sync(&index->handle.file);
    if (status != SEGJ_OK)
        return segj_shared_poison(&journal->shared, status);
    index->mark_pending = false;
    return SEGJ_OK;
}

/*
 * What goes is marked before it is cut, as a rewind's is: if the process is killed between the cut and its sync, the
 * files look as a close leaves them, and the next open must not take the cut for durable.
 */
segj_status_t segj_section_truncate_tail(oversized_t *journal, segj_section_t *section)
{
    segj_assert_held(&journal->change);
    segj_fixed_t *index = &section->index;
    if (!section->values.tail_dirty)
        return SEGJ_OK;
    segj_section_wait_for_sync(journal, section); /* a sync may be raising W */
    segj_status_t status = segj_journal_changeable(journal);
    /* Where W lags, the next open makes durable what it finds after it. */
    bool marked = index->has_marks && !(segj_section_is_log(section) && index->claimed < index->records);
    if (status == SEGJ_OK && marked)
        status = mark_truncation(journal, index);
    if (status == SEGJ_OK)
        status = segj_glob_truncate_tail(&section->values, &journal->shared);
    if (status == SEGJ_OK && marked)
        status = forgive_mark(journal, segj_fixed_clear_mark(index, &index->handle.file), "cleared");
    return status;
}

void segj_section_withdraw(oversized_t *journal, segj_section_t *section)
{
    segj_assert_held(&journal->change);
    segj_sentence_t cause;
    if (!segj_section_is_log(section) || !section->values.tail_dirty)
        return;
    segj_keep(&cause);
    segj_status_t status = segj_section_truncate_tail(journal, section);
    /* Where the marks cannot be written, as on a disk that needs space for that and has none, the cut may still be
     * made. */
    if (status != SEGJ_OK && segj_journal_changeable(journal) == SEGJ_OK)
        status = segj_glob_truncate_tail(&section->values, &journal->shared);
    if (status != SEGJ_OK)
        (void)segj_shared_poison(&journal->shared, status);
    segj_say_again(&cause);
}

/* To all that is durable. At the end of a journal an index of version 2 that cannot follow is the next open's work; a
 * section that stays in use needs it, because readers look there. */
SEGJ_UNDER_CHANGE static segj_status_t mark_what_is_durable(oversized_t *journal, segj_section_t *section, bool at_end)
{
    const segj_point_t at = {section->index.durable, section->values.size, section->values.trailer};
    if (!segj_section_is_log(section))
        return durable_mark(journal, section, (segj_point_t){.records = at.records, .end = at.end});
    segj_status_t status = segj_section_catch_up(journal, section, at);
    if (status == SEGJ_OK || !at_end || atomic_load_explicit(&journal->shared.poisoned, memory_order_relaxed))
        return status;
    segj_shared_log(&journal->shared, SEGJ_LOG_WARNING, "an index lags behind its values: %s", segj_last_error());
    return SEGJ_OK;
}

/* At the end of a journal what a failed append has left is the next open's work, where even a mark that it goes has no
 * room, as on a file system that never writes in place. All that was appended is durable. */
SEGJ_UNDER_CHANGE static bool is_tail_left(const oversized_t *journal, const segj_section_t *section)
{
    if (!segj_section_is_clean(section) || atomic_load_explicit(&journal->shared.poisoned, memory_order_relaxed))
        return false;
    segj_shared_log(&journal->shared, SEGJ_LOG_WARNING, "what a failed append has left is for the next open to cut: %s",
                    segj_last_error());
    return true;
}

segj_status_t segj_section_sync_and_mark(oversized_t *journal, segj_section_t *section, bool durably)
{
    segj_assert_held(&journal->change);
    segj_status_t status = segj_section_sync(journal, section);
    if (status == SEGJ_OK && section->active)
        status = segj_section_truncate_tail(journal, section);
    if (status == SEGJ_ERR_NO_SPACE && durably && is_tail_left(journal, section))
        return SEGJ_OK;
    if (status != SEGJ_OK || !section->active)
        return status;
    if (section->index.mark.records != section->index.durable)
        status = mark_what_is_durable(journal, section, durably);
    if (status != SEGJ_OK)
        return status;
    segj_shared_trace(&journal->shared, SEGJ_LOG_DEBUG, "%s: the watermark of section %llu is %llu records",
                      journal->directory, (unsigned long long)section->node.number,
                      (unsigned long long)section->index.mark.records);
    bool trimmed;
    status = segj_glob_trim(&section->values, &trimmed);
    if (status != SEGJ_OK || !durably)
        return status;
    if (section->index.mark_pending)
        status = segj_io_sync(&section->index.handle.file);
    section->index.mark_pending = status != SEGJ_OK;
    if (status == SEGJ_OK && trimmed)
        status = segj_io_sync(&section->values.handle.file);
    return status == SEGJ_OK ? SEGJ_OK : segj_shared_poison(&journal->shared, status);
}

segj_status_t segj_section_await(oversized_t *journal, segj_section_t *section, const uint64_t *reached,
                                 uint64_t target, bool *covered)
{
    segj_assert_held(&journal->change);
    for (;;) {
        segj_lock(&journal->shared.state);
        *covered = *reached >= target || segj_section_gone(journal, section);
        bool busy = section->syncing || section->removed;
        if (*covered || !busy) {
            segj_unlock(&journal->shared.state);
            return SEGJ_OK;
        }
        segj_gate_leave(&journal->change);
        while (section->syncing || segj_section_undecided(journal, section))
            segj_wait(&journal->shared.changed, &journal->shared.state);
        segj_unlock(&journal->shared.state);
        segj_gate_enter(&journal->change);
        segj_status_t status = segj_journal_changeable(journal);
        if (status != SEGJ_OK)
            return status;
    }
}
