/*
 * storage/io.h: storage calls as the library makes them. A storage may be interrupted and may transfer less than asked;
 * here every call is made again after EINTR, short transfers continue after what was done, ranges are checked against
 * 2^63 - 1, and a failure becomes a sentence that names the file. Nothing above calls a storage's functions itself.
 */
#ifndef SEGJ_STORAGE_IO_H
#define SEGJ_STORAGE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "segjournal/storage.h"

/** The largest size a file may have. */
#define SEGJ_FILE_SIZE_MAX ((uint64_t)INT64_MAX)

/** What segj_io_read_device() reads is aligned to. */
#define SEGJ_IO_DEVICE_ALIGN ((size_t)4096)

/** A name in an index partition that every open refuses: a copy into this journal has begun and is not complete. */
#define SEGJ_UNFINISHED_NAME "unfinished-copy"

/** A name in a values partition: a removal of sections is under way, or was cut off (journal/removing.h). */
#define SEGJ_REMOVING_NAME ".removing"

/** A section file's name: 16 lower-case hexadecimal digits. */
#define SEGJ_NAME_LENGTH 16

/** Whether a storage's table is long enough for a function that later versions have appended, and has it. */
#define SEGJ_STORAGE_HAS(storage, function)                                                                            \
    ((storage)->struct_size >= offsetof(segj_storage_t, function) + sizeof(storage)->function &&                       \
     (storage)->function != NULL)

/** Asked before anything is changed in a partition; another answer than SEGJ_OK refuses the change. */
typedef struct segj_guard {
    segj_status_t (*ask)(void *context);
    void *context;
} segj_guard_t;

/** An opened partition, and what is needed to speak of it. Read by any thread, never changed after its opening. */
typedef struct segj_io_partition {
    const segj_storage_t *storage;
    const char *directory; /**< borrowed: outlives the partition */
    const char *name;      /**< borrowed */
    segj_partition_t *opened;
    /** Called without locks when a storage can open no more files: true when one was closed, and it is worth trying
     *  again. NULL: there is none to close. */
    bool (*give_back)(void *owner);
    /** Called when the storage has refused a change because another opener has the partition (ECANCELED), with that in
     *  the thread's last error, and without locks that it takes. NULL: it is not called. */
    void (*lost)(void *owner);
    void *owner;               /**< borrowed: handed to give_back and lost */
    const segj_guard_t *guard; /**< borrowed; NULL: none. Set before the partition is used by several threads */
    unsigned mode;             /**< permission bits of files that are made; 0: as the storage makes them */
    bool again; /**< its lock is tried again where it is taken: it need not be found out by which process */
} segj_io_partition_t;

/** An opened file of a section. */
typedef struct segj_io_file {
    const segj_io_partition_t *partition;
    uint64_t section;
    segj_file_t *opened; /**< NULL: closed */
    const char *name;    /**< NULL: the section's; else one of the journal's own, that no guard is asked about */
    /* Properties of the file that this layer does not use: */
    uint64_t data;    /**< where its data begins, after its header */
    uint64_t binding; /**< what its checksums begin with: the section, or that and the file's salt */
    uint32_t head;    /**< bytes of a frame before its payload */
    uint32_t sector;  /**< bytes of what a frame that follows a sync shares with none before it; 0: nothing is kept
                           apart */
    bool packed;      /**< its values are compressed: a frame may say that it is not */
    bool writable;    /**< it was opened for writing too */
    bool exhausted;   /**< its last opening failed because no more files could be open */
} segj_io_file_t;

/** What was written of a file and is not yet on its way to the device. */
typedef struct segj_io_behind {
    uint64_t from, to; /**< equal: nothing */
} segj_io_behind_t;

/** A closed file of the same section, with the same properties. */
static inline segj_io_file_t segj_io_like(const segj_io_file_t *file)
{
    return (segj_io_file_t){.partition = file->partition,
                            .section = file->section,
                            .data = file->data,
                            .binding = file->binding,
                            .head = file->head,
                            .sector = file->sector,
                            .packed = file->packed};
}

/** Gives a file that was opened anew the properties it is known to have. */
static inline void segj_io_take_properties(segj_io_file_t *file, const segj_io_file_t *known)
{
    file->data = known->data;
    file->binding = known->binding;
    file->head = known->head;
    file->sector = known->sector;
    file->packed = known->packed;
}

/** Writes the name of a section's file: 16 digits and a NUL. */
void segj_section_name(uint64_t section, char name[SEGJ_NAME_LENGTH + 1]);

/** The section that a name stands for; false when it is no canonical name. */
bool segj_section_parse(const char *name, uint64_t *section);

/* Partitions. `missing` is set where only a name is missing, which is then no failure: SEGJ_OK. */
SEGJ_MUST_CHECK segj_status_t segj_partition_create(const segj_io_partition_t *partition);
SEGJ_MUST_CHECK segj_status_t segj_partition_open(segj_io_partition_t *partition, bool *missing);
/** SEGJ_ERR_NOT_FOUND: says what of a partition that is missing is. */
segj_status_t segj_partition_not_found(const segj_io_partition_t *partition);
/** Takes the lock; *replaced: the partition's name stands for another directory now, open it again. */
SEGJ_MUST_CHECK segj_status_t segj_partition_lock(segj_io_partition_t *partition, bool exclusive, bool *replaced);
/** Gives the section numbers of the partition in ascending order, to be freed; SEGJ_ERR_CORRUPT names what does not
 *  belong there. Names that begin with a dot and lost+found are passed over. */
SEGJ_MUST_CHECK segj_status_t segj_partition_sections(const segj_io_partition_t *partition, uint64_t **sections,
                                                      size_t *count);
/** The same, but what does not belong there is passed over: the sentence about the first such name goes into *strange,
 *  whose text is "" before. */
SEGJ_MUST_CHECK segj_status_t segj_partition_sections_among(const segj_io_partition_t *partition, uint64_t **sections,
                                                            size_t *count, segj_sentence_t *strange);
/** As either of the two (strange: NULL for the first), of a values partition; *removing: the mark of a removal is
 *  there. */
SEGJ_MUST_CHECK segj_status_t segj_partition_values(const segj_io_partition_t *partition, uint64_t **sections,
                                                    size_t *count, segj_sentence_t *strange, bool *removing);
/** Bytes that files of an open partition can still take; *told is false where the storage does not say. */
SEGJ_MUST_CHECK segj_status_t segj_partition_space(const segj_io_partition_t *partition, uint64_t *bytes, bool *told);
/** Which process holds the lock of a partition that is open; false where the storage does not tell, or none does. */
bool segj_partition_holder(const segj_io_partition_t *partition, int64_t *process);
SEGJ_MUST_CHECK segj_status_t segj_partition_sync(const segj_io_partition_t *partition);
/** Whether both, which are open, lie in one directory: where a path is given another directory between two openings,
 *  they may not. */
bool segj_partition_is_beside(const segj_io_partition_t *partition, const segj_io_partition_t *other);
/** SEGJ_ERR_MISMATCH where the partition's name stands for another one by now. */
SEGJ_MUST_CHECK segj_status_t segj_partition_named(const segj_io_partition_t *partition);
/** Removes the partition, which stays open, and locked: unlocked before, another opener could lock it who would not
 *  learn that it is about to lose its name. May wait for some 0.3 s. SEGJ_ERR_MISMATCH as above. */
SEGJ_MUST_CHECK segj_status_t segj_partition_remove(const segj_io_partition_t *partition);
/** Takes the lock of a file of the directory that the partition lies in, or is to lie in, shared (segj_storage_t,
 *  directory_hold). *held is NULL where the file is missing and not made, or the storage has no such lock.
 *  SEGJ_ERR_LOCKED: it is held elsewhere. */
SEGJ_MUST_CHECK segj_status_t segj_directory_hold(const segj_io_partition_t *partition, const char *name,
                                                  const char *mark, bool make, bool *marked, segj_held_t **held);
SEGJ_MUST_CHECK segj_status_t segj_partition_sync_directory(const segj_io_partition_t *partition);
void segj_partition_close(segj_io_partition_t *partition); /**< a closed one is fine */
SEGJ_MUST_CHECK segj_status_t segj_partition_unlink(const segj_io_partition_t *partition, uint64_t section);
/** Visits every entry, as partition_list does. An interrupted listing begins again: *count, of what was visited, is 0
 *  then. */
SEGJ_MUST_CHECK segj_status_t segj_partition_visit(const segj_io_partition_t *partition, segj_list_visit_t visit,
                                                   void *visit_context, size_t *count);

/* Files. Creating one that exists is SEGJ_ERR_CORRUPT: a name that the library did not make. */
SEGJ_MUST_CHECK segj_status_t segj_io_open(segj_io_file_t *file, const segj_io_partition_t *partition, uint64_t section,
                                           segj_open_mode_t mode, bool *missing); /**< missing may be NULL */
/** The same for a file of another name, which file->name borrows. */
SEGJ_MUST_CHECK segj_status_t segj_io_open_named(segj_io_file_t *file, const segj_io_partition_t *partition,
                                                 const char *name, segj_open_mode_t mode, bool *missing);
SEGJ_MUST_CHECK segj_status_t segj_partition_unlink_named(const segj_io_partition_t *partition, const char *name);
/** SEGJ_ERR_LOCKED; where the file system has no such locks that is no failure. */
SEGJ_MUST_CHECK segj_status_t segj_io_lock(const segj_io_file_t *file, bool exclusive);
SEGJ_MUST_CHECK segj_status_t segj_io_refresh(const segj_io_file_t *file, bool written);
/** Who opens a journal; false where the storage does not say, or cannot: openers do without that then. */
bool segj_io_opener(const segj_storage_t *storage, segj_opener_t *opener);
void segj_io_close(segj_io_file_t *file); /**< a closed one is fine */
/** Reads exactly `size` bytes; the end of the file before that is SEGJ_ERR_IO unless `got` is given, which then holds
 *  the bytes there were. */
SEGJ_MUST_CHECK segj_status_t segj_io_read(const segj_io_file_t *file, uint64_t offset, void *buffer, size_t size,
                                           size_t *got);
/** Reads what the device has of the range, and not what the system has in memory. The range and the buffer begin and end
 *  at multiples of SEGJ_IO_DEVICE_ALIGN. *got: the bytes up to the end of the file. False: the storage does not tell. */
bool segj_io_read_device(const segj_io_file_t *file, uint64_t offset, uint8_t *buffer, size_t size, size_t *got);
SEGJ_MUST_CHECK segj_status_t segj_io_write(const segj_io_file_t *file, uint64_t offset, const void *data, size_t size);
/** At most 16 slices. */
SEGJ_MUST_CHECK segj_status_t segj_io_write_slices(const segj_io_file_t *file, uint64_t offset,
                                                   const segj_slice_t *slices, size_t count);
/** Has the storage copy bytes from one file to the same place of another one. *done: how many it copied; the caller
 *  reads and writes the others, whatever the reason. The status is that of the guard. */
SEGJ_MUST_CHECK segj_status_t segj_io_copy(const segj_io_file_t *from, const segj_io_file_t *to, uint64_t offset,
                                           size_t size, size_t *done);
SEGJ_MUST_CHECK segj_status_t segj_io_size(const segj_io_file_t *file, uint64_t *size);
SEGJ_MUST_CHECK segj_status_t segj_io_truncate(const segj_io_file_t *file, uint64_t size);
SEGJ_MUST_CHECK segj_status_t segj_io_sync(const segj_io_file_t *file);
/** Has what was written survive the process: a storage may only have begun with it. */
SEGJ_MUST_CHECK segj_status_t segj_io_hand_over(const segj_io_file_t *file);
void segj_io_write_back(const segj_io_file_t *file, uint64_t offset, uint64_t size);
/** The same for what is written piece after piece, a larger part at a time: each call costs as much as writing some
 *  100 KiB. segj_io_end_behind() is for the rest. */
void segj_io_write_behind(const segj_io_file_t *file, segj_io_behind_t *behind, uint64_t offset, uint64_t size);
void segj_io_end_behind(const segj_io_file_t *file, segj_io_behind_t *behind);
/** Whether a storage has mappings at all. */
bool segj_io_can_map(const segj_storage_t *storage);
/** Maps at most `size` bytes from `offset` on; false where the storage does not, for whatever reason. */
bool segj_io_map(const segj_io_file_t *file, uint64_t offset, size_t size, const void **address, size_t *mapped);

/** How many file objects a storage allows for, and how many of them are left; false where it does not say. */
bool segj_io_files_limit(const segj_storage_t *storage, uint64_t wanted, uint64_t *limit, uint64_t *left);

/** Sets the sentence "DIR/partition/section, offset N: ...". */
void segj_io_say(const segj_io_file_t *file, uint64_t offset, const char *format, ...) SEGJ_PRINTF(3, 4);

/** The same, and gives the status back. */
#define segj_io_fail(status, file, offset, ...) (segj_io_say(file, offset, __VA_ARGS__), (status))

#endif
