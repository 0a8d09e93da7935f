/*
 * oversized/tools/throttle.h: how long calls keep to a number of bytes a second.
 */
#ifndef SEGJ_OVERSIZED_TOOLS_THROTTLE_H
#define SEGJ_OVERSIZED_TOOLS_THROTTLE_H

#include "base/bytes.h"
#include "oversized/section/telling.h"

/** How long to wait, in nanoseconds, where so many bytes were handled in the time that has passed; 0 for a rate of 0,
 *  which is no limit. */
static inline uint64_t segj_throttle_pause(uint64_t bytes, uint64_t bytes_per_second, uint64_t passed)
{
    if (bytes_per_second == 0)
        return 0;
    uint64_t due = (uint64_t)((double)bytes / (double)bytes_per_second * 1e9);
    return due > passed ? segj_min_u64(due - passed, SEGJ_TELL_TIME) : 0;
}

#endif
