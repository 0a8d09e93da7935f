/*
 * journal/glob.c: see the header.
 */
#include "journal/glob.h"

#include <assert.h>
#include <string.h>

#include "journal/commonware_format.h"
#include "journal/record_format.h"

void segj_glob_init(segj_glob_t *glob, segj_env_t *env, uint64_t section)
{
    *glob = (segj_glob_t){0};
    segj_handle_init(&glob->handle, &env->values, section);
    glob->handle.file.data = env->format == SEGJ_FORMAT_NATIVE ? SEGJ_VALUES_DATA_OFFSET : SEGJ_COMMONWARE_V0_SIZE;
}

segj_status_t segj_glob_write_header(const segj_glob_t *glob, const segj_env_t *env, const segj_io_file_t *file)
{
    segj_identity_t identity = {.kind = SEGJ_KIND_VALUES, .compressed = glob->compressed, .section = file->section};
    uint8_t block[SEGJ_BLOCK_SIZE];
    if (env->format != SEGJ_FORMAT_NATIVE)
        return segj_io_write(file, 0, block, segj_commonware_encode(block, file->data));
    segj_identity_encode(block, &identity);
    return segj_io_write(file, 0, block, sizeof block);
}

static segj_status_t write_buffer(const segj_io_file_t *file, const segj_write_buffer_t *buffer)
{
    uint64_t offset = file->data + buffer->offset;
    segj_status_t status = segj_io_write(file, offset, buffer->data, buffer->size);
    /* The device may start now: the sync that comes then finds little left to do. */
    if (status == SEGJ_OK)
        segj_io_write_back(file, offset, buffer->size);
    return status;
}

static segj_write_buffer_t *next_sealed(const segj_glob_t *glob)
{
    segj_write_buffer_t *at = glob->chain.first;
    while (at != NULL && at->state != SEGJ_BUFFER_SEALED)
        at = at->next;
    return at;
}

static segj_status_t write_sealed(segj_glob_t *glob, segj_env_t *env)
{
    segj_status_t status = SEGJ_OK;
    segj_write_buffer_t *buffer;
    segj_lock(&env->state);
    while (status == SEGJ_OK && (buffer = next_sealed(glob)) != NULL) {
        buffer->state = SEGJ_BUFFER_WRITING;
        segj_unlock(&env->state);
        status = write_buffer(&glob->handle.file, buffer);
        segj_lock(&env->state);
        buffer->state = SEGJ_BUFFER_SEALED;
        if (status == SEGJ_OK)
            segj_chain_drop(&env->frames, &glob->chain, buffer);
    }
    segj_unlock(&env->state);
    return status;
}

/* A section's first buffer. */
#define LEAST_CAPACITY 4096

/* Under the state lock. An empty live buffer is given back. The next one begins with what this one has needed. */
static void seal(segj_glob_t *glob, segj_env_t *env)
{
    segj_write_buffer_t *live = glob->live;
    glob->live = NULL;
    if (live == NULL)
        return;
    glob->next_capacity = live->size;
    live->state = SEGJ_BUFFER_SEALED;
    if (live->size == 0)
        segj_chain_drop(&env->frames, &glob->chain, live);
}

segj_status_t segj_glob_drain(segj_glob_t *glob, segj_env_t *env, bool lean)
{
    segj_status_t status = write_sealed(glob, env);
    if (status != SEGJ_OK)
        return status;
    segj_lock(&env->state);
    seal(glob, env);
    segj_unlock(&env->state);
    if (lean)
        glob->next_capacity = 0;
    return write_sealed(glob, env);
}

void segj_glob_discard(segj_glob_t *glob, segj_env_t *env)
{
    glob->live = NULL;
    glob->next_capacity = 0;
    while (glob->chain.first != NULL)
        segj_chain_drop(&env->frames, &glob->chain, glob->chain.first);
}

segj_status_t segj_glob_mend(segj_glob_t *glob, segj_env_t *env)
{
    if (!glob->spoiled)
        return SEGJ_OK;
    uint64_t size;
    uint64_t end = glob->handle.file.data + glob->size;
    segj_status_t status = segj_io_size(&glob->handle.file, &size);
    if (status == SEGJ_OK && size > end)
        status = segj_io_truncate(&glob->handle.file, end);
    if (status != SEGJ_OK)
        return status;
    /* Also where nothing was to be cut: a truncation that failed before may have been made, and not be durable. */
    status = segj_io_sync(&glob->handle.file);
    if (status != SEGJ_OK)
        return segj_env_poison(env, status);
    glob->spoiled = false;
    return SEGJ_OK;
}

static segj_status_t place_direct(segj_glob_t *glob, segj_env_t *env, const void *payload, size_t size, uint32_t crc,
                                  segj_placed_t *placed)
{
    segj_status_t status = write_sealed(glob, env);
    if (status != SEGJ_OK)
        return status;
    uint8_t trailer[SEGJ_FRAME_TRAILER];
    segj_put_u32(trailer, crc);
    const segj_write_buffer_t *live = glob->live;
    segj_slice_t slices[3] = {
        {live != NULL ? live->data : NULL, live != NULL ? live->size : 0}, {payload, size}, {trailer, sizeof trailer}};
    uint64_t offset = glob->handle.file.data + (live != NULL ? live->offset : glob->size);
    status = segj_io_write_slices(&glob->handle.file, offset, slices, 3);
    if (status != SEGJ_OK) {
        glob->spoiled = true;
        return status;
    }
    segj_io_write_back(&glob->handle.file, offset, slices[0].size + size + sizeof trailer);
    placed->direct = true;
    return SEGJ_OK;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* A live buffer with room for a frame that fits the largest one: the one there is, a larger one in its place, or, when what
 * there is has been written, a fresh one. */
static segj_status_t make_room(segj_glob_t *glob, segj_env_t *env, size_t frame)
{
    segj_pool_t *pool = &env->frames;
    segj_write_buffer_t *live = glob->live;
    segj_status_t status = SEGJ_OK;
    if (live != NULL && frame <= live->capacity - live->size)
        return SEGJ_OK;
    if (live != NULL && frame <= pool->capacity - live->size) {
        size_t capacity = live->capacity < pool->capacity / 2 ? 2 * live->capacity : pool->capacity;
        status = segj_chain_resize(pool, &glob->chain, larger(capacity, live->size + frame));
        glob->live = glob->chain.last;
        return status;
    }
    if (live != NULL) {
        status = segj_glob_drain(glob, env, false);
        glob->next_capacity = status == SEGJ_OK ? pool->capacity : glob->next_capacity;
    }
    size_t capacity = larger(glob->next_capacity, LEAST_CAPACITY);
    capacity = larger(frame, capacity < pool->capacity ? capacity : pool->capacity);
    if (status == SEGJ_OK)
        status = segj_buffer_take(pool, glob->size, capacity, &live);
    if (status != SEGJ_OK)
        return status;
    segj_lock(&env->state);
    segj_chain_add(&glob->chain, live);
    segj_unlock(&env->state);
    glob->live = live;
    return SEGJ_OK;
}

static segj_status_t place_buffered(segj_glob_t *glob, segj_env_t *env, const void *payload, size_t size, uint32_t crc,
                                    segj_placed_t *placed)
{
    segj_status_t status = make_room(glob, env, placed->location.size);
    if (status != SEGJ_OK)
        return status;
    segj_write_buffer_t *live = glob->live;
    if (size > 0)
        memcpy(live->data + live->size, payload, size);
    segj_put_u32(live->data + live->size + size, crc);
    placed->buffer = live;
    return SEGJ_OK;
}

segj_status_t segj_glob_place(segj_glob_t *glob, segj_env_t *env, const void *payload, size_t size,
                              segj_placed_t *placed)
{
    uint64_t end;
    *placed = (segj_placed_t){{glob->size, (uint32_t)(size + SEGJ_FRAME_TRAILER)}, false, NULL};
    if (!segj_location_end(placed->location, SEGJ_FILE_SIZE_MAX - glob->handle.file.data, &end))
        return segj_io_fail(SEGJ_ERR_TOO_LARGE, &glob->handle.file, glob->size, "a values file ends at 2^63 - 1 bytes");
    segj_status_t status = segj_glob_mend(glob, env);
    if (status != SEGJ_OK)
        return status;
    uint32_t crc = segj_frame_checksum(env->checksum, glob->handle.file.section, glob->size, payload, size);
    if (placed->location.size > env->frames.capacity)
        return place_direct(glob, env, payload, size, crc, placed);
    return place_buffered(glob, env, payload, size, crc, placed);
}

void segj_glob_publish(segj_glob_t *glob, segj_env_t *env, const segj_placed_t *placed)
{
    segj_write_buffer_t *live = glob->live;
    if (placed->direct && live != NULL) {
        segj_chain_drop(&env->frames, &glob->chain, live);
        glob->live = NULL;
    } else if (!placed->direct) {
        assert(live == placed->buffer);
        live->size += placed->location.size;
    }
    glob->size += placed->location.size;
}

void segj_glob_capture(segj_glob_t *glob, segj_env_t *env, segj_glob_capture_t *capture)
{
    segj_write_buffer_t **link = &capture->first;
    capture->first = NULL;
    segj_lock(&env->state);
    seal(glob, env);
    for (segj_write_buffer_t *at = glob->chain.first; at != NULL; at = at->next) {
        if (at->state != SEGJ_BUFFER_SEALED)
            continue;
        at->state = SEGJ_BUFFER_WRITING;
        at->captured = NULL;
        *link = at;
        link = &at->captured;
    }
    segj_unlock(&env->state);
}

segj_status_t segj_glob_write(const segj_io_file_t *file, const segj_glob_capture_t *capture)
{
    segj_status_t status = SEGJ_OK;
    for (segj_write_buffer_t *at = capture->first; at != NULL && status == SEGJ_OK; at = at->captured)
        status = write_buffer(file, at);
    return status;
}

void segj_glob_finish(segj_glob_t *glob, segj_env_t *env, const segj_glob_capture_t *capture, bool written)
{
    for (segj_write_buffer_t *at = capture->first, *next; at != NULL; at = next) {
        next = at->captured;
        at->state = SEGJ_BUFFER_SEALED;
        if (written)
            segj_chain_drop(&env->frames, &glob->chain, at);
    }
}

segj_status_t segj_glob_cut(const segj_io_file_t *file, uint64_t size)
{
    segj_status_t status = segj_io_truncate(file, file->data + size);
    return status == SEGJ_OK ? segj_io_sync(file) : status;
}

segj_status_t segj_glob_read(const segj_env_t *env, const segj_io_file_t *file, oversized_location_t location,
                             uint8_t *frame)
{
    size_t payload = (size_t)location.size - SEGJ_FRAME_TRAILER;
    segj_status_t status = segj_io_read(file, file->data + location.offset, frame, location.size, NULL);
    if (status != SEGJ_OK)
        return status;
    uint32_t crc = segj_frame_checksum(env->checksum, file->section, location.offset, frame, payload);
    uint32_t found = segj_get_u32(frame + payload);
    if (crc != found)
        return segj_io_fail(SEGJ_ERR_CHECKSUM, file, file->data + location.offset,
                            "value of %zu bytes: checksum %08x, expected %08x", payload, (unsigned)found,
                            (unsigned)crc);
    return SEGJ_OK;
}
