/*
 * support/log.c: see the header.
 */
#include "support/log.h"

#include <string.h>
#include <zlib.h>

#include "journal/salt.h"
#include "support/support.h"

static uint32_t add(uint32_t crc, const void *bytes, size_t size)
{
    return (uint32_t)crc32_z(crc, bytes, size);
}

static uint32_t add_u64(uint32_t crc, uint64_t number)
{
    uint8_t bytes[8];
    put_u64(bytes, number);
    return add(crc, bytes, sizeof bytes);
}

static uint32_t add_u32(uint32_t crc, uint32_t number)
{
    uint8_t bytes[4];
    put_u32(bytes, number);
    return add(crc, bytes, sizeof bytes);
}

void encode_log_identity(uint8_t *block, const log_identity_t *identity)
{
    memset(block, 0, HEADER_BLOCK);
    memcpy(block, "SEGJ", 4);
    put_u16(block + 4, 2);
    block[6] = identity->kind;
    block[7] = identity->compression;
    put_u16(block + 8, identity->page_size);
    put_u32(block + 12, identity->record_size);
    put_u64(block + 16, identity->section);
    put_u64(block + 24, identity->salt);
    block[32] = (uint8_t)((identity->dictionary_size > 0) | (identity->sector > 0) << 1);
    while (identity->sector >> block[34] > 1)
        block[34]++;
    block[35] = 4;
    put_u32(block + 36, identity->dictionary_size);
    put_u32(block + 40, identity->dictionary_crc);
    put_u32(block + 60, add(0, block, 60));
}

bool decode_log_identity(const uint8_t *block, log_identity_t *identity)
{
    uint8_t again[HEADER_BLOCK];
    const log_identity_t found = {.kind = block[6],
                                  .compression = block[7],
                                  .page_size = get_u16(block + 8),
                                  .record_size = get_u32(block + 12),
                                  .section = get_u64(block + 16),
                                  .salt = get_u64(block + 24),
                                  .dictionary_size = get_u32(block + 36),
                                  .dictionary_crc = get_u32(block + 40),
                                  .sector = block[34] > 0 && block[34] < 32 ? (uint32_t)1 << block[34] : 0};
    encode_log_identity(again, &found);
    if (memcmp(again, block, 64) != 0)
        return false;
    *identity = found;
    return true;
}

static uint32_t mark_sum(const uint8_t *at, uint64_t binding, unsigned slot)
{
    return add(add_u64(add_u64(0, binding), slot), at, LOG_SLOT - 4);
}

void encode_log_mark(uint8_t *at, uint64_t binding, unsigned slot, log_mark_t mark)
{
    put_u64(at, mark.records);
    put_u64(at + 8, mark.end);
    put_u32(at + 16, mark.trailer);
    put_u64(at + 20, mark.sequence);
    put_u32(at + 28, mark_sum(at, binding, slot));
}

bool decode_log_mark(const uint8_t *at, uint64_t binding, unsigned slot, log_mark_t *mark)
{
    if (get_u32(at + 28) != mark_sum(at, binding, slot))
        return false;
    *mark = (log_mark_t){get_u64(at), get_u64(at + 8), get_u64(at + 20), get_u32(at + 16)};
    return true;
}

static uint32_t head_sum(const uint8_t *head, size_t size, uint64_t binding, uint64_t offset, uint32_t before)
{
    return add(add_u32(add_u64(add_u64(0, binding), offset), before), head, size - 4);
}

static uint32_t frame_sum(uint64_t binding, uint64_t offset, const uint8_t *payload, uint32_t size, const uint8_t *sum,
                          uint8_t flags)
{
    static const uint8_t raw = LOG_RAW;
    uint32_t crc = add(add(add_u64(add_u64(0, binding), offset), payload, size), sum, 4);
    return (flags & LOG_RAW) != 0 ? add(crc, &raw, 1) : crc;
}

uint32_t encode_log_frame(uint8_t *to, uint64_t binding, uint64_t offset, uint32_t before, uint8_t flags,
                          uint8_t unsynced, const void *entry, size_t entry_size, const void *payload, uint32_t size)
{
    size_t head = LOG_HEAD + entry_size;
    put_u32(to, size);
    to[4] = flags;
    to[5] = unsynced;
    if (entry_size > 0)
        memcpy(to + 6, entry, entry_size);
    put_u32(to + head - 4, head_sum(to, head, binding, offset, before));
    if (size > 0)
        memcpy(to + head, payload, size);
    uint32_t trailer = frame_sum(binding, offset, to + head, size, to + head - 4, flags);
    put_u32(to + head + size, trailer);
    return trailer;
}

bool decode_log_frame(const uint8_t *data, uint64_t size, uint64_t binding, uint64_t offset, uint32_t before,
                      size_t entry_size, log_frame_t *frame)
{
    size_t head = LOG_HEAD + entry_size;
    const uint8_t *at = data + offset;
    if (size < offset || size - offset < head + 4)
        return false;
    uint32_t stored = get_u32(at);
    if ((at[4] & 0xFC) != LOG_FRAME || get_u32(at + head - 4) != head_sum(at, head, binding, offset, before) ||
        stored > UINT32_MAX - 4 || size - offset - head - 4 < stored)
        return false;
    *frame = (log_frame_t){.offset = offset,
                           .size = (uint64_t)head + stored + 4,
                           .stored = stored,
                           .flags = at[4],
                           .unsynced = at[5],
                           .entry = at + 6,
                           .payload = at + head,
                           .trailer = get_u32(at + head + stored)};
    frame->right = frame->trailer == frame_sum(binding, offset, frame->payload, stored, at + head - 4, at[4]);
    return true;
}

bool decode_next_log_frame(const uint8_t *data, uint64_t size, uint64_t binding, uint64_t from, uint32_t sector,
                           uint64_t at, uint32_t before, size_t entry_size, log_frame_t *frame)
{
    if (decode_log_frame(data, size, binding, at, before, entry_size, frame))
        return true;
    uint64_t taken = sector > 0 ? (from + at) % sector : 0;
    if (taken == 0 || !decode_log_frame(data, size, binding, at - taken + sector + 4, before, entry_size, frame))
        return false;
    frame->size += frame->offset - at;
    return true;
}

static _Thread_local uint64_t next_salt;

static uint64_t counted_salt(void)
{
    static const uint64_t apart = UINT64_C(0x9E3779B97F4A7C15);
    return next_salt++ * apart;
}

void count_salts_from(uint64_t number)
{
    next_salt = number;
    segj_salt_set_source(counted_salt);
}
