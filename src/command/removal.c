/*
 * command/removal.c: `segj prune` and `segj retain`, which remove old sections. What would go is printed; it goes where
 * --yes was given, or where the user at a terminal says so.
 */
#include <inttypes.h>

#include "command/command.h"
#include "command/json.h"
#include "command/progress.h"

/* Everything that is kept from `section` on; the rest goes. */
static bool keep_from(void *context, const oversized_kept_t *kept)
{
    const uint64_t *section = context;
    return kept->section >= *section;
}

static bool remove_json(const options_t *options, const oversized_retained_t *found, bool removed)
{
    json_t *object = json_new();
    json_text(object, "directory", options->directory);
    json_flag(object, "removed", removed);
    json_number(object, "min_section", found->min_section);
    json_number(object, "sections", found->sections);
    json_number(object, "records", found->records);
    json_number(object, "bytes", found->bytes);
    return json_print(object);
}

static void remove_text(const oversized_retained_t *found, const char *how)
{
    if (found->sections == 0)
        print("nothing is to be removed\n");
    else
        print("%" PRIu64 " sections below %" PRIu64 " %s removed: %" PRIu64 " records, %" PRIu64 " bytes of files\n",
              found->sections, found->min_section, how, found->records, found->bytes);
}

static answer_t remove_opened(const options_t *options, oversized_t *journal, oversized_retain_options_t *how)
{
    oversized_retained_t found;
    how->dry_run = true;
    segj_status_t status = oversized_retain(journal, how, &found);
    if (status != SEGJ_OK)
        return complain_of(options, status);
    bool agreed = found.sections == 0 || options->yes ||
                  is_agreed("Remove %" PRIu64 " sections below %" PRIu64 ", %" PRIu64 " bytes?", found.sections,
                            found.min_section, found.bytes);
    how->dry_run = false;
    if (agreed && found.sections > 0) {
        how->progress = progress_follow;
        progress_begin();
        status = oversized_retain(journal, how, &found);
        progress_clear();
    }
    if (status != SEGJ_OK) {
        answer_t answer = complain_of(options, status);
        return found.sections == 0 || !agreed
                   ? answer
                   : complain(answer, "%" PRIu64 " sections were removed until then", found.sections);
    }
    if (options->json && !remove_json(options, &found, agreed && found.sections > 0))
        return complain(ANSWER_FAILED, "out of memory");
    if (!options->json)
        remove_text(&found, agreed ? "were" : "would be");
    return agreed ? ANSWER_FINE : complain(ANSWER_USAGE, "nothing was removed: --yes removes it");
}

/* Opens the journal for writing, which recovers it like any open; synced records that are lost are not cut for this. */
static answer_t remove_below(const options_t *options, oversized_retain_options_t *how)
{
    oversized_t *journal = NULL;
    answer_t answer = open_for_writing(options, &journal);
    if (answer != ANSWER_FINE)
        return answer;
    answer = remove_opened(options, journal, how);
    segj_status_t status = oversized_close(journal);
    progress_end();
    return status != SEGJ_OK && answer == ANSWER_FINE ? complain_of(options, status) : answer;
}

answer_t command_prune(const options_t *options)
{
    oversized_retain_options_t how;
    range_t range;
    if (!range_read(options->range, &range) || range.first != 0 || range.last != UINT64_MAX)
        return complain(ANSWER_USAGE, "\"%s\" is no section", options->range);
    oversized_retain_options_init(&how);
    how.keep = keep_from;
    how.context = &range.section;
    return remove_below(options, &how);
}

answer_t command_retain(const options_t *options)
{
    oversized_retain_options_t how;
    if (options->bytes == UINT64_MAX && options->most == UINT64_MAX && options->free_bytes == 0)
        return complain(ANSWER_USAGE, "--bytes, --number or --free is missing: what is to be kept");
    oversized_retain_options_init(&how);
    how.bytes = options->bytes;
    how.sections = options->most;
    how.free_bytes = options->free_bytes;
    return remove_below(options, &how);
}
