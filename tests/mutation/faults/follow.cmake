# mutation/faults/follow.cmake: deliberate faults (see mutate.cmake): followers.

fault("a follower does not look at the slots again" src/oversized/tools/follow_index.c "threads/follow_orders"
    [==[ && view_slots(section, &slots).stamp == section->stamp;]==]
    [==[;]==])

fault("a follower shows what is being cut" src/oversized/tools/follow_index.c "threads/follow_orders"
    [==[    if (begun)]==]
    [==[    if (begun && section->number == 0)]==])

fault("a follower passes over a cut" src/oversized/tools/follow_index.c "promises/follow"
    [==[    if (stamp_epoch(view.stamp) != stamp_epoch(section->stamp))]==]
    [==[    if (stamp_epoch(view.stamp) < stamp_epoch(section->stamp))]==])

fault("a cut has no number of its own" src/journal/header_format.h "promises/follow unit/fixed_cut"
    [==[    return (sequence / SEGJ_MARKS_OF_CUT + 1) * SEGJ_MARKS_OF_CUT;]==]
    [==[    return sequence + 1;]==])

fault("a mark has the number of a cut" src/journal/fixed.c "unit/fixed_cut"
    [==[    if (fixed->version == 1 && segj_mark_is_of_begun_cut(number))]==]
    [==[    if (fixed->version == 0 && segj_mark_is_of_begun_cut(number))]==])

fault("a follower goes on behind a log that was cut" src/oversized/tools/follow_log.c "version_2/promises_follow"
    [==[    if (status == SEGJ_OK && !there) {
        *told = true;]==]
    [==[    if (status == SEGJ_OK && !there && section->number == UINT64_MAX) {
        *told = true;]==])

fault("a part of a batch is shown" src/oversized/tools/follow_log.c "version_2/promises_follow"
    [==[    return log_batch(follower, section, ready);]==]
    [==[    return position < UINT64_MAX ? SEGJ_OK : log_batch(follower, section, ready);]==])

fault("a section that was removed is followed on" src/oversized/tools/follow_section.c "promises/follow"
    [==[    return status == SEGJ_ERR_IO && segj_last_errno() == ESTALE ? SEGJ_OK : status;]==]
    [==[    *there = true;
    return status == SEGJ_ERR_IO && segj_last_errno() == ESTALE ? SEGJ_OK : status;]==])

fault("a log that becomes shorter fails a follower" src/oversized/tools/follow_log.c "threads/follow_orders"
    [==[    if (status == SEGJ_ERR_IO && segj_last_errno() == 0) {]==]
    [==[    if (status == SEGJ_ERR_IO && segj_last_errno() == 77) {]==])

fault("a head tells of one record more than was synced" src/oversized/tools/follow_log.c "version_2/promises_follow"
    [==[            synced = segj_max_u64(synced, at.records - head.unsynced);]==]
    [==[            synced = segj_max_u64(synced, at.records - head.unsynced + 1);]==])

fault("heads are trusted that count no further" src/oversized/tools/follow_log.c "version_2/promises_follow"
    [==[        if (head.unsynced < UINT8_MAX && head.unsynced <= at.records)]==]
    [==[        if (head.unsynced <= at.records)]==])

fault("what a follower has read outlives a cut" src/oversized/tools/follow_index.c "threads/follow_orders"
    [==[        if (section->stamp != stamp)
            segj_follow_drop(follower); /* a cut that was under way has ended */]==]
    [==[        if (section->stamp != stamp && i > INDEX_TRIES)
            segj_follow_drop(follower); /* a cut that was under way has ended */]==])

fault("a follower reads both files again where one has more" src/oversized/tools/follow_index.c "promises/follow"
    [==[    segj_status_t status = follower->fresh == 0 ? index_find_record(follower, section, &found) : SEGJ_OK;]==]
    [==[    segj_status_t status = follower->fresh > 9 ? index_find_record(follower, section, &found) : SEGJ_OK;]==])

fault("a follower keeps the processor" src/oversized/tools/follow.c "threads/follow_beside"
    [==[    segj_process_yield();
    uint64_t after]==]
    [==[    uint64_t after]==])

fault("a follower gets less of the processor than others" src/oversized/tools/follow.c "threads/follow_beside"
    [==[    follower->run_until = after + (after - before);]==]
    [==[    follower->run_until = after;]==])

fault("a follower shows the rest of a removal" src/oversized/tools/follow_alone.c "version_2/promises_follow_damage"
    [==[    if (status != SEGJ_OK || !missing)
        return status;
    status = segj_io_refresh(values, false);]==]
    [==[    if (status != SEGJ_OK)
        return status;
    status = segj_io_refresh(values, false);]==])

fault("a follower passes over values without an index file" src/oversized/tools/follow_list.c "version_2/promises_follow_damage"
    [==[    if (status == SEGJ_OK && !removing)]==]
    [==[    if (status == SEGJ_OK && removing)]==])

fault("a follower tells of a removal where an index file is lost" src/oversized/tools/follow_section.c "version_2/promises_follow_damage"
    [==[    if (section->version == 2)
        status = segj_follow_alone]==]
    [==[    if (section->version == 3)
        status = segj_follow_alone]==])

fault("a follower wants the header of an index file of version 2" src/oversized/tools/follow_section.c "version_2/promises_follow_damage"
    [==[    bool damaged = status == SEGJ_ERR_CORRUPT;]==]
    [==[    bool damaged = status == SEGJ_ERR_CORRUPT && section->number == UINT64_MAX;]==])

fault("a follower takes the end of a window for the end of the log" src/oversized/tools/follow_log.c
    "promises/follow_end"
    [==[            follower->fresh = 0; /* the windows may end here */]==]
    [==[            follower->fresh += 0;]==])

fault("a follower takes the end of a window for the end of the index" src/oversized/tools/follow_index.c
    "promises/follow_end"
    [==[            follower->fresh = 0; /* the windows may end here */]==]
    [==[            follower->fresh += 0;]==])

fault("a follower passes over a record that it could not unpack for want of memory" src/oversized/tools/follow_log.c
    "failure/follow"
    [==[        section->passed_count--;
        section->at = before;]==]
    [==[        section->passed_count += 0 * before.records;]==])
