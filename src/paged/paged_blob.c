/*
 * paged/paged_blob.c: see the header. Buffers hold physical pages back to back, their offsets are offsets in the data.
 */
#include "paged/paged_blob.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

static const segj_page_state_t no_state = {0, 0, 0};

static size_t physical(const segj_paged_t *paged)
{
    return segj_page_physical(paged->page_size);
}

static uint64_t first_page(const segj_paged_t *paged, const segj_write_buffer_t *buffer)
{
    return buffer->offset / physical(paged);
}

/* What a buffer begins with: two pages, or less where the largest is smaller. */
static size_t least_capacity(const segj_paged_t *paged, const segj_pool_t *pool)
{
    return 2 * physical(paged) < pool->capacity ? 2 * physical(paged) : pool->capacity;
}

size_t segj_paged_capacity(uint16_t page_size, size_t record_size, size_t wanted)
{
    size_t page = segj_page_physical(page_size);
    size_t least = (record_size + page_size - 1) / page_size + 1;
    size_t pages = wanted / page;
    return (pages > least ? pages : least) * page;
}

static segj_paged_t paged_new(const segj_io_file_t *file, uint16_t page_size, segj_checksum_kind_t checksum,
                              uint64_t length)
{
    return (segj_paged_t){.binding = file->binding,
                          .length = length,
                          .partial = (size_t)(length % page_size),
                          .synced_page = SEGJ_NO_PAGE,
                          .flight_page = SEGJ_NO_PAGE,
                          .page_size = page_size,
                          .checksum = checksum};
}

/* The live buffer has what there is of the last page. */
static void begin_live(segj_paged_t *paged, segj_pool_t *pool, segj_write_buffer_t *live)
{
    segj_lock(pool->state);
    live->size = paged->partial > 0 ? physical(paged) : 0;
    segj_chain_add(&paged->chain, live);
    segj_unlock(pool->state);
}

static segj_status_t read_partial(segj_paged_t *paged, const segj_io_file_t *file, segj_write_buffer_t *live)
{
    uint64_t page = paged->length / paged->page_size;
    if (paged->partial == 0)
        return SEGJ_OK;
    segj_status_t status = segj_io_read(file, file->data + live->offset, live->data, physical(paged), NULL);
    if (status != SEGJ_OK)
        return status;
    paged->synced_page = page;
    paged->synced = segj_page_verify(paged->checksum, live->data, paged->page_size, paged->binding, page);
    if (paged->synced.length == paged->partial)
        return SEGJ_OK;
    return segj_io_fail(SEGJ_ERR_CORRUPT, file, file->data + live->offset,
                        "index page %llu holds %u bytes, expected %u bytes", (unsigned long long)page,
                        (unsigned)paged->synced.length, (unsigned)paged->partial);
}

segj_status_t segj_paged_open(segj_paged_t *paged, segj_pool_t *pool, const segj_io_file_t *file, uint16_t page_size,
                              segj_checksum_kind_t checksum, uint64_t length)
{
    *paged = paged_new(file, page_size, checksum, length);
    segj_write_buffer_t *live;
    segj_status_t status =
        segj_buffer_take(pool, length / page_size * physical(paged), least_capacity(paged, pool), &live);
    if (status != SEGJ_OK)
        return status;
    status = read_partial(paged, file, live);
    if (status == SEGJ_OK) {
        begin_live(paged, pool, live);
        return SEGJ_OK;
    }
    segj_lock(pool->state);
    segj_buffer_release(pool, live);
    segj_unlock(pool->state);
    return status;
}

segj_status_t segj_paged_open_with(segj_paged_t *paged, segj_pool_t *pool, const segj_io_file_t *file,
                                   uint16_t page_size, segj_checksum_kind_t checksum, uint64_t length,
                                   const uint8_t *partial)
{
    *paged = paged_new(file, page_size, checksum, length);
    segj_write_buffer_t *live;
    segj_status_t status =
        segj_buffer_take(pool, length / page_size * physical(paged), least_capacity(paged, pool), &live);
    if (status != SEGJ_OK)
        return status;
    memcpy(live->data, partial, paged->partial);
    begin_live(paged, pool, live);
    return SEGJ_OK;
}

void segj_paged_discard(segj_paged_t *paged, segj_pool_t *pool)
{
    segj_assert_held(pool->state);
    while (paged->chain.first != NULL)
        segj_chain_drop(pool, &paged->chain, paged->chain.first);
}

/* Completes the pages of a buffer from page `skip` on, and writes them. `synced` describes synced_page. behind: of the
 * appends; NULL: a sync writes. */
static segj_status_t paged_blob_write_pages(const segj_paged_t *paged, const segj_io_file_t *file,
                                            segj_write_buffer_t *buffer, size_t skip, segj_paged_capture_t *capture,
                                            segj_io_behind_t *behind)
{
    uint64_t page = first_page(paged, buffer) + skip;
    for (size_t at = skip * physical(paged); at < buffer->size; at += physical(paged), page++) {
        bool tail = page == capture->tail_page;
        segj_page_state_t state = segj_page_complete(
            paged->checksum, buffer->data + at, paged->page_size, paged->binding, page,
            tail ? capture->tail_length : paged->page_size, page == capture->synced_page ? capture->synced : no_state);
        if (tail)
            capture->tail = state;
    }
    size_t from = skip * physical(paged);
    uint64_t offset = file->data + buffer->offset + from;
    segj_status_t status = segj_io_write(file, offset, buffer->data + from, buffer->size - from);
    if (status == SEGJ_OK && behind != NULL)
        segj_io_write_behind(file, behind, offset, buffer->size - from);
    else if (status == SEGJ_OK && !capture->quiet)
        segj_io_write_back(file, offset, buffer->size - from);
    return status;
}

/* The next sealed buffer that may be written, and how many of its pages a sync under way keeps us from writing. */
static segj_write_buffer_t *paged_blob_next_sealed(const segj_paged_t *paged, size_t *skip)
{
    for (segj_write_buffer_t *at = paged->chain.first; at != NULL; at = at->next) {
        *skip = first_page(paged, at) == paged->flight_page ? 1 : 0;
        if (at->state == SEGJ_BUFFER_SEALED && at->size > *skip * physical(paged))
            return at;
    }
    return NULL;
}

static segj_status_t paged_blob_write_sealed(segj_paged_t *paged, segj_pool_t *pool, const segj_io_file_t *file)
{
    segj_status_t status = SEGJ_OK;
    segj_write_buffer_t *buffer;
    size_t skip;
    segj_lock(pool->state);
    while (status == SEGJ_OK && (buffer = paged_blob_next_sealed(paged, &skip)) != NULL) {
        segj_paged_capture_t capture = {
            .tail_page = SEGJ_NO_PAGE, .synced_page = paged->synced_page, .synced = paged->synced};
        buffer->state = SEGJ_BUFFER_WRITING;
        segj_unlock(pool->state);
        status = paged_blob_write_pages(paged, file, buffer, skip, &capture, &paged->behind);
        segj_lock(pool->state);
        buffer->state = SEGJ_BUFFER_SEALED;
        if (status == SEGJ_OK && skip == 0) {
            segj_chain_drop(pool, &paged->chain, buffer);
        } else if (status == SEGJ_OK) {
            buffer->size = physical(paged); /* the page in flight stays, for a later write */
        }
    }
    segj_unlock(pool->state);
    return status;
}

/* Seals the live buffer's full pages and continues in a fresh buffer, of about the size that was needed now, with the
 * bytes of the partial one. */
static segj_status_t paged_blob_seal(segj_paged_t *paged, segj_pool_t *pool, bool with_partial, bool lean)
{
    uint64_t page = paged->length / paged->page_size;
    size_t partial = (size_t)(paged->length % paged->page_size);
    size_t capacity = least_capacity(paged, pool);
    size_t used = paged->chain.last->size;
    if (!lean && used > capacity)
        capacity = used < pool->capacity ? used : pool->capacity;
    segj_write_buffer_t *fresh;
    segj_status_t status = segj_buffer_take(pool, page * physical(paged), capacity, &fresh);
    if (status != SEGJ_OK)
        return status;
    segj_lock(pool->state);
    segj_write_buffer_t *live = paged->chain.last;
    assert(live->state == SEGJ_BUFFER_LIVE);
    size_t at = (size_t)(page - first_page(paged, live)) * physical(paged);
    memcpy(fresh->data, live->data + at, partial);
    fresh->size = partial > 0 ? physical(paged) : 0;
    live->state = SEGJ_BUFFER_SEALED;
    if (partial > 0 && !with_partial)
        live->size = at;
    assert(live->size > 0);
    segj_chain_add(&paged->chain, fresh);
    segj_unlock(pool->state);
    return SEGJ_OK;
}

/* Bytes that the live buffer needs for the pages up to `size` more bytes. */
static uint64_t needed(const segj_paged_t *paged, size_t size)
{
    uint64_t end = (paged->length + size + paged->page_size - 1) / paged->page_size;
    return (end - first_page(paged, paged->chain.last)) * physical(paged);
}

segj_status_t segj_paged_reserve(segj_paged_t *paged, segj_pool_t *pool, const segj_io_file_t *file, size_t size)
{
    if (paged->partial > 0 && size <= paged->page_size - paged->partial)
        return SEGJ_OK;
    /* Only the holder of the change lock replaces the live buffer or appends to it, so these reads need no more. */
    segj_status_t status = SEGJ_OK;
    if (needed(paged, size) > pool->capacity)
        status = segj_paged_drain(paged, pool, file, false);
    uint64_t want = needed(paged, size);
    size_t have = paged->chain.last->capacity;
    if (status != SEGJ_OK || want <= have)
        return status;
    size_t capacity = have < pool->capacity / 2 ? 2 * have : pool->capacity;
    return segj_chain_resize(pool, &paged->chain, capacity > want ? capacity : (size_t)want, paged->chain.last->size);
}

segj_status_t segj_paged_drain(segj_paged_t *paged, segj_pool_t *pool, const segj_io_file_t *file, bool lean)
{
    /* What an earlier failure has left goes first: memory must not grow while the storage is full. */
    segj_status_t status = paged_blob_write_sealed(paged, pool, file);
    if (status == SEGJ_OK && paged->length / paged->page_size != first_page(paged, paged->chain.last)) {
        status = paged_blob_seal(paged, pool, false, lean);
        return status == SEGJ_OK ? paged_blob_write_sealed(paged, pool, file) : status;
    }
    if (status == SEGJ_OK && lean && paged->chain.last->capacity > least_capacity(paged, pool))
        status = segj_chain_resize(pool, &paged->chain, least_capacity(paged, pool), paged->chain.last->size);
    return status;
}

void segj_paged_put(segj_paged_t *paged, const uint8_t *bytes, size_t size)
{
    segj_write_buffer_t *live = paged->chain.last;
    paged->length += size;
    while (size > 0) {
        size_t used = atomic_load_explicit(&live->size, memory_order_relaxed);
        size_t at = used + paged->partial - (paged->partial > 0 ? physical(paged) : 0);
        size_t left = paged->page_size - paged->partial;
        size_t part = left < size ? left : size;
        assert(at + part <= live->capacity);
        memcpy(live->data + at, bytes, part);
        if (paged->partial == 0)
            segj_buffer_publish(live, used + physical(paged));
        paged->partial = part == left ? 0 : paged->partial + part;
        bytes += part;
        size -= part;
    }
}

void segj_paged_roll_back(segj_paged_t *paged, size_t size)
{
    segj_write_buffer_t *live = paged->chain.last;
    paged->length -= size;
    paged->partial = (size_t)(paged->length % paged->page_size);
    uint64_t pages = (paged->length + paged->page_size - 1) / paged->page_size - first_page(paged, live);
    segj_buffer_publish(live, (size_t)pages * physical(paged));
}

void segj_paged_around(const segj_paged_t *paged, uint64_t page, uint64_t *first, uint64_t *end)
{
    for (const segj_write_buffer_t *at = paged->chain.first; at != NULL; at = at->next) {
        uint64_t begin = first_page(paged, at);
        if (begin > page)
            *end = segj_min_u64(*end, begin);
        else
            *first = segj_max_u64(*first, begin + at->size / physical(paged));
    }
}

/* Whether the page is in the buffer, or would be the next one of the live buffer. Pages after one that was in flight
 * may have been written, and are in no buffer. */
static bool holds_page(const segj_paged_t *paged, const segj_write_buffer_t *buffer, uint64_t page)
{
    uint64_t begin = first_page(paged, buffer);
    return page >= begin && (buffer->state == SEGJ_BUFFER_LIVE || page - begin < buffer->size / physical(paged));
}

void segj_paged_cut(segj_paged_t *paged, segj_pool_t *pool, uint64_t length, const uint8_t *partial)
{
    segj_assert_held(pool->state);
    uint64_t page = length / paged->page_size;
    segj_write_buffer_t *last = NULL;
    segj_write_buffer_t *after = NULL;
    assert(paged->flight_page == SEGJ_NO_PAGE && length <= paged->length);
    for (segj_write_buffer_t *at = paged->chain.first; at != NULL; at = at->next) {
        if (holds_page(paged, at, page))
            last = at;
        else if (after == NULL && first_page(paged, at) > page)
            after = at;
    }
    bool in_memory = last != NULL;
    if (!in_memory)
        last = after;
    assert(last != NULL);
    while (paged->chain.last != last)
        segj_chain_drop(pool, &paged->chain, paged->chain.last);
    paged->length = length;
    paged->partial = (size_t)(length % paged->page_size);
    paged->synced_page = SEGJ_NO_PAGE;
    paged->synced = no_state;
    last->state = SEGJ_BUFFER_LIVE;
    if (!in_memory) {
        last->offset = page * physical(paged);
        memcpy(last->data, partial, paged->partial);
    }
    last->size = (size_t)(page - first_page(paged, last) + (paged->partial > 0)) * physical(paged);
}

bool segj_paged_peek(const segj_paged_t *paged, uint64_t page, size_t from, size_t size, uint8_t *to)
{
    const segj_write_buffer_t *buffer = segj_chain_find(&paged->chain, page * physical(paged));
    if (buffer == NULL)
        return false;
    memcpy(to, buffer->data + (size_t)(page - first_page(paged, buffer)) * physical(paged) + from, size);
    return true;
}

segj_status_t segj_paged_capture(segj_paged_t *paged, segj_pool_t *pool, segj_paged_capture_t *capture)
{
    uint64_t page = paged->length / paged->page_size;
    uint16_t partial = (uint16_t)(paged->length % paged->page_size);
    uint64_t begin = first_page(paged, paged->chain.last);
    assert(paged->flight_page == SEGJ_NO_PAGE);
    paged->behind = (segj_io_behind_t){0, 0}; /* a sync starts it all */
    *capture =
        (segj_paged_capture_t){.tail_page = SEGJ_NO_PAGE, .synced_page = paged->synced_page, .synced = paged->synced};
    bool unchanged = page == begin && (partial == 0 || (page == paged->synced_page && partial == paged->synced.length));
    if (!unchanged) {
        segj_status_t status = paged_blob_seal(paged, pool, true, false);
        if (status != SEGJ_OK)
            return status;
        if (partial > 0) {
            capture->tail_page = page;
            capture->tail_length = partial;
        }
    }
    segj_lock(pool->state);
    paged->flight_page = capture->tail_page;
    segj_write_buffer_t **link = &capture->first;
    for (segj_write_buffer_t *at = paged->chain.first; at != NULL; at = at->next) {
        if (at->state != SEGJ_BUFFER_SEALED)
            continue;
        at->state = SEGJ_BUFFER_WRITING;
        at->captured = NULL;
        *link = at;
        link = &at->captured;
    }
    segj_unlock(pool->state);
    return SEGJ_OK;
}

segj_status_t segj_paged_write(const segj_paged_t *paged, const segj_io_file_t *file, segj_paged_capture_t *capture)
{
    segj_status_t status = SEGJ_OK;
    for (segj_write_buffer_t *at = capture->first; at != NULL && status == SEGJ_OK; at = at->captured)
        status = paged_blob_write_pages(paged, file, at, 0, capture, NULL);
    return status;
}

/* What was captured is the appends' again; `written`: and need not be written once more. */
SEGJ_UNDER_STATE static void paged_blob_let_go(segj_paged_t *paged, segj_pool_t *pool,
                                               const segj_paged_capture_t *capture, bool written)
{
    for (segj_write_buffer_t *at = capture->first, *next; at != NULL; at = next) {
        next = at->captured;
        at->state = SEGJ_BUFFER_SEALED;
        /* The live buffer has the bytes of the tail page, and its next write makes a page of them. */
        if (next == NULL && capture->tail_page != SEGJ_NO_PAGE)
            at->size -= physical(paged);
        if (written || at->size == 0)
            segj_chain_drop(pool, &paged->chain, at);
    }
    paged->flight_page = SEGJ_NO_PAGE;
}

void segj_paged_hand_over(segj_paged_t *paged, segj_pool_t *pool, const segj_paged_capture_t *capture)
{
    segj_assert_held(pool->state);
    paged_blob_let_go(paged, pool, capture, true);
}

void segj_paged_finish(segj_paged_t *paged, segj_pool_t *pool, const segj_paged_capture_t *capture, bool synced)
{
    segj_assert_held(pool->state);
    paged_blob_let_go(paged, pool, capture, synced);
    if (synced && capture->tail_page != SEGJ_NO_PAGE) {
        paged->synced_page = capture->tail_page;
        paged->synced = capture->tail;
    }
}
