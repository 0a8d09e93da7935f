/*
 * oversized/read/replay.c: a walk over records in order, or backwards. It notes at its beginning how many records each
 * section has, reads pages in bulk, and gives entries out of the pages it has read. A page that the bulk read does not
 * verify (it is being written just now, or is in memory only) is asked for once more the way any reader asks; only then
 * is it damaged. Backwards, what is read in bulk ends with what was asked for, instead of beginning with it.
 */
#include <stdlib.h>
#include <string.h>

#include "journal/record_format.h"
#include "oversized/read/look_up.h"
#include "oversized/read/replay_walk.h"

/* Goes to a section's first record, or last one. */
static void enter(oversized_replay_t *replay, size_t at)
{
    replay->at = at;
    if (at == replay->count)
        return;
    replay->section = replay->targets[at].section;
    replay->position = replay->back ? replay->targets[at].records - 1 : 0;
}

/* Under state: the sections from `section` on, or down from it, as they are now. */
SEGJ_UNDER_STATE static segj_status_t note_targets(oversized_replay_t *replay, uint64_t section)
{
    oversized_t *journal = replay->journal;
    const segj_sections_t *sections = &journal->sections;
    size_t from = segj_sections_lower(sections, section);
    bool exists = from < sections->count && sections->order[from]->number == section;
    replay->count = replay->back ? from + exists : sections->count - from;
    replay->targets = malloc((replay->count + 1) * sizeof *replay->targets);
    if (replay->targets == NULL)
        return segj_fail_memory((replay->count + 1) * sizeof *replay->targets);
    for (size_t i = 0; i < replay->count; i++) {
        const segj_section_t *at = segj_section_at(journal, replay->back ? replay->count - 1 - i : from + i);
        replay->targets[i] = (segj_target_t){at->node.number, at->index.records, at->generation};
    }
    replay->removals = atomic_load(&journal->removals);
    return SEGJ_OK;
}

/* Under state. */
SEGJ_UNDER_STATE static segj_status_t find_beginning(oversized_replay_t *replay, uint64_t section, uint64_t position)
{
    const oversized_t *journal = replay->journal;
    segj_status_t status = note_targets(replay, section);
    if (status != SEGJ_OK)
        return status;
    bool exists = replay->count > 0 && replay->targets[0].section == section;
    uint64_t records = exists ? replay->targets[0].records : 0;
    if (replay->back && position == OVERSIZED_END)
        position = records;
    /* A walk over everything may begin below the prune line; a position there is one that was pruned. */
    if (!exists && position > 0 && section < journal->prune_line)
        return segj_journal_missing(journal, section);
    if (position > records)
        return segj_fail(SEGJ_ERR_NO_RECORD, "replay from record %llu of section %llu, which has %llu records",
                         (unsigned long long)position, (unsigned long long)section, (unsigned long long)records);
    enter(replay, 0);
    if (exists)
        replay->position = replay->back ? position - 1 : position;
    return SEGJ_OK;
}

static segj_status_t take_memory(oversized_replay_t *replay, size_t buffer)
{
    size_t physical = segj_page_physical(replay->journal->shared.page_size);
    replay->capacity = buffer > physical ? buffer / physical : 1;
    replay->most_ahead = buffer;
    replay->pages = malloc(replay->capacity * physical);
    replay->lengths = calloc(replay->capacity, sizeof *replay->lengths);
    replay->record_size = replay->journal->shared.record_size;
    replay->entry_size = replay->journal->entry_size;
    replay->step = replay->back ? UINT64_MAX : 1;
    replay->stride = replay->back ? -(ptrdiff_t)replay->record_size : (ptrdiff_t)replay->record_size;
    replay->record = malloc(replay->record_size);
    if (replay->pages == NULL || replay->lengths == NULL || replay->record == NULL)
        return segj_fail_memory(replay->capacity * physical);
    return SEGJ_OK;
}

static segj_status_t replay_begin(oversized_t *journal, bool back, uint64_t section, uint64_t position, size_t buffer,
                                  oversized_replay_t **opened)
{
    oversized_replay_t *replay = calloc(1, sizeof *replay);
    if (replay == NULL)
        return segj_fail_memory(sizeof *replay);
    segj_lease_take(&replay->lease, SEGJ_BADGE_REPLAY, journal);
    replay->journal = journal;
    replay->back = back;
    segj_lock(&journal->shared.state);
    segj_status_t status = find_beginning(replay, section, position);
    segj_unlock(&journal->shared.state);
    if (status == SEGJ_OK)
        status = take_memory(replay, buffer);
    if (status != SEGJ_OK) {
        oversized_replay_close(replay);
        return status;
    }
    *opened = replay;
    return SEGJ_OK;
}

segj_status_t segj_replay_begin(oversized_t *journal, uint64_t section, uint64_t position, size_t buffer,
                                oversized_replay_t **opened)
{
    return replay_begin(journal, false, section, position, buffer, opened);
}

static segj_status_t replay_open_for(segj_caller_t *caller, oversized_t *journal, bool back, uint64_t section,
                                     uint64_t position, size_t buffer, oversized_replay_t **opened)
{
    if (opened == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "oversized_replay_open%s: replay is NULL", back ? "_back" : "");
    segj_status_t status = replay_begin(journal, back, section, position, buffer, opened);
    if (status == SEGJ_OK)
        segj_lease_bind(&(*opened)->lease, caller);
    return status;
}

segj_status_t oversized_replay_open(oversized_t *journal, uint64_t section, uint64_t position, size_t buffer,
                                    oversized_replay_t **opened)
{
    if (opened != NULL)
        *opened = NULL;
    SEGJ_ENTER(journal, replay_open_for(caller, journal, false, section, position, buffer, opened));
    if (opened == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "oversized_replay_open: replay is NULL");
    return replay_begin(journal, false, section, position, buffer, opened);
}

segj_status_t oversized_replay_open_back(oversized_t *journal, uint64_t section, uint64_t position, size_t buffer,
                                         oversized_replay_t **opened)
{
    if (opened != NULL)
        *opened = NULL;
    SEGJ_ENTER(journal, replay_open_for(caller, journal, true, section, position, buffer, opened));
    if (opened == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "oversized_replay_open_back: replay is NULL");
    return replay_begin(journal, true, section, position, buffer, opened);
}

void oversized_replay_close(oversized_replay_t *replay)
{
    if (!segj_lease_ends((segj_lease_t *)replay, SEGJ_BADGE_REPLAY))
        return;
    replay->run_left = 0;
    segj_lease_end(&replay->lease);
    free(replay->targets);
    free(replay->pages);
    free(replay->lengths);
    free(replay->record);
    segj_buffer_free(&replay->ahead);
    segj_buffer_free(&replay->value);
    free(replay);
}

void segj_replay_break_off(oversized_replay_t *replay, segj_status_t why)
{
    replay->broken = why;
    replay->run_left = 0;
}

segj_status_t segj_replay_section(oversized_replay_t *replay, segj_section_t **section)
{
    segj_assert_held(&replay->journal->shared.state);
    const segj_target_t *target = &replay->targets[replay->at];
    return segj_look_up_again(replay->journal, target->section, target->generation, "replay", section);
}

/* What is read in one go with `page`: pages from it on, or up to it. Gives their number. */
SEGJ_UNDER_STATE static size_t choose_pages(const oversized_replay_t *replay, const segj_section_t *section,
                                            uint64_t page, uint64_t *first)
{
    const segj_shared_t *shared = &replay->journal->shared;
    uint64_t bytes = replay->targets[replay->at].records * shared->record_size;
    uint64_t begin = 0;
    uint64_t end = (bytes + shared->page_size - 1) / shared->page_size;
    /* In version 2 the file may have other pages than memory, and others than those that are trusted. */
    if (section->index.version == 2 && section->index.tail != NULL)
        segj_paged_around(section->index.tail, page, &begin, &end);
    uint64_t left = replay->back ? page + 1 - begin : end - page;
    size_t wanted = left < replay->capacity ? (size_t)left : replay->capacity;
    *first = replay->back ? page + 1 - wanted : page;
    return wanted;
}

/* Reads pages in one go, `page` among them. Pages that do not verify get length 0. */
SEGJ_UNDER_STATE static segj_status_t replay_load(oversized_replay_t *replay, segj_section_t *section, uint64_t page)
{
    segj_shared_t *shared = &replay->journal->shared;
    size_t physical = segj_page_physical(shared->page_size);
    uint64_t first;
    /* There may be no file: a journal that is open for reading is as a repair would leave it. */
    if (!segj_fixed_trusts(&section->index, shared, page)) {
        replay->first = page;
        replay->loaded = replay->lengths[0] = 0;
        return SEGJ_OK;
    }
    size_t wanted = choose_pages(replay, section, page, &first);
    segj_status_t status = segj_files_pin(&shared->files, &section->index.handle);
    if (status != SEGJ_OK)
        return status;
    uint64_t trusted = section->index.untrusted / shared->page_size;
    segj_unlock(&shared->state);
    size_t got = 0;
    const segj_io_file_t *file = &section->index.handle.file;
    status = segj_io_read(file, file->data + first * physical, replay->pages, wanted * physical, &got);
    if (status == SEGJ_ERR_IO && wanted > 1) { /* what is read with the page may be what cannot be read */
        first = page;
        wanted = 1;
        status = segj_io_read(file, file->data + first * physical, replay->pages, physical, &got);
    }
    replay->first = first;
    replay->loaded = status == SEGJ_OK ? wanted : 0;
    for (size_t i = 0; i < replay->loaded; i++)
        replay->lengths[i] = (i + 1) * physical <= got && first + i < trusted
                                 ? segj_page_verify(shared->checksum, replay->pages + i * physical, shared->page_size,
                                                    file->binding, first + i)
                                       .length
                                 : 0;
    segj_lock(&shared->state);
    segj_files_unpin(&shared->files, &section->index.handle);
    return status;
}

/* Bytes of a page that the walk's section had when the walk began. */
static uint16_t expected_length(const oversized_replay_t *replay, uint64_t page)
{
    const segj_shared_t *shared = &replay->journal->shared;
    uint64_t left = replay->targets[replay->at].records * shared->record_size - page * shared->page_size;
    return left < shared->page_size ? (uint16_t)left : shared->page_size;
}

static bool has_page(const oversized_replay_t *replay, uint64_t page, size_t length)
{
    return page >= replay->first && page - replay->first < replay->loaded &&
           replay->lengths[page - replay->first] >= length;
}

/* Under state. Makes `length` bytes of a page available: a page in memory whole, others in bulk, and where that does
 * not give them (the page is being written, or damaged) the way any reader gets them. */
SEGJ_UNDER_STATE static segj_status_t replay_fetch(oversized_replay_t *replay, segj_section_t *section, uint64_t page,
                                                   size_t length)
{
    segj_shared_t *shared = &replay->journal->shared;
    const segj_paged_t *tail = section->index.tail;
    uint16_t most = expected_length(replay, page);
    if (tail != NULL && segj_paged_peek(tail, page, 0, most, replay->pages)) {
        replay->lengths[0] = most;
    } else {
        segj_status_t status = replay_load(replay, section, page);
        if (status != SEGJ_OK || has_page(replay, page, length))
            return status;
        replay->valid = replay->lengths[page - replay->first];
        replay->loaded = 0;
        status = segj_fixed_read(&section->index, shared, page * shared->page_size, length, replay->pages);
        if (status != SEGJ_OK)
            return status;
        replay->lengths[0] = (uint16_t)length;
    }
    replay->first = page;
    replay->loaded = 1;
    return SEGJ_OK;
}

/* Asks for a page the slow way. Where the section is rewound at that time, that is the answer. */
static segj_status_t get_page(oversized_replay_t *replay, uint64_t page, size_t length)
{
    oversized_t *journal = replay->journal;
    segj_section_t *section = NULL;
    segj_lock(&journal->shared.state);
    segj_status_t status = segj_replay_section(replay, &section);
    if (status == SEGJ_OK) {
        segj_section_acquire(section);
        status = replay_fetch(replay, section, page, length);
        segj_section_t *again;
        segj_status_t still = segj_replay_section(replay, &again);
        if (still != SEGJ_OK)
            status = still;
        segj_section_release_locked(journal, section);
    }
    segj_unlock(&journal->shared.state);
    if (status == SEGJ_ERR_PRUNED || status == SEGJ_ERR_NO_RECORD)
        segj_replay_break_off(replay, status);
    return status;
}

/* Gives bytes of a page: `size` of them from `from` on. */
static segj_status_t get_bytes(oversized_replay_t *replay, uint64_t page, size_t from, size_t size,
                               const uint8_t **bytes)
{
    segj_status_t status = has_page(replay, page, from + size) ? SEGJ_OK : get_page(replay, page, from + size);
    if (status != SEGJ_OK)
        return status;
    size_t physical = segj_page_physical(replay->journal->shared.page_size);
    *bytes = replay->pages + (size_t)(page - replay->first) * physical + from;
    return SEGJ_OK;
}

/* Puts a record together that lies in several pages; backwards from its last page on, because what is read with a page
 * lies below it then. */
static segj_status_t replay_gather(oversized_replay_t *replay, uint64_t offset, uint64_t *damaged)
{
    const segj_shared_t *shared = &replay->journal->shared;
    uint64_t end = offset + shared->record_size;
    uint64_t first = offset / shared->page_size;
    uint64_t last = (end - 1) / shared->page_size;
    for (uint64_t i = 0; i <= last - first; i++) {
        uint64_t page = replay->back ? last - i : first + i;
        uint64_t page_begin = page * shared->page_size;
        uint64_t from = segj_max_u64(offset, page_begin);
        uint64_t to = segj_min_u64(end, page_begin + shared->page_size);
        const uint8_t *bytes;
        *damaged = page;
        segj_status_t status = get_bytes(replay, page, (size_t)(from - page_begin), (size_t)(to - from), &bytes);
        if (status != SEGJ_OK)
            return status;
        memcpy(replay->record + (from - offset), bytes, (size_t)(to - from));
    }
    return SEGJ_OK;
}

/* Gives the record's bytes: in its page where it lies in one, and a run of records with it, else put together in
 * replay->record. */
static segj_status_t get_record(oversized_replay_t *replay, const uint8_t **record, uint64_t *damaged)
{
    const segj_shared_t *shared = &replay->journal->shared;
    uint64_t offset = replay->position * shared->record_size;
    uint64_t page = offset / shared->page_size;
    size_t from = (size_t)(offset % shared->page_size);
    *record = replay->record;
    if (shared->record_size > shared->page_size - from)
        return replay_gather(replay, offset, damaged);
    *damaged = page;
    segj_status_t status = get_bytes(replay, page, from, shared->record_size, record);
    if (status != SEGJ_OK)
        return status;
    size_t length = replay->lengths[page - replay->first];
    replay->run = *record;
    replay->run_left = replay->back ? from / shared->record_size + 1
                                    : (size_t)segj_min_u64((length - from) / shared->record_size,
                                                           replay->targets[replay->at].records - replay->position);
    return SEGJ_OK;
}

/* A rewind or removal since the last look may be of our section. */
static segj_status_t replay_look(oversized_replay_t *replay)
{
    oversized_t *journal = replay->journal;
    uint64_t removals = atomic_load(&journal->removals);
    if (removals == replay->removals)
        return SEGJ_OK;
    segj_section_t *section = NULL;
    segj_lock(&journal->shared.state);
    segj_status_t status = segj_replay_section(replay, &section);
    segj_unlock(&journal->shared.state);
    replay->removals = removals;
    if (status != SEGJ_OK)
        segj_replay_break_off(replay, status);
    return status;
}

/* The next section that has records to give; SEGJ_END after the last one. */
static segj_status_t next_target(oversized_replay_t *replay)
{
    while (replay->at < replay->count && replay->position >= replay->targets[replay->at].records) {
        enter(replay, replay->at + 1);
        replay->loaded = 0;
        replay->run_left = 0;
    }
    return replay->at == replay->count ? SEGJ_END : SEGJ_OK;
}

/* Gives the record with which the walk came to a damaged page, and continues with the next one that has no part in
 * it. */
static segj_status_t pass_over(oversized_replay_t *replay, uint64_t page, oversized_item_t *item)
{
    const segj_shared_t *shared = &replay->journal->shared;
    /* Backwards, what is whole in such a page is still to come. */
    uint64_t edge = replay->back ? page * shared->page_size + replay->valid : (page + 1) * shared->page_size;
    uint64_t whole = edge / shared->record_size; /* records below it */
    *item = (oversized_item_t){replay->section, replay->position, NULL, {0, 0}};
    replay->position = replay->back ? whole - 1 : whole + (edge % shared->record_size != 0);
    return SEGJ_ERR_CORRUPT;
}

static inline segj_status_t give(oversized_replay_t *replay, const uint8_t *record, oversized_item_t *item)
{
    replay->given = record;
    item->section = replay->section;
    item->position = replay->position;
    replay->position += replay->step;
    item->entry = record;
    item->location = segj_location_decode(record + replay->entry_size);
    return SEGJ_OK;
}

static inline segj_status_t give_of_run(oversized_replay_t *replay, oversized_item_t *item)
{
    const uint8_t *record = replay->run;
    replay->run += replay->stride;
    replay->run_left--;
    return give(replay, record, item);
}

static segj_status_t next_record(oversized_replay_t *replay, oversized_item_t *item)
{
    replay->given = NULL;
    if (replay->broken != SEGJ_OK)
        return segj_fail(replay->broken, "the replay ended: its section was pruned or rewound during it");
    segj_status_t status = replay->run_left > 0 ? SEGJ_OK : next_target(replay);
    if (status == SEGJ_OK)
        status = replay_look(replay);
    if (status != SEGJ_OK)
        return status;
    if (replay->run_left > 0)
        return give_of_run(replay, item);
    const uint8_t *record;
    uint64_t damaged = 0;
    status = get_record(replay, &record, &damaged);
    if (status == SEGJ_ERR_CORRUPT)
        return pass_over(replay, damaged, item);
    if (status != SEGJ_OK)
        return status;
    return replay->run_left > 0 ? give_of_run(replay, item) : give(replay, record, item);
}

/* Where no record of a run is left, something was removed from the journal, or that or the replay has ended. */
SEGJ_APART static segj_status_t enter_next(oversized_replay_t *replay, oversized_item_t *item)
{
    static const char call[] = "oversized_replay_next";
    segj_status_t status = segj_lease_enter((segj_lease_t *)replay, SEGJ_BADGE_REPLAY, "replay", call);
    if (status != SEGJ_OK)
        return status;
    if (item == NULL)
        status = segj_fail(SEGJ_ERR_INVALID, "%s: item is NULL", call);
    else
        status = next_record(replay, item);
    return segj_lease_leave(&replay->lease, status);
}

segj_status_t oversized_replay_next(oversized_replay_t *replay, oversized_item_t *item)
{
    if (replay == NULL || item == NULL)
        return enter_next(replay, item);
    if (replay->run_left > 0 && atomic_load(&replay->journal->removals) == replay->removals)
        return give_of_run(replay, item);
    return enter_next(replay, item);
}
