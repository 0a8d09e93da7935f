/*
 * oversized/read.c: the way out. A reader looks a section up and holds a reference of it while the storage works; when the
 * section's generation has changed meanwhile (a rewind, a removal), what it read says nothing and it looks again.
 */
#include <stdlib.h>
#include <string.h>

#include "journal/record_format.h"
#include "oversized/journal.h"

/* Records up to this many bytes need no memory from the heap. */
#define RECORD_ON_STACK 1024

static segj_status_t find(oversized_t *journal, uint64_t number, segj_section_t **section)
{
    *section = segj_journal_find(journal, number);
    return *section != NULL ? SEGJ_OK : segj_journal_missing(journal, number);
}

/* The decoders are the state lock's; making a new one is not. */
static segj_status_t take_decoder(oversized_t *journal, segj_decoder_t **decoder)
{
    segj_lock(&journal->env.state);
    *decoder = journal->codec.decoders;
    if (*decoder != NULL)
        journal->codec.decoders = (*decoder)->next;
    segj_unlock(&journal->env.state);
    return *decoder != NULL ? SEGJ_OK : segj_decoder_new(decoder);
}

static void give_decoder(oversized_t *journal, segj_decoder_t *decoder)
{
    segj_codec_trim(&decoder->frame);
    segj_lock(&journal->env.state);
    decoder->next = journal->codec.decoders;
    journal->codec.decoders = decoder;
    segj_unlock(&journal->env.state);
}

/** Where a value's frame is: in a buffer, or in the file. */
typedef struct source {
    segj_write_buffer_t *buffer; /* referenced; NULL: the file, pinned */
    const segj_io_file_t *file;
    oversized_location_t location;
    bool compressed;
} source_t;

static segj_status_t wrong_location(const segj_io_file_t *file, oversized_location_t location)
{
    return segj_io_fail(SEGJ_ERR_CHECKSUM, file, file->data + location.offset, "no value of %u bytes begins here",
                        (unsigned)location.size);
}

/* Gives the frame's bytes, checked: in the buffer, or in `memory`, which is made large enough. */
static segj_status_t get_frame(const segj_env_t *env, const source_t *source, segj_buffer_t *memory, size_t limit,
                               const uint8_t **frame)
{
    oversized_location_t location = source->location;
    if (source->buffer == NULL) {
        segj_status_t status = segj_buffer_reserve(memory, location.size, limit);
        *frame = memory->data;
        return status == SEGJ_OK ? segj_glob_read(env, source->file, location, memory->data) : status;
    }
    *frame = source->buffer->data + (location.offset - source->buffer->offset);
    size_t payload = location.size - SEGJ_FRAME_TRAILER;
    uint32_t crc = segj_frame_checksum(env->checksum, source->file->section, location.offset, *frame, payload);
    return crc == segj_get_u32(*frame + payload) ? SEGJ_OK : wrong_location(source->file, location);
}

static segj_status_t copy_plain(const oversized_t *journal, const source_t *source, segj_buffer_t *value)
{
    size_t payload = source->location.size - SEGJ_FRAME_TRAILER;
    const uint8_t *frame;
    size_t most = (size_t)segj_min_u64(SIZE_MAX, (uint64_t)journal->max_value_size + SEGJ_FRAME_TRAILER);
    segj_status_t status = get_frame(&journal->env, source, value, most, &frame);
    if (status == SEGJ_OK && source->buffer != NULL) {
        status = segj_buffer_reserve(value, payload, journal->max_value_size);
        if (status == SEGJ_OK && payload > 0)
            memcpy(value->data, frame, payload);
    }
    if (status == SEGJ_OK)
        value->size = payload;
    return status;
}

static segj_status_t copy_compressed(oversized_t *journal, const source_t *source, segj_buffer_t *value)
{
    segj_decoder_t *decoder;
    segj_status_t status = take_decoder(journal, &decoder);
    if (status != SEGJ_OK)
        return status;
    const uint8_t *frame;
    uint64_t most = segj_codec_bound(journal->max_value_size) + SEGJ_FRAME_TRAILER;
    status = get_frame(&journal->env, source, &decoder->frame, (size_t)segj_min_u64(SIZE_MAX, most), &frame);
    if (status == SEGJ_OK) {
        status = segj_codec_decompress(decoder, frame, source->location.size - SEGJ_FRAME_TRAILER,
                                       journal->max_value_size, value);
        if (status != SEGJ_OK)
            status = segj_context(status, "%s/%s/%016llx, offset %llu", source->file->part->directory,
                                  source->file->part->name, (unsigned long long)source->file->section,
                                  (unsigned long long)(source->file->data + source->location.offset));
    }
    give_decoder(journal, decoder);
    return status;
}

/* Under state. What can be refused without looking at the bytes, before any memory is taken. */
static segj_status_t check_location(const oversized_t *journal, const segj_section_t *section,
                                    oversized_location_t location)
{
    const segj_io_file_t *file = &section->values.handle.file;
    uint64_t end;
    if (!segj_location_end(location, section->values.size, &end))
        return segj_io_fail(
            SEGJ_ERR_RANGE, file, file->data, "a frame of %u bytes at %llu is not within the section's %llu bytes",
            (unsigned)location.size, (unsigned long long)location.offset, (unsigned long long)section->values.size);
    uint64_t payload = location.size - SEGJ_FRAME_TRAILER;
    uint64_t most = section->values.compressed ? segj_codec_bound(journal->max_value_size) : journal->max_value_size;
    if (payload > most)
        return segj_io_fail(SEGJ_ERR_TOO_LARGE, file, file->data + location.offset,
                            "a value of %llu stored bytes, max_value_size is %u", (unsigned long long)payload,
                            (unsigned)journal->max_value_size);
    return SEGJ_OK;
}

/* Under state. Finds the frame and keeps it where it is. */
static segj_status_t hold(oversized_t *journal, segj_section_t *section, source_t *source)
{
    uint64_t begin = source->location.offset;
    uint64_t end = begin + source->location.size;
    for (segj_write_buffer_t *at = section->values.chain.first; at != NULL; at = at->next) {
        uint64_t limit = at->offset + at->size;
        if (end <= at->offset || begin >= limit)
            continue;
        /* A frame is never in two places; what is, is none. */
        if (begin < at->offset || end > limit)
            return wrong_location(source->file, source->location);
        at->references++;
        source->buffer = at;
        return SEGJ_OK;
    }
    return segj_files_pin(&journal->env.files, &section->values.handle);
}

/* Under state, which is given up meanwhile. The caller has a reference of the section. */
static segj_status_t read_value(oversized_t *journal, segj_section_t *section, oversized_location_t location,
                                segj_buffer_t *value)
{
    segj_status_t status = check_location(journal, section, location);
    source_t source = {NULL, &section->values.handle.file, location, section->values.compressed};
    if (status == SEGJ_OK)
        status = hold(journal, section, &source);
    if (status != SEGJ_OK)
        return status;
    segj_unlock(&journal->env.state);
    status = source.compressed ? copy_compressed(journal, &source, value) : copy_plain(journal, &source, value);
    segj_lock(&journal->env.state);
    if (source.buffer != NULL)
        segj_buffer_release(&journal->env.frames, source.buffer);
    else
        segj_files_unpin(&journal->env.files, &section->values.handle);
    return status;
}

/* Under state, which is given up meanwhile. */
static segj_status_t read_record(oversized_t *journal, segj_section_t *section, uint64_t position, uint8_t *record)
{
    uint32_t size = journal->env.record_size;
    segj_status_t status = segj_fixed_read(&section->index, &journal->env, position * size, size, record);
    return status == SEGJ_OK ? SEGJ_OK
                             : segj_context(status, "section %llu, record %llu",
                                            (unsigned long long)section->node.number, (unsigned long long)position);
}

/** What a reader wants of a record. */
typedef struct request {
    uint64_t section, position;
    bool last; /* instead of the position */
    segj_buffer_t *value;
} request_t;

static segj_status_t no_record(const request_t *request, uint64_t count)
{
    return segj_fail(SEGJ_ERR_NO_RECORD, "section %llu has no record %llu, it has %llu records",
                     (unsigned long long)request->section, (unsigned long long)request->position,
                     (unsigned long long)count);
}

/* Reads once. *changed: the section was rewound or removed meanwhile. Under state. */
static segj_status_t try_read(oversized_t *journal, const request_t *request, uint8_t *record, bool *changed)
{
    segj_section_t *section = NULL;
    *changed = false;
    segj_status_t status = find(journal, request->section, &section);
    if (status != SEGJ_OK)
        return status;
    uint64_t count = section->index.records;
    if (request->last && count == 0)
        return SEGJ_END;
    uint64_t position = request->last ? count - 1 : request->position;
    if (position >= count)
        return no_record(request, count);
    uint64_t generation = section->generation;
    segj_section_acquire(section);
    status = read_record(journal, section, position, record);
    if (status == SEGJ_OK && request->value != NULL && section->generation == generation)
        status = read_value(journal, section, segj_location_decode(record + journal->entry_size), request->value);
    *changed = section->generation != generation || section->removed;
    segj_section_release(journal, section);
    return status;
}

static segj_status_t read_request(oversized_t *journal, const request_t *request, void *entry,
                                  oversized_location_t *location)
{
    uint8_t small[RECORD_ON_STACK];
    uint8_t *record = journal->env.record_size <= sizeof small ? small : malloc(journal->env.record_size);
    if (record == NULL)
        return segj_fail_memory(journal->env.record_size);
    bool changed;
    segj_status_t status;
    segj_lock(&journal->env.state);
    do
        status = try_read(journal, request, record, &changed);
    while (changed);
    segj_unlock(&journal->env.state);
    if (status == SEGJ_OK && entry != NULL && journal->entry_size > 0)
        memcpy(entry, record, journal->entry_size);
    if (status == SEGJ_OK && location != NULL)
        *location = segj_location_decode(record + journal->entry_size);
    if (status != SEGJ_OK && request->value != NULL)
        request->value->size = 0;
    if (record != small)
        free(record);
    return status;
}

segj_status_t oversized_get(oversized_t *journal, uint64_t section, uint64_t position, void *entry,
                            oversized_location_t *location)
{
    if (journal == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "oversized_get: journal is NULL");
    request_t request = {section, position, false, NULL};
    return read_request(journal, &request, entry, location);
}

segj_status_t oversized_last(oversized_t *journal, uint64_t section, void *entry, oversized_location_t *location)
{
    if (journal == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "oversized_last: journal is NULL");
    request_t request = {section, 0, true, NULL};
    return read_request(journal, &request, entry, location);
}

segj_status_t oversized_read(oversized_t *journal, uint64_t section, uint64_t position, void *entry,
                             segj_buffer_t *value)
{
    if (value != NULL)
        value->size = 0;
    if (journal == NULL || value == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "oversized_read: %s is NULL", journal == NULL ? "journal" : "value");
    request_t request = {section, position, false, value};
    return read_request(journal, &request, entry, NULL);
}

segj_status_t oversized_get_value(oversized_t *journal, uint64_t number, oversized_location_t location,
                                  segj_buffer_t *value)
{
    if (value != NULL)
        value->size = 0;
    if (journal == NULL || value == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "oversized_get_value: %s is NULL", journal == NULL ? "journal" : "value");
    segj_section_t *section = NULL;
    segj_lock(&journal->env.state);
    segj_status_t status;
    bool changed = false;
    do {
        status = find(journal, number, &section);
        if (status != SEGJ_OK)
            break;
        uint64_t generation = section->generation;
        segj_section_acquire(section);
        status = read_value(journal, section, location, value);
        changed = section->generation != generation || section->removed;
        segj_section_release(journal, section);
    } while (changed);
    segj_unlock(&journal->env.state);
    if (status != SEGJ_OK)
        value->size = 0;
    return status;
}
