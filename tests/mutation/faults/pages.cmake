# mutation/faults/pages.cmake: deliberate faults (see mutate.cmake): the watermark, and pages.

# --- the watermark ---

fault("W runs ahead: sync marks a record more" src/oversized/section/durable.c "promises/watermark unit/fixed ${states}"
    [==[        status = durable_mark(journal, section, (segj_point_t){.records = capture->records, .end = capture->size});]==]
    [==[        status = durable_mark(journal, section, (segj_point_t){.records = capture->records + 1, .end = capture->size});]==])

fault("W runs ahead: open marks a record more" src/oversized/open/repair.c "${states}"
    [==[        status = segj_fixed_mark(fixed, index, (segj_point_t){.records = plan->records});]==]
    [==[        status = segj_fixed_mark(fixed, index, (segj_point_t){.records = plan->records + 1});]==])

fault("a rewind does not lower W" src/oversized/write/rewind.c "${order}"
    [==[segj_fixed_write_marks(index, file, at);]==]
    [==[segj_fixed_write_marks(index, file, index->mark);]==])

fault("a cut lowers one slot only" src/journal/fixed.c "${order}"
    [==[    if (status == SEGJ_OK && !is_marked_once(fixed))]==]
    [==[    if (status == SEGJ_OK && fixed->version == 0)]==])

fault("W is raised in the slot that counts" src/journal/fixed.c "${states} unit/fixed"
    [==[    segj_status_t status = segj_fixed_write_slot(fixed, file, 1u - fixed->newest_slot, at, number);
    if (status != SEGJ_OK)]==]
    [==[    segj_status_t status = segj_fixed_write_slot(fixed, file, fixed->newest_slot, at, number);
    if (status != SEGJ_OK)]==])

fault("W is never raised" src/oversized/section/durable.c "promises/watermark"
    [==[    if (section->index.mark.records != section->index.durable)]==]
    [==[    if (section->index.mark.records > section->index.durable)]==])

fault("open does not raise W" src/oversized/open/repair.c "promises/watermark recovery/recovery lessons/durability"
    [==[    if (plan->records > fixed->mark.records)]==]
    [==[    if (plan->records < fixed->mark.records)]==])

fault("a rewind does not clear its mark" src/oversized/write/rewind.c "promises/watermark promises/rewind unit/rewind_cache"
    [==[        status = rewind_clear_mark(shared, index);]==]
    [==[        status = SEGJ_OK;]==])

fault("open does not clear the mark of a cut" src/oversized/open/repair.c
    "promises/watermark lessons/rewind recovery/recovery_edges"
    [==[    else if (equal)]==]
    [==[    else if (false)]==])

fault("the slot with the lower number counts" src/oversized/open/verdict_native.c
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
    [==[    return state->length > 0 ? segj_io_write(]==]
    [==[    return state->length > UINT16_MAX ? segj_io_write(]==])

fault("a rewind finds out that there is no room when it has begun" src/oversized/write/rewind.c "failure/no_room"
    [==[                                              : rewrite_last_page(journal, section, at->records);]==]
    [==[                                              : at->records < UINT64_MAX ? SEGJ_OK : rewrite_last_page(journal, section, at->records);]==])

fault("a page shrinks in one step" src/journal/fixed.c "${order}"
    [==[    if (shorter.length != length) {]==]
    [==[    if (shorter.length != length && length == 0) {]==])

fault("a page's checksum is not looked at" src/paged/page_format.c "unit/page_format ${states}"
    [==[length > page_size || segj_page_checksum(kind, section, page, physical, length) != crc)]==]
    [==[length > page_size)]==])

fault("a page counts with its shorter slot" src/paged/page_format.c "unit/page_format ${states}"
    [==[    unsigned longer = second > first ? 2 : 1;]==]
    [==[    unsigned longer = second > first ? 1 : 2;]==])

fault("a record that begins a page is written where the page before ends" src/paged/paged_blob.h "promises/geometry"
    [==[    if (paged->partial == 0 || size >=]==]
    [==[    if (size >=]==])

fault("a record that is written in its place is not counted in its page" src/paged/paged_blob.h "promises/geometry"
    [==[    paged->length += size;
    paged->partial += size;]==]
    [==[    paged->length += size;]==])

fault("a location goes to the caller before the entry is taken" src/oversized/write/append.c "promises/append"
    [==[    segj_section_put(journal, section, entry, &placed);
    batch->placed++;]==]
    [==[    if (location != NULL)
        *location = placed;
    segj_section_put(journal, section, entry, &placed);
    batch->placed++;]==])
