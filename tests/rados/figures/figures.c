/*
 * rados/figures/figures.c: what a journal in a cluster does beside the cluster's own tool, in one run: `figures [MIB [CHART]]`.
 * The cluster is SEGJ_CEPH's. It prints each turn, the table of src/RADOS.md, and, into the file CHART, the same as bars.
 * Not a test: figures are for a machine that does nothing else.
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
#include "rados/figures/chart.h"
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

/* --- what comes out --- */

/* Of each turn; the first index says how many journals: one, or four. */
typedef struct figures {
    double w2[2][TURNS], w4[2][TURNS], scan[TURNS], bench[TURNS], seq[TURNS], plain[TURNS];
} figures_t;

static void print_row(const char *what, const char *beside, double *mine, double *other, int digits, const char *bound)
{
    double ratio[TURNS];
    for (int i = 0; i < TURNS; i++)
        ratio[i] = mine[i] / other[i]; /* of the same turn: what else the machine did was the same for both */
    double middle = median(ratio);
    double least = ratio[0];
    double most = ratio[TURNS - 1];
    printf("| %s, beside %s | %.*f | %.*f | %.2f (%.2f to %.2f)%s |\n", what, beside, digits, median(mine), digits,
           median(other), middle, least, most, bound);
}

static void print_table(const figures_t *given)
{
    figures_t copy = *given; /* medians put them in order */
    static const char wrote[] = "`rados bench write`, objects of 4 MiB, 16 under way";
    static const char one[] = "one synchronous `rados_write` of as many bytes";
    printf("\n| | journal | cluster | ratio |\n|---|---|---|---|\n");
    print_row("4 KiB values, one sync: MiB/s", wrote, copy.w2[0], copy.bench, 0, "; at least 0.8");
    copy = *given;
    print_row("the same by four journals at a time", wrote, copy.w2[1], copy.bench, 0, "");
    print_row("the values of one, read by a replay: MiB/s", "`rados bench seq`", copy.scan, copy.seq, 0,
              "; at least 0.8");
    print_row("1 KiB with a sync each (version 2): ms", one, copy.w4[0], copy.plain, 2, "; at most 1.3");
    copy = *given;
    print_row("the same by four journals at a time: ms for each sync", one, copy.w4[1], copy.plain, 2, "");
}

static void say(chart_bar_t *bar, const char *label, chart_kind_t kind, double value, bool rate)
{
    *bar = (chart_bar_t){.label = label, .kind = kind, .time = rate ? 1 / value : value};
    (void)snprintf(bar->said, sizeof bar->said, "%.*f %s", rate ? 0 : 2, value, rate ? "MiB/s" : "ms");
}

static bool draw(const char *path, const figures_t *given)
{
    figures_t copy = *given;
    chart_panel_t panels[3] = {
        {.title = "W2  4 KiB values", .beneath = "one sync at the end", .count = 3},
        {.title = "W4  1 KiB values", .beneath = "a sync each", .count = 3},
        {.title = "the values of W2", .beneath = "read by a replay", .count = 2},
    };
    say(&panels[0].bars[0], "segjournal", CHART_OURS, median(copy.w2[0]), true);
    say(&panels[0].bars[1], "four journals", CHART_FOUR, median(copy.w2[1]), true);
    say(&panels[0].bars[2], "rados bench", CHART_CLUSTER, median(copy.bench), true);
    say(&panels[1].bars[0], "segjournal", CHART_OURS, median(copy.w4[0]), false);
    say(&panels[1].bars[1], "four journals", CHART_FOUR, median(copy.w4[1]), false);
    say(&panels[1].bars[2], "rados_write", CHART_CLUSTER, median(copy.plain), false);
    say(&panels[2].bars[0], "segjournal", CHART_OURS, median(copy.scan), true);
    say(&panels[2].bars[1], "rados bench", CHART_CLUSTER, median(copy.seq), true);
    return chart_write(path, panels, sizeof panels / sizeof *panels, TURNS);
}

/* --- the turns --- */

static void take_turn(rados_ioctx_t pool, int turn, figures_t *figures)
{
    char line[160];
    const double mib = (double)total / (1 << 20);
    oversized_t *journal = NULL;
    (void)snprintf(line, sizeof line, "20 write -b %zu -t %d --max-objects %zu --no-cleanup --run-name %s-%d",
                   OBJECT_SIZE, DEPTH, total / OBJECT_SIZE, run_name, turn);
    figures->bench[turn] = tool(line);
    figures->w2[0][turn] = mib / together(1, false, &journal);
    (void)snprintf(line, sizeof line, "20 seq -t %d --run-name %s-%d", DEPTH, run_name, turn);
    figures->seq[turn] = tool(line);
    double begin = seconds_now();
    need(scan(journal) == total / VALUE * VALUE, "scan");
    figures->scan[turn] = mib / (seconds_now() - begin);
    need(oversized_destroy(journal) == SEGJ_OK, "destroy");
    figures->w2[1][turn] = mib / together(JOURNALS, false, NULL);
    figures->plain[turn] = 1000 * synchronous_write(pool);
    figures->w4[0][turn] = 1000 * together(1, true, NULL) / SYNCS;
    figures->w4[1][turn] = 1000 * together(JOURNALS, true, NULL) / SYNCS / JOURNALS;
    (void)snprintf(line, sizeof line, "rados -p segj --id segj cleanup --run-name %s-%d >/dev/null 2>&1", run_name,
                   turn);
    (void)system(line); /* NOLINT */
    printf("turn %d: bench %.1f seq %.1f MiB/s, plain %.2f ms; one journal: %.1f, read %.1f MiB/s, %.2f ms; four: %.1f "
           "MiB/s, %.2f ms\n",
           turn + 1, figures->bench[turn], figures->seq[turn], figures->plain[turn], figures->w2[0][turn],
           figures->scan[turn], figures->w4[0][turn], figures->w2[1][turn], figures->w4[1][turn]);
    (void)fflush(stdout);
}

int main(int count, char **arguments)
{
    static figures_t figures;
    segj_storage_rados_options_t options;
    rados_t cluster;
    rados_ioctx_t pool;
    if (!cluster_is_there())
        return 77;
    total = (size_t)(count > 1 ? strtoul(arguments[1], NULL, 10) : 256) << 20;
    options = cluster_options();
    options.object_size = OBJECT_SIZE;
    options.lock_seconds = 10;
    storage = cluster_storage(&options);
    (void)snprintf(run_name, sizeof run_name, "figures-%ld", (long)seconds_now());
    need(rados_create(&cluster, options.client) == 0 && rados_conf_read_file(cluster, options.configuration) == 0 &&
             rados_connect(cluster) == 0 && rados_ioctx_create(cluster, options.pool, &pool) == 0,
         "connecting");
    for (int turn = 0; turn < TURNS; turn++)
        take_turn(pool, turn, &figures);
    print_table(&figures);
    if (count > 2 && !draw(arguments[2], &figures)) {
        perror(arguments[2]);
        return 1;
    }
    rados_ioctx_destroy(pool);
    rados_shutdown(cluster);
    segj_storage_rados_destroy(storage);
    return 0;
}
