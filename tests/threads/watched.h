/*
 * threads/watched.h: a storage around another one that stops calls at gates, notes what is called, and knows what would
 * survive a power cut. Any thread.
 *
 * What survives is what the storage interface promises and nothing more: the bytes that a file had when a sync of it
 * began that has succeeded since, under names that were there when a sync of the partition began that has succeeded.
 */
#ifndef TESTS_THREADS_WATCHED_H
#define TESTS_THREADS_WATCHED_H

#include "segjournal/storage.h"
#include "threads/team.h"

typedef enum watched_call {
    CALL_OPEN, /* creations too */
    CALL_READ,
    CALL_WRITE,
    CALL_SYNC,
    CALL_TRUNCATE,
    CALL_REMOVE,
    CALL_CLOSE,
    CALL_SYNC_NAMES,
    CALL_UNLOCK, /* the closing of a partition, which ends its lock */
    WATCHED_CALLS
} watched_call_t;

typedef enum watched_part { PART_INDEX, PART_VALUES } watched_part_t;

/** The file of a section that each sync flushes: in version 2 the index follows later. */
watched_part_t part_of_sync(void);

/** Stands for any section; what calls of partitions have. */
#define ANY_SECTION UINT64_MAX
#define NO_LIMIT UINT32_MAX

typedef struct watched watched_t;
typedef struct gate gate_t;

/** Partitions whose name has "values" in it hold values. The storage below must live longer. */
watched_t *watched_new(const segj_storage_t *below);
void watched_free(watched_t *watched);
const segj_storage_t *watched_storage(const watched_t *watched);

/** Closes a gate: of the calls of this kind the first `limit` stop before it, the others go on. A watched storage has
 *  room for 8 gates at a time. */
gate_t *gate_close(watched_t *watched, watched_call_t call, watched_part_t part, uint64_t section, uint32_t limit);
/** Waits until `count` calls have come to the gate. */
void gate_await(gate_t *gate, uint32_t count);
/** Lets one call go on; where `code` is not 0 it is answered with that and does not happen. */
void gate_pass(gate_t *gate, int code);
/** Lets all calls go on, those to come too, and gives the gate back. */
void gate_open(gate_t *gate, int code);
/** Gates are closed, or calls stand before them: a test has failed half way. */
bool watched_gated(watched_t *watched);
/** All calls of this kind are answered with `code` from now on, until 0. */
void watched_fail(watched_t *watched, watched_call_t call, watched_part_t part, uint64_t section, int code);

/** `refuse` answers for every write from now on: not 0, and the write does not happen. NULL ends it. Not beside
 *  calls. */
void watched_refuse_writes(watched_t *watched, int (*refuse)(watched_part_t part, uint64_t offset));
/** Reads give at most so many bytes at a time from now on, so that one takes several calls; 0: no bound. */
void watched_short_reads(watched_t *watched, size_t most);

/** Forgets the calls so far. Calls are noted when they return. */
void watched_forget(watched_t *watched);
size_t watched_count(watched_t *watched, watched_call_t call, watched_part_t part, uint64_t section);
/** Bytes of files written at, or cut, that lie in a range. */
size_t watched_touched(watched_t *watched, watched_part_t part, uint64_t section, uint64_t offset, uint64_t size);
/** Calls that change files or names, syncs included. */
size_t watched_changes(watched_t *watched, uint64_t section);
/** No two writes of a file under way at the same time had bytes in common. */
void assert_writes_apart(watched_t *watched);

/** A storage in memory with what a power cut would leave now; segj_storage_memory_destroy() it. */
segj_storage_t *watched_crash(watched_t *watched, const char *directory, const char *index, const char *values);

#endif /* TESTS_THREADS_WATCHED_H */
