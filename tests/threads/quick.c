/* threads/quick.c: see the header. */
#include "threads/quick.h"

#include <stdlib.h>

#include "support/layered.h"

static atomic_size_t open_files;
static atomic_size_t most_files;

static int quick_file_sync(segj_file_t *file)
{
    (void)file;
    return 0;
}

static int quick_partition_sync(segj_partition_t *partition)
{
    (void)partition;
    return 0;
}

static int quick_directory_sync(void *context, const char *directory)
{
    (void)context;
    (void)directory;
    return 0;
}

static int quick_file_open(segj_partition_t *partition, const char *name, segj_open_mode_t mode, segj_file_t **opened)
{
    int code = tested_storage()->file_open(partition, name, mode, opened);
    if (code != 0)
        return code;
    size_t now = atomic_fetch_add_explicit(&open_files, 1, memory_order_relaxed) + 1;
    size_t most = atomic_load_explicit(&most_files, memory_order_relaxed);
    while (now > most &&
           !atomic_compare_exchange_weak_explicit(&most_files, &most, now, memory_order_relaxed, memory_order_relaxed))
        continue;
    return 0;
}

static void quick_file_close(segj_file_t *file)
{
    tested_storage()->file_close(file);
    atomic_fetch_sub_explicit(&open_files, 1, memory_order_relaxed);
}

const segj_storage_t *quick_storage(void)
{
    static segj_storage_t storage;
    if (storage.struct_size == 0) {
        storage = *tested_storage();
        storage.file_sync = quick_file_sync;
        storage.partition_sync = quick_partition_sync;
        storage.directory_sync = quick_directory_sync;
        storage.file_open = quick_file_open;
        storage.file_close = quick_file_close;
        storage.file_write_back = NULL;
        storage.opener = NULL; /* one opener, and no file but those of sections */
    }
    return &storage;
}

size_t quick_open_files(void)
{
    return atomic_load(&open_files);
}

size_t quick_most_files(void)
{
    return atomic_load(&most_files);
}

void quick_reset(void)
{
    atomic_store(&most_files, atomic_load(&open_files));
}

int place_set_up(void **state)
{
    place_t *place = calloc(1, sizeof *place);
    assert_non_null(place);
    place->root = make_temp_directory();
    small_config(&place->config, place->root.text);
    place->config.storage = quick_storage();
    quick_reset();
    *state = place;
    return 0;
}

int place_tear_down(void **state)
{
    place_t *place = *state;
    if (place->journal != NULL)
        oversized_abandon(place->journal);
    remove_tree(place->root.text);
    free(place);
    return 0;
}

void place_open(place_t *place)
{
    assert_ok(oversized_open(&place->config, &place->journal));
}

void place_close(place_t *place)
{
    assert_ok(oversized_close(place->journal));
    place->journal = NULL;
}

void place_reopen(place_t *place)
{
    if (place->journal != NULL)
        place_close(place);
    assert_int_equal(quick_open_files(), place->beside);
    place->config.strict = true;
    place_open(place);
    const oversized_recovery_t *recovery = oversized_recovery(place->journal);
    assert_int_equal(recovery->records_dropped, 0);
    assert_int_equal(recovery->index_bytes_truncated + recovery->value_bytes_truncated, 0);
}
