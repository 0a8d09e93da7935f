# mutation/faults/cache.cmake: deliberate faults (see mutate.cmake): values that are kept unpacked.

fault("a value is kept for whatever lies in its place" src/oversized/read/value_cache.c
    "promises/value_cache threads/value_cache"
    [==[           (at->generation != generation || at->offset]==]
    [==[           (at->offset]==])

fault("a value is kept for places of another size" src/oversized/read/value_cache.c "promises/value_cache"
    [==[at->offset != location.offset || at->location_size != location.size))]==]
    [==[at->offset != location.offset))]==])

fault("what is kept has no bound" src/oversized/read/value_cache.c "promises/value_cache"
    [==[    while (spot.part->used > cache->most) {]==]
    [==[    while (spot.part->values > cache->most) {]==])

fault("what is used is not spared" src/oversized/read/value_cache.c "promises/value_cache"
    [==[        cached->used = true;]==]
    [==[        cached->used = false;]==])

fault("a value that was read is not kept" src/oversized/read/frames.c "promises/value_cache"
    [==[    if (status == SEGJ_OK)
        segj_value_cache_put(]==]
    [==[    if (status != SEGJ_OK)
        segj_value_cache_put(]==])
