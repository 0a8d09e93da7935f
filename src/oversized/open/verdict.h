/*
 * oversized/open/verdict.h: reads a section, and decides what of it stays. Nothing is written.
 */
#ifndef SEGJ_OVERSIZED_OPEN_VERDICT_H
#define SEGJ_OVERSIZED_OPEN_VERDICT_H

#include "oversized/open/scan.h"
#include "oversized/section/plan.h"

/** Judges a section; plan->section, plan->value_there and plan->index_missing are set. Nothing is written. */
SEGJ_MUST_CHECK segj_status_t segj_verdict(segj_scan_t *scan, segj_recovery_plan_t *plan);

/* The native format's part, in verdict_native.c. Headers: *valid is false for a file that is new; file->data is set
 * then too; *log: it is of version 2. */
SEGJ_MUST_CHECK segj_status_t segj_judge_native(segj_scan_t *scan, segj_recovery_plan_t *plan, segj_scanned_t *scanned);
SEGJ_MUST_CHECK segj_status_t segj_judge_native_header(segj_io_file_t *file, uint64_t file_size, bool *valid,
                                                       bool *log);

/* The commonware format's part, in verdict_commonware.c. Headers: *valid is false for a file that is new; file->data is
 * set then too. The verdict: everything but the comparison with what the files hold. */
SEGJ_MUST_CHECK segj_status_t segj_judge_commonware_header(segj_io_file_t *file, uint64_t file_size, bool *valid);
/** Looks at the newest section's headers for the release of the other program that has been at work, and sets what
 *  follows from that: journal->newer, journal->verify_tail, shared.new_data. `newest`: its number; NULL: there is
 *  none. */
SEGJ_MUST_CHECK segj_status_t segj_follow_commonware(oversized_t *journal, const oversized_config_t *config,
                                                     const uint64_t *newest);
SEGJ_MUST_CHECK segj_status_t segj_judge_commonware(segj_scan_t *scan, segj_recovery_plan_t *plan,
                                                    segj_scanned_t *scanned);

/** The page size by which the first page of an index file is valid, that has `data_size` bytes of data; 0 for none.
 *  `configured`: what is expected, or 0. */
SEGJ_MUST_CHECK segj_status_t segj_commonware_page_size(const segj_io_file_t *file, uint64_t data_size,
                                                        uint16_t configured, uint16_t *found);
/** The record size by which a section's first logical bytes are a row of two or more records; `expected` before any
 *  other; 0 for none. */
uint32_t segj_commonware_record_size(const uint8_t *bytes, size_t size, uint32_t expected);
/** A section's first logical bytes, as far as one reading of pages goes and the pages are full. The caller frees
 *  *bytes. */
SEGJ_MUST_CHECK segj_status_t segj_scan_head(segj_scan_t *scan, const segj_scanned_t *scanned, uint8_t **bytes,
                                             size_t *size);

/** Appends to the sentence that refuses a record size which entry_size makes it. */
segj_status_t segj_say_entry_sizes(segj_status_t status, uint32_t found, uint32_t expected);

/** Makes the verdict end at `records`, which are no more than it has: for a checkpoint. */
SEGJ_MUST_CHECK segj_status_t segj_verdict_shorten(segj_scan_t *scan, segj_recovery_plan_t *plan, uint64_t records);

/** Makes the verdict end at `most` records or fewer, the last one being there: for a bound. */
SEGJ_MUST_CHECK segj_status_t segj_verdict_bound(segj_scan_t *scan, segj_recovery_plan_t *plan, uint64_t most);

/** Records of which the last value's checksum is not looked at (segj_scan_back). */
uint64_t segj_verdict_trusted(const oversized_t *journal, const segj_recovery_plan_t *plan);

/** The page size that the first file tells which has one in a valid header: an index file, or a values file of version
 *  2. *page_size stays where there is none, and where it is known already (not 0). */
SEGJ_MUST_CHECK segj_status_t segj_scan_page_size(const segj_io_partition_t *partition, const uint64_t *sections,
                                                  size_t count, uint16_t *page_size);

/** Judges the header of a values file without an index: what is not the journal's own is not removed as its rest.
 *  *data: how many bytes it holds after its header; *log: it is of version 2. */
SEGJ_MUST_CHECK segj_status_t segj_verdict_orphan(segj_scan_t *scan, uint64_t number, uint64_t *data, bool *log);

#endif
