/* rados/rados_storage.c: making and ending the storage (segjournal/storage_rados.h). */
#include "segjournal/storage_rados.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/process.h"
#include "rados/rados_file.h"
#include "rados/rados_librados.h"

#define OBJECT_LEAST ((uint32_t)64 << 10)
#define OBJECT_MOST ((uint32_t)64 << 20)

void segj_storage_rados_options_init(segj_storage_rados_options_t *options)
{
    if (options != NULL)
        *options = (segj_storage_rados_options_t){.struct_size = sizeof *options,
                                                  .client = "admin",
                                                  .object_size = (uint32_t)4 << 20,
                                                  .lock_seconds = 10,
                                                  .timeout_seconds = 60};
}

static bool make_tick(segj_cond_t *tick)
{
    pthread_condattr_t kind;
    if (pthread_condattr_init(&kind) != 0)
        return false;
    bool made = pthread_condattr_setclock(&kind, CLOCK_MONOTONIC) == 0 && pthread_cond_init(tick, &kind) == 0;
    (void)pthread_condattr_destroy(&kind);
    return made;
}

static void fill_table(segj_rados_t *store)
{
    store->storage = (segj_storage_t){
        .struct_size = sizeof store->storage,
        .context = store,
        .partition_create = segj_rados_partition_create,
        .partition_open = segj_rados_partition_open,
        .partition_lock = segj_rados_partition_lock,
        .partition_unlock = segj_rados_partition_unlock,
        .partition_list = segj_rados_partition_list,
        .partition_sync = segj_rados_partition_sync,
        .partition_close = segj_rados_partition_close,
        .partition_remove = segj_rados_partition_remove,
        .directory_sync = segj_rados_directory_sync,
        .file_open = segj_rados_file_open,
        .file_remove = segj_rados_file_remove,
        .file_read = segj_rados_file_read,
        .file_write = segj_rados_file_write,
        .file_size = segj_rados_file_size,
        .file_truncate = segj_rados_file_truncate,
        .file_sync = segj_rados_file_sync,
        .file_close = segj_rados_file_close,
        .partition_beside = segj_rados_partition_beside,
        .partition_named = segj_rados_partition_named,
        .partition_remove_open = segj_rados_partition_remove_open,
        .partition_sync_directory = segj_rados_partition_sync_directory,
        .directory_check = segj_rados_directory_sync,
        .file_refresh = segj_rados_file_refresh,
        .file_hand_over = segj_rados_file_sync, /* what the cluster has acknowledged it has on its disks */
    };
}

segj_rados_t *segj_rados_make(const segj_rados_seam_t *seam, uint32_t object_size, uint32_t lock_seconds)
{
    segj_rados_t *store = calloc(1, sizeof *store);
    if (store == NULL)
        return NULL;
    bool mutex = segj_mutex_init(&store->mutex);
    bool changed = mutex && segj_cond_init(&store->changed);
    if (!changed || !make_tick(&store->tick)) {
        if (changed)
            segj_cond_destroy(&store->changed);
        if (mutex)
            segj_mutex_destroy(&store->mutex);
        free(store);
        return NULL;
    }
    store->seam = *seam;
    store->object_size = object_size;
    store->lock_seconds = lock_seconds;
    store->process = segj_process_id();
    fill_table(store);
    return store;
}

void segj_rados_free(segj_rados_t *store)
{
    segj_lock(&store->mutex);
    store->ends = true;
    segj_wake_all(&store->tick);
    bool renews = store->renews;
    segj_unlock(&store->mutex);
    if (renews)
        segj_thread_join(store->renewer);
    if (store->seam.close != NULL)
        store->seam.close(store->seam.context);
    segj_cond_destroy(&store->tick);
    segj_cond_destroy(&store->changed);
    segj_mutex_destroy(&store->mutex);
    free(store);
}

static segj_status_t out_of_range(const char *name, uint32_t value, const char *range)
{
    return segj_fail(SEGJ_ERR_INVALID, "rados: options.%s is %u: %s", name, (unsigned)value, range);
}

static segj_status_t check(const segj_storage_rados_options_t *options)
{
    uint32_t size = options->object_size;
    if (options->struct_size != sizeof *options)
        return segj_fail(SEGJ_ERR_INVALID, "rados: the options were not made by segj_storage_rados_options_init()");
    if (options->pool == NULL || options->pool[0] == '\0')
        return segj_fail(SEGJ_ERR_INVALID, "rados: options.pool is not set");
    if (options->client == NULL || options->client[0] == '\0')
        return segj_fail(SEGJ_ERR_INVALID, "rados: options.client is not set");
    if (size < OBJECT_LEAST || size > OBJECT_MOST || (size & (size - 1)) != 0)
        return out_of_range("object_size", size, "a power of two from 65536 to 67108864 is wanted");
    if (options->lock_seconds < 2 || options->lock_seconds > 3600)
        return out_of_range("lock_seconds", options->lock_seconds, "2 to 3600 seconds");
    if (options->timeout_seconds < 5 || options->timeout_seconds > 86400)
        return out_of_range("timeout_seconds", options->timeout_seconds, "5 to 86400 seconds");
    return SEGJ_OK;
}

segj_status_t segj_storage_rados_create(const segj_storage_rados_options_t *options, segj_storage_t **storage)
{
    segj_rados_seam_t seam;
    if (options == NULL || storage == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "rados: options or storage is NULL");
    segj_status_t status = check(options);
    if (status == SEGJ_OK)
        status = segj_rados_connect(options, &seam);
    if (status != SEGJ_OK)
        return status;
    segj_rados_t *store = segj_rados_make(&seam, options->object_size, options->lock_seconds);
    if (store == NULL) {
        seam.close(seam.context);
        return segj_fail_memory(sizeof *store);
    }
    *storage = &store->storage;
    return SEGJ_OK;
}

void segj_storage_rados_destroy(segj_storage_t *storage)
{
    if (storage != NULL && !segj_rados_is_childs((segj_rados_t *)(void *)storage))
        segj_rados_free((segj_rados_t *)(void *)storage);
}
