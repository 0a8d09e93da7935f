/*
 * oversized/open/repair_log.h: how a section of version 2 is made durable as its verdict says.
 */
#ifndef SEGJ_OVERSIZED_OPEN_REPAIR_LOG_H
#define SEGJ_OVERSIZED_OPEN_REPAIR_LOG_H

#include "oversized/open/scan.h"
#include "oversized/section/plan.h"

/** Opens the values file for writing, or makes it (repair.c). */
typedef segj_status_t segj_repair_open_t(segj_recovery_plan_t *plan, segj_io_file_t *values,
                                         const segj_shared_t *shared);

/** Repairs it; the index is open for writing. */
SEGJ_MUST_CHECK segj_status_t segj_repair_log(segj_scan_t *scan, segj_recovery_plan_t *plan,
                                              const segj_io_file_t *index, segj_io_file_t *values,
                                              segj_repair_open_t *open_them);

#endif
