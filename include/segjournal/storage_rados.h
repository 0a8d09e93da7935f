/**
 * @file segjournal/storage_rados.h
 * A storage in a Ceph cluster: journals whose bytes are objects of a RADOS pool (librados).
 *
 * Link segjournal::rados, which is built where librados was found (CMake: SEGJ_RADOS); this header needs nothing of
 * Ceph. config.directory then names a journal within the pool: any text without ':' and of at most 512 bytes.
 *
 * The pool is a replicated one. The client needs the capabilities mon 'allow r' and osd 'allow rwx pool=POOL' (x is
 * for locks). Of Ceph's settings timeouts are set by the options, objecter_timeout to 1 and objecter_tick_interval to
 * 0.5 (a change that was sent to an OSD which has died goes on sooner); all others are the configuration's.
 *
 * Durability. file_sync waits until every member of the acting set has the bytes on its disk. Writes are started by
 * file_write, and go on while the application does.
 *
 * What was only appended is in the process's memory until the cluster has it, and dies with the process.
 * oversized_flush() waits until it has: here it costs what oversized_sync() costs.
 *
 * Owners. Who opens a journal for writing holds locks with a duration, which a thread renews, and has a number (an
 * epoch) that the cluster compares in every change. Another opener gets SEGJ_ERR_LOCKED as long as the locks are
 * renewed. When their owner has died, or did not run for `lock_seconds`, the next one takes them with a higher
 * number. From then on the cluster refuses every change of the former owner, also one that was under way: the call that
 * finds this out answers SEGJ_ERR_LOCKED, and poisons the journal. Nothing rests on clocks that agree.
 *
 * Failures. As long as a placement group has not enough members, changes and reads wait, for `timeout_seconds` at
 * most. A change that has not been answered by then may be done or not: SEGJ_ERR_IO, and nothing more is changed
 * through this opening; open the journal again. A full pool is SEGJ_ERR_NO_SPACE.
 *
 * Files that were removed keep working for those who have them open in the same process. Others get ESTALE. Forks: a
 * child of fork closes what it has inherited. It makes no storage of its own: librados gives children the address of
 * their parent, and the cluster takes them for one client. What wants one is a program that is executed.
 */
#ifndef SEGJOURNAL_STORAGE_RADOS_H
#define SEGJOURNAL_STORAGE_RADOS_H

#include <stddef.h>
#include <stdint.h>

#include "segjournal/status.h"
#include "segjournal/storage.h"

#ifdef __cplusplus
extern "C" {
#endif
SEGJ_EXPORT_BEGIN

/** @defgroup segj_storage_rados A storage in a Ceph cluster
 *  @{ */

/** How a cluster is reached. Made by segj_storage_rados_options_init(). */
typedef struct segj_storage_rados_options {
    size_t struct_size; /**< set by segj_storage_rados_options_init() */
    /** The name of the pool, which exists. Must be set. */
    const char *pool;
    /** The client's name without "client.", "admin" by default. */
    const char *client;
    /** The cluster's configuration: a file. NULL: where Ceph's commands look ($CEPH_CONF, /etc/ceph/ceph.conf). */
    const char *configuration;
    /** Settings of Ceph beside the file's: names and values in turn, with a NULL at the end; NULL: none. */
    const char *const *settings;
    /** The size of objects: a power of two from 64 KiB to 64 MiB, 4 MiB by default. Files keep the one they were made
     *  with. */
    uint32_t object_size;
    /** How long a lock lasts that is not renewed: 2 to 3600 seconds, 10 by default. It is renewed three times as often.
     *  A journal whose owner was killed can be opened after so long. */
    uint32_t lock_seconds;
    /** How long a call waits for the cluster: 5 to 86400 seconds, 60 by default. */
    uint32_t timeout_seconds;
} segj_storage_rados_options_t;

/** Sets the defaults. */
void segj_storage_rados_options_init(segj_storage_rados_options_t *options);

/**
 * Connects to a cluster. The storage has threads and connections of its own (some 15 threads); one serves any number of
 * journals of a pool. Any thread.
 * Errors: SEGJ_ERR_INVALID (an option; Ceph does not know a setting), SEGJ_ERR_NOT_FOUND (there is no such pool),
 * SEGJ_ERR_IO (no quorum answers within the timeout, or the client is not let in), SEGJ_ERR_MEMORY.
 */
SEGJ_MUST_CHECK segj_status_t segj_storage_rados_create(const segj_storage_rados_options_t *options,
                                                        segj_storage_t **storage);

/** Ends the connection, after every journal in the storage was closed. NULL is fine. */
void segj_storage_rados_destroy(segj_storage_t *storage);

/** @} */

SEGJ_EXPORT_END
#ifdef __cplusplus
}
#endif

#endif /* SEGJOURNAL_STORAGE_RADOS_H */
