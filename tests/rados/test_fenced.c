/*
 * Every call that changes a journal, made by an owner whose lock was broken, and whose journal another client has taken over:
 * it answers SEGJ_ERR_LOCKED, and then SEGJ_ERR_POISONED, and not a byte in the cluster has changed.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "rados/worker.h"
#include "support/changes.h"

static segj_storage_t *first, *second; /* two clients */

static oversized_config_t configure(segj_storage_t *storage, const char *directory, uint8_t version)
{
    oversized_config_t config;
    small_config(&config, directory);
    config.storage = storage;
    config.native_version = version;
    return config;
}

/* The other client is there before the first one, which looks every 3 seconds, has taken its locks again. */
static oversized_t *take_over(const char *directory, uint8_t version)
{
    static const char *const partitions[2] = {"test_index", "test_values"};
    oversized_config_t config = configure(second, directory, version);
    oversized_t *journal = NULL;
    segj_status_t status = SEGJ_ERR_LOCKED;
    for (int i = 0; i < 100 && status == SEGJ_ERR_LOCKED; i++) {
        for (int part = 0; part < 2; part++) {
            char object[128];
            (void)snprintf(object, sizeof object, "%s:%s", directory, partitions[part]);
            (void)cluster_break_lock(object);
        }
        status = oversized_open(&config, &journal);
    }
    assert_ok(status);
    return journal;
}

static void expect(const char *name, const char *what, segj_status_t status, segj_status_t expected)
{
    if (status != expected)
        fail_msg("%s: %s answers %s instead of %s: %s", name, what, segj_status_name(status),
                 segj_status_name(expected), segj_last_error());
}

static void fence_off(const change_t *change, bool unsynced, uint8_t version)
{
    char room[64];
    const char *directory = cluster_directory(room);
    oversized_config_t config = configure(first, directory, version);
    oversized_t *fenced = NULL;
    assert_ok(oversized_open(&config, &fenced));
    changes_prepare(fenced, unsynced);
    oversized_t *journal = take_over(directory, version);
    uint64_t hash = cluster_hash(directory);

    segj_status_t status = change->make(fenced);
    bool done =
        status == SEGJ_OK && !change->ends; /* or begun: what has come before the other client is in the cluster */
    if (done)
        status = oversized_sync_all(fenced);
    expect(change->name, "it", status, SEGJ_ERR_LOCKED);
    assert_non_null(strstr(segj_last_error(), "another opener"));
    if (!change->ends) {
        expect(change->name, "what comes then", done ? oversized_sync_all(fenced) : change->make(fenced),
               SEGJ_ERR_POISONED);
        expect(change->name, "its close", oversized_close(fenced), SEGJ_ERR_POISONED);
    }
    if (cluster_hash(directory) != hash)
        fail_msg("%s has changed the cluster", change->name);

    changes_check(journal);
    assert_ok(oversized_destroy(journal));
}

static void each_change(void **state)
{
    (void)state;
    for (size_t i = 0; i < change_count; i++)
        fence_off(&changes[i], i % 2 == 0 || changes[i].of_unsynced, 1 + i / 2 % 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_change)};
    if (!cluster_is_there())
        return 77;
    segj_storage_rados_options_t options = cluster_options();
    first = cluster_storage(&options);
    second = cluster_storage(&options);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    segj_storage_rados_destroy(second);
    segj_storage_rados_destroy(first);
    return failed;
}
