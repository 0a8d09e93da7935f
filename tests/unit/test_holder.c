/*
 * Who holds the lock of a directory: told where one is held, and found out without the system's list of locks where
 * none is: who reads that list waits for milliseconds.
 *
 * LINK_WRAP: fopen fopen64
 */
#include "unit/storage_contract.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

FILE *__real_fopen(const char *path, const char *mode);
FILE *__real_fopen64(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__wrap_fopen64(const char *path, const char *mode);

static unsigned lists_read;

FILE *__wrap_fopen(const char *path, const char *mode)
{
    lists_read += strcmp(path, "/proc/locks") == 0;
    return __real_fopen(path, mode);
}

#if defined(__GLIBC__)
/* The same where files of 64 bits have names of their own. */
FILE *__wrap_fopen64(const char *path, const char *mode)
{
    lists_read += strcmp(path, "/proc/locks") == 0;
    return __real_fopen64(path, mode);
}
#endif

typedef struct asked {
    int code;
    int64_t process;
    unsigned lists;
} asked_t;

static asked_t ask(const struct place *place, segj_partition_t *partition)
{
    asked_t asked = {.process = 0};
    unsigned before = lists_read;
    asked.code = place->storage->partition_holder(partition, &asked.process);
    asked.lists = lists_read - before;
    return asked;
}

static void expect_nobody(const struct place *place, segj_partition_t *partition)
{
    asked_t asked = ask(place, partition);
    assert_int_not_equal(asked.code, 0);
#if defined(__linux__)
    assert_int_equal(asked.lists, 0);
#endif
}

/* Some file systems give a directory another device in the list than elsewhere. */
static void expect_this_process(const struct place *place, segj_partition_t *partition)
{
    asked_t asked = ask(place, partition);
#if defined(__linux__)
    assert_int_equal(asked.lists, 1);
#endif
    if (asked.code == 0)
        assert_int_equal(asked.process, (int64_t)getpid());
}

static void nobody_is_found_without_the_list(void **state)
{
    const struct place *place = *state;
    segj_partition_t *partition = make_partition(place, "a");
    segj_partition_t *other = open_partition(place, "a");
    expect_nobody(place, partition);
    assert_int_equal(place->storage->partition_lock(other, true), 0);
    assert_int_equal(place->storage->partition_unlock(other), 0);
    expect_nobody(place, partition);
    assert_int_equal(place->storage->partition_lock(other, false), 0);
    place->storage->partition_close(other);
    expect_nobody(place, partition);
    place->storage->partition_close(partition);
}

static void holders_are_looked_for(void **state)
{
    const struct place *place = *state;
    segj_partition_t *partition = make_partition(place, "a");
    segj_partition_t *other = open_partition(place, "a");
    segj_partition_t *third = open_partition(place, "a");
    for (int exclusive = 0; exclusive < 2; exclusive++) {
        assert_int_equal(place->storage->partition_lock(other, exclusive), 0);
        expect_this_process(place, partition);
        assert_int_equal(place->storage->partition_unlock(other), 0);
        expect_nobody(place, partition);
    }
    /* Of two that share it one is left. */
    assert_int_equal(place->storage->partition_lock(other, false), 0);
    assert_int_equal(place->storage->partition_lock(third, false), 0);
    place->storage->partition_close(third);
    expect_this_process(place, partition);
    place->storage->partition_close(other);
    place->storage->partition_close(partition);
}

/* A lock of a program that is not this library has no mark: it is looked for by who was refused, and until that opener
 * has got the lock. */
static void a_refused_lock_is_looked_for(void **state)
{
    const struct place *place = *state;
    char path[PATH_LIMIT * 2];
    segj_partition_t *partition = make_partition(place, "a");
    (void)snprintf(path, sizeof path, "%s/a", place->directory);
    int fd = open(path, O_RDONLY | O_DIRECTORY);
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_SH), 0);
    expect_nobody(place, partition);
    assert_int_equal(place->storage->partition_lock(partition, true), EWOULDBLOCK);
    expect_this_process(place, partition);
    (void)close(fd);
    assert_int_equal(place->storage->partition_lock(partition, true), 0);
    expect_nobody(place, partition);
    place->storage->partition_close(partition);
}

#define POSIX(test) cmocka_unit_test_setup_teardown(test, make_posix, drop_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        POSIX(nobody_is_found_without_the_list),
        POSIX(holders_are_looked_for),
        POSIX(a_refused_lock_is_looked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
