/*
 * fuzz/replay.h: runs a target over the inputs in the repository, as tests that need no fuzzer: each file of
 * fuzz/corpus/NAME and fuzz/regression/NAME is one test, and a number of seeded mutations of them is one more.
 *
 *     SEGJ_FUZZ_INPUT=FILE    runs this input alone
 *     SEGJ_FUZZ_MUTATIONS=N   so many mutations
 *     SEGJ_SEED=S             the seed of the mutations; 1
 */
#ifndef FUZZ_REPLAY_H
#define FUZZ_REPLAY_H

#include "fuzz/fuzz.h"

/** What main returns. */
int fuzz_replay(const fuzz_target_t *target);

#endif
