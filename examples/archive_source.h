/*
 * archive_source.h: the names below the source of archive.c, and the value that each of them gets.
 */
#ifndef SEGJ_EXAMPLES_ARCHIVE_SOURCE_H
#define SEGJ_EXAMPLES_ARCHIVE_SOURCE_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive_job.h"

/* --- the list --- */

/** Adds a name, if it is of a type that is stored. Takes the path over. */
static void list_add(job_t *job, char *path)
{
    struct stat found;
    entry_t entry = {0};
    if (fstatat(job->source, path, &found, AT_SYMLINK_NOFOLLOW) == 0)
        entry = entry_describe(path, &found);
    else
        NOTICE("%s: %s; skipped", path, strerror(errno));
    if (entry.type == 0 && entry.size > 0)
        NOTICE("%s: " TOO_LARGE "; skipped", path);
    if (entry.type == 0) {
        job->passed_over++;
        free(path);
        return;
    }
    if (job->count % LIST_STEP == 0)
        job->items = grow(job->items, (job->count + LIST_STEP) * sizeof(item_t));
    job->items[job->count++] = (item_t){path, entry};
    job->bytes += entry.size;
}

static void list_directory(job_t *job, const char *path)
{
    const char *name = path[0] == '\0' ? "." : path;
    int descriptor = openat(job->source, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *directory = descriptor < 0 ? NULL : fdopendir(descriptor);
    if (directory == NULL) {
        NOTICE("%s: %s; what it holds is skipped", name, strerror(errno));
        return;
    }
    struct dirent *found;
    while (errno = 0, (found = readdir(directory)) != NULL) {
        if (strcmp(found->d_name, ".") == 0 || strcmp(found->d_name, "..") == 0)
            continue;
        size_t size = strlen(path) + 1 + strlen(found->d_name) + 1;
        char *joined = grow(NULL, size);
        snprintf(joined, size, "%s%s%s", path, path[0] == '\0' ? "" : "/", found->d_name);
        list_add(job, joined);
    }
    if (errno != 0)
        DIE("%s: %s", name, strerror(errno));
    closedir(directory);
}

/** A path sorts behind those of the directories it lies in, for these are its beginning. */
static int item_order(const void *a, const void *b)
{
    return strcmp(((const item_t *)a)->path, ((const item_t *)b)->path);
}

/** The list is its own queue of directories still to be read, so a deep tree costs no stack. */
static void list_source(job_t *job)
{
    job->phase = "list";
    list_directory(job, "");
    for (size_t i = 0; i < job->count; i++) {
        stop_if_asked(job);
        if (job->items[i].entry.type == 'd')
            list_directory(job, job->items[i].path);
    }
    if (job->count > 0)
        qsort(job->items, job->count, sizeof(item_t), item_order);
}

static int open_directory(int root, const char *path)
{
    int descriptor = openat(root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        DIE("%s: %s", path, strerror(errno));
    return descriptor;
}

/** Lists the source; where none was named, the first of some trees that is large enough to show something, or the last
 *  that is there: a bare system has no headers. */
static void choose_source(job_t *job)
{
    static const char *const trees[] = {"/usr/include", "/usr/share", "/usr/lib", "/etc"};
    enum { TREES = sizeof(trees) / sizeof(trees[0]), ENOUGH_NAMES = 100, ENOUGH_BYTES = 4000000 };
    bool enough = job->source_path != NULL;
    if (enough) {
        job->source = open_directory(AT_FDCWD, job->source_path);
        list_source(job);
    }
    for (size_t i = 0; i < TREES && !enough; i++) {
        int descriptor = open(trees[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (descriptor < 0)
            continue;
        job->source = descriptor; /* the names of a tree that was too small go with the process */
        job->source_path = trees[i];
        job->items = NULL;
        job->count = job->passed_over = 0;
        job->bytes = 0;
        list_source(job);
        enough = job->count >= ENOUGH_NAMES && job->bytes >= ENOUGH_BYTES;
    }
    if (job->source_path == NULL)
        DIE("there is nothing to archive in the usual places; please name a SOURCE");
}

static void print_source(const job_t *job)
{
    printf("archive   %s in %s: %zu names, %.1f MB; %zu others are passed over\n", job->source_path, job->work_path,
           job->count, MEGABYTES(job->bytes), job->passed_over);
}

/* --- their values --- */

/** A value in the making; the buffer is used again for every name. */
typedef struct value {
    unsigned char *data;
    size_t size, capacity;
} value_t;

static void value_reserve(value_t *value, uint64_t capacity)
{
    if (capacity <= value->capacity)
        return;
    value->data = grow(value->data, capacity);
    value->capacity = (size_t)capacity;
}

/** Puts a file's bytes behind what the value holds. Gives NULL, or why they cannot be stored. */
static const char *load_file(value_t *value, int root, const char *path, entry_t *entry)
{
    /* Not to wait for a writer, should a fifo have taken the file's place. */
    int file = openat(root, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat found;
    const char *failure = file < 0 || fstat(file, &found) != 0 ? strerror(errno) : NULL;
    if (failure == NULL) {
        *entry = entry_describe(path, &found); /* it may have changed since it was listed */
        if (entry->type == 'f')
            value_reserve(value, value->size + entry->size + CHUNK); /* the end is then met without growing */
        else
            failure = "no longer a file that can be stored";
    }
    size_t header = value->size;
    ssize_t done = CHUNK;
    while (failure == NULL && done > 0) {
        value_reserve(value, (uint64_t)value->size + CHUNK);
        done = read(file, value->data + value->size, CHUNK);
        value->size += done > 0 ? (size_t)done : 0;
        failure = done < 0 ? strerror(errno) : value->size > OVERSIZED_VALUE_MAX ? TOO_LARGE : NULL;
    }
    entry->size = value->size - header;
    if (file >= 0)
        close(file);
    return failure;
}

/** The same for the target of a link. */
static const char *load_link(value_t *value, int root, const char *path, entry_t *entry)
{
    value_reserve(value, (uint64_t)value->size + CHUNK);
    ssize_t done = readlinkat(root, path, (char *)value->data + value->size, CHUNK);
    if (done < 0 || done == CHUNK)
        return done < 0 ? strerror(errno) : "its target is too long";
    value->size += (size_t)done;
    entry->size = (uint64_t)done;
    return NULL;
}

/** Makes the value of a name, and its entry. What cannot be read gets a record all the same, which says so: each name
 *  keeps its place, and what follows goes by the journal instead of by what can be read then. */
static void load(value_t *value, int root, const item_t *item, entry_t *entry)
{
    size_t header = LENGTH_SIZE + strlen(item->path);
    value_reserve(value, header);
    put(value->data, header - LENGTH_SIZE, LENGTH_SIZE);
    memcpy(value->data + LENGTH_SIZE, item->path, header - LENGTH_SIZE);
    value->size = header;
    *entry = item->entry;
    const char *failure = entry->type == 'f'   ? load_file(value, root, item->path, entry)
                          : entry->type == 'l' ? load_link(value, root, item->path, entry)
                                               : NULL;
    if (failure != NULL) {
        NOTICE("%s: %s; skipped", item->path, failure);
        entry->type = 'x';
        entry->size = 0;
        value->size = header;
    }
}

#endif
