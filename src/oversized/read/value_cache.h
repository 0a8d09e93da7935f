/*
 * oversized/read/value_cache.h: unpacked values of compressed sections, kept for those who read them again
 * (oversized_config_t.value_cache).
 *
 * A value is known by its section's generation and its place. No two sections have a generation in common, and a
 * section has a new one whenever records go away. Within one generation what readers see of a place never changes. So
 * nothing is ever taken out because it is wrong: values that no read can ask for any more are displaced by values that
 * are read. A reader that puts in or takes out has pinned the frame, and checks the generation when it unpins it, as
 * after every read (I11).
 *
 * The cache is in parts with a lock each, so that readers seldom meet. A part gives up what was
 * not used for long.
 */
#ifndef SEGJ_OVERSIZED_READ_VALUE_CACHE_H
#define SEGJ_OVERSIZED_READ_VALUE_CACHE_H

#include "oversized/section/journal.h"

typedef struct segj_value_cache segj_value_cache_t;

/** Makes a cache of `bytes`, more than 0. */
SEGJ_MUST_CHECK segj_status_t segj_value_cache_new(size_t bytes, segj_value_cache_t **made);
void segj_value_cache_free(segj_value_cache_t *cache); /**< NULL is fine */
/** In a child of fork: what a thread that is not there may have been changing stays. NULL is fine. */
void segj_value_cache_free_in_child(segj_value_cache_t *cache);

/** Copies the value at a place into `value`, which is made large enough; *found: it was there. */
SEGJ_MUST_CHECK segj_status_t segj_value_cache_get(segj_value_cache_t *cache, uint64_t generation,
                                                   oversized_location_t location, uint32_t limit, segj_buffer_t *value,
                                                   bool *found);
/** Keeps a copy, where there is room and memory for one. */
void segj_value_cache_put(segj_value_cache_t *cache, uint64_t generation, oversized_location_t location,
                          const segj_buffer_t *value);

/** What happened so far, and what is there: for tests. */
typedef struct segj_value_cache_counts {
    uint64_t hits, misses;
    size_t values, bytes;
} segj_value_cache_counts_t;
segj_value_cache_counts_t segj_value_cache_count(segj_value_cache_t *cache);

#endif
