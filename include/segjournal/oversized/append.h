/**
 * @file segjournal/oversized/append.h
 * Appending records.
 *
 * A part of segjournal/oversized.h, which includes it, and which says what holds for all calls.
 */
#ifndef SEGJOURNAL_OVERSIZED_APPEND_H
#define SEGJOURNAL_OVERSIZED_APPEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "segjournal/oversized/config.h"
#include "segjournal/status.h"
#include "segjournal/storage.h"

#ifdef __cplusplus
extern "C" {
#endif
SEGJ_EXPORT_BEGIN

/** @defgroup segj_append Appending records
 *  @{ */

/** Where a value lies in its section's values file. It is valid as long as its record exists. */
typedef struct oversized_location {
    uint64_t offset; /**< of the frame, in bytes from the start of the data */
    uint32_t size;   /**< in bytes: the stored bytes and a checksum of 4 bytes. That is the frame, but in version 2 of
                          the native format it has entry_size + OVERSIZED_FRAME_HEAD bytes before these, so that the
                          next frame begins so much later than offset + size, or in the sector after that
                          (oversized_config_t::sector_size) */
} oversized_location_t;

/**
 * Appends a record: the value to the section's values file, then the record to its index. The first append to a section
 * makes it. entry may be NULL when entry_size is 0, value when size is 0. *position and *location become where the
 * record and the value went; both may be NULL.
 *
 * Errors: SEGJ_ERR_INVALID, SEGJ_ERR_TOO_LARGE, SEGJ_ERR_PRUNED, SEGJ_ERR_BUSY (a value is being streamed into the
 * section, or into all sections that may be active at a time: max_open_files), SEGJ_ERR_CORRUPT (the section's last
 * index page is damaged, or in the commonware format one before it: oversized_config_t::hole; or a file that the
 * journal did not make has the name of a new section's), SEGJ_ERR_READ_ONLY, SEGJ_ERR_POISONED, SEGJ_ERR_MEMORY,
 * SEGJ_ERR_COMPRESSION, SEGJ_ERR_NO_SPACE, SEGJ_ERR_IO. The journal is as it was then.
 */
SEGJ_MUST_CHECK segj_status_t oversized_append(oversized_t *journal, uint64_t section, const void *entry,
                                               const void *value, size_t size, uint64_t *position,
                                               oversized_location_t *location);

/**
 * Appends a record whose value comes in `count` pieces, which are stored one after the other. pieces may be NULL when
 * count is 0, and a piece's data when its size is 0. In a compressed section the pieces are copied together first.
 *
 * Errors: as oversized_append().
 */
SEGJ_MUST_CHECK segj_status_t oversized_appendv(oversized_t *journal, uint64_t section, const void *entry,
                                                const segj_slice_t *pieces, size_t count, uint64_t *position,
                                                oversized_location_t *location);

/** A record to append. */
typedef struct oversized_record {
    const void *entry; /**< entry_size bytes; may be NULL when that is 0 */
    const void *value; /**< may be NULL when size is 0 */
    size_t size;       /**< of the value, in bytes */
} oversized_record_t;

/**
 * Appends `count` records in one step. Readers see all of them or none, and after a failure there is none. The step is
 * atomic for readers, not across a power cut: until the next sync has returned, a crash may keep a prefix of the batch,
 * as of any appends. In a section of version 2 of the native format (native_version) a crash keeps all of it or
 * nothing. *position becomes the first record's. locations has room for `count` of them; its contents are undefined
 * after a failure. Both may be NULL. The call takes as much memory as the records, without their values, have bytes.
 *
 * Errors: as oversized_append().
 */
SEGJ_MUST_CHECK segj_status_t oversized_append_batch(oversized_t *journal, uint64_t section,
                                                     const oversized_record_t *records, size_t count,
                                                     uint64_t *position, oversized_location_t *locations);

typedef struct oversized_writer oversized_writer_t; /**< a value on its way in */

/** oversized_writer_open(): the value is as long as what is written until its end. */
#define OVERSIZED_SIZE_UNKNOWN UINT64_MAX

/**
 * Begins to append a value that need not be in memory whole. `size` is the sum of the writes that follow, in bytes, or
 * OVERSIZED_SIZE_UNKNOWN: the value ends with oversized_writer_finish(), and max_value_size bounds it. At levels above
 * 19 of `compression` zstd's window is above 8 MiB then, however short the value is, and not every decoder reads that.
 * Readers see nothing of the record before oversized_writer_finish(). Until finish or abandon the section refuses
 * appends, further writers, rewinds and removals (SEGJ_ERR_BUSY); reads, syncs and other sections still work. A section
 * that does not exist is made, empty. The writer takes a buffer of 256 KiB, zstd's context where the section is
 * compressed, and two descriptors. Finish or abandon it before the journal is closed. One thread at a time uses a
 * writer.
 *
 * Errors: as oversized_append().
 */
SEGJ_MUST_CHECK segj_status_t oversized_writer_open(oversized_t *journal, uint64_t section, const void *entry,
                                                    uint64_t size, oversized_writer_t **writer);

/**
 * Adds `size` bytes to the value.
 *
 * Errors: SEGJ_ERR_INVALID beyond the announced size, SEGJ_ERR_TOO_LARGE beyond max_value_size where none was announced
 * (nothing of the call is taken). SEGJ_ERR_IO, SEGJ_ERR_NO_SPACE, SEGJ_ERR_MEMORY, SEGJ_ERR_COMPRESSION,
 * SEGJ_ERR_TOO_LARGE, SEGJ_ERR_POISONED: from then on the writer can only be abandoned, and every call of it returns
 * the same.
 */
SEGJ_MUST_CHECK segj_status_t oversized_writer_write(oversized_writer_t *writer, const void *data, size_t size);

/**
 * Appends the record, and frees the writer in any case. *position and *location become where the record and the value
 * went; both may be NULL. On failure nothing was appended. The value has been handed to the system then, the record has
 * not: where the record must survive a killed process, call oversized_flush().
 *
 * Errors: as oversized_writer_write(); SEGJ_ERR_INVALID: bytes of the announced size are missing.
 */
SEGJ_MUST_CHECK segj_status_t oversized_writer_finish(oversized_writer_t *writer, uint64_t *position,
                                                      oversized_location_t *location);

/** Frees the writer. Nothing was appended. NULL is fine. */
void oversized_writer_abandon(oversized_writer_t *writer);

/** @} */

SEGJ_EXPORT_END
#ifdef __cplusplus
}
#endif

#endif /* SEGJOURNAL_OVERSIZED_APPEND_H */
