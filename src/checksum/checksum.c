/*
 * checksum/checksum.c: CRC-32 by zlib, CRC-32C by tables.
 */
#include "checksum/checksum.h"

#include <zlib.h>

#include "base/bytes.h"
#include "checksum/tables.h"

uint32_t segj_crc32(uint32_t crc, const void *data, size_t size)
{
    /* zlib takes "no bytes at NULL" for a question about the initial value. */
    return size == 0 ? crc : (uint32_t)crc32_z(crc, data, size);
}

uint32_t segj_crc32c(uint32_t crc, const void *data, size_t size)
{
    return segj_crc32c_by_tables(crc, data, size);
}

uint32_t segj_crc32_of_place(uint64_t section, uint64_t place)
{
    uint8_t bytes[16];
    segj_put_u64(bytes, section);
    segj_put_u64(bytes + 8, place);
    return segj_crc32(0, bytes, sizeof bytes);
}
