/*
 * rados/rados_store.h: what the storage's parts share. One mutex guards everything in memory; it is not held while the
 * cluster is waited for.
 *
 * Names of objects. DIRECTORY: is the list of a directory's partitions, DIRECTORY:PARTITION a partition, and
 * DIRECTORY:PARTITION:ID.NUMBER a piece of a file (src/RADOS.md has what lies in them).
 */
#ifndef SEGJ_RADOS_STORE_H
#define SEGJ_RADOS_STORE_H

#include "base/thread.h"
#include "rados/rados_seam.h"
#include "segjournal/storage.h"

/** Digits of an epoch or an id, with a NUL. */
#define SEGJ_RADOS_DIGITS 17
/** Keys of a partition: a file's name, one that may be open for writing, one whose objects are to be removed. */
#define SEGJ_RADOS_NAMED "n:"
#define SEGJ_RADOS_WRITTEN "w:"
#define SEGJ_RADOS_DROPPED "d:"
/** Keys that are no longer needed and are removed together. */
#define SEGJ_RADOS_IDLE 16

typedef char segj_rados_digits_t[SEGJ_RADOS_DIGITS];
typedef char segj_rados_name_t[SEGJ_RADOS_NAME];
typedef char segj_rados_key_t[2 + SEGJ_RADOS_DIGITS];

typedef struct segj_rados segj_rados_t;
typedef struct segj_rados_node segj_rados_node_t;

typedef enum segj_rados_held { SEGJ_RADOS_FREE, SEGJ_RADOS_SHARED, SEGJ_RADOS_EXCLUSIVE } segj_rados_held_t;

/** The right to change a partition's files; shared by a partition that is open and its files. */
typedef struct segj_rados_lease {
    segj_rados_t *store;
    struct segj_rados_lease *next; /* among those that are renewed */
    unsigned references;
    segj_rados_name_t object;  /* the partition's */
    segj_rados_digits_t id;    /* the partition's */
    segj_rados_digits_t epoch; /* with which changes are made */
    segj_rados_digits_t cookie;
    segj_rados_held_t held;
    bool listed;   /* among those that are renewed */
    bool attached; /* the partition is open */
    bool busy;     /* it is being renewed */
    int code; /* why nothing is changed any more: ECANCELED where the lock is lost, else an outcome that is unknown */
    segj_rados_key_t idle[SEGJ_RADOS_IDLE];
    size_t idle_count;
    bool removing; /* keys are being removed */
} segj_rados_lease_t;

struct segj_rados {
    segj_storage_t storage; /* first: the storage's address is this struct's */
    segj_rados_seam_t seam;
    uint32_t object_size;
    uint32_t lock_seconds; /* 0: locks are not renewed */
    int64_t process;       /* that made it */
    segj_mutex_t mutex;
    segj_cond_t changed; /* a change has ended */
    segj_cond_t tick;    /* the renewing thread is to look */
    segj_rados_node_t *nodes;
    segj_rados_lease_t *leases; /* those that are renewed */
    uint64_t flying_bytes;      /* of changes that were started */
    uint64_t flying;
    unsigned aheads; /* files that are read ahead */
    segj_thread_t renewer;
    bool renews; /* the thread runs */
    bool ends;
};

/** A storage over a seam, which is the storage's from then on. lock_seconds of 0: no thread renews locks. NULL without
 *  memory. */
segj_rados_t *segj_rados_make(const segj_rados_seam_t *seam, uint32_t object_size, uint32_t lock_seconds);
void segj_rados_free(segj_rados_t *store);

/** Whether this is a child of the process that made it. */
bool segj_rados_is_childs(const segj_rados_t *store);
/** Waits for a change to end, with the mutex, which is given up meanwhile. */
void segj_rados_wait(segj_rados_t *store);

/* Names: 0, EINVAL, ENAMETOOLONG. `partition` is a partition's object. */
int segj_rados_directory_name(segj_rados_name_t name, const char *directory);
int segj_rados_partition_name(segj_rados_name_t name, const char *directory, const char *partition);
int segj_rados_file_key(segj_rados_name_t key, const char *name);
void segj_rados_chunk_name(segj_rados_name_t name, const char *partition, const char *id, uint64_t number);
void segj_rados_digits(segj_rados_digits_t digits, uint64_t number);
int segj_rados_number(const char *digits, uint64_t *number);

/* Files' values in a partition ("ID SIZE"), and how many objects they have ("END BOUND"): what lies at or after END does not
 * count, at or after BOUND there is nothing. */
void segj_rados_write_two(char text[SEGJ_RADOS_VALUE], uint64_t one, uint64_t other);
int segj_rados_read_two(const char *text, uint64_t *one, uint64_t *other);

#endif
