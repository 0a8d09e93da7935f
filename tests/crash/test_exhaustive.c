/*
 * crash/test_exhaustive.c: every short script, crashed everywhere (crash/scripts.h), for three page sizes; values as
 * they are.
 *
 * LINK_WRAP: segj_process_word_make segj_process_word_free
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crash/scripts.h"

static void pages_of_20_bytes(void **state)
{
    (void)state;
    explore_all(SEGJ_FORMAT_NATIVE, 20, 0);
}

static void pages_of_64_bytes(void **state)
{
    (void)state;
    explore_all(SEGJ_FORMAT_NATIVE, 64, 0);
}

static void pages_of_4084_bytes(void **state)
{
    (void)state;
    explore_all(SEGJ_FORMAT_NATIVE, 4084, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_of_20_bytes),
        cmocka_unit_test(pages_of_64_bytes),
        cmocka_unit_test(pages_of_4084_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
