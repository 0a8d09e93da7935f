/*
 * threads/test_fenced.c: another opener has taken the journal over, and the storage refuses whatever this one changes
 * (ECANCELED): the call that finds it out answers SEGJ_ERR_LOCKED, whichever it is, and every change after it
 * SEGJ_ERR_POISONED, without one more call of the storage that would change something. Some storages refuse at once, others
 * take writes and refuse when they are waited for.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "support/changes.h"

typedef enum fence { FENCE_NONE, FENCE_AT_ONCE, FENCE_LATE } fence_t;

/* A storage in memory with a fence. */
static const segj_storage_t *below;
static segj_storage_t table;
static fence_t fence;
static atomic_size_t tried; /* calls that change something */

static int try_change(void)
{
    atomic_fetch_add(&tried, 1);
    return fence != FENCE_NONE ? ECANCELED : 0;
}

static int fenced_partition_create(void *context, const char *directory, const char *partition)
{
    int code = try_change();
    return code != 0 ? code : below->partition_create(context, directory, partition);
}

static int fenced_partition_sync(segj_partition_t *partition)
{
    int code = try_change();
    return code != 0 ? code : below->partition_sync(partition);
}

static int fenced_partition_remove(void *context, const char *directory, const char *partition)
{
    int code = try_change();
    return code != 0 ? code : below->partition_remove(context, directory, partition);
}

static int fenced_partition_remove_open(segj_partition_t *partition)
{
    int code = try_change();
    return code != 0 ? code : below->partition_remove_open(partition);
}

static int fenced_file_open(segj_partition_t *partition, const char *name, segj_open_mode_t mode, segj_file_t **opened)
{
    int code = mode == SEGJ_OPEN_READ ? 0 : try_change();
    return code != 0 ? code : below->file_open(partition, name, mode, opened);
}

static int fenced_file_remove(segj_partition_t *partition, const char *name)
{
    int code = try_change();
    return code != 0 ? code : below->file_remove(partition, name);
}

static int fenced_file_write(segj_file_t *file, uint64_t offset, const segj_slice_t *slices, size_t count, size_t *done)
{
    int code = try_change();
    *done = 0;
    if (code == 0)
        return below->file_write(file, offset, slices, count, done);
    for (size_t i = 0; i < count && fence == FENCE_LATE; i++)
        *done += slices[i].size;
    return fence == FENCE_LATE ? 0 : code;
}

static int fenced_file_truncate(segj_file_t *file, uint64_t size)
{
    int code = try_change();
    if (code == 0)
        return below->file_truncate(file, size);
    return fence == FENCE_LATE ? 0 : code;
}

static int fenced_file_sync(segj_file_t *file)
{
    int code = try_change();
    return code != 0 ? code : below->file_sync(file);
}

static void make_table(void)
{
    table = *below;
    table.partition_create = fenced_partition_create;
    table.partition_sync = fenced_partition_sync;
    table.partition_remove = fenced_partition_remove;
    table.partition_remove_open = fenced_partition_remove_open;
    table.file_open = fenced_file_open;
    table.file_remove = fenced_file_remove;
    table.file_write = fenced_file_write;
    table.file_truncate = fenced_file_truncate;
    table.file_sync = fenced_file_sync;
}

/* --- changes --- */

static void expect(const char *name, const char *what, segj_status_t status, segj_status_t expected)
{
    if (status != expected)
        fail_msg("%s: %s answers %s instead of %s: %s", name, what, segj_status_name(status),
                 segj_status_name(expected), segj_last_error());
}

/* The storage would take changes again: the journal makes none. */
static void expect_poisoned(oversized_t *journal, const change_t *change, bool unsynced)
{
    size_t before = atomic_load(&tried);
    const char *cause = oversized_error(journal);
    if (cause == NULL || strstr(cause, "another opener") == NULL)
        fail_msg("%s: the cause is \"%s\"", change->name, cause != NULL ? cause : "");
    for (size_t i = 0; i < change_count; i++)
        if (!changes[i].ends && (unsynced || !changes[i].of_unsynced))
            expect(change->name, changes[i].name, changes[i].make(journal), SEGJ_ERR_POISONED);
    expect(change->name, "acknowledge_losses", oversized_acknowledge_losses(journal), SEGJ_ERR_POISONED);
    expect(change->name, "discard_quarantine", oversized_discard_quarantine(journal), SEGJ_ERR_POISONED);
    expect(change->name, "the close", oversized_close(journal), SEGJ_ERR_POISONED);
    if (atomic_load(&tried) != before)
        fail_msg("%s: a poisoned journal has made %zu calls", change->name, atomic_load(&tried) - before);
}

static void fence_off(const change_t *change, fence_t how, bool unsynced)
{
    oversized_config_t config;
    oversized_t *journal = NULL;
    segj_storage_t *memory = NULL;
    assert_ok(segj_storage_memory_create(&memory));
    below = memory;
    make_table();
    fence = FENCE_NONE;
    small_config(&config, "journal");
    config.storage = &table;
    assert_ok(oversized_open(&config, &journal));
    changes_prepare(journal, unsynced);
    fence = how;
    segj_status_t status = change->make(journal);
    if (status == SEGJ_OK && how == FENCE_LATE && !change->ends)
        status = oversized_sync_all(journal); /* what the storage has taken it refuses now */
    expect(change->name, how == FENCE_LATE ? "it, fenced late," : "it", status, SEGJ_ERR_LOCKED);
    assert_non_null(strstr(segj_last_error(), "another opener"));
    fence = FENCE_NONE;
    if (!change->ends)
        expect_poisoned(journal, change, unsynced);
    assert_ok(oversized_open(&config, &journal));
    changes_check(journal);
    assert_ok(oversized_close(journal));
    segj_storage_memory_destroy(memory);
}

static void each_change(fence_t how)
{
    for (size_t i = 0; i < change_count; i++) {
        fence_off(&changes[i], how, true);
        if (!changes[i].of_unsynced)
            fence_off(&changes[i], how, false);
    }
}

static void each_change_that_is_refused_at_once(void **state)
{
    (void)state;
    each_change(FENCE_AT_ONCE);
}

static void each_change_that_is_refused_when_it_is_waited_for(void **state)
{
    (void)state;
    each_change(FENCE_LATE);
}

/* All is synced, and what the close would write is its marks alone. */
static void a_close_that_would_write_marks(void **state)
{
    static const change_t change = {.name = "close", .make = oversized_close, .ends = true};
    (void)state;
    for_native_only();
    fence_off(&change, FENCE_AT_ONCE, false);
    fence_off(&change, FENCE_LATE, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_change_that_is_refused_at_once),
        cmocka_unit_test(each_change_that_is_refused_when_it_is_waited_for),
        cmocka_unit_test(a_close_that_would_write_marks),
    };
    return cmocka_run_group_tests_name("fenced", tests, NULL, NULL);
}
