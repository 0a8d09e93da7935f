/*
 * command/backup.c: `segj copy`: a journal is copied into a new directory, or an earlier copy of it is brought up to
 * date.
 */
#include <inttypes.h>
#include <unistd.h>

#include "command/command.h"
#include "command/json.h"
#include "command/progress.h"

static bool copy_json(const options_t *options, const oversized_copied_t *copied)
{
    json_t *object = json_new();
    json_text(object, "directory", options->directory);
    json_text(object, "destination", options->range);
    json_number(object, "sections", copied->sections);
    json_number(object, "records", copied->records);
    json_number(object, "sections_kept", copied->sections_kept);
    json_number(object, "sections_removed", copied->sections_removed);
    json_number(object, "bytes", copied->bytes);
    return json_print(object);
}

static void copy_text(const options_t *options, const oversized_copied_t *copied)
{
    print("%s: %" PRIu64 " records in %" PRIu64 " sections are copied to %s", options->directory, copied->records,
          copied->sections, options->range);
    if (copied->sections_kept > 0)
        print("; it had %" PRIu64 " of the sections already", copied->sections_kept);
    if (copied->sections_removed > 0)
        print("; %" PRIu64 " that the journal has no more were removed", copied->sections_removed);
    print("; %" PRIu64 " bytes were written\n", copied->bytes);
}

/* anew: how to store the copy, or NULL. */
static answer_t copy_opened(const options_t *options, oversized_t *journal, const oversized_config_t *anew)
{
    oversized_copy_options_t how;
    oversized_copied_t copied;
    uint64_t lost = oversized_recovery(journal)->synced_records_lost;
    if (lost > 0)
        return complain(ANSWER_DAMAGED,
                        "%s: %" PRIu64 " records that were synced are lost, and an earlier copy may have them: nothing "
                        "was copied; `segj stat %s` tells of which sections",
                        options->directory, lost, options->directory);
    oversized_copy_options_init(&how);
    how.bytes_per_second = options->limit;
    how.progress = progress_follow;
    how.first_section = options->first_section;
    how.last_section = options->last_section;
    progress_begin();
    segj_status_t status = anew != NULL ? oversized_copy_into(journal, anew, &how, &copied)
                                        : oversized_copy(journal, options->range, &how, &copied);
    progress_clear();
    if (status == SEGJ_ERR_CORRUPT)
        return complain_of(options, status);
    if (status != SEGJ_OK)
        return complain(ANSWER_FAILED, "%s", segj_last_error()); /* mostly of the copy */
    if (options->json)
        return copy_json(options, &copied) ? ANSWER_FINE : complain(ANSWER_FAILED, "out of memory");
    copy_text(options, &copied);
    return ANSWER_FINE;
}

static bool is_anew(const options_t *options)
{
    return options->level != UINT64_MAX || options->version != UINT64_MAX || options->page_size != UINT64_MAX ||
           options->format;
}

/* As the journal is, but for what was said. */
static answer_t configure_anew(const options_t *options, oversized_config_t *anew)
{
    oversized_inspection_t *found = NULL;
    answer_t answer = inspect(options, &found);
    if (answer != ANSWER_FINE)
        return answer;
    oversized_config_init(anew);
    configure_as_found(found, anew);
    oversized_inspection_free(found);
    anew->directory = options->range;
    if (options->format && options->commonware != (anew->format == SEGJ_FORMAT_COMMONWARE)) {
        anew->format = options->commonware ? SEGJ_FORMAT_COMMONWARE : SEGJ_FORMAT_NATIVE;
        anew->commonware_header = 0;
        anew->native_version = 0;
    }
    if (options->version != UINT64_MAX) {
        if (anew->format == SEGJ_FORMAT_COMMONWARE)
            return complain(ANSWER_USAGE, "the commonware format has no --native: give --format=native too");
        anew->native_version = (uint8_t)options->version;
    }
    if (options->page_size != UINT64_MAX)
        anew->page_size = (uint16_t)options->page_size;
    if (options->level != UINT64_MAX)
        anew->compression = (int)options->level;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    anew->compression_threads = processors > 1 ? (uint32_t)(processors < 64 ? processors : 64) : 0;
    return ANSWER_FINE;
}

answer_t command_copy(const options_t *options)
{
    oversized_t *journal = NULL;
    oversized_config_t config;
    oversized_config_t anew;
    if (options->first_section > options->last_section)
        return complain(ANSWER_USAGE, "--from is above --until");
    answer_t answer = open_for_reading(options, &journal, &config);
    if (answer != ANSWER_FINE)
        return answer;
    if (is_anew(options))
        answer = configure_anew(options, &anew);
    if (answer == ANSWER_FINE)
        answer = copy_opened(options, journal, is_anew(options) ? &anew : NULL);
    oversized_abandon(journal);
    progress_end();
    return answer;
}
