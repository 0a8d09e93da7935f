/*
 * lessons/diskimage.h: the inner side of crashdisk: what is on the disk, and the log of what is not durable. Everything
 * here wants the disk's mutex, or a disk that nobody else uses.
 */
#ifndef TESTS_LESSONS_DISKIMAGE_H
#define TESTS_LESSONS_DISKIMAGE_H

#include <pthread.h>

#include "lessons/crashdisk.h"

enum { DISK_NAME = 40, DISK_FAULTS = 8, SECTOR = 512 };

#define NO_ITEM SIZE_MAX

typedef struct blob {
    uint8_t *data;
    size_t size, capacity;
} blob_t;

/** A file, whatever its names are. part and name: where it was made. */
typedef struct node {
    size_t part;
    char name[DISK_NAME];
    segj_entry_kind_t kind;
    blob_t seen, stable;
} node_t;

typedef struct name {
    char text[DISK_NAME];
    size_t node;
} name_t;

typedef struct listing {
    name_t *items;
    size_t count, capacity;
} listing_t;

/** A partition. One that was removed and made again is another one of the same name. */
typedef struct part {
    char text[DISK_NAME];
    bool seen_there, stable_there;
    listing_t seen, stable;
    unsigned shared;
    bool exclusive;
} part_t;

/** Something that is not durable. */
typedef struct op {
    unit_kind_t kind;
    bool made; /* a partition: made, not removed */
    size_t part, node;
    char name[DISK_NAME];
    uint64_t offset, size, number;
    uint8_t *data;
} op_t;

typedef struct made_call {
    disk_call_t call;
    disk_target_t on; /* the partition's name is the part's own text */
} made_call_t;

typedef struct armed_fault {
    disk_fault_t fault;
    unsigned matched;
} armed_fault_t;

struct crashdisk {
    segj_storage_t storage;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    node_t **nodes;
    size_t node_count, node_capacity;
    part_t **parts;
    size_t part_count, part_capacity;
    op_t *log;
    size_t log_count, log_capacity;
    uint64_t op_number; /* of the newest */
    made_call_t *calls;
    size_t call_count, call_capacity;
    armed_fault_t faults[DISK_FAULTS];
    size_t fault_count;
    unsigned disturbed;
    unsigned parked, releases;
    unsigned generation; /* of the process that uses it */
    bool power_limited, powerless;
    unsigned changes_left;
    size_t difficult; /* 0: not */
    bool interrupt;
    struct segj_file *files; /* that are open */
    unsigned open_files, open_peak, misuses;
};

void *disk_grow(void *items, size_t *capacity, size_t count, size_t size);

void blob_write(blob_t *blob, uint64_t offset, const uint8_t *data, uint64_t size);
void blob_resize(blob_t *blob, uint64_t size);

part_t *disk_part(const crashdisk_t *disk, size_t part);
size_t disk_find_part(const crashdisk_t *disk, const char *partition);
size_t disk_add_part(crashdisk_t *disk, const char *partition);
node_t *disk_node(const crashdisk_t *disk, size_t node);
size_t disk_add_node(crashdisk_t *disk, size_t part, const char *name, segj_entry_kind_t kind);
/** The place of a name in a listing, NO_ITEM where it is not. */
size_t listing_find(const listing_t *listing, const char *name);
void listing_set(listing_t *listing, const char *name, size_t node);
void listing_drop(listing_t *listing, const char *name);

/** The section that a name stands for, or -1. */
int64_t disk_section(const char *name);
bool disk_matches(disk_target_t wanted, disk_target_t found);
/** What a node is called. */
disk_target_t disk_target_of(const crashdisk_t *disk, const node_t *node);

/** Notes something unsynced; the bytes are copied. */
op_t *disk_log(crashdisk_t *disk, unit_kind_t kind, size_t part, size_t node);

typedef bool (*op_filter_t)(const crashdisk_t *disk, const op_t *op, size_t item);
bool op_of_node(const crashdisk_t *disk, const op_t *op, size_t node);
bool op_of_names(const crashdisk_t *disk, const op_t *op, size_t part);
bool op_of_directory(const crashdisk_t *disk, const op_t *op, size_t unused);
/** Takes what the filter wants, up to a number, out of the log and into the durable image. */
void disk_settle(crashdisk_t *disk, op_filter_t filter, size_t item, uint64_t up_to);
/** Takes the writes of a node out of the log; they are lost. */
void disk_forget_writes(crashdisk_t *disk, size_t node, uint64_t up_to);

#endif
