/*
 * failure/sites_within.h: comes before the library's own sources when they are compiled for programs that count their
 * call sites (failure/sites.h). Every call below passes through a site of its own; all sites are gathered in a section
 * of the program.
 */
#ifndef TESTS_FAILURE_SITES_WITHIN_H
#define TESTS_FAILURE_SITES_WITHIN_H

#include <stdlib.h>

#include <zstd.h>

#include "failure/sites.h"
#include "storage/io.h"

#define SITE_CALL(its_kind, its_call, expression)                                                                      \
    __extension__({                                                                                                    \
        static site_t site_here_ = {                                                                                   \
            .file = __FILE__, .function = __func__, .call = (its_call), .line = __LINE__, .kind = (its_kind)};         \
        static site_t *const site_entry_ __attribute__((section("segj_sites"), used)) = &site_here_;                   \
        site_enter(&site_here_);                                                                                       \
        __typeof__(expression) site_answer_ = (expression);                                                            \
        site_leave(its_kind);                                                                                          \
        site_answer_;                                                                                                  \
    })
#define SITE_OF_MEMORY(call, ...) SITE_CALL(SITE_MEMORY, #call, call(__VA_ARGS__))
#define SITE_OF_STORAGE(call, ...) SITE_CALL(SITE_STORAGE, #call, call(__VA_ARGS__))

#define malloc(...) SITE_OF_MEMORY(malloc, __VA_ARGS__)
#define calloc(...) SITE_OF_MEMORY(calloc, __VA_ARGS__)
#define realloc(...) SITE_OF_MEMORY(realloc, __VA_ARGS__)
#define ZSTD_createCCtx() SITE_CALL(SITE_MEMORY, "ZSTD_createCCtx", ZSTD_createCCtx())
#define ZSTD_createDCtx() SITE_CALL(SITE_MEMORY, "ZSTD_createDCtx", ZSTD_createDCtx())
#define ZSTD_createCDict(...) SITE_OF_MEMORY(ZSTD_createCDict, __VA_ARGS__)
#define ZSTD_createDDict(...) SITE_OF_MEMORY(ZSTD_createDDict, __VA_ARGS__)

/* storage/io.c and io_partitions.c are where these are defined. */
#ifndef SITES_WITHIN_IO
#define segj_partition_create(...) SITE_OF_STORAGE(segj_partition_create, __VA_ARGS__)
#define segj_partition_open(...) SITE_OF_STORAGE(segj_partition_open, __VA_ARGS__)
#define segj_partition_lock(...) SITE_OF_STORAGE(segj_partition_lock, __VA_ARGS__)
#define segj_partition_sections(...) SITE_OF_STORAGE(segj_partition_sections, __VA_ARGS__)
#define segj_partition_sections_among(...) SITE_OF_STORAGE(segj_partition_sections_among, __VA_ARGS__)
#define segj_partition_values(...) SITE_OF_STORAGE(segj_partition_values, __VA_ARGS__)
#define segj_partition_sync(...) SITE_OF_STORAGE(segj_partition_sync, __VA_ARGS__)
#define segj_partition_remove(...) SITE_OF_STORAGE(segj_partition_remove, __VA_ARGS__)
#define segj_partition_sync_directory(...) SITE_OF_STORAGE(segj_partition_sync_directory, __VA_ARGS__)
#define segj_partition_unlink(...) SITE_OF_STORAGE(segj_partition_unlink, __VA_ARGS__)
#define segj_io_open(...) SITE_OF_STORAGE(segj_io_open, __VA_ARGS__)
#define segj_io_open_named(...) SITE_OF_STORAGE(segj_io_open_named, __VA_ARGS__)
#define segj_partition_unlink_named(...) SITE_OF_STORAGE(segj_partition_unlink_named, __VA_ARGS__)
#define segj_partition_visit(...) SITE_OF_STORAGE(segj_partition_visit, __VA_ARGS__)
#define segj_io_read(...) SITE_OF_STORAGE(segj_io_read, __VA_ARGS__)
#define segj_io_read_device(...) SITE_OF_STORAGE(segj_io_read_device, __VA_ARGS__)
#define segj_io_write(...) SITE_OF_STORAGE(segj_io_write, __VA_ARGS__)
#define segj_io_write_slices(...) SITE_OF_STORAGE(segj_io_write_slices, __VA_ARGS__)
#define segj_io_size(...) SITE_OF_STORAGE(segj_io_size, __VA_ARGS__)
#define segj_io_truncate(...) SITE_OF_STORAGE(segj_io_truncate, __VA_ARGS__)
#define segj_io_sync(...) SITE_OF_STORAGE(segj_io_sync, __VA_ARGS__)
#define segj_io_refresh(...) SITE_OF_STORAGE(segj_io_refresh, __VA_ARGS__)
#endif

#endif /* TESTS_FAILURE_SITES_WITHIN_H */
