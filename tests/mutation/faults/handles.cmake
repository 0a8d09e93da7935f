# mutation/faults/handles.cmake: deliberate faults (see mutate.cmake): errors, descriptors, readers, and handles.

# --- errors, descriptors, readers ---

fault("a failed sync does not poison" src/oversized/section/durable.c "failure/failed_syncs threads/poison"
    [==[    return status == SEGJ_OK ? SEGJ_OK : segj_shared_poison(&journal->shared, status);
}

/* Nothing is acknowledged]==]
    [==[    return status;
}

/* Nothing is acknowledged]==])

fault("a failed rewind does not poison" src/oversized/write/rewind.c "failure/storage_faults lessons/rewind"
    [==[        status = rewind_clear_mark(shared, index);
    if (status != SEGJ_OK)
        status = segj_shared_poison(shared, status);]==]
    [==[        status = rewind_clear_mark(shared, index);]==])

fault("a failed removal does not poison" src/oversized/write/remove.c "failure/storage_faults promises/prune"
    [==[    if (status != SEGJ_OK)
        return segj_shared_poison(&journal->shared, status);
    segj_removal_end]==]
    [==[    if (status != SEGJ_OK)
        return status;
    segj_removal_end]==])

fault("a failed sync of a new header does not poison" src/oversized/section/writers.c "failure/failed_syncs failure/storage_faults"
    [==[    if (status != SEGJ_OK)
        return segj_shared_poison(shared, status);
    return dictionary]==]
    [==[    if (status != SEGJ_OK)
        return status;
    return dictionary]==])

fault("a poisoned journal goes on" src/oversized/section/section.c "failure/failed_syncs threads/poison"
    [==[    if (atomic_load_explicit(&journal->shared.poisoned, memory_order_acquire)) {
        segj_say]==]
    [==[    if (atomic_load_explicit(&journal->shared.poisoned, memory_order_acquire) && journal->prune_line == UINT64_MAX) {
        segj_say]==])

fault("offsets of a failed write are used again" src/journal/glob.c "unit/glob lessons/durability failure/stories failure/full_disk"
    [==[    if (!glob->tail_dirty)
        return SEGJ_OK;
    uint64_t size = 0;]==]
    [==[    if (!glob->tail_dirty || glob->size > 0)
        return SEGJ_OK;
    uint64_t size;]==])

fault("a section gives its descriptors up without a sync" src/oversized/section/writers.c "crash/trace crash/exhaustive"
    [==[    segj_status_t status = segj_section_sync_and_mark(journal, section, false);
    if (status == SEGJ_OK)
        segj_section_deactivate]==]
    [==[    segj_status_t status = SEGJ_OK;
    if (status == SEGJ_OK)
        segj_section_deactivate]==])

fault("a section gives its descriptors up before its sync" src/oversized/section/writers.c "crash/trace crash/exhaustive"
    [==[    segj_status_t status = segj_section_sync_and_mark(journal, section, false);
    if (status == SEGJ_OK)
        segj_section_deactivate(journal, section);]==]
    [==[    segj_io_close(&section->index.handle.file);
    segj_status_t status = segj_io_open(&section->index.handle.file, &journal->shared.index, section->node.number,
                                        SEGJ_OPEN_WRITE, NULL);
    section->index.handle.file.data = 12288;
    if (status == SEGJ_OK)
        status = segj_section_sync_and_mark(journal, section, false);
    if (status == SEGJ_OK)
        segj_section_deactivate(journal, section);]==])

fault("a sync acknowledges what came after it began" src/oversized/section/durable.c "threads/acknowledged threads/parked_sync"
    [==[        section->synced = section->handed = capture->appended;]==]
    [==[        section->synced = section->handed = section->appended;]==])

fault("a failed creation leaves its files" src/oversized/section/writers.c "failure/storage_faults failure/full_disk"
    [==[    if (index_tried)
        status]==]
    [==[    if (index_tried && journal->read_only)
        status]==])

fault("a value read from the file is not verified" src/journal/glob_read.c "unit/glob badinput/damage"
    [==[    if (crc != found)]==]
    [==[    if (crc != found && payload == SIZE_MAX)]==])

fault("a reader takes what a rewind has changed" src/oversized/read/look_up.c "threads/parked_changes threads/rewinds unit/rewind_cache"
    [==[    *changed = segj_section_changed(section, generation);]==]
    [==[    *changed = section->removed;]==])

fault("pages read before a cut stay in the cache" src/oversized/write/rewind.c "unit/rewind_cache promises/rewind"
    [==[    index->cache_id = cutting_id;]==]
    [==[    (void)cutting_id;]==])

fault("of a page read beside a cut more is kept than stays" src/journal/fixed.c "unit/rewind_cache"
    [==[    *length = state.length < part->most ? state.length : part->most;]==]
    [==[    *length = state.length;]==])

fault("a lock has no mark" src/storage/posix.c "unit/holder"
    [==[    segj_posix_mark(partition->fd, true);]==]
    [==[    (void)0;]==])

fault("a mark stays when its lock is given back" src/storage/posix.c "unit/holder"
    [==[    segj_posix_mark(partition->fd, false);]==]
    [==[    (void)0;]==])

fault("the list of locks is read where none is held" src/storage/posix.c "unit/holder"
    [==[    if (!partition->refused && !segj_posix_is_marked(partition->fd))]==]
    [==[    if (false)]==])

fault("a lock without a mark is not looked for where it was refused" src/storage/posix.c "unit/holder"
    [==[    partition->refused = code == EWOULDBLOCK;]==]
    [==[    partition->refused = false;]==])

fault("a waiting open looks for the holder each time" src/storage/io_partitions.c "promises/lock"
    [==[    if (!partition->again && ]==]
    [==[    if (]==])

fault("partitions are not locked" src/oversized/open/partitions.c "failure/lock promises/lock"
    [==[        status = segj_partition_lock(partition, !read_only, &replaced);]==]
    [==[        status = SEGJ_OK;]==])

fault("a read looks at records that a rewind took away meanwhile" src/journal/fixed.c "unit/fixed"
    [==[        if (page * shared->page_size + from + size > segj_fixed_size(fixed, shared))]==]
    [==[        if (shared->page_size == 0)]==])

fault("who changes what viewers look at does not wait for them" src/base/readers.h "unit/readers"
    [==[        while (atomic_load(&readers->counters[i].inside) > 0)
            (void)sched_yield();]==]
    [==[        (void)sched_yield();]==])

fault("viewers come in while they are kept out" src/base/readers.h "unit/readers"
    [==[    if (!atomic_load(&readers->blocked))
        return inside;]==]
    [==[    if (!atomic_load(&readers->blocked) || atomic_load(inside) > 1)
        return inside;]==])

fault("a value in a write buffer is looked for in the mapping" src/oversized/read/view.c "promises/view threads/views"
    [==[    if (section == NULL || section->index.tail != NULL)]==]
    [==[    if (section == NULL)]==])

# --- handles: children, ends, callers ---

fault("a child is taken for its parent" src/oversized/section/entrance.h "threads/forks"
    [==[           atomic_load_explicit(entrance->word, memory_order_relaxed) == entrance->token;]==]
    [==[           entrance->token != 0;]==])

fault("a child's close is like any other" src/oversized/section/entrance.c "threads/forks"
    [==[        return SEGJ_ENDING_CHILD;]==]
    [==[        return SEGJ_ENDING_HERE;]==])

fault("a child waits for a lock" src/oversized/child.c "threads/forks"
    [==[    bool still = segj_try_lock(&shared->state);]==]
    [==[    segj_lock(&shared->state);
    bool still = true;]==])

fault("a child keeps its descriptors" src/oversized/child.c "threads/forks"
    [==[    close_files(&shared->files);]==]
    [==[    (void)close_files;]==])

fault("a child waits for the lock of a storage in memory" src/storage/memory.c "threads/forks"
    [==[    if (!memory_is_childs(file->memory)) {]==]
    [==[    if (file->memory != NULL) {]==])

fault("a child's writer waits for its section" src/oversized/write/stream_in.c "threads/forks"
    [==[    if (segj_lease_holds(&writer->lease)) {]==]
    [==[    if (writer->journal != NULL) {]==])

fault("a child shows the page cache of its parent" src/paged/page_cache.c "unit/process"
    [==[    make_anew(cache);]==]
    [==[    (void)make_anew;]==])

fault("what has ended keeps its badge" src/oversized/section/entrance.c "promises/after_the_end"
    [==[(&entrance->badged.badge, &open, SEGJ_BADGE_ENDED)]==]
    [==[(&entrance->badged.badge, &open, SEGJ_BADGE_JOURNAL)]==])

fault("a journal is freed beneath its callers" src/oversized/section/entrance.c "promises/after_the_end"
    [==[    made->journal = journal;
    (void)atomic_fetch_add(&journal->entrance.references, 1);]==]
    [==[    made->journal = journal;]==])

fault("a walk goes on behind the end" src/oversized/oversized.c "promises/after_the_end"
    [==[    (void)atomic_fetch_add(&journal->removals, 1);
    segj_trainer_stop(&journal->trainer, true);
    segj_journal_wait_for_calls(journal);
    segj_status_t]==]
    [==[    segj_trainer_stop(&journal->trainer, true);
    segj_journal_wait_for_calls(journal);
    segj_status_t]==])

fault("a caller keeps no sentence" src/oversized/section/entrance.c "threads/callers"
    [==[        segj_error_take(&caller->error, status);]==]
    [==[        caller->error.status = status;]==])

fault("a replay forgets whose it is" src/oversized/read/replay.c "threads/callers"
    [==[        segj_lease_bind(&(*opened)->lease, caller);]==]
    [==[        (void)caller;]==])

fault("a sentence that is said again has lost its errno" src/base/status.c "threads/callers"
    [==[    last_errno = sentence->code;]==]
    [==[    last_errno = sentence->code == 0;]==])

fault("a writer that has failed forgets why" src/oversized/write/stream_in.c "promises/writer"
    [==[        segj_keep(&writer->cause);]==]
    [==[        segj_keep(&(segj_sentence_t){0});]==])

fault("a reader that has failed forgets why" src/oversized/read/stream_out.c "promises/stream_read"
    [==[        segj_keep(&reader->cause);]==]
    [==[        segj_keep(&(segj_sentence_t){0});]==])

fault("what a storage answered is not kept beside a sentence of its own" src/base/error.h
    "failure/places unit/storage_io"
    [==[(segj_say(__VA_ARGS__), segj_say_code(code), (status))]==]
    [==[(segj_say(__VA_ARGS__), segj_say_code((code) * 0), (status))]==])

fault("a sync without space does not say what a rewind can do" src/oversized/section/durable.c "promises/sync promises/sync_start"
    [==[    if (!poisoned)
        segj_say_after(]==]
    [==[    if (poisoned)
        segj_say_after(]==])

fault("a walk backwards reads pages from the wanted one on" src/oversized/read/replay.c "promises/replay_back counted/read"
    [==[    *first = replay->back ? page + 1 - wanted : page;]==]
    [==[    *first = replay->back ? page - (page + 1 - wanted == 0) * page : page;]==])

fault("a walk backwards takes for written what a sync is writing" src/oversized/read/replay_value.c "threads/overlaps"
    [==[            range.begin = segj_max_u64(range.begin, end);]==]
    [==[            range.begin = segj_max_u64(range.begin, 0);]==])

fault("a walk backwards reads each value alone" src/oversized/read/replay_value.c "promises/replay_back"
    [==[(replay->back ? comes_after(source, end, replay->asked_begin) :]==]
    [==[(replay->back ? end == replay->asked_end :]==])

fault("a walk backwards goes on within a damaged page" src/oversized/read/replay.c "promises/replay_back"
    [==[    replay->position = replay->back ? whole - 1 : whole + (edge % shared->record_size != 0);]==]
    [==[    replay->position = replay->back ? replay->position - 1 : whole + (edge % shared->record_size != 0);]==])

fault("a walk backwards begins at the count of another section" src/oversized/read/replay.c "promises/replay_back"
    [==[    replay->position = replay->back ? replay->targets[at].records - 1 : 0;]==]
    [==[    replay->position = replay->back ? replay->targets[0].records - 1 : 0;]==])

fault("a handle is left as it was where there is none" src/oversized/read/stream_out.c "promises/handles failure/storage_faults"
    [==[    if (opened != NULL)
        *opened = NULL;]==]
    [==[]==])

fault("a count beyond 2^64 bytes wraps round" src/oversized/write/rewind.c "promises/rewind"
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
        segj_maps_drop_stale]==]
    [==[    if (glob->maps != NULL && glob->tail_dirty)
        segj_maps_drop_stale]==])

fault("a descriptor that is wanted is not given back" src/storage/io_sentences.c "failure/limits failure/crowded unit/files_few"
    [==[(segj_io_is_exhausted(code) && partition->give_back != NULL]==]
    [==[(code == ENFILE && partition->give_back != NULL]==])

fault("a mapping that was refused is tried with each view" src/journal/maps.c "unit/maps promises/view"
    [==[    if (tries->left == 0)
        return true;]==]
    [==[    if (tries->left < TRIES_APART_MOST + 1)
        return true;]==])

fault("a walk backwards passes over what a damaged page still holds" src/oversized/read/replay.c "promises/replay_back fuzz/image"
    [==[    uint64_t edge = replay->back ? page * shared->page_size + replay->valid : (page + 1) * shared->page_size;]==]
    [==[    uint64_t edge = (replay->back ? page : page + 1) * shared->page_size;]==])
