/*
 * promises/watch.h: a storage that does what another one does, counts what it is asked, and can run out of space
 * or take syncs for granted.
 *
 * There is one, used by one test at a time: the functions of a storage over files get no context of their own.
 */
#ifndef TESTS_PROMISES_WATCH_H
#define TESTS_PROMISES_WATCH_H

#include "segjournal/storage.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct watch {
    unsigned files_open;      /* now */
    unsigned files_open_most; /* at any time since watch_begin() */
    uint64_t reads;
    uint64_t bytes_read;
    uint64_t changes;            /* writes, truncations, creations and removals of files, creations of partitions */
    uint64_t names_synced;       /* partitions made durable */
    unsigned unsynced;           /* open files with writes or truncations that no sync covers */
    unsigned closed_unsynced;    /* files that were closed in that state */
    bool full;                   /* writes fail from the one on that comes after: */
    uint64_t writes_before_full; /* so many more */
    uint64_t writes_refused;     /* because the storage is full */
    uint64_t refusals_most;      /* after which there is space again; 0: until `full` is taken back */
    bool quick;                  /* syncs of files and names are not made: for tests that make very many */
} watch_t;

/** Begins anew, over the POSIX storage; the result is for config.storage. */
const segj_storage_t *watch_begin(void);
/** What it has seen; `full`, `writes_before_full`, `refusals_most` and `quick` are the test's to set. */
watch_t *watch_seen(void);

#endif /* TESTS_PROMISES_WATCH_H */
