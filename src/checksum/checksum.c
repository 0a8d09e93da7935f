/*
 * checksum/checksum.c: which routine does the work. A library's call costs as much as tables do with some twenty bytes,
 * a place and the half of a record; zlib, which uses no instructions, is ahead of tables in long inputs only.
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

uint32_t segj_crc32_of_place(uint64_t section, uint64_t place)
{
    uint8_t bytes[16];
    segj_put_u64(bytes, section);
    segj_put_u64(bytes + 8, place);
    return segj_crc32_by_tables(0, bytes, sizeof bytes);
}
