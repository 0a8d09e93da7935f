/*
 * support/simdisk_image.h: the bytes of a file of a simulated disk. An image is a list of sectors; both are shared
 * between images and disks until one of them changes, and both know a number for what they hold, so that copies and
 * comparisons cost nearly nothing. Images and disks that share something belong to one thread at a time.
 */
#ifndef SUPPORT_SIMDISK_IMAGE_H
#define SUPPORT_SIMDISK_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIMDISK_SECTOR 512

/** 512 bytes that are not all zero. */
typedef struct sector {
    size_t references;
    uint64_t hash;
    uint8_t bytes[SIMDISK_SECTOR];
} sector_t;

/** NULL: an empty file. Bytes behind the end are zeros. */
typedef struct image {
    size_t references;
    uint64_t size;
    uint64_t sum;           /* of the sectors' numbers at their places */
    size_t count, capacity; /* of sectors */
    sector_t **sectors;     /* NULL: zeros */
} image_t;

/** The sector with these bytes at `from`, and zeros around them; NULL where all are zeros. */
sector_t *simdisk_sector_new(size_t from, const uint8_t *bytes, size_t size);
sector_t *simdisk_sector_share(sector_t *sector);
void simdisk_sector_free(sector_t *sector);

image_t *simdisk_image_share(image_t *image);
void simdisk_image_free(image_t *image);
uint64_t simdisk_image_size(const image_t *image);
uint64_t simdisk_image_hash(const image_t *image);

/** Cuts it, or makes it longer with zeros. */
void simdisk_image_resize(image_t **image, uint64_t size);
/** Writes a piece that lies within one sector; `content` has it at its place. */
void simdisk_image_put(image_t **image, uint64_t offset, size_t size, sector_t *content);
void simdisk_image_fill(image_t **image, uint64_t from, uint64_t to, uint8_t byte);
/** Bytes that the image has. */
void simdisk_image_read(const image_t *image, uint64_t offset, uint8_t *to, size_t size);
/** Whether it has these bytes there, within one sector. */
bool simdisk_image_holds(const image_t *image, uint64_t offset, const uint8_t *bytes, size_t size);

void *simdisk_need(void *memory);
uint64_t simdisk_mix(uint64_t hash, uint64_t word);

#endif
