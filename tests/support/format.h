/*
 * support/format.h: the native format, written a second time from its specification: nothing of the library is used for it, so
 * that a test can make, damage and judge files without believing the code under test. (Version 2: support/log.h.)
 */
#ifndef TESTS_SUPPORT_FORMAT_H
#define TESTS_SUPPORT_FORMAT_H

#include "segjournal/oversized.h"
#include "support/files.h"

enum {
    HEADER_BLOCK = 4096,       /* bytes of an identity block and of a watermark slot's block */
    INDEX_DATA_OFFSET = 12288, /* identity, slot A, slot B */
    VALUES_DATA_OFFSET = 4096, /* identity */
    PAGE_CHECKSUMS = 12,       /* what a physical page has besides its logical bytes */
    FRAME_CHECKSUM = 4,        /* what a frame has besides its payload */
    LOCATION_BYTES = 12,       /* what a record has besides its entry */
    IDENTITY_INDEX = 1,        /* the kinds of files */
    IDENTITY_VALUES = 2
};

typedef struct identity {
    uint16_t version;
    uint8_t kind;
    uint8_t compression;
    uint16_t page_size;   /* 0 in values files */
    uint32_t record_size; /* 0 in values files */
    uint64_t section;
} identity_t;

typedef struct watermark {
    uint64_t records;
    uint32_t sequence;
} watermark_t;

/** One of the two (length, checksum) pairs of a page; {0, 0} describes nothing. */
typedef struct page_slot {
    uint16_t length;
    uint32_t checksum;
} page_slot_t;

void put_u16(uint8_t *at, uint16_t value);
void put_u32(uint8_t *at, uint32_t value);
void put_u64(uint8_t *at, uint64_t value);
uint16_t get_u16(const uint8_t *at);
uint32_t get_u32(const uint8_t *at);
uint64_t get_u64(const uint8_t *at);

/** Blocks are HEADER_BLOCK bytes. Decoders answer false for a block that is not one, and leave the output alone. */
void encode_identity(uint8_t *block, const identity_t *identity);
bool decode_identity(const uint8_t *block, identity_t *identity);
void encode_watermark(uint8_t *block, uint64_t section, watermark_t watermark);
bool decode_watermark(const uint8_t *block, uint64_t section, watermark_t *watermark);
/** The record count that the two slots at the start of `slots` (2 * HEADER_BLOCK bytes) stand for. */
uint64_t effective_watermark(const uint8_t *slots, uint64_t section);

uint32_t page_checksum(uint64_t section, uint64_t page, const void *bytes, size_t size);
uint32_t frame_checksum(uint64_t section, uint64_t offset, const void *payload, size_t size);

/** The slot that describes the first `length` bytes of a page. */
page_slot_t make_slot(uint64_t section, uint64_t page, const void *bytes, uint16_t length);
/** Writes page_size + PAGE_CHECKSUMS bytes: `size` bytes, zeros up to page_size, both slots. */
void encode_page(uint8_t *physical, uint16_t page_size, const void *bytes, size_t size, page_slot_t first,
                 page_slot_t second);
/** The authoritative length of a physical page, 0 where no slot is valid. */
uint16_t decode_page(const uint8_t *physical, uint16_t page_size, uint64_t section, uint64_t page);

/** Writes entry_size + LOCATION_BYTES bytes. */
void encode_record(uint8_t *record, const void *entry, size_t entry_size, oversized_location_t location);
oversized_location_t decode_location(const uint8_t *record, size_t entry_size);
/** Writes size + FRAME_CHECKSUM bytes. */
void encode_frame(uint8_t *frame, uint64_t section, uint64_t offset, const void *payload, size_t size);

/** Makes an index file: its header, slot A where the watermark is not 0, and pages that use their first slot. */
void write_index_file(const char *path, const identity_t *identity, uint64_t watermark, const void *records,
                      size_t size);
/** Makes a values file: its header and one frame a value, uncompressed. */
void write_values_file(const char *path, uint64_t section, const segj_slice_t *values, size_t count);

/** A section's two files, decoded; to be given back to free_section(). */
typedef struct section_image {
    uint64_t records;
    uint64_t watermark;
    bool has_values_file;
    bytes_t logical; /* the index's logical bytes: `records` records */
    bytes_t frames;  /* the values file's data, from blob offset 0 */
} section_image_t;

/**
 * Decodes the files of a section and asserts that they are what a journal leaves that is at rest: headers right, each
 * page valid and all but the last one full, whole records, frames back to back from offset 0, each with its checksum,
 * nothing behind the last page and nothing behind the last frame, and no two slots of equal watermark. A values file
 * may be missing where there are no records. Partitions, page size and entry size come from the configuration.
 */
void load_section(const oversized_config_t *config, uint64_t section, section_image_t *image);
void free_section(section_image_t *image);

#endif
