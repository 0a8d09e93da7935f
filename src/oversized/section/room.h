/*
 * oversized/section/room.h: zeros that sections keep ahead (preallocate) take the room of nothing else: where the
 * storage has none left, they are given back, and what was refused is tried once more.
 */
#ifndef SEGJ_OVERSIZED_SECTION_ROOM_H
#define SEGJ_OVERSIZED_SECTION_ROOM_H

#include "oversized/section/journal.h"

/** After SEGJ_ERR_NO_SPACE, when nothing of the call is left: cuts the zeros of the sections that are being written, but
 *  for those on which a sync or a stream works. True: there were some. False: the thread's sentence is what it was.
 *  Under change. */
SEGJ_UNDER_CHANGE_ALONE bool segj_room_is_given(oversized_t *journal);
/** The same without locks. */
SEGJ_WITHOUT_STATE bool segj_room_is_made(oversized_t *journal);

#endif
