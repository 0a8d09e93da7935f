/*
 * oversized/oversized.h: the end of a journal.
 */
#ifndef SEGJ_OVERSIZED_OVERSIZED_H
#define SEGJ_OVERSIZED_OVERSIZED_H

#include "oversized/section/journal.h"

/* oversized.c */
/** Frees a journal and all that it has; nothing is written. */
void segj_journal_free(oversized_t *journal);

/* child.c */
/** Frees what this process, a child of fork, has of the parent's journal. Waits for nothing, touches no file. */
void segj_journal_free_in_child(oversized_t *journal);

#endif
