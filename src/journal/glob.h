/*
 * journal/glob.h: the values file of a section: frames back to back, gathered in buffers, read by location.
 *
 * Invariants: a frame lies in one buffer whole or in the file whole; a frame that does not fit a buffer is written from
 * the caller's memory, together with what the buffer holds. Frames are put in place first and shown to readers then.
 * Offsets are handed out once: where a write failed in a way that may have left a frame after the end, the file is cut
 * there, durably, before the offset is used again (a stale frame of the same size would verify in its place).
 */
#ifndef SEGJ_JOURNAL_GLOB_H
#define SEGJ_JOURNAL_GLOB_H

#include "journal/shared.h"
#include "journal/frame_format.h"
#include "journal/header_format.h"
#include "segjournal/oversized.h"

typedef struct segj_glob {
    segj_handle_t handle;
    segj_chain_t chain;
    segj_write_buffer_t *live;  /* the chain's last, while it is being filled: the change lock's */
    segj_write_buffer_t *early; /* was written together with frames that are not published: the change lock's */
    uint64_t pending;        /* bytes of frames after `size` that are in place and not published: the change lock's */
    size_t next_capacity;    /* of the buffer taken next: the change lock's */
    _Atomic(uint64_t) size;  /* end of the last frame that readers see; grows without the state lock */
    uint32_t trailer;        /* version 2: the checksum of the last frame that readers see, 0: there is none */
    uint32_t placed_trailer; /* the same of the last one in place; both the change lock's */
    uint32_t bound;          /* the checksum of bound_to, the file's binding: likewise */
    uint64_t bound_to;
    segj_io_behind_t behind; /* of what appends have written: the change lock's */
    uint64_t ahead;          /* where zeros kept after the end may reach to, 0: nowhere; the change lock's */
    uint64_t padded;         /* where zeros after the end reach to for certain: likewise */
    uint64_t kept_size;      /* where the values ended when the last sync began: the change lock's */
    uint64_t apart;    /* a frame that begins there is kept apart: a sync may cover what is before; the change lock's */
    uint64_t tail_gap; /* between what readers see and a tail that is reserved: likewise */
    uint64_t salt;     /* version 2 */
    segj_dictionary_id_t dictionary; /* likewise */
    segj_map_t *maps;
    segj_map_tries_t tries; /* of mapping it */
    atomic_uint copies;     /* views that show a copy: taken under the state lock */
    bool
        views_blocked; /* its end is being cut, or it is being removed: views show copies, and nothing waits for them */
    bool compressed;
    bool tail_dirty; /* something may lie after `size` in the file */
    uint8_t syncs;   /* in a row with little to write, since it was woken, 255: more: the change lock's */
} segj_glob_t;

/** What a sync has taken over. */
typedef struct segj_glob_capture {
    segj_write_buffer_t *first;
    bool quiet; /* the storage is not asked to begin with its write-back */
} segj_glob_capture_t;

void segj_glob_init(segj_glob_t *glob, segj_shared_t *shared, uint64_t section);
SEGJ_MUST_CHECK segj_status_t segj_glob_write_header(const segj_glob_t *glob, const segj_shared_t *shared,
                                                     const segj_io_file_t *file);

/** Prepares the section for writing; the file is pinned. Under the state lock, which it may give up. */
SEGJ_UNDER_STATE void segj_glob_begin(segj_glob_t *glob, segj_shared_t *shared);

/** Puts a frame of a payload of `size` bytes in pieces at the end, in place and not published. Under the change lock;
 *  the file is pinned, and its tail was truncated after a failed write. On failure what was in place before still
 *  is. */
SEGJ_MUST_CHECK SEGJ_UNDER_CHANGE_ALONE segj_status_t segj_glob_place(segj_glob_t *glob, segj_shared_t *shared,
                                                                      const segj_slice_t *pieces, size_t count,
                                                                      size_t size, oversized_location_t *location);
/** The same of a frame of version 2, which has a head: all but its size is in `head`. */
SEGJ_MUST_CHECK SEGJ_UNDER_CHANGE_ALONE segj_status_t segj_glob_place_record(segj_glob_t *glob, segj_shared_t *shared,
                                                                             segj_head_t head,
                                                                             const segj_slice_t *pieces, size_t count,
                                                                             size_t size,
                                                                             oversized_location_t *location);
/** Shows what is in place to readers. Under the change lock, without the state lock. */
SEGJ_UNDER_CHANGE_ALONE void segj_glob_publish(segj_glob_t *glob, segj_shared_t *shared);
/** Forgets what is in place and was not published. Under the change lock, without the state lock. */
SEGJ_UNDER_CHANGE_ALONE void segj_glob_roll_back(segj_glob_t *glob, segj_shared_t *shared);

/** Reserves the end of the file for bytes that a stream writes there, from *offset of the data on. Nothing may be
 *  placed until they are committed or given up. Under the change lock; the file is pinned, and its tail was truncated
 *  after a failed write. */
SEGJ_MUST_CHECK SEGJ_UNDER_CHANGE_ALONE segj_status_t segj_glob_reserve_tail(segj_glob_t *glob, segj_shared_t *shared,
                                                                             uint64_t *offset);
/** Takes a whole frame that was written there for one that is in place. trailer: its checksum. */
SEGJ_UNDER_CHANGE void segj_glob_commit_tail(segj_glob_t *glob, segj_shared_t *shared, uint64_t frame,
                                             uint32_t trailer);

/** Writes what is sealed. Under the change lock. */
SEGJ_MUST_CHECK SEGJ_UNDER_CHANGE_ALONE segj_status_t segj_glob_write_sealed(segj_glob_t *glob, segj_shared_t *shared);
/** Seals the live buffer. Nothing is in place that is not published. Under the change lock and the state lock. */
SEGJ_UNDER_STATE void segj_glob_seal(segj_glob_t *glob, segj_shared_t *shared);
/** Writes what is buffered, but for what a sync writes. lean: the section begins with little memory again. Under the
 *  change lock. */
SEGJ_MUST_CHECK SEGJ_UNDER_CHANGE_ALONE segj_status_t segj_glob_drain(segj_glob_t *glob, segj_shared_t *shared,
                                                                      bool lean);
/** Cuts, durably, what a failed write may have left after the end, before its offsets are handed out again. Poisons
 *  the journal when the cut cannot be made durable. Under the change lock. */
SEGJ_MUST_CHECK SEGJ_UNDER_CHANGE_ALONE segj_status_t segj_glob_truncate_tail(segj_glob_t *glob, segj_shared_t *shared);
SEGJ_UNDER_STATE void segj_glob_discard(segj_glob_t *glob, segj_shared_t *shared); /**< under the state lock */

/** Under the change lock. */
SEGJ_UNDER_CHANGE_ALONE void segj_glob_capture(segj_glob_t *glob, segj_shared_t *shared, segj_glob_capture_t *capture);
/** The same without the buffer that is being filled. */
SEGJ_UNDER_CHANGE_ALONE void segj_glob_capture_full(segj_glob_t *glob, segj_shared_t *shared,
                                                    segj_glob_capture_t *capture);
SEGJ_MUST_CHECK segj_status_t segj_glob_write(const segj_io_file_t *file, const segj_glob_capture_t *capture);
/** Under the state lock. */
SEGJ_UNDER_STATE void segj_glob_finish(segj_glob_t *glob, segj_shared_t *shared, const segj_glob_capture_t *capture,
                                       bool written);

/** Before a sync, of a section that has been synced before: makes the file longer with zeros, so that this sync and
 *  many after it leave its size alone; what is buffered is written first then. That there is no room for zeros is
 *  logged, and no failure, and takes none from others. Under the change lock, which keeps every other write after the
 *  end away. */
SEGJ_MUST_CHECK SEGJ_UNDER_CHANGE_ALONE segj_status_t segj_glob_keep_ahead(segj_glob_t *glob, segj_shared_t *shared);
/** Cuts those zeros, not durably. *trimmed: there were some. Under the change lock. */
SEGJ_MUST_CHECK SEGJ_UNDER_CHANGE_ALONE segj_status_t segj_glob_trim(segj_glob_t *glob, bool *trimmed);

/** Keeps what comes next apart from what is there: a sync covers it, or is about to. Under the
 *  change lock. */
static inline void segj_glob_set_apart(segj_glob_t *glob)
{
    if (glob->handle.file.sector > 0)
        glob->apart = glob->size;
}

/** Bytes of the file that ends with the values that readers see. */
static inline uint64_t segj_glob_file_size(const segj_glob_t *glob)
{
    const segj_io_file_t *file = &glob->handle.file;
    uint64_t size = glob->size;
    return file->data + size + segj_frame_pad(file->sector, file->data, size);
}

/** Of what is in place and not published, bytes that keep a frame apart. Under the change lock. */
static inline uint64_t segj_glob_pending_gap(const segj_glob_t *glob)
{
    const segj_io_file_t *file = &glob->handle.file;
    return glob->pending > 0 && glob->size == glob->apart
               ? segj_frame_apart(file->sector, file->data, glob->size) - glob->size
               : 0;
}

/** Whether a view is out. Under the state lock. */
SEGJ_UNDER_STATE bool segj_glob_viewed(const segj_glob_t *glob);

/** Whether nothing but zeros lies in the file from the end of values to the end of their sector: a sync has begun with
 *  these, or found them, and what came after it began the next one. Under the change lock. */
static inline bool segj_glob_filled(const segj_glob_t *glob, uint64_t end)
{
    return glob->handle.file.sector > 0 && glob->apart == end;
}

/** Cuts the file to `size` bytes of data, durably, and ends it with the sector where values are kept apart. filled: zeros
 *  lie there already, and the sector is left alone, because it may hold what was synced. */
SEGJ_MUST_CHECK segj_status_t segj_glob_cut(const segj_io_file_t *file, uint64_t size, bool filled);

/** Whether a frame of a compressed section, which is there with its head, has its value as it is. */
static inline bool segj_glob_is_raw(const segj_io_file_t *file, const uint8_t *frame)
{
    return file->head > 0 && (frame[SEGJ_HEAD_FLAGS] & SEGJ_HEAD_RAW) != 0;
}

/** Checks a frame's checksum: SEGJ_ERR_CHECKSUM. packed: the section is compressed. */
SEGJ_MUST_CHECK segj_status_t segj_glob_check(const segj_shared_t *shared, const segj_io_file_t *file, bool packed,
                                              oversized_location_t location, const uint8_t *frame);

/** Reads a frame, its head included, and checks its checksum; `frame` has room for it. SEGJ_ERR_CHECKSUM. */
SEGJ_MUST_CHECK segj_status_t segj_glob_read(const segj_shared_t *shared, const segj_io_file_t *file, bool packed,
                                             oversized_location_t location, uint8_t *frame);
/** The same of a section of plain values, and leaves the payload at the beginning of `memory`, which has room for the
 *  frame. */
SEGJ_MUST_CHECK segj_status_t segj_glob_read_payload(const segj_shared_t *shared, const segj_io_file_t *file,
                                                     oversized_location_t location, uint8_t *memory);

#endif
