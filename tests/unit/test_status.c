/* Statuses and sentences: the frozen numbers, the thread's last error, and how long texts are cut. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "segjournal/status.h"
#include "segjournal/version.h"

#define TEXT_MAX 1023

/* Spelled out, not derived: these numbers are in programs and logs that are already out. */
static const struct {
    int number;
    segj_status_t status;
    const char *name;
} frozen[] = {
    {0, SEGJ_OK, "SEGJ_OK"},
    {1, SEGJ_END, "SEGJ_END"},
    {10, SEGJ_ERR_INVALID, "SEGJ_ERR_INVALID"},
    {11, SEGJ_ERR_MEMORY, "SEGJ_ERR_MEMORY"},
    {12, SEGJ_ERR_IO, "SEGJ_ERR_IO"},
    {13, SEGJ_ERR_NO_SPACE, "SEGJ_ERR_NO_SPACE"},
    {14, SEGJ_ERR_LOCKED, "SEGJ_ERR_LOCKED"},
    {15, SEGJ_ERR_NOT_FOUND, "SEGJ_ERR_NOT_FOUND"},
    {16, SEGJ_ERR_MISMATCH, "SEGJ_ERR_MISMATCH"},
    {17, SEGJ_ERR_CORRUPT, "SEGJ_ERR_CORRUPT"},
    {18, SEGJ_ERR_CHECKSUM, "SEGJ_ERR_CHECKSUM"},
    {19, SEGJ_ERR_PRUNED, "SEGJ_ERR_PRUNED"},
    {20, SEGJ_ERR_NO_SECTION, "SEGJ_ERR_NO_SECTION"},
    {21, SEGJ_ERR_NO_RECORD, "SEGJ_ERR_NO_RECORD"},
    {22, SEGJ_ERR_RANGE, "SEGJ_ERR_RANGE"},
    {23, SEGJ_ERR_TOO_LARGE, "SEGJ_ERR_TOO_LARGE"},
    {24, SEGJ_ERR_COMPRESSION, "SEGJ_ERR_COMPRESSION"},
    {25, SEGJ_ERR_POISONED, "SEGJ_ERR_POISONED"},
    {26, SEGJ_ERR_READ_ONLY, "SEGJ_ERR_READ_ONLY"},
    {27, SEGJ_ERR_BUSY, "SEGJ_ERR_BUSY"},
    {28, SEGJ_ERR_CANCELLED, "SEGJ_ERR_CANCELLED"},
};

static void test_numbers_and_names(void **state)
{
    (void)state;
    int known = 0;
    for (size_t i = 0; i < sizeof frozen / sizeof frozen[0]; i++) {
        assert_int_equal(frozen[i].status, frozen[i].number);
        assert_string_equal(segj_status_name(frozen[i].status), frozen[i].name);
    }
    for (int number = 0; number < 256; number++)
        if (strcmp(segj_status_name((segj_status_t)number), "SEGJ_UNKNOWN") != 0)
            known++;
    assert_int_equal(known, (int)(sizeof frozen / sizeof frozen[0]));
    assert_string_equal(segj_status_name((segj_status_t)2), "SEGJ_UNKNOWN");
    assert_string_equal(segj_status_name((segj_status_t)9), "SEGJ_UNKNOWN");
    assert_string_equal(segj_status_name((segj_status_t)29), "SEGJ_UNKNOWN");
}

static void test_version(void **state)
{
    (void)state;
    char expected[64];
    (void)snprintf(expected, sizeof expected, "%d.%d.%d", SEGJ_VERSION_MAJOR, SEGJ_VERSION_MINOR, SEGJ_VERSION_PATCH);
    assert_string_equal(segj_version(), expected);
}

static void test_errno_of_the_storage(void **state)
{
    segj_sentence_t kept;
    segj_error_t error = {.status = SEGJ_OK};
    (void)state;
    assert_int_equal(segj_fail_code(ENOSPC, "a file"), SEGJ_ERR_NO_SPACE);
    assert_int_equal(segj_last_errno(), ENOSPC);
    assert_int_equal(segj_context(SEGJ_ERR_NO_SPACE, "append"), SEGJ_ERR_NO_SPACE);
    assert_int_equal(segj_last_errno(), ENOSPC);
    segj_keep(&kept);
    assert_int_equal(segj_fail(SEGJ_ERR_RANGE, "short"), SEGJ_ERR_RANGE);
    assert_int_equal(segj_last_errno(), 0);
    segj_say_again(&kept);
    assert_int_equal(segj_last_errno(), ENOSPC);
    assert_int_equal(strncmp(segj_last_error(), "append: a file: ", 16), 0);
    segj_error_take(&error, SEGJ_ERR_NO_SPACE);
    assert_int_equal(error.status, SEGJ_ERR_NO_SPACE);
    assert_int_equal(error.code, ENOSPC);
    assert_string_equal(error.text, segj_last_error());
}

static void test_fail(void **state)
{
    (void)state;
    assert_int_equal(segj_fail(SEGJ_ERR_CORRUPT, "page %d of %s", 7, "a file"), SEGJ_ERR_CORRUPT);
    assert_string_equal(segj_last_error(), "page 7 of a file");
    assert_int_equal(segj_fail(SEGJ_ERR_RANGE, "short"), SEGJ_ERR_RANGE);
    assert_string_equal(segj_last_error(), "short");
    assert_int_equal(segj_fail_memory(123456), SEGJ_ERR_MEMORY);
    assert_non_null(strstr(segj_last_error(), "123456"));
}

static void test_code_chooses_the_status(void **state)
{
    (void)state;
    static const struct {
        int code;
        segj_status_t status;
    } cases[] = {
        {ENOSPC, SEGJ_ERR_NO_SPACE},    {EDQUOT, SEGJ_ERR_NO_SPACE}, {ENOMEM, SEGJ_ERR_MEMORY},
        {EWOULDBLOCK, SEGJ_ERR_LOCKED}, {EIO, SEGJ_ERR_IO},          {ENOENT, SEGJ_ERR_IO},
        {EMFILE, SEGJ_ERR_IO},          {ESTALE, SEGJ_ERR_IO},       {EINTR, SEGJ_ERR_IO},
        {EFBIG, SEGJ_ERR_NO_SPACE},     {-1, SEGJ_ERR_IO},           {999999, SEGJ_ERR_IO},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(segj_fail_code(cases[i].code, "doing %s", "something"), cases[i].status);
        assert_ptr_equal(strstr(segj_last_error(), "doing something: "), segj_last_error());
        assert_true(strlen(segj_last_error()) > strlen("doing something: "));
    }
    (void)segj_fail_code(EIO, "sync");
    char expected[256];
    (void)snprintf(expected, sizeof expected, "sync: %s", strerror(EIO));
    assert_string_equal(segj_last_error(), expected);
    (void)segj_fail_code(EFBIG, "pwrite");
    (void)snprintf(expected, sizeof expected, "pwrite: %s (", strerror(EFBIG));
    assert_ptr_equal(strstr(segj_last_error(), expected), segj_last_error());
    assert_non_null(strstr(segj_last_error(), "RLIMIT_FSIZE"));
}

static void test_context_goes_before(void **state)
{
    (void)state;
    (void)segj_fail(SEGJ_ERR_IO, "short read: 3 bytes instead of 8");
    assert_int_equal(segj_context(SEGJ_ERR_IO, "header of section %d", 12), SEGJ_ERR_IO);
    assert_int_equal(segj_context(SEGJ_ERR_CORRUPT, "open"), SEGJ_ERR_CORRUPT);
    assert_string_equal(segj_last_error(), "open: header of section 12: short read: 3 bytes instead of 8");
}

static void test_context_may_quote_the_sentence(void **state)
{
    (void)state;
    (void)segj_fail(SEGJ_ERR_IO, "first");
    (void)segj_context(SEGJ_ERR_IO, "after \"%s\"", segj_last_error());
    assert_string_equal(segj_last_error(), "after \"first\": first");
    (void)segj_fail_code(EIO, "again: %s", segj_last_error());
    assert_ptr_equal(strstr(segj_last_error(), "again: after \"first\": first: "), segj_last_error());
}

static void test_long_texts_are_cut(void **state)
{
    (void)state;
    char text[5000];
    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = '\0';

    (void)segj_fail(SEGJ_ERR_IO, "%s", text);
    assert_int_equal(strlen(segj_last_error()), TEXT_MAX);
    assert_memory_equal(segj_last_error(), text, TEXT_MAX);

    /* The reason is worth more than the end of a long path. */
    (void)segj_fail_code(ENOSPC, "%s", text);
    const char *reason = strerror(ENOSPC);
    assert_int_equal(strlen(segj_last_error()), TEXT_MAX);
    assert_string_equal(segj_last_error() + TEXT_MAX - strlen(reason), reason);
    assert_memory_equal(segj_last_error() + TEXT_MAX - strlen(reason) - 3, "a: ", 3);

    /* Of a long sentence behind a long context both beginnings stay. */
    (void)segj_fail(SEGJ_ERR_IO, "%s", text);
    memset(text, 'b', sizeof text - 1);
    (void)segj_context(SEGJ_ERR_IO, "%s", text);
    assert_int_equal(strlen(segj_last_error()), TEXT_MAX);
    assert_memory_equal(segj_last_error(), text, 500);
    assert_non_null(strstr(segj_last_error(), "b: aaaa"));

    (void)segj_fail(SEGJ_ERR_IO, "end");
    for (int i = 0; i < 2000; i++)
        (void)segj_context(SEGJ_ERR_IO, "step %d", i);
    assert_int_equal(strlen(segj_last_error()), TEXT_MAX);
    assert_memory_equal(segj_last_error(), "step 1999: step 1998: ", 22);
}

static void *other_thread(void *argument)
{
    char *seen = argument;
    (void)strncpy(seen, segj_last_error(), 63);
    (void)segj_fail(SEGJ_ERR_IO, "of the other thread");
    (void)strncpy(seen + 64, segj_last_error(), 63);
    return NULL;
}

static void test_each_thread_has_its_own(void **state)
{
    (void)state;
    char seen[128] = {0};
    pthread_t thread;
    (void)segj_fail(SEGJ_ERR_IO, "of the first thread");
    memset(seen, 'x', 63);
    assert_int_equal(pthread_create(&thread, NULL, other_thread, seen), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_string_equal(seen, ""); /* before the first failure */
    assert_string_equal(seen + 64, "of the other thread");
    assert_string_equal(segj_last_error(), "of the first thread");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_and_names),
        cmocka_unit_test(test_version),
        cmocka_unit_test(test_errno_of_the_storage),
        cmocka_unit_test(test_fail),
        cmocka_unit_test(test_code_chooses_the_status),
        cmocka_unit_test(test_context_goes_before),
        cmocka_unit_test(test_context_may_quote_the_sentence),
        cmocka_unit_test(test_long_texts_are_cut),
        cmocka_unit_test(test_each_thread_has_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
