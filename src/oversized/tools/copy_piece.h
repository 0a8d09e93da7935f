/*
 * oversized/tools/copy_piece.h: a section that is being copied, as what judges the earlier copy of it and what writes
 * the new one see it.
 */
#ifndef SEGJ_OVERSIZED_TOOLS_COPY_PIECE_H
#define SEGJ_OVERSIZED_TOOLS_COPY_PIECE_H

#include "base/bytes.h"
#include "oversized/tools/copy_section.h"

/** A section that is being copied. */
typedef struct segj_copy_piece {
    segj_copying_t *copying;
    const segj_copy_source_t *source;
    const segj_shared_t *shared;
    segj_io_file_t index, values; /* of the copy; open, or closed */
    uint64_t index_size, values_size;
    segj_mark_t mark;  /* of the copy: the one that counts */
    unsigned slot;     /* where that is */
    segj_point_t kept; /* what of the copy stays */
    segj_point_t end;  /* what it is to have */
} segj_copy_piece_t;

/** Opens the section's files in the copy. *there: both. */
segj_status_t segj_copy_piece_open(segj_copy_piece_t *piece, bool *there);

/** What of the copy's section stays; *sound: something, or nothing of an empty one. */
segj_status_t segj_copy_piece_judge(segj_copy_piece_t *piece, bool *sound);

/** Of a section of version 2 that is read from files: whether the copy's page in which the kept records end has
 *  them. */
segj_status_t segj_copy_piece_has_page(const segj_copy_piece_t *piece, bool *has);

/** Likewise: checks the frames that were written behind those that are kept, and makes the pages of the index from
 *  them. SEGJ_END: they are not those that the section had, because it was cut meanwhile. */
segj_status_t segj_copy_piece_frames(const segj_copy_piece_t *piece);

/** So many bytes are done. SEGJ_ERR_CANCELLED ends the copy. */
static inline segj_status_t segj_copy_tell(const segj_copy_piece_t *piece, uint64_t bytes)
{
    piece->copying->bytes_done += bytes;
    return piece->copying->told(piece->copying);
}

/** A number of pages that fits a window. */
static inline size_t segj_copy_pages_of_window(const segj_shared_t *shared, uint64_t left)
{
    return (size_t)segj_min_u64(left, SEGJ_COPY_WINDOW / segj_page_physical(shared->page_size));
}

/** The pages that so many records take. */
static inline uint64_t segj_copy_page_count(const segj_shared_t *shared, uint64_t records)
{
    return segj_fixed_file_size(shared, 0, records) / segj_page_physical(shared->page_size);
}

#endif
