/*
 * oversized/open/verdict_log.h: what a section of version 2 holds, by its log.
 */
#ifndef SEGJ_OVERSIZED_OPEN_VERDICT_LOG_H
#define SEGJ_OVERSIZED_OPEN_VERDICT_LOG_H

#include "oversized/open/scan.h"
#include "oversized/section/plan.h"

/** Whether the slots say that a cut was begun, which need not be durable: the newer one has no more than the other. */
bool segj_log_is_cut_marked(const segj_recovery_plan_t *plan);

/** Judges a section whose headers were read, and whose files are of version 2. */
SEGJ_MUST_CHECK segj_status_t segj_judge_log(segj_scan_t *scan, segj_recovery_plan_t *plan, segj_scanned_t *scanned);

/** Makes the verdict end at `records`, which are no more than it has. */
SEGJ_MUST_CHECK segj_status_t segj_judge_log_shorten(segj_scan_t *scan, segj_recovery_plan_t *plan,
                                                     segj_scanned_t *scanned, uint64_t records);

#endif
