/*
 * bench/engine_lmdb.c: LMDB. Positions are integer keys, appended in order; one transaction reaches from sync to sync.
 */
#include <lmdb.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"

#define MAP_SIZE ((size_t)16 << 30)

enum { LMDB_WRITEMAP = 1 };

typedef struct store {
    MDB_env *env;
    MDB_dbi records;
    MDB_txn *txn; /* NULL between a sync and the next append */
} store_t;

typedef struct reader {
    MDB_txn *txn;
    MDB_dbi records;
} reader_t;

static bool good(int code)
{
    return code == 0 || bench_fail("lmdb: %s", mdb_strerror(code));
}

static bool open_records(store_t *store)
{
    MDB_txn *txn;
    if (!good(mdb_txn_begin(store->env, NULL, 0, &txn)))
        return false;
    int code = mdb_dbi_open(txn, NULL, MDB_INTEGERKEY | MDB_CREATE, &store->records);
    if (code == 0)
        return good(mdb_txn_commit(txn));
    mdb_txn_abort(txn);
    return good(code);
}

static bool lmdb_open(const bench_engine_t *self, const bench_setup_t *setup, void **opened)
{
    unsigned flags = MDB_NOTLS | (self->variant == LMDB_WRITEMAP ? MDB_WRITEMAP : 0);
    store_t *store = calloc(1, sizeof *store);
    if (store == NULL)
        return bench_fail("no memory");
    if (!good(mdb_env_create(&store->env)))
        return free(store), false;
    int code = mdb_env_set_mapsize(store->env, MAP_SIZE);
    if (code == 0)
        code = mdb_env_open(store->env, setup->directory, flags, 0644);
    if (!good(code) || !open_records(store)) {
        mdb_env_close(store->env);
        return free(store), false;
    }
    *opened = store;
    return true;
}

static bool lmdb_append(void *opened, const bench_record_t *records, size_t count)
{
    store_t *store = opened;
    int code = store->txn == NULL ? mdb_txn_begin(store->env, NULL, 0, &store->txn) : 0;
    for (size_t i = 0; i < count && code == 0; i++) {
        size_t position = records[i].position;
        MDB_val key = {sizeof position, &position};
        MDB_val value = {records[i].size, (void *)(uintptr_t)records[i].value};
        code = mdb_put(store->txn, store->records, &key, &value, MDB_APPEND);
    }
    return good(code);
}

static bool lmdb_sync(void *opened)
{
    store_t *store = opened;
    MDB_txn *txn = store->txn;
    store->txn = NULL;
    return txn == NULL || good(mdb_txn_commit(txn));
}

static bool lmdb_close(void *opened)
{
    store_t *store = opened;
    bool synced = lmdb_sync(store);
    mdb_env_close(store->env);
    free(store);
    return synced;
}

static bool lmdb_reader_open(void *opened, bool many, void **made)
{
    store_t *store = opened;
    (void)many;
    reader_t *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return bench_fail("no memory");
    reader->records = store->records;
    if (!good(mdb_txn_begin(store->env, NULL, MDB_RDONLY, &reader->txn)))
        return free(reader), false;
    *made = reader;
    return true;
}

static void lmdb_reader_close(void *closed)
{
    reader_t *reader = closed;
    mdb_txn_abort(reader->txn);
    free(reader);
}

static bool lmdb_read(void *opened, uint64_t position, const void **value, size_t *size)
{
    reader_t *reader = opened;
    size_t wanted = position;
    MDB_val key = {sizeof wanted, &wanted}, found;
    if (!good(mdb_get(reader->txn, reader->records, &key, &found)))
        return false;
    *value = found.mv_data;
    *size = found.mv_size;
    return true;
}

static bool lmdb_scan(void *opened, bench_visit_t visit, void *context)
{
    reader_t *reader = opened;
    MDB_cursor *cursor;
    MDB_val key, value;
    if (!good(mdb_cursor_open(reader->txn, reader->records, &cursor)))
        return false;
    bool going = true;
    int code = 0;
    while (going && (code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        size_t position;
        memcpy(&position, key.mv_data, sizeof position); /* keys are not aligned */
        going = visit(context, position, value.mv_data, value.mv_size);
    }
    mdb_cursor_close(cursor);
    return going && (code == MDB_NOTFOUND || good(code));
}

#define LMDB_CALLS                                                                                                     \
    .open = lmdb_open, .append = lmdb_append, .sync = lmdb_sync, .close = lmdb_close, .reader_open = lmdb_reader_open, \
    .read = lmdb_read, .reader_close = lmdb_reader_close, .scan = lmdb_scan, .replay = lmdb_scan, .writes = true,      \
    .reads = true, .can = BENCH_BESIDE | BENCH_REPLAY

const bench_engine_t bench_lmdb = {
    .label = "lmdb",
    .options =
        MDB_VERSION_STRING " MDB_INTEGERKEY, MDB_APPEND, one transaction from sync to sync, NOTLS, map of 16 GiB, "
                           "one read transaction a thread, values read in the map",
    LMDB_CALLS};
const bench_engine_t bench_lmdb_writemap = {
    .label = "lmdb+writemap", .options = "and MDB_WRITEMAP", .variant = LMDB_WRITEMAP, LMDB_CALLS};
