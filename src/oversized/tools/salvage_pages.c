/*
 * oversized/tools/salvage_pages.c: sections whose records are in the index: those whose pages are valid, with the
 * values at which they point.
 */
#include "journal/record_format.h"
#include "oversized/tools/index_reader.h"
#include "oversized/tools/salvage_section.h"

typedef struct pages_walk {
    segj_salvage_work_t *work;
    const segj_salvage_section_t *place;
    segj_index_reader_t reader;
    uint64_t missing;  /* the first of the records before this one that are not there; OVERSIZED_UNKNOWN */
    uint64_t end;      /* of the last frame that is known, within the file */
    bool chained;      /* the record before this one is there, and its frame */
    uint64_t expected; /* ends here, within the file or not */
} pages_walk_t;

static void pages_say_lost(const pages_walk_t *walk, uint64_t record)
{
    const segj_salvage_input_t *index = &walk->work->index;
    uint64_t page = record * walk->reader.record_size / walk->reader.page_size;
    segj_io_say(&index->file, index->file.data + page * (walk->reader.page_size + 12u),
                "index page %llu is damaged or missing, with record %llu in it", (unsigned long long)page,
                (unsigned long long)record);
}

/* Records that are not there, up to `last`, and the bytes up to `end`, which begins the next record's frame. */
static segj_status_t pages_pass(pages_walk_t *walk, uint64_t first, uint64_t last, uint64_t end)
{
    segj_salvage_work_t *work = walk->work;
    uint64_t position = first;
    uint64_t at = walk->end;
    segj_status_t status = SEGJ_OK;
    end = segj_min_u64(end, work->values.length);
    if (walk->place->guess->version == 1)
        status = segj_salvage_frames(work, walk->place->guess->binding, end, &position, &at);
    if (status != SEGJ_OK || (last != OVERSIZED_UNKNOWN && position > last))
        return status;
    if (last == OVERSIZED_UNKNOWN && position > first && segj_salvage_input_is_zero(&work->values, at))
        return SEGJ_OK; /* the last frame ends the file */
    if (position < walk->reader.records || last != OVERSIZED_UNKNOWN)
        pages_say_lost(walk, position);
    else
        segj_io_say(&work->values.file, work->values.file.data + at, "the index has no record of these bytes");
    return segj_salvage_work_lose(work, position, last, at, end - segj_min_u64(at, end), SEGJ_ERR_CORRUPT);
}

/* Whether a record can follow the one before: frames are back to back, and those of the commonware format in their
 * order. Else records are not as large as was trusted, or the page is left from before. */
static bool pages_follows(pages_walk_t *walk, oversized_location_t location)
{
    bool native = walk->place->guess->version != 0;
    bool right = !walk->chained || (native ? location.offset == walk->expected : location.offset >= walk->expected);
    walk->chained = true;
    if (!segj_location_end(0, location, UINT64_MAX, &walk->expected))
        walk->expected = UINT64_MAX;
    return right;
}

static segj_status_t pages_value(pages_walk_t *walk, uint64_t record, oversized_location_t location)
{
    segj_salvage_work_t *work = walk->work;
    const segj_guess_t *guess = walk->place->guess;
    const segj_io_file_t *file = &work->values.file;
    segj_frame_t frame = {.offset = location.offset, .payload = location.offset};
    uint64_t end;
    if (!pages_follows(walk, location)) {
        segj_io_say(file, file->data + location.offset,
                    "the value of record %llu does not begin where that of the one before ends",
                    (unsigned long long)record);
        return segj_salvage_work_lose(work, record, record, location.offset, 0, SEGJ_ERR_CORRUPT);
    }
    if (!segj_location_end(0, location, work->values.length, &end)) {
        segj_io_say(file, file->data + location.offset,
                    "the frame of %u bytes of record %llu lies beyond the file's end", (unsigned)location.size,
                    (unsigned long long)record);
        if (location.offset >= walk->end) /* what is there of it is no other record's */
            walk->end = work->values.length;
        return segj_salvage_work_lose(work, record, record, location.offset, 0, SEGJ_ERR_RANGE);
    }
    walk->end = end;
    frame.size = location.size - SEGJ_FRAME_TRAILER;
    frame.checksum = guess->version == 0 ? SEGJ_CHECKSUM_PLAIN : SEGJ_CHECKSUM_PLACED;
    frame.begun = segj_checksum_begin(frame.checksum, guess->binding, location.offset);
    if (segj_salvage_work_verify(work, &frame, NULL))
        return segj_salvage_work_take(work, walk->reader.record, &frame, record);
    segj_io_say(file, file->data + location.offset, "the value of %llu bytes of record %llu has a wrong checksum",
                (unsigned long long)frame.size, (unsigned long long)record);
    return segj_salvage_work_lose(work, record, record, location.offset, location.size, SEGJ_ERR_CHECKSUM);
}

static segj_status_t pages_records(pages_walk_t *walk)
{
    segj_status_t status = SEGJ_OK;
    for (uint64_t i = 0; i < walk->reader.records && status == SEGJ_OK; i++) {
        oversized_location_t location;
        if (!segj_index_reader_read(&walk->reader, i, &location)) {
            if (walk->missing == OVERSIZED_UNKNOWN)
                walk->missing = i;
            walk->chained = false;
            continue;
        }
        if (walk->missing != OVERSIZED_UNKNOWN) {
            status = pages_pass(walk, walk->missing, i - 1, location.offset);
            walk->missing = OVERSIZED_UNKNOWN;
        }
        if (status == SEGJ_OK)
            status = pages_value(walk, i, location);
    }
    return status;
}

/* What comes after the last record that is there. */
static segj_status_t pages_rest(pages_walk_t *walk)
{
    segj_salvage_work_t *work = walk->work;
    uint64_t synced = walk->place->synced;
    uint64_t first = walk->missing != OVERSIZED_UNKNOWN ? walk->missing : walk->reader.records;
    bool counted = synced != OVERSIZED_UNKNOWN && synced > first;
    bool bytes = work->values.length > walk->end && !segj_salvage_input_is_zero(&work->values, walk->end);
    if (walk->missing == OVERSIZED_UNKNOWN && !counted && !bytes)
        return SEGJ_OK;
    return pages_pass(walk, first, counted ? synced - 1 : OVERSIZED_UNKNOWN, work->values.length);
}

segj_status_t segj_salvage_pages(segj_salvage_work_t *work, const segj_salvage_section_t *place)
{
    const segj_guess_t *guess = place->guess;
    pages_walk_t walk = {.work = work, .place = place, .missing = OVERSIZED_UNKNOWN, .chained = true};
    segj_status_t status = segj_index_reader_init(&walk.reader, &work->index,
                                                  guess->version == 0 ? SEGJ_CHECKSUM_PLAIN : SEGJ_CHECKSUM_PLACED,
                                                  guess->binding, guess->page_size, guess->record_size);
    if (status == SEGJ_OK)
        status = pages_records(&walk);
    if (status == SEGJ_OK)
        status = pages_rest(&walk);
    segj_index_reader_free(&walk.reader);
    return status;
}
