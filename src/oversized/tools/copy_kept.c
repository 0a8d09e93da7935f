/*
 * oversized/tools/copy_kept.c: what of an earlier copy's section is kept. What the copy's W says of it is durable
 * there. It is kept where it is the beginning of what the source has. Of version 2 the last frame's checksum tells,
 * which covers all frames before it. Of version 1, and in the commonware format, nothing tells but the bytes, which are
 * compared.
 */
#include <string.h>

#include "base/bytes.h"
#include "journal/commonware_format.h"
#include "journal/dictionary_file.h"
#include "journal/record_format.h"
#include "oversized/tools/copy_piece.h"

/* --- what the copy has --- */

segj_status_t segj_copy_piece_open(segj_copy_piece_t *piece, bool *there)
{
    const segj_copy_source_t *source = piece->source;
    segj_copy_target_t *target = piece->copying->target;
    bool missing[2] = {false, false};
    segj_status_t status = segj_io_open(&piece->index, &target->index, source->number, SEGJ_OPEN_WRITE, &missing[0]);
    if (status == SEGJ_OK)
        status = segj_io_open(&piece->values, &target->values, source->number, SEGJ_OPEN_WRITE, &missing[1]);
    segj_io_take_properties(&piece->index, &source->index);
    segj_io_take_properties(&piece->values, &source->values);
    *there = status == SEGJ_OK && !missing[0] && !missing[1];
    if (*there)
        status = segj_io_size(&piece->index, &piece->index_size);
    return *there && status == SEGJ_OK ? segj_io_size(&piece->values, &piece->values_size) : status;
}

static bool is_same_identity(const uint8_t *block, size_t size, const segj_identity_t *wanted)
{
    segj_identity_t found;
    const char *why;
    return size >= SEGJ_BLOCK_SIZE && segj_identity_decode(block, SEGJ_BLOCK_SIZE, &found, &why) == SEGJ_HEADER_VALID &&
           found.kind == wanted->kind && found.version == wanted->version && found.salt == wanted->salt &&
           found.sector == wanted->sector && segj_dictionary_same(found.dictionary, wanted->dictionary) &&
           found.section == wanted->section && found.compressed == wanted->compressed &&
           found.page_size == wanted->page_size && found.record_size == wanted->record_size;
}

static void take_newest_mark(segj_copy_piece_t *piece, const uint8_t *header)
{
    for (unsigned slot = 0; slot < 2; slot++) {
        const uint8_t *bytes = header + segj_mark_offset(slot);
        segj_mark_t mark = piece->source->version == 2 ? segj_mark_decode_2(bytes, piece->index.binding, slot)
                                                       : segj_mark_decode(bytes, piece->source->number);
        if (!mark.valid || (piece->mark.valid && mark.sequence <= piece->mark.sequence))
            continue;
        piece->mark = mark;
        piece->slot = slot;
    }
}

/* Both copies of the dictionary are what the header says; where the source's own is damaged the copy's is kept. */
static segj_status_t look_at_dictionaries(const segj_copy_piece_t *piece, bool *sound)
{
    const segj_dictionary_id_t dictionary = piece->source->dictionary;
    uint8_t *memory = piece->copying->memory[1];
    segj_status_t status = segj_dictionary_read(&piece->values, SEGJ_KIND_VALUES, dictionary, memory, sound);
    if (status == SEGJ_OK && *sound)
        status = segj_dictionary_read(&piece->index, SEGJ_KIND_INDEX, dictionary, memory, sound);
    *sound = *sound && status == SEGJ_OK;
    return status;
}

/* The headers are those of the source's files, and W says that something is durable. */
static segj_status_t look_native(segj_copy_piece_t *piece, bool *sound)
{
    const segj_copy_source_t *source = piece->source;
    const segj_shared_t *shared = piece->shared;
    uint8_t header[3 * SEGJ_BLOCK_SIZE];
    uint8_t block[SEGJ_BLOCK_SIZE];
    size_t got[2];
    bool log = source->version == 2;
    segj_identity_t identity = {.kind = SEGJ_KIND_INDEX,
                                .version = source->version,
                                .salt = source->salt,
                                .sector = source->values.sector,
                                .dictionary = source->dictionary,
                                .section = source->number,
                                .page_size = shared->page_size,
                                .record_size = shared->record_size};
    segj_status_t status = segj_io_read(&piece->index, 0, header, sizeof header, &got[0]);
    if (status == SEGJ_OK)
        status = segj_io_read(&piece->values, 0, block, sizeof block, &got[1]);
    *sound = status == SEGJ_OK && got[0] == sizeof header && is_same_identity(header, got[0], &identity);
    identity.kind = SEGJ_KIND_VALUES;
    identity.compressed = source->compressed;
    identity.page_size = log ? shared->page_size : 0;
    identity.record_size = log ? shared->record_size : 0;
    *sound = *sound && is_same_identity(block, got[1], &identity);
    if (!*sound)
        return status;
    take_newest_mark(piece, header);
    *sound = piece->mark.valid && piece->mark.at.records <= piece->end.records && piece->mark.sequence < UINT32_MAX / 2;
    piece->kept.records = *sound ? piece->mark.at.records : 0;
    return SEGJ_OK;
}

static segj_status_t look_at_header(const segj_io_file_t *file, uint64_t file_size, bool *sound)
{
    uint8_t block[SEGJ_COMMONWARE_V1_SIZE];
    size_t got;
    uint64_t data = 0;
    const char *why;
    segj_status_t status = segj_io_read(file, 0, block, sizeof block, &got);
    *sound = status == SEGJ_OK && segj_commonware_decode(block, got, file_size, &data, &why) == SEGJ_HEADER_VALID &&
             data == file->data;
    return status;
}

/* Nothing tells what of a copy was durable that was not completed. A complete one is whole. */
static segj_status_t look_commonware(segj_copy_piece_t *piece, bool *sound)
{
    const segj_shared_t *shared = piece->shared;
    size_t physical = segj_page_physical(shared->page_size);
    *sound = false;
    if (piece->copying->target->unfinished)
        return SEGJ_OK;
    segj_status_t status = look_at_header(&piece->index, piece->index_size, sound);
    if (status == SEGJ_OK && *sound)
        status = look_at_header(&piece->values, piece->values_size, sound);
    if (status != SEGJ_OK || !*sound || piece->index_size - piece->index.data < physical)
        return status;
    uint64_t last = (piece->index_size - piece->index.data) / physical - 1;
    uint8_t *page = piece->copying->memory[1];
    status = segj_io_read(&piece->index, piece->index.data + last * physical, page, physical, NULL);
    if (status != SEGJ_OK)
        return status;
    uint64_t length = segj_page_verify(shared->checksum, page, shared->page_size, piece->index.binding, last).length;
    piece->kept.records = (last * shared->page_size + length) / shared->record_size;
    *sound = length > 0 && piece->kept.records <= piece->end.records;
    return SEGJ_OK;
}

/* --- whether that is the beginning of what the source has --- */

static segj_status_t read_trailer(const segj_copy_piece_t *piece, uint8_t *trailer)
{
    uint64_t offset = piece->values.data + piece->mark.at.end - SEGJ_FRAME_TRAILER;
    return segj_io_read(&piece->values, offset, trailer, SEGJ_FRAME_TRAILER, NULL);
}

/* Version 2: both logs end a frame there, with the checksum that W has. */
static segj_status_t compare_last_frame(segj_copy_piece_t *piece, bool *same)
{
    const segj_point_t at = piece->mark.at;
    uint8_t trailers[2][SEGJ_FRAME_TRAILER];
    piece->kept = at;
    if (at.records == 0)
        return SEGJ_OK;
    *same =
        at.end >= sizeof trailers[0] && at.end <= piece->end.end && piece->values_size >= piece->values.data + at.end;
    if (!*same)
        return SEGJ_OK;
    segj_status_t status =
        segj_copy_source_values(piece->source, at.end - sizeof trailers[0], trailers[0], sizeof trailers[0]);
    if (status == SEGJ_OK)
        status = read_trailer(piece, trailers[1]);
    *same = status == SEGJ_OK && segj_get_u32(trailers[0]) == at.trailer && segj_get_u32(trailers[1]) == at.trailer;
    return status;
}

/* Pages of both in the two windows. */
static bool is_same_in_windows(const segj_copy_piece_t *piece, uint64_t first, size_t count, size_t got)
{
    const segj_shared_t *shared = piece->shared;
    size_t physical = segj_page_physical(shared->page_size);
    uint64_t bytes = piece->kept.records * shared->record_size;
    for (size_t i = 0; i < count; i++) {
        uint64_t page = first + i;
        size_t wanted = (size_t)segj_min_u64(bytes - page * shared->page_size, shared->page_size);
        const uint8_t *ours = piece->copying->memory[1] + i * physical;
        if ((i + 1) * physical > got)
            return false;
        size_t length = segj_page_verify(shared->checksum, ours, shared->page_size, piece->index.binding, page).length;
        if (length < wanted || memcmp(ours, piece->copying->memory[0] + i * physical, wanted) != 0)
            return false;
    }
    return true;
}

static segj_status_t compare_pages(const segj_copy_piece_t *piece, bool *same)
{
    const segj_shared_t *shared = piece->shared;
    size_t physical = segj_page_physical(shared->page_size);
    uint64_t pages = segj_copy_page_count(shared, piece->kept.records);
    segj_status_t status = SEGJ_OK;
    *same = true;
    for (uint64_t at = 0; at < pages && *same && status == SEGJ_OK;) {
        size_t count = segj_copy_pages_of_window(shared, pages - at);
        size_t got;
        status = segj_copy_source_pages(piece->source, at, count, piece->copying->memory[0]);
        if (status == SEGJ_OK)
            status = segj_io_read(&piece->index, piece->index.data + at * physical, piece->copying->memory[1],
                                  count * physical, &got);
        *same = status == SEGJ_OK && is_same_in_windows(piece, at, count, got);
        at += count;
        if (status == SEGJ_OK)
            status = segj_copy_tell(piece, count * physical);
    }
    return status;
}

static segj_status_t compare_values(const segj_copy_piece_t *piece, bool *same)
{
    segj_status_t status = SEGJ_OK;
    for (uint64_t at = 0; at < piece->kept.end && *same && status == SEGJ_OK;) {
        size_t size = (size_t)segj_min_u64(piece->kept.end - at, SEGJ_COPY_WINDOW);
        size_t got;
        uint8_t *const *memory = piece->copying->memory;
        status = segj_copy_source_values(piece->source, at, memory[0], size);
        if (status == SEGJ_OK)
            status = segj_io_read(&piece->values, piece->values.data + at, memory[1], size, &got);
        *same = status == SEGJ_OK && got == size && memcmp(memory[0], memory[1], size) == 0;
        at += size;
        if (status == SEGJ_OK)
            status = segj_copy_tell(piece, size);
    }
    return status;
}

segj_status_t segj_copy_piece_judge(segj_copy_piece_t *piece, bool *sound)
{
    segj_status_t status =
        piece->shared->format == SEGJ_FORMAT_NATIVE ? look_native(piece, sound) : look_commonware(piece, sound);
    if (status == SEGJ_OK && *sound && piece->source->dictionary.size > 0)
        status = look_at_dictionaries(piece, sound);
    if (status != SEGJ_OK || !*sound)
        return status;
    if (piece->source->version == 2)
        return compare_last_frame(piece, sound);
    status = segj_copy_source_point(piece->source, piece->kept.records, &piece->kept);
    if (status == SEGJ_OK)
        status = compare_pages(piece, sound);
    return status == SEGJ_OK && *sound ? compare_values(piece, sound) : status;
}

/* The first records, and the checksums of their values. */
static segj_status_t compare_first(segj_copy_piece_t *piece, bool *same)
{
    uint8_t trailer[SEGJ_FRAME_TRAILER];
    size_t got = 0;
    segj_status_t status = segj_copy_source_point(piece->source, 1, &piece->kept);
    if (status == SEGJ_OK)
        status = compare_pages(piece, same);
    if (status == SEGJ_OK && *same)
        status = segj_io_read(&piece->values, piece->values.data + piece->kept.end - sizeof trailer, trailer,
                              sizeof trailer, &got);
    *same = *same && status == SEGJ_OK && got == sizeof trailer && segj_get_u32(trailer) == piece->kept.trailer;
    return status;
}

static segj_status_t judge_kin(segj_copy_piece_t *piece, segj_kin_t *kin)
{
    bool sound = false;
    bool native = piece->shared->format == SEGJ_FORMAT_NATIVE;
    piece->end.records = UINT64_MAX;
    segj_status_t status = segj_copy_piece_open(piece, &sound);
    if (status == SEGJ_OK && sound)
        status = native ? look_native(piece, &sound) : look_commonware(piece, &sound);
    if (status != SEGJ_OK)
        return status;
    bool complete = !piece->copying->target->unfinished;
    *kin = sound || !complete ? SEGJ_KIN_UNKNOWN : SEGJ_KIN_OTHER;
    if (sound && piece->source->version == 2)
        *kin = SEGJ_KIN_SAME; /* the salt is */
    if (!sound || piece->source->version == 2 || piece->kept.records == 0 || piece->source->records == 0)
        return SEGJ_OK;
    status = compare_first(piece, &sound);
    *kin = sound ? SEGJ_KIN_SAME : SEGJ_KIN_OTHER;
    return status;
}

segj_status_t segj_copy_compare_kin(segj_copying_t *copying, segj_copy_source_t *source, segj_kin_t *kin)
{
    segj_copy_piece_t piece = {.copying = copying, .source = source, .shared = copying->target->shared, .slot = 1};
    *kin = SEGJ_KIN_UNKNOWN;
    segj_status_t status = segj_copy_source_begin(source);
    if (status == SEGJ_OK)
        status = judge_kin(&piece, kin);
    segj_io_close(&piece.index);
    segj_io_close(&piece.values);
    segj_copy_source_end(source);
    copying->bytes_done = 0;
    return status;
}
