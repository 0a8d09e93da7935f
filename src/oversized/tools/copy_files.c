/*
 * oversized/tools/copy_files.c: see the header. What is read of version 1 counts where no cut has begun or ended since
 * the section was looked at: the numbers of the watermark's slots tell. Of version 2 nothing need be known while it is
 * read, because the frames are checked in the copy (copy_frames.c).
 */
#include "oversized/tools/copy_files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/process.h"
#include "journal/dictionary_file.h"
#include "journal/record_format.h"

/* How often a page is read that is being written, and how the pauses grow, in nanoseconds. */
#define FILES_TRIES 64
#define FILES_PAUSE UINT64_C(10000000)

/* --- slots --- */

segj_status_t segj_copy_slots_read(const segj_io_file_t *index, segj_copy_slots_t *slots)
{
    uint8_t bytes[SEGJ_BLOCK_SIZE + SEGJ_SLOT_SIZE_2] = {0};
    size_t got = 0;
    segj_status_t status = segj_io_read(index, segj_mark_offset(0), bytes, sizeof bytes, &got);
    memcpy(slots->bytes[0], bytes, SEGJ_SLOT_SIZE_2);
    memcpy(slots->bytes[1], bytes + SEGJ_BLOCK_SIZE, SEGJ_SLOT_SIZE_2);
    return status;
}

uint64_t segj_copy_slots_stamp(uint64_t number, const segj_copy_slots_t *slots)
{
    uint64_t sequence = 0;
    bool begun = false;
    for (unsigned slot = 0; slot < 2; slot++) {
        segj_mark_t mark = segj_mark_decode(slots->bytes[slot], number);
        if (!mark.valid)
            continue;
        sequence = segj_max_u64(sequence, mark.sequence);
        begun = begun || segj_mark_is_of_begun_cut(mark.sequence);
    }
    return 2 * (sequence / SEGJ_MARKS_OF_CUT) + (begun ? 1 : 0);
}

segj_status_t segj_copy_files_named(const segj_io_file_t *file, bool *there)
{
    segj_status_t status = segj_io_refresh(file, false);
    *there = status == SEGJ_OK;
    return status == SEGJ_ERR_IO && segj_last_errno() == ESTALE ? SEGJ_OK : status;
}

/* Version 1: SEGJ_END where the section is another one by now, or was cut. */
static segj_status_t files_check(const segj_copy_source_t *source)
{
    segj_copy_slots_t slots;
    bool there = false;
    segj_status_t status = segj_copy_files_named(&source->index, &there);
    if (status == SEGJ_OK && there)
        status = segj_copy_slots_read(&source->index, &slots);
    if (status != SEGJ_OK)
        return status;
    return there && segj_copy_slots_stamp(source->number, &slots) == source->stamp ? SEGJ_OK : SEGJ_END;
}

/* After something was read: whether it counts. */
static segj_status_t files_leave(const segj_copy_source_t *source, segj_status_t status, bool whole)
{
    if (status == SEGJ_OK && source->version == 1)
        status = files_check(source);
    return status == SEGJ_OK && !whole ? SEGJ_END : status;
}

/* --- opening --- */

/* Version 2: the index file, of a section with that salt. SEGJ_END: it is not there. */
static segj_status_t files_open_index(segj_copy_source_t *source, segj_io_file_t *index)
{
    uint8_t block[SEGJ_BLOCK_SIZE];
    segj_identity_t identity;
    const char *why;
    size_t got = 0;
    bool missing = false;
    segj_status_t status = segj_io_open(index, source->index.partition, source->number, SEGJ_OPEN_READ, &missing);
    segj_io_take_properties(index, &source->index);
    if (status == SEGJ_OK && missing)
        return SEGJ_END;
    if (status == SEGJ_OK)
        status = segj_io_refresh(index, false);
    if (status == SEGJ_ERR_IO && segj_last_errno() == ESTALE)
        return SEGJ_END;
    if (status == SEGJ_OK)
        status = segj_io_read(index, 0, block, sizeof block, &got);
    if (status != SEGJ_OK)
        return status;
    bool same = segj_identity_decode(block, got, &identity, &why) == SEGJ_HEADER_VALID && identity.version == 2 &&
                identity.salt == source->salt;
    return same ? SEGJ_OK : SEGJ_END;
}

static segj_status_t files_open_values(const segj_copy_source_t *source, segj_io_file_t *values)
{
    bool missing = false;
    segj_status_t status = segj_io_open(values, source->values.partition, source->number, SEGJ_OPEN_READ, &missing);
    segj_io_take_properties(values, &source->values);
    if (status == SEGJ_OK && missing)
        return SEGJ_END;
    if (status == SEGJ_OK)
        status = segj_io_refresh(values, false);
    return status == SEGJ_ERR_IO && segj_last_errno() == ESTALE ? SEGJ_END : status;
}

static segj_status_t files_begin(segj_copy_source_t *source)
{
    segj_io_file_t values = source->values;
    segj_status_t status = SEGJ_OK;
    if (source->version == 2) {
        segj_io_file_t index = source->index;
        status = files_open_index(source, &index);
        source->index = index;
    }
    if (status == SEGJ_OK)
        status = files_open_values(source, &values);
    source->values = values;
    /* The index loses its name first, so what has been opened is of one section if it still has that. */
    return files_leave(source, status, true);
}

static void files_end(segj_copy_source_t *source)
{
    segj_io_close(&source->values);
    if (source->version == 2)
        segj_io_close(&source->index);
}

void segj_copy_files_drop(segj_copy_source_t *source)
{
    segj_io_close(&source->values);
    segj_io_close(&source->index);
}

/* --- reading --- */

static segj_status_t files_values(const segj_copy_source_t *source, uint64_t offset, void *to, size_t size)
{
    size_t got = 0;
    segj_status_t status = segj_io_read(&source->values, source->values.data + offset, to, size, &got);
    return files_leave(source, status, got == size);
}

static segj_status_t files_hand_over(const segj_copy_source_t *source, uint64_t offset, const segj_io_file_t *to,
                                     size_t size, size_t *done)
{
    return files_leave(source, segj_io_copy(&source->values, to, to->data + offset, size, done), true);
}

/* As it is, where it is right in neither file. */
static segj_status_t files_dictionary(const segj_copy_source_t *source, uint8_t *to)
{
    bool right = false;
    segj_status_t status = segj_dictionary_read(&source->index, SEGJ_KIND_INDEX, source->dictionary, to, &right);
    if (status == SEGJ_OK && !right) {
        memset(to, 0, source->dictionary.size);
        status = segj_dictionary_read(&source->values, SEGJ_KIND_VALUES, source->dictionary, to, &right);
    }
    return files_leave(source, status, true);
}

/* Bytes of a page that are wanted. */
static uint16_t files_wanted(const segj_copy_source_t *source, uint64_t page)
{
    const segj_shared_t *shared = &source->journal->shared;
    return (uint16_t)segj_min_u64(source->records * shared->record_size - page * shared->page_size, shared->page_size);
}

/* How many pages have what is wanted of them, from the first one on. */
static size_t files_count_whole(const segj_copy_source_t *source, uint64_t first, size_t count, const uint8_t *pages)
{
    const segj_shared_t *shared = &source->journal->shared;
    size_t physical = segj_page_physical(shared->page_size);
    size_t whole = 0;
    while (whole < count && segj_page_verify(shared->checksum, pages + whole * physical, shared->page_size,
                                             source->index.binding, first + whole)
                                    .length >= files_wanted(source, first + whole))
        whole++;
    return whole;
}

/* A page that the writer is writing is whole a moment later. */
static segj_status_t files_read_pages(const segj_copy_source_t *source, uint64_t first, size_t count, uint8_t *to)
{
    size_t physical = segj_page_physical(source->journal->shared.page_size);
    uint64_t pause = 1000;
    size_t whole = 0;
    for (int i = 0; i < FILES_TRIES; i++) {
        size_t got = 0;
        uint64_t offset = source->index.data + (first + whole) * physical;
        segj_status_t status =
            segj_io_read(&source->index, offset, to + whole * physical, (count - whole) * physical, &got);
        whole +=
            status == SEGJ_OK ? files_count_whole(source, first + whole, got / physical, to + whole * physical) : 0;
        status = files_leave(source, status, true);
        if (status != SEGJ_OK || whole == count)
            return status;
        segj_process_sleep(pause);
        pause = segj_min_u64(2 * pause, FILES_PAUSE);
    }
    return segj_io_fail(SEGJ_ERR_CORRUPT, &source->index, source->index.data + (first + whole) * physical,
                        "page %llu is damaged", (unsigned long long)(first + whole));
}

static segj_status_t files_pages(const segj_copy_source_t *source, uint64_t first, size_t count, uint8_t *to)
{
    const segj_shared_t *shared = &source->journal->shared;
    size_t physical = segj_page_physical(shared->page_size);
    segj_status_t status = files_read_pages(source, first, count, to);
    uint16_t length = files_wanted(source, first + count - 1);
    if (status == SEGJ_OK && length < shared->page_size)
        (void)segj_page_complete(shared->checksum, to + (count - 1) * physical, shared->page_size,
                                 source->index.binding, first + count - 1, length, (segj_page_state_t){0, 0, 0});
    return status;
}

/* Version 1: the place of a record's value, which may lie in two pages and more. */
static segj_status_t files_read_location(const segj_copy_source_t *source, uint64_t record,
                                         oversized_location_t *location)
{
    const segj_shared_t *shared = &source->journal->shared;
    uint8_t bytes[OVERSIZED_LOCATION_SIZE];
    size_t physical = segj_page_physical(shared->page_size);
    uint64_t at = (record + 1) * shared->record_size - sizeof bytes;
    uint8_t *page = malloc(physical);
    segj_status_t status = page != NULL ? SEGJ_OK : segj_fail_memory(physical);
    for (size_t done = 0; done < sizeof bytes && status == SEGJ_OK;) {
        size_t begin = (size_t)((at + done) % shared->page_size);
        size_t part = (size_t)segj_min_u64(sizeof bytes - done, shared->page_size - begin);
        status = files_read_pages(source, (at + done) / shared->page_size, 1, page);
        if (status == SEGJ_OK)
            memcpy(bytes + done, page + begin, part);
        done += part;
    }
    free(page);
    if (status == SEGJ_OK)
        *location = segj_location_decode(bytes);
    return status;
}

static segj_status_t files_point(const segj_copy_source_t *source, uint64_t records, segj_point_t *at)
{
    oversized_location_t location;
    uint8_t trailer[SEGJ_FRAME_TRAILER];
    *at = (segj_point_t){0};
    if (records == source->records && source->version == 2)
        *at = source->noted;
    if (records == 0 || source->version == 2)
        return SEGJ_OK;
    segj_status_t status = files_read_location(source, records - 1, &location);
    if (status != SEGJ_OK)
        return status;
    if (!segj_location_end(0, location, source->noted.end, &at->end))
        return segj_io_fail(SEGJ_ERR_CORRUPT, &source->index, source->index.data,
                            "the place of the value of record %llu is none", (unsigned long long)(records - 1));
    status = files_values(source, at->end - sizeof trailer, trailer, sizeof trailer);
    at->records = records;
    at->trailer = segj_get_u32(trailer);
    return status;
}

/* --- damage --- */

/* Whether both files have the same bytes of values from one place to another. */
static segj_status_t files_compare(const segj_copy_source_t *source, const segj_io_file_t *copy, uint64_t from,
                                   uint64_t to, uint8_t *memory, bool *same)
{
    segj_status_t status = SEGJ_OK;
    for (*same = true; from < to && *same && status == SEGJ_OK;) {
        size_t size = (size_t)segj_min_u64(to - from, SEGJ_COPY_PIECE);
        size_t got = 0;
        status = segj_io_read(&source->values, source->values.data + from, memory, size, &got);
        if (status == SEGJ_OK)
            status = segj_io_read(copy, copy->data + from, memory + SEGJ_COPY_PIECE, size, NULL);
        *same = status == SEGJ_OK && got == size && memcmp(memory, memory + SEGJ_COPY_PIECE, size) == 0;
        from += size;
    }
    return status;
}

/* Whether a watermark that the log confirms covers so many records. */
static segj_status_t files_is_covered(const segj_copy_source_t *source, const segj_copy_slots_t *slots,
                                      uint64_t records, bool *covered)
{
    segj_status_t status = SEGJ_OK;
    *covered = false;
    for (unsigned slot = 0; slot < 2 && !*covered && status == SEGJ_OK; slot++) {
        uint8_t trailer[SEGJ_FRAME_TRAILER] = {0};
        size_t got = 0;
        segj_mark_t mark = segj_mark_decode_2(slots->bytes[slot], source->index.binding, slot);
        if (!mark.valid || mark.at.records < records || mark.at.end < sizeof trailer)
            continue;
        status = segj_io_read(&source->values, source->values.data + mark.at.end - sizeof trailer, trailer,
                              sizeof trailer, &got);
        *covered = status == SEGJ_OK && got == sizeof trailer && segj_get_u32(trailer) == mark.at.trailer;
    }
    return status;
}

/* A cut at or below a watermark changes a slot before it takes anything, and clears the other one before anything comes
 * in its place. So what a watermark covers, and has the same wrong bytes between two looks at the same slots, is
 * damaged. */
static segj_status_t files_damage(const segj_copy_source_t *source, const segj_io_file_t *copy, segj_point_t before,
                                  uint64_t end, uint8_t *memory)
{
    segj_copy_slots_t slots[2];
    bool same = false;
    bool covered = false;
    segj_status_t status = segj_copy_slots_read(&source->index, &slots[0]);
    if (status == SEGJ_OK)
        status = files_compare(source, copy, before.end, end, memory, &same);
    if (status == SEGJ_OK)
        status = files_is_covered(source, &slots[0], before.records + 1, &covered);
    if (status == SEGJ_OK)
        status = segj_copy_slots_read(&source->index, &slots[1]);
    if (status != SEGJ_OK)
        return status;
    bool sure = covered && memcmp(&slots[0], &slots[1], sizeof slots[0]) == 0;
    return same && (sure || source->damaged) ? SEGJ_OK : SEGJ_END;
}

const segj_copy_reads_t segj_copy_files_reads = {.begin = files_begin,
                                                 .end = files_end,
                                                 .point = files_point,
                                                 .dictionary = files_dictionary,
                                                 .values = files_values,
                                                 .hand_over = files_hand_over,
                                                 .pages = files_pages,
                                                 .damage = files_damage};

/* --- the end --- */

segj_status_t segj_copy_files_current(const segj_copy_source_t *source, bool *current)
{
    segj_copy_source_t now = *source;
    uint8_t trailer[SEGJ_FRAME_TRAILER] = {0};
    size_t got = sizeof trailer;
    segj_status_t status = SEGJ_OK;
    *current = false;
    if (source->version == 1) {
        status = files_check(source);
    } else {
        now.index = segj_io_like(&source->index);
        now.values = segj_io_like(&source->values);
        status = files_begin(&now);
        if (status == SEGJ_OK && source->records > 0)
            status = segj_io_read(&now.values, now.values.data + source->noted.end - sizeof trailer, trailer,
                                  sizeof trailer, &got);
        files_end(&now);
    }
    *current = status == SEGJ_OK && got == sizeof trailer &&
               (source->version == 1 || source->records == 0 || segj_get_u32(trailer) == source->noted.trailer);
    return status == SEGJ_END ? SEGJ_OK : status;
}
