/* rados/rados_batch.h: one change of each of a file's objects, many at a time. */
#ifndef SEGJ_RADOS_BATCH_H
#define SEGJ_RADOS_BATCH_H

#include "rados/rados_store.h"

/** A file's objects are refused to owners before `epoch` from here on; missing ones are made, so that such an owner cannot
 *  make them. Without the mutex. */
int segj_rados_fence(segj_rados_t *store, const char *partition, const char *id, const char *epoch);
/** Removes a file's objects, the first one last. Without the mutex. */
int segj_rados_sweep(segj_rados_t *store, const char *partition, const char *id);
/** Removes the objects from one number on, up to another one. Without the mutex. `epoch`: the remover's; NULL: whoever. */
int segj_rados_remove_chunks(segj_rados_t *store, const char *partition, const char *id, const char *epoch,
                             uint64_t from, uint64_t to);

/** Empties such objects, which stay, with the epoch: what a former owner still has under way to make them is refused then. */
int segj_rados_empty_chunks(segj_rados_t *store, const char *partition, const char *id, const char *epoch,
                            uint64_t from, uint64_t to);

#endif
