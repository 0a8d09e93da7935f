/*
 * crash/test_exhaustive_log.c: every short script, crashed everywhere (crash/scripts.h), in version 2 of the native
 * format: for three page sizes, with compression, with a dictionary, with zeros kept behind the values, and behind records
 * that no sync has covered.
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
    explore_log(20, 0);
}

static void pages_of_64_bytes(void **state)
{
    (void)state;
    explore_log(64, 0);
}

static void pages_of_4084_bytes(void **state)
{
    (void)state;
    explore_log(4084, 0);
}

static void pages_of_64_bytes_with_compression(void **state)
{
    (void)state;
    explore_log(64, 3);
}

static void pages_of_64_bytes_with_a_dictionary(void **state)
{
    (void)state;
    explore_dictionary(64);
}

static void pages_of_64_bytes_with_zeros_ahead(void **state)
{
    (void)state;
    explore_ahead(2, 64);
}

static void pages_of_20_bytes_unsynced(void **state)
{
    (void)state;
    explore_unsynced(SEGJ_FORMAT_NATIVE, 2, 20, false);
}

static void pages_of_64_bytes_flushed(void **state)
{
    (void)state;
    explore_unsynced(SEGJ_FORMAT_NATIVE, 2, 64, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_of_20_bytes),
        cmocka_unit_test(pages_of_64_bytes),
        cmocka_unit_test(pages_of_4084_bytes),
        cmocka_unit_test(pages_of_64_bytes_with_compression),
        cmocka_unit_test(pages_of_64_bytes_with_a_dictionary),
        cmocka_unit_test(pages_of_64_bytes_with_zeros_ahead),
        cmocka_unit_test(pages_of_20_bytes_unsynced),
        cmocka_unit_test(pages_of_64_bytes_flushed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
