/*
 * oversized/writers.c: the sections that are being written: how they wake, come into being, and rest again when their
 * descriptors or their memory are wanted.
 */
#include "oversized/journal.h"

/* Descriptors that writers leave to readers. */
#define FILES_FOR_READERS 2

/* --- the list of written sections, in the order of their last append --- */

static void writers_list_remove(oversized_t *journal, segj_section_t *section)
{
    if (section->older != NULL)
        section->older->newer = section->newer;
    else
        journal->oldest = section->newer;
    if (section->newer != NULL)
        section->newer->older = section->older;
    else
        journal->newest = section->older;
    section->older = section->newer = NULL;
}

static void writers_list_add(oversized_t *journal, segj_section_t *section)
{
    section->older = journal->newest;
    if (journal->newest != NULL)
        journal->newest->newer = section;
    else
        journal->oldest = section;
    journal->newest = section;
}

/* --- waking and resting --- */

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
    return (atomic_load(&journal->env.files.limit) - FILES_FOR_READERS) / 2;
}

/* The section is synced and gives up its descriptors. */
static segj_status_t put_to_rest(oversized_t *journal, segj_section_t *section)
{
    segj_status_t status = segj_section_retire(journal, section, false);
    if (status == SEGJ_OK)
        segj_section_rest(journal, section);
    return status;
}

/* Descriptors are few: the section that was written to longest ago gives up its own. */
static segj_status_t writers_make_room(oversized_t *journal)
{
    while (journal->writers >= writers_limit(journal)) {
        segj_section_t *section = oldest_quiet(journal);
        if (section == NULL)
            return segj_fail(SEGJ_ERR_BUSY, "all %u sections that may be written at a time are being streamed into",
                             (unsigned)writers_limit(journal));
        segj_status_t status = put_to_rest(journal, section);
        if (status != SEGJ_OK)
            return status;
    }
    return SEGJ_OK;
}

/* Opens or makes one of a section's files for its writer. Where the system has no descriptor left, and readers use
 * none, the section that was written to longest ago gives up its own. */
static segj_status_t hold_file(oversized_t *journal, segj_handle_t *handle,
                               segj_status_t (*hold)(segj_files_t *files, segj_handle_t *handle))
{
    for (;;) {
        segj_lock(&journal->env.state);
        segj_status_t status = hold(&journal->env.files, handle);
        bool exhausted = status != SEGJ_OK && handle->file.exhausted;
        segj_unlock(&journal->env.state);
        segj_section_t *section = exhausted ? oldest_quiet(journal) : NULL;
        if (section == NULL)
            return status;
        status = put_to_rest(journal, section);
        if (status != SEGJ_OK)
            return status;
    }
}

/* A change that is under way may be the caller's own, and it puts sections to rest itself. */
bool segj_journal_give_back(void *context)
{
    oversized_t *journal = context;
    if (segj_files_give_back(&journal->env.files))
        return true;
    if (!segj_try_lock(&journal->change))
        return false;
    segj_section_t *section = oldest_quiet(journal);
    bool given = section != NULL && put_to_rest(journal, section) == SEGJ_OK;
    segj_unlock(&journal->change);
    return given;
}

static void release_both(oversized_t *journal, segj_section_t *section)
{
    segj_files_release(&journal->env.files, &section->index.handle);
    segj_files_release(&journal->env.files, &section->values.handle);
}

static segj_status_t hold_both(oversized_t *journal, segj_section_t *section)
{
    segj_env_t *env = &journal->env;
    segj_status_t status = hold_file(journal, &section->index.handle, segj_files_hold);
    if (status != SEGJ_OK)
        return status;
    status = hold_file(journal, &section->values.handle, segj_files_hold);
    segj_lock(&env->state);
    if (status == SEGJ_OK)
        segj_glob_begin(&section->values, env);
    else
        segj_files_release(&env->files, &section->index.handle);
    segj_unlock(&env->state);
    return status;
}

/* The section's files are pinned. */
static void begin_writing(oversized_t *journal, segj_section_t *section)
{
    section->written = true;
    writers_list_add(journal, section);
    journal->writers++;
    segj_env_trace(&journal->env, SEGJ_LOG_DEBUG, "%s: section %llu is woken: %u sections are written to",
                   journal->directory, (unsigned long long)section->node.number, (unsigned)journal->writers);
}

/* What a process that was killed has left is made durable before anything is built on it; its cuts too, which a sync
 * alone would not cover. */
static segj_status_t settle_inherited(oversized_t *journal, segj_section_t *section)
{
    if (!section->inherited)
        return SEGJ_OK;
    const segj_io_file_t *index = &section->index.handle.file;
    const segj_io_file_t *values = &section->values.handle.file;
    segj_status_t status =
        segj_io_truncate(index, segj_fixed_file_size(&journal->env, index->data, section->index.records));
    if (status == SEGJ_OK)
        status = segj_io_truncate(values, values->data + section->values.size);
    if (status != SEGJ_OK)
        return status; /* the sizes are what they were, and that may be tried again */
    status = segj_io_sync(index);
    if (status == SEGJ_OK)
        status = segj_io_sync(values);
    if (status != SEGJ_OK)
        return segj_env_poison(&journal->env, status);
    section->inherited = false;
    return SEGJ_OK;
}

static segj_status_t writers_check_size(segj_env_t *env, const segj_io_file_t *file, uint64_t expected)
{
    uint64_t size = 0;
    segj_status_t status = segj_io_size(file, &size);
    if (status != SEGJ_OK || size == expected)
        return status;
    segj_io_say(file, size,
                "the file ends here, and should end at %llu: somebody else has written to it; nothing more is "
                "written; open the journal again, once",
                (unsigned long long)expected);
    return segj_env_poison(env, SEGJ_ERR_POISONED);
}

/* The files of an idle section are as long as this journal has left them; one that is not has another writer. */
static segj_status_t writers_check_sizes(oversized_t *journal, const segj_section_t *section)
{
    segj_env_t *env = &journal->env;
    const segj_io_file_t *index = &section->index.handle.file;
    const segj_io_file_t *values = &section->values.handle.file;
    segj_status_t status =
        writers_check_size(env, index, segj_fixed_file_size(env, index->data, section->index.records));
    /* What is spoiled, or was not trimmed, is longer. */
    if (status == SEGJ_OK && !section->values.spoiled && section->values.ahead == 0)
        status = writers_check_size(env, values, values->data + section->values.size);
    return status;
}

/* What open found no room to do; its files are a writer's. */
static segj_status_t repair(oversized_t *journal, segj_section_t *section)
{
    if (section->unrepaired == NULL)
        return SEGJ_OK;
    segj_status_t status = writers_make_room(journal);
    return status == SEGJ_OK ? segj_section_repair(journal, section) : status;
}

segj_status_t segj_section_hold(oversized_t *journal, segj_section_t *section)
{
    segj_status_t status = section->written ? SEGJ_OK : writers_make_room(journal);
    return status == SEGJ_OK ? segj_section_hold_briefly(journal, section) : status;
}

segj_status_t segj_section_hold_briefly(oversized_t *journal, segj_section_t *section)
{
    if (section->written) {
        if (journal->newest != section) {
            writers_list_remove(journal, section);
            writers_list_add(journal, section);
        }
        return SEGJ_OK;
    }
    segj_status_t status = segj_owner_claim_again(&journal->env);
    if (status == SEGJ_OK)
        status = repair(journal, section);
    if (status == SEGJ_OK)
        status = hold_both(journal, section);
    if (status != SEGJ_OK)
        return status;
    begin_writing(journal, section);
    status = writers_check_sizes(journal, section);
    if (status == SEGJ_OK)
        status = settle_inherited(journal, section);
    if (status != SEGJ_OK)
        segj_section_rest(journal, section);
    return status;
}

segj_status_t segj_section_settle_inherited(oversized_t *journal, segj_section_t *section)
{
    segj_status_t status = repair(journal, section);
    if (status != SEGJ_OK || !section->inherited)
        return status;
    status = segj_section_hold(journal, section);
    if (status == SEGJ_OK)
        segj_section_rest(journal, section);
    return status;
}

segj_status_t segj_section_wake(oversized_t *journal, segj_section_t *section)
{
    segj_status_t status = segj_section_hold(journal, section);
    if (status != SEGJ_OK || section->index.tail != NULL)
        return status;
    status = segj_fixed_wake(&section->index, &journal->env);
    if (status != SEGJ_OK)
        segj_section_rest(journal, section);
    return status;
}

void segj_section_rest(oversized_t *journal, segj_section_t *section)
{
    if (!section->written)
        return;
    section->written = false;
    writers_list_remove(journal, section);
    journal->writers--;
    segj_lock(&journal->env.state);
    segj_maps_shut(&journal->env.maps);
    segj_fixed_rest(&section->index, &journal->env);
    segj_glob_discard(&section->values, &journal->env);
    segj_maps_admit(&journal->env.maps);
    release_both(journal, section);
    segj_unlock(&journal->env.state);
    segj_env_trace(&journal->env, SEGJ_LOG_DEBUG, "%s: section %llu rests", journal->directory,
                   (unsigned long long)section->node.number);
}

/* --- creation --- */

/* Takes back what a creation that failed has made. What cannot be taken back is unknown, and poisons. */
static void undo_create(oversized_t *journal, segj_section_t *section, bool index_tried, bool values_tried)
{
    segj_env_t *env = &journal->env;
    segj_lock(&env->state);
    if (section->index.handle.pins > 0)
        segj_files_release(&env->files, &section->index.handle);
    if (section->values.handle.pins > 0)
        segj_files_release(&env->files, &section->values.handle);
    segj_unlock(&env->state);
    /* An fsync failed: nothing more is written, the next open looks at what there is. */
    if (atomic_load(&env->poisoned))
        return;
    segj_sentence_t cause;
    segj_keep(&cause);
    segj_status_t status = SEGJ_OK;
    /* The index goes first and durably, as in every removal. */
    if (index_tried)
        status = segj_part_unlink(&env->index, section->node.number);
    if (index_tried && status == SEGJ_OK)
        status = segj_part_sync(&env->index);
    if (values_tried && status == SEGJ_OK)
        status = segj_part_unlink(&env->values, section->node.number);
    /* Its name goes durably before another file gets it: a frame that came back with it would stand in for another value,
     * and a file without a whole header would be damage beside a new index. */
    if (values_tried && status == SEGJ_OK)
        status = segj_part_sync(&env->values);
    if (status != SEGJ_OK)
        (void)segj_env_poison(env, status);
    segj_say_again(&cause);
}

/*
 * Makes both files with their headers. Headers are durable before any byte follows them, so that a file that is longer
 * than its header and has none is damage and not a crash. Names become durable with the section's first sync; a crash
 * before that leaves no section, an empty one, or values without an index, which open removes.
 */
static segj_status_t create_files(oversized_t *journal, segj_section_t *section)
{
    segj_env_t *env = &journal->env;
    bool values_tried = false;
    segj_status_t status = hold_file(journal, &section->index.handle, segj_files_create);
    /* A creation that failed may have made the file all the same; but a file that was there is not ours to remove. */
    bool index_tried = status != SEGJ_ERR_CORRUPT;
    if (status == SEGJ_OK) {
        status = hold_file(journal, &section->values.handle, segj_files_create);
        values_tried = status != SEGJ_ERR_CORRUPT;
    }
    if (status == SEGJ_OK)
        status = segj_fixed_write_header(&section->index, env, &section->index.handle.file);
    if (status == SEGJ_OK)
        status = segj_glob_write_header(&section->values, env, &section->values.handle.file);
    if (status == SEGJ_OK) {
        status = segj_io_sync(&section->index.handle.file);
        if (status == SEGJ_OK)
            status = segj_io_sync(&section->values.handle.file);
        if (status != SEGJ_OK)
            status = segj_env_poison(env, status);
    }
    if (status == SEGJ_OK)
        status = segj_fixed_wake(&section->index, env);
    if (status == SEGJ_OK)
        begin_writing(journal, section);
    else
        undo_create(journal, section, index_tried, values_tried);
    return status;
}

/* Values files that a killed process has removed stay so from here on: under the name of one that came back, an old
 * value would stand in for a new one of its length. */
static segj_status_t settle_names(oversized_t *journal)
{
    if (!journal->names_inherited)
        return SEGJ_OK;
    segj_status_t status = segj_part_sync(&journal->env.values);
    if (status != SEGJ_OK)
        return segj_env_poison(&journal->env, status);
    journal->names_inherited = false;
    return SEGJ_OK;
}

segj_status_t segj_section_create(oversized_t *journal, uint64_t number, segj_section_t **created)
{
    segj_section_t *section;
    segj_status_t status = segj_owner_claim_again(&journal->env);
    if (status == SEGJ_OK)
        status = settle_names(journal);
    if (status == SEGJ_OK)
        status = writers_make_room(journal);
    if (status != SEGJ_OK)
        return status;
    segj_lock(&journal->env.state);
    segj_maps_shut(&journal->env.maps);
    /* Those that a prune has hidden may come back. */
    status = segj_sections_reserve(&journal->sections, journal->sections.count + journal->hidden + 1);
    segj_maps_admit(&journal->env.maps);
    segj_unlock(&journal->env.state);
    if (status == SEGJ_OK)
        status = segj_section_new(journal, number, &section);
    if (status != SEGJ_OK)
        return status;
    section->values.compressed = journal->codec.level != 0;
    status = create_files(journal, section);
    if (status != SEGJ_OK) {
        segj_lock(&journal->env.state);
        segj_section_release(journal, section);
        segj_unlock(&journal->env.state);
        return status;
    }
    section->name = ++journal->names_made;
    *created = section;
    segj_env_trace(&journal->env, SEGJ_LOG_INFO, "%s: section %llu is new", journal->directory,
                   (unsigned long long)number);
    return SEGJ_OK;
}

void segj_section_show(oversized_t *journal, segj_section_t *section)
{
    segj_lock(&journal->env.state);
    segj_maps_shut(&journal->env.maps);
    segj_sections_insert(&journal->sections, &section->node);
    segj_maps_admit(&journal->env.maps);
    segj_unlock(&journal->env.state);
}

void segj_section_discard(oversized_t *journal, segj_section_t *section)
{
    segj_lock(&journal->env.state);
    section->index.handle.pins++; /* kept open until undo_create lets go */
    section->values.handle.pins++;
    segj_unlock(&journal->env.state);
    segj_section_rest(journal, section);
    undo_create(journal, section, true, true);
    segj_lock(&journal->env.state);
    segj_section_release(journal, section);
    segj_unlock(&journal->env.state);
}

/* --- memory --- */

segj_status_t segj_journal_relieve(oversized_t *journal, const segj_section_t *keep)
{
    segj_env_t *env = &journal->env;
    segj_status_t status = SEGJ_OK;
    segj_lock(&env->state);
    segj_pool_free(&env->pages);
    segj_pool_free(&env->frames);
    segj_unlock(&env->state);
    for (segj_section_t *at = journal->oldest; at != NULL && status == SEGJ_OK; at = at->newer) {
        if (!segj_budget_exceeded(&env->budget))
            return SEGJ_OK;
        status = segj_glob_drain(&at->values, env, true);
        if (status == SEGJ_OK)
            status = segj_paged_drain(at->index.tail, &env->pages, &at->index.handle.file, true);
    }
    segj_section_t *section;
    while (status == SEGJ_OK && (section = oldest_quiet(journal)) != NULL && section != keep) {
        if (!segj_budget_exceeded(&env->budget))
            return SEGJ_OK;
        status = segj_section_retire(journal, section, false);
        if (status == SEGJ_OK)
            segj_section_rest(journal, section);
    }
    return status;
}
