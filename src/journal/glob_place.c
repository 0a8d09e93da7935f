/*
 * journal/glob_place.c: how frames get into the values file: into the live buffer, and where they do not fit one, past
 * it.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "journal/frame_format.h"
#include "journal/glob.h"
#include "journal/record_format.h"

/* A section's first buffer. */
#define LEAST_CAPACITY 4096

#define SLICES_AT_ONCE 16

/* What the live buffer holds, frames that are not published included. */
static size_t filled(const segj_glob_t *glob)
{
    return (size_t)(atomic_load_explicit(&glob->size, memory_order_relaxed) + glob->pending - glob->live->offset);
}

static segj_status_t write_pieces(const segj_io_file_t *file, uint64_t offset, const segj_slice_t *pieces, size_t count)
{
    segj_status_t status = SEGJ_OK;
    for (size_t i = 0; i < count && status == SEGJ_OK;) {
        size_t part = count - i < SLICES_AT_ONCE ? count - i : SLICES_AT_ONCE;
        status = segj_io_write_slices(file, offset, pieces + i, part);
        for (size_t end = i + part; i < end; i++)
            offset += pieces[i].size;
    }
    return status;
}

/* The live buffer has been written, with frames that are not published. Where readers see others in it, it stays for
 * them. */
static void set_early(segj_glob_t *glob, segj_shared_t *shared, uint64_t end)
{
    segj_write_buffer_t *live = glob->live;
    if (live == NULL)
        return;
    segj_lock(&shared->state);
    if (live->size == 0) {
        live->offset = end;
    } else {
        assert(glob->early == NULL);
        glob->early = live;
        glob->live = NULL;
    }
    segj_unlock(&shared->state);
}

/* Writes the live buffer, with frames that are not published, and after it a frame that is in no buffer: `count` pieces
 * and a checksum, or nothing. */
static segj_status_t write_early(segj_glob_t *glob, segj_shared_t *shared, const segj_slice_t *pieces, size_t count,
                                 size_t size)
{
    const segj_write_buffer_t *live = glob->live;
    const segj_io_file_t *file = &glob->handle.file;
    uint64_t end = glob->size + glob->pending;
    uint64_t offset = file->data + (live != NULL ? live->offset : end);
    segj_slice_t slices[SLICES_AT_ONCE] = {{NULL, 0}};
    size_t used = 0;
    if (live != NULL)
        slices[used++] = (segj_slice_t){live->data, filled(glob)};
    glob->tail_dirty = true; /* until readers see it */
    size_t joined = 0;
    while (used < SLICES_AT_ONCE && joined < count)
        slices[used++] = pieces[joined++];
    segj_status_t status = segj_io_write_slices(file, offset, slices, used);
    uint64_t after = offset;
    for (size_t i = 0; i < used; i++)
        after += slices[i].size;
    if (status == SEGJ_OK && joined < count)
        status = write_pieces(file, after, pieces + joined, count - joined);
    if (status != SEGJ_OK)
        return status;
    segj_io_write_behind(file, &glob->behind, offset, file->data + end + size - offset);
    set_early(glob, shared, end + size);
    return SEGJ_OK;
}

SEGJ_UNDER_CHANGE SEGJ_APART static segj_status_t place_direct(segj_glob_t *glob, segj_shared_t *shared,
                                                               const segj_slice_t *pieces, size_t count, uint32_t crc,
                                                               size_t frame)
{
    segj_status_t status = segj_glob_write_sealed(glob, shared);
    if (status != SEGJ_OK)
        return status;
    uint8_t trailer[SEGJ_FRAME_TRAILER];
    segj_put_u32(trailer, crc);
    segj_slice_t few[SLICES_AT_ONCE];
    segj_slice_t *all = count < SLICES_AT_ONCE ? few : malloc((count + 1) * sizeof *all);
    if (all == NULL)
        return segj_fail_memory((count + 1) * sizeof *all);
    if (count > 0)
        memcpy(all, pieces, count * sizeof *all);
    all[count] = (segj_slice_t){trailer, sizeof trailer};
    status = write_early(glob, shared, all, count + 1, frame);
    if (all != few)
        free(all);
    return status;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static segj_status_t take_live(segj_glob_t *glob, segj_shared_t *shared, size_t frame)
{
    segj_pool_t *pool = &shared->frames;
    segj_write_buffer_t *live;
    size_t capacity = larger(glob->next_capacity, LEAST_CAPACITY);
    capacity = larger(frame, capacity < pool->capacity ? capacity : pool->capacity);
    segj_status_t status = segj_buffer_take(pool, glob->size + glob->pending, capacity, &live);
    if (status != SEGJ_OK)
        return status;
    segj_lock(&shared->state);
    segj_chain_add(&glob->chain, live);
    segj_unlock(&shared->state);
    glob->live = live;
    return SEGJ_OK;
}

/* Where others wait for the change lock, a full buffer is left to be written without it, if it is the only one: of two
 * the older one is being written, or could not be. */
SEGJ_UNDER_CHANGE static bool leave_full(segj_glob_t *glob, segj_shared_t *shared)
{
    if (shared->change == NULL || !segj_gate_is_wanted(shared->change))
        return false;
    segj_lock(&shared->state);
    bool alone = glob->chain.first == glob->live;
    if (alone)
        segj_glob_seal(glob, shared);
    segj_unlock(&shared->state);
    if (alone)
        shared->full = (segj_full_t){glob->handle.file.section, true};
    return alone;
}

/* A live buffer with room for a frame that fits the largest one: a larger one in the place of the one there is or, when
 * what there is has been written, an empty one. */
SEGJ_UNDER_CHANGE static segj_status_t glob_make_room(segj_glob_t *glob, segj_shared_t *shared, size_t frame)
{
    segj_pool_t *pool = &shared->frames;
    segj_status_t status = SEGJ_OK;
    if (glob->live != NULL && frame > pool->capacity - filled(glob)) {
        if (glob->pending > 0)
            status = write_early(glob, shared, NULL, 0, 0);
        else if (!leave_full(glob, shared))
            status = segj_glob_drain(glob, shared, false);
        glob->next_capacity = status == SEGJ_OK ? pool->capacity : glob->next_capacity;
    }
    if (status != SEGJ_OK)
        return status;
    if (glob->live == NULL)
        return take_live(glob, shared, frame);
    size_t used = filled(glob);
    size_t capacity = glob->live->capacity;
    if (frame <= capacity - used)
        return SEGJ_OK;
    capacity = capacity < pool->capacity / 2 ? 2 * capacity : pool->capacity;
    status = segj_chain_resize(pool, &glob->chain, larger(capacity, used + frame), used);
    glob->live = glob->chain.last;
    return status;
}

/* Where a frame begins in memory that fits a buffer, with room for it. offset: where it begins in the data. */
SEGJ_UNDER_CHANGE static inline segj_status_t find_room(segj_glob_t *glob, segj_shared_t *shared, uint64_t offset,
                                                        size_t frame, uint8_t **to)
{
    segj_write_buffer_t *live = glob->live;
    if (live == NULL || frame > live->capacity - (size_t)(offset - live->offset)) {
        segj_status_t status = glob_make_room(glob, shared, frame);
        if (status != SEGJ_OK)
            return status;
        live = glob->live;
    }
    *to = live->data + (size_t)(offset - live->offset);
    return SEGJ_OK;
}

static inline void glob_fill(uint8_t *to, const segj_slice_t *pieces, size_t count, uint32_t crc)
{
    for (size_t i = 0; i < count; i++) {
        if (pieces[i].size > 0)
            memcpy(to, pieces[i].data, pieces[i].size);
        to += pieces[i].size;
    }
    segj_put_u32(to, crc);
}

/* What the checksum of a frame begins with. The file's part of it is remembered. */
static inline uint32_t glob_begin(segj_glob_t *glob, segj_checksum_kind_t kind, uint64_t offset)
{
    if (kind != SEGJ_CHECKSUM_PLACED)
        return 0;
    if (glob->bound_to != glob->handle.file.binding) {
        glob->bound_to = glob->handle.file.binding;
        glob->bound = segj_crc32_of_number(0, glob->bound_to);
    }
    return segj_crc32_of_number(glob->bound, offset);
}

segj_status_t segj_glob_place(segj_glob_t *glob, segj_shared_t *shared, const segj_slice_t *pieces, size_t count,
                              size_t size, oversized_location_t *location)
{
    uint64_t end;
    uint64_t offset = atomic_load_explicit(&glob->size, memory_order_relaxed) + glob->pending;
    oversized_location_t placed = {offset, (uint32_t)(size + SEGJ_FRAME_TRAILER)};
    if (!segj_location_end(0, placed, SEGJ_FILE_SIZE_MAX - glob->handle.file.data, &end))
        return segj_io_fail(SEGJ_ERR_TOO_LARGE, &glob->handle.file, offset, "a values file ends at 2^63 - 1 bytes");
    assert(!glob->tail_dirty || glob->pending > 0);
    uint32_t crc = glob_begin(glob, shared->checksum, offset);
    for (size_t i = 0; i < count; i++)
        crc = segj_checksum_continue(shared->checksum, crc, pieces[i].data, pieces[i].size);
    uint8_t *to;
    segj_status_t status;
    if (placed.size > shared->frames.capacity) {
        status = place_direct(glob, shared, pieces, count, crc, placed.size);
    } else {
        status = find_room(glob, shared, offset, placed.size, &to);
        if (status == SEGJ_OK)
            glob_fill(to, pieces, count, crc);
    }
    if (status != SEGJ_OK)
        return status;
    glob->pending += placed.size;
    *location = placed;
    return SEGJ_OK;
}

/* The frame goes past the buffers: its head is made apart, and goes before the payload's pieces. */
SEGJ_UNDER_CHANGE SEGJ_APART static segj_status_t place_record_direct(segj_glob_t *glob, segj_shared_t *shared,
                                                                      segj_frame_place_t place, segj_head_t head,
                                                                      const segj_slice_t *pieces, size_t count)
{
    uint32_t size = glob->handle.file.head;
    size_t frame = (size_t)size + head.stored + SEGJ_FRAME_TRAILER;
    segj_slice_t few[SLICES_AT_ONCE];
    segj_slice_t *all = count < SLICES_AT_ONCE ? few : malloc((count + 1) * sizeof *all);
    if (all == NULL)
        return segj_fail_memory((count + 1) * sizeof *all);
    uint32_t crc = place.begun;
    for (size_t i = 0; i < count; i++)
        crc = segj_crc32(crc, pieces[i].data, pieces[i].size);
    crc = segj_frame_seal(crc, segj_head_encode(shared->head, size, place, head), (head.flags & SEGJ_HEAD_RAW) != 0);
    all[0] = (segj_slice_t){shared->head, size};
    if (count > 0)
        memcpy(all + 1, pieces, count * sizeof *all);
    segj_status_t status = place_direct(glob, shared, all, count + 1, crc, frame);
    if (status == SEGJ_OK)
        glob->placed_trailer = crc;
    if (all != few)
        free(all);
    return status;
}

/* Writes a whole frame of version 2 at `to`, and gives its checksum. The payload comes first: its checksum takes longest,
 * and the head's does not wait for it. */
static inline uint32_t fill_record(uint8_t *to, uint32_t size, segj_frame_place_t place, segj_head_t head,
                                   const segj_slice_t *pieces, size_t count)
{
    uint32_t crc = place.begun;
    uint8_t *at = to + size;
    for (size_t i = 0; i < count; i++) {
        crc = segj_crc32(crc, pieces[i].data, pieces[i].size);
        if (pieces[i].size > 0)
            memcpy(at, pieces[i].data, pieces[i].size);
        at += pieces[i].size;
    }
    crc = segj_frame_seal(crc, segj_head_encode(to, size, place, head), (head.flags & SEGJ_HEAD_RAW) != 0);
    segj_put_u32(at, crc);
    return crc;
}

static void count_gap(segj_shared_t *shared, uint64_t gap)
{
    uint_fast64_t gaps = atomic_load_explicit(&shared->gaps, memory_order_relaxed);
    atomic_store_explicit(&shared->gaps, gaps + gap, memory_order_relaxed);
}

/* What is placed next begins a sector of its own, because a sync covers the one before, or is about to. Nothing is in
 * place that is not published, and no buffer is being filled. */
SEGJ_UNDER_CHANGE SEGJ_APART static segj_status_t begin_apart(segj_glob_t *glob, segj_shared_t *shared, uint64_t frame)
{
    const segj_io_file_t *file = &glob->handle.file;
    uint64_t gap = segj_frame_gap(file->sector, file->data, glob->apart);
    if (gap == 0)
        return SEGJ_OK;
    assert(glob->pending == 0 && glob->live == NULL);
    if (frame > SEGJ_FILE_SIZE_MAX - file->data - glob->apart - gap - SEGJ_FRAME_TRAILER)
        return segj_io_fail(SEGJ_ERR_TOO_LARGE, file, glob->apart, "a values file ends at 2^63 - 1 bytes");
    glob->pending = gap;
    uint64_t wanted = segj_min_u64(frame + SEGJ_FRAME_TRAILER, shared->frames.capacity);
    segj_status_t status = take_live(glob, shared, (size_t)segj_max_u64(wanted, SEGJ_FRAME_TRAILER));
    glob->pending = 0;
    if (status != SEGJ_OK)
        return status;
    segj_put_u32(glob->live->data, glob->placed_trailer);
    glob->pending = gap + SEGJ_FRAME_TRAILER;
    count_gap(shared, glob->pending);
    return SEGJ_OK;
}

segj_status_t segj_glob_place_record(segj_glob_t *glob, segj_shared_t *shared, segj_head_t head,
                                     const segj_slice_t *pieces, size_t count, size_t size,
                                     oversized_location_t *location)
{
    const segj_io_file_t *file = &glob->handle.file;
    uint64_t offset = atomic_load_explicit(&glob->size, memory_order_relaxed) + glob->pending;
    uint64_t frame = (uint64_t)file->head + size + SEGJ_FRAME_TRAILER; /* of a payload of less than 4 GiB */
    if (offset == glob->apart) {
        segj_status_t begun = begin_apart(glob, shared, frame);
        if (begun != SEGJ_OK)
            return begun;
        offset += glob->pending;
    }
    if (frame > SEGJ_FILE_SIZE_MAX - file->data - offset)
        return segj_io_fail(SEGJ_ERR_TOO_LARGE, file, offset, "a values file ends at 2^63 - 1 bytes");
    if (frame > SIZE_MAX)
        return segj_fail_memory(SIZE_MAX);
    assert(!glob->tail_dirty || glob->pending > 0);
    head.stored = (uint32_t)size;
    const segj_frame_place_t place = {glob_begin(glob, SEGJ_CHECKSUM_PLACED, offset), glob->placed_trailer};
    uint8_t *to;
    segj_status_t status;
    if (frame > shared->frames.capacity) {
        status = place_record_direct(glob, shared, place, head, pieces, count);
    } else {
        status = find_room(glob, shared, offset, (size_t)frame, &to);
        if (status == SEGJ_OK)
            glob->placed_trailer = fill_record(to, file->head, place, head, pieces, count);
    }
    if (status != SEGJ_OK)
        return status;
    glob->pending += frame;
    location->offset = offset;
    location->size = head.stored + SEGJ_FRAME_TRAILER;
    return SEGJ_OK;
}

void segj_glob_publish(segj_glob_t *glob, segj_shared_t *shared)
{
    if (glob->live != NULL)
        segj_buffer_publish(glob->live, filled(glob));
    /* A reader that sees the new size also sees the frames: in the buffer, whose size came before, or in the file. */
    uint64_t size = atomic_load_explicit(&glob->size, memory_order_relaxed) + glob->pending;
    atomic_store_explicit(&glob->size, size, memory_order_release);
    glob->pending = 0;
    glob->trailer = glob->placed_trailer;
    glob->tail_dirty = false;
    if (glob->early == NULL)
        return;
    segj_lock(&shared->state);
    segj_chain_drop(&shared->frames, &glob->chain, glob->early);
    segj_unlock(&shared->state);
    glob->early = NULL;
}

segj_status_t segj_glob_reserve_tail(segj_glob_t *glob, segj_shared_t *shared, uint64_t *offset)
{
    assert(!glob->tail_dirty);
    segj_status_t status = segj_glob_drain(glob, shared, true);
    if (status != SEGJ_OK)
        return status;
    glob->tail_dirty = true; /* until it is published: a stream that gives up leaves bytes after the end */
    /* A sync may cover what is before while the stream writes. */
    const segj_io_file_t *file = &glob->handle.file;
    *offset = segj_frame_apart(file->sector, file->data, glob->size);
    glob->tail_gap = *offset - glob->size;
    if (glob->tail_gap == 0)
        return SEGJ_OK;
    uint8_t trailer[SEGJ_FRAME_TRAILER];
    segj_put_u32(trailer, glob->trailer);
    return segj_io_write(file, file->data + *offset - sizeof trailer, trailer, sizeof trailer);
}

void segj_glob_commit_tail(segj_glob_t *glob, segj_shared_t *shared, uint64_t frame, uint32_t trailer)
{
    assert(glob->live == NULL && glob->pending == 0);
    glob->pending = glob->tail_gap + frame;
    count_gap(shared, glob->tail_gap);
    glob->placed_trailer = trailer;
}

void segj_glob_roll_back(segj_glob_t *glob, segj_shared_t *shared)
{
    segj_write_buffer_t *live = glob->live;
    count_gap(shared, (uint64_t)0 - segj_glob_pending_gap(glob));
    glob->pending = 0;
    glob->placed_trailer = glob->trailer;
    segj_lock(&shared->state);
    if (live != NULL && live->size == 0) {
        segj_chain_drop(&shared->frames, &glob->chain, live);
        glob->live = NULL;
    }
    if (glob->early != NULL)
        glob->live = glob->early;
    glob->early = NULL;
    segj_unlock(&shared->state);
}
