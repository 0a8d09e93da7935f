/*
 * oversized/open/scan.c: see the header.
 */
#include "oversized/open/scan.h"

#include <stdlib.h>
#include <string.h>

#include "journal/record_format.h"

#define PAGES_BYTES ((size_t)128 << 10)

segj_status_t segj_scan_init(segj_scan_t *scan, oversized_t *journal)
{
    size_t physical = segj_page_physical(journal->shared.page_size);
    *scan = (segj_scan_t){.journal = journal};
    scan->capacity = PAGES_BYTES > physical ? PAGES_BYTES / physical : 1;
    scan->record = malloc(journal->shared.record_size);
    return scan->record != NULL ? SEGJ_OK : segj_fail_memory(journal->shared.record_size);
}

void segj_scan_free(segj_scan_t *scan)
{
    free(scan->pages);
    free(scan->record);
    free(scan->window);
    free(scan->device_room);
    scan->pages = scan->record = scan->window = scan->device = scan->device_room = NULL;
}

/* Memory for so many pages. A section that a close has left needs one. */
static segj_status_t have_pages(segj_scan_t *scan, size_t count)
{
    size_t size = count * segj_page_physical(scan->journal->shared.page_size);
    if (count <= scan->held)
        return SEGJ_OK;
    free(scan->pages);
    scan->held = 0;
    scan->pages = malloc(size);
    if (scan->pages == NULL)
        return segj_fail_memory(size);
    scan->held = count;
    return SEGJ_OK;
}

segj_status_t segj_scan_have_window(segj_scan_t *scan)
{
    scan->window_loaded = 0;
    if (scan->window == NULL)
        scan->window = malloc(SEGJ_SCAN_WINDOW);
    return scan->window != NULL ? SEGJ_OK : segj_fail_memory(SEGJ_SCAN_WINDOW);
}

segj_status_t segj_scan_have_device(segj_scan_t *scan)
{
    const size_t size = SEGJ_SCAN_DEVICE + SEGJ_IO_DEVICE_ALIGN - 1;
    if (scan->device != NULL)
        return SEGJ_OK;
    scan->device_room = malloc(size);
    if (scan->device_room == NULL)
        return segj_fail_memory(size);
    size_t past = (size_t)((uintptr_t)scan->device_room % SEGJ_IO_DEVICE_ALIGN);
    scan->device = scan->device_room + (past == 0 ? 0 : SEGJ_IO_DEVICE_ALIGN - past);
    return SEGJ_OK;
}

segj_status_t segj_scan_have_pages(segj_scan_t *scan)
{
    scan->loaded = 0;
    scan->known = SEGJ_NO_PAGE;
    return have_pages(scan, scan->capacity);
}

void segj_scan_expect(const segj_scan_t *scan, uint64_t bytes)
{
    if (scan->journal->telling != NULL)
        scan->journal->telling->now.bytes_total += bytes;
}

void segj_scan_forget(segj_scan_t *scan)
{
    scan->loaded = 0;
    scan->window_loaded = 0;
    scan->known = SEGJ_NO_PAGE;
}

/* --- records --- */

/* Has page `page` in memory; reads `count` pages from `first` on where it does not. */
static segj_status_t scan_load(segj_scan_t *scan, const segj_scanned_t *scanned, uint64_t page, uint64_t first,
                               size_t count)
{
    size_t physical = segj_page_physical(scan->journal->shared.page_size);
    if (page >= scan->first && page - scan->first < scan->loaded)
        return SEGJ_OK;
    scan->loaded = 0;
    segj_status_t status = have_pages(scan, count);
    if (status != SEGJ_OK)
        return status;
    if (count > scanned->pages - first)
        count = (size_t)(scanned->pages - first);
    status = segj_io_read(&scanned->index, scanned->index.data + first * physical, scan->pages, count * physical, NULL);
    if (status == SEGJ_OK)
        status = segj_tell_of_open(scan->journal->telling, 0, false);
    if (status != SEGJ_OK)
        return status;
    scan->first = first;
    scan->loaded = count;
    return SEGJ_OK;
}

segj_status_t segj_scan_page(segj_scan_t *scan, const segj_scanned_t *scanned, uint64_t page,
                             segj_direction_t direction, const uint8_t **bytes, uint16_t *length)
{
    uint16_t page_size = scan->journal->shared.page_size;
    uint64_t first = page;
    if (direction == SEGJ_BACKWARD)
        first = page + 1 > scan->capacity ? page + 1 - scan->capacity : 0;
    segj_status_t status = scan_load(scan, scanned, page, first, direction == SEGJ_ONE_PAGE ? 1 : scan->capacity);
    if (status != SEGJ_OK)
        return status;
    *bytes = scan->pages + (size_t)(page - scan->first) * segj_page_physical(page_size);
    if (page != scan->known) {
        scan->known = page;
        scan->known_length =
            segj_page_verify(scan->journal->shared.checksum, *bytes, page_size, scanned->index.binding, page).length;
    }
    *length = scan->known_length;
    return SEGJ_OK;
}

segj_status_t segj_scan_record(segj_scan_t *scan, const segj_scanned_t *scanned, uint64_t number,
                               segj_direction_t direction, bool *readable, oversized_location_t *location)
{
    const segj_shared_t *shared = &scan->journal->shared;
    uint64_t offset = number * shared->record_size;
    size_t done = 0;
    *readable = false;
    while (done < shared->record_size) {
        uint64_t page = (offset + done) / shared->page_size;
        size_t from = (size_t)((offset + done) % shared->page_size);
        size_t left = shared->record_size - done;
        size_t part = shared->page_size - from < left ? shared->page_size - from : left;
        const uint8_t *bytes;
        uint16_t length;
        if (page >= scanned->pages)
            return SEGJ_OK;
        segj_status_t status = segj_scan_page(scan, scanned, page, direction, &bytes, &length);
        if (status != SEGJ_OK || from + part > length)
            return status;
        memcpy(scan->record + done, bytes + from, part);
        done += part;
    }
    *readable = true;
    *location = segj_location_decode(scan->record + shared->record_size - OVERSIZED_LOCATION_SIZE);
    return SEGJ_OK;
}

/* --- values --- */

/* Has at least one byte at `offset` in the window, and tells how many. */
static segj_status_t scan_look(segj_scan_t *scan, const segj_scanned_t *scanned, uint64_t offset, const uint8_t **bytes,
                               size_t *size)
{
    if (offset < scan->window_offset || offset - scan->window_offset >= scan->window_loaded) {
        uint64_t left = scanned->values_size - offset;
        size_t wanted = (size_t)segj_min_u64(left, SEGJ_SCAN_WINDOW);
        segj_status_t status = segj_scan_have_window(scan);
        if (status == SEGJ_OK)
            status = segj_io_read(&scanned->values, scanned->values.data + offset, scan->window, wanted, NULL);
        if (status == SEGJ_OK)
            status = segj_tell_of_open(scan->journal->telling, wanted, false);
        if (status != SEGJ_OK)
            return status;
        scan->window_offset = offset;
        scan->window_loaded = wanted;
    }
    *bytes = scan->window + (size_t)(offset - scan->window_offset);
    *size = scan->window_loaded - (size_t)(offset - scan->window_offset);
    return SEGJ_OK;
}

segj_status_t segj_scan_value(segj_scan_t *scan, const segj_scanned_t *scanned, oversized_location_t location,
                              bool *right)
{
    uint64_t at = location.offset;
    uint64_t end = at + location.size - SEGJ_FRAME_TRAILER;
    segj_checksum_kind_t kind = scan->journal->shared.checksum;
    uint32_t crc = segj_checksum_begin(kind, scanned->values.binding, at);
    uint8_t trailer[SEGJ_FRAME_TRAILER];
    size_t have = 0;
    scan->verified++;
    while (have < sizeof trailer) {
        const uint8_t *bytes;
        size_t size;
        segj_status_t status = scan_look(scan, scanned, at, &bytes, &size);
        if (status != SEGJ_OK)
            return status;
        if (at < end) {
            size = (size_t)segj_min_u64(size, end - at);
            crc = segj_checksum_continue(kind, crc, bytes, size);
            at += size;
        } else {
            trailer[have++] = bytes[0];
            at++;
        }
    }
    *right = segj_get_u32(trailer) == crc;
    return SEGJ_OK;
}

segj_status_t segj_scan_back(segj_scan_t *scan, const segj_scanned_t *scanned, uint64_t count, uint64_t trusted,
                             uint64_t *records, uint64_t *end)
{
    segj_direction_t direction = SEGJ_ONE_PAGE;
    *end = 0;
    for (; count > 0; count--, direction = SEGJ_BACKWARD) {
        bool right;
        uint64_t found;
        oversized_location_t location;
        segj_status_t status = segj_scan_record(scan, scanned, count - 1, direction, &right, &location);
        if (status != SEGJ_OK)
            return status;
        if (!right || !segj_location_end(0, location, scanned->values_size, &found))
            continue;
        if (count > trusted)
            status = segj_scan_value(scan, scanned, location, &right);
        if (status != SEGJ_OK)
            return status;
        if (right) {
            *end = found;
            break;
        }
    }
    *records = count;
    return SEGJ_OK;
}
