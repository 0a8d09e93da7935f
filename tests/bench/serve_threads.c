/*
 * bench/serve_threads.c: the commands in which several threads work at a time.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "interpose.h"
#include "serve.h"

/* --- random --- */

typedef struct random_reads {
    const bench_engine_t *engine;
    void *reader;
    uint64_t count, total, state, sum;
    bool good;
} random_reads_t;

static void *read_randomly(void *argument)
{
    random_reads_t *reads = argument;
    reads->good = true;
    for (uint64_t i = 0; i < reads->count && reads->good; i++) {
        const void *value;
        size_t size;
        reads->good = reads->engine->read(reads->reader, bench_random(&reads->state) % reads->total, &value, &size);
        if (reads->good)
            reads->sum ^= bench_consume(value, size);
    }
    return NULL;
}

static volatile uint64_t consumed;

bench_answer_t bench_serve_random(bench_server_t *server, char *const *words)
{
    random_reads_t reads[BENCH_THREADS];
    pthread_t threads[BENCH_THREADS];
    uint64_t count = bench_number(words[0]), seed = bench_number(words[2]);
    unsigned used = (unsigned)bench_number(words[3]);
    if (used < 1 || used > BENCH_THREADS)
        return BENCH_NONE;
    for (unsigned i = 0; i < used; i++) {
        if (!bench_server_reader(server, i))
            return BENCH_FAILED;
        reads[i] = (random_reads_t){server->engine,
                                    server->readers[i],
                                    count / used,
                                    bench_number(words[1]),
                                    bench_random_of_thread(seed, i),
                                    0,
                                    false};
    }
    uint64_t before[BENCH_COUNTERS];
    bench_take_counts(before); /* what opening readers took is not counted */
    double start = bench_now();
    unsigned started = 0;
    while (started + 1 < used && pthread_create(&threads[started], NULL, read_randomly, &reads[started + 1]) == 0)
        started++;
    (void)read_randomly(&reads[0]);
    bool good = reads[0].good && started + 1 == used;
    for (unsigned i = 0; i < started; i++) {
        (void)pthread_join(threads[i], NULL);
        good = good && reads[i + 1].good;
    }
    server->seconds = bench_now() - start;
    for (unsigned i = 0; i < used; i++)
        consumed ^= reads[i].sum;
    return good ? BENCH_TIMED : BENCH_FAILED;
}

/* --- beside --- */

typedef struct paced {
    bench_server_t *server;
    uint64_t next, batch;
    long nanoseconds;
    atomic_bool stop;
    bool good;
} paced_t;

static void add_nanoseconds(struct timespec *at, long nanoseconds)
{
    at->tv_nsec += nanoseconds;
    at->tv_sec += at->tv_nsec / 1000000000;
    at->tv_nsec %= 1000000000;
}

/* One batch at each tick; a batch that takes longer delays the ticks behind it. */
static void *append_paced(void *argument)
{
    paced_t *paced = argument;
    const bench_server_t *server = paced->server;
    struct timespec tick, now;
    (void)clock_gettime(CLOCK_MONOTONIC, &tick);
    while (paced->good && !atomic_load(&paced->stop)) {
        for (uint64_t i = 0; i < paced->batch && paced->good; i++) {
            bench_record_t record = {paced->next, bench_server_value(server, paced->next), server->setup.value_size};
            paced->good = server->engine->append(server->store, &record, 1);
            paced->next++;
        }
        paced->good = paced->good && server->engine->sync(server->store);
        add_nanoseconds(&tick, paced->nanoseconds);
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec > tick.tv_sec || (now.tv_sec == tick.tv_sec && now.tv_nsec > tick.tv_nsec))
            tick = now;
        else
            (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &tick, NULL);
    }
    return NULL;
}

bench_answer_t bench_serve_beside(bench_server_t *server, char *const *words)
{
    if ((server->engine->can & BENCH_BESIDE) == 0)
        return BENCH_NONE;
    uint64_t total = bench_number(words[1]);
    server->setup.value_size = (size_t)bench_number(words[3]);
    pthread_t thread;
    paced_t paced = {.server = server,
                     .next = total,
                     .batch = bench_number(words[4]),
                     .nanoseconds = (long)bench_number(words[5]) * 1000000,
                     .good = true};
    atomic_init(&paced.stop, false);
    if (!bench_server_open(server, false, true) || !bench_server_reader(server, 0))
        return BENCH_FAILED;
    random_reads_t reads = {
        server->engine, server->readers[0], bench_number(words[0]), total, bench_number(words[2]), 0, false};
    if (pthread_create(&thread, NULL, append_paced, &paced) != 0) {
        (void)bench_fail("no thread");
        return BENCH_FAILED;
    }
    double start = bench_now();
    (void)read_randomly(&reads);
    double seconds = bench_now() - start;
    atomic_store(&paced.stop, true);
    (void)pthread_join(thread, NULL);
    consumed ^= reads.sum;
    (void)snprintf(server->text, sizeof server->text, "%.9f %" PRIu64, seconds, paced.next - total);
    return reads.good && paced.good ? BENCH_OK : BENCH_FAILED;
}

/* --- latency --- */

typedef struct syncing {
    bench_server_t *server;
    atomic_bool stop;
    uint64_t syncs;
    bool good;
} syncing_t;

static void *sync_always(void *argument)
{
    syncing_t *syncing = argument;
    while (syncing->good && !atomic_load(&syncing->stop)) {
        syncing->good = syncing->server->engine->sync_beside(syncing->server->store);
        syncing->syncs++;
    }
    return NULL;
}

static int compare_doubles(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static bool append_timed(bench_server_t *server, uint64_t first, uint64_t count, double *each)
{
    for (uint64_t i = 0; i < count; i++) {
        bench_record_t record = {first + i, bench_server_value(server, first + i), server->setup.value_size};
        double start = bench_now();
        if (!server->engine->append(server->store, &record, 1))
            return false;
        each[i] = bench_now() - start;
    }
    return true;
}

bench_answer_t bench_serve_latency(bench_server_t *server, char *const *words)
{
    if (server->engine->sync_beside == NULL)
        return BENCH_NONE;
    uint64_t count = bench_number(words[1]);
    server->setup.value_size = (size_t)bench_number(words[2]);
    double *each = calloc((size_t)count + 1, sizeof *each);
    syncing_t syncing = {.server = server, .good = true};
    atomic_init(&syncing.stop, false);
    pthread_t thread;
    bool good = each != NULL && bench_server_open(server, false, true);
    if (good && pthread_create(&thread, NULL, sync_always, &syncing) == 0) {
        good = append_timed(server, bench_number(words[0]), count, each);
        atomic_store(&syncing.stop, true);
        (void)pthread_join(thread, NULL);
        good = good && syncing.good && server->engine->sync(server->store);
    } else {
        good = bench_fail("no memory or no thread");
    }
    if (good) {
        qsort(each, (size_t)count, sizeof *each, compare_doubles);
        (void)snprintf(server->text, sizeof server->text, "%.9f %.9f %.9f %.9f %" PRIu64, each[count / 2],
                       each[count * 99 / 100], each[count * 999 / 1000], each[count - 1], syncing.syncs);
    }
    free(each);
    return good ? BENCH_OK : BENCH_FAILED;
}
