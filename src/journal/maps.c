/*
 * journal/maps.c: see the header.
 *
 * Windows. A file is mapped in windows that begin at multiples of WINDOW_MOST, each as long as a power of two that
 * leaves the file room to grow twofold (where the system lets one map what is not there yet; otherwise as long as the
 * file is): while a section grows it is mapped anew a few times, not with every flush. A frame across the end of a
 * window has a mapping of its own. Address space is all that this takes.
 */
#include "journal/maps.h"

#include <assert.h>
#include <stdlib.h>

#if SIZE_MAX > UINT32_MAX
#define WINDOW_LEAST ((uint64_t)64 << 20)
#define WINDOW_MOST ((uint64_t)16 << 30)
#define BYTES_MOST ((uint64_t)16 << 40)
#else
#define WINDOW_LEAST ((uint64_t)4 << 20)
#define WINDOW_MOST ((uint64_t)32 << 20)
#define BYTES_MOST ((uint64_t)256 << 20)
#endif
/* Systems bound the mappings of a process: 65,530 are usual. */
#define MAPS_MOST 1024
/* Views of a file between a mapping that was refused and the next try: twice as many each time. */
#define TRIES_APART 16
#define TRIES_APART_MOST 1024
/* Where mappings may begin: every system's page is a part of this. */
#define MAPS_ALIGNMENT ((uint64_t)64 << 10)

segj_map_t *segj_maps_take(segj_map_t *list, uint64_t begin, uint64_t end)
{
    for (segj_map_t *at = list; at != NULL; at = at->next) {
        if (begin < at->begin || end > at->end)
            continue;
        if (!atomic_load_explicit(&at->recent, memory_order_relaxed))
            atomic_store_explicit(&at->recent, true, memory_order_relaxed);
        atomic_fetch_add(&at->views, 1);
        return at;
    }
    return NULL;
}

bool segj_maps_viewed(const segj_map_t *list)
{
    while (list != NULL && atomic_load(&list->views) == 0)
        list = list->next;
    return list != NULL;
}

/* --- the ring --- */

static void ring_add(segj_maps_t *maps, segj_map_t *map)
{
    map->older = maps->newest;
    map->newer = NULL;
    if (maps->newest != NULL)
        maps->newest->newer = map;
    else
        maps->oldest = map;
    maps->newest = map;
}

static void ring_remove(segj_maps_t *maps, segj_map_t *map)
{
    assert((map->older == NULL) == (map == maps->oldest));
    if (map->older != NULL)
        map->older->newer = map->newer;
    else
        maps->oldest = map->newer;
    if (map->newer != NULL)
        map->newer->older = map->older;
    else
        maps->newest = map->older;
}

/* Takes a mapping out of its file's list, of which no view is out; it is the caller's to unmap. The viewers are kept
 * out. */
static void take_out(segj_maps_t *maps, segj_map_t **list, segj_map_t *map)
{
    if (*list == map) {
        *list = map->next;
    } else {
        segj_map_t *before = *list;
        while (before->next != map)
            before = before->next;
        before->next = map->next;
    }
    ring_remove(maps, map);
    maps->count--;
    maps->bytes -= map->size;
}

SEGJ_UNDER_STATE static void unmap(const segj_maps_t *maps, segj_map_t *map)
{
    segj_unlock(maps->state);
    maps->storage->file_unmap(maps->storage->context, map->address, map->size);
    free(map);
    segj_lock(maps->state);
}

/* One that no view uses: the one used longest ago, roughly. */
static segj_map_t *maps_find_idle(segj_maps_t *maps)
{
    for (size_t step = 2 * maps->count; step > 0; step--) {
        segj_map_t *map = maps->oldest;
        if (atomic_load(&map->views) == 0 && !atomic_load_explicit(&map->recent, memory_order_relaxed))
            return map;
        atomic_store_explicit(&map->recent, false, memory_order_relaxed);
        ring_remove(maps, map);
        ring_add(maps, map);
    }
    return NULL;
}

SEGJ_UNDER_STATE static bool maps_make_room(segj_maps_t *maps, uint64_t size)
{
    while (maps->count >= MAPS_MOST || maps->bytes + size > BYTES_MOST) {
        segj_maps_block_readers(maps);
        segj_map_t *idle = maps->count > 0 ? maps_find_idle(maps) : NULL;
        if (idle != NULL)
            take_out(maps, idle->list, idle);
        segj_maps_allow_readers(maps);
        if (idle == NULL)
            return false;
        unmap(maps, idle);
    }
    return true;
}

/* --- making --- */

/* The range to map for the bytes begin to end of a file that has `size`. */
static void choose_window(uint64_t begin, uint64_t end, uint64_t size, uint64_t *from, uint64_t *length)
{
    uint64_t window = begin / WINDOW_MOST * WINDOW_MOST;
    if (end > window + WINDOW_MOST) {
        *from = begin / MAPS_ALIGNMENT * MAPS_ALIGNMENT;
        *length = (end - *from + MAPS_ALIGNMENT - 1) / MAPS_ALIGNMENT * MAPS_ALIGNMENT;
        return;
    }
    uint64_t wanted = WINDOW_LEAST;
    while (wanted < WINDOW_MOST && (wanted < end - window || (wanted / 2 < size - window)))
        wanted *= 2;
    *from = window;
    *length = wanted;
}

/* A window that has grown takes the place of what it was before. */
SEGJ_UNDER_STATE static void drop_others(segj_maps_t *maps, segj_map_t **list, const segj_map_t *map)
{
    uint64_t begin = map->begin;
    uint64_t end = map->end;
    for (segj_map_t *at = *list, *next; at != NULL; at = next) {
        next = at->next;
        if (at == map || at->begin != begin || at->end > end)
            continue;
        segj_maps_block_readers(maps);
        bool idle = atomic_load(&at->views) == 0;
        if (idle)
            take_out(maps, list, at);
        segj_maps_allow_readers(maps);
        if (!idle)
            continue;
        unmap(maps, at);
        next = *list; /* the lock was given up: the list may have changed */
    }
}

static segj_map_t *map_file(const segj_io_file_t *file, uint64_t from, uint64_t length, bool *refused)
{
    segj_map_t *map = length <= SIZE_MAX ? malloc(sizeof *map) : NULL;
    *refused = false;
    if (map == NULL)
        return NULL;
    const void *address = NULL;
    size_t mapped = 0;
    if (!segj_io_map(file, from, (size_t)length, &address, &mapped)) {
        *refused = true;
        free(map);
        return NULL;
    }
    *map = (segj_map_t){.begin = from,
                        .end = from + mapped,
                        .address = address,
                        .size = mapped,
                        .growing = file->writable,
                        .recent = true};
    return map;
}

bool segj_maps_make(segj_maps_t *maps, segj_map_t **list, const segj_io_file_t *file, uint64_t begin, uint64_t end,
                    uint64_t size, const bool *views_blocked)
{
    segj_assert_held(maps->state);
    uint64_t from;
    uint64_t length;
    choose_window(begin, end, size > end ? size : end, &from, &length);
    if (!maps->on || !maps_make_room(maps, length))
        return false;
    segj_unlock(maps->state);
    bool refused;
    segj_map_t *map = map_file(file, from, length, &refused);
    segj_lock(maps->state);
    if (map == NULL)
        return !refused;
    if (*views_blocked) {
        unmap(maps, map);
        return true;
    }
    map->list = list;
    map->next = *list;
    segj_maps_block_readers(maps);
    *list = map;
    segj_maps_allow_readers(maps);
    ring_add(maps, map);
    maps->count++;
    maps->bytes += map->size;
    bool serves = map->end >= end;
    drop_others(maps, list, map);
    return serves;
}

void segj_maps_drop_stale(segj_maps_t *maps, segj_map_t **list, uint64_t end)
{
    segj_assert_held(maps->state);
    for (segj_map_t *map = *list, *next; map != NULL; map = next) {
        next = map->next;
        if (map->growing)
            continue;
        segj_maps_block_readers(maps);
        bool idle = atomic_load(&map->views) == 0;
        if (idle)
            take_out(maps, list, map);
        else if (map->end > end)
            map->end = end;
        segj_maps_allow_readers(maps);
        if (!idle)
            continue;
        unmap(maps, map);
        next = *list; /* the lock was given up: the list may have changed */
    }
}

/* --- trying --- */

bool segj_map_worth(segj_map_tries_t *tries, uint32_t opening)
{
    if (tries->opening != opening)
        *tries = (segj_map_tries_t){.opening = opening};
    if (tries->left == 0)
        return true;
    tries->left--;
    return false;
}

void segj_map_tried(segj_map_tries_t *tries, uint32_t opening, bool mapped)
{
    uint16_t step = mapped ? 0 : TRIES_APART;
    if (!mapped && tries->step > 0)
        step = tries->step < TRIES_APART_MOST ? (uint16_t)(2 * tries->step) : TRIES_APART_MOST;
    *tries = (segj_map_tries_t){.opening = opening, .left = step, .step = step};
}

void segj_maps_drop(segj_maps_t *maps, segj_map_t **list)
{
    segj_assert_held(maps->state);
    while (*list != NULL) {
        segj_map_t *map = *list;
        segj_maps_block_readers(maps);
        take_out(maps, list, map);
        segj_maps_allow_readers(maps);
        unmap(maps, map);
    }
}
