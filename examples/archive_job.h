/*
 * archive_job.h: what archive.c is asked to do, how far it has come, and the journal that it does it with.
 */
#ifndef SEGJ_EXAMPLES_ARCHIVE_JOB_H
#define SEGJ_EXAMPLES_ARCHIVE_JOB_H

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "archive_entry.h"
#include "segjournal/oversized.h"
#include "terminal.h"

enum { CHUNK = 1 << 16, LIST_STEP = 4096 };

#define TOO_LARGE "too large: a value takes 4294967291 bytes, the path included"
#define MEGABYTES(bytes) ((double)(bytes) / 1e6)

/* --- what goes wrong --- */

/** True for SEGJ_OK, false for SEGJ_END; everything else ends the program with its reason. */
static bool ok(segj_status_t status, const char *what)
{
    if (status != SEGJ_OK && status != SEGJ_END)
        DIE("%s: %s: %s", what, segj_status_name(status), segj_last_error());
    return status == SEGJ_OK;
}

static void *grow(void *memory, uint64_t size)
{
    void *grown = size <= SIZE_MAX ? realloc(memory, (size_t)size) : NULL;
    if (grown == NULL)
        DIE("no memory for %" PRIu64 " bytes", size);
    return grown;
}

/* --- the job, and its progress --- */

/** The options that take a number, in the order of texts. */
enum { COMPRESS, SECTION_MIB, SYNC_MIB, KILL_PERCENT, OPTIONS };

typedef struct item {
    char *path;    /**< relative to the source */
    entry_t entry; /**< as listed; after the restore, as the journal has it */
} item_t;

/** How far a phase has come: names that are done, their bytes as listed, records covered by a sync, bytes stored. */
typedef struct progress {
    uint64_t names, bytes, synced, stored;
} progress_t;

typedef struct job {
    /* what is asked for */
    const char *source_path;
    char work_path[4096];
    bool work_given;
    bool keep; /**< a fresh one stays, too */
    long options[OPTIONS];
    /* what is there */
    int source, work, restored; /**< directories, opened */
    item_t *items;              /**< names below the source, sorted */
    size_t count, passed_over;  /**< of these; of what is not stored or could not be seen */
    uint64_t bytes;             /**< of their content */
    oversized_t *journal;
    /* the phase under way */
    const char *phase;
    progress_t from, progress;
    double started, drawn;
    /* figures */
    size_t files, skipped; /**< records of these, and of what could not be read */
    uint64_t archived;     /**< bytes, by both processes: what died with the child was archived twice */
    uint64_t stored;       /**< bytes of values and index */
    double archive_seconds, reopen_seconds, restore_seconds;
} job_t;

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void phase_start(job_t *job, const char *phase, progress_t from)
{
    job->phase = phase;
    job->from = job->progress = from;
    job->started = now();
}

/** How much is done, in percent. A name counts as a byte, so that a tree of empty files moves too. */
static int phase_percent(const job_t *job)
{
    double whole = (double)job->bytes + (double)job->count;
    double done = (double)job->progress.bytes + (double)job->progress.names;
    return done < whole ? (int)(100 * done / whole) : 100;
}

/** Ends the program where a signal has asked for it: says how far it came, and takes a fresh directory away. */
static void stop_if_asked(const job_t *job)
{
    if (stop_signal == 0)
        return;
    int number = stop_signal;
    printf("%sstopped   by signal %d in \"%s\", at %d %%: %" PRIu64 " of %zu names; ", clear_line, number, job->phase,
           phase_percent(job), job->progress.names, job->count);
    if (job->work == 0)
        printf("nothing was begun\n");
    else if (job->work_given)
        printf("what was synced stays in %s/journal\n", job->work_path);
    else
        printf("%s is removed\n", job->work_path);
    fflush(stdout);
    if (!job->work_given && job->work > 0)
        remove_tree(AT_FDCWD, job->work_path);
    stop_signals_do(SIG_DFL);
    (void)raise(number);
    exit(128 + number); /* the signal is blocked */
}

/** Draws the progress, on a terminal and at most 20 times a second; ends the program where that was asked for. */
static void phase_show(job_t *job)
{
    stop_if_asked(job);
    double time = now();
    if (clear_line[0] == '\0' || time - job->drawn < 0.05)
        return;
    job->drawn = time;
    char counts[64], rate[64];
    snprintf(counts, sizeof(counts), "%" PRIu64 "/%zu", job->progress.names, job->count);
    snprintf(rate, sizeof(rate), "%.1f MB/s",
             MEGABYTES(job->progress.bytes - job->from.bytes) / (time - job->started + 1e-9));
    terminal_progress(job->phase, phase_percent(job), counts, rate);
}

/** Takes the bar away and gives the seconds that passed. */
static double phase_end(const job_t *job)
{
    printf("%s", clear_line);
    return now() - job->started;
}

/** The journal's own messages: what it repaired, what it lost. */
static void log_line(void *context, segj_log_level_t level, const char *message)
{
    (void)context;
    if (level >= SEGJ_LOG_WARNING)
        NOTICE("journal: %s", message);
}

static void journal_open(job_t *job, bool read_only)
{
    char directory[sizeof(job->work_path) + sizeof("/journal")];
    snprintf(directory, sizeof(directory), "%s/journal", job->work_path);
    oversized_config_t config;
    oversized_config_init(&config);
    config.directory = directory;
    config.entry_size = ENTRY_SIZE;
    config.compression = (int)job->options[COMPRESS];
    config.read_only = read_only;
    config.index_write_buffer = 4096; /* small ones: what a killed process has not written yet is little */
    config.value_write_buffer = CHUNK;
    config.log = log_line;
    ok(oversized_open(&config, &job->journal), "open");
}

#endif
