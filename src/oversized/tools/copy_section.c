/*
 * oversized/tools/copy_section.c: see the header. What an earlier copy lacks is written after what is kept of it
 * (copy_kept.c). What is not kept is made anew, in new files. The values and the index are durable before W says so.
 */
#include "oversized/tools/copy_section.h"

#include "base/bytes.h"
#include "journal/dictionary_file.h"
#include "oversized/tools/copy_piece.h"

/* --- writing --- */

/* No open accepts a copy before all of it is durable, so the order of these does not matter. */
static segj_status_t write_dictionary(const segj_copy_piece_t *piece)
{
    const segj_copy_source_t *source = piece->source;
    uint8_t *bytes = piece->copying->memory[0];
    if (source->dictionary.size == 0)
        return SEGJ_OK;
    segj_status_t status = segj_copy_source_dictionary(source, bytes);
    if (status == SEGJ_OK)
        status = segj_dictionary_write(&piece->index, SEGJ_KIND_INDEX, bytes, source->dictionary.size);
    return status == SEGJ_OK ? segj_dictionary_write(&piece->values, SEGJ_KIND_VALUES, bytes, source->dictionary.size)
                             : status;
}

/* New files with their headers, in the place of what is there. */
static segj_status_t make_piece(segj_copy_piece_t *piece)
{
    const segj_copy_source_t *source = piece->source;
    segj_copy_target_t *target = piece->copying->target;
    segj_fixed_t fixed = {.version = source->version, .salt = source->salt, .dictionary = source->dictionary};
    segj_glob_t glob = {.salt = source->salt, .dictionary = source->dictionary, .compressed = source->compressed};
    segj_io_close(&piece->index);
    segj_io_close(&piece->values);
    piece->kept = (segj_point_t){0};
    piece->mark = (segj_mark_t){.valid = false};
    piece->slot = 1;
    segj_status_t status = segj_copy_target_remove(target, source->number);
    if (status == SEGJ_OK)
        status = segj_io_open(&piece->values, &target->values, source->number, SEGJ_OPEN_CREATE, NULL);
    if (status == SEGJ_OK)
        status = segj_io_open(&piece->index, &target->index, source->number, SEGJ_OPEN_CREATE, NULL);
    segj_io_take_properties(&piece->index, &source->index);
    segj_io_take_properties(&piece->values, &source->values);
    glob.handle.file.head = piece->values.head;
    glob.handle.file.sector = fixed.handle.file.sector = piece->values.sector;
    if (status == SEGJ_OK)
        status = segj_glob_write_header(&glob, piece->shared, &piece->values);
    if (status == SEGJ_OK)
        status = segj_fixed_write_header(&fixed, piece->shared, &piece->index);
    return status == SEGJ_OK ? write_dictionary(piece) : status;
}

static segj_status_t piece_written(const segj_copy_piece_t *piece, const segj_io_file_t *file, uint64_t offset,
                                   uint64_t size)
{
    segj_io_write_back(file, offset, size);
    piece->copying->bytes_written += size;
    return segj_copy_tell(piece, size);
}

/* What is stored lies at the same place in both files, so the storage may copy it, and may share its space. */
static segj_status_t write_value_bytes(const segj_copy_piece_t *piece, uint64_t at, size_t size)
{
    segj_copying_t *copying = piece->copying;
    size_t done = 0;
    segj_status_t status = SEGJ_OK;
    if (!copying->by_memory)
        status = segj_copy_source_hand_over(piece->source, at, &piece->values, size, &done);
    if (status == SEGJ_OK && done < size)
        status = segj_copy_source_values(piece->source, at + done, copying->memory[0], size - done);
    copying->by_memory = copying->by_memory || (status == SEGJ_OK && done < size);
    return status == SEGJ_OK && done < size
               ? segj_io_write(&piece->values, piece->values.data + at + done, copying->memory[0], size - done)
               : status;
}

/* Windows end at whole multiples of their size in the file: a storage that shares space shares whole blocks. */
static segj_status_t write_values(const segj_copy_piece_t *piece)
{
    segj_status_t status = SEGJ_OK;
    for (uint64_t at = piece->kept.end; at < piece->end.end && status == SEGJ_OK;) {
        uint64_t offset = piece->values.data + at;
        size_t size = (size_t)segj_min_u64(piece->end.end - at, SEGJ_COPY_WINDOW - offset % SEGJ_COPY_WINDOW);
        status = write_value_bytes(piece, at, size);
        if (status == SEGJ_OK)
            status = piece_written(piece, &piece->values, offset, size);
        at += size;
    }
    return status;
}

/* From the page on in which the kept records end. */
static segj_status_t write_pages(const segj_copy_piece_t *piece)
{
    const segj_shared_t *shared = piece->shared;
    size_t physical = segj_page_physical(shared->page_size);
    uint64_t pages = segj_copy_page_count(shared, piece->end.records);
    segj_status_t status = SEGJ_OK;
    for (uint64_t at = piece->kept.records * shared->record_size / shared->page_size;
         at < pages && status == SEGJ_OK;) {
        size_t count = segj_copy_pages_of_window(shared, pages - at);
        uint64_t offset = piece->index.data + at * physical;
        status = segj_copy_source_pages(piece->source, at, count, piece->copying->memory[0]);
        if (status == SEGJ_OK)
            status = segj_io_write(&piece->index, offset, piece->copying->memory[0], count * physical);
        if (status == SEGJ_OK)
            status = piece_written(piece, &piece->index, offset, count * physical);
        at += count;
    }
    return status;
}

/* W says so. Where it said so before, the same is written once more: whoever wrote it may not have synced it. */
static segj_status_t write_mark(const segj_copy_piece_t *piece)
{
    const segj_fixed_t fixed = {.version = piece->source->version};
    bool again = piece->mark.valid && piece->mark.at.records == piece->end.records;
    unsigned slot = again ? piece->slot : 1u - piece->slot;
    uint64_t sequence = again ? piece->mark.sequence : piece->mark.sequence + 1;
    segj_point_t at = piece->end;
    if (piece->shared->format != SEGJ_FORMAT_NATIVE)
        return SEGJ_OK;
    segj_status_t status = segj_fixed_write_slot(&fixed, &piece->index, slot, at, sequence);
    return status == SEGJ_OK ? segj_io_sync(&piece->index) : status;
}

static uint64_t index_size_of(const segj_copy_piece_t *piece)
{
    return segj_fixed_file_size(piece->shared, piece->index.data, piece->end.records);
}

static uint64_t values_size_of(const segj_copy_piece_t *piece)
{
    const segj_io_file_t *values = &piece->values;
    return values->data + piece->end.end + segj_frame_pad(values->sector, values->data, piece->end.end);
}

/* Cut to their exact length, and durable. */
static segj_status_t finish_piece(const segj_copy_piece_t *piece)
{
    segj_status_t status = segj_io_truncate(&piece->values, piece->values.data + piece->end.end);
    if (status == SEGJ_OK && values_size_of(piece) > piece->values.data + piece->end.end)
        status = segj_io_truncate(&piece->values, values_size_of(piece));
    if (status == SEGJ_OK)
        status = segj_io_truncate(&piece->index, index_size_of(piece));
    if (status == SEGJ_OK)
        status = segj_io_sync(&piece->values);
    if (status == SEGJ_OK)
        status = segj_io_sync(&piece->index);
    return status == SEGJ_OK ? write_mark(piece) : status;
}

/* Whether a complete copy has it as it must be. */
static bool is_kept_whole(const segj_copy_piece_t *piece)
{
    return !piece->copying->target->unfinished && piece->kept.records == piece->end.records &&
           piece->index_size == index_size_of(piece) && piece->values_size == values_size_of(piece);
}

/* Whether its pages are made from its frames. */
static bool is_of_frames(const segj_copy_piece_t *piece)
{
    return piece->source->version == 2 && piece->source->reads->damage != NULL;
}

static segj_status_t bring_up(segj_copy_piece_t *piece, bool *kept)
{
    bool sound = false;
    segj_status_t status = segj_copy_source_point(piece->source, piece->source->records, &piece->end);
    if (status == SEGJ_OK)
        status = segj_copy_piece_open(piece, &sound);
    if (status == SEGJ_OK && sound)
        status = segj_copy_piece_judge(piece, &sound);
    if (status == SEGJ_OK && sound && is_of_frames(piece))
        status = segj_copy_piece_has_page(piece, &sound);
    *kept = status == SEGJ_OK && sound && is_kept_whole(piece);
    if (status != SEGJ_OK || *kept)
        return status;
    status = sound ? segj_copy_target_change(piece->copying->target) : make_piece(piece);
    if (status == SEGJ_OK)
        status = write_values(piece);
    if (status == SEGJ_OK)
        status = is_of_frames(piece) ? segj_copy_piece_frames(piece) : write_pages(piece);
    return status == SEGJ_OK ? finish_piece(piece) : status;
}

segj_status_t segj_copy_section(segj_copying_t *copying, segj_copy_source_t *source, bool *kept)
{
    uint64_t before = copying->bytes_done;
    segj_copy_piece_t piece = {.copying = copying, .source = source, .shared = copying->target->shared, .slot = 1};
    *kept = false;
    segj_status_t status = segj_copy_source_begin(source);
    if (status == SEGJ_OK)
        status = bring_up(&piece, kept);
    segj_io_close(&piece.index);
    segj_io_close(&piece.values);
    segj_copy_source_end(source);
    /* Whatever was compared before it was copied counts once. */
    copying->bytes_done = status == SEGJ_OK ? before + source->bytes : before;
    copying->records_done += status == SEGJ_OK ? source->records : 0;
    return status;
}
