/*
 * rados/pond/pond.h: a cluster in memory beneath the storage's own code (rados/rados_seam.h), for crashes. Its objects are what
 * is acknowledged, which no crash takes; changes that were started are queued by object, and are done when the storage
 * waits for one of them. When a client dies, of each object's queue a beginning is done and the rest is not, whatever
 * becomes of other objects.
 *
 * It has the face of support/simdisk.h: a program that is linked with it instead runs the crash explorer (crash/explore.h)
 * over the cluster. A unit is a change that is under way; kept are those that `keep` keeps, and whose object's earlier ones
 * are kept as well.
 *
 * Clients. A storage is a client's. pond_client() makes another one of the same cluster. What a client that was stopped has
 * started stays under way, and can be done at any later time.
 */
#ifndef TESTS_RADOS_POND_H
#define TESTS_RADOS_POND_H

#include "support/simdisk.h"

/** Bytes of objects: small, so that files have several. */
enum { POND_CHUNK = 4096 };

typedef struct pond pond_t;

pond_t *pond_new(void);
void pond_free(pond_t *pond);
/** Another client's storage, to be freed before the pond. */
segj_storage_t *pond_client(pond_t *pond);
void pond_client_free(segj_storage_t *client);
/** The client is stopped: all locks run out, and what it has started stays under way. */
void pond_stop(segj_storage_t *client);
/** Changes of the client that are under way. */
size_t pond_under_way(const segj_storage_t *client);
/** Does the oldest ones; the client is told. Gives how many of them were refused. */
size_t pond_deliver(segj_storage_t *client, size_t count);
/** From now on whatever of the client's changes is waited for is answered by this code, and stays under way, for pond_deliver: it
 *  may be done yet. 0: no more. */
void pond_answer(segj_storage_t *client, int code);
/** The cluster has no room for this client's bytes and objects; names and removals go on. */
void pond_full(segj_storage_t *client, bool full);
/** Called before each change of the client. */
void pond_on_change(segj_storage_t *client, void (*hook)(void *context), void *context);
/** Objects beneath a disk. */
size_t simdisk_objects(const simdisk_t *disk);
/** Objects of files that have no name, and whose removal nobody has noted. */
size_t pond_orphans(const pond_t *pond);
/** A number for all objects: bytes, keys and attributes. */
uint64_t pond_hash(const pond_t *pond);

#endif
