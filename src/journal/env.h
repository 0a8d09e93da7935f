/*
 * journal/env.h: what all sections of a journal share.
 *
 * Locks. `change` serialises changes and is the journal's own (oversized/journal.h). `state` guards what readers see:
 * counts, chains, descriptors, the table of sections; it is never held while the storage works. `change` comes first.
 */
#ifndef SEGJ_JOURNAL_ENV_H
#define SEGJ_JOURNAL_ENV_H

#include <stdatomic.h>

#include "base/thread.h"
#include "checksum/kind.h"
#include "journal/files.h"
#include "journal/maps.h"
#include "journal/owner.h"
#include "paged/page_cache.h"
#include "paged/write_buffer.h"
#include "segjournal/oversized.h"

/** How a poisoned journal speaks of the cause: the sentence of the first failure. */
#define SEGJ_POISON_CAPACITY 1024

struct segj_env {
    segj_mutex_t state;
    segj_cond_t changed; /* a sync has ended, a descriptor or a section has become free */
    segj_part_t index, values;
    segj_files_t files;
    segj_maps_t maps;
    segj_budget_t budget;
    segj_pool_t pages;  /* buffers of index files */
    segj_pool_t frames; /* buffers of values files */
    segj_page_cache_t *cache;
    uint8_t *scratch; /* a physical page, for whoever cuts: a cut that has begun must not want memory */
    segj_format_t format;
    segj_checksum_kind_t checksum; /* of pages and frames: the format's */
    uint32_t record_size;
    uint16_t page_size;
    size_t preallocate;   /* zeros kept behind the values of a section that is synced again and again */
    atomic_bool poisoned; /* set once, after the text */
    int poison_code;      /* the errno behind it, or 0 */
    char poison[SEGJ_POISON_CAPACITY];
    void (*log)(void *context, segj_log_level_t level, const char *message);
    void *log_context;
    segj_owner_t owner;
};

/** Poisons the journal: nobody knows any more what the disk holds. Keeps the first cause, the thread's last error.
 *  Gives the status back. Without the state lock. */
segj_status_t segj_env_poison(segj_env_t *env, segj_status_t status);

/** Says a line to the application, if it listens. Without the state lock. */
void segj_env_log(const segj_env_t *env, segj_log_level_t level, const char *format, ...) SEGJ_PRINTF(3, 4);

/** The same of what goes as it should, for whoever follows the journal's work; nothing is put together where nobody
 *  does. */
#define segj_env_trace(env, level, ...)                                                                                \
    do {                                                                                                               \
        if ((env)->log != NULL)                                                                                        \
            segj_env_log(env, level, __VA_ARGS__);                                                                     \
    } while (0)

#endif
