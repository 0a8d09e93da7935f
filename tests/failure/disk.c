/* failure/disk.c: see disk.h. */
#include "failure/disk.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const partitions[2] = {"test_index", "test_values"};

/* --- looking --- */

typedef struct reading {
    const segj_storage_t *storage;
    segj_partition_t *partition;
    const char *partition_name;
    image_t *image;
} reading_t;

static bytes_t read_whole(const segj_storage_t *storage, segj_partition_t *partition, const char *name)
{
    segj_file_t *file = NULL;
    uint64_t size = 0;
    assert_int_equal(storage->file_open(partition, name, SEGJ_OPEN_READ, &file), 0);
    assert_int_equal(storage->file_size(file, &size), 0);
    bytes_t bytes = {malloc(size > 0 ? (size_t)size : 1), (size_t)size};
    assert_non_null(bytes.data);
    for (size_t at = 0; at < bytes.size;) {
        size_t done = 0;
        assert_int_equal(storage->file_read(file, at, bytes.data + at, bytes.size - at, &done), 0);
        assert_true(done > 0);
        at += done;
    }
    storage->file_close(file);
    return bytes;
}

static int read_entry(void *visit_context, const char *name, segj_entry_kind_t kind)
{
    reading_t *reading = visit_context;
    image_t *image = reading->image;
    assert_int_equal(kind, SEGJ_ENTRY_FILE);
    assert_true(image->count < IMAGE_FILES);
    (void)snprintf(image->paths[image->count], sizeof image->paths[0], "%s/%s", reading->partition_name, name);
    image->files[image->count] = read_whole(reading->storage, reading->partition, name);
    image->count++;
    return 0;
}

void take_image(const segj_storage_t *storage, const char *directory, image_t *image)
{
    image->count = 0;
    for (int i = 0; i < 2; i++) {
        reading_t reading = {storage, NULL, partitions[i], image};
        int code = storage->partition_open(storage->context, directory, partitions[i], &reading.partition);
        if (code == ENOENT)
            continue;
        assert_int_equal(code, 0);
        assert_int_equal(storage->partition_list(reading.partition, read_entry, &reading), 0);
        storage->partition_close(reading.partition);
    }
}

void free_image(image_t *image)
{
    for (size_t i = 0; i < image->count; i++)
        free_bytes(&image->files[i]);
    image->count = 0;
}

static const bytes_t *find_in_image(const image_t *image, const char *path)
{
    for (size_t i = 0; i < image->count; i++)
        if (strcmp(image->paths[i], path) == 0)
            return &image->files[i];
    return NULL;
}

void assert_images_equal(const image_t *left, const image_t *right)
{
    if (left->count != right->count) {
        print_error("%zu files, expected %zu\n", right->count, left->count);
        fail();
    }
    for (size_t i = 0; i < left->count; i++) {
        const bytes_t *a = &left->files[i];
        const bytes_t *b = find_in_image(right, left->paths[i]);
        size_t same = 0;
        while (b != NULL && same < a->size && same < b->size && a->data[same] == b->data[same])
            same++;
        if (b != NULL && a->size == b->size && same == a->size)
            continue;
        print_error("%s differs from byte %zu on (%zu bytes, expected %zu)\n", left->paths[i], same,
                    b != NULL ? b->size : 0, a->size);
        fail();
    }
}

bool partition_exists(const segj_storage_t *storage, const char *directory, const char *partition)
{
    segj_partition_t *opened = NULL;
    int code = storage->partition_open(storage->context, directory, partition, &opened);
    if (code == ENOENT)
        return false;
    assert_int_equal(code, 0);
    storage->partition_close(opened);
    return true;
}

/* --- damaging --- */

typedef struct opened {
    segj_partition_t *partition;
    char name[17];
} opened_t;

static opened_t open_partition(const segj_storage_t *storage, const char *directory, const char *partition,
                               uint64_t section)
{
    opened_t opened = {NULL, ""};
    assert_int_equal(storage->partition_open(storage->context, directory, partition, &opened.partition), 0);
    (void)snprintf(opened.name, sizeof opened.name, "%016" PRIx64, section);
    return opened;
}

void append_to_file(const segj_storage_t *storage, const char *directory, const char *partition, uint64_t section,
                    const void *data, size_t size)
{
    opened_t opened = open_partition(storage, directory, partition, section);
    segj_file_t *file = NULL;
    uint64_t end = 0;
    int code = storage->file_open(opened.partition, opened.name, SEGJ_OPEN_WRITE, &file);
    if (code == ENOENT)
        code = storage->file_open(opened.partition, opened.name, SEGJ_OPEN_CREATE, &file);
    assert_int_equal(code, 0);
    assert_int_equal(storage->file_size(file, &end), 0);
    segj_slice_t slice = {data, size};
    size_t done = 0;
    assert_int_equal(storage->file_write(file, end, &slice, 1, &done), 0);
    assert_int_equal(done, size);
    assert_int_equal(storage->file_sync(file), 0);
    storage->file_close(file);
    assert_int_equal(storage->partition_sync(opened.partition), 0);
    storage->partition_close(opened.partition);
}

void shorten_file(const segj_storage_t *storage, const char *directory, const char *partition, uint64_t section,
                  uint64_t size)
{
    opened_t opened = open_partition(storage, directory, partition, section);
    segj_file_t *file = NULL;
    uint64_t end = 0;
    assert_int_equal(storage->file_open(opened.partition, opened.name, SEGJ_OPEN_WRITE, &file), 0);
    assert_int_equal(storage->file_size(file, &end), 0);
    assert_true(end >= size || size == SIZE_MAX);
    assert_int_equal(storage->file_truncate(file, size < end ? end - size : 0), 0);
    assert_int_equal(storage->file_sync(file), 0);
    storage->file_close(file);
    storage->partition_close(opened.partition);
}

void spoil_file(const segj_storage_t *storage, const char *directory, const char *partition, uint64_t section,
                uint64_t offset)
{
    opened_t opened = open_partition(storage, directory, partition, section);
    segj_file_t *file = NULL;
    uint8_t byte = 0;
    size_t done = 0;
    assert_int_equal(storage->file_open(opened.partition, opened.name, SEGJ_OPEN_WRITE, &file), 0);
    assert_int_equal(storage->file_read(file, offset, &byte, 1, &done), 0);
    assert_int_equal(done, 1);
    byte = (uint8_t)~byte;
    segj_slice_t slice = {&byte, 1};
    assert_int_equal(storage->file_write(file, offset, &slice, 1, &done), 0);
    assert_int_equal(storage->file_sync(file), 0);
    storage->file_close(file);
    storage->partition_close(opened.partition);
}

void write_named(const segj_storage_t *storage, const char *directory, const char *partition, const char *name,
                 const void *data, size_t size)
{
    segj_partition_t *opened = NULL;
    segj_file_t *file = NULL;
    segj_slice_t slice = {data, size};
    size_t done = 0;
    assert_int_equal(storage->partition_create(storage->context, directory, partition), 0);
    assert_int_equal(storage->partition_open(storage->context, directory, partition, &opened), 0);
    int code = storage->file_open(opened, name, SEGJ_OPEN_WRITE, &file);
    if (code == ENOENT)
        code = storage->file_open(opened, name, SEGJ_OPEN_CREATE, &file);
    assert_int_equal(code, 0);
    assert_int_equal(storage->file_truncate(file, 0), 0);
    if (size > 0)
        assert_int_equal(storage->file_write(file, 0, &slice, 1, &done), 0);
    assert_int_equal(done, size);
    assert_int_equal(storage->file_sync(file), 0);
    storage->file_close(file);
    assert_int_equal(storage->partition_sync(opened), 0);
    storage->partition_close(opened);
}

void unlink_file(const segj_storage_t *storage, const char *directory, const char *partition, uint64_t section)
{
    opened_t opened = open_partition(storage, directory, partition, section);
    assert_int_equal(storage->file_remove(opened.partition, opened.name), 0);
    assert_int_equal(storage->partition_sync(opened.partition), 0);
    storage->partition_close(opened.partition);
}
