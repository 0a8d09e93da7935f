/*
 * filesystems/scenes_device.c: what the device has, and what the system's memory shows, are made to differ, as a
 * write-back that failed leaves them: blocks of a file that was synced are changed in the image that its file system
 * lies in.
 */
#include "filesystems/scenes.h"

#if defined(__linux__)

#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/stat.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { BLOCK = 4096, BLOCKS = 8, SECTION = 1, VALUE = 3000, VALUES = 20 };

/* Where a byte of an open file lies in the image. */
static uint64_t place_of(int file, uint64_t offset)
{
    union {
        struct fiemap map;
        uint8_t room[sizeof(struct fiemap) + sizeof(struct fiemap_extent)];
    } asked;
    memset(&asked, 0, sizeof asked);
    asked.map.fm_start = offset;
    asked.map.fm_length = 1;
    asked.map.fm_flags = FIEMAP_FLAG_SYNC;
    asked.map.fm_extent_count = 1;
    assert_int_equal(ioctl(file, FS_IOC_FIEMAP, &asked.map), 0);
    assert_int_equal(asked.map.fm_mapped_extents, 1);
    const struct fiemap_extent *extent = &asked.map.fm_extents[0];
    assert_int_equal(extent->fe_flags & (FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DELALLOC | FIEMAP_EXTENT_DATA_INLINE),
                     0);
    return extent->fe_physical + (offset - extent->fe_logical);
}

/* Puts `fill` into a block of the image, in place of one of the file. */
static void change_block(const scene_t *scene, int file, uint64_t offset, char fill)
{
    char block[BLOCK];
    int image = open(scene->image, O_WRONLY | O_CLOEXEC);
    assert_true(image >= 0);
    memset(block, fill, sizeof block);
    assert_int_equal(pwrite(image, block, sizeof block, (off_t)place_of(file, offset)), sizeof block);
    (void)close(image);
}

static void expect_block(const char *block, char fill)
{
    for (size_t i = 0; i < BLOCK; i++)
        assert_int_equal(block[i], fill);
}

/* Since 6.1 the system says of which files such reads reach the device; the library asks where it was built with headers
 * that know of it. */
static bool is_told_here(void)
{
#if !defined(STATX_DIOALIGN)
    return false;
#endif
    struct utsname system;
    assert_int_equal(uname(&system), 0);
    char *rest;
    long major = strtol(system.release, &rest, 10);
    long minor = *rest == '.' ? strtol(rest + 1, NULL, 10) : 0;
    return major > 6 || (major == 6 && minor >= 1);
}

/* The storage's own call: it shows the image, and the others the file as it was written. */
void scene_reads_past_the_cache(scene_t *scene)
{
    const segj_storage_t *storage = segj_storage_posix();
    segj_partition_t *partition = NULL;
    segj_file_t *file = NULL;
    char *room = need_memory((size_t)(BLOCKS + 1) * BLOCK);
    char *blocks = room + (BLOCK - (uintptr_t)room % BLOCK) % BLOCK;
    size_t done = 0;
    assert_int_equal(storage->partition_create(storage->context, scene->place.text, "a"), 0);
    assert_int_equal(storage->partition_open(storage->context, scene->place.text, "a", &partition), 0);
    assert_int_equal(storage->file_open(partition, "f", SEGJ_OPEN_CREATE, &file), 0);
    memset(blocks, 'w', (size_t)BLOCKS * BLOCK);
    const segj_slice_t slice = {blocks, (size_t)BLOCKS * BLOCK};
    assert_int_equal(storage->file_write(file, 0, &slice, 1, &done), 0);
    assert_int_equal(done, slice.size);
    assert_int_equal(storage->file_sync(file), 0);

    int other = open(join_path(join_path(scene->place.text, "a").text, "f").text, O_RDONLY | O_CLOEXEC);
    assert_true(other >= 0);
    change_block(scene, other, (uint64_t)3 * BLOCK, 'd');
    (void)close(other);
    int code = storage->file_read_device(file, 0, blocks, slice.size, &done);
    assert_int_equal(code, is_told_here() ? 0 : ENOTSUP);
    assert_int_equal(done, slice.size);
    for (unsigned i = 0; i < BLOCKS; i++)
        expect_block(blocks + (size_t)i * BLOCK, code == 0 && i == 3 ? 'd' : 'w');
    assert_int_equal(storage->file_read(file, 0, blocks, slice.size, &done), 0);
    assert_int_equal(done, slice.size);
    for (unsigned i = 0; i < BLOCKS; i++)
        expect_block(blocks + (size_t)i * BLOCK, 'w');
    storage->file_close(file);
    storage->partition_close(partition);
    free(room);
}

static void configure(oversized_config_t *config, const path_t *directory)
{
    oversized_config_init(config);
    config->directory = directory->text;
    config->entry_size = FILLER_ENTRY;
    config->sector_size = BLOCK;
    config->native_version = 2;
}

static void append_some(oversized_t *journal, unsigned from)
{
    char value[VALUE];
    for (unsigned i = from; i < from + VALUES; i++) {
        uint64_t entry = i;
        memset(value, 'a' + (int)(i % 20), sizeof value);
        assert_ok(oversized_append(journal, SECTION, &entry, value, sizeof value, NULL, NULL));
    }
}

static void expect_all(oversized_t *journal)
{
    segj_buffer_t value = {0};
    uint64_t count;
    assert_ok(oversized_count(journal, SECTION, &count));
    assert_int_equal(count, 2 * VALUES);
    for (unsigned i = 0; i < 2 * VALUES; i++) {
        assert_ok(oversized_read(journal, SECTION, i, NULL, &value));
        assert_int_equal(value.size, VALUE);
        for (size_t k = 0; k < VALUE; k++)
            assert_int_equal(((const char *)value.data)[k], 'a' + (int)(i % 20));
    }
    segj_buffer_free(&value);
}

/* What a failed write-back has kept from the device is written by the open that finds it, where values are kept
 * apart too, and only that. */
void scene_writes_what_the_device_lacks(scene_t *scene)
{
    oversized_config_t config;
    oversized_t *journal;
    uint64_t synced;
    uint64_t end;
    path_t directory = join_path(scene->place.text, "journal");
    configure(&config, &directory);
    assert_ok(oversized_open(&config, &journal));
    append_some(journal, 0);
    assert_ok(oversized_sync(journal, SECTION));
    assert_ok(oversized_value_size(journal, SECTION, &synced));
    append_some(journal, VALUES);
    assert_ok(oversized_flush(journal, SECTION));
    assert_ok(oversized_value_size(journal, SECTION, &end));
    oversized_abandon(journal);

    path_t values = join_path(join_path(directory.text, "values").text, "0000000000000001");
    int file = open(values.text, O_RDWR | O_CLOEXEC);
    assert_true(file >= 0);
    assert_int_equal(fsync(file), 0);
    uint64_t first = synced - synced % BLOCK + 2 * (uint64_t)BLOCK; /* after the identity, and what was synced */
    assert_true(first + 3 * (uint64_t)BLOCK < end);
    for (uint64_t at = first; at + BLOCK <= end; at += 2 * (uint64_t)BLOCK)
        change_block(scene, file, at, '\0');
    assert_ok(oversized_open(&config, &journal));
    expect_all(journal);
    assert_ok(oversized_close(journal));

    assert_int_equal(posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED), 0);
    (void)close(file);
    config.strict = true;
    assert_ok(oversized_open(&config, &journal));
    expect_all(journal);
    assert_int_equal(oversized_recovery(journal)->sections_repaired, 0);
    assert_ok(oversized_close(journal));
}
#endif
