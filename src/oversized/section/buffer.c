/*
 * oversized/section/buffer.c: see the header.
 */
#include "oversized/section/buffer.h"

#include <stdlib.h>
#include <string.h>

/* Scratch memory beyond this is given back after use, so that one huge value does not weigh on the journal for good. */
#define SCRATCH_KEPT ((size_t)16 << 20)

segj_status_t segj_buffer_reserve(segj_buffer_t *buffer, size_t size, size_t limit)
{
    if (size <= buffer->capacity)
        return SEGJ_OK;
    size_t capacity = buffer->capacity > limit / 2 ? limit : 2 * buffer->capacity;
    if (capacity < size)
        capacity = size;
    void *data = malloc(capacity);
    if (data == NULL)
        return segj_fail_memory(capacity);
    free(buffer->data);
    buffer->data = data;
    buffer->capacity = capacity;
    return SEGJ_OK;
}

void segj_buffer_free(segj_buffer_t *buffer)
{
    if (buffer == NULL)
        return;
    free(buffer->data);
    memset(buffer, 0, sizeof *buffer);
}

void segj_buffer_trim(segj_buffer_t *scratch)
{
    if (scratch->capacity > SCRATCH_KEPT)
        segj_buffer_free(scratch);
}
