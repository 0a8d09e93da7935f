/*
 * crash/test_exhaustive_sectors.c: every short script, crashed everywhere (crash/scripts.h), on a disk on which a sector
 * that was being written may turn to garbage, with values that are kept apart.
 *
 * LINK_WRAP: segj_process_word_make segj_process_word_free segj_gate_is_wanted
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crash/scripts.h"

static void pages_of_64_bytes_with_sectors_that_turn_to_garbage(void **state)
{
    (void)state;
    explore_sectors(64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_of_64_bytes_with_sectors_that_turn_to_garbage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
