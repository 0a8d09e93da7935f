/*
 * base/bytes.h: integers to and from bytes, and arithmetic that cannot overflow unseen. Every number on disk is
 * big-endian and goes through here, so that any machine reads and writes the same bytes.
 */
#ifndef SEGJ_BASE_BYTES_H
#define SEGJ_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline void segj_put_u16(uint8_t *to, uint16_t value)
{
    to[0] = (uint8_t)(value >> 8);
    to[1] = (uint8_t)value;
}

static inline void segj_put_u32(uint8_t *to, uint32_t value)
{
    segj_put_u16(to, (uint16_t)(value >> 16));
    segj_put_u16(to + 2, (uint16_t)value);
}

static inline void segj_put_u64(uint8_t *to, uint64_t value)
{
    segj_put_u32(to, (uint32_t)(value >> 32));
    segj_put_u32(to + 4, (uint32_t)value);
}

static inline uint16_t segj_get_u16(const uint8_t *from)
{
    return (uint16_t)((uint16_t)(from[0] << 8) | from[1]);
}

static inline uint32_t segj_get_u32(const uint8_t *from)
{
    return (uint32_t)segj_get_u16(from) << 16 | segj_get_u16(from + 2);
}

static inline uint64_t segj_get_u64(const uint8_t *from)
{
    return (uint64_t)segj_get_u32(from) << 32 | segj_get_u32(from + 4);
}

/** *sum = a + b; false, and *sum untouched, when it does not fit. */
static inline bool segj_add_u64(uint64_t a, uint64_t b, uint64_t *sum)
{
    if (b > UINT64_MAX - a)
        return false;
    *sum = a + b;
    return true;
}

/** *product = a * b; false, and *product untouched, when it does not fit. */
static inline bool segj_mul_u64(uint64_t a, uint64_t b, uint64_t *product)
{
    if (a != 0 && b > UINT64_MAX / a)
        return false;
    *product = a * b;
    return true;
}

static inline uint64_t segj_min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t segj_max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

#endif
