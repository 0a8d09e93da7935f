/*
 * unit/place.h: a place for a test of storages: a storage, a directory that does not exist yet, and short ways to call
 * the storage's functions.
 */
#ifndef TESTS_UNIT_PLACE_H
#define TESTS_UNIT_PLACE_H

#include "support/support.h"

#include "storage/io.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

struct place {
    const segj_storage_t *storage;
    segj_storage_t *memory;
    char base[PATH_LIMIT]; /* POSIX: an existing directory around `directory` */
    char directory[PATH_LIMIT + 16];
    int descriptors; /* how many there were when the test began */
};

/** Setups and the teardown of a test. The teardown fails where descriptors were left open. */
int make_posix(void **state);
int make_memory(void **state);
int drop_place(void **state);

/* Partitions and files; what is not called try_ succeeds, or fails the test. */
segj_partition_t *open_partition(const struct place *place, const char *name);
segj_partition_t *make_partition(const struct place *place, const char *name);
int remove_partition(const struct place *place, const char *name);
segj_file_t *open_file(const struct place *place, segj_partition_t *partition, const char *name, segj_open_mode_t mode);
int try_open(const struct place *place, segj_partition_t *partition, const char *name, segj_open_mode_t mode);
void write_text(const struct place *place, segj_file_t *file, uint64_t offset, const char *text);
void expect_bytes(const struct place *place, segj_file_t *file, uint64_t offset, const char *bytes, size_t size);
void expect_size(const struct place *place, segj_file_t *file, uint64_t size);

/* The same through the library's wrappers. */
segj_io_partition_t part_of(const struct place *place, const char *name);
segj_io_partition_t make_part(const struct place *place, const char *name);

#endif
