/*
 * oversized/tools/salvage.c: what verifies in a damaged journal goes into a new one. The source is a journal that is in
 * memory alone: its partitions are open and not locked, and its files are read and never written.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "oversized/open/config.h"
#include "oversized/open/open.h"
#include "oversized/oversized.h"
#include "oversized/tools/salvage_section.h"
#include "oversized/tools/sizes.h"

/** A salvage under way. */
typedef struct salvage {
    const oversized_config_t *from, *to;
    oversized_t *source;
    segj_listing_t listing;
    segj_sizes_found_t sizes;
    segj_salvage_work_t work;
    oversized_salvaged_t found;
} salvage_t;

/* What was not read for want of memory is not lost: the salvage fails. */
static segj_status_t salvage_wants(const salvage_t *job)
{
    if (!job->work.want.lacks)
        return SEGJ_OK;
    segj_say_again(&job->work.want.what);
    return SEGJ_ERR_MEMORY;
}

/* --- what lies there --- */

/* Opens and lists a partition; one that is missing has no sections. */
static segj_status_t salvage_list(salvage_t *job, segj_io_partition_t *partition, uint64_t **sections, size_t *count,
                                  bool *missing)
{
    segj_sentence_t strange = {.text = ""};
    segj_status_t status = segj_partition_open(partition, missing);
    if (status != SEGJ_OK || *missing)
        return status;
    status = segj_partition_sections_among(partition, sections, count, &strange);
    if (strange.text[0] != '\0') {
        job->found.foreign_names++;
        segj_shared_log(&job->source->shared, SEGJ_LOG_WARNING, "%s: passed over", strange.text);
    }
    return status;
}

static segj_status_t salvage_look(salvage_t *job)
{
    segj_shared_t *shared = &job->source->shared;
    segj_listing_t *listing = &job->listing;
    bool missing[2] = {false, false};
    segj_status_t status = salvage_list(job, &shared->index, &listing->index, &listing->index_count, &missing[0]);
    if (status == SEGJ_OK)
        status = salvage_list(job, &shared->values, &listing->values, &listing->value_count, &missing[1]);
    if (status == SEGJ_OK && missing[0] && missing[1])
        status = segj_partition_not_found(&shared->index);
    if (status != SEGJ_OK)
        return status;
    bool held = !missing[0] && segj_partition_holder(&shared->index, &job->found.holder);
    if (!held && (missing[1] || !segj_partition_holder(&shared->values, &job->found.holder)))
        job->found.holder = 0;
    return SEGJ_OK;
}

/** What the headers of all files say together. */
typedef struct census {
    size_t native, commonware;
    size_t packed, plain; /* values files */
    bool sized;
    uint16_t page_size;
    uint32_t entry_size;
} census_t;

static void census_identity(census_t *census, const segj_identity_t *identity)
{
    if (identity->kind == SEGJ_KIND_VALUES) {
        census->packed += identity->compressed;
        census->plain += !identity->compressed;
    }
    if (census->sized || identity->page_size == 0)
        return;
    census->sized = true;
    census->page_size = identity->page_size;
    census->entry_size = identity->record_size - OVERSIZED_LOCATION_SIZE;
}

static segj_status_t census_take(salvage_t *job, const segj_io_partition_t *partition, const uint64_t *sections,
                                 size_t count, census_t *census)
{
    segj_salvage_input_t *input = &job->work.index;
    segj_status_t status = SEGJ_OK;
    for (size_t i = 0; i < count && status == SEGJ_OK; i++) {
        segj_identity_t identity;
        uint16_t version;
        status = segj_salvage_input_open(input, partition, sections[i]);
        if (status != SEGJ_OK || input->length == 0)
            continue;
        size_t size = (size_t)segj_min_u64(input->length, SEGJ_BLOCK_SIZE);
        const uint8_t *bytes = segj_salvage_input_look(input, 0, size);
        segj_told_t told = segj_header_tell(bytes, size, &version);
        census->native += told == SEGJ_TOLD_NATIVE;
        census->commonware += told == SEGJ_TOLD_COMMONWARE;
        if (segj_salvage_headers_identity(bytes, size, &identity))
            census_identity(census, &identity);
        job->work.bytes_total += input->size;
    }
    return status == SEGJ_OK ? salvage_wants(job) : status;
}

/* Files that do not tell their sizes are tried, as an inspection tries them. */
static segj_status_t salvage_try(salvage_t *job)
{
    segj_sizes_t tried;
    segj_status_t status = segj_sizes_find(job->source, &job->listing, &tried);
    free(tried.evidence);
    bool descriptors = segj_last_errno() == EMFILE || segj_last_errno() == ENFILE;
    if (status == SEGJ_ERR_IO && !descriptors) /* what can be read of them does not tell */
        return SEGJ_OK;
    if (status != SEGJ_OK || !tried.known || tried.format != job->sizes.format)
        return status;
    job->sizes.known = true;
    job->sizes.entry_size = tried.entry_size;
    job->sizes.page_size = tried.page_size;
    job->sizes.tells_compression = true;
    job->sizes.compressed = tried.compressed;
    return SEGJ_OK;
}

static segj_status_t salvage_sizes(salvage_t *job)
{
    const segj_shared_t *shared = &job->source->shared;
    segj_sizes_found_t *sizes = &job->sizes;
    census_t census = {.native = 0};
    segj_status_t status = census_take(job, &shared->index, job->listing.index, job->listing.index_count, &census);
    if (status == SEGJ_OK)
        status = census_take(job, &shared->values, job->listing.values, job->listing.value_count, &census);
    if (status != SEGJ_OK)
        return status;
    sizes->format = shared->format;
    if (census.native != census.commonware)
        sizes->format = census.native > census.commonware ? SEGJ_FORMAT_NATIVE : SEGJ_FORMAT_COMMONWARE;
    sizes->entry_size = job->from->entry_size;
    sizes->page_size = shared->page_size;
    sizes->tells_compression = job->from->compression != 0;
    sizes->compressed = sizes->tells_compression;
    if (sizes->format == SEGJ_FORMAT_COMMONWARE)
        return salvage_try(job);
    sizes->known = census.sized;
    if (census.sized) {
        sizes->entry_size = census.entry_size;
        sizes->page_size = census.page_size;
    } else
        status = salvage_try(job);
    if (status != SEGJ_OK)
        return status;
    if ((census.packed > 0) != (census.plain > 0)) {
        sizes->tells_compression = true;
        sizes->compressed = census.packed > 0;
    }
    return SEGJ_OK;
}

/* --- sections --- */

static void salvage_place(salvage_t *job, const segj_guess_t *guess, segj_salvage_section_t *place)
{
    segj_salvage_work_t *work = &job->work;
    *place = (segj_salvage_section_t){.guess = guess};
    segj_salvage_input_set_data(&work->index, 0);
    segj_salvage_headers_read_marks(&place->marks, guess, &work->index);
    place->synced = place->marks.counts < 0 ? OVERSIZED_UNKNOWN : place->marks.marks[place->marks.counts].at.records;
    segj_salvage_input_set_data(&work->index, guess->index_data);
    segj_salvage_input_set_data(&work->values, guess->values_data);
}

static segj_status_t salvage_as(salvage_t *job, const segj_guess_t *guess)
{
    segj_salvage_section_t place;
    segj_salvage_input_set_data(&job->work.index, 0);
    segj_salvage_input_set_data(&job->work.values, 0);
    segj_status_t status = segj_salvage_work_set_dictionary(&job->work, guess->dictionary);
    if (status != SEGJ_OK)
        return status;
    salvage_place(job, guess, &place);
    status = guess->version == 2 ? segj_salvage_log(&job->work, &place) : segj_salvage_pages(&job->work, &place);
    if (status == SEGJ_END)
        status = SEGJ_OK;
    if (status == SEGJ_OK)
        status = salvage_wants(job);
    if (status == SEGJ_OK && !job->work.probing)
        status = segj_salvage_report_end(&job->work.report, place.synced);
    return status;
}

/* The guess by which something verifies: the first one, where that is none. */
static segj_status_t salvage_probe(salvage_t *job, const segj_salvage_headers_t *seen, const segj_guess_t **right)
{
    segj_salvage_work_t *work = &job->work;
    segj_status_t status = SEGJ_OK;
    *right = &seen->guesses[0];
    work->compressed = seen->compressed;
    work->probes = 0;
    if (seen->count == 1 && seen->tells_compression && seen->headers > 0)
        return SEGJ_OK;
    work->probing = true;
    work->probes_wanted = seen->tells_compression ? 1 : SEGJ_SALVAGE_WORK_PROBES;
    for (size_t i = 0; i < seen->count && work->probes == 0 && status == SEGJ_OK; i++) {
        const segj_guess_t *guess = &seen->guesses[i];
        work->packed = 0;
        if (guess->record_size != work->entry_size + OVERSIZED_LOCATION_SIZE)
            continue;
        status = salvage_as(job, guess);
        if (work->probes > 0)
            *right = guess;
    }
    work->probing = false;
    if (!seen->tells_compression)
        work->compressed = work->probes > 0 && work->packed == work->probes;
    return status;
}

/* The section is told as lost, for the reason that the sentence has. */
static segj_status_t salvage_lose_all(salvage_t *job, segj_status_t why)
{
    segj_salvage_work_t *work = &job->work;
    segj_salvage_input_set_data(&work->values, 0);
    segj_status_t status = segj_salvage_work_lose(work, 0, OVERSIZED_UNKNOWN, 0, work->values.length, why);
    return status == SEGJ_OK ? segj_salvage_report_end(&work->report, OVERSIZED_UNKNOWN) : status;
}

static segj_status_t salvage_section_opened(salvage_t *job, uint64_t section)
{
    segj_salvage_work_t *work = &job->work;
    segj_salvage_headers_t seen;
    const segj_guess_t *guess;
    segj_salvage_report_begin(&work->report, section);
    segj_salvage_headers_read(&seen, &job->sizes, section, &work->index, &work->values);
    segj_status_t status = salvage_probe(job, &seen, &guess);
    if (status != SEGJ_OK)
        return status;
    if (guess->record_size != work->entry_size + OVERSIZED_LOCATION_SIZE) {
        segj_io_say(&work->values.file, 0, "the section has entries of %u bytes, and the new journal of %u",
                    (unsigned)(guess->record_size - OVERSIZED_LOCATION_SIZE), (unsigned)work->entry_size);
        return salvage_lose_all(job, SEGJ_ERR_MISMATCH);
    }
    bool native = job->sizes.format == SEGJ_FORMAT_NATIVE;
    if (native && seen.headers == 0 && work->probes == 0 && work->index.size + work->values.size > 0) {
        segj_io_say(
            &work->values.file, 0,
            "neither of the section's files has its header, and nothing in them verifies without: where they are "
            "of version 2, the salt is lost with the headers");
        return salvage_lose_all(job, SEGJ_ERR_CORRUPT);
    }
    return salvage_as(job, guess);
}

static segj_status_t salvage_section(salvage_t *job, uint64_t section)
{
    segj_salvage_work_t *work = &job->work;
    const segj_shared_t *shared = &job->source->shared;
    segj_status_t status = segj_salvage_input_open(&work->index, &shared->index, section);
    if (status == SEGJ_OK)
        status = segj_salvage_input_open(&work->values, &shared->values, section);
    uint64_t size = work->index.size + work->values.size;
    if (status == SEGJ_OK)
        status = salvage_section_opened(job, section);
    work->bytes_before += size;
    if (work->report.made == 0)
        return status;
    job->found.sections++;
    /* What was salvaged stays, whatever ended it. */
    segj_sentence_t why;
    segj_keep(&why);
    segj_status_t synced = oversized_sync(work->made, section);
    if (status != SEGJ_OK)
        segj_say_again(&why);
    return status != SEGJ_OK ? status : synced;
}

static segj_status_t salvage_sections(salvage_t *job)
{
    const segj_listing_t *listing = &job->listing;
    size_t index = 0;
    size_t values = 0;
    segj_status_t status = SEGJ_OK;
    while ((index < listing->index_count || values < listing->value_count) && status == SEGJ_OK) {
        bool more_index = index < listing->index_count;
        uint64_t section = more_index ? listing->index[index] : listing->values[values];
        if (values < listing->value_count && listing->values[values] < section)
            section = listing->values[values];
        index += more_index && listing->index[index] == section;
        values += values < listing->value_count && listing->values[values] == section;
        status = salvage_section(job, section);
    }
    return status;
}

/* --- the new journal --- */

/* Nothing of it may be there. */
static segj_status_t salvage_check_absent(const oversized_config_t *config)
{
    oversized_t *journal;
    bool missing[2] = {false, false};
    segj_status_t status = segj_journal_make(config, &journal);
    if (status != SEGJ_OK)
        return status;
    segj_io_partition_t *partitions[2] = {&journal->shared.index, &journal->shared.values};
    for (int i = 0; i < 2 && status == SEGJ_OK; i++) {
        status = segj_partition_open(partitions[i], &missing[i]);
        if (status == SEGJ_OK && !missing[i])
            status = segj_fail(SEGJ_ERR_MISMATCH,
                               "%s/%s is there already: a salvage makes a new journal, so name another directory",
                               partitions[i]->directory, partitions[i]->name);
    }
    segj_journal_free(journal);
    return status;
}

static segj_status_t salvage_make(salvage_t *job)
{
    oversized_config_t config = *job->to;
    config.entry_size = job->sizes.entry_size;
    segj_status_t status = segj_config_check(&config);
    if (status == SEGJ_OK)
        status = salvage_check_absent(&config);
    return status == SEGJ_OK ? oversized_open(&config, &job->work.made) : status;
}

/* Closes it; a failure before that is what is told. */
static segj_status_t salvage_close(salvage_t *job, segj_status_t status)
{
    segj_sentence_t why;
    segj_keep(&why);
    segj_status_t closed = oversized_close(job->work.made);
    if (status == SEGJ_OK)
        return closed;
    segj_say_again(&why);
    return status;
}

static segj_status_t salvage_all(salvage_t *job)
{
    segj_salvage_work_t *work = &job->work;
    segj_status_t status = segj_salvage_work_init(work);
    if (status == SEGJ_OK)
        status = salvage_look(job);
    if (status == SEGJ_OK)
        status = salvage_sizes(job);
    if (status == SEGJ_OK)
        status = segj_salvage_work_set_entry(work, job->sizes.entry_size);
    if (status == SEGJ_OK)
        status = salvage_make(job);
    job->found.format = job->sizes.format;
    job->found.entry_size = job->sizes.entry_size;
    job->found.page_size = job->sizes.page_size;
    job->found.sizes_known = job->sizes.known;
    if (status != SEGJ_OK)
        return status;
    status = salvage_sections(job);
    if (status == SEGJ_OK)
        status = segj_salvage_work_progress(work, 0, true);
    return salvage_close(job, status);
}

/* --- the call --- */

static segj_status_t salvage_check(const oversized_config_t *source, const oversized_config_t *destination,
                                   const oversized_salvage_options_t *options)
{
    if (source == NULL || destination == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "%s is NULL", source == NULL ? "source" : "destination");
    if (options != NULL && options->struct_size != sizeof *options)
        return segj_fail(SEGJ_ERR_INVALID,
                         "options.struct_size is %zu bytes, expected %zu bytes: begin with "
                         "oversized_salvage_options_init() of this version",
                         options->struct_size, sizeof *options);
    segj_status_t status = segj_config_check_size(source);
    if (status == SEGJ_OK)
        status = segj_config_check_size(destination);
    if (status != SEGJ_OK)
        return status;
    if (destination->read_only || destination->must_exist || destination->checkpoint != NULL ||
        destination->bound != NULL)
        return segj_fail(SEGJ_ERR_INVALID,
                         "destination says that the journal is there: read_only, must_exist, checkpoint "
                         "and bound are not for a new one");
    return SEGJ_OK;
}

static segj_status_t salvage_run(salvage_t *job)
{
    oversized_config_t config;
    segj_config_to_look(job->from, &config);
    config.compression = job->from->compression;
    segj_status_t status = segj_config_check(&config);
    if (status == SEGJ_OK)
        status = segj_journal_make(&config, &job->source);
    if (status != SEGJ_OK)
        return status;
    status = salvage_all(job);
    job->found.unreadable_bytes = job->work.index.unreadable + job->work.values.unreadable;
    job->found.unreadable_files = job->work.index.unreadable_files + job->work.values.unreadable_files;
    segj_salvage_work_free(&job->work);
    segj_journal_free(job->source);
    free(job->listing.index);
    free(job->listing.values);
    return status;
}

void oversized_salvage_options_init(oversized_salvage_options_t *options)
{
    if (options != NULL)
        *options = (oversized_salvage_options_t){.struct_size = sizeof *options};
}

segj_status_t oversized_salvage(const oversized_config_t *source, const oversized_config_t *destination,
                                const oversized_salvage_options_t *options, oversized_salvaged_t *salvaged)
{
    oversized_salvage_options_t usual;
    oversized_salvage_options_init(&usual);
    salvage_t job = {.from = source, .to = destination};
    job.work.report.options = options != NULL ? options : &usual;
    job.work.report.found = &job.found;
    job.work.values_without_entries = job.work.report.options->values_without_entries;
    if (salvaged != NULL)
        *salvaged = job.found;
    segj_status_t status = salvage_check(source, destination, options);
    if (status != SEGJ_OK)
        return segj_context(status, "oversized_salvage");
    status = salvage_run(&job);
    if (salvaged != NULL)
        *salvaged = job.found;
    if (status != SEGJ_OK && destination->error != NULL)
        segj_error_take(destination->error, status);
    return status;
}
