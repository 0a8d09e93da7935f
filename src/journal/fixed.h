/*
 * journal/fixed.h: the index file of a section: records of fixed size in checked pages, and the watermark in its
 * header.
 *
 * The watermark W says that the first W records, and their values, were covered by a completed sync. It may lag and
 * never runs ahead (DESIGN.md, I3), so nothing waits for it: raising it is a write without a sync. Lowering it comes,
 * with a sync, before anything is cut. Commonware files have no watermark: there these calls do nothing.
 */
#ifndef SEGJ_JOURNAL_FIXED_H
#define SEGJ_JOURNAL_FIXED_H

#include "journal/shared.h"
#include "journal/header_format.h"
#include "paged/paged_blob.h"

typedef struct segj_fixed {
    segj_handle_t handle;
    segj_paged_t *tail;              /* while the section is being written, else NULL */
    _Atomic(uint64_t) records;       /* that readers see; grows without the state lock */
    _Atomic(uint64_t) durable;       /* of them, covered by a completed sync; set under the state lock */
    segj_point_t mark;               /* W as last written */
    uint64_t claimed;                /* the highest W that a slot may have, whatever the storage has answered */
    uint64_t salt;                   /* version 2 */
    segj_dictionary_id_t dictionary; /* likewise: it has a copy, after the slots */
    uint64_t untrusted;              /* version 2: what the file has from this byte of the index on is of no account */
    uint64_t cache_id;
    uint64_t activations; /* changes whenever its writing begins or ends */
    uint64_t sequence;    /* of the newest watermark slot */
    uint8_t version;      /* of the native format: 1 or 2. In version 2 the file is a cache of the values file */
    uint8_t newest_slot;  /* 0 or 1 */
    bool has_marks;       /* the file has watermark slots */
    bool mark_pending;    /* W was written and not synced */
    bool cutting;         /* its last page is being shortened in the file */
} segj_fixed_t;

void segj_fixed_init(segj_fixed_t *fixed, segj_shared_t *shared, uint64_t section);

/** Writes the header: the identity, and empty watermark slots where none was ever written; does not sync. */
SEGJ_MUST_CHECK segj_status_t segj_fixed_write_header(const segj_fixed_t *fixed, const segj_shared_t *shared,
                                                      const segj_io_file_t *file);

/** Bytes of records. */
static inline uint64_t segj_fixed_size(const segj_fixed_t *fixed, const segj_shared_t *shared)
{
    return fixed->records * shared->record_size;
}

/** Whether what the file has of a page is the page, if it is whole. */
static inline bool segj_fixed_trusts(const segj_fixed_t *fixed, const segj_shared_t *shared, uint64_t page)
{
    return page < fixed->untrusted / shared->page_size;
}

/** Bytes of an index file whose data begins at `data` and holds `records` records. */
uint64_t segj_fixed_file_size(const segj_shared_t *shared, uint64_t data, uint64_t records);

/** Prepares to append; the file is pinned. */
SEGJ_MUST_CHECK SEGJ_UNDER_CHANGE_ALONE segj_status_t segj_fixed_activate(segj_fixed_t *fixed, segj_shared_t *shared);

/** Gives the memory of a written section back. Under the state lock. */
SEGJ_UNDER_STATE void segj_fixed_deactivate(segj_fixed_t *fixed, segj_shared_t *shared);

/** Copies bytes of the index (logical offset, at most up to `records`) that lie in one page, and in memory or the page
 *  cache; false where they do not. Under the state lock, which it keeps. */
SEGJ_UNDER_STATE bool segj_fixed_peek(const segj_fixed_t *fixed, const segj_shared_t *shared, uint64_t offset,
                                      size_t size, uint8_t *to);

/**
 * Copies bytes of the index (logical offset, at most up to `records`) to `to`: from memory, the page cache or the file.
 * Under the state lock, which it gives up while it reads: the caller holds a reference of the section and looks
 * afterwards whether it was rewound since. SEGJ_ERR_CORRUPT: a damaged page, or it was.
 */
SEGJ_MUST_CHECK SEGJ_UNDER_STATE segj_status_t segj_fixed_read(segj_fixed_t *fixed, segj_shared_t *shared,
                                                               uint64_t offset, size_t size, uint8_t *to);

/** Writes a slot as it is said; does not sync. */
SEGJ_MUST_CHECK segj_status_t segj_fixed_write_slot(const segj_fixed_t *fixed, const segj_io_file_t *file,
                                                    unsigned slot, segj_point_t at, uint64_t sequence);

/** Writes W = at.records into the older slot; does not sync. */
SEGJ_MUST_CHECK segj_status_t segj_fixed_mark(segj_fixed_t *fixed, const segj_io_file_t *file, segj_point_t at);

/** Writes W = at.records into both slots and syncs: what comes before any cut. Version 2 writes the older slot alone.
 *  The other, which says as much or more, shows that a cut was begun, and is good until the values are cut. */
SEGJ_MUST_CHECK segj_status_t segj_fixed_mark_cut(segj_fixed_t *fixed, const segj_io_file_t *file, segj_point_t at);

/** The three steps of that, each a failure of its own. Without another number to give: starts the numbers again, with a
 *  sync. */
SEGJ_MUST_CHECK segj_status_t segj_fixed_have_numbers(segj_fixed_t *fixed, const segj_io_file_t *file);
/** Writes both slots (version 2: the older). Where that fails W may be lower than it was (not in version 2), and
 *  nothing else has changed. */
SEGJ_MUST_CHECK segj_status_t segj_fixed_write_marks(segj_fixed_t *fixed, const segj_io_file_t *file, segj_point_t at);
/** And syncs them. */
SEGJ_MUST_CHECK segj_status_t segj_fixed_sync_marks(segj_fixed_t *fixed, const segj_io_file_t *file, segj_point_t at);

/** Marks a cut that leaves W as it is: both slots come to say the same; does not sync. */
SEGJ_MUST_CHECK segj_status_t segj_fixed_mark_again(segj_fixed_t *fixed, const segj_io_file_t *file);

/** Clears the older slot: the cut that both slots marked is durable. Does not sync. */
SEGJ_MUST_CHECK segj_status_t segj_fixed_clear_mark(segj_fixed_t *fixed, const segj_io_file_t *file);

/** Cuts the file to `records` records, in steps each durable before the next (FORMAT.md, "Pages"). The caller has
 *  marked the cut. SEGJ_ERR_CORRUPT: the page that would be the last does not hold what stays. */
SEGJ_MUST_CHECK segj_status_t segj_fixed_cut(const segj_shared_t *shared, const segj_io_file_t *file, uint64_t records);

/** The same in two parts. The first writes the page that will be the last as it reads, and changes nothing: what can be
 *  refused for lack of space is refused there, mostly. */
SEGJ_MUST_CHECK segj_status_t segj_fixed_rewrite_last(const segj_shared_t *shared, const segj_io_file_t *file,
                                                      uint64_t records);
SEGJ_MUST_CHECK segj_status_t segj_fixed_cut_rewritten(const segj_shared_t *shared, const segj_io_file_t *file,
                                                       uint64_t records);

#endif
