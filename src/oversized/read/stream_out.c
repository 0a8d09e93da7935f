/*
 * oversized/read/stream_out.c: values that are read in pieces and need not fit into memory. A reader holds nothing
 * between two calls; each looks whether the section is still the one that the reader was opened on, as a replay does.
 *
 * The checksum covers the payload as a whole. It is compared when the payload's last byte has been read, before the
 * call that reads it gives anything: a caller that was given all bytes was given checked ones.
 */
#include <stdlib.h>
#include <string.h>

#include "journal/record_format.h"
#include "oversized/read/frames.h"
#include "oversized/read/look_up.h"
#include "oversized/section/dictionary.h"

/* Of a compressed payload, and of a pass that only verifies. */
#define STREAM_OUT_BUFFER_SIZE ((size_t)128 << 10)

struct oversized_reader {
    segj_lease_t lease; /* first */
    oversized_t *journal;
    uint64_t section, generation;
    oversized_location_t location;
    segj_io_file_t file; /* its name and place, not open */
    uint64_t size;       /* of the value */
    uint64_t given;      /* of it */
    uint64_t payload;    /* bytes of it */
    uint64_t at;         /* of them, read */
    uint32_t crc;        /* of what was read */
    bool checked;        /* all of it, and right */
    bool ended;
    bool raw; /* stored as it is, in a compressed section */
    segj_status_t failed;
    segj_sentence_t cause; /* of that */
    ZSTD_DCtx *decoder;    /* NULL: the value is not compressed */
    bool frame_ended;
    ZSTD_inBuffer input;
    uint8_t *buffer;
};

static segj_status_t fail(oversized_reader_t *reader, segj_status_t status)
{
    reader->failed = status;
    if (status != SEGJ_OK)
        segj_keep(&reader->cause);
    return status;
}

/* Reads bytes of the frame, its head and the checksum after its payload included. */
static segj_status_t stream_out_read_once(oversized_reader_t *reader, uint64_t from, size_t size, uint8_t *to,
                                          bool *changed)
{
    oversized_t *journal = reader->journal;
    segj_source_t source;
    segj_section_t *section;
    *changed = false;
    segj_lock(&journal->shared.state);
    segj_status_t status = segj_look_up_again(journal, reader->section, reader->generation, "reader", &section);
    if (status != SEGJ_OK)
        (void)fail(reader, status);
    else
        status = segj_frame_pin(journal, section, reader->location, &source, changed);
    segj_unlock(&journal->shared.state);
    if (status != SEGJ_OK)
        return status;
    if (source.buffer != NULL)
        memcpy(to, source.buffer->data + (reader->location.offset - source.buffer->offset) + from, size);
    else
        status =
            segj_io_read(segj_source_file(&source), reader->file.data + reader->location.offset + from, to, size, NULL);
    segj_frame_unpin(journal, &source, changed);
    return status;
}

static segj_status_t read_bytes(oversized_reader_t *reader, uint64_t from, size_t size, uint8_t *to)
{
    segj_status_t status;
    bool changed;
    do
        status = stream_out_read_once(reader, from, size, to, &changed);
    while (changed);
    return status;
}

static segj_status_t check(oversized_reader_t *reader)
{
    uint8_t trailer[SEGJ_FRAME_TRAILER];
    if (reader->checked)
        return SEGJ_OK;
    segj_status_t status;
    uint32_t crc = reader->crc;
    if (reader->file.head > 0) {
        uint8_t sum[SEGJ_HEAD_CHECKSUM];
        status = read_bytes(reader, reader->file.head - sizeof sum, sizeof sum, sum);
        if (status != SEGJ_OK)
            return status;
        crc = segj_frame_seal(crc, segj_get_u32(sum), reader->raw);
    }
    status = read_bytes(reader, reader->file.head + reader->payload, sizeof trailer, trailer);
    if (status != SEGJ_OK)
        return status;
    uint32_t found = segj_get_u32(trailer);
    if (found != crc)
        return fail(reader, segj_io_fail(SEGJ_ERR_CHECKSUM, &reader->file, reader->file.data + reader->location.offset,
                                         "value of %llu stored bytes: checksum %08x, expected %08x",
                                         (unsigned long long)reader->payload, (unsigned)found, (unsigned)crc));
    reader->checked = true;
    return SEGJ_OK;
}

/* Reads the payload's next bytes; with its last ones, what was read is checked. A failed read may be made again. */
static segj_status_t read_payload(oversized_reader_t *reader, size_t size, uint8_t *to)
{
    segj_checksum_kind_t kind = reader->journal->shared.checksum;
    uint32_t before = reader->crc;
    segj_status_t status = read_bytes(reader, reader->file.head + reader->at, size, to);
    if (status != SEGJ_OK)
        return status;
    reader->crc = segj_checksum_continue(kind, before, to, size);
    reader->at += size;
    status = reader->at == reader->payload ? check(reader) : SEGJ_OK;
    if (status != SEGJ_OK) {
        reader->crc = before;
        reader->at -= size;
    }
    return status;
}

/* --- opening --- */

static segj_status_t stream_out_look_up(oversized_reader_t *reader, bool *compressed)
{
    oversized_t *journal = reader->journal;
    segj_section_t *section;
    segj_lock(&journal->shared.state);
    segj_status_t status = segj_journal_require(journal, reader->section, &section);
    if (status == SEGJ_OK) {
        const segj_glob_t *values = &section->values;
        reader->generation = section->generation;
        reader->file = segj_io_like(&values->handle.file);
        *compressed = values->compressed;
        status = segj_frame_judge(journal, &reader->file, values->compressed, reader->location, values->size);
    }
    segj_unlock(&journal->shared.state);
    return status;
}

static void start_over(oversized_reader_t *reader)
{
    reader->at = 0;
    reader->checked = false;
    reader->crc = segj_checksum_begin(reader->journal->shared.checksum, reader->file.binding, reader->location.offset);
}

static segj_status_t make_buffer(oversized_reader_t *reader)
{
    if (reader->buffer == NULL)
        reader->buffer = malloc(STREAM_OUT_BUFFER_SIZE);
    return reader->buffer != NULL ? SEGJ_OK : segj_fail_memory(STREAM_OUT_BUFFER_SIZE);
}

static segj_status_t fill_buffer(oversized_reader_t *reader)
{
    size_t size = (size_t)segj_min_u64(reader->payload - reader->at, STREAM_OUT_BUFFER_SIZE);
    segj_status_t status = read_payload(reader, size, reader->buffer);
    if (status == SEGJ_OK)
        reader->input = (ZSTD_inBuffer){reader->buffer, size, 0};
    return status;
}

static segj_status_t verify(oversized_reader_t *reader)
{
    segj_status_t status = make_buffer(reader);
    while (status == SEGJ_OK && reader->at < reader->payload)
        status = fill_buffer(reader);
    if (status == SEGJ_OK)
        status = check(reader);
    start_over(reader);
    reader->input = (ZSTD_inBuffer){NULL, 0, 0};
    return status;
}

/* The reader has a copy of the section's dictionary: it may be open longer than others want theirs. */
static segj_status_t stream_out_load_dictionary(oversized_reader_t *reader)
{
    oversized_t *journal = reader->journal;
    segj_dictionary_t *dictionary = NULL;
    segj_section_t *section;
    segj_lock(&journal->shared.state);
    segj_status_t status = segj_look_up_again(journal, reader->section, reader->generation, "reader", &section);
    if (status == SEGJ_OK)
        segj_section_acquire(section);
    segj_unlock(&journal->shared.state);
    if (status != SEGJ_OK)
        return status;
    if (section->values.dictionary.size > 0)
        status = segj_dictionary_take(journal, section, &dictionary);
    segj_section_release(journal, section);
    if (status != SEGJ_OK || dictionary == NULL)
        return status;
    size_t answer = ZSTD_DCtx_loadDictionary(reader->decoder, dictionary->bytes, dictionary->id.size);
    segj_dictionary_give(journal, dictionary);
    if (ZSTD_isError(answer))
        return segj_fail(SEGJ_ERR_MEMORY, "out of memory: zstd could not prepare a dictionary");
    return SEGJ_OK;
}

static segj_status_t stream_out_set_up_zstd(oversized_reader_t *reader)
{
    reader->decoder = ZSTD_createDCtx();
    if (reader->decoder == NULL)
        return segj_fail(SEGJ_ERR_MEMORY, "out of memory: zstd could not make a decompression context");
    segj_status_t status = make_buffer(reader);
    if (status == SEGJ_OK)
        status = stream_out_load_dictionary(reader);
    if (status == SEGJ_OK && reader->payload > 0)
        status = fill_buffer(reader);
    if (status != SEGJ_OK)
        return status;
    size_t content = 0;
    status = segj_codec_begin(reader->buffer, reader->input.size, reader->journal->max_value_size, &content);
    reader->size = content;
    return status == SEGJ_OK ? SEGJ_OK : segj_frame_context(&reader->file, reader->location, status);
}

/* What the flags say counts where the checksum says the same, in the end. */
static segj_status_t look_whether_raw(oversized_reader_t *reader)
{
    uint8_t flags = 0;
    segj_status_t status = read_bytes(reader, SEGJ_HEAD_FLAGS, sizeof flags, &flags);
    reader->raw = status == SEGJ_OK && (flags & SEGJ_HEAD_RAW) != 0;
    return reader->raw ? segj_frame_judge_raw(reader->journal, &reader->file, reader->location) : status;
}

static segj_status_t set_up(oversized_reader_t *reader, bool verify_first)
{
    bool compressed = false;
    segj_status_t status = stream_out_look_up(reader, &compressed);
    if (status != SEGJ_OK)
        return status;
    reader->payload = reader->location.size - SEGJ_FRAME_TRAILER;
    reader->size = reader->payload;
    start_over(reader);
    if (compressed && reader->file.head > 0)
        status = look_whether_raw(reader);
    if (status == SEGJ_OK && verify_first)
        status = verify(reader);
    return status == SEGJ_OK && compressed && !reader->raw ? stream_out_set_up_zstd(reader) : status;
}

static segj_status_t stream_out_open_for(segj_caller_t *caller, oversized_t *journal, uint64_t section,
                                         oversized_location_t location, bool verify_first, oversized_reader_t **opened)
{
    segj_status_t status = oversized_reader_open(journal, section, location, verify_first, opened);
    if (status == SEGJ_OK && opened != NULL)
        segj_lease_bind(&(*opened)->lease, caller);
    return status;
}

segj_status_t oversized_reader_open(oversized_t *journal, uint64_t section, oversized_location_t location,
                                    bool verify_first, oversized_reader_t **opened)
{
    if (opened != NULL)
        *opened = NULL;
    SEGJ_ENTER(journal, stream_out_open_for(caller, journal, section, location, verify_first, opened));
    if (opened == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "oversized_reader_open: reader is NULL");
    oversized_reader_t *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return segj_fail_memory(sizeof *reader);
    segj_lease_take(&reader->lease, SEGJ_BADGE_READER, journal);
    reader->journal = journal;
    reader->section = section;
    reader->location = location;
    segj_status_t status = set_up(reader, verify_first);
    if (status != SEGJ_OK) {
        oversized_reader_close(reader);
        return status;
    }
    *opened = reader;
    return SEGJ_OK;
}

/* --- reading --- */

static segj_status_t wrong_payload(oversized_reader_t *reader, const char *what)
{
    segj_status_t status = segj_fail(SEGJ_ERR_COMPRESSION, "%s", what);
    return fail(reader, segj_frame_context(&reader->file, reader->location, status));
}

/* Unpacks at most as much as there is room for. What the end must look like is looked at when it comes. */
static segj_status_t stream_out_unpack(oversized_reader_t *reader, ZSTD_outBuffer *output)
{
    while (output->pos < output->size) {
        if (reader->input.pos == reader->input.size && reader->at < reader->payload) {
            segj_status_t status = fill_buffer(reader);
            if (status != SEGJ_OK)
                return status;
        }
        size_t taken = reader->input.pos;
        size_t before = output->pos;
        size_t left = ZSTD_decompressStream(reader->decoder, output, &reader->input);
        if (ZSTD_isError(left))
            return wrong_payload(reader, ZSTD_getErrorName(left));
        bool last = reader->given + output->pos == reader->size;
        reader->frame_ended = left == 0;
        if (left == 0 && !last)
            return wrong_payload(reader, "the zstd frame ends before its content does");
        if (!last && reader->input.pos == taken && output->pos == before)
            return wrong_payload(reader, "the zstd frame is cut short");
    }
    return SEGJ_OK;
}

/* All bytes are unpacked: nothing may follow them, neither content nor another frame. */
static segj_status_t stream_out_end(oversized_reader_t *reader)
{
    uint8_t more;
    ZSTD_outBuffer none = {&more, 1, 0};
    while (!reader->frame_ended) {
        if (reader->input.pos == reader->input.size && reader->at < reader->payload) {
            segj_status_t status = fill_buffer(reader);
            if (status != SEGJ_OK)
                return status;
        }
        size_t taken = reader->input.pos;
        size_t left = ZSTD_decompressStream(reader->decoder, &none, &reader->input);
        if (ZSTD_isError(left))
            return wrong_payload(reader, ZSTD_getErrorName(left));
        if (none.pos > 0 || (left != 0 && reader->input.pos == taken))
            return wrong_payload(reader, none.pos > 0 ? "the zstd frame has more content than it says"
                                                      : "the zstd frame is cut short");
        reader->frame_ended = left == 0;
    }
    if (reader->at < reader->payload || reader->input.pos < reader->input.size)
        return wrong_payload(reader, "bytes follow the zstd frame");
    return SEGJ_OK;
}

static segj_status_t stream_out_read_compressed(oversized_reader_t *reader, void *to, size_t size)
{
    ZSTD_outBuffer output = {to, size, 0};
    segj_status_t status = stream_out_unpack(reader, &output);
    if (status == SEGJ_OK && reader->given + size == reader->size)
        status = stream_out_end(reader);
    /* What zstd has been given cannot be taken back: a reader whose storage failed here is at its end. */
    if (status != SEGJ_OK && output.pos > 0)
        return fail(reader, status);
    return status;
}

static segj_status_t stream_out_get(oversized_reader_t *reader, void *to, size_t size, size_t *done)
{
    if (to == NULL || done == NULL || size == 0)
        return segj_fail(SEGJ_ERR_INVALID, "oversized_reader_read: %s", size == 0 ? "size is 0" : "an output is NULL");
    if (reader->failed != SEGJ_OK) {
        segj_say_again(&reader->cause);
        return segj_context(reader->failed, "the reader has failed before");
    }
    if (reader->ended)
        return SEGJ_END;
    size_t part = (size_t)segj_min_u64(reader->size - reader->given, size);
    segj_status_t status;
    if (reader->decoder != NULL)
        status = stream_out_read_compressed(reader, to, part);
    else
        status = part > 0 ? read_payload(reader, part, to) : check(reader);
    if (status != SEGJ_OK)
        return status;
    reader->given += part;
    reader->ended = reader->given == reader->size;
    if (part == 0)
        return SEGJ_END;
    *done = part;
    return SEGJ_OK;
}

segj_status_t oversized_reader_read(oversized_reader_t *reader, void *to, size_t size, size_t *done)
{
    segj_status_t status = segj_lease_enter((segj_lease_t *)reader, SEGJ_BADGE_READER, "reader", __func__);
    return status == SEGJ_OK ? segj_lease_leave(&reader->lease, stream_out_get(reader, to, size, done)) : status;
}

uint64_t oversized_reader_size(const oversized_reader_t *reader)
{
    return segj_lease_ends((const segj_lease_t *)reader, SEGJ_BADGE_READER) ? reader->size : 0;
}

void oversized_reader_close(oversized_reader_t *reader)
{
    if (!segj_lease_ends((segj_lease_t *)reader, SEGJ_BADGE_READER))
        return;
    segj_lease_end(&reader->lease);
    (void)ZSTD_freeDCtx(reader->decoder);
    free(reader->buffer);
    free(reader);
}
