/*
 * paged/write_buffer.c: see the header.
 */
#include "paged/write_buffer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Spare buffers a pool keeps: one that a sync writes and one that is filled at that time. */
#define SPARES_KEPT 2

/* Under state. The smallest spare that is large enough, or NULL. */
SEGJ_UNDER_STATE static segj_write_buffer_t *take_spare(segj_pool_t *pool, size_t capacity)
{
    segj_write_buffer_t **best = NULL;
    for (segj_write_buffer_t **link = &pool->spare; *link != NULL; link = &(*link)->next)
        if ((*link)->capacity >= capacity && (best == NULL || (*link)->capacity < (*best)->capacity))
            best = link;
    if (best == NULL)
        return NULL;
    segj_write_buffer_t *found = *best;
    *best = found->next;
    pool->spares--;
    return found;
}

/* Under state. Of the spares and this one the smallest goes: a buffer that grows leaves a spare of each smaller size.
 * If those were kept, every large one would be fresh memory. */
SEGJ_UNDER_STATE static void keep_larger(segj_pool_t *pool, segj_write_buffer_t *buffer)
{
    segj_write_buffer_t **smallest = &pool->spare;
    assert(*smallest != NULL);
    for (segj_write_buffer_t **link = &pool->spare; *link != NULL; link = &(*link)->next)
        if ((*link)->capacity < (*smallest)->capacity)
            smallest = link;
    segj_write_buffer_t *gone = buffer;
    if ((*smallest)->capacity < buffer->capacity) {
        gone = *smallest;
        buffer->next = gone->next;
        *smallest = buffer;
    }
    pool->budget->used -= gone->capacity;
    free(gone);
}

segj_status_t segj_buffer_take(segj_pool_t *pool, uint64_t offset, size_t capacity, segj_write_buffer_t **taken)
{
    segj_lock(pool->state);
    segj_write_buffer_t *buffer = take_spare(pool, capacity);
    segj_unlock(pool->state);
    if (buffer == NULL) {
        buffer = malloc(sizeof *buffer + capacity);
        if (buffer == NULL)
            return segj_fail_memory(sizeof *buffer + capacity);
        buffer->capacity = capacity;
        segj_lock(pool->state);
        pool->budget->used += capacity;
        segj_unlock(pool->state);
    }
    buffer->next = buffer->captured = NULL;
    buffer->offset = offset;
    buffer->size = 0;
    buffer->references = 1;
    buffer->state = SEGJ_BUFFER_LIVE;
    *taken = buffer;
    return SEGJ_OK;
}

segj_status_t segj_chain_resize(segj_pool_t *pool, segj_chain_t *chain, size_t capacity, size_t used)
{
    segj_write_buffer_t *before = chain->last;
    segj_write_buffer_t *after;
    assert(before->state == SEGJ_BUFFER_LIVE && before->size <= used && used <= capacity);
    segj_status_t status = segj_buffer_take(pool, before->offset, capacity, &after);
    if (status != SEGJ_OK)
        return status;
    memcpy(after->data, before->data, used);
    segj_lock(pool->state);
    after->size = (size_t)before->size;
    segj_chain_drop(pool, chain, before);
    segj_chain_add(chain, after);
    segj_unlock(pool->state);
    return SEGJ_OK;
}

void segj_pool_free(segj_pool_t *pool)
{
    while (pool->spare != NULL) {
        segj_write_buffer_t *next = pool->spare->next;
        pool->budget->used -= pool->spare->capacity;
        free(pool->spare);
        pool->spare = next;
    }
    pool->spares = 0;
}

void segj_buffer_release(segj_pool_t *pool, segj_write_buffer_t *buffer)
{
    segj_assert_held(pool->state);
    assert(buffer->references > 0);
    if (--buffer->references > 0)
        return;
    if (pool->spares == SPARES_KEPT) {
        keep_larger(pool, buffer);
        return;
    }
    buffer->next = pool->spare;
    pool->spare = buffer;
    pool->spares++;
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
    segj_assert_held(pool->state);
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
