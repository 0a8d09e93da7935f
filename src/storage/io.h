/*
 * storage/io.h: storage calls as the library makes them. A storage may be interrupted and may transfer less than asked;
 * here every call is made again after EINTR, short transfers go on behind what was done, ranges are checked against
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

/** A section file's name: 16 lower-case hexadecimal digits. */
#define SEGJ_NAME_LENGTH 16

/** An opened partition, and what is needed to speak of it. Read by any thread, never changed after its opening. */
typedef struct segj_part {
    const segj_storage_t *storage;
    const char *directory; /**< borrowed: outlives the partition */
    const char *name;      /**< borrowed */
    segj_partition_t *opened;
    bool named; /**< its files go by names of their own, not by section numbers */
} segj_part_t;

/** An opened file of a section. */
typedef struct segj_io_file {
    const segj_part_t *part;
    union {
        uint64_t section;
        const char *name; /**< borrowed; where part->named */
    };
    segj_file_t *opened; /**< NULL: closed */
    uint64_t data;       /**< where the file's data begins, behind its header: for those who know of headers */
} segj_io_file_t;

/** Writes the name of a section's file: 16 digits and a NUL. */
void segj_section_name(uint64_t section, char name[SEGJ_NAME_LENGTH + 1]);

/** The section that a name stands for; false when it is no canonical name. */
bool segj_section_parse(const char *name, uint64_t *section);

/* Partitions. `missing` is set where only a name is missing, which is then no failure: SEGJ_OK. */
SEGJ_MUST_CHECK segj_status_t segj_part_create(const segj_part_t *part);
SEGJ_MUST_CHECK segj_status_t segj_part_open(segj_part_t *part, bool *missing);
/** Takes the lock; *replaced: the partition's name stands for another directory now, open it again. */
SEGJ_MUST_CHECK segj_status_t segj_part_lock(segj_part_t *part, bool exclusive, bool *replaced);
/** Gives the section numbers of the partition in ascending order, to be freed; SEGJ_ERR_CORRUPT names what does not
 *  belong there. Names that begin with a dot and lost+found are passed over. */
SEGJ_MUST_CHECK segj_status_t segj_part_sections(const segj_part_t *part, uint64_t **sections, size_t *count);
SEGJ_MUST_CHECK segj_status_t segj_part_sync(const segj_part_t *part);
SEGJ_MUST_CHECK segj_status_t segj_part_remove(segj_part_t *part); /**< and closes it behind that */
SEGJ_MUST_CHECK segj_status_t segj_part_sync_directory(const segj_part_t *part);
void segj_part_close(segj_part_t *part); /**< a closed one is fine */
SEGJ_MUST_CHECK segj_status_t segj_part_unlink(const segj_part_t *part, uint64_t section);
/** The same by a name, of a partition of names. A name that is gone is no failure. */
SEGJ_MUST_CHECK segj_status_t segj_part_unlink_name(const segj_part_t *part, const char *name);
/** Visits every entry, as partition_list does. An interrupted listing begins again: *count, of what was visited, is 0 then. */
SEGJ_MUST_CHECK segj_status_t segj_part_visit(const segj_part_t *part, segj_list_visit_t visit, void *visit_context,
                                              size_t *count);

/* Files. Creating one that exists is SEGJ_ERR_CORRUPT: a name that the library did not make. */
SEGJ_MUST_CHECK segj_status_t segj_io_open(segj_io_file_t *file, const segj_part_t *part, uint64_t section,
                                           segj_open_mode_t mode, bool *missing); /**< missing may be NULL */
/** The same by a name, of a partition of names, which outlives the file. */
SEGJ_MUST_CHECK segj_status_t segj_io_open_name(segj_io_file_t *file, const segj_part_t *part, const char *name,
                                                segj_open_mode_t mode, bool *missing);
void segj_io_close(segj_io_file_t *file); /**< a closed one is fine */
/** Reads exactly `size` bytes; the end of the file before that is SEGJ_ERR_IO unless `got` is given, which then holds the
 *  bytes there were. */
SEGJ_MUST_CHECK segj_status_t segj_io_read(const segj_io_file_t *file, uint64_t offset, void *buffer, size_t size,
                                           size_t *got);
SEGJ_MUST_CHECK segj_status_t segj_io_write(const segj_io_file_t *file, uint64_t offset, const void *data, size_t size);
/** At most 16 slices. */
SEGJ_MUST_CHECK segj_status_t segj_io_write_slices(const segj_io_file_t *file, uint64_t offset,
                                                   const segj_slice_t *slices, size_t count);
SEGJ_MUST_CHECK segj_status_t segj_io_size(const segj_io_file_t *file, uint64_t *size);
SEGJ_MUST_CHECK segj_status_t segj_io_truncate(const segj_io_file_t *file, uint64_t size);
SEGJ_MUST_CHECK segj_status_t segj_io_sync(const segj_io_file_t *file);
void segj_io_write_back(const segj_io_file_t *file, uint64_t offset, uint64_t size);
/** Whether a storage has mappings at all. */
bool segj_io_can_map(const segj_storage_t *storage);
/** Maps at most `size` bytes from `offset` on; false where the storage does not, for whatever reason. */
bool segj_io_map(const segj_io_file_t *file, uint64_t offset, size_t size, const void **address, size_t *mapped);

/** Sets the sentence "DIR/partition/section, offset N: ...". */
void segj_io_say(const segj_io_file_t *file, uint64_t offset, const char *format, ...) SEGJ_PRINTF(3, 4);

/** The same, and gives the status back. */
#define segj_io_fail(status, file, offset, ...) (segj_io_say(file, offset, __VA_ARGS__), (status))

#endif
