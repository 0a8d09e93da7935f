/*
 * journal/fixed.c: see the header.
 */
#include "journal/fixed.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "journal/commonware_format.h"

void segj_fixed_init(segj_fixed_t *fixed, segj_shared_t *shared, uint64_t section)
{
    bool native = shared->format == SEGJ_FORMAT_NATIVE;
    *fixed = (segj_fixed_t){.version = 1,
                            .untrusted = UINT64_MAX,
                            .newest_slot = 1,
                            .has_marks = native,
                            .cache_id = segj_page_cache_id(shared->cache)};
    segj_handle_init(&fixed->handle, &shared->index, section);
    fixed->handle.file.data = native ? SEGJ_INDEX_DATA_OFFSET : shared->new_data;
}

segj_status_t segj_fixed_write_header(const segj_fixed_t *fixed, const segj_shared_t *shared,
                                      const segj_io_file_t *file)
{
    segj_identity_t identity = {.version = fixed->version,
                                .salt = fixed->salt,
                                .sector = fixed->handle.file.sector,
                                .dictionary = fixed->dictionary,
                                .kind = SEGJ_KIND_INDEX,
                                .page_size = shared->page_size,
                                .record_size = shared->record_size,
                                .section = file->section};
    uint8_t block[SEGJ_BLOCK_SIZE];
    static const uint8_t zeros[2 * SEGJ_BLOCK_SIZE];
    if (shared->format != SEGJ_FORMAT_NATIVE)
        return segj_io_write(file, 0, block, segj_commonware_encode(block, file->data));
    segj_identity_encode(block, &identity);
    segj_slice_t slices[2] = {{block, sizeof block}, {zeros, sizeof zeros}};
    /* A header that is written again leaves valid slots as they are. */
    return segj_io_write_slices(file, 0, slices, fixed->sequence == 0 ? 2 : 1);
}

uint64_t segj_fixed_file_size(const segj_shared_t *shared, uint64_t data, uint64_t records)
{
    uint64_t bytes = records * shared->record_size;
    uint64_t pages = bytes / shared->page_size + (bytes % shared->page_size != 0);
    return data + pages * segj_page_physical(shared->page_size);
}

/* Version 2: the last page may be longer in the file than it is, or damaged, and is read as any reader reads it. */
static segj_status_t open_cache(segj_fixed_t *fixed, segj_shared_t *shared, segj_paged_t *tail)
{
    uint64_t size = segj_fixed_size(fixed, shared);
    size_t partial = (size_t)(size % shared->page_size);
    segj_lock(&shared->state);
    segj_status_t status = segj_fixed_read(fixed, shared, size - partial, partial, shared->scratch);
    segj_unlock(&shared->state);
    return status == SEGJ_OK ? segj_paged_open_with(tail, &shared->pages, &fixed->handle.file, shared->page_size,
                                                    shared->checksum, size, shared->scratch)
                             : status;
}

segj_status_t segj_fixed_activate(segj_fixed_t *fixed, segj_shared_t *shared)
{
    segj_paged_t *tail = malloc(sizeof *tail);
    if (tail == NULL)
        return segj_fail_memory(sizeof *tail);
    segj_status_t status = fixed->version == 2
                               ? open_cache(fixed, shared, tail)
                               : segj_paged_open(tail, &shared->pages, &fixed->handle.file, shared->page_size,
                                                 shared->checksum, segj_fixed_size(fixed, shared));
    if (status != SEGJ_OK) {
        free(tail);
        return status;
    }
    segj_lock(&shared->state);
    segj_maps_block_readers(&shared->maps);
    fixed->tail = tail;
    segj_maps_allow_readers(&shared->maps);
    fixed->activations++;
    segj_unlock(&shared->state);
    return SEGJ_OK;
}

void segj_fixed_deactivate(segj_fixed_t *fixed, segj_shared_t *shared)
{
    segj_assert_held(&shared->state);
    if (fixed->tail == NULL)
        return;
    segj_paged_discard(fixed->tail, &shared->pages);
    free(fixed->tail);
    fixed->tail = NULL;
    fixed->activations++;
}

/** What of a page is wanted. */
typedef struct fixed_part {
    uint64_t page;
    size_t from, size;
    uint8_t *to;
    uint64_t cache_id;
    uint16_t most; /* bytes that the page has */
} fixed_part_t;

/* From the file; *length: its valid bytes. */
static segj_status_t fixed_read_page(const segj_fixed_t *fixed, segj_shared_t *shared, const fixed_part_t *part,
                                     uint8_t *bytes, uint16_t *length)
{
    const segj_io_file_t *file = &fixed->handle.file;
    size_t physical = segj_page_physical(shared->page_size);
    uint64_t offset = file->data + part->page * physical;
    size_t got = 0;
    segj_page_state_t state = {0, 0, 0};
    (void)atomic_fetch_add_explicit(&shared->pages_read, 1, memory_order_relaxed);
    segj_status_t status = segj_io_read(file, offset, bytes, physical, &got);
    if (status == SEGJ_OK && got == physical)
        state = segj_page_verify(shared->checksum, bytes, shared->page_size, file->binding, part->page);
    *length = state.length < part->most ? state.length : part->most;
    if (status != SEGJ_OK || part->from + part->size <= *length)
        return status;
    return segj_io_fail(SEGJ_ERR_CORRUPT, file, offset,
                        "index page %llu is damaged: %u valid bytes, expected %zu bytes",
                        (unsigned long long)part->page, (unsigned)state.length, part->from + part->size);
}

/* Version 2: from the frames. */
static segj_status_t fixed_remake_page(segj_fixed_t *fixed, segj_shared_t *shared, const fixed_part_t *part,
                                       uint8_t *bytes, uint16_t *length)
{
    *length = part->most;
    return shared->remake_page(shared, fixed, part->page, bytes, part->most);
}

/* Reads or makes a page in memory of its own or of the cache, and copies the part. */
static segj_status_t fixed_fetch(segj_fixed_t *fixed, segj_shared_t *shared, const fixed_part_t *part, bool remade)
{
    size_t physical = segj_page_physical(shared->page_size);
    uint8_t *frame = segj_page_cache_reserve(shared->cache);
    uint8_t *own = frame != NULL ? NULL : malloc(physical);
    uint8_t *bytes = frame != NULL ? frame : own;
    if (bytes == NULL)
        return segj_fail_memory(physical);
    uint16_t length = 0;
    segj_status_t status = remade ? fixed_remake_page(fixed, shared, part, bytes, &length)
                                  : fixed_read_page(fixed, shared, part, bytes, &length);
    if (status == SEGJ_OK)
        memcpy(part->to, bytes + part->from, part->size);
    if (frame != NULL && status == SEGJ_OK)
        segj_page_cache_publish(shared->cache, frame, part->cache_id, part->page, length);
    else if (frame != NULL)
        segj_page_cache_cancel(shared->cache, frame);
    free(own);
    return status;
}

/* Under the state lock, which is given up. */
SEGJ_UNDER_STATE static segj_status_t fetch_from_file(segj_fixed_t *fixed, segj_shared_t *shared,
                                                      const fixed_part_t *part)
{
    segj_status_t status = segj_files_pin(&shared->files, &fixed->handle);
    if (status != SEGJ_OK)
        return status;
    segj_unlock(&shared->state);
    status = fixed_fetch(fixed, shared, part, false);
    segj_lock(&shared->state);
    segj_files_unpin(&shared->files, &fixed->handle);
    return status;
}

/* Version 2, under the state lock, which is given up: the page is not in the file, or damaged there. */
SEGJ_UNDER_STATE static segj_status_t fetch_from_frames(segj_fixed_t *fixed, segj_shared_t *shared,
                                                        const fixed_part_t *part)
{
    segj_unlock(&shared->state);
    segj_status_t status = fixed_fetch(fixed, shared, part, true);
    segj_lock(&shared->state);
    return status;
}

SEGJ_UNDER_STATE static bool peek_part(const segj_fixed_t *fixed, const segj_shared_t *shared, uint64_t page,
                                       size_t from, size_t size, uint8_t *to)
{
    return (fixed->tail != NULL && segj_paged_peek(fixed->tail, page, from, size, to)) ||
           segj_page_cache_read(shared->cache, fixed->cache_id, page, from, size, to);
}

bool segj_fixed_peek(const segj_fixed_t *fixed, const segj_shared_t *shared, uint64_t offset, size_t size, uint8_t *to)
{
    size_t from = (size_t)(offset % shared->page_size);
    return size <= shared->page_size - from && peek_part(fixed, shared, offset / shared->page_size, from, size, to);
}

SEGJ_UNDER_STATE static segj_status_t read_part(segj_fixed_t *fixed, segj_shared_t *shared, uint64_t page, size_t from,
                                                size_t size, uint8_t *to)
{
    for (;;) {
        /* A rewind while the lock was given up. After its end lie bytes that an append may be writing. */
        if (page * shared->page_size + from + size > segj_fixed_size(fixed, shared))
            return segj_io_fail(SEGJ_ERR_CORRUPT, &fixed->handle.file, fixed->handle.file.data,
                                "index page %llu was cut while it was read", (unsigned long long)page);
        if (peek_part(fixed, shared, page, from, size, to))
            return SEGJ_OK;
        uint64_t left = segj_fixed_size(fixed, shared) - page * shared->page_size;
        const fixed_part_t part = {.page = page,
                                   .from = from,
                                   .size = size,
                                   .to = to,
                                   .cache_id = fixed->cache_id,
                                   .most = left < shared->page_size ? (uint16_t)left : shared->page_size};
        uint64_t activations = fixed->activations;
        segj_status_t status =
            segj_fixed_trusts(fixed, shared, page) ? fetch_from_file(fixed, shared, &part) : SEGJ_ERR_CORRUPT;
        /* The last page of a section that has become active since, or is being cut, may have been read while it was
         * written. */
        while (status == SEGJ_ERR_CORRUPT && fixed->cutting)
            segj_wait(&shared->changed, &shared->state);
        if (status == SEGJ_ERR_CORRUPT && fixed->version == 2 && fixed->activations == activations)
            status = fetch_from_frames(fixed, shared, &part);
        if (status != SEGJ_ERR_CORRUPT || fixed->activations == activations)
            return status;
    }
}

segj_status_t segj_fixed_read(segj_fixed_t *fixed, segj_shared_t *shared, uint64_t offset, size_t size, uint8_t *to)
{
    segj_assert_held(&shared->state);
    while (size > 0) {
        uint64_t page = offset / shared->page_size;
        size_t from = (size_t)(offset % shared->page_size);
        size_t part = shared->page_size - from < size ? shared->page_size - from : size;
        segj_status_t status = read_part(fixed, shared, page, from, part, to);
        if (status != SEGJ_OK)
            return status;
        offset += part;
        to += part;
        size -= part;
    }
    return SEGJ_OK;
}

segj_status_t segj_fixed_write_slot(const segj_fixed_t *fixed, const segj_io_file_t *file, unsigned slot,
                                    segj_point_t at, uint64_t sequence)
{
    uint8_t bytes[SEGJ_SLOT_SIZE_2];
    if (fixed->version == 2)
        segj_mark_encode_2(bytes, file->binding, slot, at, sequence);
    else
        segj_mark_encode(bytes, file->section, at.records, (uint32_t)sequence);
    return segj_io_write(file, segj_mark_offset(slot), bytes, segj_slot_size(fixed->version));
}

/* The last number is left to cuts. */
static bool has_numbers(const segj_fixed_t *fixed)
{
    return fixed->sequence < (fixed->version == 2 ? UINT64_MAX : UINT32_MAX) - 2;
}

/* The first number of a cut's slots. */
static uint64_t number_of_cut(const segj_fixed_t *fixed)
{
    return fixed->version == 2 ? fixed->sequence + 1 : segj_mark_number_of_cut(fixed->sequence);
}

static bool has_numbers_of_cut(const segj_fixed_t *fixed)
{
    return has_numbers(fixed) && (fixed->version == 2 || number_of_cut(fixed) < UINT32_MAX);
}

segj_status_t segj_fixed_mark(segj_fixed_t *fixed, const segj_io_file_t *file, segj_point_t at)
{
    /* Without room for another number the mark lags, which it may. */
    if (!fixed->has_marks || !has_numbers(fixed))
        return SEGJ_OK;
    fixed->claimed = segj_max_u64(fixed->claimed, at.records);
    uint64_t number = fixed->sequence + 1;
    if (fixed->version == 1 && segj_mark_is_of_begun_cut(number))
        number++;
    segj_status_t status = segj_fixed_write_slot(fixed, file, 1u - fixed->newest_slot, at, number);
    if (status != SEGJ_OK)
        return status;
    fixed->newest_slot = (uint8_t)(1 - fixed->newest_slot);
    fixed->sequence = number;
    fixed->mark = at;
    fixed->mark_pending = true;
    return SEGJ_OK;
}

static segj_status_t clear_slot(const segj_fixed_t *fixed, const segj_io_file_t *file, unsigned slot)
{
    static const uint8_t zeros[SEGJ_SLOT_SIZE_2];
    return segj_io_write(file, segj_mark_offset(slot), zeros, segj_slot_size(fixed->version));
}

/* Starts the numbers again. Until a slot is written again W is 0, which is never wrong. */
static segj_status_t restart_sequence(segj_fixed_t *fixed, const segj_io_file_t *file)
{
    segj_status_t status = clear_slot(fixed, file, 0);
    if (status == SEGJ_OK)
        status = clear_slot(fixed, file, 1);
    if (status == SEGJ_OK)
        status = segj_io_sync(file);
    if (status == SEGJ_OK)
        fixed->sequence = 0;
    return status;
}

/* Version 2 leaves the newest slot as it is, so that one of both survives a crash; where there is none, both are
 * new. */
static bool is_marked_once(const segj_fixed_t *fixed)
{
    return fixed->version == 2 && fixed->sequence > 0;
}

/* Where that fails in version 1 the file may have the number of the cut, which is then not used again. */
static segj_status_t write_slots(segj_fixed_t *fixed, const segj_io_file_t *file, segj_point_t at)
{
    uint64_t number = number_of_cut(fixed);
    segj_status_t status = segj_fixed_write_slot(fixed, file, 1u - fixed->newest_slot, at, number);
    if (status == SEGJ_OK && !is_marked_once(fixed))
        status = segj_fixed_write_slot(fixed, file, fixed->newest_slot, at, number + 1);
    if (status != SEGJ_OK && fixed->version == 1)
        fixed->sequence = number;
    return status;
}

/* They are written. */
static void count_marks(segj_fixed_t *fixed)
{
    bool once = is_marked_once(fixed);
    fixed->newest_slot = once ? (uint8_t)(1 - fixed->newest_slot) : fixed->newest_slot;
    fixed->sequence = number_of_cut(fixed) + (once ? 0 : 1);
}

segj_status_t segj_fixed_have_numbers(segj_fixed_t *fixed, const segj_io_file_t *file)
{
    return fixed->has_marks && !has_numbers_of_cut(fixed) ? restart_sequence(fixed, file) : SEGJ_OK;
}

segj_status_t segj_fixed_write_marks(segj_fixed_t *fixed, const segj_io_file_t *file, segj_point_t at)
{
    return fixed->has_marks ? write_slots(fixed, file, at) : SEGJ_OK;
}

segj_status_t segj_fixed_sync_marks(segj_fixed_t *fixed, const segj_io_file_t *file, segj_point_t at)
{
    if (!fixed->has_marks)
        return SEGJ_OK;
    segj_status_t status = segj_io_sync(file);
    if (status != SEGJ_OK)
        return status;
    count_marks(fixed);
    fixed->mark = at;
    fixed->claimed = at.records;
    fixed->mark_pending = false;
    return SEGJ_OK;
}

segj_status_t segj_fixed_mark_cut(segj_fixed_t *fixed, const segj_io_file_t *file, segj_point_t at)
{
    segj_status_t status = segj_fixed_have_numbers(fixed, file);
    if (status == SEGJ_OK)
        status = segj_fixed_write_marks(fixed, file, at);
    return status == SEGJ_OK ? segj_fixed_sync_marks(fixed, file, at) : status;
}

segj_status_t segj_fixed_mark_again(segj_fixed_t *fixed, const segj_io_file_t *file)
{
    segj_status_t status;
    if (!fixed->has_marks)
        return SEGJ_OK;
    if (has_numbers_of_cut(fixed)) {
        status = write_slots(fixed, file, fixed->mark);
        if (status == SEGJ_OK)
            count_marks(fixed);
        return status;
    }
    /* No number is left: without a mark the next open begins at 0, which is never wrong. */
    status = clear_slot(fixed, file, 0);
    if (status == SEGJ_OK)
        status = clear_slot(fixed, file, 1);
    fixed->mark = status == SEGJ_OK ? (segj_point_t){0} : fixed->mark;
    return status;
}

segj_status_t segj_fixed_clear_mark(segj_fixed_t *fixed, const segj_io_file_t *file)
{
    return fixed->has_marks ? clear_slot(fixed, file, 1u - fixed->newest_slot) : SEGJ_OK;
}

/*
 * Shortens the last page to `length` bytes. Its longer slot stays valid until the shorter one describes the prefix and
 * is durable, so that a crash leaves the old length or the new one.
 */
static segj_status_t shrink_page(const segj_shared_t *shared, const segj_io_file_t *file, uint64_t page,
                                 uint16_t length, const uint8_t *bytes, segj_page_state_t state)
{
    uint64_t offset = file->data + page * segj_page_physical(shared->page_size);
    unsigned other = 3u - state.slot;
    segj_page_state_t shorter = segj_page_slot(shared->checksum, bytes, shared->page_size, file->binding, page, other);
    uint8_t slot[SEGJ_PAGE_SLOT_SIZE];
    segj_status_t status = SEGJ_OK;
    if (shorter.length != length) {
        segj_page_put_slot(slot, length, segj_page_checksum(shared->checksum, file->binding, page, bytes, length));
        status = segj_io_write(file, offset + segj_page_slot_offset(shared->page_size, other), slot, sizeof slot);
        if (status == SEGJ_OK)
            status = segj_io_sync(file);
    }
    if (status != SEGJ_OK)
        return status;
    memset(slot, 0, sizeof slot);
    status = segj_io_write(file, offset + segj_page_slot_offset(shared->page_size, state.slot), slot, sizeof slot);
    return status == SEGJ_OK ? segj_io_sync(file) : status;
}

/* Reads the page that will be the last into scratch memory: it must hold what stays. Without a partial page nothing is
 * read, and *state says so. */
static segj_status_t read_last(const segj_shared_t *shared, const segj_io_file_t *file, uint64_t records,
                               segj_page_state_t *state)
{
    uint64_t bytes = records * shared->record_size;
    uint16_t partial = (uint16_t)(bytes % shared->page_size);
    uint64_t page = bytes / shared->page_size;
    size_t physical = segj_page_physical(shared->page_size);
    uint64_t offset = file->data + page * physical;
    *state = (segj_page_state_t){0, 0, 0};
    if (partial == 0)
        return SEGJ_OK;
    segj_status_t status = segj_io_read(file, offset, shared->scratch, physical, NULL);
    if (status != SEGJ_OK)
        return status;
    *state = segj_page_verify(shared->checksum, shared->scratch, shared->page_size, file->binding, page);
    if (state->length < partial)
        return segj_io_fail(SEGJ_ERR_CORRUPT, file, offset, "index page %llu is damaged", (unsigned long long)page);
    return SEGJ_OK;
}

/* What reads back may never have reached the disk: the page goes out whole before its slots change. */
static segj_status_t write_last(const segj_shared_t *shared, const segj_io_file_t *file, uint64_t records,
                                const segj_page_state_t *state)
{
    size_t physical = segj_page_physical(shared->page_size);
    uint64_t page = records * shared->record_size / shared->page_size;
    return state->length > 0 ? segj_io_write(file, file->data + page * physical, shared->scratch, physical) : SEGJ_OK;
}

static segj_status_t cut_after(const segj_shared_t *shared, const segj_io_file_t *file, uint64_t records,
                               const segj_page_state_t *state)
{
    uint64_t bytes = records * shared->record_size;
    uint16_t partial = (uint16_t)(bytes % shared->page_size);
    segj_status_t status = segj_io_truncate(file, segj_fixed_file_size(shared, file->data, records));
    if (status == SEGJ_OK)
        status = segj_io_sync(file);
    if (status == SEGJ_OK && state->length > partial)
        status = shrink_page(shared, file, bytes / shared->page_size, partial, shared->scratch, *state);
    return status;
}

segj_status_t segj_fixed_rewrite_last(const segj_shared_t *shared, const segj_io_file_t *file, uint64_t records)
{
    segj_page_state_t state;
    segj_status_t status = read_last(shared, file, records, &state);
    return status == SEGJ_OK ? write_last(shared, file, records, &state) : status;
}

segj_status_t segj_fixed_cut_rewritten(const segj_shared_t *shared, const segj_io_file_t *file, uint64_t records)
{
    segj_page_state_t state;
    segj_status_t status = read_last(shared, file, records, &state);
    return status == SEGJ_OK ? cut_after(shared, file, records, &state) : status;
}

segj_status_t segj_fixed_cut(const segj_shared_t *shared, const segj_io_file_t *file, uint64_t records)
{
    segj_page_state_t state;
    segj_status_t status = read_last(shared, file, records, &state);
    if (status == SEGJ_OK)
        status = write_last(shared, file, records, &state);
    return status == SEGJ_OK ? cut_after(shared, file, records, &state) : status;
}
