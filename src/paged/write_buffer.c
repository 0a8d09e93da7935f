/*
 * paged/write_buffer.c: see the header.
 */
#include "paged/write_buffer.h"

#include <assert.h>
#include <stdlib.h>

/* Spare buffers a pool keeps: one that a sync writes and one that is filled meanwhile. */
#define SPARES_KEPT 2
/* Memory is charged as it is touched, in units of a system page. */
#define CHARGE_UNIT 4096

segj_status_t segj_buffer_take(segj_pool_t *pool, uint64_t offset, segj_write_buffer_t **taken)
{
    segj_lock(pool->state);
    segj_write_buffer_t *buffer = pool->spare;
    if (buffer != NULL) {
        pool->spare = buffer->next;
        pool->spares--;
    }
    segj_unlock(pool->state);
    if (buffer == NULL)
        buffer = malloc(sizeof *buffer + pool->capacity);
    if (buffer == NULL)
        return segj_fail_memory(sizeof *buffer + pool->capacity);
    buffer->next = buffer->captured = NULL;
    buffer->offset = offset;
    buffer->size = buffer->charged = 0;
    buffer->references = 1;
    buffer->state = SEGJ_BUFFER_LIVE;
    *taken = buffer;
    return SEGJ_OK;
}

void segj_pool_free(segj_pool_t *pool)
{
    while (pool->spare != NULL) {
        segj_write_buffer_t *next = pool->spare->next;
        free(pool->spare);
        pool->spare = next;
    }
    pool->spares = 0;
}

void segj_buffer_release(segj_pool_t *pool, segj_write_buffer_t *buffer)
{
    assert(buffer->references > 0);
    if (--buffer->references > 0)
        return;
    pool->budget->used -= buffer->charged;
    if (pool->spares == SPARES_KEPT) {
        free(buffer);
        return;
    }
    buffer->next = pool->spare;
    pool->spare = buffer;
    pool->spares++;
}

void segj_buffer_charge(segj_pool_t *pool, segj_write_buffer_t *buffer)
{
    size_t charge = (buffer->size + CHARGE_UNIT - 1) / CHARGE_UNIT * CHARGE_UNIT;
    pool->budget->used = pool->budget->used - buffer->charged + charge;
    buffer->charged = charge;
}

void segj_chain_add(segj_chain_t *chain, segj_write_buffer_t *buffer)
{
    buffer->next = NULL;
    if (chain->last == NULL)
        chain->first = buffer;
    else
        chain->last->next = buffer;
    chain->last = buffer;
}

void segj_chain_drop(segj_pool_t *pool, segj_chain_t *chain, segj_write_buffer_t *buffer)
{
    segj_write_buffer_t *before = NULL;
    for (segj_write_buffer_t *at = chain->first; at != buffer; at = at->next)
        before = at;
    if (before == NULL)
        chain->first = buffer->next;
    else
        before->next = buffer->next;
    if (chain->last == buffer)
        chain->last = before;
    segj_buffer_release(pool, buffer);
}

segj_write_buffer_t *segj_chain_find(const segj_chain_t *chain, uint64_t offset)
{
    segj_write_buffer_t *found = NULL;
    for (segj_write_buffer_t *at = chain->first; at != NULL; at = at->next)
        if (offset >= at->offset && offset - at->offset < at->size)
            found = at;
    return found;
}
