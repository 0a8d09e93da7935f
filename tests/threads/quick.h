/*
 * threads/quick.h: the system's files with syncs that do nothing, so that many threads can make many calls; and a count
 * of files open at a time. It takes no lock of its own: a race in the library is not hidden by one.
 */
#ifndef TESTS_THREADS_QUICK_H
#define TESTS_THREADS_QUICK_H

#include "segjournal/storage.h"
#include "threads/samples.h"

const segj_storage_t *quick_storage(void);
/** Files open now, and the most since quick_reset(). */
size_t quick_open_files(void);
size_t quick_most_files(void);
void quick_reset(void);

/** A journal on it, in a temporary directory. */
typedef struct place {
    path_t root;
    oversized_config_t config;
    oversized_t *journal;
    size_t beside; /* files that others have open */
} place_t;

/** With small_config(), and not yet open. */
int place_set_up(void **state);
int place_tear_down(void **state);
void place_open(place_t *place);
void place_close(place_t *place);
/** Closes it if it is open, and opens it strictly: a close leaves nothing to repair, and no file open. */
void place_reopen(place_t *place);

#define PLACE_TEST(test) cmocka_unit_test_setup_teardown(test, place_set_up, place_tear_down)

#endif /* TESTS_THREADS_QUICK_H */
