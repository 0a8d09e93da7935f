/*
 * bench/serve.h: the process of a turn. It takes commands (engine_external.c describes them), drives one engine, and
 * answers with the time.
 *
 * Beyond the protocol, built-in engines know:
 *     use LABEL           -> ok. Goes on as another variant of the same engine; the store is closed.
 *     unsynced FIRST COUNT SIZE -> ok. Appends without a sync.
 *     abandon             -> ok. Leaves the store as a killed process would; `open` then recovers.
 *     report              -> ok TEXT. What the last open found.
 *     build-sections N    -> ok. `open-sections N` -> time.
 *     together THREADS FIRST COUNT SIZE -> ok SECONDS SECONDS. Threads append COUNT records in all, and each waits until
 *                         its own is durable: the time, and that which 99 % of the records take at most.
 *     crowd THREADS FIRST COUNT SIZE -> time. Threads append COUNT records in all, without a sync.
 *     count 0|1           -> ok. Whether calls are counted (interpose.h).
 *     counts              -> ok N N N ... The counters, since the last time.
 */
#ifndef SEGJ_BENCH_SERVE_H
#define SEGJ_BENCH_SERVE_H

#include <stdio.h>

#include "data.h"
#include "engine.h"

#define BENCH_THREADS 2
#define BENCH_TEXT 1024

typedef struct bench_server {
    const bench_engine_t *engine;
    bench_setup_t setup;
    bench_pool_t pool_kind;
    const uint8_t *pool;
    void *store;
    void *readers[BENCH_THREADS];
    double seconds;        /**< a timed command's answer */
    char text[BENCH_TEXT]; /**< what stands behind "ok" */
} bench_server_t;

/** The value of a record. */
static inline const uint8_t *bench_server_value(const bench_server_t *server, uint64_t position)
{
    return server->pool_kind == BENCH_POOL_EVENTS ? bench_event(server->pool, position)
                                                  : bench_value(server->pool, position);
}

/** How a command ended; BENCH_FAILED after bench_fail(). */
typedef enum bench_answer { BENCH_OK, BENCH_TIMED, BENCH_NONE, BENCH_FAILED } bench_answer_t;

/** Serves until `quit` or the end of commands. Gives the exit status. */
int bench_serve(const bench_engine_t *engine, const char *directory, FILE *commands, FILE *answers);

/* What serve.c and serve_threads.c share. Words are the command's arguments. */
bench_answer_t bench_serve_random(bench_server_t *server, char *const *words);
bench_answer_t bench_serve_beside(bench_server_t *server, char *const *words);
bench_answer_t bench_serve_latency(bench_server_t *server, char *const *words);
bench_answer_t bench_serve_turns(bench_server_t *server, char *const *words);
bench_answer_t bench_serve_apart(bench_server_t *server, char *const *words);
bench_answer_t bench_serve_together(bench_server_t *server, char *const *words);
bench_answer_t bench_serve_crowd(bench_server_t *server, char *const *words);
/** Closes readers and the store, if they are open. */
bool bench_server_close(bench_server_t *server);
/** Opens the store if it is not open. */
bool bench_server_open(bench_server_t *server, bool reading, bool immediate);
/** Opens the reader of a thread, if it is not open, and has it read everything once. */
bool bench_server_reader(bench_server_t *server, unsigned thread);
uint64_t bench_number(const char *word);

#endif
