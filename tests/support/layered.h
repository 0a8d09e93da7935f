/*
 * support/layered.h: files of the system as an overlay shows them that has a journal in its lower layer. The first
 * opening of a file for writing copies it: the writer, and whoever opens the file later, has the copy, while what was
 * opened or mapped before goes on showing the file as it was. With every opening of a partition all that is there is in
 * the lower layer again.
 */
#ifndef TESTS_SUPPORT_LAYERED_H
#define TESTS_SUPPORT_LAYERED_H

#include <stdbool.h>
#include <stddef.h>

#include "segjournal/storage.h"

typedef struct layered {
    size_t copied;  /* files */
    size_t writing; /* openings for writing */
    bool full;      /* there is no room for copies: ENOSPC */
} layered_t;

/** Any thread. */
const segj_storage_t *layered_storage(void);
/** What was done since the program began, and `full`, which is the test's to set while no other thread works. */
layered_t *layered_seen(void);

/** The storage that tests use over files: the system's, or the layered one where the environment has
 *  SEGJ_TEST_LAYERED. */
const segj_storage_t *tested_storage(void);

#endif /* TESTS_SUPPORT_LAYERED_H */
