/*
 * threads/test_value_cache.c: readers of values that are kept unpacked, beside a thread that appends, rewinds and makes the
 * section again: whoever reads gets a record with its own value, or learns that there is none.
 */
#include "threads/stage.h"

#include "oversized/read/value_cache.h"

enum { SECTION = 3, READERS = 3, ROUNDS = 60, RECORDS = 12, TEAM = READERS + 1 };

static atomic_bool ended;
static atomic_uint readers_served; /* have read a value */

static segj_status_t change_once(oversized_t *journal, uint64_t round)
{
    segj_status_t status = SEGJ_OK;
    for (uint64_t i = 0; i < RECORDS && status == SEGJ_OK; i++)
        status = append_sample(journal, SECTION, round * RECORDS + i, NULL);
    if (status == SEGJ_OK && round % 4 == 0)
        status = oversized_sync(journal, SECTION);
    if (status != SEGJ_OK)
        return status;
    return round % 5 == 0 ? oversized_rewind(journal, SECTION - 1, 0)
                          : oversized_rewind_section(journal, SECTION, (round % 3) * SMALL_RECORD);
}

/* So many rounds, and until each reader has read something. */
static void change(worker_t *worker, const stage_t *stage)
{
    for (uint64_t round = 0; round < ROUNDS || atomic_load(&readers_served) < READERS; round++) {
        if (!worker_ok(worker, change_once(stage->journal, round)))
            break;
    }
    atomic_store(&ended, true);
}

static void read_all_the_time(worker_t *worker, const stage_t *stage)
{
    segj_buffer_t value = {0};
    uint64_t random = worker->number;
    bool going = true;
    bool served = false;
    while (going && !atomic_load(&ended)) {
        uint8_t entry[SMALL_ENTRY] = {0};
        segj_status_t status = oversized_read(stage->journal, SECTION, next_random(&random) % RECORDS, entry, &value);
        if (status == SEGJ_OK) {
            going = worker_expect(worker, is_sample(SECTION, entry, &value), "a record has another one's value");
            if (!served)
                atomic_fetch_add(&readers_served, 1);
            served = true;
        } else
            going = worker_expect(worker, status == SEGJ_ERR_NO_RECORD || status == SEGJ_ERR_NO_SECTION, "%s: %s",
                                  segj_status_name(status), segj_last_error());
    }
    if (!served)
        atomic_fetch_add(&readers_served, 1); /* nobody waits for one that has ended */
    segj_buffer_free(&value);
}

static void work(worker_t *worker)
{
    const stage_t *stage = worker->context;
    if (worker->number == READERS)
        change(worker, stage);
    else
        read_all_the_time(worker, stage);
}

static void read_beside_rewinds(stage_t *stage, size_t kept)
{
    worker_t team[TEAM];
    stage->config.compression = 1;
    stage->config.value_cache = kept;
    stage_reopen(stage);
    atomic_store(&ended, false);
    atomic_store(&readers_served, 0);
    team_run(team, TEAM, work, stage);
    segj_value_cache_counts_t counts = segj_value_cache_count(stage->journal->value_cache);
    assert_true(counts.misses > 0);
    assert_true(counts.bytes <= kept);
}

static void a_reader_gets_a_records_own_value(void **state)
{
    read_beside_rewinds(*state, 1 << 20);
}

static void and_where_little_is_kept(void **state)
{
    read_beside_rewinds(*state, 8000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(a_reader_gets_a_records_own_value),
        STAGE_TEST(and_where_little_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
