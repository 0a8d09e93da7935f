/*
 * oversized/open.c: the beginning of a journal: the configuration is checked, the partitions that are there are opened and
 * locked, their names are judged, and recover.c does the rest.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "oversized/recover.h"

#define PARTITION_NAME_MAX 255
#define WRITE_BUFFER_MAX ((size_t)1 << 30)
#define CACHE_PAGES_DEFAULT 1024
#define CACHE_PAGES_MAX ((uint32_t)1 << 28)
#define OPEN_FILES_LEAST 4
/* Descriptors that writers leave to readers. */
#define OPEN_FILES_FOR_READERS 2
/* How often a partition that is replaced between its opening and its locking is opened again. */
#define LOCK_TRIES 8

/* The table's first version ended here. */
#define STORAGE_SIZE_LEAST offsetof(segj_storage_t, file_map)

void oversized_config_init(oversized_config_t *config)
{
    if (config == NULL)
        return;
    *config = (oversized_config_t){
        .struct_size = sizeof *config,
        .index_partition = "index",
        .value_partition = "values",
        .page_size = SEGJ_PAGE_SIZE_DEFAULT,
        .page_cache_pages = CACHE_PAGES_DEFAULT,
        .index_write_buffer = (size_t)64 << 10,
        .value_write_buffer = (size_t)1 << 20,
        .write_memory = (size_t)64 << 20,
        .max_value_size = OVERSIZED_VALUE_MAX,
        .max_open_files = 256,
        .quarantine = (uint64_t)256 << 20,
    };
}

/* --- the configuration --- */

static segj_status_t check_name(const char *field, const char *name)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    if (name == NULL || name[0] == '\0')
        return segj_fail(SEGJ_ERR_INVALID, "config.%s is empty", field);
    size_t length = strlen(name);
    size_t good = strspn(name, allowed);
    if (good != length)
        return segj_fail(SEGJ_ERR_INVALID, "config.%s is \"%s\": byte %zu is none of A-Z a-z 0-9 _ -", field, name,
                         good);
    if (length > PARTITION_NAME_MAX)
        return segj_fail(SEGJ_ERR_INVALID, "config.%s has %zu bytes, at most %d are possible", field, length,
                         PARTITION_NAME_MAX);
    return SEGJ_OK;
}

static segj_status_t out_of_range(const char *field, unsigned long long value, const char *range)
{
    return segj_fail(SEGJ_ERR_INVALID, "config.%s is %llu, expected %s", field, value, range);
}

static segj_status_t check_sizes(const oversized_config_t *config)
{
    if (config->entry_size > UINT16_MAX)
        return out_of_range("entry_size", config->entry_size, "0 to 65535");
    if (config->page_cache == NULL && (config->page_cache_pages == 0 || config->page_cache_pages > CACHE_PAGES_MAX))
        return out_of_range("page_cache_pages", config->page_cache_pages, "1 to 2^28");
    if (config->index_write_buffer == 0 || config->index_write_buffer > WRITE_BUFFER_MAX)
        return out_of_range("index_write_buffer", config->index_write_buffer, "1 to 2^30");
    if (config->value_write_buffer == 0 || config->value_write_buffer > WRITE_BUFFER_MAX)
        return out_of_range("value_write_buffer", config->value_write_buffer, "1 to 2^30");
    if (config->write_memory == 0)
        return out_of_range("write_memory", 0, "1 or more");
    if (config->max_value_size > OVERSIZED_VALUE_MAX)
        return out_of_range("max_value_size", config->max_value_size, "0 to 4294967291");
    if (config->max_open_files < OPEN_FILES_LEAST)
        return out_of_range("max_open_files", config->max_open_files, "4 or more");
    if (config->preallocate > WRITE_BUFFER_MAX)
        return out_of_range("preallocate", config->preallocate, "0 to 2^30");
    if (!segj_codec_level_valid(config->compression))
        return segj_fail(SEGJ_ERR_INVALID, "config.compression is %d, zstd has levels %d to %d", config->compression,
                         ZSTD_minCLevel(), ZSTD_maxCLevel());
    return SEGJ_OK;
}

static segj_status_t check_format(const oversized_config_t *config)
{
    bool native = config->format == SEGJ_FORMAT_NATIVE;
    if (!native && config->format != SEGJ_FORMAT_COMMONWARE)
        return out_of_range("format", (unsigned long long)config->format,
                            "SEGJ_FORMAT_NATIVE or SEGJ_FORMAT_COMMONWARE");
    if (!native && config->preallocate > 0)
        return segj_fail(SEGJ_ERR_INVALID, "config.preallocate is %zu: commonware files end with their values",
                         config->preallocate);
    if (!native && config->page_size == 0)
        return segj_fail(SEGJ_ERR_INVALID, "config.page_size is 0: commonware files do not say what theirs is");
    if (!native && config->verify != OVERSIZED_VERIFY_DEFAULT && config->verify != OVERSIZED_VERIFY_RANGES &&
        config->verify != OVERSIZED_VERIFY_TAIL)
        return out_of_range("verify", (unsigned long long)config->verify, "0 to 2");
    if (native && config->verify != OVERSIZED_VERIFY_DEFAULT)
        return segj_fail(SEGJ_ERR_INVALID,
                         "config.verify is %d: the native format knows OVERSIZED_VERIFY_DEFAULT alone",
                         (int)config->verify);
    if (config->page_cache != NULL && config->page_size != 0 &&
        segj_page_cache_page_size(config->page_cache) != config->page_size)
        return segj_fail(SEGJ_ERR_INVALID, "config.page_cache has pages of %u bytes, config.page_size is %u",
                         (unsigned)segj_page_cache_page_size(config->page_cache), (unsigned)config->page_size);
    return SEGJ_OK;
}

static segj_status_t check_checkpoint(const oversized_config_t *config)
{
    const oversized_checkpoint_t *checkpoint = config->checkpoint;
    if (checkpoint == NULL)
        return SEGJ_OK;
    uint32_t record_size = config->entry_size + OVERSIZED_LOCATION_SIZE;
    if (checkpoint->oldest > checkpoint->section)
        return segj_fail(SEGJ_ERR_INVALID, "config.checkpoint: oldest, %llu, is above section, %llu",
                         (unsigned long long)checkpoint->oldest, (unsigned long long)checkpoint->section);
    if (checkpoint->index_size % record_size != 0)
        return segj_fail(SEGJ_ERR_INVALID, "config.checkpoint: index_size, %llu, is no multiple of the record size, %u",
                         (unsigned long long)checkpoint->index_size, (unsigned)record_size);
    return SEGJ_OK;
}

static segj_status_t check_storage(const segj_storage_t *storage)
{
    if (storage == NULL)
        return SEGJ_OK;
    if (storage->struct_size < STORAGE_SIZE_LEAST)
        return segj_fail(SEGJ_ERR_INVALID, "config.storage has struct_size %zu, expected %zu or more",
                         storage->struct_size, STORAGE_SIZE_LEAST);
    if (storage->partition_create == NULL || storage->partition_open == NULL || storage->partition_lock == NULL ||
        storage->partition_unlock == NULL || storage->partition_list == NULL || storage->partition_sync == NULL ||
        storage->partition_close == NULL || storage->partition_remove == NULL || storage->directory_sync == NULL ||
        storage->file_open == NULL || storage->file_remove == NULL || storage->file_read == NULL ||
        storage->file_write == NULL || storage->file_size == NULL || storage->file_truncate == NULL ||
        storage->file_sync == NULL || storage->file_close == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "config.storage lacks a function; only hints may be NULL");
    return SEGJ_OK;
}

static segj_status_t check_config(const oversized_config_t *config)
{
    if (config->struct_size != sizeof *config)
        return segj_fail(SEGJ_ERR_INVALID,
                         "config.struct_size is %zu, expected %zu: begin with oversized_config_init() of this version",
                         config->struct_size, sizeof *config);
    if (config->directory == NULL || config->directory[0] == '\0')
        return segj_fail(SEGJ_ERR_INVALID, "config.directory is empty");
    segj_status_t status = check_name("index_partition", config->index_partition);
    if (status == SEGJ_OK)
        status = check_name("value_partition", config->value_partition);
    if (status == SEGJ_OK && strcmp(config->index_partition, config->value_partition) == 0)
        status = segj_fail(SEGJ_ERR_INVALID, "config.index_partition and config.value_partition are both \"%s\"",
                           config->index_partition);
    if (status == SEGJ_OK)
        status = check_sizes(config);
    if (status == SEGJ_OK)
        status = check_format(config);
    if (status == SEGJ_OK)
        status = check_checkpoint(config);
    return status == SEGJ_OK ? check_storage(config->storage) : status;
}

/* --- the partitions --- */

/* Opens and locks a partition; *missing is no failure. */
static segj_status_t open_part(segj_part_t *part, bool read_only, bool *missing)
{
    for (int i = 0; i < LOCK_TRIES; i++) {
        bool replaced = false;
        segj_status_t status = segj_part_open(part, missing);
        if (status != SEGJ_OK || *missing)
            return status;
        status = segj_part_lock(part, !read_only, &replaced);
        if (status == SEGJ_OK && !replaced)
            return SEGJ_OK;
        segj_part_close(part);
        if (status != SEGJ_OK)
            return status;
    }
    return segj_fail(SEGJ_ERR_LOCKED, "%s/%s: the partition was replaced %d times while it was being locked",
                     part->directory, part->name, LOCK_TRIES);
}

typedef struct listing {
    uint64_t *index, *values;
    size_t index_count, value_count;
} listing_t;

segj_status_t segj_part_make(segj_part_t *part)
{
    bool missing = false;
    if (part->opened != NULL)
        return SEGJ_OK;
    segj_status_t status = segj_part_create(part);
    if (status == SEGJ_OK)
        status = open_part(part, false, &missing);
    if (status == SEGJ_OK && missing)
        status =
            segj_fail(SEGJ_ERR_IO, "%s/%s: the partition went away after it was made", part->directory, part->name);
    return status;
}

/* One partition is there, with `sections` files, and the other one is not: a mistyped name, an unmounted volume. */
static segj_status_t judge_missing(const oversized_config_t *config, const segj_part_t *missing,
                                   const segj_part_t *other, size_t sections)
{
    if (sections > 0)
        return segj_fail(SEGJ_ERR_MISMATCH, "%s/%s is missing, while %s holds %zu sections", missing->directory,
                         missing->name, other->name, sections);
    if (config->read_only || config->must_exist)
        return segj_fail(SEGJ_ERR_NOT_FOUND, "%s/%s: there is no journal", missing->directory, missing->name);
    return SEGJ_OK;
}

static segj_status_t open_parts(oversized_t *journal, const oversized_config_t *config, listing_t *listing)
{
    segj_part_t *index = &journal->env.index;
    segj_part_t *values = &journal->env.values;
    bool no_index = false;
    bool no_values = false;
    segj_status_t status = open_part(index, config->read_only, &no_index);
    if (status == SEGJ_OK)
        status = open_part(values, config->read_only, &no_values);
    if (status == SEGJ_OK && !no_index)
        status = segj_part_sections(index, &listing->index, &listing->index_count);
    if (status == SEGJ_OK && !no_values)
        status = segj_part_sections(values, &listing->values, &listing->value_count);
    if (status == SEGJ_OK && no_index)
        status = judge_missing(config, index, values, listing->value_count);
    if (status == SEGJ_OK && no_values)
        status = judge_missing(config, values, index, listing->index_count);
    return status;
}

/* --- the journal --- */

static char *copy_text(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);
    if (copy != NULL)
        memcpy(copy, text, size);
    return copy;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static segj_status_t make_memory(oversized_t *journal, const oversized_config_t *config)
{
    segj_env_t *env = &journal->env;
    journal->directory = copy_text(config->directory);
    journal->index_name = copy_text(config->index_partition);
    journal->value_name = copy_text(config->value_partition);
    journal->record = malloc(env->record_size);
    if (journal->directory == NULL || journal->index_name == NULL || journal->value_name == NULL ||
        journal->record == NULL)
        return segj_fail_memory(env->record_size);
    env->index =
        (segj_part_t){.storage = &journal->storage, .directory = journal->directory, .name = journal->index_name};
    env->values =
        (segj_part_t){.storage = &journal->storage, .directory = journal->directory, .name = journal->value_name};
    return SEGJ_OK;
}

static segj_status_t make_scratch(segj_env_t *env)
{
    size_t size = segj_page_physical(env->page_size);
    env->scratch = malloc(size);
    return env->scratch != NULL ? SEGJ_OK : segj_fail_memory(size);
}

/* Buffers shrink to what write_memory allows, so that a few sections fit it side by side. */
static void size_buffers(segj_env_t *env, const oversized_config_t *config)
{
    size_t share = config->write_memory / 4;
    env->budget.limit = config->write_memory;
    env->pages = (segj_pool_t){.state = &env->state, .budget = &env->budget};
    env->frames = env->pages;
    env->pages.capacity =
        segj_paged_capacity(env->page_size, env->record_size, smaller(config->index_write_buffer, share));
    env->frames.capacity = smaller(config->value_write_buffer, share);
}

static segj_status_t make_cache(oversized_t *journal, const oversized_config_t *config)
{
    segj_env_t *env = &journal->env;
    if (config->page_cache == NULL)
        return segj_page_cache_create(env->page_size, config->page_cache_pages, &env->cache);
    if (segj_page_cache_page_size(config->page_cache) != env->page_size)
        return segj_fail(SEGJ_ERR_INVALID, "config.page_cache has pages of %u bytes, the journal in %s of %u",
                         (unsigned)segj_page_cache_page_size(config->page_cache), journal->directory,
                         (unsigned)env->page_size);
    segj_page_cache_retain(config->page_cache);
    env->cache = config->page_cache;
    return SEGJ_OK;
}

static void set_fields(oversized_t *journal, const oversized_config_t *config)
{
    segj_env_t *env = &journal->env;
    const segj_storage_t *storage = config->storage != NULL ? config->storage : segj_storage_posix();
    memcpy(&journal->storage, storage, smaller(storage->struct_size, sizeof journal->storage));
    journal->entry_size = config->entry_size;
    journal->max_value_size = config->max_value_size;
    journal->read_only = config->read_only;
    journal->verify_tail = config->verify == OVERSIZED_VERIFY_TAIL;
    journal->codec.level = config->compression;
    journal->flusher.on = config->parallel_flush;
    journal->writers_limit = (config->max_open_files - OPEN_FILES_FOR_READERS) / 2;
    env->record_size = config->entry_size + OVERSIZED_LOCATION_SIZE;
    env->page_size = config->page_size;
    env->preallocate = config->preallocate;
    env->format = config->format;
    env->checksum = config->format == SEGJ_FORMAT_NATIVE ? SEGJ_CHECKSUM_PLACED : SEGJ_CHECKSUM_PLAIN;
    env->log = config->log;
    env->log_context = config->log_context;
    env->files = (segj_files_t){.state = &env->state,
                                .changed = &env->changed,
                                .mode = config->read_only ? SEGJ_OPEN_READ : SEGJ_OPEN_WRITE,
                                .limit = config->max_open_files};
    env->maps = (segj_maps_t){.state = &env->state,
                              .storage = &journal->storage,
                              .on = config->map_values && segj_io_can_map(&journal->storage)};
}

static segj_status_t open_journal(oversized_t *journal, const oversized_config_t *config)
{
    segj_env_t *env = &journal->env;
    listing_t listing = {NULL, NULL, 0, 0};
    set_fields(journal, config);
    segj_status_t status = make_memory(journal, config);
    if (status == SEGJ_OK)
        status = open_parts(journal, config, &listing);
    if (status == SEGJ_OK && env->page_size == 0) {
        status = segj_scan_page_size(&env->index, listing.index, listing.index_count, &env->page_size);
        if (env->page_size == 0)
            env->page_size = SEGJ_PAGE_SIZE_DEFAULT;
    }
    if (status == SEGJ_OK)
        status = make_cache(journal, config);
    if (status == SEGJ_OK)
        status = make_scratch(env);
    if (status == SEGJ_OK) {
        size_buffers(env, config);
        status = segj_recover(journal, config, listing.index, listing.index_count, listing.values, listing.value_count);
    }
    free(listing.index);
    free(listing.values);
    return status;
}

segj_status_t oversized_open(const oversized_config_t *config, oversized_t **opened)
{
    if (opened != NULL)
        *opened = NULL;
    if (config == NULL || opened == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "oversized_open: %s is NULL", config == NULL ? "config" : "journal");
    segj_status_t status = check_config(config);
    if (status != SEGJ_OK)
        return segj_context(status, "oversized_open");
    oversized_t *journal = calloc(1, sizeof *journal);
    if (journal == NULL)
        return segj_fail_memory(sizeof *journal);
    if (!segj_mutex_init(&journal->change) || !segj_mutex_init(&journal->env.state) ||
        !segj_cond_init(&journal->env.changed) || !segj_flusher_init(&journal->flusher)) {
        free(journal);
        return segj_fail_memory(sizeof *journal);
    }
    status = open_journal(journal, config);
    if (status != SEGJ_OK) {
        segj_journal_free(journal);
        return status;
    }
    *opened = journal;
    return SEGJ_OK;
}
