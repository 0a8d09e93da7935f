/*
 * kill/writer.c: see the header.
 */
#include "kill/writer.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crash/readers.h"
#include "crash/script.h"
#include "support/log.h"
#include "support/strict.h"

#define LARGE_VALUE 60000
#define BATCH 4     /* records at most */
#define SETTINGS 72 /* of each kind */

/* What the sections of a journal are. */
typedef enum kind { VERSION_2, VERSION_1, BOTH_VERSIONS, VERSION_1_AGAIN, KINDS } kind_t;

const uint64_t writer_numbers[MODEL_SECTIONS] = {0, 1, 4096, 4097, UINT64_C(1) << 40, UINT64_MAX};

typedef struct writer {
    const order_t *order;
    ledger_t *ledger;
    oversized_t *journal;
    readers_t *readers;
    model_t model;
    uint64_t state; /* of the draws */
} writer_t;

/* --- the ledger --- */

const model_t *ledger_model(ledger_t *ledger)
{
    return &ledger->states[atomic_load(&ledger->current)];
}

void ledger_set(ledger_t *ledger, const model_t *model)
{
    unsigned next = 1 - atomic_load(&ledger->current);
    ledger->states[next] = *model;
    atomic_store(&ledger->current, next);
    atomic_fetch_add(&ledger->version, 1);
}

void ledger_copy(ledger_t *ledger, model_t *model)
{
    uint64_t version;
    do {
        version = atomic_load(&ledger->version);
        *model = *ledger_model(ledger);
        atomic_thread_fence(memory_order_acquire);
    } while (atomic_load(&ledger->version) != version);
    model->numbers = writer_numbers;
}

static _Noreturn void give_up(writer_t *writer, const char *what, const char *why)
{
    (void)snprintf(writer->ledger->wrong, sizeof writer->ledger->wrong, "%s: %s", what, why);
    _exit(2);
}

/* --- a storage that kills --- */

static atomic_uint calls_left; /* 0: for ever */

static void count_call(void)
{
    if (atomic_load(&calls_left) > 0 && atomic_fetch_sub(&calls_left, 1) == 1)
        (void)raise(SIGKILL);
}

static int killing_create(void *context, const char *directory, const char *partition)
{
    count_call();
    return segj_storage_posix()->partition_create(context, directory, partition);
}

static int killing_directory_sync(void *context, const char *directory)
{
    count_call();
    return segj_storage_posix()->directory_sync(context, directory);
}

static int killing_open(segj_partition_t *partition, const char *name, segj_open_mode_t mode, segj_file_t **opened)
{
    if (mode == SEGJ_OPEN_CREATE)
        count_call();
    return segj_storage_posix()->file_open(partition, name, mode, opened);
}

static int killing_remove(segj_partition_t *partition, const char *name)
{
    count_call();
    return segj_storage_posix()->file_remove(partition, name);
}

static int killing_write(segj_file_t *file, uint64_t offset, const segj_slice_t *slices, size_t count, size_t *done)
{
    count_call();
    return segj_storage_posix()->file_write(file, offset, slices, count, done);
}

static int killing_truncate(segj_file_t *file, uint64_t size)
{
    count_call();
    return segj_storage_posix()->file_truncate(file, size);
}

static int killing_sync(segj_file_t *file)
{
    count_call();
    return segj_storage_posix()->file_sync(file);
}

static int killing_names_sync(segj_partition_t *partition)
{
    count_call();
    return segj_storage_posix()->partition_sync(partition);
}

static segj_storage_t killing_storage(unsigned calls)
{
    segj_storage_t storage = *segj_storage_posix();
    storage.partition_create = killing_create;
    storage.directory_sync = killing_directory_sync;
    storage.file_open = killing_open;
    storage.file_remove = killing_remove;
    storage.file_write = killing_write;
    storage.file_truncate = killing_truncate;
    storage.file_sync = killing_sync;
    storage.partition_sync = killing_names_sync;
    atomic_store(&calls_left, calls);
    return storage;
}

/* --- opening --- */

static kind_t kind_of(uint64_t setting)
{
    return (kind_t)(setting / SETTINGS % KINDS);
}

static bool has_version_2(uint64_t setting)
{
    return kind_of(setting) == VERSION_2 || kind_of(setting) == BOTH_VERSIONS;
}

uint64_t writer_setting(uint64_t random, uint64_t journal)
{
    return journal % KINDS * SETTINGS + random % SETTINGS;
}

model_t writer_model(uint64_t setting)
{
    model_t model = {.numbers = writer_numbers};
    model.head = has_version_2(setting) ? LOG_HEAD + MODEL_ENTRY : 0;
    return model;
}

static uint64_t draw(writer_t *writer)
{
    writer->state = script_mix(writer->state, 77);
    return writer->state >> 8;
}

void writer_config(oversized_config_t *config, const char *directory, uint64_t setting)
{
    static const uint16_t page_sizes[] = {33, 500, 4084};
    static const size_t buffers[] = {64, 4096, 65536};
    oversized_config_init(config);
    config->directory = directory;
    config->entry_size = MODEL_ENTRY;
    config->page_size = page_sizes[setting % 3];
    config->page_cache_pages = 16;
    config->compression = setting / 3 % 2 == 0 ? 0 : 3;
    config->index_write_buffer = buffers[setting / 6 % 3] / 16;
    config->value_write_buffer = buffers[setting / 6 % 3];
    config->max_open_files = 6 + (uint32_t)(setting % 4) * 4;
    config->native_version = has_version_2(setting) ? 2 : 1;
    config->strict = true;
}

static void open_journal(writer_t *writer, const segj_storage_t *storage)
{
    oversized_config_t config;
    model_t seen;
    writer_config(&config, writer->order->directory, writer->order->setting);
    config.storage = storage;
    if (kind_of(writer->order->setting) == BOTH_VERSIONS)
        config.native_version = draw(writer) % 2 == 0 ? 1 : 2;
    if (open_behind_a_crash(&config, &writer->journal) != SEGJ_OK)
        give_up(writer, "open", segj_last_error());
    const char *wrong = model_judge(&writer->model, writer->journal, &seen);
    if (wrong != NULL)
        give_up(writer, "after open", wrong);
    writer->model = seen;
    ledger_set(writer->ledger, &seen);
    atomic_fetch_add(&writer->ledger->opened, 1);
    readers_start(writer->readers, writer->journal, &writer->model);
}

/* --- operations: the ledger is set before a call, to what a kill within it may leave, and behind it --- */

static void begin(writer_t *writer, bool moves, const char *what, size_t slot, size_t amount)
{
    ledger_t *ledger = writer->ledger;
    (void)snprintf(ledger->notes[ledger->noted++ % LEDGER_NOTES], sizeof ledger->notes[0], "%s(section %llu, %zu)",
                   what, (unsigned long long)writer_numbers[slot], amount);
    ledger_set(ledger, &writer->model);
    readers_before(writer->readers, moves);
}

static void answered(writer_t *writer, const char *what, segj_status_t status)
{
    if (status != SEGJ_OK)
        give_up(writer, what, segj_last_error());
}

/* A record that is to be appended, in the model. */
typedef struct record {
    uint8_t entry[MODEL_ENTRY];
    uint8_t value[MODEL_VALUE_MAX + 8];
    size_t size;
} record_t;

static void add_record(writer_t *writer, size_t slot, size_t size, record_t *record)
{
    model_section_t *section = &writer->model.sections[slot];
    uint32_t id = model_new_id(&writer->model, size);
    model_entry(id, record->entry);
    record->size = model_value(id, record->value, sizeof record->value);
    section->exists = true;
    section->ids[section->count++] = id;
    readers_note(writer->readers, id, slot, section->count - 1);
}

static bool takes(const writer_t *writer, size_t slot, size_t records)
{
    const model_section_t *section = &writer->model.sections[slot];
    return section->count + records <= MODEL_RECORDS && !section->pruned;
}

static void expect_position(writer_t *writer, const char *what, uint64_t position, uint64_t expected)
{
    if (position != expected)
        give_up(writer, what, "the record went to another position");
}

static void append_one(writer_t *writer, size_t slot, size_t size)
{
    static record_t record;
    uint64_t position;
    if (!takes(writer, slot, 1))
        return;
    add_record(writer, slot, size, &record);
    begin(writer, false, "append", slot, size);
    answered(writer, "append",
             oversized_append(writer->journal, writer_numbers[slot], record.entry, record.value, record.size, &position,
                              NULL));
    expect_position(writer, "append", position, writer->model.sections[slot].count - 1);
}

static void append_batch(writer_t *writer, size_t slot, size_t count, size_t size)
{
    static record_t records[BATCH];
    oversized_record_t batch[BATCH];
    uint64_t position;
    if (!takes(writer, slot, count))
        return;
    for (size_t i = 0; i < count; i++) {
        add_record(writer, slot, size / (i + 1), &records[i]);
        batch[i] = (oversized_record_t){records[i].entry, records[i].value, records[i].size};
    }
    begin(writer, false, "append_batch", slot, count);
    answered(writer, "append_batch",
             oversized_append_batch(writer->journal, writer_numbers[slot], batch, count, &position, NULL));
    expect_position(writer, "append_batch", position, writer->model.sections[slot].count - count);
}

/* A value that comes in two parts. */
static void append_streamed(writer_t *writer, size_t slot, size_t size)
{
    static record_t record;
    oversized_writer_t *stream = NULL;
    uint64_t position;
    if (!takes(writer, slot, 1))
        return;
    add_record(writer, slot, size, &record);
    begin(writer, false, "writer", slot, size);
    answered(writer, "writer_open",
             oversized_writer_open(writer->journal, writer_numbers[slot], record.entry, record.size, &stream));
    size_t first = record.size / 3;
    answered(writer, "writer_write", oversized_writer_write(stream, record.value, first));
    answered(writer, "writer_write", oversized_writer_write(stream, record.value + first, record.size - first));
    answered(writer, "writer_finish", oversized_writer_finish(stream, &position, NULL));
    expect_position(writer, "writer_finish", position, writer->model.sections[slot].count - 1);
}

static void sync_one(writer_t *writer, size_t slot)
{
    model_section_t *section = &writer->model.sections[slot];
    if (section->pruned)
        return;
    begin(writer, false, "sync", slot, section->count);
    answered(writer, "sync", oversized_sync(writer->journal, writer_numbers[slot]));
    model_synced(section);
}

static void flush_one(writer_t *writer, size_t slot)
{
    model_section_t *section = &writer->model.sections[slot];
    if (section->pruned)
        return;
    begin(writer, false, "flush", slot, section->count);
    answered(writer, "flush", oversized_flush(writer->journal, writer_numbers[slot]));
    model_flushed(section);
}

static void all_synced(writer_t *writer)
{
    for (size_t i = 0; i < MODEL_SECTIONS; i++)
        if (writer->model.sections[i].exists)
            model_synced(&writer->model.sections[i]);
}

static void sync_all(writer_t *writer)
{
    begin(writer, false, "sync_all", 0, 0);
    answered(writer, "sync_all", oversized_sync_all(writer->journal));
    all_synced(writer);
}

static void rewind_to(writer_t *writer, size_t slot, uint64_t random, bool later)
{
    model_section_t *section = &writer->model.sections[slot];
    size_t count = (size_t)(random % (section->count + 1));
    if (section->pruned)
        return;
    model_rewinds(section, count);
    for (size_t i = slot + 1; later && i < MODEL_SECTIONS; i++)
        writer->model.sections[i].going = writer->model.sections[i].exists;
    begin(writer, true, later ? "rewind" : "rewind_section", slot, count);
    uint64_t size = count * oversized_record_size(writer->journal);
    if (later)
        answered(writer, "rewind", oversized_rewind(writer->journal, writer_numbers[slot], size));
    else
        answered(writer, "rewind_section", oversized_rewind_section(writer->journal, writer_numbers[slot], size));
    for (size_t i = slot + 1; later && i < MODEL_SECTIONS; i++)
        writer->model.sections[i] = (model_section_t){0};
    if (section->count > count) {
        section->count = count;
        model_synced(section); /* the current size touches no byte */
    }
}

static void prune(writer_t *writer, size_t slot)
{
    for (size_t i = 0; i < slot; i++)
        writer->model.sections[i].going = writer->model.sections[i].exists;
    begin(writer, true, "prune", slot, 0);
    answered(writer, "prune", oversized_prune(writer->journal, writer_numbers[slot], NULL));
    for (size_t i = 0; i < slot; i++)
        writer->model.sections[i] = (model_section_t){.pruned = true};
}

static void reopen(writer_t *writer, const segj_storage_t *storage)
{
    readers_stop(writer->readers);
    begin(writer, true, "close and open", 0, 0);
    answered(writer, "close", oversized_close(writer->journal));
    all_synced(writer);
    for (size_t i = 0; i < MODEL_SECTIONS; i++)
        writer->model.sections[i].pruned = false;
    ledger_set(writer->ledger, &writer->model);
    open_journal(writer, storage);
}

static void operate(writer_t *writer, const segj_storage_t *storage)
{
    uint64_t random = draw(writer);
    unsigned kind = (unsigned)(random % 64);
    size_t slot = (size_t)(random >> 8) % MODEL_SECTIONS;
    size_t size = (size_t)(random >> 16) % 120;
    if (kind < 4)
        size = (size_t)(random >> 16) % LARGE_VALUE;
    else if (kind < 12)
        size *= 16;
    if (kind < 30)
        append_one(writer, slot / 2, size); /* three sections get most of it */
    else if (kind < 34)
        append_batch(writer, slot / 2, 1 + size % BATCH, size);
    else if (kind < 38)
        append_streamed(writer, slot / 2, size * 16);
    else if (kind < 44)
        flush_one(writer, slot / 2);
    else if (kind < 50)
        sync_one(writer, slot / 2);
    else if (kind < 52)
        sync_all(writer);
    else if (kind < 56)
        append_one(writer, slot, size);
    else if (kind < 60)
        rewind_to(writer, slot / 2, random >> 20, false);
    else if (kind < 62)
        rewind_to(writer, slot / 2 + 2, random >> 20, true);
    else if (kind == 62)
        prune(writer, 1 + slot % 2);
    else
        reopen(writer, storage);
}

/* --- a life --- */

static void look_beside(writer_t *writer)
{
    const char *wrong = readers_wrong(writer->readers);
    if (wrong != NULL)
        give_up(writer, "beside", wrong);
    atomic_store(&writer->ledger->reads, readers_reads(writer->readers));
}

static void report_or_die(const order_t *order)
{
    char byte = 1;
    if (order->report < 0)
        (void)raise(SIGKILL);
    else if (write(order->report, &byte, 1) != 1)
        _exit(3);
}

_Noreturn void writer_run(const order_t *order, ledger_t *ledger)
{
    segj_storage_t storage = killing_storage(order->call);
    writer_t writer = {.order = order, .ledger = ledger, .model = *ledger_model(ledger), .state = order->seed};
    writer.readers = readers_new(order->seed);
    writer.model.numbers = writer_numbers;
    for (size_t i = 0; i < MODEL_SECTIONS; i++)
        writer.model.sections[i].pruned = false;
    open_journal(&writer, &storage);
    for (unsigned done = 0; getppid() == order->parent; done++) {
        if (done == order->operations)
            report_or_die(order);
        operate(&writer, &storage);
        ledger_set(ledger, &writer.model);
        atomic_fetch_add(&ledger->operations, 1);
        readers_after(writer.readers, &writer.model);
        readers_pace(writer.readers);
        look_beside(&writer);
    }
    _exit(4);
}
