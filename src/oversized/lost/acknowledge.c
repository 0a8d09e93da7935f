/*
 * oversized/lost/acknowledge.c: the application knows of what was lost, and does without what was set aside of it.
 */
#include <errno.h>
#include <stdlib.h>

#include "oversized/lost/catalogue.h"
#include "oversized/lost/gone.h"
#include "oversized/lost/items.h"
#include "oversized/lost/quarantine.h"
#include "oversized/section/writers.h"

/* It is acknowledged, durably, when one of the two catalogues is written, whatever becomes of the other. */
SEGJ_UNDER_CHANGE static segj_status_t commit_acknowledged(oversized_t *journal)
{
    uint64_t before = journal->quarantine.sequence;
    segj_status_t status = segj_catalogue_commit(&journal->quarantine);
    if (status == SEGJ_OK || journal->quarantine.sequence == before)
        return status;
    segj_shared_log(&journal->shared, SEGJ_LOG_WARNING, "one of the two catalogues of losses could not be written: %s",
                    segj_last_error());
    return SEGJ_OK;
}

/* What open could not set aside is cut, and noted, before it is acknowledged. */
SEGJ_UNDER_CHANGE static segj_status_t acknowledge_repair_lost(oversized_t *journal)
{
    segj_status_t status = SEGJ_OK;
    for (size_t i = 0; journal->unrepaired > 0 && i < journal->sections.count && status == SEGJ_OK; i++) {
        segj_section_t *section = segj_section_at(journal, i);
        if (section->unrepaired != NULL && segj_plan_unwanted_loss(section->unrepaired) > 0)
            status = segj_section_sync_inherited(journal, section);
    }
    return status;
}

SEGJ_UNDER_CHANGE static segj_status_t acknowledge(oversized_t *journal)
{
    segj_quarantine_t *quarantine = &journal->quarantine;
    segj_status_t status = acknowledge_repair_lost(journal);
    if (status == SEGJ_OK && quarantine->gone != NULL)
        status = segj_gone_note(journal);
    if (status != SEGJ_OK || quarantine->count == 0)
        return status;
    status = segj_catalogue_make_durable(quarantine);
    if (status != SEGJ_OK)
        return status;
    size_t open = 0;
    bool *before = calloc(quarantine->count, sizeof *before);
    if (before == NULL)
        return segj_fail_memory(quarantine->count * sizeof *before);
    for (size_t i = 0; i < quarantine->count; i++) {
        before[i] = quarantine->losses[i].acknowledged;
        open += !before[i];
        quarantine->losses[i].acknowledged = true;
    }
    status = open > 0 ? commit_acknowledged(journal) : SEGJ_OK;
    for (size_t i = 0; status != SEGJ_OK && i < quarantine->count; i++)
        quarantine->losses[i].acknowledged = before[i];
    free(before);
    return status;
}

/* The catalogue without what is acknowledged; where it cannot be written things are as they were. */
SEGJ_UNDER_CHANGE static segj_status_t commit_without_acknowledged(segj_quarantine_t *quarantine, size_t kept)
{
    segj_loss_t *all = quarantine->losses;
    size_t count = quarantine->count;
    segj_loss_t *left = malloc((kept + 1) * sizeof *left);
    if (left == NULL)
        return segj_fail_memory((kept + 1) * sizeof *left);
    quarantine->losses = left;
    quarantine->count = 0;
    for (size_t i = 0; i < count; i++)
        if (!all[i].acknowledged)
            left[quarantine->count++] = all[i];
    segj_status_t status = segj_catalogue_commit(quarantine);
    if (status != SEGJ_OK) {
        quarantine->losses = all;
        quarantine->count = count;
    }
    free(status == SEGJ_OK ? all : left);
    return status;
}

/* The catalogue without them comes first: items that it does not list are the rest of this, and go. What the other one
 * says is acknowledged too, so that it may be the one that a power cut leaves. */
SEGJ_UNDER_CHANGE static segj_status_t discard(oversized_t *journal)
{
    segj_quarantine_t *quarantine = &journal->quarantine;
    size_t kept = 0;
    if (quarantine->partition.opened == NULL && !quarantine->leaving)
        return SEGJ_OK;
    for (size_t i = 0; i < quarantine->count; i++)
        kept += !quarantine->losses[i].acknowledged;
    segj_status_t status = kept < quarantine->count ? segj_catalogue_make_durable(quarantine) : SEGJ_OK;
    if (status == SEGJ_OK && kept < quarantine->count)
        status = commit_without_acknowledged(quarantine, kept);
    if (status == SEGJ_OK && kept == 0 && !quarantine->damaged) {
        status = segj_quarantine_look(journal);
        if (status == SEGJ_OK)
            status = segj_quarantine_remove(journal);
        if (status == SEGJ_ERR_IO && segj_last_errno() == ENOTEMPTY)
            status = SEGJ_OK; /* what others have put there keeps the directory */
        if (status == SEGJ_OK)
            status = segj_partition_sync_directory(&journal->shared.index);
        quarantine->leaving = quarantine->leaving && status != SEGJ_OK;
        return status;
    }
    if (status == SEGJ_OK)
        status = segj_items_clean(quarantine);
    return status == SEGJ_OK ? segj_partition_sync(&quarantine->partition) : status;
}

static segj_status_t change(oversized_t *journal, segj_status_t (*what)(oversized_t *journal))
{
    segj_gate_enter(&journal->change);
    segj_status_t status = segj_journal_changeable(journal);
    if (status == SEGJ_OK)
        status = what(journal);
    segj_gate_leave(&journal->change);
    return status;
}

segj_status_t oversized_acknowledge_losses(oversized_t *journal)
{
    SEGJ_ENTER(journal, oversized_acknowledge_losses(journal));
    return change(journal, acknowledge);
}

segj_status_t oversized_discard_quarantine(oversized_t *journal)
{
    SEGJ_ENTER(journal, oversized_discard_quarantine(journal));
    return change(journal, discard);
}
