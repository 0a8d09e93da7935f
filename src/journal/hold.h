/*
 * journal/hold.h: the file by which commonware-storage keeps others out of its directory, since 2026.9.0: `.hold`,
 * locked exclusively while its runtime lives. A journal of the commonware format takes the lock shared, so that
 * journals of one directory do not exclude each other, and that program is kept out (FORMAT.md, "The other program's
 * lock"). The file is never removed.
 */
#ifndef SEGJ_JOURNAL_HOLD_H
#define SEGJ_JOURNAL_HOLD_H

#include "storage/io.h"

#define SEGJ_HOLD_NAME ".hold"
/** What this library writes into a file that it makes, so that later opens tell it from the other program's, which is
 *  empty. That program never looks into it. */
#define SEGJ_HOLD_MARK "segjournal\n"

typedef struct segj_shared segj_shared_t;

typedef struct segj_hold {
    segj_held_t *held; /* NULL: not */
    bool foreign;      /* the other program has made the file */
} segj_hold_t;

/** Takes the lock; a writer makes the file where it is missing and the directory is there. SEGJ_ERR_LOCKED: the other
 *  program has the directory. Where the storage or the file system has no such lock the journal is opened without
 *  it. */
SEGJ_MUST_CHECK segj_status_t segj_hold_take(segj_shared_t *shared, bool read_only);

/** Gives the lock back. */
void segj_hold_release(segj_shared_t *shared);

#endif
