/*
 * crash/test_exhaustive_commonware.c: every short script, crashed everywhere (crash/scripts.h), in the commonware
 * format, for three page sizes, and with compression for one.
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
    explore_all(SEGJ_FORMAT_COMMONWARE, 20, 0);
}

static void pages_of_64_bytes(void **state)
{
    (void)state;
    explore_all(SEGJ_FORMAT_COMMONWARE, 64, 0);
}

static void pages_of_4084_bytes(void **state)
{
    (void)state;
    explore_all(SEGJ_FORMAT_COMMONWARE, 4084, 0);
}

static void pages_of_64_bytes_with_compression(void **state)
{
    (void)state;
    explore_all(SEGJ_FORMAT_COMMONWARE, 64, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_of_20_bytes),
        cmocka_unit_test(pages_of_64_bytes),
        cmocka_unit_test(pages_of_4084_bytes),
        cmocka_unit_test(pages_of_64_bytes_with_compression),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
