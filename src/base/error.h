/*
 * base/error.h: how a failure gets its sentence. The place that finds it writes the sentence with segj_fail(); places on
 * the way up put what they were doing before it with segj_context(). One text a thread, never allocated.
 */
#ifndef SEGJ_BASE_ERROR_H
#define SEGJ_BASE_ERROR_H

#include <stddef.h>

#include "segjournal/status.h"

#if defined(__GNUC__) || defined(__clang__)
#define SEGJ_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define SEGJ_PRINTF(text, first)
#endif

/** Sets the thread's sentence and returns the status, so that `return segj_fail(...)` reads well. */
segj_status_t segj_fail(segj_status_t status, const char *format, ...) SEGJ_PRINTF(2, 3);

/** The same for a failed storage call: the sentence ends with the text of `code`, an errno value, which also chooses the
 *  status (SEGJ_ERR_NO_SPACE, SEGJ_ERR_MEMORY, SEGJ_ERR_LOCKED or SEGJ_ERR_IO). */
segj_status_t segj_fail_code(int code, const char *format, ...) SEGJ_PRINTF(2, 3);

/** Puts "text: " before the sentence and returns the status. */
segj_status_t segj_context(segj_status_t status, const char *format, ...) SEGJ_PRINTF(2, 3);

/** The sentence for memory that could not be had. */
segj_status_t segj_fail_memory(size_t size);

#endif
