/*
 * oversized/section/section.h: finding a section, keeping it, and putting it to rest; and the calls under way, which
 * close waits for.
 */
#ifndef SEGJ_OVERSIZED_SECTION_SECTION_H
#define SEGJ_OVERSIZED_SECTION_SECTION_H

#include <assert.h>

#include "oversized/section/journal.h"

segj_section_t *segj_journal_find(const oversized_t *journal, uint64_t section); /**< or NULL; under change or state */
/** In open, before any call is let in, and at the end, after the last one: no other thread has the journal, which is as
 *  good as the change lock. */
static inline void segj_journal_is_alone(oversized_t *journal) SEGJ_ASSUMES(segj_role_change);
static inline void segj_journal_is_alone(oversized_t *journal)
{
    segj_note_held(&journal->change, true);
    (void)journal;
}
/** The section at a place of the table, which is in the order of numbers. */
static inline segj_section_t *segj_section_at(const oversized_t *journal, size_t at)
{
    return (segj_section_t *)(void *)journal->sections.order[at];
}
/** Finds a section, or answers as segj_journal_missing. Under state. */
SEGJ_MUST_CHECK segj_status_t segj_journal_require(const oversized_t *journal, uint64_t number,
                                                   segj_section_t **section);
/** SEGJ_ERR_PRUNED or SEGJ_ERR_NO_SECTION for a section that is not there. Under state. */
segj_status_t segj_journal_missing(const oversized_t *journal, uint64_t section);
/** What forbids any change: SEGJ_ERR_READ_ONLY, SEGJ_ERR_POISONED, or SEGJ_OK. */
segj_status_t segj_journal_changeable(const oversized_t *journal);
SEGJ_UNDER_STATE void segj_section_acquire(segj_section_t *section); /**< under state */
/** Gives the reference back; frees a section that is gone. Under state, which it may give up. */
SEGJ_UNDER_STATE void segj_section_release_locked(oversized_t *journal, segj_section_t *section);
/** The same without the state lock. */
SEGJ_WITHOUT_STATE void segj_section_release(oversized_t *journal, segj_section_t *section);
/** Whether records have gone since the section had this generation. Call it after dropping all references to
 *  what was read without the state lock: that orders the reads before this check. */
static inline bool segj_section_changed(const segj_section_t *section, uint64_t generation)
{
    return atomic_load(&section->generation) != generation || atomic_load(&section->removed);
}
/** Whether a prune has hidden the section, and it is not known yet whether that stays so. Under state. */
SEGJ_UNDER_STATE static inline bool segj_section_undecided(const oversized_t *journal, const segj_section_t *section)
{
    return atomic_load_explicit(&section->removed, memory_order_relaxed) && journal->hidden > 0;
}
/** Whether it was removed, and stays so. Under state. */
SEGJ_UNDER_STATE static inline bool segj_section_gone(const oversized_t *journal, const segj_section_t *section)
{
    return atomic_load_explicit(&section->removed, memory_order_relaxed) && !segj_section_undecided(journal, section);
}
/** Counts what was appended; under change. */
SEGJ_UNDER_CHANGE static inline void segj_section_count_append(segj_section_t *section)
{
    uint_fast64_t appended = atomic_load_explicit(&section->appended, memory_order_relaxed);
    atomic_store_explicit(&section->appended, appended + 1, memory_order_relaxed);
}
/** What a call has appended before it asks is counted here. */
static inline uint64_t segj_section_appended(const segj_section_t *section)
{
    return atomic_load_explicit(&section->appended, memory_order_relaxed);
}
segj_status_t segj_section_new(oversized_t *journal, uint64_t number, segj_section_t **made);

/** Whether its files are of version 2: the values file is a log of records, and the index a cache of it. */
static inline bool segj_section_is_log(const segj_section_t *section)
{
    return section->index.version == 2;
}
/** Says what its files are, before anything is read or written of their data. salt: of version 2. */
void segj_section_set_version(const oversized_t *journal, segj_section_t *section, uint8_t version, uint64_t salt);

/** Says by what frames are kept apart, likewise; 0: by nothing. */
static inline void segj_section_set_sector(segj_section_t *section, uint32_t sector)
{
    section->index.handle.file.sector = section->values.handle.file.sector = sector;
}

/** Says whether its values are compressed, likewise. */
static inline void segj_section_set_compressed(segj_section_t *section, bool compressed)
{
    section->values.compressed = section->values.handle.file.packed = compressed;
}
/** Says which dictionary its files have after their headers, likewise; of a size of 0: none. */
void segj_section_set_dictionary(segj_section_t *section, segj_dictionary_id_t dictionary);

/* Calls under way; without locks. */
/** Begins a call that works on the storage without the change lock. Close waits for segj_journal_leave, which must
 *  be the call's last use of the journal. */
void segj_journal_enter(oversized_t *journal);
SEGJ_WITHOUT_STATE void segj_journal_leave(oversized_t *journal);
/** Waits until no such call is under way. */
SEGJ_WITHOUT_LOCKS void segj_journal_wait_for_calls(oversized_t *journal);

/* Views; under state, the viewers kept out. */
/** Blocks views of the section's mapped values, so that they can be cut or removed. SEGJ_ERR_BUSY while a view is
 *  out. */
SEGJ_MUST_CHECK SEGJ_UNDER_STATE segj_status_t segj_section_block_views(segj_section_t *section);
SEGJ_UNDER_STATE void segj_section_allow_views(segj_section_t *section);

/* The list of active sections, in the order of their last append; under change. */
SEGJ_UNDER_CHANGE void segj_writers_add(oversized_t *journal, segj_section_t *section);
SEGJ_UNDER_CHANGE void segj_writers_remove(oversized_t *journal, segj_section_t *section);

/* Under change, and not under state. */
/** A Debug build ends here where the section is not what its state says (the life of a section in journal.h): active,
 *  it is in the list of writers and its files are held; else neither. */
static inline void segj_section_assert_state(const oversized_t *journal, const segj_section_t *section)
{
    assert(section->active == (journal->oldest == section || section->older != NULL));
    assert(section->active == section->index.handle.held && section->active == section->values.handle.held);
    (void)journal;
    (void)section;
}
/** Puts an active section to rest: gives up its buffers, written or not, and its descriptors. No sync is under way. */
SEGJ_UNDER_CHANGE_ALONE void segj_section_deactivate(oversized_t *journal, segj_section_t *section);

/** Bytes of the section's two files, as a close would leave them. Under state. */
SEGJ_UNDER_STATE uint64_t segj_section_file_bytes(const segj_shared_t *shared, const segj_section_t *section);

/** What `bytes` of values with so many records hold without the heads that version 2 puts before them: payloads and
 *  their checksums, and what keeps some apart. */
static inline uint64_t segj_section_stored(const segj_section_t *section, uint64_t records, uint64_t bytes)
{
    return bytes - section->values.handle.file.head * records;
}

#endif
