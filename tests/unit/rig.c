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

static segj_part_t open_part(const rig_t *rig, const char *name)
{
    segj_part_t part = {.storage = recorder_storage(rig->recorder), .directory = directory, .name = name};
    bool missing = true;
    assert_ok(segj_part_create(&part));
    assert_ok(segj_part_open(&part, &missing));
    assert_false(missing);
    return part;
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
    segj_env_t *env = &rig->env;
    assert_true(segj_mutex_init(&env->state));
    assert_true(segj_cond_init(&env->changed));
    env->index = open_part(rig, "index");
    env->values = open_part(rig, "values");
    env->files = (segj_files_t){.state = &env->state, .changed = &env->changed};
    segj_files_bound(&env->files, sizes.files_limit);
    env->budget.limit = SIZE_MAX;
    env->pages = (segj_pool_t){.state = &env->state, .budget = &env->budget, .capacity = sizes.index_capacity};
    env->frames = (segj_pool_t){.state = &env->state, .budget = &env->budget, .capacity = sizes.value_capacity};
    assert_ok(segj_page_cache_create(sizes.page_size, sizes.cache_pages, &env->cache));
    env->record_size = sizes.record_size;
    env->page_size = sizes.page_size;
    env->scratch = malloc(segj_page_physical(sizes.page_size));
    assert_non_null(env->scratch);
    atomic_init(&env->poisoned, false);
    env->log = count_line;
    env->log_context = &rig->logged;
    recorder_clear(rig->recorder);
    return rig;
}

void rig_free(rig_t *rig)
{
    segj_env_t *env = &rig->env;
    assert_int_equal(env->files.open, 0);
    segj_pool_free(&env->pages);
    segj_pool_free(&env->frames);
    assert_int_equal(env->budget.used, 0); /* every buffer was a spare one by now */
    segj_page_cache_release(env->cache);
    free(env->scratch);
    segj_part_close(&env->index);
    segj_part_close(&env->values);
    segj_cond_destroy(&env->changed);
    segj_mutex_destroy(&env->state);
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

static raw_t raw_open(const rig_t *rig, const segj_part_t *part, uint64_t section)
{
    raw_t raw = {.storage = rig->memory};
    char name[SEGJ_NAME_LENGTH + 1];
    segj_section_name(section, name);
    assert_int_equal(raw.storage->partition_open(raw.storage->context, directory, part->name, &raw.partition), 0);
    assert_int_equal(raw.storage->file_open(raw.partition, name, SEGJ_OPEN_WRITE, &raw.file), 0);
    return raw;
}

static void raw_close(raw_t raw)
{
    raw.storage->file_close(raw.file);
    raw.storage->partition_close(raw.partition);
}

bytes_t rig_read(rig_t *rig, const segj_part_t *part, uint64_t section)
{
    raw_t raw = raw_open(rig, part, section);
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

void rig_write(rig_t *rig, const segj_part_t *part, uint64_t section, uint64_t offset, const void *data, size_t size)
{
    raw_t raw = raw_open(rig, part, section);
    segj_slice_t slice = {data, size};
    size_t done = 0;
    assert_int_equal(raw.storage->file_write(raw.file, offset, &slice, 1, &done), 0);
    assert_int_equal(done, size);
    raw_close(raw);
}

void rig_cut(rig_t *rig, const segj_part_t *part, uint64_t section, uint64_t size)
{
    raw_t raw = raw_open(rig, part, section);
    assert_int_equal(raw.storage->file_truncate(raw.file, size), 0);
    raw_close(raw);
}

segj_io_file_t rig_create(rig_t *rig, const segj_part_t *part, uint64_t section)
{
    segj_io_file_t file;
    assert_ok(segj_io_open(&file, part, section, SEGJ_OPEN_CREATE, NULL));
    recorder_clear(rig->recorder);
    return file;
}
