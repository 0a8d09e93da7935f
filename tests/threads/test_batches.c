/*
 * threads/test_batches.c: batches beside readers, who see each whole or not at all, and tickets of syncs that several
 * threads wait for.
 *
 * LINK_WRAP: pthread_cond_wait segj_park_wait
 */
#include <stdlib.h>

#include "threads/quick.h"
#include "threads/stage.h"
#include "threads/waits.h"

enum { SECTION = 3, BATCH = 7, BATCHES = 300, READERS = 3, BEFORE = 7, GROUP = 6, ENTRY = 8 };

/* --- batches --- */

typedef struct batches {
    place_t *place;
    atomic_bool done;
} batches_t;

static segj_status_t append_batch(oversized_t *journal, uint64_t first)
{
    uint8_t *bytes = malloc(BATCH * (ENTRY + (size_t)SAMPLE_MAX));
    oversized_record_t records[BATCH];
    if (bytes == NULL)
        return SEGJ_ERR_MEMORY;
    for (size_t i = 0; i < BATCH; i++) {
        uint8_t *entry = bytes + i * (ENTRY + (size_t)SAMPLE_MAX);
        put_u64(entry, first + i);
        make_sample(SECTION, first + i, entry + ENTRY);
        records[i] = (oversized_record_t){entry, entry + ENTRY, sample_size(first + i)};
    }
    segj_status_t status = oversized_append_batch(journal, SECTION, records, BATCH, NULL, NULL);
    free(bytes);
    return status;
}

static void write_batches(worker_t *worker, batches_t *batches)
{
    oversized_t *journal = batches->place->journal;
    for (uint64_t i = 0; i < BATCHES; i++) {
        if (!worker_ok(worker, append_batch(journal, i * BATCH)))
            break;
        if (i % 10 == 9 && !worker_ok(worker, oversized_sync(journal, SECTION)))
            break;
    }
    atomic_store(&batches->done, true);
}

/* Looks at the count, and then at the last record of it. False: enough, or not right. */
static bool look(worker_t *worker, const batches_t *batches, segj_buffer_t *value)
{
    oversized_t *journal = batches->place->journal;
    bool done = atomic_load(&batches->done);
    uint64_t count = 0;
    uint8_t entry[ENTRY];
    if (!worker_ok(worker, oversized_count(journal, SECTION, &count)))
        return false;
    if (!worker_expect(worker, count % BATCH == 0, "%llu records: a batch is there in part", (unsigned long long)count))
        return false;
    if (count == 0)
        return !done;
    if (!worker_ok(worker, oversized_read(journal, SECTION, count - 1, entry, value)))
        return false;
    return worker_expect(worker, is_sample(SECTION, entry, value), "the last record is another's") && !done;
}

static void read_batches(worker_t *worker, const batches_t *batches)
{
    segj_buffer_t value = {0};
    while (look(worker, batches, &value))
        continue;
    segj_buffer_free(&value);
}

static void write_or_read(worker_t *worker)
{
    if (worker->number == 0)
        write_batches(worker, worker->context);
    else
        read_batches(worker, worker->context);
}

static void readers_see_batches_whole(void **state)
{
    batches_t batches = {.place = *state};
    worker_t team[1 + READERS];
    place_open(batches.place);
    team_run(team, 1 + READERS, write_or_read, &batches);
    check_samples(batches.place->journal, SECTION, (uint64_t)BATCHES * BATCH);
    place_reopen(batches.place);
    check_samples(batches.place->journal, SECTION, (uint64_t)BATCHES * BATCH);
}

/* --- tickets --- */

/* Each of six threads appends, starts and waits beside a sync that is parked: one further sync covers them all. */
static void append_start_and_wait(worker_t *worker)
{
    const stage_t *stage = worker->context;
    oversized_ticket_t ticket;
    if (worker_ok(worker, append_sample(stage->journal, SECTION, BEFORE + worker->number, NULL)) &&
        worker_ok(worker, oversized_sync_start(stage->journal, SECTION, &ticket)))
        (void)worker_ok(worker, oversized_sync_wait(stage->journal, &ticket));
}

static void waits_of_a_section_share_a_flush(void **state)
{
    stage_t *stage = *state;
    errand_t first;
    worker_t team[GROUP];
    append_samples(stage->journal, SECTION, 0, BEFORE);
    gate_t *gate = gate_close(stage->watched, CALL_SYNC, part_of_sync(), SECTION, 1);
    errand_start(&first, stage, call_sync, SECTION);
    gate_await(gate, 1);
    watched_forget(stage->watched);
    team_start(team, GROUP, append_start_and_wait, stage);
    await_waiting(GROUP);
    gate_open(gate, 0);
    errand_join(&first, SEGJ_OK);
    team_join(team, GROUP);
    assert_int_equal(watched_count(stage->watched, CALL_SYNC, part_of_sync(), SECTION), 2);
    stage_t *crash = stage_crash(stage);
    uint64_t count;
    assert_ok(oversized_count(crash->journal, SECTION, &count));
    assert_int_equal(count, BEFORE + GROUP);
    stage_free(crash);
}

/* A start neither waits for the sync under way nor disturbs it. */
static void a_start_does_not_wait_for_a_sync(void **state)
{
    stage_t *stage = *state;
    errand_t first;
    oversized_ticket_t ticket;
    append_samples(stage->journal, SECTION, 0, BEFORE);
    gate_t *gate = gate_close(stage->watched, CALL_SYNC, part_of_sync(), SECTION, 1);
    errand_start(&first, stage, call_sync, SECTION);
    gate_await(gate, 1);
    append_samples(stage->journal, SECTION, BEFORE, 3);
    assert_ok(oversized_sync_start(stage->journal, SECTION, &ticket));
    gate_open(gate, 0);
    errand_join(&first, SEGJ_OK);
    assert_ok(oversized_sync_wait(stage->journal, &ticket));
    stage_t *crash = stage_crash(stage);
    check_samples(crash->journal, SECTION, BEFORE + 3);
    stage_free(crash);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(readers_see_batches_whole),
        STAGE_TEST(waits_of_a_section_share_a_flush),
        STAGE_TEST(a_start_does_not_wait_for_a_sync),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
