/*
 * crash/application.c: see the header.
 */
#include "crash/application.h"

#include "support/strict.h"

#define SMALL_VALUE 16
#define LARGE_VALUE 300

const char *operation_name(operation_t operation)
{
    static const char *const names[OPERATIONS] = {"append",     "append_many", "append_large", "sync",
                                                  "sync_all",   "rewind",      "rewind_half",  "prune",
                                                  "append_new", "reopen",      "flush"};
    return names[operation];
}

void application_init(application_t *application, segj_format_t format, uint16_t page_size, int compression,
                      const segj_storage_t *storage)
{
    oversized_config_t *config = &application->config;
    *application = (application_t){.model = {.commonware = format == SEGJ_FORMAT_COMMONWARE}};
    oversized_config_init(config);
    config->native_version = format == SEGJ_FORMAT_NATIVE ? 1 : 0;
    config->directory = "disk";
    config->entry_size = MODEL_ENTRY;
    config->format = format;
    config->page_size = page_size;
    config->page_cache_pages = 4;
    config->index_write_buffer = 1;
    config->value_write_buffer = 64;
    config->compression = compression;
    config->max_open_files = 6;
    config->strict = true;
    config->storage = storage;
}

bool application_open(application_t *application)
{
    return open_behind_a_crash(&application->config, &application->journal) == SEGJ_OK;
}

static bool append_to(application_t *application, size_t number, size_t size, const char **wrong)
{
    uint8_t entry[MODEL_ENTRY];
    uint8_t value[1200];
    model_section_t *section = &application->model.sections[number];
    uint64_t position;
    if (section->count == MODEL_RECORDS)
        return true;
    uint32_t id = model_new_id(&application->model, size);
    model_entry(id, entry);
    size_t value_size = model_value(id, value, sizeof value);
    /* The crash may come within: the record may be there or not. */
    section->exists = true;
    section->cut = 0;
    section->ids[section->count++] = id;
    if (oversized_append(application->journal, number, entry, value, value_size, &position, NULL) != SEGJ_OK) {
        *wrong = segj_last_error();
        return false;
    }
    if (position == section->count - 1)
        return true;
    *wrong = "the append went to another position";
    return false;
}

static bool append_first(application_t *application, size_t times, size_t size, const char **wrong)
{
    for (size_t i = 0; i < times; i++)
        if (!application->model.sections[1].pruned && !append_to(application, 1, size, wrong))
            return false;
    return true;
}

static bool append_new(application_t *application, const char **wrong)
{
    size_t number = 2;
    while (number < MODEL_SECTIONS && application->model.sections[number].exists)
        number++;
    return number == MODEL_SECTIONS || append_to(application, number, SMALL_VALUE, wrong);
}

static bool sync_first(application_t *application)
{
    model_section_t *section = &application->model.sections[1];
    if (section->pruned)
        return true;
    if (oversized_sync(application->journal, 1) != SEGJ_OK)
        return false;
    model_synced(section);
    return true;
}

static bool flush_first(application_t *application)
{
    model_section_t *section = &application->model.sections[1];
    if (section->pruned)
        return true;
    if (oversized_flush(application->journal, 1) != SEGJ_OK)
        return false;
    model_flushed(section);
    return true;
}

static void all_synced(model_t *model)
{
    for (size_t i = 0; i < MODEL_SECTIONS; i++)
        if (model->sections[i].exists)
            model_synced(&model->sections[i]);
}

static bool sync_all(application_t *application)
{
    if (oversized_sync_all(application->journal) != SEGJ_OK)
        return false;
    all_synced(&application->model);
    return true;
}

static bool rewind_to(application_t *application, size_t number, size_t count, bool later)
{
    model_t *model = &application->model;
    model_section_t *section = &model->sections[number];
    if (!section->exists)
        return true;
    model_rewinds(section, count);
    for (size_t i = number + 1; later && i < MODEL_SECTIONS; i++)
        model->sections[i].going = model->sections[i].exists;
    uint64_t size = count * oversized_record_size(application->journal);
    segj_status_t status = later ? oversized_rewind(application->journal, number, size)
                                 : oversized_rewind_section(application->journal, number, size);
    if (status != SEGJ_OK)
        return false;
    for (size_t i = number + 1; later && i < MODEL_SECTIONS; i++)
        model->sections[i] = (model_section_t){0};
    if (section->count > count) {
        section->count = count;
        model_synced(section);
    }
    return true;
}

static bool prune_first(application_t *application)
{
    model_section_t *section = &application->model.sections[1];
    section->going = section->exists;
    if (oversized_prune(application->journal, 2, NULL) != SEGJ_OK)
        return false;
    *section = (model_section_t){.pruned = true};
    return true;
}

static bool reopen(application_t *application)
{
    segj_status_t status = oversized_close(application->journal);
    application->journal = NULL;
    if (status != SEGJ_OK)
        return false;
    all_synced(&application->model);
    for (size_t i = 0; i < MODEL_SECTIONS; i++)
        application->model.sections[i].pruned = false;
    return application_open(application);
}

static bool perform(application_t *application, operation_t operation, const char **wrong)
{
    size_t count = application->model.sections[1].count;
    switch (operation) {
    case OP_APPEND:
        return append_first(application, 1, SMALL_VALUE, wrong);
    case OP_APPEND_MANY:
        return append_first(application, 4, SMALL_VALUE, wrong);
    case OP_APPEND_LARGE:
        return append_first(application, 1, LARGE_VALUE, wrong);
    case OP_SYNC:
        return sync_first(application);
    case OP_SYNC_ALL:
        return sync_all(application);
    case OP_REWIND:
        return rewind_to(application, 1, count > 0 ? count - 1 : 0, true);
    case OP_REWIND_HALF:
        return rewind_to(application, 1, count / 2, false);
    case OP_PRUNE:
        return prune_first(application);
    case OP_FLUSH:
        return flush_first(application);
    case OP_APPEND_NEW:
        return append_new(application, wrong);
    default:
        return reopen(application);
    }
}

bool application_perform(application_t *application, operation_t operation, const char **wrong)
{
    *wrong = NULL;
    if (perform(application, operation, wrong))
        return true;
    if (*wrong == NULL)
        *wrong = segj_last_error();
    return false;
}

/* Commonware: behind a damaged page, as a power cut amid appends may leave one, nothing is appended. */
static bool rewind_before_damage(application_t *application)
{
    uint64_t count = 0;
    oversized_location_t location;
    uint8_t entry[MODEL_ENTRY];
    if (application->config.format == SEGJ_FORMAT_NATIVE || oversized_count(application->journal, 1, &count) != SEGJ_OK)
        return true;
    for (uint64_t i = 0; i < count; i++)
        if (oversized_get(application->journal, 1, i, entry, &location) == SEGJ_ERR_CORRUPT)
            return rewind_to(application, 1, (size_t)i, false);
    return true;
}

bool application_go_on(application_t *application, const char **wrong)
{
    *wrong = NULL;
    if (rewind_before_damage(application) && append_to(application, 1, SMALL_VALUE, wrong) && sync_first(application))
        return true;
    if (*wrong == NULL)
        *wrong = segj_last_error();
    return false;
}
