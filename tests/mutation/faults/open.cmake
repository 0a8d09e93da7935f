# mutation/faults/open.cmake: deliberate faults (see mutate.cmake): the verdict of open, what it writes, and what is lost.

# --- the verdict of open ---

fault("a value's checksum is not looked at" src/oversized/open/verdict_native.c "${states}"
    [==[        if (status != SEGJ_OK || !right)
            return status;
        plan->records++;]==]
    [==[        if (status != SEGJ_OK)
            return status;
        plan->records++;]==])

fault("a record may begin anywhere" src/oversized/open/verdict_native.c "${states} recovery/recovery_edges lessons/recovery badinput/hostile"
    [==[        if (location.offset != plan->end || !segj_location_end(]==]
    [==[        if (!segj_location_end(]==])

fault("a record may reach past the values" src/oversized/open/scan.c "recovery/recovery lessons/recovery badinput/hostile"
    [==[        if (!right || !segj_location_end(0, location, scanned->values_size, &found))]==]
    [==[        if (!right || !segj_location_end(0, location, UINT64_MAX, &found))]==])

fault("an unreadable record is no end" src/oversized/open/scan.c "${states}"
    [==[        if (status != SEGJ_OK || from + part > length)
            return status;]==]
    [==[        if (status != SEGJ_OK)
            return status;]==])

fault("the last record below W is not looked at" src/oversized/open/scan.c "recovery/recovery lessons/recovery badinput/damage"
    [==[        if (!right || !segj_location_end(0, location, scanned->values_size, &found))
            continue;]==]
    [==[        if (!segj_location_end(0, location, UINT64_MAX, &found))
            continue;]==])

fault("records above W are trusted" src/oversized/open/verdict_native.c "${states}"
    [==[        status = segj_scan_value(scan, scanned, location, &right);
        if (status]==]
    [==[        right = true;
        if (status]==])

fault("records above W are given up" src/oversized/open/verdict_native.c "${states}"
    [==[    if (status != SEGJ_OK || plan->records != plan->watermark)
        return status;]==]
    [==[    if (status != SEGJ_OK || plan->records != plan->watermark || plan->watermark == 0)
        return status;]==])

fault("an open is cancelled and goes on to change files" src/oversized/open/recover.c
    "promises/progress crash/progress"
    [==[    return status == SEGJ_OK ? tell_of_verdicts(recovery) : status;]==]
    [==[    (void)(status == SEGJ_OK ? tell_of_verdicts(recovery) : status);
    return status;]==])

fault("progress is told as often as there is something to tell" src/oversized/section/telling.c "promises/progress"
    [==[    if (!at_once && time - telling->told < SEGJ_TELL_TIME)]==]
    [==[    if (!at_once && time == telling->told)]==])

fault("bytes behind the last frame do not matter" src/oversized/open/verdict.c "${states}"
    [==[    plan->cut = plan->cut_index || scanned->values_size > plan->end;]==]
    [==[    plan->cut = plan->cut_index;]==])

fault("a cut that may not be durable is taken for one that is" src/oversized/open/verdict.c "${states}"
    [==[ && (plan->records > 0 || empty) && !cut_marked;]==]
    [==[ && (plan->records > 0 || empty) && (!cut_marked || plan->records < UINT64_MAX);]==])

fault("a section above W is left alone" src/oversized/open/verdict.c "${states}"
    [==[    return plan->records == plan->watermark && (]==]
    [==[    return plan->records >= plan->watermark && (]==])

fault("a new section without records is left alone" src/oversized/open/verdict.c "${states} counted/open"
    [==[(plan->records > 0 || empty) && !cut_marked;]==]
    [==[(plan->records > 0 || empty || !cut_marked) && !cut_marked;]==])

fault("the names of a section without records are taken for durable" src/oversized/open/recover_act.c "${states} counted/open"
    [==[ && recovery->plans[i].watermark > 0;]==]
    [==[;]==])

fault("a section without records is repaired by every open" src/oversized/open/repair.c "counted/open"
    [==[    else if (fixed->sequence == 0)
        status = segj_fixed_mark(fixed, index, (segj_point_t){0});]==]
    [==[    else if (fixed->sequence == 0)
        status = SEGJ_OK;]==])

fault("a header's checksum is not looked at" src/journal/header_format.c "unit/header_format badinput/headers"
    [==[    if (version == 0 || size < segj_identity_fields(version) ||
        segj_crc32(0, block, covered) != segj_get_u32(block + covered))]==]
    [==[    if (version == 0 || size < segj_identity_fields(version))]==])

fault("a watermark's checksum is not looked at" src/journal/header_format.c "unit/header_format ${states}"
    [==[    if (segj_get_u32(from + 12) != mark_checksum(section, from))]==]
    [==[    if (segj_get_u32(from + 12) == 0)]==])

fault("a file of another section is taken" src/oversized/open/verdict_native.c "badinput/foreign badinput/headers"
    [==[    if (found->section != expected->section)]==]
    [==[    if (found->section > expected->section && found->section == 0)]==])

fault("damage of a header before data is taken for a new file" src/oversized/open/verdict_native.c "badinput/headers lessons/refusals"
    [==[        return has_data ? segj_io_fail(]==]
    [==[        return has_data && size == 0 ? segj_io_fail(]==])

fault("EIO is the end of the journal" src/oversized/open/scan.c "lessons/recovery failure/storage_faults"
    [==[        segj_status_t status = segj_scan_page(scan, scanned, page, direction, &bytes, &length);
        if (status != SEGJ_OK || from + part > length)
            return status;]==]
    [==[        segj_status_t status = segj_scan_page(scan, scanned, page, direction, &bytes, &length);
        if (status != SEGJ_OK || from + part > length)
            return SEGJ_OK;]==])

fault("EIO at a value is the end of the journal" src/oversized/open/verdict_native.c "lessons/recovery failure/storage_faults"
    [==[        if (status != SEGJ_OK || !right)
            return status;
        plan->records++;]==]
    [==[        if (status != SEGJ_OK || !right)
            return SEGJ_OK;
        plan->records++;]==])

fault("any error of opening a partition means that it is missing" src/storage/io_partitions.c
    "unit/storage_io lessons/recovery lessons/refusals failure/storage_faults"
    [==[    if (code == ENOENT && missing != NULL) {]==]
    [==[    if (code != 0 && missing != NULL) {]==])

fault("a short read is no failure" src/storage/io.c "unit/storage_io failure/transfers"
    [==[    if (total < size && got == NULL)]==]
    [==[    if (total > size && got == NULL)]==])

fault("strict says nothing" src/oversized/open/recover.c "recovery/recovery promises/open lessons/recovery"
    [==[    if (status == SEGJ_OK && recovery->config->strict)]==]
    [==[    if (status == SEGJ_OK && recovery->config->strict && recovery->count == 0)]==])

fault("values without any mounted are taken for empty" src/oversized/open/recover.c "badinput/foreign"
    [==[    if (value_count > 0 || (synced < 2 && logs == 0))]==]
    [==[    if (value_count > 0 || (synced < 1000 && logs == 0))]==])

# --- what open writes ---

fault("open does not write an index's header again" src/oversized/open/repair.c "${order}"
    [==[wants_header(plan, index, plan->index_valid, plan->index_size)]==]
    [==[!plan->index_valid]==])

fault("open does not write a values file's header again" src/oversized/open/repair.c
    "${states} lessons/durability failure/failed_syncs"
    [==[wants_header(plan, values, plan->value_valid, plan->value_size)]==]
    [==[!plan->value_valid]==])

fault("open does not write pages again" src/oversized/open/repair.c "${states} lessons/durability failure/failed_syncs"
    [==[    uint64_t page = plan->watermark * shared->record_size / shared->page_size;]==]
    [==[    uint64_t page = plan->records * shared->record_size / shared->page_size;]==])

fault("open does not write values again" src/oversized/open/repair.c "${states} lessons/durability failure/failed_syncs"
    [==[values->data + plan->watermark_end, values->data + plan->end)]==]
    [==[values->data + plan->end, values->data + plan->end)]==])

fault("open does not write the marks again" src/oversized/open/repair.c "${order}"
    [==[        if (mark->valid)]==]
    [==[        if (!mark->valid)]==])

fault("open cuts without a mark" src/oversized/open/repair.c "${order}"
    [==[    return plan->cut || segj_plan_lost(plan) > 0 ||]==]
    [==[    return segj_plan_lost(plan) > 0 ||]==])

fault("a section without records is made durable before it says that it is not" src/oversized/open/repair.c
    "failure/storage_faults"
    [==[    return plan->cut || segj_plan_lost(plan) > 0 || is_marked_first(plan);]==]
    [==[    return plan->cut || segj_plan_lost(plan) > 0;]==])

fault("open marks a cut with W as it was" src/oversized/open/repair.c "recovery/recovery lessons/recovery recovery/recovery_edges"
    [==[{.records = segj_min_u64(plan->watermark, plan->records)});]==]
    [==[{.records = plan->watermark});]==])

fault("open does not give both files their size" src/oversized/open/repair.c "crash/exhaustive@20/plain"
    [==[    segj_status_t status = segj_io_truncate(index, segj_fixed_file_size(shared, index->data, plan->records));]==]
    [==[    segj_status_t status = SEGJ_OK;]==])

fault("values without an index stay" src/oversized/open/recover_act.c "${states}"
    [==[        if (indexed && !recovery->plans[at].remove)
            continue;]==]
    [==[        if (!indexed || !recovery->plans[at].remove)
            continue;]==])

# --- what is lost ---

fault("values beside an index without its header are cut" src/oversized/open/verdict_native.c
    "badinput/emptied badinput/truncated badinput/every_length"
    [==[    if (!index_whole && plan->value_size > values->data)]==]
    [==[    if (!index_whole && plan->value_size == 1)]==])

fault("strict lets values without an index go" src/oversized/open/orphans.c "badinput/emptied"
    [==[    bool strictly = config->strict &&]==]
    [==[    bool strictly = config->checkpoint != NULL &&]==])

fault("a failed open gives its claim back behind what it has changed" src/journal/owner.c "failure/owner"
    [==[ || atomic_load(&owner->used) ||]==]
    [==[ || owner->lost ||]==])

fault("one catalogue is written" src/oversized/lost/catalogue.c "recovery/quarantine"
    [==[    status = commit_once(quarantine);
    return status == SEGJ_ERR_NO_SPACE ? SEGJ_OK : status;]==]
    [==[    return status == SEGJ_ERR_NO_SPACE ? SEGJ_OK : status;]==])

fault("what is set aside is not synced" src/oversized/lost/set_aside.c "crash/set_aside"
    [==[        status = segj_io_sync(&to);]==]
    [==[        status = SEGJ_OK;]==])

fault("what does not find room to be set aside is cut" src/oversized/open/recover_act.c "failure/storage_faults crash/set_aside"
    [==[    bool waits = segj_plan_unwanted_loss(plan) > 0 && !plan->noted;]==]
    [==[    bool waits = segj_plan_unwanted_loss(plan) > 0 && plan->noted;]==])

fault("an open without room fails" src/oversized/open/recover_act.c "crash/full_open"
    [==[    if (status != SEGJ_ERR_NO_SPACE)
        return status;]==]
    [==[    if (status != SEGJ_OK || plan->durable)
        return status;]==])

fault("open repairs before it removes" src/oversized/open/recover_act.c "crash/full_open"
    [==[        status = remove_sections(recovery);
    if (status == SEGJ_OK)
        status = segj_quarantine_keep(recovery->journal, recovery->plans, recovery->count);
    return status == SEGJ_OK ? repair_sections(recovery) : status;]==]
    [==[        status = segj_quarantine_keep(recovery->journal, recovery->plans, recovery->count);
    if (status == SEGJ_OK)
        status = repair_sections(recovery);
    return status == SEGJ_OK ? remove_sections(recovery) : status;]==])

fault("strict takes an emptied commonware index for a new one" src/oversized/open/recover.c "commonware/recovery"
    [==[        segj_status_t status = check_emptied(recovery, plan);
]==]
    [==[        segj_status_t status = SEGJ_OK;
]==])

fault("strict takes an emptied commonware values file for a new one" src/oversized/open/recover.c "badinput/emptied"
    [==[            status = check_emptied_values(recovery, plan);]==]
    [==[            status = SEGJ_OK;]==])

fault("a missing commonware values file is made before the index is cut" src/oversized/open/repair.c
    "crash/exhaustive_commonware@commonware/20/plain"
    [==[    segj_status_t status = plan->value_there ? open_values(plan, values, shared) : SEGJ_OK;]==]
    [==[    segj_status_t status = open_values(plan, values, shared);]==])

fault("the loss of a section that goes is noted afterwards alone" src/oversized/write/remove.c "failure/no_room"
    [==[    note_losses(journal, removal, SEGJ_REMOVAL_BEGINS);]==]
    [==[]==])

fault("a loss counts as noted although its section stays" src/oversized/lost/gone.c "failure/no_room"
    [==[            plan->noted = plan->going = false;]==]
    [==[            plan->going = false;]==])

fault("a rewind without room for its last step poisons" src/oversized/write/rewind.c "failure/no_room"
    [==[        status = rewind_clear_mark(shared, index);]==]
    [==[        status = segj_fixed_clear_mark(index, file);]==])

fault("open does not sync the newest commonware section" src/oversized/open/recover_act.c "commonware/recovery"
    [==[    const segj_recovery_plan_t *newest = native ? NULL : newest_kept(recovery);]==]
    [==[    const segj_recovery_plan_t *newest = native || recovery->count > 0 ? NULL : newest_kept(recovery);]==])

fault("a failed sync of the newest commonware section is only made again" src/oversized/open/repair.c
    "commonware/recovery failure/failed_syncs"
    [==[    plan->doubtful = status != SEGJ_OK;
    return status;
}

/* --- sections that open could not repair --- */]==]
    [==[    return status;
}

/* --- sections that open could not repair --- */]==])

fault("a storage that cannot sync what was opened for reading is not asked otherwise" src/oversized/open/repair.c
    "commonware/recovery"
    [==[    if (code == EBADF || code == EINVAL)]==]
    [==[    if (code == EBADF)]==])
