/*
 * checksum/tables.h: CRC-32 and CRC-32C eight bytes at a time, for any machine. Both continue a checksum and begin
 * with 0. Used where no faster routine is there, and for inputs too short for one.
 */
#ifndef SEGJ_CHECKSUM_TABLES_H
#define SEGJ_CHECKSUM_TABLES_H

#include <stddef.h>
#include <stdint.h>

uint32_t segj_crc32_by_tables(uint32_t crc, const void *data, size_t size);
uint32_t segj_crc32c_by_tables(uint32_t crc, const void *data, size_t size);

/** CRC-32 continued over eight bytes, the highest of the number first. */
uint32_t segj_crc32_of_eight_by_tables(uint32_t crc, uint64_t number);
/** The same over four. */
uint32_t segj_crc32_of_four_by_tables(uint32_t crc, uint32_t number);
/** Over eight, then two, then `size` bytes. */
uint32_t segj_crc32_of_ten_by_tables(uint32_t crc, uint64_t first, uint16_t second, const void *data, size_t size);

#endif
