/*
 * oversized/read/read_many.c: many values of a section at once. Under one taking of the state lock (given up now and
 * then, so that others have their turn) every item is looked up and its frame held; then frames that touch in the file
 * are read in one go, in the order of their offsets, and each is checked. A rewind during it is noticed at the end, and
 * everything done again.
 *
 * An item that fails leaves the others alone. The call answers with the first one that failed in the caller's order.
 */
#include <stdlib.h>
#include <string.h>

#include "journal/record_format.h"
#include "oversized/read/frames.h"
#include "oversized/read/look_up.h"

/* Items looked up before others may have the lock. */
#define AT_A_TIME 128

/** A frame that is wanted. */
typedef struct piece {
    uint64_t begin, end;         /* of the frame, in the data */
    segj_write_buffer_t *buffer; /* referenced; NULL: the file */
    size_t item;
    size_t at; /* where its bytes are in the memory */
} piece_t;

typedef struct read_many_batch {
    oversized_t *journal;
    segj_section_t *section; /* referenced */
    uint64_t generation;
    oversized_read_request_t *values;
    size_t count;
    bool by_position;
    bool pinned;
    piece_t *pieces;
    size_t used;
    uint8_t *record;
    size_t first; /* of the items that failed, `count` while there is none */
    segj_sentence_t sentence;
} read_many_batch_t;

static void fail_item(read_many_batch_t *batch, size_t item, segj_status_t status)
{
    batch->values[item].status = status;
    if (item >= batch->first)
        return;
    batch->first = item;
    segj_keep(&batch->sentence);
}

/* --- looking up --- */

/* Under state, which it may give up: gives the record's entry and location. Changes since are noticed at the
 * end. */
SEGJ_UNDER_STATE static segj_status_t read_many_find(read_many_batch_t *batch, oversized_read_request_t *value)
{
    const oversized_t *journal = batch->journal;
    bool changed;
    segj_status_t status =
        segj_look_up_record(batch->journal, batch->section, value->position, batch->record, &changed);
    if (status != SEGJ_OK)
        return status;
    if (value->entry != NULL && journal->entry_size > 0)
        memcpy(value->entry, batch->record, journal->entry_size);
    value->location = segj_location_decode(batch->record + journal->entry_size);
    return SEGJ_OK;
}

/* Under state, which it may give up. */
SEGJ_UNDER_STATE static segj_status_t read_many_look_up(read_many_batch_t *batch, size_t item)
{
    oversized_read_request_t *value = &batch->values[item];
    piece_t *piece = &batch->pieces[batch->used];
    segj_status_t status = batch->by_position ? read_many_find(batch, value) : SEGJ_OK;
    if (status == SEGJ_OK)
        status = segj_frame_find(batch->journal, batch->section, value->location, &piece->buffer);
    if (status != SEGJ_OK)
        return status;
    if (piece->buffer != NULL)
        piece->buffer->references++;
    piece->begin = value->location.offset;
    piece->end = piece->begin + segj_frame_size(batch->section->values.handle.file.head, value->location);
    piece->item = item;
    batch->used++;
    return SEGJ_OK;
}

/* Under state, which it gives up. */
SEGJ_UNDER_STATE static segj_status_t look_all_up(read_many_batch_t *batch)
{
    segj_shared_t *shared = &batch->journal->shared;
    bool files = false;
    for (size_t i = 0; i < batch->count; i++) {
        batch->values[i].data = NULL;
        batch->values[i].size = 0;
        batch->values[i].status = SEGJ_OK;
        segj_status_t status = read_many_look_up(batch, i);
        if (status != SEGJ_OK)
            fail_item(batch, i, status);
        else
            files = files || batch->pieces[batch->used - 1].buffer == NULL;
        if (i % AT_A_TIME == AT_A_TIME - 1) {
            segj_unlock(&shared->state);
            segj_lock(&shared->state);
        }
    }
    if (!files)
        return SEGJ_OK;
    segj_status_t status = segj_files_pin(&shared->files, &batch->section->values.handle);
    batch->pinned = status == SEGJ_OK;
    return status;
}

/* Gives back what was held. *changed: nothing that was read counts. */
static void read_many_release(read_many_batch_t *batch, bool *changed)
{
    segj_shared_t *shared = &batch->journal->shared;
    segj_lock(&shared->state);
    for (size_t i = 0; i < batch->used; i++)
        if (batch->pieces[i].buffer != NULL)
            segj_buffer_release(&shared->frames, batch->pieces[i].buffer);
    if (batch->pinned)
        segj_files_unpin(&shared->files, &batch->section->values.handle);
    *changed = segj_section_changed(batch->section, batch->generation);
    segj_section_release_locked(batch->journal, batch->section);
    segj_unlock(&shared->state);
}

/* --- reading --- */

static int read_many_compare(const void *left, const void *right)
{
    const piece_t *a = left;
    const piece_t *b = right;
    return a->begin != b->begin ? (a->begin < b->begin ? -1 : 1) : (a->end > b->end) - (a->end < b->end);
}

static void sort(read_many_batch_t *batch)
{
    for (size_t i = 1; i < batch->used; i++)
        if (read_many_compare(&batch->pieces[i - 1], &batch->pieces[i]) > 0) {
            qsort(batch->pieces, batch->used, sizeof *batch->pieces, read_many_compare);
            return;
        }
}

/* The end of a run: pieces from `first` on that touch or overlap, all of them in the file or all in one buffer. */
static size_t run_of(const read_many_batch_t *batch, size_t first, uint64_t *end)
{
    const piece_t *pieces = batch->pieces;
    size_t last = first + 1;
    *end = pieces[first].end;
    for (; last < batch->used && pieces[last].begin <= *end && pieces[last].buffer == pieces[first].buffer; last++)
        *end = segj_max_u64(*end, pieces[last].end);
    return last;
}

/* Gives every piece its place in the memory. */
static segj_status_t lay_out(read_many_batch_t *batch, uint64_t *total)
{
    *total = 0;
    for (size_t first = 0, last; first < batch->used; first = last) {
        uint64_t end;
        last = run_of(batch, first, &end);
        for (size_t i = first; i < last; i++)
            batch->pieces[i].at = (size_t)(*total + (batch->pieces[i].begin - batch->pieces[first].begin));
        *total += end - batch->pieces[first].begin;
        if (*total > SIZE_MAX / 2)
            return segj_fail(SEGJ_ERR_TOO_LARGE, "section %llu: the values asked for do not fit into memory together",
                             (unsigned long long)batch->section->node.number);
    }
    return SEGJ_OK;
}

/* *got: bytes of it that there were; NULL: the end of the file before `end` is a failure. */
static segj_status_t read_range(const read_many_batch_t *batch, const piece_t *piece, uint64_t end, uint8_t *to,
                                size_t *got)
{
    const segj_io_file_t *file = &batch->section->values.handle.file;
    size_t size = (size_t)(end - piece->begin);
    if (piece->buffer == NULL)
        return segj_io_read(file, file->data + piece->begin, to, size, got);
    memcpy(to, piece->buffer->data + (piece->begin - piece->buffer->offset), size);
    if (got != NULL)
        *got = size;
    return SEGJ_OK;
}

/* Where the file ends within a run, or a part of it cannot be read, the other frames are there all the same. */
static void read_run(read_many_batch_t *batch, size_t first, size_t last, uint64_t end, uint8_t *memory)
{
    const segj_shared_t *shared = &batch->journal->shared;
    const segj_io_file_t *file = &batch->section->values.handle.file;
    const piece_t *pieces = batch->pieces;
    size_t got = 0;
    segj_status_t read = read_range(batch, &pieces[first], end, memory + pieces[first].at, &got);
    if (read != SEGJ_OK && last - first > 1) { /* each by itself */
        read = SEGJ_OK;
        got = 0;
    }
    for (size_t i = first; i < last; i++) {
        const piece_t *piece = &pieces[i];
        oversized_read_request_t *value = &batch->values[piece->item];
        segj_status_t status = read;
        if (status == SEGJ_OK && piece->end - pieces[first].begin > got)
            status = read_range(batch, piece, piece->end, memory + piece->at, NULL);
        if (status == SEGJ_OK)
            status =
                segj_glob_check(shared, file, batch->section->values.compressed, value->location, memory + piece->at);
        if (status != SEGJ_OK) {
            fail_item(batch, piece->item, status);
            continue;
        }
        value->data = memory + piece->at + file->head;
        value->size = value->location.size - SEGJ_FRAME_TRAILER;
    }
}

/* Frames, checked, into `memory`; items show them. */
static segj_status_t read_frames(read_many_batch_t *batch, segj_buffer_t *memory)
{
    uint64_t total;
    sort(batch);
    segj_status_t status = lay_out(batch, &total);
    if (status == SEGJ_OK)
        status = segj_buffer_reserve(memory, (size_t)total, SIZE_MAX);
    for (size_t first = 0, last; status == SEGJ_OK && first < batch->used; first = last) {
        uint64_t end;
        last = run_of(batch, first, &end);
        read_run(batch, first, last, end, memory->data);
    }
    if (status == SEGJ_OK)
        memory->size = (size_t)total;
    return status;
}

/* --- compressed values --- */

/* The item shows its frame, as it was read. */
static bool is_raw(const read_many_batch_t *batch, const oversized_read_request_t *value)
{
    const segj_io_file_t *file = &batch->section->values.handle.file;
    return segj_glob_is_raw(file, (const uint8_t *)value->data - file->head);
}

static segj_status_t measure_one(const read_many_batch_t *batch, const oversized_read_request_t *value, size_t *content)
{
    const segj_io_file_t *file = &batch->section->values.handle.file;
    *content = value->size;
    if (is_raw(batch, value))
        return segj_frame_judge_raw(batch->journal, file, value->location);
    segj_status_t status = segj_codec_inspect(value->data, value->size, batch->journal->max_value_size, content);
    return status == SEGJ_OK ? status : segj_frame_context(file, value->location, status);
}

static segj_status_t unpack_one(const read_many_batch_t *batch, segj_decoder_t *decoder,
                                const oversized_read_request_t *value, void *to, size_t *content)
{
    *content = value->size;
    if (is_raw(batch, value)) {
        if (to != NULL && value->size > 0)
            memcpy(to, value->data, value->size);
        return SEGJ_OK;
    }
    segj_status_t status = segj_decoder_ready(batch->journal, batch->section, decoder);
    if (status != SEGJ_OK)
        return status;
    status = segj_codec_begin(value->data, value->size, batch->journal->max_value_size, content);
    if (status == SEGJ_OK)
        status = segj_codec_unpack(decoder, segj_decoder_dictionary(decoder), value->data, value->size, to, *content);
    return status == SEGJ_OK ? status
                             : segj_frame_context(&batch->section->values.handle.file, value->location, status);
}

/* What the frames that were read unpack to, together. An item that is no frame fails. */
static segj_status_t measure(read_many_batch_t *batch, size_t *total)
{
    *total = 0;
    for (size_t i = 0; i < batch->count; i++) {
        oversized_read_request_t *value = &batch->values[i];
        size_t content = 0;
        if (value->status != SEGJ_OK)
            continue;
        segj_status_t status = measure_one(batch, value, &content);
        if (status != SEGJ_OK)
            fail_item(batch, i, status);
        else if (content > SIZE_MAX / 2 - *total)
            return segj_fail(SEGJ_ERR_TOO_LARGE, "section %llu: the values asked for do not fit into memory together",
                             (unsigned long long)batch->section->node.number);
        else
            *total += content;
    }
    return SEGJ_OK;
}

static segj_status_t read_many_unpack(read_many_batch_t *batch, segj_decoder_t *decoder, segj_buffer_t *memory)
{
    size_t total = 0;
    segj_status_t status = measure(batch, &total);
    if (status == SEGJ_OK)
        status = segj_buffer_reserve(memory, total, SIZE_MAX);
    if (status != SEGJ_OK)
        return status;
    size_t at = 0;
    for (size_t i = 0; i < batch->count; i++) {
        oversized_read_request_t *value = &batch->values[i];
        size_t content = 0;
        if (value->status != SEGJ_OK)
            continue;
        uint8_t *to = memory->data != NULL ? (uint8_t *)memory->data + at : NULL;
        status = unpack_one(batch, decoder, value, to, &content);
        if (status != SEGJ_OK) {
            fail_item(batch, i, status);
            continue;
        }
        value->data = to;
        value->size = content;
        at += content;
    }
    memory->size = at;
    return SEGJ_OK;
}

static segj_status_t read_many_read_compressed(read_many_batch_t *batch, segj_buffer_t *memory)
{
    segj_decoder_t *decoder;
    segj_status_t status = segj_decoder_take(batch->journal, batch->section, &decoder);
    if (status != SEGJ_OK)
        return status;
    status = read_frames(batch, &decoder->frame);
    if (status == SEGJ_OK)
        status = read_many_unpack(batch, decoder, memory);
    segj_decoder_give(batch->journal, decoder);
    return status;
}

/* --- the calls --- */

static segj_status_t run_once(read_many_batch_t *batch, uint64_t number, segj_buffer_t *memory, bool *changed)
{
    oversized_t *journal = batch->journal;
    *changed = false;
    batch->used = 0;
    batch->pinned = false;
    batch->first = batch->count;
    segj_lock(&journal->shared.state);
    segj_status_t status = segj_journal_require(journal, number, &batch->section);
    if (status == SEGJ_OK) {
        batch->generation = batch->section->generation;
        segj_section_acquire(batch->section);
        status = look_all_up(batch);
    }
    segj_unlock(&journal->shared.state);
    if (batch->section == NULL)
        return status;
    if (status == SEGJ_OK)
        status =
            batch->section->values.compressed ? read_many_read_compressed(batch, memory) : read_frames(batch, memory);
    read_many_release(batch, changed);
    return status;
}

/* What is wrong with the call as a whole is wrong with each item. */
static segj_status_t fail_all(const read_many_batch_t *batch, segj_buffer_t *memory, segj_status_t status)
{
    memory->size = 0;
    for (size_t i = 0; i < batch->count; i++) {
        batch->values[i].status = status;
        batch->values[i].data = NULL;
        batch->values[i].size = 0;
    }
    return status;
}

static segj_status_t read_many_run(read_many_batch_t *batch, uint64_t number, segj_buffer_t *memory)
{
    size_t record = batch->by_position ? batch->journal->shared.record_size : 0;
    if (batch->count > (SIZE_MAX / 2 - record) / sizeof *batch->pieces)
        return fail_all(batch, memory, segj_fail_memory(SIZE_MAX));
    size_t size = batch->count * sizeof *batch->pieces + record;
    batch->pieces = malloc(size);
    if (batch->pieces == NULL)
        return fail_all(batch, memory, segj_fail_memory(size));
    batch->record = (uint8_t *)(batch->pieces + batch->count);
    segj_status_t status;
    bool changed;
    do
        status = run_once(batch, number, memory, &changed);
    while (changed);
    free(batch->pieces);
    if (status != SEGJ_OK)
        return fail_all(batch, memory, status);
    for (size_t i = 0; i < batch->count; i++)
        if (batch->values[i].status != SEGJ_OK) {
            batch->values[i].data = NULL;
            batch->values[i].size = 0;
        }
    if (batch->first == batch->count)
        return SEGJ_OK;
    segj_say_again(&batch->sentence);
    return batch->values[batch->first].status;
}

static segj_status_t read_many_begin(const char *call, oversized_t *journal, uint64_t number,
                                     oversized_read_request_t *values, size_t count, segj_buffer_t *memory,
                                     bool by_position)
{
    if (memory == NULL || (values == NULL && count > 0))
        return segj_fail(SEGJ_ERR_INVALID, "%s: %s is NULL", call, memory == NULL ? "memory" : "values");
    if (count == 0)
        return SEGJ_OK;
    read_many_batch_t batch = {.journal = journal, .values = values, .count = count, .by_position = by_position};
    return read_many_run(&batch, number, memory);
}

segj_status_t oversized_get_values(oversized_t *journal, uint64_t section, oversized_read_request_t *values,
                                   size_t count, segj_buffer_t *memory)
{
    if (memory != NULL)
        memory->size = 0;
    SEGJ_ENTER(journal, oversized_get_values(journal, section, values, count, memory));
    return read_many_begin("oversized_get_values", journal, section, values, count, memory, false);
}

segj_status_t oversized_read_values(oversized_t *journal, uint64_t section, oversized_read_request_t *values,
                                    size_t count, segj_buffer_t *memory)
{
    if (memory != NULL)
        memory->size = 0;
    SEGJ_ENTER(journal, oversized_read_values(journal, section, values, count, memory));
    return read_many_begin("oversized_read_values", journal, section, values, count, memory, true);
}
