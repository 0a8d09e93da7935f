/*
 * oversized/rewind.c: taking records back. Each step is durable before the next:
 *   1. what stays, so that W may say so: the section is synced as it stands, unless all that stays is durable already.
 *   Then
 *      nothing is written of what goes, for which there may be no space;
 *   2. W in both slots, which marks the cut: from here on open trusts no more than stays;
 *   3. the index is cut (journal/fixed.h); a crash here leaves the old or the new end, or one between;
 *   4. the values are cut; a crash here leaves bytes behind the last frame, which open cuts;
 *   5. the older slot is cleared: the freed offsets may be used again.
 * A later section goes before, by the rules of remove.c. Whatever fails from the sync of step 2 on leaves the disk in a
 * state that only open can judge, and poisons the journal.
 */
#include "base/bytes.h"
#include "journal/record_format.h"
#include "oversized/journal.h"

/* Where the values of the first `records` records end. The last of them is read whole, with what it has in the page
 * before: a section that ends with a damaged record would lose that at the next open. */
static segj_status_t end_of_values(oversized_t *journal, segj_section_t *section, uint64_t records, uint64_t *end)
{
    segj_env_t *env = &journal->env;
    uint8_t *record = journal->record;
    *end = 0;
    if (records == 0)
        return SEGJ_OK;
    segj_lock(&env->state);
    uint64_t offset = (records - 1) * env->record_size;
    segj_status_t status = segj_fixed_read(&section->index, env, offset, env->record_size, record);
    segj_unlock(&env->state);
    if (status == SEGJ_OK &&
        !segj_location_end(segj_location_decode(record + journal->entry_size), section->values.size, end))
        status = segj_fail(SEGJ_ERR_CORRUPT, "section %llu, record %llu: its location reaches past the values",
                           (unsigned long long)section->node.number, (unsigned long long)(records - 1));
    return status == SEGJ_OK ? SEGJ_OK : segj_context(status, "rewind");
}

/* The page that will be the last is read from the file before anything changes: it must hold what stays. */
static segj_status_t check_last_page(oversized_t *journal, const segj_section_t *section, uint64_t records)
{
    const segj_env_t *env = &journal->env;
    uint64_t bytes = records * env->record_size;
    uint16_t partial = (uint16_t)(bytes % env->page_size);
    if (partial == 0)
        return SEGJ_OK;
    const segj_io_file_t *file = &section->index.handle.file;
    uint64_t page = bytes / env->page_size;
    size_t physical = segj_page_physical(env->page_size);
    uint64_t offset = file->data + page * physical;
    uint8_t *copy = env->scratch;
    segj_status_t status = segj_io_read(file, offset, copy, physical, NULL);
    if (status == SEGJ_OK &&
        segj_page_verify(env->checksum, copy, env->page_size, file->section, page).length < partial)
        status = segj_io_fail(SEGJ_ERR_CORRUPT, file, offset, "index page %llu is damaged, a rewind cannot end in it",
                              (unsigned long long)page);
    return status;
}

/* Step 2. Marks that cannot be written, as on a disk that needs space for that and has none, change nothing; but a
 * rewind that has `begun` has removed sections. */
static segj_status_t rewind_mark(segj_env_t *env, segj_fixed_t *index, uint64_t records, bool begun)
{
    const segj_io_file_t *file = &index->handle.file;
    segj_status_t status = segj_fixed_have_numbers(index, file);
    if (status != SEGJ_OK)
        return segj_env_poison(env, status);
    status = segj_fixed_write_marks(index, file, records);
    if (status != SEGJ_OK) {
        index->marked = segj_min_u64(index->marked, records); /* the next mark is made soon enough */
        return begun ? segj_env_poison(env, status) : status;
    }
    status = segj_fixed_sync_marks(index, file, records);
    return status == SEGJ_OK ? SEGJ_OK : segj_env_poison(env, status);
}

/* Steps 2 to 5. What is in memory of records and values that go is dropped, written or not. */
static segj_status_t cut(oversized_t *journal, segj_section_t *section, uint64_t records, uint64_t end, bool begun)
{
    segj_env_t *env = &journal->env;
    segj_fixed_t *index = &section->index;
    const segj_io_file_t *file = &index->handle.file;
    /* Pages that are read while the file is being cut still have what goes: they get an id that is used no longer than
     * that. */
    uint64_t cutting_id = segj_page_cache_id(env->cache);
    uint64_t cut_id = segj_page_cache_id(env->cache);
    segj_status_t status = rewind_mark(env, index, records, begun);
    if (status != SEGJ_OK)
        return status;
    /* Readers see the new end from here on; one that is under way finds the generation changed. */
    segj_lock(&env->state);
    index->records = index->durable = records;
    index->cache_id = cutting_id;
    index->cutting = true;
    section->values.size = section->values.marked_size = end;
    section->generation = ++journal->generations;
    section->synced = section->handed = ++section->appended;
    atomic_fetch_add(&journal->removals, 1);
    segj_unlock(&env->state);
    status = segj_fixed_cut(env, file, records);
    if (status == SEGJ_OK)
        status = segj_glob_cut(&section->values.handle.file, end);
    if (status == SEGJ_OK)
        section->values.spoiled = false; /* what a failed append has left behind the end went too */
    if (status == SEGJ_OK)
        status = segj_fixed_clear_mark(index, file);
    if (status != SEGJ_OK)
        status = segj_env_poison(env, status);
    segj_lock(&env->state);
    index->cache_id = cut_id;
    index->cutting = false;
    index->wakes++;
    segj_wake_all(&env->changed);
    segj_unlock(&env->state);
    if (status == SEGJ_OK)
        segj_env_trace(env, SEGJ_LOG_INFO, "%s: section %llu is rewound to %llu records", journal->directory,
                       (unsigned long long)section->node.number, (unsigned long long)records);
    /* The next append reads the last page as it is now. */
    segj_section_rest(journal, section);
    return status;
}

/* Step 1. What no sync has covered is written only where some of it stays. */
static segj_status_t rewind_make_durable(oversized_t *journal, segj_section_t *section, uint64_t records)
{
    segj_section_settle(journal, section);
    segj_status_t status = segj_journal_changeable(journal); /* a sync that was waited for may have poisoned it */
    if (status == SEGJ_OK && records <= section->index.durable)
        return segj_section_sync_names(journal, section);
    if (status == SEGJ_OK)
        status = segj_section_sync(journal, section);
    if (status == SEGJ_OK)
        status = segj_section_mend(journal, section);
    return status == SEGJ_ERR_NO_SPACE ? segj_section_fail_room(journal, section) : status;
}

/* What can be refused is refused here, with nothing changed but that what stays is synced. */
static segj_status_t rewind_prepare(oversized_t *journal, segj_section_t *section, uint64_t records, uint64_t *end)
{
    segj_status_t status = end_of_values(journal, section, records, end);
    if (status == SEGJ_OK)
        status = segj_section_hold_briefly(journal, section);
    if (status == SEGJ_OK)
        status = rewind_make_durable(journal, section, records);
    if (status == SEGJ_OK)
        status = check_last_page(journal, section, records);
    return status;
}

/* *begun: there were some. */
static segj_status_t remove_later(oversized_t *journal, uint64_t number, bool *begun)
{
    *begun = false;
    if (number == UINT64_MAX)
        return SEGJ_OK;
    segj_lock(&journal->env.state);
    size_t first = segj_sections_lower(&journal->sections, number + 1);
    size_t last = journal->sections.count;
    segj_unlock(&journal->env.state);
    *begun = first < last;
    return segj_sections_unlink(journal, first, last);
}

/* Takes the section's records from `records` on, and the later sections before. */
static segj_status_t rewind_shorten(oversized_t *journal, segj_section_t *section, uint64_t records, bool later)
{
    segj_env_t *env = &journal->env;
    uint64_t end = 0;
    segj_lock(&env->state);
    segj_maps_shut(&env->maps);
    segj_status_t status = segj_section_bar(section);
    segj_maps_admit(&env->maps);
    if (status == SEGJ_OK)
        segj_maps_drop(&env->maps, &section->values.maps);
    segj_unlock(&env->state);
    if (status != SEGJ_OK)
        return status;
    bool begun = false;
    status = rewind_prepare(journal, section, records, &end);
    if (status == SEGJ_OK && later)
        status = remove_later(journal, section->node.number, &begun);
    if (status == SEGJ_OK)
        status = cut(journal, section, records, end, begun);
    if (section->index.tail == NULL)
        segj_section_rest(journal, section); /* held for the cut alone, it cannot be written to */
    segj_lock(&env->state);
    segj_maps_shut(&env->maps);
    segj_section_unbar(section);
    segj_maps_admit(&env->maps);
    segj_unlock(&env->state);
    return status;
}

static segj_status_t rewind_to(oversized_t *journal, uint64_t number, uint64_t index_size, bool later)
{
    segj_status_t status = segj_journal_changeable(journal);
    if (status != SEGJ_OK)
        return status;
    uint32_t record_size = journal->env.record_size;
    segj_lock(&journal->env.state);
    segj_section_t *section = segj_journal_find(journal, number);
    uint64_t count = section != NULL ? section->index.records : 0;
    if (section == NULL && number < journal->prune_line)
        status = segj_journal_missing(journal, number);
    segj_unlock(&journal->env.state);
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
    bool begun;
    return later ? remove_later(journal, number, &begun) : SEGJ_OK;
}

/* Under change. A rewind that removes sections waits for a prune to end; others go on beside it. */
static void await_removal(oversized_t *journal, uint64_t number)
{
    segj_lock(&journal->env.state);
    size_t count = journal->sections.count;
    bool later = count > 0 && journal->sections.order[count - 1]->number > number;
    segj_unlock(&journal->env.state);
    if (later)
        segj_journal_await_removal(journal);
}

segj_status_t oversized_rewind(oversized_t *journal, uint64_t section, uint64_t index_size)
{
    SEGJ_ENTER(journal, oversized_rewind(journal, section, index_size));
    segj_lock(&journal->change);
    await_removal(journal, section);
    segj_status_t status = rewind_to(journal, section, index_size, true);
    segj_unlock(&journal->change);
    return status;
}

segj_status_t oversized_rewind_section(oversized_t *journal, uint64_t section, uint64_t index_size)
{
    SEGJ_ENTER(journal, oversized_rewind_section(journal, section, index_size));
    segj_lock(&journal->change);
    segj_status_t status = rewind_to(journal, section, index_size, false);
    segj_unlock(&journal->change);
    return status;
}

/* A count whose bytes are no number is beyond any section too, and is refused with all that comes before that. */
static segj_status_t rewind_to_count(oversized_t *journal, uint64_t number, uint64_t records, bool later)
{
    uint32_t record_size = journal->env.record_size;
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
    segj_lock(&journal->change);
    segj_status_t status = rewind_to_count(journal, section, records, true);
    segj_unlock(&journal->change);
    return status;
}

segj_status_t oversized_rewind_section_to(oversized_t *journal, uint64_t section, uint64_t records)
{
    SEGJ_ENTER(journal, oversized_rewind_section_to(journal, section, records));
    segj_lock(&journal->change);
    segj_status_t status = rewind_to_count(journal, section, records, false);
    segj_unlock(&journal->change);
    return status;
}
