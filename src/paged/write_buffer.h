/*
 * paged/write_buffer.h: bytes that were appended and have not reached their file. A section's file has a chain of
 * buffers in the order of their offsets; the last one may still be filled (live), the others wait to be written
 * (sealed) or are being written (writing).
 *
 * Invariants: a buffer's published bytes (the first `size`) never change, so that readers who hold a reference copy
 * them without a lock, and a sync writes them without one. Chains, states and references change under the journal's
 * state lock only; a live buffer's size grows without it, by its one writer, after the bytes that it covers. A buffer
 * that is too small is replaced by a larger one; sections that write little hold little. Buffers are kept for reuse,
 * because fresh memory costs more than the bytes that go into it.
 */
#ifndef SEGJ_PAGED_WRITE_BUFFER_H
#define SEGJ_PAGED_WRITE_BUFFER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/thread.h"

typedef enum segj_buffer_state { SEGJ_BUFFER_LIVE, SEGJ_BUFFER_SEALED, SEGJ_BUFFER_WRITING } segj_buffer_state_t;

typedef struct segj_write_buffer {
    struct segj_write_buffer *next;     /* in the chain */
    struct segj_write_buffer *captured; /* the next one that the same sync writes */
    uint64_t offset;                    /* of its first byte in the file's data */
    _Atomic(size_t) size;
    size_t capacity;
    uint32_t references;
    segj_buffer_state_t state;
    uint8_t data[];
} segj_write_buffer_t;

/** Memory of all buffers of a journal, spare ones included. */
typedef struct segj_budget {
    _Atomic(size_t) used; /* changes under the state lock, is read without it */
    size_t limit;
} segj_budget_t;

/** Buffers of one kind. */
typedef struct segj_pool {
    segj_state_t *state;
    segj_budget_t *budget;
    size_t capacity; /* of the largest */
    segj_write_buffer_t *spare;
    unsigned spares;
} segj_pool_t;

typedef struct segj_chain {
    segj_write_buffer_t *first, *last;
} segj_chain_t;

/** Takes a live, empty buffer of at least `capacity` bytes, for bytes from `offset` on. Call without the state lock. */
SEGJ_MUST_CHECK SEGJ_WITHOUT_STATE segj_status_t segj_buffer_take(segj_pool_t *pool, uint64_t offset, size_t capacity,
                                                                  segj_write_buffer_t **taken);

/** Puts a buffer of at least `capacity` bytes in the place of the chain's last one, with its first `used` bytes, those
 *  that are not published included. Call without the state lock; no other thread may be filling the chain. */
SEGJ_MUST_CHECK SEGJ_WITHOUT_STATE segj_status_t segj_chain_resize(segj_pool_t *pool, segj_chain_t *chain,
                                                                   size_t capacity, size_t used);

/** Shows the first `size` bytes of a live buffer to readers. Its writer's; without the state lock. */
static inline void segj_buffer_publish(segj_write_buffer_t *buffer, size_t size)
{
    atomic_store_explicit(&buffer->size, size, memory_order_release);
}

/** Whether buffers hold more memory than they should. Without the state lock. */
static inline bool segj_budget_exceeded(const segj_budget_t *budget)
{
    return atomic_load_explicit(&budget->used, memory_order_relaxed) > budget->limit;
}

/** Frees the spare buffers. Under the state lock. */
SEGJ_UNDER_STATE void segj_pool_free(segj_pool_t *pool);

/* With the state lock held: */
SEGJ_UNDER_STATE void segj_buffer_release(segj_pool_t *pool,
                                          segj_write_buffer_t *buffer); /**< gives a reference back */
SEGJ_UNDER_STATE void segj_chain_add(segj_chain_t *chain, segj_write_buffer_t *buffer);
SEGJ_UNDER_STATE void segj_chain_drop(segj_pool_t *pool, segj_chain_t *chain,
                                      segj_write_buffer_t *buffer); /**< and its reference */
/** The newest buffer that holds the byte at `offset`, or NULL. */
SEGJ_UNDER_STATE segj_write_buffer_t *segj_chain_find(const segj_chain_t *chain, uint64_t offset);

#endif
