/*
 * bench/engines.c: the engines that were found when the benchmark was built.
 */
#include "engine.h"

const bench_engine_t *const bench_engines[] = {&bench_segjournal,
                                               &bench_segjournal_batch,
                                               &bench_segjournal_view,
                                               &bench_segjournal_first,
                                               &bench_segjournal_dictionary,
                                               &bench_segjournal_sectors,
                                               &bench_segjournal_ahead,
                                               &bench_segjournal_parallel,
                                               &bench_segjournal_parallel_ahead,
                                               &bench_segjournal_cache,
                                               &bench_segjournal_threads,
                                               &bench_floor,
                                               &bench_floor_write_back,
                                               &bench_floor_log,
                                               &bench_floor_mapped,
#ifdef SEGJ_BENCH_LMDB
                                               &bench_lmdb,
                                               &bench_lmdb_writemap,
#endif
#ifdef SEGJ_BENCH_SQLITE
                                               &bench_sqlite,
                                               &bench_sqlite_mapped,
#endif
#ifdef SEGJ_BENCH_ROCKSDB
                                               &bench_rocksdb,
                                               &bench_rocksdb_blobs,
                                               &bench_rocksdb_packed_log,
#endif
#ifdef SEGJ_BENCH_LEVELDB
                                               &bench_leveldb,
#endif
                                               NULL};
