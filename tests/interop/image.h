/*
 * interop/image.h: the files of commonware-storage as bytes, read and made by what support/commonware.h knows of them:
 * nothing of the library is used, so that a test need not believe the code under test.
 *
 *     a file        a header of 8 (V0, "CWIC") or 4096 bytes (V1, "CWIK"), data
 *     index data    pages: P bytes, len1 u16, crc1 u32, len2 u16, crc2 u32
 *     values data   frames: payload, CRC-32C of the payload u32
 */
#ifndef INTEROP_IMAGE_H
#define INTEROP_IMAGE_H

#include "interop/script.h"
#include "support/commonware.h"

enum { IMAGE_SLOTS = 12, IMAGE_LOCATION = 12 };

/** An index file: its pages, and the bytes they stand for; bytes of pages without a valid slot are zeros. */
typedef struct image_index {
    bytes_t file;
    size_t header;
    uint16_t page_size;
    size_t pages; /* whole physical pages, up to the last valid one */
    uint8_t *logical;
    size_t size; /* bytes of `logical` */
} image_index_t;

/** Bytes of the header that this file has, by its magic; of one of V0 where it has none. */
size_t image_header(const bytes_t *file);

/** A path that does not exist is an empty file. */
void image_index_load(const char *path, uint16_t page_size, image_index_t *image);
void image_index_free(image_index_t *image);
const uint8_t *image_page(const image_index_t *image, size_t page);

/** The location in the record of so many bytes; it is last. */
uint64_t image_offset(const uint8_t *record, size_t record_size);
uint32_t image_size(const uint8_t *record, size_t record_size);

/** Makes an index file of these bytes, each page with its first slot alone. */
void image_index_write(const char *path, size_t header, uint16_t page_size, const uint8_t *logical, size_t size);

/** The sections that a partition holds, in order, SETTING_SECTIONS of them at most; a missing partition has none. */
size_t image_sections(const char *partition, uint64_t sections[SETTING_SECTIONS]);

#endif /* INTEROP_IMAGE_H */
