/*
 * journal/files.h: the descriptors of a journal's section files, never more than configured. A file that somebody uses
 * is pinned; one that nobody uses stays open until its descriptor is needed, the one used longest ago first.
 *
 * Invariant: a file with writes that no completed sync covers is pinned (by its section's writer), so that it is never
 * closed: an fsync on a descriptor opened later would prove nothing about them.
 *
 * All functions but segj_files_let_go want the state lock; pin and forget give it up while the storage works.
 */
#ifndef SEGJ_JOURNAL_FILES_H
#define SEGJ_JOURNAL_FILES_H

#include <stdatomic.h>

#include "base/thread.h"
#include "storage/io.h"

typedef struct segj_handle {
    segj_io_file_t file; /* part and section are set for good; opened is NULL while the file is closed */
    struct segj_handle *older, *newer;
    atomic_uint pins; /* taken under the state lock */
    bool opening;
} segj_handle_t;

typedef struct segj_files {
    segj_mutex_t *state;
    segj_cond_t *changed;
    segj_open_mode_t mode;
    uint32_t open, limit;
    atomic_uint waiting;            /* threads that want a descriptor */
    segj_handle_t *oldest, *newest; /* open, in the order of their last use */
} segj_files_t;

void segj_handle_init(segj_handle_t *handle, const segj_part_t *part, uint64_t section);

/** Opens the file if it is not open, and keeps it open until unpin. Waits while every descriptor is pinned. */
SEGJ_MUST_CHECK segj_status_t segj_files_pin(segj_files_t *files, segj_handle_t *handle);

/** The same for a file that does not exist yet. */
SEGJ_MUST_CHECK segj_status_t segj_files_create(segj_files_t *files, segj_handle_t *handle);

/** Takes an open file over, for which there is a descriptor. */
void segj_files_adopt(segj_files_t *files, segj_handle_t *handle, segj_io_file_t *file);

void segj_files_unpin(segj_files_t *files, segj_handle_t *handle);

/** The same without the state lock. How long the file has been unused counts from its pin then. */
void segj_files_let_go(segj_files_t *files, segj_handle_t *handle);

/** Keeps `count` descriptors, one after the other, for files that the caller opens himself; waits for them like a pin. */
void segj_files_lend(segj_files_t *files, uint32_t count);
void segj_files_take_back(segj_files_t *files, uint32_t count);

/** Closes a file that nobody pins, because its section goes away. */
void segj_files_forget(segj_files_t *files, segj_handle_t *handle);

#endif
