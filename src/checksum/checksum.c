/*
 * checksum/checksum.c: which routine does the work. A library's call costs as much as tables do with some twenty bytes;
 * zlib, which uses no instructions, is ahead of tables in long inputs only.
 */
#include "checksum/checksum.h"

#include "base/bytes.h"
#include "checksum/instructions.h"
#include "checksum/library.h"
#include "checksum/tables.h"

uint32_t segj_crc32(uint32_t crc, const void *data, size_t size)
{
    if (size < SEGJ_CRC32_BY_TABLES_BELOW)
        return segj_crc32_by_tables(crc, data, size);
    return segj_crc32_by_library(crc, data, size);
}

uint32_t segj_crc32c(uint32_t crc, const void *data, size_t size)
{
    if (size < SEGJ_CRC32C_BY_INSTRUCTION_BELOW && segj_has_crc32c_instruction())
        return segj_crc32c_by_instruction(crc, data, size);
    return segj_crc32c_by_library(crc, data, size);
}

/* --- two that follow each other --- */

/* The product of two polynomials of GF(2) modulo that of the checksum; the highest power is in the lowest bit. What
 * zlib's crc32_combine does for its own polynomial. */
static uint32_t crc_times(uint32_t polynomial, uint32_t a, uint32_t b)
{
    uint32_t product = 0;
    for (uint32_t bit = UINT32_C(1) << 31; bit != 0; bit >>= 1) {
        if ((a & bit) != 0)
            product ^= b;
        b = (b >> 1) ^ ((b & 1) != 0 ? polynomial : 0);
    }
    return product;
}

/* As if the bytes before were followed by so many zeros, to which the bytes after are added. */
static uint32_t crc_join(uint32_t polynomial, uint32_t before, uint32_t after, uint64_t size)
{
    uint32_t power = UINT32_C(1) << 23; /* x^8: one byte */
    for (; size > 0; size >>= 1) {
        if ((size & 1) != 0)
            before = crc_times(polynomial, power, before);
        power = crc_times(polynomial, power, power);
    }
    return before ^ after;
}

uint32_t segj_crc32_join(uint32_t before, uint32_t after, uint64_t size)
{
    return crc_join(UINT32_C(0xEDB88320), before, after, size);
}

uint32_t segj_crc32c_join(uint32_t before, uint32_t after, uint64_t size)
{
    return crc_join(UINT32_C(0x82F63B78), before, after, size);
}
