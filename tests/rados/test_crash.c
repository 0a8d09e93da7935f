/*
 * The crash explorer over a cluster in memory (rados/pond/pond.h): every short script, its client killed before each
 * change, with a beginning of each object's changes done, whatever becomes of other objects; open is killed in the same
 * way. SEGJ_CRASH_LENGTH=2 takes scripts of two operations.
 *
 * LINK_WRAP: segj_process_word_make segj_process_word_free
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crash/scripts.h"

static void version_1(void **state)
{
    (void)state;
    explore_all(SEGJ_FORMAT_NATIVE, 64, 0);
}

static void version_2(void **state)
{
    (void)state;
    explore_log(64, 0);
}

static void commonware(void **state)
{
    (void)state;
    explore_all(SEGJ_FORMAT_COMMONWARE, 64, 0);
}

static void unsynced(void **state)
{
    (void)state;
    explore_unsynced(SEGJ_FORMAT_NATIVE, 2, 64, false);
}

static void zeros_ahead(void **state)
{
    (void)state;
    explore_ahead(2, 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_2), cmocka_unit_test(unsynced),    cmocka_unit_test(commonware),
        cmocka_unit_test(version_1), cmocka_unit_test(zeros_ahead),
    };
#if defined(__SANITIZE_ADDRESS__) /* where each takes half a minute: what the other explorers do not go through */
    const struct CMUnitTest fewer[] = {tests[0]};
    return cmocka_run_group_tests(fewer, NULL, NULL);
#else
    return cmocka_run_group_tests(tests, NULL, NULL);
#endif
}
