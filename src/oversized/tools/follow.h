/*
 * oversized/tools/follow.h: what the sources of a follower share (segjournal/follow.h; DESIGN.md, "Followers").
 *
 * A follower reads what a writer is changing. What it shows it has read between two looks at something that every cut
 * changes first (version 1: the slots' numbers), or it is bound to what was shown before (version 2: the chain of
 * heads).
 */
#ifndef SEGJ_OVERSIZED_TOOLS_FOLLOW_H
#define SEGJ_OVERSIZED_TOOLS_FOLLOW_H

#include "journal/frame_format.h"
#include "journal/header_format.h"
#include "oversized/section/codec.h"
#include "oversized/section/journal.h"
#include "segjournal/follow.h"
#include "storage/watch.h"

/** Both slots of an index file, as they lie there. */
typedef struct segj_follow_slots {
    uint8_t bytes[2][SEGJ_SLOT_SIZE_2];
} segj_follow_slots_t;

/** A section that is followed. */
typedef struct segj_follow_section {
    uint64_t number;
    bool dirty;    /* it may have something new */
    bool listed;   /* while sections are listed */
    bool gone;     /* its partition is */
    bool told;     /* that it is gone */
    bool reopened; /* its files were closed since */
    bool orphan;   /* it was listed for its values file */
    bool alone;    /* version 2: the values file is open, and the index file missing */
    bool known;    /* its headers were read; until it is removed these hold: */
    uint8_t version;
    bool compressed;
    uint16_t page_size;
    uint32_t record_size;
    uint64_t salt;
    segj_dictionary_id_t dictionary;
    ZSTD_DDict *unpacks;          /* by it; NULL: there is none, or it was not read yet */
    segj_io_file_t index, values; /* the values are closed: its turn is long ago */
    uint64_t used;                /* when its turn was */
    /* Where it is: */
    segj_point_t at;      /* after what was shown; of version 1 the trailer is the last frame's checksum */
    uint64_t skip;        /* what comes before this record is not shown */
    uint64_t target;      /* where it begins, if `placed` is not set */
    bool placed;          /* `at` was found */
    uint32_t last;        /* version 1: checksum of the last record's bytes */
    uint64_t complete;    /* version 2: batches are whole up to here */
    segj_point_t ahead;   /* version 2: looked at already, of a batch that is not whole */
    segj_point_t *passed; /* version 2: where it was, ascending; sparse for what is long ago */
    size_t passed_count, passed_capacity;
    /* As the slots were when the windows were filled: */
    segj_follow_slots_t slots;
    uint64_t synced; /* records */
    uint64_t stamp;  /* version 1: changes with each cut */
    uint64_t limit;  /* version 1: what comes after so many records is being cut */
} segj_follow_section_t;

/** Bytes of a file, in memory. */
typedef struct segj_follow_window {
    uint8_t *bytes;
    size_t room; /* of it */
    uint64_t offset;
    size_t loaded;
    uint64_t page;  /* of an index: which was verified last; UINT64_MAX: none */
    uint32_t valid; /* bytes of it */
} segj_follow_window_t;

#define SEGJ_FOLLOW_WINDOW ((size_t)256 << 10)

struct oversized_follower {
    segj_badged_t badged;
    segj_process_word_t *word; /* 0 in a child of fork; NULL: the system is asked */
    int64_t process;
    oversized_t *journal; /* never open: partitions, and where they are */
    segj_watch_t *watch;
    bool away;   /* the partitions are not there now */
    bool relist; /* sections may have come or gone */
    bool synced_only;
    uint64_t first; /* sections below are left out */
    uint32_t max_value_size;
    segj_follow_section_t **sections; /* ascending */
    size_t count, capacity;
    size_t turn;        /* whose it is */
    size_t served;      /* records since it is */
    unsigned run;       /* records since others got the processor */
    uint64_t run_until; /* a time (segj_process_time()) before which they do not get it again */
    size_t open;        /* sections with open files */
    uint64_t turns;
    /* The windows are of one section: */
    segj_follow_section_t *shown;
    segj_follow_window_t pages, values;
    unsigned fresh;      /* how often they were filled in this call */
    uint8_t *record;     /* a record's bytes */
    size_t record_room;  /* of it */
    segj_buffer_t frame; /* one that is larger than the window */
    segj_buffer_t value; /* unpacked */
    segj_decoder_t *decoder;
    uint8_t *look_ahead; /* a window for batches; made when it is needed */
};

/* follow_alone.c */

/** Whether values, whose file is open, are to be shown though no index file was found: they have their name, and no
 *  removal takes them. */
SEGJ_MUST_CHECK segj_status_t segj_follow_alone(const oversized_follower_t *follower, const segj_io_file_t *values,
                                                bool *alone);
/* follow_section.c */

/** Opens the section's files and knows what they are. *ready: they are there, whole, and those that they were; *told:
 *  they are not those that they were, or gone, and followed says so. */
SEGJ_MUST_CHECK segj_status_t segj_follow_open(oversized_follower_t *follower, segj_follow_section_t *section,
                                               bool *ready, oversized_followed_t *followed, bool *told);
/** Whether the files have their names still; *told: they have not; !*ready: they are not whole yet. Sees what others
 *  have written until now. */
SEGJ_MUST_CHECK segj_status_t segj_follow_check(oversized_follower_t *follower, segj_follow_section_t *section,
                                                oversized_followed_t *followed, bool *told, bool *ready);
/** The section is gone: says so, and forgets it. */
void segj_follow_tell_removed(oversized_follower_t *follower, segj_follow_section_t *section,
                              oversized_followed_t *followed);
void segj_follow_close(oversized_follower_t *follower, segj_follow_section_t *section);
/** Forgets all of it, as if it had never been there. */
void segj_follow_forget(oversized_follower_t *follower, segj_follow_section_t *section);
/** Closes the files whose turn is longest ago, but for those of `shown`; false: there are none. */
bool segj_follow_give_back(void *owner);

/** Drops what the windows have. */
void segj_follow_drop(oversized_follower_t *follower);
/** Fills a window from `offset` of a file's data on. */
SEGJ_MUST_CHECK segj_status_t segj_follow_fill(segj_follow_window_t *window, const segj_io_file_t *file,
                                               uint64_t offset);
/** Bytes of a window, NULL: it does not have them all. */
const uint8_t *segj_follow_peek(const segj_follow_window_t *window, uint64_t offset, uint64_t size);
/** The bytes of a record, from the window of pages: in follower->record. */
SEGJ_MUST_CHECK segj_status_t segj_follow_record(oversized_follower_t *follower, const segj_follow_section_t *section,
                                                 uint64_t position, bool *there);
/** Reads a frame that is larger than the window, or NULL: the file does not have all of it. */
SEGJ_MUST_CHECK segj_status_t segj_follow_big_frame(oversized_follower_t *follower,
                                                    const segj_follow_section_t *section, uint64_t offset,
                                                    uint64_t size, const uint8_t **frame);
/** Whether the last frame before a point ends there, with that checksum. */
SEGJ_MUST_CHECK segj_status_t segj_follow_confirm(const segj_follow_section_t *section, segj_point_t at,
                                                  bool *confirmed);
/** Fills what is told of a record whose frame was checked; no payload: it is too large. raw: it is stored as it is. */
SEGJ_MUST_CHECK segj_status_t segj_follow_tell(oversized_follower_t *follower, segj_follow_section_t *section,
                                               oversized_location_t location, const uint8_t *payload, bool raw,
                                               oversized_followed_t *followed);

/** Whether a failure is of a record's value, which is passed over then; after any other nothing is. */
static inline bool segj_follow_is_of_value(segj_status_t status)
{
    return status == SEGJ_ERR_CHECKSUM || status == SEGJ_ERR_COMPRESSION || status == SEGJ_ERR_TOO_LARGE;
}

/* follow_place.c */

/** Reads the slots; bytes that the file does not have are zeros, and all are where there is no file. */
SEGJ_MUST_CHECK segj_status_t segj_follow_read_slots(const segj_follow_section_t *section, segj_follow_slots_t *slots);
/** What a slot says. */
segj_mark_t segj_follow_slot(const segj_follow_section_t *section, const segj_follow_slots_t *slots, unsigned slot);
/** The newest watermark; of version 2 the highest that the log confirms. */
SEGJ_MUST_CHECK segj_status_t segj_follow_mark(const segj_follow_section_t *section, const segj_follow_slots_t *slots,
                                               segj_point_t *at);
/** Where the first `records` records end, which are below a watermark. *found: the index has the last of them. */
SEGJ_MUST_CHECK segj_status_t segj_follow_point(oversized_follower_t *follower, const segj_follow_section_t *section,
                                                uint64_t records, segj_point_t *at, bool *found);
/** Puts `at` to section->target, or to the last synced record before. */
SEGJ_MUST_CHECK segj_status_t segj_follow_place(oversized_follower_t *follower, segj_follow_section_t *section);
/* follow_list.c */

/** Opens the partitions, and watches them. SEGJ_ERR_NOT_FOUND. */
SEGJ_MUST_CHECK segj_status_t segj_follow_enter_partitions(oversized_follower_t *follower);
/** Looks which sections there are. */
SEGJ_MUST_CHECK segj_status_t segj_follow_list(oversized_follower_t *follower);
/** Takes what the watch has to tell. */
void segj_follow_take(oversized_follower_t *follower);
/** NULL: it is not in the list. */
segj_follow_section_t *segj_follow_find(const oversized_follower_t *follower, uint64_t number);
/** Takes the section of a place in the list out of it, and frees it. */
void segj_follow_remove(oversized_follower_t *follower, size_t at);

/* follow_index.c, follow_log.c: the next of a section of version 1, of version 2. SEGJ_END: nothing new is there. */
SEGJ_MUST_CHECK segj_status_t segj_follow_index(oversized_follower_t *follower, segj_follow_section_t *section,
                                                oversized_followed_t *followed);
SEGJ_MUST_CHECK segj_status_t segj_follow_log(oversized_follower_t *follower, segj_follow_section_t *section,
                                              oversized_followed_t *followed);

#endif
