/* oversized/section/group.c: see the header. */
#include "oversized/section/group.h"

#include <assert.h>

/* Others are waited for during half the time that the last sync took, at most a millisecond. The calls that it has
 * covered append again while one of them could begin the next sync, and would miss that by a moment: of four threads
 * one and three would take turns. */
#define GATHER_PART 2
#define GATHER_MOST 2000

static void put_last(segj_section_t *section, segj_waiter_t *waiter)
{
    segj_waiter_t *last = section->waiters;
    waiter->next = last != NULL ? last->next : waiter;
    if (last != NULL)
        last->next = waiter;
    section->waiters = waiter;
}

static segj_waiter_t *take_gatherer(segj_section_t *section)
{
    segj_waiter_t *gatherer = section->gatherer;
    section->gatherer = NULL;
    return gatherer;
}

segj_waiter_t *segj_group_join(segj_section_t *section, segj_waiter_t *waiter, uint64_t target)
{
    segj_park_init(&waiter->park);
    waiter->target = target;
    put_last(section, waiter);
    section->waiting++;
    return section->waiting + 1 >= section->group ? take_gatherer(section) : NULL;
}

/* Where others are waited for in vain, the sync covers fewer, and the next one expects no more than that. */
bool segj_group_expects(const segj_section_t *section)
{
    return section->waiting + 1 < section->group && section->group_time > 0 && section->gatherer == NULL;
}

void segj_group_gather(oversized_t *journal, segj_section_t *section)
{
    segj_waiter_t waiter = {.next = NULL, .word = SEGJ_GROUP_LEADS};
    uint32_t time = section->group_time;
    segj_park_init(&waiter.park);
    section->gatherer = &waiter;
    segj_unlock(&journal->shared.state);
    segj_gate_leave(&journal->change);
    if (time > GATHER_MOST)
        time = GATHER_MOST;
    if (segj_park_wait_for(&waiter.park, (uint64_t)time * 1000 / GATHER_PART) != 0)
        return;
    segj_lock(&journal->shared.state);
    bool alone = section->gatherer == &waiter;
    if (alone)
        section->gatherer = NULL;
    segj_unlock(&journal->shared.state);
    if (!alone) /* another thread is about to say so */
        (void)segj_park_wait(&waiter.park);
}

unsigned segj_group_await(segj_waiter_t *waiter)
{
    return segj_park_wait(&waiter->park);
}

/* Takes the first off the ring, which is not empty. */
static segj_waiter_t *take_first(segj_section_t *section)
{
    segj_waiter_t *last = section->waiters;
    assert(last != NULL);
    segj_waiter_t *first = last->next;
    last->next = first->next;
    if (first == last)
        section->waiters = NULL;
    return first;
}

/* What a call is told now; 0: it continues to wait. Under state. `failed`: what a sync that failed had taken along. */
SEGJ_UNDER_STATE static unsigned word_for(const oversized_t *journal, const segj_section_t *section,
                                          const segj_waiter_t *waiter, uint64_t failed, bool led)
{
    if (section->synced >= waiter->target || segj_section_gone(journal, section))
        return SEGJ_GROUP_COVERED;
    if (waiter->target <= failed)
        return SEGJ_GROUP_FAILED;
    return led || segj_group_forms(section) ? 0 : SEGJ_GROUP_LEADS;
}

/* Under state. Takes those off the ring who are told something: the one that leads first, then as they came. */
SEGJ_UNDER_STATE static segj_waiter_t *take_told(oversized_t *journal, segj_section_t *section, uint64_t failed,
                                                 segj_status_t status)
{
    segj_waiter_t *leader = NULL;
    segj_waiter_t *told = NULL;
    segj_waiter_t **end = &told;
    for (uint32_t left = section->waiting; left > 0; left--) {
        segj_waiter_t *waiter = take_first(section);
        waiter->word = word_for(journal, section, waiter, failed, leader != NULL);
        if (waiter->word == 0) {
            put_last(section, waiter);
            continue;
        }
        section->waiting--;
        if (waiter->word == SEGJ_GROUP_LEADS) {
            leader = waiter;
            continue;
        }
        if (waiter->word == SEGJ_GROUP_FAILED) {
            waiter->status = status;
            segj_keep(&waiter->sentence);
        }
        *end = waiter;
        end = &waiter->next;
    }
    *end = NULL;
    if (leader == NULL)
        return told;
    leader->next = told;
    return leader;
}

segj_waiter_t *segj_group_end(oversized_t *journal, segj_section_t *section, uint64_t captured, segj_status_t status)
{
    segj_assert_held(&journal->shared.state);
    uint32_t waiting = section->waiting;
    section->syncing = false;
    segj_wake_all(&journal->shared.changed);
    segj_waiter_t *told = take_told(journal, section, status == SEGJ_OK ? 0 : captured, status);
    if (captured > 0)
        section->group = 1 + waiting - section->waiting - (told != NULL && told->word == SEGJ_GROUP_LEADS);
    return told;
}

void segj_group_wake(segj_waiter_t *told)
{
    while (told != NULL) {
        segj_waiter_t *next = told->next; /* told, it is gone */
        segj_park_say(&told->park, told->word);
        told = next;
    }
}

void segj_group_pass(oversized_t *journal, segj_section_t *section)
{
    segj_lock(&journal->shared.state);
    segj_waiter_t *told = take_told(journal, section, 0, SEGJ_OK);
    segj_unlock(&journal->shared.state);
    segj_group_wake(told);
}
