/* promises/watch.c: see promises/watch.h. */
#include "promises/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "support/layered.h"

enum { FILES_MOST = 300 }; /* a few more than a journal opens by default */

typedef struct watched {
    segj_file_t *file; /* NULL: free */
    bool unsynced;
} watched_t;

static watch_t seen;
static segj_storage_t table;
static const segj_storage_t *below;
static watched_t files[FILES_MOST];

/* NULL: the file that says who has the journal open, of which nothing is promised. */
static watched_t *find(const segj_file_t *file)
{
    for (size_t i = 0; i < FILES_MOST; i++)
        if (files[i].file == file)
            return &files[i];
    return NULL;
}

static void mark(segj_file_t *file, bool unsynced)
{
    watched_t *watched = find(file);
    if (watched == NULL)
        return;
    if (watched->unsynced != unsynced)
        seen.unsynced = unsynced ? seen.unsynced + 1 : seen.unsynced - 1;
    watched->unsynced = unsynced;
}

static int watch_partition_create(void *context, const char *directory, const char *partition)
{
    seen.changes++;
    return below->partition_create(context, directory, partition);
}

static int watch_partition_sync(segj_partition_t *partition)
{
    seen.names_synced++;
    return seen.quick ? 0 : below->partition_sync(partition);
}

static int watch_file_open(segj_partition_t *partition, const char *name, segj_open_mode_t mode, segj_file_t **opened)
{
    int result = below->file_open(partition, name, mode, opened);
    if (result != 0 || name[0] == '.') /* no section's */
        return result;
    *find(NULL) = (watched_t){*opened, false};
    seen.files_open++;
    if (seen.files_open > seen.files_open_most)
        seen.files_open_most = seen.files_open;
    seen.changes += mode == SEGJ_OPEN_CREATE;
    return 0;
}

static void watch_file_close(segj_file_t *file)
{
    watched_t *watched = find(file);
    if (watched != NULL) {
        seen.closed_unsynced += watched->unsynced;
        mark(file, false);
        watched->file = NULL;
        seen.files_open--;
    }
    below->file_close(file);
}

static int watch_file_remove(segj_partition_t *partition, const char *name)
{
    seen.changes++;
    return below->file_remove(partition, name);
}

static int watch_file_read(segj_file_t *file, uint64_t offset, void *buffer, size_t size, size_t *done)
{
    int code = below->file_read(file, offset, buffer, size, done);
    seen.reads += find(file) != NULL;
    seen.bytes_read += find(file) != NULL ? *done : 0;
    return code;
}

static int watch_file_write(segj_file_t *file, uint64_t offset, const segj_slice_t *slices, size_t count, size_t *done)
{
    if (find(file) == NULL)
        return below->file_write(file, offset, slices, count, done);
    if (seen.full && seen.writes_before_full == 0) {
        seen.writes_refused++;
        if (seen.writes_refused == seen.refusals_most)
            seen.full = false;
        *done = 0;
        return ENOSPC;
    }
    if (seen.full)
        seen.writes_before_full--;
    seen.changes++;
    mark(file, true);
    return below->file_write(file, offset, slices, count, done);
}

static int watch_file_truncate(segj_file_t *file, uint64_t size)
{
    seen.changes += find(file) != NULL;
    mark(file, true);
    return below->file_truncate(file, size);
}

static int watch_file_sync(segj_file_t *file)
{
    int result = seen.quick ? 0 : below->file_sync(file);
    if (result == 0)
        mark(file, false);
    return result;
}

const segj_storage_t *watch_begin(void)
{
    seen = (watch_t){0};
    for (size_t i = 0; i < FILES_MOST; i++)
        files[i] = (watched_t){NULL, false};
    below = tested_storage();
    table = *below;
    table.partition_create = watch_partition_create;
    table.partition_sync = watch_partition_sync;
    table.file_open = watch_file_open;
    table.file_close = watch_file_close;
    table.file_remove = watch_file_remove;
    table.file_read = watch_file_read;
    table.file_write = watch_file_write;
    table.file_truncate = watch_file_truncate;
    table.file_sync = watch_file_sync;
    return &table;
}

watch_t *watch_seen(void)
{
    return &seen;
}
