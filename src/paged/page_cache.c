/*
 * paged/page_cache.c: a hash of frames, replaced in clock order (a page read since the hand last passed stays).
 */
#include "paged/page_cache.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/thread.h"
#include "paged/page_format.h"

#define NO_FRAME UINT32_MAX
#define PAGES_MAX ((uint32_t)1 << 28)

typedef enum frame_use { FRAME_FREE, FRAME_RESERVED, FRAME_HELD } frame_use_t;

typedef struct frame {
    uint64_t id, page;
    uint32_t next; /* in the bucket */
    uint16_t length;
    uint8_t use;
    bool recent;
} frame_t;

struct segj_page_cache {
    segj_mutex_t mutex;
    uint64_t references, next_id;
    uint16_t page_size;
    uint32_t pages, hand, mask;
    frame_t *frames;
    uint32_t *buckets;
    uint8_t *bytes;
};

static uint32_t bucket_of(const segj_page_cache_t *cache, uint64_t id, uint64_t page)
{
    /* splitmix64's finisher (Steele, Lea, Flood 2014), over both numbers. */
    uint64_t x = id * UINT64_C(0x9E3779B97F4A7C15) + page;
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return (uint32_t)(x ^ (x >> 31)) & cache->mask;
}

static void free_cache(segj_page_cache_t *cache)
{
    free(cache->frames);
    free(cache->buckets);
    free(cache->bytes);
    free(cache);
}

segj_status_t segj_page_cache_create(uint16_t page_size, uint32_t pages, segj_page_cache_t **created)
{
    if (created == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "segj_page_cache_create: cache is NULL");
    if (page_size == 0)
        return segj_fail(SEGJ_ERR_INVALID, "segj_page_cache_create: page_size is 0, expected 1 to 65535");
    if (pages == 0 || pages > PAGES_MAX)
        return segj_fail(SEGJ_ERR_INVALID, "segj_page_cache_create: pages is %u, expected 1 to 2^28", (unsigned)pages);
    uint64_t bytes = (uint64_t)pages * segj_page_physical(page_size);
    if (bytes > SIZE_MAX / 2)
        return segj_fail_memory(SIZE_MAX);
    uint32_t buckets = 1;
    while (buckets < pages)
        buckets *= 2;
    segj_page_cache_t *cache = calloc(1, sizeof *cache);
    if (cache == NULL)
        return segj_fail_memory(sizeof *cache);
    cache->frames = calloc(pages, sizeof *cache->frames);
    cache->buckets = malloc(buckets * sizeof *cache->buckets);
    cache->bytes = malloc((size_t)bytes);
    if (cache->frames == NULL || cache->buckets == NULL || cache->bytes == NULL || !segj_mutex_init(&cache->mutex)) {
        free_cache(cache);
        return segj_fail_memory((size_t)bytes);
    }
    for (uint32_t i = 0; i < buckets; i++)
        cache->buckets[i] = NO_FRAME;
    cache->references = 1;
    cache->page_size = page_size;
    cache->pages = pages;
    cache->mask = buckets - 1;
    *created = cache;
    return SEGJ_OK;
}

void segj_page_cache_retain(segj_page_cache_t *cache)
{
    segj_lock(&cache->mutex);
    cache->references++;
    segj_unlock(&cache->mutex);
}

void segj_page_cache_release(segj_page_cache_t *cache)
{
    if (cache == NULL)
        return;
    segj_lock(&cache->mutex);
    bool last = --cache->references == 0;
    segj_unlock(&cache->mutex);
    if (!last)
        return;
    segj_mutex_destroy(&cache->mutex);
    free_cache(cache);
}

uint16_t segj_page_cache_page_size(const segj_page_cache_t *cache)
{
    return cache->page_size;
}

uint64_t segj_page_cache_id(segj_page_cache_t *cache)
{
    segj_lock(&cache->mutex);
    uint64_t id = cache->next_id++;
    segj_unlock(&cache->mutex);
    return id;
}

static uint8_t *bytes_of(segj_page_cache_t *cache, uint32_t frame)
{
    return cache->bytes + (size_t)frame * segj_page_physical(cache->page_size);
}

static uint32_t frame_of(const segj_page_cache_t *cache, const uint8_t *bytes)
{
    return (uint32_t)((size_t)(bytes - cache->bytes) / segj_page_physical(cache->page_size));
}

static uint32_t find(const segj_page_cache_t *cache, uint64_t id, uint64_t page)
{
    uint32_t at = cache->buckets[bucket_of(cache, id, page)];
    while (at != NO_FRAME && (cache->frames[at].id != id || cache->frames[at].page != page))
        at = cache->frames[at].next;
    return at;
}

static void unlink_frame(segj_page_cache_t *cache, uint32_t at)
{
    frame_t *frame = &cache->frames[at];
    uint32_t *link = &cache->buckets[bucket_of(cache, frame->id, frame->page)];
    while (*link != at)
        link = &cache->frames[*link].next;
    *link = frame->next;
    frame->use = FRAME_FREE;
}

bool segj_page_cache_read(segj_page_cache_t *cache, uint64_t id, uint64_t page, size_t from, size_t size, void *to)
{
    segj_lock(&cache->mutex);
    uint32_t at = find(cache, id, page);
    bool found = at != NO_FRAME && from + size <= cache->frames[at].length;
    if (found) {
        cache->frames[at].recent = true;
        memcpy(to, bytes_of(cache, at) + from, size);
    }
    segj_unlock(&cache->mutex);
    return found;
}

uint8_t *segj_page_cache_reserve(segj_page_cache_t *cache)
{
    uint8_t *reserved = NULL;
    segj_lock(&cache->mutex);
    /* Two rounds of the hand: the first may only find pages read since, and makes them candidates of the second. */
    for (uint64_t step = 0; step < 2 * (uint64_t)cache->pages && reserved == NULL; step++) {
        uint32_t at = cache->hand;
        frame_t *frame = &cache->frames[at];
        cache->hand = at + 1 == cache->pages ? 0 : at + 1;
        if (frame->use == FRAME_RESERVED)
            continue;
        if (frame->use == FRAME_HELD && frame->recent) {
            frame->recent = false;
            continue;
        }
        if (frame->use == FRAME_HELD)
            unlink_frame(cache, at);
        frame->use = FRAME_RESERVED;
        reserved = bytes_of(cache, at);
    }
    segj_unlock(&cache->mutex);
    return reserved;
}

void segj_page_cache_publish(segj_page_cache_t *cache, uint8_t *frame, uint64_t id, uint64_t page, uint16_t length)
{
    segj_lock(&cache->mutex);
    uint32_t at = frame_of(cache, frame);
    frame_t *own = &cache->frames[at];
    assert(own->use == FRAME_RESERVED);
    uint32_t other = find(cache, id, page);
    if (other != NO_FRAME && cache->frames[other].length >= length) {
        own->use = FRAME_FREE;
    } else {
        if (other != NO_FRAME)
            unlink_frame(cache, other);
        uint32_t *bucket = &cache->buckets[bucket_of(cache, id, page)];
        *own = (frame_t){id, page, *bucket, length, FRAME_HELD, true};
        *bucket = at;
    }
    segj_unlock(&cache->mutex);
}

void segj_page_cache_cancel(segj_page_cache_t *cache, uint8_t *frame)
{
    segj_lock(&cache->mutex);
    cache->frames[frame_of(cache, frame)].use = FRAME_FREE;
    segj_unlock(&cache->mutex);
}
