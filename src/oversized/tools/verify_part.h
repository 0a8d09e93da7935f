/*
 * oversized/tools/verify_part.h: a part of a section is read and judged: its pages, the chain of its records, its
 * values.
 */
#ifndef SEGJ_OVERSIZED_TOOLS_VERIFY_PART_H
#define SEGJ_OVERSIZED_TOOLS_VERIFY_PART_H

#include "oversized/section/section.h"
#include "segjournal/tools.h"

/** Records of a section. `first` begins a page. */
typedef struct segj_verify_part {
    uint64_t section;
    uint64_t first, last; /* up to last - 1 */
} segj_verify_part_t;

/** Where to it is told what a part has. False: it is to end. */
typedef struct segj_verify_sink {
    bool (*count)(void *context, uint64_t records, uint64_t bytes);
    bool (*damage)(void *context, const oversized_damage_t *damage);
    void *context;
} segj_verify_sink_t;

/** The first record from which on pages begin with records: parts begin at multiples of it. */
uint64_t segj_verify_step(const oversized_t *journal);

/** Judges a part. A section that is removed or cut during the call is no damage. SEGJ_ERR_CANCELLED: the sink has ended
 *  it. */
SEGJ_MUST_CHECK segj_status_t segj_verify_part(oversized_t *journal, const segj_verify_part_t *part,
                                               const segj_verify_sink_t *sink);

#endif
