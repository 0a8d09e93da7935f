/*
 * command/cluster.h: directories that are in a Ceph cluster: rados:POOL/NAME, or rados:CLIENT@POOL/NAME for another
 * client than client.admin. Where the command line has one, all its directories go through one storage, which hands
 * each call on to files or to the cluster.
 */
#ifndef SEGJ_COMMAND_CLUSTER_H
#define SEGJ_COMMAND_CLUSTER_H

#include <string.h>

#include "command/command.h"

#define CLUSTER_SCHEME "rados:"

static inline bool is_in_cluster(const char *directory)
{
    return directory != NULL && strncmp(directory, CLUSTER_SCHEME, sizeof CLUSTER_SCHEME - 1) == 0;
}

/** Sets options->storage where a directory of the command line is in a cluster. A program that was built without
 *  librados becomes segj-rados then, which lies beside it, with the same arguments (of main()). */
answer_t cluster_begin(options_t *options, char **arguments);
/** Ends the connection. */
void cluster_end(void);

#endif
