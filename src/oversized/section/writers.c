/*
 * oversized/section/writers.c: the sections that are being written: how they become active, are made, and come to rest
 * when their descriptors or their memory are wanted.
 */
#include "oversized/section/writers.h"

#include "base/bytes.h"
#include "journal/holes.h"
#include "journal/salt.h"
#include "oversized/section/dictionary.h"
#include "oversized/section/durable.h"
#include "storage/io_sentences.h"

/* Descriptors that writers leave to readers. */
#define FILES_FOR_READERS 2

/* --- becoming active, and coming to rest --- */

segj_status_t segj_journal_judge_damage(oversized_t *journal, segj_status_t status)
{
    segj_sentence_t damage;
    if (status != SEGJ_ERR_CORRUPT)
        return status;
    segj_keep(&damage);
    if (segj_owner_check(&journal->shared) == SEGJ_ERR_POISONED)
        return SEGJ_ERR_POISONED;
    segj_say_again(&damage);
    return status;
}

/* The section written to longest ago that may rest; or NULL. */
static segj_section_t *oldest_quiet(const oversized_t *journal)
{
    segj_section_t *section = journal->oldest;
    while (section != NULL && section->streaming)
        section = section->newer;
    return section;
}

/* How many sections may be written at a time: each has two files open. */
static uint32_t writers_limit(const oversized_t *journal)
{
    return (atomic_load(&journal->shared.files.limit) - FILES_FOR_READERS) / 2;
}

/* The section is synced and gives up its descriptors. */
SEGJ_UNDER_CHANGE static segj_status_t sync_and_deactivate(oversized_t *journal, segj_section_t *section)
{
    segj_status_t status = segj_section_sync_and_mark(journal, section, false);
    if (status == SEGJ_OK)
        segj_section_deactivate(journal, section);
    return status;
}

/* Descriptors are few: the section that was written to longest ago gives up its own. */
SEGJ_UNDER_CHANGE static segj_status_t writers_make_room(oversized_t *journal)
{
    while (journal->writers >= writers_limit(journal)) {
        segj_section_t *section = oldest_quiet(journal);
        if (section == NULL)
            return segj_fail(SEGJ_ERR_BUSY, "all %u sections that may be written at a time are being streamed into",
                             (unsigned)writers_limit(journal));
        segj_status_t status = sync_and_deactivate(journal, section);
        if (status != SEGJ_OK)
            return status;
    }
    return SEGJ_OK;
}

/* The same for a call that has failed for want of a descriptor; false: none is given up, and the sentence stays. */
SEGJ_UNDER_CHANGE static bool writers_give_one_back(oversized_t *journal)
{
    segj_sentence_t cause;
    segj_section_t *section = oldest_quiet(journal);
    segj_keep(&cause);
    bool given = section != NULL && sync_and_deactivate(journal, section) == SEGJ_OK;
    if (!given)
        segj_say_again(&cause);
    return given;
}

segj_status_t segj_journal_guard_counts(oversized_t *journal, segj_counts_most_t *most, segj_counts_most_t *is_there,
                                        void *context)
{
    segj_status_t status;
    do
        status = segj_counts_guard(&journal->shared, most, is_there, context);
    while (status == SEGJ_ERR_IO && segj_io_is_exhausted(segj_last_errno()) && writers_give_one_back(journal));
    return status;
}

/* Opens or makes one of a section's files for its writer. Where the system has no descriptor left, and readers use
 * none, the section that was written to longest ago gives up its own. */
SEGJ_UNDER_CHANGE static segj_status_t pin_file_for_write(oversized_t *journal, segj_handle_t *handle,
                                                          segj_status_t (*hold)(segj_files_t *files,
                                                                                segj_handle_t *handle))
{
    for (;;) {
        segj_lock(&journal->shared.state);
        segj_status_t status = hold(&journal->shared.files, handle);
        bool exhausted = status != SEGJ_OK && handle->file.exhausted;
        segj_unlock(&journal->shared.state);
        segj_section_t *section = exhausted ? oldest_quiet(journal) : NULL;
        if (section == NULL)
            return status;
        status = sync_and_deactivate(journal, section);
        if (status != SEGJ_OK)
            return status;
    }
}

/* A change that is under way may be the caller's own, and it puts sections to rest itself. */
bool segj_journal_give_back(void *context)
{
    oversized_t *journal = context;
    if (segj_files_give_back(&journal->shared.files))
        return true;
    if (!segj_gate_try(&journal->change))
        return false;
    segj_section_t *section = oldest_quiet(journal);
    bool given = section != NULL && sync_and_deactivate(journal, section) == SEGJ_OK;
    segj_gate_leave(&journal->change);
    return given;
}

void segj_journal_lost(void *context)
{
    oversized_t *journal = context;
    (void)segj_shared_poison(&journal->shared, SEGJ_ERR_LOCKED);
}

SEGJ_UNDER_CHANGE static segj_status_t pin_both_for_write(oversized_t *journal, segj_section_t *section)
{
    segj_shared_t *shared = &journal->shared;
    segj_status_t status = pin_file_for_write(journal, &section->index.handle, segj_files_pin_for_write);
    if (status != SEGJ_OK)
        return status;
    status = pin_file_for_write(journal, &section->values.handle, segj_files_pin_for_write);
    segj_lock(&shared->state);
    if (status == SEGJ_OK)
        segj_glob_begin(&section->values, shared);
    else
        segj_files_unpin_for_write(&shared->files, &section->index.handle);
    segj_unlock(&shared->state);
    return status;
}

/* The section's files are pinned. */
SEGJ_UNDER_CHANGE static void begin_writing(oversized_t *journal, segj_section_t *section)
{
    section->active = true;
    segj_writers_add(journal, section);
    journal->writers++;
    segj_section_assert_state(journal, section);
    segj_shared_trace(&journal->shared, SEGJ_LOG_DEBUG, "%s: section %llu becomes active: %u sections are written to",
                      journal->directory, (unsigned long long)section->node.number, (unsigned)journal->writers);
}

/* What a process that was killed has left is made durable before anything is built on it; its cuts too, which a sync
 * alone would not cover. */
static segj_status_t writers_sync_inherited(oversized_t *journal, segj_section_t *section)
{
    if (!section->inherited)
        return SEGJ_OK;
    const segj_io_file_t *index = &section->index.handle.file;
    const segj_io_file_t *values = &section->values.handle.file;
    segj_status_t status =
        segj_io_truncate(index, segj_fixed_file_size(&journal->shared, index->data, section->index.records));
    if (status == SEGJ_OK)
        status = segj_io_truncate(values, segj_glob_file_size(&section->values));
    if (status != SEGJ_OK)
        return status; /* the sizes are what they were, and that may be tried again */
    status = segj_io_sync(index);
    if (status == SEGJ_OK)
        status = segj_io_sync(values);
    if (status != SEGJ_OK)
        return segj_shared_poison(&journal->shared, status);
    section->inherited = false;
    return SEGJ_OK;
}

/* bare: without the zeros that end a sector, for which there may have been no room, or not for all. */
static segj_status_t writers_check_size(segj_shared_t *shared, const segj_io_file_t *file, uint64_t expected,
                                        uint64_t bare)
{
    uint64_t size = 0;
    segj_status_t status = segj_io_size(file, &size);
    if (status != SEGJ_OK || (size >= bare && size <= expected))
        return status;
    segj_io_say(file, size,
                "the file ends here, and should end at %llu: another writer has written to it; nothing more is "
                "written; open the journal again, once",
                (unsigned long long)expected);
    return segj_shared_poison(shared, SEGJ_ERR_POISONED);
}

/* The files of an idle section are as long as this journal has left them; one that is not has another writer. */
static segj_status_t writers_check_sizes(oversized_t *journal, const segj_section_t *section)
{
    segj_shared_t *shared = &journal->shared;
    const segj_io_file_t *index = &section->index.handle.file;
    const segj_io_file_t *values = &section->values.handle.file;
    uint64_t index_size = segj_fixed_file_size(shared, index->data, section->index.records);
    segj_status_t status = writers_check_size(shared, index, index_size, index_size);
    /* A file with a dirty tail, or one that was not trimmed, is longer. */
    if (status == SEGJ_OK && !section->values.tail_dirty && section->values.ahead == 0)
        status = writers_check_size(shared, values, segj_glob_file_size(&section->values),
                                    values->data + section->values.size);
    return status;
}

/* What open found no room to do; its files are a writer's. */
SEGJ_UNDER_CHANGE static segj_status_t writers_repair(oversized_t *journal, segj_section_t *section)
{
    if (section->unrepaired == NULL)
        return SEGJ_OK;
    segj_status_t status = writers_make_room(journal);
    return status == SEGJ_OK ? journal->repair(journal, section) : status;
}

segj_status_t segj_section_pin_for_write(oversized_t *journal, segj_section_t *section)
{
    segj_assert_held(&journal->change);
    segj_status_t status = section->active ? SEGJ_OK : writers_make_room(journal);
    return status == SEGJ_OK ? segj_section_pin_for_write_briefly(journal, section) : status;
}

segj_status_t segj_section_pin_for_write_briefly(oversized_t *journal, segj_section_t *section)
{
    segj_assert_held(&journal->change);
    if (section->active) {
        if (journal->newest != section) {
            segj_writers_remove(journal, section);
            segj_writers_add(journal, section);
        }
        return SEGJ_OK;
    }
    segj_status_t status = segj_owner_claim_again(&journal->shared);
    if (status == SEGJ_OK)
        status = writers_repair(journal, section);
    if (status == SEGJ_OK)
        status = pin_both_for_write(journal, section);
    if (status != SEGJ_OK)
        return status;
    begin_writing(journal, section);
    status = writers_check_sizes(journal, section);
    if (status == SEGJ_OK)
        status = writers_sync_inherited(journal, section);
    if (status == SEGJ_OK)
        status = segj_dictionary_mend(journal, section);
    if (status != SEGJ_OK)
        segj_section_deactivate(journal, section);
    return status;
}

segj_status_t segj_section_sync_inherited(oversized_t *journal, segj_section_t *section)
{
    segj_assert_held(&journal->change);
    segj_status_t status = writers_repair(journal, section);
    if (status != SEGJ_OK || !section->inherited)
        return status;
    status = segj_section_pin_for_write(journal, section);
    if (status == SEGJ_OK)
        segj_section_deactivate(journal, section);
    return status;
}

/* Nothing is acknowledged after a damaged page where the other program would cut it off. One that was rewound to before
 * that page is found sound. */
static segj_status_t writers_check_holes(oversized_t *journal, segj_section_t *section)
{
    const segj_io_file_t *file = &section->index.handle.file;
    segj_hole_t hole;
    if (journal->shared.format == SEGJ_FORMAT_NATIVE || section->sound)
        return SEGJ_OK;
    segj_status_t status = segj_hole_find(&journal->shared, file, section->index.records, &hole);
    section->sound = status == SEGJ_OK && !hole.found;
    if (status != SEGJ_OK || section->sound)
        return status;
    return segj_io_fail(
        SEGJ_ERR_CORRUPT, file, hole.offset,
        "index page %llu is damaged, and is not the last: commonware-storage 2026.9.0 and later cut the "
        "section to %llu records there, and would cut what is appended. Rewind it to %llu records or "
        "fewer, or open it once with config.hole OVERSIZED_HOLE_CUT and no checkpoint",
        (unsigned long long)hole.page, (unsigned long long)hole.records, (unsigned long long)hole.records);
}

segj_status_t segj_section_activate(oversized_t *journal, segj_section_t *section)
{
    segj_assert_held(&journal->change);
    segj_status_t status = segj_section_pin_for_write(journal, section);
    if (status != SEGJ_OK || section->index.tail != NULL)
        return status;
    status = writers_check_holes(journal, section);
    if (status == SEGJ_OK)
        status = segj_fixed_activate(&section->index, &journal->shared);
    if (status != SEGJ_OK)
        segj_section_deactivate(journal, section);
    return segj_journal_judge_damage(journal, status);
}

/* --- creation --- */

/* Takes back what a creation that failed has made. What cannot be taken back is unknown, and poisons. */
static void undo_create(oversized_t *journal, segj_section_t *section, bool index_tried, bool values_tried)
{
    segj_shared_t *shared = &journal->shared;
    segj_lock(&shared->state);
    if (section->index.handle.pins > 0)
        segj_files_unpin_for_write(&shared->files, &section->index.handle);
    if (section->values.handle.pins > 0)
        segj_files_unpin_for_write(&shared->files, &section->values.handle);
    segj_unlock(&shared->state);
    /* An fsync failed: nothing more is written, the next open looks at what there is. */
    if (atomic_load(&shared->poisoned))
        return;
    segj_sentence_t cause;
    segj_keep(&cause);
    segj_status_t status = SEGJ_OK;
    /* The index goes first and durably, as in every removal. */
    if (index_tried)
        status = segj_partition_unlink(&shared->index, section->node.number);
    if (index_tried && status == SEGJ_OK)
        status = segj_partition_sync(&shared->index);
    if (values_tried && status == SEGJ_OK)
        status = segj_partition_unlink(&shared->values, section->node.number);
    /* The file may hold a frame, so its removal is synced before the name is used again; otherwise a stale value could
     * verify, and a file without a whole header would be damage beside a new index. */
    if (values_tried && status == SEGJ_OK)
        status = segj_partition_sync(&shared->values);
    if (status != SEGJ_OK)
        (void)segj_shared_poison(shared, status);
    segj_say_again(&cause);
}

/* What comes before a byte of data. The identities say what the dictionary must be, so they are durable before it: a
 * file that is longer than its header and has none is damage and not a crash. */
SEGJ_UNDER_CHANGE static segj_status_t write_what_is_first(oversized_t *journal, const segj_section_t *section,
                                                           const segj_dictionary_t *dictionary)
{
    segj_shared_t *shared = &journal->shared;
    segj_status_t status = segj_fixed_write_header(&section->index, shared, &section->index.handle.file);
    if (status == SEGJ_OK)
        status = segj_glob_write_header(&section->values, shared, &section->values.handle.file);
    if (status != SEGJ_OK)
        return status;
    /* The flush of the first file mostly takes the second one's size along then. */
    segj_io_write_back(&section->values.handle.file, 0, section->values.handle.file.data);
    status = segj_io_sync(&section->index.handle.file);
    if (status == SEGJ_OK)
        status = segj_io_sync(&section->values.handle.file);
    if (status != SEGJ_OK)
        return segj_shared_poison(shared, status);
    return dictionary != NULL ? segj_dictionary_write_both(journal, section, dictionary) : SEGJ_OK;
}

/* Whether a section is there, as far as the table says, whose index file has a durable name. */
static bool has_index_named(oversized_t *journal)
{
    bool found = false;
    segj_lock(&journal->shared.state);
    uint64_t named = segj_max_u64(journal->names_synced, journal->index_named);
    for (size_t i = 0; i < journal->sections.count && !found; i++)
        found = segj_section_at(journal, i)->name_epoch <= named;
    segj_unlock(&journal->shared.state);
    return found;
}

/* Of version 2. The first section's index file has a durable name before a frame is written, so that no crash leaves
 * frames beside an index partition that holds nothing: that one is lost, or not mounted. */
static segj_status_t name_first_index(oversized_t *journal, const segj_section_t *section, bool *named)
{
    if (!segj_section_is_log(section) || has_index_named(journal))
        return SEGJ_OK;
    segj_status_t status = segj_partition_sync(&journal->shared.index);
    *named = status == SEGJ_OK;
    return status == SEGJ_OK ? status : segj_shared_poison(&journal->shared, status);
}

/*
 * Makes both files with their headers. Headers are durable before any byte follows them, so that a file that is longer
 * than its header and has none is damage and not a crash. Names become durable with the section's first sync; a crash
 * before that leaves no section, an empty one, or values without an index, which open removes, or of which it makes
 * the index where they hold records. *named: the index file's name is durable.
 */
SEGJ_UNDER_CHANGE static segj_status_t create_files(oversized_t *journal, segj_section_t *section,
                                                    const segj_dictionary_t *dictionary, bool *named)
{
    segj_shared_t *shared = &journal->shared;
    bool values_tried = false;
    segj_status_t status = pin_file_for_write(journal, &section->index.handle, segj_files_create);
    /* A creation that failed may have made the file all the same; but a file that was there is not ours to remove. */
    bool index_tried = status != SEGJ_ERR_CORRUPT;
    if (status == SEGJ_OK) {
        status = pin_file_for_write(journal, &section->values.handle, segj_files_create);
        values_tried = status != SEGJ_ERR_CORRUPT;
    }
    if (status == SEGJ_OK)
        status = write_what_is_first(journal, section, dictionary);
    if (status == SEGJ_OK)
        status = name_first_index(journal, section, named);
    if (status == SEGJ_OK)
        status = segj_fixed_activate(&section->index, shared);
    if (status == SEGJ_OK)
        begin_writing(journal, section);
    else
        undo_create(journal, section, index_tried, values_tried);
    return status;
}

/* Values files that a killed process has removed stay so from here on: under the name of one that came back, an old
 * value would stand in for a new one of its length. */
static segj_status_t writers_sync_removed_names(oversized_t *journal)
{
    if (!journal->names_inherited)
        return SEGJ_OK;
    segj_status_t status = segj_partition_sync(&journal->shared.values);
    if (status != SEGJ_OK)
        return segj_shared_poison(&journal->shared, status);
    journal->names_inherited = false;
    return SEGJ_OK;
}

/* A new section gets the dictionary that there is for one. Taken; or NULL. */
static segj_dictionary_t *give_dictionary(oversized_t *journal, segj_section_t *section)
{
    if (!atomic_load_explicit(&journal->codec.dictionaries.any, memory_order_relaxed))
        return NULL;
    segj_lock(&journal->shared.state);
    segj_dictionary_t *dictionary = segj_dictionary_take_next(journal);
    if (dictionary != NULL)
        segj_dictionary_link(section, dictionary);
    segj_unlock(&journal->shared.state);
    if (dictionary == NULL)
        return NULL;
    segj_section_set_dictionary(section, dictionary->id);
    section->born_with = dictionary->stamp;
    section->dictionary_checked = true;
    return dictionary;
}

segj_status_t segj_section_create(oversized_t *journal, uint64_t number, segj_section_t **created)
{
    segj_assert_held(&journal->change);
    segj_section_t *section;
    segj_status_t status = segj_owner_claim_again(&journal->shared);
    if (status == SEGJ_OK)
        status = writers_sync_removed_names(journal);
    if (status == SEGJ_OK)
        status = writers_make_room(journal);
    if (status != SEGJ_OK)
        return status;
    segj_lock(&journal->shared.state);
    segj_maps_block_readers(&journal->shared.maps);
    /* Those that a prune has hidden may come back. */
    status = segj_sections_reserve(&journal->sections, journal->sections.count + journal->hidden + 1);
    segj_maps_allow_readers(&journal->shared.maps);
    segj_unlock(&journal->shared.state);
    if (status == SEGJ_OK)
        status = segj_section_new(journal, number, &section);
    if (status != SEGJ_OK)
        return status;
    segj_section_set_compressed(section, journal->codec.level != 0);
    section->sound = true;
    if (journal->shared.native_version == 2) {
        segj_section_set_version(journal, section, 2, segj_salt_make(&journal->shared));
        segj_section_set_sector(section, journal->shared.sector_size);
    }
    segj_dictionary_t *dictionary = give_dictionary(journal, section);
    bool named = false;
    status = segj_journal_judge_damage(journal, create_files(journal, section, dictionary, &named));
    segj_dictionary_give(journal, dictionary);
    if (status != SEGJ_OK) {
        segj_lock(&journal->shared.state);
        segj_section_release_locked(journal, section);
        segj_unlock(&journal->shared.state);
        return status;
    }
    section->name_epoch = ++journal->names_made;
    if (named)
        journal->index_named = journal->names_made;
    *created = section;
    segj_shared_trace(&journal->shared, SEGJ_LOG_INFO, "%s: section %llu is new", journal->directory,
                      (unsigned long long)number);
    return SEGJ_OK;
}

void segj_section_show(oversized_t *journal, segj_section_t *section)
{
    segj_assert_held(&journal->change);
    segj_lock(&journal->shared.state);
    segj_maps_block_readers(&journal->shared.maps);
    segj_sections_insert(&journal->sections, &section->node);
    segj_maps_allow_readers(&journal->shared.maps);
    segj_unlock(&journal->shared.state);
}

void segj_section_discard(oversized_t *journal, segj_section_t *section)
{
    segj_assert_held(&journal->change);
    segj_lock(&journal->shared.state);
    section->index.handle.pins++; /* kept open until undo_create lets go */
    section->values.handle.pins++;
    segj_unlock(&journal->shared.state);
    segj_section_deactivate(journal, section);
    undo_create(journal, section, true, true);
    segj_lock(&journal->shared.state);
    segj_section_release_locked(journal, section);
    segj_unlock(&journal->shared.state);
}

/* --- memory --- */

segj_status_t segj_journal_shrink_write_memory(oversized_t *journal, const segj_section_t *keep)
{
    segj_assert_held(&journal->change);
    segj_shared_t *shared = &journal->shared;
    segj_status_t status = SEGJ_OK;
    segj_lock(&shared->state);
    segj_pool_free(&shared->pages);
    segj_pool_free(&shared->frames);
    segj_unlock(&shared->state);
    for (segj_section_t *at = journal->oldest; at != NULL && status == SEGJ_OK; at = at->newer) {
        if (!segj_budget_exceeded(&shared->budget))
            return SEGJ_OK;
        status = segj_glob_drain(&at->values, shared, true);
        if (status == SEGJ_OK)
            status = segj_paged_drain(at->index.tail, &shared->pages, &at->index.handle.file, true);
    }
    segj_section_t *section;
    while (status == SEGJ_OK && (section = oldest_quiet(journal)) != NULL && section != keep) {
        if (!segj_budget_exceeded(&shared->budget))
            return SEGJ_OK;
        status = segj_section_sync_and_mark(journal, section, false);
        if (status == SEGJ_OK)
            segj_section_deactivate(journal, section);
    }
    return status;
}
