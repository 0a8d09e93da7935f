/*
 * threads/test_sync_group.c: what has to wait for a sync that is under way: other syncs of the section, and every
 * change that takes records or the section away.
 *
 * LINK_WRAP: pthread_cond_wait segj_park_wait
 */
#include "threads/stage.h"
#include "threads/waits.h"

#include <errno.h>

enum { BEFORE = 7, SECTION = 3, GROUP = 6 };

/* Parks a first sync of seven records while it makes the index file durable. */
static gate_t *park(stage_t *stage, errand_t *sync)
{
    append_samples(stage->journal, SECTION, 0, BEFORE);
    gate_t *gate = gate_close(stage->watched, CALL_SYNC, part_of_sync(), SECTION, 1);
    errand_start(sync, stage, call_sync, SECTION);
    gate_await(gate, 1);
    watched_forget(stage->watched);
    return gate;
}

static size_t syncs(const stage_t *stage)
{
    return watched_count(stage->watched, CALL_SYNC, part_of_sync(), SECTION);
}

/* --- syncs --- */

/* What it has to cover is being made durable already. */
static void second_sync_with_nothing_new_waits_for_the_first_and_does_nothing(void **state)
{
    stage_t *stage = *state;
    errand_t first;
    errand_t second;
    gate_t *gate = park(stage, &first);
    errand_start(&second, stage, call_sync, SECTION);
    await_blocked(&second.worker);
    assert_int_equal(watched_changes(stage->watched, SECTION), 0);
    gate_open(gate, 0);
    errand_join(&first, SEGJ_OK);
    errand_join(&second, SEGJ_OK);
    assert_int_equal(syncs(stage), 1);
    check_crash(stage, SECTION, BEFORE);
}

static void second_sync_with_new_records_waits_for_the_first_and_covers_them(void **state)
{
    stage_t *stage = *state;
    errand_t first;
    errand_t second;
    gate_t *gate = park(stage, &first);
    append_samples(stage->journal, SECTION, BEFORE, 30);
    errand_start(&second, stage, call_sync, SECTION);
    await_blocked(&second.worker);
    assert_int_equal(syncs(stage), 0);
    gate_t *next = gate_close(stage->watched, CALL_SYNC, part_of_sync(), SECTION, 1);
    gate_open(gate, 0);
    errand_join(&first, SEGJ_OK);
    gate_await(next, 1);
    assert_false(errand_finished(&second));
    gate_open(next, 0);
    errand_join(&second, SEGJ_OK);
    assert_int_equal(syncs(stage), 2);
    check_crash(stage, SECTION, BEFORE + 30);
}

/* Each of six threads appends and syncs beside a sync that is parked: one further sync covers them all. */
static void append_and_sync(worker_t *worker)
{
    const stage_t *stage = worker->context;
    if (worker_ok(worker, append_sample(stage->journal, SECTION, BEFORE + worker->number, NULL)))
        (void)worker_ok(worker, oversized_sync(stage->journal, SECTION));
}

static void syncs_that_wait_together_are_covered_by_one(void **state)
{
    stage_t *stage = *state;
    errand_t first;
    worker_t team[GROUP];
    gate_t *gate = park(stage, &first);
    team_start(team, GROUP, append_and_sync, stage);
    await_waiting(GROUP);
    assert_int_equal(syncs(stage), 0);
    gate_open(gate, 0);
    team_join(team, GROUP);
    errand_join(&first, SEGJ_OK);
    assert_int_equal(syncs(stage), 2);
    uint64_t count = 0;
    stage_t *crash = stage_crash(stage);
    assert_ok(oversized_count(crash->journal, SECTION, &count));
    assert_int_equal(count, BEFORE + GROUP);
    stage_free(crash);
}

static void sync_of_another_section_does_not_wait(void **state)
{
    stage_t *stage = *state;
    errand_t first;
    gate_t *gate = park(stage, &first);
    append_samples(stage->journal, SECTION + 1, 0, 40);
    assert_ok(oversized_sync(stage->journal, SECTION + 1));
    check_crash(stage, SECTION + 1, 40);
    assert_ok(oversized_sync(stage->journal, SECTION + 9));
    assert_false(errand_finished(&first));
    gate_open(gate, 0);
    errand_join(&first, SEGJ_OK);
}

/* Also what was appended to the section behind the parked sync, and sections that come behind it. */
static void sync_all_waits_for_a_sync_under_way_and_covers_everything(void **state)
{
    stage_t *stage = *state;
    errand_t first;
    errand_t all;
    gate_t *gate = park(stage, &first);
    append_samples(stage->journal, SECTION, BEFORE, 20);
    append_samples(stage->journal, SECTION + 1, 0, 40);
    append_samples(stage->journal, SECTION - 1, 0, 40);
    errand_start(&all, stage, call_sync_all, 0);
    await_blocked(&all.worker);
    gate_open(gate, 0);
    errand_join(&first, SEGJ_OK);
    errand_join(&all, SEGJ_OK);
    check_crash(stage, SECTION, BEFORE + 20);
    check_crash(stage, SECTION + 1, 40);
    check_crash(stage, SECTION - 1, 40);
}

/* --- changes --- */

/* The call waits for the parked sync and changes nothing meanwhile, and readers do not wait for it. */
static void check_waits(stage_t *stage, segj_status_t (*call)(oversized_t *journal, uint64_t argument),
                        uint64_t argument)
{
    errand_t sync;
    errand_t change;
    gate_t *gate = park(stage, &sync);
    errand_start(&change, stage, call, argument);
    await_blocked(&change.worker);
    assert_int_equal(watched_changes(stage->watched, SECTION), 0);
    check_samples(stage->journal, SECTION, BEFORE);
    assert_false(errand_finished(&sync));
    gate_open(gate, 0);
    errand_join(&sync, SEGJ_OK);
    errand_join(&change, SEGJ_OK);
    assert_writes_apart(stage->watched);
}

static void rewind_waits_for_a_sync_under_way(void **state)
{
    stage_t *stage = *state;
    check_waits(stage, call_rewind_to_3, SECTION);
    check_samples(stage->journal, SECTION, 3);
    check_crash(stage, SECTION, 3);
}

static void rewind_section_waits_for_a_sync_under_way(void **state)
{
    stage_t *stage = *state;
    check_waits(stage, call_rewind_section_to_3, SECTION);
    check_samples(stage->journal, SECTION, 3);
    append_samples(stage->journal, SECTION, 3, 50);
    stage_reopen(stage);
    check_samples(stage->journal, SECTION, 53);
}

/* The section that is being synced is a later one, which the rewind removes. */
static void rewind_waits_for_a_sync_of_a_later_section(void **state)
{
    stage_t *stage = *state;
    append_samples(stage->journal, SECTION - 1, 0, 5);
    check_waits(stage, call_rewind_to_3, SECTION - 1);
    check_samples(stage->journal, SECTION, 0);
    check_crash(stage, SECTION - 1, 3);
    check_crash(stage, SECTION, 0);
}

static void prune_waits_for_a_sync_under_way(void **state)
{
    stage_t *stage = *state;
    check_waits(stage, call_prune, SECTION + 1);
    assert_status(oversized_get(stage->journal, SECTION, 0, NULL, NULL), SEGJ_ERR_PRUNED);
    check_crash(stage, SECTION, 0);
}

/* A writer has two descriptors, and of four two are the readers': a second section is written when the first is
 * done. */
static void append_that_needs_the_descriptors_of_a_sync_waits_and_readers_do_not(void **state)
{
    stage_t *stage = *state;
    stage->config.max_open_files = 4;
    stage_reopen(stage);
    append_samples(stage->journal, SECTION - 1, 0, 20);
    check_waits(stage, call_append_one, SECTION + 1);
    check_samples(stage->journal, SECTION - 1, 20);
    check_samples(stage->journal, SECTION, BEFORE);
    check_samples(stage->journal, SECTION + 1, 1);
}

/* A sync that fails poisons; what waited for it answers that, and what it would have changed is unchanged. */
static void check_fails_with(stage_t *stage, segj_status_t (*call)(oversized_t *journal, uint64_t argument),
                             uint64_t argument)
{
    errand_t sync;
    errand_t change;
    gate_t *gate = park(stage, &sync);
    errand_start(&change, stage, call, argument);
    await_blocked(&change.worker);
    gate_open(gate, EIO);
    errand_join(&sync, SEGJ_ERR_IO);
    errand_join(&change, SEGJ_ERR_POISONED);
    assert_non_null(oversized_error(stage->journal));
    check_samples(stage->journal, SECTION, BEFORE);
    assert_int_equal(watched_count(stage->watched, CALL_WRITE, PART_INDEX, SECTION), 0);
    assert_int_equal(watched_count(stage->watched, CALL_REMOVE, PART_INDEX, SECTION), 0);
    assert_int_equal(syncs(stage), 1);
}

static void second_sync_is_poisoned_by_the_first(void **state)
{
    check_fails_with(*state, call_sync, SECTION);
}

static void rewind_is_poisoned_by_the_sync_that_it_waits_for(void **state)
{
    check_fails_with(*state, call_rewind_section_to_3, SECTION);
}

static void prune_is_poisoned_by_the_sync_that_it_waits_for(void **state)
{
    check_fails_with(*state, call_prune, SECTION + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(second_sync_with_nothing_new_waits_for_the_first_and_does_nothing),
        STAGE_TEST(second_sync_with_new_records_waits_for_the_first_and_covers_them),
        STAGE_TEST(syncs_that_wait_together_are_covered_by_one),
        STAGE_TEST(sync_of_another_section_does_not_wait),
        STAGE_TEST(sync_all_waits_for_a_sync_under_way_and_covers_everything),
        STAGE_TEST(rewind_waits_for_a_sync_under_way),
        STAGE_TEST(rewind_section_waits_for_a_sync_under_way),
        STAGE_TEST(rewind_waits_for_a_sync_of_a_later_section),
        STAGE_TEST(prune_waits_for_a_sync_under_way),
        STAGE_TEST(append_that_needs_the_descriptors_of_a_sync_waits_and_readers_do_not),
        STAGE_TEST(second_sync_is_poisoned_by_the_first),
        STAGE_TEST(rewind_is_poisoned_by_the_sync_that_it_waits_for),
        STAGE_TEST(prune_is_poisoned_by_the_sync_that_it_waits_for),
    };
    return cmocka_run_group_tests_name("sync_group", tests, NULL, NULL);
}
