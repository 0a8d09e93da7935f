/* fuzz/vessel.c: see the header. */
#include "fuzz/vessel.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "fuzz/fuzz.h"

const char vessel_directory[] = "vessel";

static segj_file_t *open_file(const segj_storage_t *storage, segj_partition_t *partition, uint64_t section,
                              segj_open_mode_t mode)
{
    char name[17];
    segj_file_t *file = NULL;
    (void)snprintf(name, sizeof name, "%016" PRIx64, section);
    return storage->file_open(partition, name, mode, &file) == 0 ? file : NULL;
}

void vessel_put(const segj_storage_t *storage, const char *partition, uint64_t section, const bytes_t *bytes)
{
    segj_partition_t *opened = NULL;
    size_t done = 0;
    fuzz_require(storage->partition_create(storage->context, vessel_directory, partition) == 0, "no partition");
    fuzz_require(storage->partition_open(storage->context, vessel_directory, partition, &opened) == 0, "no partition");
    if (bytes->data != NULL) {
        segj_file_t *file = open_file(storage, opened, section, SEGJ_OPEN_WRITE);
        file = file != NULL ? file : open_file(storage, opened, section, SEGJ_OPEN_CREATE);
        segj_slice_t slice = {bytes->data, bytes->size};
        fuzz_require(file != NULL && storage->file_truncate(file, 0) == 0, "no file");
        if (bytes->size > 0)
            fuzz_require(storage->file_write(file, 0, &slice, 1, &done) == 0 && done == bytes->size, "a short write");
        storage->file_close(file);
    }
    storage->partition_close(opened);
}

bytes_t vessel_take(const segj_storage_t *storage, const char *partition, uint64_t section)
{
    bytes_t bytes = {NULL, 0};
    segj_partition_t *opened = NULL;
    uint64_t size = 0;
    size_t done = 0;
    if (storage->partition_open(storage->context, vessel_directory, partition, &opened) != 0)
        return bytes;
    segj_file_t *file = open_file(storage, opened, section, SEGJ_OPEN_READ);
    if (file != NULL) {
        fuzz_require(storage->file_size(file, &size) == 0, "no size");
        bytes = (bytes_t){fuzz_allocate((size_t)size), (size_t)size};
        fuzz_require(storage->file_read(file, 0, bytes.data, bytes.size, &done) == 0 && done == size, "a short read");
        storage->file_close(file);
    }
    storage->partition_close(opened);
    return bytes;
}

static int count_name(void *context, const char *name, segj_entry_kind_t kind)
{
    (void)name;
    (void)kind;
    ++*(size_t *)context;
    return 0;
}

size_t vessel_count(const segj_storage_t *storage, const char *partition)
{
    segj_partition_t *opened = NULL;
    size_t count = 0;
    if (storage->partition_open(storage->context, vessel_directory, partition, &opened) != 0)
        return 0;
    fuzz_require(storage->partition_list(opened, count_name, &count) == 0, "no list");
    storage->partition_close(opened);
    return count;
}
