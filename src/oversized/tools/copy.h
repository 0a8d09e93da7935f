/*
 * oversized/tools/copy.h: what the ways to copy a journal share: options, and the copying of a journal into a
 * directory, wherever it is read from.
 */
#ifndef SEGJ_OVERSIZED_TOOLS_COPY_H
#define SEGJ_OVERSIZED_TOOLS_COPY_H

#include "oversized/tools/copy_section.h"
#include "segjournal/tools.h"

/** A section of the copy. */
typedef struct segj_noted {
    segj_copy_source_t source;
    unsigned tries;
    bool gone; /* it was removed, and is to go from the copy */
} segj_noted_t;

struct segj_copy_job;

/** What a copy is made from. */
typedef struct segj_copy_from {
    const char *call;
    /** Notes all sections that are asked for: makes job->sections. */
    segj_status_t (*note)(struct segj_copy_job *job);
    /** Notes one of them anew. SEGJ_END: it is not there any more. */
    segj_status_t (*look)(struct segj_copy_job *job, segj_noted_t *noted);
    /** Whether a section is still what was copied of it. */
    segj_status_t (*look_at_copied)(struct segj_copy_job *job, const segj_noted_t *noted, bool *current);
    /** Whether no section was cut or removed since this was asked before, or since they were noted. NULL: nothing tells
     *  that, and a look at all of them does. */
    bool (*is_quiet)(struct segj_copy_job *job);
    /** After that: whether it is the journal still that was copied. NULL: it is. */
    segj_status_t (*settled)(struct segj_copy_job *job);
} segj_copy_from_t;

/** A copy under way. */
typedef struct segj_copy_job {
    segj_copying_t copying; /* first */
    const segj_copy_from_t *from;
    oversized_t *journal;
    const oversized_copy_options_t *options;
    segj_copy_target_t target;
    segj_noted_t *sections;
    size_t count;
    uint64_t removals; /* of a journal that is open here, when it was looked at */
    uint64_t bytes_total, records_total;
    uint64_t start, told; /* time */
    oversized_copied_t found;
} segj_copy_job_t;

/** Copies the journal; job has what it is copied from, and options. job->sections is to be freed, after a failure
 *  too. */
SEGJ_MUST_CHECK segj_status_t segj_copy_run(segj_copy_job_t *job, const char *destination);

/** SEGJ_ERR_INVALID. NULL is fine. */
SEGJ_MUST_CHECK segj_status_t segj_copy_check_options(const char *call, const oversized_copy_options_t *options);

/** SEGJ_ERR_INVALID: there is none. */
SEGJ_MUST_CHECK segj_status_t segj_copy_check_destination(const char *call, const char *destination);

#endif
