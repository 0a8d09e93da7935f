/*
 * support/simdisk.h: a disk in memory that knows what a power cut may leave. It is a storage like any other; beside
 * what is visible it keeps what is durable, and every change that is not yet: writes (in units of 512-byte sectors),
 * truncations, creations and removals. A crash builds a new disk from the durable state and any subset of those
 * changes.
 *
 * A sync covers what was done through the same open file before it. Files that were closed with changes keep them
 * pending.
 *
 * Calls of the storage may come from any thread; everything else from one at a time, with no call of the storage under
 * way (a hook is in such a call, and may look).
 */
#ifndef SUPPORT_SIMDISK_H
#define SUPPORT_SIMDISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "segjournal/storage.h"
#include "support/flush_order.h"

typedef struct simdisk simdisk_t;

/** What a file shows where it is longer than the bytes that reached it. */
typedef enum simdisk_fill {
    SIMDISK_SHORT,   /* it is no longer than that; zeros before bytes that were kept */
    SIMDISK_ZEROS,   /* it is as long as it was ever made, zeros where bytes were lost */
    SIMDISK_GARBAGE, /* the same, garbage */
    SIMDISK_FILLS
} simdisk_fill_t;

/**
 * What a crash makes of a change that was not durable. Torn and spoilt are worse than sectors that are written whole or
 * not at all. Of a torn write each byte is kept or lost by itself; what is lost is what was there before, zeros where
 * nothing was (a header torn over garbage may look like one of another version). A spoilt write is lost, and its whole
 * sector is garbage. A torn truncation leaves the file as long as it was, with zeros behind the new end up to the end of
 * its sector: ext4 writes such zeros before it makes a file shorter. A spoilt one leaves garbage in that sector. Other
 * changes are kept where they are torn, and lost where they are spoilt.
 */
typedef enum simdisk_fate { SIMDISK_LOST, SIMDISK_KEPT, SIMDISK_TORN, SIMDISK_SPOILT } simdisk_fate_t;

/** Kinds of storage calls. Those before SIMDISK_CHANGES change something or make it durable. */
typedef enum simdisk_call {
    SIMDISK_CREATE,
    SIMDISK_REMOVE,
    SIMDISK_WRITE,
    SIMDISK_TRUNCATE,
    SIMDISK_FILE_SYNC,
    SIMDISK_NAMES_SYNC,
    SIMDISK_CHANGES,
    SIMDISK_OPEN = SIMDISK_CHANGES, /* of an existing file, or a partition */
    SIMDISK_READ,
    SIMDISK_SIZE,
    SIMDISK_LIST,
    SIMDISK_READ_DEVICE,
    SIMDISK_CALLS
} simdisk_call_t;

/** Called before each call that changes something: the disk is as a power cut here would find it. */
typedef void (*simdisk_hook_t)(void *context, simdisk_t *disk, simdisk_call_t call);

/** What becomes of a call. */
typedef struct simdisk_fault {
    int code;     /* its result, 0: it does what it should */
    size_t limit; /* of a transfer: at most so many bytes, also where it fails */
    bool drop; /* of a file sync that fails: what is pending stays visible; by `seed` it is durable or never will be */
    uint64_t seed; /* */
} simdisk_fault_t;

/** Called for every call, behind the hook; `fault` says {0, SIZE_MAX, false, 0}. */
typedef void (*simdisk_faults_t)(void *context, simdisk_call_t call, simdisk_fault_t *fault);

simdisk_t *simdisk_new(void);
void simdisk_free(simdisk_t *disk);
const segj_storage_t *simdisk_storage(simdisk_t *disk);
void simdisk_on_call(simdisk_t *disk, simdisk_hook_t hook, void *context);
void simdisk_on_fault(simdisk_t *disk, simdisk_faults_t faults, void *context);

/** File syncs ask for their turn. */
void simdisk_order_flushes(simdisk_t *disk, flush_order_t *order);

/** From now on every call fails with EIO: the power is gone. What the disk holds stays as it is. */
void simdisk_power_off(simdisk_t *disk);

/** How many changes are not durable, counted as a crash may keep or lose them. Changes that make no difference to
 *  what is durable are none. */
size_t simdisk_units(simdisk_t *disk);

/** The disk after a power cut that did to unit i what keep[i] says (simdisk_fate_t). Everything on it is durable. */
simdisk_t *simdisk_crash(simdisk_t *disk, const uint8_t *keep, simdisk_fill_t fill);

/** All that a power cut may make of the disk as it is now: states are told apart before they are built. The disk
 *  must not change meanwhile. */
typedef struct simdisk_cut simdisk_cut_t;
simdisk_cut_t *simdisk_cut_new(simdisk_t *disk);
void simdisk_cut_free(simdisk_cut_t *cut);
size_t simdisk_cut_units(const simdisk_cut_t *cut);
/** Whether a unit is a truncation: torn, it leaves something else than lost or kept. */
bool simdisk_cut_truncates(const simdisk_cut_t *cut, size_t unit);
/** Whether a file of the first (0) or second (1) partition that was made can be longer than the bytes that reached
 *  it, so that its fill makes a difference. */
bool simdisk_cut_growth(const simdisk_cut_t *cut, int part);
/** A fill for each of two partitions, a third one has the first one's. simdisk_hash() of the disk that
 *  simdisk_cut_build() makes. */
uint64_t simdisk_cut_hash(simdisk_cut_t *cut, const uint8_t *keep, const simdisk_fill_t fill[2]);
simdisk_t *simdisk_cut_build(simdisk_cut_t *cut, const uint8_t *keep, const simdisk_fill_t fill[2]);

/** The disk after its process was killed: everything visible is there, nothing has become durable. */
simdisk_t *simdisk_kill(const simdisk_t *disk);

/** The write-back of everything that is pending has failed: by `seed` it is durable, or stays visible and never will
 *  be. */
void simdisk_drop(simdisk_t *disk, uint64_t seed);

/** A number for what is on the disk, durable and pending. */
uint64_t simdisk_hash(const simdisk_t *disk);

/** From now on the disk writes nothing where it was, as btrfs does: each write and each creation takes new blocks of
 *  4096 bytes, overwritten or not, of which there are `bytes`, and answers ENOSPC, with nothing done, where they do
 *  not suffice. Removals and truncations take none, and give none back. SIZE_MAX: there is room again. */
void simdisk_set_room(simdisk_t *disk, uint64_t bytes);

/** Storage calls so far, by kind. */
uint64_t simdisk_count(const simdisk_t *disk, simdisk_call_t call);

/** Files that are open; the most that were since the last time this was asked, but for those whose names begin with a
 *  dot. */
unsigned simdisk_open_files(const simdisk_t *disk);
unsigned simdisk_most_open_files(simdisk_t *disk);

/** Whether a write of the very bytes that are durable is a unit too: false. */
void simdisk_count_idle(simdisk_t *disk, bool count);

/** From now on a write of the very bytes that are durable, or a truncation to that size, is no change: it cannot
 *  become a unit. For speed; not together with simdisk_count_idle(). Disks that a crash leaves do the same. */
void simdisk_forget_idle(simdisk_t *disk);

/** From now on a sync of a file covers what anybody has done to it, as POSIX has it. Disks that a crash leaves do
 *  the same. */
void simdisk_sync_whole_files(simdisk_t *disk);

/** Bytes that are written whole or not at all: 512, or a power of two below. Disks that a crash leaves do the same. */
void simdisk_set_grain(simdisk_t *disk, size_t grain);

/** What a file shows, until it is asked for again; NULL where there is no such name. An empty file has a pointer
 *  too. */
const uint8_t *simdisk_visible(simdisk_t *disk, const char *partition, const char *name, uint64_t *size);

/** Its size, and a number for its bytes; false where there is no such name. */
bool simdisk_stat(const simdisk_t *disk, const char *partition, const char *name, uint64_t *size, uint64_t *hash);

/** Names that a partition shows. */
size_t simdisk_names(const simdisk_t *disk, const char *partition);

#endif
