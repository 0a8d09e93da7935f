/* rados/rados_partition.c: partitions: an object whose keys are the names of files, and one of a directory that lists them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rados/rados_batch.h"
#include "rados/rados_file.h"
#include "rados/rados_lease.h"

#define PARTITION_KEY "p:"

static int list_in_directory(segj_rados_t *store, const char *directory, const char *partition, bool there)
{
    segj_rados_name_t object;
    segj_rados_name_t key = PARTITION_KEY;
    int code = segj_rados_directory_name(object, directory);
    if (code != 0)
        return code;
    memcpy(key + sizeof PARTITION_KEY - 1, partition, strlen(partition) + 1);
    const char *const removed[] = {key, NULL};
    segj_rados_change_t change = {.object = object, .make = there};
    if (there)
        change.key_set[0] = (segj_rados_pair_t){key, "1"};
    else
        change.keys_removed = removed;
    code = store->seam.change(store->seam.context, &change);
    return code == ENOENT && !there ? 0 : code;
}

/* What a lock has made of a partition that was removed is taken as missing. */
static int make_partition(segj_rados_t *store, const char *object)
{
    const segj_rados_seam_t *seam = &store->seam;
    segj_rados_digits_t id;
    segj_rados_digits_t epoch;
    uint64_t number = 0;
    int code = seam->random(seam->context, &number);
    segj_rados_digits(id, number);
    segj_rados_digits(epoch, 1);
    segj_rados_change_t change = {
        .object = object, .create = true, .set = {{SEGJ_RADOS_ID, id}, {SEGJ_RADOS_EPOCH, epoch}}};
    if (code == 0)
        code = seam->change(seam->context, &change);
    if (code != EEXIST)
        return code;
    change.create = false;
    change.compare[0] = (segj_rados_compare_t){.name = SEGJ_RADOS_ID, .value = ""};
    code = seam->change(seam->context, &change);
    return code == ECANCELED ? 0 : code; /* it is there */
}

int segj_rados_partition_create(void *context, const char *directory, const char *partition)
{
    segj_rados_t *store = context;
    segj_rados_name_t object;
    char id[SEGJ_RADOS_VALUE];
    int code = segj_rados_partition_name(object, directory, partition);
    if (code != 0)
        return code;
    code = store->seam.get(store->seam.context, object, SEGJ_RADOS_ID, id);
    if (code != ENOENT && code != ENODATA)
        return code;
    code = list_in_directory(store, directory, partition, true);
    return code == 0 ? make_partition(store, object) : code;
}

int segj_rados_partition_open(void *context, const char *directory, const char *partition, segj_partition_t **opened)
{
    segj_rados_name_t object;
    segj_partition_t *made = calloc(1, sizeof *made);
    if (made == NULL)
        return ENOMEM;
    int code = segj_rados_partition_name(object, directory, partition);
    if (code == 0)
        code = segj_rados_lease_make(context, object, &made->lease);
    if (code != 0) {
        free(made);
        return code;
    }
    memcpy(made->directory, directory, strlen(directory) + 1);
    memcpy(made->name, partition, strlen(partition) + 1);
    *opened = made;
    return 0;
}

int segj_rados_partition_lock(segj_partition_t *partition, bool exclusive)
{
    return segj_rados_lease_lock(partition->lease, exclusive);
}

int segj_rados_partition_unlock(segj_partition_t *partition)
{
    return segj_rados_lease_unlock(partition->lease);
}

struct listing {
    segj_list_visit_t visit;
    void *context;
    int stopped;
};

static int list_one(void *argument, const char *key, const char *value)
{
    struct listing *listing = argument;
    (void)value;
    listing->stopped = listing->visit(listing->context, key + sizeof SEGJ_RADOS_NAMED - 1, SEGJ_ENTRY_FILE);
    return listing->stopped;
}

int segj_rados_partition_list(segj_partition_t *partition, segj_list_visit_t visit, void *visit_context)
{
    segj_rados_lease_t *lease = partition->lease;
    const segj_rados_seam_t *seam = &lease->store->seam;
    struct listing listing = {.visit = visit, .context = visit_context};
    int code = segj_rados_lease_named(lease);
    if (code == 0)
        code = seam->keys(seam->context, lease->object, SEGJ_RADOS_NAMED, list_one, &listing);
    if (listing.stopped != 0)
        return listing.stopped;
    return code == ENOENT || code == ESTALE ? 0 : code; /* one that was removed has no names */
}

/* Names are durable when they are made. */
int segj_rados_partition_sync(segj_partition_t *partition)
{
    (void)partition;
    return 0;
}

void segj_rados_partition_close(segj_partition_t *partition)
{
    if (!segj_rados_is_childs(partition->lease->store))
        segj_rados_lease_detach(partition->lease);
    free(partition);
}

/* Objects of files that are to go would be nobody's afterwards. */
static int sweep_one(void *argument, const char *key, const char *value)
{
    const segj_rados_lease_t *lease = argument;
    (void)value;
    segj_lock(&lease->store->mutex);
    bool open = segj_rados_node_find(lease->store, lease->object, key + 2) != NULL;
    segj_unlock(&lease->store->mutex);
    return open ? 0 : segj_rados_sweep(lease->store, lease->object, key + 2);
}

int segj_rados_partition_remove_open(segj_partition_t *partition)
{
    segj_rados_lease_t *lease = partition->lease;
    segj_rados_t *store = lease->store;
    int code = segj_rados_lease_named(lease);
    if (code == 0)
        code = store->seam.keys(store->seam.context, lease->object, SEGJ_RADOS_DROPPED, sweep_one, lease);
    if (code == 0)
        code = store->seam.remove_empty(store->seam.context, lease->object, lease->id, SEGJ_RADOS_NAMED);
    return code == 0 ? list_in_directory(store, partition->directory, partition->name, false) : code;
}

int segj_rados_partition_remove(void *context, const char *directory, const char *partition)
{
    segj_partition_t *opened = NULL;
    int code = segj_rados_partition_open(context, directory, partition, &opened);
    if (code != 0)
        return code;
    code = segj_rados_partition_remove_open(opened);
    segj_rados_partition_close(opened);
    return code == ESTALE ? ENOENT : code;
}

int segj_rados_partition_beside(segj_partition_t *partition, segj_partition_t *other)
{
    return strcmp(partition->directory, other->directory) == 0 ? 0 : ESTALE;
}

int segj_rados_partition_named(segj_partition_t *partition)
{
    return segj_rados_lease_named(partition->lease);
}

int segj_rados_partition_sync_directory(segj_partition_t *partition)
{
    (void)partition;
    return 0;
}

int segj_rados_directory_sync(void *context, const char *directory)
{
    segj_rados_t *store = context;
    segj_rados_name_t object;
    uint64_t size = 0;
    int code = segj_rados_directory_name(object, directory);
    return code == 0 ? store->seam.size(store->seam.context, object, &size) : code;
}
