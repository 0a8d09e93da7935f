/*
 * threads/test_prune_beside.c: a prune that waits for its device at each of its steps, and every change beside it:
 * sections at or above its line do not wait, other removals and the end of the journal do, and a prune that is undone
 * has taken nothing from anybody. The same for a flush beside a sync.
 *
 * LINK_WRAP: pthread_cond_wait segj_park_wait
 */
#include "threads/stage.h"
#include "threads/waits.h"

#include <errno.h>

enum { OLD = 2, SECTION = 3, OTHER = 4, FIRST_NEW = 20, COUNT = 40 };

/* Where a prune stands: at the removal that may still be undone, at later ones, and at the two barriers. */
static const struct place {
    watched_call_t call;
    watched_part_t part;
    uint64_t section;
} places[] = {
    {CALL_REMOVE, PART_INDEX, OLD},
    {CALL_REMOVE, PART_INDEX, SECTION},
    {CALL_SYNC_NAMES, PART_INDEX, ANY_SECTION},
    {CALL_REMOVE, PART_VALUES, SECTION},
    {CALL_SYNC_NAMES, PART_VALUES, ANY_SECTION},
};
enum { PLACES = sizeof places / sizeof places[0] };

/* Two sections that go, with records that no sync has covered; one that stays. */
static void fill(stage_t *stage)
{
    append_samples(stage->journal, OLD, 0, COUNT);
    append_samples(stage->journal, SECTION, 0, COUNT);
    append_samples(stage->journal, OTHER, 0, COUNT);
    assert_ok(oversized_sync_all(stage->journal));
    append_samples(stage->journal, SECTION, COUNT, 7);
}

static gate_t *park(stage_t *stage, errand_t *prune, size_t place)
{
    gate_t *gate = gate_close(stage->watched, places[place].call, places[place].part, places[place].section, 1);
    errand_start(prune, stage, call_prune, OTHER);
    gate_await(gate, 1);
    return gate;
}

static void release(gate_t *gate, errand_t *prune)
{
    assert_false(errand_finished(prune));
    gate_open(gate, 0);
    errand_join(prune, SEGJ_OK);
}

static void check_only_others(const stage_t *stage, uint64_t count, uint64_t created)
{
    stage_t *crash = stage_crash(stage);
    uint64_t oldest = 0;
    assert_ok(oversized_oldest_section(crash->journal, &oldest));
    assert_int_equal(oldest, OTHER);
    check_samples(crash->journal, OTHER, count);
    for (uint64_t i = 0; i < created; i++)
        check_samples(crash->journal, FIRST_NEW + i, 1);
    stage_free(crash);
}

/* All of it happens in this thread, and the gate stays closed. */
static void change_what_stays(stage_t *stage)
{
    oversized_t *journal = stage->journal;
    append_samples(journal, OTHER, COUNT, 70);
    assert_ok(oversized_flush(journal, OTHER));
    append_samples(journal, OTHER, COUNT + 70, 9);
    assert_ok(oversized_sync(journal, OTHER));
    check_samples(journal, OTHER, COUNT + 79);
    assert_ok(oversized_rewind_section(journal, OTHER, (uint64_t)(COUNT + 5) * SMALL_RECORD));
    append_samples(journal, OTHER, COUNT + 5, 3);
    assert_ok(oversized_rewind(journal, OTHER, (uint64_t)(COUNT + 2) * SMALL_RECORD)); /* there is no later one */
    for (uint64_t i = 0; i < 30; i++)
        append_samples(journal, FIRST_NEW + i, 0, 1);
    assert_ok(oversized_sync(journal, FIRST_NEW));
    check_samples(journal, OTHER, COUNT + 2);
}

static void refuse_what_goes(const stage_t *stage)
{
    oversized_t *journal = stage->journal;
    oversized_writer_t *writer = NULL;
    uint8_t entry[SMALL_ENTRY] = {0};
    uint64_t oldest = 0;
    assert_ok(oversized_oldest_section(journal, &oldest));
    assert_int_equal(oldest, OTHER);
    assert_status(append_sample(journal, SECTION, COUNT, NULL), SEGJ_ERR_PRUNED);
    assert_status(append_sample(journal, 1, 0, NULL), SEGJ_ERR_PRUNED);
    assert_status(oversized_writer_open(journal, SECTION, entry, 5, &writer), SEGJ_ERR_PRUNED);
    assert_status(oversized_sync(journal, SECTION), SEGJ_ERR_PRUNED);
    assert_status(oversized_flush(journal, SECTION), SEGJ_ERR_PRUNED);
    assert_status(oversized_rewind_section(journal, SECTION, 0), SEGJ_ERR_PRUNED);
    assert_status(oversized_get(journal, SECTION, 0, NULL, NULL), SEGJ_ERR_PRUNED);
}

static void changes_go_on_beside_a_prune(void **state)
{
    stage_t *stage = *state;
    for (size_t place = 0; place < PLACES; place++) {
        errand_t prune;
        fill(stage);
        gate_t *gate = park(stage, &prune, place);
        refuse_what_goes(stage);
        change_what_stays(stage);
        release(gate, &prune);
        check_samples(stage->journal, OTHER, COUNT + 2);
        check_only_others(stage, COUNT + 2, 1);
        assert_ok(oversized_sync_all(stage->journal));
        check_only_others(stage, COUNT + 2, 30);
        assert_writes_apart(stage->watched);
        assert_ok(oversized_destroy(stage->journal));
        stage->journal = NULL;
        stage_reopen(stage);
    }
}

/* The first file cannot be removed: all sections are there again, with what no sync has covered, and there is room
 * for them in the table although others came meanwhile. A sync of all that came meanwhile has waited, and covers
 * them. */
static void what_an_undone_prune_has_hidden_is_synced_by_who_syncs_all(void **state)
{
    stage_t *stage = *state;
    errand_t prune;
    errand_t sync;
    uint64_t many = 100;
    fill(stage);
    for (uint64_t i = 0; i < 2; i++)
        append_samples(stage->journal, i, 0, 3);
    for (uint64_t i = 0; i < many; i++)
        append_samples(stage->journal, 1000 + i, 0, 1);
    gate_t *gate = gate_close(stage->watched, CALL_REMOVE, PART_INDEX, 0, 1);
    errand_start(&prune, stage, call_prune, 1000 + many);
    gate_await(gate, 1);
    for (uint64_t i = 0; i < many; i++)
        append_samples(stage->journal, 5000 + i, 0, 1);
    errand_start(&sync, stage, call_sync_all, 0);
    await_blocked(&sync.worker);
    gate_open(gate, EIO);
    errand_join(&prune, SEGJ_ERR_IO);
    errand_join(&sync, SEGJ_OK);
    assert_null(oversized_error(stage->journal));
    check_samples(stage->journal, SECTION, COUNT + 7);
    for (uint64_t i = 0; i < many; i++)
        check_samples(stage->journal, (i % 2 == 0 ? 1000 : 5000) + i, 1);
    stage_t *crash = stage_crash(stage);
    check_samples(crash->journal, 1, 3);
    check_samples(crash->journal, SECTION, COUNT + 7);
    check_samples(crash->journal, 1000, 1);
    stage_free(crash);
}

/* A sync that has found its section before it was hidden, and waits for another sync of it, does not take it for
 * gone. */
static void sync_beside_an_undone_prune(stage_t *stage)
{
    errand_t first;
    errand_t second;
    errand_t prune;
    fill(stage);
    gate_t *device = gate_close(stage->watched, CALL_SYNC, part_of_sync(), SECTION, 1);
    errand_start(&first, stage, call_sync, SECTION);
    gate_await(device, 1);
    append_samples(stage->journal, SECTION, COUNT + 7, 5);
    errand_start(&second, stage, call_sync, SECTION);
    await_waiting(1);
    gate_t *gate = gate_close(stage->watched, CALL_REMOVE, PART_INDEX, OLD, 1);
    errand_start(&prune, stage, call_prune, OTHER);
    await_waiting(2);
    append_samples(stage->journal, OTHER, COUNT, 5); /* which waits for none of the three */
    gate_open(device, 0);
    errand_join(&first, SEGJ_OK);
    gate_await(gate, 1);
    gate_open(gate, EIO);
    errand_join(&prune, SEGJ_ERR_IO);
    errand_join(&second, SEGJ_OK);
    check_crash(stage, SECTION, COUNT + 12);
}

/* Which of the two that wait comes first is chance. */
static void a_sync_that_waits_beside_an_undone_prune_is_made(void **state)
{
    stage_t *stage = *state;
    for (int round = 0; round < 30; round++) {
        sync_beside_an_undone_prune(stage);
        assert_ok(oversized_destroy(stage->journal));
        stage->journal = NULL;
        stage_reopen(stage);
    }
}

/* --- removals, one after the other --- */

static void another_removal_waits_for_a_prune(void **state)
{
    static const struct {
        segj_status_t (*call)(oversized_t *journal, uint64_t argument);
        uint64_t argument;
    } others[] = {{call_prune, OTHER}, {call_prune, FIRST_NEW}, {call_rewind_to_3, OTHER}};
    stage_t *stage = *state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        errand_t prune;
        errand_t other;
        fill(stage);
        append_samples(stage->journal, FIRST_NEW, 0, 1);
        gate_t *gate = park(stage, &prune, 2);
        errand_start(&other, stage, others[i].call, others[i].argument);
        await_blocked(&other.worker);
        append_samples(stage->journal, OTHER, COUNT, 3);
        assert_ok(oversized_sync(stage->journal, OTHER));
        release(gate, &prune);
        errand_join(&other, SEGJ_OK);
        assert_status(oversized_get(stage->journal, SECTION, 0, NULL, NULL), SEGJ_ERR_PRUNED);
        if (others[i].argument == FIRST_NEW)
            assert_status(oversized_get(stage->journal, OTHER, 0, NULL, NULL), SEGJ_ERR_PRUNED);
        else
            check_samples(stage->journal, OTHER, i == 0 ? COUNT + 3 : 3);
        assert_ok(oversized_destroy(stage->journal));
        stage->journal = NULL;
        stage_reopen(stage);
    }
}

static void the_end_of_the_journal_waits_for_a_prune(void **state)
{
    stage_t *stage = *state;
    for (size_t place = 0; place < 2 * PLACES; place++) {
        errand_t prune;
        errand_t ending;
        bool destroys = place >= PLACES;
        fill(stage);
        gate_t *gate = park(stage, &prune, place % PLACES);
        errand_start(&ending, stage, destroys ? call_destroy : call_close, 0);
        stage->journal = NULL;
        await_blocked(&ending.worker);
        release(gate, &prune);
        errand_join(&ending, SEGJ_OK);
        stage_reopen(stage);
        check_samples(stage->journal, SECTION, 0);
        check_samples(stage->journal, OTHER, destroys ? 0 : COUNT);
        if (!destroys)
            assert_ok(oversized_destroy(stage->journal));
        if (!destroys)
            stage->journal = NULL;
        stage_reopen(stage);
    }
}

/* Nobody knows what the disk holds: nothing more is removed, and nothing comes back. */
static void a_poisoned_journal_ends_its_prune(void **state)
{
    stage_t *stage = *state;
    errand_t prune;
    fill(stage);
    gate_t *gate = park(stage, &prune, 1);
    append_samples(stage->journal, OTHER, COUNT, 1);
    watched_fail(stage->watched, CALL_SYNC, part_of_sync(), OTHER, EIO);
    assert_status(oversized_sync(stage->journal, OTHER), SEGJ_ERR_IO);
    watched_forget(stage->watched);
    gate_open(gate, 0);
    errand_join(&prune, SEGJ_ERR_POISONED);
    assert_int_equal(watched_count(stage->watched, CALL_REMOVE, PART_VALUES, ANY_SECTION), 0);
    assert_status(oversized_get(stage->journal, OLD, 0, NULL, NULL), SEGJ_ERR_PRUNED);
    oversized_abandon(stage->journal);
    stage->journal = NULL;
    watched_fail(stage->watched, CALL_SYNC, part_of_sync(), OTHER, 0);
    stage_reopen(stage);
    check_samples(stage->journal, OTHER, COUNT + 1);
}

/* --- flushes --- */

static segj_status_t call_flush(oversized_t *journal, uint64_t section)
{
    return oversized_flush(journal, section);
}

/* What a sync has taken over is not written by a flush, which waits, and then has the rest to write. */
static void a_flush_waits_for_a_sync_of_its_section(void **state)
{
    stage_t *stage = *state;
    errand_t sync;
    errand_t flush;
    append_samples(stage->journal, SECTION, 0, 7);
    gate_t *gate = gate_close(stage->watched, CALL_SYNC, part_of_sync(), SECTION, 1);
    errand_start(&sync, stage, call_sync, SECTION);
    gate_await(gate, 1);
    append_samples(stage->journal, SECTION, 7, 2);
    append_samples(stage->journal, OTHER, 0, 2);
    assert_ok(oversized_flush(stage->journal, OTHER)); /* of another section it does not wait */
    errand_start(&flush, stage, call_flush, SECTION);
    await_blocked(&flush.worker);
    append_samples(stage->journal, SECTION, 9, 2);
    gate_open(gate, 0);
    errand_join(&sync, SEGJ_OK);
    errand_join(&flush, SEGJ_OK);
    check_crash(stage, SECTION, 7);
    assert_writes_apart(stage->watched);
    oversized_abandon(stage->journal);
    stage->journal = NULL;
    stage_reopen(stage);
    check_samples(stage->journal, SECTION, 11);
}

static void all_goes_on_while_a_flush_writes(void **state)
{
    stage_t *stage = *state;
    for (uint64_t part = 0; part < 2; part++) {
        errand_t flush;
        errand_t sync;
        append_samples(stage->journal, part, 0, 7);
        watched_part_t file = tested_version() == 2 ? PART_VALUES : (watched_part_t)part; /* the only one then */
        gate_t *gate = gate_close(stage->watched, CALL_WRITE, file, part, 1);
        errand_start(&flush, stage, call_flush, part);
        gate_await(gate, 1);
        append_samples(stage->journal, part, 7, 60);
        check_samples(stage->journal, part, 67);
        errand_start(&sync, stage, call_sync, part);
        await_blocked(&sync.worker);
        gate_open(gate, 0);
        errand_join(&flush, SEGJ_OK);
        errand_join(&sync, SEGJ_OK);
        check_crash(stage, part, 67);
        assert_writes_apart(stage->watched);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(changes_go_on_beside_a_prune),
        STAGE_TEST(what_an_undone_prune_has_hidden_is_synced_by_who_syncs_all),
        STAGE_TEST(a_sync_that_waits_beside_an_undone_prune_is_made),
        STAGE_TEST(another_removal_waits_for_a_prune),
        STAGE_TEST(the_end_of_the_journal_waits_for_a_prune),
        STAGE_TEST(a_poisoned_journal_ends_its_prune),
        STAGE_TEST(a_flush_waits_for_a_sync_of_its_section),
        STAGE_TEST(all_goes_on_while_a_flush_writes),
    };
    return cmocka_run_group_tests_name("prune_beside", tests, NULL, NULL);
}
