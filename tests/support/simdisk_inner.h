/*
 * support/simdisk_inner.h: what a simulated disk is made of, for simdisk.c (the storage) and simdisk_crash.c (what a
 * crash leaves). Pending changes are a list in the order of their making. A change is a piece of a write within one sector,
 * a truncation, a creation or a removal.
 */
#ifndef SUPPORT_SIMDISK_INNER_H
#define SUPPORT_SIMDISK_INNER_H

#include <pthread.h>

#include "support/simdisk.h"

#define SIMDISK_SECTOR 512
#define SIMDISK_NAME_SIZE 24
#define SIMDISK_GARBAGE_BYTE 0xA5

typedef struct image {
    uint8_t *bytes;
    uint64_t size, capacity;
} image_t;

typedef struct inode {
    image_t visible, durable;
    uint64_t longest; /* ever made since it was durable */
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
    char name[SIMDISK_NAME_SIZE];
    bool settled; /* durable behind a truncation that is not: no unit, never lost */
    size_t unit;  /* set by simdisk_units; SIZE_MAX: none of its own */
    uint8_t bytes[SIMDISK_SECTOR];
} change_t;

typedef struct entry {
    char name[SIMDISK_NAME_SIZE];
    size_t inode;
} entry_t;

typedef struct names {
    entry_t *entries;
    size_t count;
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
    part_t parts[2];
    inode_t *inodes;
    size_t inode_count;
    change_t *changes;
    size_t change_count, change_capacity;
    uint64_t handles, writes;
    simdisk_hook_t hook;
    void *hook_context;
    simdisk_faults_t faults;
    void *faults_context;
    bool off, count_idle;
    unsigned open_files, most_open_files;
    uint64_t counts[SIMDISK_CALLS];
};

void *simdisk_need(void *memory);
void simdisk_image_resize(image_t *image, uint64_t size);
void simdisk_image_write(image_t *image, uint64_t offset, const uint8_t *bytes, size_t size);
void simdisk_image_copy(image_t *to, const image_t *from);
size_t simdisk_names_find(const names_t *names, const char *name);
void simdisk_names_add(names_t *names, const char *name, size_t inode);
void simdisk_names_remove(names_t *names, const char *name);
void simdisk_names_copy(names_t *to, const names_t *from);
uint64_t simdisk_mix(uint64_t hash, uint64_t word);

#endif
