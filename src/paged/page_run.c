/*
 * paged/page_run.c: see the header.
 */
#include "paged/page_run.h"

#include <string.h>

static segj_status_t page_run_write(segj_page_run_t *run)
{
    size_t physical = segj_page_physical(run->page_size);
    uint64_t offset = run->index->data + run->first * physical;
    size_t size = run->full * physical;
    segj_status_t status = size > 0 ? segj_io_write(run->index, offset, run->bytes, size) : SEGJ_OK;
    if (status == SEGJ_OK && size > 0) {
        segj_io_write_behind(run->index, &run->behind, offset, size);
        run->written += size;
    }
    run->first += run->full;
    run->full = 0;
    return status;
}

/* The page that is being filled gets its slot. */
static segj_status_t page_run_complete(segj_page_run_t *run)
{
    const segj_page_state_t none = {0, 0, 0};
    (void)segj_page_complete(run->checksum, segj_page_run_page(run), run->page_size, run->index->binding,
                             run->first + run->full, run->length, none);
    run->length = 0;
    run->full++;
    return run->full == run->capacity ? page_run_write(run) : SEGJ_OK;
}

segj_status_t segj_page_run_put(segj_page_run_t *run, const uint8_t *bytes, size_t size)
{
    segj_status_t status = SEGJ_OK;
    while (size > 0 && status == SEGJ_OK) {
        size_t room = (size_t)(run->page_size - run->length);
        size_t part = room < size ? room : size;
        memcpy(segj_page_run_page(run) + run->length, bytes, part);
        run->length = (uint16_t)(run->length + part);
        bytes += part;
        size -= part;
        if (run->length == run->page_size)
            status = page_run_complete(run);
    }
    return status;
}

segj_status_t segj_page_run_end(segj_page_run_t *run)
{
    segj_status_t status = run->length > 0 ? page_run_complete(run) : SEGJ_OK;
    if (status == SEGJ_OK)
        status = page_run_write(run);
    segj_io_end_behind(run->index, &run->behind);
    return status;
}
