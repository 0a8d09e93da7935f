/*
 * threads/test_inspect_beside.c: inspections and verifications beside a writer that appends, syncs, rewinds and removes
 * take nothing that it does in a moment for damage; an inspection sees everything that was synced before it began.
 */
#include "threads/stage.h"

#include "base/process.h"
#include "segjournal/tools.h"

enum {
    ROUNDS = 400,
    FIRST = 10,
    READS = 3 /* of an index file, with which a look has W, and not yet what it speaks of */
};

typedef struct beside {
    stage_t *stage;
    atomic_bool over;
    /* Of section FIRST, which only grows: its records that a completed sync has covered. */
    _Atomic(uint64_t) synced;
    atomic_uint looks, wanted; /* beside the writer */
} beside_t;

/* Section FIRST grows; the next one is cut and grows again; those after come and go. */
static void write_round(worker_t *worker, beside_t *beside, uint64_t round)
{
    oversized_t *journal = beside->stage->journal;
    uint64_t records = 0;
    for (uint64_t i = 0; i < 3; i++)
        worker_ok(worker, append_sample(journal, FIRST, round * 3 + i, NULL));
    worker_ok(worker, oversized_sync(journal, FIRST));
    atomic_store(&beside->synced, (round + 1) * 3);
    worker_ok(worker, oversized_count(journal, FIRST + 1, &records));
    for (uint64_t i = 0; i < 5; i++)
        worker_ok(worker, append_sample(journal, FIRST + 1, records + i, NULL));
    worker_ok(worker, oversized_sync(journal, FIRST + 1));
    if (round % 3 == 2)
        worker_ok(worker, oversized_rewind_section_to(journal, FIRST + 1, round % 7));
    worker_ok(worker, append_sample(journal, FIRST + 2, 0, NULL));
    worker_ok(worker, oversized_sync(journal, FIRST + 2));
    worker_ok(worker, oversized_rewind_to(journal, FIRST + 1, round % 3 == 2 ? round % 7 : records + 5));
    worker_ok(worker, append_sample(journal, round % FIRST, 0, NULL));
    worker_ok(worker, oversized_sync(journal, round % FIRST));
}

static void write_all(worker_t *worker)
{
    beside_t *beside = worker->context;
    /* Until it was looked at often enough, however slow a look is. */
    for (uint64_t round = 0;
         (round < ROUNDS || atomic_load(&beside->looks) < atomic_load(&beside->wanted)) && worker->complaint[0] == '\0';
         round++)
        write_round(worker, beside, round);
    atomic_store(&beside->over, true);
}

static void inspect_once(const beside_t *beside)
{
    oversized_inspection_t *found = NULL;
    uint64_t synced = atomic_load(&beside->synced);
    uint64_t seen = 0;
    assert_ok(oversized_inspect(&beside->stage->config, &found));
    if (found->health > OVERSIZED_REPAIR)
        fail_msg("health %d: %s", (int)found->health, found->problem);
    for (size_t i = 0; i < found->section_count; i++)
        if (found->sections[i].section == FIRST)
            seen = found->sections[i].records;
    assert_true(seen >= synced);
    oversized_inspection_free(found);
}

static void what_a_writer_does_is_no_damage(void **state)
{
    beside_t beside = {.stage = *state};
    worker_t writer;
    atomic_init(&beside.looks, 0);
    atomic_init(&beside.wanted, 11);
    atomic_init(&beside.over, false);
    atomic_init(&beside.synced, 0);
    team_start(&writer, 1, write_all, &beside);
    while (!atomic_load(&beside.over)) {
        inspect_once(&beside);
        (void)atomic_fetch_add(&beside.looks, 1);
    }
    team_join(&writer, 1);
    inspect_once(&beside);
    print_message("  %u inspections beside %d rounds or more\n", atomic_load(&beside.looks), (int)ROUNDS);
    assert_true(atomic_load(&beside.looks) > 10);
}

static const oversized_config_t *inspected;

static segj_status_t call_inspect(oversized_t *journal, uint64_t section)
{
    oversized_inspection_t *found = NULL;
    (void)journal;
    (void)section;
    segj_status_t status = oversized_inspect(inspected, &found);
    if (status == SEGJ_OK && found->health > OVERSIZED_REPAIR)
        status = SEGJ_ERR_CORRUPT;
    oversized_inspection_free(found);
    return status;
}

/* It has read that there are ten synced records, and finds two: it looks again. */
static void a_rewind_in_the_middle_of_a_look_is_no_loss(void **state)
{
    for_native_only();
    stage_t *stage = *state;
    errand_t look;
    append_samples(stage->journal, FIRST, 0, 10);
    stage_reopen(stage);
    inspected = &stage->config;
    gate_t *gate = gate_close(stage->watched, CALL_READ, PART_INDEX, FIRST, READS);
    errand_start(&look, stage, call_inspect, FIRST);
    for (uint32_t passed = 1; passed < READS; passed++) {
        gate_await(gate, passed);
        gate_pass(gate, 0);
    }
    gate_await(gate, READS);
    assert_ok(oversized_rewind_section_to(stage->journal, FIRST, 2));
    gate_open(gate, 0);
    errand_join(&look, SEGJ_OK);
}

static bool print_damage(void *context, const oversized_damage_t *damage)
{
    print_error("%s\n", damage->sentence);
    return context != NULL;
}

static void a_verification_beside_a_writer_finds_no_damage(void **state)
{
    beside_t beside = {.stage = *state};
    worker_t writer;
    atomic_init(&beside.looks, 0);
    atomic_init(&beside.wanted, 3);
    oversized_verify_options_t options;
    oversized_verify_options_init(&options);
    options.threads = 2;
    options.on_damage = print_damage;
    atomic_init(&beside.over, false);
    atomic_init(&beside.synced, 0);
    team_start(&writer, 1, write_all, &beside);
    while (!atomic_load(&beside.over)) {
        assert_ok(oversized_verify(beside.stage->journal, &options, NULL));
        (void)atomic_fetch_add(&beside.looks, 1);
    }
    team_join(&writer, 1);
    assert_ok(oversized_verify(beside.stage->journal, &options, NULL));
    print_message("  %u verifications beside %d rounds\n", atomic_load(&beside.looks), (int)ROUNDS);
    assert_true(atomic_load(&beside.looks) > 2);
}

static segj_status_t call_verify(oversized_t *journal, uint64_t unused)
{
    oversized_verify_options_t options;
    (void)unused;
    oversized_verify_options_init(&options);
    options.on_damage = print_damage;
    return oversized_verify(journal, &options, NULL);
}

/* Its files are open for reading alone: the writer waits for who reads the values, and who comes back for more of them
 * waits for the writer. */
static void a_section_becomes_active_while_it_is_verified(void **state)
{
    enum { MANY = 2000 }; /* more values than are read ahead at a time */
    stage_t *stage = *state;
    errand_t verify;
    errand_t append;
    append_samples(stage->journal, FIRST, 0, MANY);
    append_samples(stage->journal, FIRST + 1, 0, 1);
    stage_reopen(stage);
    gate_t *gate = gate_close(stage->watched, CALL_READ, PART_VALUES, FIRST, 1);
    errand_start(&verify, stage, call_verify, 0);
    gate_await(gate, 1);
    watched_forget(stage->watched);
    errand_start(&append, stage, call_append_one, FIRST);
    while (watched_count(stage->watched, CALL_OPEN, PART_INDEX, FIRST) == 0)
        segj_process_sleep(1000000);
    segj_process_sleep(50000000); /* its index is open, it comes to the values */
    gate_open(gate, 0);
    errand_join(&append, SEGJ_OK);
    errand_join(&verify, SEGJ_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {STAGE_TEST(a_rewind_in_the_middle_of_a_look_is_no_loss),
                                       STAGE_TEST(what_a_writer_does_is_no_damage),
                                       STAGE_TEST(a_verification_beside_a_writer_finds_no_damage),
                                       STAGE_TEST(a_section_becomes_active_while_it_is_verified)};
    return cmocka_run_group_tests_name("inspect_beside", tests, NULL, NULL);
}
