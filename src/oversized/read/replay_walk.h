/*
 * oversized/read/replay_walk.h: a walk, as replay.c, which gives its records, and replay_value.c, which gives their
 * values, see it.
 */
#ifndef SEGJ_OVERSIZED_READ_REPLAY_WALK_H
#define SEGJ_OVERSIZED_READ_REPLAY_WALK_H

#include "oversized/read/frames.h"
#include "oversized/read/replay.h"

/** A section of the walk, as it was when the walk began. */
typedef struct segj_target {
    uint64_t section, records;
    uint64_t generation;
} segj_target_t;

struct oversized_replay {
    segj_lease_t lease; /* first */
    oversized_t *journal;
    segj_target_t *targets;
    size_t count, at;  /* targets, and the one we are in */
    uint64_t section;  /* its number */
    uint64_t position; /* the next record there; none when it is not below the section's count */
    uint64_t step;     /* from one position to the next: 1; UINT64_MAX backwards, which follows 0 with no position */
    ptrdiff_t stride;  /* from one record of a run to the next, in bytes */
    bool back;
    uint64_t removals; /* of the journal, when the section was looked at last */
    uint8_t *pages;    /* physical pages */
    uint16_t *lengths; /* valid bytes of each */
    size_t capacity, loaded;
    uint64_t first; /* number of the first page */
    uint16_t valid; /* bytes of the page that was found damaged last: it may be good at an earlier length */
    uint8_t *record;
    uint32_t record_size, entry_size;
    const uint8_t *run;   /* the next records, where they lie back to back in a page */
    size_t run_left;      /* none once the walk is broken */
    segj_status_t broken; /* the walk cannot continue */

    /* Values: what was read of the section's frames. */
    const uint8_t *given; /* the record that oversized_replay_next has given, of the section at `at`; or NULL */
    oversized_location_t location; /* its value's, once that was asked for */
    size_t most_ahead;
    segj_buffer_t ahead;
    segj_io_file_t ahead_file; /* its name and place, not open */
    uint64_t ahead_begin;      /* offset of its first byte */
    size_t ahead_size;
    bool ahead_compressed;
    bool ahead_dictionary; /* and it has a dictionary */
    uint64_t ahead_generation;
    uint64_t asked_begin, asked_end; /* of the frame asked for last, in that generation */
    segj_buffer_t value;             /* unpacked */
};

/** Ends the walk: what is asked of it from now on fails with `why`. */
void segj_replay_break_off(oversized_replay_t *replay, segj_status_t why);

/** The section that the walk is in, as it was when the walk began: SEGJ_ERR_PRUNED, SEGJ_ERR_NO_RECORD. Under state. */
SEGJ_MUST_CHECK SEGJ_UNDER_STATE segj_status_t segj_replay_section(oversized_replay_t *replay,
                                                                   segj_section_t **section);

#endif
