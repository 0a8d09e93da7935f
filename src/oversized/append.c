/*
 * oversized/append.c: the way in. A value goes to its section's values file, then its record to the index; both mostly
 * land in buffers. Records are put in place first, where nobody sees them, and all that can fail comes before they are
 * published: a failed append, or batch of appends, has changed nothing.
 *
 * Publishing takes no lock. There is one writer, under the change lock; sizes grow in an order that lets a reader who
 * sees a record also see its value (DESIGN.md, "Append").
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "journal/record_format.h"
#include "oversized/journal.h"

/** Records that are being appended together. */
typedef struct append_batch {
    oversized_t *journal;
    segj_section_t *section; /* NULL: made by the first record */
    uint64_t number;
    uint64_t records; /* to be appended */
    uint64_t placed;  /* of them, in place */
    bool created;
} append_batch_t;

/** A value in pieces. */
typedef struct value {
    const segj_slice_t *pieces;
    size_t count;
    size_t size; /* of all together */
} value_t;

static segj_status_t append_begin(append_batch_t *batch, oversized_t *journal, uint64_t number, uint64_t records)
{
    *batch = (append_batch_t){.journal = journal, .number = number, .records = records};
    segj_status_t status = segj_journal_changeable(journal);
    if (status != SEGJ_OK)
        return status;
    /* Only changes change the table and the prune line, and we are the one that is under way. */
    batch->section = segj_journal_find(journal, number);
    if (batch->section == NULL && number < journal->prune_line)
        return segj_fail(SEGJ_ERR_PRUNED, "section %llu was pruned", (unsigned long long)number);
    if (batch->section != NULL && batch->section->streaming)
        return segj_fail(SEGJ_ERR_BUSY, "a value is being streamed into section %llu", (unsigned long long)number);
    if (segj_budget_exceeded(&journal->env.budget))
        return segj_journal_relieve(journal, batch->section);
    return SEGJ_OK;
}

/* Wakes the section, or makes it, and makes room for its records: once their values are in place nothing may fail. */
static segj_status_t append_prepare(append_batch_t *batch)
{
    oversized_t *journal = batch->journal;
    segj_status_t status;
    if (batch->section == NULL) {
        status = segj_section_create(journal, batch->number, &batch->section);
        batch->created = status == SEGJ_OK;
    } else {
        status = segj_section_wake(journal, batch->section);
    }
    uint64_t size;
    if (status != SEGJ_OK)
        return status;
    if (!segj_mul_u64(batch->records, journal->env.record_size, &size) || size > SIZE_MAX / 2)
        return segj_fail_memory(SIZE_MAX);
    status = segj_paged_reserve(batch->section->index.tail, &journal->env.pages, &batch->section->index.handle.file,
                                (size_t)size);
    return status == SEGJ_OK ? segj_section_mend(journal, batch->section) : status;
}

/* Puts a value that is in pieces together. */
static segj_status_t append_gather(segj_codec_t *codec, const value_t *value, const void **whole)
{
    segj_codec_trim(&codec->gathered);
    segj_status_t status = segj_buffer_reserve(&codec->gathered, value->size, SIZE_MAX);
    if (status != SEGJ_OK)
        return status;
    uint8_t *to = codec->gathered.data;
    for (size_t i = 0; i < value->count; i++) {
        if (value->pieces[i].size > 0)
            memcpy(to, value->pieces[i].data, value->pieces[i].size);
        to += value->pieces[i].size;
    }
    *whole = codec->gathered.data;
    return SEGJ_OK;
}

/* Makes a payload of a value: *payload stays valid until the next call. */
static segj_status_t append_encode(oversized_t *journal, const value_t *value, segj_slice_t *payload)
{
    const void *whole = value->count > 0 ? value->pieces[0].data : NULL;
    segj_status_t status = value->count > 1 ? append_gather(&journal->codec, value, &whole) : SEGJ_OK;
    return status == SEGJ_OK ? segj_codec_compress(&journal->codec, whole, value->size, &payload->data, &payload->size)
                             : status;
}

void segj_section_put(oversized_t *journal, segj_section_t *section, const void *entry, oversized_location_t location)
{
    if (journal->entry_size > 0)
        memcpy(journal->record, entry, journal->entry_size);
    segj_location_encode(journal->record + journal->entry_size, location);
    segj_paged_put(section->index.tail, journal->record, journal->env.record_size);
}

/* Puts a record and its value in place. */
static segj_status_t append_add(append_batch_t *batch, const void *entry, const value_t *value,
                                oversized_location_t *location)
{
    oversized_t *journal = batch->journal;
    segj_section_t *section = batch->section;
    value_t payload = *value;
    segj_slice_t encoded = {NULL, 0};
    segj_status_t status = SEGJ_OK;
    if (section != NULL ? section->values.compressed : journal->codec.level != 0) {
        status = append_encode(journal, value, &encoded);
        payload = (value_t){&encoded, 1, encoded.size};
    }
    if (status == SEGJ_OK && payload.size > UINT32_MAX - SEGJ_FRAME_TRAILER)
        status =
            segj_fail(SEGJ_ERR_TOO_LARGE, "section %llu: a payload of %zu bytes, at most 2^32 - 5 bytes are possible",
                      (unsigned long long)batch->number, payload.size);
    if (status == SEGJ_OK && batch->placed == 0)
        status = append_prepare(batch);
    if (status != SEGJ_OK)
        return status;
    section = batch->section;
    oversized_location_t placed;
    status = segj_glob_place(&section->values, &journal->env, payload.pieces, payload.count, payload.size, &placed);
    if (status != SEGJ_OK)
        return status;
    segj_section_put(journal, section, entry, placed);
    batch->placed++;
    if (location != NULL)
        *location = placed;
    return SEGJ_OK;
}

uint64_t segj_section_publish(oversized_t *journal, segj_section_t *section, uint64_t count)
{
    /* Values come first: who sees a record sees its value. */
    segj_glob_publish(&section->values, &journal->env);
    uint64_t first = atomic_load_explicit(&section->index.records, memory_order_relaxed);
    atomic_store_explicit(&section->index.records, first + count, memory_order_release);
    section->appended++;
    return first;
}

/* Shows the records, all of them. */
static uint64_t append_commit(append_batch_t *batch)
{
    oversized_t *journal = batch->journal;
    segj_section_t *section = batch->section;
    uint64_t first = segj_section_publish(journal, section, batch->placed);
    if (batch->created)
        segj_section_show(journal, section);
    return first;
}

/* Nothing has happened. */
static void append_take_back(append_batch_t *batch)
{
    segj_section_t *section = batch->section;
    if (batch->created) {
        segj_section_discard(batch->journal, section);
    } else if (section != NULL && section->index.tail != NULL) {
        segj_glob_take_back(&section->values, &batch->journal->env);
        segj_paged_take_back(section->index.tail, (size_t)batch->placed * batch->journal->env.record_size);
    }
}

static segj_status_t append(oversized_t *journal, uint64_t number, const void *entry, const value_t *value,
                            uint64_t *position, oversized_location_t *location)
{
    append_batch_t batch;
    oversized_location_t placed;
    segj_status_t status = append_begin(&batch, journal, number, 1);
    if (status != SEGJ_OK)
        return status;
    status = append_add(&batch, entry, value, &placed);
    if (status != SEGJ_OK) {
        append_take_back(&batch);
        return status;
    }
    uint64_t first = append_commit(&batch);
    if (position != NULL)
        *position = first;
    if (location != NULL)
        *location = placed;
    return SEGJ_OK;
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
    segj_lock(&journal->change);
    status = append(journal, section, entry, &whole, position, location);
    segj_unlock(&journal->change);
    return status;
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
    segj_lock(&journal->change);
    status = append(journal, section, entry, &value, position, location);
    segj_unlock(&journal->change);
    return status;
}

static segj_status_t append_batch(oversized_t *journal, uint64_t number, const oversized_record_t *records,
                                  size_t count, uint64_t *position, oversized_location_t *locations)
{
    append_batch_t batch;
    segj_status_t status = append_begin(&batch, journal, number, count);
    if (status != SEGJ_OK || count == 0)
        return status;
    for (size_t i = 0; i < count && status == SEGJ_OK; i++) {
        segj_slice_t piece = {records[i].value, records[i].size};
        value_t value = {&piece, 1, records[i].size};
        status = append_add(&batch, records[i].entry, &value, locations != NULL ? &locations[i] : NULL);
    }
    if (status != SEGJ_OK) {
        append_take_back(&batch);
        return status;
    }
    uint64_t first = append_commit(&batch);
    if (position != NULL)
        *position = first;
    return SEGJ_OK;
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
    segj_lock(&journal->change);
    segj_status_t status = append_batch(journal, section, records, count, position, locations);
    segj_unlock(&journal->change);
    return status;
}
