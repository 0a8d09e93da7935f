/*
 * command/backup.c: `segj copy`: a journal is copied into a new directory, or an earlier copy of it is brought up to
 * date. It is opened for reading; where a writer has it open it is copied from its files.
 */
#include <inttypes.h>
#include <unistd.h>

#include "command/command.h"
#include "command/json.h"
#include "command/progress.h"

/** A copy that is made. */
typedef struct backup {
    const options_t *options;
    bool beside;    /* a writer has the journal open */
    int64_t holder; /* its process; 0: the system does not tell */
    oversized_copy_options_t how;
    oversized_copied_t copied;
} backup_t;

static bool copy_json(const backup_t *backup)
{
    const oversized_copied_t *copied = &backup->copied;
    json_t *object = json_new();
    json_text(object, "directory", backup->options->directory);
    json_text(object, "destination", backup->options->range);
    json_number(object, "sections", copied->sections);
    json_number(object, "records", copied->records);
    json_number(object, "sections_kept", copied->sections_kept);
    json_number(object, "sections_removed", copied->sections_removed);
    json_number(object, "bytes", copied->bytes);
    json_flag(object, "beside", backup->beside);
    json_signed(object, "holder", backup->holder);
    return json_print(object);
}

static void copy_text(const backup_t *backup)
{
    const oversized_copied_t *copied = &backup->copied;
    print("%s: %" PRIu64 " records in %" PRIu64 " sections are copied to %s", backup->options->directory,
          copied->records, copied->sections, backup->options->range);
    if (backup->holder != 0)
        print(" while process %" PRId64 " has it open", backup->holder);
    else if (backup->beside)
        print(" while a writer has it open");
    if (copied->sections_kept > 0)
        print("; it had %" PRIu64 " of the sections already", copied->sections_kept);
    if (copied->sections_removed > 0)
        print("; %" PRIu64 " that the journal has no more were removed", copied->sections_removed);
    print("; %" PRIu64 " bytes were written\n", copied->bytes);
}

static void copy_begins(backup_t *backup)
{
    const options_t *options = backup->options;
    oversized_copy_options_init(&backup->how);
    backup->how.bytes_per_second = options->limit;
    backup->how.progress = progress_follow;
    backup->how.first_section = options->first_section;
    backup->how.last_section = options->last_section;
    progress_begin();
}

static answer_t copy_ends(const backup_t *backup, segj_status_t status)
{
    progress_clear();
    if (status == SEGJ_ERR_CORRUPT)
        return complain_of(backup->options, status);
    if (status != SEGJ_OK)
        return complain(ANSWER_FAILED, "%s", segj_last_error()); /* mostly of the copy */
    if (backup->options->json)
        return copy_json(backup) ? ANSWER_FINE : complain(ANSWER_FAILED, "out of memory");
    copy_text(backup);
    return ANSWER_FINE;
}

/* anew: how the copy is to be stored, or NULL. */
static answer_t copy_opened(backup_t *backup, oversized_t *journal, const oversized_config_t *anew)
{
    const options_t *options = backup->options;
    uint64_t lost = oversized_recovery(journal)->synced_records_lost;
    if (lost > 0)
        return complain(ANSWER_DAMAGED,
                        "%s: %" PRIu64 " records that were synced are lost, and an earlier copy may have them: nothing "
                        "was copied; `segj stat %s` tells of which sections",
                        options->directory, lost, options->directory);
    copy_begins(backup);
    return copy_ends(backup, anew != NULL ? oversized_copy_into(journal, anew, &backup->how, &backup->copied)
                                          : oversized_copy(journal, options->range, &backup->how, &backup->copied));
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
    anew->index_partition = options->index;
    anew->value_partition = options->values;
    anew->storage = options->storage;
    if (options->format && options->commonware != (anew->format == SEGJ_FORMAT_COMMONWARE)) {
        anew->format = options->commonware ? SEGJ_FORMAT_COMMONWARE : SEGJ_FORMAT_NATIVE;
        anew->commonware_header = 0;
        anew->native_version = 0;
        anew->sector_size = 0;
    }
    if (options->version != UINT64_MAX) {
        if (anew->format == SEGJ_FORMAT_COMMONWARE)
            return complain(ANSWER_USAGE, "the commonware format has no --native: give --format=native too");
        anew->native_version = (uint8_t)options->version;
        anew->sector_size = anew->native_version == 1 ? 0 : anew->sector_size;
    }
    if (options->page_size != UINT64_MAX)
        anew->page_size = (uint16_t)options->page_size;
    if (options->level != UINT64_MAX)
        anew->compression = (int)options->level;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    anew->compression_threads = processors > 1 ? (uint32_t)(processors < 64 ? processors : 64) : 0;
    return ANSWER_FINE;
}

/* From its files, which a writer has open. */
static answer_t copy_beside(backup_t *backup, const oversized_config_t *config)
{
    copy_begins(backup);
    return copy_ends(backup, oversized_copy_beside(config, backup->options->range, &backup->how, &backup->copied));
}

static answer_t is_locked(const options_t *options)
{
    (void)complain(ANSWER_FAILED, "%s", segj_last_error());
    return complain(ANSWER_FAILED,
                    "while a writer has the journal open it is copied as it is: leave --level, --native, --page-size "
                    "and --format out, and store that copy anew: segj copy --level=3 %s OTHER",
                    options->range);
}

static answer_t copy_found(const options_t *options, const oversized_inspection_t *found)
{
    backup_t backup = {.options = options};
    oversized_t *journal = NULL;
    oversized_config_t anew;
    oversized_config_t config = found->config;
    config.read_only = true;
    segj_status_t status = open_followed(&config, &journal);
    if (status == SEGJ_ERR_LOCKED && is_anew(options))
        return is_locked(options);
    if (status == SEGJ_ERR_LOCKED) {
        backup.beside = true;
        backup.holder = found->holder;
        return copy_beside(&backup, &config);
    }
    if (status != SEGJ_OK)
        return complain_of(options, status);
    answer_t answer = is_anew(options) ? configure_anew(options, &anew) : ANSWER_FINE;
    if (answer == ANSWER_FINE)
        answer = copy_opened(&backup, journal, is_anew(options) ? &anew : NULL);
    oversized_abandon(journal);
    return answer;
}

answer_t command_copy(const options_t *options)
{
    oversized_inspection_t *found = NULL;
    if (options->first_section > options->last_section)
        return complain(ANSWER_USAGE, "--from is above --until");
    answer_t answer = inspect(options, &found);
    if (answer != ANSWER_FINE)
        return answer;
    answer = copy_found(options, found);
    oversized_inspection_free(found);
    progress_end();
    return answer;
}
