/*
 * bench/engine_segjournal.c: the library itself, by its public interface.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <zstd.h>

#include "data.h"
#include "engine.h"
#include "segjournal/oversized.h"

#define ENTRY 8
#define SECTION 1
#define BATCH ((size_t)256)
/* Variants, which may be put together. */
enum {
    SEGJOURNAL_VIEW = 1,
    SEGJOURNAL_AHEAD = 2,
    SEGJOURNAL_PARALLEL = 4,
    SEGJOURNAL_CACHE = 8,
    SEGJOURNAL_FIRST = 16,
    SEGJOURNAL_CREW = 32,
    SEGJOURNAL_DICTIONARY = 64,
    SEGJOURNAL_SECTORS = 128
};

#define DICTIONARY ((size_t)4096)
#define TRAINED_FROM 4000 /* events that are not among those that are appended */

#define AHEAD ((size_t)1 << 20)
#define SECTOR 4096
#define CACHE ((size_t)1 << 31) /* as its peers have */

#define REPLAY_BUFFER ((size_t)256 << 10) /* a core keeps it to itself */

typedef struct store {
    oversized_t *journal;
    char report[256];
} store_t;

typedef struct reader {
    oversized_t *journal;
    segj_buffer_t value;
    oversized_view_t view;
} reader_t;

static bool good(segj_status_t status)
{
    return status == SEGJ_OK || bench_fail("%s: %s", segj_status_name(status), segj_last_error());
}

static void configure(oversized_config_t *config, const char *directory)
{
    oversized_config_init(config);
    config->directory = directory;
    config->entry_size = ENTRY;
    config->page_cache_pages = 16384; /* 64 MiB: the index of any workload with values */
}

static bool train(segj_buffer_t *dictionary)
{
    const uint8_t *pool = bench_pool(BENCH_POOL_EVENTS);
    segj_slice_t *values = calloc(TRAINED_FROM, sizeof *values);
    if (pool == NULL || values == NULL)
        return free(values), bench_fail("no memory");
    for (size_t i = 0; i < TRAINED_FROM; i++)
        values[i] = (segj_slice_t){bench_event(pool, BENCH_EVENTS - 1 - i), BENCH_EVENT_SIZE};
    segj_status_t status = oversized_train_dictionary(values, TRAINED_FROM, DICTIONARY, dictionary);
    free(values);
    return good(status);
}

static bool segjournal_open(const bench_engine_t *self, const bench_setup_t *setup, void **opened)
{
    oversized_config_t config;
    configure(&config, setup->directory);
    config.map_values = (self->variant & SEGJOURNAL_VIEW) != 0;
    if ((self->variant & SEGJOURNAL_AHEAD) != 0)
        config.preallocate = AHEAD;
    config.native_version = (self->variant & SEGJOURNAL_FIRST) != 0 ? 1 : 2;
    config.sector_size = (self->variant & SEGJOURNAL_SECTORS) != 0 ? SECTOR : 0;
    config.value_cache = (self->variant & SEGJOURNAL_CACHE) != 0 ? CACHE : 0;
    config.parallel_flush = (self->variant & SEGJOURNAL_PARALLEL) != 0;
    config.compression_threads = (self->variant & SEGJOURNAL_CREW) != 0 ? 2 : 0;
    config.must_exist = !setup->create;
    config.compression = setup->compress ? ZSTD_CLEVEL_DEFAULT : 0;
    segj_buffer_t dictionary = SEGJ_ZERO;
    if (setup->create && setup->compress && (self->variant & SEGJOURNAL_DICTIONARY) != 0 && !train(&dictionary))
        return false;
    config.dictionary = dictionary.data;
    config.dictionary_size = dictionary.size;
    store_t *store = calloc(1, sizeof *store);
    bool opens = store != NULL && good(oversized_open(&config, &store->journal));
    segj_buffer_free(&dictionary);
    if (!opens)
        return free(store), store != NULL ? false : bench_fail("no memory");
    *opened = store;
    return true;
}

static void put_entry(uint8_t entry[ENTRY], uint64_t position)
{
    for (unsigned i = 0; i < ENTRY; i++)
        entry[i] = (uint8_t)(position >> (56 - 8 * i));
}

static uint64_t get_entry(const uint8_t *entry)
{
    uint64_t position = 0;
    for (unsigned i = 0; i < ENTRY; i++)
        position = position << 8 | entry[i];
    return position;
}

static bool segjournal_append(void *opened, const bench_record_t *records, size_t count)
{
    oversized_t *journal = ((store_t *)opened)->journal;
    segj_status_t status = SEGJ_OK;
    for (size_t i = 0; i < count && status == SEGJ_OK; i++) {
        uint8_t entry[ENTRY];
        put_entry(entry, records[i].position);
        status = oversized_append(journal, SECTION, entry, records[i].value, records[i].size, NULL, NULL);
    }
    return good(status);
}

/* As many records at a time as the benchmark hands over. */
static bool segjournal_append_batch(void *opened, const bench_record_t *records, size_t count)
{
    oversized_t *journal = ((store_t *)opened)->journal;
    uint8_t entries[BATCH][ENTRY];
    oversized_record_t batch[BATCH];
    segj_status_t status = SEGJ_OK;
    for (size_t done = 0, part; done < count && status == SEGJ_OK; done += part) {
        part = count - done < BATCH ? count - done : BATCH;
        for (size_t i = 0; i < part; i++) {
            put_entry(entries[i], records[done + i].position);
            batch[i] = (oversized_record_t){entries[i], records[done + i].value, records[done + i].size};
        }
        status = oversized_append_batch(journal, SECTION, batch, part, NULL, NULL);
    }
    return good(status);
}

static bool segjournal_append_beside(void *opened, const bench_record_t *record)
{
    return segjournal_append(opened, record, 1);
}

static bool segjournal_append_durable(void *opened, const bench_record_t *record)
{
    return segjournal_append(opened, record, 1) && good(oversized_sync(((store_t *)opened)->journal, SECTION));
}

static bool segjournal_append_apart(void *opened, unsigned part, const bench_record_t *record)
{
    oversized_t *journal = ((store_t *)opened)->journal;
    uint64_t section = SECTION + 1 + (uint64_t)part;
    uint8_t entry[ENTRY];
    put_entry(entry, record->position);
    return good(oversized_append(journal, section, entry, record->value, record->size, NULL, NULL)) &&
           good(oversized_sync(journal, section));
}

static bool segjournal_sync(void *opened)
{
    return good(oversized_sync(((store_t *)opened)->journal, SECTION));
}

static bool segjournal_close(void *opened)
{
    store_t *store = opened;
    segj_status_t status = oversized_close(store->journal);
    free(store);
    return good(status);
}

static bool segjournal_abandon(void *opened)
{
    store_t *store = opened;
    oversized_abandon(store->journal);
    free(store);
    return true;
}

static const char *segjournal_report(void *opened)
{
    store_t *store = opened;
    const oversized_recovery_t *found = oversized_recovery(store->journal);
    (void)snprintf(store->report, sizeof store->report,
                   "%" PRIu64 " records, %" PRIu64 " values verified, %" PRIu64 " + %" PRIu64 " bytes cut",
                   found->records, found->values_verified, found->index_bytes_truncated, found->value_bytes_truncated);
    return store->report;
}

/* --- reading --- */

static bool segjournal_reader_open(void *opened, bool many, void **made)
{
    (void)many;
    reader_t *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return bench_fail("no memory");
    reader->journal = ((store_t *)opened)->journal;
    *made = reader;
    return true;
}

static void segjournal_reader_close(void *closed)
{
    reader_t *reader = closed;
    segj_buffer_free(&reader->value);
    oversized_view_release(&reader->view);
    free(closed);
}

static bool segjournal_read(void *opened, uint64_t position, const void **value, size_t *size)
{
    reader_t *reader = opened;
    if (!good(oversized_read(reader->journal, SECTION, position, NULL, &reader->value)))
        return false;
    *value = reader->value.data;
    *size = reader->value.size;
    return true;
}

static bool segjournal_read_view(void *opened, uint64_t position, const void **value, size_t *size)
{
    reader_t *reader = opened;
    if (!good(oversized_view(reader->journal, SECTION, position, NULL, &reader->view)))
        return false;
    *value = reader->view.data;
    *size = reader->view.size;
    return true;
}

/* How a walk comes by its values; NULL: it does without. */
typedef segj_status_t (*fetch_t)(reader_t *reader, oversized_replay_t *replay, oversized_location_t location,
                                 const void **value, size_t *size);

static segj_status_t fetch_ahead(reader_t *reader, oversized_replay_t *replay, oversized_location_t location,
                                 const void **value, size_t *size)
{
    (void)reader;
    (void)location;
    return oversized_replay_value(replay, value, size);
}

static segj_status_t fetch_view(reader_t *reader, oversized_replay_t *replay, oversized_location_t location,
                                const void **value, size_t *size)
{
    (void)replay;
    segj_status_t status = oversized_view_value(reader->journal, SECTION, location, &reader->view);
    *value = reader->view.data;
    *size = reader->view.size;
    return status;
}

static bool segjournal_walk(reader_t *reader, fetch_t fetch, bench_visit_t visit, void *context)
{
    oversized_replay_t *replay;
    oversized_item_t item;
    segj_status_t status = oversized_replay_open(reader->journal, SECTION, 0, REPLAY_BUFFER, &replay);
    if (status != SEGJ_OK)
        return good(status);
    bool going = true;
    while (going && (status = oversized_replay_next(replay, &item)) == SEGJ_OK) {
        const void *value = NULL;
        size_t size = item.location.size - 4;
        if (fetch != NULL && (status = fetch(reader, replay, item.location, &value, &size)) != SEGJ_OK)
            break;
        going = visit(context, get_entry(item.entry), value, size);
    }
    oversized_replay_close(replay);
    return going && (status == SEGJ_END || good(status));
}

static bool segjournal_scan(void *opened, bench_visit_t visit, void *context)
{
    return segjournal_walk(opened, fetch_ahead, visit, context);
}

static bool segjournal_scan_view(void *opened, bench_visit_t visit, void *context)
{
    return segjournal_walk(opened, fetch_view, visit, context);
}

/* A walk keeps no values unpacked: one by one. */
static bool segjournal_scan_read(void *opened, bench_visit_t visit, void *context)
{
    reader_t *reader = opened;
    uint64_t count;
    bool going = good(oversized_count(reader->journal, SECTION, &count));
    for (uint64_t i = 0; i < count && going; i++) {
        const void *value;
        size_t size;
        going = segjournal_read(reader, i, &value, &size) && visit(context, i, value, size);
    }
    return going;
}

static bool segjournal_replay(void *opened, bench_visit_t visit, void *context)
{
    return segjournal_walk(opened, NULL, visit, context);
}

/* --- many sections --- */

static bool build_sections(const char *directory, uint64_t sections, uint8_t version)
{
    oversized_config_t config;
    oversized_t *journal;
    configure(&config, directory);
    config.native_version = version;
    segj_status_t status = oversized_open(&config, &journal);
    if (status != SEGJ_OK)
        return good(status);
    uint8_t entry[ENTRY], value[100] = {0};
    for (uint64_t i = 0; i < sections && status == SEGJ_OK; i++) {
        put_entry(entry, i);
        status = oversized_append(journal, i, entry, value, sizeof value, NULL, NULL);
    }
    segj_status_t closed = oversized_close(journal);
    return good(status == SEGJ_OK ? closed : status);
}

static bool segjournal_build_sections(const char *directory, uint64_t sections)
{
    return build_sections(directory, sections, 2);
}

static bool segjournal_build_sections_first(const char *directory, uint64_t sections)
{
    return build_sections(directory, sections, 1);
}

static bool segjournal_open_sections(const char *directory, uint64_t sections, double *seconds)
{
    oversized_config_t config;
    oversized_t *journal;
    configure(&config, directory);
    config.must_exist = true;
    double start = bench_now();
    segj_status_t status = oversized_open(&config, &journal);
    *seconds = bench_now() - start;
    if (status != SEGJ_OK)
        return good(status);
    const oversized_recovery_t *found = oversized_recovery(journal);
    bool expected = found->sections == sections && found->sections_repaired == 0;
    status = oversized_close(journal);
    return good(status) && (expected || bench_fail("not as many clean sections as were built"));
}

#define SEGJOURNAL_CALLS                                                                                               \
    .open = segjournal_open, .sync = segjournal_sync, .close = segjournal_close,                                       \
    .reader_open = segjournal_reader_open, .reader_close = segjournal_reader_close, .replay = segjournal_replay,       \
    .sync_beside = segjournal_sync, .append_durable = segjournal_append_durable,                                       \
    .append_apart = segjournal_append_apart, .append_beside = segjournal_append_beside, .abandon = segjournal_abandon, \
    .report = segjournal_report

const bench_engine_t bench_segjournal = {
    .label = "segjournal",
    .options = SEGJ_BENCH_CHECKSUM " checksums; version 2, defaults but for page_cache_pages = 16384; one section; "
                                   "oversized_append, oversized_sync, oversized_read, "
                                   "oversized_replay_next with oversized_replay_value",
    .can = BENCH_COMPRESS | BENCH_BESIDE | BENCH_REPLAY,
    .writes = true,
    .reads = true,
    .build_sections = segjournal_build_sections,
    .open_sections = segjournal_open_sections,
    .append = segjournal_append,
    .read = segjournal_read,
    .scan = segjournal_scan,
    SEGJOURNAL_CALLS};
const bench_engine_t bench_segjournal_batch = {.label = "segjournal+batch",
                                               .options = "and oversized_append_batch, of up to 256 records",
                                               .can = BENCH_COMPRESS,
                                               .writes = true,
                                               .append = segjournal_append_batch,
                                               .read = segjournal_read,
                                               .scan = segjournal_scan,
                                               SEGJOURNAL_CALLS};
const bench_engine_t bench_segjournal_view = {.label = "segjournal+view",
                                              .options = "map_values, oversized_view, oversized_view_value",
                                              .variant = SEGJOURNAL_VIEW,
                                              .reads = true,
                                              .append = segjournal_append,
                                              .read = segjournal_read_view,
                                              .scan = segjournal_scan_view,
                                              SEGJOURNAL_CALLS};
const bench_engine_t bench_segjournal_first = {.label = "segjournal+v1",
                                               .options = "native_version = 1",
                                               .can = BENCH_COMPRESS | BENCH_BESIDE | BENCH_REPLAY | BENCH_APART,
                                               .variant = SEGJOURNAL_FIRST,
                                               .writes = true,
                                               .reads = true,
                                               .build_sections = segjournal_build_sections_first,
                                               .open_sections = segjournal_open_sections,
                                               .append = segjournal_append,
                                               .read = segjournal_read,
                                               .scan = segjournal_scan,
                                               SEGJOURNAL_CALLS};
const bench_engine_t bench_segjournal_dictionary = {.label = "segjournal+dictionary",
                                                    .options = "a dictionary of 4 KiB trained from 4,000 "
                                                               "other events",
                                                    .can = BENCH_COMPRESS | BENCH_EVENTS_ALONE,
                                                    .variant = SEGJOURNAL_DICTIONARY,
                                                    .writes = true,
                                                    .reads = true,
                                                    .append = segjournal_append,
                                                    .read = segjournal_read,
                                                    .scan = segjournal_scan,
                                                    SEGJOURNAL_CALLS};
const bench_engine_t bench_segjournal_sectors = {.label = "segjournal+sectors",
                                                 .options = "sector_size = 4096",
                                                 .can = BENCH_SYNCS,
                                                 .variant = SEGJOURNAL_SECTORS,
                                                 .writes = true,
                                                 .append = segjournal_append,
                                                 .read = segjournal_read,
                                                 .scan = segjournal_scan,
                                                 SEGJOURNAL_CALLS};
const bench_engine_t bench_segjournal_ahead = {.label = "segjournal+ahead",
                                               .options = "native_version = 1, preallocate = 1 MiB",
                                               .can = BENCH_SYNCS,
                                               .variant = SEGJOURNAL_FIRST | SEGJOURNAL_AHEAD,
                                               .writes = true,
                                               .append = segjournal_append,
                                               .read = segjournal_read,
                                               .scan = segjournal_scan,
                                               SEGJOURNAL_CALLS};
const bench_engine_t bench_segjournal_parallel = {.label = "segjournal+parallel",
                                                  .options = "native_version = 1, parallel_flush",
                                                  .can = BENCH_SYNCS,
                                                  .variant = SEGJOURNAL_FIRST | SEGJOURNAL_PARALLEL,
                                                  .writes = true,
                                                  .append = segjournal_append,
                                                  .read = segjournal_read,
                                                  .scan = segjournal_scan,
                                                  SEGJOURNAL_CALLS};
const bench_engine_t bench_segjournal_parallel_ahead = {.label = "segjournal+parallel+ahead",
                                                        .options = "native_version = 1, parallel_flush, "
                                                                   "preallocate = 1 MiB",
                                                        .can = BENCH_SYNCS,
                                                        .variant =
                                                            SEGJOURNAL_FIRST | SEGJOURNAL_PARALLEL | SEGJOURNAL_AHEAD,
                                                        .writes = true,
                                                        .append = segjournal_append,
                                                        .read = segjournal_read,
                                                        .scan = segjournal_scan,
                                                        SEGJOURNAL_CALLS};
const bench_engine_t bench_segjournal_cache = {.label = "segjournal+cache",
                                               .options = "value_cache = 2 GiB, and what is warmed is read one by one",
                                               .can = BENCH_COMPRESS | BENCH_PACKS,
                                               .variant = SEGJOURNAL_CACHE,
                                               .writes = true,
                                               .reads = true,
                                               .append = segjournal_append,
                                               .read = segjournal_read,
                                               .scan = segjournal_scan_read,
                                               SEGJOURNAL_CALLS};
const bench_engine_t bench_segjournal_threads = {.label = "segjournal+threads",
                                                 .options =
                                                     "compression_threads = 2, and oversized_append_batch, of up to "
                                                     "256 records",
                                                 .can = BENCH_COMPRESS | BENCH_PACKS,
                                                 .variant = SEGJOURNAL_CREW,
                                                 .writes = true,
                                                 .append = segjournal_append_batch,
                                                 .read = segjournal_read,
                                                 .scan = segjournal_scan,
                                                 SEGJOURNAL_CALLS};
