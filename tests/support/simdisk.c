/*
 * support/simdisk.c: see the header. Pending changes are a list in the order of their making. A change is a piece of a
 * write within one sector, a truncation, a creation or a removal. When a change becomes durable, older pending pieces
 * under it take its bytes, so that they cannot bring back what it has replaced.
 */
#include "support/simdisk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SECTOR 512
#define NAME_SIZE 24
#define GARBAGE 0xA5

typedef struct image {
    uint8_t *bytes;
    uint64_t size, capacity;
} image_t;

typedef struct inode {
    image_t visible, durable;
    uint64_t longest; /* ever made since it was durable */
    unsigned links;   /* names and open files, visible or durable or pending */
} inode_t;

typedef enum change_kind { CHANGE_PIECE, CHANGE_TRUNCATE, CHANGE_CREATE, CHANGE_REMOVE } change_kind_t;

typedef struct change {
    change_kind_t kind;
    size_t inode;
    uint64_t handle; /* the open file it came through */
    uint64_t write;  /* pieces of one write share a number */
    uint64_t offset; /* or the size of a truncation */
    size_t size;
    int part;
    char name[NAME_SIZE];
    uint8_t bytes[SECTOR];
    size_t unit; /* set by simdisk_units; SIZE_MAX: none of its own */
} change_t;

typedef struct entry {
    char name[NAME_SIZE];
    size_t inode;
} entry_t;

typedef struct names {
    entry_t *entries;
    size_t count;
} names_t;

typedef struct part {
    char name[NAME_SIZE];
    bool made;
    names_t visible, durable;
    int locks; /* -1: exclusive */
} part_t;

struct simdisk {
    segj_storage_t storage;
    part_t parts[2];
    inode_t *inodes;
    size_t inode_count;
    change_t *changes;
    size_t change_count, change_capacity;
    uint64_t handles, writes;
    simdisk_hook_t hook;
    void *hook_context;
    bool off;
    uint64_t counts[SIMDISK_CALLS];
};

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

static void *need(void *memory)
{
    if (memory == NULL)
        abort();
    return memory;
}

static void image_resize(image_t *image, uint64_t size)
{
    if (size > image->capacity) {
        image->capacity = size + 4096;
        image->bytes = need(realloc(image->bytes, (size_t)image->capacity));
    }
    if (size > image->size)
        memset(image->bytes + image->size, 0, (size_t)(size - image->size));
    image->size = size;
}

static void image_write(image_t *image, uint64_t offset, const uint8_t *bytes, size_t size)
{
    if (offset + size > image->size)
        image_resize(image, offset + size);
    memcpy(image->bytes + offset, bytes, size);
}

static void image_copy(image_t *to, const image_t *from)
{
    to->size = 0;
    image_resize(to, from->size);
    if (from->size > 0)
        memcpy(to->bytes, from->bytes, (size_t)from->size);
}

static size_t names_find(const names_t *names, const char *name)
{
    size_t at = 0;
    while (at < names->count && strcmp(names->entries[at].name, name) != 0)
        at++;
    return at;
}

/* Kept in order, so that equal directories hash alike. */
static void names_add(names_t *names, const char *name, size_t inode)
{
    size_t at = names_find(names, name);
    if (at < names->count) {
        names->entries[at].inode = inode;
        return;
    }
    names->entries = need(realloc(names->entries, (names->count + 1) * sizeof *names->entries));
    at = names->count++;
    while (at > 0 && strcmp(names->entries[at - 1].name, name) > 0) {
        names->entries[at] = names->entries[at - 1];
        at--;
    }
    memset(&names->entries[at], 0, sizeof names->entries[at]);
    strcpy(names->entries[at].name, name);
    names->entries[at].inode = inode;
}

static void names_remove(names_t *names, const char *name)
{
    size_t at = names_find(names, name);
    if (at == names->count)
        return;
    memmove(names->entries + at, names->entries + at + 1, (names->count - at - 1) * sizeof *names->entries);
    names->count--;
}

static void names_copy(names_t *to, const names_t *from)
{
    to->count = from->count;
    to->entries = need(malloc((from->count + 1) * sizeof *to->entries));
    if (from->count > 0)
        memcpy(to->entries, from->entries, from->count * sizeof *to->entries);
}

/* --- changes --- */

static change_t *add_change(simdisk_t *disk, change_kind_t kind, size_t inode)
{
    if (disk->change_count == disk->change_capacity) {
        disk->change_capacity = 2 * disk->change_capacity + 16;
        disk->changes = need(realloc(disk->changes, disk->change_capacity * sizeof *disk->changes));
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
        image_write(image, change->offset, change->bytes, change->size);
    else if (change->kind == CHANGE_TRUNCATE)
        image_resize(image, change->offset);
}

static void make_file_durable(simdisk_t *disk, const segj_file_t *file)
{
    inode_t *inode = &disk->inodes[file->inode];
    size_t kept = 0;
    for (size_t i = 0; i < disk->change_count; i++) {
        change_t change = disk->changes[i];
        bool covered = (change.kind == CHANGE_PIECE || change.kind == CHANGE_TRUNCATE) && change.inode == file->inode &&
                       change.handle == file->handle;
        if (covered) {
            apply(&inode->durable, &change);
            settle_older(disk, kept, &change);
        } else {
            disk->changes[kept++] = change;
        }
    }
    disk->change_count = kept;
    inode->longest = inode->visible.size;
}

static void make_names_durable(simdisk_t *disk, int part)
{
    size_t kept = 0;
    for (size_t i = 0; i < disk->change_count; i++) {
        change_t *change = &disk->changes[i];
        if ((change->kind != CHANGE_CREATE && change->kind != CHANGE_REMOVE) || change->part != part) {
            disk->changes[kept++] = *change;
            continue;
        }
        if (change->kind == CHANGE_CREATE)
            names_add(&disk->parts[part].durable, change->name, change->inode);
        else
            names_remove(&disk->parts[part].durable, change->name);
    }
    disk->change_count = kept;
}

/* --- the storage --- */

static int call(simdisk_t *disk, simdisk_call_t kind)
{
    disk->counts[kind]++;
    if (disk->hook != NULL && !disk->off)
        disk->hook(disk->hook_context, disk, kind);
    return disk->off ? EIO : 0;
}

static int part_of(const simdisk_t *disk, const char *name)
{
    for (int i = 0; i < 2; i++)
        if (disk->parts[i].made && strcmp(disk->parts[i].name, name) == 0)
            return i;
    return -1;
}

/* Partitions are durable when they are made; open's own handling of missing ones is tested elsewhere. */
static int sim_partition_create(void *context, const char *directory, const char *partition)
{
    simdisk_t *disk = context;
    (void)directory;
    if (part_of(disk, partition) >= 0)
        return 0;
    for (int i = 0; i < 2; i++) {
        if (disk->parts[i].made)
            continue;
        disk->parts[i].made = true;
        strncpy(disk->parts[i].name, partition, NAME_SIZE - 1);
        return 0;
    }
    return ENOSPC;
}

static int sim_partition_open(void *context, const char *directory, const char *partition, segj_partition_t **opened)
{
    simdisk_t *disk = context;
    (void)directory;
    int part = part_of(disk, partition);
    if (part < 0)
        return ENOENT;
    *opened = need(calloc(1, sizeof **opened));
    (*opened)->disk = disk;
    (*opened)->part = part;
    return 0;
}

static int sim_partition_lock(segj_partition_t *partition, bool exclusive)
{
    part_t *part = &partition->disk->parts[partition->part];
    if (part->locks < 0 || (exclusive && part->locks > 0))
        return EWOULDBLOCK;
    part->locks = exclusive ? -1 : part->locks + 1;
    partition->lock = exclusive ? 1 : 2;
    return 0;
}

static int sim_partition_unlock(segj_partition_t *partition)
{
    part_t *part = &partition->disk->parts[partition->part];
    if (partition->lock != 0)
        part->locks = partition->lock == 1 ? 0 : part->locks - 1;
    partition->lock = 0;
    return 0;
}

static int sim_partition_list(segj_partition_t *partition, segj_list_visit_t visit, void *visit_context)
{
    const names_t *names = &partition->disk->parts[partition->part].visible;
    int code = 0;
    for (size_t i = 0; i < names->count && code == 0; i++)
        code = visit(visit_context, names->entries[i].name, SEGJ_ENTRY_FILE);
    return code;
}

static int sim_partition_sync(segj_partition_t *partition)
{
    int code = call(partition->disk, SIMDISK_NAMES_SYNC);
    if (code == 0)
        make_names_durable(partition->disk, partition->part);
    return code;
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
    int part = part_of(disk, partition);
    if (part < 0)
        return ENOENT;
    if (disk->parts[part].visible.count > 0)
        return ENOTEMPTY;
    disk->parts[part].made = false;
    return disk->off ? EIO : 0;
}

static int sim_directory_sync(void *context, const char *directory)
{
    const simdisk_t *disk = context;
    (void)directory;
    return disk->off ? EIO : 0;
}

static int sim_file_open(segj_partition_t *partition, const char *name, segj_open_mode_t mode, segj_file_t **opened)
{
    simdisk_t *disk = partition->disk;
    names_t *names = &disk->parts[partition->part].visible;
    size_t at = names_find(names, name);
    size_t inode;
    if (mode == SEGJ_OPEN_CREATE) {
        if (at < names->count)
            return EEXIST;
        int code = call(disk, SIMDISK_CREATE);
        if (code != 0)
            return code;
        disk->inodes = need(realloc(disk->inodes, (disk->inode_count + 1) * sizeof *disk->inodes));
        inode = disk->inode_count++;
        memset(&disk->inodes[inode], 0, sizeof disk->inodes[inode]);
        change_t *change = add_change(disk, CHANGE_CREATE, inode);
        change->part = partition->part;
        strncpy(change->name, name, NAME_SIZE - 1);
        names_add(&disk->parts[partition->part].visible, name, inode);
    } else {
        if (at == names->count)
            return ENOENT;
        inode = names->entries[at].inode;
    }
    *opened = need(calloc(1, sizeof **opened));
    (*opened)->disk = disk;
    (*opened)->inode = inode;
    (*opened)->handle = ++disk->handles;
    return 0;
}

static int sim_file_remove(segj_partition_t *partition, const char *name)
{
    simdisk_t *disk = partition->disk;
    names_t *names = &disk->parts[partition->part].visible;
    size_t at = names_find(names, name);
    if (at == names->count)
        return ENOENT;
    int code = call(disk, SIMDISK_REMOVE);
    if (code != 0)
        return code;
    change_t *change = add_change(disk, CHANGE_REMOVE, names->entries[at].inode);
    change->part = partition->part;
    strncpy(change->name, name, NAME_SIZE - 1);
    names_remove(names, name);
    return 0;
}

static int sim_file_read(segj_file_t *file, uint64_t offset, void *buffer, size_t size, size_t *done)
{
    const image_t *image = &file->disk->inodes[file->inode].visible;
    if (file->disk->off)
        return EIO;
    *done = 0;
    if (offset >= image->size)
        return 0;
    *done = image->size - offset < size ? (size_t)(image->size - offset) : size;
    memcpy(buffer, image->bytes + offset, *done);
    return 0;
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

static int sim_file_write(segj_file_t *file, uint64_t offset, const segj_slice_t *slices, size_t count, size_t *done)
{
    simdisk_t *disk = file->disk;
    int code = call(disk, SIMDISK_WRITE);
    *done = 0;
    if (code != 0)
        return code;
    uint64_t at = offset;
    disk->writes++;
    for (size_t i = 0; i < count; i++) {
        if (slices[i].size > 0)
            image_write(&disk->inodes[file->inode].visible, at, slices[i].data, slices[i].size);
        at += slices[i].size;
    }
    *done = (size_t)(at - offset);
    while (offset < at) {
        size_t part = SECTOR - (size_t)(offset % SECTOR);
        if (part > at - offset)
            part = (size_t)(at - offset);
        note_piece(file, offset, disk->inodes[file->inode].visible.bytes + offset, part);
        offset += part;
    }
    return 0;
}

static int sim_file_size(segj_file_t *file, uint64_t *size)
{
    *size = file->disk->inodes[file->inode].visible.size;
    return file->disk->off ? EIO : 0;
}

static int sim_file_truncate(segj_file_t *file, uint64_t size)
{
    int code = call(file->disk, SIMDISK_TRUNCATE);
    if (code != 0)
        return code;
    image_resize(&file->disk->inodes[file->inode].visible, size);
    change_t *change = add_change(file->disk, CHANGE_TRUNCATE, file->inode);
    change->handle = file->handle;
    change->offset = size;
    return 0;
}

static int sim_file_sync(segj_file_t *file)
{
    int code = call(file->disk, SIMDISK_FILE_SYNC);
    if (code == 0)
        make_file_durable(file->disk, file);
    return code;
}

static void sim_file_close(segj_file_t *file)
{
    free(file);
}

/* --- disks --- */

simdisk_t *simdisk_new(void)
{
    simdisk_t *disk = need(calloc(1, sizeof *disk));
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

void simdisk_power_off(simdisk_t *disk)
{
    disk->off = true;
}

uint64_t simdisk_count(const simdisk_t *disk, simdisk_call_t kind)
{
    return disk->counts[kind];
}

/* --- crashes --- */

static bool is_zero(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

static bool earlier_piece_below(const simdisk_t *disk, size_t index)
{
    const change_t *change = &disk->changes[index];
    for (size_t i = 0; i < index; i++) {
        const change_t *other = &disk->changes[i];
        if (other->inode == change->inode && other->kind == CHANGE_TRUNCATE)
            return true;
        if (other->inode == change->inode && other->kind == CHANGE_PIECE &&
            other->offset < change->offset + change->size && change->offset < other->offset + other->size)
            return true;
    }
    return false;
}

/* Whether keeping or losing a piece makes no difference: the durable bytes are the same. */
static bool is_idle_piece(const simdisk_t *disk, size_t index)
{
    const change_t *change = &disk->changes[index];
    const image_t *durable = &disk->inodes[change->inode].durable;
    if (change->size == 0)
        return true;
    return change->offset + change->size <= durable->size && !earlier_piece_below(disk, index) &&
           memcmp(durable->bytes + change->offset, change->bytes, change->size) == 0;
}

size_t simdisk_units(simdisk_t *disk)
{
    size_t units = 0;
    for (size_t i = 0; i < disk->change_count; i++) {
        change_t *change = &disk->changes[i];
        change->unit = SIZE_MAX;
        if (change->kind == CHANGE_PIECE && is_idle_piece(disk, i))
            continue;
        const change_t *before = i > 0 ? &disk->changes[i - 1] : NULL;
        /* A run of zeros over nothing is one unit: it only makes the file longer. */
        bool run = change->kind == CHANGE_PIECE && before != NULL && before->kind == CHANGE_PIECE &&
                   before->write == change->write && before->inode == change->inode && before->unit != SIZE_MAX &&
                   is_zero(change->bytes, change->size) && is_zero(before->bytes, before->size) &&
                   before->offset >= disk->inodes[change->inode].durable.size;
        change->unit = run ? before->unit : units++;
    }
    return units;
}

bool simdisk_has_growth(const simdisk_t *disk)
{
    for (size_t i = 0; i < disk->change_count; i++) {
        const change_t *change = &disk->changes[i];
        if (change->kind == CHANGE_PIECE && change->unit != SIZE_MAX &&
            change->offset + change->size > disk->inodes[change->inode].durable.size)
            return true;
    }
    return false;
}

static void fill_growth(const simdisk_t *disk, size_t index, image_t *image, simdisk_fill_t fill)
{
    const inode_t *inode = &disk->inodes[index];
    uint64_t before = image->size;
    if (fill == SIMDISK_SHORT || inode->longest <= before)
        return;
    image_resize(image, inode->longest);
    if (fill == SIMDISK_GARBAGE)
        memset(image->bytes + before, GARBAGE, (size_t)(inode->longest - before));
}

static void crash_file(const simdisk_t *disk, size_t index, const uint8_t *keep, simdisk_fill_t fill, image_t *image)
{
    image_copy(image, &disk->inodes[index].durable);
    for (size_t i = 0; i < disk->change_count; i++) {
        const change_t *change = &disk->changes[i];
        bool content = change->kind == CHANGE_PIECE || change->kind == CHANGE_TRUNCATE;
        if (content && change->inode == index && change->unit != SIZE_MAX && keep[change->unit])
            apply(image, change);
    }
    fill_growth(disk, index, image, fill);
}

static void crash_names(const simdisk_t *disk, int part, const uint8_t *keep, names_t *names)
{
    names_copy(names, &disk->parts[part].durable);
    for (size_t i = 0; i < disk->change_count; i++) {
        const change_t *change = &disk->changes[i];
        if (change->part != part || change->unit == SIZE_MAX || !keep[change->unit])
            continue;
        if (change->kind == CHANGE_CREATE)
            names_add(names, change->name, change->inode);
        else if (change->kind == CHANGE_REMOVE)
            names_remove(names, change->name);
    }
}

simdisk_t *simdisk_crash(simdisk_t *disk, const uint8_t *keep, simdisk_fill_t fill)
{
    simdisk_t *after = simdisk_new();
    after->inode_count = disk->inode_count;
    after->inodes = need(calloc(disk->inode_count + 1, sizeof *after->inodes));
    for (int part = 0; part < 2; part++) {
        part_t *to = &after->parts[part];
        memcpy(to->name, disk->parts[part].name, sizeof to->name);
        to->made = disk->parts[part].made;
        crash_names(disk, part, keep, &to->durable);
        names_copy(&to->visible, &to->durable);
        for (size_t i = 0; i < to->durable.count; i++) {
            size_t inode = to->durable.entries[i].inode;
            if (after->inodes[inode].durable.bytes != NULL)
                continue;
            crash_file(disk, inode, keep, fill, &after->inodes[inode].durable);
            image_copy(&after->inodes[inode].visible, &after->inodes[inode].durable);
            after->inodes[inode].longest = after->inodes[inode].durable.size;
        }
    }
    return after;
}

simdisk_t *simdisk_kill(const simdisk_t *disk)
{
    simdisk_t *after = simdisk_new();
    after->inode_count = disk->inode_count;
    after->inodes = need(calloc(disk->inode_count + 1, sizeof *after->inodes));
    for (size_t i = 0; i < disk->inode_count; i++) {
        image_copy(&after->inodes[i].visible, &disk->inodes[i].visible);
        image_copy(&after->inodes[i].durable, &disk->inodes[i].durable);
        after->inodes[i].longest = disk->inodes[i].longest;
    }
    for (int part = 0; part < 2; part++) {
        after->parts[part] = disk->parts[part];
        after->parts[part].locks = 0;
        names_copy(&after->parts[part].visible, &disk->parts[part].visible);
        names_copy(&after->parts[part].durable, &disk->parts[part].durable);
    }
    after->changes = need(malloc((disk->change_count + 1) * sizeof *after->changes));
    if (disk->change_count > 0)
        memcpy(after->changes, disk->changes, disk->change_count * sizeof *after->changes);
    after->change_count = after->change_capacity = disk->change_count;
    after->handles = disk->handles;
    after->writes = disk->writes;
    return after;
}

/* --- hashing --- */

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ (hash >> 29);
}

static uint64_t mix_bytes(uint64_t hash, const uint8_t *bytes, uint64_t size)
{
    uint64_t at = 0;
    for (; at + 8 <= size; at += 8) {
        uint64_t word;
        memcpy(&word, bytes + at, sizeof word);
        hash = mix(hash, word);
    }
    for (; at < size; at++)
        hash = mix(hash, bytes[at]);
    return mix(hash, size);
}

static uint64_t mix_names(const simdisk_t *disk, uint64_t hash, const names_t *names, bool durable)
{
    for (size_t i = 0; i < names->count; i++) {
        const inode_t *inode = &disk->inodes[names->entries[i].inode];
        const image_t *image = durable ? &inode->durable : &inode->visible;
        hash = mix_bytes(hash, (const uint8_t *)names->entries[i].name, NAME_SIZE);
        hash = mix_bytes(hash, image->bytes, image->size);
    }
    return mix(hash, names->count);
}

uint64_t simdisk_hash(const simdisk_t *disk)
{
    uint64_t hash = 1;
    for (int part = 0; part < 2; part++) {
        hash = mix_names(disk, hash, &disk->parts[part].visible, false);
        if (disk->change_count > 0)
            hash = mix_names(disk, hash, &disk->parts[part].durable, true);
    }
    for (size_t i = 0; i < disk->change_count; i++) {
        const change_t *change = &disk->changes[i];
        hash = mix(hash, (uint64_t)change->kind << 32 | change->inode);
        hash = mix(hash, change->offset);
        hash = mix_bytes(hash, change->bytes, change->size);
        hash = mix_bytes(hash, (const uint8_t *)change->name, NAME_SIZE);
    }
    return hash;
}
