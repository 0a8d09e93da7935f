/* badinput/vault.c: a journal of one section, kept in memory, whose files are bytes; see badinput/badinput.h. */
#include "badinput/badinput.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char directory[] = "vault";

/* --- bytes --- */

static bytes_t copy_bytes(const bytes_t *from)
{
    bytes_t copy = {malloc(from->size + VAULT_ROOM), from->size};
    assert_non_null(copy.data);
    memcpy(copy.data, from->data, from->size);
    return copy;
}

static void assert_same_bytes(const bytes_t *found, const bytes_t *expected, const path_t *path)
{
    size_t same = 0;
    while (same < found->size && same < expected->size && found->data[same] == expected->data[same])
        same++;
    if (found->size == expected->size && same == found->size)
        return;
    fail_msg("%s holds %zu bytes, expected %zu; they differ from %zu on", path->text, found->size, expected->size,
             same);
}

void free_pair(pair_t *pair)
{
    free_bytes(&pair->index);
    free_bytes(&pair->values);
}

/* --- files of the storage in memory --- */

static segj_partition_t *open_partition(const vault_t *vault, const char *name)
{
    segj_partition_t *partition = NULL;
    assert_int_equal(vault->storage->partition_open(vault->storage->context, directory, name, &partition), 0);
    return partition;
}

static segj_file_t *open_file(const vault_t *vault, segj_partition_t *partition, segj_open_mode_t mode)
{
    char name[17];
    segj_file_t *file = NULL;
    snprintf(name, sizeof name, "%016" PRIx64, (uint64_t)VAULT_SECTION);
    assert_int_equal(vault->storage->file_open(partition, name, mode, &file), 0);
    return file;
}

static void put_bytes(const vault_t *vault, const char *partition_name, const bytes_t *bytes)
{
    const segj_storage_t *storage = vault->storage;
    segj_partition_t *partition = open_partition(vault, partition_name);
    segj_file_t *file = open_file(vault, partition, SEGJ_OPEN_WRITE);
    segj_slice_t slice = {bytes->data, bytes->size};
    size_t done = 0;
    assert_int_equal(storage->file_truncate(file, 0), 0);
    if (bytes->size > 0)
        assert_int_equal(storage->file_write(file, 0, &slice, 1, &done), 0);
    assert_int_equal(done, bytes->size);
    storage->file_close(file);
    storage->partition_close(partition);
}

static bytes_t take_bytes(const vault_t *vault, const char *partition_name)
{
    const segj_storage_t *storage = vault->storage;
    segj_partition_t *partition = open_partition(vault, partition_name);
    segj_file_t *file = open_file(vault, partition, SEGJ_OPEN_READ);
    uint64_t size = 0;
    size_t done = 0;
    assert_int_equal(storage->file_size(file, &size), 0);
    bytes_t bytes = {malloc((size_t)size + 1), (size_t)size};
    assert_non_null(bytes.data);
    assert_int_equal(storage->file_read(file, 0, bytes.data, bytes.size, &done), 0);
    assert_int_equal(done, bytes.size);
    storage->file_close(file);
    storage->partition_close(partition);
    return bytes;
}

static int count_name(void *context, const char *name, segj_entry_kind_t kind)
{
    (void)name;
    (void)kind;
    ++*(int *)context;
    return 0;
}

static int count_names(const vault_t *vault, const char *partition_name)
{
    int count = 0;
    segj_partition_t *partition = open_partition(vault, partition_name);
    assert_int_equal(vault->storage->partition_list(partition, count_name, &count), 0);
    vault->storage->partition_close(partition);
    return count;
}

pair_t take_pair(vault_t *vault)
{
    assert_int_equal(count_names(vault, vault->config.index_partition), 1);
    assert_int_equal(count_names(vault, vault->config.value_partition), 1);
    return (pair_t){take_bytes(vault, vault->config.index_partition), take_bytes(vault, vault->config.value_partition)};
}

void put_damaged(vault_t *vault)
{
    put_bytes(vault, vault->config.index_partition, &vault->damaged.index);
    put_bytes(vault, vault->config.value_partition, &vault->damaged.values);
}

void assert_still_damaged(vault_t *vault)
{
    pair_t now = take_pair(vault);
    assert_same_bytes(&now.index, &vault->damaged.index, &vault->index_path);
    assert_same_bytes(&now.values, &vault->damaged.values, &vault->values_path);
    free_pair(&now);
}

/* --- the vault --- */

/* Between the two appends a sync: page 0 is written again, and the slot that was synced stays. */
static void write_samples(const vault_t *vault, leave_t leave)
{
    oversized_t *journal;
    assert_ok(oversized_open(&vault->config, &journal));
    append_samples(journal, VAULT_SECTION, 3);
    assert_ok(oversized_sync(journal, VAULT_SECTION));
    for (size_t i = 3; i < SAMPLES; i++)
        append_filled(journal, VAULT_SECTION, 100 + i, (uint8_t)(0x40 + i), SAMPLE_SIZE, NULL);
    assert_ok(oversized_sync(journal, VAULT_SECTION));
    if (leave == LEAVE_CLOSED)
        assert_ok(oversized_close(journal));
    else
        oversized_abandon(journal);
}

void open_vault(vault_t *vault, leave_t leave)
{
    *vault = (vault_t){0};
    assert_ok(segj_storage_memory_create(&vault->storage));
    small_config(&vault->config, directory);
    vault->config.storage = vault->storage;
    write_samples(vault, leave);
    vault->index_path = section_path(directory, vault->config.index_partition, VAULT_SECTION);
    vault->values_path = section_path(directory, vault->config.value_partition, VAULT_SECTION);
    vault->sample = take_pair(vault);
    vault->damaged = (pair_t){copy_bytes(&vault->sample.index), copy_bytes(&vault->sample.values)};
    assert_int_equal(vault->sample.index.size, INDEX_DATA_OFFSET + SAMPLE_PAGES * PHYSICAL_PAGE);
    assert_int_equal(vault->sample.values.size, VALUES_DATA_OFFSET + SAMPLES * SAMPLE_FRAME);
    verdict_t verdict = judge(vault);
    assert_int_equal(verdict.status, SEGJ_OK);
    assert_int_equal(verdict.watermark, leave == LEAVE_CLOSED ? SAMPLES : 0);
    assert_int_equal(verdict.kept, SAMPLES);
}

void close_vault(vault_t *vault)
{
    free_pair(&vault->sample);
    free_pair(&vault->damaged);
    segj_storage_memory_destroy(vault->storage);
}

void mend(vault_t *vault)
{
    vault->damaged.index.size = vault->sample.index.size;
    vault->damaged.values.size = vault->sample.values.size;
    memcpy(vault->damaged.index.data, vault->sample.index.data, vault->sample.index.size);
    memcpy(vault->damaged.values.data, vault->sample.values.data, vault->sample.values.size);
}

/* --- at rest --- */

static void check_index_at_rest(const bytes_t *file, size_t records)
{
    identity_t identity;
    uint8_t logical[SAMPLE_PAGES * SMALL_PAGE];
    size_t size = 0;
    size_t pages = (records * SMALL_RECORD + SMALL_PAGE - 1) / SMALL_PAGE;
    assert_int_equal(file->size, INDEX_DATA_OFFSET + pages * PHYSICAL_PAGE);
    assert_true(decode_identity(file->data, &identity));
    assert_int_equal(effective_watermark(file->data + HEADER_BLOCK, VAULT_SECTION), records);
    for (size_t page = 0; page < pages; page++) {
        const uint8_t *physical = file->data + INDEX_DATA_OFFSET + page * PHYSICAL_PAGE;
        uint16_t length = decode_page(physical, SMALL_PAGE, VAULT_SECTION, page);
        assert_true(page + 1 == pages || length == SMALL_PAGE);
        memcpy(logical + size, physical, length);
        size += length;
    }
    assert_int_equal(size, records * SMALL_RECORD);
    for (size_t i = 0; i < records; i++) {
        assert_int_equal(get_u64(logical + i * SMALL_RECORD), 100 + i);
        oversized_location_t location = decode_location(logical + i * SMALL_RECORD, SMALL_ENTRY);
        assert_int_equal(location.offset, i * SAMPLE_FRAME);
        assert_int_equal(location.size, SAMPLE_FRAME);
    }
}

void assert_at_rest(vault_t *vault, size_t records)
{
    identity_t identity;
    pair_t now = take_pair(vault);
    check_index_at_rest(&now.index, records);
    assert_int_equal(now.values.size, VALUES_DATA_OFFSET + records * SAMPLE_FRAME);
    assert_true(decode_identity(now.values.data, &identity));
    assert_memory_equal(now.values.data, vault->sample.values.data, now.values.size);
    free_pair(&now);
}
