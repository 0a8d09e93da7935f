/* unit/place.c: see the header. */
#include "unit/place.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int count_descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < 256; fd++)
        if (fcntl(fd, F_GETFD) != -1)
            count++;
    return count;
}

static struct place *new_place(void)
{
    struct place *place = calloc(1, sizeof *place);
    assert_non_null(place);
    return place;
}

int make_posix(void **state)
{
    struct place *place = new_place();
    path_t base = make_temp_directory();
    memcpy(place->base, base.text, sizeof place->base);
    (void)snprintf(place->directory, sizeof place->directory, "%s/journal", place->base);
    place->storage = segj_storage_posix();
    place->descriptors = count_descriptors();
    *state = place;
    return 0;
}

int make_memory(void **state)
{
    struct place *place = new_place();
    assert_int_equal(segj_storage_memory_create(&place->memory), SEGJ_OK);
    (void)snprintf(place->directory, sizeof place->directory, "journal");
    place->storage = place->memory;
    place->descriptors = count_descriptors();
    *state = place;
    return 0;
}

int drop_place(void **state)
{
    struct place *place = *state;
    int leaked = count_descriptors() - place->descriptors;
    segj_storage_memory_destroy(place->memory);
    if (place->base[0] != '\0')
        remove_tree(place->base);
    free(place);
    return leaked == 0 ? 0 : -1;
}

/* --- short ways to call a storage --- */

segj_partition_t *open_partition(const struct place *place, const char *name)
{
    segj_partition_t *partition = NULL;
    assert_int_equal(place->storage->partition_open(place->storage->context, place->directory, name, &partition), 0);
    assert_non_null(partition);
    return partition;
}

segj_partition_t *make_partition(const struct place *place, const char *name)
{
    assert_int_equal(place->storage->partition_create(place->storage->context, place->directory, name), 0);
    return open_partition(place, name);
}

int remove_partition(const struct place *place, const char *name)
{
    return place->storage->partition_remove(place->storage->context, place->directory, name);
}

segj_file_t *open_file(const struct place *place, segj_partition_t *partition, const char *name, segj_open_mode_t mode)
{
    segj_file_t *file = NULL;
    assert_int_equal(place->storage->file_open(partition, name, mode, &file), 0);
    assert_non_null(file);
    return file;
}

int try_open(const struct place *place, segj_partition_t *partition, const char *name, segj_open_mode_t mode)
{
    segj_file_t *file = NULL;
    int code = place->storage->file_open(partition, name, mode, &file);
    if (code == 0)
        place->storage->file_close(file);
    else
        assert_null(file);
    return code;
}

void write_text(const struct place *place, segj_file_t *file, uint64_t offset, const char *text)
{
    const segj_slice_t slice = {.data = text, .size = strlen(text)};
    size_t done = 0;
    assert_int_equal(place->storage->file_write(file, offset, &slice, 1, &done), 0);
    assert_int_equal(done, strlen(text));
}

void expect_bytes(const struct place *place, segj_file_t *file, uint64_t offset, const char *bytes, size_t size)
{
    char found[256];
    size_t done = 0;
    assert_true(size <= sizeof found);
    assert_int_equal(place->storage->file_read(file, offset, found, size, &done), 0);
    assert_int_equal(done, size);
    assert_memory_equal(found, bytes, size);
}

void expect_size(const struct place *place, segj_file_t *file, uint64_t size)
{
    uint64_t found = UINT64_MAX;
    assert_int_equal(place->storage->file_size(file, &found), 0);
    assert_int_equal(found, size);
}

segj_io_partition_t part_of(const struct place *place, const char *name)
{
    return (segj_io_partition_t){.storage = place->storage, .directory = place->directory, .name = name};
}

segj_io_partition_t make_part(const struct place *place, const char *name)
{
    segj_io_partition_t partition = part_of(place, name);
    bool missing = true;
    assert_int_equal(segj_partition_create(&partition), SEGJ_OK);
    assert_int_equal(segj_partition_open(&partition, &missing), SEGJ_OK);
    assert_false(missing);
    return partition;
}
