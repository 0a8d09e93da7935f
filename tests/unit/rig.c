/* unit/rig.c: see the header. */
#include "unit/rig.h"

#include <stdlib.h>
#include <string.h>

#include "paged/page_format.h"

static const char directory[] = "rig";

static void count_line(void *context, segj_log_level_t level, const char *message)
{
    (void)level;
    assert_non_null(message);
    ++*(int *)context;
}

static segj_io_partition_t open_partition(const rig_t *rig, const char *name)
{
    segj_io_partition_t partition = {.storage = recorder_storage(rig->recorder), .directory = directory, .name = name};
    bool missing = true;
    assert_ok(segj_partition_create(&partition));
    assert_ok(segj_partition_open(&partition, &missing));
    assert_false(missing);
    return partition;
}

static rig_sizes_t with_defaults(rig_sizes_t sizes)
{
    sizes.page_size = sizes.page_size != 0 ? sizes.page_size : SMALL_PAGE;
    sizes.record_size = sizes.record_size != 0 ? sizes.record_size : SMALL_RECORD;
    sizes.index_capacity = sizes.index_capacity != 0 ? sizes.index_capacity : 4 * segj_page_physical(sizes.page_size);
    sizes.value_capacity = sizes.value_capacity != 0 ? sizes.value_capacity : 256;
    sizes.files_limit = sizes.files_limit != 0 ? sizes.files_limit : 8;
    sizes.cache_pages = sizes.cache_pages != 0 ? sizes.cache_pages : 8;
    return sizes;
}

rig_t *rig_new(rig_sizes_t sizes)
{
    rig_t *rig = calloc(1, sizeof *rig);
    assert_non_null(rig);
    sizes = with_defaults(sizes);
    assert_ok(segj_storage_memory_create(&rig->memory));
    rig->recorder = recorder_new(rig->memory);
    segj_shared_t *shared = &rig->shared;
    assert_true(segj_state_init(&shared->state));
    assert_true(segj_cond_init(&shared->changed));
    shared->index = open_partition(rig, "index");
    shared->values = open_partition(rig, "values");
    shared->files = (segj_files_t){.state = &shared->state, .changed = &shared->changed};
    segj_files_bound(&shared->files, sizes.files_limit);
    shared->budget.limit = SIZE_MAX;
    shared->pages = (segj_pool_t){.state = &shared->state, .budget = &shared->budget, .capacity = sizes.index_capacity};
    shared->frames =
        (segj_pool_t){.state = &shared->state, .budget = &shared->budget, .capacity = sizes.value_capacity};
    assert_ok(segj_page_cache_create(sizes.page_size, sizes.cache_pages, &shared->cache));
    shared->record_size = sizes.record_size;
    shared->page_size = sizes.page_size;
    shared->scratch = malloc(segj_page_physical(sizes.page_size));
    assert_non_null(shared->scratch);
    atomic_init(&shared->poisoned, false);
    shared->log = count_line;
    shared->log_context = &rig->logged;
    recorder_clear(rig->recorder);
    return rig;
}

void rig_free(rig_t *rig)
{
    segj_shared_t *shared = &rig->shared;
    assert_int_equal(shared->files.open, 0);
    segj_pool_free(&shared->pages);
    segj_pool_free(&shared->frames);
    assert_int_equal(shared->budget.used, 0); /* every buffer was a spare one by now */
    segj_page_cache_release(shared->cache);
    free(shared->scratch);
    segj_partition_close(&shared->index);
    segj_partition_close(&shared->values);
    segj_cond_destroy(&shared->changed);
    segj_state_destroy(&shared->state);
    recorder_free(rig->recorder);
    segj_storage_memory_destroy(rig->memory);
    free(rig);
}

/* A file of the storage below, and how to get there. */
typedef struct raw {
    const segj_storage_t *storage;
    segj_partition_t *partition;
    segj_file_t *file;
} raw_t;

static raw_t raw_open(const rig_t *rig, const segj_io_partition_t *partition, uint64_t section)
{
    raw_t raw = {.storage = rig->memory};
    char name[SEGJ_NAME_LENGTH + 1];
    segj_section_name(section, name);
    assert_int_equal(raw.storage->partition_open(raw.storage->context, directory, partition->name, &raw.partition), 0);
    assert_int_equal(raw.storage->file_open(raw.partition, name, SEGJ_OPEN_WRITE, &raw.file), 0);
    return raw;
}

static void raw_close(raw_t raw)
{
    raw.storage->file_close(raw.file);
    raw.storage->partition_close(raw.partition);
}

bytes_t rig_read(rig_t *rig, const segj_io_partition_t *partition, uint64_t section)
{
    raw_t raw = raw_open(rig, partition, section);
    uint64_t size = 0;
    size_t done = 0;
    assert_int_equal(raw.storage->file_size(raw.file, &size), 0);
    bytes_t bytes = {malloc((size_t)size + 1), (size_t)size};
    assert_non_null(bytes.data);
    assert_int_equal(raw.storage->file_read(raw.file, 0, bytes.data, bytes.size, &done), 0);
    assert_int_equal(done, bytes.size);
    raw_close(raw);
    return bytes;
}

void rig_write(rig_t *rig, const segj_io_partition_t *partition, uint64_t section, uint64_t offset, const void *data,
               size_t size)
{
    raw_t raw = raw_open(rig, partition, section);
    segj_slice_t slice = {data, size};
    size_t done = 0;
    assert_int_equal(raw.storage->file_write(raw.file, offset, &slice, 1, &done), 0);
    assert_int_equal(done, size);
    raw_close(raw);
}

void rig_cut(rig_t *rig, const segj_io_partition_t *partition, uint64_t section, uint64_t size)
{
    raw_t raw = raw_open(rig, partition, section);
    assert_int_equal(raw.storage->file_truncate(raw.file, size), 0);
    raw_close(raw);
}

segj_io_file_t rig_create(rig_t *rig, const segj_io_partition_t *partition, uint64_t section)
{
    segj_io_file_t file;
    assert_ok(segj_io_open(&file, partition, section, SEGJ_OPEN_CREATE, NULL));
    recorder_clear(rig->recorder);
    return file;
}
