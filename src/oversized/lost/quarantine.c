/*
 * oversized/lost/quarantine.c: a quarantine's beginning, its report, and its end.
 */
#include "oversized/lost/quarantine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal/beside.h"
#include "oversized/lost/catalogue.h"
#include "oversized/lost/items.h"
#include "oversized/lost/losses.h"

/* --- the beginning of it --- */

/* Something else has the name, or it may not be opened. Reading continues without what it may tell. */
static segj_status_t odd_partition(const oversized_t *journal, const oversized_config_t *config)
{
    segj_say_after("; what was lost before, and set aside, is looked for there: move it away or make it readable");
    if (!config->read_only)
        return SEGJ_ERR_IO;
    segj_shared_log(&journal->shared, SEGJ_LOG_WARNING, "earlier losses are not known: %s", segj_last_error());
    return SEGJ_OK;
}

segj_status_t segj_quarantine_open(oversized_t *journal, const oversized_config_t *config)
{
    segj_quarantine_t *quarantine = &journal->quarantine;
    bool missing = false;
    segj_quarantine_free(journal); /* an open that begins anew */
    *quarantine = (segj_quarantine_t){0};
    quarantine->limit = config->quarantine;
    quarantine->newest = 1;
    quarantine->name = segj_beside_name(journal->index_name, ".lost");
    size_t size = strlen(journal->directory) + SEGJ_BESIDE_NAME_MAX + 2;
    quarantine->path = malloc(size);
    if (quarantine->name == NULL || quarantine->path == NULL)
        return segj_fail_memory(size);
    (void)snprintf(quarantine->path, size, "%s/%s", journal->directory, quarantine->name);
    quarantine->partition = journal->shared.index;
    quarantine->partition.name = quarantine->name;
    quarantine->partition.opened = NULL;
    quarantine->partition.guard = NULL;
    segj_status_t status = segj_partition_open(&quarantine->partition, &missing);
    /* A storage that has no such names keeps no quarantine. */
    int code = status == SEGJ_ERR_IO ? segj_last_errno() : 0;
    if (code == EINVAL)
        return SEGJ_OK;
    if (code == ENOTDIR || code == ELOOP || code == EACCES || code == EPERM)
        return odd_partition(journal, config);
    if (status != SEGJ_OK || missing)
        return status;
    status = segj_catalogue_load(quarantine);
    if (status == SEGJ_OK && quarantine->damaged)
        segj_shared_log(&journal->shared, SEGJ_LOG_ERROR,
                        "%s: both catalogues are damaged: what was lost before is not known", quarantine->path);
    return status;
}

/* --- the report --- */

void segj_quarantine_report(oversized_t *journal)
{
    const segj_quarantine_t *quarantine = &journal->quarantine;
    oversized_recovery_t *found = &journal->recovery;
    for (size_t i = 0; i < quarantine->count; i++) {
        const segj_loss_t *loss = &quarantine->losses[i];
        bool again = false;
        if (loss->acknowledged)
            continue;
        for (size_t k = 0; k < i && !again; k++)
            again = !quarantine->losses[k].acknowledged && quarantine->losses[k].section == loss->section;
        found->unacknowledged_records += loss->lost;
        found->unacknowledged_sections += !again;
        found->unacknowledged_bytes_missed += loss->missed;
    }
    found->quarantine_bytes = segj_losses_held(quarantine);
    found->quarantine = quarantine->partition.opened != NULL ? quarantine->path : NULL;
    if (found->unacknowledged_records > 0)
        segj_shared_log(&journal->shared, SEGJ_LOG_ERROR,
                        "%s: %llu records that were synced, of %llu sections, are lost, which is not yet acknowledged; "
                        "%llu bytes are set aside in %s, %llu bytes were not",
                        journal->directory, (unsigned long long)found->unacknowledged_records,
                        (unsigned long long)found->unacknowledged_sections, (unsigned long long)found->quarantine_bytes,
                        quarantine->path, (unsigned long long)found->unacknowledged_bytes_missed);
}

/* --- the end of it --- */

segj_status_t segj_quarantine_look(oversized_t *journal)
{
    segj_quarantine_t *quarantine = &journal->quarantine;
    segj_items_found_t found;
    free(quarantine->names);
    quarantine->names = NULL;
    quarantine->name_count = 0;
    if (quarantine->partition.opened == NULL)
        return SEGJ_OK;
    segj_status_t status = segj_items_list(quarantine, &found);
    if (status != SEGJ_OK)
        return status;
    quarantine->names = found.names;
    quarantine->name_count = found.count;
    return SEGJ_OK;
}

static segj_status_t remove_names(segj_quarantine_t *quarantine)
{
    segj_status_t status = SEGJ_OK;
    for (size_t i = 0; i < quarantine->name_count && status == SEGJ_OK; i++)
        status = segj_partition_unlink_named(&quarantine->partition, quarantine->names[i]);
    return status == SEGJ_OK ? segj_partition_sync(&quarantine->partition) : status;
}

segj_status_t segj_quarantine_remove(oversized_t *journal)
{
    segj_quarantine_t *quarantine = &journal->quarantine;
    if (quarantine->partition.opened == NULL && !quarantine->leaving)
        return SEGJ_OK;
    segj_status_t status = quarantine->partition.opened != NULL ? remove_names(quarantine) : SEGJ_OK;
    if (status != SEGJ_OK)
        return status;
    quarantine->count = 0;
    quarantine->sequence = 0;
    quarantine->newest = 1;
    quarantine->leaving = true;
    status = segj_partition_remove(&quarantine->partition);
    if (status == SEGJ_OK)
        segj_partition_close(&quarantine->partition);
    return status;
}

void segj_quarantine_free(oversized_t *journal)
{
    segj_quarantine_t *quarantine = &journal->quarantine;
    segj_partition_close(&quarantine->partition);
    free(quarantine->names);
    free(quarantine->losses);
    free(quarantine->name);
    free(quarantine->path);
}
