/*
 * rados/cluster.h: a cluster for tests: the one in the directory that SEGJ_CEPH names, which sh cmake/ceph.sh has started.
 */
#ifndef TESTS_RADOS_CLUSTER_H
#define TESTS_RADOS_CLUSTER_H

#include "segjournal/storage_rados.h"

/** Whether there is one; else says so, and the program answers 77. */
bool cluster_is_there(void);
/** Options for it: client.segj, pool segj, short timeouts. */
segj_storage_rados_options_t cluster_options(void);
/** A storage, or the test fails. */
segj_storage_t *cluster_storage(const segj_storage_rados_options_t *options);
/** A directory that no test has had, of at most 40 bytes. */
const char *cluster_directory(char room[64]);
/** Runs `sh cmake/ceph.sh COMMAND WHO` on it. */
void cluster_do(const char *command, const char *who);

/** A place (unit/place.h) in it. */
int make_cluster_place(void **state);
int drop_cluster_place(void **state);

#endif
