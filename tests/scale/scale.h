/*
 * scale/scale.h: what the tests of size share: the system's files with a count of the calls, memory and time as the
 * system sees them, and settings from the environment:
 *
 *     SEGJ_SCALE_SECTIONS   how many sections (test_sections; 10,000, fewer under sanitizers)
 *     SEGJ_SCALE_SYNCS      1: syncs are real; else they are left out, which says nothing about crashes and saves minutes
 *     SEGJ_SCALE_HUGE       1: test_huge runs (9 GB of memory, 5 GB of disk)
 *
 * Files go below $TMPDIR, or /tmp.
 */
#ifndef TESTS_SCALE_SCALE_H
#define TESTS_SCALE_SCALE_H

#include "segjournal/storage.h"
#include "support/support.h"

/** Storage calls since the last counted_reset(). */
typedef struct calls {
    uint64_t opens, creates, removes, closes, reads, writes, sizes, truncates, file_syncs, name_syncs;
    uint64_t bytes_read, bytes_written;
    uint64_t files, most_files; /* open now, and at most; not reset */
} calls_t;

/** One journal at a time, in one thread. */
const segj_storage_t *counted_storage(void);
void counted_reset(void);
calls_t counted_calls(void);
uint64_t counted_all(const calls_t *calls);

bool real_syncs(void);
uint64_t environment_number(const char *name, uint64_t otherwise);
/** Instrumented programs are slow, and their memory is their own. */
bool is_instrumented(void);

/** Descriptors of this process, by its own account. */
size_t open_descriptors(void);
/** Bytes that malloc has given out; 0 where it does not tell. */
size_t heap_bytes(void);
/** Bytes of memory in use now, and at most since reset_peak(); 0 where the system does not tell. */
size_t resident_bytes(void);
size_t peak_bytes(void);
/** False where the system has no way to do that. */
bool reset_peak(void);
double seconds_now(void);

#endif /* TESTS_SCALE_SCALE_H */
