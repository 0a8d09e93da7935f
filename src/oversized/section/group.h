/*
 * oversized/section/group.h: who waits for a sync of a section, and who leads the next one (DESIGN.md, "Groups").
 *
 * A call that finds a sync of its section under way joins a ring and sleeps. Whoever ends the sync takes those off the
 * ring whom it has covered, and tells each so; they return without a lock. Of the others it calls one, which leads the
 * next sync; that takes along whatever was appended until then.
 */
#ifndef SEGJ_OVERSIZED_SECTION_GROUP_H
#define SEGJ_OVERSIZED_SECTION_GROUP_H

#include "base/park.h"
#include "oversized/section/section.h"

/** What a call is told. */
enum {
    SEGJ_GROUP_COVERED = 1, /* what it waits for is durable, or the section is gone */
    SEGJ_GROUP_FAILED,      /* the sync that took it along has failed: `status` and `sentence` */
    SEGJ_GROUP_LEADS        /* it syncs itself, or calls segj_group_pass */
};

/** A call that waits, in its own stack. */
typedef struct segj_waiter {
    struct segj_waiter *next;
    uint64_t target; /* on the section's count `appended` */
    unsigned word;   /* what it is going to be told */
    segj_status_t status;
    segj_sentence_t sentence;
    segj_park_t park;
} segj_waiter_t;

/** Whether a call that comes now is taken along: a sync or a flush is under way, or about to begin. Under state. */
SEGJ_UNDER_STATE static inline bool segj_group_forms(const segj_section_t *section)
{
    return section->syncing || section->gatherer != NULL;
}
/** Joins the calls that wait for a sync of the section to cover `target`. segj_group_forms() is true, and the call has
 *  a reference of the section. Returns the waiters to tell: the one that gathers, if all are there. Under state. */
SEGJ_MUST_CHECK SEGJ_UNDER_STATE segj_waiter_t *segj_group_join(segj_section_t *section, segj_waiter_t *waiter,
                                                                uint64_t target);
/** Waits until the call is told something; without locks. */
SEGJ_WITHOUT_LOCKS unsigned segj_group_await(segj_waiter_t *waiter);
/** Whether calls that the last sync has covered are likely to come back in a moment, so that it pays to let them join
 *  before the next begins. Under state. */
SEGJ_UNDER_STATE bool segj_group_expects(const segj_section_t *section);
/** Gathers them: gives `state` and `change` up, and takes neither again. The call has a reference of the section. Until
 *  it begins its sync, it is one that was to lead. */
SEGJ_GIVES(segj_role_state)
SEGJ_GIVES(segj_role_change) void segj_group_gather(oversized_t *journal, segj_section_t *section);
/** Ends the sync or flush that is under way. Returns the waiters to tell: those that are covered, those that `captured`
 *  took along where `status` is a failure (its sentence is the thread's), and one to lead. Under state. */
SEGJ_MUST_CHECK SEGJ_UNDER_STATE segj_waiter_t *segj_group_end(oversized_t *journal, segj_section_t *section,
                                                               uint64_t captured, segj_status_t status);
/** Tells them; without locks. The section may be gone. */
SEGJ_WITHOUT_LOCKS void segj_group_wake(segj_waiter_t *told);
/** For a call that was to lead and has begun no sync: another one leads. Without locks. */
SEGJ_WITHOUT_LOCKS void segj_group_pass(oversized_t *journal, segj_section_t *section);

#endif
