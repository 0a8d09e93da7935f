/*
 * support/simdisk.c: see the header. The storage, and what is visible of it.
 */
#include "support/simdisk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "support/simdisk_inner.h"

struct segj_partition {
    simdisk_t *disk;
    int part;
    int lock; /* 1: exclusive, 2: shared */
};

struct segj_file {
    simdisk_t *disk;
    size_t inode;
    uint64_t handle;
    bool beside;
};

/* --- calls --- */

/* Counts, shows it to the hook, and asks what becomes of it. The disk is locked. */
static simdisk_fault_t call(simdisk_t *disk, simdisk_call_t kind)
{
    simdisk_fault_t fault = {0, SIZE_MAX, false, 0};
    disk->counts[kind]++;
    if (disk->hook != NULL && kind < SIMDISK_CHANGES && !disk->off)
        disk->hook(disk->hook_context, disk, kind);
    if (disk->faults != NULL && !disk->off)
        disk->faults(disk->faults_context, kind, &fault);
    if (disk->off)
        fault = (simdisk_fault_t){EIO, 0, false, 0};
    return fault;
}

static void lock(simdisk_t *disk)
{
    if (pthread_mutex_lock(&disk->lock) != 0)
        abort();
}

static int unlock(simdisk_t *disk, int code)
{
    if (pthread_mutex_unlock(&disk->lock) != 0)
        abort();
    return code;
}

#define BLOCK ((uint64_t)4096)

/* Blocks for so many bytes at an offset; ENOSPC. */
static int take_room(simdisk_t *disk, uint64_t offset, uint64_t size)
{
    uint64_t blocks = size == 0 ? 0 : (offset + size - 1) / BLOCK - offset / BLOCK + 1;
    if (!disk->scarce || disk->off)
        return 0;
    if (blocks * BLOCK > disk->room)
        return ENOSPC;
    disk->room -= blocks * BLOCK;
    return 0;
}

void simdisk_set_room(simdisk_t *disk, uint64_t bytes)
{
    disk->scarce = bytes != SIZE_MAX;
    disk->room = bytes;
}

/* --- partitions --- */

static int part_of(const simdisk_t *disk, const char *name)
{
    for (int i = 0; i < SIMDISK_PARTS; i++)
        if (disk->parts[i].made && strcmp(disk->parts[i].name, name) == 0)
            return i;
    return -1;
}

/* Partitions are durable when they are made; open's own handling of missing ones is tested elsewhere. */
static int make_part(simdisk_t *disk, const char *partition)
{
    if (part_of(disk, partition) >= 0)
        return 0;
    for (int i = 0; i < SIMDISK_PARTS; i++) {
        if (disk->parts[i].made)
            continue;
        disk->parts[i].made = true;
        strncpy(disk->parts[i].name, partition, SIMDISK_NAME_SIZE - 1);
        return 0;
    }
    return ENOSPC;
}

static int sim_partition_create(void *context, const char *directory, const char *partition)
{
    simdisk_t *disk = context;
    (void)directory;
    lock(disk);
    return unlock(disk, make_part(disk, partition));
}

static int sim_partition_open(void *context, const char *directory, const char *partition, segj_partition_t **opened)
{
    simdisk_t *disk = context;
    (void)directory;
    lock(disk);
    int code = call(disk, SIMDISK_OPEN).code;
    int part = part_of(disk, partition);
    if (code != 0 || part < 0)
        return unlock(disk, code != 0 ? code : ENOENT);
    *opened = simdisk_need(calloc(1, sizeof **opened));
    (*opened)->disk = disk;
    (*opened)->part = part;
    return unlock(disk, 0);
}

static int sim_partition_lock(segj_partition_t *partition, bool exclusive)
{
    simdisk_t *disk = partition->disk;
    part_t *part = &disk->parts[partition->part];
    lock(disk);
    if (part->locks < 0 || (exclusive && part->locks > 0))
        return unlock(disk, EWOULDBLOCK);
    part->locks = exclusive ? -1 : part->locks + 1;
    partition->lock = exclusive ? 1 : 2;
    return unlock(disk, 0);
}

static int sim_partition_unlock(segj_partition_t *partition)
{
    simdisk_t *disk = partition->disk;
    part_t *part = &disk->parts[partition->part];
    lock(disk);
    if (partition->lock != 0)
        part->locks = partition->lock == 1 ? 0 : part->locks - 1;
    partition->lock = 0;
    return unlock(disk, 0);
}

static int sim_partition_list(segj_partition_t *partition, segj_list_visit_t visit, void *visit_context)
{
    simdisk_t *disk = partition->disk;
    lock(disk);
    const names_t *names = &disk->parts[partition->part].visible;
    int code = call(disk, SIMDISK_LIST).code;
    for (size_t i = 0; i < names->count && code == 0; i++)
        code = visit(visit_context, names->entries[i].name, SEGJ_ENTRY_FILE);
    return unlock(disk, code);
}

static int sim_partition_sync(segj_partition_t *partition)
{
    simdisk_t *disk = partition->disk;
    lock(disk);
    int code = call(disk, SIMDISK_NAMES_SYNC).code;
    if (code == 0)
        simdisk_make_names_durable(disk, partition->part);
    return unlock(disk, code);
}

static void sim_partition_close(segj_partition_t *partition)
{
    (void)sim_partition_unlock(partition);
    free(partition);
}

static int sim_partition_remove(void *context, const char *directory, const char *partition)
{
    simdisk_t *disk = context;
    (void)directory;
    lock(disk);
    int part = part_of(disk, partition);
    if (part < 0)
        return unlock(disk, ENOENT);
    if (disk->parts[part].visible.count > 0)
        return unlock(disk, ENOTEMPTY);
    disk->parts[part].made = false;
    return unlock(disk, disk->off ? EIO : 0);
}

static int sim_directory_sync(void *context, const char *directory)
{
    simdisk_t *disk = context;
    (void)directory;
    lock(disk);
    return unlock(disk, disk->off ? EIO : 0);
}

/* --- files --- */

static int find_or_create(segj_partition_t *partition, const char *name, bool create, size_t *inode)
{
    simdisk_t *disk = partition->disk;
    names_t *names = &disk->parts[partition->part].visible;
    size_t at = simdisk_names_find(names, name);
    if (create && at < names->count)
        return EEXIST;
    if (!create && at == names->count)
        return ENOENT;
    int code = call(disk, create ? SIMDISK_CREATE : SIMDISK_OPEN).code;
    if (code == 0 && create)
        code = take_room(disk, 0, 1);
    if (code != 0)
        return code;
    if (!create) {
        *inode = names->entries[at].inode;
        return 0;
    }
    if (disk->inode_count == disk->inode_capacity) {
        disk->inode_capacity += 8;
        disk->inodes = simdisk_need(realloc(disk->inodes, disk->inode_capacity * sizeof *disk->inodes));
    }
    *inode = disk->inode_count++;
    disk->inodes[*inode] = (inode_t){.part = partition->part};
    change_t *change = simdisk_change_add(disk, CHANGE_CREATE, *inode);
    change->part = partition->part;
    strncpy(change->name, name, SIMDISK_NAME_SIZE - 1);
    simdisk_names_add(names, name, *inode);
    return 0;
}

static int sim_file_open(segj_partition_t *partition, const char *name, segj_open_mode_t mode, segj_file_t **opened)
{
    simdisk_t *disk = partition->disk;
    size_t inode;
    lock(disk);
    int code = find_or_create(partition, name, mode == SEGJ_OPEN_CREATE, &inode);
    if (code != 0)
        return unlock(disk, code);
    *opened = simdisk_need(calloc(1, sizeof **opened));
    (*opened)->disk = disk;
    (*opened)->inode = inode;
    (*opened)->handle = ++disk->handles;
    (*opened)->beside = name[0] == '.'; /* no section's */
    disk->beside += (*opened)->beside;
    if (++disk->open_files - disk->beside > disk->most_open_files)
        disk->most_open_files = disk->open_files - disk->beside;
    return unlock(disk, 0);
}

static int sim_file_remove(segj_partition_t *partition, const char *name)
{
    simdisk_t *disk = partition->disk;
    names_t *names = &disk->parts[partition->part].visible;
    lock(disk);
    size_t at = simdisk_names_find(names, name);
    if (at == names->count)
        return unlock(disk, ENOENT);
    int code = call(disk, SIMDISK_REMOVE).code;
    if (code != 0)
        return unlock(disk, code);
    change_t *change = simdisk_change_add(disk, CHANGE_REMOVE, names->entries[at].inode);
    change->part = partition->part;
    strncpy(change->name, name, SIMDISK_NAME_SIZE - 1);
    simdisk_names_remove(names, name);
    return unlock(disk, 0);
}

/* The disk is locked. */
static void read_image(const image_t *image, uint64_t offset, void *buffer, size_t size, size_t *done)
{
    uint64_t end = simdisk_image_size(image);
    uint64_t left = offset < end ? end - offset : 0;
    *done = left < size ? (size_t)left : size;
    if (*done > 0)
        simdisk_image_read(image, offset, buffer, *done);
}

static int sim_file_read(segj_file_t *file, uint64_t offset, void *buffer, size_t size, size_t *done)
{
    simdisk_t *disk = file->disk;
    lock(disk);
    simdisk_fault_t fault = call(disk, SIMDISK_READ);
    *done = 0;
    if (fault.code == 0)
        read_image(disk->inodes[file->inode].visible, offset, buffer, size < fault.limit ? size : fault.limit, done);
    return unlock(disk, fault.code);
}

/* Bytes of the range that a change may still alter are shown as others than the file shows. */
static void hide_pending(const simdisk_t *disk, const change_t *change, uint64_t offset, uint8_t *bytes, size_t *done)
{
    const image_t *visible = disk->inodes[change->inode].visible;
    if (change->kind == CHANGE_TRUNCATE && change->offset < offset + *done)
        *done = change->offset > offset ? (size_t)(change->offset - offset) : 0;
    if (change->kind != CHANGE_PIECE || change->written)
        return;
    for (uint64_t at = change->offset; at < change->offset + change->size; at++) {
        if (at < offset || at >= offset + *done || at >= simdisk_image_size(visible))
            continue;
        simdisk_image_read(visible, at, &bytes[at - offset], 1);
        bytes[at - offset] ^= 0xff;
    }
}

/* What is durable, and no crash takes back. */
static int sim_file_read_device(segj_file_t *file, uint64_t offset, void *buffer, size_t size, size_t *done)
{
    simdisk_t *disk = file->disk;
    if ((offset | size | (uintptr_t)buffer) % 4096 != 0)
        abort();
    lock(disk);
    simdisk_fault_t fault = call(disk, SIMDISK_READ_DEVICE);
    *done = 0;
    if (fault.code == 0)
        read_image(disk->inodes[file->inode].durable, offset, buffer, size, done);
    for (size_t i = 0; i < disk->change_count; i++)
        if (disk->changes[i].inode == file->inode)
            hide_pending(disk, &disk->changes[i], offset, buffer, done);
    return unlock(disk, fault.code);
}

/* A part of a write, within one sector. */
static void write_piece(segj_file_t *file, uint64_t offset, const uint8_t *bytes, size_t size)
{
    simdisk_t *disk = file->disk;
    inode_t *inode = &disk->inodes[file->inode];
    change_t piece = {.kind = CHANGE_PIECE, .inode = file->inode, .offset = offset, .size = size};
    if (disk->lean && simdisk_image_holds(inode->durable, offset, bytes, size) &&
        !simdisk_change_covers(disk, disk->change_count, &piece) &&
        simdisk_image_holds(inode->visible, offset, bytes, size))
        return;
    piece.handle = file->handle;
    piece.write = disk->writes;
    piece.content = simdisk_sector_new((size_t)(offset % SIMDISK_SECTOR), bytes, size);
    simdisk_image_put(&inode->visible, offset, size, piece.content);
    *simdisk_change_add(disk, CHANGE_PIECE, file->inode) = piece;
    if (offset + size > inode->longest)
        inode->longest = offset + size;
}

/* A part of a write within one sector, in grains; zeros behind the end are one piece. */
static void write_grains(segj_file_t *file, uint64_t offset, const uint8_t *bytes, size_t size)
{
    size_t grain = file->disk->grain;
    uint64_t end = simdisk_image_size(file->disk->inodes[file->inode].durable);
    for (size_t at = 0; at < size;) {
        size_t part = 0;
        while (offset + at >= end && at + part < size && bytes[at + part] == 0)
            part++;
        if (part == 0)
            part = grain - (size_t)((offset + at) % grain);
        if (part > size - at)
            part = size - at;
        write_piece(file, offset + at, bytes + at, part);
        at += part;
    }
}

static void write_sector(segj_file_t *file, uint64_t offset, const uint8_t *bytes, size_t size)
{
    if (file->disk->grain == SIMDISK_SECTOR)
        write_piece(file, offset, bytes, size);
    else
        write_grains(file, offset, bytes, size);
}

/* At most `limit` bytes of the slices. */
static void write_slices(segj_file_t *file, uint64_t offset, const segj_slice_t *slices, size_t count, size_t limit,
                         size_t *done)
{
    simdisk_t *disk = file->disk;
    uint8_t gathered[SIMDISK_SECTOR];
    size_t have = 0;
    uint64_t at = offset;
    disk->writes++;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *bytes = slices[i].data;
        size_t left = slices[i].size < limit ? slices[i].size : limit;
        limit -= left;
        while (left > 0) {
            size_t room = SIMDISK_SECTOR - (size_t)((at + have) % SIMDISK_SECTOR);
            size_t part = room < left ? room : left;
            memcpy(gathered + have, bytes, part);
            have += part;
            bytes += part;
            left -= part;
            if (part == room) {
                write_sector(file, at, gathered, have);
                at += have;
                have = 0;
            }
        }
    }
    if (have > 0)
        write_sector(file, at, gathered, have);
    *done = (size_t)(at + have - offset);
}

static int sim_file_write(segj_file_t *file, uint64_t offset, const segj_slice_t *slices, size_t count, size_t *done)
{
    simdisk_t *disk = file->disk;
    lock(disk);
    simdisk_fault_t fault = call(disk, SIMDISK_WRITE);
    uint64_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += slices[i].size;
    *done = 0;
    if (fault.code == 0 && take_room(disk, offset, size) != 0)
        fault = (simdisk_fault_t){.code = ENOSPC};
    if (fault.code == 0 || (fault.limit > 0 && fault.limit < SIZE_MAX))
        write_slices(file, offset, slices, count, fault.limit, done);
    return unlock(disk, fault.code);
}

static int sim_file_size(segj_file_t *file, uint64_t *size)
{
    simdisk_t *disk = file->disk;
    lock(disk);
    int code = call(disk, SIMDISK_SIZE).code;
    *size = simdisk_image_size(disk->inodes[file->inode].visible);
    return unlock(disk, code);
}

static int sim_file_truncate(segj_file_t *file, uint64_t size)
{
    simdisk_t *disk = file->disk;
    lock(disk);
    int code = call(disk, SIMDISK_TRUNCATE).code;
    if (code != 0)
        return unlock(disk, code);
    inode_t *inode = &disk->inodes[file->inode];
    change_t cut = {.kind = CHANGE_TRUNCATE, .inode = file->inode, .size = SIZE_MAX};
    if (disk->lean && simdisk_image_size(inode->durable) == size && simdisk_image_size(inode->visible) == size &&
        !simdisk_change_covers(disk, disk->change_count, &cut))
        return unlock(disk, 0);
    simdisk_image_resize(&inode->visible, size);
    change_t *change = simdisk_change_add(disk, CHANGE_TRUNCATE, file->inode);
    change->handle = file->handle;
    change->offset = size;
    return unlock(disk, 0);
}

static int sync_file(segj_file_t *file)
{
    simdisk_t *disk = file->disk;
    lock(disk);
    simdisk_fault_t fault = call(disk, SIMDISK_FILE_SYNC);
    if (fault.code == 0) {
        simdisk_make_file_durable(disk, file->inode, disk->whole_syncs ? SIMDISK_ALL_HANDLES : file->handle);
    } else if (fault.drop) {
        simdisk_drop_inode(disk, fault.seed, file->inode);
    }
    return unlock(disk, fault.code);
}

static int sim_file_sync(segj_file_t *file)
{
    flush_order_t *order = file->disk->order;
    if (order == NULL)
        return sync_file(file);
    flush_order_before(order);
    int code = sync_file(file);
    flush_order_after(order, code);
    return code;
}

static void sim_file_close(segj_file_t *file)
{
    simdisk_t *disk = file->disk;
    lock(disk);
    disk->open_files--;
    disk->beside -= file->beside;
    (void)unlock(disk, 0);
    free(file);
}

/* --- disks --- */

simdisk_t *simdisk_new(void)
{
    simdisk_t *disk = simdisk_need(calloc(1, sizeof *disk));
    if (pthread_mutex_init(&disk->lock, NULL) != 0)
        abort();
    disk->grain = SIMDISK_SECTOR;
    disk->storage = (segj_storage_t){
        .struct_size = sizeof(segj_storage_t),
        .context = disk,
        .partition_create = sim_partition_create,
        .partition_open = sim_partition_open,
        .partition_lock = sim_partition_lock,
        .partition_unlock = sim_partition_unlock,
        .partition_list = sim_partition_list,
        .partition_sync = sim_partition_sync,
        .partition_close = sim_partition_close,
        .partition_remove = sim_partition_remove,
        .directory_sync = sim_directory_sync,
        .file_open = sim_file_open,
        .file_remove = sim_file_remove,
        .file_read = sim_file_read,
        .file_write = sim_file_write,
        .file_size = sim_file_size,
        .file_truncate = sim_file_truncate,
        .file_sync = sim_file_sync,
        .file_close = sim_file_close,
        .file_read_device = sim_file_read_device,
    };
    return disk;
}

void simdisk_free(simdisk_t *disk)
{
    for (size_t i = 0; i < disk->inode_count; i++) {
        simdisk_image_free(disk->inodes[i].visible);
        simdisk_image_free(disk->inodes[i].durable);
        free(disk->inodes[i].flat);
    }
    for (size_t i = 0; i < disk->change_count; i++)
        simdisk_change_free(&disk->changes[i]);
    for (int i = 0; i < SIMDISK_PARTS; i++) {
        free(disk->parts[i].visible.entries);
        free(disk->parts[i].durable.entries);
    }
    (void)pthread_mutex_destroy(&disk->lock);
    free(disk->inodes);
    free(disk->changes);
    free(disk);
}

const segj_storage_t *simdisk_storage(simdisk_t *disk)
{
    return &disk->storage;
}

void simdisk_on_call(simdisk_t *disk, simdisk_hook_t hook, void *context)
{
    disk->hook = hook;
    disk->hook_context = context;
}

void simdisk_on_fault(simdisk_t *disk, simdisk_faults_t faults, void *context)
{
    disk->faults = faults;
    disk->faults_context = context;
}

void simdisk_order_flushes(simdisk_t *disk, flush_order_t *order)
{
    disk->order = order;
}

void simdisk_power_off(simdisk_t *disk)
{
    disk->off = true;
}

uint64_t simdisk_count(const simdisk_t *disk, simdisk_call_t kind)
{
    return disk->counts[kind];
}

unsigned simdisk_open_files(const simdisk_t *disk)
{
    return disk->open_files;
}

unsigned simdisk_most_open_files(simdisk_t *disk)
{
    unsigned most = disk->most_open_files;
    disk->most_open_files = disk->open_files - disk->beside;
    return most;
}

void simdisk_count_idle(simdisk_t *disk, bool count)
{
    disk->count_idle = count;
}

void simdisk_forget_idle(simdisk_t *disk)
{
    disk->lean = true;
}

void simdisk_sync_whole_files(simdisk_t *disk)
{
    disk->whole_syncs = true;
}

void simdisk_set_grain(simdisk_t *disk, size_t grain)
{
    disk->grain = grain;
}

static inode_t *find_visible(const simdisk_t *disk, const char *partition, const char *name)
{
    int part = part_of(disk, partition);
    const names_t *names = part >= 0 ? &disk->parts[part].visible : NULL;
    size_t at = names != NULL ? simdisk_names_find(names, name) : 0;
    return names != NULL && at < names->count ? &disk->inodes[names->entries[at].inode] : NULL;
}

const uint8_t *simdisk_visible(simdisk_t *disk, const char *partition, const char *name, uint64_t *size)
{
    inode_t *inode = find_visible(disk, partition, name);
    if (inode == NULL)
        return NULL;
    *size = simdisk_image_size(inode->visible);
    inode->flat = simdisk_need(realloc(inode->flat, (size_t)*size + 1));
    simdisk_image_read(inode->visible, 0, inode->flat, (size_t)*size);
    return inode->flat;
}

bool simdisk_stat(const simdisk_t *disk, const char *partition, const char *name, uint64_t *size, uint64_t *hash)
{
    const inode_t *inode = find_visible(disk, partition, name);
    if (inode == NULL)
        return false;
    *size = simdisk_image_size(inode->visible);
    *hash = simdisk_image_hash(inode->visible);
    return true;
}

size_t simdisk_names(const simdisk_t *disk, const char *partition)
{
    int part = part_of(disk, partition);
    return part >= 0 ? disk->parts[part].visible.count : 0;
}
