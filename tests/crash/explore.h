/*
 * crash/explore.h: runs a script of operations on a simulated disk and looks at every state that a crash in its last
 * operation may leave: before each storage call, every subset of what is not durable (beyond MANY units: those that lose or
 * keep at most two, and seeded ones), three fills, and the kill of the process. Each state is opened and judged; open
 * itself is crashed at each of its calls; what it showed must survive the next crash; and it must go on from there.
 */
#ifndef CRASH_EXPLORE_H
#define CRASH_EXPLORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum operation {
    OP_APPEND,       /* a small value to section 1 */
    OP_APPEND_MANY,  /* four small values, so that records cross pages */
    OP_APPEND_LARGE, /* a value larger than the buffer */
    OP_SYNC,         /* of section 1 */
    OP_SYNC_ALL,     /* */
    OP_REWIND,       /* to one record less, and without later sections */
    OP_REWIND_HALF,  /* section 1 alone, to half its records */
    OP_PRUNE,        /* section 1 */
    OP_APPEND_NEW,   /* a small value to a section that does not exist */
    OP_REOPEN,       /* close and open */
    OPERATIONS
} operation_t;

typedef struct explore_config {
    uint16_t page_size;
    int compression;
    int recovery_depth; /* crashes within recovery, one within the other */
    uint64_t seed;
} explore_config_t;

typedef struct explore_result {
    uint64_t scripts, points, exhaustive_points, sampled_points; /* points: storage calls that were crashed */
    uint64_t states, duplicates, opens;
    char failure[4096]; /* "" or what went wrong, with the script */
} explore_result_t;

typedef struct explorer explorer_t;

explorer_t *explorer_new(const explore_config_t *config);
void explorer_free(explorer_t *explorer);

/** Runs a script; crashes within its last operation. False: see the result's failure. */
bool explorer_run(explorer_t *explorer, const operation_t *script, size_t length);

const explore_result_t *explorer_result(const explorer_t *explorer);
const char *operation_name(operation_t operation);

#endif
