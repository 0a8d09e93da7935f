/*
 * failure/judge.h: what must be true after a step that failed (oversized.h, "Answers" and "Poison"). A failure is
 * known, and then the journal is as it was and the step may be made again; or it is unknown what the disk holds, and
 * then the journal is poisoned: changes answer so, reads go on, nothing more is written, and only a new open recovers.
 */
#ifndef TESTS_FAILURE_JUDGE_H
#define TESTS_FAILURE_JUDGE_H

#include "failure/scenarios.h"

typedef enum verdict {
    MUST_STAY,   /* as it was */
    MUST_POISON, /* nobody knows */
    EITHER       /* the contract leaves it open; each by its own rules */
} verdict_t;

/** A step that is about to be tried. */
typedef struct attempt {
    const step_t *step;
    tally_t done;
    uint64_t changes;
    image_t image; /* before an open */
} attempt_t;

/** How it failed. */
typedef struct failure {
    segj_status_t expected;
    const char *path; /* that the sentence names; NULL: it is memory that there was none of */
    verdict_t verdict;
    bool lasts;      /* the step fails again until disarm() */
    bool idle;       /* the step would have done without what failed */
    bool silent;     /* nothing may be written behind the failure, where it poisons */
    bool go_on;      /* do something else instead of the step again */
    unsigned ending; /* how a poisoned journal is left */
    void (*disarm)(world_t *w);
} failure_t;

typedef enum outcome {
    OUTCOME_REPEATED, /* the step was made again, and succeeded */
    OUTCOME_ENDED     /* the journal was left and opened again, the scenario is over */
} outcome_t;

void begin_attempt(world_t *w, const step_t *step, attempt_t *attempt);
void end_attempt(attempt_t *attempt);

/** Checks everything; leaves an open journal and no failures (or, where a step that closes was repeated, a closed
 *  one). */
outcome_t judge_failure(world_t *w, attempt_t *attempt, segj_status_t status, const failure_t *failure);

/** Whatever happened: the journal can be opened, appended to, closed, opened, and destroyed without a rest. */
void final_exam(world_t *w);

/** Takes the steps under test of a scenario with nothing failing, and gives the digest of what they leave. */
uint64_t rehearse(world_t *w, const scenario_t *scenario);

bool opens(const step_t *step);

#endif /* TESTS_FAILURE_JUDGE_H */
