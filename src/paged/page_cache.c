/*
 * paged/page_cache.c: a hash of frames, replaced in clock order (a page read since the hand last passed stays).
 *
 * Readers take no lock. A frame counts those who copy from it in `pins`; a reader that wants the frame for another page
 * clears SHOWN there, and a reader that comes later goes away. Everything else changes under the mutex. A reader that
 * walks along a bucket while frames move may miss a page that is there: it then reads the file.
 */
#include "paged/page_cache.h"

#include <assert.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/process.h"
#include "base/thread.h"
#include "paged/page_format.h"

/* Frames are counted from 1, so that memory that is all zeros, which costs nothing until it is used, is an empty
 * cache. */
#define NO_FRAME 0
#define PAGES_MAX ((uint32_t)1 << 28)

/* In frame_t.pins, with the number of readers: a page is there for them. */
#define SHOWN ((unsigned)1 << 31)
/* Frames that a reader looks at in a bucket: buckets are short, and one that is being changed may lead anywhere. */
#define LOOK_MAX 64

/* Pages begin here: one that is as long as a page of the system's memory lies in one. */
#define PAGE_CACHE_ALIGNMENT ((uintptr_t)4096)

typedef enum frame_use { FRAME_FREE, FRAME_RESERVED, FRAME_HELD } frame_use_t;

typedef struct frame {
    atomic_uint_fast64_t id, page;
    atomic_uint_least32_t next; /* in the bucket */
    atomic_uint pins;
    uint16_t length; /* set while it is not SHOWN */
    uint8_t use;
    atomic_bool recent;
} frame_t;

struct segj_page_cache {
    segj_mutex_t mutex;
    segj_process_word_t *word; /* says whose the cache is: claim() */
    segj_process_word_t by_id; /* the word, where the system has none that it empties in a child */
    atomic_uint_fast64_t references;
    uint64_t next_id;
    uint16_t page_size;
    uint32_t pages, hand, mask;
    atomic_uint_least32_t *buckets;
    uint8_t *bytes;
    uint64_t apart[2]; /* unused: the frames' addresses take a few instructions less from here on */
    frame_t frames[];  /* and after them the buckets and the bytes */
};

/* In the word, below a number that no other process has there. */
#define WORD_CLAIMED UINT64_C(1)
#define WORD_READY UINT64_C(2)
#define WORD_STATES UINT64_C(3)

static uint32_t page_cache_bucket_of(const segj_page_cache_t *cache, uint64_t id, uint64_t page)
{
    /* splitmix64's finisher (Steele, Lea, Flood 2014), over both numbers. */
    uint64_t x = id * UINT64_C(0x9E3779B97F4A7C15) + page;
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return (uint32_t)(x ^ (x >> 31)) & cache->mask;
}

/* --- whose it is --- */

static segj_process_word_t *word_of(segj_page_cache_t *cache)
{
    return cache->word != NULL ? cache->word : &cache->by_id;
}

/* A number for the word that none of the processes before had there. */
static uint64_t new_number(const segj_page_cache_t *cache)
{
    return (cache->word != NULL ? segj_process_time() : (uint64_t)segj_process_id()) << 2;
}

/* The state that this process has put into the word, or 0. */
static uint64_t state_of(const segj_page_cache_t *cache, uint64_t said)
{
    bool ours = cache->word != NULL || (said & ~WORD_STATES) == new_number(cache);
    return ours ? said & WORD_STATES : 0;
}

segj_status_t segj_page_cache_create(uint16_t page_size, uint32_t pages, segj_page_cache_t **created)
{
    if (created == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "segj_page_cache_create: cache is NULL");
    *created = NULL;
    if (page_size == 0)
        return segj_fail(SEGJ_ERR_INVALID, "segj_page_cache_create: page_size is 0, expected 1 to 65535 bytes");
    if (pages == 0 || pages > PAGES_MAX)
        return segj_fail(SEGJ_ERR_INVALID, "segj_page_cache_create: pages is %u, expected 1 to 2^28 pages",
                         (unsigned)pages);
    uint32_t buckets = 1;
    while (buckets < pages)
        buckets *= 2;
    uint64_t frames = sizeof(segj_page_cache_t) + ((uint64_t)pages + 1) * sizeof(frame_t);
    uint64_t head = frames + (uint64_t)buckets * sizeof(atomic_uint_least32_t);
    uint64_t size = head + PAGE_CACHE_ALIGNMENT + (uint64_t)pages * segj_page_physical(page_size);
    if (size > SIZE_MAX / 2)
        return segj_fail_memory(SIZE_MAX);
    /* In one piece: so much comes from the system as zeros, and costs nothing until it is used. */
    uint8_t *memory = calloc(1, (size_t)size);
    if (memory == NULL)
        return segj_fail_memory((size_t)size);
    segj_page_cache_t *cache = (segj_page_cache_t *)(void *)memory;
    if (!segj_mutex_init(&cache->mutex)) {
        free(cache);
        return segj_fail_memory((size_t)size);
    }
    cache->buckets = (atomic_uint_least32_t *)(void *)(memory + frames);
    cache->bytes = memory + head;
    cache->bytes += (PAGE_CACHE_ALIGNMENT - (uintptr_t)cache->bytes % PAGE_CACHE_ALIGNMENT) % PAGE_CACHE_ALIGNMENT;
    cache->hand = 1;
    cache->references = 1;
    cache->page_size = page_size;
    cache->pages = pages;
    cache->mask = buckets - 1;
    cache->word = segj_process_word_make();
    atomic_store(word_of(cache), new_number(cache) | WORD_READY);
    *created = cache;
    return SEGJ_OK;
}

/* As a child has it from its parent: the thread that held the mutex, or a frame, is not there, and what was being
 * changed stays as it was. So all pages go. None of the parent's journals reads here any more. */
static void make_anew(segj_page_cache_t *cache)
{
    memset(cache->frames, 0, ((size_t)cache->pages + 1) * sizeof *cache->frames);
    memset(cache->buckets, 0, ((size_t)cache->mask + 1) * sizeof *cache->buckets);
    cache->hand = 1;
    cache->next_id += (uint64_t)1 << 32; /* one that was being given out is not given out again */
    (void)segj_mutex_init(&cache->mutex);
}

void segj_page_cache_claim(segj_page_cache_t *cache)
{
    segj_process_word_t *word = word_of(cache);
    uint64_t number = new_number(cache);
    for (;;) {
        uint_fast64_t said = atomic_load(word);
        uint64_t state = state_of(cache, said);
        if (state == WORD_READY)
            return;
        if (state == WORD_CLAIMED)
            (void)sched_yield(); /* another thread of this process is at it */
        else if (atomic_compare_exchange_strong(word, &said, number | WORD_CLAIMED))
            break;
    }
    make_anew(cache);
    atomic_store(word, number | WORD_READY);
}

const segj_process_word_t *segj_page_cache_word(const segj_page_cache_t *cache)
{
    return cache->word;
}

void segj_page_cache_retain(segj_page_cache_t *cache)
{
    (void)atomic_fetch_add(&cache->references, 1);
}

void segj_page_cache_release(segj_page_cache_t *cache)
{
    if (cache == NULL)
        return;
    if (atomic_fetch_sub(&cache->references, 1) > 1)
        return;
    /* In a child the mutex may be held by a thread that is not there. */
    if (state_of(cache, atomic_load(word_of(cache))) == WORD_READY)
        segj_mutex_destroy(&cache->mutex);
    segj_process_word_free(cache->word);
    free(cache);
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
    return cache->bytes + (size_t)(frame - 1) * segj_page_physical(cache->page_size);
}

static uint32_t frame_of(const segj_page_cache_t *cache, const uint8_t *bytes)
{
    return 1 + (uint32_t)((size_t)(bytes - cache->bytes) / segj_page_physical(cache->page_size));
}

static bool is_page(const frame_t *frame, uint64_t id, uint64_t page)
{
    return atomic_load_explicit(&frame->page, memory_order_relaxed) == page &&
           atomic_load_explicit(&frame->id, memory_order_relaxed) == id;
}

static uint32_t next_of(const frame_t *frame)
{
    return atomic_load_explicit(&frame->next, memory_order_acquire);
}

/* Under the mutex. */
static uint32_t page_cache_find(const segj_page_cache_t *cache, uint64_t id, uint64_t page) SEGJ_REQUIRES(cache->mutex);
static uint32_t page_cache_find(const segj_page_cache_t *cache, uint64_t id, uint64_t page)
{
    segj_assert_held(&cache->mutex);
    uint32_t at = atomic_load(&cache->buckets[page_cache_bucket_of(cache, id, page)]);
    while (at != NO_FRAME && !is_page(&cache->frames[at], id, page))
        at = next_of(&cache->frames[at]);
    return at;
}

/* Copies from a frame that may be anybody's by now. */
static bool copy_from(segj_page_cache_t *cache, uint32_t at, uint64_t id, uint64_t page, size_t from, size_t size,
                      void *to)
{
    frame_t *frame = &cache->frames[at];
    unsigned pins = atomic_fetch_add_explicit(&frame->pins, 1, memory_order_acquire);
    bool found = (pins & SHOWN) != 0 && is_page(frame, id, page) && from + size <= frame->length;
    if (found) {
        memcpy(to, bytes_of(cache, at) + from, size);
        if (!atomic_load_explicit(&frame->recent, memory_order_relaxed))
            atomic_store_explicit(&frame->recent, true, memory_order_relaxed);
    }
    (void)atomic_fetch_sub_explicit(&frame->pins, 1, memory_order_release);
    return found;
}

bool segj_page_cache_read(segj_page_cache_t *cache, uint64_t id, uint64_t page, size_t from, size_t size, void *to)
{
    uint32_t at = atomic_load_explicit(&cache->buckets[page_cache_bucket_of(cache, id, page)], memory_order_acquire);
    for (int i = 0; i < LOOK_MAX && at != NO_FRAME; i++) {
        if (is_page(&cache->frames[at], id, page))
            return copy_from(cache, at, id, page, from, size, to);
        at = next_of(&cache->frames[at]);
    }
    return false;
}

/* Takes a page out of its bucket. Readers that copy from it continue, and keep the frame from being used. */
static void unlink_frame(segj_page_cache_t *cache, uint32_t at)
{
    frame_t *frame = &cache->frames[at];
    atomic_uint_least32_t *link =
        &cache->buckets[page_cache_bucket_of(cache, atomic_load(&frame->id), atomic_load(&frame->page))];
    while (atomic_load(link) != at)
        link = &cache->frames[atomic_load(link)].next;
    atomic_store(link, next_of(frame));
    (void)atomic_fetch_and(&frame->pins, ~SHOWN);
    frame->use = FRAME_FREE;
}

/* Whether the frame can be had: one that no reader reads, and none has read since the hand last passed. */
static bool make_free(segj_page_cache_t *cache, uint32_t at)
{
    frame_t *frame = &cache->frames[at];
    if (frame->use == FRAME_RESERVED || (atomic_load_explicit(&frame->pins, memory_order_acquire) & ~SHOWN) != 0)
        return false;
    if (frame->use == FRAME_FREE)
        return true;
    if (atomic_exchange_explicit(&frame->recent, false, memory_order_relaxed))
        return false;
    unlink_frame(cache, at);
    return atomic_load_explicit(&frame->pins, memory_order_acquire) == 0;
}

uint8_t *segj_page_cache_reserve(segj_page_cache_t *cache)
{
    uint8_t *reserved = NULL;
    segj_lock(&cache->mutex);
    /* Two rounds of the hand: the first may only find pages read since, and makes them candidates of the second. */
    for (uint64_t step = 0; step < 2 * (uint64_t)cache->pages && reserved == NULL; step++) {
        uint32_t at = cache->hand;
        cache->hand = at == cache->pages ? 1 : at + 1;
        if (!make_free(cache, at))
            continue;
        cache->frames[at].use = FRAME_RESERVED;
        reserved = bytes_of(cache, at);
    }
    segj_unlock(&cache->mutex);
    return reserved;
}

/* A reserved frame becomes the page that is in it. */
static void page_cache_hold(segj_page_cache_t *cache, uint32_t at, uint64_t id, uint64_t page, uint16_t length)
{
    frame_t *frame = &cache->frames[at];
    atomic_uint_least32_t *bucket = &cache->buckets[page_cache_bucket_of(cache, id, page)];
    atomic_store_explicit(&frame->id, id, memory_order_relaxed);
    atomic_store_explicit(&frame->page, page, memory_order_relaxed);
    atomic_store_explicit(&frame->recent, true, memory_order_relaxed);
    atomic_store(&frame->next, atomic_load(bucket));
    frame->length = length;
    frame->use = FRAME_HELD;
    (void)atomic_fetch_or_explicit(&frame->pins, SHOWN, memory_order_release);
    atomic_store_explicit(bucket, at, memory_order_release);
}

void segj_page_cache_publish(segj_page_cache_t *cache, uint8_t *frame, uint64_t id, uint64_t page, uint16_t length)
{
    segj_lock(&cache->mutex);
    uint32_t at = frame_of(cache, frame);
    assert(cache->frames[at].use == FRAME_RESERVED);
    uint32_t other = page_cache_find(cache, id, page);
    if (other != NO_FRAME && cache->frames[other].length >= length) {
        cache->frames[at].use = FRAME_FREE;
    } else {
        if (other != NO_FRAME)
            unlink_frame(cache, other);
        page_cache_hold(cache, at, id, page, length);
    }
    segj_unlock(&cache->mutex);
}

void segj_page_cache_cancel(segj_page_cache_t *cache, uint8_t *frame)
{
    segj_lock(&cache->mutex);
    cache->frames[frame_of(cache, frame)].use = FRAME_FREE;
    segj_unlock(&cache->mutex);
}
