/*
 * paged/paged_blob.h: the end of an index file that is being written: records go in as bytes, checked pages come out.
 *
 * Invariants (FORMAT.md, "Pages"; DESIGN.md, I5 to I8):
 *   - the bytes of the last, partial page are in memory as long as the section is being written, in the live buffer;
 *   - appends write full pages only; a partial page is written by a sync or a flush alone;
 *   - the slot of a page's last synced state is written again as it was; only a completed sync changes which one that
 *   is;
 *   - a partial page that a sync or a flush has taken over is not written until that has ended (`flight_page`).
 *
 * Locks: reserve, put, place, took, roll_back, drain and capture by the holder of the change lock; peek and finish under
 * the state lock; write by the sync that has captured, without a lock. Readers ask for no more bytes than they were told
 * of after the put.
 */
#ifndef SEGJ_PAGED_PAGED_BLOB_H
#define SEGJ_PAGED_PAGED_BLOB_H

#include "paged/page_format.h"
#include "paged/write_buffer.h"
#include "storage/io.h"

#define SEGJ_NO_PAGE UINT64_MAX

typedef struct segj_paged {
    uint64_t binding; /* the file's */
    uint64_t length;  /* logical bytes */
    size_t partial;   /* of them, in the last page: length % page_size */
    segj_chain_t chain;
    uint64_t synced_page; /* the page that `synced` speaks of, or SEGJ_NO_PAGE */
    segj_page_state_t synced;
    uint64_t flight_page;
    uint16_t page_size;
    segj_checksum_kind_t checksum;
    segj_io_behind_t behind; /* of what appends have written: the change lock's */
} segj_paged_t;

/** What a sync has taken over. */
typedef struct segj_paged_capture {
    segj_write_buffer_t *first; /* linked by ->captured; NULL: nothing to write */
    uint64_t tail_page;         /* the partial page at their end, or SEGJ_NO_PAGE */
    uint16_t tail_length;
    uint64_t synced_page;
    segj_page_state_t synced;
    segj_page_state_t tail; /* what the write has made of the tail page */
    bool quiet;             /* the storage is not asked to begin with its write-back */
} segj_paged_capture_t;

/** The capacity, in bytes, of a buffer that holds a partial page and one record, and `wanted` bytes where that is
 *  more. */
size_t segj_paged_capacity(uint16_t page_size, size_t record_size, size_t wanted);

/** Prepares to append after `length` bytes: reads the partial last page, whose state must say just that length. */
SEGJ_MUST_CHECK SEGJ_WITHOUT_STATE segj_status_t segj_paged_open(segj_paged_t *paged, segj_pool_t *pool,
                                                                 const segj_io_file_t *file, uint16_t page_size,
                                                                 segj_checksum_kind_t checksum, uint64_t length);

/** The same where the last page's bytes, so many as there are of it, are given. What the file has of it is of no
 *  account. */
SEGJ_MUST_CHECK SEGJ_WITHOUT_STATE segj_status_t segj_paged_open_with(segj_paged_t *paged, segj_pool_t *pool,
                                                                      const segj_io_file_t *file, uint16_t page_size,
                                                                      segj_checksum_kind_t checksum, uint64_t length,
                                                                      const uint8_t *partial);

/** Frees the buffers, written or not. Under the state lock. */
SEGJ_UNDER_STATE void segj_paged_discard(segj_paged_t *paged, segj_pool_t *pool);

/** Makes room for `size` bytes; writes full pages when there is none, and takes a larger buffer than the largest where
 *  that is not enough. */
SEGJ_MUST_CHECK SEGJ_UNDER_CHANGE_ALONE segj_status_t segj_paged_reserve(segj_paged_t *paged, segj_pool_t *pool,
                                                                         const segj_io_file_t *file, size_t size);

/** Appends reserved bytes. */
SEGJ_UNDER_CHANGE void segj_paged_put(segj_paged_t *paged, const uint8_t *bytes, size_t size);

/** Where `size` reserved bytes may be written in place, before segj_paged_took() appends them. NULL: they would not
 *  lie within the last page, or fill it, and are put. */
SEGJ_UNDER_CHANGE static inline uint8_t *segj_paged_place(const segj_paged_t *paged, size_t size)
{
    segj_write_buffer_t *live = paged->chain.last;
    if (paged->partial == 0 || size >= paged->page_size - paged->partial)
        return NULL;
    size_t page = atomic_load_explicit(&live->size, memory_order_relaxed) - segj_page_physical(paged->page_size);
    return live->data + page + paged->partial;
}

SEGJ_UNDER_CHANGE static inline void segj_paged_took(segj_paged_t *paged, size_t size)
{
    paged->length += size;
    paged->partial += size;
}

/** Takes the last `size` bytes back, all of them put since the last reserve, and not published. */
SEGJ_UNDER_CHANGE void segj_paged_roll_back(segj_paged_t *paged, size_t size);

/** Cuts what is in memory to `length` bytes of the index, of which no sync works on any: the last page continues from
 *  there, whatever the file has. `partial`: what that page has, where it is not in memory. Under the state lock. */
SEGJ_UNDER_STATE void segj_paged_cut(segj_paged_t *paged, segj_pool_t *pool, uint64_t length, const uint8_t *partial);

/** Narrows the pages from *first to before *end to those around `page`, which is one of them and not in memory, that are
 *  not in memory either. Under the state lock. */
SEGJ_UNDER_STATE void segj_paged_around(const segj_paged_t *paged, uint64_t page, uint64_t *first, uint64_t *end);

/** Copies bytes of a page that is in memory; false where it is not. Under the state lock. */
SEGJ_UNDER_STATE bool segj_paged_peek(const segj_paged_t *paged, uint64_t page, size_t from, size_t size, uint8_t *to);

/** Writes all full pages that no sync has taken over. lean: gives all memory back that is not needed now. */
SEGJ_MUST_CHECK SEGJ_UNDER_CHANGE_ALONE segj_status_t segj_paged_drain(segj_paged_t *paged, segj_pool_t *pool,
                                                                       const segj_io_file_t *file, bool lean);

/** What a sync has taken over that leaves the index alone. */
static inline segj_paged_capture_t segj_paged_capture_nothing(void)
{
    return (segj_paged_capture_t){.tail_page = SEGJ_NO_PAGE, .synced_page = SEGJ_NO_PAGE};
}

/** Takes everything over for a sync or a flush. Call without the state lock. */
SEGJ_MUST_CHECK SEGJ_UNDER_CHANGE_ALONE segj_status_t segj_paged_capture(segj_paged_t *paged, segj_pool_t *pool,
                                                                         segj_paged_capture_t *capture);

SEGJ_MUST_CHECK segj_status_t segj_paged_write(const segj_paged_t *paged, const segj_io_file_t *file,
                                               segj_paged_capture_t *capture);

/** Ends a flush, which has written everything captured and synced nothing. Under the state lock. */
SEGJ_UNDER_STATE void segj_paged_hand_over(segj_paged_t *paged, segj_pool_t *pool, const segj_paged_capture_t *capture);

/** Ends a sync, or a flush that has failed. Under the state lock. synced: everything captured is durable; otherwise it
 *  waits for the next one. */
SEGJ_UNDER_STATE void segj_paged_finish(segj_paged_t *paged, segj_pool_t *pool, const segj_paged_capture_t *capture,
                                        bool synced);

#endif
