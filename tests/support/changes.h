/*
 * support/changes.h: every call that changes a journal, as one that has to ask the storage for it, for tests of what a
 * storage may answer.
 */
#ifndef TESTS_CHANGES_H
#define TESTS_CHANGES_H

#include "support/support.h"

enum { CHANGES_RECORDS = 20 }; /* that are synced, of each of the sections 3, 4 and 5 */

typedef struct change {
    const char *name;
    segj_status_t (*make)(oversized_t *journal);
    bool of_unsynced; /* it has nothing to do where all is synced */
    bool ends;        /* the journal */
} change_t;

extern const change_t changes[];
extern const size_t change_count;

/** Fills a journal of small_config(); `unsynced`: with some records in each section that no sync covers. */
void changes_prepare(oversized_t *journal, bool unsynced);
/** What was synced is there. */
void changes_check(oversized_t *journal);

#endif /* TESTS_CHANGES_H */
