/*
 * command/stat.c: `segj stat`: what lies in a journal's files. Here is also how the other commands find out with which
 * configuration a journal is opened.
 */
#include <inttypes.h>
#include <string.h>

#include "command/command.h"
#include "command/json.h"
#include "command/progress.h"

const char *health_word(oversized_health_t health)
{
    static const char *const words[] = {"clean", "to be repaired", "lost records", "damaged"};
    return words[health];
}

answer_t health_answer(oversized_health_t health)
{
    static const answer_t answers[] = {ANSWER_FINE, ANSWER_REPAIR, ANSWER_DAMAGED, ANSWER_DAMAGED};
    return answers[health];
}

static const char *format_word(segj_format_t format)
{
    return format == SEGJ_FORMAT_NATIVE ? "native" : "commonware";
}

answer_t inspect(const options_t *options, oversized_inspection_t **found)
{
    oversized_config_t config;
    oversized_config_init(&config);
    config.directory = options->directory;
    config.index_partition = options->index;
    config.value_partition = options->values;
    config.storage = options->storage;
    config.progress = progress_follow;
    progress_begin();
    segj_status_t status = oversized_inspect(&config, found);
    progress_clear();
    if (status == SEGJ_OK && progress_cancelled())
        oversized_inspection_free(*found);
    progress_end();
    return status == SEGJ_OK ? ANSWER_FINE : complain_of(options, status);
}

segj_status_t open_followed(oversized_config_t *config, oversized_t **journal)
{
    config->progress = progress_follow;
    progress_begin();
    segj_status_t status = oversized_open(config, journal);
    progress_clear();
    if (status == SEGJ_OK && progress_cancelled())
        oversized_abandon(*journal);
    progress_end();
    return status;
}

answer_t open_for_reading(const options_t *options, oversized_t **journal, oversized_config_t *config)
{
    oversized_inspection_t *found = NULL;
    answer_t answer = inspect(options, &found);
    if (answer != ANSWER_FINE)
        return answer;
    *config = found->config;
    config->directory = options->directory;
    config->index_partition = options->index;
    config->value_partition = options->values;
    config->storage = options->storage;
    config->read_only = true;
    segj_status_t status = open_followed(config, journal);
    oversized_inspection_free(found);
    return status == SEGJ_OK ? ANSWER_FINE : complain_of(options, status);
}

answer_t open_for_writing(const options_t *options, oversized_t **journal)
{
    oversized_inspection_t *found = NULL;
    answer_t answer = inspect(options, &found);
    if (answer != ANSWER_FINE)
        return answer;
    oversized_config_t config = found->config;
    config.strict = true;
    config.must_exist = true;
    segj_status_t status = open_followed(&config, journal);
    answer = status == SEGJ_OK ? ANSWER_FINE : complain_of(options, status);
    oversized_inspection_free(found);
    return answer;
}

/* By an inspection where a section is named: an open tells of all of them together. */
answer_t count_lost(const options_t *options, const oversized_t *journal, const range_t *range, uint64_t *lost)
{
    oversized_inspection_t *found = NULL;
    *lost = oversized_recovery(journal)->synced_records_lost;
    if (range->all || *lost == 0)
        return ANSWER_FINE;
    answer_t answer = inspect(options, &found);
    *lost = 0;
    for (size_t i = 0; answer == ANSWER_FINE && i < found->section_count; i++)
        if (found->sections[i].section == range->section && range->last == UINT64_MAX)
            *lost = found->sections[i].lost_records;
    oversized_inspection_free(found);
    return answer;
}

answer_t tell_lost(const options_t *options, const oversized_t *journal, const range_t *range, answer_t answer)
{
    uint64_t lost = 0;
    answer_t looked = count_lost(options, journal, range, &lost);
    if (looked != ANSWER_FINE || lost == 0)
        return answer != ANSWER_FINE ? answer : looked;
    (void)complain(ANSWER_DAMAGED,
                   "%s: %" PRIu64 " records that were synced are lost; `segj stat %s` tells of which sections",
                   options->directory, lost, options->directory);
    return answer != ANSWER_FINE ? answer : ANSWER_DAMAGED;
}

void configure_as_found(const oversized_inspection_t *found, oversized_config_t *config)
{
    bool native = found->config.format == SEGJ_FORMAT_NATIVE;
    config->format = found->config.format;
    config->commonware_header = !native && found->version == 1 ? 1 : 0;
    if (!native)
        config->native_version = 0;
    if (!found->sizes_known)
        return;
    config->entry_size = found->config.entry_size;
    config->page_size = found->config.page_size;
    config->compression = found->config.compression;
    if (native) {
        config->native_version = found->version == 1 ? 1 : 0;
        config->sector_size = config->native_version == 1 ? 0 : found->config.sector_size;
    }
}

/* --- JSON --- */

static void json_section(json_t *sections, const oversized_look_t *look)
{
    json_t *object = json_inner(sections, NULL);
    json_number(object, "section", look->section);
    json_text(object, "health", health_word(look->health));
    json_number(object, "records", look->records);
    json_number(object, "synced_records", look->synced_records);
    json_number(object, "lost_records", look->lost_records);
    json_number(object, "dropped_records", look->dropped_records);
    json_number(object, "stored_bytes", look->stored_bytes);
    json_number(object, "index_bytes", look->index_bytes);
    json_number(object, "value_bytes", look->value_bytes);
    json_flag(object, "compressed", look->compressed);
    json_number(object, "dictionary", look->dictionary);
    json_number(object, "sector_size", look->sector_size);
    json_flag(object, "has_index", look->has_index);
    json_flag(object, "has_values", look->has_values);
    json_text(object, "problem", look->problem);
}

static bool stat_json(const options_t *options, const oversized_inspection_t *found)
{
    json_t *object = json_new();
    json_text(object, "directory", options->directory);
    json_text(object, "format", format_word(found->config.format));
    json_number(object, "version", found->version);
    json_number(object, "page_size", found->config.page_size);
    json_number(object, "entry_size", found->config.entry_size);
    json_flag(object, "sizes_known", found->sizes_known);
    json_text(object, "evidence", found->evidence);
    json_text(object, "health", health_word(found->health));
    json_text(object, "problem", found->problem);
    json_signed(object, "holder", found->holder);
    json_number(object, "records", found->recovery.records);
    json_number(object, "lost_records", found->recovery.synced_records_lost);
    json_number(object, "unacknowledged_records", found->recovery.unacknowledged_records);
    json_text(object, "quarantine", found->recovery.quarantine);
    json_t *sections = json_array(object, "sections");
    for (size_t i = 0; i < found->section_count; i++)
        json_section(sections, &found->sections[i]);
    return json_print(object);
}

/* --- text --- */

static void stat_sections(const oversized_inspection_t *found)
{
    if (found->section_count == 0)
        return;
    print("\n%20s %12s %12s %16s  %-4s  %s\n", "section", "records", "synced", "stored bytes", "zstd", "state");
    for (size_t i = 0; i < found->section_count; i++) {
        const oversized_look_t *look = &found->sections[i];
        print("%20" PRIu64 " %12" PRIu64 " ", look->section, look->records);
        if (found->config.format == SEGJ_FORMAT_NATIVE)
            print("%12" PRIu64, look->synced_records);
        else
            print("%12s", "-");
        print(" %16" PRIu64 "  %-4s  %s\n", look->stored_bytes, look->compressed ? "yes" : "no",
              health_word(look->health));
        if (look->problem[0] != '\0')
            print("%20s %s\n", "", look->problem);
    }
}

/* Whether a section says the problem already. */
static bool said_by_section(const oversized_inspection_t *found)
{
    for (size_t i = 0; i < found->section_count; i++)
        if (strcmp(found->sections[i].problem, found->problem) == 0)
            return true;
    return found->problem[0] == '\0';
}

static void stat_text(const options_t *options, const oversized_inspection_t *found)
{
    const oversized_recovery_t *recovery = &found->recovery;
    print("%s: %s\n", options->directory, health_word(found->health));
    if (!said_by_section(found))
        print("  %s\n", found->problem);
    if (found->sizes_known)
        print("  %s format, version %" PRIu32 ": pages of %u bytes, entries of %" PRIu32 " bytes\n  (%s)\n",
              format_word(found->config.format), found->version, (unsigned)found->config.page_size,
              found->config.entry_size, found->evidence);
    else
        print("  format and sizes are not known: no file tells them\n");
    if (found->sizes_known && found->config.sector_size > 0)
        print("  values that follow a sync begin a sector of %" PRIu32 " bytes\n", found->config.sector_size);
    if (found->holder != 0)
        print("  process %" PRId64 " has it open: what that has in memory is not seen\n", found->holder);
    print("  %" PRIu64 " records in %zu sections\n", recovery->records, found->section_count);
    if (recovery->unacknowledged_records > 0)
        print("  %" PRIu64 " synced records were lost before, which is not acknowledged; %" PRIu64
              " bytes are set aside in %s\n",
              recovery->unacknowledged_records, recovery->quarantine_bytes,
              recovery->quarantine != NULL ? recovery->quarantine : "no directory");
    stat_sections(found);
}

answer_t command_stat(const options_t *options)
{
    oversized_inspection_t *found = NULL;
    bool printed = true;
    answer_t answer = inspect(options, &found);
    if (answer != ANSWER_FINE)
        return answer;
    if (options->json)
        printed = stat_json(options, found);
    else
        stat_text(options, found);
    answer = printed ? health_answer(found->health) : complain(ANSWER_FAILED, "out of memory");
    oversized_inspection_free(found);
    return answer;
}
