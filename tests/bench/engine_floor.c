/*
 * bench/engine_floor.c: see floor.h. This file appends and syncs.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "floor.h"

/* --- open and close --- */

static bool open_file(const char *directory, const char *name, bool create, int *fd)
{
    char *path = bench_path(directory, name);
    if (path == NULL)
        return false;
    *fd = open(path, O_RDWR | O_CLOEXEC | (create ? O_CREAT | O_EXCL : 0), 0644);
    bool good = *fd >= 0 || bench_fail_errno(path);
    free(path);
    return good;
}

static bool sync_directory(const char *directory)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        (void)close(fd);
    return good || bench_fail_errno(directory);
}

/* Where the index ends, and with it the values. The last page goes on being filled. */
static bool find_end(floor_store_t *store)
{
    struct stat found;
    if (fstat(store->index, &found) != 0)
        return bench_fail_errno("fstat");
    uint64_t pages = (uint64_t)found.st_size / FLOOR_PAGE_ON_DISK;
    if (pages == 0)
        return true;
    store->first_page = pages - 1;
    off_t offset = (off_t)(store->first_page * FLOOR_PAGE_ON_DISK);
    if (pread(store->index, store->pages, FLOOR_PAGE_ON_DISK, offset) != (ssize_t)FLOOR_PAGE_ON_DISK)
        return bench_fail_errno("pread");
    store->synced = floor_page_verify(store->pages, store->first_page);
    store->filled = store->synced.length;
    store->records = (store->first_page * FLOOR_PAGE + store->filled) / FLOOR_RECORD;
    if (store->filled == FLOOR_PAGE) {
        store->first_page++;
        store->filled = 0;
        store->synced = (floor_page_state_t){0, 0, 0};
    }
    floor_location_t last;
    if (store->records == 0 || !floor_locate(store, store->records - 1, &last))
        return bench_fail("the floor's last record cannot be read");
    store->values_size = store->frames_offset = last.offset + last.size;
    return true;
}

static bool floor_close(void *opened)
{
    floor_store_t *store = opened;
    if (store->index >= 0)
        (void)close(store->index);
    if (store->values >= 0)
        (void)close(store->values);
    (void)ZSTD_freeCCtx(store->compressor);
    (void)pthread_mutex_destroy(&store->change);
    (void)pthread_mutex_destroy(&store->writing);
    free(store->frames);
    free(store->frames_spare);
    free(store->pages);
    free(store->pages_spare);
    free(store->locations);
    free(store);
    return true;
}

static bool allocate(floor_store_t *store, bool reading)
{
    store->pages = malloc(FLOOR_PAGES * FLOOR_PAGE_ON_DISK);
    if (reading)
        return store->pages != NULL || bench_fail("no memory");
    store->frames = malloc(FLOOR_FRAMES);
    store->frames_spare = malloc(FLOOR_FRAMES);
    store->pages_spare = malloc(FLOOR_PAGES * FLOOR_PAGE_ON_DISK);
    store->compressor = store->compress ? ZSTD_createCCtx() : NULL;
    bool good = store->pages != NULL && store->frames != NULL && store->frames_spare != NULL &&
                store->pages_spare != NULL && (!store->compress || store->compressor != NULL);
    return good || bench_fail("no memory");
}

static bool floor_open(const bench_engine_t *self, const bench_setup_t *setup, void **opened)
{
    floor_store_t *store = calloc(1, sizeof *store);
    if (store == NULL)
        return bench_fail("no memory");
    store->index = store->values = -1;
    store->variant = self->variant;
    store->compress = setup->compress;
    (void)pthread_mutex_init(&store->change, NULL);
    (void)pthread_mutex_init(&store->writing, NULL);
    bool good = allocate(store, setup->reading) && open_file(setup->directory, "index", setup->create, &store->index) &&
                open_file(setup->directory, "values", setup->create, &store->values);
    if (good)
        good = setup->create ? sync_directory(setup->directory) : find_end(store);
    if (!good)
        return floor_close(store), false;
    *opened = store;
    return true;
}

/* --- writing --- */

static bool write_at(const floor_store_t *store, int fd, const uint8_t *bytes, size_t size, uint64_t offset)
{
    for (size_t done = 0; done < size;) {
        ssize_t count = pwrite(fd, bytes + done, size - done, (off_t)(offset + done));
        if (count <= 0)
            return bench_fail_errno("pwrite");
        done += (size_t)count;
    }
    if ((store->variant & FLOOR_WRITE_BACK) != 0 && size > 0)
        (void)sync_file_range(fd, (off_t)offset, (off_t)size, SYNC_FILE_RANGE_WRITE);
    return true;
}

static bool flush_frames(floor_store_t *store)
{
    if (!write_at(store, store->values, store->frames, store->frames_used, store->frames_offset))
        return false;
    store->frames_offset += store->frames_used;
    store->frames_used = 0;
    return true;
}

static bool flush_pages(floor_store_t *store)
{
    (void)pthread_mutex_lock(&store->writing);
    bool good = write_at(store, store->index, store->pages, store->page * FLOOR_PAGE_ON_DISK,
                         store->first_page * FLOOR_PAGE_ON_DISK);
    (void)pthread_mutex_unlock(&store->writing);
    store->first_page += store->page;
    store->page = 0;
    return good;
}

static void put_slot(uint8_t *page, floor_page_state_t state)
{
    uint8_t *slot = page + FLOOR_PAGE + (state.slot == 2 ? 6 : 0);
    segj_put_u16(slot, state.length);
    segj_put_u32(slot + 2, state.checksum);
}

/* The new state goes into the slot that the synced one does not use. */
static floor_page_state_t complete_page(uint8_t *page, uint64_t number, uint16_t length, floor_page_state_t synced)
{
    memset(page + length, 0, FLOOR_PAGE_ON_DISK - length);
    floor_page_state_t state = {synced.slot == 1 ? 2 : 1, length, floor_checksum(number, page, length)};
    put_slot(page, state);
    if (synced.slot != 0)
        put_slot(page, synced);
    return state;
}

static bool put_record(floor_store_t *store, const uint8_t *record)
{
    for (size_t done = 0; done < FLOOR_RECORD;) {
        uint8_t *page = store->pages + store->page * FLOOR_PAGE_ON_DISK;
        size_t part =
            FLOOR_PAGE - store->filled < FLOOR_RECORD - done ? FLOOR_PAGE - store->filled : FLOOR_RECORD - done;
        memcpy(page + store->filled, record + done, part);
        store->filled += part;
        done += part;
        if (store->filled < FLOOR_PAGE)
            continue;
        (void)complete_page(page, store->first_page + store->page, FLOOR_PAGE, store->synced);
        store->synced = (floor_page_state_t){0, 0, 0};
        store->filled = 0;
        if (++store->page == FLOOR_PAGES && !flush_pages(store))
            return false;
    }
    return true;
}

static bool put_frame(floor_store_t *store, const void *value, size_t size, floor_location_t *location)
{
    size_t bound = (store->compress ? ZSTD_compressBound(size) : size) + FLOOR_FRAME_TRAILER;
    if (bound > FLOOR_FRAMES)
        return bench_fail("the floor takes no value of %zu bytes", size);
    if (bound > FLOOR_FRAMES - store->frames_used && !flush_frames(store))
        return false;
    uint8_t *to = store->frames + store->frames_used;
    if (store->compress)
        size = ZSTD_compressCCtx(store->compressor, to, bound, value, size, ZSTD_CLEVEL_DEFAULT);
    else if (size > 0)
        memcpy(to, value, size);
    if (ZSTD_isError(size))
        return bench_fail("%s", ZSTD_getErrorName(size));
    segj_put_u32(to + size, floor_checksum(store->values_size, to, size));
    *location = (floor_location_t){store->values_size, (uint32_t)(size + FLOOR_FRAME_TRAILER)};
    store->frames_used += location->size;
    store->values_size += location->size;
    return true;
}

static bool floor_append(void *opened, const bench_record_t *records, size_t count)
{
    floor_store_t *store = opened;
    bool good = true;
    (void)pthread_mutex_lock(&store->change);
    for (size_t i = 0; i < count && good; i++) {
        uint8_t record[FLOOR_RECORD];
        floor_location_t location = {0, 0};
        good = put_frame(store, records[i].value, records[i].size, &location);
        if (!good)
            break;
        segj_put_u64(record, records[i].position);
        floor_location_put(record + FLOOR_ENTRY, location);
        good = put_record(store, record);
        store->records++;
    }
    (void)pthread_mutex_unlock(&store->change);
    return good;
}

/* --- sync --- */

typedef struct capture {
    const uint8_t *frames;
    size_t frames_used, pages;
    uint64_t frames_offset, first_page;
    floor_page_state_t tail;
} capture_t;

/* Takes both buffers over and leaves fresh ones, which begin with the partial page. The partial page is complete in
 * what
 *   is written; appends go on filling its copy. */
static void capture(floor_store_t *store, capture_t *taken)
{
    uint8_t *tail = store->pages + store->page * FLOOR_PAGE_ON_DISK;
    *taken = (capture_t){store->frames,        store->frames_used, store->page,
                         store->frames_offset, store->first_page,  store->synced};
    uint8_t *frames = store->frames_spare, *pages = store->pages_spare;
    store->frames_spare = store->frames;
    store->frames = frames;
    store->frames_offset += store->frames_used;
    store->frames_used = 0;
    if (store->filled > store->synced.length) {
        taken->tail = complete_page(tail, store->first_page + store->page, (uint16_t)store->filled, store->synced);
        taken->pages++;
    }
    memcpy(pages, tail, store->filled);
    store->pages_spare = store->pages;
    store->pages = pages;
    store->first_page += store->page;
    store->page = 0;
}

static bool floor_sync(void *opened)
{
    floor_store_t *store = opened;
    capture_t taken;
    (void)pthread_mutex_lock(&store->change);
    capture(store, &taken);
    (void)pthread_mutex_lock(&store->writing);
    (void)pthread_mutex_unlock(&store->change);
    bool good = write_at(store, store->values, taken.frames, taken.frames_used, taken.frames_offset) &&
                write_at(store, store->index, store->pages_spare, taken.pages * FLOOR_PAGE_ON_DISK,
                         taken.first_page * FLOOR_PAGE_ON_DISK);
    (void)pthread_mutex_unlock(&store->writing);
    good = good && fdatasync(store->index) == 0 && fdatasync(store->values) == 0;
    if (!good)
        return bench_fail_errno("the floor's sync");
    (void)pthread_mutex_lock(&store->change);
    if (store->page == 0 && store->filled > 0 &&
        store->first_page == taken.first_page + taken.pages - (taken.tail.length > 0))
        store->synced = taken.tail;
    (void)pthread_mutex_unlock(&store->change);
    return true;
}

#define FLOOR_CALLS                                                                                                    \
    .open = floor_open, .append = floor_append, .sync = floor_sync, .close = floor_close,                              \
    .reader_open = floor_reader_open, .read = floor_read, .reader_close = floor_reader_close, .scan = floor_scan,      \
    .replay = floor_replay, .sync_beside = floor_sync

const bench_engine_t bench_floor = {.label = "floor",
                                    .options = "buffer 1 MiB, pages 64 KiB, checksums by the library's routine, "
                                               "pwrite, fdatasync of both files; reads: pread, index in memory",
                                    .can = BENCH_COMPRESS | BENCH_BESIDE | BENCH_REPLAY,
                                    .writes = true,
                                    .reads = true,
                                    .open_sections = floor_open_sections,
                                    FLOOR_CALLS};
const bench_engine_t bench_floor_write_back = {.label = "floor+wb",
                                               .options = "and sync_file_range after each write of either file",
                                               .can = BENCH_COMPRESS | BENCH_BESIDE | BENCH_REPLAY,
                                               .variant = FLOOR_WRITE_BACK,
                                               .writes = true,
                                               FLOOR_CALLS};
const bench_engine_t bench_floor_mapped = {.label = "floor+mmap",
                                           .options = "values read in a mapping, checksum verified there",
                                           .can = BENCH_COMPRESS,
                                           .variant = FLOOR_MAP,
                                           .reads = true,
                                           FLOOR_CALLS};
