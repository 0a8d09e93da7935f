/*
 * journal/holes.c: see the header.
 */
#include "journal/holes.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "paged/page_format.h"

/* Bytes that are read in one go, at least a page. */
#define HOLES_WINDOW ((size_t)256 << 10)

/* The first of `count` pages, `first` and those after it, that is not full. */
static void holes_look_at(const segj_shared_t *shared, const segj_io_file_t *file, const uint8_t *pages, uint64_t first,
                          size_t count, segj_hole_t *hole)
{
    size_t physical = segj_page_physical(shared->page_size);
    for (size_t i = 0; i < count && !hole->found; i++) {
        uint64_t page = first + i;
        uint16_t length =
            segj_page_verify(shared->checksum, pages + i * physical, shared->page_size, file->section, page).length;
        if (length == shared->page_size)
            continue;
        hole->found = true;
        hole->page = page;
        hole->offset = file->data + page * physical;
        hole->records = (page * shared->page_size + length) / shared->record_size;
    }
}

segj_status_t segj_hole_find(const segj_shared_t *shared, const segj_io_file_t *file, uint64_t records,
                             segj_hole_t *hole)
{
    size_t physical = segj_page_physical(shared->page_size);
    uint64_t before_last = records > 0 ? (records * shared->record_size - 1) / shared->page_size : 0;
    size_t most = HOLES_WINDOW > physical ? HOLES_WINDOW / physical : 1;
    most = (size_t)segj_min_u64(most, before_last);
    segj_status_t status = SEGJ_OK;
    *hole = (segj_hole_t){.records = records};
    if (before_last == 0)
        return SEGJ_OK;
    uint8_t *pages = malloc(most * physical);
    if (pages == NULL)
        return segj_fail_memory(most * physical);
    for (uint64_t first = 0; first < before_last && status == SEGJ_OK && !hole->found; first += most) {
        size_t count = (size_t)segj_min_u64(most, before_last - first);
        status = segj_io_read(file, file->data + first * physical, pages, count * physical, NULL);
        if (status == SEGJ_OK)
            holes_look_at(shared, file, pages, first, count, hole);
    }
    free(pages);
    return status;
}
