/*
 * oversized/lost/losses.c: the losses that a quarantine knows of, in the order of their ordinals, and the partition
 * that notes them.
 */
#include "oversized/lost/losses.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oversized/lost/catalogue.h"
#include "oversized/lost/items.h"

segj_loss_t segj_loss_of(const oversized_t *journal, const segj_recovery_plan_t *plan)
{
    const segj_shared_t *shared = &journal->shared;
    uint64_t page = plan->records * shared->record_size / shared->page_size;
    segj_loss_t loss = {.section = plan->number, .lost = segj_plan_unwanted_loss(plan), .kept = plan->records};
    loss.index_offset = plan->section->index.handle.file.data + page * segj_page_physical(shared->page_size);
    loss.index_size = segj_loss_excess(plan->index_size, loss.index_offset);
    loss.values_offset = plan->section->values.handle.file.data + plan->end;
    loss.values_size = segj_loss_excess(plan->value_size, loss.values_offset);
    return loss;
}

bool segj_loss_alike(const segj_loss_t *noted, const segj_loss_t *loss)
{
    return !noted->acknowledged && noted->section == loss->section && noted->lost == loss->lost &&
           noted->kept == loss->kept && noted->index_offset == loss->index_offset &&
           noted->values_offset == loss->values_offset && noted->index_size <= loss->index_size &&
           noted->values_size <= loss->values_size &&
           noted->index_size + noted->values_size + noted->missed == loss->index_size + loss->values_size;
}

segj_status_t segj_losses_add(segj_quarantine_t *quarantine, const segj_loss_t *loss)
{
    segj_loss_t *more = realloc(quarantine->losses, (quarantine->count + 1) * sizeof *more);
    if (more == NULL)
        return segj_fail_memory((quarantine->count + 1) * sizeof *more);
    quarantine->losses = more;
    quarantine->losses[quarantine->count++] = *loss;
    return SEGJ_OK;
}

void segj_losses_forget(segj_quarantine_t *quarantine, size_t at)
{
    quarantine->count--;
    memmove(&quarantine->losses[at], &quarantine->losses[at + 1],
            (quarantine->count - at) * sizeof *quarantine->losses);
}

bool segj_losses_drop_oldest(segj_quarantine_t *quarantine, segj_status_t *status)
{
    for (size_t i = 0; i < quarantine->count; i++) {
        const segj_loss_t *loss = &quarantine->losses[i];
        if (!loss->acknowledged || loss->index_size + loss->values_size == 0)
            continue;
        *status = segj_items_unlink(quarantine, loss);
        if (*status != SEGJ_OK)
            return false;
        segj_losses_forget(quarantine, i);
        return true;
    }
    return false;
}

void segj_losses_roll_back(segj_quarantine_t *quarantine, uint32_t first)
{
    char cause[SEGJ_POISON_CAPACITY];
    (void)snprintf(cause, sizeof cause, "%s", segj_last_error());
    while (quarantine->count > 0 && quarantine->losses[quarantine->count - 1].ordinal >= first) {
        if (segj_items_unlink(quarantine, &quarantine->losses[quarantine->count - 1]) != SEGJ_OK)
            segj_say("%s", cause); /* the next open removes it */
        quarantine->count--;
    }
    segj_say("%s", cause);
}

uint64_t segj_losses_held(const segj_quarantine_t *quarantine)
{
    uint64_t held = 0;
    for (size_t i = 0; i < quarantine->count; i++)
        held += quarantine->losses[i].index_size + quarantine->losses[i].values_size;
    return held;
}

/* Its name is made durable also where it is there: an open that was cut off may have made it. */
static segj_status_t make_partition(oversized_t *journal)
{
    segj_quarantine_t *quarantine = &journal->quarantine;
    segj_status_t status = SEGJ_OK;
    if (quarantine->partition.opened == NULL) {
        quarantine->leaving = false;
        status = segj_partition_create(&quarantine->partition);
        if (status == SEGJ_OK)
            status = segj_partition_open(&quarantine->partition, NULL);
    }
    return status == SEGJ_OK ? segj_partition_sync_directory(&quarantine->partition) : status;
}

segj_status_t segj_losses_begin(oversized_t *journal)
{
    segj_status_t status = make_partition(journal);
    if (status == SEGJ_OK)
        status = segj_catalogue_make_durable(&journal->quarantine);
    return status == SEGJ_OK ? segj_items_clean(&journal->quarantine) : status;
}
