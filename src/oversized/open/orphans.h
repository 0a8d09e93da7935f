/*
 * oversized/open/orphans.h: values files without an index file. Those of version 2 that hold records are sections whose
 * index is made again; all others are removed (DESIGN.md, "Removal: prune, rewind, destroy, orphans").
 */
#ifndef SEGJ_OVERSIZED_OPEN_ORPHANS_H
#define SEGJ_OVERSIZED_OPEN_ORPHANS_H

#include "oversized/open/recover.h"

/** Judges the values file at this place of the list: adds a plan to the recovery's, or notes that the file goes. */
SEGJ_MUST_CHECK segj_status_t segj_orphan_judge(segj_recovery_t *recovery, size_t at);

/** Judges such a file as a section; plan->number and plan->section are set. *there: it is of version 2 and holds
 *  records. */
SEGJ_MUST_CHECK segj_status_t segj_orphan_look(segj_scan_t *scan, segj_recovery_plan_t *plan, uint64_t *data,
                                               bool *there);

/** SEGJ_ERR_MISMATCH: `orphans` values files have records, and no section has its index file. */
SEGJ_MUST_CHECK segj_status_t segj_orphans_check_mounted(const segj_shared_t *shared, size_t index_count,
                                                         uint64_t orphans);

/** When all are judged: what is refused. */
SEGJ_MUST_CHECK segj_status_t segj_orphans_check(const segj_recovery_t *recovery);

/** Says what goes, and what is made again, or would be. */
void segj_orphans_report(const segj_recovery_t *recovery);

#endif
