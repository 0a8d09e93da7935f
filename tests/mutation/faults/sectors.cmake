# mutation/faults/sectors.cmake: deliberate faults (see mutate.cmake): values that are kept apart.

set(sectors "promises/sectors")
set(sector_states "crash/exhaustive_sectors crash/histories")

fault("sectors: a value after a sync is not kept apart" src/journal/glob_place.c "${sectors} crash/exhaustive_sectors"
    [==[    if (offset == glob->apart) {]==]
    [==[    if (offset == glob->apart && offset > SEGJ_FILE_SIZE_MAX) {]==])

fault("sectors: a sync does not say where values end that it covers" src/oversized/section/durable.c
    "${sectors} crash/exhaustive_sectors"
    [==[    segj_glob_set_apart(&section->values);]==]
    [==[    (void)segj_glob_set_apart;]==])

fault("sectors: a section that is woken follows what is synced" src/journal/glob.c "${sectors}"
    [==[    glob->tries = (segj_map_tries_t){0};
    segj_glob_set_apart(glob);]==]
    [==[    glob->tries = (segj_map_tries_t){0};]==])

fault("sectors: what is appended after a rewind follows what is synced" src/journal/glob.c "${sectors}"
    [==[    glob->ahead = glob->padded = 0;
    segj_glob_set_apart(glob);]==]
    [==[    glob->ahead = glob->padded = 0;]==])

fault("sectors: a streamed value begins where a sync may come" src/journal/glob_place.c "${sectors}"
    [==[    *offset = segj_frame_apart(file->sector, file->data, glob->size);]==]
    [==[    *offset = segj_frame_apart(0, file->data, glob->size);]==])

fault("sectors: a streamed value has no copy of the checksum before" src/journal/glob_place.c "${sectors}"
    [==[    segj_put_u32(trailer, glob->trailer);
    return]==]
    [==[    segj_put_u32(trailer, 0);
    return]==])

fault("sectors: a value has no copy of the checksum before" src/journal/glob_place.c "${sectors}"
    [==[    segj_put_u32(glob->live->data, glob->placed_trailer);]==]
    [==[    segj_put_u32(glob->live->data, 0);]==])

fault("sectors: a walk looks at one place alone" src/journal/walk.c "${sectors} ${sector_states}"
    [==[    if (status == SEGJ_OK && !*there && apart != walk->at.end)
        status]==]
    [==[    if (status == SEGJ_OK && !*there && apart == 0)
        status]==])

fault("sectors: a repair looks at one place alone" src/oversized/open/pass_log.c "${sectors} ${sector_states}"
    [==[    for (unsigned i = 0; i < 2; i++) {
        segj_head_t head;]==]
    [==[    for (unsigned i = 0; i < 1; i++) {
        segj_head_t head;]==])

fault("sectors: a follower looks at one place alone" src/oversized/tools/follow_log.c "${sectors}"
    [==[            i == 0 || places[1] != places[0] ?]==]
    [==[            i == 0 ?]==])

fault("sectors: a salvage looks at one place alone" src/oversized/tools/salvage_log.c "${sectors}"
    [==[    walk->at = apart;
}]==]
    [==[    (void)apart;
}]==])

fault("sectors: a file ends within a sector" src/journal/glob.c "${sectors}"
    [==[    bool pads = pad > 0 && size]==]
    [==[    bool pads = pad > 0 && pad > size && size]==])

fault("sectors: an open cuts the zeros that end a sector" src/oversized/open/verdict_log.c "${sectors}"
    [==[    plan->mark_pad = status == SEGJ_OK ? left : 0;]==]
    [==[    plan->mark_pad = 0;]==])

fault("sectors: an open takes whatever follows W in its sector for zeros" src/oversized/open/verdict_log.c
    "promises/sectors crash/histories"
    [==[            if (bytes[i] != 0)
                return SEGJ_OK;]==]
    [==[            if (bytes[i] != 0)
                break;]==])

fault("sectors: a follower waits for a frame that its window cannot hold" src/oversized/tools/follow_log.c
    "promises/sectors_damage"
    [==[size + (offset - section->at.end) > follower->values.room)]==]
    [==[size > follower->values.room)]==])

fault("sectors: a salvage trusts the copy of the checksum" src/oversized/tools/salvage_log.c "promises/sectors_damage"
    [==[    bool linked = log_head(walk, apart, before, &head);]==]
    [==[    bool linked = log_head(walk, apart, before, &head) || log_head(walk, apart, log_before(walk, apart), &head);]==])

fault("sectors: a verification takes a gap for damage" src/oversized/tools/verify_part.c "${sectors}"
    [==[    if (!right && exact) /* it may be kept apart */]==]
    [==[    if (!right && !exact)]==])

fault("sectors: a section takes what the configuration has" src/oversized/open/verdict_native.c "${sectors}"
    [==[        segj_section_set_sector(plan->section, identity->sector);]==]
    [==[        segj_section_set_sector(plan->section, shared->sector_size);]==])

fault("sectors: an older reader is not warned" src/journal/header_format.c "unit/header_format"
    [==[(identity->sector > 0 ? FLAG_SECTORS : 0);]==]
    [==[(identity->sector > 0 ? 0 : 0);]==])

fault("sectors: stats count what lies between" src/oversized/tools/stats.c "${sectors}"
    [==[    found.stored_bytes -= atomic_load_explicit(&shared->gaps, memory_order_relaxed);]==]
    [==[    found.stored_bytes -= 0;]==])

# --- what an open writes again ---

set(again "recovery/log_apart")

fault("sectors: an open writes again what the device has" src/oversized/open/again.c "${again} crash/exhaustive_sectors"
    [==[        if (!there)
            status]==]
    [==[        if (!there || run > 0)
            status]==])

fault("sectors: an open does not write again what the device lacks" src/oversized/open/again.c
    "${again} crash/exhaustive_sectors crash/histories"
    [==[        if (!there)
            status]==]
    [==[        if (!there && run == 0)
            status]==])

fault("sectors: what is written again is looked at as a whole" src/oversized/open/again.c "${again} crash/exhaustive_sectors"
    [==[        size_t part = (size_t)segj_min_u64(size - run, PART - at % PART);]==]
    [==[        size_t part = at % PART > PART ? 0 : size - run;]==])

fault("sectors: bytes beyond what the device has are there" src/oversized/open/again.c "${again} crash/histories"
    [==[    return offset + size <= found->end && memcmp(]==]
    [==[    return offset + size > found->end || memcmp(]==])

fault("sectors: a storage that does not tell has everything" src/oversized/open/again.c "${again}"
    [==[    if (values->sector == 0 || !look_at_device(scan, values, offset, size, &found))
        return write_part(values, offset, bytes, size, behind);]==]
    [==[    if (values->sector == 0)
        return write_part(values, offset, bytes, size, behind);
    if (!look_at_device(scan, values, offset, size, &found))
        return SEGJ_OK;]==])

fault("sectors: a repair cuts at the last frame" src/oversized/open/repair_log.c "${again}"
    [==[    return status == SEGJ_OK ? segj_glob_cut(values, plan->end, filled) : status;]==]
    [==[    return status == SEGJ_OK ? segj_glob_cut(values, plan->end, filled && pad == 0) : status;]==])

fault("sectors: a repair leaves what follows the last frame in its sector" src/oversized/open/again.c
    "${again} crash/exhaustive_sectors"
    [==[got == size && are_zeros(scan->window, size) &&]==]
    [==[got == size &&]==])

fault("sectors: a repair takes zeros for there that the device lacks" src/oversized/open/again.c
    "${again} crash/exhaustive_sectors crash/histories"
    [==[            look_at_device(scan, values, offset, size, &found) && device_has(&found, offset, scan->window, size);]==]
    [==[            (look_at_device(scan, values, offset, size, &found) || got == size);]==])

# --- what takes records back ---

fault("sectors: a refused value is cut at the last frame" src/journal/glob.c "${again}"
    [==[    uint64_t pad = segj_glob_filled(glob, glob->size) ? pad_of(&glob->handle.file, glob->size) : 0;]==]
    [==[    uint64_t pad = segj_glob_filled(glob, UINT64_MAX - 1) ? pad_of(&glob->handle.file, glob->size) : 0;]==])

fault("sectors: a rewind to what is synced cuts at the last frame" src/oversized/write/rewind.c "${again}"
    [==[    bool filled = is_sector_filled(section, at.end);]==]
    [==[    bool filled = is_sector_filled(section, at.end + 1);]==])

fault("sectors: a sync that has failed has covered something" src/oversized/write/rewind.c "${again}"
    [==[section->synced_size == end);]==]
    [==[section->synced_size == end + 1);]==])

fault("sectors: the device is asked once" src/storage/io.c "${again}"
    [==[        if (code == EIO && again) {]==]
    [==[        if (code == EIO && !again) {]==])

fault("sectors: a rewind leaves what follows in the sector" src/oversized/write/rewind.c
    "${sectors} crash/exhaustive_sectors crash/histories"
    [==[    bool filled = is_sector_filled(section, at.end);]==]
    [==[    bool filled = section->values.handle.file.sector > 0;]==])

fault("sectors: a refused value leaves its beginning in the sector" src/journal/glob.c
    "${sectors} ${again} crash/histories failure/storage_faults"
    [==[    uint64_t pad = segj_glob_filled(glob, glob->size) ? pad_of(&glob->handle.file, glob->size) : 0;]==]
    [==[    uint64_t pad = pad_of(&glob->handle.file, glob->size);]==])
