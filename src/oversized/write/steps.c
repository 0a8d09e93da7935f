/*
 * oversized/write/steps.c: see the header. The oldest sections go first, so that a removal that is cancelled has been a
 * prune. Each step is a whole removal with its barriers; it takes as many sections as go in a moment.
 */
#include "oversized/write/steps.h"

#include "base/bytes.h"
#include "base/process.h"
#include "oversized/write/remove.h"

/* A step that took less is followed by a larger one, and one that took more by a smaller one, in nanoseconds. */
#define STEP_SHORT UINT64_C(25000000)
#define STEP_LONG UINT64_C(75000000)

void oversized_removal_options_init(oversized_removal_options_t *options)
{
    if (options != NULL)
        *options = (oversized_removal_options_t){.struct_size = sizeof *options};
}

segj_status_t segj_steps_begin(const char *call, const oversized_removal_options_t *options, segj_steps_t *steps)
{
    *steps = (segj_steps_t){.call = call, .size = SIZE_MAX};
    if (options == NULL)
        return SEGJ_OK;
    if (options->struct_size != sizeof *options)
        return segj_fail(SEGJ_ERR_INVALID,
                         "%s: options.struct_size is %zu bytes, expected %zu bytes: begin with "
                         "oversized_removal_options_init() of this version",
                         call, options->struct_size, sizeof *options);
    steps->telling = segj_telling_begin(options->progress, options->context);
    if (options->progress != NULL)
        steps->size = 1;
    return SEGJ_OK;
}

/* Under state: the first `count` sections. */
SEGJ_UNDER_STATE static oversized_removed_t steps_measure(const oversized_t *journal, size_t count)
{
    oversized_removed_t sum = {.sections = count};
    for (size_t i = 0; i < count; i++) {
        const segj_section_t *section = segj_section_at(journal, i);
        sum.records += section->index.records;
        sum.bytes += segj_section_file_bytes(&journal->shared, section);
    }
    return sum;
}

/* What there is to remove. */
static void steps_expect(oversized_t *journal, segj_steps_t *steps, uint64_t line, bool all)
{
    segj_lock(&journal->shared.state);
    size_t count = all ? journal->sections.count : segj_sections_lower(&journal->sections, line);
    oversized_removed_t sum = steps_measure(journal, count);
    segj_unlock(&journal->shared.state);
    steps->telling.now = (oversized_progress_t){
        .stage = "remove", .records_total = sum.records, .bytes_total = sum.bytes, .sections_total = sum.sections};
}

/* Of the next step: what it removes, and the number of the section that it leaves first. False: it is the last one, of
 * all that is below `line`. */
static bool steps_next(oversized_t *journal, segj_steps_t *steps, uint64_t *line, bool all, oversized_removed_t *step)
{
    steps->begun = steps->telling.progress != NULL ? segj_process_time() : 0;
    segj_lock(&journal->shared.state);
    size_t count = all ? journal->sections.count : segj_sections_lower(&journal->sections, *line);
    bool more = steps->size < count;
    if (more)
        *line = journal->sections.order[steps->size]->number;
    *step = steps_measure(journal, more ? steps->size : count);
    segj_unlock(&journal->shared.state);
    return more;
}

/* A step is done. True: it was cancelled. */
static bool steps_account(segj_steps_t *steps, const oversized_removed_t *step, bool more)
{
    steps->removed.sections += step->sections;
    steps->removed.records += step->records;
    steps->removed.bytes += step->bytes;
    if (steps->telling.progress == NULL)
        return false;
    uint64_t took = segj_process_time() - steps->begun;
    if (took < STEP_SHORT && steps->size < SIZE_MAX / 2)
        steps->size *= 2;
    else if (took > STEP_LONG && steps->size > 1)
        steps->size /= 2;
    steps->telling.now.sections_done = steps->removed.sections;
    steps->telling.now.records_done = steps->removed.records;
    steps->telling.now.bytes_done = steps->removed.bytes;
    return segj_tell(&steps->telling, !more) && more;
}

static segj_status_t steps_fail_cancelled(const segj_steps_t *steps)
{
    return segj_fail(SEGJ_ERR_CANCELLED, "%s: cancelled; %llu of %llu sections were removed, durably", steps->call,
                     (unsigned long long)steps->removed.sections,
                     (unsigned long long)steps->telling.now.sections_total);
}

/* --- prune --- */

static segj_status_t prune_in_steps(oversized_t *journal, uint64_t min_section, segj_steps_t *steps)
{
    bool more = true;
    steps_expect(journal, steps, min_section, false);
    while (more) {
        uint64_t line = min_section;
        oversized_removed_t step;
        more = steps_next(journal, steps, &line, false, &step);
        segj_status_t status = oversized_prune(journal, line, NULL);
        if (status != SEGJ_OK)
            return status;
        if (steps_account(steps, &step, more))
            return steps_fail_cancelled(steps);
    }
    return SEGJ_OK;
}

segj_status_t oversized_prune_with(oversized_t *journal, uint64_t min_section,
                                   const oversized_removal_options_t *options, oversized_removed_t *removed)
{
    SEGJ_ENTER(journal, oversized_prune_with(journal, min_section, options, removed));
    segj_steps_t steps;
    segj_status_t status = segj_steps_begin("oversized_prune_with", options, &steps);
    if (status == SEGJ_OK)
        status = prune_in_steps(journal, min_section, &steps);
    if (removed != NULL)
        *removed = steps.removed;
    return status;
}

/* --- destroy --- */

/** What a step leaves, for an archive that counts records. */
typedef struct step_look {
    uint64_t line;
    bool more; /* sections from the line on; false: nothing */
} step_look_t;

static uint64_t most_of_step(void *context, uint64_t section)
{
    const step_look_t *look = context;
    return look->more && section >= look->line ? UINT64_MAX : 0;
}

segj_status_t segj_steps_remove_all(oversized_t *journal, segj_steps_t *steps)
{
    step_look_t look = {.more = true};
    steps_expect(journal, steps, 0, true);
    while (look.more) {
        oversized_removed_t step;
        look.more = steps_next(journal, steps, &look.line, true, &step);
        segj_status_t status = segj_counts_lower(&journal->shared, most_of_step, &look);
        if (status == SEGJ_OK)
            status = segj_sections_unlink(journal, 0, (size_t)step.sections, false);
        if (status != SEGJ_OK)
            return status;
        if (steps_account(steps, &step, look.more))
            return steps_fail_cancelled(steps);
    }
    return SEGJ_OK;
}
