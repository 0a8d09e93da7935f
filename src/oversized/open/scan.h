/*
 * oversized/open/scan.h: how open reads a section that it judges: pages of the index and bytes of the values in bulk,
 * in memory that does not grow with the section. Every failed read is a failure: nothing here mistakes one for the end.
 */
#ifndef SEGJ_OVERSIZED_OPEN_SCAN_H
#define SEGJ_OVERSIZED_OPEN_SCAN_H

#include "journal/frame_format.h"
#include "oversized/section/journal.h"

#define SEGJ_SCAN_WINDOW ((size_t)256 << 10)
/** A window, and what lies around it in the blocks of its ends. */
#define SEGJ_SCAN_DEVICE (SEGJ_SCAN_WINDOW + 2 * SEGJ_IO_DEVICE_ALIGN)

/** Memory and counts of one open. Memory is taken for sections that open reads through: those that a close has left
 *  need no more than a page. */
typedef struct segj_scan {
    oversized_t *journal;
    uint8_t *pages;                /* physical pages, read in one go */
    size_t capacity, held, loaded; /* of pages: in one go, in memory, and of these with what was read */
    uint64_t first;
    uint64_t known; /* the page verified last, so that its records do not verify it again each */
    uint16_t known_length;
    uint8_t *record;
    uint8_t *window;      /* SEGJ_SCAN_WINDOW bytes, of a values file; or NULL */
    uint8_t *device;      /* SEGJ_SCAN_DEVICE bytes, aligned, for what the device has of a values file; or NULL */
    uint8_t *device_room; /* it lies in there */
    uint64_t window_offset;
    size_t window_loaded;
    uint64_t verified;
    bool look_for_holes; /* commonware: all of an index is looked through */
} segj_scan_t;

/** The two files of the section that is being judged, opened. */
typedef struct segj_scanned {
    segj_io_file_t index, values;
    uint64_t pages;       /* whole pages of the index */
    uint64_t values_size; /* bytes of data */
} segj_scanned_t;

/** How many pages are read where one is wanted. */
typedef enum segj_direction { SEGJ_ONE_PAGE, SEGJ_FORWARD, SEGJ_BACKWARD } segj_direction_t;

SEGJ_MUST_CHECK segj_status_t segj_scan_init(segj_scan_t *scan, oversized_t *journal);
void segj_scan_free(segj_scan_t *scan);

/** Has the window, with nothing in it. */
SEGJ_MUST_CHECK segj_status_t segj_scan_have_window(segj_scan_t *scan);

/** Has what is asked of the device of a file whose values are kept apart. */
SEGJ_MUST_CHECK segj_status_t segj_scan_have_device(segj_scan_t *scan);

/** Has memory for pages that are written, with none in it: so many as scan->capacity. */
SEGJ_MUST_CHECK segj_status_t segj_scan_have_pages(segj_scan_t *scan);

/** So many bytes of values will be checked: for the progress. */
void segj_scan_expect(const segj_scan_t *scan, uint64_t bytes);

/** Another section comes: what is in memory is not its own. */
void segj_scan_forget(segj_scan_t *scan);

/** A page that exists, and how many of its bytes are valid. */
SEGJ_MUST_CHECK segj_status_t segj_scan_page(segj_scan_t *scan, const segj_scanned_t *scanned, uint64_t page,
                                             segj_direction_t direction, const uint8_t **bytes, uint16_t *length);

/** Reads a record into scan->record; *readable: each of its pages is valid that far. */
SEGJ_MUST_CHECK segj_status_t segj_scan_record(segj_scan_t *scan, const segj_scanned_t *scanned, uint64_t number,
                                               segj_direction_t direction, bool *readable,
                                               oversized_location_t *location);

/** Whether the frame at a location, which is in range, has the right checksum. */
SEGJ_MUST_CHECK segj_status_t segj_scan_value(segj_scan_t *scan, const segj_scanned_t *scanned,
                                              oversized_location_t location, bool *right);

/** From record `count` back to the last one that is readable and whose frame is in range, and right where it is none of
 *  the first `trusted` (UINT64_MAX: all are): the records that are left, and where the last one's frame ends (0 for
 *  none). */
SEGJ_MUST_CHECK segj_status_t segj_scan_back(segj_scan_t *scan, const segj_scanned_t *scanned, uint64_t count,
                                             uint64_t trusted, uint64_t *records, uint64_t *end);

#endif
