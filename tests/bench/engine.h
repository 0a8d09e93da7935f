/*
 * bench/engine.h: what the benchmark asks of a store. A store is a list of records with positions 0, 1, 2, ...; each
 * has its position as its key or entry (8 bytes) and a value. serve.c drives an engine through these calls, in a
 * process of its own for every turn, and takes the time.
 *
 * Calls answer true, or false after bench_fail() has said why. Only `read` of different readers, `append` beside
 * `sync_beside` and `read`, and `append_durable` and `append_beside` come from several threads at once.
 */
#ifndef SEGJ_BENCH_ENGINE_H
#define SEGJ_BENCH_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct bench_record {
    uint64_t position;
    const void *value; /**< valid until the next `sync` has returned */
    size_t size;
} bench_record_t;

typedef struct bench_setup {
    const char *directory; /**< exists */
    size_t value_size;     /**< of most values, as a hint; 0 where it is not known */
    bool create;           /**< there is no store yet */
    bool compress;
    bool reading;   /**< only reads follow */
    bool immediate; /**< an appended record is visible to readers when `append` returns, not at the next `sync` */
} bench_setup_t;

/** Gets each record in order; false ends the walk, which then fails. value is NULL in a replay. */
typedef bool (*bench_visit_t)(void *context, uint64_t position, const void *value, size_t size);

/** What an engine can do. */
enum {
    BENCH_COMPRESS = 1,     /**< setup.compress */
    BENCH_BESIDE = 2,       /**< reads and appends by different threads */
    BENCH_REPLAY = 4,       /**< replay, of as many records as take long to build for some */
    BENCH_SYNCS = 8,        /**< differs only where syncs are many, and takes part there alone */
    BENCH_PACKS = 16,       /**< the same where values are compressed */
    BENCH_APART = 32,       /**< a variant that takes part where others are left out */
    BENCH_EVENTS_ALONE = 64 /**< differs only where small values resemble each other, and takes part there alone */
};

typedef struct bench_engine bench_engine_t;
struct bench_engine {
    const char *label; /**< NAME, or NAME+VARIANT */
    const char *options;
    unsigned can;
    int variant; /**< the engine's own */
    bool writes; /**< takes part in what appends */
    bool reads;  /**< takes part in what reads; a variant that does not write reads what NAME wrote */

    bool (*open)(const bench_engine_t *self, const bench_setup_t *setup, void **store);
    bool (*append)(void *store, const bench_record_t *records, size_t count);
    bool (*sync)(void *store);
    bool (*close)(void *store); /**< frees in any case */
    /** What one thread reads with. many: worth loading an index for. */
    bool (*reader_open)(void *store, bool many, void **reader);
    /** *value is valid until the reader's next read. */
    bool (*read)(void *reader, uint64_t position, const void **value, size_t *size);
    void (*reader_close)(void *reader);
    bool (*scan)(void *reader, bench_visit_t visit, void *context);
    bool (*replay)(void *reader, bench_visit_t visit, void *context); /**< may be NULL */
    /** Makes durable, from another thread than the appending one; NULL: a sync and an append exclude each other. */
    bool (*sync_beside)(void *store);
    /** Appends a record and makes it durable, from several threads at once; NULL: append and sync, one thread at a time. */
    bool (*append_durable)(void *store, const bench_record_t *record);
    /** The same, to a part of the store of the thread's own; NULL: there are none. */
    bool (*append_apart)(void *store, unsigned part, const bench_record_t *record);
    /** Appends a record, from several threads at once; NULL: `append`, one thread at a time. */
    bool (*append_beside)(void *store, const bench_record_t *record);
    bool (*abandon)(void *store);       /**< frees, writes nothing; NULL: there is no such thing */
    const char *(*report)(void *store); /**< a line about the last open; may be NULL */
    bool (*build_sections)(const char *directory, uint64_t sections); /**< may be NULL */
    /** Opens what build_sections made. May be NULL. */
    bool (*open_sections)(const char *directory, uint64_t sections, double *seconds);
};

/** The engines that were built in, ended by NULL; a variant stands behind its engine. */
extern const bench_engine_t *const bench_engines[];

extern const bench_engine_t bench_segjournal, bench_segjournal_batch, bench_segjournal_view, bench_segjournal_ahead;
extern const bench_engine_t bench_segjournal_sectors;
extern const bench_engine_t bench_segjournal_parallel, bench_segjournal_parallel_ahead;
extern const bench_engine_t bench_floor_log, bench_segjournal_cache, bench_segjournal_first, bench_segjournal_threads;
extern const bench_engine_t bench_segjournal_dictionary;
extern const bench_engine_t bench_floor, bench_floor_write_back, bench_floor_mapped;
extern const bench_engine_t bench_lmdb, bench_lmdb_writemap;
extern const bench_engine_t bench_sqlite, bench_sqlite_mapped;
extern const bench_engine_t bench_rocksdb, bench_rocksdb_blobs, bench_rocksdb_packed_log;
extern const bench_engine_t bench_leveldb;

/** Notes why a call failed, and gives false. */
bool bench_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/** The same, with the text of errno behind it. */
bool bench_fail_errno(const char *what);
const char *bench_failure(void);

/** Seconds by the monotonic clock. */
double bench_now(void);

/** "DIRECTORY/NAME" in memory of its own; NULL after bench_fail(). */
char *bench_path(const char *directory, const char *name);

#endif
