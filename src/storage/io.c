/*
 * storage/io.c: storage calls as the library makes them. Keeps three promises for everything above: a transfer is whole
 * or has failed, a loop over transfers ends (each turn moves bytes or was interrupted), and no offset or size outside
 * 0 .. SEGJ_FILE_SIZE_MAX goes into a storage or comes out of one. What a storage answers is checked, never trusted.
 */
#include "storage/io.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define SLICES_MAX 16

/* --- names and sentences --- */

void segj_section_name(uint64_t section, char name[SEGJ_NAME_LENGTH + 1])
{
    static const char digits[] = "0123456789abcdef";
    for (int i = SEGJ_NAME_LENGTH - 1; i >= 0; i--) {
        name[i] = digits[section & 15];
        section >>= 4;
    }
    name[SEGJ_NAME_LENGTH] = '\0';
}

bool segj_section_parse(const char *name, uint64_t *section)
{
    uint64_t number = 0;
    for (size_t i = 0; i < SEGJ_NAME_LENGTH; i++) {
        char c = name[i];
        if (c >= '0' && c <= '9')
            number = number << 4 | (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            number = number << 4 | (uint64_t)(c - 'a' + 10);
        else
            return false;
    }
    if (name[SEGJ_NAME_LENGTH] != '\0')
        return false;
    *section = number;
    return true;
}

/** EWOULDBLOCK says "locked" only where a lock was asked for; anywhere else it is a failure like any other. */
static segj_status_t only_io(segj_status_t status)
{
    return status == SEGJ_ERR_LOCKED ? SEGJ_ERR_IO : status;
}

static segj_status_t fail_part(int code, const segj_part_t *part, const char *what)
{
    return only_io(segj_fail_code(code, "%s/%s: %s", part->directory, part->name, what));
}

/* The file's name; `text` has room for one that is made of a number. */
static const char *name_of(const segj_io_file_t *file, char text[SEGJ_NAME_LENGTH + 1])
{
    if (file->part->named)
        return file->name;
    segj_section_name(file->section, text);
    return text;
}

static segj_status_t fail_file(int code, const segj_io_file_t *file, const char *format, ...) SEGJ_PRINTF(3, 4);

/** `code` 0: the text is the whole reason. */
static segj_status_t fail_file(int code, const segj_io_file_t *file, const char *format, ...)
{
    const segj_part_t *part = file->part;
    char what[256];
    char text[SEGJ_NAME_LENGTH + 1];
    const char *name = name_of(file, text);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    if (code == 0)
        return segj_fail(SEGJ_ERR_IO, "%s/%s/%s: %s", part->directory, part->name, name, what);
    return only_io(segj_fail_code(code, "%s/%s/%s: %s", part->directory, part->name, name, what));
}

void segj_io_say(const segj_io_file_t *file, uint64_t offset, const char *format, ...)
{
    char what[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    char text[SEGJ_NAME_LENGTH + 1];
    segj_say("%s/%s/%s, offset %" PRIu64 ": %s", file->part->directory, file->part->name, name_of(file, text), offset,
             what);
}

/* --- partitions --- */

segj_status_t segj_part_create(const segj_part_t *part)
{
    const segj_storage_t *storage = part->storage;
    int code;
    do
        code = storage->partition_create(storage->context, part->directory, part->name);
    while (code == EINTR);
    return code == 0 ? SEGJ_OK : fail_part(code, part, "creation");
}

segj_status_t segj_part_open(segj_part_t *part, bool *missing)
{
    const segj_storage_t *storage = part->storage;
    segj_partition_t *opened = NULL;
    int code;
    do
        code = storage->partition_open(storage->context, part->directory, part->name, &opened);
    while (code == EINTR);
    if (code == ENOENT && missing != NULL) {
        part->opened = NULL;
        *missing = true;
        return SEGJ_OK;
    }
    if (code == 0 && opened == NULL)
        code = EIO; /* success without a partition: the storage is broken */
    if (code != 0)
        return fail_part(code, part, "open");
    part->opened = opened;
    if (missing != NULL)
        *missing = false;
    return SEGJ_OK;
}

segj_status_t segj_part_lock(segj_part_t *part, bool exclusive, bool *replaced)
{
    int code;
    do
        code = part->storage->partition_lock(part->opened, exclusive);
    while (code == EINTR);
    if (code == EWOULDBLOCK)
        return segj_fail(SEGJ_ERR_LOCKED, "%s/%s: open elsewhere, %s lock refused", part->directory, part->name,
                         exclusive ? "exclusive" : "shared");
    if (code != 0 && code != ESTALE)
        return fail_part(code, part, "lock");
    *replaced = code == ESTALE;
    return SEGJ_OK;
}

/** What a listing has found so far. */
struct listing {
    const segj_part_t *part;
    uint64_t *sections;
    size_t count;
    size_t capacity;
    segj_status_t status; /* not SEGJ_OK: the visitor ended the listing and wrote the sentence */
};

static segj_status_t listing_add(struct listing *listing, uint64_t section)
{
    if (listing->count == listing->capacity) {
        size_t capacity = listing->capacity == 0 ? 64 : listing->capacity * 2;
        if (capacity > SIZE_MAX / sizeof *listing->sections)
            return segj_fail_memory(SIZE_MAX);
        uint64_t *larger = realloc(listing->sections, capacity * sizeof *larger);
        if (larger == NULL)
            return segj_fail_memory(capacity * sizeof *larger);
        listing->sections = larger;
        listing->capacity = capacity;
    }
    listing->sections[listing->count++] = section;
    return SEGJ_OK;
}

static int listing_visit(void *visit_context, const char *name, segj_entry_kind_t kind)
{
    struct listing *listing = visit_context;
    const segj_part_t *part = listing->part;
    uint64_t section;
    if (listing->status != SEGJ_OK)
        return ECANCELED; /* the first failure is kept, even if the storage goes on */
    if (name[0] == '.' || strcmp(name, "lost+found") == 0)
        return 0;
    if (!segj_section_parse(name, &section))
        listing->status = segj_fail(SEGJ_ERR_CORRUPT, "%s/%s: the entry \"%s\" is not named like a section",
                                    part->directory, part->name, name);
    else if (kind != SEGJ_ENTRY_FILE)
        listing->status = segj_fail(SEGJ_ERR_CORRUPT, "%s/%s/%s: named like a section, but no regular file",
                                    part->directory, part->name, name);
    else
        listing->status = listing_add(listing, section);
    return listing->status == SEGJ_OK ? 0 : ECANCELED;
}

static int compare_sections(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

/** Sorts, and drops repetitions: some file systems list an entry twice, and a section must not be opened twice. */
static void listing_sort(struct listing *listing)
{
    if (listing->count == 0)
        return;
    qsort(listing->sections, listing->count, sizeof *listing->sections, compare_sections);
    size_t kept = 1;
    for (size_t i = 1; i < listing->count; i++)
        if (listing->sections[i] != listing->sections[kept - 1])
            listing->sections[kept++] = listing->sections[i];
    listing->count = kept;
}

segj_status_t segj_part_sections(const segj_part_t *part, uint64_t **sections, size_t *count)
{
    struct listing listing = {.part = part, .status = SEGJ_OK};
    int code;
    do {
        listing.count = 0;
        code = part->storage->partition_list(part->opened, listing_visit, &listing);
    } while (code == EINTR && listing.status == SEGJ_OK);
    if (listing.status == SEGJ_OK && code != 0)
        listing.status = fail_part(code, part, "listing");
    if (listing.status != SEGJ_OK) {
        free(listing.sections);
        return listing.status;
    }
    listing_sort(&listing);
    *sections = listing.sections;
    *count = listing.count;
    return SEGJ_OK;
}

segj_status_t segj_part_sync(const segj_part_t *part)
{
    int code;
    do
        code = part->storage->partition_sync(part->opened);
    while (code == EINTR);
    return code == 0 ? SEGJ_OK : fail_part(code, part, "sync of the partition");
}

/* The name goes while the lock is still held, and the partition is closed behind it: closed before, another opener
   could take the lock of a partition that is about to lose its name, and would not learn of it. */
segj_status_t segj_part_remove(segj_part_t *part)
{
    const segj_storage_t *storage = part->storage;
    int code;
    do
        code = storage->partition_remove(storage->context, part->directory, part->name);
    while (code == EINTR);
    segj_part_close(part);
    return code == 0 || code == ENOENT ? SEGJ_OK : fail_part(code, part, "removal");
}

segj_status_t segj_part_sync_directory(const segj_part_t *part)
{
    const segj_storage_t *storage = part->storage;
    int code;
    do
        code = storage->directory_sync(storage->context, part->directory);
    while (code == EINTR);
    return code == 0 ? SEGJ_OK : only_io(segj_fail_code(code, "%s: sync of the directory", part->directory));
}

void segj_part_close(segj_part_t *part)
{
    if (part->opened != NULL)
        part->storage->partition_close(part->opened);
    part->opened = NULL;
}

static segj_status_t unlink_file(const segj_io_file_t *file)
{
    const segj_part_t *part = file->part;
    char text[SEGJ_NAME_LENGTH + 1];
    const char *name = name_of(file, text);
    int code;
    do
        code = part->storage->file_remove(part->opened, name);
    while (code == EINTR);
    /* A name that is gone already is what was asked for. */
    return code == 0 || code == ENOENT ? SEGJ_OK : fail_file(code, file, "removal");
}

segj_status_t segj_part_unlink(const segj_part_t *part, uint64_t section)
{
    const segj_io_file_t file = {.part = part, .section = section};
    return unlink_file(&file);
}

segj_status_t segj_part_unlink_name(const segj_part_t *part, const char *name)
{
    const segj_io_file_t file = {.part = part, .name = name};
    return unlink_file(&file);
}

segj_status_t segj_part_visit(const segj_part_t *part, segj_list_visit_t visit, void *visit_context, size_t *count)
{
    int code;
    do {
        *count = 0;
        code = part->storage->partition_list(part->opened, visit, visit_context);
    } while (code == EINTR);
    return code == 0 ? SEGJ_OK : fail_part(code, part, "listing");
}

/* --- files --- */

/* `result` says which file. */
static segj_status_t open_file(segj_io_file_t *file, segj_io_file_t result, segj_open_mode_t mode, bool *missing)
{
    const segj_part_t *part = result.part;
    char text[SEGJ_NAME_LENGTH + 1];
    const char *name = name_of(&result, text);
    int code;
    do
        code = part->storage->file_open(part->opened, name, mode, &result.opened);
    while (code == EINTR);
    if (code == ENOENT && missing != NULL && mode != SEGJ_OPEN_CREATE) {
        result.opened = NULL;
        *file = result;
        *missing = true;
        return SEGJ_OK;
    }
    if (code == 0 && result.opened == NULL)
        code = EIO; /* success without a file: the storage is broken */
    if (code == EEXIST && mode == SEGJ_OPEN_CREATE) {
        (void)fail_file(code, &result, "creation");
        return SEGJ_ERR_CORRUPT; /* somebody else has put it there */
    }
    if (code != 0)
        return fail_file(code, &result, "%s", mode == SEGJ_OPEN_CREATE ? "creation" : "open");
    *file = result;
    if (missing != NULL)
        *missing = false;
    return SEGJ_OK;
}

segj_status_t segj_io_open(segj_io_file_t *file, const segj_part_t *part, uint64_t section, segj_open_mode_t mode,
                           bool *missing)
{
    return open_file(file, (segj_io_file_t){.part = part, .section = section}, mode, missing);
}

segj_status_t segj_io_open_name(segj_io_file_t *file, const segj_part_t *part, const char *name, segj_open_mode_t mode,
                                bool *missing)
{
    return open_file(file, (segj_io_file_t){.part = part, .name = name}, mode, missing);
}

void segj_io_close(segj_io_file_t *file)
{
    if (file->opened != NULL)
        file->part->storage->file_close(file->opened);
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
        return fail_file(EFBIG, file, "pread of %zu bytes at offset %" PRIu64, size, offset);
    while (total < size) {
        size_t asked = size - total;
        size_t done = 0;
        int code = file->part->storage->file_read(file->opened, offset + total, to + total, asked, &done);
        if (code == EINTR)
            continue;
        if (code != 0)
            return fail_file(code, file, "pread of %zu bytes at offset %" PRIu64, asked, offset + total);
        if (done > asked)
            return fail_file(0, file, "pread of %zu bytes at offset %" PRIu64 ": the storage claims %zu bytes", asked,
                             offset + total, done);
        if (done == 0)
            break;
        total += done;
    }
    if (total < size && got == NULL)
        return fail_file(0, file, "pread of %zu bytes at offset %" PRIu64 ": the file ends after %zu of them", size,
                         offset, total);
    if (got != NULL)
        *got = total;
    return SEGJ_OK;
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
        int code = file->part->storage->file_write(file->opened, offset, slices, count, &done);
        if (done > asked)
            return fail_file(0, file, "pwrite of %" PRIu64 " bytes at offset %" PRIu64 ": the storage claims %zu bytes",
                             asked, offset, done);
        if (code != 0 && code != EINTR)
            return fail_file(code, file, "pwrite of %" PRIu64 " bytes at offset %" PRIu64, asked, offset);
        if (code == 0 && done == 0)
            return fail_file(0, file, "pwrite of %" PRIu64 " bytes at offset %" PRIu64 ": the storage took none", asked,
                             offset);
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
    for (size_t i = 0; i < count; i++) {
        left[i] = slices[i];
        fits = fits && segj_add_u64(size, slices[i].size, &size);
    }
    if (!fits || !in_bounds(offset, size))
        return fail_file(EFBIG, file, "pwrite of %" PRIu64 " bytes at offset %" PRIu64, size, offset);
    count = slices_advance(left, count, 0);
    return write_all(file, offset, left, count, size);
}

segj_status_t segj_io_size(const segj_io_file_t *file, uint64_t *size)
{
    uint64_t found = 0;
    int code;
    do
        code = file->part->storage->file_size(file->opened, &found);
    while (code == EINTR);
    if (code != 0)
        return fail_file(code, file, "size");
    if (found > SEGJ_FILE_SIZE_MAX)
        return fail_file(0, file, "size: the storage claims %" PRIu64 " bytes", found);
    *size = found;
    return SEGJ_OK;
}

segj_status_t segj_io_truncate(const segj_io_file_t *file, uint64_t size)
{
    int code = EFBIG;
    if (size <= SEGJ_FILE_SIZE_MAX)
        do
            code = file->part->storage->file_truncate(file->opened, size);
        while (code == EINTR);
    return code == 0 ? SEGJ_OK : fail_file(code, file, "truncation to %" PRIu64 " bytes", size);
}

segj_status_t segj_io_sync(const segj_io_file_t *file)
{
    int code;
    do
        code = file->part->storage->file_sync(file->opened);
    while (code == EINTR);
    return code == 0 ? SEGJ_OK : fail_file(code, file, "sync");
}

void segj_io_write_back(const segj_io_file_t *file, uint64_t offset, uint64_t size)
{
    if (file->part->storage->file_write_back != NULL && in_bounds(offset, size))
        file->part->storage->file_write_back(file->opened, offset, size);
}

bool segj_io_can_map(const segj_storage_t *storage)
{
    return storage->struct_size >= sizeof *storage && storage->file_map != NULL && storage->file_unmap != NULL;
}

bool segj_io_map(const segj_io_file_t *file, uint64_t offset, size_t size, const void **address, size_t *mapped)
{
    const segj_storage_t *storage = file->part->storage;
    int code;
    if (!segj_io_can_map(storage) || !in_bounds(offset, size))
        return false;
    do
        code = storage->file_map(file->opened, offset, size, address, mapped);
    while (code == EINTR);
    return code == 0 && *address != NULL && *mapped > 0 && *mapped <= size;
}
