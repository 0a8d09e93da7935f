/* lessons/diskimage.c: see lessons/diskimage.h, and lessons/crashdisk.h for crashes and raw files. */
#include "lessons/diskimage.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- memory --- */

void *disk_grow(void *items, size_t *capacity, size_t count, size_t size)
{
    if (count < *capacity)
        return items;
    *capacity = *capacity == 0 ? 16 : *capacity * 2;
    items = realloc(items, *capacity * size);
    if (items == NULL)
        abort();
    return items;
}

static void blob_reserve(blob_t *blob, size_t size)
{
    if (size <= blob->capacity)
        return;
    blob->capacity = size > 2 * blob->capacity ? size : 2 * blob->capacity;
    blob->data = realloc(blob->data, blob->capacity);
    if (blob->data == NULL)
        abort();
}

void blob_resize(blob_t *blob, uint64_t size)
{
    blob_reserve(blob, (size_t)size);
    if (size > blob->size)
        memset(blob->data + blob->size, 0, (size_t)size - blob->size);
    blob->size = (size_t)size;
}

void blob_write(blob_t *blob, uint64_t offset, const uint8_t *data, uint64_t size)
{
    if (offset + size > blob->size)
        blob_resize(blob, offset + size);
    if (size > 0)
        memcpy(blob->data + offset, data, (size_t)size);
}

static void blob_copy(blob_t *to, const blob_t *from)
{
    to->size = 0;
    blob_write(to, 0, from->data, from->size);
}

/* What a device may show where bytes were lost: never a valid page or frame. */
static void blob_lengthen(blob_t *blob, uint64_t from, uint64_t to, crash_fill_t fill)
{
    uint64_t end = blob->size;
    if (to <= end)
        return;
    blob_resize(blob, to);
    for (uint64_t at = from > end ? from : end; at < to && fill == FILL_GARBAGE; at++)
        blob->data[at] = (uint8_t)(at * 131 + (at >> 7) + 0x5b);
}

/* --- parts, nodes and names --- */

static void set_name(char *to, const char *name)
{
    int length = snprintf(to, DISK_NAME, "%s", name);
    assert_in_range(length, 1, DISK_NAME - 1);
}

part_t *disk_part(const crashdisk_t *disk, size_t part)
{
    return disk->parts[part];
}

size_t disk_find_part(const crashdisk_t *disk, const char *partition)
{
    for (size_t i = 0; i < disk->part_count; i++)
        if (disk->parts[i]->seen_there && strcmp(disk->parts[i]->text, partition) == 0)
            return i;
    return NO_ITEM;
}

size_t disk_add_part(crashdisk_t *disk, const char *partition)
{
    part_t *part = calloc(1, sizeof *part);
    if (part == NULL)
        abort();
    set_name(part->text, partition);
    disk->parts = disk_grow(disk->parts, &disk->part_capacity, disk->part_count, sizeof *disk->parts);
    disk->parts[disk->part_count] = part;
    return disk->part_count++;
}

node_t *disk_node(const crashdisk_t *disk, size_t node)
{
    return disk->nodes[node];
}

size_t disk_add_node(crashdisk_t *disk, size_t part, const char *name, segj_entry_kind_t kind)
{
    node_t *node = calloc(1, sizeof *node);
    if (node == NULL)
        abort();
    node->part = part;
    node->kind = kind;
    set_name(node->name, name);
    disk->nodes = disk_grow(disk->nodes, &disk->node_capacity, disk->node_count, sizeof *disk->nodes);
    disk->nodes[disk->node_count] = node;
    return disk->node_count++;
}

size_t listing_find(const listing_t *listing, const char *name)
{
    for (size_t i = 0; i < listing->count; i++)
        if (strcmp(listing->items[i].text, name) == 0)
            return i;
    return NO_ITEM;
}

void listing_set(listing_t *listing, const char *name, size_t node)
{
    size_t at = listing_find(listing, name);
    if (at == NO_ITEM) {
        listing->items = disk_grow(listing->items, &listing->capacity, listing->count, sizeof *listing->items);
        at = listing->count++;
        set_name(listing->items[at].text, name);
    }
    listing->items[at].node = node;
}

void listing_drop(listing_t *listing, const char *name)
{
    size_t at = listing_find(listing, name);
    if (at != NO_ITEM)
        listing->items[at] = listing->items[--listing->count];
}

static void listing_copy(listing_t *to, const listing_t *from)
{
    to->count = 0;
    for (size_t i = 0; i < from->count; i++)
        listing_set(to, from->items[i].text, from->items[i].node);
}

int64_t disk_section(const char *name)
{
    char *end;
    if (strlen(name) != 16)
        return -1;
    uint64_t number = strtoull(name, &end, 16);
    return *end == '\0' ? (int64_t)number : -1;
}

bool disk_matches(disk_target_t wanted, disk_target_t found)
{
    if (wanted.partition == NULL)
        return true;
    return found.partition != NULL && strcmp(wanted.partition, found.partition) == 0 &&
           (wanted.section == -1 || wanted.section == found.section);
}

disk_target_t disk_target_of(const crashdisk_t *disk, const node_t *node)
{
    return (disk_target_t){disk_part(disk, node->part)->text, disk_section(node->name)};
}

/* --- the log --- */

op_t *disk_log(crashdisk_t *disk, unit_kind_t kind, size_t part, size_t node)
{
    disk->log = disk_grow(disk->log, &disk->log_capacity, disk->log_count, sizeof *disk->log);
    op_t *op = &disk->log[disk->log_count++];
    *op = (op_t){.kind = kind, .part = part, .node = node, .number = ++disk->op_number};
    return op;
}

bool op_of_node(const crashdisk_t *disk, const op_t *op, size_t node)
{
    (void)disk;
    return (op->kind == UNIT_WRITE || op->kind == UNIT_TRUNCATE) && op->node == node;
}

bool op_of_names(const crashdisk_t *disk, const op_t *op, size_t part)
{
    (void)disk;
    return (op->kind == UNIT_CREATE || op->kind == UNIT_REMOVE) && op->part == part;
}

bool op_of_directory(const crashdisk_t *disk, const op_t *op, size_t unused)
{
    (void)disk;
    (void)unused;
    return op->kind == UNIT_PARTITION;
}

/* A partition's name stands for one partition at a time. */
static void settle_partition(crashdisk_t *disk, const op_t *op)
{
    part_t *part = disk_part(disk, op->part);
    for (size_t i = 0; i < disk->part_count && op->made; i++)
        if (strcmp(disk->parts[i]->text, part->text) == 0)
            disk->parts[i]->stable_there = false;
    part->stable_there = op->made;
}

static void settle_op(crashdisk_t *disk, const op_t *op)
{
    switch (op->kind) {
    case UNIT_WRITE:
        blob_write(&disk_node(disk, op->node)->stable, op->offset, op->data, op->size);
        break;
    case UNIT_TRUNCATE:
        blob_resize(&disk_node(disk, op->node)->stable, op->size);
        break;
    case UNIT_CREATE:
        listing_set(&disk_part(disk, op->part)->stable, op->name, op->node);
        break;
    case UNIT_REMOVE:
        listing_drop(&disk_part(disk, op->part)->stable, op->name);
        break;
    default:
        settle_partition(disk, op);
        break;
    }
}

void disk_settle(crashdisk_t *disk, op_filter_t filter, size_t item, uint64_t up_to)
{
    size_t kept = 0;
    for (size_t i = 0; i < disk->log_count; i++) {
        op_t op = disk->log[i];
        if (op.number > up_to || !filter(disk, &op, item)) {
            disk->log[kept++] = op;
            continue;
        }
        settle_op(disk, &op);
        free(op.data);
    }
    disk->log_count = kept;
}

void disk_forget_writes(crashdisk_t *disk, size_t node, uint64_t up_to)
{
    size_t kept = 0;
    for (size_t i = 0; i < disk->log_count; i++) {
        op_t op = disk->log[i];
        if (op.kind == UNIT_WRITE && op.node == node && op.number <= up_to)
            free(op.data);
        else
            disk->log[kept++] = op;
    }
    disk->log_count = kept;
}

/* --- choices --- */

crash_t crash_keep_mask(uint64_t mask)
{
    return (crash_t){.mask = mask, .target = {NULL, 0}};
}

crash_t crash_keep_none(void)
{
    return crash_keep_mask(0);
}

static bool keep_every(const void *context, const crash_unit_t *unit)
{
    (void)context;
    (void)unit;
    return true;
}

crash_t crash_keep_all(void)
{
    return (crash_t){.keep = keep_every};
}

crash_t crash_keep_only(disk_target_t target)
{
    return (crash_t){.mask = 0, .target = target};
}

crash_t crash_keep_all_but(disk_target_t target)
{
    return (crash_t){.mask = UINT64_MAX, .target = target};
}

static bool is_kept(const crash_t *crash, const crash_unit_t *unit)
{
    if (crash->keep != NULL)
        return crash->keep(crash->context, unit);
    if (crash->target.partition != NULL)
        return disk_matches(crash->target, (disk_target_t){unit->partition, unit->section}) == (crash->mask == 0);
    return unit->number < 64 && (crash->mask >> unit->number & 1) != 0;
}

/* The end of the part of a write that begins at `at` and is chosen as one. */
static uint64_t part_end(const op_t *op, uint64_t at, bool sectors)
{
    uint64_t end = op->offset + op->size;
    uint64_t next = (at / SECTOR + 1) * SECTOR;
    return sectors && op->kind == UNIT_WRITE && next < end ? next : end;
}

unsigned disk_units(const crashdisk_t *disk, bool sectors)
{
    unsigned units = 0;
    for (size_t i = 0; i < disk->log_count; i++) {
        const op_t *op = &disk->log[i];
        uint64_t at = op->offset;
        do {
            units++;
            at = part_end(op, at, sectors);
        } while (op->kind == UNIT_WRITE && at < op->offset + op->size);
    }
    return units;
}

static crash_unit_t unit_of(const crashdisk_t *disk, const op_t *op, unsigned number, uint64_t from, uint64_t to)
{
    crash_unit_t unit = {.number = number,
                         .kind = op->kind,
                         .partition = disk_part(disk, op->part)->text,
                         .section = -1,
                         .offset = from,
                         .size = to - from};
    if (op->kind == UNIT_TRUNCATE)
        unit.size = op->size;
    if (op->kind == UNIT_WRITE || op->kind == UNIT_TRUNCATE)
        unit.section = disk_section(disk_node(disk, op->node)->name);
    else if (op->kind != UNIT_PARTITION)
        unit.section = disk_section(op->name);
    return unit;
}

/* --- crashes and copies --- */

/* A disk with the same partitions and files, `stable` or `seen` of which is what both images show. */
static crashdisk_t *copy_disk(const crashdisk_t *disk, bool seen)
{
    crashdisk_t *copy = disk_new();
    for (size_t i = 0; i < disk->part_count; i++) {
        const part_t *from = disk->parts[i];
        part_t *to = disk_part(copy, disk_add_part(copy, from->text));
        to->stable_there = seen ? from->seen_there : from->stable_there;
        listing_copy(&to->stable, seen ? &from->seen : &from->stable);
    }
    for (size_t i = 0; i < disk->node_count; i++) {
        const node_t *from = disk->nodes[i];
        node_t *to = disk_node(copy, disk_add_node(copy, from->part, from->name, from->kind));
        blob_copy(&to->stable, seen ? &from->seen : &from->stable);
    }
    return copy;
}

/* What is durable is what is seen. */
static crashdisk_t *show_stable(crashdisk_t *disk)
{
    for (size_t i = 0; i < disk->part_count; i++) {
        disk->parts[i]->seen_there = disk->parts[i]->stable_there;
        listing_copy(&disk->parts[i]->seen, &disk->parts[i]->stable);
    }
    for (size_t i = 0; i < disk->node_count; i++)
        blob_copy(&disk->nodes[i]->seen, &disk->nodes[i]->stable);
    return disk;
}

static void crash_op(crashdisk_t *copy, const op_t *op, const crash_t *crash, unsigned *number)
{
    uint64_t at = op->offset;
    do {
        uint64_t end = part_end(op, at, crash->sectors);
        crash_unit_t unit = unit_of(copy, op, (*number)++, at, end);
        if (is_kept(crash, &unit)) {
            op_t part = *op;
            if (op->kind == UNIT_WRITE) {
                part.offset = at;
                part.size = end - at;
                part.data = op->data == NULL ? NULL : op->data + (at - op->offset);
            }
            settle_op(copy, &part);
        } else if (op->kind == UNIT_WRITE && crash->fill != FILL_SHORT) {
            blob_lengthen(&disk_node(copy, op->node)->stable, at, end, crash->fill);
        }
        at = end;
    } while (op->kind == UNIT_WRITE && at < op->offset + op->size);
}

crashdisk_t *disk_crash(const crashdisk_t *disk, crash_t crash)
{
    crashdisk_t *copy = copy_disk(disk, false);
    unsigned number = 0;
    for (size_t i = 0; i < disk->log_count; i++)
        crash_op(copy, &disk->log[i], &crash, &number);
    return show_stable(copy);
}

crashdisk_t *disk_snapshot(const crashdisk_t *disk)
{
    return show_stable(copy_disk(disk, true));
}

static void clone_log(crashdisk_t *copy, const crashdisk_t *disk)
{
    for (size_t i = 0; i < disk->log_count; i++) {
        const op_t *from = &disk->log[i];
        op_t *to = disk_log(copy, from->kind, from->part, from->node);
        to->made = from->made;
        to->offset = from->offset;
        to->size = from->size;
        memcpy(to->name, from->name, sizeof to->name);
        if (from->data == NULL)
            continue;
        to->data = malloc((size_t)from->size + 1);
        if (to->data == NULL)
            abort();
        memcpy(to->data, from->data, (size_t)from->size);
    }
}

crashdisk_t *disk_clone(const crashdisk_t *disk)
{
    crashdisk_t *copy = copy_disk(disk, false);
    for (size_t i = 0; i < disk->part_count; i++) {
        copy->parts[i]->seen_there = disk->parts[i]->seen_there;
        listing_copy(&copy->parts[i]->seen, &disk->parts[i]->seen);
    }
    for (size_t i = 0; i < disk->node_count; i++)
        blob_copy(&copy->nodes[i]->seen, &disk->nodes[i]->seen);
    clone_log(copy, disk);
    return copy;
}
