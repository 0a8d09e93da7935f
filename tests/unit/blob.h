/*
 * unit/blob.h: the end of an index file (paged/paged_blob.h) on a rig. Its logical bytes are told by their position,
 * so that every byte that is read anywhere can be judged.
 *
 * After each step that may have written, check_protected() holds the file against what it was when the last sync had
 * completed: the slot that counted then, and the bytes that it covers, must be as they were (FORMAT.md, "Pages"). So
 * any mixture of the two that a power cut leaves still has the synced state in it.
 */
#ifndef TESTS_UNIT_BLOB_H
#define TESTS_UNIT_BLOB_H

#include "unit/rig.h"

#include "paged/paged_blob.h"

enum { BLOB_SECTION = 1, BLOB_DATA = 12288 };

typedef struct blob {
    rig_t *rig;
    segj_io_file_t file;
    segj_paged_t paged;
    bytes_t synced;         /* the file as it was after the last completed sync */
    uint64_t synced_length; /* logical bytes that it covered */
    uint64_t captured_length;
} blob_t;

/** A fresh blob in an empty file (of BLOB_DATA bytes). `pages`: what a buffer holds. */
blob_t *blob_new(uint16_t page_size, size_t pages);
void blob_free(blob_t *blob);
/** Discards what is in memory and opens again at `length`. */
segj_status_t blob_reopen(blob_t *blob, uint64_t length);

uint8_t blob_byte(uint64_t position);
void blob_bytes(uint64_t position, uint8_t *to, size_t size);

segj_status_t blob_try_append(blob_t *blob, size_t size);
void blob_append(blob_t *blob, size_t size);
segj_status_t blob_try_drain(blob_t *blob);
void blob_drain(blob_t *blob);

/* The parts of a sync: begin, write, end; and all of them at once. */
segj_paged_capture_t blob_capture(blob_t *blob);
void blob_write(blob_t *blob, segj_paged_capture_t *capture);
void blob_finish(blob_t *blob, const segj_paged_capture_t *capture, bool synced);
void blob_sync(blob_t *blob);

bool blob_holds(blob_t *blob, uint64_t page);
/** The page is in memory, and its first `size` bytes are right. */
void check_peek(blob_t *blob, uint64_t page, size_t size);
/** Every byte is in memory or in a valid page of the file, and right. */
void check_readable(blob_t *blob);
/** The page in the file, byte for byte: slots of these lengths (0: zeros), zeros behind the longer one. */
void check_page(blob_t *blob, uint64_t page, uint16_t first, uint16_t second);
void check_protected(blob_t *blob);

/** The physical size of the blob's pages. */
size_t blob_physical(const blob_t *blob);

#endif
