/*
 * oversized/section/remake.c: see the header. A walk goes from the nearest point that is known, head by head: where it
 * has ended last, where open has found the index to end, or the first frame.
 */
#include "oversized/section/remake.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "journal/walk.h"
#include "paged/page_format.h"

#define REMAKE_WINDOW ((size_t)128 << 10)

static segj_section_t *section_of(segj_fixed_t *fixed)
{
    return (segj_section_t *)(void *)((uint8_t *)fixed - offsetof(segj_section_t, index));
}

/** A page that is being made. */
typedef struct remake {
    segj_walk_t walk;
    uint32_t record_size, entry_size;
    uint64_t from, to; /* bytes of the index that are wanted */
    uint8_t *bytes;
} remake_t;

/* Under state. */
SEGJ_UNDER_STATE static segj_point_t nearest(const segj_section_t *section, uint64_t record)
{
    segj_point_t nearest = {0};
    if (section->known.records <= record)
        nearest = section->known;
    if (section->cursor.records <= record && section->cursor.records > nearest.records)
        nearest = section->cursor;
    return nearest;
}

/* Copies what of a record is wanted. */
static void put_record(const remake_t *remake, const uint8_t *entry, oversized_location_t location)
{
    uint8_t place[OVERSIZED_LOCATION_SIZE];
    uint64_t begin = remake->walk.at.records * remake->record_size;
    segj_location_encode(place, location);
    for (uint32_t i = 0; i < remake->record_size; i++)
        if (begin + i >= remake->from && begin + i < remake->to)
            remake->bytes[begin + i - remake->from] = i < remake->entry_size ? entry[i] : place[i - remake->entry_size];
}

/* *there: all of it could be made. */
static segj_status_t walk_over(remake_t *remake, bool *there)
{
    segj_status_t status = SEGJ_OK;
    *there = true;
    while (status == SEGJ_OK && *there && remake->walk.at.records * remake->record_size < remake->to) {
        segj_head_t head;
        oversized_location_t location;
        bool right;
        status = segj_walk_look(&remake->walk, &head, &location, there);
        if (status != SEGJ_OK || !*there)
            break;
        put_record(remake, head.entry, location);
        /* The last one may continue in the next page. */
        if ((remake->walk.at.records + 1) * remake->record_size > remake->to)
            break;
        status = segj_walk_pass(&remake->walk, location, false, &right);
    }
    return status;
}

/* How far the file has the frames; where they are kept apart it may end before the first that is in memory. Under
 * state. */
SEGJ_UNDER_STATE static uint64_t written_size(const segj_section_t *section)
{
    const segj_write_buffer_t *first = section->values.chain.first;
    uint64_t size = section->values.size;
    return first != NULL ? segj_min_u64(size, first->offset) : size;
}

static segj_status_t remake_failed(const segj_fixed_t *fixed, const segj_shared_t *shared, uint64_t page)
{
    const segj_io_file_t *file = &fixed->handle.file;
    return segj_io_fail(SEGJ_ERR_CORRUPT, file, file->data + page * segj_page_physical(shared->page_size),
                        "index page %llu is damaged, and so is a frame from which it would be made again",
                        (unsigned long long)page);
}

/* In a section that is not repaired the page in which W lies is trusted up to there: gives how many of its first bytes
 * it has, of at most `most`. There may be no frames any more to make these from. */
static uint16_t read_trusted(segj_shared_t *shared, segj_fixed_t *fixed, uint64_t page, uint8_t *bytes, uint16_t most)
{
    const segj_io_file_t *file = &fixed->handle.file;
    size_t physical = segj_page_physical(shared->page_size);
    size_t got = 0;
    segj_lock(&shared->state);
    uint64_t begin = page * shared->page_size;
    uint64_t trusted = fixed->untrusted > begin && !segj_fixed_trusts(fixed, shared, page)
                           ? segj_min_u64(fixed->untrusted - begin, most)
                           : 0;
    bool pinned = trusted > 0 && segj_files_pin(&shared->files, &fixed->handle) == SEGJ_OK;
    segj_unlock(&shared->state);
    if (!pinned)
        return 0;
    segj_status_t status = segj_io_read(file, file->data + page * physical, bytes, physical, &got);
    bool whole = status == SEGJ_OK && got == physical &&
                 segj_page_verify(shared->checksum, bytes, shared->page_size, file->binding, page).length >= trusted;
    segj_lock(&shared->state);
    segj_files_unpin(&shared->files, &fixed->handle);
    segj_unlock(&shared->state);
    return whole ? (uint16_t)trusted : 0;
}

segj_status_t segj_section_remake_page(segj_shared_t *shared, segj_fixed_t *fixed, uint64_t page, uint8_t *bytes,
                                       uint16_t length)
{
    segj_section_t *section = section_of(fixed);
    remake_t remake = {.record_size = shared->record_size,
                       .entry_size = shared->record_size - OVERSIZED_LOCATION_SIZE,
                       .from = page * shared->page_size,
                       .to = page * shared->page_size + length};
    uint16_t trusted = read_trusted(shared, fixed, page, bytes, length);
    remake.from += trusted;
    remake.bytes = bytes + trusted;
    bool there = false;
    if (remake.from == remake.to)
        return SEGJ_OK;
    uint8_t *window = malloc(REMAKE_WINDOW);
    if (window == NULL)
        return segj_fail_memory(REMAKE_WINDOW);
    segj_lock(&shared->state);
    uint64_t generation = section->generation;
    segj_status_t status = segj_files_pin(&shared->files, &section->values.handle);
    segj_point_t begin = nearest(section, remake.from / shared->record_size);
    uint64_t size = written_size(section);
    segj_unlock(&shared->state);
    if (status == SEGJ_OK) {
        uint64_t written = UINT64_MAX;
        const segj_io_file_t *file = &section->values.handle.file;
        if (file->sector > 0)
            status = segj_io_size(file, &written);
        size = segj_min_u64(size, written - segj_min_u64(written, file->data));
        remake.walk = segj_walk_begin(&section->values.handle.file, size, begin, window, REMAKE_WINDOW);
        if (status == SEGJ_OK && begin.end <= size)
            status = walk_over(&remake, &there);
        segj_lock(&shared->state);
        segj_files_unpin(&shared->files, &section->values.handle);
        if (status == SEGJ_OK && there && generation == section->generation)
            section->cursor = remake.walk.at;
        segj_unlock(&shared->state);
    }
    free(window);
    if (status == SEGJ_OK && !there)
        status = remake_failed(fixed, shared, page);
    if (status == SEGJ_OK && segj_fixed_trusts(fixed, shared, page))
        segj_shared_log(shared, SEGJ_LOG_WARNING, "%s/%s/%016llx: index page %llu is damaged, and was made again",
                        shared->index.directory, shared->index.name, (unsigned long long)section->node.number,
                        (unsigned long long)page);
    return status;
}
