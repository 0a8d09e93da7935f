/**
 * @file segjournal/oversized/replay.h
 * Walking over records.
 *
 * A part of segjournal/oversized.h, which includes it, and which says what holds for all calls.
 */
#ifndef SEGJOURNAL_OVERSIZED_REPLAY_H
#define SEGJOURNAL_OVERSIZED_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "segjournal/oversized/append.h"
#include "segjournal/status.h"

#ifdef __cplusplus
extern "C" {
#endif
SEGJ_EXPORT_BEGIN

/** @defgroup segj_replay Walking over records
 *  @{ */

typedef struct oversized_replay oversized_replay_t; /**< a walk over records */

/** The position after a section's last record, whatever its count is: where oversized_replay_open_back() begins. */
#define OVERSIZED_END UINT64_MAX

/** What a replay gives. */
typedef struct oversized_item {
    uint64_t section;              /**< of the record */
    uint64_t position;             /**< of the record in its section */
    const void *entry;             /**< entry_size bytes, which the replay owns; valid until its next call */
    oversized_location_t location; /**< of the value */
} oversized_item_t;

/**
 * Begins a walk, in section order from (section, position), over the records that exist now. position may be the
 * section's count, not more (SEGJ_ERR_NO_RECORD). Where the section does not exist, or was pruned, the walk begins at
 * the next one, and position must be 0. `buffer` is the number of bytes that are read ahead, raised to one page. 256
 * KiB suit files, as a processor keeps what it has read at hand (1 MiB: 3 % slower, from the system's cache).
 *
 * Errors: SEGJ_ERR_NO_RECORD, SEGJ_ERR_PRUNED (a position in a pruned section), SEGJ_ERR_MEMORY, SEGJ_ERR_INVALID.
 */
SEGJ_MUST_CHECK segj_status_t oversized_replay_open(oversized_t *journal, uint64_t section, uint64_t position,
                                                    size_t buffer, oversized_replay_t **replay);

/**
 * Begins a walk backwards, newest first: the section's records below `position`, from position - 1 down to 0, then
 * those of the section before, from its last one down, and so on to the oldest. OVERSIZED_END is the section's end, so
 * that (journal, UINT64_MAX, OVERSIZED_END) begins at the newest record of all. Other positions are at most the
 * section's count (SEGJ_ERR_NO_RECORD). Where the section does not exist, or was pruned, the walk begins at the end of
 * the next one below, and position must be 0 or OVERSIZED_END. All else is as for a walk forwards: the records are
 * those that exist now, and the same calls give them, their values and damaged pages. `buffer` bytes are read in one
 * go.
 *
 * Errors: as oversized_replay_open().
 */
SEGJ_MUST_CHECK segj_status_t oversized_replay_open_back(oversized_t *journal, uint64_t section, uint64_t position,
                                                         size_t buffer, oversized_replay_t **replay);

/**
 * Gives the next record. SEGJ_END after the last one. One thread at a time uses a replay.
 *
 * Errors: SEGJ_ERR_CORRUPT, once for a damaged page: item->section and item->position name its first record, entry is
 * NULL, and the next call continues after the page. SEGJ_ERR_PRUNED and SEGJ_ERR_NO_RECORD when the section was pruned
 * or rewound since the walk began: every later call returns the same. SEGJ_ERR_IO, SEGJ_ERR_MEMORY: make the call
 * again.
 */
SEGJ_MUST_CHECK segj_status_t oversized_replay_next(oversized_replay_t *replay, oversized_item_t *item);

/**
 * Gives the value of the record that the last oversized_replay_next() gave: *size bytes that the replay owns, valid
 * until its next call. Values that are asked for one after the other are read ahead in bulk, as many bytes as the
 * replay's `buffer` says, so that a scan of values does not cost a call of the storage for each value.
 *
 * Errors: SEGJ_ERR_INVALID (the last call gave no record), and those of oversized_get_value(), after which the walk
 * continues; SEGJ_ERR_PRUNED and SEGJ_ERR_NO_RECORD as oversized_replay_next().
 */
SEGJ_MUST_CHECK segj_status_t oversized_replay_value(oversized_replay_t *replay, const void **value, size_t *size);

/** Ends the walk. Call it before the journal is closed. NULL is fine. */
void oversized_replay_close(oversized_replay_t *replay);

/** @} */

SEGJ_EXPORT_END
#ifdef __cplusplus
}
#endif

#endif /* SEGJOURNAL_OVERSIZED_REPLAY_H */
