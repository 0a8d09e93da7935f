/*
 * oversized/write/append.c: the way in. A value goes to its section's values file, then its record to the index; both
 * mostly land in buffers. Records are put in place first, where no reader looks, and all that can fail comes before
 * they are published: a failed append, or batch of appends, has changed nothing.
 *
 * Publishing takes no lock. There is one writer, under the change lock; sizes grow in an order that lets a reader who
 * sees a record also see its value (DESIGN.md, "Append").
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "journal/record_format.h"
#include "oversized/section/durable.h"
#include "oversized/section/room.h"
#include "oversized/section/writers.h"
#include "oversized/write/append.h"
#include "oversized/write/behind.h"
#include "oversized/write/payload.h"

/** Records that are being appended together. */
typedef struct append_batch {
    oversized_t *journal;
    segj_section_t *section; /* NULL: made by the first record */
    uint64_t number;
    uint64_t records;                /* to be appended */
    uint64_t placed;                 /* of them, in place */
    const segj_payloads_t *payloads; /* made before; NULL: none */
    bool created;
} append_batch_t;

/** A value in pieces. */
typedef struct value {
    const segj_slice_t *pieces;
    size_t count;
    size_t size; /* of all together */
} value_t;

SEGJ_UNDER_CHANGE static segj_status_t append_begin(append_batch_t *batch, oversized_t *journal, uint64_t number,
                                                    uint64_t records)
{
    *batch = (append_batch_t){.journal = journal, .number = number, .records = records};
    segj_status_t status = segj_journal_changeable(journal);
    if (status != SEGJ_OK)
        return status;
    /* Only the holder of the change lock changes the table and the prune line, and this thread holds it. */
    batch->section = segj_journal_find(journal, number);
    if (batch->section == NULL && number < journal->prune_line)
        return segj_fail(SEGJ_ERR_PRUNED, "section %llu was pruned", (unsigned long long)number);
    if (batch->section != NULL && batch->section->streaming)
        return segj_fail(SEGJ_ERR_BUSY, "a value is being streamed into section %llu", (unsigned long long)number);
    if (segj_budget_exceeded(&journal->shared.budget))
        return segj_journal_shrink_write_memory(journal, batch->section);
    return SEGJ_OK;
}

/* Activates the section, or makes it, and makes room for its records: once their values are in place nothing may
 * fail. */
SEGJ_UNDER_CHANGE static segj_status_t append_prepare(append_batch_t *batch)
{
    oversized_t *journal = batch->journal;
    segj_status_t status;
    if (batch->section == NULL) {
        status = segj_section_create(journal, batch->number, &batch->section);
        batch->created = status == SEGJ_OK;
    } else {
        status = segj_section_activate(journal, batch->section);
    }
    uint64_t size;
    if (status != SEGJ_OK)
        return status;
    if (!segj_mul_u64(batch->records, journal->shared.record_size, &size) || size > SIZE_MAX / 2)
        return segj_fail_memory(SIZE_MAX);
    status = segj_paged_reserve(batch->section->index.tail, &journal->shared.pages, &batch->section->index.handle.file,
                                (size_t)size);
    return status == SEGJ_OK ? segj_section_truncate_tail(journal, batch->section) : status;
}

void segj_section_put(oversized_t *journal, segj_section_t *section, const void *entry,
                      const oversized_location_t *location)
{
    segj_assert_held(&journal->change);
    segj_paged_t *tail = section->index.tail;
    size_t size = journal->shared.record_size;
    uint8_t *place = segj_paged_place(tail, size);
    uint8_t *record = place != NULL ? place : journal->record;
    segj_entry_copy(record, entry, journal->entry_size);
    segj_location_encode(record + journal->entry_size, *location);
    if (place != NULL)
        segj_paged_took(tail, size);
    else
        segj_paged_put(tail, record, size);
}

static bool append_is_compressed(const append_batch_t *batch)
{
    return batch->section != NULL ? batch->section->values.compressed : batch->journal->codec.level != 0;
}

/* Whether it is of version 2; also for one that will be made. */
static bool is_log(const append_batch_t *batch)
{
    return batch->section != NULL ? segj_section_is_log(batch->section) : batch->journal->shared.native_version == 2;
}

/* Under the change lock: it was not foreseen that the section is one of compressed values, or one with that
 * dictionary. */
SEGJ_UNDER_CHANGE static segj_status_t encode_now(const append_batch_t *batch, const value_t *value,
                                                  segj_slice_t *slice)
{
    oversized_t *journal = batch->journal;
    segj_dictionary_t *dictionary;
    segj_packing_t packing = {.level = journal->codec.level, .crew = &journal->codec.crew};
    segj_status_t status = segj_dictionary_take_to_pack(journal, batch->section, &dictionary);
    if (status != SEGJ_OK)
        return status;
    if (dictionary != NULL)
        packing.dictionary = dictionary->packs;
    status = segj_encoder_make(&journal->codec.own, packing, value->pieces, value->count, value->size, slice);
    segj_dictionary_give(journal, dictionary);
    return status;
}

static bool has_lost_dictionary(const append_batch_t *batch)
{
    return batch->section != NULL && atomic_load_explicit(&batch->section->dictionary_lost, memory_order_relaxed);
}

/* The payload of a value in a section of compressed ones: made before or now, in *packed and *slice, and *value is that
 * then. *raw: it would not be smaller, or could not be read again; the value stays what it is, and the frame's flag says
 * so. */
SEGJ_UNDER_CHANGE static segj_status_t append_encode(const append_batch_t *batch, const value_t **value,
                                                     value_t *packed, segj_slice_t *slice, bool *raw)
{
    segj_status_t status = SEGJ_OK;
    const segj_payloads_t *payloads = batch->payloads;
    const segj_slice_t *made = payloads != NULL && segj_payload_fits(batch->journal, batch->section, payloads->made_for)
                                   ? segj_payloads_get(payloads, (size_t)batch->placed)
                                   : NULL;
    *raw = has_lost_dictionary(batch);
    if (!*raw && made != NULL)
        *slice = *made;
    else if (!*raw)
        status = encode_now(batch, *value, slice);
    if (status == SEGJ_ERR_COMPRESSION && has_lost_dictionary(batch)) { /* it has found that out */
        *raw = true;
        return SEGJ_OK;
    }
    if (status != SEGJ_OK || *raw)
        return status;
    *raw = slice->size >= (*value)->size && is_log(batch);
    *packed = (value_t){slice, 1, slice->size};
    if (!*raw)
        *value = packed;
    return SEGJ_OK;
}

uint8_t segj_section_unsynced(const segj_section_t *section, uint64_t placed)
{
    uint64_t count = atomic_load_explicit(&section->index.records, memory_order_relaxed) + placed -
                     atomic_load_explicit(&section->index.durable, memory_order_relaxed);
    return count < UINT8_MAX ? (uint8_t)count : UINT8_MAX;
}

/* Version 2: the frame has the record too. */
SEGJ_UNDER_CHANGE static inline segj_status_t place_record(const append_batch_t *batch, const void *entry,
                                                           const value_t *payload, bool raw,
                                                           oversized_location_t *placed)
{
    bool last = batch->placed + 1 == batch->records;
    const segj_head_t head = {
        .flags = (uint8_t)(SEGJ_HEAD_FRAME | (last ? 0 : SEGJ_HEAD_GOES_ON) | (raw ? SEGJ_HEAD_RAW : 0)),
        .unsynced = segj_section_unsynced(batch->section, batch->placed),
        .entry = entry};
    return segj_glob_place_record(&batch->section->values, &batch->journal->shared, head, payload->pieces,
                                  payload->count, payload->size, placed);
}

/* Puts a record and its value in place. */
SEGJ_UNDER_CHANGE static segj_status_t append_add(append_batch_t *batch, const void *entry, const value_t *value,
                                                  oversized_location_t *location)
{
    oversized_t *journal = batch->journal;
    segj_shared_t *shared = &journal->shared;
    segj_status_t status = SEGJ_OK;
    value_t packed;
    segj_slice_t slice;
    bool raw = false;
    if (append_is_compressed(batch))
        status = append_encode(batch, &value, &packed, &slice, &raw);
    if (status == SEGJ_OK && value->size > UINT32_MAX - SEGJ_FRAME_TRAILER)
        status =
            segj_fail(SEGJ_ERR_TOO_LARGE, "section %llu: a payload of %zu bytes, at most 2^32 - 5 bytes are possible",
                      (unsigned long long)batch->number, value->size);
    if (status == SEGJ_OK && batch->placed == 0)
        status = append_prepare(batch);
    if (status != SEGJ_OK)
        return status;
    segj_section_t *section = batch->section;
    oversized_location_t placed;
    if (segj_section_is_log(section))
        status = place_record(batch, entry, value, raw, &placed);
    else
        status = segj_glob_place(&section->values, shared, value->pieces, value->count, value->size, &placed);
    if (status != SEGJ_OK)
        return status;
    segj_section_put(journal, section, entry, &placed);
    batch->placed++;
    if (location != NULL) { /* now, because the entry may be there; and field by field, which waits for no store */
        location->offset = placed.offset;
        location->size = placed.size;
    }
    return SEGJ_OK;
}

uint64_t segj_section_publish(oversized_t *journal, segj_section_t *section, uint64_t count)
{
    segj_assert_held(&journal->change);
    /* Values come first: a reader that sees a record sees its value. */
    segj_glob_publish(&section->values, &journal->shared);
    uint64_t first = atomic_load_explicit(&section->index.records, memory_order_relaxed);
    atomic_store_explicit(&section->index.records, first + count, memory_order_release);
    segj_section_count_append(section);
    return first;
}

/* Shows the records, all of them. */
SEGJ_UNDER_CHANGE static uint64_t append_commit(append_batch_t *batch)
{
    oversized_t *journal = batch->journal;
    segj_section_t *section = batch->section;
    uint64_t first = segj_section_publish(journal, section, batch->placed);
    if (batch->created)
        segj_section_show(journal, section);
    return first;
}

/* Nothing has happened. */
SEGJ_UNDER_CHANGE static void append_roll_back(append_batch_t *batch)
{
    oversized_t *journal = batch->journal;
    segj_section_t *section = batch->section;
    if (batch->created) {
        segj_section_discard(journal, section);
    } else if (section != NULL && section->index.tail != NULL) {
        segj_glob_roll_back(&section->values, &journal->shared);
        segj_paged_roll_back(section->index.tail, (size_t)batch->placed * journal->shared.record_size);
        segj_section_withdraw(journal, section);
    }
}

SEGJ_UNDER_CHANGE static segj_status_t try_one(oversized_t *journal, uint64_t number, const void *entry,
                                               const value_t *value, const segj_payloads_t *payloads,
                                               uint64_t *position, oversized_location_t *location)
{
    append_batch_t batch;
    segj_status_t status = append_begin(&batch, journal, number, 1);
    if (status != SEGJ_OK)
        return status;
    batch.payloads = payloads;
    status = append_add(&batch, entry, value, location);
    if (status != SEGJ_OK) {
        append_roll_back(&batch);
        return status;
    }
    uint64_t first = append_commit(&batch);
    if (position != NULL)
        *position = first;
    return SEGJ_OK;
}

SEGJ_UNDER_CHANGE static inline segj_status_t append_one(oversized_t *journal, uint64_t number, const void *entry,
                                                         const value_t *value, const segj_payloads_t *payloads,
                                                         uint64_t *position, oversized_location_t *location)
{
    segj_status_t status = try_one(journal, number, entry, value, payloads, position, location);
    if (status == SEGJ_ERR_NO_SPACE && segj_room_is_given(journal))
        status = try_one(journal, number, entry, value, payloads, position, location);
    return status;
}

/* The value is compressed first, or found to be stored as it is. */
static SEGJ_APART segj_status_t append_compressed(oversized_t *journal, uint64_t section, const void *entry,
                                                  const value_t *value, uint64_t *position,
                                                  oversized_location_t *location)
{
    segj_payloads_t payloads;
    segj_status_t status = segj_payloads_make(&payloads, journal, section, value->pieces, value->count, value->size);
    if (status != SEGJ_OK)
        return status;
    oversized_location_t placed;
    segj_gate_enter(&journal->change);
    status = append_one(journal, section, entry, value, &payloads, position, &placed);
    if (status == SEGJ_OK)
        segj_tally_saved(&journal->tally, (uint64_t)value->size - (placed.size - SEGJ_FRAME_TRAILER));
    segj_behind_leave(journal);
    segj_payloads_free(&payloads, journal);
    if (status == SEGJ_OK && location != NULL)
        *location = placed;
    return status;
}

static segj_status_t append(oversized_t *journal, uint64_t section, const void *entry, const value_t *value,
                            uint64_t *position, oversized_location_t *location)
{
    if (segj_payloads_may_be(journal))
        return append_compressed(journal, section, entry, value, position, location);
    segj_gate_enter(&journal->change);
    segj_status_t status = append_one(journal, section, entry, value, NULL, position, location);
    segj_behind_leave(journal);
    return status;
}

/* --- what callers may ask --- */

static segj_status_t check_entry(const oversized_t *journal, const char *call, const void *entry)
{
    if (entry == NULL && journal->entry_size > 0)
        return segj_fail(SEGJ_ERR_INVALID, "%s: entry is NULL, expected %u bytes", call, (unsigned)journal->entry_size);
    return SEGJ_OK;
}

static segj_status_t append_check_size(const oversized_t *journal, uint64_t section, size_t size)
{
    if (size > journal->max_value_size)
        return segj_fail(SEGJ_ERR_TOO_LARGE, "section %llu: a value of %zu bytes, max_value_size is %u bytes",
                         (unsigned long long)section, size, (unsigned)journal->max_value_size);
    return SEGJ_OK;
}

static segj_status_t append_check_value(const oversized_t *journal, const char *call, uint64_t section,
                                        const void *value, size_t size)
{
    if (value == NULL && size > 0)
        return segj_fail(SEGJ_ERR_INVALID, "%s: value is NULL, expected %zu bytes", call, size);
    return append_check_size(journal, section, size);
}

segj_status_t oversized_append(oversized_t *journal, uint64_t section, const void *entry, const void *value,
                               size_t size, uint64_t *position, oversized_location_t *location)
{
    SEGJ_ENTER(journal, oversized_append(journal, section, entry, value, size, position, location));
    segj_status_t status = check_entry(journal, "oversized_append", entry);
    if (status == SEGJ_OK)
        status = append_check_value(journal, "oversized_append", section, value, size);
    if (status != SEGJ_OK)
        return status;
    segj_slice_t piece = {value, size};
    value_t whole = {&piece, 1, size};
    return append(journal, section, entry, &whole, position, location);
}

segj_status_t oversized_appendv(oversized_t *journal, uint64_t section, const void *entry, const segj_slice_t *pieces,
                                size_t count, uint64_t *position, oversized_location_t *location)
{
    SEGJ_ENTER(journal, oversized_appendv(journal, section, entry, pieces, count, position, location));
    if (pieces == NULL && count > 0)
        return segj_fail(SEGJ_ERR_INVALID, "oversized_appendv: pieces is NULL, expected %zu pieces", count);
    segj_status_t status = check_entry(journal, "oversized_appendv", entry);
    value_t value = {pieces, count, 0};
    for (size_t i = 0; i < count && status == SEGJ_OK; i++) {
        if (pieces[i].data == NULL && pieces[i].size > 0)
            status = segj_fail(SEGJ_ERR_INVALID, "oversized_appendv: piece %zu is NULL, expected %zu bytes", i,
                               pieces[i].size);
        else if (pieces[i].size > SIZE_MAX - value.size)
            status = segj_fail(SEGJ_ERR_TOO_LARGE, "oversized_appendv: the pieces are larger than memory");
        else
            value.size += pieces[i].size;
    }
    if (status == SEGJ_OK)
        status = append_check_size(journal, section, value.size);
    if (status != SEGJ_OK)
        return status;
    return append(journal, section, entry, &value, position, location);
}

/* What compressing the values of a batch saves, or costs (it wraps around then). They are in place. */
static uint64_t saved_by(const append_batch_t *batch, const oversized_record_t *records, size_t count)
{
    uint64_t bytes = SEGJ_FRAME_TRAILER * (uint64_t)count;
    for (size_t i = 0; i < count; i++)
        bytes += records[i].size;
    const segj_glob_t *values = &batch->section->values;
    return bytes - segj_section_stored(batch->section, count, values->pending - segj_glob_pending_gap(values));
}

/* Of a batch of payloads that are made a part at a time the next part, which is for the section that they were for. */
SEGJ_UNDER_CHANGE static bool wants_more(const append_batch_t *batch)
{
    return batch->payloads->encoder != NULL && append_is_compressed(batch) && !has_lost_dictionary(batch) &&
           segj_payload_fits(batch->journal, batch->section, batch->payloads->made_for);
}

SEGJ_UNDER_CHANGE static segj_status_t try_many(oversized_t *journal, uint64_t number,
                                                const oversized_record_t *records, size_t count,
                                                segj_payloads_t *payloads, uint64_t *position,
                                                oversized_location_t *locations)
{
    append_batch_t batch;
    segj_status_t status = append_begin(&batch, journal, number, count);
    if (status != SEGJ_OK || count == 0)
        return status;
    batch.payloads = payloads;
    for (size_t i = 0; i < count && status == SEGJ_OK; i++) {
        segj_slice_t piece = {records[i].value, records[i].size};
        value_t value = {&piece, 1, records[i].size};
        if (i == payloads->count && wants_more(&batch))
            status = segj_payloads_more(payloads, records, count);
        if (status == SEGJ_OK)
            status = append_add(&batch, records[i].entry, &value, locations != NULL ? &locations[i] : NULL);
    }
    if (status != SEGJ_OK) {
        append_roll_back(&batch);
        return status;
    }
    if (segj_payloads_may_be(journal))
        segj_tally_saved(&journal->tally, saved_by(&batch, records, count));
    uint64_t first = append_commit(&batch);
    if (position != NULL)
        *position = first;
    return SEGJ_OK;
}

/* Not where parts of the payloads are made and gone: the room is there for the next call then. */
SEGJ_UNDER_CHANGE static segj_status_t append_many(oversized_t *journal, uint64_t number,
                                                   const oversized_record_t *records, size_t count,
                                                   segj_payloads_t *payloads, uint64_t *position,
                                                   oversized_location_t *locations)
{
    size_t made = payloads->count;
    segj_status_t status = try_many(journal, number, records, count, payloads, position, locations);
    if (status == SEGJ_ERR_NO_SPACE && segj_room_is_given(journal) && payloads->count == made)
        status = try_many(journal, number, records, count, payloads, position, locations);
    return status;
}

segj_status_t oversized_append_batch(oversized_t *journal, uint64_t section, const oversized_record_t *records,
                                     size_t count, uint64_t *position, oversized_location_t *locations)
{
    SEGJ_ENTER(journal, oversized_append_batch(journal, section, records, count, position, locations));
    if (records == NULL && count > 0)
        return segj_fail(SEGJ_ERR_INVALID, "oversized_append_batch: records is NULL, expected %zu records", count);
    for (size_t i = 0; i < count; i++) {
        segj_status_t status = check_entry(journal, "oversized_append_batch", records[i].entry);
        if (status == SEGJ_OK)
            status = append_check_value(journal, "oversized_append_batch", section, records[i].value, records[i].size);
        if (status != SEGJ_OK)
            return segj_context(status, "record %zu", i);
    }
    segj_payloads_t payloads;
    segj_status_t status = segj_payloads_make_many(&payloads, journal, section, records, count);
    if (status != SEGJ_OK)
        return status;
    segj_gate_enter(&journal->change);
    status = append_many(journal, section, records, count, &payloads, position, locations);
    segj_behind_leave(journal);
    segj_payloads_free(&payloads, journal);
    return status;
}
