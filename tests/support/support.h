/*
 * support/support.h: what the test programs share.
 *
 * Four groups: assertions on statuses; temporary directories and raw files; the native file format, written a second
 * time from its specification (nothing of the library is used for it, so that a test can make, damage and judge files
 * without believing the code under test); and small helpers that append to and check a journal.
 *
 * Helpers do not answer with errors: where something is not as it must be they print what and where, and fail the
 * running test. The header brings those of cmocka with it, in the order that they need.
 */
#ifndef TESTS_SUPPORT_H
#define TESTS_SUPPORT_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>

#include "segjournal/oversized.h"

/* --- statuses --- */

/** The call answers SEGJ_OK; otherwise the status and segj_last_error() are printed and the test fails. */
#define assert_ok(call) check_status((call), SEGJ_OK, #call, __FILE__, __LINE__)
/** The call answers exactly this status. */
#define assert_status(call, expected) check_status((call), (expected), #call, __FILE__, __LINE__)

void check_status(segj_status_t actual, segj_status_t expected, const char *call, const char *file, int line);

/* --- paths, directories and raw files --- */

enum { PATH_LIMIT = 1024 };

typedef struct path {
    char text[PATH_LIMIT];
} path_t;

/** A file's bytes, to be given back to free_bytes(). */
typedef struct bytes {
    uint8_t *data;
    size_t size;
} bytes_t;

/** A directory's names in byte order, without "." and "..", to be given back to free_names(). */
typedef struct names {
    char **names;
    size_t count;
} names_t;

path_t join_path(const char *directory, const char *name);
/** directory/partition/<section as 16 lower-case hex digits> */
path_t section_path(const char *directory, const char *partition, uint64_t section);

/** Makes an empty directory below $TMPDIR, or below /tmp where that is not set. */
path_t make_temp_directory(void);
void make_directory(const char *path);
/** Removes a file, or a directory with all that it holds. A path that does not exist is fine. */
void remove_tree(const char *path);
/** Copies a directory of plain files and directories; `to` must not exist yet. */
void copy_tree(const char *from, const char *to);
/** Removes the file that says who has opened the journal last, which every open for writing changes. */
void forget_owner(const char *directory, const char *index_partition);
/** Gives the copy of a directory, whose journal may be open, that directory's owner's file, or none. */
void share_owner(const char *directory, const char *copy, const char *index_partition);
/** Both directories hold the same names and each file the same bytes; prints the first difference otherwise. */
void assert_trees_equal(const char *left, const char *right);

/** All names but `.hold`, which a journal of the commonware format makes and never removes (test_hold.c has it). */
names_t list_directory(const char *path);
void free_names(names_t *names);

bool path_exists(const char *path);
uint64_t file_size(const char *path);
bytes_t read_file(const char *path);
void free_bytes(bytes_t *bytes);
/** Makes the file, or replaces what it held. */
void write_file(const char *path, const void *data, size_t size);
/** Overwrites, and lengthens where it reaches behind the end, a file that exists. */
void write_file_at(const char *path, uint64_t offset, const void *data, size_t size);
/** Cuts a file, or lengthens it with zeros. */
void resize_file(const char *path, uint64_t size);
void remove_file(const char *path);
/** Told of each file that was written to, resized or removed by these; NULL: nobody is. Where files are shadows of something
 *  else (rados/suite/shadow.c), that follows. */
extern void (*file_was_changed)(const char *path);

/* --- the native format, written from its specification --- */

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

/* --- journals --- */

enum { SMALL_ENTRY = 8, SMALL_RECORD = 20, SMALL_PAGE = 64 };

/** The format that small_config() asks for: native, or commonware where the environment's SEGJ_TEST_FORMAT says so.
 *  CTest runs some programs both ways. */
segj_format_t tested_format(void);
/** config.native_version of the run: 2 where SEGJ_TEST_FORMAT is native2, 1 in version 1, 0 in the commonware format. */
uint8_t tested_version(void);
/** Bytes before a frame's payload: in version 2 a head with the entry, else none. */
size_t tested_head(size_t entry_size);
/** Where the frame of a record ends. */
uint64_t tested_frame_end(oversized_location_t location, size_t entry_size);
/** Skips the test where version 2 is tested: it is about bytes, or losses, that version 1 alone has. */
void not_in_version_2(void);
/** Skips the test where version 2 or the commonware format is tested. */
void for_version_1_only(void);
/** Skips the test that runs, and says why where people look: the scripts gather these lines
 *  (cmake/skipped_tests.awk). */
#define SKIP(why) (print_message("SKIPPED: %s\n", why), skip())
/** At the beginning of a test of something that only the native format has: skips it in the other one. */
void for_native_only(void);
/** Where the data of new files begins. */
uint64_t tested_index_data(void);
uint64_t tested_values_data(void);

/** Entries of 8 bytes, pages of 64, a cache of 8 pages, write buffers of 1024 bytes, test_index and test_values. */
void small_config(oversized_config_t *config, const char *directory);

/** Appends an entry that is `id` (8 bytes, big-endian) with a value of `size` bytes that are all `fill`. */
oversized_location_t append_filled(oversized_t *journal, uint64_t section, uint64_t id, uint8_t fill, size_t size,
                                   uint64_t *position);
/** The record is there, its entry is `id` and its value is `size` times `fill`, by whichever call it is read. */
void check_filled(oversized_t *journal, uint64_t section, uint64_t position, uint64_t id, uint8_t fill, size_t size);

#endif /* TESTS_SUPPORT_H */
