/*
 * bench/engine_leveldb.c: LevelDB. Records gather in a write batch, which is written when it is large, and with a
 * flushed log at a sync. Closing compacts, so that reading begins with table files.
 */
#include <leveldb/c.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "engine.h"

#define KEY 8
#define BATCH_BYTES ((size_t)1 << 20)
#define MEMTABLE_BYTES ((size_t)1 << 30) /* the most that LevelDB takes */
#define CACHE_BYTES ((size_t)2 << 30)

typedef struct store {
    leveldb_t *db;
    leveldb_options_t *options;
    leveldb_cache_t *cache;
    leveldb_writeoptions_t *plain, *synced;
    leveldb_writebatch_t *batch;
    size_t batch_bytes;
    bool immediate, reading;
} store_t;

typedef struct reader {
    leveldb_t *db;
    leveldb_readoptions_t *options;
    char *value;
} reader_t;

static bool good(char *error)
{
    if (error == NULL)
        return true;
    (void)bench_fail("leveldb: %s", error);
    leveldb_free(error);
    return false;
}

static void set_options(store_t *store, const bench_setup_t *setup)
{
    store->cache = leveldb_cache_create_lru(CACHE_BYTES);
    store->options = leveldb_options_create();
    leveldb_options_set_create_if_missing(store->options, setup->create);
    leveldb_options_set_write_buffer_size(store->options, MEMTABLE_BYTES);
    leveldb_options_set_max_file_size(store->options, MEMTABLE_BYTES);
    leveldb_options_set_cache(store->options, store->cache);
    leveldb_options_set_compression(store->options,
                                    setup->compress ? leveldb_snappy_compression : leveldb_no_compression);
}

static void destroy_options(store_t *store)
{
    leveldb_options_destroy(store->options);
    leveldb_cache_destroy(store->cache);
}

static bool level_open(const bench_engine_t *self, const bench_setup_t *setup, void **opened)
{
    (void)self;
    char *error = NULL;
    store_t *store = calloc(1, sizeof *store);
    if (store == NULL)
        return bench_fail("no memory");
    set_options(store, setup);
    store->db = leveldb_open(store->options, setup->directory, &error);
    if (!good(error)) {
        destroy_options(store);
        return free(store), false;
    }
    store->plain = leveldb_writeoptions_create();
    store->synced = leveldb_writeoptions_create();
    leveldb_writeoptions_set_sync(store->synced, 1);
    store->batch = leveldb_writebatch_create();
    store->immediate = setup->immediate;
    store->reading = setup->reading;
    *opened = store;
    return true;
}

static bool write_batch(store_t *store, const leveldb_writeoptions_t *options)
{
    char *error = NULL;
    leveldb_write(store->db, options, store->batch, &error);
    leveldb_writebatch_clear(store->batch);
    store->batch_bytes = 0;
    return good(error);
}

static bool level_append(void *opened, const bench_record_t *records, size_t count)
{
    store_t *store = opened;
    for (size_t i = 0; i < count; i++) {
        uint8_t key[KEY];
        segj_put_u64(key, records[i].position);
        leveldb_writebatch_put(store->batch, (const char *)key, KEY, records[i].value, records[i].size);
        store->batch_bytes += KEY + records[i].size;
        if ((store->immediate || store->batch_bytes >= BATCH_BYTES) && !write_batch(store, store->plain))
            return false;
    }
    return true;
}

static bool level_sync(void *opened)
{
    store_t *store = opened;
    return write_batch(store, store->synced);
}

static bool put_one(const store_t *store, const leveldb_writeoptions_t *options, const bench_record_t *record)
{
    char *error = NULL;
    uint8_t key[KEY];
    segj_put_u64(key, record->position);
    leveldb_put(store->db, options, (const char *)key, KEY, record->value, record->size, &error);
    return good(error);
}

static bool level_append_durable(void *opened, const bench_record_t *record)
{
    const store_t *store = opened;
    return put_one(store, store->synced, record);
}

static bool level_append_beside(void *opened, const bench_record_t *record)
{
    const store_t *store = opened;
    return put_one(store, store->plain, record);
}

/* There is no call that flushes the log; an empty batch does. */
static bool level_sync_beside(void *opened)
{
    const store_t *store = opened;
    char *error = NULL;
    leveldb_writebatch_t *empty = leveldb_writebatch_create();
    leveldb_write(store->db, store->synced, empty, &error);
    leveldb_writebatch_destroy(empty);
    return good(error);
}

static bool level_close(void *opened)
{
    store_t *store = opened;
    bool closing = store->batch_bytes == 0 || level_sync(store);
    if (!store->reading)
        leveldb_compact_range(store->db, NULL, 0, NULL, 0);
    leveldb_close(store->db);
    leveldb_writebatch_destroy(store->batch);
    leveldb_writeoptions_destroy(store->plain);
    leveldb_writeoptions_destroy(store->synced);
    destroy_options(store);
    free(store);
    return closing;
}

static bool level_reader_open(void *opened, bool many, void **made)
{
    (void)many;
    reader_t *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return bench_fail("no memory");
    reader->db = ((store_t *)opened)->db;
    reader->options = leveldb_readoptions_create();
    *made = reader;
    return true;
}

static void level_reader_close(void *closed)
{
    reader_t *reader = closed;
    leveldb_free(reader->value);
    leveldb_readoptions_destroy(reader->options);
    free(reader);
}

static bool level_read(void *opened, uint64_t position, const void **value, size_t *size)
{
    reader_t *reader = opened;
    uint8_t key[KEY];
    char *error = NULL;
    segj_put_u64(key, position);
    leveldb_free(reader->value);
    reader->value = leveldb_get(reader->db, reader->options, (const char *)key, KEY, size, &error);
    *value = reader->value;
    return good(error) && (*value != NULL || bench_fail("leveldb: no record %llu", (unsigned long long)position));
}

static bool level_scan(void *opened, bench_visit_t visit, void *context)
{
    const reader_t *reader = opened;
    char *error = NULL;
    bool going = true;
    leveldb_iterator_t *at = leveldb_create_iterator(reader->db, reader->options);
    for (leveldb_iter_seek_to_first(at); going && leveldb_iter_valid(at); leveldb_iter_next(at)) {
        size_t key_size, size;
        const uint8_t *key = (const uint8_t *)leveldb_iter_key(at, &key_size);
        const char *value = leveldb_iter_value(at, &size);
        going = visit(context, segj_get_u64(key), value, size);
    }
    leveldb_iter_get_error(at, &error);
    leveldb_iter_destroy(at);
    return going && good(error);
}

const bench_engine_t bench_leveldb = {
    .label = "leveldb",
    .options = SEGJ_BENCH_LEVELDB_VERSION
    " write batches of 1 MiB, log flushed by the write at a sync, write buffer of 1 GiB, compacted at close; "
    "cache of 2 GiB; snappy where compressed",
    .can = BENCH_COMPRESS | BENCH_BESIDE,
    .writes = true,
    .reads = true,
    .open = level_open,
    .append = level_append,
    .sync = level_sync,
    .close = level_close,
    .reader_open = level_reader_open,
    .read = level_read,
    .reader_close = level_reader_close,
    .scan = level_scan,
    .replay = level_scan,
    .sync_beside = level_sync_beside,
    .append_durable = level_append_durable,
    .append_beside = level_append_beside};
