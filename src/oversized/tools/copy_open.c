/*
 * oversized/tools/copy_open.c: a journal that is open here is copied. What is durable of each section is noted under
 * one lock, and copied without any. The count of cuts and removals tells whether there were some meanwhile.
 */
#include <stdlib.h>

#include "oversized/section/section.h"
#include "oversized/tools/copy.h"

/* Under state: all sections at one moment. False: there is no room for them. */
SEGJ_UNDER_STATE static bool note_all(segj_copy_job_t *job, size_t room)
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
    for (size_t i = 0; i < job->count; i++)
        segj_copy_source_note(job->journal, segj_section_at(job->journal, first + i), &job->sections[i].source);
    return true;
}

static segj_status_t note_open(segj_copy_job_t *job)
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
    return SEGJ_OK;
}

static segj_status_t copy_open_look(segj_copy_job_t *job, segj_noted_t *noted)
{
    segj_copy_source_t now;
    segj_status_t status = segj_copy_source_look(job->journal, noted->source.number, &now);
    if (status != SEGJ_OK || now.number != noted->source.number)
        return SEGJ_END;
    noted->source = now;
    return SEGJ_OK;
}

static segj_status_t open_copied(segj_copy_job_t *job, const segj_noted_t *noted, bool *current)
{
    segj_copy_source_t now;
    *current = segj_copy_source_look(job->journal, noted->source.number, &now) == SEGJ_OK &&
               now.number == noted->source.number && now.generation == noted->source.generation;
    return SEGJ_OK;
}

static bool open_is_quiet(segj_copy_job_t *job)
{
    uint64_t removals = atomic_load(&job->journal->removals);
    bool quiet = removals == job->removals;
    job->removals = removals;
    return quiet;
}

static const segj_copy_from_t copy_from_open = {.call = "oversized_copy",
                                                .note = note_open,
                                                .look = copy_open_look,
                                                .look_at_copied = open_copied,
                                                .is_quiet = open_is_quiet};

segj_status_t oversized_copy(oversized_t *journal, const char *destination, const oversized_copy_options_t *options,
                             oversized_copied_t *copied)
{
    SEGJ_ENTER(journal, oversized_copy(journal, destination, options, copied));
    oversized_copy_options_t usual;
    oversized_copy_options_init(&usual);
    segj_status_t status = segj_copy_check_destination("oversized_copy", destination);
    if (status == SEGJ_OK)
        status = segj_copy_check_options("oversized_copy", options);
    if (status != SEGJ_OK)
        return status;
    segj_copy_job_t job = {.from = &copy_from_open, .journal = journal, .options = options != NULL ? options : &usual};
    segj_journal_enter(journal);
    status = segj_copy_run(&job, destination);
    segj_journal_leave(journal);
    free(job.sections);
    if (copied != NULL)
        *copied = job.found;
    return status;
}
