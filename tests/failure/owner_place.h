/*
 * failure/owner_place.h: a journal, and the file that says who has it open, of which another opener is played.
 */
#ifndef TESTS_FAILURE_OWNER_PLACE_H
#define TESTS_FAILURE_OWNER_PLACE_H

#include <string.h>

#include "support/support.h"

enum { TOKEN = 96, RECORDS = 6 };

typedef struct owner_place {
    path_t root, directory, owner, before;
    oversized_config_t config;
    unsigned warnings;
} owner_place_t;

/** The system's, with calls of a test. */
extern segj_storage_t owner_storage;

int owner_set_up(void **state);
int owner_tear_down(void **state);
#define OWNER_TEST(function) cmocka_unit_test_setup_teardown(function, owner_set_up, owner_tear_down)

/** The thread's last failure is told in words that have this. */
#define assert_says(text) assert_non_null(strstr(segj_last_error(), (text)))

oversized_t *owner_open(const owner_place_t *place);
/** Section 1 is synced and has a record after that, section 2 is at rest. */
oversized_t *owner_fill(const owner_place_t *place);
/** What was synced is there. */
void owner_check(const owner_place_t *place);
/** Of process 4711 on "elsewhere". */
void owner_make_token(uint8_t token[TOKEN]);
void owner_claim_elsewhere(const owner_place_t *place);

#endif
