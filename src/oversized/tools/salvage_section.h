/*
 * oversized/tools/salvage_section.h: how the records of a section are found, by the version of its files. The inputs of
 * the work are open and have their data where the guess says.
 */
#ifndef SEGJ_OVERSIZED_TOOLS_SALVAGE_SECTION_H
#define SEGJ_OVERSIZED_TOOLS_SALVAGE_SECTION_H

#include "oversized/tools/salvage_work.h"
#include "oversized/tools/salvage_headers.h"

/** What the finders are given. */
typedef struct segj_salvage_section {
    const segj_guess_t *guess;
    segj_salvage_headers_marks_t marks;
    uint64_t synced; /* records that a mark counts; OVERSIZED_UNKNOWN */
} segj_salvage_section_t;

/** Version 1 of the native format, and the commonware format: the index has the records. */
SEGJ_MUST_CHECK segj_status_t segj_salvage_pages(segj_salvage_work_t *work, const segj_salvage_section_t *place);

/** Version 2: the values file has them. */
SEGJ_MUST_CHECK segj_status_t segj_salvage_log(segj_salvage_work_t *work, const segj_salvage_section_t *place);

/** Version 1: frames of which no record tells, from the end of the one before, which is known, up to `end`, which is
 *  the beginning of one that is known where `exact`, or else the end of the data. *position counts those that were
 *  found, and *at is the end of the last of them. */
SEGJ_MUST_CHECK segj_status_t segj_salvage_frames(segj_salvage_work_t *work, uint64_t binding, uint64_t end,
                                                  uint64_t *position, uint64_t *at);

#endif
