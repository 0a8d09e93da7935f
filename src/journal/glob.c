/*
 * journal/glob.c: the values file's header, its buffers, syncs, zeros ahead and cuts. glob_place.c puts frames in place,
 * glob_read.c reads them.
 */
#include "journal/glob.h"

#include <assert.h>

#include "journal/commonware_format.h"

void segj_glob_init(segj_glob_t *glob, segj_shared_t *shared, uint64_t section)
{
    *glob = (segj_glob_t){.bound = segj_crc32_of_number(0, 0), .apart = UINT64_MAX};
    segj_handle_init(&glob->handle, &shared->values, section);
    glob->handle.file.data = shared->format == SEGJ_FORMAT_NATIVE ? SEGJ_VALUES_DATA_OFFSET : shared->new_data;
}

segj_status_t segj_glob_write_header(const segj_glob_t *glob, const segj_shared_t *shared, const segj_io_file_t *file)
{
    bool log = glob->handle.file.head > 0;
    segj_identity_t identity = {.version = log ? 2 : 1,
                                .salt = glob->salt,
                                .sector = glob->handle.file.sector,
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
    segj_glob_set_apart(glob);
    if (glob->maps != NULL)
        segj_maps_drop_stale(&shared->maps, &glob->maps, glob->handle.file.data + glob->size);
}

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

segj_status_t segj_glob_write_sealed(segj_glob_t *glob, segj_shared_t *shared)
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

/* An empty live buffer is given back. The next one begins with what this one has needed. */
void segj_glob_seal(segj_glob_t *glob, segj_shared_t *shared)
{
    segj_assert_held(&shared->state);
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
    segj_status_t status = segj_glob_write_sealed(glob, shared);
    if (status != SEGJ_OK)
        return status;
    segj_lock(&shared->state);
    segj_glob_seal(glob, shared);
    segj_unlock(&shared->state);
    if (lean)
        glob->next_capacity = 0;
    return segj_glob_write_sealed(glob, shared);
}

static uint64_t pad_of(const segj_io_file_t *file, uint64_t end)
{
    return segj_frame_pad(file->sector, file->data, end);
}

/* Ends the file, which was cut durably, where a sector ends. */
static segj_status_t pad_file(const segj_io_file_t *file, uint64_t size)
{
    uint64_t pad = pad_of(file, size);
    segj_status_t status = pad > 0 ? segj_io_truncate(file, file->data + size + pad) : SEGJ_OK;
    return status == SEGJ_OK && pad > 0 ? segj_io_sync(file) : status;
}

void segj_glob_discard(segj_glob_t *glob, segj_shared_t *shared)
{
    segj_assert_held(&shared->state);
    glob->live = glob->early = NULL;
    glob->pending = 0;
    glob->placed_trailer = glob->trailer;
    glob->next_capacity = 0;
    glob->ahead = glob->padded = 0;
    segj_glob_set_apart(glob);
    glob->syncs = 0;
    while (glob->chain.first != NULL)
        segj_chain_drop(&shared->frames, &glob->chain, glob->chain.first);
}

segj_status_t segj_glob_truncate_tail(segj_glob_t *glob, segj_shared_t *shared)
{
    if (!glob->tail_dirty)
        return SEGJ_OK;
    uint64_t size = 0;
    uint64_t pad = segj_glob_filled(glob, glob->size) ? pad_of(&glob->handle.file, glob->size) : 0;
    uint64_t end = glob->handle.file.data + glob->size + pad;
    segj_status_t status = segj_io_size(&glob->handle.file, &size);
    if (status == SEGJ_OK && size > end)
        status = segj_io_truncate(&glob->handle.file, end);
    if (status != SEGJ_OK)
        return status;
    /* Also where nothing was to be cut: a truncation that failed before may have been made, and not be durable. */
    status = segj_io_sync(&glob->handle.file);
    if (status == SEGJ_OK && (pad == 0 || size < end))
        status = pad_file(&glob->handle.file, glob->size);
    if (status != SEGJ_OK)
        return segj_shared_poison(shared, status);
    glob->tail_dirty = false;
    glob->ahead = glob->padded = 0;
    return SEGJ_OK;
}

/* --- syncs and cuts --- */

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
    segj_glob_seal(glob, shared);
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
 * kept after it, what that is at least and at most, and for how many such syncs it is enough in any case. */
#define AUTO_SYNC_BYTES ((uint64_t)128 << 10)
#define AUTO_SYNCS 8
#define AUTO_PART 8
#define AUTO_LEAST ((uint64_t)64 << 10)
#define AUTO_MOST ((uint64_t)256 << 10)
#define AUTO_AGAIN 4

/* In as few calls as there may be: a file system takes one long write faster than many short ones. */
static segj_status_t write_zeros(const segj_io_file_t *file, uint64_t from, uint64_t end)
{
    static const uint8_t zeros[(size_t)32 << 10];
    segj_status_t status = SEGJ_OK;
    while (from < end && status == SEGJ_OK) {
        segj_slice_t slices[16];
        uint64_t place = file->data + from;
        size_t count = 0;
        for (; count < 16 && from < end; count++) {
            slices[count] = (segj_slice_t){zeros, (size_t)segj_min_u64(end - from, sizeof zeros)};
            from += slices[count].size;
        }
        status = segj_io_write_slices(file, place, slices, count);
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
    const segj_io_file_t *file = &glob->handle.file;
    uint64_t begin = segj_frame_apart(file->sector, file->data, glob->kept_size);
    uint64_t bytes = repeated && size > begin ? size - begin : 0;
    glob->kept_size = size;
    if (shared->preallocate != SEGJ_PREALLOCATE_AUTO) {
        glob->syncs = 1;
        return repeated ? shared->preallocate : 0;
    }
    if (bytes >= AUTO_SYNC_BYTES)
        glob->syncs = 0;
    else if (glob->syncs < UINT8_MAX)
        glob->syncs++;
    if (glob->handle.file.head == 0 || glob->syncs <= AUTO_SYNCS)
        return 0;
    return segj_max_u64(segj_min_u64(segj_max_u64(size / AUTO_PART, AUTO_LEAST), AUTO_MOST), AUTO_AGAIN * bytes);
}

segj_status_t segj_glob_trim(segj_glob_t *glob, bool *trimmed)
{
    const segj_io_file_t *file = &glob->handle.file;
    uint64_t size = segj_glob_file_size(glob);
    *trimmed = file->data + glob->ahead > size;
    segj_status_t status = *trimmed ? segj_io_truncate(file, size) : SEGJ_OK;
    glob->ahead = status == SEGJ_OK ? 0 : glob->ahead;
    glob->padded = segj_min_u64(glob->padded, size - file->data);
    return status;
}

/* There is no room for them: what of them was written goes, and a few syncs pass before more are tried. Where that fails
 * too they stay, and are cut when the section comes to rest. The sector's end is asked for once more without them. */
SEGJ_UNDER_CHANGE_ALONE static segj_status_t do_without_zeros(segj_glob_t *glob, const segj_shared_t *shared,
                                                              uint64_t pad)
{
    bool trimmed;
    segj_shared_log(shared, SEGJ_LOG_WARNING, "no zeros are kept ahead: %s", segj_last_error());
    glob->syncs = 0;
    segj_status_t status = segj_glob_trim(glob, &trimmed);
    if (status != SEGJ_OK)
        segj_shared_log(shared, SEGJ_LOG_WARNING, "zeros could not be given back: %s", segj_last_error());
    return pad > 0 ? write_zeros(&glob->handle.file, glob->size, glob->size + pad) : SEGJ_OK;
}

segj_status_t segj_glob_keep_ahead(segj_glob_t *glob, segj_shared_t *shared)
{
    const segj_io_file_t *file = &glob->handle.file;
    uint64_t size = glob->size;
    uint64_t zeros = zeros_wanted(glob, shared);
    uint64_t pad = pad_of(file, size);
    bool more = zeros > 0 && size > glob->ahead;
    bool pads = pad > 0 && size + pad > glob->padded;
    /* A dirty tail: a stream writes, or a failed write has written, after the end. */
    if ((!more && !pads) || glob->tail_dirty || size > SEGJ_FILE_SIZE_MAX - file->data - zeros - pad)
        return SEGJ_OK;
    /* The values first: where there is just room for these, zeros must not take it. */
    segj_status_t status = more ? segj_glob_drain(glob, shared, false) : SEGJ_OK;
    if (status != SEGJ_OK)
        return status;
    glob->ahead = more ? size + pad + zeros : glob->ahead; /* also where it fails: some of them may be there */
    uint64_t end = more ? glob->ahead : size + pad;
    status = write_zeros(file, size, end);
    if (status == SEGJ_ERR_NO_SPACE && more) {
        end = size + pad;
        status = do_without_zeros(glob, shared, pad);
    }
    glob->padded = status == SEGJ_OK ? segj_max_u64(end, glob->padded) : 0;
    if (status != SEGJ_ERR_NO_SPACE)
        return status;
    segj_shared_log(shared, SEGJ_LOG_WARNING, "a sector is not filled with zeros: %s", segj_last_error());
    return SEGJ_OK;
}

bool segj_glob_viewed(const segj_glob_t *glob)
{
    return atomic_load(&glob->copies) > 0 || segj_maps_viewed(glob->maps);
}

segj_status_t segj_glob_cut(const segj_io_file_t *file, uint64_t size, bool filled)
{
    uint64_t pad = filled ? pad_of(file, size) : 0;
    segj_status_t status = segj_io_truncate(file, file->data + size + pad);
    if (status == SEGJ_OK)
        status = segj_io_sync(file);
    return status == SEGJ_OK && pad == 0 ? pad_file(file, size) : status;
}
