/*
 * checksum/instructions.h: CRC-32C by the machine's own instruction, where the machine has it (x86-64 with SSE 4.2).
 * Needs no library and no call; ISA-L overtakes it at about 200 bytes. The instruction is written out, not taken from
 * <nmmintrin.h>, whose functions compile for a part of the machines and options alone (-mno-crc32, -march=x86-64).
 */
#ifndef SEGJ_CHECKSUM_INSTRUCTIONS_H
#define SEGJ_CHECKSUM_INSTRUCTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined __x86_64__ && defined __GNUC__
#include <string.h>

/* The processor tells itself: __builtin_cpu_supports needs a run-time library that not every compiler brings. */
static inline bool segj_ask_crc32c_instruction(void)
{
    uint32_t eax = 1, ebx, ecx = 0, edx;
    __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    return (ecx >> 20 & 1u) != 0; /* SSE 4.2 */
}

/* Asked once a thread, because a virtual machine takes some microseconds to answer. */
static inline bool segj_has_crc32c_instruction(void)
{
    static _Thread_local signed char known; /* 0: not asked yet, 1: it is there, -1: it is not */
    if (known == 0)
        known = segj_ask_crc32c_instruction() ? 1 : -1;
    return known > 0;
}

/* Each operation in both syntaxes of the assembler (-masm=intel). Volatile: nothing is executed ahead of the
 * question. */
static inline uint64_t segj_crc32c_eight(uint64_t reg, uint64_t eight)
{
    __asm__ volatile("{crc32q %1, %0|crc32 %0, %1}" : "+r"(reg) : "r"(eight));
    return reg;
}

static inline uint32_t segj_crc32c_four(uint32_t reg, uint32_t four)
{
    __asm__ volatile("{crc32l %1, %0|crc32 %0, %1}" : "+r"(reg) : "r"(four));
    return reg;
}

static inline uint32_t segj_crc32c_one(uint32_t reg, uint8_t one)
{
    __asm__ volatile("{crc32b %1, %0|crc32 %0, %1}" : "+r"(reg) : "r"(one));
    return reg;
}

static inline uint32_t segj_crc32c_by_instruction(uint32_t crc, const void *data, size_t size)
{
    const uint8_t *from = data;
    uint64_t reg = ~crc;
    for (; size >= 8; from += 8, size -= 8) {
        uint64_t eight;
        memcpy(&eight, from, 8); /* little-endian, as the instruction wants it */
        reg = segj_crc32c_eight(reg, eight);
    }
    uint32_t low = (uint32_t)reg;
    if (size >= 4) {
        uint32_t four;
        memcpy(&four, from, 4);
        low = segj_crc32c_four(low, four);
        from += 4;
        size -= 4;
    }
    for (; size > 0; from++, size--)
        low = segj_crc32c_one(low, *from);
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
