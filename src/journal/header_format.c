/*
 * journal/header_format.c: see the header and FORMAT.md, "Headers".
 */
#include "journal/header_format.h"

#include <string.h>

#include "base/bytes.h"
#include "checksum/checksum.h"
#include "journal/record_format.h"

/* Of version 1 and of version 2: the fields, and the checksum after the fields that it covers. */
#define IDENTITY_CHECKED 28
#define IDENTITY_CHECKED_2 60
#define SALT_OFFSET 24
#define FLAGS_OFFSET 32
#define ALIGNMENT_OFFSET 34
#define TRAILER_OFFSET 35
#define DICTIONARY_OFFSET 36
#define RESERVED_OFFSET 44

/* What a reader must know: the data begins after a dictionary, which compressed values need; and frames that follow a
 * sync begin a sector of their own. */
#define FLAG_DICTIONARY 1
#define FLAG_SECTORS 2

static const uint8_t header_format_magic[4] = {'S', 'E', 'G', 'J'};

static size_t checked(uint8_t version)
{
    return version == 2 ? IDENTITY_CHECKED_2 : IDENTITY_CHECKED;
}

static uint8_t log2_of(uint32_t sector)
{
    uint8_t log = 0;
    while (sector >> log > 1)
        log++;
    return log;
}

void segj_identity_encode(uint8_t block[SEGJ_BLOCK_SIZE], const segj_identity_t *identity)
{
    size_t covered = checked(identity->version);
    memset(block, 0, SEGJ_BLOCK_SIZE);
    memcpy(block, header_format_magic, sizeof header_format_magic);
    segj_put_u16(block + 4, identity->version);
    block[6] = (uint8_t)identity->kind;
    block[7] = identity->compressed ? 1 : 0;
    segj_put_u16(block + 8, identity->page_size);
    segj_put_u32(block + 12, identity->record_size);
    segj_put_u64(block + 16, identity->section);
    if (identity->version == 2) {
        segj_put_u64(block + SALT_OFFSET, identity->salt);
        block[FLAGS_OFFSET] =
            (identity->dictionary.size > 0 ? FLAG_DICTIONARY : 0) | (identity->sector > 0 ? FLAG_SECTORS : 0);
        block[ALIGNMENT_OFFSET] = log2_of(identity->sector);
        block[TRAILER_OFFSET] = SEGJ_FRAME_TRAILER;
        segj_put_u32(block + DICTIONARY_OFFSET, identity->dictionary.size);
        segj_put_u32(block + DICTIONARY_OFFSET + 4, identity->dictionary.crc);
    }
    segj_put_u32(block + covered, segj_crc32(0, block, covered));
}

static bool header_format_all_zero(const uint8_t *bytes, size_t size)
{
    return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

/* What version 2 has between the section and the checksum, of which version 1 has four zeros. */
static const char *later_damage(const uint8_t *block)
{
    uint8_t log = block[ALIGNMENT_OFFSET];
    bool sectors = log >= log2_of(SEGJ_SECTOR_LEAST) && log <= log2_of(SEGJ_SECTOR_MOST);
    if (((block[FLAGS_OFFSET] & FLAG_SECTORS) != 0 ? !sectors : log != 0) ||
        block[TRAILER_OFFSET] != SEGJ_FRAME_TRAILER)
        return "its frames are aligned, or end, as none of this version do";
    uint32_t size = segj_get_u32(block + DICTIONARY_OFFSET);
    bool plain = block[6] == SEGJ_KIND_VALUES && block[7] == 0;
    if (size > SEGJ_DICTIONARY_MOST || (size > 0) != ((block[FLAGS_OFFSET] & FLAG_DICTIONARY) != 0) ||
        (size > 0 && plain) || (size == 0 && segj_get_u32(block + DICTIONARY_OFFSET + 4) != 0))
        return "its dictionary is none that this version has";
    return header_format_all_zero(block + RESERVED_OFFSET, IDENTITY_CHECKED_2 - RESERVED_OFFSET)
               ? NULL
               : "reserved bytes of its header are not zero";
}

/* Fields under a valid checksum: what this library can have written. */
static const char *field_damage(const uint8_t *block, size_t size, uint8_t version)
{
    if (block[6] != SEGJ_KIND_INDEX && block[6] != SEGJ_KIND_VALUES)
        return "its kind is neither index nor values";
    if (block[7] > (block[6] == SEGJ_KIND_VALUES ? 1 : 0))
        return "its compression is not one of this version";
    if (segj_get_u16(block + 10) != 0 || (version == 1 && segj_get_u32(block + 24) != 0))
        return "reserved bytes of its header are not zero";
    bool sized = segj_get_u16(block + 8) != 0 && segj_get_u32(block + 12) >= 12;
    bool unsized = segj_get_u16(block + 8) == 0 && segj_get_u32(block + 12) == 0;
    if (block[6] == SEGJ_KIND_INDEX || version == 2 ? !sized : !unsized)
        return "its page and record size do not fit its kind";
    size_t fields = segj_identity_fields(version);
    if (!header_format_all_zero(block + fields, size - fields))
        return "bytes after its header are not zero";
    return version == 2 ? later_damage(block) : NULL;
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
    uint8_t version = block[5];
    if (block[4] != 0 || version > 2) {
        *why = "it is of another version of the format";
        return SEGJ_HEADER_FOREIGN;
    }
    size_t covered = checked(version);
    if (version == 0 || size < segj_identity_fields(version) ||
        segj_crc32(0, block, covered) != segj_get_u32(block + covered))
        return SEGJ_HEADER_NONE;
    if (version == 2 && (block[FLAGS_OFFSET] & ~(FLAG_DICTIONARY | FLAG_SECTORS)) != 0) {
        *why = "it has what this version of the library does not know: open it with the version that made it";
        return SEGJ_HEADER_FOREIGN;
    }
    *why = field_damage(block, size, version);
    if (*why != NULL)
        return SEGJ_HEADER_DAMAGED;
    identity->version = version;
    identity->salt = version == 2 ? segj_get_u64(block + SALT_OFFSET) : 0;
    identity->dictionary = (segj_dictionary_id_t){0, 0};
    identity->sector = version == 2 && block[ALIGNMENT_OFFSET] != 0 ? (uint32_t)1 << block[ALIGNMENT_OFFSET] : 0;
    if (version == 2)
        identity->dictionary = (segj_dictionary_id_t){segj_get_u32(block + DICTIONARY_OFFSET),
                                                      segj_get_u32(block + DICTIONARY_OFFSET + 4)};
    identity->kind = (segj_kind_t)block[6];
    identity->compressed = block[7] == 1;
    identity->page_size = segj_get_u16(block + 8);
    identity->record_size = segj_get_u32(block + 12);
    identity->section = segj_get_u64(block + 16);
    return SEGJ_HEADER_VALID;
}

segj_told_t segj_header_tell(const uint8_t *block, size_t size, uint16_t *version)
{
    if (size < 6)
        return SEGJ_TOLD_NOTHING;
    *version = segj_get_u16(block + 4);
    if (memcmp(block, header_format_magic, sizeof header_format_magic) == 0)
        return *version != 0 ? SEGJ_TOLD_NATIVE : SEGJ_TOLD_NOTHING; /* zeros: its write was cut off */
    bool commonware = memcmp(block, "CWIC", 4) == 0 || memcmp(block, "CWIK", 4) == 0;
    return commonware ? SEGJ_TOLD_COMMONWARE : SEGJ_TOLD_NOTHING;
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
        return (segj_mark_t){.valid = false};
    return (segj_mark_t){true, {.records = segj_get_u64(from)}, segj_get_u32(from + 8)};
}

static uint32_t mark_checksum_2(uint64_t binding, unsigned slot, const uint8_t *fields)
{
    return segj_crc32(segj_crc32_of_place(binding, slot), fields, SEGJ_SLOT_SIZE_2 - 4);
}

void segj_mark_encode_2(uint8_t to[SEGJ_SLOT_SIZE_2], uint64_t binding, unsigned slot, segj_point_t at,
                        uint64_t sequence)
{
    segj_put_u64(to, at.records);
    segj_put_u64(to + 8, at.end);
    segj_put_u32(to + 16, at.trailer);
    segj_put_u64(to + 20, sequence);
    segj_put_u32(to + 28, mark_checksum_2(binding, slot, to));
}

segj_mark_t segj_mark_decode_2(const uint8_t from[SEGJ_SLOT_SIZE_2], uint64_t binding, unsigned slot)
{
    if (segj_get_u32(from + 28) != mark_checksum_2(binding, slot, from))
        return (segj_mark_t){.valid = false};
    return (segj_mark_t){
        true, {segj_get_u64(from), segj_get_u64(from + 8), segj_get_u32(from + 16)}, segj_get_u64(from + 20)};
}
