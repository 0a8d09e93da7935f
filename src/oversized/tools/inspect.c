/*
 * oversized/tools/inspect.c: what lies in a journal's files. The verdicts are open's own, of a journal that is in
 * memory alone: its partitions are open and not locked, nothing of it is changed, and no call is let in.
 *
 * A writer may be at work. What looks like damage is looked at once more until it looks the same twice: a rewind lowers
 * W before it cuts, so that the second look finds both.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "oversized/lost/quarantine.h"
#include "oversized/open/config.h"
#include "oversized/open/open.h"
#include "oversized/open/orphans.h"
#include "oversized/open/recover.h"
#include "oversized/open/verdict.h"
#include "oversized/oversized.h"
#include "oversized/section/section.h"
#include "oversized/tools/sizes.h"
#include "oversized/tools/text.h"
#include "segjournal/tools.h"

/* The level that says "compressed" where the files do not record one: zstd's default. */
#define INSPECT_LEVEL 3
/* How often a section is read again that changes while it is read. */
#define INSPECT_TRIES 8

/** An inspection, and what it points into. */
typedef struct inspection {
    oversized_inspection_t shown; /* first */
    oversized_look_t *looks;
    char *directory, *index_name, *value_name, *quarantine, *evidence;
    char *problem; /* NULL: none */
} inspection_t;

/** An inspection under way. */
typedef struct inspector {
    oversized_t *journal;
    segj_listing_t listing;
    segj_scan_t scan;
    segj_sizes_t sizes;
    inspection_t *made;
    segj_telling_t telling;
    uint64_t synced; /* sections of which a sync is known */
    uint64_t logs;   /* those of version 2 among them */
    uint64_t alone;  /* sections of version 2 whose index file is missing */
} inspector_t;

/* --- memory --- */

static void inspection_free(inspection_t *made)
{
    if (made == NULL)
        return;
    for (size_t i = 0; made->looks != NULL && i < made->shown.section_count; i++)
        if (made->looks[i].problem[0] != '\0')
            free((char *)(uintptr_t)made->looks[i].problem);
    free(made->looks);
    free(made->directory);
    free(made->index_name);
    free(made->value_name);
    free(made->quarantine);
    free(made->evidence);
    free(made->problem);
    free(made);
}

void oversized_inspection_free(oversized_inspection_t *inspection)
{
    inspection_free((inspection_t *)(void *)inspection);
}

/* --- what is wrong --- */

/* The thread's sentence is a problem of the journal as a whole; the worst stays, and of equal ones the first. */
static segj_status_t note_problem(inspection_t *made, oversized_health_t health, const char *sentence)
{
    if (health <= made->shown.health)
        return SEGJ_OK;
    made->shown.health = health;
    free(made->problem);
    return segj_text_copy(sentence, &made->problem);
}

/* Damage, which is a finding; all else fails the inspection. */
static bool is_finding(segj_status_t status)
{
    return status == SEGJ_ERR_CORRUPT || status == SEGJ_ERR_MISMATCH;
}

/* Why open would do something about a section that it does not refuse. */
static segj_status_t inspect_explain(const segj_shared_t *shared, const segj_recovery_plan_t *plan,
                                     oversized_look_t *look)
{
    const segj_section_t *section = plan->section;
    unsigned long long number = plan->number;
    unsigned long long index_kept = segj_fixed_file_size(shared, section->index.handle.file.data, plan->records);
    uint64_t values_kept = section->values.handle.file.data + plan->end;
    char *text = NULL;
    segj_status_t status;
    if (look->lost_records > 0)
        status = segj_text_format(&text, "section %llu: %llu of %llu records that were synced are gone, %llu are left",
                                  number, (unsigned long long)look->lost_records, (unsigned long long)plan->watermark,
                                  (unsigned long long)plan->records);
    else if (plan->index_missing)
        status = segj_text_format(
            &text, "section %llu: the index file is missing, and would be made again from %llu records of the values",
            number, (unsigned long long)plan->records);
    else if (plan->cut)
        status = segj_text_format(
            &text,
            "section %llu: of the index file's %llu bytes %llu would be kept, of the values file's "
            "%llu bytes %llu",
            number, (unsigned long long)plan->index_size, index_kept, (unsigned long long)plan->value_size,
            (unsigned long long)segj_min_u64(values_kept, plan->value_size));
    else if (!look->has_values)
        status = segj_text_format(&text, "section %llu: the values file is missing, and no record needs it", number);
    else if (!plan->index_valid || !plan->value_valid)
        status = segj_text_format(&text, "section %llu: it is new, and its %s has no header yet", number,
                                  plan->index_valid ? "values file" : "index file");
    else
        status = segj_text_format(&text, "section %llu: %llu records, of which %llu are known to be synced", number,
                                  (unsigned long long)plan->records, (unsigned long long)plan->watermark);
    if (status == SEGJ_OK)
        look->problem = text;
    return status;
}

/* What a verdict says. */
static segj_status_t take_verdict(const inspector_t *inspector, const segj_recovery_plan_t *plan,
                                  oversized_look_t *look)
{
    look->index_bytes = plan->index_size;
    look->value_bytes = plan->value_size;
    look->compressed = plan->section->values.compressed;
    look->dictionary = plan->section->values.dictionary.size;
    look->sector_size = plan->section->values.handle.file.sector;
    look->records = plan->records;
    look->stored_bytes = plan->records > 0 ? plan->end : 0;
    look->synced_records = plan->watermark;
    look->lost_records = segj_plan_lost(plan);
    look->dropped_records =
        plan->records_on_disk - segj_min_u64(plan->records_on_disk, segj_max_u64(plan->records, plan->watermark));
    look->health = look->lost_records > 0 ? OVERSIZED_LOSS : plan->clean ? OVERSIZED_CLEAN : OVERSIZED_REPAIR;
    if (look->health == OVERSIZED_CLEAN)
        return SEGJ_OK;
    return inspect_explain(&inspector->journal->shared, plan, look);
}

/* --- sections --- */

static segj_status_t inspect_file_size(const segj_io_partition_t *partition, uint64_t number, bool *there,
                                       uint64_t *size)
{
    segj_io_file_t file;
    bool missing = false;
    *there = false;
    if (partition->opened == NULL)
        return SEGJ_OK;
    segj_status_t status = segj_io_open(&file, partition, number, SEGJ_OPEN_READ, &missing);
    *there = status == SEGJ_OK && !missing;
    if (!*there)
        return status;
    status = segj_io_size(&file, size);
    segj_io_close(&file);
    return status;
}

/* Which of the section's files are there now, and their sizes. */
static segj_status_t look_at_files(const inspector_t *inspector, oversized_look_t *look)
{
    const segj_shared_t *shared = &inspector->journal->shared;
    segj_status_t status = inspect_file_size(&shared->index, look->section, &look->has_index, &look->index_bytes);
    if (status == SEGJ_OK)
        status = inspect_file_size(&shared->values, look->section, &look->has_values, &look->value_bytes);
    return status;
}

/* Once. A finding is in the thread's sentence. */
static segj_status_t judge_once(inspector_t *inspector, oversized_look_t *look, segj_recovery_plan_t *plan)
{
    *plan = (segj_recovery_plan_t){.number = look->section, .value_there = look->has_values};
    segj_status_t status = segj_section_new(inspector->journal, look->section, &plan->section);
    return status == SEGJ_OK ? segj_verdict(&inspector->scan, plan) : status;
}

static void drop_plan(inspector_t *inspector, segj_recovery_plan_t *plan)
{
    if (plan->section != NULL)
        segj_section_release(inspector->journal, plan->section);
    plan->section = NULL;
}

/* Once, of a section that has values alone. */
static segj_status_t look_alone(inspector_t *inspector, const oversized_look_t *look, segj_recovery_plan_t *plan,
                                uint64_t *data)
{
    bool log;
    bool there = false;
    bool rest = inspector->listing.removing || inspector->journal->shared.format != SEGJ_FORMAT_NATIVE;
    if (rest)
        return segj_verdict_orphan(&inspector->scan, look->section, data, &log);
    *plan = (segj_recovery_plan_t){.number = look->section};
    segj_status_t status = segj_section_new(inspector->journal, look->section, &plan->section);
    if (status == SEGJ_OK)
        status = segj_orphan_look(&inspector->scan, plan, data, &there);
    if (!there)
        drop_plan(inspector, plan);
    return status;
}

/* A values file without an index file; one that is removed at that moment counts as gone. Where there is a plan, the
 * index would be made again. */
static segj_status_t judge_alone(inspector_t *inspector, oversized_look_t *look, segj_recovery_plan_t *plan)
{
    uint64_t data = 0;
    char *text = NULL;
    segj_status_t status = look_alone(inspector, look, plan, &data);
    for (int i = 0; i < INSPECT_TRIES && segj_failed_in_passing(status) && segj_last_errno() != ENOENT; i++)
        status = look_alone(inspector, look, plan, &data);
    look->has_values = !(segj_failed_in_passing(status) && segj_last_errno() == ENOENT);
    if (status != SEGJ_OK)
        return look->has_values ? status : SEGJ_OK;
    if (plan->section != NULL)
        return SEGJ_OK;
    inspector->journal->recovery.orphan_sections_removed++;
    look->health = OVERSIZED_REPAIR;
    status = segj_text_format(&text,
                              "section %llu: a values file of %llu bytes of data without an index file: it would be "
                              "removed%s",
                              (unsigned long long)look->section, (unsigned long long)data,
                              inspector->listing.removing ? ", as a removal of sections was to do"
                                                          : ", and `strict` refuses it");
    if (status == SEGJ_OK)
        look->problem = text;
    return status;
}

/* A verdict, and how it came out. */
typedef struct outcome {
    segj_status_t status;
    uint64_t records, watermark;
    bool passing; /* it may be the work of the moment alone */
    bool missing; /* and a file was removed when it was to be opened */
} outcome_t;

/* Whether it may be the work of a writer in a moment: damage, a loss, the end of a file that was longer. */
static bool is_doubtful(const outcome_t *outcome)
{
    return is_finding(outcome->status) || outcome->passing ||
           (outcome->status == SEGJ_OK && outcome->records < outcome->watermark);
}

static outcome_t judge_now(inspector_t *inspector, oversized_look_t *look, segj_recovery_plan_t *plan)
{
    outcome_t now = {.status = judge_once(inspector, look, plan)};
    now.records = plan->records;
    now.watermark = plan->watermark;
    now.passing = segj_failed_in_passing(now.status);
    now.missing = now.passing && segj_last_errno() == ENOENT;
    return now;
}

static bool same_outcome(const outcome_t *a, const outcome_t *b)
{
    return a->status == b->status && a->records == b->records && a->watermark == b->watermark;
}

/* Until it is beyond doubt, or looks the same twice. A writer that removes a section may have made it again when the
 * next look comes, and removed that: one that is missing however often it is tried counts as gone. */
static segj_status_t judge_index(inspector_t *inspector, oversized_look_t *look, segj_recovery_plan_t *plan)
{
    outcome_t before = {.status = SEGJ_OK};
    for (int i = 0;; i++) {
        outcome_t now = judge_now(inspector, look, plan);
        if (now.missing && i >= INSPECT_TRIES) {
            look->has_index = look->has_values = false;
            return SEGJ_OK;
        }
        if (!is_doubtful(&now) || i >= INSPECT_TRIES || (i > 0 && !now.missing && same_outcome(&before, &now)))
            return now.status;
        before = now;
        drop_plan(inspector, plan);
        segj_status_t status = look_at_files(inspector, look);
        if (status != SEGJ_OK || !look->has_index)
            return status;
    }
}

static void sum_up(inspector_t *inspector, const segj_recovery_plan_t *plan)
{
    inspector->synced += plan->watermark > 0;
    inspector->logs += plan->watermark > 0 && segj_section_is_log(plan->section);
    inspector->alone += plan->index_missing;
    segj_recovery_count(inspector->journal, plan);
}

/* Looks at a section of which a file was listed. *there: it has not been removed since. */
static segj_status_t inspect_section(inspector_t *inspector, oversized_look_t *look, bool *there)
{
    segj_recovery_plan_t plan = {.section = NULL};
    segj_status_t status = look->has_index ? SEGJ_OK : look_at_files(inspector, look); /* it may be a new section */
    if (status == SEGJ_OK && look->has_index)
        status = judge_index(inspector, look, &plan);
    if (status == SEGJ_OK && !look->has_index && look->has_values)
        status = judge_alone(inspector, look, &plan);
    if (status == SEGJ_OK && plan.section != NULL) {
        status = take_verdict(inspector, &plan, look);
        sum_up(inspector, &plan);
    }
    if (is_finding(status)) {
        char *text = NULL;
        look->health = OVERSIZED_REFUSED;
        look->records = look->stored_bytes = look->synced_records = 0;
        status = segj_text_copy(segj_last_error(), &text);
        if (status == SEGJ_OK)
            look->problem = text;
    }
    drop_plan(inspector, &plan);
    *there = look->has_index || look->has_values;
    return status == SEGJ_OK && *there ? note_problem(inspector->made, look->health, look->problem) : status;
}

/* The next number of either list; both are ascending. */
static oversized_look_t next_look(const segj_listing_t *listing, size_t *index, size_t *values)
{
    bool more_index = *index < listing->index_count;
    bool more_values = *values < listing->value_count;
    oversized_look_t look = {.section = more_index ? listing->index[*index] : listing->values[*values], .problem = ""};
    if (more_values && listing->values[*values] < look.section)
        look.section = listing->values[*values];
    look.has_index = more_index && listing->index[*index] == look.section;
    look.has_values = more_values && listing->values[*values] == look.section;
    *index += look.has_index;
    *values += look.has_values;
    return look;
}

static segj_status_t inspect_sections(inspector_t *inspector)
{
    const segj_listing_t *listing = &inspector->listing;
    inspection_t *made = inspector->made;
    size_t most = listing->index_count + listing->value_count;
    size_t index = 0;
    size_t values = 0;
    segj_status_t status = SEGJ_OK;
    inspector->telling.now.sections_total = segj_max_u64(listing->index_count, listing->value_count);
    made->looks = calloc(most + 1, sizeof *made->looks);
    if (made->looks == NULL)
        return segj_fail_memory((most + 1) * sizeof *made->looks);
    while ((index < listing->index_count || values < listing->value_count) && status == SEGJ_OK) {
        bool there = false;
        oversized_look_t *look = &made->looks[made->shown.section_count];
        *look = next_look(listing, &index, &values);
        status = inspect_section(inspector, look, &there);
        made->shown.section_count += there;
        inspector->telling.now.records_done += look->records;
        inspector->telling.now.sections_done =
            segj_min_u64(inspector->telling.now.sections_done + 1, inspector->telling.now.sections_total);
        if (status == SEGJ_OK)
            status = segj_tell_of_open(inspector->journal->telling, 0, false);
    }
    return status;
}

/* --- the journal --- */

/* Opens and lists what is there; nothing is locked. */
static segj_status_t inspect_list(inspector_t *inspector, const oversized_config_t *config)
{
    segj_io_partition_t *partitions[2] = {&inspector->journal->shared.index, &inspector->journal->shared.values};
    segj_listing_t *listing = &inspector->listing;
    segj_sentence_t strange = {.text = ""};
    bool missing[2] = {false, false};
    segj_status_t status = segj_partition_open(partitions[0], &missing[0]);
    if (status == SEGJ_OK)
        status = segj_partition_open(partitions[1], &missing[1]);
    if (status == SEGJ_OK && missing[0] && missing[1])
        status = segj_partition_not_found(partitions[0]);
    if (status == SEGJ_OK && !missing[0])
        status = segj_partition_sections_among(partitions[0], &listing->index, &listing->index_count, &strange);
    if (status == SEGJ_OK && !missing[1])
        status =
            segj_partition_values(partitions[1], &listing->values, &listing->value_count, &strange, &listing->removing);
    if (status == SEGJ_OK && (missing[0] || missing[1]))
        status = segj_partitions_judge_missing(config, partitions[missing[0] ? 0 : 1], partitions[missing[0] ? 1 : 0],
                                               missing[0] ? listing->value_count : listing->index_count);
    if (is_finding(status))
        status = note_problem(inspector->made, OVERSIZED_REFUSED, segj_last_error());
    if (status == SEGJ_OK && strange.text[0] != '\0')
        status = note_problem(inspector->made, OVERSIZED_REFUSED, strange.text);
    return status;
}

/* By the newest section that is still there: a writer may have removed some since they were listed. */
static segj_status_t inspect_follow(inspector_t *inspector, const oversized_config_t *config)
{
    const segj_listing_t *listing = &inspector->listing;
    for (size_t i = listing->index_count; i > 0; i--) {
        segj_status_t status = segj_follow_commonware(inspector->journal, config, &listing->index[i - 1]);
        if (status != SEGJ_ERR_IO || segj_last_errno() != ENOENT)
            return status;
    }
    return segj_follow_commonware(inspector->journal, config, NULL);
}

/* Everything that verdicts need of a journal. */
static segj_status_t get_ready(inspector_t *inspector, const oversized_config_t *config)
{
    oversized_t *journal = inspector->journal;
    segj_status_t status = segj_sizes_find(journal, &inspector->listing, &inspector->sizes);
    if (status != SEGJ_OK)
        return status;
    journal->codec.level = inspector->sizes.compressed ? INSPECT_LEVEL : 0;
    status = segj_page_cache_create(journal->shared.page_size, 1, &journal->shared.cache);
    if (status == SEGJ_OK && journal->shared.format == SEGJ_FORMAT_NATIVE)
        status = segj_quarantine_open(journal, config);
    else if (status == SEGJ_OK)
        status = inspect_follow(inspector, config);
    if (is_finding(status))
        status = note_problem(inspector->made, OVERSIZED_REFUSED, segj_last_error());
    return status == SEGJ_OK ? segj_scan_init(&inspector->scan, journal) : status;
}

static segj_status_t inspect_all(inspector_t *inspector, const oversized_config_t *config)
{
    oversized_t *journal = inspector->journal;
    segj_status_t status = inspect_list(inspector, config);
    if (status == SEGJ_OK)
        status = get_ready(inspector, config);
    if (status == SEGJ_OK)
        status = inspect_sections(inspector);
    if (status != SEGJ_OK)
        return status;
    status = segj_recovery_check_mounted(&journal->shared, inspector->listing.value_count, inspector->synced,
                                         inspector->logs);
    if (status == SEGJ_OK && journal->shared.index.opened != NULL)
        status = segj_orphans_check_mounted(&journal->shared, inspector->listing.index_count, inspector->alone);
    if (is_finding(status))
        status = note_problem(inspector->made, OVERSIZED_REFUSED, segj_last_error());
    journal->recovery.values_verified = inspector->scan.verified;
    if (journal->shared.format == SEGJ_FORMAT_NATIVE)
        segj_quarantine_report(journal);
    return status;
}

/* Fills what is shown. */
static segj_status_t inspect_show(inspector_t *inspector, const oversized_config_t *given)
{
    oversized_t *journal = inspector->journal;
    inspection_t *made = inspector->made;
    oversized_inspection_t *shown = &made->shown;
    segj_status_t status = segj_text_copy(given->directory, &made->directory);
    if (status == SEGJ_OK)
        status = segj_text_copy(given->index_partition, &made->index_name);
    if (status == SEGJ_OK)
        status = segj_text_copy(given->value_partition, &made->value_name);
    shown->recovery = journal->recovery;
    if (status == SEGJ_OK && journal->recovery.quarantine != NULL)
        status = segj_text_copy(journal->recovery.quarantine, &made->quarantine);
    if (status != SEGJ_OK)
        return status;
    shown->recovery.quarantine = made->quarantine;
    shown->config = *given;
    shown->config.directory = made->directory;
    shown->config.index_partition = made->index_name;
    shown->config.value_partition = made->value_name;
    shown->config.format = inspector->sizes.format;
    if (inspector->sizes.format != SEGJ_FORMAT_NATIVE)
        shown->config.native_version = 0;
    shown->config.entry_size = inspector->sizes.entry_size;
    shown->config.page_size = inspector->sizes.page_size;
    shown->config.compression = inspector->sizes.compressed ? INSPECT_LEVEL : 0;
    shown->config.sector_size = shown->config.native_version != 1 ? inspector->sizes.sector : 0;
    shown->sizes_known = inspector->sizes.known;
    shown->version = inspector->sizes.version;
    shown->evidence = made->evidence = inspector->sizes.evidence;
    inspector->sizes.evidence = NULL;
    shown->problem = made->problem != NULL ? made->problem : "";
    shown->sections = made->looks;
    bool held = journal->shared.index.opened != NULL && segj_partition_holder(&journal->shared.index, &shown->holder);
    if (!held && journal->shared.values.opened != NULL &&
        !segj_partition_holder(&journal->shared.values, &shown->holder))
        shown->holder = 0;
    return SEGJ_OK;
}

static segj_status_t check_and_inspect(const oversized_config_t *given, oversized_inspection_t **inspection)
{
    oversized_config_t config;
    if (inspection != NULL)
        *inspection = NULL;
    if (given == NULL || inspection == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "oversized_inspect: %s is NULL", given == NULL ? "config" : "inspection");
    segj_status_t status = segj_config_check_size(given);
    if (status == SEGJ_OK) {
        segj_config_to_look(given, &config);
        status = segj_config_check(&config);
    }
    if (status != SEGJ_OK)
        return segj_context(status, "oversized_inspect");
    inspector_t inspector = {.made = calloc(1, sizeof *inspector.made)};
    if (inspector.made == NULL)
        return segj_fail_memory(sizeof *inspector.made);
    status = segj_journal_make(&config, &inspector.journal);
    if (status == SEGJ_OK) {
        inspector.telling = segj_telling_begin(config.progress, config.progress_context);
        inspector.telling.now.stage = "look";
        inspector.journal->telling = config.progress != NULL ? &inspector.telling : NULL;
        status = inspect_all(&inspector, &config);
        if (status == SEGJ_OK)
            status = inspect_show(&inspector, given);
        segj_scan_free(&inspector.scan);
        segj_journal_free(inspector.journal);
    }
    free(inspector.listing.index);
    free(inspector.listing.values);
    free(inspector.sizes.evidence);
    if (status == SEGJ_OK)
        *inspection = &inspector.made->shown;
    else
        inspection_free(inspector.made);
    return status;
}

segj_status_t oversized_inspect(const oversized_config_t *config, oversized_inspection_t **inspection)
{
    segj_status_t status = check_and_inspect(config, inspection);
    bool told = config != NULL && config->struct_size == sizeof *config && config->error != NULL;
    if (status != SEGJ_OK && told)
        segj_error_take(config->error, status);
    return status;
}
