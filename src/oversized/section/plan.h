/*
 * oversized/section/plan.h: what open has decided about a section, and what of that is done. Open makes plans
 * (open/verdict.h) and carries them out (open/repair.h); one that found no room stays with its section until there is
 * some.
 */
#ifndef SEGJ_OVERSIZED_SECTION_PLAN_H
#define SEGJ_OVERSIZED_SECTION_PLAN_H

#include "journal/holes.h"
#include "oversized/section/journal.h"

/** A section's verdict. */
typedef struct segj_recovery_plan {
    uint64_t number;
    segj_section_t *section;  /* owned until it is adopted */
    uint64_t index_size;      /* of the files as found */
    uint64_t value_size;      /* 0: missing */
    segj_mark_t marks[2];     /* as found */
    uint64_t watermark;       /* W as found */
    uint64_t records_on_disk; /* whole records that the index has, readable or not */
    uint64_t records, end;    /* what stays */
    uint32_t trailer;         /* version 2: the checksum of the last frame that stays */
    uint64_t watermark_end;   /* where the values of the first W records end; of those that stay where they are fewer */
    uint64_t bound;           /* where `bounded`: records beyond this number are not wanted */
    segj_point_t begin;       /* version 2: the frames up to here are trusted by W; the walk has begun here */
    segj_point_t anchor;      /* version 2: so many records are wholly in pages of the index that are trusted */
    uint64_t index_bytes;     /* version 2: and so many bytes of it; what follows is made again from the frames */
    uint64_t damaged; /* version 2: values that were durable, and are damaged, among those that were walked over */
    uint64_t damaged_first; /* the first of these */
    uint64_t waived;        /* synced records that are gone, and that a checkpoint does without */
    segj_loss_t gone;       /* what went, or goes, with the section's files, of one whose loss is still to be noted */
    struct segj_recovery_plan *next_gone; /* of those */
    segj_hole_t hole;                     /* commonware: where open has looked for one */
    uint16_t last_length;                 /* valid bytes of the last page that stays */
    bool value_there;                     /* the values file is listed */
    bool index_missing;                   /* version 2: the index file is not, and is made again */
    bool keep;                     /* its files stay open where it is clean: it is the newest, and will be wanted */
    bool index_valid, value_valid; /* the headers are */
    bool index_whole, value_whole; /* and so is what lies after their fields */
    bool undo_dictionary;          /* its creation was cut off while its dictionary was written: it gets none */
    bool other_dictionary;         /* the values file, without data, speaks of one that the index does not know */
    bool cut_index;                /* something lies after the records that stay */
    bool cut;                      /* or after their values */
    uint64_t mark_pad;             /* bytes of zeros after W that end a sector */
    uint64_t pad;                  /* these, where the section ends there: they stay */
    bool confirmed;                /* version 2: the values file ends a frame where W says */
    bool within_batch;             /* version 2: a checkpoint has cut a batch above W in its middle */
    bool clean;                    /* open has nothing to do */
    bool remove;                   /* a checkpoint does without it */
    bool restored;                 /* a checkpoint has shortened it */
    bool bounded;                  /* it is the last one that a bound lets open look at */
    bool noted;                    /* what it has lost is set aside, and in the catalogue */
    bool going;                    /* it was noted because the section's files are about to go */
    bool adopted;                  /* the section is in the table */
    bool begun;                    /* its repair has changed something */
    bool durable;                  /* it has been made durable */
    bool doubtful;                 /* a sync of it may have failed: what it was for is written again */
    bool values_made;              /* by its repair, and its name is durable when that has ended */
} segj_recovery_plan_t;

/** Says whether the plan loses records that were synced. */
static inline uint64_t segj_plan_lost(const segj_recovery_plan_t *plan)
{
    return plan->records < plan->watermark ? plan->watermark - plan->records : 0;
}

/** Synced records that are gone, but for those that a checkpoint or a bound does without. */
static inline uint64_t segj_plan_unwanted_loss(const segj_recovery_plan_t *plan)
{
    uint64_t wanted = plan->bounded && plan->bound < plan->watermark ? plan->bound : plan->watermark;
    return plan->remove || plan->restored || plan->records >= wanted ? 0 : wanted - plan->records;
}

#endif
