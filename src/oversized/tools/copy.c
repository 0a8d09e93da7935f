/*
 * oversized/tools/copy.c: a journal is copied beside all that is done to it. What there is of each section is noted
 * first, and copied then. A section that is cut or removed meanwhile is copied again, or left out. When a look at all
 * of them finds none changed, the copy is complete (DESIGN.md, "Copies"). What is copied from is told by who calls
 * (copy_open.c, copy_beside.c).
 */
#include "oversized/tools/copy.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "base/process.h"
#include "oversized/tools/throttle.h"

/* How often one call copies a section again that is cut again and again. */
#define COPY_TRIES 64

/* --- what is told --- */

static bool copy_tell(segj_copy_job_t *job, uint64_t now)
{
    const oversized_copy_options_t *options = job->options;
    const oversized_progress_t progress = {.stage = "copy",
                                           .records_done = job->copying.records_done,
                                           .records_total = job->records_total,
                                           .bytes_done = job->copying.bytes_done,
                                           .bytes_total = segj_max_u64(job->bytes_total, job->copying.bytes_done)};
    job->told = now;
    return options->progress != NULL && options->progress(options->context, &progress);
}

static segj_status_t copy_cancelled(const segj_copy_job_t *job)
{
    return segj_fail(SEGJ_ERR_CANCELLED, "%s: cancelled after %llu of %llu bytes", job->from->call,
                     (unsigned long long)job->copying.bytes_done, (unsigned long long)job->bytes_total);
}

static segj_status_t copy_told(segj_copying_t *copying)
{
    segj_copy_job_t *job = (segj_copy_job_t *)(void *)copying;
    for (;;) {
        uint64_t now = segj_process_time();
        if (now - job->told >= SEGJ_TELL_TIME && copy_tell(job, now))
            return copy_cancelled(job);
        uint64_t pause = segj_throttle_pause(job->copying.bytes_done, job->options->bytes_per_second, now - job->start);
        if (pause == 0)
            return SEGJ_OK;
        segj_process_sleep(pause);
    }
}

/* --- what must be copied --- */

static segj_status_t copy_begin(segj_copy_job_t *job)
{
    for (size_t i = 0; i < 2; i++) {
        job->copying.memory[i] = malloc(SEGJ_COPY_WINDOW);
        if (job->copying.memory[i] == NULL)
            return segj_fail_memory(SEGJ_COPY_WINDOW);
    }
    job->copying.told = copy_told;
    job->copying.target = &job->target;
    job->start = job->told = segj_process_time();
    segj_status_t status = job->from->note(job);
    for (size_t i = 0; i < job->count && status == SEGJ_OK; i++) {
        job->bytes_total += job->sections[i].source.bytes;
        job->records_total += job->sections[i].source.records;
    }
    return status;
}

/* A journal that is not locked here may be a copy itself, and its own directory one that a copy may be made in. */
static segj_status_t check_elsewhere(const segj_copy_job_t *job)
{
    const segj_io_partition_t *ours = &job->journal->shared.index;
    if (!SEGJ_STORAGE_HAS(ours->storage, partition_beside) || !segj_partition_is_beside(ours, &job->target.index))
        return SEGJ_OK;
    return segj_fail(SEGJ_ERR_LOCKED, "%s: it is the directory of the journal that is to be copied: name another one",
                     job->target.index.directory);
}

static segj_noted_t *find_noted(const segj_copy_job_t *job, uint64_t section)
{
    size_t low = 0;
    size_t high = job->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (job->sections[middle].source.number < section)
            low = middle + 1;
        else
            high = middle;
    }
    return low < job->count && job->sections[low].source.number == section ? &job->sections[low] : NULL;
}

/* Notes a section anew that was cut, or made again under its number. */
static segj_status_t note_again(segj_copy_job_t *job, segj_noted_t *noted)
{
    segj_status_t status = job->from->look(job, noted);
    noted->gone = status == SEGJ_END;
    if (noted->gone)
        return SEGJ_OK;
    if (status == SEGJ_OK && ++noted->tries > COPY_TRIES)
        return segj_fail(
            SEGJ_ERR_BUSY,
            "%s: section %llu was cut %d times while it was copied: make the copy again, which goes on where this "
            "one ends",
            job->from->call, (unsigned long long)noted->source.number, COPY_TRIES);
    return status;
}

/* One that is cut meanwhile is looked at again: a later one may have been taken back and made anew. */
static segj_status_t compare_kin(segj_copy_job_t *job, segj_noted_t *noted, segj_kin_t *kin)
{
    segj_status_t status = SEGJ_END;
    while (status == SEGJ_END && !noted->gone) {
        status = segj_copy_compare_kin(&job->copying, &noted->source, kin);
        if (status == SEGJ_END) {
            *kin = SEGJ_KIN_UNKNOWN;
            status = note_again(job, noted);
            status = status == SEGJ_OK ? SEGJ_END : status;
        }
    }
    return status == SEGJ_END ? SEGJ_OK : status;
}

/* Whether what lies there is a copy of this journal: the oldest section that both have tells. A section that a rewind
 * has taken back and that was made again is another one, but the oldest of them rarely is. */
static segj_status_t check_kin(segj_copy_job_t *job)
{
    const segj_copy_target_t *target = &job->target;
    segj_kin_t kin = SEGJ_KIN_UNKNOWN;
    bool any = false;
    for (size_t i = 0; i < target->count && kin == SEGJ_KIN_UNKNOWN; i++) {
        segj_noted_t *noted = find_noted(job, target->sections[i]);
        segj_status_t status = noted != NULL ? compare_kin(job, noted, &kin) : SEGJ_OK;
        any = any || noted != NULL;
        if (status != SEGJ_OK)
            return status;
    }
    if (kin == SEGJ_KIN_OTHER)
        return segj_fail(
            SEGJ_ERR_MISMATCH,
            "%s: it is a copy of another journal: the oldest section that both have begins otherwise. Name "
            "another directory, or remove this one",
            target->index.directory);
    if (!any && target->count > 0 && !target->unfinished)
        return segj_fail(SEGJ_ERR_MISMATCH,
                         "%s: it is a copy of a journal, and none of its %zu sections is in this one: name another "
                         "directory, or remove this one",
                         target->index.directory, target->count);
    return SEGJ_OK;
}

/* What an earlier copy has and the journal has not any more. First of all: it makes room. */
static segj_status_t remove_others(segj_copy_job_t *job)
{
    segj_status_t status = SEGJ_OK;
    for (size_t i = 0; i < job->target.count && status == SEGJ_OK; i++) {
        if (find_noted(job, job->target.sections[i]) != NULL)
            continue;
        status = segj_copy_target_remove(&job->target, job->target.sections[i]);
        job->found.sections_removed += status == SEGJ_OK;
    }
    return status;
}

/* --- copying --- */

/* What was removed meanwhile, when it is known that it was that alone. */
static segj_status_t remove_gone(segj_copy_job_t *job)
{
    segj_status_t status = job->from->settled != NULL ? job->from->settled(job) : SEGJ_OK;
    for (size_t i = 0; i < job->count && status == SEGJ_OK; i++)
        if (job->sections[i].gone)
            status = segj_copy_target_remove(&job->target, job->sections[i].source.number);
    return status;
}

static segj_status_t copy_noted(segj_copy_job_t *job, segj_noted_t *noted, bool *kept)
{
    segj_status_t status = SEGJ_END;
    while (status == SEGJ_END && !noted->gone) {
        status = segj_copy_section(&job->copying, &noted->source, kept);
        if (status == SEGJ_END) {
            status = note_again(job, noted);
            status = status == SEGJ_OK ? SEGJ_END : status;
        }
    }
    return status == SEGJ_END ? SEGJ_OK : status;
}

static segj_status_t copy_sections(segj_copy_job_t *job)
{
    segj_status_t status = SEGJ_OK;
    for (size_t i = 0; i < job->count && status == SEGJ_OK; i++) {
        bool kept = false;
        status = copy_noted(job, &job->sections[i], &kept);
        job->found.sections_kept += kept && status == SEGJ_OK;
    }
    return status;
}

/* A section that was cut or removed after it had been copied. */
static segj_status_t copy_anew(segj_copy_job_t *job, segj_noted_t *noted)
{
    bool kept;
    job->copying.bytes_done -= segj_min_u64(job->copying.bytes_done, noted->source.bytes);
    job->copying.records_done -= segj_min_u64(job->copying.records_done, noted->source.records);
    segj_status_t status = note_again(job, noted);
    return status == SEGJ_OK ? copy_noted(job, noted, &kept) : status;
}

/* Until a look at all of them finds none that was cut or removed meanwhile. */
static segj_status_t copy_settle(segj_copy_job_t *job)
{
    for (;;) {
        bool changed = false;
        segj_status_t status = SEGJ_OK;
        if (job->from->is_quiet != NULL && job->from->is_quiet(job))
            return SEGJ_OK;
        for (size_t i = 0; i < job->count && status == SEGJ_OK; i++) {
            segj_noted_t *noted = &job->sections[i];
            bool current = true;
            if (!noted->gone)
                status = job->from->look_at_copied(job, noted, &current);
            changed = changed || !current;
            if (status == SEGJ_OK && !current)
                status = copy_anew(job, noted);
        }
        if (status != SEGJ_OK || (!changed && job->from->is_quiet == NULL))
            return status;
    }
}

static void copy_count(segj_copy_job_t *job)
{
    for (size_t i = 0; i < job->count; i++) {
        job->found.sections += !job->sections[i].gone;
        job->found.records += job->sections[i].gone ? 0 : job->sections[i].source.records;
    }
}

static segj_status_t copy_into(segj_copy_job_t *job)
{
    segj_status_t status = check_kin(job);
    if (status == SEGJ_OK)
        status = remove_others(job);
    if (status == SEGJ_OK)
        status = copy_sections(job);
    if (status == SEGJ_OK)
        status = copy_settle(job);
    if (status == SEGJ_OK)
        status = remove_gone(job);
    if (status == SEGJ_OK && copy_tell(job, 0))
        status = copy_cancelled(job);
    if (status == SEGJ_OK)
        status = segj_copy_target_finish(&job->target);
    if (status == SEGJ_OK || !job->target.changing)
        return status;
    segj_sentence_t cause;
    segj_keep(&cause);
    /* What is there stays. */
    segj_status_t synced = status == SEGJ_ERR_CANCELLED ? segj_copy_target_sync(&job->target) : SEGJ_OK;
    if (synced == SEGJ_OK)
        segj_say_again(&cause);
    else
        status = synced;
    segj_say_after("; the copy in %s is not complete, and is not opened: the next one goes on with it",
                   job->target.index.directory);
    return status;
}

segj_status_t segj_copy_run(segj_copy_job_t *job, const char *destination)
{
    segj_status_t status = copy_begin(job);
    if (status == SEGJ_OK) {
        status = segj_copy_target_open(job->journal, destination, &job->target);
        if (status == SEGJ_OK)
            status = check_elsewhere(job);
        if (status == SEGJ_OK)
            status = copy_into(job);
        segj_copy_target_close(&job->target);
    }
    free(job->copying.memory[0]);
    free(job->copying.memory[1]);
    copy_count(job);
    job->found.bytes = job->copying.bytes_written;
    return status;
}

void oversized_copy_options_init(oversized_copy_options_t *options)
{
    if (options != NULL)
        *options = (oversized_copy_options_t){.struct_size = sizeof *options, .last_section = UINT64_MAX};
}

segj_status_t segj_copy_check_options(const char *call, const oversized_copy_options_t *options)
{
    if (options != NULL && options->struct_size != sizeof *options)
        return segj_fail(SEGJ_ERR_INVALID,
                         "%s: options.struct_size is %zu bytes, expected %zu bytes: begin with "
                         "oversized_copy_options_init() of this version",
                         call, options->struct_size, sizeof *options);
    if (options != NULL && options->first_section > options->last_section)
        return segj_fail(SEGJ_ERR_INVALID, "%s: options.first_section, %llu, is above last_section, %llu", call,
                         (unsigned long long)options->first_section, (unsigned long long)options->last_section);
    return SEGJ_OK;
}

segj_status_t segj_copy_check_destination(const char *call, const char *destination)
{
    if (destination == NULL || destination[0] == '\0')
        return segj_fail(SEGJ_ERR_INVALID, "%s: destination is %s", call, destination == NULL ? "NULL" : "empty");
    return SEGJ_OK;
}
