/*
 * command/check.c: `segj verify`: reads a journal through; a line for each damage, and a verdict at the end.
 */
#include <inttypes.h>
#include <unistd.h>

#include "command/command.h"
#include "command/json.h"
#include "command/progress.h"

#define VERIFY_THREADS 64

/** A verification under way. */
typedef struct check {
    const options_t *options;
    bool lacks_memory;
} check_t;

static bool damage_json(const oversized_damage_t *damage)
{
    json_t *object = json_new();
    json_number(object, "section", damage->section);
    json_number(object, "position", damage->position);
    json_number(object, "records", damage->records);
    json_text(object, "file", damage->index_file ? "index" : "values");
    json_number(object, "offset", damage->offset);
    json_text(object, "status", segj_status_name(damage->status));
    json_text(object, "sentence", damage->sentence);
    return json_print(object);
}

static bool show_damage(void *context, const oversized_damage_t *damage)
{
    check_t *check = context;
    progress_clear();
    if (check->options->json) {
        check->lacks_memory = !damage_json(damage) || check->lacks_memory;
        return check->lacks_memory;
    }
    print("%" PRIu64 ":%" PRIu64, damage->section, damage->position);
    if (damage->records > 1)
        print("-%" PRIu64, damage->position + damage->records - 1);
    print(" %s\n", damage->sentence);
    return false;
}

/** What the open has found, of the sections that were asked for. */
typedef struct opened {
    uint64_t lost;    /* records */
    uint64_t orphans; /* values files without an index file */
} opened_t;

static bool verdict_json(const options_t *options, const oversized_verified_t *found, const opened_t *opened)
{
    json_t *object = json_new();
    json_text(object, "directory", options->directory);
    json_text(object, "verdict", found->damages + opened->lost > 0 ? "damaged" : "fine");
    json_number(object, "sections", found->sections);
    json_number(object, "records", found->records);
    json_number(object, "bytes", found->bytes);
    json_number(object, "damages", found->damages);
    json_number(object, "records_damaged", found->records_damaged);
    json_number(object, "lost_records", opened->lost);
    json_number(object, "values_without_index", opened->orphans);
    return json_print(object);
}

/* Values without an index are what a prune that was cut off leaves, and also what is left where somebody has removed an
 * index file: they are no damage, and not read, which is said. */
static answer_t verdict(const check_t *check, const oversized_verified_t *found, const opened_t *opened)
{
    const options_t *options = check->options;
    answer_t answer = found->damages + opened->lost > 0 ? ANSWER_DAMAGED : ANSWER_FINE;
    if (options->json)
        return verdict_json(options, found, opened) ? answer : complain(ANSWER_FAILED, "out of memory");
    if (opened->lost > 0)
        print("%" PRIu64 " records that were synced are lost; `segj stat %s` tells of which sections\n", opened->lost,
              options->directory);
    if (opened->orphans > 0)
        print("%" PRIu64 " values files without an index file were not read; `segj stat %s` tells which, `segj salvage "
              "--bare` takes their values\n",
              opened->orphans, options->directory);
    print("%s: %s: %" PRIu64 " records in %" PRIu64 " sections were read, %" PRIu64 " bytes", options->directory,
          answer == ANSWER_FINE ? "fine" : "damaged", found->records, found->sections, found->bytes);
    if (found->damages > 0)
        print("; %" PRIu64 " damages concern %" PRIu64 " records", found->damages, found->records_damaged);
    print("\n");
    return answer;
}

static uint32_t cores(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : count > VERIFY_THREADS ? VERIFY_THREADS : (uint32_t)count;
}

static answer_t verify_opened(check_t *check, oversized_t *journal, const range_t *range)
{
    oversized_verify_options_t how;
    oversized_verified_t found;
    oversized_verify_options_init(&how);
    how.threads = check->options->threads > 0 ? check->options->threads : cores();
    how.bytes_per_second = check->options->limit;
    how.progress = progress_follow;
    how.on_damage = show_damage;
    how.context = check;
    if (!range->all)
        how.first_section = how.last_section = range->section;
    progress_begin();
    segj_status_t status = oversized_verify(journal, &how, &found);
    progress_clear();
    if (check->lacks_memory)
        return complain(ANSWER_FAILED, "out of memory");
    if (status != SEGJ_OK && found.damages == 0)
        return complain_of(check->options, status);
    /* It has ended early. */
    if (status == SEGJ_ERR_CANCELLED || status == SEGJ_ERR_MEMORY || status == SEGJ_ERR_TOO_LARGE)
        return complain_of(check->options, status);
    const oversized_recovery_t *report = oversized_recovery(journal);
    opened_t opened = {.orphans = range->all ? report->orphan_sections_removed : 0};
    answer_t answer = count_lost(check->options, journal, range, &opened.lost);
    return answer != ANSWER_FINE ? answer : verdict(check, &found, &opened);
}

answer_t command_verify(const options_t *options)
{
    check_t check = {.options = options};
    range_t range;
    oversized_t *journal = NULL;
    oversized_config_t config;
    if (!range_read(options->range, &range) || (!range.all && (range.first != 0 || range.last != UINT64_MAX)))
        return complain(ANSWER_USAGE, "\"%s\" is no section", options->range);
    answer_t answer = open_for_reading(options, &journal, &config);
    if (answer != ANSWER_FINE)
        return answer;
    answer = verify_opened(&check, journal, &range);
    oversized_abandon(journal);
    progress_end();
    return answer;
}
