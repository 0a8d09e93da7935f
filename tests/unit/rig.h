/*
 * unit/rig.h: what a journal gives its sections (journal/shared.h), over a storage in memory that is recorded:
 * descriptors, buffers, a page cache, and two opened partitions. For tests of the modules between the storage and the
 * journal.
 */
#ifndef TESTS_UNIT_RIG_H
#define TESTS_UNIT_RIG_H

#include "support/support.h"

#include "journal/shared.h"
#include "support/recorder.h"

typedef struct rig {
    segj_storage_t *memory;
    recorder_t *recorder;
    segj_shared_t shared;
    int logged; /* lines of the log */
} rig_t;

typedef struct rig_sizes {
    uint16_t page_size;    /* 64 */
    uint32_t record_size;  /* 20 */
    size_t index_capacity; /* bytes of a buffer of pages; 4 pages */
    size_t value_capacity; /* bytes of a buffer of frames; 256 */
    uint32_t files_limit;  /* 8 */
    uint32_t cache_pages;  /* 8 */
} rig_sizes_t;

/** What is 0 in `sizes` is as noted above. */
rig_t *rig_new(rig_sizes_t sizes);
/** Everything that the test opened is closed, everything that it charged given back. */
void rig_free(rig_t *rig);

/** Bytes of a file as they are now, past the recorder; to be given back to free_bytes(). */
bytes_t rig_read(rig_t *rig, const segj_io_partition_t *partition, uint64_t section);
void rig_write(rig_t *rig, const segj_io_partition_t *partition, uint64_t section, uint64_t offset, const void *data,
               size_t size);
void rig_cut(rig_t *rig, const segj_io_partition_t *partition, uint64_t section, uint64_t size);

/** Makes a section's file, empty, and opens it (by the recorder, whose list is then empty again). */
segj_io_file_t rig_create(rig_t *rig, const segj_io_partition_t *partition, uint64_t section);

#endif
