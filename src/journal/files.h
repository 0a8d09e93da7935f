/*
 * journal/files.h: the descriptors of a journal's section files, never more than configured. A file that is in use is
 * pinned. A file that is not stays open until its descriptor is needed; the one used longest ago goes first.
 *
 * A file is opened for reading until its section's writer pins it. Then it is opened for writing instead, after those
 * who read it have ended, and stays so while it is open. (In an overlay, a file that was opened for reading keeps
 * showing the state before the first change.)
 *
 * Where the system has no descriptor left, files that are not in use are closed, and fewer are kept open from then on.
 *
 * Invariant: a file with writes that no completed sync covers is pinned (by its section's writer), so that it is never
 * closed: an fsync on a descriptor opened later would prove nothing about them.
 *
 * All functions but segj_files_unpin_unlocked and segj_files_give_back want the state lock; those that open or close
 * give it up while the storage works.
 */
#ifndef SEGJ_JOURNAL_FILES_H
#define SEGJ_JOURNAL_FILES_H

#include <stdatomic.h>

#include "base/thread.h"
#include "storage/io.h"

typedef struct segj_handle {
    segj_io_file_t file; /* part and section are set for good; opened is NULL while the file is closed */
    struct segj_handle *older, *newer;
    atomic_uint pins;  /* taken under the state lock */
    uint32_t openings; /* counted, so that one descriptor is told from the next */
    bool opening;      /* or about to be, for writing */
    bool held;         /* by the section's writer, whose pin is among the pins */
} segj_handle_t;

typedef struct segj_files {
    segj_state_t *state;
    segj_cond_t *changed;
    uint32_t most;                  /* that may be open */
    atomic_uint limit;              /* that are kept open, `most` or fewer; set under the state lock */
    uint32_t open, opening;         /* files */
    uint32_t held;                  /* of the open ones, by writers, or reserved */
    uint32_t stuck;                 /* openings that found no descriptor and want one given back */
    uint32_t closed;                /* counted */
    uint32_t calm;                  /* openings that went well since the limit was changed */
    atomic_uint waiting;            /* threads that want a descriptor */
    segj_handle_t *oldest, *newest; /* open, in the order of their last use */
} segj_files_t;

void segj_handle_init(segj_handle_t *handle, const segj_io_partition_t *partition, uint64_t section);

/** No more than `most` files at a time. */
void segj_files_bound(segj_files_t *files, uint32_t most);

/** Opens the file for reading if it is not open, and keeps it open until unpin. Waits while every descriptor is pinned.
 *  Where that fails because the system has no descriptor left, and writers hold all that are open,
 *  handle->file.exhausted is set. */
SEGJ_MUST_CHECK SEGJ_UNDER_STATE segj_status_t segj_files_pin(segj_files_t *files, segj_handle_t *handle);

/** The same for a thread that may have pinned the file: it does not wait for a writer that waits for readers. For what
 *  is seldom read, because the writer waits longer. */
SEGJ_MUST_CHECK SEGJ_UNDER_STATE segj_status_t segj_files_pin_once_more(segj_files_t *files, segj_handle_t *handle);

/** Pins the file for the section's writer, for writing, until release. Waits for those who read a file that was opened for
 *  reading, so that from here on all use the new descriptor. One thread at a time. */
SEGJ_MUST_CHECK SEGJ_UNDER_STATE segj_status_t segj_files_pin_for_write(segj_files_t *files, segj_handle_t *handle);

/** The same for a file that does not exist yet. */
SEGJ_MUST_CHECK SEGJ_UNDER_STATE segj_status_t segj_files_create(segj_files_t *files, segj_handle_t *handle);

/** Ends a hold. */
SEGJ_UNDER_STATE void segj_files_unpin_for_write(segj_files_t *files, segj_handle_t *handle);

/** Takes an open file over, for which there is a descriptor. */
SEGJ_UNDER_STATE void segj_files_take_over(segj_files_t *files, segj_handle_t *handle, segj_io_file_t *file);

SEGJ_UNDER_STATE void segj_files_unpin(segj_files_t *files, segj_handle_t *handle);

/** The same without the state lock. How long the file has been unused counts from its pin then. */
SEGJ_WITHOUT_STATE void segj_files_unpin_unlocked(segj_files_t *files, segj_handle_t *handle);

/** Keeps `count` descriptors, one after the other, for files that the caller opens himself; waits for them like a
 *  pin. */
SEGJ_UNDER_STATE void segj_files_reserve(segj_files_t *files, uint32_t count);
SEGJ_UNDER_STATE void segj_files_give_up_reserve(segj_files_t *files, uint32_t count);

/** Closes a file that is not pinned, because its section goes away or is opened otherwise. */
SEGJ_UNDER_STATE void segj_files_forget(segj_files_t *files, segj_handle_t *handle);

/** A partition's give_back: closes files that are not in use, or waits until there is one. false: there is none, and
 *  readers use none. Without the state lock. */
SEGJ_WITHOUT_STATE bool segj_files_give_back(void *files);

#endif
