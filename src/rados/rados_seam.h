/*
 * rados/rados_seam.h: what the storage asks of a cluster: a dozen operations on objects, each of one object and done as a
 * whole or not at all. rados_librados.c has them of librados; the tests have a cluster in memory that loses power.
 *
 * Codes are 0 or positive errno values: ENOENT (no such object), ECANCELED (a comparison failed), EEXIST, ENOSPC,
 * EDQUOT, ENOMEM: nothing was done. Any other code of a change leaves open whether it was done, or will be.
 */
#ifndef SEGJ_RADOS_SEAM_H
#define SEGJ_RADOS_SEAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Bytes of the longest value of an attribute or a key, and of the longest name of an object, with a NUL. */
#define SEGJ_RADOS_VALUE 96
#define SEGJ_RADOS_NAME 1280

/** Attributes of objects. */
#define SEGJ_RADOS_EPOCH "e"  /* 16 digits: changes by owners with a lower number are refused */
#define SEGJ_RADOS_ID "i"     /* of a partition: which one it is, among those that had its name */
#define SEGJ_RADOS_CHUNKS "c" /* of a file's first object: how many objects it may have */

/** A name and its text. */
typedef struct segj_rados_pair {
    const char *name;
    const char *value;
} segj_rados_pair_t;

/** A comparison: that the attribute is the text, or, at_most, that it is the text or less. A missing one is "". */
typedef struct segj_rados_compare {
    const char *name;
    const char *value;
    bool at_most;
} segj_rados_compare_t;

/** A change of one object. The comparisons come first, of the object as it was: a missing one is ENOENT. */
typedef struct segj_rados_change {
    const char *object;
    segj_rados_compare_t compare[2]; /* as many as have a name */
    segj_rados_pair_t key_compare;   /* of a key, where it has a name; a missing key is "" */
    bool create;                     /* the object must not be there: EEXIST */
    bool make;                       /* the object is made where it is missing */
    segj_rados_pair_t set[3];        /* attributes, as many as have a name */
    segj_rados_pair_t key_set[2];
    const char *const *keys_removed; /* ends with NULL; NULL: none */
    bool truncate;                   /* to `size_set` bytes, also if that is more than it has */
    uint64_t size_set;
    uint64_t offset; /* of what is written */
    const void *data;
    size_t size;
    bool remove;
} segj_rados_change_t;

/** Told how a change has ended, from a thread of the cluster's. */
typedef void (*segj_rados_done_t)(void *argument, int code);
/** Visits a key; another result than 0 ends the listing. */
typedef int (*segj_rados_visit_t)(void *argument, const char *key, const char *value);

typedef struct segj_rados_seam {
    void *context;
    /** Starts a change; 0, or why it was not started, and `done` is not called then. What the change points to must stay
     *  until `done` was called. Changes of one object are done in the order of their starts. */
    int (*start)(void *context, const segj_rados_change_t *change, segj_rados_done_t done, void *argument);
    /** NULL, or: makes changes that were started end, in place of waiting for them. */
    void (*progress)(void *context);
    int (*change)(void *context, const segj_rados_change_t *change);
    /** Reads at most `size` bytes; fewer at the end of the object. */
    int (*read)(void *context, const char *object, uint64_t offset, void *buffer, size_t size, size_t *done);
    /** Starts such a read, as `start` does; *got is set before `done` is called. NULL: there is none. */
    int (*read_start)(void *context, const char *object, uint64_t offset, void *buffer, size_t size, size_t *got,
                      segj_rados_done_t done, void *argument);
    int (*size)(void *context, const char *object, uint64_t *size);
    /** An attribute's text, ENODATA where the object has none such. */
    int (*get)(void *context, const char *object, const char *name, char value[SEGJ_RADOS_VALUE]);
    /** The text of a key, ENODATA where there is none. */
    int (*key)(void *context, const char *object, const char *key, char value[SEGJ_RADOS_VALUE]);
    /** Visits the keys that begin so, in their order. The visitor may call the seam. */
    int (*keys)(void *context, const char *object, const char *prefix, segj_rados_visit_t visit, void *argument);
    /** Removes an object that has this id and no key that begins so: ENOTEMPTY, ESTALE. */
    int (*remove_empty)(void *context, const char *object, const char *id, const char *prefix);
    /** Takes or, `renew`, prolongs a lock: EBUSY; must: and nothing else, ENOENT where it has run out. */
    int (*lock)(void *context, const char *object, const char *cookie, bool exclusive, uint32_t seconds, bool renew,
                bool must);
    int (*unlock)(void *context, const char *object, const char *cookie);
    /** A number that nobody else has. */
    int (*random)(void *context, uint64_t *number);
    /** Ends the connection. */
    void (*close)(void *context);
} segj_rados_seam_t;

#endif
