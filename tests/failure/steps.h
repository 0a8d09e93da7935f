/* failure/steps.h: what world.c and steps.c share. */
#ifndef TESTS_FAILURE_STEPS_H
#define TESTS_FAILURE_STEPS_H

#include "failure/world.h"

const char *step_name(step_kind_t kind);

/** Between the two, faults strike: around each call of the library that a step makes. What a test looks at while a
 *  scenario is under test is not part of it. */
void enter(world_t *w);
segj_status_t leave(world_t *w, segj_status_t status);

/** appends.c: a step that adds records. */
segj_status_t take_append(world_t *w, const step_t *step);

/** reads.c: steps that read many values at once, in pieces, or where they are. */
segj_status_t take_read(world_t *w, const step_t *step);
/** The value of the record that a replay has just given. */
segj_status_t take_scanned(world_t *w, oversized_replay_t *replay, const model_record_t *record);

/** The value of a record; valid until the next call. */
const void *make_value(world_t *w, uint64_t id, uint32_t size);
/** w->value holds the record's value. */
void check_value(world_t *w, const model_record_t *record);
/** Where the frames of the first `count` records end. */
uint64_t end_of(const world_t *w, const model_section_t *section, size_t count);
/** Checks what is there against the model and makes the model say just that. */
void settle(world_t *w);

#endif /* TESTS_FAILURE_STEPS_H */
