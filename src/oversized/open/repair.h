/*
 * oversized/open/repair.h: making a section durable as its verdict says. Every step is made again from the beginning
 * where one failed, whatever the failure has left: what is written is what is there, cuts are marked before they are
 * made, and W is raised after a completed sync.
 */
#ifndef SEGJ_OVERSIZED_OPEN_REPAIR_H
#define SEGJ_OVERSIZED_OPEN_REPAIR_H

#include "oversized/open/scan.h"
#include "oversized/section/plan.h"

/** Repairs the section of a plan; sets plan->durable. */
SEGJ_MUST_CHECK SEGJ_UNDER_CHANGE_ALONE segj_status_t segj_repair(segj_scan_t *scan, segj_recovery_plan_t *plan);

/** Makes durable what the newest section shows, which open does not cut, by its files as open keeps them: opened for
 *  reading, so that an overlay copies none. Where open keeps none, or the storage does not sync such files, the section
 *  is repaired. Where a sync fails otherwise, the next repair writes again what that one was for. */
SEGJ_MUST_CHECK SEGJ_UNDER_CHANGE_ALONE segj_status_t segj_repair_sync_found(segj_scan_t *scan,
                                                                             segj_recovery_plan_t *plan);

/** Repairs a section that open could not repair for lack of space; there is room for a writer's files. Under change,
 *  without state. */
SEGJ_MUST_CHECK SEGJ_UNDER_CHANGE_ALONE segj_status_t segj_section_repair(oversized_t *journal,
                                                                          segj_section_t *section);

#endif
