/*
 * checksum/wide.h: a library may leave something in the upper halves of the wide registers (AVX). Processors of Intel
 * then wait at changes between instructions that clear these halves and those that keep them, which is what compilers
 * make for every x86-64: some 200 ns for a checksum of 100 bytes and a number that is moved, instead of 30, and not in
 * this library alone (findings/isal-wide-registers.sh). VZEROUPPER ends that (Intel 64 and IA-32 Architectures
 * Optimization Reference Manual, "Mixing AVX Code with SSE Code"). Who uses the registers is to execute it, and ISA-L
 * 2.30.0 does not.
 */
#ifndef SEGJ_CHECKSUM_WIDE_H
#define SEGJ_CHECKSUM_WIDE_H

#include <stdbool.h>
#include <stdint.h>

#if defined __x86_64__ && defined __GNUC__

/* The processor has them, and the system keeps them. */
static inline bool segj_ask_wide_registers(void)
{
    const uint32_t both = UINT32_C(1) << 27 | UINT32_C(1) << 28; /* XGETBV may be asked; AVX */
    uint32_t eax = 1, ebx, ecx = 0, edx;
    __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    if ((ecx & both) != both)
        return false;
    ecx = 0;
    __asm__ volatile("xgetbv" : "=a"(eax), "=d"(edx) : "c"(ecx));
    return (eax & 6) == 6; /* both halves */
}

/* Clears the upper halves. Asked once a thread, because a virtual machine takes some microseconds to answer. */
static inline void segj_leave_wide_registers(void)
{
    static _Thread_local signed char known; /* 0: not asked yet, 1: they are there, -1: they are not */
    if (known == 0)
        known = segj_ask_wide_registers() ? 1 : -1;
    if (known > 0)
        __asm__ volatile("vzeroupper"
                         :
                         :
                         : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
                           "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

#else

static inline void segj_leave_wide_registers(void)
{
}

#endif

#endif
