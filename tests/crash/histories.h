/*
 * crash/histories.h: runs a script (crash/script.h) on a simulated disk: many lives of a journal, each ended by a
 * crash, with faults on the way. After each call its answer is held against what was to be expected; after each open
 * the model (crash/model.h) says what must be there, and the files (crash/raw.h) what there is.
 */
#ifndef CRASH_HISTORIES_H
#define CRASH_HISTORIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crash/script.h"

typedef struct history_counts {
    uint64_t histories, lives, operations;
    uint64_t faults; /* calls that failed on purpose */
    uint64_t shorts; /* calls that were cut short */
    uint64_t power_cuts, kills, within_open, poisoned;
    uint64_t states;      /* journals that were opened after a crash, a fault or a close, and judged */
    uint64_t reads;       /* by readers beside */
    uint64_t spoilt;      /* power cuts after which a sector was garbage */
    uint64_t losses;      /* of them, those that took synced records, or kept the journal from opening */
    uint64_t losses_said; /* of these, those that open found out by itself */
    uint64_t refused;     /* of these, those that open answered with an error */
    uint64_t trace;       /* a number for all that was left by crashes, where `traced` is set */
    bool traced;
} history_counts_t;

void history_counts_add(history_counts_t *to, const history_counts_t *from);

/** False: `failure` says at which step what was wrong. A script with `spoil` ends at a loss, and that is no failure. */
bool history_run(const script_t *script, history_counts_t *counts, char *failure, size_t size);

#endif
