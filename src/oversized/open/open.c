/*
 * oversized/open/open.c: the beginning of a journal: the configuration is checked, the partitions that are there are
 * opened and locked, their names are judged, and recover.c does the rest.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/bytes.h"
#include "oversized/lost/gone.h"
#include "oversized/open/config.h"
#include "oversized/open/open.h"
#include "oversized/open/partitions.h"
#include "oversized/open/recover.h"
#include "oversized/open/repair.h"
#include "oversized/open/verdict.h"
#include "oversized/oversized.h"
#include "oversized/read/train.h"
#include "oversized/read/value_cache.h"
#include "oversized/section/dictionary.h"
#include "oversized/section/remake.h"
#include "oversized/section/writers.h"

/* Of the descriptors that the system has left, the application keeps a quarter, and no more than this. */
#define OPEN_FILES_SPARED 32
/* Nanoseconds between two tries to open what is open elsewhere: at first, and at most. */
#define WAIT_FIRST UINT64_C(1000000)
#define WAIT_MOST UINT64_C(50000000)

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
    segj_shared_t *shared = &journal->shared;
    journal->directory = open_copy_text(config->directory);
    journal->index_name = open_copy_text(config->index_partition);
    journal->value_name = open_copy_text(config->value_partition);
    journal->record = malloc(shared->record_size);
    shared->head = malloc(segj_head_size(journal->entry_size));
    if (shared->head == NULL || journal->directory == NULL || journal->index_name == NULL ||
        journal->value_name == NULL || journal->record == NULL)
        return segj_fail_memory(shared->record_size);
    shared->index = (segj_io_partition_t){.storage = &journal->storage,
                                          .directory = journal->directory,
                                          .name = journal->index_name,
                                          .give_back = segj_journal_give_back,
                                          .lost = segj_journal_lost,
                                          .owner = journal,
                                          .mode = config->file_mode};
    shared->values = shared->index;
    shared->values.name = journal->value_name;
    return config->value_cache > 0 ? segj_value_cache_new(config->value_cache, &journal->value_cache) : SEGJ_OK;
}

/* What new sections are to have. */
static segj_status_t make_dictionary(oversized_t *journal, const oversized_config_t *config)
{
    segj_dictionaries_t *dictionaries = &journal->codec.dictionaries;
    segj_dictionary_t *made;
    if (config->dictionary_size == 0)
        return SEGJ_OK;
    segj_status_t status = segj_dictionary_new(config->dictionary, (uint32_t)config->dictionary_size, &made);
    if (status != SEGJ_OK)
        return segj_context(status == SEGJ_ERR_COMPRESSION ? SEGJ_ERR_INVALID : status, "config.dictionary");
    segj_lock(&journal->shared.state);
    dictionaries->next = segj_dictionary_list(journal, made);
    segj_unlock(&journal->shared.state);
    atomic_store(&dictionaries->any, true);
    return SEGJ_OK;
}

static segj_status_t make_scratch(segj_shared_t *shared)
{
    size_t size = segj_page_physical(shared->page_size);
    shared->scratch = malloc(size);
    return shared->scratch != NULL ? SEGJ_OK : segj_fail_memory(size);
}

/* Buffers shrink to what write_memory allows, so that a few sections fit it side by side. */
static void size_buffers(segj_shared_t *shared, const oversized_config_t *config)
{
    size_t share = config->write_memory / 4;
    shared->budget.limit = config->write_memory;
    shared->pages = (segj_pool_t){.state = &shared->state, .budget = &shared->budget};
    shared->frames = shared->pages;
    shared->pages.capacity =
        segj_paged_capacity(shared->page_size, shared->record_size, smaller(config->index_write_buffer, share));
    shared->frames.capacity = smaller(config->value_write_buffer, share);
}

static segj_status_t make_cache(oversized_t *journal, const oversized_config_t *config)
{
    segj_shared_t *shared = &journal->shared;
    if (config->page_cache == NULL)
        return segj_page_cache_create(shared->page_size, config->page_cache_pages, &shared->cache);
    if (segj_page_cache_page_size(config->page_cache) != shared->page_size)
        return segj_fail(
            SEGJ_ERR_INVALID, "config.page_cache has pages of %u bytes, the journal in %s has pages of %u bytes",
            (unsigned)segj_page_cache_page_size(config->page_cache), journal->directory, (unsigned)shared->page_size);
    segj_page_cache_claim(config->page_cache);
    segj_page_cache_retain(config->page_cache);
    shared->cache = config->page_cache;
    return SEGJ_OK;
}

void segj_journal_set_sizes(oversized_t *journal, segj_format_t format, uint32_t entry_size, uint16_t page_size)
{
    segj_shared_t *shared = &journal->shared;
    journal->entry_size = entry_size;
    shared->record_size = entry_size + OVERSIZED_LOCATION_SIZE;
    shared->page_size = page_size;
    shared->format = format;
    shared->checksum = format == SEGJ_FORMAT_NATIVE ? SEGJ_CHECKSUM_PLACED : SEGJ_CHECKSUM_PLAIN;
}

static void set_fields(oversized_t *journal, const oversized_config_t *config)
{
    segj_shared_t *shared = &journal->shared;
    const segj_storage_t *storage = config->storage != NULL ? config->storage : segj_storage_posix();
    memcpy(&journal->storage, storage, smaller(storage->struct_size, sizeof journal->storage));
    segj_journal_set_sizes(journal, config->format, config->entry_size, config->page_size);
    journal->max_value_size = config->max_value_size;
    journal->read_only = config->read_only;
    journal->repair = segj_section_repair;
    journal->note_gone = segj_quarantine_note_gone;
    journal->codec.level = config->compression;
    journal->codec.crew.most = config->compression_threads;
    journal->flusher.on = config->parallel_flush;
    journal->trainer.size = config->read_only ? 0 : config->auto_dictionary;
    journal->trainer.train = segj_train_section;
    journal->cut_holes = config->hole == OVERSIZED_HOLE_CUT && config->checkpoint == NULL;
    shared->preallocate = config->preallocate;
    shared->sector_size = config->sector_size;
    shared->native_version = config->format == SEGJ_FORMAT_NATIVE && config->native_version != 1 ? 2 : 1;
    shared->remake_page = segj_section_remake_page;
    shared->log = config->log;
    shared->log_context = config->log_context;
    shared->files = (segj_files_t){.state = &shared->state, .changed = &shared->changed};
    segj_files_bound(&shared->files, config->max_open_files);
    shared->maps = (segj_maps_t){.state = &shared->state,
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
    segj_files_bound(&journal->shared.files, (uint32_t)most);
    segj_shared_log(
        &journal->shared, SEGJ_LOG_INFO,
        "%s: max_open_files is %u, but of the %llu descriptors that the process may have %llu are left: at most "
        "%llu files are open at a time",
        journal->directory, (unsigned)wanted, (unsigned long long)limit, (unsigned long long)left,
        (unsigned long long)most);
}

static size_t count_within(const oversized_config_t *config, const uint64_t *sections, size_t count)
{
    while (count > 0 && segj_is_beyond(config, sections[count - 1]))
        count--;
    return count;
}

/* What is asked for, or what the files have. */
static segj_status_t find_page_size(segj_shared_t *shared, const oversized_config_t *config,
                                    const segj_listing_t *listing)
{
    size_t index_count = count_within(config, listing->index, listing->index_count);
    size_t value_count = count_within(config, listing->values, listing->value_count);
    shared->page_size = config->page_size;
    if (shared->page_size != 0)
        return SEGJ_OK;
    segj_status_t status = segj_scan_page_size(&shared->index, listing->index, index_count, &shared->page_size);
    if (status == SEGJ_OK)
        status = segj_scan_page_size(&shared->values, listing->values, value_count, &shared->page_size);
    if (shared->page_size == 0)
        shared->page_size = SEGJ_PAGE_SIZE_DEFAULT;
    return status;
}

/* What the lists of names decide. */
static segj_status_t judge(oversized_t *journal, const oversized_config_t *config, const segj_listing_t *listing,
                           bool *partitions_made)
{
    segj_shared_t *shared = &journal->shared;
    size_t within = count_within(config, listing->index, listing->index_count);
    segj_status_t status = find_page_size(shared, config, listing);
    if (status == SEGJ_OK && shared->format == SEGJ_FORMAT_COMMONWARE)
        status = segj_follow_commonware(journal, config, within > 0 ? &listing->index[within - 1] : NULL);
    if (status == SEGJ_OK)
        status = make_cache(journal, config);
    if (status == SEGJ_OK)
        status = make_scratch(shared);
    if (status != SEGJ_OK)
        return status;
    size_buffers(shared, config);
    return segj_recover(journal, config, listing, partitions_made);
}

static void open_forget(segj_shared_t *shared)
{
    segj_page_cache_release(shared->cache);
    shared->cache = NULL;
    free(shared->scratch);
    shared->scratch = NULL;
}

/*
 * What lies there under the locks is what counts. Where a partition was missing, it is made, by this open or by another
 * one that may have been at work since, and all begins anew: locks, lists, verdicts.
 */
static segj_status_t open_journal(oversized_t *journal, const oversized_config_t *config)
{
    segj_status_t status = SEGJ_OK;
    bool again = true;
    for (int i = 0; i < LOCK_TRIES && again && status == SEGJ_OK; i++) {
        segj_listing_t listing = {.index = NULL};
        again = false;
        open_forget(&journal->shared);
        status = segj_partitions_open(journal, config, &listing);
        if (status == SEGJ_OK)
            fit_files(journal, config->max_open_files);
        if (status == SEGJ_OK)
            status = judge(journal, config, &listing, &again);
        free(listing.index);
        free(listing.values);
    }
    return status == SEGJ_OK && again ? segj_partitions_replaced_often(&journal->shared.index) : status;
}

/* An open that fails leaves the owner's file as it was. One that met another opener is locked out. */
static segj_status_t refuse(oversized_t *journal, segj_status_t status)
{
    segj_sentence_t cause;
    segj_keep(&cause);
    segj_owner_withdraw(&journal->shared);
    segj_say_again(&cause);
    return status == SEGJ_ERR_POISONED ? SEGJ_ERR_LOCKED : status;
}

segj_status_t segj_journal_make(const oversized_config_t *config, oversized_t **made)
{
    oversized_t *journal = calloc(1, sizeof *journal);
    if (journal == NULL)
        return segj_fail_memory(sizeof *journal);
    segj_entrance_init(&journal->entrance);
    journal->shared.change = &journal->change;
    if (!segj_gate_init(&journal->change) || !segj_state_init(&journal->shared.state) ||
        !segj_cond_init(&journal->shared.changed) || !segj_flusher_init(&journal->flusher) ||
        !segj_crew_init(&journal->codec.crew, &journal->shared) || !segj_trainer_init(&journal->trainer)) {
        free(journal);
        return segj_fail_memory(sizeof *journal);
    }
    set_fields(journal, config);
    segj_status_t status = make_memory(journal, config);
    if (status == SEGJ_OK)
        status = make_dictionary(journal, config);
    if (status == SEGJ_OK)
        *made = journal;
    else
        segj_journal_free(journal);
    return status;
}

/* Makes a journal and opens it; frees it where that fails. `again`: where it is open elsewhere, it is tried again. */
static segj_status_t make_journal(const oversized_config_t *config, segj_telling_t *telling, bool again,
                                  oversized_t **opened)
{
    oversized_t *journal;
    segj_status_t status = segj_journal_make(config, &journal);
    if (status != SEGJ_OK)
        return status;
    journal->shared.index.again = journal->shared.values.again = again;
    journal->telling = telling->progress != NULL ? telling : NULL;
    telling->now = (oversized_progress_t){.stage = "look"};
    status = open_journal(journal, config);
    journal->telling = NULL;
    if (status != SEGJ_OK) {
        status = refuse(journal, status);
        segj_journal_free(journal);
        return status;
    }
    segj_note_held(&journal->change, false);
    segj_entrance_open(&journal->entrance, segj_page_cache_word(journal->shared.cache));
    segj_shared_trace(&journal->shared, SEGJ_LOG_INFO, "%s: opened%s: %llu sections, %llu records", journal->directory,
                      journal->read_only ? " read-only" : "", (unsigned long long)journal->recovery.sections,
                      (unsigned long long)journal->recovery.records);
    *opened = journal;
    return SEGJ_OK;
}

/* A journal that is open elsewhere is tried again, from the beginning, until the time is over, and once after it. */
static segj_status_t wait_for_journal(const oversized_config_t *config, oversized_t **opened)
{
    uint64_t pause = WAIT_FIRST;
    uint64_t waited = 0;
    uint64_t most = config->lock_wait_ms * UINT64_C(1000000);
    uint64_t begun = most > 0 ? segj_process_time() : 0;
    segj_telling_t telling = segj_telling_begin(config->progress, config->progress_context);
    for (;;) {
        bool last = waited >= most;
        segj_status_t status = make_journal(config, &telling, !last, opened);
        if (status == SEGJ_ERR_LOCKED && last && most > 0)
            segj_say_after("; waited %u ms for it", (unsigned)config->lock_wait_ms);
        if (status != SEGJ_ERR_LOCKED || last)
            return status;
        telling.now = (oversized_progress_t){.stage = "wait"};
        waited = segj_process_time() - begun;
        if (segj_tell(&telling, false))
            return segj_fail(SEGJ_ERR_CANCELLED, "%s: cancelled after %llu ms of waiting for the journal",
                             config->directory, (unsigned long long)(waited / UINT64_C(1000000)));
        if (waited < most)
            segj_process_sleep(segj_min_u64(pause, most - waited));
        waited = segj_process_time() - begun;
        pause = segj_min_u64(2 * pause, WAIT_MOST);
    }
}

static segj_status_t check_and_open(const oversized_config_t *config, oversized_t **opened)
{
    if (opened != NULL)
        *opened = NULL;
    if (config == NULL || opened == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "oversized_open: %s is NULL", config == NULL ? "config" : "journal");
    segj_status_t status = segj_config_check(config);
    if (status != SEGJ_OK)
        return segj_context(status, "oversized_open");
    return wait_for_journal(config, opened);
}

segj_status_t oversized_open(const oversized_config_t *config, oversized_t **opened)
{
    segj_status_t status = check_and_open(config, opened);
    bool told = config != NULL && config->struct_size == sizeof *config && config->error != NULL;
    if (status != SEGJ_OK && told)
        segj_error_take(config->error, status);
    return status;
}
