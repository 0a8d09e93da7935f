/*
 * rados/figures/figures.c: what a journal in a cluster does beside the cluster's own tool, in one run: `figures [MIB]`. The
 * cluster is SEGJ_CEPH's. Not a test: figures are for a machine that does nothing else.
 *
 *   W2    4 KiB values and one sync, beside `rados bench write` of as many bytes in the same objects, as many under way
 *   W4    1 KiB values with a sync each, beside a synchronous rados_write of the same bytes
 *   scan  the values of W2 by a replay, beside `rados bench seq`
 *
 * W2 and W4 for one journal and for four at a time. A median of five turns, in which all take part.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rados/librados.h>

#include "rados/cluster.h"
#include "rados/worker.h"

enum { TURNS = 5, JOURNALS = 4, DEPTH = 16, SYNCS = 200 };
#define OBJECT_SIZE ((size_t)4 << 20)
#define VALUE ((size_t)4096)
#define SMALL ((size_t)1024)

static size_t total; /* bytes of W2 */
static segj_storage_t *storage;
static char run_name[64];

static void need(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "figures: %s: %s\n", what, segj_last_error());
    exit(1);
}

static oversized_t *open_new(int number, const char *kind)
{
    static char names[64][128];
    static int used;
    oversized_config_t config = worker_config(storage, NULL);
    oversized_t *journal = NULL;
    char *name = names[used++ % 64];
    (void)snprintf(name, sizeof names[0], "%s-%s-%d-%d", run_name, kind, number, used);
    config.directory = name;
    need(oversized_open(&config, &journal) == SEGJ_OK, "open");
    return journal;
}

static void fill(unsigned char *bytes, size_t size, uint64_t seed)
{
    for (size_t i = 0; i < size; i += 8) {
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
        memcpy(bytes + i, &seed, 8);
    }
}

/* --- journals --- */

static void append_all(oversized_t *journal, size_t bytes)
{
    static unsigned char values[64][VALUE];
    if (values[0][0] == 0)
        fill(values[0], sizeof values, 1);
    for (size_t i = 0; i < bytes / VALUE; i++)
        need(oversized_append(journal, 1, "an entry", values[i % 64], VALUE, NULL, NULL) == SEGJ_OK, "append");
    need(oversized_sync(journal, 1) == SEGJ_OK, "sync");
}

static void append_synced(oversized_t *journal)
{
    unsigned char value[SMALL];
    fill(value, sizeof value, 2);
    for (int i = 0; i < SYNCS; i++) {
        need(oversized_append(journal, 1, "an entry", value, sizeof value, NULL, NULL) == SEGJ_OK, "append");
        need(oversized_sync(journal, 1) == SEGJ_OK, "sync");
    }
}

static size_t scan(oversized_t *journal)
{
    oversized_replay_t *replay;
    oversized_item_t item;
    size_t bytes = 0;
    need(oversized_replay_open(journal, 0, 0, (size_t)1 << 20, &replay) == SEGJ_OK, "replay");
    while (oversized_replay_next(replay, &item) == SEGJ_OK) {
        const void *value = NULL;
        size_t size = 0;
        need(oversized_replay_value(replay, &value, &size) == SEGJ_OK, "value");
        bytes += size;
    }
    oversized_replay_close(replay);
    return bytes;
}

typedef struct job {
    oversized_t *journal;
    bool synced;
    size_t bytes;
} job_t;

static void *work(void *argument)
{
    job_t *job = argument;
    if (job->synced)
        append_synced(job->journal);
    else
        append_all(job->journal, job->bytes);
    return NULL;
}

/* Seconds that so many journals take, each with its part. */
static double together(int journals, bool synced, oversized_t **kept)
{
    pthread_t threads[JOURNALS];
    job_t jobs[JOURNALS];
    for (int i = 0; i < journals; i++)
        jobs[i] = (job_t){open_new(i, synced ? "w4" : "w2"), synced, total / (size_t)journals};
    double begin = seconds_now();
    for (int i = 0; i < journals; i++)
        need(pthread_create(&threads[i], NULL, work, &jobs[i]) == 0, "thread");
    for (int i = 0; i < journals; i++)
        (void)pthread_join(threads[i], NULL);
    double took = seconds_now() - begin;
    for (int i = 0; i < journals; i++) {
        if (kept != NULL && i == 0)
            *kept = jobs[i].journal;
        else
            need(oversized_destroy(jobs[i].journal) == SEGJ_OK, "destroy");
    }
    return took;
}

/* --- the cluster's own --- */

static double synchronous_write(rados_ioctx_t pool)
{
    static char bytes[SMALL + 64];
    char name[128];
    (void)snprintf(name, sizeof name, "%s-plain", run_name);
    fill((unsigned char *)bytes, sizeof bytes, 3);
    (void)rados_write(pool, name, bytes, sizeof bytes, 0);
    double begin = seconds_now();
    for (int i = 0; i < SYNCS; i++)
        need(rados_write(pool, name, bytes, sizeof bytes, (uint64_t)(i + 1) * sizeof bytes) == 0, "rados_write");
    double took = seconds_now() - begin;
    (void)rados_remove(pool, name);
    return took / SYNCS;
}

/* MiB a second, as the tool prints them. */
static double tool(const char *arguments)
{
    char line[1024];
    double found = 0;
    (void)snprintf(line, sizeof line, "rados -p segj --id segj bench %s 2>/dev/null", arguments);
    FILE *output = popen(line, "r"); /* NOLINT */
    need(output != NULL, "rados bench");
    while (fgets(line, sizeof line, output) != NULL)
        (void)sscanf(line, "Bandwidth (MB/sec): %lf", &found); /* NOLINT */
    (void)pclose(output);
    return found;
}

static double median(double *values)
{
    for (int i = 0; i < TURNS; i++)
        for (int j = i + 1; j < TURNS; j++)
            if (values[j] < values[i]) {
                double swap = values[i];
                values[i] = values[j];
                values[j] = swap;
            }
    return values[TURNS / 2];
}

static void row(const char *what, double mine, double other, const char *unit, const char *bound)
{
    printf("%-34s %9.2f %9.2f %-6s %6.2f   %s\n", what, mine, other, unit, mine / other, bound);
}

int main(int count, char **arguments)
{
    static double w2[TURNS], w2_four[TURNS], w4[TURNS], w4_four[TURNS], scans[TURNS], bench[TURNS], seq[TURNS],
        plain[TURNS];
    segj_storage_rados_options_t options;
    rados_t cluster;
    rados_ioctx_t pool;
    char bench_arguments[160];
    if (!cluster_is_there())
        return 77;
    total = (size_t)(count > 1 ? strtoul(arguments[1], NULL, 10) : 128) << 20;
    options = cluster_options();
    options.object_size = OBJECT_SIZE;
    options.lock_seconds = 10;
    storage = cluster_storage(&options);
    (void)snprintf(run_name, sizeof run_name, "figures-%ld", (long)seconds_now());
    need(rados_create(&cluster, options.client) == 0 && rados_conf_read_file(cluster, options.configuration) == 0 &&
             rados_connect(cluster) == 0 && rados_ioctx_create(cluster, options.pool, &pool) == 0,
         "connecting");
    const double mib = (double)total / (1 << 20);
    for (int turn = 0; turn < TURNS; turn++) {
        oversized_t *journal = NULL;
        (void)snprintf(bench_arguments, sizeof bench_arguments,
                       "20 write -b %zu -t %d --max-objects %zu --no-cleanup --run-name %s-%d", OBJECT_SIZE, DEPTH,
                       total / OBJECT_SIZE, run_name, turn);
        bench[turn] = tool(bench_arguments);
        w2[turn] = mib / together(1, false, &journal);
        (void)snprintf(bench_arguments, sizeof bench_arguments, "20 seq -t %d --run-name %s-%d", DEPTH, run_name, turn);
        seq[turn] = tool(bench_arguments);
        double begin = seconds_now();
        need(scan(journal) == total / VALUE * VALUE, "scan");
        scans[turn] = mib / (seconds_now() - begin);
        need(oversized_destroy(journal) == SEGJ_OK, "destroy");
        w2_four[turn] = mib / together(4, false, NULL);
        plain[turn] = 1000 * synchronous_write(pool);
        w4[turn] = 1000 * together(1, true, NULL) / SYNCS;
        w4_four[turn] = 1000 * together(4, true, NULL) / SYNCS / 4;
        (void)snprintf(bench_arguments, sizeof bench_arguments,
                       "rados -p segj --id segj cleanup --run-name %s-%d >/dev/null 2>&1", run_name, turn);
        (void)system(bench_arguments); /* NOLINT */
        printf("turn %d: bench %.1f seq %.1f plain %.2f; w2 %.1f scan %.1f w4 %.2f; four: %.1f %.2f\n", turn + 1,
               bench[turn], seq[turn], plain[turn], w2[turn], scans[turn], w4[turn], w2_four[turn], w4_four[turn]);
        (void)fflush(stdout);
    }
    printf("\n%-34s %9s %9s %-6s %6s\n", "", "journal", "cluster", "", "ratio");
    row("W2, 4 KiB values, one sync", median(w2), median(bench), "MiB/s", "at least 0.8");
    row("the same, four journals", median(w2_four), median(bench), "MiB/s", "");
    row("scan of them", median(scans), median(seq), "MiB/s", "at least 0.8");
    row("W4, 1 KiB and a sync each", median(w4), median(plain), "ms", "at most 1.3");
    row("the same, four journals, each sync", median(w4_four), median(plain), "ms", "");
    rados_ioctx_destroy(pool);
    rados_shutdown(cluster);
    segj_storage_rados_destroy(storage);
    return 0;
}
