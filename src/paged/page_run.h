/*
 * paged/page_run.h: pages of an index one after the other, made from their bytes and written in windows.
 */
#ifndef SEGJ_PAGED_PAGE_RUN_H
#define SEGJ_PAGED_PAGE_RUN_H

#include "paged/page_format.h"
#include "storage/io.h"

/** Pages on their way to the file. Begins with all that the caller knows, `full` 0. */
typedef struct segj_page_run {
    const segj_io_file_t *index;
    uint8_t *bytes;  /**< borrowed: room for `capacity` physical pages; the first `length` bytes are there */
    size_t capacity; /**< in pages, at least one */
    size_t full;     /**< of them, complete */
    uint64_t first;  /**< number of the first one */
    uint16_t length; /**< bytes of the page after the full ones, less than a page */
    uint16_t page_size;
    segj_checksum_kind_t checksum;
    segj_io_behind_t behind;
    uint64_t written; /**< bytes that were written */
} segj_page_run_t;

/** The page after the full ones. */
static inline uint8_t *segj_page_run_page(const segj_page_run_t *run)
{
    return run->bytes + run->full * segj_page_physical(run->page_size);
}

/** Appends bytes, and writes a window that they fill. */
SEGJ_MUST_CHECK segj_status_t segj_page_run_put(segj_page_run_t *run, const uint8_t *bytes, size_t size);
/** Completes the page that is begun, writes what there is, and has it on its way to the device. */
SEGJ_MUST_CHECK segj_status_t segj_page_run_end(segj_page_run_t *run);

#endif
