/*
 * threads/test_poison.c: one thread's failed fsync poisons the journal for all of them; and what belongs to a thread
 * stays with it: the text of its last failure.
 */
#include "threads/stage.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { SECTION = 3, OTHER = 4, COUNT = 20, TEAM = 6 };

/* --- poison --- */

static void try_changes(worker_t *worker)
{
    oversized_t *journal = worker->context;
    bool pruned = true;
    for (int i = 0; i < 20; i++) {
        uint64_t section = i % 2 == 0 ? SECTION : OTHER + 10;
        (void)worker_status(worker, append_sample(journal, section, 0, NULL), SEGJ_ERR_POISONED, "append");
        (void)worker_status(worker, oversized_sync(journal, SECTION), SEGJ_ERR_POISONED, "sync");
        (void)worker_status(worker, oversized_sync_all(journal), SEGJ_ERR_POISONED, "sync_all");
        (void)worker_status(worker, oversized_prune(journal, SECTION, &pruned), SEGJ_ERR_POISONED, "prune");
        (void)worker_status(worker, oversized_rewind(journal, SECTION, 0), SEGJ_ERR_POISONED, "rewind");
        (void)worker_status(worker, oversized_rewind_section(journal, SECTION, 0), SEGJ_ERR_POISONED, "rewind_section");
        const char *error = oversized_error(journal);
        (void)worker_expect(worker, error != NULL && strstr(error, "test_values") != NULL, "the cause is \"%s\"",
                            error != NULL ? error : "(none)");
    }
}

static void poison_of_one_thread_is_seen_by_all(void **state)
{
    stage_t *stage = *state;
    errand_t sync;
    worker_t team[TEAM];
    append_samples(stage->journal, SECTION, 0, COUNT);
    append_samples(stage->journal, OTHER, 0, COUNT);
    watched_fail(stage->watched, CALL_SYNC, PART_VALUES, SECTION, EIO);
    errand_start(&sync, stage, call_sync, SECTION);
    errand_join(&sync, SEGJ_ERR_IO);
    watched_fail(stage->watched, CALL_SYNC, PART_VALUES, SECTION, 0);
    watched_forget(stage->watched);
    team_run(team, TEAM, try_changes, stage->journal);
    assert_int_equal(watched_changes(stage->watched, ANY_SECTION), 0);
    check_samples(stage->journal, SECTION, COUNT);
    check_samples(stage->journal, OTHER, COUNT);
    assert_status(oversized_close(stage->journal), SEGJ_ERR_POISONED);
    stage->journal = NULL;
}

static void read_all(worker_t *worker)
{
    oversized_t *journal = worker->context;
    segj_buffer_t value = {NULL, 0, 0};
    uint8_t entry[SMALL_ENTRY];
    for (uint64_t i = 0; i < 200; i++) {
        uint64_t section = i % 2 == 0 ? SECTION : OTHER;
        if (!worker_ok(worker, oversized_read(journal, section, i / 2 % COUNT, entry, &value)))
            break;
        (void)worker_expect(worker, is_sample(section, entry, &value), "another record's value");
    }
    segj_buffer_free(&value);
}

/* "Reads go on": of what was synced, and of what was not and is in memory only. */
static void readers_go_on_while_the_journal_is_poisoned(void **state)
{
    stage_t *stage = *state;
    errand_t sync;
    worker_t team[TEAM];
    append_samples(stage->journal, OTHER, 0, COUNT);
    assert_ok(oversized_sync(stage->journal, OTHER));
    append_samples(stage->journal, SECTION, 0, COUNT);
    gate_t *gate = gate_close(stage->watched, CALL_SYNC, part_of_sync(), SECTION, 1);
    errand_start(&sync, stage, call_sync, SECTION);
    gate_await(gate, 1);
    team_start(team, TEAM, read_all, stage->journal);
    gate_open(gate, EIO);
    team_join(team, TEAM);
    errand_join(&sync, SEGJ_ERR_IO);
    team_run(team, TEAM, read_all, stage->journal);
}

/* Two syncs fail at the same time: the first cause is kept, and both answer their own. */
static void first_cause_of_two_is_kept(void **state)
{
    stage_t *stage = *state;
    errand_t first;
    errand_t second;
    append_samples(stage->journal, SECTION, 0, COUNT);
    append_samples(stage->journal, OTHER, 0, COUNT);
    gate_t *one = gate_close(stage->watched, CALL_SYNC, part_of_sync(), SECTION, 1);
    gate_t *two = gate_close(stage->watched, CALL_SYNC, part_of_sync(), OTHER, 1);
    errand_start(&first, stage, call_sync, SECTION);
    errand_start(&second, stage, call_sync, OTHER);
    gate_await(one, 1);
    gate_await(two, 1);
    gate_open(one, EIO);
    errand_join(&first, SEGJ_ERR_IO);
    char cause[256];
    (void)snprintf(cause, sizeof cause, "%s", oversized_error(stage->journal));
    assert_non_null(strstr(cause, "0000000000000003"));
    gate_open(two, ENOSPC);
    errand_join(&second, SEGJ_ERR_NO_SPACE);
    assert_string_equal(oversized_error(stage->journal), cause);
    assert_non_null(strstr(second.sentence, "0000000000000004"));
}

/* A sync that was under way already tells the truth about its own section, and no mark is written any more. */
static void sync_beside_one_that_poisons_tells_the_truth(void **state)
{
    stage_t *stage = *state;
    errand_t first;
    errand_t second;
    append_samples(stage->journal, SECTION, 0, COUNT);
    append_samples(stage->journal, OTHER, 0, COUNT);
    gate_t *one = gate_close(stage->watched, CALL_SYNC, part_of_sync(), SECTION, 1);
    gate_t *two = gate_close(stage->watched, CALL_SYNC, PART_VALUES, OTHER, 1);
    errand_start(&first, stage, call_sync, SECTION);
    errand_start(&second, stage, call_sync, OTHER);
    gate_await(one, 1);
    gate_await(two, 1);
    gate_open(one, EIO);
    errand_join(&first, SEGJ_ERR_IO);
    gate_open(two, 0);
    team_join(&second.worker, 1);
    assert_true(second.answer == SEGJ_OK || second.answer == SEGJ_ERR_POISONED);
    if (second.answer == SEGJ_OK) {
        stage_t *crash = stage_crash(stage);
        check_samples(crash->journal, OTHER, COUNT);
        stage_free(crash);
    }
}

/* "Poisons the journal: nothing more is written." A sync of more than 1024 records, whose device is busy while another
 * section's sync fails, would write the watermark. */
static void no_watermark_is_written_after_another_sync_has_poisoned(void **state)
{
    stage_t *stage = *state;
    errand_t first;
    errand_t second;
    append_samples(stage->journal, SECTION, 0, COUNT);
    append_samples(stage->journal, OTHER, 0, 1100);
    gate_t *one = gate_close(stage->watched, CALL_SYNC, part_of_sync(), SECTION, 1);
    gate_t *two = gate_close(stage->watched, CALL_SYNC_NAMES, PART_VALUES, ANY_SECTION, 1);
    errand_start(&second, stage, call_sync, OTHER);
    gate_await(two, 1);
    errand_start(&first, stage, call_sync, SECTION);
    gate_await(one, 1);
    gate_open(one, EIO);
    errand_join(&first, SEGJ_ERR_IO);
    watched_forget(stage->watched);
    gate_open(two, 0);
    team_join(&second.worker, 1);
    assert_int_equal(watched_count(stage->watched, CALL_WRITE, PART_INDEX, OTHER), 0);
}

/* --- the last error --- */

static void fail_each_in_its_own_way(worker_t *worker)
{
    oversized_t *journal = worker->context;
    char number[32];
    (void)snprintf(number, sizeof number, "section %zu:", 100 + worker->number);
    for (int i = 0; i < 300; i++) {
        segj_status_t status = oversized_rewind(journal, 100 + worker->number, SMALL_RECORD);
        if (!worker_status(worker, status, SEGJ_ERR_NO_RECORD, "rewind"))
            return;
        if (!worker_expect(worker, strstr(segj_last_error(), number) != NULL, "the last error of %s \"%s\"", number,
                           segj_last_error()))
            return;
    }
}

static void last_error_belongs_to_its_thread(void **state)
{
    stage_t *stage = *state;
    worker_t team[TEAM];
    char mine[128];
    assert_status(oversized_get(stage->journal, 77, 0, NULL, NULL), SEGJ_ERR_NO_SECTION);
    (void)snprintf(mine, sizeof mine, "%s", segj_last_error());
    assert_non_null(strstr(mine, "77"));
    team_run(team, TEAM, fail_each_in_its_own_way, stage->journal);
    assert_string_equal(segj_last_error(), mine);
}

/* The storage has given the files to another owner: what they show from then on is that owner's. */
static void an_owner_that_was_replaced_is_poisoned_by_its_first_change(void **state)
{
    stage_t *stage = *state;
    for (int by_sync = 0; by_sync < 2; by_sync++) {
        uint64_t id = COUNT;
        while ((sample_size(id) > stage->config.value_write_buffer) == (by_sync != 0))
            id++;
        append_samples(stage->journal, SECTION + (uint64_t)by_sync, 0, COUNT);
        assert_ok(oversized_sync_all(stage->journal));
        if (by_sync != 0)
            assert_ok(append_sample(stage->journal, OTHER, id, NULL));
        watched_fail(stage->watched, CALL_WRITE, PART_VALUES, SECTION + (uint64_t)by_sync, ECANCELED);
        assert_status(by_sync != 0 ? oversized_sync(stage->journal, OTHER)
                                   : append_sample(stage->journal, SECTION, id, NULL),
                      SEGJ_ERR_LOCKED);
        assert_non_null(strstr(segj_last_error(), "test_values"));
        watched_fail(stage->watched, CALL_WRITE, PART_VALUES, SECTION + (uint64_t)by_sync, 0);
        assert_status(append_sample(stage->journal, SECTION, 0, NULL), SEGJ_ERR_POISONED);
        assert_status(oversized_sync(stage->journal, OTHER), SEGJ_ERR_POISONED);
        assert_status(oversized_close(stage->journal), SEGJ_ERR_POISONED);
        assert_ok(oversized_open(&stage->config, &stage->journal));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(poison_of_one_thread_is_seen_by_all),
        STAGE_TEST(readers_go_on_while_the_journal_is_poisoned),
        STAGE_TEST(first_cause_of_two_is_kept),
        STAGE_TEST(sync_beside_one_that_poisons_tells_the_truth),
        STAGE_TEST(no_watermark_is_written_after_another_sync_has_poisoned),
        STAGE_TEST(last_error_belongs_to_its_thread),
        STAGE_TEST(an_owner_that_was_replaced_is_poisoned_by_its_first_change),
    };
    return cmocka_run_group_tests_name("poison", tests, NULL, NULL);
}
