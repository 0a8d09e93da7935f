/*
 * oversized/journal.h: a journal and its sections, and what the sources of this folder call of each other. Ways to read
 * share frames.h and view.h besides, and the sources of open recover.h and scan.h.
 *
 * Life of a section:  idle --wake--> written --rest--> idle;  either --remove--> gone (freed by its last reference).
 * A written section has its files pinned, its buffers in memory and its place in the list of writers.
 *
 * Locks. `change` is held by every change, a sync's handing over included, and guards the writer's side of sections.
 * `env.state` guards what readers see. A sync that works on the storage holds neither; `syncing` keeps other syncs,
 * rewinds and removals of its section waiting.
 */
#ifndef SEGJ_OVERSIZED_JOURNAL_H
#define SEGJ_OVERSIZED_JOURNAL_H

#include "journal/env.h"
#include "journal/fixed.h"
#include "journal/glob.h"
#include "journal/lost_format.h"
#include "journal/sections.h"
#include "oversized/codec.h"
#include "oversized/entrance.h"
#include "oversized/flusher.h"
#include "segjournal/oversized.h"

struct segj_plan;

/** Longer names are none of the library's. */
#define SEGJ_ITEM_NAME 80

/** Where what was lost is set aside (quarantine.c). */
typedef struct segj_quarantine {
    segj_part_t part; /* closed: there is none */
    char *name, *path;
    uint64_t limit;
    segj_loss_t *losses; /* ascending by ordinal */
    size_t count;
    uint64_t sequence; /* of the catalogue written last */
    unsigned newest;   /* of the two */
    uint32_t next_ordinal;
    char (*names)[SEGJ_ITEM_NAME]; /* that segj_quarantine_look has found */
    size_t name_count;
    bool leaving; /* it is being removed, its names are gone */
    bool settled; /* the newest catalogue is durable */
    bool damaged; /* neither catalogue is valid */
} segj_quarantine_t;

typedef struct segj_section {
    segj_node_t node; /* first: the table gives it back */
    segj_fixed_t index;
    segj_glob_t values;
    struct segj_section *older, *newer; /* writers, by their last append */
    struct segj_plan *unrepaired;       /* what open found no room to do, or NULL; under change */
    uint64_t appended;                  /* changes when something is appended: under change */
    uint64_t synced;                    /* `appended` of the last completed sync */
    uint64_t handed;                    /* `appended` of what the last sync or flush has handed to the storage */
    uint64_t name;                      /* when its names were made, on the journal's count; 0: durable */
    atomic_uint_fast64_t generation;    /* a number of its own, a new one whenever records go away; set under state */
    atomic_uint references;             /* readers and waiting syncs, and one while it is there; taken under state */
    atomic_bool removed;                /* set under state */
    bool written;
    bool syncing;   /* a sync or a flush works on it; under state */
    bool inherited; /* commonware: open has left it as it was, and it may not be durable; under change */
    bool streaming; /* a value is being streamed in: nothing else may change it; under change */
} segj_section_t;

struct oversized {
    segj_entrance_t entrance; /* first: what a handle leads to begins with its mark */
    segj_env_t env;
    segj_mutex_t change;
    segj_sections_t sections;        /* under state */
    segj_section_t *oldest, *newest; /* writers, under change */
    uint32_t writers;
    bool names_inherited;          /* values files that an earlier process removed may come back: under change */
    size_t unrepaired;             /* sections that open could not repair: under change */
    struct segj_plan *plans;       /* where theirs are; NULL: there are none */
    segj_quarantine_t quarantine;  /* of what was lost: under change */
    uint64_t names_made;           /* under change */
    uint64_t names_synced;         /* under state */
    uint64_t generations;          /* under state: given out so far */
    uint64_t syncs;                /* under state: calls of sync, flush and prune under way, which close waits for */
    uint64_t prune_line;           /* under state */
    size_t hidden;                 /* under state: sections of a removal that may still come back */
    bool removing;                 /* under state: a removal is under way */
    atomic_uint_fast64_t removals; /* changes with every rewind and removal; a replay looks at its section then */
    segj_codec_t codec;
    segj_flusher_t flusher; /* of syncs */
    uint32_t entry_size, max_value_size;
    uint8_t *record; /* of the append under way: under change */
    bool read_only;
    bool verify_tail; /* commonware: open verifies a section's last value */
    oversized_recovery_t recovery;
    segj_storage_t storage; /* the copy that env uses */
    char *directory, *index_name, *value_name;
};

/* oversized.c */
segj_section_t *segj_journal_find(const oversized_t *journal, uint64_t section); /**< or NULL; under state */
/** Finds a section, or answers as segj_journal_missing. Under state. */
SEGJ_MUST_CHECK segj_status_t segj_journal_require(const oversized_t *journal, uint64_t number,
                                                   segj_section_t **section);
/** SEGJ_ERR_PRUNED or SEGJ_ERR_NO_SECTION for a section that is not there. Under state. */
segj_status_t segj_journal_missing(const oversized_t *journal, uint64_t section);
/** What forbids any change: SEGJ_ERR_READ_ONLY, SEGJ_ERR_POISONED, or SEGJ_OK. */
segj_status_t segj_journal_changeable(const oversized_t *journal);
void segj_section_acquire(segj_section_t *section); /**< under state */
/** Gives the reference back; frees a section that is gone. Under state, which it may give up. */
void segj_section_release(oversized_t *journal, segj_section_t *section);
/** The same without the state lock. */
void segj_section_let_go(oversized_t *journal, segj_section_t *section);
/** Whether records have gone since the section had this generation. Who has read without the state lock asks when it
 *  has let go of what it read from, which keeps its reading before the question. */
static inline bool segj_section_changed(const segj_section_t *section, uint64_t generation)
{
    return atomic_load(&section->generation) != generation || atomic_load(&section->removed);
}
segj_status_t segj_section_new(oversized_t *journal, uint64_t number, segj_section_t **made);
void segj_journal_free(oversized_t *journal);

/* child.c */
/** Frees what this process, a child of fork, has of the parent's journal. Waits for nothing, touches no file. */
void segj_journal_forsake(oversized_t *journal);

/* writers.c; all under change, and not under state */
/** Pins an idle section's files, as a writer; makes room for them first. Its last page is not read: who
 *  appends wakes the index besides, who cuts may be about to take a damaged page away. */
segj_status_t segj_section_hold(oversized_t *journal, segj_section_t *section);
/** The same without making room, which may want a sync of another section: for a change that lets go of the section,
 *  where it was idle, before it ends. Readers wait for the two descriptors meanwhile. */
segj_status_t segj_section_hold_briefly(oversized_t *journal, segj_section_t *section);
/** A part's give_back, of a journal: what nobody uses, and where that is nothing, and no change is under way, the
 *  section written to longest ago. Without locks, or under change. */
bool segj_journal_give_back(void *journal);
/** Makes an idle section durable that open could not repair, or whose records a process before may have left without a
 *  sync. */
segj_status_t segj_section_settle_inherited(oversized_t *journal, segj_section_t *section);
/** Repairs a section that open could not repair for lack of space; there is room for a writer's files. In repair.c;
 *  under change, without state. */
segj_status_t segj_section_repair(oversized_t *journal, segj_section_t *section);
/** The same, and its index is ready to append to. */
segj_status_t segj_section_wake(oversized_t *journal, segj_section_t *section);
/** Gives its buffers and descriptors back, written or not. No sync under way. */
void segj_section_rest(oversized_t *journal, segj_section_t *section);
/** Makes both files of a section and wakes it. Readers find it once the table holds it, for which there is room. */
segj_status_t segj_section_create(oversized_t *journal, uint64_t number, segj_section_t **created);
/** Puts a section that was made into the table, where readers find it. */
void segj_section_show(oversized_t *journal, segj_section_t *section);
/** Takes a creation back: a section whose first append failed has never been there. Keeps the thread's sentence. */
void segj_section_discard(oversized_t *journal, segj_section_t *section);
/** Write memory is exceeded: sections write what they hold, those written to longest ago first; where that is not
 *  enough they are synced and rest, `keep` (or NULL) excepted. */
segj_status_t segj_journal_relieve(oversized_t *journal, const segj_section_t *keep);

/* append.c */
/** Puts a record, for which there is room, in place behind the others. Under change, without state. */
void segj_section_put(oversized_t *journal, segj_section_t *section, const void *entry, oversized_location_t location);
/** Shows the last `count` records, which are in place with their values, to readers; gives the first one's position.
 *  Under change, without state. */
uint64_t segj_section_publish(oversized_t *journal, segj_section_t *section, uint64_t count);

/* quarantine.c */
/** Finds what segj_quarantine_remove will remove: for that memory is wanted, and must be there before anything goes. */
SEGJ_MUST_CHECK segj_status_t segj_quarantine_look(oversized_t *journal);
/** Removes the quarantine, durably but for its partition's name. */
SEGJ_MUST_CHECK segj_status_t segj_quarantine_remove(oversized_t *journal);
void segj_quarantine_free(oversized_t *journal);

/* sync.c; without locks */
/** Begins a call that works on the storage without the change lock. Close waits for its end, which is the last that the
 *  call does with the journal. */
void segj_journal_enter(oversized_t *journal);
void segj_journal_leave(oversized_t *journal);
/** Waits until no such call is under way. */
void segj_journal_settle(oversized_t *journal);

/* sync.c; all under change, and not under state */
/** Finds the section that is to be synced, with a reference of it that is given back in any case; NULL: there is none,
 *  and nothing to do. */
segj_status_t segj_section_to_sync(oversized_t *journal, uint64_t number, segj_section_t **section);
/** Waits while a sync or a flush works on the section, and gives `change` up meanwhile. *covered: what is `reached`, a
 *  count of the section's under state, is `target`, or the section is gone; then nothing is to be done. */
segj_status_t segj_section_await(oversized_t *journal, segj_section_t *section, const uint64_t *reached,
                                 uint64_t target, bool *covered);
/** Waits until no sync works on the section. */
void segj_section_settle(oversized_t *journal, segj_section_t *section);
/** Cuts, durably, what an append that failed has left behind the end of the values; nothing where nothing did. */
segj_status_t segj_section_mend(oversized_t *journal, segj_section_t *section);
/** Makes the section's names durable, where no sync has done so yet. */
segj_status_t segj_section_sync_names(oversized_t *journal, segj_section_t *section);
/** Makes the section durable as it stands. */
segj_status_t segj_section_sync(oversized_t *journal, segj_section_t *section);
/** Puts behind the sentence of a sync or a flush that found no space what a rewind can do without any, and answers
 *  SEGJ_ERR_NO_SPACE; the sentence stays as it is where the journal is poisoned. */
segj_status_t segj_section_fail_room(oversized_t *journal, const segj_section_t *section);
/** Makes the section durable, and writes W too; *durably*: and synced. */
segj_status_t segj_section_retire(oversized_t *journal, segj_section_t *section, bool durably);

/* view.c; under state, the viewers kept out */
/** Keeps the section's values from being shown where they are, so that they can be cut or removed; SEGJ_ERR_BUSY while
 *  a view is out. */
SEGJ_MUST_CHECK segj_status_t segj_section_bar(segj_section_t *section);
void segj_section_unbar(segj_section_t *section);

/* remove.c; under change */
/** Waits until no prune is under way, and gives `change` up meanwhile. */
void segj_journal_await_removal(oversized_t *journal);
/** Removes order[first] to order[last - 1] of the table. No prune is under way. */
segj_status_t segj_sections_unlink(oversized_t *journal, size_t first, size_t last);

#endif
