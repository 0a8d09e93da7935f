/*
 * oversized/write/stream_in.c: values that arrive in pieces and need not fit into memory. A writer borrows the end of
 * its section's values file (segj_glob_reserve_tail) and writes the frame there, through a buffer of its own and
 * without a lock; the section takes no other append until the writer ends. Finish places the record and publishes both.
 *
 * If the power goes before that, bytes lie after the last frame, and open cuts them. A writer that is abandoned leaves
 * such bytes too; they are cut, durably, before their offsets are used again (segj_section_truncate_tail).
 */
#include <stdlib.h>
#include <string.h>

#include "journal/frame_format.h"
#include "oversized/section/dictionary.h"
#include "oversized/section/durable.h"
#include "oversized/section/codec.h"
#include "oversized/section/writers.h"
#include "oversized/write/append.h"

#define STREAM_IN_BUFFER_SIZE ((size_t)256 << 10)
/* Of a value that compression may not make smaller, so much is kept as it is, at the buffer's end; what zstd makes of
 * it has room before. */
#define STREAM_IN_KEPT ((size_t)126 << 10)

struct oversized_writer {
    segj_lease_t lease; /* first */
    oversized_t *journal;
    segj_section_t *section;
    uint64_t announced; /* bytes of the value; OVERSIZED_SIZE_UNKNOWN until it is whole */
    uint64_t taken;     /* of them */
    uint64_t offset;    /* of the frame in the data */
    uint64_t frame;     /* bytes of the frame so far, from its payload on, buffered ones included */
    uint32_t crc;
    uint32_t crc_of_place; /* where `opened` counts: crc begins after the opening then */
    bool held;             /* the payload's first bytes are held back, because they will state its content's size */
    uint8_t bare[SEGJ_OPENING_BARE];
    size_t opened;         /* so many of those */
    bool raw;              /* the section compresses, and this value is stored as it is */
    bool keeps;            /* the value so far is in memory as it is, and none of it was compressed */
    segj_status_t failed;  /* what every later call answers */
    segj_sentence_t cause; /* of that */
    ZSTD_CCtx *compressor;
    bool wide; /* that is the crew's */
    segj_io_behind_t behind;
    size_t buffered;
    uint8_t *buffer; /* STREAM_IN_BUFFER_SIZE bytes */
    uint8_t head[];  /* of the frame, where it has one; the entry in its place there */
};

static void free_writer(oversized_writer_t *writer)
{
    if (!writer->wide)
        (void)ZSTD_freeCCtx(writer->compressor);
    else if (segj_lease_holds(&writer->lease))
        segj_crew_release_wide(&writer->journal->codec.crew);
    segj_lease_end(&writer->lease);
    free(writer->buffer);
    free(writer);
}

/* It has a copy of the dictionary: a writer may be open longer than others want theirs. */
static size_t stream_in_load(ZSTD_CCtx *compressor, const segj_dictionary_t *dictionary)
{
    size_t answer = ZSTD_CCtx_setParameter(compressor, ZSTD_c_dictIDFlag, 0);
    return ZSTD_isError(answer) ? answer : ZSTD_CCtx_loadDictionary(compressor, dictionary->bytes, dictionary->id.size);
}

static segj_status_t stream_in_set_up_zstd(oversized_writer_t *writer, int level, const segj_dictionary_t *dictionary)
{
    writer->compressor = segj_crew_reserve_wide(&writer->journal->codec.crew, writer->announced);
    writer->wide = writer->compressor != NULL;
    if (!writer->wide)
        writer->compressor = ZSTD_createCCtx();
    if (writer->compressor == NULL)
        return segj_fail(SEGJ_ERR_MEMORY, "out of memory: zstd could not make a compression context");
    size_t answer = ZSTD_CCtx_setParameter(writer->compressor, ZSTD_c_compressionLevel, level);
    /* The frame says its content's size, as every payload does. Where it is not known yet, the frame gets it at the
     * end. */
    writer->held = writer->announced == OVERSIZED_SIZE_UNKNOWN;
    if (!ZSTD_isError(answer))
        answer = writer->held ? ZSTD_CCtx_setParameter(writer->compressor, ZSTD_c_contentSizeFlag, 0)
                              : ZSTD_CCtx_setPledgedSrcSize(writer->compressor, writer->announced);
    if (!ZSTD_isError(answer) && dictionary != NULL)
        answer = stream_in_load(writer->compressor, dictionary);
    if (ZSTD_isError(answer))
        return segj_fail(SEGJ_ERR_COMPRESSION, "zstd refused a value that is streamed: %s", ZSTD_getErrorName(answer));
    return SEGJ_OK;
}

/* Under change. Where the section's dictionary is damaged the value is stored as it is. */
SEGJ_UNDER_CHANGE static segj_status_t stream_in_set_up(oversized_writer_t *writer, segj_section_t *section)
{
    oversized_t *journal = writer->journal;
    segj_dictionary_t *dictionary = NULL;
    segj_status_t status = SEGJ_OK;
    writer->raw = section != NULL && atomic_load(&section->dictionary_lost);
    if (!writer->raw)
        status = segj_dictionary_take_to_pack(journal, section, &dictionary);
    if (status == SEGJ_ERR_COMPRESSION && section != NULL && atomic_load(&section->dictionary_lost)) {
        writer->raw = true;
        status = SEGJ_OK;
    }
    if (status == SEGJ_OK && !writer->raw)
        status = stream_in_set_up_zstd(writer, journal->codec.level, dictionary);
    segj_dictionary_give(journal, dictionary);
    writer->keeps = writer->compressor != NULL &&
                    (section != NULL ? segj_section_is_log(section) : journal->shared.native_version == 2);
    return status;
}

/* Checks what forbids the writer and takes its memory, before anything changes. Under change. */
SEGJ_UNDER_CHANGE static segj_status_t stream_in_prepare(oversized_writer_t *writer, uint64_t number,
                                                         segj_section_t **section)
{
    oversized_t *journal = writer->journal;
    segj_status_t status = segj_journal_changeable(journal);
    *section = segj_journal_find(journal, number);
    if (status != SEGJ_OK)
        return status;
    if (*section != NULL && (*section)->streaming)
        return segj_fail(SEGJ_ERR_BUSY, "a value is being streamed into section %llu", (unsigned long long)number);
    if (*section == NULL && number < journal->prune_line)
        return segj_journal_missing(journal, number);
    bool compressed = *section != NULL ? (*section)->values.compressed : journal->codec.level != 0;
    return compressed ? stream_in_set_up(writer, *section) : SEGJ_OK;
}

/* Under change. */
SEGJ_UNDER_CHANGE static segj_status_t activate_or_create(oversized_t *journal, uint64_t number,
                                                          segj_section_t **section)
{
    if (*section != NULL)
        return segj_section_activate(journal, *section);
    segj_status_t status = segj_section_create(journal, number, section);
    if (status != SEGJ_OK)
        return status;
    segj_section_count_append(*section); /* its names want a sync */
    segj_section_show(journal, *section);
    return SEGJ_OK;
}

/* Under change. */
SEGJ_UNDER_CHANGE static segj_status_t stream_in_begin(oversized_writer_t *writer, uint64_t number)
{
    oversized_t *journal = writer->journal;
    segj_section_t *section;
    segj_status_t status = stream_in_prepare(writer, number, &section);
    if (status == SEGJ_OK)
        status = activate_or_create(journal, number, &section);
    if (status == SEGJ_OK)
        status = segj_section_truncate_tail(journal, section);
    if (status == SEGJ_OK)
        status = segj_glob_reserve_tail(&section->values, &journal->shared, &writer->offset);
    if (status != SEGJ_OK)
        return status;
    section->streaming = true;
    writer->section = section;
    writer->crc = segj_checksum_begin(journal->shared.checksum, section->values.handle.file.binding, writer->offset);
    if (writer->held) {
        writer->crc_of_place = writer->crc;
        writer->crc = 0;
        writer->frame = SEGJ_OPENING;
    }
    return SEGJ_OK;
}

static segj_status_t stream_in_open_for(segj_caller_t *caller, oversized_t *journal, uint64_t section,
                                        const void *entry, uint64_t size, oversized_writer_t **opened)
{
    segj_status_t status = oversized_writer_open(journal, section, entry, size, opened);
    if (status == SEGJ_OK && opened != NULL)
        segj_lease_bind(&(*opened)->lease, caller);
    return status;
}

segj_status_t oversized_writer_open(oversized_t *journal, uint64_t section, const void *entry, uint64_t size,
                                    oversized_writer_t **opened)
{
    if (opened != NULL)
        *opened = NULL;
    SEGJ_ENTER(journal, stream_in_open_for(caller, journal, section, entry, size, opened));
    if (opened == NULL)
        return segj_fail(SEGJ_ERR_INVALID, "oversized_writer_open: writer is NULL");
    if (entry == NULL && journal->entry_size > 0)
        return segj_fail(SEGJ_ERR_INVALID, "oversized_writer_open: entry is NULL, expected %u bytes",
                         (unsigned)journal->entry_size);
    if (size > journal->max_value_size && size != OVERSIZED_SIZE_UNKNOWN)
        return segj_fail(SEGJ_ERR_TOO_LARGE, "section %llu: a value of %llu bytes, max_value_size is %u bytes",
                         (unsigned long long)section, (unsigned long long)size, (unsigned)journal->max_value_size);
    size_t room = sizeof(oversized_writer_t) + segj_head_size(journal->entry_size);
    oversized_writer_t *writer = malloc(room);
    if (writer == NULL)
        return segj_fail_memory(room);
    *writer = (oversized_writer_t){.journal = journal, .announced = size};
    segj_lease_take(&writer->lease, SEGJ_BADGE_WRITER, journal);
    if (entry != NULL && journal->entry_size > 0)
        memcpy(writer->head + SEGJ_HEAD_ENTRY, entry, journal->entry_size);
    /* Apart: what a large piece of memory held cannot be looked at any more once it is freed. */
    writer->buffer = malloc(STREAM_IN_BUFFER_SIZE);
    segj_status_t status = writer->buffer != NULL ? SEGJ_OK : segj_fail_memory(STREAM_IN_BUFFER_SIZE);
    if (status == SEGJ_OK) {
        segj_gate_enter(&journal->change);
        status = stream_in_begin(writer, section);
        segj_gate_leave(&journal->change);
    }
    if (status != SEGJ_OK) {
        free_writer(writer);
        return status;
    }
    *opened = writer;
    return SEGJ_OK;
}

static segj_status_t stream_in_flush(oversized_writer_t *writer)
{
    const segj_io_file_t *file = &writer->section->values.handle.file;
    uint64_t offset = file->data + writer->offset + file->head + writer->frame - writer->buffered;
    segj_status_t status = segj_journal_changeable(writer->journal);
    if (status == SEGJ_OK)
        status = segj_io_write(file, offset, writer->buffer, writer->buffered);
    if (status == SEGJ_OK) {
        segj_io_write_behind(file, &writer->behind, offset, writer->buffered);
        writer->buffered = 0;
    }
    return status;
}

/* Counts bytes that have come into the buffer. */
static segj_status_t account(oversized_writer_t *writer, size_t size, bool checked)
{
    if (checked)
        writer->crc = segj_checksum_continue(writer->journal->shared.checksum, writer->crc,
                                             writer->buffer + writer->buffered, size);
    writer->buffered += size;
    writer->frame += size;
    if (writer->frame > UINT32_MAX - (checked ? SEGJ_FRAME_TRAILER : 0u))
        return segj_fail(SEGJ_ERR_TOO_LARGE, "section %llu: a payload beyond 2^32 - 5 bytes",
                         (unsigned long long)writer->section->node.number);
    return writer->buffered == STREAM_IN_BUFFER_SIZE ? stream_in_flush(writer) : SEGJ_OK;
}

static segj_status_t put_plain(oversized_writer_t *writer, const uint8_t *data, size_t size, bool checked)
{
    segj_status_t status = SEGJ_OK;
    while (size > 0 && status == SEGJ_OK) {
        size_t room = STREAM_IN_BUFFER_SIZE - writer->buffered;
        size_t part = size < room ? size : room;
        memcpy(writer->buffer + writer->buffered, data, part);
        status = account(writer, part, checked);
        data += part;
        size -= part;
    }
    return status;
}

/* Takes what is held back out of the bytes that have come to the buffer's end; gives how many others there are. */
static size_t hold_back(oversized_writer_t *writer, size_t size)
{
    uint8_t *bytes = writer->buffer + writer->buffered;
    size_t taken = writer->held ? SEGJ_OPENING_BARE - writer->opened : 0;
    taken = taken < size ? taken : size;
    if (taken == 0)
        return size;
    memcpy(writer->bare + writer->opened, bytes, taken);
    writer->opened += taken;
    memmove(bytes, bytes + taken, size - taken);
    return size - taken;
}

/* The payload's first bytes, now that its content's size is known: before everything that follows them is counted. */
static segj_status_t write_opening(oversized_writer_t *writer)
{
    const segj_io_file_t *file = &writer->section->values.handle.file;
    segj_checksum_kind_t kind = writer->journal->shared.checksum;
    uint8_t opening[SEGJ_OPENING];
    if (writer->opened < SEGJ_OPENING_BARE || !segj_codec_opening(writer->bare, writer->announced, opening))
        return segj_fail(SEGJ_ERR_COMPRESSION, "zstd has begun a frame in a way that is not known");
    uint32_t before = segj_checksum_continue(kind, writer->crc_of_place, opening, sizeof opening);
    writer->crc = segj_checksum_join(kind, before, writer->crc, writer->frame - sizeof opening);
    return segj_io_write(file, file->data + writer->offset + file->head, opening, sizeof opening);
}

/* Threads of the wide context begin in here. */
static size_t stream_in_compress(oversized_writer_t *writer, ZSTD_outBuffer *out, ZSTD_inBuffer *in,
                                 ZSTD_EndDirective how)
{
    sigset_t usual;
    if (!writer->wide)
        return ZSTD_compressStream2(writer->compressor, out, in, how);
    (void)segj_signals_off(&usual);
    size_t left = ZSTD_compressStream2(writer->compressor, out, in, how);
    segj_signals_on(&usual);
    return left;
}

/* `end`: the value is whole, and zstd is to finish its frame. What is kept leaves it less room, and needs no more. */
static segj_status_t put_compressed(oversized_writer_t *writer, const void *data, size_t size, bool end)
{
    size_t room = STREAM_IN_BUFFER_SIZE - (writer->keeps ? STREAM_IN_KEPT : 0);
    ZSTD_inBuffer in = {data, size, 0};
    segj_status_t status = SEGJ_OK;
    bool more = size > 0 || end;
    while (more && status == SEGJ_OK) {
        ZSTD_outBuffer out = {writer->buffer + writer->buffered, room - writer->buffered, 0};
        size_t left = stream_in_compress(writer, &out, &in, end ? ZSTD_e_end : ZSTD_e_continue);
        if (ZSTD_isError(left))
            return segj_fail(SEGJ_ERR_COMPRESSION, "zstd could not compress: %s", ZSTD_getErrorName(left));
        more = end ? left > 0 : in.pos < in.size;
        status = account(writer, hold_back(writer, out.pos), true);
    }
    return status;
}

static uint8_t *kept_bytes(const oversized_writer_t *writer)
{
    return writer->buffer + STREAM_IN_BUFFER_SIZE - STREAM_IN_KEPT;
}

/* A value that is too long to be kept is compressed as it comes. */
static segj_status_t put_packed(oversized_writer_t *writer, const void *data, size_t size)
{
    if (writer->keeps && size <= STREAM_IN_KEPT - writer->taken) {
        if (size > 0)
            memcpy(kept_bytes(writer) + writer->taken, data, size);
        return SEGJ_OK;
    }
    segj_status_t status =
        writer->keeps ? put_compressed(writer, kept_bytes(writer), (size_t)writer->taken, false) : SEGJ_OK;
    writer->keeps = false;
    return status == SEGJ_OK ? put_compressed(writer, data, size, false) : status;
}

/* The value is whole. One that was kept, and that its frame does not make smaller, is stored as it is. */
static segj_status_t finish_packed(oversized_writer_t *writer)
{
    const segj_io_file_t *file = &writer->section->values.handle.file;
    const uint8_t *kept = writer->keeps ? kept_bytes(writer) : NULL;
    segj_status_t status = put_compressed(writer, kept, kept != NULL ? (size_t)writer->taken : 0, true);
    writer->keeps = false;
    if (status != SEGJ_OK || kept == NULL || writer->frame < writer->taken)
        return status;
    writer->raw = true;
    writer->held = false;
    writer->frame = 0;
    writer->buffered = 0;
    writer->crc = segj_checksum_begin(writer->journal->shared.checksum, file->binding, writer->offset);
    memmove(writer->buffer, kept, (size_t)writer->taken);
    return account(writer, (size_t)writer->taken, true);
}

static segj_status_t failed_before(const oversized_writer_t *writer, const char *what)
{
    segj_say_again(&writer->cause);
    return segj_context(writer->failed, "%s", what);
}

static segj_status_t put(oversized_writer_t *writer, const void *data, size_t size)
{
    if (data == NULL && size > 0)
        return segj_fail(SEGJ_ERR_INVALID, "oversized_writer_write: data is NULL");
    if (writer->failed != SEGJ_OK)
        return failed_before(writer, "the writer has failed before, abandon it");
    if (writer->announced == OVERSIZED_SIZE_UNKNOWN && size > writer->journal->max_value_size - writer->taken)
        return segj_fail(SEGJ_ERR_TOO_LARGE,
                         "section %llu: a value of more than %llu bytes and %zu bytes, max_value_size is %u bytes",
                         (unsigned long long)writer->section->node.number, (unsigned long long)writer->taken, size,
                         (unsigned)writer->journal->max_value_size);
    if (size > writer->announced - writer->taken)
        return segj_fail(
            SEGJ_ERR_INVALID, "oversized_writer_write: %zu bytes, of the value's %llu bytes only %llu bytes are left",
            size, (unsigned long long)writer->announced, (unsigned long long)(writer->announced - writer->taken));
    segj_status_t status =
        writer->compressor != NULL ? put_packed(writer, data, size) : put_plain(writer, data, size, true);
    writer->taken += size;
    writer->failed = status;
    if (status != SEGJ_OK)
        segj_keep(&writer->cause);
    return status;
}

segj_status_t oversized_writer_write(oversized_writer_t *writer, const void *data, size_t size)
{
    segj_status_t status = segj_lease_enter((segj_lease_t *)writer, SEGJ_BADGE_WRITER, "writer", __func__);
    return status == SEGJ_OK ? segj_lease_leave(&writer->lease, put(writer, data, size)) : status;
}

/* While it runs nothing is placed in the section. */
static void make_head(oversized_writer_t *writer)
{
    const segj_glob_t *values = &writer->section->values;
    const segj_io_file_t *file = &values->handle.file;
    const segj_head_t head = {.stored = (uint32_t)writer->frame,
                              .flags = (uint8_t)(SEGJ_HEAD_FRAME | (writer->raw ? SEGJ_HEAD_RAW : 0)),
                              .unsynced = segj_section_unsynced(writer->section, 0),
                              .entry = writer->head + SEGJ_HEAD_ENTRY};
    uint32_t sum = segj_head_encode(
        writer->head, file->head,
        (segj_frame_place_t){segj_crc32_of_place(file->binding, writer->offset), values->trailer}, head);
    writer->crc = segj_frame_seal(writer->crc, sum, writer->raw);
}

/* Under change. The head comes last: without it the frame is none. */
SEGJ_UNDER_CHANGE static segj_status_t write_head(const oversized_writer_t *writer)
{
    const segj_io_file_t *file = &writer->section->values.handle.file;
    segj_status_t status = segj_io_write(file, file->data + writer->offset, writer->head, file->head);
    if (status != SEGJ_OK)
        segj_section_withdraw(writer->journal, writer->section);
    return status;
}

static segj_status_t complete(oversized_writer_t *writer)
{
    if (writer->failed != SEGJ_OK)
        return failed_before(writer, "the writer has failed before");
    if (writer->announced == OVERSIZED_SIZE_UNKNOWN)
        writer->announced = writer->taken;
    if (writer->taken != writer->announced)
        return segj_fail(SEGJ_ERR_INVALID,
                         "oversized_writer_finish: %llu bytes were written, %llu bytes were announced",
                         (unsigned long long)writer->taken, (unsigned long long)writer->announced);
    segj_status_t status = SEGJ_OK;
    if (writer->compressor != NULL)
        status = finish_packed(writer);
    if (status == SEGJ_OK && writer->held)
        status = write_opening(writer);
    if (status == SEGJ_OK && segj_section_is_log(writer->section))
        make_head(writer);
    uint8_t trailer[SEGJ_FRAME_TRAILER];
    segj_put_u32(trailer, writer->crc);
    if (status == SEGJ_OK)
        status = put_plain(writer, trailer, sizeof trailer, false);
    if (status == SEGJ_OK && writer->buffered > 0)
        status = stream_in_flush(writer);
    segj_io_end_behind(&writer->section->values.handle.file, &writer->behind);
    return status;
}

/* Under change. */
SEGJ_UNDER_CHANGE static segj_status_t stream_in_append(oversized_writer_t *writer, oversized_location_t location,
                                                        uint64_t *position)
{
    oversized_t *journal = writer->journal;
    segj_section_t *section = writer->section;
    segj_status_t status = segj_journal_changeable(journal);
    if (status == SEGJ_OK)
        status = segj_paged_reserve(section->index.tail, &journal->shared.pages, &section->index.handle.file,
                                    journal->shared.record_size);
    if (status == SEGJ_OK && segj_section_is_log(section))
        status = write_head(writer);
    if (status != SEGJ_OK)
        return status;
    segj_section_put(journal, section, writer->head + SEGJ_HEAD_ENTRY, &location);
    segj_glob_commit_tail(&section->values, &journal->shared,
                          segj_frame_size(section->values.handle.file.head, location), writer->crc);
    if (section->values.compressed)
        segj_tally_saved(&journal->tally, writer->announced - (location.size - SEGJ_FRAME_TRAILER));
    *position = segj_section_publish(journal, section, 1);
    return SEGJ_OK;
}

/* The journal is open, and this process's. */
static segj_status_t stream_in_finish(oversized_writer_t *writer, uint64_t *position, oversized_location_t *location)
{
    oversized_t *journal = writer->journal;
    uint64_t at = 0;
    segj_status_t status = complete(writer);
    oversized_location_t placed = {writer->offset, (uint32_t)writer->frame};
    segj_gate_enter(&journal->change);
    if (status == SEGJ_OK)
        status = stream_in_append(writer, placed, &at);
    writer->section->streaming = false;
    segj_gate_leave(&journal->change);
    if (status != SEGJ_OK)
        return status;
    if (position != NULL)
        *position = at;
    if (location != NULL)
        *location = placed;
    return SEGJ_OK;
}

segj_status_t oversized_writer_finish(oversized_writer_t *writer, uint64_t *position, oversized_location_t *location)
{
    segj_status_t status = segj_lease_enter((segj_lease_t *)writer, SEGJ_BADGE_WRITER, "writer", __func__);
    if (status == SEGJ_OK)
        status = segj_lease_leave(&writer->lease, stream_in_finish(writer, position, location));
    else if (!segj_lease_ends((segj_lease_t *)writer, SEGJ_BADGE_WRITER))
        return status;
    free_writer(writer);
    return status;
}

void oversized_writer_abandon(oversized_writer_t *writer)
{
    if (!segj_lease_ends((segj_lease_t *)writer, SEGJ_BADGE_WRITER))
        return;
    if (segj_lease_holds(&writer->lease)) {
        segj_gate_enter(&writer->journal->change);
        writer->section->streaming = false;
        segj_gate_leave(&writer->journal->change);
    }
    free_writer(writer);
}
