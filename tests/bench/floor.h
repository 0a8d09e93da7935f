/*
 * bench/floor.h: the floor. What a journal of this format cannot do without, and nothing else: a value is copied into a
 * buffer of 1 MiB and checksummed, by the library's own routine and bound to its place as the format wants it; its
 * record goes into a checksummed page; full buffers are written; a sync writes the rest and flushes both files. No
 * header, no watermark, no sections, no recovery, no error that is more than a message.
 */
#ifndef SEGJ_BENCH_FLOOR_H
#define SEGJ_BENCH_FLOOR_H

#include <pthread.h>
#include <zstd.h>

#include "base/bytes.h"
#include "checksum/numbers.h"
#include "engine.h"

#define FLOOR_ENTRY 8
#define FLOOR_LOCATION 12
#define FLOOR_RECORD (FLOOR_ENTRY + FLOOR_LOCATION)
#define FLOOR_PAGE 4084
#define FLOOR_PAGE_ON_DISK ((size_t)4096)
#define FLOOR_FRAME_TRAILER 4
#define FLOOR_PAGES ((size_t)16) /* a buffer of 64 KiB */
#define FLOOR_FRAMES ((size_t)1 << 20)
#define FLOOR_WINDOW ((size_t)256 << 10) /* of reading in order */
#define FLOOR_SECTION 1

/* Variants. */
enum {
    FLOOR_WRITE_BACK = 1, /**< sync_file_range after each write, and on both files before a flush */
    FLOOR_MAP = 2         /**< values are read from a mapping */
};

typedef struct floor_location {
    uint64_t offset;
    uint32_t size;
} floor_location_t;

/** What one of a page's two slots says; slot 0: no valid one. */
typedef struct floor_page_state {
    unsigned slot;
    uint16_t length;
    uint32_t checksum;
} floor_page_state_t;

typedef struct floor_store {
    int index, values; /* descriptors */
    int variant;
    bool compress;
    pthread_mutex_t change;  /* the buffers; taken once a chunk or sync */
    pthread_mutex_t writing; /* pages: an older state of a page is not written over a newer one */
    uint8_t *frames, *frames_spare;
    size_t frames_used;
    uint64_t frames_offset;
    uint8_t *pages, *pages_spare;
    size_t page, filled; /* the page being filled, of those in the buffer, and its bytes */
    uint64_t first_page; /* the number of the first page in the buffer */
    floor_page_state_t synced;
    uint64_t records, values_size;
    ZSTD_CCtx *compressor;
    uint8_t *locations; /* of all records, 12 bytes each, once loaded */
} floor_store_t;

static inline void floor_location_put(uint8_t *to, floor_location_t location)
{
    segj_put_u64(to, location.offset);
    segj_put_u32(to + 8, location.size);
}

static inline floor_location_t floor_location_get(const uint8_t *from)
{
    return (floor_location_t){segj_get_u64(from), segj_get_u32(from + 8)};
}

/** The checksum of a page's or a frame's bytes, bound to its place. */
static inline uint32_t floor_checksum(uint64_t place, const uint8_t *bytes, size_t size)
{
    return segj_crc32(segj_crc32_of_place(FLOOR_SECTION, place), bytes, size);
}

/* floor_read.c */
/** The state of the longer valid slot. */
floor_page_state_t floor_page_verify(const uint8_t *page, uint64_t number);
bool floor_locate(const floor_store_t *store, uint64_t position, floor_location_t *location);
bool floor_reader_open(void *store, bool many, void **reader);
bool floor_read(void *reader, uint64_t position, const void **value, size_t *size);
void floor_reader_close(void *reader);
bool floor_scan(void *reader, bench_visit_t visit, void *context);
bool floor_replay(void *reader, bench_visit_t visit, void *context);

/* floor_sections.c */
bool floor_open_sections(const char *directory, uint64_t sections, double *seconds);

#endif
