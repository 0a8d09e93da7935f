/*
 * oversized/tools/copy_section.h: one section is copied, as far as the copy does not have it yet.
 */
#ifndef SEGJ_OVERSIZED_TOOLS_COPY_SECTION_H
#define SEGJ_OVERSIZED_TOOLS_COPY_SECTION_H

#include "oversized/tools/copy_source.h"
#include "oversized/tools/copy_target.h"

/** Copied in one go. */
#define SEGJ_COPY_WINDOW ((size_t)1 << 20)

/** A copy under way. */
typedef struct segj_copying {
    segj_copy_target_t *target;
    uint8_t *memory[2];                                  /* of SEGJ_COPY_WINDOW bytes each */
    segj_status_t (*told)(struct segj_copying *copying); /* after each window; SEGJ_ERR_CANCELLED ends the copy */
    uint64_t bytes_done, records_done;
    uint64_t bytes_written;
    bool by_memory; /* the storage does not copy: everything is read and written */
} segj_copying_t;

/** Whether a section of the copy and the source's of that number have begun as one. */
typedef enum segj_kin { SEGJ_KIN_UNKNOWN, SEGJ_KIN_SAME, SEGJ_KIN_OTHER } segj_kin_t;

/** By its identity, or by its first record. SEGJ_END: the source's section was cut or removed since. */
segj_status_t segj_copy_compare_kin(segj_copying_t *copying, segj_copy_source_t *source, segj_kin_t *kin);

/** Brings a section of the copy to what the source had when it was looked at, durably but for its names. *kept: it had
 *  all of that already. SEGJ_END: the source's section was cut or removed since; the copy's has a part of it
 *  then. */
segj_status_t segj_copy_section(segj_copying_t *copying, segj_copy_source_t *source, bool *kept);

#endif
