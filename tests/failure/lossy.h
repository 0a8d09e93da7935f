/*
 * failure/lossy.h: a storage in memory that behaves as a system does whose disk fails: an fsync that fails has dropped
 * the bytes that it should have written, goes on showing them, and takes them for written. A later fsync succeeds and
 * does not write them. A power cut shows what is really there.
 */
#ifndef TESTS_FAILURE_LOSSY_H
#define TESTS_FAILURE_LOSSY_H

#include "segjournal/storage.h"

typedef struct lossy lossy_t;

lossy_t *lossy_new(void);
/** Everything that was opened is closed. */
void lossy_free(lossy_t *lossy);
const segj_storage_t *lossy_storage(const lossy_t *lossy);

/** Syncs of files and partitions are numbered from 1 on; this one fails with `code`. 0: none. */
void lossy_fail_sync(lossy_t *lossy, uint64_t number, int code);
/** From now on a sync that fails drops nothing: bytes stay as they were, and a later one makes them durable. */
void lossy_keep(lossy_t *lossy);
/** Syncs since the last lossy_fail_sync(). */
uint64_t lossy_syncs(const lossy_t *lossy);

/** The system writes all bytes back, as it does now and then without being asked. */
void lossy_write_back(lossy_t *lossy, const char *directory);

/** What is there after a power cut now, every change lost that no completed sync has covered: a storage that the caller
 *  destroys by segj_storage_memory_destroy(). */
segj_storage_t *lossy_power_cut(const lossy_t *lossy, const char *directory);

#endif /* TESTS_FAILURE_LOSSY_H */
