/*
 * support/simdisk.c: see the header. The storage, and what is visible and durable of it. When a change becomes durable,
 * older pending pieces under it take its bytes, so that they cannot bring back what it has replaced. Where an older
 * truncation is pending, the change stays in the list instead, settled: a crash applies it whatever else it does.
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
};

/* --- memory, images, names --- */

void *simdisk_need(void *memory)
{
    if (memory == NULL)
        abort();
    return memory;
}

void simdisk_image_resize(image_t *image, uint64_t size)
{
    if (size > image->capacity) {
        image->capacity = size + 4096;
        image->bytes = simdisk_need(realloc(image->bytes, (size_t)image->capacity));
    }
    if (size > image->size)
        memset(image->bytes + image->size, 0, (size_t)(size - image->size));
    image->size = size;
}

void simdisk_image_write(image_t *image, uint64_t offset, const uint8_t *bytes, size_t size)
{
    if (offset + size > image->size)
        simdisk_image_resize(image, offset + size);
    memcpy(image->bytes + offset, bytes, size);
}

void simdisk_image_copy(image_t *to, const image_t *from)
{
    to->size = 0;
    simdisk_image_resize(to, from->size);
    if (from->size > 0)
        memcpy(to->bytes, from->bytes, (size_t)from->size);
}

size_t simdisk_names_find(const names_t *names, const char *name)
{
    size_t at = 0;
    while (at < names->count && strcmp(names->entries[at].name, name) != 0)
        at++;
    return at;
}

/* Kept in order, so that equal directories hash alike. */
void simdisk_names_add(names_t *names, const char *name, size_t inode)
{
    size_t at = simdisk_names_find(names, name);
    if (at < names->count) {
        names->entries[at].inode = inode;
        return;
    }
    names->entries = simdisk_need(realloc(names->entries, (names->count + 1) * sizeof *names->entries));
    at = names->count++;
    while (at > 0 && strcmp(names->entries[at - 1].name, name) > 0) {
        names->entries[at] = names->entries[at - 1];
        at--;
    }
    memset(&names->entries[at], 0, sizeof names->entries[at]);
    strcpy(names->entries[at].name, name);
    names->entries[at].inode = inode;
}

void simdisk_names_remove(names_t *names, const char *name)
{
    size_t at = simdisk_names_find(names, name);
    if (at == names->count)
        return;
    memmove(names->entries + at, names->entries + at + 1, (names->count - at - 1) * sizeof *names->entries);
    names->count--;
}

void simdisk_names_copy(names_t *to, const names_t *from)
{
    to->count = from->count;
    to->entries = simdisk_need(malloc((from->count + 1) * sizeof *to->entries));
    if (from->count > 0)
        memcpy(to->entries, from->entries, from->count * sizeof *to->entries);
}

/* --- changes --- */

static change_t *add_change(simdisk_t *disk, change_kind_t kind, size_t inode)
{
    if (disk->change_count == disk->change_capacity) {
        disk->change_capacity = 2 * disk->change_capacity + 16;
        disk->changes = simdisk_need(realloc(disk->changes, disk->change_capacity * sizeof *disk->changes));
    }
    change_t *change = &disk->changes[disk->change_count++];
    memset(change, 0, sizeof *change);
    change->kind = kind;
    change->inode = inode;
    return change;
}

/* `newer` has become durable: older pieces under it are what it left. */
static void settle_older(simdisk_t *disk, size_t before, const change_t *newer)
{
    for (size_t i = 0; i < before; i++) {
        change_t *older = &disk->changes[i];
        if (older->kind != CHANGE_PIECE || older->inode != newer->inode)
            continue;
        if (newer->kind == CHANGE_TRUNCATE) {
            if (older->offset >= newer->offset)
                older->size = 0;
            else if (older->offset + older->size > newer->offset)
                older->size = (size_t)(newer->offset - older->offset);
            continue;
        }
        uint64_t from = older->offset > newer->offset ? older->offset : newer->offset;
        uint64_t old_end = older->offset + older->size;
        uint64_t new_end = newer->offset + newer->size;
        uint64_t to = old_end < new_end ? old_end : new_end;
        if (from < to)
            memcpy(older->bytes + (from - older->offset), newer->bytes + (from - newer->offset), (size_t)(to - from));
    }
}

static void apply(image_t *image, const change_t *change)
{
    if (change->kind == CHANGE_PIECE && change->size > 0)
        simdisk_image_write(image, change->offset, change->bytes, change->size);
    else if (change->kind == CHANGE_TRUNCATE)
        simdisk_image_resize(image, change->offset);
}

typedef enum verdict { PENDING, DURABLE, DROPPED } verdict_t;
typedef verdict_t (*judge_t)(const simdisk_t *disk, const change_t *change, size_t index, const void *context);

/* Goes over the changes of all files' contents in the order of their making. */
static void make_durable(simdisk_t *disk, judge_t judge, const void *context)
{
    size_t kept = 0;
    bool *cut = simdisk_need(calloc(disk->inode_count + 1, sizeof *cut)); /* an older truncation stays pending */
    for (size_t i = 0; i < disk->change_count; i++) {
        change_t *change = &disk->changes[i];
        bool content = change->kind == CHANGE_PIECE || change->kind == CHANGE_TRUNCATE;
        verdict_t verdict = content && !change->settled ? judge(disk, change, i, context) : PENDING;
        if (verdict == DROPPED)
            continue;
        if (verdict == DURABLE && !cut[change->inode]) {
            apply(&disk->inodes[change->inode].durable, change);
            settle_older(disk, kept, change);
            continue;
        }
        change->settled = change->settled || verdict == DURABLE;
        if (change->kind == CHANGE_TRUNCATE)
            cut[change->inode] = true;
        if (kept != i)
            disk->changes[kept] = *change;
        kept++;
    }
    disk->change_count = kept;
    free(cut);
}

static verdict_t covered_by(const simdisk_t *disk, const change_t *change, size_t index, const void *context)
{
    const segj_file_t *file = context;
    return change->inode == file->inode && change->handle == file->handle ? DURABLE : PENDING;
}

static void make_file_durable(simdisk_t *disk, const segj_file_t *file)
{
    inode_t *inode = &disk->inodes[file->inode];
    make_durable(disk, covered_by, file);
    inode->longest = inode->visible.size;
}

typedef struct drop {
    uint64_t seed;
    size_t inode; /* SIZE_MAX: all */
} drop_t;

/* Written bytes reach the disk or never will; truncations are the file system's own and stay pending. */
static verdict_t by_chance(const simdisk_t *disk, const change_t *change, size_t index, const void *context)
{
    const drop_t *drop = context;
    if (change->kind == CHANGE_TRUNCATE || (drop->inode != SIZE_MAX && change->inode != drop->inode))
        return PENDING;
    return (simdisk_mix(simdisk_mix(drop->seed, index), change->offset) >> 32) % 4 == 0 ? DURABLE : DROPPED;
}

void simdisk_drop(simdisk_t *disk, uint64_t seed)
{
    drop_t drop = {seed, SIZE_MAX};
    make_durable(disk, by_chance, &drop);
}

static void make_names_durable(simdisk_t *disk, int part)
{
    size_t kept = 0;
    for (size_t i = 0; i < disk->change_count; i++) {
        change_t *change = &disk->changes[i];
        if ((change->kind != CHANGE_CREATE && change->kind != CHANGE_REMOVE) || change->part != part) {
            if (kept != i)
                disk->changes[kept] = *change;
            kept++;
            continue;
        }
        if (change->kind == CHANGE_CREATE)
            simdisk_names_add(&disk->parts[part].durable, change->name, change->inode);
        else
            simdisk_names_remove(&disk->parts[part].durable, change->name);
    }
    disk->change_count = kept;
}

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

/* --- partitions --- */

static int part_of(const simdisk_t *disk, const char *name)
{
    for (int i = 0; i < 2; i++)
        if (disk->parts[i].made && strcmp(disk->parts[i].name, name) == 0)
            return i;
    return -1;
}

/* Partitions are durable when they are made; open's own handling of missing ones is tested elsewhere. */
static int make_part(simdisk_t *disk, const char *partition)
{
    if (part_of(disk, partition) >= 0)
        return 0;
    for (int i = 0; i < 2; i++) {
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
        make_names_durable(disk, partition->part);
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
    if (code != 0)
        return code;
    if (!create) {
        *inode = names->entries[at].inode;
        return 0;
    }
    disk->inodes = simdisk_need(realloc(disk->inodes, (disk->inode_count + 1) * sizeof *disk->inodes));
    *inode = disk->inode_count++;
    memset(&disk->inodes[*inode], 0, sizeof disk->inodes[*inode]);
    change_t *change = add_change(disk, CHANGE_CREATE, *inode);
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
    if (++disk->open_files > disk->most_open_files)
        disk->most_open_files = disk->open_files;
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
    change_t *change = add_change(disk, CHANGE_REMOVE, names->entries[at].inode);
    change->part = partition->part;
    strncpy(change->name, name, SIMDISK_NAME_SIZE - 1);
    simdisk_names_remove(names, name);
    return unlock(disk, 0);
}

static int sim_file_read(segj_file_t *file, uint64_t offset, void *buffer, size_t size, size_t *done)
{
    simdisk_t *disk = file->disk;
    lock(disk);
    simdisk_fault_t fault = call(disk, SIMDISK_READ);
    const image_t *image = &disk->inodes[file->inode].visible;
    *done = 0;
    if (fault.code != 0 || offset >= image->size)
        return unlock(disk, fault.code);
    if (size > fault.limit)
        size = fault.limit;
    *done = image->size - offset < size ? (size_t)(image->size - offset) : size;
    memcpy(buffer, image->bytes + offset, *done);
    return unlock(disk, 0);
}

static void note_piece(segj_file_t *file, uint64_t offset, const uint8_t *bytes, size_t size)
{
    inode_t *inode = &file->disk->inodes[file->inode];
    change_t *change = add_change(file->disk, CHANGE_PIECE, file->inode);
    change->handle = file->handle;
    change->write = file->disk->writes;
    change->offset = offset;
    change->size = size;
    memcpy(change->bytes, bytes, size);
    if (offset + size > inode->longest)
        inode->longest = offset + size;
}

/* At most `limit` bytes of the slices. */
static void write_slices(segj_file_t *file, uint64_t offset, const segj_slice_t *slices, size_t count, size_t limit,
                         size_t *done)
{
    simdisk_t *disk = file->disk;
    image_t *image = &disk->inodes[file->inode].visible;
    uint64_t at = offset;
    disk->writes++;
    for (size_t i = 0; i < count && limit > 0; i++) {
        size_t size = slices[i].size < limit ? slices[i].size : limit;
        if (size > 0)
            simdisk_image_write(image, at, slices[i].data, size);
        at += size;
        limit -= size;
    }
    *done = (size_t)(at - offset);
    while (offset < at) {
        size_t part = SIMDISK_SECTOR - (size_t)(offset % SIMDISK_SECTOR);
        if (part > at - offset)
            part = (size_t)(at - offset);
        note_piece(file, offset, image->bytes + offset, part);
        offset += part;
    }
}

static int sim_file_write(segj_file_t *file, uint64_t offset, const segj_slice_t *slices, size_t count, size_t *done)
{
    simdisk_t *disk = file->disk;
    lock(disk);
    simdisk_fault_t fault = call(disk, SIMDISK_WRITE);
    *done = 0;
    if (fault.code == 0 || (fault.limit > 0 && fault.limit < SIZE_MAX))
        write_slices(file, offset, slices, count, fault.limit, done);
    return unlock(disk, fault.code);
}

static int sim_file_size(segj_file_t *file, uint64_t *size)
{
    simdisk_t *disk = file->disk;
    lock(disk);
    int code = call(disk, SIMDISK_SIZE).code;
    *size = disk->inodes[file->inode].visible.size;
    return unlock(disk, code);
}

static int sim_file_truncate(segj_file_t *file, uint64_t size)
{
    simdisk_t *disk = file->disk;
    lock(disk);
    int code = call(disk, SIMDISK_TRUNCATE).code;
    if (code != 0)
        return unlock(disk, code);
    simdisk_image_resize(&disk->inodes[file->inode].visible, size);
    change_t *change = add_change(disk, CHANGE_TRUNCATE, file->inode);
    change->handle = file->handle;
    change->offset = size;
    return unlock(disk, 0);
}

static int sim_file_sync(segj_file_t *file)
{
    simdisk_t *disk = file->disk;
    lock(disk);
    simdisk_fault_t fault = call(disk, SIMDISK_FILE_SYNC);
    if (fault.code == 0) {
        make_file_durable(disk, file);
    } else if (fault.drop) {
        drop_t drop = {fault.seed, file->inode};
        make_durable(disk, by_chance, &drop);
    }
    return unlock(disk, fault.code);
}

static void sim_file_close(segj_file_t *file)
{
    simdisk_t *disk = file->disk;
    lock(disk);
    disk->open_files--;
    (void)unlock(disk, 0);
    free(file);
}

/* --- disks --- */

simdisk_t *simdisk_new(void)
{
    simdisk_t *disk = simdisk_need(calloc(1, sizeof *disk));
    if (pthread_mutex_init(&disk->lock, NULL) != 0)
        abort();
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
    };
    return disk;
}

void simdisk_free(simdisk_t *disk)
{
    for (size_t i = 0; i < disk->inode_count; i++) {
        free(disk->inodes[i].visible.bytes);
        free(disk->inodes[i].durable.bytes);
    }
    for (int i = 0; i < 2; i++) {
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
    disk->most_open_files = disk->open_files;
    return most;
}

void simdisk_count_idle(simdisk_t *disk, bool count)
{
    disk->count_idle = count;
}

const uint8_t *simdisk_visible(const simdisk_t *disk, const char *partition, const char *name, uint64_t *size)
{
    static const uint8_t nothing[1];
    int part = part_of(disk, partition);
    const names_t *names = part >= 0 ? &disk->parts[part].visible : NULL;
    size_t at = names != NULL ? simdisk_names_find(names, name) : 0;
    if (names == NULL || at == names->count)
        return NULL;
    const image_t *image = &disk->inodes[names->entries[at].inode].visible;
    *size = image->size;
    return image->bytes != NULL ? image->bytes : nothing;
}

size_t simdisk_names(const simdisk_t *disk, const char *partition)
{
    int part = part_of(disk, partition);
    return part >= 0 ? disk->parts[part].visible.count : 0;
}
