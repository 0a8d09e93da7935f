/*
 * oversized/write/sync.c: the sync of a section, as a whole or started and waited for. A call that comes while another
 * sync of the section is under way joins those that wait, and is covered by that one or by the next (section/group.h).
 */
#include "oversized/write/sync.h"
#include "base/bytes.h"
#include "oversized/section/group.h"
#include "oversized/section/room.h"
#include "oversized/section/writers.h"
#include "oversized/write/behind.h"

/* Under change. */
SEGJ_UNDER_CHANGE static segj_status_t sync_find(const oversized_t *journal, uint64_t number, segj_section_t **section)
{
    *section = segj_journal_find(journal, number);
    segj_status_t status = segj_journal_changeable(journal);
    if (status == SEGJ_OK && *section == NULL && number < journal->prune_line)
        status = segj_journal_missing(journal, number);
    return status;
}

segj_status_t segj_section_to_sync(oversized_t *journal, uint64_t number, segj_section_t **section)
{
    segj_assert_held(&journal->change);
    segj_status_t status = sync_find(journal, number, section);
    segj_lock(&journal->shared.state);
    if (*section != NULL)
        segj_section_acquire(*section);
    segj_unlock(&journal->shared.state);
    return status;
}

/** A sync that is asked for. */
typedef struct sync_call {
    oversized_t *journal;
    uint64_t number;
    const oversized_ticket_t *ticket; /* what must be covered; NULL: all that is appended when the call begins */
    segj_section_t *section;          /* with a reference, or NULL: not found yet, or not there */
    uint64_t target;                  /* on the section's count `appended` */
    bool called;                      /* others wait for this call to lead */
    bool room;                        /* SEGJ_ERR_NO_SPACE is the section's own */
} sync_call_t;

/* A ticket may be of a section that was removed, and is another one by now: of that it asks for all there is. */
static uint64_t target_of(const sync_call_t *call, const segj_section_t *section)
{
    uint64_t appended = segj_section_appended(section);
    return call->ticket != NULL ? segj_min_u64(call->ticket->change, appended) : appended;
}

/* Under state, which it gives up; a sync or a flush of the section is under way. True: the call leads the next sync.
 * False: it is through, *status is its answer. */
SEGJ_GIVES(segj_role_state) static bool await_turn(sync_call_t *call, segj_status_t *status)
{
    segj_waiter_t waiter;
    segj_waiter_t *full = segj_group_join(call->section, &waiter, call->target);
    segj_unlock(&call->journal->shared.state);
    segj_group_wake(full);
    unsigned word = segj_group_await(&waiter);
    call->called = word == SEGJ_GROUP_LEADS;
    if (word == SEGJ_GROUP_LEADS)
        return true;
    *status = SEGJ_OK;
    if (word == SEGJ_GROUP_FAILED) {
        *status = segj_journal_changeable(call->journal);
        if (*status == SEGJ_OK) {
            segj_say_again(&waiter.sentence);
            *status = waiter.status;
        }
    }
    return false;
}

/* Joins a sync that is under way, if there is one; no change waits for that. True: the call must sync itself. */
static bool join_sync_under_way(sync_call_t *call, segj_status_t *status)
{
    oversized_t *journal = call->journal;
    segj_lock(&journal->shared.state);
    segj_section_t *section = segj_journal_find(journal, call->number);
    if (section == NULL || !segj_group_forms(section) ||
        atomic_load_explicit(&section->removed, memory_order_relaxed) ||
        atomic_load_explicit(&journal->shared.poisoned, memory_order_acquire)) {
        segj_unlock(&journal->shared.state);
        return true;
    }
    call->target = target_of(call, section);
    if (section->synced >= call->target) {
        segj_unlock(&journal->shared.state);
        *status = SEGJ_OK;
        return false;
    }
    call->section = section;
    call->room = true;
    segj_section_acquire(section);
    return await_turn(call, status);
}

/* Under change. Finds the section; true: it may have something to sync. */
SEGJ_UNDER_CHANGE static bool sync_prepare(sync_call_t *call, segj_status_t *status)
{
    oversized_t *journal = call->journal;
    if (call->section != NULL) {
        *status = segj_journal_changeable(journal);
        return *status == SEGJ_OK;
    }
    *status = segj_section_to_sync(journal, call->number, &call->section);
    segj_section_t *section = call->section;
    if (section == NULL)
        return false;
    call->target = target_of(call, section);
    segj_lock(&journal->shared.state);
    bool covered = call->ticket != NULL && section->synced >= call->target && section->unrepaired == NULL;
    segj_unlock(&journal->shared.state);
    if (covered)
        *status = SEGJ_OK;
    else if (*status == SEGJ_OK)
        *status = segj_section_sync_inherited(journal, section);
    call->room = *status == SEGJ_OK && !covered;
    return call->room;
}

typedef enum turn { TURN_COVERED, TURN_MINE, TURN_SOON, TURN_LATER, TURN_UNKNOWN } turn_t;

/* Under change and state. */
SEGJ_UNDER_CHANGE SEGJ_UNDER_STATE static turn_t whose_turn(const sync_call_t *call)
{
    const segj_section_t *section = call->section;
    if (section->synced >= call->target || segj_section_gone(call->journal, section))
        return TURN_COVERED;
    if (segj_section_undecided(call->journal, section))
        return TURN_UNKNOWN;
    if (segj_group_forms(section))
        return TURN_LATER;
    return segj_group_expects(section) ? TURN_SOON : TURN_MINE;
}

/* Takes over what the section holds, as soon as no other sync or flush works on it. True: *capture is the call's to
 * transfer and to finish. False: it is through, *status is its answer. */
static bool begin_sync(sync_call_t *call, segj_capture_t *capture, segj_status_t *status)
{
    oversized_t *journal = call->journal;
    bool gathered = false;
    for (;;) {
        segj_gate_enter(&journal->change);
        if (!sync_prepare(call, status))
            break;
        segj_lock(&journal->shared.state);
        turn_t turn = whose_turn(call);
        if (turn == TURN_SOON && !gathered) {
            segj_group_gather(journal, call->section);
            gathered = call->called = true;
            continue;
        }
        if (turn == TURN_LATER) {
            segj_gate_leave(&journal->change);
            if (!await_turn(call, status))
                return false;
            continue;
        }
        if (turn == TURN_UNKNOWN) {
            segj_gate_leave(&journal->change);
            while (segj_section_undecided(journal, call->section))
                segj_wait(&journal->shared.changed, &journal->shared.state);
            segj_unlock(&journal->shared.state);
            continue;
        }
        segj_unlock(&journal->shared.state);
        if (turn == TURN_COVERED)
            break;
        *status = segj_sync_begin(journal, call->section, capture);
        segj_gate_leave(&journal->change);
        return *status == SEGJ_OK;
    }
    segj_gate_leave(&journal->change);
    return false;
}

static segj_status_t lead_sync(sync_call_t *call)
{
    segj_capture_t capture;
    segj_status_t status;
    if (begin_sync(call, &capture, &status)) {
        status = segj_sync_transfer(call->journal, call->section, &capture);
        capture.time = call->called ? capture.took : 0;
        segj_sync_finish(call->journal, call->section, &capture, status);
    } else if (call->called) {
        segj_group_pass(call->journal, call->section);
    }
    return status;
}

segj_status_t segj_sync_section(oversized_t *journal, uint64_t number, const oversized_ticket_t *ticket)
{
    sync_call_t call = {.journal = journal, .number = number, .ticket = ticket};
    segj_status_t status = SEGJ_OK;
    if (join_sync_under_way(&call, &status))
        status = lead_sync(&call);
    if (call.room && status == SEGJ_ERR_NO_SPACE && segj_room_is_made(journal)) {
        call.called = false;
        status = lead_sync(&call);
    }
    if (call.room && status == SEGJ_ERR_NO_SPACE)
        status = segj_section_fail_room(journal, call.section);
    if (call.section != NULL)
        segj_section_release(journal, call.section);
    return status;
}

/* Writes the values, of which the storage starts the write-back; the records are few bytes and left to the wait. */
segj_status_t segj_sync_start(oversized_t *journal, uint64_t number, oversized_ticket_t *ticket)
{
    segj_glob_capture_t values;
    bool taken = false;
    oversized_ticket_t started = {number, 0};
    segj_section_t *section;
    segj_gate_enter(&journal->change);
    segj_status_t status = sync_find(journal, number, &section);
    if (section != NULL && status == SEGJ_OK) {
        started.change = segj_section_appended(section);
        taken = segj_behind_take(journal, section, SEGJ_BEHIND_ALL, &values);
    }
    segj_gate_leave(&journal->change);
    if (taken)
        status = segj_behind_write(journal, section, &values);
    if (status == SEGJ_OK)
        *ticket = started;
    return status;
}

segj_status_t oversized_sync(oversized_t *journal, uint64_t number)
{
    SEGJ_ENTER(journal, oversized_sync(journal, number));
    segj_journal_enter(journal);
    segj_status_t status = segj_sync_section(journal, number, NULL);
    segj_journal_leave(journal);
    return status;
}

segj_status_t oversized_sync_start(oversized_t *journal, uint64_t section, oversized_ticket_t *ticket)
{
    SEGJ_ENTER(journal, oversized_sync_start(journal, section, ticket));
    if (ticket == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "oversized_sync_start: ticket is NULL");
    segj_journal_enter(journal);
    segj_status_t status = segj_sync_start(journal, section, ticket);
    segj_journal_leave(journal);
    return status;
}

segj_status_t oversized_sync_wait(oversized_t *journal, const oversized_ticket_t *ticket)
{
    SEGJ_ENTER(journal, oversized_sync_wait(journal, ticket));
    if (ticket == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "oversized_sync_wait: ticket is NULL");
    segj_journal_enter(journal);
    segj_status_t status = segj_sync_section(journal, ticket->section, ticket);
    segj_journal_leave(journal);
    return status;
}
