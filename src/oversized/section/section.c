/*
 * oversized/section/section.c: the sections of a journal by number, their references, the list of active ones, and how
 * one comes to rest. Nothing here reads or writes a file.
 */
#include "oversized/section/section.h"

#include <stdlib.h>

/* --- by number --- */

segj_section_t *segj_journal_find(const oversized_t *journal, uint64_t section)
{
    return (segj_section_t *)(void *)segj_sections_find(&journal->sections, section);
}

segj_status_t segj_journal_missing(const oversized_t *journal, uint64_t section)
{
    if (section < journal->prune_line)
        return segj_fail(SEGJ_ERR_PRUNED, "section %llu was pruned: sections below %llu are gone",
                         (unsigned long long)section, (unsigned long long)journal->prune_line);
    return segj_fail(SEGJ_ERR_NO_SECTION, "there is no section %llu", (unsigned long long)section);
}

segj_status_t segj_journal_require(const oversized_t *journal, uint64_t number, segj_section_t **section)
{
    *section = segj_journal_find(journal, number);
    return *section != NULL ? SEGJ_OK : segj_journal_missing(journal, number);
}

segj_status_t segj_journal_changeable(const oversized_t *journal)
{
    if (journal->read_only)
        return segj_fail(SEGJ_ERR_READ_ONLY, "the journal in %s is open read-only", journal->directory);
    if (atomic_load_explicit(&journal->shared.poisoned, memory_order_acquire)) {
        segj_say("the journal is poisoned until it is opened again: %s", journal->shared.poison);
        segj_say_code(journal->shared.poison_code);
        return SEGJ_ERR_POISONED;
    }
    return SEGJ_OK;
}

/* --- references --- */

segj_status_t segj_section_new(oversized_t *journal, uint64_t number, segj_section_t **made)
{
    segj_section_t *section = calloc(1, sizeof *section);
    if (section == NULL)
        return segj_fail_memory(sizeof *section);
    section->node.number = number;
    atomic_init(&section->references, 1);
    segj_lock(&journal->shared.state);
    section->generation = ++journal->generations;
    segj_unlock(&journal->shared.state);
    segj_fixed_init(&section->index, &journal->shared, number);
    segj_glob_init(&section->values, &journal->shared, number);
    *made = section;
    return SEGJ_OK;
}

void segj_section_set_version(const oversized_t *journal, segj_section_t *section, uint8_t version, uint64_t salt)
{
    segj_io_file_t *index = &section->index.handle.file;
    segj_io_file_t *values = &section->values.handle.file;
    section->index.version = version;
    section->index.salt = section->values.salt = version == 2 ? salt : 0;
    const segj_identity_t identity = {.section = section->node.number, .salt = section->index.salt};
    index->binding = values->binding = segj_binding(&identity);
    values->head = version == 2 ? segj_head_size(journal->entry_size) : 0;
}

void segj_section_set_dictionary(segj_section_t *section, segj_dictionary_id_t dictionary)
{
    section->index.dictionary = section->values.dictionary = dictionary;
    section->index.handle.file.data = segj_data_offset(SEGJ_KIND_INDEX, dictionary);
    section->values.handle.file.data = segj_data_offset(SEGJ_KIND_VALUES, dictionary);
}

void segj_section_acquire(segj_section_t *section)
{
    atomic_fetch_add(&section->references, 1);
}

SEGJ_UNDER_STATE static void section_free(oversized_t *journal, segj_section_t *section)
{
    segj_files_forget(&journal->shared.files, &section->index.handle);
    segj_files_forget(&journal->shared.files, &section->values.handle);
    segj_maps_drop(&journal->shared.maps, &section->values.maps);
    free(section);
}

void segj_section_release_locked(oversized_t *journal, segj_section_t *section)
{
    segj_assert_held(&journal->shared.state);
    if (atomic_fetch_sub(&section->references, 1) == 1)
        section_free(journal, section);
}

void segj_section_release(oversized_t *journal, segj_section_t *section)
{
    if (atomic_fetch_sub(&section->references, 1) > 1)
        return;
    segj_lock(&journal->shared.state);
    section_free(journal, section);
    segj_unlock(&journal->shared.state);
}

/* --- calls under way --- */

/* A close waits for the calls: the last of them wakes it, under the lock, because nothing is left of the journal when
 * that has been given up. */
#define CALLS_CLOSING ((uint_fast64_t)1 << 63)

void segj_journal_enter(oversized_t *journal)
{
    atomic_fetch_add_explicit(&journal->calls, 1, memory_order_relaxed);
}

void segj_journal_leave(oversized_t *journal)
{
    uint_fast64_t calls = atomic_load_explicit(&journal->calls, memory_order_relaxed);
    while ((calls & CALLS_CLOSING) == 0)
        if (atomic_compare_exchange_weak_explicit(&journal->calls, &calls, calls - 1, memory_order_release,
                                                  memory_order_relaxed))
            return;
    segj_lock(&journal->shared.state);
    atomic_fetch_sub(&journal->calls, 1);
    segj_wake_all(&journal->shared.changed);
    segj_unlock(&journal->shared.state);
}

void segj_journal_wait_for_calls(oversized_t *journal)
{
    segj_lock(&journal->shared.state);
    (void)atomic_fetch_or(&journal->calls, CALLS_CLOSING);
    while ((atomic_load(&journal->calls) & ~CALLS_CLOSING) > 0)
        segj_wait(&journal->shared.changed, &journal->shared.state);
    segj_unlock(&journal->shared.state);
}

/* --- blocking views --- */

segj_status_t segj_section_block_views(segj_section_t *section)
{
    if (segj_glob_viewed(&section->values))
        return segj_fail(SEGJ_ERR_BUSY, "a value of section %llu is being viewed",
                         (unsigned long long)section->node.number);
    section->values.views_blocked = true;
    return SEGJ_OK;
}

void segj_section_allow_views(segj_section_t *section)
{
    section->values.views_blocked = false;
}

/* --- the list of active sections, in the order of their last append --- */

void segj_writers_remove(oversized_t *journal, segj_section_t *section)
{
    segj_assert_held(&journal->change);
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

void segj_writers_add(oversized_t *journal, segj_section_t *section)
{
    segj_assert_held(&journal->change);
    section->older = journal->newest;
    if (journal->newest != NULL)
        journal->newest->newer = section;
    else
        journal->oldest = section;
    journal->newest = section;
}

/* --- coming to rest --- */

SEGJ_UNDER_STATE static void section_unpin_both(oversized_t *journal, segj_section_t *section)
{
    segj_files_unpin_for_write(&journal->shared.files, &section->index.handle);
    segj_files_unpin_for_write(&journal->shared.files, &section->values.handle);
}

void segj_section_deactivate(oversized_t *journal, segj_section_t *section)
{
    segj_section_assert_state(journal, section);
    if (!section->active)
        return;
    section->active = false;
    segj_writers_remove(journal, section);
    journal->writers--;
    segj_lock(&journal->shared.state);
    segj_maps_block_readers(&journal->shared.maps);
    segj_fixed_deactivate(&section->index, &journal->shared);
    segj_glob_discard(&section->values, &journal->shared);
    segj_maps_allow_readers(&journal->shared.maps);
    section_unpin_both(journal, section);
    segj_unlock(&journal->shared.state);
    segj_section_assert_state(journal, section);
    segj_shared_trace(&journal->shared, SEGJ_LOG_DEBUG, "%s: section %llu rests", journal->directory,
                      (unsigned long long)section->node.number);
}

uint64_t segj_section_file_bytes(const segj_shared_t *shared, const segj_section_t *section)
{
    return segj_fixed_file_size(shared, section->index.handle.file.data, section->index.records) +
           segj_glob_file_size(&section->values);
}
