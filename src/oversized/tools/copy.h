/*
 * oversized/tools/copy.h: what both ways to copy a journal share.
 */
#ifndef SEGJ_OVERSIZED_TOOLS_COPY_H
#define SEGJ_OVERSIZED_TOOLS_COPY_H

#include "base/error.h"
#include "segjournal/tools.h"

/** SEGJ_ERR_INVALID. NULL is fine. */
SEGJ_MUST_CHECK segj_status_t segj_copy_check_options(const char *call, const oversized_copy_options_t *options);

#endif
