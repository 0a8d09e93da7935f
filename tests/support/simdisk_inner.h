/*
 * support/simdisk_inner.h: what a simulated disk is made of, for simdisk.c (the storage), simdisk_changes.c (what is
 * pending) and simdisk_crash.c (what a crash leaves). Pending changes are a list in the order of their making. A change
 * is a piece of a write within one sector, a truncation, a creation or a removal.
 */
#ifndef SUPPORT_SIMDISK_INNER_H
#define SUPPORT_SIMDISK_INNER_H

#include <pthread.h>

#include "support/simdisk.h"
#include "support/simdisk_image.h"

#define SIMDISK_NAME_SIZE 64
#define SIMDISK_PARTS 4
#define SIMDISK_GARBAGE_BYTE 0xA5

typedef struct inode {
    image_t *visible, *durable;
    int part;
    uint64_t longest; /* ever made since it was durable */
    uint8_t *flat;    /* simdisk_visible: the bytes in one piece */
} inode_t;

typedef enum change_kind { CHANGE_PIECE, CHANGE_TRUNCATE, CHANGE_CREATE, CHANGE_REMOVE } change_kind_t;

typedef struct change {
    change_kind_t kind;
    size_t inode;
    uint64_t handle; /* the open file it came through */
    uint64_t write;  /* pieces of one write share a number */
    uint64_t offset; /* or the size of a truncation */
    size_t size;
    sector_t *content; /* of a piece; NULL: zeros */
    int part;
    char name[SIMDISK_NAME_SIZE];
    bool settled; /* durable behind a truncation that is not: no unit, never lost */
    bool written; /* a piece: its bytes were made durable by a newer one */
    bool calm;    /* of a file's contents: it may be lost, and its sector is not being written any more */
    size_t unit;  /* set by simdisk_units; SIZE_MAX: none of its own */
} change_t;

typedef struct entry {
    char name[SIMDISK_NAME_SIZE];
    size_t inode;
} entry_t;

typedef struct names {
    entry_t *entries;
    size_t count, capacity;
} names_t;

typedef struct part {
    char name[SIMDISK_NAME_SIZE];
    bool made;
    names_t visible, durable;
    int locks; /* -1: exclusive */
} part_t;

struct simdisk {
    segj_storage_t storage;
    pthread_mutex_t lock; /* held by every call of the storage */
    part_t parts[SIMDISK_PARTS];
    inode_t *inodes;
    size_t inode_count, inode_capacity;
    change_t *changes;
    size_t change_count, change_capacity;
    uint64_t handles, writes;
    size_t grain; /* bytes that are written whole or not at all */
    simdisk_hook_t hook;
    void *hook_context;
    simdisk_faults_t faults;
    void *faults_context;
    flush_order_t *order; /* NULL: as they come */
    bool off, count_idle, lean, whole_syncs;
    bool scarce;   /* room counts */
    uint64_t room; /* bytes that may still be written, each to a new place */
    unsigned open_files, most_open_files;
    unsigned beside; /* of the open ones, those whose name begins with a dot */
    uint64_t counts[SIMDISK_CALLS];
};

size_t simdisk_names_find(const names_t *names, const char *name);
void simdisk_names_add(names_t *names, const char *name, size_t inode);
void simdisk_names_remove(names_t *names, const char *name);
void simdisk_names_copy(names_t *to, const names_t *from);

change_t *simdisk_change_add(simdisk_t *disk, change_kind_t kind, size_t inode);
void simdisk_change_free(const change_t *change);
/** Whether an older change than the one at `index` lies beneath its `size` bytes from its offset on. */
bool simdisk_change_covers(const simdisk_t *disk, size_t index, const change_t *change);
#define SIMDISK_ALL_HANDLES UINT64_MAX
void simdisk_make_file_durable(simdisk_t *disk, size_t inode, uint64_t handle);
void simdisk_make_names_durable(simdisk_t *disk, int part);
/** By the seed, pending pieces of a file (SIZE_MAX: of all) are durable or never will be. */
void simdisk_drop_inode(simdisk_t *disk, uint64_t seed, size_t inode);

#endif
