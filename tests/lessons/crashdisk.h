/*
 * lessons/crashdisk.h: a disk in memory that can lose its power.
 *
 * Every file, and every directory's names, exist twice: as programs see them and as they would be found after a power
 * cut. A write, a truncation, a creation or a removal changes what is seen and goes into a log; a completed sync takes
 * what the log has of its file (or of its names) over to the other image. A crash builds a new disk from that image and
 * from any choice of what is still in the log. A write can be one unit of choice, or one a sector of 512 bytes.
 *
 * Beside crashes: a process can be killed (what it did stays visible and in the log), the power can go at any change,
 * calls can be made to fail, to transfer less, or to wait, and the device can lose writes behind everybody's back.
 *
 * There is one directory, whatever its path is. Names of partitions and files are short. All functions may be called
 * from any thread.
 */
#ifndef TESTS_LESSONS_CRASHDISK_H
#define TESTS_LESSONS_CRASHDISK_H

#include "support/support.h"

typedef struct crashdisk crashdisk_t;

crashdisk_t *disk_new(void);
void disk_free(crashdisk_t *disk);
const segj_storage_t *disk_storage(crashdisk_t *disk);

/* --- which file --- */

/** A file of a partition; section -1: all of them. partition NULL: anything. Partitions themselves have section -1. */
typedef struct disk_target {
    const char *partition;
    int64_t section;
} disk_target_t;

/** The partitions of small_config(). */
#define ON_INDEX(number) ((disk_target_t){"test_index", (number)})
#define ON_VALUES(number) ((disk_target_t){"test_values", (number)})
#define ON_ANYTHING ((disk_target_t){NULL, -1})

/* --- calls: counting and disturbing them --- */

typedef enum disk_call {
    CALL_READ,
    CALL_WRITE,
    CALL_TRUNCATE,
    CALL_SYNC,
    CALL_SIZE,
    CALL_OPEN,   /* of a file that exists */
    CALL_CREATE, /* of a file */
    CALL_REMOVE, /* of a file */
    CALL_PARTITION_CREATE,
    CALL_PARTITION_OPEN,
    CALL_PARTITION_LOCK,
    CALL_PARTITION_LIST,
    CALL_PARTITION_SYNC,
    CALL_PARTITION_REMOVE,
    CALL_DIRECTORY_SYNC,
    CALL_KINDS,
    CALL_ANY_SYNC,   /* for faults and counts: of a file, a partition, the directory */
    CALL_ANY_CHANGE, /* whatever changes an image, syncs included */
    CALL_ANY
} disk_call_t;

typedef enum disk_action {
    ACTION_FAIL,     /* answers `code`, a write after it has taken `bytes` bytes */
    ACTION_TRANSFER, /* reads and writes at most `bytes` bytes, and answers success */
    ACTION_DROP,     /* a file's sync answers `code`; unsynced writes stay visible and are never written */
    ACTION_PARK,     /* waits for disk_release(), then goes on; a sync covers what there was when it began */
    ACTION_LATE      /* of a read: transfers, and waits before it answers */
} disk_action_t;

typedef struct disk_fault {
    disk_call_t call;
    disk_target_t on;
    unsigned skip;  /* calls that pass before */
    unsigned times; /* calls that are disturbed; 0: all from then on */
    disk_action_t action;
    int code;
    size_t bytes;
} disk_fault_t;

void disk_inject(crashdisk_t *disk, disk_fault_t fault);
/** Takes every fault back; calls that wait go on. */
void disk_heal(crashdisk_t *disk);
/** Calls that a fault has disturbed. */
unsigned disk_disturbed(const crashdisk_t *disk);
/** Returns once a call waits. */
void disk_await_parked(crashdisk_t *disk);
void disk_release(crashdisk_t *disk);

/** Calls that were made, disturbed ones included. */
unsigned disk_count(crashdisk_t *disk, disk_call_t call, disk_target_t on);
/** Every other call is interrupted, and one read or write transfers at most `bytes` bytes. */
void disk_be_difficult(crashdisk_t *disk, size_t bytes);

/** Files that are open, and the most that ever were at a time. */
unsigned disk_open_files(const crashdisk_t *disk, disk_target_t on);
unsigned disk_open_peak(const crashdisk_t *disk);
/** Files that were closed while a call on them was under way. */
unsigned disk_misuses(const crashdisk_t *disk);

/* --- the end of a process, of the power, of a write --- */

/** Everything that is open becomes useless: calls answer EIO and do nothing, locks are gone. What was done stays seen,
 *  and none of it becomes durable. */
void disk_kill(crashdisk_t *disk);

/** Lets `changes` more changes (syncs included) pass; from then on every call answers EIO and does nothing. */
void disk_cut_power_after(crashdisk_t *disk, unsigned changes);
bool disk_powered(const crashdisk_t *disk);
/** Calls pass again: what looked like a power cut to a process was its own end. */
void disk_restore_power(crashdisk_t *disk);

/** Unsynced writes of the files are taken for written and were not. The next sync of each file object that is open now
 *  says so, those of objects opened later do not. */
void disk_lose_write_back(crashdisk_t *disk, disk_target_t on);

/* --- crashes --- */

typedef enum unit_kind { UNIT_WRITE, UNIT_TRUNCATE, UNIT_CREATE, UNIT_REMOVE, UNIT_PARTITION } unit_kind_t;

/** Something unsynced, to be kept or lost by itself. */
typedef struct crash_unit {
    unsigned number; /* in the order of the log */
    unit_kind_t kind;
    const char *partition;
    int64_t section; /* -1 for a partition, and for a file that is not named like a section */
    uint64_t offset, size;
} crash_unit_t;

/** What a file that became longer holds where the bytes are lost. */
typedef enum crash_fill {
    FILL_SHORT,  /* it is not longer, unless something kept makes it so */
    FILL_ZEROS,  /* it is as long as it ever was */
    FILL_GARBAGE /* the same */
} crash_fill_t;

typedef struct crash {
    bool (*keep)(const void *context, const crash_unit_t *unit);
    const void *context; /* borrowed; NULL for those below, which use what follows */
    uint64_t mask;       /* unit n is kept where bit n is set; units from 64 on are lost */
    disk_target_t target;
    bool sectors; /* writes are kept or lost a sector at a time */
    crash_fill_t fill;
} crash_t;

crash_t crash_keep_all(void);
crash_t crash_keep_none(void);
crash_t crash_keep_mask(uint64_t mask);
crash_t crash_keep_only(disk_target_t target);
crash_t crash_keep_all_but(disk_target_t target);

/** How many units the log has. */
unsigned disk_units(const crashdisk_t *disk, bool sectors);
/** The disk after the power cut, on which nothing is open. The old one stays as it is. */
crashdisk_t *disk_crash(const crashdisk_t *disk, crash_t crash);
/** What is seen now, as a disk of its own, all of it durable. */
crashdisk_t *disk_snapshot(const crashdisk_t *disk);
/** Both images and the log; nothing is open on it. */
crashdisk_t *disk_clone(const crashdisk_t *disk);

/* --- raw files: both images are read and changed at once --- */

/** The bytes that are seen, or NULL where there is no such file; valid until the next change. */
const uint8_t *disk_peek(const crashdisk_t *disk, disk_target_t file, uint64_t *size);
bool disk_exists(const crashdisk_t *disk, disk_target_t file);
uint64_t disk_size(const crashdisk_t *disk, disk_target_t file);
/** Makes the file, or replaces what it held; makes the partition too. */
void disk_put(crashdisk_t *disk, disk_target_t file, const void *bytes, size_t size);
/** The same for any name, of any kind. */
void disk_put_name(crashdisk_t *disk, const char *partition, const char *name, segj_entry_kind_t kind);
void disk_poke(crashdisk_t *disk, disk_target_t file, uint64_t offset, const void *bytes, size_t size);
void disk_flip(crashdisk_t *disk, disk_target_t file, uint64_t offset);
/** Cuts the file, or lengthens it with zeros. */
void disk_resize(crashdisk_t *disk, disk_target_t file, uint64_t size);
/** Removes a file, or with section -1 a partition with all that it holds. */
void disk_remove(crashdisk_t *disk, disk_target_t target);
bool disk_has_partition(const crashdisk_t *disk, const char *partition);

/** Tells disks apart. */
uint64_t disk_fingerprint(const crashdisk_t *disk);
/** Both show the same partitions, names and bytes; prints the first difference otherwise and fails the test. */
void assert_disks_equal(const crashdisk_t *left, const crashdisk_t *right);

#endif
