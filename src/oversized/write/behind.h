/*
 * oversized/write/behind.h: values that are written while appends go on. While that is done the section counts as one
 * that a sync works on, so that everything which waits for syncs waits for this too.
 */
#ifndef SEGJ_OVERSIZED_WRITE_BEHIND_H
#define SEGJ_OVERSIZED_WRITE_BEHIND_H

#include "oversized/section/journal.h"

/** Which of a section's values: all, or those of buffers that are full. */
typedef enum segj_behind_what { SEGJ_BEHIND_ALL, SEGJ_BEHIND_FULL } segj_behind_what_t;

/** Takes them over. False: there are none, or a sync is writing them. */
SEGJ_MUST_CHECK SEGJ_UNDER_CHANGE_ALONE bool segj_behind_take(oversized_t *journal, segj_section_t *section,
                                                              segj_behind_what_t what, segj_glob_capture_t *values);
/** Writes what was taken over, and asks the storage to begin with its write-back; without locks. What could not be
 *  written stays for the next drain or sync. SEGJ_ERR_NO_SPACE says what a rewind can do without any. */
SEGJ_MUST_CHECK SEGJ_WITHOUT_LOCKS segj_status_t segj_behind_write(oversized_t *journal, segj_section_t *section,
                                                                   const segj_glob_capture_t *values);

/** Ends the stay of an append: others may come in. Where it has left a full buffer, that is written then. */
void segj_behind_leave(oversized_t *journal) SEGJ_GIVES(segj_role_change);

#endif
