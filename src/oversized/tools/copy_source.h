/*
 * oversized/tools/copy_source.h: a section that is being copied, read beside all that is done to it. Of what is durable
 * nothing changes but by a cut or a removal, which the section's generation tells.
 */
#ifndef SEGJ_OVERSIZED_TOOLS_COPY_SOURCE_H
#define SEGJ_OVERSIZED_TOOLS_COPY_SOURCE_H

#include "oversized/section/section.h"

/** Pieces in which a copy is compared with its source. */
#define SEGJ_COPY_PIECE ((size_t)64 << 10)

struct segj_copy_source;

/** How a section is read: that of a journal which is open here (copy_source.c), or the files of one that another
 *  process has open (copy_files.c). What each function does stands below. */
typedef struct segj_copy_reads {
    segj_status_t (*begin)(struct segj_copy_source *source);
    void (*end)(struct segj_copy_source *source);
    segj_status_t (*point)(const struct segj_copy_source *source, uint64_t records, segj_point_t *at);
    segj_status_t (*dictionary)(const struct segj_copy_source *source, uint8_t *to);
    segj_status_t (*values)(const struct segj_copy_source *source, uint64_t offset, void *to, size_t size);
    segj_status_t (*hand_over)(const struct segj_copy_source *source, uint64_t offset, const segj_io_file_t *to,
                               size_t size, size_t *done);
    segj_status_t (*pages)(const struct segj_copy_source *source, uint64_t first, size_t count, uint8_t *to);
    /** Version 2: whether the frame behind `before`, up to `end` of the values, is wrong in the source as it is in the
     *  copy. `memory`: two pieces. SEGJ_END: it is not. NULL: frames are not looked at, and pages are read. */
    segj_status_t (*damage)(const struct segj_copy_source *source, const segj_io_file_t *copy, segj_point_t before,
                            uint64_t end, uint8_t *memory);
} segj_copy_reads_t;

/** A section, as far as it was durable when it was looked at. */
typedef struct segj_copy_source {
    const segj_copy_reads_t *reads;
    oversized_t *journal;
    uint64_t number, generation;
    uint64_t records;
    uint64_t bytes; /* of its pages and values, for the progress */
    /* These when it is about to be copied: */
    segj_io_file_t index, values; /* what is known of the files; closed, where the journal is open here */
    uint64_t salt;
    segj_dictionary_id_t dictionary;
    uint8_t version;
    bool compressed;
    /* Of files alone: */
    bool damaged;       /* version 2: it has values that are damaged above its watermark */
    uint64_t stamp;     /* version 1: changes with each cut */
    segj_point_t noted; /* where the records end */
} segj_copy_source_t;

/* All answer SEGJ_END where the section has been cut or removed since; what was read is of no account then. */

/** Gets ready to read. */
static inline segj_status_t segj_copy_source_begin(segj_copy_source_t *source)
{
    return source->reads->begin(source);
}

/** Ends that, after a failure too. */
static inline void segj_copy_source_end(segj_copy_source_t *source)
{
    source->reads->end(source);
}

/** Where the values of the first `records` records end, and the four bytes before that (0 for no record). */
static inline segj_status_t segj_copy_source_point(const segj_copy_source_t *source, uint64_t records, segj_point_t *at)
{
    return source->reads->point(source, records, at);
}

/** Reads the section's dictionary, which it has. One that is damaged is read as it is. */
static inline segj_status_t segj_copy_source_dictionary(const segj_copy_source_t *source, uint8_t *to)
{
    return source->reads->dictionary(source, to);
}

/** Reads bytes of values: `offset` in their data. */
static inline segj_status_t segj_copy_source_values(const segj_copy_source_t *source, uint64_t offset, void *to,
                                                    size_t size)
{
    return source->reads->values(source, offset, to, size);
}

/** Has the storage copy bytes of values to the same place of a file; *done: how many, the others are to be read. */
static inline segj_status_t segj_copy_source_hand_over(const segj_copy_source_t *source, uint64_t offset,
                                                       const segj_io_file_t *to, size_t size, size_t *done)
{
    return source->reads->hand_over(source, offset, to, size, done);
}

/** Reads pages as they are to lie in a file, each whole and checked. */
static inline segj_status_t segj_copy_source_pages(const segj_copy_source_t *source, uint64_t first, size_t count,
                                                   uint8_t *to)
{
    return source->reads->pages(source, first, count, to);
}

/* Of a journal that is open here: */

/** Looks at the first section from `number` on that is there and that no removal has hidden. SEGJ_END: there is
 *  none. */
segj_status_t segj_copy_source_look(oversized_t *journal, uint64_t number, segj_copy_source_t *source);

/** Under state: notes what is durable of a section. */
void segj_copy_source_note(oversized_t *journal, const segj_section_t *section, segj_copy_source_t *source);

#endif
