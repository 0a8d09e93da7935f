/*
 * bench/w4.c: what a sync of two files costs, and which ways to make it cheaper the system offers without another
 * format. Bare system calls, nothing of the library: one value of 1 KiB to the end of a values file, one record of 20
 * bytes into the last page of an index, both made durable; over and over.
 *
 *     cc -O2 -o w4 tests/bench/w4.c -pthread && ./w4 DIRECTORY [ROUNDS [SYNCS]]
 *
 * In each round every way takes its turn, beginning with another one each time, in fresh files; files are made before
 * the clock starts, zeros kept ahead are paid for within it. Printed are the medians over the rounds: seconds per 1000
 * syncs, the ratio to `library` within the same round with its quartiles, and the writes and flushes that the device of
 * the directory saw per sync (others' included: only the medians mean something). The files are removed; they never
 * take more than 64 MiB.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum {
    VALUE = 1024 + 4,
    RECORD = 20,
    BLOCK = 4096,
    PER_PAGE = 4084 / RECORD,
    INDEX_HEADER = 3 * BLOCK,
    VALUES_HEADER = BLOCK,
    MAX_ROUNDS = 201,
    MAX_SYNCS = 10000,
    MAX_WAYS = 32
};

static const size_t values_ahead = (size_t)1 << 20, index_ahead = (size_t)64 << 10;

/* How the bytes ahead of the end come about. */
typedef enum ahead { NOTHING, KEEP_SIZE, ALLOCATED, ZEROS } ahead_t;
/* How both files become durable. */
typedef enum flush { SEQUENCE, RANGES_FIRST, RANGES_VALUES_FIRST, THREADS, DSYNC, DIRECT, ONE_FLUSH, SYNCFS } flush_t;

typedef struct way {
    const char *name, *what;
    bool single; /* one log that holds value and record */
    ahead_t ahead;
    flush_t flush;
} way_t;

static const way_t ways[] = {
    {"library", "two files; write-back of both started, fdatasync of both", false, NOTHING, RANGES_FIRST},
    {"sequence", "two files; fdatasync of both", false, NOTHING, SEQUENCE},
    {"values_first", "as library, the values' fdatasync first", false, NOTHING, RANGES_VALUES_FIRST},
    {"threads", "two files; fdatasync of both at once, by two threads", false, NOTHING, THREADS},
    {"dsync", "two files; pwritev2(RWF_DSYNC) to each", false, NOTHING, DSYNC},
    {"syncfs", "two files; one syncfs", false, NOTHING, SYNCFS},
    {"keep_size", "library, extents allocated ahead behind the end (FALLOC_FL_KEEP_SIZE)", false, KEEP_SIZE,
     RANGES_FIRST},
    {"allocated", "library, extents allocated ahead within the size", false, ALLOCATED, RANGES_FIRST},
    {"zeros", "library, zeros written ahead", false, ZEROS, RANGES_FIRST},
    {"zeros_sequence", "sequence, zeros written ahead", false, ZEROS, SEQUENCE},
    {"zeros_threads", "threads, zeros written ahead", false, ZEROS, THREADS},
    {"zeros_dsync", "dsync, zeros written ahead", false, ZEROS, DSYNC},
    {"zeros_direct", "whole blocks, O_DIRECT | O_DSYNC, zeros written ahead", false, ZEROS, DIRECT},
    {"zeros_one_flush", "values by sync_file_range that waits, index by fdatasync (a promise of no system)", false,
     ZEROS, ONE_FLUSH},
    {"log", "one file with both; fdatasync", true, NOTHING, SEQUENCE},
    {"log_zeros", "one file with both; fdatasync, zeros written ahead", true, ZEROS, SEQUENCE},
};
enum { WAYS = sizeof ways / sizeof *ways };

typedef struct file {
    int fd;
    uint64_t size;  /* bytes in use */
    uint64_t ahead; /* where the bytes kept ahead end */
    size_t step;    /* how many are made at a time */
} file_t;

static void need(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "w4: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec * 1e-9;
}

static void write_all(int fd, const void *from, size_t size, uint64_t offset)
{
    need(pwrite(fd, from, size, (off_t)offset) == (ssize_t)size, "pwrite");
}

/* --- the device's counters --- */

typedef struct counters {
    unsigned long long writes, flushes;
} counters_t;

static counters_t count(dev_t device)
{
    counters_t found = {0, 0};
    char line[512];
    FILE *stats = fopen("/proc/diskstats", "r");
    while (stats != NULL && fgets(line, sizeof line, stats) != NULL) {
        unsigned major_number, minor_number;
        unsigned long long n[17] = {0};
        char name[64];
        int fields =
            sscanf(line, "%u %u %63s %llu %llu %llu %llu %llu %llu %llu %llu %llu %llu %llu %llu %llu %llu %llu %llu",
                   &major_number, &minor_number, name, &n[0], &n[1], &n[2], &n[3], &n[4], &n[5], &n[6], &n[7], &n[8],
                   &n[9], &n[10], &n[11], &n[12], &n[13], &n[14], &n[15]);
        if (fields >= 14 && major_number == major(device) && minor_number == minor(device))
            found = (counters_t){n[4], n[15]};
    }
    if (stats != NULL)
        fclose(stats);
    return found;
}

/* --- bytes kept ahead --- */

static void keep_ahead(file_t *file, ahead_t ahead, uint64_t needed)
{
    static uint8_t zeros[1 << 20] __attribute__((aligned(BLOCK)));
    if (ahead == NOTHING || needed <= file->ahead)
        return;
    if (ahead == ZEROS) {
        write_all(file->fd, zeros, file->step, file->ahead);
        need(fsync(file->fd) == 0, "fsync");
    } else {
        need(fallocate(file->fd, ahead == KEEP_SIZE ? FALLOC_FL_KEEP_SIZE : 0, (off_t)file->ahead, (off_t)file->step) ==
                 0,
             "fallocate");
    }
    file->ahead += file->step;
}

static file_t make(const char *directory, const char *name, uint64_t header, size_t step, const way_t *way)
{
    static uint8_t zeros[INDEX_HEADER] __attribute__((aligned(BLOCK)));
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    (void)unlink(path);
    int flags = way->flush == DIRECT ? O_DIRECT | O_DSYNC : 0;
    file_t file = {open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | flags, 0600), header, header, step};
    need(file.fd >= 0, path);
    write_all(file.fd, zeros, header, 0);
    need(fsync(file.fd) == 0, "fsync");
    return file;
}

static void drop(const char *directory, const char *name, const file_t *file)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    close(file->fd);
    need(unlink(path) == 0, path);
}

/* --- a thread that takes the second fdatasync --- */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int fd; /* to be synced; -1 when that is done, -2 at the end */
} helper = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, -1};

static void *help(void *unused)
{
    pthread_mutex_lock(&helper.lock);
    for (;;) {
        while (helper.fd == -1)
            pthread_cond_wait(&helper.changed, &helper.lock);
        if (helper.fd == -2)
            break;
        int fd = helper.fd;
        pthread_mutex_unlock(&helper.lock);
        need(fdatasync(fd) == 0, "fdatasync");
        pthread_mutex_lock(&helper.lock);
        helper.fd = -1;
        pthread_cond_broadcast(&helper.changed);
    }
    pthread_mutex_unlock(&helper.lock);
    return unused;
}

static void set_helper(int fd)
{
    pthread_mutex_lock(&helper.lock);
    helper.fd = fd;
    pthread_cond_broadcast(&helper.changed);
    pthread_mutex_unlock(&helper.lock);
}

static void await_helper(void)
{
    pthread_mutex_lock(&helper.lock);
    while (helper.fd != -1)
        pthread_cond_wait(&helper.changed, &helper.lock);
    pthread_mutex_unlock(&helper.lock);
}

/* --- one sync --- */

/* What one sync writes: the value at the values' end, and the page with its records. */
typedef struct step {
    uint64_t value_at, page_at;
    const uint8_t *value, *page;
} step_t;

static void write_dsync(int fd, const uint8_t *from, size_t size, uint64_t offset)
{
    struct iovec piece = {(void *)(uintptr_t)from, size};
    need(pwritev2(fd, &piece, 1, (off_t)offset, RWF_DSYNC) == (ssize_t)size, "pwritev2");
}

/* The blocks that the value lies in; what came before it in the first one is kept in memory. */
static void write_direct(int fd, const step_t *step)
{
    static uint8_t blocks[2 * BLOCK] __attribute__((aligned(BLOCK)));
    size_t within = (size_t)(step->value_at % BLOCK), size = within + VALUE <= BLOCK ? BLOCK : 2 * BLOCK;
    memcpy(blocks + within, step->value, VALUE);
    write_all(fd, blocks, size, step->value_at - within);
    if (within + VALUE >= BLOCK)
        memcpy(blocks, blocks + BLOCK, BLOCK);
}

static void flush_both(flush_t flush, const file_t *index, const file_t *values, const step_t *step)
{
    if (flush == RANGES_FIRST || flush == RANGES_VALUES_FIRST) {
        need(sync_file_range(values->fd, (off_t)step->value_at, VALUE, SYNC_FILE_RANGE_WRITE) == 0, "sync_file_range");
        need(sync_file_range(index->fd, (off_t)step->page_at, BLOCK, SYNC_FILE_RANGE_WRITE) == 0, "sync_file_range");
    }
    if (flush == SYNCFS) {
        need(syncfs(index->fd) == 0, "syncfs");
    } else if (flush == THREADS) {
        set_helper(values->fd);
        need(fdatasync(index->fd) == 0, "fdatasync");
        await_helper();
    } else if (flush == ONE_FLUSH) {
        need(sync_file_range(index->fd, (off_t)step->page_at, BLOCK, SYNC_FILE_RANGE_WRITE) == 0, "sync_file_range");
        need(sync_file_range(values->fd, (off_t)step->value_at, VALUE,
                             SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER) == 0,
             "sync_file_range");
        need(fdatasync(index->fd) == 0, "fdatasync");
    } else {
        bool values_first = flush == RANGES_VALUES_FIRST;
        need(fdatasync(values_first ? values->fd : index->fd) == 0, "fdatasync");
        need(fdatasync(values_first ? index->fd : values->fd) == 0, "fdatasync");
    }
}

static void sync_two(const way_t *way, file_t *index, file_t *values, const step_t *step)
{
    keep_ahead(values, way->ahead, step->value_at + VALUE + BLOCK); /* direct writes end with their block */
    keep_ahead(index, way->ahead, step->page_at + BLOCK);
    if (way->flush == DIRECT) {
        write_direct(values->fd, step);
        write_all(index->fd, step->page, BLOCK, step->page_at);
    } else if (way->flush == DSYNC) {
        write_dsync(values->fd, step->value, VALUE, step->value_at);
        write_dsync(index->fd, step->page, BLOCK, step->page_at);
    } else {
        write_all(values->fd, step->value, VALUE, step->value_at);
        write_all(index->fd, step->page, BLOCK, step->page_at);
        flush_both(way->flush, index, values, step);
    }
}

/* --- one turn --- */

/* Records keep their offsets in the page: the page differs in each sync, as a real one does. */
static double run(const way_t *way, const char *directory, int syncs)
{
    static uint8_t value[VALUE], page[BLOCK] __attribute__((aligned(BLOCK))), log[VALUE + RECORD];
    file_t values = make(directory, "w4.values", VALUES_HEADER, values_ahead, way);
    file_t index = {-1, INDEX_HEADER, INDEX_HEADER, index_ahead};
    if (!way->single)
        index = make(directory, "w4.index", INDEX_HEADER, index_ahead, way);
    memset(page, 0, sizeof page);
    double start = now();
    for (int i = 0; i < syncs; i++) {
        memset(value, 1 + i % 255, sizeof value);
        if (way->single) {
            memcpy(log, value, VALUE);
            keep_ahead(&values, way->ahead, values.size + sizeof log);
            write_all(values.fd, log, sizeof log, values.size);
            need(fdatasync(values.fd) == 0, "fdatasync");
            values.size += sizeof log;
            continue;
        }
        memset(page + i % PER_PAGE * RECORD, 1 + i % 255, RECORD);
        step_t step = {values.size, INDEX_HEADER + (uint64_t)(i / PER_PAGE) * BLOCK, value, page};
        sync_two(way, &index, &values, &step);
        values.size += VALUE;
    }
    double seconds = now() - start;
    drop(directory, "w4.values", &values);
    if (!way->single)
        drop(directory, "w4.index", &index);
    return seconds;
}

/* --- the table --- */

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of values that are put in order. */
static double quantile(double *values, int count_of, double part)
{
    qsort(values, (size_t)count_of, sizeof *values, by_size);
    return values[(int)((double)(count_of - 1) * part + 0.5)];
}

static double seconds[WAYS][MAX_ROUNDS], ratio[WAYS][MAX_ROUNDS], writes[WAYS][MAX_ROUNDS], flushes[WAYS][MAX_ROUNDS];

static void measure(const char *directory, dev_t device, int rounds, int syncs)
{
    for (int round = -1; round < rounds; round++) { /* the first one warms up, and is overwritten */
        int at = round < 0 ? 0 : round;
        for (int i = 0; i < WAYS; i++) {
            int way = (i + at) % WAYS;
            counters_t before = count(device);
            seconds[way][at] = run(&ways[way], directory, syncs) * 1000 / syncs;
            counters_t after = count(device);
            writes[way][at] = (double)(after.writes - before.writes) / syncs;
            flushes[way][at] = (double)(after.flushes - before.flushes) / syncs;
        }
        for (int way = 0; way < WAYS; way++)
            ratio[way][at] = seconds[way][at] / seconds[0][at];
    }
}

static void report(int rounds, int syncs)
{
    printf("%d rounds of %d syncs\n\n%-16s %12s %8s %15s %8s %9s\n", rounds, syncs, "way", "s/1000 syncs", "ratio",
           "its quartiles", "writes", "flushes");
    for (int way = 0; way < WAYS; way++)
        printf("%-16s %12.3f %8.2f %7.2f %7.2f %8.2f %9.2f   %s\n", ways[way].name, quantile(seconds[way], rounds, 0.5),
               quantile(ratio[way], rounds, 0.5), quantile(ratio[way], rounds, 0.25),
               quantile(ratio[way], rounds, 0.75), quantile(writes[way], rounds, 0.5),
               quantile(flushes[way], rounds, 0.5), ways[way].what);
}

int main(int argc, char **argv)
{
    struct stat status;
    int rounds = argc > 2 ? atoi(argv[2]) : 21, syncs = argc > 3 ? atoi(argv[3]) : 250;
    if (argc < 2 || rounds < 1 || rounds > MAX_ROUNDS || syncs < 1 || syncs > MAX_SYNCS) {
        fprintf(stderr, "usage: w4 DIRECTORY [ROUNDS [SYNCS]], at most %d and %d\n", MAX_ROUNDS, MAX_SYNCS);
        return 2;
    }
    need(stat(argv[1], &status) == 0, argv[1]);
    pthread_t thread;
    errno = pthread_create(&thread, NULL, help, NULL);
    need(errno == 0, "pthread_create");
    measure(argv[1], status.st_dev, rounds, syncs);
    set_helper(-2);
    pthread_join(thread, NULL);
    report(rounds, syncs);
    return 0;
}
