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
#include "base/thread.h"

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

static bool is_exhausted(int code)
{
    return code == EMFILE || code == ENFILE;
}

/** Whether a call that opens something is to be made again. */
static bool again(int code, const segj_part_t *part)
{
    return code == EINTR || (is_exhausted(code) && part->give_back != NULL && part->give_back(part->owner));
}

bool segj_io_files_limit(const segj_storage_t *storage, uint64_t wanted, uint64_t *limit, uint64_t *left)
{
    int code = ENOSYS;
    if (SEGJ_STORAGE_HAS(storage, files_limit))
        do
            code = storage->files_limit(storage->context, wanted, limit, left);
        while (code == EINTR);
    return code == 0;
}

/** Adds to the sentence of a call that found no descriptor what bounds them, and what is to be done. */
static segj_status_t advise_exhausted(int code, const segj_part_t *part, segj_status_t status)
{
    uint64_t limit;
    uint64_t left;
    if (code == ENFILE)
        segj_say_behind(" (of the whole system: raise its limit, or close files)");
    else if (code == EMFILE && segj_io_files_limit(part->storage, 0, &limit, &left))
        segj_say_behind(" (the process may have %" PRIu64 " descriptors: raise RLIMIT_NOFILE, ulimit -n, or lower "
                        "max_open_files and what else is open)",
                        limit);
    else if (code == EMFILE)
        segj_say_behind(" (raise the limit, or lower max_open_files and what else is open)");
    return status;
}

static segj_status_t fail_part(int code, const segj_part_t *part, const char *what)
{
    return advise_exhausted(code, part, only_io(segj_fail_code(code, "%s/%s: %s", part->directory, part->name, what)));
}

/* A file's name, in `room` where it is a section's. */
static const char *name_of(const segj_io_file_t *file, char room[SEGJ_NAME_LENGTH + 1])
{
    if (file->name != NULL)
        return file->name;
    segj_section_name(file->section, room);
    return room;
}

/* Whether a change is allowed. The journal's own files are changed in asking that. */
static segj_status_t ask_guard(const segj_part_t *part, const char *name)
{
    return part->guard == NULL || name != NULL ? SEGJ_OK : part->guard->ask(part->guard->context);
}

static segj_status_t fail_file(int code, const segj_io_file_t *file, const char *format, ...) SEGJ_PRINTF(3, 4);

/** `code` 0: the text is the whole reason. */
static segj_status_t fail_file(int code, const segj_io_file_t *file, const char *format, ...)
{
    const segj_part_t *part = file->part;
    char what[256];
    char room[SEGJ_NAME_LENGTH + 1];
    const char *name = name_of(file, room);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    if (code == 0)
        return segj_fail(SEGJ_ERR_IO, "%s/%s/%s: %s", part->directory, part->name, name, what);
    return advise_exhausted(code, part,
                            only_io(segj_fail_code(code, "%s/%s/%s: %s", part->directory, part->name, name, what)));
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

/* Puts what is to be done behind the sentence. */
static segj_status_t advise(segj_status_t status, const char *advice)
{
    if (advice != NULL)
        segj_say_behind("; %s", advice);
    return status;
}

/* Of a change that is not allowed. */
static const char *advice_to_read(int code)
{
    return code == EROFS || code == EACCES || code == EPERM ? "config.read_only opens a journal without a change"
                                                            : NULL;
}

/* A call that file systems without it refuse so. */
static bool is_lacking(int code)
{
#if ENOTSUP != EOPNOTSUPP
    if (code == ENOTSUP)
        return true;
#endif
    return code == EINVAL || code == EBADF || code == ENOLCK || code == ENOSYS || code == EOPNOTSUPP;
}

static segj_status_t fail_names(int code, const segj_part_t *part, const char *path, const char *what)
{
    segj_status_t status = advise_exhausted(code, part, only_io(segj_fail_code(code, "%s: %s", path, what)));
    return advise(status, is_lacking(code)
                              ? "this file system does not make names durable, and cannot keep a journal that "
                                "is written to"
                              : NULL);
}

/* ENOTDIR does not say what is no directory: the partition, its directory, or what that lies below. */
static segj_status_t fail_no_directory(const segj_part_t *part, const char *what)
{
    const segj_storage_t *storage = part->storage;
    char file[512] = "";
    char *end;
    (void)snprintf(file, sizeof file, "%s", part->directory);
    bool asked = SEGJ_STORAGE_HAS(storage, directory_check) && strlen(part->directory) < sizeof file;
    int code = asked ? storage->directory_check(storage->context, file) : ENOSYS;
    if (code == 0)
        return segj_fail_from(ENOTDIR, SEGJ_ERR_IO, "%s/%s is a file, and no partition", part->directory, part->name);
    if (code != ENOTDIR)
        return fail_part(ENOTDIR, part, what);
    while (code == ENOTDIR && (end = strrchr(file, '/')) != NULL && end != file) {
        *end = '\0';
        code = storage->directory_check(storage->context, file);
        if (code != ENOTDIR)
            *end = '/';
    }
    return segj_fail_from(ENOTDIR, SEGJ_ERR_IO, "%s is not a directory", file);
}

segj_status_t segj_part_create(const segj_part_t *part)
{
    const segj_storage_t *storage = part->storage;
    int code;
    do
        code = storage->partition_create(storage->context, part->directory, part->name);
    while (again(code, part));
    if (code == ENOENT)
        return segj_fail_from(code, SEGJ_ERR_IO,
                              "%s: the directory above it is missing; an open makes one level, and no more",
                              part->directory);
    if (code == ENOTDIR)
        return fail_no_directory(part, "creation");
    return code == 0 ? SEGJ_OK : fail_part(code, part, "creation");
}

segj_status_t segj_part_open(segj_part_t *part, bool *missing)
{
    const segj_storage_t *storage = part->storage;
    segj_partition_t *opened = NULL;
    int code;
    do
        code = storage->partition_open(storage->context, part->directory, part->name, &opened);
    while (again(code, part));
    if (code == ENOENT && missing != NULL) {
        part->opened = NULL;
        *missing = true;
        return SEGJ_OK;
    }
    if (code == 0 && opened == NULL)
        code = EIO; /* success without a partition: the storage is broken */
    if (code == ELOOP)
        return segj_fail_from(code, SEGJ_ERR_IO, "%s/%s: the partition is a link, and links are not followed there",
                              part->directory, part->name);
    if (code == ENOTDIR)
        return fail_no_directory(part, "open");
    if (code != 0)
        return fail_part(code, part, "open");
    part->opened = opened;
    if (missing != NULL)
        *missing = false;
    return SEGJ_OK;
}

/* Its opening has answered ENOENT. */
segj_status_t segj_part_not_found(const segj_part_t *part)
{
    const segj_storage_t *storage = part->storage;
    int code =
        SEGJ_STORAGE_HAS(storage, directory_check) ? storage->directory_check(storage->context, part->directory) : 0;
    if (code == ENOENT)
        segj_say("%s: there is no journal: the directory is missing", part->directory);
    else if (code == ENOTDIR)
        segj_say("%s: there is no journal: the directory above it is missing, or is none", part->directory);
    else
        segj_say("%s/%s: there is no journal: the partition is missing", part->directory, part->name);
    segj_say_code(ENOENT);
    return SEGJ_ERR_NOT_FOUND;
}

segj_status_t segj_part_lock(segj_part_t *part, bool exclusive, bool *replaced)
{
    int code;
    do
        code = part->storage->partition_lock(part->opened, exclusive);
    while (code == EINTR);
    if (code == EWOULDBLOCK)
        return segj_fail_from(code, SEGJ_ERR_LOCKED, "%s/%s: open elsewhere, %s lock refused: %s, holds it",
                              part->directory, part->name, exclusive ? "exclusive" : "shared",
                              exclusive ? "a writer or a reader, or a child process forked by one"
                                        : "a writer, or a child process forked by one");
    if (code != 0 && code != ESTALE)
        return advise(fail_part(code, part, "lock"),
                      is_lacking(code) ? "this file system has no locks on directories, and cannot keep a journal"
                                       : NULL);
    *replaced = code == ESTALE;
    return SEGJ_OK;
}

bool segj_part_is_beside(const segj_part_t *part, const segj_part_t *other)
{
    return !SEGJ_STORAGE_HAS(part->storage, partition_beside) ||
           part->storage->partition_beside(part->opened, other->opened) == 0;
}

/* What partition_named says, in a sentence. A partition that is gone is what a removal asks for. */
static segj_status_t judge_named(int code, const segj_part_t *part)
{
    if (code == 0 || code == ENOENT)
        return SEGJ_OK;
    if (code != ESTALE)
        return fail_part(code, part, "removal");
    return segj_fail_from(
        code, SEGJ_ERR_MISMATCH,
        "%s/%s: removal: what is open was renamed or replaced, and is not what the name stands for; it stays",
        part->directory, part->name);
}

segj_status_t segj_part_named(const segj_part_t *part)
{
    int code = 0;
    if (SEGJ_STORAGE_HAS(part->storage, partition_named))
        do
            code = part->storage->partition_named(part->opened);
        while (code == EINTR);
    return judge_named(code, part);
}

/** What a listing has found so far. */
struct io_listing {
    const segj_part_t *part;
    uint64_t *sections;
    size_t count;
    size_t capacity;
    segj_status_t status; /* not SEGJ_OK: the visitor ended the listing and wrote the sentence */
};

static segj_status_t listing_add(struct io_listing *listing, uint64_t section)
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
    struct io_listing *listing = visit_context;
    const segj_part_t *part = listing->part;
    uint64_t section;
    if (listing->status != SEGJ_OK)
        return ECANCELED; /* the first failure is kept, even if the storage goes on */
    if (name[0] == '.' || strcmp(name, "lost+found") == 0)
        return 0;
    if (!segj_section_parse(name, &section))
        listing->status =
            segj_fail(SEGJ_ERR_CORRUPT, "%s/%s: the entry \"%s\" is not named like a section: move it away",
                      part->directory, part->name, name);
    else if (kind != SEGJ_ENTRY_FILE)
        listing->status =
            segj_fail(SEGJ_ERR_CORRUPT, "%s/%s/%s: named like a section, but no regular file: move it away",
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
static void listing_sort(struct io_listing *listing)
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
    struct io_listing listing = {.part = part, .status = SEGJ_OK};
    int code;
    do {
        listing.count = 0;
        code = part->storage->partition_list(part->opened, listing_visit, &listing);
    } while (listing.status == SEGJ_OK && again(code, part));
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
    char path[512];
    if (code == 0)
        return SEGJ_OK;
    (void)snprintf(path, sizeof path, "%s/%s", part->directory, part->name);
    return fail_names(code, part, path, "sync of the partition");
}

/** What is in a partition that should be empty. */
struct rest {
    char name[256];
    bool any, foreign; /* the name is one that no file system gives to a file that it has not let go yet */
};

static int rest_visit(void *visit_context, const char *name, segj_entry_kind_t kind)
{
    struct rest *rest = visit_context;
    bool foreign = strncmp(name, ".fuse_hidden", 12) != 0 && strncmp(name, ".nfs", 4) != 0;
    (void)kind;
    if (!rest->any || (foreign && !rest->foreign))
        (void)snprintf(rest->name, sizeof rest->name, "%s", name);
    rest->any = true;
    rest->foreign = rest->foreign || foreign;
    return 0;
}

static struct rest rest_of(const segj_part_t *part)
{
    struct rest rest = {.any = false};
    int code = 0;
    if (part->opened == NULL)
        return rest;
    do
        code = part->storage->partition_list(part->opened, rest_visit, &rest);
    while (code == EINTR);
    rest.foreign = rest.foreign || code != 0; /* nothing to wait for */
    return rest;
}

static int remove_once(const segj_part_t *part)
{
    const segj_storage_t *storage = part->storage;
    int code;
    do
        code = part->opened != NULL && SEGJ_STORAGE_HAS(storage, partition_remove_open)
                   ? storage->partition_remove_open(part->opened)
                   : storage->partition_remove(storage->context, part->directory, part->name);
    while (again(code, part));
    return code;
}

static segj_status_t fail_rest(const segj_part_t *part, const struct rest *rest)
{
    segj_status_t status = fail_part(ENOTEMPTY, part, "removal");
    if (!rest->any)
        return advise(status, "nothing is seen in it; open and destroy the journal once more");
    if (rest->foreign)
        segj_say_behind(": \"%s\" is not the journal's, and stays; without it a second open and destroy will do",
                        rest->name);
    else
        segj_say_behind(": \"%s\" is left of a file that the file system has not let go yet; a second open and "
                        "destroy will do",
                        rest->name);
    return status;
}

/* Where files are closed with a delay, as behind FUSE and NFS, a file that was open when it was removed keeps a hidden
 * name until then; a little later it is gone. */
segj_status_t segj_part_remove(const segj_part_t *part)
{
    static const unsigned pauses[] = {5, 10, 20, 40, 80, 145}; /* in milliseconds */
    struct rest rest = {.any = false};
    segj_status_t status = ask_guard(part, NULL);
    if (status != SEGJ_OK)
        return status;
    int code = remove_once(part);
    for (size_t i = 0; i <= sizeof pauses / sizeof pauses[0] && code == ENOTEMPTY; i++) {
        rest = rest_of(part);
        if (rest.foreign || i == sizeof pauses / sizeof pauses[0])
            return fail_rest(part, &rest);
        segj_pause(pauses[i]);
        /* A name that nobody holds any more, and that was forgotten, is taken away; one that is held stays. */
        if (i > 0 && rest.any)
            (void)part->storage->file_remove(part->opened, rest.name);
        code = remove_once(part);
    }
    return judge_named(code, part);
}

segj_status_t segj_part_sync_directory(const segj_part_t *part)
{
    const segj_storage_t *storage = part->storage;
    bool by_part = part->opened != NULL && SEGJ_STORAGE_HAS(storage, partition_sync_directory);
    int code;
    do
        code = by_part ? storage->partition_sync_directory(part->opened)
                       : storage->directory_sync(storage->context, part->directory);
    while (again(code, part));
    return code == 0 ? SEGJ_OK : fail_names(code, part, part->directory, "sync of the directory");
}

void segj_part_close(segj_part_t *part)
{
    if (part->opened != NULL)
        part->storage->partition_close(part->opened);
    part->opened = NULL;
}

static segj_status_t unlink_file(const segj_io_file_t *file)
{
    char room[SEGJ_NAME_LENGTH + 1];
    const char *name = name_of(file, room);
    int code;
    segj_status_t status = ask_guard(file->part, file->name);
    if (status != SEGJ_OK)
        return status;
    do
        code = file->part->storage->file_remove(file->part->opened, name);
    while (code == EINTR);
    /* A name that is gone already is what was asked for. */
    return code == 0 || code == ENOENT ? SEGJ_OK : fail_file(code, file, "removal");
}

segj_status_t segj_part_unlink(const segj_part_t *part, uint64_t section)
{
    const segj_io_file_t file = {.part = part, .section = section};
    return unlink_file(&file);
}

segj_status_t segj_part_unlink_named(const segj_part_t *part, const char *name)
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
    } while (again(code, part));
    return code == 0 ? SEGJ_OK : fail_part(code, part, "listing");
}

/* --- files --- */

/* `file` says of which partition and name, and is set on success alone. */
static segj_status_t open_file(segj_io_file_t *file, segj_io_file_t result, segj_open_mode_t mode, bool *missing)
{
    const segj_part_t *part = result.part;
    char room[SEGJ_NAME_LENGTH + 1];
    const char *name = name_of(&result, room);
    int code;
    segj_status_t status = mode == SEGJ_OPEN_CREATE ? ask_guard(part, result.name) : SEGJ_OK;
    if (status != SEGJ_OK)
        return status;
    result.writable = mode != SEGJ_OPEN_READ;
    do
        code = part->storage->file_open(part->opened, name, mode, &result.opened);
    while (again(code, part));
    if (code == ENOENT && missing != NULL && mode != SEGJ_OPEN_CREATE) {
        result.opened = NULL;
        *file = result;
        *missing = true;
        return SEGJ_OK;
    }
    if (code == 0 && result.opened == NULL)
        code = EIO; /* success without a file: the storage is broken */
    file->exhausted = is_exhausted(code);
    if (code == EEXIST && mode == SEGJ_OPEN_CREATE) {
        (void)fail_file(code, &result, "creation");
        return SEGJ_ERR_CORRUPT; /* somebody else has put it there */
    }
    if (code != 0)
        return advise(fail_file(code, &result, "%s", mode == SEGJ_OPEN_CREATE ? "creation" : "open"),
                      mode != SEGJ_OPEN_READ ? advice_to_read(code) : NULL);
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

segj_status_t segj_io_open_named(segj_io_file_t *file, const segj_part_t *part, const char *name, segj_open_mode_t mode,
                                 bool *missing)
{
    return open_file(file, (segj_io_file_t){.part = part, .name = name}, mode, missing);
}

segj_status_t segj_io_lock(const segj_io_file_t *file, bool exclusive)
{
    const segj_storage_t *storage = file->part->storage;
    int code = 0;
    if (SEGJ_STORAGE_HAS(storage, file_lock))
        do
            code = storage->file_lock(file->opened, exclusive);
        while (code == EINTR);
    if (code == 0 || is_lacking(code))
        return SEGJ_OK;
    if (code != EWOULDBLOCK)
        return fail_file(code, file, "lock");
    return segj_fail_from(code, SEGJ_ERR_LOCKED,
                          "%s/%s/%s: open elsewhere, %s lock refused: by another way to the directory, or on "
                          "another machine",
                          file->part->directory, file->part->name, file->name, exclusive ? "exclusive" : "shared");
}

segj_status_t segj_io_refresh(const segj_io_file_t *file, bool written)
{
    const segj_storage_t *storage = file->part->storage;
    int code = 0;
    if (SEGJ_STORAGE_HAS(storage, file_refresh))
        do
            code = storage->file_refresh(file->opened, written);
        while (code == EINTR);
    return code == 0 ? SEGJ_OK : fail_file(code, file, "looking for what others wrote");
}

bool segj_io_opener(const segj_storage_t *storage, segj_opener_t *opener)
{
    return SEGJ_STORAGE_HAS(storage, opener) && storage->opener(storage->context, opener) == 0;
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
        return fail_file(0, file, "pread of %zu bytes at offset %" PRIu64 ": files end at 2^63 - 1 bytes", size,
                         offset);
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
        return fail_file(0, file, "pread of %zu bytes at offset %" PRIu64 ": the file ends after %zu bytes", size,
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
    segj_status_t status = ask_guard(file->part, file->name);
    if (status != SEGJ_OK)
        return status;
    for (size_t i = 0; i < count; i++) {
        left[i] = slices[i];
        fits = fits && segj_add_u64(size, slices[i].size, &size);
    }
    if (!fits || !in_bounds(offset, size))
        return fail_file(0, file, "pwrite of %" PRIu64 " bytes at offset %" PRIu64 ": files end at 2^63 - 1 bytes",
                         size, offset);
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
    int code;
    segj_status_t status = ask_guard(file->part, file->name);
    if (status != SEGJ_OK)
        return status;
    if (size > SEGJ_FILE_SIZE_MAX)
        return fail_file(0, file, "truncation to %" PRIu64 " bytes: files end at 2^63 - 1 bytes", size);
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
    return SEGJ_STORAGE_HAS(storage, file_map) && SEGJ_STORAGE_HAS(storage, file_unmap);
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
