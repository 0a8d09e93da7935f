/*
 * bench/floor.h: the floor. What a journal of this format cannot do without, and nothing else: a value is copied into a
 * buffer of 1 MiB and checksummed, by the library's own routine and bound to its place as the format wants it; its record
 * goes into a checksummed page; full buffers are written; a sync writes the rest and flushes both files. No header, no
 * watermark, no sections, no recovery, no error that is more than a message.
 */
#ifndef SEGJ_BENCH_FLOOR_H
#define SEGJ_BENCH_FLOOR_H

#include <pthread.h>
#include <zstd.h>

#include "engine.h"
#include "journal/record_format.h"
#include "paged/page_format.h"

#define FLOOR_ENTRY 8
#define FLOOR_RECORD (FLOOR_ENTRY + OVERSIZED_LOCATION_SIZE)
#define FLOOR_PAGE SEGJ_PAGE_SIZE_DEFAULT
#define FLOOR_PAGE_ON_DISK ((size_t)FLOOR_PAGE + SEGJ_PAGE_TRAILER)
#define FLOOR_PAGES ((size_t)16) /* a buffer of 64 KiB */
#define FLOOR_FRAMES ((size_t)1 << 20)
#define FLOOR_WINDOW ((size_t)1 << 20) /* of reading in order */
#define FLOOR_SECTION 1

/* Variants. */
enum {
    FLOOR_WRITE_BACK = 1, /**< sync_file_range after each write, and on both files before a flush */
    FLOOR_MAP = 2         /**< values are read from a mapping */
};

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
    segj_page_state_t synced;
    uint64_t records, values_size;
    ZSTD_CCtx *compressor;
    uint8_t *locations; /* of all records, 12 bytes each, once loaded */
} floor_store_t;

/* floor_read.c */
bool floor_location(const floor_store_t *store, uint64_t position, oversized_location_t *location);
bool floor_reader_open(void *store, bool many, void **reader);
bool floor_read(void *reader, uint64_t position, const void **value, size_t *size);
void floor_reader_close(void *reader);
bool floor_scan(void *reader, bench_visit_t visit, void *context);
bool floor_replay(void *reader, bench_visit_t visit, void *context);

/* floor_sections.c */
bool floor_open_sections(const char *directory, uint64_t sections, double *seconds);

#endif
