/*
 * threads/test_payloads.c: values are compressed before the change lock is taken: nobody waits for a thread that
 * compresses, and what it has made is what is stored, or is left alone where the section has become another one.
 *
 * LINK_WRAP: ZSTD_compressCCtx pthread_cond_wait segj_park_wait
 */
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "oversized/section/section.h"
#include "threads/stage.h"
#include "threads/waits.h"

enum { SECTION = 5, TEAM = 2 * SEGJ_ENCODERS_MOST, EACH = 30, SIZE = 3000 };

size_t __wrap_ZSTD_compressCCtx(ZSTD_CCtx *context, void *to, size_t capacity, const void *from, size_t size,
                                int level);
size_t __real_ZSTD_compressCCtx(ZSTD_CCtx *context, void *to, size_t capacity, const void *from, size_t size,
                                int level);

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool stopped, closed;
static atomic_size_t inside, inside_most;
static _Thread_local bool stops;

static void stop_here(void)
{
    pthread_mutex_lock(&mutex);
    stopped = true;
    pthread_cond_broadcast(&changed);
    while (closed)
        test_wait(&changed, &mutex);
    pthread_mutex_unlock(&mutex);
}

size_t __wrap_ZSTD_compressCCtx(ZSTD_CCtx *context, void *to, size_t capacity, const void *from, size_t size, int level)
{
    size_t now = atomic_fetch_add(&inside, 1) + 1;
    for (size_t most = atomic_load(&inside_most); now > most;)
        if (atomic_compare_exchange_weak(&inside_most, &most, now))
            break;
    if (stops)
        stop_here();
    size_t used = __real_ZSTD_compressCCtx(context, to, capacity, from, size, level);
    atomic_fetch_sub(&inside, 1);
    return used;
}

/* --- values --- */

static void make_value(uint64_t id, uint8_t *value, size_t size)
{
    memset(value, (int)('a' + id % 26), size);
    put_u64(value, id);
}

static segj_status_t append_value(oversized_t *journal, uint64_t section, uint64_t id, uint64_t *position)
{
    uint8_t entry[SMALL_ENTRY];
    uint8_t value[SIZE];
    put_u64(entry, id);
    make_value(id, value, sizeof value);
    return oversized_append(journal, section, entry, value, sizeof value, position, NULL);
}

static uint64_t check_value(oversized_t *journal, uint64_t section, uint64_t position)
{
    uint8_t entry[SMALL_ENTRY];
    uint8_t expected[SIZE];
    segj_buffer_t value = {NULL, 0, 0};
    assert_ok(oversized_read(journal, section, position, entry, &value));
    make_value(get_u64(entry), expected, sizeof expected);
    assert_int_equal(value.size, sizeof expected);
    assert_memory_equal(value.data, expected, sizeof expected);
    segj_buffer_free(&value);
    return get_u64(entry);
}

static void open_with(stage_t *stage, int level)
{
    stage->config.compression = level;
    stage->config.max_value_size = UINT32_MAX - 4;
    stage_reopen(stage);
}

static bool is_compressed(const stage_t *stage, uint64_t section)
{
    return segj_journal_find(stage->journal, section)->values.compressed;
}

/* --- one thread stands still while it compresses --- */

typedef struct late {
    stage_t *stage;
    uint64_t position;
} late_t;

static void append_late(worker_t *worker)
{
    late_t *late = worker->context;
    stops = true;
    (void)worker_ok(worker, append_value(late->stage->journal, SECTION, 999, &late->position));
    stops = false;
}

static void start_late(late_t *late, worker_t *worker)
{
    pthread_mutex_lock(&mutex);
    stopped = false;
    closed = true;
    pthread_mutex_unlock(&mutex);
    team_start(worker, 1, append_late, late);
    pthread_mutex_lock(&mutex);
    while (!stopped)
        test_wait(&changed, &mutex);
    pthread_mutex_unlock(&mutex);
}

static void let_late_go(worker_t *worker)
{
    pthread_mutex_lock(&mutex);
    closed = false;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
    team_join(worker, 1);
}

static void others_append_beside_a_thread_that_compresses(void **state)
{
    stage_t *stage = *state;
    late_t late = {stage, UINT64_MAX};
    worker_t worker;
    open_with(stage, 3);
    start_late(&late, &worker);
    for (uint64_t id = 0; id < 7; id++)
        assert_ok(append_value(stage->journal, SECTION, id, NULL));
    assert_ok(oversized_sync(stage->journal, SECTION));
    let_late_go(&worker);
    assert_int_equal(late.position, 7);
    assert_int_equal(check_value(stage->journal, SECTION, 7), 999);
    for (uint64_t id = 0; id < 7; id++)
        assert_int_equal(check_value(stage->journal, SECTION, id), id);
}

/* While it compresses the section goes, and another one of plain values has its number. */
static void a_payload_is_left_alone_where_the_section_is_another_one(void **state)
{
    stage_t *stage = *state;
    late_t late = {stage, UINT64_MAX};
    worker_t worker;
    open_with(stage, 3);
    assert_ok(append_value(stage->journal, SECTION - 1, 1, NULL));
    assert_ok(append_value(stage->journal, SECTION, 2, NULL));
    open_with(stage, 0);
    assert_true(is_compressed(stage, SECTION));
    start_late(&late, &worker);
    assert_ok(oversized_rewind_to(stage->journal, SECTION - 1, 1)); /* later sections go */
    assert_ok(append_value(stage->journal, SECTION, 3, NULL));
    let_late_go(&worker);
    assert_false(is_compressed(stage, SECTION));
    assert_int_equal(late.position, 1);
    assert_int_equal(check_value(stage->journal, SECTION, 0), 3);
    assert_int_equal(check_value(stage->journal, SECTION, 1), 999);
    stage_reopen(stage);
    assert_int_equal(check_value(stage->journal, SECTION, 1), 999);
    assert_int_equal(check_value(stage->journal, SECTION - 1, 0), 1);
}

/* --- many threads --- */

static void append_many(worker_t *worker)
{
    const stage_t *stage = worker->context;
    stops = true;
    for (uint64_t i = 0; i < EACH; i++)
        if (!worker_ok(worker, append_value(stage->journal, SECTION, worker->number * EACH + i, NULL)))
            return;
}

static void threads_share_a_bounded_number_of_contexts(void **state)
{
    stage_t *stage = *state;
    static worker_t team[TEAM];
    static bool seen[TEAM * EACH];
    static uint64_t last[TEAM];
    open_with(stage, 3);
    assert_ok(append_value(stage->journal, SECTION, TEAM * EACH, NULL)); /* no file is opened from here on */
    atomic_store(&inside_most, 0);
    closed = true;
    size_t before = waits_begun();
    team_start(team, TEAM, append_many, stage);
    while (atomic_load(&inside) < SEGJ_ENCODERS_MOST || waits_begun() < before + TEAM - SEGJ_ENCODERS_MOST) {
        assert_true(atomic_load(&inside) <= SEGJ_ENCODERS_MOST);
        sched_yield();
    }
    pthread_mutex_lock(&mutex);
    closed = false;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
    team_join(team, TEAM);
    assert_int_equal(atomic_load(&inside_most), SEGJ_ENCODERS_MOST);
    assert_int_equal(stage->journal->codec.encoders_made, SEGJ_ENCODERS_MOST);
    memset(seen, 0, sizeof seen);
    memset(last, 0, sizeof last);
    for (uint64_t position = 1; position <= TEAM * EACH; position++) {
        uint64_t id = check_value(stage->journal, SECTION, position);
        assert_true(id < TEAM * EACH && !seen[id]);
        assert_int_equal(last[id / EACH]++, id % EACH); /* a thread's own come in its order */
        seen[id] = true;
    }
}

/* --- batches --- */

/* Of a large one the rest is compressed under the lock. */
static void a_batch_of_any_size_is_stored_as_it_is(void **state)
{
    enum { COUNT = 7, LARGE = 4 << 20 };
    stage_t *stage = *state;
    oversized_record_t records[COUNT];
    uint8_t entries[COUNT][SMALL_ENTRY];
    uint8_t *values = malloc((size_t)COUNT * LARGE);
    assert_non_null(values);
    open_with(stage, 1);
    for (size_t i = 0; i < COUNT; i++) {
        put_u64(entries[i], i);
        make_value(i, values + i * LARGE, LARGE);
        records[i] = (oversized_record_t){entries[i], values + i * LARGE, LARGE - i};
    }
    assert_ok(oversized_append_batch(stage->journal, SECTION, records, COUNT, NULL, NULL));
    segj_buffer_t value = {NULL, 0, 0};
    for (size_t i = 0; i < COUNT; i++) {
        uint8_t entry[SMALL_ENTRY];
        assert_ok(oversized_read(stage->journal, SECTION, i, entry, &value));
        assert_int_equal(get_u64(entry), i);
        assert_int_equal(value.size, LARGE - i);
        assert_memory_equal(value.data, values + i * LARGE, LARGE - i);
    }
    segj_buffer_free(&value);
    free(values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(others_append_beside_a_thread_that_compresses),
        STAGE_TEST(a_payload_is_left_alone_where_the_section_is_another_one),
        STAGE_TEST(threads_share_a_bounded_number_of_contexts),
        STAGE_TEST(a_batch_of_any_size_is_stored_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
