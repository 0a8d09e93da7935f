# mutation/faults/groups.cmake: deliberate faults (see mutate.cmake): who waits for a sync, whom it covers, and who leads the next.

fault("a waiter returns one flush early" src/oversized/section/group.c "orders/sync orders/crash"
    [==[    if (section->synced >= waiter->target || segj_section_gone(journal, section))]==]
    [==[    if (section->synced + 1 >= waiter->target || segj_section_gone(journal, section))]==])

fault("a call is covered by a sync that had begun before it" src/oversized/write/sync.c "orders/sync orders/crash"
    [==[    call->target = target_of(call, section);
    if (section->synced >= call->target) {]==]
    [==[    call->target = target_of(call, section) - (call->ticket == NULL);
    if (section->synced >= call->target) {]==])

fault("a wake-up is lost: nobody leads the next sync" src/oversized/section/group.c "orders/sync"
    [==[    return led || segj_group_forms(section) ? 0 : SEGJ_GROUP_LEADS;]==]
    [==[    return led || section->waiting > 0 || segj_group_forms(section) ? 0 : SEGJ_GROUP_LEADS;]==])

fault("a leader forgets those that failed with it" src/oversized/section/group.c "orders/sync"
    [==[            segj_keep(&waiter->sentence);
        }]==]
    [==[            segj_keep(&waiter->sentence);
            continue;
        }]==])

fault("those that failed are told that they are covered" src/oversized/section/group.c "orders/sync"
    [==[        return SEGJ_GROUP_FAILED;
    return led]==]
    [==[        return SEGJ_GROUP_COVERED;
    return led]==])

fault("a leader without a sync leaves the others waiting" src/oversized/write/sync.c "orders/sync"
    [==[    } else if (call->called) {]==]
    [==[    } else if (call->called && call->section == NULL) {]==])

fault("who gathers forgets those who have joined" src/oversized/write/sync.c "orders/sync"
    [==[            gathered = call->called = true;]==]
    [==[            gathered = true;]==])

fault("who gathers stays where it was" src/oversized/section/group.c "orders/sync"
    [==[    if (alone)
        section->gatherer = NULL;]==]
    [==[    if (alone)
        section->gatherer = section->gatherer;]==])

fault("a flush that ends calls nobody" src/oversized/write/flush.c "orders/sync"
    [==[    segj_waiter_t *told = segj_group_end(journal, section, 0, SEGJ_OK);]==]
    [==[    segj_waiter_t *told = NULL;
    section->syncing = false;
    segj_wake_all(&journal->shared.changed);]==])

# --- values that are compressed before the lock is taken ---

fault("a payload is stored in a section of plain values" src/oversized/write/append.c "threads/payloads"
    [==[    if (append_is_compressed(batch))
        status =]==]
    [==[    if (batch->payloads != NULL || append_is_compressed(batch))
        status =]==])

fault("values are compressed under the lock" src/oversized/write/payload.c "threads/payloads"
    [==[    if (!may_want_payloads(journal))
        return SEGJ_OK;
    payload_target_t target = look_at_target(journal, section);
    segj_status_t status = payload_begin(payloads, journal, &target);
    if (status == SEGJ_OK && payloads->encoder != NULL) {
        status = segj_encoder_make(]==]
    [==[    if (!may_want_payloads(journal) || pieces_count > 0)
        return SEGJ_OK;
    payload_target_t target = look_at_target(journal, section);
    segj_status_t status = payload_begin(payloads, journal, &target);
    if (status == SEGJ_OK && payloads->encoder != NULL) {
        status = segj_encoder_make(]==])

fault("there is no bound on contexts" src/oversized/write/payload.c "threads/payloads"
    [==[codec->encoders_made == SEGJ_ENCODERS_MOST)]==]
    [==[codec->encoders_made == 10 * SEGJ_ENCODERS_MOST)]==])

fault("who waits for a context is not woken" src/oversized/write/payload.c "threads/payloads"
    [==[    if (codec->encoders_wanted > 0)]==]
    [==[    if (codec->encoders_wanted > SEGJ_ENCODERS_MOST * 2)]==])

fault("payloads of a batch stay where their memory was" src/oversized/write/payload.c "threads/payloads promises/batch"
    [==[    const uint8_t *data = encoder->payloads.data;
    for]==]
    [==[    const uint8_t *data = payloads->count > 0 ? (const uint8_t *)encoder->payloads.data + 1 : NULL;
    for]==])

fault("a ticket of a section that was removed asks for more than there is" src/oversized/write/sync.c
    "promises/sync_start"
    [==[segj_min_u64(call->ticket->change, appended)]==]
    [==[segj_max_u64(call->ticket->change, segj_min_u64(appended, 0))]==])
