/*
 * storage/io.c: a storage's calls for files, as the library makes them. Keeps three promises for everything above: a
 * transfer is whole or has failed, a loop over transfers ends (each turn moves bytes or was interrupted), and no offset
 * or size outside 0 .. SEGJ_FILE_SIZE_MAX goes into a storage or comes out of one. What a storage answers is checked,
 * never trusted.
 */
#include "storage/io.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/thread.h"
#include "storage/io_sentences.h"

#define SLICES_MAX 16
/* Bytes that are worth a call of write_back. */
#define BEHIND ((uint64_t)2 << 20)

/* The advice where a change is not allowed. */
static const char *advice_to_read(int code)
{
    return code == EROFS || code == EACCES || code == EPERM ? "config.read_only opens a journal without a change"
                                                            : NULL;
}

/* FUSE has a file that is still open renamed to a hidden name, instead of removed, and learns of a close a little later
 * than it is made. On a full file system there may be no room for that name. */
static segj_status_t unlink_file(const segj_io_file_t *file)
{
    static const unsigned pauses[] = {1, 2, 5, 10, 20, 40, 80, 145}; /* in milliseconds */
    char room[SEGJ_NAME_LENGTH + 1];
    const char *name = segj_io_name(file, room);
    int code;
    segj_status_t status = segj_io_ask_guard(file->partition, file->name);
    if (status != SEGJ_OK)
        return status;
    for (unsigned waits = 0;; waits++) {
        do
            code = file->partition->storage->file_remove(file->partition->opened, name);
        while (code == EINTR);
        if (code != ENOSPC || waits == sizeof pauses / sizeof pauses[0])
            break;
        segj_pause(pauses[waits]);
    }
    /* A name that is gone already is what was asked for. */
    return code == 0 || code == ENOENT ? SEGJ_OK
                                       : segj_io_changed(file->partition, segj_io_fail_file(code, file, "removal"));
}

segj_status_t segj_partition_unlink(const segj_io_partition_t *partition, uint64_t section)
{
    const segj_io_file_t file = {.partition = partition, .section = section};
    return unlink_file(&file);
}

segj_status_t segj_partition_unlink_named(const segj_io_partition_t *partition, const char *name)
{
    const segj_io_file_t file = {.partition = partition, .name = name};
    return unlink_file(&file);
}

/* A file that has just been made; it goes again where that fails. */
static int set_mode(segj_io_file_t *file, const char *name)
{
    const segj_io_partition_t *partition = file->partition;
    int code;
    do
        code = partition->storage->file_mode(file->opened, partition->mode);
    while (code == EINTR);
    if (code == 0)
        return 0;
    segj_io_close(file);
    (void)partition->storage->file_remove(partition->opened, name);
    return code == EEXIST ? EIO : code;
}

/* `file` says of which partition and name, and is set on success alone. */
static segj_status_t open_file(segj_io_file_t *file, segj_io_file_t result, segj_open_mode_t mode, bool *missing)
{
    const segj_io_partition_t *partition = result.partition;
    char room[SEGJ_NAME_LENGTH + 1];
    const char *name = segj_io_name(&result, room);
    int code;
    segj_status_t status = mode == SEGJ_OPEN_CREATE ? segj_io_ask_guard(partition, result.name) : SEGJ_OK;
    if (status != SEGJ_OK)
        return status;
    result.writable = mode != SEGJ_OPEN_READ;
    do
        code = partition->storage->file_open(partition->opened, name, mode, &result.opened);
    while (segj_io_again(code, partition));
    if (code == ENOENT && missing != NULL && mode != SEGJ_OPEN_CREATE) {
        result.opened = NULL;
        *file = result;
        *missing = true;
        return SEGJ_OK;
    }
    if (code == 0 && result.opened == NULL)
        code = EIO; /* success without a file: the storage is broken */
    if (code == 0 && mode == SEGJ_OPEN_CREATE && partition->mode != 0)
        code = set_mode(&result, name);
    file->exhausted = segj_io_is_exhausted(code);
    if (code == EEXIST && mode == SEGJ_OPEN_CREATE) {
        (void)segj_io_fail_file(code, &result, "creation");
        return SEGJ_ERR_CORRUPT; /* another opener has put it there */
    }
    if (code != 0) {
        status = segj_io_fail_file(code, &result, "%s", mode == SEGJ_OPEN_CREATE ? "creation" : "open");
        return mode == SEGJ_OPEN_READ ? status
                                      : segj_io_changed(partition, segj_io_advise(status, advice_to_read(code)));
    }
    *file = result;
    if (missing != NULL)
        *missing = false;
    return SEGJ_OK;
}

segj_status_t segj_io_open(segj_io_file_t *file, const segj_io_partition_t *partition, uint64_t section,
                           segj_open_mode_t mode, bool *missing)
{
    return open_file(file, (segj_io_file_t){.partition = partition, .section = section, .binding = section}, mode,
                     missing);
}

segj_status_t segj_io_open_named(segj_io_file_t *file, const segj_io_partition_t *partition, const char *name,
                                 segj_open_mode_t mode, bool *missing)
{
    return open_file(file, (segj_io_file_t){.partition = partition, .name = name}, mode, missing);
}

segj_status_t segj_io_lock(const segj_io_file_t *file, bool exclusive)
{
    const segj_storage_t *storage = file->partition->storage;
    int code = 0;
    if (SEGJ_STORAGE_HAS(storage, file_lock))
        do
            code = storage->file_lock(file->opened, exclusive);
        while (code == EINTR);
    if (code == 0 || segj_io_is_lacking(code))
        return SEGJ_OK;
    if (code != EWOULDBLOCK)
        return segj_io_fail_file(code, file, "lock");
    return segj_fail_from(code, SEGJ_ERR_LOCKED,
                          "%s/%s/%s: open elsewhere, %s lock refused: by another way to the directory, or on "
                          "another machine",
                          file->partition->directory, file->partition->name, file->name,
                          exclusive ? "exclusive" : "shared");
}

segj_status_t segj_io_refresh(const segj_io_file_t *file, bool written)
{
    const segj_storage_t *storage = file->partition->storage;
    int code = 0;
    if (SEGJ_STORAGE_HAS(storage, file_refresh))
        do
            code = storage->file_refresh(file->opened, written);
        while (code == EINTR);
    return code == 0 ? SEGJ_OK : segj_io_fail_file(code, file, "looking for what others wrote");
}

bool segj_io_opener(const segj_storage_t *storage, segj_opener_t *opener)
{
    return SEGJ_STORAGE_HAS(storage, opener) && storage->opener(storage->context, opener) == 0;
}

void segj_io_close(segj_io_file_t *file)
{
    if (file->opened != NULL)
        file->partition->storage->file_close(file->opened);
    file->opened = NULL;
}

/** True when a range lies within what a file can hold. */
static bool in_bounds(uint64_t offset, uint64_t size)
{
    uint64_t end;
    return segj_add_u64(offset, size, &end) && end <= SEGJ_FILE_SIZE_MAX;
}

segj_status_t segj_io_read(const segj_io_file_t *file, uint64_t offset, void *buffer, size_t size, size_t *got)
{
    uint8_t *to = buffer;
    size_t total = 0;
    if (!in_bounds(offset, size))
        return segj_io_fail_file(0, file, "pread of %zu bytes at offset %" PRIu64 ": files end at 2^63 - 1 bytes", size,
                                 offset);
    while (total < size) {
        size_t asked = size - total;
        size_t done = 0;
        int code = file->partition->storage->file_read(file->opened, offset + total, to + total, asked, &done);
        if (code == EINTR)
            continue;
        if (code != 0)
            return segj_io_fail_file(code, file, "pread of %zu bytes at offset %" PRIu64, asked, offset + total);
        if (done > asked)
            return segj_io_fail_file(0, file, "pread of %zu bytes at offset %" PRIu64 ": the storage claims %zu bytes",
                                     asked, offset + total, done);
        if (done == 0)
            break;
        total += done;
    }
    if (total < size && got == NULL)
        return segj_io_fail_file(0, file, "pread of %zu bytes at offset %" PRIu64 ": the file ends after %zu bytes",
                                 size, offset, total);
    if (got != NULL)
        *got = total;
    return SEGJ_OK;
}

bool segj_io_read_device(const segj_io_file_t *file, uint64_t offset, uint8_t *buffer, size_t size, size_t *got)
{
    const segj_storage_t *storage = file->partition->storage;
    bool again = true;
    *got = 0;
    if (!SEGJ_STORAGE_HAS(storage, file_read_device) || !in_bounds(offset, size))
        return false;
    while (*got < size) {
        size_t done = 0;
        int code = storage->file_read_device(file->opened, offset + *got, buffer + *got, size - *got, &done);
        if (code == EINTR)
            continue;
        /* Linux has a write-back that failed before answered once, by the first call that waits for the file. */
        if (code == EIO && again) {
            again = false;
            continue;
        }
        if (code != 0 || done > size - *got)
            return false;
        *got += done;
        if (done % SEGJ_IO_DEVICE_ALIGN != 0 || done == 0) /* the end of the file */
            break;
    }
    return true;
}

segj_status_t segj_io_write(const segj_io_file_t *file, uint64_t offset, const void *data, size_t size)
{
    const segj_slice_t slice = {.data = data, .size = size};
    return segj_io_write_slices(file, offset, &slice, 1);
}

/** Drops the first `done` bytes and every slice that is then empty; returns how many slices are left. */
static size_t slices_advance(segj_slice_t *slices, size_t count, size_t done)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        size_t skip = done < slices[i].size ? done : slices[i].size;
        done -= skip;
        if (skip < slices[i].size) {
            segj_slice_t rest = {.data = (const uint8_t *)slices[i].data + skip, .size = slices[i].size - skip};
            slices[kept++] = rest;
        }
    }
    return kept;
}

/** Writes what is left in `slices` (changed as it goes), `size` bytes in all, none of the slices empty. */
static segj_status_t write_all(const segj_io_file_t *file, uint64_t offset, segj_slice_t *slices, size_t count,
                               uint64_t size)
{
    uint64_t end = offset + size;
    while (offset < end) {
        uint64_t asked = end - offset;
        size_t done = 0;
        int code = file->partition->storage->file_write(file->opened, offset, slices, count, &done);
        if (done > asked)
            return segj_io_fail_file(0, file,
                                     "pwrite of %" PRIu64 " bytes at offset %" PRIu64 ": the storage claims %zu bytes",
                                     asked, offset, done);
        if (code != 0 && code != EINTR)
            return segj_io_changed(
                file->partition,
                segj_io_fail_file(code, file, "pwrite of %" PRIu64 " bytes at offset %" PRIu64, asked, offset));
        if (code == 0 && done == 0)
            return segj_io_fail_file(
                0, file, "pwrite of %" PRIu64 " bytes at offset %" PRIu64 ": the storage took none", asked, offset);
        count = slices_advance(slices, count, done);
        offset += done;
    }
    return SEGJ_OK;
}

segj_status_t segj_io_write_slices(const segj_io_file_t *file, uint64_t offset, const segj_slice_t *slices,
                                   size_t count)
{
    segj_slice_t left[SLICES_MAX];
    uint64_t size = 0;
    bool fits = true;
    assert(count <= SLICES_MAX);
    segj_status_t status = segj_io_ask_guard(file->partition, file->name);
    if (status != SEGJ_OK)
        return status;
    for (size_t i = 0; i < count; i++) {
        left[i] = slices[i];
        fits = fits && segj_add_u64(size, slices[i].size, &size);
    }
    if (!fits || !in_bounds(offset, size))
        return segj_io_fail_file(
            0, file, "pwrite of %" PRIu64 " bytes at offset %" PRIu64 ": files end at 2^63 - 1 bytes", size, offset);
    count = slices_advance(left, count, 0);
    return write_all(file, offset, left, count, size);
}

segj_status_t segj_io_copy(const segj_io_file_t *from, const segj_io_file_t *to, uint64_t offset, size_t size,
                           size_t *done)
{
    const segj_storage_t *storage = to->partition->storage;
    int code = 0;
    *done = 0;
    segj_status_t status = segj_io_ask_guard(to->partition, to->name);
    if (status != SEGJ_OK || storage != from->partition->storage || !SEGJ_STORAGE_HAS(storage, file_copy) ||
        !in_bounds(offset, size))
        return status;
    while (*done < size && (code == 0 || code == EINTR)) {
        size_t more = 0;
        code = storage->file_copy(from->opened, to->opened, offset + *done, size - *done, &more);
        if (code == 0 && (more == 0 || more > size - *done))
            break;
        *done += code == 0 ? more : 0;
    }
    return SEGJ_OK;
}

segj_status_t segj_io_size(const segj_io_file_t *file, uint64_t *size)
{
    uint64_t found = 0;
    int code;
    do
        code = file->partition->storage->file_size(file->opened, &found);
    while (code == EINTR);
    if (code != 0)
        return segj_io_fail_file(code, file, "size");
    if (found > SEGJ_FILE_SIZE_MAX)
        return segj_io_fail_file(0, file, "size: the storage claims %" PRIu64 " bytes", found);
    *size = found;
    return SEGJ_OK;
}

segj_status_t segj_io_truncate(const segj_io_file_t *file, uint64_t size)
{
    int code;
    segj_status_t status = segj_io_ask_guard(file->partition, file->name);
    if (status != SEGJ_OK)
        return status;
    if (size > SEGJ_FILE_SIZE_MAX)
        return segj_io_fail_file(0, file, "truncation to %" PRIu64 " bytes: files end at 2^63 - 1 bytes", size);
    do
        code = file->partition->storage->file_truncate(file->opened, size);
    while (code == EINTR);
    return code == 0 ? SEGJ_OK
                     : segj_io_changed(file->partition,
                                       segj_io_fail_file(code, file, "truncation to %" PRIu64 " bytes", size));
}

segj_status_t segj_io_sync(const segj_io_file_t *file)
{
    int code;
    do
        code = file->partition->storage->file_sync(file->opened);
    while (code == EINTR);
    return code == 0 ? SEGJ_OK : segj_io_changed(file->partition, segj_io_fail_file(code, file, "sync"));
}

segj_status_t segj_io_hand_over(const segj_io_file_t *file)
{
    const segj_storage_t *storage = file->partition->storage;
    int code = 0;
    if (SEGJ_STORAGE_HAS(storage, file_hand_over))
        do
            code = storage->file_hand_over(file->opened);
        while (code == EINTR);
    return code == 0 ? SEGJ_OK : segj_io_changed(file->partition, segj_io_fail_file(code, file, "handing over"));
}

void segj_io_write_back(const segj_io_file_t *file, uint64_t offset, uint64_t size)
{
    if (file->partition->storage->file_write_back != NULL && in_bounds(offset, size))
        file->partition->storage->file_write_back(file->opened, offset, size);
}

void segj_io_end_behind(const segj_io_file_t *file, segj_io_behind_t *behind)
{
    if (behind->from < behind->to)
        segj_io_write_back(file, behind->from, behind->to - behind->from);
    behind->from = behind->to;
}

void segj_io_write_behind(const segj_io_file_t *file, segj_io_behind_t *behind, uint64_t offset, uint64_t size)
{
    if (offset < behind->from || offset > behind->to)
        segj_io_end_behind(file, behind);
    if (behind->from == behind->to)
        behind->from = offset;
    behind->to = offset + size;
    if (behind->to - behind->from >= BEHIND)
        segj_io_end_behind(file, behind);
}

bool segj_io_can_map(const segj_storage_t *storage)
{
    return SEGJ_STORAGE_HAS(storage, file_map) && SEGJ_STORAGE_HAS(storage, file_unmap);
}

bool segj_io_map(const segj_io_file_t *file, uint64_t offset, size_t size, const void **address, size_t *mapped)
{
    const segj_storage_t *storage = file->partition->storage;
    int code;
    if (!segj_io_can_map(storage) || !in_bounds(offset, size))
        return false;
    do
        code = storage->file_map(file->opened, offset, size, address, mapped);
    while (code == EINTR);
    return code == 0 && *address != NULL && *mapped > 0 && *mapped <= size;
}
