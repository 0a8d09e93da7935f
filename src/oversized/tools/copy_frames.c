/*
 * oversized/tools/copy_frames.c: the frames of a section of version 2 that were copied from the files of a writer.
 * Nothing tells of a cut above the watermark, and bytes may have been read while a cut made them others. So the frames
 * are checked as they lie in the copy, from the last one that was kept, each bound to the one before, to the last one
 * that there was when the section was looked at. The pages of the index are made from them.
 */
#include <string.h>

#include "journal/record_format.h"
#include "journal/walk.h"
#include "oversized/tools/copy_piece.h"
#include "paged/page_format.h"

/** Pages that are made. */
typedef struct frames_pages {
    const segj_copy_piece_t *piece;
    uint8_t *bytes;  /* a window */
    size_t capacity; /* in pages */
    size_t full;     /* of them, complete */
    uint64_t first;  /* number of the first one */
    size_t length;   /* bytes of the page after the full ones */
} frames_pages_t;

static size_t frames_kept(const segj_copy_piece_t *piece)
{
    return (size_t)(piece->kept.records * piece->shared->record_size % piece->shared->page_size);
}

/* Reads the page in which the kept records end; *has: it has them. */
static segj_status_t frames_read_kept(const segj_copy_piece_t *piece, uint8_t *bytes, bool *has)
{
    const segj_shared_t *shared = piece->shared;
    size_t physical = segj_page_physical(shared->page_size);
    uint64_t page = piece->kept.records * shared->record_size / shared->page_size;
    size_t got = 0;
    segj_status_t status = segj_io_read(&piece->index, piece->index.data + page * physical, bytes, physical, &got);
    *has = status == SEGJ_OK && got == physical &&
           segj_page_verify(shared->checksum, bytes, shared->page_size, piece->index.binding, page).length >=
               frames_kept(piece);
    return status;
}

segj_status_t segj_copy_piece_has_page(const segj_copy_piece_t *piece, bool *has)
{
    *has = true;
    return frames_kept(piece) > 0 ? frames_read_kept(piece, piece->copying->memory[0], has) : SEGJ_OK;
}

/* --- pages --- */

static segj_status_t frames_write(frames_pages_t *pages)
{
    const segj_copy_piece_t *piece = pages->piece;
    size_t physical = segj_page_physical(piece->shared->page_size);
    uint64_t offset = piece->index.data + pages->first * physical;
    size_t size = pages->full * physical;
    if (size == 0)
        return SEGJ_OK;
    segj_status_t status = segj_io_write(&piece->index, offset, pages->bytes, size);
    pages->first += pages->full;
    pages->full = 0;
    if (status != SEGJ_OK)
        return status;
    segj_io_write_back(&piece->index, offset, size);
    piece->copying->bytes_written += size;
    return segj_copy_tell(piece, size);
}

static segj_status_t frames_complete(frames_pages_t *pages)
{
    const segj_shared_t *shared = pages->piece->shared;
    uint8_t *bytes = pages->bytes + pages->full * segj_page_physical(shared->page_size);
    (void)segj_page_complete(shared->checksum, bytes, shared->page_size, pages->piece->index.binding,
                             pages->first + pages->full, (uint16_t)pages->length, (segj_page_state_t){0, 0, 0});
    pages->length = 0;
    pages->full++;
    return pages->full == pages->capacity ? frames_write(pages) : SEGJ_OK;
}

static segj_status_t frames_put(frames_pages_t *pages, const uint8_t *bytes, size_t size)
{
    const segj_shared_t *shared = pages->piece->shared;
    segj_status_t status = SEGJ_OK;
    while (size > 0 && status == SEGJ_OK) {
        size_t part = (size_t)segj_min_u64(shared->page_size - pages->length, size);
        memcpy(pages->bytes + pages->full * segj_page_physical(shared->page_size) + pages->length, bytes, part);
        pages->length += part;
        bytes += part;
        size -= part;
        if (pages->length == shared->page_size)
            status = frames_complete(pages);
    }
    return status;
}

static segj_status_t frames_begin(const segj_copy_piece_t *piece, frames_pages_t *pages)
{
    const segj_shared_t *shared = piece->shared;
    bool has = false;
    *pages = (frames_pages_t){.piece = piece,
                              .bytes = piece->copying->memory[0],
                              .capacity = SEGJ_COPY_WINDOW / segj_page_physical(shared->page_size),
                              .first = piece->kept.records * shared->record_size / shared->page_size,
                              .length = frames_kept(piece)};
    segj_status_t status = pages->length > 0 ? frames_read_kept(piece, pages->bytes, &has) : SEGJ_OK;
    if (status == SEGJ_OK && pages->length > 0 && !has)
        status = segj_io_fail(SEGJ_ERR_CORRUPT, &piece->index, piece->index.data,
                              "page %llu is not what it was a moment ago", (unsigned long long)pages->first);
    return status;
}

/* --- frames --- */

/* Without a head nothing tells of the frames that follow. */
static segj_status_t frames_head_is_wrong(const segj_copy_piece_t *piece, segj_point_t before)
{
    segj_status_t status =
        piece->source->reads->damage(piece->source, &piece->values, before, piece->end.end, piece->copying->memory[1]);
    if (status != SEGJ_OK)
        return status;
    return segj_io_fail(SEGJ_ERR_CORRUPT, &piece->source->values, piece->source->values.data + before.end,
                        "the head of record %llu is damaged: a copy that is made by oversized_copy(), or while nobody "
                        "has the journal open for writing, takes what follows from the index",
                        (unsigned long long)before.records);
}

/* Goes past the next frame, and puts its record. */
static segj_status_t frames_pass_one(frames_pages_t *pages, segj_walk_t *walk)
{
    const segj_copy_piece_t *piece = pages->piece;
    const segj_point_t before = walk->at;
    segj_head_t head;
    oversized_location_t location;
    uint8_t place[OVERSIZED_LOCATION_SIZE];
    bool right = false;
    segj_status_t status = segj_walk_look(walk, &head, &location, &right);
    if (status == SEGJ_OK && !right)
        return frames_head_is_wrong(piece, before);
    if (status != SEGJ_OK)
        return status;
    segj_location_encode(place, location);
    status = frames_put(pages, head.entry, piece->shared->record_size - sizeof place);
    if (status == SEGJ_OK)
        status = frames_put(pages, place, sizeof place);
    if (status == SEGJ_OK)
        status = segj_walk_pass(walk, location, true, &right);
    if (status != SEGJ_OK || right)
        return status;
    walk->window_loaded = 0;
    return piece->source->reads->damage(piece->source, &piece->values, before, walk->at.end, walk->window);
}

static segj_status_t frames_pass(frames_pages_t *pages, segj_walk_t *walk)
{
    const segj_point_t end = pages->piece->end;
    segj_status_t status = SEGJ_OK;
    uint64_t told = walk->at.end;
    while (status == SEGJ_OK && walk->at.records < end.records) {
        status = frames_pass_one(pages, walk);
        if (status == SEGJ_OK && walk->at.end - told >= SEGJ_COPY_WINDOW) {
            status = segj_copy_tell(pages->piece, 0);
            told = walk->at.end;
        }
    }
    if (status == SEGJ_OK && (walk->at.end != end.end || walk->at.trailer != end.trailer))
        status = SEGJ_END;
    return status;
}

segj_status_t segj_copy_piece_frames(const segj_copy_piece_t *piece)
{
    frames_pages_t pages;
    segj_walk_t walk =
        segj_walk_begin(&piece->values, piece->end.end, piece->kept, piece->copying->memory[1], SEGJ_COPY_WINDOW);
    segj_status_t status = frames_begin(piece, &pages);
    if (status == SEGJ_OK)
        status = frames_pass(&pages, &walk);
    if (status == SEGJ_OK && pages.length > 0)
        status = frames_complete(&pages);
    return status == SEGJ_OK ? frames_write(&pages) : status;
}
