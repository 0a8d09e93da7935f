/*
 * oversized/write/steps.h: removals in steps that take a moment each, so that they can be told of and cancelled between
 * two.
 */
#ifndef SEGJ_OVERSIZED_WRITE_STEPS_H
#define SEGJ_OVERSIZED_WRITE_STEPS_H

#include "oversized/section/section.h"

/** A removal in steps. */
typedef struct segj_steps {
    segj_telling_t telling;
    const char *call;            /* its name in sentences */
    size_t size;                 /* sections that the next step takes */
    uint64_t begun;              /* when it began, in nanoseconds */
    oversized_removed_t removed; /* so far */
} segj_steps_t;

/** Checks the options, which may be NULL. */
SEGJ_MUST_CHECK segj_status_t segj_steps_begin(const char *call, const oversized_removal_options_t *options,
                                               segj_steps_t *steps);

/** Removes every section, and what an archive counts of it; under change. */
SEGJ_MUST_CHECK SEGJ_UNDER_CHANGE_ALONE segj_status_t segj_steps_remove_all(oversized_t *journal, segj_steps_t *steps);

#endif
