/*
 * oversized/repair.h: making a section durable as its verdict says. Every step is made again from the beginning where
 * one failed, whatever the failure has left: what is written is what is there, cuts are marked before they are made,
 * and W is raised behind a completed sync.
 */
#ifndef SEGJ_OVERSIZED_REPAIR_H
#define SEGJ_OVERSIZED_REPAIR_H

#include "oversized/recover.h"

/** Repairs the section of a plan; sets plan->settled. */
SEGJ_MUST_CHECK segj_status_t segj_repair(segj_scan_t *scan, segj_plan_t *plan);

#endif
