/*
 * failure/faulty.h: a storage that hands its calls on to another one and fails them as it is told: the n-th call, once
 * or from then on, before or after doing the work, with an errno value of choice. It also interrupts, and transfers
 * less than asked. It counts what it is asked to do, remembers the call that failed first, and knows what is open.
 *
 * Only calls that can fail are numbered: closing a file or a partition and the two hints are counted, no more.
 */
#ifndef TESTS_FAILURE_FAULTY_H
#define TESTS_FAILURE_FAULTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "segjournal/storage.h"
#include "support/flush_order.h"

/** One for each function of segj_storage_t, file_open apart by its mode. */
typedef enum call_kind {
    CALL_PARTITION_CREATE,
    CALL_PARTITION_OPEN,
    CALL_PARTITION_LOCK,
    CALL_PARTITION_UNLOCK,
    CALL_PARTITION_LIST,
    CALL_PARTITION_SYNC,
    CALL_PARTITION_REMOVE,
    CALL_DIRECTORY_SYNC,
    CALL_FILE_OPEN,
    CALL_FILE_CREATE, /* file_open with SEGJ_OPEN_CREATE */
    CALL_FILE_REMOVE,
    CALL_FILE_READ,
    CALL_FILE_READ_DEVICE, /* whose failure costs nothing: the bytes are written again */
    CALL_FILE_WRITE,
    CALL_FILE_SIZE,
    CALL_FILE_TRUNCATE,
    CALL_FILE_SYNC,
    CALL_FALLIBLE,
    CALL_PARTITION_CLOSE = CALL_FALLIBLE,
    CALL_FILE_CLOSE,
    CALL_FILE_WRITE_BACK,
    CALL_FILE_EVICT,
    CALL_KINDS
} call_kind_t;

/** "file_sync"; the creation of a file is "file_open (create)". */
const char *call_name(call_kind_t kind);

typedef enum fault_mode {
    FAULT_NONE,
    FAULT_ONCE,        /* the call does nothing and fails */
    FAULT_AFTER_WORK,  /* once, after the work */
    FAULT_TORN,        /* once, a write after half of its bytes */
    FAULT_LASTING,     /* this call and all of its kind that follow */
    FAULT_DEVICE_GONE, /* this call and all that follow */
    FAULT_DEVICE_FULL  /* this call and all that follow, of those that need space */
} fault_mode_t;

#define CALL_BIT(kind) (1u << (kind))

/** The call `at`, counted from 1 since faulty_arm(), fails with `code`. */
typedef struct fault {
    fault_mode_t mode;
    uint64_t at;
    int code;
    uint32_t kinds; /* only calls of these kinds, CALL_BIT() of each, are counted; 0: all */
} fault_t;

/** How often calls of each kind were made. */
typedef struct tally {
    uint64_t calls[CALL_KINDS];
    uint64_t slot_writes; /* file_write of a watermark slot: these may fail without a word, but for a rewind's */
} tally_t;

/** The call that failed first. */
typedef struct failed_call {
    call_kind_t kind;
    int code;
    char path[160];  /* of the file, the partition or the directory */
    bool slot_write; /* a file_write to a watermark slot */
    bool idle;       /* what the step does without */
    tally_t done;    /* what had been done by then, successfully */
    uint64_t made;   /* calls of its kind, made by then, with this one */
    uint64_t
        changes; /* calls that change something, or make it durable, made by then: this one is the last where it is one */
} failed_call_t;

enum { NUMBERED_MAX = 8192, TEXT_MAX = 64 };

typedef struct faulty {
    segj_storage_t storage; /* for a configuration */
    const segj_storage_t *inner;
    uint64_t reading; /* the offset of a read that begins */
    bool two_copies;  /* sections have dictionaries, which are in both files */
    /* what is asked of it */
    fault_t fault;
    unsigned interruptions;             /* EINTR answered to a call before it is done */
    size_t transfer;                    /* bytes that a read or write moves at most; 0: all */
    bool no_slots;                      /* index files have no watermark */
    bool paused;                        /* calls go through, and are not numbered */
    void (*during_read)(void *context); /* NULL, or called in every read of a file */
    void *during_context;
    flush_order_t flushes; /* of a sync that makes two at a time: calls are numbered, and come one after the other */
    /* what happened */
    uint64_t number;                /* of the last call that can fail, since faulty_arm() */
    uint64_t counted;               /* of these, calls of the fault's kinds */
    uint8_t numbered[NUMBERED_MAX]; /* kinds of the first of these */
    unsigned interrupted;           /* times that the call under way was interrupted */
    tally_t made, done;             /* since faulty_init(): all, and those that succeeded */
    uint64_t interruptions_made;
    uint64_t changes;                 /* calls made that change something or make it durable */
    uint64_t failures[CALL_FALLIBLE]; /* since faulty_init() */
    bool fired;                       /* since faulty_arm() */
    call_kind_t lasting;              /* the kind that failed last */
    failed_call_t first;              /* of those since faulty_arm() */
    size_t open_partitions, open_files, most_open_files;
} faulty_t;

/** `inner` outlives it. */
void faulty_init(faulty_t *faulty, const segj_storage_t *inner);
/** Numbers calls from here on, and fails them so. */
void faulty_arm(faulty_t *faulty, fault_t fault);
/** Calls go through again. What happened stays to be asked for. */
void faulty_disarm(faulty_t *faulty);

/** Set while a faulty storage works: allocations made now are the storage's, not the library's. */
extern bool faulty_working;

#endif /* TESTS_FAILURE_FAULTY_H */
