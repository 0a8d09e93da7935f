/*
 * oversized/open/config.c: the configuration: its defaults, and what of it is refused.
 */
#include "oversized/open/config.h"

#include <string.h>
#include <zstd.h>

#include "base/bytes.h"

#define OPEN_PARTITION_NAME_MAX 255
#define WRITE_BUFFER_MAX ((size_t)1 << 30)
#define CACHE_PAGES_DEFAULT 1024
#define CACHE_PAGES_MAX ((uint32_t)1 << 28)
#define DICTIONARY_LEAST 8 /* zstd passes over shorter ones */

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
        .preallocate = SEGJ_PREALLOCATE_AUTO,
        .quarantine = (uint64_t)256 << 20,
    };
}

segj_status_t oversized_checkpoint_at(const oversized_config_t *config, uint64_t oldest, uint64_t section,
                                      uint64_t records, oversized_checkpoint_t *checkpoint)
{
    if (config == NULL || checkpoint == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "oversized_checkpoint_at: %s is NULL",
                         config == NULL ? "config" : "checkpoint");
    uint64_t record_size = (uint64_t)config->entry_size + OVERSIZED_LOCATION_SIZE;
    uint64_t size;
    if (!segj_mul_u64(records, record_size, &size))
        return segj_fail(SEGJ_ERR_INVALID,
                         "oversized_checkpoint_at: %llu records of %llu bytes are more than 2^64 - 1 bytes",
                         (unsigned long long)records, (unsigned long long)record_size);
    *checkpoint = (oversized_checkpoint_t){.oldest = oldest, .section = section, .index_size = size};
    return SEGJ_OK;
}

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
    if (length > OPEN_PARTITION_NAME_MAX)
        return segj_fail(SEGJ_ERR_INVALID, "config.%s has %zu bytes, at most %d bytes are possible", field, length,
                         OPEN_PARTITION_NAME_MAX);
    return SEGJ_OK;
}

static segj_status_t out_of_range(const char *field, unsigned long long value, const char *range)
{
    return segj_fail(SEGJ_ERR_INVALID, "config.%s is %llu, expected %s", field, value, range);
}

static segj_status_t check_sizes(const oversized_config_t *config)
{
    if (config->entry_size > UINT16_MAX)
        return out_of_range("entry_size", config->entry_size, "0 to 65535 bytes");
    if (config->page_cache == NULL && (config->page_cache_pages == 0 || config->page_cache_pages > CACHE_PAGES_MAX))
        return out_of_range("page_cache_pages", config->page_cache_pages, "1 to 2^28 pages");
    if (config->index_write_buffer == 0 || config->index_write_buffer > WRITE_BUFFER_MAX)
        return out_of_range("index_write_buffer", config->index_write_buffer, "1 to 2^30 bytes");
    if (config->value_write_buffer == 0 || config->value_write_buffer > WRITE_BUFFER_MAX)
        return out_of_range("value_write_buffer", config->value_write_buffer, "1 to 2^30 bytes");
    if (config->write_memory == 0)
        return out_of_range("write_memory", 0, "1 byte or more");
    if (config->max_value_size > OVERSIZED_VALUE_MAX)
        return out_of_range("max_value_size", config->max_value_size, "0 to 4294967291 bytes");
    if (config->max_open_files < OPEN_FILES_LEAST)
        return out_of_range("max_open_files", config->max_open_files, "4 descriptors or more");
    if (config->preallocate > WRITE_BUFFER_MAX && config->preallocate != SEGJ_PREALLOCATE_AUTO)
        return out_of_range("preallocate", config->preallocate, "0 to 2^30 bytes, or SEGJ_PREALLOCATE_AUTO");
    if (config->compression_threads > SEGJ_CREW_MOST)
        return out_of_range("compression_threads", config->compression_threads, "0 to 64 threads");
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
    if (!native && config->preallocate > 0 && config->preallocate != SEGJ_PREALLOCATE_AUTO)
        return segj_fail(SEGJ_ERR_INVALID, "config.preallocate is %zu bytes: commonware files end with their values",
                         config->preallocate);
    if (!native && config->page_size == 0)
        return segj_fail(SEGJ_ERR_INVALID, "config.page_size is 0: commonware files do not say what theirs is");
    if (!native && config->verify != OVERSIZED_VERIFY_DEFAULT && config->verify != OVERSIZED_VERIFY_RANGES &&
        config->verify != OVERSIZED_VERIFY_TAIL)
        return out_of_range("verify", (unsigned long long)config->verify, "0 to 2");
    if (config->hole != OVERSIZED_HOLE_REFUSE && (native || config->hole != OVERSIZED_HOLE_CUT))
        return out_of_range("hole", (unsigned long long)config->hole, native ? "0 (native format)" : "0 or 1");
    if (config->orphans != OVERSIZED_ORPHANS_JUDGE &&
        (!native || (config->orphans != OVERSIZED_ORPHANS_REBUILD && config->orphans != OVERSIZED_ORPHANS_REMOVE)))
        return out_of_range("orphans", (unsigned long long)config->orphans,
                            native ? "0 to 2" : "0 (commonware format)");
    if (config->commonware_header > (native ? 0 : 1))
        return out_of_range("commonware_header", config->commonware_header, native ? "0 (native format)" : "0 or 1");
    if (native && config->verify != OVERSIZED_VERIFY_DEFAULT)
        return segj_fail(SEGJ_ERR_INVALID,
                         "config.verify is %d: the native format knows OVERSIZED_VERIFY_DEFAULT alone",
                         (int)config->verify);
    if (config->native_version > (native ? 2 : 0))
        return out_of_range("native_version", config->native_version, native ? "0 to 2" : "0 (commonware format)");
    if (config->page_cache != NULL && config->page_size != 0 &&
        segj_page_cache_page_size(config->page_cache) != config->page_size)
        return segj_fail(SEGJ_ERR_INVALID, "config.page_cache has pages of %u bytes, config.page_size is %u bytes",
                         (unsigned)segj_page_cache_page_size(config->page_cache), (unsigned)config->page_size);
    return SEGJ_OK;
}

static segj_status_t check_dictionary(const oversized_config_t *config)
{
    const char *field = config->dictionary_size > 0 ? "dictionary" : "auto_dictionary";
    if (config->dictionary_size == 0 && config->auto_dictionary == 0)
        return SEGJ_OK;
    if (config->dictionary_size > 0 && config->dictionary == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "config.dictionary is NULL, config.dictionary_size is %zu bytes",
                         config->dictionary_size);
    if (config->dictionary_size > OVERSIZED_DICTIONARY_MAX ||
        (config->dictionary_size > 0 && config->dictionary_size < DICTIONARY_LEAST))
        return out_of_range("dictionary_size", config->dictionary_size, "0, or 8 to 262144 bytes");
    if (config->auto_dictionary > OVERSIZED_DICTIONARY_MAX ||
        (config->auto_dictionary > 0 && config->auto_dictionary < OVERSIZED_DICTIONARY_TRAINED_MIN))
        return out_of_range("auto_dictionary", config->auto_dictionary, "0, or 256 to 262144 bytes");
    if (config->compression == 0)
        return segj_fail(SEGJ_ERR_INVALID,
                         "config.%s is set, and config.compression is 0: new sections would not be compressed", field);
    if (config->format != SEGJ_FORMAT_NATIVE || config->native_version == 1)
        return segj_fail(SEGJ_ERR_INVALID,
                         "config.%s is set, and config.%s: sections of version 2 of the native format alone have "
                         "dictionaries",
                         field,
                         config->format != SEGJ_FORMAT_NATIVE ? "format is the commonware one" : "native_version is 1");
    return SEGJ_OK;
}

static segj_status_t check_sector(const oversized_config_t *config)
{
    uint32_t size = config->sector_size;
    if (size == 0)
        return SEGJ_OK;
    if (size < SEGJ_SECTOR_LEAST || size > SEGJ_SECTOR_MOST || (size & (size - 1)) != 0)
        return out_of_range("sector_size", size, "0, or a power of two from 512 to 65536 bytes");
    if (config->format != SEGJ_FORMAT_NATIVE || config->native_version == 1)
        return segj_fail(SEGJ_ERR_INVALID,
                         "config.sector_size is %u bytes, and config.%s: sections of version 2 of the native format "
                         "alone keep values apart",
                         (unsigned)size,
                         config->format != SEGJ_FORMAT_NATIVE ? "format is the commonware one" : "native_version is 1");
    return SEGJ_OK;
}

static segj_status_t check_counts(const oversized_config_t *config)
{
    const char *name = config->counts_partition;
    if (name == NULL)
        return SEGJ_OK;
    if (config->format == SEGJ_FORMAT_NATIVE)
        return segj_fail(SEGJ_ERR_INVALID, "config.counts_partition is \"%s\": the native format has no such partition",
                         name);
    if (name[0] == '\0')
        return SEGJ_OK;
    segj_status_t status = check_name("counts_partition", name);
    if (status == SEGJ_OK && (strcmp(name, config->index_partition) == 0 || strcmp(name, config->value_partition) == 0))
        status = segj_fail(SEGJ_ERR_INVALID, "config.counts_partition and config.%s are both \"%s\"",
                           strcmp(name, config->index_partition) == 0 ? "index_partition" : "value_partition", name);
    return status;
}

static segj_status_t check_checkpoint(const oversized_config_t *config)
{
    const oversized_checkpoint_t *checkpoint = config->checkpoint;
    if (checkpoint == NULL)
        return SEGJ_OK;
    if (config->bound != NULL)
        return segj_fail(SEGJ_ERR_INVALID, "config.bound and config.checkpoint are both set: each says what stays");
    uint32_t record_size = config->entry_size + OVERSIZED_LOCATION_SIZE;
    if (checkpoint->oldest > checkpoint->section)
        return segj_fail(SEGJ_ERR_INVALID, "config.checkpoint: oldest, %llu, is above section, %llu",
                         (unsigned long long)checkpoint->oldest, (unsigned long long)checkpoint->section);
    if (checkpoint->index_size % record_size != 0)
        return segj_fail(SEGJ_ERR_INVALID,
                         "config.checkpoint: index_size, %llu bytes, is no multiple of the record size, %u bytes",
                         (unsigned long long)checkpoint->index_size, (unsigned)record_size);
    return SEGJ_OK;
}

static segj_status_t check_storage(const segj_storage_t *storage)
{
    if (storage == NULL)
        return SEGJ_OK;
    if (storage->struct_size < STORAGE_SIZE_LEAST)
        return segj_fail(SEGJ_ERR_INVALID, "config.storage has a struct_size of %zu bytes, expected %zu bytes or more",
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

static segj_status_t check_mode(const oversized_config_t *config)
{
    const segj_storage_t *storage = config->storage;
    if (config->file_mode == 0)
        return SEGJ_OK;
    if ((config->file_mode & ~0666u) != 0 || (config->file_mode & 0600u) != 0600u)
        return segj_fail(SEGJ_ERR_INVALID,
                         "config.file_mode is %#o, expected 0, or some of 0666 with 0600 among them, as 0640",
                         config->file_mode);
    if (storage != NULL && (!SEGJ_STORAGE_HAS(storage, partition_create_mode) || !SEGJ_STORAGE_HAS(storage, file_mode)))
        return segj_fail(SEGJ_ERR_INVALID, "config.file_mode is %#o, and config.storage sets no modes",
                         config->file_mode);
    return SEGJ_OK;
}

segj_status_t segj_config_check_size(const oversized_config_t *config)
{
    if (config->struct_size == sizeof *config)
        return SEGJ_OK;
    return segj_fail(
        SEGJ_ERR_INVALID,
        "config.struct_size is %zu bytes, expected %zu bytes: begin with oversized_config_init() of this version",
        config->struct_size, sizeof *config);
}

void segj_config_to_look(const oversized_config_t *given, oversized_config_t *config)
{
    oversized_config_init(config);
    config->directory = given->directory;
    config->index_partition = given->index_partition;
    config->value_partition = given->value_partition;
    config->storage = given->storage;
    config->log = given->log;
    config->log_context = given->log_context;
    config->progress = given->progress;
    config->progress_context = given->progress_context;
    config->entry_size = given->entry_size;
    config->format = given->format;
    if (given->page_size != 0)
        config->page_size = given->page_size;
    config->read_only = true;
}

segj_status_t segj_config_check(const oversized_config_t *config)
{
    segj_status_t status = segj_config_check_size(config);
    if (status != SEGJ_OK)
        return status;
    if (config->directory == NULL || config->directory[0] == '\0')
        return segj_fail(SEGJ_ERR_INVALID, "config.directory is empty");
    status = check_name("index_partition", config->index_partition);
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
        status = check_dictionary(config);
    if (status == SEGJ_OK)
        status = check_sector(config);
    if (status == SEGJ_OK)
        status = check_counts(config);
    if (status == SEGJ_OK)
        status = check_checkpoint(config);
    if (status == SEGJ_OK)
        status = check_storage(config->storage);
    return status == SEGJ_OK ? check_mode(config) : status;
}
