/*
 * kill/survivor.h: the judgement of what a crash has left in a journal's files: by what the writer was told
 * (crash/model.h), and by decoders of its own (crash/raw.h). Fails the test where something is wrong.
 */
#ifndef KILL_SURVIVOR_H
#define KILL_SURVIVOR_H

#include <stdbool.h>
#include <stdint.h>

#include "crash/model.h"

typedef struct survivor {
    const char *directory;
    uint64_t setting;            /* writer_config() */
    void (*tell)(void *context); /* called before the test fails: more about it */
    void *context;
    uint64_t opens, records, unmade; /* counted: opens judged, records read back, journals that were not there yet */
} survivor_t;

/** Opens read-only: the records that are in the files show, neither less nor more, and the model agrees. False: the
 *  journal was never made. */
bool survivor_judge(survivor_t *survivor, const model_t *model);

/** Opens for writing, judges, and does so once more: the same. The model becomes what is there. `abandon`: the
 *  journal is not closed in the end. */
void survivor_recover(survivor_t *survivor, model_t *model, bool abandon);

#endif /* KILL_SURVIVOR_H */
