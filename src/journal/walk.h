/*
 * journal/walk.h: a walk over the frames of a values file of version 2, head by head: how open finds the records that
 * the index does not have yet, and how index pages are made again. Every failed read is a failure: nothing here
 * mistakes one for the end.
 */
#ifndef SEGJ_JOURNAL_WALK_H
#define SEGJ_JOURNAL_WALK_H

#include "journal/frame_format.h"
#include "journal/header_format.h"
#include "storage/io.h"

typedef struct segj_walk {
    const segj_io_file_t *file; /* borrowed, open */
    uint64_t size;              /* bytes of data that there are */
    segj_point_t at;            /* the frames that were passed */
    uint8_t *window;            /* borrowed */
    size_t capacity;            /* of it; a head and its trailer, or more */
    uint32_t bound;             /* checksum of the file's binding */
    uint32_t begun;             /* and of the place of the frame that was looked at */
    bool raw;                   /* that frame is stored raw */
    uint64_t window_offset;
    size_t window_loaded;
} segj_walk_t;

/** Begins a walk at a point. */
static inline segj_walk_t segj_walk_begin(const segj_io_file_t *file, uint64_t size, segj_point_t at, uint8_t *window,
                                          size_t capacity)
{
    return (segj_walk_t){.file = file,
                         .size = size,
                         .at = at,
                         .window = window,
                         .capacity = capacity,
                         .bound = segj_crc32_of_number(0, file->binding)};
}

/** Looks at the next frame's head. *there: there is one, of a frame that lies within the data. head->entry is in the
 *  window, and is valid until the walk continues. */
SEGJ_MUST_CHECK segj_status_t segj_walk_look(segj_walk_t *walk, segj_head_t *head, oversized_location_t *location,
                                             bool *there);

/** Goes past the frame that was looked at; verify: reads its payload. *right: that has its checksum; true where it was
 *  not read. */
SEGJ_MUST_CHECK segj_status_t segj_walk_pass(segj_walk_t *walk, oversized_location_t location, bool verify,
                                             bool *right);

/** Looks at the next frame and goes past it, its payload read, where it is right, is not raw and lies in the window as a
 *  whole. head->entry is valid until the walk continues. False: nothing was done, and the other calls tell more. */
bool segj_walk_quickly(segj_walk_t *walk, segj_head_t *head);

/** Whether the last frame before a point ends there, with the checksum that the point says. */
SEGJ_MUST_CHECK segj_status_t segj_walk_confirm(const segj_io_file_t *file, uint64_t size, segj_point_t at,
                                                bool *confirmed);

#endif
