/*
 * bench/data.h: the values that are written, the positions that are read. As engine_external.c describes them.
 */
#ifndef SEGJ_BENCH_DATA_H
#define SEGJ_BENCH_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_POOL_SPAN ((size_t)1 << 20)
#define BENCH_VALUE_MAX ((size_t)1 << 16)
#define BENCH_POOL_SIZE (BENCH_POOL_SPAN + BENCH_VALUE_MAX)

/** The first two are for programs of their own, too. In the last one each value is an event for itself. */
typedef enum bench_pool {
    BENCH_POOL_RANDOM = 0,
    BENCH_POOL_JSON = 1,
    BENCH_POOLS = 2,
    BENCH_POOL_EVENTS = 2
} bench_pool_t;

/** Events of the last pool, all different, and their bytes; each begins at a multiple of the room. */
#define BENCH_EVENTS 65536
#define BENCH_EVENT_SIZE 261
#define BENCH_EVENT_ROOM 264

/** BENCH_POOL_SIZE bytes, or all events, made at the first call. Not for several threads at once. NULL: no memory. */
const uint8_t *bench_pool(bench_pool_t pool);

/** The bytes of value i begin here. */
static inline const uint8_t *bench_value(const uint8_t *pool, uint64_t position)
{
    return pool + ((position * UINT64_C(0x9E3779B97F4A7C15)) >> 47) * 8;
}

/** An event of the last pool. */
static inline const uint8_t *bench_event(const uint8_t *pool, uint64_t position)
{
    return pool + position % BENCH_EVENTS * BENCH_EVENT_ROOM;
}

/** splitmix64: the next number of a sequence. */
static inline uint64_t bench_random(uint64_t *state)
{
    *state += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static inline uint64_t bench_random_of_thread(uint64_t seed, unsigned thread)
{
    return seed + thread * UINT64_C(1000003);
}

/** The exclusive or of all words of a value, the last one filled up with zeros. */
uint64_t bench_consume(const void *value, size_t size);

#endif
