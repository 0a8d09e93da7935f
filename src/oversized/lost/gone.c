/*
 * oversized/lost/gone.c: losses of sections whose files go, or are gone: nothing of them is set aside, and that they
 * were lost is noted.
 */
#include "oversized/lost/gone.h"

#include <inttypes.h>
#include <time.h>

#include "oversized/lost/catalogue.h"
#include "oversized/lost/losses.h"

static void say_not_noted(const oversized_t *journal, const segj_recovery_plan_t *plan)
{
    segj_shared_log(&journal->shared, SEGJ_LOG_ERROR,
                    "%s: the loss of %" PRIu64 " records of section %" PRIu64
                    ", which is removed, could not be noted: %s",
                    journal->directory, segj_plan_lost(plan), plan->number, segj_last_error());
}

/* An open or a removal that was cut off has noted the very same. */
static bool is_noted(const segj_quarantine_t *quarantine, const segj_loss_t *loss)
{
    bool found = false;
    for (size_t i = 0; i < quarantine->count && !found; i++)
        found = segj_loss_alike(&quarantine->losses[i], loss);
    return found;
}

/* Of what goes with its files nothing is set aside. */
SEGJ_UNDER_CHANGE static segj_status_t add_gone(segj_quarantine_t *quarantine, const segj_recovery_plan_t *plan)
{
    segj_loss_t loss = plan->gone;
    if (is_noted(quarantine, &loss))
        return SEGJ_OK;
    loss.missed = loss.index_size + loss.values_size;
    loss.index_size = loss.values_size = 0;
    loss.when = (uint64_t)time(NULL);
    loss.ordinal = quarantine->next_ordinal++;
    return segj_losses_add(quarantine, &loss);
}

segj_status_t segj_gone_note(oversized_t *journal)
{
    segj_quarantine_t *quarantine = &journal->quarantine;
    segj_status_t status = segj_losses_begin(journal);
    if (status != SEGJ_OK)
        return status;
    uint32_t first = quarantine->next_ordinal;
    for (const segj_recovery_plan_t *at = quarantine->gone; at != NULL && status == SEGJ_OK; at = at->next_gone)
        status = add_gone(quarantine, at);
    if (status == SEGJ_OK)
        status = segj_catalogue_commit(quarantine);
    if (status == SEGJ_OK)
        quarantine->gone = NULL;
    else
        segj_losses_roll_back(quarantine, first);
    return status;
}

static bool is_noted_missing(const segj_quarantine_t *quarantine, uint64_t section, uint64_t records)
{
    bool noted = false;
    for (size_t i = 0; i < quarantine->count && !noted; i++) {
        const segj_loss_t *at = &quarantine->losses[i];
        noted = !at->acknowledged && at->section == section && at->lost == records && at->kept == 0 &&
                at->index_size + at->values_size == 0;
    }
    return noted;
}

segj_status_t segj_quarantine_note_missing(oversized_t *journal, uint64_t section, uint64_t records)
{
    segj_recovery_plan_t gone = {
        .number = section, .watermark = records, .gone = {.section = section, .lost = records}};
    segj_quarantine_t *quarantine = &journal->quarantine;
    if (is_noted_missing(quarantine, section, records))
        return SEGJ_OK;
    gone.next_gone = quarantine->gone;
    quarantine->gone = &gone;
    segj_status_t status = segj_gone_note(journal);
    quarantine->gone = gone.next_gone;
    return status;
}

static void remember_gone(oversized_t *journal, segj_recovery_plan_t *plan)
{
    if (plan == NULL || segj_plan_unwanted_loss(plan) == 0 || plan->noted)
        return;
    plan->gone = segj_loss_of(journal, plan);
    plan->noted = true;
    plan->next_gone = journal->quarantine.gone;
    journal->quarantine.gone = plan;
}

/* The sections stay. Should the loss be met again, its notice is recognised. */
static void roll_back_notes(segj_section_t *const *sections, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        segj_recovery_plan_t *plan = sections[i]->unrepaired;
        if (plan != NULL && plan->going)
            plan->noted = plan->going = false;
    }
}

/* What there is no room for before the removal is noted after it. */
SEGJ_UNDER_CHANGE static void note_going(oversized_t *journal, segj_recovery_plan_t *before)
{
    segj_recovery_plan_t *all = journal->quarantine.gone;
    bool noted = all == before || segj_gone_note(journal) == SEGJ_OK;
    for (segj_recovery_plan_t *at = all; at != before; at = at->next_gone) {
        at->noted = noted;
        at->going = noted;
    }
    if (!noted)
        journal->quarantine.gone = before;
}

void segj_quarantine_note_gone(oversized_t *journal, segj_section_t *const *sections, size_t count,
                               segj_removal_stage_t stage)
{
    const segj_quarantine_t *quarantine = &journal->quarantine;
    segj_recovery_plan_t *before = quarantine->gone;
    if (stage == SEGJ_REMOVAL_UNDONE) {
        roll_back_notes(sections, count);
        return;
    }
    for (size_t i = 0; i < count; i++)
        remember_gone(journal, sections[i]->unrepaired);
    if (stage == SEGJ_REMOVAL_BEGINS) {
        note_going(journal, before);
        return;
    }
    if (quarantine->gone == NULL || segj_gone_note(journal) == SEGJ_OK)
        return;
    for (const segj_recovery_plan_t *at = quarantine->gone; at != NULL; at = at->next_gone)
        say_not_noted(journal, at);
}
