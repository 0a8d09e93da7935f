/*
 * rados/cluster.h: a cluster for tests: the one in the directory that SEGJ_CEPH names, which sh cmake/ceph.sh has started.
 */
#ifndef TESTS_RADOS_CLUSTER_H
#define TESTS_RADOS_CLUSTER_H

#include <stdbool.h>
#include <stdint.h>

#include "segjournal/storage_rados.h"

/** Whether there is one; else says so, and the program answers 77. */
bool cluster_is_there(void);
/** Options for it: client.segj, pool segj, objects of 64 KiB, locks of 10 seconds, and patience. */
segj_storage_rados_options_t cluster_options(void);
/** A storage, or the test fails. */
segj_storage_t *cluster_storage(const segj_storage_rados_options_t *options);
/** A directory that no test has had, of at most 40 bytes. */
const char *cluster_directory(char room[64]);
/** Runs `sh cmake/ceph.sh COMMAND WHO` on it. */
void cluster_do(const char *command, const char *who);

/** A number for all bytes, epochs and names of a directory's objects. */
uint64_t cluster_hash(const char *directory);
/** Somebody has the lock of a partition's object. */
bool cluster_is_locked(const char *object);
/** Breaks the lock of a partition's object, as an operator does; false: nobody holds it. */
bool cluster_break_lock(const char *object);

/** A bound for something that takes less than so many seconds on a machine that does nothing else: more, where the cluster
 *  takes its time now, or took it when this was asked before. */
double cluster_bound(double seconds);

/** A place (unit/place.h) in it. */
int make_cluster_place(void **state);
int drop_cluster_place(void **state);

#endif
