/*
 * interop/random.h: numbers drawn from a seed, the same on every machine.
 */
#ifndef INTEROP_RANDOM_H
#define INTEROP_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

typedef struct draw {
    uint64_t state;
} draw_t;

static inline uint64_t draw_any(draw_t *draw)
{
    uint64_t z = draw->state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/** A generator of its own for the `index`th thing made from the seed. */
static inline draw_t draw_begin(uint64_t seed, uint64_t index)
{
    draw_t draw = {seed * UINT64_C(0xD1342543DE82EF95) + index};
    draw.state = draw_any(&draw);
    return draw;
}

/** 0 to limit - 1; 0 where the limit is 0. */
static inline uint64_t draw_below(draw_t *draw, uint64_t limit)
{
    return limit == 0 ? 0 : draw_any(draw) % limit;
}

static inline uint64_t draw_between(draw_t *draw, uint64_t least, uint64_t most)
{
    return least + draw_below(draw, most - least + 1);
}

static inline bool draw_percent(draw_t *draw, uint64_t percent)
{
    return draw_below(draw, 100) < percent;
}

#endif /* INTEROP_RANDOM_H */
