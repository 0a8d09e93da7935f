/*
 * oversized/replay.c: a walk over records in order. It notes at its beginning how many records each section has, reads
 * pages in bulk, and gives entries out of the pages it has read. A page that the bulk read does not verify (it is being
 * written just now, or is in memory only) is asked for once more the way any reader asks; only then is it damaged.
 */
#include <stdlib.h>
#include <string.h>

#include "journal/record_format.h"
#include "oversized/journal.h"

typedef struct target {
    uint64_t section, records;
    uint64_t generation;
} target_t;

struct oversized_replay {
    oversized_t *journal;
    target_t *targets;
    size_t count, at;  /* targets, and the one we are in */
    uint64_t position; /* the next record there */
    uint64_t removals; /* of the journal, when the section was looked at last */
    uint8_t *pages;    /* physical pages */
    uint16_t *lengths; /* valid bytes of each */
    size_t capacity, loaded;
    uint64_t first; /* number of the first page */
    uint8_t *record;
    segj_status_t broken; /* the walk cannot go on */
};

static segj_status_t note_targets(oversized_replay_t *replay, uint64_t section, uint64_t position)
{
    oversized_t *journal = replay->journal;
    const segj_sections_t *sections = &journal->sections;
    size_t from = segj_sections_lower(sections, section);
    replay->count = sections->count - from;
    replay->targets = malloc((replay->count + 1) * sizeof *replay->targets);
    if (replay->targets == NULL)
        return segj_fail_memory((replay->count + 1) * sizeof *replay->targets);
    for (size_t i = 0; i < replay->count; i++) {
        const segj_section_t *at = (const segj_section_t *)(const void *)sections->order[from + i];
        replay->targets[i] = (target_t){at->node.number, at->index.records, at->generation};
    }
    replay->removals = atomic_load(&journal->removals);
    replay->position = position;
    bool exists = replay->count > 0 && replay->targets[0].section == section;
    uint64_t records = exists ? replay->targets[0].records : 0;
    /* A walk over everything may begin below the prune line; a position there is one that was pruned. */
    if (!exists && position > 0 && section < journal->prune_line)
        return segj_journal_missing(journal, section);
    if (position > records)
        return segj_fail(SEGJ_ERR_NO_RECORD, "replay from record %llu of section %llu, which has %llu",
                         (unsigned long long)position, (unsigned long long)section, (unsigned long long)records);
    return SEGJ_OK;
}

static segj_status_t take_memory(oversized_replay_t *replay, size_t buffer)
{
    size_t physical = segj_page_physical(replay->journal->env.page_size);
    replay->capacity = buffer > physical ? buffer / physical : 1;
    replay->pages = malloc(replay->capacity * physical);
    replay->lengths = calloc(replay->capacity, sizeof *replay->lengths);
    replay->record = malloc(replay->journal->env.record_size);
    if (replay->pages == NULL || replay->lengths == NULL || replay->record == NULL)
        return segj_fail_memory(replay->capacity * physical);
    return SEGJ_OK;
}

segj_status_t oversized_replay_open(oversized_t *journal, uint64_t section, uint64_t position, size_t buffer,
                                    oversized_replay_t **opened)
{
    if (journal == NULL || opened == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "oversized_replay_open: %s is NULL", journal == NULL ? "journal" : "replay");
    oversized_replay_t *replay = calloc(1, sizeof *replay);
    if (replay == NULL)
        return segj_fail_memory(sizeof *replay);
    replay->journal = journal;
    segj_lock(&journal->env.state);
    segj_status_t status = note_targets(replay, section, position);
    segj_unlock(&journal->env.state);
    if (status == SEGJ_OK)
        status = take_memory(replay, buffer);
    if (status != SEGJ_OK) {
        oversized_replay_close(replay);
        return status;
    }
    *opened = replay;
    return SEGJ_OK;
}

void oversized_replay_close(oversized_replay_t *replay)
{
    if (replay == NULL)
        return;
    free(replay->targets);
    free(replay->pages);
    free(replay->lengths);
    free(replay->record);
    free(replay);
}

/* Under state: the section that the walk is in, as it was when the walk began. */
static segj_status_t current(oversized_replay_t *replay, segj_section_t **section)
{
    const target_t *target = &replay->targets[replay->at];
    oversized_t *journal = replay->journal;
    segj_section_t *found = segj_journal_find(journal, target->section);
    if (found == NULL && target->section < journal->prune_line)
        return segj_fail(SEGJ_ERR_PRUNED, "section %llu was pruned beneath a replay",
                         (unsigned long long)target->section);
    if (found == NULL || found->generation != target->generation)
        return segj_fail(SEGJ_ERR_NO_RECORD, "section %llu was rewound beneath a replay",
                         (unsigned long long)target->section);
    *section = found;
    return SEGJ_OK;
}

/* Reads pages from `page` on in one go. Pages that do not verify get length 0. */
static segj_status_t load(oversized_replay_t *replay, segj_section_t *section, uint64_t page)
{
    segj_env_t *env = &replay->journal->env;
    size_t physical = segj_page_physical(env->page_size);
    uint64_t bytes = replay->targets[replay->at].records * env->record_size;
    uint64_t left = (bytes + env->page_size - 1) / env->page_size - page;
    size_t wanted = left < replay->capacity ? (size_t)left : replay->capacity;
    segj_status_t status = segj_files_pin(&env->files, &section->index.handle);
    if (status != SEGJ_OK)
        return status;
    segj_unlock(&env->state);
    size_t got = 0;
    const segj_io_file_t *file = &section->index.handle.file;
    status = segj_io_read(file, file->data + page * physical, replay->pages, wanted * physical, &got);
    replay->first = page;
    replay->loaded = status == SEGJ_OK ? wanted : 0;
    for (size_t i = 0; i < replay->loaded; i++)
        replay->lengths[i] = (i + 1) * physical <= got ? segj_page_verify(env->checksum, replay->pages + i * physical,
                                                                          env->page_size, file->section, page + i)
                                                             .length
                                                       : 0;
    segj_lock(&env->state);
    segj_files_unpin(&env->files, &section->index.handle);
    return status;
}

/* Bytes of a page that the walk's section had when the walk began. */
static uint16_t expected_length(const oversized_replay_t *replay, uint64_t page)
{
    const segj_env_t *env = &replay->journal->env;
    uint64_t left = replay->targets[replay->at].records * env->record_size - page * env->page_size;
    return left < env->page_size ? (uint16_t)left : env->page_size;
}

static bool has_page(const oversized_replay_t *replay, uint64_t page, size_t length)
{
    return page >= replay->first && page - replay->first < replay->loaded &&
           replay->lengths[page - replay->first] >= length;
}

/* Under state. Makes `length` bytes of a page available: a page in memory whole, others in bulk, and where that does not
 * give them (the page is being written, or damaged) the way any reader gets them. */
static segj_status_t fetch(oversized_replay_t *replay, segj_section_t *section, uint64_t page, size_t length)
{
    segj_env_t *env = &replay->journal->env;
    const segj_paged_t *tail = section->index.tail;
    uint16_t most = expected_length(replay, page);
    if (tail != NULL && segj_paged_peek(tail, page, 0, most, replay->pages)) {
        replay->lengths[0] = most;
    } else {
        segj_status_t status = load(replay, section, page);
        if (status != SEGJ_OK || has_page(replay, page, length))
            return status;
        replay->loaded = 0;
        status = segj_fixed_read(&section->index, env, page * env->page_size, length, replay->pages);
        if (status != SEGJ_OK)
            return status;
        replay->lengths[0] = (uint16_t)length;
    }
    replay->first = page;
    replay->loaded = 1;
    return SEGJ_OK;
}

/* Asks for a page the slow way. The section may be rewound meanwhile, and then that is the answer. */
static segj_status_t get_page(oversized_replay_t *replay, uint64_t page, size_t length)
{
    oversized_t *journal = replay->journal;
    segj_section_t *section = NULL;
    segj_lock(&journal->env.state);
    segj_status_t status = current(replay, &section);
    if (status == SEGJ_OK) {
        segj_section_acquire(section);
        status = fetch(replay, section, page, length);
        segj_section_t *again;
        segj_status_t still = current(replay, &again);
        if (still != SEGJ_OK)
            status = still;
        segj_section_release(journal, section);
    }
    segj_unlock(&journal->env.state);
    if (status == SEGJ_ERR_PRUNED || status == SEGJ_ERR_NO_RECORD)
        replay->broken = status;
    return status;
}

/* Gives the record's bytes: in its page where it lies in one, else put together in replay->record. */
static segj_status_t get_record(oversized_replay_t *replay, const uint8_t **record, uint64_t *damaged)
{
    const segj_env_t *env = &replay->journal->env;
    uint64_t offset = replay->position * env->record_size;
    size_t done = 0;
    while (done < env->record_size) {
        uint64_t page = (offset + done) / env->page_size;
        size_t from = (size_t)((offset + done) % env->page_size);
        size_t left = env->record_size - done;
        size_t part = env->page_size - from < left ? env->page_size - from : left;
        *damaged = page;
        segj_status_t status = has_page(replay, page, from + part) ? SEGJ_OK : get_page(replay, page, from + part);
        if (status != SEGJ_OK)
            return status;
        const uint8_t *bytes = replay->pages + (size_t)(page - replay->first) * segj_page_physical(env->page_size);
        if (part == env->record_size) {
            *record = bytes + from;
            return SEGJ_OK;
        }
        memcpy(replay->record + done, bytes + from, part);
        done += part;
    }
    *record = replay->record;
    return SEGJ_OK;
}

/* A rewind or removal since the last look may be of our section. */
static segj_status_t look(oversized_replay_t *replay)
{
    oversized_t *journal = replay->journal;
    uint64_t removals = atomic_load(&journal->removals);
    if (removals == replay->removals)
        return SEGJ_OK;
    segj_section_t *section = NULL;
    segj_lock(&journal->env.state);
    segj_status_t status = current(replay, &section);
    segj_unlock(&journal->env.state);
    replay->removals = removals;
    replay->broken = status;
    return status;
}

segj_status_t oversized_replay_next(oversized_replay_t *replay, oversized_item_t *item)
{
    if (replay == NULL || item == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "oversized_replay_next: %s is NULL", replay == NULL ? "replay" : "item");
    if (replay->broken != SEGJ_OK)
        return segj_fail(replay->broken, "the replay ended: its section was pruned or rewound beneath it");
    while (replay->at < replay->count && replay->position >= replay->targets[replay->at].records) {
        replay->at++;
        replay->position = 0;
        replay->loaded = 0;
    }
    if (replay->at == replay->count)
        return SEGJ_END;
    const uint8_t *record = NULL;
    uint64_t damaged = 0;
    segj_status_t status = look(replay);
    if (status == SEGJ_OK)
        status = get_record(replay, &record, &damaged);
    if (status != SEGJ_OK && status != SEGJ_ERR_CORRUPT)
        return status;
    const segj_env_t *env = &replay->journal->env;
    item->section = replay->targets[replay->at].section;
    item->position = replay->position++;
    if (status == SEGJ_ERR_CORRUPT) {
        item->entry = NULL;
        item->location = (oversized_location_t){0, 0};
        uint64_t behind = (damaged + 1) * env->page_size;
        replay->position = behind / env->record_size + (behind % env->record_size != 0);
        return status;
    }
    item->entry = record;
    item->location = segj_location_decode(record + replay->journal->entry_size);
    return SEGJ_OK;
}
