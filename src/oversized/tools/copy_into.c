/*
 * oversized/tools/copy_into.c: the records of a journal are appended to another one, which may store them in another
 * way. It only ever gets what it lacks: first everything that it has already is compared, and nothing is changed where
 * that is not the beginning of what the journal has.
 */
#include <stdlib.h>
#include <string.h>

#include "base/process.h"
#include "oversized/oversized.h"
#include "oversized/section/section.h"
#include "oversized/tools/copy.h"
#include "oversized/tools/throttle.h"

/* Records that are appended together: at most so many, of so many bytes. */
#define INTO_RECORDS 256
#define INTO_BYTES ((size_t)1 << 20)
/* Values that are stored in more bytes than these go in pieces. */
#define INTO_WHOLE ((uint32_t)8 << 20)
#define INTO_PIECE ((size_t)256 << 10)
#define INTO_AHEAD ((size_t)1 << 20)

/** A section of the journal. */
typedef struct into_section {
    uint64_t number, generation;
    uint64_t records; /* that are synced */
    uint64_t bytes;   /* of all its values */
    uint64_t there;   /* records that the other journal has */
} into_section_t;

/** The call. */
typedef struct into_job {
    oversized_t *journal, *target;
    const oversized_copy_options_t *options;
    into_section_t *sections;
    size_t count;
    const char *stage;
    uint64_t bytes_total, records_total;
    uint64_t bytes_done, records_done;
    uint64_t start, told; /* time */
    uint8_t *memory;      /* INTO_BYTES, and two pieces */
    size_t filled;
    oversized_record_t batch[INTO_RECORDS];
    size_t batched;
    oversized_copied_t found;
} into_job_t;

/* --- what is told --- */

static bool into_tell(into_job_t *job, uint64_t now)
{
    const oversized_copy_options_t *options = job->options;
    const oversized_progress_t progress = {.stage = job->stage,
                                           .records_done = job->records_done,
                                           .records_total = job->records_total,
                                           .bytes_done = job->bytes_done,
                                           .bytes_total = segj_max_u64(job->bytes_total, job->bytes_done)};
    job->told = now;
    return options->progress != NULL && options->progress(options->context, &progress);
}

static segj_status_t into_cancelled(const into_job_t *job)
{
    return segj_fail(SEGJ_ERR_CANCELLED, "oversized_copy_into: cancelled after %llu of %llu bytes",
                     (unsigned long long)job->bytes_done, (unsigned long long)job->bytes_total);
}

/* A record, of so many stored bytes, was handled. */
static segj_status_t into_count(into_job_t *job, uint64_t records, uint64_t bytes)
{
    job->records_done += records;
    job->bytes_done += bytes;
    for (;;) {
        uint64_t now = segj_process_time();
        if (now - job->told >= SEGJ_TELL_TIME && into_tell(job, now))
            return into_cancelled(job);
        uint64_t pause = segj_throttle_pause(job->bytes_done, job->options->bytes_per_second, now - job->start);
        if (pause == 0)
            return SEGJ_OK;
        segj_process_sleep(pause);
    }
}

/* --- what must be copied --- */

/* Under state. */
SEGJ_UNDER_STATE static segj_status_t into_note(into_job_t *job)
{
    const segj_sections_t *sections = &job->journal->sections;
    job->sections = calloc(sections->count + 1, sizeof *job->sections);
    if (job->sections == NULL)
        return segj_fail_memory((sections->count + 1) * sizeof *job->sections);
    for (size_t i = 0; i < sections->count; i++) {
        const segj_section_t *section = segj_section_at(job->journal, i);
        uint64_t number = section->node.number;
        if (number < job->options->first_section || number > job->options->last_section)
            continue;
        job->sections[job->count++] = (into_section_t){.number = number,
                                                       .generation = section->generation,
                                                       .records = section->index.durable,
                                                       .bytes = section->synced_size};
    }
    return SEGJ_OK;
}

static segj_status_t into_begin(into_job_t *job)
{
    segj_shared_t *shared = &job->journal->shared;
    job->memory = malloc(INTO_BYTES + 2 * INTO_PIECE);
    if (job->memory == NULL)
        return segj_fail_memory(INTO_BYTES + 2 * INTO_PIECE);
    segj_lock(&shared->state);
    while (job->journal->hidden > 0) /* they may come back */
        segj_wait(&shared->changed, &shared->state);
    segj_status_t status = into_note(job);
    segj_unlock(&shared->state);
    job->start = job->told = segj_process_time();
    return status;
}

/* A section that was cut, and grows again, may have other records than those that were compared. */
static segj_status_t check_unchanged(into_job_t *job, const into_section_t *section)
{
    segj_lock(&job->journal->shared.state);
    const segj_section_t *now = segj_journal_find(job->journal, section->number);
    bool changed = now != NULL && segj_section_changed(now, section->generation);
    segj_unlock(&job->journal->shared.state);
    if (!changed)
        return SEGJ_OK;
    return segj_fail(
        SEGJ_ERR_BUSY,
        "oversized_copy_into: section %llu was rewound while it was copied: the copy may have records that "
        "the journal has no more",
        (unsigned long long)section->number);
}

/* --- values --- */

static bool goes_whole(const oversized_item_t *item)
{
    return item->location.size <= INTO_WHOLE;
}

static segj_status_t into_differs(const into_job_t *job, const oversized_item_t *item, const char *what)
{
    return segj_fail(SEGJ_ERR_MISMATCH,
                     "%s: record %llu of section %llu has another %s than the journal's: it holds something else, name "
                     "another directory",
                     job->target->directory, (unsigned long long)item->position, (unsigned long long)item->section,
                     what);
}

/* Both readers' values, piece by piece. */
static segj_status_t compare_pieces(into_job_t *job, oversized_reader_t *const readers[2], const oversized_item_t *item)
{
    uint8_t *pieces[2] = {job->memory + INTO_BYTES, job->memory + INTO_BYTES + INTO_PIECE};
    if (oversized_reader_size(readers[0]) != oversized_reader_size(readers[1]))
        return into_differs(job, item, "value");
    for (;;) {
        size_t got[2] = {0, 0};
        segj_status_t status = oversized_reader_read(readers[0], pieces[0], INTO_PIECE, &got[0]);
        if (status != SEGJ_OK && status != SEGJ_END)
            return status;
        segj_status_t other = oversized_reader_read(readers[1], pieces[1], INTO_PIECE, &got[1]);
        if (other != SEGJ_OK && other != SEGJ_END)
            return other;
        if (status == SEGJ_END && other == SEGJ_END)
            return SEGJ_OK;
        if (got[0] != got[1] || memcmp(pieces[0], pieces[1], got[0]) != 0)
            return into_differs(job, item, "value");
    }
}

static segj_status_t compare_large(into_job_t *job, const oversized_item_t *ours, const oversized_item_t *theirs)
{
    oversized_reader_t *readers[2] = {NULL, NULL};
    segj_status_t status = oversized_reader_open(job->journal, ours->section, ours->location, false, &readers[0]);
    if (status == SEGJ_OK)
        status = oversized_reader_open(job->target, theirs->section, theirs->location, false, &readers[1]);
    if (status == SEGJ_OK)
        status = compare_pieces(job, readers, ours);
    oversized_reader_close(readers[0]);
    oversized_reader_close(readers[1]);
    return status;
}

static segj_status_t compare_record(into_job_t *job, oversized_replay_t *const replays[2], const oversized_item_t *ours,
                                    const oversized_item_t *theirs)
{
    const void *values[2];
    size_t sizes[2];
    if (job->journal->entry_size > 0 && memcmp(ours->entry, theirs->entry, job->journal->entry_size) != 0)
        return into_differs(job, ours, "entry");
    if (!goes_whole(ours) || !goes_whole(theirs))
        return compare_large(job, ours, theirs);
    segj_status_t status = oversized_replay_value(replays[0], &values[0], &sizes[0]);
    if (status == SEGJ_OK)
        status = oversized_replay_value(replays[1], &values[1], &sizes[1]);
    if (status != SEGJ_OK)
        return status;
    bool same = sizes[0] == sizes[1] && (sizes[0] == 0 || memcmp(values[0], values[1], sizes[0]) == 0);
    return same ? SEGJ_OK : into_differs(job, ours, "value");
}

/* A record of the section. A walk over one that was removed is at the next section, or at its end. */
static segj_status_t into_next(oversized_replay_t *replay, const into_section_t *section, oversized_item_t *item)
{
    segj_status_t status = oversized_replay_next(replay, item);
    if (status != SEGJ_END && (status != SEGJ_OK || item->section == section->number))
        return status;
    return segj_fail(SEGJ_ERR_NO_RECORD, "oversized_copy_into: section %llu was removed while it was copied",
                     (unsigned long long)section->number);
}

/* Whether a read failed because the section was removed since the call began. */
static bool into_gone(into_job_t *job, const into_section_t *section, segj_status_t status)
{
    if (status != SEGJ_ERR_PRUNED && status != SEGJ_ERR_NO_RECORD)
        return false;
    segj_lock(&job->journal->shared.state);
    bool gone = segj_journal_find(job->journal, section->number) == NULL;
    segj_unlock(&job->journal->shared.state);
    return gone;
}

/* A section that was removed since stays there, as those that were removed before. */
static segj_status_t compare_section(into_job_t *job, const into_section_t *section)
{
    oversized_replay_t *replays[2] = {NULL, NULL};
    segj_status_t status = oversized_replay_open(job->journal, section->number, 0, INTO_AHEAD, &replays[0]);
    if (status == SEGJ_OK)
        status = oversized_replay_open(job->target, section->number, 0, INTO_AHEAD, &replays[1]);
    for (uint64_t i = 0; i < section->there && status == SEGJ_OK; i++) {
        oversized_item_t ours;
        oversized_item_t theirs;
        status = into_next(replays[0], section, &ours);
        if (status == SEGJ_OK)
            status = oversized_replay_next(replays[1], &theirs);
        if (status == SEGJ_OK)
            status = compare_record(job, replays, &ours, &theirs);
        if (status == SEGJ_OK)
            status = into_count(job, 1, ours.location.size);
    }
    oversized_replay_close(replays[0]);
    oversized_replay_close(replays[1]);
    if (into_gone(job, section, status))
        return SEGJ_OK;
    return status == SEGJ_OK ? check_unchanged(job, section) : status;
}

/* --- what the other journal has --- */

static into_section_t *into_find(const into_job_t *job, uint64_t number)
{
    for (size_t low = 0, high = job->count; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (job->sections[middle].number == number)
            return &job->sections[middle];
        if (job->sections[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* Whether the journal has pruned it, so that its absence says nothing. */
static bool is_pruned(into_job_t *job, uint64_t number)
{
    uint64_t oldest = 0;
    return oversized_oldest_section(job->journal, &oldest) != SEGJ_OK || number < oldest;
}

static segj_status_t judge_there(into_job_t *job, uint64_t number)
{
    uint64_t there = 0;
    segj_status_t status = oversized_count(job->target, number, &there);
    into_section_t *section = into_find(job, number);
    if (status != SEGJ_OK)
        return status;
    bool asked = number >= job->options->first_section && number <= job->options->last_section;
    if (section == NULL && (!asked || there == 0 || is_pruned(job, number)))
        return SEGJ_OK;
    uint64_t records = section != NULL ? section->records : 0;
    if (there > records)
        return segj_fail(SEGJ_ERR_MISMATCH,
                         "%s: section %llu has %llu records, and the journal has synced %llu of it: it holds something "
                         "else, or the journal was rewound; rewind it too, or name another directory",
                         job->target->directory, (unsigned long long)number, (unsigned long long)there,
                         (unsigned long long)records);
    section->there = there;
    return SEGJ_OK;
}

static segj_status_t compare_all(into_job_t *job)
{
    uint64_t number = 0;
    segj_status_t status = oversized_oldest_section(job->target, &number);
    while (status == SEGJ_OK) {
        status = judge_there(job, number);
        if (status == SEGJ_OK)
            status = oversized_next_section(job->target, number, &number);
    }
    if (status != SEGJ_END)
        return status;
    status = SEGJ_OK;
    for (size_t i = 0; i < job->count; i++) {
        job->bytes_total += job->sections[i].bytes;
        job->records_total += job->sections[i].records;
    }
    job->stage = "compare";
    for (size_t i = 0; i < job->count && status == SEGJ_OK; i++)
        if (job->sections[i].there > 0)
            status = compare_section(job, &job->sections[i]);
    return status;
}

/* --- copying --- */

static segj_status_t into_write_batch(into_job_t *job, uint64_t section)
{
    segj_status_t status = SEGJ_OK;
    if (job->batched > 0)
        status = oversized_append_batch(job->target, section, job->batch, job->batched, NULL, NULL);
    job->batched = job->filled = 0;
    return status;
}

static segj_status_t pipe_value(into_job_t *job, oversized_reader_t *reader, oversized_writer_t *writer)
{
    uint8_t *piece = job->memory + INTO_BYTES;
    for (;;) {
        size_t got = 0;
        segj_status_t status = oversized_reader_read(reader, piece, INTO_PIECE, &got);
        if (status != SEGJ_OK)
            return status == SEGJ_END ? SEGJ_OK : status;
        status = oversized_writer_write(writer, piece, got);
        if (status == SEGJ_OK)
            status = into_count(job, 0, 0);
        if (status != SEGJ_OK)
            return status;
    }
}

static segj_status_t copy_large(into_job_t *job, const oversized_item_t *item)
{
    oversized_reader_t *reader = NULL;
    oversized_writer_t *writer = NULL;
    segj_status_t status = into_write_batch(job, item->section);
    if (status == SEGJ_OK)
        status = oversized_reader_open(job->journal, item->section, item->location, false, &reader);
    if (status == SEGJ_OK)
        status = oversized_writer_open(job->target, item->section, item->entry, oversized_reader_size(reader), &writer);
    if (status == SEGJ_OK)
        status = pipe_value(job, reader, writer);
    if (status == SEGJ_OK) {
        job->found.bytes += oversized_reader_size(reader);
        status = oversized_writer_finish(writer, NULL, NULL);
    } else {
        oversized_writer_abandon(writer);
    }
    oversized_reader_close(reader);
    return status;
}

static segj_status_t copy_whole(into_job_t *job, oversized_replay_t *replay, const oversized_item_t *item)
{
    const void *value;
    size_t size;
    size_t entry_size = job->journal->entry_size;
    segj_status_t status = oversized_replay_value(replay, &value, &size);
    if (status != SEGJ_OK)
        return status;
    job->found.bytes += size;
    if (job->batched == INTO_RECORDS || entry_size > INTO_BYTES - job->filled ||
        size > INTO_BYTES - job->filled - entry_size)
        status = into_write_batch(job, item->section);
    if (status != SEGJ_OK)
        return status;
    if (size > INTO_BYTES - entry_size)
        return oversized_append(job->target, item->section, item->entry, value, size, NULL, NULL);
    uint8_t *at = job->memory + job->filled;
    if (entry_size > 0)
        memcpy(at, item->entry, entry_size);
    if (size > 0)
        memcpy(at + entry_size, value, size);
    job->batch[job->batched++] = (oversized_record_t){at, at + entry_size, size};
    job->filled += entry_size + size;
    return SEGJ_OK;
}

static segj_status_t copy_rest(into_job_t *job, const into_section_t *section)
{
    oversized_replay_t *replay = NULL;
    segj_status_t status = oversized_replay_open(job->journal, section->number, section->there, INTO_AHEAD, &replay);
    for (uint64_t i = section->there; i < section->records && status == SEGJ_OK; i++) {
        oversized_item_t item;
        status = into_next(replay, section, &item);
        if (status == SEGJ_OK)
            status = goes_whole(&item) ? copy_whole(job, replay, &item) : copy_large(job, &item);
        if (status == SEGJ_OK)
            status = into_count(job, 1, item.location.size);
    }
    oversized_replay_close(replay);
    if (status == SEGJ_OK)
        status = into_write_batch(job, section->number);
    return status == SEGJ_OK ? check_unchanged(job, section) : status;
}

/* A section that was removed since ends where it is. */
static segj_status_t copy_one(into_job_t *job, const into_section_t *section)
{
    segj_status_t status = copy_rest(job, section);
    if (into_gone(job, section, status))
        status = into_write_batch(job, section->number);
    else if (status == SEGJ_ERR_PRUNED || status == SEGJ_ERR_NO_RECORD)
        status = check_unchanged(job, section);
    job->batched = job->filled = 0;
    return status;
}

static segj_status_t copy_sections_into(into_job_t *job)
{
    segj_status_t status = SEGJ_OK;
    job->stage = "copy";
    for (size_t i = 0; i < job->count && status == SEGJ_OK; i++) {
        into_section_t *section = &job->sections[i];
        uint64_t records = 0;
        if (section->there == section->records) {
            job->found.sections_kept += section->there > 0;
        } else {
            status = copy_one(job, section);
        }
        if (status == SEGJ_OK && section->records > 0)
            status = oversized_count(job->target, section->number, &records);
        job->found.sections += records > 0;
        job->found.records += records;
    }
    if (status == SEGJ_OK)
        status = oversized_sync_all(job->target);
    return status == SEGJ_OK && into_tell(job, 0) ? into_cancelled(job) : status;
}

static segj_status_t copy_to_target(into_job_t *job)
{
    if (job->target->entry_size != job->journal->entry_size)
        return segj_fail(SEGJ_ERR_MISMATCH, "%s: its entries have %u bytes, the journal's have %u bytes",
                         job->target->directory, (unsigned)job->target->entry_size, (unsigned)job->journal->entry_size);
    segj_status_t status = into_begin(job);
    if (status == SEGJ_OK)
        status = compare_all(job);
    if (status == SEGJ_OK)
        status = copy_sections_into(job);
    return status;
}

static segj_status_t into_opened(into_job_t *job, const oversized_config_t *config)
{
    segj_status_t status = oversized_open(config, &job->target);
    if (status != SEGJ_OK)
        return status;
    status = copy_to_target(job);
    segj_sentence_t cause;
    segj_keep(&cause);
    /* What it has got stays, and the next call continues after it. */
    segj_status_t closed = oversized_close(job->target);
    if (status != SEGJ_OK)
        segj_say_again(&cause);
    return status != SEGJ_OK ? status : closed;
}

segj_status_t oversized_copy_into(oversized_t *journal, const oversized_config_t *config,
                                  const oversized_copy_options_t *options, oversized_copied_t *copied)
{
    SEGJ_ENTER(journal, oversized_copy_into(journal, config, options, copied));
    oversized_copy_options_t usual;
    oversized_copy_options_init(&usual);
    if (config == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "oversized_copy_into: config is NULL");
    segj_status_t status = segj_copy_check_options("oversized_copy_into", options);
    if (status != SEGJ_OK)
        return status;
    into_job_t *job = calloc(1, sizeof *job);
    if (job == NULL)
        return segj_fail_memory(sizeof *job);
    job->journal = journal;
    job->options = options != NULL ? options : &usual;
    segj_journal_enter(journal);
    status = into_opened(job, config);
    segj_journal_leave(journal);
    if (copied != NULL)
        *copied = job->found;
    free(job->sections);
    free(job->memory);
    free(job);
    return status;
}
