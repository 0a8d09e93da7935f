/* failure/appends.c: the steps that add records, each in its own way. See world.h. */
#include "failure/steps.h"

#include <errno.h>
#include <string.h>

enum { PIECES_MAX = 40, BATCH_MAX = 16 };

/* Nobody knows of a record that was not appended. */
static const oversized_location_t untouched = {77, 77};

/* The record is there, at the end. */
static void take_over(world_t *w, const step_t *step, model_record_t record, uint64_t position)
{
    model_section_t *model = &w->model.sections[step->section];
    assert_int_equal(position, model->count);
    /* In the commonware format values without a record stay, and new ones follow them. */
    uint64_t end = end_of(w, model, model->count);
    uint64_t offset = record.location.offset;
    if (w->config.sector_size > 0 && offset != end)
        end += w->config.sector_size - end % w->config.sector_size + FRAME_CHECKSUM; /* it is kept apart */
    if (model->count > 0 || w->config.format == SEGJ_FORMAT_NATIVE)
        assert_int_equal(offset, end);
    if (w->config.compression == 0)
        assert_int_equal(record.location.size, record.size + FRAME_CHECKSUM);
    assert_true(model->count < MODEL_RECORDS);
    model->records[model->count++] = record;
    model->least = model->count;
    model->listed = true;
    w->model.next_id++;
}

static segj_status_t append(world_t *w, const step_t *step)
{
    model_record_t record = {w->model.next_id, step->size, untouched};
    uint8_t entry[SMALL_ENTRY];
    uint64_t position = 77777;
    const void *value = make_value(w, record.id, record.size);
    put_u64(entry, record.id);
    enter(w);
    segj_status_t status =
        leave(w, oversized_append(w->journal, step->section, entry, value, step->size, &position, &record.location));
    if (status == SEGJ_OK) {
        take_over(w, step, record, position);
        return SEGJ_OK;
    }
    assert_int_equal(position, 77777);
    assert_int_equal(record.location.size, 77);
    return status;
}

static segj_status_t append_pieces(world_t *w, const step_t *step)
{
    model_record_t record = {w->model.next_id, step->size, untouched};
    segj_slice_t pieces[PIECES_MAX];
    uint8_t entry[SMALL_ENTRY];
    uint64_t position = 77777;
    const uint8_t *value = make_value(w, record.id, record.size);
    size_t count = (size_t)step->extra;
    assert_in_range(count, 1, PIECES_MAX);
    for (size_t i = 0; i < count; i++) {
        size_t from = step->size * i / count;
        pieces[i] = (segj_slice_t){value + from, step->size * (i + 1) / count - from};
    }
    put_u64(entry, record.id);
    enter(w);
    segj_status_t status =
        leave(w, oversized_appendv(w->journal, step->section, entry, pieces, count, &position, &record.location));
    if (status == SEGJ_OK) {
        take_over(w, step, record, position);
        return SEGJ_OK;
    }
    assert_int_equal(position, 77777);
    assert_int_equal(record.location.size, 77);
    return status;
}

static segj_status_t append_batch(world_t *w, const step_t *step)
{
    static uint8_t entries[BATCH_MAX][SMALL_ENTRY];
    static uint8_t values[BATCH_MAX][1024];
    oversized_record_t records[BATCH_MAX];
    oversized_location_t locations[BATCH_MAX];
    uint64_t position = 77777;
    size_t count = (size_t)step->extra;
    assert_in_range(count, 1, BATCH_MAX);
    assert_in_range(step->size + count, 1, sizeof values[0]);
    for (size_t i = 0; i < count; i++) {
        size_t size = step->size + i;
        memcpy(values[i], make_value(w, w->model.next_id + i, (uint32_t)size), size);
        put_u64(entries[i], w->model.next_id + i);
        records[i] = (oversized_record_t){entries[i], values[i], size};
    }
    enter(w);
    segj_status_t status =
        leave(w, oversized_append_batch(w->journal, step->section, records, count, &position, locations));
    for (size_t i = 0; i < count && status == SEGJ_OK; i++)
        take_over(w, step, (model_record_t){w->model.next_id, step->size + (uint32_t)i, locations[i]}, position + i);
    if (status != SEGJ_OK)
        assert_int_equal(position, 77777);
    return status;
}

/* What is written so far shows to nobody; a writer that has failed can only be given up. */
static segj_status_t write_pieces(world_t *w, oversized_writer_t *writer, const uint8_t *value, const step_t *step)
{
    segj_status_t status = SEGJ_OK;
    for (size_t at = 0; at < step->size && status == SEGJ_OK; at += (size_t)step->extra) {
        size_t left = step->size - at;
        enter(w);
        status = leave(w, oversized_writer_write(writer, value + at, left < step->extra ? left : (size_t)step->extra));
    }
    return status;
}

static segj_status_t stream(world_t *w, const step_t *step)
{
    model_record_t record = {w->model.next_id, step->size, untouched};
    model_section_t *model = &w->model.sections[step->section];
    oversized_writer_t *writer = (oversized_writer_t *)(void *)w; /* NULL where none is given */
    uint8_t entry[SMALL_ENTRY];
    uint64_t position = 77777;
    const void *value = make_value(w, record.id, record.size);
    put_u64(entry, record.id);
    assert_true(step->extra > 0);
    enter(w);
    /* In pieces of 40, 250,000 and so on it is not said how long the value will be. */
    uint64_t size = step->extra % 3 == 1 ? OVERSIZED_SIZE_UNKNOWN : step->size;
    segj_status_t status = leave(w, oversized_writer_open(w->journal, step->section, entry, size, &writer));
    if (status != SEGJ_OK) {
        assert_null(writer);
        return status;
    }
    model->listed = true; /* a section that was not there comes into being empty */
    status = write_pieces(w, writer, value, step);
    enter(w);
    if (status == SEGJ_OK)
        status = oversized_writer_finish(writer, &position, &record.location);
    else
        oversized_writer_abandon(writer);
    (void)leave(w, status);
    if (status == SEGJ_OK) {
        take_over(w, step, record, position);
        return SEGJ_OK;
    }
    assert_int_equal(position, 77777);
    assert_int_equal(record.location.size, 77);
    return status;
}

static segj_status_t tear_append(world_t *w, const step_t *step)
{
    assert_false(w->under_test);
    faulty_arm(&w->faulty, (fault_t){FAULT_TORN, 1, EIO, 0});
    segj_status_t status = append(w, step);
    assert_true(w->faulty.fired);
    assert_int_equal(w->faulty.first.kind, CALL_FILE_WRITE);
    faulty_disarm(&w->faulty);
    assert_int_equal(status, SEGJ_ERR_IO);
    assert_null(oversized_error(w->journal));
    return SEGJ_OK;
}

segj_status_t take_append(world_t *w, const step_t *step)
{
    switch (step->kind) {
    case DO_APPENDV:
        return append_pieces(w, step);
    case DO_BATCH:
        return append_batch(w, step);
    case DO_STREAM:
        return stream(w, step);
    case DO_TEAR:
        return tear_append(w, step);
    default:
        return append(w, step);
    }
}
