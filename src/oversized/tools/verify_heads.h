/*
 * oversized/tools/verify_heads.h: the heads of frames of version 2, beside a walk over their records. Where the index
 * has a record no other reader reads its head, from which the record would be made again.
 */
#ifndef SEGJ_OVERSIZED_TOOLS_VERIFY_HEADS_H
#define SEGJ_OVERSIZED_TOOLS_VERIFY_HEADS_H

#include "journal/header_format.h"
#include "oversized/section/section.h"

typedef struct segj_verify_heads {
    oversized_t *journal;
    segj_section_t *section;    /* a reference; NULL: nothing is looked at */
    uint64_t durable;           /* records of which the frames are in the file */
    const segj_io_file_t *file; /* whose properties stay as they are */
    segj_point_t at;            /* where the next frame is expected */
    bool known;                 /* `at` is right */
    uint64_t unjudged;          /* this record: its head begins with what may be damaged */
} segj_verify_heads_t;

/** Begins with a section; one of version 1 has no heads. To be ended in any case. */
void segj_verify_heads_begin(segj_verify_heads_t *heads, oversized_t *journal, uint64_t number);

/** Looks at the head of a record that is there, of which the frame has been read. *right: it follows the frame before
 *  it. */
SEGJ_MUST_CHECK segj_status_t segj_verify_head(segj_verify_heads_t *heads, uint64_t position,
                                               oversized_location_t location, const uint8_t *frame, bool *right);

/** This record's head or value is damaged: nothing is said of the next one's head, which follows it. */
static inline void segj_verify_heads_lose(segj_verify_heads_t *heads, uint64_t position)
{
    heads->known = false;
    heads->unjudged = position + 1;
}

void segj_verify_heads_end(segj_verify_heads_t *heads);

#endif
