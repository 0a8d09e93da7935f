# mutation/faults/commonware.cmake: deliberate faults (see mutate.cmake): what newer releases of the other format's program
# make necessary, and opens that are bounded.

# --- a damaged page before the last ---

fault("appends go behind a damaged page" src/oversized/section/writers.c "commonware/holes"
    [==[    section->sound = status == SEGJ_OK && !hole.found;]==]
    [==[    section->sound = status == SEGJ_OK;]==])

fault("the last page counts as one that has others after it" src/journal/holes.c "commonware/holes"
    [==[(records * shared->record_size - 1) / shared->page_size : 0;]==]
    [==[(records * shared->record_size - 1) / shared->page_size + 1 : 0;]==])

fault("a page that is valid in part is whole" src/journal/holes.c "commonware/holes"
    [==[        if (length == shared->page_size)]==]
    [==[        if (length > 0)]==])

fault("what is cut behind a damaged page is no loss" src/oversized/open/verdict_commonware.c "commonware/holes crash/set_aside"
    [==[    plan->watermark = segj_max_u64(plan->watermark, plan->records);]==]
    [==[    plan->watermark = segj_min_u64(plan->watermark, plan->records);]==])

fault("strict does not look for damaged pages that were counted" src/oversized/open/recover.c "commonware/holes"
    [==[        if (has_unwanted_hole(plan))]==]
    [==[        if (has_unwanted_hole(plan) && plan->remove)]==])

# --- counts of an archive ---

fault("a prune leaves the counts" src/oversized/write/remove.c "commonware/counts crash/ends"
    [==[    return section < look->line ? 0 : UINT64_MAX;]==]
    [==[    return section < look->line && look->line == 0 ? 0 : UINT64_MAX;]==])

fault("a rewind leaves the counts" src/oversized/write/rewind.c "commonware/counts crash/ends"
    [==[        return rest->records;]==]
    [==[        return UINT64_MAX - rest->records;]==])

fault("a rewind leaves the counts of later sections" src/oversized/write/rewind.c "commonware/counts crash/ends"
    [==[    return rest->later && section > rest->number ? 0 : UINT64_MAX;]==]
    [==[    return rest->later && section < rest->number ? 0 : UINT64_MAX;]==])

fault("a repair leaves the counts" src/oversized/open/repair.c "commonware/counts crash/ends"
    [==[    return section == plan->number ? plan->records : UINT64_MAX;]==]
    [==[    return section == plan->number ? plan->records_on_disk + UINT32_MAX : UINT64_MAX;]==])

fault("counts of the older copy count" src/journal/counts.c "commonware/counts crash/ends"
    [==[    unsigned newest = copies[1].version > copies[0].version ? 1 : 0;]==]
    [==[    unsigned newest = copies[1].version > copies[0].version ? 0 : 1;]==])

fault("the copy that counts is written" src/journal/counts.c "commonware/counts crash/ends"
    [==[    unsigned at = 1 - counts->newest;]==]
    [==[    unsigned at = counts->newest;]==])

fault("lowered counts are not synced" src/journal/counts.c "commonware/counts crash/ends"
    [==[    status = segj_io_sync(&file);
    segj_io_close(&file);
    if (status == SEGJ_OK)
        status = segj_partition_sync(&counts->partition);]==]
    [==[    segj_io_close(&file);
    if (status == SEGJ_OK)
        status = segj_partition_sync(&counts->partition);]==])

fault("the copy that counts is not synced first" src/journal/counts.c "commonware/counts"
    [==[    if (counts->synced || !counts->there[counts->newest])]==]
    [==[    if (!counts->synced || !counts->there[counts->newest])]==])

fault("less than is counted is no loss" src/oversized/open/verdict_commonware.c "commonware/counts crash/ends"
    [==[    plan->watermark = segj_counts_of(&scan->journal->shared.counts, plan->number);]==]
    [==[    plan->watermark = 0;]==])

fault("a wrong value takes what is counted" src/oversized/open/verdict_commonware.c "commonware/counts"
    [==[    return journal->verify_tail ? segj_counts_of(&journal->shared.counts, plan->number) : UINT64_MAX;]==]
    [==[    return journal->verify_tail ? plan->records_on_disk / UINT32_MAX : UINT64_MAX;]==])

fault("a counted section that is gone is no loss" src/oversized/open/counted.c "commonware/counts"
    [==[        journal->recovery.synced_records_lost += counts->list[i].records;]==]
    [==[        journal->recovery.synced_records_lost += 0;]==])

fault("an archive without a name hinders nothing" src/journal/counts.c "commonware/counts"
    [==[        more = more || limit == 0 || limit < each->records;]==]
    [==[        more = more && (limit == 0 || limit < each->records);]==])

fault("counts of other journals hinder" src/journal/counts.c "commonware/counts"
    [==[        if (search->is_there(search->context, each->section) < each->records)
            return false;]==]
    [==[        if (search->is_there(search->context, each->section) < each->records)
            continue;]==])

# --- bounds ---

fault("a bound is one section more" src/oversized/open/recover.h "promises/bound crash/ends"
    [==[number > config->bound->section;]==]
    [==[number > config->bound->section && number - config->bound->section > 2;]==])

fault("a bounded section keeps its records" src/oversized/open/verdict.c "promises/bound crash/ends"
    [==[    if (most >= plan->records)
        return SEGJ_OK;]==]
    [==[    if (most >= plan->records || most > 0)
        return SEGJ_OK;]==])

fault("what a bound leaves out is a loss" src/oversized/section/plan.h "promises/bound crash/ends"
    [==[    uint64_t wanted = plan->bounded && plan->bound < plan->watermark ? plan->bound : plan->watermark;]==]
    [==[    uint64_t wanted = plan->watermark;]==])

fault("values beyond a bound are looked at" src/oversized/open/orphans.c "promises/bound"
    [==[    if (segj_is_beyond(recovery->config, recovery->values[at]))]==]
    [==[    if (segj_is_beyond(recovery->config, recovery->values[at]) && recovery->begun)]==])
