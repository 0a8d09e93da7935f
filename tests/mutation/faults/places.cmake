# mutation/faults/places.cmake: deliberate faults (see mutate.cmake): removals beside other changes, places, owners.

# --- a prune beside other changes ---

fault("a prune keeps the change lock" src/oversized/write/remove.c "threads/prune_beside"
    [==[        status = unlink_first(journal, &removal);
        segj_gate_enter(&journal->change);
        remove_decide]==]
    [==[        segj_gate_enter(&journal->change);
        status = unlink_first(journal, &removal);
        remove_decide]==])

fault("two prunes at a time" src/oversized/write/remove.c "threads/prune_beside"
    [==[    await_syncs(journal, line);
    segj_journal_await_removal(journal);]==]
    [==[    await_syncs(journal, line);]==])

fault("a rewind removes sections beside a prune" src/oversized/write/rewind.c "threads/prune_beside"
    [==[    if (has_later(journal, number))
        segj_journal_await_removal(journal);]==]
    [==[    if (has_later(journal, number) && journal->read_only)
        segj_journal_await_removal(journal);]==])

fault("a prune waits for a sync with the change lock" src/oversized/write/remove.c "threads/prune_beside"
    [==[#define PATIENCE 8]==]
    [==[#define PATIENCE 0]==])

fault("a sync of all forgets what a prune had hidden" src/oversized/write/sync_many.c "threads/prune_beside"
    [==[        status = sync_pruned(journal, number);]==]
    [==[        status = journal->read_only ? sync_pruned(journal, number) : SEGJ_OK;]==])

fault("a sync takes a hidden section for gone" src/oversized/section/section.h "threads/prune_beside"
    [==[    return atomic_load_explicit(&section->removed, memory_order_relaxed) && journal->hidden > 0;]==]
    [==[    return atomic_load_explicit(&section->removed, memory_order_relaxed) && journal->hidden == SIZE_MAX;]==])

fault("a poisoned journal's prune goes on" src/oversized/write/remove.c "threads/prune_beside"
    [==[            status = segj_journal_changeable(journal);
            if (status == SEGJ_OK)
                status = segj_partition_unlink(parts]==]
    [==[            if (status == SEGJ_OK)
                status = segj_partition_unlink(parts]==])

fault("close does not wait for a prune" src/oversized/write/remove.c "threads/prune_beside"
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
    [==[        status = segj_steps_remove_all(journal, steps);
    if (status == SEGJ_OK)
        status = segj_quarantine_remove(journal);
    if (status == SEGJ_OK)
        status = segj_owner_remove(&journal->shared);
    if (status == SEGJ_OK)
        status = segj_copied_remove(&journal->shared);
    if (status == SEGJ_OK)
        status = segj_partition_remove(&journal->shared.index);]==]
    [==[        status = segj_owner_remove(&journal->shared);
    if (status == SEGJ_OK)
        status = segj_partition_remove(&journal->shared.index);
    if (status == SEGJ_OK)
        status = segj_steps_remove_all(journal, steps);]==])

fault("a destroy that was cancelled ends the journal" src/oversized/oversized.c "promises/progress"
    [==[status == SEGJ_ERR_BUSY || status == SEGJ_ERR_CANCELLED)]==]
    [==[status == SEGJ_ERR_BUSY)]==])

# --- places ---

fault("partitions that were missing are taken for empty without a look behind their locks" src/oversized/open/recover_act.c
    "failure/two_openers"
    [==[    if (recovery->partitions_made)
        return segj_partitions_make(shared);
    segj_status_t status = sync_names(recovery);]==]
    [==[    segj_status_t status = recovery->partitions_made ? segj_partitions_make(shared) : SEGJ_OK;
    bool missing = false;
    bool replaced = false;
    recovery->partitions_made = false;
    if (status == SEGJ_OK && shared->index.opened == NULL)
        status = segj_partition_open(&shared->index, &missing);
    if (status == SEGJ_OK)
        status = segj_partition_lock(&shared->index, true, &replaced);
    if (status == SEGJ_OK && shared->values.opened == NULL)
        status = segj_partition_open(&shared->values, &missing);
    if (status == SEGJ_OK)
        status = segj_partition_lock(&shared->values, true, &replaced);
    if (status == SEGJ_OK)
        status = sync_names(recovery);]==])

fault("values without an index are not doubted" src/oversized/open/partitions.c "failure/two_openers"
    [==[    if (*appeared)
        segj_partition_close(&shared->values);]==]
    [==[    *appeared = false;]==])

fault("partitions of two directories are taken for one journal's" src/storage/io_partitions.c "failure/places"
    [==[    return !SEGJ_STORAGE_HAS(partition->storage, partition_beside) ||]==]
    [==[    return SEGJ_STORAGE_HAS(partition->storage, partition_beside) ||]==])

fault("destroy removes what its path leads to" src/storage/io_partitions.c "failure/places"
    [==[partition->opened != NULL && SEGJ_STORAGE_HAS(storage, partition_remove_open)]==]
    [==[partition->opened == NULL && SEGJ_STORAGE_HAS(storage, partition_remove_open)]==])

fault("destroy does not ask what the names stand for before it removes files" src/oversized/oversized.c "failure/places"
    [==[    segj_status_t status = segj_partition_named(&journal->shared.index);
    if (status == SEGJ_OK)
        status = segj_partition_named(&journal->shared.values);]==]
    [==[    segj_status_t status = SEGJ_OK;]==])

fault("names that a file system has not let go yet are not waited for" src/storage/io_partitions.c "failure/places"
    [==[rest.foreign || i == sizeof]==]
    [==[rest.any || i == sizeof]==])

# --- owners ---

fault("a sync is acknowledged without a look at who owns the journal" src/oversized/section/durable.c
    "failure/owner failure/two_writers"
    [==[    segj_status_t status = segj_owner_check(&journal->shared);
    return status == SEGJ_OK ? check_lengths]==]
    [==[    segj_status_t status = SEGJ_OK;
    return status == SEGJ_OK ? check_lengths]==])

fault("files are changed without a look at who owns the journal" src/storage/io_sentences.h "failure/owner failure/two_writers"
    [==[    return partition->guard == NULL || name != NULL ? SEGJ_OK]==]
    [==[    return partition->guard != NULL || name != NULL ? SEGJ_OK]==])

fault("a refused open leaves its token" src/journal/owner.c "failure/owner badinput/foreign"
    [==[    if (owner->contended ||]==]
    [==[    if (!owner->contended ||]==])

fault("a late claim overlooks who came before" src/journal/owner.c "failure/owner_failures"
    [==[    if (status == SEGJ_OK && !is_as_left(owner, found, size)) {]==]
    [==[    if (status == SEGJ_OK && size > sizeof found) {]==])

fault("a section that somebody else has made longer is written to" src/oversized/section/writers.c "failure/owner"
    [==[    if (status != SEGJ_OK || (size >= bare && size <= expected))]==]
    [==[    if (status != SEGJ_OK || size >= bare)]==])

fault("a commonware sync does not look at lengths" src/oversized/section/durable.c "failure/owner"
    [==[(size >= least && size <= most))]==]
    [==[size >= least)]==])

fault("readers do not lock the owner's file" src/journal/owner.c "failure/owner"
    [==[    return status == SEGJ_OK && !missing ? segj_io_lock(&owner->file, false) : SEGJ_OK;]==]
    [==[    return status == SEGJ_OK && missing ? segj_io_lock(&owner->file, false) : SEGJ_OK;]==])

fault("who claims late takes the journal from one that came meanwhile" src/journal/owner.c "failure/owner_failures"
    [==[owner->seen ? claim_late(shared) : claim(shared);]==]
    [==[owner->lost ? claim_late(shared) : claim(shared);]==])

fault("a claim that was written and not told of is another opener's" src/journal/owner.c "failure/owner_failures"
    [==[(owner->tried && found[i] == owner->token[i]) ||]==]
    [==[(owner->lost && found[i] == owner->token[i]) ||]==])

fault("descriptors that are reserved are waited for" src/journal/files.c "unit/files_few"
    [==[        files->open++;
        files->held++;
    }]==]
    [==[        files->open++;
    }]==])
