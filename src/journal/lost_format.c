/*
 * journal/lost_format.c: see the header and FORMAT.md, "Quarantine".
 */
#include "journal/lost_format.h"

#include <string.h>

#include "base/bytes.h"
#include "checksum/checksum.h"

#define LOST_FORMAT_FORMAT_VERSION 1
#define HEADER_CHECKED 28

static const uint8_t lost_format_magic[4] = {'S', 'E', 'G', 'L'};

static void encode_entry(uint8_t *to, const segj_loss_t *loss)
{
    memset(to, 0, SEGJ_LOST_ENTRY);
    segj_put_u64(to, loss->section);
    segj_put_u64(to + 8, loss->lost);
    segj_put_u64(to + 16, loss->kept);
    segj_put_u64(to + 24, loss->when);
    segj_put_u64(to + 32, loss->index_offset);
    segj_put_u64(to + 40, loss->index_size);
    segj_put_u64(to + 48, loss->values_offset);
    segj_put_u64(to + 56, loss->values_size);
    segj_put_u64(to + 64, loss->missed);
    segj_put_u32(to + 72, loss->ordinal);
    segj_put_u32(to + 76, loss->acknowledged ? 1 : 0);
    segj_put_u32(to + 80, loss->index_crc);
    segj_put_u32(to + 84, loss->values_crc);
}

static uint32_t checksum(const uint8_t *bytes, size_t size)
{
    uint32_t crc = segj_crc32(0, bytes, HEADER_CHECKED);
    return segj_crc32(crc, bytes + SEGJ_LOST_HEADER, size - SEGJ_LOST_HEADER);
}

void segj_lost_encode(uint8_t *to, const segj_loss_t *losses, size_t count, uint64_t sequence, uint32_t next_ordinal)
{
    memset(to, 0, SEGJ_LOST_HEADER);
    memcpy(to, lost_format_magic, sizeof lost_format_magic);
    segj_put_u16(to + 4, LOST_FORMAT_FORMAT_VERSION);
    segj_put_u64(to + 8, sequence);
    segj_put_u32(to + 16, (uint32_t)count);
    segj_put_u32(to + 20, next_ordinal);
    for (size_t i = 0; i < count; i++)
        encode_entry(to + segj_lost_size(i), &losses[i]);
    segj_put_u32(to + HEADER_CHECKED, checksum(to, segj_lost_size(count)));
}

bool segj_lost_check(const uint8_t *from, size_t size, size_t *count, uint64_t *sequence, uint32_t *next_ordinal)
{
    if (size < SEGJ_LOST_HEADER || memcmp(from, lost_format_magic, sizeof lost_format_magic) != 0 ||
        segj_get_u16(from + 4) != LOST_FORMAT_FORMAT_VERSION)
        return false;
    size_t entries = segj_get_u32(from + 16);
    if (entries > SEGJ_LOST_MOST || size != segj_lost_size(entries) ||
        segj_get_u32(from + HEADER_CHECKED) != checksum(from, size))
        return false;
    *count = entries;
    *sequence = segj_get_u64(from + 8);
    *next_ordinal = segj_get_u32(from + 20);
    return true;
}

segj_loss_t segj_lost_decode(const uint8_t *from, size_t at)
{
    const uint8_t *entry = from + segj_lost_size(at);
    return (segj_loss_t){.section = segj_get_u64(entry),
                         .lost = segj_get_u64(entry + 8),
                         .kept = segj_get_u64(entry + 16),
                         .when = segj_get_u64(entry + 24),
                         .index_offset = segj_get_u64(entry + 32),
                         .index_size = segj_get_u64(entry + 40),
                         .values_offset = segj_get_u64(entry + 48),
                         .values_size = segj_get_u64(entry + 56),
                         .missed = segj_get_u64(entry + 64),
                         .ordinal = segj_get_u32(entry + 72),
                         .acknowledged = (segj_get_u32(entry + 76) & 1) != 0,
                         .index_crc = segj_get_u32(entry + 80),
                         .values_crc = segj_get_u32(entry + 84)};
}
