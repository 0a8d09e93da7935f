/*
 * oversized/tools/copy_frames.c: the frames of a section of version 2 that were copied from the files of a writer.
 * Nothing tells of a cut above the watermark, and bytes may have been read while a cut made them others. So the frames
 * are checked as they lie in the copy, from the last one that was kept, each bound to the one before, to the last one
 * that there was when the section was looked at. The pages of the index are made from them.
 */
#include "journal/record_format.h"
#include "journal/walk.h"
#include "oversized/tools/copy_piece.h"
#include "paged/page_run.h"

/** A passage over the frames. */
typedef struct frames {
    const segj_copy_piece_t *piece;
    segj_page_run_t pages; /* that are made */
    uint64_t pages_told;   /* bytes of them */
} frames_t;

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

static segj_status_t frames_tell(frames_t *frames)
{
    uint64_t size = frames->pages.written - frames->pages_told;
    frames->pages_told += size;
    frames->piece->copying->bytes_written += size;
    return segj_copy_tell(frames->piece, size);
}

static segj_status_t frames_begin(const segj_copy_piece_t *piece, frames_t *frames)
{
    const segj_shared_t *shared = piece->shared;
    bool has = false;
    size_t kept = frames_kept(piece);
    *frames = (frames_t){.piece = piece,
                         .pages = {.index = &piece->index,
                                   .bytes = piece->copying->memory[0],
                                   .capacity = SEGJ_COPY_WINDOW / segj_page_physical(shared->page_size),
                                   .first = piece->kept.records * shared->record_size / shared->page_size,
                                   .length = (uint16_t)kept,
                                   .page_size = shared->page_size,
                                   .checksum = shared->checksum}};
    segj_status_t status = kept > 0 ? frames_read_kept(piece, frames->pages.bytes, &has) : SEGJ_OK;
    if (status == SEGJ_OK && kept > 0 && !has)
        status = segj_io_fail(SEGJ_ERR_CORRUPT, &piece->index, piece->index.data,
                              "page %llu is not what it was a moment ago", (unsigned long long)frames->pages.first);
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
static segj_status_t frames_pass_one(frames_t *frames, segj_walk_t *walk)
{
    const segj_copy_piece_t *piece = frames->piece;
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
    status = segj_page_run_put(&frames->pages, head.entry, piece->shared->record_size - sizeof place);
    if (status == SEGJ_OK)
        status = segj_page_run_put(&frames->pages, place, sizeof place);
    if (status == SEGJ_OK)
        status = segj_walk_pass(walk, location, true, &right);
    if (status != SEGJ_OK || right)
        return status;
    walk->window_loaded = 0;
    return piece->source->reads->damage(piece->source, &piece->values, before, walk->at.end, walk->window);
}

static segj_status_t frames_pass(frames_t *frames, segj_walk_t *walk)
{
    const segj_point_t end = frames->piece->end;
    segj_status_t status = SEGJ_OK;
    uint64_t told = walk->at.end;
    while (status == SEGJ_OK && walk->at.records < end.records) {
        status = frames_pass_one(frames, walk);
        bool due = frames->pages.written > frames->pages_told || walk->at.end - told >= SEGJ_COPY_WINDOW;
        if (status == SEGJ_OK && due) {
            status = frames_tell(frames);
            told = walk->at.end;
        }
    }
    if (status == SEGJ_OK && (walk->at.end != end.end || walk->at.trailer != end.trailer))
        status = SEGJ_END;
    return status;
}

segj_status_t segj_copy_piece_frames(const segj_copy_piece_t *piece)
{
    frames_t frames;
    segj_walk_t walk =
        segj_walk_begin(&piece->values, piece->end.end, piece->kept, piece->copying->memory[1], SEGJ_COPY_WINDOW);
    segj_status_t status = frames_begin(piece, &frames);
    if (status == SEGJ_OK)
        status = frames_pass(&frames, &walk);
    if (status == SEGJ_OK)
        status = segj_page_run_end(&frames.pages);
    return status == SEGJ_OK ? frames_tell(&frames) : status;
}
