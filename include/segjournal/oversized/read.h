/**
 * @file segjournal/oversized/read.h
 * Reading records and values: into buffers, as views, in pieces.
 *
 * A part of segjournal/oversized.h, which includes it, and which says what holds for all calls.
 */
#ifndef SEGJOURNAL_OVERSIZED_READ_H
#define SEGJOURNAL_OVERSIZED_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "segjournal/oversized/append.h"
#include "segjournal/status.h"

#ifdef __cplusplus
extern "C" {
#endif
SEGJ_EXPORT_BEGIN

/** @defgroup segj_read Reading records and values
 *  @{ */

/**
 * A buffer that the library fills and grows and that the caller owns. Start with SEGJ_ZERO, use it for as many calls as
 * you like (one thread at a time), and end with segj_buffer_free(). On failure size is 0, while data and capacity stay
 * valid.
 */
typedef struct segj_buffer {
    void *data;      /**< `capacity` bytes, of which the first `size` are the value; NULL while capacity is 0 */
    size_t size;     /**< of the value, in bytes */
    size_t capacity; /**< of the allocation, in bytes; it never shrinks */
} segj_buffer_t;

/** Frees the buffer's memory and zeroes it. NULL is fine. */
void segj_buffer_free(segj_buffer_t *buffer);

/**
 * Reads a record and its value in one step, so that a concurrent rewind cannot mix two records. entry (may be NULL)
 * receives entry_size bytes. The value goes into the buffer, verified and decompressed.
 *
 * Errors: as oversized_get() and oversized_get_value().
 */
SEGJ_MUST_CHECK segj_status_t oversized_read(oversized_t *journal, uint64_t section, uint64_t position, void *entry,
                                             segj_buffer_t *value);

/**
 * Gives the entry (entry_size bytes; may be NULL) and the location (may be NULL) of a record.
 *
 * Errors: SEGJ_ERR_PRUNED, SEGJ_ERR_NO_SECTION, SEGJ_ERR_NO_RECORD, SEGJ_ERR_CORRUPT (a damaged page), SEGJ_ERR_IO,
 * SEGJ_ERR_MEMORY.
 */
SEGJ_MUST_CHECK segj_status_t oversized_get(oversized_t *journal, uint64_t section, uint64_t position, void *entry,
                                            oversized_location_t *location);

/**
 * Gives the entry and the location of the section's last record. SEGJ_END where it has none.
 *
 * Errors: as oversized_get(), except SEGJ_ERR_NO_RECORD.
 */
SEGJ_MUST_CHECK segj_status_t oversized_last(oversized_t *journal, uint64_t section, void *entry,
                                             oversized_location_t *location);

/**
 * Reads the value at a location into a buffer, checks its checksum and decompresses it. After a rewind, the location of
 * a record that is gone may name another value.
 *
 * Errors: SEGJ_ERR_PRUNED, SEGJ_ERR_NO_SECTION, SEGJ_ERR_RANGE (size below 4, past the section's end, or overflowing;
 * no memory is taken), SEGJ_ERR_TOO_LARGE (beyond max_value_size), SEGJ_ERR_CHECKSUM, SEGJ_ERR_COMPRESSION,
 * SEGJ_ERR_IO, SEGJ_ERR_MEMORY. value->size is 0 then.
 */
SEGJ_MUST_CHECK segj_status_t oversized_get_value(oversized_t *journal, uint64_t section, oversized_location_t location,
                                                  segj_buffer_t *value);

/** A request for one of many values that are read together, and its result. */
typedef struct oversized_read_request {
    uint64_t position;             /**< of the record: given to oversized_read_values() */
    oversized_location_t location; /**< given to oversized_get_values(), set by oversized_read_values() */
    void *entry;                   /**< where oversized_read_values() puts the entry, or NULL */
    const void *data;              /**< set: `size` bytes in the buffer; may be NULL when size is 0 */
    size_t size;                   /**< set: of the value, in bytes */
    segj_status_t status;          /**< set: what oversized_get_value(), or oversized_read(), would have returned */
} oversized_read_request_t;

typedef oversized_read_request_t oversized_value_t; /**< the same by its first name */

/**
 * Reads the values at `count` locations of a section into one buffer. Frames that touch are read in one go, whatever
 * the order in which they are asked for, and each is checked. The data of the values points into `memory` and is valid
 * until that is used again. memory->size is what it takes altogether; frames and checksums lie in between.
 *
 * Each value gets a status of its own. One that fails leaves the others alone (data NULL, size 0). The call returns
 * SEGJ_OK when every value's status is. Otherwise it returns the status of the first value in the array that failed,
 * which segj_last_error() explains.
 *
 * Errors of the call as a whole are every value's status: SEGJ_ERR_INVALID (an argument is NULL; values is left alone),
 * SEGJ_ERR_NO_SECTION, SEGJ_ERR_PRUNED, SEGJ_ERR_MEMORY, SEGJ_ERR_TOO_LARGE (more than half of SIZE_MAX together).
 */
SEGJ_MUST_CHECK segj_status_t oversized_get_values(oversized_t *journal, uint64_t section,
                                                   oversized_read_request_t *values, size_t count,
                                                   segj_buffer_t *memory);

/** Reads the values of `count` records by their positions, with their entries and locations, in one step, so that a
 *  concurrent rewind cannot mix old records and new ones. An entry and a location are undefined where the value's
 *  status is not SEGJ_OK. All else, errors included, as oversized_get_values(). */
SEGJ_MUST_CHECK segj_status_t oversized_read_values(oversized_t *journal, uint64_t section,
                                                    oversized_read_request_t *values, size_t count,
                                                    segj_buffer_t *memory);

/** @} */
/** @defgroup segj_view Views: values without a copy
 *  @{ */

/**
 * A value that is looked at, without a copy where that is possible. Start with SEGJ_ZERO, use it for as many calls as
 * you like (one thread at a time), and end with oversized_view_release(). A call that is given a view first gives back
 * what it shows, also where the call then fails.
 */
typedef struct oversized_view_t {
    const void *data;   /**< `size` bytes that must not be changed; may be NULL when size is 0 */
    size_t size;        /**< of the value, in bytes */
    void *hold;         /**< the library's */
    segj_buffer_t copy; /**< the library's: memory for values that must be copied */
} oversized_view_t;

/**
 * Checks the checksum of the value at a location, and gives a pointer to the value where it lies. This needs
 * config.map_values; see its warning about SIGBUS. A value is copied all the same where it is compressed, not yet in
 * its file, or not mapped: without config.map_values, on a storage without mappings (storage.h), or because the system
 * refused the mapping.
 *
 * Lifetime. The bytes stay, and stay the same, until the view is released or used again. Until then a rewind that cuts
 * the view's section, and a prune, rewind or destroy that removes it, are SEGJ_ERR_BUSY and change nothing, whether the
 * value was copied or not. So do not keep views for long. Release every view before the journal is closed or abandoned.
 *
 * Errors: as oversized_get_value(). The view then shows nothing.
 */
SEGJ_MUST_CHECK segj_status_t oversized_view_value(oversized_t *journal, uint64_t section,
                                                   oversized_location_t location, oversized_view_t *view);

/** Gives a record's entry (may be NULL) and shows its value, in one step. Errors: as oversized_get() and
 *  oversized_view_value(). */
SEGJ_MUST_CHECK segj_status_t oversized_view(oversized_t *journal, uint64_t section, uint64_t position, void *entry,
                                             oversized_view_t *view);

/** Gives back what the view shows, frees its memory and zeroes it. Any thread. NULL is fine. */
void oversized_view_release(oversized_view_t *view);

/** @} */
/** @defgroup segj_stream Reading a value in pieces
 *  @{ */

typedef struct oversized_reader oversized_reader_t; /**< a value on its way out */

/**
 * Begins to read a value that need not fit into memory, in pieces. The checksum covers the value as a whole. So what
 * oversized_reader_read() gives is unverified until it has given all of it; a wrong value never comes to its end. With
 * verify_first the stored bytes are read through and checked before this call returns, and read once more later. The
 * reader takes at most 128 KiB, and, where the section is compressed, zstd's window: 8 MiB up to level 19, 128 MiB at
 * most.
 *
 * Errors: as oversized_get_value(); SEGJ_ERR_CHECKSUM only with verify_first and where the value is compressed to
 * 128 KiB or less; SEGJ_ERR_NO_RECORD (the section was rewound while the value was being verified).
 */
SEGJ_MUST_CHECK segj_status_t oversized_reader_open(oversized_t *journal, uint64_t section,
                                                    oversized_location_t location, bool verify_first,
                                                    oversized_reader_t **reader);

/** Returns the bytes of the value; 0 for NULL. */
uint64_t oversized_reader_size(const oversized_reader_t *reader);

/**
 * Gives the next *done bytes of the value: `size` (1 or more), fewer only for the last piece. SEGJ_END after that. If
 * the checksum does not match, the last piece is withheld and the read fails. One thread at a time uses a reader.
 *
 * Errors: SEGJ_ERR_CHECKSUM, SEGJ_ERR_COMPRESSION; SEGJ_ERR_PRUNED and SEGJ_ERR_NO_RECORD when the section was pruned
 * or rewound since the reader was opened: every later call returns the same. SEGJ_ERR_IO, SEGJ_ERR_MEMORY: make the
 * call again, in a compressed section perhaps in vain.
 */
SEGJ_MUST_CHECK segj_status_t oversized_reader_read(oversized_reader_t *reader, void *to, size_t size, size_t *done);

/** Ends the reader. Call it before the journal is closed. NULL is fine. */
void oversized_reader_close(oversized_reader_t *reader);

/** @} */

SEGJ_EXPORT_END
#ifdef __cplusplus
}
#endif

#endif /* SEGJOURNAL_OVERSIZED_READ_H */
