/*
 * bench/floor_read.c: see floor.h. This file reads.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "floor.h"

typedef struct reader {
    const floor_store_t *store;
    const uint8_t *map;
    size_t map_size;
    uint8_t *frame; /* FLOOR_WINDOW bytes */
    uint8_t *value; /* decompressed */
    size_t value_capacity;
    ZSTD_DCtx *decompressor;
} reader_t;

static bool read_at(int fd, uint8_t *to, size_t size, uint64_t offset)
{
    for (size_t done = 0; done < size;) {
        ssize_t count = pread(fd, to + done, size - done, (off_t)(offset + done));
        if (count <= 0)
            return count == 0 ? bench_fail("the floor's file is too short") : bench_fail_errno("pread");
        done += (size_t)count;
    }
    return true;
}

/* --- the index --- */

static floor_page_state_t slot_of(const uint8_t *page, uint64_t number, unsigned slot)
{
    const uint8_t *at = page + FLOOR_PAGE + (slot == 2 ? 6 : 0);
    floor_page_state_t state = {slot, segj_get_u16(at), segj_get_u32(at + 2)};
    bool valid =
        state.length >= 1 && state.length <= FLOOR_PAGE && floor_checksum(number, page, state.length) == state.checksum;
    return valid ? state : (floor_page_state_t){0, 0, 0};
}

floor_page_state_t floor_page_verify(const uint8_t *page, uint64_t number)
{
    unsigned longer = segj_get_u16(page + FLOOR_PAGE + 6) > segj_get_u16(page + FLOOR_PAGE) ? 2 : 1;
    floor_page_state_t state = slot_of(page, number, longer);
    return state.slot != 0 ? state : slot_of(page, number, 3 - longer);
}

/* Verifies pages and joins their records, which cross from one page to the next. */
static bool join_pages(const uint8_t *pages, uint64_t first, size_t count, uint8_t *to, size_t *joined)
{
    *joined = 0;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *page = pages + i * FLOOR_PAGE_ON_DISK;
        floor_page_state_t state = floor_page_verify(page, first + i);
        if (state.slot == 0)
            return bench_fail("a page of the floor is damaged");
        memcpy(to + *joined, page, state.length);
        *joined += state.length;
    }
    return true;
}

bool floor_locate(const floor_store_t *store, uint64_t position, floor_location_t *location)
{
    uint8_t pages[2 * FLOOR_PAGE_ON_DISK], joined[2 * FLOOR_PAGE];
    if (store->locations != NULL) {
        *location = floor_location_get(store->locations + position * FLOOR_LOCATION);
        return true;
    }
    uint64_t start = position * FLOOR_RECORD, page = start / FLOOR_PAGE;
    size_t count = (start + FLOOR_RECORD - 1) / FLOOR_PAGE > page ? 2 : 1, size;
    if (!read_at(store->index, pages, count * FLOOR_PAGE_ON_DISK, page * FLOOR_PAGE_ON_DISK) ||
        !join_pages(pages, page, count, joined, &size))
        return false;
    *location = floor_location_get(joined + start % FLOOR_PAGE + FLOOR_ENTRY);
    return true;
}

typedef bool (*visit_record_t)(void *context, uint64_t number, const uint8_t *record);

/* All records in order, by reads of 1 MiB. */
static bool walk_index(const floor_store_t *store, visit_record_t visit, void *context)
{
    size_t window = FLOOR_WINDOW / FLOOR_PAGE_ON_DISK, rest = 0;
    uint64_t pages = (store->records * FLOOR_RECORD + FLOOR_PAGE - 1) / FLOOR_PAGE, number = 0;
    uint8_t *read = malloc(FLOOR_WINDOW), *joined = malloc(FLOOR_WINDOW + FLOOR_RECORD);
    bool good = (read != NULL && joined != NULL) || bench_fail("no memory");
    for (uint64_t page = 0; page < pages && good; page += window) {
        size_t count = pages - page < window ? (size_t)(pages - page) : window, size = 0, at = 0;
        good = read_at(store->index, read, count * FLOOR_PAGE_ON_DISK, page * FLOOR_PAGE_ON_DISK) &&
               join_pages(read, page, count, joined + rest, &size);
        for (size += rest; good && size - at >= FLOOR_RECORD; at += FLOOR_RECORD)
            good = visit(context, number++, joined + at);
        rest = size - at;
        if (good)
            memmove(joined, joined + at, rest);
    }
    free(read);
    free(joined);
    return good;
}

static bool keep_location(void *context, uint64_t number, const uint8_t *record)
{
    memcpy((uint8_t *)context + number * FLOOR_LOCATION, record + FLOOR_ENTRY, FLOOR_LOCATION);
    return true;
}

static bool load_index(floor_store_t *store)
{
    uint8_t *locations = malloc((size_t)store->records * FLOOR_LOCATION + 1);
    if (locations == NULL)
        return bench_fail("no memory");
    if (!walk_index(store, keep_location, locations))
        return free(locations), false;
    store->locations = locations;
    return true;
}

typedef struct visiting {
    bench_visit_t visit;
    void *context;
} visiting_t;

static bool visit_entry(void *context, uint64_t number, const uint8_t *record)
{
    const visiting_t *visiting = context;
    (void)number;
    size_t size = floor_location_get(record + FLOOR_ENTRY).size - FLOOR_FRAME_TRAILER;
    return visiting->visit(visiting->context, segj_get_u64(record), NULL, size);
}

bool floor_replay(void *reader, bench_visit_t visit, void *context)
{
    visiting_t visiting = {visit, context};
    return walk_index(((reader_t *)reader)->store, visit_entry, &visiting);
}

/* --- values --- */

bool floor_reader_open(void *opened, bool many, void **made)
{
    floor_store_t *store = opened;
    if (many && store->locations == NULL && !load_index(store))
        return false;
    reader_t *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return bench_fail("no memory");
    reader->store = store;
    reader->frame = malloc(FLOOR_WINDOW);
    reader->decompressor = store->compress ? ZSTD_createDCtx() : NULL;
    *made = reader;
    struct stat found;
    if ((store->variant & FLOOR_MAP) == 0)
        return reader->frame != NULL || (floor_reader_close(reader), bench_fail("no memory"));
    bool good = fstat(store->values, &found) == 0;
    reader->map_size = good ? (size_t)found.st_size : 0;
    void *map = good ? mmap(NULL, reader->map_size, PROT_READ, MAP_SHARED, store->values, 0) : MAP_FAILED;
    reader->map = map != MAP_FAILED ? map : NULL;
    return reader->map != NULL || (floor_reader_close(reader), bench_fail_errno("mmap"));
}

void floor_reader_close(void *closed)
{
    reader_t *reader = closed;
    if (reader->map != NULL)
        (void)munmap((void *)(uintptr_t)reader->map, reader->map_size);
    (void)ZSTD_freeDCtx(reader->decompressor);
    free(reader->frame);
    free(reader->value);
    free(reader);
}

static bool decompress(reader_t *reader, const uint8_t *payload, size_t size, const void **value, size_t *value_size)
{
    unsigned long long content = ZSTD_getFrameContentSize(payload, size);
    if (content > SIZE_MAX / 2)
        return bench_fail("a frame of the floor has no size");
    if (content > reader->value_capacity) {
        free(reader->value);
        reader->value_capacity = (size_t)content;
        reader->value = malloc(reader->value_capacity);
    }
    *value_size = ZSTD_decompressDCtx(reader->decompressor, reader->value, reader->value_capacity, payload, size);
    *value = reader->value;
    return !ZSTD_isError(*value_size) || bench_fail("%s", ZSTD_getErrorName(*value_size));
}

static bool check_frame(reader_t *reader, const uint8_t *frame, floor_location_t location, const void **value,
                        size_t *size)
{
    size_t payload = location.size - FLOOR_FRAME_TRAILER;
    if (floor_checksum(location.offset, frame, payload) != segj_get_u32(frame + payload))
        return bench_fail("a value of the floor is damaged");
    if (reader->store->compress)
        return decompress(reader, frame, payload, value, size);
    *value = frame;
    *size = payload;
    return true;
}

bool floor_read(void *opened, uint64_t position, const void **value, size_t *size)
{
    reader_t *reader = opened;
    floor_location_t location;
    if (!floor_locate(reader->store, position, &location))
        return false;
    if (reader->map != NULL)
        return check_frame(reader, reader->map + location.offset, location, value, size);
    return read_at(reader->store->values, reader->frame, location.size, location.offset) &&
           check_frame(reader, reader->frame, location, value, size);
}

typedef struct window {
    uint64_t start, end; /* records */
    uint64_t offset;     /* of the first one's frame */
} window_t;

/* By reads of 1 MiB, which end with the last whole frame. */
static bool fill_window(const reader_t *reader, uint64_t position, window_t *window)
{
    const floor_store_t *store = reader->store;
    floor_location_t first, next;
    size_t size = 0;
    if (!floor_locate(store, position, &first))
        return false;
    *window = (window_t){position, position, first.offset};
    while (window->end < store->records) {
        if (!floor_locate(store, window->end, &next))
            return false;
        if (next.offset + next.size - first.offset > FLOOR_WINDOW)
            break;
        size = (size_t)(next.offset + next.size - first.offset);
        window->end++;
    }
    return read_at(store->values, reader->frame, size, first.offset);
}

bool floor_scan(void *opened, bench_visit_t visit, void *context)
{
    reader_t *reader = opened;
    const floor_store_t *store = reader->store;
    window_t window = {0, 0, 0};
    for (uint64_t i = 0; i < store->records; i++) {
        floor_location_t location;
        const void *value;
        size_t size;
        if (reader->map == NULL && i == window.end && !fill_window(reader, i, &window))
            return false;
        if (!floor_locate(store, i, &location))
            return false;
        const uint8_t *frame =
            reader->map != NULL ? reader->map + location.offset : reader->frame + (location.offset - window.offset);
        if (!check_frame(reader, frame, location, &value, &size) || !visit(context, i, value, size))
            return false;
    }
    return true;
}
