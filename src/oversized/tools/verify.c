/*
 * oversized/tools/verify.c: reads a journal through and judges what it reads, by several threads. The calling thread is
 * one of them, and the one that tells of progress. Each takes the next part of a section when it has judged one.
 */
#include <stdlib.h>

#include "base/bytes.h"
#include "base/park.h"
#include "base/process.h"
#include "base/thread.h"
#include "oversized/tools/throttle.h"
#include "oversized/tools/verify_part.h"

/* About how many bytes a part has. */
#define VERIFY_PART_BYTES ((uint64_t)8 << 20)
#define VERIFY_THREADS_MOST 64
#define VERIFY_OVER 1

/** What the threads share. */
typedef struct verify_job {
    oversized_t *journal;
    const oversized_verify_options_t *options;
    segj_mutex_t lock; /* of all that follows */
    uint64_t section;  /* whose parts are being given out */
    uint64_t at, count;
    bool begun;           /* a section was found */
    bool stop;            /* no more parts */
    unsigned running;     /* threads besides the calling one */
    segj_park_t over;     /* said by the last of them */
    uint64_t start, told; /* time */
    oversized_verified_t found;
    uint64_t bytes_total, records_total;
    segj_status_t damage;    /* of the first damage */
    segj_sentence_t damaged; /* and its sentence */
    segj_status_t failure;   /* for which all end */
    segj_sentence_t failed;
} verify_job_t;

/** One of the threads. */
typedef struct verify_worker {
    verify_job_t *job;
    segj_thread_t thread;
    bool calling;
} verify_worker_t;

/* --- the sections that are asked for --- */

/* The first section from `from` on; SEGJ_END where none is asked for any more. */
static segj_status_t section_from(const verify_job_t *job, uint64_t from, uint64_t *section)
{
    segj_status_t status = from == 0 ? oversized_oldest_section(job->journal, section)
                                     : oversized_next_section(job->journal, from - 1, section);
    return status == SEGJ_OK && *section > job->options->last_section ? SEGJ_END : status;
}

/* What there is to read, for the progress. */
static segj_status_t measure_all(verify_job_t *job)
{
    uint64_t section = 0;
    segj_status_t status = section_from(job, job->options->first_section, &section);
    while (status == SEGJ_OK) {
        uint64_t records = 0;
        uint64_t index = 0;
        uint64_t values = 0;
        status = oversized_count(job->journal, section, &records);
        if (status == SEGJ_OK)
            status = oversized_size(job->journal, section, &index);
        if (status == SEGJ_OK)
            status = oversized_value_size(job->journal, section, &values);
        job->records_total += records;
        job->bytes_total += index + values;
        if (status == SEGJ_OK)
            status = section == UINT64_MAX ? SEGJ_END : section_from(job, section + 1, &section);
    }
    return status == SEGJ_END ? SEGJ_OK : status;
}

/* Records of a part: a multiple of the step, as many as have about the bytes of one. */
static uint64_t part_size(const verify_job_t *job)
{
    uint64_t values = 0;
    uint64_t step = segj_verify_step(job->journal);
    if (oversized_value_size(job->journal, job->section, &values) != SEGJ_OK || values == 0)
        return step * (VERIFY_PART_BYTES / job->journal->shared.record_size / step + 1);
    uint64_t each = values / job->count + job->journal->shared.record_size;
    return step * (VERIFY_PART_BYTES / each / step + 1);
}

/* Under the lock: the next part; SEGJ_END after the last one. */
static segj_status_t take_part(verify_job_t *job, segj_verify_part_t *part) SEGJ_REQUIRES(job->lock);
static segj_status_t take_part(verify_job_t *job, segj_verify_part_t *part)
{
    segj_assert_held(&job->lock);
    while (job->at >= job->count) {
        if (job->begun && job->section == UINT64_MAX)
            return SEGJ_END;
        segj_status_t status =
            section_from(job, job->begun ? job->section + 1 : job->options->first_section, &job->section);
        if (status == SEGJ_OK)
            status = oversized_count(job->journal, job->section, &job->count);
        if (status != SEGJ_OK)
            return status;
        job->begun = true;
        job->at = 0;
        job->found.sections++;
    }
    uint64_t size = part_size(job);
    *part = (segj_verify_part_t){job->section, job->at, job->count - job->at > size ? job->at + size : job->count};
    job->at = part->last;
    return SEGJ_OK;
}

/* --- what is told --- */

/* Under the lock. Whether the caller wants it to end. */
static bool tell_progress(verify_job_t *job, uint64_t now) SEGJ_REQUIRES(job->lock);
static bool tell_progress(verify_job_t *job, uint64_t now)
{
    segj_assert_held(&job->lock);
    const oversized_verify_options_t *options = job->options;
    const oversized_progress_t progress = {.stage = "verify",
                                           .records_done = job->found.records,
                                           .records_total = job->records_total,
                                           .bytes_done = job->found.bytes,
                                           .bytes_total = job->bytes_total};
    job->told = now;
    return options->progress != NULL && options->progress(options->context, &progress);
}

static void cancel(verify_job_t *job)
{
    job->stop = true;
    if (job->failure != SEGJ_OK)
        return;
    job->failure = segj_fail(SEGJ_ERR_CANCELLED, "oversized_verify: cancelled after %llu of %llu bytes",
                             (unsigned long long)job->found.bytes, (unsigned long long)job->bytes_total);
    segj_keep(&job->failed);
}

/* Waits where more was read than is allowed, and tells of progress. */
static bool verify_go_on(verify_worker_t *worker)
{
    verify_job_t *job = worker->job;
    uint64_t pause;
    bool on;
    do {
        uint64_t now = segj_process_time();
        segj_lock(&job->lock);
        if (worker->calling && now - job->told >= SEGJ_TELL_TIME && tell_progress(job, now))
            cancel(job);
        pause = job->stop ? 0 : segj_throttle_pause(job->found.bytes, job->options->bytes_per_second, now - job->start);
        on = !job->stop;
        segj_unlock(&job->lock);
        if (pause > 0)
            segj_process_sleep(pause);
    } while (pause > 0);
    return on;
}

static bool verify_count(void *context, uint64_t records, uint64_t bytes)
{
    verify_worker_t *worker = context;
    verify_job_t *job = worker->job;
    segj_lock(&job->lock);
    job->found.records += records;
    job->found.bytes += bytes;
    segj_unlock(&job->lock);
    return verify_go_on(worker);
}

static bool verify_damage(void *context, const oversized_damage_t *damage)
{
    verify_worker_t *worker = context;
    verify_job_t *job = worker->job;
    segj_lock(&job->lock);
    if (job->damage == SEGJ_OK) {
        job->damage = damage->status;
        segj_keep(&job->damaged);
    }
    job->found.damages++;
    job->found.records_damaged += damage->records;
    if (!job->stop && job->options->on_damage != NULL && job->options->on_damage(job->options->context, damage))
        cancel(job);
    bool on = !job->stop;
    segj_unlock(&job->lock);
    return on;
}

/* --- the threads --- */

static void verify_work(verify_worker_t *worker)
{
    verify_job_t *job = worker->job;
    const segj_verify_sink_t sink = {verify_count, verify_damage, worker};
    segj_status_t status = SEGJ_OK;
    while (status == SEGJ_OK) {
        segj_verify_part_t part;
        segj_lock(&job->lock);
        status = job->stop ? SEGJ_END : take_part(job, &part);
        segj_unlock(&job->lock);
        if (status == SEGJ_OK)
            status = segj_verify_part(job->journal, &part, &sink);
    }
    if (status == SEGJ_END)
        return;
    segj_lock(&job->lock);
    job->stop = true;
    if (job->failure == SEGJ_OK) {
        job->failure = status;
        segj_keep(&job->failed);
    }
    segj_unlock(&job->lock);
}

static void *verify_run(void *context)
{
    verify_worker_t *worker = context;
    verify_job_t *job = worker->job;
    verify_work(worker);
    segj_lock(&job->lock);
    bool last = --job->running == 0;
    segj_unlock(&job->lock);
    if (last)
        segj_park_say(&job->over, VERIFY_OVER);
    return NULL;
}

/* Starts the threads, or as many as the system has. Returns their number. */
static unsigned verify_start(verify_job_t *job, verify_worker_t *workers, unsigned count)
{
    unsigned started = 0;
    segj_lock(&job->lock); /* so that none of them is the last before all have started */
    for (; started < count; started++) {
        workers[started] = (verify_worker_t){.job = job};
        if (segj_thread_start(&workers[started].thread, verify_run, &workers[started]) != 0)
            break;
        job->running++;
    }
    segj_unlock(&job->lock);
    return started;
}

/* The calling thread has found no more parts: it tells of the progress of the others. */
static void verify_await(verify_worker_t *calling, const verify_worker_t *workers, unsigned count)
{
    verify_job_t *job = calling->job;
    while (count > 0 && segj_park_wait_for(&job->over, SEGJ_TELL_TIME) == 0)
        (void)verify_go_on(calling);
    for (unsigned i = 0; i < count; i++)
        segj_thread_join(workers[i].thread);
}

static segj_status_t verify_all(verify_job_t *job)
{
    verify_worker_t workers[VERIFY_THREADS_MOST];
    verify_worker_t calling = {.job = job, .calling = true};
    segj_status_t status = measure_all(job);
    if (status != SEGJ_OK)
        return status;
    job->start = job->told = segj_process_time();
    segj_park_init(&job->over);
    unsigned count = verify_start(job, workers, job->options->threads > 1 ? job->options->threads - 1 : 0);
    verify_work(&calling);
    verify_await(&calling, workers, count);
    segj_lock(&job->lock);
    if (job->failure == SEGJ_OK && tell_progress(job, 0))
        cancel(job);
    segj_unlock(&job->lock);
    if (job->failure != SEGJ_OK)
        segj_say_again(&job->failed);
    else if (job->damage != SEGJ_OK)
        segj_say_again(&job->damaged);
    return job->failure != SEGJ_OK ? job->failure : job->damage;
}

static segj_status_t verify_check(const oversized_verify_options_t *options)
{
    if (options->struct_size != sizeof *options)
        return segj_fail(SEGJ_ERR_INVALID,
                         "oversized_verify: options.struct_size is %zu bytes, expected %zu bytes: begin with "
                         "oversized_verify_options_init() of this version",
                         options->struct_size, sizeof *options);
    if (options->threads == 0 || options->threads > VERIFY_THREADS_MOST)
        return segj_fail(SEGJ_ERR_INVALID, "oversized_verify: options.threads is %u, expected 1 to %d",
                         (unsigned)options->threads, VERIFY_THREADS_MOST);
    if (options->first_section > options->last_section)
        return segj_fail(SEGJ_ERR_INVALID, "oversized_verify: options.first_section, %llu, is above last_section, %llu",
                         (unsigned long long)options->first_section, (unsigned long long)options->last_section);
    return SEGJ_OK;
}

void oversized_verify_options_init(oversized_verify_options_t *options)
{
    if (options != NULL)
        *options =
            (oversized_verify_options_t){.struct_size = sizeof *options, .last_section = UINT64_MAX, .threads = 1};
}

segj_status_t oversized_verify(oversized_t *journal, const oversized_verify_options_t *options,
                               oversized_verified_t *verified)
{
    SEGJ_ENTER(journal, oversized_verify(journal, options, verified));
    oversized_verify_options_t usual;
    oversized_verify_options_init(&usual);
    verify_job_t job = {.journal = journal, .options = options != NULL ? options : &usual};
    segj_status_t status = verify_check(job.options);
    if (status != SEGJ_OK)
        return status;
    if (!segj_mutex_init(&job.lock))
        return segj_fail_memory(sizeof job.lock);
    segj_journal_enter(journal);
    status = verify_all(&job);
    segj_journal_leave(journal);
    segj_mutex_destroy(&job.lock);
    if (verified != NULL)
        *verified = job.found;
    return status;
}
