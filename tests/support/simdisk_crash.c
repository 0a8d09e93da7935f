/*
 * support/simdisk_crash.c: what a crash leaves of a simulated disk, and disks told apart.
 */
#include <stdlib.h>
#include <string.h>

#include "support/simdisk_inner.h"

/* --- units --- */

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
    return change->offset + change->size <= durable->size &&
           memcmp(durable->bytes + change->offset, change->bytes, change->size) == 0 &&
           !earlier_piece_below(disk, index);
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

/* --- crashes --- */

static void grow(image_t *image, uint64_t size, simdisk_fill_t fill)
{
    uint64_t before = image->size;
    if (size <= before)
        return;
    simdisk_image_resize(image, size);
    if (fill == SIMDISK_GARBAGE)
        memset(image->bytes + before, SIMDISK_GARBAGE_BYTE, (size_t)(size - before));
}

static void keep_bytes(image_t *image, uint64_t offset, const uint8_t *bytes, size_t size, simdisk_fill_t fill)
{
    grow(image, offset, fill); /* what was lost before them */
    simdisk_image_write(image, offset, bytes, size);
}

static void tear(image_t *image, const change_t *change, simdisk_fill_t fill)
{
    uint64_t bits = 0;
    grow(image, change->offset, fill);
    for (size_t i = 0; i < change->size; i++) {
        if (i % 64 == 0)
            bits = simdisk_mix(simdisk_mix(change->write, change->offset), i);
        if (bits >> (i % 64) & 1)
            simdisk_image_write(image, change->offset + i, change->bytes + i, 1);
    }
}

static void spoil(image_t *image, const change_t *change)
{
    uint64_t from = change->offset - change->offset % SIMDISK_SECTOR;
    uint64_t to = from + SIMDISK_SECTOR < image->size ? from + SIMDISK_SECTOR : image->size;
    if (from < to)
        memset(image->bytes + from, SIMDISK_GARBAGE_BYTE, (size_t)(to - from));
}

static simdisk_fate_t fate_of(const change_t *change, const uint8_t *keep)
{
    if (change->settled)
        return SIMDISK_KEPT;
    simdisk_fate_t fate = change->unit != SIZE_MAX ? (simdisk_fate_t)keep[change->unit] : SIMDISK_LOST;
    if (change->kind == CHANGE_PIECE)
        return fate;
    return fate == SIMDISK_TORN ? SIMDISK_KEPT : fate == SIMDISK_SPOILT ? SIMDISK_LOST : fate;
}

static void crash_file(const simdisk_t *disk, size_t index, const uint8_t *keep, simdisk_fill_t fill, image_t *image)
{
    bool spoilt = false;
    simdisk_image_copy(image, &disk->inodes[index].durable);
    for (size_t i = 0; i < disk->change_count; i++) {
        const change_t *change = &disk->changes[i];
        if (change->inode != index || (change->kind != CHANGE_PIECE && change->kind != CHANGE_TRUNCATE))
            continue;
        simdisk_fate_t fate = fate_of(change, keep);
        spoilt = spoilt || fate == SIMDISK_SPOILT;
        if (fate == SIMDISK_TORN)
            tear(image, change, fill);
        else if (fate == SIMDISK_KEPT && change->kind == CHANGE_TRUNCATE)
            simdisk_image_resize(image, change->offset);
        else if (fate == SIMDISK_KEPT && change->size > 0)
            keep_bytes(image, change->offset, change->bytes, change->size, fill);
    }
    if (fill != SIMDISK_SHORT)
        grow(image, disk->inodes[index].longest, fill);
    for (size_t i = 0; spoilt && i < disk->change_count; i++)
        if (disk->changes[i].inode == index && disk->changes[i].kind == CHANGE_PIECE &&
            fate_of(&disk->changes[i], keep) == SIMDISK_SPOILT)
            spoil(image, &disk->changes[i]);
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

simdisk_t *simdisk_crash(simdisk_t *disk, const uint8_t *keep, simdisk_fill_t fill)
{
    simdisk_t *after = simdisk_new();
    after->inode_count = disk->inode_count;
    after->inodes = simdisk_need(calloc(disk->inode_count + 1, sizeof *after->inodes));
    for (int part = 0; part < 2; part++) {
        part_t *to = &after->parts[part];
        memcpy(to->name, disk->parts[part].name, sizeof to->name);
        to->made = disk->parts[part].made;
        crash_names(disk, part, keep, &to->durable);
        simdisk_names_copy(&to->visible, &to->durable);
        for (size_t i = 0; i < to->durable.count; i++) {
            size_t inode = to->durable.entries[i].inode;
            if (after->inodes[inode].durable.bytes != NULL)
                continue;
            crash_file(disk, inode, keep, fill, &after->inodes[inode].durable);
            simdisk_image_copy(&after->inodes[inode].visible, &after->inodes[inode].durable);
            after->inodes[inode].longest = after->inodes[inode].durable.size;
        }
    }
    after->writes = disk->writes;
    return after;
}

simdisk_t *simdisk_kill(const simdisk_t *disk)
{
    simdisk_t *after = simdisk_new();
    after->inode_count = disk->inode_count;
    after->inodes = simdisk_need(calloc(disk->inode_count + 1, sizeof *after->inodes));
    for (size_t i = 0; i < disk->inode_count; i++) {
        simdisk_image_copy(&after->inodes[i].visible, &disk->inodes[i].visible);
        simdisk_image_copy(&after->inodes[i].durable, &disk->inodes[i].durable);
        after->inodes[i].longest = disk->inodes[i].longest;
    }
    for (int part = 0; part < 2; part++) {
        after->parts[part] = disk->parts[part];
        after->parts[part].locks = 0;
        simdisk_names_copy(&after->parts[part].visible, &disk->parts[part].visible);
        simdisk_names_copy(&after->parts[part].durable, &disk->parts[part].durable);
    }
    after->changes = simdisk_need(malloc((disk->change_count + 1) * sizeof *after->changes));
    if (disk->change_count > 0)
        memcpy(after->changes, disk->changes, disk->change_count * sizeof *after->changes);
    after->change_count = after->change_capacity = disk->change_count;
    after->handles = disk->handles;
    after->writes = disk->writes;
    return after;
}

/* --- hashing --- */

uint64_t simdisk_mix(uint64_t hash, uint64_t word)
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
        hash = simdisk_mix(hash, word);
    }
    for (; at < size; at++)
        hash = simdisk_mix(hash, bytes[at]);
    return simdisk_mix(hash, size);
}

static uint64_t mix_names(const simdisk_t *disk, uint64_t hash, const names_t *names, bool durable)
{
    for (size_t i = 0; i < names->count; i++) {
        const inode_t *inode = &disk->inodes[names->entries[i].inode];
        const image_t *image = durable ? &inode->durable : &inode->visible;
        hash = mix_bytes(hash, (const uint8_t *)names->entries[i].name, SIMDISK_NAME_SIZE);
        hash = mix_bytes(hash, image->bytes, image->size);
    }
    return simdisk_mix(hash, names->count);
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
        hash = simdisk_mix(hash, (uint64_t)change->kind << 32 | (uint64_t)change->settled << 40 | change->inode);
        hash = simdisk_mix(hash, change->offset);
        hash = mix_bytes(hash, change->bytes, change->size);
        hash = mix_bytes(hash, (const uint8_t *)change->name, SIMDISK_NAME_SIZE);
    }
    return hash;
}
