/*
 * bench/engine_rocksdb.c: RocksDB. Records gather in a write batch, which is written when it is large, and with a
 * flushed log at a sync. Closing flushes the memtable, so that reading begins with a table file.
 */
#include <rocksdb/c.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "engine.h"

#define KEY 8
#define BATCH_BYTES ((size_t)1 << 20)
#define MEMTABLE_BYTES ((size_t)2 << 30) /* nothing is flushed while it is timed */
#define CACHE_BYTES ((size_t)2 << 30)
#define LOG_WRITE_BACK ((uint64_t)1 << 20)
#define LEAST_BLOB 1024

enum { ROCKSDB_BLOBS = 1, ROCKSDB_PACKED_LOG = 2 };

typedef struct store {
    rocksdb_t *db;
    rocksdb_options_t *options;
    rocksdb_writeoptions_t *plain, *synced;
    rocksdb_writebatch_t *batch;
    size_t batch_bytes;
    bool immediate, reading;
} store_t;

typedef struct reader {
    rocksdb_t *db;
    rocksdb_readoptions_t *options;
    rocksdb_pinnableslice_t *pinned;
} reader_t;

static bool good(char *error)
{
    if (error == NULL)
        return true;
    (void)bench_fail("rocksdb: %s", error);
    rocksdb_free(error);
    return false;
}

static rocksdb_options_t *make_options(const bench_engine_t *self, const bench_setup_t *setup)
{
    int compression = setup->compress ? rocksdb_zstd_compression : rocksdb_no_compression;
    rocksdb_options_t *options = rocksdb_options_create();
    rocksdb_options_set_create_if_missing(options, setup->create);
    rocksdb_options_increase_parallelism(options, 2);
    rocksdb_options_set_write_buffer_size(options, MEMTABLE_BYTES);
    rocksdb_options_set_max_total_wal_size(options, 4 * (uint64_t)MEMTABLE_BYTES);
    rocksdb_options_set_allow_concurrent_memtable_write(options, 0);
    rocksdb_options_set_wal_bytes_per_sync(options, LOG_WRITE_BACK);
    rocksdb_options_set_compression(options, compression);
    rocksdb_options_set_max_open_files(options, -1);
    if (self->variant == ROCKSDB_PACKED_LOG)
        rocksdb_options_set_wal_compression(options, compression);
    if (self->variant == ROCKSDB_BLOBS) {
        rocksdb_options_set_enable_blob_files(options, 1);
        rocksdb_options_set_min_blob_size(options, LEAST_BLOB);
        rocksdb_options_set_blob_file_size(options, MEMTABLE_BYTES);
        rocksdb_options_set_blob_compression_type(options, compression);
    }
    rocksdb_block_based_table_options_t *tables = rocksdb_block_based_options_create();
    rocksdb_cache_t *cache = rocksdb_cache_create_lru(CACHE_BYTES);
    rocksdb_block_based_options_set_block_cache(tables, cache);
    rocksdb_options_set_block_based_table_factory(options, tables);
    if (self->variant == ROCKSDB_BLOBS)
        rocksdb_options_set_blob_cache(options, cache);
    rocksdb_cache_destroy(cache);
    rocksdb_block_based_options_destroy(tables);
    return options;
}

static bool rocks_open(const bench_engine_t *self, const bench_setup_t *setup, void **opened)
{
    char *error = NULL;
    store_t *store = calloc(1, sizeof *store);
    if (store == NULL)
        return bench_fail("no memory");
    store->options = make_options(self, setup);
    store->db = rocksdb_open(store->options, setup->directory, &error);
    if (!good(error)) {
        rocksdb_options_destroy(store->options);
        return free(store), false;
    }
    store->plain = rocksdb_writeoptions_create();
    store->synced = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(store->synced, 1);
    store->batch = rocksdb_writebatch_create();
    store->immediate = setup->immediate;
    store->reading = setup->reading;
    *opened = store;
    return true;
}

static bool write_batch(store_t *store, const rocksdb_writeoptions_t *options)
{
    char *error = NULL;
    rocksdb_write(store->db, options, store->batch, &error);
    rocksdb_writebatch_clear(store->batch);
    store->batch_bytes = 0;
    return good(error);
}

static bool rocks_append(void *opened, const bench_record_t *records, size_t count)
{
    store_t *store = opened;
    for (size_t i = 0; i < count; i++) {
        uint8_t key[KEY];
        segj_put_u64(key, records[i].position);
        rocksdb_writebatch_put(store->batch, (const char *)key, KEY, records[i].value, records[i].size);
        store->batch_bytes += KEY + records[i].size;
        if ((store->immediate || store->batch_bytes >= BATCH_BYTES) && !write_batch(store, store->plain))
            return false;
    }
    return true;
}

static bool rocks_sync(void *opened)
{
    store_t *store = opened;
    char *error = NULL;
    if (store->batch_bytes > 0)
        return write_batch(store, store->synced);
    rocksdb_flush_wal(store->db, 1, &error);
    return good(error);
}

static bool put_one(const store_t *store, const rocksdb_writeoptions_t *options, const bench_record_t *record)
{
    char *error = NULL;
    uint8_t key[KEY];
    segj_put_u64(key, record->position);
    rocksdb_put(store->db, options, (const char *)key, KEY, record->value, record->size, &error);
    return good(error);
}

static bool rocks_append_durable(void *opened, const bench_record_t *record)
{
    const store_t *store = opened;
    return put_one(store, store->synced, record);
}

static bool rocks_append_beside(void *opened, const bench_record_t *record)
{
    const store_t *store = opened;
    return put_one(store, store->plain, record);
}

static bool rocks_sync_beside(void *opened)
{
    char *error = NULL;
    rocksdb_flush_wal(((store_t *)opened)->db, 1, &error);
    return good(error);
}

static bool flush_memtable(store_t *store)
{
    char *error = NULL;
    rocksdb_flushoptions_t *options = rocksdb_flushoptions_create();
    rocksdb_flushoptions_set_wait(options, 1);
    rocksdb_flush(store->db, options, &error);
    rocksdb_flushoptions_destroy(options);
    return good(error);
}

static bool rocks_close(void *opened)
{
    store_t *store = opened;
    bool closing = (store->batch_bytes == 0 || rocks_sync(store)) && (store->reading || flush_memtable(store));
    rocksdb_close(store->db);
    rocksdb_writebatch_destroy(store->batch);
    rocksdb_writeoptions_destroy(store->plain);
    rocksdb_writeoptions_destroy(store->synced);
    rocksdb_options_destroy(store->options);
    free(store);
    return closing;
}

static bool rocks_reader_open(void *opened, bool many, void **made)
{
    (void)many;
    reader_t *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return bench_fail("no memory");
    reader->db = ((store_t *)opened)->db;
    reader->options = rocksdb_readoptions_create();
    *made = reader;
    return true;
}

static void rocks_reader_close(void *closed)
{
    reader_t *reader = closed;
    if (reader->pinned != NULL)
        rocksdb_pinnableslice_destroy(reader->pinned);
    rocksdb_readoptions_destroy(reader->options);
    free(reader);
}

static bool rocks_read(void *opened, uint64_t position, const void **value, size_t *size)
{
    reader_t *reader = opened;
    uint8_t key[KEY];
    char *error = NULL;
    segj_put_u64(key, position);
    if (reader->pinned != NULL)
        rocksdb_pinnableslice_destroy(reader->pinned);
    reader->pinned = rocksdb_get_pinned(reader->db, reader->options, (const char *)key, KEY, &error);
    if (!good(error))
        return false;
    *value = reader->pinned != NULL ? rocksdb_pinnableslice_value(reader->pinned, size) : NULL;
    return *value != NULL || bench_fail("rocksdb: no record %llu", (unsigned long long)position);
}

static bool rocks_scan(void *opened, bench_visit_t visit, void *context)
{
    const reader_t *reader = opened;
    char *error = NULL;
    bool going = true;
    rocksdb_iterator_t *at = rocksdb_create_iterator(reader->db, reader->options);
    for (rocksdb_iter_seek_to_first(at); going && rocksdb_iter_valid(at); rocksdb_iter_next(at)) {
        size_t key_size, size;
        const uint8_t *key = (const uint8_t *)rocksdb_iter_key(at, &key_size);
        const char *value = rocksdb_iter_value(at, &size);
        going = visit(context, segj_get_u64(key), value, size);
    }
    rocksdb_iter_get_error(at, &error);
    rocksdb_iter_destroy(at);
    return going && good(error);
}

#define ROCKSDB_CALLS                                                                                                  \
    .open = rocks_open, .append = rocks_append, .sync = rocks_sync, .close = rocks_close,                              \
    .reader_open = rocks_reader_open, .read = rocks_read, .reader_close = rocks_reader_close, .scan = rocks_scan,      \
    .replay = rocks_scan, .sync_beside = rocks_sync_beside, .append_durable = rocks_append_durable,                    \
    .append_beside = rocks_append_beside, .writes = true, .reads = true

const bench_engine_t bench_rocksdb = {
    .label = "rocksdb",
    .options = SEGJ_BENCH_ROCKSDB_VERSION
    " write batches of 1 MiB, log flushed at a sync and written back each MiB before, memtable of 2 GiB, flushed "
    "at close; block cache of 2 GiB, pinned reads",
    .can = BENCH_COMPRESS | BENCH_BESIDE,
    ROCKSDB_CALLS};
const bench_engine_t bench_rocksdb_blobs = {.label = "rocksdb+blob",
                                            .options = "and blob files for values of 1 KiB and more, in the same cache",
                                            .can = BENCH_COMPRESS | BENCH_BESIDE,
                                            .variant = ROCKSDB_BLOBS,
                                            ROCKSDB_CALLS};
const bench_engine_t bench_rocksdb_packed_log = {.label = "rocksdb+log",
                                                 .options = "and a log that is compressed as the tables are",
                                                 .can = BENCH_COMPRESS | BENCH_PACKS,
                                                 .variant = ROCKSDB_PACKED_LOG,
                                                 ROCKSDB_CALLS};
