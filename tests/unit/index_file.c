/* unit/index_file.c: see the header. */
#include "unit/index_file.h"

#include <stdlib.h>
#include <string.h>

#include "unit/blob.h"

static void lock(index_file_t *index)
{
    segj_lock(&index->rig->shared.state);
}

static void unlock(index_file_t *index)
{
    segj_unlock(&index->rig->shared.state);
}

index_file_t *index_new(rig_sizes_t sizes)
{
    index_file_t *index = calloc(1, sizeof *index);
    assert_non_null(index);
    index->rig = rig_new(sizes);
    segj_shared_t *shared = &index->rig->shared;
    segj_fixed_init(&index->fixed, shared, INDEX_SECTION);
    lock(index);
    assert_ok(segj_files_create(&shared->files, &index->fixed.handle));
    unlock(index);
    assert_ok(segj_fixed_write_header(&index->fixed, shared, index_handle(index)));
    recorder_clear(index->rig->recorder);
    return index;
}

void index_free(index_file_t *index)
{
    recorder_watch(index->rig->recorder, NULL, NULL);
    index_rest(index);
    lock(index);
    while (index->fixed.handle.pins > 0)
        segj_files_unpin(&index->rig->shared.files, &index->fixed.handle);
    segj_files_forget(&index->rig->shared.files, &index->fixed.handle);
    unlock(index);
    rig_free(index->rig);
    free(index);
}

const segj_io_file_t *index_handle(const index_file_t *index)
{
    return &index->fixed.handle.file;
}

/* --- writing --- */

void index_wake(index_file_t *index)
{
    if (index->fixed.tail == NULL)
        assert_ok(segj_fixed_activate(&index->fixed, &index->rig->shared));
}

void index_rest(index_file_t *index)
{
    lock(index);
    segj_fixed_deactivate(&index->fixed, &index->rig->shared);
    unlock(index);
    assert_null(index->fixed.tail);
}

void index_append(index_file_t *index, uint64_t records)
{
    segj_shared_t *shared = &index->rig->shared;
    uint8_t *record = malloc(shared->record_size);
    assert_non_null(record);
    index_wake(index);
    for (uint64_t i = 0; i < records; i++) {
        assert_ok(segj_paged_reserve(index->fixed.tail, &shared->pages, index_handle(index), shared->record_size));
        blob_bytes(index->fixed.records * shared->record_size, record, shared->record_size);
        lock(index);
        segj_paged_put(index->fixed.tail, record, shared->record_size);
        index->fixed.records++;
        unlock(index);
    }
    free(record);
}

void index_sync(index_file_t *index)
{
    segj_shared_t *shared = &index->rig->shared;
    segj_paged_capture_t capture;
    assert_ok(segj_paged_capture(index->fixed.tail, &shared->pages, &capture));
    assert_ok(segj_paged_write(index->fixed.tail, index_handle(index), &capture));
    assert_ok(segj_io_sync(index_handle(index)));
    lock(index);
    segj_paged_finish(index->fixed.tail, &shared->pages, &capture, true);
    unlock(index);
}

void index_fill(index_file_t *index, uint64_t records)
{
    index_append(index, records);
    index_sync(index);
    index_rest(index);
    recorder_clear(index->rig->recorder);
}

/* --- reading --- */

segj_status_t index_read(index_file_t *index, uint64_t offset, size_t size)
{
    uint8_t *found = malloc(size);
    uint8_t *expected = malloc(size);
    assert_non_null(found);
    assert_non_null(expected);
    blob_bytes(offset, expected, size);
    lock(index);
    segj_status_t status = segj_fixed_read(&index->fixed, &index->rig->shared, offset, size, found);
    unlock(index);
    if (status == SEGJ_OK)
        assert_memory_equal(found, expected, size);
    free(expected);
    free(found);
    return status;
}

bytes_t index_bytes(index_file_t *index)
{
    return rig_read(index->rig, &index->rig->shared.index, INDEX_SECTION);
}

uint64_t index_watermark(index_file_t *index)
{
    bytes_t file = index_bytes(index);
    assert_true(file.size >= INDEX_DATA_OFFSET);
    uint64_t records = effective_watermark(file.data + HEADER_BLOCK, INDEX_SECTION);
    free_bytes(&file);
    return records;
}

bool index_slot(index_file_t *index, unsigned slot, watermark_t *found)
{
    bytes_t file = index_bytes(index);
    bool valid = decode_watermark(file.data + (slot + 1) * HEADER_BLOCK, INDEX_SECTION, found);
    free_bytes(&file);
    return valid;
}

static void set_slot(index_file_t *index, unsigned slot, watermark_t mark)
{
    uint8_t block[HEADER_BLOCK] = {0};
    if (mark.sequence > 0)
        encode_watermark(block, INDEX_SECTION, mark);
    rig_write(index->rig, &index->rig->shared.index, INDEX_SECTION, (slot + 1) * HEADER_BLOCK, block, sizeof block);
}

void index_set_slots(index_file_t *index, watermark_t first, watermark_t second)
{
    set_slot(index, 0, first);
    set_slot(index, 1, second);
    index->fixed.newest_slot = second.sequence > first.sequence ? 1 : 0;
    index->fixed.sequence = second.sequence > first.sequence ? second.sequence : first.sequence;
    index->fixed.mark.records = second.sequence > first.sequence ? second.records : first.records;
}
