/*
 * threads/test_close.c: the end of a journal while a sync is under way: "Rewind, prune, close and destroy wait for
 * syncs in flight". The sync that is waited for has a last way out of the library, too.
 *
 * LINK_WRAP: pthread_cond_wait segj_park_wait pthread_cond_broadcast pthread_mutex_unlock
 */
#include "threads/linger.h"
#include "threads/stage.h"

#include <errno.h>

enum { BEFORE = 7, SECTION = 3 };

static segj_status_t call_sync_and_linger(oversized_t *journal, uint64_t section)
{
    linger();
    return oversized_sync(journal, section);
}

static size_t unlocks(const stage_t *stage)
{
    return watched_count(stage->watched, CALL_UNLOCK, PART_INDEX, ANY_SECTION) +
           watched_count(stage->watched, CALL_UNLOCK, PART_VALUES, ANY_SECTION);
}

/* Ends the journal beside a parked sync, whose device then answers `code`. */
static void end_beside_sync(stage_t *stage, segj_status_t (*end)(oversized_t *journal, uint64_t unused),
                            segj_status_t (*call)(oversized_t *journal, uint64_t section), int code)
{
    errand_t sync;
    errand_t ending;
    append_samples(stage->journal, SECTION, 0, BEFORE);
    gate_t *gate = gate_close(stage->watched, CALL_SYNC, part_of_sync(), SECTION, 1);
    errand_start(&sync, stage, call, SECTION);
    gate_await(gate, 1);
    watched_forget(stage->watched);
    append_samples(stage->journal, SECTION, BEFORE, 20);
    errand_start(&ending, stage, end, 0);
    stage->journal = NULL;
    await_blocked(&ending.worker);
    assert_int_equal(unlocks(stage), 0);
    assert_int_equal(watched_count(stage->watched, CALL_SYNC, PART_VALUES, SECTION), 0);
    assert_int_equal(watched_count(stage->watched, CALL_REMOVE, PART_INDEX, SECTION), 0);
    watched_forget(stage->watched);
    linger_for(&ending.worker);
    gate_open(gate, code);
    errand_join(&sync, code == 0 ? SEGJ_OK : SEGJ_ERR_IO);
    linger_for(NULL);
    errand_join(&ending, code == 0 ? SEGJ_OK : SEGJ_ERR_POISONED);
    assert_int_equal(unlocks(stage), 2);
}

static void close_waits_for_a_sync_under_way(void **state)
{
    stage_t *stage = *state;
    end_beside_sync(stage, call_close, call_sync, 0);
    stage_t *crash = stage_crash(stage);
    check_samples(crash->journal, SECTION, BEFORE + 20);
    stage_free(crash);
    stage_reopen(stage);
    check_samples(stage->journal, SECTION, BEFORE + 20);
}

static void destroy_waits_for_a_sync_under_way(void **state)
{
    stage_t *stage = *state;
    end_beside_sync(stage, call_destroy, call_sync, 0);
    stage->config.must_exist = true;
    assert_status(oversized_open(&stage->config, &stage->journal), SEGJ_ERR_NOT_FOUND);
}

/* "Close and destroy sync nothing and say so." */
static void close_after_the_sync_has_failed_writes_nothing(void **state)
{
    not_in_version_2();
    stage_t *stage = *state;
    end_beside_sync(stage, call_close, call_sync, EIO);
    assert_int_equal(watched_count(stage->watched, CALL_WRITE, PART_INDEX, SECTION), 0);
    assert_int_equal(watched_count(stage->watched, CALL_WRITE, PART_VALUES, SECTION), 0);
    assert_int_equal(watched_count(stage->watched, CALL_SYNC, PART_VALUES, SECTION), 0);
}

static void destroy_after_the_sync_has_failed_removes_nothing(void **state)
{
    stage_t *stage = *state;
    end_beside_sync(stage, call_destroy, call_sync, EIO);
    assert_int_equal(watched_count(stage->watched, CALL_REMOVE, PART_INDEX, SECTION), 0);
    assert_int_equal(watched_count(stage->watched, CALL_REMOVE, PART_VALUES, SECTION), 0);
}

/* The thread of the sync has said that it is done and is not yet out of the library when the journal is freed. */
static void close_waits_until_the_sync_has_left(void **state)
{
    stage_t *stage = *state;
    end_beside_sync(stage, call_close, call_sync_and_linger, 0);
    stage_reopen(stage);
    check_samples(stage->journal, SECTION, BEFORE + 20);
}

static void destroy_waits_until_the_sync_has_left(void **state)
{
    end_beside_sync(*state, call_destroy, call_sync_and_linger, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(close_waits_for_a_sync_under_way),
        STAGE_TEST(destroy_waits_for_a_sync_under_way),
        STAGE_TEST(close_after_the_sync_has_failed_writes_nothing),
        STAGE_TEST(destroy_after_the_sync_has_failed_removes_nothing),
        STAGE_TEST(close_waits_until_the_sync_has_left),
        STAGE_TEST(destroy_waits_until_the_sync_has_left),
    };
    return cmocka_run_group_tests_name("close", tests, NULL, NULL);
}
