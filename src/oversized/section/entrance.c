/*
 * oversized/section/entrance.c: see the header. Nothing here takes a lock, waits or allocates, but for making a caller.
 */
#include "oversized/section/entrance.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "oversized/section/journal.h"

static_assert(offsetof(struct oversized, entrance) == 0, "a journal begins with its entrance");
static_assert(offsetof(segj_badged_t, badge) >= SEGJ_BADGE_APART, "marks lie where allocators write nothing");

/* What was a handle once. Debug builds stop where the mistake is. */
static segj_status_t fail_ended(const char *call, const char *what)
{
    assert(call[0] == '\0'); /* never: calls have names */
    return segj_fail(SEGJ_ERR_INVALID, "%s: the %s is used after its end, or never was one", call, what);
}

segj_status_t segj_fail_child(const char *call, const oversized_t *journal, const char *what)
{
    return segj_fail(SEGJ_ERR_INVALID, "%s: the journal in %s was opened by process %lld, this is process %lld: %s",
                     call, journal->directory, (long long)journal->entrance.process, (long long)segj_process_id(),
                     what);
}

static bool entrance_is_childs(const segj_entrance_t *entrance)
{
    if (entrance->word == &entrance->no_word)
        return entrance->process != segj_process_id();
    return atomic_load(entrance->word) != entrance->token;
}

/* Of a journal that may have ended, and whose struct is there. */
static segj_status_t check_open(const char *call, const oversized_t *journal)
{
    if (segj_badge_of(&journal->entrance.badged) != SEGJ_BADGE_JOURNAL)
        return segj_fail(SEGJ_ERR_INVALID, "%s: the journal was closed", call);
    if (entrance_is_childs(&journal->entrance))
        return segj_fail_child(call, journal, "a forked child can only close it");
    return SEGJ_OK;
}

static segj_caller_t *as_caller(const oversized_t *journal)
{
    segj_badged_t *badged = (segj_badged_t *)(void *)(uintptr_t)journal;
    return segj_badge_of(badged) == SEGJ_BADGE_CALLER ? (segj_caller_t *)(void *)badged : NULL;
}

static bool is_journal(const oversized_t *journal)
{
    return segj_badge_of(&((const segj_entrance_t *)(const void *)journal)->badged) == SEGJ_BADGE_JOURNAL;
}

segj_status_t segj_enter(const char *call, oversized_t **journal, segj_caller_t **caller)
{
    if (*journal == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "%s: journal is NULL", call);
    *caller = as_caller(*journal);
    if (*caller != NULL) {
        *journal = (*caller)->journal;
        return segj_deliver(*caller, check_open(call, *journal));
    }
    return is_journal(*journal) ? check_open(call, *journal) : fail_ended(call, "journal");
}

segj_status_t segj_deliver(segj_caller_t *caller, segj_status_t status)
{
    if (status >= SEGJ_ERR_INVALID)
        segj_error_take(&caller->error, status);
    return status;
}

const oversized_t *segj_journal_of(const oversized_t *journal)
{
    if (journal == NULL)
        return NULL;
    const segj_caller_t *caller = as_caller(journal);
    if (caller != NULL)
        return is_journal(caller->journal) ? caller->journal : NULL;
    if (is_journal(journal))
        return journal;
    (void)fail_ended("a question", "journal");
    return NULL;
}

/* --- beginning and end --- */

void segj_entrance_init(segj_entrance_t *entrance)
{
    atomic_init(&entrance->badged.badge, SEGJ_BADGE_ENDED);
    atomic_init(&entrance->references, 1);
    atomic_init(&entrance->no_word, 0);
}

void segj_entrance_open(segj_entrance_t *entrance, const segj_process_word_t *word)
{
    entrance->process = segj_process_id();
    entrance->word = word != NULL ? word : &entrance->no_word;
    entrance->token = word != NULL ? atomic_load(word) : 1; /* which no_word does not say */
    atomic_store(&entrance->badged.badge, SEGJ_BADGE_JOURNAL);
}

segj_ending_t segj_begin_ending(const char *call, oversized_t **journal, segj_caller_t **caller)
{
    assert(*journal != NULL);
    *caller = as_caller(*journal);
    if (*caller != NULL)
        *journal = (*caller)->journal;
    segj_entrance_t *entrance = (segj_entrance_t *)(void *)*journal;
    uint32_t open = SEGJ_BADGE_JOURNAL;
    if (!atomic_compare_exchange_strong(&entrance->badged.badge, &open, SEGJ_BADGE_ENDED)) {
        if (*caller == NULL)
            (void)fail_ended(call, "journal");
        else
            (void)check_open(call, *journal);
        return SEGJ_ENDING_TWICE;
    }
    /* The system is asked too: here it costs nothing, and a mistake the most. */
    if (entrance_is_childs(entrance) || entrance->process != segj_process_id())
        return SEGJ_ENDING_CHILD;
    return SEGJ_ENDING_HERE;
}

void segj_go_on(segj_entrance_t *entrance)
{
    atomic_store(&entrance->badged.badge, SEGJ_BADGE_JOURNAL);
}

void segj_journal_drop(oversized_t *journal)
{
    if (atomic_fetch_sub(&journal->entrance.references, 1) == 1)
        free(journal);
}

/* --- handles made from a journal --- */

void segj_lease_take(segj_lease_t *lease, segj_badge_t badge, oversized_t *journal)
{
    atomic_init(&lease->badged.badge, (uint32_t)badge);
    lease->journal = journal;
    lease->caller = NULL;
    (void)atomic_fetch_add(&journal->entrance.references, 1);
}

void segj_lease_bind(segj_lease_t *lease, segj_caller_t *caller)
{
    lease->caller = caller;
    (void)atomic_fetch_add(&caller->references, 1);
}

segj_status_t segj_lease_check(const segj_lease_t *lease, segj_badge_t badge, const char *what, const char *call)
{
    if (segj_badge_of(&lease->badged) != (uint32_t)badge)
        return fail_ended(call, what);
    segj_status_t status = check_open(call, lease->journal);
    return status != SEGJ_OK ? segj_lease_leave(lease, status) : SEGJ_OK;
}

bool segj_lease_ends(const segj_lease_t *lease, segj_badge_t badge)
{
    if (lease == NULL)
        return false;
    if (segj_badge_of(&lease->badged) == (uint32_t)badge)
        return true;
    (void)fail_ended("the end of a handle", "handle");
    return false;
}

bool segj_lease_holds(const segj_lease_t *lease)
{
    return is_journal(lease->journal) && !entrance_is_childs(&lease->journal->entrance);
}

static void drop_caller(segj_caller_t *caller)
{
    if (atomic_fetch_sub(&caller->references, 1) > 1)
        return;
    segj_journal_drop(caller->journal);
    free(caller);
}

void segj_lease_end(segj_lease_t *lease)
{
    atomic_store(&lease->badged.badge, SEGJ_BADGE_ENDED);
    if (lease->caller != NULL)
        drop_caller(lease->caller);
    segj_journal_drop(lease->journal);
}

/* --- callers --- */

segj_status_t oversized_caller_open(oversized_t *journal, oversized_t **opened)
{
    if (opened != NULL)
        *opened = NULL;
    SEGJ_ENTER(journal, oversized_caller_open(journal, opened));
    if (opened == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "oversized_caller_open: caller is NULL");
    segj_caller_t *made = calloc(1, sizeof *made);
    if (made == NULL)
        return segj_fail_memory(sizeof *made);
    atomic_init(&made->badged.badge, SEGJ_BADGE_CALLER);
    atomic_init(&made->references, 1);
    made->journal = journal;
    (void)atomic_fetch_add(&journal->entrance.references, 1);
    *opened = (oversized_t *)(void *)made;
    return SEGJ_OK;
}

const segj_error_t *oversized_caller_error(const oversized_t *caller)
{
    const segj_caller_t *found = caller != NULL ? as_caller(caller) : NULL;
    return found != NULL ? &found->error : NULL;
}

void oversized_caller_close(oversized_t *caller)
{
    segj_caller_t *found = caller != NULL ? as_caller(caller) : NULL;
    if (found == NULL)
        return;
    atomic_store(&found->badged.badge, SEGJ_BADGE_ENDED);
    drop_caller(found);
}
