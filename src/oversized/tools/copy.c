/*
 * oversized/tools/copy.c: a journal is copied beside all that is done to it. What is durable of each section is noted
 * under one lock, and copied without any. A section that is cut or removed during that is copied again, or left out.
 * When nothing is left to do, under the lock again, the copy is complete (DESIGN.md, "Copies").
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/process.h"
#include "oversized/tools/copy.h"
#include "oversized/tools/copy_section.h"
#include "oversized/tools/throttle.h"

/* How often one call copies a section again that is cut again and again. */
#define COPY_TRIES 64

/** A section of the copy. */
typedef struct noted {
    segj_copy_source_t source;
    unsigned tries;
    bool gone; /* it was removed, and is not in the copy any more */
} noted_t;

/** The call. */
typedef struct copy_job {
    segj_copying_t copying; /* first */
    oversized_t *journal;
    const oversized_copy_options_t *options;
    segj_copy_target_t target;
    noted_t *sections;
    size_t count;
    uint64_t removals; /* of the journal, when it was looked at */
    uint64_t bytes_total, records_total;
    uint64_t start, told; /* time */
    oversized_copied_t found;
} copy_job_t;

/* --- what is told --- */

static bool copy_tell(copy_job_t *job, uint64_t now)
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

static segj_status_t copy_cancelled(const copy_job_t *job)
{
    return segj_fail(SEGJ_ERR_CANCELLED, "oversized_copy: cancelled after %llu of %llu bytes",
                     (unsigned long long)job->copying.bytes_done, (unsigned long long)job->bytes_total);
}

static segj_status_t copy_told(segj_copying_t *copying)
{
    copy_job_t *job = (copy_job_t *)(void *)copying;
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

/* Under state: all sections at one moment. False: there is no room for them. */
SEGJ_UNDER_STATE static bool note_all(copy_job_t *job, size_t room)
{
    const segj_sections_t *sections = &job->journal->sections;
    size_t first = segj_sections_lower(sections, job->options->first_section);
    job->count = 0;
    while (first + job->count < sections->count &&
           sections->order[first + job->count]->number <= job->options->last_section)
        job->count++;
    if (job->count > room)
        return false;
    job->removals = atomic_load(&job->journal->removals);
    for (size_t i = 0; i < job->count; i++) {
        segj_copy_source_note(job->journal, segj_section_at(job->journal, first + i), &job->sections[i].source);
        job->bytes_total += job->sections[i].source.bytes;
        job->records_total += job->sections[i].source.records;
    }
    return true;
}

static segj_status_t copy_begin(copy_job_t *job)
{
    segj_shared_t *shared = &job->journal->shared;
    bool noted = false;
    for (size_t room = 0; !noted;) {
        free(job->sections);
        job->sections = calloc(room + 1, sizeof *job->sections);
        job->count = 0;
        if (job->sections == NULL)
            return segj_fail_memory((room + 1) * sizeof *job->sections);
        segj_lock(&shared->state);
        while (job->journal->hidden > 0) /* they may come back */
            segj_wait(&shared->changed, &shared->state);
        noted = note_all(job, room);
        segj_unlock(&shared->state);
        room = job->count + job->count / 8;
    }
    for (size_t i = 0; i < 2; i++) {
        job->copying.memory[i] = malloc(SEGJ_COPY_WINDOW);
        if (job->copying.memory[i] == NULL)
            return segj_fail_memory(SEGJ_COPY_WINDOW);
    }
    job->copying.told = copy_told;
    job->copying.target = &job->target;
    job->start = job->told = segj_process_time();
    return SEGJ_OK;
}

static noted_t *find_noted(const copy_job_t *job, uint64_t section)
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

/* Whether what lies there is a copy of this journal: the oldest section that both have tells. A section that a rewind
 * has taken back and that was made again is another one, but the oldest of them rarely is. */
static segj_status_t check_kin(copy_job_t *job)
{
    const segj_copy_target_t *target = &job->target;
    segj_kin_t kin = SEGJ_KIN_UNKNOWN;
    bool any = false;
    for (size_t i = 0; i < target->count && kin == SEGJ_KIN_UNKNOWN; i++) {
        noted_t *noted = find_noted(job, target->sections[i]);
        segj_status_t status = noted != NULL ? segj_copy_compare_kin(&job->copying, &noted->source, &kin) : SEGJ_END;
        any = any || noted != NULL;
        if (status != SEGJ_OK && status != SEGJ_END)
            return status;
        kin = status == SEGJ_END ? SEGJ_KIN_UNKNOWN : kin;
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
static segj_status_t remove_others(copy_job_t *job)
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

static segj_status_t copy_gone(copy_job_t *job, noted_t *noted)
{
    noted->gone = true;
    return segj_copy_target_remove(&job->target, noted->source.number);
}

/* Notes a section anew that was cut, or made again under its number. */
static segj_status_t note_again(copy_job_t *job, noted_t *noted)
{
    segj_copy_source_t now;
    segj_status_t status = segj_copy_source_look(job->journal, noted->source.number, &now);
    if (status == SEGJ_END || now.number != noted->source.number)
        return copy_gone(job, noted);
    if (++noted->tries > COPY_TRIES)
        return segj_fail(
            SEGJ_ERR_BUSY,
            "oversized_copy: section %llu was cut %d times while it was copied: make the copy again, which "
            "goes on where this one ends",
            (unsigned long long)now.number, COPY_TRIES);
    noted->source = now;
    return SEGJ_OK;
}

static segj_status_t copy_noted(copy_job_t *job, noted_t *noted, bool *kept)
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

static segj_status_t copy_sections(copy_job_t *job)
{
    segj_status_t status = SEGJ_OK;
    for (size_t i = 0; i < job->count && status == SEGJ_OK; i++) {
        bool kept = false;
        status = copy_noted(job, &job->sections[i], &kept);
        job->found.sections_kept += kept && status == SEGJ_OK;
    }
    return status;
}

/* Whether a section is still what was copied of it. */
static bool is_current(copy_job_t *job, const noted_t *noted)
{
    segj_copy_source_t now;
    return segj_copy_source_look(job->journal, noted->source.number, &now) == SEGJ_OK &&
           now.number == noted->source.number && now.generation == noted->source.generation;
}

/* Sections that were cut or removed after they had been copied; until a whole pass had no cut and no removal. */
static segj_status_t copy_changed_again(copy_job_t *job)
{
    for (;;) {
        uint64_t removals = atomic_load(&job->journal->removals);
        segj_status_t status = SEGJ_OK;
        if (removals == job->removals)
            return SEGJ_OK;
        for (size_t i = 0; i < job->count && status == SEGJ_OK; i++) {
            noted_t *noted = &job->sections[i];
            bool kept;
            if (noted->gone || is_current(job, noted))
                continue;
            job->copying.bytes_done -= segj_min_u64(job->copying.bytes_done, noted->source.bytes);
            job->copying.records_done -= segj_min_u64(job->copying.records_done, noted->source.records);
            status = note_again(job, noted);
            if (status == SEGJ_OK)
                status = copy_noted(job, noted, &kept);
        }
        if (status != SEGJ_OK)
            return status;
        job->removals = removals;
    }
}

static void copy_count(copy_job_t *job)
{
    for (size_t i = 0; i < job->count; i++) {
        job->found.sections += !job->sections[i].gone;
        job->found.records += job->sections[i].gone ? 0 : job->sections[i].source.records;
    }
}

static segj_status_t copy_into(copy_job_t *job)
{
    segj_status_t status = check_kin(job);
    if (status == SEGJ_OK)
        status = remove_others(job);
    if (status == SEGJ_OK)
        status = copy_sections(job);
    if (status == SEGJ_OK)
        status = copy_changed_again(job);
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

static segj_status_t copy_all(copy_job_t *job, const char *destination)
{
    segj_status_t status = copy_begin(job);
    if (status == SEGJ_OK) {
        status = segj_copy_target_open(job->journal, destination, &job->target);
        if (status == SEGJ_OK)
            status = copy_into(job);
        segj_copy_target_close(&job->target);
    }
    free(job->copying.memory[0]);
    free(job->copying.memory[1]);
    copy_count(job);
    job->found.bytes = job->copying.bytes_written;
    free(job->sections);
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

segj_status_t oversized_copy(oversized_t *journal, const char *destination, const oversized_copy_options_t *options,
                             oversized_copied_t *copied)
{
    SEGJ_ENTER(journal, oversized_copy(journal, destination, options, copied));
    oversized_copy_options_t usual;
    oversized_copy_options_init(&usual);
    if (destination == NULL || destination[0] == '\0')
        return segj_fail(SEGJ_ERR_INVALID, "oversized_copy: destination is %s", destination == NULL ? "NULL" : "empty");
    segj_status_t status = segj_copy_check_options("oversized_copy", options);
    if (status != SEGJ_OK)
        return status;
    copy_job_t job = {.journal = journal, .options = options != NULL ? options : &usual};
    segj_journal_enter(journal);
    status = copy_all(&job, destination);
    segj_journal_leave(journal);
    if (copied != NULL)
        *copied = job.found;
    return status;
}
