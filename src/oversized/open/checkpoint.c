/*
 * oversized/open/checkpoint.c: what an open at a checkpoint keeps: nothing below its oldest section, nothing above its
 * section, and of that the checkpoint's records. A journal that lacks any of it is refused.
 */
#include "oversized/open/checkpoint.h"

#include <string.h>

#include "oversized/open/verdict.h"

static segj_status_t no_checkpoint(const oversized_t *journal, uint64_t section, const char *why)
{
    return segj_fail(SEGJ_ERR_CORRUPT, "%s: the checkpoint cannot be restored: section %llu %s", journal->directory,
                     (unsigned long long)section, why);
}

static segj_status_t fewer_records(const oversized_t *journal, const segj_recovery_plan_t *plan, uint64_t records)
{
    segj_status_t status = no_checkpoint(journal, plan->number, "holds");
    segj_say_after(" %llu records, fewer than the checkpoint's %llu records", (unsigned long long)plan->records,
                   (unsigned long long)records);
    return status;
}

/* *zeros: nothing but zeros lies after the values that stay, as a crash leaves them where some were kept ahead. */
static segj_status_t look_after_values(segj_recovery_t *recovery, const segj_recovery_plan_t *plan, bool *zeros)
{
    segj_io_file_t file = {0};
    size_t got = SEGJ_SCAN_WINDOW;
    segj_status_t status = segj_scan_have_window(&recovery->scan);
    const uint8_t *window = recovery->scan.window;
    if (status == SEGJ_OK)
        status = segj_io_open(&file, &recovery->journal->shared.values, plan->number, SEGJ_OPEN_READ, NULL);
    segj_io_take_properties(&file, &plan->section->values.handle.file);
    *zeros = true;
    for (uint64_t at = file.data + plan->end; status == SEGJ_OK && *zeros && got == SEGJ_SCAN_WINDOW; at += got) {
        status = segj_io_read(&file, at, recovery->scan.window, SEGJ_SCAN_WINDOW, &got);
        *zeros = status == SEGJ_OK && (got == 0 || (window[0] == 0 && memcmp(window, window + 1, got - 1) == 0));
    }
    segj_io_close(&file);
    return status;
}

/* A section below the checkpoint's was complete when the checkpoint was made. Zeros that were kept ahead do not belong
 * to it. Of version 2, neither does the index, which may have less than the values, or more. */
static segj_status_t check_complete(segj_recovery_t *recovery, const segj_recovery_plan_t *plan)
{
    const oversized_t *journal = recovery->journal;
    bool by_index = plan->cut_index && plan->section->index.version != 2;
    bool zeros = false;
    segj_status_t status = SEGJ_OK;
    if (plan->cut && !by_index && journal->shared.format == SEGJ_FORMAT_NATIVE)
        status = look_after_values(recovery, plan, &zeros);
    if (status != SEGJ_OK)
        return status;
    if (plan->cut && !zeros)
        return no_checkpoint(journal, plan->number, "is not complete: bytes lie after its records");
    if (segj_plan_lost(plan) > 0)
        return no_checkpoint(journal, plan->number, "has lost records");
    return SEGJ_OK;
}

/* Values without an index: below the first index section they are the rest of a prune, elsewhere a section is
 * missing. */
static segj_status_t check_values_paired(const segj_recovery_t *recovery, const oversized_checkpoint_t *checkpoint)
{
    uint64_t first = UINT64_MAX;
    for (size_t i = recovery->count; i-- > 0;)
        if (recovery->plans[i].number >= checkpoint->oldest)
            first = recovery->plans[i].number;
    for (size_t i = 0; i < recovery->value_count; i++) {
        uint64_t number = recovery->values[i];
        if (number >= checkpoint->oldest && number < checkpoint->section && number >= first &&
            !segj_recovery_has_index(recovery, number))
            return no_checkpoint(recovery->journal, number, "has values and no index");
    }
    return SEGJ_OK;
}

segj_status_t segj_checkpoint_apply(segj_recovery_t *recovery, const oversized_checkpoint_t *checkpoint)
{
    const oversized_t *journal = recovery->journal;
    uint64_t records = checkpoint->index_size / journal->shared.record_size;
    bool found = false;
    segj_status_t status = SEGJ_OK;
    for (size_t i = 0; i < recovery->count && status == SEGJ_OK; i++) {
        segj_recovery_plan_t *plan = &recovery->plans[i];
        uint64_t number = plan->number;
        plan->remove = number < checkpoint->oldest || number > checkpoint->section;
        if (plan->remove || number == checkpoint->section)
            plan->waived = segj_plan_lost(plan);
        if (plan->remove)
            continue;
        if (number < checkpoint->section) {
            status = check_complete(recovery, plan);
        } else {
            found = true;
            status = plan->records < records ? fewer_records(journal, plan, records)
                                             : segj_verdict_shorten(&recovery->scan, plan, records);
            plan->restored = true;
        }
    }
    if (status == SEGJ_OK && !found && records > 0)
        status = no_checkpoint(journal, checkpoint->section, "does not exist");
    return status == SEGJ_OK ? check_values_paired(recovery, checkpoint) : status;
}
