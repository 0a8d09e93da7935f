/*
 * bench/engine_sqlite.c: SQLite with a write-ahead log that is flushed at every commit.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine.h"

enum { SQLITE_MAPPED = 1 };

typedef struct store {
    sqlite3 *db;
    sqlite3_stmt *insert, *begin, *commit;
    char *path;
    int variant;
    bool writing; /* between BEGIN and COMMIT */
} store_t;

typedef struct reader {
    sqlite3 *db;
    sqlite3_stmt *select, *all;
} reader_t;

static bool good(int code, sqlite3 *db)
{
    return code == SQLITE_OK || code == SQLITE_DONE || bench_fail("sqlite: %s", sqlite3_errmsg(db));
}

static bool run(sqlite3 *db, const char *text)
{
    return good(sqlite3_exec(db, text, NULL, NULL, NULL), db);
}

static bool run_number(sqlite3 *db, const char *pragma, long long number)
{
    char text[100];
    (void)snprintf(text, sizeof text, "PRAGMA %s = %lld", pragma, number);
    return run(db, text);
}

static bool prepare(sqlite3 *db, const char *text, sqlite3_stmt **statement)
{
    return good(sqlite3_prepare_v3(db, text, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL), db);
}

/* Pages that waste little: large ones for large values; small ones where each commit writes a few records. */
static int page_size(size_t value_size)
{
    return value_size >= 4096 ? 65536 : 4096;
}

static bool set_up_writing(store_t *store, const bench_setup_t *setup)
{
    sqlite3 *db = store->db;
    if (setup->create && !run_number(db, "page_size", page_size(setup->value_size)))
        return false;
    if (!setup->reading && !setup->immediate && !run(db, "PRAGMA locking_mode = EXCLUSIVE"))
        return false;
    if (!run(db, "PRAGMA journal_mode = WAL") || !run(db, "PRAGMA synchronous = FULL") ||
        !run_number(db, "cache_size", -(long long)(1 << 20)))
        return false;
    if (setup->create && !run(db, "CREATE TABLE records (id INTEGER PRIMARY KEY, value BLOB)"))
        return false;
    return prepare(db, "INSERT INTO records VALUES (?, ?)", &store->insert) && prepare(db, "BEGIN", &store->begin) &&
           prepare(db, "COMMIT", &store->commit);
}

static bool step_once(sqlite3 *db, sqlite3_stmt *statement)
{
    int code = sqlite3_step(statement);
    (void)sqlite3_reset(statement);
    return good(code, db);
}

static bool sqlite_sync(void *opened)
{
    store_t *store = opened;
    bool writing = store->writing;
    store->writing = false;
    return !writing || step_once(store->db, store->commit);
}

static bool sqlite_close(void *opened)
{
    store_t *store = opened;
    bool synced = sqlite_sync(store);
    (void)sqlite3_finalize(store->insert);
    (void)sqlite3_finalize(store->begin);
    (void)sqlite3_finalize(store->commit);
    (void)sqlite3_close(store->db);
    free(store->path);
    free(store);
    return synced;
}

static bool sqlite_open(const bench_engine_t *self, const bench_setup_t *setup, void **opened)
{
    store_t *store = calloc(1, sizeof *store);
    if (store == NULL)
        return bench_fail("no memory");
    store->variant = self->variant;
    store->path = bench_path(setup->directory, "records.sqlite");
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (setup->create ? SQLITE_OPEN_CREATE : 0);
    bool opening = store->path != NULL && good(sqlite3_open_v2(store->path, &store->db, flags, NULL), store->db) &&
                   (setup->reading || set_up_writing(store, setup));
    if (!opening)
        return (void)sqlite_close(store), false;
    *opened = store;
    return true;
}

static bool sqlite_append(void *opened, const bench_record_t *records, size_t count)
{
    store_t *store = opened;
    if (!store->writing && !step_once(store->db, store->begin))
        return false;
    store->writing = true;
    for (size_t i = 0; i < count; i++) {
        (void)sqlite3_bind_int64(store->insert, 1, (sqlite3_int64)records[i].position);
        (void)sqlite3_bind_blob64(store->insert, 2, records[i].value, records[i].size, SQLITE_STATIC);
        if (!step_once(store->db, store->insert))
            return false;
    }
    return true;
}

static void sqlite_reader_close(void *closed)
{
    reader_t *reader = closed;
    (void)sqlite3_finalize(reader->select);
    (void)sqlite3_finalize(reader->all);
    (void)sqlite3_close(reader->db);
    free(reader);
}

static bool sqlite_reader_open(void *opened, bool many, void **made)
{
    const store_t *store = opened;
    (void)many;
    reader_t *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return bench_fail("no memory");
    bool opening =
        good(sqlite3_open_v2(store->path, &reader->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL), reader->db);
    opening =
        opening && (store->variant == SQLITE_MAPPED ? run_number(reader->db, "mmap_size", (long long)2 << 30)
                                                    : run_number(reader->db, "cache_size", -(long long)(1 << 20)));
    opening = opening && prepare(reader->db, "SELECT value FROM records WHERE id = ?", &reader->select) &&
              prepare(reader->db, "SELECT id, value FROM records ORDER BY id", &reader->all) &&
              run(reader->db, "BEGIN");
    if (!opening)
        return sqlite_reader_close(reader), false;
    *made = reader;
    return true;
}

static bool sqlite_read(void *opened, uint64_t position, const void **value, size_t *size)
{
    reader_t *reader = opened;
    (void)sqlite3_reset(reader->select);
    (void)sqlite3_bind_int64(reader->select, 1, (sqlite3_int64)position);
    if (sqlite3_step(reader->select) != SQLITE_ROW)
        return bench_fail("sqlite: record %llu: %s", (unsigned long long)position, sqlite3_errmsg(reader->db));
    *value = sqlite3_column_blob(reader->select, 0);
    *size = (size_t)sqlite3_column_bytes(reader->select, 0);
    return true;
}

static bool walk(reader_t *reader, bool values, bench_visit_t visit, void *context)
{
    bool going = true;
    int code = SQLITE_DONE;
    while (going && (code = sqlite3_step(reader->all)) == SQLITE_ROW)
        going =
            visit(context, (uint64_t)sqlite3_column_int64(reader->all, 0),
                  values ? sqlite3_column_blob(reader->all, 1) : NULL, (size_t)sqlite3_column_bytes(reader->all, 1));
    (void)sqlite3_reset(reader->all);
    return going && good(code, reader->db);
}

static bool sqlite_scan(void *opened, bench_visit_t visit, void *context)
{
    return walk(opened, true, visit, context);
}

static bool sqlite_replay(void *opened, bench_visit_t visit, void *context)
{
    return walk(opened, false, visit, context);
}

#define SQLITE_CALLS                                                                                                   \
    .open = sqlite_open, .append = sqlite_append, .sync = sqlite_sync, .close = sqlite_close,                          \
    .reader_open = sqlite_reader_open, .read = sqlite_read, .reader_close = sqlite_reader_close, .scan = sqlite_scan,  \
    .replay = sqlite_replay, .reads = true

const bench_engine_t bench_sqlite = {
    .label = "sqlite",
    .options = SQLITE_VERSION " WAL, synchronous = FULL, locking_mode = EXCLUSIVE while it only writes, prepared "
                              "statements, one transaction from sync to sync, pages of 64 KiB where values have 4 KiB "
                              "and more (else 4 KiB), cache 1 GiB, one connection and read transaction a thread",
    .can = BENCH_BESIDE,
    .writes = true,
    SQLITE_CALLS};
const bench_engine_t bench_sqlite_mapped = {
    .label = "sqlite+mmap", .options = "and mmap_size = 2 GiB", .variant = SQLITE_MAPPED, SQLITE_CALLS};
