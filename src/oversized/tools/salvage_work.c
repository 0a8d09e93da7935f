/*
 * oversized/tools/salvage_work.c: see the header. Values that fit the window, packed and unpacked, are appended from
 * memory; others are streamed, and their checksums are looked at once more while they are.
 */
#include "oversized/tools/salvage_work.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "journal/dictionary_file.h"
#include "journal/frame_format.h"
#include "oversized/section/dictionary.h"
#include "base/process.h"
#include "journal/record_format.h"

/* The least time between two calls of the progress function, in nanoseconds. */
#define HAUL_TELL_TIME UINT64_C(100000000)
/* Every window that zstd has is accepted. */
#define HAUL_WINDOW_LOG 31

segj_status_t segj_salvage_work_init(segj_salvage_work_t *work)
{
    work->unpacked = malloc(SEGJ_SALVAGE_INPUT_WINDOW);
    if (work->unpacked == NULL)
        return segj_fail_memory(SEGJ_SALVAGE_INPUT_WINDOW);
    segj_status_t status = segj_decoder_new(&work->decoder);
    if (status == SEGJ_OK)
        status = segj_salvage_input_init(&work->index, &work->want);
    return status == SEGJ_OK ? segj_salvage_input_init(&work->values, &work->want) : status;
}

segj_status_t segj_salvage_work_set_entry(segj_salvage_work_t *work, uint32_t entry_size)
{
    work->entry_size = entry_size;
    work->zeros = calloc(1, entry_size + 1u);
    work->entry = malloc(entry_size + 1u);
    return work->zeros != NULL && work->entry != NULL ? SEGJ_OK : segj_fail_memory(entry_size);
}

void segj_salvage_work_free(segj_salvage_work_t *work)
{
    segj_salvage_input_free(&work->index);
    segj_salvage_input_free(&work->values);
    segj_decoder_free(work->decoder);
    (void)ZSTD_freeDDict(work->dictionary);
    free(work->zeros);
    free(work->entry);
    free(work->unpacked);
}

/* --- dictionaries --- */

/* NULL: the file does not have it. */
static const uint8_t *work_look_for(segj_salvage_input_t *input, segj_kind_t kind, segj_dictionary_id_t dictionary)
{
    uint64_t place = segj_data_offset(kind, (segj_dictionary_id_t){0, 0});
    if (!segj_salvage_input_has(input, place, dictionary.size))
        return NULL;
    const uint8_t *bytes = segj_salvage_input_look(input, place, dictionary.size);
    return segj_dictionary_same(segj_dictionary_identify(bytes, dictionary.size), dictionary) ? bytes : NULL;
}

segj_status_t segj_salvage_work_set_dictionary(segj_salvage_work_t *work, segj_dictionary_id_t dictionary)
{
    (void)ZSTD_freeDDict(work->dictionary);
    work->dictionary = NULL;
    work->dictionary_lost = false;
    if (dictionary.size == 0)
        return SEGJ_OK;
    const uint8_t *bytes = work_look_for(&work->values, SEGJ_KIND_VALUES, dictionary);
    if (bytes == NULL)
        bytes = work_look_for(&work->index, SEGJ_KIND_INDEX, dictionary);
    work->dictionary_lost = bytes == NULL;
    if (bytes == NULL)
        return SEGJ_OK;
    segj_status_t status = segj_dictionary_unpacks(bytes, dictionary.size, &work->dictionary);
    work->dictionary_lost = status == SEGJ_ERR_COMPRESSION;
    return work->dictionary_lost ? SEGJ_OK : status;
}

/* --- checksums --- */

static uint32_t work_finish(const segj_frame_t *frame, uint32_t crc)
{
    return frame->followed ? segj_frame_seal(crc, segj_get_u32(frame->after), frame->raw) : crc;
}

static bool is_packed(const segj_salvage_work_t *work, const segj_frame_t *frame)
{
    return work->compressed && !frame->raw;
}

bool segj_salvage_work_verify(segj_salvage_work_t *work, const segj_frame_t *frame, uint32_t *sum)
{
    uint64_t end = frame->payload + frame->size;
    /* The window takes all of it where it can, so that what is verified is what is appended. */
    if (frame->size + SEGJ_FRAME_TRAILER <= SEGJ_SALVAGE_INPUT_WINDOW)
        (void)segj_salvage_input_look(&work->values, frame->payload, (size_t)frame->size + SEGJ_FRAME_TRAILER);
    uint32_t crc = segj_salvage_input_sum(&work->values, frame->checksum, frame->begun, frame->payload, frame->size);
    crc = work_finish(frame, crc);
    if (sum != NULL)
        *sum = crc;
    return segj_get_u32(segj_salvage_input_look(&work->values, end, SEGJ_FRAME_TRAILER)) == crc;
}

/* --- values --- */

/** A value that is streamed. */
typedef struct stream {
    segj_salvage_work_t *work;
    const segj_frame_t *frame;
    oversized_writer_t *writer;
    uint32_t crc;
    uint64_t done;  /* of the payload */
    uint64_t given; /* of the value */
    uint64_t size;  /* of the value, as the frame says */
} stream_t;

/* Every failure of the new journal ends the salvage; what the source is to blame for is damage. */
static segj_status_t work_unpack_part(stream_t *stream, const uint8_t *bytes, size_t size, bool *ended)
{
    segj_salvage_work_t *work = stream->work;
    ZSTD_inBuffer in = {bytes, size, 0};
    segj_status_t status = SEGJ_OK;
    bool more = true; /* zstd may hold some back */
    while (status == SEGJ_OK && (in.pos < in.size || more)) {
        ZSTD_outBuffer out = {work->unpacked, SEGJ_SALVAGE_INPUT_WINDOW, 0};
        size_t left = *ended ? 0 : ZSTD_decompressStream(work->decoder->context, &out, &in);
        if (*ended && in.pos < in.size)
            return segj_fail(SEGJ_ERR_COMPRESSION, "bytes follow the zstd frame");
        if (ZSTD_isError(left))
            return segj_fail(SEGJ_ERR_COMPRESSION, "zstd could not decompress: %s", ZSTD_getErrorName(left));
        *ended = left == 0;
        more = out.pos == out.size;
        if (out.pos > stream->size - stream->given)
            return segj_fail(SEGJ_ERR_COMPRESSION, "the zstd frame has more than the %llu bytes that it says",
                             (unsigned long long)stream->size);
        stream->given += out.pos;
        if (out.pos > 0)
            status = oversized_writer_write(stream->writer, work->unpacked, out.pos);
    }
    return status;
}

static segj_status_t work_stream_parts(stream_t *stream)
{
    const segj_frame_t *frame = stream->frame;
    segj_salvage_work_t *work = stream->work;
    segj_status_t status = SEGJ_OK;
    bool packed = is_packed(work, frame);
    bool ended = !packed;
    stream->crc = frame->begun;
    while (stream->done < frame->size && status == SEGJ_OK) {
        size_t count;
        const uint8_t *bytes = segj_salvage_input_span(&work->values, frame->payload + stream->done, 1, &count);
        count = (size_t)segj_min_u64(count, frame->size - stream->done);
        stream->crc = segj_checksum_continue(frame->checksum, stream->crc, bytes, count);
        stream->done += count;
        if (packed)
            status = work_unpack_part(stream, bytes, count, &ended);
        else
            status = oversized_writer_write(stream->writer, bytes, count);
        if (status == SEGJ_OK)
            status = segj_salvage_work_progress(work, frame->payload + stream->done, false);
    }
    if (status == SEGJ_OK && !ended)
        status = segj_fail(SEGJ_ERR_COMPRESSION, "the zstd frame does not end");
    return status;
}

/* What the checksum of a frame that was verified must be. */
static uint32_t work_trailer(segj_salvage_work_t *work, const segj_frame_t *frame)
{
    if (frame->mended)
        return frame->trailer;
    return segj_get_u32(segj_salvage_input_look(&work->values, frame->payload + frame->size, SEGJ_FRAME_TRAILER));
}

/* A value of `size` bytes. */
static segj_status_t work_stream(segj_salvage_work_t *work, const uint8_t *entry, const segj_frame_t *frame,
                                 uint64_t size)
{
    stream_t stream = {.work = work, .frame = frame, .size = size};
    segj_status_t status = oversized_writer_open(work->made, work->report.section, entry, size, &stream.writer);
    if (status != SEGJ_OK)
        return status;
    if (is_packed(work, frame)) {
        (void)ZSTD_DCtx_reset(work->decoder->context, ZSTD_reset_session_and_parameters);
        (void)ZSTD_DCtx_setParameter(work->decoder->context, ZSTD_d_windowLogMax, HAUL_WINDOW_LOG);
        (void)ZSTD_DCtx_refDDict(work->decoder->context, work->dictionary);
    }
    status = work_stream_parts(&stream);
    (void)ZSTD_DCtx_reset(work->decoder->context,
                          ZSTD_reset_session_and_parameters); /* the dictionary's life is short */
    uint32_t crc = work_finish(frame, stream.crc);
    if (status == SEGJ_OK && is_packed(work, frame) && stream.given != size)
        status = segj_fail(SEGJ_ERR_COMPRESSION, "the zstd frame has %llu bytes, and says %llu",
                           (unsigned long long)stream.given, (unsigned long long)size);
    if (status == SEGJ_OK && crc != work_trailer(work, frame))
        status = segj_fail(SEGJ_ERR_CHECKSUM, "the value has changed while it was read");
    if (status != SEGJ_OK) {
        oversized_writer_abandon(stream.writer);
        return status;
    }
    return oversized_writer_finish(stream.writer, NULL, NULL);
}

/* Appends a value; SEGJ_ERR_COMPRESSION and SEGJ_ERR_CHECKSUM are the source's. *size: its bytes, unpacked. */
static segj_status_t work_append(segj_salvage_work_t *work, const uint8_t *entry, const segj_frame_t *frame,
                                 uint64_t *size)
{
    uint64_t section = work->report.section;
    bool whole = frame->size <= SEGJ_SALVAGE_INPUT_WINDOW;
    size_t first = (size_t)segj_min_u64(frame->size, SEGJ_SALVAGE_INPUT_WINDOW);
    const uint8_t *bytes = first > 0 ? segj_salvage_input_look(&work->values, frame->payload, first) : work->zeros;
    size_t content = 0;
    *size = frame->size;
    if (!is_packed(work, frame))
        return whole ? oversized_append(work->made, section, entry, bytes, first, NULL, NULL)
                     : work_stream(work, entry, frame, frame->size);
    if (work->dictionary_lost)
        return segj_fail(SEGJ_ERR_COMPRESSION, "the section's dictionary is damaged in both files");
    segj_status_t status = whole ? segj_codec_inspect(bytes, first, OVERSIZED_VALUE_MAX, &content)
                                 : segj_codec_begin(bytes, first, OVERSIZED_VALUE_MAX, &content);
    if (status != SEGJ_OK)
        return SEGJ_ERR_COMPRESSION;
    *size = content;
    if (!whole || content > SEGJ_SALVAGE_INPUT_WINDOW)
        return work_stream(work, entry, frame, content);
    status = segj_codec_unpack(work->decoder, work->dictionary, bytes, first, work->unpacked, content);
    return status == SEGJ_OK ? oversized_append(work->made, section, entry, work->unpacked, content, NULL, NULL)
                             : status;
}

/* --- records --- */

/* Looks whether it is a zstd frame as the library writes them. */
static segj_status_t work_probe(segj_salvage_work_t *work, const segj_frame_t *frame)
{
    size_t content;
    size_t first = (size_t)segj_min_u64(frame->size, SEGJ_SALVAGE_INPUT_WINDOW);
    const uint8_t *bytes = first > 0 ? segj_salvage_input_look(&work->values, frame->payload, first) : work->zeros;
    segj_status_t status = first == frame->size ? segj_codec_inspect(bytes, first, OVERSIZED_VALUE_MAX, &content)
                                                : segj_codec_begin(bytes, first, OVERSIZED_VALUE_MAX, &content);
    work->packed += status == SEGJ_OK || frame->raw;
    work->probes++;
    return work->probes < work->probes_wanted ? SEGJ_OK : SEGJ_END;
}

segj_status_t segj_salvage_work_take(segj_salvage_work_t *work, const uint8_t *entry, const segj_frame_t *frame,
                                     uint64_t position)
{
    uint64_t size = 0;
    if (work->probing)
        return work_probe(work, frame);
    /* The memory in which the entry lies may be read anew before that. */
    memcpy(work->entry, entry != NULL ? entry : work->zeros, work->entry_size);
    segj_status_t status = work_append(work, work->entry, frame, &size);
    if (status == SEGJ_ERR_COMPRESSION || status == SEGJ_ERR_CHECKSUM)
        return segj_salvage_work_lose(work, position, position, frame->offset, frame->size + SEGJ_FRAME_TRAILER,
                                      status);
    if (status != SEGJ_OK)
        return status;
    work->report.found->records++;
    work->report.found->value_bytes += size;
    status = segj_salvage_report_record(&work->report, position);
    return status == SEGJ_OK ? segj_salvage_work_progress(work, frame->payload + frame->size, false) : status;
}

segj_status_t segj_salvage_work_lose(segj_salvage_work_t *work, uint64_t first, uint64_t last, uint64_t offset,
                                     uint64_t bytes, segj_status_t why)
{
    if (work->probing)
        return SEGJ_OK;
    const oversized_gap_t gap = {
        .first = first, .last = last, .offset = work->values.file.data + offset, .bytes = bytes, .status = why};
    return segj_salvage_report_lost(&work->report, &gap);
}

segj_status_t segj_salvage_work_half(segj_salvage_work_t *work, const segj_frame_t *frame, uint64_t position)
{
    if (work->probing)
        return segj_salvage_work_take(work, NULL, frame, position);
    if (work->values_without_entries) {
        work->report.found->values_without_entries++;
        return segj_salvage_work_take(work, NULL, frame, position);
    }
    segj_io_say(&work->values.file, work->values.file.data + frame->offset,
                "the value is whole, and its entry is lost");
    const oversized_gap_t gap = {.first = position,
                                 .last = position,
                                 .offset = work->values.file.data + frame->offset,
                                 .bytes = frame->size + SEGJ_FRAME_TRAILER,
                                 .values = 1,
                                 .status = SEGJ_ERR_CORRUPT};
    return segj_salvage_report_lost(&work->report, &gap);
}

segj_status_t segj_salvage_work_progress(segj_salvage_work_t *work, uint64_t at, bool now)
{
    const oversized_salvage_options_t *options = work->report.options;
    if (work->probing || options->progress == NULL)
        return SEGJ_OK;
    uint64_t time = segj_process_time();
    if (!now && time - work->told < HAUL_TELL_TIME)
        return SEGJ_OK;
    work->told = time;
    const oversized_progress_t progress = {.stage = "salvage",
                                           .records_done = work->report.found->records,
                                           .bytes_done = segj_min_u64(work->bytes_before + at, work->bytes_total),
                                           .bytes_total = work->bytes_total};
    if (options->progress(options->context, &progress))
        return segj_fail(SEGJ_ERR_CANCELLED, "oversized_salvage: cancelled after %llu records",
                         (unsigned long long)work->report.found->records);
    return SEGJ_OK;
}
