/*
 * oversized/read/replay.h: what a walk has for the library's own use, beside what callers get of it.
 */
#ifndef SEGJ_OVERSIZED_READ_REPLAY_H
#define SEGJ_OVERSIZED_READ_REPLAY_H

#include <stdint.h>

#include "segjournal/oversized.h"

/** The frame, from its head to its trailer, of the value that oversized_replay_value() has just given. Valid as long as
 *  that. */
const uint8_t *segj_replay_frame(const oversized_replay_t *replay);

#endif
