# mutation/faults/log.cmake: deliberate faults (see mutate.cmake): version 2 of the native format.

set(log_states "crash/exhaustive_log@log/64/plain")

# --- the order of writes and flushes ---

fault("version 2: a sync does not flush the log" src/oversized/section/durable.c "${log_states} crash/trace"
    [==[    status = segj_io_sync(&section->values.handle.file);
    if (status == SEGJ_OK && capture->name_epoch != 0)]==]
    [==[    if (status == SEGJ_OK && capture->name_epoch != 0)]==])

fault("version 2: W is raised before the index is flushed" src/oversized/section/durable.c "recovery/log_order crash/trace"
    [==[    status = segj_io_sync(&index->handle.file);
    if (status != SEGJ_OK)
        return segj_shared_poison(&journal->shared, status);
    capture->index_durable = true;]==]
    [==[    capture->index_durable = true;]==])

fault("version 2: a rewind does not wait for its mark" src/oversized/write/rewind.c "recovery/log_order crash/trace"
    [==[    status = segj_fixed_sync_marks(index, file, at);]==]
    [==[    status = SEGJ_OK;]==])

fault("version 2: a cut of the values is not flushed" src/journal/glob.c "recovery/log_order crash/trace"
    [==[    if (status == SEGJ_OK)
        status = segj_io_sync(file);
    return status == SEGJ_OK && pad == 0 ? pad_file(file, size) : status;]==]
    [==[    return status;]==])

fault("version 2: a refused value stays in the log" src/oversized/section/durable.c
    "failure/storage_faults crash/histories"
    [==[    if (!segj_section_is_log(section) || !section->values.tail_dirty)]==]
    [==[    if (segj_section_is_log(section) || !section->values.tail_dirty)]==])

fault("version 2: a rewind below W does not lower it" src/oversized/write/rewind.c "recovery/log_order crash/trace"
    [==[    bool marked = at.records <= index->claimed;]==]
    [==[    bool marked = at.records > index->claimed;]==])

fault("version 2: a rewind into a batch is forgotten" src/oversized/write/rewind.c "recovery/log"
    [==[    if (status == SEGJ_OK && goes_on && at->records > section->index.claimed) {]==]
    [==[    if (status == SEGJ_OK && goes_on && at->records < section->index.claimed) {]==])

# --- what counts as a frame ---

fault("version 2: heads are no chain" src/journal/frame_format.h "recovery/log_frames"
    [==[(uint64_t)place.before << 32 | stored]==]
    [==[(uint64_t)stored]==])

fault("version 2: a trailer does not know its head" src/journal/walk.c "recovery/log_frames"
    [==[    *right = !verify || segj_frame_seal(sums.payload, sums.head, walk->raw) == sums.trailer;]==]
    [==[    *right = !verify || sums.payload == sums.trailer;]==])

fault("version 2: the salt is left out" src/journal/header_format.h "recovery/log_frames"
    [==[    return identity->section ^ identity->salt;]==]
    [==[    return identity->section;]==])

fault("version 2: a frame does not know its place" src/journal/frame_format.h "recovery/log_frames"
    [==[segj_crc32_of_number(place.begun, ]==]
    [==[segj_crc32_of_number(0, ]==])

fault("version 2: an entry of eight bytes is not in its head's checksum" src/journal/frame_format.h
    "unit/record_format recovery/log_frames"
    [==[    return entry_size == 8 ? segj_crc32_of_eight(crc, entry)]==]
    [==[    return entry_size == 8 ? segj_crc32_of_eight(crc, entry - 6)]==])

fault("version 2: a head counts without its checksum" src/journal/frame_format.c "recovery/log ${log_states}"
    [==[           segj_get_u32(from + size - SEGJ_HEAD_CHECKSUM) ==]==]
    [==[           0 !=]==])

fault("version 2: a value counts without its checksum" src/oversized/open/verdict_log.c "recovery/log ${log_states}"
    [==[    bool durable = right || walk->at.records <= plan->watermark;]==]
    [==[    bool durable = *more || walk->at.records <= plan->watermark;]==])

fault("version 2: a part of a batch is trusted" src/oversized/open/verdict_log.c "recovery/log"
    [==[    if (following.within)]==]
    [==[    if (following.within && status != SEGJ_OK)]==])

fault("version 2: damage is taken for a crash" src/oversized/open/verdict_log.c "recovery/log"
    [==[        *durable = right && unsynced < UINT8_MAX && number - unsynced > wrong;]==]
    [==[        *durable = right && unsynced > UINT8_MAX && number - unsynced > wrong;]==])

fault("version 2: a crash is taken for damage" src/oversized/open/verdict_log.c "recovery/log ${log_states}"
    [==[        *durable = right && unsynced < UINT8_MAX && number - unsynced > wrong;]==]
    [==[        *durable = right && unsynced < UINT8_MAX && number > wrong;]==])

# --- the index ---

fault("version 2: the index is trusted above W" src/oversized/open/verdict_log.c "${log_states} recovery/log"
    [==[    plan->anchor = trusted;
    plan->index_bytes = bytes;]==]
    [==[    plan->anchor = trusted;
    plan->index_bytes = plan->records * shared->record_size;]==])

fault("version 2: a damaged page is not made again" src/journal/fixed.c "recovery/log"
    [==[        if (status == SEGJ_ERR_CORRUPT && fixed->version == 2 && fixed->activations == activations)]==]
    [==[        if (status == SEGJ_ERR_CORRUPT && fixed->version == 3 && fixed->activations == activations)]==])

fault("version 2: what the index has in the page of W is not read" src/oversized/section/remake.c "recovery/log"
    [==[    return whole ? (uint16_t)trusted : 0;]==]
    [==[    return whole ? 0 : 0;]==])

# --- open ---

fault("version 2: a watermark may contradict its frames" src/oversized/open/verdict_log.c "recovery/log"
    [==[    if (status == SEGJ_OK && *arrived && !is_same_point(walk.at, trusted))]==]
    [==[    if (status == SEGJ_OK && !*arrived && is_same_point(walk.at, trusted))]==])

fault("version 2: an identity that is damaged is not made again" src/oversized/open/verdict_native.c "recovery/log"
    [==[    if (status == SEGJ_OK && plan->value_valid && headers->values.version == 2)]==]
    [==[    if (status == SEGJ_OK && plan->value_valid && headers->values.version == 1)]==])

fault("version 2: the values are not cut by open" src/oversized/open/repair_log.c "${log_states} recovery/log"
    [==[        status = cut_log_values(scan, plan, values);]==]
    [==[        status = segj_io_sync(values);]==])

fault("version 2: files of two journals are taken for a section's" src/oversized/open/verdict_native.c "recovery/log"
    [==[    if (!both)
        return SEGJ_OK;]==]
    [==[    if (!both || plan->index_valid)
        return SEGJ_OK;]==])

# --- the marks of a cut ---

fault("version 2: a cut lowers both slots before one sync" src/journal/fixed.c "crash/histories"
    [==[    return fixed->version == 2 && fixed->sequence > 0;]==]
    [==[    return fixed->version == 3 && fixed->sequence > 0;]==])

fault("version 2: a cut that was marked has happened" src/oversized/open/verdict_log.c "crash/histories"
    [==[    if (!segj_log_is_cut_marked(plan) || at.records == index->mark.records)]==]
    [==[    if (!segj_log_is_cut_marked(plan) || at.records >= index->mark.records)]==])

fault("version 2: a cut that has begun has not" src/oversized/open/verdict_log.c "crash/histories"
    [==[        status = are_frames_whole(scan, scanned, index->mark, at, &there);]==]
    [==[        status = are_frames_whole(scan, scanned, at, at, &there);]==])

fault("version 2: a mark with less than the other one tells of no cut" src/oversized/open/verdict_log.c
    "crash/histories ${log_states}"
    [==[    return newer->valid && older->valid && newer->at.records <= older->at.records;]==]
    [==[    return newer->valid && older->valid && newer->at.records > older->at.records;]==])

fault("version 2: an index that lags is closed before a removal" src/oversized/write/remove.c "crash/histories"
    [==[                       (!segj_section_is_log(section) || section->index.mark.records == section->index.durable);]==]
    [==[                       (!segj_section_is_log(section) || section->index.mark.records <= section->index.durable);]==])

# --- what else there is of the journal ---

fault("version 2: a bound is where version 1 has it" src/oversized/open/verdict.c "version_2/promises_bound"
    [==[    if (segj_section_is_log(plan->section))
        return segj_judge_log_shorten(scan, plan, scanned, most);]==]
    [==[    if (plan->section == NULL)
        return segj_judge_log_shorten(scan, plan, scanned, most);]==])

fault("version 2: the page size is not found" src/oversized/open/verdict_native.c "recovery/log version_2/promises_open"
    [==[        uint8_t header[SEGJ_IDENTITY_MOST];]==]
    [==[        uint8_t header[32];]==])

fault("version 2: without room for its index a journal does not close well" src/oversized/section/durable.c
    "version_2/promises_dropped_tails"
    [==[    if (status == SEGJ_OK || !at_end || atomic_load]==]
    [==[    if (status == SEGJ_OK || at_end || atomic_load]==])

# --- index files that are missing, and removals ---

fault("version 2: a removal leaves no mark" src/oversized/write/remove.c "crash/trace ${log_states}"
    [==[        any = segj_section_is_log(removal->gone[i]);]==]
    [==[        any = !segj_section_is_log(removal->gone[i]);]==])

fault("version 2: the mark of a removal is not durable" src/journal/removing.c "crash/trace ${log_states}"
    [==[    status = segj_partition_sync(&shared->values);
    *unknown]==]
    [==[    status = SEGJ_OK;
    *unknown]==])

fault("version 2: the mark of a removal goes first" src/oversized/write/remove.c "crash/trace ${log_states}"
    [==[    segj_status_t status = SEGJ_OK;
    for (size_t part = 0;]==]
    [==[    segj_status_t status = SEGJ_OK;
    segj_removal_end(&journal->shared);
    for (size_t part = 0;]==])

fault("version 2: a removal leaves its mark" src/oversized/write/remove.c "badinput/lost_index"
    [==[    segj_removal_end(&journal->shared);]==]
    [==[]==])

fault("version 2: the first index file's name is not durable before a frame" src/oversized/section/writers.c
    "crash/trace ${log_states}"
    [==[    if (!segj_section_is_log(section) || has_index_named(journal))]==]
    [==[    if (segj_section_is_log(section) || has_index_named(journal))]==])

fault("version 2: a missing index file is the rest of a removal" src/oversized/open/orphans.c "badinput/lost_index"
    [==[(orphans == OVERSIZED_ORPHANS_JUDGE && !recovery->removing));]==]
    [==[(orphans == OVERSIZED_ORPHANS_JUDGE && recovery->removing));]==])

fault("version 2: what a removal has left comes back" src/oversized/open/orphans.c "badinput/lost_index ${log_states}"
    [==[(orphans == OVERSIZED_ORPHANS_JUDGE && !recovery->removing));]==]
    [==[orphans == OVERSIZED_ORPHANS_JUDGE);]==])

fault("version 2: an index partition that is not mounted is made again" src/oversized/open/orphans.c
    "badinput/lost_index"
    [==[    if (index_count > 0 || orphans == 0)]==]
    [==[    if (index_count > 0 || orphans > 0)]==])

fault("version 2: a values partition that is not mounted is a loss" src/oversized/open/recover.c "badinput/lost_index"
    [==[(synced < 2 && logs == 0)]==]
    [==[(synced < 2 && logs < 1000)]==])

fault("version 2: an index that was made again has no durable name" src/oversized/open/repair_log.c "badinput/lost_index"
    [==[        status = segj_partition_sync(&shared->index);
    if (status != SEGJ_OK)
        return status;
    raise_log_mark]==]
    [==[        status = SEGJ_OK;
    if (status != SEGJ_OK)
        return status;
    raise_log_mark]==])

fault("version 2: open leaves a mark that has nothing to tell" src/oversized/open/recover_act.c "badinput/lost_index"
    [==[ && !recovery->removing;]==]
    [==[;]==])

fault("version 2: open leaves the mark of a removal" src/oversized/open/recover_act.c "badinput/lost_index"
    [==[    if (status == SEGJ_OK)
        segj_removal_end(shared);]==]
    [==[]==])

fault("version 2: an open to a checkpoint removes without a mark" src/oversized/open/recover_act.c "failure/storage_faults crash/trace recovery/log badinput/lost_index"
    [==[    if (shared->format != SEGJ_FORMAT_NATIVE || !((indexes && logs) || orphans))]==]
    [==[    if (shared->format == SEGJ_FORMAT_NATIVE || !((indexes && logs) || orphans))]==])

fault("version 2: a head that was read in part is taken as it lies" src/oversized/open/pass_log.c "recovery/crash_index"
    [==[        memmove(window, window + passage->size - stays, stays);]==]
    [==[        (void)window;]==])

fault("version 2: heads may lead to another end than they did" src/oversized/open/pass_log.c "recovery/crash_index"
    [==[    return segj_io_fail(SEGJ_ERR_CORRUPT, passage->values,]==]
    [==[    return segj_io_fail(SEGJ_OK, passage->values,]==])

fault("version 2: what has changed since the verdict is written" src/oversized/open/pass_log.c "recovery/crash_index"
    [==[    if (status == SEGJ_OK)
        status = passage_put_all(passage);
    return status == SEGJ_OK ? passage_write(passage, come) : status;]==]
    [==[    if (status == SEGJ_OK)
        status = passage_write(passage, come);
    return status == SEGJ_OK ? passage_put_all(passage) : status;]==])

fault("version 2: what W covers of the log is written again" src/oversized/open/pass_log.c "recovery/log_order"
    [==[segj_max_u64(end - come, passage->plan->watermark_end)]==]
    [==[end - come]==])

fault("version 2: a batch that was open before a wrong frame is whole" src/oversized/open/verdict_log.c "recovery/log"
    [==[    if (durable)
        following->within = batch_goes_on(following, &head);
    else]==]
    [==[    following->within = batch_goes_on(following, &head);
    if (!durable)]==])

fault("version 2: a frame that is passed quickly needs no trailer" src/journal/walk.c "recovery/log ${log_states}"
    [==[    if (crc != segj_get_u32(payload + head->stored))
        return false;]==]
    [==[    crc = segj_get_u32(payload + head->stored);]==])

fault("a walk wants the file of an index that is not trusted" src/oversized/read/replay.c "promises/read_only"
    [==[    if (!segj_fixed_trusts(&section->index, shared, page)) {]==]
    [==[    if (!segj_fixed_trusts(&section->index, shared, page) && replay->capacity == 0) {]==])

fault("version 2: a rewind takes the buffer before a page for the one that has it" src/paged/paged_blob.c
    "recovery/log_cut_memory unit/paged_flight"
    [==[    return page >= begin && (buffer->state == SEGJ_BUFFER_LIVE || page - begin < buffer->size / physical(paged));]==]
    [==[    return page >= begin && (buffer->state == SEGJ_BUFFER_LIVE || buffer->size > 0);]==])

fault("version 2: a walk backwards reads pages of the file with one that memory has newer" src/paged/paged_blob.c
    "recovery/log_cut_memory threads/parked_sync version_2/threads_parked_sync"
    [==[            *first = segj_max_u64(*first, begin + at->size / physical(paged));]==]
    [==[            *first = segj_min_u64(*first, begin + at->size / physical(paged));]==])

fault("version 2: a removal that is undone leaves its mark" src/oversized/write/remove.c "badinput/lost_index"
    [==[        take_mark_back(&journal->shared);]==]
    [==[        (void)take_mark_back;]==])

fault("version 2: a rewind after a failed raise marks one slot" src/oversized/write/rewind.c "recovery/log_cut_mark"
    [==[index->sequence > 0 && index->mark.records < at.records;]==]
    [==[index->sequence > UINT64_MAX - 1 && index->mark.records < at.records;]==])

fault("a removal that is undone forgets the zeros of a section" src/oversized/write/remove.c "promises/preallocate"
    [==[section->values.tail_dirty || section->values.ahead > section->values.size;]==]
    [==[section->values.tail_dirty;]==])

fault("version 2: larger syncs keep no more zeros than small ones" src/journal/glob.c "version_2/promises_preallocate"
    [==[AUTO_MOST), AUTO_AGAIN * bytes);]==]
    [==[AUTO_MOST), AUTO_AGAIN * 0 * bytes);]==])

fault("version 2: zeros are kept for syncs of any size" src/journal/glob.c "version_2/promises_preallocate"
    [==[    if (bytes >= AUTO_SYNC_BYTES)]==]
    [==[    if (bytes >= AUTO_SYNC_BYTES * 2)]==])

fault("zeros are written after their place" src/journal/glob.c "promises/preallocate"
    [==[segj_io_write_slices(file, place, slices, count);]==]
    [==[segj_io_write_slices(file, place + slices[0].size, slices, count);]==])

fault("more zeros than one call takes are not all written" src/journal/glob.c "promises/preallocate"
    [==[    while (from < end && status == SEGJ_OK) {
        segj_slice_t]==]
    [==[    if (from < end) {
        segj_slice_t]==])

fault("zeros take the room of the values before them" src/journal/glob.c "version_2/failure_full_disk"
    [==[more ? segj_glob_drain(glob, shared, false) : SEGJ_OK;]==]
    [==[more ? SEGJ_OK : SEGJ_OK;]==])

fault("zeros for which there is no room stay" src/journal/glob.c "promises/preallocate"
    [==[    segj_status_t status = segj_glob_trim(glob, &trimmed);]==]
    [==[    segj_status_t status = (trimmed = false, SEGJ_OK);]==])

fault("zeros are tried at each sync though there is no room" src/journal/glob.c "promises/preallocate"
    [==[    glob->syncs = 0;
    segj_status_t status = segj_glob_trim]==]
    [==[    segj_status_t status = segj_glob_trim]==])

fault("zeros of one section take the room of an append" src/oversized/write/append.c "failure/full_disk"
    [==[    if (status == SEGJ_ERR_NO_SPACE && segj_room_is_given(journal))
        status = try_one]==]
    [==[    if (status == SEGJ_ERR_NO_SPACE && !segj_room_is_given(journal))
        status = try_one]==])

fault("zeros of one section take the room of a batch" src/oversized/write/append.c "failure/full_disk"
    [==[segj_room_is_given(journal) && payloads->count == made)]==]
    [==[segj_room_is_given(journal) && payloads->count != made)]==])

fault("zeros of one section take the room of a sync" src/oversized/write/sync.c "failure/full_disk"
    [==[status == SEGJ_ERR_NO_SPACE && segj_room_is_made(journal)) {]==]
    [==[status == SEGJ_ERR_NO_SPACE && !segj_room_is_made(journal)) {]==])

fault("zeros of one section take the room of a flush" src/oversized/write/flush.c "failure/full_disk"
    [==[SEGJ_ERR_NO_SPACE && segj_room_is_made(journal) ?]==]
    [==[SEGJ_ERR_NO_SPACE && !segj_room_is_made(journal) ?]==])

fault("zeros are given back while a stream writes over them" src/oversized/section/room.c "promises/preallocate"
    [==[    return !busy && !section->values.tail_dirty;]==]
    [==[    return !busy || section->streaming;]==])

fault("a close fails where what it has to cut has no room for a mark" src/oversized/section/durable.c
    "promises/dropped_tails"
    [==[    if (status == SEGJ_ERR_NO_SPACE && durably && is_tail_left(journal, section))]==]
    [==[    if (status == SEGJ_ERR_NO_SPACE && !durably && is_tail_left(journal, section))]==])

fault("losses are not acknowledged where one catalogue has them" src/oversized/lost/acknowledge.c "recovery/quarantine"
    [==[    if (status == SEGJ_OK || journal->quarantine.sequence == before)]==]
    [==[    if (status != SEGJ_ERR_CANCELLED || journal->quarantine.sequence == before)]==])

fault("version 2: strict refuses damage that a checkpoint takes away" src/oversized/open/verdict_log.c
    "version_2/promises_checkpoint"
    [==[    if (records <= plan->damaged_first)]==]
    [==[    if (records == UINT64_MAX)]==])
