/*
 * oversized/read/replay.h: what a walk has for the library's own use, beside what callers get of it.
 */
#ifndef SEGJ_OVERSIZED_READ_REPLAY_H
#define SEGJ_OVERSIZED_READ_REPLAY_H

#include <stdint.h>

#include "segjournal/oversized.h"

/** oversized_replay_open() for a thread of the journal's own, which may come while it is being closed: it is not asked
 *  whether the journal is open, and what is asked of the walk fails when it is not. */
SEGJ_MUST_CHECK segj_status_t segj_replay_begin(oversized_t *journal, uint64_t section, uint64_t position,
                                                size_t buffer, oversized_replay_t **opened);

/** The frame, from its head to its trailer, of the value that oversized_replay_value() has just given. Valid as long as
 *  that. */
const uint8_t *segj_replay_frame(const oversized_replay_t *replay);

#endif
