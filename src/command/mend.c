/*
 * command/mend.c: `segj recover`: what an open for writing makes of a journal, done or only told. What `strict` refuses
 * is done where --yes was given, or where the user at a terminal says so.
 */
#include <inttypes.h>

#include "command/command.h"
#include "command/json.h"

/** What becomes of the journal. */
typedef struct mending {
    const options_t *options;
    const oversized_recovery_t *report;
    oversized_health_t health; /* before it */
    const char *problem;
    bool done;
} mending_t;

static bool mend_json(const mending_t *mending)
{
    const oversized_recovery_t *report = mending->report;
    json_t *object = json_new();
    json_text(object, "directory", mending->options->directory);
    json_flag(object, "done", mending->done);
    json_text(object, "health", health_word(mending->health));
    json_text(object, "problem", mending->problem);
    json_number(object, "sections", report->sections);
    json_number(object, "records", report->records);
    json_number(object, "sections_repaired", report->sections_repaired);
    json_number(object, "sections_unrepaired", report->sections_unrepaired);
    json_number(object, "sections_damaged", report->sections_damaged);
    json_number(object, "orphan_sections_removed", report->orphan_sections_removed);
    json_number(object, "records_dropped", report->records_dropped);
    json_number(object, "lost_records", report->synced_records_lost);
    json_number(object, "index_bytes_truncated", report->index_bytes_truncated);
    json_number(object, "value_bytes_truncated", report->value_bytes_truncated);
    json_number(object, "values_verified", report->values_verified);
    json_number(object, "unacknowledged_records", report->unacknowledged_records);
    json_number(object, "quarantine_bytes", report->quarantine_bytes);
    json_text(object, "quarantine", report->quarantine);
    return json_print(object);
}

/* A line where there is something to say. */
static void line(uint64_t count, const char *text, const char *were)
{
    if (count > 0)
        print("  %" PRIu64 " %s%s\n", count, text, were);
}

static void mend_text(const mending_t *mending)
{
    const oversized_recovery_t *report = mending->report;
    const char *were = mending->done ? "were" : "would be";
    const char *word = mending->health == OVERSIZED_CLEAN ? "clean"
                       : mending->done                    ? "repaired"
                                                          : health_word(mending->health);
    print("%s: %s: %" PRIu64 " records in %" PRIu64 " sections\n", mending->options->directory, word, report->records,
          report->sections);
    if (!mending->done && mending->problem[0] != '\0')
        print("  %s\n", mending->problem);
    line(report->sections_repaired, "sections ", mending->done ? "were made durable" : "would be made durable");
    line(report->values_verified, "values that no sync had covered were checked", "");
    line(report->records_dropped, "records that were never synced ", mending->done ? "were cut" : "would be cut");
    line(report->index_bytes_truncated, "bytes of index files ", mending->done ? "were cut" : "would be cut");
    line(report->value_bytes_truncated, "bytes of values files ", mending->done ? "were cut" : "would be cut");
    if (report->orphan_sections_removed > 0)
        print("  %" PRIu64 " values files without an index file %s removed\n", report->orphan_sections_removed, were);
    line(report->sections_unrepaired, "sections wait for room on the disk: they are repaired when they are changed",
         "");
    if (report->synced_records_lost > 0)
        print("  %" PRIu64 " records that were synced are lost, in %" PRIu64 " sections\n", report->synced_records_lost,
              report->sections_damaged);
    if (report->unacknowledged_records > 0)
        print("  %" PRIu64 " lost records are not acknowledged; %" PRIu64 " bytes are set aside in %s\n",
              report->unacknowledged_records, report->quarantine_bytes,
              report->quarantine != NULL ? report->quarantine : "no directory");
}

static answer_t mend_say(const mending_t *mending, answer_t answer)
{
    if (mending->options->json)
        return mend_json(mending) ? answer : complain(ANSWER_FAILED, "out of memory");
    mend_text(mending);
    return answer;
}

/* Done, with what that has found. */
static answer_t mend_done(mending_t *mending, oversized_t *journal)
{
    mending->report = oversized_recovery(journal);
    mending->done = true;
    answer_t answer = mend_say(mending, mending->report->synced_records_lost > 0 ? ANSWER_DAMAGED : ANSWER_FINE);
    segj_status_t status = oversized_close(journal);
    return status != SEGJ_OK ? complain_of(mending->options, status) : answer;
}

/* `strict` refuses it: the library has said why. */
static answer_t mend_loss(mending_t *mending, oversized_config_t *config)
{
    const options_t *options = mending->options;
    oversized_t *journal = NULL;
    (void)complain(ANSWER_DAMAGED, "%s", segj_last_error());
    if (!options->yes && !is_agreed("Cut it to what is there, and set aside what is cut of synced records?"))
        return complain(ANSWER_DAMAGED, "nothing was changed: copy the files first; --yes recovers what is there, and "
                                        "`segj salvage` takes what verifies into a new journal");
    config->strict = false;
    segj_status_t status = open_followed(config, &journal);
    return status == SEGJ_OK ? mend_done(mending, journal) : complain_of(options, status);
}

answer_t command_recover(const options_t *options)
{
    oversized_inspection_t *found = NULL;
    oversized_t *journal = NULL;
    answer_t answer = inspect(options, &found);
    if (answer != ANSWER_FINE)
        return answer;
    mending_t mending = {
        .options = options, .report = &found->recovery, .health = found->health, .problem = found->problem};
    oversized_config_t config = found->config;
    config.strict = true;
    config.must_exist = true;
    if (options->dry) {
        answer = mend_say(&mending, health_answer(found->health));
    } else {
        segj_status_t status = open_followed(&config, &journal);
        if (status == SEGJ_OK)
            answer = mend_done(&mending, journal);
        else if (status == SEGJ_ERR_CORRUPT && found->health != OVERSIZED_REFUSED)
            answer = mend_loss(&mending, &config);
        else
            answer = complain_of(options, status);
    }
    oversized_inspection_free(found);
    return answer;
}
