# mutation/faults/gate.cmake: deliberate faults (see mutate.cmake): who comes through a gate, and who is called to it.

fault("who leaves calls nobody while one has been called before" src/base/gate.c "unit/gate orders/gate"
    [==[        if (gate_change(gate, word, word & ~FRONT)) {]==]
    [==[        if (gate_change(gate, word, word)) {]==])

fault("who waits is not called" src/base/gate.c "unit/gate orders/gate"
    [==[    if (word >= ONE_WAITS && (word & FRONT) == 0)
        call_one(gate);]==]
    [==[    if (word > ONE_WAITS + SHUT && (word & FRONT) == 0)
        call_one(gate);]==])

fault("the one in front comes in beside another" src/base/gate.c "orders/gate threads/gate"
    [==[        if ((word & SHUT) == 0 && gate_change(gate, word, ((]==]
    [==[        if ((word & RESERVED) == 0 && gate_change(gate, word, ((]==])

fault("others take the turn of the one in front" src/base/gate.c "unit/gate"
    [==[    if ((word & (SHUT | RESERVED)) != 0 ||]==]
    [==[    if ((word & SHUT) != 0 ||]==])

fault("the one in front has no end of patience" src/base/gate.c "unit/gate"
    [==[        if (now - begun > GATE_PATIENCE) {]==]
    [==[        if (now < begun) {]==])

fault("the one in front lets slow ones pass" src/base/gate.c "unit/gate"
    [==[    while ((gate_passed(gate) - from) * SHORT > now - before) {]==]
    [==[    while (gate_passed(gate) != from && before <= now) {]==])

fault("the turn stays reserved for nobody" src/base/gate.c "unit/gate"
    [==[((word | SHUT) & ~(FRONT | RESERVED)) - ONE_WAITS)]==]
    [==[((word | SHUT) & ~FRONT) - ONE_WAITS)]==])

fault("the one in front naps on when another one leaves for long" src/base/gate.c "unit/gate"
    [==[        if (atomic_load_explicit(&gate->away, memory_order_relaxed) != away)]==]
    [==[        if (away + 1 == 0)]==])

fault("a full buffer is written beside a sync" src/oversized/write/behind.c "threads/behind orders/crash orders/sync"
    [==[    bool busy = section->syncing || segj_section_is_clean(section);]==]
    [==[    bool busy = segj_section_is_clean(section);]==])

fault("a full buffer that could not be written is dropped" src/oversized/write/behind.c "threads/behind failure/storage_faults"
    [==[    segj_glob_finish(&section->values, &journal->shared, values, status == SEGJ_OK);]==]
    [==[    segj_glob_finish(&section->values, &journal->shared, values, true);]==])

fault("a second full buffer is left while one is being written" src/journal/glob_place.c "threads/behind"
    [==[    bool alone = glob->chain.first == glob->live;]==]
    [==[    bool alone = true;]==])

fault("full buffers are written under the change lock" src/journal/glob_place.c "threads/behind orders/crash"
    [==[    if (shared->change == NULL || !segj_gate_is_wanted(shared->change))]==]
    [==[    if (shared->change != NULL || glob->pending == 0)]==])
