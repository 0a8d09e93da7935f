/*
 * threads/test_acknowledged.c: threads that append and sync, and a power that may be cut at any moment. Whatever a sync
 * has acknowledged before the cut is there behind it, and everything that is there is right.
 */
#include "threads/stage.h"

#include <inttypes.h>
#include <sched.h>

enum { WRITERS = 5, ROUNDS = 30, BATCH = 6, CUTS = 24, SHARED = 99 };

typedef struct scene {
    stage_t *stage;
    atomic_uint_fast64_t covered[WRITERS]; /* of a writer's section: how many records are there for sure */
    atomic_uint_fast64_t epoch[WRITERS];   /* changes with every rewind, before and behind */
    atomic_uint_fast64_t shared;           /* records of the section that all write to */
    atomic_size_t writing;
    bool rewinds;
} scene_t;

static bool rewind_some(worker_t *worker, scene_t *scene, uint64_t *count)
{
    uint64_t section = worker->number;
    uint64_t kept = *count / 2;
    atomic_fetch_add(&scene->epoch[section], 1);
    if (atomic_load(&scene->covered[section]) > kept)
        atomic_store(&scene->covered[section], kept);
    bool good = worker_ok(worker, oversized_rewind_section(scene->stage->journal, section, kept * SMALL_RECORD));
    *count = kept;
    atomic_store(&scene->covered[section], kept);
    atomic_fetch_add(&scene->epoch[section], 1);
    return good;
}

/* All writers append to one section too, and none knows the others' positions: a sync covers at least its own one. */
static bool write_shared(worker_t *worker, scene_t *scene)
{
    oversized_t *journal = scene->stage->journal;
    uint64_t position = 0;
    uint8_t entry[SMALL_ENTRY];
    put_u64(entry, worker->number);
    if (!worker_ok(worker, oversized_append(journal, SHARED, entry, entry, sizeof entry, &position, NULL)) ||
        !worker_ok(worker, oversized_sync(journal, SHARED)))
        return false;
    uint64_t before = atomic_load(&scene->shared);
    while (before < position + 1 && !atomic_compare_exchange_weak(&scene->shared, &before, position + 1))
        continue;
    return true;
}

static void write_and_sync(worker_t *worker)
{
    scene_t *scene = worker->context;
    oversized_t *journal = scene->stage->journal;
    uint64_t section = worker->number;
    uint64_t count = 0;
    bool good = true;
    for (int round = 0; good && round < ROUNDS; round++) {
        for (int i = 0; good && i < BATCH; i++)
            good = worker_ok(worker, append_sample(journal, section, count++, NULL));
        good =
            good && worker_ok(worker, round % 7 == 6 ? oversized_sync_all(journal) : oversized_sync(journal, section));
        atomic_store(&scene->covered[section], count);
        good = good && write_shared(worker, scene);
        if (good && scene->rewinds && round % 5 == 4)
            good = rewind_some(worker, scene, &count);
    }
    atomic_fetch_sub(&scene->writing, 1);
}

/* What a section has after the cut, each record right; by the calls that recovery has no part in. */
static uint64_t count_records(oversized_t *journal, uint64_t section)
{
    segj_buffer_t value = {NULL, 0, 0};
    uint8_t entry[SMALL_ENTRY];
    uint64_t count = 0;
    assert_ok(oversized_count(journal, section, &count));
    for (uint64_t position = 0; position < count; position++) {
        assert_ok(oversized_read(journal, section, position, entry, &value));
        if (section != SHARED) {
            assert_int_equal(get_u64(entry), position);
            assert_true(is_sample(section, entry, &value));
        } else {
            assert_memory_equal(value.data, entry, sizeof entry);
        }
    }
    segj_buffer_free(&value);
    return count;
}

static void cut_power(scene_t *scene)
{
    uint64_t covered[WRITERS];
    uint64_t epoch[WRITERS];
    uint64_t shared = atomic_load(&scene->shared);
    for (size_t i = 0; i < WRITERS; i++) {
        epoch[i] = atomic_load(&scene->epoch[i]);
        covered[i] = atomic_load(&scene->covered[i]);
    }
    stage_t *crash = stage_crash(scene->stage);
    for (size_t i = 0; i < WRITERS; i++) {
        uint64_t count = count_records(crash->journal, i);
        bool rewound = epoch[i] % 2 != 0 || atomic_load(&scene->epoch[i]) != epoch[i];
        if (!rewound && count < covered[i]) {
            print_error("section %zu: %" PRIu64 " records were synced, %" PRIu64 " are there\n", i, covered[i], count);
            fail();
        }
    }
    assert_true(count_records(crash->journal, SHARED) >= shared);
    assert_int_equal(oversized_recovery(crash->journal)->synced_records_lost, 0);
    stage_free(crash);
}

static void check_scene(stage_t *stage, bool rewinds)
{
    worker_t team[WRITERS];
    scene_t scene = {.stage = stage, .rewinds = rewinds};
    atomic_init(&scene.writing, WRITERS);
    team_start(team, WRITERS, write_and_sync, &scene);
    for (int i = 0; i < CUTS && atomic_load(&scene.writing) > 0; i++)
        cut_power(&scene);
    team_join(team, WRITERS);
    cut_power(&scene);
    assert_writes_apart(stage->watched);
}

static void acknowledged_records_survive_a_cut_at_any_moment(void **state)
{
    check_scene(*state, false);
}

static void acknowledged_records_survive_a_cut_beside_rewinds(void **state)
{
    check_scene(*state, true);
}

static void acknowledged_records_survive_a_cut_with_few_descriptors(void **state)
{
    stage_t *stage = *state;
    stage->config.max_open_files = 6;
    stage_reopen(stage);
    check_scene(stage, true);
}

static void acknowledged_compressed_records_survive_a_cut(void **state)
{
    stage_t *stage = *state;
    stage->config.compression = 1;
    stage_reopen(stage);
    check_scene(stage, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(acknowledged_records_survive_a_cut_at_any_moment),
        STAGE_TEST(acknowledged_records_survive_a_cut_beside_rewinds),
        STAGE_TEST(acknowledged_records_survive_a_cut_with_few_descriptors),
        STAGE_TEST(acknowledged_compressed_records_survive_a_cut),
    };
    return cmocka_run_group_tests_name("acknowledged", tests, NULL, NULL);
}
