/* oversized/read/value_cache.c: see the header. */
#include "oversized/read/value_cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "oversized/section/buffer.h"

#define PARTS 16
/* A value may take so much of its part. */
#define LARGEST_PART 2
/* The lists are as many as there would be values of this size. */
#define VALUE_EXPECTED 2048
#define LISTS_LEAST 8

typedef struct cached {
    struct cached *next;          /* in its list */
    struct cached *newer, *older; /* as they were put in, or spared */
    uint64_t generation, offset;
    uint32_t location_size;
    bool used; /* since then */
    size_t size;
    uint8_t bytes[];
} cached_t;

typedef struct part {
    segj_mutex_t lock;
    cached_t **lists;
    cached_t *newest, *oldest;
    size_t used; /* bytes, what a value takes besides included */
    size_t values;
    uint64_t hits, misses;
    char apart[64]; /* the next one's lock is in another cache line */
} part_t;

struct segj_value_cache {
    size_t lists, most; /* of each part */
    part_t parts[PARTS];
};

static size_t cached_cost(size_t size)
{
    return sizeof(cached_t) + size;
}

static uint64_t cached_hash(uint64_t generation, uint64_t offset)
{
    uint64_t mixed = (generation * UINT64_C(0x9E3779B97F4A7C15)) ^ offset;
    mixed *= UINT64_C(0xBF58476D1CE4E5B9);
    return mixed ^ mixed >> 32;
}

/* --- beginning and end --- */

static void free_part(part_t *part)
{
    for (cached_t *at = part->newest, *older; at != NULL; at = older) {
        older = at->older;
        free(at);
    }
    free(part->lists);
}

segj_status_t segj_value_cache_new(size_t bytes, segj_value_cache_t **made)
{
    segj_value_cache_t *cache = calloc(1, sizeof *cache);
    *made = NULL;
    if (cache == NULL)
        return segj_fail_memory(sizeof *cache);
    cache->most = bytes / PARTS;
    cache->lists = cache->most / VALUE_EXPECTED + LISTS_LEAST;
    for (size_t i = 0; i < PARTS; i++) {
        part_t *part = &cache->parts[i];
        part->lists = calloc(cache->lists, sizeof(cached_t *));
        if (part->lists != NULL && segj_mutex_init(&part->lock))
            continue;
        segj_status_t status = segj_fail_memory(cache->lists * sizeof(cached_t *));
        free(part->lists);
        while (i-- > 0) {
            segj_mutex_destroy(&cache->parts[i].lock);
            free(cache->parts[i].lists);
        }
        free(cache);
        return status;
    }
    *made = cache;
    return SEGJ_OK;
}

void segj_value_cache_free(segj_value_cache_t *cache)
{
    if (cache == NULL)
        return;
    for (size_t i = 0; i < PARTS; i++) {
        free_part(&cache->parts[i]);
        segj_mutex_destroy(&cache->parts[i].lock);
    }
    free(cache);
}

void segj_value_cache_free_in_child(segj_value_cache_t *cache)
{
    if (cache == NULL)
        return;
    for (size_t i = 0; i < PARTS; i++) {
        if (!segj_try_lock(&cache->parts[i].lock))
            continue;
        free_part(&cache->parts[i]);
        segj_unlock(&cache->parts[i].lock);
    }
    free(cache);
}

/* --- their order; under the part's lock --- */

static void leave_order(part_t *part, cached_t *value) SEGJ_REQUIRES(part->lock);
static void leave_order(part_t *part, cached_t *value)
{
    segj_assert_held(&part->lock);
    *(value->newer != NULL ? &value->newer->older : &part->newest) = value->older;
    *(value->older != NULL ? &value->older->newer : &part->oldest) = value->newer;
}

static void join_order(part_t *part, cached_t *value) SEGJ_REQUIRES(part->lock);
static void join_order(part_t *part, cached_t *value)
{
    segj_assert_held(&part->lock);
    value->newer = NULL;
    value->older = part->newest;
    *(part->newest != NULL ? &part->newest->newer : &part->oldest) = value;
    part->newest = value;
}

/* --- values --- */

typedef struct spot {
    part_t *part;
    cached_t **list;
} spot_t;

static spot_t spot_of(segj_value_cache_t *cache, uint64_t generation, uint64_t offset)
{
    uint64_t hash = cached_hash(generation, offset);
    part_t *part = &cache->parts[hash % PARTS];
    return (spot_t){part, &part->lists[hash / PARTS % cache->lists]};
}

static cached_t *find_cached(const spot_t *spot, uint64_t generation, oversized_location_t location)
{
    cached_t *at = *spot->list;
    while (at != NULL &&
           (at->generation != generation || at->offset != location.offset || at->location_size != location.size))
        at = at->next;
    return at;
}

segj_status_t segj_value_cache_get(segj_value_cache_t *cache, uint64_t generation, oversized_location_t location,
                                   uint32_t limit, segj_buffer_t *value, bool *found)
{
    spot_t spot = spot_of(cache, generation, location.offset);
    segj_lock(&spot.part->lock);
    cached_t *cached = find_cached(&spot, generation, location);
    *found = cached != NULL;
    spot.part->hits += *found;
    spot.part->misses += !*found;
    segj_status_t status = SEGJ_OK;
    if (cached != NULL) {
        cached->used = true;
        status = segj_buffer_reserve(value, cached->size, limit);
        if (status == SEGJ_OK) {
            value->size = cached->size;
            if (cached->size > 0)
                memcpy(value->data, cached->bytes, cached->size);
        }
    }
    segj_unlock(&spot.part->lock);
    return status;
}

/* Takes one out of the part: the oldest that was not used since it was put in, or was spared before. (To move each
 * value to the front when it is read would touch its neighbours, whose memory is cold.) */
static cached_t *take_oldest(const segj_value_cache_t *cache, part_t *part) SEGJ_REQUIRES(part->lock);
static cached_t *take_oldest(const segj_value_cache_t *cache, part_t *part)
{
    segj_assert_held(&part->lock);
    cached_t *oldest = part->oldest;
    while (oldest->used) {
        oldest->used = false;
        leave_order(part, oldest);
        join_order(part, oldest);
        oldest = part->oldest;
    }
    cached_t **at = &part->lists[cached_hash(oldest->generation, oldest->offset) / PARTS % cache->lists];
    while (*at != oldest)
        at = &(*at)->next;
    *at = oldest->next;
    leave_order(part, oldest);
    part->used -= cached_cost(oldest->size);
    part->values--;
    return oldest;
}

void segj_value_cache_put(segj_value_cache_t *cache, uint64_t generation, oversized_location_t location,
                          const segj_buffer_t *value)
{
    if (value->size > cache->most / LARGEST_PART || cached_cost(value->size) > cache->most)
        return;
    cached_t *made = malloc(cached_cost(value->size));
    if (made == NULL)
        return;
    *made = (cached_t){
        .generation = generation, .offset = location.offset, .location_size = location.size, .size = value->size};
    if (value->size > 0)
        memcpy(made->bytes, value->data, value->size);
    spot_t spot = spot_of(cache, generation, location.offset);
    cached_t *gone = NULL;
    segj_lock(&spot.part->lock);
    if (find_cached(&spot, generation, location) != NULL) {
        made->next = gone; /* another reader was faster */
        gone = made;
    } else {
        spot.part->used += cached_cost(value->size);
        spot.part->values++;
        made->next = *spot.list;
        *spot.list = made;
        join_order(spot.part, made);
    }
    while (spot.part->used > cache->most) {
        cached_t *oldest = take_oldest(cache, spot.part);
        oldest->next = gone;
        gone = oldest;
    }
    segj_unlock(&spot.part->lock);
    while (gone != NULL) {
        cached_t *next = gone->next;
        free(gone);
        gone = next;
    }
}

segj_value_cache_counts_t segj_value_cache_count(segj_value_cache_t *cache)
{
    segj_value_cache_counts_t counts = {0, 0, 0, 0};
    for (size_t i = 0; i < PARTS; i++) {
        part_t *part = &cache->parts[i];
        segj_lock(&part->lock);
        counts.hits += part->hits;
        counts.misses += part->misses;
        counts.values += part->values;
        counts.bytes += part->used;
        segj_unlock(&part->lock);
    }
    return counts;
}
