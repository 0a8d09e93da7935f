/*
 * oversized/tools/salvage_report.h: what a salvage tells of a section: runs of records that came back, and gaps between
 * them, in the order of the records. A gap is told when it is known where it ends, a run when it has ended.
 */
#ifndef SEGJ_OVERSIZED_TOOLS_SALVAGE_REPORT_H
#define SEGJ_OVERSIZED_TOOLS_SALVAGE_REPORT_H

#include "base/error.h"
#include "segjournal/tools.h"

typedef struct segj_salvage_report {
    const oversized_salvage_options_t *options;
    oversized_salvaged_t *found;
    uint64_t section;
    uint64_t made; /* records of the section in the new journal */
    bool has_gap, has_run;
    oversized_gap_t gap; /* comes before the run */
    segj_sentence_t why; /* the gap's */
    oversized_salvaged_run_t run;
} segj_salvage_report_t;

/** Another section begins. */
void segj_salvage_report_begin(segj_salvage_report_t *report, uint64_t section);

/** A record came back; `position`, in the source, may be OVERSIZED_UNKNOWN. Records between which none is told as lost
 *  follow each other. SEGJ_ERR_CANCELLED, as of the following ones. */
SEGJ_MUST_CHECK segj_status_t segj_salvage_report_record(segj_salvage_report_t *report, uint64_t position);

/** The position of the record that would come next is known: so are those of the run before it. */
void segj_salvage_report_place(segj_salvage_report_t *report, uint64_t next);

/** Records did not: the thread's sentence says why. */
SEGJ_MUST_CHECK segj_status_t segj_salvage_report_lost(segj_salvage_report_t *report, const oversized_gap_t *gap);

/** The section ends. `synced`: the records of which the files say that they were synced; OVERSIZED_UNKNOWN: nothing. */
SEGJ_MUST_CHECK segj_status_t segj_salvage_report_end(segj_salvage_report_t *report, uint64_t synced);

#endif
