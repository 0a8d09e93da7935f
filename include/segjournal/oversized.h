/**
 * @file segjournal/oversized.h
 * A journal of large values that gives back exactly what was synced, whatever the power does.
 *
 * A *journal* holds numbered *sections*. A section is a list of *records*, and records are appended
 * at its end. A record is an *entry* of fixed size, which is the application's own bytes, and the
 * *location* of a *value* of any size. The entries of a section lie in its index file, in pages with
 * checksums. Its values lie in its values file, each in a *frame* with a checksum, and compressed
 * where the configuration says so. Each section has one pair of files. The name "oversized" stands
 * for the two together: values that are too large for a page of the index.
 *
 *     oversized_config_t config;
 *     oversized_config_init(&config);
 *     config.directory = "data";
 *     config.entry_size = 8;
 *     oversized_t *journal;
 *     if (oversized_open(&config, &journal) != SEGJ_OK)
 *         die(segj_last_error());
 *     oversized_append(journal, 7, "entry-01", value, value_size, &position, &location);
 *     oversized_sync(journal, 7);                    // from here on the record survives a power cut
 *     oversized_read(journal, 7, position, entry, &buffer);
 *     oversized_close(journal);
 *
 * Arguments. The journal comes first, then the section, then the position or the location, then
 * inputs, then outputs. A call writes its outputs on success only. An output may be NULL where the
 * text says so. These outputs are also written on failure: a handle (journal, caller, writer,
 * reader, replay, page cache, storage in memory) becomes NULL, a segj_buffer_t becomes empty, a view
 * shows nothing, a flag becomes false, and values that are read together have a status each.
 *
 * Results. A call returns SEGJ_OK, SEGJ_END where the text says so, or an error. After an error, segj_last_error()
 * gives a sentence. A failed call has changed nothing that can be seen, unless it is SEGJ_ERR_POISONED from then on
 * (see Poison). Each call lists its errors. Every call may also return SEGJ_ERR_INVALID, for an argument that can never
 * be right. Where SEGJ_ERR_IO is listed, the storage chooses between it, SEGJ_ERR_NO_SPACE and SEGJ_ERR_MEMORY
 * (storage.h).
 *
 * Durability. Nothing is durable before a sync of its section (or oversized_sync_all, a rewind or a close) has returned
 * SEGJ_OK. A sync covers one section. After a power cut section 8 may hold records while the end of section 7 is lost.
 * Where that matters, sync the old section before you start the next one. A killed process loses what the library still
 * held in memory. oversized_flush() hands that to the system without a sync. Only a power cut or a crash of the system
 * can take it then.
 *
 * File size limits. Warning: a write beyond the process' limit (RLIMIT_FSIZE, "ulimit -f") raises SIGXFSZ in the thread
 * that makes the call. That ends the process unless the application ignores or handles the signal. An application under
 * such a limit calls signal(SIGXFSZ, SIG_IGN). The write then fails, and the call returns SEGJ_ERR_NO_SPACE. The
 * library sets no signal handlers.
 *
 * Poison. A journal is poisoned when the library cannot know what the disk holds: an fsync failed, or a rewind, a prune
 * or the creation of a section failed half way, or another writer has opened the journal past locks that do not
 * exclude. Every change then returns SEGJ_ERR_POISONED, reads still work, and nothing more is written. Close the
 * journal and open it again: the open recovers it.
 *
 * Threads. Any call may be made from any thread at any time, except that close, abandon and destroy
 * come last. The library serialises changes. Readers run at the same time as each other and as a
 * change. A sync keeps no lock while the storage works. The sentence of an error belongs to the
 * thread that made the call. Goroutines and tasks, which move between threads, and all who share a
 * thread use callers (oversized_caller_open()). Calls are not signal-safe. A thread needs 32 KiB of
 * stack.
 *
 * Handles. Do not use a handle after its end. A call with a handle that has ended returns SEGJ_ERR_INVALID as long as
 * its memory has not been reused. A library that is built with assertions aborts instead.
 *
 * Forks. A journal belongs to the process that opened it. In a child every call is SEGJ_ERR_INVALID ("opened by process
 * N"), reads included, because a lock may be held there for ever by a thread that does not exist in the child. This
 * also holds for calls of what was made from the journal. Nothing waits, and no byte and no lock is touched. In a
 * child, close, abandon and destroy free the child's memory and descriptors and do no more; close and destroy return
 * SEGJ_ERR_INVALID. What another thread was changing at the moment of the fork stays allocated. The ends of writers,
 * readers, replays, views and callers work. A view shows what it showed until it is released. A replay may give what it
 * has already read. The parent's lock ends with the parent's close, whatever children there are. Where the parent ends
 * without a close, its children hold the lock until they close or abandon the journal, call exec, or end. A child may
 * open journals of its own; the parent's journal is SEGJ_ERR_LOCKED for it. Children of vfork make no call.
 *
 * Limits. Sections have the numbers 0 to UINT64_MAX. Entries have 0 to 65,535 bytes, values 0 to
 * 2^32 - 5 bytes, files at most 2^63 - 1 bytes.
 */
#ifndef SEGJOURNAL_OVERSIZED_H
#define SEGJOURNAL_OVERSIZED_H

#include "segjournal/oversized/append.h"
#include "segjournal/oversized/config.h"
#include "segjournal/oversized/dictionary.h"
#include "segjournal/oversized/failures.h"
#include "segjournal/oversized/open.h"
#include "segjournal/oversized/page_cache.h"
#include "segjournal/oversized/read.h"
#include "segjournal/oversized/replay.h"
#include "segjournal/oversized/sections.h"
#include "segjournal/oversized/sync.h"
#include "segjournal/status.h"
#include "segjournal/storage.h"

#endif /* SEGJOURNAL_OVERSIZED_H */
