/**
 * @file segjournal/oversized/open.h
 * Opening, closing and removing a journal, and what an open has found.
 *
 * A part of segjournal/oversized.h, which includes it, and which says what holds for all calls.
 */
#ifndef SEGJOURNAL_OVERSIZED_OPEN_H
#define SEGJOURNAL_OVERSIZED_OPEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "segjournal/oversized/config.h"
#include "segjournal/status.h"

#ifdef __cplusplus
extern "C" {
#endif
SEGJ_EXPORT_BEGIN

/** @addtogroup segj_open
 *  @{ */

/** What the last open found and did. For a read-only open: what an open for writing would do. Bytes are those after the
 *  records that are kept. */
typedef struct oversized_recovery_t {
    uint64_t sections;              /**< sections that the journal has after the open */
    uint64_t records;               /**< records that they hold together */
    uint64_t records_dropped;       /**< whole records that were found after a section's end and that no completed sync
                                           had covered: what a crash may take */
    uint64_t synced_records_lost;   /**< records that a completed sync had covered and that are gone, but for those that
                                             a checkpoint does without: the log tells of these */
    uint64_t sections_damaged;      /**< sections that lost such records */
    uint64_t index_bytes_truncated; /**< bytes cut from index files, checksums of pages included */
    uint64_t value_bytes_truncated; /**< bytes cut from values files */
    uint64_t orphan_sections_removed; /**< values files without an index file that were removed */
    uint64_t values_verified;         /**< values whose checksum was read: those above the watermarks */
    uint64_t sections_repaired;   /**< sections that were made durable again: those that no close had left, and those
                                           without records, once */
    uint64_t sections_unrepaired; /**< sections for whose repair the storage had no room. They can be read and pruned.
                                           What open has shown of them beyond what was synced may go in a power cut.
                                           Each is repaired before its first change, and by a sync of it or of all,
                                           which answer SEGJ_ERR_NO_SPACE until there is room. Close leaves them alone.
                                           Each open reports what such a section has lost, until it is repaired or
                                           removed */
    /* Losses for which oversized_acknowledge_losses() has not been called, those of earlier opens included, as they are
     * when open has ended. Losses of sections that are not yet cut (sections_unrepaired) are counted in
     * synced_records_lost only. */
    uint64_t unacknowledged_records;      /**< records that were synced and are gone */
    uint64_t unacknowledged_sections;     /**< sections that had them */
    uint64_t unacknowledged_bytes_missed; /**< bytes that were cut of these sections and not set aside */
    uint64_t quarantine_bytes;            /**< bytes set aside, of acknowledged losses too */
    const char *quarantine; /**< the directory where they are; NULL: nothing is kept of a loss. It lives as
                                               long as the journal */
} oversized_recovery_t;

/**
 * Opens, locks and recovers the journal, or makes a new one. *journal is the handle; oversized_close(),
 * oversized_abandon() or oversized_destroy() ends it.
 *
 * Open reaches every verdict before it changes the first byte. On a failure up to then all files are byte for byte what
 * they were. Where every section is as a close leaves it, open writes no section's file, and it syncs nothing where
 * all of them hold records. The file `.owner` says which writer has opened the journal last. A writer that finds
 * another one there later, past locks that do not exclude, is poisoned (SEGJ_ERR_POISONED from the call that found
 * it).
 *
 * Errors: SEGJ_ERR_INVALID (the sentence names the field), SEGJ_ERR_LOCKED, SEGJ_ERR_NOT_FOUND, SEGJ_ERR_MISMATCH,
 * SEGJ_ERR_CORRUPT, SEGJ_ERR_MEMORY, SEGJ_ERR_IO, SEGJ_ERR_NO_SPACE, SEGJ_ERR_CANCELLED (oversized_config_t::progress).
 * *journal is NULL then.
 */
SEGJ_MUST_CHECK segj_status_t oversized_open(const oversized_config_t *config, oversized_t **journal);

/** Returns what open found and did. The structure lives as long as the journal. NULL for NULL. */
const oversized_recovery_t *oversized_recovery(const oversized_t *journal);

/**
 * Syncs every section, unlocks and frees. It frees in any case. A poisoned journal is freed without a write. NULL and
 * read-only journals are SEGJ_OK. Close waits for syncs, flushes and prunes under way.
 *
 * Errors: SEGJ_ERR_POISONED; SEGJ_ERR_IO, SEGJ_ERR_NO_SPACE, SEGJ_ERR_MEMORY: not all that was appended is durable.
 */
SEGJ_MUST_CHECK segj_status_t oversized_close(oversized_t *journal);

/** Unlocks and frees without writing. It leaves what a killed process leaves. NULL is fine. */
void oversized_abandon(oversized_t *journal);

/**
 * Removes every section file, durably, then both partitions. It frees the journal in any case but SEGJ_ERR_BUSY. The
 * directory itself stays.
 *
 * Errors: SEGJ_ERR_READ_ONLY, SEGJ_ERR_POISONED and SEGJ_ERR_MEMORY (nothing is removed). SEGJ_ERR_IO (also where a
 * partition could not be removed because it holds names that are not the journal's, or that the file system has not let
 * go yet; the sentence names one, and a second open and destroy will do). SEGJ_ERR_MISMATCH (a partition was renamed or
 * replaced since the open; only what is open is ever removed; or of an archive: oversized_config_t::counts_partition).
 * SEGJ_ERR_BUSY (a view is out, or a value is being streamed in): nothing is removed, and the journal stays open.
 */
SEGJ_MUST_CHECK segj_status_t oversized_destroy(oversized_t *journal);

/** @} */

SEGJ_EXPORT_END
#ifdef __cplusplus
}
#endif

#endif /* SEGJOURNAL_OVERSIZED_OPEN_H */
