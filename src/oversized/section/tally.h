/*
 * oversized/section/tally.h: what a journal has done since it was opened. Appends are not counted: how many there were
 * follows from what the sections hold, what they held at open, and what has gone from them since.
 */
#ifndef SEGJ_OVERSIZED_SECTION_TALLY_H
#define SEGJ_OVERSIZED_SECTION_TALLY_H

#include <stdatomic.h>
#include <stdint.h>

/* Times are counted in classes: four for each power of two of nanoseconds, so that a class says a time to a quarter. */
#define SEGJ_TIME_CLASSES 252

typedef struct segj_tally {
    /* Bytes that the values of compressed sections had more than their payloads (less, where it wraps around): set
     * under change, read without a lock. */
    atomic_uint_fast64_t saved;
    /* Under state: records, and bytes of frames, that have gone from sections, less those that were there at open. */
    uint64_t gone_records, gone_bytes;
    uint64_t syncs, sync_calls, flushes, longest;
    uint32_t times[SEGJ_TIME_CLASSES]; /* of syncs, by their class */
} segj_tally_t;

/** A compressed value has been appended. Under change. */
SEGJ_UNDER_CHANGE static inline void segj_tally_saved(segj_tally_t *tally, uint64_t more)
{
    uint_fast64_t before = atomic_load_explicit(&tally->saved, memory_order_relaxed);
    atomic_store_explicit(&tally->saved, before + more, memory_order_relaxed);
}

/** Records have gone from a section. Under state. */
SEGJ_UNDER_STATE static inline void segj_tally_gone(segj_tally_t *tally, uint64_t records, uint64_t bytes)
{
    tally->gone_records += records;
    tally->gone_bytes += bytes;
}

/** Records are there that were not appended since open. Under state. */
SEGJ_UNDER_STATE static inline void segj_tally_come(segj_tally_t *tally, uint64_t records, uint64_t bytes)
{
    tally->gone_records -= records;
    tally->gone_bytes -= bytes;
}

static inline unsigned segj_time_class(uint64_t nanoseconds)
{
    unsigned halvings = 0;
    while (nanoseconds >= 8) {
        nanoseconds >>= 1;
        halvings++;
    }
    return 4 * halvings + (unsigned)nanoseconds;
}

/** The shortest time that is of a later class. */
static inline uint64_t segj_time_class_end(unsigned time_class)
{
    if (time_class < 7)
        return (uint64_t)time_class + 1;
    unsigned halvings = (time_class - 4) / 4;
    return halvings == 61 && time_class % 4 == 3 ? UINT64_MAX : (uint64_t)(time_class - 4 * halvings + 1) << halvings;
}

/** A sync that covered so many calls has ended well. Under state. */
SEGJ_UNDER_STATE static inline void segj_tally_sync(segj_tally_t *tally, uint32_t calls, uint64_t nanoseconds)
{
    tally->syncs++;
    tally->sync_calls += calls;
    tally->times[segj_time_class(nanoseconds)]++;
    if (nanoseconds > tally->longest)
        tally->longest = nanoseconds;
}

#endif
