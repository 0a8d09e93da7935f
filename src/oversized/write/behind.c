/*
 * oversized/write/behind.c: see the header. (DESIGN.md, "Append".)
 */
#include "oversized/write/behind.h"

#include "oversized/section/durable.h"
#include "oversized/section/group.h"

bool segj_behind_take(oversized_t *journal, segj_section_t *section, segj_behind_what_t what,
                      segj_glob_capture_t *values)
{
    segj_assert_held(&journal->change);
    segj_lock(&journal->shared.state);
    bool busy = section->syncing || segj_section_is_clean(section);
    section->syncing = section->syncing || !busy;
    segj_unlock(&journal->shared.state);
    if (busy)
        return false;
    if (what == SEGJ_BEHIND_ALL)
        segj_glob_capture(&section->values, &journal->shared, values);
    else
        segj_glob_capture_full(&section->values, &journal->shared, values);
    return true;
}

segj_status_t segj_behind_write(oversized_t *journal, segj_section_t *section, const segj_glob_capture_t *values)
{
    segj_status_t status = segj_glob_write(&section->values.handle.file, values);
    if (status == SEGJ_ERR_NO_SPACE) /* before the section can be removed */
        status = segj_section_fail_room(journal, section);
    segj_lock(&journal->shared.state);
    segj_glob_finish(&section->values, &journal->shared, values, status == SEGJ_OK);
    segj_waiter_t *told = segj_group_end(journal, section, 0, SEGJ_OK);
    segj_unlock(&journal->shared.state);
    segj_group_wake(told);
    return status;
}

/* The append is done, whatever becomes of the buffer: where it cannot be written, the next one that needs room, or the
 * next sync, tries again, and answers for it. */
SEGJ_APART static void leave_and_write(oversized_t *journal) SEGJ_GIVES(segj_role_change)
{
    segj_glob_capture_t values;
    segj_section_t *section = segj_journal_find(journal, journal->shared.full.section);
    journal->shared.full.there = false;
    bool taken = section != NULL && segj_journal_changeable(journal) == SEGJ_OK &&
                 segj_behind_take(journal, section, SEGJ_BEHIND_FULL, &values);
    if (taken)
        segj_journal_enter(journal);
    segj_gate_leave_for_long(&journal->change);
    if (!taken)
        return;
    segj_sentence_t said;
    segj_keep(&said);
    if (segj_behind_write(journal, section, &values) != SEGJ_OK)
        segj_say_again(&said);
    segj_journal_leave(journal);
}

void segj_behind_leave(oversized_t *journal)
{
    if (journal->shared.full.there)
        leave_and_write(journal);
    else
        segj_gate_leave(&journal->change);
}
