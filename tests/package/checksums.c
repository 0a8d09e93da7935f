/*
 * CRC-32 and CRC-32C of the library against a loop over bits, at every length around those where the routine changes
 * and at every alignment. Prints whether the machine's instruction was used. Built by compilers.sh, once for each set
 * of options.
 */
#include <stdio.h>
#include <string.h>

#include "checksum/checksum.h"
#include "checksum/instructions.h"

static uint32_t by_bits(uint32_t polynomial, uint32_t crc, const uint8_t *data, size_t size)
{
    crc = ~crc;
    for (; size > 0; data++, size--) {
        crc ^= *data;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 1u) != 0 ? crc >> 1 ^ polynomial : crc >> 1;
    }
    return ~crc;
}

static int differ(const uint8_t *data, size_t size)
{
    uint32_t begin = (uint32_t)size * 2654435761u;
    return segj_crc32c(begin, data, size) != by_bits(0x82F63B78u, begin, data, size) ||
           segj_crc32(begin, data, size) != by_bits(0xEDB88320u, begin, data, size);
}

int main(void)
{
    static uint8_t data[1024];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 2654435761u >> 13);
    for (size_t from = 0; from < 8; from++) {
        for (size_t size = 0; size <= sizeof data - 8; size += size < 300 ? 1 : 61) {
            if (differ(data + from, size)) {
                printf("wrong: %zu bytes, alignment %zu\n", size, from);
                return 1;
            }
        }
    }
    if (segj_crc32c(0, "123456789", 9) != 0xE3069283u || segj_crc32(0, "123456789", 9) != 0xCBF43926u)
        return 1;
    printf("crc32c %s\n", segj_has_crc32c_instruction() ? "by instruction" : "by tables");
    return 0;
}
