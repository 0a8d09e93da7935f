# mutation/faults/rados.cmake: deliberate faults (see mutate.cmake): journals in a cluster.

fault("who takes over leaves the files to the former owner" src/rados/rados_lock.c "rados/late"
    [==[        code = about_each(lease, SEGJ_RADOS_WRITTEN, epoch);]==]
    [==[        code = 0;]==])

fault("who takes over stamps the objects that there are alone" src/rados/rados_batch.c "rados/late"
    [==[        code = batch->remove ? 0 : make_stamped(batch, piece->object, NULL);]==]
    [==[        code = 0;]==])

fault("writes do not compare the epoch" src/rados/rados_flight.c "rados/late"
    [==[        (segj_rados_compare_t){.name = SEGJ_RADOS_EPOCH, .value = flight->epoch, .at_most = true};]==]
    [==[        (segj_rados_compare_t){.name = NULL, .value = flight->epoch, .at_most = true};]==])

fault("a new file is not marked as written" src/rados/rados_file.c "rados/late"
    [==[{{key, value}, {mark, "1"}}]==]
    [==[{{key, value}, {NULL, NULL}}]==])

fault("a partition's changes do not compare the epoch" src/rados/rados_lease.c "rados/late"
    [==[        change->compare[1] = (segj_rados_compare_t){.name = SEGJ_RADOS_EPOCH, .value = epoch};]==]
    [==[        change->compare[1] = (segj_rados_compare_t){.name = NULL, .value = epoch};]==])

fault("a sync does not wait" src/rados/rados_file.c "rados/crash rados/late"
    [==[    segj_rados_node_settle(node, UINT64_MAX);
    int code = file->lease->code]==]
    [==[    int code = file->lease->code]==])

fault("a write that failed is forgotten" src/rados/rados_flight.c "rados/late"
    [==[    code = fail(flight, code);
    if (node->code == 0)
        node->code = code;]==]
    [==[    code = fail(flight, code);]==])

fault("objects that a former owner may still make are removed by a cut" src/rados/rados_node.c "rados/late"
    [==[    kept = kept > end ? kept : end;]==]
    [==[    kept = end;]==])

fault("what was cut off is found when a cut is not ended" src/rados/rados_node.c "rados/cuts"
    [==[    if (code != 0 || end >= *bound)]==]
    [==[    if (code != 0 || end > 0)]==])

fault("a removal is not noted" src/rados/rados_file.c "rados/late rados/cuts"
    [==[    segj_rados_change_t change = {.key_set = {{dropped, "1"}}, .keys_removed]==]
    [==[    segj_rados_change_t change = {.keys_removed]==])

fault("objects of removed files are left to nobody" src/rados/rados_lock.c "rados/late rados/cuts"
    [==[    return code == 0 ? about_each(lease, SEGJ_RADOS_DROPPED, epoch) : code;]==]
    [==[    return code;]==])

fault("what was read ahead outlives a write" src/rados/rados_ahead.c "rados/cuts"
    [==[piece->generation == file->node->generation &&]==]
    [==[piece->generation <= file->node->generation &&]==])

fault("what was read ahead outlives a refresh" src/rados/rados_ahead.c "rados/cuts"
    [==[        file->ahead->refreshed++;]==]
    [==[        file->ahead->refreshed += 0;]==])

# --- owners that were replaced, and flushes, of any storage ---

fault("an owner that was replaced goes on" src/storage/io_sentences.c "threads/fenced threads/poison"
    [==[    if (status == SEGJ_ERR_LOCKED && partition->lost != NULL)]==]
    [==[    if (status == SEGJ_ERR_LOCKED && partition->lost == NULL)]==])

fault("a removal that is refused to a former owner leaves it one" src/storage/io.c "threads/fenced"
    [==[                                       : segj_io_changed(file->partition, segj_io_fail_file(code, file, "removal"));]==]
    [==[                                       : segj_io_fail_file(code, file, "removal");]==])

fault("marks that are refused to a former owner are done without" src/oversized/section/durable.c "threads/fenced"
    [==[    if (status == SEGJ_OK || status == SEGJ_ERR_LOCKED)
        return status;
    segj_shared_log]==]
    [==[    if (status == SEGJ_OK)
        return status;
    segj_shared_log]==])

fault("a flush does not wait for a storage that has only begun" src/oversized/write/flush.c "promises/flush rados/late"
    [==[        status = segj_io_hand_over(values);]==]
    [==[        status = SEGJ_OK;]==])

fault("a flush hands over the values alone" src/oversized/write/flush.c "promises/flush"
    [==[    return status == SEGJ_OK && !segj_section_is_log(section) ? segj_io_hand_over(index) : status;]==]
    [==[    return status;]==])

fault("who finds no room for the key of a closed file only waits" src/rados/rados_lease.c "rados/lease"
    [==[        wait_for_removal(lease);
        remove_idle(lease);
    }
    char *key]==]
    [==[        wait_for_removal(lease);
    }
    char *key]==])

fault("a sync after objects were made does not ask who the owner is" src/rados/rados_file.c "rados/woken"
    [==[    bool prove = code == 0 && made]==]
    [==[    bool prove = code != 0 && made]==])

fault("the mark of a file that is opened while it is closed goes" src/rados/rados_lease.c "rados/woken"
    [==[        if (is_wanted(lease, lease->idle[i]))]==]
    [==[        if (is_wanted(lease, lease->idle[i]) && lease->removing)]==])

fault("a change that others were in the way of counts as done" src/rados/rados_lease.c "rados/woken"
    [==[    return again ? EBUSY : code;]==]
    [==[    return again ? 0 : code;]==])

fault("an object that a removal has taken reads as zeros" src/rados/rados_file.c "rados/woken"
    [==[    return code == ENOENT ? (removed ? 0 : look_for_name(file)) : code;]==]
    [==[    return code == ENOENT ? (removed || size > 0 ? 0 : look_for_name(file)) : code;]==])

fault("an object that was made is not counted for the next sync" src/rados/rados_flight.c "rados/woken"
    [==[        node->made++; /* not before]==]
    [==[        node->made += 0; /* not before]==])
