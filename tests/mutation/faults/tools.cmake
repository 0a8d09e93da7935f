# mutation/faults/tools.cmake: deliberate faults (see mutate.cmake): what is told of a journal from outside.

# --- inspections ---

fault("an inspection takes a rewind for a loss" src/oversized/tools/inspect.c "threads/inspect_beside"
    [==[        if (!is_doubtful(&now) || i >= INSPECT_TRIES || (i > 0 && !now.missing && same_outcome(&before, &now)))]==]
    [==[        if (!is_doubtful(&now) || i >= 0 || same_outcome(&before, &now))]==])

fault("a damaged section hides those after it" src/oversized/tools/inspect.c "promises/inspect"
    [==[    while ((index < listing->index_count || values < listing->value_count) && status == SEGJ_OK) {]==]
    [==[    while ((index < listing->index_count || values < listing->value_count) && status == SEGJ_OK &&
           made->shown.health < OVERSIZED_REFUSED) {]==])

fault("a lost record is a repair" src/oversized/tools/inspect.c "promises/inspect"
    [==[    look->lost_records = segj_plan_lost(plan);]==]
    [==[    look->lost_records = 0;]==])

fault("a foreign name is passed over" src/oversized/tools/inspect.c "promises/inspect"
    [==[    if (status == SEGJ_OK && strange.text[0] != '\0')]==]
    [==[    if (status == SEGJ_OK && strange.text[0] != '\0' && missing[0])]==])

fault("the first record size is taken that is one" src/oversized/tools/sizes.c "promises/inspect"
    [==[        found = (uint32_t)size;]==]
    [==[        found = OVERSIZED_LOCATION_SIZE;]==])

# --- what a journal has done ---

fault("a rewind takes appends back" src/oversized/write/rewind.c "promises/stats"
    [==[    segj_tally_gone(&journal->tally, gone, segj_section_stored(section, gone, section->values.size - at.end));]==]
    [==[]==])

fault("a prune takes appends back" src/oversized/write/remove.c "promises/stats"
    [==[        count_gone(journal, removal->gone[i]);]==]
    [==[]==])

fault("what open found was appended" src/oversized/open/recover.c "promises/stats"
    [==[        segj_tally_come(&recovery->journal->tally, plan->records,
                        segj_section_stored(section, plan->records, plan->end));]==]
    [==[]==])

fault("unsynced bytes are those since the open" src/oversized/section/durable.c "promises/stats"
    [==[        section->synced_size = capture->size;]==]
    [==[]==])

fault("a compressed value counts as it is stored" src/oversized/write/append.c "promises/stats"
    [==[        segj_tally_saved(&journal->tally, (uint64_t)value->size - (placed.size - SEGJ_FRAME_TRAILER));]==]
    [==[        segj_tally_saved(&journal->tally, 0);]==])

# --- verifications ---

fault("a page that the cache has is trusted" src/oversized/tools/verify_part.c "promises/verify"
    [==[    if (status == SEGJ_OK && !v.gone)
        status = verify_index(&v);]==]
    [==[]==])

fault("a damage ends a verification" src/oversized/tools/verify_part.c "promises/verify"
    [==[    if (status != SEGJ_OK && !is_damage(status))
        return status;]==]
    [==[    if (status != SEGJ_OK && (!is_damage(status) || v->records > 0))
        return status;]==])

fault("heads are not looked at" src/oversized/tools/verify_part.c "version_2/promises_verify"
    [==[    if (read)
        status = verify_head(v, item, segj_replay_frame(replay));]==]
    [==[    if (read && v->head == 0)
        status = verify_head(v, item, segj_replay_frame(replay));]==])

fault("a damaged page is told twice" src/oversized/tools/verify_part.c "promises/verify"
    [==[    bool told = v->pages_damaged > 0 && (last < v->pages_end || first == v->last_damaged);]==]
    [==[    bool told = v->pages_damaged > 0 && last + 1 < first;]==])

fault("the chain of records is not looked at" src/oversized/tools/verify_part.c "promises/verify"
    [==[    bool right = !*known || (exact ? begin == *end : begin >= *end);]==]
    [==[    bool right = !*known || exact || begin >= *end;]==])

fault("a verification is not cancelled by a damage" src/oversized/tools/verify.c "promises/verify"
    [==[    if (!job->stop && job->options->on_damage != NULL && job->options->on_damage(job->options->context, damage))]==]
    [==[    if (!job->stop && job->options->on_damage != NULL && job->options->on_damage(job->options->context, damage) &&
        damage->records == 0)]==])

fault("a limit is none" src/oversized/tools/throttle.h "promises/verify promises/copy"
    [==[    return due > passed ? segj_min_u64(due - passed, SEGJ_TELL_TIME) : 0;]==]
    [==[    return due > passed ? 0 : 0;]==])

fault("the last section is left out" src/oversized/tools/verify.c "promises/verify"
    [==[    return status == SEGJ_OK && *section > job->options->last_section ? SEGJ_END : status;]==]
    [==[    return status == SEGJ_OK && *section >= job->options->last_section ? SEGJ_END : status;]==])

# --- what is retained ---

fault("a section more than may be is kept" src/oversized/tools/retain.c "promises/retain"
    [==[sections->count - at < options->sections)) {]==]
    [==[sections->count - at <= options->sections)) {]==])

fault("the newest section counts for nothing" src/oversized/tools/retain.c "promises/retain"
    [==[        bytes += kept.bytes;]==]
    [==[        bytes += at < sections->count ? kept.bytes : 0;]==])

fault("the newest section is removed with the others" src/oversized/tools/retain.c "promises/retain"
    [==[    bool found = at + 1 < sections->count;]==]
    [==[    bool found = at < sections->count;]==])

fault("a dry run removes" src/oversized/tools/retain.c "promises/retain"
    [==[    if (found->sections == 0 || options->dry_run)]==]
    [==[    if (found->sections == 0)]==])

fault("a removal tells of sections that it has not removed" src/oversized/write/steps.c "promises/progress crash/progress"
    [==[        segj_status_t status = oversized_prune(journal, line, NULL);
        if (status != SEGJ_OK)
            return status;]==]
    [==[        segj_status_t status = oversized_prune(journal, line, NULL);
        steps->removed.sections += status != SEGJ_OK;
        if (status != SEGJ_OK)
            return status;]==])

fault("a removal that was cancelled goes on" src/oversized/write/steps.c "promises/progress crash/progress"
    [==[    return segj_tell(&steps->telling, !more) && more;]==]
    [==[    return segj_tell(&steps->telling, !more) && !more;]==])

# --- salvage ---

fault("a value is salvaged unchecked" src/oversized/tools/salvage_work.c "salvage/damages"
    [==[    return segj_get_u32(segj_salvage_input_look(&work->values, end, SEGJ_FRAME_TRAILER)) == crc;]==]
    [==[    return segj_get_u32(segj_salvage_input_look(&work->values, end, SEGJ_FRAME_TRAILER)) == crc || true;]==])

fault("the next head does not vouch for a damaged trailer" src/oversized/tools/salvage_log.c "salvage/damages"
    [==[        !right && (log_head(walk, walk->at, sum, &next) ||]==]
    [==[        false && (log_head(walk, walk->at, sum, &next) ||]==])

fault("the index does not help past damaged heads" src/oversized/tools/salvage_log.c "salvage/damages"
    [==[    if (!log_leaf(walk, at, &location, &there) || !there || !log_fits(]==]
    [==[    if (true || !log_leaf(walk, at, &location, &there) || !there || !log_fits(]==])

fault("no frame is looked for past damage" src/oversized/tools/salvage_log.c "salvage/damages"
    [==[        if (at >= most || log_is_frame(walk, at))]==]
    [==[        if ((at = most) >= most || log_is_frame(walk, at))]==])

fault("a length that is right by itself is trusted" src/oversized/tools/salvage_frames.c "salvage/damages"
    [==[        if (frames_end(trial, end) || frames_try(trial, end, 0, next))]==]
    [==[        if (frames_end(trial, end) || frames_try(trial, end, 0, next) || true)]==])

fault("records need not follow each other" src/oversized/tools/salvage_pages.c "salvage/salvage"
    [==[    if (!pages_follows(walk, location)) {]==]
    [==[    if (!pages_follows(walk, location) && false) {]==])

fault("a watermark does not place the last run" src/oversized/tools/salvage_log.c "salvage/salvage"
    [==[            segj_salvage_report_place(&work->report, walk->position);]==]
    [==[            (void)work;]==])

fault("a torn end is told as a loss" src/oversized/tools/salvage_report.c "salvage/salvage"
    [==[    gap->unsynced = report->has_gap]==]
    [==[    gap->unsynced = false && report->has_gap]==])

# --- copies into another journal ---

fault("a copy goes on behind records that are others" src/oversized/tools/copy_into.c "promises/copy_into"
    [==[    return same ? SEGJ_OK : into_differs(job, ours, "value");]==]
    [==[    return same || job->count > 0 ? SEGJ_OK : into_differs(job, ours, "value");]==])

fault("a large value of a copy that cannot be read is taken for the same" src/oversized/tools/copy_into.c "promises/copy_into"
    [==[        if (other != SEGJ_OK && other != SEGJ_END)
            return other;]==]
    [==[        if (other != SEGJ_OK && other != SEGJ_END)
            return status;]==])

fault("a copy does not look at what it has first" src/oversized/tools/copy_into.c "promises/copy_into"
    [==[        if (job->sections[i].there > 0)
            status = compare_section]==]
    [==[        if (job->sections[i].there > job->sections[i].records)
            status = compare_section]==])

fault("a rewind beside a copy goes unnoticed" src/oversized/tools/copy_into.c "promises/copy_into"
    [==[    bool changed = now != NULL && segj_section_changed(now, section->generation);]==]
    [==[    bool changed = now == NULL && section->records == 0;]==])

fault("a copy takes the next section for one that was removed" src/oversized/tools/copy_into.c "promises/copy_into"
    [==[    if (status != SEGJ_END && (status != SEGJ_OK || item->section == section->number))]==]
    [==[    if (status != SEGJ_END)]==])

fault("what was not synced is copied" src/oversized/tools/copy_into.c "promises/copy_into"
    [==[                                                       .records = section->index.durable,]==]
    [==[                                                       .records = section->index.records,]==])

# --- copies from files ---

fault("values of a copy from files are not synced" src/oversized/tools/copy_section.c "crash/copy"
    [==[        status = segj_io_sync(&piece->values);
    if (status == SEGJ_OK)
        status = segj_io_sync(&piece->index);]==]
    [==[        status = piece->source->reads->damage != NULL ? SEGJ_OK : segj_io_sync(&piece->values);
    if (status == SEGJ_OK)
        status = segj_io_sync(&piece->index);]==])

fault("a cut beside a copy from files goes unnoticed" src/oversized/tools/copy_files.c "threads/copy_orders"
    [==[    return there && segj_copy_slots_stamp(source->number, &slots) == source->stamp ? SEGJ_OK : SEGJ_END;]==]
    [==[    return there ? SEGJ_OK : SEGJ_END;]==])

fault("a file of version 1 that lost its name is copied" src/oversized/tools/copy_files.c "threads/copy_orders"
    [==[    return there && segj_copy_slots_stamp(source->number, &slots) == source->stamp ? SEGJ_OK : SEGJ_END;]==]
    [==[    return segj_copy_slots_stamp(source->number, &slots) == source->stamp ? SEGJ_OK : SEGJ_END;]==])

fault("a cut that is under way is not waited for" src/oversized/tools/copy_look.c "threads/copy_orders"
    [==[                    (source->stamp % 2 != 0 ||]==]
    [==[                    (source->stamp == 0 ||]==])

fault("the end of a copied log is not confirmed" src/oversized/tools/copy_files.c "threads/copy_orders"
    [==[segj_get_u32(trailer) == source->noted.trailer);]==]
    [==[true);]==])

fault("what a writer does in a moment is damage" src/oversized/tools/copy_look.c "threads/copy_orders"
    [==[        bool sure = !look->passing && (!look_is_doubtful(look) || same);]==]
    [==[        bool sure = !look->passing && (!look_is_doubtful(look) || same || i >= 0);]==])

fault("copied frames may be others" src/oversized/tools/copy_frames.c "threads/copy_orders"
    [==[(walk->at.end != end.end || walk->at.trailer != end.trailer)]==]
    [==[walk->at.end < end.end]==])

fault("copied payloads are not checked" src/oversized/tools/copy_frames.c "threads/copy_orders"
    [==[        status = segj_walk_pass(walk, location, true, &right);]==]
    [==[        status = segj_walk_pass(walk, location, false, &right);]==])

fault("one look at what was copied is enough" src/oversized/tools/copy.c "threads/copy_orders"
    [==[        if (status != SEGJ_OK || (!changed && job->from->is_quiet == NULL))]==]
    [==[        if (status != SEGJ_OK || job->from->is_quiet == NULL)]==])

fault("a later section tells of the kin where the oldest is cut" src/oversized/tools/copy.c "threads/copy_orders"
    [==[            *kin = SEGJ_KIN_UNKNOWN;]==]
    [==[            *kin = SEGJ_KIN_UNKNOWN;
            return SEGJ_OK;]==])

fault("a journal is copied into its own directory" src/oversized/tools/copy.c "promises/copy_refused"
    [==[        if (status == SEGJ_OK)
            status = check_elsewhere(job);]==]
    [==[        if (status != SEGJ_OK)
            status = check_elsewhere(job);]==])

fault("a loss goes into a copy from files" src/oversized/tools/copy_look.c "promises/copy_refused"
    [==[    if (look->records < look->watermark)
        return]==]
    [==[    if (look->records < look->watermark && look->damaged > look->records)
        return]==])

fault("sizes of files without headers are not tried" src/oversized/tools/salvage.c "salvage/salvage"
    [==[    } else
        status = salvage_try(job);]==]
    [==[    }]==])

fault("a page size is tried that no page has" src/oversized/tools/sizes.c "salvage/salvage"
    [==[        if (segj_page_verify(SEGJ_CHECKSUM_PLACED, bytes, (uint16_t)size, index->binding, 0).length > 0)]==]
    [==[        if (size > 1)]==])

fault("room that is lacking is not made" src/oversized/tools/retain.c "promises/retain"
    [==[        if (kept.section >= line && lacking == 0 && (options]==]
    [==[        if (kept.section >= line && (options]==])

fault("a copy of files leaves a section out whose index file is missing" src/oversized/tools/copy_beside.c "promises/copy_refused"
    [==[        if (!listed && number >= options->first_section && number <= options->last_section)]==]
    [==[        if (listed && number >= options->first_section && number <= options->last_section)]==])

fault("one bad block fails all values that are read together" src/oversized/read/read_many.c "promises/bad_blocks"
    [==[    if (read != SEGJ_OK && last - first > 1) {]==]
    [==[    if (read != SEGJ_OK && last - first > SIZE_MAX / 2) {]==])

fault("a bad block ahead fails the value that is asked for" src/oversized/read/replay_value.c "promises/bad_blocks"
    [==[    if (status == SEGJ_ERR_IO && range.end - range.begin > size) {]==]
    [==[    if (status == SEGJ_ERR_IO && range.end - range.begin < size) {]==])

fault("a bad block of the index fails the pages that are read with it" src/oversized/read/replay.c
    "promises/bad_blocks"
    [==[    if (status == SEGJ_ERR_IO && wanted > 1) {]==]
    [==[    if (status == SEGJ_ERR_IO && wanted > SIZE_MAX / 2) {]==])

fault("salvage loses a streamed value whose trailer alone is damaged" src/oversized/tools/salvage_work.c
    "salvage/faults"
    [==[    if (frame->mended)]==]
    [==[    if (frame->mended && frame->size == 0)]==])

fault("a page that went bad while it was verified is not told of" src/oversized/tools/verify_part.c
    "promises/bad_blocks"
    [==[    if (v->pages_damaged > 0 && page < v->pages_end) /* it was told]==]
    [==[    if (page < v->pages_end) /* it was told]==])

fault("a list says nothing of records that are lost" src/command/list.c "command/files"
    [==[    list.answer = tell_lost(options, list.journal, &list.range, list.answer);]==]
    [==[    (void)tell_lost;]==])

fault("an import is not durable when it can no longer be taken back" src/command/import.c "command/files"
    [==[            answer = failed(import, oversized_sync_all(import->journal));]==]
    [==[            answer = failed(import, SEGJ_OK);]==])

fault("an import takes a file for as long as the system says" src/command/import.c "command/files"
    [==[    if (answer == ANSWER_FINE && getc(file) != EOF)]==]
    [==[    if (answer == ANSWER_FINE && ferror(file) != 0)]==])

fault("a copy at another level has the usual partitions" src/command/backup.c "command/files"
    [==[    anew->index_partition = options->index;
    anew->value_partition = options->values;]==]
    [==[    (void)options->index;]==])
