/*
 * oversized/tools/copy_target.h: the directory that a copy is made in: whether it may be, its locks, and the name that
 * keeps every open out until the copy is complete.
 */
#ifndef SEGJ_OVERSIZED_TOOLS_COPY_TARGET_H
#define SEGJ_OVERSIZED_TOOLS_COPY_TARGET_H

#include "journal/beside.h"
#include "oversized/section/journal.h"

typedef struct segj_copy_target {
    const segj_shared_t *shared; /* of the journal that is copied */
    segj_io_partition_t index, values, mark;
    char mark_name[SEGJ_BESIDE_NAME_MAX + 1];
    uint64_t *sections; /* of either partition, ascending */
    size_t count;
    bool marked;     /* it is said that a copy of such a journal lies here */
    bool unfinished; /* a copy was begun before and not completed */
    bool changing;   /* the name is there */
    segj_held_t *held;
} segj_copy_target_t;

/** Finds out whether the directory is new, or holds an earlier copy of such a journal, and locks it. Nothing is changed
 *  but that partitions are made. SEGJ_ERR_MISMATCH, SEGJ_ERR_LOCKED. Close it in any case. */
SEGJ_MUST_CHECK segj_status_t segj_copy_target_open(oversized_t *journal, const char *directory,
                                                    segj_copy_target_t *target);

/** Before anything is changed: from here on until it is finished every open is refused. */
SEGJ_MUST_CHECK segj_status_t segj_copy_target_change(segj_copy_target_t *target);

/** Removes the files of a section that are there. */
SEGJ_MUST_CHECK segj_status_t segj_copy_target_remove(segj_copy_target_t *target, uint64_t section);

/** Makes the names of the sections durable. */
SEGJ_MUST_CHECK segj_status_t segj_copy_target_sync(const segj_copy_target_t *target);

/** The files of all sections are durable: the copy may be opened. */
SEGJ_MUST_CHECK segj_status_t segj_copy_target_finish(segj_copy_target_t *target);

void segj_copy_target_close(segj_copy_target_t *target);

#endif
