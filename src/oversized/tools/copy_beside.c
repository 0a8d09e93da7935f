/*
 * oversized/tools/copy_beside.c: a journal is copied from its files, which another process may be writing (DESIGN.md,
 * "Copies"). The journal that is copied is here in memory alone: its partitions are open and not locked, and no call is
 * let in.
 */
#include <stdlib.h>

#include "base/bytes.h"
#include "oversized/open/config.h"
#include "oversized/open/open.h"
#include "oversized/open/orphans.h"
#include "oversized/oversized.h"
#include "oversized/tools/copy.h"
#include "oversized/tools/copy_files.h"
#include "oversized/tools/sizes.h"

/** The call. */
typedef struct beside_job {
    segj_copy_job_t copy; /* first */
    segj_scan_t scan;
    segj_listing_t listing; /* of the index partition */
} beside_job_t;

/* --- the journal --- */

static segj_status_t beside_open(segj_io_partition_t *partition)
{
    bool missing = false;
    segj_status_t status = segj_partition_open(partition, &missing);
    return status == SEGJ_OK && missing ? segj_partition_not_found(partition) : status;
}

/* What an open would refuse is refused; a copy that is not complete is among that. */
static segj_status_t beside_list_one(const segj_io_partition_t *partition, uint64_t **sections, size_t *count)
{
    segj_sentence_t strange = {.text = ""};
    free(*sections);
    *sections = NULL;
    segj_status_t status = segj_partition_sections_among(partition, sections, count, &strange);
    if (status == SEGJ_OK && strange.text[0] != '\0')
        return segj_fail(SEGJ_ERR_CORRUPT, "%s", strange.text);
    return status;
}

static segj_status_t beside_list(beside_job_t *job)
{
    const segj_shared_t *shared = &job->copy.journal->shared;
    segj_listing_t *listing = &job->listing;
    segj_status_t status = beside_list_one(&shared->index, &listing->index, &listing->index_count);
    return status == SEGJ_OK ? beside_list_one(&shared->values, &listing->values, &listing->value_count) : status;
}

/* Everything that verdicts need of a journal. */
static segj_status_t beside_get_ready(beside_job_t *job)
{
    segj_shared_t *shared = &job->copy.journal->shared;
    segj_sizes_t sizes = {.known = false};
    segj_status_t status = beside_open(&shared->index);
    if (status == SEGJ_OK)
        status = beside_open(&shared->values);
    if (status == SEGJ_OK)
        status = beside_list(job);
    if (status == SEGJ_OK)
        status = segj_sizes_find(job->copy.journal, &job->listing, &sizes);
    free(sizes.evidence);
    if (status == SEGJ_OK && sizes.format != SEGJ_FORMAT_NATIVE)
        status = segj_fail(SEGJ_ERR_INVALID,
                           "%s: it is of the commonware format, whose files do not tell what was synced or taken back: "
                           "have the process that has it open call oversized_copy(), or copy it while none has",
                           shared->index.directory);
    if (status == SEGJ_OK)
        status = segj_page_cache_create(shared->page_size, 1, &shared->cache);
    return status == SEGJ_OK ? segj_scan_init(&job->scan, job->copy.journal) : status;
}

/* A journal that was destroyed, or replaced, is not one whose sections were removed. */
static segj_status_t beside_check(const segj_copy_job_t *copy)
{
    segj_status_t status = segj_partition_named(&copy->journal->shared.index);
    return status == SEGJ_OK ? segj_partition_named(&copy->journal->shared.values) : status;
}

/* --- sections --- */

static segj_status_t wait_beside(void *context)
{
    beside_job_t *job = context;
    return job->copy.copying.told(&job->copy.copying);
}

static segj_status_t beside_look_at(beside_job_t *job, uint64_t number, segj_copy_source_t *source)
{
    segj_status_t status = segj_copy_files_look(job->copy.journal, &job->scan, number, wait_beside, job, source);
    segj_status_t there = status == SEGJ_END ? beside_check(&job->copy) : SEGJ_OK;
    return there == SEGJ_OK ? status : there;
}

/* Of the journal's two files of a section, or of a file with a name of its own. */
static segj_status_t beside_has(const segj_io_partition_t *partition, uint64_t number, const char *name, bool *has)
{
    segj_io_file_t file = {.opened = NULL};
    bool missing = false;
    segj_status_t status = name != NULL ? segj_io_open_named(&file, partition, name, SEGJ_OPEN_READ, &missing)
                                        : segj_io_open(&file, partition, number, SEGJ_OPEN_READ, &missing);
    segj_io_close(&file);
    *has = status == SEGJ_OK && !missing;
    return status;
}

/* Values of version 2 that hold records and have no index file are a section that an open for writing makes whole: it
 * is not left out without a word. What a removal is about to take has the removal's mark (tools/follow_alone.c has the
 * argument); of what is made just now the index file comes first. */
static segj_status_t beside_check_alone(beside_job_t *job, uint64_t number)
{
    const segj_shared_t *shared = &job->copy.journal->shared;
    segj_recovery_plan_t plan = {.number = number};
    uint64_t data = 0;
    bool alone = false, marked = false, named = false, indexed = false;
    segj_status_t status = segj_section_new(job->copy.journal, number, &plan.section);
    if (status != SEGJ_OK)
        return status;
    status = segj_orphan_look(&job->scan, &plan, &data, &alone);
    segj_section_release(job->copy.journal, plan.section);
    if (segj_failed_in_passing(status))
        return SEGJ_OK;
    if (status == SEGJ_OK && alone)
        status = beside_has(&shared->values, 0, SEGJ_REMOVING_NAME, &marked);
    if (status == SEGJ_OK && alone)
        status = beside_has(&shared->values, number, NULL, &named);
    if (status == SEGJ_OK && alone)
        status = beside_has(&shared->index, number, NULL, &indexed);
    if (status != SEGJ_OK || !alone || marked || !named || indexed)
        return status;
    return segj_fail(SEGJ_ERR_CORRUPT,
                     "%s: the index file of section %llu is missing, and its values file holds records: an open for "
                     "writing makes it again; copy the journal after that",
                     shared->values.directory, (unsigned long long)number);
}

/* Both lists are in the order of numbers. */
static segj_status_t check_those_alone(beside_job_t *job)
{
    const segj_listing_t *listing = &job->listing;
    const oversized_copy_options_t *options = job->copy.options;
    segj_status_t status = SEGJ_OK;
    size_t at = 0;
    for (size_t i = 0; i < listing->value_count && status == SEGJ_OK; i++) {
        uint64_t number = listing->values[i];
        while (at < listing->index_count && listing->index[at] < number)
            at++;
        bool listed = at < listing->index_count && listing->index[at] == number;
        if (!listed && number >= options->first_section && number <= options->last_section)
            status = beside_check_alone(job, number);
    }
    return status;
}

static segj_status_t note_beside(segj_copy_job_t *copy)
{
    beside_job_t *job = (beside_job_t *)(void *)copy;
    segj_listing_t *listing = &job->listing;
    segj_status_t status = beside_get_ready(job);
    if (status != SEGJ_OK)
        return status;
    copy->sections = calloc(listing->index_count + 1, sizeof *copy->sections);
    if (copy->sections == NULL)
        return segj_fail_memory((listing->index_count + 1) * sizeof *copy->sections);
    for (size_t i = 0; i < listing->index_count && status == SEGJ_OK; i++) {
        uint64_t number = listing->index[i];
        if (number < copy->options->first_section || number > copy->options->last_section)
            continue;
        status = beside_look_at(job, number, &copy->sections[copy->count].source);
        copy->count += status == SEGJ_OK;
        status = status == SEGJ_END ? SEGJ_OK : status;
        if (status == SEGJ_OK)
            status = wait_beside(job);
    }
    return status == SEGJ_OK ? check_those_alone(job) : status;
}

static segj_status_t look_beside(segj_copy_job_t *copy, segj_noted_t *noted)
{
    beside_job_t *job = (beside_job_t *)(void *)copy;
    uint64_t number = noted->source.number;
    segj_copy_files_drop(&noted->source);
    return beside_look_at(job, number, &noted->source);
}

static segj_status_t beside_copied(segj_copy_job_t *copy, const segj_noted_t *noted, bool *current)
{
    (void)copy;
    return segj_copy_files_current(&noted->source, current);
}

/* A journal that is being destroyed has no sections before it has no partitions. And it may be a copy that somebody has
 * begun to bring up to date. */
static segj_status_t beside_settled(segj_copy_job_t *copy)
{
    bool any = copy->count == 0;
    segj_status_t status = beside_check(copy);
    if (status == SEGJ_OK)
        status = beside_list((beside_job_t *)(void *)copy);
    for (size_t i = 0; i < copy->count && !any; i++)
        any = !copy->sections[i].gone;
    if (status == SEGJ_OK && !any)
        status = segj_fail(SEGJ_ERR_MISMATCH,
                           "%s: all of its %zu sections were removed while they were copied, or it was destroyed: make "
                           "the copy again if it is there",
                           copy->journal->directory, copy->count);
    return status;
}

static const segj_copy_from_t copy_from_files = {.call = "oversized_copy_beside",
                                                 .note = note_beside,
                                                 .look = look_beside,
                                                 .look_at_copied = beside_copied,
                                                 .settled = beside_settled};

/* --- the call --- */

static segj_status_t run_beside(const oversized_config_t *config, const char *destination,
                                const oversized_copy_options_t *options, oversized_copied_t *copied)
{
    beside_job_t job = {.copy = {.from = &copy_from_files, .options = options}};
    segj_status_t status = segj_journal_make(config, &job.copy.journal);
    if (status != SEGJ_OK)
        return status;
    status = segj_copy_run(&job.copy, destination);
    for (size_t i = 0; i < job.copy.count; i++)
        segj_copy_files_drop(&job.copy.sections[i].source);
    free(job.copy.sections);
    free(job.listing.index);
    free(job.listing.values);
    segj_scan_free(&job.scan);
    segj_journal_free(job.copy.journal);
    *copied = job.copy.found;
    return status;
}

static segj_status_t check_and_copy(const oversized_config_t *source, const char *destination,
                                    const oversized_copy_options_t *options, oversized_copied_t *copied)
{
    oversized_config_t config;
    if (source == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "oversized_copy_beside: source is NULL");
    segj_status_t status = segj_config_check_size(source);
    if (status != SEGJ_OK)
        return status;
    segj_config_to_look(source, &config);
    config.progress = NULL;
    config.file_mode = source->file_mode;
    status = segj_config_check(&config);
    if (status == SEGJ_OK)
        status = segj_copy_check_destination("oversized_copy_beside", destination);
    if (status == SEGJ_OK)
        status = segj_copy_check_options("oversized_copy_beside", options);
    return status == SEGJ_OK ? run_beside(&config, destination, options, copied) : status;
}

segj_status_t oversized_copy_beside(const oversized_config_t *source, const char *destination,
                                    const oversized_copy_options_t *options, oversized_copied_t *copied)
{
    oversized_copy_options_t usual;
    oversized_copied_t found = {.sections = 0};
    oversized_copy_options_init(&usual);
    segj_status_t status = check_and_copy(source, destination, options != NULL ? options : &usual, &found);
    bool told = source != NULL && source->struct_size == sizeof *source && source->error != NULL;
    if (status != SEGJ_OK && told)
        segj_error_take(source->error, status);
    if (copied != NULL)
        *copied = found;
    return status;
}
