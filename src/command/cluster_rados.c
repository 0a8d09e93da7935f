/*
 * command/cluster_rados.c: see cluster.h. Of segj-rados, which has librados.
 */
#include "command/cluster.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "segjournal/storage_rados.h"

/* One of the two storages, and what it has opened. */
struct segj_partition {
    const segj_storage_t *storage;
    segj_partition_t *opened;
};

struct segj_file {
    const segj_storage_t *storage;
    segj_file_t *opened;
};

static segj_storage_t *connected; /* NULL: no directory is in a cluster */

/* Which storage a directory is in, and its name there. */
static const segj_storage_t *route(const char **directory)
{
    if (!is_in_cluster(*directory))
        return segj_storage_posix();
    const char *name = strchr(*directory, '/');
    *directory = name != NULL ? name + 1 : "";
    return connected;
}

/* --- partitions --- */

static int cluster_partition_create(void *context, const char *directory, const char *partition)
{
    (void)context;
    const segj_storage_t *storage = route(&directory);
    return storage->partition_create(storage->context, directory, partition);
}

static int cluster_partition_open(void *context, const char *directory, const char *partition,
                                  segj_partition_t **opened)
{
    (void)context;
    segj_partition_t *made = malloc(sizeof *made);
    if (made == NULL)
        return ENOMEM;
    made->storage = route(&directory);
    int code = made->storage->partition_open(made->storage->context, directory, partition, &made->opened);
    if (code == 0)
        *opened = made;
    else
        free(made);
    return code;
}

static int cluster_partition_lock(segj_partition_t *partition, bool exclusive)
{
    return partition->storage->partition_lock(partition->opened, exclusive);
}

static int cluster_partition_unlock(segj_partition_t *partition)
{
    return partition->storage->partition_unlock(partition->opened);
}

static int cluster_partition_list(segj_partition_t *partition, segj_list_visit_t visit, void *visit_context)
{
    return partition->storage->partition_list(partition->opened, visit, visit_context);
}

static int cluster_partition_sync(segj_partition_t *partition)
{
    return partition->storage->partition_sync(partition->opened);
}

static void cluster_partition_close(segj_partition_t *partition)
{
    partition->storage->partition_close(partition->opened);
    free(partition);
}

static int cluster_partition_remove(void *context, const char *directory, const char *partition)
{
    (void)context;
    const segj_storage_t *storage = route(&directory);
    return storage->partition_remove(storage->context, directory, partition);
}

static int cluster_directory_sync(void *context, const char *directory)
{
    (void)context;
    const segj_storage_t *storage = route(&directory);
    return storage->directory_sync(storage->context, directory);
}

static int cluster_partition_beside(segj_partition_t *partition, segj_partition_t *other)
{
    if (partition->storage != other->storage)
        return ESTALE;
    return partition->storage->partition_beside(partition->opened, other->opened);
}

static int cluster_partition_named(segj_partition_t *partition)
{
    return partition->storage->partition_named(partition->opened);
}

static int cluster_partition_remove_open(segj_partition_t *partition)
{
    return partition->storage->partition_remove_open(partition->opened);
}

static int cluster_partition_sync_directory(segj_partition_t *partition)
{
    return partition->storage->partition_sync_directory(partition->opened);
}

static int cluster_directory_check(void *context, const char *directory)
{
    (void)context;
    const segj_storage_t *storage = route(&directory);
    return storage->directory_check(storage->context, directory);
}

static int cluster_partition_holder(segj_partition_t *partition, int64_t *process)
{
    if (partition->storage->partition_holder == NULL)
        return ENOTSUP;
    return partition->storage->partition_holder(partition->opened, process);
}

/* --- files --- */

static int cluster_file_open(segj_partition_t *partition, const char *name, segj_open_mode_t mode, segj_file_t **opened)
{
    segj_file_t *made = malloc(sizeof *made);
    if (made == NULL)
        return ENOMEM;
    made->storage = partition->storage;
    int code = made->storage->file_open(partition->opened, name, mode, &made->opened);
    if (code == 0)
        *opened = made;
    else
        free(made);
    return code;
}

static int cluster_file_remove(segj_partition_t *partition, const char *name)
{
    return partition->storage->file_remove(partition->opened, name);
}

static int cluster_file_read(segj_file_t *file, uint64_t offset, void *buffer, size_t size, size_t *done)
{
    return file->storage->file_read(file->opened, offset, buffer, size, done);
}

static int cluster_file_write(segj_file_t *file, uint64_t offset, const segj_slice_t *slices, size_t count,
                              size_t *done)
{
    return file->storage->file_write(file->opened, offset, slices, count, done);
}

static int cluster_file_size(segj_file_t *file, uint64_t *size)
{
    return file->storage->file_size(file->opened, size);
}

static int cluster_file_truncate(segj_file_t *file, uint64_t size)
{
    return file->storage->file_truncate(file->opened, size);
}

static int cluster_file_sync(segj_file_t *file)
{
    return file->storage->file_sync(file->opened);
}

static void cluster_file_close(segj_file_t *file)
{
    file->storage->file_close(file->opened);
    free(file);
}

static int cluster_file_refresh(segj_file_t *file, bool written)
{
    return file->storage->file_refresh(file->opened, written);
}

static const segj_storage_t routing = {
    .struct_size = sizeof routing,
    .partition_create = cluster_partition_create,
    .partition_open = cluster_partition_open,
    .partition_lock = cluster_partition_lock,
    .partition_unlock = cluster_partition_unlock,
    .partition_list = cluster_partition_list,
    .partition_sync = cluster_partition_sync,
    .partition_close = cluster_partition_close,
    .partition_remove = cluster_partition_remove,
    .directory_sync = cluster_directory_sync,
    .file_open = cluster_file_open,
    .file_remove = cluster_file_remove,
    .file_read = cluster_file_read,
    .file_write = cluster_file_write,
    .file_size = cluster_file_size,
    .file_truncate = cluster_file_truncate,
    .file_sync = cluster_file_sync,
    .file_close = cluster_file_close,
    .partition_beside = cluster_partition_beside,
    .partition_named = cluster_partition_named,
    .partition_remove_open = cluster_partition_remove_open,
    .partition_sync_directory = cluster_partition_sync_directory,
    .directory_check = cluster_directory_check,
    .file_refresh = cluster_file_refresh,
    .partition_holder = cluster_partition_holder,
};

/* --- the connection --- */

/* rados:CLIENT@POOL/NAME in pieces, to be freed; NULL: it is wrong, or there is no memory. */
static char *take_apart(const char *text, const char **client, const char **pool)
{
    char *copy = strdup(text + sizeof CLUSTER_SCHEME - 1);
    char *name = copy != NULL ? strchr(copy, '/') : NULL;
    if (name == NULL || name == copy || name[1] == '\0') {
        free(copy);
        return NULL;
    }
    *name = '\0';
    char *at = strchr(copy, '@');
    *pool = at != NULL ? at + 1 : copy;
    if (at != NULL)
        *at = '\0';
    *client = at != NULL ? copy : "admin";
    return copy;
}

static answer_t connect_to(const options_t *options, const char *text)
{
    segj_storage_rados_options_t how;
    char *copy;
    (void)options;
    segj_storage_rados_options_init(&how);
    copy = take_apart(text, &how.client, &how.pool);
    if (copy == NULL)
        return complain(ANSWER_USAGE, "%s: a journal in a cluster is rados:POOL/NAME, or rados:CLIENT@POOL/NAME", text);
    segj_status_t status = segj_storage_rados_create(&how, &connected);
    free(copy);
    return status == SEGJ_OK ? ANSWER_FINE : complain(ANSWER_FAILED, "%s: %s", text, segj_last_error());
}

/* Both of a command's journals may be in the cluster: in one pool then. */
static bool are_of_two(const char *one, const char *other)
{
    if (!is_in_cluster(one) || !is_in_cluster(other))
        return false;
    size_t size = strcspn(one, "/");
    return size != strcspn(other, "/") || strncmp(one, other, size) != 0;
}

answer_t cluster_begin(options_t *options, char **arguments)
{
    (void)arguments;
    bool first = is_in_cluster(options->directory);
    if (!first && !is_in_cluster(options->range))
        return ANSWER_FINE;
    if (are_of_two(options->directory, options->range))
        return complain(ANSWER_USAGE, "%s and %s are in two pools, or of two clients: copy by way of files",
                        options->directory, options->range);
    answer_t answer = connect_to(options, first ? options->directory : options->range);
    options->storage = answer == ANSWER_FINE ? &routing : NULL;
    return answer;
}

void cluster_end(void)
{
    segj_storage_rados_destroy(connected);
    connected = NULL;
}
