/*
 * oversized/write/rewind.c: taking records back. Each step is durable before the next:
 *   1. what stays, so that W may say so: the section is synced as it stands, unless all that stays is durable already.
 *      Then nothing is written of what goes, for which there may be no space. The page that will be the last is written
 *      as it reads: where there is no room for that either, the rewind is refused;
 *   2. W in both slots, which marks the cut: from here on open trusts no more than stays;
 *   3. the index is cut (journal/fixed.h); a crash here leaves the old or the new end, or one between;
 *   4. the values are cut; a crash here leaves bytes after the last frame, which open cuts;
 *   5. the older slot is cleared: the freed offsets may be used again.
 * A later section goes before, by the rules of remove.c. Whatever fails from the sync of step 2 on leaves the disk in a
 * state that only open can judge, and poisons the journal; but for step 5, which may want room.
 */
#include "base/bytes.h"
#include "journal/record_format.h"
#include "oversized/section/durable.h"
#include "oversized/section/writers.h"
#include "oversized/write/remove.h"

/* Where the values of the first at->records records end, and the last of these. The last of them is read whole, with
 * what it has in the page before: a section that ends with a damaged record would lose that at the next open. */
static segj_status_t end_of_values(oversized_t *journal, segj_section_t *section, segj_point_t *at,
                                   oversized_location_t *last)
{
    segj_shared_t *shared = &journal->shared;
    uint8_t *record = journal->record;
    *last = (oversized_location_t){0, 0};
    if (at->records == 0)
        return SEGJ_OK;
    segj_lock(&shared->state);
    uint64_t offset = (at->records - 1) * shared->record_size;
    segj_status_t status = segj_fixed_read(&section->index, shared, offset, shared->record_size, record);
    segj_unlock(&shared->state);
    if (status == SEGJ_OK) {
        *last = segj_location_decode(record + journal->entry_size);
        if (!segj_location_end(section->values.handle.file.head, *last, section->values.size, &at->end))
            status = segj_fail(SEGJ_ERR_CORRUPT, "section %llu, record %llu: its location reaches past the values",
                               (unsigned long long)section->node.number, (unsigned long long)(at->records - 1));
    }
    return status == SEGJ_OK ? SEGJ_OK : segj_context(status, "rewind");
}

/* The page that will be the last is written as it reads before anything changes: it must hold what stays, and a storage
 * that has no room for it refuses the rewind here. */
static segj_status_t rewrite_last_page(oversized_t *journal, const segj_section_t *section, uint64_t records)
{
    segj_status_t status = segj_fixed_rewrite_last(&journal->shared, &section->index.handle.file, records);
    if (status == SEGJ_ERR_CORRUPT)
        segj_say_after(", a rewind cannot end in it");
    return status;
}

/* Step 2. Marks that cannot be written, as on a disk that needs space for that and has none, change nothing; but a
 * rewind that has `begun` has removed sections. */
static segj_status_t rewind_mark(segj_shared_t *shared, segj_fixed_t *index, segj_point_t at, bool begun)
{
    const segj_io_file_t *file = &index->handle.file;
    segj_status_t status = segj_fixed_have_numbers(index, file);
    if (status != SEGJ_OK)
        return segj_shared_poison(shared, status);
    status = segj_fixed_write_marks(index, file, at);
    if (status != SEGJ_OK) {
        if (index->version == 1 && at.records < index->mark.records)
            index->mark = at; /* the next mark is made soon enough */
        return begun ? segj_shared_poison(shared, status) : status;
    }
    status = segj_fixed_sync_marks(index, file, at);
    return status == SEGJ_OK ? SEGJ_OK : segj_shared_poison(shared, status);
}

/* Step 5. Everything is cut durably before it: where a disk that wants space for overwriting has none, the slots stay
 * equal, and all that costs is that the next open makes the section durable once more. */
static segj_status_t rewind_clear_mark(const segj_shared_t *shared, segj_fixed_t *index)
{
    segj_status_t status = segj_fixed_clear_mark(index, &index->handle.file);
    if (status != SEGJ_ERR_NO_SPACE)
        return status;
    segj_shared_log(shared, SEGJ_LOG_WARNING, "a watermark could not be cleared: %s", segj_last_error());
    return SEGJ_OK;
}

/* Readers see the new end from here on; one that is under way finds the generation changed. Pages that are read while
 * the file is being cut still have what goes: they get an id that is used no longer than that. */
SEGJ_UNDER_CHANGE static void begin_cut(oversized_t *journal, segj_section_t *section, segj_point_t at)
{
    segj_fixed_t *index = &section->index;
    uint64_t cutting_id = segj_page_cache_id(journal->shared.cache);
    segj_lock(&journal->shared.state);
    uint64_t gone = index->records - at.records;
    segj_tally_gone(&journal->tally, gone, segj_section_stored(section, gone, section->values.size - at.end));
    index->records = index->durable = at.records;
    index->cache_id = cutting_id; /* what is read from now on is kept up to the new end */
    index->cutting = true;
    section->values.size = section->synced_size = at.end;
    if (section->cursor.records > at.records)
        section->cursor = (segj_point_t){0};
    if (section->known.records > at.records)
        section->known = (segj_point_t){0};
    section->generation = ++journal->generations;
    segj_section_count_append(section);
    section->synced = section->handed = segj_section_appended(section);
    atomic_fetch_add(&journal->removals, 1);
    segj_unlock(&journal->shared.state);
}

static void end_cut(oversized_t *journal, segj_section_t *section)
{
    segj_fixed_t *index = &section->index;
    segj_lock(&journal->shared.state);
    index->cutting = false;
    index->activations++;
    segj_wake_all(&journal->shared.changed);
    segj_unlock(&journal->shared.state);
}

/* Steps 2 to 5. What is in memory of records and values that go is dropped, written or not. */
SEGJ_UNDER_CHANGE static segj_status_t cut(oversized_t *journal, segj_section_t *section, segj_point_t at, bool begun)
{
    segj_shared_t *shared = &journal->shared;
    segj_fixed_t *index = &section->index;
    const segj_io_file_t *file = &index->handle.file;
    segj_status_t status = rewind_mark(shared, index, (segj_point_t){.records = at.records, .end = at.end}, begun);
    if (status != SEGJ_OK)
        return status;
    begin_cut(journal, section, at);
    status = segj_fixed_cut_rewritten(shared, file, at.records);
    if (status == SEGJ_OK)
        status = segj_glob_cut(&section->values.handle.file, at.end, false);
    if (status == SEGJ_OK)
        section->values.tail_dirty = false; /* what a failed append has left after the end went too */
    if (status == SEGJ_OK)
        status = rewind_clear_mark(shared, index);
    if (status != SEGJ_OK)
        status = segj_shared_poison(shared, status);
    end_cut(journal, section);
    /* The next append reads the last page as it is now. */
    segj_section_deactivate(journal, section);
    return status;
}

/* --- version 2 ---
 *
 * The values file is the log: when its cut is durable, the rewind has happened. W says so first, durably, where it may
 * lie above what stays; above W the next open finds out by itself. The slot that had W says it until then. It must be
 * gone before values are appended: they might be the same as those that were cut, and the slot would speak of them. The
 * index need not follow: at and above W nothing of it is trusted. So its pages are not shortened, what of them is in
 * memory is cut there, and its file's cut is not waited for.
 */

/* What a head says of its frame's place in a batch, and the checksum after the frame. They are in the file. */
static segj_status_t look_at_last(const segj_section_t *section, oversized_location_t location, uint64_t end,
                                  uint32_t *trailer, bool *goes_on)
{
    const segj_io_file_t *file = &section->values.handle.file;
    uint8_t sum[SEGJ_FRAME_TRAILER];
    uint8_t flags = 0;
    segj_status_t status = segj_io_read(file, file->data + end - sizeof sum, sum, sizeof sum, NULL);
    if (status == SEGJ_OK)
        status = segj_io_read(file, file->data + location.offset + SEGJ_HEAD_FLAGS, &flags, sizeof flags, NULL);
    if (status != SEGJ_OK)
        return status;
    *trailer = segj_get_u32(sum);
    *goes_on = (flags & SEGJ_HEAD_GOES_ON) != 0;
    return SEGJ_OK;
}

/* Drops what is in memory of records and values that go; shared.scratch has the last page. */
static void cut_memory(oversized_t *journal, segj_section_t *section, segj_point_t at)
{
    segj_shared_t *shared = &journal->shared;
    segj_fixed_t *index = &section->index;
    segj_lock(&shared->state);
    segj_glob_discard(&section->values, shared);
    section->values.trailer = section->values.placed_trailer = at.trailer;
    if (index->tail != NULL)
        segj_paged_cut(index->tail, &shared->pages, at.records * shared->record_size, shared->scratch);
    segj_unlock(&shared->state);
}

/* Whether zeros follow what stays, up to the end of its sector. After a sync that has failed they also do where the one
 * before has ended. Before the cut begins, which changes both. */
static bool is_sector_filled(const segj_section_t *section, uint64_t end)
{
    return segj_glob_filled(&section->values, end) ||
           (section->values.handle.file.sector > 0 && section->synced_size == end);
}

/* index_size: of the index file, which is never made longer. */
static segj_status_t cut_files(const segj_shared_t *shared, segj_section_t *section, segj_point_t at,
                               uint64_t index_size, bool filled)
{
    const segj_io_file_t *file = &section->index.handle.file;
    uint64_t kept = segj_fixed_file_size(shared, file->data, at.records);
    segj_status_t status = segj_glob_cut(&section->values.handle.file, at.end, filled);
    if (status == SEGJ_OK)
        section->values.tail_dirty = false;
    return status == SEGJ_OK && index_size > kept ? segj_io_truncate(file, kept) : status;
}

/* Where a raise has failed, W as it is known may have less than stays, and the slot that has it would show no cut: then
 * both come to say the same. */
static segj_status_t mark_log(segj_shared_t *shared, segj_fixed_t *index, segj_point_t at, bool begun)
{
    bool both = index->sequence > 0 && index->mark.records < at.records;
    segj_status_t status = rewind_mark(shared, index, at, begun);
    return status == SEGJ_OK && both ? rewind_mark(shared, index, at, begun) : status;
}

SEGJ_UNDER_CHANGE static segj_status_t cut_log(oversized_t *journal, segj_section_t *section, segj_point_t at,
                                               bool begun)
{
    segj_shared_t *shared = &journal->shared;
    segj_fixed_t *index = &section->index;
    bool marked = at.records <= index->claimed;
    bool filled = is_sector_filled(section, at.end);
    uint64_t size = 0;
    segj_status_t status = segj_io_size(&index->handle.file, &size);
    if (status != SEGJ_OK)
        return begun ? segj_shared_poison(shared, status) : status;
    status = marked ? mark_log(shared, index, at, begun) : SEGJ_OK;
    if (status != SEGJ_OK)
        return status;
    begin_cut(journal, section, at);
    status = cut_files(shared, section, at, size, filled);
    cut_memory(journal, section, at);
    if (status == SEGJ_OK && marked)
        status = segj_fixed_clear_mark(index, &index->handle.file);
    if (status == SEGJ_OK && marked)
        status = segj_io_sync(&index->handle.file);
    if (status != SEGJ_OK)
        status = segj_shared_poison(shared, status);
    end_cut(journal, section);
    return status;
}

/* The page that will be the last, into shared.scratch. */
static segj_status_t read_last_page(segj_shared_t *shared, segj_fixed_t *index, uint64_t records)
{
    uint64_t bytes = records * shared->record_size;
    size_t partial = (size_t)(bytes % shared->page_size);
    segj_lock(&shared->state);
    segj_status_t status = segj_fixed_read(index, shared, bytes - partial, partial, shared->scratch);
    segj_unlock(&shared->state);
    return status;
}

/* Where a batch is cut in its middle, W says that this is its end: a part of a batch is otherwise what a crash has
 * left. */
SEGJ_UNDER_CHANGE static segj_status_t prepare_log(oversized_t *journal, segj_section_t *section,
                                                   oversized_location_t last, segj_point_t *at)
{
    bool goes_on = false;
    segj_status_t status = at->records > 0 ? look_at_last(section, last, at->end, &at->trailer, &goes_on) : SEGJ_OK;
    if (status == SEGJ_OK && goes_on && at->records > section->index.claimed) {
        status = segj_section_activate(journal, section);
        if (status == SEGJ_OK)
            status = segj_section_catch_up(journal, section, *at);
    }
    return status == SEGJ_OK ? read_last_page(&journal->shared, &section->index, at->records) : status;
}

/* Step 1. What no sync has covered is written only where some of it stays. */
SEGJ_UNDER_CHANGE static segj_status_t rewind_make_durable(oversized_t *journal, segj_section_t *section,
                                                           uint64_t records)
{
    segj_section_wait_for_sync(journal, section);
    segj_status_t status = segj_journal_changeable(journal); /* a sync that was waited for may have poisoned it */
    if (status == SEGJ_OK && records <= section->index.durable)
        return segj_section_sync_names(journal, section);
    if (status == SEGJ_OK)
        status = segj_section_sync(journal, section);
    if (status == SEGJ_OK)
        status = segj_section_truncate_tail(journal, section);
    return status == SEGJ_ERR_NO_SPACE ? segj_section_fail_room(journal, section) : status;
}

/* What can be refused is refused here, with nothing changed but that what stays is synced. */
SEGJ_UNDER_CHANGE static segj_status_t rewind_prepare(oversized_t *journal, segj_section_t *section, segj_point_t *at)
{
    oversized_location_t last;
    segj_status_t status = end_of_values(journal, section, at, &last);
    if (status == SEGJ_OK)
        status = segj_section_pin_for_write_briefly(journal, section);
    if (status == SEGJ_OK)
        status = rewind_make_durable(journal, section, at->records);
    if (status == SEGJ_OK)
        status = segj_section_is_log(section) ? prepare_log(journal, section, last, at)
                                              : rewrite_last_page(journal, section, at->records);
    return segj_journal_judge_damage(journal, status);
}

/* *begun: there were some. */
SEGJ_UNDER_CHANGE static segj_status_t remove_later(oversized_t *journal, uint64_t number, bool *begun)
{
    *begun = false;
    if (number == UINT64_MAX)
        return SEGJ_OK;
    segj_lock(&journal->shared.state);
    size_t first = segj_sections_lower(&journal->sections, number + 1);
    size_t last = journal->sections.count;
    segj_unlock(&journal->shared.state);
    *begun = first < last;
    return segj_sections_unlink(journal, first, last, true);
}

static bool has_later(oversized_t *journal, uint64_t number)
{
    segj_lock(&journal->shared.state);
    size_t count = journal->sections.count;
    bool later = count > 0 && journal->sections.order[count - 1]->number > number;
    segj_unlock(&journal->shared.state);
    return later;
}

/** What a rewind leaves, for an archive that counts records. */
typedef struct rewind_rest {
    const oversized_t *journal;
    uint64_t number, records;
    bool later; /* later sections go */
} rewind_rest_t;

static uint64_t most_of_rewind(void *context, uint64_t section)
{
    const rewind_rest_t *rest = context;
    if (section == rest->number)
        return rest->records;
    return rest->later && section > rest->number ? 0 : UINT64_MAX;
}

static uint64_t is_rewound_there(void *context, uint64_t section)
{
    const rewind_rest_t *rest = context;
    return segj_journal_find(rest->journal, section) != NULL ? UINT64_MAX : 0;
}

/* Before any section is held. */
SEGJ_UNDER_CHANGE static segj_status_t guard_counts_of_rewind(oversized_t *journal, uint64_t number, uint64_t records,
                                                              bool later)
{
    rewind_rest_t rest = {journal, number, records, later};
    return segj_journal_guard_counts(journal, most_of_rewind, is_rewound_there, &rest);
}

/* Before anything goes. */
SEGJ_UNDER_CHANGE static segj_status_t lower_counts_of_rewind(oversized_t *journal, uint64_t number, uint64_t records,
                                                              bool later)
{
    rewind_rest_t rest = {journal, number, records, later};
    return segj_counts_lower(&journal->shared, most_of_rewind, &rest);
}

/* Takes the section's records from `records` on, and the later sections before. */
SEGJ_UNDER_CHANGE static segj_status_t rewind_shorten(oversized_t *journal, segj_section_t *section, uint64_t records,
                                                      bool later)
{
    segj_shared_t *shared = &journal->shared;
    segj_point_t at = {.records = records};
    segj_status_t status = guard_counts_of_rewind(journal, section->node.number, records, later);
    if (status != SEGJ_OK)
        return status;
    segj_lock(&shared->state);
    segj_maps_block_readers(&shared->maps);
    status = segj_section_block_views(section);
    segj_maps_allow_readers(&shared->maps);
    if (status == SEGJ_OK)
        segj_maps_drop(&shared->maps, &section->values.maps);
    segj_unlock(&shared->state);
    if (status != SEGJ_OK)
        return status;
    bool begun = false;
    status = rewind_prepare(journal, section, &at);
    if (status == SEGJ_OK)
        status = lower_counts_of_rewind(journal, section->node.number, records, later);
    if (status == SEGJ_OK && later)
        status = remove_later(journal, section->node.number, &begun);
    if (status == SEGJ_OK)
        status = segj_section_is_log(section) ? cut_log(journal, section, at, begun) : cut(journal, section, at, begun);
    if (status == SEGJ_OK)
        segj_shared_trace(shared, SEGJ_LOG_INFO, "%s: section %llu is rewound to %llu records", journal->directory,
                          (unsigned long long)section->node.number, (unsigned long long)records);
    if (section->index.tail == NULL)
        segj_section_deactivate(journal, section); /* held for the cut alone, it cannot be written to */
    segj_lock(&shared->state);
    segj_maps_block_readers(&shared->maps);
    segj_section_allow_views(section);
    segj_maps_allow_readers(&shared->maps);
    segj_unlock(&shared->state);
    return status;
}

/* Of the section itself nothing goes. */
SEGJ_UNDER_CHANGE static segj_status_t rewind_later(oversized_t *journal, uint64_t number, uint64_t records)
{
    bool begun;
    if (!has_later(journal, number))
        return SEGJ_OK;
    segj_status_t status = guard_counts_of_rewind(journal, number, records, true);
    if (status == SEGJ_OK)
        status = lower_counts_of_rewind(journal, number, records, true);
    return status == SEGJ_OK ? remove_later(journal, number, &begun) : status;
}

SEGJ_UNDER_CHANGE static segj_status_t rewind_to(oversized_t *journal, uint64_t number, uint64_t index_size, bool later)
{
    segj_status_t status = segj_journal_changeable(journal);
    if (status != SEGJ_OK)
        return status;
    uint32_t record_size = journal->shared.record_size;
    segj_lock(&journal->shared.state);
    segj_section_t *section = segj_journal_find(journal, number);
    uint64_t count = section != NULL ? section->index.records : 0;
    if (section == NULL && number < journal->prune_line)
        status = segj_journal_missing(journal, number);
    segj_unlock(&journal->shared.state);
    if (status != SEGJ_OK)
        return status;
    if (index_size % record_size != 0)
        return segj_fail(SEGJ_ERR_INVALID,
                         "rewind of section %llu: %llu bytes are no multiple of the record size, %u bytes",
                         (unsigned long long)number, (unsigned long long)index_size, (unsigned)record_size);
    uint64_t records = index_size / record_size;
    if (section == NULL && records > 0)
        return segj_fail(SEGJ_ERR_NO_RECORD, "rewind of section %llu: %llu records asked for, there is no such section",
                         (unsigned long long)number, (unsigned long long)records);
    if (records > count)
        return segj_fail(SEGJ_ERR_NO_RECORD, "rewind of section %llu: %llu records asked for, it has %llu records",
                         (unsigned long long)number, (unsigned long long)records, (unsigned long long)count);
    if (section != NULL && section->streaming)
        return segj_fail(SEGJ_ERR_BUSY, "a value is being streamed into section %llu", (unsigned long long)number);
    if (records < count)
        return rewind_shorten(journal, section, records, later);
    return later ? rewind_later(journal, number, records) : SEGJ_OK;
}

/* Under change. A rewind that removes sections waits for a prune to end; others run at the same time. */
SEGJ_UNDER_CHANGE static void await_removal(oversized_t *journal, uint64_t number)
{
    if (has_later(journal, number))
        segj_journal_await_removal(journal);
}

segj_status_t oversized_rewind(oversized_t *journal, uint64_t section, uint64_t index_size)
{
    SEGJ_ENTER(journal, oversized_rewind(journal, section, index_size));
    segj_gate_enter(&journal->change);
    await_removal(journal, section);
    segj_status_t status = rewind_to(journal, section, index_size, true);
    segj_gate_leave(&journal->change);
    return status;
}

segj_status_t oversized_rewind_section(oversized_t *journal, uint64_t section, uint64_t index_size)
{
    SEGJ_ENTER(journal, oversized_rewind_section(journal, section, index_size));
    segj_gate_enter(&journal->change);
    segj_status_t status = rewind_to(journal, section, index_size, false);
    segj_gate_leave(&journal->change);
    return status;
}

/* A count whose bytes are no number is beyond any section too, and is refused with all that comes before that. */
SEGJ_UNDER_CHANGE static segj_status_t rewind_to_count(oversized_t *journal, uint64_t number, uint64_t records,
                                                       bool later)
{
    uint32_t record_size = journal->shared.record_size;
    uint64_t size;
    if (segj_mul_u64(records, record_size, &size))
        return rewind_to(journal, number, size, later);
    segj_status_t status = rewind_to(journal, number, UINT64_MAX - UINT64_MAX % record_size, later);
    return status != SEGJ_ERR_NO_RECORD
               ? status
               : segj_fail(status, "rewind of section %llu: %llu records of %u bytes asked for, no section has so many",
                           (unsigned long long)number, (unsigned long long)records, (unsigned)record_size);
}

segj_status_t oversized_rewind_to(oversized_t *journal, uint64_t section, uint64_t records)
{
    SEGJ_ENTER(journal, oversized_rewind_to(journal, section, records));
    segj_gate_enter(&journal->change);
    segj_status_t status = rewind_to_count(journal, section, records, true);
    segj_gate_leave(&journal->change);
    return status;
}

segj_status_t oversized_rewind_section_to(oversized_t *journal, uint64_t section, uint64_t records)
{
    SEGJ_ENTER(journal, oversized_rewind_section_to(journal, section, records));
    segj_gate_enter(&journal->change);
    segj_status_t status = rewind_to_count(journal, section, records, false);
    segj_gate_leave(&journal->change);
    return status;
}
