/*
 * oversized/tools/text.h: sentences that outlive the thread's own.
 */
#ifndef SEGJ_OVERSIZED_TOOLS_TEXT_H
#define SEGJ_OVERSIZED_TOOLS_TEXT_H

#include "base/error.h"

/** Copies a text into memory that the caller frees. */
SEGJ_MUST_CHECK segj_status_t segj_text_copy(const char *text, char **copy);

/** The same of a text that is put together, of at most SEGJ_ERROR_CAPACITY - 1 bytes. */
SEGJ_MUST_CHECK segj_status_t segj_text_format(char **made, const char *format, ...) SEGJ_PRINTF(2, 3);

#endif
