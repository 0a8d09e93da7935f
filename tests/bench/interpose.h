/*
 * bench/interpose.h: counts what a turn asks of the system. interpose.c defines the functions of the C library that
 * read, write and flush, so that the library's calls and those of shared libraries come by; it hands them on to the
 * kernel. malloc and memcpy are counted where the linker can wrap them: in segjournal and in the benchmark.
 *
 * Nothing is counted before bench_counting is set: timed rounds pay one predicted branch a call.
 */
#ifndef SEGJ_BENCH_INTERPOSE_H
#define SEGJ_BENCH_INTERPOSE_H

#include <stdbool.h>
#include <stdint.h>

typedef enum bench_counter {
    BENCH_CALLS,      /**< of the system, among those that interpose.c defines */
    BENCH_FSYNC,      /**< fsync, syncfs */
    BENCH_FDATASYNC,  /**< fdatasync */
    BENCH_MSYNC,      /**< msync with MS_SYNC */
    BENCH_DSYNC,      /**< writes to a descriptor with O_DSYNC or O_SYNC: each waits for the device */
    BENCH_WRITE_BACK, /**< sync_file_range, msync with MS_ASYNC: starts writing and proves nothing */
    BENCH_READS,      /**< pread and its like */
    BENCH_WRITES,     /**< pwrite and its like */
    BENCH_BYTES_READ,
    BENCH_BYTES_WRITTEN,
    BENCH_ALLOCATIONS,  /**< malloc, calloc, realloc */
    BENCH_BYTES_COPIED, /**< by memcpy and memmove, where the compiler made a call of it */
    BENCH_COUNTERS
} bench_counter_t;

extern const char *const bench_counter_names[BENCH_COUNTERS];

/** Set while no other thread runs. */
extern bool bench_counting;
/** fsync, fdatasync and sync_file_range do nothing and succeed: for building what is not measured. */
extern bool bench_elide_syncs;

/** Gives what was counted since the last call, and begins again. */
void bench_take_counts(uint64_t counts[BENCH_COUNTERS]);

#endif
