/*
 * support/simdisk_changes.c: what is not durable yet, and how it becomes so. When a change becomes durable, older
 * pending pieces under it take its bytes, so that they cannot bring back what it has replaced. Where an older
 * truncation is pending, the change stays in the list instead, settled: a crash applies it whatever else it does.
 */
#include <stdlib.h>
#include <string.h>

#include "support/simdisk_inner.h"

/* --- names --- */

size_t simdisk_names_find(const names_t *names, const char *name)
{
    size_t at = 0;
    while (at < names->count && strcmp(names->entries[at].name, name) != 0)
        at++;
    return at;
}

static void names_room(names_t *names, size_t count)
{
    if (count <= names->capacity)
        return;
    names->capacity = count + 4;
    names->entries = simdisk_need(realloc(names->entries, names->capacity * sizeof *names->entries));
}

/* Kept in order, so that equal directories hash alike. */
void simdisk_names_add(names_t *names, const char *name, size_t inode)
{
    size_t at = simdisk_names_find(names, name);
    if (at < names->count) {
        names->entries[at].inode = inode;
        return;
    }
    names_room(names, names->count + 1);
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
    names_room(to, from->count);
    to->count = from->count;
    if (from->count > 0)
        memcpy(to->entries, from->entries, from->count * sizeof *to->entries);
}

/* --- changes --- */

change_t *simdisk_change_add(simdisk_t *disk, change_kind_t kind, size_t inode)
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

void simdisk_change_free(const change_t *change)
{
    simdisk_sector_free(change->content);
}

static bool is_content(const change_t *change)
{
    return change->kind == CHANGE_PIECE || change->kind == CHANGE_TRUNCATE;
}

bool simdisk_change_covers(const simdisk_t *disk, size_t index, const change_t *change)
{
    for (size_t i = 0; i < index; i++) {
        const change_t *other = &disk->changes[i];
        if (other->inode == change->inode && other->kind == CHANGE_TRUNCATE &&
            other->offset < change->offset + change->size)
            return true;
        if (other->inode == change->inode && other->kind == CHANGE_PIECE &&
            other->offset < change->offset + change->size && change->offset < other->offset + other->size)
            return true;
    }
    return false;
}

/* The piece has only its first bytes left. */
static void shorten(change_t *piece, size_t size)
{
    sector_t *old = piece->content;
    size_t from = (size_t)(piece->offset % SIMDISK_SECTOR);
    piece->size = size;
    if (old != NULL)
        piece->content = simdisk_sector_new(from, old->bytes + from, size);
    simdisk_sector_free(old);
}

/* Where both pieces lie, the older one takes the newer one's bytes. */
static void take_bytes(change_t *older, const change_t *newer)
{
    static const uint8_t zeros[SIMDISK_SECTOR];
    uint8_t bytes[SIMDISK_SECTOR];
    uint64_t from = older->offset > newer->offset ? older->offset : newer->offset;
    uint64_t old_end = older->offset + older->size;
    uint64_t new_end = newer->offset + newer->size;
    uint64_t to = old_end < new_end ? old_end : new_end;
    if (from >= to)
        return;
    size_t at = (size_t)(from % SIMDISK_SECTOR);
    memcpy(bytes, older->content != NULL ? older->content->bytes : zeros, sizeof bytes);
    memcpy(bytes + at, (newer->content != NULL ? newer->content->bytes : zeros) + at, (size_t)(to - from));
    simdisk_sector_free(older->content);
    older->content = simdisk_sector_new(0, bytes, sizeof bytes);
}

/* `newer` is on the disk, and so is what older pieces under it have come to be. */
static void note_written(simdisk_t *disk, size_t before, const change_t *newer)
{
    for (size_t i = 0; i < before && newer->kind == CHANGE_PIECE; i++) {
        change_t *older = &disk->changes[i];
        older->written = older->written ||
                         (older->kind == CHANGE_PIECE && older->inode == newer->inode &&
                          newer->offset <= older->offset && newer->offset + newer->size >= older->offset + older->size);
    }
}

/* `newer` has become durable: older pieces under it are what it left. */
static void settle_older(simdisk_t *disk, size_t before, const change_t *newer)
{
    for (size_t i = 0; i < before; i++) {
        change_t *older = &disk->changes[i];
        if (older->kind != CHANGE_PIECE || older->inode != newer->inode)
            continue;
        if (newer->kind == CHANGE_PIECE)
            take_bytes(older, newer);
        else if (older->offset >= newer->offset)
            shorten(older, 0);
        else if (older->offset + older->size > newer->offset)
            shorten(older, (size_t)(newer->offset - older->offset));
    }
}

static void apply(image_t **image, const change_t *change)
{
    if (change->kind == CHANGE_PIECE && change->size > 0)
        simdisk_image_put(image, change->offset, change->size, change->content);
    else if (change->kind == CHANGE_TRUNCATE)
        simdisk_image_resize(image, change->offset);
}

/* --- becoming durable --- */

typedef enum verdict { PENDING, DURABLE, DROPPED } verdict_t;

typedef struct question {
    size_t inode;    /* SIZE_MAX: all */
    uint64_t handle; /* 0: the seed decides; SIMDISK_ALL_HANDLES */
    uint64_t seed;
} question_t;

static verdict_t judge(const change_t *change, size_t index, const question_t *question)
{
    if (!is_content(change) || change->settled || (question->inode != SIZE_MAX && change->inode != question->inode))
        return PENDING;
    if (question->handle != 0)
        return question->handle == SIMDISK_ALL_HANDLES || change->handle == question->handle ? DURABLE : PENDING;
    /* Written bytes reach the disk or never will; truncations are the file system's own and stay pending. */
    if (change->kind == CHANGE_TRUNCATE)
        return PENDING;
    return (simdisk_mix(simdisk_mix(question->seed, index), change->offset) >> 32) % 4 == 0 ? DURABLE : DROPPED;
}

/* Goes over the changes of files' contents in the order of their making. */
static void make_durable(simdisk_t *disk, const question_t *question)
{
    size_t kept = 0;
    bool *cut = simdisk_need(calloc(disk->inode_count + 1, sizeof *cut)); /* an older truncation stays pending */
    for (size_t i = 0; i < disk->change_count; i++) {
        change_t *change = &disk->changes[i];
        verdict_t verdict = judge(change, i, question);
        if (verdict == DROPPED) {
            simdisk_change_free(change);
            continue;
        }
        if (verdict == DURABLE && !cut[change->inode]) {
            apply(&disk->inodes[change->inode].durable, change);
            settle_older(disk, kept, change);
            note_written(disk, kept, change);
            simdisk_change_free(change);
            continue;
        }
        change->settled = change->settled || verdict == DURABLE;
        if (verdict == DURABLE)
            note_written(disk, kept, change);
        if (change->kind == CHANGE_TRUNCATE)
            cut[change->inode] = true;
        if (kept != i)
            disk->changes[kept] = *change;
        kept++;
    }
    disk->change_count = kept;
    free(cut);
}

/* Whoever has written it: a sync waits for all that is on its way to the disk. */
static void calm_down(simdisk_t *disk, size_t inode)
{
    for (size_t i = 0; i < disk->change_count; i++)
        disk->changes[i].calm =
            disk->changes[i].calm || (disk->changes[i].inode == inode && is_content(&disk->changes[i]));
}

void simdisk_make_file_durable(simdisk_t *disk, size_t inode, uint64_t handle)
{
    make_durable(disk, &(question_t){inode, handle, 0});
    calm_down(disk, inode);
    disk->inodes[inode].longest = simdisk_image_size(disk->inodes[inode].visible);
}

void simdisk_drop_inode(simdisk_t *disk, uint64_t seed, size_t inode)
{
    make_durable(disk, &(question_t){inode, 0, seed});
}

void simdisk_drop(simdisk_t *disk, uint64_t seed)
{
    simdisk_drop_inode(disk, seed, SIZE_MAX);
}

void simdisk_make_names_durable(simdisk_t *disk, int part)
{
    size_t kept = 0;
    for (size_t i = 0; i < disk->change_count; i++) {
        change_t *change = &disk->changes[i];
        if (is_content(change) || change->part != part) {
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
