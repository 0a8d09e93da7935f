# mutation/faults.cmake: deliberate faults, by what they break (see mutate.cmake). Texts are kept short, so that they outlive
# changes around them.
set(order "crash/trace crash/exhaustive")
set(states "crash/exhaustive")

# --- a sync of contents or of names is missing ---

fault("sync does not sync the index" src/oversized/flusher.c "${order}"
    [==[    segj_status_t status = segj_io_sync(index);]==]
    [==[    segj_status_t status = asked ? segj_io_sync(index) : SEGJ_OK;]==])

fault("sync does not sync the values" src/oversized/flusher.c "${states}"
    [==[    return status == SEGJ_OK ? segj_io_sync(values) : status;]==]
    [==[    return status;]==])

fault("a journal's thread flushes nothing" src/oversized/flusher.c "crash/exhaustive_parallel@64/parallel"
    [==[    segj_status_t status = segj_io_sync(file);
    segj_lock(&flusher->lock);]==]
    [==[    segj_status_t status = file != NULL ? SEGJ_OK : SEGJ_ERR_IO;
    segj_lock(&flusher->lock);]==])

fault("a sync goes on before its thread has flushed" src/oversized/flusher.c "threads/parallel_flush"
    [==[    segj_unlock(&flusher->lock);
    segj_status_t status = segj_io_sync(file);
    segj_lock(&flusher->lock);]==]
    [==[    flusher->status = SEGJ_OK;
    flusher->state = SEGJ_FLUSHER_DONE;
    segj_wake_all(&flusher->done);
    segj_unlock(&flusher->lock);
    segj_status_t status = segj_io_sync(file);
    segj_lock(&flusher->lock);
    if (status != SEGJ_END)
        return;]==])

fault("a sync that fails leaves a flush behind" src/oversized/flusher.c "threads/parallel_flush"
    [==[    if (asked)
        return take_answer(flusher, status);]==]
    [==[    if (asked)
        return status == SEGJ_OK ? take_answer(flusher, status) : status;]==])

fault("the failure of a flush that a thread makes is lost" src/oversized/flusher.c
    "threads/parallel_flush failure/failed_syncs"
    [==[    return index != SEGJ_OK ? index : values;]==]
    [==[    return index == SEGJ_OK || values != SEGJ_OK ? SEGJ_OK : index;]==])

fault("a journal ends without its thread" src/oversized/flusher.c "threads/parallel_flush"
    [==[    if (runs)
        segj_thread_join(flusher->thread);]==]
    [==[]==])

fault("sync does not sync the index's name" src/oversized/sync.c "${states}"
    [==[    segj_status_t status = segj_part_sync(&env->index);]==]
    [==[    segj_status_t status = SEGJ_OK;]==])

fault("sync does not sync the values' name" src/oversized/sync.c "${states}"
    [==[    return status == SEGJ_OK ? segj_part_sync(&env->values) : status;]==]
    [==[    return status;]==])

fault("a rewind of a new section does not sync its names" src/oversized/rewind.c
    "promises/dropped_tails crash/exhaustive_unsynced@20/unsynced"
    [==[        return segj_section_sync_names(journal, section);]==]
    [==[        return SEGJ_OK;]==])

fault("close does not sync the watermark" src/oversized/sync.c "${order}"
    [==[    if (section->index.mark_pending)
        status]==]
    [==[    if (section->index.mark_pending && section->written && trimmed)
        status]==])

fault("a new index's header is not synced" src/oversized/writers.c "${states}"
    [==[        status = segj_io_sync(&section->index.handle.file);
        if (status == SEGJ_OK)
            status = segj_io_sync(&section->values.handle.file);]==]
    [==[        status = segj_io_sync(&section->values.handle.file);]==])

fault("a new values file's header is not synced" src/oversized/writers.c "${states}"
    [==[            status = segj_io_sync(&section->values.handle.file);]==]
    [==[            status = SEGJ_OK;]==])

fault("a removal does not sync partitions" src/oversized/remove.c "${order}"
    [==[            status = segj_part_sync(parts[part]);]==]
    [==[            status = SEGJ_OK;]==])

fault("a removal does not sync the index's partition" src/oversized/remove.c "${states}"
    [==[            status = segj_part_sync(parts[part]);]==]
    [==[            status = part == 1 ? segj_part_sync(parts[part]) : SEGJ_OK;]==])

fault("a removal does not sync the values' partition" src/oversized/remove.c "${order}"
    [==[            status = segj_part_sync(parts[part]);]==]
    [==[            status = part == 0 ? segj_part_sync(parts[part]) : SEGJ_OK;]==])

fault("a cut of the index is not synced" src/journal/fixed.c "${order}"
    [==[        status = segj_io_truncate(file, segj_fixed_file_size(env, file->data, records));
    if (status == SEGJ_OK)
        status = segj_io_sync(file);]==]
    [==[        status = segj_io_truncate(file, segj_fixed_file_size(env, file->data, records));]==])

fault("a cut of the values is not synced" src/journal/glob.c "${order}"
    [==[    segj_status_t status = segj_io_truncate(file, file->data + size);
    return status == SEGJ_OK ? segj_io_sync(file) : status;]==]
    [==[    segj_status_t status = segj_io_truncate(file, file->data + size);
    return status;]==])

fault("a page's shorter slot is not synced" src/journal/fixed.c "${order}"
    [==[        if (status == SEGJ_OK)
            status = segj_io_sync(file);
    }]==]
    [==[    }]==])

fault("a page's cleared slot is not synced" src/journal/fixed.c "${order}"
    [==[slot, sizeof slot);
    return status == SEGJ_OK ? segj_io_sync(file) : status;]==]
    [==[slot, sizeof slot);
    return status;]==])

fault("the marks of a cut are not synced" src/journal/fixed.c "${order}"
    [==[    segj_status_t status = segj_io_sync(file);
    if (status != SEGJ_OK)
        return status;
    fixed->sequence += 2;]==]
    [==[    segj_status_t status = file != NULL ? SEGJ_OK : SEGJ_ERR_IO;
    if (status != SEGJ_OK)
        return status;
    fixed->sequence += 2;]==])

fault("open does not sync the index's names" src/oversized/recover.c "${order}"
    [==[    segj_status_t status = segj_part_sync(&env->index);]==]
    [==[    segj_status_t status = SEGJ_OK;]==])

fault("open does not sync the values' names" src/oversized/recover.c "${order}"
    [==[        status = segj_part_sync(&env->values);
    if (status == SEGJ_OK && !settled)]==]
    [==[        status = SEGJ_OK;
    if (status == SEGJ_OK && !settled)]==])

fault("open of clean sections takes names for durable" src/oversized/writers.c "lessons/rewind"
    [==[    if (!journal->names_inherited)]==]
    [==[    if (!journal->names_inherited || journal->writers_limit > 0)]==])

fault("open of clean sections leaves values without an index" src/oversized/recover.c "${states}"
    [==[recovery->count > 0 &&
                 recovery->count == recovery->value_count;]==]
    [==[recovery->count > 0;]==])

fault("a failed creation's index name is not taken back durably" src/oversized/writers.c "promises/append"
    [==[        status = segj_part_sync(&env->index);
    if (values_tried]==]
    [==[        status = SEGJ_OK;
    if (values_tried]==])

fault("open does not sync the directory" src/oversized/recover.c "${order}"
    [==[        status = segj_part_sync_directory(&env->index);]==]
    [==[        status = SEGJ_OK;]==])

fault("open does not sync an index that it takes over" src/oversized/repair.c "${order}"
    [==[    return status == SEGJ_OK ? segj_io_sync(index) : status;]==]
    [==[    return status;]==])

fault("open does not sync values that it takes over" src/oversized/repair.c "${order}"
    [==[values->data + plan->end);
    return status == SEGJ_OK ? segj_glob_cut(values, plan->end) : status;]==]
    [==[values->data + plan->end);
    return status != SEGJ_OK || plan->value_size <= values->data + plan->end ? status
                                                                             : segj_glob_cut(values, plan->end);]==])

fault("open does not sync the removal of values without an index" src/oversized/recover.c "${order}"
    [==[    return status == SEGJ_OK && changed ? segj_part_sync(&env->values) : status;]==]
    [==[    return status;]==])

fault("open does not sync the removal of what a checkpoint does without" src/oversized/recover.c
    "promises/checkpoint lessons/checkpoint"
    [==[    if (status == SEGJ_OK && removed)
        status = segj_part_sync(&env->index);]==]
    [==[]==])

fault("destroy does not sync the directory" src/oversized/oversized.c "promises/destroy crash/trace"
    [==[    return status == SEGJ_OK ? segj_part_sync_directory(&journal->env.index) : status;]==]
    [==[    return status;]==])

fault("a failed write's rest is cut without a sync" src/journal/glob.c "unit/glob failure/stories lessons/durability"
    [==[    status = segj_io_sync(&glob->handle.file);
    if (status != SEGJ_OK)
        return segj_env_poison(env, status);
    glob->spoiled]==]
    [==[    glob->spoiled]==])

# --- the order is another one ---

fault("a rewind cuts the values before the index" src/oversized/rewind.c "${order}"
    [==[    status = segj_fixed_cut(env, file, records);
    if (status == SEGJ_OK)
        status = segj_glob_cut(&section->values.handle.file, end);]==]
    [==[    status = segj_glob_cut(&section->values.handle.file, end);
    if (status == SEGJ_OK)
        status = segj_fixed_cut(env, file, records);]==])

fault("open cuts the values before the index" src/oversized/repair.c "${order}"
    [==[        status = repair_index(scan, plan, index);
    if]==]
    [==[        status = values->opened != NULL ? segj_glob_cut(values, plan->end) : SEGJ_OK;
    if (status == SEGJ_OK)
        status = repair_index(scan, plan, index);
    if]==])

fault("a rewind cuts before it marks" src/oversized/rewind.c "${order}"
    [==[    segj_status_t status = rewind_mark(env, index, records, begun);]==]
    [==[    segj_status_t status = segj_fixed_cut(env, file, records);
    if (status == SEGJ_OK)
        status = rewind_mark(env, index, records, begun);]==])

fault("a rewind takes its mark back before the values are cut" src/oversized/rewind.c "${order}"
    [==[    status = segj_fixed_cut(env, file, records);
    if (status == SEGJ_OK)]==]
    [==[    status = segj_fixed_cut(env, file, records);
    if (status == SEGJ_OK)
        status = segj_fixed_clear_mark(index, file);
    if (status == SEGJ_OK)]==])

fault("values are removed before their index" src/oversized/remove.c "${order}"
    [==[    const segj_part_t *parts[2] = {&journal->env.index, &journal->env.values};]==]
    [==[    const segj_part_t *parts[2] = {&journal->env.values, &journal->env.index};]==])

fault("index and values are removed together" src/oversized/remove.c "${order}"
    [==[    removal->undone = status != SEGJ_OK && is_there(journal, removal->gone[0]);]==]
    [==[    if (status == SEGJ_OK)
        status = segj_part_unlink(&journal->env.values, removal->gone[0]->node.number);
    removal->undone = status != SEGJ_OK && is_there(journal, removal->gone[0]);]==])

fault("open raises W before the section is durable" src/oversized/repair.c "${states}"
    [==[        status = repair_values(scan, plan, values);
    if (status == SEGJ_OK)
        raise_mark(scan, plan, index);]==]
    [==[        raise_mark(scan, plan, index);
    if (status == SEGJ_OK)
        status = repair_values(scan, plan, values);]==])

fault("a section goes idle with W before its sync" src/oversized/sync.c "${states}"
    [==[    segj_status_t status = segj_section_sync(journal, section);
    if (status == SEGJ_OK && section->written)
        status = segj_section_mend(journal, section);]==]
    [==[    if (section->written)
        sync_mark(journal, section, section->index.records, section->values.size);
    segj_status_t status = segj_section_sync(journal, section);]==])

fault("a rewind does not sync the section first" src/oversized/rewind.c "${states} crash/trace"
    [==[    if (status == SEGJ_OK && records <= section->index.durable)]==]
    [==[    if (status == SEGJ_OK && records <= section->index.records)]==])

fault("a rewind writes what it drops" src/oversized/rewind.c "promises/dropped_tails"
    [==[    if (status == SEGJ_OK && records <= section->index.durable)]==]
    [==[    if (status == SEGJ_OK && records < section->index.durable)]==])

fault("a rewind wants the descriptors of sections that cannot be written" src/oversized/rewind.c "promises/dropped_tails"
    [==[        status = segj_section_hold_briefly(journal, section);]==]
    [==[        status = segj_section_hold(journal, section);]==])

fault("marks that find no space poison" src/oversized/rewind.c "promises/dropped_tails failure/storage_faults"
    [==[        return begun ? segj_env_poison(env, status) : status;]==]
    [==[        return begun || records > 0 ? segj_env_poison(env, status) : status;]==])

fault("a page is shortened before what it reads is durable" src/journal/fixed.c
    "crash/exhaustive_unsynced@64/flushed crash/exhaustive_unsynced@4084/flushed crash/trace unit/fixed_cut"
    [==[        status = segj_io_write(file, offset, last, physical);
    }
    if (status == SEGJ_OK)
        status = segj_io_truncate(file, segj_fixed_file_size(env, file->data, records));
    if (status == SEGJ_OK)
        status = segj_io_sync(file);]==]
    [==[        status = segj_io_write(file, offset, last, physical);
    }
    if (status == SEGJ_OK)
        status = segj_io_truncate(file, segj_fixed_file_size(env, file->data, records));]==])

# --- flushes ---

fault("a flush takes what it wrote for synced" src/paged/paged_blob.c "promises/flush crash/exhaustive_unsynced@64/flushed"
    [==[    paged_blob_let_go(paged, pool, capture, true);]==]
    [==[    paged_blob_let_go(paged, pool, capture, true);
    if (capture->tail_page != SEGJ_NO_PAGE) {
        paged->synced_page = capture->tail_page;
        paged->synced = capture->tail;
    }]==])

fault("a flush leaves the records" src/oversized/flush.c "promises/flush kill/kill"
    [==[    return status == SEGJ_OK ? segj_paged_write(section->index.tail, &section->index.handle.file, &flush->index)
                             : status;]==]
    [==[    return status;]==])

fault("a flush leaves the values" src/oversized/flush.c "promises/flush kill/kill"
    [==[    segj_status_t status = segj_glob_write(&section->values.handle.file, &flush->values);]==]
    [==[    segj_status_t status = section != NULL ? SEGJ_OK : SEGJ_ERR_IO;]==])

fault("a flush does not wait for a sync" src/oversized/flush.c "threads/prune_beside"
    [==[        status = segj_section_await(journal, section, &section->handed, section->appended, &done);]==]
    [==[        done = section->handed >= section->appended;]==])

fault("a flush that has failed is taken for made" src/oversized/flush.c "promises/flush failure/storage_faults"
    [==[    if (written) {]==]
    [==[    if (written || flush->appended > 0) {]==])

# --- a prune beside other changes ---

fault("a prune keeps the change lock" src/oversized/remove.c "threads/prune_beside"
    [==[        status = unlink_first(journal, &removal);
        segj_lock(&journal->change);
        remove_decide]==]
    [==[        segj_lock(&journal->change);
        status = unlink_first(journal, &removal);
        remove_decide]==])

fault("two prunes at a time" src/oversized/remove.c "threads/prune_beside"
    [==[    await_syncs(journal, line);
    segj_journal_await_removal(journal);]==]
    [==[    await_syncs(journal, line);]==])

fault("a rewind removes sections beside a prune" src/oversized/rewind.c "threads/prune_beside"
    [==[    if (later)
        segj_journal_await_removal(journal);]==]
    [==[    if (later && journal->read_only)
        segj_journal_await_removal(journal);]==])

fault("a prune waits for a sync with the change lock" src/oversized/remove.c "threads/prune_beside"
    [==[#define PATIENCE 8]==]
    [==[#define PATIENCE 0]==])

fault("a sync of all forgets what a prune had hidden" src/oversized/sync.c "threads/prune_beside"
    [==[            one = sync_pruned(journal, numbers[i]);]==]
    [==[            one = journal->read_only ? sync_pruned(journal, numbers[i]) : SEGJ_OK;]==])

fault("a sync takes a hidden section for gone" src/oversized/sync.c "threads/prune_beside"
    [==[    return section->removed && journal->hidden > 0;]==]
    [==[    return section->removed && journal->hidden == SIZE_MAX;]==])

fault("a poisoned journal's prune goes on" src/oversized/remove.c "threads/prune_beside"
    [==[            status = segj_journal_changeable(journal);
            if (status == SEGJ_OK)
                status = segj_part_unlink(parts]==]
    [==[            if (status == SEGJ_OK)
                status = segj_part_unlink(parts]==])

fault("close does not wait for a prune" src/oversized/remove.c "threads/prune_beside"
    [==[    segj_journal_enter(journal);
    segj_status_t status = prune(journal, min_section, pruned);
    segj_journal_leave(journal);]==]
    [==[    segj_status_t status = prune(journal, min_section, pruned);]==])

fault("a file size limit is no lack of space" src/base/status.c "unit/status promises/dropped_tails"
    [==[ || code == EFBIG)
        status]==]
    [==[)
        status]==])

fault("destroy removes partitions before their files are gone for good" src/oversized/oversized.c
    "crash/trace promises/destroy"
    [==[        status = segj_sections_unlink(journal, 0, journal->sections.count);
    if (status == SEGJ_OK)
        status = segj_quarantine_remove(journal);
    if (status == SEGJ_OK)
        status = segj_owner_remove(&journal->env);
    if (status == SEGJ_OK)
        status = segj_part_remove(&journal->env.index);]==]
    [==[        status = segj_owner_remove(&journal->env);
    if (status == SEGJ_OK)
        status = segj_part_remove(&journal->env.index);
    if (status == SEGJ_OK)
        status = segj_sections_unlink(journal, 0, journal->sections.count);]==])

# --- places ---

fault("partitions that were missing are taken for empty without a look behind their locks" src/oversized/recover.c
    "failure/two_openers"
    [==[    if (recovery->partitions_made)
        return segj_parts_make(env);
    segj_status_t status = sync_names(recovery);]==]
    [==[    segj_status_t status = recovery->partitions_made ? segj_parts_make(env) : SEGJ_OK;
    bool missing = false;
    bool replaced = false;
    recovery->partitions_made = false;
    if (status == SEGJ_OK && env->index.opened == NULL)
        status = segj_part_open(&env->index, &missing);
    if (status == SEGJ_OK)
        status = segj_part_lock(&env->index, true, &replaced);
    if (status == SEGJ_OK && env->values.opened == NULL)
        status = segj_part_open(&env->values, &missing);
    if (status == SEGJ_OK)
        status = segj_part_lock(&env->values, true, &replaced);
    if (status == SEGJ_OK)
        status = sync_names(recovery);]==])

fault("values without an index are not doubted" src/oversized/open.c "failure/two_openers"
    [==[    if (*appeared)
        segj_part_close(&env->values);]==]
    [==[    *appeared = false;]==])

fault("partitions of two directories are taken for one journal's" src/storage/io.c "failure/places"
    [==[    return !SEGJ_STORAGE_HAS(part->storage, partition_beside) ||]==]
    [==[    return SEGJ_STORAGE_HAS(part->storage, partition_beside) ||]==])

fault("destroy removes what its path leads to" src/storage/io.c "failure/places"
    [==[part->opened != NULL && SEGJ_STORAGE_HAS(storage, partition_remove_open)]==]
    [==[part->opened == NULL && SEGJ_STORAGE_HAS(storage, partition_remove_open)]==])

fault("destroy does not ask what the names stand for before it removes files" src/oversized/oversized.c "failure/places"
    [==[    segj_status_t status = segj_part_named(&journal->env.index);
    if (status == SEGJ_OK)
        status = segj_part_named(&journal->env.values);]==]
    [==[    segj_status_t status = SEGJ_OK;]==])

fault("names that a file system has not let go yet are not waited for" src/storage/io.c "failure/places"
    [==[rest.foreign || i == sizeof]==]
    [==[rest.any || i == sizeof]==])

# --- owners ---

fault("a sync is acknowledged without a look at who owns the journal" src/oversized/sync.c
    "failure/owner failure/two_writers"
    [==[    segj_status_t status = segj_owner_check(&journal->env);
    return status == SEGJ_OK ? check_lengths]==]
    [==[    segj_status_t status = SEGJ_OK;
    return status == SEGJ_OK ? check_lengths]==])

fault("files are changed without a look at who owns the journal" src/storage/io.c "failure/owner failure/two_writers"
    [==[    return part->guard == NULL || name != NULL ? SEGJ_OK]==]
    [==[    return part->guard != NULL || name != NULL ? SEGJ_OK]==])

fault("a refused open leaves its token" src/journal/owner.c "failure/owner badinput/foreign"
    [==[    if (owner->contended ||]==]
    [==[    if (!owner->contended ||]==])

fault("a late claim overlooks who came before" src/journal/owner.c "failure/owner"
    [==[(size != owner->before_size || memcmp(found, owner->before, size) != 0)]==]
    [==[(size != size || memcmp(found, found, size) != 0)]==])

fault("a section that somebody else has made longer is written to" src/oversized/writers.c "failure/owner"
    [==[    if (status != SEGJ_OK || size == expected)]==]
    [==[    if (status != SEGJ_OK || size >= expected)]==])

fault("a commonware sync does not look at lengths" src/oversized/sync.c "failure/owner"
    [==[(size >= least && size <= most))]==]
    [==[size >= least)]==])

fault("readers do not lock the owner's file" src/journal/owner.c "failure/owner"
    [==[    return status == SEGJ_OK && !missing ? segj_io_lock(&owner->file, false) : SEGJ_OK;]==]
    [==[    return status == SEGJ_OK && missing ? segj_io_lock(&owner->file, false) : SEGJ_OK;]==])

# --- the watermark ---

fault("W runs ahead: sync marks a record more" src/oversized/sync.c "promises/watermark unit/fixed ${states}"
    [==[    if (segj_fixed_mark(&section->index, &section->index.handle.file, records) == SEGJ_OK)]==]
    [==[    if (segj_fixed_mark(&section->index, &section->index.handle.file, records + 1) == SEGJ_OK)]==])

fault("W runs ahead: open marks a record more" src/oversized/repair.c "${states}"
    [==[        status = segj_fixed_mark(fixed, index, plan->records);]==]
    [==[        status = segj_fixed_mark(fixed, index, plan->records + 1);]==])

fault("a rewind does not lower W" src/oversized/rewind.c "${order}"
    [==[segj_fixed_write_marks(index, file, records);]==]
    [==[segj_fixed_write_marks(index, file, index->marked);]==])

fault("a cut lowers one slot only" src/journal/fixed.c "${order}"
    [==[    return status == SEGJ_OK ? write_slot(file, fixed->newest_slot, records, fixed->sequence + 2) : status;]==]
    [==[    return status;]==])

fault("W is raised in the slot that counts" src/journal/fixed.c "${states} unit/fixed"
    [==[    segj_status_t status = write_slot(file, 1u - fixed->newest_slot, records, fixed->sequence + 1);
    if (status != SEGJ_OK)]==]
    [==[    segj_status_t status = write_slot(file, fixed->newest_slot, records, fixed->sequence + 1);
    if (status != SEGJ_OK)]==])

fault("W is never raised" src/oversized/sync.c "promises/watermark"
    [==[    if (section->index.marked != section->index.durable)]==]
    [==[    if (section->index.marked > section->index.durable)]==])

fault("open does not raise W" src/oversized/repair.c "promises/watermark recovery/recovery lessons/durability"
    [==[    if (plan->records > fixed->marked)]==]
    [==[    if (plan->records < fixed->marked)]==])

fault("a rewind does not clear its mark" src/oversized/rewind.c "promises/watermark promises/rewind unit/rewind_cache"
    [==[        status = segj_fixed_clear_mark(index, file);]==]
    [==[        status = SEGJ_OK;]==])

fault("open does not clear the mark of a cut" src/oversized/repair.c
    "promises/watermark lessons/rewind recovery/recovery_edges"
    [==[    else if (equal)]==]
    [==[    else if (false)]==])

fault("the slot with the lower number counts" src/oversized/verdict.c
    "promises/watermark recovery/recovery_edges recovery/recovery badinput/headers lessons/recovery"
    [==[plan->marks[1].sequence > plan->marks[0].sequence]==]
    [==[plan->marks[1].sequence < plan->marks[0].sequence]==])

# --- pages ---

fault("the wrong slot is protected" src/paged/page_format.c "unit/page_format ${states}"
    [==[    segj_page_state_t state = {synced.slot == 1 ? 2 : 1, length,]==]
    [==[    segj_page_state_t state = {synced.slot == 2 ? 2 : 1, length,]==])

fault("a sync that failed changes which slot is protected" src/paged/paged_blob.c "unit/paged_blob failure/failed_syncs"
    [==[    if (synced && capture->tail_page != SEGJ_NO_PAGE) {]==]
    [==[    if (capture->tail_page != SEGJ_NO_PAGE) {]==])

fault("a sync does not change which slot is protected" src/paged/paged_blob.c "crash/exhaustive@4084/plain"
    [==[    if (synced && capture->tail_page != SEGJ_NO_PAGE) {]==]
    [==[    if (synced && capture->tail_page == SEGJ_NO_PAGE) {]==])

fault("the protected slot is not written again" src/paged/page_format.c "unit/page_format ${states}"
    [==[    if (synced.slot != 0)
        segj_page_put_slot(]==]
    [==[    if (synced.slot > 2)
        segj_page_put_slot(]==])

fault("a page is written while it is being synced" src/paged/paged_blob.c "crash/trace unit/paged_flight"
    [==[        *skip = first_page(paged, at) == paged->flight_page ? 1 : 0;]==]
    [==[        *skip = 0;]==])

fault("a partial page is written before a sync" src/paged/paged_blob.c "unit/paged_blob crash/exhaustive crash/trace"
    [==[        status = paged_blob_seal(paged, pool, false, lean);]==]
    [==[        status = paged_blob_seal(paged, pool, true, lean);]==])

fault("the page that is read back does not go out whole before its slots change" src/journal/fixed.c
    "${order} lessons/rewind"
    [==[        status = segj_io_write(file, offset, last, physical);]==]
    [==[        status = SEGJ_OK;]==])

fault("a page shrinks in one step" src/journal/fixed.c "${order}"
    [==[    if (shorter.length != length) {]==]
    [==[    if (shorter.length != length && length == 0) {]==])

fault("a page's checksum is not looked at" src/paged/page_format.c "unit/page_format ${states}"
    [==[length > page_size || segj_page_checksum(kind, section, page, physical, length) != crc)]==]
    [==[length > page_size)]==])

fault("a page counts with its shorter slot" src/paged/page_format.c "unit/page_format ${states}"
    [==[    unsigned longer = second > first ? 2 : 1;]==]
    [==[    unsigned longer = second > first ? 1 : 2;]==])

# --- the verdict of open ---

fault("a value's checksum is not looked at" src/oversized/verdict.c "${states}"
    [==[        if (status != SEGJ_OK || !right)
            return status;
        plan->records++;]==]
    [==[        if (status != SEGJ_OK)
            return status;
        plan->records++;]==])

fault("a record may begin anywhere" src/oversized/verdict.c "${states} recovery/recovery_edges lessons/recovery badinput/hostile"
    [==[        if (location.offset != plan->end || !segj_location_end(]==]
    [==[        if (!segj_location_end(]==])

fault("a record may reach past the values" src/oversized/scan.c "recovery/recovery lessons/recovery badinput/hostile"
    [==[        if (!right || !segj_location_end(location, judged->values_size, &found))]==]
    [==[        if (!right || !segj_location_end(location, UINT64_MAX, &found))]==])

fault("an unreadable record is no end" src/oversized/scan.c "${states}"
    [==[        if (status != SEGJ_OK || from + part > length)
            return status;]==]
    [==[        if (status != SEGJ_OK)
            return status;]==])

fault("the last record below W is not looked at" src/oversized/scan.c "recovery/recovery lessons/recovery badinput/damage"
    [==[        if (!right || !segj_location_end(location, judged->values_size, &found))
            continue;]==]
    [==[        if (!segj_location_end(location, UINT64_MAX, &found))
            continue;]==])

fault("records above W are believed" src/oversized/verdict.c "${states}"
    [==[        status = segj_scan_value(scan, judged, location, &right);
        if (status]==]
    [==[        right = true;
        if (status]==])

fault("records above W are given up" src/oversized/verdict.c "${states}"
    [==[    if (status == SEGJ_OK && plan->records == plan->watermark)
        status = go_forward]==]
    [==[    if (status == SEGJ_OK && plan->records == plan->watermark && plan->watermark > 0)
        status = go_forward]==])

fault("bytes behind the last frame do not matter" src/oversized/verdict.c "${states}"
    [==[    plan->cut = plan->cut_index || judged->values_size > plan->end;]==]
    [==[    plan->cut = plan->cut_index;]==])

fault("a cut that may not be durable is taken for one that is" src/oversized/verdict.c "${states}"
    [==[    bool marked = plan->records == plan->watermark && plan->records > 0 && !cut_marked;]==]
    [==[    bool marked = plan->records == plan->watermark && plan->records > 0;]==])

fault("a section above W is left alone" src/oversized/verdict.c "${states}"
    [==[    bool marked = plan->records == plan->watermark && plan->records > 0 && !cut_marked;]==]
    [==[    bool marked = plan->records >= plan->watermark && plan->records > 0 && !cut_marked;]==])

fault("a header's checksum is not looked at" src/journal/header_format.c "unit/header_format badinput/headers"
    [==[    if (size < IDENTITY_SIZE || version == 0 ||
        segj_crc32(0, block, IDENTITY_CHECKED) != segj_get_u32(block + IDENTITY_CHECKED))]==]
    [==[    if (size < IDENTITY_SIZE || version == 0)]==])

fault("a watermark's checksum is not looked at" src/journal/header_format.c "unit/header_format ${states}"
    [==[    if (segj_get_u32(from + 12) != mark_checksum(section, from))]==]
    [==[    if (segj_get_u32(from + 12) == 0)]==])

fault("a file of another section is taken" src/oversized/verdict.c "badinput/foreign badinput/headers"
    [==[    if (found->section != expected->section)]==]
    [==[    if (found->section > expected->section && found->section == 0)]==])

fault("damage of a header before data is taken for a new file" src/oversized/verdict.c "badinput/headers lessons/refusals"
    [==[        return has_data ? segj_io_fail(]==]
    [==[        return has_data && size == 0 ? segj_io_fail(]==])

fault("EIO is the end of the journal" src/oversized/scan.c "lessons/recovery failure/storage_faults"
    [==[        segj_status_t status = segj_scan_page(scan, judged, page, direction, &bytes, &length);
        if (status != SEGJ_OK || from + part > length)
            return status;]==]
    [==[        segj_status_t status = segj_scan_page(scan, judged, page, direction, &bytes, &length);
        if (status != SEGJ_OK || from + part > length)
            return SEGJ_OK;]==])

fault("EIO at a value is the end of the journal" src/oversized/verdict.c "lessons/recovery failure/storage_faults"
    [==[        if (status != SEGJ_OK || !right)
            return status;
        plan->records++;]==]
    [==[        if (status != SEGJ_OK || !right)
            return SEGJ_OK;
        plan->records++;]==])

fault("any error of opening a partition means that it is missing" src/storage/io.c
    "unit/storage_io lessons/recovery lessons/refusals failure/storage_faults"
    [==[    if (code == ENOENT && missing != NULL) {]==]
    [==[    if (code != 0 && missing != NULL) {]==])

fault("a short read is no failure" src/storage/io.c "unit/storage_io failure/transfers"
    [==[    if (total < size && got == NULL)]==]
    [==[    if (total > size && got == NULL)]==])

fault("strict says nothing" src/oversized/recover.c "recovery/recovery promises/open lessons/recovery"
    [==[    if (status == SEGJ_OK && recovery->config->strict)]==]
    [==[    if (status == SEGJ_OK && recovery->config->strict && recovery->count == 0)]==])

fault("values without any mounted are taken for empty" src/oversized/recover.c "badinput/foreign"
    [==[    if (recovery->value_count > 0 || synced < 2)]==]
    [==[    if (recovery->value_count > 0 || synced < 1000)]==])

# --- what open writes ---

fault("open does not write an index's header again" src/oversized/repair.c "${order}"
    [==[wants_header(plan, index, plan->index_valid, plan->index_size)]==]
    [==[!plan->index_valid]==])

fault("open does not write a values file's header again" src/oversized/repair.c
    "${states} lessons/durability failure/failed_syncs"
    [==[wants_header(plan, values, plan->value_valid, plan->value_size)]==]
    [==[!plan->value_valid]==])

fault("open does not write pages again" src/oversized/repair.c "${states} lessons/durability failure/failed_syncs"
    [==[    uint64_t page = plan->watermark * env->record_size / env->page_size;]==]
    [==[    uint64_t page = plan->records * env->record_size / env->page_size;]==])

fault("open does not write values again" src/oversized/repair.c "${states} lessons/durability failure/failed_syncs"
    [==[values->data + plan->watermark_end, values->data + plan->end)]==]
    [==[values->data + plan->end, values->data + plan->end)]==])

fault("open does not write the marks again" src/oversized/repair.c "${order}"
    [==[        if (!plan->marks[slot].valid)]==]
    [==[        if (plan->marks[slot].valid)]==])

fault("open cuts without a mark" src/oversized/repair.c "${order}"
    [==[    if (plan->cut || segj_plan_lost(plan) > 0)
        return segj_fixed_mark_cut(]==]
    [==[    if (segj_plan_lost(plan) > 0)
        return segj_fixed_mark_cut(]==])

fault("open marks a cut with W as it was" src/oversized/repair.c "recovery/recovery lessons/recovery recovery/recovery_edges"
    [==[index, segj_min_u64(plan->watermark, plan->records));]==]
    [==[index, plan->watermark);]==])

fault("open does not give both files their size" src/oversized/repair.c "crash/exhaustive@20/plain"
    [==[    segj_status_t status = segj_io_truncate(index, segj_fixed_file_size(env, index->data, plan->records));]==]
    [==[    segj_status_t status = SEGJ_OK;]==])

fault("values without an index stay" src/oversized/recover.c "${states}"
    [==[        if (indexed && !recovery->plans[at].remove)
            continue;]==]
    [==[        if (!indexed || !recovery->plans[at].remove)
            continue;]==])

# --- what is lost ---

fault("values beside an index without its header are cut" src/oversized/verdict.c
    "badinput/emptied badinput/truncated badinput/every_length"
    [==[    if (!index_whole && plan->value_size > values->data)]==]
    [==[    if (!index_whole && plan->value_size == 1)]==])

fault("strict lets values without an index go" src/oversized/recover.c "badinput/emptied"
    [==[    return status == SEGJ_OK && recovery->config->strict ? check_orphans(recovery) : status;]==]
    [==[    return status == SEGJ_OK && recovery->config->checkpoint != NULL ? check_orphans(recovery) : status;]==])

fault("a failed open gives its claim back behind what it has changed" src/journal/owner.c "failure/owner"
    [==[ || atomic_load(&owner->used) ||]==]
    [==[ || owner->lost ||]==])

fault("one catalogue is written" src/oversized/catalogue.c "recovery/quarantine"
    [==[    status = commit_once(quarantine);
    return status == SEGJ_ERR_NO_SPACE ? SEGJ_OK : status;]==]
    [==[    return status == SEGJ_ERR_NO_SPACE ? SEGJ_OK : status;]==])

fault("what is set aside is not synced" src/oversized/quarantine.c "crash/set_aside"
    [==[        status = segj_io_sync(&to);]==]
    [==[        status = SEGJ_OK;]==])

fault("what does not find room to be set aside is cut" src/oversized/recover.c "failure/storage_faults crash/set_aside"
    [==[    bool waits = segj_plan_unwanted_loss(plan) > 0 && !plan->noted;]==]
    [==[    bool waits = segj_plan_unwanted_loss(plan) > 0 && plan->noted;]==])

fault("an open without room fails" src/oversized/recover.c "crash/full_open"
    [==[    if (status != SEGJ_ERR_NO_SPACE)
        return status;]==]
    [==[    if (status != SEGJ_OK || plan->settled)
        return status;]==])

fault("open repairs before it removes" src/oversized/recover.c "crash/full_open"
    [==[        status = remove_sections(recovery);
    if (status == SEGJ_OK)
        status = segj_quarantine_keep(&recovery->scan, recovery->plans, recovery->count);
    return status == SEGJ_OK ? repair_sections(recovery) : status;]==]
    [==[        status = segj_quarantine_keep(&recovery->scan, recovery->plans, recovery->count);
    if (status == SEGJ_OK)
        status = repair_sections(recovery);
    return status == SEGJ_OK ? remove_sections(recovery) : status;]==])

# --- errors, descriptors, readers ---

fault("a failed sync does not poison" src/oversized/sync.c "failure/failed_syncs threads/poison"
    [==[    return status == SEGJ_OK ? SEGJ_OK : segj_env_poison(&journal->env, status);
}

/* Nothing is acknowledged]==]
    [==[    return status;
}

/* Nothing is acknowledged]==])

fault("a failed rewind does not poison" src/oversized/rewind.c "failure/storage_faults lessons/rewind"
    [==[    if (status != SEGJ_OK)
        status = segj_env_poison(env, status);]==]
    [==[]==])

fault("a failed removal does not poison" src/oversized/remove.c "failure/storage_faults promises/prune"
    [==[    if (status != SEGJ_OK)
        return segj_env_poison(&journal->env, status);
    segj_env_trace]==]
    [==[    if (status != SEGJ_OK)
        return status;
    segj_env_trace]==])

fault("a failed sync of a new header does not poison" src/oversized/writers.c "failure/failed_syncs failure/storage_faults"
    [==[        if (status != SEGJ_OK)
            status = segj_env_poison(env, status);
    }
    if (status == SEGJ_OK)
        status = segj_fixed_wake]==]
    [==[    }
    if (status == SEGJ_OK)
        status = segj_fixed_wake]==])

fault("a poisoned journal goes on" src/oversized/oversized.c "failure/failed_syncs threads/poison"
    [==[    if (atomic_load_explicit(&journal->env.poisoned, memory_order_acquire)) {
        segj_say]==]
    [==[    if (atomic_load_explicit(&journal->env.poisoned, memory_order_acquire) && journal->prune_line == UINT64_MAX) {
        segj_say]==])

fault("offsets of a failed write are used again" src/journal/glob.c "unit/glob lessons/durability failure/stories failure/full_disk"
    [==[    if (!glob->spoiled)
        return SEGJ_OK;
    uint64_t size = 0;]==]
    [==[    if (!glob->spoiled || glob->size > 0)
        return SEGJ_OK;
    uint64_t size;]==])

fault("a section gives its descriptors up without a sync" src/oversized/writers.c "crash/trace crash/exhaustive"
    [==[    segj_status_t status = segj_section_retire(journal, section, false);
    if (status == SEGJ_OK)
        segj_section_rest]==]
    [==[    segj_status_t status = SEGJ_OK;
    if (status == SEGJ_OK)
        segj_section_rest]==])

fault("a section gives its descriptors up before its sync" src/oversized/writers.c "crash/trace crash/exhaustive"
    [==[    segj_status_t status = segj_section_retire(journal, section, false);
    if (status == SEGJ_OK)
        segj_section_rest(journal, section);]==]
    [==[    segj_io_close(&section->index.handle.file);
    segj_status_t status = segj_io_open(&section->index.handle.file, &journal->env.index, section->node.number,
                                        SEGJ_OPEN_WRITE, NULL);
    section->index.handle.file.data = 12288;
    if (status == SEGJ_OK)
        status = segj_section_retire(journal, section, false);
    if (status == SEGJ_OK)
        segj_section_rest(journal, section);]==])

fault("a sync acknowledges what came after it began" src/oversized/sync.c "threads/acknowledged threads/parked_sync"
    [==[        section->synced = section->handed = capture->appended;]==]
    [==[        section->synced = section->handed = section->appended;]==])

fault("a failed creation leaves its files" src/oversized/writers.c "failure/storage_faults failure/full_disk"
    [==[    if (index_tried)
        status]==]
    [==[    if (index_tried && journal->read_only)
        status]==])

fault("a value read from the file is not verified" src/journal/glob.c "unit/glob badinput/damage"
    [==[    if (crc != found)]==]
    [==[    if (crc != found && payload == SIZE_MAX)]==])

fault("a reader takes what a rewind has changed" src/oversized/read.c "threads/parked_changes threads/rewinds unit/rewind_cache"
    [==[    *changed = segj_section_changed(section, generation);]==]
    [==[    *changed = section->removed;]==])

fault("pages read before a cut stay in the cache" src/oversized/rewind.c "unit/rewind_cache threads/parked_changes"
    [==[    index->cache_id = cut_id;]==]
    [==[]==])

fault("partitions are not locked" src/oversized/open.c "failure/lock promises/lock"
    [==[        status = segj_part_lock(part, !read_only, &replaced);]==]
    [==[        status = SEGJ_OK;]==])

fault("a read looks at records that a rewind took away meanwhile" src/journal/fixed.c "unit/fixed"
    [==[        if (page * env->page_size + from + size > segj_fixed_size(fixed, env))]==]
    [==[        if (env->page_size == 0)]==])

fault("who changes what viewers look at does not wait for them" src/base/readers.h "unit/readers"
    [==[        while (atomic_load(&readers->counters[i].inside) > 0)
            (void)sched_yield();]==]
    [==[        (void)sched_yield();]==])

fault("viewers come in while they are kept out" src/base/readers.h "unit/readers"
    [==[    if (!atomic_load(&readers->shut))
        return inside;]==]
    [==[    if (!atomic_load(&readers->shut) || atomic_load(inside) > 1)
        return inside;]==])

fault("a value in a write buffer is looked for in the mapping" src/oversized/view.c "promises/view threads/views"
    [==[    if (section == NULL || section->index.tail != NULL)]==]
    [==[    if (section == NULL)]==])

# --- handles: children, ends, callers ---

fault("a child is taken for its parent" src/oversized/entrance.h "threads/forks"
    [==[           atomic_load_explicit(entrance->word, memory_order_relaxed) == entrance->token;]==]
    [==[           entrance->token != 0;]==])

fault("a child's close is like any other" src/oversized/entrance.c "threads/forks"
    [==[        return SEGJ_ENDING_CHILD;]==]
    [==[        return SEGJ_ENDING_HERE;]==])

fault("a child waits for a lock" src/oversized/child.c "threads/forks"
    [==[    bool still = segj_try_lock(&env->state);]==]
    [==[    segj_lock(&env->state);
    bool still = true;]==])

fault("a child keeps its descriptors" src/oversized/child.c "threads/forks"
    [==[    close_files(&env->files);]==]
    [==[    (void)close_files;]==])

fault("a child waits for the lock of a storage in memory" src/storage/memory.c "threads/forks"
    [==[    if (!memory_is_childs(file->memory)) {]==]
    [==[    if (file->memory != NULL) {]==])

fault("a child's writer waits for its section" src/oversized/stream_in.c "threads/forks"
    [==[    if (segj_lease_holds(&writer->lease)) {]==]
    [==[    if (writer->journal != NULL) {]==])

fault("a child shows the page cache of its parent" src/paged/page_cache.c "unit/process"
    [==[    make_anew(cache);]==]
    [==[    (void)make_anew;]==])

fault("what has ended keeps its badge" src/oversized/entrance.c "promises/after_the_end"
    [==[(&entrance->badged.badge, &open, SEGJ_BADGE_ENDED)]==]
    [==[(&entrance->badged.badge, &open, SEGJ_BADGE_JOURNAL)]==])

fault("a journal is freed beneath its callers" src/oversized/entrance.c "promises/after_the_end"
    [==[    made->journal = journal;
    (void)atomic_fetch_add(&journal->entrance.references, 1);]==]
    [==[    made->journal = journal;]==])

fault("a walk goes on behind the end" src/oversized/oversized.c "promises/after_the_end"
    [==[    (void)atomic_fetch_add(&journal->removals, 1);
    segj_journal_settle(journal);
    segj_status_t]==]
    [==[    segj_journal_settle(journal);
    segj_status_t]==])

fault("a caller keeps no sentence" src/oversized/entrance.c "threads/callers"
    [==[        segj_error_take(&caller->error, status);]==]
    [==[        caller->error.status = status;]==])

fault("a replay forgets whose it is" src/oversized/replay.c "threads/callers"
    [==[        segj_lease_adopt(&(*opened)->lease, caller);]==]
    [==[        (void)caller;]==])

fault("a sentence that is said again has lost its errno" src/base/status.c "threads/callers"
    [==[    last_errno = sentence->code;]==]
    [==[    last_errno = sentence->code == 0;]==])

fault("a writer that has failed forgets why" src/oversized/stream_in.c "promises/writer"
    [==[        segj_keep(&writer->cause);]==]
    [==[        segj_keep(&(segj_sentence_t){0});]==])

fault("a reader that has failed forgets why" src/oversized/stream_out.c "promises/stream_read"
    [==[        segj_keep(&reader->cause);]==]
    [==[        segj_keep(&(segj_sentence_t){0});]==])

fault("what a storage answered is not kept beside a sentence of its own" src/base/error.h
    "failure/places unit/storage_io"
    [==[(segj_say(__VA_ARGS__), segj_say_code(code), (status))]==]
    [==[(segj_say(__VA_ARGS__), segj_say_code((code) * 0), (status))]==])

fault("a sync without space does not say what a rewind can do" src/oversized/sync.c "promises/sync promises/sync_start"
    [==[    if (!poisoned)
        segj_say_behind(]==]
    [==[    if (poisoned)
        segj_say_behind(]==])

fault("a walk backwards reads pages from the wanted one on" src/oversized/replay.c "promises/replay_back counted/read"
    [==[    *first = replay->back ? page + 1 - wanted : page;]==]
    [==[    *first = replay->back ? page - (page + 1 - wanted == 0) * page : page;]==])

fault("a walk backwards takes for written what a sync is writing" src/oversized/replay.c "threads/overlaps"
    [==[            range.begin = segj_max_u64(range.begin, end);]==]
    [==[            range.begin = segj_max_u64(range.begin, 0);]==])

fault("a walk backwards reads each value alone" src/oversized/replay.c "promises/replay_back"
    [==[(replay->back ? end == replay->asked_begin : begin == replay->asked_end);]==]
    [==[(replay->back ? end == replay->asked_end : begin == replay->asked_end);]==])

fault("a walk backwards goes on within a damaged page" src/oversized/replay.c "promises/replay_back"
    [==[    replay->position = replay->back ? whole - 1 : whole + (edge % env->record_size != 0);]==]
    [==[    replay->position = replay->back ? replay->position - 1 : whole + (edge % env->record_size != 0);]==])

fault("a walk backwards begins at the count of another section" src/oversized/replay.c "promises/replay_back"
    [==[    replay->position = replay->back ? replay->targets[at].records - 1 : 0;]==]
    [==[    replay->position = replay->back ? replay->targets[0].records - 1 : 0;]==])

fault("a handle is left as it was where there is none" src/oversized/stream_out.c "promises/handles failure/storage_faults"
    [==[    if (opened != NULL)
        *opened = NULL;]==]
    [==[]==])

fault("a count beyond 2^64 bytes wraps round" src/oversized/rewind.c "promises/rewind"
    [==[    if (segj_mul_u64(records, record_size, &size))
        return rewind_to(journal, number, size, later);]==]
    [==[    size = records * record_size;
    if (size / record_size <= records)
        return rewind_to(journal, number, size, later);]==])

fault("a file is opened for writing to be read" src/journal/files.c "unit/files_few promises/layers"
    [==[    return pin(files, handle, SEGJ_OPEN_READ);]==]
    [==[    return pin(files, handle, SEGJ_OPEN_WRITE);]==])

fault("a hold does not wait for readers" src/journal/files.c "unit/files_few threads/first_changes"
    [==[    while (atomic_load(&handle->pins) > 0)
        segj_wait(files->changed, files->state);
    atomic_fetch_sub(&files->waiting, 1);
    close_idle]==]
    [==[    atomic_fetch_sub(&files->waiting, 1);
    close_idle]==])

fault("a mapping from before a first change shows what comes later" src/journal/glob.c "promises/layers"
    [==[    if (glob->maps != NULL)
        segj_maps_settle]==]
    [==[    if (glob->maps != NULL && glob->spoiled)
        segj_maps_settle]==])

fault("open reads through a file from before its repair" src/oversized/repair.c "promises/layers"
    [==[    bool kept = forget_kept(env, plan);]==]
    [==[    bool kept = !plan->keep && forget_kept(env, plan);]==])

fault("a descriptor that is wanted is not given back" src/storage/io.c "failure/limits failure/crowded unit/files_few"
    [==[    return code == EINTR || (is_exhausted(code) && part->give_back != NULL && part->give_back(part->owner));]==]
    [==[    return code == EINTR || (code == ENFILE && part->give_back != NULL && part->give_back(part->owner));]==])

fault("a mapping that was refused is tried with each view" src/journal/maps.c "unit/maps promises/view"
    [==[    if (tries->left == 0)
        return true;]==]
    [==[    if (tries->left < TRIES_APART_MOST + 1)
        return true;]==])

fault("a walk backwards passes over what a damaged page still holds" src/oversized/replay.c "promises/replay_back fuzz/image"
    [==[    uint64_t edge = replay->back ? page * env->page_size + replay->valid : (page + 1) * env->page_size;]==]
    [==[    uint64_t edge = (replay->back ? page : page + 1) * env->page_size;]==])
