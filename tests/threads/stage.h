/*
 * threads/stage.h: a small journal on a watched storage in memory, for tests that stop a thread at a gate and look at
 * what the others can do meanwhile.
 */
#ifndef TESTS_THREADS_STAGE_H
#define TESTS_THREADS_STAGE_H

#include "threads/samples.h"
#include "threads/watched.h"

enum { STAGE_PHYSICAL_PAGE = SMALL_PAGE + PAGE_CHECKSUMS };

typedef struct stage {
    segj_storage_t *memory;
    watched_t *watched;
    oversized_config_t config;
    oversized_t *journal; /* NULL after it was closed */
} stage_t;

/** Opens a journal with small_config(); tear_down closes it. */
int stage_set_up(void **state);
int stage_tear_down(void **state);
/** Closes it, and opens it with the configuration as it is now. */
void stage_reopen(stage_t *stage);
/** Opens what a power cut would leave now: crash->journal, to be given back to stage_free(). */
stage_t *stage_crash(const stage_t *stage);
void stage_free(stage_t *stage);
/** A power cut now would leave the section's records 0 .. count - 1. */
void check_crash(const stage_t *stage, uint64_t section, uint64_t count);

/** What a worker does; the section number is what a test says it is. */
typedef struct errand {
    oversized_t *journal;
    segj_status_t (*call)(oversized_t *journal, uint64_t argument);
    uint64_t argument;
    segj_status_t answer; /* of the call */
    char sentence[256];   /* and the thread's last error behind it */
    worker_t worker;
} errand_t;

void errand_start(errand_t *errand, stage_t *stage, segj_status_t (*call)(oversized_t *journal, uint64_t argument),
                  uint64_t argument);
bool errand_finished(const errand_t *errand);
/** Waits for the end of the call, which must give this answer. */
void errand_join(errand_t *errand, segj_status_t answer);

/* Calls for errands. */
segj_status_t call_sync(oversized_t *journal, uint64_t section);
segj_status_t call_sync_all(oversized_t *journal, uint64_t unused);
segj_status_t call_close(oversized_t *journal, uint64_t unused);
segj_status_t call_destroy(oversized_t *journal, uint64_t unused);
segj_status_t call_append_one(oversized_t *journal, uint64_t section); /* the record of id 0 */
segj_status_t call_prune(oversized_t *journal, uint64_t min_section);
segj_status_t call_rewind_to_3(oversized_t *journal, uint64_t section); /* three records */
segj_status_t call_rewind_section_to_3(oversized_t *journal, uint64_t section);

#define STAGE_TEST(test) cmocka_unit_test_setup_teardown(test, stage_set_up, stage_tear_down)

#endif /* TESTS_THREADS_STAGE_H */
