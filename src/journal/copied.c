/*
 * journal/copied.c: see the header.
 */
#include "journal/copied.h"

#include <string.h>

#include "base/bytes.h"
#include "checksum/checksum.h"
#include "journal/beside.h"

#define COPIED_VERSION 1
#define COPIED_CHECKSUM (SEGJ_COPIED_SIZE - 4)

static const uint8_t copied_magic[4] = {0x53, 0x45, 0x47, 0x44}; /* "SEGD" */

void segj_copied_encode(uint8_t to[SEGJ_COPIED_SIZE], const segj_copied_t *copied)
{
    memset(to, 0, SEGJ_COPIED_SIZE);
    memcpy(to, copied_magic, sizeof copied_magic);
    segj_put_u16(to + 4, COPIED_VERSION);
    to[6] = copied->format == SEGJ_FORMAT_NATIVE ? 0 : 1;
    segj_put_u16(to + 8, copied->page_size);
    segj_put_u32(to + 12, copied->record_size);
    segj_put_u32(to + COPIED_CHECKSUM, segj_crc32(0, to, COPIED_CHECKSUM));
}

bool segj_copied_decode(const uint8_t *from, size_t size, segj_copied_t *copied)
{
    if (size != SEGJ_COPIED_SIZE || memcmp(from, copied_magic, sizeof copied_magic) != 0 ||
        segj_get_u16(from + 4) != COPIED_VERSION || from[6] > 1 ||
        segj_get_u32(from + COPIED_CHECKSUM) != segj_crc32(0, from, COPIED_CHECKSUM))
        return false;
    copied->format = from[6] == 0 ? SEGJ_FORMAT_NATIVE : SEGJ_FORMAT_COMMONWARE;
    copied->page_size = segj_get_u16(from + 8);
    copied->record_size = segj_get_u32(from + 12);
    return true;
}

static segj_status_t remove_from(const segj_io_partition_t *place)
{
    bool missing = false;
    segj_io_file_t file = {.opened = NULL};
    segj_status_t status = segj_io_open_named(&file, place, SEGJ_COPIED_NAME, SEGJ_OPEN_READ, &missing);
    segj_io_close(&file); /* on FUSE an open file would keep a name */
    if (status == SEGJ_OK && !missing)
        status = segj_partition_unlink_named(place, SEGJ_COPIED_NAME);
    return status == SEGJ_OK ? segj_partition_remove(place) : status;
}

segj_status_t segj_copied_remove(const segj_shared_t *shared)
{
    segj_io_partition_t place = shared->index;
    bool missing = false;
    char name[SEGJ_BESIDE_NAME_MAX + 1];
    segj_beside_put(name, shared->index.name, SEGJ_COPIED_SUFFIX);
    place.name = name;
    place.opened = NULL;
    segj_status_t status = segj_partition_open(&place, &missing);
    if (status == SEGJ_OK && !missing)
        status = remove_from(&place);
    segj_partition_close(&place);
    return status;
}
