/* lessons/rawdisk.c: crashdisk's files as bytes, without a journal; see lessons/crashdisk.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lessons/diskimage.h"

static node_t *find_file(const crashdisk_t *disk, disk_target_t file)
{
    char name[DISK_NAME];
    size_t part = disk_find_part(disk, file.partition);
    snprintf(name, sizeof name, "%016" PRIx64, (uint64_t)file.section);
    if (part == NO_ITEM)
        return NULL;
    const listing_t *listing = &disk_part(disk, part)->seen;
    size_t at = listing_find(listing, name);
    return at == NO_ITEM ? NULL : disk_node(disk, listing->items[at].node);
}

static node_t *need_file(const crashdisk_t *disk, disk_target_t file)
{
    node_t *node = find_file(disk, file);
    if (node == NULL)
        fail_msg("there is no file %s/%016" PRIx64, file.partition, (uint64_t)file.section);
    return node;
}

const uint8_t *disk_peek(const crashdisk_t *disk, disk_target_t file, uint64_t *size)
{
    const node_t *node = find_file(disk, file);
    if (node == NULL)
        return NULL;
    if (size != NULL)
        *size = node->seen.size;
    return node->seen.data != NULL ? node->seen.data : (const uint8_t *)"";
}

bool disk_exists(const crashdisk_t *disk, disk_target_t file)
{
    return find_file(disk, file) != NULL;
}

uint64_t disk_size(const crashdisk_t *disk, disk_target_t file)
{
    return need_file(disk, file)->seen.size;
}

bool disk_has_partition(const crashdisk_t *disk, const char *partition)
{
    return disk_find_part(disk, partition) != NO_ITEM;
}

void disk_put_name(crashdisk_t *disk, const char *partition, const char *name, segj_entry_kind_t kind)
{
    size_t part = disk_find_part(disk, partition);
    if (part == NO_ITEM) {
        part = disk_add_part(disk, partition);
        disk_part(disk, part)->seen_there = disk_part(disk, part)->stable_there = true;
    }
    size_t node = disk_add_node(disk, part, name, kind);
    listing_set(&disk_part(disk, part)->seen, name, node);
    listing_set(&disk_part(disk, part)->stable, name, node);
}

void disk_put(crashdisk_t *disk, disk_target_t file, const void *bytes, size_t size)
{
    char name[DISK_NAME];
    snprintf(name, sizeof name, "%016" PRIx64, (uint64_t)file.section);
    disk_put_name(disk, file.partition, name, SEGJ_ENTRY_FILE);
    disk_poke(disk, file, 0, bytes, size);
}

void disk_poke(crashdisk_t *disk, disk_target_t file, uint64_t offset, const void *bytes, size_t size)
{
    node_t *node = need_file(disk, file);
    blob_write(&node->seen, offset, bytes, size);
    blob_write(&node->stable, offset, bytes, size);
}

void disk_flip(crashdisk_t *disk, disk_target_t file, uint64_t offset)
{
    node_t *node = need_file(disk, file);
    assert_true(offset < node->seen.size);
    uint8_t byte = node->seen.data[offset] ^ 0x01;
    disk_poke(disk, file, offset, &byte, 1);
}

void disk_resize(crashdisk_t *disk, disk_target_t file, uint64_t size)
{
    node_t *node = need_file(disk, file);
    blob_resize(&node->seen, size);
    blob_resize(&node->stable, size);
}

void disk_remove(crashdisk_t *disk, disk_target_t target)
{
    size_t part = disk_find_part(disk, target.partition);
    assert_true(part != NO_ITEM);
    if (target.section == -1) {
        disk_part(disk, part)->seen_there = disk_part(disk, part)->stable_there = false;
        return;
    }
    const node_t *node = need_file(disk, target);
    listing_drop(&disk_part(disk, part)->seen, node->name);
    listing_drop(&disk_part(disk, part)->stable, node->name);
}

/* --- comparison --- */

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 32;
}

static uint64_t mix_bytes(uint64_t hash, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    uint64_t word = 0;
    hash = mix(hash, size);
    for (; size >= sizeof word; size -= sizeof word, at += sizeof word) {
        memcpy(&word, at, sizeof word);
        hash = mix(hash, word);
    }
    for (; size > 0; size--)
        hash = mix(hash, *at++);
    return hash;
}

/* A sum over names, whose order says nothing. */
static uint64_t mix_image(const crashdisk_t *disk, bool seen)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < disk->part_count; i++) {
        const part_t *part = disk->parts[i];
        const listing_t *listing = seen ? &part->seen : &part->stable;
        if (!(seen ? part->seen_there : part->stable_there))
            continue;
        uint64_t hash = mix_bytes(seen, part->text, strlen(part->text));
        sum += hash;
        for (size_t k = 0; k < listing->count; k++) {
            const name_t *name = &listing->items[k];
            const node_t *node = disk_node(disk, name->node);
            const blob_t *blob = seen ? &node->seen : &node->stable;
            sum += mix_bytes(mix_bytes(hash, name->text, strlen(name->text)), blob->data, blob->size);
        }
    }
    return sum;
}

static uint64_t mix_log(const crashdisk_t *disk)
{
    uint64_t hash = 2;
    for (size_t i = 0; i < disk->log_count; i++) {
        const op_t *op = &disk->log[i];
        const char *name =
            op->kind == UNIT_WRITE || op->kind == UNIT_TRUNCATE ? disk_node(disk, op->node)->name : op->name;
        const char *part = disk_part(disk, op->part)->text;
        hash = mix(mix(hash, (uint64_t)op->kind << 1 | op->made), op->offset);
        hash = mix_bytes(mix_bytes(hash, name, strlen(name)), part, strlen(part));
        hash = op->data != NULL ? mix_bytes(hash, op->data, (size_t)op->size) : mix(hash, op->size);
    }
    return hash;
}

uint64_t disk_fingerprint(const crashdisk_t *disk)
{
    return mix(mix(mix_image(disk, true), mix_image(disk, false)), mix_log(disk));
}

static void compare_files(const node_t *left, const node_t *right, const char *partition)
{
    if (left->seen.size != right->seen.size)
        fail_msg("%s/%s: %zu bytes and %zu bytes", partition, left->name, left->seen.size, right->seen.size);
    for (size_t i = 0; i < left->seen.size; i++)
        if (left->seen.data[i] != right->seen.data[i])
            fail_msg("%s/%s: byte %zu differs: %02x and %02x", partition, left->name, i, left->seen.data[i],
                     right->seen.data[i]);
}

/* Every partition and file of the left disk is on the right one. */
static void compare_disks(const crashdisk_t *left, const crashdisk_t *right)
{
    for (size_t i = 0; i < left->part_count; i++) {
        const part_t *part = left->parts[i];
        if (!part->seen_there)
            continue;
        size_t other = disk_find_part(right, part->text);
        if (other == NO_ITEM)
            fail_msg("partition %s is on one disk only", part->text);
        for (size_t k = 0; k < part->seen.count; k++) {
            const name_t *name = &part->seen.items[k];
            const listing_t *listing = &disk_part(right, other)->seen;
            size_t at = listing_find(listing, name->text);
            if (at == NO_ITEM)
                fail_msg("%s/%s is on one disk only", part->text, name->text);
            compare_files(disk_node(left, name->node), disk_node(right, listing->items[at].node), part->text);
        }
    }
}

void assert_disks_equal(const crashdisk_t *left, const crashdisk_t *right)
{
    compare_disks(left, right);
    compare_disks(right, left);
}
