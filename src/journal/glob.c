/*
 * journal/glob.c: see the header.
 */
#include "journal/glob.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "journal/commonware_format.h"
#include "journal/frame_format.h"
#include "journal/record_format.h"

void segj_glob_init(segj_glob_t *glob, segj_shared_t *shared, uint64_t section)
{
    *glob = (segj_glob_t){.bound = segj_crc32_of_number(0, 0)};
    segj_handle_init(&glob->handle, &shared->values, section);
    glob->handle.file.data = shared->format == SEGJ_FORMAT_NATIVE ? SEGJ_VALUES_DATA_OFFSET : shared->new_data;
}

segj_status_t segj_glob_write_header(const segj_glob_t *glob, const segj_shared_t *shared, const segj_io_file_t *file)
{
    bool log = glob->handle.file.head > 0;
    segj_identity_t identity = {.version = log ? 2 : 1,
                                .salt = glob->salt,
                                .dictionary = glob->dictionary,
                                .kind = SEGJ_KIND_VALUES,
                                .compressed = glob->compressed,
                                .page_size = log ? shared->page_size : 0,
                                .record_size = log ? shared->record_size : 0,
                                .section = file->section};
    uint8_t block[SEGJ_BLOCK_SIZE];
    if (shared->format != SEGJ_FORMAT_NATIVE)
        return segj_io_write(file, 0, block, segj_commonware_encode(block, file->data));
    segj_identity_encode(block, &identity);
    return segj_io_write(file, 0, block, sizeof block);
}

void segj_glob_begin(segj_glob_t *glob, segj_shared_t *shared)
{
    segj_assert_held(&shared->state);
    glob->tries = (segj_map_tries_t){0};
    if (glob->maps != NULL)
        segj_maps_drop_stale(&shared->maps, &glob->maps, glob->handle.file.data + glob->size);
}

/* Up to this size it is faster to read the payload with the four bytes before it, and to move it, than to read twice.
 * One read into two pieces of memory, preadv, takes longer than the move. */
#define MOVED_AT_MOST 32768

static segj_status_t write_buffer(const segj_io_file_t *file, const segj_write_buffer_t *buffer)
{
    return segj_io_write(file, file->data + buffer->offset, buffer->data, buffer->size);
}

static segj_write_buffer_t *glob_next_sealed(const segj_glob_t *glob)
{
    segj_write_buffer_t *at = glob->chain.first;
    while (at != NULL && at->state != SEGJ_BUFFER_SEALED)
        at = at->next;
    return at;
}

static segj_status_t glob_write_sealed(segj_glob_t *glob, segj_shared_t *shared)
{
    segj_status_t status = SEGJ_OK;
    segj_write_buffer_t *buffer;
    segj_lock(&shared->state);
    while (status == SEGJ_OK && (buffer = glob_next_sealed(glob)) != NULL) {
        buffer->state = SEGJ_BUFFER_WRITING;
        segj_unlock(&shared->state);
        status = write_buffer(&glob->handle.file, buffer);
        /* The device may start now: the sync that comes then finds little left to do. */
        if (status == SEGJ_OK)
            segj_io_write_behind(&glob->handle.file, &glob->behind, glob->handle.file.data + buffer->offset,
                                 buffer->size);
        segj_lock(&shared->state);
        buffer->state = SEGJ_BUFFER_SEALED;
        if (status == SEGJ_OK)
            segj_chain_drop(&shared->frames, &glob->chain, buffer);
    }
    segj_unlock(&shared->state);
    return status;
}

/* A section's first buffer. */
#define LEAST_CAPACITY 4096

/* Under the state lock. An empty live buffer is given back. The next one begins with what this one has needed. */
SEGJ_UNDER_STATE static void glob_seal(segj_glob_t *glob, segj_shared_t *shared)
{
    segj_write_buffer_t *live = glob->live;
    assert(glob->pending == 0 && glob->early == NULL);
    glob->live = NULL;
    if (live == NULL)
        return;
    glob->next_capacity = live->size;
    live->state = SEGJ_BUFFER_SEALED;
    if (live->size == 0)
        segj_chain_drop(&shared->frames, &glob->chain, live);
}

segj_status_t segj_glob_drain(segj_glob_t *glob, segj_shared_t *shared, bool lean)
{
    segj_status_t status = glob_write_sealed(glob, shared);
    if (status != SEGJ_OK)
        return status;
    segj_lock(&shared->state);
    glob_seal(glob, shared);
    segj_unlock(&shared->state);
    if (lean)
        glob->next_capacity = 0;
    return glob_write_sealed(glob, shared);
}

void segj_glob_discard(segj_glob_t *glob, segj_shared_t *shared)
{
    segj_assert_held(&shared->state);
    glob->live = glob->early = NULL;
    glob->pending = 0;
    glob->placed_trailer = glob->trailer;
    glob->next_capacity = 0;
    glob->ahead = 0;
    glob->syncs = 0;
    while (glob->chain.first != NULL)
        segj_chain_drop(&shared->frames, &glob->chain, glob->chain.first);
}

segj_status_t segj_glob_truncate_tail(segj_glob_t *glob, segj_shared_t *shared)
{
    if (!glob->tail_dirty)
        return SEGJ_OK;
    uint64_t size = 0;
    uint64_t end = glob->handle.file.data + glob->size;
    segj_status_t status = segj_io_size(&glob->handle.file, &size);
    if (status == SEGJ_OK && size > end)
        status = segj_io_truncate(&glob->handle.file, end);
    if (status != SEGJ_OK)
        return status;
    /* Also where nothing was to be cut: a truncation that failed before may have been made, and not be durable. */
    status = segj_io_sync(&glob->handle.file);
    if (status != SEGJ_OK)
        return segj_shared_poison(shared, status);
    glob->tail_dirty = false;
    glob->ahead = 0;
    return SEGJ_OK;
}

/* --- putting frames in place --- */

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

SEGJ_APART static segj_status_t place_direct(segj_glob_t *glob, segj_shared_t *shared, const segj_slice_t *pieces,
                                             size_t count, uint32_t crc, size_t frame)
{
    segj_status_t status = glob_write_sealed(glob, shared);
    if (status != SEGJ_OK)
        return status;
    uint8_t trailer[SEGJ_FRAME_TRAILER];
    segj_put_u32(trailer, crc);
    segj_slice_t few[SLICES_AT_ONCE];
    segj_slice_t *all = count < SLICES_AT_ONCE ? few : malloc((count + 1) * sizeof *all);
    if (all == NULL)
        return segj_fail_memory((count + 1) * sizeof *all);
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
        glob_seal(glob, shared);
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
SEGJ_APART static segj_status_t place_record_direct(segj_glob_t *glob, segj_shared_t *shared, segj_frame_place_t place,
                                                    segj_head_t head, const segj_slice_t *pieces, size_t count)
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
 * and nothing else waits for it. */
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

segj_status_t segj_glob_place_record(segj_glob_t *glob, segj_shared_t *shared, segj_head_t head,
                                     const segj_slice_t *pieces, size_t count, size_t size,
                                     oversized_location_t *location)
{
    const segj_io_file_t *file = &glob->handle.file;
    uint64_t offset = atomic_load_explicit(&glob->size, memory_order_relaxed) + glob->pending;
    uint64_t frame = (uint64_t)file->head + size + SEGJ_FRAME_TRAILER; /* of a payload of less than 4 GiB */
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
    *offset = glob->size;
    return SEGJ_OK;
}

void segj_glob_commit_tail(segj_glob_t *glob, uint64_t frame, uint32_t trailer)
{
    assert(glob->live == NULL && glob->pending == 0);
    glob->pending = frame;
    glob->placed_trailer = trailer;
}

void segj_glob_roll_back(segj_glob_t *glob, segj_shared_t *shared)
{
    segj_write_buffer_t *live = glob->live;
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

/* --- syncs, cuts and reads --- */

SEGJ_UNDER_STATE static void capture_sealed(const segj_glob_t *glob, segj_glob_capture_t *capture)
{
    segj_write_buffer_t **link = &capture->first;
    *capture = (segj_glob_capture_t){NULL, false};
    for (segj_write_buffer_t *at = glob->chain.first; at != NULL; at = at->next) {
        if (at->state != SEGJ_BUFFER_SEALED)
            continue;
        at->state = SEGJ_BUFFER_WRITING;
        at->captured = NULL;
        *link = at;
        link = &at->captured;
    }
}

void segj_glob_capture(segj_glob_t *glob, segj_shared_t *shared, segj_glob_capture_t *capture)
{
    glob->behind = (segj_io_behind_t){0, 0}; /* a sync starts it all */
    segj_lock(&shared->state);
    glob_seal(glob, shared);
    capture_sealed(glob, capture);
    segj_unlock(&shared->state);
}

void segj_glob_capture_full(segj_glob_t *glob, segj_shared_t *shared, segj_glob_capture_t *capture)
{
    segj_lock(&shared->state);
    capture_sealed(glob, capture);
    segj_unlock(&shared->state);
}

segj_status_t segj_glob_write(const segj_io_file_t *file, const segj_glob_capture_t *capture)
{
    segj_status_t status = SEGJ_OK;
    for (segj_write_buffer_t *at = capture->first; at != NULL && status == SEGJ_OK; at = at->captured) {
        status = write_buffer(file, at);
        if (status == SEGJ_OK && !capture->quiet)
            segj_io_write_back(file, file->data + at->offset, at->size);
    }
    return status;
}

void segj_glob_finish(segj_glob_t *glob, segj_shared_t *shared, const segj_glob_capture_t *capture, bool written)
{
    segj_assert_held(&shared->state);
    for (segj_write_buffer_t *at = capture->first, *next; at != NULL; at = next) {
        next = at->captured;
        at->state = SEGJ_BUFFER_SEALED;
        if (written)
            segj_chain_drop(&shared->frames, &glob->chain, at);
    }
}

/* SEGJ_PREALLOCATE_AUTO: bytes of a sync that has little to write, and so many syncs; the part of its section that is
 * kept after it, and what that is at least and at most. */
#define AUTO_SYNC_BYTES ((uint64_t)64 << 10)
#define AUTO_SYNCS 8
#define AUTO_PART 8
#define AUTO_LEAST ((size_t)32 << 10)
#define AUTO_MOST ((uint64_t)256 << 10)

static segj_status_t write_zeros(const segj_io_file_t *file, uint64_t from, uint64_t end)
{
    static const uint8_t zeros[AUTO_LEAST];
    segj_status_t status = SEGJ_OK;
    while (from < end && status == SEGJ_OK) {
        size_t part = end - from < sizeof zeros ? (size_t)(end - from) : sizeof zeros;
        status = segj_io_write(file, file->data + from, zeros, part);
        from += part;
    }
    return status;
}

/* How many zeros this sync leaves after the values. Where the configuration leaves it to the library, a section of
 * version 2 gets some after AUTO_SYNCS syncs in a row that had little to write, as many as it may soon fill, and none
 * after a sync that had more. */
static uint64_t zeros_wanted(segj_glob_t *glob, const segj_shared_t *shared)
{
    uint64_t size = glob->size;
    bool repeated = glob->syncs > 0;
    bool little = !repeated || size < glob->kept_size || size - glob->kept_size < AUTO_SYNC_BYTES;
    glob->kept_size = size;
    if (shared->preallocate != SEGJ_PREALLOCATE_AUTO) {
        glob->syncs = 1;
        return repeated ? shared->preallocate : 0;
    }
    if (!little)
        glob->syncs = 0;
    else if (glob->syncs < UINT8_MAX)
        glob->syncs++;
    if (glob->handle.file.head == 0 || glob->syncs <= AUTO_SYNCS)
        return 0;
    return segj_min_u64(segj_max_u64(size / AUTO_PART, AUTO_LEAST), AUTO_MOST);
}

segj_status_t segj_glob_keep_ahead(segj_glob_t *glob, const segj_shared_t *shared)
{
    const segj_io_file_t *file = &glob->handle.file;
    uint64_t size = glob->size;
    uint64_t zeros = zeros_wanted(glob, shared);
    /* A dirty tail: a stream writes, or a failed write has written, after the end. */
    if (zeros == 0 || size <= glob->ahead || glob->tail_dirty || size > SEGJ_FILE_SIZE_MAX - file->data - zeros)
        return SEGJ_OK;
    glob->ahead = size + zeros; /* also where it fails: some of them may be there */
    segj_status_t status = write_zeros(file, size, glob->ahead);
    if (status != SEGJ_ERR_NO_SPACE)
        return status;
    segj_shared_log(shared, SEGJ_LOG_WARNING, "no zeros are kept ahead: %s", segj_last_error());
    return SEGJ_OK;
}

segj_status_t segj_glob_trim(segj_glob_t *glob, bool *trimmed)
{
    const segj_io_file_t *file = &glob->handle.file;
    *trimmed = glob->ahead > glob->size;
    segj_status_t status = *trimmed ? segj_io_truncate(file, file->data + glob->size) : SEGJ_OK;
    glob->ahead = status == SEGJ_OK ? 0 : glob->ahead;
    return status;
}

bool segj_glob_viewed(const segj_glob_t *glob)
{
    return atomic_load(&glob->copies) > 0 || segj_maps_viewed(glob->maps);
}

segj_status_t segj_glob_cut(const segj_io_file_t *file, uint64_t size)
{
    segj_status_t status = segj_io_truncate(file, file->data + size);
    return status == SEGJ_OK ? segj_io_sync(file) : status;
}

/* `sum`: the checksum of the frame's head, where frames have one. */
static segj_status_t check_payload(const segj_shared_t *shared, const segj_io_file_t *file,
                                   oversized_location_t location, const uint8_t *payload, const uint8_t *sum, bool raw)
{
    size_t size = (size_t)location.size - SEGJ_FRAME_TRAILER;
    uint32_t crc = segj_frame_checksum(shared->checksum, file->binding, location.offset, payload, size);
    if (file->head > 0)
        crc = segj_frame_seal(crc, segj_get_u32(sum), raw);
    uint32_t found = segj_get_u32(payload + size);
    if (crc != found)
        return segj_io_fail(SEGJ_ERR_CHECKSUM, file, file->data + location.offset,
                            "value of %zu bytes: checksum %08x, expected %08x", size, (unsigned)found, (unsigned)crc);
    return SEGJ_OK;
}

segj_status_t segj_glob_check(const segj_shared_t *shared, const segj_io_file_t *file, bool packed,
                              oversized_location_t location, const uint8_t *frame)
{
    const uint8_t *payload = frame + file->head;
    return check_payload(shared, file, location, payload, payload - (file->head > 0 ? SEGJ_HEAD_CHECKSUM : 0),
                         packed && segj_glob_is_raw(file, frame));
}

segj_status_t segj_glob_read(const segj_shared_t *shared, const segj_io_file_t *file, bool packed,
                             oversized_location_t location, uint8_t *frame)
{
    segj_status_t status =
        segj_io_read(file, file->data + location.offset, frame, file->head + (size_t)location.size, NULL);
    return status == SEGJ_OK ? segj_glob_check(shared, file, packed, location, frame) : status;
}

segj_status_t segj_glob_read_payload(const segj_shared_t *shared, const segj_io_file_t *file,
                                     oversized_location_t location, uint8_t *memory)
{
    uint8_t sum[SEGJ_HEAD_CHECKSUM] = {0}; /* of the head: all of it that a payload's checksum wants */
    size_t before = file->head > 0 ? sizeof sum : 0;
    uint64_t payload = file->data + location.offset + file->head;
    segj_status_t status = SEGJ_OK;
    if (before > 0 && location.size <= MOVED_AT_MOST) {
        status = segj_io_read(file, payload - before, memory, before + location.size, NULL);
        if (status != SEGJ_OK)
            return status;
        memcpy(sum, memory, before);
        memmove(memory, memory + before, location.size);
    } else {
        if (before > 0)
            status = segj_io_read(file, payload - before, sum, before, NULL);
        if (status == SEGJ_OK)
            status = segj_io_read(file, payload, memory, location.size, NULL);
    }
    return status == SEGJ_OK ? check_payload(shared, file, location, memory, sum, false) : status;
}
