/*
 * storage/io_partitions.c: a storage's calls for partitions, as the library makes them: opening, locking, listing,
 * removing, and making names durable.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/process.h"
#include "base/thread.h"
#include "storage/io.h"
#include "storage/io_sentences.h"

static segj_status_t fail_names(int code, const segj_io_partition_t *partition, const char *path, const char *what)
{
    segj_status_t status =
        segj_io_advise_exhausted(code, partition, segj_io_only(segj_fail_code(code, "%s: %s", path, what)));
    status = segj_io_advise(status, segj_io_is_lacking(code)
                                        ? "this file system does not make names durable, and cannot keep a journal "
                                          "that is written to"
                                        : NULL);
    return segj_io_changed(partition, status);
}

/* ENOTDIR does not say what is no directory: the partition, its directory, or what that lies below. */
static segj_status_t fail_no_directory(const segj_io_partition_t *partition, const char *what)
{
    const segj_storage_t *storage = partition->storage;
    char file[512] = "";
    char *end;
    (void)snprintf(file, sizeof file, "%s", partition->directory);
    bool asked = SEGJ_STORAGE_HAS(storage, directory_check) && strlen(partition->directory) < sizeof file;
    int code = asked ? storage->directory_check(storage->context, file) : ENOSYS;
    if (code == 0)
        return segj_fail_from(ENOTDIR, SEGJ_ERR_IO, "%s/%s is a file, and no partition", partition->directory,
                              partition->name);
    if (code == ENOENT)
        return segj_fail_from(ENOTDIR, SEGJ_ERR_IO, "%s is a link, and there is nothing where it leads", file);
    if (code != ENOTDIR)
        return segj_io_fail_partition(ENOTDIR, partition, what);
    while (code == ENOTDIR && (end = strrchr(file, '/')) != NULL && end != file) {
        *end = '\0';
        code = storage->directory_check(storage->context, file);
        if (code != ENOTDIR)
            *end = '/';
    }
    return segj_fail_from(ENOTDIR, SEGJ_ERR_IO, "%s is not a directory", file);
}

/* Links lead to the directory; the partition must be none. */
static segj_status_t fail_links(const segj_io_partition_t *partition)
{
    const segj_storage_t *storage = partition->storage;
    if (SEGJ_STORAGE_HAS(storage, directory_check) &&
        storage->directory_check(storage->context, partition->directory) == ELOOP)
        return segj_fail_code(ELOOP, "%s", partition->directory);
    return segj_fail_from(ELOOP, SEGJ_ERR_IO, "%s/%s: the partition is a link, and links are not followed there",
                          partition->directory, partition->name);
}

segj_status_t segj_partition_create(const segj_io_partition_t *partition)
{
    const segj_storage_t *storage = partition->storage;
    int code;
    do
        code = partition->mode == 0
                   ? storage->partition_create(storage->context, partition->directory, partition->name)
                   : storage->partition_create_mode(storage->context, partition->directory, partition->name,
                                                    partition->mode | (partition->mode & 0444u) >> 2);
    while (segj_io_again(code, partition));
    if (code == ENOENT)
        return segj_fail_from(code, SEGJ_ERR_IO,
                              "%s: the directory above it is missing; an open makes one level, and no more",
                              partition->directory);
    if (code == ENOTDIR)
        return fail_no_directory(partition, "creation");
    return code == 0 ? SEGJ_OK : segj_io_changed(partition, segj_io_fail_partition(code, partition, "creation"));
}

segj_status_t segj_partition_open(segj_io_partition_t *partition, bool *missing)
{
    const segj_storage_t *storage = partition->storage;
    segj_partition_t *opened = NULL;
    int code;
    do
        code = storage->partition_open(storage->context, partition->directory, partition->name, &opened);
    while (segj_io_again(code, partition));
    if (code == ENOENT && missing != NULL) {
        partition->opened = NULL;
        *missing = true;
        return SEGJ_OK;
    }
    if (code == 0 && opened == NULL)
        code = EIO; /* success without a partition: the storage is broken */
    if (code == ELOOP)
        return fail_links(partition);
    if (code == ENOTDIR)
        return fail_no_directory(partition, "open");
    if (code != 0)
        return segj_io_fail_partition(code, partition, "open");
    partition->opened = opened;
    if (missing != NULL)
        *missing = false;
    return SEGJ_OK;
}

/* Its opening has answered ENOENT. */
segj_status_t segj_partition_not_found(const segj_io_partition_t *partition)
{
    const segj_storage_t *storage = partition->storage;
    int code = SEGJ_STORAGE_HAS(storage, directory_check)
                   ? storage->directory_check(storage->context, partition->directory)
                   : 0;
    if (code == ENOENT)
        segj_say("%s: there is no journal: the directory is missing", partition->directory);
    else if (code == ENOTDIR)
        segj_say("%s: there is no journal: the directory above it is missing, or is none", partition->directory);
    else
        segj_say("%s/%s: there is no journal: the partition is missing", partition->directory, partition->name);
    segj_say_code(ENOENT);
    return SEGJ_ERR_NOT_FOUND;
}

segj_status_t segj_partition_space(const segj_io_partition_t *partition, uint64_t *bytes, bool *told)
{
    int code = 0;
    *told = SEGJ_STORAGE_HAS(partition->storage, partition_space);
    if (*told)
        do
            code = partition->storage->partition_space(partition->opened, bytes);
        while (code == EINTR);
    return code == 0 ? SEGJ_OK : segj_io_fail_partition(code, partition, "question for free space");
}

bool segj_partition_holder(const segj_io_partition_t *partition, int64_t *process)
{
    return SEGJ_STORAGE_HAS(partition->storage, partition_holder) &&
           partition->storage->partition_holder(partition->opened, process) == 0;
}

/* Who may hold the lock, and which process has taken it, where the storage can tell. */
static segj_status_t fail_locked(const segj_io_partition_t *partition, bool exclusive)
{
    int64_t process = 0;
    segj_status_t status =
        segj_fail_from(EWOULDBLOCK, SEGJ_ERR_LOCKED, "%s/%s: open elsewhere, %s lock refused: %s, holds it",
                       partition->directory, partition->name, exclusive ? "exclusive" : "shared",
                       exclusive ? "a writer or a reader, or a child process forked by one"
                                 : "a writer, or a child process forked by one");
    if (!partition->again && segj_partition_holder(partition, &process))
        segj_say_after("; process %" PRId64 "%s has taken it", process,
                       process == segj_process_id() ? ", this one," : "");
    return status;
}

segj_status_t segj_partition_lock(segj_io_partition_t *partition, bool exclusive, bool *replaced)
{
    int code;
    do
        code = partition->storage->partition_lock(partition->opened, exclusive);
    while (code == EINTR);
    if (code == EWOULDBLOCK)
        return fail_locked(partition, exclusive);
    if (code != 0 && code != ESTALE)
        return segj_io_advise(segj_io_fail_partition(code, partition, "lock"),
                              segj_io_is_lacking(code)
                                  ? "this file system has no locks on directories, and cannot keep a journal"
                                  : NULL);
    *replaced = code == ESTALE;
    return SEGJ_OK;
}

segj_status_t segj_directory_hold(const segj_io_partition_t *partition, const char *name, const char *mark, bool make,
                                  bool *marked, segj_held_t **held)
{
    const segj_storage_t *storage = partition->storage;
    int code = ENOENT;
    *held = NULL;
    if (!SEGJ_STORAGE_HAS(storage, directory_release))
        return SEGJ_OK;
    do
        code = storage->directory_hold(storage->context, partition->directory, name, mark, make, marked, held);
    while (segj_io_again(code, partition));
    if (code == 0 || code == ENOENT)
        return SEGJ_OK;
    if (code == EWOULDBLOCK)
        return segj_fail_from(code, SEGJ_ERR_LOCKED, "%s/%s: open elsewhere", partition->directory, name);
    return segj_io_advise_exhausted(code, partition,
                                    segj_io_only(segj_fail_code(code, "%s/%s: lock", partition->directory, name)));
}

bool segj_partition_is_beside(const segj_io_partition_t *partition, const segj_io_partition_t *other)
{
    return !SEGJ_STORAGE_HAS(partition->storage, partition_beside) ||
           partition->storage->partition_beside(partition->opened, other->opened) == 0;
}

/* What partition_named says, in a sentence. A partition that is gone is what a removal asks for. */
static segj_status_t judge_named(int code, const segj_io_partition_t *partition)
{
    if (code == 0 || code == ENOENT)
        return SEGJ_OK;
    if (code != ESTALE)
        return segj_io_fail_partition(code, partition, "removal");
    return segj_fail_from(
        code, SEGJ_ERR_MISMATCH,
        "%s/%s: removal: what is open was renamed or replaced, and is not what the name stands for; it stays",
        partition->directory, partition->name);
}

segj_status_t segj_partition_named(const segj_io_partition_t *partition)
{
    int code = 0;
    if (SEGJ_STORAGE_HAS(partition->storage, partition_named))
        do
            code = partition->storage->partition_named(partition->opened);
        while (code == EINTR);
    return judge_named(code, partition);
}

/** What a listing has found so far. */
struct io_listing {
    const segj_io_partition_t *partition;
    uint64_t *sections;
    size_t count;
    size_t capacity;
    segj_status_t status;     /* not SEGJ_OK: the visitor ended the listing and wrote the sentence */
    segj_sentence_t *strange; /* NULL: a name that is no section's ends it; else it is passed over */
    bool removing;            /* the mark of a removal is there */
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

static int listing_end(struct io_listing *listing, segj_status_t status)
{
    listing->status = status;
    return status == SEGJ_OK ? 0 : ECANCELED;
}

static int listing_visit(void *visit_context, const char *name, segj_entry_kind_t kind)
{
    struct io_listing *listing = visit_context;
    const segj_io_partition_t *partition = listing->partition;
    uint64_t section;
    if (listing->status != SEGJ_OK)
        return ECANCELED; /* the first failure is kept, even if the storage continues */
    if (strcmp(name, SEGJ_REMOVING_NAME) == 0)
        listing->removing = true;
    if (name[0] == '.' || strcmp(name, "lost+found") == 0)
        return 0;
    if (strcmp(name, SEGJ_UNFINISHED_NAME) == 0)
        listing->status = segj_fail(SEGJ_ERR_CORRUPT,
                                    "%s/%s/%s: a copy of a journal into this directory was not completed: copy it "
                                    "once more, or remove the directory",
                                    partition->directory, partition->name, name);
    else if (!segj_section_parse(name, &section))
        listing->status =
            segj_fail(SEGJ_ERR_CORRUPT, "%s/%s: the entry \"%s\" is not named like a section: move it away",
                      partition->directory, partition->name, name);
    else if (kind != SEGJ_ENTRY_FILE)
        listing->status =
            segj_fail(SEGJ_ERR_CORRUPT, "%s/%s/%s: named like a section, but no regular file: move it away",
                      partition->directory, partition->name, name);
    else
        return listing_end(listing, listing_add(listing, section));
    if (listing->strange == NULL)
        return ECANCELED;
    if (listing->strange->text[0] == '\0')
        segj_keep(listing->strange);
    listing->status = SEGJ_OK;
    return 0;
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

segj_status_t segj_partition_sections(const segj_io_partition_t *partition, uint64_t **sections, size_t *count)
{
    return segj_partition_sections_among(partition, sections, count, NULL);
}

segj_status_t segj_partition_sections_among(const segj_io_partition_t *partition, uint64_t **sections, size_t *count,
                                            segj_sentence_t *strange)
{
    bool removing;
    return segj_partition_values(partition, sections, count, strange, &removing);
}

segj_status_t segj_partition_values(const segj_io_partition_t *partition, uint64_t **sections, size_t *count,
                                    segj_sentence_t *strange, bool *removing)
{
    struct io_listing listing = {.partition = partition, .status = SEGJ_OK, .strange = strange};
    int code;
    do {
        listing.count = 0;
        listing.removing = false;
        code = partition->storage->partition_list(partition->opened, listing_visit, &listing);
    } while (listing.status == SEGJ_OK && segj_io_again(code, partition));
    if (listing.status == SEGJ_OK && code != 0)
        listing.status = segj_io_fail_partition(code, partition, "listing");
    if (listing.status != SEGJ_OK) {
        free(listing.sections);
        return listing.status;
    }
    listing_sort(&listing);
    *sections = listing.sections;
    *count = listing.count;
    *removing = listing.removing;
    return SEGJ_OK;
}

segj_status_t segj_partition_sync(const segj_io_partition_t *partition)
{
    int code;
    do
        code = partition->storage->partition_sync(partition->opened);
    while (code == EINTR);
    char path[512];
    if (code == 0)
        return SEGJ_OK;
    (void)snprintf(path, sizeof path, "%s/%s", partition->directory, partition->name);
    return fail_names(code, partition, path, "sync of the partition");
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

static struct rest rest_of(const segj_io_partition_t *partition)
{
    struct rest rest = {.any = false};
    int code = 0;
    if (partition->opened == NULL)
        return rest;
    do
        code = partition->storage->partition_list(partition->opened, rest_visit, &rest);
    while (code == EINTR);
    rest.foreign = rest.foreign || code != 0; /* nothing to wait for */
    return rest;
}

static int remove_once(const segj_io_partition_t *partition)
{
    const segj_storage_t *storage = partition->storage;
    int code;
    do
        code = partition->opened != NULL && SEGJ_STORAGE_HAS(storage, partition_remove_open)
                   ? storage->partition_remove_open(partition->opened)
                   : storage->partition_remove(storage->context, partition->directory, partition->name);
    while (segj_io_again(code, partition));
    return code;
}

static segj_status_t fail_rest(const segj_io_partition_t *partition, const struct rest *rest)
{
    segj_status_t status = segj_io_fail_partition(ENOTEMPTY, partition, "removal");
    if (!rest->any)
        return segj_io_advise(status, "nothing is seen in it; open and destroy the journal once more");
    if (rest->foreign)
        segj_say_after(": \"%s\" is not the journal's, and stays; without it a second open and destroy will do",
                       rest->name);
    else
        segj_say_after(": \"%s\" is left of a file that the file system has not let go yet; a second open and "
                       "destroy will do",
                       rest->name);
    return status;
}

/* Where files are closed with a delay, as on FUSE and NFS, a file that was open when it was removed keeps a hidden
 * name until then; a little later it is gone. */
segj_status_t segj_partition_remove(const segj_io_partition_t *partition)
{
    static const unsigned pauses[] = {5, 10, 20, 40, 80, 145}; /* in milliseconds */
    struct rest rest = {.any = false};
    segj_status_t status = segj_io_ask_guard(partition, NULL);
    if (status != SEGJ_OK)
        return status;
    int code = remove_once(partition);
    for (size_t i = 0; i <= sizeof pauses / sizeof pauses[0] && code == ENOTEMPTY; i++) {
        rest = rest_of(partition);
        if (rest.foreign || i == sizeof pauses / sizeof pauses[0])
            return fail_rest(partition, &rest);
        segj_pause(pauses[i]);
        /* A hidden name that was forgotten is removed; one whose file is still open stays. */
        if (i > 0 && rest.any)
            (void)partition->storage->file_remove(partition->opened, rest.name);
        code = remove_once(partition);
    }
    return segj_io_changed(partition, judge_named(code, partition));
}

segj_status_t segj_partition_sync_directory(const segj_io_partition_t *partition)
{
    const segj_storage_t *storage = partition->storage;
    bool by_partition = partition->opened != NULL && SEGJ_STORAGE_HAS(storage, partition_sync_directory);
    int code;
    do
        code = by_partition ? storage->partition_sync_directory(partition->opened)
                            : storage->directory_sync(storage->context, partition->directory);
    while (segj_io_again(code, partition));
    return code == 0 ? SEGJ_OK : fail_names(code, partition, partition->directory, "sync of the directory");
}

void segj_partition_close(segj_io_partition_t *partition)
{
    if (partition->opened != NULL)
        partition->storage->partition_close(partition->opened);
    partition->opened = NULL;
}

segj_status_t segj_partition_visit(const segj_io_partition_t *partition, segj_list_visit_t visit, void *visit_context,
                                   size_t *count)
{
    int code;
    do {
        *count = 0;
        code = partition->storage->partition_list(partition->opened, visit, visit_context);
    } while (segj_io_again(code, partition));
    return code == 0 ? SEGJ_OK : segj_io_fail_partition(code, partition, "listing");
}
