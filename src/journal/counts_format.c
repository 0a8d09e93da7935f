/*
 * journal/counts_format.c: see the header and FORMAT.md, "Counts of an archive".
 */
#include "journal/counts_format.h"

#include "base/bytes.h"
#include "checksum/checksum.h"

#define COUNTS_VERSION 8
#define COUNTS_CHECKSUM 4

void segj_counts_encode(uint8_t *to, uint64_t version, const segj_count_t *counts, size_t count)
{
    size_t size = COUNTS_VERSION + count * SEGJ_COUNTS_EACH;
    segj_put_u64(to, version);
    for (size_t i = 0; i < count; i++) {
        segj_put_u64(to + COUNTS_VERSION + i * SEGJ_COUNTS_EACH, counts[i].section);
        segj_put_u64(to + COUNTS_VERSION + i * SEGJ_COUNTS_EACH + 8, counts[i].records);
    }
    segj_put_u32(to + size, segj_crc32c(0, to, size));
}

segj_count_t segj_counts_get(const uint8_t *from, size_t at)
{
    const uint8_t *each = from + COUNTS_VERSION + at * SEGJ_COUNTS_EACH;
    return (segj_count_t){segj_get_u64(each), segj_get_u64(each + 8)};
}

segj_counts_verdict_t segj_counts_judge(const uint8_t *from, size_t size, uint64_t *version, size_t *count)
{
    *version = 0;
    *count = 0;
    if (size == 0)
        return SEGJ_COUNTS_VALID;
    if (size < SEGJ_COUNTS_LEAST ||
        segj_get_u32(from + size - COUNTS_CHECKSUM) != segj_crc32c(0, from, size - COUNTS_CHECKSUM))
        return SEGJ_COUNTS_DAMAGED;
    size_t entries = (size - SEGJ_COUNTS_LEAST) / SEGJ_COUNTS_EACH;
    if ((size - SEGJ_COUNTS_LEAST) % SEGJ_COUNTS_EACH != 0)
        return SEGJ_COUNTS_FOREIGN;
    for (size_t i = 1; i < entries; i++)
        if (segj_counts_get(from, i - 1).section >= segj_counts_get(from, i).section)
            return SEGJ_COUNTS_FOREIGN;
    *version = segj_get_u64(from);
    *count = entries;
    return SEGJ_COUNTS_VALID;
}
