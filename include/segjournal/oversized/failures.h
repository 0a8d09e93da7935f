/**
 * @file segjournal/oversized/failures.h
 * Failures, losses and callers.
 *
 * A part of segjournal/oversized.h, which includes it, and which says what holds for all calls.
 */
#ifndef SEGJOURNAL_OVERSIZED_FAILURES_H
#define SEGJOURNAL_OVERSIZED_FAILURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "segjournal/oversized/config.h"
#include "segjournal/status.h"

#ifdef __cplusplus
extern "C" {
#endif
SEGJ_EXPORT_BEGIN

/** @defgroup segj_failures Failures, losses and callers
 *  @{ */

/** Returns the message of the error that poisoned the journal, or NULL. It lives as long as the journal. */
const char *oversized_error(const oversized_t *journal);

/**
 * Tells the journal that the application knows of the records that were lost. Later opens no longer report them.
 * Durable. What was set aside stays, until room is wanted for other losses. SEGJ_OK where nothing was lost.
 *
 * Errors: SEGJ_ERR_READ_ONLY, SEGJ_ERR_POISONED, SEGJ_ERR_MEMORY, SEGJ_ERR_NO_SPACE, SEGJ_ERR_IO: the losses stay as
 * they were; a section with a loss that waits to be cut (sections_unrepaired) may have been cut.
 */
SEGJ_MUST_CHECK segj_status_t oversized_acknowledge_losses(oversized_t *journal);

/**
 * Removes what was set aside of losses that are acknowledged, durably, and the directory where nothing else is in it.
 * SEGJ_OK where there is nothing. Do not use the path in the report any more.
 *
 * Errors: SEGJ_ERR_READ_ONLY, SEGJ_ERR_POISONED, SEGJ_ERR_MEMORY, SEGJ_ERR_NO_SPACE, SEGJ_ERR_IO: part of it may be
 * gone; make the call again.
 */
SEGJ_MUST_CHECK segj_status_t oversized_discard_quarantine(oversized_t *journal);

/**
 * Makes a caller: a handle that every call takes in the place of the journal, and that keeps how the last of its calls
 * failed, whatever threads these ran on. Give each goroutine and each task one. Where two calls of one caller run at
 * the same time, the sentence may be a mixture. What is opened through a caller (writers, readers, replays) leaves its
 * failures there too. A caller takes about 1.2 KiB, and costs nothing where it is not used.
 *
 * Closing or destroying the journal through a caller, or through the journal itself, ends the journal for all its
 * callers: their calls are SEGJ_ERR_INVALID from then on. oversized_caller_close() ends each caller, before or after
 * that.
 *
 * Errors: SEGJ_ERR_INVALID, SEGJ_ERR_MEMORY. *caller is NULL then.
 */
SEGJ_MUST_CHECK segj_status_t oversized_caller_open(oversized_t *journal, oversized_t **caller);

/** Returns how the caller's last failed call failed. SEGJ_OK and SEGJ_END leave it unchanged. It is the caller's own
 *  memory, which lives until the caller is closed. NULL for NULL and for a journal. Any thread that has seen the call
 *  return may ask. */
const segj_error_t *oversized_caller_error(const oversized_t *caller);

/** Frees a caller, not the journal. What was opened through it stays usable. NULL is fine. */
void oversized_caller_close(oversized_t *caller);

/** @} */

SEGJ_EXPORT_END
#ifdef __cplusplus
}
#endif

#endif /* SEGJOURNAL_OVERSIZED_FAILURES_H */
