/*
 * failure/scenarios.h: what a journal is asked to do while its storage or its memory fails. A scenario is made ready by
 * steps that succeed, and then tried: its steps under test are taken again and again, with another call failing each
 * time.
 */
#ifndef TESTS_FAILURE_SCENARIOS_H
#define TESTS_FAILURE_SCENARIOS_H

#include "failure/world.h"

enum { STEPS_MAX = 16 };

typedef struct scenario {
    const char *name;
    void (*configure)(oversized_config_t *config);
    step_t before[STEPS_MAX];
    step_t under[STEPS_MAX];
} scenario_t;

extern const scenario_t scenarios[];
extern const size_t scenario_count;

/** In the commonware format nothing says what was synced: what an open has shown may go in the next power cut. */
bool is_native(const scenario_t *scenario);

#endif /* TESTS_FAILURE_SCENARIOS_H */
