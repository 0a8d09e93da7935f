/*
 * crash/test_exhaustive_ahead.c: short scripts crashed everywhere (crash/scripts.h), with zeros kept behind the values.
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
    explore_ahead(1, 20);
}

static void pages_of_4084_bytes(void **state)
{
    (void)state;
    explore_ahead(1, 4084);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_of_20_bytes),
        cmocka_unit_test(pages_of_4084_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
