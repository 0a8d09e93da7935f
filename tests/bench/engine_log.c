/*
 * bench/engine_log.c: the least that a sync after each record can cost on a file system: one file to which frames are
 * written behind each other, over zeros that were written ahead, and one fdatasync. No index; a reader walks the file.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "checksum/checksum.h"
#include "engine.h"

#define HEAD 12 /* bytes of the value, and the position */
#define TRAILER 4
#define AHEAD ((size_t)1 << 20)

typedef struct log_store {
    int fd;
    uint64_t end, ahead; /* of the frames that are written; of the file */
    uint8_t *buffer;
    size_t filled, capacity;
} log_store_t;

typedef struct log_reader {
    uint8_t *bytes;
    size_t size;
    uint64_t *places;
    uint64_t count;
} log_reader_t;

static const uint8_t *frame_at(const log_reader_t *reader, size_t at, size_t *size)
{
    if (reader->size - at < HEAD + TRAILER)
        return NULL;
    *size = segj_get_u32(reader->bytes + at);
    if (*size > reader->size - at - HEAD - TRAILER)
        return NULL;
    const uint8_t *frame = reader->bytes + at;
    uint32_t crc = segj_crc32(0, frame, HEAD + *size);
    return crc == segj_get_u32(frame + HEAD + *size) ? frame : NULL;
}

static bool load(log_store_t *store, log_reader_t *reader)
{
    struct stat found;
    if (fstat(store->fd, &found) != 0)
        return bench_fail_errno("fstat");
    reader->size = (size_t)found.st_size;
    reader->bytes = malloc(reader->size + 1);
    reader->places = malloc((reader->size / (HEAD + TRAILER) + 1) * sizeof *reader->places);
    if (reader->bytes == NULL || reader->places == NULL)
        return bench_fail("no memory");
    if (pread(store->fd, reader->bytes, reader->size, 0) != (ssize_t)reader->size)
        return bench_fail_errno("pread");
    size_t size;
    size_t at = 0;
    /* Zeros would be frames without a value, but for the position: only the first one has 0. */
    while (frame_at(reader, at, &size) != NULL && segj_get_u64(reader->bytes + at + 4) == reader->count) {
        reader->places[reader->count++] = at;
        at += HEAD + size + TRAILER;
    }
    store->end = at;
    store->ahead = reader->size;
    return true;
}

static void unload(log_reader_t *reader)
{
    free(reader->bytes);
    free(reader->places);
}

static bool log_close(void *opened)
{
    log_store_t *store = opened;
    bool good = store->fd < 0 || store->ahead == store->end || ftruncate(store->fd, (off_t)store->end) == 0;
    if (store->fd >= 0)
        (void)close(store->fd);
    free(store->buffer);
    free(store);
    return good || bench_fail_errno("ftruncate");
}

static bool log_open(const bench_engine_t *self, const bench_setup_t *setup, void **opened)
{
    (void)self;
    char *path = bench_path(setup->directory, "log");
    log_store_t *store = calloc(1, sizeof *store);
    log_reader_t found = {NULL, 0, NULL, 0};
    if (store == NULL || path == NULL)
        return bench_fail("no memory");
    store->fd = open(path, O_RDWR | O_CLOEXEC | (setup->create ? O_CREAT | O_EXCL : 0), 0644);
    bool good = store->fd >= 0 || bench_fail_errno(path);
    free(path);
    if (good && !setup->create)
        good = load(store, &found);
    unload(&found);
    if (!good)
        return log_close(store), false;
    *opened = store;
    return true;
}

static bool log_append(void *opened, const bench_record_t *records, size_t count)
{
    log_store_t *store = opened;
    for (size_t i = 0; i < count; i++) {
        size_t frame = HEAD + records[i].size + TRAILER;
        if (frame > store->capacity - store->filled) {
            size_t capacity = 2 * store->capacity + frame;
            uint8_t *larger = realloc(store->buffer, capacity);
            if (larger == NULL)
                return bench_fail("no memory");
            store->buffer = larger;
            store->capacity = capacity;
        }
        uint8_t *to = store->buffer + store->filled;
        segj_put_u32(to, (uint32_t)records[i].size);
        segj_put_u64(to + 4, records[i].position);
        if (records[i].size > 0)
            memcpy(to + HEAD, records[i].value, records[i].size);
        segj_put_u32(to + HEAD + records[i].size, segj_crc32(0, to, HEAD + records[i].size));
        store->filled += frame;
    }
    return true;
}

static bool write_all(int fd, const uint8_t *bytes, size_t size, uint64_t offset)
{
    while (size > 0) {
        ssize_t written = pwrite(fd, bytes, size, (off_t)offset);
        if (written < 0)
            return bench_fail_errno("pwrite");
        bytes += written;
        size -= (size_t)written;
        offset += (uint64_t)written;
    }
    return true;
}

static bool log_sync(void *opened)
{
    static const uint8_t zeros[AHEAD];
    log_store_t *store = opened;
    uint64_t end = store->end + store->filled;
    if (!write_all(store->fd, store->buffer, store->filled, store->end))
        return false;
    if (end > store->ahead) {
        if (!write_all(store->fd, zeros, sizeof zeros, end))
            return false;
        store->ahead = end + sizeof zeros;
    }
    store->end = end;
    store->filled = 0;
    return fdatasync(store->fd) == 0 || bench_fail_errno("fdatasync");
}

static bool log_reader_open(void *opened, bool many, void **made)
{
    (void)many;
    log_reader_t *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return bench_fail("no memory");
    if (!load(opened, reader)) {
        unload(reader);
        free(reader);
        return false;
    }
    *made = reader;
    return true;
}

static void log_reader_close(void *closed)
{
    unload(closed);
    free(closed);
}

static bool log_read(void *opened, uint64_t position, const void **value, size_t *size)
{
    log_reader_t *reader = opened;
    if (position >= reader->count)
        return bench_fail("no such record");
    const uint8_t *frame = reader->bytes + reader->places[position];
    *size = segj_get_u32(frame);
    *value = frame + HEAD;
    return true;
}

static bool log_scan(void *opened, bench_visit_t visit, void *context)
{
    log_reader_t *reader = opened;
    for (uint64_t i = 0; i < reader->count; i++) {
        const void *value;
        size_t size;
        if (!log_read(reader, i, &value, &size) || !visit(context, i, value, size))
            return false;
    }
    return true;
}

const bench_engine_t bench_floor_log = {.label = "floor+log",
                                        .options = "one file, frames over zeros of 1 MiB ahead, checksums by the "
                                                   "library's routine, pwrite and fdatasync",
                                        .can = BENCH_SYNCS,
                                        .writes = true,
                                        .open = log_open,
                                        .append = log_append,
                                        .sync = log_sync,
                                        .close = log_close,
                                        .reader_open = log_reader_open,
                                        .reader_close = log_reader_close,
                                        .read = log_read,
                                        .scan = log_scan};
