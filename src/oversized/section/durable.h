/*
 * oversized/section/durable.h: making a section durable. All under change, and not under state, where nothing else is
 * said.
 */
#ifndef SEGJ_OVERSIZED_SECTION_DURABLE_H
#define SEGJ_OVERSIZED_SECTION_DURABLE_H

#include "oversized/section/section.h"

/** What a sync has taken over. */
typedef struct segj_capture {
    segj_paged_capture_t index;
    segj_glob_capture_t values;
    uint64_t appended, records, size, name_epoch, names;
    uint64_t time;      /* that it took, in nanoseconds; 0: for a call that waits for no others */
    uint64_t took;      /* the same, always */
    uint32_t trailer;   /* version 2: the checksum of the last frame */
    bool with_index;    /* the index is written too; of version 1 always */
    bool index_durable; /* it was, and what it has is durable */
    bool index_named;   /* the names of the index files that there are were durable before */
    bool values_written;
} segj_capture_t;

/** Whether a sync would find nothing to do. */
static inline bool segj_section_is_clean(const segj_section_t *section)
{
    return !section->active || segj_section_appended(section) == section->synced;
}

/** The three steps of a sync. Takes over what the section holds; no other sync of it is under way. */
SEGJ_MUST_CHECK SEGJ_UNDER_CHANGE_ALONE segj_status_t segj_sync_begin(oversized_t *journal, segj_section_t *section,
                                                                      segj_capture_t *capture);
/** Writes that and makes it durable; without locks. */
SEGJ_MUST_CHECK SEGJ_WITHOUT_STATE segj_status_t segj_sync_transfer(oversized_t *journal, segj_section_t *section,
                                                                    segj_capture_t *capture);
/** Says what came of it, to readers and to those who wait for it; without locks. Where it failed, its sentence is the
 *  thread's. */
SEGJ_WITHOUT_STATE void segj_sync_finish(oversized_t *journal, segj_section_t *section, const segj_capture_t *capture,
                                         segj_status_t status);

/** Version 2: writes the index, makes that durable, and raises W to a point up to which the section is durable. No sync
 *  is under way. Where the index cannot be written nothing is lost, and it may be tried again. */
SEGJ_MUST_CHECK SEGJ_UNDER_CHANGE_ALONE segj_status_t segj_section_catch_up(oversized_t *journal,
                                                                            segj_section_t *section, segj_point_t at);

/** Waits while a sync or a flush works on the section, and gives `change` up while it waits. *covered: what is
 *  `reached`, a count of the section's under state, is `target`, or the section is gone; then the caller has nothing to
 *  do. */
SEGJ_UNDER_CHANGE_ALONE segj_status_t segj_section_await(oversized_t *journal, segj_section_t *section,
                                                         const uint64_t *reached, uint64_t target, bool *covered);
/** Waits until no sync works on the section. */
SEGJ_UNDER_CHANGE_ALONE void segj_section_wait_for_sync(oversized_t *journal, segj_section_t *section);
/** Cuts, durably, what a failed append has left after the end of the values. */
SEGJ_UNDER_CHANGE_ALONE segj_status_t segj_section_truncate_tail(oversized_t *journal, segj_section_t *section);
/** Version 2, where a frame is a record by itself: before a refusal is answered, cuts, durably, what of the refused may
 *  have reached the file, or poisons. Keeps the thread's sentence. */
SEGJ_UNDER_CHANGE_ALONE void segj_section_withdraw(oversized_t *journal, segj_section_t *section);
/** Makes the section's names durable, where no sync has done so yet. */
SEGJ_UNDER_CHANGE_ALONE segj_status_t segj_section_sync_names(oversized_t *journal, segj_section_t *section);
/** Makes the section durable as it stands. */
SEGJ_UNDER_CHANGE_ALONE segj_status_t segj_section_sync(oversized_t *journal, segj_section_t *section);
/** Appends to the sentence of a sync or a flush that found no space what a rewind can do without any, and answers
 *  SEGJ_ERR_NO_SPACE; the sentence stays as it is where the journal is poisoned. */
segj_status_t segj_section_fail_room(oversized_t *journal, const segj_section_t *section);
/** Makes the section durable, and writes W too; *durably*: and synced. */
SEGJ_UNDER_CHANGE_ALONE segj_status_t segj_section_sync_and_mark(oversized_t *journal, segj_section_t *section,
                                                                 bool durably);

#endif
