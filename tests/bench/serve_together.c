/*
 * bench/serve_together.c: the commands in which many threads append: each waits until its record is durable, or
 * goes on at once.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "serve.h"

#define THREADS_MOST 256

typedef struct together {
    bench_server_t *server;
    pthread_mutex_t mutex; /* for engines whose calls exclude each other */
    uint64_t next;         /* of those */
    uint64_t first, each;  /* positions, and how many a thread appends */
    double *times;         /* of every record; NULL: nobody asks */
    bool (*append)(struct together *together, unsigned thread, uint64_t position);
} together_t;

typedef struct member {
    together_t *together;
    uint64_t number;
    pthread_t thread;
    bool good;
    char failure[256]; /* which is the thread's own */
} member_t;

static bench_record_t record_at(const together_t *together, uint64_t position)
{
    const bench_server_t *server = together->server;
    return (bench_record_t){position, bench_server_value(server, position), server->setup.value_size};
}

/* Where calls exclude each other, records come in order: some engines want that. */
static bool append_durably(together_t *together, unsigned thread, uint64_t position)
{
    (void)thread;
    const bench_engine_t *engine = together->server->engine;
    void *store = together->server->store;
    if (engine->append_durable != NULL) {
        bench_record_t record = record_at(together, position);
        return engine->append_durable(store, &record);
    }
    (void)pthread_mutex_lock(&together->mutex);
    bench_record_t record = record_at(together, together->next++);
    bool good = engine->append(store, &record, 1) && engine->sync(store);
    (void)pthread_mutex_unlock(&together->mutex);
    return good;
}

static bool append_apart(together_t *together, unsigned thread, uint64_t position)
{
    bench_record_t record = record_at(together, position);
    return together->server->engine->append_apart(together->server->store, thread, &record);
}

static bool append_plainly(together_t *together, unsigned thread, uint64_t position)
{
    (void)thread;
    const bench_engine_t *engine = together->server->engine;
    void *store = together->server->store;
    if (engine->append_beside != NULL) {
        bench_record_t record = record_at(together, position);
        return engine->append_beside(store, &record);
    }
    (void)pthread_mutex_lock(&together->mutex);
    bench_record_t record = record_at(together, together->next++);
    bool good = engine->append(store, &record, 1);
    (void)pthread_mutex_unlock(&together->mutex);
    return good;
}

static void *append_each(void *argument)
{
    member_t *member = argument;
    together_t *together = member->together;
    member->good = true;
    for (uint64_t i = 0; i < together->each && member->good; i++) {
        uint64_t number = member->number * together->each + i;
        double start = together->times != NULL ? bench_now() : 0;
        member->good = together->append(together, (unsigned)member->number, together->first + number);
        if (together->times != NULL)
            together->times[number] = bench_now() - start;
    }
    if (!member->good)
        (void)snprintf(member->failure, sizeof member->failure, "%s", bench_failure());
    return NULL;
}

static bool run_threads(together_t *together, unsigned count, double *seconds)
{
    static member_t members[THREADS_MOST];
    unsigned started = 0;
    bool good = true;
    double start = bench_now();
    while (started < count && good) {
        members[started] = (member_t){.together = together, .number = started};
        good = pthread_create(&members[started].thread, NULL, append_each, &members[started]) == 0;
        started += good;
    }
    good = good || bench_fail("no thread");
    for (unsigned i = 0; i < started; i++) {
        (void)pthread_join(members[i].thread, NULL);
        if (!members[i].good)
            good = bench_fail("%s", members[i].failure);
    }
    *seconds = bench_now() - start;
    return good;
}

/* Records came in any order, so that only what they have in common is looked at: how many, and their bytes. */
typedef struct sums {
    uint64_t count, bytes, marks;
} sums_t;

static uint64_t mark_of(const void *value)
{
    uint64_t mark;
    memcpy(&mark, value, sizeof mark);
    return mark;
}

static bool add_value(void *context, uint64_t position, const void *value, size_t size)
{
    sums_t *sums = context;
    (void)position;
    if (size < sizeof(uint64_t))
        return bench_fail("a value of %zu bytes", size);
    sums->count++;
    sums->bytes += size;
    sums->marks += mark_of(value);
    return true;
}

static bool check_sums(bench_server_t *server, uint64_t total)
{
    sums_t found = {0, 0, 0};
    sums_t expected = {total, total * server->setup.value_size, 0};
    for (uint64_t i = 0; i < total; i++)
        expected.marks += mark_of(bench_server_value(server, i));
    if (!bench_server_close(server) || !bench_server_reader(server, 0) ||
        !server->engine->scan(server->readers[0], add_value, &found))
        return false;
    return memcmp(&found, &expected, sizeof found) == 0 ||
           bench_fail("%" PRIu64 " records of %" PRIu64 " bytes where %" PRIu64 " of %" PRIu64 " were expected",
                      found.count, found.bytes, expected.count, expected.bytes);
}

static int compare_doubles(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* THREADS FIRST COUNT SIZE; false: this cannot be done. */
static bool prepare(together_t *together, bench_server_t *server, char *const *words, unsigned *threads)
{
    *threads = (unsigned)bench_number(words[0]);
    uint64_t count = bench_number(words[2]);
    if (*threads < 1 || *threads > THREADS_MOST || count < *threads)
        return false;
    *together = (together_t){.server = server,
                             .mutex = PTHREAD_MUTEX_INITIALIZER,
                             .first = bench_number(words[1]),
                             .next = bench_number(words[1]),
                             .each = count / *threads};
    server->setup.value_size = (size_t)bench_number(words[3]);
    return true;
}

bench_answer_t bench_serve_crowd(bench_server_t *server, char *const *words)
{
    unsigned threads;
    together_t together;
    if (!prepare(&together, server, words, &threads))
        return BENCH_NONE;
    together.append = append_plainly;
    bool good = bench_server_open(server, false, false) && run_threads(&together, threads, &server->seconds) &&
                server->engine->sync(server->store) && check_sums(server, together.first + together.each * threads) &&
                bench_server_close(server);
    return good ? BENCH_TIMED : BENCH_FAILED;
}

/* What each thread has appended lies apart, and is not read back. */
bench_answer_t bench_serve_apart(bench_server_t *server, char *const *words)
{
    unsigned threads;
    together_t together;
    if (server->engine->append_apart == NULL || !prepare(&together, server, words, &threads))
        return BENCH_NONE;
    together.append = append_apart;
    bool good = bench_server_open(server, false, false) && run_threads(&together, threads, &server->seconds) &&
                bench_server_close(server);
    return good ? BENCH_TIMED : BENCH_FAILED;
}

/* PARTS FIRST COUNT SIZE: one thread, to one part after the other. */
bench_answer_t bench_serve_turns(bench_server_t *server, char *const *words)
{
    uint64_t parts = bench_number(words[0]);
    uint64_t first = bench_number(words[1]);
    uint64_t count = bench_number(words[2]);
    if (server->engine->append_apart == NULL || parts < 1 || !bench_server_open(server, false, false))
        return BENCH_NONE;
    server->setup.value_size = (size_t)bench_number(words[3]);
    bool good = true;
    double start = bench_now();
    for (uint64_t i = 0; i < count && good; i++) {
        bench_record_t record = {first + i, bench_value(server->pool, first + i), server->setup.value_size};
        good = server->engine->append_apart(server->store, (unsigned)(i % parts), &record);
    }
    server->seconds = bench_now() - start;
    return good && bench_server_close(server) ? BENCH_TIMED : BENCH_FAILED;
}

bench_answer_t bench_serve_together(bench_server_t *server, char *const *words)
{
    unsigned threads;
    together_t together;
    if (!prepare(&together, server, words, &threads))
        return BENCH_NONE;
    uint64_t count = together.each * threads;
    double seconds = 0;
    together.append = append_durably;
    together.times = calloc((size_t)count, sizeof *together.times);
    bool good = together.times != NULL && bench_server_open(server, false, false) &&
                run_threads(&together, threads, &seconds) && check_sums(server, together.first + count) &&
                bench_server_close(server);
    if (good) {
        qsort(together.times, (size_t)count, sizeof *together.times, compare_doubles);
        (void)snprintf(server->text, sizeof server->text, "%.9f %.9f", seconds, together.times[count * 99 / 100]);
    }
    free(together.times);
    return good ? BENCH_OK : BENCH_FAILED;
}
