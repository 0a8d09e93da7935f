/*
 * oversized/tools/verify_part.c: see the header. Pages that are full and durable no longer change: they are read from
 * the file, whatever the cache has of them. Everything else is read as any walk reads it, which finds its way beside
 * appends.
 */
#include "oversized/tools/verify_part.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "journal/dictionary_file.h"
#include "journal/record_format.h"
#include "oversized/read/look_up.h"
#include "oversized/read/replay.h"
#include "oversized/tools/verify_heads.h"

/* Read in one go. */
#define VERIFY_PAGES ((size_t)256 << 10)
/* Values: what was read is looked at while a core still has it in its own cache. */
#define VERIFY_AHEAD ((size_t)128 << 10)
/* What was read is told after so many bytes. */
#define VERIFY_TELL ((uint64_t)256 << 10)

/** A part under way. */
typedef struct verified {
    oversized_t *journal;
    const segj_verify_part_t *part;
    const segj_verify_sink_t *sink;
    uint64_t generation;
    uint64_t index_data, values_data; /* where the data of the files begins */
    uint64_t binding;                 /* of the pages' checksums */
    uint32_t head;                    /* of a frame */
    uint32_t sector;                  /* by which frames are kept apart */
    uint64_t pages_end;               /* full and durable pages, that the index is trusted for */
    uint64_t pages_damaged, last_damaged;
    uint64_t records, bytes; /* not told yet */
    segj_verify_heads_t heads;
    bool gone; /* the section was removed or cut since */
} verified_t;

uint64_t segj_verify_step(const oversized_t *journal)
{
    uint64_t a = journal->shared.page_size;
    uint64_t b = journal->shared.record_size;
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return journal->shared.page_size / a;
}

static segj_status_t verify_cancelled(void)
{
    return segj_fail(SEGJ_ERR_CANCELLED, "it was cancelled");
}

/* What can be said of a file; all else is no damage but a failure of the call. */
static bool is_damage(segj_status_t status)
{
    return status == SEGJ_ERR_CORRUPT || status == SEGJ_ERR_CHECKSUM || status == SEGJ_ERR_COMPRESSION ||
           status == SEGJ_ERR_RANGE || status == SEGJ_ERR_IO;
}

/* The thread's sentence says what it is. */
static segj_status_t tell_damage(verified_t *v, oversized_damage_t damage)
{
    segj_sentence_t sentence;
    segj_keep(&sentence);
    damage.section = v->part->section;
    damage.sentence = sentence.text;
    return v->sink->damage(v->sink->context, &damage) ? SEGJ_OK : verify_cancelled();
}

static segj_status_t tell_count(verified_t *v, uint64_t records, uint64_t bytes, bool now)
{
    v->records += records;
    v->bytes += bytes;
    if (!now && v->bytes < VERIFY_TELL)
        return SEGJ_OK;
    bool on = v->sink->count(v->sink->context, v->records, v->bytes);
    v->records = v->bytes = 0;
    return on ? SEGJ_OK : verify_cancelled();
}

/* --- pages --- */

/* Under state: the section as it was when the part began, or NULL. */
SEGJ_UNDER_STATE static segj_section_t *verify_find(verified_t *v)
{
    segj_section_t *section = segj_journal_find(v->journal, v->part->section);
    v->gone = v->gone || section == NULL || segj_section_changed(section, v->generation);
    return v->gone ? NULL : section;
}

/* Reads pages in one go; the file's end before theirs is damage of those that are missing. */
static segj_status_t load_pages(verified_t *v, uint64_t first, size_t count, uint8_t *to, size_t *got)
{
    segj_shared_t *shared = &v->journal->shared;
    size_t physical = segj_page_physical(shared->page_size);
    segj_status_t status = SEGJ_OK;
    segj_lock(&shared->state);
    segj_section_t *section = verify_find(v);
    if (section != NULL) {
        segj_section_acquire(section);
        status = segj_files_pin(&shared->files, &section->index.handle);
        if (status == SEGJ_OK) {
            const segj_io_file_t *file = &section->index.handle.file;
            segj_unlock(&shared->state);
            status = segj_io_read(file, file->data + first * physical, to, count * physical, got);
            segj_lock(&shared->state);
            segj_files_unpin(&shared->files, &section->index.handle);
        }
        v->gone = v->gone || segj_section_changed(section, v->generation);
        segj_section_release_locked(v->journal, section);
    }
    segj_unlock(&shared->state);
    return status;
}

/* The records that have a part in a page. */
static segj_status_t tell_page(verified_t *v, uint64_t page, segj_status_t status)
{
    const segj_shared_t *shared = &v->journal->shared;
    uint64_t first = page * shared->page_size / shared->record_size;
    uint64_t last = ((page + 1) * shared->page_size - 1) / shared->record_size;
    v->pages_damaged++;
    v->last_damaged = page;
    return tell_damage(v, (oversized_damage_t){.position = first,
                                               .records = last - first + 1,
                                               .index_file = true,
                                               .offset = v->index_data + page * segj_page_physical(shared->page_size),
                                               .status = status});
}

static segj_status_t judge_page(verified_t *v, uint64_t page, const uint8_t *bytes, bool there)
{
    const segj_shared_t *shared = &v->journal->shared;
    const segj_io_partition_t *index = &shared->index;
    uint64_t offset = v->index_data + page * segj_page_physical(shared->page_size);
    segj_page_state_t state = {0, 0, 0};
    if (there)
        state = segj_page_verify(shared->checksum, bytes, shared->page_size, v->binding, page);
    if (state.length == shared->page_size)
        return SEGJ_OK;
    segj_say("%s/%s/%016llx, offset %llu: index page %llu is damaged: %u valid bytes, expected %u", index->directory,
             index->name, (unsigned long long)v->part->section, (unsigned long long)offset, (unsigned long long)page,
             (unsigned)state.length, (unsigned)shared->page_size);
    return tell_page(v, page, SEGJ_ERR_CORRUPT);
}

/* Pages that cannot be read together are read one by one, and those told that cannot be. */
static segj_status_t verify_pages(verified_t *v, uint64_t first, size_t count, uint8_t *memory)
{
    size_t physical = segj_page_physical(v->journal->shared.page_size);
    size_t got = 0;
    segj_status_t status = load_pages(v, first, count, memory, &got);
    if (status == SEGJ_ERR_IO && count == 1)
        return tell_page(v, first, status);
    if (status == SEGJ_ERR_IO) {
        status = SEGJ_OK;
        for (size_t i = 0; i < count && status == SEGJ_OK && !v->gone; i++)
            status = verify_pages(v, first + i, 1, memory);
        return status;
    }
    for (size_t i = 0; i < count && status == SEGJ_OK && !v->gone; i++)
        status = judge_page(v, first + i, memory + i * physical, (i + 1) * physical <= got);
    return status == SEGJ_OK ? tell_count(v, 0, got, false) : status;
}

static segj_status_t verify_index(verified_t *v)
{
    const segj_shared_t *shared = &v->journal->shared;
    size_t physical = segj_page_physical(shared->page_size);
    uint64_t page = v->part->first * shared->record_size / shared->page_size;
    uint64_t last = (v->part->last * shared->record_size + shared->page_size - 1) / shared->page_size;
    size_t most = VERIFY_PAGES > physical ? VERIFY_PAGES / physical : 1;
    segj_status_t status = SEGJ_OK;
    last = segj_min_u64(last, v->pages_end);
    if (page >= last)
        return SEGJ_OK;
    uint8_t *memory = malloc(most * physical);
    if (memory == NULL)
        return segj_fail_memory(most * physical);
    while (page < last && status == SEGJ_OK && !v->gone) {
        size_t count = (size_t)segj_min_u64(last - page, most);
        status = verify_pages(v, page, count, memory);
        page += count;
    }
    free(memory);
    return status;
}

/* --- records and values --- */

/* Where the frame of a walk's first record is to begin; *known is false where the record before it is damaged. */
static void begin_chain(const verified_t *v, uint64_t first, uint64_t *end, bool *known)
{
    oversized_location_t location;
    *end = 0;
    *known = v->journal->shared.format == SEGJ_FORMAT_NATIVE;
    if (first > 0)
        *known = oversized_get(v->journal, v->part->section, first - 1, NULL, &location) == SEGJ_OK &&
                 segj_location_end(v->head, location, UINT64_MAX, end);
}

static segj_status_t verify_chain(verified_t *v, const oversized_item_t *item, uint64_t *end, bool *known)
{
    const segj_io_partition_t *index = &v->journal->shared.index;
    bool exact = v->journal->shared.format == SEGJ_FORMAT_NATIVE;
    uint64_t begin = item->location.offset;
    bool right = !*known || (exact ? begin == *end : begin >= *end);
    if (!right && exact) /* it may be kept apart */
        right = begin == segj_frame_apart(v->sector, v->values_data, *end);
    uint64_t expected = *end;
    *known = segj_location_end(v->head, item->location, UINT64_MAX, end);
    if (right)
        return SEGJ_OK;
    segj_say("%s/%s/%016llx: the value of record %llu begins at %llu, and that of the one before ends at %llu",
             index->directory, index->name, (unsigned long long)item->section, (unsigned long long)item->position,
             (unsigned long long)begin, (unsigned long long)expected);
    return tell_damage(
        v, (oversized_damage_t){.position = item->position,
                                .records = 1,
                                .index_file = true,
                                .offset = v->index_data + item->position * v->journal->shared.record_size /
                                                              v->journal->shared.page_size *
                                                              segj_page_physical(v->journal->shared.page_size),
                                .status = SEGJ_ERR_CORRUPT});
}

/* The head of a frame whose value is right. */
static segj_status_t verify_head(verified_t *v, const oversized_item_t *item, const uint8_t *frame)
{
    const segj_io_partition_t *values = &v->journal->shared.values;
    uint64_t offset = v->values_data + item->location.offset;
    bool right;
    segj_status_t status = segj_verify_head(&v->heads, item->position, item->location, frame, &right);
    if (status != SEGJ_OK || right)
        return status;
    segj_say("%s/%s/%016llx, offset %llu: the head of record %llu's frame is damaged; the record is in the index",
             values->directory, values->name, (unsigned long long)item->section, (unsigned long long)offset,
             (unsigned long long)item->position);
    return SEGJ_ERR_CORRUPT;
}

/* Under no lock: a section that was cut, and grows again, has other frames than those that were looked at. */
static bool is_changed(verified_t *v)
{
    segj_lock(&v->journal->shared.state);
    (void)verify_find(v);
    segj_unlock(&v->journal->shared.state);
    return v->gone;
}

static segj_status_t verify_value(verified_t *v, oversized_replay_t *replay, const oversized_item_t *item)
{
    const void *value;
    size_t size;
    segj_status_t status = oversized_replay_value(replay, &value, &size);
    bool read = status == SEGJ_OK;
    if (read)
        status = verify_head(v, item, segj_replay_frame(replay));
    if (status != SEGJ_OK && !is_damage(status))
        return status;
    if (status != SEGJ_OK)
        segj_verify_heads_lose(&v->heads, item->position);
    if (status != SEGJ_OK && !(read && is_changed(v)))
        status = tell_damage(v, (oversized_damage_t){.position = item->position,
                                                     .records = 1,
                                                     .offset = v->values_data + item->location.offset,
                                                     .status = status});
    else
        status = SEGJ_OK;
    return status == SEGJ_OK ? tell_count(v, 1, v->head + item->location.size, false) : status;
}

/* A page that the walk found damaged: mostly it was told before, when the pages were read. */
static segj_status_t pass_page(verified_t *v, const oversized_item_t *item, segj_status_t status)
{
    const segj_shared_t *shared = &v->journal->shared;
    uint64_t first = item->position * shared->record_size / shared->page_size;
    uint64_t last = ((item->position + 1) * shared->record_size - 1) / shared->page_size;
    bool told = v->pages_damaged > 0 && (last < v->pages_end || first == v->last_damaged);
    return told ? SEGJ_OK : tell_page(v, segj_max_u64(first, segj_min_u64(last, v->pages_end)), status);
}

/* The walk could not read the page, or one of the pages, in which record `from` lies, by itself either. *next: the first
 * record that has no part in it. */
static segj_status_t pass_unreadable(verified_t *v, uint64_t from, uint64_t *next)
{
    const segj_shared_t *shared = &v->journal->shared;
    segj_sentence_t why;
    segj_keep(&why);
    uint64_t page = from * shared->record_size / shared->page_size;
    uint64_t last = ((from + 1) * shared->record_size - 1) / shared->page_size;
    bool begins = from * shared->record_size % shared->page_size == 0;
    /* Where the record before ends in its first page, and is there, it is another one. */
    if (page < last && !begins && oversized_get(v->journal, v->part->section, from - 1, NULL, NULL) == SEGJ_OK)
        page++;
    uint64_t edge = (page + 1) * shared->page_size;
    *next = edge / shared->record_size + (edge % shared->record_size != 0);
    if (v->pages_damaged > 0 && page < v->pages_end) /* it was told when the pages were read */
        return SEGJ_OK;
    segj_say_again(&why);
    return tell_page(v, page, SEGJ_ERR_IO);
}

/* SEGJ_ERR_IO: *next cannot be read. */
static segj_status_t verify_walk(verified_t *v, oversized_replay_t *replay, uint64_t *next)
{
    uint64_t end;
    bool known;
    begin_chain(v, *next, &end, &known);
    for (;;) {
        oversized_item_t item;
        segj_status_t status = oversized_replay_next(replay, &item);
        if (status == SEGJ_ERR_IO)
            return status;
        if (status != SEGJ_OK && status != SEGJ_ERR_CORRUPT)
            return status == SEGJ_END ? SEGJ_OK : status;
        if (item.section != v->part->section || item.position >= v->part->last)
            return SEGJ_OK;
        *next = item.position + 1;
        if (status == SEGJ_ERR_CORRUPT) {
            known = false;
            status = pass_page(v, &item, status);
        } else {
            status = verify_chain(v, &item, &end, &known);
            if (status == SEGJ_OK)
                status = verify_value(v, replay, &item);
        }
        if (status != SEGJ_OK)
            return status;
    }
}

static segj_status_t verify_records(verified_t *v)
{
    uint64_t next = v->part->first;
    bool over = false;
    segj_status_t status = SEGJ_OK;
    segj_verify_heads_begin(&v->heads, v->journal, v->part->section);
    while (status == SEGJ_OK && !over && next < v->part->last) {
        oversized_replay_t *replay = NULL;
        bool walked = false;
        status = oversized_replay_open(v->journal, v->part->section, next, VERIFY_AHEAD, &replay);
        if (status == SEGJ_OK) {
            status = verify_walk(v, replay, &next);
            walked = true;
        }
        oversized_replay_close(replay);
        over = status != SEGJ_ERR_IO;
        if (walked && !over)
            status = pass_unreadable(v, next, &next);
    }
    segj_verify_heads_end(&v->heads);
    return status;
}

/* --- the dictionary --- */

static segj_status_t verify_dictionary_copy(verified_t *v, segj_section_t *section, segj_kind_t kind, uint8_t *memory)
{
    segj_shared_t *shared = &v->journal->shared;
    bool index = kind == SEGJ_KIND_INDEX;
    segj_handle_t *handle = index ? &section->index.handle : &section->values.handle;
    bool right = false;
    segj_lock(&shared->state);
    segj_status_t status = segj_files_pin(&shared->files, handle);
    if (status == SEGJ_OK) {
        segj_unlock(&shared->state);
        status = segj_dictionary_read(&handle->file, kind, section->values.dictionary, memory, &right);
        segj_lock(&shared->state);
        segj_files_unpin(&shared->files, handle);
    }
    v->gone = v->gone || segj_section_changed(section, v->generation);
    segj_unlock(&shared->state);
    if (v->gone || (status == SEGJ_OK && right) || (status != SEGJ_OK && status != SEGJ_ERR_IO))
        return v->gone ? SEGJ_OK : status;
    if (status == SEGJ_OK)
        status = segj_io_fail(SEGJ_ERR_CHECKSUM, &handle->file, segj_data_offset(kind, (segj_dictionary_id_t){0, 0}),
                              "the section's dictionary is damaged here");
    return tell_damage(v, (oversized_damage_t){.index_file = index,
                                               .offset = segj_data_offset(kind, (segj_dictionary_id_t){0, 0}),
                                               .status = status});
}

/* Each file has one. */
static segj_status_t verify_dictionary(verified_t *v)
{
    uint32_t size = 0;
    segj_lock(&v->journal->shared.state);
    segj_section_t *section = verify_find(v);
    if (section != NULL) {
        size = section->values.dictionary.size;
        segj_section_acquire(section);
    }
    segj_unlock(&v->journal->shared.state);
    if (section == NULL)
        return SEGJ_OK;
    uint8_t *memory = size > 0 ? malloc(size) : NULL;
    segj_status_t status = size > 0 && memory == NULL ? segj_fail_memory(size) : SEGJ_OK;
    if (memory != NULL)
        status = verify_dictionary_copy(v, section, SEGJ_KIND_INDEX, memory);
    if (memory != NULL && status == SEGJ_OK && !v->gone)
        status = verify_dictionary_copy(v, section, SEGJ_KIND_VALUES, memory);
    free(memory);
    segj_section_release(v->journal, section);
    return status == SEGJ_OK ? tell_count(v, 0, 2 * (uint64_t)size, false) : status;
}

/* --- both --- */

/* Records of which the index file has its own copy, durably. In version 2 it may lag behind the values. */
static uint64_t index_believed(const segj_section_t *section)
{
    uint64_t durable = section->index.durable;
    return segj_section_is_log(section) ? segj_min_u64(durable, section->index.mark.records) : durable;
}

/* How the section is now; false: it is not there. */
static bool verify_begin(verified_t *v)
{
    const segj_shared_t *shared = &v->journal->shared;
    segj_lock(&v->journal->shared.state);
    const segj_section_t *section = segj_journal_find(v->journal, v->part->section);
    if (section != NULL) {
        v->generation = section->generation;
        v->index_data = section->index.handle.file.data;
        v->values_data = section->values.handle.file.data;
        v->binding = section->index.handle.file.binding;
        v->head = section->values.handle.file.head;
        v->sector = section->values.handle.file.sector;
        v->pages_end = index_believed(section) * shared->record_size / shared->page_size;
    }
    segj_unlock(&v->journal->shared.state);
    return section != NULL;
}

segj_status_t segj_verify_part(oversized_t *journal, const segj_verify_part_t *part, const segj_verify_sink_t *sink)
{
    verified_t v = {.journal = journal, .part = part, .sink = sink};
    if (!verify_begin(&v))
        return SEGJ_OK;
    segj_status_t status = part->first == 0 ? verify_dictionary(&v) : SEGJ_OK;
    if (status == SEGJ_OK && !v.gone)
        status = verify_index(&v);
    if (status == SEGJ_OK && !v.gone)
        status = verify_records(&v);
    if (status == SEGJ_ERR_PRUNED || status == SEGJ_ERR_NO_RECORD || status == SEGJ_ERR_NO_SECTION)
        status = SEGJ_OK;
    return status == SEGJ_OK ? tell_count(&v, 0, 0, true) : status;
}
