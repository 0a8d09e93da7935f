/*
 * failure/disk.h: the files of a journal as a storage shows them, seen and damaged from outside, by the storage's own
 * functions. Partitions are test_index and test_values, as small_config() names them.
 */
#ifndef TESTS_FAILURE_DISK_H
#define TESTS_FAILURE_DISK_H

#include "support/support.h"

enum { IMAGE_FILES = 24 };

/** All files of both partitions, byte for byte; to be given back to free_image(). */
typedef struct image {
    size_t count;
    char paths[IMAGE_FILES][48]; /* "test_index/0000000000000001" */
    bytes_t files[IMAGE_FILES];
} image_t;

void take_image(const segj_storage_t *storage, const char *directory, image_t *image);
void free_image(image_t *image);
/** Prints the first difference and fails the test where the images differ. */
void assert_images_equal(const image_t *left, const image_t *right);
/** Whether a partition is there. */
bool partition_exists(const segj_storage_t *storage, const char *directory, const char *partition);

/* Damage is durable. */

/** Makes a file, or writes behind the end of one that exists. */
void append_to_file(const segj_storage_t *storage, const char *directory, const char *partition, uint64_t section,
                    const void *data, size_t size);
/** Takes `size` bytes off the end of a file; SIZE_MAX: all that there are. */
void shorten_file(const segj_storage_t *storage, const char *directory, const char *partition, uint64_t section,
                  uint64_t size);
/** Inverts a byte of a file. */
void spoil_file(const segj_storage_t *storage, const char *directory, const char *partition, uint64_t section,
                uint64_t offset);
/** Makes a file of another name, in a partition that is made where it is missing; or writes it anew. */
void write_named(const segj_storage_t *storage, const char *directory, const char *partition, const char *name,
                 const void *data, size_t size);
void unlink_file(const segj_storage_t *storage, const char *directory, const char *partition, uint64_t section);

#endif /* TESTS_FAILURE_DISK_H */
