/*
 * checksum/instructions.h: CRC-32C by the machine's own instruction, where compiler and machine have it (x86-64 with
 * SSE 4.2). Needs no library and no call; ISA-L overtakes it at about 200 bytes.
 */
#ifndef SEGJ_CHECKSUM_INSTRUCTIONS_H
#define SEGJ_CHECKSUM_INSTRUCTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined __x86_64__ && defined __GNUC__
#include <nmmintrin.h>
#include <string.h>

/* False also where it is not known yet, before the constructors of the compiler's own library have run. */
static inline bool segj_has_crc32c_instruction(void)
{
    return __builtin_cpu_supports("sse4.2") != 0;
}

__attribute__((target("sse4.2"))) static inline uint32_t segj_crc32c_by_instruction(uint32_t crc, const void *data,
                                                                                    size_t size)
{
    const uint8_t *from = data;
    uint64_t reg = ~crc;
    for (; size >= 8; from += 8, size -= 8) {
        uint64_t eight;
        memcpy(&eight, from, 8); /* little-endian, as the instruction wants it */
        reg = _mm_crc32_u64(reg, eight);
    }
    uint32_t low = (uint32_t)reg;
    if (size >= 4) {
        uint32_t four;
        memcpy(&four, from, 4);
        low = _mm_crc32_u32(low, four);
        from += 4;
        size -= 4;
    }
    for (; size > 0; from++, size--)
        low = _mm_crc32_u8(low, *from);
    return ~low;
}

#else
#include "checksum/tables.h"

static inline bool segj_has_crc32c_instruction(void)
{
    return false;
}

static inline uint32_t segj_crc32c_by_instruction(uint32_t crc, const void *data, size_t size)
{
    return segj_crc32c_by_tables(crc, data, size);
}

#endif

#endif
