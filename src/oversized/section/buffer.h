/*
 * oversized/section/buffer.h: scratch memory that grows and is used again. segj_buffer_t is the callers' too.
 */
#ifndef SEGJ_OVERSIZED_SECTION_BUFFER_H
#define SEGJ_OVERSIZED_SECTION_BUFFER_H

#include <stddef.h>

#include "base/error.h"
#include "segjournal/oversized.h"

/** Makes room for `size` bytes, at most `limit` with what it adds for later growth; contents are lost. */
SEGJ_MUST_CHECK segj_status_t segj_buffer_reserve(segj_buffer_t *buffer, size_t size, size_t limit);

/** Gives scratch memory back that one huge value has made. */
void segj_buffer_trim(segj_buffer_t *scratch);

#endif
