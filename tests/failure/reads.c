/* failure/reads.c: the steps that read values in other ways than one by one into a buffer. See world.h. */
#include "failure/steps.h"

#include <string.h>

enum { PIECE_MAX = 1024, VALUE_MAX = 8192 };

/* The bytes are the record's value. */
static void check_bytes(world_t *w, const void *data, size_t size, const model_record_t *record)
{
    assert_int_equal(size, record->size);
    if (size > 0)
        assert_memory_equal(data, make_value(w, record->id, record->size), size);
}

segj_status_t take_scanned(world_t *w, oversized_replay_t *replay, const model_record_t *record)
{
    const void *value = replay;
    size_t size = 77;
    enter(w);
    segj_status_t status = leave(w, oversized_replay_value(replay, &value, &size));
    if (status == SEGJ_OK)
        check_bytes(w, value, size, record);
    else
        assert_true(value == replay && size == 77);
    return status;
}

/* Each value is right or failed, and the answer is the first failure. */
static void check_together(world_t *w, const model_section_t *model, const oversized_value_t *values,
                           segj_status_t status)
{
    segj_status_t first = SEGJ_OK;
    for (size_t i = 0; i < model->count; i++) {
        if (first == SEGJ_OK)
            first = values[i].status;
        if (values[i].status == SEGJ_OK)
            check_bytes(w, values[i].data, values[i].size, &model->records[i]);
        else
            assert_true(values[i].data == NULL && values[i].size == 0);
    }
    assert_int_equal(status, first);
}

static segj_status_t read_together(world_t *w, uint64_t section, const model_section_t *model, segj_buffer_t *memory)
{
    oversized_value_t values[MODEL_RECORDS];
    uint8_t entries[MODEL_RECORDS][SMALL_ENTRY];
    for (size_t i = 0; i < model->count; i++)
        values[i] = (oversized_value_t){.position = i, .entry = entries[i]};
    enter(w);
    segj_status_t status = leave(w, oversized_read_values(w->journal, section, values, model->count, memory));
    check_together(w, model, values, status);
    for (size_t i = 0; i < model->count; i++)
        if (values[i].status == SEGJ_OK)
            assert_int_equal(get_u64(entries[i]), model->records[i].id);
    if (status != SEGJ_OK)
        return status;
    enter(w);
    status = leave(w, oversized_get_values(w->journal, section, values, model->count, memory));
    check_together(w, model, values, status);
    return status;
}

static segj_status_t read_pieces(world_t *w, oversized_reader_t *reader, const model_record_t *record, size_t piece)
{
    uint8_t bytes[VALUE_MAX + PIECE_MAX];
    size_t at = 0;
    segj_status_t status = SEGJ_OK;
    while (status == SEGJ_OK) {
        size_t done = 0;
        assert_true(at <= VALUE_MAX);
        enter(w);
        status = leave(w, oversized_reader_read(reader, bytes + at, piece, &done));
        at += status == SEGJ_OK ? done : 0;
        assert_true(at <= record->size);
    }
    if (status != SEGJ_END)
        return status;
    check_bytes(w, bytes, at, record);
    return SEGJ_OK;
}

static segj_status_t read_in_pieces(world_t *w, const step_t *step, uint64_t section, const model_section_t *model)
{
    segj_status_t status = SEGJ_OK;
    assert_in_range(step->size, 1, PIECE_MAX);
    for (size_t i = 0; i < model->count && status == SEGJ_OK; i++) {
        oversized_reader_t *reader = (oversized_reader_t *)(void *)w; /* NULL where none is given */
        enter(w);
        status =
            leave(w, oversized_reader_open(w->journal, section, model->records[i].location, step->extra != 0, &reader));
        if (status != SEGJ_OK) {
            assert_null(reader);
            return status;
        }
        assert_int_equal(oversized_reader_size(reader), model->records[i].size);
        status = read_pieces(w, reader, &model->records[i], step->size);
        oversized_reader_close(reader);
    }
    return status;
}

static segj_status_t view_all(world_t *w, uint64_t section, const model_section_t *model, oversized_view_t *view)
{
    segj_status_t status = SEGJ_OK;
    for (size_t i = 0; i < model->count && status == SEGJ_OK; i++) {
        uint8_t entry[SMALL_ENTRY] = {0};
        enter(w);
        status = leave(w, oversized_view(w->journal, section, i, entry, view));
        if (status == SEGJ_OK) {
            assert_int_equal(get_u64(entry), model->records[i].id);
            check_bytes(w, view->data, view->size, &model->records[i]);
            enter(w);
            status = leave(w, oversized_view_value(w->journal, section, model->records[i].location, view));
        }
        if (status == SEGJ_OK)
            check_bytes(w, view->data, view->size, &model->records[i]);
        else
            assert_true(view->data == NULL && view->size == 0);
    }
    return status;
}

segj_status_t take_read(world_t *w, const step_t *step)
{
    segj_status_t status = SEGJ_OK;
    segj_buffer_t memory = {NULL, 0, 0};
    oversized_view_t view;
    memset(&view, 0, sizeof view);
    for (uint64_t i = 0; i < MODEL_SECTIONS && status == SEGJ_OK; i++) {
        const model_section_t *model = &w->model.sections[i];
        if (model->count == 0)
            continue;
        if (step->kind == DO_READ_TOGETHER)
            status = read_together(w, i, model, &memory);
        else if (step->kind == DO_READ_IN_PIECES)
            status = read_in_pieces(w, step, i, model);
        else
            status = view_all(w, i, model, &view);
    }
    oversized_view_release(&view);
    segj_buffer_free(&memory);
    return status;
}
