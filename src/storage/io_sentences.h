/*
 * storage/io_sentences.h: what io.c and io_partitions.c share, and no other source needs.
 */
#ifndef SEGJ_STORAGE_IO_SENTENCES_H
#define SEGJ_STORAGE_IO_SENTENCES_H

#include <stdbool.h>

#include "storage/io.h"

/** Whether `code` says that no more files can be open. */
bool segj_io_is_exhausted(int code);

/** Whether a file system without a call refuses it so. */
bool segj_io_is_lacking(int code);

/** Whether to make a call again that opens something: it was interrupted, or a descriptor was given back. */
bool segj_io_again(int code, const segj_io_partition_t *partition);

/** Asks whether a change is allowed. `name`: of one of the journal's own files, which are changed in asking that; NULL
 *  for everything else. */
static inline segj_status_t segj_io_ask_guard(const segj_io_partition_t *partition, const char *name)
{
    return partition->guard == NULL || name != NULL ? SEGJ_OK : partition->guard->ask(partition->guard->context);
}

/** A file's name, in `room` where it is a section's. */
const char *segj_io_name(const segj_io_file_t *file, char room[SEGJ_NAME_LENGTH + 1]);

/** Only SEGJ_ERR_IO where `status` is SEGJ_ERR_LOCKED: EWOULDBLOCK says "locked" only where a lock was asked for;
 *  anywhere else it is a failure like any other. */
segj_status_t segj_io_only(segj_status_t status);

/** Adds to the sentence of a call that found no descriptor what bounds them, and what the user can do. */
segj_status_t segj_io_advise_exhausted(int code, const segj_io_partition_t *partition, segj_status_t status);

/** Appends to the sentence what the user can do; NULL: nothing. */
segj_status_t segj_io_advise(segj_status_t status, const char *advice);

/** The status of a change that has failed, as it is; where that is because the lock is lost, the partition's owner is
 *  told. */
segj_status_t segj_io_changed(const segj_io_partition_t *partition, segj_status_t status);

segj_status_t segj_io_fail_partition(int code, const segj_io_partition_t *partition, const char *what);

/** `code` 0: the text is the whole reason. */
segj_status_t segj_io_fail_file(int code, const segj_io_file_t *file, const char *format, ...) SEGJ_PRINTF(3, 4);

#endif
