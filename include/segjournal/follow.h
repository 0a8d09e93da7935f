/**
 * @file segjournal/follow.h
 * Following a journal that another process, or another handle of this one, writes.
 *
 * Terms, arguments, results and errors are those of segjournal/oversized.h.
 */
#ifndef SEGJOURNAL_FOLLOW_H
#define SEGJOURNAL_FOLLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "segjournal/oversized.h"

#ifdef __cplusplus
extern "C" {
#endif
SEGJ_EXPORT_BEGIN

/** @defgroup segj_follow Following a writer
 *  @{ */

typedef struct oversized_follower oversized_follower_t; /**< follows a journal; used by one thread at a time */

/** Where a follower begins. */
typedef enum oversized_follow_from {
    OVERSIZED_FOLLOW_OLDEST = 0, /**< with all that is there */
    OVERSIZED_FOLLOW_END = 1,    /**< with what comes to the files after the open */
    OVERSIZED_FOLLOW_PLACE = 2 /**< with `position` of `section`; sections below are left out, those above are whole */
} oversized_follow_from_t;

/** How a journal is followed. Begin with oversized_follow_options_init(). */
typedef struct oversized_follow_options {
    size_t struct_size;           /**< set by oversized_follow_options_init() */
    oversized_follow_from_t from; /**< where it begins; OVERSIZED_FOLLOW_OLDEST */
    uint64_t section;             /**< of OVERSIZED_FOLLOW_PLACE; 0 */
    uint64_t position; /**< likewise. Where the section has fewer records, what comes before it is not shown */
    bool synced_only;  /**< show records only when the files say that a sync has covered them; false */
} oversized_follow_options_t;

/** What a follower tells of. */
typedef enum oversized_follow_kind {
    OVERSIZED_FOLLOW_RECORD = 0, /**< a record */
    OVERSIZED_FOLLOW_REWOUND =
        1, /**< records were taken back, by a rewind, a refused append or the recovery of an open:
                                       those of `section` from `position` on that were shown need not be there any more,
                                       and what is there from `position` on is shown next. Some of it may be the same */
    OVERSIZED_FOLLOW_REMOVED =
        2 /**< the section was removed, or removed and made again: of the old one nothing is shown
                                       from `position` on. A new one is shown from its beginning */
} oversized_follow_kind_t;

/** What a follower has found. Later versions append fields. */
typedef struct oversized_followed {
    uint64_t section;              /**< whose; set after an error that concerns a section too */
    uint64_t position;             /**< in the section; likewise */
    oversized_follow_kind_t kind;  /**< what it is about; of all but OVERSIZED_FOLLOW_RECORD the rest is 0 */
    const void *entry;             /**< the record's entry; the follower's memory, until its next call */
    uint32_t entry_size;           /**< its bytes */
    bool synced;                   /**< the files say that a sync has covered the record; false: not known yet */
    const void *value;             /**< the value, unpacked; the follower's memory, until its next call. Never NULL */
    size_t value_size;             /**< its bytes */
    oversized_location_t location; /**< where its frame is */
} oversized_followed_t;

/** A time that does not end. */
#define OVERSIZED_FOLLOW_FOREVER UINT32_MAX

/** Fills the options with the defaults given above. options must not be NULL. Any thread. */
void oversized_follow_options_init(oversized_follow_options_t *options);

/**
 * Begins to follow a journal of the native format. The follower reads the journal's files, and nothing else: it takes
 * no lock, writes nothing, and blocks no other program. So the writer may be in any process, may end or be killed, and
 * may start again. Any number of followers may follow one journal.
 *
 * config gives the directory, the names of the partitions, the storage, `max_value_size` and `log`. `error` is filled
 * as by oversized_open(). Entry size, page size and version are those of the files. options may be NULL (all defaults).
 * oversized_follow_close() ends the follower. Any thread.
 *
 * What is shown has passed its checksums, and each record follows the one that was shown before it. In version 1 that
 * is what has reached the files: what syncs and flushes have written, and full pages before that. In version 2 it is
 * the frames as they are written; a batch is shown when it is whole. `synced` is true where the files tell that a sync
 * has covered the record. They tell it late: a writer notes it after some 1024 records or 1 MiB (version 2: 4096
 * records or 4 MiB), and when the section comes to rest or is closed; in version 2 also with each record that is
 * appended later, if fewer than 255 records before that one are not synced. What a writer has in memory alone is not
 * seen: a sync, or oversized_flush(), shows it.
 *
 * A section of version 2 whose index file is missing, or has a damaged header, is shown from its values file, unless a
 * removal has taken that index file; `synced` is true then only where later records tell of it. A storage of one's own
 * needs file_refresh for that.
 *
 * A follower keeps the files of 32 sections open at most, two each, and five descriptors beside them; it closes some
 * where the process has no more. It takes half a MiB, some KiB for each section, and what the largest frame takes that
 * it has met.
 *
 * The commonware format cannot be followed. Its files do not tell what was synced or cut, and its checksums are bound
 * to no place, so a record that was taken back could not be told from one that took its place.
 *
 * A storage of one's own needs file_refresh for journals of version 1: without it nothing tells that a section was
 * removed and made again.
 *
 * Errors: SEGJ_ERR_INVALID (also a configuration of the commonware format); SEGJ_ERR_NOT_FOUND (there is no journal);
 * SEGJ_ERR_MISMATCH (files of the commonware format or of another version); SEGJ_ERR_IO; SEGJ_ERR_MEMORY. *follower is
 * NULL after an error.
 */
SEGJ_MUST_CHECK segj_status_t oversized_follow_open(const oversized_config_t *config,
                                                    const oversized_follow_options_t *options,
                                                    oversized_follower_t **follower);

/**
 * Gives what comes next. Records of a section come in their order; sections that are written at the same time take
 * turns, the lower ones first. It does not wait. Where it has many records to show it lets other threads have its
 * processor every 128 records (sched_yield()): the writer may wait for one of them.
 *
 * SEGJ_OK: *followed tells what it is. SEGJ_END: nothing new is there yet.
 *
 * Errors: SEGJ_ERR_CHECKSUM, SEGJ_ERR_COMPRESSION, SEGJ_ERR_TOO_LARGE: the value of a record cannot be shown; *followed
 * names it, and the next call continues after it. SEGJ_ERR_CORRUPT (a damaged page, head or header of what was synced),
 * SEGJ_ERR_MISMATCH, SEGJ_ERR_IO, SEGJ_ERR_MEMORY: nothing is skipped, and a later call tries again, after other
 * sections had their turn. SEGJ_ERR_INVALID.
 */
SEGJ_MUST_CHECK segj_status_t oversized_follow_next(oversized_follower_t *follower, oversized_followed_t *followed);

/**
 * Waits until there may be something new, after oversized_follow_next() has returned SEGJ_END; at most `milliseconds`
 * (OVERSIZED_FOLLOW_FOREVER: without an end). On Linux the system tells of changes (inotify), and the wait costs
 * nothing. Where it does not (other systems, file systems to which others may write from elsewhere, other storages, no
 * more watches) the call returns after 100 ms at the latest, and the caller then looks again.
 *
 * SEGJ_OK: look again. SEGJ_END: the time is over. SEGJ_ERR_CANCELLED: oversized_follow_interrupt() was called.
 * SEGJ_ERR_INVALID. A signal that is handled ends the wait with SEGJ_OK.
 */
SEGJ_MUST_CHECK segj_status_t oversized_follow_wait(oversized_follower_t *follower, uint32_t milliseconds);

/**
 * Ends the wait that is under way, or the next one. Any thread, also while another one uses the follower, and from a
 * handler of a signal. The follower must not be closed during the call. NULL is fine.
 */
void oversized_follow_interrupt(oversized_follower_t *follower);

/** Ends a follower. NULL is fine. In a child of fork, too, where no other call of it works. */
void oversized_follow_close(oversized_follower_t *follower);

/** @} */

SEGJ_EXPORT_END
#ifdef __cplusplus
}
#endif

#endif /* SEGJOURNAL_FOLLOW_H */
