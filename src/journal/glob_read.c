/*
 * journal/glob_read.c: how frames are read from the values file and checked.
 */
#include <string.h>

#include "journal/frame_format.h"
#include "journal/glob.h"
#include "journal/record_format.h"

/* Up to this size it is faster to read the payload with the four bytes before it, and to move it, than to read twice.
 * One read into two pieces of memory, preadv, takes longer than the move. */
#define MOVED_AT_MOST 32768

/* `sum`: the checksum of the frame's head, where frames have one. */
static segj_status_t check_payload(const segj_shared_t *shared, const segj_io_file_t *file,
                                   oversized_location_t location, const uint8_t *payload, const uint8_t *sum, bool raw)
{
    size_t size = (size_t)location.size - SEGJ_FRAME_TRAILER;
    uint32_t crc = segj_frame_checksum(shared->checksum, file->binding, location.offset, payload, size);
    if (file->head > 0)
        crc = segj_frame_seal(crc, segj_get_u32(sum), raw);
    uint32_t found = segj_get_u32(payload + size);
    if (crc != found)
        return segj_io_fail(SEGJ_ERR_CHECKSUM, file, file->data + location.offset,
                            "value of %zu bytes: checksum %08x, expected %08x", size, (unsigned)found, (unsigned)crc);
    return SEGJ_OK;
}

segj_status_t segj_glob_check(const segj_shared_t *shared, const segj_io_file_t *file, bool packed,
                              oversized_location_t location, const uint8_t *frame)
{
    const uint8_t *payload = frame + file->head;
    return check_payload(shared, file, location, payload, payload - (file->head > 0 ? SEGJ_HEAD_CHECKSUM : 0),
                         packed && segj_glob_is_raw(file, frame));
}

segj_status_t segj_glob_read(const segj_shared_t *shared, const segj_io_file_t *file, bool packed,
                             oversized_location_t location, uint8_t *frame)
{
    segj_status_t status =
        segj_io_read(file, file->data + location.offset, frame, file->head + (size_t)location.size, NULL);
    return status == SEGJ_OK ? segj_glob_check(shared, file, packed, location, frame) : status;
}

segj_status_t segj_glob_read_payload(const segj_shared_t *shared, const segj_io_file_t *file,
                                     oversized_location_t location, uint8_t *memory)
{
    uint8_t sum[SEGJ_HEAD_CHECKSUM] = {0}; /* of the head: all of it that a payload's checksum wants */
    size_t before = file->head > 0 ? sizeof sum : 0;
    uint64_t payload = file->data + location.offset + file->head;
    segj_status_t status = SEGJ_OK;
    if (before > 0 && location.size <= MOVED_AT_MOST) {
        status = segj_io_read(file, payload - before, memory, before + location.size, NULL);
        if (status != SEGJ_OK)
            return status;
        memcpy(sum, memory, before);
        memmove(memory, memory + before, location.size);
    } else {
        if (before > 0)
            status = segj_io_read(file, payload - before, sum, before, NULL);
        if (status == SEGJ_OK)
            status = segj_io_read(file, payload, memory, location.size, NULL);
    }
    return status == SEGJ_OK ? check_payload(shared, file, location, memory, sum, false) : status;
}
