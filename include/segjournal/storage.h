/**
 * @file segjournal/storage.h
 * Where a journal keeps its bytes.
 *
 * A storage is a table of functions over directories, partitions (one level of names below a directory) and flat files.
 * The library brings two: segj_storage_posix(), files of the system, which is what a configuration without a storage
 * uses, and segj_storage_memory_create(), for tests. Write your own to put a journal elsewhere, or wrap one of these to
 * watch or to fail its calls.
 *
 * Results. A function returns 0 or a positive errno value of the system (ENOENT, EIO, ENOSPC, ...). The library reads:
 *   ENOENT             the name does not exist, and nothing else: the only code that means "missing";
 *   ENOSPC, EDQUOT     the storage is full: SEGJ_ERR_NO_SPACE;
 *   EFBIG              the file may not grow so far, by the process' limit (RLIMIT_FSIZE) or the file system's:
 *                      SEGJ_ERR_NO_SPACE;
 *   EINTR              nothing was done: the call is made again;
 *   EWOULDBLOCK        of partition_lock: it is held elsewhere: SEGJ_ERR_LOCKED;
 *   ECANCELED          the partition's lock is lost: another opener has taken it, and nothing is changed through this
 *                      one any more: SEGJ_ERR_LOCKED, and the journal is poisoned;
 *   ELOOP              of partition_open: the name is a link, which is not followed;
 *   ENOMEM             SEGJ_ERR_MEMORY;
 *   EMFILE, ENFILE     no more files can be open, and nothing was opened or made: the library closes files that it does
 *                      not use just now and makes the call again; SEGJ_ERR_IO where it has none;
 *   everything else    SEGJ_ERR_IO.
 * Outputs are set on success only, but for the transferred counts below.
 *
 * Durability. What the promises of a journal rest on:
 *   file_sync returns 0 only when every byte written and every size set through this file object before the call would
 *     survive a power cut. Whatever happens to other bytes of the file stays open. After a failure nothing is known.
 *   partition_sync does the same for names created in and removed from the partition, directory_sync for the partitions
 *     of a directory and for the directory's own name in its parent.
 *   Between two syncs nothing is promised: any part of the writes may survive, in any order.
 *
 * Threads. Calls on different objects, calls on one partition (removals, creations and syncs of names), and reads and
 * writes of one file, may come from several threads at once; so may a file_sync beside them. The library never makes
 * two overlapping writes at a time, and never uses an object after it asked to close it. A read may overlap a write; it
 * may then give any mixture of the old bytes and the new ones, which the library finds out by its checksums and reads
 * again.
 *
 * Forks. In a child of fork the library calls file_close, partition_close, file_unmap and directory_release alone, for
 * what the parent had open: they give memory and descriptors back, take no lock that a thread of the parent may have
 * had, and end no lock of the partition.
 */
#ifndef SEGJOURNAL_STORAGE_H
#define SEGJOURNAL_STORAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "segjournal/status.h"

#ifdef __cplusplus
extern "C" {
#endif
SEGJ_EXPORT_BEGIN

/** @defgroup segj_storages Storages
 *  @{ */

typedef struct segj_storage segj_storage_t;     /**< a table of functions */
typedef struct segj_partition segj_partition_t; /**< an opened partition; each storage defines its own */
typedef struct segj_file segj_file_t;           /**< an opened file; each storage defines its own */
typedef struct segj_held segj_held_t;           /**< a directory that is held; each storage defines its own */

/** A piece of memory to be written. */
typedef struct segj_slice {
    const void *data; /**< `size` bytes; may be NULL when size is 0 */
    size_t size;      /**< in bytes */
} segj_slice_t;

/** How file_open opens. */
typedef enum segj_open_mode {
    /** An existing file, for reading. What is written through file objects that are opened later need not show here: in
     *  an overlay they may be another file. The library closes this one before it opens the file for writing. */
    SEGJ_OPEN_READ = 0,
    SEGJ_OPEN_WRITE = 1, /**< an existing file, for reading and writing */
    SEGJ_OPEN_CREATE = 2 /**< a file that must not exist yet (EEXIST), made empty, for reading and writing */
} segj_open_mode_t;

/** What partition_list found. */
typedef enum segj_entry_kind {
    SEGJ_ENTRY_FILE = 0, /**< a regular file */
    SEGJ_ENTRY_OTHER = 1 /**< a directory, a link, a device, ...: nothing a journal makes */
} segj_entry_kind_t;

/** Called for each entry of a partition; a result other than 0 ends the listing, which then returns it. */
typedef int (*segj_list_visit_t)(void *visit_context, const char *name, segj_entry_kind_t kind);

/** An opener of a journal. */
typedef struct segj_opener {
    uint64_t process;   /**< its number, for a sentence */
    uint8_t random[16]; /**< that no other opener has */
    char host[64];      /**< the machine's name, for a sentence; ends with a NUL */
} segj_opener_t;

/** A table of functions, and what they work on. */
struct segj_storage {
    /** sizeof(segj_storage_t) as its maker knew it; later versions append functions, and do without those that an older
     *  table lacks. */
    size_t struct_size;
    /** Handed to each function that takes a context. */
    void *context;

    /* --- partitions --- */

    /** Makes the partition, and the directory itself if that is missing (one level: ENOENT where what is to hold it is
     *  missing too). An existing one is success. */
    int (*partition_create)(void *context, const char *directory, const char *partition);
    /** Opens a partition; ENOENT if it or its directory is missing. */
    int (*partition_open)(void *context, const char *directory, const char *partition, segj_partition_t **opened);
    /** Takes the lock of a partition, exclusive or shared, without waiting: EWOULDBLOCK when it is held elsewhere, in
     *  this process or in another; ESTALE when the partition's name has come to stand for another partition (the caller
     *  then opens it again). The lock ends with partition_unlock, partition_close or the process. */
    int (*partition_lock)(segj_partition_t *partition, bool exclusive);
    /** Gives the lock of a partition back. */
    int (*partition_unlock)(segj_partition_t *partition);
    /** Visits every entry once, in any order, without "." and "..". Links are reported, not followed. */
    int (*partition_list)(segj_partition_t *partition, segj_list_visit_t visit, void *visit_context);
    /** Makes creations and removals in the partition durable. */
    int (*partition_sync)(segj_partition_t *partition);
    /** Closes a partition, and gives its lock back where this process took it. */
    void (*partition_close)(segj_partition_t *partition);
    /** Removes an empty partition, which may be open and locked; ENOTEMPTY if it is not empty, ENOENT if it is
     *  missing. */
    int (*partition_remove)(void *context, const char *directory, const char *partition);
    /** Makes the names of partitions in the directory durable, and the directory's own name in its parent. */
    int (*directory_sync)(void *context, const char *directory);

    /* --- files: names are plain, without a separator; links are never followed --- */

    /** Opens a file of a partition by its name; ENOENT, or EEXIST, as the mode says. */
    int (*file_open)(segj_partition_t *partition, const char *name, segj_open_mode_t mode, segj_file_t **opened);
    /** Removes a name. Files that are open keep working until they are closed. */
    int (*file_remove)(segj_partition_t *partition, const char *name);
    /** Reads at most `size` bytes at `offset` and sets *done. Fewer is a short read, none the end of the file. */
    int (*file_read)(segj_file_t *file, uint64_t offset, void *buffer, size_t size, size_t *done);
    /** Writes the slices one after the other at `offset`, making the file longer where it must, and sets *done to the
     *  bytes taken, on failure too. Fewer than asked with result 0 is a short write: the caller continues after it. */
    int (*file_write)(segj_file_t *file, uint64_t offset, const segj_slice_t *slices, size_t count, size_t *done);
    /** Gives the size of a file, in bytes. */
    int (*file_size)(segj_file_t *file, uint64_t *size);
    /** Sets the size of a file, in bytes. What it gains reads as zeros. */
    int (*file_truncate)(segj_file_t *file, uint64_t size);
    /** Makes the bytes and the size of a file durable (Durability, above). Open also asks it of files that it has
     *  opened for reading, for what a killed process has written: EBADF or EINVAL says that this works only with those
     *  opened for writing. */
    int (*file_sync)(segj_file_t *file);
    /** Closes a file. It makes nothing durable. */
    void (*file_close)(segj_file_t *file);

    /* --- hints: may be NULL --- */

    /** Starts, and does not wait for, the writing of a range to the device. Proves nothing. */
    void (*file_write_back)(segj_file_t *file, uint64_t offset, uint64_t size);
    /** Says that a range will not be read again soon. */
    void (*file_evict)(segj_file_t *file, uint64_t offset, uint64_t size);

    /* --- mappings: both or neither may be NULL; a table that ends before them is one without --- */

    /** Shows a range of the file as memory to be read, from `offset`, a multiple of 64 KiB, on. Sets *mapped to its
     *  length: `size`, or less where the storage cannot show bytes that the file does not have yet; what lies after
     *  the file's end is not touched before the file has grown to it. What is written through any file object shows at
     *  once, unless `file` was opened for reading and the other one later. The mapping outlives the file object, and
     *  the file's name. Whatever the failure, values are copied instead, and
     *  mapping is tried again only occasionally. */
    int (*file_map)(segj_file_t *file, uint64_t offset, size_t size, const void **address, size_t *mapped);
    /** Ends a mapping, as file_map gave it. */
    void (*file_unmap)(void *context, const void *address, size_t mapped);

    /* --- bounds: may be NULL; a table that ends before it is one without --- */

    /** How many file objects there can be at a time: sets *limit to the bound for everything that shares it, UINT64_MAX
     *  for none, and *left to what is left of it now. `wanted`: how many the caller would like; where the limit is
     *  several times that, *left may be the limit itself, so that nothing need be counted. */
    int (*files_limit)(void *context, uint64_t wanted, uint64_t *limit, uint64_t *left);

    /* --- partitions that are open: each may be NULL, or missing from a table that ends before it; the functions above
     * that take a directory's path do their work then, which may go wrong where a directory is renamed
     * --- */

    /** Whether two opened partitions lie in one directory: 0, or ESTALE. */
    int (*partition_beside)(segj_partition_t *partition, segj_partition_t *other);
    /** Whether the name under which the partition was opened, in the directory in which it was opened, still stands for
     *  it: 0, ESTALE where it does not or stands for another one, ENOENT where the partition was removed. */
    int (*partition_named)(segj_partition_t *partition);
    /** Removes the partition that is open, as partition_remove does, and nothing else: where the partition's name does
     *  not stand for it, returns what partition_named returns. */
    int (*partition_remove_open)(segj_partition_t *partition);
    /** Like directory_sync, of the directory that the partition lies in. */
    int (*partition_sync_directory)(segj_partition_t *partition);
    /** For a sentence: 0 where the directory is there, ENOENT where it alone is missing, ENOTDIR where what is to hold
     *  it is missing, or is no directory. */
    int (*directory_check)(void *context, const char *directory);

    /* --- openers that do not see each other's locks: each may be NULL, or missing from a table that ends before it.
     * Where the lock of a partition may fail to exclude (two mounts of one directory, two machines), `opener` has a
     * journal that is open for writing say so in a file, `.owner` in the index partition, and look there for others
     * --- */

    /** Tells who opens. Any thread. */
    int (*opener)(void *context, segj_opener_t *opener);
    /** Takes the lock of a file, exclusive (it is open for writing) or shared, without waiting: EWOULDBLOCK when it is
     *  held through another file object, in this process or another; ENOLCK where there are no such locks. It ends with
     *  file_close, or with the process. */
    int (*file_lock)(segj_file_t *file, bool exclusive);
    /** Has the next read see what others have written until now, by whatever way; `written`: and has others see what
     *  was written through this file object. ESTALE where the file has no name any more: it was removed or replaced.
     *  Followers (follow.h) ask this of files that they have opened for reading. */
    int (*file_refresh)(segj_file_t *file, bool written);

    /* --- directories that another program may hold: may be NULL; a table that ends before it is one without --- */

    /** Takes the lock (flock's) of the file `name` of a directory, shared, without waiting. make: makes the file where
     *  it is missing, with the text `mark` in it. *marked: the file holds that text. ENOENT where the file is missing
     *  and not made, or the directory is missing; EWOULDBLOCK when it is locked exclusively elsewhere; any other error
     *  where there is no such lock. */
    int (*directory_hold)(void *context, const char *directory, const char *name, const char *mark, bool make,
                          bool *marked, segj_held_t **held);
    /** Gives the lock back, in the process that took it; in a child of fork it frees memory and a descriptor alone. */
    void (*directory_release)(segj_held_t *held);

    /* --- for sentences: may be NULL; a table that ends before it is one without --- */

    /** Names a process that holds the lock of a partition: 0, or any error where nobody holds it or the system does not
     *  tell. Asked after partition_lock has returned EWOULDBLOCK, and by calls that look at a journal without its
     *  lock. */
    int (*partition_holder)(segj_partition_t *partition, int64_t *process);

    /* --- for copies of journals: may be NULL; a table that ends before it is one without --- */

    /** Copies `size` bytes from `offset` on from one file to the same place of another one of this storage, as
     *  file_read and file_write would, without showing them: *done says how many, 0 at the end of `from`. The two may
     *  share the space. Whatever the failure, the bytes are read and written instead. */
    int (*file_copy)(segj_file_t *from, segj_file_t *to, uint64_t offset, size_t size, size_t *done);

    /* --- permissions: both may be NULL; a table that ends before them is one without, and
     * oversized_config_t::file_mode is refused there --- */

    /** Like partition_create; directories that it makes get these permission bits, whatever the umask says. */
    int (*partition_create_mode)(void *context, const char *directory, const char *partition, unsigned mode);
    /** Sets the permission bits of a file. */
    int (*file_mode)(segj_file_t *file, unsigned mode);

    /* --- room: may be NULL; a table that ends before it is one without, and oversized_retain_options_t::free_bytes is
     * refused there --- */

    /** Tells how many bytes the files of the partition can still take, for who runs this process. */
    int (*partition_space)(segj_partition_t *partition, uint64_t *bytes);

    /* --- storages that only begin in file_write: may be NULL; a table that ends before it is one whose file_write has
     * given the bytes to what outlives the process when it returns --- */

    /** Waits until what file_write and file_truncate have taken through this file object before the call would survive
     *  the process; nothing is said of power cuts. oversized_flush() asks for it. A failure may be found by the next
     *  file_sync instead. */
    int (*file_hand_over)(segj_file_t *file);

    /* --- what the device has: may be NULL; a table that ends before it is one without --- */

    /** Reads like file_read, but past the system's memory: what the device has of the range, which a file_sync that
     *  follows makes durable there, if no flush of the device itself has failed. After a write-back that failed, or
     *  before one, these may be other bytes than file_read gives. `offset`, `size` and the address of `buffer` are
     *  multiples of 4096; fewer bytes than asked are what the file has up to its end. No other call with this file
     *  object is under way. Whatever the failure, the storage does not tell: ENOTSUP where it never does, and the bytes
     *  are written again. Asked by an open that repairs a section whose values are kept apart
     *  (oversized_config_t::sector_size): it writes again what the device does not have. */
    int (*file_read_device)(segj_file_t *file, uint64_t offset, void *buffer, size_t size, size_t *done);
};

/** Files of the system. Static, needs no release; any thread. */
const segj_storage_t *segj_storage_posix(void);

/**
 * A storage in memory, empty, for tests: it keeps files and locks like a file system, forgets them when it is
 * destroyed, and takes every sync for granted. Any thread.
 * Errors: SEGJ_ERR_INVALID (storage is NULL), SEGJ_ERR_MEMORY.
 */
SEGJ_MUST_CHECK segj_status_t segj_storage_memory_create(segj_storage_t **storage);

/** Frees a storage made by segj_storage_memory_create, after every journal in it was closed. NULL is fine. */
void segj_storage_memory_destroy(segj_storage_t *storage);

/** @} */

SEGJ_EXPORT_END
#ifdef __cplusplus
}
#endif

#endif /* SEGJOURNAL_STORAGE_H */
