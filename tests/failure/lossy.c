/* failure/lossy.c: see lossy.h. Visible bytes, names and locks are those of a storage in memory beneath. */
#include "failure/lossy.h"

#include "support/support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INODES_MAX = 64, PARTITIONS_MAX = 2, NAME_MAX_BYTES = 32 };

/** A file, visible under its name or not any more; and what of it is durable. */
typedef struct inode {
    char partition[NAME_MAX_BYTES], name[NAME_MAX_BYTES];
    bool visible, durable; /* the name */
    uint8_t *bytes;        /* durable ones */
    size_t size, capacity;
    bool *dirty; /* written, and not yet covered by a sync: one a byte */
    size_t dirty_capacity;
    uint64_t cut; /* the file was shorter once since the last sync: durable bytes from here on go */
} inode_t;

struct lossy {
    segj_storage_t storage;
    segj_storage_t *memory;
    inode_t inodes[INODES_MAX];
    size_t count;
    uint64_t syncs, fail;
    int code;
    bool keeps; /* a failed sync leaves bytes as they were: to be written, perhaps, by a later one */
};

struct segj_partition {
    lossy_t *lossy;
    segj_partition_t *inner;
    char name[NAME_MAX_BYTES];
};

struct segj_file {
    lossy_t *lossy;
    segj_file_t *inner;
    inode_t *inode;
};

static void *grow(void *memory, size_t *capacity, size_t wanted, size_t unit)
{
    if (wanted <= *capacity)
        return memory;
    size_t larger = wanted * 2;
    void *moved = realloc(memory, larger * unit);
    assert_non_null(moved);
    memset((char *)moved + *capacity * unit, 0, (larger - *capacity) * unit);
    *capacity = larger;
    return moved;
}

/* --- partitions --- */

static int lossy_partition_create(void *context, const char *directory, const char *partition)
{
    lossy_t *lossy = context;
    return lossy->memory->partition_create(lossy->memory->context, directory, partition);
}

static int lossy_partition_open(void *context, const char *directory, const char *partition, segj_partition_t **opened)
{
    lossy_t *lossy = context;
    segj_partition_t *made = calloc(1, sizeof *made);
    assert_non_null(made);
    made->lossy = lossy;
    (void)snprintf(made->name, sizeof made->name, "%s", partition);
    int code = lossy->memory->partition_open(lossy->memory->context, directory, partition, &made->inner);
    if (code == 0)
        *opened = made;
    else
        free(made);
    return code;
}

static int lossy_partition_lock(segj_partition_t *partition, bool exclusive)
{
    return partition->lossy->memory->partition_lock(partition->inner, exclusive);
}

static int lossy_partition_unlock(segj_partition_t *partition)
{
    return partition->lossy->memory->partition_unlock(partition->inner);
}

static int lossy_partition_list(segj_partition_t *partition, segj_list_visit_t visit, void *visit_context)
{
    return partition->lossy->memory->partition_list(partition->inner, visit, visit_context);
}

static bool is_to_fail(lossy_t *lossy)
{
    return ++lossy->syncs == lossy->fail;
}

/* Names that could not be synced stay for the next sync: the system knows of them. */
static int lossy_partition_sync(segj_partition_t *partition)
{
    lossy_t *lossy = partition->lossy;
    if (is_to_fail(lossy))
        return lossy->code;
    for (size_t i = 0; i < lossy->count; i++)
        if (strcmp(lossy->inodes[i].partition, partition->name) == 0)
            lossy->inodes[i].durable = lossy->inodes[i].visible;
    return 0;
}

static void lossy_partition_close(segj_partition_t *partition)
{
    partition->lossy->memory->partition_close(partition->inner);
    free(partition);
}

static int lossy_partition_remove(void *context, const char *directory, const char *partition)
{
    lossy_t *lossy = context;
    return lossy->memory->partition_remove(lossy->memory->context, directory, partition);
}

static int lossy_directory_sync(void *context, const char *directory)
{
    lossy_t *lossy = context;
    return lossy->memory->directory_sync(lossy->memory->context, directory);
}

/* --- files --- */

static inode_t *find_inode(lossy_t *lossy, const char *partition, const char *name)
{
    for (size_t i = 0; i < lossy->count; i++) {
        inode_t *inode = &lossy->inodes[i];
        if (inode->visible && strcmp(inode->partition, partition) == 0 && strcmp(inode->name, name) == 0)
            return inode;
    }
    return NULL;
}

static inode_t *add_inode(lossy_t *lossy, const char *partition, const char *name)
{
    assert_true(lossy->count < INODES_MAX);
    inode_t *inode = &lossy->inodes[lossy->count++];
    (void)snprintf(inode->partition, sizeof inode->partition, "%s", partition);
    (void)snprintf(inode->name, sizeof inode->name, "%s", name);
    inode->visible = true;
    inode->cut = UINT64_MAX;
    return inode;
}

static int lossy_file_open(segj_partition_t *partition, const char *name, segj_open_mode_t mode, segj_file_t **opened)
{
    lossy_t *lossy = partition->lossy;
    segj_file_t *made = calloc(1, sizeof *made);
    assert_non_null(made);
    int code = lossy->memory->file_open(partition->inner, name, mode, &made->inner);
    if (code != 0) {
        free(made);
        return code;
    }
    made->lossy = lossy;
    made->inode =
        mode == SEGJ_OPEN_CREATE ? add_inode(lossy, partition->name, name) : find_inode(lossy, partition->name, name);
    assert_non_null(made->inode);
    *opened = made;
    return 0;
}

static int lossy_file_remove(segj_partition_t *partition, const char *name)
{
    inode_t *inode = find_inode(partition->lossy, partition->name, name);
    int code = partition->lossy->memory->file_remove(partition->inner, name);
    if (code == 0)
        inode->visible = false;
    return code;
}

static int lossy_file_read(segj_file_t *file, uint64_t offset, void *buffer, size_t size, size_t *done)
{
    return file->lossy->memory->file_read(file->inner, offset, buffer, size, done);
}

static int lossy_file_write(segj_file_t *file, uint64_t offset, const segj_slice_t *slices, size_t count, size_t *done)
{
    inode_t *inode = file->inode;
    int code = file->lossy->memory->file_write(file->inner, offset, slices, count, done);
    size_t end = (size_t)offset + *done;
    inode->dirty = grow(inode->dirty, &inode->dirty_capacity, end, sizeof *inode->dirty);
    memset(inode->dirty + offset, true, *done);
    return code;
}

static int lossy_file_size(segj_file_t *file, uint64_t *size)
{
    return file->lossy->memory->file_size(file->inner, size);
}

static int lossy_file_truncate(segj_file_t *file, uint64_t size)
{
    inode_t *inode = file->inode;
    int code = file->lossy->memory->file_truncate(file->inner, size);
    if (code == 0 && size < inode->cut)
        inode->cut = size;
    for (size_t i = (size_t)size; code == 0 && i < inode->dirty_capacity; i++)
        inode->dirty[i] = false;
    return code;
}

static void make_durable(const lossy_t *lossy, inode_t *inode, segj_file_t *inner)
{
    uint64_t size = 0;
    size_t done = 0;
    assert_int_equal(lossy->memory->file_size(inner, &size), 0);
    inode->bytes = grow(inode->bytes, &inode->capacity, (size_t)size + 1, 1);
    for (size_t i = (size_t)(inode->cut < inode->size ? inode->cut : inode->size); i < inode->capacity; i++)
        inode->bytes[i] = 0;
    for (size_t i = 0, end; i < inode->dirty_capacity; i = end + 1) {
        end = i;
        while (end < inode->dirty_capacity && inode->dirty[end])
            inode->dirty[end++] = false;
        if (end > i)
            assert_int_equal(lossy->memory->file_read(inner, i, inode->bytes + i, end - i, &done), 0);
    }
    inode->size = (size_t)size;
    inode->cut = UINT64_MAX;
}

/* The size is the file system's own affair, and reaches the disk later; the bytes do not. */
static int lossy_file_sync(segj_file_t *file)
{
    inode_t *inode = file->inode;
    if (!is_to_fail(file->lossy)) {
        make_durable(file->lossy, inode, file->inner);
        return 0;
    }
    for (size_t i = 0; i < inode->dirty_capacity && !file->lossy->keeps; i++)
        inode->dirty[i] = false;
    return file->lossy->code;
}

static void lossy_file_close(segj_file_t *file)
{
    file->lossy->memory->file_close(file->inner);
    free(file);
}

/* --- the storage --- */

lossy_t *lossy_new(void)
{
    lossy_t *lossy = calloc(1, sizeof *lossy);
    assert_non_null(lossy);
    assert_ok(segj_storage_memory_create(&lossy->memory));
    lossy->storage = (segj_storage_t){
        .struct_size = sizeof(segj_storage_t),
        .context = lossy,
        .partition_create = lossy_partition_create,
        .partition_open = lossy_partition_open,
        .partition_lock = lossy_partition_lock,
        .partition_unlock = lossy_partition_unlock,
        .partition_list = lossy_partition_list,
        .partition_sync = lossy_partition_sync,
        .partition_close = lossy_partition_close,
        .partition_remove = lossy_partition_remove,
        .directory_sync = lossy_directory_sync,
        .file_open = lossy_file_open,
        .file_remove = lossy_file_remove,
        .file_read = lossy_file_read,
        .file_write = lossy_file_write,
        .file_size = lossy_file_size,
        .file_truncate = lossy_file_truncate,
        .file_sync = lossy_file_sync,
        .file_close = lossy_file_close,
    };
    return lossy;
}

void lossy_free(lossy_t *lossy)
{
    for (size_t i = 0; i < lossy->count; i++) {
        free(lossy->inodes[i].bytes);
        free(lossy->inodes[i].dirty);
    }
    segj_storage_memory_destroy(lossy->memory);
    free(lossy);
}

const segj_storage_t *lossy_storage(const lossy_t *lossy)
{
    return &lossy->storage;
}

void lossy_fail_sync(lossy_t *lossy, uint64_t number, int code)
{
    lossy->syncs = 0;
    lossy->fail = number;
    lossy->code = code;
}

void lossy_keep(lossy_t *lossy)
{
    lossy->keeps = true;
}

uint64_t lossy_syncs(const lossy_t *lossy)
{
    return lossy->syncs;
}

void lossy_write_back(lossy_t *lossy, const char *directory)
{
    const segj_storage_t *memory = lossy->memory;
    for (size_t i = 0; i < lossy->count; i++) {
        inode_t *inode = &lossy->inodes[i];
        segj_partition_t *partition = NULL;
        segj_file_t *file = NULL;
        if (!inode->visible)
            continue;
        assert_int_equal(memory->partition_open(memory->context, directory, inode->partition, &partition), 0);
        assert_int_equal(memory->file_open(partition, inode->name, SEGJ_OPEN_READ, &file), 0);
        make_durable(lossy, inode, file);
        memory->file_close(file);
        memory->partition_close(partition);
    }
}

static void copy_inode(const segj_storage_t *storage, segj_partition_t *partition, const inode_t *inode)
{
    segj_file_t *file = NULL;
    size_t done = 0;
    segj_slice_t slice = {inode->bytes, inode->size};
    assert_int_equal(storage->file_open(partition, inode->name, SEGJ_OPEN_CREATE, &file), 0);
    assert_int_equal(storage->file_write(file, 0, &slice, inode->size > 0 ? 1 : 0, &done), 0);
    assert_int_equal(done, inode->size);
    storage->file_close(file);
}

segj_storage_t *lossy_power_cut(const lossy_t *lossy, const char *directory)
{
    static const char *const partitions[PARTITIONS_MAX] = {"test_index", "test_values"};
    segj_storage_t *left = NULL;
    assert_ok(segj_storage_memory_create(&left));
    for (int i = 0; i < PARTITIONS_MAX; i++) {
        segj_partition_t *partition = NULL;
        assert_int_equal(left->partition_create(left->context, directory, partitions[i]), 0);
        assert_int_equal(left->partition_open(left->context, directory, partitions[i], &partition), 0);
        for (size_t k = 0; k < lossy->count; k++)
            if (lossy->inodes[k].durable && strcmp(lossy->inodes[k].partition, partitions[i]) == 0)
                copy_inode(left, partition, &lossy->inodes[k]);
        left->partition_close(partition);
    }
    return left;
}
