/*
 * journal/commonware_format.c: see the header and FORMAT.md, "Commonware files".
 */
#include "journal/commonware_format.h"

#include <string.h>

#include "base/bytes.h"
#include "checksum/checksum.h"

#define V1_FIELDS 12
#define V1_CHECKED 8
#define V1_VERSION 1

static const uint8_t v0[SEGJ_COMMONWARE_V0_SIZE] = {'C', 'W', 'I', 'C', 0, 0, 0, 0};
static const uint8_t v1_magic[4] = {'C', 'W', 'I', 'K'};

static void encode_v1(uint8_t fields[V1_FIELDS], uint16_t application)
{
    memcpy(fields, v1_magic, sizeof v1_magic);
    segj_put_u16(fields + 4, V1_VERSION);
    segj_put_u16(fields + 6, application);
    segj_put_u32(fields + V1_CHECKED, segj_crc32c(0, fields, V1_CHECKED));
}

size_t segj_commonware_encode(uint8_t block[SEGJ_COMMONWARE_V1_SIZE], uint64_t data)
{
    if (data == SEGJ_COMMONWARE_V0_SIZE) {
        memcpy(block, v0, sizeof v0);
        return sizeof v0;
    }
    memset(block, 0, SEGJ_COMMONWARE_V1_SIZE);
    encode_v1(block, 0);
    return SEGJ_COMMONWARE_V1_SIZE;
}

static bool commonware_format_all_zero(const uint8_t *bytes, size_t size)
{
    return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

static size_t common_length(const uint8_t *left, const uint8_t *right, size_t size)
{
    size_t same = 0;
    while (same < size && left[same] == right[same])
        same++;
    return same;
}

/* A header that was being written leaves its beginning, followed by zeros. */
static bool cut_short(const uint8_t *block, size_t size, const uint8_t *header, size_t header_size)
{
    size_t same = common_length(block, header, size < header_size ? size : header_size);
    return commonware_format_all_zero(block + same, size - same);
}

static segj_header_verdict_t decode_v1(const uint8_t *block, size_t size, uint64_t file_size, uint64_t *data,
                                       const char **why)
{
    uint8_t fields[V1_FIELDS];
    uint8_t application[2] = {size > 6 ? block[6] : 0, size > 7 ? block[7] : 0};
    encode_v1(fields, segj_get_u16(application));
    *data = SEGJ_COMMONWARE_V1_SIZE;
    bool whole = size == SEGJ_COMMONWARE_V1_SIZE && memcmp(block, fields, sizeof fields) == 0;
    if (whole && commonware_format_all_zero(block + sizeof fields, size - sizeof fields)) {
        *why = NULL;
        return SEGJ_HEADER_VALID;
    }
    /* Without data a header cut short belongs to a file that was never finished. */
    if (file_size <= SEGJ_COMMONWARE_V1_SIZE && cut_short(block, size, fields, sizeof fields))
        return SEGJ_HEADER_NONE;
    if (size >= 6 && segj_get_u16(block + 4) != V1_VERSION && segj_get_u16(block + 4) != 0) {
        *why = "it is of another version of the commonware format";
        return SEGJ_HEADER_FOREIGN;
    }
    *why = whole ? "bytes after its header are not zero" : "its header is damaged";
    return SEGJ_HEADER_DAMAGED;
}

segj_header_verdict_t segj_commonware_decode(const uint8_t *block, size_t size, uint64_t file_size, uint64_t *data,
                                             const char **why)
{
    *why = "it has no header";
    if (size >= 4 && memcmp(block, "SEGJ", 4) == 0) {
        *why = "it is a file of the native format, and config.format is SEGJ_FORMAT_COMMONWARE";
        return SEGJ_HEADER_FOREIGN;
    }
    if (size >= sizeof v1_magic && memcmp(block, v1_magic, sizeof v1_magic) == 0)
        return decode_v1(block, size, file_size, data, why);
    bool told = size >= 4 && memcmp(block, v0, 4) == 0;
    if (file_size < sizeof v0 && !told)
        return SEGJ_HEADER_NONE;
    *data = SEGJ_COMMONWARE_V0_SIZE;
    if (file_size < sizeof v0)
        return SEGJ_HEADER_NONE;
    if (memcmp(block, v0, sizeof v0) == 0) {
        *why = NULL;
        return SEGJ_HEADER_VALID;
    }
    if (file_size == sizeof v0 && cut_short(block, size, v0, sizeof v0))
        return SEGJ_HEADER_NONE;
    /* The size of a V1 header that was being written, without its bytes or with the first ones of its magic. */
    if (file_size > sizeof v0 && file_size <= SEGJ_COMMONWARE_V1_SIZE &&
        cut_short(block, size, v1_magic, sizeof v1_magic)) {
        *data = SEGJ_COMMONWARE_V1_SIZE;
        return SEGJ_HEADER_NONE;
    }
    if (memcmp(block, v0, 4) == 0) {
        *why = "it is of another version of the commonware format";
        return SEGJ_HEADER_FOREIGN;
    }
    *why = "its header is not one of the commonware format";
    return SEGJ_HEADER_DAMAGED;
}
