/*
 * checksum/library.h: CRC-32 and CRC-32C by the library that was chosen when the build was configured (SEGJ_CHECKSUM),
 * and the sizes, measured, from which on it is the fastest. Included by checksum.c alone.
 */
#ifndef SEGJ_CHECKSUM_LIBRARY_H
#define SEGJ_CHECKSUM_LIBRARY_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#if defined SEGJ_CHECKSUM_ISAL
#include <isa-l/crc.h>

#include "checksum/wide.h"

enum { SEGJ_CRC32_BY_TABLES_BELOW = 24, SEGJ_CRC32C_BY_INSTRUCTION_BELOW = 192 };

/* From so many bytes on ISA-L uses registers of 512 bits, where the processor has them, and leaves them as they are
 * (2.30.0). */
enum { SEGJ_ISAL_WIDE_FROM = 256 };

static inline uint32_t segj_crc32_by_library(uint32_t crc, const void *data, size_t size)
{
    crc = crc32_gzip_refl(crc, data, size);
    if (size >= SEGJ_ISAL_WIDE_FROM)
        segj_leave_wide_registers();
    return crc;
}

/* ISA-L counts in int, wants a pointer that it could write through and does not, and leaves both negations to
 * others. */
static inline uint32_t segj_crc32c_by_library(uint32_t crc, const void *data, size_t size)
{
    unsigned char *from = (unsigned char *)(uintptr_t)data;
    uint32_t reg = ~crc;
    for (; size > INT_MAX; from += INT_MAX, size -= INT_MAX)
        reg = crc32_iscsi(from, INT_MAX, reg);
    reg = crc32_iscsi(from, (int)size, reg);
    if (size >= SEGJ_ISAL_WIDE_FROM || from != data)
        segj_leave_wide_registers();
    return ~reg;
}

#elif defined SEGJ_CHECKSUM_LIBDEFLATE
#include <libdeflate.h>

enum { SEGJ_CRC32_BY_TABLES_BELOW = 24 };

static inline uint32_t segj_crc32_by_library(uint32_t crc, const void *data, size_t size)
{
    return libdeflate_crc32(crc, data, size);
}

#else
#include <zlib.h>

enum { SEGJ_CRC32_BY_TABLES_BELOW = 512 };

static inline uint32_t segj_crc32_by_library(uint32_t crc, const void *data, size_t size)
{
    return (uint32_t)crc32_z(crc, data, size);
}

#endif

#if !defined SEGJ_CHECKSUM_ISAL
#include "checksum/tables.h"

enum { SEGJ_CRC32C_BY_INSTRUCTION_BELOW = INT_MAX };

/* Only ISA-L has it. */
static inline uint32_t segj_crc32c_by_library(uint32_t crc, const void *data, size_t size)
{
    return segj_crc32c_by_tables(crc, data, size);
}
#endif

#endif
