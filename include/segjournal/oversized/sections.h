/**
 * @file segjournal/oversized/sections.h
 * Removing sections and records, and questions about sections.
 *
 * A part of segjournal/oversized.h, which includes it, and which says what holds for all calls.
 */
#ifndef SEGJOURNAL_OVERSIZED_SECTIONS_H
#define SEGJOURNAL_OVERSIZED_SECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "segjournal/oversized/config.h"
#include "segjournal/status.h"

#ifdef __cplusplus
extern "C" {
#endif
SEGJ_EXPORT_BEGIN

/** @defgroup segj_remove Removing sections and records
 *  @{ */

/**
 * Removes all sections below min_section, durably. They are SEGJ_ERR_PRUNED from then on, until the journal is closed.
 * *pruned (may be NULL) tells whether any was removed. Reads of them that are under way end in SEGJ_ERR_PRUNED. While
 * the files are being removed, other sections can be changed and new ones made. Another prune waits, and so does a
 * rewind that removes sections. Space that a reader's open file still holds comes back when that is closed.
 *
 * Errors: SEGJ_ERR_BUSY (a view of such a section is out, or a value is being streamed into one), SEGJ_ERR_READ_ONLY,
 * SEGJ_ERR_POISONED, SEGJ_ERR_MEMORY, SEGJ_ERR_NO_SPACE and SEGJ_ERR_MISMATCH (of an archive:
 * oversized_config_t::counts_partition): nothing changed. SEGJ_ERR_IO: the same, or poisoned once the first file is
 * gone.
 */
SEGJ_MUST_CHECK segj_status_t oversized_prune(oversized_t *journal, uint64_t min_section, bool *pruned);

/** How a long removal is followed. Begin with oversized_removal_options_init(). */
typedef struct oversized_removal_options {
    size_t struct_size; /**< set by oversized_removal_options_init() */
    /** Called from the calling thread, at most ten times a second and once at the end; true: cancel. NULL: not. It must
     *  not call the journal. */
    bool (*progress)(void *context, const oversized_progress_t *progress);
    void *context; /**< handed to it */
} oversized_removal_options_t;

/** What a removal has removed, durably. */
typedef struct oversized_removed {
    uint64_t sections; /**< how many: the oldest ones */
    uint64_t records;  /**< their records */
    uint64_t bytes;    /**< bytes of their files, as a close would have left them */
} oversized_removed_t;

/** Fills the options with the defaults given above. options must not be NULL. Any thread. */
void oversized_removal_options_init(oversized_removal_options_t *options);

/**
 * oversized_prune(), followed and cancelled by `options` (NULL: all defaults). It removes the oldest sections first, in
 * steps that take a moment each; each step is durable before the next one, and is one oversized_prune(). Each section
 * is SEGJ_ERR_PRUNED from its own step on. *removed (may be NULL) tells what was removed, after a failure too.
 *
 * Errors: SEGJ_ERR_CANCELLED; SEGJ_ERR_INVALID; and as oversized_prune(). After each of them, what was removed until
 * then stays removed, and nothing else has changed (SEGJ_ERR_IO: as there). When `progress` cancels at the end, where
 * all sections are gone, it is SEGJ_OK.
 */
SEGJ_MUST_CHECK segj_status_t oversized_prune_with(oversized_t *journal, uint64_t min_section,
                                                   const oversized_removal_options_t *options,
                                                   oversized_removed_t *removed);

/**
 * oversized_destroy(), followed and cancelled by `options` (NULL: all defaults). It removes the oldest sections first,
 * in durable steps as oversized_prune_with() does, and then the rest. *removed (may be NULL) tells what was removed,
 * after a failure too. It frees the journal in any case but SEGJ_ERR_BUSY, SEGJ_ERR_CANCELLED, and SEGJ_ERR_INVALID for
 * the options: then the journal stays open, and has the sections that were not removed.
 *
 * Errors: SEGJ_ERR_CANCELLED; and as oversized_destroy(), SEGJ_ERR_BUSY also after sections that were not in use were
 * removed. When `progress` cancels at the end, where all sections are gone, it is SEGJ_OK.
 */
SEGJ_MUST_CHECK segj_status_t oversized_destroy_with(oversized_t *journal, const oversized_removal_options_t *options,
                                                     oversized_removed_t *removed);

/**
 * Removes every later section, then cuts this one to its first index_size bytes (a multiple of the record size), both
 * durably. A section that does not exist accepts 0 only. A section that is cut to 0 stays listed. Passing the current
 * size removes the later sections alone.
 *
 * Records that no sync has covered are dropped without being written. So a rewind to what is durable, or to less, needs
 * no space and works on a full disk. A rewind to more syncs the section first, and one that ends within a batch, in
 * native version 2, writes its index first. Where the storage wants space to write in place again (btrfs), 32 bytes of
 * each section must find some.
 *
 * Errors: SEGJ_ERR_INVALID (no multiple), SEGJ_ERR_NO_RECORD (beyond the section), SEGJ_ERR_PRUNED, SEGJ_ERR_CORRUPT
 * (the section would end in a damaged page or record), SEGJ_ERR_BUSY (a view of a section that would be cut or removed
 * is out, or a value is being streamed into one), SEGJ_ERR_READ_ONLY, SEGJ_ERR_POISONED, SEGJ_ERR_MEMORY,
 * SEGJ_ERR_MISMATCH (of an archive: oversized_config_t::counts_partition): nothing changed. SEGJ_ERR_IO,
 * SEGJ_ERR_NO_SPACE: nothing changed, or poisoned once the first step was durable.
 */
SEGJ_MUST_CHECK segj_status_t oversized_rewind(oversized_t *journal, uint64_t section, uint64_t index_size);

/** Cuts this section alone. Passing the current size changes nothing. Errors: as oversized_rewind(). */
SEGJ_MUST_CHECK segj_status_t oversized_rewind_section(oversized_t *journal, uint64_t section, uint64_t index_size);

/** oversized_rewind() by a count: the first `records` records stay. Errors: as there. A count beyond the section, also
 *  one whose bytes are beyond 2^64, is SEGJ_ERR_NO_RECORD with a sentence that names it. */
SEGJ_MUST_CHECK segj_status_t oversized_rewind_to(oversized_t *journal, uint64_t section, uint64_t records);

/** Cuts this section alone to its first `records` records. Passing the current count changes nothing. Errors: as
 *  oversized_rewind_to(). */
SEGJ_MUST_CHECK segj_status_t oversized_rewind_section_to(oversized_t *journal, uint64_t section, uint64_t records);

/** @} */
/** @defgroup segj_ask Questions about sections
 *  @{ */

/** Gives the bytes of the section's records: their count times the record size. 0 for a section that does not exist or
 *  is pruned. */
SEGJ_MUST_CHECK segj_status_t oversized_size(oversized_t *journal, uint64_t section, uint64_t *index_size);

/** Gives the number of the section's records. 0 for a section that is empty, does not exist or is pruned;
 *  oversized_section_exists() tells them apart. */
SEGJ_MUST_CHECK segj_status_t oversized_count(oversized_t *journal, uint64_t section, uint64_t *records);

/**
 * Tells whether the section exists. Empty ones do: one that was appended to, or rewound to 0.
 *
 * Errors: SEGJ_ERR_PRUNED (it is below a line pruned in this run, so it can never exist again), SEGJ_ERR_INVALID;
 * *exists is false then.
 */
SEGJ_MUST_CHECK segj_status_t oversized_section_exists(oversized_t *journal, uint64_t section, bool *exists);

/** Gives the end of the last record's frame, in bytes. 0 for a section that does not exist, is pruned, or has no
 *  records. */
SEGJ_MUST_CHECK segj_status_t oversized_value_size(oversized_t *journal, uint64_t section, uint64_t *value_size);

/** Returns the bytes of a record: entry_size + 12. 0 for NULL. */
size_t oversized_record_size(const oversized_t *journal);

/** Gives the smallest section number. SEGJ_END: there is none. */
SEGJ_MUST_CHECK segj_status_t oversized_oldest_section(oversized_t *journal, uint64_t *section);

/** Gives the largest section number. SEGJ_END: there is none. */
SEGJ_MUST_CHECK segj_status_t oversized_newest_section(oversized_t *journal, uint64_t *section);

/** Gives the smallest section number above `after`. SEGJ_END: there is none. */
SEGJ_MUST_CHECK segj_status_t oversized_next_section(oversized_t *journal, uint64_t after, uint64_t *section);

/** Gives the largest section number below `before`. SEGJ_END: there is none. A walk downwards begins with
 *  oversized_newest_section(), because no number is above section UINT64_MAX. */
SEGJ_MUST_CHECK segj_status_t oversized_prev_section(oversized_t *journal, uint64_t before, uint64_t *section);

/** @} */

SEGJ_EXPORT_END
#ifdef __cplusplus
}
#endif

#endif /* SEGJOURNAL_OVERSIZED_SECTIONS_H */
