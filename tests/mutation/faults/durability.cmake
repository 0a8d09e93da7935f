# mutation/faults/durability.cmake: deliberate faults (see mutate.cmake): what a sync, a flush, a rewind and a removal make durable, and in which order.

# --- a sync of contents or of names is missing ---

fault("sync does not sync the index" src/oversized/section/flusher.c "${order}"
    [==[    segj_status_t status = segj_io_sync(index);]==]
    [==[    segj_status_t status = asked ? segj_io_sync(index) : SEGJ_OK;]==])

fault("sync does not sync the values" src/oversized/section/flusher.c "${states}"
    [==[    return status == SEGJ_OK ? segj_io_sync(values) : status;]==]
    [==[    return status;]==])

fault("a journal's thread flushes nothing" src/oversized/section/flusher.c "crash/exhaustive_parallel@64/parallel"
    [==[    segj_status_t status = segj_io_sync(file);
    segj_lock(&flusher->lock);]==]
    [==[    segj_status_t status = file != NULL ? SEGJ_OK : SEGJ_ERR_IO;
    segj_lock(&flusher->lock);]==])

fault("a sync goes on before its thread has flushed" src/oversized/section/flusher.c "threads/parallel_flush"
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

fault("a sync that fails leaves a flush behind" src/oversized/section/flusher.c "threads/parallel_flush"
    [==[    if (asked)
        return take_answer(flusher, status);]==]
    [==[    if (asked)
        return status == SEGJ_OK ? take_answer(flusher, status) : status;]==])

fault("the failure of a flush that a thread makes is lost" src/oversized/section/flusher.c
    "threads/parallel_flush failure/failed_syncs"
    [==[    return index != SEGJ_OK ? index : values;]==]
    [==[    return index == SEGJ_OK || values != SEGJ_OK ? SEGJ_OK : index;]==])

fault("a journal ends without its thread" src/oversized/section/flusher.c "threads/parallel_flush"
    [==[    if (runs)
        segj_thread_join(flusher->thread);]==]
    [==[]==])

fault("sync does not sync the index's name" src/oversized/section/durable.c "${states}"
    [==[    segj_status_t status = index_named ? SEGJ_OK : segj_partition_sync(&shared->index);]==]
    [==[    segj_status_t status = index_named ? SEGJ_OK : SEGJ_OK;]==])

fault("sync does not sync the values' name" src/oversized/section/durable.c "${states}"
    [==[    return status == SEGJ_OK ? segj_partition_sync(&shared->values) : status;]==]
    [==[    return status;]==])

fault("a rewind of a new section does not sync its names" src/oversized/write/rewind.c
    "promises/dropped_tails crash/exhaustive_unsynced@20/unsynced"
    [==[        return segj_section_sync_names(journal, section);]==]
    [==[        return SEGJ_OK;]==])

fault("close does not sync the watermark" src/oversized/section/durable.c "${order}"
    [==[    if (section->index.mark_pending)
        status]==]
    [==[    if (section->index.mark_pending && section->active && trimmed)
        status]==])

fault("a new index's header is not synced" src/oversized/section/writers.c "${states}"
    [==[    status = segj_io_sync(&section->index.handle.file);
    if (status == SEGJ_OK)
        status = segj_io_sync(&section->values.handle.file);
    if (status != SEGJ_OK)
        return segj_shared_poison(shared, status);]==]
    [==[    status = segj_io_sync(&section->values.handle.file);
    if (status != SEGJ_OK)
        return segj_shared_poison(shared, status);]==])

fault("a new values file's header is not synced" src/oversized/section/writers.c "${states}"
    [==[    if (status == SEGJ_OK)
        status = segj_io_sync(&section->values.handle.file);
    if (status != SEGJ_OK)
        return segj_shared_poison(shared, status);
    return dictionary]==]
    [==[    if (status != SEGJ_OK)
        return segj_shared_poison(shared, status);
    return dictionary]==])

fault("a removal does not sync partitions" src/oversized/write/remove.c "${order}"
    [==[            status = segj_partition_sync(parts[part]);]==]
    [==[            status = SEGJ_OK;]==])

fault("a removal does not sync the index's partition" src/oversized/write/remove.c "${states}"
    [==[            status = segj_partition_sync(parts[part]);]==]
    [==[            status = part == 1 ? segj_partition_sync(parts[part]) : SEGJ_OK;]==])

fault("a removal does not sync the values' partition" src/oversized/write/remove.c "${order}"
    [==[            status = segj_partition_sync(parts[part]);]==]
    [==[            status = part == 0 ? segj_partition_sync(parts[part]) : SEGJ_OK;]==])

fault("a cut of the index is not synced" src/journal/fixed.c "${order}"
    [==[    segj_status_t status = segj_io_truncate(file, segj_fixed_file_size(shared, file->data, records));
    if (status == SEGJ_OK)
        status = segj_io_sync(file);]==]
    [==[    segj_status_t status = segj_io_truncate(file, segj_fixed_file_size(shared, file->data, records));]==])

fault("a cut of the values is not synced" src/journal/glob.c "${order}"
    [==[    segj_status_t status = segj_io_truncate(file, file->data + size + pad);
    if (status == SEGJ_OK)
        status = segj_io_sync(file);]==]
    [==[    segj_status_t status = segj_io_truncate(file, file->data + size + pad);]==])

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
    count_marks(fixed);]==]
    [==[    segj_status_t status = file != NULL ? SEGJ_OK : SEGJ_ERR_IO;
    if (status != SEGJ_OK)
        return status;
    count_marks(fixed);]==])

fault("open does not sync the index's names" src/oversized/open/recover_act.c "${order}"
    [==[    segj_status_t status = segj_partition_sync(&shared->index);]==]
    [==[    segj_status_t status = SEGJ_OK;]==])

fault("open does not sync the values' names" src/oversized/open/recover_act.c "${order}"
    [==[        status = segj_partition_sync(&shared->values);
    if (status == SEGJ_OK && !names_durable)]==]
    [==[        status = SEGJ_OK;
    if (status == SEGJ_OK && !names_durable)]==])

fault("open of clean sections takes names for durable" src/oversized/section/writers.c "lessons/rewind"
    [==[    if (!journal->names_inherited)]==]
    [==[    if (!journal->names_inherited || journal->record != NULL)]==])

fault("open of clean sections leaves values without an index" src/oversized/open/recover_act.c "${states}"
    [==[recovery->count > 0 &&
                 recovery->count == recovery->value_count &&]==]
    [==[recovery->count > 0 &&]==])

fault("a failed creation's index name is not taken back durably" src/oversized/section/writers.c "promises/append"
    [==[        status = segj_partition_sync(&shared->index);
    if (values_tried]==]
    [==[        status = SEGJ_OK;
    if (values_tried]==])

fault("open does not sync the directory" src/oversized/open/recover_act.c "${order}"
    [==[        status = segj_partition_sync_directory(&shared->index);]==]
    [==[        status = SEGJ_OK;]==])

fault("open does not sync an index that it takes over" src/oversized/open/repair.c "${order}"
    [==[    return status == SEGJ_OK ? segj_io_sync(index) : status;]==]
    [==[    return status;]==])

fault("open does not sync values that it takes over" src/oversized/open/repair.c "${order}"
    [==[values->data + plan->end);
    return status == SEGJ_OK ? segj_glob_cut(values, plan->end, false) : status;]==]
    [==[values->data + plan->end);
    return status != SEGJ_OK || plan->value_size <= values->data + plan->end ? status
                                                                             : segj_glob_cut(values, plan->end, false);]==])

fault("open does not sync the removal of values without an index" src/oversized/open/recover_act.c "${order}"
    [==[    return status == SEGJ_OK && changed ? segj_partition_sync(&shared->values) : status;]==]
    [==[    return status;]==])

fault("open does not sync the removal of what a checkpoint does without" src/oversized/open/recover_act.c
    "promises/checkpoint lessons/checkpoint"
    [==[    if (status == SEGJ_OK && removed)
        status = segj_partition_sync(&shared->index);]==]
    [==[]==])

fault("destroy does not sync the directory" src/oversized/oversized.c "promises/destroy crash/trace"
    [==[    return status == SEGJ_OK ? segj_partition_sync_directory(&journal->shared.index) : status;]==]
    [==[    return status;]==])

fault("a failed write's rest is cut without a sync" src/journal/glob.c "unit/glob failure/stories lessons/durability"
    [==[    status = segj_io_sync(&glob->handle.file);
    if (status == SEGJ_OK && (pad == 0 || size < end))
        status = pad_file(]==]
    [==[    if (status == SEGJ_OK && (pad == 0 || size < end))
        status = pad_file(]==])

# --- the order is another one ---

fault("a rewind cuts the values before the index" src/oversized/write/rewind.c "${order}"
    [==[    status = segj_fixed_cut_rewritten(shared, file, at.records);
    if (status == SEGJ_OK)
        status = segj_glob_cut(&section->values.handle.file, at.end, false);]==]
    [==[    status = segj_glob_cut(&section->values.handle.file, at.end, false);
    if (status == SEGJ_OK)
        status = segj_fixed_cut_rewritten(shared, file, at.records);]==])

fault("open cuts the values before the index" src/oversized/open/repair.c "${order}"
    [==[        status = repair_index(scan, plan, index);
    if]==]
    [==[        status = values->opened != NULL ? segj_glob_cut(values, plan->end, false) : SEGJ_OK;
    if (status == SEGJ_OK)
        status = repair_index(scan, plan, index);
    if]==])

fault("a rewind cuts before it marks" src/oversized/write/rewind.c "${order}"
    [==[    segj_status_t status = rewind_mark(shared, index, (segj_point_t){.records = at.records, .end = at.end}, begun);]==]
    [==[    segj_status_t status = segj_fixed_cut_rewritten(shared, file, at.records);
    if (status == SEGJ_OK)
        status = rewind_mark(shared, index, (segj_point_t){.records = at.records, .end = at.end}, begun);]==])

fault("a rewind takes its mark back before the values are cut" src/oversized/write/rewind.c "${order}"
    [==[    status = segj_fixed_cut_rewritten(shared, file, at.records);
    if (status == SEGJ_OK)]==]
    [==[    status = segj_fixed_cut_rewritten(shared, file, at.records);
    if (status == SEGJ_OK)
        status = segj_fixed_clear_mark(index, file);
    if (status == SEGJ_OK)]==])

fault("values are removed before their index" src/oversized/write/remove.c "${order}"
    [==[    const segj_io_partition_t *parts[2] = {&journal->shared.index, &journal->shared.values};]==]
    [==[    const segj_io_partition_t *parts[2] = {&journal->shared.values, &journal->shared.index};]==])

fault("index and values are removed together" src/oversized/write/remove.c "${order}"
    [==[    removal->undone = status != SEGJ_OK && is_there(journal, removal->gone[0]);]==]
    [==[    if (status == SEGJ_OK)
        status = segj_partition_unlink(&journal->shared.values, removal->gone[0]->node.number);
    removal->undone = status != SEGJ_OK && is_there(journal, removal->gone[0]);]==])

fault("open raises W before the section is durable" src/oversized/open/repair.c "${states}"
    [==[        status = repair_values(scan, plan, values);
    if (status == SEGJ_OK)
        raise_mark(scan, plan, index);]==]
    [==[        raise_mark(scan, plan, index);
    if (status == SEGJ_OK)
        status = repair_values(scan, plan, values);]==])

fault("a section goes idle with W before its sync" src/oversized/section/durable.c "${states}"
    [==[    segj_status_t status = segj_section_sync(journal, section);
    if (status == SEGJ_OK && section->active)
        status = segj_section_truncate_tail(journal, section);]==]
    [==[    if (section->active)
        durable_mark(journal, section, (segj_point_t){.records = section->index.records, .end = section->values.size});
    segj_status_t status = segj_section_sync(journal, section);]==])

fault("a rewind does not sync the section first" src/oversized/write/rewind.c "${states} crash/trace"
    [==[    if (status == SEGJ_OK && records <= section->index.durable)]==]
    [==[    if (status == SEGJ_OK && records <= section->index.records)]==])

fault("a rewind writes what it drops" src/oversized/write/rewind.c "promises/dropped_tails"
    [==[    if (status == SEGJ_OK && records <= section->index.durable)]==]
    [==[    if (status == SEGJ_OK && records < section->index.durable)]==])

fault("a rewind wants the descriptors of sections that cannot be written" src/oversized/write/rewind.c "promises/dropped_tails"
    [==[        status = segj_section_pin_for_write_briefly(journal, section);]==]
    [==[        status = segj_section_pin_for_write(journal, section);]==])

fault("marks that find no space poison" src/oversized/write/rewind.c "promises/dropped_tails failure/storage_faults"
    [==[            index->mark = at; /* the next mark is made soon enough */
        return begun ? segj_shared_poison(shared, status) : status;]==]
    [==[            index->mark = at; /* the next mark is made soon enough */
        return begun || at.records > 0 ? segj_shared_poison(shared, status) : status;]==])

fault("a page is shortened before what it reads is durable" src/journal/fixed.c
    "crash/exhaustive_unsynced@64/flushed crash/exhaustive_unsynced@4084/flushed crash/trace unit/fixed_cut"
    [==[        status = segj_io_sync(file);
    if (status == SEGJ_OK && state->length > partial)]==]
    [==[        status = state->length > partial ? SEGJ_OK : segj_io_sync(file);
    if (status == SEGJ_OK && state->length > partial)]==])

# --- flushes ---

fault("a flush takes what it wrote for synced" src/paged/paged_blob.c "promises/flush crash/exhaustive_unsynced@64/flushed"
    [==[    paged_blob_let_go(paged, pool, capture, true);]==]
    [==[    paged_blob_let_go(paged, pool, capture, true);
    if (capture->tail_page != SEGJ_NO_PAGE) {
        paged->synced_page = capture->tail_page;
        paged->synced = capture->tail;
    }]==])

fault("a flush leaves the records" src/oversized/write/flush.c "promises/flush kill/kill"
    [==[        status = segj_paged_write(section->index.tail, index, &flush->index);]==]
    [==[        status = SEGJ_OK;]==])

fault("a flush leaves the values" src/oversized/write/flush.c "promises/flush kill/kill"
    [==[    segj_status_t status = segj_glob_write(values, &flush->values);]==]
    [==[    segj_status_t status = section != NULL ? SEGJ_OK : SEGJ_ERR_IO;]==])

fault("a flush does not wait for a sync" src/oversized/write/flush.c "threads/prune_beside"
    [==[        status = segj_section_await(journal, section, &section->handed, segj_section_appended(section), &done);]==]
    [==[        done = section->handed >= segj_section_appended(section);]==])

fault("a flush that has failed is taken for made" src/oversized/write/flush.c "promises/flush failure/storage_faults"
    [==[    if (written) {]==]
    [==[    if (written || flush->appended > 0) {]==])
