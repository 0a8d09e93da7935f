/*
 * support/recorder.h: a storage that hands every call on to another one, keeps a list of them in order, and can fail
 * them or stop at them. Any thread may call it.
 *
 *     recorder_t *recorder = recorder_new(below);               below: any storage; it must live longer
 *     config.storage = recorder_storage(recorder);
 *     ...
 *     recorder_fail(recorder, RECORD_FILE_SYNC, 2, 1, EIO);     the third file_sync from now on answers EIO
 *     ...
 *     assert_changes(recorder, "write values/7 4096+24; sync values/7");
 *     recorder_free(recorder);                                  when all that was opened through it is closed
 *
 * A list is compared as text, calls parted by "; ". A call is a word and a place:
 *
 *     partitions   create, open, lock, unlock, list, sync, close, remove <partition>;  sync .  (the directory)
 *     files        create, open, remove, size, sync, close <partition>/<section in hex, without leading zeros>
 *                  read, device, write, write_back, evict <file> <offset>+<size>;  cut <file> <size>
 *
 * A call that failed is followed by " !".
 */
#ifndef TESTS_SUPPORT_RECORDER_H
#define TESTS_SUPPORT_RECORDER_H

#include "support/support.h"

/** One for each function of segj_storage_t. */
typedef enum record_kind {
    RECORD_PARTITION_CREATE,
    RECORD_PARTITION_OPEN,
    RECORD_PARTITION_LOCK,
    RECORD_PARTITION_UNLOCK,
    RECORD_PARTITION_LIST,
    RECORD_PARTITION_SYNC,
    RECORD_PARTITION_CLOSE,
    RECORD_PARTITION_REMOVE,
    RECORD_DIRECTORY_SYNC,
    RECORD_FILE_OPEN,
    RECORD_FILE_CREATE, /* file_open with SEGJ_OPEN_CREATE */
    RECORD_FILE_REMOVE,
    RECORD_FILE_READ,
    RECORD_FILE_READ_DEVICE, /* where the storage below has it */
    RECORD_FILE_WRITE,
    RECORD_FILE_SIZE,
    RECORD_FILE_TRUNCATE,
    RECORD_FILE_SYNC,
    RECORD_FILE_CLOSE,
    RECORD_FILE_WRITE_BACK,
    RECORD_FILE_EVICT,
    RECORD_KINDS
} record_kind_t;

#define RECORD_BIT(kind) (1u << (kind))
/** What changes files and names, or makes changes durable. */
#define RECORD_CHANGES                                                                                                 \
    (RECORD_BIT(RECORD_PARTITION_CREATE) | RECORD_BIT(RECORD_PARTITION_SYNC) | RECORD_BIT(RECORD_PARTITION_REMOVE) |   \
     RECORD_BIT(RECORD_DIRECTORY_SYNC) | RECORD_BIT(RECORD_FILE_CREATE) | RECORD_BIT(RECORD_FILE_REMOVE) |             \
     RECORD_BIT(RECORD_FILE_WRITE) | RECORD_BIT(RECORD_FILE_TRUNCATE) | RECORD_BIT(RECORD_FILE_SYNC))
#define RECORD_ALL (RECORD_BIT(RECORD_KINDS) - 1)
#define RECORD_FOR_GOOD UINT32_MAX

/** A call. `place` is as in the text; offset and size are a transfer's or a hint's range, size alone a truncation's. */
typedef struct record {
    record_kind_t kind;
    char place[64];
    uint64_t offset, size;
    int code; /* its answer; 0 for functions without one */
} record_t;

typedef struct recorder recorder_t;

recorder_t *recorder_new(const segj_storage_t *below);
void recorder_free(recorder_t *recorder); /* NULL is fine */
const segj_storage_t *recorder_storage(const recorder_t *recorder);

/** The next `skip` calls of this kind go through, the `times` behind them answer `code` and do nothing. One plan a
 *  kind: a new one replaces it, times 0 ends it. A kind that answers nothing cannot fail. */
void recorder_fail(recorder_t *recorder, record_kind_t kind, uint32_t skip, uint32_t times, int code);
/** The file_write behind the next `skip` hands its first `bytes` bytes on, and answers `code` all the same. */
void recorder_tear(recorder_t *recorder, uint32_t skip, size_t bytes, int code);

/** `look` is called before every call goes on, with `code` as planned; it may wait, and may use the storage below.
 *  NULL ends it. */
void recorder_watch(recorder_t *recorder, void (*look)(void *context, const record_t *call), void *context);

/** Calls since the last recorder_clear() or assert. */
size_t recorder_count(recorder_t *recorder, record_kind_t kind);
void recorder_clear(recorder_t *recorder); /* the list; plans stay */

/** The calls of the kinds in the mask are these, in this order; forgets all calls. */
#define assert_calls(recorder, mask, text) check_calls((recorder), (mask), (text), __FILE__, __LINE__)
#define assert_changes(recorder, text) assert_calls((recorder), RECORD_CHANGES, (text))
void check_calls(recorder_t *recorder, unsigned mask, const char *text, const char *file, int line);

#endif /* TESTS_SUPPORT_RECORDER_H */
