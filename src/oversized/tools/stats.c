/*
 * oversized/tools/stats.c: what a journal has done since it was opened (section/tally.h), in numbers for people.
 */
#include <string.h>

#include "base/bytes.h"
#include "journal/record_format.h"
#include "oversized/section/section.h"
#include "segjournal/tools.h"

/* The structure's first version ended after its last field of today. */
#define STATS_SIZE_LEAST sizeof(oversized_stats_t)

/* The time within which `part` of the syncs ended, to a class's end. */
static uint64_t time_of_part(const segj_tally_t *tally, uint64_t part)
{
    uint64_t seen = 0;
    for (unsigned i = 0; i < SEGJ_TIME_CLASSES; i++) {
        seen += tally->times[i];
        if (seen >= part && seen > 0)
            return segj_min_u64(segj_time_class_end(i), tally->longest);
    }
    return 0;
}

/* The class of whole microseconds in which a time of segj_time_class() lies: its end tells, as classes of both kinds
 * end at powers of two. */
static unsigned microseconds_class(unsigned time_class)
{
    unsigned found = 0;
    uint64_t most = 1000;
    while (found + 1 < OVERSIZED_TIMES && segj_time_class_end(time_class) > most) {
        most *= 2;
        found++;
    }
    return found;
}

static void stats_times(const segj_tally_t *tally, oversized_stats_t *stats)
{
    stats->sync_time_50 = time_of_part(tally, tally->syncs - tally->syncs / 2);
    stats->sync_time_99 = time_of_part(tally, tally->syncs - tally->syncs / 100);
    stats->sync_time_most = tally->longest;
    for (unsigned i = 0; i < SEGJ_TIME_CLASSES; i++)
        stats->sync_times[microseconds_class(i)] += tally->times[i];
}

/* The first of them is kept apart from what a sync covers. */
static uint64_t unsynced_bytes(const segj_section_t *section, uint64_t records, uint64_t size)
{
    const segj_io_file_t *file = &section->values.handle.file;
    uint64_t begin = records > 0 ? segj_frame_apart(file->sector, file->data, section->synced_size) : size;
    return segj_section_stored(section, records, size - segj_min_u64(begin, size));
}

static void stats_sections(const oversized_t *journal, oversized_stats_t *stats)
{
    const segj_sections_t *sections = &journal->sections;
    stats->sections = sections->count;
    for (size_t i = 0; i < sections->count; i++) {
        const segj_section_t *section = segj_section_at(journal, i);
        uint64_t records = section->index.records;
        uint64_t size = section->values.size;
        stats->records += records;
        stats->stored_bytes += segj_section_stored(section, records, size);
        stats->active_sections += section->index.tail != NULL;
        uint64_t unsynced = records - segj_min_u64(section->index.durable, records);
        stats->unsynced_records += unsynced;
        stats->unsynced_bytes += unsynced_bytes(section, unsynced, size);
    }
}

segj_status_t oversized_stats(oversized_t *journal, oversized_stats_t *stats)
{
    SEGJ_ENTER(journal, oversized_stats(journal, stats));
    if (stats == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "oversized_stats: stats is NULL");
    if (stats->struct_size < STATS_SIZE_LEAST)
        return segj_fail(SEGJ_ERR_INVALID, "oversized_stats: stats.struct_size is %zu bytes, expected %zu bytes",
                         stats->struct_size, STATS_SIZE_LEAST);
    segj_shared_t *shared = &journal->shared;
    const segj_tally_t *tally = &journal->tally;
    oversized_stats_t found = {.struct_size = stats->struct_size};
    found.pages_read = atomic_load_explicit(&shared->pages_read, memory_order_relaxed);
    found.write_memory = atomic_load_explicit(&shared->budget.used, memory_order_relaxed);
    segj_lock(&shared->state);
    found.syncs = tally->syncs;
    found.sync_calls = tally->sync_calls;
    found.flushes = tally->flushes;
    stats_times(tally, &found);
    found.records = tally->gone_records;
    found.stored_bytes = tally->gone_bytes;
    stats_sections(journal, &found);
    found.stored_bytes -= atomic_load_explicit(&shared->gaps, memory_order_relaxed);
    found.value_bytes = found.stored_bytes - SEGJ_FRAME_TRAILER * found.records +
                        atomic_load_explicit(&tally->saved, memory_order_relaxed);
    found.open_files = shared->files.open;
    found.open_files_most = shared->files.most;
    segj_unlock(&shared->state);
    memcpy(stats, &found, sizeof found);
    return SEGJ_OK;
}
