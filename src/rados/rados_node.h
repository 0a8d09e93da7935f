/*
 * rados/rados_node.h: a file that is open, shared by all who have it open in this process: its objects, the changes that
 * are under way, and, while somebody may write to it, its size.
 */
#ifndef SEGJ_RADOS_NODE_H
#define SEGJ_RADOS_NODE_H

#include "rados/rados_lease.h"
#include "rados/rados_store.h"
#include "segjournal/storage.h"

/** Objects of a file: offsets end at 2^63 - 1, and pieces are at least 64 KiB. */
#define SEGJ_RADOS_CHUNKS_MOST ((uint64_t)1 << 32)

/** What is known of an object by who writes. */
enum { SEGJ_RADOS_UNKNOWN, SEGJ_RADOS_OURS, SEGJ_RADOS_NONE };

typedef struct segj_rados_flight segj_rados_flight_t;
typedef struct segj_rados_ahead segj_rados_ahead_t;

struct segj_rados_node {
    segj_rados_t *store;
    segj_rados_node_t *next;
    unsigned references; /* of file objects, and of changes under way */
    segj_rados_name_t partition;
    segj_rados_digits_t id;
    uint64_t chunk_size;
    unsigned writers;
    unsigned marking;    /* who are about to be writers: their mark may be there already */
    bool removed;        /* it has no name any more, and its objects go with the last reference */
    uint64_t generation; /* of its bytes, as far as this process changes them */
    int code;            /* why nothing is known any more of its bytes from here on: */
    uint64_t doubtful;

    /* While there are writers: */
    uint64_t size;
    uint64_t bound;      /* there are no objects from this number on */
    bool raising;        /* it is being raised */
    uint64_t inherited;  /* the bound that a former owner has left: what it has under way may make these objects */
    uint8_t *known;      /* of each object below the bound, and of those that it is raised to */
    uint64_t known_room; /* how many */
    segj_rados_digits_t epoch; /* with which `known` was found out */
    segj_rados_flight_t *first, *last;
    segj_rados_flight_t *held; /* writes that are gathered, and not started yet */
    uint64_t started;          /* changes */
    uint64_t made, proven;     /* objects that were made; of them those before whose making nobody else has come */
};

struct segj_file {
    segj_rados_node_t *node;
    segj_rados_lease_t *lease; /* by which it is written to, or was opened */
    segj_rados_name_t key;     /* of its name, in its partition */
    bool writable;
    uint64_t next; /* where the last read has ended */
    unsigned streak;
    segj_rados_ahead_t *ahead; /* NULL: it was not read from one place on */
};

/** Opens a file that its partition has as `value` says. Without the mutex. */
int segj_rados_node_open(segj_rados_lease_t *lease, const char *value, segj_rados_node_t **node);
/** Finds one that is open; NULL: it is not. With the mutex. */
segj_rados_node_t *segj_rados_node_find(segj_rados_t *store, const char *partition, const char *id);
/** Gives a reference back. With the mutex, which may be given up; a file that was removed goes with the last one. */
void segj_rados_node_drop(segj_rados_node_t *node);

/** Another writer: what is there is found out, or made where `made`. With the mutex, which is given up. */
int segj_rados_node_write(segj_rados_node_t *node, segj_rados_lease_t *lease, bool made);

/** The size, as the cluster has it: ENOENT where it has no first object. Without the mutex. */
int segj_rados_node_ask_size(segj_rados_node_t *node, uint64_t *size);

/* Changes; with the mutex, which may be given up. */

/** Makes room for what is known of that many objects. */
bool segj_rados_node_make_known(segj_rados_node_t *node, uint64_t count);
/** Has the object be there, or known to be not. */
int segj_rados_node_prepare(segj_rados_node_t *node, segj_rados_lease_t *lease, uint64_t number);
/** Takes a write of one object. What follows may be gathered with it, until somebody waits for it. */
int segj_rados_node_start(segj_rados_node_t *node, segj_rados_lease_t *lease, uint64_t number, uint64_t offset,
                          const segj_slice_t *slices, size_t count, size_t size);
/** Starts what was gathered. */
void segj_rados_node_push(segj_rados_node_t *node);
/** Starts a change of an object without data: it is made where it is not there, and gets a size. */
int segj_rados_node_resize(segj_rados_node_t *node, segj_rados_lease_t *lease, uint64_t number, bool truncate,
                           uint64_t size);
/** How many objects beyond one there may be, so that writing need not wait. */
uint64_t segj_rados_lead(uint64_t number);
/** Raises the bound so that the object is below it. */
int segj_rados_node_raise(segj_rados_node_t *node, segj_rados_lease_t *lease, uint64_t number, bool wait);
/** Waits for what was started until now, of one object or, UINT64_MAX, of all. */
void segj_rados_node_settle(segj_rados_node_t *node, uint64_t number);
/** Has no object from this number on. */
int segj_rados_node_cut(segj_rados_node_t *node, segj_rados_lease_t *lease, uint64_t end);

#endif
