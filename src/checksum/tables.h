/*
 * checksum/tables.h: CRC-32 and CRC-32C eight bytes at a time, for any machine. Both continue a checksum and begin
 * with 0. Used where no faster routine is there, and for inputs too short for one.
 */
#ifndef SEGJ_CHECKSUM_TABLES_H
#define SEGJ_CHECKSUM_TABLES_H

#include <stddef.h>
#include <stdint.h>

/** Row k: what each value of a byte makes of the register when k more bytes follow it. */
typedef uint32_t segj_crc_table_t[8][256];

extern const segj_crc_table_t segj_crc32_table;

uint32_t segj_crc32_by_tables(uint32_t crc, const void *data, size_t size);
uint32_t segj_crc32c_by_tables(uint32_t crc, const void *data, size_t size);

/* --- steps: the register goes in and comes out as it is between two bytes, which is the checksum's complement --- */

/** Four bytes, the first one lowest, whatever the machine's own order; compilers make one load of it. */
static inline uint32_t segj_crc_load(const uint8_t *from)
{
    return (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
}

/** Eight bytes, the register added to the first four. */
static inline uint32_t segj_crc_step(const segj_crc_table_t table, uint32_t low, uint32_t high)
{
    return table[7][low & 0xFF] ^ table[6][low >> 8 & 0xFF] ^ table[5][low >> 16 & 0xFF] ^ table[4][low >> 24] ^
           table[3][high & 0xFF] ^ table[2][high >> 8 & 0xFF] ^ table[1][high >> 16 & 0xFF] ^ table[0][high >> 24];
}

/** Four bytes, the register added to them. */
static inline uint32_t segj_crc_half_step(const segj_crc_table_t table, uint32_t low)
{
    return table[3][low & 0xFF] ^ table[2][low >> 8 & 0xFF] ^ table[1][low >> 16 & 0xFF] ^ table[0][low >> 24];
}

/** Two bytes, the first one lowest. */
static inline uint32_t segj_crc_quarter_step(const segj_crc_table_t table, uint32_t reg, uint32_t bytes)
{
    reg ^= bytes;
    return reg >> 16 ^ table[1][reg & 0xFF] ^ table[0][reg >> 8 & 0xFF];
}

#endif
