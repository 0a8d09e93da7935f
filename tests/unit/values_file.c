/* unit/values_file.c: see the header. */
#include "unit/values_file.h"

#include <stdlib.h>
#include <string.h>

static void lock(values_file_t *values)
{
    segj_lock(&values->rig->shared.state);
}

static void unlock(values_file_t *values)
{
    segj_unlock(&values->rig->shared.state);
}

values_file_t *values_new(size_t capacity)
{
    values_file_t *values = calloc(1, sizeof *values);
    assert_non_null(values);
    values->rig = rig_new((rig_sizes_t){.value_capacity = capacity});
    segj_shared_t *shared = &values->rig->shared;
    segj_glob_init(&values->glob, shared, VALUES_SECTION);
    lock(values);
    assert_ok(segj_files_create(&shared->files, &values->glob.handle));
    unlock(values);
    assert_ok(segj_glob_write_header(&values->glob, &values->rig->shared, values_handle(values)));
    recorder_clear(values->rig->recorder);
    return values;
}

void values_free(values_file_t *values)
{
    lock(values);
    segj_glob_discard(&values->glob, &values->rig->shared);
    segj_files_unpin(&values->rig->shared.files, &values->glob.handle);
    segj_files_forget(&values->rig->shared.files, &values->glob.handle);
    unlock(values);
    rig_free(values->rig);
    free(values);
}

const segj_io_file_t *values_handle(const values_file_t *values)
{
    return &values->glob.handle.file;
}

uint8_t *values_payload(uint64_t offset, size_t size)
{
    uint8_t *payload = malloc(size + 1);
    assert_non_null(payload);
    for (size_t i = 0; i < size; i++)
        payload[i] = (uint8_t)(offset * 13 + i * 7 + (offset >> 8) + 1);
    return payload;
}

/* --- writing --- */

segj_status_t values_place(values_file_t *values, const void *payload, size_t size, oversized_location_t *location)
{
    segj_slice_t piece = {payload, size};
    /* As whoever places anything does first. */
    segj_status_t status =
        values->glob.pending == 0 ? segj_glob_truncate_tail(&values->glob, &values->rig->shared) : SEGJ_OK;
    if (status != SEGJ_OK)
        return status;
    return segj_glob_place(&values->glob, &values->rig->shared, &piece, 1, size, location);
}

segj_status_t values_try_put(values_file_t *values, size_t frame)
{
    oversized_location_t placed;
    uint64_t offset = values->glob.size;
    uint8_t *payload = values_payload(offset, frame - FRAME_CHECKSUM);
    segj_status_t status = values_place(values, payload, frame - FRAME_CHECKSUM, &placed);
    free(payload); /* what was placed is not borrowed */
    assert_int_equal(values->glob.size, offset);
    if (status != SEGJ_OK) {
        segj_glob_roll_back(&values->glob, &values->rig->shared);
        return status;
    }
    assert_int_equal(placed.offset, offset);
    assert_int_equal(placed.size, frame);
    segj_glob_publish(&values->glob, &values->rig->shared);
    assert_int_equal(values->glob.size, offset + frame);
    assert_true(values->count < VALUES_FRAMES);
    values->frames[values->count++] = placed;
    return SEGJ_OK;
}

void values_put(values_file_t *values, size_t frame)
{
    assert_ok(values_try_put(values, frame));
}

segj_status_t values_drain(values_file_t *values)
{
    return segj_glob_drain(&values->glob, &values->rig->shared, false);
}

segj_glob_capture_t values_capture(values_file_t *values)
{
    segj_glob_capture_t capture;
    segj_glob_capture(&values->glob, &values->rig->shared, &capture);
    return capture;
}

segj_status_t values_write(values_file_t *values, const segj_glob_capture_t *capture)
{
    return segj_glob_write(values_handle(values), capture);
}

void values_finish(values_file_t *values, const segj_glob_capture_t *capture, bool written)
{
    lock(values);
    segj_glob_finish(&values->glob, &values->rig->shared, capture, written);
    unlock(values);
}

/* --- checks --- */

bytes_t values_bytes(values_file_t *values)
{
    return rig_read(values->rig, &values->rig->shared.values, VALUES_SECTION);
}

/* The frame as it must be; to be freed. */
static uint8_t *expected_frame(oversized_location_t location)
{
    uint8_t *payload = values_payload(location.offset, location.size - FRAME_CHECKSUM);
    uint8_t *frame = malloc(location.size);
    assert_non_null(frame);
    encode_frame(frame, VALUES_SECTION, location.offset, payload, location.size - FRAME_CHECKSUM);
    free(payload);
    return frame;
}

static void check_frame(values_file_t *values, oversized_location_t location, const bytes_t *file)
{
    uint8_t *expected = expected_frame(location);
    lock(values);
    const segj_write_buffer_t *buffer = segj_chain_find(&values->glob.chain, location.offset);
    if (buffer != NULL) {
        size_t from = (size_t)(location.offset - buffer->offset);
        assert_true(from + location.size <= buffer->size);
        assert_memory_equal(buffer->data + from, expected, location.size);
    } else {
        assert_true(VALUES_DATA_OFFSET + location.offset + location.size <= file->size);
        assert_memory_equal(file->data + VALUES_DATA_OFFSET + location.offset, expected, location.size);
    }
    unlock(values);
    free(expected);
}

void check_frames(values_file_t *values)
{
    bytes_t file = values_bytes(values);
    for (size_t i = 0; i < values->count; i++)
        check_frame(values, values->frames[i], &file);
    free_bytes(&file);
}

void check_file(values_file_t *values)
{
    uint8_t header[VALUES_DATA_OFFSET];
    bytes_t file = values_bytes(values);
    encode_identity(header, &(identity_t){.version = 1, .kind = IDENTITY_VALUES, .section = VALUES_SECTION});
    assert_null(values->glob.chain.first);
    segj_pool_free(&values->rig->shared.frames);
    assert_int_equal(values->rig->shared.budget.used, 0);
    assert_int_equal(file.size, VALUES_DATA_OFFSET + values->glob.size);
    assert_memory_equal(file.data, header, sizeof header);
    for (size_t i = 0; i < values->count; i++)
        check_frame(values, values->frames[i], &file);
    free_bytes(&file);
}
