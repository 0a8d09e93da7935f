/*
 * badinput/large.h: journals of 64 KiB and more in memory, in every configuration of the native format, whose files can
 * be changed byte by byte while a reader has them open: so that each single bit, each length and each exchange can be
 * tried.
 *
 * A journal has one section of many records in the files that are damaged, and a section of one record beside it, which
 * is read to have the page cache forget. Both are closed: W covers every record. set_watermark() lowers it.
 */
#ifndef TESTS_BADINPUT_LARGE_H
#define TESTS_BADINPUT_LARGE_H

#include "badinput/badinput.h"

enum {
    LARGE_SECTION = 7,
    LARGE_OTHER = 9, /* the section beside */
    LARGE_VALUE_MOST = 64,
    LARGE_ENTRY_MOST = 600,
    LARGE_RECORDS_MOST = 1200
};

typedef enum side { IN_INDEX, IN_VALUES } side_t;

typedef struct shape {
    int compression;
    uint16_t page_size;
    uint32_t entry_size;
    uint32_t records;
    uint64_t seed; /* of entries and values */
} shape_t;

/** The two slots of a page, as they were written: what counts, and what would count without it. */
typedef struct page_facts {
    unsigned slot; /* 0 or 1: the one that counts */
    uint16_t length, shorter;
} page_facts_t;

typedef struct large {
    shape_t shape;
    segj_storage_t *storage;
    segj_page_cache_t *cache; /* of one page */
    oversized_config_t config;
    uint32_t record_size;
    size_t physical; /* bytes of a page */
    size_t pages;
    page_facts_t *facts;
    pair_t sample;     /* the files as they were closed */
    uint64_t *offsets; /* of frames, one more than there are records */
    path_t paths[2];
    segj_partition_t *partitions[2];
    segj_file_t *files[2];
    oversized_t *reader; /* read-only, opened before anything is damaged */
    uint64_t opens;      /* so far */
} large_t;

/** Every configuration: plain and zstd, pages of 64, 4084 and 65535, entries of 0, 8 and 600 bytes. */
extern const shape_t large_shapes[];
extern const size_t large_shape_count;
const char *shape_name(const shape_t *shape);

/** Runs a test for each shape of one kind; its state is the shape. Gives what main returns. */
int run_shapes(const char *name, void (*test)(void **state), bool compressed);
/** Single bits of them; see every_bit.c. */
int run_every_bit(bool compressed);

/** Of so many bits, lengths or pairs one is tried; SEGJ_EVERY=N in the environment: one in N, if that is more. */
size_t large_stride(size_t otherwise);

void make_large(large_t *large, const shape_t *shape);
void drop_large(large_t *large);

/* --- damage --- */

void poke(large_t *large, side_t side, size_t offset, const void *bytes, size_t size);
void flip_bit(large_t *large, side_t side, size_t bit);
void cut_to(large_t *large, side_t side, size_t size);
/** Makes bytes, or the whole file, the sample's again. */
void restore(large_t *large, side_t side, size_t offset, size_t size);
void restore_all(large_t *large);
/** The slots say W, or what they said when the journal was closed. */
void set_watermark(large_t *large, uint64_t watermark);
void restore_watermark(large_t *large);

/* --- what there should be --- */

size_t large_value(const large_t *large, uint64_t record, uint8_t value[LARGE_VALUE_MOST]);
void large_entry(const large_t *large, uint64_t record, uint8_t entry[LARGE_ENTRY_MOST]);
/** Records whose bytes lie within the first `bytes` of the index. */
uint64_t records_within(const large_t *large, uint64_t bytes);

/** Opens read-only; where that succeeds: the number of records, and the first and the last read back right. */
segj_status_t probe(large_t *large, uint64_t *records, uint64_t *lost);
/** The same with strict; closes what was opened. */
segj_status_t probe_strict(large_t *large);
/** Opens to write, looks whether there are so many records, each right up to the last; opens again; restores the
 *  files. */
void try_large(large_t *large, uint64_t records);

/** The record read by the reader is right, or is answered so, with a sentence that names the place. */
void check_right(large_t *large, oversized_t *journal, uint64_t record);
void check_damaged_page(large_t *large, uint64_t record, uint64_t page);
void check_damaged_value(large_t *large, uint64_t record);
/** Has the page cache hold nothing of the section. */
void forget_pages(large_t *large);

#endif
