/*
 * support/simdisk_crash.c: what a crash leaves of a simulated disk, and disks told apart.
 */
#include <stdlib.h>
#include <string.h>

#include "support/simdisk_inner.h"

/* --- units --- */

/* Whether keeping or losing a piece makes no difference: the durable bytes are the same. */
static bool is_idle_piece(const simdisk_t *disk, size_t index)
{
    static const uint8_t zeros[SIMDISK_SECTOR];
    const change_t *change = &disk->changes[index];
    size_t from = (size_t)(change->offset % SIMDISK_SECTOR);
    const uint8_t *bytes = change->content != NULL ? change->content->bytes + from : zeros;
    return change->size == 0 ||
           (simdisk_image_holds(disk->inodes[change->inode].durable, change->offset, bytes, change->size) &&
            !simdisk_change_covers(disk, index, change));
}

/* A run of zeros over nothing is one unit: it only makes the file longer. */
static bool goes_on(const simdisk_t *disk, const change_t *change, const change_t *before)
{
    return change->kind == CHANGE_PIECE && before->kind == CHANGE_PIECE && before->write == change->write &&
           before->inode == change->inode && before->unit != SIZE_MAX && change->content == NULL &&
           before->content == NULL && before->offset >= simdisk_image_size(disk->inodes[change->inode].durable);
}

size_t simdisk_units(simdisk_t *disk)
{
    size_t units = 0;
    for (size_t i = 0; i < disk->change_count; i++) {
        change_t *change = &disk->changes[i];
        change->unit = SIZE_MAX;
        bool idle = change->kind == CHANGE_PIECE && (disk->count_idle ? change->size == 0 : is_idle_piece(disk, i));
        if (change->settled || idle)
            continue;
        change->unit = i > 0 && goes_on(disk, change, change - 1) ? change[-1].unit : units++;
    }
    return units;
}

static bool grows(const simdisk_t *disk, const change_t *change)
{
    return change->kind == CHANGE_PIECE && change->unit != SIZE_MAX &&
           change->offset + change->size > simdisk_image_size(disk->inodes[change->inode].durable);
}

/* --- crashes of one file --- */

static void grow(image_t **image, uint64_t size, simdisk_fill_t fill)
{
    uint64_t before = simdisk_image_size(*image);
    if (size <= before)
        return;
    simdisk_image_resize(image, size);
    if (fill == SIMDISK_GARBAGE)
        simdisk_image_fill(image, before, size, SIMDISK_GARBAGE_BYTE);
}

/* Each byte is kept or lost by itself. */
static void tear(image_t **image, const change_t *change, simdisk_fill_t fill)
{
    uint8_t bytes[SIMDISK_SECTOR] = {0};
    uint64_t bits = 0;
    grow(image, change->offset, fill);
    uint64_t there = simdisk_image_size(*image) - change->offset;
    size_t have = there < change->size ? (size_t)there : change->size;
    size_t from = (size_t)(change->offset % SIMDISK_SECTOR);
    if (have > 0)
        simdisk_image_read(*image, change->offset, bytes, have);
    for (size_t i = 0; i < change->size; i++) {
        if (i % 64 == 0)
            bits = simdisk_mix(simdisk_mix(change->write, change->offset), i);
        if ((bits >> (i % 64) & 1) == 0)
            continue;
        bytes[i] = change->content != NULL ? change->content->bytes[from + i] : 0;
        have = have > i + 1 ? have : i + 1;
    }
    if (have == 0)
        return;
    sector_t *content = simdisk_sector_new(from, bytes, have);
    simdisk_image_put(image, change->offset, have, content);
    simdisk_sector_free(content);
}

/* A file system writes the last block of what stays again before it makes a file shorter. */
static void spoil_truncation(image_t **image, const change_t *change)
{
    uint64_t end = simdisk_image_size(*image);
    uint64_t from = change->offset - change->offset % SIMDISK_SECTOR;
    if (from < change->offset && from < end)
        simdisk_image_fill(image, from, from + SIMDISK_SECTOR < end ? from + SIMDISK_SECTOR : end,
                           SIMDISK_GARBAGE_BYTE);
}

/* The bytes that a truncation takes are zeros to the end of the sector, and the file is as long as it was. */
static void tear_truncation(image_t **image, const change_t *change)
{
    uint64_t size = simdisk_image_size(*image);
    uint64_t end = (change->offset + SIMDISK_SECTOR - 1) / SIMDISK_SECTOR * SIMDISK_SECTOR;
    end = end < size ? end : size;
    if (change->offset < end)
        simdisk_image_fill(image, change->offset, end, 0);
}

static void spoil(image_t **image, const change_t *change)
{
    uint64_t from = change->offset - change->offset % SIMDISK_SECTOR;
    uint64_t end = simdisk_image_size(*image);
    simdisk_image_fill(image, from, from + SIMDISK_SECTOR < end ? from + SIMDISK_SECTOR : end, SIMDISK_GARBAGE_BYTE);
}

static simdisk_fate_t fate_of(const change_t *change, const uint8_t *keep)
{
    if (change->settled)
        return SIMDISK_KEPT;
    if (change->calm && change->unit != SIZE_MAX && keep[change->unit] == SIMDISK_SPOILT)
        return SIMDISK_LOST;
    simdisk_fate_t fate = change->unit != SIZE_MAX ? (simdisk_fate_t)keep[change->unit] : SIMDISK_LOST;
    if (change->kind == CHANGE_PIECE || (change->kind == CHANGE_TRUNCATE && fate >= SIMDISK_TORN))
        return fate;
    return fate == SIMDISK_TORN ? SIMDISK_KEPT : fate == SIMDISK_SPOILT ? SIMDISK_LOST : fate;
}

static image_t *crash_file(const simdisk_t *disk, size_t index, const uint8_t *keep, simdisk_fill_t fill)
{
    bool spoilt = false;
    image_t *image = simdisk_image_share(disk->inodes[index].durable);
    for (size_t i = 0; i < disk->change_count; i++) {
        const change_t *change = &disk->changes[i];
        if (change->inode != index || (change->kind != CHANGE_PIECE && change->kind != CHANGE_TRUNCATE))
            continue;
        simdisk_fate_t fate = fate_of(change, keep);
        spoilt = spoilt || fate == SIMDISK_SPOILT;
        if (fate == SIMDISK_TORN && change->kind == CHANGE_TRUNCATE) {
            tear_truncation(&image, change);
        } else if (fate == SIMDISK_TORN) {
            tear(&image, change, fill);
        } else if (fate == SIMDISK_KEPT && change->kind == CHANGE_TRUNCATE) {
            simdisk_image_resize(&image, change->offset);
        } else if (fate == SIMDISK_KEPT && change->size > 0) {
            grow(&image, change->offset, fill); /* what was lost before it */
            simdisk_image_put(&image, change->offset, change->size, change->content);
        }
    }
    if (fill != SIMDISK_SHORT)
        grow(&image, disk->inodes[index].longest, fill);
    for (size_t i = 0; spoilt && i < disk->change_count; i++) {
        const change_t *change = &disk->changes[i];
        if (change->inode != index || (change->kind != CHANGE_PIECE && change->kind != CHANGE_TRUNCATE) ||
            fate_of(change, keep) != SIMDISK_SPOILT)
            continue;
        if (change->kind == CHANGE_PIECE)
            spoil(&image, change);
        else
            spoil_truncation(&image, change);
    }
    return image;
}

static void crash_names(const simdisk_t *disk, int part, const uint8_t *keep, names_t *names)
{
    simdisk_names_copy(names, &disk->parts[part].durable);
    for (size_t i = 0; i < disk->change_count; i++) {
        const change_t *change = &disk->changes[i];
        if ((change->kind != CHANGE_CREATE && change->kind != CHANGE_REMOVE) || change->part != part ||
            fate_of(change, keep) != SIMDISK_KEPT)
            continue;
        if (change->kind == CHANGE_CREATE)
            simdisk_names_add(names, change->name, change->inode);
        else
            simdisk_names_remove(names, change->name);
    }
}

/* --- cuts: crashes of one disk as it is now --- */

typedef struct memo {
    uint64_t key; /* 0: free */
    image_t *image;
} memo_t;

struct simdisk_cut {
    simdisk_t *disk;
    size_t units;
    size_t *order;              /* units of contents, those of a file side by side */
    size_t *first;              /* of a file, in order; first[inode + 1] is their end */
    bool growth[SIMDISK_PARTS]; /* of a partition's files */
    bool *changes;              /* of a file: a crash may leave more than one image */
    memo_t *memos;              /* images of files by what became of their units */
    size_t memo_count;          /* */
    size_t memo_capacity;
    names_t names[SIMDISK_PARTS]; /* of the crash that was looked at last */
};

/* Which file's contents a unit belongs to, SIZE_MAX: names. Pieces of one unit are of one file. */
static size_t *inodes_of_units(const simdisk_t *disk, size_t units)
{
    size_t *inodes = simdisk_need(malloc((units + 1) * sizeof *inodes));
    for (size_t i = 0; i < disk->change_count; i++) {
        const change_t *change = &disk->changes[i];
        bool content = change->kind == CHANGE_PIECE || change->kind == CHANGE_TRUNCATE;
        if (change->unit != SIZE_MAX)
            inodes[change->unit] = content ? change->inode : SIZE_MAX;
    }
    return inodes;
}

static void sort_units(simdisk_cut_t *cut)
{
    const simdisk_t *disk = cut->disk;
    size_t *inodes = inodes_of_units(disk, cut->units);
    size_t count = 0;
    cut->order = simdisk_need(malloc((cut->units + 1) * sizeof *cut->order));
    cut->first = simdisk_need(malloc((disk->inode_count + 2) * sizeof *cut->first));
    for (size_t inode = 0; inode < disk->inode_count; inode++) {
        cut->first[inode] = count;
        for (size_t unit = 0; unit < cut->units; unit++)
            if (inodes[unit] == inode)
                cut->order[count++] = unit;
    }
    cut->first[disk->inode_count] = count;
    free(inodes);
}

simdisk_cut_t *simdisk_cut_new(simdisk_t *disk)
{
    simdisk_cut_t *cut = simdisk_need(calloc(1, sizeof *cut));
    cut->disk = disk;
    cut->units = simdisk_units(disk);
    sort_units(cut);
    cut->changes = simdisk_need(calloc(disk->inode_count + 1, sizeof *cut->changes));
    for (size_t i = 0; i < disk->inode_count; i++)
        cut->changes[i] = disk->inodes[i].longest > simdisk_image_size(disk->inodes[i].durable);
    for (size_t i = 0; i < disk->change_count; i++) {
        const change_t *change = &disk->changes[i];
        cut->changes[change->inode] =
            cut->changes[change->inode] || change->kind == CHANGE_PIECE || change->kind == CHANGE_TRUNCATE;
        if (grows(disk, change))
            cut->growth[disk->inodes[change->inode].part] = true;
    }
    return cut;
}

void simdisk_cut_free(simdisk_cut_t *cut)
{
    for (size_t i = 0; i < cut->memo_capacity; i++)
        simdisk_image_free(cut->memos[i].image);
    for (int part = 0; part < SIMDISK_PARTS; part++)
        free(cut->names[part].entries);
    free(cut->memos);
    free(cut->order);
    free(cut->first);
    free(cut->changes);
    free(cut);
}

size_t simdisk_cut_units(const simdisk_cut_t *cut)
{
    return cut->units;
}

bool simdisk_cut_truncates(const simdisk_cut_t *cut, size_t unit)
{
    const simdisk_t *disk = cut->disk;
    for (size_t i = 0; i < disk->change_count; i++)
        if (disk->changes[i].unit == unit)
            return disk->changes[i].kind == CHANGE_TRUNCATE;
    return false;
}

bool simdisk_cut_growth(const simdisk_cut_t *cut, int part)
{
    return cut->growth[part];
}

static memo_t *find_memo(memo_t *memos, size_t capacity, uint64_t key)
{
    size_t at = (size_t)(key >> 7) & (capacity - 1);
    while (memos[at].key != 0 && memos[at].key != key)
        at = (at + 1) & (capacity - 1);
    return &memos[at];
}

static void more_memos(simdisk_cut_t *cut)
{
    size_t capacity = cut->memo_capacity == 0 ? 64 : 4 * cut->memo_capacity;
    memo_t *memos = simdisk_need(calloc(capacity, sizeof *memos));
    for (size_t i = 0; i < cut->memo_capacity; i++)
        if (cut->memos[i].key != 0)
            *find_memo(memos, capacity, cut->memos[i].key) = cut->memos[i];
    free(cut->memos);
    cut->memos = memos;
    cut->memo_capacity = capacity;
}

/* What the crash leaves of a file. The image is the cut's. */
static image_t *image_of(simdisk_cut_t *cut, size_t inode, const uint8_t *keep, const simdisk_fill_t fill[2])
{
    const inode_t *file = &cut->disk->inodes[inode];
    if (!cut->changes[inode])
        return file->durable;
    uint64_t key = simdisk_mix(1, 4 * inode + (uint64_t)fill[file->part % 2] + 2);
    for (size_t i = cut->first[inode]; i < cut->first[inode + 1]; i++)
        key = simdisk_mix(key, keep[cut->order[i]]);
    key |= 1;
    if (2 * cut->memo_count >= cut->memo_capacity)
        more_memos(cut);
    memo_t *memo = find_memo(cut->memos, cut->memo_capacity, key);
    if (memo->key == 0) {
        memo->key = key;
        memo->image = crash_file(cut->disk, inode, keep, fill[file->part % 2]);
        cut->memo_count++;
    }
    return memo->image;
}

/* --- hashing --- */

static uint64_t mix_name(uint64_t hash, const char name[SIMDISK_NAME_SIZE])
{
    uint64_t words[SIMDISK_NAME_SIZE / 8];
    memcpy(words, name, sizeof words);
    hash = simdisk_mix(simdisk_mix(simdisk_mix(hash, words[0]), words[1]), words[2]);
    for (size_t i = 3; i < sizeof words / sizeof words[0] && words[i] != 0; i++)
        hash = simdisk_mix(hash, words[i]);
    return hash;
}

uint64_t simdisk_cut_hash(simdisk_cut_t *cut, const uint8_t *keep, const simdisk_fill_t fill[2])
{
    uint64_t hash = 1;
    for (int part = 0; part < SIMDISK_PARTS; part++) {
        names_t *names = &cut->names[part];
        crash_names(cut->disk, part, keep, names);
        for (size_t i = 0; i < names->count; i++)
            hash = simdisk_mix(mix_name(hash, names->entries[i].name),
                               simdisk_image_hash(image_of(cut, names->entries[i].inode, keep, fill)));
        hash = simdisk_mix(hash, names->count);
    }
    return hash;
}

static uint64_t mix_names(const simdisk_t *disk, uint64_t hash, const names_t *names, bool durable)
{
    for (size_t i = 0; i < names->count; i++) {
        const inode_t *inode = &disk->inodes[names->entries[i].inode];
        hash = simdisk_mix(mix_name(hash, names->entries[i].name),
                           simdisk_image_hash(durable ? inode->durable : inode->visible));
    }
    return simdisk_mix(hash, names->count);
}

uint64_t simdisk_hash(const simdisk_t *disk)
{
    uint64_t hash = 1;
    for (int part = 0; part < SIMDISK_PARTS; part++) {
        hash = mix_names(disk, hash, &disk->parts[part].visible, false);
        if (disk->change_count > 0)
            hash = mix_names(disk, hash, &disk->parts[part].durable, true);
    }
    for (size_t i = 0; i < disk->change_count; i++) {
        const change_t *change = &disk->changes[i];
        hash = simdisk_mix(hash, (uint64_t)change->kind << 32 | (uint64_t)change->settled << 40 |
                                     (uint64_t)change->written << 41 | (uint64_t)change->calm << 42 | change->inode);
        hash = simdisk_mix(simdisk_mix(hash, change->offset), change->size);
        hash = mix_name(simdisk_mix(hash, change->content != NULL ? change->content->hash : 0), change->name);
    }
    return hash;
}

/* --- disks that crashes leave --- */

static simdisk_t *disk_like(const simdisk_t *disk)
{
    simdisk_t *after = simdisk_new();
    after->inode_count = disk->inode_count;
    after->inode_capacity = disk->inode_count + 4;
    after->inodes = simdisk_need(calloc(after->inode_capacity, sizeof *after->inodes));
    for (int part = 0; part < SIMDISK_PARTS; part++) {
        memcpy(after->parts[part].name, disk->parts[part].name, SIMDISK_NAME_SIZE);
        after->parts[part].made = disk->parts[part].made;
    }
    for (size_t i = 0; i < disk->inode_count; i++)
        after->inodes[i].part = disk->inodes[i].part;
    after->writes = disk->writes;
    after->grain = disk->grain;
    after->lean = disk->lean;
    after->whole_syncs = disk->whole_syncs;
    return after;
}

simdisk_t *simdisk_cut_build(simdisk_cut_t *cut, const uint8_t *keep, const simdisk_fill_t fill[2])
{
    simdisk_t *after = disk_like(cut->disk);
    for (int part = 0; part < SIMDISK_PARTS; part++) {
        names_t *names = &after->parts[part].durable;
        crash_names(cut->disk, part, keep, names);
        simdisk_names_copy(&after->parts[part].visible, names);
        for (size_t i = 0; i < names->count; i++) {
            size_t inode = names->entries[i].inode;
            inode_t *file = &after->inodes[inode];
            file->durable = simdisk_image_share(image_of(cut, inode, keep, fill));
            file->visible = simdisk_image_share(file->durable);
            file->longest = simdisk_image_size(file->durable);
        }
    }
    return after;
}

simdisk_t *simdisk_crash(simdisk_t *disk, const uint8_t *keep, simdisk_fill_t fill)
{
    const simdisk_fill_t fills[2] = {fill, fill};
    simdisk_cut_t *cut = simdisk_cut_new(disk);
    simdisk_t *after = simdisk_cut_build(cut, keep, fills);
    simdisk_cut_free(cut);
    return after;
}

simdisk_t *simdisk_kill(const simdisk_t *disk)
{
    simdisk_t *after = disk_like(disk);
    for (size_t i = 0; i < disk->inode_count; i++) {
        after->inodes[i].visible = simdisk_image_share(disk->inodes[i].visible);
        after->inodes[i].durable = simdisk_image_share(disk->inodes[i].durable);
        after->inodes[i].longest = disk->inodes[i].longest;
    }
    for (int part = 0; part < SIMDISK_PARTS; part++) {
        simdisk_names_copy(&after->parts[part].visible, &disk->parts[part].visible);
        simdisk_names_copy(&after->parts[part].durable, &disk->parts[part].durable);
    }
    after->changes = simdisk_need(malloc((disk->change_count + 1) * sizeof *after->changes));
    if (disk->change_count > 0)
        memcpy(after->changes, disk->changes, disk->change_count * sizeof *after->changes);
    for (size_t i = 0; i < disk->change_count; i++)
        (void)simdisk_sector_share(after->changes[i].content);
    after->change_count = after->change_capacity = disk->change_count;
    after->handles = disk->handles;
    return after;
}
