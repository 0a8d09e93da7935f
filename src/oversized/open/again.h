/*
 * oversized/open/again.h: bytes that open has found are made sure of. After a write-back that failed the system's memory
 * shows bytes that are no longer dirty and never reached the disk, and a sync alone would not write them. So they are
 * written again as they read: any mixture of what is there and of what is written is the same bytes.
 *
 * Where values are kept apart, what the device has already is not written again: it may have been synced, and a sector
 * that is being written when the power goes may turn to garbage (DESIGN.md, "Values that are kept apart").
 */
#ifndef SEGJ_OVERSIZED_OPEN_AGAIN_H
#define SEGJ_OVERSIZED_OPEN_AGAIN_H

#include "oversized/open/scan.h"

/** Takes the memory that the other functions want for a file: a repair that has begun wants none. */
SEGJ_MUST_CHECK segj_status_t segj_again_prepare(segj_scan_t *scan, const segj_io_file_t *file);

/** Writes bytes of a file again as they read, in either version. */
SEGJ_MUST_CHECK segj_status_t segj_again_write_all(segj_scan_t *scan, const segj_io_file_t *file, uint64_t from,
                                                   uint64_t to);

/** The same for bytes that were read already, at most a window, from `offset` of a values file on; but for those that
 *  the device has, where values are kept apart. */
SEGJ_MUST_CHECK segj_status_t segj_again_write(segj_scan_t *scan, const segj_io_file_t *values, uint64_t offset,
                                               const uint8_t *bytes, size_t size, segj_io_behind_t *behind);

/** Whether zeros lie there, at most a window of them, to be read and on the device; false where the storage does not
 *  tell. */
SEGJ_MUST_CHECK segj_status_t segj_again_is_zero(segj_scan_t *scan, const segj_io_file_t *values, uint64_t offset,
                                                 size_t size, bool *zero);

#endif
