/*
 * oversized/section/telling.h: how a long call tells how far it is, and learns that it is to end.
 */
#ifndef SEGJ_OVERSIZED_SECTION_TELLING_H
#define SEGJ_OVERSIZED_SECTION_TELLING_H

#include "segjournal/oversized.h"

/** The least time between two calls of the progress function, and the longest wait of such a call, in nanoseconds. */
#define SEGJ_TELL_TIME UINT64_C(100000000)

/** A call under way. */
typedef struct segj_telling {
    bool (*progress)(void *context, const oversized_progress_t *progress); /* NULL: it is not called */
    void *context;
    uint64_t told; /* when, in nanoseconds */
    bool is_deaf;  /* it cannot be cancelled any more */
    oversized_progress_t now;
} segj_telling_t;

/** A call that begins now. */
segj_telling_t segj_telling_begin(bool (*progress)(void *context, const oversized_progress_t *progress), void *context);

/** Tells, where it is time to, or `at_once`. True: the caller must end. NULL is fine: nothing is called. */
bool segj_tell(segj_telling_t *telling, bool at_once);

/** Counts bytes that were read, and tells where it is time to. SEGJ_ERR_CANCELLED: the open must end. NULL is fine. */
SEGJ_MUST_CHECK segj_status_t segj_tell_of_open(segj_telling_t *telling, uint64_t bytes, bool at_once);

#endif
