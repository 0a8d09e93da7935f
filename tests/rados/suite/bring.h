/* rados/suite/bring.h: files that a test has made, changed or removed are brought to the cluster (rados/suite/shadow.c). */
#ifndef TESTS_RADOS_SUITE_BRING_H
#define TESTS_RADOS_SUITE_BRING_H

#include "rados/cluster.h"
#include "support/support.h"

/** The cluster's side of the shadow. */
extern segj_storage_t *cluster;

/** Has the partition's file of a name be as the file at a path. */
void bring_file(segj_partition_t *objects, const char *path, const char *name);
/** Has a partition hold the regular files of a directory's partition, and nothing else. */
void bring_all(const char *directory, const char *partition, segj_partition_t *objects);

/** Whether the names, sizes and times of a partition's files are as they were when it was noted. */
bool is_as_left(const char *path);
void note_left(const char *path);

#endif
