/*
 * bench/serve.c: see the header.
 */
#include "serve.h"

#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "interpose.h"

/* Records and bytes handed to an engine at a time. */
#define CHUNK_RECORDS 256
#define CHUNK_BYTES ((size_t)1 << 20)

#define WORDS_MAX 8
#define LINE_MAX_BYTES 512

/* --- failures --- */

static _Thread_local char failure[BENCH_TEXT];
static char failure_of_any[BENCH_TEXT];

bool bench_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(failure, sizeof failure, format, arguments);
    va_end(arguments);
    memcpy(failure_of_any, failure, sizeof failure_of_any);
    return false;
}

bool bench_fail_errno(const char *what)
{
    return bench_fail("%s: %s", what, strerror(errno));
}

const char *bench_failure(void)
{
    return failure[0] != '\0' ? failure : failure_of_any;
}

char *bench_path(const char *directory, const char *name)
{
    size_t size = strlen(directory) + strlen(name) + 2;
    char *path = malloc(size);
    if (path == NULL)
        (void)bench_fail("no memory");
    else
        (void)snprintf(path, size, "%s/%s", directory, name);
    return path;
}

double bench_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

uint64_t bench_number(const char *word)
{
    return strtoull(word, NULL, 10);
}

/* --- the store --- */

bool bench_server_open(bench_server_t *server, bool reading, bool immediate)
{
    if (server->store != NULL)
        return true;
    server->setup.reading = reading;
    server->setup.immediate = immediate;
    bool good = server->engine->open(server->engine, &server->setup, &server->store);
    server->setup.create = false;
    return good;
}

static void close_readers(bench_server_t *server)
{
    for (unsigned i = 0; i < BENCH_THREADS; i++) {
        if (server->readers[i] != NULL)
            server->engine->reader_close(server->readers[i]);
        server->readers[i] = NULL;
    }
}

bool bench_server_close(bench_server_t *server)
{
    close_readers(server);
    void *store = server->store;
    server->store = NULL;
    return store == NULL || server->engine->close(store);
}

static bool consume(void *context, uint64_t position, const void *value, size_t size)
{
    (void)position;
    *(uint64_t *)context ^= bench_consume(value, size);
    return true;
}

static volatile uint64_t consumed; /* so that the compiler keeps what was read */

bool bench_server_reader(bench_server_t *server, unsigned thread)
{
    uint64_t sum = 0;
    void **reader = &server->readers[thread];
    if (*reader != NULL)
        return true;
    if (!bench_server_open(server, true, false) || !server->engine->reader_open(server->store, true, reader))
        return false;
    bool good = server->engine->scan(*reader, consume, &sum);
    consumed = sum;
    return good;
}

/* --- commands --- */

static bench_answer_t run_options(bench_server_t *server, char *const *words)
{
    (void)words;
    (void)snprintf(server->text, sizeof server->text, "%s", server->engine->options);
    return BENCH_OK;
}

static bench_answer_t run_pool(bench_server_t *server, char *const *words)
{
    server->pool_kind = strcmp(words[0], "json") == 0     ? BENCH_POOL_JSON
                        : strcmp(words[0], "events") == 0 ? BENCH_POOL_EVENTS
                                                          : BENCH_POOL_RANDOM;
    server->pool = bench_pool(server->pool_kind);
    return server->pool != NULL ? BENCH_OK : BENCH_FAILED;
}

static bench_answer_t run_compress(bench_server_t *server, char *const *words)
{
    server->setup.compress = words[0][0] == '1';
    return !server->setup.compress || (server->engine->can & BENCH_COMPRESS) != 0 ? BENCH_OK : BENCH_NONE;
}

static bench_answer_t run_create(bench_server_t *server, char *const *words)
{
    server->setup.create = true;
    server->setup.value_size = (size_t)bench_number(words[0]);
    bench_record_t first = {0, bench_server_value(server, 0), server->setup.value_size};
    const bench_engine_t *engine = server->engine;
    bool good = bench_server_open(server, false, false) && engine->append(server->store, &first, 1) &&
                engine->sync(server->store);
    return good ? BENCH_OK : BENCH_FAILED;
}

static bool append_chunk(bench_server_t *server, uint64_t position, size_t count)
{
    bench_record_t records[CHUNK_RECORDS];
    for (size_t i = 0; i < count; i++)
        records[i] = (bench_record_t){position + i, bench_server_value(server, position + i), server->setup.value_size};
    return server->engine->append(server->store, records, count);
}

static uint64_t chunk_of(size_t size)
{
    return size * CHUNK_RECORDS > CHUNK_BYTES ? CHUNK_BYTES / size : CHUNK_RECORDS;
}

static bool append_and_sync(bench_server_t *server, uint64_t first, uint64_t count, uint64_t every)
{
    uint64_t most = chunk_of(server->setup.value_size);
    uint64_t until_sync = every;
    for (uint64_t done = 0, chunk; done < count; done += chunk) {
        chunk = count - done < most ? count - done : most;
        chunk = every != 0 && until_sync < chunk ? until_sync : chunk;
        if (!append_chunk(server, first + done, (size_t)chunk))
            return false;
        until_sync -= chunk;
        if ((every != 0 && until_sync == 0) || done + chunk == count) {
            if (!server->engine->sync(server->store))
                return false;
            until_sync = every;
        }
    }
    return true;
}

static bench_answer_t run_append(bench_server_t *server, char *const *words)
{
    server->setup.value_size = (size_t)bench_number(words[2]);
    if (!bench_server_open(server, false, false))
        return BENCH_FAILED;
    double start = bench_now();
    bool good = append_and_sync(server, bench_number(words[0]), bench_number(words[1]), bench_number(words[3]));
    server->seconds = bench_now() - start;
    return good ? BENCH_TIMED : BENCH_FAILED;
}

static bench_answer_t run_close(bench_server_t *server, char *const *words)
{
    (void)words;
    return bench_server_close(server) ? BENCH_OK : BENCH_FAILED;
}

static bench_answer_t run_end(bench_server_t *server, char *const *words)
{
    (void)words;
    double start = bench_now();
    bool good = bench_server_close(server);
    server->seconds = bench_now() - start;
    return good ? BENCH_TIMED : BENCH_FAILED;
}

static bench_answer_t run_open(bench_server_t *server, char *const *words)
{
    (void)words;
    if (!bench_server_close(server))
        return BENCH_FAILED;
    double start = bench_now();
    bool good = bench_server_open(server, true, false);
    server->seconds = bench_now() - start;
    return good ? BENCH_TIMED : BENCH_FAILED;
}

static bench_answer_t run_first(bench_server_t *server, char *const *words)
{
    const void *value;
    size_t size;
    void **reader = &server->readers[0];
    if (!bench_server_close(server))
        return BENCH_FAILED;
    double start = bench_now();
    bool good = bench_server_open(server, true, false) && server->engine->reader_open(server->store, false, reader) &&
                server->engine->read(*reader, bench_number(words[0]), &value, &size);
    if (good)
        consumed = bench_consume(value, size);
    server->seconds = bench_now() - start;
    return good && bench_server_close(server) ? BENCH_TIMED : BENCH_FAILED;
}

static bench_answer_t run_warm(bench_server_t *server, char *const *words)
{
    (void)words;
    return bench_server_reader(server, 0) ? BENCH_OK : BENCH_FAILED;
}

static bench_answer_t run_scan(bench_server_t *server, char *const *words)
{
    (void)words;
    uint64_t sum = 0;
    if (!bench_server_reader(server, 0))
        return BENCH_FAILED;
    double start = bench_now();
    bool good = server->engine->scan(server->readers[0], consume, &sum);
    server->seconds = bench_now() - start;
    consumed = sum;
    return good ? BENCH_TIMED : BENCH_FAILED;
}

static bool add_entry(void *context, uint64_t position, const void *value, size_t size)
{
    uint64_t *sums = context;
    (void)value;
    sums[0] += position;
    sums[1] += size;
    return true;
}

static bench_answer_t run_replay(bench_server_t *server, char *const *words)
{
    uint64_t total = bench_number(words[0]), sums[2] = {0, 0};
    if (server->engine->replay == NULL)
        return BENCH_NONE;
    if (server->readers[0] == NULL && !(bench_server_open(server, true, false) &&
                                        server->engine->reader_open(server->store, false, &server->readers[0])))
        return BENCH_FAILED;
    double start = bench_now();
    bool good = server->engine->replay(server->readers[0], add_entry, sums);
    server->seconds = bench_now() - start;
    if (good && sums[0] != total * (total - 1) / 2)
        good = bench_fail("the entries add up to %" PRIu64, sums[0]);
    consumed = sums[1];
    return good ? BENCH_TIMED : BENCH_FAILED;
}

/* --- verify --- */

typedef struct check {
    const bench_server_t *server;
    uint64_t next;
    size_t size;
} check_t;

static bool check_value(void *context, uint64_t position, const void *value, size_t size)
{
    check_t *check = context;
    if (position != check->next)
        return bench_fail("record %" PRIu64 " where %" PRIu64 " was expected", position, check->next);
    if (size != check->size || memcmp(value, bench_server_value(check->server, position), size) != 0)
        return bench_fail("record %" PRIu64 ": a wrong value of %zu bytes", position, size);
    check->next++;
    return true;
}

static bench_answer_t run_verify(bench_server_t *server, char *const *words)
{
    uint64_t total = bench_number(words[0]), state = 7;
    check_t check = {server, 0, (size_t)bench_number(words[1])};
    if (!bench_server_reader(server, 0) || !server->engine->scan(server->readers[0], check_value, &check))
        return BENCH_FAILED;
    if (check.next != total) {
        (void)bench_fail("%" PRIu64 " records where %" PRIu64 " were expected", check.next, total);
        return BENCH_FAILED;
    }
    for (unsigned i = 0; i < 10000; i++) {
        const void *value;
        size_t size;
        check.next = i == 0 ? total - 1 : bench_random(&state) % total;
        if (!server->engine->read(server->readers[0], check.next, &value, &size) ||
            !check_value(&check, check.next, value, size))
            return BENCH_FAILED;
    }
    return BENCH_OK;
}

/* --- beyond the protocol --- */

static uint64_t file_bytes;

static int add_file(const char *path, const struct stat *about, int kind, struct FTW *place)
{
    (void)path;
    (void)place;
    if (kind == FTW_F)
        file_bytes += (uint64_t)about->st_size;
    return 0;
}

/* Bytes of all files of the store, which is closed, for each byte of its values. */
static bench_answer_t run_stored(bench_server_t *server, char *const *words)
{
    file_bytes = 0;
    if (!bench_server_close(server) || nftw(server->setup.directory, add_file, 16, FTW_PHYS) != 0)
        return BENCH_FAILED;
    server->seconds = (double)file_bytes / ((double)bench_number(words[0]) * (double)bench_number(words[1]));
    return BENCH_TIMED;
}

static bench_answer_t run_use(bench_server_t *server, char *const *words)
{
    if (!bench_server_close(server))
        return BENCH_FAILED;
    for (unsigned i = 0; bench_engines[i] != NULL; i++) {
        if (strcmp(bench_engines[i]->label, words[0]) != 0)
            continue;
        server->engine = bench_engines[i];
        return BENCH_OK;
    }
    return BENCH_NONE;
}

static bench_answer_t run_abandon(bench_server_t *server, char *const *words)
{
    (void)words;
    close_readers(server);
    if (server->engine->abandon == NULL)
        return BENCH_NONE;
    void *store = server->store;
    server->store = NULL;
    return server->engine->abandon(store) ? BENCH_OK : BENCH_FAILED;
}

static bench_answer_t run_unsynced(bench_server_t *server, char *const *words)
{
    server->setup.value_size = (size_t)bench_number(words[2]);
    uint64_t first = bench_number(words[0]), count = bench_number(words[1]);
    uint64_t most = chunk_of(server->setup.value_size);
    bool good = bench_server_open(server, false, false);
    for (uint64_t done = 0, chunk; done < count && good; done += chunk) {
        chunk = count - done < most ? count - done : most;
        good = append_chunk(server, first + done, (size_t)chunk);
    }
    return good ? BENCH_OK : BENCH_FAILED;
}

static bench_answer_t run_report(bench_server_t *server, char *const *words)
{
    (void)words;
    if (server->engine->report == NULL)
        return BENCH_NONE;
    (void)snprintf(server->text, sizeof server->text, "%s", server->engine->report(server->store));
    return BENCH_OK;
}

static bench_answer_t run_build_sections(bench_server_t *server, char *const *words)
{
    if (server->engine->build_sections == NULL)
        return BENCH_NONE;
    bench_elide_syncs = true;
    bool good = server->engine->build_sections(server->setup.directory, bench_number(words[0]));
    bench_elide_syncs = false;
    sync();
    return good ? BENCH_OK : BENCH_FAILED;
}

static bench_answer_t run_open_sections(bench_server_t *server, char *const *words)
{
    if (server->engine->open_sections == NULL)
        return BENCH_NONE;
    bench_elide_syncs = true; /* directories are synced once, however many sections they have */
    bool good = server->engine->open_sections(server->setup.directory, bench_number(words[0]), &server->seconds);
    bench_elide_syncs = false;
    return good ? BENCH_TIMED : BENCH_FAILED;
}

static bench_answer_t run_count(bench_server_t *server, char *const *words)
{
    (void)server;
    uint64_t counts[BENCH_COUNTERS];
    bench_counting = words[0][0] == '1';
    bench_take_counts(counts);
    return BENCH_OK;
}

static bench_answer_t run_counts(bench_server_t *server, char *const *words)
{
    (void)words;
    uint64_t counts[BENCH_COUNTERS];
    bench_take_counts(counts);
    size_t length = 0;
    for (unsigned i = 0; i < BENCH_COUNTERS; i++)
        length += (size_t)snprintf(server->text + length, sizeof server->text - length, "%s%" PRIu64, i > 0 ? " " : "",
                                   counts[i]);
    return BENCH_OK;
}

/* --- the loop --- */

static const struct {
    const char *name;
    unsigned words;
    bench_answer_t (*run)(bench_server_t *server, char *const *words);
} commands_known[] = {{"options", 0, run_options},
                      {"pool", 1, run_pool},
                      {"stored", 2, run_stored},
                      {"compress", 1, run_compress},
                      {"create", 1, run_create},
                      {"append", 4, run_append},
                      {"close", 0, run_close},
                      {"end", 0, run_end},
                      {"open", 0, run_open},
                      {"first", 1, run_first},
                      {"warm", 1, run_warm},
                      {"random", 4, bench_serve_random},
                      {"scan", 1, run_scan},
                      {"replay", 1, run_replay},
                      {"verify", 2, run_verify},
                      {"beside", 6, bench_serve_beside},
                      {"latency", 3, bench_serve_latency},
                      {"together", 4, bench_serve_together},
                      {"crowd", 4, bench_serve_crowd},
                      {"apart", 4, bench_serve_apart},
                      {"turns", 4, bench_serve_turns},
                      {"use", 1, run_use},
                      {"unsynced", 3, run_unsynced},
                      {"abandon", 0, run_abandon},
                      {"report", 0, run_report},
                      {"build-sections", 1, run_build_sections},
                      {"open-sections", 1, run_open_sections},
                      {"count", 1, run_count},
                      {"counts", 0, run_counts}};

static bench_answer_t run_command(bench_server_t *server, char *line)
{
    char *words[WORDS_MAX] = {NULL};
    unsigned count = 0;
    char *rest;
    for (char *word = strtok_r(line, " \n", &rest); word != NULL && count < WORDS_MAX;
         word = strtok_r(NULL, " \n", &rest))
        words[count++] = word;
    for (size_t i = 0; i < sizeof commands_known / sizeof commands_known[0]; i++) {
        if (count == 0 || strcmp(words[0], commands_known[i].name) != 0)
            continue;
        if (commands_known[i].words == count - 1)
            return commands_known[i].run(server, words + 1);
        (void)bench_fail("%s takes %u words", words[0], commands_known[i].words);
        return BENCH_FAILED;
    }
    (void)snprintf(server->text, sizeof server->text, "no such command");
    return BENCH_NONE;
}

static void print_answer(FILE *answers, const bench_server_t *server, bench_answer_t answer)
{
    if (answer == BENCH_TIMED)
        (void)fprintf(answers, "time %.9f\n", server->seconds);
    else if (answer == BENCH_OK)
        (void)fprintf(answers, "ok %s\n", server->text);
    else if (answer == BENCH_NONE)
        (void)fprintf(answers, "none %s\n", server->text);
    else
        (void)fprintf(answers, "error %s\n", bench_failure());
    (void)fflush(answers);
}

int bench_serve(const bench_engine_t *engine, const char *directory, FILE *commands, FILE *answers)
{
    char line[LINE_MAX_BYTES];
    bench_server_t server = {.engine = engine, .setup = {.directory = directory}};
    server.pool = bench_pool(server.pool_kind);
    if (server.pool == NULL)
        return 1;
    while (fgets(line, sizeof line, commands) != NULL && strcmp(line, "quit\n") != 0) {
        server.text[0] = '\0';
        print_answer(answers, &server, run_command(&server, line));
    }
    return 0;
}
