/*
 * journal/fixed.c: see the header.
 */
#include "journal/fixed.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "journal/commonware_format.h"

void segj_fixed_init(segj_fixed_t *fixed, segj_env_t *env, uint64_t section)
{
    bool native = env->format == SEGJ_FORMAT_NATIVE;
    *fixed = (segj_fixed_t){.newest_slot = 1, .has_marks = native, .cache_id = segj_page_cache_id(env->cache)};
    segj_handle_init(&fixed->handle, &env->index, section);
    fixed->handle.file.data = native ? SEGJ_INDEX_DATA_OFFSET : SEGJ_COMMONWARE_V0_SIZE;
}

segj_status_t segj_fixed_write_header(const segj_fixed_t *fixed, const segj_env_t *env, const segj_io_file_t *file)
{
    segj_identity_t identity = {.kind = SEGJ_KIND_INDEX,
                                .page_size = env->page_size,
                                .record_size = env->record_size,
                                .section = file->section};
    uint8_t block[SEGJ_BLOCK_SIZE];
    static const uint8_t zeros[2 * SEGJ_BLOCK_SIZE];
    if (env->format != SEGJ_FORMAT_NATIVE)
        return segj_io_write(file, 0, block, segj_commonware_encode(block, file->data));
    segj_identity_encode(block, &identity);
    segj_slice_t slices[2] = {{block, sizeof block}, {zeros, sizeof zeros}};
    /* Slots that say something are not the header's to write again. */
    return segj_io_write_slices(file, 0, slices, fixed->sequence == 0 ? 2 : 1);
}

uint64_t segj_fixed_file_size(const segj_env_t *env, uint64_t data, uint64_t records)
{
    uint64_t bytes = records * env->record_size;
    uint64_t pages = bytes / env->page_size + (bytes % env->page_size != 0);
    return data + pages * segj_page_physical(env->page_size);
}

segj_status_t segj_fixed_wake(segj_fixed_t *fixed, segj_env_t *env)
{
    segj_paged_t *tail = malloc(sizeof *tail);
    if (tail == NULL)
        return segj_fail_memory(sizeof *tail);
    segj_status_t status = segj_paged_open(tail, &env->pages, &fixed->handle.file, env->page_size, env->checksum,
                                           segj_fixed_size(fixed, env));
    if (status != SEGJ_OK) {
        free(tail);
        return status;
    }
    segj_lock(&env->state);
    segj_maps_shut(&env->maps);
    fixed->tail = tail;
    segj_maps_admit(&env->maps);
    fixed->wakes++;
    segj_unlock(&env->state);
    return SEGJ_OK;
}

void segj_fixed_rest(segj_fixed_t *fixed, segj_env_t *env)
{
    if (fixed->tail == NULL)
        return;
    segj_paged_discard(fixed->tail, &env->pages);
    free(fixed->tail);
    fixed->tail = NULL;
    fixed->wakes++;
}

/* Reads a page from the file into memory of its own or of the cache, checks it, and copies the part. */
static segj_status_t fixed_fetch(const segj_io_file_t *file, const segj_env_t *env, uint64_t cache_id, uint64_t page,
                                 size_t from, size_t size, uint8_t *to)
{
    size_t physical = segj_page_physical(env->page_size);
    uint64_t offset = file->data + page * physical;
    uint8_t *frame = segj_page_cache_reserve(env->cache);
    uint8_t *own = frame != NULL ? NULL : malloc(physical);
    uint8_t *bytes = frame != NULL ? frame : own;
    if (bytes == NULL)
        return segj_fail_memory(physical);
    size_t got = 0;
    segj_page_state_t state = {0, 0, 0};
    segj_status_t status = segj_io_read(file, offset, bytes, physical, &got);
    if (status == SEGJ_OK && got == physical)
        state = segj_page_verify(env->checksum, bytes, env->page_size, file->section, page);
    if (status == SEGJ_OK && from + size > state.length)
        status = segj_io_fail(SEGJ_ERR_CORRUPT, file, offset,
                              "index page %llu is damaged: %u valid bytes, expected %zu bytes",
                              (unsigned long long)page, (unsigned)state.length, from + size);
    if (status == SEGJ_OK)
        memcpy(to, bytes + from, size);
    if (frame != NULL && status == SEGJ_OK)
        segj_page_cache_publish(env->cache, frame, cache_id, page, state.length);
    else if (frame != NULL)
        segj_page_cache_cancel(env->cache, frame);
    free(own);
    return status;
}

static bool peek_part(const segj_fixed_t *fixed, const segj_env_t *env, uint64_t page, size_t from, size_t size,
                      uint8_t *to)
{
    return (fixed->tail != NULL && segj_paged_peek(fixed->tail, page, from, size, to)) ||
           segj_page_cache_read(env->cache, fixed->cache_id, page, from, size, to);
}

bool segj_fixed_peek(const segj_fixed_t *fixed, const segj_env_t *env, uint64_t offset, size_t size, uint8_t *to)
{
    size_t from = (size_t)(offset % env->page_size);
    return size <= env->page_size - from && peek_part(fixed, env, offset / env->page_size, from, size, to);
}

static segj_status_t read_part(segj_fixed_t *fixed, segj_env_t *env, uint64_t page, size_t from, size_t size,
                               uint8_t *to)
{
    for (;;) {
        /* A rewind while the lock was given up; behind it are bytes that an append may be writing. */
        if (page * env->page_size + from + size > segj_fixed_size(fixed, env))
            return segj_io_fail(SEGJ_ERR_CORRUPT, &fixed->handle.file, fixed->handle.file.data,
                                "index page %llu was cut while it was read", (unsigned long long)page);
        if (peek_part(fixed, env, page, from, size, to))
            return SEGJ_OK;
        uint64_t cache_id = fixed->cache_id;
        uint64_t wakes = fixed->wakes;
        segj_status_t status = segj_files_pin(&env->files, &fixed->handle);
        if (status != SEGJ_OK)
            return status;
        segj_unlock(&env->state);
        status = fixed_fetch(&fixed->handle.file, env, cache_id, page, from, size, to);
        segj_lock(&env->state);
        segj_files_unpin(&env->files, &fixed->handle);
        /* The last page of a section that has woken meanwhile, or is being cut, may have been read while it was
         * written. */
        while (status == SEGJ_ERR_CORRUPT && fixed->cutting)
            segj_wait(&env->changed, &env->state);
        if (status != SEGJ_ERR_CORRUPT || fixed->wakes == wakes)
            return status;
    }
}

segj_status_t segj_fixed_read(segj_fixed_t *fixed, segj_env_t *env, uint64_t offset, size_t size, uint8_t *to)
{
    while (size > 0) {
        uint64_t page = offset / env->page_size;
        size_t from = (size_t)(offset % env->page_size);
        size_t part = env->page_size - from < size ? env->page_size - from : size;
        segj_status_t status = read_part(fixed, env, page, from, part, to);
        if (status != SEGJ_OK)
            return status;
        offset += part;
        to += part;
        size -= part;
    }
    return SEGJ_OK;
}

static segj_status_t write_slot(const segj_io_file_t *file, unsigned slot, uint64_t records, uint32_t sequence)
{
    uint8_t bytes[SEGJ_SLOT_SIZE];
    segj_mark_encode(bytes, file->section, records, sequence);
    return segj_io_write(file, segj_mark_offset(slot), bytes, sizeof bytes);
}

segj_status_t segj_fixed_mark(segj_fixed_t *fixed, const segj_io_file_t *file, uint64_t records)
{
    /* The last number is left to cuts. Without room for another the mark lags, which it may. */
    if (!fixed->has_marks || fixed->sequence >= UINT32_MAX - 2)
        return SEGJ_OK;
    segj_status_t status = write_slot(file, 1u - fixed->newest_slot, records, fixed->sequence + 1);
    if (status != SEGJ_OK)
        return status;
    fixed->newest_slot = (uint8_t)(1 - fixed->newest_slot);
    fixed->sequence++;
    fixed->marked = records;
    fixed->mark_pending = true;
    return SEGJ_OK;
}

static segj_status_t clear_slot(const segj_io_file_t *file, unsigned slot)
{
    static const uint8_t zeros[SEGJ_SLOT_SIZE];
    return segj_io_write(file, segj_mark_offset(slot), zeros, sizeof zeros);
}

/* Starts the numbers again. Meanwhile W is 0, which is never wrong. */
static segj_status_t restart_sequence(segj_fixed_t *fixed, const segj_io_file_t *file)
{
    segj_status_t status = clear_slot(file, 0);
    if (status == SEGJ_OK)
        status = clear_slot(file, 1);
    if (status == SEGJ_OK)
        status = segj_io_sync(file);
    if (status == SEGJ_OK)
        fixed->sequence = 0;
    return status;
}

static segj_status_t write_both(const segj_fixed_t *fixed, const segj_io_file_t *file, uint64_t records)
{
    segj_status_t status = write_slot(file, 1u - fixed->newest_slot, records, fixed->sequence + 1);
    return status == SEGJ_OK ? write_slot(file, fixed->newest_slot, records, fixed->sequence + 2) : status;
}

segj_status_t segj_fixed_have_numbers(segj_fixed_t *fixed, const segj_io_file_t *file)
{
    return fixed->has_marks && fixed->sequence >= UINT32_MAX - 2 ? restart_sequence(fixed, file) : SEGJ_OK;
}

segj_status_t segj_fixed_write_marks(const segj_fixed_t *fixed, const segj_io_file_t *file, uint64_t records)
{
    return fixed->has_marks ? write_both(fixed, file, records) : SEGJ_OK;
}

segj_status_t segj_fixed_sync_marks(segj_fixed_t *fixed, const segj_io_file_t *file, uint64_t records)
{
    if (!fixed->has_marks)
        return SEGJ_OK;
    segj_status_t status = segj_io_sync(file);
    if (status != SEGJ_OK)
        return status;
    fixed->sequence += 2;
    fixed->marked = records;
    fixed->mark_pending = false;
    return SEGJ_OK;
}

segj_status_t segj_fixed_mark_cut(segj_fixed_t *fixed, const segj_io_file_t *file, uint64_t records)
{
    segj_status_t status = segj_fixed_have_numbers(fixed, file);
    if (status == SEGJ_OK)
        status = segj_fixed_write_marks(fixed, file, records);
    return status == SEGJ_OK ? segj_fixed_sync_marks(fixed, file, records) : status;
}

segj_status_t segj_fixed_mark_again(segj_fixed_t *fixed, const segj_io_file_t *file)
{
    segj_status_t status;
    if (!fixed->has_marks)
        return SEGJ_OK;
    if (fixed->sequence < UINT32_MAX - 2) {
        status = write_both(fixed, file, fixed->marked);
        fixed->sequence += status == SEGJ_OK ? 2 : 0;
        return status;
    }
    /* No number is left: without a mark the next open begins at 0, which is never wrong. */
    status = clear_slot(file, 0);
    if (status == SEGJ_OK)
        status = clear_slot(file, 1);
    fixed->marked = status == SEGJ_OK ? 0 : fixed->marked;
    return status;
}

segj_status_t segj_fixed_clear_mark(segj_fixed_t *fixed, const segj_io_file_t *file)
{
    return fixed->has_marks ? clear_slot(file, 1u - fixed->newest_slot) : SEGJ_OK;
}

/*
 * Shortens the last page to `length` bytes. Its longer slot stays valid until the shorter one describes the prefix and
 * is durable, so that a crash leaves the old length or the new one.
 */
static segj_status_t shrink_page(const segj_env_t *env, const segj_io_file_t *file, uint64_t page, uint16_t length,
                                 const uint8_t *bytes, segj_page_state_t state)
{
    uint64_t offset = file->data + page * segj_page_physical(env->page_size);
    unsigned other = 3u - state.slot;
    segj_page_state_t shorter = segj_page_slot(env->checksum, bytes, env->page_size, file->section, page, other);
    uint8_t slot[SEGJ_PAGE_SLOT_SIZE];
    segj_status_t status = SEGJ_OK;
    if (shorter.length != length) {
        segj_page_put_slot(slot, length, segj_page_checksum(env->checksum, file->section, page, bytes, length));
        status = segj_io_write(file, offset + segj_page_slot_offset(env->page_size, other), slot, sizeof slot);
        if (status == SEGJ_OK)
            status = segj_io_sync(file);
    }
    if (status != SEGJ_OK)
        return status;
    memset(slot, 0, sizeof slot);
    status = segj_io_write(file, offset + segj_page_slot_offset(env->page_size, state.slot), slot, sizeof slot);
    return status == SEGJ_OK ? segj_io_sync(file) : status;
}

segj_status_t segj_fixed_cut(const segj_env_t *env, const segj_io_file_t *file, uint64_t records)
{
    uint64_t bytes = records * env->record_size;
    uint16_t partial = (uint16_t)(bytes % env->page_size);
    uint64_t page = bytes / env->page_size;
    size_t physical = segj_page_physical(env->page_size);
    uint64_t offset = file->data + page * physical;
    segj_page_state_t state = {0, partial, 0};
    uint8_t *last = env->scratch;
    segj_status_t status = SEGJ_OK;
    if (partial > 0) {
        status = segj_io_read(file, offset, last, physical, NULL);
        if (status != SEGJ_OK)
            return status;
        state = segj_page_verify(env->checksum, last, env->page_size, file->section, page);
        if (state.length < partial)
            return segj_io_fail(SEGJ_ERR_CORRUPT, file, offset, "index page %llu is damaged", (unsigned long long)page);
        /* What reads back may never have reached the disk: the page goes out whole before its slots change. */
        status = segj_io_write(file, offset, last, physical);
    }
    if (status == SEGJ_OK)
        status = segj_io_truncate(file, segj_fixed_file_size(env, file->data, records));
    if (status == SEGJ_OK)
        status = segj_io_sync(file);
    if (status == SEGJ_OK && state.length > partial)
        status = shrink_page(env, file, page, partial, last, state);
    return status;
}
