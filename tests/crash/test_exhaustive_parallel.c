/*
 * crash/test_exhaustive_parallel.c: short scripts crashed everywhere (crash/scripts.h), where a sync flushes both files
 * at the same time.
 *
 * LINK_WRAP: segj_process_word_make segj_process_word_free segj_gate_is_wanted
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
    explore_parallel(SEGJ_FORMAT_NATIVE, 20);
}

static void pages_of_64_bytes(void **state)
{
    (void)state;
    explore_parallel(SEGJ_FORMAT_NATIVE, 64);
}

static void commonware_pages_of_64_bytes(void **state)
{
    (void)state;
    explore_parallel(SEGJ_FORMAT_COMMONWARE, 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_of_20_bytes),
        cmocka_unit_test(pages_of_64_bytes),
        cmocka_unit_test(commonware_pages_of_64_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
