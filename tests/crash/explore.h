/*
 * crash/explore.h: runs a script of operations on a simulated disk and looks at every state that a crash in its last
 * operation may leave: before each storage call, every subset of what is not durable (beyond MANY units: those that
 * lose or keep at most two, and seeded ones), three fills for the files of each partition (in crashes within recovery,
 * the same for both), and the kill of the process. Each state is opened and judged; open itself is crashed, and killed,
 * at each of its calls; what it showed must survive the next crash; and it must go on from there, with crashes in what
 * it does. (The commonware format promises less: crash/model.h.) A state is the image of the disk with what the
 * application was told; equal ones are looked at once.
 */
#ifndef CRASH_EXPLORE_H
#define CRASH_EXPLORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crash/application.h"

typedef struct explore_config {
    segj_format_t format;
    uint8_t version; /* of the native format: 2, or 0 for version 1 */
    uint16_t page_size;
    int compression;
    bool dictionary;    /* new sections have one */
    size_t preallocate; /* zeros kept behind the values */
    uint32_t sector; /* by which values are kept apart: sectors turned to garbage then lose nothing that was synced */
    bool parallel;   /* syncs flush both files at the same time, and the values' flush is through first */
    int recovery_depth; /* crashes within recovery, one within the other; at most EXPLORE_DEPTH_MAX */
    uint64_t seed;
    size_t grain;    /* bytes that are written whole or not at all; 0: sectors */
    bool spoil;      /* also: sectors that were being written are garbage, with the synced bytes in them */
    uint64_t states; /* that are enough, 0: all */
} explore_config_t;

#define EXPLORE_DEPTH_MAX 5

typedef struct explore_result {
    uint64_t scripts, points, exhaustive_points, sampled_points; /* points: storage calls that were crashed */
    uint64_t states;
    uint64_t deeper;     /* states that were met again with more to be crashed in their recovery, and looked at again */
    uint64_t duplicates; /* met again with nothing new to be seen */
    uint64_t opens;
    uint64_t foreign; /* of single bytes lost: new headers that look like those of another version, and are refused */
    /* Of sectors turned to garbage: states; of them those that open refuses, loses something of and says so, has
     * damage in that is found when it is read, and loses something of without a word. */
    uint64_t spoilt, refused, reported, found, silent; /* refused, commonware: also those with garbage for a header */
    char refusal[512];                                 /* the first */
    char example[1024];                                /* of a silent loss */
    char failure[4096];                                /* "" or what went wrong, with the script */
} explore_result_t;

typedef struct explorer explorer_t;

explorer_t *explorer_new(const explore_config_t *config);
void explorer_free(explorer_t *explorer);

/** For the scripts to come. States that were met before are looked at again where there is more to see now. */
void explorer_set_depth(explorer_t *explorer, int depth);

/** Called now and then. */
void explorer_on_progress(explorer_t *explorer, void (*progress)(void *context, const explore_result_t *result),
                          void *context);

/** Runs a script; crashes within its last operation. False: see the result's failure. */
bool explorer_run(explorer_t *explorer, const operation_t *script, size_t length);

/** Whether as many states as were asked for have been looked at. */
bool explorer_has_enough(const explorer_t *explorer);

const explore_result_t *explorer_result(const explorer_t *explorer);

#endif
