/*
 * journal/maps.h: mappings of values files, kept from one view to the next, so that a view costs no system call. A
 * file's mappings are a short list in its section; all of them are in one ring, from which those that no view uses go
 * when there are too many.
 *
 * Invariant: no byte that a view shows is cut off its file or unmapped. A change that cuts or removes a section blocks
 * its views first: that fails while a view is out, drops what is mapped, and keeps the section from being mapped until
 * it is over.
 *
 * A mapping of a file that was opened for reading may keep showing the file as it was then (journal/files.h): a section
 * that becomes active drops such mappings first.
 *
 * All functions but segj_map_release want the state lock; make and drop give it up while the storage works. But a view
 * of a section at rest is taken without it, among `viewers`. What those look at (the table of sections, whether a
 * section is being written or its views are blocked, and its list here) is changed under the state lock with the
 * viewers kept out.
 */
#ifndef SEGJ_JOURNAL_MAPS_H
#define SEGJ_JOURNAL_MAPS_H

#include <stdatomic.h>

#include "base/readers.h"
#include "base/thread.h"
#include "storage/io.h"

typedef struct segj_map {
    struct segj_map *next;          /* of the same file */
    struct segj_map *older, *newer; /* of all */
    struct segj_map **list;         /* the file's */
    uint64_t begin, end;            /* bytes of the file */
    const uint8_t *address;
    size_t size;        /* as the storage mapped it */
    bool growing;       /* shows what is written to the file later */
    atomic_uint views;  /* taken under the state lock, or among the viewers */
    atomic_bool recent; /* used since the last search for one that can go */
} segj_map_t;

typedef struct segj_maps {
    segj_state_t *state;
    const segj_storage_t *storage;
    bool on; /* wanted, and the storage can */
    size_t count;
    uint64_t bytes;
    segj_map_t *oldest, *newest;
    segj_readers_t viewers;
} segj_maps_t;

/** When a storage that refused to map a file is asked again: zeros at first. */
typedef struct segj_map_tries {
    uint32_t opening; /* of the file, that refused */
    uint16_t left;    /* views that copy before it is asked again */
    uint16_t step;    /* how many they were at first */
} segj_map_tries_t;

/** Whether a view should try to map the file, whose present opening has this number; each view that should not counts
 *  down. Under the state lock. */
SEGJ_UNDER_STATE bool segj_map_worth(segj_map_tries_t *tries, uint32_t opening);

/** Notes how the trial ended. */
SEGJ_UNDER_STATE void segj_map_tried(segj_map_tries_t *tries, uint32_t opening, bool mapped);

/** Keeps viewers (who take no state lock) out while what they look at changes. Under the state lock, which
 *  is not given up before they are let in again. */
SEGJ_UNDER_STATE static inline void segj_maps_block_readers(segj_maps_t *maps)
{
    if (maps->on)
        segj_readers_block(&maps->viewers);
}

SEGJ_UNDER_STATE static inline void segj_maps_allow_readers(segj_maps_t *maps)
{
    if (maps->on)
        segj_readers_allow(&maps->viewers);
}

/** The mapping that has these bytes of the file, with a view more; NULL: there is none. Under the state lock, or among
 *  the viewers. */
segj_map_t *segj_maps_take(segj_map_t *list, uint64_t begin, uint64_t end);

/** Maps a part of the file that has these bytes, and more of it: up to `size`, the file's, at least. The file is
 *  pinned. It stays unmapped where that fails, for whatever reason, and where *views_blocked is set when the storage is
 *  done. false: the storage has refused, or has mapped less, or there are too many mappings in use: the next view will
 *  hardly fare better. */
SEGJ_UNDER_STATE bool segj_maps_make(segj_maps_t *maps, segj_map_t **list, const segj_io_file_t *file, uint64_t begin,
                                     uint64_t end, uint64_t size, const bool *views_blocked);

/** Gives a view back. Without the state lock. */
static inline void segj_map_release(segj_map_t *map)
{
    atomic_fetch_sub(&map->views, 1);
}

bool segj_maps_viewed(const segj_map_t *list);

/** The file has been opened for writing, and has data up to `end`: what shows no more than that is unmapped, or, while
 *  a view is out, used for no more than that. */
SEGJ_UNDER_STATE void segj_maps_drop_stale(segj_maps_t *maps, segj_map_t **list, uint64_t end);

/** Unmaps a file, of which no view is out and none can be taken. */
SEGJ_UNDER_STATE void segj_maps_drop(segj_maps_t *maps, segj_map_t **list);

#endif
