/*
 * oversized/open/counted.h: what an archive of commonware-storage counts of a journal, held against what there is
 * (journal/counts.h). A section that has less than its count has a plan that says so; here are sections that have no
 * index file any more, and what of the counts goes before open removes anything.
 */
#ifndef SEGJ_OVERSIZED_OPEN_COUNTED_H
#define SEGJ_OVERSIZED_OPEN_COUNTED_H

#include "oversized/open/recover.h"

/** With `strict`: SEGJ_ERR_CORRUPT where a section that is counted has no index file. */
SEGJ_MUST_CHECK segj_status_t segj_counted_check(const segj_recovery_t *recovery);

/** Adds such sections to the report, and says them in the log. Before the counts are lowered. */
void segj_counted_report(const segj_recovery_t *recovery);

/** Notes their loss for later opens, and lowers the counts of what open removes whole. Repairs lower those of their
 *  sections. SEGJ_ERR_MISMATCH: an archive that the configuration does not name counts what would go. */
SEGJ_MUST_CHECK SEGJ_UNDER_CHANGE_ALONE segj_status_t segj_counted_lower(segj_recovery_t *recovery);

#endif
