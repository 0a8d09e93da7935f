/*
 * oversized/open/again.c: see the header.
 */
#include "oversized/open/again.h"

#include <string.h>

#include "base/bytes.h"

/* What is written again is looked at in such parts: the smallest sector. */
#define PART 512

segj_status_t segj_again_prepare(segj_scan_t *scan, const segj_io_file_t *file)
{
    segj_status_t status = segj_scan_have_window(scan);
    return status == SEGJ_OK && file->sector > 0 ? segj_scan_have_device(scan) : status;
}

static segj_status_t write_part(const segj_io_file_t *file, uint64_t offset, const uint8_t *bytes, size_t size,
                                segj_io_behind_t *behind)
{
    segj_status_t status = segj_io_write(file, offset, bytes, size);
    if (status == SEGJ_OK)
        segj_io_write_behind(file, behind, offset, size);
    return status;
}

segj_status_t segj_again_write_all(segj_scan_t *scan, const segj_io_file_t *file, uint64_t from, uint64_t to)
{
    segj_io_behind_t behind = {0, 0};
    segj_status_t status = from < to ? segj_scan_have_window(scan) : SEGJ_OK;
    while (from < to && status == SEGJ_OK) {
        size_t part = (size_t)segj_min_u64(to - from, SEGJ_SCAN_WINDOW);
        status = segj_io_read(file, from, scan->window, part, NULL);
        if (status == SEGJ_OK)
            status = write_part(file, from, scan->window, part, &behind);
        from += part;
    }
    segj_io_end_behind(file, &behind);
    return status;
}

/** Bytes of the device, around a range. */
typedef struct on_device {
    const uint8_t *bytes;
    uint64_t begin, end; /* in the file */
} on_device_t;

/* False: the storage does not tell. */
static bool look_at_device(const segj_scan_t *scan, const segj_io_file_t *values, uint64_t offset, size_t size,
                           on_device_t *found)
{
    size_t got;
    uint64_t begin = offset - offset % SEGJ_IO_DEVICE_ALIGN;
    uint64_t wanted = offset - begin + size + SEGJ_IO_DEVICE_ALIGN - 1;
    if (scan->device == NULL ||
        !segj_io_read_device(values, begin, scan->device, (size_t)(wanted - wanted % SEGJ_IO_DEVICE_ALIGN), &got))
        return false;
    *found = (on_device_t){scan->device, begin, begin + got};
    return true;
}

static bool device_has(const on_device_t *found, uint64_t offset, const uint8_t *bytes, size_t size)
{
    return offset + size <= found->end && memcmp(found->bytes + (size_t)(offset - found->begin), bytes, size) == 0;
}

/* How much from `offset` on is there, or is not. */
static size_t run_on_device(const on_device_t *found, uint64_t offset, const uint8_t *bytes, size_t size, bool *there)
{
    size_t run = 0;
    while (run < size) {
        uint64_t at = offset + run;
        size_t part = (size_t)segj_min_u64(size - run, PART - at % PART);
        bool has = device_has(found, at, bytes + run, part);
        if (run > 0 && has != *there)
            break;
        *there = has;
        run += part;
    }
    return run;
}

segj_status_t segj_again_write(segj_scan_t *scan, const segj_io_file_t *values, uint64_t offset, const uint8_t *bytes,
                               size_t size, segj_io_behind_t *behind)
{
    on_device_t found;
    segj_status_t status = SEGJ_OK;
    if (values->sector == 0 || !look_at_device(scan, values, offset, size, &found))
        return write_part(values, offset, bytes, size, behind);
    for (size_t done = 0, run; done < size && status == SEGJ_OK; done += run) {
        bool there = false;
        run = run_on_device(&found, offset + done, bytes + done, size - done, &there);
        if (!there)
            status = write_part(values, offset + done, bytes + done, run, behind);
    }
    return status;
}

static bool are_zeros(const uint8_t *bytes, size_t size)
{
    return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

segj_status_t segj_again_is_zero(segj_scan_t *scan, const segj_io_file_t *values, uint64_t offset, size_t size,
                                 bool *zero)
{
    on_device_t found;
    size_t got;
    segj_status_t status = segj_io_read(values, offset, scan->window, size, &got);
    *zero = status == SEGJ_OK && got == size && are_zeros(scan->window, size) &&
            look_at_device(scan, values, offset, size, &found) && device_has(&found, offset, scan->window, size);
    return status;
}
