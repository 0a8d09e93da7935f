/*
 * command/rescue.c: `segj salvage`: what verifies in a damaged journal goes into a new one; a line for each gap and for
 * records that have moved, and a verdict at the end.
 */
#include <inttypes.h>

#include "command/command.h"
#include "command/json.h"
#include "command/progress.h"

/** A salvage under way. */
typedef struct rescue {
    const options_t *options;
    bool lacks_memory;
    uint64_t unsynced; /* values without entries that no sync is known to have covered */
} rescue_t;

/* --- gaps and runs --- */

static void json_position(json_t *object, const char *name, uint64_t position)
{
    if (position == OVERSIZED_UNKNOWN)
        json_text(object, name, NULL);
    else
        json_number(object, name, position);
}

static bool gap_json(const oversized_gap_t *gap)
{
    json_t *object = json_new();
    json_text(object, "kind", "gap");
    json_number(object, "section", gap->section);
    json_position(object, "first", gap->first);
    json_position(object, "last", gap->last);
    json_number(object, "made", gap->made);
    json_number(object, "offset", gap->offset);
    json_number(object, "bytes", gap->bytes);
    json_number(object, "values", gap->values);
    json_flag(object, "unsynced", gap->unsynced);
    json_text(object, "status", segj_status_name(gap->status));
    json_text(object, "sentence", gap->sentence);
    return json_print(object);
}

/* "N:P", "N:P-Q", with question marks for what is not known. */
static void print_range(uint64_t section, uint64_t first, uint64_t last)
{
    print("%" PRIu64 ":", section);
    if (first == OVERSIZED_UNKNOWN)
        print("?");
    else
        print("%" PRIu64, first);
    if (last == OVERSIZED_UNKNOWN)
        print("-?");
    else if (last != first)
        print("-%" PRIu64, last);
}

static bool rescue_gap(void *context, const oversized_gap_t *gap)
{
    rescue_t *rescue = context;
    rescue->unsynced += gap->unsynced ? gap->values : 0;
    progress_clear();
    if (rescue->options->json) {
        rescue->lacks_memory = !gap_json(gap) || rescue->lacks_memory;
        return rescue->lacks_memory;
    }
    print_range(gap->section, gap->first, gap->last);
    print(" %s", gap->unsynced ? "(never synced, as far as is known) " : "");
    if (gap->values > 0)
        print("(%" PRIu64 " values are whole) ", gap->values);
    print("%s\n", gap->sentence);
    return false;
}

static bool run_json(const oversized_salvaged_run_t *run)
{
    json_t *object = json_new();
    json_text(object, "kind", "run");
    json_number(object, "section", run->section);
    json_position(object, "source", run->source);
    json_number(object, "made", run->made);
    json_number(object, "records", run->records);
    return json_print(object);
}

static bool rescue_run(void *context, const oversized_salvaged_run_t *run)
{
    rescue_t *rescue = context;
    if (rescue->options->json) {
        progress_clear();
        rescue->lacks_memory = !run_json(run) || rescue->lacks_memory;
        return rescue->lacks_memory;
    }
    if (run->source == run->made)
        return false;
    progress_clear();
    if (run->source == OVERSIZED_UNKNOWN)
        print("%" PRIu64 ":?, %" PRIu64 " records of unknown positions,", run->section, run->records);
    else
        print_range(run->section, run->source, run->source + run->records - 1);
    print(" became ");
    print_range(run->section, run->made, run->made + run->records - 1);
    print("\n");
    return false;
}

/* --- the verdict --- */

static bool verdict_object(const options_t *options, const oversized_salvaged_t *found, bool whole)
{
    json_t *object = json_new();
    json_text(object, "kind", "verdict");
    json_text(object, "directory", options->directory);
    json_text(object, "destination", options->range);
    json_text(object, "verdict", whole ? "whole" : "lost");
    json_number(object, "sections", found->sections);
    json_number(object, "records", found->records);
    json_number(object, "value_bytes", found->value_bytes);
    json_number(object, "runs", found->runs);
    json_number(object, "gaps", found->gaps);
    json_number(object, "gaps_unknown", found->gaps_unknown);
    json_number(object, "gaps_unsynced", found->gaps_unsynced);
    json_number(object, "records_missing", found->records_missing);
    json_number(object, "values_without_entries", found->values_without_entries);
    json_number(object, "unreadable_bytes", found->unreadable_bytes);
    json_number(object, "unreadable_files", found->unreadable_files);
    json_number(object, "foreign_names", found->foreign_names);
    json_signed(object, "holder", found->holder);
    return json_print(object);
}

static void verdict_text(const options_t *options, const oversized_salvaged_t *found, bool whole)
{
    if (found->holder != 0)
        print("process %" PRId64 " has %s open: what it has in memory was not seen\n", found->holder,
              options->directory);
    if (found->unreadable_files > 0)
        print("files could not be opened\n");
    if (found->unreadable_bytes > 0)
        print("%" PRIu64 " bytes could not be read\n", found->unreadable_bytes);
    print("%s: %s: %" PRIu64 " records in %" PRIu64 " sections are in %s, %" PRIu64 " bytes", options->directory,
          whole ? "all came back" : "not all came back", found->records, found->sections, options->range,
          found->value_bytes);
    if (found->gaps > 0)
        print("; %" PRIu64 " gaps, %" PRIu64 " records are known to be missing", found->gaps, found->records_missing);
    if (found->gaps_unknown > 0)
        print(", of %" PRIu64 " gaps it is not known how many", found->gaps_unknown);
    if (found->values_without_entries > 0)
        print("; %" PRIu64 " values %s without their entries", found->values_without_entries,
              options->bare ? "were taken" : "are whole, and --bare takes them,");
    print("\n");
}

static answer_t rescue_verdict(const rescue_t *rescue, const oversized_salvaged_t *found)
{
    const options_t *options = rescue->options;
    bool whole = found->gaps == 0 && found->values_without_entries == rescue->unsynced;
    bool printed = !rescue->lacks_memory;
    if (printed && options->json)
        printed = verdict_object(options, found, whole);
    else if (printed)
        verdict_text(options, found, whole);
    if (!printed)
        return complain(ANSWER_FAILED, "out of memory");
    return whole ? ANSWER_FINE : ANSWER_DAMAGED;
}

/* --- the journals --- */

/* What is asked for, and what is found; the new journal becomes like the old one. */
static answer_t rescue_configure(const options_t *options, oversized_config_t *from, oversized_config_t *to)
{
    oversized_inspection_t *found = NULL;
    bool known = options->entry_size != UINT64_MAX;
    oversized_config_init(from);
    from->directory = options->directory;
    from->index_partition = options->index;
    from->value_partition = options->values;
    from->storage = options->storage;
    from->format = options->commonware ? SEGJ_FORMAT_COMMONWARE : SEGJ_FORMAT_NATIVE;
    from->compression = options->compressed ? 3 : 0;
    if (known)
        from->entry_size = (uint32_t)options->entry_size;
    if (options->page_size != UINT64_MAX)
        from->page_size = (uint16_t)options->page_size;
    *to = *from;
    to->directory = options->range;
    segj_status_t status = oversized_inspect(from, &found);
    if (status == SEGJ_ERR_NOT_FOUND)
        return complain_of(options, status);
    if (status != SEGJ_OK) /* the salvage itself needs no more than the files */
        return known ? ANSWER_FINE : complain_of(options, status);
    known = known || found->sizes_known || found->section_count == 0;
    to->format = found->config.format;
    to->page_size = found->config.page_size;
    if (found->config.compression != 0)
        to->compression = found->config.compression;
    to->native_version = found->config.format == SEGJ_FORMAT_NATIVE && found->version == 1 ? 1 : 0;
    to->sector_size = to->native_version == 1 ? 0 : found->config.sector_size;
    to->commonware_header = found->config.format == SEGJ_FORMAT_COMMONWARE && found->version == 1 ? 1 : 0;
    oversized_inspection_free(found);
    return known ? ANSWER_FINE
                 : complain(ANSWER_USAGE, "no file tells how large entries and pages are: --entry-size and --page-size "
                                          "say so, and --format and --compressed where they are needed");
}

answer_t command_salvage(const options_t *options)
{
    rescue_t rescue = {.options = options};
    oversized_config_t from;
    oversized_config_t to;
    oversized_salvage_options_t how;
    oversized_salvaged_t found;
    answer_t answer = rescue_configure(options, &from, &to);
    if (answer != ANSWER_FINE)
        return answer;
    oversized_salvage_options_init(&how);
    how.values_without_entries = options->bare;
    how.progress = progress_follow;
    how.on_gap = rescue_gap;
    how.on_run = rescue_run;
    how.context = &rescue;
    progress_begin();
    segj_status_t status = oversized_salvage(&from, &to, &how, &found);
    progress_clear();
    if (status == SEGJ_OK || rescue.lacks_memory)
        answer = rescue_verdict(&rescue, &found);
    else
        answer = complain(ANSWER_FAILED, "%s", segj_last_error());
    if (status != SEGJ_OK && found.records > 0)
        (void)complain(answer, "%s has the %" PRIu64 " records that were salvaged until then", options->range,
                       found.records);
    progress_end();
    return answer;
}
