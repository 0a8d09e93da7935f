/*
 * journal/shared.h: what all sections of a journal share.
 *
 * Locks. `change` serialises changes and is the journal's own (oversized/journal.h). `state` guards what readers see:
 * counts, chains, descriptors, the table of sections; it is never held while the storage works. `change` comes first.
 */
#ifndef SEGJ_JOURNAL_SHARED_H
#define SEGJ_JOURNAL_SHARED_H

#include <stdatomic.h>

#include "base/gate.h"
#include "base/thread.h"
#include "checksum/kind.h"
#include "journal/counts.h"
#include "journal/files.h"
#include "journal/hold.h"
#include "journal/maps.h"
#include "journal/owner.h"
#include "paged/page_cache.h"
#include "paged/write_buffer.h"
#include "segjournal/oversized.h"

/** Bytes of the poison cause: the sentence of the first failure. */
#define SEGJ_POISON_CAPACITY 1024

struct segj_fixed;

/** A values file whose buffer is full, and is written by whoever has filled it, after it has given up the change
 *  lock. */
typedef struct segj_full {
    uint64_t section;
    bool there;
} segj_full_t;

struct segj_shared {
    segj_state_t state;
    segj_cond_t changed; /* a sync has ended, a descriptor or a section has become free */
    segj_io_partition_t index, values;
    segj_files_t files;
    segj_maps_t maps;
    segj_budget_t budget;
    segj_pool_t pages;  /* buffers of index files */
    segj_pool_t frames; /* buffers of values files */
    segj_page_cache_t *cache;
    atomic_uint_fast64_t pages_read; /* into it, because they were not there */
    uint8_t *scratch;                /* a physical page, for cuts: a cut that has begun must not need memory */
    uint8_t *head;                   /* of a frame, while it is put in place: the change lock's */
    uint64_t salts_made;             /* likewise */
    segj_format_t format;
    segj_checksum_kind_t checksum; /* of pages and frames: the format's */
    uint32_t record_size;
    uint16_t page_size;
    uint8_t native_version; /* of new sections */
    bool removal_marked;    /* there is the mark of a removal, durably: the removal's that is under way, or open's */
    /** Version 2: makes the first `length` bytes of an index page from the frames. Without the state lock. */
    segj_status_t (*remake_page)(segj_shared_t *shared, struct segj_fixed *fixed, uint64_t page, uint8_t *bytes,
                                 uint16_t length);
    atomic_uint_fast64_t gaps; /* bytes that keep frames apart, of those appended: changed by who has the change lock */
    uint32_t sector_size;      /* by which new sections keep frames apart, 0: they do not */
    size_t preallocate;        /* zeros kept after the values of a section that is synced again and again */
    atomic_bool poisoned;      /* set once, after the text */
    int poison_code;           /* the errno from which it came, or 0 */
    char poison[SEGJ_POISON_CAPACITY];
    void (*log)(void *context, segj_log_level_t level, const char *message);
    void *log_context;
    segj_owner_t owner;
    segj_hold_t hold;          /* commonware */
    segj_counts_t counts;      /* commonware: of an archive; under change */
    const segj_gate_t *change; /* the change lock; NULL: there is none */
    segj_full_t full;
    uint64_t new_data; /* commonware: where the data of new files begins */
};

/** Poisons the journal, because it is unknown what the disk holds. Keeps the first cause, the thread's last error.
 *  Gives the status back. Without the state lock. */
SEGJ_WITHOUT_STATE segj_status_t segj_shared_poison(segj_shared_t *shared, segj_status_t status);

/** Hands a line to the application's log function, if there is one. Without the state lock. */
SEGJ_WITHOUT_STATE void segj_shared_log(const segj_shared_t *shared, segj_log_level_t level, const char *format, ...)
    SEGJ_PRINTF(3, 4);

/** The same for normal operation (DEBUG and INFO). Without a log function no text is formatted. */
#define segj_shared_trace(shared, level, ...)                                                                          \
    do {                                                                                                               \
        if ((shared)->log != NULL)                                                                                     \
            segj_shared_log(shared, level, __VA_ARGS__);                                                               \
    } while (0)

#endif
