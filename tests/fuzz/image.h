/*
 * fuzz/image.h: the files of a journal as the bytes of one input, so that a fuzzer can change them anywhere.
 *
 *     5 bytes     format, page size, entry size, how it is opened, sections (0 to 3)
 *     each section:
 *       106 bytes   number, flags, identity and both watermark slots of the index file, identity of the values file,
 *                   where the header is cut or changed (two numbers), sizes of the data of both files
 *       then        the data of the index file, the data of the values file
 *
 * What headers hold beside that is zeros. A commonware file has of its identity what its header has room for.
 * Everything else lies in the input as it lies in the file, checksums included.
 */
#ifndef FUZZ_IMAGE_H
#define FUZZ_IMAGE_H

#include "fuzz/fuzz.h"
#include "support/support.h"

enum { IMAGE_MOST = 20000, IMAGE_FIELDS = 5, IMAGE_SECTION_FIELDS = 106, IMAGE_SECTIONS = 3, IMAGE_ENTRY_MOST = 64 };

/* Flags of a section. */
enum {
    IMAGE_NO_INDEX = 1,
    IMAGE_NO_VALUES = 2,
    IMAGE_CUT_INDEX = 4,
    IMAGE_CUT_VALUES = 8,
    IMAGE_POKE = 16,
    IMAGE_V1_INDEX = 32, /* the container of commonware files; V0 otherwise */
    IMAGE_V1_VALUES = 64
};

/* How it is opened. */
enum {
    IMAGE_ZSTD = 1,
    IMAGE_ANY_PAGE_SIZE = 2,
    IMAGE_REWIND = 4,
    IMAGE_CLOSE = 8,
    IMAGE_MANY_FILES = 16,
    IMAGE_TAIL = 32
};

/** A section; places are offsets in the input. */
typedef struct image_section {
    uint64_t number;
    uint8_t flags;
    size_t index_identity, slots, values_identity; /* 32, 32 and 32 bytes */
    uint16_t first, second;                        /* where the header is cut or changed */
    size_t index, index_size, values, values_size; /* data */
} image_section_t;

typedef struct image {
    const uint8_t *data;
    bool commonware;
    uint16_t page_size;
    uint32_t entry_size, record_size;
    uint8_t how;
    size_t count;
    image_section_t sections[IMAGE_SECTIONS]; /* numbers differ */
} image_t;

/** What can be made of any bytes. */
image_t image_parse(const uint8_t *data, size_t size);

/** Bytes before the data of a section's file. */
size_t image_header_size(const image_t *image, const image_section_t *section, bool values);

/** The checksums of the image's format. */
uint32_t image_page_checksum(const image_t *image, uint64_t section, uint64_t page, const uint8_t *bytes,
                             uint16_t size);
uint32_t image_frame_checksum(const image_t *image, uint64_t section, uint64_t offset, const uint8_t *bytes,
                              size_t size);

/** The files of a section, to be freed; {NULL, 0} where there is none. */
bytes_t image_index(const image_t *image, const image_section_t *section);
bytes_t image_values(const image_t *image, const image_section_t *section);

/** The mutation of the target, with checksums that are mended most of the time. */
size_t image_mutate(uint8_t *data, size_t size, size_t most, uint32_t seed, fuzz_mutate_t bytes);

/** A journal that is as it should be, or nearly. Gives its size, 0 where it does not fit. */
size_t image_sample(uint8_t *data, size_t most, fuzz_random_t *random);

#endif
