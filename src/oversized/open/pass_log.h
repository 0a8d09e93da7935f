/*
 * oversized/open/pass_log.h: the one passage over the log of a section that is repaired. What W does not cover of it is
 * written again as it reads (again.h), and the index is made of it from the first page that is not trusted.
 */
#ifndef SEGJ_OVERSIZED_OPEN_PASS_LOG_H
#define SEGJ_OVERSIZED_OPEN_PASS_LOG_H

#include "oversized/open/scan.h"
#include "oversized/section/plan.h"

/** Neither file is cut or synced by it. The scan has its window and its pages. */
SEGJ_MUST_CHECK segj_status_t segj_pass_log(segj_scan_t *scan, const segj_recovery_plan_t *plan,
                                            const segj_io_file_t *index, const segj_io_file_t *values);

#endif
