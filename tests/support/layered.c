/* support/layered.c: see the header. */
#include "support/layered.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { UPPER_MOST = 8192, NAME_MOST = 32, BLOCK = 65536 };

/* The files that were copied, or made: each of a partition that is open. */
typedef struct upper {
    const segj_partition_t *partition;
    char name[NAME_MOST];
} upper_t;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static upper_t uppers[UPPER_MOST];
static size_t upper_count;
static layered_t seen;

static const segj_storage_t *below(void)
{
    return segj_storage_posix();
}

static upper_t *find(const segj_partition_t *partition, const char *name)
{
    for (size_t i = 0; i < upper_count; i++)
        if (uppers[i].partition == partition && strcmp(uppers[i].name, name) == 0)
            return &uppers[i];
    return NULL;
}

static void add(const segj_partition_t *partition, const char *name)
{
    if (upper_count == UPPER_MOST || strlen(name) >= NAME_MOST)
        abort();
    uppers[upper_count].partition = partition;
    (void)snprintf(uppers[upper_count].name, NAME_MOST, "%s", name);
    upper_count++;
}

static int copy_bytes(segj_file_t *from, segj_file_t *to)
{
    static uint8_t bytes[BLOCK];
    for (uint64_t offset = 0;;) {
        size_t got = 0;
        size_t done = 0;
        int code = below()->file_read(from, offset, bytes, sizeof bytes, &got);
        segj_slice_t slice = {bytes, got};
        if (code == 0 && got > 0)
            code = below()->file_write(to, offset, &slice, 1, &done);
        if (code != 0 || got == 0)
            return code;
        if (done != got)
            abort();
        offset += got;
    }
}

/* The old file goes on without a name. */
static int copy_up(segj_partition_t *partition, const char *name)
{
    segj_file_t *from = NULL;
    segj_file_t *to = NULL;
    int code = below()->file_open(partition, name, SEGJ_OPEN_READ, &from);
    if (code != 0)
        return code;
    if (seen.full)
        code = ENOSPC;
    if (code == 0)
        code = below()->file_remove(partition, name);
    if (code == 0)
        code = below()->file_open(partition, name, SEGJ_OPEN_CREATE, &to);
    if (code == 0) {
        code = copy_bytes(from, to);
        below()->file_close(to);
        add(partition, name);
        seen.copied++;
    }
    below()->file_close(from);
    return code;
}

static int layered_file_open(segj_partition_t *partition, const char *name, segj_open_mode_t mode, segj_file_t **opened)
{
    int code = 0;
    (void)pthread_mutex_lock(&mutex);
    bool upper = find(partition, name) != NULL;
    bool own = name[0] == '.'; /* no section's: who writes says so there */
    seen.writing += mode == SEGJ_OPEN_WRITE && !own;
    if (mode == SEGJ_OPEN_WRITE && !upper && !own)
        code = copy_up(partition, name);
    if (code == 0)
        code = below()->file_open(partition, name, mode, opened);
    if (mode == SEGJ_OPEN_CREATE && code == 0 && !upper)
        add(partition, name);
    (void)pthread_mutex_unlock(&mutex);
    return code;
}

static int layered_file_remove(segj_partition_t *partition, const char *name)
{
    (void)pthread_mutex_lock(&mutex);
    upper_t *upper = find(partition, name);
    if (upper != NULL)
        *upper = uppers[--upper_count];
    int code = below()->file_remove(partition, name);
    (void)pthread_mutex_unlock(&mutex);
    return code;
}

static void layered_partition_close(segj_partition_t *partition)
{
    (void)pthread_mutex_lock(&mutex);
    for (size_t i = upper_count; i-- > 0;)
        if (uppers[i].partition == partition)
            uppers[i] = uppers[--upper_count];
    (void)pthread_mutex_unlock(&mutex);
    below()->partition_close(partition);
}

const segj_storage_t *layered_storage(void)
{
    static segj_storage_t storage;
    (void)pthread_mutex_lock(&mutex);
    if (storage.struct_size == 0) {
        storage = *below();
        storage.file_open = layered_file_open;
        storage.file_remove = layered_file_remove;
        storage.partition_close = layered_partition_close;
    }
    (void)pthread_mutex_unlock(&mutex);
    return &storage;
}

layered_t *layered_seen(void)
{
    return &seen;
}

const segj_storage_t *tested_storage(void)
{
    return getenv("SEGJ_TEST_LAYERED") != NULL ? layered_storage()
                                               : segj_storage_posix(); /* NOLINT(concurrency-mt-unsafe) */
}
