/*
 * checksum/checksum.h: CRC-32 as zlib computes it (polynomial 0x04C11DB7, reflected, initial value and final xor all
 * ones; "123456789" gives CBF43926), and CRC-32C (polynomial 0x1EDC6F41, likewise; E3069283). The only place that knows
 * which routine does the work.
 */
#ifndef SEGJ_CHECKSUM_CHECKSUM_H
#define SEGJ_CHECKSUM_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/** Continues a checksum over `size` more bytes; begins with crc = 0. */
uint32_t segj_crc32(uint32_t crc, const void *data, size_t size);

/** The same for CRC-32C. */
uint32_t segj_crc32c(uint32_t crc, const void *data, size_t size);

/** The checksum of some bytes and of `size` more after them, from the checksums of both parts. */
uint32_t segj_crc32_join(uint32_t before, uint32_t after, uint64_t size);

/** The same for CRC-32C. */
uint32_t segj_crc32c_join(uint32_t before, uint32_t after, uint64_t size);

#endif
