/*
 * oversized/open.c: the beginning of a journal: the configuration is checked, the partitions that are there are opened
 * and locked, their names are judged, and recover.c does the rest.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/bytes.h"
#include "oversized/recover.h"

#define OPEN_PARTITION_NAME_MAX 255
#define WRITE_BUFFER_MAX ((size_t)1 << 30)
#define CACHE_PAGES_DEFAULT 1024
#define CACHE_PAGES_MAX ((uint32_t)1 << 28)
#define OPEN_FILES_LEAST 4
/* Of the descriptors that the system has left, the application keeps a quarter, and no more than this. */
#define OPEN_FILES_SPARED 32
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
    if (length > OPEN_PARTITION_NAME_MAX)
        return segj_fail(SEGJ_ERR_INVALID, "config.%s has %zu bytes, at most %d bytes are possible", field, length,
                         OPEN_PARTITION_NAME_MAX);
    return SEGJ_OK;
}

static segj_status_t out_of_range(const char *field, unsigned long long value, const char *range)
{
    return segj_fail(SEGJ_ERR_INVALID, "config.%s is %llu, expected %s", field, value, range);
}

static segj_status_t open_check_sizes(const oversized_config_t *config)
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
    if (config->preallocate > WRITE_BUFFER_MAX)
        return out_of_range("preallocate", config->preallocate, "0 to 2^30 bytes");
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
        return segj_fail(SEGJ_ERR_INVALID, "config.preallocate is %zu bytes: commonware files end with their values",
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
        return segj_fail(SEGJ_ERR_INVALID, "config.page_cache has pages of %u bytes, config.page_size is %u bytes",
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

static segj_status_t check_config(const oversized_config_t *config)
{
    if (config->struct_size != sizeof *config)
        return segj_fail(
            SEGJ_ERR_INVALID,
            "config.struct_size is %zu bytes, expected %zu bytes: begin with oversized_config_init() of this version",
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
        status = open_check_sizes(config);
    if (status == SEGJ_OK)
        status = check_format(config);
    if (status == SEGJ_OK)
        status = check_checkpoint(config);
    return status == SEGJ_OK ? check_storage(config->storage) : status;
}

/* --- the partitions --- */

static segj_status_t replaced_often(const segj_part_t *part)
{
    return segj_fail(SEGJ_ERR_LOCKED, "%s/%s: the partition was replaced %d times while it was being locked",
                     part->directory, part->name, LOCK_TRIES);
}

/* Opens and locks a partition, unless it is open; *missing is no failure. */
static segj_status_t open_part(segj_part_t *part, bool read_only, bool *missing)
{
    *missing = false;
    for (int i = 0; i < LOCK_TRIES && part->opened == NULL; i++) {
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
    return part->opened != NULL ? SEGJ_OK : replaced_often(part);
}

/* Whether the index is there by now, which was missing when it was looked for. */
static segj_status_t index_appeared(segj_env_t *env, bool *appeared)
{
    bool missing = false;
    segj_status_t status = segj_part_open(&env->index, &missing);
    segj_part_close(&env->index);
    *appeared = status == SEGJ_OK && !missing;
    return status;
}

/* The values, of an index that is missing: it is looked for again before they are locked, so that of two openers of a
 * new journal one gets both locks, and once more behind their lock, which is the look that counts. */
static segj_status_t lock_values_alone(segj_env_t *env, bool read_only, bool *missing, bool *appeared)
{
    *appeared = false;
    segj_status_t status = segj_part_open(&env->values, missing);
    if (status != SEGJ_OK || *missing)
        return status;
    segj_part_close(&env->values);
    status = index_appeared(env, appeared);
    if (status != SEGJ_OK || *appeared)
        return status;
    status = open_part(&env->values, read_only, missing);
    if (status != SEGJ_OK || *missing)
        return status;
    status = index_appeared(env, appeared);
    if (*appeared)
        segj_part_close(&env->values);
    return status;
}

/* Both partitions are open, but in two directories: the path was given to another one meanwhile. */
static bool are_parted(segj_env_t *env)
{
    if (env->index.opened == NULL || env->values.opened == NULL || segj_part_is_beside(&env->index, &env->values))
        return false;
    segj_part_close(&env->index);
    segj_part_close(&env->values);
    return true;
}

/* Both partitions, the index always first. Values without an index may be what an opener has left that made both, and
 * closed them, since the index was looked for. *missing[0]: the index, [1]: the values. */
static segj_status_t lock_parts(segj_env_t *env, bool read_only, bool missing[2])
{
    bool appeared = true;
    segj_status_t status = SEGJ_OK;
    for (int i = 0; i < LOCK_TRIES && appeared && status == SEGJ_OK; i++) {
        appeared = false;
        status = open_part(&env->index, read_only, &missing[0]);
        if (status == SEGJ_OK && missing[0])
            status = lock_values_alone(env, read_only, &missing[1], &appeared);
        else if (status == SEGJ_OK)
            status = open_part(&env->values, read_only, &missing[1]);
        if (status == SEGJ_OK)
            appeared = appeared || are_parted(env);
    }
    return status == SEGJ_OK && appeared ? replaced_often(&env->index) : status;
}

typedef struct open_listing {
    uint64_t *index, *values;
    size_t index_count, value_count;
} listing_t;

/* Values that were locked before the index was there are let go: the next look locks both in their order. */
segj_status_t segj_parts_make(segj_env_t *env)
{
    bool no_values = env->values.opened == NULL;
    segj_status_t status = SEGJ_OK;
    if (env->index.opened == NULL) {
        segj_part_close(&env->values);
        status = segj_part_create(&env->index);
    }
    return status == SEGJ_OK && no_values ? segj_part_create(&env->values) : status;
}

/* One partition is there, with `sections` files, and the other one is not: a mistyped name, an unmounted volume. */
static segj_status_t judge_missing(const oversized_config_t *config, const segj_part_t *missing,
                                   const segj_part_t *other, size_t sections)
{
    if (sections > 0)
        return segj_fail(
            SEGJ_ERR_MISMATCH,
            "%s/%s is missing, while %s holds %zu sections: mount or bring back that partition, or correct its "
            "name in the configuration",
            missing->directory, missing->name, other->name, sections);
    if (config->read_only || config->must_exist)
        return segj_part_not_found(missing);
    return SEGJ_OK;
}

static segj_status_t open_parts(oversized_t *journal, const oversized_config_t *config, listing_t *listing)
{
    segj_part_t *index = &journal->env.index;
    segj_part_t *values = &journal->env.values;
    bool missing[2] = {false, false};
    segj_status_t status = lock_parts(&journal->env, config->read_only, missing);
    /* Before the lists: what a former owner has acknowledged until it finds this claim is in them. */
    if (status == SEGJ_OK && !missing[0] && !missing[1])
        status = config->read_only ? segj_owner_share(&journal->env) : segj_owner_claim(&journal->env);
    if (status == SEGJ_OK && !missing[0])
        status = segj_part_sections(index, &listing->index, &listing->index_count);
    if (status == SEGJ_OK && !missing[1])
        status = segj_part_sections(values, &listing->values, &listing->value_count);
    if (status == SEGJ_OK && missing[0])
        status = judge_missing(config, index, values, listing->value_count);
    if (status == SEGJ_OK && missing[1])
        status = judge_missing(config, values, index, listing->index_count);
    return status;
}

/* --- the journal --- */

static char *open_copy_text(const char *text)
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
    journal->directory = open_copy_text(config->directory);
    journal->index_name = open_copy_text(config->index_partition);
    journal->value_name = open_copy_text(config->value_partition);
    journal->record = malloc(env->record_size);
    if (journal->directory == NULL || journal->index_name == NULL || journal->value_name == NULL ||
        journal->record == NULL)
        return segj_fail_memory(env->record_size);
    env->index = (segj_part_t){.storage = &journal->storage,
                               .directory = journal->directory,
                               .name = journal->index_name,
                               .give_back = segj_journal_give_back,
                               .owner = journal};
    env->values = env->index;
    env->values.name = journal->value_name;
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
        return segj_fail(
            SEGJ_ERR_INVALID, "config.page_cache has pages of %u bytes, the journal in %s has pages of %u bytes",
            (unsigned)segj_page_cache_page_size(config->page_cache), journal->directory, (unsigned)env->page_size);
    segj_page_cache_claim(config->page_cache);
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
    env->record_size = config->entry_size + OVERSIZED_LOCATION_SIZE;
    env->preallocate = config->preallocate;
    env->format = config->format;
    env->checksum = config->format == SEGJ_FORMAT_NATIVE ? SEGJ_CHECKSUM_PLACED : SEGJ_CHECKSUM_PLAIN;
    env->log = config->log;
    env->log_context = config->log_context;
    env->files = (segj_files_t){.state = &env->state, .changed = &env->changed};
    segj_files_bound(&env->files, config->max_open_files);
    env->maps = (segj_maps_t){.state = &env->state,
                              .storage = &journal->storage,
                              .on = config->map_values && segj_io_can_map(&journal->storage)};
}

/* No more files than the system has descriptors left, and some of those for the application. */
static void fit_files(oversized_t *journal, uint32_t wanted)
{
    uint64_t limit;
    uint64_t left;
    if (!segj_io_files_limit(&journal->storage, wanted, &limit, &left))
        return;
    uint64_t most = left - segj_min_u64(left / 4, OPEN_FILES_SPARED);
    most = segj_max_u64(most, OPEN_FILES_LEAST);
    if (most >= wanted)
        return;
    segj_files_bound(&journal->env.files, (uint32_t)most);
    segj_env_log(
        &journal->env, SEGJ_LOG_INFO,
        "%s: max_open_files is %u, but of the %llu descriptors that the process may have %llu are left: at most "
        "%llu files are open at a time",
        journal->directory, (unsigned)wanted, (unsigned long long)limit, (unsigned long long)left,
        (unsigned long long)most);
}

/* What the lists of names decide. */
static segj_status_t judge(oversized_t *journal, const oversized_config_t *config, const listing_t *listing,
                           bool *partitions_made)
{
    segj_env_t *env = &journal->env;
    segj_status_t status = SEGJ_OK;
    env->page_size = config->page_size;
    if (env->page_size == 0) {
        status = segj_scan_page_size(&env->index, listing->index, listing->index_count, &env->page_size);
        if (env->page_size == 0)
            env->page_size = SEGJ_PAGE_SIZE_DEFAULT;
    }
    if (status == SEGJ_OK)
        status = make_cache(journal, config);
    if (status == SEGJ_OK)
        status = make_scratch(env);
    if (status != SEGJ_OK)
        return status;
    size_buffers(env, config);
    return segj_recover(journal, config, listing->index, listing->index_count, listing->values, listing->value_count,
                        partitions_made);
}

static void open_forget(segj_env_t *env)
{
    segj_page_cache_release(env->cache);
    env->cache = NULL;
    free(env->scratch);
    env->scratch = NULL;
}

/*
 * What is behind the locks is what counts. Where a partition was missing, it is made, by this open or by another one
 * that may have been at work since, and all begins anew: locks, lists, verdicts.
 */
static segj_status_t open_journal(oversized_t *journal, const oversized_config_t *config)
{
    set_fields(journal, config);
    segj_status_t status = make_memory(journal, config);
    bool again = true;
    for (int i = 0; i < LOCK_TRIES && again && status == SEGJ_OK; i++) {
        listing_t listing = {NULL, NULL, 0, 0};
        again = false;
        open_forget(&journal->env);
        status = open_parts(journal, config, &listing);
        if (status == SEGJ_OK)
            fit_files(journal, config->max_open_files);
        if (status == SEGJ_OK)
            status = judge(journal, config, &listing, &again);
        free(listing.index);
        free(listing.values);
    }
    return status == SEGJ_OK && again ? replaced_often(&journal->env.index) : status;
}

/* An open that fails leaves the owner's file as it was. One that met another opener is locked out. */
static segj_status_t refuse(oversized_t *journal, segj_status_t status)
{
    segj_sentence_t cause;
    segj_keep(&cause);
    segj_owner_withdraw(&journal->env);
    segj_say_again(&cause);
    return status == SEGJ_ERR_POISONED ? SEGJ_ERR_LOCKED : status;
}

static segj_status_t make_journal(const oversized_config_t *config, oversized_t **opened)
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
    segj_entrance_init(&journal->entrance);
    if (!segj_mutex_init(&journal->change) || !segj_mutex_init(&journal->env.state) ||
        !segj_cond_init(&journal->env.changed) || !segj_flusher_init(&journal->flusher)) {
        free(journal);
        return segj_fail_memory(sizeof *journal);
    }
    status = open_journal(journal, config);
    if (status != SEGJ_OK) {
        status = refuse(journal, status);
        segj_journal_free(journal);
        return status;
    }
    segj_entrance_open(&journal->entrance, segj_page_cache_word(journal->env.cache));
    segj_env_trace(&journal->env, SEGJ_LOG_INFO, "%s: opened%s: %llu sections, %llu records", journal->directory,
                   journal->read_only ? " read-only" : "", (unsigned long long)journal->recovery.sections,
                   (unsigned long long)journal->recovery.records);
    *opened = journal;
    return SEGJ_OK;
}

segj_status_t oversized_open(const oversized_config_t *config, oversized_t **opened)
{
    segj_status_t status = make_journal(config, opened);
    bool told = config != NULL && config->struct_size == sizeof *config && config->error != NULL;
    if (status != SEGJ_OK && told)
        segj_error_take(config->error, status);
    return status;
}
