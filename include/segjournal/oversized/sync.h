/**
 * @file segjournal/oversized/sync.h
 * Making records durable.
 *
 * A part of segjournal/oversized.h, which includes it, and which says what holds for all calls.
 */
#ifndef SEGJOURNAL_OVERSIZED_SYNC_H
#define SEGJOURNAL_OVERSIZED_SYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "segjournal/oversized/config.h"
#include "segjournal/status.h"

#ifdef __cplusplus
extern "C" {
#endif
SEGJ_EXPORT_BEGIN

/** @defgroup segj_sync Making records durable
 *  @{ */

/**
 * Returns once everything that was appended to the section before the call would survive a power cut. A section that
 * does not exist is SEGJ_OK. Threads that sync the same section at the same time share flushes: a sync covers whoever
 * comes before it begins. Where the last one has covered several calls, the next waits for others, for at most half
 * the time that the last one took, and at most a millisecond; a thread that syncs alone never waits.
 *
 * Errors: SEGJ_ERR_PRUNED, SEGJ_ERR_READ_ONLY, SEGJ_ERR_POISONED. SEGJ_ERR_NO_SPACE, SEGJ_ERR_IO, SEGJ_ERR_MEMORY while
 * the data was being written: nothing is lost, sync again; a rewind can take back what there is no space for. A failed
 * fsync: SEGJ_ERR_IO or SEGJ_ERR_NO_SPACE, and the journal is poisoned. In the commonware format SEGJ_ERR_BUSY, for a
 * section that was not changed since the open, while values are being streamed into all sections that may be active at
 * a time.
 */
SEGJ_MUST_CHECK segj_status_t oversized_sync(oversized_t *journal, uint64_t section);

/**
 * Syncs every section. It also syncs those that follow a section that failed, and returns the first error.
 *
 * Errors: as oversized_sync().
 */
SEGJ_MUST_CHECK segj_status_t oversized_sync_all(oversized_t *journal);

/**
 * Syncs several sections, `count` of them: the writing of all is started before the first is waited for, so that it
 * takes less time than one sync after the other. It promises no more than these: after a power cut within it some of
 * the sections may hold their records, and others not. A number may be given twice; one without a section counts as
 * done. It also syncs those that follow a section that failed, and returns the first error.
 *
 * Errors: as oversized_sync().
 */
SEGJ_MUST_CHECK segj_status_t oversized_sync_sections(oversized_t *journal, const uint64_t *sections, size_t count);

/** Identifies the appends that a started sync covers. Plain data: copy it freely, there is nothing to free. */
typedef struct oversized_ticket {
    uint64_t section; /**< the section */
    uint64_t change;  /**< the library's own */
} oversized_ticket_t;

/**
 * Begins to make durable what was appended to the section before the call, and returns before it is durable. It hands
 * the values to the storage and asks it to write them back while the application continues, also with appends to the
 * same section. It promises nothing without the oversized_sync_wait() that belongs to it.
 *
 * Errors: as oversized_sync(), none of which poisons. *ticket is left as it was then.
 */
SEGJ_MUST_CHECK segj_status_t oversized_sync_start(oversized_t *journal, uint64_t section, oversized_ticket_t *ticket);

/**
 * Returns once everything that was appended before the ticket's start would survive a power cut. Any sync that covers
 * it counts. Threads that wait for the same section share one flush (group commit), also with calls of
 * oversized_sync(). A ticket may be waited for any number of times.
 *
 * Errors: as oversized_sync().
 */
SEGJ_MUST_CHECK segj_status_t oversized_sync_wait(oversized_t *journal, const oversized_ticket_t *ticket);

/**
 * Hands everything that was appended to the section before the call to the storage, and syncs nothing. It survives a
 * killed process, and not a power cut, which may take it like any appends since the last sync. The call makes a write
 * or two for what is new since the last flush or sync, and no call of the storage where nothing is new; of a storage
 * that only begins with a write, as one in a cluster, it waits for the end of those. It waits for a sync of the same
 * section that is under way. A section that does not exist is SEGJ_OK.
 *
 * Errors: SEGJ_ERR_PRUNED, SEGJ_ERR_READ_ONLY, SEGJ_ERR_POISONED, SEGJ_ERR_NO_SPACE, SEGJ_ERR_IO, SEGJ_ERR_MEMORY:
 * nothing is lost, flush or sync again. None of them poisons.
 */
SEGJ_MUST_CHECK segj_status_t oversized_flush(oversized_t *journal, uint64_t section);

/** @} */

SEGJ_EXPORT_END
#ifdef __cplusplus
}
#endif

#endif /* SEGJOURNAL_OVERSIZED_SYNC_H */
