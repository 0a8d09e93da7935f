/*
 * rados/worker.h: a process of its own that has a journal in the cluster open. Numbers go into it, 50 to a section, each synced
 * before the process tells of it; what is in a journal is held against what was told.
 */
#ifndef TESTS_RADOS_WORKER_H
#define TESTS_RADOS_WORKER_H

#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "rados/cluster.h"
#include "support/support.h"

enum {
    NUMBERS_A_SECTION = 50,
    PATIENCE = 300000 /* milliseconds: how long a test waits for what comes within seconds where nothing else runs */
};

typedef struct worker {
    pid_t process;
    int told; /* what it tells */
} worker_t;

/** What a worker tells of. */
typedef enum word { WORD_OPEN, WORD_SYNCED, WORD_FAILED, WORD_NEXT } word_t;

typedef struct told {
    uint32_t word;   /* word_t */
    uint32_t status; /* WORD_FAILED: of the first call that failed; WORD_NEXT: of an append and a sync after that */
    uint64_t number; /* WORD_OPEN: how many there are; WORD_SYNCED: the one that is durable */
    double after;    /* WORD_FAILED: seconds that the call took */
    char sentence[256];
} told_t;

/** How it opens the journal. */
oversized_config_t worker_config(segj_storage_t *storage, const char *directory);
/** Starts one. It opens the journal, waiting for its lock for a minute, and
 *  appends until a call fails. `pause`: microseconds between appends. */
worker_t worker_start(const char *directory, const segj_storage_rados_options_t *options, unsigned pause);
/** One that flushes instead of syncing, and tells of what was flushed. */
worker_t worker_start_flushing(const char *directory, const segj_storage_rados_options_t *options);
/** What it tells next; false where nothing comes within so many milliseconds, or it has ended. */
bool worker_hear(const worker_t *worker, int milliseconds, told_t *told);
/** The same, or the test fails; it must be this word. */
told_t worker_expect(const worker_t *worker, word_t word, int milliseconds);
/** Reads what there is to hear of synced numbers: the largest one, and 1. */
uint64_t worker_drain(const worker_t *worker, uint64_t told);
void worker_kill(worker_t *worker);

/** Appends the number, and syncs. */
segj_status_t number_append(oversized_t *journal, uint64_t number);
/** Only appends it. */
segj_status_t number_append_only(oversized_t *journal, uint64_t number);
/** Takes the numbers from this one on back. */
segj_status_t numbers_rewind(oversized_t *journal, uint64_t number);
/** How many numbers a journal has. All up to there must be there, or the test fails. */
uint64_t numbers_check(oversized_t *journal);
/** The same of those of sections from this one on; others may have been removed. */
uint64_t numbers_check_from(oversized_t *journal, uint64_t first);
/** Seconds of a clock. */
double seconds_now(void);
void sleep_milliseconds(unsigned milliseconds);

#endif
