/*
 * oversized/section/journal.h: a journal and its sections as structures. What is done with them stands in the headers
 * beside this one.
 *
 * Life of a section:
 *
 *     (no section) --segj_section_create--> active
 *     idle --segj_section_pin_for_write, segj_section_activate--> active
 *     active --segj_section_deactivate--> idle
 *     idle, active --segj_sections_unlink--> gone; its last reference frees it (segj_section_release)
 *
 * An active section has its files pinned, its buffers in memory and its place in the list of writers; an idle one has
 * none of these (segj_section_assert_state).
 *
 * Locks. `change` is held by every change, a sync's handing over included, and guards the writer's side of sections.
 * `shared.state` guards what readers see. A sync that works on the storage holds neither; `syncing` keeps other syncs,
 * rewinds and removals of its section waiting.
 */
#ifndef SEGJ_OVERSIZED_SECTION_JOURNAL_H
#define SEGJ_OVERSIZED_SECTION_JOURNAL_H

#include "base/gate.h"
#include "journal/shared.h"
#include "journal/fixed.h"
#include "journal/glob.h"
#include "journal/lost_format.h"
#include "journal/sections.h"
#include "oversized/section/codec.h"
#include "oversized/section/tally.h"
#include "oversized/section/entrance.h"
#include "oversized/section/flusher.h"
#include "oversized/section/telling.h"
#include "oversized/section/trainer.h"
#include "segjournal/oversized.h"

struct segj_recovery_plan;

/** Bytes of the longest name of an item, with its end. */
#define SEGJ_ITEM_NAME 80

/** Where what was lost is set aside (oversized/lost/). */
typedef struct segj_quarantine {
    segj_io_partition_t partition; /* closed: there is none */
    char *name, *path;
    uint64_t limit;
    segj_loss_t *losses; /* ascending by ordinal */
    size_t count;
    struct segj_recovery_plan *gone; /* sections that were removed, and whose losses no catalogue lists yet */
    uint64_t sequence;               /* of the catalogue written last */
    unsigned newest;                 /* of the two */
    uint32_t next_ordinal;
    char (*names)[SEGJ_ITEM_NAME]; /* that segj_quarantine_look has found */
    size_t name_count;
    bool leaving;           /* it is being removed, its names are gone */
    bool catalogue_durable; /* the newest catalogue is durable */
    bool damaged;           /* neither catalogue is valid */
} segj_quarantine_t;

typedef struct segj_section {
    segj_node_t node; /* first: the table gives it back */
    segj_fixed_t index;
    segj_glob_t values;
    struct segj_section *older, *newer;    /* writers, by their last append */
    struct segj_recovery_plan *unrepaired; /* what open found no room to do, or NULL; under change */
    /* Calls that wait for its sync (group.h), under state: the last of a ring of `waiting`, and one that is about to
     * begin a sync, and lets others join first. */
    struct segj_waiter *waiters, *gatherer;
    uint32_t waiting;
    uint32_t group;                  /* calls that the last sync has covered */
    uint32_t group_time;             /* how long that took, in microseconds; 0: unknown */
    atomic_uint_fast64_t appended;   /* changes when something is appended: set under change */
    uint64_t synced;                 /* `appended` of the last completed sync */
    uint64_t synced_size;            /* of the values that are durable; under state */
    uint64_t handed;                 /* `appended` of what the last sync or flush has handed to the storage */
    segj_point_t known, cursor;      /* version 2: where a walk over its frames may begin: known for good, and where one
                                        has ended; under state */
    uint64_t name_epoch;             /* when its names were made, on the journal's count; 0: durable */
    atomic_uint_fast64_t generation; /* a number of its own, a new one whenever records go away; set under state */
    uint64_t dictionary_stamp;       /* of its dictionary in the journal's list; under state */
    uint64_t born_with;              /* the same when it was made, by this journal; under change */
    uint32_t dictionary_slot;        /* its place there; under state */
    atomic_uint references;          /* readers and waiting syncs, and one while it is there; taken under state */
    atomic_bool removed;             /* set under state */
    atomic_bool dictionary_lost;     /* it is damaged in both files */
    bool dictionary_checked;         /* both files have it; under change */
    uint8_t trainings;               /* how often the trainer was asked to look at it; under state */
    bool active;
    bool syncing;   /* a sync or a flush works on it; under state */
    bool inherited; /* commonware: open has left it as it was, and it may not be durable; under change */
    bool sound;     /* commonware: no damaged page has others after it; false: not looked for. Under change */
    bool streaming; /* a value is being streamed in: nothing else may change it; under change */
} segj_section_t;

/** Repairs a section that open could not repair for lack of space; there is room for a writer's files. Under change,
 *  without state. */
typedef segj_status_t segj_repair_t(oversized_t *journal, segj_section_t *section);

/** How far a removal of sections is. */
typedef enum segj_removal_stage {
    SEGJ_REMOVAL_BEGINS, /* nothing is removed yet */
    SEGJ_REMOVAL_DONE,
    SEGJ_REMOVAL_UNDONE /* nothing was removed, and the sections stay */
} segj_removal_stage_t;

/** Notes what sections had lost that are removed (lost/gone.h). Under change, without state. */
typedef void segj_note_gone_t(oversized_t *journal, segj_section_t *const *sections, size_t count,
                              segj_removal_stage_t stage);

struct oversized {
    segj_entrance_t entrance; /* first: what a handle leads to begins with its mark */
    segj_shared_t shared;
    segj_gate_t change;
    segj_sections_t sections;        /* under state */
    segj_section_t *oldest, *newest; /* writers, under change */
    uint32_t writers;
    bool names_inherited;             /* values files that an earlier process removed may come back: under change */
    size_t unrepaired;                /* sections that open could not repair: under change */
    struct segj_recovery_plan *plans; /* where theirs are; NULL: there are none */
    segj_repair_t *repair;            /* repairs one of them: open's (open/repair.h) */
    segj_note_gone_t *note_gone;      /* of such that are removed instead: the quarantine's */
    segj_quarantine_t quarantine;     /* of what was lost: under change */
    uint64_t names_made;              /* under change */
    uint64_t index_named;             /* so many of them are durable in the index partition: under change */
    uint64_t names_synced;            /* under state */
    uint64_t generations;             /* under state: given out so far */
    atomic_uint_fast64_t calls;       /* of sync, flush and prune under way, which close waits for (section.c) */
    uint64_t prune_line;              /* under state */
    size_t hidden;                    /* under state: sections of a removal that may still come back */
    bool removing;                    /* under state: a removal is under way */
    atomic_uint_fast64_t removals;    /* changes with every rewind and removal; a replay looks at its section then */
    segj_codec_t codec;
    struct segj_value_cache *value_cache; /* of unpacked values (read/value_cache.h); NULL: none */
    segj_flusher_t flusher;               /* of syncs */
    segj_trainer_t trainer;               /* of dictionaries */
    segj_tally_t tally;
    uint32_t entry_size, max_value_size;
    uint8_t *record; /* of the append under way: under change */
    bool read_only;
    bool verify_tail; /* commonware: open verifies a section's last value */
    bool cut_holes;   /* commonware: open ends a section before a damaged page that has others after it */
    bool newer;       /* commonware: a release since 2026.9.0 has been at work there */
    oversized_recovery_t recovery;
    segj_telling_t *telling; /* of the open under way; NULL: there is none, or it has no progress function */
    segj_storage_t storage;  /* the copy that is used */
    char *directory, *index_name, *value_name;
};

#endif
