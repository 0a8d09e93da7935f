/*
 * crash/test_exhaustive_unsynced.c: short scripts crashed everywhere (crash/scripts.h), behind records that no sync has
 * covered: a rewind drops them, with or without some that one has, a flush hands them to the system.
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
    explore_unsynced(SEGJ_FORMAT_NATIVE, 0, 20, false);
}

static void pages_of_64_bytes_flushed(void **state)
{
    (void)state;
    explore_unsynced(SEGJ_FORMAT_NATIVE, 0, 64, true);
}

static void pages_of_4084_bytes(void **state)
{
    (void)state;
    explore_unsynced(SEGJ_FORMAT_NATIVE, 0, 4084, false);
}

static void pages_of_4084_bytes_flushed(void **state)
{
    (void)state;
    explore_unsynced(SEGJ_FORMAT_NATIVE, 0, 4084, true);
}

static void commonware_pages_of_64_bytes(void **state)
{
    (void)state;
    explore_unsynced(SEGJ_FORMAT_COMMONWARE, 0, 64, false);
}

static void commonware_pages_of_64_bytes_flushed(void **state)
{
    (void)state;
    explore_unsynced(SEGJ_FORMAT_COMMONWARE, 0, 64, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_of_20_bytes),
        cmocka_unit_test(pages_of_64_bytes_flushed),
        cmocka_unit_test(pages_of_4084_bytes),
        cmocka_unit_test(pages_of_4084_bytes_flushed),
        cmocka_unit_test(commonware_pages_of_64_bytes),
        cmocka_unit_test(commonware_pages_of_64_bytes_flushed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
