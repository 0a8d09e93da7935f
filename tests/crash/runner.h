/*
 * crash/runner.h: a history that is being run: histories.c (lives and crashes), steps.c (operations and their answers).
 */
#ifndef CRASH_RUNNER_H
#define CRASH_RUNNER_H

#include "crash/histories.h"
#include "crash/model.h"
#include "crash/readers.h"
#include "support/flush_order.h"

typedef struct runner {
    const script_t *script;
    const step_t *step; /* NULL: an open that no step asked for */
    size_t at;
    simdisk_t *disk;
    oversized_t *journal; /* NULL: closed */
    oversized_config_t config;
    flush_order_t flushes; /* where there are two at a time */
    model_t model;
    readers_t *readers; /* NULL: none */
    history_counts_t *counts;
    char *failure;
    size_t failure_size;

    /* within a step */
    bool armed;             /* its fault and its crash may come */
    simdisk_t *after;       /* what a crash within it has left */
    unsigned changes;       /* changing calls so far */
    unsigned matches;       /* calls that the fault looks for */
    bool fired;             /* a call has failed for good */
    bool fired_sync;        /* a sync of contents or names */
    segj_status_t expected; /* what a failed call is answered with */
    uint64_t transfers[2];  /* reads, writes: since the history began */

    bool started[MODEL_SECTIONS]; /* a sync was started, and nothing has been taken back since */
    oversized_ticket_t tickets[MODEL_SECTIONS];
    size_t ticketed[MODEL_SECTIONS]; /* records that it answers for */

    bool poisoned;
    bool blurred;       /* by a rewind or a prune: what shows now is one of several states */
    unsigned sick;      /* steps since it was poisoned */
    bool over;          /* the history has ended before its script */
    bool made;          /* the partitions exist */
    unsigned files_max; /* descriptors, by the configuration */
} runner_t;

/* steps.c */
void runner_step(runner_t *runner, const step_t *step);
/** Whether the step may take records away, or leave open what shows. */
bool runner_moves(const runner_t *runner, const step_t *step);

/* histories.c */
void runner_fail(runner_t *runner, const char *what, const char *why);
bool runner_healthy(const runner_t *runner);
/** Opens with these settings, and judges. `faulty`: the step's fault may come. */
void runner_open(runner_t *runner, uint32_t settings, bool faulty);
void runner_close(runner_t *runner);

#endif
