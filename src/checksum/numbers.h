/*
 * checksum/numbers.h: CRC-32 (checksum.h) continued over a few numbers, big-endian. They are taken as they are and not
 * from bytes that were just written: a processor waits for these where a load covers several stores. By tables and in
 * place, because a call costs as much as what it would compute.
 */
#ifndef SEGJ_CHECKSUM_NUMBERS_H
#define SEGJ_CHECKSUM_NUMBERS_H

#include "checksum/checksum.h"
#include "checksum/tables.h"

/** The highest byte goes first, so it is the lowest of what a load gives. */
static inline uint32_t segj_crc_reverse(uint32_t number)
{
#if defined(__GNUC__)
    return __builtin_bswap32(number);
#else
    return number >> 24 | (number >> 8 & 0xFF00) | (number << 8 & 0xFF0000) | number << 24;
#endif
}

/** Continues a checksum over a number of 64 bits. */
static inline uint32_t segj_crc32_of_number(uint32_t crc, uint64_t number)
{
    return ~segj_crc_step(segj_crc32_table, ~crc ^ segj_crc_reverse((uint32_t)(number >> 32)),
                          segj_crc_reverse((uint32_t)number));
}

/** The same over one of 32 bits. */
static inline uint32_t segj_crc32_of_half(uint32_t crc, uint32_t number)
{
    return ~segj_crc_half_step(segj_crc32_table, ~crc ^ segj_crc_reverse(number));
}

/** The same over two bytes. */
static inline uint32_t segj_crc32_of_two(uint32_t crc, uint8_t first, uint8_t second)
{
    return ~segj_crc_quarter_step(segj_crc32_table, ~crc, first | (uint32_t)second << 8);
}

/** The same over eight bytes. */
static inline uint32_t segj_crc32_of_eight(uint32_t crc, const uint8_t *bytes)
{
    return ~segj_crc_step(segj_crc32_table, ~crc ^ segj_crc_load(bytes), segj_crc_load(bytes + 4));
}

/** The checksum of two numbers: what binds a page or a frame to its place. Continue it over the bytes. */
static inline uint32_t segj_crc32_of_place(uint64_t section, uint64_t place)
{
    return segj_crc32_of_number(segj_crc32_of_number(0, section), place);
}

#endif
