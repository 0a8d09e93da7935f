/*
 * journal/fixed.h: the index file of a section: records of fixed size in checked pages, and the watermark in its
 * header.
 *
 * The watermark W says that the first W records, and their values, were covered by a completed sync. It may lag and
 * never runs ahead (DESIGN.md, I3), so nobody waits for it: raising it is a write without a sync. Lowering it comes,
 * with a sync, before anything is cut. Commonware files have no watermark: there these calls do nothing.
 */
#ifndef SEGJ_JOURNAL_FIXED_H
#define SEGJ_JOURNAL_FIXED_H

#include "journal/env.h"
#include "journal/header_format.h"
#include "paged/paged_blob.h"

typedef struct segj_fixed {
    segj_handle_t handle;
    segj_paged_t *tail;        /* while the section is being written, else NULL */
    _Atomic(uint64_t) records; /* that readers see; grows without the state lock */
    uint64_t durable;          /* of them, covered by a completed sync */
    uint64_t marked;           /* W as last written */
    uint64_t cache_id;
    uint64_t wakes;      /* changes whenever its writing begins or ends */
    uint32_t sequence;   /* of the newest watermark slot */
    uint8_t newest_slot; /* 0 or 1 */
    bool has_marks;      /* the file has watermark slots */
    bool mark_pending;   /* W was written and not synced */
    bool cutting;        /* its last page is being shortened in the file */
} segj_fixed_t;

void segj_fixed_init(segj_fixed_t *fixed, segj_env_t *env, uint64_t section);

/** Writes the header: the identity, and empty watermark slots where none was ever written; does not sync. */
SEGJ_MUST_CHECK segj_status_t segj_fixed_write_header(const segj_fixed_t *fixed, const segj_env_t *env,
                                                      const segj_io_file_t *file);

/** Bytes of records. */
static inline uint64_t segj_fixed_size(const segj_fixed_t *fixed, const segj_env_t *env)
{
    return fixed->records * env->record_size;
}

/** Bytes of an index file whose data begins at `data` and holds `records` records. */
uint64_t segj_fixed_file_size(const segj_env_t *env, uint64_t data, uint64_t records);

/** Prepares to append; the file is pinned. */
SEGJ_MUST_CHECK segj_status_t segj_fixed_wake(segj_fixed_t *fixed, segj_env_t *env);

/** Gives the memory of a written section back. Under the state lock. */
void segj_fixed_rest(segj_fixed_t *fixed, segj_env_t *env);

/** Copies bytes of the index (logical offset, at most up to `records`) that lie in one page, and in memory or the page
 *  cache; false where they do not. Under the state lock, which it keeps. */
bool segj_fixed_peek(const segj_fixed_t *fixed, const segj_env_t *env, uint64_t offset, size_t size, uint8_t *to);

/**
 * Copies bytes of the index (logical offset, at most up to `records`) to `to`: from memory, the page cache or the file.
 * Under the state lock, which it gives up while it reads: the caller holds a reference of the section and looks
 * afterwards whether it was rewound meanwhile. SEGJ_ERR_CORRUPT: a damaged page, or it was.
 */
SEGJ_MUST_CHECK segj_status_t segj_fixed_read(segj_fixed_t *fixed, segj_env_t *env, uint64_t offset, size_t size,
                                              uint8_t *to);

/** Writes W = records into the older slot; does not sync. */
SEGJ_MUST_CHECK segj_status_t segj_fixed_mark(segj_fixed_t *fixed, const segj_io_file_t *file, uint64_t records);

/** Writes W = records into both slots and syncs: what comes before any cut. */
SEGJ_MUST_CHECK segj_status_t segj_fixed_mark_cut(segj_fixed_t *fixed, const segj_io_file_t *file, uint64_t records);

/** The three steps of that, each a failure of its own. Without another number to give: starts the numbers again, with a
 *  sync. */
SEGJ_MUST_CHECK segj_status_t segj_fixed_have_numbers(segj_fixed_t *fixed, const segj_io_file_t *file);
/** Writes both slots. Where that fails W may be lower than it was, and nothing else has changed. */
SEGJ_MUST_CHECK segj_status_t segj_fixed_write_marks(const segj_fixed_t *fixed, const segj_io_file_t *file,
                                                     uint64_t records);
/** And syncs them. */
SEGJ_MUST_CHECK segj_status_t segj_fixed_sync_marks(segj_fixed_t *fixed, const segj_io_file_t *file, uint64_t records);

/** Writes W as it is into both slots, so that the next open takes nothing for granted; does not sync. */
SEGJ_MUST_CHECK segj_status_t segj_fixed_mark_again(segj_fixed_t *fixed, const segj_io_file_t *file);

/** Clears the older slot: the cut that both slots marked is durable. Does not sync. */
SEGJ_MUST_CHECK segj_status_t segj_fixed_clear_mark(segj_fixed_t *fixed, const segj_io_file_t *file);

/** Cuts the file to `records` records, in steps each durable before the next (FORMAT.md, "Pages"). The caller has
 *  marked the cut. SEGJ_ERR_CORRUPT: the page that would be the last does not hold what stays. */
SEGJ_MUST_CHECK segj_status_t segj_fixed_cut(const segj_env_t *env, const segj_io_file_t *file, uint64_t records);

#endif
