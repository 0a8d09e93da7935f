/*
 * journal/header_format.c: see the header and FORMAT.md, "Headers".
 */
#include "journal/header_format.h"

#include <string.h>

#include "base/bytes.h"
#include "checksum/checksum.h"

#define HEADER_FORMAT_FORMAT_VERSION 1
#define IDENTITY_SIZE 32
#define IDENTITY_CHECKED 28

static const uint8_t header_format_magic[4] = {'S', 'E', 'G', 'J'};

void segj_identity_encode(uint8_t block[SEGJ_BLOCK_SIZE], const segj_identity_t *identity)
{
    memset(block, 0, SEGJ_BLOCK_SIZE);
    memcpy(block, header_format_magic, sizeof header_format_magic);
    segj_put_u16(block + 4, HEADER_FORMAT_FORMAT_VERSION);
    block[6] = (uint8_t)identity->kind;
    block[7] = identity->compressed ? 1 : 0;
    segj_put_u16(block + 8, identity->page_size);
    segj_put_u32(block + 12, identity->record_size);
    segj_put_u64(block + 16, identity->section);
    segj_put_u32(block + IDENTITY_CHECKED, segj_crc32(0, block, IDENTITY_CHECKED));
}

static bool header_format_all_zero(const uint8_t *bytes, size_t size)
{
    return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

/* Fields under a valid checksum: what this version can have written. */
static const char *field_damage(const uint8_t *block, size_t size)
{
    if (block[6] != SEGJ_KIND_INDEX && block[6] != SEGJ_KIND_VALUES)
        return "its kind is neither index nor values";
    if (block[7] > (block[6] == SEGJ_KIND_VALUES ? 1 : 0))
        return "its compression is not one of this version";
    if (segj_get_u16(block + 10) != 0 || segj_get_u32(block + 24) != 0)
        return "reserved bytes of its header are not zero";
    bool sized = segj_get_u16(block + 8) != 0 && segj_get_u32(block + 12) >= 12;
    bool unsized = segj_get_u16(block + 8) == 0 && segj_get_u32(block + 12) == 0;
    if (block[6] == SEGJ_KIND_INDEX ? !sized : !unsized)
        return "its page and record size do not fit its kind";
    if (!header_format_all_zero(block + IDENTITY_SIZE, size - IDENTITY_SIZE))
        return "bytes behind its header are not zero";
    return NULL;
}

segj_header_verdict_t segj_identity_decode(const uint8_t *block, size_t size, segj_identity_t *identity,
                                           const char **why)
{
    *why = "its header is not valid";
    if (size >= 4 && (memcmp(block, "CWIC", 4) == 0 || memcmp(block, "CWIK", 4) == 0)) {
        *why = "it is a file of the commonware format, and config.format is SEGJ_FORMAT_NATIVE";
        return SEGJ_HEADER_FOREIGN;
    }
    if (size < 6 || memcmp(block, header_format_magic, sizeof header_format_magic) != 0)
        return SEGJ_HEADER_NONE;
    /* Version 0 does not exist: zeros are what a crash leaves of a header that was being written. */
    uint16_t version = segj_get_u16(block + 4);
    if (version != HEADER_FORMAT_FORMAT_VERSION && version != 0) {
        *why = "it is of another version of the format";
        return SEGJ_HEADER_FOREIGN;
    }
    if (size < IDENTITY_SIZE || version == 0 ||
        segj_crc32(0, block, IDENTITY_CHECKED) != segj_get_u32(block + IDENTITY_CHECKED))
        return SEGJ_HEADER_NONE;
    *why = field_damage(block, size);
    if (*why != NULL)
        return SEGJ_HEADER_DAMAGED;
    identity->kind = (segj_kind_t)block[6];
    identity->compressed = block[7] == 1;
    identity->page_size = segj_get_u16(block + 8);
    identity->record_size = segj_get_u32(block + 12);
    identity->section = segj_get_u64(block + 16);
    return SEGJ_HEADER_VALID;
}

static uint32_t mark_checksum(uint64_t section, const uint8_t *fields)
{
    uint8_t place[8];
    segj_put_u64(place, section);
    return segj_crc32(segj_crc32(0, place, sizeof place), fields, 12);
}

void segj_mark_encode(uint8_t to[SEGJ_SLOT_SIZE], uint64_t section, uint64_t records, uint32_t sequence)
{
    segj_put_u64(to, records);
    segj_put_u32(to + 8, sequence);
    segj_put_u32(to + 12, mark_checksum(section, to));
}

segj_mark_t segj_mark_decode(const uint8_t from[SEGJ_SLOT_SIZE], uint64_t section)
{
    if (segj_get_u32(from + 12) != mark_checksum(section, from))
        return (segj_mark_t){false, 0, 0};
    return (segj_mark_t){true, segj_get_u64(from), segj_get_u32(from + 8)};
}
