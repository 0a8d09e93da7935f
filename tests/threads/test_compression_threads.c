/*
 * threads/test_compression_threads.c: more threads for one append (oversized_config_t.compression_threads): the values
 * of a batch, and one large value, come back whoever compressed them; the threads are made when they are needed, and
 * end with the journal; who finds them at work, or cannot have them, does without.
 *
 * LINK_WRAP: ZSTD_compressCCtx ZSTD_compress2 ZSTD_createCCtx ZSTD_CCtx_setParameter pthread_create pthread_join
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "oversized/section/crew.h"
#include "oversized/section/journal.h"
#include "threads/stage.h"

enum { SECTION = 5, THREADS = 3, BATCH = 40, SIZE = 4096, LARGE = 5 << 20, LOG_LEVELS = 4, ROUNDS = 20, TEAM = 4 };

/* --- what zstd is asked for --- */

size_t __wrap_ZSTD_compressCCtx(ZSTD_CCtx *context, void *to, size_t capacity, const void *from, size_t size,
                                int level);
size_t __real_ZSTD_compressCCtx(ZSTD_CCtx *context, void *to, size_t capacity, const void *from, size_t size,
                                int level);
size_t __wrap_ZSTD_compress2(ZSTD_CCtx *context, void *to, size_t capacity, const void *from, size_t size);
size_t __real_ZSTD_compress2(ZSTD_CCtx *context, void *to, size_t capacity, const void *from, size_t size);
ZSTD_CCtx *__wrap_ZSTD_createCCtx(void);
ZSTD_CCtx *__real_ZSTD_createCCtx(void);
size_t __wrap_ZSTD_CCtx_setParameter(ZSTD_CCtx *context, ZSTD_cParameter parameter, int value);
size_t __real_ZSTD_CCtx_setParameter(ZSTD_CCtx *context, ZSTD_cParameter parameter, int value);

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned expected_at_once; /* so many must be in zstd before one of them goes on; 0: nobody waits */
static unsigned inside;
static bool closed;                 /* the journal's threads stand still in zstd */
static atomic_size_t refused;       /* of values still to come: this one is refused; 0: none */
static atomic_uint wide, alone;     /* values by zstd's threads, and by one */
static atomic_bool no_context;      /* for the journal's threads */
static atomic_bool no_next_context; /* for the test\'s own thread */
static atomic_bool no_threads;      /* in zstd */
static pthread_t main_thread;

static bool is_theirs(void)
{
    return !pthread_equal(pthread_self(), main_thread);
}

static void meet(void)
{
    pthread_mutex_lock(&mutex);
    if (expected_at_once > 0 && ++inside >= expected_at_once) {
        expected_at_once = 0;
        pthread_cond_broadcast(&changed);
    }
    while (expected_at_once > 0 || (closed && is_theirs()))
        test_wait(&changed, &mutex);
    pthread_mutex_unlock(&mutex);
}

size_t __wrap_ZSTD_compressCCtx(ZSTD_CCtx *context, void *to, size_t capacity, const void *from, size_t size, int level)
{
    meet();
    atomic_fetch_add(&alone, 1);
    if (atomic_load(&refused) > 0 && atomic_fetch_sub(&refused, 1) == 1)
        return __real_ZSTD_compressCCtx(context, to, 1, from, size, level);
    return __real_ZSTD_compressCCtx(context, to, capacity, from, size, level);
}

size_t __wrap_ZSTD_compress2(ZSTD_CCtx *context, void *to, size_t capacity, const void *from, size_t size)
{
    meet();
    atomic_fetch_add(&wide, 1);
    return __real_ZSTD_compress2(context, to, capacity, from, size);
}

ZSTD_CCtx *__wrap_ZSTD_createCCtx(void)
{
    if (atomic_load(&no_context) && is_theirs())
        return NULL;
    if (atomic_load(&no_next_context) && !is_theirs()) {
        atomic_store(&no_next_context, false);
        return NULL;
    }
    return __real_ZSTD_createCCtx();
}

size_t __wrap_ZSTD_CCtx_setParameter(ZSTD_CCtx *context, ZSTD_cParameter parameter, int value)
{
    if (parameter == ZSTD_c_nbWorkers && atomic_load(&no_threads))
        return (size_t)-1; /* an error to ZSTD_isError() */
    return __real_ZSTD_CCtx_setParameter(context, parameter, value);
}

/* --- the journal's threads, counted (zstd's own are made within its library) --- */

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *context);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *context);
int __wrap_pthread_join(pthread_t thread, void **result);
int __real_pthread_join(pthread_t thread, void **result);

static atomic_uint made, joined;
static atomic_uint allowed; /* threads that may still be made */
static sigset_t inherited;  /* blocked signals of the thread made last */

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *context)
{
    if (atomic_load(&allowed) == 0)
        return EAGAIN;
    atomic_fetch_sub(&allowed, 1);
    atomic_fetch_add(&made, 1);
    (void)pthread_sigmask(SIG_SETMASK, NULL, &inherited);
    return __real_pthread_create(thread, attributes, run, context);
}

int __wrap_pthread_join(pthread_t thread, void **result)
{
    atomic_fetch_add(&joined, 1);
    return __real_pthread_join(thread, result);
}

/* --- values --- */

static void make_value(uint64_t id, uint8_t *value, size_t size)
{
    uint64_t random = id;
    for (size_t i = 0; i < size; i++)
        value[i] = i % 16 == 0 ? (uint8_t)next_random(&random) : (uint8_t)("a journal of values"[(i + id) % 19]);
    put_u64(value, id);
}

typedef struct batch {
    size_t count, size;
    uint8_t *values, *entries;
    oversized_record_t *records;
} batch_t;

static void *take(size_t size)
{
    void *memory = malloc(size);
    if (memory == NULL)
        abort();
    return memory;
}

static batch_t make_batch(uint64_t first, size_t count, size_t size)
{
    batch_t batch = {count, size, take(count * size), take(count * SMALL_ENTRY), take(count * sizeof *batch.records)};
    for (size_t i = 0; i < count; i++) {
        put_u64(batch.entries + i * SMALL_ENTRY, first + i);
        make_value(first + i, batch.values + i * size, size);
        batch.records[i] =
            (oversized_record_t){batch.entries + i * SMALL_ENTRY, batch.values + i * size, size - (i % 7)};
    }
    return batch;
}

static void free_batch(batch_t *batch)
{
    free(batch->values);
    free(batch->entries);
    free(batch->records);
}

static segj_status_t append_batch(oversized_t *journal, uint64_t section, const batch_t *batch)
{
    return oversized_append_batch(journal, section, batch->records, batch->count, NULL, NULL);
}

static void check_batch(oversized_t *journal, uint64_t section, uint64_t first, const batch_t *batch)
{
    segj_buffer_t value = {NULL, 0, 0};
    for (size_t i = 0; i < batch->count; i++) {
        uint8_t entry[SMALL_ENTRY];
        assert_ok(oversized_read(journal, section, first + i, entry, &value));
        assert_memory_equal(entry, batch->records[i].entry, SMALL_ENTRY);
        assert_int_equal(value.size, batch->records[i].size);
        assert_memory_equal(value.data, batch->records[i].value, value.size);
    }
    segj_buffer_free(&value);
}

static bool exists(oversized_t *journal, uint64_t section)
{
    bool answer = false;
    assert_ok(oversized_section_exists(journal, section, &answer));
    return answer;
}

static void append_and_check(oversized_t *journal, uint64_t section, size_t count, size_t size)
{
    uint64_t before = 0;
    batch_t batch = make_batch(100, count, size);
    if (exists(journal, section))
        assert_ok(oversized_count(journal, section, &before));
    assert_ok(append_batch(journal, section, &batch));
    check_batch(journal, section, before, &batch);
    free_batch(&batch);
}

static void check_count(oversized_t *journal, uint64_t section, uint64_t expected)
{
    uint64_t count = 0;
    assert_ok(oversized_count(journal, section, &count));
    assert_int_equal(count, expected);
}

static int set_up(void **state)
{
    stage_set_up(state);
    stage_t *stage = *state;
    stage->config.compression = 3;
    stage->config.max_value_size = OVERSIZED_VALUE_MAX;
    stage->config.compression_threads = THREADS;
    stage_reopen(stage);
    main_thread = pthread_self();
    expected_at_once = inside = 0;
    closed = false;
    atomic_store(&refused, 0);
    atomic_store(&no_context, false);
    atomic_store(&no_threads, false);
    atomic_store(&no_next_context, false);
    atomic_store(&made, 0);
    atomic_store(&joined, 0);
    atomic_store(&wide, 0);
    atomic_store(&alone, 0);
    atomic_store(&allowed, 1000);
    return 0;
}

#define CREW_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, stage_tear_down)

/* --- batches --- */

/* Nobody compresses a value before all have one. */
static void all_threads_compress_a_batch_at_the_same_time(void **state)
{
    stage_t *stage = *state;
    expected_at_once = THREADS;
    append_and_check(stage->journal, SECTION, BATCH, SIZE);
    assert_int_equal(expected_at_once, 0);
    assert_int_equal(atomic_load(&made), THREADS - 1);
    for (unsigned i = 0; i < ROUNDS; i++)
        append_and_check(stage->journal, SECTION, BATCH + i, SIZE);
    assert_int_equal(atomic_load(&made), THREADS - 1);
    assert_ok(oversized_sync(stage->journal, SECTION));
    stage_reopen(stage);
    assert_int_equal(atomic_load(&joined), THREADS - 1);
    check_count(stage->journal, SECTION, BATCH + ROUNDS * BATCH + ROUNDS * (ROUNDS - 1) / 2);
}

static void small_batches_and_values_wake_nobody(void **state)
{
    stage_t *stage = *state;
    append_and_check(stage->journal, SECTION, BATCH, SEGJ_CREW_BATCH_LEAST / BATCH - 1);
    append_and_check(stage->journal, SECTION, 1, SEGJ_CREW_VALUE_LEAST - 1);
    assert_int_equal(atomic_load(&made), 0);
    assert_int_equal(atomic_load(&wide), 0);
    append_and_check(stage->journal, SECTION, 20, SEGJ_CREW_BATCH_LEAST / 20 + 8);
    assert_int_equal(atomic_load(&made), THREADS - 1);
    for (uint32_t threads = 0; threads < 2; threads++) {
        stage->config.compression_threads = threads;
        stage_reopen(stage);
        append_and_check(stage->journal, SECTION, BATCH, SIZE);
        append_and_check(stage->journal, SECTION, 1, LARGE);
    }
    assert_int_equal(atomic_load(&made), THREADS - 1);
    assert_int_equal(atomic_load(&wide), 0);
}

/* What does not fit into memory at a time is compressed in several rounds, the later ones under the change lock. */
static void a_batch_beyond_one_round_is_whole(void **state)
{
    stage_t *stage = *state;
    append_and_check(stage->journal, SECTION, 900, 50000);
    append_and_check(stage->journal, SECTION, 7, LARGE);
    append_and_check(stage->journal, SECTION, 3, 20 << 20);
    assert_int_equal(atomic_load(&wide), 3); /* those of 20 MiB, of which each is a round by itself */
}

typedef struct second {
    stage_t *stage;
    batch_t batch;
} second_t;

static void append_first(worker_t *worker)
{
    second_t *second = worker->context;
    (void)worker_ok(worker, append_batch(second->stage->journal, SECTION + 1, &second->batch));
}

/* The first batch's threads, this one among them, stand still in zstd. */
static void a_batch_that_finds_the_threads_at_work_does_without(void **state)
{
    stage_t *stage = *state;
    second_t first = {stage, make_batch(5000, BATCH, SIZE)};
    worker_t worker;
    atomic_store(&allowed, THREADS); /* the worker's too */
    closed = true;
    team_start(&worker, 1, append_first, &first);
    segj_lock(&stage->journal->codec.crew.lock);
    while (!stage->journal->codec.crew.busy) {
        segj_unlock(&stage->journal->codec.crew.lock);
        segj_lock(&stage->journal->codec.crew.lock);
    }
    segj_unlock(&stage->journal->codec.crew.lock);
    append_and_check(stage->journal, SECTION, BATCH, SIZE);
    assert_false(exists(stage->journal, SECTION + 1));
    pthread_mutex_lock(&mutex);
    closed = false;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
    team_join(&worker, 1);
    check_batch(stage->journal, SECTION + 1, 0, &first.batch);
    free_batch(&first.batch);
}

static void append_batches(worker_t *worker)
{
    const stage_t *stage = worker->context;
    for (uint64_t i = 0; i < ROUNDS; i++) {
        batch_t batch = make_batch(worker->number * ROUNDS + i, BATCH, SIZE);
        bool good = worker_ok(worker, append_batch(stage->journal, SECTION + worker->number, &batch));
        free_batch(&batch);
        if (!good)
            return;
    }
}

static void batches_of_several_threads_all_come_back(void **state)
{
    stage_t *stage = *state;
    worker_t team[TEAM];
    team_run(team, TEAM, append_batches, stage);
    for (uint64_t number = 0; number < TEAM; number++) {
        for (uint64_t i = 0; i < ROUNDS; i++) {
            batch_t batch = make_batch(number * ROUNDS + i, BATCH, SIZE);
            check_batch(stage->journal, SECTION + number, i * BATCH, &batch);
            free_batch(&batch);
        }
    }
}

/* --- failures --- */

/* Whichever thread meets it. */
static void a_value_that_cannot_be_compressed_fails_its_batch_alone(void **state)
{
    stage_t *stage = *state;
    batch_t batch = make_batch(100, BATCH, SIZE);
    append_and_check(stage->journal, SECTION, BATCH, SIZE);
    for (size_t i = 1; i <= BATCH; i++) {
        atomic_store(&refused, i);
        assert_status(append_batch(stage->journal, SECTION, &batch), SEGJ_ERR_COMPRESSION);
        assert_non_null(strstr(segj_last_error(), "zstd could not compress a value of 40"));
        atomic_store(&refused, 0);
        check_count(stage->journal, SECTION, BATCH);
    }
    assert_ok(append_batch(stage->journal, SECTION, &batch));
    check_batch(stage->journal, SECTION, BATCH, &batch);
    free_batch(&batch);
}

static void a_thread_without_memory_fails_the_batch(void **state)
{
    stage_t *stage = *state;
    batch_t batch = make_batch(100, BATCH, SIZE);
    atomic_store(&no_context, true);
    segj_status_t status;
    do /* this thread may be through before another one wakes */
        status = append_batch(stage->journal, SECTION, &batch);
    while (status == SEGJ_OK);
    assert_int_equal(status, SEGJ_ERR_MEMORY);
    assert_non_null(strstr(segj_last_error(), "out of memory: zstd"));
    atomic_store(&no_context, false);
    uint64_t count = 0;
    if (exists(stage->journal, SECTION))
        assert_ok(oversized_count(stage->journal, SECTION, &count));
    assert_int_equal(count % BATCH, 0);
    assert_ok(append_batch(stage->journal, SECTION, &batch));
    check_batch(stage->journal, SECTION, count, &batch);
    free_batch(&batch);
}

static void count_line(void *context, segj_log_level_t level, const char *message)
{
    unsigned *lines = context;
    (void)message;
    lines[level]++;
}

static void watch_lines(stage_t *stage, unsigned *lines)
{
    stage->config.log = count_line;
    stage->config.log_context = lines;
    stage_reopen(stage);
    memset(lines, 0, LOG_LEVELS * sizeof *lines);
}

static void with_fewer_threads_batches_go_on_and_one_line_says_so(void **state)
{
    stage_t *stage = *state;
    static unsigned lines[LOG_LEVELS]; /* the journal tells as long as it is open */
    for (unsigned some = 0; some < THREADS - 1; some++) {
        watch_lines(stage, lines);
        atomic_store(&made, 0);
        atomic_store(&joined, 0);
        atomic_store(&allowed, some);
        for (unsigned i = 0; i < 3; i++)
            append_and_check(stage->journal, SECTION, BATCH, SIZE);
        assert_int_equal(lines[SEGJ_LOG_WARNING], 1);
        assert_int_equal(atomic_load(&made), some);
        stage_reopen(stage);
        assert_int_equal(atomic_load(&joined), some);
    }
}

static void threads_take_no_signals(void **state)
{
    static const int signals[] = {SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGCHLD, SIGPIPE};
    stage_t *stage = *state;
    sigset_t before;
    sigset_t after;
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &before), 0);
    append_and_check(stage->journal, SECTION, BATCH, SIZE);
    append_and_check(stage->journal, SECTION, 1, LARGE);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &after), 0);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        assert_int_equal(sigismember(&inherited, signals[i]), 1);
        assert_int_equal(sigismember(&after, signals[i]), sigismember(&before, signals[i]));
    }
}

/* --- large values --- */

static void a_large_value_is_shared_and_comes_back(void **state)
{
    stage_t *stage = *state;
    append_and_check(stage->journal, SECTION, 1, SEGJ_CREW_VALUE_LEAST);
    append_and_check(stage->journal, SECTION, 1, LARGE);
    append_and_check(stage->journal, SECTION, 1, 40 << 20);
    assert_int_equal(atomic_load(&wide), 3);
    assert_int_equal(atomic_load(&alone), 0);
    assert_int_equal(atomic_load(&made), 0);
    segj_slice_t pieces[2];
    uint8_t entry[SMALL_ENTRY] = {0};
    uint8_t *bytes = take(LARGE);
    segj_buffer_t value = {NULL, 0, 0};
    make_value(9, bytes, LARGE);
    pieces[0] = (segj_slice_t){bytes, LARGE / 3};
    pieces[1] = (segj_slice_t){bytes + LARGE / 3, LARGE - LARGE / 3};
    assert_ok(oversized_appendv(stage->journal, SECTION, entry, pieces, 2, NULL, NULL));
    assert_int_equal(atomic_load(&wide), 4);
    assert_ok(oversized_read(stage->journal, SECTION, 3, NULL, &value));
    assert_int_equal(value.size, LARGE);
    assert_memory_equal(value.data, bytes, LARGE);
    segj_buffer_free(&value);
    free(bytes);
}

static void where_zstd_has_no_threads_one_line_says_so(void **state)
{
    stage_t *stage = *state;
    static unsigned lines[LOG_LEVELS]; /* the journal tells as long as it is open */
    watch_lines(stage, lines);
    atomic_store(&no_threads, true);
    for (unsigned i = 0; i < 3; i++)
        append_and_check(stage->journal, SECTION, 1, LARGE);
    assert_int_equal(atomic_load(&wide), 0);
    assert_int_equal(atomic_load(&alone), 3);
    assert_int_equal(lines[SEGJ_LOG_WARNING], 1);
}

static void without_memory_for_its_context_a_large_value_does_without(void **state)
{
    stage_t *stage = *state;
    atomic_store(&no_next_context, true);
    append_and_check(stage->journal, SECTION, 1, LARGE);
    assert_false(atomic_load(&no_next_context));
    assert_int_equal(atomic_load(&alone), 1);
    assert_int_equal(atomic_load(&wide), 0);
    append_and_check(stage->journal, SECTION, 1, LARGE);
    assert_int_equal(atomic_load(&wide), 1);
}

/* --- streams --- */

static void check_stored(oversized_t *journal, uint64_t position, const uint8_t *expected, size_t size)
{
    segj_buffer_t value = {NULL, 0, 0};
    assert_ok(oversized_read(journal, SECTION, position, NULL, &value));
    assert_int_equal(value.size, size);
    assert_memory_equal(value.data, expected, size);
    segj_buffer_free(&value);
}

static bool is_lent(const stage_t *stage)
{
    return stage->journal->codec.crew.wide_taken;
}

static oversized_writer_t *open_writer(stage_t *stage, uint64_t section, uint64_t size)
{
    uint8_t entry[SMALL_ENTRY] = {0};
    oversized_writer_t *writer = NULL;
    assert_ok(oversized_writer_open(stage->journal, section, entry, size, &writer));
    return writer;
}

static void write_in_pieces(oversized_writer_t *writer, const uint8_t *bytes, size_t size)
{
    for (size_t done = 0, part; done < size; done += part) {
        part = size - done < 300001 ? size - done : 300001;
        assert_ok(oversized_writer_write(writer, bytes + done, part));
    }
}

static void a_large_stream_is_shared_and_comes_back(void **state)
{
    static const uint64_t announced[] = {LARGE, OVERSIZED_SIZE_UNKNOWN, SEGJ_CREW_VALUE_LEAST - 1};
    stage_t *stage = *state;
    uint8_t *bytes = take(LARGE);
    make_value(3, bytes, LARGE);
    for (uint64_t i = 0; i < 3; i++) {
        size_t size = i == 2 ? (size_t)announced[i] : LARGE;
        oversized_writer_t *writer = open_writer(stage, SECTION, announced[i]);
        assert_int_equal(is_lent(stage), i < 2);
        write_in_pieces(writer, bytes, size);
        assert_ok(oversized_writer_finish(writer, NULL, NULL));
        assert_false(is_lent(stage));
        check_stored(stage->journal, i, bytes, size);
    }
    assert_ok(oversized_sync(stage->journal, SECTION));
    stage_reopen(stage);
    check_stored(stage->journal, 1, bytes, LARGE);
    free(bytes);
}

static void streams_and_values_beside_a_large_stream_do_without(void **state)
{
    stage_t *stage = *state;
    uint8_t *bytes = take(LARGE);
    make_value(4, bytes, LARGE);
    oversized_writer_t *first = open_writer(stage, SECTION, LARGE);
    oversized_writer_t *second = open_writer(stage, SECTION + 1, LARGE);
    write_in_pieces(first, bytes, LARGE / 2);
    write_in_pieces(second, bytes, LARGE / 2);
    append_and_check(stage->journal, SECTION + 2, 1, LARGE);
    assert_int_equal(atomic_load(&wide), 0);
    oversized_writer_abandon(second);
    assert_true(is_lent(stage));
    oversized_writer_abandon(first);
    assert_false(is_lent(stage));
    append_and_check(stage->journal, SECTION, 1, LARGE);
    assert_int_equal(atomic_load(&wide), 1);
    free(bytes);
}

/* A writer that could not be opened, and one that its journal does not outlive. */
static void a_stream_that_ends_early_leaves_nothing_behind(void **state)
{
    stage_t *stage = *state;
    uint8_t entry[SMALL_ENTRY] = {0};
    oversized_writer_t *writer = open_writer(stage, SECTION, LARGE);
    oversized_writer_t *refused_one = NULL;
    oversized_writer_abandon(writer);
    writer = open_writer(stage, SECTION, 10);
    assert_status(oversized_writer_open(stage->journal, SECTION, entry, LARGE, &refused_one), SEGJ_ERR_BUSY);
    assert_false(is_lent(stage));
    oversized_writer_abandon(writer);
    writer = open_writer(stage, SECTION, LARGE);
    oversized_abandon(stage->journal);
    oversized_writer_abandon(writer);
    assert_ok(oversized_open(&stage->config, &stage->journal));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CREW_TEST(all_threads_compress_a_batch_at_the_same_time),
        CREW_TEST(small_batches_and_values_wake_nobody),
        CREW_TEST(a_batch_beyond_one_round_is_whole),
        CREW_TEST(a_batch_that_finds_the_threads_at_work_does_without),
        CREW_TEST(batches_of_several_threads_all_come_back),
        CREW_TEST(a_value_that_cannot_be_compressed_fails_its_batch_alone),
        CREW_TEST(a_thread_without_memory_fails_the_batch),
        CREW_TEST(with_fewer_threads_batches_go_on_and_one_line_says_so),
        CREW_TEST(threads_take_no_signals),
        CREW_TEST(a_large_value_is_shared_and_comes_back),
        CREW_TEST(where_zstd_has_no_threads_one_line_says_so),
        CREW_TEST(without_memory_for_its_context_a_large_value_does_without),
        CREW_TEST(a_large_stream_is_shared_and_comes_back),
        CREW_TEST(streams_and_values_beside_a_large_stream_do_without),
        CREW_TEST(a_stream_that_ends_early_leaves_nothing_behind),
    };
    return cmocka_run_group_tests_name("compression_threads", tests, NULL, NULL);
}
