/*
 * oversized/read/frames.c: see the header.
 */
#include "oversized/read/frames.h"

#include <string.h>

#include "journal/record_format.h"
#include "oversized/read/value_cache.h"

/* --- decoders: idle ones under the state lock; a new one is made without it --- */

segj_status_t segj_decoder_take(oversized_t *journal, const segj_section_t *section, segj_decoder_t **decoder)
{
    segj_lock(&journal->shared.state);
    *decoder = journal->codec.decoders;
    if (*decoder != NULL) {
        journal->codec.decoders = (*decoder)->next;
        (*decoder)->dictionary =
            section != NULL && section->values.dictionary.size > 0 ? segj_dictionary_find(journal, section) : NULL;
    }
    segj_unlock(&journal->shared.state);
    return *decoder != NULL ? SEGJ_OK : segj_decoder_new(decoder);
}

segj_status_t segj_decoder_ready(oversized_t *journal, segj_section_t *section, segj_decoder_t *decoder)
{
    if (section->values.dictionary.size == 0 || decoder->dictionary != NULL)
        return SEGJ_OK;
    return segj_dictionary_take(journal, section, &decoder->dictionary);
}

void segj_decoder_give(oversized_t *journal, segj_decoder_t *decoder)
{
    segj_buffer_trim(&decoder->frame);
    segj_lock(&journal->shared.state);
    segj_dictionary_give_locked(journal, decoder->dictionary);
    decoder->dictionary = NULL;
    decoder->next = journal->codec.decoders;
    journal->codec.decoders = decoder;
    segj_unlock(&journal->shared.state);
}

/* --- finding --- */

static segj_status_t frame_too_large(const oversized_t *journal, const segj_io_file_t *file,
                                     oversized_location_t location)
{
    return segj_io_fail(SEGJ_ERR_TOO_LARGE, file, file->data + location.offset,
                        "a value of %llu stored bytes, max_value_size is %u bytes",
                        (unsigned long long)(location.size - SEGJ_FRAME_TRAILER), (unsigned)journal->max_value_size);
}

segj_status_t segj_frame_judge_raw(const oversized_t *journal, const segj_io_file_t *file,
                                   oversized_location_t location)
{
    return location.size - SEGJ_FRAME_TRAILER > journal->max_value_size ? frame_too_large(journal, file, location)
                                                                        : SEGJ_OK;
}

segj_status_t segj_frame_judge(const oversized_t *journal, const segj_io_file_t *file, bool compressed,
                               oversized_location_t location, uint64_t end)
{
    uint64_t frame_end;
    if (!segj_location_end(file->head, location, end, &frame_end))
        return segj_fail(SEGJ_ERR_RANGE,
                         "%s/%s/%016llx: location: offset %llu, %u bytes: no frame within the section's %llu bytes of "
                         "values",
                         file->partition->directory, file->partition->name, (unsigned long long)file->section,
                         (unsigned long long)location.offset, (unsigned)location.size, (unsigned long long)end);
    uint64_t payload = location.size - SEGJ_FRAME_TRAILER;
    uint64_t most = compressed ? segj_codec_bound(journal->max_value_size) : journal->max_value_size;
    return payload > most ? frame_too_large(journal, file, location) : SEGJ_OK;
}

segj_status_t segj_frame_find(const oversized_t *journal, const segj_section_t *section, oversized_location_t location,
                              segj_write_buffer_t **buffer)
{
    const segj_glob_t *values = &section->values;
    segj_status_t status = segj_frame_judge(journal, &values->handle.file, values->compressed, location, values->size);
    if (status != SEGJ_OK)
        return status;
    uint64_t begin = location.offset;
    uint64_t end = begin + segj_frame_size(values->handle.file.head, location);
    *buffer = NULL;
    for (segj_write_buffer_t *at = section->values.chain.first; at != NULL; at = at->next) {
        uint64_t limit = at->offset + at->size;
        if (end <= at->offset || begin >= limit)
            continue;
        /* A frame is never in two places; what is, is none. */
        if (begin < at->offset || end > limit)
            return segj_io_fail(SEGJ_ERR_CHECKSUM, &section->values.handle.file,
                                section->values.handle.file.data + begin, "no value of %u bytes begins here",
                                (unsigned)location.size);
        *buffer = at;
        return SEGJ_OK;
    }
    return SEGJ_OK;
}

segj_status_t segj_frame_pin(oversized_t *journal, segj_section_t *section, oversized_location_t location,
                             segj_source_t *source, bool *changed)
{
    segj_assert_held(&journal->shared.state);
    segj_glob_t *values = &section->values;
    *source = (segj_source_t){section, section->generation, NULL, location};
    *changed = false;
    segj_status_t status = segj_frame_find(journal, section, location, &source->buffer);
    if (status != SEGJ_OK)
        return status;
    segj_section_acquire(section);
    if (source->buffer != NULL) {
        source->buffer->references++;
        return SEGJ_OK;
    }
    status = segj_files_pin(&journal->shared.files, &values->handle);
    if (status != SEGJ_OK) {
        *changed = segj_section_changed(section, source->generation);
        segj_section_release_locked(journal, section);
    }
    return status;
}

void segj_frame_unpin(oversized_t *journal, const segj_source_t *source, bool *changed)
{
    segj_shared_t *shared = &journal->shared;
    if (source->buffer == NULL) {
        segj_files_unpin_unlocked(&shared->files, &source->section->values.handle);
    } else {
        segj_lock(&shared->state);
        segj_buffer_release(&shared->frames, source->buffer);
        segj_unlock(&shared->state);
    }
    *changed = segj_section_changed(source->section, source->generation);
    segj_section_release(journal, source->section);
}

/* --- reading --- */

/* Room for a frame. */
static segj_status_t frames_reserve(const segj_io_file_t *file, oversized_location_t location, segj_buffer_t *memory,
                                    size_t limit)
{
    uint64_t size = segj_frame_size(file->head, location);
    if (size > SIZE_MAX)
        return segj_fail_memory(SIZE_MAX);
    return segj_buffer_reserve(memory, (size_t)size, limit);
}

segj_status_t segj_frame_get(const segj_shared_t *shared, const segj_source_t *source, segj_buffer_t *memory,
                             size_t limit, const uint8_t **frame)
{
    oversized_location_t location = source->location;
    if (source->buffer != NULL) {
        *frame = source->buffer->data + (location.offset - source->buffer->offset);
        return segj_glob_check(shared, segj_source_file(source), source->section->values.compressed, location, *frame);
    }
    segj_status_t status = frames_reserve(segj_source_file(source), location, memory, limit);
    *frame = memory->data;
    if (status == SEGJ_OK)
        status = segj_glob_read(shared, segj_source_file(source), source->section->values.compressed, location,
                                memory->data);
    return status;
}

static segj_status_t copy_of_buffer(const oversized_t *journal, const segj_source_t *source, segj_buffer_t *value)
{
    size_t payload = source->location.size - SEGJ_FRAME_TRAILER;
    const uint8_t *frame = NULL;
    segj_status_t status = segj_frame_get(&journal->shared, source, NULL, 0, &frame);
    if (status == SEGJ_OK)
        status = segj_buffer_reserve(value, payload, journal->max_value_size);
    if (status == SEGJ_OK && payload > 0)
        memcpy(value->data, frame + segj_source_file(source)->head, payload);
    return status;
}

static segj_status_t copy_of_file(const oversized_t *journal, const segj_source_t *source, segj_buffer_t *value)
{
    const segj_io_file_t *file = segj_source_file(source);
    uint64_t most = (uint64_t)journal->max_value_size + SEGJ_FRAME_TRAILER + file->head;
    segj_status_t status = frames_reserve(file, source->location, value, (size_t)segj_min_u64(SIZE_MAX, most));
    return status == SEGJ_OK ? segj_glob_read_payload(&journal->shared, file, source->location, value->data) : status;
}

static segj_status_t copy_plain(const oversized_t *journal, const segj_source_t *source, segj_buffer_t *value)
{
    segj_status_t status =
        source->buffer != NULL ? copy_of_buffer(journal, source, value) : copy_of_file(journal, source, value);
    if (status == SEGJ_OK)
        value->size = source->location.size - SEGJ_FRAME_TRAILER;
    return status;
}

segj_status_t segj_frame_context(const segj_io_file_t *file, oversized_location_t location, segj_status_t status)
{
    return segj_context(status, "%s/%s/%016llx, offset %llu", file->partition->directory, file->partition->name,
                        (unsigned long long)file->section, (unsigned long long)(file->data + location.offset));
}

static segj_status_t copy_raw(const oversized_t *journal, const segj_io_file_t *file, oversized_location_t location,
                              const uint8_t *frame, segj_buffer_t *value)
{
    size_t size = location.size - SEGJ_FRAME_TRAILER;
    segj_status_t status = segj_frame_judge_raw(journal, file, location);
    if (status == SEGJ_OK)
        status = segj_buffer_reserve(value, size, journal->max_value_size);
    if (status != SEGJ_OK)
        return status;
    if (size > 0)
        memcpy(value->data, frame + file->head, size);
    value->size = size;
    return SEGJ_OK;
}

static segj_status_t frames_unpack(oversized_t *journal, segj_decoder_t *decoder, segj_section_t *section,
                                   const segj_io_file_t *file, oversized_location_t location, const uint8_t *frame,
                                   segj_buffer_t *value)
{
    if (segj_glob_is_raw(file, frame))
        return copy_raw(journal, file, location, frame, value);
    segj_status_t status = section != NULL ? segj_decoder_ready(journal, section, decoder) : SEGJ_OK;
    if (status != SEGJ_OK)
        return status;
    status = segj_codec_decompress(decoder, segj_decoder_dictionary(decoder), frame + file->head,
                                   location.size - SEGJ_FRAME_TRAILER, journal->max_value_size, value);
    return status == SEGJ_OK ? SEGJ_OK : segj_frame_context(file, location, status);
}

segj_status_t segj_frame_unpack(oversized_t *journal, segj_section_t *section, const segj_io_file_t *file,
                                oversized_location_t location, const uint8_t *frame, segj_buffer_t *value)
{
    segj_decoder_t *decoder;
    segj_status_t status = segj_decoder_take(journal, section, &decoder);
    if (status != SEGJ_OK)
        return status;
    status = frames_unpack(journal, decoder, section, file, location, frame, value);
    segj_decoder_give(journal, decoder);
    return status;
}

static segj_status_t check_and_unpack(oversized_t *journal, const segj_source_t *source, const uint8_t *frame,
                                      segj_buffer_t *value)
{
    const segj_io_file_t *file = segj_source_file(source);
    segj_status_t status = segj_glob_check(&journal->shared, file, true, source->location, frame);
    return status == SEGJ_OK ? segj_frame_unpack(journal, source->section, file, source->location, frame, value)
                             : status;
}

segj_status_t segj_frame_unpack_there(oversized_t *journal, const segj_source_t *source, const uint8_t *frame,
                                      segj_buffer_t *value)
{
    segj_value_cache_t *cache = journal->value_cache;
    bool found = false;
    segj_status_t status = SEGJ_OK;
    if (cache != NULL)
        status =
            segj_value_cache_get(cache, source->generation, source->location, journal->max_value_size, value, &found);
    if (found)
        return status;
    status = check_and_unpack(journal, source, frame, value);
    if (status == SEGJ_OK && cache != NULL)
        segj_value_cache_put(cache, source->generation, source->location, value);
    return status;
}

static segj_status_t copy_compressed(oversized_t *journal, const segj_source_t *source, segj_buffer_t *value)
{
    segj_decoder_t *decoder;
    segj_status_t status = segj_decoder_take(journal, source->section, &decoder);
    if (status != SEGJ_OK)
        return status;
    const uint8_t *frame;
    uint64_t most = segj_codec_bound(journal->max_value_size) + SEGJ_FRAME_TRAILER + segj_source_file(source)->head;
    status = segj_frame_get(&journal->shared, source, &decoder->frame, (size_t)segj_min_u64(SIZE_MAX, most), &frame);
    if (status == SEGJ_OK)
        status =
            frames_unpack(journal, decoder, source->section, segj_source_file(source), source->location, frame, value);
    segj_decoder_give(journal, decoder);
    return status;
}

static segj_status_t copy_cached(oversized_t *journal, const segj_source_t *source, segj_buffer_t *value)
{
    segj_value_cache_t *cache = journal->value_cache;
    if (cache == NULL)
        return copy_compressed(journal, source, value);
    bool found;
    segj_status_t status =
        segj_value_cache_get(cache, source->generation, source->location, journal->max_value_size, value, &found);
    if (found)
        return status;
    status = copy_compressed(journal, source, value);
    if (status == SEGJ_OK)
        segj_value_cache_put(cache, source->generation, source->location, value);
    return status;
}

segj_status_t segj_frame_copy(oversized_t *journal, const segj_source_t *source, segj_buffer_t *value, bool *changed)
{
    segj_status_t status =
        source->section->values.compressed ? copy_cached(journal, source, value) : copy_plain(journal, source, value);
    segj_frame_unpin(journal, source, changed);
    return status;
}
