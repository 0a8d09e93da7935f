/*
 * support/simdisk.h: a disk in memory that knows what a power cut may leave. It is a storage like any other; beside what is
 * visible it keeps what is durable, and every change that is not yet: writes (in units of 512-byte sectors), truncations,
 * creations and removals. A crash builds a new disk from the durable state and any subset of those changes.
 *
 * A sync covers what was done through the same open file before it. Files that were closed with changes keep them pending.
 */
#ifndef SUPPORT_SIMDISK_H
#define SUPPORT_SIMDISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "segjournal/storage.h"

typedef struct simdisk simdisk_t;

/** What a file shows where it is longer than the bytes that reached it. */
typedef enum simdisk_fill {
    SIMDISK_SHORT,   /* it is no longer than that */
    SIMDISK_ZEROS,   /* it is as long as it was ever made, zeros where bytes were lost */
    SIMDISK_GARBAGE, /* the same, garbage */
    SIMDISK_FILLS
} simdisk_fill_t;

/** Kinds of storage calls that change something or make it durable. */
typedef enum simdisk_call {
    SIMDISK_CREATE,
    SIMDISK_REMOVE,
    SIMDISK_WRITE,
    SIMDISK_TRUNCATE,
    SIMDISK_FILE_SYNC,
    SIMDISK_NAMES_SYNC,
    SIMDISK_CALLS
} simdisk_call_t;

/** Called before each such call: the disk is as a power cut here would find it. */
typedef void (*simdisk_hook_t)(void *context, simdisk_t *disk, simdisk_call_t call);

simdisk_t *simdisk_new(void);
void simdisk_free(simdisk_t *disk);
const segj_storage_t *simdisk_storage(simdisk_t *disk);
void simdisk_on_call(simdisk_t *disk, simdisk_hook_t hook, void *context);

/** From now on every call fails with EIO: the power is gone. What the disk holds stays as it is. */
void simdisk_power_off(simdisk_t *disk);

/** How many changes are not durable, counted as a crash may keep or lose them. Changes that make no difference to what is
 *  durable are none. */
size_t simdisk_units(simdisk_t *disk);

/** Whether a file can be longer than the bytes that reached it, so that a fill makes a difference. */
bool simdisk_has_growth(const simdisk_t *disk);

/** The disk after a power cut that kept unit i where keep[i] is set. Everything on it is durable. */
simdisk_t *simdisk_crash(simdisk_t *disk, const uint8_t *keep, simdisk_fill_t fill);

/** The disk after its process was killed: everything visible is there, nothing has become durable. */
simdisk_t *simdisk_kill(const simdisk_t *disk);

/** A number for what is on the disk, durable and pending. */
uint64_t simdisk_hash(const simdisk_t *disk);

/** Storage calls so far, by kind. */
uint64_t simdisk_count(const simdisk_t *disk, simdisk_call_t call);

#endif
